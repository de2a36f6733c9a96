//! A part of a file, read as if it were a file of its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Files up to this size are read at once: an archive is looked at in a hundred small places.
const AT_ONCE: u64 = 128 << 10;

/// A range of a file. Windows of one file do not disturb each other: each has its own
/// position, and the file's is not used.
#[derive(Clone, Debug)]
pub(super) struct FileWindow<'f> {
    bytes: WindowBytes<'f>,
    start: u64,
    length: u64,
    position: u64,
}

/// Where the bytes of a window come from.
#[derive(Clone, Debug)]
enum WindowBytes<'f> {
    /// From the file, each time.
    File(&'f File),
    /// From what the whole of a small file was.
    Read(Arc<[u8]>),
}

impl<'f> FileWindow<'f> {
    /// The whole of a file.
    pub(super) fn whole(file: &'f File) -> io::Result<FileWindow<'f>> {
        let length = file.metadata()?.len();
        let mut window = FileWindow {
            bytes: WindowBytes::File(file),
            start: 0,
            length,
            position: 0,
        };
        if length <= AT_ONCE {
            let mut whole = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            window.read_to_end(&mut whole)?;
            // One that was cut short meanwhile is as long as what was read of it.
            window.length = whole.len() as u64;
            window.position = 0;
            window.bytes = WindowBytes::Read(whole.into());
        }
        Ok(window)
    }

    /// A part of this window, if it lies in it.
    pub(super) fn part(&self, start: u64, length: u64) -> Option<FileWindow<'f>> {
        let end = start.checked_add(length)?;
        let start = self.start.checked_add(start)?;
        (end <= self.length).then_some(FileWindow {
            bytes: self.bytes.clone(),
            start,
            length,
            position: 0,
        })
    }

    /// Where it begins in its file.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Bytes in all.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

impl Read for FileWindow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let (wanted, from) = (&mut buffer[..wanted], self.start + self.position);
        let read = match &self.bytes {
            WindowBytes::File(file) => file.read_at(wanted, from)?,
            WindowBytes::Read(whole) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                whole.get(from..).unwrap_or_default().read(wanted)?
            }
        };
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for FileWindow<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_window_shows_its_part_and_no_more() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"0123456789").expect("written");
        let whole = FileWindow::whole(&file).expect("a window");
        let mut part = whole.part(2, 5).expect("inside");
        let mut text = String::new();
        part.read_to_string(&mut text).expect("read");
        assert_eq!(text, "23456");
        part.seek(SeekFrom::End(-2)).expect("sought");
        text.clear();
        part.clone().read_to_string(&mut text).expect("read");
        assert_eq!(text, "56");
        assert_eq!(part.part(1, 2).expect("inside").length(), 2);
        part.seek(SeekFrom::Start(99)).expect("sought");
        assert_eq!(part.read(&mut [0; 4]).expect("read"), 0);
    }

    #[test]
    fn a_small_file_is_read_once_and_a_large_one_where_it_is_looked_at() {
        for (size, is_read_at_once) in [(AT_ONCE, true), (AT_ONCE + 1, false)] {
            let mut file = tempfile::tempfile().expect("a file");
            let size = usize::try_from(size).expect("a size");
            file.write_all(&vec![b'a'; size]).expect("written");
            let whole = FileWindow::whole(&file).expect("a window");
            file.write_all_at(b"bc", 10).expect("written");
            let mut text = String::new();
            let mut part = whole.part(9, 4).expect("inside");
            part.read_to_string(&mut text).expect("read");
            assert_eq!(text, if is_read_at_once { "aaaa" } else { "abca" });
            assert_eq!(whole.length(), size as u64);
        }
    }

    #[test]
    fn what_does_not_lie_inside_is_no_part() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"0123456789").expect("written");
        let whole = FileWindow::whole(&file).expect("a window");
        assert!(whole.part(8, 3).is_none());
        assert!(whole.part(u64::MAX, 3).is_none());
        assert!(whole.part(0, 10).is_some());
        let mut window = whole;
        assert!(window.seek(SeekFrom::Current(-1)).is_err());
    }
}
