//! What a file is that is no archive of a gateway: named, so that nobody has to guess.

use std::fmt;
use std::io::{self, Read};

use crate::artifact::archive::window::FileWindow;

/// How much of the start of a file tells what it is.
const START_BYTES: u64 = 64 * 1024;

/// Something that somebody may take for an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookalike {
    /// The answer to an export in the form `XML`.
    XmlExport,
    /// An answer of a gateway, as it came.
    SomaResponse,
    /// The text of a `dp:file`.
    Base64,
    /// The manifest of a secure backup.
    Manifest,
    /// A part of a secure backup, perhaps.
    Gzip,
    /// What a gateway or a proxy answers to a browser.
    WebPage,
    /// The ZIP of one domain, taken out of a `do-backup`.
    InnerZip,
    /// A ZIP in which everything stands in this folder.
    InFolder(String),
    /// A ZIP that holds this ZIP and no `export.xml`.
    InZip(String),
    /// A ZIP of another program, in words.
    OtherZip(&'static str),
}

impl Lookalike {
    /// What a file is by its first bytes, unless it begins as a ZIP does.
    pub(super) fn of_start(mut file: FileWindow<'_>) -> io::Result<Option<Lookalike>> {
        let mut start = Vec::new();
        (&mut file).take(START_BYTES).read_to_end(&mut start)?;
        Ok(of_bytes(&start))
    }

    /// What a ZIP without an `export.xml` is, by the names of its files.
    pub(super) fn of_names<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Option<Lookalike> {
        let folder = names.clone().find_map(|name| name.strip_suffix("/export.xml"));
        if let Some(folder) = folder {
            let is_inside = |name: &str| {
                name.strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/'))
            };
            if names.clone().all(is_inside) {
                return Some(Lookalike::InFolder(folder.to_owned()));
            }
        }
        let mut zips = names
            .clone()
            .filter(|name| name.to_ascii_lowercase().ends_with(".zip"));
        match (zips.next(), zips.next()) {
            (Some(only), None) => Some(Lookalike::InZip(only.to_owned())),
            _ => of_program(names).map(Lookalike::OtherZip),
        }
    }

    /// In one word.
    pub fn code(&self) -> &'static str {
        match self {
            Lookalike::XmlExport => "xml-export",
            Lookalike::SomaResponse => "soma-response",
            Lookalike::Base64 => "base64",
            Lookalike::Manifest => "secure-backup-manifest",
            Lookalike::Gzip => "gzip",
            Lookalike::WebPage => "web-page",
            Lookalike::InnerZip => "inner-zip",
            Lookalike::InFolder(_) => "archive-in-folder",
            Lookalike::InZip(_) => "archive-in-zip",
            Lookalike::OtherZip(_) => "other-zip",
        }
    }
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lookalike::XmlExport => f.write_str(
                "an export in the form XML, which holds no file and proves nothing: export as ZIP",
            ),
            Lookalike::SomaResponse => {
                f.write_str("a saved SOMA response: what it brought stands in its dp:file, in base64")
            }
            Lookalike::Base64 => f.write_str("a ZIP in base64: decode it first"),
            Lookalike::Manifest => {
                f.write_str("the manifest of a secure backup: verify the folder that holds its files")
            }
            Lookalike::Gzip => {
                f.write_str("packed with gzip; a part of a secure backup is verified with its whole folder")
            }
            Lookalike::WebPage => f.write_str("a web page"),
            Lookalike::InnerZip => f.write_str(
                "the ZIP of one domain, taken out of a do-backup: the files of the firmware that it lists \
                 (dp-aux/) stand in the outer ZIP; verify that",
            ),
            Lookalike::InFolder(name) => write!(
                f,
                "an archive one level too deep: all of it stands in the folder \"{}\"; pack what is in that",
                name.escape_debug()
            ),
            Lookalike::InZip(name) => write!(
                f,
                "an archive one level too deep: take \"{}\" out of it, and verify that",
                name.escape_debug()
            ),
            Lookalike::OtherZip(what) => write!(f, "{what}, and no archive of a gateway: name another file"),
        }
    }
}

