//! The devices of a run: each is contacted once, and its connection kept.
//!
//! Those of a plan are asked at the same time, for whoever is silent costs as long as a limit
//! lasts. Nothing but reading happens there; no lock is held, and nothing is written down.
//! What came of it is decided upon in one thread, in the order of the plan file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use secrecy::ExposeSecret as _;

use crate::gateway::Gateway;
use crate::gateway::domains::{ApiConnect, DomainStatus};
use crate::gateway::facts::Firmware;
use crate::plan::model::{Account, Device, Trust};
use crate::run::Engine;
use crate::run::event::{DeviceFacts, Progress};
use crate::run::failure::{Failure, words};
use crate::run::status::Status;
use crate::secret::{SecretContext, SecretSource};
use crate::soma::client::{Client, Endpoint};
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::threads::{self, Step};
use crate::values::pattern::PatternList;

/// So many devices are asked at the same time.
const AT_ONCE: usize = 64;

/// A device that answered.
#[derive(Debug)]
pub struct Session<'a> {
    /// The device.
    pub device: &'a Device,
    /// The way to it.
    pub gateway: Gateway<'a>,
    /// Its domains when it was contacted.
    pub domains: Vec<DomainStatus>,
    /// What its domains say about API Connect, as far as they were asked.
    api_connect: BTreeMap<String, Result<ApiConnect, SomaError>>,
    /// Why the others are not asked any more.
    done_asking: Option<DoneAsking>,
    facts: Option<DeviceFacts>,
}

/// Why the domains of a device are not asked for API Connect any more.
#[derive(Debug)]
enum DoneAsking {
    /// The firmware does not know the class: none of its domains is one.
    UnknownClass,
    /// The question about this domain got no answer: the next would wait as long, or be refused
    /// like it.
    NoAnswerAbout(String),
}

/// What is known of a domain and API Connect.
#[derive(Debug)]
pub enum KnownOfDomain<'s> {
    /// What the device said.
    Said(&'s ApiConnect),
    /// The device was asked, and this came of it.
    NoAnswer(&'s SomaError),
    /// It was not asked, for this reason.
    NotAsked(String),
}

/// How a device met us.
#[derive(Debug)]
pub enum Contact<'a> {
    /// It answered as it should.
    Up(Box<Session<'a>>),
    /// It is not available (no connection, or no answer in time): its tasks are skipped.
    Down(String),
    /// It answered, but not as it should: its tasks fail.
    Bad(Failure),
}

/// A device of a plan, and the patterns of those of its domains that are wanted.
#[derive(Debug)]
pub struct WantedDevice<'a> {
    /// The device.
    pub device: &'a Device,
    /// The patterns of all activities that concern it.
    pub domains: Vec<&'a PatternList>,
}

/// A device that is asked, and how it met us when it was met before.
struct Question<'a> {
    wanted: WantedDevice<'a>,
    known: Mutex<Option<Contact<'a>>>,
}

/// All contacts of a run.
pub struct Devices<'a> {
    engine: Engine<'a>,
    contacts: BTreeMap<&'a str, Contact<'a>>,
}

impl<'a> Devices<'a> {
    /// Nobody has been contacted yet.
    pub fn new(engine: Engine<'a>) -> Self {
        Self {
            engine,
            contacts: BTreeMap::new(),
        }
    }

