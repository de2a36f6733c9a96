//! Since when each piece of a configuration is as it is.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::anyhow;

use crate::artifact::archive::{self, Detail, ExportItem, Limits};
use crate::change::listed;
use crate::cli::LogArgs;
use crate::commands::frame::error::CommandError;
use crate::commands::named::exports::{ExportDesk, OpenExport, trouble};
use crate::commands::named::named_export::{NamedExport, target};
use crate::commands::named::no_export::KnownExports;
use crate::history::{History, LastChange, NotKnownBefore};
use crate::plan::model::PlanFile;
use crate::report::changes::BlameRow;
use crate::run::event::{ALL_DOMAINS, FileKind};
use crate::ui::Ui;
use crate::values::change::{Change, ConfigPiece};
use crate::values::device_pattern::DevicePatterns;
use crate::values::environment::{Lookup, scratch_folder};
use crate::values::first_few::first_few;

/// So many domains of an export of all are named.
const DOMAINS_NAMED: usize = 8;

/// Each piece of the newest good export, with the time since which it is as it is.
pub(super) fn blame(
    file: &PlanFile,
    history: Option<&History>,
    named: &str,
    args: &LogArgs,
    ui: Ui,
    env: Lookup<'_>,
) -> Result<Vec<BlameRow>, CommandError> {
    let (device, domain) = one_domain(file, history, named)?;
    let scratch = scratch_folder(env);
    let desk = ExportDesk {
        plan: Some(file),
        history,
        scratch: &scratch,
        ui,
    };
    let export = desk.open(NamedExport::Target { device, domain }, FileKind::Persisted)?;
    if domain == ALL_DOMAINS {
        let error = anyhow!("'{named}' is an export of all domains, and one domain of it is meant");
        return Err(trouble(error).with_hint(one_at_a_time(file, &export, device, &scratch)?));
    }
    let Some(history) = history else {
        return Err(trouble(anyhow!("nothing was recorded yet")));
    };
    let pieces = pieces_of(&export, domain, &scratch)?;
    // What later tasks found is not what this export holds: they may have failed.
    let Some(task) = export.task else {
        return Err(trouble(anyhow!("no task is known that stored this export")));
    };
    let last = history.last_changes(device, domain, task)?;
    let Some(gap) = history.not_known_before(device, domain, listed::KEPT, task)? else {
        return Err(trouble(anyhow!("history has no export of {device}/{domain}")));
    };
    let mut rows: Vec<BlameRow> = pieces
        .into_iter()
        .filter(|piece| is_meant(piece, args))
        .map(|piece| {
            let last = last.get(&piece).copied();
            since_when(piece, last, gap)
        })
        .collect();
    rows.sort_by(|a, b| b.task.cmp(&a.task).then_with(|| a.piece.cmp(&b.piece)));
    Ok(rows)
}

/// The one device and the one domain that are meant.
fn one_domain<'n>(
    file: &PlanFile,
    history: Option<&History>,
    named: &'n str,
) -> Result<(&'n str, &'n str), CommandError> {
    let Some((device, domain)) = target(named) else {
        let error = anyhow!("'{named}' is no device and domain with a / between them");
        let hint = KnownExports::of(file, history).hint(named, &["log", "--blame"], &[named], &[]);
        return Err(trouble(error).with_hint(hint));
    };
    let group = Some(device).filter(|device| device.contains(['*', '@', ',', '!']));
    match group.and_then(|group| first_of_group(file, group, domain)) {
        Some(hint) => {
            let error = anyhow!("'{named}' is a group, and one domain of one device is meant");
            Err(trouble(error).with_hint(hint))
        }
        None => Ok((device, domain)),
    }
}

/// What to type for an export of all domains: the first of its domains, and what the others are called.
fn one_at_a_time(
    file: &PlanFile,
    export: &OpenExport,
    device: &str,
    scratch: &Path,
) -> Result<String, CommandError> {
    let mut domains = BTreeSet::from([export.outer.clone()]);
    let mut visit = |found: &str, _: &ExportItem| {
        if !found.is_empty() && !domains.contains(found) {
            domains.insert(found.to_owned());
        }
    };
    reread(export, scratch, &mut visit)?;
    let command = |domain: &String| {
        let target = format!("{device}/{domain}");
        format!("`{}`", file.invocation.command(["log", "--blame", &target]))
    };
    let commands: Vec<String> = domains.iter().map(command).collect();
    Ok(format!(
        "one domain at a time: {}",
        first_few(&commands, DOMAINS_NAMED)
    ))
}

/// Goes through all that an export holds.
fn reread(
    export: &OpenExport,
    scratch: &Path,
    visit: &mut dyn FnMut(&str, &ExportItem),
) -> Result<(), CommandError> {
    let limits = Limits::default();
    archive::reread(&export.file, scratch, &limits, Detail::Hashes, visit, None)
        .map_err(|error| trouble(anyhow::Error::new(error).context(export.label())))?;
    Ok(())
}

/// The objects and files that an export has of a domain.
fn pieces_of(
    export: &OpenExport,
    domain: &str,
    scratch: &Path,
) -> Result<BTreeSet<ConfigPiece>, CommandError> {
    let mut pieces = BTreeSet::new();
    let mut visit = |found: &str, item: &ExportItem| {
        let found = if found.is_empty() {
            export.outer.as_str()
        } else {
            found
        };
        if found != domain {
            return;
        }
        match item {
            ExportItem::Object(object) | ExportItem::Unknown(object) => {
                pieces.insert(ConfigPiece::Object {
                    class: object.class.clone(),
                    name: object.name.clone(),
                });
            }
            ExportItem::File(row) if !row.internal => {
                pieces.insert(ConfigPiece::File(row.name.clone()));
            }
            _ => {}
        }
    };
    reread(export, scratch, &mut visit)?;
    Ok(pieces)
}

/// Whether a piece is of the class and has the name that were asked for.
fn is_meant(piece: &ConfigPiece, args: &LogArgs) -> bool {
    let (class, name) = match piece {
        ConfigPiece::Object { class, name } => (Some(class), name),
        ConfigPiece::File(path) => (None, path),
        ConfigPiece::Domain => return false,
    };
    args.class.as_ref().is_none_or(|wanted| class == Some(wanted))
        && args.name.as_ref().is_none_or(|wanted| name == wanted)
}

/// Since when a piece is as it is, by the newest change of it that is recorded; `gap` is the task before which
/// nothing is known for certain.
fn since_when(piece: ConfigPiece, last: Option<LastChange>, gap: NotKnownBefore) -> BlameRow {
    match last {
        // What is there now was not removed last: then it came back unseen. Of the task whose changes
        // are not known in full, those that are recorded are known all the same.
        Some(last) if last.task >= gap.task && last.change != Change::Removed => BlameRow {
            piece,
            since: last.time,
            task: last.task,
            change: Some(last.change.word()),
        },
        _ => BlameRow {
            piece,
            since: gap.time,
            task: gap.task,
            change: None,
        },
    }
}

/// What to type for a group: the same of its first device, and what changed in all of it.
fn first_of_group(file: &PlanFile, devices: &str, domain: &str) -> Option<String> {
    let patterns = DevicePatterns::from_items([devices]).ok()?;
    let first = file
        .devices
        .iter()
        .find(|device| patterns.matches(&device.marks()))?;
    let target = format!("{}/{domain}", first.name);
    Some(format!(
        "one of them: `{}`; `{}` shows what changed in all of them",
        file.invocation.command(["log", "--blame", &target]),
        file.invocation
            .command(["log", "--device", devices, "--domain", domain])
    ))
}
