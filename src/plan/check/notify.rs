//! The `[notify]` table, and the keys of plans that refer to it.

mod email;
mod pings;
mod shared;

use std::ops::Range;
use std::path::PathBuf;

pub(super) use pings::find_shared_pings;
use secrecy::ExposeSecret as _;
use toml::de::DeValue;

use crate::plan::check::context::{Context, OpenTable, Readers};
use crate::plan::check::names::find_duplicates;
use crate::plan::check::notify::shared::{ca_file, events};
use crate::plan::check::secret::{password, secret_form};
use crate::plan::check::settings::{path, path_text};
use crate::plan::diagnostic::Findings;
use crate::plan::keys::{Table, notify as keys, tables};
use crate::plan::model::Plan;
use crate::plan::model::notify::{Notify, Ping, PlanNotify, Syslog, SyslogAddress, Webhook, WebhookFormat};
use crate::plan::section::PlanSection;
use crate::plan::value::{At, did_you_mean};
use crate::secret::SecretSource;
use crate::values::event_name::EventNames;
use crate::values::invocation::quoted;
use crate::values::nearest::nearest;
use crate::values::ping_address::address_of;
use crate::values::web_url::WebUrl;

/// What was read. Plans refer to some of it even if the whole is not valid.
#[derive(Default)]
pub(super) struct NotifyRead {
    pub(super) checked: Option<Notify>,
    has_email: bool,
    webhooks: Vec<String>,
    ping_url: Option<SecretSource>,
    has_ping_url: bool,
    /// Where each receiver stands that is used by no plan which does not name it.
    written: Vec<(WrittenReceiver, Range<usize>)>,
}

/// One of those who are told.
#[derive(Clone, Debug)]
enum WrittenReceiver {
    Syslog,
    Email,
    Ping,
    Webhook(String),
}

impl WrittenReceiver {
    fn is_used_by(&self, plan: &PlanNotify) -> bool {
        match self {
            WrittenReceiver::Syslog => plan.syslog,
            WrittenReceiver::Email => plan.email,
            WrittenReceiver::Ping => plan.ping.is_some(),
            WrittenReceiver::Webhook(name) => plan.webhooks.contains(name),
        }
    }

    /// Its heading, and what a plan writes to use it.
    fn words(&self) -> (&'static str, String) {
        match self {
            WrittenReceiver::Syslog => ("[notify.syslog]", "syslog = true".to_owned()),
            WrittenReceiver::Email => ("[notify.email]", "email = true".to_owned()),
            WrittenReceiver::Ping => ("[notify.ping]", "ping = true".to_owned()),
            WrittenReceiver::Webhook(name) => ("[[notify.webhook]]", format!("webhook = {name:?}")),
        }
    }
}

