//! `dpbackup report`: the page that says whether everything is backed up, written to a file.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::Mode;
use rustix::process::geteuid;

use crate::cli::{ExecutionId, Global, ReportArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::commands::dead::dead_executions::Gone;
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::heeding::Heeding;
use crate::commands::frame::history_file::read_history;
use crate::commands::frame::loading::{exit_of_part, load_plan_or_part};
use crate::commands::history::named::known;
use crate::commands::history::plan_rows;
use crate::commands::history::since::{moment, warn_of_to_come};
use crate::commands::named::new_place;
use crate::commands::status::judge;
use crate::exit::Exit;
use crate::freshness::expected::{expected, expected_of};
use crate::freshness::{Freshness, TargetState};
use crate::history::{
    ChangeFilter, ChangeRow, History, PlanFilter, PlanRow, RehearsedTarget, RemovedRow, TaskDetails,
    UnsavedTarget,
};
use crate::lock::Locks;
use crate::ownership;
use crate::plan::model::PlanFile;
use crate::report::page::{self, DayCalendar, ExecutionDetails, MARK, ReportPage};
use crate::run::event::{ALL_DOMAINS, FileKind, Owner};
use crate::ui::{SecondSignal, Ui, Verbosity};
use crate::values::causes::with_causes;
use crate::values::change::ChangeList;
use crate::values::environment::Lookup;
use crate::values::internal_error::caught;
use crate::values::invocation::quoted;
use crate::values::pattern::PatternList;
use crate::whole_file::{self, FileMode};

/// So many changes are shown.
const MOST_CHANGES: u32 = 200;

/// So many tasks are shown in full, over all plan executions.
const MOST_TASKS: usize = 1_500;

/// So many tasks of one plan execution are.
const MOST_TASKS_OF_ONE: u32 = 200;

/// So many days are shown at least, if so many were asked for.
const LEAST_DAYS: SignedDuration = SignedDuration::from_hours(29 * 24);

/// What a page that goes with a mail is about: what `report` is about where nothing else is said.
const MAILED_DAYS: SignedDuration = SignedDuration::from_hours(90 * 24);
const MAILED_AGE: Duration = Duration::from_secs(26 * 3_600);

/// So far into a file the mark of a page is looked for.
const HEAD: u64 = 4 << 10;

/// Writes the page.
pub(super) fn report(global: &Global, args: &ReportArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    is_named_as_html(&args.file)?;
    new_place::is_meant_so(&args.file, env)?;
    let to_stdout = args.file == Path::new("-");
    let rights = if to_stdout {
        FileMode::AsUsual
    } else {
        replaceable(&args.file)?
    };
    let heeding = Heeding::signals(ui, "a page that is not whole is not written", SecondSignal::Waits)?;
    let loaded = load_plan_or_part(global, ui, env)?;
    let file = &loaded.plan_file;
    is_no_plan_or_device(file, &args.file)?;
    let clock = SystemClock::new();
    let zone = if args.utc { TimeZone::UTC } else { clock.zone() };
    let since = moment(args.since, zone.clone())?;
    warn_of_to_come(Some(since), &zone, ui);
    let history = read_history(&file.settings)?;
    let now = clock.now();
    let asked = PageQuestion {
        plan: args.plan.as_deref(),
        since,
        now,
        zone,
        max_age: args.max_age,
    };
    let text = page_of(file, history.as_ref(), asked)?;
    if heeding.is_requested() {
        return Ok(heeding.exit(Exit::Success));
    }
    if to_stdout {
        print(ui, &text)?;
        return Ok(heeding.exit(exit_of_part(file, Exit::Success)));
    }
    whole_file::replace(&args.file, &text, rights)
        .with_context(|| format!("writing the report {}", args.file.display()))
        .map_err(|error| {
            let error = CommandError::new(Exit::Failed, error);
            match args
                .file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            {
                Some(folder) => error.with_hint(format!(
                    "its folder is not there: `mkdir -p {}`, or name another file",
                    quoted(&folder.to_string_lossy())
                )),
                None => error.unless_denied(folder_of(&args.file)),
            }
        })?;
    if ui.verbosity > Verbosity::Quiet {
        ui.say(&format!("wrote {}", args.file.display()));
    }
    Ok(heeding.exit(exit_of_part(file, Exit::Success)))
}

/// The folder in which a file stands.
fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Refuses the word for what the page is to be about, in place of the file into which it goes.
fn is_no_plan_or_device(file: &PlanFile, path: &Path) -> Result<(), CommandError> {
    let word = path.to_string_lossy();
    let page = |plan: &[&str]| {
        let words = ["report", "report.html"].iter().chain(plan);
        file.invocation.command(words.copied())
    };
    let hint = if file.plan(&word).is_some() {
        format!("`{}` is about this plan", page(&["--plan", &word]))
    } else if file.device(&word).is_some() || ExecutionId::of(&word).is_some() {
        format!("the page is about everything: `{}`", page(&[]))
    } else {
        return Ok(());
    };
    let error = anyhow!("report needs the name of the page that it writes, and '{word}' is none");
    Err(CommandError::new(Exit::Usage, error).with_hint(hint))
}

/// Refuses a name that promises another kind of file: whatever opens it would not understand the page.
fn is_named_as_html(path: &Path) -> Result<(), CommandError> {
    const OTHERS: [&str; 9] = ["pdf", "csv", "json", "xml", "md", "docx", "xlsx", "ods", "zip"];
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if !OTHERS.contains(&ending.as_str()) {
        return Ok(());
    }
    let error = anyhow!(
        "the page is HTML, and {} is the name of something else",
        path.display()
    );
    Err(CommandError::new(Exit::Usage, error).with_hint(format!(
        "name it {}: a browser opens it, and prints it as PDF; rows for programs have `history --format json` and `csv`",
        path.with_extension("html").display()
    )))
}

/// With which rights a page is put there. Nothing is overwritten that is no report.
fn replaceable(path: &Path) -> Result<FileMode, CommandError> {
    let refused = |why: &str| {
        let error = anyhow!("{} is there already, and is {why}", path.display());
        Err(
            CommandError::new(Exit::Usage, error).with_hint(match path.starts_with("/dev") {
                true => "the page is printed by the name -",
                false => "only a page that a report wrote is replaced: choose another name",
            }),
        )
    };
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // Whatever else is wrong with the place is said when it is written.
        Err(_) => return Ok(FileMode::AsUsual),
    };
    if metadata.is_dir() {
        return refused("a folder");
    }
    if !metadata.is_file() {
        return refused("no plain file");
    }
    let mut head = Vec::new();
    let read = ownership::open_regular(path).and_then(|file| Ok(file.take(HEAD).read_to_end(&mut head)?));
    match read {
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("looking at what {} is", path.display()));
            Err(CommandError::new(Exit::Failed, error))
        }
        // A shell makes an empty one for what it is told to write there.
        Ok(_) if head.is_empty() || String::from_utf8_lossy(&head).contains(MARK) => {
            Ok(kept(metadata.uid(), metadata.mode(), geteuid().as_raw()))
        }
        Ok(_) => refused("no report"),
    }
}

