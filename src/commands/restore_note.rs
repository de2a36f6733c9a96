//! `RESTORE.txt` of a device: written beside its backups when they come or go.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rustix::fs::{Mode, OFlags};

use crate::artifact::layout::component;
use crate::commands::verify::folder_scope;
use crate::exit::Exit;
use crate::history::{FileFilter, FileRow, History, HistoryError, NoteLevel};
use crate::ownership::{self, TouchError};
use crate::plan::model::PlanFile;
use crate::report::restore_note::{MOST_BACKUPS, RestorableBackup, text, unknown};
use crate::retention::newest::is_as_large;
use crate::run::event::{Owner, PlanId, TaskId};
use crate::run::execution::PlanEnd;
use crate::run::record::Record;
use crate::values::causes::with_causes;
use crate::whole_file::{self, FileMode};

/// What it is called.
const NAME: &str = "RESTORE.txt";

/// Writes it for each device of which an execution that has ended stored something. It is no backup:
/// that it cannot be written is a warning. So is a backup of this execution that is looked for, and is gone already.
pub(super) fn write_after(file: &PlanFile, record: &mut Record<'_>, end: &mut PlanEnd, zone: &TimeZone) {
    for warning in after(file, end.id, zone) {
        end.exit = end.exit.or_graver(Exit::Warned);
        // Sinks show it all the same, and what is stored is stored.
        let _ = record.warn(Owner::Plan(end.id), warning);
    }
}

fn after(file: &PlanFile, plan: PlanId, zone: &TimeZone) -> Vec<String> {
    let read = || -> Result<_, HistoryError> {
        let history = History::open_read_only(&file.settings.history)?.in_store(file.settings.store.folder());
        let tasks = history.tasks_of_plan(plan)?;
        Ok((history, tasks))
    };
    let (history, tasks) = match read() {
        Ok(read) => read,
        // It was there when the run began: that it is the first one is no advice now.
        Err(HistoryError::Missing { path, .. }) => {
            let gone = path.display();
            return vec![format!(
                "{NAME} was not written: the history {gone} was removed while this ran"
            )];
        }
        Err(error) => return vec![unwritten(NAME, &error)],
    };
    let stored = tasks.into_iter().filter(|task| task.files_downloaded > 0);
    let (tasks, devices): (BTreeSet<TaskId>, BTreeSet<String>) =
        stored.map(|task| (task.id, task.device_name)).unzip();
    let told = devices
        .iter()
        .flat_map(|device| match write(file, &history, device, zone) {
            Ok(mut away) => {
                away.retain(|file| tasks.contains(&file.task));
                away.dedup_by_key(|file| file.task);
                away.iter().map(away_words).collect()
            }
            Err(why) => vec![why],
        });
    told.collect()
}

fn away_words(file: &FileRow) -> String {
    format!(
        "{}, which task {} has stored, is not there any more as it was: something else removed or changed it while this \
         ran; find out what, and run the plan again",
        file.path.display(),
        file.task.0
    )
}

/// Writes it for one device, where it is not as it should be already; else why it could not. What history has as
/// stored, and is not there as it was, it gives back.
pub(super) fn write(
    file: &PlanFile,
    history: &History,
    device: &str,
    zone: &TimeZone,
) -> Result<Vec<FileRow>, String> {
    let folder = file.settings.store.folder().join(component(device));
    let path = folder.join(NAME);
    let shown = path.display().to_string();
    let Standing {
        listed,
        left_out,
        away,
    } = standing(history, device).map_err(|error| unwritten(&shown, &error))?;
    let store = file.settings.store.folder();
    let mut told = text(device, store, &listed, left_out, zone);
    told.push_str(&beside(history, store, &folder).map_err(|error| unwritten(&shown, &error))?);
    replace(&folder, &path, &told).map_err(|error| unwritten(&shown, &error))?;
    Ok(away)
}

