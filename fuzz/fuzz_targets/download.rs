//! Large answers: the same bytes come to the same end, in whatever pieces they arrive.
#![no_main]

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use dpbackup::soma::deadline::Deadline;
use dpbackup::soma::download::read_file;
use dpbackup::values::timeouts::RequestLimit;
use libfuzzer_sys::fuzz_target;

/// Gives at most so many bytes at a time.
struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let amount = self.size.min(self.bytes.len()).min(buffer.len());
        let (now, later) = self.bytes.split_at(amount);
        buffer[..amount].copy_from_slice(now);
        self.bytes = later;
        Ok(amount)
    }
}

fn download(bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut told = 0;
    let pieces = Pieces { bytes, size };
    let outcome = read_file(
        pieces,
        &Deadline::after(RequestLimit::of_its_own(Duration::MAX), Arc::default()),
        &mut out,
        &mut |bytes| told = bytes,
    );
    assert!(told <= out.len() as u64);
    match outcome {
        Ok(file) => {
            assert_eq!(file.length, out.len() as u64);
            Some(out)
        }
        Err(error) => {
            assert!(!error.message.is_empty());
            None
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else {
        return;
    };
    let whole = download(bytes, usize::MAX);
    assert_eq!(whole, download(bytes, usize::from(*size).max(1)));
});
