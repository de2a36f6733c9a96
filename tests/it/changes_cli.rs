//! `log`, `find`, `extract` and `diff DEVICE/DOMAIN`: what changed, where something is, and what
//! is the same, without contacting anybody.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, Ran, export, gateways, names, not_tested_here};

/// Two gateways with two domains each, backed up by the plan P, in which nobody is contacted once
/// both are gone.
struct Fleet {
    gateways: [Gateway; 2],
    home: Home,
}

/// Not verified, and in a group.
const TAGGED: &str = "{ verify = false }\ntags = [\"prod\"]";

impl Fleet {
    fn new() -> Self {
        let gateway = || {
            Gateway::start(Setup {
                domains: vec![Domain::new("DOM1"), Domain::new("DOM2")],
                ..Setup::default()
            })
        };
        let gateways = [gateway(), gateway()];
        let home = Home::new()
            .device_at("QA1", gateways[0].port(), TAGGED)
            .device_at("QA2", gateways[1].port(), TAGGED)
            .plan("P", &export("QA*", "DOM*", ""));
        Self { gateways, home }
    }

    fn set(&self, gateway: usize, domain: &str, tag: &str, value: &str) {
        let mut state = self.gateways[gateway].state();
        state.set_property(domain, "HTTPUserAgent", "default", tag, value);
        state.set_unsaved(domain, false);
    }

    fn run(&self) {
        let _ = self.home.dpbackup(&["run", "P"]).exits(0);
    }

    fn ran(&self, arguments: &[&str]) -> Ran {
        self.home.dpbackup(arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.ran(&[arguments, &["--format", "json"]].concat()).exits(0);
        serde_json::from_str(&ran.stdout).expect("JSON")
    }
}

fn lines(ran: &Ran) -> Vec<Vec<&str>> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect()
}

