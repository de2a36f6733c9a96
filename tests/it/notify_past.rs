//! What is asked of the past before somebody is told, and what is made up for by a later end.

use std::cell::RefCell;

use dpbackup::clock::Clock as _;
use dpbackup::history::{History, Writing};
use dpbackup::notify::Notifier;
use dpbackup::notify::past::{
    EndsAsked, Figures, IsPlanned, Past, PastMiss, PreviousChanges, PreviousEnd, UnsavedBefore,
};
use dpbackup::run::event::{
    ActionKind, ActivityOpening, MissedNotice, Owner, PlanId, PlanOpening, ReceiverWarning, TaskId,
    TaskOpening,
};
use dpbackup::run::record::Record;
use dpbackup::run::status::Status;
use dpbackup::values::change::{Change, ChangeList, ConfigChange, ConfigPiece};
use dpbackup::values::event_name::EventName;

use crate::receivers::{Behaviour, Request, Web, arrived};
use crate::simulator::{Domain, Gateway};
use crate::support::{Home, TestClock, export, gateways};

/// The history, with a list of what it was asked for.
struct Questions {
    history: History,
    asked: RefCell<Vec<&'static str>>,
    /// What changed in an execution, where that is not what history has: an error is why it cannot be read.
    changes: Result<Vec<PreviousChanges>, String>,
}

impl Questions {
    fn note(&self, what: &'static str) -> &History {
        self.asked.borrow_mut().push(what);
        &self.history
    }
}

impl Past for Questions {
    fn ends(
        &self,
        plan: &str,
        which: EndsAsked,
        before: Option<PlanId>,
        most: u32,
    ) -> Result<Vec<PreviousEnd>, String> {
        Past::ends(self.note("ends"), plan, which, before, most)
    }

    fn troubles(&self, execution: PlanId) -> Result<Vec<String>, String> {
        self.note("troubles").troubles(execution)
    }

    fn warnings(&self, execution: PlanId) -> Result<Vec<String>, String> {
        Past::warnings(self.note("warnings"), execution)
    }

    fn missed(&self, execution: PlanId) -> Result<Vec<PastMiss>, String> {
        self.note("missed").missed(execution)
    }

    fn plan_of(&self, task: TaskId) -> Result<(PlanId, String), String> {
        Past::plan_of(self.note("plan_of"), task)
    }

    fn changes_of(&self, _: PlanId) -> Result<Vec<PreviousChanges>, String> {
        self.asked.borrow_mut().push("changes_of");
        self.changes.clone()
    }

    fn unsaved_before(
        &self,
        device: &str,
        domain: &str,
        task: TaskId,
    ) -> Result<Option<UnsavedBefore>, String> {
        self.note("unsaved_before").unsaved_before(device, domain, task)
    }

    fn figures(&self, plans: &[&str], is_planned: &IsPlanned<'_>) -> Result<Figures, String> {
        self.note("figures").figures(plans, is_planned)
    }
}

/// Executions of one plan, as runs record and tell them.
struct Runs {
    home: Home,
    clock: TestClock,
}

impl Runs {
    /// Of a plan that tells this webhook of these events, again only after a day.
    fn told(web: &Web, events: &str) -> Self {
        let hook = format!(
            "[notify]\ntries = 1\n[[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\nevents = \"{events}\"\nrepeat = \"24h\"\n",
            web.url("/")
        );
        Self::of(&format!("webhook = \"ops\"\n{}{hook}", export("*", "DOM1", "")))
    }

    fn of(plan: &str) -> Self {
        Self {
            home: Home::new().absent_device("QA1").plan("P", plan),
            clock: TestClock::night(),
        }
    }

    /// An execution with this end, in which a task fails or not, and what was asked of the past for it.
    fn run(&self, status: Status) -> Vec<&'static str> {
        self.run_with(status, Ok(Vec::new()), |_, _| ())
    }

    fn run_with(
        &self,
        status: Status,
        changes: Result<Vec<PreviousChanges>, String>,
        more: impl FnOnce(&mut Record<'_>, PlanId),
    ) -> Vec<&'static str> {
        let path = self.home.path("state/history.db");
        let mut history = History::open(&path, Writing::Log).expect("a history");
        let past = Questions {
            history: History::open_read_only(&path).expect("the same"),
            asked: RefCell::default(),
            changes,
        };
        let file = self.home.plan_model();
        let mut notifier = Notifier::new(&file, &|_| None, self.clock.zone(), Some(&past), &|_, _, _| true);
        let mut record = Record::new(&mut history, vec![&mut notifier], &self.clock, "of a test");
        let opening = PlanOpening {
            plan: "P".to_owned(),
            plan_file: self.home.path("plan.toml"),
            process: "of a test".to_owned(),
            window_ignored: false,
        };
        let plan = record.open_plan(opening).expect("a plan");
        if status != Status::Locked {
            record.plan_status(plan, Status::Running).expect("it runs");
        }
        if status == Status::Failed {
            fail_a_task(&mut record, plan);
        }
        more(&mut record, plan);
        record.end_plan(plan, status, None).expect("an end");
        record.warn_of_sinks(Owner::Plan(plan));
        drop(record);
        past.asked.into_inner()
    }
}

