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
