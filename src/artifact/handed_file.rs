//! A file whose bytes are handed to a thread that writes them: whoever has them waits for no disk longer than a limit.
//!
//! While a device is out of service for an export, a store that hangs must not hold whoever will put it back.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::artifact::error::StoreError;
use crate::artifact::stage::Staged;
use crate::threads::Starter;
use crate::values::duration::HumanDuration;

/// How many pieces are on their way to the disk at most. Each is what one read of an answer gave: some kilobytes.
const MOST_PIECES: usize = 64;

/// Makes the file.
type Maker = Box<dyn FnOnce() -> Result<Staged, StoreError> + Send>;

/// A file being written, here or by a thread. Dropped before it is [taken back](Self::back), it is removed by whoever
/// has it.
#[derive(Debug)]
pub struct HandedFile {
    path: PathBuf,
    way: FileWay,
    trouble: Option<StoreError>,
}

#[derive(Debug)]
enum FileWay {
    Here(Box<Staged>),
    Away(WriterThread),
}

/// The thread that writes a file, for whoever has its bytes.
#[derive(Debug)]
struct WriterThread {
    to_writer: Sender<ToWriter>,
    from_writer: Receiver<FromWriter>,
    limit: Duration,
    /// It was waited for so long, and told nothing.
    is_silent: bool,
    /// Pieces that have been written.
    empty: Vec<Vec<u8>>,
    /// How many pieces there are.
    pieces: usize,
}

enum ToWriter {
    Make(Maker),
    Piece(Vec<u8>),
    GiveBack,
    GiveUp,
}

enum FromWriter {
    Made,
    Written(Vec<u8>),
    Failed(StoreError),
    Back(Box<Staged>),
}

impl HandedFile {
    /// One that is written by whoever gives the bytes.
    pub fn here(staged: Staged, path: &Path) -> HandedFile {
        HandedFile {
            path: path.to_owned(),
            way: FileWay::Here(Box::new(staged)),
            trouble: None,
        }
    }

    /// One that a thread makes and writes, and that will stand at `path`: each step of that is waited for no longer
    /// than `limit`. Where no thread can be had it is made and written here.
    pub fn away(
        starter: Starter,
        limit: Duration,
        path: &Path,
        make: impl FnOnce() -> Result<Staged, StoreError> + Send + 'static,
    ) -> Result<HandedFile, StoreError> {
        let (to_writer, pieces) = mpsc::channel();
        let (told, from_writer) = mpsc::channel();
        let work = Box::new(move || write(&pieces, &told));
        if starter("the writer", work).is_err() {
            return Ok(HandedFile::here(make()?, path));
        }
        let mut writer = WriterThread {
            to_writer,
            from_writer,
            limit,
            is_silent: false,
            empty: Vec::new(),
            pieces: 0,
        };
        // Without its thread nothing comes back, which is met below.
        let _ = writer.to_writer.send(ToWriter::Make(Box::new(make)));
        match writer.answer() {
            Ok(FromWriter::Failed(error)) => Err(error),
            Ok(FromWriter::Made | FromWriter::Written(_) | FromWriter::Back(_)) => Ok(HandedFile {
                path: path.to_owned(),
                way: FileWay::Away(writer),
                trouble: None,
            }),
            Err(error) => Err(StoreError::new("create", path, silent(error, limit))),
        }
    }

    /// Why it could not be written, if it could not.
    pub fn trouble(&self) -> Option<&StoreError> {
        match &self.way {
            FileWay::Here(staged) => staged.trouble(),
            FileWay::Away(_) => self.trouble.as_ref(),
        }
    }

    /// The file with all that was given.
    pub fn back(self) -> Result<Staged, StoreError> {
        let mut writer = match self.way {
            FileWay::Here(staged) => return Ok(*staged),
            FileWay::Away(writer) => writer,
        };
        let _ = writer.to_writer.send(ToWriter::GiveBack);
        loop {
            match writer.answer() {
                Ok(FromWriter::Made | FromWriter::Written(_)) => {}
                Ok(FromWriter::Failed(error)) => return Err(error),
                Ok(FromWriter::Back(staged)) => return Ok(*staged),
                Err(error) => return Err(StoreError::new("write", &self.path, silent(error, writer.limit))),
            }
        }
    }
}

