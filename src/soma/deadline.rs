//! Until when a request may last, the reading of its answer included.
//!
//! A wait for the network has limits of its own. Whatever works on what has arrived asks here
//! now and then, so that neither a limit nor a signal waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::values::timeouts::RequestLimit;

/// The end of a request, and the wish to end it before.
#[derive(Clone, Debug)]
pub struct Deadline {
    /// `None`: beyond what a clock can count to.
    ends: Option<Instant>,
    limit: RequestLimit,
    interrupted: Arc<AtomicBool>,
}

impl Deadline {
    /// From now on, so long, unless `interrupted` says so before.
    pub fn after(limit: RequestLimit, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            ends: Instant::now().checked_add(limit.time),
            limit,
            interrupted,
        }
    }

    /// No end at all: for what is in memory, and bounded by its size.
    #[cfg(test)]
    pub(super) fn never() -> Self {
        Self::after(RequestLimit::of_its_own(Duration::MAX), Arc::default())
    }

    /// An error once the time is over, or somebody has asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_interrupted() {
            return Err(Self::interrupted());
        }
        match self.left() {
            Some(left) if left.is_zero() => Err(self.over()),
            _ => Ok(()),
        }
    }

    /// What is left; `None`: no limit.
    pub fn left(&self) -> Option<Duration> {
        let ends = self.ends?;
        Some(ends.saturating_duration_since(Instant::now()))
    }

    /// How long all of it may last.
    pub(super) fn limit(&self) -> Duration {
        self.limit.time
    }

    /// Whether somebody has asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// What says that somebody has asked to stop, for whatever else ends with it.
    pub(super) fn interruption(&self) -> &Arc<AtomicBool> {
        &self.interrupted
    }

    /// The error of a request that is asked to stop.
    pub fn interrupted() -> SomaError {
        SomaError::new(
            SomaErrorKind::Interrupted,
            "ended because the run was asked to stop",
        )
    }

    /// The error of a request whose time is over.
    pub fn over(&self) -> SomaError {
        SomaError::new(
            SomaErrorKind::TimedOut,
            format!("no complete answer within {}", self.limit),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_says_that_the_time_is_over_and_that_somebody_asked_to_stop() {
        let kind = |deadline: &Deadline| deadline.check().map_err(|error| error.kind);
        let interrupted = Arc::new(AtomicBool::new(false));
        let far = Deadline::after(
            RequestLimit::of_its_own(Duration::from_secs(3600)),
            Arc::clone(&interrupted),
        );
        let over = Deadline::after(RequestLimit::of_its_own(Duration::ZERO), Arc::clone(&interrupted));
        assert_eq!(kind(&far), Ok(()));
        assert_eq!(kind(&over), Err(SomaErrorKind::TimedOut));
        assert_eq!(kind(&Deadline::never()), Ok(()));
        interrupted.store(true, Ordering::SeqCst);
        assert_eq!(kind(&far), Err(SomaErrorKind::Interrupted));
        assert_eq!(kind(&over), Err(SomaErrorKind::Interrupted));
    }
}
