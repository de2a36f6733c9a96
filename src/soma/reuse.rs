//! Whether a connection may carry another request.
//!
//! A kept connection saves a TLS handshake for each request. But a device may close it
//! after every answer without having said so, at once or a moment later, and whoever
//! sends meanwhile cannot tell whether the device has read the request. Only an answer
//! over a used connection proves that a device keeps its connections: one that closes
//! after every answer never gives such an answer, however late it closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use ureq::unversioned::transport::{ConnectionDetails, Connector};

use crate::soma::request::Effect;

/// How long a connection may have been idle to carry a question, which can be asked again.
pub(crate) const IDLE_FOR_QUESTIONS: Duration = Duration::from_secs(60);

/// How long it may have been idle to carry an export, which costs the device some work. Devices close
/// connections that were idle for longer.
const IDLE_FOR_EXPORTS: Duration = Duration::from_secs(2);

/// How long it may have been idle to carry a change: the answer to a question has just come over it.
const IDLE_FOR_CHANGES: Duration = Duration::from_secs(2);

/// How much a connection may have carried to carry a change: as much as it takes to ask a device who it is, and not
/// more, for some devices end a connection after a few answers.
const ASKED_WHO_IT_IS: u32 = 3;

/// A used connection that breaks later than this after a request was sent was not closed before it: whoever was at
/// work for so long has read what it was asked for.
const BREAKS_AT_ONCE: Duration = Duration::from_secs(2);

/// Whether a used connection that broke so long after a request was sent may have been closed before the request
/// could be read.
pub(crate) fn may_be_unread(after: Duration) -> bool {
    after < BREAKS_AT_ONCE
}

/// What a device has shown about used connections, shared by all conversations with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reuse(Arc<Shown>);

#[derive(Debug, Default)]
struct Shown {
    answered: AtomicBool,
    broke: AtomicBool,
}

impl Reuse {
    /// How long a connection may have been idle to carry such a request. Zero: it needs a new
    /// connection.
    pub(crate) fn longest_idle(&self, effect: Effect, carried: Carried) -> Duration {
        if self.0.broke.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let is_proved = self.0.answered.load(Ordering::Relaxed);
        match effect {
            Effect::Question => IDLE_FOR_QUESTIONS,
            Effect::Export if is_proved => IDLE_FOR_EXPORTS,
            Effect::Change if is_proved && carried.0 <= ASKED_WHO_IT_IS => IDLE_FOR_CHANGES,
            Effect::Export | Effect::Change => Duration::ZERO,
        }
    }

    /// A request over a used connection was answered.
    pub(crate) fn answered(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// A used connection broke before an answer came: from now on none is used again.
    pub(crate) fn broke(&self) {
        self.0.broke.store(true, Ordering::Relaxed);
    }
}

/// How many requests the newest connection has carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried(u32);

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct CarriedCount(AtomicU32);

impl CarriedCount {
    /// How many by now.
    pub(crate) fn now(&self) -> Carried {
        Carried(self.0.load(Ordering::Relaxed))
    }

    /// Whether the newest request went over the connection of the one before it.
    pub(crate) fn is_of_one_before(&self) -> bool {
        self.now().0 > 1
    }

    /// One more was sent, over the newest connection or over a new one.
    pub(crate) fn sent(&self, reused: bool) {
        let before = if reused { self.now().0 } else { 0 };
        self.0.store(before.saturating_add(1), Ordering::Relaxed);
    }
}

/// Stands in front of the connector and counts the connections that it is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionsAsked(Arc<AtomicU64>);

impl ConnectionsAsked {
    /// How many so far.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connector for ConnectionsAsked {
    type Out = ();

    fn connect(
        &self,
        _details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<()>, ureq::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(chained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_waits_for_proof_and_for_a_fresh_look_and_a_change_for_a_connection_that_has_carried_little()
    {
        let reuse = Reuse::default();
        let idle = |effect| reuse.longest_idle(effect, Carried(ASKED_WHO_IT_IS + 1));
        assert_eq!(idle(Effect::Question), IDLE_FOR_QUESTIONS);
        assert_eq!(idle(Effect::Export), Duration::ZERO);
        reuse.answered();
        assert_eq!(idle(Effect::Question), IDLE_FOR_QUESTIONS);
        assert_eq!(idle(Effect::Export), IDLE_FOR_EXPORTS);
        assert_eq!(idle(Effect::Change), Duration::ZERO);
    }

    #[test]
    fn what_breaks_after_some_work_was_read() {
        assert!(may_be_unread(Duration::from_millis(300)));
        assert!(!may_be_unread(Duration::from_secs(3)));
    }

    #[test]
    fn a_change_goes_over_a_connection_that_has_carried_little_but_who_the_device_is() {
        let reuse = Reuse::default();
        let count = CarriedCount::default();
        for reused in [true, true, true, true, false] {
            count.sent(reused);
        }
        let idle = |carried| reuse.longest_idle(Effect::Change, carried);
        assert_eq!(count.now(), Carried(1));
        assert_eq!(idle(count.now()), Duration::ZERO, "not proved yet");
        reuse.answered();
        assert_eq!(idle(count.now()), IDLE_FOR_CHANGES);
        count.sent(true);
        count.sent(true);
        assert_eq!(idle(count.now()), IDLE_FOR_CHANGES);
        count.sent(true);
        assert_eq!(idle(count.now()), Duration::ZERO);
    }

    #[test]
    fn after_one_break_no_connection_to_the_device_is_used_again() {
        let reuse = Reuse::default();
        let elsewhere = reuse.clone();
        reuse.answered();
        reuse.broke();
        reuse.answered();
        for effect in [Effect::Question, Effect::Export, Effect::Change] {
            assert_eq!(elsewhere.longest_idle(effect, Carried(1)), Duration::ZERO);
        }
    }
}
