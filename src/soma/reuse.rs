//! Whether a connection may carry another request.
//!
//! A kept connection saves a TLS handshake for each request. But a device may close it
//! after every answer without having said so, at once or a moment later, and whoever
//! sends meanwhile cannot tell whether the device has read the request. Only an answer
//! over a used connection proves that a device keeps its connections: one that closes
//! after every answer never gives such an answer, however late it closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ureq::unversioned::transport::{ConnectionDetails, Connector};

use crate::soma::request::Effect;

/// How long a connection may have been idle to carry a question, which can be asked again.
pub(crate) const IDLE_FOR_QUESTIONS: Duration = Duration::from_secs(60);

/// How long it may have been idle to carry an export, which costs the device some work. Devices close
/// connections that were idle for longer.
const IDLE_FOR_EXPORTS: Duration = Duration::from_secs(2);

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
    pub(crate) fn longest_idle(&self, effect: Effect) -> Duration {
        if self.0.broke.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        match effect {
            Effect::Question => IDLE_FOR_QUESTIONS,
            Effect::Export if self.0.answered.load(Ordering::Relaxed) => IDLE_FOR_EXPORTS,
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
    fn an_export_waits_for_proof_and_for_a_fresh_look_and_a_change_has_its_own_connection() {
        let reuse = Reuse::default();
        let idle = |effect| reuse.longest_idle(effect);
        assert_eq!(idle(Effect::Question), IDLE_FOR_QUESTIONS);
        assert_eq!(idle(Effect::Export), Duration::ZERO);
        reuse.answered();
        assert_eq!(idle(Effect::Question), IDLE_FOR_QUESTIONS);
        assert_eq!(idle(Effect::Export), IDLE_FOR_EXPORTS);
        assert_eq!(idle(Effect::Change), Duration::ZERO);
    }

    #[test]
    fn after_one_break_no_connection_to_the_device_is_used_again() {
        let reuse = Reuse::default();
        let elsewhere = reuse.clone();
        reuse.answered();
        reuse.broke();
        reuse.answered();
        for effect in [Effect::Question, Effect::Export, Effect::Change] {
            assert_eq!(elsewhere.longest_idle(effect), Duration::ZERO);
        }
    }
}
