//! Which files a path with `*` in it means.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::ownership::{self, TouchError};
use crate::values::causes::said;
use crate::values::first_few::first_few;
use crate::values::pattern::star_matches;

/// So many names are listed.
const LISTED: usize = 10;

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// These, sorted by name in each folder. A path without `*` is given as it is, there or not.
    Files(Vec<PathBuf>),
    /// The folder is there, and none of its names matches.
    Nothing {
        /// Some names that are in it.
        there: String,
    },
}

/// Why a folder cannot be looked into.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMatch {
    pub(super) path: PathBuf,
    pub(super) why: String,
    pub(super) help: Option<String>,
}

/// The files that `pattern` means; a relative one starts in `folder`. As in shells `*` stands for
/// no `.` at the beginning of a name: a half-written file of an editor, and what Kubernetes hides
/// beside the files of a ConfigMap, are not included.
pub(super) fn matching(folder: &Path, pattern: &str) -> Result<Matched, NoMatch> {
    let mut found = vec![folder.to_owned()];
    let mut has_star = false;
    let mut there: Vec<String> = Vec::new();
    let mut steps = Path::new(pattern).components().peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        let name = step.as_os_str().to_string_lossy();
        if !matches!(step, Component::Normal(_)) || !name.contains('*') {
            found = found.iter().map(|path| path.join(step)).collect();
            continue;
        }
        let mut next = Vec::new();
        for path in &found {
            // Behind another `*` it may be a file, or lack this folder.
            if has_star && !path.is_dir() {
                continue;
            }
            for entry in names(path)? {
                let text = entry.to_string_lossy();
                let is_hidden = text.starts_with('.') && !name.starts_with('.');
                if !is_hidden && star_matches(&name, &text) {
                    next.push(path.join(&entry));
                } else if is_last {
                    there.push(text.into_owned());
                }
            }
        }
        (found, has_star) = (next, true);
    }
    if has_star {
        found.retain(|path| path.exists());
        if found.is_empty() {
            return Ok(Matched::Nothing {
                there: first_few(&there, LISTED),
            });
        }
    }
    Ok(Matched::Files(found))
}

/// The names in a folder, sorted, if nobody else can put files there.
fn names(folder: &Path) -> Result<Vec<OsString>, NoMatch> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let no_match = |why: String, help| NoMatch {
        path: folder.to_owned(),
        why,
        help,
    };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => no_match(
            "there is no such folder".to_owned(),
            Some("a path starts in the folder of the file in which it stands".to_owned()),
        ),
        _ => no_match(format!("it cannot be read: {}", said(&error)), None),
    };
    match ownership::look_at_own_folder(folder) {
        Ok(()) => {}
        Err(TouchError::Untrusted(untrusted)) => {
            return Err(no_match(untrusted.what(), untrusted.advice()));
        }
        Err(TouchError::Io(error)) => return Err(unreadable(error)),
    }
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    names.sort_unstable_by(|a: &OsString, b| OsStr::cmp(a, b));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{Matched, matching};

    /// A folder with these files in it.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, "").expect("a file");
        }
        folder
    }

    fn found(folder: &Path, pattern: &str) -> Vec<PathBuf> {
        match matching(folder, pattern) {
            Ok(Matched::Files(paths)) => paths
                .iter()
                .map(|path| path.strip_prefix(folder).unwrap_or(path).to_owned())
                .collect(),
            other => panic!("{pattern}: {other:?}"),
        }
    }

    #[test]
    fn a_star_stands_for_names_in_any_folder_of_the_path_and_they_are_sorted() {
        let folder = folder(&[
            "d/b.toml",
            "d/a.toml",
            "d/B.toml",
            "d/.hidden.toml",
            "d/a.toml~",
            "sites/x/all.toml",
            "sites/a/all.toml",
            "sites/none/other.toml",
            "sites/file",
        ]);
        let found = |pattern| found(folder.path(), pattern);
        for (pattern, paths) in [
            ("d/*.toml", vec!["d/B.toml", "d/a.toml", "d/b.toml"]),
            ("./d/a*", vec!["d/a.toml", "d/a.toml~"]),
            ("d/.*.toml", vec!["d/.hidden.toml"]),
            ("sites/*/all.toml", vec!["sites/a/all.toml", "sites/x/all.toml"]),
            (
                "sites/*/*",
                vec!["sites/a/all.toml", "sites/none/other.toml", "sites/x/all.toml"],
            ),
            ("d/../d/a.toml", vec!["d/../d/a.toml"]),
            ("not-there.toml", vec!["not-there.toml"]),
        ] {
            let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
            assert_eq!(found(pattern), paths, "{pattern}");
        }
        let absolute = folder.path().join("d/a*.toml");
        assert_eq!(found(&absolute.to_string_lossy()), [Path::new("d/a.toml")]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_something_else_than_one_in_which_nothing_matches() {
        let folder = folder(&["d/a.tml", "d/b.txt"]);
        assert_eq!(
            matching(folder.path(), "d/*.toml"),
            Ok(Matched::Nothing {
                there: "a.tml, b.txt".to_owned()
            })
        );
        let absent = matching(folder.path(), "e/*.toml").expect_err("absent");
        assert_eq!(absent.path, folder.path().join("e"));
        assert_eq!(absent.why, "there is no such folder");
    }
}
