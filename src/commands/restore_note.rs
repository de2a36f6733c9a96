//! `RESTORE.txt` of a device: written beside its backups when they come or go.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use jiff::tz::TimeZone;
use rustix::fs::Mode;

use crate::artifact::layout::component;
use crate::history::{FileFilter, FileRow, History, HistoryError};
use crate::ownership;
use crate::plan::model::PlanFile;
use crate::report::restore::{MOST_BACKUPS, RestorableBackup, text};
use crate::retention::newest::is_as_large;
use crate::run::event::PlanId;
use crate::ui::Ui;
use crate::values::causes::said;
use crate::whole_file::{self, FileMode};

/// What it is called.
const NAME: &str = "RESTORE.txt";

/// Writes it for each device of which these executions stored something. It is no backup: that it
/// cannot be written is a warning.
pub(super) fn after(file: &PlanFile, plans: impl IntoIterator<Item = PlanId>, zone: &TimeZone, ui: Ui) {
    let history = match History::open_read_only(&file.settings.history) {
        Ok(history) => history.in_store(&file.settings.store),
        Err(error) => return ui.warning(&format!("{NAME} was not written: {error}")),
    };
    let mut devices = BTreeSet::new();
    for plan in plans {
        match history.tasks_of_plan(plan) {
            Ok(tasks) => devices.extend(
                tasks
                    .into_iter()
                    .filter(|task| task.files_downloaded > 0)
                    .map(|task| task.device_name),
            ),
            Err(error) => ui.warning(&format!("{NAME} was not written: {error}")),
        }
    }
    devices
        .iter()
        .for_each(|device| write(file, &history, device, zone, ui));
}

/// Writes it for one device, where it is not as it should be already.
pub(super) fn write(file: &PlanFile, history: &History, device: &str, zone: &TimeZone, ui: Ui) {
    let folder = file.settings.store.join(component(device));
    let path = folder.join(NAME);
    let (listed, left_out) = match standing(history, device) {
        Ok(standing) => standing,
        Err(error) => return ui.warning(&format!("{} was not written: {error}", path.display())),
    };
    if let Err(error) = replace(&folder, &path, &text(device, &listed, left_out, zone)) {
        ui.warning(&format!("{} was not written: {}", path.display(), said(&error)));
    }
}

/// The backups of a device that stand in the store, newest first (the files of one kind of one task), and
/// how many there are besides.
fn standing(history: &History, device: &str) -> Result<(Vec<RestorableBackup>, usize), HistoryError> {
    let files = history.stored_files(&FileFilter::Device(device.to_owned()))?;
    let mut backups: Vec<(FileRow, Vec<FileRow>)> = Vec::new();
    for file in files.into_iter().rev() {
        match backups.last_mut() {
            Some((first, files)) if (first.task, first.kind) == (file.task, file.kind) => files.push(file),
            _ => backups.push((file.clone(), vec![file])),
        }
    }
    // What somebody took away cannot be restored, whatever history has of it.
    backups.retain(|(_, files)| files.iter().all(is_as_large));
    let left_out = backups.len().saturating_sub(MOST_BACKUPS);
    let listed = backups.into_iter().take(MOST_BACKUPS);
    let listed = listed
        .map(|(first, mut files)| {
            files.reverse();
            let task = history.task(first.task)?;
            Ok(RestorableBackup { task, files })
        })
        .collect::<Result<_, HistoryError>>()?;
    Ok((listed, left_out))
}

/// One that says the same already is left alone, and where nothing was ever stored none is made.
fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    whole_file::replace(path, text, FileMode::Exactly(Mode::RUSR | Mode::WUSR))?;
    ownership::give_to_owner_of(fs::File::open(folder)?, fs::File::open(path)?)
}
