//! Signals: 128 and the signal, everything put back and recorded, the post scripts still
//! run; a second signal skips them, never the unquiesce.

use std::time::Duration;

use dpbackup::run::event::Undo;
use rustix::process::Signal;

use crate::simulator::{Gateway, Setup};
use crate::support::{Home, TestClock, deaf_port, eventually, export, is_being_connected_to, secure_backup};

const MARK: &str = "#!/bin/sh\necho \"$1 $5\" >> \"$DPBACKUP_STORE/../ran\"\n";

fn asked(gateway: &Gateway, operation: &str) -> bool {
    gateway.operations().iter().any(|name| name == operation)
}

#[test]
fn each_signal_has_its_code_and_the_device_is_put_back() {
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let gateway = Gateway::start(Setup::default());
        gateway.fail_as("do-backup=stall");
        let scripts = "post_script = \"mark.sh\"\n";
        let home = Home::of(&gateway).script("mark.sh", MARK).plan(
            "P",
            &format!(
                "{scripts}{}",
                export("*", "DOM*", &format!("quiesce = true\n{scripts}"))
            ),
        );
        let running = home.running(&["run", "P"]);
        eventually("the export was asked for", || asked(&gateway, "do-backup"));
        running.signal(signal);
        let ran = running.end().exits(code);
        assert!(gateway.state().is_unquiesced());
        assert_eq!(home.open_entries(), []);
        home.holds_nothing();
        assert_eq!(home.recorded(), ["QA1/DOM1 INTERRUPTED", "QA1/DOM2 INTERRUPTED"]);
        assert_eq!(home.last_plan().status.code(), "INTERRUPTED");
        let errors: Vec<String> = home
            .task_rows()
            .into_iter()
            .filter_map(|row| row.error_message)
            .collect();
        assert!(errors[0].ends_with("; unquiesced and confirmed"), "{errors:?}");
        assert_eq!(
            home.text("ran"),
            "BACKUP-TASK INTERRUPTED\nBACKUP-PLAN INTERRUPTED\n"
        );
        assert!(ran.stderr.contains("plan P ended INTERRUPTED"), "{}", ran.stderr);
    }
}

#[test]
fn a_signal_ends_a_connection_that_is_being_made() {
    let (port, _held) = deaf_port();
    let home = Home::new()
        .timeouts("connect = 10m, request = 10m, export = 10m, idle = 10m")
        .device_at("QA1", port, "{ verify = false }")
        .plan("P", &export("*", "DOM1", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("the device is being connected to", || is_being_connected_to(port));
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    assert_eq!(home.last_plan().status.code(), "INTERRUPTED");
}

#[test]
fn a_signal_to_a_command_that_only_looks_is_one_line_and_ends_it() {
    for (signal, name, code) in [
        (Signal::HUP, "SIGHUP", 129),
        (Signal::INT, "SIGINT", 130),
        (Signal::TERM, "SIGTERM", 143),
        (Signal::QUIT, "SIGQUIT", 131),
    ] {
        let (port, _held) = deaf_port();
        let home = Home::new()
            .timeouts("connect = 10m")
            .device_at("QA1", port, "{ verify = false }");
        let running = home.running(&["trust", "QA1"]);
        eventually("the device is being connected to", || is_being_connected_to(port));
        running.signal(signal);
        let ran = running.end().exits(code);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            (
                "",
                format!("{name}: it ends here: the device was asked for its certificate, and nothing else\n")
                    .as_str()
            )
        );
    }
}

#[test]
fn a_signal_while_a_download_stands_still_ends_it() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=stall-in-body@2000");
    let home = Home::new()
        .timeouts("export = 10m, idle = 10m")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("the download has begun", || {
        !home.plan_rows().is_empty() && home.recorded() == ["QA1/DOM1 DOWNLOADING"]
    });
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    assert_eq!(home.recorded(), ["QA1/DOM1 INTERRUPTED"]);
    assert!(gateway.state().is_unquiesced());
    home.holds_nothing();
}

#[test]
fn a_signal_in_the_middle_of_a_secure_backup_leaves_its_folder_to_the_journal() {
    let clock = TestClock::night();
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        secure_backup_time: Duration::from_secs(600),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &secure_backup("*", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("the secure backup is waited for", || {
        asked(&gateway, "get-filestore")
    });
    running.signal(Signal::INT);
    let ran = running.end().exits(130);
    assert_eq!(home.recorded(), ["QA1/all-domains INTERRUPTED"]);
    assert!(gateway.state().is_unquiesced());
    home.holds_nothing();
    // The device goes on, and would fill a folder that is removed now.
    let open = home.open_entries();
    assert!(
        matches!(open.as_slice(), [entry] if matches!(entry.undo, Undo::RemoveFolder(_))),
        "{open:?}"
    );
    assert!(
        ran.stderr.contains("is on the device; dpbackup recover")
            && ran.stderr.contains(
                ", or the next run, looks for it again (the device is still making a secure backup"
            ),
        "{}",
        ran.stderr
    );
    clock.pass(Duration::from_secs(600));
    assert!(!gateway.state().files("default", "temporary:").is_empty());
    let ran = home.dpbackup(&["recover"]).exits(0);
    assert!(ran.stdout.contains("removed and confirmed"), "{}", ran.stdout);
    assert_eq!(home.open_entries(), []);
    assert_eq!(
        gateway.state().files("default", "temporary:"),
        Vec::<String>::new()
    );
}

#[test]
fn a_signal_while_a_quiesce_is_waited_for_undoes_it() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("DomainQuiesce=never-quiesces");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("the quiesce was asked for", || {
        gateway.state().quiesce_state("DOM1") == "quiescing"
    });
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
    assert!(!asked(&gateway, "do-backup"));
}

