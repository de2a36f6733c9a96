//! The bytes of an entry, unpacked on the way.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use crate::artifact::archive::zip_header::Packing;

/// Gives the bytes that were packed.
pub(super) struct Unpacking<R> {
    source: R,
    /// None where they are stored as they are.
    deflated: Option<Deflated>,
}

struct Deflated {
    state: Decompress,
    has_ended: bool,
}

impl<R: BufRead> Unpacking<R> {
    pub(super) fn new(source: R, packing: Packing) -> Unpacking<R> {
        let deflated = || Deflated {
            state: Decompress::new(false),
            has_ended: false,
        };
        Unpacking {
            source,
            deflated: (packing == Packing::Deflated).then(deflated),
        }
    }

    /// Whether nothing follows what has been unpacked to its end.
    pub(super) fn is_spent(&mut self) -> io::Result<bool> {
        Ok(self.source.fill_buf()?.is_empty())
    }

    /// What is unpacked, as far as it was not taken yet.
    pub(super) fn source(&self) -> &R {
        &self.source
    }

    /// What follows what has been unpacked so far.
    pub(super) fn into_source(self) -> R {
        self.source
    }
}

impl<R: BufRead> Read for Unpacking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.deflated {
            None => self.source.read(buffer),
            Some(deflated) => deflated.read(&mut self.source, buffer),
        }
    }
}

impl Deflated {
    /// Data end where they say that they do, and not merely where there are no more of them.
    fn read(&mut self, source: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.has_ended {
            let packed = source.fill_buf()?;
            let (seen, given) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(packed, buffer, FlushDecompress::None)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its bytes cannot be unpacked"))?;
            let is_last = packed.is_empty();
            let used = usize::try_from(self.state.total_in() - seen).unwrap_or(usize::MAX);
            source.consume(used);
            self.has_ended = status == Status::StreamEnd;
            match usize::try_from(self.state.total_out() - given).unwrap_or(usize::MAX) {
                0 if is_last && !self.has_ended => {
                    let why = "its bytes end before they are unpacked";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
                }
                0 => {}
                unpacked => return Ok(unpacked),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn unpack(bytes: &[u8], packing: Packing) -> io::Result<(Vec<u8>, bool)> {
        let mut unpacking = Unpacking::new(bytes, packing);
        let mut unpacked = Vec::new();
        unpacking.read_to_end(&mut unpacked)?;
        let is_spent = unpacking.is_spent()?;
        Ok((unpacked, is_spent))
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    }

    #[test]
    fn what_was_packed_comes_out() {
        let large: Vec<u8> = (0..75_000_u32)
            .flat_map(|number| (number * 7_919).to_le_bytes())
            .collect();
        for bytes in [&b""[..], b"abc", &large, &vec![0; 1_000_000]] {
            let stored = unpack(bytes, Packing::Stored).expect("stored");
            assert_eq!(stored, (bytes.to_vec(), true));
            let deflated = unpack(&deflate(bytes), Packing::Deflated).expect("deflated");
            assert_eq!(deflated, (bytes.to_vec(), true));
        }
    }

    #[test]
    fn deflated_bytes_end_where_they_say() {
        let packed = deflate(b"some bytes, some more bytes");
        for length in 0..packed.len() {
            assert!(
                unpack(&packed[..length], Packing::Deflated).is_err(),
                "cut to {length}"
            );
        }
        let followed = [packed.as_slice(), b"!"].concat();
        let (unpacked, is_spent) = unpack(&followed, Packing::Deflated).expect("unpacked");
        assert_eq!(
            (unpacked.as_slice(), is_spent),
            (&b"some bytes, some more bytes"[..], false)
        );
        assert!(unpack(b"\xff\xff\xff", Packing::Deflated).is_err());
    }
}
