use std::path::PathBuf;
use std::thread;

use super::*;
use crate::history::fixture::{Fixture, at, file, in_the_journal, milliseconds, plan_opening, task_opening};
use crate::history::{NoteRow, PlanFilter, StatusChange, Writing, schema};
use crate::notify::past::{EndsAsked, Past};
use crate::run::event::{ActionKind, Certainty, FileProof, MissedNotice, ScriptMoment, ScriptRun, Undo};
use crate::values::address::Address;
use crate::values::event_name::EventName;
use crate::values::lacks::Lacks;
use crate::values::script_end::ScriptEnd;

fn record(fixture: &mut Fixture, seconds: i64, event: &Event) {
    fixture.history.record(at(seconds), event).expect("a record");
}

fn script(end: ScriptEnd) -> ScriptRun {
    ScriptRun {
        moment: ScriptMoment::Pre,
        path: PathBuf::from("/etc/dpbackup/scripts/pre.sh"),
        arguments: vec!["BACKUP-PLAN".to_owned(), String::new(), "a \"b\"\n~ü".to_owned()],
        started: at(3),
        duration: milliseconds(1234),
        end,
        output: "line\n\u{1b}[31mred\u{0}".to_owned(),
        output_bytes: 1 << 40,
    }
}

#[test]
fn an_opened_plan_waits_for_its_validation() {
    let mut fixture = Fixture::new();
    let opening = PlanOpening {
        window_ignored: true,
        ..plan_opening("BackupQA")
    };
    let id = fixture.history.open_plan(at(0), &opening).expect("a plan");
    let row = fixture.history.plan(id).expect("the plan");
    assert_eq!(row.plan, "BackupQA");
    assert_eq!(row.plan_file, "/etc/dpbackup/plans.toml");
    assert_eq!(row.status, Status::WaitingForPreValidation);
    assert_eq!(
        (row.start_time, row.status_time, row.end_time),
        (at(0), at(0), None)
    );
    assert_eq!(row.dpbackup_version, env!("CARGO_PKG_VERSION"));
    assert!(row.window_ignored);
    assert_eq!(row.error_message, None);
}

#[test]
fn an_opened_activity_and_task_read_back_as_they_were_given() {
    let mut fixture = Fixture::new();
    let (plan, activity, task) = fixture.export();
    let activities = fixture.history.activities(plan).expect("activities");
    assert_eq!(activities.len(), 1);
    assert_eq!(activities[0].id, activity);
    assert_eq!(activities[0].action, ActionKind::ExportDomain);
    assert_eq!(activities[0].device_pattern, "QA*");
    assert_eq!(activities[0].domain_pattern, "*");
    assert!(activities[0].quiesce);
    let row = fixture.history.task(task).expect("the task");
    assert_eq!((row.plan, row.activity), (plan, activity));
    assert_eq!(
        (row.device_name.as_str(), row.domain_name.as_str()),
        ("QA1", "SALES")
    );
    assert_eq!(row.status, Status::ReadyForExecution);
    assert_eq!((row.end_time, row.unsaved_changes), (None, None));
}

#[test]
fn a_task_that_is_skipped_has_ended_when_it_is_opened() {
    let mut fixture = Fixture::new();
    let plan = fixture.plan("BackupQA", 0);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    let opening = TaskOpening {
        status: Status::SkippedDeviceNotAvailable,
        error: Some("no route to 192.168.72.100".to_owned()),
        ..crate::history::fixture::task_opening(plan, activity, "QA1", "DOMAIN*")
    };
    let task = fixture.history.open_task(at(5), &opening).expect("a task");
    let row = fixture.history.task(task).expect("the task");
    assert_eq!(row.end_time, Some(at(5)));
    assert_eq!(row.error_message.as_deref(), Some("no route to 192.168.72.100"));
}