fn fail_a_task(record: &mut Record<'_>, plan: PlanId) {
    let activity = ActivityOpening {
        plan,
        action: ActionKind::ExportDomain,
        device_pattern: "QA1".to_owned(),
        domain_pattern: "DOM1".to_owned(),
        quiesce: false,
    };
    let activity = record.open_activity(activity).expect("an activity");
    let opening = TaskOpening {
        plan,
        activity,
        action: ActionKind::ExportDomain,
        device: "QA1".to_owned(),
        domain: "DOM1".to_owned(),
        status: Status::ReadyForExecution,
        error: None,
    };
    let task = record.open_task(opening).expect("a task");
    let why = Some("it broke".to_owned());
    record
        .end_task(task, Status::DownloadFailed, why)
        .expect("its end");
}

fn events(requests: &[Request]) -> Vec<String> {
    let event = |request: &Request| request.json()["event"].as_str().map(str::to_owned);
    requests.iter().filter_map(event).collect()
}

const TAKEN: Behaviour = Behaviour::Status(200, "ok");
const REFUSED: Behaviour = Behaviour::Status(404, "not now");

#[test]
fn an_end_that_arrived_is_not_told_again_for_what_was_missed_before_it() {
    let web = Web::start(&[REFUSED, TAKEN]);
    let runs = Runs::told(&web, "started, failed");
    for _ in 0..3 {
        runs.run(Status::Failed);
    }
    let told = events(&arrived(&web.seen, 4));
    assert_eq!(told, ["started", "failed", "started", "started"]);
}

#[test]
fn an_end_that_did_not_arrive_is_told_by_the_next_one() {
    let web = Web::start(&[REFUSED, TAKEN]);
    let runs = Runs::told(&web, "failed");
    for _ in 0..3 {
        runs.run(Status::Failed);
    }
    assert_eq!(events(&arrived(&web.seen, 2)), ["failed", "failed"]);
}

#[test]
fn that_it_is_over_is_not_told_twice_for_what_was_missed_before_it() {
    let web = Web::start(&[TAKEN, TAKEN, REFUSED, TAKEN]);
    let runs = Runs::told(&web, "started, failed");
    for status in [Status::Failed, Status::Success, Status::Success, Status::Success] {
        runs.run(status);
    }
    let told = events(&arrived(&web.seen, 6));
    assert_eq!(
        told,
        ["started", "failed", "started", "succeeded", "started", "started"]
    );
}

#[test]
fn a_message_about_a_run_that_died_is_not_taken_for_the_end_of_the_one_that_sent_it() {
    let web = Web::start(&[TAKEN]);
    let runs = Runs::told(&web, "failed");
    runs.run(Status::Failed);
    let about_the_first = ReceiverWarning {
        receiver: "webhook ops".to_owned(),
        missed: Some(MissedNotice {
            event: EventName::Failed,
            execution: Some(PlanId(1)),
        }),
        message: "no answer".to_owned(),
    };
    runs.run_with(Status::Failed, Ok(Vec::new()), |record, plan| {
        record
            .tell(&dpbackup::run::event::Event::ReceiverWarned {
                owner: Owner::Plan(plan),
                warning: about_the_first,
            })
            .expect("a warning");
    });
    // The second told what the first could not, and the third has nothing to add.
    runs.run(Status::Failed);
    let told = arrived(&web.seen, 2);
    let told: Vec<_> = told
        .iter()
        .map(|one| one.json()["plan_execution_id"].as_i64())
        .collect();
    assert_eq!(told, [Some(1), Some(2)]);
}

