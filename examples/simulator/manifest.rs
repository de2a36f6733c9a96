//! `backupmanifest.xml`, in the forms that different gateways give it.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::content::{BLOCK, Content};
use super::fault::FaultKind;
use super::hostile::{BulkPlace, bulk};
use super::script::word_for;
use super::setup::Setup;
use super::soap::{escape, time_zone};

/// The name of the manifest, the last file to be written.
pub(super) const MANIFEST: &str = "backupmanifest.xml";

/// The form of a manifest. That there are `filename`, `filesize`, `checksum` (lower-case hex of SHA-1) and a
/// row of the manifest itself is known from clients that read it; everything else is a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestForm {
    /// The element that has the size of a file.
    pub size: SizeElement,
    /// Whether the manifest lists itself.
    pub itself: OwnRow,
    /// What the checksums are of.
    pub checksum: Checksum,
    /// How they are written.
    pub notation: Notation,
}

/// The element that has the size of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeElement {
    /// `filesize`
    FileSize,
    /// `size`
    Size,
    /// There is none.
    Missing,
}

/// Whether a manifest lists itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnRow {
    /// It does not.
    Missing,
    /// It does, with its size and without a checksum.
    Bare,
    /// It does, with the checksum of itself without this row, for it cannot have its own.
    WithChecksum,
}

/// What checksums are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-1.
    Sha1,
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// 24 bytes of nothing that is known.
    Unknown,
    /// There are none.
    Missing,
}

/// How checksums are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `0a1b…`
    Hex,
    /// `0A1B…`
    UpperHex,
    /// `ChsB…`
    Base64,
    /// `sha1:0a1b…`
    Prefixed,
    /// `0A:1B:…`
    Colons,
}

pub(super) const SIZES: [(SizeElement, &str); 3] = [
    (SizeElement::FileSize, "filesize"),
    (SizeElement::Size, "size"),
    (SizeElement::Missing, "none"),
];

pub(super) const OWN_ROWS: [(OwnRow, &str); 3] = [
    (OwnRow::Missing, "no"),
    (OwnRow::Bare, "bare"),
    (OwnRow::WithChecksum, "checksum"),
];

pub(super) const CHECKSUMS: [(Checksum, &str); 7] = [
    (Checksum::Sha1, "sha1"),
    (Checksum::Md5, "md5"),
    (Checksum::Sha256, "sha256"),
    (Checksum::Sha384, "sha384"),
    (Checksum::Sha512, "sha512"),
    (Checksum::Unknown, "other"),
    (Checksum::Missing, "none"),
];

pub(super) const NOTATIONS: [(Notation, &str); 5] = [
    (Notation::Hex, "hex"),
    (Notation::UpperHex, "upper-hex"),
    (Notation::Base64, "base64"),
    (Notation::Prefixed, "prefixed"),
    (Notation::Colons, "colons"),
];

impl Default for ManifestForm {
    fn default() -> ManifestForm {
        ManifestForm {
            size: SizeElement::FileSize,
            // Those of real gateways are read as `Bare`; chosen where that is what is looked at.
            itself: OwnRow::Missing,
            checksum: Checksum::Sha1,
            notation: Notation::Hex,
        }
    }
}

/// The manifest of these parts. The name of its outermost element is not known from any capture.
pub(super) fn manifest(
    setup: &Setup,
    now: Timestamp,
    parts: &[(String, Content)],
    faults: &[FaultKind],
) -> io::Result<Vec<u8>> {
    let form = setup.manifest;
    let firmware = &setup.firmware;
    let now = now.to_zoned(time_zone());
    let mut head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<secure-backup>\n<backupmanifest>\n\
         <firmware-version>{}</firmware-version>\n<firmware-build>{}</firmware-build>\n\
         <machine-type>{}</machine-type>\n<model-type>{}</model-type>\n<serial-number>{}</serial-number>\n\
         <current-date>{}</current-date>\n<current-time>{}</current-time>\n{}<files>\n",
        firmware.version,
        firmware.build,
        firmware.machine_type,
        firmware.model_type,
        firmware.serial,
        now.strftime("%Y-%m-%d"),
        now.strftime("%H:%M:%S %Z"),
        bulk(faults, BulkPlace::Manifest)
    );
    for (name, content) in parts {
        head.push_str(&form.row(name, content.size(), &form.checksum_of(content)?));
    }
    let tail = "</files>\n</backupmanifest>\n<signature>c2ltdWxhdGVk</signature>\n</secure-backup>\n";
    let without = format!("{head}{tail}");
    let own = match form.itself {
        OwnRow::Missing => return Ok(without.into_bytes()),
        OwnRow::Bare => String::new(),
        OwnRow::WithChecksum => form.checksum_of(&Content::from(without.as_str()))?,
    };
    // The row says how long the manifest is with this row: the number decides about its own length.
    let mut size = without.len();
    loop {
        let whole = format!("{head}{}{tail}", form.row(MANIFEST, size as u64, &own));
        if whole.len() == size {
            return Ok(whole.into_bytes());
        }
        size = whole.len();
    }
}

impl ManifestForm {
    fn row(self, name: &str, size: u64, checksum: &str) -> String {
        let size = match self.size {
            SizeElement::FileSize => format!("<filesize>{size}</filesize>"),
            SizeElement::Size => format!("<size>{size}</size>"),
            SizeElement::Missing => String::new(),
        };
        let checksum = if checksum.is_empty() {
            String::new()
        } else {
            format!("<checksum>{checksum}</checksum>")
        };
        let name = escape(name);
        format!("<file><filename>{name}</filename>{size}{checksum}</file>\n")
    }

    /// The checksum of a file as it is written; empty where there is none.
    fn checksum_of(self, content: &Content) -> io::Result<String> {
        let bytes = match self.checksum {
            Checksum::Sha1 => digest::<Sha1>(content)?,
            Checksum::Md5 => digest::<Md5>(content)?,
            Checksum::Sha256 => digest::<Sha256>(content)?,
            Checksum::Sha384 => digest::<Sha384>(content)?,
            Checksum::Sha512 => digest::<Sha512>(content)?,
            Checksum::Unknown => digest::<Sha512>(content)?.split_off(40),
            Checksum::Missing => return Ok(String::new()),
        };
        let hex = |separator: &str| {
            let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            pairs.join(separator)
        };
        Ok(match self.notation {
            Notation::Hex => hex(""),
            Notation::UpperHex => hex("").to_uppercase(),
            Notation::Base64 => STANDARD.encode(&bytes),
            Notation::Prefixed => format!("{}:{}", word_for(&CHECKSUMS, &self.checksum), hex("")),
            Notation::Colons => hex(":").to_uppercase(),
        })
    }
}

fn digest<D: Digest>(content: &Content) -> io::Result<Vec<u8>> {
    let mut hasher = D::new();
    let mut reader = content.reader()?;
    let mut block = vec![0; BLOCK];
    loop {
        match reader.read(&mut block)? {
            0 => return Ok(hasher.finalize().to_vec()),
            count => hasher.update(&block[..count]),
        }
    }
}
