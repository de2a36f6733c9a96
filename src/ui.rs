//! The only room that prints.
//!
//! Data goes to stdout, everything else to stderr. Text of devices and scripts is made
//! printable first. A reader that has gone away is no error.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush};

use crate::cli::{ColorChoice, Global};
use crate::values::causes::causes;
use crate::values::duration;
use crate::values::environment::{Lookup, non_empty};
use crate::values::text::printable;

mod answer;
mod live;
mod outlet;
mod repeat;
mod screen;
mod stream;
mod undoing;

pub use answer::{SecondSignal, SignalAnswer, StopLimits, answer_that};
pub use live::{MovingLine, ShownWait};
use outlet::written_unless;
pub use outlet::{OutStream, Outlet};
pub use screen::Screen;
pub use stream::Patient;

/// No answer of a person is longer, in bytes.
const LONGEST_ANSWER: usize = 4096;

/// The variable that says how long it is between two heartbeat lines.
const HEARTBEAT_VARIABLE: &str = "DPBACKUP_HEARTBEAT";

/// Between two heartbeat lines, unless the variable says otherwise.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// How long the end of the process waits for somebody who does not take what was said.
const FAREWELL: Duration = Duration::from_secs(10);

/// The same, for somebody at a terminal: one that was stopped (`^S`) goes on when he is back. Nobody waits for this
/// process any more.
const FAREWELL_TO_A_PERSON: Duration = Duration::from_secs(3600);

/// The way out of messages, where nobody is waited for.
static WORDS: OnceLock<Outlet> = OnceLock::new();

/// Tells the signal that has asked this process to stop, where it listens to them.
static ASKED_TO_STOP: OnceLock<Box<dyn Fn() -> Option<i32> + Send + Sync>> = OnceLock::new();

/// The signal because of which something was not printed.
static CUT_SHORT_BY: OnceLock<i32> = OnceLock::new();

/// From now on this process does not wait for whoever reads its messages: a gateway may wait for it. Where no thread can
/// be had, it does as before.
pub fn wait_for_no_reader() {
    WORDS.get_or_init(|| Outlet::to(OutStream::Words));
}

/// From now on whoever reads what this process prints is waited for until a signal has come, which `signal` tells.
pub fn print_until(signal: impl Fn() -> Option<i32> + Send + Sync + 'static) {
    ASKED_TO_STOP.get_or_init(|| Box::new(signal));
}

/// The last moment for what was said and is not written yet. The signal because of which something was not printed,
/// where that is so.
pub fn farewell() -> Option<i32> {
    if let Some(outlet) = WORDS.get() {
        // Whom no signal reaches any more is not kept for long.
        let limit = match io::stderr().is_terminal() && ASKED_TO_STOP.get().is_some() {
            true => FAREWELL_TO_A_PERSON,
            false => FAREWELL,
        };
        // Nothing more can be said about that.
        let _ = outlet.rest(limit, &|| asked_to_stop().is_some());
    }
    CUT_SHORT_BY.get().copied()
}

/// The signal that has asked this process to stop.
fn asked_to_stop() -> Option<i32> {
    ASKED_TO_STOP.get().and_then(|signal| signal())
}

/// Writes data. What nobody takes ends a command that a signal has asked to stop.
fn write_data(text: &str) -> io::Result<()> {
    if ASKED_TO_STOP.get().is_none() {
        return OutStream::Data.write(text.as_bytes());
    }
    let bytes = text.as_bytes().to_vec();
    let outcome = written_unless(move || OutStream::Data.write(&bytes), &|| {
        asked_to_stop().is_some()
    });
    if let (Err(error), Some(signal)) = (&outcome, asked_to_stop())
        && error.kind() == io::ErrorKind::Interrupted
    {
        CUT_SHORT_BY.get_or_init(|| signal);
    }
    outcome
}

/// Writes a message, or what moves the cursor of a terminal.
fn write_words(text: &str) -> io::Result<()> {
    match WORDS.get() {
        Some(outlet) => outlet.clone().write_all(text.as_bytes()),
        None => OutStream::Words.write(text.as_bytes()),
    }
}

/// How this process speaks.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    /// Whether stderr shows colours.
    pub color: bool,
    /// Whether stdout does.
    pub data_color: bool,
    /// Whether somebody watches stderr: a line for each task, and a summary.
    pub lines: bool,
    /// Whether stderr shows the line that moves as well.
    pub bars: bool,
    /// How often a long wait says that it goes on, where it does.
    pub heartbeat: Duration,
    /// How much is said.
    pub verbosity: Verbosity,
    /// The columns of stdout, if it is a terminal.
    pub width: Option<u16>,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What somebody must know.
    Normal,
    /// Each task and each wait.
    Verbose,
    /// Each status on the way.
    Chatty,
}

