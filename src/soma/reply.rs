//! Small answers: an envelope in memory, read loosely and judged strictly.
//!
//! A request has succeeded only when the payload that was expected is there (soma-wire
//! section 1.4): HTTP 200 says nothing. Whatever else the answer holds becomes an error
//! with the device's own words. Elements are matched by namespace or local name, never
//! by prefix, and rows by local name alone.

use jiff::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};

use crate::soma::deadline::Deadline;
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::NAMESPACE;
use crate::values::xml::{all_text, children, is_named};
use crate::values::xml_limits::{NotPlausible, XmlLimits, XmlScan};

/// An answer that is read into memory may be this large: a hundred thousand files are.
pub const MAX_BYTES: u64 = 16 << 20;

/// So much is looked at before the deadline is looked at again.
const PIECE: usize = 64 << 10;

/// An error quotes at most so many characters of what a device said.
const MAX_QUOTE: usize = 600;

/// The text of an answer, and until when it may be read.
#[derive(Debug)]
pub struct Answer {
    text: String,
    deadline: Deadline,
    /// It began before all of the request had been sent.
    came_early: bool,
}

/// What an answer says around the file that it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AroundFile {
    /// What the device calls the file, where it says so.
    pub name: Option<String>,
    /// What else it says than the file and `OK`, in quotes. It may be that the file is not what was asked for.
    pub said: Option<String>,
}

impl Answer {
    /// An answer that must have been read by then.
    pub fn new(text: String, deadline: Deadline) -> Self {
        Self {
            text,
            deadline,
            came_early: false,
        }
    }

    /// The same, of a device that had not been sent all of the request: it may refuse it, and nothing else.
    pub(super) fn early(self) -> Self {
        Self {
            came_early: true,
            ..self
        }
    }

    /// Hands the payload named `expected` to `read`, which is a list. Where the device reports an error beside it, it
    /// may have broken off: what is missing in it is not known, and so it is no answer.
    pub fn list<T>(&self, expected: &str, read: impl FnOnce(Node<'_, '_>) -> Result<T>) -> Result<T> {
        let document = self.parse()?;
        let response = response(&document)?;
        let mut reported = children(response, "error-log").map(all_text);
        match reported.find(|said| !said.is_empty()) {
            Some(said) if children(response, expected).next().is_some() => Err(SomaError::new(
                SomaErrorKind::Malformed,
                format!(
                    "the device lists something and reports an error beside it, so that the list may have broken off: {}",
                    quote(&said)
                ),
            )),
            _ => self.payload_of(response, expected, read),
        }
    }

    /// Hands the payload named `expected` to `read`.
    pub fn payload<T>(&self, expected: &str, read: impl FnOnce(Node<'_, '_>) -> Result<T>) -> Result<T> {
        let document = self.parse()?;
        self.payload_of(response(&document)?, expected, read)
    }

