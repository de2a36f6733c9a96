//! Whole files, from text to model; [`findings`] holds those with mistakes.

mod bounds;
mod findings;
mod fleet;
mod hosts;
mod include;
mod notify;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use toml::de::DeValue;

use super::*;
use crate::plan::diagnostic::Style;
use crate::plan::file::LARGEST_FILE;
use crate::plan::keys::Table;
use crate::plan::keys::file::{FILE, tables};
use crate::plan::model::{
    Action, DeviceRole, Domains, ErrorPolicy, MountRule, OnUnchanged, PostScriptWhen, Trust,
};
use crate::secret::SecretSource;
use crate::values::retention::Retention;
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

fn check(text: &str) -> Result<Loaded, PlanFindings> {
    let checked = check_text(text, Path::new("conf/plans.toml"), Readers::Others, &env);
    let found = match &checked {
        Ok(loaded) => &loaded.warnings,
        Err(found) => found,
    };
    for finding in &found.findings {
        // In the label it stands where the place itself shows what is to be written there.
        let says_what_to_do = finding.help.is_some() || finding.labels[0].text.contains("write ");
        assert!(says_what_to_do, "no next step: {finding:?}");
    }
    checked
}

fn valid(text: &str) -> PlanFile {
    match check(text) {
        Ok(loaded) => loaded.plan_file,
        Err(found) => panic!("{}", found.render(Style::Plain)),
    }
}

/// The findings of a text as "line:column title", errors and warnings.
fn titles(text: &str) -> Vec<String> {
    let findings = match check(text) {
        Ok(loaded) => loaded.warnings.findings,
        Err(found) => found.findings,
    };
    findings
        .into_iter()
        .map(|found| format!("{}:{} {}", found.line, found.column, found.title))
        .collect()
}

#[test]
fn the_example_is_valid_and_without_warnings() {
    let loaded = check(EXAMPLE)
        .map_err(|found| found.render(Style::Plain))
        .expect("valid");
    assert_eq!(loaded.warnings.render(Style::Plain), "");
    assert_eq!(loaded.plan_file.devices.len(), 5);
    assert_eq!(loaded.plan_file.plans.len(), 2);
}