/// Which program writes a ZIP of such names.
fn of_program<'n>(mut names: impl Iterator<Item = &'n str> + Clone) -> Option<&'static str> {
    let has = |name: &str| names.clone().any(|other| other == name);
    if has("[Content_Types].xml") {
        return Some("a document of an office program");
    }
    if has("META-INF/MANIFEST.MF") {
        return Some("a package of Java");
    }
    match names.next() {
        None => Some("a ZIP without a file"),
        Some(_) => None,
    }
}

fn of_bytes(start: &[u8]) -> Option<Lookalike> {
    if start.starts_with(b"PK") {
        return None;
    }
    if start.starts_with(b"\x1f\x8b") {
        return Some(Lookalike::Gzip);
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("UEsDB") {
        return Some(Lookalike::Base64);
    }
    if !text.starts_with('<') {
        return None;
    }
    let is_page = |text: &str| text.to_ascii_lowercase().starts_with("<!doctype html");
    match root(text)? {
        "datapower-configuration" => Some(Lookalike::XmlExport),
        "Envelope" => Some(Lookalike::SomaResponse),
        name if name.eq_ignore_ascii_case("html") || is_page(text) => Some(Lookalike::WebPage),
        _ if text.contains("backupmanifest") => Some(Lookalike::Manifest),
        _ => None,
    }
}

/// The name of the first element, without its prefix.
fn root(text: &str) -> Option<&str> {
    let tags = text.split('<').skip(1);
    let first = tags.into_iter().find(|tag| !tag.starts_with(['?', '!']))?;
    let end = first.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'));
    let name = &first[..end.unwrap_or(first.len())];
    Some(name.rsplit(':').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        let cases: [(&[u8], &str); 11] = [
            (
                b"<?xml version=\"1.0\"?>\n<!-- x --><datapower-configuration version=\"3\">",
                "xml-export",
            ),
            (b"<datapower-configuration/>", "xml-export"),
            (
                b"\xef\xbb\xbf <env:Envelope xmlns:env=\"x\"><env:Body>",
                "soma-response",
            ),
            (b"<?xml version=\"1.0\"?>\n<Envelope>", "soma-response"),
            (b"\nUEsDBBQAAAAI", "base64"),
            (
                b"<?xml version=\"1.0\"?><backup><backupmanifest>",
                "secure-backup-manifest",
            ),
            (b"<backupmanifest>", "secure-backup-manifest"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"<!DOCTYPE html>\n<html lang=\"en\">", "web-page"),
            (b"<HTML><body>", "web-page"),
            (b"<!doctype HTML><body>", "web-page"),
        ];
        for (start, code) in cases {
            let found = of_bytes(start).map(|found| found.code());
            assert_eq!(found, Some(code), "{}", String::from_utf8_lossy(start));
        }
        for start in [
            &b"PK\x03\x04<Envelope>"[..],
            b"",
            b"text",
            b"<",
            b"<!-- a",
            b"<svg>",
            b"\xff\xfe",
        ] {
            assert_eq!(of_bytes(start), None, "{}", String::from_utf8_lossy(start));
        }
    }

    #[test]
    fn a_zip_is_known_by_its_names() {
        let of = |names: &[&str]| Lookalike::of_names(names.iter().copied());
        let in_folder = |name: &str| Some(Lookalike::InFolder(name.to_owned()));
        assert_eq!(of(&["b/export.xml", "b/config/a.cfg"]), in_folder("b"));
        assert_eq!(of(&["b/c/A.zip", "b/c/export.xml"]), in_folder("b/c"));
        assert_eq!(of(&["b/export.xml", "c/x"]), None);
        assert_eq!(of(&["b/export.xml", "bc"]), None);
        let in_zip = |name: &str| Some(Lookalike::InZip(name.to_owned()));
        assert_eq!(of(&["readme.txt", "x/backup.ZIP"]), in_zip("x/backup.ZIP"));
        assert_eq!(of(&["a.zip", "b.zip"]), None);
        assert_eq!(of(&["a.txt"]), None);
        for (names, what) in [
            (&["[Content_Types].xml", "word/document.xml"][..], "office"),
            (&["META-INF/MANIFEST.MF", "A.class"], "Java"),
            (&[], "without a file"),
        ] {
            let found = of(names).expect("a ZIP of another program");
            assert_eq!(found.code(), "other-zip");
            assert!(found.to_string().contains(what), "{found}");
        }
    }
}
