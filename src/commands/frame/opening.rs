//! What commands open that run on devices or look at them: signals, the clock, the history with its
//! locks, and what an engine is made of.

use std::any::Any;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::clock::{Clock as _, SystemClock};
use crate::commands::dead::left_behind::{WROTE_IN_IT, with_what_is_left};
use crate::commands::frame::error::CommandError;
use crate::commands::frame::history_file::open_history;
use crate::exit::Exit;
use crate::freshness::expected::PlannedBackups;
use crate::history::{History, HistoryError};
use crate::lock::witness::Witness;
use crate::lock::{Life, Lock, Locks};
use crate::notify::Notifier;
use crate::plan::model::PlanFile;
use crate::run::Engine;
use crate::run::event::{FileKind, Sink as _, TaskId};
use crate::run::limited_ledger::{LimitedLedger, OnSameDisk};
use crate::run::undo::longest_way_back;
use crate::signal::listening::listen;
use crate::signal::{Answering, Stop};
use crate::ui::{MovingLine, Screen, SignalAnswer, StopLimits, Ui, print_until, wait_for_no_reader};
use crate::values::causes::with_causes;
use crate::values::environment::Lookup;
use crate::values::internal_error::caught;
use crate::values::pattern::NamedDomain;

/// What an engine stands on, as long as a command lasts.
pub(in crate::commands) struct EngineBase {
    /// The wish to stop: signals are listened to.
    pub(in crate::commands) stop: Stop,
    pub(in crate::commands) clock: SystemClock,
    /// The locks beside the history.
    pub(in crate::commands) locks: Locks,
    /// Names the lock that tells that this process lives; of a command that only looks on, the
    /// command.
    pub(in crate::commands) process: String,
}

impl EngineBase {
    /// Of a command that only looks on: it takes no lock, and nobody waits for it.
    pub(in crate::commands) fn looking_on(file: &PlanFile, command: &str) -> Result<Self, CommandError> {
        Ok(Self {
            stop: listening()?,
            clock: SystemClock::new(),
            locks: Locks::beside(&file.settings.history),
            process: command.to_owned(),
        })
    }

    /// The engine of this plan file.
    pub(in crate::commands) fn engine<'a>(&'a self, file: &'a PlanFile, env: Lookup<'a>) -> Engine<'a> {
        Engine {
            file,
            clock: &self.clock,
            stop: &self.stop,
            locks: &self.locks,
            process: &self.process,
            environment: env,
        }
    }

    /// Answers signals above the line of this screen, as long as the second lives. The first is a
    /// sink, where something may have to be put back.
    pub(in crate::commands) fn answering(
        &self,
        screen: &Screen,
        limits: StopLimits,
    ) -> (SignalAnswer, Answering) {
        let stop = self.stop.clone();
        let look = move || {
            stop.is_requested();
        };
        let answer = SignalAnswer::new(screen, limits, Box::new(look));
        let answering = self.stop.answered_by(&answer.to_signals());
        self.stop.standing_still_if(answer.to_standing_still());
        (answer, answering)
    }
}

/// The history of a command that writes into it, with what its engine stands on. Others see it at work until this is dropped.
pub(in crate::commands) struct OpenedHistory {
    pub(in crate::commands) history: LimitedLedger<History>,
    /// What its engine stands on.
    pub(in crate::commands) base: EngineBase,
    path: PathBuf,
    /// Which file it was when it was opened; `None` where that cannot be told.
    identity: Option<(u64, u64)>,
    /// The same of its log; `None` where it has none.
    log_identity: Option<(u64, u64)>,
    /// Whether it was made by this command, though locks tell of a run that wrote in one before.
    is_instead: bool,
    /// Of each rehearsal whose process was found to be gone before its end by this command a sentence, which was told.
    pub(in crate::commands) died_rehearsals: Vec<String>,
    _alive: OnSameDisk<Lock>,
}

impl OpenedHistory {
    /// Opens it. What cannot be opened is no reason to say nothing about what stands in it: an
    /// open quiesce decides the exit code, whatever else fails.
    pub(in crate::commands) fn open(file: &PlanFile, ui: Ui) -> Result<Self, CommandError> {
        let stop = listening()?;
        caught(|| Self::opened(file, stop, ui)).unwrap_or_else(|error| {
            let error = CommandError::new(Exit::Internal, error);
            let locks = Locks::beside(&file.settings.history);
            Err(with_what_is_left(error, file, &locks))
        })
    }

