use proptest::prelude::*;

use super::*;
use crate::values::retention::Retention;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn backup(task: i64, end: &str, retention: Retention) -> Backup {
    Backup {
        task,
        end: Some(at(end)),
        rules: Some(Rules {
            plan: None,
            retention,
        }),
        content: None,
        standing: CopyStanding::Stored,
    }
}

/// The tasks of the backups that stay.
fn kept(backups: &[Backup], zone: &TimeZone) -> Vec<i64> {
    let decisions = choose(backups, at("2026-12-31T00:00:00Z"), zone);
    let kept = backups
        .iter()
        .zip(decisions)
        .filter(|(_, decision)| matches!(decision, Decision::Keep(_)));
    kept.map(|(backup, _)| backup.task).collect()
}

fn rome() -> TimeZone {
    TimeZone::get("Europe/Rome").expect("a zone")
}

#[test]
fn each_rule_keeps_the_newest_of_its_periods() {
    let of = |retention: Retention| {
        let ends = [
            "2026-10-31T22:30:00Z", // in Rome, 31 October
            "2026-10-31T23:30:00Z", // in Rome, 1 November
            "2026-11-21T10:00:00Z", // a Saturday
            "2026-11-22T10:00:00Z", // the Sunday of that week
            "2026-11-22T22:30:00Z",
            "2026-11-22T23:30:00Z", // in Rome, a Monday
        ];
        let backups: Vec<Backup> = ends
            .iter()
            .zip(1..)
            .map(|(end, task)| backup(task, end, retention))
            .collect();
        kept(&backups, &rome())
    };
    let none = Retention::default();
    assert_eq!(
        of(Retention {
            keep_last: Some(2),
            ..none
        }),
        [5, 6]
    );
    assert_eq!(
        of(Retention {
            keep_daily: Some(3),
            ..none
        }),
        [3, 5, 6]
    );
    assert_eq!(
        of(Retention {
            keep_weekly: Some(2),
            ..none
        }),
        [5, 6]
    );
    assert_eq!(
        of(Retention {
            keep_monthly: Some(2),
            ..none
        }),
        [1, 6]
    );
    let within = Some(std::time::Duration::from_secs(14 * 3600));
    assert_eq!(
        of(Retention {
            keep_within: within,
            ..none
        }),
        [4, 5, 6]
    );
    assert_eq!(
        of(Retention {
            keep_last: Some(1),
            keep_monthly: Some(2),
            ..none
        }),
        [1, 6]
    );
}

#[test]
fn days_are_those_of_the_clock_when_it_changes() {
    let rules = Retention {
        keep_daily: Some(9),
        ..Retention::default()
    };
    // 25 October 2026 has 25 hours in Rome: 02:30 comes twice.
    let ends = [
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T22:59:59Z",
        "2026-10-25T23:00:00Z",
    ];
    let backups: Vec<Backup> = ends
        .iter()
        .zip(1..)
        .map(|(end, task)| backup(task, end, rules))
        .collect();
    assert_eq!(kept(&backups, &rome()), [3, 4]);
}

#[test]
fn a_file_stays_as_long_as_a_backup_without_one_needs_it() {
    let rules = Retention {
        keep_last: Some(2),
        ..Retention::default()
    };
    let not_kept = |task, end| Backup {
        standing: CopyStanding::NotKept,
        content: Some("c".to_owned()),
        ..backup(task, end, rules)
    };
    let original = Backup {
        content: Some("c".to_owned()),
        ..backup(1, "2026-11-01T00:00:00Z", rules)
    };
    let mut backups = vec![
        original,
        not_kept(2, "2026-11-02T00:00:00Z"),
        not_kept(3, "2026-11-03T00:00:00Z"),
    ];
    assert_eq!(kept(&backups, &TimeZone::UTC), [1, 2, 3]);
    backups.push(backup(4, "2026-11-04T00:00:00Z", rules));
    assert_eq!(kept(&backups, &TimeZone::UTC), [1, 3, 4], "for task 3");
    backups.push(backup(5, "2026-11-05T00:00:00Z", rules));
    assert_eq!(kept(&backups, &TimeZone::UTC), [4, 5], "nobody needs it any more");
    // A newer file with the same content will do.
    let newer = Backup {
        content: Some("c".to_owned()),
        ..backup(6, "2026-11-06T00:00:00Z", rules)
    };
    let backups = [backups[0].clone(), newer, not_kept(7, "2026-11-07T00:00:00Z")];
    assert_eq!(kept(&backups, &TimeZone::UTC), [6, 7]);
}

