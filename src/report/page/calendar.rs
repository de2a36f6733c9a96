//! What became of each target on each day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::history::TaskOfDay;
use crate::run::event::{ALL_DOMAINS, ActionKind};
use crate::run::status::Class;

/// The zones of the world begin their days on a quarter of an hour.
const QUARTER: i64 = 900;

/// More days than this are not drawn.
const MOST_DAYS: i32 = 366;

/// The days, and what was tried on each of them.
#[derive(Debug)]
pub struct DayCalendar {
    first: Date,
    days: usize,
    zone: TimeZone,
    devices: BTreeMap<String, BTreeMap<String, [Option<TargetDays>; 2]>>,
    /// The quarter of an hour that was asked last, and its day.
    cached: (i64, Option<usize>),
}

/// The days of one target.
type TargetDays = Vec<DayTally>;

/// What was tried on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct DayTally {
    good: bool,
    warned: bool,
    failed: bool,
    left_out: bool,
    open: bool,
}

/// What a day comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Day {
    /// Nothing was tried.
    Nothing,
    /// A good backup, and nothing else.
    Good,
    /// Left out on purpose, or cancelled.
    LeftOut,
    /// Begun, and without an end.
    Open,
    /// A good backup, and a warning or a failure beside it.
    Warned,
    /// No good backup, though one was tried.
    Failed,
}

/// A row of the calendar.
#[derive(Debug, PartialEq, Eq)]
pub struct CalendarRow {
    /// What it is about: a device, or a part of one.
    pub name: String,
    /// A day each, the oldest first.
    pub days: Vec<Day>,
}

/// The rows of one device.
#[derive(Debug, PartialEq, Eq)]
pub struct DeviceDays {
    pub device: String,
    pub targets: Vec<CalendarRow>,
}

impl DayCalendar {
    /// The days from one moment to another, as this zone has them.
    pub fn new(since: Timestamp, now: Timestamp, zone: &TimeZone) -> Self {
        let day = |time: Timestamp| time.to_zoned(zone.clone()).date();
        let (mut first, last) = (day(since), day(now));
        let between = |first: Date| (last - first).get_days().max(0);
        while between(first) >= MOST_DAYS {
            first = first.saturating_add(jiff::Span::new().days(between(first) - MOST_DAYS + 1));
        }
        Self {
            first,
            days: usize::try_from(between(first)).unwrap_or(0) + 1,
            zone: zone.clone(),
            devices: BTreeMap::new(),
            cached: (i64::MIN, None),
        }
    }

    /// Counts a task.
    pub fn add(&mut self, task: &TaskOfDay<'_>) {
        let Some(index) = self.index(task.start_time) else {
            return;
        };
        let kind = match task.action {
            ActionKind::ExportDomain => 0,
            ActionKind::SecureBackup => 1,
            // Whether something is backed up is not a matter of what was put back.
            ActionKind::RestoreDomain => return,
        };
        if !self.devices.contains_key(task.device_name) {
            self.devices.insert(task.device_name.to_owned(), BTreeMap::new());
        }
        let Some(device) = self.devices.get_mut(task.device_name) else {
            return;
        };
        if !device.contains_key(task.domain_name) {
            device.insert(task.domain_name.to_owned(), [None, None]);
        }
        let slot = device
            .get_mut(task.domain_name)
            .and_then(|kinds| kinds.get_mut(kind));
        let days = self.days;
        let Some(tally) = slot
            .map(|slot| slot.get_or_insert_with(|| vec![DayTally::default(); days]))
            .and_then(|days| days.get_mut(index))
        else {
            return;
        };
        tally.add(task);
    }

    /// Which day it is, counted from the first.
    fn index(&mut self, time: Timestamp) -> Option<usize> {
        let quarter = time.as_second().div_euclid(QUARTER);
        if self.cached.0 != quarter {
            let date = time.to_zoned(self.zone.clone()).date();
            let days = (date - self.first).get_days();
            // A clock that was ahead had days that are not there yet.
            let index = usize::try_from(days).ok().filter(|index| *index < self.days);
            self.cached = (quarter, index);
        }
        self.cached.1
    }

