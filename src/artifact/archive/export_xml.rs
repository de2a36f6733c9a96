//! Reads an `export.xml` of any size in little memory (soma-wire 2.3).
//!
//! The file is streamed: each configuration object is handed out with a hash of what it
//! says as soon as its end tag is read, and each row of `files` likewise. This is the only
//! file that knows the XML library.

use std::io::{self, BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::errors::Error as QuickError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::artifact::archive::canonical::{Attributes, Canonical};
use crate::artifact::archive::limits::Limits;

const ROOT: &str = "datapower-configuration";

/// How much is wanted of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Class, name and hash.
    Hashes,
    /// The properties too.
    Properties,
}

/// Something that an `export.xml` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A `configuration` begins, with its domain if it names one.
    Configuration(Option<String>),
    /// A configuration object.
    Object(Object),
    /// A row of `files`.
    File(FileRow),
    /// A row of `domains`: the outer file of a `do-backup` has them.
    Domain(String),
    /// A section that is not known, as an object whose class is its name.
    Unknown(Object),
}

/// A configuration object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its class, `XMLManager`.
    pub class: String,
    /// Its name.
    pub name: String,
    /// SHA-256 over all it says. White space between elements and the order of attributes do
    /// not count.
    pub hash: [u8; 32],
    /// What it says, in order; empty unless asked for.
    pub properties: Vec<Property>,
}

/// One value of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Names of elements, and at the end perhaps of an attribute: `URLMap/http`, `ACL@class`.
    /// Lists repeat it.
    pub path: String,
    /// The value.
    pub value: String,
}

/// A row of `files`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRow {
    /// The path on the device, `local:///a.xsl`.
    pub name: String,
    /// The entry in the ZIP.
    pub src: Option<String>,
    /// Base64 of the SHA-1 of its bytes.
    pub hash: Option<String>,
    /// It belongs to the firmware, and stands in the outer ZIP.
    pub internal: bool,
    /// It is a key or a certificate, and was not exported.
    pub key: bool,
}

/// What an `export.xml` says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// `export-details/domain`.
    pub(super) exported_domain: Option<String>,
    /// `export-details/firmware-version`.
    pub(super) firmware_version: Option<String>,
    /// `export-details/firmware-build`.
    pub(super) firmware_build: Option<String>,
    /// `export-details/serial-number`.
    pub(super) serial_number: Option<String>,
    /// `export-details/device-name`.
    pub(super) device_name: Option<String>,
    /// `domain` of each `configuration`, where it has one.
    pub(super) configurations: Vec<Option<String>>,
    /// Whether there is a `domains` section: the mark of a `do-backup`'s outer file.
    pub(super) has_domains: bool,
}

/// An `export.xml` could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum XmlError {
    /// The bytes could not be read.
    #[error("read")]
    Read(#[source] io::Error),
    /// It is not what a gateway writes.
    #[error("{what} at byte {at}")]
    Bad {
        /// Why.
        what: String,
        /// Where.
        at: u64,
    },
    /// One of the limits.
    #[error("{0}")]
    OverLimit(&'static str),
}

/// Reads an `export.xml` to its end.
pub(super) fn read<R: BufRead>(
    source: R,
    limits: &Limits,
    detail: Detail,
    visit: &mut dyn FnMut(Item),
) -> Result<Head, XmlError> {
    let mut reader = Reader::from_reader(Rationed {
        inner: source,
        limit: limits.xml_node_bytes,
        left: 0,
    });
    let mut scan = Scan::new(limits, detail, visit);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().refill();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return Err(sort(error, reader.error_position())),
        };
        let done = matches!(event, Event::Eof);
        match scan.take(event) {
            Ok(()) if done => return Ok(scan.head),
            Ok(()) => {}
            Err(Fault::OverLimit(what)) => return Err(XmlError::OverLimit(what)),
            Err(Fault::Bad(what)) => {
                return Err(XmlError::Bad {
                    what,
                    at: reader.buffer_position(),
                });
            }
        }
    }
}

/// What [`Scan`] objects to; [`read`] knows the place.
enum Fault {
    Bad(String),
    OverLimit(&'static str),
}

impl Fault {
    fn bad(what: impl Into<String>) -> Fault {
        Fault::Bad(what.into())
    }
}

/// Which child of the root we are in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Details,
    Interfaces,
    Configuration,
    Files,
    Domains,
    Unknown,
}