#[test]
fn plans_with_rules_of_their_own_count_apart() {
    let rules = Retention {
        keep_last: Some(1),
        ..Retention::default()
    };
    let mut backups: Vec<Backup> = (1..=4)
        .map(|task| backup(task, &format!("2026-11-0{task}T00:00:00Z"), rules))
        .collect();
    for (index, plan) in [(0, "weekly"), (2, "weekly")] {
        backups[index].rules = Some(Rules {
            plan: Some(plan.to_owned()),
            retention: rules,
        });
    }
    assert_eq!(kept(&backups, &TimeZone::UTC), [3, 4]);
}

fn any_backups() -> impl Strategy<Value = Vec<Backup>> {
    let count = || proptest::option::of(1_u32..4);
    let retention = (
        count(),
        count(),
        count(),
        count(),
        proptest::option::of(1_u64..3_000_000),
    );
    let retention = retention.prop_map(|(last, daily, weekly, monthly, within)| Retention {
        keep_last: last,
        keep_daily: daily,
        keep_weekly: weekly,
        keep_monthly: monthly,
        keep_within: within.map(std::time::Duration::from_secs),
    });
    let one = (
        proptest::option::weighted(0.95, 1_790_000_000_i64..1_800_000_000),
        proptest::option::weighted(0.9, 0_usize..2),
        proptest::option::weighted(0.8, 0_u8..4),
        0_u8..8,
    );
    (
        retention.clone(),
        retention,
        proptest::collection::vec(one, 0..40),
    )
        .prop_map(|(first, second, rows)| {
            let rules = [("a", first), ("b", second)].map(|(plan, retention)| Rules {
                plan: Some(plan.to_owned()),
                retention,
            });
            let rows = rows.into_iter().zip(1..);
            rows.map(|((end, plan, content, standing), task)| Backup {
                task,
                end: end.map(|end| Timestamp::from_second(end).expect("a second")),
                rules: plan.map(|plan| rules[plan].clone()),
                content: content.map(|content| format!("c{content}")),
                standing: match standing {
                    0 => CopyStanding::Lost,
                    1 | 2 => CopyStanding::NotKept,
                    _ => CopyStanding::Stored,
                },
            })
            .collect()
        })
}

proptest! {
    #[test]
    fn nothing_goes_that_must_stay(backups in any_backups(), now in 1_790_000_000_i64..1_800_000_000) {
        let now = Timestamp::from_second(now).expect("a second");
        let decisions = choose(&backups, now, &rome());
        prop_assert_eq!(decisions.len(), backups.len());
        let goes = |index: usize| decisions[index] == Decision::Delete;
        let all = || backups.iter().enumerate();
        // The newest stored one stays.
        let newest = all().filter(|(_, one)| is_stored(one) && one.end.is_some()).max_by_key(|(_, one)| (one.end, one.task));
        if let Some((index, _)) = newest {
            prop_assert!(!goes(index));
        }
        for (index, one) in all() {
            // What is lost, under way or under no rules stays.
            if one.standing == CopyStanding::Lost || one.end.is_none() || one.rules.is_none() {
                prop_assert!(!goes(index));
            }
            // A backup that stays and has no file of its own has one that stays.
            let had_a_file = backups.iter().any(|other| is_stored(other) && other.content == one.content);
            if one.standing == CopyStanding::NotKept && !goes(index) && one.content.is_some() && had_a_file {
                prop_assert!(all().any(|(other, file)| is_stored(file) && file.content == one.content && !goes(other)));
            }
        }
    }

    #[test]
    fn a_second_look_lets_nothing_more_go(backups in any_backups(), now in 1_790_000_000_i64..1_800_000_000) {
        let now = Timestamp::from_second(now).expect("a second");
        let decisions = choose(&backups, now, &rome());
        let left: Vec<Backup> = backups
            .iter()
            .zip(&decisions)
            .filter(|(_, decision)| **decision != Decision::Delete)
            .map(|(backup, _)| backup.clone())
            .collect();
        let again = choose(&left, now, &rome());
        prop_assert!(again.iter().all(|decision| *decision != Decision::Delete));
    }
}
