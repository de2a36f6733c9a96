//! How a script ended.

use std::fmt;
use std::time::Duration;

use crate::values::duration::HumanDuration;

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    /// With a return code; 0 is success.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was ended at its timeout.
    TimedOut(Duration),
    /// It was ended because the run was interrupted.
    Interrupted,
    /// It could not be started.
    NotStarted(String),
}

impl ScriptEnd {
    /// Whether the script did its work.
    pub fn is_success(&self) -> bool {
        *self == ScriptEnd::Code(0)
    }
}

impl fmt::Display for ScriptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScriptEnd::Code(code) => write!(f, "return code {code}"),
            ScriptEnd::Signal(signal) => write!(f, "ended by signal {signal}"),
            ScriptEnd::TimedOut(limit) => {
                write!(
                    f,
                    "ended after its timeout of {} (`script_timeout`)",
                    HumanDuration(*limit)
                )
            }
            ScriptEnd::Interrupted => f.write_str("ended because the run was interrupted"),
            ScriptEnd::NotStarted(why) => write!(f, "could not be started: {why}"),
        }
    }
}
