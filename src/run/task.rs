//! One task, in the order of its steps.

pub mod before;
mod certificate;
mod changed;
mod export;
mod quiesce;
mod secure_backup;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::artifact::archive::Expected;
use crate::artifact::error::StoreError;
use crate::artifact::layout;
use crate::artifact::stage::Staged;
use crate::gateway::backup::{RemoteFile, RemoteFolder};
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus};
use crate::gateway::quiesce::Scope;
use crate::plan::model::{Action, Activity, Domains, PostScriptWhen};
use crate::run::Engine;
use crate::run::event::{
    ALL_DOMAINS, Event, FileKind, JournalId, OutOfService, Owner, PlanId, ScriptMoment, StoredFile, TaskId,
};
use crate::run::failure::{Failure, Trouble};
use crate::run::ledger::{LedgerError, Reply};
use crate::run::record::Record;
use crate::run::script::{self, ConfigFacts, Due, Facts, TaskFacts};
use crate::run::session::Session;
use crate::run::status::{Class, Status};
use crate::run::store;
use crate::soma::error::SomaError;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::internal_error::caught;

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
    /// What on the way deserves a look, a sentence each.
    pub warnings: Vec<String>,
    /// Whether the device refused our login: it must not be tried again.
    pub login_refused: bool,
    /// What was stored.
    pub files: Vec<StoredFile>,
    /// How long its device or domain was out of service.
    pub out_of_service: OutOfService,
    /// What was found out about the configuration.
    pub configuration: ConfigFacts,
}

/// What the device has gone through, for the last words of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DeviceState {
    /// Nothing was asked of it but to tell and to export.
    Untouched,
    /// It was changed, and what was done was undone; how that was confirmed, in words.
    PutBack(String),
    /// Something of ours is left on it that does no harm; in words.
    Littered(String),
    /// It was quiesced, and cannot be confirmed to be back.
    StillQuiesced(String),
    /// Whether it was quiesced, or will be, cannot be told; why, in words.
    NotKnown(String),
}

/// How far the quiesce of a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// Nothing was sent, or the device has proved that nothing was begun.
    No,
    /// It was sent, at this time of the clock, and nothing of it was seen.
    Sent {
        /// How the device answered.
        reply: Reply,
        /// When the answer came, or was given up.
        at: Duration,
    },
    /// The device was seen to do it.
    Seen,
}

/// An export whose last byte has arrived, and which nobody has looked at yet.
struct ArrivedExport {
    kind: FileKind,
    staged: Staged,
    path: PathBuf,
    name: String,
}

/// What the device has made: from here on it is not needed as it was for it.
enum Made {
    /// One export, or two where changes are not saved.
    Exports {
        expected: Expected,
        saved: Box<ArrivedExport>,
        /// Whether there are unsaved changes, where the device says so.
        unsaved: Option<bool>,
        running: Option<Box<Result<ArrivedExport, Trouble>>>,
    },
    /// A secure backup that stands on the device.
    SecureBackup {
        folder: RemoteFolder,
        files: Vec<RemoteFile>,
    },
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
    /// What its secure backup is encrypted for, once that is known.
    certificate: Option<CertificateFacts>,
    /// How the request that makes it was answered, where nothing of it was seen: it may be on its way still.
    unseen_reply: Option<Reply>,
    /// Whether that folder holds a whole secure backup of which no verified copy is stored.
    only_on_device: bool,
    /// How far its quiesce has come.
    begun: Begun,
    /// When its quiesce was sent, on the clock.
    quiesce_sent: Option<Duration>,
    out_of_service: OutOfService,
    /// The domains as the checks found them, while nothing was done that takes its time.
    listed: Option<Vec<DomainStatus>>,
    warnings: Vec<String>,
    files: Vec<StoredFile>,
    configuration: ConfigFacts,
}

/// Walks one task. An error is the record's, which can no longer be written: the device has been
/// put back before it is told.
pub fn run<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    session: &mut Session<'a>,
    task: Task<'_>,
) -> Result<Ended, LedgerError> {
    let mut walk = Walk {
        engine,
        record,
        session,
        task,
        state: DeviceState::Untouched,
        leftover: None,
        certificate: None,
        unseen_reply: None,
        only_on_device: false,
        begun: Begun::No,
        quiesce_sent: None,
        out_of_service: OutOfService::Never,
        listed: None,
        warnings: Vec::new(),
        files: Vec::new(),
        configuration: ConfigFacts::default(),
    };
    let outcome = match walk.protected(Walk::steps) {
        Ok(()) => Ok(()),
        Err(Trouble::Failure(failure)) => Err(failure),
        Err(Trouble::Ledger(error)) => return Err(error),
    };
    walk.end(outcome)
}

impl<'w, 'a: 'w> Walk<'w, 'a, '_> {
    /// Steps 1 to 10.
    fn steps(&mut self) -> Result<(), Trouble> {
        self.validate()?;
        self.pre_script()?;
        let outcome = match self.scope() {
            Some(scope) => self.quiesced(&scope),
            None => self.protected(Self::back_up),
        };
        let removed = self.remove_leftover();
        outcome.and(removed)
    }

