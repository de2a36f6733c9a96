//! The `[notify]` table, and the keys of plans that refer to it.

mod email;
mod pings;
mod shared;
mod syslog;
mod web;

use std::ops::Range;
use std::path::PathBuf;

pub(super) use pings::find_shared_pings;

use crate::plan::check::context::{Context, OpenTable};
use crate::plan::check::names::find_duplicates;
use crate::plan::check::notify::shared::events;
use crate::plan::check::notify::syslog::syslog;
use crate::plan::check::notify::web::{ping, url, webhook};
use crate::plan::check::settings::path;
use crate::plan::diagnostic::Findings;
use crate::plan::keys::tables;
use crate::plan::model::Plan;
use crate::plan::model::notify::{Notify, PlanNotify};
use crate::plan::section::PlanSection;
use crate::plan::value::{At, did_you_mean};
use crate::secret::SecretSource;
use crate::values::nearest::nearest;

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

/// Reads the table. `included` are the webhooks of other files.
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
    let named = names
        .iter()
        .map(|name| (WrittenReceiver::Webhook(name.value.clone()), name.span.clone()));
    let written = tables.chain(named).collect();
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

fn metrics(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<PathBuf> {
    let file = path(section, "path", context, out)?;
    if file.extension().is_none_or(|end| end != "prom") {
        let span = section.key_span("path").unwrap_or(section.span.clone());
        out.error(
            span,
            "node_exporter would not read this file",
            "its name must end in `.prom`",
        )
        .help(format!(
            "write `path = {:?}`",
            file.with_extension("prom").display().to_string()
        ));
        return None;
    }
    Some(file)
}
