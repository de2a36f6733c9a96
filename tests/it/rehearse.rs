//! `rehearse`: backups go to a spare for a dry run, and the spare is proved to be as it was.

use std::fs;

use dpbackup::run::event::TaskId;
use serde_json::Value;

use crate::receivers::{Behaviour, Web, arrived};
use crate::simulator::{Content, Domain, Firmware, Gateway, Personality, Setup};
use crate::support::{Home, PASSWORD, Ran, TestClock, export, gateways};

/// A gateway like others that is not one of them.
pub(crate) fn another(setup: Setup) -> Setup {
    Setup {
        firmware: Firmware {
            serial: "78B0002".to_owned(),
            ..setup.firmware.clone()
        },
        ..setup
    }
}

/// A spare with these domains.
fn spare_with(domains: impl IntoIterator<Item = Domain>) -> Gateway {
    Gateway::start(another(gateways::small(domains)))
}

fn served() -> Gateway {
    Gateway::start(gateways::small([Domain::new("DOM1"), Domain::new("DOM2")]))
}

/// A home in which the domains of `QA1` were backed up, with a spare.
fn backed_up(gateway: &Gateway, spare: &Gateway) -> Home {
    let home = Home::quick()
        .device("QA1", gateway)
        .spare("SPARE1", spare)
        .plan("Night", &export("*", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    home
}

fn rehearse(home: &Home, arguments: &[&str]) -> Ran {
    let all = ["rehearse", "--on", "SPARE1"].iter().chain(arguments);
    home.dpbackup(&all.copied().collect::<Vec<_>>())
}

/// The rehearsals of the first task, as `history files` has them.
fn recorded(home: &Home) -> Vec<Value> {
    let ran = home
        .dpbackup(&["history", "files", "1", "--format", "json"])
        .exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    document["rehearsals"].as_array().expect("rehearsals").clone()
}

#[test]
fn a_backup_that_would_work_is_told_recorded_and_leaves_the_spare_as_it_was() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let seen = gateway.requests().len();
    let ran = rehearse(&home, &["--all"]).exits(0);
    assert_eq!(
        ran.stdout,
        "WOULD WORK  task 1: QA1 DOM1; SPARE1: it is as it was before\n            \
         keys that it needs from elsewhere: cert:///DOM1-key.pem\n\
         WOULD WORK  task 2: QA1 DOM2; SPARE1: it is as it was before\n            \
         keys that it needs from elsewhere: cert:///DOM2-key.pem\n"
    );
    // The ordinary device is asked who it is, and nothing else.
    let asked: Vec<String> = gateway
        .requests()
        .into_iter()
        .skip(seen)
        .map(|asked| asked.operation)
        .collect();
    assert_eq!(asked, ["get-status/DomainStatus", "get-status/FirmwareVersion3"]);
    assert_eq!(spare.state().domains(), ["default", "DOM1"]);
    let sent: Vec<String> = spare.requests().into_iter().map(|request| request.body).collect();
    let dry: Vec<&String> = sent.iter().filter(|body| body.contains("do-restore")).collect();
    assert_eq!(dry.len(), 2);
    for body in dry {
        assert!(body.contains("dry-run=\"true\"") && body.contains("reset-domain=\"false\""));
        assert!(!body.contains(PASSWORD));
    }
    let rows = recorded(&home);
    assert_eq!(rows.len(), 1);
    for (key, value) in [
        ("spare_name", "SPARE1"),
        ("verdict", "WOULD_WORK"),
        ("proof", "UNCHANGED"),
        ("serial", "78B0002"),
        ("firmware_version", "IDG.10.0.1.5"),
    ] {
        assert_eq!(rows[0][key], value, "{key}");
    }
    assert_eq!(
        rows[0]["missing_keys"],
        serde_json::json!(["cert:///DOM1-key.pem"])
    );
    let files = home.dpbackup(&["history", "files", "1"]).exits(0).stdout;
    assert!(
        files.contains(" on SPARE1 (IDG.10.0.1.5): would work; it is as it was before; keys that it needs"),
        "{files}"
    );
}

#[test]
fn a_spare_is_backed_up_by_no_pattern() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    assert_eq!(spare.requests().len(), 0);
    let status = home.dpbackup(&["history", "status"]).exits(0).stdout;
    assert!(!status.contains("SPARE1"), "{status}");
    let named = home.plan("Named", &export("SPARE1", "DOM*", ""));
    let _ = named.dpbackup(&["run", "Named"]).exits(0);
    assert_eq!(spare.received("do-backup"), 1);
}

