use std::collections::BTreeSet;

use super::*;
use crate::history::fixture::{Fixture, at, file};
use crate::run::event::Event;
use crate::run::ledger::Ledger;
use crate::run::status::Status;

fn object(domain: &str, class: &str, name: &str) -> ConfigChange {
    ConfigChange {
        domain: domain.to_owned(),
        piece: ConfigPiece::Object {
            class: class.to_owned(),
            name: name.to_owned(),
        },
        change: Change::Changed,
        description: "mAdminState: enabled → disabled".to_owned(),
    }
}

fn list(changes: &[ConfigChange]) -> ChangeList {
    ChangeList {
        first: changes.to_vec(),
        count: changes.len() as u64,
    }
}

/// A task of this device and domain with these changes.
fn changed(fixture: &mut Fixture, second: i64, device: &str, changes: &[ConfigChange]) -> TaskId {
    let plan = fixture.plan("P", second);
    let activity = fixture.activity(plan, crate::run::event::ActionKind::ExportDomain);
    let domain = changes[0].domain.clone();
    let task = fixture.task(plan, activity, device, &domain, Status::ReadyForExecution);
    let stored = Event::FileStored {
        task,
        file: file(&format!("{}.zip", task.0), FileKind::Persisted, Some("c")),
    };
    let told = Event::ConfigChanged {
        task,
        kind: FileKind::Persisted,
        changes: list(changes),
    };
    for event in [stored, told] {
        fixture.history.record(at(second), &event).expect("a record");
    }
    task
}

fn all() -> ChangeFilter {
    ChangeFilter {
        places: None,
        class: None,
        name: None,
        since: None,
        limit: 40,
    }
}

fn names(fixture: &Fixture, filter: &ChangeFilter) -> Vec<String> {
    let rows = fixture.history.changes(filter).expect("changes");
    rows.iter()
        .map(|row| format!("{}/{} {}", row.device_name, row.change.domain, row.change.piece))
        .collect()
}

fn places(places: &[(&str, &str)]) -> Option<BTreeSet<(String, String)>> {
    let owned = |(device, domain): &(&str, &str)| ((*device).to_owned(), (*domain).to_owned());
    Some(places.iter().map(owned).collect())
}

#[test]
fn changes_are_narrowed_by_place_class_name_time_and_number() {
    let mut fixture = Fixture::new();
    changed(
        &mut fixture,
        10,
        "QA1",
        &[object("A", "XMLManager", "m"), object("A", "User", "u")],
    );
    changed(&mut fixture, 20, "QA1", &[object("B", "XMLManager", "m")]);
    changed(&mut fixture, 30, "QA2", &[object("A", "XMLManager", "n")]);
    let of = |fixture: &Fixture, change: fn(&mut ChangeFilter)| {
        let mut filter = all();
        change(&mut filter);
        names(fixture, &filter)
    };
    assert_eq!(
        of(&fixture, |_| {}),
        [
            "QA2/A XMLManager n",
            "QA1/B XMLManager m",
            "QA1/A User u",
            "QA1/A XMLManager m"
        ]
    );
    assert_eq!(
        of(&fixture, |filter| filter.class = Some("User".to_owned())),
        ["QA1/A User u"]
    );
    assert_eq!(
        of(&fixture, |filter| filter.name = Some("n".to_owned())),
        ["QA2/A XMLManager n"]
    );
    let one_place = |filter: &mut ChangeFilter| filter.places = places(&[("QA1", "A")]);
    assert_eq!(of(&fixture, one_place), ["QA1/A User u", "QA1/A XMLManager m"]);
    let both = |filter: &mut ChangeFilter| {
        filter.places = places(&[("QA1", "A"), ("QA2", "A")]);
        filter.class = Some("XMLManager".to_owned());
    };
    assert_eq!(of(&fixture, both), ["QA2/A XMLManager n", "QA1/A XMLManager m"]);
    assert_eq!(of(&fixture, |filter| filter.since = Some(at(20))).len(), 2);
    assert_eq!(of(&fixture, |filter| filter.since = Some(at(31))).len(), 0);
    assert_eq!(of(&fixture, |filter| filter.limit = 1), ["QA2/A XMLManager n"]);
    assert_eq!(
        of(&fixture, |filter| filter.places = Some(BTreeSet::new())).len(),
        0
    );
}

