use super::*;
use crate::history::change::cut_tasks_sql;
use crate::history::fixture::{Fixture, at, file};
use crate::run::event::{Event, FileKind, TaskId};
use crate::run::ledger::Ledger;
use crate::run::status::Status;
use crate::values::change::{Change, ChangeList, ConfigChange, ConfigPiece};
use crate::values::pattern::PatternList;

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
        limit: 40,
        ..ChangeFilter::default()
    }
}

fn names(fixture: &Fixture, filter: &ChangeFilter) -> Vec<String> {
    let rows = fixture.history.changes(filter).expect("changes");
    rows.iter()
        .map(|row| format!("{}/{} {}", row.device_name, row.change.domain, row.change.piece))
        .collect()
}

fn devices(names: &[&str]) -> Option<BTreeSet<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn domains(patterns: &str) -> Option<PatternList> {
    Some(PatternList::from_items([patterns]).expect("patterns"))
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
    let one_place = |filter: &mut ChangeFilter| {
        filter.devices = devices(&["QA1"]);
        filter.domains = domains("A");
    };
    assert_eq!(of(&fixture, one_place), ["QA1/A User u", "QA1/A XMLManager m"]);
    let both = |filter: &mut ChangeFilter| {
        filter.domains = domains("A");
        filter.class = Some("XMLManager".to_owned());
    };
    assert_eq!(of(&fixture, both), ["QA2/A XMLManager n", "QA1/A XMLManager m"]);
    assert_eq!(of(&fixture, |filter| filter.since = Some(at(20))).len(), 2);
    assert_eq!(of(&fixture, |filter| filter.since = Some(at(31))).len(), 0);
    assert_eq!(of(&fixture, |filter| filter.limit = 1), ["QA2/A XMLManager n"]);
    assert_eq!(of(&fixture, |filter| filter.devices = devices(&[])).len(), 0);
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
fn known_devices_domains_and_classes_are_each_told_once() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.history.changed_devices().expect("devices"), [""; 0]);
    assert_eq!(
        fixture.history.changed_domains().expect("domains"),
        BTreeSet::new()
    );
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
    changed(&mut fixture, 3, "QA1", &[object("B", "User", "u")]);
    assert_eq!(
        fixture.history.changed_devices().expect("devices"),
        ["QA1", "QA2"]
    );
    assert_eq!(
        fixture.history.changed_domains().expect("domains"),
        ["A", "B"].map(str::to_owned).into()
    );
    assert_eq!(
        fixture.history.changed_classes().expect("classes"),
        ["User", "XMLManager"]
    );
    let rows = fixture.history.changes(&all()).expect("changes");
    let pieces: Vec<&ConfigChange> = rows.iter().map(|row| &row.change).collect();
    assert_eq!(pieces[3..5], [&whole, &file], "what was written is what is read");
}

