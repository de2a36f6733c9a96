//! `dpbackup diff`

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::artifact::compare::{self, CompareError, Difference};
use crate::cli::{DiffArgs, Global, ReportFormat};
use crate::commands::error::{CommandError, Outcome, print};
use crate::commands::exports::{ExportDesk, NamedExport, OpenExport, trouble};
use crate::commands::loading::{load_plan, load_plan_if_any, read_history};
use crate::commands::no_export::are_exports;
use crate::exit::Exit;
use crate::report::diff as report;
use crate::run::event::FileKind;
use crate::ui::Ui;
use crate::values::environment::{Lookup, scratch_folder};

/// Shows what differs between two exports.
pub(super) fn diff(global: &Global, args: &DiffArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let words: Vec<&Path> = [Some(&args.old), args.new.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    are_exports(&["diff"], &words, &[], global, env)?;
    let (old, new) = (
        NamedExport::parse(&args.old),
        args.new.as_deref().map(NamedExport::parse),
    );
    let of_history = old.is_of_history() || new.is_some_and(|new| new.is_of_history());
    let loaded = if of_history {
        Some(load_plan(global, ui, env)?)
    } else {
        load_plan_if_any(global, ui, env, load_plan)?
    };
    let settings = loaded.as_ref().map(|loaded| &loaded.plan_file.settings);
    let history = match settings {
        Some(settings) if of_history => read_history(settings)?,
        _ => None,
    };
    let scratch = scratch_folder(env);
    let desk = ExportDesk {
        plan: loaded.as_ref().map(|loaded| &loaded.plan_file),
        history: history.as_ref(),
        scratch: &scratch,
    };
    let (mut old, mut new) = match (old, new) {
        (old, Some(new)) => (
            desk.open(old, FileKind::Persisted)?,
            desk.open(new, FileKind::Persisted)?,
        ),
        (task @ NamedExport::Task(_), None) => (
            desk.open(task, FileKind::Persisted)?,
            desk.open(task, FileKind::NonPersisted)?,
        ),
        (NamedExport::File(_) | NamedExport::Target { .. }, None) => {
            let error = trouble(anyhow!("an archive alone has nothing to be compared with"));
            return Err(error.with_hint(
                "name two of them, or the ID of one task: what ran then is compared with what was saved",
            ));
        }
    };
    if args.domain.is_some() {
        old.only.clone_from(&args.domain);
        new.only.clone_from(&args.domain);
    }
    let difference = compared(&old, &new, &scratch)?;
    let text = match args.format {
        ReportFormat::Table => report::text(&old.label, &new.label, &difference),
        ReportFormat::Json => report::document(&old.label, &new.label, &difference),
    };
    print(ui, &text)?;
    match difference.domains.is_empty() {
        true => Ok(Exit::Success),
        false => Ok(Exit::Failed),
    }
}

fn compared(old: &OpenExport, new: &OpenExport, scratch: &Path) -> Result<Difference, CommandError> {
    compare::compare(old.side(), new.side(), usize::MAX, scratch).map_err(|error| {
        let archive = match &error {
            CompareError::First(_) => Some(old),
            CompareError::Second(_) => Some(new),
            CompareError::NoDomain(_) => None,
        };
        let error = anyhow::Error::new(error);
        trouble(match archive {
            Some(archive) => error.context(format!("{} is not good", archive.label)),
            None => error,
        })
    })
}
