use std::path::Path;

use super::*;
use crate::history::fixture::{Fixture, at, file};
use crate::history::names::{task_devices_sql, task_domains_sql};
use crate::history::view::filter::FileFilter;
use crate::history::{
    FileId, GoodBackup, LongestNames, TargetRow, journal, ledger, past, stored, survey, unfinished,
};
use crate::notify::past::EndsAsked;
use crate::run::event::{ActionKind, Event, FileKind, Owner, StoredFile};
use crate::run::ledger::Ledger;
use crate::values::pattern::NamedDomain;

fn ids(fixture: &Fixture, filter: &PlanFilter) -> Vec<i64> {
    let plans = fixture.history.plans(filter).expect("plans");
    plans.iter().map(|plan| plan.id.0).collect()
}

#[test]
fn the_forty_most_recent_plan_executions_are_listed_newest_first() {
    let mut fixture = Fixture::new();
    for number in 0..45 {
        fixture.plan("BackupQA", number);
    }
    let expected: Vec<i64> = (6..=45).rev().collect();
    assert_eq!(ids(&fixture, &PlanFilter::default()), expected);
}

#[test]
fn plan_executions_are_narrowed_by_plan_status_device_time_and_number() {
    let mut fixture = Fixture::new();
    let first = fixture.plan("BackupQA", 10);
    let second = fixture.plan("BackupProd", 20);
    let third = fixture.plan("BackupQA", 30);
    for (plan, device) in [(first, "QA1"), (third, "QA1"), (third, "QA2")] {
        let activity = fixture.activity(plan, ActionKind::SecureBackup);
        fixture.task(plan, activity, device, "all-domains", Status::ReadyForExecution);
    }
    let event = Event::PlanEnded {
        plan: second,
        status: Status::Success,
        error: None,
        took: None,
    };
    fixture.history.record(at(40), &event).expect("a record");

    let all = PlanFilter::default;
    let plan = Some("BackupQA".to_owned());
    let device = |name: &str| Some(name.to_owned());
    assert_eq!(
        ids(
            &fixture,
            &PlanFilter {
                plan: plan.clone(),
                ..all()
            }
        ),
        [3, 1]
    );
    assert_eq!(
        ids(
            &fixture,
            &PlanFilter {
                status: Some(Status::Success),
                ..all()
            }
        ),
        [2]
    );
    assert_eq!(
        ids(
            &fixture,
            &PlanFilter {
                device: device("QA1"),
                ..all()
            }
        ),
        [3, 1]
    );
    assert_eq!(
        ids(
            &fixture,
            &PlanFilter {
                device: device("QA2"),
                plan,
                ..all()
            }
        ),
        [3]
    );
    assert_eq!(
        ids(
            &fixture,
            &PlanFilter {
                device: device("QA3"),
                ..all()
            }
        ),
        [0; 0]
    );
    assert_eq!(
        ids(
            &fixture,
            &PlanFilter {
                since: Some(at(20)),
                ..all()
            }
        ),
        [3, 2]
    );
    let since_and_device = PlanFilter {
        since: Some(at(20)),
        device: device("QA1"),
        ..all()
    };
    assert_eq!(ids(&fixture, &since_and_device), [3]);
    assert_eq!(ids(&fixture, &PlanFilter { limit: 1, ..all() }), [3]);
}