#[test]
fn every_status_is_seen_at_once_and_remembered() {
    let mut fixture = Fixture::new();
    let (plan, activity, task) = fixture.export();
    for (seconds, status) in [(10, Status::Validating), (11, Status::Quiescing)] {
        record(&mut fixture, seconds, &Event::TaskStatus { task, status });
        let row = fixture.history.task(task).expect("the task");
        assert_eq!(
            (row.status, row.status_time, row.end_time),
            (status, at(seconds), None)
        );
    }
    let status = Status::Running;
    record(&mut fixture, 12, &Event::PlanStatus { plan, status });
    record(&mut fixture, 13, &Event::ActivityStatus { activity, status });
    assert_eq!(fixture.history.plan(plan).expect("the plan").status_time, at(12));
    let activities = fixture.history.activities(plan).expect("activities");
    assert_eq!(
        (activities[0].status, activities[0].status_time),
        (status, at(13))
    );

    let change = |status, seconds| StatusChange {
        status,
        time: at(seconds),
    };
    assert_eq!(
        fixture.history.task_status_changes(task).expect("changes"),
        [
            change(Status::ReadyForExecution, 2),
            change(Status::Validating, 10),
            change(Status::Quiescing, 11)
        ]
    );
}

#[test]
fn every_end_keeps_its_time_and_its_error() {
    let mut fixture = Fixture::new();
    let (plan, activity, task) = fixture.export();
    let error = Some("no answer; device untouched".to_owned());
    record(
        &mut fixture,
        20,
        &Event::TaskEnded {
            task,
            status: Status::DeviceError,
            error: error.clone(),
            took: None,
        },
    );
    record(
        &mut fixture,
        21,
        &Event::ActivityEnded {
            activity,
            status: Status::Failed,
        },
    );
    record(
        &mut fixture,
        22,
        &Event::PlanEnded {
            plan,
            status: Status::Failed,
            error: Some("1 of 1 tasks failed".to_owned()),
            took: None,
        },
    );
    let row = fixture.history.task(task).expect("the task");
    assert_eq!(
        (row.status, row.end_time, row.error_message),
        (Status::DeviceError, Some(at(20)), error)
    );
    let row = fixture.history.activities(plan).expect("activities").remove(0);
    assert_eq!(
        (row.status, row.end_time, row.failed_tasks),
        (Status::Failed, Some(at(21)), 1)
    );
    let row = fixture.history.plan(plan).expect("the plan");
    assert_eq!((row.status, row.end_time), (Status::Failed, Some(at(22))));
    assert_eq!(row.error_message.as_deref(), Some("1 of 1 tasks failed"));
}

#[test]
fn facts_and_unsaved_changes_stand_on_the_task() {
    let mut fixture = Fixture::new();
    let (_, _, task) = fixture.export();
    let facts = DeviceFacts {
        firmware_version: Some("IDG.10.5.0.1".to_owned()),
        build: Some("333456".to_owned()),
        build_date: Some("2019/08/09 15:50:38".to_owned()),
        serial: Some("0000001".to_owned()),
        machine_type: Some("8441".to_owned()),
        model_type: None,
        tls_trust: Some("pin".to_owned()),
    };
    record(
        &mut fixture,
        3,
        &Event::DeviceFacts {
            task,
            facts: facts.clone(),
        },
    );
    record(&mut fixture, 4, &Event::UnsavedChanges { task, unsaved: true });
    let row = fixture.history.task(task).expect("the task");
    assert_eq!((row.facts, row.unsaved_changes), (facts, Some(true)));
}

