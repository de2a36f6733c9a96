//! One task, in the order of its steps.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::artifact::archive::{self, Expected, Limits};
use crate::artifact::layout::{self, ExportKind};
use crate::artifact::manifest;
use crate::artifact::stage::{StageError, StageErrorKind, Staged};
use crate::artifact::stage_folder::StagedFolder;
use crate::gateway::backup::{RemoteFile, RemoteFolder, SecureBackupEnd};
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::gateway::facts::BackupMode;
use crate::gateway::quiesce::{Goal, Scope, ScopeState, Waited};
use crate::plan::model::{Action, Activity, Domains, OnUnchanged, PostScriptWhen};
use crate::run::Engine;
use crate::run::contact::Session;
use crate::run::event::{
    ALL_DOMAINS, Event, FileKind, JournalId, LedgerError, PlanId, Progress, ScriptMoment, ScriptOwner,
    StoredFile, TaskId, Undo,
};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::guard::{self, OpenQuiesce, Undone, undo_of, waiting};
use crate::run::record::Record;
use crate::run::script::{self, Due, Facts, TaskFacts};
use crate::run::status::{Class, Status};
use crate::run::store;
use crate::soma::error::{Kind, SomaError};
use crate::values::size::Bytes;

/// A task that is due.
#[derive(Clone, Copy, Debug)]
pub struct Task<'t> {
    /// Its execution.
    pub id: TaskId,
    /// The execution of its plan.
    pub plan: PlanId,
    /// The plan's name.
    pub plan_name: &'t str,
    /// The activity it belongs to.
    pub activity: &'t Activity,
    /// Its domain, or `all-domains`.
    pub domain: &'t str,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its final status.
    pub status: Status,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// Whether something on the way deserves a look.
    pub warned: bool,
    /// Whether the device could not be confirmed to be as it was found.
    pub still_quiesced: bool,
    /// Whether the device refused our login: it must not be tried again.
    pub login_refused: bool,
    /// What was stored.
    pub files: Vec<StoredFile>,
}

/// What the device has gone through, for the last words of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DeviceState {
    /// Nothing was asked of it but to tell and to export.
    Untouched,
    /// It was changed, and is back as it was found; in words.
    Restored(&'static str),
    /// Something of ours is left on it that does no harm; in words.
    Littered(String),
    /// It was quiesced, and cannot be confirmed to be back.
    StillQuiesced(String),
}

/// A task on its way.
struct Walk<'w, 'a, 'r> {
    engine: Engine<'a>,
    record: &'w mut Record<'r>,
    session: &'w mut Session<'a>,
    task: Task<'w>,
    state: DeviceState,
    /// The folder of a secure backup that is, or may be, on the device.
    leftover: Option<(JournalId, RemoteFolder)>,
    warned: bool,
    files: Vec<StoredFile>,
}

/// The record can no longer be written. The device has been put back before this is told.
#[derive(Debug)]
pub struct Aborted {
    /// Why.
    pub error: LedgerError,
    /// Whether the device could not be confirmed to be as it was found.
    pub still_quiesced: bool,
}

/// Walks one task.
pub fn run<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    session: &mut Session<'a>,
    task: Task<'_>,
) -> Result<Ended, Aborted> {
    let mut walk = Walk {
        engine,
        record,
        session,
        task,
        state: DeviceState::Untouched,
        leftover: None,
        warned: false,
        files: Vec::new(),
    };
    let outcome = match walk.steps() {
        Ok(()) => Ok(()),
        Err(Trouble::Failure(failure)) => Err(failure),
        Err(Trouble::Ledger(error)) => {
            return Err(Aborted {
                error,
                still_quiesced: walk.is_still_quiesced(),
            });
        }
    };
    let still_quiesced = walk.is_still_quiesced();
    walk.end(outcome).map_err(|error| Aborted {
        error,
        still_quiesced,
    })
}

impl<'w, 'a: 'w> Walk<'w, 'a, '_> {
    /// Steps 1 to 10.
    fn steps(&mut self) -> Result<(), Trouble> {
        self.validate()?;
        self.pre_script()?;
        let outcome = match self.scope() {
            Some(scope) => self.quiesced(&scope),
            None => self.protected(),
        };
        let removed = self.remove_leftover();
        outcome.and(removed)
    }

