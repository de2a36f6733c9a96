//! The history file under a run: killed, damaged, of another version, without room.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dpbackup::history::{History, PlanFilter, Writing};
use dpbackup::run::event::PlanOpening;
use dpbackup::run::ledger::Ledger;
use jiff::Timestamp;

use crate::invariants::broken;
use crate::simulator::{Domain, Gateway};
use crate::support::{Home, Ran, TestClock, eventually, export, gateways, secure_backup};

const EXPORT: &str = "post_script = \"ok.sh\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
                      domains = \"DOM*\"\nquiesce = true\n";

fn home(gateway: &Gateway) -> Home {
    Home::quick()
        .setting("retries = 0")
        .script("ok.sh", "#!/bin/sh\nexit 0\n")
        .device("QA1", gateway)
        .plan("P", EXPORT)
}

const HISTORY: &str = "DPBACKUP_TEST_WRITER_HISTORY";
const WRITER: &str = "history_file::what_a_killed_writer_was_promised_is_there";

/// Writes rows and says so after each, for ever.
fn write_for_ever(path: &Path) {
    let mut history = History::open(path, Writing::Log).expect("a history");
    let opening = PlanOpening {
        plan: "P".repeat(2000),
        plan_file: "plans.toml".into(),
        process: "run-1".to_owned(),
        window_ignored: false,
    };
    loop {
        let plan = history.open_plan(Timestamp::UNIX_EPOCH, &opening).expect("a row");
        writeln!(std::io::stderr(), "row {}", plan.0).expect("somebody listens");
    }
}

#[test]
fn what_a_killed_writer_was_promised_is_there() {
    if let Some(path) = std::env::var_os(HISTORY) {
        write_for_ever(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("history.db");
    let mut promised = 0;
    for round in 1..=20 {
        let mut writer = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", WRITER, "--test-threads=1", "--nocapture"])
            .env(HISTORY, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut said = BufReader::new(writer.stderr.take().expect("a pipe")).lines();
        // So many rows later, and then at no particular moment of the next one.
        for _ in 0..round {
            let line = said.next().expect("a line").expect("text");
            promised = line.trim_start_matches("row ").parse().expect("a number");
        }
        std::thread::sleep(Duration::from_micros(317 * round));
        writer.kill().expect("a child");
        writer.wait().expect("a child");
        for line in said {
            if let Ok(row) = line.expect("text").trim_start_matches("row ").parse() {
                promised = row;
            }
        }
        // Opening checks the whole file, and rolls back what was cut short.
        let history = History::open(&path, Writing::Log).expect("a sound history");
        let filter = PlanFilter {
            limit: u32::MAX,
            ..PlanFilter::default()
        };
        let rows = history.plans(&filter).expect("the rows");
        let newest = rows.first().map_or(0, |row| row.id.0);
        assert!(
            newest == promised || newest == promised + 1,
            "{newest} of {promised} rows"
        );
        assert_eq!(
            rows.len(),
            usize::try_from(newest).expect("few"),
            "no row in between is lost"
        );
    }
}

#[test]
fn a_history_that_cannot_be_used_keeps_the_device_untouched() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway);
    let _first = home.dpbackup(&["run", "P"]).exits(0);
    let path = home.path("state/history.db");
    let good = fs::read(&path).expect("a history");
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let newer = {
        let connection = rusqlite::Connection::open(&path).expect("a history");
        connection
            .pragma_update(None, "user_version", 999)
            .expect("a version");
        drop(connection);
        fs::read(&path).expect("a history")
    };
    let cases = [
        ("newer", newer, "999"),
        ("cut", damaged(&|bytes| bytes.truncate(good.len() / 2)), "damaged"),
        (
            "overwritten",
            damaged(&|bytes| bytes[4096..40_000].fill(0x5a)),
            "damaged",
        ),
        (
            "something else",
            b"Dear diary, today I was backed up.\n".repeat(200),
            "not",
        ),
    ];
    for (what, bytes, word) in cases {
        fs::write(&path, &bytes).expect("a file");
        gateway.forget_requests();
        for arguments in [["run", "P"].as_slice(), &["recover"], &["history"]] {
            // Whoever should have looked into the journal, and could not, does not know.
            let code = match (word, arguments) {
                ("999" | "not", _) => 6,
                // The pages of the journal are whole in this one.
                _ if what == "overwritten" => 6,
                _ => 10,
            };
            let ran = home.dpbackup(arguments).exits(code);
            assert!(ran.stderr.contains(word), "{what}, {arguments:?}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("history.db"),
                "{what}, {arguments:?}: {}",
                ran.stderr
            );
        }
        assert_eq!(gateway.operations(), [""; 0], "{what}");
        assert_eq!(fs::read(&path).expect("a file"), bytes, "{what} was touched");
    }
}

#[test]
fn the_next_run_brings_an_older_history_forward_and_a_reader_says_so() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway);
    let _first = home.dpbackup(&["run", "P"]).exits(0);
    let path = home.path("state/history.db");
    let older = rusqlite::Connection::open(&path).expect("a history");
    older
        .execute_batch(
            "DROP INDEX plan_execution_of_plan;
             DROP INDEX plan_execution_of_status;
             DROP INDEX plan_execution_device_by_id;
             UPDATE file SET path = store || '/' || path;
             ALTER TABLE file DROP COLUMN store;
             ALTER TABLE file DROP COLUMN removal_time;
             ALTER TABLE file DROP COLUMN damage;
             ALTER TABLE file DROP COLUMN damage_time;
             ALTER TABLE file DROP COLUMN proof;
             ALTER TABLE file DROP COLUMN lacks;
             ALTER TABLE plan_execution DROP COLUMN took_ms;
             ALTER TABLE task_execution DROP COLUMN took_ms;
             ALTER TABLE task_execution DROP COLUMN certificate;
             DROP INDEX file_with_more_changes;
             ALTER TABLE file DROP COLUMN changes;
             ALTER TABLE task_execution DROP COLUMN unsaved_objects;
             ALTER TABLE task_execution DROP COLUMN quiesced;
             ALTER TABLE task_execution DROP COLUMN out_of_service_ms;
             DROP TABLE config_change;
             DROP TABLE rehearsal;
             DROP TABLE unsaved_change;
             DROP INDEX file_by_path;
             DROP INDEX file_removed;
             DROP INDEX note_by_missed;
             ALTER TABLE note DROP COLUMN receiver;
             ALTER TABLE note DROP COLUMN missed_event;
             ALTER TABLE note DROP COLUMN missed_plan_execution_id;
             DROP INDEX task_execution_by_device;
             CREATE INDEX task_execution_by_device ON task_execution (device_name);
             CREATE INDEX file_kept_by_content ON file (content)
                 WHERE kept = 1 AND pruned_time IS NULL;
             PRAGMA user_version = 1;
             ALTER TABLE journal DROP COLUMN host;
             ALTER TABLE journal DROP COLUMN port;
             ALTER TABLE journal DROP COLUMN serial;
             ALTER TABLE journal DROP COLUMN reply;
             ALTER TABLE journal DROP COLUMN seen_time;
             ALTER TABLE journal DROP COLUMN peer;
             ALTER TABLE journal DROP COLUMN sent_time;",
        )
        .expect("what version 1 was");
    drop(older);
    let reader = home.dpbackup(&["history"]).exits(6);
    assert!(reader.stderr.contains("version 1"), "{}", reader.stderr);
    let _next = home.dpbackup(&["run", "P"]).exits(0);
    let plans = home.history().plans(&PlanFilter::default()).expect("plans");
    assert_eq!(plans.len(), 2, "the execution before is still there");
    let stored = home.store().join("QA1/domain/DOM1");
    let _all = home.dpbackup(&["verify", "--all"]).exits(0);
    let _by_path = home.dpbackup(&["verify", &stored.to_string_lossy()]).exits(0);
}

