//! One device, on which dead runs left something.

use crate::gateway::Gateway;
use crate::gateway::folder::RemoteFolder;
use crate::gateway::quiesce::{FirstWord, Scope};
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::client;
use crate::run::domains_seen::DomainsSeen;
use crate::run::error::RunTrouble;
use crate::run::event::{Certainty, Event, JournalId, Progress, StillQuiesced, Undo};
use crate::run::failure::words;
use crate::run::half_done::half_done;
use crate::run::held::{LockFor, LockOutcome, LockWait};
use crate::run::ledger::{JournalEntry, LedgerError, UndoStep};
use crate::run::not_seen::NotSeen;
use crate::run::record::Record;
use crate::run::recover::age::{backup_asked, import_is_over, quiesce_sent};
use crate::run::recover::rows::rows_for_devices;
use crate::run::recover::told::{RecoveredRow, StaysOpen, tell_recovered};
use crate::run::row_device::{MetDevice, NotTheDevice};
use crate::run::running_domain::RunningDomain;
use crate::run::undo::{LeftFolder, OpenQuiesce, Undone, remove_folder};
use crate::soma::error::SomaError;
use crate::values::causes::with_causes;
use crate::values::environment::scratch_folder;
use crate::values::restorable_domain::RestorableDomain;

/// Undoes what dead runs left on the device of this name: `entries`, as the journal had them when
/// it was read.
pub(super) fn recover_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    name: &str,
    entries: &[JournalEntry],
    recovered: &mut Vec<RecoveredRow>,
) -> Result<(), RunTrouble> {
    let Some(device) = engine.file.device(name) else {
        let path = engine.file.path.display();
        let why = match engine.file.is_whole {
            true => {
                format!("the plan file {path} has no device {name} any more: add it again")
            }
            false => format!(
                "what can be read of the plan file {path} has no device {name}: mend the file (`{}` shows what is \
                 wrong with it)",
                engine.file.invocation.command(["validate"])
            ),
        };
        return Ok(keep_all_open(engine, record, entries, &why, recovered)?);
    };
    let limit = engine.file.settings.unquiesce_timeout + engine.file.settings.quiesce_grace;
    let mut was_held = false;
    let taken = LockWait::of(engine, "recovery", limit).take(LockFor::Device(device), &mut |progress| {
        was_held |= matches!(progress, Progress::Waiting { .. });
        record.show(progress);
    });
    let rows = RowsAsRead {
        // What another run has done while it was waited for the journal alone tells.
        as_read: if was_held { &[] } else { entries },
        tried: &[],
    };
    let why = match taken {
        Ok(LockOutcome::Held(_lock)) => {
            return recover_held_device(engine, record, device, rows, recovered);
        }
        Ok(LockOutcome::Stopped) => "it was asked to stop while another run had the device".to_owned(),
        Ok(LockOutcome::Busy(holder)) => format!("the device is held by {holder}"),
        // Who would quiesce something now could not write that down, and a device is not left for that.
        Err(error) if error.is_of_a_silent_disk() && !was_held => {
            let outcome = recover_held_device(engine, record, device, rows, recovered);
            return outcome.and(Err(error.into()));
        }
        Err(error) => with_causes(&error),
    };
    Ok(keep_all_open(engine, record, entries, &why, recovered)?)
}

/// Rows as they were read before the lock of their device was held.
#[derive(Clone, Copy, Debug)]
pub(in crate::run) struct RowsAsRead<'r> {
    /// As the journal had them when it was read: what is quiesced by them is undone also where it cannot be read again.
    pub(in crate::run) as_read: &'r [JournalEntry],
    /// Left for another time.
    pub(in crate::run) tried: &'r [JournalId],
}

