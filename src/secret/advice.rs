//! What to do where a secret cannot be had.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::geteuid;

use crate::secret::SecretError;
use crate::values::causes::with_causes;
use crate::values::invocation::quoted;

impl SecretError {
    /// What happened with its causes, and then the next step.
    pub fn with_advice(&self) -> String {
        let said = with_causes(self);
        match self.advice() {
            Some(advice) => format!("{said}; {advice}"),
            None => said,
        }
    }

    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::NotSet(_) => "set it where dpbackup is started: sudo and cron hand over nothing of a shell, and a \
                                unit of systemd has `Environment=` or, better, { credential = \"…\" }"
                .to_owned(),
            Self::Unreadable { path, source } => of_file(path, source),
            Self::NoCredential { name, .. } => {
                format!("the unit wants a line `LoadCredential={name}:FILE` (`systemctl edit`)")
            }
            Self::NoLine { .. } => "the secret is the first line".to_owned(),
            Self::CannotRun { program, source } => of_program(program, source)?,
            Self::CannotStart { .. } => {
                "correct its first line (`#!/bin/sh`), or install what that names".to_owned()
            }
            Self::OnNoexec(_) => "put it elsewhere, or mount that one with exec".to_owned(),
            Self::Failed { .. } => {
                "run it by hand to see why, as the same user and with `</dev/null`: it has no terminal here".to_owned()
            }
            Self::TimedOut { .. } => {
                "it may wait for a passphrase or for the network: run it by hand, as the same user and with \
                 `</dev/null`"
                    .to_owned()
            }
            Self::NotEnded { .. } => "it must end when it has printed the secret".to_owned(),
            Self::NoCredentials(_) => {
                "start the unit that has it (`systemctl start dpbackup@PLAN`), or give a run by hand another source: \
                 { file = \"…\" }, { env = \"…\" }, { command = [\"…\"] }"
                    .to_owned()
            }
            // The first says the command that mends it; the second is a finding of the plan file too.
            Self::Untrusted(_) | Self::BadCredentialName(_) | Self::Cancelled(_) => return None,
        };
        Some(advice)
    }
}

/// The command that makes a file for a secret, and the folder that it lacks.
pub fn making_command(path: &Path) -> String {
    let file = quoted(&path.to_string_lossy()).into_owned();
    let make = format!("install {} /dev/null {file}", rights_beside(path));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.exists()) {
        Some(folder) => format!("mkdir -p {} && {make}", quoted(&folder.to_string_lossy())),
        None => make,
    }
}

/// With which rights root makes a file: in a folder that is there for a group to read, the group reads it.
fn rights_beside(path: &Path) -> String {
    let folder = path.parent().and_then(|folder| folder.metadata().ok());
    let is_of_a_group = |folder: &Metadata| folder.gid() != 0 && folder.mode() & 0o070 == 0o050;
    match folder.filter(|folder| geteuid().is_root() && is_of_a_group(folder)) {
        Some(folder) => format!("-m 640 -g {}", folder.gid()),
        None => "-m 600".to_owned(),
    }
}

fn of_file(path: &Path, why: &io::Error) -> String {
    let shown = path.to_string_lossy();
    match why.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder.filter(|folder| !folder.exists()) {
                Some(folder) => format!(
                    "its folder {} is not there either: correct the path (a relative one starts in the folder of the \
                     plan file), or make both with `{}` and write the secret into the first line",
                    folder.display(),
                    making_command(path)
                ),
                None => format!(
                    "correct the path (a relative one starts in the folder of the plan file), or make the file with \
                     `{}` and write the secret into its first line",
                    making_command(path)
                ),
            }
        }
        io::ErrorKind::PermissionDenied if is_own(path) => {
            format!(
                "its rights let nobody read it: run `chmod 600 {}`",
                quoted(&shown)
            )
        }
        io::ErrorKind::PermissionDenied => format!(
            "the user who runs dpbackup (user {}) may not read it or its folder: `ls -ld {}` shows who may",
            geteuid().as_raw(),
            quoted(&shown)
        ),
        _ => "the first line of a regular file is read".to_owned(),
    }
}

fn is_own(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.uid() == geteuid().as_raw())
}

fn of_program(program: &str, why: &io::Error) -> Option<String> {
    let advice = match why.kind() {
        io::ErrorKind::NotFound if program.contains(' ') => {
            let words: Vec<String> = program.split_whitespace().map(|word| format!("{word:?}")).collect();
            format!(
                "no shell is involved, and each word is an element of its own: {{ command = [{}] }}",
                words.join(", ")
            )
        }
        io::ErrorKind::NotFound if program.contains('/') => {
            "correct its path: a relative one starts in the folder of the plan file".to_owned()
        }
        io::ErrorKind::NotFound => {
            "no folder of $PATH has it, and cron has a short one: give its whole path in { command = [\"/…\"] }"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => format!(
            "it is not executable for the user who runs dpbackup: `ls -l {}` shows for whom it is",
            quoted(program)
        ),
        _ => return None,
    };
    Some(advice)
}
