//! `dpbackup verify`

pub(super) mod below;
mod scope;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::artifact::archive::Expected;
use crate::artifact::recheck::{self, FileState, Recheck};
use crate::cli::{Global, OutputFormat, VerifyArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::commands::error::{CommandError, Outcome, found, print, print_states};
use crate::commands::heeding::Heeding;
use crate::commands::loading::{
    exit_of_part, invocation, load_plan_if_any, load_plan_or_part, open_history, read_history, with_open_rows,
};
use crate::commands::restore_note;
use crate::commands::stored_export::{recorded, stands_in};
use crate::commands::verify::scope::{VerifyScope, asks_what, places};
use crate::exit::Exit;
use crate::history::{FileFilter, FileId, FileRow, History};
use crate::plan::model::{PlanFile, Settings};
use crate::report::store_line;
use crate::report::verify::{self as report, Checked, Verified};
use crate::run::event::{ALL_DOMAINS, FileKind, TaskId};
use crate::run::store;
use crate::ui::{SecondSignal, Ui, Verbosity};
use crate::values::causes::said;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::clock_time::on_clock;
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::invocation::Invocation;

/// Looks at stored files again.
pub(super) fn verify(global: &Global, args: &VerifyArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let of_history = args.all || !args.tasks.is_empty() || !args.devices.is_empty();
    if !of_history && args.files.is_empty() {
        return Err(asks_what(&invocation(global, env)));
    }
    // An archive can be verified on a machine that has no plan file.
    let mut unheld = Unheld::default();
    // Who names what is there wants to know how that is, and needs neither a plan file nor a history for it.
    let is_there = |file: &PathBuf| file.symlink_metadata().is_ok();
    let alone = !of_history && args.files.iter().all(is_there);
    let loaded = if of_history {
        Some(load_plan_or_part(global, ui, env)?)
    } else {
        match load_plan_if_any(global, ui, env, load_plan_or_part) {
            Err(error) if alone => unheld.because(&error, ui),
            loaded => loaded?,
        }
    };
    let settings = loaded.as_ref().map(|loaded| &loaded.plan_file.settings);
    let history = match settings.map(read_history) {
        Some(Err(error)) if alone => unheld.because(&with_open_rows(error, global, env), ui),
        Some(history) => history?,
        None => None,
    };
    let file = loaded.as_ref().map(|loaded| &loaded.plan_file);
    let asked = VerifyScope::of(args, file, history.as_ref())?;
    let rows = rows(&asked, history.as_ref())?;
    if let Some(settings) = settings.filter(|_| !(rows.is_empty() && asked.targets.is_empty())) {
        is_store_there(settings, history.as_ref())?;
    }
    let mut owners = vec![rustix::process::geteuid().as_raw()];
    if let Some(settings) = settings {
        owners.extend(settings.history.metadata().map(|metadata| metadata.uid()));
    }
    let heeding = Heeding::signals(
        ui,
        "the file that is being read is finished; nothing is to be put back",
        SecondSignal::Ends,
    )?;
    let scratch = scratch_folder(env);
    let store = settings.map_or_else(PathBuf::new, |settings| settings.store.clone());
    let mut round = Round {
        ui,
        heeding: &heeding,
        format: args.format,
        history: history.as_ref(),
        recheck: Recheck::new(&store, &scratch, owners),
        checked: Vec::new(),
        found: FoundDamage::default(),
        done: BTreeSet::new(),
        tasks: &asked.tasks,
        in_store: settings.map(|settings| settings.store.as_path()),
        // Who names a file finds it again by the name that he gave it, and programs by all of it.
        store: Some(store.as_path()).filter(|_| asked.files.is_empty() && ui.width.is_some()),
        is_store_named: false,
    };
    round.rows(&rows)?;
    round.rows(&asked.targets)?;
    for file in &asked.files {
        if heeding.is_requested() {
            break;
        }
        round.file(file, &scratch)?;
    }
    if args.format == OutputFormat::Table {
        tell_what_is_no_backup(&asked.files, &round.checked, &invocation(global, env), ui);
    }
    if let Some(file) = file.filter(|_| history.is_some()) {
        remember(file, &round.found, ui);
    }
    let not_looked_at = round.checked.iter().any(|one| round.is_unseen(one));
    let is_told = round.checked.iter().any(|one| round.is_told(one));
    let checked = round.checked;
    let all_good = checked.iter().all(|one| one.verified.is_good());
    // Where nothing was looked at nothing is known to be good.
    let unknown = checked.is_empty() || not_looked_at;
    match args.format {
        OutputFormat::Json => print(ui, &report::document(&checked, all_good && !unknown))?,
        OutputFormat::Table if heeding.is_requested() => {
            print(ui, &report::summary(&checked))?;
            ui.warning("not all was looked at that was asked for: it was asked to stop");
        }
        OutputFormat::Table if checked.len() == 1 => {}
        OutputFormat::Table if ui.verbosity == Verbosity::Quiet && !checked.is_empty() && !is_told => {}
        OutputFormat::Table => print(ui, &report::summary(&checked))?,
    }
    let warned = unknown || checked.iter().any(|one| !one.verified.warnings().is_empty());
    let exit = match (all_good, warned) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Warned,
        (true, false) => Exit::Success,
    };
    let exit = unheld.exit(exit);
    Ok(heeding.exit(file.map_or(exit, |file| exit_of_part(file, exit))))
}

