//! Ways in which real gateways differ from each other. Each is one thing, and they combine:
//!
//! ```text
//! Setup::default()
//!     .with(&Personality::Shows(Shown::AfterLooks(3)))
//!     .with(&Personality::habit("quiesce=sentence"))
//!     .with(&Personality::habit("quiesce=late@10s"))
//! ```
//!
//! What no capture shows is a guess, and the type that it is made of says so.

use std::fmt;
use std::time::Duration;

use super::fault::Fault;
use super::import::{DryRunSections, SECTIONS};
use super::manifest::{CHECKSUMS, Checksum, NOTATIONS, Notation, OWN_ROWS, OwnRow, SIZES, SizeElement};
use super::quiesce::{Shown, When};
use super::script::{parse_names, parse_time, parse_when, parse_word, word_for};
use super::setup::{Domain, Setup, Uri};

/// Every personality by its name in a script: the name, the argument it takes, and what it is.
pub const PERSONALITIES: [(&str, &str, &str); 26] = [
    ("default-alone", "", "no domain but default"),
    ("state-never-shown", "", "no status class shows a quiesce"),
    (
        "device-in-default",
        "",
        "the row of default shows how the device stands itself",
    ),
    (
        "state-elsewhere",
        "",
        "DomainStatus never shows a quiesce; DomainSummary and ObjectStatus do",
    ),
    (
        "state-shown-late",
        "@WHEN",
        "a quiesce is shown so many looks, or so long, after it is so",
    ),
    ("state-for-others", "", "the account is shown no quiesce"),
    (
        "rows-for-others",
        "@DOMAIN+DOMAIN",
        "the account has no row of these domains in DomainStatus",
    ),
    ("disabled", "@DOMAIN", "a disabled domain: it is never quiesced"),
    (
        "shows",
        "@DOMAIN:WORDS",
        "DomainStatus shows this QuiesceState of a domain, whatever happens to it",
    ),
    (
        "busy",
        "@DOMAIN:WORDS",
        "DomainStatus shows this CurrentCommand of a domain, whatever it does",
    ),
    ("failsafe", "@DOMAIN", "a domain in failsafe mode"),
    (
        "slower",
        "@DOMAIN:TIME",
        "a domain that quiesces and unquiesces so much slower than others",
    ),
    (
        "turns-quiesced",
        "@DOMAIN:WHEN",
        "a domain that quiesces alone, counted from the start",
    ),
    (
        "turns-normal",
        "@DOMAIN:WHEN",
        "a domain that unquiesces alone, counted from the start",
    ),
    (
        "secure-backup-blocks",
        "",
        "a secure backup is answered when its files are there",
    ),
    ("parts", "@NAME+NAME", "a secure backup has these parts"),
    (
        "manifest-size",
        "@NAME",
        "filesize, size or none: the element with the size of a part",
    ),
    (
        "manifest-itself",
        "@FORM",
        "no, bare or checksum: whether the manifest lists itself",
    ),
    (
        "uris",
        "@NAME+NAME",
        "any, soma, v2004, amp: the addresses that are on",
    ),
    ("reason", "@TEXT", "the words behind the status 200"),
    (
        "content-length",
        "",
        "answers with a Content-Length instead of in chunks",
    ),
    ("no-via", "", "no header Via"),
    ("no-echo", "", "the headers of a request are not sent back"),
    (
        "manifest-checksum",
        "@KIND:NOTATION",
        "sha1, md5, sha256, sha384, sha512, other or none, as hex, upper-hex, base64, prefixed or colons",
    ),
    (
        "imports-on-dry-run",
        "",
        "it imports although it was asked for a dry run",
    ),
    (
        "dry-run-sections",
        "@FORM",
        "absent, empty or filled: what a dry run says of what is carried out",
    ),
];

const URIS: [(Uri, &str); 4] = [
    (Uri::Any, "any"),
    (Uri::Soma, "soma"),
    (Uri::V2004, "v2004"),
    (Uri::Amp, "amp"),
];

