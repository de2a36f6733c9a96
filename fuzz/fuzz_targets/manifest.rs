//! Manifests of secure backups: any text is a list of files with safe names, or refused with a
//! reason.
#![no_main]

use dpbackup::artifact::manifest_list::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Manifest::read(text) {
        Ok(manifest) => {
            assert!(!manifest.files.is_empty());
            for listed in manifest.files {
                assert!(!listed.name.is_empty() && !listed.name.contains(['/', '\\', '\0']));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
