//! The two headers of an entry: in the directory, and in front of its bytes.
//!
//! Most of what they say stands in both. Some programs read the one, some the other, so that
//! both have to say the same, and nothing that only some programs understand.

use std::io::{self, Read, Seek, SeekFrom};

use crate::artifact::archive::entry_kind::{self, EntryKind, OddKind};
use crate::artifact::archive::extra_fields::{self, HeaderNumbers};
use crate::artifact::archive::problem::ProblemKind;
use crate::artifact::archive::window::FileWindow;
use crate::artifact::archive::zip_end::{le16, le32};

/// The fixed part of a header in the directory.
const CENTRAL_BYTES: usize = 46;
const CENTRAL_MAGIC: u32 = 0x0201_4b50;
/// The fixed part of a header in front of the bytes.
const LOCAL_BYTES: usize = 30;
const LOCAL_MAGIC: u32 = 0x0403_4b50;
/// Stands in front of what is told after the bytes; some programs leave it out.
const DESCRIPTOR_MAGIC: [u8; 4] = *b"PK\x07\x08";

const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// How much effort went into packing.
const EFFORT: u16 = 1 << 1 | 1 << 2;
/// CRC and lengths follow the bytes.
const STREAMED: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;

/// What ZIP64 asks for. Gateways write 0, 10 and 20.
const NEWEST_VERSION: u16 = 45;

/// Where an entry stands in a file, and how it is packed: what comes of it depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PackedPlace {
    pub(super) start: u64,
    pub(super) bytes: u64,
    pub(super) packing: Packing,
}

/// How the bytes of an entry are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Packing {
    Stored,
    Deflated,
}

/// An entry whose headers say one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SoundHeader {
    pub(super) kind: EntryKind,
    pub(super) packing: Packing,
    pub(super) crc: u32,
    /// Bytes as they are packed, and as they come out.
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    /// Where the bytes begin.
    pub(super) data_start: u64,
}

/// What stands in both headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stated {
    version: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
}

/// A header of the directory.
#[derive(Clone, Debug)]
pub(super) struct CentralHeader {
    stated: Stated,
    name: Vec<u8>,
    attributes: u32,
    has_text_for_comment: bool,
    /// Where the other header begins.
    local_start: u64,
    /// Why only some programs understand it.
    oddity: Option<String>,
}

/// A header in front of the bytes.
#[derive(Clone, Debug)]
pub(super) struct LocalHeader {
    stated: Stated,
    name: Vec<u8>,
    has_zip64: bool,
    data_start: u64,
    oddity: Option<String>,
}

impl CentralHeader {
    /// Takes the next header off the front of a directory. `None` where none begins, or where
    /// the directory ends before it does.
    pub(super) fn take(directory: &mut &[u8]) -> Option<CentralHeader> {
        let (head, rest) = directory.split_at_checked(CENTRAL_BYTES)?;
        if le32(head, 0) != CENTRAL_MAGIC {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|offset| usize::from(le16(head, offset)));
        let (name, rest) = rest.split_at_checked(name)?;
        let (extra, rest) = rest.split_at_checked(extra)?;
        // Nobody takes the comment of an entry for a part of it, but some refuse the archive if it is no text.
        let (comment, rest) = rest.split_at_checked(comment)?;
        *directory = rest;
        let mut numbers = HeaderNumbers {
            unpacked: u64::from(le32(head, 24)),
            packed: u64::from(le32(head, 20)),
            local_start: Some(u64::from(le32(head, 42))),
            disk: Some(u64::from(le16(head, 34))),
        };
        let mut oddity = extra_fields::read(extra, &mut numbers).err();
        if numbers.disk != Some(0) {
            oddity.get_or_insert_with(|| "it is said to stand in another part of several".to_owned());
        }
        Some(CentralHeader {
            stated: Stated::read(&head[6..], &numbers),
            name: name.to_vec(),
            attributes: le32(head, 38),
            has_text_for_comment: std::str::from_utf8(comment).is_ok(),
            local_start: numbers.local_start.unwrap_or_default(),
            oddity,
        })
    }