/// Reads the table. `included` are the web hooks of other files.
pub(super) fn read(
    section: &PlanSection<'_>,
    included: &[OpenTable<'_>],
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> NotifyRead {
    let timeout = section.duration("timeout", out);
    let tries = section.integer("tries", out);
    let syslog = section
        .section_or_empty("syslog", out)
        .and_then(|table| syslog(&table, context, out));
    let has_email = section.key_span("email").is_some();
    let email = section
        .section("email", out)
        .map(|table| email::email(&table, context, out));
    let tables = section.sections("webhook", out);
    let tables = tables.iter().map(|table| (table, context));
    let tables = tables.chain(included.iter().map(|(table, context)| (table, *context)));
    let (names, webhooks): (Vec<_>, Vec<_>) = tables
        .map(|(table, context)| webhook(table, context, out))
        .unzip();
    let names: Vec<At<String>> = names.into_iter().flatten().collect();
    find_duplicates("webhook", &names, out);
    let ping = section
        .section("ping", out)
        .map(|table| ping(&table, context, out));
    let metrics = section
        .section("metrics", out)
        .map(|table| metrics(&table, context, out));

    let tables = [
        ("syslog", WrittenReceiver::Syslog),
        ("email", WrittenReceiver::Email),
        ("ping", WrittenReceiver::Ping),
    ];
    let tables = tables
        .into_iter()
        .filter_map(|(key, receiver)| Some((receiver, section.key_span(key)?)));
    let hooks = names
        .iter()
        .map(|name| (WrittenReceiver::Webhook(name.value.clone()), name.span.clone()));
    let written = tables.chain(hooks).collect();
    let ping_table = section.section_or_empty("ping", out);
    let has_ping_url = ping_table.is_some_and(|table| table.key_span("url").is_some());
    let ping_url = ping.iter().flatten().find_map(|ping| ping.url.clone());
    // A table that is there and not valid has its finding.
    let checked = || {
        Some(Notify {
            timeout: timeout?.value,
            tries: tries?,
            syslog: syslog?,
            email: whole(email)?,
            webhooks: webhooks.into_iter().collect::<Option<_>>()?,
            ping: whole(ping)?,
            metrics: whole(metrics)?,
        })
    };
    NotifyRead {
        checked: checked(),
        has_email,
        webhooks: names.into_iter().map(|name| name.value).collect(),
        ping_url,
        has_ping_url,
        written,
    }
}

/// Absent, or valid; nothing if it is there and not valid.
fn whole<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    read.map_or(Some(None), |value| value.map(Some))
}

impl NotifyRead {
    /// Doubts receivers that no plan uses: nobody would be told, and nobody would miss it. Where no plan is
    /// enabled the file may not be finished.
    pub(super) fn doubt_unused(&self, plans: &[Option<Plan>], out: &mut Findings<'_>) {
        let plans = || plans.iter().flatten().filter(|plan| plan.enabled);
        if out.has_errors() || plans().next().is_none() {
            return;
        }
        for (receiver, span) in &self.written {
            if plans().any(|plan| receiver.is_used_by(&plan.notify)) {
                continue;
            }
            let (heading, key) = receiver.words();
            out.doubt(
                span.clone(),
                &format!("no plan tells anybody by this {heading}"),
                "it is used by plans that name it alone",
                &format!("add `{key}` under a [[plan]]"),
            );
        }
    }

    /// Reads the keys of a plan.
    pub(super) fn plan(
        &self,
        section: &PlanSection<'_>,
        context: &Context<'_>,
        out: &mut Findings<'_>,
    ) -> Option<PlanNotify> {
        let syslog = section.boolean("syslog", out);
        let email = section.boolean("email", out);
        if email == Some(true) && !self.has_email && !out.is_incomplete() {
            let span = section.key_span("email").unwrap_or(section.span.clone());
            out.error(span, "there is no mail server", "this plan tells by e-mail")
                .help("add a [notify.email] table with `host`, `from` and `to`");
        }
        let email_to = self.email_to(section, email == Some(true), out);
        let webhooks = self.webhooks(section, out);
        let ping = self.ping(section, context, out);
        let events = events(section, "notify_events", out);
        let names_one = ["syslog", "email", "webhook", "ping", "ping_url"]
            .iter()
            .any(|key| section.key_span(key).is_some());
        if let (false, Some(span)) = (names_one, section.key_span("notify_events")) {
            out.doubt(
                span,
                "`notify_events` without anybody who is told",
                "the plan has no `syslog`, `email`, `webhook` or `ping`",
                "add one of them, such as `syslog = true`",
            );
        }
        Some(PlanNotify {
            syslog: syslog?,
            email: email?,
            email_to: email_to?,
            webhooks: webhooks?,
            ping: ping?,
            events: events?,
        })
    }

    /// Those who receive mail of this plan instead of those of the mail server's table.
    #[expect(clippy::option_option, reason = "not valid, not written, or addresses")]
    fn email_to(
        &self,
        section: &PlanSection<'_>,
        is_told: bool,
        out: &mut Findings<'_>,
    ) -> Option<Option<String>> {
        let Some(span) = section.key_span("email_to") else {
            return Some(None);
        };
        if !is_told {
            out.error(span, "`email_to` without `email = true`", "nobody would be told")
                .help("add `email = true`");
            return None;
        }
        let to = section.text("email_to", out)?;
        email::are_addresses(&to, usize::MAX, out).then_some(Some(to.value))
    }

    /// The names that the patterns of a plan match; those written as such must be there.
    fn webhooks(&self, section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Vec<String>> {
        if section.key_span("webhook").is_none() {
            return Some(Vec::new());
        }
        let patterns = section.patterns("webhook", out)?;
        let names = || self.webhooks.iter().map(String::as_str);
        for name in patterns
            .value
            .literals()
            .chain(patterns.value.excluded_literals())
        {
            if !out.is_incomplete() && !names().any(|known| known == name) {
                let title = format!("unknown webhook {name:?}");
                let finding = out.error(
                    patterns.span.clone(),
                    title,
                    "no [[notify.webhook]] has this name",
                );
                match nearest(name, names()) {
                    Some(near) => did_you_mean(finding, Some(near)),
                    // The address may be a secret, and is not said again.
                    None if name.contains("://") => {
                        finding.help(
                            "an address stands in a table of its own, [[notify.webhook]] with `name` and `url`, and its name here",
                        );
                    }
                    None => {
                        let known: Vec<&str> = names().collect();
                        finding.help(match known.as_slice() {
                            [] => format!("add a [[notify.webhook]] with `name = {name:?}` and `url`"),
                            known => format!("there are: {}", known.join(", ")),
                        });
                    }
                }
            }
        }
        Some(
            names()
                .filter(|name| patterns.value.matches(name))
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The address that a plan pings; the inner `None` is no ping.
    #[expect(clippy::option_option, reason = "not valid, not wanted, or an address")]
    fn ping(
        &self,
        section: &PlanSection<'_>,
        context: &Context<'_>,
        out: &mut Findings<'_>,
    ) -> Option<Option<SecretSource>> {
        let own = section.key_span("ping_url").is_some();
        let wanted = match section.key_span("ping") {
            Some(_) => section.boolean("ping", out)?,
            None => own,
        };
        if own {
            let url = url(section, &tables::PLAN, "ping_url", context, out)?;
            return Some(wanted.then_some(url));
        }
        if !wanted {
            return Some(None);
        }
        if !self.has_ping_url && !out.is_incomplete() {
            let span = section.key_span("ping").unwrap_or(section.span.clone());
            out.error(span, "there is no address to ping", "this plan pings")
                .help("write `url` in a [notify.ping] table, or a `ping_url` here");
        }
        self.ping_url.clone().map(Some)
    }
}

fn syslog(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<Syslog> {
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

fn syslog_address(text: At<String>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<SyslogAddress> {
    let Some((scheme, rest)) = text.value.split_once("://") else {
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
                &format!("write \"udp://{written}\", or tcp:// or tls://; or the path of a socket"),
            );
        }
        return Some(SyslogAddress::Local(path));
    };
    let (kind, port): (fn(String, u16) -> SyslogAddress, u16) = match scheme {
        "udp" => (SyslogAddress::Udp, 514),
        "tcp" => (SyslogAddress::Tcp, 601),
        "tls" => (SyslogAddress::Tls, 6514),
        _ => {
            let label = "expected a path, udp://…, tcp://… or tls://…";
            out.error(
                text.span,
                format!("unknown scheme {scheme:?} of `address`"),
                label,
            );
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
                text.span,
                "`address` is more than a host and a port",
                "expected nothing behind the port",
            );
            None
        }
        Err(error) => {
            out.error(text.span, "`address` is not a host and a port", error.to_string());
            None
        }
    }
}

fn webhook(
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
        );
    }
    good
}

fn ping(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<Ping> {
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
        );
    }
    good
}

fn metrics(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<PathBuf> {
    let file = path(section, "path", context, out)?;
    if file.extension().is_none_or(|end| end != "prom") {
        let span = section.key_span("path").unwrap_or(section.span.clone());
        out.error(
            span,
            "node_exporter would not read this file",
            "its name must end in `.prom`",
        );
        return None;
    }
    Some(file)
}

/// An address: text that is checked now, or a secret that is checked when it is used.
fn url(
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
    match WebUrl::parse(&address_of(&text.value, "plan")) {
        Ok(url) => {
            if name == "ping_url" || std::ptr::eq(table, &raw const keys::PING) {
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
            );
            None
        }
    }
}
