//! Whole files, from text to model or findings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use proptest::prelude::*;
use toml::de::DeValue;

use super::*;
use crate::plan::diagnostic::Style;
use crate::plan::keys::Table;
use crate::plan::keys::tables::FILE;
use crate::plan::model::{Action, Domains, ErrorPolicy, MountRule, OnUnchanged, PostScriptWhen, Trust};
use crate::plan::reference::tables;
use crate::secret::SecretSource;
use crate::values::size::Threshold;

const EXAMPLE: &str = include_str!("../../plans.example.toml");

/// The least that is valid, to which a test adds.
const LEAST: &str = "[settings]\nstore = \"store\"\n";

/// A device named QA1, valid.
const QA1: &str =
    "[[device]]\nname = \"QA1\"\nhost = \"qa1\"\nusername = \"u\"\npassword = { env = \"P\" }\n";

fn env(name: &str) -> Option<OsString> {
    (name == "HOME").then(|| "/home/op".into())
}

fn check(text: &str) -> Result<Loaded, Report> {
    check_text(text, Path::new("conf/plans.toml"), Readers::Others, &env)
}

fn valid(text: &str) -> PlanFile {
    match check(text) {
        Ok(loaded) => loaded.plan_file,
        Err(report) => panic!("{}", report.render(Style::Plain)),
    }
}

/// The errors of a text, rendered.
fn rendered(text: &str) -> String {
    check(text).expect_err("errors").render(Style::Plain)
}

/// The findings of a text as "line:column title", errors and warnings.
fn titles(text: &str) -> Vec<String> {
    let findings = match check(text) {
        Ok(loaded) => loaded.warnings.findings,
        Err(report) => report.findings,
    };
    findings
        .into_iter()
        .map(|found| format!("{}:{} {}", found.line, found.column, found.title))
        .collect()
}

#[test]
fn the_example_is_valid_and_without_warnings() {
    let loaded = check(EXAMPLE)
        .map_err(|report| report.render(Style::Plain))
        .expect("valid");
    assert_eq!(loaded.warnings.render(Style::Plain), "");
    assert_eq!(loaded.plan_file.devices.len(), 4);
    assert_eq!(loaded.plan_file.plans.len(), 2);
}

#[test]
fn the_example_shows_every_key() {
    let (root, _) = DeTable::parse_recoverable(EXAMPLE);
    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    note_keys(&FILE, &DeValue::Table(root.into_inner()), &mut seen);
    for table in tables() {
        let seen = seen.get(table.heading).cloned().unwrap_or_default();
        for name in table.names() {
            assert!(
                seen.iter().any(|key| key == name),
                "{name} of {} is not in the example",
                table.heading
            );
        }
    }
}

/// Notes which keys of which table are written under `value`.
fn note_keys(table: &'static Table, value: &DeValue<'_>, seen: &mut BTreeMap<&'static str, Vec<String>>) {
    match value {
        DeValue::Table(entries) => {
            for (key, value) in entries {
                seen.entry(table.heading)
                    .or_default()
                    .push(key.get_ref().to_string());
                if let Some(inner) = table.key(key.get_ref()).and_then(|key| key.kind.table()) {
                    note_keys(inner, value.get_ref(), seen);
                }
            }
        }
        DeValue::Array(items) => items
            .iter()
            .for_each(|item| note_keys(table, item.get_ref(), seen)),
        _ => {}
    }
}
