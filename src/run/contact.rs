//! The devices of a run: each is contacted once, and its connection kept.
//!
//! Those of a plan are asked at the same time, for whoever is silent costs as long as a limit
//! lasts. Nothing but reading happens there; no lock is held, and nothing is written down.
//! What came of it is decided upon in one thread, in the order of the plan file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::gateway::domains::DomainStatus;
use crate::plan::model::Device;
use crate::run::Engine;
use crate::run::event::Progress;
use crate::run::failure::Failure;
use crate::run::same_device::FirstBySerial;
use crate::run::session::{Contact, is_no_answer, meet};
use crate::threads::{self, Step};
use crate::values::first_few::first_few;
use crate::values::pattern::PatternList;

/// So many devices are asked at the same time.
const AT_ONCE: usize = 64;

/// So many of those that one waits for are named.
const NAMED: usize = 3;

/// A device of a plan, and the patterns of those of its domains that are wanted.
#[derive(Debug)]
pub struct WantedDevice<'a> {
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
    serials: FirstBySerial<'a>,
}

impl<'a> Devices<'a> {
    /// Nobody has been contacted yet.
    pub fn new(engine: Engine<'a>) -> Self {
        Self {
            engine,
            contacts: BTreeMap::new(),
            serials: FirstBySerial::default(),
        }
    }

    /// What it means that a device tells this serial number, where another one did before.
    pub fn one_gateway(&mut self, device: &'a Device, serial: &str) -> Option<String> {
        self.serials.one_gateway(device, serial, None)
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

    /// Asks a device that has met us, once, whether it still answers: one that has died meanwhile is waited for by one
    /// task, and not by each of its others. Gives what it has shown.
    pub fn ask_again(&mut self, device: &'a Device) -> Option<Vec<DomainStatus>> {
        let Contact::Up(session) = self.contact(device) else {
            return None;
        };
        match session.gateway.domains_once() {
            Ok(domains) => Some(domains),
            Err(error) if is_no_answer(&error) => {
                let (name, address) = (&device.name, device.address());
                let why = format!("{name} ({address}) does not answer any more: {}", error.message);
                self.contacts.insert(&device.name, Contact::Down(why));
                None
            }
            Err(_told_by_the_task) => None,
        }
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
            session.ask_for_unlisted(&self.wanted.domains);
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
                waiting_for: first_few(waiting_for, NAMED),
                asked: answered,
                of: names.len(),
            });
        }
    });
    show(&Progress::AskingEnded);
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
