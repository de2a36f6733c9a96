//! What a person at a terminal sees of a run.

use std::cell::RefCell;

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::terminal::standing;
use crate::support::{Home, Ran, eventually, export, gateways, secure_backup};

fn home(gateway: &Gateway) -> Home {
    Home::of(gateway).plan("P", &export("*", "DOM1, DOM2", ""))
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

/// A pipe that is full, and its reader, who does not read.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).expect("its mode");
    for piece in [[b'x'; 4096].as_slice(), b"x"] {
        while std::io::Write::write(&mut writer, piece).is_ok() {}
    }
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).expect("its mode");
    (reader, writer)
}

#[test]
fn a_reader_who_takes_nothing_keeps_no_gateway_out_of_service_and_no_signal_from_being_heard() {
    for (arguments, is_stdout) in [
        (&["run", "P", "-vv"][..], false),
        (&["run", "P", "--format", "json"], true),
    ] {
        let gateway = Gateway::start(Setup::default());
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
        let (_reader, writer) = full_pipe();
        let mut command = home.command(arguments);
        match is_stdout {
            true => command.stdout(writer).stderr(std::process::Stdio::null()),
            false => command.stderr(writer).stdout(std::process::Stdio::null()),
        };
        let child = RefCell::new(command.spawn().expect("the binary starts"));
        drop(command);
        eventually("it is done, and recorded", || {
            let last = home.last_plan_if_any();
            last.is_some_and(|row| row.status.code() == "SUCCESS")
        });
        assert!(gateway.state().is_unquiesced(), "{arguments:?}");
        let pid = rustix::process::Pid::from_child(&child.borrow());
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let ended = || child.borrow_mut().try_wait().expect("a child");
        eventually("the end", || ended().is_some());
        let code = ended();
        let code = code.and_then(|status| status.code());
        // Whoever lacks lines is not told that all is well.
        let expected = if is_stdout { 143 } else { 0 };
        assert_eq!(code, Some(expected), "{arguments:?}");
    }
}

#[test]
fn what_a_command_prints_waits_for_its_reader_until_a_signal_ends_it() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    assert_eq!(home.dpbackup(&["run", "P"]).code, Some(0));
    for (arguments, answers_nobody) in [
        (&["check"][..], false),
        (&["recover"], false),
        (&["history"], true),
        (&["history", "last", "--format", "json"], true),
        (&["verify", "--all"], false),
        (&["preview", "P"], false),
        (&["prune", "--dry-run"], false),
    ] {
        let (_unread, out) = full_pipe();
        let (_unheard, err) = full_pipe();
        let mut command = home.command(arguments);
        match answers_nobody {
            true => command.stderr(err),
            false => command.stderr(std::process::Stdio::null()),
        };
        let child = command.stdout(out).spawn().expect("the binary starts");
        drop(command);
        let pid = rustix::process::Pid::from_child(&child);
        let child = RefCell::new(child);
        let ended = || child.borrow_mut().try_wait().expect("a child");
        eventually(&format!("{arguments:?} listens to signals"), || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid()));
            let status = status.unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            caught.is_some_and(|mask| mask >> 14 & 1 == 1)
        });
        assert_eq!(ended(), None, "{arguments:?}");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
        eventually("the end", || ended().is_some());
        let code = ended().and_then(|status| status.code());
        assert_eq!(code, Some(143), "{arguments:?}");
    }
}

#[test]
fn a_run_that_has_a_domain_out_of_service_does_not_stand_still() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=stall@60m");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    let mut terminal = home.in_terminal(200, &[], &["run", "P"]);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    terminal.press('\u{1a}');
    let line = terminal.shows("SIGTSTP: it goes on");
    assert!(line.contains("DOM1 of QA1 is out of service"), "{line}");
    gateway.clear_faults();
    let (code, lines) = terminal.end();
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(gateway.state().is_unquiesced());
}

#[test]
fn a_terminal_that_stops_who_writes_from_the_background_stops_no_run() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup=stall@60m");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    let then = "while ! [ -e stop ]; do sleep 0.1; done; kill -TTIN %1; kill -TTOU %1; kill -TERM %1; wait %1; echo \"ended $?\"";
    let terminal = home.in_background(&["run", "P"], then);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    std::fs::write(home.path("stop"), "").expect("a file");
    eventually("it is put back", || gateway.state().is_unquiesced());
    let (_, lines) = terminal.end();
    assert!(lines.iter().any(|line| line.contains("ended 143")), "{lines:?}");
}

