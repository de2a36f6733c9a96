//! `dpbackup restore`

use std::time::Duration;

use anyhow::anyhow;

use crate::cli::{Global, OutputFormat, RestoreArgs};
use crate::clock::Clock as _;
use crate::commands::error::{CommandError, Outcome, found, print};
use crate::commands::history::execution::execution;
use crate::commands::left_behind::with_what_is_left;
use crate::commands::loading::{load_plan, with_open_rows};
use crate::commands::names;
use crate::commands::opening::{EngineBase, OpenedHistory, ScriptsDue, limits, planned, show_warnings_of};
use crate::commands::restore_note;
use crate::commands::stored_export::{NoExport, PrivateExport, private_export};
use crate::exit::Exit;
use crate::history::{FileRow, History};
use crate::lock::Locks;
use crate::notify::Notifier;
use crate::notify::previous::{Previous, PreviousUnless};
use crate::plan::model::PlanFile;
use crate::report::restore_plan::{ShownRestorePlan, document, outcome};
use crate::run::contact::Devices;
use crate::run::event::{FileKind, Owner, Sink, TaskId};
use crate::run::left::Left;
use crate::run::record::Record;
use crate::run::restore as restoring;
use crate::run::restore::order::{RestoreOptions, RestoreOrder, RestoreProposal, RestoreSource};
use crate::run::status::Status;
use crate::run::store;
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
    let device = names::device(file, &args.to).map_err(left)?;
    let mut opened = OpenedHistory::open(file, ui)?;
    let EngineBase { stop, clock, .. } = &opened.base;
    let scratch = scratch_folder(env);
    let history = opened.history.here()?;
    let (row, source, archive) = chosen(file, args, history, &scratch).map_err(left)?;
    let domain = source.domain.clone();
    let engine = opened.base.engine(file, env);
    let mut screen = Screen::new(ui, file.invocation.clone());
    let (mut answer, _answering) = opened.base.answering(&screen, limits(file, ScriptsDue::Never));
    let planned = planned(file);
    let reader = opened.past(file);
    let silence = opened.history.silence();
    let is_silent = || silence.is_met();
    let past = reader.get().map(|past| PreviousUnless {
        past,
        is_silent: &is_silent,
    });
    let past = past.as_ref().map(|past| past as &dyn Previous);
    let mut notifier = Notifier::new(file, env, clock.zone(), past, &planned).of_restore();
    let sinks: Vec<&mut dyn Sink> = vec![&mut screen, &mut answer, &mut notifier];
    let mut record = Record::new(&mut opened.history, sinks, clock, &opened.base.process);
    let mut devices = Devices::new(engine);
    // Who is asked has been shown the plan.
    let is_asked = args.confirm.is_none() && args.format == OutputFormat::Table && ui.can_ask();
    let order = RestoreOrder {
        source,
        archive,
        device,
        options: RestoreOptions {
            lock_wait: args.lock_wait,
            save: match args.save {
                true => SaveAfter::Yes,
                false => SaveAfter::No,
            },
            allows_other_firmware: args.allow_other_firmware,
            allows_unsaved: args.over_unsaved,
            waits_for_a_person: is_asked,
        },
        scratch,
    };
    let mut shown = None;
    let mut confirm = |proposal: &RestoreProposal<'_>| {
        let plan = ShownRestorePlan::of(proposal);
        if args.format == OutputFormat::Table && (args.confirm.is_none() || ui.verbosity > Verbosity::Quiet) {
            let text = plan.text(proposal.difference, row.time, &clock.zone(), ui.width);
            // A plan that nobody could read is not confirmed.
            if let Err(error) = ui.data(&text) {
                return Some(RestoreConfirmation::NotShown(said(&error)));
            }
        }
        shown = Some(plan);
        match &args.confirm {
            Some(word) => Some(RestoreConfirmation::Word(word.clone())),
            None if proposal.needs_nothing || !is_asked => None,
            None => {
                let question = format!(
                    "to lay it over {domain} of {}, type the name of the domain within {} (anything else ends this): ",
                    device.name,
                    HumanDuration(ANSWERS_WITHIN)
                );
                let asked = clock.elapsed();
                let is_over =
                    || stop.is_requested() || clock.elapsed().saturating_sub(asked) >= ANSWERS_WITHIN;
                ui.ask(&question, &is_over)
                    .filter(|typed| !typed.is_empty())
                    .map(RestoreConfirmation::TypedName)
            }
        }
    };
    let ended = restoring::run(engine, &mut record, &mut devices, order, &mut confirm);
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
    let text = match args.format {
        OutputFormat::Table => outcome(&told, &device.name, domain.name(), &file.invocation),
        OutputFormat::Json => document(shown.as_ref(), &end, &told),
    };
    print(ui, &text)?;
    if let (Status::RestoreNotConfirmed, Some(plan)) = (end.status, &shown) {
        match told.is_void {
            // Its word is of the plan that is void.
            true => ui.hint("the same without --confirm shows the plan as it is now"),
            false => {
                let command = plan.command(&file.invocation, &given(args));
                ui.hint(&format!("`{command}` confirms the plan as it is now"));
            }
        }
    }
    if end.left != Left::Nothing {
        ui.error(&anyhow!("{}", end.left.words(&file.invocation)), None);
    }
    opened.close(Some(reader)).map_err(|mut error| {
        // What stands on a device is graver than what is in no history.
        let is_bad = told.import.as_ref().is_some_and(|known| !known.is_good);
        error.exit = match is_bad && error.exit == Exit::History {
            true => end.exit,
            false => end.exit.or_graver(error.exit),
        };
        error
    })?;
    Ok(end.exit)
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

/// The backup that was asked for, proved to be good, and a private copy of its archive.
fn chosen(
    file: &PlanFile,
    args: &RestoreArgs,
    history: &History,
    scratch: &std::path::Path,
) -> Result<(FileRow, RestoreSource, std::fs::File), CommandError> {
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
    let bad = |none: NoExport| {
        let error = match none {
            NoExport::Bad(why) => anyhow!("task {}: the backup itself is not good: {why}", task.0),
            NoExport::NotSent(why) => anyhow!(
                "task {}: the backup is whole, and is sent to no gateway: {why}",
                task.0
            ),
            NoExport::Unread(why) => anyhow!(
                "task {}: the backup could not be read here, which says nothing about it: {why}",
                task.0
            ),
        };
        CommandError::new(Exit::NotStarted, error).with_hint(format!(
            "`{}` shows other backups",
            file.invocation.command(["history", "status"])
        ))
    };
    store::is_there(&file.settings)
        .map_err(|failure| CommandError::new(Exit::NotStarted, anyhow!(failure.message)))?;
    let PrivateExport {
        row: kept,
        file: archive,
        instead,
        report,
        names,
        of_another,
    } = private_export(history, &file.settings.store, scratch, row)?.map_err(bad)?;
    let source = RestoreSource {
        task,
        device: row.device_name.clone(),
        domain,
        archive_task: kept.task,
        instead,
        sha256: kept.sha256.clone(),
        size: kept.size,
        report,
        names,
        running: rows
            .iter()
            .find(|row| row.kind == FileKind::NonPersisted)
            .map(|row| row.path.clone()),
        of_another,
    };
    Ok((row.clone(), source, archive))
}
