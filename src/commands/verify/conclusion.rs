//! What follows when all was looked at: what is remembered of it, and what is to be done about it.

use std::path::{Path, PathBuf};

use crate::artifact::recheck;
use crate::clock::{Clock as _, SystemClock};
use crate::commands::frame::history_file::open_history;
use crate::commands::named::new_backup::put_back_or_new;
use crate::commands::restore_note;
use crate::commands::verify::round::FoundDamage;
use crate::history::History;
use crate::plan::model::PlanFile;
use crate::report::verify::Checked;
use crate::ui::Ui;
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;
use crate::values::written_path::path_slip;

/// Says what verify looks at, where somebody named a bad file whose name is not that of a backup.
pub(super) fn tell_what_is_no_backup(
    files: &[PathBuf],
    checked: &[Checked],
    invocation: &Invocation,
    ui: Ui,
    env: Lookup<'_>,
) {
    let is_for_a_shell = |file: &PathBuf| file.to_string_lossy().contains('*') && !file.exists();
    if files.iter().any(is_for_a_shell) {
        ui.hint(
            "a `*` in quotes is a letter of the name: without them the shell writes out which files it means; a folder is \
             verified with all that is below it",
        );
        return;
    }
    let is_bad = |file: &Path| {
        checked
            .iter()
            .any(|one| one.path == *file && !one.verified.is_good())
    };
    // Of what history knows the next step is said anyway.
    let is_stored = |file: &Path| {
        checked
            .iter()
            .any(|one| one.path == *file && one.is_not_as_stored())
    };
    let is_nothing = |file: &&PathBuf| {
        let is_folder = file.is_dir() && !file.join(recheck::MANIFEST).exists();
        is_bad(file) && !is_stored(file) && (!file.exists() || is_folder)
    };
    if let Some(file) = files.iter().find(is_nothing) {
        let slip = file.to_str().and_then(|text| path_slip(text, env));
        if let Some(slip) = slip {
            ui.hint(&format!("{}: {}", slip.title, slip.help));
            return;
        }
        ui.hint(&format!(
            "{} is {}: `{}` looks at all that is stored, and a device, DEVICE/DOMAIN or the ID of a task names a part of it",
            file.display(),
            if file.is_dir() { "no folder of backups" } else { "not there" },
            invocation.command(["verify", "--all"])
        ));
        return;
    }
    let is_other = |file: &&PathBuf| {
        let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
        is_bad(file) && !file.is_dir() && !["zip", "xml", "tgz"].iter().any(|known| ending == *known)
    };
    let Some(file) = files.iter().find(is_other) else {
        return;
    };
    let shown = file.display();
    let instead = match file.extension().is_some_and(|ending| ending == "toml") {
        true => format!(
            "; `{}` checks a plan file",
            Invocation::naming(file).command(["validate"])
        ),
        false => format!(
            "; `{}` looks at all that is stored",
            invocation.command(["verify", "--all"])
        ),
    };
    ui.hint(&format!(
        "{shown} has no name of a backup: archives of exports end in .zip, a secure backup is verified by its folder or its \
         {}{instead}",
        recheck::MANIFEST
    ));
}

/// Writes down what was found of files, for `history status` and RESTORE.txt. Who may not write there has seen it all the
/// same.
pub(super) fn remember(file: &PlanFile, found: &FoundDamage, ui: Ui) {
    if found.files.is_empty() {
        return;
    }
    let clock = SystemClock::new();
    let written = open_history(&file.settings, ui).and_then(|mut history| {
        history.note_damage(clock.now(), &found.files)?;
        Ok(history)
    });
    let history = match written {
        Ok(history) => history,
        Err(error) => {
            return ui.warning(&format!(
                "what was found is not remembered, so that `history status` does not know it: {:#}",
                error.error
            ));
        }
    };
    for device in &found.devices {
        if let Err(why) = restore_note::write(file, &history, device, &clock.zone()) {
            ui.warning(&why);
        }
    }
}

/// What to do where something is not as it was stored.
pub(super) fn next_step(file: &PlanFile, history: &History, bad: &[&Checked]) -> String {
    format!(
        "{}; `{}` shows the newest good one of each domain",
        put_back_or_new(file, history, bad.iter().filter_map(|one| one.task)),
        file.invocation.command(["history", "status"])
    )
}
