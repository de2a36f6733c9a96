//! Plan files: any text is a plan file or has findings, which can be drawn; and a password
//! in it is never drawn with them.
#![no_main]

use std::path::Path;

use dpbackup::plan::diagnostic::Style;
use dpbackup::plan::{Readers, check_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match check_text(text, Path::new("plans.toml"), Readers::OwnerOnly, &|_| None) {
        Ok(loaded) => {
            let _ = loaded.warnings.render(Style::Plain);
        }
        Err(report) => {
            assert!(report.errors() > 0);
            assert!(!report.render(Style::Plain).is_empty());
        }
    }
});
