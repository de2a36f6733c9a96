//! Whether a large history and a large plan slow anything down: `cargo bench --bench scale`.
//!
//! Makes a history of a million tasks, times every query on it and the page of `report` about it, and writes the same run into
//! it and into an empty one; then previews a plan of 1,000 devices with 20 domains each, all
//! of them one simulated gateway. `DPBACKUP_SCALE_TASKS` chooses another number of tasks,
//! `TMPDIR` where the histories lie. `DPBACKUP_SCALE_RUN=1` runs that plan as well, some
//! minutes, and compares its first tasks with its last. Ends with an error where a limit is broken.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

#[path = "../examples/simulator/mod.rs"]
mod simulator;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use dpbackup::history::{FileFilter, FileRow, History, HistoryError, PlanFilter, Writing};
use dpbackup::run::event::{
    ActionKind, ActivityId, ActivityOpening, DeviceFacts, Event, FileKind, FileProof, Owner, PlanId,
    PlanOpening, StoredFile, TaskId, TaskOpening,
};
use dpbackup::run::ledger::Ledger;
use dpbackup::run::status::Status;
use dpbackup::values::lacks::Lacks;
use jiff::Timestamp;
use rusqlite::Connection;

use simulator::{Domain, Gateway, Setup};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a query may take.
const LIMIT: Duration = Duration::from_millis(50);
/// What a page about ninety nights of all domains may take, and how large it may be.
const PAGE_LIMIT: Duration = Duration::from_secs(2);
const PAGE_SIZE: u64 = 5 << 20;
/// Devices, and domains of each: what the rows are about.
const DEVICES: i64 = 1000;
const DOMAINS: i64 = 20;
/// Tasks of an execution of a plan: ten devices with their domains.
const TASKS_OF_PLAN: i64 = 200;
/// Tasks that are written to compare the histories.
const WRITTEN: usize = 200;

fn main() -> Result<()> {
    let tasks = match std::env::var("DPBACKUP_SCALE_TASKS") {
        Ok(number) => number.parse()?,
        Err(_) => 1_000_000,
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("history.db");
    let start = Instant::now();
    fill(&path, tasks)?;
    println!(
        "a history of {tasks} tasks: {} MiB, made in {:.1?}\n",
        fs::metadata(&path)?.len() >> 20,
        start.elapsed()
    );
    let mut kept = queries(&path, tasks)?;
    kept &= writing(&path, &folder.path().join("empty.db"))?;
    kept &= page(folder.path())?;
    preview(folder.path())?;
    if kept {
        Ok(())
    } else {
        Err("a limit is broken".into())
    }
}

/// The page of `report` about all of it: the middle of several, and how large it is.
fn page(folder: &Path) -> Result<bool> {
    let mut text = String::from("[settings]\nstore = \"store\"\nhistory = \"history.db\"\n");
    for device in 0..DEVICES {
        write!(
            text,
            "[[device]]\nname = \"GW{device:04}\"\nhost = \"127.0.0.1\"\nusername = \"backup\"\n\
             password = {{ env = \"GATEWAY_PASSWORD\" }}\n"
        )?;
    }
    text.push_str(
        "[[plan]]\nname = \"All\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\ndomains = \"*\"\n",
    );
    let plans = folder.join("page.toml");
    fs::write(&plans, text)?;
    let html = folder.join("page.html");
    let mut times = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_dpbackup"))
            .args(["report", "--quiet", "--config"])
            .args([&plans, &html])
            .status()?;
        times.push(start.elapsed());
        if !status.success() {
            return Err("no page was written".into());
        }
    }
    times.sort_unstable();
    let (median, size) = (
        times.get(1).copied().unwrap_or_default(),
        fs::metadata(&html)?.len(),
    );
    println!(
        "a page about it: {median:.2?} (median of 3), {} KiB\n",
        size >> 10
    );
    Ok(median <= PAGE_LIMIT && size <= PAGE_SIZE)
}