#[test]
fn what_a_gateway_says_against_a_backup_is_told_object_by_object() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    spare.state().setup.dry_run_sections = Some(crate::simulator::DryRunSections::Filled);
    spare.fail_as("do-restore=object-fails@MultiProtocolGateway/DOM1-service");
    spare.fail_as("do-restore=file-fails@local:///readme.txt");
    let ran = rehearse(&home, &["1"]).exits(1);
    for told in [
        "WOULD FAIL  task 1: QA1 DOM1; SPARE1: it is as it was before\n",
        "refused: MultiProtocolGateway DOM1-service: ERROR, \"Configuration failed\"\n",
        "refused: local:///readme.txt: ERROR, \"Cannot write the file\"\n",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    let rows = recorded(&home);
    assert_eq!(rows[0]["verdict"], "WOULD_FAIL");
    assert_eq!(rows[0]["refused"].as_array().map(Vec::len), Some(2));
}

#[test]
fn each_form_of_an_answer_is_what_it_is_and_never_would_work() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare).timeouts("request = 2s, export = 2s, idle = 1s");
    for (fault, verdict, told) in [
        ("import-empty", "NOT KNOWN", "holds no results"),
        ("results-empty", "NOT KNOWN", "names no object"),
        ("import-unknown", "NOT KNOWN", "holds no results"),
        ("other-domain", "NOT KNOWN", "about the domain \"another-domain\""),
        (
            "no-payload",
            "NOT KNOWN",
            "answered with nothing where <import> belongs",
        ),
        ("http-500", "NOT KNOWN", "SOAP fault"),
        ("html", "NOT KNOWN", "text/html"),
        ("close", "NOT KNOWN", "connection"),
        ("reply-lost", "NOT KNOWN", "connection"),
        ("stall", "NOT KNOWN", "no complete answer within 2s"),
        ("close-in-body@300", "NOT KNOWN", "connection"),
        ("deep-nesting@100000", "NOT KNOWN", "not plausible"),
        ("entity-bomb", "NOT KNOWN", "no XML that can be read"),
        ("access-denied", "NOT KNOWN", "lacks a right"),
        ("result-error", "WOULD FAIL", "\"ERROR\""),
        ("no-space", "WOULD FAIL", "Import: File system full."),
        ("import-fails", "WOULD FAIL", "Unable to uncompress export file"),
        ("detected-errors", "WOULD FAIL", "0x81000683"),
        (
            "file-missing",
            "WOULD FAIL",
            "the device does not find it in the archive",
        ),
    ] {
        spare.fail_as(&format!("do-restore={fault}"));
        let ran = rehearse(&home, &["1"]).exits(1);
        spare.clear_faults();
        assert!(ran.stdout.starts_with(verdict), "{fault}: {}", ran.stdout);
        assert!(ran.stdout.contains(told), "{fault}: {}", ran.stdout);
        // What may come yet is not known, however the spare is right after it: a row of the journal has it.
        let proof = match fault {
            "close" | "reply-lost" | "stall" | "close-in-body@300" => {
                "not known whether it is as it was before"
            }
            "import-empty" | "import-fails" | "access-denied" => "it is as it was before",
            _ if home.open_entries().is_empty() => "it is as it was before",
            _ => "not known whether it is as it was before",
        };
        let told = format!("SPARE1: {proof}\n");
        assert!(ran.stdout.contains(&told), "{fault}: {}", ran.stdout);
        let left = !home.open_entries().is_empty();
        assert_eq!(left, proof.starts_with("not known"), "{fault}: {}", ran.stdout);
        if left {
            let _ = home.dpbackup(&["recover", "--forget", "SPARE1/DOM1"]).exits(0);
        }
    }
}

