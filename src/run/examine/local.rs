//! What a run needs on this machine: store and scripts; and plans that mean
//! something.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use rustix::fs::Access;

use crate::artifact::mount::{self, Mount, Unwritable};
use crate::artifact::probe::Probed;
use crate::artifact::publish::Manner;
use crate::artifact::space;
use crate::plan::model::{Plan, Settings};
use crate::run::examine::item::{CheckItem, CheckItems, THIS_MACHINE};
use crate::run::sequence::before::quiesce_timeout;
use crate::run::status::Status;
use crate::run::{Engine, store};
use crate::script;
use crate::secret::SecretContext;
use crate::values::causes::said;
use crate::values::environment::Lookup;
use crate::values::size::Bytes;

pub(super) fn examine(engine: Engine<'_>, plans: &[&Plan], stored: Option<u64>) -> Vec<CheckItem> {
    let settings = &engine.file.settings;
    let mut found = CheckItems::about(THIS_MACHINE);
    switches(settings, &mut found);
    folder(settings, stored, &mut found);
    free_space(settings, &mut found);
    scripts(plans, engine.environment, &mut found);
    secrets(engine, &mut found);
    metrics(engine, &mut found);
    let mut all = found.found;
    for plan in plans {
        all.extend(looks_at_plan(engine, plan));
    }
    all
}

fn switches(settings: &Settings, found: &mut CheckItems) {
    if !settings.backups_enabled {
        found.warn(
            "settings",
            "backups_enabled is false: every run ends BACKUPS_ARE_DISABLED",
            "set it to true",
        );
    }
}

/// Whether the store is mounted as asked and can take backups: what a publication needs is tried in
/// it, and nothing is left behind. A store that is not there yet is not made, but judged by the
/// folder in which a run would make it.
fn folder(settings: &Settings, stored: Option<u64>, found: &mut CheckItems) {
    let store = settings.store.folder();
    let shown = store.display();
    if let Err(failure) = store::is_mounted(settings) {
        let hint = "mount it, or change `store` or `require_mount` in the settings";
        return found.fail("store", failure.message, hint);
    }
    let group = match store::owners(settings) {
        Ok(group) => group.map_or_else(String::new, |group| format!("; {group}")),
        Err(why) => {
            let hint = match why.advice() {
                Some(_) => "do that, or change `store` in the settings",
                None => "change `store` in the settings",
            };
            return found.fail("store", store::untrusted(&why).message, hint);
        }
    };
    if let Some(away) = store::bare(settings).and_then(|bare| store::is_away(settings, bare, stored)) {
        let hint = "mount it or move it back, or write as `store` where it is now: a run begins a new one there, unless \
                    `require_mount` in the settings keeps it from that";
        found.warn("store", away, hint);
    }
    match store::could_be_written(settings) {
        Ok(there) if there == store => match store::probe(settings) {
            Ok(probed) => found.ok(
                "store",
                format!("{shown} can be written{group}{}", manner(&probed)),
            ),
            Err(failure) => found.fail(
                "store",
                failure.message,
                "give it another place (`store` in the settings)",
            ),
        },
        Ok(_) if stored != Some(0) => {}
        Ok(_) => found.ok(
            "store",
            format!(
                "{shown} is not there yet; the first run makes it{}",
                on_root(store)
            ),
        ),
        Err(why) => {
            let hint = why.advice(store, "store");
            found.fail("store", why.to_string(), hint);
        }
    }
}

/// On which file system it will be made, where that is the one of the machine: one that is to be mounted there is not.
fn on_root(store: &Path) -> &'static str {
    match mount::kind(store) {
        Ok(Mount::NotMounted) => ", on the file system of `/`",
        Ok(Mount::Local(_) | Mount::Remote(_)) | Err(_) => "",
    }
}

/// How names are given there, where that is not how it is elsewhere.
fn manner(probed: &Probed) -> &'static str {
    match (probed.file, probed.folder) {
        (Manner::Rename, _) | (_, Manner::Rename) => {
            "; it knows neither links nor renames that do not overwrite, so that files get their names by plain \
             renames, after a look"
        }
        _ => "",
    }
}

fn free_space(settings: &Settings, found: &mut CheckItems) {
    match store::could_be_written(settings) {
        Err(Unwritable::NoRoom(_)) => return found.skip(&["store space"], "there is no store"),
        Err(
            Unwritable::Shut(_)
            | Unwritable::Unseen(_)
            | Unwritable::NotAFolder(_)
            | Unwritable::LeadsNowhere(..)
            | Unwritable::NoPath(..),
        ) => {
            return found.skip(&["store space"], "the store cannot be looked at");
        }
        Err(Unwritable::Denied(..)) | Ok(_) => {}
    }
    match (
        store::has_space(settings, Status::StoreOutOfSpace),
        space::space(settings.store.folder()),
    ) {
        (Ok(()), Ok(space)) => {
            let (free, total) = (Bytes(space.free), Bytes(space.total));
            let asked = settings.min_free_store;
            found.ok(
                "store space",
                format!("{free} free of {total}; min_free_store asks for {asked}"),
            );
        }
        (Err(failure), _) => {
            found.fail(
                "store space",
                failure.message,
                "make room, or lower `min_free_store`",
            );
        }
        (Ok(()), Err(error)) => found.fail("store space", said(&error), "check the path"),
    }
}

