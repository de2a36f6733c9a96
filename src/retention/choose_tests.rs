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
        succeeded: true,
        rules: Some(Rules {
            plan: None,
            retention,
        }),
        content: None,
        standing: CopyStanding::Stored,
        is_asked_for: true,
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
fn one_target_has_one_newest_good_backup_and_what_stays_beside_it_says_why() {
    let last = Retention {
        keep_last: Some(1),
        ..Retention::default()
    };
    let good = backup(2, "2026-11-20T00:00:00Z", last);
    // Its export was stored, and its task failed later on.
    let mut failed = backup(4, "2026-11-21T00:00:00Z", last);
    failed.succeeded = false;
    failed.content = Some("b".to_owned());
    let mut unchanged = backup(6, "2026-11-22T00:00:00Z", last);
    unchanged.standing = CopyStanding::NotKept;
    unchanged.content = Some("b".to_owned());
    let reasons = choose(
        &[good, failed, unchanged],
        at("2026-12-31T00:00:00Z"),
        &TimeZone::UTC,
    );
    let of = |reasons: &[Reason]| Decision::Keep(reasons.to_vec());
    assert_eq!(
        reasons,
        [
            of(&[Reason::NewestGoodFile]),
            of(&[Reason::NewestFile]),
            of(&[Reason::Last(1), Reason::NewestGood]),
        ]
    );
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

/// The rule of one key.
fn rule(key: &str, count: u32) -> Retention {
    let none = Retention::default();
    let count = Some(count);
    match key {
        "last" => Retention {
            keep_last: count,
            ..none
        },
        "daily" => Retention {
            keep_daily: count,
            ..none
        },
        "weekly" => Retention {
            keep_weekly: count,
            ..none
        },
        "monthly" => Retention {
            keep_monthly: count,
            ..none
        },
        "within" => Retention {
            keep_within: count.map(|days| std::time::Duration::from_secs(u64::from(days) * 86_400)),
            ..none
        },
        other => panic!("no rule {other}"),
    }
}

#[test]
fn weeks_are_those_of_iso_8601_whatever_the_year() {
    let of = |ends: &[&str], count| {
        let backups: Vec<Backup> = ends
            .iter()
            .zip(1..)
            .map(|(end, task)| backup(task, end, rule("weekly", count)))
            .collect();
        kept(&backups, &TimeZone::UTC)
    };
    // Monday, 30 December 2024 is in the first week of 2025, as is 5 January 2025, a Sunday.
    let ends = [
        "2024-12-29T12:00:00Z",
        "2024-12-30T12:00:00Z",
        "2025-01-05T12:00:00Z",
        "2025-01-06T12:00:00Z",
    ];
    assert_eq!(of(&ends, 2), [3, 4]);
    assert_eq!(of(&ends, 3), [1, 3, 4]);
    // It is not in the first week of 2024, nor is 1 January 2021 in the first one of 2021.
    assert_eq!(of(&["2024-01-01T12:00:00Z", "2024-12-30T12:00:00Z"], 2), [1, 2]);
    assert_eq!(
        of(&["2020-12-31T12:00:00Z", "2021-01-01T12:00:00Z"], 2),
        [2],
        "both are of week 53 of 2020"
    );
    let decisions = choose(
        &[backup(1, "2024-12-30T12:00:00Z", rule("weekly", 1))],
        at("2026-01-01T00:00:00Z"),
        &TimeZone::UTC,
    );
    let Decision::Keep(reasons) = &decisions[0] else {
        panic!("{decisions:?}")
    };
    assert!(
        reasons.contains(&Reason::Weekly("2025-W01".to_owned())),
        "{reasons:?}"
    );
}

#[test]
fn the_newest_is_that_of_the_last_task_whatever_its_clock_said() {
    for key in ["last", "daily", "weekly", "monthly"] {
        for wrong in [
            "2038-01-19T03:14:07Z",
            "1970-01-01T00:01:00Z",
            "2026-11-03T00:00:00Z",
        ] {
            // The clock was wrong once, and then right again for some nights.
            let ends = [
                "2026-11-01T01:00:00Z",
                wrong,
                "2026-11-02T01:00:00Z",
                "2026-11-03T01:00:00Z",
            ];
            let backups: Vec<Backup> = ends
                .iter()
                .zip(1..)
                .map(|(end, task)| backup(task, end, rule(key, 1)))
                .collect();
            let kept = kept(&backups, &TimeZone::UTC);
            assert!(kept.contains(&4), "keep_{key} = 1 with {wrong}: {kept:?}");
            assert_eq!(
                kept.contains(&2),
                wrong.starts_with("2038"),
                "keep_{key} = 1 with {wrong}: {kept:?}"
            );
        }
    }
}

#[test]
fn an_end_in_the_future_counts_as_now_and_says_so() {
    let now = at("2026-11-04T00:00:00Z");
    let within = Retention {
        keep_within: Some(std::time::Duration::from_secs(36 * 3600)),
        ..Retention::default()
    };
    let ends = [
        "2026-11-01T01:00:00Z",
        "2026-11-03T01:00:00Z",
        "2038-01-19T03:14:07Z",
    ];
    let backups: Vec<Backup> = ends
        .iter()
        .zip(1..)
        .map(|(end, task)| backup(task, end, within))
        .collect();
    let decisions = choose(&backups, now, &TimeZone::UTC);
    assert_eq!(decisions[0], Decision::Delete);
    assert!(matches!(&decisions[1], Decision::Keep(reasons) if reasons.contains(&Reason::Within)));
    let Decision::Keep(reasons) = &decisions[2] else {
        panic!("{decisions:?}")
    };
    assert_eq!(reasons.last(), Some(&Reason::FromTheFuture(at(ends[2]))));
    assert!(
        reasons[reasons.len() - 1]
            .to_string()
            .contains("2038-01-19 03:14:07 UTC")
    );
    // Where the clock of whoever prunes is wrong, nothing is old.
    let decisions = choose(&backups, at("1970-01-01T00:00:00Z"), &TimeZone::UTC);
    assert!(
        decisions.iter().all(|decision| *decision != Decision::Delete),
        "{decisions:?}"
    );
}

#[test]
fn behind_a_backup_of_the_future_nothing_melts_away_as_days_go_by() {
    let within = Retention {
        keep_within: Some(std::time::Duration::from_secs(7 * 86_400)),
        ..Retention::default()
    };
    let ends = [
        "2026-03-01T01:00:00Z",
        "2026-03-04T01:00:00Z",
        "2026-03-10T01:00:00Z",
        "2027-03-11T01:00:00Z",
    ];
    let backups = ends.iter().zip(1..);
    let backups: Vec<Backup> = backups.map(|(end, task)| backup(task, end, within)).collect();
    for now in [
        "2026-03-11T02:00:00Z",
        "2026-03-30T02:00:00Z",
        "2027-01-01T00:00:00Z",
    ] {
        let goes: Vec<bool> = choose(&backups, at(now), &TimeZone::UTC)
            .iter()
            .map(|decision| *decision == Decision::Delete)
            .collect();
        assert_eq!(goes, [true, false, false, false], "{now}");
    }
}

#[test]
fn the_newest_backup_of_a_task_that_succeeded_stays_beside_a_newer_one() {
    let failed = Backup {
        succeeded: false,
        ..backup(3, "2026-11-03T00:00:00Z", rule("last", 1))
    };
    let backups = [
        backup(1, "2026-11-01T00:00:00Z", rule("last", 1)),
        backup(2, "2026-11-02T00:00:00Z", rule("last", 1)),
        failed,
    ];
    assert_eq!(kept(&backups, &TimeZone::UTC), [2, 3]);
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
        proptest::bool::weighted(0.8),
        proptest::bool::weighted(0.8),
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
            rows.map(
                |((end, plan, content, standing, succeeded, is_asked_for), task)| Backup {
                    is_asked_for,
                    succeeded,
                    task,
                    end: end.map(|end| Timestamp::from_second(end).expect("a second")),
                    rules: plan.map(|plan| rules[plan].clone()),
                    content: content.map(|content| format!("c{content}")),
                    standing: match standing {
                        0 => CopyStanding::Lost,
                        3 => CopyStanding::Unread,
                        1 | 2 => CopyStanding::NotKept,
                        _ => CopyStanding::Stored,
                    },
                },
            )
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
        // The newest stored one stays, and the newest of a task that succeeded.
        for counts in [|_: &Backup| true, |one: &Backup| one.succeeded] {
            let ended = all().filter(|(_, one)| is_stored(one) && one.end.is_some() && counts(one));
            if let Some((index, _)) = ended.max_by_key(|(_, one)| one.task) {
                prop_assert!(!goes(index));
            }
        }
        for (index, one) in all() {
            // What is lost, could not be read, is under way, under no rules or of the future stays.
            let is_of_the_future = one.end.is_some_and(|end| end > now);
            let is_nowhere = matches!(one.standing, CopyStanding::Lost | CopyStanding::Unread);
            if is_nowhere || one.end.is_none() || one.rules.is_none() || is_of_the_future {
                prop_assert!(!goes(index));
            }
            prop_assert!(one.is_asked_for || !goes(index));
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

    /// Night after night a backup and a prune, on clocks that are wrong at any time: each by
    /// days or years, of the run and of the prune. What is gone stays gone.
    #[test]
    fn no_clock_lets_the_newest_go(
        nights in proptest::collection::vec((proptest::option::weighted(0.2, -20_000_i64..20_000), proptest::option::weighted(0.1, -20_000_i64..20_000)), 1..40),
        key in proptest::sample::select(vec!["last", "daily", "weekly", "monthly", "within"]),
        count in 1_u32..6,
    ) {
        let retention = rule(key, count);
        let day = |night: usize, wrong: Option<i64>| {
            let days = 20_000 + i64::try_from(night).expect("few nights") + wrong.unwrap_or(0);
            Timestamp::from_second(days * 86_400 + 3_600).expect("a time")
        };
        let mut left: Vec<Backup> = Vec::new();
        for (night, (run, prune)) in nights.iter().enumerate() {
            let task = i64::try_from(night).expect("few nights");
            left.push(Backup { end: Some(day(night, *run)), ..backup(task, "2026-01-01T00:00:00Z", retention) });
            let now = day(night, *prune).checked_add(jiff::SignedDuration::from_mins(5)).expect("a time");
            let decisions = choose(&left, now, &TimeZone::UTC);
            let mut decisions = decisions.iter();
            left.retain(|_| decisions.next().expect("one each") != &Decision::Delete);
            let tasks: Vec<i64> = left.iter().map(|one| one.task).collect();
            prop_assert_eq!(tasks.last(), Some(&task), "the newest stays");
            if key == "last" {
                let newest = (task + 1 - i64::from(count)).max(0);
                prop_assert!((newest..=task).all(|one| tasks.contains(&one)), "{:?}", tasks);
            }
            // As soon as all clocks have been right for so long, no rule knows of it any more.
            let right = nights[..=night].iter().rev().take_while(|(run, prune)| run.is_none() && prune.is_none()).count();
            if matches!(key, "daily" | "within") && right >= count as usize {
                let newest = task + 1 - i64::from(count);
                prop_assert!((newest..=task).all(|one| tasks.contains(&one)), "{:?}", tasks);
            }
        }
    }
}

#[test]
fn a_backup_as_old_as_keep_within_stays_and_one_a_moment_older_goes() {
    let retention = Retention {
        keep_within: Some(std::time::Duration::from_secs(24 * 3600)),
        ..Retention::default()
    };
    let backups = [
        backup(1, "2026-11-20T09:59:59Z", retention),
        backup(2, "2026-11-20T10:00:00Z", retention),
        backup(3, "2026-11-21T10:00:00Z", retention),
    ];
    assert_eq!(kept(&backups, &TimeZone::UTC), [2, 3]);
}

#[test]
fn a_backup_that_was_not_kept_says_what_became_of_its_content_where_nothing_stored_has_it() {
    let not_kept = |content: Option<&str>| Backup {
        content: content.map(str::to_owned),
        standing: CopyStanding::NotKept,
        ..backup(2, "2026-11-21T10:00:00Z", Retention::default())
    };
    let with_a = |task, standing| Backup {
        content: Some("a".to_owned()),
        standing,
        ..backup(task, "2026-11-20T10:00:00Z", Retention::default())
    };
    use CopyStanding::{Lost, Stored, Unread};
    let nowhere = Some(Reason::ContentNowhere);
    for (content, standings, why) in [
        (Some("a"), [Stored, Unread], None),
        (Some("b"), [Stored, Unread], nowhere.clone()),
        (None, [Stored, Unread], nowhere.clone()),
        (Some("a"), [Unread, Lost], Some(Reason::ContentUnread)),
        (Some("a"), [Lost, Lost], nowhere),
    ] {
        let backups = [
            with_a(1, standings[0]),
            not_kept(content),
            with_a(3, standings[1]),
        ];
        let decisions = choose(&backups, at("2026-12-31T00:00:00Z"), &TimeZone::UTC);
        let expected = why.unwrap_or(Reason::NewestGood);
        assert_eq!(
            decisions[1],
            Decision::Keep(vec![expected]),
            "{content:?} {standings:?}: {decisions:?}"
        );
    }
}

#[test]
fn one_that_could_not_be_read_takes_no_place_of_another() {
    let last = Retention {
        keep_last: Some(1),
        ..Retention::default()
    };
    let mut unread = backup(3, "2026-11-22T00:00:00Z", last);
    unread.standing = CopyStanding::Unread;
    let backups = [
        backup(1, "2026-11-20T00:00:00Z", last),
        backup(2, "2026-11-21T00:00:00Z", last),
        unread,
    ];
    assert_eq!(kept(&backups, &TimeZone::UTC), [2, 3]);
}

#[test]
fn an_end_at_this_very_moment_does_not_lie_in_the_future() {
    let retention = Retention {
        keep_last: Some(1),
        ..Retention::default()
    };
    let backups = [1, 2].map(|task| backup(task, "2026-11-20T10:00:00Z", retention));
    let decisions = choose(&backups, at("2026-11-20T10:00:00Z"), &TimeZone::UTC);
    assert_eq!(decisions[0], Decision::Delete, "{decisions:?}");
}

#[test]
fn the_newest_of_those_that_keep_last_keeps_is_the_first() {
    let retention = Retention {
        keep_last: Some(2),
        ..Retention::default()
    };
    let backups = [
        backup(1, "2026-11-19T10:00:00Z", retention),
        backup(2, "2026-11-20T10:00:00Z", retention),
    ];
    let decisions = choose(&backups, at("2026-12-31T00:00:00Z"), &TimeZone::UTC);
    assert_eq!(decisions[0], Decision::Keep(vec![Reason::Last(2)]));
    assert_eq!(
        decisions[1],
        Decision::Keep(vec![Reason::Last(1), Reason::NewestGood])
    );
}