/// Fills a history as so many tasks would: each an export of a domain of its own night, with
/// seven statuses and a file; each fiftieth failed.
fn fill(path: &Path, tasks: i64) -> Result<()> {
    drop(History::open(path, Writing::Log)?);
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;
         PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;",
    )?;
    let plans = tasks / TASKS_OF_PLAN;
    // 100 plans, each for ten of the devices; one night after the other.
    let first_night = Timestamp::now().as_second() - (tasks / 20_000) * 86_400;
    let moment = |expression: &str| {
        format!("strftime('%Y-%m-%dT%H:%M:%S.000Z', {first_night} + ({expression}), 'unixepoch')")
    };
    let plan_start = moment("n / 100 * 86400 + n % 100 * 600");
    let task_start = moment("n / 20000 * 86400 + n / 200 % 100 * 600 + n % 200 * 3");
    let numbers = |name: &str, count: i64| {
        format!(
            "WITH RECURSIVE {name}(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM {name} WHERE n < {count} - 1)"
        )
    };
    let device = "printf('GW%04d', n / 200 % 100 * 10 + n % 10)";
    let domain = "printf('DOMAIN%02d', n / 10 % 20)";
    let sql = [
        format!(
            "{} INSERT INTO plan_execution (plan, plan_file, process, dpbackup_version, window_ignored,
                 start_time, status, status_time, end_time, devices, domains)
             SELECT printf('Plan %03d', n % 100), '/etc/dpbackup/plans.toml', 'process-' || n, '0.1.0', 0,
                 {plan_start}, iif(n % 7 = 0, 'FAILED', 'SUCCESS'), {plan_start}, {plan_start}, 10, 200 FROM plan",
            numbers("plan", plans)
        ),
        format!(
            "{} INSERT INTO activity_execution (plan_execution_id, action, device_pattern, domain_pattern,
                 quiesce, start_time, status, status_time, end_time)
             SELECT n + 1, 'EXPORT_DOMAIN', 'GW*', '*', 1, {plan_start}, 'SUCCESS', {plan_start}, {plan_start}
             FROM plan",
            numbers("plan", plans)
        ),
        format!(
            "{} INSERT INTO plan_execution_device
             SELECT DISTINCT printf('GW%04d', n / 10 % 100 * 10 + n % 10), p.start_time, p.id
             FROM pair JOIN plan_execution AS p ON p.id = n / 10 + 1",
            numbers("pair", plans * 10)
        ),
        format!(
            "{} INSERT INTO task_execution (plan_execution_id, activity_execution_id, action, device_name,
                 domain_name, start_time, status, status_time, end_time, error_message, firmware_version, build,
                 serial, machine_type, tls_trust, unsaved_changes)
             SELECT n / {TASKS_OF_PLAN} + 1, n / {TASKS_OF_PLAN} + 1, 'EXPORT_DOMAIN', {device}, {domain},
                 {task_start}, iif(n % 50 = 0, 'BACKUP_FAILED', 'SUCCESS'), {task_start}, {task_start},
                 iif(n % 50 = 0, 'do-backup: the gateway answered: internal error', NULL), 'IDG.10.5.0.1',
                 '350012', '68A0001', '8441', 'PIN', 0 FROM task",
            numbers("task", tasks)
        ),
        "WITH word(place, status) AS (VALUES (0, 'READY_FOR_EXECUTION'), (1, 'VALIDATING'),
                 (2, 'QUIESCING'), (3, 'BACKING_UP'), (4, 'VERIFYING'), (5, 'UNQUIESCING'), (6, 'SUCCESS'))
             INSERT INTO status_change (level, execution_id, status, time)
             SELECT 'task', t.id, word.status, t.start_time FROM task_execution AS t CROSS JOIN word"
            .to_owned(),
        "INSERT INTO file (task_execution_id, name, kind, path, kept, size, sha256, entries, objects, content, time)
         SELECT id, device_name || '-' || id || '.zip', 'persisted',
             '/backup/datapower/' || device_name || '/domain/' || domain_name || '/' || domain_name || '-export-'
                 || id || '-persisted.zip',
             1, 4800 + id % 1000, printf('%064x', id), 14, 120, printf('%064x', id / 20000), start_time
         FROM task_execution WHERE status = 'SUCCESS'"
            .to_owned(),
        "INSERT INTO backup_target
         SELECT t.device_name, t.domain_name, 'persisted', max(t.id), max(f.task_execution_id),
             max(t.start_time), 4800, max(f.content), min(f.task_execution_id)
         FROM task_execution AS t JOIN file AS f ON f.task_execution_id = t.id
         GROUP BY t.device_name, t.domain_name"
            .to_owned(),
    ];
    connection.execute_batch("BEGIN")?;
    for statement in sql {
        connection.execute_batch(&statement)?;
    }
    connection.execute_batch("COMMIT")?;
    // Else the first task that is written pays for the whole file.
    fs::File::open(path)?.sync_all()?;
    Ok(())
}

