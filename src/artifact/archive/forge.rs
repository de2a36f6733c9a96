//! ZIPs written byte by byte, so that a test can say in each field what it likes.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::artifact::fixture::{Entries, FixtureGateway};

/// Changes the entries of a ZIP before it is written.
pub(super) type Forging = dyn Fn(&mut Vec<ForgedEntry>);

/// What follows the bytes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descriptor {
    None,
    /// CRC and lengths.
    Plain,
    /// The same after a mark.
    Marked,
}

/// An entry; both headers are made from it.
#[derive(Clone, Debug)]
pub(super) struct ForgedEntry {
    pub(super) name: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    /// 8 deflates, every other number stores.
    pub(super) method: u16,
    pub(super) version: u16,
    pub(super) flags: u16,
    pub(super) made_by: u16,
    pub(super) attributes: u32,
    pub(super) local_extra: Vec<u8>,
    pub(super) central_extra: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) descriptor: Descriptor,
    /// Follows the packed bytes, as if it were one of them.
    pub(super) hidden: Vec<u8>,
    /// Stands in front of the header.
    pub(super) gap: Vec<u8>,
    /// Its lengths stand in a ZIP64 field of both headers.
    pub(super) is_wide: bool,
}

impl ForgedEntry {
    /// An entry as the tool of the firmware writes it: with times and owner, for Unix.
    pub(super) fn new(name: &str, bytes: &[u8]) -> ForgedEntry {
        let is_folder = name.ends_with('/');
        let times = |length: usize| {
            let times = [&[3][..], &[0xda, 0xc4, 0x13, 0x5d], &[0xda, 0xc4, 0x13, 0x5d]].concat();
            field(0x5455, &times[..length])
        };
        let owner = field(0x7875, &[1, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        ForgedEntry {
            name: name.as_bytes().to_vec(),
            bytes: bytes.to_vec(),
            method: if is_folder || bytes.is_empty() { 0 } else { 8 },
            version: if is_folder { 10 } else { 20 },
            flags: 0,
            made_by: 3 << 8 | 30,
            attributes: if is_folder { 0x41ed_0010 } else { 0x8180_0000 },
            local_extra: [times(9), owner.clone()].concat(),
            central_extra: [times(5), owner].concat(),
            comment: Vec::new(),
            descriptor: Descriptor::None,
            hidden: Vec::new(),
            gap: Vec::new(),
            is_wide: false,
        }
    }

    pub(super) fn stored(mut self) -> ForgedEntry {
        self.method = 0;
        self
    }

    fn packed(&self) -> Vec<u8> {
        let mut packed = self.bytes.clone();
        if self.method == 8 {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&self.bytes).expect("packed");
            packed = encoder.finish().expect("packed");
        }
        packed.extend_from_slice(&self.hidden);
        packed
    }

    fn crc(&self) -> u32 {
        let mut crc = Crc::new();
        crc.update(&self.bytes);
        crc.sum()
    }

    /// From the version to the length of the extra fields, as both headers have it.
    fn stated(&self, packed: u64, extra: &[u8], is_local: bool) -> Vec<u8> {
        let is_late = is_local && self.flags & 8 != 0;
        let late = |number: u32| if is_late { 0 } else { number };
        let length = |number: u64| match self.is_wide {
            true => u32::MAX,
            false => late(u32::try_from(number).expect("short")),
        };
        let mut bytes = Vec::new();
        for number in [self.version, self.flags, self.method, 0x79f7, 0x4eda] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [late(self.crc()), length(packed), length(self.bytes.len() as u64)] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.name.len(), extra.len()] {
            bytes.extend(u16::try_from(number).expect("short").to_le_bytes());
        }
        bytes
    }

    fn extra(&self, extra: &[u8], packed: u64) -> Vec<u8> {
        let lengths = [(self.bytes.len() as u64).to_le_bytes(), packed.to_le_bytes()].concat();
        match self.is_wide {
            true => [field(1, &lengths), extra.to_vec()].concat(),
            false => extra.to_vec(),
        }
    }

    fn local(&self) -> Vec<u8> {
        let packed = self.packed();
        let length = packed.len() as u64;
        let extra = self.extra(&self.local_extra, length);
        let stated = self.stated(length, &extra, true);
        let mut bytes = [&b"PK\x03\x04"[..], &stated, &self.name, &extra, &packed].concat();
        if self.descriptor == Descriptor::Marked {
            bytes.extend(b"PK\x07\x08");
        }
        if self.descriptor != Descriptor::None {
            bytes.extend(self.crc().to_le_bytes());
            for number in [length, self.bytes.len() as u64] {
                let number = number.to_le_bytes();
                bytes.extend(if self.is_wide { &number[..] } else { &number[..4] });
            }
        }
        bytes
    }

    fn central(&self, start: usize) -> Vec<u8> {
        let packed = self.packed().len() as u64;
        let extra = self.extra(&self.central_extra, packed);
        let mut bytes = [&b"PK\x01\x02"[..], &self.made_by.to_le_bytes()].concat();
        bytes.extend(self.stated(packed, &extra, false));
        bytes.extend(u16::try_from(self.comment.len()).expect("short").to_le_bytes());
        bytes.extend([0, 0, 1, 0]);
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(u32::try_from(start).expect("short").to_le_bytes());
        [bytes, self.name.clone(), extra, self.comment.clone()].concat()
    }
}

/// An extra field.
pub(super) fn field(id: u16, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short");
    [&id.to_le_bytes()[..], &length.to_le_bytes(), bytes].concat()
}

/// A ZIP of these entries.
pub(super) fn zip(entries: &[ForgedEntry]) -> Vec<u8> {
    zip_with(entries, b"")
}

/// A ZIP of these entries, with something between the last of them and the directory.
pub(super) fn zip_with(entries: &[ForgedEntry], gap: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        bytes.extend(&entry.gap);
        directory.extend(entry.central(bytes.len()));
        bytes.extend(entry.local());
    }
    bytes.extend(gap);
    let count = u16::try_from(entries.len()).expect("few").to_le_bytes();
    let start = u32::try_from(bytes.len()).expect("short").to_le_bytes();
    let length = u32::try_from(directory.len()).expect("short").to_le_bytes();
    bytes.extend(directory);
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count,
        &count,
        &length,
        &start,
        &[0, 0],
    ]
    .concat();
    bytes.extend(end);
    bytes
}

fn forged(entries: &Entries) -> Vec<ForgedEntry> {
    let forge = |(name, bytes): &(String, Vec<u8>)| match name.ends_with(".zip") {
        true => ForgedEntry::new(name, bytes).stored(),
        false => ForgedEntry::new(name, bytes),
    };
    entries.iter().map(forge).collect()
}

/// A `do-export` as the firmware writes it.
pub(super) fn forged_export() -> Vec<ForgedEntry> {
    let gateway = FixtureGateway::new();
    forged(&gateway.export_entries(&gateway.domains[1]))
}

/// A `do-backup` as the firmware writes it; `inner` changes the ZIP of `SALES`.
pub(super) fn forged_backup(inner: &Forging) -> Vec<u8> {
    let gateway = FixtureGateway::new();
    let zips: Vec<(&str, Vec<u8>)> = gateway
        .domains
        .iter()
        .map(|domain| {
            let mut entries = forged(&gateway.inner(domain));
            if domain.name == "SALES" {
                inner(&mut entries);
            }
            (domain.name.as_str(), zip(&entries))
        })
        .collect();
    zip(&forged(&gateway.outer(&zips)))
}
