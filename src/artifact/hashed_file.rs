//! A file that is hashed as it is written, and kept within what it may take.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use crate::artifact::digest::PassedBytes;
use crate::artifact::error::GivenUp;
use crate::artifact::space::{Allowance, LOOK_EVERY, Space};

const BUFFER_BYTES: usize = 64 * 1024;

/// A file that is hashed and counted as it is written.
#[derive(Debug)]
pub(super) struct HashedFile {
    pub(super) file: BufWriter<File>,
    passed: PassedBytes,
    pub(super) allowance: Allowance,
    /// The size at which the free space is asked for again.
    next_look: u64,
}

impl HashedFile {
    pub(super) fn new(file: File, allowance: Allowance) -> HashedFile {
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        HashedFile {
            file,
            passed: PassedBytes::default(),
            allowance,
            next_look: LOOK_EVERY,
        }
    }

    /// Whether so many bytes more may be written: an answer without an end must not fill what
    /// others need.
    fn may_grow(&mut self, bytes: usize) -> io::Result<()> {
        let size = self.passed.bytes().saturating_add(bytes as u64);
        let Allowance { most, min_free, ask } = self.allowance;
        if size > most {
            return Err(GivenUp::TooLarge { most }.into());
        }
        if size < self.next_look {
            return Ok(());
        }
        self.next_look = size.saturating_add(LOOK_EVERY);
        let Space { free, total, .. } = ask(self.file.get_ref())?;
        match min_free.is_met(free, total) {
            true => Ok(()),
            false => Err(GivenUp::TooLittleLeft {
                free,
                total,
                required: min_free.required(total),
            }
            .into()),
        }
    }

    /// How many bytes have come so far that they can be read from the file.
    pub(super) fn in_file(&self) -> u64 {
        self.passed.bytes() - self.file.buffer().len() as u64
    }

    /// Puts every byte on disk. Gives the file, and what was written.
    pub(super) fn finish(self) -> io::Result<(File, PassedBytes)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((file, self.passed))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.may_grow(bytes.len())?;
        let written = self.file.write(bytes)?;
        self.passed.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::artifact::error::StoreErrorKind;
    use crate::values::size::Threshold;

    #[test]
    fn a_full_device_is_recognized() {
        // The kernel's own full device: every write to it ends so.
        let full = File::options().write(true).open("/dev/full").expect("opened");
        let mut stream = HashedFile::new(full, Allowance::unlimited());
        stream.write_all(b"text").expect("buffered");
        let error = stream.finish().expect_err("full");
        assert_eq!(StoreErrorKind::of(&error), StoreErrorKind::NoSpace);
    }

    /// How often the free space was asked for, by the test that has this to itself.
    static LOOKS: AtomicU64 = AtomicU64::new(0);

    /// Less with each look.
    fn shrinking(_: &File) -> io::Result<Space> {
        let looks = LOOKS.fetch_add(1, Ordering::Relaxed);
        let free = (40 - 10 * looks) << 30;
        Ok(Space {
            free,
            total: 100 << 30,
            files: None,
        })
    }

    #[test]
    fn free_space_is_asked_for_again_while_a_file_is_written() {
        let nothing = File::options().write(true).open("/dev/null").expect("opened");
        let allowance = Allowance {
            ask: shrinking,
            ..Allowance::new(u64::MAX, Threshold::Share(25.0))
        };
        let mut stream = HashedFile::new(nothing, allowance);
        let mebibyte = vec![7; 1 << 20];
        // It is asked at 64 and 128 MiB, and at 192 there is too little left.
        for written in 1..192_u64 {
            stream.write_all(&mebibyte).expect("enough is free");
            assert_eq!(LOOKS.load(Ordering::Relaxed), written / 64, "at {written} MiB");
        }
        let error = stream.write_all(&mebibyte).expect_err("too little is left");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(StoreErrorKind::of(&error), StoreErrorKind::TooLittleLeft);
        assert_eq!(
            error.to_string(),
            "20.0 GiB free of 100.0 GiB, and 25.0 GiB are to stay free"
        );
        assert_eq!(stream.passed.bytes(), 191 << 20, "nothing more was written");
    }
}
