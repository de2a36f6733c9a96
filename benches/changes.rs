//! What changed, and where it is, in a large fleet: `cargo bench --bench changes`.
//!
//! Makes a history of 20,000 domains with a million changes, and a store with an export of each, and
//! times `log` and `find` on them, as the binary is called. Then backs up domains of a
//! simulated gateway that answers as a quick real one does, with changes and without, and says
//! what it costs to find them. `TMPDIR` is where all of it lies. Ends with an error where a
//! limit is broken.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

#[path = "../examples/simulator/mod.rs"]
mod simulator;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use dpbackup::history::{FileFilter, History};
use rusqlite::Connection;

use simulator::{Domain, Gateway, Setup};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Devices, domains of each, and changes of each domain.
const DEVICES: i64 = 1000;
const DOMAINS: i64 = 20;
const CHANGES: i64 = 50;
/// What a `log` may take.
const LOG_LIMIT: Duration = Duration::from_millis(100);
/// What finding changes may add to a task.
const SHARE_LIMIT: f64 = 0.1;
/// Domains that are backed up to measure that, and how long the gateway takes for an export.
const MEASURED: usize = 20;
const EXPORT_TIME: &str = "500ms";

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    fill(folder.path())?;
    println!(
        "{} domains, {} changes, made in {:.1?}\n",
        DEVICES * DOMAINS,
        DEVICES * DOMAINS * CHANGES,
        start.elapsed()
    );
    let mut kept = log(folder.path())?;
    find(folder.path())?;
    kept &= cost(&folder.path().join("cost"))?;
    match kept {
        true => Ok(()),
        false => Err("a limit is broken".into()),
    }
}

/// The binary in a folder with a plan file.
fn dpbackup(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpbackup"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("GATEWAY_PASSWORD", "secret")
        .env("DPBACKUP_CONFIG", "plans.toml")
        .stdin(Stdio::null());
    command
}

