//! How old a row of the journal is at least, and what that means for what was sent.
//!
//! The time of day proves nothing: a machine that started without knowing it, or slept, is put hours forward
//! at once. How long it has been up is set by nobody, and means something within one boot.

use std::time::Duration;

use crate::gateway::folder_removal::BackupAsked;
use crate::gateway::quiesce::QuiesceSent;
use crate::lock::Locks;
use crate::run::Engine;
use crate::run::event::Undo;
use crate::run::ledger::{JournalEntry, Reply};
use crate::run::record::Record;
use crate::values::boot_time::BootTime;

/// A request that was given up so long ago is not expected any more.
const ARRIVES_NO_MORE: Duration = Duration::from_secs(3600);

/// What the age of a row says of what was sent.
struct RowAge {
    /// Whether that is not expected any more.
    is_old: bool,
    /// How long it may still be on its way: sending it took no longer than a request may, and then it has to begin.
    settles_within: Duration,
}

impl RowAge {
    fn known(engine: Engine<'_>, entry: &JournalEntry) -> Self {
        let request = engine.file.timeouts_of(&entry.device).request;
        Self::of(
            entry,
            age(engine, entry),
            request,
            engine.file.settings.quiesce_timeout,
        )
    }

    fn of(entry: &JournalEntry, age: Duration, request: Duration, connections: Duration) -> Self {
        let begins = begins_within(&entry.undo, entry.reply, request, connections);
        Self {
            is_old: age >= request + ARRIVES_NO_MORE,
            settles_within: (request + begins).saturating_sub(age),
        }
    }
}

/// What is known of a quiesce whose process died.
pub(in crate::run) fn quiesce_sent(engine: Engine<'_>, entry: &JournalEntry) -> QuiesceSent {
    quiesce_at(entry, &RowAge::known(engine, entry))
}

fn quiesce_at(entry: &JournalEntry, age: &RowAge) -> QuiesceSent {
    match entry.reply {
        _ if entry.seen => QuiesceSent::Seen {
            all_within: Duration::ZERO,
        },
        // It was taken, whatever was shown: however old, it needs an unquiesce that is answered.
        Some(Reply::Accepted | Reply::Unclear) => QuiesceSent::Answered {
            shows_within: age.settles_within,
        },
        Some(Reply::Silence) | None if age.is_old => QuiesceSent::LongAgo,
        // An unquiesce that was sent after its time had come is not sent again.
        Some(Reply::Silence) | None => QuiesceSent::Unanswered {
            arrives_within: match entry.sent {
                true => Duration::ZERO,
                false => age.settles_within,
            },
            undone_before: entry.sent,
        },
    }
}

/// What is known of a secure backup whose process died.
pub(super) fn backup_asked(engine: Engine<'_>, entry: &JournalEntry) -> BackupAsked {
    backup_at(entry, &RowAge::known(engine, entry))
}

fn backup_at(entry: &JournalEntry, age: &RowAge) -> BackupAsked {
    if entry.seen || age.is_old {
        return BackupAsked::Answered {
            begins_within: Duration::ZERO,
        };
    }
    let within = age.settles_within;
    match entry.reply {
        Some(Reply::Accepted) => BackupAsked::Taken {
            begins_within: within,
        },
        // What was answered otherwise than with OK was not taken, by the device's own word.
        Some(Reply::Unclear) => BackupAsked::Answered {
            begins_within: within,
        },
        Some(Reply::Silence) | None => BackupAsked::Unanswered {
            arrives_within: within,
        },
    }
}

/// How long what is to be undone so may take to begin, when the device has answered so: no longer than a request.
/// A quiesce that it has taken may begin until the time is over that it lets `connections` finish; and a device
/// that is quiesced as a whole takes one domain after another.
pub(in crate::run) fn begins_within(
    undo: &Undo,
    reply: Option<Reply>,
    request: Duration,
    connections: Duration,
) -> Duration {
    match (undo, reply) {
        (Undo::UnquiesceDevice, _) | (Undo::UnquiesceDomain(_), Some(Reply::Accepted | Reply::Unclear)) => {
            request.max(connections)
        }
        (Undo::UnquiesceDomain(_), Some(Reply::Silence) | None)
        | (Undo::RemoveFolder(_) | Undo::Import { .. } | Undo::DryRun { .. } | Undo::NotKnown { .. }, _) => {
            request
        }
    }
}

/// Whether an import whose process died, or a dry run of one, is over: the device has said what became of it, or it was given up so
/// long ago that it is not expected any more.
pub(in crate::run) fn import_is_over(engine: Engine<'_>, entry: &JournalEntry) -> bool {
    let longest = engine.file.timeouts_of(&entry.device).export;
    is_over(entry.reply, age(engine, entry), longest)
}

fn is_over(reply: Option<Reply>, age: Duration, longest: Duration) -> bool {
    match reply {
        Some(Reply::Accepted) => true,
        // An answer that says nothing of the objects may come before they are touched.
        Some(Reply::Unclear | Reply::Silence) | None => age >= longest + ARRIVES_NO_MORE,
    }
}