/// Why scripts of these plans could not start now, each once, and which plans name it.
pub fn scripts_that_cannot_start(plans: &[&Plan], env: Lookup<'_>) -> Vec<String> {
    let unable = scripts_of(plans).into_iter().filter_map(|(script, plans)| {
        let why = script::could_start(script, env).err()?;
        Some(format!("{why}; named by {}: {WHERE}", plans.join(", ")))
    });
    unable.collect()
}

/// Why this script could not start now, where there is one and it could not.
pub fn why_it_cannot_start(script: Option<&Path>, env: Lookup<'_>) -> Option<String> {
    script::could_start(script?, env).err()
}

/// Where a script is looked for.
const WHERE: &str = "a bare name is looked up in `scripts_dir`, a path starts at the plan file";

/// Every script once, with the plans that name it.
fn scripts_of<'p>(plans: &[&'p Plan]) -> BTreeMap<&'p Path, Vec<&'p str>> {
    let mut users: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
    for plan in plans {
        let activities = plan.activities.iter();
        let tasks = activities.flat_map(|activity| [&activity.pre_script, &activity.post_script]);
        for script in [&plan.pre_script, &plan.post_script]
            .into_iter()
            .chain(tasks)
            .flatten()
        {
            let plans = users.entry(script).or_default();
            if !plans.contains(&plan.name.as_str()) {
                plans.push(&plan.name);
            }
        }
    }
    users
}

fn scripts(plans: &[&Plan], env: Lookup<'_>, found: &mut CheckItems) {
    for (script, plans) in scripts_of(plans) {
        match script::could_start(script, env) {
            Ok(()) => found.ok("script", script.display().to_string()),
            Err(why) => {
                let hint = format!("named by {}; {WHERE}", plans.join(", "));
                found.fail("script", why, hint);
            }
        }
    }
}

/// Whether files that hold secrets, and programs that print them, are nobody else's: those of
/// receivers too, which are not told anything here.
fn secrets(engine: Engine<'_>, found: &mut CheckItems) {
    let context = SecretContext {
        folder: engine.plan_folder(),
        environment: engine.environment,
        variables: &|| engine.file.secret_variables(),
        cancelled: &|| false,
    };
    let mut told = BTreeSet::new();
    for secret in engine.file.secrets() {
        if let Err(why) = secret.owners(&context) {
            let why = why.to_string();
            if told.insert(why.clone()) {
                found.fail(
                    "secret",
                    why,
                    "run that; a secret that others can read or choose is not used",
                );
            }
        }
    }
}

/// Whether the file of the metrics could be replaced.
fn metrics(engine: Engine<'_>, found: &mut CheckItems) {
    let Some(path) = &engine.file.notify.metrics else {
        return;
    };
    let folder = match path.parent() {
        // The plan file was named without a folder, and so is this.
        None => Path::new("."),
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
    };
    match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => found.ok("metrics", format!("{} can be written", path.display())),
        Err(errno) => {
            let why = said(&io::Error::from(errno));
            let text = format!("{} cannot be written: {why}", folder.display());
            found.warn(
                "metrics",
                text,
                "name a file in a folder into which the user who runs dpbackup may write (`path` of [notify.metrics])",
            );
        }
    }
}

/// What is odd about a plan before any device is asked.
fn looks_at_plan(engine: Engine<'_>, plan: &Plan) -> Vec<CheckItem> {
    let mut found = CheckItems::about(format!("plan {}", plan.name));
    if !plan.enabled {
        found.warn(
            "enabled",
            "it is turned off: a run ends PLAN_IS_DISABLED",
            "set `enabled = true`",
        );
    }
    for activity in &plan.activities {
        let pattern = &activity.devices;
        let names: Vec<&str> = engine
            .file
            .devices
            .iter()
            .map(|device| device.name.as_str())
            .collect();
        if !engine.file.devices.iter().any(|device| activity.concerns(device)) {
            let hint = match names.as_slice() {
                [] => "the plan file has no [[device]]".to_owned(),
                names => format!(
                    "the devices are {}; upper and lower case differ",
                    names.join(", ")
                ),
            };
            found.warn("devices", format!("no device matches '{pattern}'"), hint);
        }
    }
    if let Err(failure) = quiesce_timeout(&engine.file.settings, plan) {
        found.fail("quiesce", failure.message, "set `quiesce_timeout` to 60s or more");
    }
    found.found
}
