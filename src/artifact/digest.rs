//! SHA-256 of a file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;

use sha2::{Digest as _, Sha256};

use crate::threads::{self, Step};
use crate::values::hex::hex;

const BUFFER_BYTES: usize = 32 * 1024;
/// After so many bytes a hash is kept as it is then.
const STEP: u64 = 16 << 20;
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

/// SHA-256 of bytes that pass, and what it was on the way: so a file can be compared with them in
/// several parts at the same time. Each part begins with what the hash was before it and has to
/// lead to what it was behind it, and all that holds only where the whole has the hash of the whole.
#[derive(Clone, Debug, Default)]
pub(super) struct SteppedSha256 {
    hash: Sha256,
    bytes: u64,
    /// The hash behind each whole [`STEP`].
    steps: Vec<Sha256>,
}

impl SteppedSha256 {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(STEP - self.bytes % STEP).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.hash.update(now);
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(STEP) {
                self.steps.push(self.hash.clone());
            }
            bytes = later;
        }
    }

    /// How many bytes have passed.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hash of all of them, in lower-case hex.
    pub(super) fn hex(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Whether a file holds just these bytes: reads all of it.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        if file.metadata()?.len() != self.bytes {
            return Ok(false);
        }
        let parts = usize::try_from(self.bytes.div_ceil(STEP)).unwrap_or(usize::MAX);
        let mut all = Ok(true);
        let read = |part| self.is_part_of(file, part);
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
    fn is_part_of(&self, file: &File, part: usize) -> io::Result<bool> {
        let before = part.checked_sub(1).and_then(|part| self.steps.get(part));
        let mut hash = before.cloned().unwrap_or_default();
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
                    hash.update(&buffer[..read]);
                    position += read as u64;
                }
            }
        }
        let behind = self.steps.get(part).unwrap_or(&self.hash);
        Ok(hash.finalize() == behind.clone().finalize())
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

    fn hash_of(bytes: &[u8], piece: usize) -> SteppedSha256 {
        let mut hash = SteppedSha256::default();
        bytes.chunks(piece).for_each(|piece| hash.update(piece));
        hash
    }

    #[test]
    fn a_file_is_compared_to_its_last_byte_wherever_its_parts_end() {
        for length in [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP - 1] {
            let bytes = some_bytes(length);
            let hash = hash_of(&bytes, 1_000_003);
            assert_eq!(hash.bytes(), length);
            let mut file = file_of(&bytes);
            assert_eq!(hash.hex(), sha256(&file).expect("read"), "{length}");
            assert!(hash.is_of(&file).expect("read"), "{length}");
            for place in [0, length / 2, STEP - 1, STEP, length.saturating_sub(1)] {
                if place < length {
                    let was = bytes[place as usize];
                    file.write_all_at(&[was ^ 1], place).expect("written");
                    assert!(!hash.is_of(&file).expect("read"), "{place} of {length}");
                    file.write_all_at(&[was], place).expect("written");
                }
            }
            assert!(hash.is_of(&file).expect("read"), "{length}");
            io::Write::write_all(&mut file, b"!").expect("written");
            file.set_len(length + 1).expect("longer");
            assert!(!hash.is_of(&file).expect("read"), "longer than {length}");
            if length > 0 {
                file.set_len(length - 1).expect("shorter");
                assert!(!hash.is_of(&file).expect("read"), "shorter than {length}");
            }
        }
    }

    #[test]
    fn two_parts_that_have_changed_places_are_not_the_same_file() {
        let step = usize::try_from(STEP).expect("a small number");
        let bytes = some_bytes(2 * STEP);
        let (first, second) = bytes.split_at(step);
        assert!(first != second);
        let hash = hash_of(&bytes, step);
        let swapped = file_of(&[second, first].concat());
        assert!(!hash.is_of(&swapped).expect("read"));
    }
}
