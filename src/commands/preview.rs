//! `dpbackup preview`: what a run would do, asked of the devices and changed on none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::artifact::layout::{self, ExportKind};
use crate::cli::{Global, OutputFormat, PreviewArgs, RunArgs, RunFormat};
use crate::clock::Clock;
use crate::commands::at_work::at_work;
use crate::commands::dead_executions::{open_quiesces, open_rows};
use crate::commands::error::{CommandError, Outcome, print, print_states};
use crate::commands::history_file::{files_in_store, look_at_history};
use crate::commands::left_behind::{UnseenImports, untold};
use crate::commands::loading::{invocation, load_plan_to_judge, with_open_rows};
use crate::commands::names::wanted;
use crate::commands::opening::{EngineBase, ScriptsDue, limits};
use crate::exit::Exit;
use crate::history::History;
use crate::lock::{Life, Locks};
use crate::plan::model::{Action, ErrorPolicy, Plan, PlanFile, Settings};
use crate::report::preview::{self as report, Preview, PreviewTask, PreviewVerdict};
use crate::run::at_work::{AtWork, AtWorkLook, without_left};
use crate::run::contact::Devices;
use crate::run::disabled::disabled;
use crate::run::event::{Progress, Sink as _};
use crate::run::examine::why_it_cannot_start;
use crate::run::expand::{ExpandedActivity, ExpandedTask, Verdict, expand};
use crate::run::failure::Failure;
use crate::run::ledger::JournalEntry;
use crate::run::left::life_of;
use crate::run::sequence::before::quiesce_timeout;
use crate::run::session::Contact;
use crate::run::status::{Class, Status};
use crate::run::store;
use crate::run::task::before::{refusal, refusal_of_unlisted, told_by_rows};
use crate::ui::{Screen, Ui, Verbosity};
use crate::values::closed_window::why_closed;
use crate::values::environment::Lookup;

/// Answers `run --dry-run`, which other programs have.
pub(super) fn instead_of_run(global: &Global, args: &RunArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let words = ["preview"].into_iter();
    let all = args.all.then_some("--all");
    let words = words.chain(args.plans.iter().map(String::as_str)).chain(all);
    let command = invocation(global, env).command(words);
    if ui.verbosity > Verbosity::Quiet {
        ui.say(&format!("nothing is run: this is `{command}`"));
    }
    let args = PreviewArgs {
        plans: args.plans.clone(),
        all: args.all,
        format: match args.format {
            RunFormat::Text => OutputFormat::Table,
            RunFormat::Json => OutputFormat::Json,
        },
    };
    preview(global, &args, ui, env)
}