#[test]
fn devices_and_domains_count_what_was_to_be_backed_up() {
    let ready = Status::ReadyForExecution;
    let secure = ActionKind::SecureBackup;
    let export = ActionKind::ExportDomain;
    // Each case is a plan: its tasks, then how many devices and domains it counts.
    type Case<'a> = (&'a str, &'a [(ActionKind, &'a str, &'a str, Status)], (u64, u64));
    let cases: &[Case<'_>] = &[
        ("nothing yet", &[], (0, 0)),
        (
            "a secure backup has no domains",
            &[(secure, "QA1", "all-domains", ready)],
            (1, 0),
        ),
        (
            "nor has an export of all of them",
            &[(export, "QA1", "all-domains", ready)],
            (1, 0),
        ),
        (
            "each once, however many activities name it",
            &[
                (secure, "QA1", "all-domains", ready),
                (export, "QA1", "SALES", ready),
                (export, "QA1", "SALES", ready),
                (export, "QA1", "HR", ready),
                (export, "QA2", "SALES", ready),
            ],
            (2, 3),
        ),
        (
            "a device that is not available was to be backed up, who knows how many domains",
            &[(export, "QA1", "DOMAIN*", Status::SkippedDeviceNotAvailable)],
            (1, 0),
        ),
        (
            "but a domain that is named in full is one",
            &[(export, "QA1", "SALES", Status::SkippedDeviceNotAvailable)],
            (1, 1),
        ),
        (
            "a device that refuses the login failed",
            &[(export, "QA1", "A,B", Status::AuthenticationFailed)],
            (1, 0),
        ),
        (
            "no device matched",
            &[(export, "XX*", "SALES", Status::SkippedNoDevicesMatchingPattern)],
            (0, 0),
        ),
        (
            "no domain matched",
            &[(export, "QA1", "NONE", Status::SkippedNoDomainsMatchingPattern)],
            (1, 0),
        ),
        (
            "an API Connect domain is not to be backed up",
            &[
                (export, "QA1", "APIC", Status::SkippedApicDomain),
                (export, "QA1", "SALES", ready),
            ],
            (1, 1),
        ),
    ];
    let mut fixture = Fixture::new();
    for (name, tasks, expected) in cases {
        let plan = fixture.plan(name, 0);
        for (action, device, domain, status) in *tasks {
            let opening = crate::run::event::ActivityOpening {
                domain_pattern: (*domain).to_owned(),
                ..crate::history::fixture::activity_opening(plan, *action)
            };
            let activity = fixture.history.open_activity(at(1), &opening);
            let opening = crate::run::event::TaskOpening {
                action: *action,
                status: *status,
                ..crate::history::fixture::task_opening(plan, activity.expect("an activity"), device, domain)
            };
            fixture.history.open_task(at(2), &opening).expect("a task");
        }
        let row = fixture.history.plan(plan).expect("the plan");
        assert_eq!((row.devices, row.domains), *expected, "{name}");
    }
}

#[test]
fn what_becomes_of_a_task_does_not_change_what_was_to_be_backed_up() {
    let mut fixture = Fixture::new();
    let (plan, _, task) = fixture.export();
    let status = Status::CanceledBecauseErrorPolicy;
    let event = Event::TaskEnded {
        task,
        status,
        error: None,
        took: None,
    };
    fixture.history.record(at(9), &event).expect("a record");
    let row = fixture.history.plan(plan).expect("the plan");
    assert_eq!((row.devices, row.domains), (1, 1));
}

#[test]
fn an_activity_counts_its_tasks_by_how_they_ended() {
    let mut fixture = Fixture::new();
    let plan = fixture.plan("BackupQA", 0);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    let empty = fixture.activity(plan, ActionKind::ExportDomain);
    for status in [
        Status::Success,
        Status::Success,
        Status::BackupFailed,
        Status::Interrupted,
        Status::Abandoned,
        Status::SkippedDeviceNotAvailable,
        Status::CanceledBecauseErrorPolicy,
        Status::PlanFailedPreScript,
        Status::Quiescing,
    ] {
        fixture.task(plan, activity, "QA1", status.code(), status);
    }
    let rows = fixture.history.activities(plan).expect("activities");
    let counts = |row: &ActivityRow| (row.successful_tasks, row.failed_tasks, row.skipped_tasks);
    assert_eq!((rows[0].id, counts(&rows[0])), (activity, (2, 3, 3)));
    assert_eq!((rows[1].id, counts(&rows[1])), (empty, (0, 0, 0)));
}