#[test]
fn a_dry_run_that_got_no_answer_is_not_over_however_the_spare_is_right_after_it() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    spare.fail_as("do-restore=close");
    let ran = rehearse(&home, &["1"]).exits(1);
    for told in [
        "SPARE1: not known whether it is as it was before\n",
        "nothing differs right after it, and nobody has seen the end of the dry run, which may come yet",
        "a row of it stays in the journal until somebody has looked",
    ] {
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(told.trim()), "{told} in {}", ran.stdout);
    }
    assert_eq!(recorded(&home)[0]["proof"], "NOT_KNOWN");
    let ran = home.dpbackup(&["recover"]).exits(1);
    let told = "a dry run of an import of DOM1 was sent to SPARE1 (task 1), and no import: nobody has seen its end, and it \
                may come yet";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

#[test]
fn a_spare_that_could_not_be_looked_at_after_a_dry_run_is_looked_at_by_who_recovers() {
    for (task, domain, look) in [
        ("1", "DOM1", "do-backup:2+=empty-file"),
        ("2", "DOM2", "get-status/DomainStatus:3+=result-error"),
    ] {
        for is_changed in [false, true] {
            let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
            let home = backed_up(&gateway, &spare).timeouts("request = 3s");
            spare.fail_as(look);
            let ran = rehearse(&home, &[task]).exits(1);
            assert!(ran.stdout.contains("SPARE1: not known whether"), "{}", ran.stdout);
            assert_eq!(home.open_entries().len(), 1, "{}", ran.stdout);
            spare.clear_faults();
            match (is_changed, domain) {
                (false, _) => {}
                (true, "DOM1") => spare.state().put_file("DOM1", "local:///readme.txt", "changed\n"),
                (true, _) => spare.state().add_domain(Domain::new(domain)),
            }
            let ran = home.dpbackup(&["recover"]).exits(i32::from(is_changed));
            let told = match is_changed {
                false => format!("a dry run of an import of {domain} on SPARE1"),
                true => format!(
                    "after the dry run of an import of {domain} on SPARE1 (task {task}) it was seen not to be as before"
                ),
            };
            assert!(ran.stdout.contains(&told), "{}", ran.stdout);
            assert_eq!(
                home.open_entries().len(),
                usize::from(is_changed),
                "{}",
                ran.stdout
            );
        }
    }
}

#[test]
fn what_was_seen_after_a_dry_run_is_told_where_it_cannot_be_written_down() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare).timeouts("request = 3s");
    spare.fail_as("do-backup:2+=empty-file");
    let _ = rehearse(&home, &["1"]).exits(1);
    spare.clear_faults();
    spare.forget_requests();
    let error = home
        .recover_watched(&TestClock::night(), &|| {
            assert!(spare.received("do-backup") == 0, "the disk is gone");
        })
        .expect_err("no journal");
    let told = error.done.lines().join("\n");
    assert!(
        told.contains("the domain is as it was before the dry run; that could not be written down"),
        "{told}"
    );
}

#[test]
fn a_spare_that_cannot_be_looked_at_is_sent_nothing_or_is_not_known_afterwards() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    // So long it is looked at again.
    let home = backed_up(&gateway, &spare).timeouts("request = 3s");
    // The first is the contact.
    spare.fail_as("get-status/DomainStatus:2=result-error");
    let ran = rehearse(&home, &["1"]).exits(1);
    assert!(
        ran.stdout.contains("could not be looked at before"),
        "{}",
        ran.stdout
    );
    assert_eq!(spare.received("do-restore"), 0);
    assert_eq!(recorded(&home)[0]["proof"], "NOT_SENT");
    spare.clear_faults();
    // What fails once is looked at again.
    for (fault, lasts) in [
        ("get-status/DomainStatus:3=result-error", false),
        ("get-status/DomainStatus:3+=result-error", true),
        ("do-backup:2=empty-file", false),
        ("do-backup:2+=empty-file", true),
        ("do-backup:2+=bad-crc", true),
    ] {
        spare.fail_as(fault);
        let ran = rehearse(&home, &["1"]).exits(i32::from(lasts));
        spare.clear_faults();
        if !lasts {
            assert!(
                ran.stdout.contains("it is as it was before"),
                "{fault}: {}",
                ran.stdout
            );
            continue;
        }
        let told = "SPARE1: not known whether it is as it was before";
        assert!(ran.stdout.contains(told), "{fault}: {}", ran.stdout);
    }
    assert_eq!(
        recorded(&home).last().map(|row| row["proof"].clone()),
        Some("NOT_KNOWN".into())
    );
}

