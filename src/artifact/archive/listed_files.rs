//! Holds the rows of `files` against the entries of the ZIPs.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::artifact::archive::container::ZipEntry;
use crate::artifact::archive::content::Content;
use crate::artifact::archive::export_item::ListedFile;
use crate::artifact::archive::problem::{ProblemKind, Problems};

/// The one entry that no row lists.
pub(super) const EXPORT_XML: &str = "export.xml";

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

/// Every row has to have its entry, and the entry the row's hash. Files of the firmware
/// stand once for all domains, in the outer ZIP where there is one.
pub(super) fn check(
    rows: &[ListedFile],
    own: &mut Contents,
    mut outer: Option<&mut Contents>,
    content: &mut Content,
    findings: &mut Problems,
) {
    for row in rows {
        let place = match &mut outer {
            Some(outer) if row.internal => outer,
            _ => &mut *own,
        };
        let inner = place.inner.clone();
        let inner = inner.as_deref();
        let is_bare_key = row.key && row.hash.is_none();
        let Some(src) = row.src.as_deref().filter(|src| !src.is_empty()) else {
            if is_bare_key {
                content.add_file(row, None);
            } else {
                let why = ProblemKind::BadRow("it has no src".to_owned());
                findings.problem(inner, Some(&row.name), why);
            }
            continue;
        };
        let entry = place.list(src);
        if is_bare_key {
            if entry.is_some() {
                findings.warn(&format!("{src}: a key, and in the archive all the same"));
            }
            content.add_file(row, entry.and_then(|entry| entry.sha1));
            continue;
        }
        let Some(entry) = entry else {
            findings.problem(inner, Some(src), ProblemKind::Missing);
            continue;
        };
        match row.hash.as_deref().map(decode) {
            None => findings.warn(&format!("{src}: listed without a hash")),
            Some(None) => {
                let why = ProblemKind::BadRow("its hash is no SHA-1 in base64".to_owned());
                findings.problem(inner, Some(src), why);
            }
            // Without one of its own it is damaged, which has been noted.
            Some(hash) if entry.sha1.is_some() && entry.sha1 != hash => {
                findings.problem(inner, Some(src), ProblemKind::WrongHash);
            }
            Some(_) => {}
        }
        if !row.internal {
            content.add_file(row, entry.sha1);
        }
    }
}

/// The SHA-1 that a row gives.
fn decode(hash: &str) -> Option<[u8; 20]> {
    let bytes = BASE64.decode(hash.trim()).ok()?;
    bytes.try_into().ok()
}
