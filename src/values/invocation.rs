//! How this process was called, and what a command in a message must say to mean the same.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The commands that read no plan file.
const WITHOUT_PLAN_FILE: [&str; 5] = ["completions", "help", "init", "man", "schema"];

/// What another call of this program needs so that it reads the same plan file: and with
/// it the same history, for the IDs of one mean other things in another.
///
/// A command that a message names is pasted: into the terminal at hand, or into another
/// one when it came by mail. So the plan file is named wherever it was named before, by
/// `--config` or by a variable that another terminal does not have, and by its whole path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    config: Option<PathBuf>,
}

impl Invocation {
    /// A call that names this plan file.
    pub fn naming(config: &Path) -> Self {
        Self {
            config: Some(std::path::absolute(config).unwrap_or_else(|_| config.to_owned())),
        }
    }

    /// The command of these words, ready to be pasted into a shell.
    ///
    /// The plan file comes last, so that the words read as they are looked up; it is left out
    /// of commands that read none.
    pub fn command<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        let mut command = String::from("dpbackup");
        let mut reads_plan_file = true;
        for (position, word) in words.into_iter().enumerate() {
            reads_plan_file &= position > 0 || !WITHOUT_PLAN_FILE.contains(&word);
            command.push(' ');
            command.push_str(&quoted(word));
        }
        if let Some(config) = self.config.as_ref().filter(|_| reads_plan_file) {
            command.push_str(" --config ");
            command.push_str(&quoted(&config.to_string_lossy()));
        }
        command
    }
}

/// A word as a shell takes it for one: in quotes where it holds anything that a shell or a
/// reader would take for something else.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Invocation, quoted};

    #[test]
    fn a_command_names_the_plan_file_where_it_was_named() {
        let words = ["history", "activities", "5"];
        assert_eq!(
            Invocation::default().command(words),
            "dpbackup history activities 5"
        );
        assert_eq!(
            Invocation::naming(Path::new("/etc/qa.toml")).command(words),
            "dpbackup history activities 5 --config /etc/qa.toml"
        );
        let named = Invocation::naming(Path::new("/etc/qa.toml"));
        assert_eq!(named.command(["init", "new.toml"]), "dpbackup init new.toml");
    }

    #[test]
    fn a_relative_plan_file_is_named_by_its_whole_path() {
        let here = std::env::current_dir().expect("a folder").join("qa.toml");
        assert_eq!(
            Invocation::naming(Path::new("qa.toml")).command(["validate"]),
            format!("dpbackup validate --config {}", quoted(&here.to_string_lossy()))
        );
    }

    /// A shell itself says what it makes of the words.
    #[test]
    fn a_shell_takes_what_is_quoted_for_one_word() {
        for word in [
            "QA1",
            "Everything, weekly",
            "it's",
            "$HOME",
            "a\\b",
            "",
            "*",
            "~",
            "a;b",
            "`x`",
            "\"",
            "Größe",
            "#1",
        ] {
            let line = format!("printf %s {}", quoted(word));
            let said = std::process::Command::new("/bin/sh")
                .args(["-c", &line])
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&said.stdout), word, "{line}");
        }
    }
}
