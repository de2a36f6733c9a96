//! What several views for people have in common: how they are laid out, and how single values and
//! remarks are written.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::history::{FailedFileRow, NoteLevel, NoteRow};
use crate::run::event::{ScriptMoment, ScriptRun};
use crate::values::duration::HumanDuration;
use crate::values::invocation::Invocation;
use crate::values::text::{hanging, printable};
use crate::values::time_of_day;

/// How tables are laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The columns of the terminal; none if the text goes elsewhere.
    pub width: Option<u16>,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// What a command needs that is named in them.
    pub invocation: Invocation,
}

/// How long something took; a dash as long as it has not ended, or where nobody knows.
pub(super) fn duration(took: Option<Duration>) -> String {
    took.map_or("-".to_owned(), |took| match took.as_secs() {
        0 => HumanDuration(took).to_string(),
        seconds => HumanDuration(Duration::from_secs(seconds)).to_string(),
    })
}

/// What a zone is called: by its name, or where it has none by what it is off UTC now. One that has a rule for the
/// summer and no name is called by what it says of both halves of the year: `CET/CEST`.
pub(super) fn zone_name(zone: &TimeZone) -> String {
    if let Some(name) = zone.iana_name() {
        return name.to_owned();
    }
    let now = time_of_day::now().to_zoned(zone.clone());
    let other = zone.following(now.timestamp()).next();
    let names = other.map(|other| {
        let then = other.timestamp().to_zoned(zone.clone());
        let mut both = [now.clone(), then];
        both.sort_by_key(jiff::Zoned::offset);
        both.map(|zoned| zoned.strftime("%Z").to_string()).join("/")
    });
    names.unwrap_or_else(|| now.strftime("UTC%:z").to_string())
}

/// A text as it can be shown.
pub(super) fn shown(text: &str) -> String {
    printable(text).into_owned()
}

/// What went wrong with files, notes, and how the scripts of this plan or task ended.
pub(super) fn remarks(
    failed: &[FailedFileRow],
    notes: &[NoteRow],
    scripts: &[ScriptRun],
    owner: &str,
) -> String {
    let failed = failed.iter().map(|file| {
        let (name, error) = (shown(&file.name), shown(&file.error_message));
        match error.as_str() {
            // It stands beside it.
            "" => format!("D/L error: {name}\n"),
            error => format!("D/L error: {name}: {error}\n"),
        }
    });
    let notes = notes.iter().map(|note| {
        let level = match note.level {
            NoteLevel::Note => "Note: ",
            NoteLevel::Warning => "Warning: ",
            // It says how certain that is.
            NoteLevel::StillQuiesced => "",
        };
        format!("{level}{}\n", shown(&note.message))
    });
    let scripts = scripts.iter().map(|script| {
        let moment = match script.moment {
            ScriptMoment::Pre => "Pre",
            ScriptMoment::Post => "Post",
        };
        let (path, end) = (script.path.to_string_lossy(), script.how());
        format!("{moment}-{owner} script: {}: {}\n", shown(&path), shown(&end))
    });
    failed.chain(notes).chain(scripts).collect()
}

/// Each line of a text, broken at its blanks so that it stays within the terminal; it goes on below its beginning.
pub(super) fn folded(text: &str, width: Option<u16>) -> String {
    let lines = text.lines().map(|line| {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        format!("{:indent$}{}\n", "", hanging(bare, indent, width))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_without_a_name_is_called_by_both_halves_of_its_year() {
        let zone = |rule: &str| TimeZone::posix(rule).expect("a rule");
        assert_eq!(zone_name(&zone("CET-1CEST,M3.5.0,M10.5.0/3")), "CET/CEST");
        assert_eq!(zone_name(&zone("AEST-10AEDT,M10.1.0,M4.1.0/3")), "AEST/AEDT");
        assert_eq!(zone_name(&zone("XYZ-3:30")), "UTC+03:30");
        assert_eq!(zone_name(&TimeZone::UTC), "UTC");
    }
}
