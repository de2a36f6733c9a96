//! What a run needs on this machine: store and scripts; and plans that mean
//! something.

use std::collections::BTreeMap;
use std::path::Path;

use crate::artifact::mount::Unwritable;
use crate::artifact::space;
use crate::plan::model::{Plan, Settings};
use crate::run::examine::item::{CheckItem, CheckItems, THIS_MACHINE};
use crate::run::status::Status;
use crate::run::{Engine, store};
use crate::script;
use crate::values::size::Bytes;

pub(super) fn examine(engine: Engine<'_>, plans: &[&Plan]) -> Vec<CheckItem> {
    let settings = &engine.file.settings;
    let mut found = CheckItems::about(THIS_MACHINE);
    switches(settings, &mut found);
    folder(settings, &mut found);
    free_space(settings, &mut found);
    scripts(plans, &mut found);
    let mut all = found.found;
    for plan in plans {
        all.extend(plan_findings(engine, plan));
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

/// Whether the store is mounted as asked and can be written. Nothing is created: a store
/// that is not there yet is judged by the folder in which a run would make it.
fn folder(settings: &Settings, found: &mut CheckItems) {
    let store = settings.store.as_path();
    let shown = store.display();
    if let Err(failure) = store::is_mounted(settings) {
        let hint = "mount it, or change `store` or `require_mount` in the settings";
        return found.fail("store", failure.message, hint);
    }
    match store::could_be_written(settings) {
        Ok(there) if there == store => found.ok("store", format!("{shown} can be written")),
        Ok(_) => found.ok(
            "store",
            format!("{shown} is not there yet; the first run makes it"),
        ),
        Err(why) => {
            let hint = match why {
                Unwritable::Unseen(_) => "check the path",
                Unwritable::NotAFolder(_) => "move that file away, or change `store` in the settings",
                Unwritable::Denied(..) => {
                    "give that folder to the user who runs dpbackup, or change `store` in the settings"
                }
                Unwritable::NoRoom(_) => "change `store` in the settings",
            };
            found.fail("store", why.to_string(), hint);
        }
    }
}

fn free_space(settings: &Settings, found: &mut CheckItems) {
    if let Err(Unwritable::NoRoom(_)) = store::could_be_written(settings) {
        return found.skip(&["store space"], "there is no store");
    }
    match (
        store::has_space(settings, Status::StoreOutOfSpace),
        space::space(&settings.store),
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
        (Ok(()), Err(error)) => found.fail("store space", error.to_string(), "check the path"),
    }
}

/// Every script once, whoever names it.
fn scripts(plans: &[&Plan], found: &mut CheckItems) {
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
    for (script, plans) in users {
        match script::could_start(script) {
            Ok(()) => found.ok("script", script.display().to_string()),
            Err(why) => {
                let hint = format!(
                    "named by {}; a bare name is looked up in `scripts_dir`, a path starts at the plan file",
                    plans.join(", ")
                );
                found.fail("script", why, hint);
            }
        }
    }
}

/// What is odd about a plan before any device is asked.
fn plan_findings(engine: Engine<'_>, plan: &Plan) -> Vec<CheckItem> {
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
        if !names.iter().any(|name| pattern.matches(name)) {
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
    let timeout = engine.file.settings.quiesce_timeout;
    if plan.activities.iter().any(|activity| activity.quiesce) && timeout.as_secs() < 60 {
        let text = format!(
            "quiesce_timeout is {} s, and the plan quiesces",
            timeout.as_secs()
        );
        found.fail("quiesce", text, "set `quiesce_timeout` to 60s or more");
    }
    found.found
}
