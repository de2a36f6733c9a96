//! The `[notify.email]` table.

use crate::plan::check::context::Context;
use crate::plan::check::notify::shared::{ca_file, events};
use crate::plan::check::secret::password;
use crate::plan::diagnostic::Findings;
use crate::plan::keys::notify as keys;
use crate::plan::model::notify::{Email, MailSecurity};
use crate::plan::section::PlanSection;
use crate::plan::value::At;
use crate::secret::SecretSource;
use crate::values::event_name::EventNames;
use crate::values::host_name;

/// Reads the table.
pub(super) fn email(
    section: &PlanSection<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<Email> {
    if cfg!(not(feature = "mail")) {
        let label = "built without the feature `mail`";
        out.error(section.span.clone(), "this dpbackup cannot send e-mail", label)
            .help("take the table out, or use a build that has it");
    }
    let host = section.text("host", out).and_then(|host| mail_host(host, out));
    let kinds = [
        ("starttls", MailSecurity::StartTls),
        ("tls", MailSecurity::Tls),
        ("none", MailSecurity::None),
    ];
    let security = section.choice("security", &kinds, out);
    let port = mail_port(section, security, out);
    let login = login(section, security, context, out);
    let from = section
        .text("from", out)
        .filter(|from| are_addresses(from, 1, out));
    let to = section
        .text("to", out)
        .filter(|to| are_addresses(to, usize::MAX, out));
    let report = section.boolean("report", out);
    let ca_file = ca_file(section, context, out);
    let events = events(section, "events", out);
    let repeat = section.duration("repeat", out);
    Some(Email {
        host: host?,
        port: port?,
        security: security?,
        login: login?,
        from: from?.value,
        to: to?.value,
        report: report?,
        ca_file: ca_file?,
        events: events?.unwrap_or_else(EventNames::for_people),
        repeat: repeat?.value,
    })
}

/// The name of a mail server, as DNS has it.
fn mail_host(host: At<String>, out: &mut Findings<'_>) -> Option<String> {
    let is_odd = |c: char| c.is_whitespace() || "/@\\,;".contains(c);
    let has_port = host
        .value
        .rsplit_once(':')
        .is_some_and(|(name, _)| !name.contains(':'));
    if host.value.contains(is_odd) || has_port {
        out.error(
            host.span,
            "`host` is not the name of a mail server",
            "expected a host name or an IP address, and nothing else",
        )
        .help("write `host = \"mail.example.com\"`; `port` and `security` have keys of their own");
        return None;
    }
    let ascii = host_name::ascii(&host.value);
    if ascii.is_none() {
        out.error(
            host.span,
            format!("{:?} is not a host", host.value),
            "DNS has no such name",
        )
        .help("write `host = \"mail.example.com\"`, or an address");
    }
    ascii
}

/// The port that is written, or the one for this security.
fn mail_port(
    section: &PlanSection<'_>,
    security: Option<MailSecurity>,
    out: &mut Findings<'_>,
) -> Option<u16> {
    let Some(span) = section.value_span("port") else {
        return Some(match security? {
            MailSecurity::StartTls => 587,
            MailSecurity::Tls => 465,
            MailSecurity::None => 25,
        });
    };
    let port = section
        .integer("port", out)
        .and_then(|port| u16::try_from(port).ok());
    if let (Some(port), Some(security)) = (port, security) {
        odd_port(port, security, span, out);
    }
    port
}

/// A port at which mail servers speak otherwise than is written.
fn odd_port(port: u16, security: MailSecurity, span: std::ops::Range<usize>, out: &mut Findings<'_>) {
    let (label, help) = match (port, security) {
        (465, MailSecurity::StartTls | MailSecurity::None) => (
            "a server expects TLS from the first byte there",
            "write `security = \"tls\"`, or `port = 587` for STARTTLS",
        ),
        (587 | 25, MailSecurity::Tls) => (
            "a server expects STARTTLS there",
            "write `security = \"starttls\"`, or `port = 465` for TLS from the first byte",
        ),
        _ => return,
    };
    out.doubt(
        span,
        &format!("port {port} does not go with this `security`"),
        label,
        help,
    );
}

/// User name and password belong together, and to an encrypted connection.
#[expect(clippy::option_option, reason = "not valid, not wanted, or a login")]
fn login(
    section: &PlanSection<'_>,
    security: Option<MailSecurity>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<Option<(String, SecretSource)>> {
    let username = section.text("username", out);
    let (user_span, password_span) = (section.key_span("username"), section.key_span("password"));
    if user_span.is_some() != password_span.is_some() {
        section.missing(
            if user_span.is_some() {
                "password"
            } else {
                "username"
            },
            out,
        );
        return None;
    }
    let Some(span) = password_span else {
        return Some(None);
    };
    let value = section.value("password", out)?;
    let password = password(keys::EMAIL.key("password")?, value, context, out);
    if security == Some(MailSecurity::None) {
        out.error(
            span,
            "a password would be sent where others can read it",
            "with `security = \"none\"`",
        )
        .help("write `security = \"starttls\"` or \"tls\", or leave out the login");
        return None;
    }
    Some(Some((username?.value, password?)))
}

/// Whether mail can be sent to (or from) what is written.
#[cfg(feature = "mail")]
pub(super) fn are_addresses(text: &At<String>, most: usize, out: &mut Findings<'_>) -> bool {
    let why = match text.value.parse::<lettre::message::Mailboxes>() {
        Ok(boxes) if boxes.iter().count() > most => "expected one address".to_owned(),
        Ok(boxes) if boxes.iter().next().is_none() => "expected an address".to_owned(),
        Ok(boxes) => match boxes.iter().find_map(|mailbox| why_not(&mailbox.email)) {
            None => return true,
            Some(why) => why,
        },
        // The words of the parser say nothing.
        Err(_) => "expected NAME@DOMAIN, several with commas between them".to_owned(),
    };
    // What people put between addresses elsewhere.
    let with_commas = text.value.replace(';', ",");
    let parsed = with_commas.parse::<lettre::message::Mailboxes>();
    let help = match (parsed, most) {
        (Ok(boxes), 2..) if with_commas != text.value && boxes.iter().next().is_some() => {
            format!("write commas between them: {with_commas:?}")
        }
        (_, 1) => "write one, such as `from = \"dpbackup@example.com\"`".to_owned(),
        _ => "write \"team@example.com\", or \"team@example.com, boss@example.com\"".to_owned(),
    };
    out.error(text.span.clone(), "this is no e-mail address", why)
        .help(help);
    false
}

/// Why nothing can be sent to an address. A domain in another script is sent to by the name that
/// DNS has for it; for what stands in front of it there is no other name.
#[cfg(feature = "mail")]
fn why_not(address: &lettre::Address) -> Option<String> {
    if !address.user().is_ascii() {
        return Some(format!(
            "{address}: few mail servers take letters beyond ASCII in front of the `@`, and none is asked to"
        ));
    }
    match host_name::ascii(address.domain()) {
        Some(_) => None,
        None => Some(format!("{}: DNS has no such name", address.domain())),
    }
}

#[cfg(not(feature = "mail"))]
pub(super) fn are_addresses(_: &At<String>, _: usize, _: &mut Findings<'_>) -> bool {
    true
}
