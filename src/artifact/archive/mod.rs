//! Proves that an archive of a gateway is whole, and says what it holds.
//!
//! A `do-backup` is an outer ZIP with `export.xml`, one ZIP per domain and the files of the
//! firmware (`dp-aux/`); a `do-export` is one ZIP with everything (soma-wire 2.3). Both carry
//! the SHA-1 of each file in `export.xml`, so that everything can be proved offline. Memory
//! does not grow with the size of what is stored in them: entries are streamed, a stored
//! inner ZIP is read where it stands, and a deflated one (firmware 3.8.2 writes such) is
//! unpacked to a nameless file.

mod canonical;
mod container;
mod content;
mod directory;
mod do_backup;
mod early_look;
mod entry_digest;
mod entry_kind;
mod entry_names;
mod export_item;
mod export_scan;
mod export_xml;
mod extra_fields;
mod inflate;
mod lacks;
mod level;
mod limits;
mod listed_files;
mod lookalike;
mod problem;
mod read_limit;
mod repeats;
mod row_places;
mod rules;
mod scratch;
mod second_reading;
mod two_readings;
mod verified_archive;
mod well_formed;
mod window;
mod zip_end;
mod zip_header;

use std::fs::File;
use std::path::Path;

pub use early_look::Ahead;
pub(in crate::artifact) use entry_names::alike;
pub use export_item::{Detail, ExportItem, ListedFile, Object, OpenFile, Property, RowForm};
pub use limits::Limits;
pub use lookalike::Lookalike;
pub use problem::{Invalid, Problem, ProblemKind, VerifyError};
pub use scratch::nameless;
pub use verified_archive::{ArchiveKind, Expected, VerifiedArchive, VerifiedDomain};

/// Verifies an archive. `scratch` is a folder for a nameless file, needed where an inner ZIP
/// is deflated.
pub fn verify(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
) -> Result<VerifiedArchive, VerifyError> {
    verify_knowing(&Ahead::default(), file, scratch, expected, limits)
}

/// Verifies an archive of whose entries some were looked at while it was written. What is known of
/// those holds for the bytes that were in this file then: whoever goes by it has to know that they
/// still are.
pub fn verify_knowing(
    ahead: &Ahead,
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
) -> Result<VerifiedArchive, VerifyError> {
    let nothing_more = &mut |_: &str, _: &ExportItem| {};
    rules::verify(
        file,
        scratch,
        expected,
        limits,
        ahead,
        (Detail::Hashes, nothing_more),
    )
}

/// Verifies an archive, and shows on the way all that its `export.xml` files hold, each with
/// the domain (empty for the outer file of a `do-backup`). What was shown is proved only
/// once this returns what it holds.
pub fn inspect(
    file: &File,
    scratch: &Path,
    expected: &Expected,
    limits: &Limits,
    detail: Detail,
    visit: &mut dyn FnMut(&str, &ExportItem),
) -> Result<VerifiedArchive, VerifyError> {
    rules::verify(
        file,
        scratch,
        expected,
        limits,
        &Ahead::default(),
        (detail, visit),
    )
}

/// Reads again what the `export.xml` files of an archive hold, without looking at the rest of
/// it: for an archive whose bytes are known to be those that were verified. `open` is shown
/// each file that a domain holds; what it gives back is an error of that reading only.
pub fn reread(
    file: &File,
    scratch: &Path,
    limits: &Limits,
    detail: Detail,
    visit: &mut dyn FnMut(&str, &ExportItem),
    open: Option<&mut OpenFile<'_>>,
) -> Result<(), VerifyError> {
    second_reading::reread(file, scratch, limits, detail, visit, open)
}

#[cfg(test)]
mod content_tests;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod damage_bytes_tests;
#[cfg(test)]
mod damage_entries_tests;
#[cfg(test)]
mod flipped_bits_tests;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod one_meaning_tests;
#[cfg(test)]
mod other_readers;
#[cfg(test)]
mod tests;
