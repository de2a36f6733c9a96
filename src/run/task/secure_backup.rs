//! Step 8 for a whole device: a secure backup, made on the device, and its folder there, which is removed again.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::gateway::asked::ActionAsked;
use crate::gateway::backup::{BackupBegins, SecureBackupEnd};
use crate::gateway::facts::BackupMode;
use crate::gateway::folder::{RemoteFile, RemoteFolder};
use crate::gateway::folder_removal::{BackupAsked, FolderRemoved, NotTaken};
use crate::gateway::quiesce::{at_work, named};
use crate::lock::not_yet::NotYet;
use crate::run::certificates;
use crate::run::event::{JournalId, Owner, Progress, TaskId, Undo, UndoStage};
use crate::run::failure::{Failure, Trouble, words};
use crate::run::ledger::{LedgerError, NEVER_ASKED, Reply, UndoStep};
use crate::run::status::Status;
use crate::run::task::{BackupFolder, DeviceState, FolderHolds, Made, Walk};
use crate::run::undo::{self, FolderSight, FolderStays, LeftFolder, waiting};
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::threads::{self, DISK_ANSWERS_WITHIN};
use crate::values::causes::said;
use crate::values::duration::HumanDuration;
use crate::values::random_digits::random_digits;
use crate::values::size::Bytes;

/// A secure backup that was not asked for, or that the device has ended.
const NOT_EXPECTED: BackupAsked = BackupAsked::Answered {
    begins_within: Duration::ZERO,
};

/// What was not answered with OK, and may have been begun all the same, is given so long to show that.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);

/// What is waited for.
const READY: &str = "the secure backup to be ready";

/// A secure backup that the device was asked for, and that is or may be under way.
struct AskedFor {
    /// What is known of the request.
    known: BackupAsked,
    /// By what it was seen to begin, where the answer does not tell.
    begins: Option<BackupBegins>,
    /// That answer.
    error: Option<SomaError>,
}

/// The files of a secure backup that has ended so, within this limit, of which the device first said this `error`; or why
/// there are none.
fn files_of(
    end: SecureBackupEnd,
    device: &str,
    error: Option<&SomaError>,
    limit: Duration,
) -> Result<Vec<RemoteFile>, Failure> {
    match end {
        SecureBackupEnd::Ready(files) => Ok(files),
        SecureBackupEnd::Interrupted { .. } => Err(Failure::interrupted("waiting for the secure backup")),
        SecureBackupEnd::GaveUp { .. } => {
            let why = match error {
                Some(error) => format!("{}, and nothing came of what it had begun", words(error)),
                None => "the device ended the secure backup without a manifest".to_owned(),
            };
            let why = format!("{device}: {why}: look into its system log");
            Err(Failure::new(Status::BackupFailed, why))
        }
        SecureBackupEnd::TimedOut { last, .. } => {
            let limit = HumanDuration(limit);
            let seen = last.map_or_else(|| "its manifest is not there".to_owned(), |error| words(&error));
            let answered = error.map_or_else(String::new, |error| format!("; {}", words(error)));
            let why = format!("{device}: the secure backup was not ready within {limit} ({seen}){answered}");
            Err(Failure::new(Status::BackupFailed, why))
        }
    }
}