#[test]
fn tasks_are_listed_in_the_order_they_run() {
    let mut fixture = Fixture::new();
    let plan = fixture.plan("BackupQA", 0);
    let first = fixture.activity(plan, ActionKind::ExportDomain);
    let second = fixture.activity(plan, ActionKind::ExportDomain);
    for (activity, domain) in [(first, "Z"), (first, "A"), (second, "M")] {
        fixture.task(plan, activity, "QA1", domain, Status::ReadyForExecution);
    }
    let names = |rows: Vec<TaskRow>| -> Vec<String> { rows.into_iter().map(|row| row.domain_name).collect() };
    assert_eq!(names(fixture.history.tasks(first).expect("tasks")), ["Z", "A"]);
    assert_eq!(
        names(fixture.history.tasks_of_plan(plan).expect("tasks")),
        ["Z", "A", "M"]
    );
}

#[test]
fn an_id_that_is_not_there_is_answered_with_what_was_asked_for() {
    let fixture = Fixture::new();
    let history = &fixture.history;
    let text = |error: Option<HistoryError>| error.expect("not found").to_string();
    assert_eq!(
        text(history.activities(PlanId(12)).err()),
        "there is no plan execution 12"
    );
    assert_eq!(
        text(history.tasks(ActivityId(12)).err()),
        "there is no activity execution 12"
    );
    let expected = "there is no task execution 12";
    assert_eq!(text(history.task(TaskId(12)).err()), expected);
    assert_eq!(text(history.task_details(TaskId(12)).err()), expected);
    assert_eq!(text(history.files(TaskId(12)).err()), expected);
    assert_eq!(text(history.notes(Owner::Task(TaskId(12))).err()), expected);
}

#[test]
fn a_target_knows_its_newest_good_backup_and_its_newest_task() {
    let mut fixture = Fixture::new();
    let (plan, activity, first) = fixture.export();
    let good = |task| Event::TaskEnded {
        task,
        status: Status::Success,
        error: None,
        took: None,
    };
    let stored = |task, kind| Event::FileStored {
        task,
        file: file("a.zip", kind, None),
    };
    let both = [FileKind::Persisted, FileKind::NonPersisted];
    for event in both.map(|kind| stored(first, kind)).iter().chain([&good(first)]) {
        fixture.history.record(at(10), event).expect("a record");
    }
    let second = fixture.task(plan, activity, "QA1", "SALES", Status::ReadyForExecution);
    let failed = Event::TaskEnded {
        task: second,
        status: Status::UnquiesceTimeout,
        error: None,
        took: None,
    };
    for event in [stored(second, FileKind::Persisted), failed] {
        fixture.history.record(at(20), &event).expect("a record");
    }
    let never = fixture.task(
        plan,
        activity,
        "QA0",
        "all-domains",
        Status::SkippedDeviceNotAvailable,
    );
    let pattern = fixture.task(plan, activity, "QA0", "DOM*", Status::SkippedDeviceNotAvailable);

    let backup = Some(GoodBackup {
        task: first,
        time: at(10),
        size: 1_503_239,
    });
    let target = |device: &str, domain: &str, kind, last: (TaskId, Status, i64), good| TargetRow {
        device_name: device.to_owned(),
        domain_name: domain.to_owned(),
        is_pattern: domain == "DOM*",
        kind,
        last_task: last.0,
        last_status: last.1,
        last_time: at(last.2),
        good,
    };
    let skipped = (never, Status::SkippedDeviceNotAvailable, 2);
    let unexpanded = (pattern, Status::SkippedDeviceNotAvailable, 2);
    let timeout = (second, Status::UnquiesceTimeout, 20);
    let success = (first, Status::Success, 10);
    assert_eq!(
        fixture.history.targets().expect("targets"),
        [
            target("QA0", "DOM*", FileKind::Persisted, unexpanded, None),
            target("QA0", "all-domains", FileKind::SecureBackup, skipped, None),
            target("QA1", "SALES", FileKind::NonPersisted, success, backup),
            target("QA1", "SALES", FileKind::Persisted, timeout, backup),
        ]
    );
}