#[test]
fn changes_that_could_not_be_read_are_told_by_the_next_end() {
    let web = Web::start(&[TAKEN]);
    let runs = Runs::told(&web, "changed");
    let changed = PreviousChanges {
        task: TaskId(1),
        device: "QA1".to_owned(),
        domain: "DOM1".to_owned(),
        changes: ChangeList {
            first: vec![ConfigChange {
                domain: "DOM1".to_owned(),
                piece: ConfigPiece::Domain,
                change: Change::Changed,
                description: "of the first".to_owned(),
            }],
            count: 1,
        },
    };
    runs.run_with(Status::Success, Ok(Vec::new()), |record, plan| {
        let warning = ReceiverWarning {
            receiver: "webhook ops".to_owned(),
            missed: Some(MissedNotice {
                event: EventName::Changed,
                execution: Some(plan),
            }),
            message: "no answer".to_owned(),
        };
        let owner = Owner::Plan(plan);
        let event = dpbackup::run::event::Event::ReceiverWarned { owner, warning };
        record.tell(&event).expect("a warning");
    });
    runs.run_with(Status::Success, Err("the page is damaged".to_owned()), |_, _| ());
    let notes = runs.home.history().notes(Owner::Plan(PlanId(2))).expect("notes");
    let notes: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        notes,
        ["what changed in execution 1 was not told to webhook ops: the page is damaged"]
    );
    let warnings = Past::warnings(&runs.home.history(), PlanId(2));
    assert_eq!(warnings, Ok(Vec::new()), "it is none of the plan");
    // A run that finds the plan locked in between has nothing to tell, and hides nothing.
    runs.run(Status::Locked);
    runs.run_with(Status::Success, Ok(vec![changed]), |_, _| ());
    let told = arrived(&web.seen, 1);
    assert_eq!(events(&told), ["changed"]);
    assert_eq!(told[0].json()["changes"][0]["description"], "of the first");
}

#[test]
fn a_task_that_fails_as_before_is_not_told_again_however_often_the_plan_was_locked_in_between() {
    let web = Web::start(&[TAKEN]);
    let runs = Runs::told(&web, "task-failed");
    runs.run(Status::Failed);
    for _ in 0..11 {
        runs.run(Status::Locked);
    }
    runs.run(Status::Failed);
    assert_eq!(events(&arrived(&web.seen, 1)), ["task-failed"]);
}

#[test]
fn a_plan_that_is_not_begun_after_a_stop_has_in_history_who_was_not_told() {
    let web = Web::start(&[REFUSED]);
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let hook = format!("[[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\n", web.url("/"));
    let home = Home::of(&gateway)
        .script("away.sh", "#!/bin/sh\nkill -TERM $PPID; sleep 60\n")
        .setting("scripts_dir = \"scripts\"")
        .plan(
            "P",
            &format!("pre_script = \"away.sh\"\n{}", export("*", "DOM1", "")),
        )
        .plan(
            "Q",
            &format!("webhook = \"ops\"\n{}{hook}", export("*", "DOM1", "")),
        );
    let ran = home.dpbackup(&["run", "P", "Q"]).exits(143);
    assert!(
        ran.stderr.contains("notification by webhook ops failed"),
        "{}",
        ran.stderr
    );
    let row = home.plan_rows().into_iter().find(|row| row.plan == "Q");
    let missed = home
        .history()
        .missed(row.expect("a row").id)
        .expect("who missed it");
    let expected = PastMiss {
        receiver: "webhook ops".to_owned(),
        event: EventName::Failed,
    };
    assert_eq!(missed, [expected]);
}

#[test]
fn nothing_is_asked_of_the_past_where_nobody_is_told() {
    let quiet = Runs::of(&export("*", "DOM1", ""));
    let web = Web::start(&[TAKEN]);
    let of_others = Runs::told(&web, "still-quiesced, recovered");
    for runs in [&quiet, &of_others] {
        for status in [Status::Failed, Status::Failed, Status::Success, Status::Success] {
            assert_eq!(runs.run(status), [""; 0], "{status:?}");
        }
    }
}

#[test]
fn who_is_told_of_failures_alone_needs_nothing_of_the_successes_before_a_success() {
    let web = Web::start(&[TAKEN]);
    let runs = Runs::told(&web, "failed");
    for _ in 0..4 {
        runs.run(Status::Success);
    }
    // The one before, how it ended, and whether that was told.
    assert_eq!(runs.run(Status::Success), ["ends", "ends", "missed"]);
    runs.run(Status::Failed);
    let asked = runs.run(Status::Failed);
    assert!(
        asked.contains(&"troubles") && asked.contains(&"warnings"),
        "{asked:?}"
    );
    runs.run(Status::Success);
    assert_eq!(events(&arrived(&web.seen, 2)), ["failed", "succeeded"]);
}
