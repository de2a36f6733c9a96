//! Holds the rows of `files` against the entries of the ZIPs.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::artifact::archive::container::{EntryBytes, ZipEntry};
use crate::artifact::archive::content::Content;
use crate::artifact::archive::export_item::{ListedFile, RowForm};
use crate::artifact::archive::problem::{ProblemKind, Problems};

/// The one entry that no row lists.
pub(super) const EXPORT_XML: &str = "export.xml";

/// What is said of a row that does all the same.
pub(super) const LISTS_THE_LIST: &str = "its src is export.xml, which is no file of a gateway";

/// The entries of one ZIP, and which of them something has accounted for.
pub(super) struct Contents {
    /// Which inner ZIP it is; none is the archive itself.
    pub(super) inner: Option<String>,
    /// The entries by name.
    pub(super) entries: BTreeMap<String, ZipEntry>,
    listed: BTreeSet<String>,
}

impl Contents {
    pub(super) fn new(inner: Option<&str>, entries: BTreeMap<String, ZipEntry>) -> Contents {
        let inner = inner.map(str::to_owned);
        Contents {
            inner,
            entries,
            listed: BTreeSet::new(),
        }
    }

    /// The entry of a file, which is from now on accounted for.
    pub(super) fn list(&mut self, name: &str) -> Option<&ZipEntry> {
        self.listed.insert(name.to_owned());
        self.entries.get(name).filter(|entry| !entry.is_folder())
    }

    /// Every entry has to be listed, but for folders and `export.xml`.
    pub(super) fn nothing_unlisted(&self, findings: &mut Problems) {
        for (name, entry) in &self.entries {
            if !entry.is_folder() && name != EXPORT_XML && !self.listed.contains(name) {
                findings.problem(self.inner.as_deref(), Some(name), ProblemKind::Unlisted);
            }
        }
    }
}

/// Every row has to have its entry, and the entry the row's hash; a row without either has to
/// say why. Files of the firmware stand once for all domains, in the outer ZIP where there is
/// one.
pub(super) fn check(
    rows: &[ListedFile],
    own: &mut Contents,
    mut outer: Option<&mut Contents>,
    content: &mut Content,
    findings: &mut Problems,
) {
    let mut of_domain: BTreeMap<&str, &ListedFile> = BTreeMap::new();
    for row in rows {
        let place = match &mut outer {
            Some(outer) if row.internal => outer,
            _ => &mut *own,
        };
        let inner = place.inner.clone();
        let sha1 = check_row(row, place, findings);
        if row.internal {
            continue;
        }
        content.add_file(row, sha1);
        let first = of_domain.entry(&row.name).or_insert(row);
        if *first != row {
            let why = "another row has this name too, and says something else".to_owned();
            findings.problem(inner.as_deref(), Some(&row.name), ProblemKind::BadRow(why));
        }
    }
}

/// Checks one row, and gives the SHA-1 of the bytes that it lists.
fn check_row(row: &ListedFile, place: &mut Contents, findings: &mut Problems) -> Option<[u8; 20]> {
    let inner = place.inner.clone();
    let mut problem = |name: &str, kind| findings.problem(inner.as_deref(), Some(name), kind);
    let bad = |why: &str| ProblemKind::BadRow(why.to_owned());
    let form = row.form();
    let Some(src) = row.src.as_deref().filter(|src| !src.is_empty()) else {
        if !matches!(form, RowForm::Key | RowForm::Missing) {
            problem(&row.name, bad("it has no src"));
        }
        return None;
    };
    // Its bytes were read for what they say, and held against nothing; and no list can have its own hash in it.
    if src == EXPORT_XML {
        problem(&row.name, bad(LISTS_THE_LIST));
        return None;
    }
    let entry = place.list(src);
    match (form, entry) {
        (RowForm::Missing, Some(_)) => {
            problem(
                src,
                bad("the gateway did not have it, and it is in the archive all the same"),
            );
            None
        }
        (RowForm::Missing, None) => {
            if row.hash.as_deref().is_some_and(|hash| !hash.is_empty()) {
                problem(
                    src,
                    bad("the gateway did not have it, and tells its hash all the same"),
                );
            }
            None
        }
        (RowForm::Key, None) => None,
        (RowForm::Key, Some(_)) => {
            problem(
                src,
                bad("it is a key, which is in no export, and in the archive all the same"),
            );
            None
        }
        (RowForm::Hashed(_) | RowForm::Unproved, None) => {
            problem(src, ProblemKind::Missing);
            None
        }
        (RowForm::Unproved, Some(_)) => {
            problem(src, bad("it has no hash, and nothing proves its bytes"));
            None
        }
        (RowForm::Hashed(_), Some(_)) if row.key => {
            problem(
                src,
                bad("it is a key, which is in no export, and tells its hash all the same"),
            );
            None
        }
        (RowForm::Hashed(hash), Some(entry)) => {
            if let Some(kind) = against_entry(hash, entry) {
                problem(src, kind);
            }
            match entry.bytes {
                EntryBytes::Hashed(sha1) => Some(sha1),
                EntryBytes::Whole | EntryBytes::NotRead => None,
            }
        }
    }
}

/// What speaks against an entry where a row gives this hash of it.
fn against_entry(hash: &str, entry: &ZipEntry) -> Option<ProblemKind> {
    let bad = |why: &str| Some(ProblemKind::BadRow(why.to_owned()));
    match (decode(hash), entry.bytes) {
        (None, _) => bad("its hash is no SHA-1 in base64"),
        (Some(listed), EntryBytes::Hashed(sha1)) if sha1 != listed => Some(ProblemKind::WrongHash),
        (Some(_), EntryBytes::Whole) => bad("it is the ZIP of a domain, which is listed by nobody"),
        // What was not read is damaged, which has been noted.
        (Some(_), EntryBytes::Hashed(_) | EntryBytes::NotRead) => None,
    }
}

/// The SHA-1 that a row gives.
fn decode(hash: &str) -> Option<[u8; 20]> {
    let bytes = BASE64.decode(hash).ok()?;
    bytes.try_into().ok()
}
