//! What a person at a terminal sees of a run.

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, export};

fn home(gateway: &Gateway) -> Home {
    Home::new()
        .device("QA1", gateway)
        .plan("P", &export("*", "DOM1, DOM2", ""))
}

#[test]
fn every_task_and_the_end_are_told_with_bars_and_without() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    for (environment, arguments) in [
        (&[][..], &["run", "P"][..]),
        (&[], &["run", "P", "--no-progress"]),
        (&[("TERM", "dumb")], &["run", "P"]),
    ] {
        let ran = home.at_terminal(100, environment, arguments).exits(0);
        for words in [
            "plan P begins",
            "QA1/DOM1 export",
            "QA1/DOM2 export",
            "plan P ended",
            "2 succeeded, 0 failed, 0 skipped, 0 cancelled",
        ] {
            assert!(
                ran.stdout.contains(words),
                "{arguments:?}: {words}: {}",
                ran.stdout
            );
        }
    }
}

#[test]
fn without_bars_nothing_moves_the_cursor() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let plain = home
        .at_terminal(100, &[], &["run", "P", "--no-progress", "--color", "never"])
        .exits(0);
    assert!(!plain.stdout.contains('\u{1b}'), "{:?}", plain.stdout);
    let dumb = home.at_terminal(100, &[("TERM", "dumb")], &["run", "P"]).exits(0);
    assert!(!dumb.stdout.contains('\u{1b}'), "{:?}", dumb.stdout);
}

#[test]
fn quiet_is_quiet_at_a_terminal_too() {
    let gateway = Gateway::start(Setup::default());
    let ran = home(&gateway)
        .at_terminal(100, &[], &["--quiet", "run", "P"])
        .exits(0);
    assert_eq!(ran.stdout, "");
}
