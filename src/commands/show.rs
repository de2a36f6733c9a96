//! `dpbackup show`, and `list`, which other programs have: what holds of a plan file, and which plans and devices it has.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::{Global, ShowArgs};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::loading::load_plan_to_judge;
use crate::commands::named::names::chosen;
use crate::exit::Exit;
use crate::plan::effective::{EffectiveScope, effective};
use crate::plan::model::PlanFile;
use crate::plan::written_file::WrittenFile;
use crate::ui::Ui;
use crate::values::environment::Lookup;
use crate::values::text::hanging;

/// Shows every value that holds, and where it comes from.
pub(super) fn show(global: &Global, args: &ShowArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env)?;
    let file = &loaded.plan_file;
    let shown = match &args.plan {
        None => EffectiveScope::All,
        Some(name) => match (file.plan(name), file.device(name)) {
            (None, Some(device)) => EffectiveScope::Device(device),
            _ => chosen(file, &["show"], std::slice::from_ref(name), env)?
                .first()
                .map_or(EffectiveScope::All, |plan| EffectiveScope::Plan(plan)),
        },
    };
    let files = std::iter::once(&file.path).chain(&file.included);
    let texts = files
        .map(|path| written_file(file, path))
        .collect::<Result<Vec<_>, _>>()?;
    print(ui, &effective(file, &texts, shown))?;
    Ok(Exit::Success)
}

/// A file, which is called as seen from the folder of the plan file.
fn written_file(file: &PlanFile, path: &Path) -> Result<WrittenFile, CommandError> {
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let name = path.strip_prefix(folder).unwrap_or(path);
    WrittenFile::again(path, name.display().to_string())
        .map_err(|error| CommandError::new(Exit::Usage, error))
}

/// The plans with their devices, and the devices with their addresses.
pub(super) fn list(global: &Global, ui: Ui, env: Lookup<'_>) -> Outcome {
    let loaded = load_plan_to_judge(global, ui, env)?;
    let file = &loaded.plan_file;
    let mut text = format!("plans of {}\n", file.path.display());
    // Writing into a String cannot fail.
    for plan in &file.plans {
        let devices: Vec<&str> = file
            .devices
            .iter()
            .filter(|device| plan.concerns(device))
            .map(|device| device.name.as_str())
            .collect();
        let disabled = if plan.enabled { "" } else { " (not enabled)" };
        let devices = match devices.as_slice() {
            [] => "no device".to_owned(),
            names => names.join(", "),
        };
        let line = format!("{}{disabled}: {devices}", plan.name);
        let _ = writeln!(text, "  {}", hanging(&line, 2, ui.width));
    }
    text.push_str("devices\n");
    for device in &file.devices {
        let _ = writeln!(text, "  {}: {}", device.name, device.address());
    }
    print(ui, &text)?;
    Ok(Exit::Success)
}