/// `device domain last-task` for each target.
fn attempts(fixture: &Fixture) -> Vec<String> {
    let targets = fixture.history.targets().expect("targets").into_iter();
    let line = |row: TargetRow| format!("{} {} {}", row.device_name, row.domain_name, row.last_task.0);
    targets.map(line).collect()
}

#[test]
fn a_pattern_that_could_not_be_expanded_was_an_attempt_at_every_domain_that_it_matches() {
    use Status::{
        DeviceError, ReadyForExecution, SkippedDeviceNotAvailable, SkippedNoDevicesMatchingPattern,
        SkippedNoDomainsMatchingPattern,
    };
    let mut fixture = Fixture::new();
    // Each in an execution of its own.
    let mut tried = |device: &str, domain: &str, status| {
        let plan = fixture.plan("BackupQA", 0);
        let activity = fixture.activity(plan, ActionKind::ExportDomain);
        fixture.task(plan, activity, device, domain, status)
    };

    // 1 and 2: nothing of them is known, and one of the two names a domain.
    tried("QA1", "DOM*", SkippedDeviceNotAvailable);
    tried("QA2", "A, B*, !B9", DeviceError);
    // 3, 4: domains that are known end the patterns that match them, and no others.
    tried("QA1", "DOM1", ReadyForExecution);
    tried("QA1", "SALES", ReadyForExecution);
    // 5, 6: an attempt at those that are known.
    tried("QA1", "DOM*", SkippedDeviceNotAvailable);
    tried("QA1", "DOM2", ReadyForExecution);
    // 7: the device was asked, and has none of them; that says nothing of those that it had.
    tried("QA1", "DOM*", SkippedNoDomainsMatchingPattern);
    // 8: of no device is no attempt.
    tried("QA9*", "DOM*", SkippedNoDevicesMatchingPattern);
    // 9: a device without such a domain, as long as there is none.
    tried("QA3", "X*", SkippedNoDomainsMatchingPattern);
    assert_eq!(
        attempts(&fixture),
        [
            "QA1 DOM1 5",
            "QA1 DOM2 6",
            "QA1 SALES 4",
            "QA2 A 2",
            "QA2 A, B*, !B9 2",
            "QA3 X* 9"
        ]
    );
}

#[test]
fn what_an_execution_has_tried_by_name_is_not_told_by_the_pattern_that_failed_beside_it() {
    let mut fixture = Fixture::new();
    let before = fixture.plan("BackupQA", 0);
    let activity = fixture.activity(before, ActionKind::ExportDomain);
    fixture.task(before, activity, "QA1", "GONE", Status::ReadyForExecution);
    let plan = fixture.plan("BackupQA", 1);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    fixture.task(plan, activity, "QA1", "DOM1", Status::ReadyForExecution);
    fixture.task(plan, activity, "QA1", "*", Status::DeviceError);
    assert_eq!(attempts(&fixture), ["QA1 DOM1 2", "QA1 GONE 3"]);
}

#[test]
fn a_domain_that_is_called_as_a_pattern_is_written_is_a_domain() {
    let mut fixture = Fixture::new();
    let plan = fixture.plan("BackupQA", 0);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    let odd = ["!x", "DOM*", "a b", "a,b"];
    for domain in odd {
        fixture.task(plan, activity, "QA1", domain, Status::ReadyForExecution);
    }
    // Neither ends the other, and the pattern itself is an attempt at all of them.
    fixture.task(plan, activity, "QA1", "DOM1", Status::ReadyForExecution);
    let plan = fixture.plan("BackupQA", 1);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    fixture.task(plan, activity, "QA1", "*", Status::SkippedDeviceNotAvailable);
    let targets = fixture.history.targets().expect("targets");
    let found: Vec<_> = targets
        .iter()
        .map(|row| (row.domain(), row.last_task.0))
        .collect();
    let expected = ["!x", "DOM*", "DOM1", "a b", "a,b"].map(|name| (NamedDomain::One(name), 6));
    assert_eq!(found, expected);
    let domains = fixture.history.backed_up_domains().expect("domains");
    assert!(odd.iter().all(|name| domains.contains(*name)), "{domains:?}");
    assert_eq!(fixture.number("SELECT domains FROM plan_execution"), 5);
}

