//! Exports and secure backups: asking for them, fetching them, cleaning up behind them.

use std::io::Write;
use std::time::Duration;

use roxmltree::Node;

use crate::gateway::Gateway;
use crate::gateway::asked::ActionAsked;
use crate::gateway::domains::DomainStatus;
use crate::gateway::pace::{pause_after, until_next_look};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::reply;
use crate::soma::request::{self, ExportedConfiguration, Request};
use crate::values::xml_limits::NotPlausible;

/// Where secure backups are made.
const TEMPORARY: &str = "temporary:";

/// The last file of a secure backup that the device writes.
pub const MANIFEST: &str = "backupmanifest.xml";

/// A secure backup has some ten files; a folder of ours with more than so many is none.
const MOST_ENTRIES: usize = 10_000;

/// The longest path of a file, in bytes.
const LONGEST_PATH: usize = 4_096;

/// A folder in `temporary:`, written `temporary:///NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFolder(String);

/// A file in such a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name, as the device says it: not to be trusted as a path.
    pub name: String,
    /// Bytes, where the device says so.
    pub size: Option<u64>,
}

impl RemoteFile {
    /// Whether the name is one of a file in its folder, and of nothing elsewhere.
    pub fn has_plain_name(&self) -> bool {
        let hostile = |character: char| character.is_control() || matches!(character, '/' | '\\');
        !self.name.is_empty() && self.name != "." && self.name != ".." && !self.name.contains(hostile)
    }
}

impl RemoteFolder {
    /// The folder of this name, directly in `temporary:`.
    pub fn named(name: &str) -> Self {
        Self(format!("{TEMPORARY}///{name}"))
    }

    /// The folder at this URL.
    pub fn at(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// Its URL on the device.
    pub fn url(&self) -> &str {
        &self.0
    }

    fn file_url(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }

    /// The path below the location, without slashes at its ends: a device writes
    /// `temporary:/x` where a client writes `temporary:///x`.
    fn path(url: &str) -> &str {
        url.strip_prefix(TEMPORARY).unwrap_or(url).trim_matches('/')
    }
}

/// A device that had been at work shows neither that nor a manifest for so long, before it is believed to
/// have given up: what it lists may lag behind what it does.
const GIVES_UP_AFTER: Duration = Duration::from_secs(30);

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

/// A location that is listed with nothing in it is believed when it is listed so again, so much later: what an
/// account may not see, or a device that is just starting has not read yet, is not gone.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_secs(3);

/// What a device lists of a folder in `temporary:`.
#[derive(Debug, PartialEq, Eq)]
enum Listing {
    /// These files.
    Files(Vec<RemoteFile>),
    /// Not the folder, but something beside it.
    WithoutIt,
    /// Nothing at all.
    Nothing,
}

/// How the removal of a folder ended, as far as the device shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderRemoved {
    /// The device did not have it at any look.
    NotThere,
    /// The device does not have it any more.
    Gone,
    /// Its files are gone. The empty folder stays: not every firmware removes one
    /// (soma-wire section 3.6).
    Emptied,
    /// What it held is gone. That was not all of a secure backup whose end nobody has seen: more may come.
    InPart,
}

/// A folder that could not be removed, or of which that is not known.
#[derive(Debug)]
pub struct FolderNotRemoved {
    /// Whether the device listed it when that was looked at last.
    pub is_listed: bool,
    /// Why.
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
    pub fn how(self) -> &'static str {
        match self {
            FolderRemoved::NotThere => {
                "looked for, and the device does not have it any more, or never had it"
            }
            FolderRemoved::Gone => "removed and confirmed",
            FolderRemoved::Emptied => "emptied and confirmed; the device keeps the empty folder",
            FolderRemoved::InPart => "what was there of it is removed",
        }
    }
}

