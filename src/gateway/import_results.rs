//! What a device says to an import, dry or real, and what that means.
//!
//! One reply was ever captured, to a real import of firmware 7.5; what a dry run leaves out is
//! not known. So a judgement never rests on what is absent: a dry run would work only where the
//! comparison of objects is there and nothing speaks against it.

use roxmltree::Node;

use crate::soma::reply::{cut, quote};

/// So many reasons are told one by one.
const MOST: usize = 100;

/// A device's own words in a reason are no longer than this.
const LONGEST: usize = 300;

/// What a device says about one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportResults {
    /// The domain.
    pub domain: String,
    /// The files of the archive: name and status.
    pub files: Vec<(String, String)>,
    /// The objects of the archive: `Class name`.
    pub objects: Vec<String>,
    /// What came of files: name, result, reason.
    pub copied: Vec<(String, String, String)>,
    /// What came of objects: `Class name`, status, what is said about it.
    pub executed: Vec<(String, String, String)>,
    /// What newer firmware says of errors, where it says anything but `false`.
    pub detected_errors: Option<String>,
    /// Objects, files, and answers beside all this, of which a word for a failure is told.
    pub failed: Vec<String>,
    /// What is said of objects and files in words that nobody knows, and in sections that nobody knows.
    pub strange: Vec<String>,
}

/// What is said of an object or a file that is in the backup and can be compared. Words of files
/// that nobody has seen yet may be of this kind too; those of objects are known.
const COMPARED: [&str; 8] = [
    "new",
    "exists",
    "same",
    "modified",
    "changed",
    "identical",
    "internal",
    "",
];

/// The sections of results.
const SECTIONS: [&str; 7] = [
    "export-details",
    "imported-files",
    "imported-objects",
    "file-copy-log",
    "exec-script-results",
    "detected-errors",
    "imported-debug",
];

/// What an answer to a dry run means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRunAnswer {
    /// Understood, and nothing in it speaks against the import.
    WouldWork {
        /// Keys that the archive lists and does not hold.
        missing_keys: Vec<String>,
    },
    /// Something in it does.
    WouldFail {
        /// What, one by one.
        refused: Vec<String>,
        /// Keys that the archive lists and does not hold.
        missing_keys: Vec<String>,
    },
    /// Nobody can tell.
    NotKnown(String),
}

/// Reads the payload `dp:import`.
pub fn read(import: Node<'_, '_>) -> Vec<ImportResults> {
    let beside = beside(import);
    let mut all: Vec<ImportResults> = children(import, "import-results").map(results).collect();
    for results in &mut all {
        results.failed.extend(beside.iter().cloned());
    }
    all
}

/// What an answer says of a failure outside of its results: another payload, or errors that were detected.
fn beside(import: Node<'_, '_>) -> Vec<String> {
    let payloads = import
        .parent()
        .into_iter()
        .flat_map(|response| response.children());
    let others = payloads.filter(|node| {
        node.is_element() && *node != import && node.tag_name().name() != "timestamp" && text(*node) != "OK"
    });
    let others = others.map(|node| format!("beside the import it says {}", quote(&text(node))));
    let errors = children(import, "detected-errors").map(text);
    let errors = errors.filter(|told| told != "false");
    let errors = errors.map(|told| format!("the device says that it detected errors: {}", quote(&told)));
    others.chain(errors).collect()
}

fn results(node: Node<'_, '_>) -> ImportResults {
    let below = |section, row| children(node, section).flat_map(move |section| children(section, row));
    let attribute = |node: Node<'_, '_>, name: &str| word(node.attribute(name).unwrap_or_default());
    let object = |node| format!("{} {}", attribute(node, "class"), attribute(node, "name"));
    ImportResults {
        domain: node.attribute("domain").unwrap_or_default().to_owned(),
        files: below("imported-files", "file")
            .map(|row| (attribute(row, "name"), attribute(row, "status")))
            .collect(),
        objects: below("imported-objects", "object").map(object).collect(),
        copied: below("file-copy-log", "file-result")
            .map(|row| (attribute(row, "name"), attribute(row, "result"), text(row)))
            .collect(),
        executed: below("exec-script-results", "cfg-result")
            .map(|row| (object(row), attribute(row, "status"), text(row)))
            .collect(),
        failed: ["imported-objects", "imported-files"]
            .into_iter()
            .flat_map(|section| children(node, section).flat_map(|section| section.children()))
            .filter(|row| is_failure(row.attribute("status").unwrap_or_default()))
            .map(|row| {
                let what = [attribute(row, "class"), attribute(row, "name")].join(" ");
                format!("{}: {}", what.trim_start(), attribute(row, "status"))
            })
            .collect(),
        detected_errors: children(node, "detected-errors")
            .map(text)
            .find(|told| told != "false"),
        strange: strange(node),
    }
}

