//! Scripts: run directly, never through a shell, in a process group of their own.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::ownership::{self, TouchError};
use crate::process::{self, Leftover, Output, Program, ProgramEnd, Stderr};
use crate::values::causes::said;
use crate::values::environment::{self, Lookup};
use crate::values::invocation::quoted;
use crate::values::script_end::ScriptEnd;

/// So much of what a script printed is kept: the end of it.
pub const KEPT_OUTPUT: usize = 64 << 10;

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// How long the output of a script that has ended is waited for, in case a process of
/// its own holds it open.
const DRAIN: Duration = Duration::from_secs(1);

/// A script that is ready to run.
#[derive(Clone, Debug)]
pub struct Script {
    /// The file.
    pub path: PathBuf,
    pub arguments: Vec<String>,
    /// Variables on top of the inherited environment.
    pub variables: Vec<(String, OsString)>,
    /// Variables that are taken away from it: those that hold secrets.
    pub withheld: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
}

/// How a script ended, with what it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: ScriptEnd,
    /// The last of what it printed, both streams as they came.
    pub output: String,
    /// How many bytes it printed in all.
    pub output_bytes: u64,
    /// How long it ran.
    pub duration: Duration,
}

impl Ran {
    /// A script that never started, and printed nothing.
    pub fn not_started(why: String) -> Self {
        Self {
            end: ScriptEnd::NotStarted(why),
            output: String::new(),
            output_bytes: 0,
            duration: Duration::ZERO,
        }
    }
}

impl Script {
    /// Runs the script and waits for it. `cancelled` is asked every now and then.
    pub fn run(&self, cancelled: &dyn Fn() -> bool) -> Ran {
        let started = Instant::now();
        let mut tail = OutputTail::default();
        let end = self
            .start(&mut tail, cancelled)
            .unwrap_or_else(ScriptEnd::NotStarted);
        let bytes: Vec<u8> = tail.kept.into();
        Ran {
            end,
            output: String::from_utf8_lossy(&bytes).into_owned(),
            output_bytes: tail.total,
            duration: started.elapsed(),
        }
    }

    fn start(&self, tail: &mut OutputTail, cancelled: &dyn Fn() -> bool) -> Result<ScriptEnd, String> {
        // It inherits the environment of this process.
        is_ours(&self.path, &environment::process)?;
        // Without a folder in front it would be looked up in `$PATH`.
        let path = std::path::absolute(&self.path).map_err(|error| explain(&self.path, &error))?;
        let program = Program {
            path: &path,
            arguments: &self.arguments,
            folder: None,
            variables: &self.variables,
            withheld: &self.withheld,
            stderr: Stderr::Output,
            limit: self.timeout,
            grace: GRACE,
            leftover: Leftover::LetBe(DRAIN),
        };
        match program.run(tail, cancelled) {
            Ok(ProgramEnd::Exited(status)) => Ok(own_end(status)),
            Ok(ProgramEnd::TimedOut) => Ok(ScriptEnd::TimedOut(self.timeout)),
            Ok(ProgramEnd::Cancelled) => Ok(ScriptEnd::Interrupted),
            Err(error) => Err(explain(&self.path, &error)),
        }
    }
}

/// Whether a script could start in this environment, as far as looking at it tells; if not, why.
pub fn could_start(path: &Path, env: Lookup<'_>) -> Result<(), String> {
    is_ours(path, env)?;
    let found = path.metadata().map_err(|error| explain(path, &error))?;
    if found.is_dir() {
        return Err(explain(path, &Errno::ACCESS.into()));
    }
    if !found.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).map_err(|errno| explain(path, &errno.into()))?;
    let file = match open(path) {
        Ok(file) => file,
        // A program that may be run but not read starts all the same, and a script does not: which it
        // is stands in it.
        Err(_) if has_name_of_script(path) => {
            return Err(format!(
                "{} may not be read by the user who runs dpbackup, and so not by its interpreter (chmod +r)",
                path.display()
            ));
        }
        Err(_) => return Ok(()),
    };
    let start = start_of(file).map_err(|error| explain(path, &error))?;
    match Interpreter::of(&start) {
        Some(interpreter) if interpreter.is_there() => match interpreter.sought_in_vain(env) {
            None => Ok(()),
            Some(name) => Err(format!(
                "{} looks for {name} in $PATH, as its first line says, and it is in no folder of it",
                path.display()
            )),
        },
        Some(_) => Err(explain(path, &Errno::NOENT.into())),
        None if start.starts_with(b"\x7fELF") => Ok(()),
        None => Err(explain(path, &Errno::NOEXEC.into())),
    }
}

/// Whether nobody but root and the user who runs this could have written the script, or could
/// put another one in its place; the same of what its first line names.
fn is_ours(path: &Path, env: Lookup<'_>) -> Result<(), String> {
    match ownership::look_at_program(path, env) {
        Ok(()) => Ok(()),
        Err(TouchError::Untrusted(untrusted)) if path.is_file() => {
            Err(format!("{} is not run: {untrusted}", path.display()))
        }
        // A folder, or something that cannot start for other reasons.
        Err(TouchError::Untrusted(_)) => Err(explain(path, &Errno::ACCESS.into())),
        Err(TouchError::Io(error)) => Err(explain(path, &error)),
    }
}

