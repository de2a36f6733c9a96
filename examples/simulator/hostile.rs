//! Bulk: XML of few bytes that costs whoever parses it without care a great deal of time or memory.

use std::fmt;

use super::fault::FaultKind;
use super::script::{parse_word, word_for};

/// Bulk, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Where.
    pub place: BulkPlace,
    /// Of what.
    pub form: BulkForm,
    /// How many, or how long.
    pub count: usize,
}

/// Where bulk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkPlace {
    /// In the answer, in front of what it would have been: a status, a file, a refusal, a fault.
    Answer,
    /// In the manifest of a secure backup.
    Manifest,
    /// In every `export.xml` of an archive.
    ExportXml,
}

/// What bulk consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkForm {
    /// Elements within elements, each of which declares a namespace.
    Namespaces,
    /// Namespaces that one element declares.
    Declarations,
    /// Attributes of one element.
    Attributes,
    /// Elements within elements.
    Nesting,
    /// Empty elements one after the other.
    Elements,
    /// Characters of one name, of an element and of an attribute.
    Names,
    /// Characters of one text.
    Text,
    /// Character references in one text.
    References,
}

const PLACES: [(BulkPlace, &str); 3] = [
    (BulkPlace::Answer, "answer"),
    (BulkPlace::Manifest, "manifest"),
    (BulkPlace::ExportXml, "export-xml"),
];

const FORMS: [(BulkForm, &str); 8] = [
    (BulkForm::Namespaces, "namespaces"),
    (BulkForm::Declarations, "declarations"),
    (BulkForm::Attributes, "attributes"),
    (BulkForm::Nesting, "nesting"),
    (BulkForm::Elements, "elements"),
    (BulkForm::Names, "names"),
    (BulkForm::Text, "text"),
    (BulkForm::References, "references"),
];

impl Bulk {
    /// Reads `PLACE:FORM:COUNT`.
    pub fn parse(text: &str) -> Result<Bulk, String> {
        let mut words = text.split(':');
        let place = words.next().unwrap_or_default();
        let form = words.next().unwrap_or_default();
        let count = words.next().unwrap_or_default();
        match (count.parse(), words.next()) {
            (Ok(count), None) => Ok(Bulk {
                place: parse_word(&PLACES, place)?,
                form: parse_word(&FORMS, form)?,
                count,
            }),
            _ => Err(format!("'{text}' is not PLACE:FORM:COUNT")),
        }
    }

    /// The XML.
    fn xml(self) -> String {
        let count = self.count;
        let each = |one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
        match self.form {
            BulkForm::Namespaces => {
                let open = each(&|n| format!("<b xmlns:n{n}=\"u:{n}\">"));
                format!("{open}{}", "</b>".repeat(count))
            }
            BulkForm::Declarations => format!("<b{}/>", each(&|n| format!(" xmlns:n{n}=\"u:{n}\""))),
            BulkForm::Attributes => format!("<b{}/>", each(&|n| format!(" a{n}=\"\""))),
            BulkForm::Nesting => format!("{}{}", "<b>".repeat(count), "</b>".repeat(count)),
            BulkForm::Elements => "<b/>".repeat(count),
            BulkForm::Names => {
                let name = "b".repeat(count.max(1));
                format!("<{name} {name}=\"\"/>")
            }
            BulkForm::Text => format!("<b>{}</b>", "b".repeat(count)),
            BulkForm::References => format!("<b>{}</b>", "&#98;".repeat(count)),
        }
    }
}

impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, form) = (word_for(&PLACES, &self.place), word_for(&FORMS, &self.form));
        write!(f, "{place}:{form}:{}", self.count)
    }
}

/// The bulk that faults put into a place; usually none.
pub(super) fn bulk(faults: &[FaultKind], place: BulkPlace) -> String {
    let here = faults.iter().filter_map(|fault| match fault {
        FaultKind::Bulk(bulk) if bulk.place == place => Some(bulk.xml()),
        _ => None,
    });
    here.collect()
}
