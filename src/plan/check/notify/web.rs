//! Who is told over HTTP: the `[[notify.webhook]]` tables, and `[notify.ping]`.

use secrecy::ExposeSecret as _;
use toml::de::DeValue;

use crate::plan::check::context::{Context, Readers};
use crate::plan::check::notify::shared::{ca_file, events};
use crate::plan::check::secret::{password, secret_form};
use crate::plan::diagnostic::Findings;
use crate::plan::keys::{Table, notify as keys};
use crate::plan::model::notify::{Ping, Webhook, WebhookFormat};
use crate::plan::section::PlanSection;
use crate::plan::value::{At, named_so};
use crate::secret::SecretSource;
use crate::values::event_name::EventNames;
use crate::values::invocation::quoted;
use crate::values::ping_address::address_of;
use crate::values::web_url::WebUrl;

/// Reads a `[[notify.webhook]]` table; its name also where the rest is not valid.
pub(super) fn webhook(
    section: &PlanSection<'_>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> (Option<At<String>>, Option<Webhook>) {
    let name = section.text("name", out).filter(|name| is_name(name, out));
    let url = url(section, &keys::WEBHOOK, "url", context, out);
    let formats = [
        ("json", WebhookFormat::Json),
        ("slack", WebhookFormat::Slack),
        ("text", WebhookFormat::Text),
    ];
    let format = section.choice("format", &formats, out);
    if let (Some(WebhookFormat::Json), Some(SecretSource::Plain(address))) = (&format, &url)
        && is_of_a_chat(address.expose_secret())
        && let Some(span) = section.value_span("url")
    {
        out.doubt(
            span,
            "a chat is told in the form of an event, which it does not take",
            "`format` is \"json\" here",
            "add `format = \"slack\"`",
        );
    }
    let mut secret = |name: &str| match section.value(name, out) {
        Some(value) => password(keys::WEBHOOK.key(name)?, value, context, out).map(Some),
        None => Some(None),
    };
    let (secret, authorization) = (secret("secret"), secret("authorization"));
    let ca_file = ca_file(section, context, out);
    let events = events(section, "events", out);
    let repeat = section.duration("repeat", out);
    let read = || {
        Some(Webhook {
            name: name.clone()?.value,
            url: url?,
            format: format?,
            secret: secret?,
            authorization: authorization?,
            ca_file: ca_file?,
            events: events?.unwrap_or_else(EventNames::of_backups),
            repeat: repeat?.value,
        })
    };
    let webhook = read();
    (name, webhook)
}

/// Whether an address is one of those at which chats take messages.
fn is_of_a_chat(address: &str) -> bool {
    const CHATS: [&str; 4] = [
        "://hooks.slack.com/",
        "://chat.googleapis.com/",
        ".webhook.office.com/",
        "/hooks/mattermost",
    ];
    CHATS.iter().any(|chat| address.contains(chat))
}

fn is_name(name: &At<String>, out: &mut Findings<'_>) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = name.value.chars().all(allowed);
    if !good {
        let title = format!("{:?} cannot be the name of a webhook", name.value);
        out.error(
            name.span.clone(),
            title,
            "allowed are letters, digits, `.`, `_` and `-`",
        )
        .help(format!("write `name = {:?}`, say", named_so(&name.value)));
    }
    good
}

/// Reads the `[notify.ping]` table.
pub(super) fn ping(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<Ping> {
    let url = match section.key_span("url") {
        Some(_) => url(section, &keys::PING, "url", context, out).map(Some),
        None => Some(None),
    };
    let start = section
        .text_or_default("start", out)
        .filter(|text| is_suffix(text, out));
    let fail = section
        .text_or_default("fail", out)
        .filter(|text| is_suffix(text, out));
    let meanings = [("fail", false), ("success", true)];
    let warnings = section.choice("warnings", &meanings, out);
    let ca_file = ca_file(section, context, out);
    Some(Ping {
        url: url?,
        start: start?.value,
        fail: fail?.value,
        warnings_are_success: warnings?,
        ca_file: ca_file?,
    })
}

/// Doubts an address that is already that of one state: each success would tell that state, too.
fn doubt_ping(url: &At<String>, out: &mut Findings<'_>) {
    let path = url.value.split(['?', '#']).next().unwrap_or_default();
    let state = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if matches!(state, "fail" | "failure" | "start" | "log") {
        out.doubt(
            url.span.clone(),
            &format!("a success would ping `/{state}`, too"),
            "the address of a check is expected",
            "leave that word out: what `start` and `fail` of [notify.ping] say is added to the address",
        );
    }
}

fn is_suffix(text: &At<String>, out: &mut Findings<'_>) -> bool {
    let good =
        text.value.starts_with(['/', '?']) && WebUrl::parse(&format!("https://a{}", text.value)).is_ok();
    if !good {
        let title = "this cannot be added to an address";
        out.error(
            text.span.clone(),
            title,
            "expected something like \"/fail\" or \"?state=fail\"",
        )
        .help("write what the service puts behind the address of a check, or leave the key out");
    }
    good
}

/// An address: text that is checked now, or a secret that is checked when it is used.
pub(super) fn url(
    section: &PlanSection<'_>,
    table: &'static Table,
    name: &str,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<SecretSource> {
    let key = table.key(name)?;
    let value = section.value(name, out)?;
    let DeValue::String(_) = value.get_ref() else {
        return secret_form(key, value, context, out);
    };
    let text = section.text(name, out)?;
    let is_ping = name == "ping_url" || std::ptr::eq(table, &raw const keys::PING);
    let example = match is_ping {
        true => "https://ping.example.com/datapower-{plan}",
        false => "https://chat.example.com/hook",
    };
    match WebUrl::parse(&address_of(&text.value, "plan")) {
        Ok(url) => {
            if is_ping {
                doubt_ping(&text, out);
            }
            if context.readers == Readers::Others && url.looks_secret() {
                out.doubt(
                    text.span,
                    "an address with a token stands in a file that others can read",
                    "whoever knows it can send to it",
                    &format!(
                        "run `chmod 600 {}`, or write where it comes from: {{ file = \"…\" }} or {{ env = \"…\" }}",
                        quoted(&context.path.to_string_lossy())
                    ),
                );
            }
            Some(SecretSource::Plain(text.value.into()))
        }
        Err(error) => {
            out.error(
                text.span,
                format!("`{name}` is no address to send to"),
                error.to_string(),
            )
            .help(match is_ping && text.value.replace("{plan}", "").contains('{') {
                true => {
                    format!("`{{plan}}` alone is replaced, by the name of the plan: `{name} = {example:?}`")
                }
                false => format!("write the whole of it, such as `{name} = {example:?}`"),
            });
            None
        }
    }
}
