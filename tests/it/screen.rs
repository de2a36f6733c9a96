//! What stands on a terminal while a run works, and when somebody presses `^C`.

use rustix::process::Signal;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, Ran, eventually, export, gateways, secure_backup};

const INTERRUPT: char = '\u{3}';

const STAND_STILL: char = '\u{1a}';

const PATIENT: &str = "request = 2m, export = 1h, secure_backup = 1h, idle = 1h";

/// What an answer says whatever it is about.
const DO_NOT_KILL: &str = "do not kill dpbackup, it ends by itself";

fn home(gateway: &Gateway, plan: &str) -> Home {
    Home::new()
        .timeouts(PATIENT)
        .device("QA1", gateway)
        .plan("P", plan)
}

/// No line of the kind that moves stands on it: they begin with what turns.
#[track_caller]
fn nothing_moves(lines: &[String]) {
    let turning = |line: &&String| line.starts_with(|c: char| "|/-\\".contains(c));
    assert_eq!(lines.iter().find(turning), None, "{lines:#?}");
}

#[test]
fn an_interrupt_is_answered_while_the_gateway_still_withholds_its_own_answer() {
    let gateway = gateways::with_faults(&["do-backup=stall"]);
    let home = home(&gateway, &export("*", "DOM1", "quiesce = true"));
    let mut terminal = home.in_terminal(120, &[], &["run", "P"]);
    terminal.shows("1 of 1: waiting for QA1: the export of DOM1, ");
    {
        // From now on the gateway answers nothing.
        let state = gateway.state();
        terminal.press(INTERRUPT);
        // 1m and 3m of the plan file, 1m twice where another gateway answers, 30s of a disk, and what may still be on its way.
        let line = terminal.shows("SIGINT: ");
        assert_eq!(
            line.trim_start_matches("^C"),
            format!("SIGINT: unquiescing DOM1 of QA1, at most 10m 50s; {DO_NOT_KILL}")
        );
        assert!(
            !terminal
                .lines()
                .iter()
                .any(|line| line.contains("the export of DOM1")),
            "{:#?}",
            terminal.lines()
        );
        terminal.press(INTERRUPT);
        // It is being looked at by now, or is about to be.
        let line = terminal.shows("SIGINT again: ");
        assert!(line.contains("DOM1 of QA1, "), "{line}");
        assert_eq!(state.quiesce_state("DOM1"), "quiesced");
    }
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:#?}");
    nothing_moves(&lines);
    assert!(gateway.state().is_unquiesced());
}

