//! Signals to commands that put nothing back: they answer in one line, finish what they have in hand,
//! leave nothing half done, and end with the number of the signal.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::process::{Child, Stdio};

use dpbackup::change::extract::{ExtractTrouble, extract};
use rustix::process::{Pid, Signal, kill_process};

use crate::simulator::{Domain, Gateway, Setup};
use crate::support::{Home, TestClock, eventually, export, gateways};

/// What a pipe takes before a writer waits.
const FULL_PIPE: usize = 65_536;

/// The binary, whose output nobody reads before it is asked to: it stops at the first thing it prints.
struct Held {
    child: Child,
    output: PipeReader,
}

impl Held {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let (output, mut input) = std::io::pipe().expect("a pipe");
        input.write_all(&[b'.'; FULL_PIPE]).expect("it is filled");
        let child = home
            .command(arguments)
            .stdout(input)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Self { child, output }
    }

    /// Waits until it listens to signals.
    fn listens(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        eventually("it listens to signals", || {
            let status = fs::read_to_string(&status).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            caught.is_some_and(|mask| mask >> (Signal::TERM.as_raw() - 1) & 1 == 1)
        });
    }

    /// Sends the signal and gives the answer; then its output is read: the exit code, and what it printed.
    fn asked_to_stop(mut self, signal: Signal) -> (String, Option<i32>, String, String) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
        let mut stderr = BufReader::new(self.child.stderr.take().expect("it is piped"));
        let mut answer = String::new();
        while !answer.contains("SIG") {
            answer.clear();
            assert!(stderr.read_line(&mut answer).expect("text") > 0, "no answer");
        }
        let mut printed = Vec::new();
        self.output.read_to_end(&mut printed).expect("its output");
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        let code = self.child.wait().expect("its end").code();
        let printed = String::from_utf8(printed.split_off(FULL_PIPE)).expect("text");
        (answer, code, printed, rest)
    }
}

/// A home in which DOM1 was backed up on four days, each time with something changed.
fn four_days() -> (Gateway, Home) {
    let clock = TestClock::at("2026-11-01T01:00:00Z");
    let gateway = Gateway::start(Setup {
        clock: clock.for_gateway(),
        ..gateways::small([Domain::new("DOM1")])
    });
    let home = Home::new()
        .setting("retention = { keep_last = 1 }")
        .device("QA1", &gateway)
        .plan("P", &export("QA1", "DOM1", ""));
    for day in 1..=4 {
        let text = format!("day {day}\n");
        gateway
            .state()
            .put_file("DOM1", "local:///readme.txt", text.into_bytes());
        let run = home.run("P", &clock);
        assert_eq!(run.status(), "SUCCESS", "{:?}", run.errors());
        clock.pass(std::time::Duration::from_secs(24 * 3600));
    }
    (gateway, home)
}

fn archives(home: &Home) -> Vec<String> {
    let stored = home.stored().into_iter();
    stored.filter(|path| path.ends_with(".zip")).collect()
}

#[test]
fn a_prune_that_is_asked_to_stop_finishes_what_it_removes_and_names_what_stands() {
    let (_gateway, home) = four_days();
    let held = Held::start(&home, &["prune"]);
    // Its line is told when it is gone, and there the prune waits for a reader.
    eventually("one is removed", || archives(&home).len() == 3);
    let (answer, code, printed, rest) = held.asked_to_stop(Signal::TERM);
    assert_eq!(
        answer,
        "SIGTERM: what is being removed is finished, and RESTORE.txt is written\n"
    );
    assert_eq!(code, Some(143), "{printed}{rest}");
    assert_eq!(printed.matches("DELETED").count(), 1, "{printed}");
    assert!(rest.contains("not all was looked at"), "{rest}");
    let left = archives(&home);
    assert_eq!(left.len(), 3, "{left:?}");
    let note = fs::read_to_string(home.store().join("QA1/RESTORE.txt")).expect("a note");
    let is_named = |path: &&String| note.contains(path.rsplit('/').next().expect("a name"));
    assert_eq!(left.iter().filter(is_named).count(), 3, "{note}");
    assert_eq!(note.matches("-persisted.zip").count(), 3, "{note}");
    // What was announced and stays is no loss to anybody, and the same again goes on.
    let _ = home.dpbackup(&["verify", "--all"]).exits(0);
    let _ = home.dpbackup(&["prune"]).exits(0);
    assert_eq!(archives(&home).len(), 1);
}

#[test]
fn a_verify_that_is_asked_to_stop_calls_nothing_good_that_it_did_not_look_at() {
    let (_gateway, home) = four_days();
    let held = Held::start(&home, &["verify", "--all"]);
    held.listens();
    let (answer, code, printed, rest) = held.asked_to_stop(Signal::INT);
    assert_eq!(
        answer,
        "SIGINT: the file that is being read is finished; nothing is to be put back; a second one ends it at once\n"
    );
    assert_eq!(code, Some(130), "{printed}{rest}");
    assert!(printed.matches("OK ").count() <= 1, "{printed}");
    assert!(rest.contains("not all was looked at"), "{rest}");
}

#[test]
fn a_report_that_is_asked_to_stop_is_whole_or_not_there() {
    let (_gateway, home) = four_days();
    let held = Held::start(&home, &["report", "-"]);
    held.listens();
    let (answer, code, printed, _) = held.asked_to_stop(Signal::HUP);
    assert_eq!(answer, "SIGHUP: a page that is not whole is not written\n");
    assert_eq!(code, Some(129));
    assert!(
        printed.is_empty() || printed.trim_end().ends_with("</html>"),
        "{printed}"
    );
}

#[test]
fn an_extract_that_is_asked_to_stop_is_made_whole_by_the_same_again() {
    let (_gateway, home) = four_days();
    let archives = archives(&home);
    let archive = home.store().join(archives.last().expect("one"));
    let (scratch, folder) = (home.path("."), home.path("text"));
    let written = |is_over: &dyn Fn() -> bool| {
        let file = File::open(&archive).expect("an archive");
        extract(&file, &scratch, "DOM1", None, &folder, is_over)
    };
    let asked = std::cell::Cell::new(0);
    let stopped = written(&|| {
        asked.set(asked.get() + 1);
        asked.get() > 2
    });
    assert!(
        matches!(stopped, Err(ExtractTrouble::Stopped)),
        "{:?}",
        stopped.err()
    );
    let whole = written(&|| false).expect("it is written");
    assert!(whole.objects > 1 && whole.files > 1, "{whole:?}");
}

#[test]
fn a_rehearsal_answers_a_signal_while_the_spare_says_nothing() {
    let spare = Gateway::start(crate::rehearse::another(gateways::small([Domain::new("DOM1")])));
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .timeouts("request = 2m, export = 1h, idle = 1h")
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("P", &export("QA1", "DOM1", ""));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    spare.fail_as("do-restore=stall");
    let running = home.running(&["rehearse", "1", "--on", "SPARE1"]);
    eventually("the dry run is sent", || spare.received("do-restore") == 1);
    running.signal(Signal::TERM);
    let ran = running.end().exits(143);
    assert!(
        ran.stderr
            .contains("SIGTERM: a dry run for DOM1 of SPARE1 is given up, no import is sent, and the domain is looked at"),
        "{}",
        ran.stderr
    );
}
