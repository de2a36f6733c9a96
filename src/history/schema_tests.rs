use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::history::History;
use crate::history::fixture::{Fixture, at, plan_opening};
use crate::notify::past::Past;
use crate::run::event::{Owner, PlanId, TaskId};
use crate::run::ledger::Ledger;
use crate::values::event_name::EventName;
use crate::values::names_in::names_in;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

/// Opens a file both ways, and expects that neither changes a byte of it, nor leaves
/// anything beside it.
fn refused(path: &Path) -> HistoryError {
    let before = fs::read(path).expect("the file");
    let reading = History::open_read_only(path).expect_err("refused for reading");
    let writing = History::open(path, Writing::Log).expect_err("refused for writing");
    assert_eq!(reading.to_string(), writing.to_string());
    assert!(
        before == fs::read(path).expect("the file"),
        "the file was changed"
    );
    let beside = fs::read_dir(path.parent().expect("a folder"))
        .expect("the folder")
        .count();
    assert_eq!(beside, 1);
    writing
}

#[test]
fn a_new_history_is_ours_and_of_the_newest_version() {
    let folder = folder();
    let path = folder.path().join("deep/er/history.db");
    let connection = open(&path, Writing::Log, MIGRATIONS).expect("a new history");
    let value = |pragma| -> i64 {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .expect("a pragma")
    };
    assert_eq!(value("application_id"), APPLICATION_ID);
    assert_eq!(value("user_version"), newest(MIGRATIONS));
    assert_eq!(value("foreign_keys"), 1);
    assert_eq!(value("synchronous"), EXTRA);
    let journal: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .expect("a pragma");
    assert_eq!(journal, "wal");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("deep/er")), 0o700);
    assert_eq!(mode(&folder.path().join("deep")), 0o700);
}

#[test]
fn every_table_is_strict() {
    let fixture = Fixture::new();
    let loose = "SELECT count(*) FROM pragma_table_list
                 WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'";
    assert_eq!(fixture.number(loose), 0);
    assert!(fixture.number("SELECT count(*) FROM pragma_table_list WHERE strict") >= 10);
}

#[test]
fn every_migration_brings_the_one_before_forward_and_keeps_its_rows() {
    let folder = folder();
    let path = folder.path().join("history.db");
    History {
        connection: open(&path, Writing::Log, &MIGRATIONS[..1]).expect("version 1"),
        file: crate::history::file::HistoryInPlace::opened(&path),
        store: None,
    }
    .open_plan(at(0), &plan_opening("BackupQA"))
    .expect("a plan");

    let steps: Vec<&str> = MIGRATIONS[..1]
        .iter()
        .copied()
        .chain([
            "ALTER TABLE plan_execution ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';",
            "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; INSERT INTO extra VALUES (7);",
        ])
        .collect();
    for version in 1..=steps.len() {
        let connection = open(&path, Writing::Log, &steps[..version]).expect("a migration");
        let found: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .expect("a pragma");
        assert_eq!(found, newest(&steps[..version]));
    }
    let connection = open_read_only(&path, &steps).expect("the newest version");
    let row: (String, String, i64) = connection
        .query_row(
            "SELECT plan, colour, extra.id FROM plan_execution, extra",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .expect("a row");
    assert_eq!(row, ("BackupQA".to_owned(), "green".to_owned(), 7));
}

#[test]
fn a_migration_that_is_cut_short_leaves_the_version_before() {
    let folder = folder();
    let path = folder.path().join("history.db");
    drop(open(&path, Writing::Log, &MIGRATIONS[..1]).expect("version 1"));
    let broken = [MIGRATIONS[0], "CREATE TABLE extra (id INTEGER) STRICT; NOT SQL;"];
    let error = open(&path, Writing::Log, &broken).expect_err("a broken step");
    assert!(matches!(error, HistoryError::Other { .. }), "{error}");
    let connection = open_read_only(&path, &MIGRATIONS[..1]).expect("still version 1");
    let extra: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'",
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(extra, 0);
}

/// A history of the version before paths began at the store, with these files and when each was
/// pruned, one task each.
fn version_2(path: &Path, files: &[(&str, &str, Option<&str>)]) {
    let connection = open(path, Writing::Log, &MIGRATIONS[..2]).expect("version 2");
    connection
        .execute_batch(
            "INSERT INTO plan_execution (id, plan, plan_file, process, dpbackup_version, window_ignored, start_time, status,
                 status_time)
             VALUES (1, 'P', 'f', 'p', '0.1.0', 0, 't', 'SUCCESS', 't');
             INSERT INTO activity_execution (id, plan_execution_id, action, device_pattern, domain_pattern, quiesce,
                 start_time, status, status_time)
             VALUES (1, 1, 'EXPORT_DOMAIN', 'd', 'S', 0, 't', 'SUCCESS', 't');",
        )
        .expect("an execution");
    for ((file, kind, pruned), task) in files.iter().zip(1..) {
        connection
            .execute(
                "INSERT INTO task_execution (id, plan_execution_id, activity_execution_id, action, device_name, domain_name,
                     start_time, status, status_time, end_time)
                 VALUES (?1, 1, 1, 'EXPORT_DOMAIN', 'd', 'S', 't', 'SUCCESS', 't', ?2)",
                (task, format!("2026-11-0{task}T01:00:00.000Z")),
            )
            .expect("a task");
        connection
            .execute(
                "INSERT INTO file (task_execution_id, name, kind, path, kept, size, sha256, time, pruned_time)
                 VALUES (?1, 'n', ?2, ?3, 1, 7, 'ab', '2026-11-01T01:00:00.000Z', ?4)",
                (task, kind, file, pruned),
            )
            .expect("a file");
    }
}

