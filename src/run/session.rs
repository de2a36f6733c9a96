//! A device that was contacted: how it met us, and what it has said since.

use std::collections::{BTreeMap, BTreeSet};

use crate::gateway::Gateway;
use crate::gateway::domains::{ApiConnect, DomainStatus};
use crate::gateway::facts::{Firmware, tells_apart};
use crate::plan::model::{Device, Trust};
use crate::run::Engine;
use crate::run::client::gateway;
use crate::run::event::DeviceFacts;
use crate::run::failure::{Failure, words};
use crate::run::status::Status;
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::values::pattern::{PatternList, could_be_pattern};

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

/// A device that answered.
#[derive(Debug)]
pub struct Session<'a> {
    pub device: &'a Device,
    /// The way to it.
    pub gateway: Gateway<'a>,
    /// Its domains when it was contacted.
    pub domains: Vec<DomainStatus>,
    /// What its domains say about API Connect, as far as they were asked.
    api_connect: BTreeMap<String, Result<ApiConnect, SomaError>>,
    /// Domains of which the device did not answer that, though it answers other questions.
    unanswered: BTreeSet<String>,
    /// Why the others are not asked any more.
    done_asking: Option<DoneAsking>,
    /// Domains that are configured and enabled, and that the device does not list to the account, or why that is not known;
    /// `None` as long as it was not asked.
    pub(super) unlisted: Option<Result<BTreeSet<String>, String>>,
    facts: Option<KnownFacts>,
    /// Why they could not be asked for, where nobody was told that yet.
    no_facts: Option<Failure>,
}

/// What is known of what a device says about itself.
#[derive(Clone, Debug)]
pub enum KnownFacts {
    /// It has answered; what is not there it does not tell.
    Told(DeviceFacts),
    /// The question got no answer, though others do.
    NotKnown {
        /// Why not.
        why: Failure,
        /// What is known all the same: how it is trusted.
        besides: DeviceFacts,
    },
}

/// Why the domains of a device are not asked for API Connect any more.
#[derive(Debug)]
enum DoneAsking {
    /// The firmware does not know the class: none of its domains is one.
    UnknownClass,
    /// The question about this domain got no answer, and the device gives none to another: the next would wait as
    /// long, or be refused like it.
    NoAnswerAbout(String),
    /// The question about this domain was the second that got no answer, though the device answers others.
    NeverTells(String),
}

