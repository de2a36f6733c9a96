//! To a webhook, and to a service that waits for pings: one POST, over `https` with the
//! same TLS as everything else here.
//!
//! No proxy, no redirects, and of the answer no more than its beginning is read.

use std::path::PathBuf;
use std::time::Duration;

use ring::hmac;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use ureq::unversioned::transport::{Connector, TcpConnector};

use crate::notify::json;
use crate::notify::notice::Notice;
use crate::notify::send::{SendError, Sent, encoded_words, trust};
use crate::notify::words;
use crate::plan::model::notify::WebhookFormat;
use crate::soma::resolve::HostNames;
use crate::soma::tls::TlsConnector;
use crate::values::event_name::EventName;
use crate::values::hex::hex;
use crate::values::json_text::json_text;
use crate::values::text::{printable, printable_json};
use crate::values::web_url::WebUrl;

/// How much of an answer is read, in bytes.
const LONGEST_ANSWER: u64 = 4096;

/// The longest text for chats and pings, in characters: ntfy makes a file of more.
const LONGEST_TEXT: usize = 3500;

/// What is posted.
#[derive(Debug)]
pub struct Post {
    content_type: &'static str,
    body: String,
    headers: Vec<(&'static str, String)>,
}

/// Where something is posted.
#[derive(Debug)]
pub struct WebTarget {
    pub url: WebUrl,
    /// The value of `Authorization`.
    pub authorization: Option<SecretString>,
    /// The key of the signature.
    pub secret: Option<SecretString>,
    /// Trusted instead of the machine's roots.
    pub ca_file: Option<PathBuf>,
}

/// A notice in the form that a webhook wants.
pub fn webhook(notice: &Notice, format: WebhookFormat) -> Post {
    let headers = vec![
        ("X-Dpbackup-Event", notice.event.word().to_owned()),
        ("X-Dpbackup-Id", notice.id()),
    ];
    match format {
        WebhookFormat::Json => Post {
            content_type: "application/json",
            body: printable_json(&json_text(&json::document(notice))),
            headers,
        },
        WebhookFormat::Slack => {
            let text = format!("{}\n\n{}", words::subject(notice), words::body(notice));
            let text = chat(&words::shortened(&text, LONGEST_TEXT));
            let body = printable_json(&serde_json::json!({ "text": text }).to_string());
            Post {
                content_type: "application/json",
                body,
                headers,
            }
        }
        WebhookFormat::Text => {
            let mut headers = headers;
            headers.push(("Title", header_text(&words::subject(notice))));
            headers.push(("Priority", priority(notice.event).to_owned()));
            Post {
                content_type: "text/plain; charset=utf-8",
                body: words::shortened(&words::body(notice), LONGEST_TEXT),
                headers,
            }
        }
    }
}

/// A text for a chat, in which nothing is markup, nobody is called and nothing is a link,
/// whatever a device calls its domains.
///
/// A block of code is the one form that all chats show as it is. What could end it is
/// replaced; and as some of them look into it all the same, so is what calls people or makes
/// a link. The three characters that Slack reads as markup everywhere stand as it wants them.
fn chat(text: &str) -> String {
    let text = text
        .replace('`', "ˋ")
        .replace('@', "＠")
        .replace("://", "[:]//")
        .replace("www.", "www[.]")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("```\n{}\n```", text.trim_end())
}

/// The summary, as the body of a ping.
pub fn ping(notice: &Notice) -> Post {
    let text = format!("{}\n\n{}", words::subject(notice), words::body(notice));
    Post {
        content_type: "text/plain; charset=utf-8",
        body: words::shortened(&text, LONGEST_TEXT),
        headers: Vec::new(),
    }
}

/// From 1 to 5, as ntfy has it; others do not look at it.
fn priority(event: EventName) -> &'static str {
    match event {
        EventName::StillQuiesced => "5",
        EventName::Failed | EventName::TaskFailed | EventName::Refused | EventName::RehearsalFailed => "4",
        EventName::Warned | EventName::Recovered | EventName::Unsaved => "3",
        EventName::Started | EventName::Succeeded | EventName::Changed => "2",
    }
}

