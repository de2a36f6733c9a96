use std::time::Duration;

use super::*;
use crate::history::fixture::{Fixture, at, in_the_journal};
use crate::run::event::{PlanId, TaskId};
use crate::run::ledger::{Ledger, Reply};
use crate::values::address::Address;

fn opening(plan: PlanId, task: TaskId, undo: Undo) -> UndoOpening {
    UndoOpening {
        plan,
        task,
        device: "QA1".to_owned(),
        address: Address {
            host: "192.0.2.1".to_owned(),
            port: 5550,
        },
        peer: Some("192.0.2.1:5550".parse().expect("an address")),
        serial: Some("0000001".to_owned()),
        undo,
        domains: vec!["SALES".to_owned(), "a \"b\"".to_owned()],
    }
}

#[test]
fn an_undo_is_open_until_it_is_closed() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let undos = [
        Undo::UnquiesceDomain("SALES".to_owned()),
        Undo::RemoveFolder(format!("temporary:///dpbackup-20261126010000-{}", task.0)),
        Undo::Import {
            domain: "SALES".to_owned(),
            before: Some(task),
        },
        Undo::DryRun {
            domain: "SALES".to_owned(),
            before: None,
            content: Some("8f43".to_owned()),
        },
    ];
    let mut expected = Vec::new();
    for (seconds, undo) in (10..).zip(undos) {
        let opening = opening(plan, task, undo);
        let id = fixture
            .history
            .open_undo(&in_the_journal(seconds), "4711-abc", &opening);
        let id = id.expect("a journal entry");
        expected.push(JournalEntry::opened(
            id,
            "4711-abc",
            &in_the_journal(seconds),
            &opening,
        ));
    }
    assert_eq!(fixture.history.open_entries().expect("entries"), expected);

    let first = expected.remove(0).id;
    let history = &mut fixture.history;
    history
        .close_undo(at(20), "4711-abc", first, "confirmed")
        .expect("closed");
    assert_eq!(history.open_entries().expect("entries"), expected);
    history
        .close_undo(at(21), "4711-abc", first, "again")
        .expect("closed before");
    let how: String = history
        .connection
        .query_row("SELECT closed_how FROM journal WHERE id = ?1", [first.0], |row| {
            row.get(0)
        })
        .expect("a row");
    assert_eq!(how, "confirmed");
    history
        .close_undo(at(22), "4711-abc", JournalId(99), "what?")
        .expect_err("no such entry");
}

#[test]
fn an_open_undo_is_seen_by_another_process() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let opening = opening(plan, task, Undo::UnquiesceDomain("SALES".to_owned()));
    let opened = fixture
        .history
        .open_undo(&in_the_journal(1), "4711-abc", &opening);
    opened.expect("a journal entry");
    let other = History::open_read_only(&fixture.path()).expect("a reader");
    assert_eq!(other.open_entries().expect("entries").len(), 1);
}

#[test]
fn a_row_keeps_one_moment_of_each_boot_and_what_cannot_be_read_of_them_proves_nothing() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let opening = opening(plan, task, Undo::UnquiesceDomain("SALES".to_owned()));
    let history = &mut fixture.history;
    let id = history
        .open_undo(&in_the_journal(7), "4711-abc", &opening)
        .expect("a row");
    let moment = |boot: &str, seconds| BootTime {
        boot: boot.to_owned(),
        up: Duration::from_secs(seconds),
    };
    for later in [moment("a \"new\" one", 3), moment("a \"new\" one", 4)] {
        history.undo_stood(id, &later).expect("written");
    }
    let stood = |history: &History| history.open_entries().expect("entries").remove(0).stood;
    assert_eq!(
        stood(history),
        [moment("a \"new\" one", 4), moment("this one", 7)]
    );
    history
        .undo_stood(JournalId(99), &moment("b", 1))
        .expect_err("no such row");
    for damage in ["NULL", "'[7]'", "'{\"this one\": \"long\"}'"] {
        let set = format!("UPDATE journal SET stood = {damage}");
        history.connection.execute(&set, ()).expect("a change");
        assert_eq!(stood(history), [], "{damage}");
    }
}

