//! What holds: every value of a plan file, written or not, and where it comes from.
//!
//! The file gives what is written, the tables of keys give the rest. Where the checked
//! model says more than the text (a whole path, the window behind "default") it is shown
//! as the model has it. Secrets are shown by their source only.

mod layers;
mod model;

use toml::{Table as Written, Value};

use crate::plan::effective::layers::{Layers, OF_PLAN, OF_WINDOW, OfSettings};
use crate::plan::effective::model::{default_of, of_activity, of_device, of_plan, of_settings};
use crate::plan::keys::device::{DEVICE, DEVICE_DEFAULTS, PASSWORD};
use crate::plan::keys::notify::{NOTIFY, WEBHOOK};
use crate::plan::keys::tables::{ACTIVITY, PLAN, SETTINGS};
use crate::plan::keys::{Absent, Key, KeyKind, Table};
use crate::plan::model::{Device, Plan, PlanFile};
use crate::plan::written_file::WrittenFile;
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
    Device(&'s Device),
}

/// What holds. `texts` are the plan file and those that it includes.
pub fn effective(file: &PlanFile, texts: &[WrittenFile], shown: EffectiveScope<'_>) -> String {
    let parsed = with_origins(texts);
    let nothing = (WRITTEN.to_owned(), Written::new());
    let (main_origin, written) = parsed.first().unwrap_or(&nothing);
    let none = Written::new();
    let table = |name: &str| written.get(name).and_then(Value::as_table).unwrap_or(&none);
    let settings = Layers::of(table("settings"), main_origin);
    let defaults = table("device_defaults");
    let mut out = format!("# {}\n", file.path.display());
    for included in &file.included {
        out.push_str(&format!("# includes {}\n", included.display()));
    }
    section(
        &SETTINGS,
        settings,
        &|key| of_settings(key, &file.settings),
        &mut out,
    );
    // Where it is absent each device shows what holds in its place.
    if matches!(shown, EffectiveScope::All) && written.contains_key("device_defaults") {
        section(
            &DEVICE_DEFAULTS,
            Layers::of(defaults, main_origin),
            &|_| None,
            &mut out,
        );
    }
    for (device, (origin, own)) in file.devices.iter().zip(tables_of(&parsed, "device")) {
        if shown.has_device(device) {
            let layers = Layers {
                own,
                origin,
                of_all: Some(defaults),
                table: settings.table("timeouts").map(OfSettings::Timeouts),
                inherited: None,
            };
            section(&DEVICE, layers, &|key| of_device(key, device), &mut out);
        }
    }
    for (plan, table) in file.plans.iter().zip(tables_of(&parsed, "plan")) {
        if shown.has_plan(plan) {
            with_activities(plan, table, settings, &mut out);
        }
    }
    if !matches!(shown, EffectiveScope::Device(_)) {
        section(
            &NOTIFY,
            Layers::of(table("notify"), main_origin),
            &|_| None,
            &mut out,
        );
        webhooks(&parsed, &mut out);
    }
    out
}

impl EffectiveScope<'_> {
    fn has_device(self, device: &Device) -> bool {
        match self {
            EffectiveScope::All => true,
            EffectiveScope::Plan(plan) => plan.concerns(device),
            EffectiveScope::Device(only) => only.name == device.name,
        }
    }

    fn has_plan(self, plan: &Plan) -> bool {
        match self {
            EffectiveScope::All => true,
            EffectiveScope::Plan(only) => only.name == plan.name,
            EffectiveScope::Device(_) => false,
        }
    }
}

/// A plan and its activities. A retention takes the place of that of the settings as a whole.
fn with_activities(plan: &Plan, (origin, written): (&str, &Written), settings: Layers<'_>, out: &mut String) {
    let shared = settings
        .table("retention")
        .filter(|_| !written.contains_key("retention"));
    let layers = Layers {
        table: shared.map(OfSettings::Retention),
        inherited: settings
            .own
            .get("default_window")
            .map(|window| ("maintenance_window", window, OF_WINDOW)),
        ..Layers::of(written, origin)
    };
    section(&PLAN, layers, &|key| of_plan(key, plan), out);
    let policy = written.get("error_policy");
    for (activity, written) in plan.activities.iter().zip(tables_at(written, "activity")) {
        let layers = Layers {
            inherited: policy.map(|policy| ("error_policy", policy, OF_PLAN)),
            ..Layers::of(written, origin)
        };
        section(&ACTIVITY, layers, &|key| of_activity(key, activity), out);
    }
}