    fn opened(file: &PlanFile, stop: Stop, ui: Ui) -> Result<Self, CommandError> {
        let clock = SystemClock::new();
        let path = file.settings.history.as_path();
        let locks = Locks::beside(path);
        let is_none = matches!(History::open_rows(path), Err(HistoryError::Missing { .. }));
        let is_instead = is_none && locks.knows_of_the_dead();
        let mut history =
            open_history(&file.settings, ui).map_err(|error| with_what_is_left(error, file, &locks))?;
        // Now that the file is there, every path to it leads to one folder of locks.
        let locks = Locks::beside(path);
        let (alive, process) = locks
            .process(&clock, Witness::own().as_ref())
            .map_err(|error| with_what_is_left(CommandError::new(Exit::History, error), file, &locks))?;
        let died = history.end_dead_rehearsals(clock.now(), &|process| locks.life(process) == Life::Dead);
        let died_rehearsals: Vec<String> = match died {
            Ok(died) => died.iter().map(died_words).collect(),
            // A run depends on none of them.
            Err(error) => vec![format!(
                "whether a rehearsal was cut short is not known: {}",
                with_causes(&error)
            )],
        };
        for died in &died_rehearsals {
            ui.warning(died);
        }
        let history = LimitedLedger::new(history);
        Ok(Self {
            _alive: OnSameDisk::new(Some(alive), history.silence()),
            history,
            base: EngineBase {
                stop,
                clock,
                locks,
                process,
            },
            path: path.to_owned(),
            identity: identity(path),
            log_identity: identity(&log_of(path)),
            is_instead,
            died_rehearsals,
        })
    }

    /// What was before, for those who are told, as [`past`] has it.
    pub(in crate::commands) fn past(&self, file: &PlanFile) -> OnSameDisk<History> {
        OnSameDisk::new(past(file), self.history.silence())
    }

    /// Closes it. An error, if the history is not the file any more that this command has written to, or not
    /// the one that a run before it has written to: what that left is in no journal.
    /// The `reader` of what was before goes first: the last one that has the file open makes one file of it.
    /// One that was silent is left as it is.
    pub(in crate::commands) fn close(
        mut self,
        reader: Option<OnSameDisk<History>>,
    ) -> Result<(), CommandError> {
        drop(reader);
        if self.is_instead {
            let error = anyhow!(
                "the history {} was gone or empty when this began, and {WROTE_IN_IT}: whether anything is still quiesced is not known",
                self.path.display()
            );
            return Err(CommandError::new(Exit::StillQuiesced, error).with_hint(
                "look at the devices; find out who removed the file, and put it back if there is a copy",
            ));
        }
        if self.history.silence().is_met() {
            return match self.history.here() {
                Ok(_) => Ok(()),
                Err(still_silent) => Err(still_silent.into()),
            };
        }
        let log = (self.log_identity, identity(&log_of(&self.path)));
        let is_log_kept = match log {
            (Some(then), Some(now)) => then == now,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let same = match (self.identity, identity(&self.path)) {
            (Some(then), Some(now)) if then == now && !is_log_kept => {
                return Err(spoilt(&self.path, "the log beside it was removed or replaced"));
            }
            seen => seen,
        };
        // What was written into the log goes into the file now.
        drop(self.history);
        let path = self.path.display();
        let error = match same {
            (Some(then), Some(now)) if then == now => {
                return match History::open_checked(&self.path) {
                    // Held by somebody else just now, it is whole as far as anybody knows.
                    Ok(()) | Err(HistoryError::Busy { .. }) => Ok(()),
                    Err(error) if error.is_about_the_file() => Err(spoilt(&self.path, &with_causes(&error))),
                    Err(error) => Err(not_looked_at(&self.path, &with_causes(&error))),
                };
            }
            (Some(_), _) => anyhow!(
                "the history {path} was removed or replaced while this ran: what this run did is in no history"
            ),
            (None, _) => anyhow!(
                "which file the history {path} was could not be seen when this began: whether what this run did is in \
                 it is not known"
            ),
        };
        Err(CommandError::new(Exit::History, error)
            .with_hint("the backups that it stored are in the store; find out who removed the file"))
    }
}

/// Whether scripts may still be due when a signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum ScriptsDue {
    /// A plan or an activity names some.
    MayBe,
    /// None is run.
    Never,
}