#[test]
fn a_folder_is_removed_only_where_it_has_the_name_that_its_task_gives() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let folder = |name: &str| Undo::RemoveFolder(format!("temporary:///{name}"));
    let good = format!("dpbackup-20261126010000-{}", task.0);
    let history = &mut fixture.history;
    let opening = opening(plan, task, folder(&good));
    history
        .open_undo(&in_the_journal(1), "4711-abc", &opening)
        .expect("a row");
    let undo = |history: &History| history.open_entries().expect("entries").remove(0).undo;
    assert_eq!(undo(history), folder(&good));
    let by_chance = format!("dpbackup-20261126010000-0f3a-{}", task.0);
    let set = "UPDATE journal SET argument = 'temporary:///' || ?1";
    history.connection.execute(set, [&by_chance]).expect("a change");
    assert_eq!(undo(history), folder(&by_chance));
    let other = format!("dpbackup-20261126010000-{}", task.0 + 1);
    for name in [
        "",
        "dpbackup-",
        "images",
        &other,
        &format!("{good}/../x"),
        &format!("a/{good}"),
        &by_chance.replace("0f3a", ".."),
        &by_chance.replace("0f3a", "0f3a-0"),
    ] {
        history.connection.execute(set, [name]).expect("a change");
        assert!(matches!(undo(history), Undo::NotKnown { .. }), "{name}");
    }
}

#[test]
fn what_is_no_time_was_not_seen_and_not_sent() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let opening = opening(plan, task, Undo::UnquiesceDomain("SALES".to_owned()));
    let history = &mut fixture.history;
    history
        .open_undo(&in_the_journal(1), "4711-abc", &opening)
        .expect("a row");
    for word in ["", "yes"] {
        let set = "UPDATE journal SET seen_time = ?1, sent_time = ?1";
        history.connection.execute(set, [word]).expect("a change");
        let row = history.open_entries().expect("entries").remove(0);
        assert_eq!((row.seen, row.sent), (false, false), "{word}");
    }
}

#[test]
fn what_others_have_undone_is_told_with_the_execution_that_they_were_at() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let opening = opening(plan, task, Undo::UnquiesceDomain("SALES".to_owned()));
    let other = fixture.plan("Other", 3);
    let history = &mut fixture.history;
    let mut rows = Vec::new();
    for (process, closes) in [("run-1", "run-1"), ("run-1", "4711-abc"), ("run-1", "run-2")] {
        let id = history
            .open_undo(&in_the_journal(1), process, &opening)
            .expect("a row");
        history
            .close_undo(at(9), closes, id, "confirmed")
            .expect("closed");
        rows.push(id);
    }
    let undone = history.undone_by_others().expect("rows");
    let told: Vec<_> = undone
        .iter()
        .map(|undone| (undone.entry.id, undone.closed, undone.how.as_str(), undone.by))
        .collect();
    assert_eq!(
        told,
        [
            (rows[1], at(9), "confirmed", Some(other)),
            (rows[2], at(9), "confirmed", None),
        ]
    );
}

#[test]
fn a_row_learns_how_the_device_answered_and_what_was_seen() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let opening = opening(plan, task, Undo::UnquiesceDomain("SALES".to_owned()));
    let history = &mut fixture.history;
    let id = history
        .open_undo(&in_the_journal(1), "4711-abc", &opening)
        .expect("a row");
    for (reply, step) in
        [Reply::Silence, Reply::Unclear, Reply::Accepted].map(|reply| (reply, UndoStep::Replied(reply)))
    {
        history.step_undo(at(2), id, step).expect("a step");
        assert_eq!(history.open_entries().expect("rows")[0].reply, Some(reply));
    }
    let known = |history: &History| {
        let row = history.open_entries().expect("rows").remove(0);
        (row.seen, row.sent)
    };
    assert_eq!(known(history), (false, false));
    history.step_undo(at(3), id, UndoStep::Seen).expect("a step");
    assert_eq!(known(history), (true, false));
    history.step_undo(at(4), id, UndoStep::Sent).expect("a step");
    assert_eq!(known(history), (true, true));
    history
        .step_undo(at(5), JournalId(99), UndoStep::Seen)
        .expect_err("no such row");
}

#[test]
fn a_row_that_is_damaged_in_part_is_there_all_the_same() {
    for damage in [
        "opened_time = 'damaged'",
        "process = ''",
        "port = -1, host = ''",
        "task_execution_id = 4711",
    ] {
        let mut fixture = Fixture::new();
        let (plan, _, task) = fixture.export();
        let opening = opening(plan, task, Undo::UnquiesceDomain("SALES".to_owned()));
        fixture
            .history
            .open_undo(&in_the_journal(1), "4711-abc", &opening)
            .expect("a row");
        let statement = format!("PRAGMA foreign_keys = OFF; UPDATE journal SET {damage}");
        fixture
            .history
            .connection
            .execute_batch(&statement)
            .expect("damage");
        let rows = fixture.history.open_entries().expect("rows");
        assert_eq!(rows.len(), 1, "{damage}");
        assert_eq!(rows[0].undo, opening.undo, "{damage}");
        let rows = History::open_rows(&fixture.path()).expect("rows");
        assert_eq!(rows.len(), 1, "{damage}");
    }
}