    /// What is quiesced, if anything.
    fn scope(&self) -> Option<Scope> {
        before::scope_of(self.task.activity, self.task.domain)
    }

    /// Steps 1 to 4: everything that can be known before anything is done.
    fn validate(&mut self) -> Result<(), Trouble> {
        self.record.task_status(self.task.id, Status::Validating)?;
        let settings = &self.engine.file.settings;
        store::is_mounted(settings)?;
        store::has_space(settings, Status::NotEnoughFreeSpaceInStore)?;
        self.try_store()?;
        let facts = self.session.facts()?.clone();
        let firmware_is_told = facts.firmware_version.is_some();
        self.record.tell(&Event::DeviceFacts {
            task: self.task.id,
            facts,
        })?;
        if !firmware_is_told {
            let owner = Owner::Task(self.task.id);
            self.record.note(owner, "the device does not tell its firmware")?;
        }
        let domains = self.domains()?;
        if self.task.activity.quiesce && self.task.domain == DEFAULT_DOMAIN {
            let owner = Owner::Task(self.task.id);
            self.record.note(
                owner,
                "the default domain cannot be quiesced: it is exported without",
            )?;
        }
        self.refuse(&domains)?;
        match &self.task.activity.action {
            Action::ExportDomain { .. } => {
                self.tell_unsaved_changes(&domains)?;
                self.listed = Some(domains);
                Ok(())
            }
            Action::SecureBackup { certificate } => self.validate_secure_backup(certificate),
        }
    }

    /// Tries where in the store the backup will stand, where it costs the device its service or minutes
    /// of work. What its folder there has become may be worse than the store, and is better found out now.
    fn try_store(&self) -> Result<(), Failure> {
        let (settings, device) = (&self.engine.file.settings, &self.session.device.name);
        let folder = match &self.task.activity.action {
            Action::SecureBackup { .. } => layout::secure_backups_dir(&settings.store, device),
            Action::ExportDomain { .. } if self.scope().is_some() => {
                layout::exports_dir(&settings.store, device, self.task.domain)
            }
            Action::ExportDomain { .. } => return Ok(()),
        };
        store::probe_below(settings, &folder).map(|_probed| ())
    }

    fn tell_unsaved_changes(&mut self, domains: &[DomainStatus]) -> Result<Option<bool>, Trouble> {
        let (task, unsaved) = (self.task.id, self.unsaved_changes(domains)?);
        if let Some(unsaved) = unsaved {
            self.record.tell(&Event::UnsavedChanges { task, unsaved })?;
        }
        Ok(unsaved)
    }

    fn domains(&self) -> Result<Vec<DomainStatus>, Failure> {
        self.session
            .gateway
            .domains()
            .map_err(|error| self.exchange(Status::DeviceError, &error))
    }

    fn storage(&self, error: &StoreError) -> Failure {
        store::failure(&self.engine.file.settings, error)
    }

    fn exchange(&self, otherwise: Status, error: &SomaError) -> Failure {
        Failure::of_exchange(otherwise, &self.session.device.name, error)
    }

    /// Step 2, and what else the status of its domains tells against it.
    fn refuse(&self, domains: &[DomainStatus]) -> Result<(), Failure> {
        let device = &self.session.device.name;
        before::refusal(self.task.activity, device, self.task.domain, domains).map_or(Ok(()), Err)
    }

