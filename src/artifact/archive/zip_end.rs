//! The end of a ZIP, read before anything is built from it.
//!
//! Programs search for the end of a ZIP in ways that forgive much, each in its own. A gateway
//! writes its archives in one go: the directory ends where the end record begins, nothing
//! but a comment follows that, and where there is a ZIP64 end beside the plain one, both lead to the same
//! directory. Asking for just this finds cut, prefixed, lengthened and two-faced files, and
//! tells how large the directory is before memory is spent on it.

use std::io::{self, Read, Seek, SeekFrom};

use crate::artifact::archive::window::FileWindow;

const END_BYTES: usize = 22;
const END_MAGIC: u32 = 0x0605_4b50;
const LOCATOR_BYTES: usize = 20;
const LOCATOR_MAGIC: u32 = 0x0706_4b50;
const END64_BYTES: usize = 56;
const END64_MAGIC: u32 = 0x0606_4b50;
/// The bytes of a ZIP64 end after its own length: another length is a form that no gateway
/// writes and some programs do not read.
const END64_REST: u64 = END64_BYTES as u64 - 12;

/// What the end of a ZIP says about its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZipEnd {
    pub(super) entries: u64,
    /// Where the directory begins.
    pub(super) directory_start: u64,
    pub(super) directory_bytes: u64,
}

/// The six numbers of an end record, plain or ZIP64.
#[derive(Clone, Copy, Debug)]
struct EndNumbers {
    disk: u64,
    directory_disk: u64,
    entries_on_disk: u64,
    entries: u64,
    directory_bytes: u64,
    directory_start: u64,
}

