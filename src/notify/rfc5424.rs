//! A notice as a message of RFC 5424.

use std::fmt::Write;

use crate::notify::notice::Notice;
use crate::notify::words;
use crate::run::status::{Class, Status};
use crate::values::event_name::EventName;

/// The id of the structured data. 32473 is the enterprise number that RFC 5612 sets aside
/// for those who have none.
const STRUCTURED_DATA_ID: &str = "dpbackup@32473";

/// The longest message in bytes: what RFC 5424, section 6.1, asks every receiver to take
/// if it can.
const LONGEST: usize = 2048;

/// The whole message, without framing. `process` is our process id.
pub fn message(notice: &Notice, facility: u8, process: u32) -> String {
    let priority = u32::from(facility) * 8 + severity(notice.event);
    let mut text = format!(
        "<{priority}>1 {} {} dpbackup {process} {} {} ",
        notice.rfc3339(notice.time),
        host(notice.host.as_deref().unwrap_or_default()),
        notice.event,
        structured_data(notice)
    );
    text.push_str(&words::line(notice));
    cut(&mut text);
    text
}

/// By RFC 5424, section 6.2.1: 2 critical, 3 error, 4 warning, 5 notice, 6 informational.
fn severity(event: EventName) -> u32 {
    match event {
        EventName::StillQuiesced => 2,
        EventName::Failed | EventName::TaskFailed | EventName::RehearsalFailed => 3,
        EventName::Warned | EventName::Refused => 4,
        EventName::Recovered | EventName::Changed | EventName::Unsaved => 5,
        EventName::Started | EventName::Succeeded => 6,
    }
}

/// At most 255 printable ASCII characters, or `-`.
fn host(host: &str) -> String {
    let host: String = host.chars().filter(char::is_ascii_graphic).take(255).collect();
    if host.is_empty() { "-".to_owned() } else { host }
}

fn structured_data(notice: &Notice) -> String {
    let mut data = format!("[{STRUCTURED_DATA_ID}");
    let mut parameter = |name: &str, value: &str| {
        // Writing into a String cannot fail.
        let _ = write!(data, " {name}=\"{}\"", escaped(value));
    };
    parameter("event", notice.event.word());
    parameter("plan", &words::shortened(&notice.plan, 128));
    if let Some(execution) = notice.execution {
        parameter("execution", &execution.0.to_string());
    }
    if let Some(status) = notice.status {
        parameter("status", Status::code(status));
    }
    if let Some(place) = &notice.place {
        parameter("task", &place.task.0.to_string());
        parameter("device", &words::shortened(&place.device, 128));
        parameter("domain", &words::shortened(&place.domain, 128));
    }
    if notice.event.is_end() {
        parameter("succeeded", &notice.count(&[Class::Success]).to_string());
        parameter("failed", &notice.count(&[Class::Failed]).to_string());
        parameter(
            "skipped",
            &notice
                .count(&[Class::Skipped, Class::Cancelled, Class::Refused])
                .to_string(),
        );
    }
    if let Some(took) = notice.took {
        parameter("seconds", &took.as_secs().to_string());
    }
    if notice.is_test {
        parameter("test", "true");
    }
    data.push(']');
    data
}

/// Section 6.3.3: quotes, backslashes and closing brackets are escaped. Control characters
/// have no place in a line.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in crate::values::text::printable(value).chars() {
        if matches!(character, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn cut(text: &mut String) {
    if text.len() > LONGEST {
        let end = (0..=LONGEST - '…'.len_utf8())
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
}