#[test]
fn a_quiesce_that_is_written_down_is_an_outage_of_unknown_length_until_somebody_has_seen_its_end() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let lasted = |fixture: &Fixture| fixture.history.task(task).expect("the task").out_of_service;
    assert_eq!(lasted(&fixture), Some(OutOfService::Never));
    let mut opening = UndoOpening {
        plan,
        task,
        device: "QA1".to_owned(),
        address: Address {
            host: "h".to_owned(),
            port: 5550,
        },
        peer: None,
        serial: None,
        undo: Undo::RemoveFolder("temporary:///dpbackup-1".to_owned()),
        domains: Vec::new(),
    };
    let open = |fixture: &mut Fixture, opening: &UndoOpening| {
        fixture
            .history
            .open_undo(&in_the_journal(5), "process", opening)
            .expect("a row");
    };
    open(&mut fixture, &opening);
    assert_eq!(
        lasted(&fixture),
        Some(OutOfService::Never),
        "a folder takes nothing out of service"
    );
    opening.undo = Undo::UnquiesceDomain("DOM1".to_owned());
    open(&mut fixture, &opening);
    // Whoever is killed now has seen no end.
    assert_eq!(lasted(&fixture), Some(OutOfService::NotKnown));
    for end in [
        OutOfService::For(milliseconds(12_345)),
        OutOfService::NotKnown,
        OutOfService::Never,
    ] {
        record(&mut fixture, 9, &Event::OutOfService { task, lasted: end });
        assert_eq!(lasted(&fixture), Some(end));
    }
}

#[test]
fn stored_and_failed_files_read_back_as_they_were_given() {
    let mut fixture = Fixture::new();
    let (_, _, task) = fixture.export();
    let mut lacks = Lacks::default();
    lacks.key_files.add("cert:///a\u{1b}.pem");
    let stored = StoredFile {
        kept: false,
        unchanged_since: Some(task),
        proof: FileProof::SizeOnly,
        lacks: Some(lacks),
        ..file("a\u{1b}.zip", FileKind::NonPersisted, Some("c1"))
    };
    record(
        &mut fixture,
        5,
        &Event::FileStored {
            task,
            file: stored.clone(),
        },
    );
    record(
        &mut fixture,
        6,
        &Event::FileFailed {
            task,
            name: "b.zip".to_owned(),
            error: "cut short".to_owned(),
        },
    );
    let details = fixture.history.task_details(task).expect("details");
    assert_eq!(
        (details.task.files_downloaded, details.task.download_errors),
        (1, 1)
    );
    let row = &details.files[0];
    assert_eq!((row.task, &row.name, row.kind), (task, &stored.name, stored.kind));
    assert_eq!((&row.path, row.kept), (&stored.path, stored.kept));
    assert_eq!((row.proof, &row.lacks), (stored.proof, &stored.lacks));
    assert_eq!((row.size, &row.sha256), (stored.size, &stored.sha256));
    assert_eq!((row.entries, row.objects), (stored.entries, stored.objects));
    assert_eq!(
        (&row.content, row.unchanged_since),
        (&stored.content, stored.unchanged_since)
    );
    assert_eq!((row.time, row.pruned_time), (at(5), None));
    assert_eq!(details.failed_files[0].name, "b.zip");
    assert_eq!(details.failed_files[0].error_message, "cut short");
}

#[test]
fn every_end_of_a_script_reads_back_as_it_was() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let ends = [
        ScriptEnd::Code(3),
        ScriptEnd::Signal(9),
        ScriptEnd::TimedOut(milliseconds(600_000)),
        ScriptEnd::Interrupted,
        ScriptEnd::NotStarted("permission denied".to_owned()),
    ];
    for owner in [Owner::Plan(plan), Owner::Task(task)] {
        let runs: Vec<ScriptRun> = ends.iter().cloned().map(script).collect();
        for run in &runs {
            let event = Event::ScriptEnded {
                owner,
                script: run.clone(),
            };
            record(&mut fixture, 9, &event);
        }
        assert_eq!(fixture.history.scripts(owner).expect("scripts"), runs);
    }
}

/// An execution of a plan with this end.
fn ended(fixture: &mut Fixture, plan: &str, status: Status) -> PlanId {
    let plan = fixture.plan(plan, 0);
    let end = Event::PlanEnded {
        plan,
        status,
        error: None,
        took: None,
    };
    record(fixture, 8, &end);
    plan
}

