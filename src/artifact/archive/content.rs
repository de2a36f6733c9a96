//! One hash over what an archive says.
//!
//! It is the same for two exports of one configuration, whenever they were taken and
//! whatever order things stand in: `export-details`, `interface-data` and the files of the
//! firmware (`internal="true"`) do not count. It differs when a property of an object or a
//! byte of a file does.

use sha2::{Digest, Sha256};

use crate::artifact::archive::canonical::mark;
use crate::artifact::archive::export_item::{ListedFile, Object};
use crate::values::hex::hex;

/// Begins every content hash. Another way of hashing gets another number, so that hashes
/// of two ways are never equal.
const VERSION: &str = "dpbackup content 1";

/// What counts of one `export.xml`: hashes, in no order yet.
#[derive(Debug, Default)]
pub(super) struct Content {
    hashes: Vec<[u8; 32]>,
}

impl Content {
    pub(super) fn add_object(&mut self, object: &Object) {
        let mut hash = Sha256::new();
        mark(&mut hash, b'c', &object.class);
        mark(&mut hash, b'n', &object.name);
        hash.update(object.hash);
        self.hashes.push(hash.finalize().into());
    }

    /// Adds a file of the domain. `sha1` is that of its bytes; a key has none, nor has a file
    /// that the gateway missed.
    pub(super) fn add_file(&mut self, row: &ListedFile, sha1: Option<[u8; 20]>) {
        let mut hash = Sha256::new();
        mark(&mut hash, b'f', &row.name);
        let mut state = [if row.missing { 2 } else { 0 }; 21];
        if let Some(sha1) = sha1 {
            state[0] = 1;
            state[1..].copy_from_slice(&sha1);
        }
        hash.update(state);
        self.hashes.push(hash.finalize().into());
    }
}

/// The hash over several `export.xml`, each with the name of its domain.
pub(super) fn combine(mut parts: Vec<(String, Content)>) -> String {
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let mut hash = Sha256::new();
    mark(&mut hash, b'v', VERSION);
    for (domain, mut content) in parts {
        mark(&mut hash, b'd', &domain);
        // Sorted, so that the order in the file does not count; all kept, so that a second
        // equal row does.
        content.hashes.sort_unstable();
        hash.update((content.hashes.len() as u64).to_le_bytes());
        for part in content.hashes {
            hash.update(part);
        }
    }
    hex(&hash.finalize())
}