/// What stands below the folder of a device, and history knows nothing of.
fn beside(history: &History, store: &Path, folder: &Path) -> Result<String, HistoryError> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for path in unknown_backups(history, folder, &|| false)? {
            let size = size_of(&path);
            found.push((path, size));
        }
    }
    // The newest names come last.
    found.reverse();
    let left_out = found.len().saturating_sub(MOST_BACKUPS);
    found.truncate(MOST_BACKUPS);
    Ok(unknown(store, &found, left_out))
}

/// The archives and secure backups below a folder that history knows nothing of, as far as was looked before `is_over`.
pub(super) fn unknown_backups(
    history: &History,
    folder: &Path,
    is_over: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, HistoryError> {
    let known = history.places_below(folder)?;
    // Where nobody may look, nothing is known to stand.
    let found = folder_scope::backups_until(folder, is_over).into_iter().flatten();
    Ok(found.filter(|path| !known.contains(path)).collect())
}

/// The bytes of a file, or of those in a folder.
fn size_of(path: &Path) -> u64 {
    let size = |path: &Path| std::fs::symlink_metadata(path).map_or(0, |found| found.len());
    match std::fs::read_dir(path) {
        Ok(files) => files.flatten().map(|file| size(&file.path())).sum(),
        Err(_) => size(path),
    }
}

fn unwritten(what: &str, why: &(dyn std::error::Error + 'static)) -> String {
    format!("{what} was not written: {}", with_causes(why))
}

/// The backups of a device that stand in the store, newest first (the files of one kind of one task).
struct Standing {
    listed: Vec<RestorableBackup>,
    /// How many there are besides.
    left_out: usize,
    /// What was stored and is not there as it was.
    away: Vec<FileRow>,
}

fn standing(history: &History, device: &str) -> Result<Standing, HistoryError> {
    let files = history.stored_files(&FileFilter::Device(device.to_owned()))?;
    let mut backups: Vec<(FileRow, Vec<FileRow>)> = Vec::new();
    for file in files.into_iter().rev() {
        match backups.last_mut() {
            Some((first, files)) if (first.task, first.kind) == (file.task, file.kind) => files.push(file),
            _ => backups.push((file.clone(), vec![file])),
        }
    }
    // What somebody took away cannot be restored, whatever history has of it.
    let mut away = Vec::new();
    backups.retain(|(_, files)| {
        away.extend(files.iter().find(|file| !is_as_large(file)).cloned());
        files.iter().all(is_as_large)
    });
    let left_out = backups.len().saturating_sub(MOST_BACKUPS);
    let listed = backups.into_iter().take(MOST_BACKUPS);
    let listed = listed
        .map(|(first, mut files)| {
            files.reverse();
            let task = history.task(first.task)?;
            let mut warnings = history.notes(Owner::Task(first.task))?;
            warnings.retain(|note| note.level == NoteLevel::Warning);
            let warnings = warnings.into_iter().map(|note| note.message).collect();
            Ok(RestorableBackup {
                task,
                files,
                warnings,
            })
        })
        .collect::<Result<_, HistoryError>>()?;
    Ok(Standing {
        listed,
        left_out,
        away,
    })
}

/// Writes the text unless it is there already; nothing where the device has no folder in the store.
fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    if says(path, text) {
        return Ok(());
    }
    whole_file::replace(path, text, FileMode::Exactly(Mode::RUSR | Mode::WUSR))?;
    let made = ownership::open_plain(path).map_err(TouchError::into_io)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    ownership::give_to_owner_of(rustix::fs::open(folder, flags, Mode::empty())?, made)
}

/// Whether that is what stands there. A pipe in its place, whose other end nobody may ever open, is
/// not waited for, and a file without an end is not read to it: both are replaced.
fn says(path: &Path, text: &str) -> bool {
    let Ok(file) = ownership::open_plain(path) else {
        return false;
    };
    let mut old = Vec::new();
    let read = file.take(text.len() as u64 + 1).read_to_end(&mut old);
    read.is_ok() && old == text.as_bytes()
}
