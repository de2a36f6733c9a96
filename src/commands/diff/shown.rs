//! Two exports that are compared, and how their difference is shown to a person.

use std::path::Path;

use crate::artifact::compare::{self, CompareError};
use crate::artifact::difference::Difference;
use crate::commands::frame::error::{CommandError, print};
use crate::commands::named::exports::{OpenExport, trouble};
use crate::plan::model::PlanFile;
use crate::report::diff as report;
use crate::report::paint::differences;
use crate::ui::{Ui, Verbosity};

/// Shows what differs to a person. At a terminal the store is named once, and paths begin there.
pub(super) fn show(
    plan: Option<&PlanFile>,
    old: &OpenExport,
    new: &OpenExport,
    difference: &Difference,
    ui: Ui,
) -> Result<(), CommandError> {
    if ui.verbosity == Verbosity::Quiet && difference.domains.is_empty() {
        return Ok(());
    }
    let store = plan.map(|plan| plan.settings.store.folder());
    let store = store.filter(|_| ui.width.is_some());
    let label = |export: &OpenExport| match store {
        Some(store) => export.label_below(store),
        None => export.label(),
    };
    let is_below = |export: &OpenExport| store.is_some() && label(export) != export.label();
    let store = store.filter(|_| is_below(old) || is_below(new));
    let text = report::text_within(store, &label(old), &label(new), difference, ui.width);
    match ui.data_color {
        true => print(ui, &differences(&text)),
        false => print(ui, &text),
    }
}

/// Compares two exports, and says which of them is not good where one is not.
pub(super) fn compared(
    old: &OpenExport,
    new: &OpenExport,
    scratch: &Path,
) -> Result<Difference, CommandError> {
    compare::compare(old.side(), new.side(), usize::MAX, scratch).map_err(|error| {
        let archive = match &error {
            CompareError::First(_) => Some(old),
            CompareError::Second(_) => Some(new),
            CompareError::NoDomain(_) => None,
        };
        let error = anyhow::Error::new(error);
        match archive {
            Some(archive) => trouble(error.context(format!("{} is not good", archive.label()))).with_hint(
                "an export is named by its archive, which ends in .zip, by the ID of a task, or by DEVICE/DOMAIN: \
                 `dpbackup diff last` is about the newest",
            ),
            None => {
                trouble(error).with_hint("without --domain all that they hold is compared, domain by domain")
            }
        }
    })
}