#[test]
fn firmware_that_imports_although_asked_for_a_dry_run_is_found_out() {
    let gateway = served();
    // What it has besides stays where an import comes, and proves nothing.
    let domain = Domain::new("DOM1").file("local:///own.txt", Content::synthetic(10, 1));
    let changed = another(gateways::small([domain])).with(&Personality::ImportsOnDryRun);
    let spare = Gateway::start(changed);
    let home = backed_up(&gateway, &spare);
    assert!(
        spare
            .state()
            .remove_object("DOM1", "MultiProtocolGateway", "DOM1-service")
    );
    spare.state().set_unsaved("DOM1", false);
    let ran = rehearse(&home, &["--all"]).exits(1);
    for told in [
        "WOULD WORK  task 1: QA1 DOM1; SPARE1: IT WAS CHANGED\n",
        "domain DOM1 has unsaved changes",
        "MultiProtocolGateway DOM1-service was added",
        "domain DOM2 was made",
        "SPARE1 WAS CHANGED although only dry runs were sent: look at it before anything else",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    assert_eq!(recorded(&home)[0]["proof"], "CHANGED");
}

#[test]
fn a_device_that_serves_somebody_is_never_sent_a_backup() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let before = gateway.requests().len();
    let ran = home.dpbackup(&["rehearse", "--all", "--on", "QA1"]).exits(2);
    assert!(ran.stderr.contains("QA1 is no spare"), "{}", ran.stderr);
    // Its name in the plan file says spare, and it is the device itself.
    let same = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &gateway)
        .plan("Night", &export("QA1", "DOM*", ""));
    let ran = rehearse(&same, &["--all"]).exits(2);
    assert!(ran.stderr.contains("at the address of QA1"), "{}", ran.stderr);
    assert_eq!(gateway.requests().len(), before);
    // It is another address, and the same device behind it.
    spare.state().set_serial("78A0001");
    let ran = rehearse(&home, &["--all"]).exits(4);
    assert!(
        ran.stderr.contains("has the serial number 78A0001 of QA1"),
        "{}",
        ran.stderr
    );
    spare.fail_as("FirmwareVersion3=no-payload");
    spare.fail_as("FirmwareVersion2=no-payload");
    spare.fail_as("FirmwareVersion=no-payload");
    let ran = rehearse(&home, &["--all"]).exits(4);
    assert!(
        ran.stderr
            .contains("whether SPARE1 is a device of the plans is not known"),
        "{}",
        ran.stderr
    );
    assert_eq!(spare.received("do-restore"), 0);
}

#[test]
fn a_firmware_that_does_not_fit_is_refused_before_anything_is_sent() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let on = |version: &str, arguments: &[&str]| {
        let mut firmware = spare.state().setup.firmware.clone();
        version.clone_into(&mut firmware.version);
        spare.state().set_firmware(firmware);
        rehearse(&home, arguments)
    };
    let ran = on("IDG.10.0.1.4", &["--all", "--allow-other-firmware"]).exits(4);
    assert!(
        ran.stdout
            .contains("LEFT OUT    task 1: QA1 DOM1: the spare has an older firmware"),
        "{}",
        ran.stdout
    );
    let ran = on("IDG.11.0.0.0", &["--all"]).exits(4);
    assert!(ran.stdout.contains("another major version"), "{}", ran.stdout);
    assert_eq!(spare.received("do-restore"), 0);
    let _ = on("IDG.11.0.0.0", &["1", "--allow-other-firmware"]).exits(0);
    let _ = on("IDG.10.5.0.0", &["1"]).exits(0);
    assert_eq!(spare.received("do-restore"), 2);
}

