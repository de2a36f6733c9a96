//! Since when something is asked for, and in which zone.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::cli::{HistoryOutput, Since};
use crate::commands::frame::error::CommandError;
use crate::exit::Exit;
use crate::ui::Ui;
use crate::values::time_of_day;

/// The zone in which times are shown, and read.
pub(in crate::commands) fn zone(output: &HistoryOutput) -> TimeZone {
    if output.utc {
        TimeZone::UTC
    } else {
        TimeZone::system()
    }
}

pub(in crate::commands) fn moment(since: Since, zone: TimeZone) -> Result<Timestamp, CommandError> {
    let now = time_of_day::now();
    let resolved = match since {
        Since::At(at) => Ok(at),
        Since::Ago(duration) => now.checked_sub(duration),
        Since::Civil(at) => at.to_zoned(zone).map(|zoned| zoned.timestamp()),
        Since::DayAgo(days) => now
            .to_zoned(zone)
            .checked_sub(Span::new().days(days))
            .and_then(|day| day.start_of_day())
            .map(|day| day.timestamp()),
    };
    resolved.map_err(|error| CommandError::new(Exit::Usage, error))
}

/// Says that nothing can be expected of a time that is still to come.
pub(in crate::commands) fn warn_of_to_come(since: Option<Timestamp>, zone: &TimeZone, ui: Ui) {
    if let Some(since) = since.filter(|since| *since > time_of_day::now()) {
        let since = since.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
        ui.warning(&format!(
            "--since is {since}, which is still to come: nothing has happened since then"
        ));
    }
}
