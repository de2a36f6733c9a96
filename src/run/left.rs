//! What is left of the devices after something, as far as somebody looked.
//!
//! It is asked for in one place, after the last thing that could change it, and never assumed:
//! there is no default, and no error turns into one that says that nothing is left.

use crate::exit::Exit;
use crate::lock::{Life, Locks};
use crate::run::Engine;
use crate::run::event::{Certainty, Undo};
use crate::run::ledger::{JournalEntry, LostQuiesce};
use crate::run::record::Record;
use crate::values::causes::with_causes;
use crate::values::internal_error::caught;
use crate::values::invocation::{Invocation, quoted};

/// How often it is looked again at most, while other runs come and go.
const LOOKS: usize = 10;

/// What is left of the devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// The journal was read, and no quiesce is open in it but those of runs that are at work.
    Nothing,
    /// These quiesces are open in it.
    MayBeQuiesced(Vec<OpenRow>),
    /// It cannot be told.
    Unknown {
        why: WhyUnknown,
        /// What is known to be open all the same.
        open: Vec<OpenRow>,
    },
    /// Quiesces were written down that are in no journal any more: nobody has looked at them.
    NotInJournal {
        /// They.
        lost: Vec<LostQuiesce>,
        /// What else is known to be open.
        open: Vec<OpenRow>,
    },
}

/// Why it cannot be told what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyUnknown {
    /// The journal cannot be read, for this reason.
    Journal(String),
    /// The same, for the reason that is told with it.
    JournalAsTold,
    /// Another reason.
    Other(String),
}

impl std::fmt::Display for WhyUnknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Journal(why) => write!(f, "the journal cannot be read: {why}"),
            Self::JournalAsTold => f.write_str("the journal cannot be read"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// A quiesce whose row in the journal is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRow {
    /// The row.
    pub entry: JournalEntry,
    /// How this process has seen it undone, in words, though it could not write that down: whoever reads the
    /// journal does not know.
    pub undone: Option<String>,
}

impl Left {
    /// What the process ends with, if it would otherwise end with `otherwise`.
    pub fn exit(&self, otherwise: Exit) -> Exit {
        match self {
            Left::Nothing => otherwise,
            Left::MayBeQuiesced(_) | Left::Unknown { .. } | Left::NotInJournal { .. } => {
                otherwise.or_graver(Exit::StillQuiesced)
            }
        }
    }

    /// The same in words, with the command that looks again.
    pub fn words(&self, invocation: &Invocation) -> String {
        let recover = invocation.command(["recover"]);
        match self {
            Left::Nothing => "no quiesce is open in the journal".to_owned(),
            Left::MayBeQuiesced(open) => {
                let quiesced = quiesced(open)
                    .into_iter()
                    .map(|(certainty, rows)| match certainty {
                        Certainty::Seen => format!("{rows}: run {recover}"),
                        Certainty::NotKnown => format!("{rows}: look at it, and run {recover}"),
                    });
                let undone = undone(open).map(|rows| {
                    format!(
                        "open in the journal, for that could not be written down: {rows}; run {recover} as soon as \
                         the history can be written"
                    )
                });
                let parts: Vec<String> = quiesced.chain(undone).collect();
                parts.join("; ")
            }
            Left::Unknown { why, open } => {
                let undone = undone(open).map_or_else(String::new, |rows| format!("{rows}; "));
                let rows: Vec<String> = quiesced(open).into_iter().map(|(_, rows)| rows).collect();
                let known = match rows.is_empty() {
                    false => {
                        let rows = rows.join("; ");
                        format!("{rows}, and whether anything else is cannot be told ({why})")
                    }
                    true => format!("not known: whether anything is still quiesced cannot be told ({why})"),
                };
                format!("{undone}{known}; look at the devices, and run {recover} as soon as this is mended")
            }
            Left::NotInJournal { lost, open } => {
                let open = match open.is_empty() {
                    true => String::new(),
                    false => format!("{}; ", Left::MayBeQuiesced(open.clone()).words(invocation)),
                };
                format!("{open}{}", lost_words(lost, invocation))
            }
        }
    }
}

/// What is said of quiesces that are in no journal any more, with the commands that strike them out.
fn lost_words(lost: &[LostQuiesce], invocation: &Invocation) -> String {
    let named: Vec<String> = lost.iter().map(ToString::to_string).collect();
    let strike = |lost: &LostQuiesce| match &lost.device {
        Some(device) => invocation.command(["recover", "--forget", device]),
        None => format!("rm {}", quoted(&lost.witness.to_string_lossy())),
    };
    let mut commands: Vec<String> = lost.iter().map(|lost| format!("`{}`", strike(lost))).collect();
    commands.dedup();
    format!(
        "{}: {}: a run wrote that down before it died, and the history does not have it any more (it was \
         emptied, or another one was put in its place): nothing was undone by it; look at it, unquiesce what is quiesced \
         there and should not be, and run {}",
        Certainty::NotKnown.words(),
        named.join(", "),
        commands.join(", ")
    )
}