#[test]
fn who_missed_which_message_about_what_is_known_for_each_event_and_is_no_warning_of_the_plan() {
    let mut fixture = Fixture::new();
    let (before, _, _) = fixture.export();
    let (plan, _, task) = fixture.export();
    let warned = |event, execution| ReceiverWarning {
        receiver: "webhook ops".to_owned(),
        missed: Some(MissedNotice {
            event,
            execution: Some(execution),
        }),
        message: "it says `changed`, and nobody reads that".to_owned(),
    };
    for (owner, event) in EventName::ALL
        .into_iter()
        .map(|event| (Owner::Plan(plan), event))
        .chain([(Owner::Task(task), EventName::Recovered)])
    {
        let warning = warned(event, plan);
        record(&mut fixture, 7, &Event::ReceiverWarned { owner, warning });
    }
    // By this execution, about another one.
    let owner = Owner::Plan(plan);
    let warning = warned(EventName::Failed, before);
    record(&mut fixture, 7, &Event::ReceiverWarned { owner, warning });
    let nothing = ReceiverWarning {
        missed: None,
        ..warned(EventName::Failed, plan)
    };
    let of_nothing = Event::ReceiverWarned {
        owner,
        warning: nothing,
    };
    record(&mut fixture, 7, &of_nothing);
    let missed = |plan| {
        let missed = Past::missed(&fixture.history, plan).expect("what was missed");
        assert!(missed.iter().all(|miss| miss.receiver == "webhook ops"));
        missed.into_iter().map(|miss| miss.event).collect::<Vec<_>>()
    };
    let mut all = EventName::ALL.to_vec();
    all.push(EventName::Recovered);
    assert_eq!(missed(plan), all);
    assert_eq!(missed(before), [EventName::Failed]);
    assert_eq!(Past::warnings(&fixture.history, plan), Ok(Vec::new()));
    let notes = fixture.history.notes(owner).expect("notes");
    assert_eq!(notes.len(), EventName::ALL.len() + 2, "a person sees all of them");
}

#[test]
fn the_ends_before_are_found_behind_any_number_of_runs_that_found_the_plan_locked() {
    let mut fixture = Fixture::new();
    let first = ended(&mut fixture, "P", Status::Failed);
    let _other = ended(&mut fixture, "Q", Status::Failed);
    let locked: Vec<PlanId> = (0..11)
        .map(|_| ended(&mut fixture, "P", Status::Locked))
        .collect();
    let this = fixture.plan("P", 9);
    let ends = |which, before, most| -> Vec<PlanId> {
        let ends = Past::ends(&fixture.history, "P", which, before, most).expect("ends");
        ends.into_iter().map(|end| end.id).collect()
    };
    assert_eq!(ends(EndsAsked::OfItsOwn, Some(this), 1), [first]);
    assert_eq!(ends(EndsAsked::All, Some(this), 1), locked[10..]);
    assert_eq!(ends(EndsAsked::All, Some(locked[0]), 9), [first]);
    assert_eq!(ends(EndsAsked::All, None, 100).len(), 12);
}

#[test]
fn notes_warnings_and_what_is_still_quiesced_are_told_apart() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let message = || "look here".to_owned();
    let (of_plan, of_task) = (Owner::Plan(plan), Owner::Task(task));
    let quiesced = |certainty| {
        Event::StillQuiesced(StillQuiesced {
            row: JournalId(1),
            task,
            device: "QA1".to_owned(),
            domain: "SALES".to_owned(),
            certainty,
            error: "no answer".to_owned(),
        })
    };
    let events = [
        Event::Note {
            owner: of_task,
            message: message(),
        },
        Event::Warning {
            owner: of_task,
            message: message(),
            row: None,
        },
        quiesced(Certainty::Seen),
        quiesced(Certainty::NotKnown),
        Event::Warning {
            owner: of_plan,
            message: message(),
            row: None,
        },
    ];
    for event in &events {
        record(&mut fixture, 7, event);
    }
    let note = |level, message: &str| NoteRow {
        level,
        message: message.to_owned(),
        time: at(7),
    };
    assert_eq!(
        fixture.history.notes(of_task).expect("notes"),
        [
            note(NoteLevel::Note, "look here"),
            note(NoteLevel::Warning, "look here"),
            note(
                NoteLevel::StillQuiesced,
                "STILL QUIESCED: device QA1, SALES: no answer"
            ),
            note(
                NoteLevel::StillQuiesced,
                "MAY BE QUIESCED: device QA1, SALES: no answer"
            ),
        ]
    );
    assert_eq!(
        fixture.history.notes(of_plan).expect("notes"),
        [note(NoteLevel::Warning, "look here")]
    );
    // By these the end of a plan is compared with the one before.
    let warnings = Past::warnings(&fixture.history, plan).expect("warnings");
    assert_eq!(warnings, ["look here", "QA1/SALES: look here"]);
}