/// The rights of a page in place of one: what the caller gave it. Those of a page that somebody else has put there are
/// his choice, and not the caller's.
fn kept(owner: u32, mode: u32, caller: u32) -> FileMode {
    match owner == caller {
        true => FileMode::Exactly(Mode::from_raw_mode(mode & 0o777)),
        false => FileMode::AsUsual,
    }
}

/// The page about one plan, for its mail; or why there is none.
pub(super) fn about(file: &PlanFile, plan: &str, clock: &SystemClock) -> Result<String, String> {
    let page = || {
        let history = read_history(&file.settings)?;
        let now = clock.now();
        let asked = PageQuestion {
            plan: Some(plan),
            since: now.saturating_sub(MAILED_DAYS).unwrap_or(now),
            now,
            zone: clock.zone(),
            max_age: MAILED_AGE,
        };
        page_of(file, history.as_ref(), asked)
    };
    match caught(page) {
        Ok(Ok(page)) => Ok(page),
        Ok(Err(error)) => Err(with_causes(&*error.error)),
        Err(error) => Err(with_causes(&error)),
    }
}

/// What a page is asked to be about.
struct PageQuestion<'a> {
    plan: Option<&'a str>,
    since: Timestamp,
    now: Timestamp,
    zone: TimeZone,
    max_age: Duration,
}

