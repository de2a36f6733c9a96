//! Moments as they are written for people and for programs.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Day and time on the clock of the zone, to the second.
pub fn on_clock(time: Timestamp, zone: &TimeZone) -> String {
    written(time, zone, "%Y-%m-%d %H:%M:%S")
}

/// RFC 3339 with the offset of that moment in the zone, and milliseconds.
pub fn rfc3339(time: Timestamp, zone: &TimeZone) -> String {
    written(time, zone, "%Y-%m-%dT%H:%M:%S.%3f%:z")
}

fn written(time: Timestamp, zone: &TimeZone, form: &str) -> String {
    time.to_zoned(zone.clone()).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_on_the_clock_of_its_zone() {
        let time = "2026-11-22T07:30:12.345Z".parse().expect("a moment");
        let zone = TimeZone::get("Europe/Rome").expect("a zone");
        assert_eq!(on_clock(time, &zone), "2026-11-22 08:30:12");
        assert_eq!(rfc3339(time, &zone), "2026-11-22T08:30:12.345+01:00");
    }
}
