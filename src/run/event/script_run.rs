//! One run of a script.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

/// When a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScriptMoment {
    /// Before.
    Pre,
    /// After.
    Post,
}

/// One run of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptRun {
    /// Before or after.
    pub moment: ScriptMoment,
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// When it started.
    pub started: Timestamp,
    /// How long it ran.
    pub duration: Duration,
    /// How it ended.
    pub end: ScriptEnd,
    /// The last 64 KiB of what it printed.
    pub output: String,
    /// How many bytes it printed in all.
    pub output_bytes: u64,
}

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

impl std::fmt::Display for ScriptEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ScriptEnd::Code(code) => write!(f, "return code {code}"),
            ScriptEnd::Signal(signal) => write!(f, "ended by signal {signal}"),
            ScriptEnd::TimedOut(limit) => {
                write!(
                    f,
                    "ended after its timeout of {}",
                    humantime::format_duration(*limit)
                )
            }
            ScriptEnd::Interrupted => f.write_str("ended because the run was interrupted"),
            ScriptEnd::NotStarted(why) => write!(f, "could not be started: {why}"),
        }
    }
}
