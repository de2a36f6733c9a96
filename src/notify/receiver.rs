//! Those who are told of a plan: who they are, what they want, and what they need to be
//! reached.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::notify::notice::Notice;
use crate::notify::rfc5424;
use crate::notify::send::http::{self, WebTarget};
use crate::notify::send::{MailTo, SendError, Sent, syslog};
use crate::plan::model::notify::{Email, Notify, Ping, Syslog, SyslogAddress, Webhook, WebhookFormat};
use crate::plan::model::{Plan, PlanFile};
use crate::secret::{SecretContext, SecretSource};
use crate::values::event_name::{EventName, EventNames};
use crate::values::ping_address::address_of;
use crate::values::web_url::WebUrl;

/// One of those who are told of a plan.
#[derive(Clone, Debug)]
pub struct Receiver<'a> {
    /// What it is called in messages and in history: `webhook chat`.
    pub name: String,
    /// What it is told.
    pub events: EventNames,
    /// How long nothing new is not told again.
    pub repeat: Duration,
    way: Way<'a>,
}

#[derive(Clone, Debug)]
enum Way<'a> {
    Syslog(&'a Syslog),
    Email {
        email: &'a Email,
        to: &'a str,
    },
    Webhook(&'a Webhook),
    Ping {
        url: &'a SecretSource,
        ping: Option<&'a Ping>,
    },
}

/// A receiver with its secrets, ready to be told.
#[derive(Debug)]
pub struct Ready {
    /// Where it is, without what is secret.
    pub shown: String,
    route: Route,
    secrets: Vec<SecretString>,
}

#[derive(Debug)]
enum Route {
    Syslog(Syslog),
    Email {
        email: Box<Email>,
        to: String,
        password: Option<SecretString>,
    },
    Webhook {
        target: WebTarget,
        format: WebhookFormat,
    },
    Ping {
        success: WebTarget,
        start: String,
        fail: String,
        warnings_are_success: bool,
    },
}

/// Those who are told of this plan, in the order of the documentation.
pub fn of_plan<'a>(file: &'a PlanFile, plan: &'a Plan) -> Vec<Receiver<'a>> {
    let (notify, chosen): (&Notify, _) = (&file.notify, &plan.notify);
    let mut receivers = Vec::new();
    let mut add = |name: String, events: &EventNames, repeat, way| {
        let events = chosen.events.as_ref().unwrap_or(events).clone();
        receivers.push(Receiver {
            name,
            events,
            repeat,
            way,
        });
    };
    if chosen.syslog {
        let syslog = &notify.syslog;
        add(
            "syslog".to_owned(),
            &syslog.events,
            Duration::ZERO,
            Way::Syslog(syslog),
        );
    }
    if let Some(email) = notify.email.as_ref().filter(|_| chosen.email) {
        let to = chosen.email_to.as_ref().unwrap_or(&email.to);
        let way = Way::Email { email, to };
        add("email".to_owned(), &email.events, email.repeat, way);
    }
    for webhook in notify
        .webhooks
        .iter()
        .filter(|webhook| chosen.webhooks.contains(&webhook.name))
    {
        add(
            format!("webhook {}", webhook.name),
            &webhook.events,
            webhook.repeat,
            Way::Webhook(webhook),
        );
    }
    if let Some(url) = &chosen.ping {
        // A service of pings must see every run, whatever people want to be told.
        let way = Way::Ping {
            url,
            ping: notify.ping.as_ref(),
        };
        receivers.push(Receiver {
            name: "ping".to_owned(),
            events: EventNames::of_backups(),
            repeat: Duration::ZERO,
            way,
        });
    }
    receivers
}

impl Receiver<'_> {
    /// Whether it has a form for this event at all: a ping has only three.
    pub fn can_say(&self, event: EventName) -> bool {
        match self.way {
            Way::Ping { .. } => {
                !event.is_of_configuration()
                    && !matches!(
                        event,
                        EventName::TaskFailed | EventName::Recovered | EventName::RehearsalFailed
                    )
            }
            Way::Syslog(_) | Way::Email { .. } | Way::Webhook(_) => true,
        }
    }

    /// Whether it is an address that is asked for, and has no place for words.
    pub fn is_ping(&self) -> bool {
        matches!(self.way, Way::Ping { .. })
    }

    /// Whether telling it of this event raises a real alarm, test or not: a ping is an address
    /// and nothing else, and has no place for the word.
    pub fn would_alarm(&self, event: EventName) -> bool {
        self.is_ping() && !matches!(event, EventName::Started | EventName::Succeeded)
    }

    /// Whether both are the same service at the same place.
    pub fn is_same_as(&self, other: &Receiver<'_>) -> bool {
        match (&self.way, &other.way) {
            (Way::Ping { url: one, .. }, Way::Ping { url: two, .. }) => std::ptr::eq(*one, *two),
            _ => self.name == other.name,
        }
    }

    /// Fetches its secrets. `plan` is the one that it is told of.
    pub fn ready(&self, plan: &str, context: &SecretContext<'_>) -> Result<Ready, SendError> {
        let mut secrets = Vec::new();
        let mut fetch = |source: &SecretSource| {
            // Another try would not find it either, and a command has had its time.
            let secret = source
                .resolve(context)
                .map_err(|error| SendError::lasting(error.with_advice()))?;
            secrets.push(secret.clone());
            Ok::<SecretString, SendError>(secret)
        };
        let (shown, route) = match &self.way {
            Way::Syslog(syslog) => (shown_address(&syslog.address), Route::Syslog((*syslog).clone())),
            Way::Email { email, to } => {
                let password = email
                    .login
                    .as_ref()
                    .map(|(_, source)| fetch(source))
                    .transpose()?;
                let shown = format!("{}:{}", email.host, email.port);
                (
                    shown,
                    Route::Email {
                        email: Box::new((*email).clone()),
                        to: (*to).to_owned(),
                        password,
                    },
                )
            }
            Way::Webhook(webhook) => {
                let target = WebTarget {
                    url: url(&fetch(&webhook.url)?, plan)?,
                    authorization: webhook.authorization.as_ref().map(&mut fetch).transpose()?,
                    secret: webhook.secret.as_ref().map(&mut fetch).transpose()?,
                    ca_file: webhook.ca_file.clone(),
                };
                (
                    target.url.to_string(),
                    Route::Webhook {
                        target,
                        format: webhook.format,
                    },
                )
            }
            Way::Ping { url: source, ping } => {
                let success = WebTarget {
                    url: url(&fetch(source)?, plan)?,
                    authorization: None,
                    secret: None,
                    ca_file: ping.and_then(|ping| ping.ca_file.clone()),
                };
                let shown = success.url.to_string();
                let route = Route::Ping {
                    success,
                    start: ping.map_or_else(|| "/start".to_owned(), |ping| ping.start.clone()),
                    fail: ping.map_or_else(|| "/fail".to_owned(), |ping| ping.fail.clone()),
                    warnings_are_success: ping.is_some_and(|ping| ping.warnings_are_success),
                };
                (shown, route)
            }
        };
        Ok(Ready {
            shown,
            route,
            secrets,
        })
    }
}