    /// The dates, the oldest first.
    pub fn dates(&self) -> Vec<Date> {
        self.first
            .series(jiff::Span::new().days(1))
            .take(self.days)
            .collect()
    }

    /// How many targets there are.
    pub fn targets(&self) -> usize {
        let kinds = self.devices.values().flat_map(BTreeMap::values);
        kinds.flatten().flatten().count()
    }

    /// The rows of every device.
    pub fn by_target(&self) -> Vec<DeviceDays> {
        let rows = |domains: &BTreeMap<String, [Option<TargetDays>; 2]>| {
            let mut rows = Vec::new();
            for (domain, [export, secure]) in domains {
                if let Some(days) = export {
                    rows.push(CalendarRow {
                        name: domain.clone(),
                        days: days.iter().map(|day| day.comes_to()).collect(),
                    });
                }
                if let Some(days) = secure {
                    rows.push(CalendarRow {
                        name: match domain.as_str() {
                            ALL_DOMAINS => "secure backup".to_owned(),
                            pattern => format!("{pattern} (secure backup)"),
                        },
                        days: days.iter().map(|day| day.comes_to()).collect(),
                    });
                }
            }
            rows
        };
        let devices = self.devices.iter().map(|(device, domains)| DeviceDays {
            device: device.clone(),
            targets: rows(domains),
        });
        devices.collect()
    }

    /// A row for every device: what is worst of its targets, each day.
    pub fn by_device(&self) -> Vec<CalendarRow> {
        let worst = |device: DeviceDays| {
            let mut days = vec![Day::Nothing; self.days];
            for target in &device.targets {
                for (worst, day) in days.iter_mut().zip(&target.days) {
                    *worst = (*worst).max(*day);
                }
            }
            CalendarRow {
                name: device.device,
                days,
            }
        };
        self.by_target().into_iter().map(worst).collect()
    }
}

impl DayTally {
    fn add(&mut self, task: &TaskOfDay<'_>) {
        match task.status.class() {
            // Whoever needs it finds none.
            Class::Success | Class::Warning if task.is_damaged => self.failed = true,
            Class::Success => {
                self.good = true;
                self.warned |= task.warned;
            }
            Class::Warning => {
                self.good = true;
                self.warned = true;
            }
            Class::Failed => self.failed = true,
            Class::Skipped | Class::Cancelled | Class::Refused => self.left_out = true,
            Class::Interim => self.open = true,
        }
    }

    fn comes_to(self) -> Day {
        match self {
            Self {
                good: true,
                failed,
                warned,
                ..
            } if failed || warned => Day::Warned,
            Self { good: true, .. } => Day::Good,
            Self { failed: true, .. } => Day::Failed,
            Self { open: true, .. } => Day::Open,
            Self { left_out: true, .. } => Day::LeftOut,
            _ => Day::Nothing,
        }
    }
}

impl Day {
    /// The mark of a day: a shape of its own each, for whoever sees no colours.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Day::Nothing => "·",
            Day::Good => "■",
            Day::LeftOut => "–",
            Day::Open => "?",
            Day::Warned => "◧",
            Day::Failed => "✕",
        }
    }

    /// What the mark means.
    pub(super) fn words(self) -> &'static str {
        match self {
            Day::Nothing => "nothing was tried",
            Day::Good => "good",
            Day::LeftOut => "left out or cancelled",
            Day::Open => "begun, no end known",
            Day::Warned => "good, with a warning or a failure beside it",
            Day::Failed => "no good backup",
        }
    }

    /// Its class in the styles; none for what there is most of.
    pub(super) fn class(self) -> Option<&'static str> {
        match self {
            Day::Nothing => Some("n"),
            Day::Good => None,
            Day::LeftOut => Some("s"),
            Day::Open => Some("o"),
            Day::Warned => Some("w"),
            Day::Failed => Some("f"),
        }
    }
}

