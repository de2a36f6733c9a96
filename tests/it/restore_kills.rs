//! A restore that is killed, at any request: what the next start says of it.

use crate::restore::{change, has_service, keyless, sent, setup, word};
use crate::simulator::Gateway;
use crate::support::{Home, eventually, export, gateways};

#[test]
fn a_restore_that_is_killed_at_any_request_is_told_and_the_next_one_puts_it_in_order() {
    let gateway = Gateway::start(gateways::small([keyless("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let confirm =
        |word: &str| ["restore", "1", "--to", "QA1", "--save", "--confirm", word].map(str::to_owned);
    change(&gateway);
    let fresh = word(&home, &["--save"]);
    gateway.forget_requests();
    let arguments = confirm(&fresh);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let _ = home.dpbackup(&arguments).exits(0);
    let bodies: Vec<String> = gateway
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    let dry = bodies.iter().position(|body| body.contains("dry-run=\"true\""));
    let dry = dry.expect("a dry run") + 1;
    let import = bodies.iter().position(|body| body.contains("dry-run=\"false\""));
    let import = import.expect("an import") + 1;
    let saved = bodies.iter().position(|body| body.contains("<SaveConfig"));
    let saved = saved.expect("a save") + 1;
    assert!(
        import < saved && saved < bodies.len(),
        "what came out is looked at, saved, and kept"
    );
    let mut ended = 0;
    for nth in 1..=bodies.len() {
        change(&gateway);
        let fresh = word(&home, &["--save"]);
        gateway.forget_requests();
        gateway.fail_as(&format!("*:{nth}=stall"));
        let arguments = confirm(&fresh);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let running = home.running(&arguments);
        eventually("the request is there", || gateway.requests().len() >= nth);
        running.kill();
        gateway.clear_faults();
        let open = home.open_entries();
        match nth {
            nth if nth + 1 < dry => assert!(open.is_empty(), "request {nth}: {open:?}"),
            // It was written down before the device was asked who it is and sent anything, and stays while what came
            // out is looked at and saved. A gateway may import at a dry run, too.
            nth if nth <= saved => assert_eq!(open.len(), 1, "request {nth}"),
            _ => assert!(open.len() <= 1, "request {nth}: {open:?}"),
        }
        if nth < import {
            assert!(!sent(&gateway).contains(&"real"), "request {nth}");
            assert!(!has_service(&gateway), "request {nth}");
        }
        // Before anybody has looked after it, it is shown as what it is.
        let shown = home.dpbackup(&["history", "--limit", "1"]).exits(0);
        assert!(
            shown.stdout.contains("ABANDONED"),
            "request {nth}: {}",
            shown.stdout
        );
        let is_tried_only = nth + 1 >= dry && nth + 1 < import;
        let half_done = match is_tried_only {
            true => "a dry run of an import of DOM1 ",
            // It was looked at before it was saved.
            false if nth + 2 >= saved => "the import of DOM1 on QA1 ",
            false => "an import of DOM1 on QA1 may be half done",
        };
        // A dry run that was answered has left everything as it was, and a look shows it.
        let is_mended = is_tried_only && nth > dry;
        let exit = i32::from(!open.is_empty() && !is_mended);
        let recovered = home.dpbackup(&["recover"]).exits(exit);
        assert_eq!(
            recovered
                .stdout
                .contains("the domain is as it was before the dry run"),
            is_mended,
            "request {nth}: {}",
            recovered.stdout
        );
        assert_eq!(
            recovered.stdout.contains(half_done),
            !open.is_empty(),
            "request {nth}: {}",
            recovered.stdout
        );
        let row = home.last_plan();
        assert_eq!(row.status.code(), "ABANDONED", "request {nth}");
        let why = row.error_message.unwrap_or_default();
        assert_eq!(why.contains(half_done), !open.is_empty(), "request {nth}: {why}");
        // An import that was over is not passed over in silence.
        let has_ended = why.contains("the import of task") && why.contains("had ended before: SUCCESS");
        assert_eq!(
            has_ended,
            nth >= import && open.is_empty(),
            "request {nth}: {why}"
        );
        ended += usize::from(has_ended);
        // Where nothing was sent, that of the next request is the next one.
        if nth + 1 < dry {
            continue;
        }
        // The next one is not held up, and puts in order what was left.
        change(&gateway);
        let fresh = word(&home, &["--save"]);
        let arguments = confirm(&fresh);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let next = home.dpbackup(&arguments);
        assert!(has_service(&gateway), "request {nth}");
        if [dry - 1, dry, import - 1, import].contains(&nth) {
            // Nobody has heard of it: it may still be carried out, over what came after it.
            let _ = next.exits(3);
            assert_eq!(home.open_entries().len(), 1);
            let _ = home.dpbackup(&["recover", "--forget", "QA1/DOM1"]).exits(0);
        } else {
            let _ = next.exits(0);
        }
        assert!(home.open_entries().is_empty(), "request {nth}");
    }
    assert!(ended > 0, "the backup after it is taken when it is over");
}

#[test]
fn a_restore_that_died_before_anything_was_sent_is_told_by_the_run_that_ends_it() {
    let gateway = Gateway::start(setup());
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("Night", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    change(&gateway);
    gateway.fail_as("FilesystemStatus=stall");
    let running = home.running(&["restore", "1", "--to", "QA1"]);
    eventually("the target is looked at", || {
        gateway.received("FilesystemStatus") > 0
    });
    running.kill();
    gateway.clear_faults();
    let ran = home.dpbackup(&["run", "Night"]).exits(0);
    let told = "execution 2, restore QA1/DOM1, was abandoned: its process is gone";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    // It is over by now, and nobody says that none has died.
    let ran = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(
        ran.stdout,
        "nothing to recover: no run that died has left anything\n"
    );
}