#[test]
fn paths_of_an_older_history_are_brought_forward_to_begin_at_the_store() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let export = "d/domain/S/S-export-2026-03-01-23-30-05-007-persisted.zip";
    let part = "d/secure-backup/2026-03-01-23-30-05-007/config.tgz";
    let rows = [
        (format!("/backup/{export}"), "persisted", "/backup", export),
        (
            format!("/a b/deep/er//{export}"),
            "nonpersisted",
            "/a b/deep/er",
            export,
        ),
        (format!("/{export}"), "persisted", "/", export),
        (
            format!("/domain/secure-backup/{part}"),
            "secure-backup",
            "/domain/secure-backup",
            part,
        ),
        (format!("/b%/ü_'/{part}"), "secure-backup", "/b%/ü_'", part),
        // What has not the shape of ours stays as it is.
        ("/backup/S.zip".to_owned(), "persisted", "", "/backup/S.zip"),
        (
            format!("/backup/{export}"),
            "secure-backup",
            "",
            &format!("/backup/{export}"),
        ),
        (export.to_owned(), "persisted", "", export),
    ];
    let files: Vec<(&str, &str, Option<&str>)> =
        rows.iter().map(|row| (row.0.as_str(), row.1, None)).collect();
    version_2(&path, &files);
    let history = History::open(&path, Writing::Log).expect("brought forward");
    let mut statement = history
        .connection
        .prepare("SELECT path, coalesce(store, '') FROM file ORDER BY id")
        .expect("a query");
    let found = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows");
    let found: Vec<(String, String)> = found.map(|row| row.expect("a row")).collect();
    let expected: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row.3.to_owned(), row.2.to_owned()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_last_good_backup_of_an_older_history_is_one_that_was_not_pruned() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let pruned = Some("2026-11-09T01:00:00.000Z");
    version_2(
        &path,
        &[
            ("/s/d/domain/S/a.zip", "persisted", pruned),
            ("/s/d/domain/S/b.zip", "persisted", None),
            ("/s/d/domain/S/c.zip", "persisted", pruned),
        ],
    );
    let connection = Connection::open(&path).expect("a database");
    connection
        .execute_batch(
            "INSERT INTO backup_target (device_name, domain_name, kind, last_task_execution_id, good_task_execution_id,
                 good_time, good_size)
             VALUES ('d', 'S', 'persisted', 3, 3, '2026-11-03T01:00:00.000Z', 7),
                 ('d', 'T', 'persisted', 3, 2, '2026-11-02T01:00:00.000Z', 7);",
        )
        .expect("targets");
    drop(connection);
    let history = History::open(&path, Writing::Log).expect("brought forward");
    let good: Vec<_> = history
        .connection
        .prepare("SELECT good_task_execution_id, good_time FROM backup_target ORDER BY domain_name")
        .and_then(|mut statement| {
            let rows =
                statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })
        .expect("targets");
    let second = "2026-11-02T01:00:00.000Z".to_owned();
    assert_eq!(good, [(2, second.clone()), (2, second)]);
}

