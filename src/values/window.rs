//! Maintenance windows.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use thiserror::Error;

use crate::values::zone_words;

/// When tasks may start.
///
/// A window is a question to the clock on the wall: it is open when the wall clock of its
/// zone shows a time from `start` until just before `end`. Start after end means that it
/// crosses midnight. So on the day when clocks go forward a window may be shorter, or
/// missing when it lies in the hour that is skipped; on the day when they go back it may
/// be longer, or open twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    hours: Option<(Time, Time)>,
    zone: Option<TimeZone>,
}

/// Why something is not a window.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WindowError {
    /// Not a time of day.
    #[error("expected a time of day from \"00:00\" to \"23:59\"")]
    NotATime,
    /// Not a time zone that the machine or this program knows.
    #[error("unknown time zone {name:?}")]
    UnknownZone {
        /// As written.
        name: String,
        /// The nearest known one.
        nearest: Option<String>,
    },
    /// A start without an end, or an end without a start.
    #[error("a window has both `start` and `end`, or neither")]
    OneEnd,
    /// Start and end are the same: open always, or never?
    #[error("the window starts when it ends")]
    Empty,
}

impl Window {
    /// A window from `start` until `end` in `zone`; without a zone, in the machine's.
    /// Without start and end it is always open.
    pub fn new(start: Option<Time>, end: Option<Time>, zone: Option<TimeZone>) -> Result<Self, WindowError> {
        match (start, end) {
            (Some(start), Some(end)) if start == end => Err(WindowError::Empty),
            (Some(start), Some(end)) => Ok(Self {
                hours: Some((start, end)),
                zone,
            }),
            (None, None) => Ok(Self { hours: None, zone }),
            _ => Err(WindowError::OneEnd),
        }
    }

    /// Whether its time zone was named, and is not the machine's.
    pub fn names_zone(&self) -> bool {
        self.zone.is_some()
    }

    /// Its time zone; the machine's when the plan names none.
    pub fn zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or_else(TimeZone::system)
    }

    /// Whether a task may start `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.hours
            .is_none_or(|hours| contains(hours, self.zone().to_datetime(now).time()))
    }

    /// The next moment when it is open; `now` when it is open already. `None` when it does
    /// not open within the next days.
    ///
    /// A closed window can only open when the wall clock reaches its start, or jumps. All
    /// these moments are candidates, and the window itself is asked.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_open(now) {
            return Some(now);
        }
        let (start, _) = self.hours?;
        let zone = self.zone();
        let horizon = now.checked_add(SignedDuration::from_hours(72)).ok()?;
        let mut candidates: Vec<Timestamp> = zone
            .following(now)
            .map(|jump| jump.timestamp())
            .take_while(|jump| *jump <= horizon)
            .collect();
        for day in zone.to_datetime(now).date().series(Span::new().days(1)).take(3) {
            let moment = zone.to_ambiguous_timestamp(day.to_datetime(start));
            candidates.extend(moment.earlier());
            candidates.extend(moment.later());
        }
        candidates.retain(|at| *at > now && self.is_open(*at));
        candidates.into_iter().min()
    }

    /// The first day of the year to come on which it does not open at all, because clocks go
    /// forward over the whole of it.
    pub fn day_without_opening(&self, now: Timestamp) -> Option<Date> {
        let (start, end) = self.hours?;
        let zone = self.zone();
        let horizon = now.checked_add(SignedDuration::from_hours(366 * 24)).ok()?;
        let jumps = zone.following(now).map(|jump| jump.timestamp());
        jumps.take_while(|jump| *jump <= horizon).find_map(|jump| {
            // What the wall clock shows before and after: between them is what it never shows.
            let before = zone.to_datetime(jump.checked_sub(SignedDuration::from_secs(1)).ok()?);
            let (from, until) = (
                before.checked_add(Span::new().seconds(1)).ok()?,
                zone.to_datetime(jump),
            );
            let day = from.date();
            let opens = day.to_datetime(start);
            let last = if start < end { day } else { day.tomorrow().ok()? };
            (from <= opens && last.to_datetime(end) <= until).then_some(day)
        })
    }
}

