use super::*;
use crate::notify::past::{Figures, IsPlanned, PastMiss, PreviousChanges, UnsavedBefore};
use crate::run::event::TaskId;

/// Executions 1, 2, 3, …: hour of the end, status, troubles, and behind a `|` each warning.
struct Ends(Vec<(i64, Status, &'static str)>);

impl Past for Ends {
    fn changes_of(&self, _: PlanId) -> Result<Vec<PreviousChanges>, String> {
        Ok(Vec::new())
    }

    fn unsaved_before(&self, _: &str, _: &str, _: TaskId) -> Result<Option<UnsavedBefore>, String> {
        Ok(None)
    }

    fn missed(&self, _: PlanId) -> Result<Vec<PastMiss>, String> {
        Ok(Vec::new())
    }

    fn ends(
        &self,
        _plan: &str,
        which: EndsAsked,
        before: Option<PlanId>,
        most: u32,
    ) -> Result<Vec<PreviousEnd>, String> {
        let is_asked = |status| which == EndsAsked::All || status != Status::Locked;
        let ends = (1..)
            .zip(&self.0)
            .filter(|(id, (_, status, _))| before.is_none_or(|before| *id < before.0) && is_asked(*status));
        let mut ends: Vec<PreviousEnd> = ends
            .map(|(id, (hour, status, _))| PreviousEnd {
                id: PlanId(id),
                ended: at(*hour),
                status: *status,
            })
            .collect();
        ends.reverse();
        ends.truncate(most as usize);
        Ok(ends)
    }

    fn troubles(&self, execution: PlanId) -> Result<Vec<String>, String> {
        let index = usize::try_from(execution.0 - 1).expect("an execution");
        Ok(troubles(self.0[index].2))
    }

    fn warnings(&self, execution: PlanId) -> Result<Vec<String>, String> {
        let index = usize::try_from(execution.0 - 1).expect("an execution");
        let warnings = self.0[index].2.split('|').skip(1);
        Ok(warnings.map(|warning| warning.trim().to_owned()).collect())
    }

    fn plan_of(&self, _: TaskId) -> Result<(PlanId, String), String> {
        Err("none".to_owned())
    }

    fn figures(&self, _: &[&str], _: &IsPlanned<'_>) -> Result<Figures, String> {
        Ok(Figures::default())
    }
}

fn troubles(text: &str) -> Vec<String> {
    let troubles = text.split('|').next().unwrap_or_default();
    troubles.split_whitespace().map(str::to_owned).collect()
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hour * 3600).expect("a time")
}

fn standings(ends: Vec<(i64, Status, &'static str)>) -> Vec<KnownStanding> {
    let ends = Ends(ends);
    let one = |(id, (_, status, bad)): (i64, &(i64, Status, &str))| {
        let end = EndToCompare {
            plan: "P",
            execution: Some(PlanId(id)),
            status: *status,
            troubles: &troubles(bad),
            needed: EndNeeded::Whole,
            was_missed: &|_| true,
        };
        KnownStanding::of(&ends, &end).expect("a standing")
    };
    (1..).zip(&ends.0).map(one).collect()
}

fn changes(ends: Vec<(i64, Status, &'static str)>) -> Vec<EndChange> {
    let standings = standings(ends).into_iter();
    standings
        .map(|standing| standing.change.expect("it is compared"))
        .collect()
}

#[test]
fn an_end_with_other_warnings_than_the_one_before_is_another_end() {
    let warned = Status::CompletedWithWarnings;
    let ends = vec![
        (
            0,
            warned,
            "A | DOM2 runs in failsafe mode | 5.0 GiB are free (12 %), since 2026-11-26T20:00:00Z",
        ),
        // Counted anew.
        (
            24,
            warned,
            "A | DOM2 runs in failsafe mode | 4.9 GiB are free (11 %), since 2026-11-27T20:00:00Z",
        ),
        (
            48,
            warned,
            "A | DOM1 runs in failsafe mode | 4.9 GiB are free (11 %), since 2026-11-28T20:00:00Z",
        ),
        (72, warned, "A"),
        (96, warned, "A"),
    ];
    let again: Vec<bool> = changes(ends)
        .iter()
        .map(|change| matches!(change, EndChange::Again { .. }))
        .collect();
    assert_eq!(again, [false, true, false, false, true]);
}

#[test]
fn another_domain_whose_name_begins_with_a_digit_is_news() {
    let warned = Status::CompletedWithWarnings;
    let ends = vec![
        (0, warned, "| QA1 runs in failsafe mode: 01PROD"),
        (24, warned, "| QA1 runs in failsafe mode: 02PROD"),
    ];
    assert_eq!(
        changes(ends),
        [EndChange::First, EndChange::Other { was: warned }]
    );
}

#[test]
fn more_ends_than_are_read_at_a_time_are_counted_to_the_first() {
    let more = i64::from(EndsBack::AT_A_TIME) * 2 + 1;
    for (status, last) in [
        (Status::Failed, Status::Failed),
        (Status::Failed, Status::Success),
    ] {
        let mut ends: Vec<_> = (0..more).map(|hour| (hour, status, "A")).collect();
        ends.push((more, last, if last == status { "A" } else { "" }));
        let (since, times) = match changes(ends).pop() {
            Some(EndChange::Again { since, times }) => (since, times - 1),
            Some(EndChange::WellAgain { since, times, .. }) => (since, times),
            other => panic!("{other:?}"),
        };
        assert_eq!((since, i64::try_from(times)), (at(0), Ok(more)), "{last:?}");
    }
}

#[test]
fn a_device_that_stays_broken_is_told_once_a_day_and_its_recovery_at_once() {
    let mut ends = vec![(0, Status::Success, "")];
    ends.extend((1..=72).map(|hour| (hour, Status::Failed, "A")));
    ends.push((73, Status::Success, ""));
    let told: Vec<i64> = standings(ends.clone())
        .iter()
        .zip(&ends)
        .filter(|(standing, (hour, ..))| standing.is_news(at(*hour), Duration::from_secs(24 * 3600)))
        .map(|(_, (hour, ..))| *hour)
        .filter(|hour| *hour > 0)
        .collect();
    assert_eq!(told, [1, 23, 47, 71, 73]);
    let last = changes(ends).pop();
    assert_eq!(
        last,
        Some(EndChange::WellAgain {
            was: Status::Failed,
            since: at(1),
            times: 72
        })
    );
}

#[test]
fn another_device_that_breaks_is_news() {
    let ends = vec![
        (0, Status::Failed, "A"),
        (1, Status::Failed, "A B"),
        (2, Status::Failed, "A B"),
    ];
    let changes = changes(ends);
    let again = EndChange::Again {
        since: at(1),
        times: 2,
    };
    assert_eq!(
        changes,
        [EndChange::First, EndChange::Other { was: Status::Failed }, again]
    );
}

#[test]
fn a_nightly_end_is_told_each_night_though_runs_do_not_take_the_same_time() {
    let ends: Vec<_> = (0..20)
        .map(|night| (night * 24 - night % 2, Status::Success, ""))
        .collect();
    let news = standings(ends.clone()).into_iter().zip(ends);
    assert!(
        news.into_iter()
            .all(|(standing, (hour, ..))| { standing.is_news(at(hour), Duration::from_secs(24 * 3600)) })
    );
}

#[test]
fn a_locked_run_in_between_changes_nothing_for_the_others() {
    let ends = vec![
        (0, Status::Failed, "A"),
        (1, Status::Locked, ""),
        (2, Status::Failed, "A"),
        (3, Status::Locked, ""),
    ];
    let changes = changes(ends);
    assert_eq!(
        changes[2],
        EndChange::Again {
            since: at(0),
            times: 2
        }
    );
    assert_eq!(changes[3], EndChange::Other { was: Status::Failed });
}

#[test]
fn zero_tells_each_end() {
    let ends = vec![(0, Status::Failed, "A"), (0, Status::Failed, "A")];
    assert!(
        standings(ends)
            .into_iter()
            .all(|standing| standing.is_news(at(0), Duration::ZERO))
    );
}

#[test]
fn what_was_told_under_a_clock_that_was_ahead_is_told_again_when_it_is_right() {
    let ahead = 24 * 365;
    for ends in [
        vec![
            (ahead, Status::Failed, "A"),
            (24, Status::Failed, "A"),
            (48, Status::Failed, "A"),
        ],
        vec![
            (0, Status::Failed, "A"),
            (ahead, Status::Failed, "A"),
            (24, Status::Failed, "A"),
            (48, Status::Failed, "A"),
            (72, Status::Failed, "A"),
        ],
    ] {
        let repeat = Duration::from_secs(24 * 3600);
        let news = standings(ends.clone()).into_iter().zip(ends);
        for (standing, (hour, ..)) in news {
            assert!(standing.is_news(at(hour), repeat), "{hour}: {standing:?}");
        }
    }
    // Within `repeat` it is not.
    let soon = [
        (ahead, Status::Failed, "A"),
        (24, Status::Failed, "A"),
        (25, Status::Failed, "A"),
    ];
    let last = standings(soon.to_vec()).pop().expect("the last");
    assert!(!last.is_news(at(25), Duration::from_secs(24 * 3600)), "{last:?}");
}

#[test]
fn of_a_success_it_is_known_what_came_before_the_first_of_them() {
    let ends = vec![
        (0, Status::Failed, "A"),
        (1, Status::Failed, "A"),
        (2, Status::Success, ""),
        (3, Status::Success, ""),
    ];
    let standings = standings(ends);
    assert_eq!(standings[2].recovery, None, "it is one itself");
    let recovery = standings[3].recovery.clone().expect("it became well");
    assert_eq!(Some(recovery.change), standings[2].change);
    assert_eq!(recovery.since, [PlanId(3)]);
}