/// Where all of the store is away, that is said once, and not of each file.
fn is_store_there(settings: &Settings, history: Option<&History>) -> Result<(), CommandError> {
    let known = match history {
        Some(history) => history.files_in_store()?,
        None => 0,
    };
    let away = store::bare(settings).and_then(|bare| store::is_away(settings, bare, Some(known)));
    away.map_or(Ok(()), |away| {
        let error = anyhow!("{away}; nothing was looked at");
        Err(CommandError::new(Exit::Failed, error)
            .with_hint("mount it, or correct `store`: of the files nothing is known"))
    })
}

/// Whether it was said that files could not be compared with what history knows of them: once is enough.
#[derive(Default)]
struct Unheld(Option<Exit>);

impl Unheld {
    /// Says it, and goes on with nothing.
    fn because<T>(&mut self, error: &CommandError, ui: Ui) -> Option<T> {
        ui.warning(&format!(
            "what is named could not be held against the history, and is looked at by itself: {:#}",
            error.error
        ));
        if let Some(hint) = error.hint.as_ref().filter(|_| error.exit == Exit::StillQuiesced) {
            ui.warning(hint);
        }
        self.0 = Some(error.exit);
        None
    }

    /// What the command ends with: no success, and the gravest where something may still be quiesced.
    fn exit(&self, exit: Exit) -> Exit {
        match self.0 {
            None => exit,
            Some(Exit::StillQuiesced) => exit.or_graver(Exit::StillQuiesced),
            Some(_) => exit.or_graver(Exit::Warned),
        }
    }
}

/// Says what verify looks at, where somebody named a bad file whose name is not that of a backup.
fn tell_what_is_no_backup(files: &[PathBuf], checked: &[Checked], invocation: &Invocation, ui: Ui) {
    let is_other = |file: &&PathBuf| {
        let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
        let is_bad = checked
            .iter()
            .any(|one| one.path == **file && !one.verified.is_good());
        is_bad && !file.is_dir() && !["zip", "xml", "tgz"].iter().any(|known| ending == *known)
    };
    let Some(file) = files.iter().find(is_other) else {
        return;
    };
    let shown = file.display();
    let instead = match file.extension().is_some_and(|ending| ending == "toml") {
        true => format!(
            "; `{}` checks a plan file",
            Invocation::naming(file).command(["validate"])
        ),
        false => format!(
            "; `{}` looks at all that is stored",
            invocation.command(["verify", "--all"])
        ),
    };
    ui.hint(&format!(
        "{shown} has no name of a backup: archives of exports end in .zip, a secure backup is verified by its folder or its \
         {}{instead}",
        recheck::MANIFEST
    ));
}

