//! What stands below a folder that somebody names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::artifact::recheck::MANIFEST;

/// Whether it is a folder that holds backups, and not one of a secure backup itself.
pub(super) fn is_folder_of_backups(path: &Path) -> bool {
    path.is_dir() && !path.join(MANIFEST).exists()
}

/// Every archive below a folder, and every folder of a secure backup, by name; and where
/// nobody could look, with the reason. Links are not followed.
///
/// What a file system keeps for itself (`lost+found`, `.snapshot`) is no place of backups.
pub(super) fn backups(folder: &Path) -> Vec<Result<PathBuf, (PathBuf, io::Error)>> {
    backups_until(folder, &|| false)
}

/// The same, as far as was looked before somebody asked to stop.
pub(in crate::commands) fn backups_until(
    folder: &Path,
    is_over: &dyn Fn() -> bool,
) -> Vec<Result<PathBuf, (PathBuf, io::Error)>> {
    let mut found = Vec::new();
    walk(folder, is_over, &mut found);
    found
}

/// Whether it is what a run is writing, or has not finished.
fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "partial")
}

fn walk(folder: &Path, is_over: &dyn Fn() -> bool, found: &mut Vec<Result<PathBuf, (PathBuf, io::Error)>>) {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return found.push(Err((folder.to_owned(), error))),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if is_over() {
            return;
        }
        let (name, path) = (entry.file_name(), entry.path());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if name == "lost+found" || name.as_encoded_bytes().starts_with(b".") || is_partial(&path) {
                    continue;
                }
                match path.join(MANIFEST).symlink_metadata() {
                    Ok(_) => found.push(Ok(path)),
                    Err(_) => walk(&path, is_over, found),
                }
            }
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|end| end == "zip") => {
                found.push(Ok(path));
            }
            Ok(_) => {}
            Err(error) => found.push(Err((path, error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{backups, backups_until, is_folder_of_backups};

    #[test]
    fn archives_and_secure_backups_are_found_at_any_depth_and_what_a_file_system_keeps_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in [
            "QA1/domain/A/b.zip",
            "QA1/domain/A/a.zip",
            "QA1/domain/A/c.zip.partial",
            "QA1/secure-backup/2026/backupmanifest.xml",
            "QA1/secure-backup/2026/part.zip",
            "lost+found/x.zip",
            ".snapshot/x.zip",
            "notes.txt",
        ] {
            let path = at(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        let found: Vec<_> = backups(folder.path())
            .into_iter()
            .map(|found| found.expect("read"))
            .collect();
        let expected = [
            "QA1/domain/A/a.zip",
            "QA1/domain/A/b.zip",
            "QA1/secure-backup/2026",
        ];
        assert_eq!(found, expected.map(at));
        assert!(backups_until(folder.path(), &|| true).is_empty());
        assert!(is_folder_of_backups(folder.path()));
        assert!(!is_folder_of_backups(&at("QA1/secure-backup/2026")));
        assert!(!is_folder_of_backups(&at("notes.txt")));
    }
}
