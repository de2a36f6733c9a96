//! One task, in the order of its steps.

pub mod before;
mod certificate;
mod changed;
mod checks;
mod ending;
mod export;
mod fetch;
pub mod look;
mod making;
mod quiesce;
mod secure_backup;

use std::path::PathBuf;
use std::time::Duration;

use crate::artifact::archive::Expected;
use crate::artifact::error::StoreError;
use crate::artifact::handed_file::HandedFile;
use crate::gateway::folder::{RemoteFile, RemoteFolder};
use crate::gateway::folder_removal::BackupAsked;
use crate::gateway::quiesce::Scope;
use crate::lock::not_yet::NotYet;
use crate::plan::model::Activity;
use crate::run::Engine;
use crate::run::error::RunTrouble;
use crate::run::event::{ALL_DOMAINS, FileKind, JournalId, OutOfService, Owner, PlanId, StoredFile, TaskId};
use crate::run::failure::{Failure, Trouble};
use crate::run::ledger::{LedgerError, Reply};
use crate::run::record::Record;
use crate::run::script::{ConfigFacts, Facts, TaskFacts};
use crate::run::session::Session;
use crate::run::status::Status;
use crate::run::store;
use crate::run::task::look::DomainsLook;
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
    /// The task whose import it comes behind: then nobody is told that the device is untouched.
    pub behind_import: Option<TaskId>,
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
    /// What it saw of its device, where the task behind it may begin with that.
    pub look: Option<DomainsLook>,
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
    /// It was `sent`, at this time of the clock, and nothing of it was seen.
    Sent {
        sent: Duration,
        /// How the device answered.
        reply: Reply,
        /// When the answer came, or was given up.
        at: Duration,
        shows: Unseen,
    },
    /// The device was seen to do what was sent then, and each of its domains has begun or had the time to.
    Seen { sent: Duration },
    /// The device was seen to do it, and domains of it may begin yet.
    SeenInPart { sent: Duration },
}

/// What is known of a quiesce of which nothing was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unseen {
    /// It may show yet.
    NotYet,
    /// All of what was to be quiesced is disabled.
    TakesNone,
}

/// The quiesce of a task.
struct TaskQuiesce {
    begun: Begun,
    /// The domains that were seen quiesced by this task.
    seen: Vec<String>,
    out_of_service: OutOfService,
}

/// An export whose last byte has arrived, and which nobody has looked at yet.
struct ArrivedExport {
    kind: FileKind,
    staged: HandedFile,
    path: PathBuf,
    name: String,
    /// What the device said beside it.
    beside: Option<String>,
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

/// The folder of a secure backup. Its row in the journal is written before the device is out of service, and
/// before it is asked for anything.
struct BackupFolder {
    journal: JournalId,
    folder: RemoteFolder,
    /// What is known of the request that fills it.
    asked: BackupAsked,
    holds: FolderHolds,
}

/// What the folder of a secure backup holds.
enum FolderHolds {
    /// Nothing: the device was not asked to fill it. That is said to whoever finds the row when this process is dead,
    /// where it could be.
    Nothing(Option<NotYet>),
    /// What the device, which was or may have been asked, has made of it; a verified copy of that is stored, if it is a whole
    /// backup.
    Anything,
    /// A whole secure backup of which no verified copy is stored.
    OnlyCopy,
}

/// A task on its way.
struct Walk<'w, 'a, 'r> {
    engine: Engine<'a>,
    record: &'w mut Record<'r>,
    session: &'w mut Session<'a>,
    task: Task<'w>,
    state: DeviceState,
    /// The folder of a secure backup that is, or may be, or will be on the device.
    leftover: Option<BackupFolder>,
    /// What its secure backup is encrypted for, once that is known.
    certificate: Option<CertificateFacts>,
    quiesce: TaskQuiesce,
    /// Whether something was mounted at the store itself when it began, where that could be looked at.
    store_was_mounted: Option<bool>,
    /// What the task before saw, until this one begins with it or asks itself.
    look_before: Option<DomainsLook>,
    /// The domains as the checks found them, while nothing was done that takes its time.
    look: Option<DomainsLook>,
    warnings: Vec<String>,
    files: Vec<StoredFile>,
    configuration: ConfigFacts,
}

/// Walks one task, behind one that saw `look_before`, if nothing came between them. An error is the record's, which can
/// no longer be written: the device has been put back before it is told.
pub fn run<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    session: &mut Session<'a>,
    task: Task<'_>,
    look_before: Option<DomainsLook>,
) -> Result<Ended, RunTrouble> {
    let mut walk = Walk {
        engine,
        record,
        session,
        task,
        state: DeviceState::Untouched,
        leftover: None,
        certificate: None,
        quiesce: TaskQuiesce {
            begun: Begun::No,
            seen: Vec::new(),
            out_of_service: OutOfService::Never,
        },
        store_was_mounted: None,
        look_before,
        look: None,
        warnings: Vec::new(),
        files: Vec::new(),
        configuration: ConfigFacts::default(),
    };
    let outcome = match walk.protected(Walk::steps) {
        Ok(()) => Ok(()),
        Err(trouble) => Err(trouble.failure()?),
    };
    Ok(walk.end(outcome)?)
}

impl<'w, 'a: 'w> Walk<'w, 'a, '_> {
    /// Steps 1 to 10.
    fn steps(&mut self) -> Result<(), Trouble> {
        self.check()?;
        self.pre_script()?;
        let outcome = match self.scope() {
            Some(scope) => self.protected(|walk| walk.quiesced(&scope)),
            None => self.protected(Self::back_up),
        };
        let removed = self.remove_leftover();
        outcome.and(removed)
    }

    /// What is quiesced, if anything.
    fn scope(&self) -> Option<Scope> {
        before::scope_of(self.task.activity, self.task.domain)
    }

    /// Asks the device for its domains.
    fn look(&self) -> Result<DomainsLook, Failure> {
        let asked = self.engine.clock.elapsed();
        let domains = self.session.gateway.domains();
        Ok(DomainsLook {
            device: self.session.device.name.clone(),
            asked,
            domains: domains.map_err(|error| self.exchange(Status::DeviceError, &error))?,
        })
    }

    /// What the task before saw, where that is new enough and this one may begin with it; else the device is asked.
    fn first_look(&mut self) -> Result<DomainsLook, Failure> {
        let may = look::may_begin_with_another(self.task.activity, self.task.domain);
        let before = self.look_before.take().filter(|_| may);
        let now = self.engine.clock.elapsed();
        match before.and_then(|look| look.believed_of(&self.session.device.name, now)) {
            Some(look) => Ok(look),
            None => self.look(),
        }
    }

    fn storage(&self, error: &StoreError) -> Failure {
        store::failure(&self.engine.file.settings, error)
    }

    fn exchange(&self, otherwise: Status, error: &SomaError) -> Failure {
        Failure::of_exchange(otherwise, &self.session.device.name, error)
    }

    fn facts(&self) -> Facts<'w> {
        let device = self.session.device;
        let mut facts = Facts::of_plan(
            self.task.plan,
            self.task.plan_name,
            self.engine.file.settings.store.folder(),
            &self.engine.file.path,
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

    fn warn(&mut self, message: String) -> Result<(), LedgerError> {
        self.warnings.push(message.clone());
        self.record.warn(Owner::Task(self.task.id), message)
    }
}
