//! What holds: every value of a plan file, written or not, and where it comes from.
//!
//! The file gives what is written, the tables of keys give the rest. Where the checked
//! model says more than the text (a whole path, the window behind "default") it is shown
//! as the model has it. Secrets are shown by their source only.

use std::path::Path;

use toml::{Table as Written, Value};

use crate::plan::keys::device::{DEVICE, PASSWORD};
use crate::plan::keys::notify::{NOTIFY, WEBHOOK};
use crate::plan::keys::tables::{ACTIVITY, PLAN, SETTINGS};
use crate::plan::keys::{Absent, Key, KeyKind, Table};
use crate::plan::model::{Activity, Device, ErrorPolicy, Plan, PlanFile, Settings};
use crate::secret::SecretSource;

/// A line that is to be aligned with its neighbours.
struct EffectiveLine {
    text: String,
    origin: String,
}

/// How much of a plan file is shown.
#[derive(Clone, Copy, Debug)]
pub enum EffectiveScope<'s> {
    /// The whole.
    All,
    /// One plan and the devices that it concerns.
    Plan(&'s Plan),
    /// One device.
    Device(&'s Device),
}

/// What holds. `text` is the plan file as it was read.
pub fn effective(file: &PlanFile, text: &str, shown: EffectiveScope<'_>) -> String {
    let written: Written = toml::from_str(text).unwrap_or_default();
    let mut out = format!("# {}\n", file.path.display());
    let settings = written
        .get("settings")
        .and_then(Value::as_table)
        .cloned()
        .unwrap_or_default();
    section(
        &SETTINGS,
        &settings,
        &|key| of_settings(key, &file.settings),
        &mut out,
    );
    for (device, written) in file.devices.iter().zip(tables_at(&written, "device")) {
        let concerned = match shown {
            EffectiveScope::All => true,
            EffectiveScope::Plan(plan) => plan.activities.iter().any(|a| a.devices.matches(&device.name)),
            EffectiveScope::Device(only) => only.name == device.name,
        };
        if concerned {
            section(&DEVICE, written, &|key| of_device(key, device), &mut out);
        }
    }
    for (plan, written) in file.plans.iter().zip(tables_at(&written, "plan")) {
        match shown {
            EffectiveScope::Plan(only) if only.name != plan.name => continue,
            EffectiveScope::Device(_) => continue,
            EffectiveScope::All | EffectiveScope::Plan(_) => {}
        }
        section(&PLAN, written, &|key| of_plan(key, plan), &mut out);
        for (activity, written) in plan.activities.iter().zip(tables_at(written, "activity")) {
            section(&ACTIVITY, written, &|key| of_activity(key, activity), &mut out);
        }
    }
    if let EffectiveScope::Device(_) = shown {
        return out;
    }
    let none = Written::new();
    let notify = written.get("notify").and_then(Value::as_table).unwrap_or(&none);
    section(&NOTIFY, notify, &|_| None, &mut out);
    for webhook in tables_at(notify, "webhook") {
        section(&WEBHOOK, webhook, &|_| None, &mut out);
    }
    out
}

fn tables_at<'w>(written: &'w Written, name: &str) -> impl Iterator<Item = &'w Written> {
    let tables = written.get(name).and_then(Value::as_array);
    tables.into_iter().flatten().filter_map(Value::as_table)
}

/// One table: its keys in the order of the reference. `model` gives the value of a key
/// where the model has a better one than the text.
fn section(table: &Table, written: &Written, model: &dyn Fn(&Key) -> Option<String>, out: &mut String) {
    let mut lines = Vec::new();
    for key in table.keys {
        match (&key.kind, written.get(key.name)) {
            // Arrays of tables have sections of their own.
            (KeyKind::Tables(_), _) => {}
            // Keys of the other action.
            (_, None) if matches!(key.absent, Absent::Means(words) if words.contains("else refused")) => {}
            (KeyKind::Table(inner), value) if key.name != "tls" => {
                let none = Written::new();
                let value = value.and_then(Value::as_table);
                let needs_more = inner
                    .keys
                    .iter()
                    .any(|below| matches!(below.absent, Absent::Error));
                let is_nothing =
                    needs_more || matches!(key.absent, Absent::Means(words) if words == "always");
                if value.is_none() && is_nothing {
                    lines.push(absent(key, model(key)));
                } else {
                    let value = value.unwrap_or(&none);
                    for below in inner.keys {
                        let mut line = line(below, value.get(below.name), None);
                        line.text = prefixed(key.name, &line.text);
                        lines.push(line);
                    }
                }
            }
            (_, value) => lines.push(line(key, value, model(key))),
        }
    }
    out.push_str(&format!("\n{}\n", table.heading));
    let width = lines
        .iter()
        .map(|line| line.text.chars().count())
        .filter(|width| *width <= 60)
        .max();
    for line in lines {
        out.push_str(&format!(
            "{:<width$}  # {}\n",
            line.text,
            line.origin,
            width = width.unwrap_or(0)
        ));
    }
}