    fn payload_of<T>(
        &self,
        response: Node<'_, '_>,
        expected: &str,
        read: impl FnOnce(Node<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        let mut payloads = response
            .children()
            .filter(|node| node.has_tag_name((NAMESPACE, expected)));
        match (payloads.next(), payloads.next()) {
            (Some(_), None) if self.came_early => Err(SomaError::new(
                SomaErrorKind::Malformed,
                "the device answered as if it had all of the request, before all of it had been sent",
            )),
            (Some(payload), None) => read(payload),
            // What is said twice may be said in two ways: then nobody knows which holds.
            (Some(_), Some(_)) => Err(SomaError::new(
                SomaErrorKind::Malformed,
                format!("the device answered with more than one <{expected}>"),
            )),
            (None, _) => Err(refusal(response, expected)),
        }
    }

    /// What it says around the file in it, whose text is left out here.
    pub(super) fn around_file(&self) -> Result<AroundFile> {
        let document = self.parse()?;
        let response = response(&document)?;
        self.payload_of(response, "file", |file| {
            let around = [Some(response), response.parent()].into_iter().flatten();
            let beside = around.flat_map(|around| around.children()).filter(|node| {
                let is_told = *node == file || *node == response || is_named(*node, "timestamp");
                node.is_element() && !is_told && all_text(*node) != "OK"
            });
            let said = told(beside).join("; ");
            Ok(AroundFile {
                name: file.attribute("name").map(|name| cut(name.trim(), MAX_QUOTE)),
                said: (!said.is_empty()).then(|| quote(&said)),
            })
        })
    }

    /// Succeeds when the device says `OK` to an action.
    pub fn ok(&self) -> Result<()> {
        let document = self.parse()?;
        let response = response(&document)?;
        let mut results = children(response, "result").peekable();
        let all_ok = results.peek().is_some() && results.all(|result| all_text(result) == "OK");
        if all_ok {
            Ok(())
        } else {
            Err(refusal(response, "result"))
        }
    }

    /// Succeeds when this is an answer of SOMA at all, whatever it says: a response or a fault.
    pub fn recognize(&self) -> Result<()> {
        let document = self.parse()?;
        match response(&document) {
            Err(error) if error.kind == SomaErrorKind::NotManagement => Err(error),
            _ => Ok(()),
        }
    }

    /// The words of a fault, or of a response that refuses; none where it is neither.
    pub(super) fn said(&self) -> Option<String> {
        let document = self.parse().ok()?;
        let root = document.root_element();
        let said = match root
            .descendants()
            .find(|node| node.has_tag_name((NAMESPACE, "response")))
        {
            Some(response) => refusal_words(response).join("; "),
            None => fault_words(root.descendants().find(|node| is_named(*node, "Fault"))?),
        };
        Some(said)
    }

    /// The error that an answer without the expected payload stands for.
    pub fn into_refusal(self, expected: &str) -> SomaError {
        let outcome = self
            .parse()
            .and_then(|document| Err::<(), _>(refusal(response(&document)?, expected)));
        match outcome {
            Err(error) => error,
            Ok(()) => SomaError::new(SomaErrorKind::Malformed, "an empty answer"),
        }
    }

    /// Builds the tree of an answer that can be one. The parser has no limit of its own, so
    /// that what it is given must cost it no more than its size: that is looked at before.
    fn parse(&self) -> Result<Document<'_>> {
        let text = self.text.trim_start_matches('\u{feff}');
        let mut scan = XmlScan::new(XmlLimits::default());
        for piece in text.as_bytes().chunks(PIECE) {
            self.deadline.check()?;
            scan.feed(piece).map_err(|refused| match refused {
                NotPlausible::TooMuch { .. } => not_plausible(refused),
                NotPlausible::DocumentType => unreadable(text, &refused),
            })?;
        }
        let document = Document::parse_with_options(text, ParsingOptions::default())
            .map_err(|error| unreadable(text, &error))?;
        self.deadline.check()?;
        Ok(document)
    }
}

/// The error of an answer that no gateway gives.
pub(crate) fn not_plausible(why: NotPlausible) -> SomaError {
    SomaError::new(
        SomaErrorKind::Malformed,
        format!("the device's answer is not plausible: {why}"),
    )
}

fn unreadable(text: &str, why: &dyn std::fmt::Display) -> SomaError {
    let (why, start) = (why.to_string(), text.trim_start());
    let (why, start) = (cut(&why, 200), cut(start, 80));
    SomaError::new(
        SomaErrorKind::Malformed,
        format!("the answer is no XML that can be read ({why}); it begins {start:?}"),
    )
}

/// The rows of a status or configuration payload: its child elements of this name.
pub fn rows<'a, 'input: 'a>(
    payload: Node<'a, 'input>,
    class: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    payload.children().filter(move |node| is_named(*node, class))
}

