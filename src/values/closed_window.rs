//! What is said of a maintenance window that is closed.

use jiff::Timestamp;

use crate::values::window::Window;

/// What time it is where the window is closed, whose time that is, and when it opens.
pub fn why_closed(window: &Window, now: Timestamp) -> String {
    let zone = window.zone();
    let shown = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        at.strftime("%a %Y-%m-%d %H:%M").to_string()
    };
    let place = match (window.names_zone(), zone.iana_name()) {
        (true, Some(name)) => name.to_owned(),
        (_, Some(name)) => format!("this machine's time zone, {name}"),
        (_, None) => "this machine's time zone".to_owned(),
    };
    let opens = match window.next_opening(now) {
        Some(opens) => format!("it opens {}", shown(opens)),
        None => "it does not open within the next days".to_owned(),
    };
    format!(
        "it is {} in {place}, outside the maintenance window {window}; {opens}",
        shown(now)
    )
}

#[cfg(test)]
mod tests {
    use super::why_closed;
    use crate::values::window::{Window, parse_time, parse_zone};

    fn closed(start: &str, end: &str, zone: &str, now: &str) -> String {
        let [start, end] = [start, end].map(|time| Some(parse_time(time).expect(time)));
        let window = Window::new(start, end, Some(parse_zone(zone).expect(zone))).expect("a window");
        why_closed(&window, now.parse().expect(now))
    }

    #[test]
    fn the_time_is_the_one_of_the_zone_and_so_is_the_opening() {
        assert_eq!(
            closed("22:00", "06:00", "Europe/Rome", "2026-11-22T12:05:00Z"),
            "it is Sun 2026-11-22 13:05 in Europe/Rome, outside the maintenance window 22:00-06:00 Europe/Rome; it \
             opens Sun 2026-11-22 22:00"
        );
        assert_eq!(
            closed("00:30", "01:00", "America/New_York", "2026-11-22T12:05:00Z"),
            "it is Sun 2026-11-22 07:05 in America/New_York, outside the maintenance window 00:30-01:00 \
             America/New_York; it opens Mon 2026-11-23 00:30"
        );
    }
}
