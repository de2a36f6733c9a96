//! The documented exit codes.

use std::process::ExitCode;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything succeeded and was verified.
    Success,
    /// 1: at least one task failed.
    Failed,
    /// 2: usage, or the plan file is invalid; nothing was contacted.
    Usage,
    /// 3: nothing failed, but something was skipped, cancelled or warned.
    Warned,
    /// 4: the plan did not start.
    NotStarted,
    /// 5: locked by another run.
    Locked,
    /// 6: the history file cannot be used.
    History,
    /// 10: something may still be quiesced.
    StillQuiesced,
    /// 70: a mistake of ours.
    Internal,
    /// 128 + the signal: interrupted, cleaned up.
    Interrupted(i32),
    /// 1, 2 or 3: `history status` ends as monitoring plug-ins do.
    Monitored(Monitored),
}

/// What a monitoring plug-in says with its exit code, where not all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitored {
    /// 1: somebody should look.
    Warning,
    /// 2: somebody must act.
    Critical,
    /// 3: it cannot be told.
    Unknown,
}

impl Exit {
    /// Every code with its meaning, in the order of the documentation.
    pub const ALL: [(Exit, &'static str); 13] = [
        (Exit::Success, "everything succeeded and was verified"),
        (Exit::Failed, "at least one task failed"),
        (
            Exit::Usage,
            "usage, or the plan file is invalid; nothing was contacted",
        ),
        (
            Exit::Warned,
            "nothing failed, but something was skipped, cancelled or warned",
        ),
        (
            Exit::NotStarted,
            "the plan did not start: disabled, window, store, all skipped, pre-plan script",
        ),
        (Exit::Locked, "locked by another run"),
        (Exit::History, "the history file cannot be used"),
        (
            Exit::StillQuiesced,
            "something may still be quiesced, or nobody could look; goes before all others",
        ),
        (
            Exit::Internal,
            "an internal error, told and recorded like any failure",
        ),
        (Exit::Interrupted(SIGHUP), "interrupted by SIGHUP, cleaned up"),
        (Exit::Interrupted(SIGINT), "interrupted by SIGINT, cleaned up"),
        (Exit::Interrupted(SIGQUIT), "interrupted by SIGQUIT, cleaned up"),
        (Exit::Interrupted(SIGTERM), "interrupted by SIGTERM, cleaned up"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Warned => 3,
            Exit::NotStarted => 4,
            Exit::Locked => 5,
            Exit::History => 6,
            Exit::StillQuiesced => 10,
            Exit::Internal => 70,
            Exit::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            Exit::Monitored(Monitored::Warning) => 1,
            Exit::Monitored(Monitored::Critical) => 2,
            Exit::Monitored(Monitored::Unknown) => 3,
        }
    }

    /// The graver of two, for a process that ran several plans.
    #[must_use]
    pub fn or_graver(self, other: Exit) -> Exit {
        if other.gravity() > self.gravity() {
            other
        } else {
            self
        }
    }

    fn gravity(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Warned | Exit::Monitored(Monitored::Warning) => 1,
            Exit::Locked => 2,
            Exit::NotStarted => 3,
            Exit::Failed | Exit::Monitored(_) => 4,
            Exit::Usage => 5,
            Exit::History => 6,
            Exit::Interrupted(_) => 7,
            Exit::Internal => 8,
            Exit::StillQuiesced => 9,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 10, 70, 129, 130, 131, 143]);
    }

    #[test]
    fn something_still_quiesced_goes_before_all_others() {
        for (exit, _) in Exit::ALL {
            assert_eq!(exit.or_graver(Exit::StillQuiesced), Exit::StillQuiesced);
            assert_eq!(Exit::StillQuiesced.or_graver(exit), Exit::StillQuiesced);
            assert_eq!(exit.or_graver(Exit::Success), exit);
        }
    }
}