/// Runs the plan where no file may grow beyond so many blocks of 512 bytes.
fn run_within(home: &Home, blocks: u64) -> Ran {
    command_within(home, blocks, "run P")
}

/// The same with any command.
fn command_within(home: &Home, blocks: u64, words: &str) -> Ran {
    let plain = home.command(&[]);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" {words}")])
        .arg(env!("CARGO_BIN_EXE_dpbackup"))
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.path("."));
    Ran::of(command.output().expect("a shell"))
}

#[test]
fn a_history_that_cannot_grow_ends_the_run_with_the_device_put_back() {
    let (mut full, mut while_quiesced, mut left_open) = (0, 0, 0);
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    // Every commit makes the log longer, so that each limit meets another of them; the last is
    // wide enough for the whole run.
    for kibibytes in (200..).step_by(17) {
        // A quiesce of which the history knows no end is asked about for as long as a request takes.
        let home = home(&gateway).timeouts("request = 1s");
        drop(History::open(&home.path("state/history.db"), Writing::Log).expect("a history"));
        gateway.forget_requests();
        let ran = run_within(&home, kibibytes * 2);
        let asked_to_quiesce = gateway
            .operations()
            .iter()
            .any(|asked| asked.ends_with("DomainQuiesce"));
        assert!(gateway.state().is_unquiesced(), "{kibibytes} KiB");
        if ran.code == Some(0) {
            break;
        }
        // What stands in the journal decides, and not what was seen.
        let rows = home.history().open_entries().expect("the journal");
        let (code, left) = match rows.as_slice() {
            [] => (6, "no quiesce is open in the journal".to_owned()),
            [row] => (10, format!("{row}: ")),
            rows => panic!("{rows:?}"),
        };
        assert_eq!(ran.code, Some(code), "{kibibytes} KiB: {}", ran.stderr);
        let undone = [
            "unquiesced and confirmed",
            "the quiesce was never seen on the device; unquiesced",
            "nothing was begun on the device",
        ];
        let seen = code == 6 || undone.iter().any(|words| ran.stderr.contains(words));
        let hint = ran.stderr.contains("history.db") && ran.stderr.contains("room");
        assert!(
            hint && ran.stderr.contains(&left) && seen,
            "{left}: {}",
            ran.stderr
        );
        (full, left_open) = (full + 1, left_open + rows.len());
        while_quiesced += usize::from(asked_to_quiesce);
        // It ended by itself, and nobody says that it died.
        let ended = format!("it ended by itself with exit code {code}, and could not write its end");
        let unended = home.plan_rows().iter().any(|plan| plan.end_time.is_none());
        let shown = home.dpbackup(&["history"]);
        assert_eq!(shown.stdout.contains(&ended), unended, "{}", shown.stdout);
        // With room again, all is mended.
        let next = home.dpbackup(&["run", "P"]);
        let first = home.plan_rows().pop();
        let why = first.and_then(|plan| plan.error_message).unwrap_or_default();
        assert_eq!(why.starts_with(&ended), unended, "{why}");
        let open = home.history().open_entries().expect("the journal");
        if !open.is_empty() {
            // Where the answer to a quiesce could not be written, the row does not know of any.
            assert!(
                open.iter().all(|row| row.reply.is_none() && !row.seen),
                "{open:?}"
            );
            assert_eq!(next.code, Some(10), "{}", next.stderr);
            let later = TestClock::now();
            later.pass(Duration::from_secs(3700));
            home.recover(&later).expect("an end");
        } else {
            // What was put back is a warning.
            let code = if rows.is_empty() { 0 } else { 3 };
            assert_eq!(next.code, Some(code), "{}", next.stderr);
        }
        assert_eq!(broken(&home, &gateway, &[]), [""; 0], "{kibibytes} KiB");
        assert_eq!(home.history().open_entries().expect("the journal"), []);
    }
    assert!(
        full > 3 && while_quiesced > 3 && left_open > 3,
        "{full} full, {while_quiesced} of them while quiesced, {left_open} rows left open"
    );
}

