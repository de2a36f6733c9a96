//! Runs that are at work while somebody looks at their devices: what they have quiesced they put back themselves.

use jiff::Zoned;

use crate::gateway::domains::{DomainStatus, QuiesceState};
use crate::lock::was_stopped;
use crate::run::event::Undo;
use crate::run::ledger::JournalEntry;
use crate::run::row_device::MetDevice;

/// A run whose process is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtWork {
    /// The plan's name.
    pub plan: String,
    /// Its process id, where its name tells.
    pub pid: Option<u32>,
    /// Whether it was stopped, as by `^Z`: it does nothing until it is let go on.
    pub stands_still: bool,
    /// Since when.
    pub since: Zoned,
    /// What it has to undo, as the journal has it.
    pub open: Vec<JournalEntry>,
}

/// The runs at work when somebody began to look, and those that are now: one may begin or end meanwhile.
pub struct AtWorkLook<'a> {
    before: Vec<AtWork>,
    now: &'a (dyn Fn() -> Vec<AtWork> + Sync),
}

impl std::fmt::Display for AtWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plan {}", self.plan)?;
        if let Some(pid) = self.pid {
            write!(f, " of process {pid}")?;
        }
        write!(f, " since {}", self.since.strftime("%Y-%m-%d %H:%M:%S"))?;
        match self.stands_still {
            true => write!(f, ", {}", was_stopped(self.pid)),
            false => Ok(()),
        }
    }
}

impl AtWork {
    /// What it does about what it has quiesced.
    pub fn puts_back(&self) -> &'static str {
        match self.stands_still {
            false => "which is at work and puts it back itself",
            true => "and puts nothing back until it goes on",
        }
    }
}

impl<'a> AtWorkLook<'a> {
    /// Looks now, and again by the same means when something is found quiesced.
    pub fn new(now: &'a (dyn Fn() -> Vec<AtWork> + Sync)) -> Self {
        Self { before: now(), now }
    }

    /// The run of a plan of this name, if one is at work.
    pub fn of_plan(&self, name: &str) -> Option<&AtWork> {
        self.before.iter().find(|run| run.plan == name)
    }

    /// How the domains of a device would show themselves without what runs that are at work do to them; and one of
    /// these runs.
    pub fn without_work(
        &self,
        device: &str,
        serial: Option<&str>,
        domains: &[DomainStatus],
    ) -> (Vec<DomainStatus>, Option<AtWork>) {
        let mut one = None;
        let mut without = domains.to_vec();
        for domain in &mut without {
            if let Some(run) = self.quiescer(device, serial, domain) {
                domain.quiesce = QuiesceState::Normal;
                one = Some(run);
            }
            if domain.makes_secure_backup()
                && let Some(run) = self.maker(device, serial)
            {
                domain.current_command = None;
                one = Some(run);
            }
        }
        (without, one)
    }

    /// The run that is at work on a device, and makes a secure backup there.
    fn maker(&self, device: &str, serial: Option<&str>) -> Option<AtWork> {
        self.found(|run| {
            let is_folder = |row: &&JournalEntry| matches!(row.undo, Undo::RemoveFolder(_));
            let mut folders = run.open.iter().filter(is_folder);
            folders.any(|row| met(device, serial).may_be_of(row))
        })
    }

    /// The run that is at work and has quiesced this domain, which the device shows as quiesced: by this name, or by
    /// another one that leads to the device with this serial number.
    pub fn quiescer(&self, device: &str, serial: Option<&str>, domain: &DomainStatus) -> Option<AtWork> {
        if matches!(domain.quiesce, QuiesceState::Normal | QuiesceState::NotTold(_)) {
            return None;
        }
        self.found(|run| {
            let mut of_device = run.open.iter().filter(|row| met(device, serial).may_be_of(row));
            of_device.any(|row| quiesces(row, domain))
        })
    }

    fn found(&self, is_it: impl Fn(&AtWork) -> bool) -> Option<AtWork> {
        let before = self.before.iter().find(|run| is_it(run)).cloned();
        before.or_else(|| (self.now)().into_iter().find(|run| is_it(run)))
    }
}

/// What is known of the quiesces of our own, where a domain is met that is quiesced.
pub struct OurQuiesces<'o> {
    /// Rows of the journal that are open.
    pub rows: &'o [JournalEntry],
    /// The runs that are at work, where somebody looked.
    pub at_work: Option<&'o AtWorkLook<'o>>,
}

impl OurQuiesces<'_> {
    /// Whether a domain of a device, which is quiesced, is so by one of them, and is put back.
    pub fn has(&self, device: &str, domain: &DomainStatus) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.device == device && quiesces(row, domain))
            || self
                .at_work
                .is_some_and(|look| look.quiescer(device, None, domain).is_some())
    }
}

/// Whether what this row is to undo is a quiesce of a domain of its device.
fn quiesces(row: &JournalEntry, domain: &DomainStatus) -> bool {
    match &row.undo {
        Undo::UnquiesceDevice => true,
        Undo::UnquiesceDomain(name) => *name == domain.name,
        Undo::RemoveFolder(_) | Undo::DryRun { .. } | Undo::Import { .. } | Undo::NotKnown { .. } => false,
    }
}

/// How the domains of a device would show themselves once these rows of the journal, whose processes died, are undone: a
/// run does that before anything else. Whether that changes anything comes back, too.
pub fn without_left(
    rows: &[JournalEntry],
    device: &str,
    domains: &[DomainStatus],
) -> (Vec<DomainStatus>, bool) {
    let mut without = domains.to_vec();
    let mut is_changed = false;
    for domain in &mut without {
        if !matches!(domain.quiesce, QuiesceState::Normal | QuiesceState::NotTold(_))
            && rows
                .iter()
                .any(|row| row.device == device && quiesces(row, domain))
        {
            domain.quiesce = QuiesceState::Normal;
            is_changed = true;
        }
    }
    (without, is_changed)
}

/// A device that is told by its name and its serial number.
fn met<'m>(name: &'m str, serial: Option<&'m str>) -> MetDevice<'m> {
    let address = None;
    MetDevice {
        name,
        address,
        serial,
    }
}

impl std::fmt::Debug for AtWorkLook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AtWorkLook").field(&self.before).finish()
    }
}
