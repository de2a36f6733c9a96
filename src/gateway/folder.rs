//! The folder of a secure backup on its device: what it holds, and its files.

use std::io::Write;

use roxmltree::Node;

use crate::gateway::Gateway;
use crate::soma::download::ReceivedFile;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::reply;
use crate::soma::request;
use crate::values::xml_limits::NotPlausible;

/// Where secure backups are made.
const TEMPORARY: &str = "temporary:";

/// The last file of a secure backup that the device writes.
pub(super) const MANIFEST: &str = "backupmanifest.xml";

/// A secure backup has some ten files; a folder of ours with more than so many is none.
const MOST_ENTRIES: usize = 10_000;

/// The longest path of a file, in bytes.
const LONGEST_PATH: usize = 4_096;

/// A folder in `temporary:`, written `temporary:///NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFolder(String);

/// A file in such a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name, as the device says it: not to be trusted as a path.
    pub name: String,
    /// Bytes, where the device says so.
    pub size: Option<u64>,
}

impl RemoteFile {
    /// Whether the name is one of a file in its folder, and of nothing elsewhere.
    pub fn has_plain_name(&self) -> bool {
        let hostile = |character: char| character.is_control() || matches!(character, '/' | '\\');
        !self.name.is_empty() && self.name != "." && self.name != ".." && !self.name.contains(hostile)
    }
}

impl RemoteFolder {
    /// The folder of this name, directly in `temporary:`.
    pub fn named(name: &str) -> Self {
        Self(format!("{TEMPORARY}///{name}"))
    }

    /// The folder at this URL.
    pub fn at(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// Its URL on the device.
    pub fn url(&self) -> &str {
        &self.0
    }

    pub(super) fn file_url(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }

    /// The path below the location, without slashes at its ends: a device writes
    /// `temporary:/x` where a client writes `temporary:///x`.
    fn path(url: &str) -> &str {
        url.strip_prefix(TEMPORARY).unwrap_or(url).trim_matches('/')
    }
}

/// What a device lists of a folder in `temporary:`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// These files.
    Files(Vec<RemoteFile>),
    /// Not the folder, but something beside it.
    WithoutIt,
    /// Nothing at all.
    Nothing,
}

impl Gateway<'_> {
    /// The files of a folder in `temporary:`; `None` where there is no such folder. A
    /// location can only be listed as a whole (soma-wire section 4).
    pub fn folder(&self, folder: &RemoteFolder) -> Result<Option<Vec<RemoteFile>>> {
        Ok(match self.listing(folder)? {
            Listing::Files(files) => Some(files),
            Listing::WithoutIt | Listing::Nothing => None,
        })
    }

    pub(super) fn listing(&self, folder: &RemoteFolder) -> Result<Listing> {
        self.retried(|| self.listing_once(folder))
    }

    fn listing_once(&self, folder: &RemoteFolder) -> Result<Listing> {
        let wanted = RemoteFolder::path(folder.url());
        self.list_within(
            &request::get_filestore(TEMPORARY),
            "filestore",
            self.timeouts().of_request(),
            &mut |filestore| listed(filestore, wanted),
        )
    }

    /// What a folder holds, looked at once: nothing where there is no such folder.
    pub(super) fn folder_once(&self, folder: &RemoteFolder) -> Result<Option<Vec<RemoteFile>>> {
        Ok(match self.listing_once(folder)? {
            Listing::Files(files) => Some(files),
            Listing::WithoutIt | Listing::Nothing => None,
        })
    }

    /// Whether a folder of ours is listed now by the device with the serial number that is `meant`, or by whoever
    /// answers where none is: one look.
    pub fn lists_now(&self, folder: &RemoteFolder, meant: Option<&str>) -> Result<bool> {
        if let Some(meant) = meant {
            self.meet(meant, "get-filestore")?;
        }
        Ok(self.folder_once(folder)?.is_some())
    }

    /// Fetches a file of `folder` into `out`, once. It must be as long as it was listed, and
    /// hold something if that was not told; and the device calls it by its own name, where it says one. Returns what
    /// the device says beside it.
    pub fn fetch(
        &self,
        folder: &RemoteFolder,
        file: &RemoteFile,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<String>> {
        let request = request::get_file(&folder.file_url(&file.name));
        let ReceivedFile { length, around } =
            self.download(&request, self.timeouts().of_export(), out, progress)?;
        if let Some(other) = around.name.filter(|name| !is_file(name, &file.name)) {
            return Err(SomaError::new(
                SomaErrorKind::Malformed,
                format!("{}: the device answered with another file, {other}", request.name),
            ));
        }
        let listed = match file.size {
            Some(size) if size == length => return Ok(around.said),
            None if length > 0 => return Ok(around.said),
            Some(size) => format!("{size} bytes"),
            None => "no size".to_owned(),
        };
        let error = SomaError::new(
            SomaErrorKind::Broken,
            format!(
                "{}: {length} bytes came of a file listed with {listed}",
                request.name
            ),
        );
        match length {
            0 => Err(error
                .with_hint("an empty file usually means too little free space in temporary: of the device")),
            _ => Err(error),
        }
    }
}

/// Whether a device that calls a file so means the one of this name, in whatever folder it says that it stands.
fn is_file(called: &str, name: &str) -> bool {
    let last = called.rsplit(['/', ':']).next().unwrap_or_default();
    called.is_empty() || last == name
}