/// Shows what a run would do.
pub(super) fn preview(global: &Global, args: &PreviewArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env).map_err(|error| with_open_rows(error, global, env))?;
    let plans = wanted(&loaded.plan_file, &["preview"], &args.plans, args.all)?;
    let file = &loaded.plan_file;
    let base = EngineBase::looking_on(file, "preview")?;
    let EngineBase { stop, clock, .. } = &base;
    let mut devices = Devices::new(base.engine(file, env));
    let history = look_at_history(&file.settings.history).err();
    let now = || at_work(file);
    let runs = AtWorkLook::new(&now);
    let left = LeftRows::of(file, history.is_none());
    let recover = file.invocation.command(["recover"]);
    let away = away(&file.settings);
    let mut previews = Vec::new();
    let mut script_would_fail = false;
    let mut screen = Screen::new(ui, file.invocation.clone());
    let (_answer, _answering) = base.answering(&screen, limits(file, ScriptsDue::Never));
    for plan in plans {
        let mut show = |progress: &Progress| screen.progress(progress);
        let Some(expanded) = expand(file, plan, &mut devices, stop, &mut show) else {
            return Ok(stop.signal().map_or(Exit::Failed, Exit::Interrupted));
        };
        // A run asks for this first.
        let locked = runs.of_plan(&plan.name);
        let mut refused: Vec<String> = locked.map(locked_words).into_iter().collect();
        refused.extend(refusals(plan, &file.settings, clock, env));
        refused.extend(history.as_ref().map(|why| format!("the history {why}")));
        let of_tasks = expanded
            .iter()
            .flat_map(|activity| activity.notes.iter().chain(&activity.warnings).cloned());
        let mut notes: Vec<String> = away.iter().cloned().chain(of_tasks).collect();
        let unable = scripts_behind(plan, env);
        script_would_fail |= !unable.is_empty();
        notes.extend(unable);
        let settled = settled(expanded, &mut devices, &runs, &left, &mut notes, (env, &recover));
        notes.extend(disabled(&settled, &mut devices));
        previews.push(Preview {
            plan: &plan.name,
            refused,
            is_locked: locked.is_some(),
            notes,
            tasks: tasks(settled, &file.settings, clock),
        });
    }
    // Without a history a run does not begin at all.
    let exit = exit_of(&previews).or_graver(history.map_or(Exit::Success, |_| Exit::History));
    let exit = match away.is_some() || script_would_fail {
        true => exit.or_graver(Exit::Warned),
        false => exit,
    };
    let open = open_rows(file);
    let locks = Locks::beside(&file.settings.history);
    let is_seen = UnseenImports::of(file, &locks).all().next().is_none();
    let exit = match (open_quiesces(file), is_seen) {
        (Some(_), _) => exit.or_graver(Exit::StillQuiesced),
        // An import that nobody saw end: every run warns of it. It removes a folder that was left.
        (None, false) => exit.or_graver(Exit::Warned),
        (None, true) => exit,
    };
    if let Some(open) = &open {
        ui.decisive_warning(open);
    }
    print_previews(previews, args.format, file, ui)?;
    Ok(exit)
}

fn print_previews(
    previews: Vec<Preview<'_>>,
    format: OutputFormat,
    file: &PlanFile,
    ui: Ui,
) -> Result<(), CommandError> {
    let text = match format {
        OutputFormat::Json => report::document(&previews),
        OutputFormat::Table if ui.verbosity == Verbosity::Quiet => {
            report::table(&not_good(previews), file.settings.store.folder(), ui.width)
        }
        OutputFormat::Table => report::table(&previews, file.settings.store.folder(), ui.width),
    };
    let printed = match format {
        OutputFormat::Json => print(ui, &text),
        OutputFormat::Table => print_states(ui, &text),
    };
    printed.map_err(|error| untold(error, file))
}

/// The rows of the journal that no run at work has opened, as far as they can be read.
struct LeftRows {
    /// Those of runs that died.
    of_the_dead: Vec<JournalEntry>,
    /// Those of which it cannot be told whether their run is at work.
    unclear: Vec<JournalEntry>,
    /// Whether a run would begin, which undoes those of the dead before anything else.
    run_begins: bool,
}

impl LeftRows {
    fn of(file: &PlanFile, run_begins: bool) -> Self {
        let locks = Locks::beside(&file.settings.history);
        let mut left = Self {
            of_the_dead: Vec::new(),
            unclear: Vec::new(),
            run_begins,
        };
        for row in History::open_rows(&file.settings.history).unwrap_or_default() {
            match life_of(&locks, &row) {
                Life::Alive => {}
                Life::Dead => left.of_the_dead.push(row),
                Life::NotKnown(_) => left.unclear.push(row),
            }
        }
        left
    }

    /// What is said of a device on which something is quiesced that such a row of the dead is about.
    fn note(&self, device: &str) -> String {
        let when = match self.run_begins {
            true => "is put back before the tasks begin",
            false => "is put back as soon as a run can begin",
        };
        format!("{device}: what a run that died has left quiesced {when}")
    }
}

/// What a run would warn of where the store should hold backups and holds none.
fn away(settings: &Settings) -> Option<String> {
    store::is_away(settings, store::bare(settings)?, files_in_store(settings))
}