    /// The contact with a device, made now if there was none.
    pub fn contact(&mut self, device: &'a Device) -> &mut Contact<'a> {
        let engine = self.engine;
        self.contacts
            .entry(&device.name)
            .or_insert_with(|| meet(engine, device))
    }

    /// Asks devices whatever is not known of them yet, up to 64 at the same time, and shows
    /// whom one waits for. What another plan of the same command has found out is not asked
    /// again, not even of a device that was not available. The wish to stop ends it: then some
    /// were not asked.
    pub fn ask(&mut self, wanted: Vec<WantedDevice<'a>>, show: &mut dyn FnMut(&Progress)) {
        let mut questions = Vec::new();
        for wanted in wanted {
            let name = wanted.device.name.as_str();
            match self.contacts.remove(name) {
                Some(known) if !known.leaves_open(&wanted.domains) => {
                    self.contacts.insert(name, known);
                }
                known => questions.push(Question {
                    wanted,
                    known: Mutex::new(known),
                }),
            }
        }
        let engine = self.engine;
        let answer = |number: usize| questions.get(number).and_then(|question| question.ask(engine));
        let names = questions
            .iter()
            .map(|question| question.wanted.device.name.as_str());
        let names: Vec<&str> = names.collect();
        side_by_side(&names, &answer, show, &mut |number, contact| {
            if let (Some(question), Some(contact)) = (questions.get(number), contact) {
                self.contacts.insert(&question.wanted.device.name, contact);
            }
        });
    }

    /// From now on the device counts as one that refuses our login.
    pub fn refuses_login(&mut self, device: &'a Device, failure: Failure) {
        self.contacts.insert(&device.name, Contact::Bad(failure));
    }
}

impl<'a> Question<'a> {
    /// Asks, unless somebody wants to stop.
    fn ask(&self, engine: Engine<'a>) -> Option<Contact<'a>> {
        if engine.stop.is_requested() {
            return None;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut contact = known.unwrap_or_else(|| meet(engine, self.wanted.device));
        if let Contact::Up(session) = &mut contact {
            session.ask_for_api_connect(&self.wanted.domains);
        }
        Some(contact)
    }
}

/// Does `work` for the devices with these names, many at the same time, shows whom one waits
/// for, and hands out what comes of it as it comes.
pub(super) fn side_by_side<R: Send>(
    names: &[&str],
    work: &(dyn Fn(usize) -> R + Sync),
    show: &mut dyn FnMut(&Progress),
    take: &mut dyn FnMut(usize, R),
) {
    let (mut answered, mut asked) = (0, BTreeSet::new());
    threads::side_by_side("asking", AT_ONCE, names.len(), work, &mut |step| {
        match step {
            Step::Begun(number) => {
                asked.insert(number);
            }
            Step::Ended(number, result) => {
                asked.remove(&number);
                answered += 1;
                take(number, result);
            }
        }
        let waiting_for: Vec<&str> = asked
            .iter()
            .filter_map(|number| names.get(*number).copied())
            .collect();
        // When the last one has answered there is nobody to be named, and nothing to wait for.
        if !waiting_for.is_empty() {
            show(&Progress::Asking {
                waiting_for: some_by_name(waiting_for),
                asked: answered,
                of: names.len(),
            });
        }
    });
    show(&Progress::AskingEnded);
}

/// The first of these names, and how many more there are.
fn some_by_name(mut names: Vec<&str>) -> String {
    const NAMED: usize = 3;
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

impl Contact<'_> {
    /// Whether something of these domains was not asked yet.
    fn leaves_open(&self, domains: &[&PatternList]) -> bool {
        match self {
            Contact::Up(session) => !session.not_asked(domains).is_empty(),
            Contact::Down(_) | Contact::Bad(_) => false,
        }
    }
}

impl Session<'_> {
    /// The domains that these patterns match and that were not asked for API Connect yet, by
    /// name; none where there is no use in asking.
    fn not_asked(&self, domains: &[&PatternList]) -> BTreeSet<String> {
        if self.done_asking.is_some() {
            return BTreeSet::new();
        }
        let names = self.domains.iter().map(|domain| &domain.name);
        names
            .filter(|name| !self.api_connect.contains_key(*name))
            .filter(|name| domains.iter().any(|pattern| pattern.matches(name)))
            .cloned()
            .collect()
    }

    /// Asks every domain that these patterns match whether it belongs to API Connect, once.
    pub fn ask_for_api_connect(&mut self, domains: &[&PatternList]) {
        for name in self.not_asked(domains) {
            let answer = self.gateway.is_api_connect(&name);
            match &answer {
                Ok(ApiConnect::UnknownClass) => self.done_asking = Some(DoneAsking::UnknownClass),
                Err(error) if !may_be_one_domains(error.kind) => {
                    self.done_asking = Some(DoneAsking::NoAnswerAbout(name.clone()));
                }
                Ok(_) | Err(_) => {}
            }
            self.api_connect.insert(name, answer);
            if self.done_asking.is_some() {
                break;
            }
        }
    }

    /// What is known of a domain that was matched.
    pub fn api_connect(&self, domain: &str) -> KnownOfDomain<'_> {
        match (self.api_connect.get(domain), &self.done_asking) {
            (Some(Ok(said)), _) => KnownOfDomain::Said(said),
            (Some(Err(error)), _) => KnownOfDomain::NoAnswer(error),
            (None, Some(DoneAsking::UnknownClass)) => KnownOfDomain::Said(&ApiConnect::UnknownClass),
            (None, Some(DoneAsking::NoAnswerAbout(other))) => {
                KnownOfDomain::NotAsked(format!("the same question about {other} got no answer"))
            }
            (None, None) => KnownOfDomain::NotAsked("nobody asked".to_owned()),
        }
    }