/// What was meant by a text that is no time of day, if that can be told: `9:30pm` is `21:30`.
pub fn likely_time(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, noon) = match (lower.strip_suffix("pm"), lower.strip_suffix("am")) {
        (Some(rest), _) => (rest.trim().to_owned(), Some(12)),
        (_, Some(rest)) => (rest.trim().to_owned(), Some(0)),
        (None, None) => (lower, None),
    };
    let digits = digits.trim_end_matches("uhr").trim().replace(['.', 'h'], ":");
    let (hour, minute) = match digits.trim_end_matches(':').split_once(':') {
        Some((hour, minute)) => (
            hour.to_owned(),
            minute.split(':').next().unwrap_or_default().to_owned(),
        ),
        None if digits.len() == 4 && digits.is_ascii() => (digits[..2].to_owned(), digits[2..].to_owned()),
        None => (digits, "0".to_owned()),
    };
    let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match (noon, hour) {
        (Some(add), 1..=12) => hour % 12 + add,
        (Some(_), _) => return None,
        // The end of a day is the beginning of the next.
        (None, 24) if minute == 0 => 0,
        (None, hour) => hour,
    };
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

/// Start and end, where a window is written in one text: `22:00-06:00`.
pub fn likely_window(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let (start, end) = [
        " - ", "-", "\u{2013}", "\u{2014}", " to ", "..", "/", " until ", ",", " ",
    ]
    .iter()
    .find_map(|between| text.split_once(between))?;
    Some((likely_time(start)?, likely_time(end)?))
}

/// Reads a time of day: `21:30`, or `21:30:15`.
pub fn parse_time(text: &str) -> Result<Time, WindowError> {
    let mut parts = text.split(':').map(|part| match part.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(((tens - b'0') * 10 + (ones - b'0')) as i8),
        _ => None,
    });
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(hour)), Some(Some(minute)), None, None) => Time::new(hour, minute, 0, 0),
        (Some(Some(hour)), Some(Some(minute)), Some(Some(second)), None) => {
            Time::new(hour, minute, second, 0)
        }
        _ => return Err(WindowError::NotATime),
    }
    .map_err(|_| WindowError::NotATime)
}

/// Reads the name of a time zone: `Europe/Rome`, `UTC`.
pub fn parse_zone(name: &str) -> Result<TimeZone, WindowError> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db()
            .available()
            .map(|zone| zone.as_str().to_owned())
            .collect();
        // A city alone is its zone: "Rome" is Europe/Rome.
        let city = |zone: &&String| {
            zone.rsplit('/')
                .next()
                .is_some_and(|city| city.eq_ignore_ascii_case(&name.replace(' ', "_")))
        };
        // The sign of Etc/GMT+2 is the other way round: whoever writes GMT+2 means GMT-2.
        let is_shift = name.contains(|c: char| c.is_ascii_digit() || "+-".contains(c));
        let near = known
            .iter()
            .find(|zone| !is_shift && city(zone))
            .map(String::as_str);
        WindowError::UnknownZone {
            name: name.to_owned(),
            nearest: near
                .or_else(|| zone_words::zone_of(name))
                .or_else(|| nearest_zone(name, &known))
                .map(str::to_owned),
        }
    })
}

/// The zone that a slip is of. Another place has other hours, so that one is only named where hardly anything
/// else can be meant: a slip in the city, within the part of the world that was written.
fn nearest_zone<'z>(name: &str, known: &'z [String]) -> Option<&'z str> {
    // One slip leads from an abbreviation to that of another part of the world.
    if name.len() < 5 || name.contains(|c: char| c.is_ascii_digit() || c == '+') {
        return None;
    }
    let slips = |zone: &str| strsim::osa_distance(&name.to_lowercase(), &zone.to_lowercase());
    let likeness = |zone: &str| match name.contains('/') {
        true => slips(zone),
        false => slips(zone.rsplit('/').next().unwrap_or(zone)),
    };
    let near = known.iter().map(|zone| (likeness(zone), zone.as_str()));
    let (fewest, zone) = near.min_by_key(|(slips, _)| *slips)?;
    (fewest <= if name.len() < 8 { 1 } else { 2 }).then_some(zone)
}

fn contains((start, end): (Time, Time), wall: Time) -> bool {
    if start < end {
        start <= wall && wall < end
    } else {
        start <= wall || wall < end
    }
}

/// `21:30-06:30 Europe/Rome`; without the zone when it is the machine's.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((start, end)) = self.hours else {
            return f.write_str("always");
        };
        let form = |time: Time| time.strftime(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" });
        write!(f, "{}-{}", form(start), form(end))?;
        match self.zone.as_ref().and_then(TimeZone::iana_name) {
            Some(zone) => write!(f, " {zone}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