/// Every query of the library: the middle of several runs, and how many rows came.
fn queries(path: &Path, tasks: i64) -> Result<bool> {
    type Query<'q> = (
        &'static str,
        Box<dyn Fn(&History) -> std::result::Result<usize, HistoryError> + 'q>,
    );

    let history = History::open_read_only(path)?;
    let middle = tasks / 2 + 7;
    let (plan, task) = (PlanId(middle / TASKS_OF_PLAN), TaskId(middle));
    let activity = ActivityId(plan.0);
    let device = "GW0507".to_owned();
    let some = history.tasks(activity)?;
    let first = some.get(1).ok_or("no tasks")?;
    let stored = FileRow {
        content: Some(format!("{:064x}", first.id.0 / 20_000)),
        ..history.files(first.id)?.pop().ok_or("no file")?
    };
    let file = stored.path.clone();
    let filter = |change: &dyn Fn(&mut PlanFilter)| {
        let mut filter = PlanFilter::default();
        change(&mut filter);
        filter
    };
    let by_plan = filter(&|f| f.plan = Some("Plan 042".to_owned()));
    let by_status = filter(&|f| f.status = Some(Status::Failed));
    let by_no_status = filter(&|f| f.status = Some(Status::Locked));
    let by_device = filter(&|f| f.device = Some("GW0507".to_owned()));
    let by_all = filter(&|f| {
        f.plan = Some("Plan 042".to_owned());
        f.device = Some("GW0427".to_owned());
        f.status = Some(Status::Locked);
    });
    let since = filter(&|f| f.since = Timestamp::from_second(1_700_000_000).ok());
    let queries: Vec<Query<'_>> = vec![
        (
            "plans",
            Box::new(|h| h.plans(&PlanFilter::default()).map(|r| r.len())),
        ),
        (
            "plans of a plan",
            Box::new(|h| h.plans(&by_plan).map(|r| r.len())),
        ),
        (
            "plans of a status",
            Box::new(|h| h.plans(&by_status).map(|r| r.len())),
        ),
        (
            "plans of a status that none has",
            Box::new(|h| h.plans(&by_no_status).map(|r| r.len())),
        ),
        (
            "plans of a device",
            Box::new(|h| h.plans(&by_device).map(|r| r.len())),
        ),
        (
            "plans of all three, none",
            Box::new(|h| h.plans(&by_all).map(|r| r.len())),
        ),
        ("plans since", Box::new(|h| h.plans(&since).map(|r| r.len()))),
        ("plan", Box::new(|h| h.plan(plan).map(|_| 1))),
        ("activities", Box::new(|h| h.activities(plan).map(|r| r.len()))),
        ("tasks", Box::new(|h| h.tasks(activity).map(|r| r.len()))),
        (
            "tasks_of_plan",
            Box::new(|h| h.tasks_of_plan(plan).map(|r| r.len())),
        ),
        ("task", Box::new(|h| h.task(task).map(|_| 1))),
        ("task_details", Box::new(|h| h.task_details(task).map(|_| 1))),
        (
            "task_status_changes",
            Box::new(|h| h.task_status_changes(task).map(|r| r.len())),
        ),
        ("files", Box::new(|h| h.files(task).map(|r| r.len()))),
        (
            "stored_files of a device",
            Box::new(|h| {
                h.stored_files(&FileFilter::Device(device.clone()))
                    .map(|r| r.len())
            }),
        ),
        (
            "prunable_files of a device",
            Box::new(|h| h.prunable_files(&device).map(|r| r.len())),
        ),
        ("kept_like", Box::new(|h| h.kept_like(&stored).map(|r| r.len()))),
        ("files_at", Box::new(|h| h.files_at(&file).map(|r| r.len()))),
        ("notes", Box::new(|h| h.notes(Owner::Task(task)).map(|r| r.len()))),
        (
            "scripts",
            Box::new(|h| h.scripts(Owner::Plan(plan)).map(|r| r.len())),
        ),
        ("open_entries", Box::new(|h| h.open_entries().map(|r| r.len()))),
        (
            "unfinished_plans",
            Box::new(|h| h.unfinished_plans().map(|r| r.len())),
        ),
        ("targets", Box::new(|h| h.targets().map(|r| r.len()))),
    ];
    println!("{:<36}{:>8}{:>12}{:>12}", "query", "rows", "median", "most");
    let mut kept = true;
    for (name, query) in &queries {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..11 {
            let start = Instant::now();
            rows = query(&history)?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let median = times.get(5).copied().unwrap_or_default();
        let most = times.last().copied().unwrap_or_default();
        let verdict = if median > LIMIT { "  over the limit" } else { "" };
        println!("{name:<36}{rows:>8}{median:>12.2?}{most:>12.2?}{verdict}");
        kept &= median <= LIMIT;
    }
    let start = Instant::now();
    drop(History::open(path, Writing::Log)?);
    println!("{:<36}{:>8}{:>12.2?}", "open, for a run", "", start.elapsed());
    Ok(kept)
}

