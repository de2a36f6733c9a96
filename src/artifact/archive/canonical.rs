//! What one configuration object says, whatever way it is written.
//!
//! An object is turned into one series of marks, each with its length, and hashed: names
//! of elements, attributes sorted by name, texts. White space between elements is left out,
//! and so are the declarations of prefixes, which firmware repeats on every object in changing
//! order.

use sha2::{Digest, Sha256};

use crate::artifact::archive::export_item::{Detail, Object, Property};
use crate::artifact::archive::lacks::key_file;

/// The attributes of one element, sorted by name, without namespace declarations; but one that
/// moves names without a prefix into a namespace, which no gateway writes, makes other names of them.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Sorts them; the error is a name that stands twice.
    pub(super) fn new(mut pairs: Vec<(String, String)>) -> Result<Attributes, String> {
        pairs.sort();
        if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(pair[0].0.clone());
        }
        pairs.retain(|(key, value)| !key.starts_with("xmlns:") && (key != "xmlns" || !value.is_empty()));
        Ok(Attributes(pairs))
    }

    pub(super) fn get(&self, wanted: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == wanted)?;
        Some(&found.1)
    }
}

/// An object that is being read.
#[derive(Debug)]
pub(super) struct Canonical {
    class: String,
    name: String,
    hash: Sha256,
    open: Vec<Element>,
    properties: Option<Vec<Property>>,
    key_files: Vec<String>,
    held: u64,
}

#[derive(Debug)]
struct Element {
    name: String,
    has_children: bool,
    text: String,
}

impl Canonical {
    /// Begins with the start tag of the object.
    pub(super) fn begin(class: &str, attributes: Attributes, detail: Detail) -> Canonical {
        let mut object = Canonical {
            class: class.to_owned(),
            name: attributes.get("name").unwrap_or_default().to_owned(),
            hash: Sha256::new(),
            open: Vec::new(),
            properties: (detail == Detail::Properties).then(Vec::new),
            key_files: Vec::new(),
            held: 0,
        };
        object.open(class, attributes);
        object
    }

    pub(super) fn open(&mut self, name: &str, attributes: Attributes) {
        self.flush_mixed_text();
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        mark(&mut self.hash, b'<', name);
        self.open.push(Element {
            name: name.to_owned(),
            has_children: false,
            text: String::new(),
        });
        for (key, value) in attributes.0 {
            mark(&mut self.hash, b'@', &key);
            mark(&mut self.hash, b'=', &value);
            // The name of the object itself is no property of it.
            if self.open.len() > 1 || key != "name" {
                self.property(Some(&key), value);
            }
        }
    }

    /// Adds to the text of the open element, and tells its length so far.
    pub(super) fn text(&mut self, text: &str) -> usize {
        self.open.last_mut().map_or(0, |element| {
            element.text.push_str(text);
            element.text.len()
        })
    }

    /// Bytes of the properties and names held so far.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Takes an end tag. Gives the object when it was its own.
    pub(super) fn close(&mut self) -> Option<Object> {
        if self.open.last().is_some_and(|element| element.has_children) {
            self.flush_mixed_text();
        } else if let Some(element) = self.open.last_mut() {
            // The text of a leaf counts as it is, blanks and all.
            let text = std::mem::take(&mut element.text);
            mark(&mut self.hash, b'"', &text);
            if let Some(name) = key_file(&text) {
                self.held += name.len() as u64;
                self.key_files.push(name);
            }
            if self.open.len() > 1 {
                self.property(None, text);
            }
        }
        self.hash.update(b">");
        self.open.pop();
        self.open.is_empty().then(|| Object {
            class: std::mem::take(&mut self.class),
            name: std::mem::take(&mut self.name),
            hash: self.hash.finalize_reset().into(),
            properties: self.properties.take().unwrap_or_default(),
            key_files: std::mem::take(&mut self.key_files),
        })
    }

    /// Text beside child elements: it counts, unless it is only the white space between them.
    fn flush_mixed_text(&mut self) {
        let Some(element) = self.open.last_mut() else {
            return;
        };
        let text = std::mem::take(&mut element.text);
        if !text.trim_ascii().is_empty() {
            mark(&mut self.hash, b'"', &text);
            self.property(None, text);
        }
    }

    fn property(&mut self, attribute: Option<&str>, value: String) {
        let Some(properties) = &mut self.properties else {
            return;
        };
        let names: Vec<&str> = self
            .open
            .iter()
            .skip(1)
            .map(|element| element.name.as_str())
            .collect();
        let mut path = names.join("/");
        if let Some(attribute) = attribute {
            path.push('@');
            path.push_str(attribute);
        }
        self.held += (path.len() + value.len()) as u64;
        properties.push(Property { path, value });
    }
}

/// Hashes a text with its kind and its length, so that no two series of texts hash alike.
pub(super) fn mark(hash: &mut Sha256, kind: u8, text: &str) {
    hash.update([kind]);
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}
