use super::*;
use crate::history::fixture::{Fixture, at};
use crate::run::event::Event;
use crate::run::ledger::Ledger;

#[test]
fn of_many_unsaved_changes_the_first_are_kept_and_all_counted() {
    let mut fixture = Fixture::new();
    let (_, _, task) = fixture.export();
    let told = |unsaved| Event::UnsavedChanges { task, unsaved };
    fixture.history.record(at(1), &told(false)).expect("a record");
    let known = fixture.history.unsaved_of_task(task).expect("an answer");
    assert_eq!(known, Some(ChangeList::default()));
    fixture.history.record(at(2), &told(true)).expect("a record");
    assert_eq!(
        fixture.history.unsaved_of_task(task).expect("an answer"),
        None,
        "not known yet"
    );
    let changes = ChangeList {
        first: vec![ConfigChange {
            domain: "SALES".to_owned(),
            piece: ConfigPiece::Object {
                class: "User".to_owned(),
                name: "u".to_owned(),
            },
            change: Change::Changed,
            description: "mAdminState: enabled → disabled".to_owned(),
        }],
        count: 5000,
    };
    let event = Event::ConfigUnsaved {
        task,
        changes: changes.clone(),
    };
    fixture.history.record(at(3), &event).expect("a record");
    assert_eq!(
        fixture.history.unsaved_of_task(task).expect("an answer"),
        Some(changes)
    );
    assert_eq!(
        fixture.history.task(task).expect("a task").unsaved_objects,
        Some(5000)
    );
}
