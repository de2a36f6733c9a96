use super::*;
use crate::run::event::TaskId;
use crate::run::fixture::row;
use crate::run::ledger::Reply;

fn open(undo: Undo, certainty: Certainty, why: &str) -> RecoveredRow {
    RecoveredRow {
        entry: row(undo),
        outcome: Err(StaysOpen {
            why: why.to_owned(),
            certainty,
            advice: "run it".to_owned(),
        }),
    }
}

fn undone(undo: Undo) -> RecoveredRow {
    RecoveredRow {
        entry: row(undo),
        outcome: Ok("unquiesced".to_owned()),
    }
}

fn folder(id: i64, name: &str, device: &str, why: &str) -> RecoveredRow {
    let mut row = open(Undo::RemoveFolder(name.to_owned()), Certainty::NotKnown, why);
    row.entry.id = JournalId(id);
    row.entry.task = TaskId(id);
    row.entry.device = device.to_owned();
    row
}

fn domain() -> Undo {
    Undo::UnquiesceDomain("DOM1".to_owned())
}

#[test]
fn a_quiesce_is_said_to_be_what_is_known_of_it_and_no_more() {
    let with = |mut row: RecoveredRow, seen: bool, reply: Option<Reply>| {
        row.entry.seen = seen;
        row.entry.reply = reply;
        row.to_string()
    };
    let not_known = || open(Undo::UnquiesceDevice, Certainty::NotKnown, "no answer");
    assert_eq!(
        with(undone(domain()), true, None),
        "domain DOM1 of QA1 was left quiesced by task 1: unquiesced"
    );
    assert_eq!(
        with(undone(domain()), false, Some(Reply::Silence)),
        "domain DOM1 of QA1 was asked to quiesce by task 1: unquiesced"
    );
    assert_eq!(
        with(undone(Undo::UnquiesceDevice), false, None),
        "device QA1 may have been asked to quiesce by task 1: unquiesced"
    );
    assert_eq!(
        with(not_known(), false, None),
        "device QA1 may have been asked to quiesce by task 1: no answer; MAY BE QUIESCED: look at it, and run it"
    );
    assert_eq!(
        with(not_known(), true, None),
        "device QA1 was left quiesced by task 1, as was seen then: no answer; whether it is quiesced now is not known: \
         MAY BE QUIESCED: look at it, and run it"
    );
    assert_eq!(
        with(
            open(domain(), Certainty::Seen, "no answer"),
            false,
            Some(Reply::Accepted)
        ),
        "domain DOM1 of QA1 was left quiesced by task 1: no answer; STILL QUIESCED: run it"
    );
}

#[test]
fn a_folder_is_no_quiesce_what_is_not_known_may_be_one_and_an_import_is_said_whole() {
    let url = || Undo::RemoveFolder("temporary:///dpbackup-1".to_owned());
    let of = |mut row: RecoveredRow, seen: bool| {
        row.entry.seen = seen;
        row.to_string()
    };
    let stays = || open(url(), Certainty::NotKnown, "no answer");
    assert_eq!(
        of(stays(), false),
        "temporary:///dpbackup-1 may have been left on QA1 by task 1: no answer"
    );
    for (row, why) in [(stays(), "no answer"), (undone(url()), "unquiesced")] {
        let said = format!("temporary:///dpbackup-1 was left on QA1 by task 1: {why}");
        assert_eq!(of(row, true), said);
    }
    assert_eq!(
        of(undone(url()), false),
        "temporary:///dpbackup-1 was left on QA1 by task 1: unquiesced"
    );
    let unreadable = Undo::NotKnown {
        why: "damaged".to_owned(),
    };
    assert_eq!(
        of(open(unreadable, Certainty::NotKnown, "look"), false),
        "something was begun on QA1 by task 1: look; MAY BE QUIESCED: look at it, and run it"
    );
    let import = || Undo::Import {
        domain: "DOM1".to_owned(),
        before: None,
    };
    assert_eq!(
        of(open(import(), Certainty::NotKnown, "look at DOM1"), false),
        "look at DOM1"
    );
    let over = of(undone(import()), false);
    assert!(
        over.starts_with("an import of DOM1 on QA1 (task 1 of") && over.ends_with(": unquiesced"),
        "{over}"
    );
}

#[test]
fn folders_of_one_device_that_stay_for_one_reason_are_one_sentence() {
    let rows = vec![
        folder(1, "a", "QA1", "no answer"),
        folder(3, "c", "QA2", "no answer"),
        folder(2, "b", "QA1", "no answer"),
        folder(4, "d", "QA1", "refused"),
    ];
    let done = RecoveryDone {
        rows,
        ..RecoveryDone::default()
    };
    assert_eq!(
        done.lines(),
        [
            "a, b may have been left on QA1 by the tasks 1, 2: no answer",
            "c may have been left on QA2 by task 3: no answer",
            "d may have been left on QA1 by task 4: refused",
        ]
    );
    let mut seen = [
        folder(1, "a", "QA1", "no answer"),
        folder(2, "b", "QA1", "no answer"),
    ];
    for row in &mut seen {
        row.entry.seen = true;
    }
    let alike: Vec<&RecoveredRow> = seen.iter().collect();
    assert_eq!(
        folders_that_stay(&alike),
        "a, b were left on QA1 by the tasks 1, 2: no answer"
    );
    // A quiesce is a sentence of its own each time.
    let twice = RecoveryDone {
        rows: vec![
            open(domain(), Certainty::Seen, "x"),
            open(domain(), Certainty::Seen, "x"),
        ],
        ..RecoveryDone::default()
    };
    assert_eq!(twice.lines().len(), 2);
}

#[test]
fn a_recovery_is_incomplete_while_a_row_stays_open_and_says_what_it_is_told_to() {
    let mut done = RecoveryDone {
        rows: vec![undone(domain())],
        ..RecoveryDone::default()
    };
    assert!(!done.is_incomplete());
    done.rows.push(open(domain(), Certainty::Seen, "no answer"));
    assert!(done.is_incomplete());
    done.advise("call somebody");
    let lines = done.lines();
    assert!(lines[1].ends_with("STILL QUIESCED: call somebody"), "{lines:?}");
    assert_eq!(done.rows[0].outcome, Ok("unquiesced".to_owned()));
}