#[test]
fn nobody_is_stopped_whom_no_shell_could_let_go_on() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup:1=stall@60m");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", ""));
    // Its parent is of its own group: to the system, nobody is there who could.
    let running = home.running(&["run", "P"]);
    eventually("nothing is quiesced, and it is at work", || {
        gateway.received("do-backup") == 1
    });
    running.signal(rustix::process::Signal::TSTP);
    gateway.clear_faults();
    let last = || home.last_plan_if_any();
    eventually("it goes on", || {
        last().is_some_and(|row| row.status.code() == "SUCCESS")
    });
    let _ = running.end().exits(0);
}

#[test]
fn a_run_that_somebody_has_stopped_is_called_so_where_it_keeps_a_domain_out_of_service() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup:1=stall@60m");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    running.signal(rustix::process::Signal::STOP);
    let stopped = || home.dpbackup(&["check"]).stdout;
    eventually("it stands still", || stopped().contains("which was stopped"));
    let told = stopped();
    assert!(
        told.contains("lets it go on")
            && told.contains("puts nothing back until it goes on")
            && told.contains("let it go on: it ends"),
        "{told}"
    );
    let goes_on = format!("which was stopped (`kill -CONT {}` lets it go on)", running.pid());
    let locked = home.dpbackup(&["run", "P"]);
    assert_eq!(locked.code, Some(5), "{}", locked.stderr);
    assert!(locked.stderr.contains(&goes_on), "{}", locked.stderr);
    let recovered = home.dpbackup(&["recover"]);
    assert_eq!(recovered.code, Some(3), "{}", recovered.stdout);
    assert!(
        recovered.stdout.contains(&goes_on) && !recovered.stdout.contains("nothing to recover"),
        "{}",
        recovered.stdout
    );
    let preview = home.dpbackup(&["preview", "P"]);
    assert!(
        preview.stdout.contains(&goes_on) && !preview.stdout.contains("is at work"),
        "{}",
        preview.stdout
    );
    for view in [
        &["history"][..],
        &["history", "1"],
        &["history", "--format", "json"],
    ] {
        let shown = home.dpbackup(view);
        assert!(shown.stdout.contains(&goes_on), "{view:?} {}", shown.stdout);
    }
    running.signal(rustix::process::Signal::CONT);
    gateway.clear_faults();
    let _ = running.end().exits(0);
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

#[test]
fn the_wait_for_an_export_to_begin_says_since_when_and_how_long_at_most() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM1=stall@1s");
    let ran = home(&gateway).at_terminal(100, &[], &["run", "P"]).exits(0);
    assert!(
        ran.stdout
            .contains("1 of 2: waiting for QA1: the export of DOM1, 0s, at most 30s"),
        "{:?}",
        ran.stdout
    );
    assert!(!ran.stdout.contains(" left"), "{:?}", ran.stdout);
}

/// What a run says under `-v` to a log, a heartbeat every few milliseconds.
fn heartbeats(home: &Home, arguments: &[&str]) -> Ran {
    let mut command = home.command(arguments);
    command.env("DPBACKUP_HEARTBEAT", "20ms");
    Ran::of(command.output().expect("the binary starts"))
}

#[test]
fn a_log_sees_that_an_export_has_not_begun_yet() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM1=stall@1s");
    let home = home(&gateway);
    let ran = heartbeats(&home, &["run", "P", "-v"]).exits(0);
    assert!(
        ran.stderr.contains("waiting for QA1: the export of DOM1, "),
        "{}",
        ran.stderr
    );
    let ran = heartbeats(&home, &["run", "P"]).exits(0);
    assert_eq!(ran.stderr, "", "without -v nothing is said");
}

#[test]
fn a_log_sees_how_much_of_a_download_has_come() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM1=stall-in-body@2000");
    let home = home(&gateway).timeouts("idle = 1s");
    let ran = heartbeats(&home, &["run", "P", "-v"]).exits(1);
    let told = |line: &str| {
        line.starts_with("1 of 2: downloading QA1 DOM1-export-")
            && line.contains("B so far, ")
            && line.ends_with(", at most 30s")
            && !line.contains(" 0 B")
    };
    assert!(ran.stderr.lines().any(told), "{}", ran.stderr);
}

