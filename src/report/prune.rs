//! What `prune` did, or would do: a line for each backup, and one JSON document.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::report::json;
use crate::retention::prove::Fate;
use crate::run::event::TaskId;
use crate::values::clock_time::{on_clock, rfc3339};
use crate::values::size::Bytes;
use crate::values::text::{hanging, printable};

/// Grows when a key goes away or changes its meaning, and not when one is added.
const SCHEMA_VERSION: u32 = 1;

/// One backup: an export, or the folder of a secure backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneLine {
    /// What becomes of it.
    pub fate: Fate,
    pub reasons: Vec<String>,
    /// Where it stands; none where it never had a file of its own.
    pub path: Option<PathBuf>,
    /// The device it came from.
    pub device: String,
    /// The domain, or `all-domains`.
    pub domain: String,
    /// What history calls its kind.
    pub kind: &'static str,
    /// The task execution that stored it.
    pub task: TaskId,
    /// When that ended; `None` as long as it has not.
    pub end: Option<Timestamp>,
    /// Bytes of all its files that are in the store.
    pub size: u64,
}

/// The columns of the word.
const WORD: usize = 8;

/// The word for what becomes of a backup.
fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Keep => "KEEP",
        Fate::Delete => "DELETE",
        Fate::Deleted => "DELETED",
        Fate::Left => "LEFT",
        Fate::Lost => "LOST",
        Fate::Unread => "UNREAD",
    }
}

/// The line of a backup, within the columns of a terminal. Where the store is given, it was
/// named, and the path begins there.
pub fn line(line: &PruneLine, store: Option<&Path>, zone: &TimeZone, width: Option<u16>) -> String {
    let end = line
        .end
        .map_or_else(|| "not ended".to_owned(), |end| on_clock(end, zone));
    let what = match &line.path {
        Some(path) => {
            let below = store.and_then(|store| path.strip_prefix(store).ok());
            let path = below.unwrap_or(path);
            match line.size {
                // Nothing of it is there.
                0 => path.to_string_lossy().into_owned(),
                size => format!("{} ({})", path.to_string_lossy(), Bytes(size)),
            }
        }
        None => format!(
            "{} {} {}, without a file of its own",
            line.device, line.domain, line.kind
        ),
    };
    let text = format!(
        "{what}, task {} of {end}: {}",
        line.task.0,
        line.reasons.join("; ")
    );
    let text = hanging(&printable(&text), WORD + 1, width);
    format!("{:<WORD$} {text}\n", word(line.fate))
}

/// The last line.
pub fn summary(lines: &[PruneLine]) -> String {
    if lines.is_empty() {
        return "nothing to prune: no backups of these plans are stored\n".to_owned();
    }
    let of = |fate: Fate| lines.iter().filter(move |line| line.fate == fate);
    let size = |fate: Fate| Bytes(of(fate).map(|line| line.size).sum());
    let mut parts = Vec::new();
    for (fate, words) in [(Fate::Delete, "would be deleted"), (Fate::Deleted, "deleted")] {
        let count = of(fate).count();
        if count > 0 {
            parts.push(format!("{count} {words} ({})", size(fate)));
        }
    }
    let kept = of(Fate::Keep).count();
    parts.push(format!("{kept} kept ({})", size(Fate::Keep)));
    for (fate, words) in [
        (Fate::Left, "left though no rule keeps them"),
        (Fate::Lost, "lost"),
        (Fate::Unread, "that could not be read"),
    ] {
        let count = of(fate).count();
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    parts.join(", ") + "\n"
}

/// All of it as JSON.
pub fn document(lines: &[PruneLine], busy: &[String], dry_run: bool, zone: &TimeZone) -> String {
    let time = |at: Timestamp| rfc3339(at, zone);
    let backups = lines.iter().map(|line| BackupObject {
        fate: word(line.fate),
        reasons: &line.reasons,
        path: line.path.as_ref().map(|path| path.to_string_lossy().into_owned()),
        device_name: &line.device,
        domain_name: &line.domain,
        kind: line.kind,
        task_execution_id: line.task.0,
        end_time: line.end.map(time),
        size: line.size,
    });
    json::document(
        SCHEMA_VERSION,
        &PruneDocument {
            dry_run,
            backups: backups.collect(),
            busy_devices: busy,
        },
    )
}

#[derive(Serialize)]
struct PruneDocument<'a> {
    dry_run: bool,
    backups: Vec<BackupObject<'a>>,
    busy_devices: &'a [String],
}

#[derive(Serialize)]
struct BackupObject<'a> {
    fate: &'static str,
    reasons: &'a [String],
    path: Option<String>,
    device_name: &'a str,
    domain_name: &'a str,
    kind: &'static str,
    task_execution_id: i64,
    end_time: Option<String>,
    size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_not_there_no_size_is_told() {
        let lost = PruneLine {
            fate: Fate::Lost,
            reasons: vec!["it is not there".to_owned()],
            path: Some("/store/a.zip".into()),
            device: "QA1".to_owned(),
            domain: "DOM1".to_owned(),
            kind: "persisted",
            task: TaskId(7),
            end: None,
            size: 0,
        };
        assert_eq!(
            line(&lost, None, &TimeZone::UTC, None),
            "LOST     /store/a.zip, task 7 of not ended: it is not there\n"
        );
    }
}