/// What is said in words, or in sections, that nobody knows.
fn strange(results: Node<'_, '_>) -> Vec<String> {
    let of = |section, is_strange: fn(&str) -> bool| {
        children(results, section)
            .flat_map(|section| section.children().filter(Node::is_element))
            .filter_map(move |row| Some((row, row.attribute("status")?)))
            .filter(move |(_, status)| !is_failure(status) && is_strange(status))
            .map(|(row, status)| {
                let what = ["class", "name"].map(|name| word(row.attribute(name).unwrap_or_default()));
                format!("{}: {}", what.join(" ").trim_start(), word(status))
            })
    };
    let objects = of("imported-objects", |status| !COMPARED.contains(&status));
    let files = of("imported-files", tells_of_a_skip);
    let sections = results
        .children()
        .filter(|node| node.is_element() && !SECTIONS.contains(&node.tag_name().name()))
        .map(|node| (node.tag_name().name(), text(node)))
        .filter(|(_, said)| !said.is_empty())
        .map(|(name, said)| format!("{}: {}", word(name), quote(&said)));
    objects.chain(files).chain(sections).collect()
}

/// Whether a word tells that something is left out.
fn tells_of_a_skip(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["skip", "denied", "reject", "filter", "permission"]
        .iter()
        .any(|told| word.contains(told))
}

/// What an answer to a real import means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportAnswer {
    /// Every object and file of the backup is there, as the device says.
    Done {
        /// How many objects.
        objects: usize,
        /// Keys that the archive lists and does not hold.
        missing_keys: Vec<String>,
    },
    /// Not all of it was carried out. What was, stays: nothing is taken back.
    Failed {
        /// What was not, one by one.
        refused: Vec<String>,
    },
    /// Nobody can tell.
    NotKnown(String),
}

/// Judges the answer to a dry run for this domain.
pub fn judge_dry_run(all: &[ImportResults], domain: &str) -> DryRunAnswer {
    let (results, others) = match of_domain(all, domain) {
        Ok(found) => found,
        Err(why) => return DryRunAnswer::NotKnown(why),
    };
    let Said {
        refused,
        not_understood,
        missing_keys,
    } = said(results).and(others);
    if !refused.is_empty() {
        return DryRunAnswer::WouldFail {
            refused: shortened(refused),
            missing_keys,
        };
    }
    if let Some(word) = not_understood.first() {
        return DryRunAnswer::NotKnown(format!("a word of the device's is not understood: {word}"));
    }
    if results.objects.is_empty() {
        return DryRunAnswer::NotKnown("the device's answer names no object".to_owned());
    }
    DryRunAnswer::WouldWork { missing_keys }
}

/// Judges the answer to a real import for this domain. Here nothing counts as carried out that
/// is not said to be: a word that is not understood is a failure, and so is an object of which
/// nothing is said, for a right that is missing skips objects in silence.
pub fn judge_import(all: &[ImportResults], domain: &str) -> ImportAnswer {
    let (results, others) = match of_domain(all, domain) {
        Ok(found) => found,
        Err(why) => return ImportAnswer::NotKnown(why),
    };
    if results.executed.is_empty() {
        let why = "the device's answer says of no object what became of it";
        return ImportAnswer::NotKnown(why.to_owned());
    }
    let Said {
        mut refused,
        not_understood,
        missing_keys,
    } = said(results).and(others);
    refused.extend(not_understood);
    let mut told: Vec<&str> = results
        .executed
        .iter()
        .map(|(object, ..)| object.as_str())
        .collect();
    for object in &results.objects {
        match told.iter().position(|told| told == object) {
            Some(at) => drop(told.swap_remove(at)),
            None => refused.push(format!("{object}: the device does not say what became of it")),
        }
    }
    refused.extend(told.iter().map(|object| {
        format!("{object}: carried out, and not among the objects that the device has found in the backup")
    }));
    if refused.is_empty() {
        return ImportAnswer::Done {
            objects: results.objects.len(),
            missing_keys,
        };
    }
    ImportAnswer::Failed {
        refused: shortened(refused),
    }
}

/// The results for this domain, and what else there is: of the archive around it, which holds the
/// domain as an object and nothing more.
fn of_domain<'r>(
    all: &'r [ImportResults],
    domain: &str,
) -> Result<(&'r ImportResults, Vec<&'r ImportResults>), String> {
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|results| results.domain == domain);
    let is_of_a_domain = |object: &String| object.starts_with("Domain ");
    let touches = others
        .iter()
        .find(|other| !other.objects.iter().all(is_of_a_domain));
    match (own.as_slice(), touches) {
        ([one], None) => Ok((one, others)),
        ([], _) => Err(match others.first() {
            None => "the device's answer holds no results".to_owned(),
            Some(other) => format!("the device's answer is about the domain {}", quote(&other.domain)),
        }),
        ([_], Some(other)) => Err(format!(
            "the device's answer is about objects of the domain {} too",
            quote(&other.domain)
        )),
        ([_, _, ..], _) => Err("the device's answer is about the domain twice".to_owned()),
    }
}

/// What results say of failures.
struct Said {
    /// Failures, one by one.
    refused: Vec<String>,
    /// Words that are neither for a failure nor for a success.
    not_understood: Vec<String>,
    missing_keys: Vec<String>,
}

