//! Small answers: an envelope in memory, read loosely and judged strictly.
//!
//! A request has succeeded only when the payload that was expected is there (soma-wire
//! section 1.4): HTTP 200 says nothing. Whatever else the answer holds becomes an error
//! with the device's own words. Elements are matched by namespace or local name, never
//! by prefix, and rows by local name alone.

use jiff::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};

use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::soma::request::NAMESPACE;

/// An answer that is read into memory may be this large.
pub const MAX_BYTES: u64 = 64 << 20;

/// And may hold this many XML nodes.
const MAX_NODES: u32 = 2_000_000;

/// An error quotes at most this much of what a device said.
const MAX_QUOTE: usize = 600;

/// Parses `text` and hands the payload named `expected` to `read`.
pub fn read_payload<T>(
    text: &str,
    expected: &str,
    read: impl FnOnce(Node<'_, '_>) -> Result<T>,
) -> Result<T> {
    let document = parse(text)?;
    let response = response(&document)?;
    match payload(response, expected) {
        Some(payload) => read(payload),
        None => Err(refusal(response, expected)),
    }
}

/// Succeeds when the device says `OK` to an action.
pub fn read_ok(text: &str) -> Result<()> {
    let document = parse(text)?;
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
pub fn recognize(text: &str) -> Result<()> {
    let document = parse(text)?;
    match response(&document) {
        Err(error) if error.kind == SomaErrorKind::NotManagement => Err(error),
        _ => Ok(()),
    }
}

/// The error that an answer without the expected payload stands for.
pub fn into_refusal(text: &str, expected: &str) -> SomaError {
    let outcome = parse(text).and_then(|document| Err::<(), _>(refusal(response(&document)?, expected)));
    match outcome {
        Err(error) => error,
        Ok(()) => SomaError::new(SomaErrorKind::Malformed, "an empty answer"),
    }
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

/// The trimmed text of a field of a row. An absent field and an empty one are alike:
/// the appliance sends empty elements, other versions leave them out.
pub fn field<'a>(row: Node<'a, '_>, name: &str) -> &'a str {
    row.children()
        .find(|node| is_named(*node, name))
        .and_then(|node| node.text())
        .map_or("", str::trim)
}

/// A field, if it says something.
pub fn text_field(row: Node<'_, '_>, name: &str) -> Option<String> {
    Some(field(row, name))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A number, which may be padded with blanks.
pub fn number_field(row: Node<'_, '_>, name: &str) -> Result<u64> {
    let text = field(row, name);
    text.parse().map_err(|_| {
        SomaError::new(
            SomaErrorKind::Malformed,
            format!("the device answered {name}={text:?} where a number belongs"),
        )
    })
}

fn parse(text: &str) -> Result<Document<'_>> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let text = text.trim_start_matches('\u{feff}');
    Document::parse_with_options(text, options).map_err(|error| {
        let mut start: String = text.trim_start().chars().take(80).collect();
        if start.len() < text.trim_start().len() {
            start.push('…');
        }
        SomaError::new(
            SomaErrorKind::Malformed,
            format!("the answer is no XML that can be read ({error}); it begins {start:?}"),
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
    let said = ["faultstring", "Text", "Reason"]
        .iter()
        .find_map(|name| fault.descendants().find(|node| is_named(*node, name)))
        .map_or_else(|| all_text(fault), all_text);
    if said.eq_ignore_ascii_case(AUTHENTICATION_FAILURE) {
        return refused_login();
    }
    SomaError::new(
        SomaErrorKind::Fault,
        format!("the device answered with a SOAP fault: {}", quote(&said)),
    )
}

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
    let mut said: Vec<String> = response
        .descendants()
        .filter(|node| is_named(*node, "log-event"))
        .map(all_text)
        .collect();
    if said.is_empty() {
        said = children(response, "result").map(all_text).collect();
    }
    said.retain(|text| !text.is_empty());
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
        let found: Vec<&str> = response
            .children()
            .filter(Node::is_element)
            .map(|node| node.tag_name().name())
            .filter(|name| *name != "timestamp")
            .collect();
        let found = if found.is_empty() {
            "nothing".to_owned()
        } else {
            format!("<{}>", found.join(">, <"))
        };
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

fn payload<'a, 'input>(response: Node<'a, 'input>, expected: &str) -> Option<Node<'a, 'input>> {
    response
        .children()
        .find(|node| node.has_tag_name((NAMESPACE, expected)))
}

fn children<'a, 'input: 'a>(
    parent: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent.children().filter(move |node| is_named(*node, name))
}

fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn all_text(node: Node<'_, '_>) -> String {
    let text: String = node
        .descendants()
        .filter_map(|node| node.is_text().then(|| node.text()).flatten())
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A device's words, on one line and not endless.
pub fn quote(said: &str) -> String {
    let mut quoted: String = said.chars().take(MAX_QUOTE).collect();
    if quoted.len() < said.len() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\
             <env:Body><dp:response xmlns:dp=\"{NAMESPACE}\">{inner}</dp:response></env:Body></env:Envelope>"
        )
    }

    const STAMP: &str = "<dp:timestamp>2026-11-22T08:30:00+01:00</dp:timestamp>";

    fn kind_of(text: &str) -> (SomaErrorKind, String) {
        let error = read_ok(text).expect_err("no OK");
        (error.kind, error.message)
    }

    #[test]
    fn an_ok_may_be_padded_and_repeated() {
        for result in [
            "OK",
            "\n                        OK\n  ",
            "OK</dp:result><dp:result>OK",
        ] {
            let text = envelope(&format!("{STAMP}<dp:result>{result}</dp:result>"));
            assert!(read_ok(&text).is_ok(), "{result:?}");
        }
        let half = envelope(&format!(
            "{STAMP}<dp:result>OK</dp:result><dp:result>ERROR</dp:result>"
        ));
        assert!(read_ok(&half).is_err(), "one of two failed");
    }

    #[test]
    fn an_authentication_failure_without_a_timestamp_is_a_wrong_password() {
        let text = envelope("<dp:result>Authentication failure</dp:result>");
        assert_eq!(kind_of(&text).0, SomaErrorKind::Authentication);
    }

    #[test]
    fn an_authentication_failure_with_a_timestamp_is_a_missing_right() {
        let text = envelope(&format!("{STAMP}<dp:result>Authentication failure</dp:result>"));
        assert_eq!(kind_of(&text).0, SomaErrorKind::NotAllowed);
    }

    #[test]
    fn log_events_are_found_in_either_namespace() {
        for event in [
            "<log-event level=\"error\">no such domain</log-event>",
            "<dp:log-event level=\"error\">no such domain</dp:log-event>",
        ] {
            let text = envelope(&format!(
                "{STAMP}<dp:result><error-log>{event}</error-log></dp:result>"
            ));
            let (kind, message) = kind_of(&text);
            assert_eq!(kind, SomaErrorKind::Refused);
            assert!(message.contains("no such domain"), "{message}");
        }
    }

    #[test]
    fn the_words_of_a_fault_reach_the_message() {
        let text = "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><env:Fault>\
                    <faultcode>env:Client</faultcode><faultstring>Internal Error (from client)</faultstring>\
                    </env:Fault></env:Body></env:Envelope>";
        let (kind, message) = kind_of(text);
        assert_eq!(kind, SomaErrorKind::Fault);
        assert!(message.contains("Internal Error (from client)"), "{message}");
    }

    #[test]
    fn responses_and_faults_are_recognized_and_nothing_else() {
        let fault = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault>\
                     <faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>";
        for text in [envelope(STAMP).as_str(), fault] {
            assert!(recognize(text).is_ok(), "{text}");
        }
        for text in ["", "nonsense", "<html><body/></html>"] {
            assert!(recognize(text).is_err(), "{text}");
        }
    }

    #[test]
    fn html_garbage_entities_and_silence_are_malformed_or_no_management() {
        assert_eq!(
            kind_of("<html><body>login</body></html>").0,
            SomaErrorKind::NotManagement
        );
        assert_eq!(kind_of("nonsense").0, SomaErrorKind::Malformed);
        assert_eq!(kind_of("").0, SomaErrorKind::Malformed);
        assert_eq!(
            kind_of("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").0,
            SomaErrorKind::Malformed
        );
        assert_eq!(kind_of(&envelope(STAMP)).0, SomaErrorKind::Malformed);
    }

    #[test]
    fn a_document_nested_two_hundred_thousand_deep_is_read_or_refused_without_a_crash() {
        let text = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
        assert_eq!(kind_of(&text).0, SomaErrorKind::NotManagement);
    }

    #[test]
    fn a_payload_is_found_whatever_the_prefix() {
        let text = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><response xmlns=\"{NAMESPACE}\">\
             <status><Row xmlns=\"\"><Name> x </Name><Size> 12 </Size><Empty/></Row></status></response></s:Body></s:Envelope>"
        );
        let read = read_payload(&text, "status", |status| {
            let row = rows(status, "Row").next().expect("a row");
            Ok((
                field(row, "Name").to_owned(),
                number_field(row, "Size")?,
                text_field(row, "Empty"),
                field(row, "Absent").to_owned(),
            ))
        });
        assert_eq!(read.expect("a status"), ("x".to_owned(), 12, None, String::new()));
    }
}
