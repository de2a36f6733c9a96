//! What came of each look, in which words.

use crate::soma::error::{SomaError, SomaErrorKind};

/// The subject of what is not on a device.
pub const THIS_MACHINE: &str = "this machine";

/// What came of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckItem {
    /// What was looked at: a device's name, `plan NAME`, or [`THIS_MACHINE`].
    pub subject: String,
    /// In which respect.
    pub item: &'static str,
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

/// What came of the looks at one subject, as they come.
pub(super) struct CheckItems {
    subject: String,
    pub(super) found: Vec<CheckItem>,
}

impl CheckItems {
    pub(super) fn about(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            found: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        verdict: CheckVerdict,
        item: &'static str,
        text: impl Into<String>,
    ) -> &mut CheckItem {
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

    pub(super) fn ok(&mut self, item: &'static str, text: impl Into<String>) {
        self.add(CheckVerdict::Ok, item, text);
    }

    pub(super) fn skip(&mut self, items: &[&'static str], why: &str) {
        for item in items {
            self.add(CheckVerdict::Skip, item, why);
        }
    }

    pub(super) fn warn(&mut self, item: &'static str, text: impl Into<String>, hint: impl Into<String>) {
        self.add(CheckVerdict::Warn, item, text).hint = Some(hint.into());
    }

    pub(super) fn fail(&mut self, item: &'static str, text: impl Into<String>, hint: impl Into<String>) {
        self.add(CheckVerdict::Fail, item, text).hint = Some(hint.into());
    }

    /// A failed request, with the advice that its kind has.
    pub(super) fn failed(&mut self, item: &'static str, error: &SomaError) {
        let hint = match (error.hint.as_deref(), error.kind) {
            (Some(hint), _) => Some(hint),
            (None, SomaErrorKind::TimedOut | SomaErrorKind::Broken | SomaErrorKind::Unavailable) => {
                Some("try again; look at the load of the device")
            }
            (None, _) => None,
        };
        self.add(CheckVerdict::Fail, item, error.message.as_str()).hint = hint.map(str::to_owned);
    }
}
