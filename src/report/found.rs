//! What was found, line by line as it is found: in columns for people, as a JSON object a line,
//! and as CSV.

use serde::Serialize;

use crate::change::find::FindHit;
use crate::report::csv;
use crate::report::json::SCHEMA_VERSION;
use crate::values::json_text::json_text;
use crate::values::text::{printable, printable_json, visible};

/// How wide the first two columns are: their texts are known before anything is found.
#[derive(Clone, Copy, Debug)]
pub struct FoundWidths {
    pub device: usize,
    pub domain: usize,
}

#[derive(Serialize)]
struct FoundLine<'h> {
    schema_version: u32,
    device: &'h str,
    domain: &'h str,
    r#where: &'h str,
    text: &'h str,
}

/// What most places fit into: how long they are is known only when the last is found.
const PLACE: usize = 44;

/// The titles of the columns.
pub fn title(widths: FoundWidths) -> String {
    columns(widths, "Device", "Domain", "Where", "Text")
}

/// A hit in columns.
pub fn columns_of(widths: FoundWidths, device: &str, hit: &FindHit) -> String {
    columns(widths, device, &hit.domain, &hit.place, &hit.text)
}

fn columns(widths: FoundWidths, device: &str, domain: &str, place: &str, text: &str) -> String {
    let (device, domain) = (printable(device), visible(domain));
    // Names are compared; of a line of a file the blanks are no matter.
    let (place, text) = (visible(place), printable(text));
    let FoundWidths {
        device: first,
        domain: second,
    } = widths;
    format!("{device:<first$}  {domain:<second$}  {place:<PLACE$}  {text}\n")
}

/// A hit as a line of JSON.
pub fn json_line(device: &str, hit: &FindHit) -> String {
    let line = FoundLine {
        schema_version: SCHEMA_VERSION,
        device,
        domain: &hit.domain,
        r#where: &hit.place,
        text: &hit.text,
    };
    printable_json(&json_text(&line)) + "\n"
}

/// The header of the CSV.
pub fn csv_header() -> String {
    csv::line(
        ["device", "domain", "where", "text"]
            .map(str::to_owned)
            .into_iter(),
    )
}

/// A hit as a line of CSV.
pub fn csv_line(device: &str, hit: &FindHit) -> String {
    let cells = [device, &hit.domain, &hit.place, &hit.text].map(csv::shown);
    csv::line(cells.into_iter())
}
