//! What is valid and most likely not meant.
//!
//! A doubt is a warning for whoever looks at the file. A plan that is not enabled has none: it
//! may not be finished.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use crate::plan::check::known::KnownDevice;
use crate::plan::check::position::position_of;
use crate::plan::diagnostic::Findings;
use crate::plan::model::{Activity, DeviceMarks, DeviceRole, Plan};
use crate::plan::value::At;
use crate::values::device_pattern::DevicePatterns;
use crate::values::first_few::first_few;
use crate::values::nearest::nearest;
use crate::values::pattern::{PatternList, star_matches};
use crate::values::text::letter;
use crate::values::window::Window;

/// So many names are listed.
const LISTED: usize = 10;

/// Device patterns with a `*` that match no device. (Names without one must be there.)
pub(super) fn unmatched_devices(
    patterns: &At<DevicePatterns>,
    devices: &[KnownDevice],
    out: &mut Findings<'_>,
) {
    // A mistake may be why one is not there, or is called otherwise.
    if out.is_incomplete() || out.has_errors() {
        return;
    }
    for pattern in patterns.value.included() {
        let is_by_name = pattern.contains('*') && !pattern.starts_with('@');
        if !is_by_name || devices.iter().any(|device| matches(&pattern, &device.marks())) {
            continue;
        }
        let names: Vec<&str> = devices.iter().map(|device| device.name.value.as_str()).collect();
        let in_any_case = names
            .iter()
            .find(|name| star_matches(&pattern.to_lowercase(), &name.to_lowercase()));
        let spare = names.iter().find(|name| star_matches(&pattern, name));
        let help = match in_any_case {
            _ if spare.is_some() => {
                "it matches spares alone: those are backed up where they are named in full".to_owned()
            }
            Some(name) => format!("upper and lower case differ: the device is {name:?}"),
            None if pattern.contains(char::is_whitespace) => {
                format!(
                    "a comma separates patterns: `devices = {:?}`",
                    in_patterns(&pattern)
                )
            }
            None if devices.is_empty() => "the file has no [[device]]".to_owned(),
            None => format!(
                "the devices are: {}; only `*` stands for other characters",
                listed(&names)
            ),
        };
        let span = position_of(&pattern, &patterns.span, out.text());
        out.doubt(
            span,
            &format!("no device matches {pattern:?}"),
            "nothing is backed up by this",
            &help,
        );
    }
}

/// Tags that no device has, or spares alone. Behind a `!` too: what was to be left out is not.
pub(super) fn unknown_tags(patterns: &At<DevicePatterns>, devices: &[KnownDevice], out: &mut Findings<'_>) {
    if out.is_incomplete() {
        return;
    }
    for tag in patterns.value.tags() {
        let pattern = format!("@{tag}");
        if devices.iter().any(|device| matches(&pattern, &device.marks())) {
            continue;
        }
        let names: Vec<&str> = devices.iter().map(|device| device.name.value.as_str()).collect();
        let tags: BTreeSet<&str> = devices.iter().flat_map(KnownDevice::tags).collect();
        let is_of_spares = tags.iter().any(|known| star_matches(&tag, known));
        let near = nearest(&tag, tags.iter().copied());
        let help = match near {
            _ if is_of_spares => {
                "spares alone have it: those are backed up where they are named in full".to_owned()
            }
            Some(near) => format!("did you mean \"@{near}\"?"),
            None if names.contains(&tag.as_str()) => format!("it is a device: write {tag:?}"),
            None if tag.contains(char::is_whitespace) => {
                format!(
                    "a comma separates patterns: `devices = {:?}`",
                    in_patterns(&pattern)
                )
            }
            None if tags.is_empty() => "no device has tags: write `tags = […]` under a [[device]]".to_owned(),
            None => format!("the tags are: {}", listed(&tags.into_iter().collect::<Vec<_>>())),
        };
        let span = position_of(&pattern, &patterns.span, out.text());
        let title = match is_of_spares {
            true => format!("no device that is backed up has the tag {tag:?}"),
            false => format!("no device has the tag {tag:?}"),
        };
        out.doubt(span, &title, "nothing is meant by this", &help);
    }
}

/// Domain patterns that no domain of any gateway can match, and words that are meant otherwise.
pub(super) fn odd_domains(patterns: &At<PatternList>, out: &mut Findings<'_>) {
    for pattern in patterns.value.included().chain(patterns.value.excluded()) {
        let span = position_of(&pattern, &patterns.span, out.text());
        let odd = pattern.chars().find(|c| !can_be_in_a_domain(*c));
        if let Some((title, label, help)) = meant_otherwise(&pattern, odd) {
            out.doubt(span, &title, label, &help);
        } else if let Some(odd) = odd {
            out.doubt(
                span,
                &format!("no domain can match {pattern:?}"),
                &format!("no name of a domain holds {}", letter(odd)),
                &instead_of_odd(&pattern, odd),
            );
        }
    }
}