/// Writes down what was found of files, for `history status` and RESTORE.txt. Who may not write there has seen it all the
/// same.
fn remember(file: &PlanFile, found: &FoundDamage, ui: Ui) {
    if found.files.is_empty() {
        return;
    }
    let clock = SystemClock::new();
    let written = open_history(&file.settings, ui).and_then(|mut history| {
        history.note_damage(clock.now(), &found.files)?;
        Ok(history)
    });
    let history = match written {
        Ok(history) => history,
        Err(error) => {
            return ui.warning(&format!(
                "what was found is not remembered, so that `history status` does not know it: {:#}",
                error.error
            ));
        }
    };
    for device in &found.devices {
        if let Err(why) = restore_note::write(file, &history, device, &clock.zone()) {
            ui.warning(&why);
        }
    }
}

/// The rows of history that are asked for.
fn rows(asked: &VerifyScope, history: Option<&History>) -> Result<Vec<FileRow>, CommandError> {
    let Some(history) = history else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    if asked.all {
        rows.extend(history.stored_files(&FileFilter::All)?);
    }
    for device in &asked.devices {
        rows.extend(history.stored_files(&FileFilter::Device(device.clone()))?);
    }
    // Whoever asks for one task wants to know what became of its other files, too.
    for task in &asked.tasks {
        rows.extend(found(history.files(*task))?);
    }
    Ok(rows)
}

/// What a round has found of files that history does not know yet.
#[derive(Default)]
struct FoundDamage {
    files: Vec<(FileId, Option<String>)>,
    /// The devices that they are of.
    devices: BTreeSet<String>,
}

/// One round through the files.
struct Round<'r> {
    ui: Ui,
    heeding: &'r Heeding,
    format: OutputFormat,
    history: Option<&'r History>,
    recheck: Recheck<'r>,
    checked: Vec<Checked>,
    /// What history does not know yet of files that were read: why one is not what was stored, or that it is again.
    found: FoundDamage,
    done: BTreeSet<FileId>,
    /// The tasks that were asked for one by one.
    tasks: &'r [TaskId],
    /// The store of the plan file, if there is one.
    in_store: Option<&'r Path>,
    /// The store, where all that is looked at is in it: then it is named once.
    store: Option<&'r Path>,
    is_store_named: bool,
}