#[test]
fn files_that_an_older_history_calls_unproved_in_words_are_so_in_the_newest() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let kind = "secure-backup";
    let files: Vec<(String, &str, Option<&str>)> = (1..=5)
        .map(|number| (format!("/s/d/secure-backup/t/{number}"), kind, None))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, kind, pruned)| (path.as_str(), *kind, *pruned))
        .collect();
    version_2(&path, &files);
    let connection = Connection::open(&path).expect("opened");
    for (task, message) in [
        (
            1,
            "\"n\" has a checksum of no known kind: nothing but its size was compared",
        ),
        (2, "\"n\" is listed without a checksum"),
        (
            3,
            "\"n\" is listed without a size, and with a checksum of no known kind",
        ),
        (4, "\"another\" is listed without a checksum"),
    ] {
        connection
            .execute(
                "INSERT INTO note (task_execution_id, level, message, time) VALUES (?1, 'NOTE', ?2, 't')",
                (task, message),
            )
            .expect("a note");
    }
    drop(connection);
    drop(open(&path, Writing::Log, MIGRATIONS).expect("brought forward"));
    let connection = Connection::open(&path).expect("opened");
    let mut statement = connection
        .prepare("SELECT proof, lacks FROM file ORDER BY id")
        .expect("columns");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows");
    let rows: Vec<(String, Option<String>)> = rows.collect::<Result<_, _>>().expect("rows");
    let proofs: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(proofs, ["SIZE_ONLY", "NAME_ONLY", "NAME_ONLY", "WHOLE", "WHOLE"]);
    assert!(
        rows.iter().all(|row| row.1.is_none()),
        "what was not looked for is not known"
    );
}

#[test]
fn what_an_older_history_showed_as_still_quiesced_reads_as_before() {
    let folder = folder();
    let path = folder.path().join("history.db");
    version_2(&path, &[("/s/d/domain/S/a.zip", "persisted", None)]);
    let connection = Connection::open(&path).expect("opened");
    for level in ["STILL_QUIESCED", "WARNING"] {
        connection
            .execute(
                "INSERT INTO note (task_execution_id, level, message, time) VALUES (1, ?1, 'no answer', ?2)",
                (level, "2026-11-09T01:00:00.000Z"),
            )
            .expect("a note");
    }
    drop(connection);
    let history = History::open(&path, Writing::Log).expect("brought forward");
    let notes = history.notes(Owner::Task(TaskId(1))).expect("notes");
    let messages: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(messages, ["STILL QUIESCED: no answer", "no answer"]);
}

#[test]
fn what_an_older_history_says_of_receivers_that_were_not_told_is_read_from_its_sentences() {
    let folder = folder();
    let path = folder.path().join("history.db");
    version_2(&path, &[("/s/d/domain/S/a.zip", "persisted", None)]);
    drop(open(&path, Writing::Log, &MIGRATIONS[..21]).expect("version 21"));
    let connection = Connection::open(&path).expect("opened");
    let add = |of_task: bool, message: &str| {
        let (plan, task) = if of_task { (None, Some(1)) } else { (Some(1), None) };
        connection
            .execute(
                "INSERT INTO note (plan_execution_id, task_execution_id, level, message, time)
                 VALUES (?1, ?2, 'WARNING', ?3, 't')",
                (plan, task, message),
            )
            .expect("a note");
    };
    let named = EventName::ALL
        .into_iter()
        .filter(|event| !event.is_of_configuration());
    for event in named.clone() {
        let of = format!("; the message was `{event}`");
        add(
            false,
            &format!("notification by webhook failed failed (http://a/…): HTTP 500{of}"),
        );
    }
    add(false, "notification by email failed for `changed` (a:25): busy");
    add(false, "notification by syslog failed for `unsaved`: no");
    // As 0.1.0 wrote it, of whatever event.
    add(
        false,
        "notification by ping failed: environment variable X is not set",
    );
    add(
        true,
        "notification by webhook ops failed (http://a/…): no; the message was `recovered`",
    );
    for nothing in [
        "notification by metrics failed (a.prom): no",
        "notification by email (a:25) was not taken for all: b@example.com (550 no)",
        "notification by webhook ops: 2 before the last were left out",
    ] {
        add(false, nothing);
    }
    add(false, "a notification by nobody failed");
    drop(connection);
    let history = History::open(&path, Writing::Log).expect("brought forward");
    let missed = Past::missed(&history, PlanId(1)).expect("what was missed");
    let missed: Vec<(&str, EventName)> = missed
        .iter()
        .map(|miss| (miss.receiver.as_str(), miss.event))
        .collect();
    let mut expected: Vec<(&str, EventName)> = named.map(|event| ("webhook failed", event)).collect();
    expected.extend([
        ("email", EventName::Changed),
        ("syslog", EventName::Unsaved),
        ("ping", EventName::Succeeded),
        ("webhook ops", EventName::Recovered),
    ]);
    assert_eq!(missed, expected);
    let warnings = Past::warnings(&history, PlanId(1)).expect("warnings");
    assert_eq!(warnings, ["a notification by nobody failed"]);
    let receivers =
        "SELECT group_concat(receiver, ', ') FROM note WHERE receiver IS NOT NULL AND missed_event IS NULL";
    let receivers: String = history
        .connection
        .query_row(receivers, [], |row| row.get(0))
        .expect("receivers");
    assert_eq!(receivers, "metrics, email, webhook ops");
}