fn done(output: Output) -> Result<Output> {
    match output.status.code() {
        Some(0) => Ok(output),
        code => Err(format!("exit code {code:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn settings() -> &'static str {
    "[settings]\nstore = \"store\"\nhistory = \"history.db\"\nmin_free_store = \"1 MiB\"\n"
}

fn device(name: &str, port: u16) -> String {
    format!(
        "[[device]]\nname = \"{name}\"\nhost = \"127.0.0.1\"\nport = {port}\nusername = \"backup\"\n\
         password = {{ env = \"GATEWAY_PASSWORD\" }}\ntls = {{ verify = false }}\ntags = [\"t{}\"]\n",
        name.len() % 7
    )
}

fn plan(devices: &str) -> String {
    format!(
        "[[plan]]\nname = \"P\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"{devices}\"\n\
         domains = \"DOMAIN*\"\n"
    )
}

/// One real export, which stands for that of every domain, and a history that says so.
fn fill(folder: &Path) -> Result<()> {
    let gateway = Gateway::start(Setup {
        domains: vec![Domain::new("DOMAIN00")],
        ..Setup::default()
    });
    let text = [settings(), &device("GW0000", gateway.port()), &plan("*")].concat();
    fs::write(folder.join("plans.toml"), text)?;
    done(dpbackup(folder, &["run", "P"]).output()?)?;
    let history = History::open_read_only(&folder.join("history.db"))?.in_store(&folder.join("store"));
    let export = history.stored_files(&FileFilter::All)?.pop().ok_or("no export")?;
    drop(history);
    for number in 0..DEVICES {
        for domain in 0..DOMAINS {
            let place = folder.join(format!("store/GW{number:04}/domain/DOMAIN{domain:02}"));
            fs::create_dir_all(&place)?;
            fs::copy(&export.path, place.join("export-persisted.zip"))?;
        }
    }
    let connection = Connection::open(folder.join("history.db"))?;
    connection.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN;",
    )?;
    let count = DEVICES * DOMAINS;
    let device = format!("printf('GW%04d', n / {DOMAINS})");
    let domain = format!("printf('DOMAIN%02d', n % {DOMAINS})");
    let numbers = |count: i64| {
        format!("WITH RECURSIVE one(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM one WHERE n < {count} - 1)")
    };
    let night = "strftime('%Y-%m-%dT%H:%M:%S.000Z', 'now', printf('-%d days', n % 90))";
    connection.execute_batch(&format!(
        "DELETE FROM backup_target; DELETE FROM file; DELETE FROM status_change WHERE level = 'task';
         DELETE FROM task_execution;
         {numbers} INSERT INTO task_execution (id, plan_execution_id, activity_execution_id, action, device_name,
             domain_name, start_time, status, status_time, end_time, unsaved_changes)
         SELECT n + 1, 1, 1, 'EXPORT_DOMAIN', {device}, {domain}, {night}, 'SUCCESS', {night}, {night}, 0 FROM one;
         INSERT INTO file (task_execution_id, name, kind, path, kept, size, sha256, content, time)
         SELECT id, 'export-persisted.zip', 'persisted',
             device_name || '/domain/' || domain_name || '/export-persisted.zip', 1, {size}, '{sha256}', 'c', start_time
         FROM task_execution;
         INSERT INTO backup_target
         SELECT device_name, domain_name, 'persisted', id, id, start_time, {size}, 'c', id FROM task_execution;
         {changes} INSERT INTO config_change (task_execution_id, kind, device_name, domain_name, piece, class, name,
             change, description, time)
         SELECT n % {count} + 1, 'persisted', printf('GW%04d', n % {count} / {DOMAINS}),
             printf('DOMAIN%02d', n % {DOMAINS}), 'OBJECT', printf('Class%02d', n % 97), printf('object-%d', n % 4999),
             'Changed', 'mAdminState: enabled → disabled',
             strftime('%Y-%m-%dT%H:%M:%S.000Z', 'now', printf('-%d minutes', ({count} * {CHANGES} - n) / 8))
         FROM one;
         COMMIT;",
        numbers = numbers(count),
        changes = numbers(count * CHANGES),
        size = export.size,
        sha256 = export.sha256,
    ))?;
    let mut text = settings().to_owned();
    for number in 0..DEVICES {
        text.push_str(&self::device(&format!("GW{number:04}"), 1));
    }
    write!(text, "{}", plan("*"))?;
    fs::write(folder.join("plans.toml"), text)?;
    Ok(())
}

/// Every way to ask what changed: the middle of seven, from the start of the process to its end.
fn log(folder: &Path) -> Result<bool> {
    let mut kept = true;
    // What was just written is not what a log waits for.
    done(dpbackup(folder, &["log"]).output()?)?;
    println!("{:<58}{:>8}{:>10}", "what", "rows", "median");
    for arguments in [
        &["log"][..],
        &["log", "--since", "7d"],
        &["log", "--since", "60d"],
        &["log", "--device", "GW0500"],
        &["log", "--device", "GW05*"],
        &["log", "--domain", "DOMAIN07"],
        &["log", "--domain", "*07"],
        &["log", "--class", "Class42"],
        &["log", "--name", "object-77"],
        &["log", "--device", "GW05*", "--domain", "DOMAIN07"],
        &["log", "--device", "GW05*", "--class", "Class42"],
        &["log", "--device", "GW0500", "--name", "object-77"],
        &[
            "log", "--domain", "DOMAIN07", "--class", "Class42", "--since", "1d",
        ],
        &["log", "--class", "Class42", "--name", "nobody"],
        &["log", "--device", "GW0*", "--name", "nobody"],
        &["log", "--blame", "GW0500/DOMAIN07"],
    ] {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..7 {
            let start = Instant::now();
            let ran = done(dpbackup(folder, arguments).output()?)?;
            times.push(start.elapsed());
            rows = ran.stdout.iter().filter(|byte| **byte == b'\n').count();
        }
        times.sort_unstable();
        let median = times.get(3).copied().unwrap_or_default();
        // It reads an archive as well, and has no limit.
        let is_within = median <= LOG_LIMIT || arguments.contains(&"--blame");
        let verdict = match is_within {
            true => "",
            false => "  over the limit",
        };
        println!("{:<58}{rows:>8}{median:>10.1?}{verdict}", arguments.join(" "));
        kept &= is_within;
    }
    println!();
    Ok(kept)
}

/// When the first hit is there, and when all are, over every export.
fn find(folder: &Path) -> Result<()> {
    for arguments in [
        &["find", "service"][..],
        &["find", "no such text anywhere"],
        &["find", "--class", "HTTPUserAgent", "--property", "Timeout"],
    ] {
        let start = Instant::now();
        let mut child = dpbackup(folder, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut first = None;
        let mut hits = 0_u64;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let _ = line?;
                first.get_or_insert_with(|| start.elapsed());
                hits += 1;
            }
        }
        child.wait()?;
        let first = first.map_or_else(|| "none".to_owned(), |first| format!("{first:.1?}"));
        println!(
            "{:<58}{hits:>8} lines, the first after {first}, all after {:.1?}",
            arguments.join(" "),
            start.elapsed()
        );
    }
    println!();
    Ok(())
}

/// What finding changes adds to a task: the same domains backed up with nothing to compare, with
/// nothing that changed, and with a change in each.
fn cost(folder: &Path) -> Result<bool> {
    fs::create_dir(folder)?;
    let names: Vec<String> = (0..MEASURED).map(|number| format!("DOMAIN{number:02}")).collect();
    let gateway = Gateway::start(Setup {
        domains: names.iter().map(|name| Domain::new(name)).collect(),
        ..Setup::default()
    });
    // As many objects and files as a domain at work has.
    for name in &names {
        let mut state = gateway.state();
        for number in 0..300 {
            let text = format!("<!-- {number} -->\n").repeat(400);
            state.put_file(name, &format!("local:///app/{number}.xsl"), text.into_bytes());
        }
    }
    gateway.fail_as(&format!("do-backup=stall@{EXPORT_TIME}"));
    let text = [settings(), &device("GW", gateway.port()), &plan("*")].concat();
    fs::write(folder.join("plans.toml"), text)?;
    let mut measured = Vec::new();
    for (round, what) in ["nothing to compare with", "nothing changed", "a change in each"]
        .into_iter()
        .enumerate()
    {
        if round == 2 {
            for name in &names {
                gateway
                    .state()
                    .put_file(name, "local:///app/0.xsl", b"<changed/>".to_vec());
            }
        }
        let start = Instant::now();
        done(dpbackup(folder, &["run", "P"]).output()?)?;
        let task = start.elapsed().as_secs_f64() / MEASURED as f64;
        println!("{what:<58}{:>10.1} ms a task", task * 1000.0);
        measured.push(task);
    }
    let (Some(before), Some(with)) = (measured.first(), measured.last()) else {
        return Err("nothing was measured".into());
    };
    let share = (with - before) / with;
    println!(
        "finding the changes takes {:.1} ms, {:.1} % of a task of a gateway that needs {EXPORT_TIME} for an export",
        (with - before) * 1000.0,
        share * 100.0
    );
    Ok(share <= SHARE_LIMIT)
}
