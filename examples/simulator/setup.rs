//! What a gateway is before anybody speaks to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::content::Content;
use super::fault::Fault;
use super::firmware::Firmware;
use super::import::DryRunSections;
use super::manifest::ManifestForm;
use super::quiesce::{Shown, When};

/// Everything that can be chosen about a simulated gateway. `Setup::default()` is a healthy
/// appliance of firmware 10 in secure-backup mode with the domains `default`, `DOM1` and `DOM2`.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name the device has for itself.
    pub name: String,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Who may log in.
    pub users: Vec<User>,
    /// Application domains. `default` is added in front when it is not among them.
    pub domains: Vec<Domain>,
    /// Version, and the habits that come with it.
    pub firmware: Firmware,
    /// Disaster-recovery mode, chosen when a device is installed.
    pub backup_mode: BackupMode,
    /// `CryptoCertificate` objects of the default domain.
    pub certificates: Vec<CryptoCertificate>,
    /// What `FilesystemStatus` tells.
    pub space: Space,
    /// How long open connections keep a quiesce waiting. The `timeout` of the request cuts it short.
    pub quiesce_time: Duration,
    /// How long an unquiesce takes.
    pub unquiesce_time: Duration,
    /// How long a secure backup goes on after its reply. Zero: it is ready when the reply comes.
    pub secure_backup_time: Duration,
    /// A secure backup is answered when its files are there. Under a clock that is told they are there at once.
    pub secure_backup_blocks: bool,
    /// The form of the manifest of a secure backup.
    pub manifest: ManifestForm,
    /// The encrypted parts of a secure backup: name and size in bytes.
    pub secure_backup_parts: Vec<(String, u64)>,
    /// Size in bytes of `dp-aux/drMgmt.xml`, the largest of the internal files in an export.
    pub internal_file_bytes: u64,
    /// Where it can be asked.
    pub uris: Vec<Uri>,
    /// The words behind the status 200.
    pub reason: String,
    /// Answers have a header `Via`.
    pub via: bool,
    /// The headers of a request are sent back with its answer, its login among them: all but those that
    /// frame a message. Whether real gateways leave those out is not known.
    pub echoes: bool,
    /// Answers go out in chunks instead of with a Content-Length.
    pub chunked: bool,
    /// The connection is closed after some answers, which do not say so.
    pub hang_up: Option<HangUp>,
    /// One connection is served at a time, to its end; others wait for it.
    pub serves_one: bool,
    /// Base64 is broken into lines of 76 characters. Real devices send one line.
    pub wrapped_base64: bool,
    /// Domains of which `DomainStatus` shows these words as their `QuiesceState`, whatever happens to them.
    pub words_shown: Vec<(String, String)>,
    /// Domains of which `DomainStatus` shows these words as their `CurrentCommand`, whatever they do.
    pub busy: Vec<(String, String)>,
    /// `QuiesceState` comes as the data model's display text (`Waiting for services to stop`, and
    /// `Quiesce not in progress` for none) instead of the values that were seen on the wire.
    pub quiesce_texts: bool,
    /// What is shown of a quiesce, and when.
    pub shown: Shown,
    /// The row of `default` shows how the device stands itself. Whether some do is not known.
    pub device_in_default: bool,
    /// Domains that change their state alone: quiesced or not, and when, counted from the start.
    pub turns: Vec<(String, bool, When)>,
    /// What it does its own way from the beginning to the end: as faults, but not taken away by
    /// `Gateway::clear_faults`.
    pub habits: Vec<Fault>,
    /// It imports although it was asked for a dry run.
    pub imports_on_dry_run: bool,
    /// What the reply to a dry run has of the sections that tell what was carried out. Without it nothing
    /// up to 7.x, and empty sections from 10 on: both are guesses.
    pub dry_run_sections: Option<DryRunSections>,
    /// Which certificate the TLS server shows.
    pub identity: Identity,
    /// It speaks TLS 1.2 and nothing newer, as older gateways do.
    pub tls_12_only: bool,
    /// What the gateway takes for the present.
    pub clock: Clock,
}