#[test]
fn a_log_sees_that_a_secure_backup_has_not_answered_yet() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-action/SecureBackup=stall@1s");
    gateway.fail_as("get-file/cert.tgz=stall@1s");
    let home = Home::of(&gateway).plan("P", &secure_backup("*", ""));
    let ran = heartbeats(&home, &["run", "P", "-v"]).exits(0);
    for words in [
        "waiting for QA1: the secure backup to be ready, ",
        "waiting for QA1: the file cert.tgz, ",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
}

/// What was said behind the line with which the plan ends, that line included.
fn summary(ran: &Ran) -> &str {
    let at = ran.stdout.find("plan P ended").expect("a summary");
    ran.stdout.get(at..).unwrap_or_default()
}

#[test]
fn the_summary_names_what_failed_and_why() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM1=file-error");
    let ran = home(&gateway)
        .at_terminal(100, &[], &["run", "P", "--color", "never"])
        .exits(1);
    let summary = summary(&ran);
    assert!(
        summary.contains("FAILED QA1/DOM1 export: BACKUP_FAILED\n"),
        "{summary}"
    );
    // Its reason can be seen above, and stands once.
    assert_eq!(
        ran.stdout.matches("device untouched").count(),
        1,
        "{}",
        ran.stdout
    );
    assert!(!summary.contains("DOM2"), "{summary}");
    assert!(!summary.contains("more failed"), "{summary}");
}

#[test]
fn of_many_failed_tasks_ten_are_named_and_the_others_counted() {
    let names: Vec<String> = (1..=12).map(|number| format!("DOM{number}")).collect();
    let gateway = Gateway::start(Setup {
        domains: names.iter().map(|name| Domain::new(name)).collect(),
        ..Setup::default()
    });
    gateway.fail_as("do-backup=file-error");
    let home = Home::of(&gateway).plan("P", &export("*", "DOM*", "error_policy = \"ignore\""));
    let ran = home
        .at_terminal(100, &[], &["run", "P", "--color", "never"])
        .exits(1);
    let summary = summary(&ran);
    assert_eq!(summary.matches("BACKUP_FAILED").count(), 10, "{summary}");
    // What was told first has scrolled away.
    assert_eq!(summary.matches("device untouched").count(), 10, "{summary}");
    assert!(
        summary.contains("\n  and 2 more: dpbackup history tasks 1 --config /"),
        "{summary}"
    );
}

#[test]
fn what_keeps_a_device_from_being_looked_at_is_said_once_in_the_block_of_a_run() {
    let gateway = gateways::with_faults(&["do-backup=stall"]);
    let home = Home::of(&gateway).plan("P", &export("*", "DOM1", "quiesce = true"));
    let running = home.running(&["run", "P"]);
    eventually("it is quiesced", || gateway.received("do-backup") == 1);
    running.kill();
    drop(gateway);
    for ran in [
        home.dpbackup(&["run", "P"]).exits(10),
        home.dpbackup(&["run", "P", "-v"]).exits(10),
    ] {
        assert_eq!(ran.stderr.matches("refused").count(), 1, "{}", ran.stderr);
        for words in [
            "MAY BE QUIESCED QA1, DOM1: ",
            "QA1/DOM1 export: SKIPPED_DEVICE_NOT_AVAILABLE",
            "as above",
        ] {
            assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        }
    }
}

#[test]
fn an_interrupted_run_says_so_and_names_the_task() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).script("stop.sh", "#!/bin/sh\nkill -INT $PPID\nexec sleep 60\n");
    let plan = export("*", "DOM1", "pre_script = \"stop.sh\"");
    let home = home.setting("scripts_dir = \"scripts\"").plan("Q", &plan);
    let ran = home
        .at_terminal(100, &[], &["run", "Q", "--color", "never"])
        .exits(130);
    let at = ran.stdout.find("plan Q ended INTERRUPTED").expect("a summary");
    let summary = ran.stdout.get(at..).unwrap_or_default();
    assert!(
        summary.contains("\n  interrupted by SIGINT in QA1/DOM1 export (task 1)"),
        "{summary}"
    );
    assert!(
        summary.contains("\n  FAILED QA1/DOM1 export: INTERRUPTED\n"),
        "{summary}"
    );
    let reason = "interrupted by a signal";
    assert_eq!(ran.stdout.matches(reason).count(), 1, "{}", ran.stdout);
}