fn open(path: &Path) -> io::Result<File> {
    ownership::open_regular(path).map_err(TouchError::into_io)
}

/// So much of a file as the kernel looks at.
fn start_of(file: File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(256).read_to_end(&mut start)?;
    Ok(start)
}

/// What the first line of a script names, as the kernel reads it: for the kernel a carriage
/// return is a character like any other.
struct Interpreter {
    name: String,
    /// The last word of the line: what `env` looks for.
    last: String,
    /// Whether the line has no other words.
    is_alone: bool,
}

impl Interpreter {
    /// `None` where the first line names none.
    fn of(start: &[u8]) -> Option<Self> {
        let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line);
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let name = words.next()?.to_owned();
        let last = words.next().unwrap_or(&name).to_owned();
        let (last, is_alone) = match words.next_back() {
            Some(last) => (last.to_owned(), false),
            None => (last, true),
        };
        Some(Self { name, last, is_alone })
    }

    fn is_there(&self) -> bool {
        Path::new(&self.name).exists() && !(self.is_env() && self.last.ends_with('\r'))
    }

    /// The program that `env` looks for and does not find, where the line says nothing but its name. A script has the
    /// `$PATH` of this process.
    fn sought_in_vain(&self, env: Lookup<'_>) -> Option<&str> {
        let is_plain = self.is_env() && self.is_alone && !self.last.contains(['/', '=']);
        let folders = env("PATH").filter(|_| is_plain && !self.last.starts_with('-'))?;
        let is_there = std::env::split_paths(&folders).any(|folder| folder.join(&self.last).is_file());
        (!is_there).then_some(self.last.as_str())
    }

    fn is_env(&self) -> bool {
        self.name.ends_with("/env")
    }

    /// Why a script does not start by it.
    fn explain(&self, script: &Path) -> String {
        let shown = script.display();
        let wanted = if self.is_env() { &self.last } else { &self.name };
        match wanted.strip_suffix('\r') {
            Some(name) => format!(
                "the first line of {shown} ends with a carriage return, as Windows writes it, and there is no \
                 interpreter '{name}\\r': `sed -i 's/\\r$//' {}` takes them out",
                quoted(&script.to_string_lossy())
            ),
            None => format!(
                "the interpreter {wanted} named in the first line of {shown} does not exist: correct that line, or install it"
            ),
        }
    }
}

fn begins_with_mark(path: &Path) -> bool {
    let start = open(path).and_then(start_of);
    start.is_ok_and(|start| start.starts_with(b"\xef\xbb\xbf"))
}

/// Whether a name is one that people give to scripts, and not to programs.
fn has_name_of_script(path: &Path) -> bool {
    const ENDINGS: [&str; 6] = ["bash", "js", "pl", "py", "rb", "sh"];
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

fn has_blank(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim().contains(char::is_whitespace)
}

/// Why a program does not start, in words.
pub fn explain(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) if path.exists() => {
            let start = open(path).and_then(start_of).unwrap_or_default();
            match Interpreter::of(&start) {
                Some(interpreter) => interpreter.explain(path),
                None => format!("what {shown} needs to start does not exist"),
            }
        }
        Some(Errno::NOENT) if has_blank(path) => format!(
            "{shown} does not exist; if words behind the name were meant as arguments: a script is named by its path alone, \
             and its arguments come from dpbackup (docs/scripts.md)"
        ),
        Some(Errno::NOENT) => format!("{shown} does not exist"),
        Some(Errno::ACCESS) if path.is_dir() => format!("{shown} is a folder, not a script"),
        Some(Errno::ACCESS) if path.metadata().is_err() => {
            format!("{shown} cannot be reached: a folder on the way to it may not be entered")
        }
        Some(Errno::ACCESS) if process::is_on_noexec(path) => format!(
            "{shown} is on a file system that is mounted noexec, from which nothing is run: put it elsewhere, or mount \
             that one with exec"
        ),
        Some(Errno::ACCESS) => format!(
            "{shown} is not executable: `chmod +x {}`",
            quoted(&path.to_string_lossy())
        ),
        Some(Errno::NOEXEC) if begins_with_mark(path) => format!(
            "a byte order mark stands in front of the first line of {shown}, as some programs of Windows write it: take \
             it out of the file"
        ),
        Some(Errno::NOEXEC) => format!("{shown} has no first line such as #!/bin/sh"),
        _ => format!("{shown}: {}", said(error)),
    }
}

/// How a program ended that ended by itself.
fn own_end(status: ExitStatus) -> ScriptEnd {
    match status.code() {
        Some(code) => ScriptEnd::Code(code),
        // What ended without a code was ended by a signal.
        None => ScriptEnd::Signal(status.signal().unwrap_or_default()),
    }
}

/// The end of what was printed.
#[derive(Debug, Default)]
struct OutputTail {
    kept: VecDeque<u8>,
    total: u64,
}

impl Output for OutputTail {
    fn take(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.kept.extend(bytes);
        let excess = self.kept.len().saturating_sub(KEPT_OUTPUT);
        self.kept.drain(..excess);
    }

    fn is_enough(&self) -> bool {
        false
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