/// How the wait for a secure backup ended.
#[derive(Debug)]
pub enum SecureBackupEnd {
    /// The manifest is there: these files.
    Ready(Vec<RemoteFile>),
    /// The device was at work, and ended it without a manifest.
    GaveUp,
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
    /// not have been read, when the device has answered a question after it.
    pub fn export(
        &self,
        domains: &[&str],
        configuration: ExportedConfiguration,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64> {
        let request = request::do_backup(domains, configuration);
        let mut download = || self.download(&request, self.timeouts().export, out, progress);
        let length = match download() {
            Err(error) if error.may_be_unread => {
                self.domains_once().map_err(|_| error)?;
                download()?
            }
            downloaded => downloaded?,
        };
        if length == 0 {
            return Err(SomaError::new(
                SomaErrorKind::Refused,
                format!("{}: the device answered with an empty file", request.name),
            )
            .with_hint("usually there is too little free space in temporary: of the device"));
        }
        Ok(length)
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
        match self.ask(&request, self.timeouts().secure_backup, meant) {
            ActionAsked::Unclear(error)
                if error.kind == SomaErrorKind::Refused && is_scheduled(&error.message) =>
            {
                ActionAsked::Accepted
            }
            asked => asked,
        }
    }

    /// Whether a secure backup whose request got no clear answer is under way, or begins within this time.
    pub fn begins_secure_backup(&self, folder: &RemoteFolder, within: Duration) -> bool {
        let started = self.clock.elapsed();
        loop {
            let is_busy = self.makes_secure_backup().unwrap_or_default();
            if is_busy || self.folder(folder).is_ok_and(|files| files.is_some()) {
                return true;
            }
            let waited = self.clock.elapsed().saturating_sub(started);
            if waited >= within || self.stop.is_requested() {
                return false;
            }
            self.clock
                .sleep(Duration::from_secs(1).min(within - waited), &self.stop);
        }
    }

    /// Waits until the manifest of a secure backup is there and the device does not work on
    /// one any more: a manifest that is listed earlier may be half written.
    pub fn wait_for_secure_backup(
        &self,
        folder: &RemoteFolder,
        limit: Duration,
        told: &mut dyn FnMut(Duration),
    ) -> Result<SecureBackupEnd> {
        let started = self.clock.elapsed();
        let (mut was_busy, mut busy_until) = (false, Duration::ZERO);
        let mut refused_since = None;
        loop {
            // In this order: what is listed after the end of the work is all of it.
            let looked = match self.domains_once().map(|domains| makes_secure_backup(&domains)) {
                // It has told before; while it is at work it may not, and the manifest still does.
                Err(error) if error.is_refusal() => Ok(false),
                looked => looked,
            };
            let looked = looked.and_then(|busy| Ok((busy, self.folder_once(folder)?)));
            let waited = self.clock.elapsed().saturating_sub(started);
            let gives_up = match &looked {
                Ok((busy, files)) => {
                    refused_since = None;
                    let manifest = files.iter().find(|file| file.name == MANIFEST);
                    let written = manifest.is_some_and(|manifest| manifest.size != Some(0));
                    if *busy {
                        (was_busy, busy_until) = (true, waited);
                    }
                    // Somebody else's may go on for longer; then verification has the word.
                    if written && (!busy || waited >= limit) {
                        return Ok(SecureBackupEnd::Ready(files.clone()));
                    }
                    if was_busy && waited.saturating_sub(busy_until) >= GIVES_UP_AFTER {
                        return Ok(SecureBackupEnd::GaveUp);
                    }
                    false
                }
                Err(error) if error.kind == SomaErrorKind::Interrupted => {
                    return Ok(SecureBackupEnd::Interrupted {
                        was_at_work: was_busy,
                    });
                }
                // A look that fails is none: a device at work on gigabytes may be slow to answer, or silent. One
                // that refuses it may do so for a moment.
                Err(error) if error.is_refusal() || error.kind == SomaErrorKind::LoginRefused => {
                    busy_until = waited;
                    let since = *refused_since.get_or_insert(waited);
                    waited.saturating_sub(since) >= GIVES_UP_AFTER
                }
                Err(_) => {
                    busy_until = waited;
                    refused_since = None;
                    false
                }
            };
            let looked = match looked {
                Err(error) if gives_up => return Err(error),
                looked => looked,
            };
            told(waited);
            if waited >= limit {
                return Ok(SecureBackupEnd::TimedOut {
                    was_at_work: was_busy,
                    last: looked.err(),
                });
            }
            let pause = pause_after(&looked, waited).min(limit - waited);
            self.clock.sleep(pause, &self.stop);
            if self.stop.is_requested() {
                return Ok(SecureBackupEnd::Interrupted {
                    was_at_work: was_busy,
                });
            }
        }
    }

    /// The files of a folder in `temporary:`; `None` where there is no such folder. A
    /// location can only be listed as a whole (soma-wire section 4).
    pub fn folder(&self, folder: &RemoteFolder) -> Result<Option<Vec<RemoteFile>>> {
        Ok(match self.listing(folder)? {
            Listing::Files(files) => Some(files),
            Listing::WithoutIt | Listing::Nothing => None,
        })
    }

    fn listing(&self, folder: &RemoteFolder) -> Result<Listing> {
        self.retried(|| self.listing_once(folder))
    }

    fn listing_once(&self, folder: &RemoteFolder) -> Result<Listing> {
        let wanted = RemoteFolder::path(folder.url());
        self.list_once(
            &request::get_filestore(TEMPORARY),
            "filestore",
            &mut |filestore| listed(filestore, wanted),
        )
    }

    /// What a folder holds, looked at once: nothing where there is no such folder.
    fn folder_once(&self, folder: &RemoteFolder) -> Result<Vec<RemoteFile>> {
        Ok(match self.listing_once(folder)? {
            Listing::Files(files) => files,
            Listing::WithoutIt | Listing::Nothing => Vec::new(),
        })
    }

    /// Whether the device is busy with a secure backup, whoever asked for it.
    pub fn makes_secure_backup(&self) -> Result<bool> {
        // A device that has no such field shows its manifest, and that alone.
        Ok(makes_secure_backup(&self.domains()?))
    }

    /// Fetches a file of `folder` into `out`, once. It must be as long as it was listed, and
    /// hold something if that was not told.
    pub fn fetch(
        &self,
        folder: &RemoteFolder,
        file: &RemoteFile,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let request = request::get_file(&folder.file_url(&file.name));
        let length = self.download(&request, self.timeouts().export, out, progress)?;
        let listed = match file.size {
            Some(size) if size == length => return Ok(()),
            None if length > 0 => return Ok(()),
            Some(size) => format!("{size} bytes"),
            None => "no size".to_owned(),
        };
        let error = SomaError::new(
            SomaErrorKind::Broken,
            format!(
                "{}: {length} bytes came of a file listed with {listed}",
                request.name
            ),
        );
        match length {
            0 => Err(error
                .with_hint("an empty file usually means too little free space in temporary: of the device")),
            _ => Err(error),
        }
    }

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
        let not_removed = |is_listed: bool| move |error: SomaError| FolderNotRemoved { is_listed, error };
        let (mut refusal, mut taken) = (None::<SomaError>, 0_usize);
        let mut take_away = |removal: &Request| match self.act(removal, self.timeouts().request) {
            Ok(()) => {
                taken += 1;
                true
            }
            Err(error) if says_it_is_gone(&error) => {
                taken += 1;
                true
            }
            // What got no answer may have been carried out: what the device refuses says more.
            Err(error) => {
                if refusal.is_none() || error.is_refusal() {
                    refusal = Some(error);
                }
                false
            }
        };
        let mut all_deleted = !files.is_empty();
        for file in &files {
            all_deleted &= take_away(&request::delete_file(&folder.file_url(&file.name)));
        }
        let is_removed = take_away(&request::remove_dir(folder.url()));
        if !was_listed && refusal.is_some() {
            self.clock.sleep(LOOKS_AGAIN_AFTER, &self.stop);
        }
        let left = match self.listing(folder).map_err(not_removed(was_listed))? {
            Listing::Nothing if was_listed && refusal.as_ref().is_some_and(|error| !error.is_refusal()) => {
                self.clock.sleep(LOOKS_AGAIN_AFTER, &self.stop);
                self.listing(folder).map_err(not_removed(false))?
            }
            left => left,
        };
        let gone = match asked {
            BackupAsked::Taken { .. } | BackupAsked::Unanswered { .. } if !is_all => FolderRemoved::InPart,
            _ => FolderRemoved::Gone,
        };
        match (left, refusal) {
            (Listing::WithoutIt | Listing::Nothing, refusal) if !was_listed => match (asked, refusal) {
                (BackupAsked::Seen, Some(refusal)) => Err(vanished(folder, refusal).into()),
                (BackupAsked::Seen, None) => Ok(FolderRemoved::Gone),
                (
                    BackupAsked::Answered { .. } | BackupAsked::Taken { .. } | BackupAsked::Unanswered { .. },
                    _,
                ) => Ok(FolderRemoved::NotThere),
            },
            // By the device's own word nothing of it is left.
            (Listing::WithoutIt | Listing::Nothing, _) if is_removed || all_deleted => Ok(gone),
            // What vanishes from the list though nothing of it was removed may be hidden, and so may all that is
            // there where something of it was not.
            (Listing::Nothing, Some(refusal)) if refusal.is_refusal() => Err(hidden(folder, refusal).into()),
            (Listing::WithoutIt, Some(refusal)) if taken == 0 => Err(hidden(folder, refusal).into()),
            (Listing::Files(left), Some(refusal)) if left.is_empty() && !files.is_empty() && taken == 0 => {
                Err(hidden(folder, refusal).into())
            }
            (Listing::WithoutIt | Listing::Nothing, _) => Ok(gone),
            (Listing::Files(left), _) if left.is_empty() => Ok(match gone {
                FolderRemoved::InPart => FolderRemoved::InPart,
                _ => FolderRemoved::Emptied,
            }),
            (Listing::Files(left), refusal) => {
                let error = refusal.unwrap_or_else(|| {
                    SomaError::new(
                        SomaErrorKind::Refused,
                        format!("{} is still there with {} files", folder.url(), left.len()),
                    )
                });
                Err(not_removed(true)(error))
            }
        }
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

/// The files of a folder in a list of `temporary:`. A list without that location is no look into it.
fn listed(filestore: Node<'_, '_>, wanted: &str) -> Result<Listing> {
    let directory = filestore.descendants().find(|node| {
        node.tag_name().name() == "directory"
            && node.attribute("name").map(RemoteFolder::path) == Some(wanted)
    });
    if let Some(directory) = directory {
        return files_below(directory).map(Listing::Files);
    }
    let is_location = |node: Node<'_, '_>| {
        node.tag_name().name() == "location"
            && node
                .attribute("name")
                .is_some_and(|name| name.trim_end_matches('/') == TEMPORARY)
    };
    match filestore.descendants().find(|node| is_location(*node)) {
        Some(location) if location.children().any(|child| child.is_element()) => Ok(Listing::WithoutIt),
        Some(_) => Ok(Listing::Nothing),
        None => Err(SomaError::new(
            SomaErrorKind::NotAllowed,
            format!("the device does not list {TEMPORARY}"),
        )
        .with_hint("the account needs the right to read files there")),
    }
}

/// Files below `directory`, those of sub-directories with their path. A path repeats the
/// names of all folders around a file, so that few bytes could ask for much memory.
fn files_below(directory: Node<'_, '_>) -> Result<Vec<RemoteFile>> {
    let too_much = |limit: usize, what| {
        let limit = limit as u64;
        Err(reply::not_plausible(NotPlausible::TooMuch { limit, what }))
    };
    let (mut files, mut entries) = (Vec::new(), 0);
    // Depth comes from the device: a stack of our own, not one of calls.
    let mut waiting = vec![(directory, String::new())];
    while let Some((directory, prefix)) = waiting.pop() {
        for child in directory.children().filter(Node::is_element) {
            let name = child.attribute("name").unwrap_or_default();
            entries += 1;
            if entries > MOST_ENTRIES {
                return too_much(MOST_ENTRIES, "files and folders in a folder of ours");
            }
            if prefix.len() + name.len() > LONGEST_PATH {
                return too_much(LONGEST_PATH, "bytes in the path of a file");
            }
            match child.tag_name().name() {
                "file" => files.push(RemoteFile {
                    name: format!("{prefix}{name}"),
                    size: reply::field(child, "size").parse().ok(),
                }),
                "directory" => {
                    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                    waiting.push((child, format!("{prefix}{last}/")));
                }
                _ => {}
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn below(xml: &str) -> Result<Vec<RemoteFile>> {
        let document = Document::parse(xml).expect("XML");
        files_below(document.root_element())
    }

    #[test]
    fn a_folder_is_gone_only_where_the_location_that_it_stood_in_is_listed() {
        let look = |xml: &str| {
            let document = Document::parse(xml).expect("XML");
            listed(document.root_element(), "dpbackup-1")
        };
        let there = "<filestore><location name='temporary:'><directory name='temporary:/dpbackup-1'>\
                     <file name='a'/></directory></location></filestore>";
        let Listing::Files(files) = look(there).expect("a list") else {
            panic!("the folder is listed");
        };
        assert_eq!(files.len(), 1);
        let nothing = look("<filestore><location name='temporary:'> </location></filestore>");
        assert_eq!(nothing.expect("a list"), Listing::Nothing);
        let beside = there.replace("dpbackup-1", "dpbackup-11");
        assert_eq!(look(&beside).expect("a list"), Listing::WithoutIt);
        for silent in [
            "<filestore/>",
            "<filestore><location name='export:'/></filestore>",
        ] {
            let error = look(silent).expect_err("no look");
            assert_eq!(error.kind, SomaErrorKind::NotAllowed, "{silent}");
        }
    }

    #[test]
    fn files_are_listed_with_the_folders_that_they_stand_in() {
        let xml = "<directory name='temporary:/x'><file name='a'><size> 7 </size></file>\
                   <directory name='temporary:/x/y/'><file name='b'/></directory></directory>";
        let files = below(xml).expect("files");
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a", "y/b"]);
        assert_eq!((files[0].size, files[1].size), (Some(7), None));
    }

    #[test]
    fn a_folder_that_asks_for_more_memory_than_a_secure_backup_is_not_plausible() {
        let name = "n".repeat(3_000);
        let many = "<file name=''/>".repeat(10_001);
        for (inner, words) in [
            (
                many.clone(),
                "more than 10000 files and folders in a folder of ours",
            ),
            (
                format!("<directory name='d'>{many}</directory>"),
                "more than 10000 files and folders in a folder of ours",
            ),
            (
                format!("<directory name='{name}'><directory name='{name}'/></directory>"),
                "more than 4096 bytes in the path of a file",
            ),
            (
                format!("<directory name='{name}'><file name='{name}'/></directory>"),
                "more than 4096 bytes in the path of a file",
            ),
        ] {
            let refused = below(&format!("<directory name='x'>{inner}</directory>"));
            let error = refused.expect_err("it is refused");
            assert_eq!(error.kind, SomaErrorKind::Malformed);
            assert!(error.message.ends_with(words), "{error}");
        }
    }
}
