//! The outer form of answers: the envelope, results, errors.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::body::Body;
use super::firmware::Style;

/// What stands before the content of a body.
pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>";
/// What stands after it.
pub(super) const TAIL: &str = "</env:Body></env:Envelope>";
const RESPONSE: &str = "<dp:response xmlns:dp=\"http://www.datapower.com/schemas/management\">";

/// What an operation gives back.
pub(super) enum Payload {
    /// XML within `dp:response`, after the timestamp.
    Xml(String),
    /// `dp:file`, with its name for `get-file`.
    File {
        name: Option<String>,
        content: super::content::Content,
        /// An error log beside it.
        log: Option<String>,
    },
    /// `OK` in `dp:result`.
    Ok,
    /// Other text in `dp:result`.
    Text(String),
    /// An error log.
    Log(String),
    /// `OK` in one `dp:result`, an error log in a second.
    OkAndLog(String),
    /// HTTP 500: the schema does not allow the request.
    SchemaFault,
}

/// Where the gateway stands: its times carry the offset of New York.
pub(super) fn time_zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC)
}

/// A reply of a logged-in user's request.
pub(super) fn response(style: Style, now: Timestamp, echo: &str, bulk: &str, payload: &Payload) -> Body {
    let time = now
        .to_zoned(time_zone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string();
    let before = format!("{HEAD}{RESPONSE}<dp:timestamp>{time}</dp:timestamp>{bulk}");
    let after = format!("</dp:response>{TAIL}");
    let whole = |payload: String| Body::text(format!("{before}{payload}{after}"));
    match payload {
        Payload::Xml(xml) => whole(xml.clone()),
        Payload::File { name, content, log } => {
            let log = log.as_ref().map(|message| error_log(style, message, echo));
            let after = format!("{}{after}", log.unwrap_or_default());
            let name = name
                .as_ref()
                .map(|name| format!(" name=\"{}\"", escape(name)))
                .unwrap_or_default();
            if content.size() == 0 {
                return whole(format!("<dp:file{name}/>"));
            }
            let mut body = Body::text(format!("{before}<dp:file{name}>"));
            body.push_base64(content.clone());
            body.push_text(format!("</dp:file>{after}"));
            body
        }
        Payload::Ok => whole(ok(style).to_owned()),
        Payload::Text(text) => whole(format!("<dp:result>{}</dp:result>", escape(text))),
        Payload::Log(message) => whole(error_log(style, message, echo)),
        Payload::OkAndLog(message) => whole(format!("{}{}", ok(style), error_log(style, message, echo))),
        Payload::SchemaFault => fault("Internal Error (from client)", bulk),
    }
}

fn ok(style: Style) -> &'static str {
    match style {
        Style::V10 => "<dp:result>OK</dp:result>",
        Style::Old => "<dp:result>\n                        OK\n                    </dp:result>",
    }
}

/// An error log in the form of the firmware. Old firmware echoes the command line.
fn error_log(style: Style, message: &str, echo: &str) -> String {
    let message = escape(message);
    let events = match style {
        Style::V10 => format!("<dp:log-event level=\"error\">{message}</dp:log-event>"),
        Style::Old => format!(
            "<log-event level=\"error\">{message}</log-event><log-event level=\"error\">{}</log-event>",
            escape(echo)
        ),
    };
    format!("<dp:result><error-log>{events}</error-log></dp:result>")
}

/// The reply to bad credentials: no timestamp.
pub(super) fn not_logged_in(bulk: &str) -> Body {
    Body::text(format!(
        "{HEAD}{RESPONSE}{bulk}<dp:result>Authentication failure</dp:result></dp:response>{TAIL}"
    ))
}

/// A SOAP fault that blames the request.
pub(super) fn fault(text: &str, bulk: &str) -> Body {
    fault_of("env:Client", text, bulk)
}

/// A SOAP fault that blames this code.
pub(super) fn fault_of(code: &str, text: &str, bulk: &str) -> Body {
    let detail = if bulk.is_empty() {
        String::new()
    } else {
        format!("<detail>{bulk}</detail>")
    };
    Body::text(format!(
        "{HEAD}<env:Fault><faultcode>{code}</faultcode><faultstring>{}</faultstring>{detail}\
         </env:Fault>{TAIL}",
        escape(text)
    ))
}

/// A reply with a file that never ends.
pub(super) fn endless_file() -> Body {
    let mut body = Body::text(format!("{HEAD}{RESPONSE}<dp:file>"));
    body.push_endless();
    body
}

/// A document type whose entities expand to some gigabytes, in an otherwise good reply.
pub(super) fn entity_bomb() -> Body {
    let mut types = String::from("<!DOCTYPE bomb [<!ENTITY e0 \"tick tick tick tick tick tick tick tick\">");
    for level in 1..10 {
        types.push_str(&format!(
            "<!ENTITY e{level} \"{}\">",
            format!("&e{};", level - 1).repeat(10)
        ));
    }
    types.push_str("]>");
    let head = HEAD.replacen('\n', &format!("\n{types}"), 1);
    Body::text(format!(
        "{head}{RESPONSE}<dp:result>&e9;</dp:result></dp:response>{TAIL}"
    ))
}

/// A reply with elements within elements.
pub(super) fn deep_nesting(depth: u32) -> Body {
    let depth = depth as usize;
    let inner = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    Body::text(format!(
        "{HEAD}{RESPONSE}<dp:status>{inner}</dp:status></dp:response>{TAIL}"
    ))
}

/// Text as it stands in XML. Control characters become references, allowed or not.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push_str(&format!("&#{};", u32::from(control))),
            other => escaped.push(other),
        }
    }
    escaped
}
