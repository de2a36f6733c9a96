//! Who is told, and how they are reached.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::SecretSource;
use crate::values::event_name::EventNames;

/// The `[notify]` table. Secrets are fetched when something is sent.
#[derive(Clone, Debug)]
pub struct Notify {
    /// How long one try may take, connecting included.
    pub timeout: Duration,
    /// How often it is tried in all.
    pub tries: u32,
    /// The system log; the local one where the file has no table for it.
    pub syslog: Syslog,
    /// The mail server; `None` where nobody is told by e-mail.
    pub email: Option<Email>,
    /// The webhooks, in the order of the file.
    pub webhooks: Vec<Webhook>,
    /// A service that waits for pings.
    pub ping: Option<Ping>,
    /// The file for Prometheus.
    pub metrics: Option<PathBuf>,
}

/// `[notify.syslog]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    pub address: SyslogAddress,
    /// The facility, by its number.
    pub facility: u8,
    /// Trusted instead of the machine's roots.
    pub ca_file: Option<PathBuf>,
    /// What it is told.
    pub events: EventNames,
}

/// Where a system log listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAddress {
    /// A socket of this machine.
    Local(PathBuf),
    /// Datagrams.
    Udp(String, u16),
    /// A stream with octet counting.
    Tcp(String, u16),
    /// The same in TLS.
    Tls(String, u16),
}

/// `[notify.email]`
#[derive(Clone, Debug)]
pub struct Email {
    pub host: String,
    pub port: u16,
    /// How the connection is secured.
    pub security: MailSecurity,
    /// User name and password, if it wants a login.
    pub login: Option<(String, SecretSource)>,
    pub from: String,
    /// Those who receive it, with commas.
    pub to: String,
    /// Whether the page about the plan goes with the mail of its end.
    pub report: bool,
    /// Trusted instead of the machine's roots.
    pub ca_file: Option<PathBuf>,
    /// What they are told.
    pub events: EventNames,
    /// How long nothing new is not told again; zero tells each time.
    pub repeat: Duration,
}

/// How the connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// From the start.
    Tls,
    /// After asking for it; without it nothing is sent.
    StartTls,
    /// Not at all.
    None,
}

/// `[[notify.webhook]]`
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its name, to which plans refer.
    pub name: String,
    pub url: SecretSource,
    pub format: WebhookFormat,
    /// The key of the signature.
    pub secret: Option<SecretSource>,
    /// The value of the header `Authorization`.
    pub authorization: Option<SecretSource>,
    /// Trusted instead of the machine's roots.
    pub ca_file: Option<PathBuf>,
    /// What it is told.
    pub events: EventNames,
    /// How long nothing new is not told again; zero tells each time.
    pub repeat: Duration,
}

/// What a webhook receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookFormat {
    /// The documented event.
    Json,
    /// `{"text": "…"}`, as chats take it.
    Slack,
    /// Plain text with a title in the header, as ntfy takes it.
    Text,
}

/// `[notify.ping]`
#[derive(Clone, Debug)]
pub struct Ping {
    /// The address of a success; `{plan}` in it is the plan. A plan may have its own.
    pub url: Option<SecretSource>,
    /// What follows it when the tasks begin.
    pub start: String,
    /// What follows it when a plan fails or is refused.
    pub fail: String,
    /// Whether an end with warnings is a success.
    pub warnings_are_success: bool,
    /// Trusted instead of the machine's roots.
    pub ca_file: Option<PathBuf>,
}

/// Who is told of one plan. What is chosen here exists in [`Notify`].
#[derive(Clone, Debug)]
pub struct PlanNotify {
    /// The system log.
    pub syslog: bool,
    /// By e-mail.
    pub email: bool,
    /// To these addresses, instead of those of the mail server's table.
    pub email_to: Option<String>,
    /// The webhooks of these names.
    pub webhooks: Vec<String>,
    /// Where it pings, if it does.
    pub ping: Option<SecretSource>,
    /// Of these events, whatever the receivers say.
    pub events: Option<EventNames>,
}
