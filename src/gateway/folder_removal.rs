//! The removal of the folder of a secure backup, until the device does not have it any more, nor makes it again.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::asked::is_not_begun;
use crate::gateway::folder::{Listing, MANIFEST, RemoteFile, RemoteFolder};
use crate::gateway::pace::until_next_look;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::{self, Request};
use crate::values::duration::HumanDuration;

/// A location that is listed with nothing in it is believed when it is listed so again, so much later: what an
/// account may not see, or a device that is just starting has not read yet, is not gone.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_secs(3);

/// So long the files of a folder are removed one after another; what is left then is left to a later start.
const REMOVED_WITHIN: Duration = Duration::from_secs(600);

/// Why it is not so that a request has removed what it should, in the words of whoever said that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The device refused it, or does not know it.
    Refused(String),
    /// It was not carried out: the login was refused, or it was not sent.
    NotDone(String),
    /// It was answered, and not by a word that tells what came of it.
    Answered(String),
    /// It got no answer.
    Unanswered(String),
}

impl NotTaken {
    fn of(error: &SomaError) -> Self {
        let words = error.message.clone();
        match error.kind {
            SomaErrorKind::OtherFault
            | SomaErrorKind::Unavailable
            | SomaErrorKind::NotManagement
            | SomaErrorKind::Malformed => Self::Answered(words),
            _ if error.is_refusal() => Self::Refused(words),
            _ if is_not_begun(error) => Self::NotDone(words),
            _ => Self::Unanswered(words),
        }
    }
}

/// What is known of the request for a secure backup whose folder is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupAsked {
    /// It was answered in words or by an error, or what it makes was seen, or it was given up so long ago that it is
    /// not expected any more: it may begin for so long from now on.
    Answered {
        /// Zero where it had its time.
        begins_within: Duration,
    },
    /// The device has taken it, and nothing of it was seen: it may begin for so long from now on, and one that puts
    /// it off may begin later.
    Taken {
        /// Zero where it is not waited for.
        begins_within: Duration,
    },
    /// It got no answer: it may arrive for so long from now on, and nobody can be certain that it does not
    /// arrive later.
    Unanswered {
        /// Zero where it had its time.
        arrives_within: Duration,
    },
    /// What it has made was seen by whoever asks now: that it is not listed any more is no proof that it is gone.
    Seen,
}

impl BackupAsked {
    /// How long from now on what it makes may begin to show.
    pub fn settles_within(self) -> Duration {
        match self {
            Self::Answered { begins_within } | Self::Taken { begins_within } => begins_within,
            Self::Unanswered { arrives_within } => arrives_within,
            Self::Seen => Duration::ZERO,
        }
    }
}

/// How the removal of a folder ended, as far as the device shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderRemoved {
    /// The device did not have it at any look.
    NotThere,
    /// The device does not have it any more.
    Gone,
    /// Its files are gone. The empty folder stays, though the device took the request to remove it: not every firmware
    /// removes one (soma-wire section 3.6).
    Emptied,
    /// Its files are gone. The empty folder was still listed after the request to remove it, of which no more is known.
    EmptiedAtLeast(NotTaken),
    /// What it held is gone. That was not all of a secure backup whose end nobody has seen: more may come.
    InPart,
}

/// A folder that could not be removed, or of which that is not known.
#[derive(Debug)]
pub struct FolderNotRemoved {
    /// Whether the device listed it after it was asked to remove it.
    pub is_listed: bool,
    pub error: SomaError,
}

impl From<SomaError> for FolderNotRemoved {
    /// What was not looked at is not listed.
    fn from(error: SomaError) -> Self {
        Self {
            is_listed: false,
            error,
        }
    }
}

impl FolderRemoved {
    /// In words.
    pub fn how(&self) -> &'static str {
        match self {
            FolderRemoved::NotThere => {
                "looked for, and the device does not have it any more, or never had it"
            }
            FolderRemoved::Gone => "removed and confirmed",
            FolderRemoved::Emptied | FolderRemoved::EmptiedAtLeast(NotTaken::Refused(_)) => {
                "emptied and confirmed; the device keeps the empty folder"
            }
            FolderRemoved::EmptiedAtLeast(NotTaken::NotDone(_)) => {
                "emptied and confirmed; the request to remove the empty folder was not carried out"
            }
            FolderRemoved::EmptiedAtLeast(NotTaken::Answered(_) | NotTaken::Unanswered(_)) => {
                "emptied and confirmed; whether the device removed the empty folder is not known"
            }
            FolderRemoved::InPart => "what was there of it is removed",
        }
    }
}

/// The requests that take a folder away, one after another, until its time is over.
struct Removing<'run, 'gateway> {
    gateway: &'run Gateway<'gateway>,
    folder: &'run RemoteFolder,
    begun: Duration,
    /// What the device refused last, or else what first got no answer.
    refusal: Option<SomaError>,
    /// So many are gone by its word.
    taken: usize,
}