#[test]
fn every_way_to_ask_finds_what_a_look_at_every_row_would_whatever_is_looked_at_first() {
    let mut fixture = Fixture::new();
    let mut seconds = 0;
    for round in 0..6 {
        for (device, domain) in [
            ("QA1", "A"),
            ("QA1", "B1"),
            ("QA2", "B2"),
            ("QA3", "A"),
            ("QA3", "old"),
        ] {
            if domain == "old" && round > 0 {
                continue;
            }
            seconds += 10;
            let class = ["XMLManager", "User"][round % 2];
            let second = match round {
                // A clock that was wrong for a while.
                2 => 5,
                _ => seconds,
            };
            let changes = [
                object(domain, class, "m"),
                object(domain, "User", &round.to_string()),
            ];
            changed(&mut fixture, second, device, &changes);
        }
    }
    let every = fixture
        .history
        .changes(&ChangeFilter {
            limit: u32::MAX,
            ..ChangeFilter::default()
        })
        .expect("changes");
    assert_eq!(every.len(), 50);
    assert!(every.is_sorted_by_key(|row| std::cmp::Reverse(row.id)));
    let some = |text: &str| Some(text.to_owned());
    let mut filters = 0;
    for devices in [
        None,
        devices(&["QA1"]),
        devices(&["QA2", "QA3", "QA9"]),
        devices(&[]),
    ] {
        for domains in [
            None,
            domains("A"),
            domains("B*"),
            domains("old,B2"),
            domains("*,!A"),
            domains("C"),
        ] {
            for (class, name) in [
                (None, None),
                (some("User"), None),
                (None, some("m")),
                (some("XMLManager"), some("m")),
                (some("User"), some("nobody")),
            ] {
                for since in [None, Some(at(100)), Some(at(1_000))] {
                    for limit in [1, 3, 1_000] {
                        let filter = ChangeFilter {
                            devices: devices.clone(),
                            domains: domains.clone(),
                            class: class.clone(),
                            name: name.clone(),
                            since,
                            limit,
                        };
                        let is_asked_for = |row: &&ChangeRow| {
                            let (of_class, of_name) = match &row.change.piece {
                                ConfigPiece::Object { class, name } => (Some(class), Some(name)),
                                _ => (None, None),
                            };
                            is_meant(&filter, &row.device_name, &row.change.domain)
                                && (filter.class.is_none() || of_class == filter.class.as_ref())
                                && (filter.name.is_none() || of_name == filter.name.as_ref())
                                && filter.since.is_none_or(|since| row.time >= since)
                        };
                        let wanted: Vec<i64> = every
                            .iter()
                            .filter(is_asked_for)
                            .take(limit as usize)
                            .map(|row| row.id)
                            .collect();
                        for looked_at in [0, 2, 10, LOOKED_AT] {
                            let found = fixture.history.changes_looking_at(&filter, looked_at);
                            let found: Vec<i64> = found.expect("changes").iter().map(|row| row.id).collect();
                            assert_eq!(found, wanted, "{filter:?}, {looked_at}");
                        }
                        filters += 1;
                    }
                }
            }
        }
    }
    assert_eq!(filters, 4 * 6 * 5 * 3 * 3);
}

#[test]
fn the_queries_of_changes_use_an_index_and_sort_nothing() {
    let fixture = Fixture::new();
    let some = || Some("x".to_owned());
    for scope in [ChangeScope::Newest, ChangeScope::Place] {
        for bits in 0..8 {
            let filter = ChangeFilter {
                class: (bits & 1 != 0).then(some).flatten(),
                name: (bits & 2 != 0).then(some).flatten(),
                since: (bits & 4 != 0).then(|| at(1)),
                ..all()
            };
            let sql = changes_sql(&filter, scope);
            let plan = plan(&fixture, &sql);
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
            let index = match (scope, &filter) {
                (ChangeScope::Place, _) => {
                    "INDEX config_change_by_place (device_name=? AND domain_name=? AND rowid>?)"
                }
                (_, ChangeFilter { name: Some(_), .. }) => "INDEX config_change_by_name (name=? AND rowid>?)",
                (_, ChangeFilter { class: Some(_), .. }) => {
                    "INDEX config_change_by_class (class=? AND rowid>?)"
                }
                // From the newest back, until enough are found.
                _ => "INTEGER PRIMARY KEY (rowid>?)",
            };
            assert!(plan.contains(index), "{sql}\n{plan}");
        }
    }
}

#[test]
fn what_has_changes_is_listed_by_steps_of_an_index() {
    let fixture = Fixture::new();
    for sql in [
        changed_devices_sql(),
        changed_domains_sql(),
        changed_classes_sql(),
        NEWEST_OF_PLACE.to_owned(),
        SINCE.to_owned(),
    ] {
        let plan = plan(&fixture, &sql);
        assert!(
            plan.contains("SEARCH config_change USING COVERING INDEX"),
            "{sql}\n{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}

#[test]
fn tasks_with_more_changes_than_are_recorded_are_found_by_an_index_of_their_own() {
    let fixture = Fixture::new();
    let plan = plan(&fixture, &cut_tasks_sql(1000));
    assert!(plan.contains("INDEX file_with_more_changes"), "{plan}");
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