impl Default for Setup {
    fn default() -> Setup {
        let parts = [("root.tgz", 9_000), ("config.tgz", 40_000), ("cert.tgz", 3_000)];
        let more = [
            ("sharedcert.tgz", 1_500),
            ("local.tgz", 70_000),
            ("password-map.tgz", 600),
        ];
        Setup {
            name: "gateway".to_owned(),
            port: 0,
            users: vec![User::new("backup", "secret")],
            domains: vec![Domain::new("default"), Domain::new("DOM1"), Domain::new("DOM2")],
            firmware: Firmware::v10(),
            backup_mode: BackupMode::Secure,
            certificates: vec![CryptoCertificate::new("backup-cert")],
            space: Space::default(),
            quiesce_time: Duration::ZERO,
            unquiesce_time: Duration::ZERO,
            secure_backup_time: Duration::ZERO,
            secure_backup_blocks: false,
            manifest: ManifestForm::default(),
            secure_backup_parts: parts
                .into_iter()
                .chain(more)
                .map(|(n, b)| (n.to_owned(), b))
                .collect(),
            internal_file_bytes: 64 * 1024,
            uris: vec![Uri::Any, Uri::Soma, Uri::V2004, Uri::Amp],
            reason: "Good".to_owned(),
            via: true,
            echoes: true,
            chunked: true,
            hang_up: None,
            serves_one: false,
            wrapped_base64: false,
            quiesce_texts: false,
            shown: Shown::AtOnce,
            device_in_default: false,
            turns: Vec::new(),
            words_shown: Vec::new(),
            busy: Vec::new(),
            habits: Vec::new(),
            imports_on_dry_run: false,
            dry_run_sections: None,
            identity: Identity::SignedByAuthority,
            tls_12_only: false,
            clock: Clock::Real,
        }
    }
}

impl Setup {
    /// What `DomainStatus` shows as the `QuiesceState` of this domain, whatever happens to it.
    pub fn words_of(&self, domain: &str) -> Option<&str> {
        let shown = self.words_shown.iter().find(|(name, _)| name == domain);
        shown.map(|(_, words)| words.as_str())
    }
}

/// Where a gateway can be asked. Real ones have all of these on, and some for services that are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uri {
    /// Everywhere: `/`, `/service/mgmt/3.0`, …
    Any,
    /// `/service/mgmt/current`
    Soma,
    /// `/service/mgmt/2004`
    V2004,
    /// `/service/mgmt/amp/1.0`, `2.0` and `3.0`
    Amp,
}

/// How a gateway closes a connection that nobody has asked it to close.
#[derive(Clone, Copy, Debug)]
pub struct HangUp {
    /// A connection carries so many answers.
    pub answers: u32,
    /// So long after the end of the last one. What comes meanwhile is not read.
    pub after: Duration,
    /// TLS is ended with `close_notify`; without it TCP alone ends.
    pub close_notify: bool,
}

/// An account.
#[derive(Clone, Debug)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// Operations that role-based management refuses this user, as selectors of a fault name them.
    pub denied: Vec<String>,
    /// Locked after too many failed logins.
    pub locked: bool,
    /// It sees no quiesce, of whatever domain. That a right decides about the one field is a guess.
    pub blind: bool,
    /// Domains that it has no row of in `DomainStatus`. That a right leaves rows out, and does not
    /// refuse the request, is a guess.
    pub unseen: Vec<String>,
}

impl User {
    /// An account that may do everything.
    pub fn new(name: &str, password: &str) -> User {
        User {
            name: name.to_owned(),
            password: password.to_owned(),
            denied: Vec::new(),
            locked: false,
            blind: false,
            unseen: Vec::new(),
        }
    }

    /// Takes the right for one operation (`SecureBackup`, `get-status/DomainStatus`, `do-backup`) away.
    pub fn without(mut self, operation: &str) -> User {
        self.denied.push(operation.to_owned());
        self
    }
}

/// An application domain.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// The running configuration differs from the saved one.
    pub unsaved: bool,
    /// The API Connect gateway service is enabled here.
    pub api_connect: bool,
    /// Quiesced from the start, by somebody else.
    pub quiesced: bool,
    /// Its administrative state is `disabled`: it is never quiesced. What a device answers to a quiesce
    /// of one was not captured; `OK` is a guess.
    pub disabled: bool,
    /// It runs on a configuration of last resort: `FailsafeMode` is `management`. It is quiesced as any
    /// other is, which is a guess.
    pub failsafe: bool,
    /// A quiesce and an unquiesce take so much longer here than elsewhere, whatever their timeout.
    pub slower: Duration,
    /// Services beside the objects that every domain has, by name.
    pub services: Vec<String>,
    /// Files, each under its full name (`local:///app/a.xsl`).
    pub files: Vec<(String, Content)>,
    /// Private keys and certificates (`cert:///a.pem`): listed in exports, never contained.
    pub keys: Vec<String>,
}

impl Domain {
    /// A small domain: one service, two files in `local:`, one private key.
    pub fn new(name: &str) -> Domain {
        let text = |text: String| Content::from(text.into_bytes());
        Domain {
            name: name.to_owned(),
            unsaved: false,
            api_connect: false,
            quiesced: false,
            disabled: false,
            failsafe: false,
            slower: Duration::ZERO,
            services: vec![format!("{name}-service")],
            files: vec![
                (
                    "local:///readme.txt".to_owned(),
                    text(format!("Files of {name}.\n")),
                ),
                (
                    "local:///app/route.xsl".to_owned(),
                    text(format!("<route domain=\"{name}\"/>\n").repeat(40)),
                ),
            ],
            keys: vec![format!("cert:///{name}-key.pem")],
        }
    }

