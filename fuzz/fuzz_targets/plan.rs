//! Plan files: any text is a plan file or has findings, which can be drawn.
#![no_main]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use dpbackup::plan::diagnostic::Style;
use dpbackup::plan::{LoadError, load};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|text: &str| {
    let path = FOLDER.path().join("plans.toml");
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
    match load(&path, &|_| None) {
        Ok(loaded) => {
            let _ = loaded.warnings.render(Style::Plain);
        }
        Err(LoadError::Invalid(report)) => {
            assert!(report.errors() > 0);
            assert!(!report.render(Style::Plain).is_empty());
        }
        Err(other) => assert!(!other.to_string().is_empty()),
    }
});
