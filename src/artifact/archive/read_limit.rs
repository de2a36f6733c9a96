//! A limit on how much is read at a time.

use std::io::{self, BufRead, Read};

/// The library buffers each tag and each text as a whole. This ends the input where one gets
/// too large.
pub(super) struct ReadLimited<R> {
    inner: R,
    limit: u64,
    left: u64,
}

/// One tag or text was larger than the limit.
#[derive(Debug, thiserror::Error)]
#[error("over the limit")]
struct OverLimit;

impl<R> ReadLimited<R> {
    pub(super) fn new(inner: R, limit: u64) -> ReadLimited<R> {
        ReadLimited {
            inner,
            limit,
            left: limit,
        }
    }

    /// Another tag or text begins.
    pub(super) fn refill(&mut self) {
        self.left = self.limit;
    }
}

impl<R: BufRead> BufRead for ReadLimited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let available = self.inner.fill_buf()?;
        if left == 0 && !available.is_empty() {
            return Err(io::Error::other(OverLimit));
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for ReadLimited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Whether reading ended at the limit.
pub(super) fn is_over_limit(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<OverLimit>())
        .is_some()
}
