//! `do-import` and `do-restore`: an archive that is sent is laid over a domain.
//!
//! It is a merge: what the archive has is added or overwritten in the running configuration, nothing is
//! removed and nothing is saved. An object that fails does not stop the others. One reply to a real
//! `do-import` was captured; what a dry run leaves out of it, and what a `do-restore` of several domains
//! has, are guesses.

use super::content::Content;
use super::fault::FaultKind;
use super::files;
use super::import_reply::{Outcome, results};
use super::imported::{SentArchive, SentBytes, SentDomain};
use super::objects::Object;
use super::setup::Domain;
use super::soap::Payload;
use super::state::State;

/// An import or a restore, as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct ImportCall {
    pub(super) is_restore: bool,
    pub(super) source_type: String,
    pub(super) dry_run: bool,
    pub(super) overwrite_files: bool,
    pub(super) overwrite_objects: bool,
    /// Base64, without white space.
    pub(super) input: String,
    /// The domains of a restore.
    pub(super) domains: Vec<RestoredDomain>,
    /// It chooses parts of the archive, or changes them on the way.
    pub(super) has_more: bool,
}

/// A domain of a restore.
#[derive(Clone, Debug)]
pub(super) struct RestoredDomain {
    pub(super) name: String,
    pub(super) is_imported: bool,
    pub(super) is_reset: bool,
}

/// What the reply to a dry run has of the sections that tell what was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRunSections {
    /// They are not there.
    Absent,
    /// They are there, and empty.
    Empty,
    /// They are there, as after a real import.
    Filled,
}

/// The words for them.
pub(super) const SECTIONS: [(DryRunSections, &str); 3] = [
    (DryRunSections::Absent, "absent"),
    (DryRunSections::Empty, "empty"),
    (DryRunSections::Filled, "filled"),
];

const UNREADABLE: &str =
    "Export file temporary:///import.zip that is specified as ZIP is unreadable. Import failed.";
const UNPACKED: &str = "Unable to uncompress export file temporary:///import.zip. Import failed.";

/// Carries an import or a restore out.
pub(super) fn import(state: &mut State, domain: &str, call: &ImportCall, faults: &[FaultKind]) -> Payload {
    let failed = |text: &str| Payload::Log(text.to_owned());
    if call.source_type != "ZIP" || call.has_more {
        return failed("this simulator does not serve an import of XML, of parts, or by a policy");
    }
    if call.is_restore && domain != "default" {
        return failed("Target domain must be 'default'");
    }
    if faults.contains(&FaultKind::NoSpace) || state.free_temporary() == 0 {
        return failed("Import: File system full.");
    }
    for fault in faults {
        if let FaultKind::ImportFails(text) = fault {
            return failed(text.as_deref().unwrap_or(UNPACKED));
        }
    }
    let Some(mut archive) = SentArchive::read(&call.input) else {
        return failed(UNREADABLE);
    };
    let targets = match call.is_restore {
        true => call.domains.clone(),
        false => vec![RestoredDomain {
            name: domain.to_owned(),
            is_imported: false,
            is_reset: false,
        }],
    };
    let carries_out = !call.dry_run || state.setup.imports_on_dry_run;
    let mut told = String::new();
    for target in &targets {
        let sent = match call.is_restore {
            true => archive.domain(&target.name),
            false => archive.whole(),
        };
        let Some(sent) = sent else {
            return failed(UNPACKED);
        };
        if state.domain(&target.name).is_none() && !target.is_imported {
            return failed("Import: No domain access.");
        }
        let outcome = judge(state, &target.name, &sent, call, faults);
        if carries_out && !faults.contains(&FaultKind::NotDone) {
            make(state, target);
            lay(state, &target.name, &sent, &outcome, call);
            let own = archive.own_object(&target.name);
            let own = own.filter(|_| target.is_imported && !faults.contains(&FaultKind::LeavesOwn));
            if let (Some(domain), Some(own)) = (state.domain_mut(&target.name), own) {
                domain.own = own;
            }
            for fault in faults {
                if let FaultKind::RemovesObject(path) = fault
                    && let Some((class, name)) = path.split_once('/')
                {
                    state.remove_object(&target.name, class, name);
                }
            }
        }
        for fault in faults {
            if let FaultKind::OwnBecomes(property) = fault
                && let (Some(domain), Some((tag, value))) =
                    (state.domain_mut(&target.name), property.split_once('/'))
            {
                domain.own.set(tag, value);
            }
        }
        told.push_str(&results(state, &target.name, &sent, &outcome, call, faults));
    }
    reply(&told, faults)
}

fn reply(told: &str, faults: &[FaultKind]) -> Payload {
    let inner = faults.iter().find_map(|fault| match fault {
        FaultKind::ImportEmpty => Some(String::new()),
        FaultKind::ResultsEmpty => Some("<import-results domain=\"DOM1\"/>".to_owned()),
        FaultKind::ImportUnknown => Some("<deployment-summary state=\"accepted\"/>".to_owned()),
        _ => None,
    });
    let inner = inner.unwrap_or_else(|| told.to_owned());
    Payload::Xml(format!("<dp:import>{inner}</dp:import>"))
}