#[test]
fn a_new_history_whose_making_is_cut_short_at_any_step_is_none_yet() {
    for cut in 0..MIGRATIONS.len() {
        let folder = folder();
        let path = folder.path().join("history.db");
        let steps: Vec<&str> = MIGRATIONS[..cut].iter().copied().chain(["NOT SQL;"]).collect();
        let error = open(&path, Writing::Log, &steps).expect_err("a broken step");
        assert!(matches!(error, HistoryError::Other { .. }), "{error}");
        let error = History::open_read_only(&path).expect_err("nothing was recorded yet");
        assert!(
            matches!(error, HistoryError::Missing { .. }),
            "after {cut}: {error}"
        );
        drop(History::open(&path, Writing::Log).expect("made by the next one that writes"));
        History::open_read_only(&path).expect("a history");
    }
}

#[test]
fn an_old_history_that_is_cut_short_on_its_way_forward_stays_what_it_was() {
    let folder = folder();
    let path = folder.path().join("history.db");
    drop(open(&path, Writing::Log, &MIGRATIONS[..1]).expect("version 1"));
    let steps = [MIGRATIONS, &["NOT SQL;"]].concat();
    open(&path, Writing::Log, &steps).expect_err("a broken step");
    open_read_only(&path, &MIGRATIONS[..1]).expect("still version 1");
}

#[test]
fn an_older_history_is_not_migrated_by_a_reader() {
    let folder = folder();
    let path = folder.path().join("history.db");
    drop(open(&path, Writing::Log, &MIGRATIONS[..1]).expect("version 1"));
    let before = fs::read(&path).expect("the file");
    let newer = [MIGRATIONS[0], "CREATE TABLE extra (id INTEGER) STRICT;"];
    let error = open_read_only(&path, &newer).expect_err("older");
    assert!(matches!(error, HistoryError::Older { found: 1, .. }), "{error}");
    assert!(before == fs::read(&path).expect("the file"));
}