/// Reads the end of a ZIP. The inner error says, in words, why it is not one.
pub(super) fn read(zip: &mut FileWindow<'_>) -> io::Result<Result<ZipEnd, &'static str>> {
    if zip.length() < END_BYTES as u64 {
        return Ok(Err("it is too short"));
    }
    let Some(end_start) = end_start(zip)? else {
        let start: [u8; 2] = at(zip, 0)?;
        return Ok(Err(match &start == b"PK" {
            true => "it does not end as a ZIP does: cut, or something was added",
            false => "it neither begins nor ends as a ZIP does",
        }));
    };
    let end: [u8; END_BYTES] = at(zip, end_start)?;
    let plain = EndNumbers::plain(&end);
    let locator: Option<[u8; LOCATOR_BYTES]> = match end_start.checked_sub(LOCATOR_BYTES as u64) {
        Some(start) => Some(at(zip, start)?),
        None => None,
    };
    let (numbers, directory_end) = match locator.filter(|bytes| le32(bytes, 0) == LOCATOR_MAGIC) {
        None => (plain, end_start),
        Some(locator) => {
            let end64_start = le64(&locator, 8);
            let locator_start = end_start - LOCATOR_BYTES as u64;
            if end64_start.checked_add(END64_BYTES as u64) != Some(locator_start) {
                return Ok(Err("its ZIP64 end is not where it should be"));
            }
            let end64: [u8; END64_BYTES] = at(zip, end64_start)?;
            let is_whole = le32(&end64, 0) == END64_MAGIC && le64(&end64, 4) == END64_REST;
            if !is_whole || le32(&locator, 4) != 0 || le32(&locator, 16) != 1 {
                return Ok(Err("its ZIP64 end is damaged"));
            }
            let wide = EndNumbers::wide(&end64);
            if !plain.agrees_or_refers(&wide) {
                return Ok(Err("its two ends lead to two directories"));
            }
            (wide, end64_start)
        }
    };
    if numbers.disk != 0 || numbers.directory_disk != 0 || numbers.entries_on_disk != numbers.entries {
        return Ok(Err("it is one part of several"));
    }
    let end = ZipEnd {
        entries: numbers.entries,
        directory_start: numbers.directory_start,
        directory_bytes: numbers.directory_bytes,
    };
    if end.directory_start.checked_add(end.directory_bytes) != Some(directory_end) {
        return Ok(Err(
            "its directory is not where it should be: bytes were taken out or put in",
        ));
    }
    Ok(Ok(end))
}

/// Where the end record begins: the last that there is, and its comment reaches to the end of the
/// file. Some programs take the last record and others the first whose comment fits; so a comment
/// with another one in it is none.
fn end_start(zip: &mut FileWindow<'_>) -> io::Result<Option<u64>> {
    let longest = (END_BYTES + usize::from(u16::MAX)) as u64;
    let tail_start = zip.length().saturating_sub(longest);
    let mut tail = Vec::new();
    zip.seek(SeekFrom::Start(tail_start))?;
    zip.read_to_end(&mut tail)?;
    let last = memchr::memmem::rfind(&tail, &END_MAGIC.to_le_bytes());
    let fits = |start: &usize| {
        let end = tail.get(*start..*start + END_BYTES);
        end.is_some_and(|end| tail.len() - start - END_BYTES == usize::from(le16(end, 20)))
    };
    Ok(last.filter(fits).map(|start| tail_start + start as u64))
}

impl EndNumbers {
    fn plain(end: &[u8; END_BYTES]) -> EndNumbers {
        EndNumbers {
            disk: u64::from(le16(end, 4)),
            directory_disk: u64::from(le16(end, 6)),
            entries_on_disk: u64::from(le16(end, 8)),
            entries: u64::from(le16(end, 10)),
            directory_bytes: u64::from(le32(end, 12)),
            directory_start: u64::from(le32(end, 16)),
        }
    }

    fn wide(end: &[u8; END64_BYTES]) -> EndNumbers {
        EndNumbers {
            disk: u64::from(le32(end, 16)),
            directory_disk: u64::from(le32(end, 20)),
            entries_on_disk: le64(end, 24),
            entries: le64(end, 32),
            directory_bytes: le64(end, 40),
            directory_start: le64(end, 48),
        }
    }

    /// Whether this plain record says in each number what the ZIP64 one says, or that it is to
    /// be asked. A program that does not know ZIP64 reads the first, and all others the second.
    fn agrees_or_refers(&self, wide: &EndNumbers) -> bool {
        let (short, long) = (u64::from(u16::MAX), u64::from(u32::MAX));
        [
            (self.disk, wide.disk, short),
            (self.directory_disk, wide.directory_disk, short),
            (self.entries_on_disk, wide.entries_on_disk, short),
            (self.entries, wide.entries, short),
            (self.directory_bytes, wide.directory_bytes, long),
            (self.directory_start, wide.directory_start, long),
        ]
        .into_iter()
        .all(|(plain, wide, refers)| plain == wide || plain == refers)
    }
}

/// The bytes at a place.
pub(super) fn at<const N: usize>(zip: &mut FileWindow<'_>, position: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    zip.seek(SeekFrom::Start(position))?;
    zip.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn le16(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([bytes[offset], bytes[offset + 1]])
}

pub(super) fn le32(bytes: &[u8], offset: usize) -> u32 {
    u32::from(le16(bytes, offset)) | u32::from(le16(bytes, offset + 2)) << 16
}

pub(super) fn le64(bytes: &[u8], offset: usize) -> u64 {
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
    fn the_end_of_an_archive_without_entries_is_the_shortest_there_is() {
        let end = [&END_MAGIC.to_le_bytes()[..], &[0; END_BYTES - 4]].concat();
        assert_eq!(tail_of(&end).map(|end| end.entries), Ok(0));
        assert_eq!(tail_of(&end[1..]), Err("it is too short"));
    }

    #[test]
    fn a_plain_end_beside_a_zip64_one_agrees_or_refers_to_it() {
        let bytes = FixtureGateway::new().backup();
        let (end, zip64) = (bytes.len() - 22, FixtureGateway::to_zip64(&bytes));
        let wide_end = zip64.len() - 22;
        let said = |from: usize, until: usize| {
            let mut both = zip64.clone();
            both[wide_end + from..wide_end + until].copy_from_slice(&bytes[end + from..end + until]);
            both
        };
        let fields = [(8, 10), (10, 12), (12, 16), (16, 20)];
        for (from, until) in fields {
            let both = said(from, until);
            assert_eq!(tail_of(&both), tail_of(&bytes), "bytes {from} to {until}");
            let mut other = both;
            other[wide_end + from] ^= 1;
            assert_eq!(
                tail_of(&other),
                Err("its two ends lead to two directories"),
                "bytes {from} to {until}"
            );
        }
    }

    #[test]
    fn every_bit_of_an_end_record_counts() {
        let bytes = FixtureGateway::new().backup();
        let zip64 = FixtureGateway::to_zip64(&bytes);
        // The versions of the ZIP64 end stand once, and no program reads its archive by them.
        let versions = zip64.len() - 22 - 20 - 56 + 12;
        for (bytes, records, free) in [(&bytes, 22, 0..0), (&zip64, 22 + 20 + 56, versions..versions + 4)] {
            for index in bytes.len() - records..bytes.len() {
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[index] ^= 1 << bit;
                    assert_eq!(
                        tail_of(&flipped).is_ok(),
                        free.contains(&index),
                        "bit {bit} of byte {index}"
                    );
                }
            }
        }
    }

    fn commented(bytes: &[u8], comment: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let length = u16::try_from(comment.len()).expect("short").to_le_bytes();
        let at = bytes.len() - 2;
        bytes[at..].copy_from_slice(&length);
        [&bytes, comment].concat()
    }

    #[test]
    fn a_comment_is_read_past_unless_an_end_could_be_found_in_it() {
        let bytes = FixtureGateway::new().backup();
        let zip64 = FixtureGateway::to_zip64(&bytes);
        let end = &bytes[bytes.len() - 22..];
        for zip in [&bytes, &zip64] {
            for comment in [&b"!"[..], b"saved by hand", &[b'P'; 65535]] {
                assert_eq!(tail_of(&commented(zip, comment)), tail_of(zip));
            }
            for comment in [end, b"PK\x05\x06", &[end, b"more"].concat()] {
                let result = tail_of(&commented(zip, comment));
                assert!(result.is_err(), "{result:?}");
            }
            let whole = commented(zip, b"a comment");
            assert!(tail_of(&whole[..whole.len() - 1]).is_err());
            assert!(tail_of(&[&whole[..], b"!"].concat()).is_err());
        }
    }

    #[test]
    fn what_never_was_a_zip_is_not_called_cut() {
        let bytes = FixtureGateway::new().backup();
        let why = tail_of(&bytes[..bytes.len() - 5]).expect_err("cut");
        assert!(why.contains("cut"), "{why}");
        let why = tail_of(b"SQLite format 3\0 and more of it").expect_err("no ZIP");
        assert_eq!(why, "it neither begins nor ends as a ZIP does");
    }

    #[test]
    fn an_end_that_is_not_the_end_is_refused() {
        let bytes = FixtureGateway::new().backup();
        let (end, zip64) = (bytes.len() - 22, FixtureGateway::to_zip64(&bytes));
        let mut lying = bytes.clone();
        lying[end + 20] = 1;
        let prefixed = [b"!", bytes.as_slice()].concat();
        let prefixed64 = [b"!", zip64.as_slice()].concat();
        let parted = [&bytes[..end], b"!", &bytes[end..]].concat();
        let parted64 = [&zip64[..end], b"!", &zip64[end..]].concat();
        for bytes in [
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
}
