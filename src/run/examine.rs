//! Looks at everything that a run will need, and changes nothing: the devices over the
//! network, the store and the scripts on this machine.
//!
//! Each look gives a [`CheckItem`]. One that fails does not keep the others from being
//! taken, unless they would need what is not there: those are skipped, and say so.

mod device;
mod domains;
mod local;

use crate::plan::model::Plan;
use crate::run::Engine;

/// The subject of what is not on a device.
pub const THIS_MACHINE: &str = "this machine";

/// What came of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckItem {
    /// What was looked at: a device's name, `plan NAME`, or [`THIS_MACHINE`].
    pub subject: String,
    /// In which respect.
    pub item: &'static str,
    /// How it is.
    pub verdict: CheckVerdict,
    /// What was found, in a few words.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckVerdict {
    /// As it should be.
    Ok,
    /// Not looked at, because something before it failed.
    Skip,
    /// A run may do less than somebody wants.
    Warn,
    /// A run would fail.
    Fail,
}

/// The findings about one subject, as they come.
struct CheckItems {
    subject: String,
    found: Vec<CheckItem>,
}

impl CheckItems {
    fn about(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            found: Vec::new(),
        }
    }

    fn add(&mut self, verdict: CheckVerdict, item: &'static str, text: impl Into<String>) -> &mut CheckItem {
        self.found.push(CheckItem {
            subject: self.subject.clone(),
            item,
            verdict,
            text: text.into(),
            hint: None,
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn ok(&mut self, item: &'static str, text: impl Into<String>) {
        self.add(CheckVerdict::Ok, item, text);
    }

    fn skip(&mut self, items: &[&'static str], why: &str) {
        for item in items {
            self.add(CheckVerdict::Skip, item, why);
        }
    }

    fn warn(&mut self, item: &'static str, text: impl Into<String>, hint: impl Into<String>) {
        self.add(CheckVerdict::Warn, item, text).hint = Some(hint.into());
    }

    fn fail(&mut self, item: &'static str, text: impl Into<String>, hint: impl Into<String>) {
        self.add(CheckVerdict::Fail, item, text).hint = Some(hint.into());
    }
}

/// Looks at all that these plans need. `None` when somebody asked to stop meanwhile.
pub fn examine(engine: Engine<'_>, plans: &[&Plan]) -> Option<Vec<CheckItem>> {
    let mut found = local::examine(engine, plans);
    for device in &engine.file.devices {
        if let Some(needs) = device::Needs::of(device, plans) {
            found.extend(device::examine(engine, device, &needs));
        }
        if engine.stop.is_requested() {
            return None;
        }
    }
    Some(found)
}