#[test]
fn backups_that_are_never_sent_are_left_out_with_the_reason() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let plan = format!("{}{}", export("QA1", "*", ""), export("QA1", "all-domains", ""));
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("Night", &plan);
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let ran = rehearse(&home, &["--all"]).exits(0);
    assert!(
        ran.stdout
            .contains("QA1 all-domains: it is a backup of all domains"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("QA1 default: `default` is never sent"),
        "{}",
        ran.stdout
    );
    assert_eq!(spare.received("do-restore"), 2);
    for (arguments, told) in [
        (&["99"][..], "there is no"),
        (&[], "needs to know which backups"),
        (&["--plan", "Nihgt"], "no plan 'Nihgt'"),
        (&["--device", "NOBODY"], "no good export"),
    ] {
        let ran = rehearse(&home, arguments).exits(2);
        assert!(ran.stderr.contains(told), "{told} in {}", ran.stderr);
    }
    let ran = rehearse(&home, &["--plan", "Night"]).exits(0);
    assert_eq!(ran.stdout.matches("WOULD WORK").count(), 2);
    let _ = rehearse(&home, &["--device", "QA*"]).exits(0);
    let unknown = home.dpbackup(&["rehearse", "--all", "--on", "SPARE2"]).exits(2);
    assert!(
        unknown.stderr.contains("did you mean 'SPARE1'?"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn an_archive_that_is_not_as_it_was_stored_would_fail_and_is_not_sent() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let stored = home.stored();
    let path = home.store().join(&stored[0]);
    let mut bytes = std::fs::read(&path).expect("the export");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("a damaged export");
    let ran = rehearse(&home, &["1"]).exits(1);
    assert!(
        ran.stdout.starts_with("WOULD FAIL  task 1: QA1 DOM1\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("the backup itself is not good"),
        "{}",
        ran.stdout
    );
    std::fs::remove_file(&path).expect("it is gone");
    let _ = rehearse(&home, &["1"]).exits(1);
    assert_eq!(spare.received("do-restore"), 0);
    assert_eq!(recorded(&home)[1]["proof"], "NOT_SENT");
}

#[test]
fn in_place_of_a_backup_whose_content_nobody_knows_no_other_one_is_sent() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let _ran = home.dpbackup(&["run", "Night"]).exits(0);
    let history = rusqlite::Connection::open(home.path("state/history.db")).expect("the history");
    for change in [
        "UPDATE file SET content = '' WHERE task_execution_id = 1",
        "UPDATE file SET content = NULL, kept = 0 WHERE task_execution_id = 3",
    ] {
        history.execute(change, ()).expect("changed");
    }
    drop(history);
    let ran = rehearse(&home, &["3"]).exits(1);
    assert!(
        ran.stdout.contains("it is not in the store any more"),
        "{}",
        ran.stdout
    );
    assert_eq!(spare.received("do-restore"), 0);
}

#[test]
fn monitoring_is_told_what_was_never_or_not_well_rehearsed() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let status = |exit: i32| {
        let ran = home
            .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
            .exits(exit);
        ran.stdout
    };
    let text = status(1);
    assert!(
        text.contains("2 with a warning") && text.contains("never rehearsed"),
        "{text}"
    );
    let _ = home.dpbackup(&["history", "status"]).exits(0);
    let _ = rehearse(&home, &["--all"]).exits(0);
    let text = status(0);
    assert!(text.contains("2 good"), "{text}");
    spare.fail_as("do-restore@DOM2=import-empty");
    let _ = rehearse(&home, &["--all"]).exits(1);
    let text = status(1);
    assert!(
        text.contains("its last rehearsal was not good (not known)"),
        "{text}"
    );
    let old = home.dpbackup(&["history", "status", "--max-rehearsal", "0s"]);
    assert!(old.stdout.contains("not rehearsed for 0s"), "{}", old.stdout);
    let json = home.dpbackup(&["history", "status", "--format", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["targets"][0]["good_rehearsal_time"].is_string());
}

#[test]
fn a_rehearsal_that_was_not_good_is_told_to_those_who_want_it_and_stands_in_the_metrics() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let web = Web::start(&[Behaviour::Status(200, "ok")]);
    let tables = format!(
        "[[notify.webhook]]\nname = \"ops\"\nurl = \"{}\"\nevents = \"rehearsal-failed\"\n[notify.metrics]\npath = \"metrics.prom\"\n",
        web.url("/hook")
    );
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan(
            "Night",
            &format!("webhook = \"ops\"\n{}{tables}", export("*", "DOM*", "")),
        );
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    spare.fail_as("do-restore@DOM2=import-fails@domain import failed");
    let _ = rehearse(&home, &["--all"]).exits(1);
    let requests = arrived(&web.seen, 1);
    assert_eq!(requests.len(), 1, "{requests:?}");
    let event = requests[0].json();
    for (key, value) in [
        ("event", "rehearsal-failed"),
        ("plan", "Night"),
        ("domain_name", "DOM2"),
    ] {
        assert_eq!(event[key], value, "{key}");
    }
    assert!(
        event["error_message"]
            .as_str()
            .is_some_and(|why| why.contains("domain import failed"))
    );
    let metrics = home.text("metrics.prom");
    for line in [
        "dpbackup_target_last_rehearsal_success{device=\"QA1\",domain=\"DOM1\"} 1",
        "dpbackup_target_last_rehearsal_success{device=\"QA1\",domain=\"DOM2\"} 0",
        "dpbackup_target_last_good_rehearsal_timestamp_seconds{device=\"QA1\",domain=\"DOM1\"} ",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn a_rehearsal_as_json_is_one_document() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let ran = rehearse(&home, &["--all", "--format", "json"]).exits(0);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(document["spare_name"], "SPARE1");
    assert_eq!(document["rehearsals"][1]["domain_name"], "DOM2");
    assert_eq!(document["rehearsals"][1]["verdict"], "WOULD_WORK");
    let quiet = rehearse(&home, &["--all", "-q"]).exits(0);
    assert_eq!(quiet.stdout, "");
}

/// Every key of a document, at any depth.
fn keys_of(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.push(key.clone());
                keys_of(value, keys);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys_of(value, keys)),
        _ => {}
    }
}