fn prefixed(name: &str, line: &str) -> String {
    match line.strip_prefix("# ") {
        Some(comment) => format!("# {name}.{comment}"),
        None => format!("{name}.{line}"),
    }
}

fn line(key: &Key, value: Option<&Value>, model: Option<String>) -> EffectiveLine {
    let Some(value) = value else {
        return absent(key, model);
    };
    let shown = match key.kind {
        // Never what is written: it may be the secret itself, or an argument that holds one.
        KeyKind::TextOrTable(table) if std::ptr::eq(table, &PASSWORD) => source(value),
        _ => model.unwrap_or_else(|| value.to_string()),
    };
    EffectiveLine {
        text: format!("{} = {shown}", key.name),
        origin: "file".to_owned(),
    }
}

/// Where a secret comes from.
fn source(value: &Value) -> String {
    let form = value.as_table().and_then(|forms| forms.iter().next());
    let source = match form.map(|(form, from)| (form.as_str(), from)) {
        Some(("env", Value::String(name))) => SecretSource::Env(name.clone()),
        Some(("file", Value::String(path))) => SecretSource::File(path.into()),
        Some(("credential", Value::String(name))) => SecretSource::Credential(name.clone()),
        Some(("command", Value::Array(words))) => {
            let program = words.first().and_then(Value::as_str).unwrap_or_default();
            SecretSource::Command(vec![program.to_owned()])
        }
        _ => SecretSource::Plain(String::new().into()),
    };
    format!("<{}>", source.describe())
}

/// A key that is not written.
fn absent(key: &Key, model: Option<String>) -> EffectiveLine {
    let origin = "default".to_owned();
    match (model, &key.absent) {
        (Some(shown), _) => EffectiveLine {
            text: format!("{} = {shown}", key.name),
            origin,
        },
        (None, Absent::Default(text)) => {
            let bare = matches!(key.kind, KeyKind::Boolean | KeyKind::Integer { .. });
            let shown = if bare { (*text).to_owned() } else { quoted(text) };
            EffectiveLine {
                text: format!("{} = {shown}", key.name),
                origin,
            }
        }
        (None, Absent::Means(words)) => EffectiveLine {
            text: format!("# {} is not set", key.name),
            origin: words.replace('`', ""),
        },
        // A checked file has what it must have.
        (None, Absent::Error) => EffectiveLine {
            text: format!("# {} is not set", key.name),
            origin,
        },
    }
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn of_settings(key: &Key, settings: &Settings) -> Option<String> {
    match key.name {
        "store" => Some(path(&settings.store)),
        "history" => Some(path(&settings.history)),
        "scripts_dir" => Some(path(&settings.scripts_dir)),
        _ => None,
    }
}

fn of_device(key: &Key, device: &Device) -> Option<String> {
    match key.name {
        "tls" => Some(format!("<{}>", device.tls)),
        _ => None,
    }
}

fn of_plan(key: &Key, plan: &Plan) -> Option<String> {
    match key.name {
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

fn of_activity(key: &Key, activity: &Activity) -> Option<String> {
    match key.name {
        "error_policy" => Some(quoted(match activity.error_policy {
            ErrorPolicy::Halt => "halt",
            ErrorPolicy::Ignore => "ignore",
        })),
        "pre_script" => activity.pre_script.as_deref().map(path),
        "post_script" => activity.post_script.as_deref().map(path),
        _ => None,
    }
}
