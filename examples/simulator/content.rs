//! The bytes of a file: in memory, made up on the way, or in a temporary file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use sha1::{Digest, Sha1};

/// How much is read or written at once. A multiple of three, so that base64 needs no padding between.
pub(super) const BLOCK: usize = 48 * 1024;

/// The bytes of a file. A clone costs nothing.
#[derive(Clone, Debug)]
pub enum Content {
    /// Kept in memory.
    Bytes(Arc<[u8]>),
    /// Never kept: `bytes` bytes that look random, the same ones each time for the same seed.
    Synthetic {
        /// How many bytes.
        bytes: u64,
        /// Different seeds give different bytes.
        seed: u64,
    },
    /// On disk, in a file that goes with the last clone.
    File(Arc<tempfile::NamedTempFile>),
}

impl Content {
    /// Bytes that look encrypted, made up as they are read.
    pub fn synthetic(bytes: u64, seed: u64) -> Content {
        Content::Synthetic { bytes, seed }
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Synthetic { bytes, .. } => *bytes,
            Content::File(file) => file.as_file().metadata().map_or(0, |data| data.len()),
        }
    }

    /// Reads from the first byte on.
    pub fn reader(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Content::Bytes(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
            Content::Synthetic { bytes, seed } => Box::new(Noise::new(*seed).take(*bytes)),
            // Opened anew: a cloned handle would share its position.
            Content::File(file) => Box::new(File::open(file.path())?),
        })
    }

    /// All bytes. For small files.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The SHA-1 hash of all bytes.
    pub fn sha1(&self) -> io::Result<[u8; 20]> {
        self.copy_to(&mut io::sink())
    }

    /// Writes all bytes and gives their SHA-1 hash.
    pub(super) fn copy_to(&self, out: &mut impl Write) -> io::Result<[u8; 20]> {
        let mut hasher = Sha1::new();
        let mut reader = self.reader()?;
        let mut block = vec![0; BLOCK];
        loop {
            let count = reader.read(&mut block)?;
            if count == 0 {
                return Ok(hasher.finalize().into());
            }
            hasher.update(&block[..count]);
            out.write_all(&block[..count])?;
        }
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Content {
        Content::Bytes(bytes.into())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Content {
        Content::Bytes(text.as_bytes().into())
    }
}

/// An endless stream of bytes from a small generator (xorshift64*): quick, and it does not compress.
struct Noise {
    state: u64,
    rest: [u8; 8],
    left: usize,
}

impl Noise {
    fn new(seed: u64) -> Noise {
        Noise {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            rest: [0; 8],
            left: 0,
        }
    }

    fn next(&mut self) -> [u8; 8] {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Bytes left over from the read before come first, so that the stream does not depend on how it
        // is cut.
        for place in buffer.chunks_mut(8) {
            if self.left == 0 && place.len() == 8 {
                place.copy_from_slice(&self.next());
                continue;
            }
            for byte in place {
                if self.left == 0 {
                    self.rest = self.next();
                    self.left = 8;
                }
                *byte = self.rest[8 - self.left];
                self.left -= 1;
            }
        }
        Ok(buffer.len())
    }
}