/// What will become of each object and file, before anything is touched.
fn judge(state: &State, domain: &str, sent: &SentDomain, call: &ImportCall, faults: &[FaultKind]) -> Outcome {
    let there = |object: &&Object| {
        let target = state.domain(domain);
        target.is_some_and(|target| target.running.iter().any(|own| own.is_same(object)))
    };
    let path = |object: &Object| format!("{}/{}", object.class, object.name);
    let struck = |named: &Option<String>, object: &Object, last: bool| match named {
        Some(named) => *named == path(object),
        None => last,
    };
    let mut outcome = Outcome::default();
    for (index, object) in sent.objects.iter().enumerate() {
        let last = index + 1 == sent.objects.len();
        outcome.exists.push(there(&object));
        let fails =
            |fault: &FaultKind| matches!(fault, FaultKind::ObjectFails(named) if struck(named, object, last));
        let skips =
            |fault: &FaultKind| matches!(fault, FaultKind::SkipsObject(named) if struck(named, object, last));
        outcome.failed.push(faults.iter().any(fails));
        outcome.skipped.push(faults.iter().any(skips));
    }
    let contained = |held: &SentBytes| matches!(held, SentBytes::Here(_));
    let last_file = sent.files.iter().rposition(|file| contained(&file.held));
    for (index, file) in sent.files.iter().enumerate() {
        let last = Some(index) == last_file;
        let fails = |fault: &FaultKind| match fault {
            FaultKind::FileFails(Some(name)) => *name == file.name,
            FaultKind::FileFails(None) => last,
            _ => false,
        };
        let is_missing = last && faults.contains(&FaultKind::FileMissing);
        let status = match &file.held {
            SentBytes::Internal => "internal",
            SentBytes::Key => "missing-key",
            SentBytes::Missing => "missing-file",
            SentBytes::Here(_) if is_missing => "missing-file",
            SentBytes::Here(bytes) => match held_by(state, domain, &file.name) {
                None => "new",
                Some(own) if own == *bytes => "same",
                Some(_) => "modified",
            },
        };
        let result = match status {
            "internal" | "missing-key" | "missing-file" => None,
            _ if faults.iter().any(fails) => Some(("ERROR", "Cannot write the file")),
            "same" => Some(("ignored", "Identical file exists")),
            "modified" if !call.overwrite_files => Some(("ignored", "File exists")),
            _ => Some(("OK", "")),
        };
        outcome.files.push((status, result));
    }
    outcome
}

/// The bytes of a file that a domain has.
fn held_by(state: &State, domain: &str, name: &str) -> Option<Vec<u8>> {
    let path = files::normal(name)?;
    let holder = if files::is_shared(&path) {
        "default"
    } else {
        domain
    };
    let file = state.domain(holder)?.files.get(&path)?;
    file.content.to_vec().ok()
}

/// Makes a domain that is not there, and empties one that is to be reset.
fn make(state: &mut State, target: &RestoredDomain) {
    if state.domain(&target.name).is_none() {
        state.add_domain(Domain {
            services: Vec::new(),
            files: Vec::new(),
            keys: Vec::new(),
            ..Domain::new(&target.name)
        });
        if let Some(made) = state.domain_mut(&target.name) {
            made.own_saved = None;
        }
    }
    if let Some(domain) = state.domain_mut(&target.name).filter(|_| target.is_reset) {
        domain.running.retain(Object::is_intrinsic);
    }
}

/// Lays what was sent over what is there.
fn lay(state: &mut State, name: &str, sent: &SentDomain, outcome: &Outcome, call: &ImportCall) {
    let now = state.now();
    let objects = sent.objects.iter().zip(&outcome.failed).zip(&outcome.skipped);
    for ((object, failed), skipped) in objects {
        let Some(domain) = state.domain_mut(name).filter(|_| !failed && !skipped) else {
            continue;
        };
        match domain.running.iter_mut().find(|own| own.is_same(object)) {
            Some(own) if call.overwrite_objects => *own = object.clone(),
            Some(_) => {}
            None => domain.running.push(object.clone()),
        }
    }
    for (file, (_, result)) in sent.files.iter().zip(&outcome.files) {
        if let SentBytes::Key = file.held
            && let Some(domain) = state.domain_mut(name)
            && !domain.keys.contains(&file.name)
        {
            // The objects refer to it now, so that an export lists it.
            domain.keys.push(file.name.clone());
        }
        let (SentBytes::Here(bytes), Some(("OK", _)), Some(path)) =
            (&file.held, result, files::normal(&file.name))
        else {
            continue;
        };
        if let Some(holder) = state.holder_of(name, &path) {
            holder.files.put(&path, Content::from(bytes.clone()), now);
        }
    }
}
