//! The files of one domain, under names like `temporary:///backup/root.tgz`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::content::Content;

/// The locations that `get-filestore` knows, each with the rights it reports (they are listed only
/// when given), and whether all domains share it.
pub(super) const LOCATIONS: [(&str, &str, bool); 14] = [
    ("local:", "read write show exec del dir list", false),
    ("logtemp:", "read log show del dir list", false),
    ("logstore:", "read log show del list", false),
    ("temporary:", "read write show exec del dir list", false),
    ("export:", "read show del list", false),
    ("config:", "read write audit log show exec del list", false),
    ("cert:", "write audit log del list", false),
    ("chkpoints:", "read write del list", false),
    ("image:", "write del list", true),
    ("policyframework:", "read write show dir list", false),
    ("tasktemplates:", "read show list", true),
    ("pubcert:", "read log show reference list", true),
    ("sharedcert:", "audit log reference list", true),
    ("store:", "read log show reference list", true),
];

/// Whether the location of a file gives this right.
pub(super) fn allows(path: &str, right: &str) -> bool {
    LOCATIONS
        .iter()
        .any(|(name, rights, _)| location_of(path) == *name && rights.split(' ').any(|given| given == right))
}

/// Whether all domains share the location of a file.
pub(super) fn is_shared(path: &str) -> bool {
    LOCATIONS
        .iter()
        .any(|(name, _, shared)| location_of(path) == *name && *shared)
}

/// `temporary:` of `temporary:/a/b`.
pub(super) fn location_of(path: &str) -> &str {
    path.find(':').map_or("", |colon| &path[..=colon])
}

/// One slash after the location, whether there were none, one or three; none at the end.
pub(super) fn normal(name: &str) -> Option<String> {
    let location = location_of(name);
    if location.is_empty() {
        return None;
    }
    let rest = name[location.len()..].trim_matches('/');
    Some(if rest.is_empty() {
        location.to_owned()
    } else {
        format!("{location}/{rest}")
    })
}

/// A stored file.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) content: Content,
    pub(super) modified: Timestamp,
}

/// Directories and files. A file is kept under its directory and its own name, so that a name with
/// separators, as only a hostile device has, stays one name.
#[derive(Clone, Debug, Default)]
pub(super) struct FileStore {
    directories: BTreeSet<String>,
    files: BTreeMap<(String, String), Stored>,
}

impl FileStore {
    /// Writes a file, and makes the directories above it.
    pub(super) fn put(&mut self, path: &str, content: Content, modified: Timestamp) {
        if let Some((directory, name)) = path.rsplit_once('/') {
            self.put_as(directory, name, content, modified);
        }
    }

    /// Writes a file whose name may be anything.
    pub(super) fn put_as(&mut self, directory: &str, name: &str, content: Content, modified: Timestamp) {
        self.make_directory(directory);
        self.files.insert(
            (directory.to_owned(), name.to_owned()),
            Stored { content, modified },
        );
    }

    /// Makes a directory and those above it. False when it was there.
    pub(super) fn make_directory(&mut self, path: &str) -> bool {
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('/') {
            self.directories.insert(parent.to_owned());
            above = parent;
        }
        self.directories.insert(path.to_owned())
    }

    pub(super) fn is_directory(&self, path: &str) -> bool {
        path.ends_with(':') || self.directories.contains(path)
    }

    pub(super) fn get(&self, path: &str) -> Option<&Stored> {
        self.files
            .iter()
            .find(|((directory, name), _)| is_joined(path, directory, name))
            .map(|(_, file)| file)
    }

    /// Deletes a file. False when it was not there.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let before = self.files.len();
        self.files
            .retain(|(directory, name), _| !is_joined(path, directory, name));
        self.files.len() < before
    }

    /// Deletes a directory with all it holds. False when it was not there.
    pub(super) fn remove_directory(&mut self, path: &str) -> bool {
        let was = self.directories.remove(path);
        let inside = |directory: &str| directory == path || directory.starts_with(&format!("{path}/"));
        self.directories.retain(|directory| !inside(directory));
        self.files.retain(|(directory, _), _| !inside(directory));
        was
    }

    /// Empties a location.
    pub(super) fn clear(&mut self, location: &str) {
        self.remove_directory(location);
    }

    /// The files of a location: directory, name, file.
    pub(super) fn of(&self, location: &str) -> impl Iterator<Item = (&str, &str, &Stored)> {
        self.files
            .iter()
            .filter(move |((directory, _), _)| location_of(directory) == location)
            .map(|((directory, name), file)| (directory.as_str(), name.as_str(), file))
    }

    /// The files right in a directory.
    pub(super) fn files_in(&self, directory: &str) -> impl Iterator<Item = (&str, &Stored)> {
        self.files
            .iter()
            .filter(move |((above, _), _)| above == directory)
            .map(|((_, name), file)| (name.as_str(), file))
    }

    /// The directories right in a directory, under their full names.
    pub(super) fn directories_in(&self, directory: &str) -> impl Iterator<Item = &str> {
        self.directories
            .iter()
            .map(String::as_str)
            .filter(move |path| path.rsplit_once('/').is_some_and(|(above, _)| above == directory))
    }
}

fn is_joined(path: &str, directory: &str, name: &str) -> bool {
    path.strip_prefix(directory)
        .and_then(|rest| rest.strip_prefix('/'))
        == Some(name)
}
