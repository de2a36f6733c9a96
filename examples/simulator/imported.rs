//! Archives as they come back: what an import finds in one.

use std::io::{Cursor, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};
use zip::ZipArchive;

use super::objects::Object;

type Archive = ZipArchive<Cursor<Vec<u8>>>;

/// An archive that was sent: of a `do-backup`, or of one domain.
pub(super) struct SentArchive(Archive);

/// What an archive has of one domain.
pub(super) struct SentDomain {
    /// `export-details` as it stands in `export.xml`.
    pub(super) details: String,
    pub(super) objects: Vec<Object>,
    pub(super) files: Vec<SentFile>,
}

/// A row of `files`.
pub(super) struct SentFile {
    /// `local:///app/a.xsl`
    pub(super) name: String,
    /// `local/app/a.xsl`
    pub(super) path: String,
    pub(super) held: SentBytes,
}

/// What an archive has of a file.
pub(super) enum SentBytes {
    Here(Vec<u8>),
    /// It is of the firmware.
    Internal,
    /// A key or a certificate: listed, never contained.
    Key,
    /// Listed, and not there.
    Missing,
}

impl SentArchive {
    /// Reads base64; nothing where it is no ZIP.
    pub(super) fn read(base64: &str) -> Option<SentArchive> {
        let bytes = STANDARD.decode(base64).ok()?;
        ZipArchive::new(Cursor::new(bytes)).ok().map(SentArchive)
    }

    /// What it has of a domain: the ZIP of that domain in it, or the whole of it where it has no such.
    pub(super) fn domain(&mut self, name: &str) -> Option<SentDomain> {
        let inner = entry(&mut self.0, &format!("{name}.zip"))?;
        read_domain(&mut ZipArchive::new(Cursor::new(inner)).ok()?)
    }

    /// The object of a domain itself, which stands beside it.
    pub(super) fn own_object(&mut self, name: &str) -> Option<Object> {
        let text = String::from_utf8(entry(&mut self.0, "export.xml")?).ok()?;
        let document = Document::parse(&text).ok()?;
        let mut objects = document.root_element().descendants();
        let own = objects
            .find(|node| node.tag_name().name() == "Domain" && node.attribute("name") == Some(name))?;
        Some(Object::read(own, &text))
    }

    /// The one domain that it is the archive of.
    pub(super) fn whole(&mut self) -> Option<SentDomain> {
        read_domain(&mut self.0)
    }
}

fn entry(archive: &mut Archive, path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name(path).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn read_domain(archive: &mut Archive) -> Option<SentDomain> {
    let text = String::from_utf8(entry(archive, "export.xml")?).ok()?;
    let document = Document::parse(&text).ok()?;
    let root = document.root_element();
    let below = |name: &str| root.children().find(|node| node.tag_name().name() == name);
    let configuration = below("configuration")?;
    let objects = configuration.children().filter(Node::is_element);
    let objects = objects.map(|object| Object::read(object, &text)).collect();
    let rows = below("files").into_iter().flat_map(|files| files.children());
    let mut files = Vec::new();
    for row in rows.filter(Node::is_element) {
        let attribute = |name: &str| row.attribute(name).unwrap_or_default();
        let held = if attribute("internal") == "true" {
            SentBytes::Internal
        } else if attribute("key") == "true" {
            SentBytes::Key
        } else {
            entry(archive, attribute("src")).map_or(SentBytes::Missing, SentBytes::Here)
        };
        files.push(SentFile {
            name: attribute("name").to_owned(),
            path: attribute("src").to_owned(),
            held,
        });
    }
    Some(SentDomain {
        details: below("export-details").map_or_else(String::new, |node| text[node.range()].to_owned()),
        objects,
        files,
    })
}