impl Walk<'_, '_, '_> {
    /// Step 4.
    pub(super) fn check_secure_backup(&mut self, certificate: &str) -> Result<(), Trouble> {
        let device = &self.session.device.name;
        let gateway = &self.session.gateway;
        let asked = |error: SomaError| self.exchange(Status::DeviceError, &error);
        match gateway.backup_mode().map_err(asked)? {
            Some(BackupMode::Secure) => {}
            Some(BackupMode::Normal) => {
                let why = format!(
                    "{device}: the device is not in secure-backup (disaster recovery) mode, which can only be chosen when it is initialized; export its domains instead"
                );
                return Err(Failure::new(Status::DeviceNotInDrMode, why).into());
            }
            None => {
                let owner = Owner::Task(self.task.id);
                self.record.note(
                    owner,
                    "the device does not tell its backup mode; it is asked for a secure backup all the same",
                )?;
            }
        }
        let gateway = &self.session.gateway;
        if !gateway
            .has_certificate(certificate)
            .map_err(|error| self.exchange(Status::DeviceError, &error))?
        {
            let why = format!(
                "{device}: the default domain holds no CryptoCertificate '{certificate}': {}",
                certificates::instead_of(gateway, certificate)
            );
            return Err(Failure::new(Status::CertDoesntExistOnDevice, why).into());
        }
        self.look_at_certificate(certificate)?;
        let gateway = &self.session.gateway;
        let Some(space) = gateway
            .space()
            .map_err(|error| self.exchange(Status::DeviceError, &error))?
        else {
            let owner = Owner::Task(self.task.id);
            self.record
                .note(owner, "the device does not tell the free space of temporary:")?;
            return Ok(());
        };
        let threshold = self.engine.file.settings.min_free_device;
        if threshold.is_met(space.free_temporary, space.total_temporary) {
            return Ok(());
        }
        let why = format!(
            "{device}: temporary: has {} free of {}; min_free_device asks for {}: remove files there, or lower it",
            Bytes(space.free_temporary),
            Bytes(space.total_temporary),
            Bytes(threshold.required(space.total_temporary))
        );
        Err(Failure::new(Status::NotEnoughFreeSpaceOnDevice, why).into())
    }

    /// A secure backup, made on the device.
    pub(super) fn make_secure_backup(&mut self, certificate: &str) -> Result<Made, Trouble> {
        let device = self.session.device.name.clone();
        self.record.task_status(self.task.id, Status::BackingUp)?;
        let (journal, folder) = self.reserve_folder()?;
        self.is_about_to_ask()?;
        let asked = self.ask_for_backup(certificate, journal, &folder)?;
        let limit = self.session.gateway.timeouts().secure_backup;
        let mut back_at_work = BTreeSet::new();
        let end = self.session.gateway.wait_for_secure_backup(
            &folder,
            limit,
            asked.known,
            asked.begins == Some(BackupBegins::AtWork),
            &mut |domains| back_at_work.extend(at_work(&self.quiesce.seen, domains).cloned()),
            &mut waiting(self.record, &device, READY, limit),
        );
        self.record.show(&Progress::WaitEnded);
        let warned = self.warn_of_early_work(
            "this secure backup",
            "it was ready",
            &Vec::from_iter(back_at_work),
        );
        let end = end.map_err(|error| self.exchange(Status::BackupFailed, &error))?;
        // One that the device was seen to make is not expected to begin any more.
        let seen = match &end {
            SecureBackupEnd::Ready(_) => Some(BackupAsked::Seen),
            SecureBackupEnd::GaveUp { was_listed: true } => Some(NOT_EXPECTED),
            // What was taken, and of which nothing came, may come: nobody has seen its end.
            SecureBackupEnd::GaveUp { was_listed: false } if asked.error.is_none() => None,
            SecureBackupEnd::GaveUp { was_listed: false } => Some(NOT_EXPECTED),
            SecureBackupEnd::TimedOut { was_at_work, .. } | SecureBackupEnd::Interrupted { was_at_work } => {
                was_at_work.then_some(NOT_EXPECTED)
            }
        };
        if let Some(seen) = seen {
            self.knows_of_backup(seen);
            self.record.step_undo(journal, UndoStep::Seen)?;
        }
        warned?;
        let files = files_of(end, &device, asked.error.as_ref(), limit)?;
        self.holds_only_copy();
        if let Some(error) = asked.error.filter(SomaError::has_words) {
            self.warn(format!(
                "{device} made a secure backup that it had not answered OK to ({}): whether something is missing in it is \
                 not known",
                error.message
            ))?;
        }
        Ok(Made::SecureBackup { folder, files })
    }

    /// Asks the device for it, and finds out what became of that where its answer does not tell.
    fn ask_for_backup(
        &mut self,
        certificate: &str,
        journal: JournalId,
        folder: &RemoteFolder,
    ) -> Result<AskedFor, Trouble> {
        let device = self.session.device.name.clone();
        let timeouts = *self.session.gateway.timeouts();
        // Some firmware answers only when it is.
        waiting(self.record, &device, READY, timeouts.secure_backup)(Duration::ZERO);
        let meant = self.session.serial()?;
        let asked = self
            .session
            .gateway
            .secure_backup(certificate, folder, meant.as_deref());
        self.record.show(&Progress::WaitEnded);
        let taken = BackupAsked::Taken {
            begins_within: Duration::ZERO,
        };
        let (reply, unless_begun, error) = match asked {
            ActionAsked::Accepted => (Reply::Accepted, taken, None),
            ActionAsked::NotBegun(error) => return Err(self.exchange(Status::BackupFailed, &error).into()),
            ActionAsked::Unclear(error) => {
                let begins_within = timeouts.request;
                (
                    Reply::Unclear,
                    BackupAsked::Answered { begins_within },
                    Some(error),
                )
            }
            ActionAsked::Unanswered(error) => {
                let arrives_within = timeouts.request;
                (
                    Reply::Silence,
                    BackupAsked::Unanswered { arrives_within },
                    Some(error),
                )
            }
        };
        self.knows_of_backup(unless_begun);
        self.show_removal(UndoStage::Sent);
        let mut begins = None;
        if let Some(error) = &error {
            let gateway = &self.session.gateway;
            begins = (error.kind != SomaErrorKind::Interrupted)
                .then(|| gateway.begins_secure_backup(folder, BEGINS_WITHIN))
                .flatten();
        }
        self.record.step_undo(journal, UndoStep::Replied(reply))?;
        let known = match (&error, reply, begins) {
            (None, ..) => taken,
            (Some(error), _, None) => return Err(self.exchange(Status::BackupFailed, error).into()),
            // It has arrived.
            (Some(_), Reply::Silence, Some(_)) => taken,
            // What the device has said of it stands, though something of it is there.
            (Some(_), Reply::Accepted | Reply::Unclear, Some(_)) => unless_begun,
        };
        self.knows_of_backup(known);
        Ok(AskedFor { known, begins, error })
    }

    /// Warns of domains that were quiesced for `what` and seen at work again `before` something: who reads that it
    /// succeeded would take it for one of a device at rest.
    pub(super) fn warn_of_early_work(
        &mut self,
        what: &str,
        before: &str,
        names: &[String],
    ) -> Result<(), LedgerError> {
        if names.is_empty() {
            return Ok(());
        }
        let were = if names.len() == 1 { "was" } else { "were" };
        let device = &self.session.device.name;
        self.warn(format!(
            "{device}: {} {were} quiesced for {what}, and at work again before {before}: what changed \
             meanwhile is not known",
            named(names)
        ))
    }

    /// Writes down the folder into which the device will be asked to make its secure backup, unless that is
    /// done. Where the device is quiesced for it that comes first, so that it is not out of service while others
    /// hold the history.
    pub(super) fn reserve_folder(&mut self) -> Result<(JournalId, RemoteFolder), Trouble> {
        if let Some(known) = &self.leftover {
            return Ok((known.journal, known.folder.clone()));
        }
        let folder = folder_of(self.engine.clock.now(), self.task.id).map_err(|error| {
            let why = format!(
                "{}: no secure backup was asked for: {error}",
                self.session.device.name
            );
            Failure::new(Status::BackupFailed, why)
        })?;
        let undo = Undo::RemoveFolder(folder.url().to_owned());
        let journal = self.open_undo(undo, Vec::new())?;
        // Without it a row whose process dies is only taken for one that may have been asked for.
        let not_yet = NotYet::say(self.engine.locks, self.engine.process, journal.0).ok();
        self.leftover = Some(BackupFolder {
            journal,
            folder: folder.clone(),
            asked: NOT_EXPECTED,
            holds: FolderHolds::Nothing(not_yet),
        });
        Ok((journal, folder))
    }

    /// So much is known of it now.
    fn knows_of_backup(&mut self, asked: BackupAsked) {
        if let Some(left) = &mut self.leftover {
            left.asked = asked;
        }
    }

    /// It is whole, and nothing of it is stored yet.
    fn holds_only_copy(&mut self) {
        if let Some(left) = &mut self.leftover {
            left.holds = FolderHolds::OnlyCopy;
        }
    }

    /// A verified copy of it is stored.
    pub(super) fn is_stored(&mut self) {
        if let Some(left) = &mut self.leftover {
            left.holds = FolderHolds::Anything;
        }
    }

    /// From now on the device may have been asked, for whoever finds the row.
    fn is_about_to_ask(&mut self) -> Result<(), Trouble> {
        let device = &self.session.device.name;
        let Some(left) = &mut self.leftover else {
            return Ok(());
        };
        if let FolderHolds::Nothing(not_yet) = &mut left.holds
            && let Some(not_yet) = not_yet.take()
        {
            // The device may be out of service, and the disk may hang.
            let take_back = move || not_yet.take_back();
            let taken = threads::within(threads::start, "the locks", DISK_ANSWERS_WITHIN, take_back);
            taken.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
                let why = format!(
                    "{device}: no secure backup was asked for: in the folder of locks {} it cannot be put on disk that \
                     it is: {}",
                    self.engine.locks.folder().display(),
                    said(&error)
                );
                Failure::new(Status::BackupFailed, why)
            })?;
        }
        left.holds = FolderHolds::Anything;
        self.show_removal(UndoStage::MayBeSent);
        Ok(())
    }

    /// Shows that the folder must be removed.
    fn show_removal(&mut self, stage: UndoStage) {
        if let Some(left) = &self.leftover {
            self.record.show(&Progress::UndoDue {
                journal: left.journal,
                device: self.session.device.name.clone(),
                undo: Undo::RemoveFolder(left.folder.url().to_owned()),
                stage,
            });
        }
    }

    /// Removes the folder of a secure backup from the device, unless it holds the only copy.
    /// One that stays is a warning: the journal remembers it.
    pub(super) fn remove_leftover(&mut self) -> Result<(), Trouble> {
        let Some(mut left) = self.leftover.take() else {
            return Ok(());
        };
        let asked_to_stop = self.engine.stop.is_requested();
        match std::mem::replace(&mut left.holds, FolderHolds::Anything) {
            FolderHolds::Nothing(not_yet) => return self.was_never_asked(left.journal, not_yet),
            FolderHolds::OnlyCopy if !asked_to_stop => {
                let stays = FolderStays::OnlyCopy(self.sight_of(&left.folder));
                return self.leave_to_recover(&left.folder, &stays);
            }
            FolderHolds::Anything | FolderHolds::OnlyCopy => {}
        }
        let limit = self.session.gateway.timeouts().request;
        // Whoever asks to stop does not wait for a backup of some minutes: the journal does.
        let patience = if asked_to_stop { Duration::ZERO } else { limit };
        let (removed, recorded) = self.remove_folder(&left, patience);
        recorded?;
        match removed {
            Ok(removed) => {
                self.tell_empty_folder(left.folder.url(), &removed)?;
                if self.state == DeviceState::Untouched {
                    self.state = DeviceState::PutBack("nothing left on the device".to_owned());
                }
                Ok(())
            }
            Err(stays) => self.leave_to_recover(&left.folder, &stays),
        }
    }

    /// Looks once whether a folder that was on the device is there still: a restart takes it away.
    fn sight_of(&mut self, folder: &RemoteFolder) -> FolderSight {
        let meant = self.session.facts().ok().and_then(|facts| facts.serial.clone());
        match self.session.gateway.lists_now(folder, meant.as_deref()) {
            Ok(true) => FolderSight::Listed,
            Ok(false) => FolderSight::NotListed,
            Err(error) => FolderSight::NotKnown(words(&error)),
        }
    }

    /// Tells of an empty folder that is, or may be, still there. Not every firmware removes one; that nothing could be
    /// asked of the device is a removal that failed.
    fn tell_empty_folder(&mut self, url: &str, removed: &FolderRemoved) -> Result<(), LedgerError> {
        let not_known = "whether the device removed it is not known";
        let stays = match removed {
            FolderRemoved::NotThere | FolderRemoved::Gone | FolderRemoved::InPart => return Ok(()),
            FolderRemoved::EmptiedAtLeast(NotTaken::NotDone(why)) => {
                let device = &self.session.device.name;
                return self.warn(format!(
                    "{device}: {url} is empty and stays: the request to remove it was not carried out: {why}"
                ));
            }
            FolderRemoved::Emptied => format!("{url} is empty and stays: the device does not remove it"),
            FolderRemoved::EmptiedAtLeast(NotTaken::Refused(why)) => {
                format!("{url} is empty and stays: the device refused to remove it: {why}")
            }
            FolderRemoved::EmptiedAtLeast(NotTaken::Answered(why)) => {
                format!("{url} is empty; {not_known}: the answer to the request for that was: {why}")
            }
            FolderRemoved::EmptiedAtLeast(NotTaken::Unanswered(why)) => {
                format!("{url} is empty; {not_known}: the request for that got no answer: {why}")
            }
        };
        self.record.note(Owner::Task(self.task.id), &stays)
    }

    /// Closes the row of a folder that the device was never asked to fill.
    fn was_never_asked(&mut self, journal: JournalId, not_yet: Option<NotYet>) -> Result<(), Trouble> {
        let closed = self.record.close_undo(journal, NEVER_ASKED);
        if let Some(not_yet) = not_yet {
            let forget = move || drop(not_yet);
            let _forgotten = threads::within(threads::start, "the locks", DISK_ANSWERS_WITHIN, forget);
        }
        closed.map_err(Trouble::from)
    }

    /// Removes the folder itself. The device may take `patience` to end what fills it.
    fn remove_folder(
        &mut self,
        left: &BackupFolder,
        patience: Duration,
    ) -> (Result<FolderRemoved, FolderStays>, Result<(), LedgerError>) {
        let meant = self.session.facts().ok().and_then(|facts| facts.serial.clone());
        match self.session.gateway.shielded() {
            Ok(gateway) => {
                let left = LeftFolder {
                    journal: left.journal,
                    folder: &left.folder,
                    device: &self.session.device.name,
                    meant: meant.as_deref(),
                    asked: left.asked,
                };
                undo::remove_folder(&gateway, left, patience, self.record)
            }
            Err(error) => {
                let stays = FolderStays::NotRemoved {
                    is_listed: false,
                    why: words(&error),
                };
                (Err(stays), Ok(()))
            }
        }
    }

    /// A folder stays on the device, or may come yet: the journal remembers it, and somebody is told.
    fn leave_to_recover(&mut self, folder: &RemoteFolder, stays: &FolderStays) -> Result<(), Trouble> {
        let recover = self.engine.file.invocation.command(["recover"]);
        let url = folder.url();
        let left = match stays {
            FolderStays::OnlyCopy(FolderSight::NotListed) => format!(
                "{url} was on the device, which does not list it any more; {recover}, or the next run, looks for it again"
            ),
            FolderStays::OnlyCopy(FolderSight::NotKnown(_)) => format!(
                "{url} was on the device when it was last seen, and whether it is there still is not known; {recover}, or the \
                 next run, looks for it again"
            ),
            FolderStays::OnlyCopy(FolderSight::Listed) | FolderStays::NotRemoved { is_listed: true, .. } => {
                format!("{url} is still on the device; {recover}, or the next run, removes it")
            }
            FolderStays::NotRemoved { is_listed: false, .. } => {
                format!(
                    "not known: whether {url} is on the device; {recover}, or the next run, looks for it again"
                )
            }
            FolderStays::MayArrive | FolderStays::MayBegin => {
                format!(
                    "not known: whether {url} comes to the device yet; {recover}, or the next run, looks for it again"
                )
            }
        };
        self.warn(format!("{}: {left} ({stays})", self.session.device.name))?;
        if self.state == DeviceState::Untouched {
            self.state = DeviceState::Littered(left);
        }
        Ok(())
    }
}

/// The folder on a device for a secure backup of this task. Another history may have a task of that number in the same
/// second, for the same device; digits by chance keep them apart.
fn folder_of(now: Timestamp, task: TaskId) -> io::Result<RemoteFolder> {
    let stamp = now.strftime("%Y%m%d%H%M%S");
    let chance = random_digits::<4>()?;
    Ok(RemoteFolder::named(&format!(
        "dpbackup-{stamp}-{chance}-{}",
        task.0
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_histories_with_a_task_of_one_number_in_one_second_have_a_folder_each() {
        let folder = || folder_of(Timestamp::UNIX_EPOCH, TaskId(7)).expect("a folder");
        let (one, other) = (folder(), folder());
        assert_ne!(one, other);
        let url = one.url();
        assert!(
            url.starts_with("temporary:///dpbackup-19700101000000-") && url.ends_with("-7"),
            "{url}"
        );
    }
}
