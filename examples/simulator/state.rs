//! What changes while a gateway runs: domains, files, a secure backup under way. Quiesces are in `quiesce`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::content::Content;
use super::files::{self, FileStore};
use super::firmware::Firmware;
use super::objects::{self, Object};
use super::quiesce::{Deed, Phase, Standing};
use super::setup::{Domain, Setup};

/// The state of a gateway. Tests look at it and change it through `Gateway::state`.
#[derive(Debug)]
pub struct State {
    /// What the gateway was started with. Users, space, times, certificates and modes may be changed
    /// while it runs; the list of domains only says what there was at the start.
    pub setup: Setup,
    pub(super) domains: Vec<DomainState>,
    pub(super) secure_backup: Option<SecureRun>,
    pub(super) started: Timestamp,
    /// Requests that have come, over the life of the gateway.
    pub(super) requests: u64,
    /// How often somebody has looked at the quiesce states.
    pub(super) looks: u64,
    /// Where the device as a whole stands: its services and handlers, beside the domains.
    pub(super) device: Standing,
    /// What it will do later, in this order.
    pub(super) deeds: Vec<Deed>,
    /// A SecureRestore has come.
    pub(super) wiped: bool,
}

/// One domain.
#[derive(Debug)]
pub(super) struct DomainState {
    pub(super) name: String,
    pub(super) api_connect: bool,
    pub(super) keys: Vec<String>,
    pub(super) saved: Vec<Object>,
    pub(super) running: Vec<Object>,
    /// What is taken for saved, though it is not.
    pub(super) taken_for_saved: Option<Vec<Object>>,
    pub(super) files: FileStore,
    /// Backups of this domain that are being made.
    pub(super) backups: u32,
    /// The object of the domain itself, which is of the configuration of `default`.
    pub(super) own: Object,
    /// The same, as it is saved there; nothing of a domain that an import has made.
    pub(super) own_saved: Option<Object>,
    pub(super) failsafe: bool,
    pub(super) slower: Duration,
    pub(super) quiesce: Standing,
}

/// A secure backup under way: what is still to be written, and when. Without an end it never ends.
#[derive(Debug)]
pub(super) struct SecureRun {
    pub(super) until: Option<Timestamp>,
    pub(super) directory: String,
    pub(super) pending: Vec<(Timestamp, String, Content)>,
}

impl State {
    pub(super) fn new(setup: Setup) -> State {
        let now = setup.clock.now();
        let mut state = State {
            started: now,
            domains: Vec::new(),
            secure_backup: None,
            requests: 0,
            looks: 0,
            device: Standing::new(Phase::Normal),
            deeds: Vec::new(),
            wiped: false,
            setup,
        };
        let mut domains = state.setup.domains.clone();
        if !domains.iter().any(|domain| domain.name == "default") {
            domains.insert(0, Domain::new("default"));
        }
        for domain in domains {
            state.add_domain(domain);
        }
        for (domain, quiesced, when) in state.setup.turns.clone() {
            state.turn_later(&domain, quiesced, when);
        }
        state
    }

    /// The present, by the gateway's clock.
    pub fn now(&self) -> Timestamp {
        self.setup.clock.now()
    }

    /// Counts a request that has come, and does what was put off until then.
    pub(super) fn arrive(&mut self) -> u64 {
        self.requests += 1;
        self.do_deeds();
        self.requests
    }

    /// Gives the device another serial number, as a device that was exchanged has.
    pub fn set_serial(&mut self, serial: &str) {
        self.setup.firmware.serial = serial.to_owned();
        self.describe_again();
    }

    /// Gives the device another firmware, serial number and machine type included.
    pub fn set_firmware(&mut self, firmware: Firmware) {
        self.setup.firmware = firmware;
        self.describe_again();
    }

    /// Puts what the device says of itself into its configuration again.
    fn describe_again(&mut self) {
        for object in objects::of_device(&self.setup) {
            if let Some(domain) = self.domain_mut("default") {
                for objects in [&mut domain.saved, &mut domain.running] {
                    for old in objects.iter_mut().filter(|old| old.is_same(&object)) {
                        *old = object.clone();
                    }
                }
            }
        }
    }

    /// How long the answer to a secure backup waits for its end: `Some(None)` is for ever.
    pub(super) fn blocks_for(&self) -> Option<Option<Duration>> {
        let run = self.secure_backup.as_ref();
        let run = run.filter(|_| self.setup.secure_backup_blocks)?;
        Some(run.until.map(|until| {
            let left = until.duration_since(self.now());
            left.try_into().unwrap_or_default()
        }))
    }

    /// Loses everything, as a device that is restored from a secure backup does: whatever it was sent, and
    /// if only to be validated.
    pub(super) fn wipe(&mut self) {
        self.restart();
        self.domains.clear();
        self.add_domain(Domain {
            files: Vec::new(),
            keys: Vec::new(),
            services: Vec::new(),
            ..Domain::new("default")
        });
        self.wiped = true;
    }

