//! `dpbackup init`

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::InitArgs;
use crate::commands::error::{CommandError, Outcome, print};
use crate::exit::Exit;
use crate::ui::{Ui, Verbosity};

/// The example documents every key, and a test proves that it is valid.
const EXAMPLE: &str = include_str!("../../plans.example.toml");

/// For editors that know TOML; the file it names need not be there.
const SCHEMA_LINE: &str = "#:schema ./plans.schema.json\n\
                           # (for editors: `dpbackup schema > plans.schema.json` writes that file)\n\n";

/// Writes a plan file to start from, and overwrites none.
pub(super) fn init(args: &InitArgs, ui: Ui) -> Outcome {
    let text = format!("{SCHEMA_LINE}{EXAMPLE}");
    if args.file == Path::new("-") {
        print(ui, &text)?;
        return Ok(Exit::Success);
    }
    let shown = args.file.display();
    // `create_new` is one step for the kernel: nobody's file is lost between a look and a write.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.file);
    let file = file.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AlreadyExists => "it was left as it is; name another file, or `-` to print it",
            ErrorKind::NotFound => "its folder is not there: make it first",
            _ => "name a file in a folder that you may write, or `-` to print it",
        };
        let error = anyhow::Error::new(error).context(format!("writing the plan file {shown}"));
        CommandError::new(Exit::Usage, error).with_hint(hint)
    })?;
    write(file, &text)
        .with_context(|| format!("writing the plan file {shown}"))
        .map_err(|error| CommandError::new(Exit::Failed, error))?;
    if ui.verbosity > Verbosity::Quiet {
        ui.say(&format!(
            "wrote {shown}; change it to your devices, then: dpbackup --config {shown} validate"
        ));
    }
    Ok(Exit::Success)
}

fn write(mut file: File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