/// Undoes what dead runs left on a device whose lock the caller holds, or can nobody take now. The journal is
/// read only now: whoever held the lock before may have recovered it, and what somebody has
/// quiesced since then is not ours. Rows as they were read stand in for it where nobody held it since.
pub(in crate::run) fn recover_held_device(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    device: &Device,
    rows: RowsAsRead<'_>,
    recovered: &mut Vec<RecoveredRow>,
) -> Result<(), RunTrouble> {
    let RowsAsRead { as_read, tried } = rows;
    let mut trouble = None;
    let mut entries = match rows_for_devices(engine, record) {
        Ok((entries, _unclear)) => entries,
        Err(error) => {
            trouble = Some(error.into());
            let quiesces = as_read.iter().filter(|entry| entry.is_quiesce());
            quiesces.cloned().collect()
        }
    };
    entries.retain(|entry| {
        let is_told =
            matches!(entry.undo, Undo::Import { .. } | Undo::NotKnown { .. }) || tried.contains(&entry.id);
        entry.device == device.name && !is_told
    });
    if entries.is_empty() {
        return trouble.map_or(Ok(()), Err);
    }
    // What is out of service comes first: a folder may have to be waited for.
    entries.sort_by_key(|entry| !entry.is_quiesce());
    // A signal keeps nobody out of service who is: a folder may stay where it is until the next time.
    let is_more_than_a_folder = |entry: &JournalEntry| !matches!(entry.undo, Undo::RemoveFolder(_));
    let way_there = match entries.iter().any(is_more_than_a_folder) {
        true => client::shielded(engine, device),
        false => client::gateway(engine, device),
    };
    let gateway = match way_there {
        Ok(gateway) => gateway,
        Err(failure) => {
            let told = keep_all_open(engine, record, &entries, &failure.message, recovered);
            keep_first(told, &mut trouble);
            return trouble.map_or(Ok(()), Err);
        }
    };
    let way = |entry: &JournalEntry| (entry.peer_at(&device.address()), entry.has_own_serial());
    let mut left = entries.as_slice();
    for rows in entries.chunk_by(|one, other| way(one) == way(other)) {
        left = left.get(rows.len()..).unwrap_or_default();
        if let Err(refused) =
            recover_behind(engine, record, (device, &gateway), rows, recovered, &mut trouble)
        {
            // It would be refused at the next address as well.
            let told = keep_all_open(engine, record, left, &refused.0, recovered);
            keep_first(told, &mut trouble);
            break;
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// A device has refused the login: why, in words. It is not asked once for each row.
struct LoginRefused(String);

/// Undoes what is left behind one network address of a device, by rows that all go to that one.
fn recover_behind(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    (device, gateway): (&Device, &Gateway<'_>),
    entries: &[JournalEntry],
    recovered: &mut Vec<RecoveredRow>,
    trouble: &mut Option<RunTrouble>,
) -> Result<(), LoginRefused> {
    let mut serial = ToldSerial::default();
    let mut may_be_refused = true;
    for (number, entry) in entries.iter().enumerate() {
        if number == 0
            && let Some(peer) = entry.peer_at(&device.address())
        {
            gateway.go_to(peer, entry.serial.as_deref());
        }
        if may_be_refused && let Err(error) = answers(record, device, gateway) {
            let is_refused = error.kind.is_of_login();
            // A row after the first has its own time.
            if is_refused || number == 0 {
                let rest = entries.get(number..).unwrap_or_default();
                let why = not_reached(&error, entry, device);
                keep_first(keep_all_open(engine, record, rest, &why, recovered), trouble);
                return if is_refused {
                    Err(LoginRefused(why))
                } else {
                    Ok(())
                };
            }
        }
        let told = serial.for_row(gateway, entry);
        // Before the next row it is asked once more, for a login may have been refused at last.
        may_be_refused = recover_row(
            engine,
            record,
            (device, gateway),
            (entry, told),
            recovered,
            trouble,
        ) == IsBack::NotKnown;
    }
    Ok(())
}

/// Whether a row was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsBack {
    Yes,
    NotKnown,
}

/// Undoes what is left by one row, on a device that answers and has told this.
fn recover_row(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    (device, gateway): (&Device, &Gateway<'_>),
    (entry, told): (&JournalEntry, SerialTold),
    recovered: &mut Vec<RecoveredRow>,
    trouble: &mut Option<RunTrouble>,
) -> IsBack {
    let mut entry = entry.clone();
    if let Some(why) = is_another(engine, &entry, device, told.serial.as_deref()) {
        // Somebody else answered: of the device that is meant nothing was seen.
        let told = keep_open(engine, record, entry, Certainty::NotKnown, &why, recovered);
        keep_first(told, trouble);
        return IsBack::NotKnown;
    }
    let (undone, recorded) = match told.refused {
        // Who it is would be asked once more, and refused like it.
        Some(why) if !entry.is_quiesce() => (Undone::NotKnown(why), Ok(())),
        refused => {
            let first = refused.map_or(FirstWord::Look, |_| FirstWord::UnquiesceRefused);
            undo_row(engine, record, (gateway, first), &mut entry)
        }
    };
    keep_first(recorded, trouble);
    let outcome = match undone {
        Undone::Confirmed { how, .. } => Ok(how),
        Undone::Not(why) => Err(stays_open(engine, Certainty::Seen, &why)),
        Undone::NotKnown(why) => Err(stays_open(engine, Certainty::NotKnown, &why)),
    };
    let is_back = if outcome.is_ok() {
        IsBack::Yes
    } else {
        IsBack::NotKnown
    };
    recovered.push(RecoveredRow { entry, outcome });
    is_back
}

/// Why a device cannot be asked, and why no other address of its name is, where that is so.
fn not_reached(error: &SomaError, entry: &JournalEntry, device: &Device) -> String {
    let why = words(error);
    match entry.peer_at(&device.address()) {
        Some(peer) if !entry.has_own_serial() => format!(
            "{why}; {peer} answered for {} then, and no other address of that name is asked: no serial number of its own \
             would show that another device answers",
            device.name
        ),
        _ => why,
    }
}

/// Nothing where a device answers. One whose login is refused must be asked once, not once for each row; one
/// that answers otherwise than it should may take what it does not tell of.
fn answers(record: &mut Record<'_>, device: &Device, gateway: &Gateway<'_>) -> Result<(), SomaError> {
    record.show(&Progress::Asking {
        waiting_for: device.name.clone(),
        asked: 0,
        of: 1,
    });
    let answered = gateway.domains();
    record.show(&Progress::AskingEnded);
    match answered {
        Err(error) if !error.is_answer() => Err(error),
        _ => Ok(()),
    }
}

/// The serial number that a device tells, asked for once, and where a row has one to compare it with.
#[derive(Default)]
struct ToldSerial(Option<SerialTold>);

/// What came of the question.
#[derive(Clone)]
struct SerialTold {
    serial: Option<String>,
    /// Why the login was refused to it just now.
    refused: Option<String>,
}

impl ToldSerial {
    fn for_row(&mut self, gateway: &Gateway<'_>, entry: &JournalEntry) -> SerialTold {
        let unasked = || SerialTold {
            serial: None,
            refused: None,
        };
        if entry.serial.is_none() {
            return unasked();
        }
        let known = self.0.get_or_insert_with(|| match gateway.firmware() {
            Ok(firmware) => SerialTold {
                serial: firmware.serial,
                ..unasked()
            },
            Err(error) => SerialTold {
                refused: error.kind.is_of_login().then(|| words(&error)),
                ..unasked()
            },
        });
        let told = known.clone();
        // For the next row that was not just now.
        known.refused = None;
        told
    }
}

/// Keeps the first of several troubles.
pub(super) fn keep_first<E: Into<RunTrouble>>(outcome: Result<(), E>, first: &mut Option<RunTrouble>) {
    if let Err(trouble) = outcome {
        first.get_or_insert_with(|| trouble.into());
    }
}

/// Tells that these rows stay open, though nobody could look at the device now.
pub(super) fn keep_all_open(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    entries: &[JournalEntry],
    why: &str,
    recovered: &mut Vec<RecoveredRow>,
) -> Result<(), LedgerError> {
    for entry in entries {
        keep_open(engine, record, entry.clone(), Certainty::NotKnown, why, recovered)?;
    }
    Ok(())
}

/// Tells that a row stays open, and what is known of it.
pub(super) fn keep_open(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    entry: JournalEntry,
    certainty: Certainty,
    why: &str,
    recovered: &mut Vec<RecoveredRow>,
) -> Result<(), LedgerError> {
    let told = Event::StillQuiesced(StillQuiesced {
        row: entry.id,
        task: entry.task,
        device: entry.device.clone(),
        domain: entry.undo.domain().to_owned(),
        certainty,
        error: why.to_owned(),
    });
    let is_quiesce = entry.is_quiesce();
    let why = after_dry_run(engine, &entry, why);
    recovered.push(RecoveredRow {
        entry,
        outcome: Err(stays_open(engine, certainty, &why)),
    });
    match is_quiesce {
        true => record.tell(&told),
        false => Ok(()),
    }
}

fn stays_open(engine: Engine<'_>, certainty: Certainty, why: &str) -> StaysOpen {
    StaysOpen {
        why: why.to_owned(),
        certainty,
        advice: format!("run {}", engine.file.invocation.command(["recover"])),
    }
}

/// Why a row stays open, beside all that is to be said of it where it is one of a dry run.
fn after_dry_run(engine: Engine<'_>, entry: &JournalEntry, why: &str) -> String {
    let known = match entry.undo {
        Undo::DryRun { .. } => half_done(entry, &engine.file.invocation),
        _ => None,
    };
    match (known, why) {
        (Some(known), "") => known,
        (Some(known), why) => format!("{known} ({why})"),
        (None, why) => why.to_owned(),
    }
}

/// How a dry run is closed that has left everything as it was.
const AS_BEFORE: &str = "the domain is as it was before the dry run";

/// Nothing where a domain runs as it did before a dry run, or is not there as before, and the device is at work on nothing
/// that could change it.
fn is_as_before(
    engine: Engine<'_>,
    gateway: &Gateway<'_>,
    domain: &str,
    content: Option<&str>,
) -> Result<(), NotSeen> {
    let domain = RestorableDomain::named(domain).map_err(|error| NotSeen::NotKnown(error.to_string()))?;
    let asked = |error: SomaError| NotSeen::by(&error, |why| why);
    gateway.look_until_told(engine.stop, NotSeen::may_pass, &mut || {
        if let Some(content) = content {
            let runs = RunningDomain::take(gateway, &domain, &scratch_folder(engine.environment))?;
            if runs.content != content {
                return Err(NotSeen::Otherwise("it was exported, and compared".to_owned()));
            }
        }
        let domains = DomainsSeen::ask(gateway).map_err(asked)?;
        if content.is_none() && domains.or_configuration_has(gateway, &domain).map_err(asked)? {
            return Err(NotSeen::Otherwise("it was not there, and is now".to_owned()));
        }
        match domains.busy_since(&domains, domain.name()) {
            None => Ok(()),
            Some(busy) => Err(NotSeen::NotNow(busy)),
        }
    })
}

/// What came of it is known also where it could not be written down: then the row stays open.
fn undo_row(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    (gateway, first): (&Gateway<'_>, FirstWord),
    entry: &mut JournalEntry,
) -> (Undone, Result<(), LedgerError>) {
    let (mut undone, mut recorded) = match entry.undo.clone() {
        Undo::UnquiesceDevice => unquiesce(engine, record, (gateway, first), entry, &Scope::Device),
        Undo::UnquiesceDomain(domain) => {
            unquiesce(engine, record, (gateway, first), entry, &Scope::Domain(domain))
        }
        Undo::DryRun { domain, content, .. } => {
            look_after_dry_run(engine, record, gateway, entry, (&domain, content.as_deref()))
        }
        Undo::RemoveFolder(url) => remove_left_folder(engine, record, gateway, entry, &url),
        // What no device can tell is told before one is asked.
        Undo::NotKnown { .. } | Undo::Import { .. } => (Undone::NotKnown(entry.to_string()), Ok(())),
    };
    if let Undone::Confirmed { how, .. } = &mut undone {
        match recorded {
            Ok(()) => recorded = tell_recovered(record, entry, how),
            Err(_) => how.push_str("; that could not be written down"),
        }
    }
    (undone, recorded)
}

fn unquiesce(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    (gateway, first): (&Gateway<'_>, FirstWord),
    entry: &mut JournalEntry,
    scope: &Scope,
) -> (Undone, Result<(), LedgerError>) {
    let open = OpenQuiesce::of_row(entry, scope, quiesce_sent(engine, entry), first);
    let (undone, recorded) = open.undo(Ok(gateway), &engine.file.settings, record);
    match &undone {
        Undone::Confirmed { seen, .. } => entry.seen |= *seen,
        Undone::Not(_) => entry.seen = true,
        Undone::NotKnown(_) => {}
    }
    (undone, recorded)
}

fn look_after_dry_run(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    gateway: &Gateway<'_>,
    entry: &mut JournalEntry,
    (domain, content): (&str, Option<&str>),
) -> (Undone, Result<(), LedgerError>) {
    let seen = match import_is_over(engine, entry) {
        true => is_as_before(engine, gateway, domain, content),
        // It may have been no dry run, and come yet.
        false => Err(NotSeen::NotNow(String::new())),
    };
    match seen {
        Ok(()) => {
            let undone = Undone::Confirmed {
                how: AS_BEFORE.to_owned(),
                seen: true,
            };
            (undone, record.close_undo(entry.id, AS_BEFORE))
        }
        Err(not_seen) => {
            let mut recorded = Ok(());
            if let NotSeen::Otherwise(_) = not_seen {
                recorded = record.step_undo(entry.id, UndoStep::Seen);
                entry.seen = true;
            }
            let why = after_dry_run(engine, entry, &not_seen.why());
            (Undone::NotKnown(why), recorded)
        }
    }
}

fn remove_left_folder(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    gateway: &Gateway<'_>,
    entry: &JournalEntry,
    url: &str,
) -> (Undone, Result<(), LedgerError>) {
    let left = LeftFolder {
        journal: entry.id,
        folder: &RemoteFolder::at(url),
        device: &entry.device,
        meant: entry.serial.as_deref(),
        asked: backup_asked(engine, entry),
    };
    let (removed, recorded) = remove_folder(gateway, left, gateway.timeouts().request, record);
    let undone = match removed {
        Ok(removed) => Undone::Confirmed {
            how: removed.how().to_owned(),
            seen: entry.seen,
        },
        Err(stays) => Undone::NotKnown(stays.to_string()),
    };
    (undone, recorded)
}

/// Why the device that its name leads to now is not the one that a row is about, as far as
/// address and serial number tell.
fn is_another(
    engine: Engine<'_>,
    entry: &JournalEntry,
    device: &Device,
    found: Option<&str>,
) -> Option<String> {
    let there = device.address();
    let name = &entry.device;
    let met = MetDevice {
        name: &device.name,
        address: Some(there.clone()),
        serial: found,
    };
    let why = match met.is_not_that_of(entry)? {
        NotTheDevice::SharedSerial { was, serial } => format!(
            "{name} leads to {there} now, and this is about the device at {was}: that both have the serial number {serial} \
             proves nothing, for every container has it"
        ),
        NotTheDevice::Serial { meant, found } => format!(
            "{name} leads to the device with serial number {found} at {there} now, and this is about {meant} at {}",
            entry
                .address
                .as_ref()
                .map_or_else(|| "an address that is not known".to_owned(), ToString::to_string)
        ),
        NotTheDevice::Address { was } => {
            format!("{name} leads to {there} now, and this is about the device at {was}")
        }
    };
    let by_hand = match &entry.undo {
        Undo::RemoveFolder(folder) => format!("remove {folder} from it by hand"),
        Undo::UnquiesceDevice | Undo::UnquiesceDomain(_) => "unquiesce it by hand".to_owned(),
        Undo::Import { .. } | Undo::DryRun { .. } | Undo::NotKnown { .. } => "see to it by hand".to_owned(),
    };
    let whose = match &entry.undo {
        Undo::DryRun { domain, .. } => format!("{}/{domain}", entry.device),
        _ => entry.device.clone(),
    };
    let forget = engine.file.invocation.command(["recover", "--forget", &whose]);
    Some(format!(
        "{why}; let the plan file lead to it again, or {by_hand} and run `{forget}`"
    ))
}
