//! Writes an export as text: one file an object, and the files of the domain beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::artifact::archive::{self, Detail, ExportItem, Limits, ListedFile, Object, VerifyError};
use crate::artifact::error::StoreError;
use crate::artifact::extracted::{ExtractError, ExtractedFolder};
use crate::artifact::secret_values::hidden_paths;
use crate::change::find::MASKED;
use crate::values::causes::with_causes;

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// As `verify` counts them: without those of the domains themselves.
    pub objects: u64,
    /// The objects of the domains themselves, which stand beside what is in them.
    pub of_domains: u64,
    /// Files of domains.
    pub files: u64,
}

/// Why nothing, or not all, was written.
#[derive(Debug, thiserror::Error)]
pub enum ExtractTrouble {
    /// The archive.
    #[error("the export cannot be read")]
    Archive(#[source] VerifyError),
    /// The folder, or a file in it.
    #[error(transparent)]
    Folder(#[from] ExtractError),
    /// It was to stop: what was written stands there, and what an export before had, too.
    #[error("it was asked to stop")]
    Stopped,
}

/// Writes an export whose bytes are known to be good. `outer` is the domain that stands for what
/// it says beyond its domains, `only` the one domain that is meant. `is_over` is asked before each file whether it
/// is to stop.
pub fn extract(
    file: &File,
    scratch: &Path,
    outer: &str,
    only: Option<&str>,
    folder: &Path,
    is_over: &dyn Fn() -> bool,
) -> Result<Extracted, ExtractTrouble> {
    let target = ExtractedFolder::open(folder)?;
    let writer = std::cell::RefCell::new(Writer {
        target,
        count: Extracted::default(),
        seen: BTreeMap::new(),
        places: BTreeSet::new(),
        trouble: None,
    });
    let named = |domain: &str| {
        if domain.is_empty() {
            outer.to_owned()
        } else {
            domain.to_owned()
        }
    };
    let is_meant = |domain: &str| only.is_none_or(|only| only == domain);
    let mut visit = |written: &str, item: &ExportItem| {
        if let ExportItem::Object(object) | ExportItem::Unknown(object) = item {
            let domain = named(written);
            if is_meant(&domain) && !is_over() {
                let mut writer = writer.borrow_mut();
                let is_of_domain = written.is_empty() && object.class == "Domain";
                if writer.object(&domain, object) {
                    match is_of_domain {
                        true => writer.count.of_domains += 1,
                        false => writer.count.objects += 1,
                    }
                }
            }
        }
    };
    let mut open = |domain: &str, row: &ListedFile, bytes: &mut dyn Read| {
        let domain = named(domain);
        match is_meant(&domain) && !is_over() {
            true => writer.borrow_mut().file(&domain, row, bytes),
            false => Ok(()),
        }
    };
    let limits = Limits::default();
    let read = archive::reread(
        file,
        scratch,
        &limits,
        Detail::Properties,
        &mut visit,
        Some(&mut open),
    );
    let writer = writer.into_inner();
    if let Some(trouble) = writer.trouble {
        return Err(ExtractError::Write(trouble).into());
    }
    read.map_err(ExtractTrouble::Archive)?;
    if is_over() {
        return Err(ExtractTrouble::Stopped);
    }
    writer.target.finish()?;
    Ok(writer.count)
}

struct Writer {
    target: ExtractedFolder,
    count: Extracted,
    /// How often a domain, class and name have come.
    seen: BTreeMap<(String, String, String), u64>,
    /// Where files were put.
    places: BTreeSet<String>,
    /// The first thing that could not be written; after it nothing more is.
    trouble: Option<StoreError>,
}

impl Writer {
    /// Whether it was written.
    fn object(&mut self, domain: &str, object: &Object) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        let key = (domain.to_owned(), object.class.clone(), object.name.clone());
        let times = self.seen.entry(key).or_default();
        *times += 1;
        let ending = match *times {
            1 => ".txt".to_owned(),
            times => format!("+{times}.txt"),
        };
        let steps = [domain, "objects", &object.class, &object.name];
        let text = text_of(object);
        match self.target.put(&steps, &ending, &mut text.as_bytes()) {
            Ok(()) => true,
            Err(error) => {
                self.trouble = Some(error);
                false
            }
        }
    }

    fn file(&mut self, domain: &str, row: &ListedFile, bytes: &mut dyn Read) -> io::Result<()> {
        if self.trouble.is_some() {
            return Ok(());
        }
        // `local:///app/a.xsl` is local/app/a.xsl.
        let (location, path) = row.name.split_once(':').unwrap_or(("", &row.name));
        let steps: Vec<&str> = [domain, "files", location]
            .into_iter()
            .chain(path.split('/').filter(|step| !step.is_empty()))
            .collect();
        // What fails in reading is a matter of the archive, which says so itself.
        let mut bytes = ReadNoted {
            inner: bytes,
            failed: None,
        };
        match self.target.put(&steps, "", &mut bytes) {
            // Two rows may lead to one place, with the same bytes.
            Ok(()) if self.places.insert(steps.join("/")) => self.count.files += 1,
            Ok(()) => {}
            Err(error) => match bytes.failed {
                Some(failed) => return Err(failed),
                None => self.trouble = Some(error),
            },
        }
        Ok(())
    }
}

/// Tells afterwards whether it was the reading that failed.
struct ReadNoted<'r> {
    inner: &'r mut dyn Read,
    failed: Option<io::Error>,
}

impl Read for ReadNoted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let told = io::Error::new(error.kind(), with_causes(&error));
            self.failed = Some(error);
            told
        })
    }
}

/// An object as text: its properties in their order, a line each, and without its secrets.
fn text_of(object: &Object) -> String {
    let hidden = hidden_paths(&object.class, object.properties.iter());
    let mut text = format!("{} {}\n", object.class, object.name);
    for property in &object.properties {
        let value = match hidden.contains(property.path.as_str()) {
            true => MASKED.to_owned(),
            // Further lines of a value cannot be taken for properties.
            false => property.value.trim_end().replace('\n', "\n      "),
        };
        text.push_str(format!("  {}: {value}", property.path).trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::archive::Property;

    #[test]
    fn an_object_is_its_properties_in_their_order_and_no_secret() {
        let property = |path: &str, value: &str| Property {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        let object = Object {
            class: "XMLManager".to_owned(),
            name: "default".to_owned(),
            hash: [0; 32],
            properties: vec![
                property("mAdminState", "enabled"),
                property("Note", ""),
                property("URLMap/URL", "a\nb: c"),
                property("Password", "tiger"),
            ],
            key_files: Vec::new(),
        };
        assert_eq!(
            text_of(&object),
            "XMLManager default\n  mAdminState: enabled\n  Note:\n  URLMap/URL: a\n      b: c\n  Password: (secret)\n"
        );
    }

    #[test]
    fn two_rows_of_one_place_are_one_file() {
        let ground = tempfile::tempdir().expect("a folder");
        let mut writer = Writer {
            target: ExtractedFolder::open(&ground.path().join("out")).expect("a folder"),
            count: Extracted::default(),
            seen: BTreeMap::new(),
            places: BTreeSet::new(),
            trouble: None,
        };
        for name in ["local:///a.txt", "local:/a.txt", "local:///b.txt"] {
            let row = ListedFile {
                name: name.to_owned(),
                ..ListedFile::default()
            };
            writer.file("D", &row, &mut &b"text"[..]).expect("written");
        }
        assert!(writer.trouble.is_none());
        assert_eq!(writer.count.files, 2);
    }
}