impl Ready {
    /// Tells it, once: `only` these of its addresses, where others were told before.
    pub fn send(&self, notice: &Notice, only: Option<&[String]>, limit: Duration) -> Sent {
        match &self.route {
            Route::Syslog(log) => syslog::send(
                log,
                &rfc5424::message(notice, log.facility, std::process::id()),
                limit,
            ),
            Route::Email { email, to, password } => {
                let to = MailTo { all: to, only };
                send_mail(email, to, password.as_ref(), notice, limit)
            }
            Route::Webhook { target, format } => http::send(target, &http::webhook(notice, *format), limit),
            Route::Ping {
                success,
                start,
                fail,
                warnings_are_success,
            } => {
                let suffix = match notice.event {
                    EventName::Started => start,
                    EventName::Succeeded => "",
                    EventName::Warned if *warnings_are_success => "",
                    _ => fail,
                };
                // A plan whose end is good may still have left something quiesced behind.
                let suffix = if notice.still_quiesced.is_empty() {
                    suffix
                } else {
                    fail
                };
                let target = WebTarget {
                    url: success.url.with_suffix(suffix),
                    authorization: None,
                    secret: None,
                    ca_file: success.ca_file.clone(),
                };
                http::send(&target, &http::ping(notice), limit)
            }
        }
    }

    /// `text` without any secret, and without what is secret in an address.
    pub fn scrubbed(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            text = text.replace(secret, "***");
            // A receiver may repeat a part of it: the token of an address, or what follows
            // `Bearer`. Short parts give nothing away, and would blacken the message.
            let parts = match WebUrl::parse(secret) {
                Ok(url) => url.path_and_query().to_owned(),
                Err(_) => secret.to_owned(),
            };
            for part in parts
                .split(['/', '?', '&', '=', ' '])
                .filter(|part| part.len() > 5)
            {
                text = text.replace(part, "***");
            }
        }
        text
    }
}

fn url(text: &SecretString, plan: &str) -> Result<WebUrl, SendError> {
    WebUrl::parse(&address_of(text.expose_secret(), plan)).map_err(SendError::lasting)
}

fn shown_address(address: &SyslogAddress) -> String {
    match address {
        SyslogAddress::Local(path) => path.display().to_string(),
        SyslogAddress::Udp(host, port) => format!("udp://{host}:{port}"),
        SyslogAddress::Tcp(host, port) => format!("tcp://{host}:{port}"),
        SyslogAddress::Tls(host, port) => format!("tls://{host}:{port}"),
    }
}

#[cfg(feature = "mail")]
fn send_mail(
    email: &Email,
    to: MailTo<'_>,
    password: Option<&SecretString>,
    notice: &Notice,
    limit: Duration,
) -> Sent {
    crate::notify::send::mail::send(email, to, password, notice, limit)
}

#[cfg(not(feature = "mail"))]
fn send_mail(_: &Email, _: MailTo<'_>, _: Option<&SecretString>, _: &Notice, _: Duration) -> Sent {
    Err(SendError::lasting(
        "this dpbackup was built without the feature `mail`",
    ))
}
