//! How old a row of the journal is, and what that means for what was sent.

use std::time::Duration;

use crate::gateway::quiesce::QuiesceSent;
use crate::run::Engine;
use crate::run::ledger::{JournalEntry, Reply};

/// A request that was given up so long ago is not expected any more.
const ARRIVES_NO_MORE: Duration = Duration::from_secs(3600);

/// What is known of a quiesce, or a secure backup, whose process died.
pub(in crate::run) fn sent(engine: Engine<'_>, entry: &JournalEntry) -> QuiesceSent {
    let within = settles_within(engine, entry);
    let request = engine.file.timeouts_of(&entry.device).request;
    let is_old = age(engine, entry).is_some_and(|age| age >= request + ARRIVES_NO_MORE);
    match entry.reply {
        _ if entry.seen => QuiesceSent::Seen,
        // It was taken, whatever was shown: however old, it needs an unquiesce that is answered.
        Some(Reply::Accepted | Reply::Unclear) => QuiesceSent::Answered { shows_within: within },
        Some(Reply::None) | None if is_old => QuiesceSent::LongAgo,
        // An unquiesce that was sent after its time had come is not sent again.
        Some(Reply::None) | None => QuiesceSent::Unanswered {
            arrives_within: match entry.sent {
                true => Duration::ZERO,
                false => within,
            },
            undone_before: entry.sent,
        },
    }
}

/// How long what a dead run has sent may still be on its way: sending it took no longer
/// than a request may, and being carried out takes no longer than that again.
fn settles_within(engine: Engine<'_>, entry: &JournalEntry) -> Duration {
    let request = engine.file.timeouts_of(&entry.device).request;
    (request * 2).saturating_sub(age(engine, entry).unwrap_or_default())
}

/// How long ago a row was written, if it can be told.
fn age(engine: Engine<'_>, entry: &JournalEntry) -> Option<Duration> {
    let age = engine.clock.now().duration_since(entry.opened?);
    Some(Duration::try_from(age).unwrap_or_default())
}
