//! Puts a device back as it was found, on every path.
//!
//! What must be undone is in the journal before it is done, and its row is closed only
//! when the device itself has confirmed that it is undone.

use std::cell::RefCell;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::gateway::facts::WhoAnswers;
use crate::gateway::folder::RemoteFolder;
use crate::gateway::folder_removal::{BackupAsked, FolderNotRemoved, FolderRemoved};
use crate::gateway::quiesce::{
    BroughtBack, FOLLOWS_WITHIN, FirstWord, LastLook, QuiesceSent, Scope, ToBringBack, WayBackStep,
};
use crate::plan::model::Settings;
use crate::run::event::{
    ALL_DOMAINS, Certainty, Event, JournalId, Owner, Progress, StillQuiesced, TaskId, Undo, UndoStage,
};
use crate::run::failure::words;
use crate::run::ledger::{JournalEntry, LedgerError, UndoStep};
use crate::run::limited_ledger::LEDGER_ANSWERS_WITHIN;
use crate::run::record::Record;
use crate::soma::error::SomaError;

/// What this scope needs to be undone.
pub fn undo_of(scope: &Scope) -> Undo {
    match scope {
        Scope::Device => Undo::UnquiesceDevice,
        Scope::Domain(name) => Undo::UnquiesceDomain(name.clone()),
    }
}

/// What a quiesce covers that is undone so; `None` of anything else.
pub fn scope_of(undo: &Undo) -> Option<Scope> {
    match undo {
        Undo::UnquiesceDevice => Some(Scope::Device),
        Undo::UnquiesceDomain(domain) => Some(Scope::Domain(domain.clone())),
        Undo::RemoveFolder(_) | Undo::Import { .. } | Undo::DryRun { .. } | Undo::NotKnown { .. } => None,
    }
}

/// The word for a scope where a domain is named.
pub fn domain_of(scope: &Scope) -> &str {
    match scope {
        Scope::Device => ALL_DOMAINS,
        Scope::Domain(name) => name,
    }
}

/// How long it takes at the longest until a device is left that is being put back, where a `request` may take so long:
/// also where another one answers for it, before or after, and where the disk of the history hangs meanwhile.
pub fn longest_way_back(settings: &Settings, request: Duration) -> Duration {
    let limit = settings.unquiesce_timeout + settings.quiesce_grace;
    // A quiesce that was never seen may begin until its time is over.
    let way = limit.max(settings.quiesce_timeout).max(request) + FOLLOWS_WITHIN;
    // A look and a request may still be on their way when the time is over.
    way + 2 * settings.unquiesce_timeout + LEDGER_ANSWERS_WITHIN + 2 * request
}

/// A quiesce that must be undone.
#[derive(Clone, Copy, Debug)]
pub struct OpenQuiesce<'q> {
    /// Its row in the journal.
    pub journal: JournalId,
    /// The task that asked for it.
    pub task: TaskId,
    /// The device's name.
    pub device: &'q str,
    /// What it covers.
    pub scope: &'q Scope,
    /// The domains that stood in that before.
    pub domains: &'q [String],
    /// What is known of it.
    pub sent: QuiesceSent,
    /// The serial number of the device that was quiesced, where it told that.
    pub serial: Option<&'q str>,
    /// What the device is sent first: a look where it may have been told to unquiesce before.
    pub first: FirstWord,
}

/// How undoing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The device confirms it.
    Confirmed {
        /// How, in words.
        how: String,
        /// Whether the quiesce was seen.
        seen: bool,
    },
    /// It cannot be told that it is undone, or that it does not arrive yet, and the last look did not show it: the
    /// journal row stays open.
    NotKnown(String),
    /// The last look showed it, and it could not be confirmed to be undone, for this reason: the journal row stays
    /// open.
    Not(String),
}

impl<'q> OpenQuiesce<'q> {
    /// What a row of the journal tells of it; by the row alone nobody knows whether the device was told to unquiesce.
    pub fn of_row(row: &'q JournalEntry, scope: &'q Scope, sent: QuiesceSent, first: FirstWord) -> Self {
        Self {
            journal: row.id,
            task: row.task,
            device: &row.device,
            scope,
            domains: &row.domains,
            sent,
            serial: row.serial.as_deref(),
            first,
        }
    }
}

