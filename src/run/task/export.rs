//! Step 8 for domains: an export, streamed to disk, verified, published.

use std::path::Path;
use std::time::Duration;

use crate::artifact::archive::{self, Expected, Limits, VerifiedArchive, VerifyError};
use crate::artifact::error::StoreError;
use crate::artifact::handed_file::HandedFile;
use crate::artifact::layout::{self, ExportKind};
use crate::artifact::recheck::Recorded;
use crate::artifact::removal::{self, FileFound};
use crate::artifact::stage::{Sealed, Staged};
use crate::plan::model::OnUnchanged;
use crate::run::event::{Event, FileKind, FileProof, Owner, Progress, StoredFile};
use crate::run::failure::{AGAIN, Failure, Trouble};
use crate::run::ledger::{KeptFile, LedgerError};
use crate::run::same_device::other_serials;
use crate::run::status::Status;
use crate::run::store;
use crate::run::task::changed::StoredExport;
use crate::run::task::{ArrivedExport, Begun, Walk};
use crate::run::undo;
use crate::soma::error::SomaErrorKind;
use crate::soma::request::ExportedConfiguration;
use crate::threads::{self, DISK_ANSWERS_WITHIN};
use crate::values::causes::said;

impl Walk<'_, '_, '_> {
    /// One export, down to its last byte: the device is not needed for it any more.
    pub(super) fn fetch_export(&mut self, kind: ExportKind) -> Result<ArrivedExport, Trouble> {
        let settings = &self.engine.file.settings;
        let clock = self.engine.clock;
        let path = layout::export_path(
            settings.store.folder(),
            &self.session.device.name,
            self.task.domain,
            clock.now(),
            &clock.zone(),
            kind,
        );
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        match self.download_export(kind, &path, &name) {
            Ok((staged, beside)) => Ok(ArrivedExport {
                kind: kind_of_file(kind),
                staged,
                path,
                name,
                beside,
            }),
            Err(trouble) => Err(self.export_failed(&name, trouble)),
        }
    }

    /// Verifies what has arrived, and publishes it.
    pub(super) fn keep_export(
        &mut self,
        arrived: ArrivedExport,
        expected: &Expected,
    ) -> Result<StoredExport, Trouble> {
        let name = arrived.name.clone();
        let mut domains = self.session.domains.iter();
        let status = domains.find(|status| status.name == self.task.domain);
        let mode = status.and_then(|status| status.failsafe.clone());
        if let Some(mode) = mode.filter(|_| arrived.kind == FileKind::Persisted) {
            let why =
                format!("the domain ran in failsafe mode ({mode}): this is a configuration of last resort");
            self.record.note(Owner::Task(self.task.id), why)?;
        }
        let kept = self.verify_and_publish(arrived, expected);
        kept.map_err(|trouble| self.export_failed(&name, trouble))
    }

    /// Tells of a file that could not be had.
    fn export_failed(&mut self, name: &str, trouble: Trouble) -> Trouble {
        let Trouble::Failure(failure) = trouble else {
            return trouble;
        };
        let told = self.record.tell(&Event::FileFailed {
            task: self.task.id,
            name: name.to_owned(),
            error: failure.message.clone(),
        });
        match told {
            Ok(()) => failure.into(),
            Err(error) => error.into(),
        }
    }

    /// The export, and what the device says beside it.
    fn download_export(
        &mut self,
        kind: ExportKind,
        path: &Path,
        name: &str,
    ) -> Result<(HandedFile, Option<String>), Trouble> {
        let device = self.session.device.name.clone();
        let meant = self.session.serial()?;
        self.record.task_status(self.task.id, Status::BackingUp)?;
        let mut staged = self.stage(path).map_err(|error| self.storage(&error))?;
        let downloaded = {
            let (record, task) = (&mut *self.record, self.task.id);
            // The device says nothing until it has made the archive.
            let limit = self.session.gateway.timeouts().export;
            let what = format!("the export of {}", self.task.domain);
            undo::waiting(record, &device, &what, limit)(Duration::ZERO);
            let mut begun: Result<bool, LedgerError> = Ok(false);
            let mut progress = |bytes| {
                if matches!(begun, Ok(false)) {
                    begun = record.task_status(task, Status::Downloading).map(|()| true);
                }
                record.show(&Progress::Downloaded {
                    device: device.clone(),
                    name: name.to_owned(),
                    bytes,
                    total: None,
                });
            };
            let configuration = match kind {
                ExportKind::Persisted => ExportedConfiguration::Persisted,
                ExportKind::NonPersisted => ExportedConfiguration::Running,
            };
            let downloaded = self.session.gateway.export(
                &[self.task.domain],
                configuration,
                meant.as_deref(),
                &mut staged,
                &mut progress,
            );
            record.show(&Progress::DownloadEnded);
            let begun = begun?;
            downloaded.map_err(|error| (begun, error))
        };
        let beside = downloaded.map_err(|(begun, error)| {
            if let (SomaErrorKind::Local(_), Some(trouble)) = (error.kind, staged.trouble()) {
                return self.storage(trouble);
            }
            let passing = error.is_passing() || error.kind == SomaErrorKind::NotManagement;
            let status = if begun && passing {
                Status::DownloadFailed
            } else {
                Status::BackupFailed
            };
            self.exchange(status, &error)
        })?;
        Ok((staged, beside))
    }

    /// Begins the file of an export. While the device waits, nothing here waits for the disk of the store.
    fn stage(&self, path: &Path) -> Result<HandedFile, StoreError> {
        let settings = &self.engine.file.settings;
        let (store, place, allowance) = (
            settings.store.folder().to_owned(),
            path.to_owned(),
            store::allowance(settings),
        );
        let make = move || {
            let staged = Staged::create(&store, &place)?;
            Ok(staged.within(allowance).worked_on_beside(threads::start))
        };
        match self.quiesce.begun {
            Begun::No => Ok(HandedFile::here(make()?, path)),
            Begun::Sent { .. } | Begun::Seen { .. } | Begun::SeenInPart { .. } => {
                HandedFile::away(threads::start, DISK_ANSWERS_WITHIN, path, make)
            }
        }
    }

    fn verify_and_publish(
        &mut self,
        arrived: ArrivedExport,
        expected: &Expected,
    ) -> Result<StoredExport, Trouble> {
        let ArrivedExport {
            kind,
            staged,
            path,
            name,
            beside,
        } = arrived;
        self.warn_of_words(&name, beside.as_deref())?;
        let (path, name) = (path.as_path(), name.as_str());
        let settings = &self.engine.file.settings;
        let device = self.session.device.name.clone();
        self.store_is_there()?;
        let sealed = staged.back().and_then(Staged::finish);
        let sealed = sealed.map_err(|error| self.storage(&error))?;
        let report = self.verified_export(&sealed, (path, name), expected)?;
        let lacks = report.lacks();
        let before = self.record.last_content(&device, self.task.domain, kind)?;
        let same = before.as_ref().filter(|last| last.content == report.content);
        let unchanged_since = same.map(|last| last.since);
        let (size, sha256) = (sealed.size, sealed.sha256.clone());
        // Without a file that holds the same, this one is the only backup.
        let kept = match (settings.on_unchanged, same) {
            (OnUnchanged::Store, _) | (OnUnchanged::Skip, None) => true,
            (OnUnchanged::Skip, Some(last)) => !self.stands(&last.kept)?,
        };
        let file = sealed.file().try_clone().map_err(|error| said(&error));
        if kept {
            sealed.publish().map_err(|error| self.storage(&error))?;
        } else {
            drop(sealed);
        }
        let stored = StoredFile {
            name: name.to_owned(),
            kind,
            path: path.to_owned(),
            kept,
            size,
            sha256,
            entries: Some(report.entries),
            objects: Some(report.objects),
            content: Some(report.content),
            unchanged_since,
            proof: FileProof::Whole,
            lacks: Some(lacks),
        };
        self.files.push(stored.clone());
        self.record.tell(&Event::FileStored {
            task: self.task.id,
            file: stored,
        })?;
        Ok(StoredExport {
            kind,
            name: name.to_owned(),
            file,
            is_same: unchanged_since.is_some(),
            before,
        })
    }

    /// What verification proves of an export, with all that is to be said of it.
    fn verified_export(
        &mut self,
        sealed: &Sealed,
        (path, name): (&Path, &str),
        expected: &Expected,
    ) -> Result<VerifiedArchive, Trouble> {
        self.record.task_status(self.task.id, Status::Verifying)?;
        let scratch = path.parent().unwrap_or(Path::new("."));
        let (ahead, limits) = (sealed.ahead(), Limits::default());
        let report =
            archive::verify_knowing(ahead, sealed.file(), scratch, expected, &limits).map_err(|error| {
                match error {
                    VerifyError::Invalid(invalid) => {
                        let device = &self.session.device.name;
                        let why = format!("{device}: {name} is not good: {invalid}; {AGAIN}");
                        Failure::new(Status::VerificationFailed, why)
                    }
                    // That says nothing about what the device sent.
                    VerifyError::Read(source) => self.storage(&StoreError::new("read", path, source)),
                    VerifyError::Scratch(source) => self.storage(&StoreError::new("unpack", path, source)),
                }
            })?;
        for warning in &report.warnings {
            self.warn(format!("{name}: {warning}"))?;
        }
        for note in report.lacks().notes() {
            let note = format!("{name}: {note}");
            self.record.note(Owner::Task(self.task.id), &note)?;
        }
        self.tell_other_gateway(name, report.serial_number.as_deref())?;
        Ok(report)
    }

    /// Tells that an export says it is of another gateway than the one that answered when the plan began: behind one
    /// address there may be several.
    fn tell_other_gateway(&mut self, name: &str, exported: Option<&str>) -> Result<(), Trouble> {
        let told = self.session.serial()?;
        let Some((told, exported)) = other_serials(told.as_deref(), exported) else {
            return Ok(());
        };
        let device = &self.session.device.name;
        let warning = format!(
            "{name} is of the gateway with serial number {exported} by its own words, and {device} told {told}: does its \
             address lead to several gateways?"
        );
        Ok(self.warn(warning)?)
    }

    /// Whether one of these files is known to stand in the store, byte by byte as it was stored. One that
    /// is there and is not, or could not be read, is a warning.
    fn stands(&mut self, kept: &[KeptFile]) -> Result<bool, LedgerError> {
        let store = self.engine.file.settings.store.folder();
        // What was left in a former store is as it was, and no help to who restores from this one.
        for file in kept.iter().filter(|file| file.path.starts_with(store)) {
            let recorded = Recorded {
                path: &file.path,
                size: file.size,
                sha256: &file.sha256,
                entries: None,
                objects: None,
            };
            let verify = self.engine.file.invocation.command(["verify", "--all"]);
            let what = match FileFound::of_parts(&removal::compare(store, &[recorded])) {
                FileFound::Same => return Ok(true),
                FileFound::Gone | FileFound::Partly => continue,
                FileFound::Changed(why) => {
                    format!("is not as it was stored any more ({why}); {verify} says what else is not")
                }
                FileFound::Unread(why) => format!(
                    "could not be read ({why}): whether it is as it was stored is not known; {verify} says what else \
                     cannot be read"
                ),
            };
            self.warn(format!(
                "{}, {}: {}, which was kept for what has not changed since, {what}",
                self.session.device.name,
                self.task.domain,
                file.path.display(),
            ))?;
        }
        Ok(false)
    }
}

/// As which kind the file of an export is stored.
fn kind_of_file(kind: ExportKind) -> FileKind {
    match kind {
        ExportKind::Persisted => FileKind::Persisted,
        ExportKind::NonPersisted => FileKind::NonPersisted,
    }
}
