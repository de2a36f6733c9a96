//! What must hold after any run, whatever happened to it.

use std::fs::File;
use std::path::Path;

use dpbackup::artifact::archive::{self, Expected, Limits};
use dpbackup::artifact::manifest;
use dpbackup::history::PlanFilter;
use dpbackup::run::event::{ALL_DOMAINS, Undo};
use dpbackup::run::ledger::JournalEntry;

use crate::simulator::Gateway;
use crate::support::{Home, names};

/// Everything that does not hold, in words. `others` are domains that somebody else has
/// quiesced: they must stay so.
pub(crate) fn broken(home: &Home, gateway: &Gateway, others: &[&str]) -> Vec<String> {
    let mut broken = Vec::new();
    let open = home.history().open_entries().expect("the journal");
    device(gateway, &open, others, &mut broken);
    broken.extend(broken_at_home(home));
    broken
}

/// What of it concerns this machine alone: the store and the history.
pub(crate) fn broken_at_home(home: &Home) -> Vec<String> {
    let mut broken = Vec::new();
    store(&home.store(), &mut broken);
    history(home, &mut broken);
    broken
}

/// The device is as it was found, or the journal says why not.
fn device(gateway: &Gateway, open: &[JournalEntry], others: &[&str], broken: &mut Vec<String>) {
    let state = gateway.state();
    for domain in state.domains() {
        let quiesce = state.quiesce_state(&domain);
        if others.contains(&domain.as_str()) {
            if quiesce != "quiesced" {
                broken.push(format!(
                    "{domain} was quiesced by somebody else and is now '{quiesce}'"
                ));
            }
            continue;
        }
        let remembered = open.iter().any(|entry| match &entry.undo {
            Undo::UnquiesceDevice => true,
            Undo::UnquiesceDomain(name) => *name == domain,
            Undo::RemoveFolder(_) | Undo::Import { .. } | Undo::DryRun { .. } | Undo::NotKnown { .. } => {
                false
            }
        });
        if !quiesce.is_empty() && !remembered {
            broken.push(format!("{domain} is '{quiesce}', and no journal row says so"));
        }
    }
    let itself = state.device_quiesce_state();
    let remembered = open
        .iter()
        .any(|entry| matches!(entry.undo, Undo::UnquiesceDevice));
    if !itself.is_empty() && !remembered {
        broken.push(format!(
            "the device itself is '{itself}', and no journal row says so"
        ));
    }
    let remembered = |file: &str| {
        open.iter().any(
            |entry| matches!(&entry.undo, Undo::RemoveFolder(folder) if file.starts_with(folder.as_str())),
        )
    };
    for file in state.files("default", "temporary:") {
        if !remembered(&file) {
            broken.push(format!(
                "{file} is left on the device, and no journal row says so"
            ));
        }
    }
    let writes = state.current_command("default") == "secure-backup";
    if writes
        && !open
            .iter()
            .any(|entry| matches!(entry.undo, Undo::RemoveFolder(_)))
    {
        broken.push("the device still writes a secure backup, and no journal row says so".to_owned());
    }
}

/// Every file in the store is complete and verified, read back from disk.
fn store(store: &Path, broken: &mut Vec<String>) {
    for device in names(store) {
        let device = store.join(device);
        for kind in names(&device) {
            let folder = device.join(&kind);
            for name in names(&folder) {
                let path = folder.join(&name);
                if kind == "secure-backup" {
                    if let Err(error) = manifest::verify(&path) {
                        broken.push(format!("{}: {error}", path.display()));
                    }
                    continue;
                }
                for file in names(&path) {
                    let file = path.join(file);
                    if let Err(why) = verify(&file, &name) {
                        broken.push(format!("{}: {why}", file.display()));
                    }
                }
            }
        }
    }
}

fn verify(file: &Path, domain: &str) -> Result<(), String> {
    if file.extension().is_none_or(|extension| extension != "zip") {
        return Err("what is this doing in the store?".to_owned());
    }
    let expected = match domain {
        ALL_DOMAINS => Expected::AllDomains(None),
        domain => Expected::domain(domain),
    };
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let scratch = tempfile::tempdir().expect("a folder");
    match archive::verify(&opened, scratch.path(), &expected, &Limits::default()) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Every execution has an end; what did not succeed says why; what succeeded is there.
fn history(home: &Home, broken: &mut Vec<String>) {
    let history = home.history();
    for plan in history.unfinished_plans().expect("the plans") {
        broken.push(format!(
            "plan execution {} has no end: {}",
            plan.id.0, plan.status
        ));
    }
    for plan in history.plans(&PlanFilter::default()).expect("the plans") {
        for activity in history.activities(plan.id).expect("the activities") {
            for task in history.tasks(activity.id).expect("the tasks") {
                let id = task.id.0;
                if !task.status.is_final() {
                    broken.push(format!("task {id} has no end: {}", task.status));
                }
                let success = task.status.code() == "SUCCESS";
                let words = task
                    .error_message
                    .as_deref()
                    .unwrap_or_default()
                    .split_whitespace()
                    .count();
                if !success && words < 4 {
                    broken.push(format!(
                        "task {id} ended {} without a reason: {:?}",
                        task.status, task.error_message
                    ));
                }
                if success && task.error_message.is_some() {
                    broken.push(format!("task {id} succeeded with an error"));
                }
                let files = history.task_details(task.id).expect("the files").files;
                if success && files.is_empty() {
                    broken.push(format!("task {id} succeeded without a file"));
                }
                for file in files {
                    if file.kept && !file.path.is_file() {
                        broken.push(format!(
                            "task {id} stored {}, which is not there",
                            file.path.display()
                        ));
                    }
                }
            }
        }
    }
}
