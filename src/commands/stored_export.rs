//! A file of the store, proved to be what was stored.

use std::fs::File;
use std::io::Seek as _;
use std::path::Path;

use crate::artifact::archive::{self, ArchiveReport, Expected, Limits};
use crate::artifact::recheck::{Recheck, Recorded};
use crate::commands::error::CommandError;
use crate::history::{FileRow, History};
use crate::values::causes::{said, with_causes};

/// An export that is byte by byte what was stored.
pub(super) struct ProvedExport {
    /// Its row: that of another one which says the same, where the one that was asked for was not kept.
    pub(super) row: FileRow,
    /// The file that was read for it, at its beginning, whatever stands under its name since.
    pub(super) file: File,
}

/// The file of this row, or of one that says the same where it was not kept or is gone; else why
/// there is none.
pub(super) fn stored_export(
    history: &History,
    store: &Path,
    scratch: &Path,
    row: &FileRow,
) -> Result<Result<ProvedExport, String>, CommandError> {
    let Some(row) = history.standing_of(row)? else {
        return Ok(Err(
            "it is not in the store any more, nor one that says the same".to_owned()
        ));
    };
    let path = row.path.display();
    let file = match Recheck::new(store, scratch, Vec::new()).proved(recorded(&row)) {
        Ok(file) => file,
        Err(reasons) => return Ok(Err(format!("{path}: {}", reasons.join("; ")))),
    };
    // Whoever reads on from where the proof has ended would find nothing.
    Ok(match (&file).rewind() {
        Ok(()) => Ok(ProvedExport { row, file }),
        Err(error) => Err(format!("{path}: {}", said(&error))),
    })
}

/// The same of one domain, with what is in it.
pub(super) fn verified_export(
    history: &History,
    store: &Path,
    scratch: &Path,
    row: &FileRow,
) -> Result<Result<(ProvedExport, ArchiveReport), String>, CommandError> {
    let stored = match stored_export(history, store, scratch, row)? {
        Ok(stored) => stored,
        Err(why) => return Ok(Err(why)),
    };
    let expected = Expected::domain(&stored.row.domain_name);
    Ok(
        match archive::verify(&stored.file, scratch, &expected, &Limits::default()) {
            Ok(report) => Ok((stored, report)),
            Err(error) => Err(format!("{}: {}", stored.row.path.display(), with_causes(&error))),
        },
    )
}

/// What history has recorded of a file.
pub(super) fn recorded(row: &FileRow) -> Recorded<'_> {
    Recorded {
        path: &row.path,
        size: row.size,
        sha256: &row.sha256,
        entries: row.entries,
        objects: row.objects,
    }
}