/// The webhooks of all files.
fn webhooks(parsed: &[(String, Written)], out: &mut String) {
    for (origin, written) in parsed {
        let notify = written.get("notify").and_then(Value::as_table);
        for webhook in notify.into_iter().flat_map(|notify| tables_at(notify, "webhook")) {
            section(&WEBHOOK, Layers::of(webhook, origin), &|_| None, out);
        }
    }
}

/// What stands in each file, and what is said of where that is.
fn with_origins(texts: &[WrittenFile]) -> Vec<(String, Written)> {
    let with_origin = |text: &WrittenFile| {
        let origin = match texts {
            [_] => WRITTEN.to_owned(),
            _ => format!("{WRITTEN} in {}", text.name),
        };
        (origin, text.table.clone())
    };
    texts.iter().map(with_origin).collect()
}

/// The tables of this name in all files, each with where it stands.
fn tables_of<'w>(
    parsed: &'w [(String, Written)],
    name: &'w str,
) -> impl Iterator<Item = (&'w str, &'w Written)> {
    let of_file = move |(origin, written): &'w (String, Written)| {
        tables_at(written, name).map(move |table| (origin.as_str(), table))
    };
    parsed.iter().flat_map(of_file)
}

fn tables_at<'w>(written: &'w Written, name: &str) -> impl Iterator<Item = &'w Written> {
    let tables = written.get(name).and_then(Value::as_array);
    tables.into_iter().flatten().filter_map(Value::as_table)
}

const WRITTEN: &str = "written";

const OF_TOOL: &str = "default of the tool";

/// One table: its keys in the order of the reference. `model` gives the value of a key
/// where the model has a better one than the text.
fn section(table: &Table, layers: Layers<'_>, model: &dyn Fn(&str) -> Option<String>, out: &mut String) {
    let mut lines = Vec::new();
    for key in table.keys {
        match (&key.kind, layers.value(key.name)) {
            // Arrays of tables have sections of their own.
            (KeyKind::Tables(_), _) => {}
            // Keys of the other action.
            (_, None) if matches!(key.absent, Absent::OfOneAction(_)) => {}
            (KeyKind::Table(inner), _) if key.name != "tls" => {
                let needs_more = inner
                    .keys
                    .iter()
                    .any(|below| matches!(below.absent, Absent::Error));
                let is_nothing = needs_more || matches!(key.absent, Absent::MeansOfAll(_));
                if !layers.has_below(key.name) && is_nothing {
                    lines.push(absent(key, model(key.name)));
                    continue;
                }
                for inner in inner.keys {
                    let dotted = format!("{}.{}", key.name, inner.name);
                    let value = layers.value_below(key.name, inner.name);
                    let model = model(&dotted).filter(|_| value.is_none());
                    let mut line = line(inner, value, model);
                    line.text = prefixed(key.name, &line.text);
                    lines.push(line);
                }
            }
            (_, value) => lines.push(line(key, value, model(key.name))),
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

fn line(key: &Key, value: Option<(&Value, &str)>, model: Option<String>) -> EffectiveLine {
    let Some((value, origin)) = value else {
        return absent(key, model);
    };
    let shown = match key.kind {
        // Never what is written: it may be the secret itself, or an argument that holds one.
        KeyKind::TextOrTable(table) if std::ptr::eq(table, &PASSWORD) => source(value),
        KeyKind::OpenTextOrTable(_) if value.is_table() => source(value),
        _ => {
            let written = value.to_string();
            let shown = model.unwrap_or_else(|| written.clone());
            // What a text stands for is not what somebody finds when looking for it.
            let origin = match value {
                Value::String(_) if shown != written => format!("{origin} as {written}"),
                _ => origin.to_owned(),
            };
            return EffectiveLine {
                text: format!("{} = {shown}", key.name),
                origin,
            };
        }
    };
    EffectiveLine {
        text: format!("{} = {shown}", key.name),
        origin: origin.to_owned(),
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
    match (model.or_else(|| default_of(key)), &key.absent) {
        (Some(shown), _) => EffectiveLine {
            text: format!("{} = {shown}", key.name),
            origin: OF_TOOL.to_owned(),
        },
        (None, Absent::Means(words) | Absent::MeansOfAll(words) | Absent::OfOneAction(words)) => {
            EffectiveLine {
                text: format!("# {} is not set", key.name),
                origin: words.replace('`', ""),
            }
        }
        // A checked file has what it must have.
        (None, Absent::Error | Absent::Default(_)) => EffectiveLine {
            text: format!("# {} is not set", key.name),
            origin: OF_TOOL.to_owned(),
        },
    }
}