/// One way in which a gateway is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Personality {
    /// No domain but `default`.
    DefaultAlone,
    /// What is shown of a quiesce, and when.
    Shows(Shown),
    /// The row of `default` shows how the device stands itself.
    DeviceInDefault,
    /// No account that can log in is shown a quiesce; others would be.
    StateForOthers,
    /// No account that can log in has a row of these domains in `DomainStatus`; others would have.
    RowsForOthers(Vec<String>),
    /// A domain is disabled.
    Disabled(String),
    /// `DomainStatus` shows these words as the `QuiesceState` of a domain, whatever happens to it.
    ShowsWords(String, String),
    /// `DomainStatus` shows these words as the `CurrentCommand` of a domain, whatever it does.
    Busy(String, String),
    /// A domain is in failsafe mode.
    Failsafe(String),
    /// A domain quiesces and unquiesces so much slower than others.
    Slower(String, Duration),
    /// A domain changes its state alone.
    Turns {
        /// Which domain.
        domain: String,
        /// To what.
        quiesced: bool,
        /// When, counted from the start.
        when: When,
    },
    /// A secure backup is answered when its files are there.
    SecureBackupBlocks,
    /// A secure backup has these parts beside its manifest.
    Parts(Vec<String>),
    /// The element of a manifest that has the size of a file.
    ManifestSize(SizeElement),
    /// Whether a manifest lists itself.
    ManifestItself(OwnRow),
    /// The checksums of a manifest.
    ManifestChecksum(Checksum, Notation),
    /// The addresses that are on.
    Uris(Vec<Uri>),
    /// The words behind the status 200.
    Reason(String),
    /// Answers with a Content-Length instead of in chunks.
    ContentLength,
    /// No header `Via`.
    NoVia,
    /// The headers of a request are not sent back.
    NoEcho,
    /// It imports although it was asked for a dry run.
    ImportsOnDryRun,
    /// What a dry run says of what is carried out.
    DryRun(DryRunSections),
    /// Something that it does its own way for as long as it runs: `quiesce=sentence`.
    Habit(Fault),
}

impl Personality {
    /// A habit, written as a fault is.
    ///
    /// # Panics
    ///
    /// When the script cannot be read.
    pub fn habit(script: &str) -> Personality {
        Personality::Habit(Fault::parse(script).expect("a habit"))
    }

    /// Reads `NAME[@ARGUMENT]`, or a habit as `OPERATION[@DOMAIN][:TIMES]=KIND[@ARGUMENT]`.
    pub fn parse(script: &str) -> Result<Personality, String> {
        if script.contains('=') {
            return Fault::parse(script).map(Personality::Habit);
        }
        let (name, argument) = script.split_once('@').unwrap_or((script, ""));
        let known = PERSONALITIES.iter().find(|known| known.0 == name);
        let Some((_, takes, _)) = known else {
            return Err(format!("there is no personality '{name}'"));
        };
        if takes.is_empty() != argument.is_empty() {
            let needs = if takes.is_empty() {
                "takes no argument"
            } else {
                "needs"
            };
            return Err(format!("'{name}' {needs} {takes}").trim_end().to_owned());
        }
        let domain = || argument.to_owned();
        let pair = || {
            let pair = argument.rsplit_once(':');
            pair.ok_or_else(|| format!("'{name}' needs {takes}"))
        };
        Ok(match name {
            "default-alone" => Personality::DefaultAlone,
            "state-never-shown" => Personality::Shows(Shown::Never),
            "device-in-default" => Personality::DeviceInDefault,
            "state-elsewhere" => Personality::Shows(Shown::Elsewhere),
            "state-shown-late" => Personality::Shows(match parse_when(argument)? {
                When::After(time) => Shown::After(time),
                When::Requests(looks) => Shown::AfterLooks(looks),
            }),
            "state-for-others" => Personality::StateForOthers,
            "rows-for-others" => Personality::RowsForOthers(parse_names(argument)),
            "disabled" => Personality::Disabled(domain()),
            "shows" => {
                let (domain, words) = pair()?;
                Personality::ShowsWords(domain.to_owned(), words.to_owned())
            }
            "busy" => {
                let (domain, words) = pair()?;
                Personality::Busy(domain.to_owned(), words.to_owned())
            }
            "failsafe" => Personality::Failsafe(domain()),
            "slower" => {
                let (domain, time) = pair()?;
                Personality::Slower(domain.to_owned(), parse_time(time)?)
            }
            "secure-backup-blocks" => Personality::SecureBackupBlocks,
            "parts" => Personality::Parts(parse_names(argument)),
            "manifest-size" => Personality::ManifestSize(parse_word(&SIZES, argument)?),
            "manifest-itself" => Personality::ManifestItself(parse_word(&OWN_ROWS, argument)?),
            "uris" => {
                let names = argument.split('+');
                Personality::Uris(
                    names
                        .map(|name| parse_word(&URIS, name))
                        .collect::<Result<_, _>>()?,
                )
            }
            "reason" => Personality::Reason(domain()),
            "content-length" => Personality::ContentLength,
            "no-via" => Personality::NoVia,
            "no-echo" => Personality::NoEcho,
            "imports-on-dry-run" => Personality::ImportsOnDryRun,
            "dry-run-sections" => Personality::DryRun(parse_word(&SECTIONS, argument)?),
            "manifest-checksum" => {
                let (kind, notation) = pair()?;
                Personality::ManifestChecksum(
                    parse_word(&CHECKSUMS, kind)?,
                    parse_word(&NOTATIONS, notation)?,
                )
            }
            _ => {
                let (domain, when) = pair()?;
                Personality::Turns {
                    domain: domain.to_owned(),
                    quiesced: name == "turns-quiesced",
                    when: parse_when(when)?,
                }
            }
        })
    }