    /// Begins a secure backup that somebody at the device has asked for.
    pub fn make_secure_backup(&mut self, directory: &str) {
        let directory = files::normal(directory).expect("a directory");
        let until = later(self.now(), self.setup.secure_backup_time);
        self.secure_backup = Some(SecureRun {
            until: Some(until),
            directory,
            pending: Vec::new(),
        });
    }

    /// Whether it was ever sent a SecureRestore.
    pub fn is_wiped(&self) -> bool {
        self.wiped
    }

    /// Whether a domain has this object in its running configuration.
    pub fn has_object(&self, domain: &str, class: &str, name: &str) -> bool {
        let has = |domain: &DomainState| {
            let mut objects = domain.running.iter();
            objects.any(|object| object.class == class && object.name == name)
        };
        self.domain(domain).is_some_and(has)
    }

    /// Puts an object without properties into the configuration of a domain, saved too.
    pub fn add_object(&mut self, domain: &str, class: &'static str, name: &str) {
        let object = objects::bare(class, name);
        if let Some(domain) = self.domain_mut(domain) {
            domain.running.push(object.clone());
            domain.saved.push(object);
        }
    }

    /// Removes an object from the running configuration of a domain. False when it was not there.
    pub fn remove_object(&mut self, domain: &str, class: &str, name: &str) -> bool {
        let was = self.has_object(domain, class, name);
        if let Some(domain) = self.domain_mut(domain) {
            domain
                .running
                .retain(|object| object.class != class || object.name != name);
        }
        was
    }

    /// The names of all domains.
    pub fn domains(&self) -> Vec<String> {
        self.domains.iter().map(|domain| domain.name.clone()).collect()
    }

    /// Makes a domain, its configuration saved unless it says otherwise.
    pub fn add_domain(&mut self, domain: Domain) {
        let now = self.now();
        let saved = objects::of_domain(&self.setup, &domain);
        let mut running = saved.clone();
        if domain.unsaved {
            running.push(objects::unsaved_change());
        }
        let mut files = FileStore::default();
        for (name, content) in &domain.files {
            if let Some(path) = files::normal(name) {
                files.put(&path, content.clone(), now);
            }
        }
        let quiesce = if domain.quiesced {
            Phase::ToQuiesced(Some(now))
        } else {
            Phase::Normal
        };
        let Domain {
            name,
            api_connect,
            keys,
            disabled,
            failsafe,
            slower,
            ..
        } = domain;
        let own = objects::domain_object(&name, disabled);
        let mut state = DomainState {
            name,
            api_connect,
            keys,
            saved,
            running,
            taken_for_saved: None,
            files,
            backups: 0,
            own_saved: Some(own.clone()),
            own,
            failsafe,
            slower,
            quiesce: Standing::new(quiesce),
        };
        state.write_configuration(now);
        self.domains.push(state);
    }

    /// From now on `DomainStatus` shows these words as the `QuiesceState` of a domain, whatever happens to it.
    pub fn show_words(&mut self, domain: &str, words: &str) {
        self.setup.words_shown.retain(|(shown, _)| shown != domain);
        self.setup.words_shown.push((domain.to_owned(), words.to_owned()));
    }

    /// Deletes a domain with its files.
    pub fn remove_domain(&mut self, name: &str) {
        self.domains.retain(|domain| domain.name != name);
    }

    /// `SaveNeeded` of a domain. The objects of the domains themselves are saved with `default`: that an import
    /// which changes one leaves `default` unsaved is a guess.
    pub fn is_unsaved(&self, domain: &str) -> bool {
        let is_unsaved = |own: &DomainState| own.own_saved.as_ref() != Some(&own.own);
        self.domain(domain).is_some_and(DomainState::is_unsaved)
            || (domain == "default" && self.domains.iter().any(is_unsaved))
    }

    /// Saves a domain. False when it is not there.
    pub(super) fn save(&mut self, domain: &str) -> bool {
        let now = self.now();
        if domain == "default" {
            for domain in &mut self.domains {
                domain.own_saved = Some(domain.own.clone());
            }
        }
        let domain = self.domain_mut(domain);
        domain.map(|domain| domain.save(now)).is_some()
    }

    /// Changes the running configuration of a domain without saving it, or saves it.
    pub fn set_unsaved(&mut self, domain: &str, unsaved: bool) {
        if !unsaved {
            self.save(domain);
        } else if let Some(domain) = self.domain_mut(domain).filter(|domain| !domain.is_unsaved()) {
            domain.running.push(objects::unsaved_change());
        }
    }

    /// Gives an object of the running configuration of a domain another value of a property. It
    /// is not saved.
    pub fn set_property(&mut self, domain: &str, class: &str, name: &str, tag: &str, value: &str) {
        let running = self.domain_mut(domain).map(|domain| &mut domain.running);
        for object in running.into_iter().flatten() {
            if object.class == class && object.name == name {
                object.set(tag, value);
            }
        }
    }

    /// Gives the object of a domain itself another value of a property, and saves it.
    pub fn set_own_property(&mut self, domain: &str, tag: &str, value: &str) {
        if let Some(domain) = self.domain_mut(domain) {
            domain.own.set(tag, value);
            domain.own_saved = Some(domain.own.clone());
        }
    }