#[test]
fn an_interrupted_run_says_so_whatever_was_warned_of_before() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("scripts_dir = \"scripts\"")
        .script("post.sh", "#!/bin/sh\nexit 7\n")
        .script("stop.sh", "#!/bin/sh\nkill -INT $PPID\nexec sleep 60\n");
    let first = export("*", "DOM1", "post_script = \"post.sh\"");
    let second = export("*", "DOM2", "pre_script = \"stop.sh\"");
    let home = home.plan("P", &format!("{first}{second}"));
    let ran = home
        .at_terminal(100, &[], &["run", "P", "--color", "never"])
        .exits(130);
    let at = ran.stdout.find("plan P ended INTERRUPTED").expect("a summary");
    let summary = ran.stdout.get(at..).unwrap_or_default();
    assert!(
        summary.contains("\n  interrupted by SIGINT in QA1/DOM2 export (task 2)"),
        "{summary}"
    );
}

#[test]
fn a_post_plan_script_that_fails_is_told_once_in_a_mail() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway)
        .setting("scripts_dir = \"scripts\"")
        .script("post.sh", "#!/bin/sh\nexit 7\n")
        .plan(
            "P",
            &format!("post_script = \"post.sh\"\n{}", export("*", "DOM1", "")),
        );
    let ran = home.dpbackup(&["run", "P"]).exits(3);
    assert_eq!(ran.stderr.matches("return code 7").count(), 1, "{}", ran.stderr);
}

#[test]
fn an_export_that_was_not_kept_is_told_as_such() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).setting("on_unchanged = \"skip\"");
    let first = home.dpbackup(&["run", "P", "-v"]).exits(0);
    assert_eq!(
        first.stderr.matches("export  1 file, ").count(),
        2,
        "{}",
        first.stderr
    );
    let second = home.dpbackup(&["run", "P", "-v"]).exits(0);
    assert_eq!(
        second.stderr.matches("export  unchanged, not kept  ").count(),
        2,
        "{}",
        second.stderr
    );
}