#[test]
fn many_places_are_found_as_few_are() {
    let mut fixture = Fixture::new();
    let mut wanted = BTreeSet::new();
    for number in 0..i64::try_from(BY_PLACE).expect("a number") + 6 {
        let domain = format!("D{number}");
        changed(&mut fixture, number, "QA1", &[object(&domain, "XMLManager", "m")]);
        if number % 12 != 0 {
            wanted.insert(("QA1".to_owned(), domain));
        }
    }
    for extra in 0..10 {
        wanted.insert(("QA9".to_owned(), format!("D{extra}")));
    }
    assert!(wanted.len() > BY_PLACE);
    let filter = ChangeFilter {
        places: Some(wanted),
        limit: 5,
        ..all()
    };
    assert_eq!(
        names(&fixture, &filter),
        ["69", "68", "67", "66", "65"].map(|number| format!("QA1/D{number} XMLManager m"))
    );
    let known = fixture.history.changed_places().expect("places");
    assert_eq!(known.len(), BY_PLACE + 6);
    assert!(known.is_sorted());
}

#[test]
fn a_clock_that_was_wrong_does_not_change_the_order() {
    let mut fixture = Fixture::new();
    changed(
        &mut fixture,
        1_000_000,
        "QA1",
        &[object("A", "XMLManager", "future")],
    );
    changed(&mut fixture, 50, "QA1", &[object("A", "XMLManager", "now")]);
    assert_eq!(
        names(&fixture, &all()),
        ["QA1/A XMLManager now", "QA1/A XMLManager future"]
    );
    let since = ChangeFilter {
        since: Some(at(40)),
        ..all()
    };
    assert_eq!(names(&fixture, &since).len(), 2);
}

#[test]
fn known_places_and_classes_are_each_told_once() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.history.changed_places().expect("places"), []);
    assert_eq!(fixture.history.changed_classes().expect("classes"), [""; 0]);
    let file = ConfigChange {
        piece: ConfigPiece::File("local:///a".to_owned()),
        ..object("A", "", "")
    };
    let whole = ConfigChange {
        piece: ConfigPiece::Domain,
        ..object("A", "", "")
    };
    changed(
        &mut fixture,
        1,
        "QA2",
        &[object("A", "User", "u"), file.clone(), whole.clone()],
    );
    changed(
        &mut fixture,
        2,
        "QA1",
        &[object("A", "XMLManager", "m"), object("A", "User", "u")],
    );
    let place = |device: &str| (device.to_owned(), "A".to_owned());
    assert_eq!(
        fixture.history.changed_places().expect("places"),
        [place("QA1"), place("QA2")]
    );
    assert_eq!(
        fixture.history.changed_classes().expect("classes"),
        ["User", "XMLManager"]
    );
    let rows = fixture.history.changes(&all()).expect("changes");
    let pieces: Vec<&ConfigChange> = rows.iter().map(|row| &row.change).collect();
    assert_eq!(pieces[2..4], [&whole, &file], "what was written is what is read");
}

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
        first: vec![object("SALES", "User", "u")],
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

#[test]
fn the_queries_of_changes_use_an_index_and_sort_nothing() {
    let fixture = Fixture::new();
    let narrowed = |class, name, since| ChangeFilter {
        class: class_of(class),
        name: class_of(name),
        since,
        ..all()
    };
    let some = Some("x");
    for (filter, of_place) in [
        (narrowed(None, None, None), false),
        (narrowed(some, None, None), false),
        (narrowed(None, some, None), false),
        (narrowed(some, some, None), false),
        (narrowed(some, None, Some(at(1))), true),
        (narrowed(some, some, None), true),
        (narrowed(None, None, Some(at(1))), false),
    ] {
        let sql = changes_sql(&filter, of_place);
        let plan = plan(&fixture, &sql);
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        let is_narrowed = of_place || filter.class.is_some() || filter.name.is_some();
        assert!(!is_narrowed || plan.contains("USING INDEX"), "{sql}\n{plan}");
    }
    for sql in [CHANGED_PLACES, CHANGED_CLASSES] {
        assert!(
            !plan(&fixture, sql).contains("SCAN config_change\n"),
            "{}",
            plan(&fixture, sql)
        );
    }
}

fn class_of(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn plan(fixture: &Fixture, sql: &str) -> String {
    let connection = &fixture.history.connection;
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect("a query");
    let mut rows = statement.raw_query();
    let mut text = String::new();
    while let Some(row) = rows.next().expect("a row") {
        text.push_str(&row.get::<_, String>("detail").expect("text"));
        text.push('\n');
    }
    text
}
