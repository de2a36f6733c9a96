//! The history that a plan file names which cannot be read, or not be taken: what is open in it is open all the same.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::ownership;
use crate::plan::file::LARGEST_FILE;
use crate::values::nearest::nearest;

/// The key.
const KEY: &str = "history";

/// So many are looked at.
const MOST: usize = 8;

/// Where the lines of a plan file say that a history is, whatever else is wrong with the file, with whoever may write it,
/// or with the key. That is no ground to use one: only what it has open is to be told.
pub fn written_histories(path: &Path) -> Vec<PathBuf> {
    let mut bytes = Vec::new();
    let read = ownership::open_regular(path).map(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes));
    if !matches!(read, Ok(Ok(_))) {
        return Vec::new();
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = String::from_utf8_lossy(&bytes);
    let mut histories = Vec::new();
    for written in text.lines().filter_map(written) {
        if let Ok(history) = std::path::absolute(folder.join(written))
            && !histories.contains(&history)
            && histories.len() < MOST
        {
            histories.push(history);
        }
    }
    histories
}

/// The path of a line that names a history.
fn written(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    let key = key.rsplit('.').next()?.trim().trim_matches(['"', '\'']);
    let is_word = key
        .chars()
        .all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-'));
    let is_meant = || key.to_ascii_lowercase().starts_with("histor") || nearest(key, [KEY]).is_some();
    if !is_word || !is_meant() {
        return None;
    }
    let value = value.trim();
    let path = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split(['#', ' ', '\t']).next()?,
    };
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_history_however_it_is_written() {
        for line in [
            "history = \"/var/h.db\"",
            "  history='/var/h.db' # here",
            "histori = \"/var/h.db\"",
            "histroy = \"/var/h.db\"",
            "settings.history = \"/var/h.db\"",
            "\"history\" = \"/var/h.db\"",
            "history=/var/h.db",
            "History_File = \"/var/h.db\"",
        ] {
            assert_eq!(written(line), Some("/var/h.db"), "{line}");
        }
        for line in [
            "# history = \"/var/h.db\"",
            "store = \"/var/h.db\"",
            "history = \"\"",
            "history",
            "history of = 5",
        ] {
            assert_eq!(written(line), None, "{line}");
        }
    }

    #[test]
    fn the_histories_of_a_file_that_is_no_text_are_found_and_each_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("plans.toml");
        let text = b"# caf\xe9\n[settings]\nhistory = \"h.db\"\n[settings]\nhistory = \"h.db\"\nhistory = \"/x/h.db\"\n";
        std::fs::write(&file, text).expect("a file");
        let found = written_histories(&file);
        assert_eq!(found, [folder.path().join("h.db"), PathBuf::from("/x/h.db")]);
        assert!(written_histories(folder.path()).is_empty());
    }
}