/// What shows that a phase is reached.
enum At {
    /// The line of the phase.
    Shown,
    /// The script, which catches the signal by then.
    InScript,
    /// The gateway, which has got this.
    Received(&'static str),
    /// The gateway, which has begun: before, nobody could say whether the request arrives yet.
    Quiesced,
}

#[test]
fn an_interrupt_is_answered_in_every_phase_and_no_stale_line_stays() {
    let slow = "#!/bin/sh\ntrap '' INT\ntouch \"$DPBACKUP_STORE/../slow\"\nexec sleep 600\n";
    let quiesced = export("*", "DOM1", "quiesce = true");
    let scripted = export("*", "DOM1", "quiesce = true\npre_script = \"slow.sh\"");
    let nothing = format!("SIGINT: nothing is to be put back; {DO_NOT_KILL}");
    let unquiescing = "SIGINT: unquiescing DOM1 of QA1, at most ";
    let device = "SIGINT: unquiescing all of QA1, at most ";
    let of_device = secure_backup("*", "quiesce = true");
    for (fault, plan, phase, at, answer) in [
        // Asked for its domains, and looked at.
        (
            "DomainStatus:1=stall",
            &quiesced,
            "asking QA1, ",
            At::Shown,
            nothing.as_str(),
        ),
        (
            "DomainStatus:2=stall",
            &quiesced,
            "looking at the device, ",
            At::Shown,
            &nothing,
        ),
        (
            "none",
            &scripted,
            "running its pre-task script, ",
            At::InScript,
            &nothing,
        ),
        (
            "DomainQuiesce=stall",
            &quiesced,
            "quiescing, ",
            At::Quiesced,
            "SIGINT: unquiescing DOM1 of QA1, if it got the request, at most ",
        ),
        (
            "DomainQuiesce=never-quiesces",
            &quiesced,
            "domain DOM1 to be quiesced, ",
            At::Shown,
            unquiescing,
        ),
        (
            "do-backup=stall",
            &quiesced,
            "the export of DOM1, ",
            At::Received("do-backup"),
            unquiescing,
        ),
        (
            "do-backup=stall-in-body@2000",
            &quiesced,
            "downloading QA1 DOM1-",
            At::Shown,
            unquiescing,
        ),
        (
            "do-action/SecureBackup=stall",
            &of_device,
            "the secure backup to be ready, ",
            At::Received("SecureBackup"),
            device,
        ),
        (
            "get-file/cert.tgz=stall",
            &of_device,
            "the file cert.tgz, ",
            At::Shown,
            "SIGINT: removing our folder from QA1, at most ",
        ),
    ] {
        let gateway = Gateway::start(Setup::default());
        if fault != "none" {
            gateway.fail_as(fault);
        }
        let home = home(&gateway, plan).script("slow.sh", slow);
        let home = home.setting("scripts_dir = \"scripts\"");
        let mut terminal = home.in_terminal(100, &[], &["run", "P"]);
        terminal.shows(phase);
        eventually(phase, || match at {
            At::Shown => true,
            At::InScript => home.path("slow").exists(),
            At::Received(operation) => gateway.received(operation) > 0,
            At::Quiesced => !gateway.state().quiesce_state("DOM1").is_empty(),
        });
        terminal.press(INTERRUPT);
        terminal.shows(answer);
        gateway.clear_faults();
        let (code, lines) = terminal.end();
        assert_eq!(code, Some(130), "{phase}: {lines:#?}");
        nothing_moves(&lines);
        assert!(gateway.state().is_unquiesced(), "{phase}");
        let answers = lines.iter().filter(|line| line.contains(DO_NOT_KILL)).count();
        assert!(answers <= 1, "{phase}: {lines:#?}");
    }
}

#[test]
fn what_is_put_back_moves_on_below_the_answer_to_a_signal() {
    let gateway = gateways::with_faults(&["do-backup=stall", "DomainUnquiesce=never-unquiesces"]);
    let home = home(&gateway, &export("*", "DOM1", "quiesce = true"));
    let mut terminal = home.in_terminal(140, &[], &["run", "P"]);
    terminal.shows("the export of DOM1, ");
    terminal.press(STAND_STILL);
    terminal.shows("SIGTSTP: it goes on");
    terminal.shows("the export of DOM1, ");
    terminal.press(INTERRUPT);
    terminal.shows("waiting for QA1: domain DOM1 to be unquiesced, ");
    terminal.press(INTERRUPT);
    terminal.shows("SIGINT again: ");
    terminal.shows("waiting for QA1: domain DOM1 to be unquiesced, ");
    gateway.state().show_words("DOM1", "");
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:#?}");
    nothing_moves(&lines);
}

#[test]
fn an_interrupted_recovery_puts_back_what_it_has_begun_moves_and_says_with_its_exit_code_that_it_was() {
    let gateway = gateways::with_faults(&["do-backup=stall"]);
    let home = home(&gateway, &export("*", "DOM1", "quiesce = true"));
    let mut run = home.start(&["run", "P"]);
    eventually("the export is asked for", || gateway.received("do-backup") == 1);
    run.kill().expect("a child");
    run.wait().expect("a child");
    gateway.clear_faults();
    gateway.fail_as("DomainUnquiesce=never-unquiesces");
    let mut terminal = home.in_terminal(140, &[], &["recover"]);
    terminal.shows("waiting for QA1: domain DOM1 to be unquiesced, ");
    terminal.press(INTERRUPT);
    terminal.shows("SIGINT: unquiescing DOM1 of QA1, at most ");
    terminal.shows("waiting for QA1: domain DOM1 to be unquiesced, ");
    gateway.state().show_words("DOM1", "");
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:#?}");
    nothing_moves(&lines);
}

#[test]
fn an_interrupt_while_several_devices_are_asked_is_answered_and_named_with_how_many() {
    let gateway = gateways::with_faults(&["DomainStatus=stall"]);
    let home = Home::new()
        .timeouts(PATIENT)
        .absent_device("QA0")
        .device("QA1", &gateway)
        .absent_device("QA2")
        .plan("P", &export("*", "*", ""));
    for arguments in [&["run", "P"][..], &["preview", "P"]] {
        let mut terminal = home.in_terminal(100, &[], arguments);
        terminal.shows("asking 3 devices, 2 done; waiting for QA1, ");
        terminal.press(INTERRUPT);
        terminal.shows("SIGINT: nothing is to be put back; ");
        let (code, lines) = terminal.end();
        assert_eq!(code, Some(130), "{arguments:?}: {lines:#?}");
        nothing_moves(&lines);
    }
}

#[test]
fn scripts_that_still_run_are_named_and_a_second_interrupt_skips_them() {
    let gateway = gateways::with_faults(&["do-backup=stall"]);
    let home = home(
        &gateway,
        &export("*", "DOM1", "quiesce = true\npost_script = \"post.sh\""),
    )
    .setting("scripts_dir = \"scripts\"")
    .script(
        "post.sh",
        "#!/bin/sh\ntrap '' INT\ntouch \"$DPBACKUP_STORE/../ran\"\n",
    );
    let mut terminal = home.in_terminal(140, &[], &["run", "P"]);
    terminal.shows("the export of DOM1, ");
    {
        let _state = gateway.state();
        terminal.press(INTERRUPT);
        terminal.shows("; then scripts, at most 10m each, which a second signal ends; do not kill");
        terminal.press(INTERRUPT);
        let line = terminal.shows("SIGINT again: ");
        assert!(line.contains("DOM1 of QA1, "), "{line}");
        assert!(
            line.contains("at most 10m 50s; no more scripts; do not kill"),
            "{line}"
        );
    }
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:#?}");
    assert!(!home.path("ran").exists());
}

#[test]
fn a_signal_is_answered_elsewhere_too_and_beside_json_lines() {
    for arguments in [
        &["run", "P"][..],
        &["run", "P", "--format", "json"],
        &["-q", "run", "P"],
    ] {
        let gateway = gateways::with_faults(&["do-backup=stall"]);
        let home = home(&gateway, &export("*", "DOM1", "quiesce = true"));
        let running = home.running(arguments);
        eventually("the export was asked for", || gateway.received("do-backup") == 1);
        running.signal(Signal::TERM);
        let ran = running.end().exits(143);
        let answer = format!("SIGTERM: unquiescing DOM1 of QA1, at most 10m 50s; {DO_NOT_KILL}\n");
        assert!(ran.stderr.starts_with(&answer), "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stdout.contains("SIGTERM: "), "{}", ran.stdout);
    }
}

#[test]
fn tasks_that_never_began_for_one_cause_are_one_line_at_a_terminal_and_in_a_mail() {
    let names: Vec<String> = (1..=9).map(|number| format!("DOM{number}")).collect();
    let gateway = gateways::with_domains(names.iter().map(|name| Domain::new(name)));
    gateway.fail_as("do-backup@DOM2=file-error");
    let home = home(&gateway, &export("*", "DOM*", ""));
    let cancelled = "cancelled 7 tasks, QA1/DOM3 export to QA1/DOM9 export: EXECUTION_CANCELED_BECAUSE_ERROR_POLICY: \
                     QA1/DOM2 export ended BACKUP_FAILED (task 2), and the error policy is halt";
    let mail = home.dpbackup(&["run", "P"]).exits(1).stderr;
    assert!(mail.contains(&format!("\n  {cancelled}\n")), "{mail}");
    assert_eq!(mail.matches("cancelled").count(), 2, "and in the count: {mail}");
    assert!(mail.lines().count() <= 8, "{mail}");
    let (code, lines) = home
        .in_terminal(200, &[], &["run", "P", "--color", "never"])
        .end();
    assert_eq!(code, Some(1), "{lines:#?}");
    let at_terminal = cancelled.replace("task 2", "task 11");
    assert_eq!(
        lines.iter().filter(|line| **line == at_terminal).count(),
        1,
        "{lines:#?}"
    );
    assert_eq!(
        lines.iter().filter(|line| line.contains("cancelled")).count(),
        2,
        "{lines:#?}"
    );
}

#[test]
fn tasks_that_an_interruption_kept_from_beginning_are_one_line_too() {
    let names: Vec<String> = (1..=9).map(|number| format!("DOM{number}")).collect();
    let gateway = gateways::with_domains(names.iter().map(|name| Domain::new(name)));
    gateway.fail_as("do-backup@DOM2=stall");
    let home = home(&gateway, &export("*", "DOM*", ""));
    let mut terminal = home.in_terminal(120, &[], &["run", "P", "--color", "never"]);
    terminal.shows("2 of 9: waiting for QA1: the export of DOM2, ");
    terminal.press(INTERRUPT);
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(130), "{lines:#?}");
    let told =
        |line: &&String| line.contains("FAILED 7 tasks, QA1/DOM3 export to QA1/DOM9 export: INTERRUPTED");
    assert_eq!(
        lines.iter().filter(told).count(),
        2,
        "when they ended, and in the summary: {lines:#?}"
    );
    assert!(!lines.iter().any(|line| line.contains("DOM5")), "{lines:#?}");
}

#[test]
fn what_a_terminal_shows_a_log_has_in_lines() {
    let gateway = gateways::with_faults(&["do-backup@DOM1=stall@1s"]);
    let home = home(&gateway, &export("*", "DOM1, DOM2", ""));
    let mut command = home.command(&["run", "P", "-v"]);
    command.env("DPBACKUP_HEARTBEAT", "20ms");
    let ran = Ran::of(command.output().expect("the binary starts")).exits(0);
    for line in [
        "1 of 2: QA1/DOM1 export\n",
        "1 of 2: waiting for QA1: the export of DOM1, 0s, at most 1h\n",
        "2 of 2: QA1/DOM2 export\n",
        "keys and certificates are in no export, and 2 exports would need some: history names them\n",
    ] {
        assert!(ran.stderr.contains(line), "{line}: {}", ran.stderr);
    }
    let quiet = home.dpbackup(&["run", "P", "-v"]).exits(0);
    assert!(
        !quiet.stderr.contains("waiting for"),
        "a minute has not passed: {}",
        quiet.stderr
    );
}

#[test]
fn a_script_of_the_plan_is_seen_at_work() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway);
    let waits = |file: &str| {
        let path = home.path(file);
        format!(
            "#!/bin/sh\nwhile [ ! -e '{}' ]; do sleep 0.05; done\n",
            path.display()
        )
    };
    let (pre, post) = (waits("go"), waits("end"));
    let home = home
        .script("pre.sh", &pre)
        .script("post.sh", &post)
        .setting("scripts_dir = \"scripts\"")
        .plan(
            "P",
            &format!(
                "pre_script = \"pre.sh\"\npost_script = \"post.sh\"\n{}",
                export("*", "DOM1", "")
            ),
        );
    let terminal = home.in_terminal(80, &[], &["run", "P"]);
    terminal.shows("running the pre-plan script, ");
    std::fs::write(home.path("go"), "").expect("a file");
    terminal.shows("running the post-plan script, ");
    std::fs::write(home.path("end"), "").expect("a file");
    let shown = terminal.written();
    assert!(
        !shown.contains("asking ,") && !shown.contains("waiting for ,"),
        "{shown:?}"
    );
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(0), "{lines:#?}");
    nothing_moves(&lines);
}