impl OpenQuiesce<'_> {
    /// Unquiesces, waits for the device's word, and writes down what came of it.
    pub fn undo(
        &self,
        gateway: Result<&Gateway<'_>, &SomaError>,
        settings: &Settings,
        record: &mut Record<'_>,
    ) -> (Undone, Result<(), LedgerError>) {
        let (undone, noted) = self.bring_back(gateway, settings, record);
        let recorded = self.write_down(&undone, record);
        (undone, noted.and(recorded))
    }

    /// Unquiesces and waits for the device's word, within its timeout and grace. It is done on that word alone,
    /// and on that of the device that was quiesced: a name may lead to another one meanwhile, whose quiesce is
    /// none of ours. `gateway` must be deaf to the wish to stop. A record that fails, or that others hold, does
    /// not keep the device from being told.
    pub fn bring_back(
        &self,
        gateway: Result<&Gateway<'_>, &SomaError>,
        settings: &Settings,
        record: &mut Record<'_>,
    ) -> (Undone, Result<(), LedgerError>) {
        record.hurry();
        let mut noted = Ok(());
        // That of a dead run is not known yet to those who are shown it; and another device may answer.
        self.show_due(UndoStage::Looking, record);
        let undone = match gateway {
            Ok(gateway) => self.bring_back_on(gateway, settings, &mut noted, record),
            Err(error) => Undone::NotKnown(words(error)),
        };
        record.show(&Progress::UndoOver {
            journal: self.journal,
        });
        (undone, noted)
    }

    /// The same where the device can be asked; what could not be written down of it first is `noted`.
    fn bring_back_on(
        &self,
        gateway: &Gateway<'_>,
        settings: &Settings,
        noted: &mut Result<(), LedgerError>,
        record: &mut Record<'_>,
    ) -> Undone {
        let within = settings.unquiesce_timeout;
        let first = match self.first_word(gateway, within) {
            Ok(first) => first,
            Err(why) => return Undone::NotKnown(why),
        };
        self.show_due(UndoStage::UnderWay, record);
        let limit = settings.unquiesce_timeout + settings.quiesce_grace;
        let confirmation = match self.unquiesce(gateway, first, limit, noted, record) {
            BroughtBack::Confirmed(confirmation) => confirmation,
            BroughtBack::NotKnown(rests) => {
                return Undone::NotKnown(format!(
                    "no answer to the quiesce request says that it was taken, and it was never seen to arrive; unquiesced, and {rests}, but nobody can tell that it does not arrive yet"
                ));
            }
            BroughtBack::Not { last, why } => {
                return match last {
                    LastLook::Quiesced => Undone::Not(why),
                    LastLook::Otherwise => Undone::NotKnown(why),
                    LastLook::Away => {
                        record.is_away(self.journal);
                        Undone::NotKnown(why)
                    }
                };
            }
        };
        if let Some(why) = self.not_proved(gateway, within) {
            return Undone::NotKnown(why);
        }
        // What was refused, or not seen, is told with the task.
        if !confirmation.is_plain() {
            keep_trouble(
                noted,
                record.note(Owner::Task(self.task), confirmation.to_string()),
            );
        }
        Undone::Confirmed {
            how: confirmation.to_string(),
            seen: confirmation.seen,
        }
    }

    /// Unquiesces, and waits for the device's word, no longer than `limit` where the quiesce had its time.
    fn unquiesce(
        &self,
        gateway: &Gateway<'_>,
        first: FirstWord,
        limit: Duration,
        noted: &mut Result<(), LedgerError>,
        record: &mut Record<'_>,
    ) -> BroughtBack {
        let what = format!("{} to be unquiesced", self.scope);
        let longest = limit.max(self.sent.settles_within());
        let quiesced = ToBringBack {
            scope: self.scope,
            stood: self.domains,
            sent: self.sent,
            meant: self.serial,
            first,
        };
        let brought_back = gateway.bring_back(quiesced, limit, &mut |step| {
            let known = match step {
                WayBackStep::Waiting(waited) => {
                    return waiting(record, self.device, &what, longest)(waited);
                }
                WayBackStep::Seen => record.step_undo(self.journal, UndoStep::Seen),
                WayBackStep::Sent => record.step_undo(self.journal, UndoStep::Sent),
            };
            keep_trouble(noted, known);
        });
        record.show(&Progress::WaitEnded);
        brought_back
    }

    fn show_due(&self, stage: UndoStage, record: &mut Record<'_>) {
        record.show(&Progress::UndoDue {
            journal: self.journal,
            device: self.device.to_owned(),
            undo: undo_of(self.scope),
            stage,
        });
    }

    /// Writes down what came of it, and what was put off before it: the device does not wait for that any more.
    pub fn write_down(&self, undone: &Undone, record: &mut Record<'_>) -> Result<(), LedgerError> {
        let caught_up = record.take_time();
        let recorded = match undone {
            Undone::Confirmed { how, .. } => record.close_undo(self.journal, how),
            Undone::NotKnown(why) => self.still_quiesced(Certainty::NotKnown, why, record),
            Undone::Not(why) => self.still_quiesced(Certainty::Seen, why, record),
        };
        caught_up.and(recorded)
    }

    /// What the device is sent first; or why the one that was quiesced is not there to be told within this time, as far
    /// as serial numbers tell.
    fn first_word(&self, gateway: &Gateway<'_>, within: Duration) -> Result<FirstWord, String> {
        // The question has just been asked.
        if self.first == FirstWord::UnquiesceRefused {
            return Ok(self.first);
        }
        let asked = self
            .serial
            .map(|meant| (gateway.who_answers_for(meant, within), meant));
        let unquiesce = match asked {
            Some((Ok(WhoAnswers::Other(found)), meant)) => return Err(self.leads_to_another(&found, meant)),
            // One more question would be refused like it, and could lock the account.
            Some((Err(error), _)) if error.kind.is_of_login() => FirstWord::UnquiesceRefused,
            Some((Ok(WhoAnswers::NotTold) | Err(_), _)) => FirstWord::Unquiesce,
            Some((Ok(WhoAnswers::Meant), _)) | None => FirstWord::UnquiesceUnasked,
        };
        Ok(match (self.first, unquiesce) {
            // A look would be refused like it.
            (_, FirstWord::UnquiesceRefused) | (FirstWord::Unquiesce, _) => unquiesce,
            (first, _) => first,
        })
    }

    /// Why it is not known that the device that shows itself at work is the one that was quiesced, where that has
    /// told its serial number: none that is told within this time is no proof.
    fn not_proved(&self, gateway: &Gateway<'_>, within: Duration) -> Option<String> {
        let meant = self.serial?;
        let why = match gateway.who_answers_within(meant, within) {
            Ok(WhoAnswers::Meant) => return None,
            Ok(WhoAnswers::Other(found)) => return Some(self.leads_to_another(&found, meant)),
            Ok(WhoAnswers::NotTold) => "it tells no serial number any more".to_owned(),
            Err(error) => words(&error),
        };
        Some(format!(
            "whoever answers for {} was told to unquiesce and shows itself at work; whether that is the device with \
             serial number {meant}, which was quiesced, is not known: {why}",
            self.device
        ))
    }

    fn leads_to_another(&self, found: &str, meant: &str) -> String {
        format!(
            "{} leads to the device with serial number {found} now, and this is about {meant}",
            self.device
        )
    }

    /// Tells that it could not be confirmed.
    pub fn still_quiesced(
        &self,
        certainty: Certainty,
        why: &str,
        record: &mut Record<'_>,
    ) -> Result<(), LedgerError> {
        record.tell(&Event::StillQuiesced(StillQuiesced {
            row: self.journal,
            task: self.task,
            device: self.device.to_owned(),
            domain: domain_of(self.scope).to_owned(),
            certainty,
            error: why.to_owned(),
        }))
    }
}