#[test]
fn every_key_of_a_document_that_a_command_prints_is_on_a_page() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare);
    let pages = [
        include_str!("../../docs/json.md"),
        include_str!("../../docs/history.md"),
    ]
    .concat();
    for line in [
        "rehearse --on SPARE1 --all --format json",
        "check --format json",
        "prune --dry-run --format json",
        "history status --format json",
        "preview Night --format json",
        "verify --all --format json",
        "diff QA1/DOM1 QA1/DOM2 --format json",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = home.dpbackup(&words);
        let document: Value = serde_json::from_str(&ran.stdout).expect(line);
        let mut keys = Vec::new();
        keys_of(&document, &mut keys);
        assert!(keys.len() > 3, "{line}: {keys:?}");
        for key in keys {
            assert!(pages.contains(&format!("`{key}`")), "{line}: {key}");
        }
    }
}

#[test]
fn a_spare_that_was_changed_proves_nothing_where_it_has_what_the_backup_has() {
    let gateway = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let changed = another(gateways::small([Domain::new("DOM1")])).with(&Personality::ImportsOnDryRun);
    let spare = Gateway::start(changed);
    let home = backed_up(&gateway, &spare);
    assert!(
        spare
            .state()
            .remove_object("DOM1", "MultiProtocolGateway", "DOM1-service")
    );
    spare.state().set_unsaved("DOM1", false);
    let ran = rehearse(&home, &["1"]).exits(1);
    assert!(ran.stdout.contains("SPARE1: IT WAS CHANGED"), "{}", ran.stdout);
    // It is as the backup is by now, so that the next dry run changes nothing more.
    spare.state().set_unsaved("DOM1", false);
    for _ in 0..2 {
        let ran = rehearse(&home, &["1"]).exits(1);
        let told = "the rehearsal of task 1 has changed this spare, and it has in DOM1 what the backup has";
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
    }
    let judged = home
        .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
        .exits(1);
    assert!(
        judged.stdout.contains("its last rehearsal was not good"),
        "{}",
        judged.stdout
    );
}