#[test]
fn the_opened_events_change_nothing() {
    let mut fixture = Fixture::new();
    let (plan, activity, task) = fixture.export();
    let rows = "SELECT (SELECT count(*) FROM plan_execution) + (SELECT count(*) FROM activity_execution)
                    + (SELECT count(*) FROM task_execution) + (SELECT count(*) FROM status_change)";
    let before = fixture.number(rows);
    let events = [
        Event::PlanOpened {
            plan,
            opening: plan_opening("BackupQA"),
        },
        Event::ActivityOpened {
            activity,
            opening: crate::history::fixture::activity_opening(plan, ActionKind::ExportDomain),
        },
        Event::TaskOpened {
            task,
            opening: crate::history::fixture::task_opening(plan, activity, "QA1", "SALES"),
        },
    ];
    for event in &events {
        record(&mut fixture, 3, event);
    }
    assert_eq!(fixture.number(rows), before);
}

#[test]
fn an_event_of_an_execution_that_is_not_there_is_refused_in_words() {
    let mut fixture = Fixture::new();
    let task = TaskId(12);
    let events = [
        Event::TaskStatus {
            task,
            status: Status::Validating,
        },
        Event::UnsavedChanges { task, unsaved: true },
        Event::OutOfService {
            task,
            lasted: OutOfService::Never,
        },
        Event::FileStored {
            task,
            file: file("a.zip", FileKind::Persisted, None),
        },
        Event::Note {
            owner: Owner::Task(task),
            message: "hello".to_owned(),
        },
    ];
    for event in &events {
        let error = fixture.history.record(at(0), event).expect_err("no such task");
        let source = std::error::Error::source(&error).expect("a source");
        assert_eq!(source.to_string(), "there is no task execution 12");
    }
}

#[test]
fn a_path_that_would_not_come_back_the_same_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let mut fixture = Fixture::new();
    let (_, _, task) = fixture.export();
    let file = StoredFile {
        path: std::ffi::OsString::from_vec(b"/backup/\xff.zip".to_vec()).into(),
        ..file("a.zip", FileKind::Persisted, None)
    };
    fixture
        .history
        .record(at(0), &Event::FileStored { task, file })
        .expect_err("a path that is not UTF-8");
}

#[test]
fn the_last_content_is_that_of_the_newest_file_of_the_same_device_domain_and_kind() {
    let mut fixture = Fixture::new();
    let (plan, activity, first) = fixture.export();
    let second = fixture.task(plan, activity, "QA1", "SALES", Status::ReadyForExecution);
    let kind = FileKind::Persisted;
    let last = |fixture: &mut Fixture, domain: &str, kind| {
        let history = &mut fixture.history;
        let last = history.last_content("QA1", domain, kind).expect("an answer");
        last.map(|last| (last.content, last.since))
    };
    assert_eq!(last(&mut fixture, "SALES", kind), None);

    let stored = |task, content: Option<&str>, since| Event::FileStored {
        task,
        file: StoredFile {
            unchanged_since: since,
            ..file("a.zip", kind, content)
        },
    };
    record(&mut fixture, 3, &stored(first, Some("c1"), None));
    assert_eq!(last(&mut fixture, "SALES", kind), Some(("c1".to_owned(), first)));
    record(&mut fixture, 4, &stored(second, Some("c1"), Some(first)));
    assert_eq!(last(&mut fixture, "SALES", kind), Some(("c1".to_owned(), first)));
    record(&mut fixture, 5, &stored(second, Some("c2"), None));
    assert_eq!(last(&mut fixture, "SALES", kind), Some(("c2".to_owned(), second)));
    assert_eq!(last(&mut fixture, "SALES", FileKind::NonPersisted), None);
    assert_eq!(last(&mut fixture, "OTHER", kind), None);
}