#[test]
fn what_is_printed_for_people_stays_within_the_terminal() {
    let gateway = Gateway::start(Setup::default());
    gateway.fail_as("do-backup@DOM2=file-error");
    let home = home(&gateway)
        .absent_device("QA2")
        .plan("Q", &secure_backup("QA1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(1);
    for columns in [60_u16, 72, 100] {
        for (arguments, code) in [
            (&["history"][..], 0),
            (&["history", "activities", "1"], 0),
            (&["history", "tasks", "1"], 0),
            (&["history", "status"], 2),
            (&["check"], 1),
        ] {
            let ran = home.at_terminal(columns, &[], arguments).exits(code);
            // The line for monitoring is one, however long, and a path has no blank to break at.
            let lines = standing(&ran.stdout);
            let lines = lines.iter().filter(|line| !line.starts_with("DPBACKUP "));
            for line in lines.filter(|line| !line.contains("/state/") && !line.contains("/store")) {
                let length = line.chars().count();
                assert!(
                    length <= usize::from(columns),
                    "{columns} {arguments:?}: {}",
                    ran.stdout
                );
            }
        }
    }
    let ran = home
        .at_terminal(60, &[], &["history", "activities", "1"])
        .exits(0);
    assert!(ran.stdout.contains("Successful Tasks  1\n"), "{}", ran.stdout);
}

#[test]
fn what_is_doubtful_in_the_plan_file_is_told_by_who_looks_for_it_and_not_by_every_run() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    let text = std::fs::read_to_string(home.plan_file()).expect("the plan file");
    let plain = text.replace("{ env = \"DPBACKUP_TEST_PASSWORD\" }", "\"secret\"");
    let path = home.path("plain.toml");
    std::fs::write(&path, plain).expect("a file");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    let path = path.to_string_lossy().into_owned();
    let said = |arguments: &[&str]| {
        let all: Vec<&str> = ["--config", &path].iter().chain(arguments).copied().collect();
        home.dpbackup(&all).exits(0).stderr
    };
    for silent in [
        &["run", "P"][..],
        &["history"],
        &["recover"],
        &["run", "P", "--quiet"],
    ] {
        assert_eq!(said(silent), "", "{silent:?}");
    }
    for telling in [
        &["validate"][..],
        &["validate", "--quiet"],
        &["check"],
        &["preview", "P"],
        &["run", "P", "-v"],
    ] {
        let said = said(telling);
        assert!(
            said.contains("warning") && said.contains("password"),
            "{telling:?}: {said}"
        );
    }
    let watched = home
        .at_terminal(100, &[], &["--config", &path, "run", "P"])
        .exits(0);
    assert!(watched.stdout.contains("password"), "{}", watched.stdout);
}

#[test]
fn what_is_printed_into_a_pipe_that_does_not_wait_arrives_whole() {
    use std::io::Read as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway);
    for arguments in [
        ["schema"].as_slice(),
        &["run", "P", "--format", "json"],
        &["no-such-word"],
    ] {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("a small one");
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).expect("its mode");
        let end = writer.try_clone().expect("another end");
        let mut command = home.command(arguments);
        command
            .stdout(writer.try_clone().expect("another end"))
            .stderr(writer);
        let mut child = command.spawn().expect("it starts");
        // It holds ends of the pipe: the output would never end.
        drop(command);
        // Full before anybody reads, where there is enough to fill it.
        let is_full = || {
            let mut ends = [PollFd::new(&end, PollFlags::OUT)];
            poll(&mut ends, Some(&Timespec::default())).expect("a look") == 0
        };
        eventually("it is full, or over", || {
            is_full() || child.try_wait().expect("a child").is_some()
        });
        assert!(is_full() || arguments != ["schema"], "{arguments:?} was over");
        drop(end);
        let mut got = String::new();
        reader.read_to_string(&mut got).expect("text");
        let code = child.wait().expect("its end").code();
        match arguments {
            ["schema"] => assert!(got.len() > 20_000 && got.ends_with("}\n"), "{}", got.len()),
            ["run", ..] => assert!(
                got.lines().last().is_some_and(|line| line.contains("summary")),
                "{got}"
            ),
            _ => assert!(!got.is_empty()),
        }
        let expected = if arguments == ["no-such-word"] { 2 } else { 0 };
        assert_eq!(code, Some(expected), "{arguments:?}: {got}");
    }
}

#[test]
fn what_is_looked_at_in_the_store_fits_a_terminal_has_colour_and_is_whole_in_a_pipe() {
    let gateway = Gateway::start(Setup::default());
    let home = home(&gateway).setting("retention = { keep_last = 1 }");
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway
        .state()
        .put_file("DOM1", "local:///new.txt", b"new".to_vec());
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    let store = home.store();
    let store = store.to_string_lossy();
    for (arguments, code, state) in [
        (&["verify", "--all"][..], 0, "\u{1b}[32mOK\u{1b}[0m"),
        (&["prune", "--dry-run"], 0, "\u{1b}[33mDELETE\u{1b}[0m"),
        (
            &["diff", "1", "3"],
            1,
            "\u{1b}[32m+ file local:///new.txt\u{1b}[0m",
        ),
        (&["check"], 0, "\u{1b}[32mOK\u{1b}[0m"),
        (&["trust", "QA1"], 0, ": \u{1b}[32myes\u{1b}[0m"),
    ] {
        let shown = home.at_terminal(80, &[], arguments).exits(code).stdout;
        assert!(shown.contains(state), "{arguments:?}: {shown:?}");
        let plain = home
            .at_terminal(80, &[("NO_COLOR", "1")], arguments)
            .exits(code)
            .stdout;
        assert!(!plain.contains("\u{1b}[3"), "{arguments:?}: {plain:?}");
        for line in standing(&plain) {
            let words = line.split_whitespace().count();
            // What is to be copied is not broken: a path, a pin.
            assert!(
                line.chars().count() <= 80 || words <= 2 || line.contains("pin_sha256 = "),
                "{arguments:?}: {line}"
            );
        }
        let is_of_store = matches!(arguments[0], "verify" | "prune" | "diff");
        if is_of_store {
            assert_eq!(plain.matches(&*store).count(), 1, "{plain}");
        }
        // Nothing is cut or coloured in a pipe: all of each path stands there, for programs.
        let piped = home.dpbackup(arguments).exits(code).stdout;
        assert!(!piped.contains('\u{1b}') && !piped.contains('…'), "{piped:?}");
        let paths = piped.matches(&*store).count();
        assert!(!is_of_store || paths > 1, "{piped}");
        assert!(
            piped.lines().any(|line| line.chars().count() > 80),
            "{arguments:?}: {piped}"
        );
    }
}