fn page_of(
    file: &PlanFile,
    history: Option<&History>,
    asked: PageQuestion<'_>,
) -> Result<String, CommandError> {
    let filter = PlanFilter {
        plan: asked.plan.map(str::to_owned),
        since: Some(asked.since),
        limit: u32::MAX,
        ..PlanFilter::default()
    };
    known(file, history, &filter)?;
    let expected = match asked.plan {
        Some(plan) => expected_of(file, plan),
        None => expected(file),
    };
    let mut freshness = judge(file, history, &expected, asked.now, asked.max_age)?;
    let mut not_looked_at: Vec<String> = freshness.unseen.iter().cloned().collect();
    freshness.is_whole = file.is_whole;
    if !file.is_whole {
        not_looked_at.push(format!(
            "what is wrong in the plan file, and what it asks for; `{}` says what that is",
            file.invocation.command(["validate"])
        ));
    }
    let planned = PlannedTargets::of(&freshness, asked.plan);
    let rows = match history {
        Some(history) => PageRows::of(file, history, &filter, &planned, &asked)?,
        None => PageRows::none(DayCalendar::new(asked.since, asked.now, &asked.zone)),
    };
    Ok(page::render(&ReportPage {
        now: asked.now,
        since: asked.since,
        zone: asked.zone,
        plan: asked.plan,
        freshness: &freshness,
        unsaved: &rows.unsaved,
        changes: &rows.changes,
        more_changes: rows.more_changes,
        not_looked_at: &not_looked_at,
        calendar: &rows.calendar,
        rehearsed: &rows.rehearsed,
        executions: &rows.executions,
        details: &rows.details,
        removed: &rows.removed,
        history: &file.settings.history.to_string_lossy(),
        invocation: &file.invocation,
    }))
}

/// What history has for a page.
struct PageRows {
    executions: Vec<PlanRow>,
    calendar: DayCalendar,
    details: Vec<ExecutionDetails>,
    unsaved: Vec<(UnsavedTarget, Option<ChangeList>)>,
    changes: Vec<ChangeRow>,
    /// Whether there are more changes than these.
    more_changes: bool,
    rehearsed: Vec<RehearsedTarget>,
    removed: Vec<RemovedRow>,
}

impl PageRows {
    /// Where there is no history.
    fn none(calendar: DayCalendar) -> Self {
        Self {
            executions: Vec::new(),
            calendar,
            details: Vec::new(),
            unsaved: Vec::new(),
            changes: Vec::new(),
            more_changes: false,
            rehearsed: Vec::new(),
            removed: Vec::new(),
        }
    }

    fn of(
        file: &PlanFile,
        history: &History,
        filter: &PlanFilter,
        planned: &PlannedTargets<'_>,
        asked: &PageQuestion<'_>,
    ) -> Result<Self, CommandError> {
        let PageQuestion { plan, since, now, .. } = *asked;
        let executions = plan_rows(file, history, filter, Verbosity::Normal)?;
        let mut calendar = DayCalendar::new(first_day(since, now, &executions), now, &asked.zone);
        history.each_task_since(since, plan, |task| calendar.add(&task))?;
        let details = newest_in_full(file, history, &executions)?;
        let mut unsaved = Vec::new();
        for target in history.unsaved_targets()? {
            if planned
                .domains
                .contains(&(target.device_name.as_str(), target.domain_name.as_str()))
            {
                let objects = history.unsaved_of_task(target.task)?;
                unsaved.push((target, objects));
            }
        }
        let mut changes = planned.changes(history, since)?;
        let more_changes = changes.len() > MOST_CHANGES as usize;
        changes.truncate(MOST_CHANGES as usize);
        let mut rehearsed = history.rehearsed_targets()?;
        rehearsed.retain(|target| planned.has(&target.device_name, &target.domain_name));
        Ok(Self {
            executions,
            calendar,
            details,
            unsaved,
            changes,
            more_changes,
            rehearsed,
            removed: history.removed_since(since, plan)?,
        })
    }
}

/// Where the days begin: not long before the first execution that there is.
fn first_day(since: Timestamp, now: Timestamp, executions: &[PlanRow]) -> Timestamp {
    let first = executions.iter().map(|row| row.start_time).min().unwrap_or(now);
    let month_ago = now.saturating_sub(LEAST_DAYS).unwrap_or(since);
    since.max(first.min(month_ago))
}