/// What is known of a domain and API Connect.
#[derive(Debug)]
pub enum KnownOfDomain<'s> {
    /// What the device said.
    Said(&'s ApiConnect),
    /// The device was asked, and this came of it.
    NoAnswer(&'s SomaError),
    /// It was not asked, for this reason, and answers nothing else either.
    NotAsked(String),
    /// Whether it is one is not known, for this reason; the device answers other questions.
    NotKnown(String),
}

impl Contact<'_> {
    /// Whether something of these domains was not asked yet.
    pub(super) fn leaves_open(&self, domains: &[&PatternList]) -> bool {
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
                    let answers =
                        error.kind == SomaErrorKind::TimedOut && self.gateway.domains_once().is_ok();
                    self.done_asking = match (answers, self.unanswered.is_empty()) {
                        (false, _) => Some(DoneAsking::NoAnswerAbout(name.clone())),
                        (true, true) => None,
                        (true, false) => Some(DoneAsking::NeverTells(name.clone())),
                    };
                    if answers {
                        self.unanswered.insert(name.clone());
                    }
                }
                Ok(_) | Err(_) => {}
            }
            self.api_connect.insert(name, answer);
            if self.done_asking.is_some() {
                break;
            }
        }
    }

    /// Asks for the domains that the device has and does not list, once, where a pattern could match one of them.
    pub fn ask_for_unlisted(&mut self, domains: &[&PatternList]) {
        let is_pattern = |list: &&PatternList| list.included().any(|pattern| could_be_pattern(&pattern));
        let is_silent = matches!(self.done_asking, Some(DoneAsking::NoAnswerAbout(_)));
        if self.unlisted.is_none() && !is_silent && domains.iter().any(is_pattern) {
            let unlisted = self.gateway.unlisted(&self.domains);
            self.unlisted = Some(unlisted.map_err(|error| words(&error)));
        }
    }

    /// What is known of a domain that was matched.
    pub fn api_connect(&self, domain: &str) -> KnownOfDomain<'_> {
        match (self.api_connect.get(domain), &self.done_asking) {
            (Some(Ok(said)), _) => KnownOfDomain::Said(said),
            (Some(Err(error)), _) if self.unanswered.contains(domain) || is_passing_trouble(error.kind) => {
                KnownOfDomain::NotKnown(words(error))
            }
            (Some(Err(error)), _) => KnownOfDomain::NoAnswer(error),
            (None, Some(DoneAsking::NeverTells(other))) => KnownOfDomain::NotKnown(format!(
                "not asked, for the same question about {other} got no answer"
            )),
            (None, Some(DoneAsking::UnknownClass)) => KnownOfDomain::Said(&ApiConnect::UnknownClass),
            (None, Some(DoneAsking::NoAnswerAbout(other))) => {
                KnownOfDomain::NotAsked(format!("the same question about {other} got no answer"))
            }
            (None, None) => KnownOfDomain::NotAsked("nobody asked".to_owned()),
        }
    }

    /// What the device says about itself, asked once. A question that got no answer is no answer.
    pub fn facts(&mut self) -> Result<&DeviceFacts, Failure> {
        match self.known_facts()? {
            KnownFacts::Told(facts) => Ok(facts),
            KnownFacts::NotKnown { why, .. } => Err(why.clone()),
        }
    }

    /// The same for a backup, which is made of a device that says nothing about itself, too.
    pub fn known_facts(&mut self) -> Result<&KnownFacts, Failure> {
        if let Some(failure) = self.no_facts.take() {
            return Err(failure);
        }
        let known = match self.facts.take() {
            Some(known) => known,
            None => self.ask_for_facts()?,
        };
        Ok(self.facts.insert(known))
    }

    fn ask_for_facts(&self) -> Result<KnownFacts, Failure> {
        let trust = &self.device.tls;
        self.gateway.firmware().map_or_else(
            |error| {
                let why = Failure::of_exchange(Status::DeviceError, &self.device.name, &error);
                match is_of_this_question(error.kind) {
                    true => Ok(KnownFacts::NotKnown {
                        why,
                        besides: facts(Firmware::default(), trust),
                    }),
                    false => Err(why),
                }
            },
            |firmware| Ok(KnownFacts::Told(facts(firmware, trust))),
        )
    }

    /// The serial number; `None` where the device tells none, or gave no answer.
    pub fn serial(&mut self) -> Result<Option<String>, Failure> {
        Ok(self.known_facts()?.as_far_as_known().serial.clone())
    }

    /// The serial number, where it is one of this device alone. That it cannot be asked for is told by whoever
    /// asks for the facts next: a login that is refused is tried once.
    pub fn own_serial(&mut self) -> Option<String> {
        match self.serial() {
            Ok(serial) => serial.filter(|serial| tells_apart(serial)),
            Err(failure) => {
                self.no_facts = Some(failure);
                None
            }
        }
    }
}

impl KnownFacts {
    /// Those that are known without an answer, too.
    pub fn as_far_as_known(&self) -> &DeviceFacts {
        match self {
            KnownFacts::Told(facts) | KnownFacts::NotKnown { besides: facts, .. } => facts,
        }
    }
}

/// Whether a question about the device that failed so leaves others to be asked.
fn is_of_this_question(kind: SomaErrorKind) -> bool {
    match kind {
        SomaErrorKind::TimedOut
        | SomaErrorKind::Broken
        | SomaErrorKind::Malformed
        | SomaErrorKind::Unavailable
        | SomaErrorKind::NotManagement
        | SomaErrorKind::Authentication
        | SomaErrorKind::NotAllowed
        | SomaErrorKind::Refused
        | SomaErrorKind::Fault
        | SomaErrorKind::OtherFault => true,
        SomaErrorKind::LoginRefused
        | SomaErrorKind::Interrupted
        | SomaErrorKind::Unreachable
        | SomaErrorKind::Tls
        | SomaErrorKind::OtherDevice
        | SomaErrorKind::Local(_) => false,
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

/// Whether it is the answer to this one question that could not be had, of a device that answers.
fn is_passing_trouble(kind: SomaErrorKind) -> bool {
    matches!(
        kind,
        SomaErrorKind::Broken
            | SomaErrorKind::Malformed
            | SomaErrorKind::Unavailable
            | SomaErrorKind::NotManagement
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

/// Whether nobody answered at all.
pub(super) fn is_no_answer(error: &SomaError) -> bool {
    matches!(error.kind, SomaErrorKind::Unreachable | SomaErrorKind::TimedOut)
}

/// Asks a device for its domains, which shows how it meets us.
pub(super) fn meet<'a>(engine: Engine<'a>, device: &'a Device) -> Contact<'a> {
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
            unanswered: BTreeSet::new(),
            unlisted: None,
            done_asking: None,
            facts: None,
            no_facts: None,
        })),
        Err(error) if is_no_answer(&error) => Contact::Down(format!(
            "{} ({}): {}",
            device.name,
            device.address(),
            words(&error)
        )),
        Err(error) => Contact::Bad(Failure::of_exchange(Status::DeviceError, &device.name, &error)),
    }
}
