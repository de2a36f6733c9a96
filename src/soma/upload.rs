//! A request that carries an archive: it becomes base64 while it is sent, whatever its size.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of the archive at a time: a multiple of three, so that no padding comes between.
const BLOCK: usize = 48 << 10;

/// An envelope around an archive.
#[derive(Debug)]
pub struct Upload<'a> {
    /// What it does, for messages.
    pub name: String,
    /// What stands before the archive.
    pub(super) head: String,
    /// What stands behind it.
    pub(super) tail: String,
    archive: &'a File,
    size: u64,
}

impl<'a> Upload<'a> {
    /// An envelope of these halves. The archive is as long as it is now, or the request fails.
    pub(super) fn new(name: String, head: String, tail: String, archive: &'a File) -> io::Result<Self> {
        let size = archive.metadata()?.len();
        Ok(Self {
            name,
            head,
            tail,
            archive,
            size,
        })
    }

    /// Bytes of the whole request.
    pub(crate) fn length(&self) -> u64 {
        let encoded = self.size.div_ceil(3) * 4;
        self.head.len() as u64 + encoded + self.tail.len() as u64
    }

    /// The request, to be read once.
    pub(crate) fn body(&self) -> UploadBody<'_> {
        UploadBody {
            upload: self,
            part: UploadPart::Head,
            ready: self.head.clone().into_bytes(),
            given: 0,
            offset: 0,
            raw: vec![0; BLOCK],
            failure: None,
        }
    }
}

/// Which part of a request is being given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UploadPart {
    Head,
    Archive,
    Tail,
}

/// The bytes of a request, one block of the archive after another.
pub(crate) struct UploadBody<'u> {
    upload: &'u Upload<'u>,
    part: UploadPart,
    /// What is given now, and how much of it was.
    ready: Vec<u8>,
    given: usize,
    /// How much of the archive was read.
    offset: u64,
    raw: Vec<u8>,
    failure: Option<io::Error>,
}

impl UploadBody<'_> {
    /// Why the archive could not be read, if so: that is no fault of the connection.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Makes the next bytes ready; none at the end.
    fn advance(&mut self) -> io::Result<()> {
        self.given = 0;
        self.ready.clear();
        let left = self.upload.size.saturating_sub(self.offset);
        match self.part {
            UploadPart::Head | UploadPart::Archive if left > 0 => {
                self.part = UploadPart::Archive;
                let amount = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
                let block = self.raw.get_mut(..amount).unwrap_or_default();
                self.upload.archive.read_exact_at(block, self.offset)?;
                self.offset += amount as u64;
                self.ready = STANDARD.encode(block).into_bytes();
            }
            UploadPart::Head | UploadPart::Archive => {
                self.part = UploadPart::Tail;
                self.ready.extend_from_slice(self.upload.tail.as_bytes());
            }
            UploadPart::Tail => {}
        }
        Ok(())
    }
}

impl Read for UploadBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len()
            && let Err(error) = self.advance()
        {
            let told = io::Error::new(error.kind(), error.to_string());
            self.failure = Some(error);
            return Err(told);
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let amount = rest.len().min(buffer.len());
        if let (Some(from), Some(to)) = (rest.get(..amount), buffer.get_mut(..amount)) {
            to.copy_from_slice(from);
        }
        self.given += amount;
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("its bytes");
        file
    }

    fn upload(archive: &File) -> Upload<'_> {
        Upload::new("a test".to_owned(), "<a>".to_owned(), "</a>".to_owned(), archive).expect("an upload")
    }

    proptest! {
        #[test]
        fn what_is_sent_is_the_base64_of_the_archive_as_long_as_was_said(
            bytes in proptest::collection::vec(any::<u8>(), 0..400), step in 1_usize..70,
        ) {
            let archive = file(&bytes);
            let upload = upload(&archive);
            let (mut body, mut sent) = (upload.body(), Vec::new());
            let mut piece = vec![0; step];
            loop {
                let amount = body.read(&mut piece)?;
                if amount == 0 {
                    break;
                }
                sent.extend_from_slice(&piece[..amount]);
            }
            prop_assert_eq!(sent.len() as u64, upload.length());
            let text = String::from_utf8(sent)?;
            let inner = text.strip_prefix("<a>").and_then(|text| text.strip_suffix("</a>"));
            let inner = inner.ok_or("an envelope").map_err(proptest::test_runner::TestCaseError::fail)?;
            prop_assert_eq!(STANDARD.decode(inner)?, bytes);
        }

        #[test]
        fn no_more_of_it_is_in_memory_than_a_block(blocks in 1_usize..4, more in 0_usize..5) {
            let bytes = vec![7; blocks * BLOCK + more];
            let archive = file(&bytes);
            let upload = upload(&archive);
            let (mut body, mut piece, mut total) = (upload.body(), [0; 8192], 0);
            loop {
                let amount = body.read(&mut piece)?;
                if amount == 0 {
                    break;
                }
                total += amount as u64;
                prop_assert!(body.ready.capacity() <= BLOCK / 3 * 4 + 16, "{}", body.ready.capacity());
            }
            prop_assert_eq!(total, upload.length());
        }
    }

    #[test]
    fn an_archive_that_becomes_shorter_on_the_way_fails_and_is_no_fault_of_the_connection() {
        let archive = file(&[7; 100]);
        let upload = upload(&archive);
        archive.set_len(50).expect("a shorter file");
        let mut body = upload.body();
        assert!(body.read_to_end(&mut Vec::new()).is_err());
        let failure = body.failure().expect("a failure");
        assert_eq!(failure.kind(), io::ErrorKind::UnexpectedEof);
    }
}
