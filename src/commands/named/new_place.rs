//! A path of the command line under which something new is to stand.

use std::path::Path;

use anyhow::anyhow;

use crate::commands::frame::error::CommandError;
use crate::exit::Exit;
use crate::values::environment::Lookup;
use crate::values::written_path::path_slip;

/// Refuses a path that a shell would have replaced, or that leads to another machine: where none stands in between, in
/// a unit or a crontab, a folder called `~` would be made. What is there already is meant as it is written.
pub(in crate::commands) fn is_meant_so(path: &Path, env: Lookup<'_>) -> Result<(), CommandError> {
    let Some(slip) = path.to_str().and_then(|text| path_slip(text, env)) else {
        return Ok(());
    };
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    Err(CommandError::new(Exit::Usage, anyhow!("{}: {}", slip.title, slip.label)).with_hint(slip.help))
}
