//! What must be undone, and what is known of it afterwards.

use std::time::Duration;

use crate::run::event::opening::{JournalId, TaskId};
use crate::values::all_domains::ALL_DOMAINS;

/// What must be undone on a device, written down before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Unquiesce the whole device.
    UnquiesceDevice,
    UnquiesceDomain(String),
    /// Remove this folder of ours, `temporary:///dpbackup-…`.
    RemoveFolder(String),
    /// An import into this domain, which nobody but a person can take back: the task before it
    /// backed up what was there.
    Import {
        domain: String,
        /// The task that took what was there before; unknown where the row does not say.
        before: Option<TaskId>,
    },
    /// A dry run of such an import, and nothing more: the device was to be left as it was, and an answer does not prove
    /// that it was.
    DryRun {
        domain: String,
        /// The task that took what was there before; unknown where the row does not say.
        before: Option<TaskId>,
        /// Hash over what ran in the domain before it, blind to volatile details; `None` where the device did not have
        /// the domain.
        content: Option<String>,
    },
    /// The row cannot be relied on: something may be quiesced.
    NotKnown {
        /// What is wrong with it, `it cannot be read`.
        why: String,
    },
}

impl Undo {
    /// Whether something is out of service until it is undone, or may be.
    pub fn is_quiesce(&self) -> bool {
        !matches!(
            self,
            Undo::RemoveFolder(_) | Undo::Import { .. } | Undo::DryRun { .. }
        )
    }

    /// The domain it concerns; `all-domains` for the whole device.
    pub fn domain(&self) -> &str {
        match self {
            Undo::UnquiesceDomain(domain) | Undo::Import { domain, .. } | Undo::DryRun { domain, .. } => {
                domain
            }
            Undo::UnquiesceDevice | Undo::RemoveFolder(_) | Undo::NotKnown { .. } => ALL_DOMAINS,
        }
    }
}

/// Whether what a task backed up was out of service for it, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfService {
    /// It was not quiesced.
    Never,
    /// From the quiesce that was sent to the unquiesce that the device confirmed.
    For(Duration),
    /// A quiesce was sent, and nobody saw the end.
    NotKnown,
}

impl OutOfService {
    /// Whether a quiesce was sent.
    pub fn is_quiesced(self) -> bool {
        self != OutOfService::Never
    }

    /// How long, in seconds, where that is known and it was at all.
    pub fn seconds(self) -> Option<f64> {
        match self {
            OutOfService::For(time) => Some(time.as_millis() as f64 / 1000.0),
            OutOfService::Never | OutOfService::NotKnown => None,
        }
    }
}

impl std::fmt::Display for OutOfService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OutOfService::Never => f.write_str("no"),
            OutOfService::For(time) => write!(f, "{:.1} s", time.as_secs_f64()),
            OutOfService::NotKnown => f.write_str("not known"),
        }
    }
}

/// What is known of a quiesce that was not confirmed to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The last look at the device showed it.
    Seen,
    /// Whether the device stands in it now, or will, is not known.
    NotKnown,
}

impl Certainty {
    /// The words that nobody overlooks.
    pub fn words(self) -> &'static str {
        match self {
            Certainty::Seen => "STILL QUIESCED",
            Certainty::NotKnown => "MAY BE QUIESCED",
        }
    }
}

/// A device or a domain that could not be confirmed to be at work again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillQuiesced {
    pub row: JournalId,
    /// The task that quiesced.
    pub task: TaskId,
    pub device: String,
    /// The domain, or `all-domains`.
    pub domain: String,
    /// Whether it was seen quiesced.
    pub certainty: Certainty,
    /// What stands in the way.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_device_was_out_of_service_is_told_to_the_millisecond() {
        let lasted = OutOfService::For(Duration::from_millis(12_345));
        assert_eq!(lasted.seconds(), Some(12.345));
        assert_eq!(OutOfService::Never.seconds(), None);
        assert_eq!(OutOfService::NotKnown.seconds(), None);
    }
}
