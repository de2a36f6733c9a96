//! Archives: any bytes are verified or refused, with a reason, within the limits.
#![no_main]

use std::io::Write;

use dpbackup::artifact::archive::{Expected, Limits, verify};
use libfuzzer_sys::fuzz_target;

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
    for expected in [Expected::domain("DOM1"), Expected::AllDomains(None)] {
        match verify(&file, &folder, &expected, &limits) {
            Ok(report) => assert!(report.entries > 0 && report.objects > 0),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
