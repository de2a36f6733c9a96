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
mod tests {
    use super::{Window, WindowError, likely_time, likely_window, parse_time, parse_zone};
    use jiff::civil::Time;
    use jiff::{Timestamp, ToSpan};

    fn window(start: &str, end: &str, zone: &str) -> Window {
        let zone = (!zone.is_empty()).then(|| parse_zone(zone).expect(zone));
        let times = [start, end].map(|time| Some(parse_time(time).expect(time)));
        Window::new(times[0], times[1], zone).expect("a window")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    #[test]
    fn a_window_is_open_from_its_start_until_just_before_its_end() {
        let day = window("08:00", "17:30", "UTC");
        for (time, open) in [
            ("07:59:59", false),
            ("08:00:00", true),
            ("17:29:59.9", true),
            ("17:30:00", false),
        ] {
            assert_eq!(day.is_open(at(&format!("2026-05-04T{time}Z"))), open, "{time}");
        }
    }

    #[test]
    fn a_start_after_the_end_crosses_midnight() {
        let night = window("21:30", "06:30", "UTC");
        for (time, open) in [
            ("21:29:59", false),
            ("21:30:00", true),
            ("23:59:59", true),
            ("00:00:00", true),
            ("06:29:59", true),
            ("06:30:00", false),
            ("12:00:00", false),
        ] {
            assert_eq!(night.is_open(at(&format!("2026-05-04T{time}Z"))), open, "{time}");
        }
    }

    #[test]
    fn an_end_at_midnight_is_the_end_of_the_day() {
        let evening = window("20:00", "00:00", "UTC");
        assert!(evening.is_open(at("2026-05-04T23:59:59Z")));
        assert!(!evening.is_open(at("2026-05-05T00:00:00Z")));
    }

    #[test]
    fn the_zone_decides() {
        let rome = window("21:30", "06:30", "Europe/Rome");
        assert!(rome.is_open(at("2026-07-01T19:30:00Z")), "21:30 in summer");
        assert!(!rome.is_open(at("2026-01-01T19:30:00Z")), "20:30 in winter");
        assert!(window("00:00", "01:00", "Asia/Kolkata").is_open(at("2026-01-01T18:45:00Z")));
    }

    #[test]
    fn the_next_opening_is_told_across_midnight_and_clock_changes() {
        let night = window("21:30", "06:30", "Europe/Rome");
        assert_eq!(
            night.next_opening(at("2026-11-25T11:00:00Z")),
            Some(at("2026-11-25T20:30:00Z"))
        );
        let open = at("2026-11-25T23:00:00Z");
        assert_eq!(night.next_opening(open), Some(open));
        // 02:15 is skipped on that day.
        let skipped = window("02:15", "02:45", "Europe/Rome");
        assert_eq!(
            skipped.next_opening(at("2026-03-28T23:00:00Z")),
            Some(at("2026-03-30T00:15:00Z"))
        );
    }

    #[test]
    fn a_day_without_the_window_is_found_before_it_comes() {
        let winter = at("2026-11-25T11:00:00Z");
        let day = |start, end, zone| {
            window(start, end, zone)
                .day_without_opening(winter)
                .map(|day| day.to_string())
        };
        assert_eq!(
            day("02:00", "03:00", "Europe/Rome").as_deref(),
            Some("2027-03-28")
        );
        assert_eq!(
            day("02:15", "02:45", "Europe/Rome").as_deref(),
            Some("2027-03-28")
        );
        assert_eq!(day("02:15", "03:15", "Europe/Rome"), None);
        assert_eq!(day("21:30", "06:30", "Europe/Rome"), None);
        assert_eq!(day("02:15", "02:45", "UTC"), None);
        let always = Window::new(None, None, None).expect("always");
        assert_eq!(always.day_without_opening(winter), None);
    }

    #[test]
    fn times_that_people_write_are_read_as_advice() {
        for (text, time) in [
            ("9:30pm", Some("21:30")),
            ("9:30", Some("09:30")),
            ("12am", Some("00:00")),
            ("21.30", Some("21:30")),
            ("2130", Some("21:30")),
            ("21h30", Some("21:30")),
            ("21", Some("21:00")),
            ("24:00", Some("00:00")),
            ("25:00", None),
            ("13pm", None),
            ("late", None),
            ("", None),
            ("ßß", None),
        ] {
            assert_eq!(likely_time(text).as_deref(), time, "{text}");
        }
        let window = |text| likely_window(text).map(|(start, end)| format!("{start} {end}"));
        for text in [
            "22:00-06:00",
            "22:00 - 06:00",
            "10pm to 6am",
            "22:00..6:00",
            "22-6",
        ] {
            assert_eq!(window(text).as_deref(), Some("22:00 06:00"), "{text}");
        }
        assert_eq!(window("always"), None);
    }

    #[test]
    fn without_both_ends_it_is_always_open() {
        let always = Window::new(None, None, None).expect("always");
        assert!(always.is_open(at("2026-01-01T00:00:00Z")));
        assert_eq!(always.to_string(), "always");
    }

    #[test]
    fn one_end_and_equal_ends_are_refused() {
        let nine = parse_time("09:00").ok();
        assert_eq!(Window::new(nine, None, None), Err(WindowError::OneEnd));
        assert_eq!(Window::new(None, nine, None), Err(WindowError::OneEnd));
        assert_eq!(Window::new(nine, nine, None), Err(WindowError::Empty));
    }

    #[test]
    fn when_clocks_go_forward_the_skipped_hour_is_no_part_of_it() {
        // Rome, 2026-03-29: 02:00 becomes 03:00.
        let skipped = window("02:15", "02:45", "Europe/Rome");
        let midnight = at("2026-03-28T23:00:00Z");
        let opened = (0..24 * 60)
            .filter(|m| skipped.is_open(midnight + m.minutes()))
            .count();
        assert_eq!(opened, 0);
        assert!(skipped.is_open(at("2026-03-30T00:15:00Z")));

        let half = window("02:30", "04:00", "Europe/Rome");
        assert!(!half.is_open(at("2026-03-29T00:59:59Z")));
        assert!(half.is_open(at("2026-03-29T01:00:00Z")), "03:00 on the wall");
        assert!(!half.is_open(at("2026-03-29T02:00:00Z")));

        let night = window("23:00", "05:00", "Europe/Rome");
        let hours = (0..24)
            .filter(|h| night.is_open(at("2026-03-28T12:00:00Z") + h.hours()))
            .count();
        assert_eq!(hours, 5);
    }

    #[test]
    fn when_clocks_go_back_the_repeated_hour_is_open_twice() {
        // Rome, 2026-10-25: 03:00 becomes 02:00.
        let repeated = window("02:15", "02:45", "Europe/Rome");
        let midnight = at("2026-10-24T22:00:00Z");
        let opened = (0..25 * 60)
            .filter(|m| repeated.is_open(midnight + m.minutes()))
            .count();
        assert_eq!(opened, 60);
        assert!(!repeated.is_open(at("2026-10-25T00:45:00Z")));
        assert!(repeated.is_open(at("2026-10-25T01:15:00Z")));

        let night = window("23:00", "05:00", "Europe/Rome");
        let hours = (0..24)
            .filter(|h| night.is_open(at("2026-10-24T12:00:00Z") + h.hours()))
            .count();
        assert_eq!(hours, 7);

        let reopened = window("01:00", "02:15", "Europe/Rome");
        assert!(!reopened.is_open(at("2026-10-25T00:15:00Z")));
        assert!(
            reopened.is_open(at("2026-10-25T01:00:00Z")),
            "the wall clock jumps back into it"
        );
    }

    #[test]
    fn times_and_zones_are_read_strictly() {
        for text in [
            "",
            "24:00",
            "12:60",
            "9:00",
            "09:0",
            "0900",
            "09:00 ",
            "09:00:00:00",
            "-1:00",
            "09:00:60",
        ] {
            assert_eq!(parse_time(text), Err(WindowError::NotATime), "{text:?}");
        }
        assert_eq!(parse_time("23:59:59").map(Time::second), Ok(59));
        assert_eq!(
            parse_zone("Europe/Rom"),
            Err(WindowError::UnknownZone {
                name: "Europe/Rom".into(),
                nearest: Some("Europe/Rome".into())
            })
        );
        assert!(matches!(parse_zone("Mars"), Err(WindowError::UnknownZone { .. })));
    }

    #[test]
    fn it_is_shown_short() {
        assert_eq!(
            window("21:30", "06:30", "Europe/Rome").to_string(),
            "21:30-06:30 Europe/Rome"
        );
        assert_eq!(window("08:00", "17:00:30", "").to_string(), "08:00-17:00:30");
    }

    #[test]
    fn in_utc_every_minute_of_a_year_is_as_counted() {
        let first = at("2028-01-01T00:00:00Z");
        for (start, end) in [
            ((21, 30), (6, 30)),
            ((8, 0), (17, 15)),
            ((0, 0), (0, 1)),
            ((23, 59), (0, 0)),
        ] {
            let form = |(hour, minute): (u32, u32)| format!("{hour:02}:{minute:02}");
            let window = window(&form(start), &form(end), "UTC");
            let (from, until) = (start.0 * 60 + start.1, end.0 * 60 + end.1);
            for minute in 0..366 * 1440_u32 {
                let wall = minute % 1440;
                // How far into the window, and how long it is, both around the clock.
                let open = (wall + 1440 - from) % 1440 < (until + 1440 - from) % 1440;
                assert_eq!(
                    window.is_open(first + i64::from(minute).minutes()),
                    open,
                    "{window} at {minute}"
                );
            }
        }
    }
}
