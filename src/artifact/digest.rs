//! SHA-256 of a file, and whether a file holds the bytes that were written to it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;

use flate2::Crc;
use sha2::{Digest as _, Sha256};

use crate::threads::{self, Step};
use crate::values::hex::hex;

const BUFFER_BYTES: usize = 32 * 1024;
/// Bytes of a file that are compared by one CRC-32.
const STEP: u64 = 4 << 20;
/// How many threads read a file back.
const MOST_READERS: usize = 2;

/// SHA-256 of a file from its beginning, in lower-case hex.
pub(super) fn sha256(mut file: &File) -> io::Result<String> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Bytes that pass on their way into a file: their SHA-256, and what the file is held against once it is written.
///
/// That is a CRC-32 of each [`STEP`], which shows what happens to bytes by accident, costs a tenth of another SHA-256,
/// and lets several parts be read at the same time.
#[derive(Debug, Default)]
pub(super) struct PassedBytes {
    sha256: Sha256,
    bytes: u64,
    /// Of each whole [`STEP`].
    steps: Vec<u32>,
    /// Of what has come since.
    rest: Crc,
}

impl PassedBytes {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.sha256.update(bytes);
        while !bytes.is_empty() {
            let room = usize::try_from(STEP - self.bytes % STEP).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.rest.update(now);
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(STEP) {
                self.steps.push(self.rest.sum());
                self.rest.reset();
            }
            bytes = later;
        }
    }

    /// How many bytes have passed.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of all of them, in lower-case hex.
    pub(super) fn sha256(&self) -> String {
        hex(&self.sha256.clone().finalize())
    }

    /// Whether a file holds these bytes: reads all of it.
    pub(super) fn are_in(&self, file: &File) -> io::Result<bool> {
        if file.metadata()?.len() != self.bytes {
            return Ok(false);
        }
        let parts = usize::try_from(self.bytes.div_ceil(STEP)).unwrap_or(usize::MAX);
        let mut all = Ok(true);
        let read = |part| self.has_part(file, part);
        // A file of one part needs nobody beside.
        let most = if parts > 1 { MOST_READERS } else { 0 };
        threads::side_by_side("reads back", most, parts, &read, &mut |step| {
            if let Step::Ended(_, is_same) = step {
                all = match (&all, is_same) {
                    (Ok(true), is_same) => is_same,
                    (Ok(false), Err(error)) => Err(error),
                    _ => return,
                };
            }
        });
        all
    }

    /// Whether one part of a file is that part of the bytes.
    fn has_part(&self, file: &File, part: usize) -> io::Result<bool> {
        let mut crc = Crc::new();
        let mut position = part as u64 * STEP;
        let end = (position + STEP).min(self.bytes);
        let mut buffer = vec![0; BUFFER_BYTES];
        while position < end {
            let wanted = usize::try_from(end - position)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            match file.read_at(&mut buffer[..wanted], position)? {
                0 => return Ok(false),
                read => {
                    crc.update(&buffer[..read]);
                    position += read as u64;
                }
            }
        }
        Ok(crc.sum() == self.steps.get(part).copied().unwrap_or(self.rest.sum()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::artifact::fixture::file_of;

    fn some_bytes(length: u64) -> Vec<u8> {
        (0..length).map(|number| (number * 7 % 251) as u8).collect()
    }

    fn passed(bytes: &[u8], piece: usize) -> PassedBytes {
        let mut passed = PassedBytes::default();
        bytes.chunks(piece).for_each(|piece| passed.update(piece));
        passed
    }

    #[test]
    fn a_file_is_compared_to_its_last_byte_wherever_its_parts_end() {
        for length in [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP - 1] {
            let bytes = some_bytes(length);
            let passed = passed(&bytes, 1_000_003);
            assert_eq!(passed.bytes(), length);
            let mut file = file_of(&bytes);
            assert_eq!(passed.sha256(), sha256(&file).expect("read"), "{length}");
            assert!(passed.are_in(&file).expect("read"), "{length}");
            for place in [0, length / 2, STEP - 1, STEP, length.saturating_sub(1)] {
                if place < length {
                    let was = bytes[place as usize];
                    file.write_all_at(&[was ^ 1], place).expect("written");
                    assert!(!passed.are_in(&file).expect("read"), "{place} of {length}");
                    file.write_all_at(&[was], place).expect("written");
                }
            }
            assert!(passed.are_in(&file).expect("read"), "{length}");
            io::Write::write_all(&mut file, b"!").expect("written");
            file.set_len(length + 1).expect("longer");
            assert!(!passed.are_in(&file).expect("read"), "longer than {length}");
            if length > 0 {
                file.set_len(length - 1).expect("shorter");
                assert!(!passed.are_in(&file).expect("read"), "shorter than {length}");
            }
        }
    }

    #[test]
    fn two_parts_that_have_changed_places_are_not_the_same_file() {
        let step = usize::try_from(STEP).expect("a small number");
        let bytes = some_bytes(2 * STEP);
        let (first, second) = bytes.split_at(step);
        assert!(first != second);
        let passed = passed(&bytes, step);
        let swapped = file_of(&[second, first].concat());
        assert!(!passed.are_in(&swapped).expect("read"));
    }
}