/// A pattern that can match, and would not match what it is meant for: title, label and help.
fn meant_otherwise(pattern: &str, odd: Option<char>) -> Option<(String, &'static str, String)> {
    let lower = pattern.to_lowercase();
    let joined = lower.replace([' ', '\t', '_', '-'], "");
    let is_all = matches!(
        joined.as_str(),
        "all" | "any" | "every" | "alldomains" | "alldomain"
    );
    if pattern != "default" && lower == "default" {
        return Some((
            format!("{pattern:?} is not the default domain"),
            "upper and lower case differ",
            "write \"default\"".to_owned(),
        ));
    }
    if is_all && pattern != "all-domains" {
        return Some((
            format!("{pattern:?} is the name of one domain here"),
            "no domain is called so, most likely",
            "write \"*\" for one export of each domain, or \"all-domains\" for one export of everything"
                .to_owned(),
        ));
    }
    if let Some(bare) = pattern.strip_prefix('-') {
        return Some((
            format!("{pattern:?} leaves nothing out"),
            "this is a name that begins with a hyphen",
            format!(
                "what is left out has a `!`: `domains = {:?}`",
                format!("*, !{bare}")
            ),
        ));
    }
    (odd.is_none() && pattern.contains(".*")).then(|| {
        (
            format!("{pattern:?} wants a dot in the name of a domain"),
            "this is no regular expression",
            format!(
                "`*` alone stands for any characters: {:?}",
                pattern.replace(".*", "*")
            ),
        )
    })
}

/// What is written in place of a pattern with a character that is in no name.
fn instead_of_odd(pattern: &str, odd: char) -> String {
    if let Some(plain) = from_expression(pattern) {
        format!(
            "this is no regular expression, and `*` alone stands for any characters: `domains = {plain:?}`"
        )
    } else if let ('/', Some((_, domain))) = (odd, pattern.split_once('/')) {
        format!("a domain stands without its device, which `devices` has: `domains = {domain:?}`")
    } else if matches!(odd, '\'' | '"' | '`') {
        format!(
            "write it without the inner quotes: `domains = {:?}`",
            pattern.replace(['\'', '"', '`'], "")
        )
    } else if odd.is_whitespace() {
        format!(
            "a comma separates patterns: `domains = {:?}`",
            in_patterns(pattern)
        )
    } else if ";|/+&".contains(odd) {
        let parts: Vec<&str> = pattern.split(odd).map(str::trim).collect();
        format!("a comma separates patterns: `domains = {:?}`", parts.join(", "))
    } else {
        "names of domains have letters from a to z, digits, `.`, `_` and `-`; only `*` stands for others"
            .to_owned()
    }
}

/// Patterns that mean what a regular expression, or one of SQL, was meant to.
fn from_expression(written: &str) -> Option<String> {
    let is_enclosed = written.len() > 2 && written.starts_with('/') && written.ends_with('/');
    let bare = if is_enclosed {
        written.trim_matches('/')
    } else {
        written
    };
    let bare = bare.trim_start_matches('^').trim_end_matches('$');
    let is_expression = is_enclosed || bare != written || bare.contains(".*") || bare.contains(['%', '(']);
    let parts = bare.trim_matches(['(', ')']).split('|');
    let parts: Vec<String> = parts
        .map(|part| part.replace(".*", "*").replace(".+", "*").replace('%', "*"))
        .collect();
    let are_patterns = parts
        .iter()
        .all(|part| !part.is_empty() && part.chars().all(can_be_in_a_domain));
    (is_expression && are_patterns).then(|| parts.join(", "))
}

/// Patterns that were written with blanks between them, as they are written here: what follows `not` or `except`, and
/// what has a sign before it, is left out.
fn in_patterns(written: &str) -> String {
    let mut patterns = Vec::new();
    let mut leaves_out = false;
    let words = written.split_whitespace();
    // A sign of a comment begins none within quotes.
    for word in words.take_while(|word| !word.starts_with('#')) {
        match word.to_ascii_lowercase().as_str() {
            "-" | "!" | "not" | "except" | "without" | "but" | "excluding" | "minus" => leaves_out = true,
            "and" | "or" | "," | "&" | "|" => {}
            _ => match word.strip_prefix(['!', '-']).filter(|bare| !bare.is_empty()) {
                Some(bare) => patterns.push(format!("!{bare}")),
                None if leaves_out => patterns.push(format!("!{word}")),
                None => patterns.push(word.to_owned()),
            },
        }
    }
    if patterns.iter().all(|pattern| pattern.starts_with('!')) {
        patterns.insert(0, "*".to_owned());
    }
    patterns.join(", ")
}