#[test]
fn stored_files_are_those_that_should_stand_in_the_store_now() {
    let mut fixture = Fixture::new();
    let (plan, activity, first) = fixture.export();
    let second = fixture.task(plan, activity, "QA2", "SALES", Status::ReadyForExecution);
    for (task, name, kept) in [
        (first, "a", true),
        (first, "b", false),
        (first, "c", true),
        (second, "d", true),
    ] {
        let file = StoredFile {
            kept,
            ..file(name, FileKind::Persisted, None)
        };
        let event = Event::FileStored { task, file };
        fixture.history.record(at(3), &event).expect("a record");
    }
    let names = |fixture: &Fixture, filter| -> Vec<String> {
        let files = fixture.history.stored_files(&filter).expect("files");
        files.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(names(&fixture, FileFilter::All), ["a", "c", "d"]);
    assert_eq!(names(&fixture, FileFilter::Device("QA1".to_owned())), ["a", "c"]);
    assert_eq!(names(&fixture, FileFilter::Device("QA2".to_owned())), ["d"]);

    let unknown = fixture.history.mark_pruned(at(4), &[FileId(1), FileId(99)]);
    unknown.expect_err("no such file");
    assert_eq!(names(&fixture, FileFilter::Device("QA1".to_owned())), ["a", "c"]);
    fixture.history.mark_pruned(at(5), &[FileId(1)]).expect("marked");
    assert_eq!(names(&fixture, FileFilter::Device("QA1".to_owned())), ["c"]);
    let files = fixture.history.files(first).expect("files");
    assert_eq!((files.len(), files[0].pruned_time), (3, Some(at(5))));
}

/// With a million tasks, a query that looks at every row of a table takes seconds.
#[test]
fn no_query_looks_at_every_row_of_a_large_table() {
    let mut queries = vec![
        ACTIVITIES.to_owned(),
        TASK_COUNTS.to_owned(),
        task_sql(),
        tasks_of_activity_sql(),
        tasks_of_plan_sql(),
        ledger::LAST_CONTENT.to_owned(),
        journal::open_entries_sql(),
        journal::undone_by_others_sql(),
        unfinished::UNFINISHED_PLANS.to_owned(),
        unfinished::UNFINISHED_TASKS.to_owned(),
        unfinished::ENDED_IMPORTS.to_owned(),
        unfinished::UNFINISHED_ACTIVITIES.to_owned(),
        stored::sql::files_sql(),
        stored::sql::stored_files_sql(&FileFilter::Device(String::new())),
        stored::sql::KEPT_WITH_CONTENT.to_owned(),
        stored::sql::STANDS_IN.to_owned(),
        stored::sql::PLACES_BELOW.to_owned(),
        stored::sql::files_at_sql(),
        stored::sql::PRUNABLE_FILES.to_owned(),
        stored::sql::FAILED_FILES.to_owned(),
        stored::sql::TASK_STATUS_CHANGES.to_owned(),
        stored::sql::TARGETS.to_owned(),
        stored::sql::TARGETS_OF_DEVICE.to_owned(),
        stored::sql::TARGET_DOMAINS.to_owned(),
        stored::sql::GOOD_FILES.to_owned(),
        stored::sql::GOOD_FILES_OF_DEVICE.to_owned(),
        stored::sql::GOOD_FILES_BEFORE.to_owned(),
        past::ends_sql(EndsAsked::All),
        past::ends_sql(EndsAsked::OfItsOwn),
        past::PLAN_WARNINGS.to_owned(),
        past::TASK_WARNINGS.to_owned(),
        past::MISSED.to_owned(),
        stored::sql::GOOD_FILE_OF_PLAN_BEFORE.to_owned(),
    ];
    for owner in [Owner::Plan(PlanId(1)), Owner::Task(TaskId(1))] {
        queries.push(stored::sql::owned_sql("note", owner));
        queries.push(stored::sql::owned_sql("script_run", owner));
    }
    for bits in 0..16 {
        let status = match bits & 8 {
            0 => Status::Success,
            _ => Status::DeviceError,
        };
        queries.push(plans_sql(&PlanFilter {
            plan: (bits & 1 != 0).then(String::new),
            status: (bits & 2 != 0).then_some(status),
            device: (bits & 4 != 0).then(String::new),
            ..PlanFilter::default()
        }));
    }
    let fixture = Fixture::new();
    for query in queries {
        for step in steps(&fixture, &query) {
            // One row a device and domain, and indexes of what is open or was undone by a later command: these
            // stay small.
            let small = [
                "SCAN b",
                // From the end, as many as are asked for.
                "SCAN p",
                "SCAN journal USING INDEX journal_open",
                "SCAN journal USING INDEX journal_closed_by_others",
                "SCAN plan_execution USING INDEX plan_execution_open",
            ]
            .contains(&step.as_str());
            assert!(!step.starts_with("SCAN") || small, "{step}\n{query}");
        }
    }
}

#[test]
fn names_are_listed_by_steps_of_an_index_and_not_row_by_row() {
    let fixture = Fixture::new();
    for query in [
        each_once_sql("plan_execution", "plan", "true"),
        each_once_sql("plan_execution_device", "device_name", "true"),
        stored::sql::target_devices_sql(),
        task_devices_sql(),
        task_domains_sql(),
        newest_export_sql(),
    ] {
        let steps = steps(&fixture, &query);
        assert!(
            steps.iter().any(|step| step.starts_with("SEARCH")),
            "{steps:?}\n{query}"
        );
        assert!(
            steps.iter().all(|step| !step.contains("TEMP B-TREE")),
            "{steps:?}\n{query}"
        );
    }
}

#[test]
fn what_was_ever_to_be_backed_up_is_told_by_name_and_how_long_the_names_with_good_exports_are() {
    let mut fixture = Fixture::new();
    let history = &fixture.history;
    assert_eq!(history.backed_up_devices().expect("devices"), [""; 0]);
    assert_eq!(
        history.longest_names().expect("lengths"),
        LongestNames { device: 0, domain: 0 }
    );
    let plan = fixture.plan("P", 0);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    for (device, domain) in [
        ("QÄ1", "SALES"),
        ("QÄ1", "A*"),
        ("QÄ1", "EU"),
        ("QA22", "NEVER-GOOD"),
        ("QA22", "SALES"),
    ] {
        let status = match domain {
            "A*" => Status::SkippedDeviceNotAvailable,
            _ => Status::ReadyForExecution,
        };
        let task = fixture.task(plan, activity, device, domain, status);
        if device == "QÄ1" && domain != "A*" {
            let stored = Event::FileStored {
                task,
                file: file(domain, FileKind::Persisted, Some("c")),
            };
            let ended = Event::TaskEnded {
                task,
                status: Status::Success,
                error: None,
                took: None,
            };
            for event in [stored, ended] {
                fixture.history.record(at(3), &event).expect("a record");
            }
        }
    }
    let history = &fixture.history;
    assert_eq!(history.backed_up_devices().expect("devices"), ["QA22", "QÄ1"]);
    assert_eq!(
        history.backed_up_domains().expect("domains"),
        ["EU", "NEVER-GOOD", "SALES"].map(str::to_owned).into()
    );
    assert_eq!(
        history.longest_names().expect("lengths"),
        LongestNames { device: 3, domain: 5 }
    );
}

#[test]
fn the_most_recent_executions_are_those_that_were_written_last_whatever_the_clock_said() {
    let mut fixture = Fixture::new();
    // Twelve years later, and then right again.
    let written = [0, 400_000_000, 10, 20].map(|seconds| fixture.plan("BackupQA", seconds));
    for plan in [None, Some("BackupQA".to_owned())] {
        let filter = PlanFilter {
            plan,
            ..PlanFilter::default()
        };
        let found: Vec<PlanId> = fixture
            .history
            .plans(&filter)
            .expect("plans")
            .iter()
            .map(|row| row.id)
            .collect();
        let mut newest_first = written.to_vec();
        newest_first.reverse();
        assert_eq!(found, newest_first);
    }
    let since = PlanFilter {
        since: Some(at(10)),
        ..PlanFilter::default()
    };
    let found: Vec<PlanId> = fixture
        .history
        .plans(&since)
        .expect("plans")
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(found, [written[3], written[2], written[1]]);
}

#[test]
fn plan_executions_come_from_an_index_in_their_order() {
    let fixture = Fixture::new();
    for bits in 0..4 {
        let sql = plans_sql(&PlanFilter {
            plan: (bits == 1).then(String::new),
            status: (bits == 2).then_some(Status::Success),
            device: (bits == 3).then(String::new),
            ..PlanFilter::default()
        });
        for step in steps(&fixture, &sql) {
            assert!(!step.contains("TEMP B-TREE"), "{step}\n{sql}");
        }
    }
}

#[test]
fn the_newest_files_of_a_content_come_first_without_sorting_all_of_them() {
    let fixture = Fixture::new();
    let steps = steps(&fixture, stored::sql::KEPT_WITH_CONTENT);
    assert!(
        steps.iter().all(|step| !step.contains("TEMP B-TREE")),
        "{steps:?}"
    );
    assert!(
        steps[0].contains("(device_name=? AND domain_name=?)"),
        "{steps:?}"
    );
}

#[test]
fn what_was_removed_is_found_without_a_look_at_what_stayed() {
    let fixture = Fixture::new();
    let steps = steps(&fixture, survey::REMOVED);
    assert!(steps[0].contains("INDEX file_removed"), "{steps:?}");
}

fn steps(fixture: &Fixture, query: &str) -> Vec<String> {
    let mut statement = fixture
        .history
        .connection
        .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
        .expect("a query");
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().expect("a step") {
        steps.push(row.get("detail").expect("its text"));
    }
    steps
}

#[test]
fn every_export_that_should_be_in_the_store_is_found_by_its_name_and_no_other() {
    let mut fixture = Fixture::new();
    let plan = fixture.plan("BackupQA", 0);
    let activity = fixture.activity(plan, ActionKind::ExportDomain);
    let mut stored = |device: &str, name: &str, file: StoredFile| {
        let task = fixture.task(plan, activity, device, "SALES", Status::ReadyForExecution);
        let path = Path::new("/backup").join(device).join(name);
        let event = Event::FileStored {
            task,
            file: StoredFile {
                path: path.clone(),
                ..file
            },
        };
        fixture.history.record(at(1), &event).expect("a record");
        path
    };
    let export = || file("SALES.zip", FileKind::Persisted, None);
    // The newest of each is no other than one before it.
    let first = stored("QA1", "SALES.zip", export());
    let _ = stored("QA1", "later.zip", export());
    let second = stored("QA2", "SALES.zip", export());
    let _ = stored("QA3", "OLD-SALES.zip", export());
    let _ = stored(
        "QA4",
        "SALES.zip",
        file("SALES.zip", FileKind::SecureBackup, None),
    );
    let unkept = StoredFile {
        kept: false,
        ..export()
    };
    let _ = stored("QA5", "SALES.zip", unkept);
    let found = fixture.history.exports_named("SALES.zip").expect("a look");
    assert_eq!(found, [first, second]);
}