#[test]
fn a_newer_history_is_refused_untouched() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let history = History::open(&path, Writing::Log).expect("a new history");
    history
        .connection
        .pragma_update(None, "user_version", 99)
        .expect("a pragma");
    drop(history);
    let error = refused(&path);
    assert!(
        matches!(
            error,
            HistoryError::Newer {
                found: 99,
                known,
                ..
            } if known == newest(MIGRATIONS)
        ),
        "{error}"
    );
    assert!(error.to_string().contains("left untouched"), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused_untouched() {
    for application_id in [0, 42] {
        let folder = folder();
        let path = folder.path().join("history.db");
        let other = Connection::open(&path).expect("another database");
        other
            .execute_batch("CREATE TABLE theirs (id INTEGER); PRAGMA user_version = 1;")
            .expect("a table");
        other
            .pragma_update(None, "application_id", application_id)
            .expect("a pragma");
        drop(other);
        let error = refused(&path);
        assert!(matches!(error, HistoryError::NotOurs { .. }), "{error}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    for text in ["short", &"[settings]\nstore = \"/backup\"\n".repeat(100)] {
        let folder = folder();
        let path = folder.path().join("history.db");
        fs::write(&path, text).expect("a file");
        let error = refused(&path);
        assert!(matches!(error, HistoryError::NotOurs { .. }), "{error}");
    }
}

#[test]
fn a_damaged_history_is_refused_for_writing_and_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let mut history = History::open(&path, Writing::Log).expect("a new history");
    history
        .open_plan(at(0), &plan_opening("BackupQA"))
        .expect("a plan");
    drop(history);
    let whole = fs::read(&path).expect("the file");
    // Every page but the first, which holds the header; and the file cut in half.
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..][..100].fill(0xA5);
        fs::write(&path, &damaged).expect("damage");
        let error = History::open(&path, Writing::Log).expect_err("damaged");
        assert!(
            matches!(error, HistoryError::Corrupt { .. }),
            "page {page}: {error}"
        );
        assert!(damaged == fs::read(&path).expect("the file"), "page {page}");
    }
    fs::write(&path, &whole[..whole.len() / 2]).expect("damage");
    let error = History::open(&path, Writing::Log).expect_err("cut in half");
    assert!(matches!(error, HistoryError::Corrupt { .. }), "{error}");
}

#[test]
fn a_history_that_is_not_there_is_missing_for_a_reader_and_not_made() {
    let folder = folder();
    let path = folder.path().join("no/history.db");
    let error = History::open_read_only(&path).expect_err("missing");
    assert!(matches!(error, HistoryError::Missing { .. }), "{error}");
    assert!(!folder.path().join("no").exists());
}

#[test]
fn behind_a_link_that_leads_nowhere_nobody_knows_whether_there_is_a_history() {
    let folder = folder();
    let unmounted = folder.path().join("unmounted");
    for (link, path) in [("state", "state/history.db"), ("history.db", "history.db")] {
        let path = folder.path().join(path);
        std::os::unix::fs::symlink(&unmounted, folder.path().join(link)).expect("a link");
        let looks = [
            History::open_read_only(&path).map(drop),
            open_as_it_is(&path).map(drop),
        ];
        for look in looks {
            let error = look.expect_err("not known");
            assert!(matches!(error, HistoryError::LeadsNowhere { .. }), "{error}");
            assert!(!error.is_about_the_file());
        }
    }
}

#[test]
fn a_history_whose_maker_died_at_once_is_missing_for_a_reader_and_finished_by_a_writer() {
    let folder = folder();
    let path = folder.path().join("history.db");
    fs::write(&path, "").expect("an empty file");
    let error = History::open_read_only(&path).expect_err("empty");
    assert!(matches!(error, HistoryError::Missing { .. }), "{error}");
    History::open(&path, Writing::Log).expect("finished");
    History::open_read_only(&path).expect("a history");
}

#[test]
fn a_folder_in_the_place_of_the_file_cannot_be_opened() {
    let folder = folder();
    let inside = folder.path().join("history.db");
    fs::create_dir(&inside).expect("a folder");
    for result in [
        History::open(&inside, Writing::Log),
        History::open_read_only(&inside),
    ] {
        let error = result.expect_err("a folder").to_string();
        assert!(error.contains("is not a regular file"), "{error}");
    }
    let below_a_file = folder.path().join("file/history.db");
    fs::write(folder.path().join("file"), "").expect("a file");
    let error = History::open(&below_a_file, Writing::Log).expect_err("no folder");
    assert!(matches!(error, HistoryError::CannotOpen { .. }), "{error}");
}