/// A header takes ASCII: other text is encoded as RFC 2047 says, and so is what would be decoded.
fn header_text(text: &str) -> String {
    encoded_words(text).map_or_else(|| text.to_owned(), |words| words.join(" "))
}

/// Posts, and gives the answer in words if it is one of success (2xx).
pub fn send(target: &WebTarget, post: &Post, limit: Duration) -> Sent {
    let agent = agent(target, limit)?;
    let mut request = agent
        .post(target.url.exposed())
        .header("Content-Type", post.content_type);
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    if let Some(authorization) = &target.authorization {
        request = request.header("Authorization", authorization.expose_secret());
    }
    if let Some(secret) = &target.secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let signature = hmac::sign(&key, post.body.as_bytes());
        let signature = hex(signature.as_ref());
        request = request.header("X-Dpbackup-Signature", format!("sha256={signature}"));
    }
    let response = request.send(post.body.as_str()).map_err(explain)?;
    let status = response.status();
    let text = response
        .into_body()
        .into_with_config()
        .limit(LONGEST_ANSWER)
        .read_to_string();
    let first = text
        .unwrap_or_default()
        .lines()
        .next()
        .map(|line| words::shortened(line.trim(), 120));
    let said = first
        .filter(|line| !line.is_empty())
        .map_or_else(String::new, |line| format!(": {}", printable(&line)));
    let answer = format!("HTTP {}{said}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(answer.into()),
        429 | 500..=599 => Err(SendError::passing(answer)),
        300..=399 => Err(SendError::lasting(format!(
            "{answer} (redirects are not followed)"
        ))),
        _ => Err(SendError::lasting(answer)),
    }
}

fn agent(target: &WebTarget, limit: Duration) -> Result<ureq::Agent, SendError> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .user_agent(concat!("dpbackup/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(limit))
        .build();
    let tcp = ().chain(TcpConnector::default());
    if !target.url.is_https() {
        return Ok(ureq::Agent::with_parts(config, tcp, HostNames::default()));
    }
    let name = ServerName::try_from(target.url.host().to_owned())
        .map_err(|_| SendError::lasting("the host is no name that a certificate can have"))?;
    let tls = TlsConnector::new(trust(target.ca_file.as_ref())?, name);
    Ok(ureq::Agent::with_parts(
        config,
        tcp.chain(tls),
        HostNames::default(),
    ))
}

/// None of these words holds the address.
fn explain(error: ureq::Error) -> SendError {
    match error {
        ureq::Error::Timeout(_) => SendError::passing("no answer in time"),
        ureq::Error::HostNotFound => SendError::passing("the host name is not known"),
        ureq::Error::ConnectionFailed => SendError::passing("no connection could be made"),
        ureq::Error::Rustls(error) => SendError::tls(&error),
        ureq::Error::Io(error) => error.into(),
        ureq::Error::Protocol(_) => SendError::passing("the answer is not HTTP as it should be"),
        // A header that cannot be sent holds the secret that makes it so.
        ureq::Error::Http(_) => SendError::lasting("`authorization` cannot be sent as a header"),
        _ => SendError::passing("the exchange failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::{chat, header_text};

    #[test]
    fn in_a_chat_nobody_is_called_and_nothing_is_markup_or_a_link() {
        let hostile =
            "@channel @here <!channel> <@U1> <https://x|y> [a](http://x) ```\n*bold* www.x.example &amp;";
        let text = chat(hostile);
        let inner = text
            .strip_prefix("```\n")
            .and_then(|text| text.strip_suffix("\n```"));
        let inner = inner.expect("one block of code");
        for forged in ["`", "@", "<", ">", "://", "www."] {
            assert!(!inner.contains(forged), "{forged}: {inner}");
        }
        assert!(inner.ends_with("*bold* www[.]x.example &amp;amp;"), "{inner}");
    }

    #[test]
    fn a_title_is_ascii_whatever_the_plan_is_called() {
        assert_eq!(header_text("BackupQA succeeded"), "BackupQA succeeded");
        // ntfy decodes what is written as an encoded word.
        assert_eq!(header_text("=?utf-8?q?ok?="), "=?UTF-8?B?PT91dGYtOD9xP29rPz0=?=");
        assert_eq!(header_text("Größe"), "=?UTF-8?B?R3LDtsOfZQ==?=");
    }
}