struct Scan<'v> {
    limits: &'v Limits,
    detail: Detail,
    visit: &'v mut dyn FnMut(Item),
    head: Head,
    /// Open elements.
    depth: usize,
    root_seen: bool,
    section: Section,
    /// The object, or unknown section, that we are in.
    object: Option<Canonical>,
    /// The text of the child of `export-details` that we are in.
    field: Option<(String, String)>,
    /// Bytes of names held so far.
    listed: u64,
}

impl<'v> Scan<'v> {
    fn new(limits: &'v Limits, detail: Detail, visit: &'v mut dyn FnMut(Item)) -> Scan<'v> {
        Scan {
            limits,
            detail,
            visit,
            head: Head::default(),
            depth: 0,
            root_seen: false,
            section: Section::Unknown,
            object: None,
            field: None,
            listed: 0,
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::Empty(tag) => {
                self.open(&tag)?;
                self.close()
            }
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = match &*reference {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "apos" => Some('\''),
                    "quot" => Some('"'),
                    _ => reference
                        .resolve_char_ref()
                        .map_err(|error| Fault::bad(error.to_string()))?,
                };
                let character = character.ok_or_else(|| Fault::bad("an entity that is not declared"))?;
                self.text(character.encode_utf8(&mut [0; 4]))
            }
            // A document type could declare entities; a gateway writes none.
            Event::DocType(_) => Err(Fault::bad("a document type")),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => Ok(()),
            Event::Eof if self.depth > 0 => Err(Fault::bad("it ends in the middle")),
            Event::Eof if !self.root_seen => Err(Fault::bad("it is empty")),
            Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let attributes = attributes(tag)?;
        if self.depth >= self.limits.xml_depth {
            return Err(Fault::OverLimit("elements within elements in export.xml"));
        }
        let local_name = tag.local_name();
        let name: &str = local_name.as_ref();
        if let Some(object) = &mut self.object {
            object.open(tag.name().as_ref(), attributes);
            if object.held() > self.limits.xml_listing_bytes {
                return Err(Fault::OverLimit("properties of one object"));
            }
        } else {
            match self.depth {
                0 if self.root_seen => return Err(Fault::bad("a second root element")),
                0 if name != ROOT => return Err(Fault::bad(format!("its root is {name}, not {ROOT}"))),
                0 => self.root_seen = true,
                1 => self.open_section(name, attributes)?,
                2 => self.open_row(name, attributes)?,
                _ => {}
            }
        }
        self.depth += 1;
        Ok(())
    }

    fn open_section(&mut self, name: &str, attributes: Attributes) -> Result<(), Fault> {
        self.section = match name {
            "export-details" => Section::Details,
            "interface-data" => Section::Interfaces,
            "configuration" => Section::Configuration,
            "files" => Section::Files,
            "domains" => Section::Domains,
            _ => Section::Unknown,
        };
        match self.section {
            Section::Configuration => {
                let domain = attributes.get("domain").map(str::to_owned);
                self.hold(domain.as_deref().unwrap_or_default())?;
                self.head.configurations.push(domain.clone());
                (self.visit)(Item::Configuration(domain));
            }
            Section::Domains => self.head.has_domains = true,
            Section::Unknown => self.object = Some(Canonical::begin(name, attributes, self.detail)),
            Section::Details | Section::Interfaces | Section::Files => {}
        }
        Ok(())
    }

    fn open_row(&mut self, name: &str, attributes: Attributes) -> Result<(), Fault> {
        match self.section {
            Section::Configuration => {
                self.object = Some(Canonical::begin(name, attributes, self.detail));
            }
            Section::Details => self.field = Some((name.to_owned(), String::new())),
            Section::Files if name == "file" => {
                let text = |key: &str| attributes.get(key).map(str::to_owned);
                let flag = |key: &str| matches!(attributes.get(key), Some("true" | "1"));
                let row = FileRow {
                    name: text("name").unwrap_or_default(),
                    src: text("src"),
                    hash: text("hash"),
                    internal: flag("internal"),
                    key: flag("key"),
                };
                self.hold(&row.name)?;
                self.hold(row.src.as_deref().unwrap_or_default())?;
                (self.visit)(Item::File(row));
            }
            Section::Domains if name == "domain" => {
                let domain = attributes.get("name").unwrap_or_default().to_owned();
                self.hold(&domain)?;
                (self.visit)(Item::Domain(domain));
            }
            Section::Files | Section::Domains => {
                return Err(Fault::bad(format!("{name} is no row of this list")));
            }
            Section::Interfaces | Section::Unknown => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        // The library refuses an end tag without a start tag.
        self.depth = self.depth.saturating_sub(1);
        if let Some(mut object) = self.object.take() {
            match object.close() {
                None => self.object = Some(object),
                Some(object) if self.section == Section::Unknown => (self.visit)(Item::Unknown(object)),
                Some(object) => (self.visit)(Item::Object(object)),
            }
        } else if self.depth == 2
            && let Some((name, text)) = self.field.take()
        {
            self.hold(&text)?;
            let field = match name.as_str() {
                "domain" => &mut self.head.exported_domain,
                "firmware-version" => &mut self.head.firmware_version,
                "firmware-build" => &mut self.head.firmware_build,
                "serial-number" => &mut self.head.serial_number,
                "device-name" => &mut self.head.device_name,
                _ => return Ok(()),
            };
            *field = Some(text.trim().to_owned());
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        check_characters(text)?;
        let held = if let Some(object) = &mut self.object {
            object.text(text)
        } else if let Some((_, field)) = &mut self.field {
            field.push_str(text);
            field.len()
        } else if text.trim_matches(XML_SPACE).is_empty() {
            return Ok(());
        } else {
            return Err(Fault::bad("text where only elements belong"));
        };
        // Entities and CDATA may cut one text into any number of events.
        if held as u64 > self.limits.xml_node_bytes {
            return Err(Fault::OverLimit(NODE));
        }
        Ok(())
    }

    /// Counts a name that somebody will keep.
    fn hold(&mut self, name: &str) -> Result<(), Fault> {
        self.listed += name.len() as u64;
        if self.listed > self.limits.xml_listing_bytes {
            return Err(Fault::OverLimit("names in export.xml"));
        }
        Ok(())
    }
}

const NODE: &str = "bytes of one tag or text in export.xml";
const XML_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

fn attributes(tag: &BytesStart<'_>) -> Result<Attributes, Fault> {
    let mut pairs = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| Fault::bad(error.to_string()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| Fault::bad(error.to_string()))?;
        check_characters(&value)?;
        let key: &str = attribute.key.as_ref();
        pairs.push((key.to_owned(), value.into_owned()));
    }
    Ok(Attributes::new(pairs))
}

