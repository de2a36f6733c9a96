//! `dpbackup restore`: the export of one domain, laid over the domain of that name once a person has confirmed it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use crate::cli::{ExecutionId, Global, OutputFormat, RestoreArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::commands::dead::left_behind::with_what_is_left;
use crate::commands::frame::error::{CommandError, Outcome, found, print};
use crate::commands::frame::loading::{load_plan, with_open_rows};
use crate::commands::frame::opening::{
    EngineBase, OpenedHistory, ScriptsDue, limits, planned, show_warnings_of, telling,
};
use crate::commands::history::execution::execution;
use crate::commands::named::names;
use crate::commands::named::stored_export::{NoExport, PrivateExport, private_export};
use crate::commands::restore_note;
use crate::exit::Exit;
use crate::history::{FileRow, History};
use crate::lock::Locks;
use crate::notify::past::{Past, PastUnless};
use crate::notify::{Notifier, longest_telling};
use crate::plan::model::{Device, PlanFile};
use crate::report::restore_plan::{ShownRestorePlan, document, outcome};
use crate::run::Engine;
use crate::run::contact::Devices;
use crate::run::error::RunError;
use crate::run::event::{FileKind, Owner, Sink, TaskId};
use crate::run::execution::PlanEnd;
use crate::run::failure::Failure;
use crate::run::left::Left;
use crate::run::record::Record;
use crate::run::restore as restoring;
use crate::run::restore::order::{RestoreOptions, RestoreOrder, RestoreProposal, RestoreSource, RestoreTold};
use crate::run::status::Status;
use crate::run::store;
use crate::signal::Stop;
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::causes::{said, with_causes};
use crate::values::duration::HumanDuration;
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::restorable_domain::{NotRestorable, RestorableDomain};
use crate::values::restore_plan::{RestoreConfirmation, SaveAfter};

/// So long a person has to read a plan and to confirm it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3600);

/// Lays an export of one domain over the domain of that name, once its plan is confirmed.
pub(super) fn restore(global: &Global, args: &RestoreArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let file = &loaded.plan_file;
    // Until an execution looks at the devices, what dead runs have left is not looked at.
    let left = |error| with_what_is_left(error, file, &Locks::beside(&file.settings.history));
    let task = match args.task {
        ExecutionId::Number(id) => id.to_string(),
        ExecutionId::Last => "last".to_owned(),
    };
    let device = names::device(file, &["restore", &task, "--to"], &args.to).map_err(left)?;
    let mut opened = OpenedHistory::open(file, ui)?;
    let EngineBase { stop, clock, .. } = &opened.base;
    let scratch = scratch_folder(env);
    let history = opened.history.here()?;
    let wanted = wanted(file, args, history).map_err(left)?;
    let source = source_of(file, device, history, &scratch, &wanted).map_err(left)?;
    let engine = opened.base.engine(file, env);
    let mut screen = Screen::new(ui, file.invocation.clone());
    let (mut answer, _answering) = opened.base.answering(
        &screen,
        limits(file, ScriptsDue::Never, longest_telling(file, &file.plans)),
    );
    let planned = planned(file);
    let history = opened.past(file);
    let silence = opened.history.silence();
    let is_silent = || silence.is_met();
    let past = history.get().map(|past| PastUnless {
        past,
        is_silent: &is_silent,
    });
    let past = past.as_ref().map(|past| past as &dyn Past);
    let waits = telling(screen.moving_line());
    let notifier = Notifier::new(file, env, clock.zone(), past, &planned).shown_by(&waits);
    let mut notifier = notifier.of_restore();
    let sinks: Vec<&mut dyn Sink> = vec![&mut screen, &mut answer, &mut notifier];
    let mut record = Record::new(&mut opened.history, sinks, clock, &opened.base.process);
    let mut asking = Asking {
        args,
        ui,
        clock,
        stop,
        device,
        wanted: &wanted,
        shown: None,
    };
    let hint = source.as_ref().err().map(|unfit| unfit.hint.clone());
    let ended = to_its_end(engine, &mut record, source, scratch, &mut asking);
    let (mut end, told) = match ended {
        Ok(ended) => ended,
        Err(error) => {
            drop(record);
            notifier.broke_off(clock.now(), &with_causes(&error));
            show_warnings_of(&mut notifier, ui);
            return Err(CommandError::new(error.exit(), error));
        }
    };
    record.warn_of_sinks(Owner::Plan(end.id));
    restore_note::write_after(file, &mut record, &mut end, &clock.zone());
    drop(record);
    let shown = asking.shown.as_ref();
    let text = match args.format {
        OutputFormat::Table => outcome(&told, &device.name, wanted.domain.name(), &file.invocation),
        OutputFormat::Json => document(shown, &end, &told),
    };
    print(ui, &text)?;
    if let Some(hint) = hint.or_else(|| hint_of_plan(file, args, &end, &told, shown)) {
        ui.hint(&hint);
    }
    if end.left != Left::Nothing {
        ui.error(&anyhow!("{}", end.left.words(&file.invocation)), None);
    }
    opened
        .close(Some(history))
        .map_err(|error| with_end(error, &end, &told))?;
    Ok(end.exit)
}

