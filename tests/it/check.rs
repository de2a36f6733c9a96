//! `dpbackup check`: everything that a run needs, looked at before it is needed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::shown::shown;
use crate::simulator::{
    BackupMode, Clock, CryptoCertificate, Domain, Firmware, Gateway, Identity, Setup, Space, User,
};
use crate::support::{Home, deaf_port, eventually, export, gateways, is_being_connected_to, secure_backup};

const SECURE: &str =
    "[[plan.activity]]\naction = \"secure-backup\"\ndevices = \"QA*\"\ncertificate = \"backup-cert\"\n";
const EXPORT: &str =
    "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"DOM*\"\nquiesce = true\n";

#[test]
fn a_ca_file_that_cannot_be_read_is_no_matter_of_the_password() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let text = fs::read_to_string(home.plan_file()).expect("a plan file");
    fs::create_dir(home.path("certificates")).expect("a folder");
    let from = text.find("tls = ").expect("the trust of the device");
    let to = from + text[from..].find('\n').expect("its end");
    let text = format!(
        "{}tls = {{ ca_file = \"certificates\" }}{}",
        &text[..from],
        &text[to..]
    );
    fs::write(home.plan_file(), text).expect("a plan file");
    let ran = home.dpbackup(&["check", "QA1"]);
    assert!(!ran.stdout.contains("`password`"), "{}", ran.stdout);
}

#[test]
fn a_healthy_device_and_machine_are_ok_and_nothing_is_changed() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("scripts_dir = \"scripts\"")
        .script("pre.sh", "#!/bin/sh\n")
        .device("QA1", &gateway)
        .plan("P", &format!("pre_script = \"pre.sh\"\n{SECURE}{EXPORT}"));
    let ran = home.dpbackup(&["check"]).exits(0);
    assert_shown!(shown(&ran, &home));
    assert!(!home.store().exists() && !home.path("state").exists());
    let changes: Vec<String> = gateway.operations();
    assert!(
        changes
            .iter()
            .all(|operation| operation.starts_with("get-") || operation == "do-view-certificate-details"),
        "{changes:?}"
    );
}

#[test]
fn everything_that_is_wrong_is_found_in_one_go() {
    let hour_behind = Clock::told(|| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1));
    let gateway = Gateway::start(Setup {
        backup_mode: BackupMode::Normal,
        certificates: Vec::new(),
        space: Space {
            temporary: (10, 2_000),
            ..Space::default()
        },
        domains: vec![
            Domain::new("DOM1").quiesced(),
            Domain::new("DOM2").api_connect(),
            Domain::new("SALES"),
        ],
        clock: hour_behind,
        ..Setup::default()
    });
    let misspelt = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"SALSE\"\n\
                    [[plan.activity]]\naction = \"export-domain\"\ndevices = \"qa*\"\ndomains = \"SALES, HR\"\n\
                    [[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA*\"\ndomains = \"SALES, HR\"\n";
    let home = Home::new()
        .setting("scripts_dir = \"scripts\"")
        .setting("min_free_device = \"25%\"")
        .setting("min_free_store = \"100%\"")
        .device("QA1", &gateway)
        .plan(
            "P",
            &format!("pre_script = \"absent.sh\"\npost_script = \"plain.sh\"\n{SECURE}{EXPORT}{misspelt}"),
        );
    fs::write(home.path("scripts/plain.sh"), "#!/bin/sh\n").expect("a script");
    fs::set_permissions(home.path("scripts/plain.sh"), fs::Permissions::from_mode(0o600)).expect("its mode");
    assert_shown!(shown(&home.dpbackup(&["check"]).exits(1), &home));
}

#[test]
fn a_device_whose_certificate_nobody_looks_at_is_a_warning_and_never_reads_as_verified() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ verify = false }")
        .plan("P", EXPORT);
    let ran = home.dpbackup(&["check", "P"]).exits(3);
    assert!(ran.stdout.contains("WARN  tls "), "{}", ran.stdout);
    let words = "NOT VERIFIED: QA1 (`tls = { verify = false }`)";
    let preview = home.dpbackup(&["preview", "P"]).exits(0).stdout;
    assert_eq!(preview.matches(words).count(), 1, "{preview}");
    let ran = home.dpbackup(&["run", "P", "-v"]).exits(0);
    assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);
}

