//! What a person confirms before a backup is laid over a domain, and the proof that it was
//! confirmed.
//!
//! A real import takes a [`ConfirmedRestore`] and nothing else, and only a [`RestorePlan`] becomes
//! one, by the word that stands for all of it. The archive is a private copy inside, so that what
//! is sent is what was confirmed, whatever becomes of the store meanwhile.

use std::fs::File;

use sha2::{Digest as _, Sha256};

use crate::values::hex::hex;
use crate::values::restorable_domain::RestorableDomain;

/// Digits of a word: nobody guesses one, and a person can copy it.
const WORD_DIGITS: usize = 12;

/// What becomes of addresses that were bound to an interface of the gateway that was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalAddresses {
    /// They stay as they are: it is the same gateway.
    Keep,
    /// They become those of the interfaces of the same names: it is another gateway.
    Rewrite,
}

/// Whether the configuration is saved when the import has done what it was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveAfter {
    /// It stays unsaved: a restart takes the import back.
    No,
    /// It is saved.
    Yes,
}

/// Everything that a confirmation is about: if any of it changes, it is void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreFacts {
    /// The task that stored the backup.
    pub task: i64,
    /// SHA-256 of the archive.
    pub archive_sha256: String,
    pub domain: RestorableDomain,
    /// The name of the device that it is laid over.
    pub device: String,
    /// Where that is reached.
    pub address: String,
    /// How its certificate is trusted.
    pub trust: String,
    /// Its serial number, if it tells it.
    pub serial: Option<String>,
    /// Its firmware, if it tells it.
    pub firmware: Option<String>,
    /// Hash over what runs in the domain, blind to volatile details.
    pub running: String,
    /// What becomes of local addresses.
    pub local_addresses: LocalAddresses,
    /// Whether it is saved.
    pub save: SaveAfter,
    /// Whether the domain has changes that nobody has saved, if the device tells that.
    pub has_unsaved: Option<bool>,
    /// That it runs in a mode of last resort, in the words of the plan.
    pub failsafe: Option<String>,
    /// Whether it may be laid over such changes.
    pub allows_unsaved: bool,
    /// Whether another firmware is allowed.
    pub allows_other_firmware: bool,
    /// The rows of the journal of earlier imports that may still be carried out, over this one.
    pub open_imports: Vec<i64>,
}

impl RestoreFacts {
    fn word(&self) -> String {
        let mut hash = Sha256::new();
        let task = self.task.to_string();
        let addresses = format!("{:?}", self.local_addresses);
        let save = format!("{:?}", self.save);
        let bent = format!(
            "{:?} {} {} {:?}",
            self.has_unsaved, self.allows_unsaved, self.allows_other_firmware, self.open_imports
        );
        // Something that is not told must not read like something that is told to be empty.
        let told = |fact: &Option<String>| {
            fact.as_ref()
                .map_or_else(|| "-".to_owned(), |fact| format!("={fact}"))
        };
        for fact in [
            &task,
            &self.archive_sha256,
            self.domain.name(),
            &self.device,
            &self.address,
            &self.trust,
            &told(&self.serial),
            &told(&self.firmware),
            &told(&self.failsafe),
            &self.running,
            &addresses,
            &save,
            &bent,
        ] {
            hash.update((fact.len() as u64).to_be_bytes());
            hash.update(fact.as_bytes());
        }
        let mut word = hex(&hash.finalize());
        word.truncate(WORD_DIGITS);
        word
    }
}

/// A restore that was planned and that nobody has confirmed yet.
#[derive(Debug)]
pub struct RestorePlan {
    facts: RestoreFacts,
    archive: File,
}

/// How somebody confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreConfirmation {
    /// By typing the name of the domain, with the plan before his eyes.
    TypedName(String),
    /// By the word of a plan that was shown before.
    Word(String),
    /// Not at all: the plan could not be shown, for this reason.
    NotShown(String),
}

impl RestorePlan {
    /// A plan about these facts. The archive is a copy that nobody else can write to.
    pub fn new(facts: RestoreFacts, archive: File) -> Self {
        Self { facts, archive }
    }

    /// What it is about.
    pub fn facts(&self) -> &RestoreFacts {
        &self.facts
    }

    /// The word that stands for all of it.
    pub fn word(&self) -> String {
        self.facts.word()
    }