/// Lays the backup over its domain; one that is unfit has its row in history, and no more.
fn to_its_end<'a>(
    engine: Engine<'a>,
    record: &mut Record<'_>,
    source: Result<(RestoreSource, File), UnfitBackup>,
    scratch: PathBuf,
    asking: &mut Asking<'a>,
) -> Result<(PlanEnd, RestoreTold), RunError> {
    let device = asking.device;
    match source {
        Ok((source, archive)) => {
            let order = RestoreOrder {
                source,
                archive,
                device,
                options: asking.options(),
                scratch,
            };
            let mut devices = Devices::new(engine);
            let mut confirm = |proposal: &RestoreProposal<'_>| asking.confirmation(proposal);
            restoring::run(engine, record, &mut devices, order, &mut confirm)
        }
        Err(unfit) => {
            let end = restoring::refuse(engine, record, device, &asking.wanted.domain, unfit.failure)?;
            Ok((end, RestoreTold::default()))
        }
    }
}

/// What stands on a device is graver than what is in no history.
fn with_end(mut error: CommandError, end: &PlanEnd, told: &RestoreTold) -> CommandError {
    let is_bad = told.import.as_ref().is_some_and(|known| !known.is_good);
    error.exit = match is_bad && error.exit == Exit::History {
        true => end.exit,
        false => end.exit.or_graver(error.exit),
    };
    error
}

/// How a plan that was shown, and is not confirmed, may be.
fn hint_of_plan(
    file: &PlanFile,
    args: &RestoreArgs,
    end: &PlanEnd,
    told: &RestoreTold,
    shown: Option<&ShownRestorePlan>,
) -> Option<String> {
    let plan = shown.filter(|_| end.status == Status::RestoreNotConfirmed)?;
    // Its word is of the plan that is void.
    Some(match (told.is_void, &args.confirm) {
        (true, Some(_)) => "the same without --confirm shows the plan as it is now".to_owned(),
        (true, None) => "the same once more shows the plan as it is now".to_owned(),
        (false, _) => {
            let command = plan.command(&file.invocation, &given(args));
            format!("`{command}` confirms the plan as it is now")
        }
    })
}

/// Who shows the plan, and asks for what confirms it.
struct Asking<'c> {
    args: &'c RestoreArgs,
    ui: Ui,
    clock: &'c SystemClock,
    stop: &'c Stop,
    device: &'c Device,
    wanted: &'c WantedBackup,
    /// The plan, once it was shown.
    shown: Option<ShownRestorePlan>,
}

impl Asking<'_> {
    /// Whether somebody is asked: he has been shown the plan.
    fn is_at_terminal(&self) -> bool {
        self.args.confirm.is_none() && self.args.format == OutputFormat::Table && self.ui.can_ask()
    }

    fn options(&self) -> RestoreOptions {
        RestoreOptions {
            lock_wait: self.args.lock_wait,
            save: match self.args.save {
                true => SaveAfter::Yes,
                false => SaveAfter::No,
            },
            allows_other_firmware: self.args.allow_other_firmware,
            allows_unsaved: self.args.over_unsaved,
            waits_for_a_person: self.is_at_terminal(),
        }
    }

    fn confirmation(&mut self, proposal: &RestoreProposal<'_>) -> Option<RestoreConfirmation> {
        let plan = ShownRestorePlan::of(proposal);
        let is_text = self.args.format == OutputFormat::Table;
        if is_text && (self.args.confirm.is_none() || self.ui.verbosity > Verbosity::Quiet) {
            let taken = proposal.source.stored;
            let text = plan.text(proposal.difference, taken, &self.clock.zone(), self.ui.width);
            // A plan that nobody could read is not confirmed.
            match self.ui.stream(&text) {
                Ok(true) => {}
                Ok(false) => return Some(RestoreConfirmation::NotShown("nobody reads it".to_owned())),
                Err(error) => return Some(RestoreConfirmation::NotShown(said(&error))),
            }
        }
        self.shown = Some(plan);
        match &self.args.confirm {
            Some(word) => Some(RestoreConfirmation::Word(word.clone())),
            None if proposal.needs_nothing || !self.is_at_terminal() => None,
            None => self.typed(),
        }
    }

    /// What is typed at the terminal, within the time.
    fn typed(&self) -> Option<RestoreConfirmation> {
        let question = format!(
            "to lay it over {} of {}, type the name of the domain within {} (anything else ends this): ",
            self.wanted.domain,
            self.device.name,
            HumanDuration(ANSWERS_WITHIN)
        );
        let asked = self.clock.elapsed();
        let is_over =
            || self.stop.is_requested() || self.clock.elapsed().saturating_sub(asked) >= ANSWERS_WITHIN;
        let typed = self.ui.ask(&question, &is_over);
        typed
            .filter(|typed| !typed.is_empty())
            .map(RestoreConfirmation::TypedName)
    }
}

