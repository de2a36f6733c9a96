//! `log` and `history last` say what is recorded of changes, and `log --blame` says the same as they do.

use serde_json::Value;

use crate::simulator::{Domain, Fault, FaultKind, Gateway, Setup};
use crate::support::{Home, export};

/// A gateway with one domain, backed up by the plan P.
struct Scene {
    gateway: Gateway,
    home: Home,
}

impl Scene {
    fn new() -> Self {
        let gateway = Gateway::start(Setup {
            domains: vec![Domain::new("DOM1")],
            ..Setup::default()
        });
        let home = Home::new()
            .device_at("QA1", gateway.port(), "{ verify = false }")
            .plan("P", &export("QA1", "DOM1", ""));
        Self { gateway, home }
    }

    fn set(&self, value: &str, saved: bool) {
        let mut state = self.gateway.state();
        state.set_property("DOM1", "HTTPUserAgent", "default", "Timeout", value);
        if saved {
            state.set_unsaved("DOM1", false);
        }
    }

    fn run(&self, code: i32) {
        let _ran = self.home.dpbackup(&["run", "P"]).exits(code);
    }

    /// What blame says of the only object that ever changes.
    fn blamed(&self) -> (Value, i64) {
        let ran = self
            .home
            .dpbackup(&["log", "--blame", "QA1/DOM1", "--format", "json"])
            .exits(0);
        let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let pieces = document["pieces"].as_array().expect("pieces");
        let agent = pieces.iter().find(|row| row["object"] == "HTTPUserAgent default");
        let agent = agent.expect("the object");
        (agent["change"].clone(), agent["task"].as_i64().expect("a task"))
    }
}

#[test]
fn of_more_changes_than_are_recorded_it_is_said_how_many_are() {
    let scene = Scene::new();
    scene.run(0);
    scene.set("60", true);
    scene.run(0);
    let history = rusqlite::Connection::open(scene.home.path("state/history.db")).expect("the history");
    history
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 29)
             INSERT INTO config_change (task_execution_id, kind, device_name, domain_name, piece, class, name,
                 change, description, time)
             SELECT task_execution_id, kind, device_name, domain_name, piece, class, 'm' || i, change,
                 description, time FROM config_change, n;
             UPDATE file SET changes = 1500 WHERE changes = 1;",
        )
        .expect("more changes");
    drop(history);
    let log = scene.home.dpbackup(&["log"]).exits(0);
    let told_of_task = "task 2 found 1500 changes, and the first 30 of them are recorded";
    assert!(log.stderr.contains(told_of_task), "{}", log.stderr);
    let command = format!(
        "dpbackup log --device QA1 --domain DOM1 --limit 30 --config {}",
        scene.home.plan_file().display()
    );
    let told = format!(
        "and 1480 more: `{command}` has 10 of them, and of 1470 nothing but their number is recorded"
    );
    let last = scene.home.dpbackup(&["history", "last"]).exits(0).stdout;
    assert!(last.contains(&told), "{told}: {last}");
    // What is recorded of that task is known, though not all of it is.
    assert_eq!(scene.blamed(), ("Changed".into(), 2));
    let log = scene.home.dpbackup(&["log", "--name", "elsewhere"]).exits(0);
    assert_eq!(log.stdout, "No change that is recorded is like that.\n");
    // Whether it is one of those that are not recorded nobody knows.
    let not_known = "whether one of those that are not recorded is like that is not known";
    let told = [told_of_task, not_known];
    assert!(
        told.iter().all(|told| log.stderr.contains(told)),
        "{}",
        log.stderr
    );
    for format in ["json", "csv"] {
        let log = scene
            .home
            .dpbackup(&["log", "--class", "Elsewhere", "--format", format])
            .exits(0);
        assert!(
            told.iter().all(|told| log.stderr.contains(told)),
            "{}",
            log.stderr
        );
    }
    // The question is about other places or times.
    let text = std::fs::read_to_string(scene.home.plan_file()).expect("the plan file");
    std::fs::write(scene.home.path("more.toml"), text.replace("DOM1", "DOM1, DOM9")).expect("a file");
    let to_come =
        "warning: --since is 2999-01-01 00:00, which is still to come: nothing has happened since then\n";
    for (option, value, told) in [("--domain", "DOM9", ""), ("--since", "2999-01-01", to_come)] {
        let log = ["-c", "more.toml", "log", option, value];
        let log = scene.home.dpbackup(&log).exits(0);
        assert_eq!(
            (log.stdout.as_str(), log.stderr.as_str()),
            ("No change that is recorded is like that.\n", told)
        );
    }
}

#[test]
fn where_all_changes_are_recorded_nothing_is_said_of_it() {
    let scene = Scene::new();
    scene.run(0);
    scene.set("60", true);
    scene.run(0);
    let log = scene.home.dpbackup(&["log"]).exits(0);
    assert_eq!(log.stderr, "");
    assert_eq!(scene.blamed(), ("Changed".into(), 2));
}

#[test]
fn blame_is_about_the_newest_good_export_and_not_about_one_of_a_task_that_failed() {
    let scene = Scene::new();
    scene.run(0);
    scene.set("60", true);
    scene.run(0);
    // Its saved export is stored, and what runs cannot be had.
    scene.set("90", true);
    scene.set("91", false);
    scene
        .gateway
        .fail(Fault::nth("do-backup", 2, FaultKind::FileError));
    scene.run(1);
    assert_eq!(scene.blamed(), ("Changed".into(), 2));
    scene.gateway.state().set_unsaved("DOM1", false);
    scene.run(0);
    assert_eq!(scene.blamed(), ("Changed".into(), 4));
}

#[test]
fn whoever_asks_for_changes_that_there_cannot_be_is_told_what_was_meant() {
    let scene = Scene::new();
    scene.run(0);
    scene.set("60", true);
    scene
        .gateway
        .state()
        .put_file("DOM1", "local:///readme.txt", b"other".to_vec());
    scene.run(0);
    for (arguments, words) in [
        (["--name", "readme.txt"], "did you mean 'local:///readme.txt'?"),
        (["--name", "DEFAULT"], "did you mean 'default'?"),
    ] {
        let ran = scene.home.dpbackup(&[&["log"][..], &arguments].concat());
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let config = format!("--config {}`", scene.home.plan_file().display());
    let home = scene.home.device_at("QA2", 1, "{ verify = false }");
    for (group, words) in [
        ("QA*/NOPE", "says when each was backed up last"),
        ("QA*/*", "'*' is a pattern, and one domain is meant"),
    ] {
        let ran = home.dpbackup(&["diff", group]).exits(2);
        assert!(ran.stderr.contains(words), "{group}: {}", ran.stderr);
        assert!(ran.stderr.contains(&config), "{group}: {}", ran.stderr);
    }
    let home = home.plan("ALL", &export("QA1", "all-domains", ""));
    let _ran = home.dpbackup(&["run", "ALL"]).exits(0);
    let ran = home.dpbackup(&["log", "--domain", "all-domains"]).exits(0);
    assert!(ran.stderr.contains("leave out --domain"), "{}", ran.stderr);
    let ran = home
        .dpbackup(&["extract", "QA1/DOM1", &home.plan_file().to_string_lossy()])
        .exits(2);
    assert!(
        ran.stderr.contains("is no folder: name one that is empty"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("open the store"), "{}", ran.stderr);
}
