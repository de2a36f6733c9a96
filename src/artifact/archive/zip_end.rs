//! The end of a ZIP, read before anything is built from it.
//!
//! The ZIP library holds the directory in memory, and searches for it in ways that forgive
//! much. A gateway writes its archives in one go: the directory ends where the end record
//! begins, and nothing follows that. Asking for just this finds cut, prefixed and lengthened
//! files, and tells how large the directory is before memory is spent on it.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use crate::artifact::archive::window::FileWindow;

const END_BYTES: usize = 22;
const END_MAGIC: u32 = 0x0605_4b50;
const LOCATOR_BYTES: usize = 20;
const LOCATOR_MAGIC: u32 = 0x0706_4b50;
const END64_BYTES: usize = 56;
const END64_MAGIC: u32 = 0x0606_4b50;
const HEADER_BYTES: usize = 46;
const HEADER_MAGIC: u32 = 0x0201_4b50;

/// What the end of a ZIP says about its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZipEnd {
    /// Entries.
    pub(super) entries: u64,
    /// Where the directory begins.
    pub(super) directory_start: u64,
    /// Its bytes.
    pub(super) directory_bytes: u64,
}

/// Reads the end of a ZIP. The inner error says, in words, why it is not one.
pub(super) fn read(zip: &mut FileWindow<'_>) -> io::Result<Result<ZipEnd, &'static str>> {
    let Some(end_start) = zip.length().checked_sub(END_BYTES as u64) else {
        return Ok(Err("it is too short"));
    };
    let end: [u8; END_BYTES] = at(zip, end_start)?;
    if le32(&end, 0) != END_MAGIC || le16(&end, 20) != 0 {
        return Ok(Err("it does not end as a ZIP does: cut, or something was added"));
    }
    let locator: Option<[u8; LOCATOR_BYTES]> = match end_start.checked_sub(LOCATOR_BYTES as u64) {
        Some(start) => Some(at(zip, start)?),
        None => None,
    };
    let (tail, expected_end) = match locator.filter(|bytes| le32(bytes, 0) == LOCATOR_MAGIC) {
        None => {
            let tail = ZipEnd {
                entries: u64::from(le16(&end, 10)),
                directory_start: u64::from(le32(&end, 16)),
                directory_bytes: u64::from(le32(&end, 12)),
            };
            (tail, end_start)
        }
        Some(locator) => {
            let end64_start = le64(&locator, 8);
            let locator_start = end_start - LOCATOR_BYTES as u64;
            if end64_start.checked_add(END64_BYTES as u64) != Some(locator_start) {
                return Ok(Err("its ZIP64 end is not where it should be"));
            }
            let end64: [u8; END64_BYTES] = at(zip, end64_start)?;
            if le32(&end64, 0) != END64_MAGIC {
                return Ok(Err("its ZIP64 end is damaged"));
            }
            let tail = ZipEnd {
                entries: le64(&end64, 32),
                directory_start: le64(&end64, 48),
                directory_bytes: le64(&end64, 40),
            };
            (tail, end64_start)
        }
    };
    if tail.directory_start.checked_add(tail.directory_bytes) != Some(expected_end) {
        return Ok(Err(
            "its directory is not where it should be: bytes were taken out or put in",
        ));
    }
    Ok(Ok(tail))
}

/// The first name that two entries have. `None` also where the directory cannot be read.
pub(super) fn duplicate(zip: &mut FileWindow<'_>, tail: ZipEnd) -> io::Result<Option<String>> {
    let mut seen = HashSet::new();
    let mut position = tail.directory_start;
    for _ in 0..tail.entries {
        if position + HEADER_BYTES as u64 > zip.length() {
            return Ok(None);
        }
        let header: [u8; HEADER_BYTES] = at(zip, position)?;
        if le32(&header, 0) != HEADER_MAGIC {
            return Ok(None);
        }
        let [name, extra, comment] = [28, 30, 32].map(|offset| u64::from(le16(&header, offset)));
        let mut bytes = Vec::new();
        zip.take(name).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !seen.insert(bytes) {
            return Ok(Some(text));
        }
        position += HEADER_BYTES as u64 + name + extra + comment;
    }
    Ok(None)
}

fn at<const N: usize>(zip: &mut FileWindow<'_>, position: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    zip.seek(SeekFrom::Start(position))?;
    zip.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn le16(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([bytes[offset], bytes[offset + 1]])
}

fn le32(bytes: &[u8], offset: usize) -> u32 {
    u32::from(le16(bytes, offset)) | u32::from(le16(bytes, offset + 2)) << 16
}

fn le64(bytes: &[u8], offset: usize) -> u64 {
    u64::from(le32(bytes, offset)) | u64::from(le32(bytes, offset + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::fixture::{FixtureGateway, file_of};

    fn tail_of(bytes: &[u8]) -> Result<ZipEnd, &'static str> {
        let file = file_of(bytes);
        read(&mut FileWindow::whole(&file).expect("a window")).expect("read")
    }

    #[test]
    fn the_end_tells_what_the_directory_holds() {
        let bytes = FixtureGateway::new().backup();
        let tail = tail_of(&bytes).expect("a tail");
        assert_eq!(tail.entries, 5);
        assert_eq!(
            tail.directory_start + tail.directory_bytes + 22,
            bytes.len() as u64
        );
        assert_eq!(tail_of(&FixtureGateway::to_zip64(&bytes)), Ok(tail));
    }

    #[test]
    fn an_end_that_is_not_the_end_is_refused() {
        let bytes = FixtureGateway::new().backup();
        let (end, zip64) = (bytes.len() - 22, FixtureGateway::to_zip64(&bytes));
        let mut commented = bytes.clone();
        commented[end + 20] = 1;
        commented.push(b'!');
        let mut lying = bytes.clone();
        lying[end + 20] = 1;
        let prefixed = [b"!", bytes.as_slice()].concat();
        let prefixed64 = [b"!", zip64.as_slice()].concat();
        let parted = [&bytes[..end], b"!", &bytes[end..]].concat();
        let parted64 = [&zip64[..end], b"!", &zip64[end..]].concat();
        for bytes in [
            commented,
            lying,
            prefixed,
            prefixed64,
            parted,
            parted64,
            Vec::new(),
            vec![0; 22],
        ] {
            assert!(tail_of(&bytes).is_err());
        }
    }

    #[test]
    fn entries_of_different_names_are_no_duplicates() {
        let file = file_of(&FixtureGateway::new().backup());
        let mut window = FileWindow::whole(&file).expect("a window");
        let tail = read(&mut window).expect("read").expect("a tail");
        assert_eq!(duplicate(&mut window, tail).expect("read"), None);
    }
}