#[test]
fn a_history_that_others_may_write_or_have_by_another_name_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let folder = folder();
    let path = folder.path().join("history.db");
    History::open(&path, Writing::Log).expect("made");
    let refused = |what: &str| {
        for result in [History::open(&path, Writing::Log), History::open_read_only(&path)] {
            let error = result.expect_err(what);
            assert!(matches!(error, HistoryError::Untrusted { .. }), "{what}: {error}");
        }
    };
    for mode in [0o660, 0o602, 0o666] {
        set_mode(&path, mode);
        refused("a file that others may write");
    }
    set_mode(&path, 0o600);
    for mode in [0o777, 0o1777, 0o770] {
        set_mode(folder.path(), mode);
        refused("a folder that others may write to");
    }
    set_mode(folder.path(), 0o700);
    // SQLite reads these first.
    for suffix in ["-journal", "-wal", "-shm"] {
        let beside = folder.path().join(format!("history.db{suffix}"));
        fs::write(&beside, "").expect("a file");
        set_mode(&beside, 0o666);
        refused(suffix);
        fs::remove_file(&beside).expect("removed");
    }
    History::open_read_only(&path).expect("as it should be");
    let other = folder.path().join("other.db");
    fs::hard_link(&path, &other).expect("a second name");
    let error = History::open(&path, Writing::Log).expect_err("a second name");
    assert!(matches!(error, HistoryError::Untrusted { .. }), "{error}");
    fs::remove_file(&other).expect("removed");
    // A link of one's own is another way to the file.
    std::os::unix::fs::symlink(&path, &other).expect("a link");
    History::open(&other, Writing::Log).expect("the same history");
}

#[test]
fn a_reader_cannot_write() {
    let fixture = Fixture::new();
    let mut reader = History::open_read_only(&fixture.path()).expect("a reader");
    reader
        .open_plan(at(0), &plan_opening("BackupQA"))
        .expect_err("read only");
}

#[test]
fn a_history_at_rest_is_one_file_that_needs_no_log() {
    let mut fixture = Fixture::new();
    let _plan = fixture.plan("BackupQA", 0);
    let path = fixture.path();
    let (folder, history) = fixture.into_parts();
    assert_eq!(
        names_in(folder.path()),
        ["history.db", "history.db-shm", "history.db-wal"]
    );
    drop(history);
    assert_eq!(names_in(folder.path()), ["history.db"]);
    // Bytes 18 and 19 of a database say how it is written: 1 is the rollback journal.
    let bytes = fs::read(&path).expect("the file");
    assert_eq!(bytes[18..20], [1, 1]);
    drop(History::open_read_only(&path).expect("a reader"));
    assert_eq!(names_in(folder.path()), ["history.db"]);
    assert!(bytes == fs::read(&path).expect("the file"));
}

#[test]
fn a_history_that_other_hosts_may_write_has_no_log() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let mut history = History::open(&path, Writing::RollbackJournal).expect("a new history");
    let _plan = history
        .open_plan(at(0), &plan_opening("BackupQA"))
        .expect("a plan");
    assert_eq!(names_in(folder.path()), ["history.db"]);
}

#[test]
fn a_reader_holds_up_no_writer_and_a_writer_no_reader() {
    let mut fixture = Fixture::new();
    let _before = fixture.plan("before", 0);
    let reader = History::open_read_only(&fixture.path()).expect("a reader");
    let seen = reader.read(|look| {
        let count = || -> rusqlite::Result<i64> {
            look.query_row("SELECT count(*) FROM plan_execution", [], |row| row.get(0))
        };
        let first = count()?;
        let _while_it_reads = fixture.plan("while it reads", 1);
        Ok((first, count()?))
    });
    assert_eq!(seen.expect("two looks"), (1, 1), "one moment is seen");
    assert_eq!(
        reader
            .plans(&crate::history::PlanFilter::default())
            .expect("plans")
            .len(),
        2
    );
}

#[test]
fn a_writer_that_finds_a_reader_at_work_records_all_the_same() {
    let (folder, history) = Fixture::new().into_parts();
    drop(history);
    let path = folder.path().join("history.db");
    let reader = History::open_read_only(&path).expect("a reader");
    let recorded = reader.read(|look| {
        let _rows: i64 = look.query_row("SELECT count(*) FROM plan_execution", [], |row| row.get(0))?;
        // The log cannot be had now; what is opened while somebody reads has the old way.
        Ok(History::open(&path, Writing::Log).expect("a writer"))
    });
    let mut writer = recorded.expect("a look");
    let _plan = writer
        .open_plan(at(0), &plan_opening("BackupQA"))
        .expect("a plan");
    drop(writer);
    drop(reader);
    let reader = History::open_read_only(&path).expect("a reader");
    assert_eq!(
        reader
            .plans(&crate::history::PlanFilter::default())
            .expect("plans")
            .len(),
        1
    );
}