/// How long what follows a signal may take; `telling` is a message to those who are told of the end.
pub(in crate::commands) fn limits(
    file: &PlanFile,
    scripts: ScriptsDue,
    telling: Option<Duration>,
) -> StopLimits {
    let settings = &file.settings;
    // That of the device with the longest ones, whichever it is that is waited for.
    let timeouts = file.devices.iter().map(|device| device.timeouts);
    let requests = timeouts.map(|timeouts| timeouts.connect + timeouts.request);
    let of_all = settings.timeouts.connect + settings.timeouts.request;
    let request = requests.fold(of_all, Duration::max);
    let imports = file.devices.iter().map(|device| device.timeouts.export);
    StopLimits {
        unquiesce: longest_way_back(settings, request),
        request,
        import: imports.fold(settings.timeouts.export, Duration::max),
        script: match scripts {
            ScriptsDue::MayBe => Some(settings.script_timeout),
            ScriptsDue::Never => None,
        },
        telling,
    }
}

/// What was before, for those who are told: where it cannot be read, everything is news.
pub(in crate::commands) fn past(file: &PlanFile) -> Option<History> {
    History::open_read_only(&file.settings.history).ok()
}

/// Whether a plan asks for a target. Of a plan file that was read in part nobody knows what the rest asks for:
/// then nothing is left out for that.
pub(in crate::commands) fn planned(file: &PlanFile) -> impl Fn(&str, NamedDomain<'_>, FileKind) -> bool {
    let planned = file.is_whole.then(|| PlannedBackups::of(file));
    move |device, domain, kind| {
        planned
            .as_ref()
            .is_none_or(|planned| planned.have(device, domain, kind))
    }
}

/// Shows why some were not told, where it belongs to no execution.
pub(in crate::commands) fn show_warnings_of(notifier: &mut Notifier<'_>, ui: Ui) {
    for warning in notifier.take_warnings() {
        ui.warning(&warning.message);
    }
}

/// Shows by this line that somebody is told.
pub(in crate::commands) fn telling(line: MovingLine) -> impl Fn(&str, Duration) -> Box<dyn Any> {
    move |who, limit| Box::new(line.shows(&format!("telling {who}"), limit))
}

/// From now on signals are a wish to stop.
pub(in crate::commands) fn listening() -> Result<Stop, CommandError> {
    // Neither a signal nor a gateway waits for whoever reads what is said.
    wait_for_no_reader();
    let stop = Stop::new();
    let asked = stop.clone();
    print_until(move || asked.signal());
    listen(&stop)
        .context("cannot listen to signals")
        .map_err(|error| CommandError::new(Exit::Failed, error))?;
    Ok(stop)
}

/// What is said of a rehearsal without an end whose process is gone: the task that stored the backup, and the spare.
fn died_words((task, spare): &(TaskId, String)) -> String {
    format!(
        "a rehearsal of task {} on {spare} was cut short: whether {spare} is as it was before is not known: look \
         at it",
        task.0
    )
}

/// The log of a history.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// The error where what this command wrote may not be in the history, though the file is there.
fn spoilt(path: &Path, why: &str) -> CommandError {
    let error = anyhow!(
        "the history {} was spoilt while this ran ({why}): whether what this run did is in it is not known",
        path.display()
    );
    CommandError::new(Exit::History, error).with_hint(
        "the backups that it stored are in the store; find out who touches the files of the history",
    )
}

/// The error where the file stands as it was, and could not be opened once more to see what is in it.
fn not_looked_at(path: &Path, why: &str) -> CommandError {
    let error = anyhow!(
        "what this run wrote into the history {} could not be looked at ({why}): whether it is all there is not known",
        path.display()
    );
    CommandError::new(Exit::History, error)
        .with_hint("the backups that it stored are in the store; `dpbackup history last` shows what is in it")
}

/// Which file it is, where that can be seen.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
