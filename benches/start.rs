//! How large the binary is and how quickly it is there: `cargo bench --bench start`.
//!
//! `DPBACKUP_BINARY=PATH` measures another binary, such as the static one. Ends with an
//! error where a limit is broken, so that a pipeline can ask it.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

/// What the binary may have.
const SIZE_LIMIT: u64 = 10 << 20;
/// What reading a plan file of 1,000 devices may take, in KiB.
const MEMORY_LIMIT: u64 = 30 << 10;
/// Runs of each command; the middle one counts.
const RUNS: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    let binary = match std::env::var_os("DPBACKUP_BINARY") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_dpbackup")),
    };
    let folder = tempfile::tempdir()?;
    let fleet = fleet(folder.path(), 10, 100)?;
    // Before anything else, for it is the peak of this process that is read.
    let memory = memory_of_loading(&fleet)?;
    let plan = folder.path().join("plans.toml");
    let text = plan_file(1000, 100)?;
    fs::write(&plan, &text)?;
    let (config, fleet) = (plan.to_string_lossy(), fleet.to_string_lossy());

    let size = fs::metadata(&binary)?.len();
    println!("{}: {size} bytes, limit {SIZE_LIMIT}", binary.display());
    println!("a plan file of 1,000 devices and 100 plans: {} bytes", text.len());
    println!("memory with 1,000 devices in ten files read: {memory} KiB, limit {MEMORY_LIMIT}");
    println!(
        "{:<28}{:>10}{:>10}{:>10}{:>10}",
        "", "least", "median", "95 %", "limit"
    );
    let mut kept = size <= SIZE_LIMIT && memory <= MEMORY_LIMIT;
    let tasks: [(&str, &[&str], u64); 4] = [
        ("--version", &["--version"], 10),
        ("--help", &["--help"], 10),
        ("validate", &["--config", &config, "validate"], 100),
        ("validate, in ten files", &["--config", &fleet, "validate"], 50),
    ];
    for (name, arguments, limit) in tasks {
        let times = measure(&binary, arguments, folder.path())?;
        let limit = Duration::from_millis(limit);
        let at = |share: usize| {
            times
                .get((times.len() - 1) * share / 100)
                .copied()
                .unwrap_or_default()
        };
        println!(
            "{name:<28}{:>10.2?}{:>10.2?}{:>10.2?}{limit:>10.2?}",
            at(0),
            at(50),
            at(95)
        );
        kept &= at(50) <= limit;
    }
    if kept {
        Ok(())
    } else {
        Err("a limit is broken".into())
    }
}

/// A plan file that includes so many files, with so many devices in each.
fn fleet(folder: &Path, files: usize, devices: usize) -> io::Result<PathBuf> {
    let included = folder.join("devices.d");
    fs::create_dir(&included)?;
    let mut plans = String::from(
        "include = [\"devices.d/*.toml\"]\n[settings]\nstore = \"/backup/datapower\"\nhistory = \"history.db\"\n\
         [device_defaults]\nusername = \"backup\"\npassword = { env = \"GATEWAY_PASSWORD\" }\ntls = { verify = true }\n",
    );
    for file in 0..files {
        let table = |device| {
            format!(
                "[[device]]\nname = \"GW{file:02}{device:03}\"\nhost = \"gw{file}-{device}.example.com\"\ntags = [\"site{file}\", \"prod\"]\n\n"
            )
        };
        let text: String = (0..devices).map(table).collect();
        fs::write(included.join(format!("site{file}.toml")), text)?;
        plans.push_str(&format!(
            "[[plan]]\nname = \"Site {file}\"\n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"@site{file}\"\ndomains = \"*\"\n"
        ));
    }
    let path = folder.join("fleet.toml");
    fs::write(&path, plans)?;
    Ok(path)
}

/// The peak of memory of this process once it has read a plan file, in KiB.
fn memory_of_loading(path: &Path) -> Result<u64, Box<dyn Error>> {
    let loaded = dpbackup::plan::load(path, &|_| None)?;
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmHWM")?;
    match loaded.plan_file.devices.len() {
        1000 => Ok(kib.parse()?),
        other => Err(format!("{other} devices were read").into()),
    }
}

/// The times of a command from start to end, sorted. It must succeed.
fn measure(binary: &Path, arguments: &[&str], folder: &Path) -> io::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for run in 0..=RUNS {
        let start = Instant::now();
        let status = Command::new(binary)
            .args(arguments)
            .env_clear()
            .env("GATEWAY_PASSWORD", "secret")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        let time = start.elapsed();
        if !status.success() {
            return Err(io::Error::other(format!("{arguments:?} ended with {status}")));
        }
        // The first run reads the binary from the disk.
        if run > 0 {
            times.push(time);
        }
    }
    times.sort_unstable();
    Ok(times)
}

/// A plan file with so many devices and plans, each plan for a share of the devices.
fn plan_file(devices: usize, plans: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::from(
        "[settings]\nstore = \"/backup/datapower\"\nhistory = \"/var/lib/dpbackup/history.db\"\n\
         default_window = { start = \"21:30\", end = \"06:30\", time_zone = \"Europe/Rome\" }\n",
    );
    for device in 0..devices {
        write!(
            text,
            "\n[[device]]\nname = \"GW{device:04}\"\nhost = \"gw{device:04}.example.com\"\n\
             username = \"backup\"\npassword = {{ env = \"GATEWAY_PASSWORD\" }}\n\
             tls = {{ verify = true }}\n"
        )?;
    }
    for plan in 0..plans {
        write!(
            text,
            "\n[[plan]]\nname = \"Plan {plan:03}\"\nerror_policy = \"ignore\"\n\
             \n[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"GW{plan:03}*\"\n\
             certificate = \"backup-cert\"\nquiesce = true\n\
             \n[[plan.activity]]\naction = \"export-domain\"\ndevices = \"GW{plan:03}*, !GW{plan:03}9\"\n\
             domains = \"DOMAIN*, !DOMAIN-scratch\"\n"
        )?;
    }
    Ok(text)
}
