//! One run of a script.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::values::script_end::ScriptEnd;

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
    pub path: PathBuf,
    pub arguments: Vec<String>,
    pub started: Timestamp,
    /// How long it ran.
    pub duration: Duration,
    pub end: ScriptEnd,
    /// The last 64 KiB of what it printed.
    pub output: String,
    /// How many bytes it printed in all.
    pub output_bytes: u64,
}

/// So many characters of the last line of a script stand in a message.
const LINE: usize = 200;

impl ScriptRun {
    /// How it ended, with the last line that it printed where that was not well.
    pub fn how(&self) -> String {
        let end = &self.end;
        match self.output.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(last) if !end.is_success() => {
                let shown: String = last.chars().take(LINE).collect();
                let more = if shown.len() < last.len() { "…" } else { "" };
                format!("{end}; its last line: {shown}{more}")
            }
            _ => end.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(end: ScriptEnd, output: &str) -> String {
        let script = ScriptRun {
            moment: ScriptMoment::Pre,
            path: PathBuf::from("pre.sh"),
            arguments: Vec::new(),
            started: Timestamp::UNIX_EPOCH,
            duration: Duration::ZERO,
            end,
            output: output.to_owned(),
            output_bytes: 0,
        };
        script.how()
    }

    #[test]
    fn a_script_that_failed_is_told_with_its_last_words() {
        let output = "mounting\n  cannot mount: no such share \n\n";
        assert_eq!(
            ran(ScriptEnd::Code(7), output),
            "return code 7; its last line: cannot mount: no such share"
        );
        assert_eq!(ran(ScriptEnd::Code(7), " \n"), "return code 7");
        assert_eq!(ran(ScriptEnd::Code(0), output), "return code 0");
        assert_eq!(
            ran(ScriptEnd::Signal(9), &"é".repeat(300)),
            format!("ended by signal 9; its last line: {}…", "é".repeat(200))
        );
    }
}
