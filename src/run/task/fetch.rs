//! How a secure backup that is on the device gets into the store: part by part, verified, published.

use std::time::Duration;

use crate::artifact::error::StoreError;
use crate::artifact::layout;
use crate::artifact::manifest::{self, FolderError, VerifiedFolder};
use crate::artifact::stage_folder::{SealedPart, StagedFolder};
use crate::gateway::Gateway;
use crate::gateway::folder::{RemoteFile, RemoteFolder};
use crate::run::event::{Event, FileKind, FileProof, Owner, Progress, StoredFile};
use crate::run::failure::{AGAIN, Failure, Trouble};
use crate::run::ledger::LedgerError;
use crate::run::status::Status;
use crate::run::store;
use crate::run::task::Walk;
use crate::run::undo::waiting;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::values::causes::with_causes;

impl Walk<'_, '_, '_> {
    /// Downloads it part by part, verifies and publishes it.
    pub(super) fn fetch_secure_backup(
        &mut self,
        folder: &RemoteFolder,
        files: &[RemoteFile],
    ) -> Result<(), Trouble> {
        let settings = &self.engine.file.settings;
        let (device, clock) = (&self.session.device.name, self.engine.clock);
        self.record.task_status(self.task.id, Status::Downloading)?;
        let path = layout::secure_backup_dir(settings.store.folder(), device, clock.now(), &clock.zone());
        let staged = StagedFolder::create(settings.store.folder(), &path)
            .map_err(|error| self.storage(&error))?
            .within(store::allowance(settings));
        let sealed = self.fetch_parts(folder, files, &staged)?;
        self.record.task_status(self.task.id, Status::Verifying)?;
        self.store_is_there()?;
        let report = self.verified(&staged, &sealed)?;
        let place = staged.publish(&sealed).map_err(|error| self.storage(&error))?;
        for part in sealed {
            let proof = match &part.name {
                name if report.size_only.contains(name) => FileProof::SizeOnly,
                name if report.name_only.contains(name) => FileProof::NameOnly,
                _ => FileProof::Whole,
            };
            let file = StoredFile {
                path: place.join(&part.file_name),
                name: part.name,
                kind: FileKind::SecureBackup,
                kept: true,
                size: part.size,
                sha256: part.sha256,
                entries: None,
                objects: None,
                content: None,
                unchanged_since: None,
                proof,
                lacks: None,
            };
            self.files.push(file.clone());
            self.record.tell(&Event::FileStored {
                task: self.task.id,
                file,
            })?;
        }
        Ok(())
    }

    /// Fetches every part. The one at which it fails is told.
    fn fetch_parts(
        &mut self,
        folder: &RemoteFolder,
        files: &[RemoteFile],
        staged: &StagedFolder,
    ) -> Result<Vec<SealedPart>, Trouble> {
        let mut sealed = Vec::new();
        for file in files {
            match self.fetch_part(folder, file, staged) {
                Ok(part) => sealed.push(part),
                Err(Trouble::Failure(failure)) => {
                    let (name, error) = (file.name.clone(), failure.message.clone());
                    self.record.tell(&Event::FileFailed {
                        task: self.task.id,
                        name,
                        error,
                    })?;
                    return Err(failure.into());
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(sealed)
    }

    /// What the manifest of a fetched backup proves of its parts. It is read by the names of files, and others can reach
    /// those: what is wrong with it is the device's where each part is still, byte for byte, what arrived.
    fn verified(&mut self, staged: &StagedFolder, arrived: &[SealedPart]) -> Result<VerifiedFolder, Trouble> {
        let report = manifest::verify(staged.path()).map_err(|error| match error {
            // That says nothing about what the device sent.
            FolderError::Read { path, source } => self.storage(&StoreError::new("read", &path, source)),
            FolderError::Manifest(_) | FolderError::Invalid(_) => match staged.is_as_written(arrived) {
                Err(changed) => self.storage(&changed),
                Ok(()) => {
                    let device = &self.session.device.name;
                    let why = format!(
                        "{device}: the secure backup is not good: {}; {AGAIN}",
                        with_causes(&error)
                    );
                    Failure::new(Status::VerificationFailed, why)
                }
            },
        })?;
        for warning in &report.warnings {
            self.warn(warning.clone())?;
        }
        for note in &report.notes {
            self.record.note(Owner::Task(self.task.id), note)?;
        }
        Ok(report)
    }

    /// Warns of what the device said beside a file that it gave: no more came of it by its own word, maybe.
    pub(super) fn warn_of_words(&mut self, name: &str, said: Option<&str>) -> Result<(), LedgerError> {
        let Some(said) = said else {
            return Ok(());
        };
        let device = &self.session.device.name;
        self.warn(format!(
            "{device} gave {name} and said beside it {said}: whether something is missing in it is not known"
        ))
    }

    /// Fetches one part. Reading a file can be tried again, each time from its start.
    fn fetch_part(
        &mut self,
        folder: &RemoteFolder,
        file: &RemoteFile,
        staged: &StagedFolder,
    ) -> Result<SealedPart, Trouble> {
        let (record, gateway, device) = (
            &mut *self.record,
            &self.session.gateway,
            &self.session.device.name,
        );
        if !file.has_plain_name() {
            return Err(unsafe_name(device, file).into());
        }
        let mut unstaged: Option<StoreError> = None;
        let mut file = file.clone();
        let fetched = gateway.retried(|| {
            let mut part = staged.part(&file.name).map_err(|error| {
                let told = SomaError::new(SomaErrorKind::Local(error.source.kind()), with_causes(&error));
                unstaged = Some(error);
                told
            })?;
            let limit = gateway.timeouts().export;
            waiting(record, device, &format!("the file {}", file.name), limit)(Duration::ZERO);
            let mut progress = |bytes| {
                let (device, name) = (device.clone(), file.name.clone());
                record.show(&Progress::Downloaded {
                    device,
                    name,
                    bytes,
                    total: file.size,
                });
            };
            match gateway.fetch(folder, &file, &mut part, &mut progress) {
                Ok(said) => Ok((part, said)),
                Err(error) => {
                    // Half a part must not stand in the way of the next attempt.
                    unstaged = staged.discard(part).err();
                    if let Some(now) = as_listed_now(gateway, folder, &file.name) {
                        file = now;
                    }
                    Err(error)
                }
            }
        });
        record.show(&Progress::DownloadEnded);
        if let Some(error) = unstaged {
            return Err(self.storage(&error).into());
        }
        let fetched = fetched.map_err(|error| Failure::of_exchange(Status::DownloadFailed, device, &error));
        let (part, said) = fetched?;
        self.warn_of_words(&file.name, said.as_deref())?;
        Ok(part.finish().map_err(|error| self.storage(&error))?)
    }
}

fn unsafe_name(device: &str, file: &RemoteFile) -> Failure {
    let why = format!(
        "{device}: the secure backup holds a file with an unsafe name, {:?}",
        file.name
    );
    Failure::new(Status::VerificationFailed, why)
}

/// A file as the device lists it now: it may have grown since; whether it is whole, its manifest tells.
fn as_listed_now(gateway: &Gateway, folder: &RemoteFolder, name: &str) -> Option<RemoteFile> {
    let files = gateway.folder(folder).ok().flatten().unwrap_or_default();
    files.into_iter().find(|file| file.name == name)
}