/// Copies of the files as a process that dies now would leave them.
fn crash(folder: &TempDir) -> TempDir {
    let copy = self::folder();
    for name in names_in(folder.path()) {
        // The shared memory does not outlive the machine.
        if !name.ends_with("-shm") {
            fs::copy(folder.path().join(&name), copy.path().join(&name)).expect("a copy");
        }
    }
    copy
}

#[test]
fn a_commit_that_was_cut_short_is_undone_by_whoever_opens_first() {
    for writing in [Writing::Log, Writing::RollbackJournal] {
        for read_only in [true, false] {
            let (folder, mut history) = Fixture::new().into_parts();
            history.open_plan(at(0), &plan_opening("before")).expect("a plan");
            switch(&history.connection, writing).expect("a way of writing");
            // With a cache of one page, SQLite writes to the disk before the commit; a copy of
            // the files now is what a power cut would leave.
            history
                .connection
                .execute_batch(
                    "PRAGMA cache_size = 1; BEGIN IMMEDIATE;
                     UPDATE plan_execution SET plan = 'torn';
                     INSERT INTO plan_execution (plan, plan_file, process, dpbackup_version, window_ignored,
                         start_time, status, status_time)
                     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                     SELECT 'torn', 'f', 'p', 'v', 0, 't', 'RUNNING', 't' FROM n;",
                )
                .expect("half a transaction");
            let crash = crash(&folder);
            let files = names_in(crash.path());
            let torn: usize = files
                .iter()
                .map(|name| fs::read(crash.path().join(name)).expect("a copy"))
                .map(|bytes| bytes.windows(4).filter(|window| window == b"torn").count())
                .sum();
            assert!(torn > 100, "{writing:?}: nothing was written before the commit");

            let path = crash.path().join("history.db");
            let after = if read_only {
                History::open_read_only(&path)
            } else {
                History::open(&path, Writing::Log)
            };
            let after = after.expect("a recovered history");
            let plans = after
                .plans(&crate::history::PlanFilter::default())
                .expect("plans");
            let plans: Vec<_> = plans.iter().map(|plan| plan.plan.as_str()).collect();
            assert_eq!(plans, ["before"], "{writing:?}");
        }
    }
}

#[test]
fn a_commit_outlives_the_process_that_made_it_wherever_the_log_is_cut_behind_it() {
    let (folder, mut history) = Fixture::new().into_parts();
    let log = folder.path().join("history.db-wal");
    let _first = history.open_plan(at(0), &plan_opening("first")).expect("a plan");
    let first = fs::metadata(&log).expect("a log").len();
    let _second = history.open_plan(at(1), &plan_opening("second")).expect("a plan");
    let second = fs::metadata(&log).expect("a log").len();
    assert!(second > first);
    for cut in (first..=second).step_by(509).chain([second]) {
        let crash = crash(&folder);
        let log = std::fs::OpenOptions::new()
            .write(true)
            .open(crash.path().join("history.db-wal"))
            .expect("a log");
        log.set_len(cut).expect("a cut");
        let after = History::open(&crash.path().join("history.db"), Writing::Log).expect("a history");
        let plans = after
            .plans(&crate::history::PlanFilter::default())
            .expect("plans");
        assert_eq!(
            plans.len(),
            if cut == second { 2 } else { 1 },
            "{cut} of {second}"
        );
    }
}

#[test]
fn the_documentation_lists_every_column_of_every_table() {
    let fixture = Fixture::new();
    let mut statement = fixture
        .history
        .connection
        .prepare(
            "SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
             WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid",
        )
        .expect("a query");
    let columns = statement
        .query_map([], |row| {
            Ok(format!(
                "{}.{}",
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?
            ))
        })
        .expect("columns");
    let columns: Vec<String> = columns.map(|column| column.expect("a column")).collect();

    let mut documented = Vec::new();
    let mut table = "";
    let page = include_str!("../../docs/history.md");
    let version = format!("the version of the schema, now {}.", MIGRATIONS.len());
    assert!(page.contains(&version), "{version}");
    let (_, tables) = page.split_once("\n## Tables\n").expect("a section on tables");
    for line in tables.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            table = name;
        } else if let Some((column, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
            documented.push(format!("{table}.{column}"));
        }
    }
    // Stable: the tables by name, the columns of each in the order they were written.
    documented.sort_by_key(|column| column.split('.').next().map(str::to_owned));
    assert_eq!(documented, columns);
}