    /// Step 3: whether what runs differs from what is saved, where the device says so.
    fn unsaved_changes(&self, domains: &[DomainStatus]) -> Result<Option<bool>, Failure> {
        if self.task.domain == ALL_DOMAINS {
            let any = |said| domains.iter().any(|domain| domain.save_needed == said);
            return Ok(match (any(Some(true)), any(None)) {
                (true, _) => Some(true),
                (false, true) => None,
                (false, false) => Some(false),
            });
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

    /// Step 5.
    fn pre_script(&mut self) -> Result<(), Trouble> {
        let Some(path) = &self.task.activity.pre_script else {
            return Ok(());
        };
        self.listed = None;
        self.record.task_status(self.task.id, Status::RunningPreScript)?;
        let due = Due {
            path,
            moment: ScriptMoment::Pre,
            facts: self.facts(),
        };
        let stop = self.engine.stop;
        let owner = Owner::Task(self.task.id);
        let ran = script::run(self.engine, self.record, owner, &due, &|| stop.is_requested())?;
        if stop.is_requested() {
            return Err(Failure::interrupted("running the pre-task script").into());
        }
        if ran.end.is_success() {
            return Ok(());
        }
        let why = format!("the pre-task script {}: {}", path.display(), ran.how());
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
        facts.certificate = self.certificate.clone();
        facts
    }

    /// Steps in which a panic is a failure like any other: what was done is undone.
    fn protected<T>(&mut self, steps: impl FnOnce(&mut Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        caught(|| steps(self)).unwrap_or_else(|error| {
            self.record.met_internal_error();
            Err(Failure::new(Status::BackupFailed, error.to_string()).into())
        })
    }

    /// Step 8: everything for which the device is needed, then what is done with it here.
    fn back_up(&mut self) -> Result<(), Trouble> {
        let made = self.make()?;
        self.keep(made)
    }

    /// Step 8 as far as a device must stay as it is for it: an export down to its last byte, a
    /// secure backup until the device has ended it.
    fn make(&mut self) -> Result<Made, Trouble> {
        match &self.task.activity.action {
            Action::SecureBackup { certificate } => self.make_secure_backup(certificate),
            Action::ExportDomain { domains } => {
                // A script or a quiesce takes its time: the device may have changed meanwhile.
                let (listed, unsaved) = match self.listed.take() {
                    Some(listed) => {
                        let unsaved = self.unsaved_changes(&listed)?;
                        (listed, unsaved)
                    }
                    None => {
                        let listed = self.domains()?;
                        let unsaved = self.tell_unsaved_changes(&listed)?;
                        (listed, unsaved)
                    }
                };
                let expected = match domains {
                    Domains::All => Expected::AllDomains(Some(
                        listed
                            .iter()
                            .map(|domain| domain.name.clone())
                            .collect::<BTreeSet<_>>(),
                    )),
                    Domains::Matching(_) => Expected::domain(self.task.domain),
                };
                let saved = Box::new(self.fetch_export(FileKind::Persisted)?);
                // One that cannot be had does not cost the one that was had.
                if unsaved.is_none() {
                    let note = "the device does not say whether there are unsaved changes: what runs is exported as well";
                    self.record.note(Owner::Task(self.task.id), note)?;
                }
                let running = match unsaved {
                    Some(true) | None => Some(Box::new(self.fetch_export(FileKind::NonPersisted))),
                    Some(false) => None,
                };
                Ok(Made::Exports {
                    expected,
                    saved,
                    unsaved,
                    running,
                })
            }
        }
    }

    /// The rest of step 8: the device is not needed any more as it was.
    fn keep(&mut self, made: Made) -> Result<(), Trouble> {
        match made {
            Made::SecureBackup { folder, files } => {
                self.fetch_secure_backup(&folder, &files)?;
                self.only_on_device = false;
                Ok(())
            }
            Made::Exports {
                expected,
                saved,
                unsaved,
                running,
            } => {
                let saved = self.keep_export(*saved, &expected);
                if let Err(Trouble::Ledger(error)) = saved {
                    return Err(error.into());
                }
                // What was never saved may be an empty export, and then the running one is the
                // only one that holds anything.
                let running = running
                    .map(|arrived| (*arrived).and_then(|arrived| self.keep_export(arrived, &expected)));
                if let Some(Err(Trouble::Ledger(error))) = running {
                    return Err(error.into());
                }
                let stored = saved.as_ref().ok();
                if let Some(saved) = stored {
                    self.tell_changes(saved)?;
                }
                if let Some(Ok(running)) = &running {
                    self.tell_changes(running)?;
                    self.tell_unsaved(unsaved, stored, running)?;
                }
                saved?;
                running.transpose()?;
                Ok(())
            }
        }
    }

    fn warn(&mut self, message: String) -> Result<(), LedgerError> {
        self.warnings.push(message.clone());
        self.record.warn(Owner::Task(self.task.id), message)
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
            warnings: self.warnings,
            login_refused,
            files: self.files,
            out_of_service: self.out_of_service,
            configuration: self.configuration,
        })
    }

    fn with_device_state(&self, failure: &Failure) -> String {
        let still_quiesced = || {
            let recover = self.engine.file.invocation.command(["recover"]);
            format!("STILL QUIESCED: run {recover}")
        };
        let state = match &self.state {
            DeviceState::Untouched => "device untouched".to_owned(),
            DeviceState::PutBack(how) | DeviceState::Littered(how) => how.clone(),
            DeviceState::NotKnown(why) => {
                let why = match failure.message.contains(why.as_str()) {
                    true => "whether it is quiesced",
                    false => why,
                };
                format!(
                    "not known: {why}: look at {}, and run {}, which looks again",
                    self.session.device.name,
                    self.engine.file.invocation.command(["recover"])
                )
            }
            DeviceState::StillQuiesced(why) if failure.message.contains(why.as_str()) => still_quiesced(),
            DeviceState::StillQuiesced(why) => format!("{why}; {}", still_quiesced()),
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
        let facts = self
            .facts()
            .ended(status, error)
            .out_of_service(self.out_of_service)
            .with_files(&self.files)
            .with_changes(&self.configuration);
        let due = Due {
            path,
            moment: ScriptMoment::Post,
            facts,
        };
        let owner = Owner::Task(self.task.id);
        let ran = script::run(self.engine, self.record, owner, &due, &|| stop.is_urgent())?;
        if ran.end.is_success() {
            return Ok(());
        }
        self.warn(format!("the post-task script {}: {}", path.display(), ran.how()))
    }
}