/// When the device wrote the answer that holds this payload: the only time of a device
/// that comes with its offset (soma-wire section 1.3).
pub fn timestamp(payload: Node<'_, '_>) -> Option<Timestamp> {
    let stamp = children(payload.parent()?, "timestamp").next()?;
    all_text(stamp).parse().ok()
}

/// The trimmed text of a field of a row, where the row has it: all of it, whatever stands between. What a row tells
/// twice and differently it does not tell; nor does an empty field that says something by its attributes.
pub fn told_field(row: Node<'_, '_>, name: &str) -> Option<String> {
    let mut told = children(row, name).map(|field| {
        let texts = field
            .descendants()
            .filter(Node::is_text)
            .filter_map(|node| node.text());
        let text = texts.collect::<String>().trim().to_owned();
        let says_otherwise = text.is_empty() && field.attributes().next().is_some();
        (!says_otherwise).then_some(text)
    });
    let first = told.next()??;
    told.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// The same, where an absent field and an empty one are alike: the appliance sends empty elements,
/// other versions leave them out.
pub fn field(row: Node<'_, '_>, name: &str) -> String {
    told_field(row, name).unwrap_or_default()
}

/// A field, if it says something, and no more of it than an error would quote.
pub fn text_field(row: Node<'_, '_>, name: &str) -> Option<String> {
    Some(field(row, name))
        .filter(|text| !text.is_empty())
        .map(|text| cut(&text, MAX_QUOTE))
}

/// A number, which may be padded with blanks.
pub fn number_field(row: Node<'_, '_>, name: &str) -> Result<u64> {
    let text = field(row, name);
    text.parse().map_err(|_| {
        SomaError::new(
            SomaErrorKind::Malformed,
            format!(
                "the device answered {name}={} where a number belongs",
                quote(&text)
            ),
        )
    })
}

/// The `dp:response` element; a SOAP fault or anything else is an error.
fn response<'a, 'input>(document: &'a Document<'input>) -> Result<Node<'a, 'input>> {
    let root = document.root_element();
    if let Some(response) = root
        .descendants()
        .find(|node| node.has_tag_name((NAMESPACE, "response")))
    {
        return Ok(response);
    }
    if let Some(fault) = root.descendants().find(|node| is_named(*node, "Fault")) {
        return Err(fault_error(fault));
    }
    let message = format!(
        "the answer is XML, but no SOMA response: its root is <{}>",
        root.tag_name().name()
    );
    Err(SomaError::new(SomaErrorKind::NotManagement, message).with_hint(WRONG_PORT))
}

/// The advice for everything that is not SOMA.
pub const WRONG_PORT: &str = "this does not look like the XML Management Interface; its port is usually 5550 (not the web GUI's 9090 or REST's 5554)";

fn fault_error(fault: Node<'_, '_>) -> SomaError {
    let said = fault_words(fault);
    if said.eq_ignore_ascii_case(AUTHENTICATION_FAILURE) {
        return refused_login();
    }
    let kind = match proves_nothing_done(fault, &said) {
        true => SomaErrorKind::Fault,
        false => SomaErrorKind::OtherFault,
    };
    SomaError::new(
        kind,
        format!("the device answered with a SOAP fault: {}", quote(&said)),
    )
}

fn fault_words(fault: Node<'_, '_>) -> String {
    ["faultstring", "Text", "Reason"]
        .iter()
        .find_map(|name| fault.descendants().find(|node| is_named(*node, name)))
        .map_or_else(|| all_text(fault), all_text)
}

/// Whether a fault says that the request was none that the device takes: it blames the client, with the
/// words of the schema check. Any other may come after the work was begun.
fn proves_nothing_done(fault: Node<'_, '_>, said: &str) -> bool {
    let code = ["faultcode", "Value"]
        .iter()
        .find_map(|name| fault.descendants().find(|node| is_named(*node, name)))
        .map(all_text)
        .unwrap_or_default();
    let code = code.rsplit(':').next().unwrap_or_default();
    let said = said.trim().to_lowercase();
    // Some firmware ends whatever it says to a client with "(from client)".
    let blames_the_request = said == GENERIC_FAULT
        || ["schema", "not valid", "validat"]
            .iter()
            .any(|word| said.contains(word));
    let is_late = ["time", "progress", "already", "begun", "started"];
    matches!(code, "Client" | "Sender")
        && blames_the_request
        && !is_late.iter().any(|word| said.contains(word))
}

/// What a device says to a request that its schema does not have (soma-wire section 1.4), in small letters.
const GENERIC_FAULT: &str = "internal error (from client)";

/// The one text for a wrong password, a missing right and some refusals of files.
const AUTHENTICATION_FAILURE: &str = "Authentication failure";

fn refused_login() -> SomaError {
    SomaError::new(
        SomaErrorKind::Authentication,
        format!("the device answered \"{AUTHENTICATION_FAILURE}\""),
    )
    .with_hint("check user name and password; the account may also be locked")
}

fn refusal(response: Node<'_, '_>, expected: &str) -> SomaError {
    let authenticated = children(response, "timestamp").next().is_some();
    let said = refusal_words(response);
    if said.iter().any(|text| text == AUTHENTICATION_FAILURE) {
        if !authenticated {
            return refused_login();
        }
        return SomaError::new(
            SomaErrorKind::NotAllowed,
            format!("the device knows the user but answered \"{AUTHENTICATION_FAILURE}\""),
        )
        .with_hint(
            "the account lacks a right for this; docs/guide.md lists the rights that a backup account needs",
        );
    }
    if said.is_empty() {
        let found = elements_of(response);
        return SomaError::new(
            SomaErrorKind::Malformed,
            format!("the device answered with {found} where <{expected}> belongs"),
        );
    }
    SomaError::new(
        SomaErrorKind::Refused,
        format!("the device answered: {}", quote(&said.join("; "))),
    )
}

/// What a response says beside the payload that it has not.
fn refusal_words(response: Node<'_, '_>) -> Vec<String> {
    match told(outermost(response, "log-event")) {
        said if said.is_empty() => told(children(response, "result")),
        said => said,
    }
}

/// What several nodes say, without those that say nothing, and no more than is quoted.
fn told<'a, 'input: 'a>(nodes: impl Iterator<Item = Node<'a, 'input>>) -> Vec<String> {
    let (mut told, mut length) = (Vec::new(), 0);
    for text in nodes.map(all_text).filter(|text| !text.is_empty()) {
        length += text.len();
        told.push(text);
        if length > MAX_QUOTE {
            break;
        }
    }
    told
}

/// The nodes of this name below `parent` that stand in no other of that name: what is inside
/// of one is part of what it says.
fn outermost<'a, 'input: 'a>(
    parent: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    let is_outermost = move |node: &Node<'_, '_>| {
        let mut around = node.ancestors().skip(1);
        is_named(*node, name) && !around.any(|node| is_named(node, name))
    };
    parent.descendants().filter(is_outermost)
}

/// The names of what an answer holds, the first few of them.
fn elements_of(response: Node<'_, '_>) -> String {
    const NAMED: usize = 5;
    let names = || {
        let elements = response.children().filter(Node::is_element);
        elements
            .map(|node| node.tag_name().name())
            .filter(|name| *name != "timestamp")
    };
    let named: Vec<&str> = names().take(NAMED).collect();
    match names().skip(NAMED).count() {
        _ if named.is_empty() => "nothing".to_owned(),
        0 => format!("<{}>", named.join(">, <")),
        more => format!("<{}> and {more} more", named.join(">, <")),
    }
}

/// A device's words, on one line and not endless.
pub fn quote(said: &str) -> String {
    format!("\"{}\"", cut(said, MAX_QUOTE))
}

/// The beginning of a text, with a sign where it goes on.
pub fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