#[test]
fn a_device_that_is_away_or_not_trusted_skips_what_needs_it() {
    let gateway = Gateway::start(Setup {
        identity: Identity::Expired,
        ..Setup::default()
    });
    let home = Home::new()
        .absent_device("QA1")
        .device_at("QA2", gateway.port(), "{ ca_file = \"ca.pem\" }")
        .plan("P", EXPORT);
    fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    assert_shown!(shown(&home.dpbackup(&["check"]).exits(1), &home));
    assert!(
        gateway.requests().is_empty(),
        "no password goes to whom we do not trust"
    );
}

#[test]
fn a_check_that_is_asked_to_stop_names_the_devices_that_nobody_looked_at() {
    let (port, _held) = deaf_port();
    let home = Home::new()
        .timeouts("connect = 10m")
        .device_at("QA1", port, "{ verify = false }")
        .device_at("QA2", port, "{ verify = false }")
        .plan("P", EXPORT);
    for (arguments, signal, code) in [
        (["check", "--format", "table"], Signal::INT, 130),
        (["check", "-q", "P"], Signal::HUP, 129),
        (["check", "--format", "json"], Signal::TERM, 143),
    ] {
        let running = home.running(&arguments);
        eventually("a device is being connected to", || is_being_connected_to(port));
        running.signal(signal);
        let ran = running.end().exits(code);
        if arguments.contains(&"json") {
            let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
            assert_eq!(document["verdict"], "SKIP");
            for name in ["QA1", "QA2"] {
                let of_device = |item: &&serde_json::Value| item["subject"] == name;
                let items = document["items"].as_array().expect("items");
                let item = items.iter().find(of_device).expect(name);
                assert_eq!(
                    (&item["item"], &item["verdict"]),
                    (&"device".into(), &"SKIP".into())
                );
            }
        } else {
            let says = "\nNot looked at to the end, and not known: QA1, QA2\n";
            assert!(ran.stdout.contains(says), "{}", ran.stdout);
            assert!(ran.stdout.contains("0 FAIL, 2 SKIP"), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_refused_login_is_tried_once() {
    let gateway = Gateway::start(Setup {
        users: vec![User::new("backup", "another")],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &format!("{SECURE}{EXPORT}"));
    let ran = home.dpbackup(&["check"]).exits(1);
    assert!(ran.stdout.contains("FAIL  login "), "{}", ran.stdout);
    assert_eq!(gateway.requests().len(), 1);
}

#[test]
fn a_right_that_is_missing_is_named_where_it_is_missing() {
    let account = User::new("backup", "secret")
        .without("get-status/DateTimeStatus")
        .without("get-status/FilesystemStatus")
        .without("get-config/CryptoCertificate");
    let gateway = Gateway::start(Setup {
        users: vec![account],
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", SECURE);
    assert_shown!(shown(&home.dpbackup(&["check"]).exits(1), &home));
}

#[test]
fn a_place_that_holds_no_files_is_no_place_for_store_and_history() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::new()
        .setting("store = \"/proc/x\"")
        .setting("history = \"/proc/x/history.db\"")
        .setting("min_free_store = \"10%\"")
        .device("QA1", &gateway)
        .plan("P", EXPORT);
    let ran = home.dpbackup(&["check"]).exits(1);
    let why = "/proc is on a file system that holds no files (0 B in all)";
    for line in [
        format!("  FAIL  store        {why}\n"),
        "  SKIP  store space  there is no store\n".to_owned(),
        format!("  FAIL  history      /proc/x/history.db cannot be used: {why}"),
    ] {
        assert!(ran.stdout.contains(&line), "{line}: {}", ran.stdout);
    }
}

#[test]
fn a_check_and_a_run_say_the_same_of_a_script_that_cannot_start() {
    let gateway = Gateway::start(Setup::default());
    for (script, text, why) in [
        (
            "windows.sh",
            "#!/bin/sh\r\nexit 0\r\n",
            "there is no interpreter '/bin/sh\\r'",
        ),
        (
            "lost.sh",
            "#!/no/such/shell\n",
            "the interpreter /no/such/shell named in the first line",
        ),
        ("folder", "", "scripts/folder is a folder, not a script"),
    ] {
        let mut home = Home::new().setting("scripts_dir = \"scripts\"");
        if text.is_empty() {
            fs::create_dir(home.path("scripts/folder")).expect("a folder");
        } else {
            home = home.script(script, text);
        }
        let home = home
            .device("QA1", &gateway)
            .plan("P", &format!("pre_script = \"{script}\"\n{EXPORT}"));
        let checked = home.dpbackup(&["check"]).exits(1);
        assert!(checked.stdout.contains(why), "{}", checked.stdout);
        let ran = home.dpbackup(&["run", "P"]).exits(4);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
}

/// The line about the certificate of secure backups, where it is like this.
fn certificate_line(setup: Setup, code: i32) -> String {
    let gateway = Gateway::start(setup);
    let home = Home::of(&gateway).plan("P", SECURE);
    let ran = home.dpbackup(&["check"]).exits(code);
    let mut lines = ran.stdout.lines();
    let line = lines.find(|line| line.contains("  certificate  "));
    line.expect("a line about the certificate").trim().to_owned()
}

#[test]
fn the_certificate_of_secure_backups_says_when_it_expires() {
    let until = |days: i64| {
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days + 1);
        Setup {
            certificates: vec![CryptoCertificate::new("backup-cert").until(end)],
            ..Setup::default()
        }
    };
    assert_eq!(
        certificate_line(until(30), 0),
        "OK    certificate  'backup-cert' is there; it expires in 30 days"
    );
    assert_eq!(
        certificate_line(until(29), 3),
        "WARN  certificate  'backup-cert' is there; it expires in 29 days"
    );
    assert_eq!(
        certificate_line(until(1), 3),
        "WARN  certificate  'backup-cert' is there; it expires in 1 day"
    );
    let expired = certificate_line(until(-1), 1);
    assert!(
        expired.starts_with("FAIL  certificate  'backup-cert' expired on 20"),
        "{expired}"
    );
}

#[test]
fn a_certificate_of_secure_backups_that_is_not_valid_yet_fails_like_an_expired_one() {
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    let setup = Setup {
        certificates: vec![CryptoCertificate {
            not_before: Some(later),
            ..CryptoCertificate::new("backup-cert")
        }],
        ..Setup::default()
    };
    let day = later.strftime("%Y-%m-%d");
    assert_eq!(
        certificate_line(setup, 1),
        format!("FAIL  certificate  'backup-cert' is not valid before {day}")
    );
}

#[test]
fn a_certificate_whose_expiry_is_not_told_is_warned_of_and_no_failure() {
    let not_told = "WARN  certificate  'backup-cert' is there; when it expires is not known: the device does not show it";
    let without_dates = Setup {
        certificates: vec![CryptoCertificate {
            not_after: None,
            ..CryptoCertificate::new("backup-cert")
        }],
        ..Setup::default()
    };
    assert_eq!(certificate_line(without_dates, 3), not_told);
    let refused = Setup {
        users: vec![User::new("backup", "secret").without("do-view-certificate-details")],
        ..Setup::default()
    };
    assert_eq!(certificate_line(refused, 3), not_told);
    let too_old = Setup {
        firmware: Firmware::v5(),
        ..Setup::default()
    };
    assert_eq!(certificate_line(too_old, 3), not_told);
}

#[test]
fn old_firmware_is_no_failure() {
    let gateway = Gateway::start(Setup {
        firmware: Firmware::v5(),
        ..Setup::default()
    });
    let home = Home::of(&gateway).plan("P", &format!("{SECURE}{EXPORT}"));
    let ran = home.dpbackup(&["check"]).exits(3);
    assert!(ran.stdout.contains("XI52.5.0.0.9"), "{}", ran.stdout);
}

#[test]
fn json_has_an_object_an_item() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT);
    let ran = home.dpbackup(&["check", "--format", "json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        (&json["schema_version"], &json["verdict"]),
        (&1.into(), &"OK".into())
    );
    let items = json["items"].as_array().expect("items");
    assert!(
        items
            .iter()
            .any(|item| item["subject"] == "QA1" && item["item"] == "login")
    );
    assert!(items.iter().all(|item| item["hint"].is_null()));
}

#[test]
fn a_plan_that_is_turned_off_is_checked_only_when_it_is_named() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", &format!("enabled = false\n{EXPORT}"));
    let ran = home.dpbackup(&["check"]).exits(2);
    assert!(
        ran.stderr.contains("has no plan that is enabled"),
        "{}",
        ran.stderr
    );
    let ran = home.dpbackup(&["check", "P"]).exits(3);
    assert!(ran.stdout.contains("PLAN_IS_DISABLED"), "{}", ran.stdout);
}

#[test]
fn a_device_that_lists_default_alone_is_not_said_to_have_nothing_quiesced() {
    let gateway = gateways::with_domains([]);
    let home = Home::of(&gateway).plan("P", &secure_backup("*", "quiesce = true"));
    let ran = home.dpbackup(&["check"]).exits(3);
    let line = ran
        .stdout
        .lines()
        .find(|line| line.contains(" quiesced "))
        .expect("the item");
    assert!(line.contains("WARN") && line.contains("not known"), "{line}");
}

#[test]
fn a_link_that_leads_nowhere_is_no_store_that_the_first_run_makes() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let store = home.store();
    std::os::unix::fs::symlink("/nowhere/backup", &store).expect("a link");
    let ran = home.dpbackup(&["check"]).exits(1);
    assert!(
        ran.stdout
            .contains("is a link to /nowhere/backup, and nothing is there"),
        "{}",
        ran.stdout
    );
    let preview = home.dpbackup(&["preview", "P"]);
    assert_ne!(preview.code, Some(0), "{preview:?}");
    let _ = home.dpbackup(&["run", "P"]).exits(4);
    std::fs::remove_file(&store).expect("the link");
    std::os::unix::fs::symlink(&store, &store).expect("a circle");
    let ran = home.dpbackup(&["check"]).exits(1);
    assert!(ran.stdout.contains("cannot be looked at: "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("the first run makes it"), "{}", ran.stdout);
}

#[test]
fn the_file_of_the_metrics_is_written_beside_a_plan_file_that_is_named_without_a_folder_and_in_no_folder_that_is_not_there()
 {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .plan("P", &export("*", "DOM1", ""));
    let text = std::fs::read_to_string(home.plan_file()).expect("the plan file");
    for (path, code, said) in [
        ("m.prom", 0, "m.prom can be written"),
        (
            "nope/m.prom",
            3,
            "nope cannot be written: No such file or directory",
        ),
    ] {
        let text = format!("{text}\n[notify.metrics]\npath = \"{path}\"\n");
        std::fs::write(home.path("near.toml"), text).expect("a plan file");
        let ran = home.dpbackup(&["--config", "near.toml", "check"]).exits(code);
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
}

#[test]
fn gateway_peering_is_told_where_a_plan_quiesces() {
    let gateway = Gateway::start(Setup::default());
    gateway.state().add_object("DOM1", "GatewayPeering", "peers");
    for (quiesces, is_told) in [("quiesce = true", true), ("", false)] {
        let home = Home::of(&gateway).plan("P", &export("*", "DOM1", quiesces));
        let checked = home.dpbackup(&["check"]).exits(0);
        let told = "OK    peering  the gateway has gateway-peering objects (peers of DOM1)";
        let squeezed = checked.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed.contains(&told), is_told, "{}", checked.stdout);
    }
}

#[test]
fn a_certificate_in_hand_that_was_held_against_nothing_is_said_to_be() {
    let gateway = Gateway::start(Setup::default());
    let home = Home::of(&gateway).plan("P", EXPORT).plan("S", SECURE);
    std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("written");
    let told = "ca.pem was held against nothing: no secure backup is among what was checked";
    let nothing = home.dpbackup(&["check", "P", "--certificate", "ca.pem"]).exits(3);
    assert!(nothing.stdout.contains(told), "{}", nothing.stdout);
    let held = home.dpbackup(&["check", "S", "--certificate", "ca.pem"]);
    assert!(!held.stdout.contains("held against nothing"), "{}", held.stdout);
}