    /// What the device says about itself, asked once.
    pub fn facts(&mut self) -> Result<&DeviceFacts, Failure> {
        if self.facts.is_none() {
            let firmware = self
                .gateway
                .firmware()
                .map_err(|error| Failure::of_exchange(Status::DeviceError, &self.device.name, &error))?;
            self.facts = Some(facts(firmware, &self.device.tls));
        }
        Ok(self.facts.get_or_insert_default())
    }
}

/// Whether a question that failed so may be answered about another domain of the device.
fn may_be_one_domains(kind: SomaErrorKind) -> bool {
    !matches!(
        kind,
        SomaErrorKind::TimedOut
            | SomaErrorKind::Unreachable
            | SomaErrorKind::LoginRefused
            | SomaErrorKind::Interrupted
    )
}

fn facts(firmware: Firmware, trust: &Trust) -> DeviceFacts {
    DeviceFacts {
        firmware_version: firmware.version,
        build: firmware.build,
        build_date: firmware.build_date,
        serial: firmware.serial,
        machine_type: firmware.machine_type,
        model_type: firmware.model_type,
        tls_trust: Some(trust.to_string()),
    }
}

/// A client for a device, with its password.
pub fn client(engine: Engine<'_>, device: &Device) -> Result<Client, Failure> {
    let context = SecretContext {
        folder: engine.plan_folder(),
        environment: engine.environment,
        variables: &|| engine.file.secret_variables(),
    };
    let resolve = |source: &SecretSource, what: &str| {
        source.resolve(&context).map_err(|error| {
            Failure::new(
                Status::DeviceError,
                format!("{}: no {what}: {}", device.name, error.with_advice()),
            )
        })
    };
    let username = match &device.username {
        Account::Named(name) => name.clone(),
        Account::From(source) => resolve(source, "user name")?.expose_secret().to_owned(),
    };
    if username.contains(':') {
        return Err(Failure::new(
            Status::DeviceError,
            format!(
                "{}: the {} holds a colon, at which the login would be cut",
                device.name,
                device.username.describe()
            ),
        ));
    }
    let password = resolve(&device.password, "password")?;
    Client::new(Endpoint {
        host: device.host.clone(),
        port: device.port,
        username,
        password,
        trust: device.tls.clone(),
        timeouts: device.timeouts,
        trust_command: engine.file.invocation.command(["trust", &device.name]),
    })
    .map_err(|error| Failure::of_exchange(Status::DeviceError, &device.name, &error))
}

/// A device with a connection to come.
pub fn gateway<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    let client = client(engine, device)?;
    Ok(Gateway::new(
        client,
        engine.clock,
        engine.stop.clone(),
        engine.file.settings.retries,
    ))
}

/// The same, deaf to the wish to stop: for what must be undone.
pub(super) fn shielded<'a>(engine: Engine<'a>, device: &Device) -> Result<Gateway<'a>, Failure> {
    gateway(engine, device)?
        .shielded()
        .map_err(|error| Failure::new(Status::DeviceError, words(&error)))
}

fn meet<'a>(engine: Engine<'a>, device: &'a Device) -> Contact<'a> {
    let gateway = match gateway(engine, device) {
        Ok(gateway) => gateway,
        Err(failure) => return Contact::Bad(failure),
    };
    match gateway.first_domains() {
        Ok(domains) => Contact::Up(Box::new(Session {
            device,
            gateway,
            domains,
            api_connect: BTreeMap::new(),
            done_asking: None,
            facts: None,
        })),
        Err(error) if matches!(error.kind, SomaErrorKind::Unreachable | SomaErrorKind::TimedOut) => {
            Contact::Down(format!(
                "{} ({}:{}): {}",
                device.name,
                device.host,
                device.port,
                words(&error)
            ))
        }
        Err(error) => Contact::Bad(Failure::of_exchange(Status::DeviceError, &device.name, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, side_by_side};

    #[test]
    fn whoever_is_waited_for_is_named_and_nobody_when_all_have_answered() {
        let mut shown = Vec::new();
        let mut show = |progress: &Progress| {
            if let Progress::Asking { waiting_for, .. } = progress {
                shown.push(waiting_for.clone());
            }
        };
        side_by_side(&["QA1", "QA2"], &|number| number, &mut show, &mut |_, _| {});
        assert!(
            !shown.is_empty() && shown.iter().all(|names| names.contains("QA")),
            "{shown:?}"
        );
    }
}