    /// The bytes of its name.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether its name is said to be UTF-8. One that is not, programs read by tables of their
    /// own, which agree on ASCII only.
    pub(super) fn is_marked_utf8(&self) -> bool {
        self.stated.flags & UTF8 != 0
    }

    /// The header in front of the bytes. `None` where none stands.
    pub(super) fn local(&self, zip: &mut FileWindow<'_>) -> io::Result<Option<LocalHeader>> {
        zip.seek(SeekFrom::Start(self.local_start))?;
        LocalHeader::take(zip, self.local_start)
    }

    /// The entry, if its two headers agree and every program understands them alike.
    pub(super) fn agree(&self, local: &LocalHeader) -> Result<SoundHeader, ProblemKind> {
        if let Some(what) = self.disagreement(local) {
            return Err(ProblemKind::HeadersDisagree(what));
        }
        let stated = &self.stated;
        if stated.flags & ENCRYPTED != 0 {
            return Err(ProblemKind::Encrypted);
        }
        let packing = stated.packing().ok_or(ProblemKind::UnknownMethod)?;
        let ambiguous = |why: &str| ProblemKind::Ambiguous(why.to_owned());
        if !self.has_text_for_comment {
            return Err(ambiguous(
                "its comment is not UTF-8, for which some refuse the whole archive",
            ));
        }
        let kind = entry_kind::of(&self.name, self.attributes).map_err(|odd| match odd {
            OddKind::Else(what) => ProblemKind::NotPlain(what),
            OddKind::Contradiction(why) => ambiguous(why),
        })?;
        if let Some(why) = self.oddity.as_ref().or(local.oddity.as_ref()) {
            return Err(ambiguous(why));
        }
        if stated.flags & !(EFFORT | STREAMED | UTF8) != 0 {
            return Err(ambiguous("it has flags that only some programs understand"));
        }
        if stated.version & 0xff > NEWEST_VERSION {
            return Err(ambiguous("it asks for a newer program than some are"));
        }
        if packing == Packing::Stored && self.is_streamed() {
            return Err(ambiguous(
                "its length follows its bytes, which do not tell their end",
            ));
        }
        if packing == Packing::Stored && stated.packed != stated.unpacked {
            return Err(ambiguous("it has two lengths"));
        }
        Ok(SoundHeader {
            kind,
            packing,
            crc: stated.crc,
            packed: stated.packed,
            unpacked: stated.unpacked,
            data_start: local.data_start,
        })
    }

    /// The first thing that the two headers say differently.
    fn disagreement(&self, local: &LocalHeader) -> Option<&'static str> {
        let (here, there) = (&self.stated, &local.stated);
        // Where they follow the bytes, they may, but need not, be left out in front of them.
        let is_left_out = |number: u64| self.is_streamed() && number == 0;
        let differs = |here: u64, there: u64| here != there && !is_left_out(there);
        let fields = [
            ("the name", self.name != local.name),
            ("the version needed to read it", here.version != there.version),
            ("the flags", here.flags != there.flags),
            ("the method", here.method != there.method),
            ("the time", here.time != there.time),
            ("the date", here.date != there.date),
            ("the CRC", differs(here.crc.into(), there.crc.into())),
            ("the packed length", differs(here.packed, there.packed)),
            ("the length", differs(here.unpacked, there.unpacked)),
        ];
        fields
            .into_iter()
            .find(|(_, differ)| *differ)
            .map(|(what, _)| what)
    }

    fn is_streamed(&self) -> bool {
        self.stated.flags & STREAMED != 0
    }

    /// The part of the ZIP that belongs to the entry: its header, its bytes, and what is told
    /// after them. `end` is where the next thing begins.
    pub(super) fn extent(
        &self,
        local: &LocalHeader,
        zip: &mut FileWindow<'_>,
        end: u64,
    ) -> io::Result<Result<(u64, u64), ProblemKind>> {
        let Some(data_end) = local.data_start.checked_add(self.stated.packed) else {
            return Ok(Err(ProblemKind::BrokenEntry(
                "it is longer than the ZIP".to_owned(),
            )));
        };
        if !self.is_streamed() {
            return Ok(Ok((self.local_start, data_end)));
        }
        let plain = self.descriptor(local.has_zip64);
        let marked = [&DESCRIPTOR_MAGIC[..], &plain].concat();
        for told in [marked, plain] {
            let told_end = data_end.saturating_add(told.len() as u64);
            // The next header may name a place that the file does not have.
            if told_end > end.min(zip.length()) {
                continue;
            }
            let mut found = vec![0; told.len()];
            zip.seek(SeekFrom::Start(data_end))?;
            zip.read_exact(&mut found)?;
            if found == told {
                return Ok(Ok((self.local_start, told_end)));
            }
        }
        Ok(Err(ProblemKind::HeadersDisagree("what is told after its bytes")))
    }

    /// What has to be told after the bytes, where they are told there.
    fn descriptor(&self, is_wide: bool) -> Vec<u8> {
        let stated = &self.stated;
        let mut told = stated.crc.to_le_bytes().to_vec();
        for number in [stated.packed, stated.unpacked] {
            let bytes = number.to_le_bytes();
            told.extend(if is_wide { &bytes[..] } else { &bytes[..4] });
        }
        told
    }

    /// Where the header in front of the bytes begins.
    pub(super) fn local_start(&self) -> u64 {
        self.local_start
    }
}

