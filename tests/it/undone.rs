//! What later commands undo of what a run has left, and what history says of it afterwards.

use serde_json::Value;

use crate::simulator::{Domain, Gateway};
use crate::support::{Home, export, gateways};

fn gateway() -> Gateway {
    Gateway::start(gateways::small(["DOM1", "DOM2"].map(Domain::new)))
}

/// A home in which nothing is waited for long.
fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .timeouts("request = 4s")
        .setting("unquiesce_timeout = \"1s\"")
        .setting("quiesce_grace = \"0s\"")
        .device("QA1", gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"))
}

/// The error message of the oldest row that a level of history prints.
fn oldest_message(home: &Home, arguments: &[&str], rows: &str) -> String {
    let arguments = [&["history"], arguments, &["--format", "json"]].concat();
    let printed: Value = serde_json::from_str(&home.dpbackup(&arguments).stdout).expect("JSON");
    let rows = printed[rows].as_array().expect("rows");
    let message = rows.last().and_then(|row| row["error_message"].as_str());
    message.unwrap_or_default().to_owned()
}

#[test]
fn history_says_of_an_execution_what_has_been_undone_of_it_since_and_by_whom() {
    for (command, by) in [
        (["recover"].as_slice(), "by dpbackup recover)"),
        (&["run", "P"], "by execution 2)"),
    ] {
        let gateway = gateway();
        gateway.fail_as("DomainUnquiesce=http-503");
        let home = home(&gateway);
        let _left = home.dpbackup(&["run", "P"]).exits(10);
        let before = oldest_message(&home, &[], "plan_executions");
        assert!(
            before.contains("QUIESCED: ") && !before.contains("since then"),
            "{before}"
        );
        gateway.clear_faults();
        let ran = home.dpbackup(command);
        assert!(gateway.state().is_unquiesced(), "{}", ran.stderr);
        for (level, rows) in [
            (["--status", "FAILED"].as_slice(), "plan_executions"),
            (&["tasks", "1"], "task_executions"),
        ] {
            let message = oldest_message(&home, level, rows);
            let (then, since) = message.split_once("; since then: ").unwrap_or((&message, ""));
            assert!(then.contains("QUIESCED: "), "{message}");
            assert!(
                since.starts_with("domain DOM1 of QA1: ") && since.contains(" and confirmed (2"),
                "{message}"
            );
            assert!(since.ends_with(by), "{message}");
        }
    }
}