impl Ui {
    /// What the arguments, the environment and the terminal ask for.
    pub fn new(global: &Global, env: Lookup<'_>) -> Self {
        let terminal = io::stderr().is_terminal();
        let dumb = env("TERM").is_some_and(|term| term == "dumb");
        let is_unwanted =
            non_empty(env, "NO_COLOR").is_some() || env("CLICOLOR").is_some_and(|value| value == "0");
        let colored = |terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !dumb && !is_unwanted,
        };
        let color = colored(terminal);
        let data_color = colored(io::stdout().is_terminal());
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, _) => Verbosity::Chatty,
        };
        let lines = terminal && verbosity > Verbosity::Quiet;
        let bars = lines && !dumb && !global.no_progress;
        let heartbeat = heartbeat(env).and_then(Result::ok);
        let width = io::stdout()
            .is_terminal()
            .then(|| terminal_size::terminal_size().map(|(width, _)| width.0))
            .flatten();
        Self {
            color,
            data_color,
            lines,
            bars,
            heartbeat: heartbeat.unwrap_or(HEARTBEAT),
            verbosity,
            width,
        }
    }

    /// Warns of a heartbeat that cannot be read, where lines of it would be printed.
    pub fn look_at_heartbeat(&self, env: Lookup<'_>) {
        if let (Some(Err(why)), true) = (heartbeat(env), self.verbosity > Verbosity::Normal) {
            self.warning(&format!(
                "${HEARTBEAT_VARIABLE} is not used: {why}; a line comes every {} s",
                HEARTBEAT.as_secs()
            ));
        }
    }

    /// Prints data. That nobody took it when a signal had asked to stop is an error of the kind
    /// [`io::ErrorKind::Interrupted`], and decides how the process ends.
    pub fn data(&self, text: &str) -> io::Result<()> {
        match write_data(text) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }

    /// Prints data of which more follows, and says whether somebody reads it still.
    pub fn stream(&self, text: &str) -> io::Result<bool> {
        match write_data(text) {
            Ok(()) => Ok(true),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether somebody sits at a terminal who can be asked about what was printed: all of it goes there.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks somebody at the terminal, until a line is typed or `is_over`. `None` where nobody can
    /// be asked, or nothing was answered. What was typed before the question is no answer to it.
    pub fn ask(&self, question: &str, is_over: &dyn Fn() -> bool) -> Option<String> {
        let stdin = io::stdin();
        if !self.can_ask() {
            return None;
        }
        tcflush(&stdin, QueueSelector::IFlush).ok()?;
        write_words(&printable(question)).ok()?;
        let mut typed = Vec::new();
        // A read would wait on through a signal.
        let moment = Timespec {
            tv_sec: 0,
            tv_nsec: 100_000_000,
        };
        while !typed.ends_with(b"\n") {
            if is_over() {
                return None;
            }
            let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut ready, Some(&moment)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return None,
            }
            let mut byte = [0];
            match rustix::io::read(&stdin, &mut byte) {
                Ok(1) if typed.len() < LONGEST_ANSWER => typed.extend(byte),
                Ok(read) => {
                    // At the end of input (`^D`) nobody has ended the line.
                    if read == 0 {
                        write_words("\n").ok()?;
                    }
                    return None;
                }
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        let typed = String::from_utf8(typed).ok()?;
        Some(typed.trim().to_owned())
    }

    /// Prints a message line.
    pub fn say(&self, text: &str) {
        self.line(text);
    }

    /// Prints an error, its causes and advice.
    pub fn error(&self, error: &anyhow::Error, hint: Option<&str>) {
        for (index, text) in causes(error.as_ref()).iter().enumerate() {
            let label = if index == 0 { "error:" } else { "because:" };
            self.line(&format!("{} {}", self.paint(label, "1;31"), printable(text)));
        }
        if let Some(hint) = hint {
            self.line("");
            self.hint(hint);
        }
    }

    /// Prints advice.
    pub fn hint(&self, hint: &str) {
        self.line(&format!("{} {}", self.paint("hint:", "1;36"), printable(hint)));
    }

    /// Prints a warning.
    pub fn warning(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.decisive_warning(text);
        }
    }

    /// Prints a warning that decides how the command ends: `-q` leaves nobody with a number alone.
    pub fn decisive_warning(&self, text: &str) {
        self.line(&format!("{} {}", self.paint("warning:", "1;33"), printable(text)));
    }

    /// `text` in a colour of the terminal, if colours are on.
    pub fn paint(&self, text: &str, code: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// The columns of stderr, where somebody watches: what is longer is broken at its blanks.
    fn message_width(&self) -> Option<u16> {
        // Who wants to hear only what is not good sits at a terminal, too.
        let is_asked = self.lines || self.verbosity == Verbosity::Quiet;
        let width = is_asked.then(|| terminal_size::terminal_size_of(io::stderr()));
        width.flatten().map(|(width, _)| width.0)
    }

    /// Writes what moves the cursor of a terminal.
    #[expect(clippy::unused_self, reason = "all that is printed goes through a Ui")]
    fn redraw(&self, text: &str) {
        // Of what moves, nobody misses what he was not there for.
        if !WORDS.get().is_some_and(Outlet::is_stuck) {
            // As with a line: nothing more can be said about that.
            let _ = write_words(text);
        }
    }

    #[expect(clippy::unused_self, reason = "all that is printed goes through a Ui")]
    fn line(&self, text: &str) {
        // Nobody reads what is said: nothing more can be said about that.
        let _ = write_words(&format!("{text}\n"));
    }
}

/// How long it is between two heartbeat lines, where the environment says it.
fn heartbeat(env: Lookup<'_>) -> Option<Result<Duration, String>> {
    let text = non_empty(env, HEARTBEAT_VARIABLE)?;
    let text = text.to_string_lossy();
    Some(match duration::parse(&text) {
        Ok(interval) if interval.is_zero() => Err(format!("{text:?} is no time at all")),
        Ok(interval) => Ok(interval),
        Err(error) => Err(error.to_string()),
    })
}