impl Write for HandedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (given, limit) = match &mut self.way {
            FileWay::Here(staged) => return staged.write(bytes),
            FileWay::Away(writer) => (writer.give(bytes), writer.limit),
        };
        match given {
            Ok(()) => Ok(bytes.len()),
            Err(NotGiven::Silent(error)) => {
                let source = silent(error, limit);
                self.trouble = Some(StoreError::noted("write", &self.path, &source));
                Err(source)
            }
            Err(NotGiven::Failed(error)) => {
                let source = StoreError::noted(error.action, &error.path, &error.source).source;
                self.trouble = Some(error);
                Err(source)
            }
        }
    }

    /// What was given is on its way; whether it arrives is told by [`back`](HandedFile::back).
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.way {
            FileWay::Here(staged) => staged.flush(),
            FileWay::Away(_) => Ok(()),
        }
    }
}

/// Why a piece could not be given.
enum NotGiven {
    Silent(RecvTimeoutError),
    Failed(StoreError),
}

impl WriterThread {
    /// What it tells next.
    fn answer(&mut self) -> Result<FromWriter, RecvTimeoutError> {
        let answer = self.from_writer.recv_timeout(self.limit);
        self.is_silent = answer.is_err();
        answer
    }

    fn give(&mut self, bytes: &[u8]) -> Result<(), NotGiven> {
        let mut piece = self.empty_piece()?;
        piece.extend_from_slice(bytes);
        // A writer that is gone has panicked.
        let gone = |_| NotGiven::Silent(RecvTimeoutError::Disconnected);
        self.to_writer.send(ToWriter::Piece(piece)).map_err(gone)
    }

    /// An empty piece: one that was written, where there are as many as there may be.
    fn empty_piece(&mut self) -> Result<Vec<u8>, NotGiven> {
        loop {
            let told = match self.from_writer.try_recv() {
                Ok(told) => told,
                Err(_) if !self.empty.is_empty() || self.pieces < MOST_PIECES => break,
                Err(_) => self.answer().map_err(NotGiven::Silent)?,
            };
            match told {
                FromWriter::Written(mut piece) => {
                    piece.clear();
                    self.empty.push(piece);
                }
                FromWriter::Failed(error) => return Err(NotGiven::Failed(error)),
                FromWriter::Made | FromWriter::Back(_) => {}
            }
        }
        Ok(self.empty.pop().unwrap_or_else(|| {
            self.pieces += 1;
            Vec::new()
        }))
    }
}

impl Drop for WriterThread {
    /// A file that it still has is removed, which is waited for, within the limit: this program may end soon.
    fn drop(&mut self) {
        if self.is_silent || self.to_writer.send(ToWriter::GiveUp).is_err() {
            return;
        }
        let begun = Instant::now();
        let left = || self.limit.saturating_sub(begun.elapsed());
        while self.from_writer.recv_timeout(left()).is_ok() {}
    }
}

fn silent(error: RecvTimeoutError, limit: Duration) -> io::Error {
    match error {
        RecvTimeoutError::Timeout => io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "its disk did not answer within {}: is the file system frozen, or its server gone?",
                HumanDuration(limit)
            ),
        ),
        RecvTimeoutError::Disconnected => io::Error::other("its writer broke off"),
    }
}

/// Writes what comes, until nobody has more, or wants the file back. What fails is told once.
fn write(pieces: &Receiver<ToWriter>, told: &Sender<FromWriter>) {
    let mut staged: Option<Box<Staged>> = None;
    for piece in pieces {
        // Nobody may be waiting any more: then it ends with the next piece, which does not come.
        let answer = match (piece, staged.as_mut()) {
            (ToWriter::Make(make), _) => match make() {
                Ok(made) => {
                    staged = Some(Box::new(made));
                    FromWriter::Made
                }
                Err(error) => FromWriter::Failed(error),
            },
            (ToWriter::GiveUp, _) => return,
            // What failed was told.
            (_, None) => continue,
            (ToWriter::Piece(piece), Some(file)) => match file.write_all(&piece) {
                Ok(()) => FromWriter::Written(piece),
                Err(error) => FromWriter::Failed(failed(staged.take().as_deref(), error)),
            },
            // What waits in it for more is written here too, where the disk is waited for.
            (ToWriter::GiveBack, Some(file)) => match (file.flush(), staged.take()) {
                (Ok(()), Some(file)) => FromWriter::Back(file),
                (Err(error), file) => FromWriter::Failed(failed(file.as_deref(), error)),
                (Ok(()), None) => continue,
            },
        };
        let _ = told.send(answer);
    }
}