    /// Gives it to a gateway that is not yet started. A domain that it is about must be there.
    pub fn apply(&self, setup: &mut Setup) -> Result<(), String> {
        match self {
            Personality::DefaultAlone => setup.domains.retain(|domain| domain.name == "default"),
            Personality::Shows(shown) => setup.shown = *shown,
            Personality::DeviceInDefault => setup.device_in_default = true,
            Personality::StateForOthers => setup.users.iter_mut().for_each(|user| user.blind = true),
            Personality::RowsForOthers(domains) => {
                for name in domains {
                    domain_of(setup, name)?;
                }
                for user in &mut setup.users {
                    user.unseen.extend(domains.iter().cloned());
                }
            }
            Personality::Disabled(name) => domain_of(setup, name)?.disabled = true,
            Personality::ShowsWords(name, words) => setup.words_shown.push((name.clone(), words.clone())),
            Personality::Busy(name, words) => setup.busy.push((name.clone(), words.clone())),
            Personality::Failsafe(name) => domain_of(setup, name)?.failsafe = true,
            Personality::Slower(name, by) => domain_of(setup, name)?.slower = *by,
            Personality::Turns {
                domain,
                quiesced,
                when,
            } => {
                domain_of(setup, domain)?;
                setup.turns.push((domain.clone(), *quiesced, *when));
            }
            Personality::SecureBackupBlocks => setup.secure_backup_blocks = true,
            Personality::Parts(names) => {
                let sizes = (1..).map(|place| place * 700);
                setup.secure_backup_parts = names.iter().cloned().zip(sizes).collect();
            }
            Personality::ManifestSize(size) => setup.manifest.size = *size,
            Personality::ManifestItself(itself) => setup.manifest.itself = *itself,
            Personality::ManifestChecksum(checksum, notation) => {
                setup.manifest.checksum = *checksum;
                setup.manifest.notation = *notation;
            }
            Personality::Uris(uris) => setup.uris.clone_from(uris),
            Personality::Reason(reason) => setup.reason.clone_from(reason),
            Personality::ContentLength => setup.chunked = false,
            Personality::NoVia => setup.via = false,
            Personality::NoEcho => setup.echoes = false,
            Personality::ImportsOnDryRun => setup.imports_on_dry_run = true,
            Personality::DryRun(sections) => setup.dry_run_sections = Some(*sections),
            Personality::Habit(fault) => setup.habits.push(fault.clone()),
        }
        Ok(())
    }

    /// One of each, in the order of [`PERSONALITIES`].
    pub fn samples() -> Vec<Personality> {
        let domain = || "DOM1".to_owned();
        let turns = |quiesced, when| Personality::Turns {
            domain: domain(),
            quiesced,
            when,
        };
        vec![
            Personality::DefaultAlone,
            Personality::Shows(Shown::Never),
            Personality::DeviceInDefault,
            Personality::Shows(Shown::Elsewhere),
            Personality::Shows(Shown::AfterLooks(3)),
            Personality::StateForOthers,
            Personality::RowsForOthers(vec![domain()]),
            Personality::Disabled(domain()),
            Personality::ShowsWords(domain(), "Unknown quiesce state".to_owned()),
            Personality::Busy(domain(), "import-execute".to_owned()),
            Personality::Failsafe(domain()),
            Personality::Slower(domain(), Duration::from_secs(10)),
            turns(true, When::Requests(9)),
            turns(false, When::After(Duration::from_secs(20))),
            Personality::SecureBackupBlocks,
            Personality::Parts(
                ["root.tgz", "store.tgz", "mq-users.tgz"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            Personality::ManifestSize(SizeElement::Size),
            Personality::ManifestItself(OwnRow::WithChecksum),
            Personality::Uris(vec![Uri::Soma, Uri::Amp]),
            Personality::Reason("OK".to_owned()),
            Personality::ContentLength,
            Personality::NoVia,
            Personality::NoEcho,
            Personality::ManifestChecksum(Checksum::Sha256, Notation::Base64),
            Personality::ImportsOnDryRun,
            Personality::DryRun(DryRunSections::Filled),
        ]
    }
}

fn domain_of<'s>(setup: &'s mut Setup, name: &str) -> Result<&'s mut Domain, String> {
    let mut domains = setup.domains.iter_mut();
    domains
        .find(|domain| domain.name == name)
        .ok_or_else(|| format!("there is no domain '{name}' that could be so"))
}