/// The same, where the journal is not all that was written down.
pub fn with_lost(left: Left, lost: Vec<LostQuiesce>) -> Left {
    match left {
        left if lost.is_empty() => left,
        Left::Nothing => Left::NotInJournal {
            lost,
            open: Vec::new(),
        },
        Left::MayBeQuiesced(open) | Left::NotInJournal { open, .. } => Left::NotInJournal { lost, open },
        Left::Unknown { why, open } => {
            let named: Vec<String> = lost.iter().map(ToString::to_string).collect();
            let why = format!("{why}; and what was written of {} is gone", named.join(", "));
            Left::Unknown {
                why: WhyUnknown::Other(why),
                open,
            }
        }
    }
}

/// Those of these rows that nobody has seen undone, under what is known of them: what the last look of whoever tried to
/// undo it showed is not said to be less certain than it was said then.
fn quiesced(open: &[OpenRow]) -> Vec<(Certainty, String)> {
    let rows = || {
        let rows = open.iter().filter(|row| row.undone.is_none());
        rows.map(|row| &row.entry)
    };
    let shown = rows().filter_map(|entry| Some(format!("{entry}, as seen at {:.0}", entry.shown?)));
    let others = rows().filter(|entry| entry.shown.is_none());
    let degrees = [
        (Certainty::Seen, shown.collect::<Vec<_>>()),
        (Certainty::NotKnown, others.map(ToString::to_string).collect()),
    ];
    let degrees = degrees.into_iter().filter(|(_, rows)| !rows.is_empty());
    degrees
        .map(|(certainty, rows)| (certainty, format!("{}: {}", certainty.words(), rows.join(", "))))
        .collect()
}

/// Those that this process has seen undone, with what it has seen.
fn undone(open: &[OpenRow]) -> Option<String> {
    let said = |row: &OpenRow| Some(format!("{}: {}", row.entry, row.undone.as_ref()?));
    let rows: Vec<String> = open.iter().filter_map(said).collect();
    (!rows.is_empty()).then(|| rows.join(", "))
}

/// The folders of this process that its journal has still: where a run ends before its recorded end, nobody else
/// tells of them.
pub fn folders(record: &Record<'_>, invocation: &Invocation) -> Option<String> {
    let rows = record.unconfirmed().into_iter();
    folders_of(
        rows.filter(|row| matches!(row.undo, Undo::RemoveFolder(_))),
        invocation,
    )
}

/// The same of these rows.
pub fn folders_of(rows: impl Iterator<Item = JournalEntry>, invocation: &Invocation) -> Option<String> {
    let rows: Vec<String> = rows.map(|row| row.to_string()).collect();
    let recover = invocation.command(["recover"]);
    (!rows.is_empty()).then(|| {
        format!(
            "a secure backup may have been left on a device: {}; {recover}, or the next run, removes it",
            rows.join(", ")
        )
    })
}

/// Looks into the journal. A row counts as long as it is open there: what this process has seen confirmed and
/// could not write down, nobody else knows.
pub fn look(engine: Engine<'_>, record: &mut Record<'_>) -> Left {
    settled(|| look_once(engine, record))
}

/// The same answer twice. Between a look into the journal and one at a process, a run that was at
/// work may have closed its row and ended: it is dead then, and its row is not open.
///
/// An error is what a look says that could not be taken: it is not tried again.
pub fn settled(mut look: impl FnMut() -> Result<Left, Left>) -> Left {
    let mut settle = || -> Result<Left, Left> {
        let mut left = look()?;
        for _ in 0..LOOKS {
            if left == Left::Nothing {
                break;
            }
            let before = std::mem::replace(&mut left, look()?);
            if left == before {
                break;
            }
        }
        Ok(left)
    };
    settle().unwrap_or_else(|left| left)
}

fn look_once(engine: Engine<'_>, record: &mut Record<'_>) -> Result<Left, Left> {
    let why = match caught(|| record.ledger().open_undos()) {
        Ok(Ok(rows)) => match caught(|| record.ledger().lost_quiesces()) {
            Ok(Ok(lost)) => return Ok(with_lost(look_at(engine, record, rows), lost)),
            Ok(Err(error)) => with_causes(&error),
            Err(error) => error.to_string(),
        },
        Ok(Err(error)) => with_causes(&error),
        Err(error) => error.to_string(),
    };
    let known = record.unconfirmed().into_iter().chain(record.unwritten());
    Err(Left::Unknown {
        why: WhyUnknown::Journal(why),
        open: known
            .filter(JournalEntry::is_quiesce)
            .map(|entry| with_undone(record, entry))
            .collect(),
    })
}