/// Writes down of a row that stood in no moment of this boot, as far as it knows, that it stands now: from
/// now on its age can be told.
pub(super) fn stands(engine: Engine<'_>, record: &mut Record<'_>, entry: &JournalEntry) {
    let Some(now) = engine.clock.boot_time() else {
        return;
    };
    if entry.stood.iter().any(|moment| moment.boot == now.boot) {
        return;
    }
    let up = match Locks::is_of_an_earlier_boot(&entry.process) {
        true => Duration::ZERO,
        false => now.up,
    };
    // Without it the row is only taken for younger than it is.
    let _ = record.ledger().undo_stood(entry.id, &BootTime { up, ..now });
}

/// How old a row is at least. Nothing where that cannot be proved.
fn age(engine: Engine<'_>, entry: &JournalEntry) -> Duration {
    let Some(now) = engine.clock.boot_time() else {
        return Duration::ZERO;
    };
    let proved = entry.stood.iter().filter_map(|moment| now.since(moment)).max();
    proved.unwrap_or(match Locks::is_of_an_earlier_boot(&entry.process) {
        true => now.up,
        false => Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::row;

    #[test]
    fn what_was_taken_may_begin_as_long_as_connections_may_take_to_end_and_all_else_within_a_request() {
        let (request, connections) = (Duration::from_secs(60), Duration::from_secs(300));
        let domain = || Undo::UnquiesceDomain("DOM1".to_owned());
        let within = |undo: Undo, reply| begins_within(&undo, reply, request, connections);
        for reply in [
            None,
            Some(Reply::Silence),
            Some(Reply::Unclear),
            Some(Reply::Accepted),
        ] {
            assert_eq!(within(Undo::UnquiesceDevice, reply), connections, "{reply:?}");
            assert_eq!(
                within(Undo::RemoveFolder(String::new()), reply),
                request,
                "{reply:?}"
            );
            let taken = matches!(reply, Some(Reply::Unclear | Reply::Accepted));
            let longest = if taken { connections } else { request };
            assert_eq!(within(domain(), reply), longest, "{reply:?}");
        }
    }

    #[test]
    fn what_a_dead_run_has_sent_is_expected_for_an_hour_after_it_was_given_up() {
        let (request, connections) = (Duration::from_secs(60), Duration::from_secs(300));
        let entry = |reply, seen, sent| {
            let mut entry = row(Undo::UnquiesceDevice);
            (entry.reply, entry.seen, entry.sent) = (reply, seen, sent);
            entry
        };
        let late = request + ARRIVES_NO_MORE;
        let soon = late - Duration::from_secs(1);
        let at = |entry: &JournalEntry, age: Duration| RowAge::of(entry, age, request, connections);
        let quiesce = |entry: &JournalEntry, age: Duration| quiesce_at(entry, &at(entry, age));
        let backup = |entry: &JournalEntry, age: Duration| backup_at(entry, &at(entry, age));
        let (zero, all) = (Duration::ZERO, request + connections);
        let ten = Duration::from_secs(10);
        for reply in [None, Some(Reply::Silence)] {
            let unanswered = |arrives_within, undone_before| QuiesceSent::Unanswered {
                arrives_within,
                undone_before,
            };
            let bare = entry(reply, false, false);
            assert_eq!(quiesce(&bare, ten), unanswered(all - ten, false));
            assert_eq!(quiesce(&bare, soon), unanswered(zero, false));
            assert_eq!(quiesce(&bare, late), QuiesceSent::LongAgo);
            assert_eq!(quiesce(&entry(reply, false, true), ten), unanswered(zero, true));
            let arrives_within = all - ten;
            assert_eq!(backup(&bare, ten), BackupAsked::Unanswered { arrives_within });
        }
        for reply in [Reply::Accepted, Reply::Unclear] {
            let taken = entry(Some(reply), false, false);
            for (age, shows_within) in [(ten, all - ten), (late, zero)] {
                assert_eq!(quiesce(&taken, age), QuiesceSent::Answered { shows_within });
            }
            let begins_within = all - ten;
            assert_eq!(
                backup(&taken, ten),
                match reply {
                    Reply::Accepted => BackupAsked::Taken { begins_within },
                    Reply::Unclear | Reply::Silence => BackupAsked::Answered { begins_within },
                }
            );
        }
        let seen = entry(None, true, false);
        assert_eq!(quiesce(&seen, late), QuiesceSent::Seen { all_within: zero });
        let begins_within = zero;
        for (entry, age) in [(seen, ten), (entry(Some(Reply::Accepted), false, false), late)] {
            assert_eq!(backup(&entry, age), BackupAsked::Answered { begins_within });
        }
    }

    #[test]
    fn an_import_without_an_answer_that_tells_is_expected_for_an_hour_after_it_was_given_up() {
        let longest = Duration::from_secs(1800);
        let (soon, late) = (longest + ARRIVES_NO_MORE / 2, longest + ARRIVES_NO_MORE);
        for reply in [None, Some(Reply::Silence), Some(Reply::Unclear)] {
            assert!(!is_over(reply, soon, longest), "{reply:?}");
            assert!(is_over(reply, late, longest), "{reply:?}");
        }
        assert!(is_over(Some(Reply::Accepted), Duration::ZERO, longest));
    }
}
