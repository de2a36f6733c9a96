//! Exports and secure backups: asking for them, and waiting for one.

use std::io::Write;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::asked::ActionAsked;
use crate::gateway::domains::{DEFAULT_DOMAIN, DomainStatus};
use crate::gateway::folder::{MANIFEST, RemoteFile, RemoteFolder};
use crate::gateway::folder_removal::BackupAsked;
use crate::gateway::pace::RefusedBefore;
use crate::soma::download::ReceivedFile;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::{self, ExportedConfiguration};

/// A device that had been at work, or did not say that it begins, shows no work, no manifest and no change of
/// what is there for so long, before it is believed to have given up: what it lists may lag behind what it does.
const GIVES_UP_AFTER: Duration = Duration::from_secs(30);

/// Where a device does not tell what it is busy with, a manifest is believed when nothing of the folder has changed for
/// so long: it may be listed before the files that it names.
const STANDS_FOR: Duration = Duration::from_secs(5);

/// By what a secure backup whose request got no clear answer was seen to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupBegins {
    /// The device showed itself at work on one.
    AtWork,
    /// Its folder was there.
    Folder,
}

/// How the wait for a secure backup ended.
#[derive(Debug)]
pub enum SecureBackupEnd {
    /// The manifest is there: these files.
    Ready(Vec<RemoteFile>),
    /// The device was at work, or had not said that it begins, and nothing moves any more without a manifest.
    GaveUp {
        /// Whether its folder was listed.
        was_listed: bool,
    },
    /// It was not there in time.
    TimedOut {
        /// Whether the device was seen at work on it.
        was_at_work: bool,
        /// Why the last look could not be taken, where that is so.
        last: Option<SomaError>,
    },
    /// Somebody asked to stop.
    Interrupted {
        /// Whether the device was seen at work on it.
        was_at_work: bool,
    },
}

impl Gateway<'_> {
    /// Exports domains (`all-domains` stands for all of them) into `out`. Sent once; and once more where it may
    /// not have been read, when the device has answered a question after it, over the connection on which that has
    /// told the serial number that is `meant`, where one is. Returns what the device says beside it, where it says
    /// something: that may be that it failed.
    pub fn export(
        &self,
        domains: &[&str],
        configuration: ExportedConfiguration,
        meant: Option<&str>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<String>> {
        let request = request::do_backup(domains, configuration);
        let mut download = || self.download(&request, self.timeouts().of_export(), out, progress);
        let ReceivedFile { length, around } = match download() {
            Err(error) if error.may_be_unread => {
                self.domains_once().map_err(|_| error)?;
                self.met(meant, &request.name)?;
                download()?
            }
            downloaded => downloaded?,
        };
        if length == 0 {
            let said = around
                .said
                .map_or_else(String::new, |said| format!(", and {said}"));
            return Err(SomaError::new(
                SomaErrorKind::Refused,
                format!("{}: the device answered with an empty file{said}", request.name),
            )
            .with_hint("usually there is too little free space in temporary: of the device"));
        }
        Ok(around.said)
    }

    /// Asks for a secure backup into `folder`. Depending on its firmware the device
    /// answers when it has begun or when it is ready (soma-wire section 3.3); one that says
    /// in a sentence that it is scheduled has accepted it, too.
    ///
    /// The device has the serial number that is `meant`, where one is.
    pub fn secure_backup(
        &self,
        certificate: &str,
        folder: &RemoteFolder,
        meant: Option<&str>,
    ) -> ActionAsked {
        let request = request::secure_backup(certificate, folder.url());
        match self.ask(&request, self.timeouts().of_secure_backup(), meant) {
            ActionAsked::Unclear(error)
                if error.kind == SomaErrorKind::Refused && is_scheduled(&error.message) =>
            {
                ActionAsked::Accepted
            }
            ActionAsked::Unclear(error) if error.hint.is_none() => {
                ActionAsked::Unclear(error.with_hint("the system log of the device says why"))
            }
            asked => asked,
        }
    }

    /// Whether a secure backup whose request got no clear answer is under way, or begins within this time.
    pub fn begins_secure_backup(&self, folder: &RemoteFolder, within: Duration) -> Option<BackupBegins> {
        let started = self.clock.elapsed();
        loop {
            if self.makes_secure_backup().unwrap_or_default() {
                return Some(BackupBegins::AtWork);
            }
            if self.folder(folder).is_ok_and(|files| files.is_some()) {
                return Some(BackupBegins::Folder);
            }
            let waited = self.clock.elapsed().saturating_sub(started);
            if waited >= within || self.stop.is_requested() {
                return None;
            }
            self.clock
                .sleep(Duration::from_secs(1).min(within - waited), &self.stop);
        }
    }

    /// Waits until the manifest of a secure backup is there and the device does not work on
    /// one any more: a manifest that is listed earlier may be half written. The limit is for what the device has
    /// taken; what `was_at_work`, or was answered in other words, is over when nothing of it moves any more. `shown` is
    /// given the domains as each look has them.
    pub fn wait_for_secure_backup(
        &self,
        folder: &RemoteFolder,
        limit: Duration,
        asked: BackupAsked,
        was_at_work: bool,
        shown: &mut dyn FnMut(&[DomainStatus]),
        told: &mut dyn FnMut(Duration),
    ) -> Result<SecureBackupEnd> {
        let started = self.clock.elapsed();
        let mut wait = BackupWait {
            was_busy: was_at_work,
            is_taken: !matches!(asked, BackupAsked::Answered { .. }),
            ..BackupWait::default()
        };
        let mut refused = RefusedBefore::default();
        loop {
            // In this order: what is listed after the end of the work is all of it.
            let looked = self.domains_once().map(|domains| {
                shown(&domains);
                busy_with(&domains)
            });
            let looked = match looked {
                // It has told before; while it is at work it may not, and the manifest still does.
                Err(error) if error.is_refusal() => Ok(BusyWith::Nothing),
                looked => looked,
            };
            let looked = looked.and_then(|busy| Ok((busy, self.folder_once(folder)?)));
            let waited = self.clock.elapsed().saturating_sub(started);
            let end = match &looked {
                Ok((busy, files)) => wait.see(*busy, files.as_deref(), waited, limit),
                Err(error) if error.kind == SomaErrorKind::Interrupted => Some(wait.interrupted()),
                Err(_) => None,
            };
            if let Some(end) = end {
                return Ok(end);
            }
            let looked = match looked {
                Err(error) if wait.gives_up_after(&error, waited) => return Err(error),
                looked => looked,
            };
            told(waited);
            if waited >= limit {
                return Ok(SecureBackupEnd::TimedOut {
                    was_at_work: wait.was_busy,
                    last: looked.err(),
                });
            }
            let pause = refused.pause_after(&looked, waited).min(limit - waited);
            self.clock.sleep(pause, &self.stop);
            if self.stop.is_requested() {
                return Ok(wait.interrupted());
            }
        }
    }

    /// Whether the device is busy with a secure backup, whoever asked for it.
    pub fn makes_secure_backup(&self) -> Result<bool> {
        // A device that has no such field shows its manifest, and that alone.
        Ok(makes_secure_backup(&self.domains()?))
    }
}