/// The library lets pass characters that XML does not have.
fn check_characters(text: &str) -> Result<(), Fault> {
    let is_allowed = |c: char| c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || XML_SPACE.contains(&c);
    match text.chars().find(|c| !is_allowed(*c)) {
        None => Ok(()),
        Some(found) => Err(Fault::bad(format!(
            "a character that XML does not have, {found:?}"
        ))),
    }
}

fn sort(error: QuickError, at: u64) -> XmlError {
    match error {
        QuickError::Io(error) if is_overdrawn(&error) => XmlError::OverLimit(NODE),
        QuickError::Io(error) => XmlError::Read(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        }),
        other => XmlError::Bad {
            what: other.to_string(),
            at,
        },
    }
}

fn is_overdrawn(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Overdrawn>())
        .is_some()
}

/// The library buffers each tag and each text as a whole. This ends the input where one gets
/// too large.
struct Rationed<R> {
    inner: R,
    limit: u64,
    left: u64,
}

/// One tag or text was larger than the limit.
#[derive(Debug, thiserror::Error)]
#[error("{NODE}")]
struct Overdrawn;

impl<R> Rationed<R> {
    fn refill(&mut self) {
        self.left = self.limit;
    }
}

impl<R: BufRead> BufRead for Rationed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let available = self.inner.fill_buf()?;
        if left == 0 && !available.is_empty() {
            return Err(io::Error::other(Overdrawn));
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
#[path = "export_xml_tests.rs"]
mod tests;