#[test]
fn the_files_with_the_last_content_are_those_that_were_kept_and_not_pruned() {
    let mut fixture = Fixture::new();
    let (_, _, task) = fixture.export();
    for (name, content, kept) in [
        ("a.zip", "c1", true),
        ("b.zip", "c2", true),
        ("c.zip", "c2", false),
        ("d.zip", "c2", true),
    ] {
        let file = StoredFile {
            kept,
            ..file(name, FileKind::Persisted, Some(content))
        };
        record(&mut fixture, 3, &Event::FileStored { task, file });
    }
    let kept = |fixture: &mut Fixture| {
        let history = &mut fixture.history;
        let last = history.last_content("QA1", "SALES", FileKind::Persisted);
        let kept = last.expect("an answer").expect("a content").kept;
        let named = kept
            .iter()
            .map(|file| (file.path.display().to_string(), file.size));
        named.collect::<Vec<_>>()
    };
    let (newer, older) = ("/backup/d.zip".to_owned(), "/backup/b.zip".to_owned());
    assert_eq!(
        kept(&mut fixture),
        [(newer, 1_503_239), (older.clone(), 1_503_239)]
    );
    let files = fixture.history.files(task).expect("files");
    let pruned = fixture.history.mark_pruned(at(9), &[files[3].id]);
    pruned.expect("marked");
    assert_eq!(kept(&mut fixture), [(older, 1_503_239)]);
}

#[test]
fn a_call_that_is_cut_short_leaves_nothing_of_itself() {
    let mut fixture = Fixture::new();
    let (plan, activity, task) = fixture.export();
    fixture
        .history
        .record(
            at(3),
            &Event::FileStored {
                task,
                file: file("a.zip", FileKind::Persisted, Some("c1")),
            },
        )
        .expect("a file");
    let counts = "SELECT (SELECT count(*) FROM plan_execution) * 1000000
         + (SELECT count(*) FROM activity_execution) * 10000 + (SELECT count(*) FROM task_execution) * 100
         + (SELECT count(*) FROM file)";
    let before = fixture.number(counts);
    // Each call fails at the last thing that it writes.
    fixture
        .history
        .connection
        .execute_batch(
            "CREATE TEMP TRIGGER t1 BEFORE INSERT ON main.status_change BEGIN SELECT RAISE(ABORT, 'cut'); END;
             CREATE TEMP TRIGGER t2 BEFORE UPDATE ON main.backup_target BEGIN SELECT RAISE(ABORT, 'cut'); END;",
        )
        .expect("triggers");
    let history = &mut fixture.history;
    history.open_plan(at(4), &plan_opening("B")).expect_err("cut");
    let opening = crate::history::fixture::activity_opening(plan, ActionKind::ExportDomain);
    history.open_activity(at(4), &opening).expect_err("cut");
    let opening = crate::history::fixture::task_opening(plan, activity, "QA2", "SALES");
    history.open_task(at(4), &opening).expect_err("cut");
    let stored = file("b.zip", FileKind::Persisted, Some("c2"));
    let stored = Event::FileStored { task, file: stored };
    history.record(at(4), &stored).expect_err("cut");
    let ended = Event::TaskEnded {
        task,
        status: Status::Success,
        error: None,
        took: None,
    };
    history.record(at(4), &ended).expect_err("cut");
    let death = DeathWords {
        plan: "gone".to_owned(),
        tasks: Vec::new(),
        others: "gone".to_owned(),
    };
    history.abandon(plan, at(4), &death).expect_err("cut");

    assert_eq!(fixture.number(counts), before);
    assert_eq!(fixture.history.plan(plan).expect("the plan").devices, 1);
    assert_eq!(
        fixture.history.task(task).expect("the task").status,
        Status::ReadyForExecution
    );
}