/// The newest executions in full, as many as a page can hold.
fn newest_in_full(
    file: &PlanFile,
    history: &History,
    executions: &[PlanRow],
) -> Result<Vec<ExecutionDetails>, CommandError> {
    let gone = Gone::look(history, &Locks::beside(&file.settings.history))?;
    let (mut details, mut tasks_so_far) = (Vec::new(), 0);
    for plan in executions {
        if tasks_so_far >= MOST_TASKS {
            break;
        }
        let mut activities = history.activities(plan.id)?;
        gone.mark_activities(&mut activities);
        let mut tasks: Vec<TaskDetails> = Vec::new();
        for task in history.tasks_worst_first(plan.id, MOST_TASKS_OF_ONE)? {
            let mut task = history.task_details(task.id)?;
            gone.mark_task(&mut task.task);
            tasks.push(task);
        }
        // An execution takes some room even without a task.
        tasks_so_far += tasks.len().max(1);
        details.push(ExecutionDetails {
            plan: plan.clone(),
            all_tasks: history.task_count(plan.id)?,
            notes: history.notes(Owner::Plan(plan.id))?,
            scripts: history.scripts(Owner::Plan(plan.id))?,
            activities,
            tasks,
        });
    }
    Ok(details)
}

/// What the page is about: what plans ask for.
struct PlannedTargets<'f> {
    domains: HashSet<(&'f str, &'f str)>,
    /// Of each device the domains whose configuration is the matter; `None`: all of them, for a page
    /// about every plan has what was seen of its devices.
    configurations: BTreeMap<&'f str, Option<BTreeSet<&'f str>>>,
}

impl<'f> PlannedTargets<'f> {
    /// A page about one plan goes to those whom that plan tells, who may have no business with what
    /// other plans take of the same device.
    fn of(freshness: &'f Freshness, plan: Option<&str>) -> Self {
        let mut domains = HashSet::new();
        let mut configurations: BTreeMap<&str, Option<BTreeSet<&str>>> = BTreeMap::new();
        let planned = freshness.targets.iter();
        for target in planned.filter(|target| target.state > TargetState::NotPlanned) {
            let (device, domain) = (target.device.as_str(), target.domain.as_str());
            domains.insert((device, domain));
            match (plan, target.kind) {
                (None, _) => _ = configurations.insert(device, None),
                (Some(_), Some(FileKind::Persisted)) if domain == ALL_DOMAINS => {
                    configurations.insert(device, None);
                }
                (Some(_), Some(FileKind::Persisted)) => {
                    let known = configurations
                        .entry(device)
                        .or_insert_with(|| Some(BTreeSet::new()));
                    if let Some(known) = known {
                        known.insert(domain);
                    }
                }
                // What is in a secure backup nobody sees.
                (Some(_), _) => {}
            }
        }
        Self {
            domains,
            configurations,
        }
    }

    /// Whether the configuration of this domain is the matter.
    fn has(&self, device: &str, domain: &str) -> bool {
        let of_device = self.configurations.get(device);
        of_device.is_some_and(|domains| domains.as_ref().is_none_or(|domains| domains.contains(domain)))
    }

    /// What changed in these configurations, newest first, and one more than a page has.
    fn changes(&self, history: &History, since: Timestamp) -> Result<Vec<ChangeRow>, CommandError> {
        let find = |devices: BTreeSet<String>, domains: Option<PatternList>| {
            history.changes(&ChangeFilter {
                devices: Some(devices),
                domains,
                since: Some(since),
                limit: MOST_CHANGES + 1,
                ..ChangeFilter::default()
            })
        };
        let (whole, in_part): (Vec<_>, Vec<_>) = self
            .configurations
            .iter()
            .partition(|(_, domains)| domains.is_none());
        let whole: BTreeSet<String> = whole.iter().map(|(device, _)| (**device).to_owned()).collect();
        let mut changes = match whole.is_empty() {
            true => Vec::new(),
            false => find(whole, None)?,
        };
        for (device, domains) in in_part {
            let domains = domains.iter().flatten().copied();
            let domains = PatternList::from_items(domains)
                .with_context(|| format!("looking for what changed on {device}"))
                .map_err(|error| CommandError::new(Exit::Failed, error))?;
            changes.extend(find(BTreeSet::from([(*device).to_owned()]), Some(domains))?);
        }
        changes.sort_by_key(|change| std::cmp::Reverse(change.id));
        changes.truncate(MOST_CHANGES as usize + 1);
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_the_rights_of_one_of_the_callers_own_alone() {
        let own = FileMode::Exactly(Mode::RUSR | Mode::WUSR | Mode::ROTH);
        assert_eq!(kept(0, 0o100604, 0), own);
        assert_eq!(kept(4001, 0o100666, 0), FileMode::AsUsual);
    }
}
