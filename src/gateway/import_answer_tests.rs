use super::*;
use crate::gateway::import_results::{read, refuses};

fn judged(inner: &str) -> DryRunAnswer {
    let text = format!("<dp:import xmlns:dp=\"urn:dp\">{inner}</dp:import>");
    let document = roxmltree::Document::parse(&text).expect("XML");
    judge_dry_run(&read(document.root_element()), "DOM1", &names())
}

fn results(inner: &str) -> String {
    format!(
        "<import-results domain=\"DOM1\"><export-details><domain>DOM1</domain></export-details>{inner}</import-results>"
    )
}

/// The names of a backup that these answers are about.
fn names() -> BackupNames {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    BackupNames {
        objects: [("XMLManager".to_owned(), "default".to_owned())].into(),
        files: set(&["local:///a.xsl"]),
        missing: set(&["local:///gone.xsl"]),
        listed: set(&[
            "cert:///k.pem",
            "local:///a.xsl",
            "local:///b.xsl",
            "local:///b",
            "local:///gone.xsl",
        ]),
    }
}

const FILES: &str = "<imported-files><file name=\"cert:///k.pem\" src=\"cert/k.pem\" status=\"missing-key\" overwrite=\"on\"/>\
    <file name=\"local:///a.xsl\" src=\"local/a.xsl\" status=\"same\" overwrite=\"on\"/></imported-files>";
const OBJECTS: &str = "<imported-objects><object class=\"XMLManager\" name=\"default\" status=\"exists\" \
    import-debug=\"false\" overwrite=\"on\"/></imported-objects>";

fn refused(inner: &str) -> String {
    match judged(&results(&format!("{FILES}{OBJECTS}{inner}"))) {
        DryRunAnswer::WouldFail { refused, .. } => refused.join("|"),
        other => panic!("{other:?}"),
    }
}

