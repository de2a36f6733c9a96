//! Secrets and where they come from.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use thiserror::Error;

use crate::values::environment::{Lookup, non_empty};

/// How long a command may take to print a secret.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// The longest secret that is read, in bytes.
const LONGEST_SECRET: u64 = 64 * 1024;

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
}

/// Why a secret could not be had. Neither the secret nor any output of a command is in it.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The environment variable is not set, or empty.
    #[error("environment variable {0} is not set, or is empty: set it where dpbackup is started")]
    NotSet(String),
    /// A file could not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that others than its owner can read.
    #[error("{path} can be read by others than its owner: run `chmod 600 {path}`")]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// There, but with nothing in its first line.
    #[error("{0} gives an empty first line")]
    Empty(String),
    /// There, but not text.
    #[error("{0} gives a first line that is not UTF-8 text")]
    NotText(String),
    /// There, but longer than any secret.
    #[error("{0} gives a first line longer than 64 KiB")]
    TooLong(String),
    /// A command that could not be started or watched.
    #[error("cannot run {program}")]
    CannotRun {
        /// Which program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A command that ended badly.
    #[error("{program} ended with {status}; run it by hand to see why")]
    Failed {
        /// Which program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A command that did not end in time; it was killed.
    #[error("{program} gave no secret within {} s and was killed", limit.as_secs())]
    TimedOut {
        /// Which program.
        program: String,
        /// How long it had.
        limit: Duration,
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

impl SecretSource {
    /// The secret itself.
    ///
    /// `plan_dir` is the folder of the plan file: relative paths start there. A command
    /// runs there, without a shell, with nothing on its input, for at most 30 seconds.
    pub fn resolve(&self, plan_dir: &Path, env: Lookup<'_>) -> Result<SecretString, SecretError> {
        match self {
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Env(name) => {
                let value = non_empty(env, name).ok_or_else(|| SecretError::NotSet(name.clone()))?;
                let text = value
                    .into_string()
                    .map_err(|_| SecretError::NotText(self.describe()))?;
                Ok(text.into())
            }
            Self::File(path) => self.read_file(&plan_dir.join(path), FileReaders::OwnerOnly),
            Self::Command(argv) => self.run_command(argv, plan_dir, COMMAND_LIMIT),
            Self::Credential(name) => {
                if !is_credential_name(name) {
                    return Err(SecretError::BadCredentialName(name.clone()));
                }
                let folder = non_empty(env, "CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                self.read_file(&Path::new(&folder).join(name), FileReaders::AsSystemdMadeIt)
            }
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
        }
    }

    fn read_file(&self, path: &Path, readers: FileReaders) -> Result<SecretString, SecretError> {
        let unreadable = |source| SecretError::Unreadable {
            path: path.to_owned(),
            source,
        };
        // Asked before opening: opening a named pipe could wait for ever.
        if !path.metadata().map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            )));
        }
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if readers == FileReaders::OwnerOnly && mode & 0o077 != 0 {
            return Err(SecretError::Exposed {
                path: path.to_owned(),
            });
        }
        let line = first_line(&mut BufReader::new(file)).map_err(unreadable)?;
        self.secret_of(line)
    }

    fn run_command(
        &self,
        argv: &[String],
        plan_dir: &Path,
        limit: Duration,
    ) -> Result<SecretString, SecretError> {
        let cannot_run = |source| SecretError::CannotRun {
            program: program(argv).to_owned(),
            source,
        };
        let line = CommandRun::start(argv, plan_dir, limit)
            .map_err(cannot_run)?
            .finish(argv, limit)?;
        self.secret_of(line)
    }

    /// Makes a secret of a first line as it was read.
    fn secret_of(&self, mut line: Zeroizing<Vec<u8>>) -> Result<SecretString, SecretError> {
        if line.len() as u64 > LONGEST_SECRET {
            return Err(SecretError::TooLong(self.describe()));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        match std::str::from_utf8(&line) {
            Ok("") => Err(SecretError::Empty(self.describe())),
            Ok(text) => Ok(text.into()),
            Err(_) => Err(SecretError::NotText(self.describe())),
        }
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

/// Who may read the file of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileReaders {
    OwnerOnly,
    /// systemd lets the user of the service in by an access list, which shows as a
    /// group bit; the folder above keeps everybody else out.
    AsSystemdMadeIt,
}

fn program(argv: &[String]) -> &str {
    argv.first().map_or("", String::as_str)
}

/// Reads up to and with the first line end, and one byte more than a secret may have.
fn first_line(input: &mut impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    // The room is taken at once: a buffer that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_SECRET as usize + 1));
    input.take(LONGEST_SECRET + 1).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// A command that is about to print a secret. It leads a process group of its own, so that
/// it and whatever it started can be ended together.
struct CommandRun {
    child: Child,
    line: mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>,
    deadline: Instant,
}

impl CommandRun {
    fn start(argv: &[String], plan_dir: &Path, limit: Duration) -> io::Result<Self> {
        let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = std::path::absolute(if plan_dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            plan_dir
        })?;
        // A bare name is looked up in $PATH; a path starts at the plan file.
        let program = if program.contains('/') {
            folder.join(program)
        } else {
            PathBuf::from(program)
        };
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, line) = mpsc::channel();
        // A thread, because reading cannot be given a limit. It ends with the output.
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let _ = sender.send(first_line(&mut output));
            // The rest is read and dropped: a command that prints on must not be stopped by it.
            let _ = io::copy(&mut output, &mut io::sink());
        });
        Ok(Self {
            child,
            line,
            deadline: Instant::now() + limit,
        })
    }

    /// Waits for the end of the command, and gives the first line of its output.
    ///
    /// The command is collected last: until then nobody else can get its process id, and
    /// its group can be killed safely.
    fn finish(mut self, argv: &[String], limit: Duration) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let program = program(argv).to_owned();
        let line = match self.wait_for_end() {
            Ok(CommandEnd::Success) => {
                // It may have left something behind that holds its output open.
                self.line
                    .recv_timeout(self.deadline.saturating_duration_since(Instant::now()))
                    .ok()
            }
            Ok(CommandEnd::Failure) => Some(Ok(Zeroizing::default())),
            Ok(CommandEnd::NotInTime) => None,
            Err(source) => Some(Err(source)),
        };
        if !matches!(line, Some(Ok(_))) {
            // An error would mean that nothing is left to be killed.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        }
        match (line, self.child.wait()) {
            (None, _) => Err(SecretError::TimedOut { program, limit }),
            (Some(Err(source)), _) | (_, Err(source)) => Err(SecretError::CannotRun { program, source }),
            (Some(Ok(line)), Ok(status)) if status.success() => Ok(line),
            (_, Ok(status)) => Err(SecretError::Failed { program, status }),
        }
    }

    /// Waits until the command has ended, or its time is over, and leaves it uncollected.
    fn wait_for_end(&self) -> io::Result<CommandEnd> {
        let child = WaitId::Pid(Pid::from_child(&self.child));
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            if let Some(status) = waitid(child.clone(), look)? {
                return Ok(if status.exit_status() == Some(0) {
                    CommandEnd::Success
                } else {
                    CommandEnd::Failure
                });
            }
            if Instant::now() >= self.deadline {
                return Ok(CommandEnd::NotInTime);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// How the time given to a command ended.
enum CommandEnd {
    Success,
    Failure,
    NotInTime,
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::ffi::OsString;

    fn no_env(_: &str) -> Option<OsString> {
        None
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    fn write(path: &Path, text: &[u8], mode: u32) {
        std::fs::write(path, text).expect("write");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }

    fn shell(script: &str) -> SecretSource {
        SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    fn exposed(secret: Result<SecretString, SecretError>) -> String {
        secret.expect("a secret").expose_secret().to_owned()
    }

    #[test]
    fn an_environment_variable_must_be_set_and_not_empty() {
        let env = |name: &str| match name {
            "FULL" => Some(OsString::from("s3cret")),
            "EMPTY" => Some(OsString::new()),
            _ => None,
        };
        let resolve = |name: &str| SecretSource::Env(name.to_owned()).resolve(Path::new(""), &env);
        assert_eq!(exposed(resolve("FULL")), "s3cret");
        for name in ["EMPTY", "ABSENT"] {
            let error = resolve(name).expect_err("not set").to_string();
            assert_eq!(
                error,
                format!(
                    "environment variable {name} is not set, or is empty: set it where dpbackup is started"
                )
            );
        }
    }

    #[test]
    fn a_file_gives_its_first_line_without_the_line_end() {
        let dir = folder();
        let path = dir.path().join("password");
        for (text, secret) in [
            ("one\ntwo\n", "one"),
            ("one", "one"),
            ("one\r\n", "one"),
            (" with blanks \n", " with blanks "),
        ] {
            write(&path, text.as_bytes(), 0o600);
            let relative = SecretSource::File(PathBuf::from("password"));
            assert_eq!(exposed(relative.resolve(dir.path(), &no_env)), secret);
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_way_out() {
        let dir = folder();
        let path = dir.path().join("password");
        for mode in [0o640, 0o604, 0o660] {
            write(&path, b"s3cret", mode);
            let error = SecretSource::File(path.clone())
                .resolve(dir.path(), &no_env)
                .expect_err("exposed");
            assert!(matches!(error, SecretError::Exposed { .. }));
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_empty_binary_endless_or_absent_is_refused() {
        let dir = folder();
        let path = dir.path().join("password");
        let resolve = || SecretSource::File(path.clone()).resolve(dir.path(), &no_env);
        assert!(matches!(resolve(), Err(SecretError::Unreadable { .. })));
        write(&path, b"\nsecond", 0o600);
        assert!(matches!(resolve(), Err(SecretError::Empty(_))));
        write(&path, b"\xff\xfe", 0o600);
        assert!(matches!(resolve(), Err(SecretError::NotText(_))));
        write(&path, &vec![b'x'; 65 * 1024], 0o600);
        assert!(matches!(resolve(), Err(SecretError::TooLong(_))));
        let directory = SecretSource::File(dir.path().to_owned()).resolve(dir.path(), &no_env);
        assert!(matches!(directory, Err(SecretError::Unreadable { .. })));
    }

    #[test]
    fn a_command_gives_the_first_line_that_it_prints() {
        let dir = folder();
        assert_eq!(
            exposed(shell("echo one; echo two").resolve(dir.path(), &no_env)),
            "one"
        );
        let much = "echo one; head -c 1000000 /dev/zero";
        assert_eq!(exposed(shell(much).resolve(dir.path(), &no_env)), "one");
        let fed = "read line; echo \"<$line>\"";
        assert_eq!(
            exposed(shell(fed).resolve(dir.path(), &no_env)),
            "<>",
            "nothing on its input"
        );
    }

    #[test]
    fn a_command_runs_without_a_shell_in_the_folder_of_the_plan_file() {
        let dir = folder();
        // Written by a child: a file that this process has open for writing could be inherited
        // by what another test starts at this moment, and could then not be executed.
        let program = r#"printf '#!/bin/sh\necho "$1"\n' > get && chmod 700 get; echo written"#;
        assert_eq!(exposed(shell(program).resolve(dir.path(), &no_env)), "written");
        let source = SecretSource::Command(vec!["./get".into(), "$HOME; *".into()]);
        assert_eq!(exposed(source.resolve(dir.path(), &no_env)), "$HOME; *");
    }

    #[test]
    fn a_failing_command_is_named_but_its_output_is_not() {
        let dir = folder();
        let error = shell("echo s3cret; echo s3cret >&2; exit 3")
            .resolve(dir.path(), &no_env)
            .expect_err("3");
        assert_eq!(
            error.to_string(),
            "sh ended with exit status: 3; run it by hand to see why"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
        let absent = SecretSource::Command(vec!["/no/such/program".into()]);
        assert!(matches!(
            absent.resolve(dir.path(), &no_env),
            Err(SecretError::CannotRun { .. })
        ));
        assert!(matches!(
            shell("true").resolve(dir.path(), &no_env),
            Err(SecretError::Empty(_))
        ));
    }

    #[test]
    fn a_command_that_does_not_end_is_killed_with_all_that_it_started() {
        let dir = folder();
        let limit = Duration::from_millis(300);
        for script in [
            "sleep 60 & echo $! > pid; wait",
            // Ends well itself, but leaves its output open and prints no line.
            "sleep 60 & echo $! > pid",
        ] {
            let SecretSource::Command(argv) = shell(script) else {
                unreachable!("a command")
            };
            let error = shell(script)
                .run_command(&argv, dir.path(), limit)
                .expect_err("too slow");
            assert!(matches!(error, SecretError::TimedOut { .. }), "{error}");
            let pid = std::fs::read_to_string(dir.path().join("pid")).expect("pid");
            let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
            let gone = (0..200).any(|_| {
                std::thread::sleep(Duration::from_millis(10));
                std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
            });
            assert!(gone, "{script}");
        }
    }

    #[test]
    fn a_credential_is_a_file_that_systemd_provides() {
        let dir = folder();
        write(&dir.path().join("qa1"), b"s3cret\n", 0o440);
        let path = dir.path().as_os_str().to_owned();
        let env = move |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| path.clone());
        let resolve = |name: &str| SecretSource::Credential(name.to_owned()).resolve(Path::new(""), &env);
        assert_eq!(exposed(resolve("qa1")), "s3cret");
        assert!(matches!(resolve("absent"), Err(SecretError::Unreadable { .. })));
        for name in ["", ".", "..", "../qa1", "/etc/shadow"] {
            assert!(
                matches!(resolve(name), Err(SecretError::BadCredentialName(_))),
                "{name}"
            );
        }
        let outside = SecretSource::Credential("qa1".into()).resolve(Path::new(""), &no_env);
        assert!(matches!(outside, Err(SecretError::NoCredentials(_))));
    }

    #[test]
    fn the_source_is_described_without_its_secret() {
        let plain = SecretSource::Plain("s3cret".into());
        let command = SecretSource::Command(vec!["vault".into(), "s3cret".into()]);
        assert_eq!(exposed(plain.resolve(Path::new(""), &no_env)), "s3cret");
        for (source, words) in [
            (plain, "the plan file"),
            (
                SecretSource::Env("QA1_PASSWORD".into()),
                "environment variable QA1_PASSWORD",
            ),
            (SecretSource::File("qa1.txt".into()), "file qa1.txt"),
            (command, "command vault"),
            (SecretSource::Credential("qa1".into()), "credential qa1"),
        ] {
            assert_eq!(source.describe(), words);
            assert_eq!(format!("{source:?}"), format!("SecretSource({words})"));
        }
    }
}
