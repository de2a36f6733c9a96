//! `-q` says only what is not good, whatever the command.

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, export, gateways};

/// Every command that judges something, and what it ends with where all is good.
const JUDGING: &[&[&str]] = &[
    &["run", "P"],
    &["preview", "P"],
    &["validate"],
    &["check"],
    &["check", "QA1"],
    &["history"],
    &["history", "last"],
    &["history", "activities", "last"],
    &["history", "tasks", "last"],
    &["history", "files", "last"],
    &["history", "status"],
    &["status"],
    &["recover"],
    &["verify", "--all"],
    &["verify", "last"],
    &["prune"],
    &["prune", "--dry-run"],
    &["notify-test"],
    &["diff", "QA1/DOM1", "QA1/DOM1"],
    &["extract", "QA1/DOM1", "text"],
    &["trust", "QA1"],
    &["report", "page.html"],
    &["rehearse", "--all", "--on", "SPARE"],
];

#[test]
fn where_all_is_good_nothing_is_said() {
    let (gateway, spare) = (Gateway::start(Setup::default()), Gateway::start(Setup::default()));
    spare.state().set_serial("78B9999");
    let home = Home::new()
        .setting("retention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .spare("SPARE", &spare)
        .plan("P", &export("*", "DOM1", ""));
    let metrics = home.path("metrics.prom");
    let home = home.setting(&format!(
        "# the metrics are written below\n[notify.metrics]\npath = \"{}\"",
        metrics.display()
    ));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    for arguments in JUDGING {
        let words: Vec<&str> = ["-q"].iter().chain(*arguments).copied().collect();
        let ran = home.dpbackup(&words).exits(0);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            ("", ""),
            "{arguments:?}"
        );
        let loud = home.dpbackup(arguments).exits(0);
        let says_nothing = arguments.first() == Some(&"run");
        assert_eq!(
            loud.stdout.is_empty() && loud.stderr.is_empty(),
            says_nothing,
            "{arguments:?}: without -q something is said"
        );
    }
}

#[test]
fn what_is_not_good_is_said_and_nothing_else() {
    let gateway = gateways::with_faults(&["do-backup@DOM2=file-error"]);
    let home = Home::new()
        .device("QA1", &gateway)
        .absent_device("QA2")
        .plan("P", &export("QA*", "DOM1, DOM2", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(1);
    for (arguments, code, said, silent) in [
        (
            &["-q", "preview", "P"][..],
            3,
            "SKIPPED_DEVICE_NOT_AVAILABLE",
            " QA1 ",
        ),
        (&["-q", "check"], 1, "FAIL  reach", "OK    "),
        (&["-q", "history"], 0, "FAILED", "SUCCESS"),
        (&["-q", "history", "last"], 0, "BACKUP_FAILED", "SUCCESS"),
        (&["-q", "history", "tasks", "last"], 0, "BACKUP_FAILED", "SUCCESS"),
        (&["-q", "history", "status"], 2, "CRITICAL  QA1     DOM2", "\nOK "),
    ] {
        let ran = home.dpbackup(arguments).exits(code);
        assert!(ran.stdout.contains(said), "{arguments:?}: {}", ran.stdout);
        assert!(!ran.stdout.contains(silent), "{arguments:?}: {}", ran.stdout);
    }
    let file = home.store().join(&home.stored()[0]);
    std::fs::write(&file, "damaged").expect("a file");
    let ran = home.dpbackup(&["-q", "verify", "--all"]).exits(1);
    assert!(ran.stdout.contains("BAD"), "{}", ran.stdout);
}

#[test]
fn what_ends_with_a_warning_says_why_in_one_line() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .device("QA1", &gateway)
        .absent_device("QA2")
        .script("fails.sh", "#!/bin/sh\nexit 1\n")
        .plan("Skips", &export("QA*", "DOM1", ""))
        .plan(
            "Script",
            &format!("post_script = \"fails.sh\"\n{}", export("QA1", "DOM1", "")),
        );
    for (plan, why) in [("Skips", "SKIPPED_DEVICE_NOT_AVAILABLE"), ("Script", "fails.sh")] {
        let ran = home.dpbackup(&["-q", "run", plan]).exits(3);
        let lines: Vec<&str> = ran.stderr.lines().collect();
        let [line] = lines.as_slice() else {
            panic!("one line: {}", ran.stderr)
        };
        assert!(
            line.starts_with(&format!("plan {plan} ended COMPLETED_WITH_WARNINGS (execution "))
                && line.contains(why),
            "{line}"
        );
        // Its tasks are good, and it had some.
        let page = home.dpbackup(&["-q", "history", "last"]).exits(0).stdout;
        assert!(!page.contains("No tasks"), "{page}");
    }
    // The counts are of all that was looked at.
    let loud = home.dpbackup(&["check", "Skips"]).exits(1).stdout;
    let quiet = home.dpbackup(&["-q", "check", "Skips"]).exits(1).stdout;
    let counts = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    assert_eq!(counts(&quiet), counts(&loud));
    assert!(!counts(&quiet).starts_with("0 OK"), "{quiet}");
}

/// What is asked for by its words is an answer, and no remark: `-q` does not take it away.
#[test]
fn what_was_asked_for_is_answered_all_the_same() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway
        .state()
        .put_file("DOM1", "local:///new.txt", b"new".to_vec());
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    for (arguments, code, said) in [
        (&["log"][..], 0, "local:///new.txt"),
        (&["find", "DOM1-service"], 0, "DOM1-service"),
        (&["diff", "1", "2"], 1, "local:///new.txt"),
    ] {
        let loud = home.dpbackup(arguments).exits(code);
        let quiet = home.dpbackup(&[&["-q"], arguments].concat()).exits(code);
        assert!(quiet.stdout.contains(said), "{arguments:?}: {}", quiet.stdout);
        assert_eq!(quiet.stdout, loud.stdout, "{arguments:?}");
    }
}