#[test]
fn what_a_rule_leaves_out_of_all_is_no_warning_each_time_and_says_of_what_it_is() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("Night", &export("QA1", "*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let ran = rehearse(&home, &["--all"]).exits(0);
    assert!(ran.stdout.contains("LEFT OUT"), "{}", ran.stdout);
    let json = rehearse(&home, &["--all", "--format", "json"]).exits(0);
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let rows = json["rehearsals"].as_array().expect("rehearsals");
    let left: Vec<&Value> = rows.iter().filter(|row| !row["left_out"].is_null()).collect();
    let [left] = left.as_slice() else {
        panic!("{rows:?}");
    };
    let task = left["task_execution_id"].as_i64().expect("a task");
    assert_eq!(left["device_name"], "QA1");
    assert_eq!(left["domain_name"], "default");
    // By its name it was asked for.
    let named = task.to_string();
    let _ = rehearse(&home, &[&named, "--format", "json"]).exits(4);
    // The domains of the gateway are rehearsed, and nothing is missing.
    let judged = home
        .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
        .exits(0);
    assert!(
        judged
            .stdout
            .contains("never rehearsed: `default` is never sent to a gateway"),
        "{}",
        judged.stdout
    );
}

#[test]
fn a_gateway_of_which_nothing_can_be_rehearsed_is_a_warning() {
    let (gateway, spare) = (served(), spare_with([]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("Night", &export("QA1", "all-domains", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let judged = home
        .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
        .exits(1);
    assert!(
        judged
            .stdout
            .contains("never rehearsed: it is a backup of all domains"),
        "{}",
        judged.stdout
    );
    let _ = home.dpbackup(&["history", "status"]).exits(0);
}

#[test]
fn the_last_task_is_the_last_of_a_domain_that_can_be_sent() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("Domains", &export("QA1", "DOM*", ""))
        .plan("Rest", &export("QA1", "default", ""));
    let _ = home.dpbackup(&["run", "Domains", "Rest"]).exits(0);
    let ran = rehearse(&home, &["last"]).exits(0);
    assert!(ran.stdout.contains("task 2: QA1 DOM2"), "{}", ran.stdout);
    let ran = home.dpbackup(&["restore", "last", "--to", "QA1"]).exits(0);
    assert!(ran.stdout.contains("DOM2"), "{}", ran.stdout);
}

#[test]
fn of_a_plan_its_own_newest_exports_are_rehearsed_whatever_was_exported_after_them() {
    let (gateway, spare) = (served(), spare_with([Domain::new("DOM1"), Domain::new("DOM2")]));
    let home = Home::quick()
        .device("QA1", &gateway)
        .spare("SPARE1", &spare)
        .plan("Night", &export("QA1", "DOM*", ""))
        .plan("Q", &export("QA1", "DOM1", ""));
    for plan in ["Night", "Night", "Q"] {
        let _ = home.dpbackup(&["run", plan]).exits(0);
    }
    let told = |plan: &str| {
        let json = rehearse(&home, &["--plan", plan, "--format", "json"]);
        let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
        let rows = json["rehearsals"].as_array().expect("rehearsals").clone();
        let told = rows.into_iter().map(|row| {
            let left_out = !row["left_out"].is_null();
            (row["task_execution_id"].as_i64().unwrap_or_default(), left_out)
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(told("Night"), [(3, false), (4, false)]);
    assert_eq!(told("Q"), [(5, false)]);
    // One of its own that is gone is left out, and an older one of its own taken.
    let newest = home.history().files(TaskId(3)).expect("files");
    fs::remove_file(&newest[0].path).expect("removed");
    let _ = rehearse(&home, &["--plan", "Night"]).exits(3);
    assert_eq!(told("Night"), [(3, true), (1, false), (4, false)]);
}