#[test]
fn a_recovery_that_can_write_nothing_down_puts_every_device_back_all_the_same() {
    let gateways = ["DOM1", "DOM2"].map(|name| Gateway::start(gateways::small([Domain::new(name)])));
    gateways[1].state().set_serial("78B0002");
    let mut home = Home::quick().setting("retries = 0");
    for (number, gateway) in gateways.iter().enumerate() {
        let (device, domain) = (format!("QA{}", number + 1), format!("DOM{}", number + 1));
        home = home
            .device(&device, gateway)
            .plan(&device, &export(&device, &domain, "quiesce = true"));
    }
    for (number, gateway) in gateways.iter().enumerate() {
        gateway.fail_as("do-backup=stall");
        let running = home.running(&["run", &format!("QA{}", number + 1)]);
        eventually("the export is asked for", || gateway.received("do-backup") == 1);
        running.kill();
        gateway.clear_faults();
        // What the next one begins with is nothing that it could mend.
        gateway.fail_as("connect=refuse");
    }
    gateways.iter().for_each(Gateway::clear_faults);
    assert_eq!(home.open_entries().len(), 2);
    let ran = command_within(&home, 80, "recover").exits(10);
    for gateway in &gateways {
        assert!(gateway.state().is_unquiesced(), "{}", ran.stderr);
    }
    let rows = home.open_entries();
    assert!(!rows.is_empty(), "{}", ran.stderr);
    for row in rows {
        assert!(
            ran.stderr.contains(&row.place()) && ran.stderr.contains("unquiesced and confirmed"),
            "{row}: {}",
            ran.stderr
        );
    }
    let _ = home.dpbackup(&["recover"]).exits(0);
    assert_eq!(home.open_entries(), []);
}

#[test]
fn a_run_whose_history_is_full_tells_of_the_folder_that_it_leaves_on_a_device() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let mut left = 0;
    for kibibytes in (200..).step_by(17) {
        let home = Home::quick()
            .device("QA1", &gateway)
            .plan("P", &secure_backup("*", ""));
        drop(History::open(&home.path("state/history.db"), Writing::Log).expect("a history"));
        let ran = run_within(&home, kibibytes * 2);
        if ran.code == Some(0) {
            break;
        }
        let rows = home.history().open_entries().expect("the journal");
        let recovered = home.dpbackup(&["recover"]);
        for row in rows {
            if recovered.stdout.contains("removed and confirmed") {
                assert!(
                    ran.stderr.contains(&row.to_string()),
                    "{kibibytes} KiB: {row}: {}",
                    ran.stderr
                );
                left += 1;
            }
        }
    }
    assert!(left > 0, "no folder was left");
}

#[test]
fn a_reader_that_goes_away_does_not_end_a_run() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = home(&gateway);
    for arguments in [["run", "P", "--format", "json"].as_slice(), &["run", "P", "-vv"]] {
        let mut command = home.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a child");
        drop((child.stdout.take(), child.stderr.take()));
        let status = child.wait().expect("an end");
        assert!(status.code().is_some(), "{arguments:?}: {status}");
        assert_eq!(broken(&home, &gateway, &[]), [""; 0]);
        assert_eq!(home.history().open_entries().expect("the journal"), []);
    }
}