/// The same run, written into the large history and into an empty one, in turns.
fn writing(large: &Path, empty: &Path) -> Result<bool> {
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut histories = [
        History::open(empty, Writing::Log)?,
        History::open(large, Writing::Log)?,
    ];
    for _ in 0..3 {
        for (history, times) in histories.iter_mut().zip(&mut times) {
            times.extend(write_run(history)?);
        }
    }
    let mut medians = [Duration::ZERO; 2];
    println!();
    for ((name, times), median) in ["an empty", "the large"].iter().zip(&mut times).zip(&mut medians) {
        times.sort_unstable();
        *median = times.get(times.len() / 2).copied().unwrap_or_default();
        println!(
            "a task written into {name} history: {median:.2?} (median of {})",
            times.len()
        );
    }
    let ratio = medians[1].as_secs_f64() / medians[0].as_secs_f64();
    println!("ratio: {ratio:.2}\n");
    // A B-tree of a million rows is one or two levels higher: more than twice is something else.
    Ok(ratio < 2.0)
}

/// One execution of a plan, and what each of its tasks took.
fn write_run(history: &mut History) -> Result<Vec<Duration>> {
    let at = Timestamp::now();
    let plan = history.open_plan(
        at,
        &PlanOpening {
            plan: "Plan 042".to_owned(),
            plan_file: PathBuf::from("/etc/dpbackup/plans.toml"),
            process: "bench".to_owned(),
            window_ignored: false,
        },
    )?;
    let activity = history.open_activity(
        at,
        &ActivityOpening {
            plan,
            action: ActionKind::ExportDomain,
            device_pattern: "GW042*".to_owned(),
            domain_pattern: "*".to_owned(),
            quiesce: true,
        },
    )?;
    let mut times = Vec::new();
    for number in 0..WRITTEN {
        let start = Instant::now();
        let (device, domain) = (
            format!("GW042{}", number % 10),
            format!("DOMAIN{:02}", number / 10 % 20),
        );
        let task = history.open_task(
            at,
            &TaskOpening {
                plan,
                activity,
                action: ActionKind::ExportDomain,
                device: device.clone(),
                domain: domain.clone(),
                status: Status::ReadyForExecution,
                error: None,
            },
        )?;
        let facts = DeviceFacts {
            firmware_version: Some("IDG.10.5.0.1".to_owned()),
            build: None,
            build_date: None,
            serial: None,
            machine_type: None,
            model_type: None,
            tls_trust: None,
        };
        history.record(at, &Event::DeviceFacts { task, facts })?;
        for status in [Status::Validating, Status::BackingUp, Status::Verifying] {
            history.record(at, &Event::TaskStatus { task, status })?;
        }
        let last = history.last_content(&device, &domain, FileKind::Persisted)?;
        let file = StoredFile {
            name: format!("{domain}.zip"),
            kind: FileKind::Persisted,
            path: PathBuf::from(format!("/backup/datapower/{device}/{domain}-{}.zip", task.0)),
            kept: true,
            size: 4800,
            sha256: format!("{:064x}", task.0),
            entries: Some(14),
            objects: Some(120),
            content: Some(format!("{:064x}", 5)),
            unchanged_since: last.map(|last| last.since),
            proof: FileProof::Whole,
            lacks: Some(Lacks::default()),
        };
        history.record(at, &Event::FileStored { task, file })?;
        let status = Status::Success;
        history.record(
            at,
            &Event::TaskEnded {
                task,
                status,
                error: None,
                took: None,
            },
        )?;
        times.push(start.elapsed());
    }
    let status = Status::Success;
    history.record(at, &Event::ActivityEnded { activity, status })?;
    history.record(
        at,
        &Event::PlanEnded {
            plan,
            status,
            error: None,
            took: None,
        },
    )?;
    Ok(times)
}

