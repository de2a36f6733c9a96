//! `dpbackup init`: a first plan file for one device.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::cli::{Global, InitArgs};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::loading::names_of_new;
use crate::commands::named::new_place::is_meant_so;
use crate::exit::Exit;
use crate::ui::{Ui, Verbosity};
use crate::values::environment::{Lookup, non_empty};
use crate::values::invocation::{Invocation, quoted};

/// One device and one plan, by the names that the guide has. A test proves that it is valid.
const FIRST: &str = include_str!("../../examples/plans.toml");

/// Every key, each with its explanation. A test proves that it is valid.
const FULL: &str = include_str!("../../plans.example.toml");

/// For editors that know TOML; the file it names need not be there.
const SCHEMA_LINE: &str = "#:schema ./plans.schema.json\n\
                           # (for editors: `dpbackup schema > plans.schema.json` writes that file)\n\n";

/// Where a plan file is looked for without being named.
const HERE: &str = "plans.toml";

/// Writes a plan file to start from, and overwrites none.
pub(super) fn init(global: &Global, args: &InitArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let text = format!("{SCHEMA_LINE}{}", if args.full { FULL } else { FIRST });
    // Who names a plan file and has none yet means this one.
    let file = args.file.clone().or_else(|| global.config.clone());
    let file = file.unwrap_or_else(|| PathBuf::from(HERE));
    if file == Path::new("-") {
        print(ui, &text)?;
        return Ok(Exit::Success);
    }
    is_meant_so(&file, env)?;
    let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
    if ["yaml", "yml", "json", "ini", "xml", "conf", "cfg"]
        .iter()
        .any(|other| ending == *other)
    {
        let error = anyhow!(
            "a plan file is TOML, and {} is the name of something else",
            file.display()
        );
        let named = file.with_extension("toml");
        return Err(CommandError::new(Exit::Usage, error).with_hint(format!(
            "`{}`",
            Invocation::default().command(["init", &named.to_string_lossy()])
        )));
    }
    let shown = file.display();
    // `create_new` is one step for the kernel: nobody's file is lost between a look and a write.
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file);
    let made = made.map_err(|error| {
        let hint = instead(&file, error.kind(), env);
        let error = anyhow::Error::new(error).context(format!("writing the plan file {shown}"));
        CommandError::new(Exit::Usage, error).with_hint(hint)
    })?;
    write(made, &text)
        .with_context(|| format!("writing the plan file {shown}"))
        .map_err(|error| CommandError::new(Exit::Failed, error))?;
    match ui.verbosity > Verbosity::Quiet {
        true => Ok(next_steps(&file, args.full, ui, env)),
        false => Ok(Exit::Success),
    }
}

/// What to do where the file could not be made.
fn instead(file: &Path, why: ErrorKind, env: Lookup<'_>) -> String {
    match why {
        ErrorKind::AlreadyExists if file.is_dir() => format!(
            "it is a folder: `{}` writes a file into it",
            Invocation::default().command(["init", &file.join(HERE).to_string_lossy()])
        ),
        ErrorKind::AlreadyExists => format!(
            "it was left as it is: `{}` checks it; move it away or name another file, or `-` to print it",
            names(file, env).command(["validate"])
        ),
        ErrorKind::NotFound => match file.parent().filter(|folder| !folder.exists()) {
            Some(folder) => format!(
                "its folder is not there: `mkdir -p {}`",
                quoted(&folder.to_string_lossy())
            ),
            None => "its folder is not there: make it first".to_owned(),
        },
        _ => "name a file in a folder that you may write, or `-` to print it".to_owned(),
    }
}

/// Says what is to be done with the file that was written.
fn next_steps(file: &Path, full: bool, ui: Ui, env: Lookup<'_>) -> Exit {
    let shown = file.display();
    let invocation = match names_of_new(file, env) {
        Ok(invocation) => invocation,
        Err(why) => {
            ui.say(&format!("wrote {shown}"));
            ui.warning(&format!("no command takes a plan file from there: {why}"));
            return Exit::Warned;
        }
    };
    let examples = match full {
        true => {
            " (the files that it names, such as those of `ca_file`, are examples: put yours there, or take the lines out)"
        }
        false => "",
    };
    let mut said = format!("wrote {shown}; change it to your gateways{examples}, then:");
    let steps: &[&[&str]] = match full {
        true => &[&["validate"], &["check"]],
        false => &[
            &["validate"],
            &["trust", "QA1"],
            &["check"],
            &["preview", "Nightly"],
            &["run", "Nightly"],
        ],
    };
    for step in steps {
        said.push_str("\n  ");
        said.push_str(&invocation.command(step.iter().copied()));
    }
    ui.say(&said);
    Exit::Success
}

/// How commands name the file that was written: not at all, where they find it.
fn names(file: &Path, env: Lookup<'_>) -> Invocation {
    if file == Path::new(HERE) && non_empty(env, "DPBACKUP_CONFIG").is_none() {
        Invocation::default()
    } else {
        Invocation::naming(file)
    }
}

fn write(mut file: File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