#[test]
fn help_has_colour_where_the_rest_has_it() {
    let home = Home::new();
    let at_terminal = |environment: &[(&str, &str)], arguments: &[&str]| {
        let ran = home.at_terminal(80, environment, arguments).exits(0);
        assert!(ran.stdout.contains("Usage:"), "{}", ran.stdout);
        ran.stdout.contains('\u{1b}')
    };
    assert!(at_terminal(&[], &["--help"]));
    assert!(at_terminal(&[], &["run", "--help"]));
    assert!(!at_terminal(&[], &["--color", "never", "--help"]));
    assert!(!at_terminal(&[], &["run", "--color=never", "--help"]));
    for variable in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        assert!(!at_terminal(&[variable], &["--help"]), "{variable:?}");
        assert!(
            at_terminal(&[variable], &["--color", "always", "--help"]),
            "{variable:?}"
        );
    }
    for (twice, once) in [
        (&["help", "--help"][..], &["help"][..]),
        (&["help", "-h"], &["help"]),
        (&["help", "run", "--help"], &["help", "run"]),
    ] {
        let [twice, once] = [twice, once].map(|arguments| home.dpbackup(arguments).exits(0).stdout);
        assert_eq!(twice, once);
    }
    let piped = |arguments: &[&str]| home.dpbackup(arguments).exits(0).stdout.contains('\u{1b}');
    assert!(piped(&["--color", "always", "--help"]) && !piped(&["--help"]));
}

/// A port on which connections are taken by the kernel, and nobody says anything.
fn mute_port() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

#[test]
fn who_waits_for_a_certificate_or_for_a_receiver_sees_so_and_no_stale_line_stays_behind_a_signal() {
    let (_silent, port) = mute_port();
    let hook = format!("[[notify.webhook]]\nname = \"ops\"\nurl = \"http://127.0.0.1:{port}/\"\n");
    let plan = format!("webhook = \"ops\"\n{}{hook}", export("QA1", "DOM1", ""));
    let home = Home::new()
        .timeouts("connect = 90s")
        .device_at("QA1", port, "{ verify = false }")
        .plan("P", &plan);
    for (arguments, waits, ends) in [
        (
            &["trust", "QA1"][..],
            "asking QA1, 0s, at most 1m 30s",
            "the device was asked for its certificate",
        ),
        (
            &["notify-test", "P"],
            "telling webhook ops, 0s, at most 20s",
            "who was told is told",
        ),
    ] {
        let mut terminal = home.in_terminal(100, &[], arguments);
        terminal.shows(waits);
        terminal.press('\u{3}');
        let (code, lines) = terminal.end();
        assert_eq!(code, Some(130), "{lines:?}");
        let answers: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
        let [answer] = answers.as_slice() else {
            panic!("{lines:?}")
        };
        assert!(
            answer.starts_with("SIGINT: ") && answer.contains(ends),
            "{lines:?}"
        );
    }
}

#[test]
fn who_watches_a_run_sees_that_receivers_are_told_at_its_start_and_at_its_end() {
    let gateway = Gateway::start(Setup::default());
    for event in ["started", "succeeded"] {
        let (silent, port) = mute_port();
        let tables = format!(
            "[notify]\ntries = 1\n[[notify.webhook]]\nname = \"ops\"\nurl = \"http://127.0.0.1:{port}/\"\n\
             events = \"{event}\"\n"
        );
        let home = Home::telling(&gateway, "webhook = \"ops\"", &tables);
        let terminal = home.in_terminal(100, &[], &["run", "Night"]);
        let line = terminal.shows("telling webhook ops, ");
        assert!(line.ends_with("at most 10s"), "{line}");
        // Whoever waits there is turned away.
        drop(silent);
        let (code, lines) = terminal.end();
        assert_eq!(code, Some(0), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("telling")), "{lines:?}");
        assert!(
            lines
                .iter()
                .any(|line| line.contains("notification by webhook ops")),
            "{lines:?}"
        );
    }
}
