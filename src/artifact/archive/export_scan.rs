//! What an `export.xml` says, from one tag or text to the next.

use std::collections::BTreeSet;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::artifact::archive::canonical::{Attributes, Canonical};
use crate::artifact::archive::export_item::{DOMAIN_CLASS, Detail, ExportItem, Head, ListedFile};
use crate::artifact::archive::limits::Limits;
use crate::artifact::archive::well_formed::{self, IllFormed, Namespaces};

const ROOT: &str = "datapower-configuration";
/// How the namespaces of the firmware begin.
const OWN_NAMESPACES: &str = "http://www.datapower.com/";
/// What a text that is too long is called.
pub(super) const NODE: &str = "bytes of one tag or text in export.xml";
const XML_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What [`Scan`] objects to; whoever reads knows the place.
pub(super) enum ExportXmlFault {
    Bad(String),
    OverLimit(&'static str),
}

impl From<IllFormed> for ExportXmlFault {
    fn from(fault: IllFormed) -> ExportXmlFault {
        match fault {
            IllFormed::Bad(what) => ExportXmlFault::Bad(what),
            IllFormed::OverLimit(what) => ExportXmlFault::OverLimit(what),
        }
    }
}

impl ExportXmlFault {
    fn bad(what: impl Into<String>) -> ExportXmlFault {
        ExportXmlFault::Bad(what.into())
    }
}

/// Which child of the root we are in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ExportSection {
    Details,
    Interfaces,
    Configuration,
    Files,
    Domains,
    Unknown,
}

impl ExportSection {
    fn of(name: &str) -> ExportSection {
        match name {
            "export-details" => ExportSection::Details,
            "interface-data" => ExportSection::Interfaces,
            "configuration" => ExportSection::Configuration,
            "files" => ExportSection::Files,
            "domains" => ExportSection::Domains,
            _ => ExportSection::Unknown,
        }
    }
}

/// What was read so far.
pub(super) struct Scan<'v> {
    limits: &'v Limits,
    detail: Detail,
    visit: &'v mut dyn FnMut(ExportItem),
    pub(super) head: Head,
    /// Whether a byte order mark stands in front.
    pub(super) has_mark: bool,
    /// Whether nothing has come yet.
    is_first: bool,
    namespaces: Namespaces,
    /// Open elements.
    depth: usize,
    root_seen: bool,
    section: ExportSection,
    /// The object, or unknown section, that we are in.
    object: Option<Canonical>,
    /// The text of the child of `export-details` that we are in.
    field: Option<(String, String)>,
    /// The sections so far; those of configuration by their domain.
    sections: BTreeSet<(ExportSection, Option<String>)>,
    /// What it says that it is written in, where that is not UTF-8.
    foreign_encoding: Option<String>,
    /// Bytes of names held so far.
    listed: u64,
}