#[test]
fn a_signal_ends_a_pre_script_and_the_device_is_untouched() {
    let gateway = Gateway::start(Setup::default());
    let more = "quiesce = true\npre_script = \"slow.sh\"\npost_script = \"mark.sh\"";
    let home = Home::of(&gateway)
        .script(
            "slow.sh",
            "#!/bin/sh\ntouch \"$DPBACKUP_STORE/../slow\"\nexec sleep 600\n",
        )
        .script("mark.sh", MARK)
        .plan("P", &export("*", "DOM1", more));
    let running = home.running(&["run", "P"]);
    eventually("the script runs", || home.path("slow").exists());
    running.signal(Signal::INT);
    let _ = running.end().exits(130);
    assert_eq!(home.recorded(), ["QA1/DOM1 INTERRUPTED"]);
    assert_eq!(home.text("ran"), "BACKUP-TASK INTERRUPTED\n");
    assert!(!gateway.operations().iter().any(|name| name.starts_with("do-")));
}

#[test]
fn a_second_signal_skips_the_scripts_and_not_the_unquiesce() {
    let gateway = Gateway::start(Setup {
        unquiesce_time: Duration::from_secs(2),
        ..Setup::default()
    });
    gateway.fail_as("do-backup=stall");
    let scripts = "post_script = \"mark.sh\"\n";
    let home = Home::of(&gateway).script("mark.sh", MARK).plan(
        "P",
        &format!(
            "{scripts}{}",
            export("*", "DOM1", &format!("quiesce = true\n{scripts}"))
        ),
    );
    let running = home.running(&["run", "P"]);
    eventually("the export was asked for", || asked(&gateway, "do-backup"));
    running.signal(Signal::TERM);
    eventually("the unquiesce is under way", || {
        gateway.state().quiesce_state("DOM1") == "unquiescing"
    });
    running.signal(Signal::INT);
    let ran = running.end().exits(143);
    assert!(gateway.state().is_unquiesced());
    assert_eq!(home.open_entries(), []);
    assert!(!home.path("ran").exists(), "no script ran");
    assert!(
        ran.stderr.contains("was skipped: a second signal came"),
        "{}",
        ran.stderr
    );
    assert_eq!(home.recorded(), ["QA1/DOM1 INTERRUPTED"]);
}

#[test]
fn a_second_signal_ends_a_post_script_that_runs() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=stall");
    let home = Home::of(&gateway)
        .script(
            "slow.sh",
            "#!/bin/sh\ntouch \"$DPBACKUP_STORE/../slow\"\nexec sleep 600\n",
        )
        .plan(
            "P",
            &export("*", "DOM1", "quiesce = true\npost_script = \"slow.sh\""),
        );
    let running = home.running(&["run", "P"]);
    eventually("the export was asked for", || asked(&gateway, "do-backup"));
    running.signal(Signal::TERM);
    eventually("the post-task script runs", || home.path("slow").exists());
    assert!(gateway.state().is_unquiesced(), "that comes first");
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    assert_eq!(home.recorded(), ["QA1/DOM1 INTERRUPTED"]);
}

#[test]
fn something_still_quiesced_goes_before_the_signal() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=stall");
    gateway.fail_as("DomainUnquiesce=never-unquiesces");
    let home = Home::new()
        .setting("unquiesce_timeout = \"1s\"")
        .setting("quiesce_grace = \"0s\"")
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("the export was asked for", || asked(&gateway, "do-backup"));
    running.signal(Signal::TERM);
    let ran = running.end().exits(10);
    assert!(ran.stderr.contains("STILL QUIESCED"), "{}", ran.stderr);
    assert_eq!(home.recorded(), ["QA1/DOM1 INTERRUPTED"]);
    assert_eq!(home.open_entries().len(), 1);
}

#[test]
fn a_signal_ends_the_run_before_its_next_plan() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=stall");
    let home = Home::of(&gateway)
        .plan("P", &export("*", "DOM1", ""))
        .plan("Q", &export("*", "DOM2", ""));
    let running = home.running(&["run", "P", "Q"]);
    eventually("the export was asked for", || asked(&gateway, "do-backup"));
    running.signal(Signal::INT);
    let _ = running.end().exits(130);
    // The second has its row all the same.
    let ends = home.plan_rows().into_iter().map(|row| row.status.code());
    assert_eq!(ends.collect::<Vec<_>>(), ["INTERRUPTED", "INTERRUPTED"]);
    assert_eq!(gateway.received("do-backup"), 1);
}