/// Keeps the first trouble.
fn keep_trouble(noted: &mut Result<(), LedgerError>, known: Result<(), LedgerError>) {
    if noted.is_ok() {
        *noted = known;
    }
}

/// Shows a wait while it lasts.
pub fn waiting<'w>(
    record: &'w mut Record<'_>,
    device: &'w str,
    what: &'w str,
    limit: Duration,
) -> impl FnMut(Duration) + 'w {
    move |waited| {
        record.show(&Progress::Waiting {
            device: Some(device.to_owned()),
            what: what.to_owned(),
            waited,
            limit,
        });
    }
}

/// The folder of a secure backup on its device, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct LeftFolder<'f> {
    /// Its row in the journal.
    pub journal: JournalId,
    /// The folder.
    pub folder: &'f RemoteFolder,
    /// The device's name.
    pub device: &'f str,
    /// The serial number of the device that was asked for it, where it told that.
    pub meant: Option<&'f str>,
    /// What is known of the request that fills it.
    pub asked: BackupAsked,
}

/// What a last look for a folder that was on its device has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderSight {
    /// The device lists it.
    Listed,
    /// The device does not list it any more.
    NotListed,
    /// Nobody knows: the device, or the one that is meant, did not tell, for this reason.
    NotKnown(String),
}

/// A folder of ours that stays on its device, or may come yet: its row in the journal stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderStays {
    /// It is left there, for no verified copy of it is stored.
    OnlyCopy(FolderSight),
    /// It could not be removed, or the device could not be asked.
    NotRemoved {
        /// Whether the device listed it after it was asked to remove it.
        is_listed: bool,
        /// Why.
        why: String,
    },
    /// The device does not have it, or had it in part, and nobody can tell that the request that makes it does not
    /// arrive yet.
    MayArrive,
    /// The device does not have it, or had it in part, and has taken the request that makes it.
    MayBegin,
}

