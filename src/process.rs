//! Runs a program: directly, never through a shell, at the head of a process group of its
//! own, so that it and whatever it started can be ended together.
//!
//! Scripts and commands that print a password are run here. No thread is started for one:
//! its output is read by whoever waits for its end, so that nothing is left running where a
//! thread cannot be had.

use std::ffi::OsString;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use secrecy::zeroize::Zeroizing;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A program that is ready to run.
#[derive(Clone, Debug)]
pub struct Program<'p> {
    /// The file; without a slash it is looked up in `$PATH`.
    pub path: &'p Path,
    pub arguments: &'p [String],
    /// Where it runs; else where this process does.
    pub folder: Option<PathBuf>,
    /// Variables on top of the inherited environment.
    pub variables: &'p [(String, OsString)],
    /// Variables that are taken away from it: those that hold secrets.
    pub withheld: &'p [String],
    /// Whether what it says on stderr is output as well. Else nobody hears it.
    pub stderr: Stderr,
    /// How long it may run.
    pub limit: Duration,
    /// Between SIGTERM and SIGKILL, where it has to be ended.
    pub grace: Duration,
    /// What is done once it has ended while something that it left behind holds its output open.
    pub leftover: Leftover,
}

/// What is done about a process that a program has left behind, and that holds its output open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// It is let be; more output is waited for no longer than this.
    LetBe(Duration),
    /// More output is waited for until the limit of the program; then it is ended.
    Ended,
}

/// What becomes of stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// Taken together with stdout, as it comes.
    Output,
    Dropped,
}

/// Takes what a program prints.
pub trait Output {
    /// The next bytes.
    fn take(&mut self, bytes: &[u8]);

    /// Whether nothing more is wanted. What comes is read and dropped all the same: a program
    /// that prints on must not be held up by it.
    fn is_enough(&self) -> bool;
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramEnd {
    /// By itself.
    Exited(ExitStatus),
    /// At its limit, with its whole process group.
    TimedOut,
    /// Because it was cancelled, with its whole process group.
    Cancelled,
}

/// Whether nothing can be run from where the file is, whatever its mode says.
pub fn is_on_noexec(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

impl Program<'_> {
    /// Runs the program and waits for it. `cancelled` is asked every now and then.
    ///
    /// # Errors
    ///
    /// It could not be started, or not be watched; then it was ended.
    pub fn run(&self, output: &mut dyn Output, cancelled: &dyn Fn() -> bool) -> io::Result<ProgramEnd> {
        let (reader, writer) = io::pipe()?;
        // Read as it comes, without waiting for more.
        rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK)?;
        let mut command = Command::new(self.path);
        command
            .args(self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .process_group(0);
        match self.stderr {
            Stderr::Output => command.stderr(writer.try_clone()?),
            Stderr::Dropped => command.stderr(Stdio::null()),
        };
        command.stdout(writer);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        for name in self.withheld {
            command.env_remove(name);
        }
        let deadline = Instant::now() + self.limit;
        let child = command.spawn()?;
        // The command still holds our ends of the pipe: the output would never end.
        drop(command);
        Running {
            child,
            reader: Some(reader),
            deadline,
        }
        .finish(self, output, cancelled)
    }
}

/// A program that was started.
struct Running {
    child: Child,
    /// Until everybody who had it has closed the other end.
    reader: Option<PipeReader>,
    deadline: Instant,
}

impl Running {
    /// Waits for the end. The program is collected last: until then nobody else can get its
    /// process id, and its group can be ended safely. One that has to be ended is collected before its group
    /// is gone: the number of a group is nobody else's as long as somebody is in it.
    fn finish(
        mut self,
        program: &Program<'_>,
        output: &mut dyn Output,
        cancelled: &dyn Fn() -> bool,
    ) -> io::Result<ProgramEnd> {
        let stopped = match self.watch(output, cancelled) {
            Ok(Some(stopped)) => Some(Ok(stopped)),
            Ok(None) => self.drain(program.leftover, output, cancelled).transpose(),
            Err(error) => Some(Err(error)),
        };
        match stopped {
            None => {}
            Some(Ok(_)) => self.end_group(program.grace, output),
            Some(Err(_)) => self.end_group(Duration::ZERO, output),
        }
        let status = self.child.wait();
        stopped.unwrap_or_else(|| status.map(ProgramEnd::Exited))
    }

