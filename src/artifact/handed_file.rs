//! A file whose bytes are handed to a thread that writes them.
//!
//! Whoever has the bytes of a large file goes on with what comes next while these are hashed and written. And while a
//! device is out of service for an export, a store that hangs must not hold whoever will put it back: then the disk is
//! waited for no longer than a limit.

use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::artifact::error::StoreError;
use crate::artifact::stage::{BESIDE_FROM, Staged};
use crate::threads::Starter;
use crate::values::duration::HumanDuration;

/// Bytes that are handed over at a time: each time wakes the writer, and what it writes at once costs less.
const PIECE: usize = 64 << 10;
/// How many pieces there are at most: those on their way to the disk, and the one that is filled.
const MOST_PIECES: usize = 3;

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
    Here {
        staged: Box<Staged>,
        /// Who starts a thread for it once it is large, if that has not been tried.
        starter: Option<Starter>,
        /// So many bytes so far.
        given: u64,
    },
    Away(WriterThread),
}

/// The thread that writes a file, for whoever has its bytes.
#[derive(Debug)]
struct WriterThread {
    to_writer: Sender<ToWriter>,
    from_writer: Receiver<FromWriter>,
    /// How long each of its steps is waited for; `None`: as long as it takes.
    limit: Option<Duration>,
    /// What is to be written and is not handed over yet.
    filling: Vec<u8>,
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
    /// One that is written by whoever gives the bytes; and once it is large by a thread, where one can be had. Its disk
    /// is waited for as long as it takes.
    pub fn here(staged: Staged, path: &Path, starter: Starter) -> HandedFile {
        HandedFile {
            path: path.to_owned(),
            way: FileWay::Here {
                staged: Box::new(staged),
                starter: Some(starter),
                given: 0,
            },
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
        let Some(writer) = WriterThread::start(starter, Some(limit)) else {
            return Ok(HandedFile {
                path: path.to_owned(),
                way: FileWay::Here {
                    staged: Box::new(make()?),
                    starter: None,
                    given: 0,
                },
                trouble: None,
            });
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
            Err(error) => Err(StoreError::new("create", path, writer.silent(error))),
        }
    }

    /// Why it could not be written, if it could not.
    pub fn trouble(&self) -> Option<&StoreError> {
        match &self.way {
            FileWay::Here { staged, .. } => staged.trouble().or(self.trouble.as_ref()),
            FileWay::Away(_) => self.trouble.as_ref(),
        }
    }

    /// The file with all that was given.
    pub fn back(self) -> Result<Staged, StoreError> {
        match self.way {
            FileWay::Here { staged, .. } => Ok(*staged),
            FileWay::Away(writer) => writer.back(&self.path),
        }
    }

    /// Hands it to a thread once it is large.
    fn hand_over_what_is_large(&mut self, bytes: usize) {
        let FileWay::Here { starter, given, .. } = &mut self.way else {
            return;
        };
        *given += bytes as u64;
        if *given < BESIDE_FROM {
            return;
        }
        let Some(writer) = starter
            .take()
            .and_then(|starter| WriterThread::start(starter, None))
        else {
            return;
        };
        let to_writer = writer.to_writer.clone();
        if let FileWay::Here { staged, .. } = mem::replace(&mut self.way, FileWay::Away(writer)) {
            // A writer that is gone is met with the next piece.
            let _ = to_writer.send(ToWriter::Make(Box::new(move || Ok(*staged))));
        }
    }
}

impl Write for HandedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hand_over_what_is_large(bytes.len());
        let given = match &mut self.way {
            FileWay::Here { staged, .. } => return staged.write(bytes),
            FileWay::Away(writer) => writer.give(bytes),
        };
        self.noted(given).map(|()| bytes.len())
    }

    /// What was given is on its way; whether it arrives is told by [`back`](HandedFile::back).
    fn flush(&mut self) -> io::Result<()> {
        let given = match &mut self.way {
            FileWay::Here { staged, .. } => return staged.flush(),
            FileWay::Away(writer) => writer.hand_over(),
        };
        self.noted(given)
    }
}

impl HandedFile {
    /// What came of giving it to the writer, noted where it is trouble.
    fn noted(&mut self, given: Result<(), NotGiven>) -> io::Result<()> {
        let FileWay::Away(writer) = &self.way else {
            return Ok(());
        };
        given.map_err(|why| match why {
            NotGiven::Silent(error) => {
                let source = writer.silent(error);
                self.trouble = Some(StoreError::noted("write", &self.path, &source));
                source
            }
            NotGiven::Failed(error) => {
                let source = StoreError::noted(error.action, &error.path, &error.source).source;
                self.trouble = Some(error);
                source
            }
        })
    }
}

/// Why a piece could not be given.
enum NotGiven {
    Silent(RecvTimeoutError),
    Failed(StoreError),
}

impl WriterThread {
    /// Starts the thread, which has no file yet. `None` where none can be had.
    fn start(starter: Starter, limit: Option<Duration>) -> Option<WriterThread> {
        let (to_writer, pieces) = mpsc::channel();
        let (told, from_writer) = mpsc::channel();
        starter("the writer", Box::new(move || write(&pieces, &told))).ok()?;
        Some(WriterThread {
            to_writer,
            from_writer,
            limit,
            filling: Vec::with_capacity(PIECE),
            empty: Vec::new(),
            pieces: 1,
        })
    }

