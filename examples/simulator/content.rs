//! The bytes of a file: in memory, made up on the way, or in a temporary file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
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
    /// On disk, in a file without a name: it goes with the last clone, however the process ends.
    File(Arc<File>),
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
            Content::File(file) => file.metadata().map_or(0, |data| data.len()),
        }
    }

    /// Reads from the first byte on.
    pub fn reader(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Content::Bytes(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
            Content::Synthetic { bytes, seed } => Box::new(Noise::new(*seed).take(*bytes)),
            Content::File(file) => Box::new(FileReader {
                file: Arc::clone(file),
                position: 0,
            }),
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

/// Reads a file at a place of its own: other readers of the same file do not move it.
struct FileReader {
    file: Arc<File>,
    position: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

/// Length of the piece of noise that is repeated: longer than the window of deflate, so that it does not
/// compress, and a prime, so that a block out of its place shows in any hash.
const NOISE_BYTES: usize = 65_521;

/// An endless stream of bytes that look random, from a small generator (xorshift64*).
struct Noise {
    piece: Vec<u8>,
    position: usize,
}

impl Noise {
    fn new(seed: u64) -> Noise {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut piece = Vec::with_capacity(NOISE_BYTES + 8);
        while piece.len() < NOISE_BYTES {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            piece.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        piece.truncate(NOISE_BYTES);
        Noise { piece, position: 0 }
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(NOISE_BYTES - self.position);
        buffer[..count].copy_from_slice(&self.piece[self.position..self.position + count]);
        self.position = (self.position + count) % NOISE_BYTES;
        Ok(count)
    }
}
