//! Secrets and where they come from.
//!
//! Whatever the source, the secret is its first line, by one rule (`FirstLine`): a line end
//! that an editor, `echo` or a secret of Kubernetes adds does not count, nor does a byte order
//! mark.

mod advice;
mod first_line;
pub mod memory;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

pub use advice::making_command;
use secrecy::SecretString;
use thiserror::Error;

use crate::ownership::{self, Granted, TouchError, Untrusted};
use crate::process::{self, Leftover, Output as _, Program, ProgramEnd, Stderr};
use crate::script;
use crate::secret::first_line::{FirstLine, NoLine};
use crate::values::environment::{Lookup, non_empty};

/// How long a command may take to print a secret.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// The variable by which systemd names the folder of its credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where a secret comes from. Its `Debug` form never shows a plain one, nor the arguments
/// of a command.
#[derive(Clone)]
pub enum SecretSource {
    /// Written in the plan file itself.
    Plain(SecretString),
    /// An environment variable.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
    /// The first line that a command prints.
    Command(Vec<String>),
    /// A systemd credential.
    Credential(String),
    /// As `source` says, whose relative paths start in this folder, and not in that of the plan
    /// file: it stands in a file that the plan file includes.
    Within {
        /// The whole path of that folder.
        folder: PathBuf,
        /// The file or the command.
        source: Box<SecretSource>,
    },
}

/// Why a secret could not be had. Neither the secret nor any output of a command is in it.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The environment variable is not set, or empty.
    #[error("environment variable {0} is not set, or is empty")]
    NotSet(String),
    /// A file could not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that others can read or could have written; or a command that they could have.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// There, but with no secret in it.
    #[error("{from} gives {what}")]
    NoLine {
        /// The source, in words.
        from: String,
        /// What it gives instead.
        what: NoLine,
    },
    /// A command that could not be started or watched.
    #[error("cannot run {program}")]
    CannotRun {
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A command on a file system from which nothing is run.
    #[error("cannot run {0}: its file system is mounted noexec, from which nothing is run")]
    OnNoexec(PathBuf),
    /// A command that is there and does not start: what it needs is not there, or it is no program.
    #[error("cannot run {program}: {why}")]
    CannotStart {
        program: String,
        /// Why not.
        why: String,
    },
    /// A command that ended badly.
    #[error("{program} {}", how_it_ended(*status))]
    Failed { program: String, status: ExitStatus },
    /// A command that gave a secret and did not end in time; it was killed.
    #[error("{program} gave a secret, but did not end within {} s, and was killed", limit.as_secs())]
    NotEnded {
        program: String,
        /// How long it had.
        limit: Duration,
    },
    /// A command that was ended before it gave a secret, for nobody wanted it any more.
    #[error("{0} was ended, for the run was asked to stop")]
    Cancelled(String),
    /// A command that did not end in time; it was killed.
    #[error("{program} gave no secret within {} s and was killed", limit.as_secs())]
    TimedOut {
        program: String,
        /// How long it had.
        limit: Duration,
    },
    /// A service manager gave credentials, and this one is not among them.
    #[error("credential {name} is not there")]
    NoCredential {
        /// Which.
        name: String,
        /// What the system says of its file.
        source: io::Error,
    },
    /// A credential is asked for, and no service manager gave any.
    #[error(
        "credential {0} is not there: $CREDENTIALS_DIRECTORY is not set, so systemd did not start this run"
    )]
    NoCredentials(String),
    /// A credential name that is not one file name.
    #[error("{0:?} is not the name of a credential")]
    BadCredentialName(String),
}

/// What it takes to fetch a secret.
#[derive(Clone, Copy)]
pub struct SecretContext<'c> {
    /// The folder of the plan file: relative paths start there, and commands run there.
    pub folder: &'c Path,
    /// The environment of this process.
    pub environment: Lookup<'c>,
    /// The variables that hold secrets. A command that fetches one sees none of the others.
    pub variables: &'c dyn Fn() -> Vec<String>,
    /// Whether the secret is not wanted any more: a command that is at work is ended.
    pub cancelled: &'c dyn Fn() -> bool,
}