    /// What the thread tells next.
    fn answer(&self) -> Result<FromWriter, RecvTimeoutError> {
        match self.limit {
            Some(limit) => self.from_writer.recv_timeout(limit),
            None => Ok(self.from_writer.recv()?),
        }
    }

    /// Takes these bytes, and hands over what was there before them where they do not fit in beside it.
    fn give(&mut self, bytes: &[u8]) -> Result<(), NotGiven> {
        if self.filling.len() + bytes.len() > PIECE {
            self.hand_over()?;
        }
        self.filling.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands over what is there.
    fn hand_over(&mut self) -> Result<(), NotGiven> {
        if self.filling.is_empty() {
            return Ok(());
        }
        let next = self.empty_piece()?;
        let piece = mem::replace(&mut self.filling, next);
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
            Vec::with_capacity(PIECE)
        }))
    }

    /// The file with all that was given, which will stand at `path`.
    fn back(mut self, path: &Path) -> Result<Staged, StoreError> {
        // Of a writer that is gone nothing comes back.
        let _ = self.to_writer.send(ToWriter::Piece(mem::take(&mut self.filling)));
        let _ = self.to_writer.send(ToWriter::GiveBack);
        loop {
            match self.answer() {
                Ok(FromWriter::Made | FromWriter::Written(_)) => {}
                Ok(FromWriter::Failed(error)) => return Err(error),
                Ok(FromWriter::Back(staged)) => return Ok(*staged),
                Err(error) => return Err(StoreError::new("write", path, self.silent(error))),
            }
        }
    }

    /// Why it has told nothing.
    fn silent(&self, error: RecvTimeoutError) -> io::Error {
        match (error, self.limit) {
            (RecvTimeoutError::Timeout, Some(limit)) => io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "its disk did not answer within {}: is the file system frozen, or its server gone?",
                    HumanDuration(limit)
                ),
            ),
            (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected, _) => {
                io::Error::other("its writer broke off")
            }
        }
    }
}

impl Drop for WriterThread {
    /// What it still has is removed; where nothing waits for this program, that is waited for.
    fn drop(&mut self) {
        if self.limit.is_none() && self.to_writer.send(ToWriter::GiveUp).is_ok() {
            while self.from_writer.recv().is_ok() {}
        }
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
        (0..5_000_000_u32).map(|byte| (byte % 251) as u8).collect()
    }

    /// One that stands in this store, `away` from its beginning or only once it is large.
    fn begun(store: &Path, starter: Starter, away: bool) -> HandedFile {
        let path = store.join("a/b.zip");
        let (folder, place) = (store.to_owned(), path.clone());
        let make = move || Staged::create(&folder, &place);
        match away {
            true => HandedFile::away(starter, LONG, &path, make).expect("a file"),
            false => HandedFile::here(make().expect("a file"), &path, starter),
        }
    }

    #[test]
    fn what_is_handed_over_is_in_the_file_whoever_writes_it() {
        for (starter, away) in [
            (start as Starter, true),
            (none_left, true),
            (start, false),
            (none_left, false),
        ] {
            for piece in [10_000, PIECE, 3 * PIECE] {
                let store = tempfile::tempdir().expect("a folder");
                let mut file = begun(store.path(), starter, away);
                for piece in bytes().chunks(piece) {
                    file.write_all(piece).expect("written");
                }
                file.flush().expect("flushed");
                file.write_all(b"the end").expect("written");
                let by_thread = matches!(file.way, FileWay::Away(_));
                assert_eq!(by_thread, starter("is there one?", Box::new(|| {})).is_ok());
                let sealed = file.back().expect("the file").finish().expect("sealed");
                let path = sealed.publish().expect("published");
                assert_eq!(
                    fs::read(&path).expect("the file"),
                    [bytes(), b"the end".to_vec()].concat()
                );
            }
        }
    }

    #[test]
    fn a_small_file_needs_no_thread() {
        let store = tempfile::tempdir().expect("a folder");
        let mut file = begun(store.path(), start, false);
        file.write_all(&bytes()[1..BESIDE_FROM as usize])
            .expect("written");
        assert!(matches!(file.way, FileWay::Here { .. }));
        file.write_all(b"!").expect("written");
        assert!(matches!(file.way, FileWay::Away(_)));
    }

    #[test]
    fn a_large_file_that_is_given_up_while_a_thread_writes_it_is_gone_by_then() {
        let store = tempfile::tempdir().expect("a folder");
        let mut file = begun(store.path(), start, false);
        file.write_all(&bytes()).expect("written");
        file.write_all(&bytes()).expect("written");
        let folder = store.path().join("a");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
        drop(file);
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
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
        let failed = (0..10_000).find_map(|_| file.write_all(&[7; 1000]).err());
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
                limit: Some(moment),
                filling: Vec::new(),
                empty: Vec::new(),
                pieces: 1,
            }),
            trouble: None,
        };
        let failed = (0..=MOST_PIECES).find_map(|_| file.write_all(&bytes()[..PIECE]).err());
        assert_eq!(failed.expect("it hangs").kind(), io::ErrorKind::TimedOut);
        assert!(file.trouble().is_some());
        assert!(file.back().is_err());
    }
}
