//! What somebody says in the body of an HTTP answer that is no answer of SOMA, or a refusal of one: a device in a SOAP
//! fault or a response, whatever else it is in a page, in JSON, or in plain text.

use crate::soma::deadline::Deadline;
use crate::soma::own_secrets::OwnSecrets;
use crate::soma::reply::Answer;

/// So much of a body is read: pages that refuse something are short.
pub(super) const LONGEST_PAGE: usize = 64 << 10;

/// What a body says, on one line, of any length.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageWords {
    /// In a response of SOMA or a SOAP fault: words of whoever serves the XML Management Interface.
    Soma(String),
    /// In a page for people.
    Page(String),
    /// In JSON, as REST has it.
    Json(String),
    /// In anything else.
    Text(String),
}

impl PageWords {
    /// The words of this body, without secrets: they are looked for as it came, where markup may be a part of one, and
    /// again in what is made of it.
    pub(super) fn of(body: &[u8], deadline: &Deadline, secrets: &OwnSecrets) -> Self {
        let text = secrets.hidden_in(&String::from_utf8_lossy(body));
        match Self::of_text(&text, deadline) {
            Self::Soma(said) => Self::Soma(secrets.hidden_in(&said)),
            Self::Page(said) => Self::Page(secrets.hidden_in(&said)),
            Self::Json(said) => Self::Json(secrets.hidden_in(&said)),
            Self::Text(said) => Self::Text(secrets.hidden_in(&said)),
        }
    }

    fn of_text(text: &str, deadline: &Deadline) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim();
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
            && (value.is_object() || value.is_array())
        {
            return Self::Json(on_one_line(&said_in_json(&value)));
        }
        if !text.starts_with('<') {
            return Self::Text(on_one_line(text));
        }
        match Answer::new(text.to_owned(), deadline.clone()).said() {
            Some(said) => Self::Soma(on_one_line(&said)),
            None if is_page(text) => Self::Page(on_one_line(&said_in_page(text))),
            None => Self::Text(on_one_line(text)),
        }
    }

    /// What was said, whoever says it.
    pub(super) fn text(&self) -> &str {
        let (Self::Soma(said) | Self::Page(said) | Self::Json(said) | Self::Text(said)) = self;
        said
    }

    /// Whether the XML Management Interface has no such answers.
    pub(super) fn is_of_another_service(&self) -> bool {
        matches!(self, Self::Page(_) | Self::Json(_))
    }
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What REST says under `error`, or others under a name of that sort; else all of it.
fn said_in_json(value: &serde_json::Value) -> String {
    let said = [
        "error",
        "errors",
        "message",
        "error_description",
        "detail",
        "title",
    ]
    .iter()
    .map(|name| texts_in(value.get(*name)).join("; "))
    .find(|said| !said.is_empty());
    said.unwrap_or_else(|| value.to_string())
}

/// The texts in a value of JSON, at any depth: a parser has bounded it.
fn texts_in(value: Option<&serde_json::Value>) -> Vec<&str> {
    match value {
        Some(serde_json::Value::String(text)) => vec![text],
        Some(serde_json::Value::Array(values)) => {
            values.iter().flat_map(|value| texts_in(Some(value))).collect()
        }
        Some(serde_json::Value::Object(members)) => {
            members.values().flat_map(|value| texts_in(Some(value))).collect()
        }
        _ => Vec::new(),
    }
}

fn is_page(text: &str) -> bool {
    let start: String = text.chars().take(1000).collect();
    let start = start.to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<title", "<h1"]
        .iter()
        .any(|tag| start.contains(tag))
}

/// The title of a page; where it has none, the text that it shows.
fn said_in_page(page: &str) -> String {
    // Lower case of ASCII alone: every place in it is the same place in the page.
    let lower = page.to_ascii_lowercase();
    let inside = |name: &str| {
        let open = lower.find(&format!("<{name}"))?;
        let from = open + lower.get(open..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</")?;
        Some(page.get(from..to)?.trim()).filter(|said| !said.is_empty())
    };
    match inside("title").or_else(|| inside("h1")) {
        Some(said) => said.to_owned(),
        None => without_tags(page),
    }
}

fn without_tags(page: &str) -> String {
    let mut shown = String::new();
    for piece in page.split('<') {
        if let Some((_, text)) = piece.split_once('>') {
            shown.push_str(text);
            shown.push(' ');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::values::timeouts::RequestLimit;

    fn of(body: &str) -> PageWords {
        PageWords::of_text(
            body,
            &Deadline::after(RequestLimit::of_its_own(Duration::from_secs(60)), Arc::default()),
        )
    }

    #[test]
    fn words_are_found_in_whatever_form_they_come() {
        let soap = |inner: &str| {
            format!(
                "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>{inner}</e:Body></e:Envelope>"
            )
        };
        let response = "<dp:response xmlns:dp=\"http://www.datapower.com/schemas/management\"><dp:timestamp>2026-01-01T00:00:00Z</dp:timestamp><dp:result>User account\n is locked out</dp:result></dp:response>";
        let soma = |said: &str| PageWords::Soma(said.to_owned());
        let page = |said: &str| PageWords::Page(said.to_owned());
        let json = |said: &str| PageWords::Json(said.to_owned());
        let text = |said: &str| PageWords::Text(said.to_owned());
        for (body, words) in [
            (
                soap("<e:Fault><faultcode>e:Client</faultcode><faultstring>Password expired</faultstring></e:Fault>"),
                soma("Password expired"),
            ),
            (soap(response), soma("User account is locked out")),
            (
                "<!DOCTYPE html><html><head><TITLE lang=\"en\">IBM DataPower\n Login</TITLE></head><body>x</body></html>".to_owned(),
                page("IBM DataPower Login"),
            ),
            ("<html><body><h1>Denied</h1> by x</body></html>".to_owned(), page("Denied")),
            ("<html><body>Access <b>denied</b></body></html>".to_owned(), page("Access denied")),
            ("<html><title></title><body>Busy".to_owned(), page("Busy")),
            ("{\"_links\":{},\"error\":[\"Authentication failure.\"]}".to_owned(), json("Authentication failure.")),
            ("{\"error\":{\"code\":7,\"message\":\"no\"}}".to_owned(), json("no")),
            ("{\"status\":\"up\"}".to_owned(), json("{\"status\":\"up\"}")),
            ("Unauthorized\n".to_owned(), text("Unauthorized")),
            ("<wsdl:x/>".to_owned(), text("<wsdl:x/>")),
            (String::new(), text("")),
            ("<".to_owned(), text("<")),
        ] {
            assert_eq!(of(&body), words, "{body}");
        }
    }
}