    fn is_still_quiesced(&self) -> bool {
        matches!(self.state, DeviceState::StillQuiesced(_))
    }

    /// What is quiesced, if anything.
    fn scope(&self) -> Option<Scope> {
        match (self.task.activity.quiesce, self.task.domain) {
            (false, _) | (true, DEFAULT_DOMAIN) => None,
            (true, ALL_DOMAINS) => Some(Scope::Device),
            (true, domain) => Some(Scope::Domain(domain.to_owned())),
        }
    }

    /// Steps 1 to 4: everything that can be known before anything is done.
    fn validate(&mut self) -> Result<(), Trouble> {
        self.record.task_status(self.task.id, Status::Validating)?;
        let settings = &self.engine.file.settings;
        store::is_mounted(settings)?;
        store::has_space(settings, Status::NotEnoughFreeSpaceInStore)?;
        let facts = self.session.facts()?.clone();
        self.record.tell(&Event::TaskFacts {
            task: self.task.id,
            facts,
        })?;
        let domains = self.domains()?;
        if self.task.activity.quiesce && self.task.domain == DEFAULT_DOMAIN {
            let owner = ScriptOwner::Task(self.task.id);
            self.record.note(
                owner,
                "the default domain cannot be quiesced: it is exported without",
            )?;
        }
        if let Some(scope) = self.scope() {
            self.refuse_if_quiesced(&scope, &domains)?;
        }
        match &self.task.activity.action {
            Action::ExportDomain { .. } => {
                let unsaved = self.unsaved_changes(&domains)?;
                self.record.tell(&Event::UnsavedChanges {
                    task: self.task.id,
                    unsaved,
                })?;
                Ok(())
            }
            Action::SecureBackup { certificate } => self.validate_secure_backup(certificate),
        }
    }

    fn domains(&self) -> Result<Vec<DomainStatus>, Failure> {
        self.session
            .gateway
            .domains()
            .map_err(|error| self.exchange(Status::DeviceError, &error))
    }

    fn exchange(&self, otherwise: Status, error: &SomaError) -> Failure {
        Failure::of_exchange(otherwise, &self.session.device.name, error)
    }

    /// Step 2. What we did not quiesce we never unquiesce.
    fn refuse_if_quiesced(&self, scope: &Scope, domains: &[DomainStatus]) -> Result<(), Failure> {
        let device = &self.session.device.name;
        let not_normal: Vec<String> = domains
            .iter()
            .filter(|domain| match scope {
                Scope::Device => true,
                Scope::Domain(name) => domain.name == *name,
            })
            .filter(|domain| domain.quiesce != QuiesceState::Normal)
            .map(|domain| format!("{} is {}", domain.name, domain.quiesce))
            .collect();
        if not_normal.is_empty() {
            return Ok(());
        }
        let status = match scope {
            Scope::Device => Status::DeviceHasQuiescedDomains,
            Scope::Domain(_) => Status::DomainAlreadyQuiesced,
        };
        let list = not_normal.join(", ");
        Err(Failure::new(
            status,
            format!(
                "{device}: {list} already, and not by this task; unquiesce it, or back up without quiesce"
            ),
        ))
    }

    /// Step 3: whether what runs differs from what is saved.
    fn unsaved_changes(&self, domains: &[DomainStatus]) -> Result<bool, Failure> {
        if self.task.domain == ALL_DOMAINS {
            return Ok(domains.iter().any(|domain| domain.save_needed));
        }
        match domains.iter().find(|domain| domain.name == self.task.domain) {
            Some(domain) => Ok(domain.save_needed),
            None => Err(Failure::new(
                Status::DeviceError,
                format!(
                    "{}: domain {} does not exist any more",
                    self.session.device.name, self.task.domain
                ),
            )),
        }
    }