impl Round<'_> {
    /// Files of history; parts of one secure backup together, and then their folder.
    fn rows(&mut self, rows: &[FileRow]) -> Result<(), CommandError> {
        let mut rest = rows.iter().peekable();
        while let Some(row) = rest.next() {
            if self.heeding.is_requested() {
                break;
            }
            if self.done.insert(row.id) {
                self.row(row)?;
            }
            let folder = folder_of(row);
            let goes_on = rest.peek().is_some_and(|next| folder_of(next) == folder);
            if let Some(folder) = folder
                && !goes_on
            {
                let verdict = self.recheck.secure_backup(folder);
                let gone = match verdict.state {
                    FileState::Ok => None,
                    _ => self.gone_meanwhile(row)?,
                };
                let checked = match gone {
                    Some(row) => pruned(&row),
                    None => Checked {
                        certificate: self.certificate(row)?,
                        ..described(row, Verified::Looked(verdict))
                    },
                };
                self.tell(Checked {
                    path: folder.to_owned(),
                    kind: Some("secure-backup-folder"),
                    ..checked
                })?;
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &FileRow) -> Result<(), CommandError> {
        if !row.kept {
            return self.not_kept(row);
        }
        if row.pruned_time.is_some() {
            return self.tell_pruned(row);
        }
        let verdict = match row.kind {
            FileKind::SecureBackup => self.recheck.part(recorded(row)),
            FileKind::Persisted | FileKind::NonPersisted => {
                let expected = match row.domain_name.as_str() {
                    ALL_DOMAINS => Expected::AllDomains(None),
                    domain => Expected::domain(domain),
                };
                self.recheck.export(recorded(row), &expected)
            }
        };
        if verdict.state == FileState::Missing
            && let Some(row) = self.gone_meanwhile(row)?
        {
            return self.tell(pruned(&row));
        }
        let damage = match verdict.state {
            FileState::Ok => Some(None),
            FileState::Bad | FileState::Changed => Some(Some(verdict.reasons.join("; "))),
            FileState::Unreadable | FileState::Missing => None,
        };
        if let Some(damage) = damage.filter(|damage| damage.is_some() != row.damage.is_some()) {
            self.found.files.push((row.id, damage));
            self.found.devices.insert(row.device_name.clone());
        }
        let mut checked = described(row, Verified::Looked(verdict));
        checked.notes.extend(limited(row));
        self.tell(checked)
    }

    /// A file that a prune took; another one may hold the same.
    fn tell_pruned(&mut self, row: &FileRow) -> Result<(), CommandError> {
        let standing = match self.history {
            Some(history) => history.standing_of(row)?,
            None => None,
        };
        let mut checked = pruned(row);
        checked
            .notes
            .extend(standing.and_then(|standing| stands_in(row, &standing)));
        self.tell(checked)
    }

    /// What the secure backup of a part is encrypted for, as far as the device told.
    fn certificate(&self, row: &FileRow) -> Result<Option<CertificateFacts>, CommandError> {
        match self.history {
            Some(history) => Ok(found(history.task(row.task))?.certificate),
            None => Ok(None),
        }
    }

    /// The row of a file as it is now, if a prune took the file, or announced that it would,
    /// since we asked: what it announces is on disk before it touches anything.
    fn gone_meanwhile(&self, row: &FileRow) -> Result<Option<FileRow>, CommandError> {
        let Some(history) = self.history else {
            return Ok(None);
        };
        let now = found(history.files(row.task))?;
        Ok(now
            .into_iter()
            .find(|now| now.id == row.id && (now.pruned_time.is_some() || now.removal_time.is_some())))
    }

    /// An export that was not kept is as good as the kept one with the same content.
    fn not_kept(&mut self, row: &FileRow) -> Result<(), CommandError> {
        if row.pruned_time.is_some() {
            return self.tell_pruned(row);
        }
        let mut verified = Verified::NotKept;
        let mut notes = Vec::new();
        let since = row.unchanged_since.map_or_else(
            || "a task that is not known".to_owned(),
            |task| format!("task {}", task.0),
        );
        let kept = match self.history {
            Some(history) => history.kept_like(row)?,
            None => Vec::new(),
        };
        match kept.first() {
            Some(original) => notes.push(format!(
                "unchanged since {since}; task {} kept it",
                original.task.0
            )),
            None => {
                if let Some(row) = self.gone_meanwhile(row)? {
                    return self.tell(pruned(&row));
                }
                let mut verdict = recheck::FileVerdict::looked();
                let why = format!("not kept, unchanged since {since}, and no file with that content is kept");
                verdict.find(FileState::Missing, why);
                verified = Verified::Looked(verdict);
            }
        }
        self.tell(Checked {
            notes,
            ..described(row, verified)
        })?;
        match kept.first() {
            Some(original) if self.done.insert(original.id) => self.row(original),
            _ => Ok(()),
        }
    }

    /// A file that somebody named.
    fn file(&mut self, file: &Path, scratch: &Path) -> Result<(), CommandError> {
        let recorded = self.recorded_at(file)?;
        let is_secure_backup = recorded
            .iter()
            .filter_map(folder_of)
            .any(|folder| places(file, self.in_store).iter().any(|place| place == folder));
        if !is_secure_backup && below::is_folder_of_backups(file) {
            return self.folder(file, &recorded, scratch);
        }
        // Each path is used once in history, so that the last row is the only one.
        if recorded.iter().any(|row| row.kept && row.pruned_time.is_none()) {
            return self.rows(&recorded);
        }
        let mut notes = Vec::new();
        if recorded.iter().any(|row| row.pruned_time.is_some()) {
            notes.push("history says that it was removed".to_owned());
        }
        self.tell(Checked {
            task: recorded.last().map(|row| row.task),
            notes,
            ..Checked::unrecorded(file, recheck::unrecorded(file, scratch))
        })
    }

    /// Everything below a folder: what history has there, gone or not, and what it does not know.
    fn folder(&mut self, folder: &Path, recorded: &[FileRow], scratch: &Path) -> Result<(), CommandError> {
        let before = self.checked.len();
        let in_store = |row: &&FileRow| row.kept && row.pruned_time.is_none();
        let rows: Vec<FileRow> = recorded.iter().filter(in_store).cloned().collect();
        self.rows(&rows)?;
        for found in below::backups(folder) {
            if self.heeding.is_requested() {
                return Ok(());
            }
            match found {
                Ok(file) => {
                    let rows = self.recorded_at(&file)?;
                    // What has had its line has no second one.
                    if !rows.iter().any(|row| self.done.contains(&row.id)) {
                        self.file(&file, scratch)?;
                    }
                }
                Err((place, error)) => {
                    let mut verdict = recheck::FileVerdict::looked();
                    verdict.find(FileState::Unreadable, said(&error));
                    self.tell(Checked::unrecorded(&place, verdict))?;
                }
            }
        }
        if self.checked.len() == before && !self.heeding.is_requested() {
            let mut verdict = recheck::FileVerdict::looked();
            let why = format!(
                "it holds no archive, and no {} of a secure backup",
                recheck::MANIFEST
            );
            verdict.find(FileState::Bad, why);
            self.tell(Checked::unrecorded(folder, verdict))?;
        }
        Ok(())
    }

    /// What history knows of a file, of the folder, or of the manifest of a secure backup.
    fn recorded_at(&self, file: &Path) -> Result<Vec<FileRow>, CommandError> {
        let Some(history) = self.history else {
            return Ok(Vec::new());
        };
        for place in places(file, self.in_store) {
            let rows = history.files_at(&place)?;
            let is_manifest = place.file_name().is_some_and(|name| name == recheck::MANIFEST);
            if let Some(folder) = rows.first().and_then(folder_of).filter(|_| is_manifest) {
                return Ok(history.files_at(folder)?);
            }
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }

    fn tell(&mut self, checked: Checked) -> Result<(), CommandError> {
        let told = self.ui.verbosity > Verbosity::Quiet || self.is_told(&checked);
        if self.format == OutputFormat::Table && told {
            if let (Some(store), false) = (self.store, self.is_store_named) {
                print(self.ui, &store_line(store))?;
                self.is_store_named = true;
            }
            print_states(self.ui, &report::line(&checked, self.store, self.ui.width))?;
        }
        self.checked.push(checked);
        Ok(())
    }

    /// Whether even `-q` says it.
    fn is_told(&self, checked: &Checked) -> bool {
        !checked.verified.is_good() || !checked.verified.warnings().is_empty() || self.is_unseen(checked)
    }

    /// Whether somebody wants to know of just this backup whether it is good, and it is not there to be looked at.
    /// Who asks for all that is stored does not mean what a prune takes meanwhile.
    fn is_unseen(&self, checked: &Checked) -> bool {
        checked.verified == Verified::Pruned && checked.task.is_some_and(|task| self.tasks.contains(&task))
    }
}

/// The folder of a part of a secure backup that should be there.
fn folder_of(row: &FileRow) -> Option<&Path> {
    match row.kind {
        FileKind::SecureBackup if row.kept && row.pruned_time.is_none() => row.path.parent(),
        _ => None,
    }
}

/// What is said of a file that a prune took.
fn pruned(row: &FileRow) -> Checked {
    let mut checked = described(row, Verified::Pruned);
    let shown = |at: Timestamp| on_clock(at, &TimeZone::system());
    checked.notes.extend(match (row.pruned_time, row.removal_time) {
        (Some(at), _) => Some(format!("removed from the store on {}", shown(at))),
        (None, Some(at)) => Some(format!("dpbackup prune has been removing it since {}", shown(at))),
        (None, None) => None,
    });
    if row.kept && row.path.symlink_metadata().is_ok() {
        checked
            .notes
            .push("something stands there all the same".to_owned());
    }
    checked
}

fn described(row: &FileRow, verified: Verified) -> Checked {
    Checked {
        path: row.path.clone(),
        kind: Some(row.kind.code()),
        task: Some(row.task),
        device: Some(row.device_name.clone()),
        domain: Some(row.domain_name.clone()),
        verified,
        notes: Vec::new(),
        certificate: None,
    }
}

/// What limited the verification of a file when it was stored: the bytes are compared with what was stored then.
fn limited(row: &FileRow) -> Option<String> {
    let by = row.proof.limit()?;
    Some(format!("when it was stored it could be verified by {by}"))
}
