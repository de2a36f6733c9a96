//! The `[notify.syslog]` table.

use std::ops::Range;

use crate::plan::check::context::Context;
use crate::plan::check::notify::shared::{ca_file, events};
use crate::plan::check::settings::path_text;
use crate::plan::diagnostic::Findings;
use crate::plan::model::notify::{Syslog, SyslogAddress};
use crate::plan::section::PlanSection;
use crate::plan::value::At;
use crate::values::event_name::EventNames;
use crate::values::web_url::WebUrl;

/// Reads the table.
pub(super) fn syslog(
    section: &PlanSection<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<Syslog> {
    let address = section
        .text_or_default("address", out)
        .and_then(|text| syslog_address(text, context, out));
    // The numbers of RFC 5424, section 6.2.1.
    let facilities = [
        ("user", 1),
        ("daemon", 3),
        ("local0", 16),
        ("local1", 17),
        ("local2", 18),
        ("local3", 19),
        ("local4", 20),
        ("local5", 21),
        ("local6", 22),
        ("local7", 23),
    ];
    let facility = section.choice("facility", &facilities, out);
    let ca_file = ca_file(section, context, out);
    let events = events(section, "events", out);
    Some(Syslog {
        address: address?,
        facility: facility?,
        ca_file: ca_file?,
        events: events?.unwrap_or_else(EventNames::of_backups),
    })
}

/// Where it is: the path of a socket, or a host with how it is spoken to.
fn syslog_address(text: At<String>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<SyslogAddress> {
    match text.value.split_once("://") {
        None => path_of_socket(text, context, out),
        Some((scheme, rest)) => host_of_syslog(scheme, rest, &text.span, out),
    }
}

fn path_of_socket(text: At<String>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<SyslogAddress> {
    if let Some((host, port)) = text.value.split_once(':')
        && !host.contains('/')
        && port.parse::<u16>().is_ok()
    {
        let label = "expected a path, udp://…, tcp://… or tls://…";
        out.error(
            text.span,
            "`address` does not say how the host is spoken to",
            label,
        )
        .help(format!("write \"udp://{host}:{port}\", or tcp:// or tls://"));
        return None;
    }
    let (written, span) = (text.value.clone(), text.span.clone());
    let path = path_text(text, context, out).map(|path| context.path_of(&path))?;
    if !written.contains('/') && !path.exists() {
        out.doubt(
            span,
            "`address` is a path, and nothing is there",
            "a host is named with how it is spoken to",
            &match written.parse::<u16>() {
                Ok(port) => {
                    format!("write `address = \"udp://syslog.example.com:{port}\"`, or tcp:// or tls://")
                }
                Err(_) => {
                    format!("write \"udp://{written}\", or tcp:// or tls://; or the path of a socket")
                }
            },
        );
    }
    Some(SyslogAddress::Local(path))
}

fn host_of_syslog(
    scheme: &str,
    rest: &str,
    span: &Range<usize>,
    out: &mut Findings<'_>,
) -> Option<SyslogAddress> {
    let (kind, port): (fn(String, u16) -> SyslogAddress, u16) = match scheme {
        "udp" => (SyslogAddress::Udp, 514),
        "tcp" => (SyslogAddress::Tcp, 601),
        "tls" => (SyslogAddress::Tls, 6514),
        _ => {
            let label = "expected a path, udp://…, tcp://… or tls://…";
            out.error(
                span.clone(),
                format!("unknown scheme {scheme:?} of `address`"),
                label,
            )
            .help(SYSLOG_SAMPLE);
            return None;
        }
    };
    // The rules for host and port are those of addresses on the web.
    match WebUrl::parse(&format!("https://{rest}")) {
        Ok(url) if url.path_and_query().is_empty() => {
            let written = rest.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            let bare = rest.ends_with(']') || written.is_none();
            Some(kind(
                url.host().to_owned(),
                if bare { port } else { written.unwrap_or(port) },
            ))
        }
        Ok(_) => {
            out.error(
                span.clone(),
                "`address` is more than a host and a port",
                "expected nothing behind the port",
            )
            .help(SYSLOG_SAMPLE);
            None
        }
        Err(error) => {
            out.error(
                span.clone(),
                "`address` is not a host and a port",
                error.to_string(),
            )
            .help(SYSLOG_SAMPLE);
            None
        }
    }
}

const SYSLOG_SAMPLE: &str =
    "write `address = \"udp://syslog.example.com:514\"`, tcp:// or tls://, or the path of a socket";