    /// The same, with a running configuration that was not saved.
    pub fn unsaved(mut self) -> Domain {
        self.unsaved = true;
        self
    }

    /// The same, as an API Connect domain.
    pub fn api_connect(mut self) -> Domain {
        self.api_connect = true;
        self
    }

    /// The same, quiesced already.
    pub fn quiesced(mut self) -> Domain {
        self.quiesced = true;
        self
    }

    /// The same, disabled.
    pub fn disabled(mut self) -> Domain {
        self.disabled = true;
        self
    }

    /// The same, in failsafe mode.
    pub fn failsafe(mut self) -> Domain {
        self.failsafe = true;
        self
    }

    /// The same, slower by so much.
    pub fn slower(mut self, by: Duration) -> Domain {
        self.slower = by;
        self
    }

    /// The same, with one more file.
    pub fn file(mut self, name: &str, content: impl Into<Content>) -> Domain {
        self.files.push((name.to_owned(), content.into()));
        self
    }
}

/// Disaster-recovery mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupMode {
    /// Secure backups are allowed.
    Secure,
    /// They are not, and never will be until the device is reinitialised.
    Normal,
}

impl BackupMode {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            BackupMode::Secure => "secure",
            BackupMode::Normal => "normal",
        }
    }
}

/// A `CryptoCertificate` object.
#[derive(Clone, Debug)]
pub struct CryptoCertificate {
    /// Its name.
    pub name: String,
    /// An elliptic-curve certificate: a secure backup refuses it.
    pub ecdsa: bool,
    /// From when on it is good; `None` where the device does not tell.
    pub not_before: Option<Timestamp>,
    /// Until when it is good; `None` where the device does not tell.
    pub not_after: Option<Timestamp>,
    /// Whose it is.
    pub subject: String,
    /// Its serial number, as the device writes it.
    pub serial: String,
    /// The certificate itself, where the device shows it.
    pub der: Option<Vec<u8>>,
}

impl CryptoCertificate {
    /// An RSA certificate, good for a long time.
    pub fn new(name: &str) -> CryptoCertificate {
        CryptoCertificate {
            name: name.to_owned(),
            ecdsa: false,
            subject: format!("CN={name}"),
            serial: "4096".to_owned(),
            not_before: None,
            not_after: "4096-01-01T00:00:00Z".parse().ok(),
            der: None,
        }
    }

    /// The same, which is this certificate.
    pub fn showing(mut self, der: &[u8]) -> CryptoCertificate {
        self.der = Some(der.to_vec());
        self
    }

    /// The same, good until then.
    pub fn until(mut self, not_after: Timestamp) -> CryptoCertificate {
        self.not_after = Some(not_after);
        self
    }
}

/// Space on the device, in megabytes (2^20 bytes).
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Free and total of the encrypted file system: `local:`, `cert:`.
    pub encrypted: (u64, u64),
    /// Free and total of `temporary:`. What lies in `temporary:` is taken off the free space.
    pub temporary: (u64, u64),
    /// Free and total of the internal work area.
    pub internal: (u64, u64),
}

impl Default for Space {
    fn default() -> Space {
        Space {
            encrypted: (3_100, 4_000),
            temporary: (1_900, 2_000),
            internal: (950, 1_000),
        }
    }
}

/// Which certificate the TLS server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Signed by an authority made for this gateway; names `localhost` and `127.0.0.1`.
    SignedByAuthority,
    /// Signed by itself, and good for `localhost` and `127.0.0.1`.
    SelfSigned,
    /// Signed by itself, with a common name and no alternative names, as home-made ones are.
    SelfSignedCommonName,
    /// Signed by itself and marked as an authority, as `openssl req -x509` makes them.
    SelfSignedAuthority,
    /// The same, and expired.
    SelfSignedAuthorityExpired,
    /// Signed by the authority, and expired.
    Expired,
    /// Signed by itself, X.509 version 1, an RSA key of 2048 bits: as gateways of old made them.
    VersionOne,
    /// Signed by itself, an RSA key of 1024 bits. Its signatures are PKCS #1 with SHA-256, which
    /// is right in TLS 1.2; in TLS 1.3 they are zeros.
    ShortKey,
    /// The certificate of `VersionOne`, shown by somebody with another RSA key of 2048 bits.
    StolenVersionOne,
    /// The same, shown by somebody with a key on an elliptic curve.
    StolenByAnotherKind,
    /// The certificate of `ShortKey`, shown by somebody with another RSA key of 1024 bits.
    StolenShortKey,
}

/// What the gateway takes for the present. Quiesces and secure backups move on by it.
#[derive(Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Real,
    /// Whatever the function says, as a test's own clock.
    Told(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl Clock {
    /// A clock that asks `now` each time.
    pub fn told(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock::Told(Arc::new(now))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Real => Timestamp::now(),
            Clock::Told(now) => now(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Clock::Real => "Real",
            Clock::Told(_) => "Told",
        })
    }
}