impl LocalHeader {
    /// Reads the header that begins here, at `start` of what is read. `None` where none stands.
    pub(super) fn take(zip: &mut (impl Read + ?Sized), start: u64) -> io::Result<Option<LocalHeader>> {
        let mut bytes = Vec::new();
        Read::take(&mut *zip, LOCAL_BYTES as u64).read_to_end(&mut bytes)?;
        let Ok(head) = <[u8; LOCAL_BYTES]>::try_from(bytes) else {
            return Ok(None);
        };
        if le32(&head, 0) != LOCAL_MAGIC {
            return Ok(None);
        }
        let [name, extra] = [26, 28].map(|offset| usize::from(le16(&head, offset)));
        let mut bytes = Vec::new();
        let length = name + extra;
        Read::take(&mut *zip, length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Ok(None);
        }
        let (name, extra) = bytes.split_at(name);
        let mut numbers = HeaderNumbers {
            unpacked: u64::from(le32(&head, 22)),
            packed: u64::from(le32(&head, 18)),
            local_start: None,
            disk: None,
        };
        let read = extra_fields::read(extra, &mut numbers);
        Ok(Some(LocalHeader {
            stated: Stated::read(&head[4..], &numbers),
            name: name.to_vec(),
            has_zip64: read == Ok(true),
            data_start: start + (LOCAL_BYTES + length) as u64,
            oddity: read.err(),
        }))
    }

    /// Where the bytes stand, as far as this header alone tells.
    pub(super) fn place(&self) -> Option<PackedPlace> {
        let is_told = self.stated.flags & STREAMED == 0;
        is_told.then_some(PackedPlace {
            start: self.data_start,
            bytes: self.stated.packed,
            packing: self.stated.packing()?,
        })
    }

    /// Whether it may be that of an inner ZIP.
    pub(super) fn is_named_zip(&self) -> bool {
        self.name.ends_with(b".zip")
    }
}

impl Stated {
    fn packing(&self) -> Option<Packing> {
        match self.method {
            0 => Some(Packing::Stored),
            8 => Some(Packing::Deflated),
            _ => None,
        }
    }

    /// Reads the part that both headers have in the same order, from its beginning.
    fn read(bytes: &[u8], numbers: &HeaderNumbers) -> Stated {
        Stated {
            version: le16(bytes, 0),
            flags: le16(bytes, 2),
            method: le16(bytes, 4),
            time: le16(bytes, 6),
            date: le16(bytes, 8),
            crc: le32(bytes, 10),
            packed: numbers.packed,
            unpacked: numbers.unpacked,
        }
    }
}