/// Patterns that take away all that they ask for.
pub(super) fn nothing_left(
    written: &str,
    included: impl Iterator<Item = String>,
    excluded: impl Iterator<Item = String>,
    span: Range<usize>,
    out: &mut Findings<'_>,
) {
    let (included, excluded): (Vec<String>, Vec<String>) = (included.collect(), excluded.collect());
    // The `*` of a pattern is one letter to another: what that matches, it matches all of.
    let taken_by = |pattern: &String| excluded.iter().find(|other| star_matches(other, pattern));
    if !excluded.is_empty() && included.iter().all(|pattern| taken_by(pattern).is_some()) {
        out.doubt(
            span,
            &format!("nothing is left of {written:?}"),
            "what has a `!` takes all of it away",
            "leave that out, or name what is not meant",
        );
        return;
    }
    let literal = included.iter().filter(|pattern| !pattern.contains('*'));
    for (name, other) in literal.filter_map(|name| Some((name, taken_by(name)?))) {
        out.doubt(
            span.clone(),
            &format!("{name:?} is named, and left out by \"!{other}\""),
            "what has a `!` is left out, wherever in the list it stands",
            "leave out one of the two",
        );
    }
}

/// Devices that share an address: one gateway would be backed up twice, under two names.
pub(super) fn shared_addresses(devices: &[KnownDevice], out: &mut Findings<'_>) {
    if out.has_errors() {
        return;
    }
    for (at, device) in devices.iter().enumerate() {
        let Some(address) = &device.address else { continue };
        let same = |other: &&KnownDevice| other.address.as_ref() == Some(address);
        if let Some(first) = devices[..at].iter().find(same) {
            out.doubt(
                device.name.span.clone(),
                &format!(
                    "{:?} has the host and the port of {:?}",
                    device.name.value, first.name.value
                ),
                "one gateway is backed up under two names, if at all",
                "correct `host` or `port` of one of them, or leave one out",
            );
        }
    }
}

/// A file in which nothing is backed up, and nothing could be.
pub(super) fn nothing_at_all(
    devices: &[KnownDevice],
    plans: usize,
    span: Range<usize>,
    out: &mut Findings<'_>,
) {
    if devices.is_empty() && plans == 0 && !out.has_errors() && !out.is_incomplete() {
        out.doubt(
            span,
            "nothing is backed up",
            "the file has no [[device]] and no [[plan]]",
            "`dpbackup init FILE` writes one to start from, with a device and a plan",
        );
    }
}

/// Devices that no plan names, not even one that is turned off. A spare need not be named.
pub(super) fn unnamed_devices(
    devices: &[KnownDevice],
    activities: &[&DevicePatterns],
    out: &mut Findings<'_>,
) {
    // A mistake may be why one is not named.
    if out.has_errors() {
        return;
    }
    let mut backed_up = devices
        .iter()
        .filter(|device| device.role == DeviceRole::Ordinary);
    if activities.is_empty() {
        if let Some(first) = backed_up.next() {
            out.doubt(
                first.name.span.clone(),
                "no plan backs up any device",
                "no plan of the file has an activity",
                "add a [[plan]] with a [[plan.activity]]: docs/guide.md has one",
            );
        }
        return;
    }
    for device in backed_up {
        if !activities
            .iter()
            .any(|patterns| patterns.matches(&device.marks()))
        {
            out.doubt(
                device.name.span.clone(),
                &format!("no plan backs up the device {:?}", device.name.value),
                "no `devices` of a plan matches it",
                "add it to the `devices` of a [[plan.activity]]",
            );
        }
    }
}

/// A retention that keeps hours, where days were meant.
pub(super) fn short_retention(within: Option<&At<Duration>>, out: &mut Findings<'_>) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    if let Some(within) = within.filter(|within| within.value < DAY) {
        out.doubt(
            within.span.clone(),
            "`keep_within` is less than a day",
            "it keeps no more than the backups of some hours",
            "write days, such as \"30d\"",
        );
    }
}

/// A window that lies in an hour that a day does not have.
pub(super) fn skipped_window(window: &Window, span: Range<usize>, now: Timestamp, out: &mut Findings<'_>) {
    if let Some(day) = window.day_without_opening(now) {
        out.doubt(
            span,
            &format!("this window does not open on {day}"),
            "clocks go forward over it that day",
            "let it begin earlier or end later by an hour, or write it in a zone without such days: `time_zone = \
             \"UTC\"`",
        );
    }
}

/// The device patterns of all plans.
pub(super) fn device_patterns(plans: &[Option<Plan>]) -> Vec<&DevicePatterns> {
    let activities = plans.iter().flatten().flat_map(|plan| &plan.activities);
    activities.map(|Activity { devices, .. }| devices).collect()
}

fn matches(pattern: &str, device: &DeviceMarks<'_>) -> bool {
    DevicePatterns::from_items([pattern]).is_ok_and(|patterns| patterns.matches(device))
}

/// Letters of ASCII, digits and these: what the firmware takes for the name of an object; and `*`.
fn can_be_in_a_domain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-*".contains(c)
}

/// The first ones of these names, sorted, and how many there are beside.
pub(super) fn listed(names: &[&str]) -> String {
    first_few(names.iter().copied().collect::<BTreeSet<&str>>(), LISTED)
}

#[cfg(test)]
#[path = "doubts_tests.rs"]
mod tests;
