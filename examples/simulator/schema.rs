//! The check of a request against the schema, whose tables are in `forms`.

use roxmltree::{Attribute, Document, Node, ParsingOptions};

use super::firmware::Firmware;
use super::forms::{Content, Element, MANAGEMENT, OPERATIONS, Value};
use super::vocabulary::{CONFIG_CLASSES, STATUS_CLASSES};

/// The namespaces of envelopes.
const SOAP: [&str; 2] = [
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
];

/// Attributes of this namespace may stand anywhere, as any schema has it.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Parses a request without trusting it: no document type.
pub(super) fn parse(text: &str) -> Option<Document<'_>> {
    Document::parse_with_options(
        text,
        ParsingOptions {
            allow_dtd: false,
            ..ParsingOptions::default()
        },
    )
    .ok()
}

/// The one element in the body of an envelope.
pub(super) fn content_of_body<'a, 'i>(document: &'a Document<'i>) -> Option<Node<'a, 'i>> {
    let envelope = document.root_element();
    let space = envelope
        .tag_name()
        .namespace()
        .filter(|space| SOAP.contains(space))?;
    let children = elements(envelope);
    let (body, before) = children.split_last()?;
    let is = |node: &Node, name| node.tag_name().name() == name && node.tag_name().namespace() == Some(space);
    if !is(&envelope, "Envelope") || !is(body, "Body") || before.len() > 1 {
        return None;
    }
    if !before.iter().all(|node| is(node, "Header")) {
        return None;
    }
    match elements(*body)[..] {
        [content] => Some(content),
        _ => None,
    }
}

/// The one operation of a valid request: its `dp:request`, and the operation element in it.
pub(super) fn operation<'a, 'i>(
    document: &'a Document<'i>,
    firmware: &Firmware,
) -> Option<(Node<'a, 'i>, Node<'a, 'i>)> {
    let request = content_of_body(document)?;
    if request.tag_name().name() != "request"
        || request.tag_name().namespace() != Some(MANAGEMENT)
        || request
            .attributes()
            .any(|attribute| attribute.name() != "domain" && attribute.namespace() != Some(INSTANCE))
    {
        return None;
    }
    let [operation] = elements(request)[..] else {
        return None;
    };
    let mut known = OPERATIONS.iter().filter(|element| firmware.knows(element.name));
    let element = known.find(|element| is_named(operation, element))?;
    is_valid(operation, element, firmware).then_some((request, operation))
}

/// The child elements of a node.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    node.children().filter(Node::is_element).collect()
}

fn is_named(node: Node, element: &Element) -> bool {
    let space = element.qualified.then_some(MANAGEMENT);
    node.tag_name().name() == element.name && node.tag_name().namespace() == space
}

fn is_valid(node: Node, element: &Element, firmware: &Firmware) -> bool {
    let own = |attribute: &Attribute| attribute.namespace() != Some(INSTANCE);
    let known = node.attributes().filter(own).all(|attribute| {
        element.attributes.iter().any(|(name, value, _)| {
            attribute.namespace().is_none()
                && attribute.name() == *name
                && value.allows(attribute.value(), firmware)
        })
    });
    let complete = element
        .attributes
        .iter()
        .all(|(name, _, required)| !required || node.has_attribute(*name));
    known && complete && is_content_valid(node, &element.content, firmware)
}

fn is_content_valid(node: Node, content: &Content, firmware: &Firmware) -> bool {
    let children = elements(node);
    let has_text = node
        .children()
        .any(|child| child.text().is_some_and(|text| !text.trim().is_empty()) && child.is_text());
    match content {
        Content::Empty => children.is_empty() && !has_text,
        Content::Value(value) => {
            children.is_empty() && value.allows(node.text().unwrap_or_default(), firmware)
        }
        Content::Any => true,
        Content::Choice(choices) => {
            let is_one = |child: &Node| {
                let choice = choices.iter().find(|choice| is_named(*child, choice));
                choice.is_some_and(|choice| is_valid(*child, choice, firmware))
            };
            !has_text && !children.is_empty() && children.iter().all(is_one)
        }
        Content::Sequence(sequence) => {
            let mut rest = &children[..];
            for (element, least, greatest) in *sequence {
                // Up to 5.0 a quiesce had no delay.
                let greatest = if element.name == "delay" && !firmware.after_v5 {
                    0
                } else {
                    *greatest
                };
                let count = rest.iter().take_while(|child| is_named(**child, element)).count();
                let (these, others) = rest.split_at(count);
                if count < *least || count > greatest {
                    return false;
                }
                if !these.iter().all(|child| is_valid(*child, element, firmware)) {
                    return false;
                }
                rest = others;
            }
            rest.is_empty() && !has_text
        }
    }
}

/// Whether text is base64, white space left out: whole groups of four, padded at the end only.
fn is_base64(text: &str) -> bool {
    let mut length = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let is_digit = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        match byte {
            b'=' => padding += 1,
            _ if is_digit && padding == 0 => {}
            _ => return false,
        }
        length += 1;
    }
    length.is_multiple_of(4) && padding <= 2
}

impl Value {
    fn allows(self, text: &str, firmware: &Firmware) -> bool {
        match self {
            Value::Text => true,
            Value::Boolean => ["true", "false", "1", "0"].contains(&text.trim()),
            Value::Base64 => is_base64(text),
            Value::OnOff => ["on", "off", ""].contains(&text),
            Value::Number(greatest) => {
                text.is_empty() || text.trim().parse::<u64>().is_ok_and(|number| number <= greatest)
            }
            Value::OneOf(choices) => choices.contains(&text),
            Value::StatusClass => STATUS_CLASSES.contains(&text) && firmware.knows(text),
            Value::ConfigClass => CONFIG_CLASSES.contains(&text) && firmware.knows(text),
            Value::ExportClass => text == "all-classes" || Value::ConfigClass.allows(text, firmware),
        }
    }
}