impl std::fmt::Display for FolderStays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnlyCopy(sight) => {
                f.write_str("no verified copy of it is stored")?;
                match sight {
                    FolderSight::NotKnown(why) => write!(f, "; {why}"),
                    FolderSight::Listed | FolderSight::NotListed => Ok(()),
                }
            }
            Self::NotRemoved { why, .. } => f.write_str(why),
            Self::MayBegin => f.write_str(
                "the device has taken the request for its secure backup and nobody has seen all of it, nor can tell that \
                 it does not come yet",
            ),
            Self::MayArrive => f.write_str(
                "no answer to the request for its secure backup is known, and the device does not have it, but nobody can \
                 tell that the request does not arrive yet",
            ),
        }
    }
}

/// Removes a folder of ours from a device; the journal row is closed when the device,
/// asked, does not have it any more, and does not write to it either, and no request that got no answer, or of
/// which nothing was seen, can make it later. The device may take `patience` to end a secure backup that it still makes.
pub fn remove_folder(
    gateway: &Gateway<'_>,
    left: LeftFolder<'_>,
    patience: Duration,
    record: &mut Record<'_>,
) -> (Result<FolderRemoved, FolderStays>, Result<(), LedgerError>) {
    let LeftFolder {
        journal,
        folder,
        device,
        meant,
        asked,
    } = left;
    // A look that has begun is waited for.
    let looked_within = gateway.timeouts().request;
    let limit = patience.max(asked.settles_within()).max(looked_within);
    record.show(&Progress::UndoDue {
        journal,
        device: device.to_owned(),
        undo: Undo::RemoveFolder(folder.url().to_owned()),
        stage: UndoStage::UnderWay,
    });
    let mut noted = Ok(());
    let met = gateway
        .met(meant, "remove a secure backup")
        .map_err(FolderNotRemoved::from);
    let removed = met.and_then(|()| {
        let record = RefCell::new(&mut *record);
        let mut told = |waited| {
            let what = "the device to end its secure backup";
            waiting(&mut record.borrow_mut(), device, what, limit)(waited);
        };
        // Whoever dies while it is removed leaves a part of it, which nothing fills any more.
        let mut seen = || noted = record.borrow_mut().step_undo(journal, UndoStep::Seen);
        gateway.remove(folder, patience, asked, &mut told, &mut seen)
    });
    record.show(&Progress::WaitEnded);
    record.show(&Progress::UndoOver { journal });
    let removed = match (removed, asked) {
        (Ok(FolderRemoved::NotThere | FolderRemoved::InPart), BackupAsked::Unanswered { .. }) => {
            Err(FolderStays::MayArrive)
        }
        (Ok(FolderRemoved::NotThere | FolderRemoved::InPart), BackupAsked::Taken { .. }) => {
            Err(FolderStays::MayBegin)
        }
        (Ok(removed), _) => Ok(removed),
        (Err(FolderNotRemoved { is_listed, error }), _) => Err(FolderStays::NotRemoved {
            is_listed,
            why: words(&error),
        }),
    };
    if let Ok(removed) = &removed {
        keep_trouble(&mut noted, record.close_undo(journal, removed.how()));
    }
    (removed, noted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ledger::LedgerErrorKind;

    #[test]
    fn a_scope_becomes_what_undoes_it_and_back_and_nothing_else_is_a_quiesce() {
        for (scope, domain) in [
            (Scope::Device, ALL_DOMAINS),
            (Scope::Domain("DOM1".to_owned()), "DOM1"),
        ] {
            let undo = undo_of(&scope);
            assert_eq!(scope_of(&undo), Some(scope.clone()));
            assert_eq!((domain_of(&scope), undo.domain()), (domain, domain));
        }
        assert_eq!(scope_of(&Undo::RemoveFolder("temporary:///a".to_owned())), None);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_told_with_both_serial_numbers() {
        let open = OpenQuiesce {
            journal: JournalId(1),
            task: TaskId(1),
            device: "QA1",
            scope: &Scope::Device,
            domains: &[],
            sent: QuiesceSent::LongAgo,
            serial: Some("A"),
            first: FirstWord::Look,
        };
        assert_eq!(
            open.leads_to_another("B", "A"),
            "QA1 leads to the device with serial number B now, and this is about A"
        );
    }

    #[test]
    fn the_first_trouble_is_kept() {
        let trouble = |message: &str| {
            Err(LedgerError {
                message: message.to_owned(),
                kind: LedgerErrorKind::Failed,
                source: None,
            })
        };
        let mut noted = Ok(());
        for known in [Ok(()), trouble("first"), trouble("second"), Ok(())] {
            keep_trouble(&mut noted, known);
        }
        assert_eq!(noted.expect_err("the first").message, "first");
    }
}