#[test]
fn the_example_shows_every_key() {
    let (root, _) = DeTable::parse_recoverable(EXAMPLE);
    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    note_keys(&FILE, &DeValue::Table(root.into_inner()), &mut seen);
    // What an included file may have stands in the plan file itself here.
    let of_the_file = tables()
        .into_iter()
        .filter(|table| !table.heading.contains("included"));
    for table in of_the_file {
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

#[test]
fn the_example_becomes_the_model_that_it_describes() {
    let file = valid(EXAMPLE);
    assert_eq!(file.settings.store.known(), Some(Path::new("/backup/datapower")));
    assert_eq!(file.settings.min_free_device, Threshold::Share(25.0));
    let devices: Vec<_> = file
        .devices
        .iter()
        .map(|device| (device.port, device.password.describe()))
        .collect();
    assert_eq!(
        devices,
        [
            (5550, "environment variable QA1_PASSWORD".to_owned()),
            (5550, "file /etc/dpbackup/secrets/qa2".to_owned()),
            (5550, "command pass".to_owned()),
            (5550, "credential test9".to_owned()),
            (5550, "file /etc/dpbackup/secrets/gateways".to_owned()),
        ]
    );
    assert!(matches!(&file.devices[0].tls, Trust::CaFile(path) if path.ends_with("gateways-ca.pem")));
    assert!(matches!(&file.devices[1].tls, Trust::Pin(pin) if pin[0] == 0x5c && pin[31] == 0x29));
    assert_eq!(file.devices[2].tls, Trust::SystemRoots);
    assert!(matches!(&file.devices[3].tls, Trust::CaFile(_)), "of all devices");
    let tags: Vec<&[String]> = file.devices.iter().map(|device| device.tags.as_slice()).collect();
    assert_eq!(
        tags,
        [&["qa"][..], &["qa"], &["test", "slow-link"], &["test"], &["qa"]]
    );
    assert_eq!(
        file.devices[2].username.describe(),
        "user from environment variable TEST8_USER"
    );
    assert_eq!(file.devices[2].timeouts.export, Duration::from_secs(7_200));
    assert_eq!(file.devices[3].timeouts, file.settings.timeouts);
    let spares: Vec<_> = file
        .devices
        .iter()
        .filter(|device| device.role == DeviceRole::Spare)
        .collect();
    assert!(matches!(spares.as_slice(), [spare] if spare.name == "SPARE1"));
    assert!(!file.plans.iter().any(|plan| plan.concerns(spares[0])));

    let qa = file.plan("BackupQA").expect("BackupQA");
    assert_eq!(
        qa.window.as_ref().map(ToString::to_string),
        Some("21:30-06:30 Europe/Rome".to_owned())
    );
    assert_eq!(
        qa.pre_script,
        Some(PathBuf::from("/etc/dpbackup/scripts/pre-plan.sh"))
    );
    assert!(qa.notify.syslog && qa.notify.email && qa.enabled);
    let shown = |retention: Option<Retention>| retention.expect("a retention").to_string();
    assert_eq!(
        shown(file.settings.retention),
        "keep_last = 7, keep_daily = 14, keep_weekly = 8, keep_monthly = 12, keep_within = \"30d\""
    );
    assert_eq!(shown(qa.retention), "keep_last = 3, keep_monthly = 24");
    assert_eq!(
        qa.activities[0].action,
        Action::SecureBackup {
            certificate: "backup-cert".to_owned()
        }
    );
    assert!(qa.activities[0].quiesce);
    assert_eq!(qa.activities[0].error_policy, ErrorPolicy::Halt, "of the plan");
    assert_eq!(qa.activities[1].devices.to_string(), "TEST8, @test");
    let Action::ExportDomain {
        domains: Domains::Matching(domains),
    } = &qa.activities[1].action
    else {
        panic!("an export of matching domains");
    };
    assert!(domains.matches("DOMAIN1") && !domains.matches("DOMAIN-scratch"));

    let weekly = file.plan("Everything, weekly").expect("the weekly one");
    assert_eq!(
        weekly.activities[0].action,
        Action::ExportDomain {
            domains: Domains::All
        }
    );
    assert_eq!(
        weekly.activities[0].error_policy,
        ErrorPolicy::Ignore,
        "of the plan"
    );
    assert_eq!(weekly.activities[0].post_script_when, PostScriptWhen::Always);
    assert!(file.plan("backupqa").is_none() && file.device("TEST8").is_some());
}

#[test]
fn the_least_file_has_the_documented_defaults() {
    let file = valid(&format!("{LEAST}{QA1}[[plan]]\nname = \"P\"\nenabled = false\n"));
    let settings = &file.settings;
    assert_eq!(settings.store.known(), Some(Path::new("conf/store")));
    assert_eq!(
        settings.history,
        Path::new("/home/op/.local/state/dpbackup/history.db")
    );
    assert_eq!(settings.scripts_dir, Path::new("conf/scripts"));
    assert!(settings.backups_enabled);
    assert_eq!(settings.require_mount, MountRule::No);
    assert_eq!(settings.min_free_store, Threshold::Share(10.0));
    assert_eq!(settings.max_file, 64 << 30);
    assert_eq!(settings.quiesce_timeout, Duration::from_secs(60));
    assert_eq!(settings.unquiesce_timeout, Duration::from_secs(60));
    assert_eq!(settings.quiesce_grace, Duration::from_secs(180));
    assert_eq!(settings.script_timeout, Duration::from_secs(600));
    assert_eq!(settings.task_expiry, Duration::from_secs(86_400));
    assert_eq!(settings.timeouts.secure_backup, Duration::from_secs(3_600));
    assert_eq!(settings.timeouts.idle, Duration::from_secs(120));
    assert_eq!((settings.retries, settings.on_unchanged), (2, OnUnchanged::Store));
    assert_eq!(settings.retention, None);
    assert_eq!(
        (file.devices[0].port, &file.devices[0].tls),
        (5550, &Trust::SystemRoots)
    );
    let plan = &file.plans[0];
    assert_eq!(plan.window, None);
    assert!(!plan.notify.syslog && !plan.notify.email && plan.activities.is_empty());
}

#[test]
fn a_short_quiesce_timeout_is_a_warning_and_only_if_something_quiesces() {
    let text = |quiesce: bool| {
        format!(
            "{LEAST}quiesce_timeout = \"30s\"\n{QA1}[[plan]]\nname = \"P\"\n[[plan.activity]]\n\
             action = \"export-domain\"\ndevices = \"*\"\ndomains = \"*\"\nquiesce = {quiesce}\n"
        )
    };
    assert_eq!(
        valid(&text(true)).settings.quiesce_timeout,
        Duration::from_secs(30)
    );
    assert_eq!(titles(&text(true)), ["3:19 `quiesce_timeout` is too short"]);
    assert_eq!(titles(&text(false)), [""; 0]);
}

#[test]
fn without_a_home_the_history_file_must_be_named() {
    let no_home = |_: &str| None;
    let check = |text: &str| check_text(text, Path::new("plans.toml"), Readers::Others, &no_home);
    let found = check(LEAST).expect_err("no default");
    assert_eq!(found.findings[0].title, "`history` is missing");
    assert!(check(&format!("{LEAST}history = \"h.db\"\n")).is_ok());
}

#[test]
fn a_plain_password_is_a_warning_in_a_file_of_its_owner_and_never_shown() {
    let text = format!("{LEAST}{}", QA1.replace("{ env = \"P\" }", "\"hunter2\""));
    let owner_only = check_text(&text, Path::new("plans.toml"), Readers::OwnerOnly, &env).expect("accepted");
    // The other one is that no plan backs it up.
    assert_eq!(owner_only.warnings.summary(), "2 warnings");
    assert!(matches!(
        owner_only.plan_file.devices[0].password,
        SecretSource::Plain(_)
    ));
    let others = check(&text).expect_err("refused");
    assert_eq!(others.summary(), "1 error");
    for shown in [
        format!("{owner_only:?}"),
        owner_only.warnings.render(Style::Coloured),
        format!("{others:?}"),
        others.render(Style::Plain),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn an_ipv6_address_is_taken_with_and_without_brackets() {
    for host in ["::1", "[fe80::1]"] {
        let file = valid(&format!(
            "{LEAST}{}",
            QA1.replace("\"qa1\"", &format!("\"{host}\""))
        ));
        assert_eq!(file.devices[0].host, host.trim_matches(['[', ']']));
    }
}

#[test]
fn line_ends_of_other_systems_and_a_byte_order_mark_are_read() {
    let text = format!("\u{feff}{LEAST}{QA1}retries = 1\n").replace('\n', "\r\n");
    assert_eq!(titles(&text), ["8:1 unknown key `retries`"]);
}

#[test]
fn a_file_is_read_from_disk_with_its_mode() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("plans.toml");
    let write = |bytes: &[u8], mode: u32| {
        std::fs::write(&path, bytes).expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    };
    let absent = load(&path, &env).expect_err("absent").to_string();
    assert_eq!(absent, format!("cannot read the plan file {}", path.display()));
    let folder = load(dir.path(), &env).expect_err("a folder");
    assert!(matches!(folder, LoadError::Untrusted { .. }), "{folder}");

    let plain = format!("{LEAST}{}", QA1.replace("{ env = \"P\" }", "\"hunter2\""));
    write(plain.as_bytes(), 0o640);
    assert!(matches!(load(&path, &env), Err(LoadError::Invalid(found)) if found.errors() == 1));
    write(plain.as_bytes(), 0o600);
    assert_eq!(load(&path, &env).expect("valid").plan_file.path, path);

    write(b"[settings]\nstore = \"\xff\"\n", 0o600);
    assert!(matches!(load(&path, &env), Err(LoadError::NotText { .. })));
    write(&vec![b'\n'; LARGEST_FILE as usize + 1], 0o600);
    assert!(matches!(load(&path, &env), Err(LoadError::TooLarge { .. })));
}

proptest! {
    /// Whatever is done to a file, the answer is a model, or findings with an error in it
    /// that can be shown.
    #[test]
    fn a_damaged_file_gives_a_model_or_errors(
        from in 0..EXAMPLE.len(),
        length in 0..200_usize,
        put in "[\\[\\]{}=\",.'# \nßa1!*-]{0,12}",
    ) {
        let border = |at: usize| (0..=at.min(EXAMPLE.len())).rev().find(|at| EXAMPLE.is_char_boundary(*at));
        let (from, until) = (border(from).unwrap_or(0), border(from + length).unwrap_or(0));
        let text = format!("{}{put}{}", &EXAMPLE[..from], &EXAMPLE[until.max(from)..]);
        if let Err(found) = check(&text) {
            prop_assert!(found.errors() > 0, "refused without a reason:\n{text}");
            prop_assert!(!found.render(Style::Plain).is_empty());
        }
    }
    /// A password is not shown, whatever is wrong with the rest of the file.
    #[test]
    fn a_damaged_file_does_not_show_its_password(
        before in "[\\[\\]{}=\",.'# \na!*-]{0,12}",
        from in 0..LEAST.len(),
        after in "[\\[\\]{}=\",.'# \na!*-]{0,12}",
    ) {
        let (head, tail) = LEAST.split_at(from);
        let device = QA1.replace("{ env = \"P\" }", "\"hunter2\"");
        let text = format!("{head}{before}{tail}{device}{after}\n{after}password = hunter2\n");
        let shown = match check(&text) {
            Ok(loaded) => loaded.warnings.render(Style::Plain),
            Err(found) => found.render(Style::Plain),
        };
        prop_assert!(!shown.contains("hunter2"), "{text}\n{shown}");
    }
}