impl Setup {
    /// The same gateway with one more personality.
    ///
    /// # Panics
    ///
    /// When it is about a domain that is not there.
    #[must_use]
    pub fn with(mut self, personality: &Personality) -> Setup {
        personality.apply(&mut self).expect("a personality that fits");
        self
    }

    /// The same gateway with personalities written as `examples/gateway` takes them.
    ///
    /// # Panics
    ///
    /// When one cannot be read, or does not fit.
    #[must_use]
    pub fn being(self, scripts: &[&str]) -> Setup {
        let read = |script: &&str| Personality::parse(script).expect("a personality");
        scripts
            .iter()
            .map(read)
            .fold(self, |setup, personality| setup.with(&personality))
    }
}

impl std::str::FromStr for Personality {
    type Err = String;

    fn from_str(script: &str) -> Result<Personality, String> {
        Personality::parse(script)
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Personality::DefaultAlone => f.write_str("default-alone"),
            Personality::Shows(Shown::AtOnce) => f.write_str("state-shown-late@0"),
            Personality::Shows(Shown::Never) => f.write_str("state-never-shown"),
            Personality::Shows(Shown::Elsewhere) => f.write_str("state-elsewhere"),
            Personality::Shows(Shown::AfterLooks(looks)) => write!(f, "state-shown-late@{looks}"),
            Personality::Shows(Shown::After(time)) => {
                write!(f, "state-shown-late@{}ms", time.as_millis())
            }
            Personality::DeviceInDefault => f.write_str("device-in-default"),
            Personality::StateForOthers => f.write_str("state-for-others"),
            Personality::RowsForOthers(domains) => write!(f, "rows-for-others@{}", domains.join("+")),
            Personality::Disabled(domain) => write!(f, "disabled@{domain}"),
            Personality::ShowsWords(domain, words) => write!(f, "shows@{domain}:{words}"),
            Personality::Busy(domain, words) => write!(f, "busy@{domain}:{words}"),
            Personality::Failsafe(domain) => write!(f, "failsafe@{domain}"),
            Personality::Slower(domain, by) => write!(f, "slower@{domain}:{}ms", by.as_millis()),
            Personality::Turns {
                domain,
                quiesced,
                when,
            } => {
                let to = if *quiesced { "quiesced" } else { "normal" };
                write!(f, "turns-{to}@{domain}:{when}")
            }
            Personality::SecureBackupBlocks => f.write_str("secure-backup-blocks"),
            Personality::Parts(names) => write!(f, "parts@{}", names.join("+")),
            Personality::ManifestSize(size) => write!(f, "manifest-size@{}", word_for(&SIZES, size)),
            Personality::ManifestItself(itself) => {
                write!(f, "manifest-itself@{}", word_for(&OWN_ROWS, itself))
            }
            Personality::ManifestChecksum(checksum, notation) => write!(
                f,
                "manifest-checksum@{}:{}",
                word_for(&CHECKSUMS, checksum),
                word_for(&NOTATIONS, notation)
            ),
            Personality::Uris(uris) => {
                let names: Vec<&str> = uris.iter().map(|uri| word_for(&URIS, uri)).collect();
                write!(f, "uris@{}", names.join("+"))
            }
            Personality::Reason(reason) => write!(f, "reason@{reason}"),
            Personality::ContentLength => f.write_str("content-length"),
            Personality::NoVia => f.write_str("no-via"),
            Personality::NoEcho => f.write_str("no-echo"),
            Personality::ImportsOnDryRun => f.write_str("imports-on-dry-run"),
            Personality::DryRun(sections) => write!(f, "dry-run-sections@{}", word_for(&SECTIONS, sections)),
            Personality::Habit(fault) => write!(f, "{fault}"),
        }
    }
}