/// The files of a folder in a list of `temporary:`. A list without that location is no look into it.
fn listed(filestore: Node<'_, '_>, wanted: &str) -> Result<Listing> {
    let directory = filestore.descendants().find(|node| {
        node.tag_name().name() == "directory"
            && node.attribute("name").map(RemoteFolder::path) == Some(wanted)
    });
    if let Some(directory) = directory {
        return files_below(directory).map(Listing::Files);
    }
    let is_location = |node: Node<'_, '_>| {
        node.tag_name().name() == "location"
            && node
                .attribute("name")
                .is_some_and(|name| name.trim_end_matches('/') == TEMPORARY)
    };
    match filestore.descendants().find(|node| is_location(*node)) {
        Some(location) if location.children().any(|child| child.is_element()) => Ok(Listing::WithoutIt),
        Some(_) => Ok(Listing::Nothing),
        None => Err(SomaError::new(
            SomaErrorKind::NotAllowed,
            format!("the device does not list {TEMPORARY}"),
        )
        .with_hint("the account needs the right to read files there")),
    }
}

/// Files below `directory`, those of sub-directories with their path. A path repeats the
/// names of all folders around a file, so that few bytes could ask for much memory.
fn files_below(directory: Node<'_, '_>) -> Result<Vec<RemoteFile>> {
    let too_much = |limit: usize, what| {
        let limit = limit as u64;
        Err(reply::not_plausible(NotPlausible::TooMuch { limit, what }))
    };
    let (mut files, mut entries) = (Vec::new(), 0);
    // Depth comes from the device: a stack of our own, not one of calls.
    let mut waiting = vec![(directory, String::new())];
    while let Some((directory, prefix)) = waiting.pop() {
        for child in directory.children().filter(Node::is_element) {
            let name = child.attribute("name").unwrap_or_default();
            entries += 1;
            if entries > MOST_ENTRIES {
                return too_much(MOST_ENTRIES, "files and folders in a folder of ours");
            }
            if prefix.len() + name.len() > LONGEST_PATH {
                return too_much(LONGEST_PATH, "bytes in the path of a file");
            }
            match child.tag_name().name() {
                "file" => files.push(RemoteFile {
                    name: format!("{prefix}{name}"),
                    size: reply::field(child, "size").parse().ok(),
                }),
                "directory" => {
                    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                    waiting.push((child, format!("{prefix}{last}/")));
                }
                _ => {}
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn below(xml: &str) -> Result<Vec<RemoteFile>> {
        let document = Document::parse(xml).expect("XML");
        files_below(document.root_element())
    }

    #[test]
    fn a_folder_is_gone_only_where_the_location_that_it_stood_in_is_listed() {
        let look = |xml: &str| {
            let document = Document::parse(xml).expect("XML");
            listed(document.root_element(), "dpbackup-1")
        };
        let there = "<filestore><location name='temporary:'><directory name='temporary:/dpbackup-1'>\
                     <file name='a'/></directory></location></filestore>";
        let Listing::Files(files) = look(there).expect("a list") else {
            panic!("the folder is listed");
        };
        assert_eq!(files.len(), 1);
        let nothing = look("<filestore><location name='temporary:'> </location></filestore>");
        assert_eq!(nothing.expect("a list"), Listing::Nothing);
        let beside = there.replace("dpbackup-1", "dpbackup-11");
        assert_eq!(look(&beside).expect("a list"), Listing::WithoutIt);
        for silent in [
            "<filestore/>",
            "<filestore><location name='export:'/></filestore>",
        ] {
            let error = look(silent).expect_err("no look");
            assert_eq!(error.kind, SomaErrorKind::NotAllowed, "{silent}");
        }
    }

    #[test]
    fn an_answer_that_calls_its_file_by_another_name_is_about_another() {
        for same in [
            "",
            "a.tgz",
            "temporary:///x/a.tgz",
            "temporary:/x/a.tgz",
            "temporary:a.tgz",
        ] {
            assert!(is_file(same, "a.tgz"), "{same}");
        }
        for other in [
            "b.tgz",
            "temporary:///x/b.tgz",
            "temporary:///a.tgz/b.tgz",
            "temporary:///x/",
        ] {
            assert!(!is_file(other, "a.tgz"), "{other}");
        }
    }

    #[test]
    fn files_are_listed_with_the_folders_that_they_stand_in() {
        let xml = "<directory name='temporary:/x'><file name='a'><size> 7 </size></file>\
                   <directory name='temporary:/x/y/'><file name='b'/></directory></directory>";
        let files = below(xml).expect("files");
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a", "y/b"]);
        assert_eq!((files[0].size, files[1].size), (Some(7), None));
    }

    #[test]
    fn a_folder_that_asks_for_more_memory_than_a_secure_backup_is_not_plausible() {
        let name = "n".repeat(3_000);
        let many = "<file name=''/>".repeat(10_001);
        for (inner, words) in [
            (
                many.clone(),
                "more than 10000 files and folders in a folder of ours",
            ),
            (
                format!("<directory name='d'>{many}</directory>"),
                "more than 10000 files and folders in a folder of ours",
            ),
            (
                format!("<directory name='{name}'><directory name='{name}'/></directory>"),
                "more than 4096 bytes in the path of a file",
            ),
            (
                format!("<directory name='{name}'><file name='{name}'/></directory>"),
                "more than 4096 bytes in the path of a file",
            ),
        ] {
            let refused = below(&format!("<directory name='x'>{inner}</directory>"));
            let error = refused.expect_err("it is refused");
            assert_eq!(error.kind, SomaErrorKind::Malformed);
            assert!(error.message.ends_with(words), "{error}");
        }
    }
}