fn look_at(engine: Engine<'_>, record: &Record<'_>, rows: Vec<JournalEntry>) -> Left {
    let left = of_rows(rows.into_iter(), &|entry| match entry.process == engine.process {
        // Ours, and no task is at work any more.
        true => Life::Dead,
        false => life_of(engine.locks, entry),
    });
    let told = |open: Vec<OpenRow>| {
        let rows = open.into_iter().map(|row| with_undone(record, row.entry));
        rows.collect()
    };
    match left {
        Left::Nothing => Left::Nothing,
        Left::MayBeQuiesced(open) => Left::MayBeQuiesced(told(open)),
        Left::Unknown { why, open } => Left::Unknown {
            why,
            open: told(open),
        },
        Left::NotInJournal { lost, open } => Left::NotInJournal {
            lost,
            open: told(open),
        },
    }
}

fn with_undone(record: &Record<'_>, entry: JournalEntry) -> OpenRow {
    OpenRow {
        undone: record.how_confirmed(entry.id).map(str::to_owned),
        entry,
    }
}

/// Whether anybody is still at work by this row: its process, as its lock and the process itself tell. Where
/// neither can be seen (a container that is gone, on whichever machine), history is the witness.
pub fn life_of(locks: &Locks, entry: &JournalEntry) -> Life {
    match locks.life(&entry.process) {
        Life::NotKnown(_) if entry.plan_has_ended => Life::Dead,
        life => life,
    }
}