#[test]
fn what_tells_only_of_the_moment_reaches_the_disk_with_what_comes_next_where_there_is_a_log() {
    for (writing, passing) in [
        (Writing::Log, schema::NORMAL),
        (Writing::RollbackJournal, schema::EXTRA),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut history = History::open(&folder.path().join("history.db"), writing).expect("a history");
        let synchronous = |transaction: &Transaction<'_>| Ok(schema::synchronous(transaction)?);
        assert_eq!(
            history.write_passing(synchronous).expect("a look"),
            passing,
            "{writing:?}"
        );
        assert_eq!(
            history.write(synchronous).expect("a look"),
            schema::EXTRA,
            "{writing:?}"
        );
        let failed = history.write_passing(|transaction| -> Result<(), HistoryFault> {
            Ok(transaction.execute_batch("no SQL")?)
        });
        assert!(failed.is_err());
        assert_eq!(
            history.write(synchronous).expect("a look"),
            schema::EXTRA,
            "{writing:?}"
        );
    }
}

#[test]
fn a_note_waits_for_what_it_remarks_on_and_a_file_and_an_end_wait_for_nothing() {
    let owner = Owner::Task(TaskId(1));
    let note = Event::Note {
        owner,
        message: "it lacks keys".to_owned(),
    };
    assert!(is_passing(&note));
    for event in [
        Event::Warning {
            owner,
            message: "look".to_owned(),
            row: None,
        },
        Event::FileStored {
            task: TaskId(1),
            file: file("a", FileKind::Persisted, None),
        },
        Event::TaskEnded {
            task: TaskId(1),
            status: Status::Success,
            error: None,
            took: None,
        },
        Event::OutOfService {
            task: TaskId(1),
            lasted: OutOfService::NotKnown,
        },
    ] {
        assert!(!is_passing(&event), "{event:?}");
    }
}

#[test]
fn the_row_of_a_task_that_waits_reaches_the_disk_with_what_becomes_of_it_and_that_of_a_settled_one_at_once() {
    let opened_as = |status| TaskOpening {
        status,
        ..task_opening(PlanId(1), ActivityId(1), "QA1", "DOM1")
    };
    assert!(only_waits(&opened_as(Status::ReadyForExecution)));
    for settled in [Status::SkippedDeviceNotAvailable, Status::DeviceError] {
        assert!(!only_waits(&opened_as(settled)), "{settled:?}");
    }
}

#[test]
fn writers_and_a_reader_at_once_lose_nothing() {
    let fixture = Fixture::new();
    let path = fixture.path();
    let write = |name: &'static str| {
        let path = path.clone();
        move || {
            let mut history = History::open(&path, Writing::Log).expect("a writer");
            let off = history.connection.pragma_update(None, "synchronous", "OFF");
            off.expect("a pragma");
            let plan = history.open_plan(at(0), &plan_opening(name)).expect("a plan");
            for number in 0..100 {
                let owner = Owner::Plan(plan);
                let message = format!("{name} {number}");
                let event = Event::Note { owner, message };
                history.record(at(number), &event).expect("a note");
            }
            plan
        }
    };
    let plans = thread::scope(|scope| {
        let writers = [scope.spawn(write("one")), scope.spawn(write("two"))];
        let reader = scope.spawn(|| {
            let history = History::open_read_only(&path).expect("a reader");
            for _ in 0..50 {
                history.plans(&PlanFilter::default()).expect("plans");
            }
        });
        reader.join().expect("the reader");
        writers.map(|writer| writer.join().expect("a writer"))
    });
    for plan in plans {
        let notes = fixture.history.notes(Owner::Plan(plan)).expect("notes");
        let numbers = notes.iter().filter_map(|note| note.message.split(' ').nth(1));
        let numbers: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<usize>>());
    }
}