/// The options that a plan was made with.
fn given(args: &RestoreArgs) -> Vec<&'static str> {
    let options = [
        (args.save, "--save"),
        (args.allow_other_firmware, "--allow-other-firmware"),
        (args.over_unsaved, "--over-unsaved"),
    ];
    options
        .into_iter()
        .filter_map(|(is_given, option)| is_given.then_some(option))
        .collect()
}

/// The backup that was asked for, as history has it.
struct WantedBackup {
    task: TaskId,
    row: FileRow,
    domain: RestorableDomain,
    /// Where the same task has stored what ran then, if that was not what was saved.
    running: Option<PathBuf>,
}

/// A backup that is not restored.
struct UnfitBackup {
    failure: Failure,
    /// What to do about it.
    hint: String,
}

/// The backup that was asked for: one that can be restored, as far as history tells.
fn wanted(file: &PlanFile, args: &RestoreArgs, history: &History) -> Result<WantedBackup, CommandError> {
    let task = execution(args.task, TaskId, || history.newest_restorable_task())?;
    let rows = found(history.files(task)).map_err(|error| match error.exit {
        Exit::Usage => error.with_hint(format!(
            "`{}` shows which backups there are, and `{}` makes one",
            file.invocation.command(["history", "status"]),
            file.invocation.command(["run", "PLAN"])
        )),
        _ => error,
    })?;
    let usage = |why: String| CommandError::new(Exit::Usage, anyhow!("task {}: {why}", task.0));
    let Some(row) = rows.iter().find(|row| row.kind == FileKind::Persisted) else {
        return Err(match rows.iter().any(|row| row.kind == FileKind::SecureBackup) {
            true => usage("it is a secure backup, and dpbackup never restores a whole gateway".to_owned())
                .with_hint(
                    "RESTORE.txt beside it in the store, and docs/restore.md, have the steps for a person",
                ),
            false => usage("it stored no export of the saved configuration".to_owned()).with_hint(format!(
                "`{}` shows what the task did, `{}` of what there is a good export",
                file.invocation.command(["history", "files", &task.0.to_string()]),
                file.invocation.command(["history", "status"])
            )),
        });
    };
    let domain = RestorableDomain::named(&row.domain_name).map_err(|why| {
        let hint = match why {
            NotRestorable::All => {
                "docs/restore.md has the steps for a person; or name a task that exported one domain"
            }
            NotRestorable::Default | NotRestorable::Nothing => "docs/restore.md has the steps for a person",
        };
        usage(why.to_string()).with_hint(hint)
    })?;
    let running = rows.iter().find(|row| row.kind == FileKind::NonPersisted);
    Ok(WantedBackup {
        task,
        row: row.clone(),
        domain,
        running: running.map(|row| row.path.clone()),
    })
}

/// The same, proved to be good, and a private copy of its archive; or why there is none.
fn source_of(
    file: &PlanFile,
    device: &Device,
    history: &History,
    scratch: &Path,
    wanted: &WantedBackup,
) -> Result<Result<(RestoreSource, File), UnfitBackup>, CommandError> {
    let invocation = &file.invocation;
    let WantedBackup { task, row, .. } = wanted;
    if let Err(failure) = store::is_there(&file.settings) {
        let hint = format!("`{}` looks at the store", invocation.command(["check"]));
        return Ok(Err(UnfitBackup { failure, hint }));
    }
    let why = match private_export(history, file.settings.store.folder(), scratch, row)? {
        Ok(export) => return Ok(Ok(proved(wanted, export))),
        Err(NoExport::Bad(why)) => format!("the backup itself is not good: {why}"),
        Err(NoExport::NotSent(why)) => {
            format!("the backup is whole, and is sent to no gateway: {why}")
        }
        Err(NoExport::Unread(why)) => {
            format!("the backup could not be read here, which says nothing about it: {why}")
        }
    };
    let id = task.0.to_string();
    let is_there = |other: &FileRow| other.path.symlink_metadata().is_ok();
    let other = history.other_standing(row)?.filter(is_there);
    let other = other.map_or_else(String::new, |other| {
        let other = other.task.0.to_string();
        let again = invocation.command(["restore", &other, "--to", &device.name]);
        format!("task {other} holds the same: `{again}`; ")
    });
    Ok(Err(UnfitBackup {
        failure: Failure::new(Status::RestoreRefused, format!("task {id}: {why}")),
        hint: format!(
            "{other}`{}` looks at the file again, `{}` shows other backups",
            invocation.command(["verify", &id]),
            invocation.command(["history", "status"])
        ),
    }))
}

fn proved(wanted: &WantedBackup, export: PrivateExport) -> (RestoreSource, File) {
    let PrivateExport {
        row: kept,
        file: archive,
        instead,
        verified,
        names,
        of_another,
    } = export;
    let source = RestoreSource {
        task: wanted.task,
        device: wanted.row.device_name.clone(),
        domain: wanted.domain.clone(),
        archive_task: kept.task,
        stored: kept.time,
        instead,
        sha256: kept.sha256,
        size: kept.size,
        verified,
        names,
        running: wanted.running.clone(),
        of_another,
    };
    (source, archive)
}
