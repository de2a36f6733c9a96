//! What changed in the files of a task, and how many of its changes are not saved, in lines.

use crate::history::{ChangeRow, FileRow, TaskDetails};
use crate::run::event::{ALL_DOMAINS, FileKind};
use crate::values::invocation::Invocation;
use crate::values::text::visible;

/// So many changes of a file are named; `log` has all of them.
const NAMED: usize = 20;

/// What changed in a file against the one before it: how much, and the first of it. Nothing
/// where nothing did, or where it is not known.
pub(super) fn changed(details: &TaskDetails, file: &FileRow, invocation: &Invocation) -> Vec<String> {
    let count = match file.changes {
        None | Some(0) => return Vec::new(),
        Some(1) => "1 change".to_owned(),
        Some(count) => format!("{count} changes"),
    };
    let what = match file.kind {
        FileKind::NonPersisted => "of what runs, since what ran before",
        FileKind::Persisted | FileKind::SecureBackup => "since the export before",
    };
    let mut lines = vec![format!("{count} {what}:")];
    let changes: Vec<&ChangeRow> = details
        .changes
        .iter()
        .filter(|row| row.kind == file.kind)
        .collect();
    lines.extend(changes.iter().take(NAMED).map(|row| {
        let domain = match row.change.domain == file.domain_name {
            true => String::new(),
            false => format!("{}: ", visible(&row.change.domain)),
        };
        format!("  {domain}{}", visible(&row.change.to_string()))
    }));
    let named = changes.len().min(NAMED) as u64;
    let recorded = (changes.len() as u64).saturating_sub(named);
    let more = file.changes.unwrap_or(0).saturating_sub(named);
    let lost = more.saturating_sub(recorded);
    if more > 0 {
        let log = log_of(file, changes.len(), invocation);
        lines.push(match lost {
            0 => format!("  and {more} more: `{log}` has them"),
            _ => format!(
                "  and {more} more: `{log}` has {recorded} of them, and of {lost} nothing but their number is recorded"
            ),
        });
    }
    lines
}

/// The command that shows the changes of a file, if nothing changed since.
fn log_of(file: &FileRow, recorded: usize, invocation: &Invocation) -> String {
    let limit = recorded.to_string();
    let mut words = vec!["log", "--device", &file.device_name];
    if file.domain_name != ALL_DOMAINS {
        words.extend(["--domain", &file.domain_name]);
    }
    words.extend(["--limit", &limit]);
    invocation.command(words)
}

/// How many changes a task found that were not saved: a note of it names them. Nothing where all
/// was saved, or where nobody looked.
pub(super) fn unsaved(details: &TaskDetails) -> Option<String> {
    let is_unsaved = details.task.unsaved_changes == Some(true);
    is_unsaved.then(|| match details.task.unsaved_objects {
        None => "yes".to_owned(),
        Some(0) => "the device says yes, and its two exports do not differ".to_owned(),
        Some(1) => "yes, 1 object or file".to_owned(),
        Some(count) => format!("yes, {count} objects and files"),
    })
}
