//! Where what is allowed ends, and what is doubted begins.

use super::*;

/// A file with one plan, of these lines.
fn plan(lines: &str) -> String {
    format!(
        "{LEAST}{QA1}[[plan]]\n{lines}\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"*\"\n"
    )
}

/// A file with this line among its settings.
fn setting(line: &str) -> String {
    plan("name = \"P\"").replacen(LEAST, &format!("{LEAST}{line}\n"), 1)
}

fn name(name: &str) -> String {
    plan(&format!("name = {name:?}"))
}

/// The labels of all that is found in a file.
fn labels(text: &str) -> Vec<String> {
    let found = match check(text) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    let findings = found.findings.iter();
    findings.map(|finding| finding.labels[0].text.clone()).collect()
}

#[test]
fn a_name_of_a_plan_has_128_bytes_at_most_and_the_one_that_is_proposed_is_short() {
    assert_eq!(labels(&name(&"a".repeat(128))), [""; 0]);
    for length in [129, 200] {
        assert_eq!(labels(&name(&"a".repeat(length))), ["is longer than 128 bytes"]);
    }
    for (wrong, better) in [
        ("a".repeat(200), "a".repeat(32)),
        ("-x/y".to_owned(), "x-y".to_owned()),
        ("/".to_owned(), "Nightly".to_owned()),
        ("- /Night ".to_owned(), "Night".to_owned()),
    ] {
        let found = check(&name(&wrong)).expect_err(&wrong);
        let help = found.findings[0].help.clone().unwrap_or_default();
        assert_eq!(help, format!("write `name = {better:?}`, say"), "{wrong:?}");
    }
}

#[test]
fn what_keeps_less_than_a_day_is_doubted_and_a_day_is_not() {
    let kept = |within: &str| {
        labels(&plan(&format!(
            "name = \"P\"\nretention = {{ keep_within = \"{within}\" }}"
        )))
    };
    assert_eq!(kept("24h"), [""; 0]);
    assert_eq!(kept("23h"), ["it keeps no more than the backups of some hours"]);
}

#[test]
fn a_pattern_of_devices_that_matches_none_is_answered_by_what_it_misses() {
    let said = |devices: &str, pattern: &str| {
        let text = format!(
            "{LEAST}{devices}[[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = {pattern:?}\n\
             domains = \"*\"\n"
        );
        let found = check(&text).map_or_else(|found| found, |loaded| loaded.warnings);
        let of_pattern = |finding: &&crate::plan::diagnostic::Finding| {
            finding.labels[0].text == "nothing is backed up by this"
        };
        let found: Vec<_> = found.findings.iter().filter(of_pattern).collect();
        found.first().and_then(|finding| finding.help.clone())
    };
    assert_eq!(said(QA1, "QA*"), None);
    assert_eq!(said(QA1, "@*"), None);
    // A mistake may be why none is there.
    assert_eq!(said(&QA1.replace("QA1", "Q A"), "X*"), None);
    for (devices, pattern, help) in [
        ("", "QA*", "the file has no [[device]]"),
        (QA1, "qa*", "upper and lower case differ: the device is \"QA1\""),
        (QA1, "X* Y*", "a comma separates patterns: `devices = \"X*, Y*\"`"),
        (
            QA1,
            "X*",
            "the devices are: QA1; only `*` stands for other characters",
        ),
    ] {
        assert_eq!(said(devices, pattern).as_deref(), Some(help), "{pattern}");
    }
}

#[test]
fn plans_of_one_name_in_an_address_share_it_where_both_ping_by_that_of_all() {
    let shared = |url: &str, second: &str| {
        let plan = |keys: &str| {
            format!(
                "[[plan]]\n{keys}\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"*\"\n"
            )
        };
        let first = plan("name = \"A b\"\nping = true");
        let second = plan(&format!("name = \"A-b\"\n{second}"));
        let text = format!("{LEAST}{QA1}{first}{second}[notify.ping]\nurl = {url}\n");
        let label = "that one of them does not run would be seen by nobody";
        labels(&text).iter().any(|found| found == label)
    };
    for url in ["\"https://p.example.com/{plan}\"", "{ env = \"PING\" }"] {
        assert!(shared(url, "ping = true"), "{url}");
        assert!(!shared(url, "enabled = false\nping = true"), "{url}");
        assert!(!shared(url, "ping_url = { env = \"OWN\" }"), "{url}");
        assert!(!shared(url, ""), "{url}");
    }
    let own = "ping_url = \"https://p.example.com/{plan}\"";
    assert!(shared("\"https://p.example.com/{plan}\"", own));
}

#[test]
fn a_program_and_its_arguments_in_one_text_are_doubted_but_in_a_path() {
    let doubted = |command: &str| {
        let device = QA1.replace("{ env = \"P\" }", &format!("{{ command = [{command}] }}"));
        let found = labels(&format!("{LEAST}{device}"));
        found.iter().any(|label| label == "no shell takes it apart")
    };
    assert!(doubted("\"pass show qa1\""));
    for fine in ["\"pass\"", "\"pass show\", \"qa1\"", "\"/opt/my pass\""] {
        assert!(!doubted(fine), "{fine}");
    }
}

#[test]
fn a_store_that_is_written_is_known_also_to_whoever_needs_none() {
    let store = |text: &str, store: StoreNeed| {
        let path = Path::new("/conf/plans.toml");
        let source = PlanSource {
            path: path.to_owned(),
            text: text.to_owned(),
            readers: Readers::Others,
            base: 0,
        };
        let gathered = Gathered {
            sources: vec![source],
            findings: Vec::new(),
            store,
        };
        let checked = check_gathered(&gathered, path, &env);
        checked.ok().map(|loaded| loaded.plan_file.settings.store)
    };
    let known = Some(StorePlace::Known("/conf/store".into()));
    let without = "[settings]\nretries = 1\n";
    assert_eq!(store(LEAST, StoreNeed::Needed), known);
    assert_eq!(store(LEAST, StoreNeed::LeftOut), known);
    assert_eq!(store(without, StoreNeed::LeftOut), Some(StorePlace::NotKnown));
    assert_eq!(store(without, StoreNeed::Needed), None);
}

#[test]
fn a_history_that_is_there_begins_as_one_or_is_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let said = || labels(&setting(&format!("history = {:?}", file.display().to_string())));
    assert_eq!(said(), [""; 0]);
    for (bytes, expected) in [
        (&b""[..], &[][..]),
        (b"SQLite format 3\0 and more", &[]),
        (b"SQLite format 3", &["it is there, and holds something else"]),
        (b"# a list", &["it is there, and holds something else"]),
    ] {
        std::fs::write(&file, bytes).expect("written");
        assert_eq!(said(), expected, "{bytes:?}");
    }
    std::fs::remove_file(&file).expect("removed");
    std::os::unix::net::UnixListener::bind(&file).expect("a socket");
    assert_eq!(said(), ["a file is expected"]);
}

#[test]
fn a_quiesce_timeout_is_at_most_what_sixteen_bits_hold() {
    let said = |timeout: &str| labels(&setting(&format!("quiesce_timeout = \"{timeout}\"")));
    assert_eq!(said("65535s"), [""; 0]);
    assert_eq!(said("65536s"), ["expected at most 65535s"]);
}
