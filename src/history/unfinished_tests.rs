use super::*;
use crate::history::fixture::{Fixture, at};
use crate::run::event::Event;
use crate::run::ledger::Ledger;

#[test]
fn a_plan_without_an_end_is_unfinished_and_lists_its_tasks_without_one() {
    let mut fixture = Fixture::new();
    let (plan, activity, ended) = fixture.export();
    let status = Status::Success;
    let event = Event::TaskEnded {
        task: ended,
        status,
        error: None,
        took: None,
    };
    fixture.history.record(at(5), &event).expect("a record");
    let open = fixture.task(plan, activity, "QA1", "HR", Status::ReadyForExecution);
    let other = fixture.plan("Other", 6);
    let event = Event::PlanEnded {
        plan: other,
        status,
        error: None,
        took: None,
    };
    fixture.history.record(at(7), &event).expect("a record");

    assert_eq!(
        fixture.history.unfinished_plans().expect("plans"),
        [UnfinishedPlan {
            id: plan,
            plan: "BackupQA".to_owned(),
            process: "4711-abc".to_owned(),
            started: at(0),
            status: Status::WaitingForPreValidation,
            unended_tasks: vec![UnfinishedTask {
                id: open,
                device: "QA1".to_owned(),
                domain: "HR".to_owned(),
                action: crate::run::event::ActionKind::ExportDomain,
                status: Status::ReadyForExecution,
            }],
            unended_activities: vec![activity],
            ended_imports: Vec::new(),
        }]
    );
}

#[test]
fn an_abandoned_plan_keeps_what_had_ended_and_ends_the_rest() {
    let mut fixture = Fixture::new();
    let (plan, activity, ended) = fixture.export();
    let status = Status::Success;
    let event = Event::TaskEnded {
        task: ended,
        status,
        error: None,
        took: None,
    };
    fixture.history.record(at(5), &event).expect("a record");
    let open = fixture.task(plan, activity, "QA1", "HR", Status::Quiescing);

    let other = fixture.task(plan, activity, "QA1", "IT", Status::ReadyForExecution);

    let message = "its process is gone";
    let death = DeathWords {
        plan: message.to_owned(),
        tasks: vec![(open, "unquiesced".to_owned())],
        others: "nothing of it".to_owned(),
    };
    let changed = fixture.history.abandon(plan, at(9), &death).expect("abandoned");
    assert_eq!(
        changed,
        Abandoned {
            plan: true,
            activities: vec![activity],
            tasks: vec![open, other],
        }
    );
    assert_eq!(fixture.history.unfinished_plans().expect("plans"), []);
    let row = fixture.history.task(open).expect("the task");
    assert_eq!((row.status, row.end_time), (Status::Abandoned, Some(at(9))));
    assert_eq!(row.error_message.as_deref(), Some("unquiesced"));
    let row = fixture.history.task(other).expect("the task");
    assert_eq!(row.error_message.as_deref(), Some("nothing of it"));
    let row = fixture.history.task(ended).expect("the task");
    assert_eq!((row.status, row.end_time), (Status::Success, Some(at(5))));
    let row = fixture.history.plan(plan).expect("the plan");
    assert_eq!((row.status, row.end_time), (Status::Abandoned, Some(at(9))));
    assert_eq!(row.error_message.as_deref(), Some(message));
    let row = fixture.history.activities(plan).expect("activities").remove(0);
    assert_eq!(
        (row.status, row.successful_tasks, row.failed_tasks),
        (Status::Abandoned, 1, 2)
    );

    let again = fixture
        .history
        .abandon(plan, at(10), &death)
        .expect("nothing to do");
    assert_eq!(again, Abandoned::default());
    fixture
        .history
        .abandon(PlanId(99), at(10), &death)
        .expect_err("no such plan execution");
}