impl<'c> SecretContext<'c> {
    /// The same with relative paths that start in another folder.
    fn within(self, folder: &'c Path) -> Self {
        Self { folder, ..self }
    }
}

impl SecretSource {
    /// The secret itself.
    ///
    /// A command runs without a shell, with nothing on its input, for at most 30 seconds.
    pub fn resolve(&self, context: &SecretContext<'_>) -> Result<SecretString, SecretError> {
        match self {
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Env(name) => {
                use std::os::unix::ffi::OsStrExt as _;
                let value =
                    non_empty(context.environment, name).ok_or_else(|| SecretError::NotSet(name.clone()))?;
                let mut line = FirstLine::default();
                line.take(value.as_bytes());
                self.secret_of(line)
            }
            Self::File(path) => {
                let path = context.folder.join(path);
                // As it stands in an error, it can be pasted anywhere.
                self.read_file(&std::path::absolute(&path).unwrap_or(path), Granted::Nobody)
            }
            Self::Command(argv) => self.run_command(argv, context, COMMAND_LIMIT),
            Self::Credential(name) => {
                if !is_credential_name(name) {
                    return Err(SecretError::BadCredentialName(name.clone()));
                }
                let folder = non_empty(context.environment, CREDENTIALS)
                    .ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                let found = self.read_file(&Path::new(&folder).join(name), Granted::GroupToo);
                found.map_err(|error| match error {
                    SecretError::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                        SecretError::NoCredential {
                            name: name.clone(),
                            source,
                        }
                    }
                    error => error,
                })
            }
            Self::Within { folder, source } => source.resolve(&context.within(folder)),
        }
    }

    /// Whether nobody else can read or choose it, as far as its file or its program tells. One that
    /// cannot be had is found by who fetches it.
    ///
    /// # Errors
    ///
    /// What is wrong with the file or the program.
    pub fn owners(&self, context: &SecretContext<'_>) -> Result<(), Untrusted> {
        let looked = match self {
            Self::File(path) => {
                ownership::open_secret(&context.folder.join(path), Granted::Nobody).map(|_| ())
            }
            Self::Command(argv) => ownership::file_of(program(argv), context.folder, context.environment)
                .map_err(TouchError::Io)
                .and_then(|file| look_at_command(&file, argv, context.folder, context)),
            Self::Credential(name) if is_credential_name(name) => {
                let folder = non_empty(context.environment, CREDENTIALS).unwrap_or_default();
                ownership::open_secret(&Path::new(&folder).join(name), Granted::GroupToo).map(|_| ())
            }
            Self::Within { folder, source } => return source.owners(&context.within(folder)),
            Self::Plain(_) | Self::Env(_) | Self::Credential(_) => Ok(()),
        };
        match looked {
            Err(TouchError::Untrusted(why)) => Err(why),
            Ok(()) | Err(TouchError::Io(_)) => Ok(()),
        }
    }

    /// The file that it names, where that is known not to be there.
    pub fn missing_file(&self, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => {
                let path = folder.join(path);
                let looked = path.symlink_metadata();
                let is_missing = looked.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
                // As it stands in a message, it can be pasted anywhere.
                is_missing.then(|| std::path::absolute(&path).unwrap_or(path))
            }
            Self::Within { folder, source } => source.missing_file(folder),
            Self::Plain(_) | Self::Env(_) | Self::Command(_) | Self::Credential(_) => None,
        }
    }

    /// The variable of the environment that it takes: its own, or that which names the folder
    /// of credentials.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(name) => Some(name),
            Self::Credential(_) => Some(CREDENTIALS),
            Self::Within { source, .. } => source.variable(),
            Self::Plain(_) | Self::File(_) | Self::Command(_) => None,
        }
    }

    /// Where it comes from, in words: "environment variable QA1_PASSWORD".
    pub fn describe(&self) -> String {
        match self {
            Self::Plain(_) => "the plan file".to_owned(),
            Self::Env(name) => format!("environment variable {name}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Command(argv) => format!("command {}", program(argv)),
            Self::Credential(name) => format!("credential {name}"),
            Self::Within { folder, source } => match source.as_ref() {
                Self::File(path) => format!("file {}", folder.join(path).display()),
                other => other.describe(),
            },
        }
    }

    fn read_file(&self, path: &Path, granted: Granted) -> Result<SecretString, SecretError> {
        let unreadable = |source| SecretError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut file = match ownership::open_secret(path, granted) {
            Ok(file) => file,
            Err(TouchError::Untrusted(untrusted)) => return Err(untrusted.into()),
            Err(TouchError::Io(source)) => return Err(unreadable(source)),
        };
        let mut line = FirstLine::default();
        line.fill_from(&mut file).map_err(unreadable)?;
        self.secret_of(line)
    }

    fn run_command(
        &self,
        argv: &[String],
        context: &SecretContext<'_>,
        limit: Duration,
    ) -> Result<SecretString, SecretError> {
        let name = program(argv);
        let cannot_run = |source| SecretError::CannotRun {
            program: name.to_owned(),
            source,
        };
        let (_, arguments) = argv
            .split_first()
            .ok_or_else(|| cannot_run(io::ErrorKind::InvalidInput.into()))?;
        let folder = match context.folder.as_os_str().is_empty() {
            true => std::path::absolute("."),
            false => std::path::absolute(context.folder),
        };
        let folder = folder.map_err(cannot_run)?;
        let path = ownership::file_of(name, &folder, context.environment).map_err(cannot_run)?;
        match look_at_command(&path, argv, &folder, context) {
            Ok(()) => {}
            Err(TouchError::Untrusted(untrusted)) => return Err(untrusted.into()),
            Err(TouchError::Io(source)) => return Err(cannot_run(source)),
        }
        let mut line = FirstLine::default();
        let end = Program {
            path: &path,
            arguments,
            folder: Some(folder),
            variables: &[],
            withheld: &(context.variables)(),
            stderr: Stderr::Dropped,
            limit,
            grace: Duration::ZERO,
            leftover: Leftover::Ended,
        }
        .run(&mut line, context.cancelled)
        .map_err(|source| not_started(name, &path, source))?;
        match end {
            ProgramEnd::Exited(status) if status.success() => self.secret_of(line),
            ProgramEnd::Exited(status) => Err(SecretError::Failed {
                program: name.to_owned(),
                status,
            }),
            ProgramEnd::Cancelled => Err(SecretError::Cancelled(name.to_owned())),
            ProgramEnd::TimedOut if line.is_enough() => Err(SecretError::NotEnded {
                program: name.to_owned(),
                limit,
            }),
            ProgramEnd::TimedOut => Err(SecretError::TimedOut {
                program: name.to_owned(),
                limit,
            }),
        }
    }

    fn secret_of(&self, line: FirstLine) -> Result<SecretString, SecretError> {
        line.into_secret().map_err(|what| SecretError::NoLine {
            from: self.describe(),
            what,
        })
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({})", self.describe())
    }
}

/// Whether `name` can be a credential: one file name, nothing that leads elsewhere.
pub fn is_credential_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// Whether nobody else could have written the program of a command, nor what it executes.
fn look_at_command(
    program: &Path,
    argv: &[String],
    folder: &Path,
    context: &SecretContext<'_>,
) -> Result<(), TouchError> {
    let arguments = argv.get(1..).unwrap_or_default();
    ownership::look_at_command(program, arguments, folder, context.environment)
}

/// Why a command that may be used was not started.
fn not_started(program: &str, path: &Path, source: io::Error) -> SecretError {
    let program = program.to_owned();
    // It is there: something that it names is not, or it is no program.
    let lacks_something = source.kind() == io::ErrorKind::NotFound && path.exists();
    let is_no_program = source.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error());
    match source.kind() {
        io::ErrorKind::PermissionDenied if process::is_on_noexec(path) => {
            SecretError::OnNoexec(path.to_owned())
        }
        _ if lacks_something || is_no_program => SecretError::CannotStart {
            why: script::explain(path, &source),
            program,
        },
        _ => SecretError::CannotRun { program, source },
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was ended by {status}"),
    }
}

fn program(argv: &[String]) -> &str {
    argv.first().map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
