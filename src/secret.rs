//! Secrets and where they come from.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where a secret comes from. Its `Debug` form never shows a plain one.
#[derive(Clone, Debug)]
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
