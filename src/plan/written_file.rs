//! A plan file, or one that it includes, as it is written: read once more, to be shown.

use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Table;

use crate::plan::error::LoadError;
use crate::plan::file;

/// A file as it is shown and as it is written.
#[derive(Clone, Debug)]
pub struct WrittenFile {
    /// What it is called beside the plan file.
    pub name: String,
    /// What is written in it.
    pub table: Table,
}

/// Why a plan file that was sound cannot be shown.
#[derive(Debug, Error)]
pub enum NotShown {
    /// It cannot be read any more.
    #[error(transparent)]
    Unreadable(#[from] LoadError),
    /// It is no TOML any more.
    #[error("the plan file {} was changed while it was read", .0.display())]
    Changed(PathBuf),
}

impl WrittenFile {
    /// Reads a file again that was found to be sound.
    ///
    /// # Errors
    ///
    /// It cannot be read any more, or was changed since so that it is no TOML. Where the values come
    /// from would be guessed then.
    pub fn again(path: &Path, name: String) -> Result<Self, NotShown> {
        let text = file::read(path)?.text;
        // The words of the parser show the line, which may hold a password.
        let table = toml::from_str(&text).map_err(|_| NotShown::Changed(path.to_owned()))?;
        Ok(Self { name, table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_toml_any_more_is_not_shown_as_an_empty_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plans.toml");
        std::fs::write(&path, "[settings]\nstore = \"s3cret").expect("a file");
        let error = WrittenFile::again(&path, "plans.toml".to_owned()).expect_err("no TOML");
        let words = error.to_string();
        assert!(
            words.ends_with("plans.toml was changed while it was read") && !words.contains("s3cret"),
            "{words}"
        );
    }
}