    /// Whether the object of a domain itself has this value of a property.
    pub fn own_has(&self, domain: &str, tag: &str, value: &str) -> bool {
        self.domain(domain)
            .is_some_and(|domain| domain.own.has(tag, value))
    }

    /// `CurrentCommand` of a domain.
    pub fn current_command(&self, domain: &str) -> &str {
        if let Some((_, words)) = self.setup.busy.iter().find(|(name, _)| name == domain) {
            return words;
        }
        let backups = self.domain(domain).map_or(0, |domain| domain.backups);
        if domain == "default" && self.secure_backup.is_some() {
            "secure-backup"
        } else if backups > 0 {
            "backup"
        } else {
            ""
        }
    }

    /// The files in a location of a domain, under names like `temporary:///dir/name`.
    pub fn files(&self, domain: &str, location: &str) -> Vec<String> {
        let Some(domain) = self.domain(domain) else {
            return Vec::new();
        };
        let full = |directory: &str, name| format!("{directory}/{name}").replacen(":/", ":///", 1);
        domain
            .files
            .of(location)
            .map(|(directory, name, _)| full(directory, name))
            .collect()
    }

    /// The content of a file.
    pub fn file(&self, domain: &str, name: &str) -> Option<Content> {
        let path = files::normal(name)?;
        self.domain(domain)?
            .files
            .get(&path)
            .map(|file| file.content.clone())
    }

    /// Writes a file, and makes the directories above it.
    pub fn put_file(&mut self, domain: &str, name: &str, content: impl Into<Content>) {
        let now = self.now();
        if let (Some(path), Some(domain)) = (files::normal(name), self.domain_mut(domain)) {
            domain.files.put(&path, content.into(), now);
        }
    }

    /// Restarts the device: `temporary:` is emptied, nothing stays quiesced, what was not saved is
    /// lost, and a secure backup under way is gone.
    pub fn restart(&mut self) {
        self.started = self.now();
        self.secure_backup = None;
        self.deeds.clear();
        self.device = Standing::new(Phase::Normal);
        for domain in &mut self.domains {
            domain.files.clear("temporary:");
            domain.quiesce = Standing::new(Phase::Normal);
            domain.running = domain.saved.clone();
            if let Some(own) = &domain.own_saved {
                domain.own = own.clone();
            }
        }
    }

    pub(super) fn domain(&self, name: &str) -> Option<&DomainState> {
        self.domains.iter().find(|domain| domain.name == name)
    }

    pub(super) fn domain_mut(&mut self, name: &str) -> Option<&mut DomainState> {
        self.domains.iter_mut().find(|domain| domain.name == name)
    }

    /// The domain that holds a file: shared locations are the default domain's.
    pub(super) fn holder_of(&mut self, domain: &str, path: &str) -> Option<&mut DomainState> {
        self.domain_mut(if files::is_shared(path) { "default" } else { domain })
    }

    /// Free space of `temporary:` in bytes.
    pub(super) fn free_temporary(&self) -> u64 {
        let files = self
            .domains
            .iter()
            .flat_map(|domain| domain.files.of("temporary:"));
        let used: u64 = files.map(|(_, _, file)| file.content.size()).sum();
        (self.setup.space.temporary.0 << 20).saturating_sub(used)
    }

    /// Does what has come due since the last look.
    pub(super) fn settle(&mut self) {
        self.do_deeds();
        let now = self.now();
        let Some(mut run) = self.secure_backup.take() else {
            return;
        };
        let (due, pending): (Vec<_>, Vec<_>) = run.pending.drain(..).partition(|(when, _, _)| *when <= now);
        if let Some(domain) = self.domain_mut("default") {
            for (when, name, content) in due {
                domain.files.put_as(&run.directory, &name, content, when);
            }
        }
        if run.until.is_none_or(|until| until > now) {
            run.pending = pending;
            self.secure_backup = Some(run);
        }
    }
}

impl DomainState {
    pub(super) fn is_disabled(&self) -> bool {
        self.own.has("mAdminState", "disabled")
    }

    pub(super) fn is_unsaved(&self) -> bool {
        self.saved != self.running && self.taken_for_saved.as_ref() != Some(&self.running)
    }

    pub(super) fn save(&mut self, now: Timestamp) {
        self.saved = self.running.clone();
        self.taken_for_saved = None;
        self.write_configuration(now);
    }

    /// Writes the saved configuration to `config:`.
    fn write_configuration(&mut self, now: Timestamp) {
        let mut text = String::from("top; configure terminal;\n\n");
        for object in &self.saved {
            text.push_str(&format!("# {} \"{}\"\n", object.class, object.name));
        }
        self.files.put(
            &format!("config:/{}.cfg", self.name),
            Content::from(text.into_bytes()),
            now,
        );
    }
}

/// A time later by a duration; as late as can be when there is no such time.
pub(super) fn later(from: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| from.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}