/// The days of a row in words: for whoever hears the page.
pub(super) fn in_words(days: &[Day]) -> String {
    const ALL: [Day; 6] = [
        Day::Failed,
        Day::Warned,
        Day::Open,
        Day::LeftOut,
        Day::Good,
        Day::Nothing,
    ];
    let counted = ALL.iter().filter_map(|kind| {
        let count = days.iter().filter(|day| *day == kind).count();
        (count > 0).then(|| format!("{count} × {}", kind.words()))
    });
    counted.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::status::Status;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn task(start: &str, status: Status, warned: bool) -> TaskOfDay<'static> {
        TaskOfDay {
            device_name: "QA1",
            domain_name: "DOM1",
            action: ActionKind::ExportDomain,
            status,
            start_time: at(start),
            warned,
            is_damaged: false,
        }
    }

    fn calendar() -> DayCalendar {
        let zone = TimeZone::get("Europe/Rome").expect("a zone");
        DayCalendar::new(at("2026-03-27T12:00:00Z"), at("2026-03-30T05:00:00Z"), &zone)
    }

    #[test]
    fn a_day_is_that_of_the_zone_and_there_is_one_for_each_date() {
        let mut calendar = calendar();
        assert_eq!(calendar.dates().len(), 4);
        // Past midnight in Rome, and the night in which an hour is missing.
        calendar.add(&task("2026-03-27T23:30:00Z", Status::Success, false));
        calendar.add(&task("2026-03-29T00:59:59Z", Status::Success, false));
        calendar.add(&task("2026-03-29T22:00:00Z", Status::DownloadFailed, false));
        let rows = calendar.by_target();
        assert_eq!(
            rows[0].targets[0].days,
            [Day::Nothing, Day::Good, Day::Good, Day::Failed]
        );
    }

    #[test]
    fn a_good_backup_beside_a_failure_is_good_with_a_warning() {
        let mut calendar = calendar();
        calendar.add(&task("2026-03-28T01:00:00Z", Status::DownloadFailed, false));
        calendar.add(&task("2026-03-28T02:00:00Z", Status::Success, false));
        calendar.add(&task("2026-03-29T02:00:00Z", Status::Success, true));
        calendar.add(&task("2026-03-30T02:00:00Z", Status::Quiescing, false));
        assert_eq!(
            calendar.by_device()[0].days,
            [Day::Nothing, Day::Warned, Day::Warned, Day::Open]
        );
    }

    #[test]
    fn a_backup_that_was_found_damaged_later_is_no_good_one_on_its_day() {
        let mut calendar = calendar();
        let damaged = |start| TaskOfDay {
            is_damaged: true,
            ..task(start, Status::Success, false)
        };
        calendar.add(&damaged("2026-03-28T01:00:00Z"));
        calendar.add(&damaged("2026-03-29T01:00:00Z"));
        calendar.add(&task("2026-03-29T02:00:00Z", Status::Success, false));
        assert_eq!(
            calendar.by_device()[0].days,
            [Day::Nothing, Day::Failed, Day::Warned, Day::Nothing]
        );
    }

    #[test]
    fn what_lies_outside_of_the_days_is_not_shown_as_one_of_them() {
        let mut calendar = calendar();
        calendar.add(&task("2026-03-20T01:00:00Z", Status::Success, false));
        calendar.add(&task("2031-03-20T01:00:00Z", Status::Success, false));
        assert_eq!(calendar.targets(), 0);
        let years = DayCalendar::new(
            at("1990-01-01T00:00:00Z"),
            at("2026-01-01T00:00:00Z"),
            &TimeZone::UTC,
        );
        assert_eq!(years.dates().len(), 366);
    }

    #[test]
    fn a_secure_backup_and_an_export_of_all_domains_are_two_targets() {
        let mut calendar = calendar();
        for action in [ActionKind::ExportDomain, ActionKind::SecureBackup] {
            calendar.add(&TaskOfDay {
                domain_name: "all-domains",
                action,
                ..task("2026-03-28T02:00:00Z", Status::Success, false)
            });
        }
        let names: Vec<String> = calendar
            .by_target()
            .remove(0)
            .targets
            .into_iter()
            .map(|row| row.name)
            .collect();
        assert_eq!(names, ["all-domains", "secure backup"]);
    }
}
