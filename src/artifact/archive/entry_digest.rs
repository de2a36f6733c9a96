//! What is to be known of the bytes of an entry.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use sha1::{Digest as _, Sha1};

use crate::artifact::archive::zip_header::SoundHeader;

/// What the bytes of an entry are, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryDigest {
    /// None where nobody has taken it.
    pub(super) sha1: Option<[u8; 20]>,
    pub(super) crc: u32,
    pub(super) bytes: u64,
    /// Whether nothing follows what was unpacked to its end. Programs that read the lengths skip
    /// what does, others stumble over it.
    pub(super) is_spent: bool,
}

impl EntryDigest {
    /// Why they are not those that the headers tell of.
    pub(super) fn fault(&self, header: &SoundHeader) -> Option<String> {
        if !self.is_spent {
            return Some("bytes follow its end".to_owned());
        }
        if self.bytes != header.unpacked {
            let (bytes, told) = (self.bytes, header.unpacked);
            return Some(format!("it has {bytes} bytes, and {told} are told"));
        }
        (self.crc != header.crc).then(|| "its bytes are not those of its CRC".to_owned())
    }
}

/// A digest on its way.
pub(super) struct Digesting {
    sha1: Option<Sha1>,
    crc: Crc,
    bytes: u64,
}

impl Default for Digesting {
    fn default() -> Digesting {
        Digesting {
            sha1: Some(Sha1::new()),
            ..Digesting::without_sha1()
        }
    }
}

impl Digesting {
    /// A digest of which the slowest part is left out.
    pub(super) fn without_sha1() -> Digesting {
        Digesting {
            sha1: None,
            crc: Crc::new(),
            bytes: 0,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        self.crc.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(super) fn finish(self, is_spent: bool) -> EntryDigest {
        EntryDigest {
            sha1: self.sha1.map(|sha1| sha1.finalize().into()),
            crc: self.crc.sum(),
            bytes: self.bytes,
            is_spent,
        }
    }
}

/// Bytes that are digested as they are consumed.
pub(super) struct Digested<R> {
    pub(super) source: R,
    pub(super) digesting: Digesting,
}

impl<R: BufRead> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Digested<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed was in the buffer: this reads nothing and cannot fail.
        if let Ok(bytes) = self.source.fill_buf() {
            self.digesting.update(bytes.get(..amount).unwrap_or_default());
        }
        self.source.consume(amount);
    }
}

/// Consumes everything, and says how many bytes that was.
pub(super) fn drain(source: &mut impl BufRead) -> io::Result<u64> {
    let mut drained = 0;
    loop {
        match source.fill_buf()?.len() {
            0 => return Ok(drained),
            bytes => {
                drained += bytes as u64;
                source.consume(bytes);
            }
        }
    }
}
