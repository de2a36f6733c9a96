use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::history::History;
use crate::history::fixture::{Fixture, at, plan_opening};
use crate::run::event::Ledger;

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
    let writing = History::open(path).expect_err("refused for writing");
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
    let connection = open(&path, MIGRATIONS).expect("a new history");
    let value = |pragma| -> i64 {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .expect("a pragma")
    };
    assert_eq!(value("application_id"), APPLICATION_ID);
    assert_eq!(value("user_version"), 1);
    assert_eq!(value("foreign_keys"), 1);
    assert_eq!(value("synchronous"), 3, "EXTRA");
    let journal: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .expect("a pragma");
    assert_eq!(journal, "delete");
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
    History::open(&path)
        .expect("version 1")
        .open_plan(at(0), &plan_opening("BackupQA"))
        .expect("a plan");

    let steps: Vec<&str> = MIGRATIONS
        .iter()
        .copied()
        .chain([
            "ALTER TABLE plan_execution ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';",
            "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; INSERT INTO extra VALUES (7);",
        ])
        .collect();
    for version in 1..=steps.len() {
        let connection = open(&path, &steps[..version]).expect("a migration");
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
    drop(open(&path, MIGRATIONS).expect("version 1"));
    let broken = [MIGRATIONS[0], "CREATE TABLE extra (id INTEGER) STRICT; NOT SQL;"];
    let error = open(&path, &broken).expect_err("a broken step");
    assert!(matches!(error, HistoryError::Other { .. }), "{error}");
    let connection = open_read_only(&path, MIGRATIONS).expect("still version 1");
    let extra: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'",
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(extra, 0);
}

#[test]
fn an_older_history_is_not_migrated_by_a_reader() {
    let folder = folder();
    let path = folder.path().join("history.db");
    drop(open(&path, MIGRATIONS).expect("version 1"));
    let before = fs::read(&path).expect("the file");
    let newer = [MIGRATIONS[0], "CREATE TABLE extra (id INTEGER) STRICT;"];
    let error = open_read_only(&path, &newer).expect_err("older");
    assert!(
        matches!(
            error,
            HistoryError::Older {
                found: 1,
                known: 2,
                ..
            }
        ),
        "{error}"
    );
    assert!(before == fs::read(&path).expect("the file"));
}

#[test]
fn a_newer_history_is_refused_untouched() {
    let folder = folder();
    let path = folder.path().join("history.db");
    open(&path, MIGRATIONS)
        .expect("version 1")
        .pragma_update(None, "user_version", 99)
        .expect("a pragma");
    let error = refused(&path);
    assert!(
        matches!(
            error,
            HistoryError::Newer {
                found: 99,
                known: 1,
                ..
            }
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
    let mut history = History::open(&path).expect("a new history");
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
        let error = History::open(&path).expect_err("damaged");
        assert!(
            matches!(error, HistoryError::Corrupt { .. }),
            "page {page}: {error}"
        );
        assert!(damaged == fs::read(&path).expect("the file"), "page {page}");
    }
    fs::write(&path, &whole[..whole.len() / 2]).expect("damage");
    let error = History::open(&path).expect_err("cut in half");
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
fn a_history_whose_maker_died_at_once_is_missing_for_a_reader_and_finished_by_a_writer() {
    let folder = folder();
    let path = folder.path().join("history.db");
    fs::write(&path, "").expect("an empty file");
    let error = History::open_read_only(&path).expect_err("empty");
    assert!(matches!(error, HistoryError::Missing { .. }), "{error}");
    History::open(&path).expect("finished");
    History::open_read_only(&path).expect("a history");
}

#[test]
fn a_folder_in_the_place_of_the_file_cannot_be_opened() {
    let folder = folder();
    for result in [
        History::open(folder.path()),
        History::open_read_only(folder.path()),
    ] {
        let error = result.expect_err("a folder");
        assert!(matches!(error, HistoryError::CannotOpen { .. }), "{error}");
    }
    let below_a_file = folder.path().join("file/history.db");
    fs::write(folder.path().join("file"), "").expect("a file");
    let error = History::open(&below_a_file).expect_err("no folder");
    assert!(matches!(error, HistoryError::CannotOpen { .. }), "{error}");
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
fn a_history_that_somebody_switched_to_wal_is_switched_back() {
    let folder = folder();
    let path = folder.path().join("history.db");
    let connection = open(&path, MIGRATIONS).expect("a new history");
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
        .expect("a pragma");
    drop(connection);
    drop(open(&path, MIGRATIONS).expect("a history"));
    let names: Vec<_> = fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["history.db"]);
}

#[test]
fn a_commit_that_was_cut_short_is_undone_by_whoever_opens_first() {
    for read_only in [true, false] {
        let folder = folder();
        let path = folder.path().join("history.db");
        let mut history = History::open(&path).expect("a new history");
        history.open_plan(at(0), &plan_opening("before")).expect("a plan");
        // With a cache of one page, SQLite writes into the file before the commit; a copy
        // of both files now is what a power cut would leave.
        let crash = folder.path().join("crash.db");
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
        fs::copy(&path, &crash).expect("a copy");
        fs::copy(
            folder.path().join("history.db-journal"),
            folder.path().join("crash.db-journal"),
        )
        .expect("a copy of the journal");
        let torn = fs::read(&crash).expect("the copy");
        assert!(
            torn.windows(4).filter(|window| window == b"torn").count() > 100,
            "nothing was written before the commit"
        );

        let open = if read_only {
            History::open_read_only
        } else {
            History::open
        };
        let after = open(&crash).expect("a recovered history");
        let plans = after
            .plans(&crate::history::PlanFilter::default())
            .expect("plans");
        let names: Vec<_> = plans.iter().map(|plan| plan.plan.as_str()).collect();
        assert_eq!(names, ["before"]);
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
