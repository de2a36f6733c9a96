//! What the manifest of a secure backup lists.
//!
//! No manifest of a gateway has been published. Three working clients agree on `files/file`
//! with `filename` and `checksum`, below the root or below a `backupmanifest`; one of them
//! reads `filesize`, and passes over a row of the manifest itself (soma-wire 3.4 and 11). So it
//! is read loosely in what surrounds that, and strictly in what it says.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use crate::artifact::manifest_checksum::Checksum;
use crate::values::xml::{children, is_named};
use crate::values::xml_limits::{XmlLimits, XmlScan};

/// The name of the manifest.
pub const MANIFEST: &str = "backupmanifest.xml";

const MANIFEST_NODES: u32 = 200_000;

/// What a manifest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The files, in its order.
    pub files: Vec<Listed>,
}

/// One file that a manifest lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name on the device.
    pub name: String,
    /// Its bytes; `None` where the manifest does not say how many.
    pub size: Option<u64>,
    /// Its checksums, one or none as a rule.
    pub checksums: Vec<Checksum>,
}

/// A manifest does not make sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no XML that can be read.
    #[error("the manifest cannot be read: {0}")]
    NotXml(String),
    /// It lists nothing.
    #[error("the manifest lists no files")]
    Empty,
    /// A file has no name.
    #[error("the manifest lists a file without a filename")]
    NoName,
    /// A file gives two sizes.
    #[error("the manifest gives {name:?} two sizes, {one} and {other}")]
    TwoSizes {
        name: String,
        /// The one.
        one: u64,
        other: u64,
    },
    /// A file has a name that is not safe.
    #[error("the manifest lists a file with the unsafe name {0:?}")]
    UnsafeName(String),
    /// Two files have one name.
    #[error("the manifest lists {0:?} twice")]
    Duplicate(String),
    /// A file is listed where some look for it and others do not.
    #[error("the manifest lists {0:?} outside of its list of files")]
    Elsewhere(String),
    /// A size cannot be understood, a checksum is damaged, or something stands twice.
    #[error("the manifest gives {name:?} a {what} that cannot be understood: {text:?}")]
    BadValue {
        name: String,
        /// The name of the element.
        what: &'static str,
        /// As it stands there.
        text: String,
    },
}

impl Manifest {
    /// Reads a manifest.
    pub fn read(xml: &str) -> Result<Manifest, ManifestError> {
        let not_xml = |why: String| ManifestError::NotXml(why);
        let xml = xml.trim_start_matches('\u{FEFF}');
        // What would cost a parser hours does not come to it.
        XmlScan::new(XmlLimits::default())
            .feed(xml.as_bytes())
            .map_err(|error| not_xml(error.to_string()))?;
        let options = ParsingOptions {
            nodes_limit: MANIFEST_NODES,
            ..ParsingOptions::default()
        };
        let document =
            Document::parse_with_options(xml, options).map_err(|error| not_xml(error.to_string()))?;
        let root = document.root_element();
        let holders = document
            .descendants()
            .filter(|node| *node == root || is_named(*node, "backupmanifest"));
        let rows = holders
            .flat_map(|node| children(node, "files"))
            .flat_map(|files| children(files, "file"));
        let mut files = Vec::new();
        let (mut names, mut read) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            read.insert(row.id().get());
            let listed = Listed::read(row)?;
            if !names.insert(listed.name.clone()) {
                return Err(ManifestError::Duplicate(listed.name));
            }
            files.push(listed);
        }
        if files.iter().all(|file| file.name == MANIFEST) {
            return Err(ManifestError::Empty);
        }
        let mut elsewhere = document
            .descendants()
            .filter(|node| is_named(*node, "file") && !read.contains(&node.id().get()))
            .filter_map(|row| children(row, "filename").find_map(text_of));
        if let Some(name) = elsewhere.next() {
            return Err(ManifestError::Elsewhere(name));
        }
        Ok(Manifest { files })
    }
}

impl Listed {
    fn read(row: Node<'_, '_>) -> Result<Listed, ManifestError> {
        let name = single(row, "filename", "")?.unwrap_or_default();
        let is_unsafe = |c: char| matches!(c, '/' | '\\') || c.is_control();
        if name.is_empty() {
            return Err(ManifestError::NoName);
        }
        if name == "." || name == ".." || name.contains(is_unsafe) {
            return Err(ManifestError::UnsafeName(name));
        }
        let mut size = None;
        for what in ["size", "filesize"] {
            if let Some(text) = single(row, what, &name)? {
                let told = bytes(&text).ok_or_else(|| bad_value(&name, what, text))?;
                // Who reads the one would find another file good than who reads the other.
                if let Some(one) = size.filter(|one| name != MANIFEST && *one != told) {
                    let other = told;
                    return Err(ManifestError::TwoSizes { name, one, other });
                }
                size = Some(told);
            }
        }
        let mut checksums = Vec::new();
        for node in children(row, "checksum") {
            let Some(text) = text_of(node) else {
                continue;
            };
            if has_elements(node) {
                return Err(bad_value(&name, "checksum", text));
            }
            let said = ["algorithm", "type", "kind", "method"];
            let said = said.into_iter().filter_map(|attribute| node.attribute(attribute));
            match Checksum::read(&text, said) {
                Some(checksum) => checksums.push(checksum),
                // A manifest cannot hold its own: whatever stands there proves nothing.
                None if name == MANIFEST => {}
                None => return Err(bad_value(&name, "checksum", text)),
            }
        }
        Ok(Listed {
            name,
            size,
            checksums,
        })
    }
}

/// The text of the one child of this name, if there is one that has any.
fn single(row: Node<'_, '_>, what: &'static str, name: &str) -> Result<Option<String>, ManifestError> {
    let mut nodes = children(row, what);
    let Some(node) = nodes.next() else {
        return Ok(None);
    };
    let first = text_of(node);
    let bad = match nodes.next() {
        Some(second) => text_of(second).unwrap_or_default(),
        None if has_elements(node) => first.clone().unwrap_or_default(),
        None => return Ok(first),
    };
    let name = if name.is_empty() {
        first.unwrap_or_default()
    } else {
        name.to_owned()
    };
    Err(bad_value(&name, what, bad))
}

/// Whether elements stand in a value: some programs take what is in them for a part of it, and
/// some what is before them for all of it.
fn has_elements(node: Node<'_, '_>) -> bool {
    node.children().any(|child| child.is_element())
}

/// A number of bytes: digits alone.
fn bytes(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

fn bad_value(name: &str, what: &'static str, text: String) -> ManifestError {
    let name = name.to_owned();
    ManifestError::BadValue { name, what, text }
}

/// All the text of an element, comments within left out; none where there is nothing but space.
fn text_of(node: Node<'_, '_>) -> Option<String> {
    let text: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|part| part.text())
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
#[path = "manifest_list_tests.rs"]
mod tests;