    /// The same, confirmed; `None` where that was something else.
    pub fn confirmed(self, by: &RestoreConfirmation) -> Option<ConfirmedRestore> {
        let is_right = match by {
            RestoreConfirmation::TypedName(name) => name == self.facts.domain.name(),
            RestoreConfirmation::Word(word) => *word == self.word(),
            RestoreConfirmation::NotShown(_) => false,
        };
        is_right.then_some(ConfirmedRestore { plan: self })
    }
}

/// A restore that was confirmed. Only this reaches a real import.
#[derive(Debug)]
pub struct ConfirmedRestore {
    plan: RestorePlan,
}

impl ConfirmedRestore {
    /// What was confirmed.
    pub fn facts(&self) -> &RestoreFacts {
        &self.plan.facts
    }

    /// The archive that was confirmed.
    pub fn archive(&self) -> &File {
        &self.plan.archive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> RestoreFacts {
        RestoreFacts {
            task: 12,
            archive_sha256: "ab".to_owned(),
            domain: RestorableDomain::named("DOM1").expect("a domain"),
            device: "QA1".to_owned(),
            address: "qa1:5550".to_owned(),
            trust: "system roots".to_owned(),
            serial: Some("1".to_owned()),
            firmware: Some("IDG.10.0.1.5".to_owned()),
            running: "cd".to_owned(),
            local_addresses: LocalAddresses::Keep,
            save: SaveAfter::No,
            has_unsaved: Some(false),
            failsafe: None,
            allows_unsaved: false,
            allows_other_firmware: false,
            open_imports: Vec::new(),
        }
    }

    fn confirmed(facts: RestoreFacts, by: &RestoreConfirmation) -> bool {
        let archive = tempfile::tempfile().expect("a file");
        RestorePlan::new(facts, archive).confirmed(by).is_some()
    }

    #[test]
    fn a_plan_is_confirmed_by_its_word_or_the_name_of_its_domain_and_by_nothing_else() {
        let word = facts().word();
        assert_eq!(word.len(), WORD_DIGITS);
        assert!(confirmed(facts(), &RestoreConfirmation::Word(word.clone())));
        assert!(confirmed(
            facts(),
            &RestoreConfirmation::TypedName("DOM1".to_owned())
        ));
        for by in [
            RestoreConfirmation::Word(String::new()),
            RestoreConfirmation::Word("DOM1".to_owned()),
            RestoreConfirmation::Word(word.to_uppercase() + " "),
            RestoreConfirmation::TypedName(word),
            RestoreConfirmation::TypedName("dom1".to_owned()),
            RestoreConfirmation::TypedName(String::new()),
            RestoreConfirmation::TypedName("y".to_owned()),
            RestoreConfirmation::NotShown("DOM1".to_owned()),
        ] {
            assert!(!confirmed(facts(), &by), "{by:?}");
        }
    }

    #[test]
    fn a_word_is_void_as_soon_as_anything_that_it_stands_for_is_another() {
        let word = facts().word();
        let changes: [fn(&mut RestoreFacts); 20] = [
            |facts| facts.task = 13,
            |facts| facts.archive_sha256 = "ac".to_owned(),
            |facts| facts.domain = RestorableDomain::named("DOM2").expect("a domain"),
            |facts| facts.device = "QA2".to_owned(),
            |facts| facts.address = "qa2:5550".to_owned(),
            |facts| facts.trust = "NOT VERIFIED".to_owned(),
            |facts| facts.serial = Some("2".to_owned()),
            |facts| facts.serial = None,
            |facts| facts.serial = Some(String::new()),
            |facts| facts.firmware = Some("IDG.10.5.0.0".to_owned()),
            |facts| facts.firmware = None,
            |facts| facts.running = "ce".to_owned(),
            |facts| facts.local_addresses = LocalAddresses::Rewrite,
            |facts| facts.save = SaveAfter::Yes,
            |facts| facts.has_unsaved = Some(true),
            |facts| facts.has_unsaved = None,
            |facts| facts.failsafe = Some("domain DOM1 runs in failsafe mode 'management'".to_owned()),
            |facts| facts.allows_unsaved = true,
            |facts| facts.allows_other_firmware = true,
            |facts| facts.open_imports = vec![7],
        ];
        let mut words = vec![word];
        for change in changes {
            let mut other = facts();
            change(&mut other);
            assert!(!words.contains(&other.word()), "{other:?}");
            words.push(other.word());
        }
    }
}