impl Removing<'_, '_> {
    fn take_away(&mut self, removal: &Request) -> std::result::Result<(), NotTaken> {
        let gateway = self.gateway;
        if gateway.clock.elapsed().saturating_sub(self.begun) >= REMOVED_WITHIN {
            let late = too_slow(self.folder);
            let not_taken = NotTaken::of(&late);
            self.refusal.get_or_insert(late);
            return Err(not_taken);
        }
        match gateway.act(removal, gateway.timeouts().of_request()) {
            Ok(()) => {
                self.taken += 1;
                Ok(())
            }
            Err(error) if says_it_is_gone(&error) => {
                self.taken += 1;
                Ok(())
            }
            // What got no answer may have been carried out: what the device refuses says more.
            Err(error) => {
                let not_taken = NotTaken::of(&error);
                if self.refusal.is_none() || is_refused(&error) {
                    self.refusal = Some(error);
                }
                Err(not_taken)
            }
        }
    }
}

/// What is known of a removal when the device is asked what is left.
struct Removal {
    asked: BackupAsked,
    was_listed: bool,
    held_files: bool,
    /// All of a secure backup was there.
    is_all: bool,
    /// It held files, and each is gone by the device's word.
    all_deleted: bool,
    directory: std::result::Result<(), NotTaken>,
    taken: usize,
}

impl Removal {
    /// What the list shows now, beside what the device has `refusal` for.
    fn judge(
        &self,
        folder: &RemoteFolder,
        left: Listing,
        refusal: Option<SomaError>,
    ) -> std::result::Result<FolderRemoved, FolderNotRemoved> {
        let gone = match self.asked {
            BackupAsked::Taken { .. } | BackupAsked::Unanswered { .. } if !self.is_all => {
                FolderRemoved::InPart
            }
            _ => FolderRemoved::Gone,
        };
        match (left, refusal) {
            (Listing::WithoutIt | Listing::Nothing, refusal) if !self.was_listed => {
                match (self.asked, refusal) {
                    (BackupAsked::Seen, Some(refusal)) => Err(vanished(folder, refusal).into()),
                    (BackupAsked::Seen, None) => Ok(FolderRemoved::Gone),
                    (
                        BackupAsked::Answered { .. }
                        | BackupAsked::Taken { .. }
                        | BackupAsked::Unanswered { .. },
                        _,
                    ) => Ok(FolderRemoved::NotThere),
                }
            }
            // By the device's own word nothing of it is left.
            (Listing::WithoutIt | Listing::Nothing, _) if self.directory.is_ok() || self.all_deleted => {
                Ok(gone)
            }
            // What vanishes from the list though nothing of it was removed may be hidden, and so may all that is
            // there where something of it was not.
            (Listing::Nothing, Some(refusal)) if is_refused(&refusal) => Err(hidden(folder, refusal).into()),
            (Listing::WithoutIt, Some(refusal)) if self.taken == 0 => Err(hidden(folder, refusal).into()),
            (Listing::Files(left), Some(refusal))
                if left.is_empty() && self.held_files && self.taken == 0 =>
            {
                Err(hidden(folder, refusal).into())
            }
            (Listing::WithoutIt | Listing::Nothing, _) => Ok(gone),
            (Listing::Files(left), _) if left.is_empty() => Ok(match (gone, &self.directory) {
                (FolderRemoved::InPart, _) => FolderRemoved::InPart,
                (_, Ok(())) => FolderRemoved::Emptied,
                (_, Err(not_taken)) => FolderRemoved::EmptiedAtLeast(not_taken.clone()),
            }),
            (Listing::Files(left), refusal) => {
                let error = refusal.unwrap_or_else(|| {
                    SomaError::new(
                        SomaErrorKind::Refused,
                        format!("{} is still there with {} files", folder.url(), left.len()),
                    )
                });
                Err(FolderNotRemoved {
                    is_listed: true,
                    error,
                })
            }
        }
    }
}