impl<'v> Scan<'v> {
    pub(super) fn new(limits: &'v Limits, detail: Detail, visit: &'v mut dyn FnMut(ExportItem)) -> Scan<'v> {
        Scan {
            limits,
            detail,
            visit,
            head: Head::default(),
            has_mark: false,
            is_first: true,
            namespaces: Namespaces::default(),
            depth: 0,
            root_seen: false,
            section: ExportSection::Unknown,
            object: None,
            field: None,
            sections: BTreeSet::new(),
            foreign_encoding: None,
            listed: 0,
        }
    }

    pub(super) fn take(&mut self, event: Event<'_>) -> Result<(), ExportXmlFault> {
        let is_first = std::mem::take(&mut self.is_first);
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::Empty(tag) => {
                self.open(&tag)?;
                self.close()
            }
            Event::End(_) => self.close(),
            Event::Text(text) => {
                well_formed::text(&text)?;
                self.text(&text.xml10_content())
            }
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                Err(ExportXmlFault::bad("text where only elements belong"))
            }
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                well_formed::reference(&reference)?;
                let character = match &*reference {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "apos" => Some('\''),
                    "quot" => Some('"'),
                    _ => reference
                        .resolve_char_ref()
                        .map_err(|error| ExportXmlFault::bad(error.to_string()))?,
                };
                let character =
                    character.ok_or_else(|| ExportXmlFault::bad("an entity that is not declared"))?;
                self.text(character.encode_utf8(&mut [0; 4]))
            }
            // A document type could declare entities; a gateway writes none.
            Event::DocType(_) => Err(ExportXmlFault::bad("a document type")),
            Event::Decl(declaration) if is_first => self.declaration(&declaration),
            Event::Decl(_) => Err(ExportXmlFault::bad("something stands before its XML declaration")),
            Event::Comment(comment) => {
                well_formed::comment(&comment)?;
                self.check_characters(&comment)
            }
            Event::PI(instruction) => {
                well_formed::instruction(&instruction)?;
                self.check_characters(&instruction)
            }
            Event::Eof if self.depth > 0 => Err(ExportXmlFault::bad("it ends in the middle")),
            Event::Eof if !self.root_seen => Err(ExportXmlFault::bad("it is empty")),
            Event::Eof => Ok(()),
        }
    }

    fn declaration(&mut self, text: &str) -> Result<(), ExportXmlFault> {
        let Some(encoding) = well_formed::declaration(text)? else {
            return Ok(());
        };
        let name = encoding.to_ascii_lowercase();
        match name.as_str() {
            "utf-8" => {}
            // As long as all is ASCII, it is the same.
            other if !self.has_mark && well_formed::is_same_in_ascii(other) => {
                self.foreign_encoding = Some(encoding.to_owned());
            }
            _ => {
                return Err(ExportXmlFault::bad(format!(
                    "it says that it is written in {encoding}, which is not what gateways write"
                )));
            }
        }
        Ok(())
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), ExportXmlFault> {
        if self.depth >= self.limits.xml_depth {
            return Err(ExportXmlFault::OverLimit(
                "elements within elements in export.xml",
            ));
        }
        self.namespaces.open(tag, self.limits.xml_attributes)?;
        let attributes = self.attributes(tag)?;
        let local_name = tag.local_name();
        let name: &str = local_name.as_ref();
        self.is_a_name(tag.name().as_ref())?;
        if let Some(object) = &mut self.object {
            object.open(tag.name().as_ref(), attributes);
            if object.held() > self.limits.xml_listing_bytes {
                return Err(ExportXmlFault::OverLimit("properties of one object"));
            }
        } else {
            // Programs that look for a name with its prefix do not find what others find without.
            if tag.name().as_ref().contains(':') {
                return Err(ExportXmlFault::bad(format!("{name} has a prefix")));
            }
            // A later firmware may write sections that nobody looks for.
            if self.depth != 1 || ExportSection::of(name) != ExportSection::Unknown {
                self.in_no_namespace(name)?;
            }
            match self.depth {
                0 if self.root_seen => return Err(ExportXmlFault::bad("a second root element")),
                0 if name != ROOT => {
                    return Err(ExportXmlFault::bad(format!("its root is {name}, not {ROOT}")));
                }
                0 => self.root_seen = true,
                1 => self.open_section(name, attributes)?,
                2 => self.open_row(name, attributes)?,
                // Some programs take the text of all that is in an element, others only its own. Later firmware may
                // write elements that nobody reads.
                _ => {
                    if let Some((field, _)) = &self.field
                        && self.head.detail(field).is_some()
                    {
                        self.head.two_readings.of_field(field);
                    }
                }
            }
        }
        self.depth += 1;
        Ok(())
    }

    /// Programs that go by namespaces find no element of this name in one; others do.
    fn in_no_namespace(&mut self, name: &str) -> Result<(), ExportXmlFault> {
        let namespace = self.namespaces.of_unprefixed();
        if namespace.is_empty() {
            return Ok(());
        }
        // None is known that writes it so; but if one did, it would be in its own.
        if namespace.starts_with(OWN_NAMESPACES) {
            self.head.has_own_namespace = true;
            return Ok(());
        }
        Err(ExportXmlFault::bad(format!(
            "{name} is in the namespace {namespace}"
        )))
    }

    fn open_section(&mut self, name: &str, attributes: Attributes) -> Result<(), ExportXmlFault> {
        self.section = ExportSection::of(name);
        match self.section {
            ExportSection::Configuration => {
                let domain = attributes.get("domain").map(str::to_owned);
                self.hold(domain.as_deref().unwrap_or_default())?;
                self.first_of_its_kind(name, domain.clone())?;
                self.head.configurations.push(domain.clone());
                (self.visit)(ExportItem::Configuration(domain));
            }
            ExportSection::Domains => {
                self.first_of_its_kind(name, None)?;
                self.head.has_domains = true;
            }
            ExportSection::Unknown => self.object = Some(Canonical::begin(name, attributes, self.detail)),
            ExportSection::Details | ExportSection::Interfaces | ExportSection::Files => {
                self.first_of_its_kind(name, None)?;
            }
        }
        Ok(())
    }

    /// Some programs take the first of two sections, others the last, others both.
    fn first_of_its_kind(&mut self, name: &str, domain: Option<String>) -> Result<(), ExportXmlFault> {
        match self.sections.insert((self.section, domain)) {
            true => Ok(()),
            false => Err(ExportXmlFault::bad(format!("a second {name}"))),
        }
    }

    fn open_row(&mut self, name: &str, attributes: Attributes) -> Result<(), ExportXmlFault> {
        match self.section {
            ExportSection::Configuration => {
                self.object = Some(Canonical::begin(name, attributes, self.detail));
            }
            ExportSection::Details => self.field = Some((name.to_owned(), String::new())),
            ExportSection::Files if name == "file" => {
                let text = |key: &str| attributes.get(key).map(str::to_owned);
                let flag = |key: &str| matches!(attributes.get(key), Some("true" | "1"));
                let row = ListedFile {
                    name: text("name").unwrap_or_default(),
                    src: text("src"),
                    hash: text("hash"),
                    internal: flag("internal"),
                    key: flag("key"),
                    missing: flag("missing"),
                };
                self.hold(&row.name)?;
                self.hold(row.src.as_deref().unwrap_or_default())?;
                let location = attributes.get("location").filter(|_| !row.internal);
                self.head.two_readings.of_row(&row.name, location);
                (self.visit)(ExportItem::File(row));
            }
            ExportSection::Domains if name == "domain" => {
                let domain = attributes.get("name").unwrap_or_default().to_owned();
                self.hold(&domain)?;
                (self.visit)(ExportItem::Domain(domain));
            }
            ExportSection::Files | ExportSection::Domains => {
                return Err(ExportXmlFault::bad(format!("{name} is no row of this list")));
            }
            ExportSection::Interfaces | ExportSection::Unknown => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), ExportXmlFault> {
        // The library refuses an end tag without a start tag.
        self.depth = self.depth.saturating_sub(1);
        self.namespaces.close();
        if let Some(mut object) = self.object.take() {
            match object.close() {
                None => self.object = Some(object),
                Some(object) if self.section == ExportSection::Unknown => {
                    (self.visit)(ExportItem::Unknown(object));
                }
                Some(object) => {
                    self.is_a_name(&object.name)?;
                    if object.class == DOMAIN_CLASS {
                        self.hold(&object.name)?;
                    }
                    object.key_files.iter().try_for_each(|name| self.hold(name))?;
                    (self.visit)(ExportItem::Object(object));
                }
            }
        } else if self.depth == 2
            && let Some((name, text)) = self.field.take()
        {
            self.hold(&text)?;
            let told = text.trim().to_owned();
            let before = self.head.detail(&name).and_then(|detail| detail.replace(told));
            if before.is_some() {
                return Err(ExportXmlFault::bad(format!("a second {name}")));
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ExportXmlFault> {
        self.check_characters(text)?;
        let held = if let Some(object) = &mut self.object {
            object.text(text)
        } else if let Some((_, field)) = &mut self.field {
            field.push_str(text);
            field.len()
        } else if text.trim_matches(XML_SPACE).is_empty() {
            return Ok(());
        } else {
            return Err(ExportXmlFault::bad("text where only elements belong"));
        };
        // Entities and CDATA may cut one text into any number of events.
        if held as u64 > self.limits.xml_node_bytes {
            return Err(ExportXmlFault::OverLimit(NODE));
        }
        Ok(())
    }

    fn attributes(&self, tag: &BytesStart<'_>) -> Result<Attributes, ExportXmlFault> {
        let mut pairs = Vec::new();
        // The library would hold each name against all before it: see `Attributes::new`.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| ExportXmlFault::bad(error.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| ExportXmlFault::bad(error.to_string()))?;
            self.check_characters(&value)?;
            let key: &str = attribute.key.as_ref();
            pairs.push((key.to_owned(), value.into_owned()));
        }
        Attributes::new(pairs).map_err(|key| ExportXmlFault::bad(format!("a second attribute {key}")))
    }

    /// The library lets pass characters that XML does not have, and reads all as UTF-8.
    fn check_characters(&self, text: &str) -> Result<(), ExportXmlFault> {
        if let Some(encoding) = self.foreign_encoding.as_ref().filter(|_| !text.is_ascii()) {
            return Err(ExportXmlFault::bad(format!(
                "it is written in {encoding}, not in UTF-8"
            )));
        }
        let is_allowed =
            |c: char| c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || XML_SPACE.contains(&c);
        match text.chars().find(|c| !is_allowed(*c)) {
            None => Ok(()),
            Some(found) => Err(ExportXmlFault::bad(format!(
                "a character that XML does not have, {found:?}"
            ))),
        }
    }

    /// Whether it is not too long for a name.
    fn is_a_name(&self, name: &str) -> Result<(), ExportXmlFault> {
        match name.len() as u64 <= self.limits.xml_name_bytes {
            true => Ok(()),
            false => Err(ExportXmlFault::OverLimit("bytes of one name in export.xml")),
        }
    }

    /// Counts a name that somebody will keep.
    fn hold(&mut self, name: &str) -> Result<(), ExportXmlFault> {
        self.is_a_name(name)?;
        self.listed += name.len() as u64;
        if self.listed > self.limits.xml_listing_bytes {
            return Err(ExportXmlFault::OverLimit("names in export.xml"));
        }
        Ok(())
    }
}
