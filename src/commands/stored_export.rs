//! An export of one domain out of the store, proved to be what was stored.

use std::fs::File;
use std::path::Path;

use crate::artifact::archive::{ArchiveReport, Expected};
use crate::artifact::recheck::{FileState, Recheck, Recognized, Recorded};
use crate::commands::error::CommandError;
use crate::history::{FileRow, History};
use crate::ownership;

/// The archive of a backup, verified now; or why it is not good. One that was not kept, or is
/// gone, has another that says the same, or none.
pub(super) fn stored_export(
    history: &History,
    store: &Path,
    scratch: &Path,
    row: &FileRow,
) -> Result<Result<(File, FileRow, ArchiveReport), String>, CommandError> {
    let stored = match row.kept && row.pruned_time.is_none() {
        true => row.clone(),
        false => {
            // Of one whose content nobody knows, nothing is known to say the same.
            let kept = match &row.content {
                Some(content) => {
                    history.kept_with_content(&row.device_name, &row.domain_name, row.kind, content)?
                }
                None => Vec::new(),
            };
            match kept.into_iter().next() {
                Some(kept) => kept,
                None => return Ok(Err("it is not in the store any more".to_owned())),
            }
        }
    };
    Ok(verified(store, scratch, &stored).map(|(file, report)| (file, stored, report)))
}

/// Opens a stored export of one domain, once it is proved to be what was stored.
fn verified(store: &Path, scratch: &Path, stored: &FileRow) -> Result<(File, ArchiveReport), String> {
    let recorded = Recorded {
        path: &stored.path,
        size: stored.size,
        sha256: &stored.sha256,
        entries: stored.entries,
        objects: stored.objects,
    };
    let expected = Expected::domain(&stored.domain_name);
    let verdict = Recheck::new(store, scratch, Vec::new()).export(recorded, &expected);
    match (verdict.state, verdict.recognized) {
        (FileState::Ok, Some(Recognized::Archive(report))) => {
            let file = ownership::open_regular(&stored.path)
                .map_err(|error| format!("{}: {error}", stored.path.display()))?;
            Ok((file, *report))
        }
        _ => Err(format!(
            "{}: {}",
            stored.path.display(),
            verdict.reasons.join("; ")
        )),
    }
}