    /// Reads and waits until the program has ended by itself; else, why it has to be ended.
    fn watch(
        &mut self,
        output: &mut dyn Output,
        cancelled: &dyn Fn() -> bool,
    ) -> io::Result<Option<ProgramEnd>> {
        while !self.has_ended()? {
            if Instant::now() >= self.deadline {
                return Ok(Some(ProgramEnd::TimedOut));
            }
            if cancelled() {
                return Ok(Some(ProgramEnd::Cancelled));
            }
            self.read(output)?;
        }
        Ok(None)
    }

    /// Reads what is left of the output of a program that has ended; says whether there is
    /// something that has to be ended all the same.
    fn drain(
        &mut self,
        leftover: Leftover,
        output: &mut dyn Output,
        cancelled: &dyn Fn() -> bool,
    ) -> io::Result<Option<ProgramEnd>> {
        let until = match leftover {
            Leftover::LetBe(limit) => self.deadline.min(Instant::now() + limit),
            Leftover::Ended => self.deadline,
        };
        loop {
            // Once more in any case: what the program wrote last may still be in the pipe.
            self.read(output)?;
            if self.reader.is_none() || output.is_enough() {
                return Ok(None);
            }
            if Instant::now() >= until {
                return Ok((leftover == Leftover::Ended).then_some(ProgramEnd::TimedOut));
            }
            if leftover == Leftover::Ended && cancelled() {
                return Ok(Some(ProgramEnd::Cancelled));
            }
        }
    }

    /// Whether the program has ended. It is left uncollected.
    fn has_ended(&self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(Pid::from_child(&self.child)), look)?.is_some())
    }

    /// Hands on what has come, or waits a moment for something to come.
    fn read(&mut self, output: &mut dyn Output) -> io::Result<()> {
        let Some(reader) = &mut self.reader else {
            std::thread::sleep(POLL);
            return Ok(());
        };
        let mut one = [PollFd::new(&*reader, PollFlags::IN)];
        // A signal that comes meanwhile is no trouble: it is asked for elsewhere.
        let _ = poll(&mut one, Timespec::try_from(POLL).ok().as_ref());
        // It may be a secret.
        let mut buffer = Zeroizing::new([0_u8; 8192]);
        match reader.read(&mut *buffer) {
            Ok(0) => self.reader = None,
            Ok(amount) => output.take(buffer.get(..amount).unwrap_or_default()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Ends the whole process group: SIGTERM, some grace for whatever is in it, SIGKILL.
    fn end_group(&mut self, grace: Duration, output: &mut dyn Output) {
        let group = Pid::from_child(&self.child);
        if !grace.is_zero() {
            // The group may be gone already: then there is nothing to end.
            let _ = kill_process_group(group, Signal::TERM);
            let deadline = Instant::now() + grace;
            while Instant::now() < deadline && self.is_any_left(group) {
                if self.read(output).is_err() {
                    break;
                }
            }
            if !self.is_any_left(group) {
                return;
            }
        }
        let _ = kill_process_group(group, Signal::KILL);
    }

    /// Whether the program is at work, or anything else of its group: what it has started may be cleaning up
    /// when it has ended itself.
    fn is_any_left(&mut self, group: Pid) -> bool {
        match self.child.try_wait() {
            Ok(None) => true,
            Ok(Some(_)) => test_kill_process_group(group) != Err(Errno::SRCH),
            Err(_) => false,
        }
    }
}