/// Why a file could not be written, which knows that best.
fn failed(staged: Option<&Staged>, error: io::Error) -> StoreError {
    match staged.and_then(Staged::trouble) {
        Some(known) => StoreError::noted(known.action, &known.path, &known.source),
        None => StoreError::new("write", Path::new(""), error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::threads::{none_left, start};

    const LONG: Duration = Duration::from_secs(600);

    fn bytes() -> Vec<u8> {
        (0..3_000_000_u32).map(|byte| (byte % 251) as u8).collect()
    }

    #[test]
    fn what_is_handed_over_is_in_the_file_whoever_writes_it() {
        for starter in [start, none_left] {
            let store = tempfile::tempdir().expect("a folder");
            let path = store.path().join("a/b.zip");
            let (folder, place) = (store.path().to_owned(), path.clone());
            let make = move || Staged::create(&folder, &place);
            let mut file = HandedFile::away(starter, LONG, &path, make).expect("a file");
            for piece in bytes().chunks(10_000) {
                file.write_all(piece).expect("written");
            }
            file.flush().expect("flushed");
            let sealed = file.back().expect("the file").finish().expect("sealed");
            sealed.publish().expect("published");
            assert_eq!(fs::read(&path).expect("the file"), bytes());
        }
    }

    #[test]
    fn a_file_that_is_given_up_while_a_thread_writes_it_is_gone_by_then() {
        let store = tempfile::tempdir().expect("a folder");
        let (folder, path) = (store.path().to_owned(), store.path().join("b.zip"));
        let place = path.clone();
        let make = move || Staged::create(&folder, &place);
        let mut file = HandedFile::away(start, LONG, &path, make).expect("a file");
        file.write_all(&bytes()).expect("written");
        assert_eq!(fs::read_dir(store.path()).expect("a folder").count(), 1);
        drop(file);
        assert_eq!(fs::read_dir(store.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_made_or_grows_too_large_is_told_as_here() {
        let store = tempfile::tempdir().expect("a folder");
        let path = store.path().join("b.zip");
        let outside = HandedFile::away(start, LONG, &path, || {
            Staged::create(Path::new("/nowhere"), Path::new("/elsewhere"))
        });
        assert!(outside.is_err());
        let (folder, place) = (store.path().to_owned(), path.clone());
        let make = move || {
            let few = crate::artifact::space::Allowance {
                most: 5,
                ..crate::artifact::space::Allowance::unlimited()
            };
            Ok(Staged::create(&folder, &place)?.within(few))
        };
        let mut file = HandedFile::away(start, LONG, &path, make).expect("a file");
        // The writer tells it some pieces later.
        let failed = (0..10_000).find_map(|_| file.write_all(b"more").err());
        let kind = crate::artifact::error::StoreErrorKind::TooLarge;
        match failed {
            Some(_) => assert_eq!(file.trouble().expect("trouble").kind, kind),
            None => assert_eq!(file.back().expect_err("trouble").kind, kind),
        }
        assert_eq!(fs::read_dir(store.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_disk_that_hangs_is_waited_for_no_longer_than_the_limit() {
        let store = tempfile::tempdir().expect("a folder");
        let path = store.path().join("b.zip");
        let (release, held) = mpsc::channel::<()>();
        let (folder, place) = (store.path().to_owned(), path.clone());
        let stands = move || {
            let _ = held.recv();
            Staged::create(&folder, &place)
        };
        let moment = Duration::from_millis(1);
        let error = HandedFile::away(start, moment, &path, stands).expect_err("it hangs");
        assert!(
            error.source.to_string().contains("its disk did not answer"),
            "{error:?}"
        );
        drop(release);
        // Pieces that nobody takes, and a file that nobody gives back.
        let (to_writer, _pieces) = mpsc::channel();
        let (_told, from_writer) = mpsc::channel();
        let mut file = HandedFile {
            path,
            way: FileWay::Away(WriterThread {
                to_writer,
                from_writer,
                limit: moment,
                is_silent: false,
                empty: Vec::new(),
                pieces: 0,
            }),
            trouble: None,
        };
        let failed = (0..=MOST_PIECES).find_map(|_| file.write_all(b"more").err());
        assert_eq!(failed.expect("it hangs").kind(), io::ErrorKind::TimedOut);
        assert!(file.trouble().is_some());
        assert!(file.back().is_err());
    }
}
