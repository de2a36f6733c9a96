//! Archives: any bytes are verified or refused, with a reason, within the limits; and what is
//! accepted, another program reads by its directory and from its beginning as the same files.
#![no_main]

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use dpbackup::artifact::archive::{Expected, Limits, verify};
use libfuzzer_sys::fuzz_target;

/// The entries by the bytes of their names, which are UTF-8 or not.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

fn by_directory(bytes: &[u8]) -> Entries {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("another program opens it");
    let mut entries = Entries::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).expect("another program finds each entry");
        assert!(!entry.is_symlink());
        let mut unpacked = Vec::new();
        entry.read_to_end(&mut unpacked).expect("another program unpacks it");
        let twin = entries.insert(entry.name_raw().to_vec(), unpacked);
        assert!(twin.is_none());
    }
    entries
}

/// None where that program does not read such archives from their beginning.
fn from_its_beginning(mut bytes: &[u8]) -> Option<Entries> {
    let mut entries = Entries::new();
    while let Some(mut entry) = zip::read::read_zipfile_from_stream(&mut bytes).ok()? {
        let mut unpacked = Vec::new();
        entry.read_to_end(&mut unpacked).ok()?;
        entries.insert(entry.name_raw().to_vec(), unpacked);
    }
    Some(entries)
}

fuzz_target!(|bytes: &[u8]| {
    let folder = std::env::temp_dir();
    let mut file = tempfile::tempfile_in(&folder).expect("a file");
    file.write_all(bytes).expect("written");
    let limits = Limits {
        unpacked_bytes: 8 << 20,
        scratch_bytes: 8 << 20,
        directory_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut is_good = false;
    for expected in [Expected::Any, Expected::domain("DOM1"), Expected::AllDomains(None)] {
        match verify(&file, &folder, &expected, &limits) {
            Ok(report) => {
                is_good = true;
                assert!(report.entries > 0 && (report.objects > 0 || expected == Expected::Any));
                assert!(report.lacks().notes().iter().all(|note| !note.is_empty()));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if is_good {
        let entries = by_directory(bytes);
        assert!(from_its_beginning(bytes).is_none_or(|others| others == entries));
    }
});