fn not_known(inner: &str) -> String {
    match judged(inner) {
        DryRunAnswer::NotKnown(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_word_for_a_failure_counts_wherever_it_stands() {
    let fine = results(&format!("{FILES}{OBJECTS}"));
    for (inner, told) in [
        (
            results(&format!("{FILES}{}", OBJECTS.replace("\"exists\"", "\"error\""))),
            "XMLManager default: error",
        ),
        (
            results(&format!("{}{OBJECTS}", FILES.replace("\"same\"", "\"ERROR\""))),
            "local:///a.xsl: ERROR",
        ),
        (
            format!("{fine}<detected-errors>true</detected-errors>"),
            "detected errors",
        ),
    ] {
        match judged(&inner) {
            DryRunAnswer::WouldFail { refused, .. } => {
                assert!(refused.join("|").contains(told), "{refused:?}");
            }
            other => panic!("{inner}: {other:?}"),
        }
    }
    let beside = |other: &str| {
        let text = format!(
            "<dp:response xmlns:dp=\"urn:dp\"><dp:timestamp/><dp:import>{fine}</dp:import>{other}</dp:response>"
        );
        let document = roxmltree::Document::parse(&text).expect("XML");
        let import = document
            .descendants()
            .find(|node| node.has_tag_name(("urn:dp", "import")));
        judge_dry_run(&read(import.expect("an import")), "DOM1", &names())
    };
    assert!(matches!(beside(""), DryRunAnswer::WouldWork { .. }));
    assert!(matches!(
        beside("<dp:result>OK</dp:result>"),
        DryRunAnswer::WouldWork { .. }
    ));
    for other in [
        "<dp:result>ERROR</dp:result>",
        "<dp:import/>",
        "<Fault>Import failed.</Fault>",
    ] {
        assert!(matches!(beside(other), DryRunAnswer::WouldFail { .. }), "{other}");
    }
}

#[test]
fn a_dry_run_would_work_where_the_objects_are_compared_and_nothing_speaks_against_them() {
    let would_work = DryRunAnswer::WouldWork {
        missing_keys: vec!["cert:///k.pem".to_owned()],
    };
    for tail in [
        "",
        "<file-copy-log/><exec-script-results/>",
        "<detected-errors>false</detected-errors><imported-debug/>",
        "<file-copy-log><file-result name=\"local:///a.xsl\" result=\"ignored\"><reason>Identical file exists</reason>\
         </file-result></file-copy-log><exec-script-results><cfg-result class=\"XMLManager\" name=\"default\" \
         status=\"SUCCESS\"/></exec-script-results>",
    ] {
        assert_eq!(
            judged(&results(&format!("{FILES}{OBJECTS}{tail}"))),
            would_work,
            "{tail}"
        );
    }
}

#[test]
fn a_word_that_nobody_has_seen_counts_as_not_known() {
    let with = |from: &str, to: &str| results(&format!("{FILES}{OBJECTS}").replace(from, to));
    for word in ["new", "modified", "exists", "internal"] {
        let file = judged(&with("\"same\"", &format!("\"{word}\"")));
        assert!(matches!(file, DryRunAnswer::WouldWork { .. }), "{word}: {file:?}");
    }
    for word in [
        "touched",
        "refused",
        "too-large",
        "not-copied",
        "read-only",
        "missing",
    ] {
        let told = not_known(&with("\"same\"", &format!("\"{word}\"")));
        assert!(told.contains(word), "{word}: {told}");
    }
    for word in ["off", "OFF", "false", "0", "no", "never"] {
        let told = not_known(&with("overwrite=\"on\"", &format!("overwrite=\"{word}\"")));
        assert!(told.contains("not to be overwritten"), "{word}: {told}");
    }
    for (from, to) in [
        ("\"exists\"", "\"skipped\""),
        (
            "\"exists\"",
            "\"Import skipped due to deployment policy filter statement\"",
        ),
        ("\"exists\"", "\"perhaps\""),
        ("\"same\"", "\"skipped\""),
    ] {
        let told = not_known(&with(from, to));
        assert!(told.contains(to.trim_matches('"')), "{to}: {told}");
    }
}

#[test]
fn a_file_that_the_gateway_did_not_have_is_no_failure_and_any_other_that_is_not_there_is() {
    let with = |name: &str| {
        let row = format!(
            "<file name=\"{name}\" src=\"\" status=\"missing-file\" overwrite=\"on\"/></imported-files>"
        );
        judged(&results(
            &format!("{FILES}{OBJECTS}").replace("</imported-files>", &row),
        ))
    };
    let known = with("local:///gone.xsl");
    assert!(matches!(known, DryRunAnswer::WouldWork { .. }), "{known:?}");
    let lost = with("local:///b.xsl");
    let told = "local:///b.xsl: the device does not find it in the archive";
    assert!(
        matches!(&lost, DryRunAnswer::WouldFail { refused, .. } if *refused == [told]),
        "{lost:?}"
    );
}

#[test]
fn an_answer_that_tells_of_another_domain_too_is_not_known() {
    let own = results(&format!("{FILES}{OBJECTS}"));
    let cfg = "<exec-script-results><cfg-result class=\"XMLManager\" name=\"x\" status=\"SUCCESS\"/></exec-script-results>";
    let copied = "<file-copy-log><file-result name=\"local:///x\" result=\"OK\"/></file-copy-log>";
    let file = "<imported-files><file name=\"local:///x\" src=\"x\" status=\"new\"/></imported-files>";
    for (domain, inner) in [
        ("default", cfg),
        ("DOM2", cfg),
        ("default", copied),
        ("DOM2", copied),
        ("DOM2", file),
        ("default", file),
        ("DOM2", ""),
    ] {
        let other = format!("<import-results domain=\"{domain}\">{inner}</import-results>");
        let told = not_known(&format!("{own}{other}"));
        let about = format!("about the domain \"{domain}\" too");
        assert!(told.contains(&about), "{domain} {inner}: {told}");
    }
    let around = "<import-results domain=\"default\"><imported-files><file name=\"dp-aux/a\" src=\"dp-aux/a\" \
                  status=\"internal\"/></imported-files><imported-objects><object class=\"Domain\" name=\"DOM1\" \
                  status=\"exists\"/></imported-objects></import-results>";
    let known = judged(&format!("{own}{around}"));
    assert!(matches!(known, DryRunAnswer::WouldWork { .. }), "{known:?}");
}

#[test]
fn a_section_that_nobody_knows_counts_where_it_says_something() {
    let with = |section: &str| judged(&results(&format!("{FILES}{OBJECTS}{section}")));
    assert!(matches!(with("<warnings/>"), DryRunAnswer::WouldWork { .. }));
    let told = with("<warnings><warning>Import: No domain access.</warning></warnings>");
    assert!(
        matches!(&told, DryRunAnswer::NotKnown(why) if why.contains("No domain access")),
        "{told:?}"
    );
}

#[test]
fn the_archive_around_a_domain_may_be_told_of_and_another_domain_may_not() {
    let own = results(&format!("{FILES}{OBJECTS}"));
    let outer = |object: &str| {
        format!(
            "<import-results domain=\"default\"><imported-objects>{object}</imported-objects></import-results>"
        )
    };
    for object in ["", "<object class=\"Domain\" name=\"DOM1\" status=\"exists\"/>"] {
        let both = judged(&format!("{}{own}", outer(object)));
        assert!(
            matches!(both, DryRunAnswer::WouldWork { .. }),
            "{object}: {both:?}"
        );
    }
    let failed = outer("<object class=\"Domain\" name=\"DOM1\" status=\"error\"/>");
    let failed = judged(&format!("{failed}{own}"));
    assert!(matches!(failed, DryRunAnswer::WouldFail { .. }), "{failed:?}");
    let touched = outer("<object class=\"User\" name=\"admin\" status=\"exists\"/>");
    assert!(not_known(&format!("{own}{touched}")).contains("about the domain \"default\" too"));
}

#[test]
fn what_a_dry_run_refuses_is_named_with_the_devices_own_words() {
    for (tail, told) in [
        (
            "<exec-script-results><cfg-result class=\"MultiProtocolGateway\" name=\"mpg1\" status=\"ERROR\">\
             <error>No such\n policy</error></cfg-result></exec-script-results>",
            "MultiProtocolGateway mpg1: ERROR, \"No such policy\"",
        ),
        (
            "<exec-script-results><cfg-result class=\"X\" name=\"y\" status=\"FAIL\"/></exec-script-results>",
            "X y: FAIL",
        ),
        (
            "<file-copy-log><file-result name=\"local:///a.xsl\" result=\"ERROR\"><reason>full</reason>\
             </file-result></file-copy-log>",
            "local:///a.xsl: ERROR, \"full\"",
        ),
        (
            "<detected-errors><error>0x81000683</error></detected-errors>",
            "the device says that it detected errors: \"0x81000683\"",
        ),
        (
            "<detected-errors/>",
            "the device says that it detected errors: \"\"",
        ),
        (
            "<imported-files><file name=\"local:///b\" status=\"missing-file\"/></imported-files>",
            "local:///b: the device does not find it in the archive",
        ),
    ] {
        assert_eq!(refused(tail), told);
    }
}

#[test]
fn an_answer_that_is_empty_or_not_understood_is_not_known() {
    for (inner, told) in [
        (String::new(), "holds no results"),
        (
            "<deployment-summary state=\"accepted\"/>".to_owned(),
            "holds no results",
        ),
        ("<import-results domain=\"DOM1\"/>".to_owned(), "names no object"),
        (results(FILES), "names no object"),
        (
            results(OBJECTS).replace("\"DOM1\"", "\"DOM2\""),
            "about the domain \"DOM2\"",
        ),
        (results(OBJECTS).repeat(2), "about the domain twice"),
        (
            results(&format!(
                "{OBJECTS}<exec-script-results><cfg-result class=\"X\" name=\"y\" status=\"PENDING\"/></exec-script-results>"
            )),
            "not understood: X y: PENDING",
        ),
    ] {
        let why = not_known(&inner);
        assert!(why.contains(told), "{why}");
    }
}

#[test]
fn an_answer_with_endless_reasons_is_told_in_so_many() {
    let rows = "<cfg-result class=\"X\" name=\"y\" status=\"ERROR\"/>".repeat(MOST + 7);
    let told = refused(&format!("<exec-script-results>{rows}</exec-script-results>"));
    assert!(told.ends_with("|and 7 more"), "{told}");
}

fn imported(inner: &str) -> ImportAnswer {
    let text = format!("<dp:import xmlns:dp=\"urn:dp\">{inner}</dp:import>");
    let document = roxmltree::Document::parse(&text).expect("XML");
    judge_import(&read(document.root_element()), "DOM1", &names())
}

const CARRIED_OUT: &str = "<file-copy-log><file-result name=\"local:///a.xsl\" result=\"ignored\"><reason>Identical file \
     exists</reason></file-result><file-result name=\"local:///b.xsl\" result=\"OK\"><reason/></file-result></file-copy-log>\
     <exec-script-results><cfg-result class=\"XMLManager\" name=\"default\" status=\"SUCCESS\"/></exec-script-results>";

#[test]
fn an_import_is_done_where_each_object_and_file_is_said_to_be_carried_out() {
    for tail in ["", "<detected-errors>false</detected-errors><imported-debug/>"] {
        let answer = imported(&results(&format!("{FILES}{OBJECTS}{CARRIED_OUT}{tail}")));
        let done = ImportAnswer::Done {
            objects: 1,
            missing_keys: vec!["cert:///k.pem".to_owned()],
        };
        assert_eq!(answer, done);
    }
}

#[test]
fn whatever_is_not_said_to_be_carried_out_has_failed() {
    let all = || format!("{FILES}{OBJECTS}{CARRIED_OUT}");
    let cfg = "<cfg-result class=\"XMLManager\" name=\"default\" status=\"SUCCESS\"/>";
    for (inner, told) in [
        (
            all().replace(
                "status=\"SUCCESS\"/>",
                "status=\"ERROR\">no such thing</cfg-result>",
            ),
            "XMLManager default: ERROR, \"no such thing\"",
        ),
        (all().replace("\"OK\"", "\"ERROR\""), "local:///b.xsl: ERROR"),
        (
            all().replace(
                "</imported-objects>",
                "<object class=\"X\" name=\"y\" status=\"new\"/></imported-objects>",
            ),
            "X y: the device does not say what became of it|X y: not in the backup",
        ),
        (
            all().replace(
                cfg,
                &format!("{cfg}<cfg-result class=\"X\" name=\"y\" status=\"SUCCESS\"/>"),
            ),
            "X y: carried out, and not among the objects that the device has found in the backup",
        ),
        (
            all().replace(cfg, &format!("{cfg}{cfg}")),
            "XMLManager default: carried out more often than the device has found it in the backup",
        ),
        (
            all().replace("import-debug=\"false\" overwrite=\"on\"", "overwrite=\"off\""),
            "XMLManager default: not to be overwritten",
        ),
        (
            all().replace(" name=\"default\"", " name=\"other\""),
            "XMLManager default: not named|XMLManager other: not in the backup",
        ),
        (
            all() + "<detected-errors>true</detected-errors>",
            "the device says that it detected errors: \"true\"",
        ),
        (
            all().replace("missing-key", "missing-file"),
            "cert:///k.pem: the device does not find it in the archive",
        ),
    ] {
        match imported(&results(&inner)) {
            ImportAnswer::Failed { refused, not_told } => {
                assert_eq!([refused, not_told].concat().join("|"), told);
            }
            other => panic!("{told}: {other:?}"),
        }
    }
}

#[test]
fn a_word_of_an_import_that_is_not_understood_does_not_even_tell_that_it_is_over() {
    let all = || format!("{FILES}{OBJECTS}{CARRIED_OUT}");
    for (inner, told) in [
        (all().replace("\"SUCCESS\"", "\"\""), "XMLManager default: "),
        (
            all().replace("\"SUCCESS\"", "\"success\""),
            "XMLManager default: success",
        ),
        (
            all().replace("\"SUCCESS\"", "\"PENDING\""),
            "XMLManager default: PENDING",
        ),
        (all().replace("\"OK\"", "\"skipped\""), "local:///b.xsl: skipped"),
    ] {
        match imported(&results(&inner)) {
            ImportAnswer::NotKnown(why) => assert!(why.ends_with(told), "{why}"),
            other => panic!("{told}: {other:?}"),
        }
    }
}

#[test]
fn a_dry_run_is_not_known_where_it_is_not_about_all_that_the_backup_has_and_nothing_else() {
    let good = || format!("{FILES}{OBJECTS}");
    let user = "<object class=\"User\" name=\"admin\" status=\"new\" overwrite=\"on\"/></imported-objects>";
    let file = "<file name=\"local:///a.xsl\" src=\"local/a.xsl\" status=\"same\" overwrite=\"on\"/>";
    for (inner, told) in [
        (
            good().replace(" name=\"default\"", " name=\"other\""),
            "XMLManager default: not named, XMLManager other: not in the backup",
        ),
        (good().replace(file, ""), "local:///a.xsl: not named"),
        (
            good().replace("</imported-objects>", user),
            "User admin: not in the backup",
        ),
        (
            good().replace("local:///a.xsl", "local:///z.xsl"),
            "local:///a.xsl: not named, local:///z.xsl: not in the backup",
        ),
        (
            good().replace(
                "status=\"same\" overwrite=\"on\"",
                "status=\"modified\" overwrite=\"off\"",
            ),
            "local:///a.xsl: not to be overwritten",
        ),
        (
            good().replace("import-debug=\"false\" overwrite=\"on\"", "overwrite=\"off\""),
            "XMLManager default: not to be overwritten",
        ),
    ] {
        let why = not_known(&results(&inner));
        assert!(why.ends_with(told), "{told}: {why}");
    }
}

#[test]
fn the_object_of_the_domain_itself_may_be_named_with_those_in_it_and_its_refusal_counts() {
    let object =
        "<object class=\"Domain\" name=\"DOM1\" status=\"exists\" overwrite=\"on\"/></imported-objects>";
    let with_object = |all: &str| all.replace("</imported-objects>", object);
    let dry = format!("{FILES}{OBJECTS}");
    let known = judged(&results(&with_object(&dry)));
    assert!(matches!(known, DryRunAnswer::WouldWork { .. }), "{known:?}");
    let failed = judged(&results(
        &with_object(&dry).replace("\"DOM1\" status=\"exists\"", "\"DOM1\" status=\"error\""),
    ));
    assert!(matches!(failed, DryRunAnswer::WouldFail { .. }), "{failed:?}");
    let other = judged(&results(
        &with_object(&dry).replace("name=\"DOM1\"", "name=\"DOM2\""),
    ));
    assert!(matches!(other, DryRunAnswer::NotKnown(_)), "{other:?}");
    let real = format!("{FILES}{OBJECTS}{CARRIED_OUT}");
    let carried_out = |all: &str, status: &str| {
        let row =
            format!("<cfg-result class=\"Domain\" name=\"DOM1\" status=\"{status}\"/></exec-script-results>");
        all.replace("</exec-script-results>", &row)
    };
    for whole in [
        with_object(&real),
        carried_out(&real, "SUCCESS"),
        carried_out(&with_object(&real), "SUCCESS"),
    ] {
        let answer = imported(&results(&whole));
        assert!(
            matches!(answer, ImportAnswer::Done { objects: 1, .. }),
            "{whole}: {answer:?}"
        );
    }
    let answer = imported(&results(&carried_out(&with_object(&real), "ERROR")));
    assert!(matches!(answer, ImportAnswer::Failed { .. }), "{answer:?}");
    let answer = imported(&results(&carried_out(&real, "ERROR")));
    assert!(matches!(answer, ImportAnswer::Failed { .. }), "{answer:?}");
}

#[test]
fn a_sentence_is_a_refusal_only_where_it_says_so() {
    for said in [
        "the device answered: \"ERROR\"",
        "the device answered: \"Import: File system full.\"",
        "the device answered: \"Unable to uncompress export file temporary:///import.zip. Import failed.\"",
        "the device answered: \"domain import failed\"",
        "the device answered: \"Import: No domain access.\"",
    ] {
        assert!(refuses(said), "{said}");
    }
    for said in [
        "the device answered: \"Import scheduled (may take a few minutes to complete).\"",
        "the device answered: \"OK\"",
        "the device answered: \"Import in progress; errors will be logged\"",
        "the device answered: \"\"",
    ] {
        assert!(!refuses(said), "{said}");
    }
}

#[test]
fn an_answer_to_an_import_that_says_of_no_object_what_became_of_it_is_not_known() {
    for (inner, told) in [
        (String::new(), "holds no results"),
        (
            "<import-results domain=\"DOM1\"/>".to_owned(),
            "says of no object",
        ),
        (results(&format!("{FILES}{OBJECTS}")), "says of no object"),
        (
            results(&format!("{FILES}{OBJECTS}<file-copy-log/><exec-script-results/>")),
            "says of no object",
        ),
        (
            results(&format!("{OBJECTS}{CARRIED_OUT}")).replace("\"DOM1\"", "\"default\""),
            "about the domain \"default\"",
        ),
        (
            results(&format!("{OBJECTS}{CARRIED_OUT}")).repeat(2),
            "about the domain twice",
        ),
    ] {
        match imported(&inner) {
            ImportAnswer::NotKnown(why) => assert!(why.contains(told), "{why}"),
            other => panic!("{told}: {other:?}"),
        }
    }
}

/// A good answer, with something in another place, in a whole envelope.
fn enveloped(from: &str, to: &str) -> (DryRunAnswer, ImportAnswer) {
    let done = "<file-copy-log><file-result name=\"local:///a.xsl\" result=\"OK\"/></file-copy-log><exec-script-results>\
                <cfg-result class=\"XMLManager\" name=\"default\" status=\"SUCCESS\"/></exec-script-results>";
    let text = format!(
        "<Envelope><Header/><Body><dp:response xmlns:dp=\"urn:dp\"><dp:timestamp/><dp:import>{}</dp:import></dp:response>\
         </Body></Envelope>",
        results(&format!("{FILES}{OBJECTS}{done}"))
    );
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    let document = roxmltree::Document::parse(&text).expect("XML");
    let import = document
        .descendants()
        .find(|node| node.has_tag_name(("urn:dp", "import")));
    let all = read(import.expect("an import"));
    (
        judge_dry_run(&all, "DOM1", &names()),
        judge_import(&all, "DOM1", &names()),
    )
}

#[test]
fn what_is_said_of_a_failure_in_a_place_where_nothing_is_to_be_said_is_heard() {
    let (tried, done) = enveloped("<Header/>", "<Header/>");
    assert!(matches!(tried, DryRunAnswer::WouldWork { .. }), "{tried:?}");
    assert!(matches!(done, ImportAnswer::Done { .. }), "{done:?}");
    for (from, to) in [
        ("<dp:import>", "<dp:import>Import failed."),
        (
            "<imported-objects>",
            "Import: No domain access.<imported-objects>",
        ),
        (
            "</imported-objects>",
            "Because of permissions, skip to import the configuration.</imported-objects>",
        ),
        (
            "overwrite=\"on\"/></imported-objects>",
            "overwrite=\"on\">cannot be made</object></imported-objects>",
        ),
        (
            "overwrite=\"on\"/></imported-objects>",
            "overwrite=\"on\"><error>0x81</error></object></imported-objects>",
        ),
        ("<file-copy-log>", "<file-copy-log>Import: File system full."),
        ("<exec-script-results>", "<exec-script-results>failed"),
        (
            "status=\"SUCCESS\"/>",
            "status=\"SUCCESS\">the object is down: invalid reference</cfg-result>",
        ),
        (
            "status=\"SUCCESS\"/>",
            "status=\"SUCCESS\"><error code=\"0x81\"/></cfg-result>",
        ),
        ("domain=\"DOM1\"", "domain=\"DOM1\" status=\"failed\""),
        (
            "</import-results>",
            "<detected-errors>false<error code=\"0x83a00098\"/></detected-errors></import-results>",
        ),
        (
            "</import-results>",
            "<detected-errors>false</detected-errors><detected-errors/></import-results>",
        ),
        (
            "</dp:response>",
            "</dp:response><dp:response xmlns:dp=\"urn:dp\"><dp:result>no</dp:result></dp:response>",
        ),
        (
            "</dp:response>",
            "</dp:response><Fault><faultstring>Internal</faultstring></Fault>",
        ),
        ("<Header/>", "<Header><error>Import failed.</error></Header>"),
    ] {
        let (tried, done) = enveloped(from, to);
        assert!(matches!(tried, DryRunAnswer::WouldFail { .. }), "{to}: {tried:?}");
        assert!(matches!(done, ImportAnswer::Failed { .. }), "{to}: {done:?}");
    }
    for (from, to) in [
        ("<dp:import>", "<dp:import>Scheduled."),
        (
            "</import-results>",
            "<imported-debug><m>Import failed: mpg1 invalid</m></imported-debug></import-results>",
        ),
        ("status=\"exists\" import-debug", "import-debug"),
        ("import-debug=\"false\"", "error=\"yes\""),
    ] {
        let (tried, done) = enveloped(from, to);
        assert!(matches!(tried, DryRunAnswer::NotKnown(_)), "{to}: {tried:?}");
        assert!(matches!(done, ImportAnswer::NotKnown(_)), "{to}: {done:?}");
    }
    // It is about another archive.
    let (tried, done) = enveloped("<domain>DOM1</domain>", "<domain>DOM7</domain>");
    assert!(matches!(tried, DryRunAnswer::NotKnown(_)), "{tried:?}");
    assert!(matches!(done, ImportAnswer::Failed { .. }), "{done:?}");
}
