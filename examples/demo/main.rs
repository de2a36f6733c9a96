//! The main job on simulated gateways, in a minute: `cargo run --example demo`.
//!
//! Starts three gateways on loopback (a fourth is down), writes a plan and scripts into
//! a temporary folder, and runs the real commands on them. Leaves nothing behind, unless
//! `--keep` names a folder.

#![expect(
    clippy::print_stdout,
    reason = "a demonstration talks to the person who started it"
)]

#[path = "../simulator/mod.rs"]
mod simulator;

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use clap::Parser;
use dpbackup::cli::Cli;
use dpbackup::commands;
use dpbackup::exit::Exit;

use crate::simulator::{Domain, Firmware, Gateway, Setup};

/// The password of every gateway here.
const PASSWORD: &str = "secret";

/// Shows the main job of dpbackup on simulated gateways.
#[derive(Parser)]
struct Arguments {
    /// Keep plan, scripts, store and history in this folder (new or empty)
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Write the page of `dpbackup report` into this file, too
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let report = arguments.report.as_deref().map(std::path::absolute).transpose()?;
    let temporary = tempfile::tempdir()?;
    let folder = match &arguments.keep {
        Some(folder) => {
            fs::create_dir_all(folder)?;
            if fs::read_dir(folder)?.next().is_some() {
                return Err(io::Error::other(format!("{} is not empty", folder.display())));
            }
            folder.canonicalize()?
        }
        None => temporary.path().canonicalize()?,
    };

    let quiesces = || Setup {
        quiesce_time: Duration::from_secs(2),
        unquiesce_time: Duration::from_secs(1),
        ..Setup::default()
    };
    let serial = |number: u32| Firmware {
        serial: format!("78A000{number}"),
        ..Firmware::v10()
    };
    let qa = |number: u32| Setup {
        name: format!("QA{number}"),
        firmware: serial(number),
        domains: vec![Domain::new("PAYMENTS")],
        secure_backup_time: Duration::from_secs(2),
        ..quiesces()
    };
    let test = Setup {
        name: "TEST8".to_owned(),
        firmware: serial(8),
        domains: vec![
            Domain::new("DOMAIN1"),
            Domain::new("DOMAIN2").unsaved(),
            Domain::new("DOMAIN-APIC").api_connect(),
        ],
        ..quiesces()
    };
    let gateways = [Gateway::start(qa(1)), Gateway::start(qa(2)), Gateway::start(test)];
    let plan = write_plan(&folder, &gateways)?;
    write_script(
        &folder,
        "announce.sh",
        "#!/bin/sh\necho \"$@\" >> announced.log\n",
    )?;

    let show = |words: &[&str]| -> io::Result<Exit> {
        println!("\n$ dpbackup {}", words.join(" "));
        io::stdout().flush()?;
        let config = plan.to_string_lossy().into_owned();
        let cli = Cli::parse_from(["dpbackup", "--config", &config].iter().chain(words));
        Ok(commands::dispatch(&cli, &environment))
    };
    println!("Three simulated gateways answer on loopback; TEST9 is down. The plan file:\n");
    println!("{}", fs::read_to_string(&plan)?.trim_end());
    std::env::set_current_dir(&folder)?;
    show(&["validate"])?;
    show(&["preview", "Nightly"])?;
    let exit = show(&["run", "Nightly", "--verbose"])?;
    if let Exit::Interrupted(_) = exit {
        return Ok(exit.into());
    }
    let meaning = match exit {
        Exit::Warned => "nothing failed, something was skipped",
        _ => "not what it should be: one device is down, and nothing else",
    };
    println!("(exit code {}: {meaning})", exit.code());
    show(&["history"])?;
    show(&["history", "activities", "1"])?;
    show(&["history", "tasks", "1"])?;
    show(&["history", "tasks", "2"])?;
    show(&["history", "files", "1"])?;
    show(&["history", "files", "4"])?;

    let reported = match &report {
        Some(file) => show(&["report", &file.to_string_lossy()])?,
        None => Exit::Success,
    };

    println!(
        "\nWhat the scripts were told:\n{}",
        fs::read_to_string("announced.log")?.trim_end()
    );
    println!("\nWhere the files lie:");
    print_tree(&folder.join("store"), &folder)?;
    let quiesced = gateways
        .iter()
        .filter(|gateway| !gateway.state().is_unquiesced())
        .count();
    println!("\nGateways left quiesced: {quiesced}");
    match &arguments.keep {
        Some(_) => println!("Everything is kept in {}", folder.display()),
        None => println!("Nothing is left behind; --keep FOLDER keeps it all."),
    }
    let as_it_should = exit == Exit::Warned && quiesced == 0 && reported == Exit::Success;
    Ok(if as_it_should {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The environment of the commands: the password, and what this process has.
fn environment(name: &str) -> Option<OsString> {
    match name {
        "GATEWAY_PASSWORD" => Some(PASSWORD.into()),
        _ => std::env::var_os(name),
    }
}

fn write_plan(folder: &Path, gateways: &[Gateway]) -> io::Result<PathBuf> {
    let mut text = String::from(
        "[settings]\nstore = \"store\"\nhistory = \"history.db\"\nmin_free_store = \"100 MiB\"\n\n",
    );
    let mut device = |name: &str, port: u16, pin: &str| {
        text.push_str(&format!(
            "[[device]]\nname = \"{name}\"\nhost = \"127.0.0.1\"\nport = {port}\nusername = \"backup\"\n\
             password = {{ env = \"GATEWAY_PASSWORD\" }}\ntls = {{ pin_sha256 = \"{pin}\" }}\n\n"
        ));
    };
    for gateway in gateways {
        let name = gateway.state().setup.name.clone();
        device(&name, gateway.port(), &gateway.pin());
    }
    device("TEST9", 1, &"0".repeat(64));
    text.push_str(
        r#"[[plan]]
name = "Nightly"
error_policy = "ignore"
pre_script = "announce.sh"
post_script = "announce.sh"

[[plan.activity]]
action = "secure-backup"
devices = "QA*"
certificate = "backup-cert"
quiesce = true

[[plan.activity]]
action = "export-domain"
devices = "TEST*"
domains = "DOMAIN*"
quiesce = true
post_script = "announce.sh"
"#,
    );
    let path = folder.join("plans.toml");
    fs::write(&path, text)?;
    Ok(path)
}

fn write_script(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = folder.join("scripts").join(name);
    fs::create_dir_all(folder.join("scripts"))?;
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
}

fn print_tree(folder: &Path, root: &Path) -> io::Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            print_tree(&path, root)?;
        } else {
            println!("  {}", path.strip_prefix(root).unwrap_or(&path).display());
        }
    }
    Ok(())
}