    /// Step 4.
    fn validate_secure_backup(&mut self, certificate: &str) -> Result<(), Trouble> {
        let device = &self.session.device.name;
        let gateway = &self.session.gateway;
        let asked = |error: SomaError| self.exchange(Status::DeviceError, &error);
        match gateway.backup_mode().map_err(asked)? {
            Some(BackupMode::Secure) => {}
            Some(BackupMode::Normal) => {
                let why = format!(
                    "{device}: the device is not in secure-backup (disaster recovery) mode, which can only be chosen when it is initialized"
                );
                return Err(Failure::new(Status::DeviceNotInDrMode, why).into());
            }
            None => {
                let owner = ScriptOwner::Task(self.task.id);
                self.record.note(
                    owner,
                    "the device does not tell its backup mode; it is asked for a secure backup all the same",
                )?;
            }
        }
        let gateway = &self.session.gateway;
        if !gateway
            .has_certificate(certificate)
            .map_err(|error| self.exchange(Status::DeviceError, &error))?
        {
            let why = format!("{device}: the default domain holds no CryptoCertificate '{certificate}'");
            return Err(Failure::new(Status::CertDoesntExistOnDevice, why).into());
        }
        let Some(space) = gateway
            .space()
            .map_err(|error| self.exchange(Status::DeviceError, &error))?
        else {
            let owner = ScriptOwner::Task(self.task.id);
            self.record
                .note(owner, "the device does not tell the free space of temporary:")?;
            return Ok(());
        };
        let threshold = self.engine.file.settings.min_free_device;
        if threshold.is_met(space.free_temporary, space.total_temporary) {
            return Ok(());
        }
        let why = format!(
            "{device}: temporary: has {} free of {}; min_free_device asks for {}",
            Bytes(space.free_temporary),
            Bytes(space.total_temporary),
            Bytes(threshold.required(space.total_temporary))
        );
        Err(Failure::new(Status::NotEnoughFreeSpaceOnDevice, why).into())
    }

    /// Step 5.
    fn pre_script(&mut self) -> Result<(), Trouble> {
        let Some(path) = &self.task.activity.pre_script else {
            return Ok(());
        };
        self.record.task_status(self.task.id, Status::RunningPreScript)?;
        let due = Due {
            path,
            moment: ScriptMoment::Pre,
            facts: self.facts(),
        };
        let stop = self.engine.stop;
        let owner = ScriptOwner::Task(self.task.id);
        let end = script::run(self.engine, self.record, owner, &due, &|| stop.is_requested())?;
        if stop.is_requested() {
            return Err(Failure::interrupted("running the pre-task script").into());
        }
        if end.is_success() {
            return Ok(());
        }
        let why = format!("the pre-task script {}: {end}", path.display());
        Err(Failure::new(Status::TaskFailedPreScript, why).into())
    }

