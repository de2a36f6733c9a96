//! The JSON schema of the plan file (2020-12), written from the tables of keys.
//!
//! It is for editors: it knows types, words, ranges and forms. What needs the whole file,
//! such as names that must be there, `dpbackup validate` finds.

use serde_json::{Map, Value, json};

use crate::plan::keys::device::{PASSWORD, TLS};
use crate::plan::keys::file::{FILE, tables};
use crate::plan::keys::tables::{ACTIVITY, WINDOW};
use crate::plan::keys::{Absent, Key, KeyKind, Table};

/// Letters decide nothing about units here: a word after each number will do.
const DURATION: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-zµ]+(\s*[0-9]+(\.[0-9]+)?\s*[A-Za-zµ]+)*\s*$";
const THRESHOLD: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*(%|[KMGTPkmgtp]?[Ii]?[Bb])?\s*$";
const SIZE: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*([KMGTPkmgtp]?[Ii]?[Bb])?\s*$";
const TIME: &str = "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$";
const SHA256: &str = "^:*([0-9A-Fa-f]:*){64}$";
const NAME: &str = "^[A-Za-z0-9._-]{1,128}$";
/// No shell replaces `~`.
const PATH: &str = "^(?!~(/|$)).+$";

/// The schema as text.
pub fn text() -> String {
    format!("{:#}\n", schema())
}

/// The schema.
pub fn schema() -> Value {
    let mut root = table_schema(&FILE);
    let definitions: Map<String, Value> = tables()
        .into_iter()
        .filter(|table| !std::ptr::eq(*table, &FILE))
        .map(|table| (definition(table), Value::Object(table_schema(table))))
        .collect();
    root.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    root.insert("title".to_owned(), json!("The plan file of dpbackup"));
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

/// The name of a table among the definitions: `[[plan.activity]]` is `plan.activity`.
fn definition(table: &Table) -> String {
    let name = table.heading.trim_matches(['[', ']']);
    name.strip_prefix("a ").unwrap_or(name).replace(' ', "-")
}

fn reference(table: &Table) -> Value {
    json!({ "$ref": format!("#/$defs/{}", definition(table)) })
}

fn table_schema(table: &Table) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("description".to_owned(), json!(plain(table.meaning)));
    let properties: Map<String, Value> = table
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), key_schema(key)))
        .collect();
    schema.insert("properties".to_owned(), Value::Object(properties));
    let required: Vec<&str> = table
        .keys
        .iter()
        .filter(|key| matches!(key.absent, Absent::Error))
        .map(|key| key.name)
        .collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    if std::ptr::eq(table, &PASSWORD) || std::ptr::eq(table, &TLS) {
        // Their keys exclude each other.
        schema.insert("minProperties".to_owned(), json!(1));
        schema.insert("maxProperties".to_owned(), json!(1));
    } else if std::ptr::eq(table, &WINDOW) {
        schema.insert(
            "dependentRequired".to_owned(),
            json!({ "start": ["end"], "end": ["start"] }),
        );
    } else if std::ptr::eq(table, &ACTIVITY) {
        schema.insert(
            "oneOf".to_owned(),
            json!([
                only_with("secure-backup", "certificate", "domains"),
                only_with("export-domain", "domains", "certificate"),
            ]),
        );
    }
    schema
}

/// With this action one key belongs to an activity, and the other does not.
fn only_with(action: &str, needed: &str, foreign: &str) -> Value {
    json!({
        "properties": { "action": { "const": action } },
        "required": [needed],
        "not": { "required": [foreign] },
    })
}

fn key_schema(key: &Key) -> Value {
    let mut schema = value_schema(&key.kind);
    if let Some(schema) = schema.as_object_mut() {
        let mut description = plain(key.meaning);
        match key.absent {
            Absent::Error => {}
            Absent::Default(text) => {
                schema.insert("default".to_owned(), default(&key.kind, text));
            }
            Absent::Means(words) | Absent::MeansOfAll(words) | Absent::OfOneAction(words) => {
                description.push_str(&format!(" Absent: {}.", plain(words)));
            }
        }
        schema.insert("description".to_owned(), json!(description));
    }
    schema
}

fn value_schema(kind: &KeyKind) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match kind {
        KeyKind::Text | KeyKind::Zone => text("^[^\r\n]+$"),
        KeyKind::Name => text(NAME),
        KeyKind::Names => json!({ "type": "array", "items": text(NAME) }),
        KeyKind::Boolean => json!({ "type": "boolean" }),
        KeyKind::Integer { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        KeyKind::Duration | KeyKind::DurationOrZero | KeyKind::Span => text(DURATION),
        KeyKind::Threshold => text(THRESHOLD),
        KeyKind::Size => text(SIZE),
        KeyKind::Path | KeyKind::Script => text(PATH),
        KeyKind::Patterns => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
        ] }),
        KeyKind::Choice(words) => json!({ "enum": words }),
        KeyKind::Time => text(TIME),
        KeyKind::Command => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        KeyKind::Sha256 => text(SHA256),
        KeyKind::Table(table) => reference(table),
        KeyKind::Tables(table) => json!({ "type": "array", "items": reference(table) }),
        KeyKind::Includes(_) => json!({ "type": "array", "items": text(PATH) }),
        KeyKind::ChoiceOrTable(words, table) => json!({ "anyOf": [{ "enum": words }, reference(table)] }),
        KeyKind::TextOrTable(table) | KeyKind::OpenTextOrTable(table) => {
            json!({ "anyOf": [{ "type": "string", "minLength": 1 }, reference(table)] })
        }
    }
}

/// The tables have defaults as text; here they have their types.
fn default(kind: &KeyKind, text: &str) -> Value {
    match kind {
        KeyKind::Boolean | KeyKind::Integer { .. } => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        _ => json!(text),
    }
}

/// Descriptions are shown as they are: without the backticks of Markdown.
fn plain(text: &str) -> String {
    text.replace('`', "")
}