impl Gateway<'_> {
    /// Removes a folder of ours from `temporary:`: file by file, for not every firmware
    /// removes one that holds files (soma-wire section 3.6). Succeeds when the device,
    /// asked at the end, does not have it, or nothing in it; that it never was there is believed where something
    /// is listed beside it, or nothing at two times. One that is not listed is removed all the same, for a list may
    /// hide it, and looked for once more.
    ///
    /// A device that still makes a secure backup would fill the folder again: it is given
    /// `patience` to end, and then left alone. One that was asked for a secure backup and
    /// shows nothing of it may still begin: it is believed when that had its time.
    ///
    /// `seen` hears that all of a secure backup was there, before anything of it is removed.
    pub fn remove(
        &self,
        folder: &RemoteFolder,
        patience: Duration,
        asked: BackupAsked,
        told: &mut dyn FnMut(Duration),
        seen: &mut dyn FnMut(),
    ) -> std::result::Result<FolderRemoved, FolderNotRemoved> {
        let (files, was_listed) = match self.until_quiet(folder, patience, asked, told)? {
            Some(files) => (files, true),
            None => (Vec::new(), false),
        };
        let is_all = files.iter().any(|file| file.name == MANIFEST);
        if is_all {
            seen();
        }
        let mut removing = Removing {
            gateway: self,
            folder,
            begun: self.clock.elapsed(),
            refusal: None,
            taken: 0,
        };
        let mut all_deleted = !files.is_empty();
        for file in &files {
            let removal = request::delete_file(&folder.file_url(&file.name));
            all_deleted &= removing.take_away(&removal).is_ok();
        }
        let directory = removing.take_away(&request::remove_dir(folder.url()));
        let Removing { refusal, taken, .. } = removing;
        if !was_listed && refusal.is_some() {
            self.clock.sleep(LOOKS_AGAIN_AFTER, &self.stop);
        }
        let left = match self.listing(folder)? {
            Listing::Nothing if was_listed && refusal.as_ref().is_some_and(|error| !is_refused(error)) => {
                self.clock.sleep(LOOKS_AGAIN_AFTER, &self.stop);
                self.listing(folder)?
            }
            left => left,
        };
        let removal = Removal {
            asked,
            was_listed,
            held_files: !files.is_empty(),
            is_all,
            all_deleted,
            directory,
            taken,
        };
        removal.judge(folder, left, refusal)
    }

    /// What a folder of ours holds when the device does not write to it any more; `None` where it is not listed, and
    /// what makes it had the time that it is given.
    fn until_quiet(
        &self,
        folder: &RemoteFolder,
        patience: Duration,
        asked: BackupAsked,
        told: &mut dyn FnMut(Duration),
    ) -> Result<Option<Vec<RemoteFile>>> {
        let started = self.clock.elapsed();
        let settle = asked.settles_within();
        let mut nothing_since = None;
        loop {
            let busy = self.makes_secure_backup()?;
            let listing = if busy { None } else { Some(self.listing(folder)?) };
            let waited = self.clock.elapsed().saturating_sub(started);
            let believed_at = match listing {
                Some(Listing::Nothing) => *nothing_since.get_or_insert(waited) + LOOKS_AGAIN_AFTER,
                _ => Duration::ZERO,
            };
            let left = match listing {
                Some(Listing::Files(files)) => return Ok(Some(files)),
                Some(Listing::WithoutIt | Listing::Nothing) => settle.max(believed_at).saturating_sub(waited),
                None if waited >= patience => {
                    return Err(SomaError::new(
                        SomaErrorKind::Refused,
                        "the device is still making a secure backup, and would fill it again",
                    ));
                }
                None => patience - waited,
            };
            if left.is_zero() {
                return Ok(None);
            }
            told(waited);
            self.clock.sleep(until_next_look(waited).min(left), &self.stop);
        }
    }
}

/// Whether by this what was asked for is refused, by whatever word.
fn is_refused(error: &SomaError) -> bool {
    error.is_refusal() || error.kind.is_of_login()
}

/// Whether a device says by this that what was to be removed is removed, or not there.
fn says_it_is_gone(error: &SomaError) -> bool {
    let said = error.message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    error.kind == SomaErrorKind::Refused
        && has(&[
            "not found",
            "does not exist",
            "no such",
            "success",
            "deleted",
            "removed",
        ])
        && !has(&[
            "unsuccess",
            "without success",
            "not deleted",
            "not removed",
            "be deleted",
            "be removed",
        ])
}

/// A folder of which the device has not removed all in its time: it is asked for nothing more.
fn too_slow(folder: &RemoteFolder) -> SomaError {
    let limit = HumanDuration(REMOVED_WITHIN);
    let message = format!("not all of {} was removed within {limit}", folder.url());
    SomaError {
        nothing_sent: true,
        ..SomaError::new(SomaErrorKind::TimedOut, message)
    }
}

/// A folder that was seen, and is not listed any more, though nobody has removed it.
fn vanished(folder: &RemoteFolder, refusal: SomaError) -> SomaError {
    let message = format!(
        "{} was seen there and is not listed any more, though nobody has removed it: {}",
        folder.url(),
        refusal.message
    );
    SomaError { message, ..refusal }
}

/// A folder of which something was not removed, and which is not listed any more all the same.
fn hidden(folder: &RemoteFolder, refusal: SomaError) -> SomaError {
    let message = format!(
        "{} is not listed any more, though the device refused to remove it, or something of it: {}",
        folder.url(),
        refusal.message
    );
    SomaError { message, ..refusal }
}