/// What is known while a secure backup is waited for.
#[derive(Default)]
struct BackupWait {
    /// Whether the device was seen at work on it.
    was_busy: bool,
    /// Whether its folder was listed.
    was_listed: bool,
    /// Whether the device has taken the request, or may have.
    is_taken: bool,
    /// When it last was at work, or something of the folder changed.
    moved_at: Duration,
    last_files: Vec<RemoteFile>,
    /// Since when it refuses to be looked at.
    refused_since: Option<Duration>,
}

impl BackupWait {
    /// Takes in a look, `None` of the files where there is no folder. How the wait ends by it, where it does.
    fn see(
        &mut self,
        busy: BusyWith,
        files: Option<&[RemoteFile]>,
        waited: Duration,
        limit: Duration,
    ) -> Option<SecureBackupEnd> {
        self.refused_since = None;
        self.was_busy |= busy == BusyWith::SecureBackup;
        self.was_listed |= files.is_some();
        let files = files.unwrap_or_default();
        let manifest = files.iter().find(|file| file.name == MANIFEST);
        let written = manifest.is_some_and(|manifest| manifest.size != Some(0));
        // What else it is busy with may stand where the secure backup would.
        let works = matches!(busy, BusyWith::SecureBackup | BusyWith::Other);
        if works || self.last_files != files {
            self.moved_at = waited;
            self.last_files = files.to_vec();
        }
        let rest_for = waited.saturating_sub(self.moved_at);
        let may_write = match busy {
            BusyWith::SecureBackup => true,
            BusyWith::NotTold => rest_for < STANDS_FOR,
            // One that never showed its work may be at it: what it lists is looked at a second time.
            BusyWith::Nothing => !self.was_busy && rest_for.is_zero(),
            BusyWith::Other => false,
        };
        // Somebody else's may go on for longer; then verification has the word.
        if written && (!may_write || waited >= limit) {
            return Some(SecureBackupEnd::Ready(files.to_vec()));
        }
        let gave_up = (self.was_busy || !self.is_taken) && rest_for >= GIVES_UP_AFTER;
        gave_up.then_some(SecureBackupEnd::GaveUp {
            was_listed: self.was_listed,
        })
    }

    /// Takes in a look that failed. Whether it is given up by it: a look that fails is none, for a device at work on
    /// gigabytes may be slow to answer, or silent. One that refuses it may do so for a moment.
    fn gives_up_after(&mut self, error: &SomaError, waited: Duration) -> bool {
        self.moved_at = waited;
        if !error.is_refusal() && error.kind != SomaErrorKind::LoginRefused {
            self.refused_since = None;
            return false;
        }
        let since = *self.refused_since.get_or_insert(waited);
        waited.saturating_sub(since) >= GIVES_UP_AFTER
    }

    fn interrupted(&self) -> SecureBackupEnd {
        SecureBackupEnd::Interrupted {
            was_at_work: self.was_busy,
        }
    }
}

/// What a device is busy with, by its domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BusyWith {
    SecureBackup,
    /// Something else, in `default`.
    Other,
    Nothing,
    /// It has no such field.
    NotTold,
}

fn busy_with(domains: &[DomainStatus]) -> BusyWith {
    let default = domains.iter().find(|domain| domain.name == DEFAULT_DOMAIN);
    match default.map(|domain| domain.current_command.as_deref()) {
        _ if makes_secure_backup(domains) => BusyWith::SecureBackup,
        None | Some(None) => BusyWith::NotTold,
        Some(Some(command)) if command.trim().is_empty() => BusyWith::Nothing,
        Some(Some(_)) => BusyWith::Other,
    }
}

/// Whether one of these domains shows that the device makes a secure backup.
fn makes_secure_backup(domains: &[DomainStatus]) -> bool {
    domains.iter().any(DomainStatus::makes_secure_backup)
}

/// Whether a device says by this that it has accepted a secure backup, and not that it cannot schedule it.
fn is_scheduled(said: &str) -> bool {
    let said = said.to_lowercase();
    let refuses = [
        "cannot", "can't", "not be", "unable", "fail", "full", "denied", "error", "invalid", "must",
    ];
    said.contains("scheduled") && !refuses.iter().any(|word| said.contains(word))
}
