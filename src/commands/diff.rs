//! `dpbackup diff`: how two exports differ, or an export and what runs.

mod group;
mod shown;

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::cli::{DiffArgs, Global, OutputFormat};
use crate::commands::diff::shown::{compared, show};
use crate::commands::frame::error::{Outcome, print};
use crate::commands::named::exports::{ExportDesk, ExportSource, trouble};
use crate::commands::named::named_export::{HistoryNeed, NamedExport};
use crate::commands::named::no_export::{are_exports, below_store};
use crate::exit::Exit;
use crate::report::diff as report;
use crate::run::event::FileKind;
use crate::ui::Ui;
use crate::values::environment::Lookup;
use crate::values::invocation::Invocation;

/// Shows what differs between two exports, or between the first and the others of a group.
pub(super) fn diff(global: &Global, args: &DiffArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let old = below_store(&args.old, global, env);
    let new = args.new.as_deref().map(|new| below_store(new, global, env));
    let words: Vec<&Path> = [Some(&old), new.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    are_exports(&["diff"], &words, &[], global, env)?;
    let (old, new) = (NamedExport::parse(&old), new.as_deref().map(NamedExport::parse));
    // Two archives say what they are themselves.
    let need = match (old.need(), new.map(|new| new.need())) {
        (HistoryNeed::NotNeeded, None | Some(HistoryNeed::NotNeeded)) => HistoryNeed::NotNeeded,
        (HistoryNeed::Needed, _) | (_, Some(HistoryNeed::Needed)) => HistoryNeed::Needed,
    };
    let source = ExportSource::open(global, need, ui, env)?;
    let desk = source.desk();
    let exit = match (old, new) {
        (NamedExport::Group { devices, domain }, None) => group::diff(&desk, devices, domain, args, ui)?,
        (NamedExport::Group { .. }, Some(_)) | (_, Some(NamedExport::Group { .. })) => {
            let error = trouble(anyhow!(
                "a group is compared within itself, and with nothing else"
            ));
            return Err(error.with_hint("name it alone: all of it are compared with its first"));
        }
        (old, new) => pair(&desk, old, new, args, ui)?,
    };
    Ok(source.exit(exit))
}

fn pair(
    desk: &ExportDesk<'_>,
    old: NamedExport<'_>,
    new: Option<NamedExport<'_>>,
    args: &DiffArgs,
    ui: Ui,
) -> Outcome {
    let (mut old, mut new) = match (old, new) {
        (old, Some(new)) if args.running => (desk.open_running(old)?, desk.open_running(new)?),
        (old, Some(new)) => (
            desk.open(old, FileKind::Persisted)?,
            desk.open(new, FileKind::Persisted)?,
        ),
        (task @ NamedExport::Task(_), None) => (
            desk.open(task, FileKind::Persisted)?,
            desk.open(task, FileKind::NonPersisted)?,
        ),
        (alone, None) => {
            let error = trouble(anyhow!("one export alone has nothing to be compared with"));
            return Err(error.with_hint(beside_one(desk, alone)));
        }
    };
    if args.domain.is_some() {
        old.only.clone_from(&args.domain);
        new.only.clone_from(&args.domain);
    }
    let difference = compared(&old, &new, desk.scratch)?;
    match args.format {
        OutputFormat::Table => show(desk.plan, &old, &new, &difference, ui)?,
        OutputFormat::Json => print(ui, &report::document(&old.label(), &new.label(), &difference))?,
    }
    Ok(match difference.domains.is_empty() {
        true => Exit::Success,
        false => Exit::Failed,
    })
}

/// What to type where one export is named alone.
fn beside_one(desk: &ExportDesk<'_>, alone: NamedExport<'_>) -> String {
    let invocation = desk
        .plan
        .map_or_else(Invocation::default, |plan| plan.invocation.clone());
    match alone {
        NamedExport::Target { device, domain } => {
            let target = format!("{device}/{domain}");
            let (of_it, behind) = match domain.contains('*') {
                true => (vec!["log", "--device", device], "OTHER".to_owned()),
                false => (
                    vec!["log", "--device", device, "--domain", domain],
                    format!("OTHER/{domain}"),
                ),
            };
            format!(
                "`{}` shows what changed in it from one export to the next; another device is named behind it, `{}`",
                invocation.command(of_it),
                invocation.command(["diff", &target, &behind])
            )
        }
        _ => format!(
            "name two of them, `{}`, or the ID of one task: `{}` compares what ran at the newest with what was saved",
            invocation.command(["diff", "OLD", "NEW"]),
            invocation.command(["diff", "last"])
        ),
    }
}