/// Previews one plan of 1,000 devices with 20 domains each, all of them one gateway.
fn preview(folder: &Path) -> Result<()> {
    let gateway = Gateway::start(Setup {
        domains: (0..DOMAINS)
            .map(|domain| Domain::new(&format!("DOMAIN{domain:02}")))
            .collect(),
        ..Setup::default()
    });
    let mut text = String::from(
        "[settings]\nstore = \"store\"\nhistory = \"state/history.db\"\nmin_free_store = \"1 MiB\"\n",
    );
    for device in 0..DEVICES {
        write!(
            text,
            "[[device]]\nname = \"GW{device:04}\"\nhost = \"127.0.0.1\"\nport = {}\nusername = \"backup\"\n\
             password = {{ env = \"GATEWAY_PASSWORD\" }}\ntls = {{ pin_sha256 = \"{}\" }}\n",
            gateway.port(),
            gateway.pin()
        )?;
    }
    text.push_str(
        "[[plan]]\nname = \"All\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"*\"\n\
         domains = \"*\"\n",
    );
    fs::create_dir_all(folder.join("store"))?;
    fs::write(folder.join("plans.toml"), text)?;
    let start = Instant::now();
    let output = dpbackup(folder, "preview")?;
    let time = start.elapsed();
    let tasks = String::from_utf8_lossy(&output.stdout)
        .matches("\"domain_name\"")
        .count();
    println!(
        "a preview of {DEVICES} devices with {DOMAINS} domains: {tasks} tasks in {time:.1?}, {} requests, {}",
        gateway.operations().len(),
        output.status
    );
    if tasks == 0 {
        println!("{}", String::from_utf8_lossy(&output.stderr));
    }
    if std::env::var_os("DPBACKUP_SCALE_RUN").is_some() {
        run(folder)?;
    }
    Ok(())
}

/// What a command of the plan prints as JSON.
fn dpbackup(folder: &Path, command: &str) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_dpbackup"))
        .args([command, "All", "--format", "json"])
        .env_clear()
        .env("GATEWAY_PASSWORD", "secret")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

/// Runs the plan that was previewed, and compares the time from one end of a task to the next
/// at the beginning with that at the end.
fn run(folder: &Path) -> Result<()> {
    const COMPARED: usize = 1000;
    let start = Instant::now();
    let output = dpbackup(folder, "run")?;
    let time = start.elapsed();
    let mut ends: Vec<Timestamp> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let event: serde_json::Value = serde_json::from_str(line)?;
        if event["event"] == "task_ended" {
            ends.push(event["time"].as_str().ok_or("no time")?.parse()?);
        }
    }
    let mut gaps: Vec<Duration> = ends
        .windows(2)
        .filter_map(|pair| Duration::try_from(pair[1].duration_since(pair[0])).ok())
        .collect();
    println!(
        "a run of it: {} tasks in {time:.1?}, {}",
        ends.len(),
        output.status
    );
    if gaps.len() < 2 * COMPARED {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut last = gaps.split_off(gaps.len() - COMPARED);
    gaps.truncate(COMPARED);
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[COMPARED / 2]
    };
    let (first, last) = (middle(&mut gaps), middle(&mut last));
    println!(
        "from one task to the next, median of {COMPARED}: {first:.2?} at the beginning, {last:.2?} at the end"
    );
    Ok(())
}
