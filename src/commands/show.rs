//! `dpbackup show`

use anyhow::Context as _;

use crate::cli::{Global, ShowArgs};
use crate::commands::error::{CommandError, Outcome, print};
use crate::commands::loading::{chosen, load_plan_to_judge};
use crate::exit::Exit;
use crate::plan::effective::effective;
use crate::ui::Ui;
use crate::values::environment::Lookup;

/// Shows every value that holds, and where it comes from.
pub(super) fn show(global: &Global, args: &ShowArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env)?;
    let names: Vec<String> = args.plan.iter().cloned().collect();
    let only = chosen(&loaded, &names)?.first().copied();
    let file = &loaded.plan_file;
    let text = std::fs::read_to_string(&file.path)
        .with_context(|| format!("reading {} again", file.path.display()))
        .map_err(|error| CommandError::new(Exit::Usage, error))?;
    print(ui, &effective(file, &text, only))?;
    Ok(Exit::Success)
}