/// What these open rows of a journal leave.
pub fn of_rows(rows: impl Iterator<Item = JournalEntry>, life: &dyn Fn(&JournalEntry) -> Life) -> Left {
    let (mut open, mut unknown) = (Vec::new(), None);
    for entry in rows.filter(JournalEntry::is_quiesce) {
        let life = life(&entry);
        let row = OpenRow { entry, undone: None };
        match life {
            Life::Alive => {}
            Life::Dead => open.push(row),
            Life::NotKnown(why) => {
                unknown.get_or_insert(why);
                open.push(row);
            }
        }
    }
    match unknown {
        Some(why) => Left::Unknown {
            why: WhyUnknown::Other(why),
            open,
        },
        None if open.is_empty() => Left::Nothing,
        None => Left::MayBeQuiesced(open),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::run::event::TaskId;
    use crate::run::fixture::row;

    fn open(entry: JournalEntry, undone: Option<&str>) -> OpenRow {
        OpenRow {
            entry,
            undone: undone.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_seen_undone_and_not_written_down_is_said_beside_what_was_not() {
        let device = || open(row(Undo::UnquiesceDevice), None);
        let domain = || {
            let row = row(Undo::UnquiesceDomain("DOM1".to_owned()));
            open(row, Some("unquiesced and confirmed"))
        };
        let said = |left: Left| {
            assert_eq!(left.exit(Exit::History), Exit::StillQuiesced);
            left.words(&Invocation::default())
        };
        let why = || WhyUnknown::Journal("the disk".to_owned());
        let undone = "domain DOM1 of QA1 (task 1 of execution 1, since 1970-01-01T00:00:00Z): unquiesced and confirmed";
        for (open, quiesced) in [(vec![domain()], false), (vec![domain(), device()], true)] {
            let both = [
                said(Left::MayBeQuiesced(open.clone())),
                said(Left::Unknown { why: why(), open }),
            ];
            for words in both {
                assert!(words.contains(undone), "{words}");
                assert_eq!(words.contains("MAY BE QUIESCED: device QA1"), quiesced, "{words}");
                assert!(!words.contains("QUIESCED: domain DOM1"), "{words}");
            }
        }
    }

    #[test]
    fn what_the_last_try_to_undo_it_saw_quiesced_is_said_so_with_the_time_beside_what_nobody_could_see() {
        let device = open(row(Undo::UnquiesceDevice), None);
        let mut domain = open(row(Undo::UnquiesceDomain("DOM1".to_owned())), None);
        domain.entry.shown = Some(Timestamp::UNIX_EPOCH);
        let said = |open: Vec<OpenRow>| Left::MayBeQuiesced(open).words(&Invocation::default());
        let (task, seen) = (
            "(task 1 of execution 1, since 1970-01-01T00:00:00Z)",
            "as seen at 1970-01-01T00:00:00Z",
        );
        let is_seen = format!("STILL QUIESCED: domain DOM1 of QA1 {task}, {seen}: run dpbackup recover");
        assert_eq!(said(vec![domain.clone()]), is_seen);
        let both = said(vec![device, domain]);
        let may_be = format!("; MAY BE QUIESCED: device QA1 {task}: look at it, and run dpbackup recover");
        assert_eq!(both, format!("{is_seen}{may_be}"));
    }

    #[test]
    fn a_quiesce_counts_unless_its_process_is_at_work_and_a_folder_never() {
        let quiesce = || row(Undo::UnquiesceDevice);
        let left = |row: JournalEntry, life: fn() -> Life| of_rows(std::iter::once(row), &|_| life());
        assert_eq!(left(quiesce(), || Life::Alive), Left::Nothing);
        assert_eq!(
            left(quiesce(), || Life::Dead),
            Left::MayBeQuiesced(vec![open(quiesce(), None)])
        );
        let unknown = Left::Unknown {
            why: WhyUnknown::Other("a lock that is a link".to_owned()),
            open: vec![open(quiesce(), None)],
        };
        let not_known = || Life::NotKnown("a lock that is a link".to_owned());
        assert_eq!(left(quiesce(), not_known), unknown);
        let folder = row(Undo::RemoveFolder("temporary:///dpbackup-1".to_owned()));
        assert_eq!(left(folder, || Life::Dead), Left::Nothing);
        let import = row(Undo::Import {
            domain: "DOM1".to_owned(),
            before: Some(TaskId(7)),
        });
        assert_eq!(left(import, || Life::Dead), Left::Nothing);
    }

    #[test]
    fn a_quiesce_that_no_journal_has_any_more_is_told_with_what_strikes_it_out() {
        let lost = |device: Option<&str>, domain: Option<&str>| LostQuiesce {
            device: device.map(str::to_owned),
            domain: domain.map(str::to_owned),
            witness: "/h/history.db.locks/run-1-quiesce-7".into(),
        };
        assert_eq!(with_lost(Left::Nothing, Vec::new()), Left::Nothing);
        let all = || {
            vec![
                lost(Some("QA1"), Some("DOM1")),
                lost(Some("QA 2"), None),
                lost(None, None),
            ]
        };
        let left = with_lost(Left::Nothing, all());
        assert_eq!(left.exit(Exit::Success), Exit::StillQuiesced);
        let words = left.words(&Invocation::default());
        for part in [
            "MAY BE QUIESCED: domain DOM1 of QA1, device QA 2, a device that is not known",
            "run `dpbackup recover --forget QA1`, `dpbackup recover --forget 'QA 2'`, `rm \
             /h/history.db.locks/run-1-quiesce-7`",
        ] {
            assert!(words.contains(part), "{words}");
        }
        let open = vec![open(row(Undo::UnquiesceDevice), None)];
        let words = with_lost(Left::MayBeQuiesced(open.clone()), all()).words(&Invocation::default());
        assert!(
            words.contains("QUIESCED: device QA1 (task 1") && words.contains("domain DOM1"),
            "{words}"
        );
        let why = WhyUnknown::Journal("the disk".to_owned());
        let words = with_lost(Left::Unknown { why, open }, all()).words(&Invocation::default());
        assert!(
            words.contains("the disk") && words.contains("domain DOM1 of QA1"),
            "{words}"
        );
    }

    #[test]
    fn folders_that_may_be_left_are_told_with_what_removes_them_where_there_are_any() {
        let said = |rows: Vec<JournalEntry>| folders_of(rows.into_iter(), &Invocation::default());
        assert_eq!(said(Vec::new()), None);
        let folder = || row(Undo::RemoveFolder("temporary:///dpbackup-1".to_owned()));
        let task = "(task 1 of execution 1, since 1970-01-01T00:00:00Z)";
        let row = format!("temporary:///dpbackup-1 on QA1 {task}");
        assert_eq!(
            said(vec![folder(), folder()]),
            Some(format!(
                "a secure backup may have been left on a device: {row}, {row}; dpbackup recover, or the next run, removes it"
            ))
        );
    }

    #[test]
    fn a_row_that_was_closed_while_it_was_looked_at_is_not_left() {
        let unknown = |why: &str| Left::Unknown {
            why: WhyUnknown::Other(why.to_owned()),
            open: Vec::new(),
        };
        let mut looks = vec![Left::Nothing, unknown("a run that was just ending")];
        assert_eq!(settled(|| Ok(looks.pop().expect("a look"))), Left::Nothing);
        let mut looks = vec![unknown("b"), unknown("b"), unknown("a")];
        assert_eq!(settled(|| Ok(looks.pop().expect("a look"))), unknown("b"));
        // What is the same twice is not looked at a third time, what differs is.
        let mut looks = vec![unknown("a"), unknown("a")];
        assert_eq!(settled(|| Ok(looks.pop().expect("a look"))), unknown("a"));
        let mut looks = vec![unknown("c"), unknown("c"), unknown("b"), unknown("a")];
        assert_eq!(settled(|| Ok(looks.pop().expect("a look"))), unknown("c"));
        let mut looks = vec![unknown("a")];
        assert_eq!(settled(|| Err(looks.pop().expect("one look"))), unknown("a"));
    }
}