/// What would not run, of the plans of which something would not.
fn not_good(previews: Vec<Preview<'_>>) -> Vec<Preview<'_>> {
    let mut bad = previews;
    for preview in &mut bad {
        preview.tasks.retain(|task| task.verdict != PreviewVerdict::Runs);
    }
    bad.retain(|preview| {
        !(preview.refused.is_empty() && preview.notes.is_empty() && preview.tasks.is_empty())
    });
    bad
}

/// Everything that would keep the plan from starting now.
fn refusals(plan: &Plan, settings: &Settings, clock: &dyn Clock, env: Lookup<'_>) -> Vec<String> {
    let mut refused = Vec::new();
    if !plan.enabled {
        refused.push(format!("{}: its `enabled` is false", Status::PlanIsDisabled));
    }
    if !settings.backups_enabled {
        refused.push(format!(
            "{}: `backups_enabled` under [settings] is false",
            Status::BackupsAreDisabled
        ));
    }
    if let Some(window) = plan.window.as_ref().filter(|window| !window.is_open(clock.now())) {
        refused.push(format!(
            "PRE_VALIDATION_OUT_OF_MAINTENANCE_WINDOW: {}",
            why_closed(window, clock.now())
        ));
    }
    if let Some(why) = why_it_cannot_start(plan.pre_script.as_deref(), env) {
        refused.push(format!("{}: {why}", Status::PlanFailedPreScript));
    }
    let checks = [
        quiesce_timeout(settings, plan),
        store::is_mounted(settings),
        could_be_written(settings),
    ];
    for failure in checks.into_iter().filter_map(Result::err) {
        refused.push(format!("{}: {}", failure.status, failure.message));
    }
    refused
}

/// The scripts behind the plan and its tasks that could not start: a run finds that out when all else is done.
fn scripts_behind(plan: &Plan, env: Lookup<'_>) -> Vec<String> {
    let of_tasks = plan.activities.iter().map(|activity| &activity.post_script);
    let scripts: BTreeSet<&Path> = of_tasks
        .chain([&plan.post_script])
        .filter_map(|script| script.as_deref())
        .collect();
    let unable = scripts
        .into_iter()
        .filter_map(|script| why_it_cannot_start(Some(script), env));
    unable
        .map(|why| format!("a post_script would fail: {why}"))
        .collect()
}

/// Whether a run could use the store and has the space, as far as looking tells.
fn could_be_written(settings: &Settings) -> Result<(), Failure> {
    store::owners(settings).map_err(|why| store::untrusted(&why))?;
    store::could_be_written(settings).map_err(|why| store::unwritable(settings, &why))?;
    store::has_space(settings, Status::StoreOutOfSpace)
}

/// What a run of the plan would end with, as it says it.
fn locked_words(run: &AtWork) -> String {
    let until = match run.stands_still {
        true => "it ends only when it goes on",
        false => "--lock-wait 10m waits for it",
    };
    format!("{}: held by {run}; {until}", Status::Locked)
}

/// The same, where a task that its device would refuse by what it has just shown is settled with that. What a run that
/// is at work has done to it is over when that run lets go of the device, for which a task waits: a note says so.
fn settled<'a>(
    expanded: Vec<ExpandedActivity<'a>>,
    devices: &mut Devices<'a>,
    runs: &AtWorkLook<'_>,
    left: &LeftRows,
    notes: &mut Vec<String>,
    (env, recover): (Lookup<'_>, &str),
) -> Vec<ExpandedActivity<'a>> {
    let mut judged = expanded;
    for ExpandedActivity { activity, tasks, .. } in &mut judged {
        let unable = why_it_cannot_start(activity.pre_script.as_deref(), env);
        for task in tasks {
            let Verdict::Ready(device) = task.verdict else {
                continue;
            };
            if let Some(why) = &unable {
                let failure = Failure::new(Status::TaskFailedPreScript, why.clone());
                task.verdict = Verdict::Settled(failure);
                continue;
            }
            let Contact::Up(session) = devices.contact(device) else {
                continue;
            };
            let listed = (&session.gateway, session.domains.as_slice());
            if let Ok(Some(failure)) = refusal_of_unlisted(activity, &device.name, &task.domain, listed) {
                task.verdict = Verdict::Settled(failure);
                continue;
            }
            let Some(failure) = refusal(activity, &device.name, &task.domain, &session.domains) else {
                continue;
            };
            let (domains, is_left) = without_left(&left.of_the_dead, &device.name, &session.domains);
            let serial = session.own_serial();
            let (domains, run) = runs.without_work(&device.name, serial.as_deref(), &domains);
            match (refusal(activity, &device.name, &task.domain, &domains), run) {
                (None, None) if is_left => {
                    let note = left.note(&device.name);
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
                (None, Some(run)) => {
                    let does = match run.stands_still {
                        true => ", has it in hand",
                        false => " is at work on it",
                    };
                    let note = format!("{}: {run}{does}; a task waits for its end", device.name);
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
                (still, _) => {
                    let failure = still.unwrap_or(failure);
                    let refused = (&**activity, device.name.as_str(), task.domain.as_str());
                    task.verdict =
                        Verdict::Settled(told_by_rows(failure, refused, &domains, &left.unclear, recover));
                }
            }
        }
    }
    judged
}

fn tasks(expanded: Vec<ExpandedActivity<'_>>, settings: &Settings, clock: &dyn Clock) -> Vec<PreviewTask> {
    let mut previews = Vec::new();
    let mut halted: Option<String> = None;
    for ExpandedActivity { activity, tasks, .. } in expanded {
        for task in tasks {
            let position = previews.len() + 1;
            let (verdict, reason) = match (&task.verdict, &halted) {
                (Verdict::Ready(_), None) => (PreviewVerdict::Runs, None),
                // As a run does it: what is skipped, or has failed already, keeps its own reason.
                (Verdict::Ready(_), Some(why)) => (
                    PreviewVerdict::Settled(Status::CanceledBecauseErrorPolicy),
                    Some(format!("{why}, and the error policy is halt")),
                ),
                (Verdict::Settled(failure), _) => (
                    PreviewVerdict::Settled(failure.status),
                    Some(failure.message.clone()),
                ),
            };
            if let PreviewVerdict::Settled(status) = verdict
                && status.class() == Class::Failed
                && activity.error_policy == ErrorPolicy::Halt
            {
                let what = activity.kind().of(&task.device_name, &task.domain);
                halted.get_or_insert_with(|| format!("{what} would end {status}"));
            }
            let runs = verdict == PreviewVerdict::Runs;
            previews.push(PreviewTask {
                position,
                action: activity.kind(),
                path: runs.then(|| path(&activity.action, &task, settings, clock)),
                device_name: task.device_name,
                domain_name: task.domain,
                quiesce: activity.quiesce,
                verdict,
                reason,
            });
        }
    }
    previews
}

/// Where the files would go, if the task ran right now.
fn path(action: &Action, task: &ExpandedTask<'_>, settings: &Settings, clock: &dyn Clock) -> PathBuf {
    let (now, zone) = (clock.now(), clock.zone());
    match action {
        Action::SecureBackup { .. } => {
            layout::secure_backup_dir(settings.store.folder(), &task.device_name, now, &zone)
        }
        Action::ExportDomain { .. } => layout::export_path(
            settings.store.folder(),
            &task.device_name,
            &task.domain,
            now,
            &zone,
            ExportKind::Persisted,
        ),
    }
}

/// 0 where all would run, 4 where nothing would start, else 1 or 3 as a run would end.
fn exit_of(previews: &[Preview<'_>]) -> Exit {
    let mut exit = Exit::Success;
    for preview in previews {
        let some = |wanted: Class| {
            let is_it = |task: &PreviewTask| matches!(task.verdict, PreviewVerdict::Settled(status) if status.class() == wanted);
            preview.tasks.iter().any(is_it)
        };
        let runs = preview
            .tasks
            .iter()
            .any(|task| task.verdict == PreviewVerdict::Runs);
        exit = exit.or_graver(if preview.is_locked {
            Exit::Locked
        } else if !preview.refused.is_empty() || (!runs && !some(Class::Failed)) {
            Exit::NotStarted
        } else if some(Class::Failed) {
            Exit::Failed
        } else if some(Class::Skipped) {
            Exit::Warned
        } else {
            Exit::Success
        });
    }
    exit
}
