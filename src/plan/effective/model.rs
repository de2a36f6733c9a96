//! Values that the checked model says better than the text does: a whole path, the window behind "default".

use std::path::Path;

use toml::Value;

use crate::plan::keys::tables::TIMEOUTS;
use crate::plan::keys::{Absent, Key, KeyKind};
use crate::plan::model::{Activity, Device, ErrorPolicy, Plan, Settings};

pub(super) fn of_settings(key: &str, settings: &Settings) -> Option<String> {
    match key {
        "store" => settings.store.known().map(path),
        "history" => Some(path(&settings.history)),
        "scripts_dir" => Some(path(&settings.scripts_dir)),
        _ => None,
    }
}

pub(super) fn of_device(key: &str, device: &Device) -> Option<String> {
    // Those of the tool stand in the table of the settings.
    if let Some(limit) = key.strip_prefix("timeouts.") {
        return default_of(TIMEOUTS.key(limit)?);
    }
    match key {
        "port" => Some(device.port.to_string()),
        "tls" => Some(format!("<{}>", device.tls)),
        "tags" => {
            let tags: Vec<String> = device.tags.iter().map(|tag| quoted(tag)).collect();
            Some(format!("[{}]", tags.join(", ")))
        }
        _ => None,
    }
}

pub(super) fn of_plan(key: &str, plan: &Plan) -> Option<String> {
    match key {
        "maintenance_window" => {
            let window = plan
                .window
                .as_ref()
                .map_or_else(|| "always".to_owned(), ToString::to_string);
            Some(format!("<{window}>"))
        }
        "pre_script" => plan.pre_script.as_deref().map(path),
        "post_script" => plan.post_script.as_deref().map(path),
        _ => None,
    }
}

pub(super) fn of_activity(key: &str, activity: &Activity) -> Option<String> {
    match key {
        "error_policy" => Some(quoted(match activity.error_policy {
            ErrorPolicy::Halt => "halt",
            ErrorPolicy::Ignore => "ignore",
        })),
        "pre_script" => activity.pre_script.as_deref().map(path),
        "post_script" => activity.post_script.as_deref().map(path),
        _ => None,
    }
}

/// The default of a key, as it would be written.
pub(super) fn default_of(key: &Key) -> Option<String> {
    let Absent::Default(text) = key.absent else {
        return None;
    };
    Some(match key.kind {
        KeyKind::Boolean | KeyKind::Integer { .. } => text.to_owned(),
        _ => quoted(text),
    })
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