#[test]
fn the_log_has_the_newest_changes_first_and_is_narrowed_by_everything() {
    let fleet = Fleet::new();
    let empty = fleet.ran(&["log"]).exits(0);
    assert_eq!(empty.stdout, "No changes recorded yet.\n");
    fleet.run();
    fleet.set(0, "DOM1", "Timeout", "60");
    fleet.gateways[0]
        .state()
        .put_file("DOM2", "local:///new.txt", b"new".to_vec());
    fleet.set(1, "DOM1", "Timeout", "90");
    fleet.run();
    let all = fleet.ran(&["log"]).exits(0);
    let rows = lines(&all);
    assert_eq!(
        rows[0],
        [
            "Time (UTC)",
            "Device",
            "Domain",
            "Object",
            "Change",
            "Description",
            "Task"
        ]
    );
    assert_eq!(
        rows[1][1..],
        [
            "QA2",
            "DOM1",
            "HTTPUserAgent default",
            "Changed",
            "Timeout: 300 → 90",
            "7"
        ]
    );
    assert_eq!(rows[2][1..], ["QA1", "DOM2", "local:///new.txt", "Added", "6"]);
    assert_eq!(rows.len(), 4, "{}", all.stdout);
    for (arguments, count) in [
        (&["--device", "QA1"][..], 2),
        (&["--device", "QA*"], 3),
        (&["--device", "*, !QA1"], 1),
        (&["--device", "@prod"], 3),
        (&["--device", "@prod, !QA1"], 1),
        (&["--domain", "DOM2"], 1),
        (&["--class", "HTTPUserAgent"], 2),
        (&["--name", "local:///new.txt"], 1),
        (
            &["--device", "QA1", "--class", "HTTPUserAgent", "--name", "default"],
            1,
        ),
        (&["--since", "7d"], 3),
        (&["--limit", "1"], 1),
    ] {
        let document = fleet.json(&[&["log"], arguments].concat());
        assert_eq!(document["schema_version"], 1);
        let found = document["changes"].as_array().expect("rows").len();
        assert_eq!(found, count, "{arguments:?}");
    }
    let row = &fleet.json(&["log", "--limit", "1"])["changes"][0];
    for (key, value) in [
        ("device", "QA2"),
        ("domain", "DOM1"),
        ("object", "HTTPUserAgent default"),
        ("class", "HTTPUserAgent"),
        ("change", "Changed"),
        ("description", "Timeout: 300 → 90"),
        ("kind", "persisted"),
    ] {
        assert_eq!(row[key], value);
    }
    assert_eq!((&row["task"], &row["file"]), (&7.into(), &Value::Null));
    let csv = fleet.ran(&["log", "--format", "csv"]).exits(0).stdout;
    assert!(
        csv.starts_with("time,device,domain,object,file,change,description,task,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 4);
}

#[test]
fn a_device_a_domain_or_a_class_that_nobody_knows_gets_the_nearest_name() {
    let fleet = Fleet::new();
    fleet.run();
    fleet.set(0, "DOM1", "Timeout", "60");
    fleet.run();
    for (arguments, near) in [
        (&["log", "--device", "QA3"][..], "'QA1'"),
        (&["log", "--domain", "DMO1"], "'DOM1'"),
        (&["find", "x", "--device", "QA3"], "'QA1'"),
        (&["find", "x", "--device", "@prd"], "'@prod'"),
        (&["log", "--device", "@prd"], "'@prod'"),
        (&["find", "x", "--domain", "DOM3"], "'DOM1'"),
        (
            &["find", "--class", "HTTPUserAgent", "--domain", "DOM3"],
            "'DOM1'",
        ),
        (&["diff", "QA1/DOM1", "QA3/DOM1"], "'QA1'"),
        (&["diff", "QA1/DMO1", "QA1/DOM1"], "'DOM1'"),
        (&["log", "--blame", "QA1/DMO1"], "'DOM1'"),
    ] {
        let ran = fleet.ran(arguments).exits(2);
        assert!(ran.stderr.contains(near), "{arguments:?}: {}", ran.stderr);
    }
    let ran = fleet.ran(&["log", "--class", "HTTPUserAgnet"]).exits(0);
    assert!(ran.stderr.contains("'HTTPUserAgent'"), "{}", ran.stderr);
    let ran = fleet.ran(&["find", "--class", "HTTPUserAgnet"]).exits(1);
    assert!(ran.stderr.contains("'HTTPUserAgent'"), "{}", ran.stderr);
    for (arguments, words) in [
        (
            &["find", "x", "--property", "Timeuot"][..],
            "no object that was looked at has a property 'Timeuot'; did you mean 'Timeout'?",
        ),
        (
            &["find", "x", "--class", "HTTPUserAgent", "--property", "Timeuot"],
            "no object of the class 'HTTPUserAgent' that was looked at has a property 'Timeuot'; did you mean 'Timeout'?",
        ),
        (
            &["find", "x", "--property", "Colour"],
            "has a property 'Colour'; there are: ",
        ),
    ] {
        let ran = fleet.ran(arguments).exits(1);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
    // A property that there is, in which the text is not, is no mistake.
    let ran = fleet
        .ran(&["find", "nothing like it", "--property", "timeout"])
        .exits(1);
    let told = "hint: it is in none of the 4 newest good exports that were looked at, not in names, properties or text files\n";
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", told));
    let quiet = fleet.ran(&["find", "nothing like it", "-q"]).exits(1);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let table = fleet
        .ran(&["find", "nothing like it", "--format", "csv"])
        .exits(1);
    assert_eq!(table.stdout.lines().count(), 1, "the heading of {}", table.stdout);
}

#[test]
fn blame_says_since_when_each_object_is_as_it_is() {
    let fleet = Fleet::new();
    fleet.run();
    fleet.set(0, "DOM1", "Timeout", "60");
    fleet.run();
    let document = fleet.json(&["log", "--blame", "QA1/DOM1"]);
    let pieces = document["pieces"].as_array().expect("rows");
    let of = |object: &str| {
        let found = pieces.iter().find(|row| row["object"] == object);
        found.unwrap_or_else(|| panic!("{object}"))
    };
    let agent = of("HTTPUserAgent default");
    assert_eq!((&agent["change"], &agent["task"]), (&"Changed".into(), &5.into()));
    let settings = of("DomainSettings default");
    assert_eq!(
        (&settings["change"], &settings["task"]),
        (&Value::Null, &1.into())
    );
    assert!(
        pieces.iter().any(|row| row["file"] == "local:///readme.txt"),
        "{pieces:?}"
    );
    let ran = fleet.ran(&["log", "--blame", "QA1/DOM1"]).exits(0);
    assert!(ran.stdout.contains("or longer"), "{}", ran.stdout);
    let _ = fleet.ran(&["log", "--blame", "QA1"]).exits(2);
}

#[test]
fn the_two_gateways_of_a_cluster_are_compared_in_one_line() {
    let fleet = Fleet::new();
    fleet.run();
    let same = fleet.ran(&["diff", "QA1/DOM1", "QA2/DOM1"]).exits(0);
    assert!(same.stdout.ends_with("the same\n"), "{}", same.stdout);
    fleet.set(1, "DOM1", "Timeout", "90");
    fleet.run();
    let ran = fleet.ran(&["diff", "QA1/DOM1", "QA2/DOM1"]).exits(1);
    assert!(
        ran.stdout.contains("Timeout: \"300\" -> \"90\""),
        "{}",
        ran.stdout
    );
    let ran = fleet.ran(&["diff", "QA1/DOM1"]).exits(2);
    assert!(
        ran.stderr.contains("nothing to be compared with"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_group_is_compared_with_its_first_and_one_that_differs_is_named() {
    let fleet = Fleet::new();
    fleet.run();
    for group in ["@prod/DOM1", "QA*/DOM1", "QA1,QA2/DOM1", "@p*, !QA9/DOM1"] {
        let same = fleet.ran(&["diff", group]).exits(0);
        assert!(
            same.stdout
                .ends_with(&format!("\n{group}: the same as QA1: QA2\n")),
            "{}",
            same.stdout
        );
        let quiet = fleet.ran(&["-q", "diff", group]).exits(0);
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    }
    fleet.set(1, "DOM1", "Timeout", "90");
    fleet.run();
    let ran = fleet.ran(&["diff", "@prod/DOM1"]).exits(1);
    assert!(
        ran.stdout.contains("Timeout: \"300\" -> \"90\"")
            && ran.stdout.ends_with("\n@prod/DOM1: not the same as QA1: QA2\n"),
        "{}",
        ran.stdout
    );
    let document: Value = serde_json::from_str(
        &fleet
            .ran(&["diff", "@prod/DOM1", "--format", "json"])
            .exits(1)
            .stdout,
    )
    .expect("JSON");
    assert_eq!(document["group"], "@prod/DOM1");
    assert_eq!(document["same"], false);
    let comparison = &document["comparisons"][0];
    assert_eq!(comparison["device"], "QA2");
    assert_eq!(comparison["domains"][0]["objects"][0]["class"], "HTTPUserAgent");
}

#[test]
fn one_of_a_group_that_cannot_be_compared_is_named_and_the_others_are() {
    let fleet = Fleet::new();
    fleet.run();
    let home = fleet.home.device_at("QA3", 1, TAGGED);
    let ran = home.dpbackup(&["diff", "@prod/DOM1"]).exits(2);
    assert!(
        ran.stderr
            .contains("QA3: passed over: there is no good export of the domain 'DOM1' of QA3"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout
            .ends_with("\n@prod/DOM1: the same as QA1: QA2; not compared with QA1: QA3\n"),
        "{}",
        ran.stdout
    );
    let ran = home.dpbackup(&["-q", "diff", "@prod/DOM1"]).exits(2);
    assert_eq!(
        ran.stderr.matches("QA3: passed over").count(),
        1,
        "{}",
        ran.stderr
    );
    let ran = home
        .dpbackup(&["diff", "@prod/DOM1", "--format", "json"])
        .exits(2);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["same"], false);
    assert_eq!(document["passed_over"][0]["device"], "QA3");
    // The file of the second is not what was stored.
    let second = home.store().join("QA2/domain/DOM1");
    for file in fs::read_dir(second).expect("a folder") {
        fs::write(file.expect("a file").path(), "damaged").expect("written");
    }
    let ran = home.dpbackup(&["diff", "@prod/DOM1"]).exits(2);
    assert!(
        ran.stderr.contains("QA2: passed over") && ran.stderr.contains("no two good exports"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_group_that_is_none_is_told_from_those_that_there_are() {
    let fleet = Fleet::new();
    fleet.run();
    for (arguments, words) in [
        (&["diff", "@prd/DOM1"][..], "did you mean '@prod'?"),
        (&["diff", "X*/DOM1"], "there are: QA1, QA2"),
        (&["diff", "@prod, !QA2/DOM1"], "is QA1 alone"),
        (&["diff", "@prod/DOM1", "QA1/DOM1"], "compared within itself"),
        (&["diff", "@/DOM1"], "names no group"),
        (
            &["extract", "@prod/DOM1", "out"],
            "is a group, and one export is meant",
        ),
    ] {
        let ran = fleet.ran(arguments).exits(2);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn the_history_of_a_task_has_its_changes_and_what_was_not_saved() {
    let fleet = Fleet::new();
    fleet.run();
    fleet.set(0, "DOM1", "Timeout", "60");
    fleet.run();
    for arguments in [&["history", "last"][..], &["history", "files", "5"]] {
        let ran = fleet.ran(arguments).exits(0);
        let lines: Vec<&str> = ran.stdout.lines().map(str::trim).collect();
        let at = lines
            .iter()
            .position(|line| *line == "1 change since the export before:");
        let at = at.unwrap_or_else(|| panic!("{arguments:?}: {}", ran.stdout));
        assert_eq!(lines[at + 1], "Changed HTTPUserAgent default (Timeout: 300 → 60)");
    }
    let document = fleet.json(&["history", "files", "5"]);
    assert_eq!(document["files"][0]["changes"], 1);
    assert_eq!(document["changes"][0]["description"], "Timeout: 300 → 60");
    assert_eq!(document["unsaved"], Value::Array(Vec::new()));
    fleet.gateways[0]
        .state()
        .set_property("DOM1", "HTTPUserAgent", "default", "Timeout", "61");
    fleet.gateways[0].state().set_unsaved("DOM1", true);
    fleet.run();
    for arguments in [&["history", "last"][..], &["history", "files", "9"]] {
        let ran = fleet.ran(arguments).exits(0);
        let is_told = |line: &str| {
            line.trim_start().to_lowercase().starts_with("unsaved changes") && line.contains("object")
        };
        assert!(ran.stdout.lines().any(is_told), "{arguments:?}: {}", ran.stdout);
    }
    let document = fleet.json(&["history", "last"]);
    let task = &document["task_executions"][0];
    let unsaved = task["unsaved"].as_array().expect("what is not saved");
    assert_eq!(task["unsaved_objects"], unsaved.len());
    assert!(!unsaved.is_empty());
}

#[test]
fn a_domain_is_taken_out_of_an_export_of_all_domains() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", &export("QA1", "all-domains", ""))
        .plan("ONE", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let ran = home.dpbackup(&["diff", "QA1/DOM1", "QA1/DOM2"]).exits(1);
    assert!(ran.stdout.contains("domain DOM1 -> DOM2"), "{}", ran.stdout);
    let found = home.dpbackup(&["find", "DOM1-service"]).exits(0);
    let count = found.stdout.lines().count();
    let of_one = home
        .dpbackup(&["find", "DOM1-service", "--domain", "DOM1"])
        .exits(0);
    assert_eq!(of_one.stdout.lines().count(), count);
    let ran = home
        .dpbackup(&["find", "DOM1-service", "--domain", "DOM11"])
        .exits(2);
    assert!(ran.stderr.contains("did you mean 'DOM1'?"), "{}", ran.stderr);
    // The domain has an export of its own now, and is not found twice.
    let _ = home.dpbackup(&["run", "ONE"]).exits(0);
    let again = home.dpbackup(&["find", "DOM1-service"]).exits(0);
    assert_eq!(
        again.stdout.lines().count(),
        count,
        "{}\n{}",
        found.stdout,
        again.stdout
    );
}

#[test]
fn a_domain_that_an_export_of_all_domains_does_not_have_is_no_empty_domain() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", &export("QA1", "all-domains", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    for (arguments, hint) in [
        (&["extract", "QA1/dom1", "out"][..], "did you mean 'DOM1'?"),
        (&["extract", "QA1/NOPE", "out"], "DOM1"),
        (&["extract", "QA1/DOM*", "out"], "DOM1"),
        (&["log", "--blame", "QA1/dom1"], "did you mean 'DOM1'?"),
        (&["diff", "QA1/dom1", "QA1/DOM1"], "did you mean 'DOM1'?"),
        (&["diff", "QA1/DOM1", "QA1/dom2"], "did you mean 'DOM2'?"),
    ] {
        let ran = home.dpbackup(arguments).exits(2);
        let told = ran.stderr.contains("(task 1) does not have it") || ran.stderr.contains("is a group");
        assert!(told && ran.stderr.contains(hint), "{arguments:?}: {}", ran.stderr);
        assert!(!home.path("out").exists(), "{arguments:?}");
    }
    // What the export says beyond its domains is of `default`, and of no other.
    let of = |target: &str| home.dpbackup(&["log", "--blame", target]).exits(0).stdout;
    assert!(!of("QA1/DOM1").contains("Domain DOM2"), "{}", of("QA1/DOM1"));
    assert!(of("QA1/default").contains("Domain DOM2"), "{}", of("QA1/default"));
    // All of them at once are none.
    let ran = home.dpbackup(&["log", "--blame", "QA1/all-domains"]).exits(2);
    assert!(
        ran.stderr
            .contains("one domain at a time: `dpbackup log --blame QA1/DOM1"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("log --blame QA1/default"), "{}", ran.stderr);
    let ran = home
        .dpbackup(&["log", "--blame", "QA1/DOM1", "--class", "NoSuchClass"])
        .exits(0);
    assert!(
        ran.stderr.contains("nothing in it is of that class and name"),
        "{}",
        ran.stderr
    );
    let _ = home.dpbackup(&["extract", "QA1/DOM1", "out"]).exits(0);
}

#[test]
fn a_text_is_found_in_names_properties_and_files_and_a_secret_is_not() {
    let fleet = Fleet::new();
    fleet.set(0, "DOM1", "Server", "Host7.example.com");
    fleet.set(0, "DOM1", "Password", "host7-secret");
    {
        let mut state = fleet.gateways[1].state();
        state.put_file(
            "DOM2",
            "local:///app/a.xsl",
            b"one\nsee host7.example.com here\n".to_vec(),
        );
        state.put_file("DOM2", "local:///app/b.xsl", b"password=host7-secret\n".to_vec());
        state.put_file("DOM2", "local:///app/c.bin", b"\0host7".to_vec());
    }
    fleet.run();
    let ran = fleet.ran(&["find", "host7"]).exits(0);
    let rows = lines(&ran);
    assert_eq!(rows[0], ["Device", "Domain", "Where", "Text"]);
    let found = &rows[1..];
    assert_eq!(
        found,
        [
            ["QA1", "DOM1", "HTTPUserAgent default Server", "Host7.example.com"],
            [
                "QA2",
                "DOM2",
                "local:///app/a.xsl:2",
                "see host7.example.com here"
            ],
            ["QA2", "DOM2", "local:///app/b.xsl:1", "(secret)"],
        ]
    );
    assert!(!ran.stdout.contains("host7-secret"));
    let _ = fleet
        .ran(&["find", "host7-secret", "--class", "HTTPUserAgent"])
        .exits(1);
    let ran = fleet
        .ran(&["find", "--regex", r"Host\d\.example", "--device", "QA1"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    let _ = fleet
        .ran(&["find", "--regex", r"host\d\.example", "--device", "QA1"])
        .exits(1);
    let ran = fleet.ran(&["find", "--regex", "("]).exits(2);
    assert!(ran.stderr.contains("regular expression"), "{}", ran.stderr);
    let ran = fleet.ran(&["find", ""]).exits(2);
    let config = format!("--config {}`", fleet.home.plan_file().display());
    assert!(ran.stderr.contains(&config), "{}", ran.stderr);
    let _ = fleet.ran(&["find"]).exits(2);
}

#[test]
fn a_class_and_a_property_without_a_text_are_an_inventory() {
    let fleet = Fleet::new();
    fleet.set(0, "DOM1", "Password", "tiger-in-a-box");
    fleet.run();
    let ran = fleet
        .ran(&[
            "find",
            "--class",
            "HTTPUserAgent",
            "--property",
            "Timeout",
            "--format",
            "json",
        ])
        .exits(0);
    let rows: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["device"], "QA1");
    assert_eq!(rows[0]["where"], "HTTPUserAgent default Timeout");
    assert_eq!(rows[0]["text"], "300");
    let ran = fleet
        .ran(&["find", "--class", "HTTPUserAgent", "--property", "Password"])
        .exits(0);
    assert!(
        ran.stdout.contains("(secret)") && !ran.stdout.contains("tiger"),
        "{}",
        ran.stdout
    );
    let ran = fleet
        .ran(&["find", "--class", "HTTPUserAgent", "--format", "csv"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 5, "{}", ran.stdout);
}

#[test]
fn an_archive_that_is_gone_or_damaged_is_named_and_passed_over() {
    let fleet = Fleet::new();
    fleet.run();
    let stored = fleet.home.stored();
    let gone = fleet.home.store().join(&stored[0]);
    fs::remove_file(&gone).expect("removed");
    let damaged = fleet.home.store().join(&stored[1]);
    let mut bytes = fs::read(&damaged).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged, bytes).expect("a flipped bit");
    let ran = fleet.ran(&["find", "--class", "HTTPUserAgent"]).exits(1);
    assert_eq!(ran.stdout.lines().count(), 3, "the other two: {}", ran.stdout);
    for path in [&gone, &damaged] {
        assert!(ran.stderr.contains(&path.display().to_string()), "{}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("passed over").count(), 2, "{}", ran.stderr);
    // Not found is no answer where not all was looked through: `-q` says that, too.
    let ran = fleet.ran(&["-q", "find", "nowhere"]).exits(1);
    assert_eq!(ran.stderr.matches("passed over").count(), 2, "{}", ran.stderr);
}

/// Every file below a folder with its bytes.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").display().to_string();
                found.push((name, fs::read(path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_export_becomes_a_folder_that_is_the_same_each_time_and_has_no_secret() {
    let fleet = Fleet::new();
    fleet.set(0, "DOM1", "Password", "tiger-in-a-box");
    fleet.gateways[0]
        .state()
        .put_file("DOM1", "local:///old.txt", b"old".to_vec());
    fleet.run();
    let folder = fleet.home.path("extracted");
    let target = folder.to_str().expect("text");
    let _ = fleet.ran(&["extract", "QA1/DOM1", target]).exits(0);
    let first = tree(&folder);
    let text = |name: &str| {
        let found = first.iter().find(|(path, _)| path == name);
        let (_, bytes) = found.unwrap_or_else(|| panic!("{name} in {first:?}"));
        String::from_utf8_lossy(bytes).into_owned()
    };
    let agent = text("DOM1/objects/HTTPUserAgent/default.txt");
    assert!(agent.starts_with("HTTPUserAgent default\n"), "{agent}");
    assert!(
        agent.contains("  Timeout: 300\n") && agent.contains("  Password: (secret)\n"),
        "{agent}"
    );
    assert_eq!(text("DOM1/files/local/old.txt"), "old");
    assert!(text("DOM1/files/local/app/route.xsl").contains("<route"));
    assert!(
        first
            .iter()
            .all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains("tiger"))
    );
    assert!(
        first.iter().all(|(name, _)| !name.contains(".pem")),
        "keys are in no export"
    );

    // Another export of the same says the same, whatever its day.
    fs::write(folder.join("README"), "mine").expect("written");
    fleet.run();
    let _ = fleet.ran(&["extract", "5", target]).exits(0);
    let mut with_mine = first.clone();
    with_mine.push(("README".to_owned(), b"mine".to_vec()));
    with_mine.sort();
    assert_eq!(tree(&folder), with_mine, "and what is not ours stays");

    // What is not there any more goes.
    fleet.set(0, "DOM1", "Timeout", "60");
    fleet.gateways[0].state().remove_domain("DOM1");
    fleet.gateways[0].state().add_domain(Domain::new("DOM1"));
    fleet.run();
    let _ = fleet
        .ran(&["extract", "last", &fleet.home.path("other").display().to_string()])
        .exits(0);
    let _ = fleet.ran(&["extract", "QA1/DOM1", target]).exits(0);
    assert!(!tree(&folder).iter().any(|(name, _)| name.contains("old.txt")));
}

#[test]
fn nothing_is_written_into_a_folder_of_somebody_else_nor_through_a_link() {
    let fleet = Fleet::new();
    fleet.run();
    let folder = fleet.home.path("mine");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("a"), "mine").expect("written");
    let target = folder.to_str().expect("text");
    let ran = fleet.ran(&["extract", "QA1/DOM1", target]).exits(2);
    assert!(ran.stderr.contains("not empty"), "{}", ran.stderr);
    assert_eq!(names(&folder), ["a"]);
    // A link that somebody puts into a folder of ours leads nowhere.
    let ours = fleet.home.path("ours");
    let _ = fleet
        .ran(&["extract", "QA1/DOM1", ours.to_str().expect("text")])
        .exits(0);
    fs::remove_dir_all(ours.join("DOM1/objects")).expect("removed");
    std::os::unix::fs::symlink(&folder, ours.join("DOM1/objects")).expect("a link");
    let _ = fleet
        .ran(&["extract", "QA1/DOM1", ours.to_str().expect("text")])
        .exits(2);
    assert_eq!(names(&folder), ["a"]);
    let _ = fleet
        .ran(&["extract", "9", fleet.home.path("x").to_str().expect("text")])
        .exits(2);
}

#[test]
fn the_script_for_git_commits_what_changed_and_nothing_where_nothing_did() {
    let git = |arguments: &[&str], folder: &Path| {
        let ran = std::process::Command::new("git")
            .current_dir(folder)
            .args(arguments)
            .output();
        ran.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if git(&["--version"], Path::new("/")).is_err() {
        not_tested_here("the script that keeps a repository, for there is no git");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scripts/post-plan-git.sh");
    let text = fs::read_to_string(script).expect("the script");
    let gateway = Gateway::start(Setup {
        // A name that would be another task in the list of them.
        domains: ["DOM1", "a,SUCCESS~7,exportDomain,QA1,x"]
            .map(Domain::new)
            .to_vec(),
        ..Setup::default()
    });
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .script("git.sh", "");
    let repository = home.path("repository");
    // Scripts get an environment of their own: what the script takes from it stands in it here.
    let text = text.replace(
        "set -eu\n",
        &format!(
            "set -eu\nDPBACKUP_GIT='{}'\nDPBACKUP_PROGRAM='{}'\nexport DPBACKUP_CONFIG='{}' HOME='{}'\n",
            repository.display(),
            env!("CARGO_BIN_EXE_dpbackup"),
            home.path("plans.toml").display(),
            home.path("").display()
        ),
    );
    let home = home.script("git.sh", &text).plan(
        "Nightly",
        &format!(
            "post_script = \"scripts/git.sh\"\n{}",
            export("QA1", "DOM1, a*", "")
        ),
    );
    let run = || {
        let ran = home.dpbackup(&["run", "Nightly"]).exits(0);
        assert!(!ran.stderr.contains("post-plan"), "{}", ran.stderr);
        git(&["log", "--format=%s", "--stat=200"], &repository).expect("git")
    };
    let first = run();
    assert_eq!(first.matches("Nightly").count(), 1, "{first}");
    assert!(
        first.contains("QA1/DOM1/DOM1/objects/HTTPUserAgent/default.txt"),
        "{first}"
    );
    let odd = repository.join("QA1/a%2CSUCCESS%7E7%2CexportDomain%2CQA1%2Cx");
    assert!(odd.is_dir(), "{first}");
    assert_eq!(run(), first, "nothing changed, and nothing is committed");
    {
        let mut state = gateway.state();
        state.set_property("DOM1", "HTTPUserAgent", "default", "Timeout", "60");
        state.set_unsaved("DOM1", false);
    }
    let second = run();
    assert_eq!(second.matches("Nightly").count(), 2, "{second}");
    let change = git(&["show", "--format="], &repository).expect("git");
    assert!(change.contains("-  Timeout: 300\n+  Timeout: 60\n"), "{change}");
}

#[test]
fn before_the_first_run_nothing_is_found_and_nothing_changed() {
    let home = Home::new().absent_device("QA1");
    let ran = home.dpbackup(&["find", "anything"]).exits(1);
    assert!(ran.stderr.contains("nothing was recorded yet"), "{}", ran.stderr);
    let _ = home.dpbackup(&["find", "anything", "--device", "QA9"]).exits(2);
    let ran = home.dpbackup(&["log"]).exits(0);
    assert_eq!(ran.stdout, "No changes recorded yet.\n");
}

#[test]
fn a_place_that_a_shell_would_have_replaced_is_refused_before_anything_is_written() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    for place in ["~", "~/text", "$HOME/text", "nfs://nas/text", "-"] {
        let ran = home.dpbackup(&["extract", "QA1/DOM1", place]).exits(2);
        assert!(ran.stderr.contains("hint: "), "{place}: {}", ran.stderr);
        if place != "-" {
            let page = home.dpbackup(&["report", &format!("{place}.html")]).exits(2);
            assert!(page.stderr.contains("hint: "), "{place}: {}", page.stderr);
        }
    }
    let made = fs::read_dir(home.path("")).expect("the home").flatten();
    let made: Vec<_> = made.map(|entry| entry.file_name()).collect();
    assert!(
        !made
            .iter()
            .any(|name| ["~", "$HOME", "-"].iter().any(|odd| name == odd)),
        "{made:?}"
    );
    fs::create_dir(home.path("~")).expect("a folder");
    let _ = home.dpbackup(&["extract", "QA1/DOM1", "~/text"]).exits(2);
    let _ = home.dpbackup(&["extract", "QA1/DOM1", "~"]).exits(0);
}