    fn facts(&self) -> Facts<'w> {
        let device = self.session.device;
        let mut facts = Facts::of_plan(
            self.task.plan,
            self.task.plan_name,
            &self.engine.file.settings.store,
        );
        facts.task = Some(TaskFacts {
            id: self.task.id.0,
            action: self.task.activity.kind().script_word(),
            device: &device.name,
            host: &device.host,
            port: device.port,
            domain: if self.task.domain == ALL_DOMAINS {
                "ALL"
            } else {
                self.task.domain
            },
        });
        facts
    }

    /// Steps 6 to 10: from the journal row on, every path leads through the undo.
    fn quiesced(&mut self, scope: &Scope) -> Result<(), Trouble> {
        let device = self.session.device.name.clone();
        // Asked again, so that nobody else's quiesce is taken for ours; then the row, without
        // which nothing is sent.
        let domains = self.domains()?;
        self.refuse_if_quiesced(scope, &domains)?;
        let journal = self
            .record
            .open_undo(self.engine.process, self.task.id, &device, &undo_of(scope))?;
        let outcome = match self.quiesce(scope) {
            Ok(()) => self.protected(),
            Err(trouble) => Err(trouble),
        };
        let unquiescing = self.record.task_status(self.task.id, Status::Unquiescing);
        let open = OpenQuiesce {
            journal,
            task: self.task.id,
            device: &device,
            scope,
        };
        let shielded = self.session.gateway.shielded();
        let (undone, recorded) = open.undo(shielded.as_ref(), &self.engine.file.settings, self.record);
        self.state = match &undone {
            Undone::Confirmed(how) => DeviceState::Restored(how),
            Undone::Not(why) => DeviceState::StillQuiesced(why.clone()),
        };
        // The first trouble is the one that counts.
        outcome?;
        unquiescing?;
        recorded?;
        match undone {
            Undone::Confirmed(_) => Ok(()),
            Undone::Not(why) => {
                let limit = humantime::format_duration(self.unquiesce_limit());
                let why = format!("{device}: {scope} was not unquiesced within {limit}: {why}");
                Err(Failure::new(Status::UnquiesceTimeout, why).into())
            }
        }
    }

    fn unquiesce_limit(&self) -> Duration {
        let settings = &self.engine.file.settings;
        settings.unquiesce_timeout + settings.quiesce_grace
    }

    /// Steps 6 and 7.
    fn quiesce(&mut self, scope: &Scope) -> Result<(), Trouble> {
        self.record.task_status(self.task.id, Status::Quiescing)?;
        let settings = &self.engine.file.settings;
        let device = self.session.device.name.as_str();
        let gateway = &self.session.gateway;
        let unknown = match gateway.quiesce(scope, settings.quiesce_timeout) {
            Ok(()) => None,
            Err(error) if error.leaves_outcome_unknown() => Some(error),
            Err(error) => return Err(self.exchange(Status::DeviceError, &error).into()),
        };
        if let Some(error) = unknown {
            // It may or may not have arrived: the device knows.
            let state = gateway.domains().map(|domains| scope.state(&domains));
            match state {
                Ok(ScopeState::Quiesced | ScopeState::Between(_)) => {}
                _ => return Err(self.exchange(Status::DeviceError, &error).into()),
            }
        }
        let limit = settings.quiesce_timeout + settings.quiesce_grace;
        let what = format!("{scope} to be quiesced");
        let waited = gateway.wait_until(
            scope,
            Goal::Quiesced,
            limit,
            &mut waiting(self.record, device, &what, limit),
        );
        self.record.show(&Progress::WaitEnded);
        match waited {
            Waited::Reached => Ok(()),
            Waited::Interrupted => Err(Failure::interrupted("waiting for the quiesce").into()),
            Waited::Failed(state) => {
                let why = format!("{device}: the device reports that quiescing failed: {scope} is {state}");
                Err(Failure::new(Status::DeviceError, why).into())
            }
            Waited::TimedOut(last) => {
                let last = match last {
                    Ok(state) => format!("{scope} is {state}"),
                    Err(error) => words(&error),
                };
                let limit = humantime::format_duration(limit);
                let why = format!("{device}: {scope} was not quiesced within {limit}: {last}");
                Err(Failure::new(Status::QuiesceTimeout, why).into())
            }
        }
    }

    /// Step 8, where a panic is a failure like any other: what was done is undone.
    fn protected(&mut self) -> Result<(), Trouble> {
        match catch_unwind(AssertUnwindSafe(|| self.back_up())) {
            Ok(outcome) => outcome,
            Err(panic) => {
                let why = format!(
                    "internal error (please report it): {}",
                    panic_words(panic.as_ref())
                );
                Err(Failure::new(Status::BackupFailed, why).into())
            }
        }
    }

    /// Step 8.
    fn back_up(&mut self) -> Result<(), Trouble> {
        match &self.task.activity.action {
            Action::SecureBackup { certificate } => self.secure_backup(certificate),
            Action::ExportDomain { domains } => {
                let listed = self.domains()?;
                let expected = match domains {
                    Domains::All => Expected::AllDomains(Some(
                        listed
                            .iter()
                            .map(|domain| domain.name.clone())
                            .collect::<BTreeSet<_>>(),
                    )),
                    Domains::Matching(_) => Expected::domain(self.task.domain),
                };
                let unsaved = self.unsaved_changes(&listed)?;
                self.export(FileKind::Persisted, &expected)?;
                if unsaved {
                    self.export(FileKind::NonPersisted, &expected)?;
                }
                Ok(())
            }
        }
    }

    /// One export: streamed, verified, published.
    fn export(&mut self, kind: FileKind, expected: &Expected) -> Result<(), Trouble> {
        let settings = &self.engine.file.settings;
        let device = self.session.device.name.clone();
        let export_kind = match kind {
            FileKind::NonPersisted => ExportKind::NonPersisted,
            FileKind::Persisted | FileKind::SecureBackup => ExportKind::Persisted,
        };
        let clock = self.engine.clock;
        let path = layout::export_path(
            &settings.store,
            &device,
            self.task.domain,
            clock.now(),
            &clock.zone(),
            export_kind,
        );
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let outcome = self.export_to(kind, expected, &path, &name);
        if let Err(Trouble::Failure(failure)) = &outcome {
            let (name, error) = (name, failure.message.clone());
            self.record.tell(&Event::FileFailed {
                task: self.task.id,
                name,
                error,
            })?;
        }
        outcome
    }

    fn export_to(
        &mut self,
        kind: FileKind,
        expected: &Expected,
        path: &Path,
        name: &str,
    ) -> Result<(), Trouble> {
        let settings = &self.engine.file.settings;
        let device = self.session.device.name.clone();
        self.record.task_status(self.task.id, Status::BackingUp)?;
        let mut staged = Staged::create(&settings.store, path).map_err(|error| storage(&error))?;
        let downloaded = {
            let (record, task) = (&mut *self.record, self.task.id);
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
            let persisted = kind == FileKind::Persisted;
            let downloaded =
                self.session
                    .gateway
                    .export(&[self.task.domain], persisted, &mut staged, &mut progress);
            record.show(&Progress::DownloadEnded);
            let begun = begun?;
            downloaded.map_err(|error| (begun, error))
        };
        downloaded.map_err(|(begun, error)| {
            let passing = error.is_passing() || error.kind == Kind::NotManagement;
            let status = if begun && passing {
                Status::DownloadFailed
            } else {
                Status::BackupFailed
            };
            self.exchange(status, &error)
        })?;
        let sealed = staged.finish().map_err(|error| storage(&error))?;
        self.record.task_status(self.task.id, Status::Verifying)?;
        let scratch = path.parent().unwrap_or(Path::new("."));
        let report =
            archive::verify(sealed.file(), scratch, expected, &Limits::default()).map_err(|error| {
                let why = format!("{device}: {name} is not good: {}", chain(&error));
                Failure::new(Status::VerificationFailed, why)
            })?;
        for warning in &report.warnings {
            self.warn(format!("{name}: {warning}"))?;
        }
        let same = self.record.last_content(&device, self.task.domain, kind)?;
        let unchanged_since = same
            .filter(|(content, _)| *content == report.content)
            .map(|(_, since)| since);
        let (size, sha256) = (sealed.size, sealed.sha256.clone());
        let kept = unchanged_since.is_none() || settings.on_unchanged == OnUnchanged::Store;
        if kept {
            sealed.publish().map_err(|error| storage(&error))?;
        } else {
            drop(sealed);
        }
        let file = StoredFile {
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
        };
        self.files.push(file.clone());
        self.record.tell(&Event::FileStored {
            task: self.task.id,
            file,
        })?;
        Ok(())
    }

    /// A secure backup: made on the device, downloaded part by part, verified, published.
    fn secure_backup(&mut self, certificate: &str) -> Result<(), Trouble> {
        let device = self.session.device.name.clone();
        let clock = self.engine.clock;
        self.record.task_status(self.task.id, Status::BackingUp)?;
        let stamp = clock.now().strftime("%Y%m%d%H%M%S").to_string();
        let folder = RemoteFolder::named(&format!("dpbackup-{stamp}-{}", self.task.id.0));
        let undo = Undo::RemoveFolder(folder.url().to_owned());
        let journal = self
            .record
            .open_undo(self.engine.process, self.task.id, &device, &undo)?;
        self.leftover = Some((journal, folder.clone()));
        match self.session.gateway.secure_backup(certificate, &folder) {
            Ok(()) => {}
            Err(error) if error.leaves_outcome_unknown() && error.kind != Kind::Interrupted => {
                if !self.secure_backup_runs(&folder) {
                    return Err(self.exchange(Status::BackupFailed, &error).into());
                }
            }
            Err(error) => return Err(self.exchange(Status::BackupFailed, &error).into()),
        }
        let limit = self.session.gateway.timeouts().secure_backup;
        let end = self.session.gateway.wait_for_secure_backup(
            &folder,
            limit,
            &mut waiting(self.record, &device, "the secure backup to be ready", limit),
        );
        self.record.show(&Progress::WaitEnded);
        let files = match end.map_err(|error| self.exchange(Status::BackupFailed, &error))? {
            SecureBackupEnd::Ready(files) => files,
            SecureBackupEnd::Interrupted => {
                return Err(Failure::interrupted("waiting for the secure backup").into());
            }
            SecureBackupEnd::TimedOut => {
                let limit = humantime::format_duration(limit);
                let why = format!(
                    "{device}: the secure backup was not ready within {limit} (its manifest is not there)"
                );
                return Err(Failure::new(Status::BackupFailed, why).into());
            }
        };
        self.fetch_secure_backup(&folder, &files)
    }

    /// Whether a secure backup whose request got no clear answer is under way.
    fn secure_backup_runs(&self, folder: &RemoteFolder) -> bool {
        let busy = self.session.gateway.domains().is_ok_and(|domains| {
            domains.iter().any(|domain| {
                domain.name == DEFAULT_DOMAIN && domain.current_command.contains("secure-backup")
            })
        });
        busy || self
            .session
            .gateway
            .folder(folder)
            .is_ok_and(|files| files.is_some())
    }

    fn fetch_secure_backup(&mut self, folder: &RemoteFolder, files: &[RemoteFile]) -> Result<(), Trouble> {
        let settings = &self.engine.file.settings;
        let device = self.session.device.name.clone();
        let clock = self.engine.clock;
        self.record.task_status(self.task.id, Status::Downloading)?;
        let path = layout::secure_backup_dir(&settings.store, &device, clock.now(), &clock.zone());
        let staged = StagedFolder::create(&settings.store, &path).map_err(|error| storage(&error))?;
        let mut sealed = Vec::new();
        for file in files {
            match self.fetch_part(folder, file, &staged) {
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
        self.record.task_status(self.task.id, Status::Verifying)?;
        let report = manifest::verify(staged.path()).map_err(|error| {
            let why = format!("{device}: the secure backup is not good: {}", chain(&error));
            Failure::new(Status::VerificationFailed, why)
        })?;
        for warning in report.warnings {
            self.warn(warning)?;
        }
        let place = staged.publish().map_err(|error| storage(&error))?;
        for part in sealed {
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
            };
            self.files.push(file.clone());
            self.record.tell(&Event::FileStored {
                task: self.task.id,
                file,
            })?;
        }
        Ok(())
    }

    /// Fetches one part. Reading a file can be tried again, each time from its start.
    fn fetch_part(
        &mut self,
        folder: &RemoteFolder,
        file: &RemoteFile,
        staged: &StagedFolder,
    ) -> Result<crate::artifact::stage_folder::SealedPart, Trouble> {
        let (record, gateway, device) = (
            &mut *self.record,
            &self.session.gateway,
            &self.session.device.name,
        );
        if !file.has_plain_name() {
            let why = format!(
                "{device}: the secure backup holds a file with an unsafe name, {:?}",
                file.name
            );
            return Err(Failure::new(Status::VerificationFailed, why).into());
        }
        let mut unstaged: Option<StageError> = None;
        let fetched = gateway.retried(|| {
            let mut part = match staged.part(&file.name) {
                Ok(part) => part,
                Err(error) => {
                    let told = SomaError::new(Kind::Local(error.source.kind()), chain(&error));
                    unstaged = Some(error);
                    return Err(told);
                }
            };
            let mut progress = |bytes| {
                let (device, name) = (device.clone(), file.name.clone());
                record.show(&Progress::Downloaded {
                    device,
                    name,
                    bytes,
                    total: file.size,
                });
            };
            gateway.fetch(folder, &file.name, &mut part, &mut progress)?;
            Ok(part)
        });
        record.show(&Progress::DownloadEnded);
        if let Some(error) = unstaged {
            return Err(storage(&error).into());
        }
        let part = fetched.map_err(|error| Failure::of_exchange(Status::DownloadFailed, device, &error))?;
        Ok(part.finish().map_err(|error| storage(&error))?)
    }

    /// Removes the folder of a secure backup from the device, whatever came of it. A
    /// failure is a warning: the journal remembers the folder.
    fn remove_leftover(&mut self) -> Result<(), Trouble> {
        let Some((journal, folder)) = self.leftover.take() else {
            return Ok(());
        };
        let removed = match self.session.gateway.shielded() {
            Ok(gateway) => guard::remove_folder(&gateway, journal, &folder, self.record)?,
            Err(error) => Err(error),
        };
        let was_untouched = self.state == DeviceState::Untouched;
        match removed {
            Ok(()) if was_untouched => self.state = DeviceState::Restored("nothing left on the device"),
            Ok(()) => {}
            Err(error) => {
                let left = format!(
                    "{} is still on the device; dpbackup recover removes it",
                    folder.url()
                );
                self.warn(format!(
                    "{}: {left} ({})",
                    self.session.device.name,
                    words(&error)
                ))?;
                if was_untouched {
                    self.state = DeviceState::Littered(left);
                }
            }
        }
        Ok(())
    }

    fn warn(&mut self, message: String) -> Result<(), LedgerError> {
        self.warned = true;
        self.record.warn(ScriptOwner::Task(self.task.id), message)
    }

    /// Step 11, and the last words.
    fn end(mut self, outcome: Result<(), Failure>) -> Result<Ended, LedgerError> {
        let login_refused =
            matches!(&outcome, Err(failure) if failure.status == Status::AuthenticationFailed);
        let (status, error) = match outcome {
            Ok(()) => (Status::Success, None),
            Err(failure) => (failure.status, Some(self.with_device_state(&failure))),
        };
        let failed = status.class() == Class::Failed;
        let due = match self.task.activity.post_script_when {
            PostScriptWhen::Always => true,
            PostScriptWhen::OnFailure => failed,
        };
        if let Some(path) = self.task.activity.post_script.as_deref().filter(|_| due) {
            self.post_script(path, status, error.as_deref())?;
        }
        self.record.tell(&Event::TaskEnded {
            task: self.task.id,
            status,
            error: error.clone(),
        })?;
        Ok(Ended {
            status,
            error,
            warned: self.warned,
            still_quiesced: self.is_still_quiesced(),
            login_refused,
            files: self.files,
        })
    }

    fn with_device_state(&self, failure: &Failure) -> String {
        let state = match &self.state {
            DeviceState::Untouched => "device untouched".to_owned(),
            DeviceState::Restored(how) => (*how).to_owned(),
            DeviceState::Littered(left) => left.clone(),
            DeviceState::StillQuiesced(why) if failure.message.contains(why.as_str()) => {
                STILL_QUIESCED.to_owned()
            }
            DeviceState::StillQuiesced(why) => format!("{why}; {STILL_QUIESCED}"),
        };
        format!("{}; {state}", failure.message)
    }

    fn post_script(&mut self, path: &Path, status: Status, error: Option<&str>) -> Result<(), LedgerError> {
        let stop = self.engine.stop;
        if stop.is_urgent() {
            return self.warn(format!(
                "the post-task script {} was skipped: a second signal came",
                path.display()
            ));
        }
        self.record.task_status(self.task.id, Status::RunningPostScript)?;
        let facts = self.facts().ended(status, error).with_files(&self.files);
        let due = Due {
            path,
            moment: ScriptMoment::Post,
            facts,
        };
        let owner = ScriptOwner::Task(self.task.id);
        let end = script::run(self.engine, self.record, owner, &due, &|| stop.is_urgent())?;
        if end.is_success() {
            return Ok(());
        }
        self.warn(format!("the post-task script {}: {end}", path.display()))
    }
}

/// The last words of an error that somebody must act on.
pub const STILL_QUIESCED: &str = "STILL QUIESCED: run dpbackup recover";

fn storage(error: &StageError) -> Failure {
    let status = match error.kind {
        StageErrorKind::NoSpace => Status::NotEnoughFreeSpaceInStore,
        _ => Status::DownloadFailed,
    };
    Failure::new(status, format!("the store: {}", chain(error)))
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