impl Said {
    /// With what is said beside it.
    fn and(self, others: Vec<&ImportResults>) -> Said {
        others.into_iter().map(said).fold(self, |mut all, other| {
            all.refused.extend(other.refused);
            all.not_understood.extend(other.not_understood);
            all
        })
    }
}

fn said(results: &ImportResults) -> Said {
    let mut refused = Vec::new();
    let mut not_understood = Vec::new();
    for (object, status, told) in &results.executed {
        match status.as_str() {
            "SUCCESS" => {}
            word if is_failure(word) => refused.push(with_words(object, status, told)),
            _ => not_understood.push(with_words(object, status, told)),
        }
    }
    for (file, result, reason) in &results.copied {
        match result.as_str() {
            "OK" | "ignored" => {}
            word if is_failure(word) => refused.push(with_words(file, result, reason)),
            _ => not_understood.push(with_words(file, result, reason)),
        }
    }
    let with_status = |wanted: &'static str| {
        let of_status = results.files.iter().filter(move |(_, status)| status == wanted);
        of_status.map(|(name, _)| name.clone())
    };
    refused.extend(results.failed.iter().cloned());
    not_understood.extend(results.strange.iter().cloned());
    refused.extend(with_status("missing-file").map(|name| format!("{name}: listed, and not in the archive")));
    if let Some(errors) = &results.detected_errors {
        refused.push(format!(
            "the device says that it detected errors: {}",
            quote(errors)
        ));
    }
    Said {
        refused,
        not_understood,
        missing_keys: with_status("missing-key").take(MOST).collect(),
    }
}

/// So many of them as are told one by one.
fn shortened(mut reasons: Vec<String>) -> Vec<String> {
    let more = reasons.len().saturating_sub(MOST);
    reasons.truncate(MOST);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    reasons
}

/// Whether a word for an outcome is one for a failure.
fn is_failure(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.starts_with("err") || word.starts_with("fail") || word.starts_with("invalid")
}

fn with_words(what: &str, status: &str, told: &str) -> String {
    match told {
        "" => format!("{what}: {status}"),
        told => format!("{what}: {status}, {}", quote(told)),
    }
}

fn children<'a, 'input: 'a>(
    parent: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent
        .children()
        .filter(move |node| node.is_element() && node.tag_name().name() == name)
}

fn text(node: Node<'_, '_>) -> String {
    let text: String = node
        .descendants()
        .filter_map(|node| node.is_text().then(|| node.text()).flatten())
        .collect();
    word(&text)
}

/// On one line, and not endless.
fn word(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(inner: &str) -> DryRunAnswer {
        let text = format!("<dp:import xmlns:dp=\"urn:dp\">{inner}</dp:import>");
        let document = roxmltree::Document::parse(&text).expect("XML");
        judge_dry_run(&read(document.root_element()), "DOM1")
    }

    fn results(inner: &str) -> String {
        format!(
            "<import-results domain=\"DOM1\"><export-details><domain>DOM1</domain></export-details>{inner}</import-results>"
        )
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
            judge_dry_run(&read(import.expect("an import")), "DOM1")
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
    fn a_word_that_nobody_has_seen_counts_as_there_for_a_file_and_as_not_known_for_an_object() {
        let with = |from: &str, to: &str| results(&format!("{FILES}{OBJECTS}").replace(from, to));
        let file = judged(&with("\"same\"", "\"touched\""));
        assert!(matches!(file, DryRunAnswer::WouldWork { .. }), "{file:?}");
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
        assert!(not_known(&format!("{own}{touched}")).contains("objects of the domain \"default\" too"));
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
                "local:///b: listed, and not in the archive",
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
        judge_import(&read(document.root_element()), "DOM1")
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
            (all().replace("\"SUCCESS\"", "\"\""), "XMLManager default: "),
            (
                all().replace("\"SUCCESS\"", "\"success\""),
                "XMLManager default: success",
            ),
            (
                all().replace("\"SUCCESS\"", "\"PENDING\""),
                "XMLManager default: PENDING",
            ),
            (all().replace("\"OK\"", "\"ERROR\""), "local:///b.xsl: ERROR"),
            (all().replace("\"OK\"", "\"skipped\""), "local:///b.xsl: skipped"),
            (
                all().replace(
                    "</imported-objects>",
                    "<object class=\"X\" name=\"y\"/></imported-objects>",
                ),
                "X y: the device does not say what became of it",
            ),
            (
                all().replace(
                    cfg,
                    &format!("{cfg}<cfg-result class=\"X\" name=\"y\" status=\"SUCCESS\"/>"),
                ),
                "X y: carried out, and not among the objects that the device has found in the backup",
            ),
            (
                all() + "<detected-errors>true</detected-errors>",
                "the device says that it detected errors: \"true\"",
            ),
            (
                all().replace("missing-key", "missing-file"),
                "cert:///k.pem: listed, and not in the archive",
            ),
        ] {
            match imported(&results(&inner)) {
                ImportAnswer::Failed { refused } => assert_eq!(refused.join("|"), told),
                other => panic!("{told}: {other:?}"),
            }
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
}
