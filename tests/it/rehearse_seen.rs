//! What a rehearsal says of a spare rests on what was seen of it, and of that device alone.

use rustix::process::Signal;

use crate::rehearse::another;
use crate::simulator::{Domain, Firmware, Gateway, Personality, Setup};
use crate::support::{Home, Ran, eventually, export, gateways};

fn gateways() -> (Gateway, Gateway) {
    let domains = || [Domain::new("DOM1"), Domain::new("DOM2")];
    let spare = another(gateways::small(domains()));
    (Gateway::start(gateways::small(domains())), Gateway::start(spare))
}

fn backed_up(gateway: &Gateway, spare: &Gateway) -> Home {
    let home = Home::quick()
        .device("QA1", gateway)
        .spare("SPARE1", spare)
        .plan("Night", &export("QA1", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    home
}

fn rehearse(home: &Home, what: &str) -> Ran {
    home.dpbackup(&["rehearse", what, "--on", "SPARE1"])
}

#[test]
fn a_spare_that_is_another_device_by_now_is_sent_nothing_more() {
    // It is asked when it is met, and right before the dry run.
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    spare.fail_as("FirmwareVersion3:2=another-serial@78A0001");
    let ran = rehearse(&home, "--all").exits(1);
    assert_eq!(spare.received("do-restore"), 0, "{}", ran.stdout);
    let told = "SPARE1 leads to the device with serial number 78A0001 now";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("task ").count(), 1, "{}", ran.stdout);
    // During the dry run: what is seen then is another device's.
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    spare.fail_as("do-restore:1=another-serial@78A0001");
    let ran = rehearse(&home, "--all").exits(1);
    assert_eq!(spare.received("do-restore"), 1, "{}", ran.stdout);
    for words in ["SPARE1: not known whether it is as it was before", told] {
        assert!(ran.stdout.contains(words), "{words} in {}", ran.stdout);
    }
}

#[test]
fn a_spare_that_does_not_tell_who_it_is_any_more_is_sent_nothing() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    for class in ["FirmwareVersion3:2+", "FirmwareVersion2", "FirmwareVersion"] {
        spare.fail_as(&format!("{class}=no-payload"));
    }
    let ran = rehearse(&home, "1").exits(1);
    assert!(ran.stdout.starts_with("NOT KNOWN"), "{}", ran.stdout);
    assert_eq!(spare.received("do-restore"), 0);
}

#[test]
fn a_domain_that_the_spare_has_and_does_not_list_is_looked_at_all_the_same() {
    let domains = || [Domain::new("DOM1"), Domain::new("DOM2")];
    let setup = another(gateways::small(domains())).with(&Personality::ImportsOnDryRun);
    let (gateway, spare) = (Gateway::start(gateways::small(domains())), Gateway::start(setup));
    let home = backed_up(&gateway, &spare);
    assert!(
        spare
            .state()
            .remove_object("DOM1", "MultiProtocolGateway", "DOM1-service")
    );
    spare.fail_as("DomainStatus=hides-row@DOM1");
    let ran = rehearse(&home, "1").exits(1);
    for told in [
        "SPARE1: IT WAS CHANGED",
        "MultiProtocolGateway DOM1-service was added",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    // One that is made without being listed is seen in the configuration.
    spare.state().remove_domain("DOM1");
    let ran = rehearse(&home, "1").exits(1);
    for told in ["SPARE1: IT WAS CHANGED", "domain DOM1 was made"] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    // Where the configuration is not shown either, nobody knows what there is.
    spare.forget_requests();
    spare.fail_as("get-config/Domain=access-denied");
    let ran = rehearse(&home, "1").exits(1);
    for told in [
        "NOT KNOWN",
        "it does not list the domain DOM1, and whether it has it is not known",
    ] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    assert_eq!(spare.received("do-restore"), 0);
}

#[test]
fn a_spare_that_quiesces_or_whose_domain_is_disabled_meanwhile_is_not_as_it_was() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    // The object of the domain itself, which stands beside the domain.
    spare.fail_as("do-restore=own-becomes@mAdminState/disabled");
    let ran = rehearse(&home, "1").exits(1);
    for told in ["SPARE1: IT WAS CHANGED", "Domain DOM1 was changed"] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    spare.clear_faults();
    spare.state().set_own_property("DOM1", "mAdminState", "enabled");
    spare.fail_as("do-restore=quiesces-alone@DOM1");
    let ran = rehearse(&home, "1").exits(1);
    for told in ["SPARE1: IT WAS CHANGED", "domain DOM1 is quiesced now"] {
        assert!(ran.stdout.contains(told), "{told} in {}", ran.stdout);
    }
    let status = home
        .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
        .exits(1);
    let told = "its last rehearsal was not good (would work; the spare SPARE1: IT WAS CHANGED)";
    assert!(status.stdout.contains(told), "{}", status.stdout);
}

#[test]
fn a_spare_that_may_be_an_ordinary_device_is_sent_nothing() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    // Another name for the spare itself, of which no backup was ever taken.
    let tls = format!("{{ pin_sha256 = \"{}\" }}", spare.pin());
    let twice = home.device_on("QA2", "localhost", spare.port(), &tls);
    let ran = rehearse(&twice, "1").exits(4);
    let told = "SPARE1 has the serial number 78B0002 of QA2, which is no spare";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(spare.received("do-restore"), 0);
    // Its newest backup is of another machine than the one that its name leads to by now.
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    gateway.state().set_serial("78B0002");
    let ran = rehearse(&home, "1").exits(4);
    let told = "SPARE1 has the serial number 78B0002 of QA1, which is no spare";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(spare.received("do-restore"), 0);
    // One that does not answer counts by what it told last.
    gateway.fail_as("*=http-503");
    let _ = rehearse(&home, "1").exits(0);
    // One that tells nothing.
    let (gateway, spare) = gateways();
    let silent = Gateway::start(gateways::small([Domain::new("DOM1")]));
    let home = backed_up(&gateway, &spare).device("QA3", &silent);
    silent.fail_as("*=http-401");
    let ran = rehearse(&home, "1").exits(4);
    let told = "whether SPARE1 is QA3, which is no spare, is not known: no backup of that has told its serial number yet";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(spare.received("do-restore"), 0);
    // It does: that is enough.
    silent.clear_faults();
    silent.state().set_serial("78C0003");
    let _ = rehearse(&home, "1").exits(0);
    assert_eq!(spare.received("do-restore"), 1);
}

#[test]
fn a_sentence_in_answer_to_a_dry_run_is_neither_a_success_nor_a_refusal() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    spare.fail_as("do-restore=error-log@Import scheduled (may take a few minutes to complete).");
    let ran = rehearse(&home, "1").exits(1);
    assert!(ran.stdout.starts_with("NOT KNOWN"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Import scheduled"), "{}", ran.stdout);
}

#[test]
fn what_is_sent_is_what_was_verified_whatever_becomes_of_the_store_meanwhile() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare).timeouts("request = 10s, export = 1h, idle = 1h");
    let stored = home.store().join(&home.stored()[0]);
    let bytes = std::fs::read(&stored).expect("the backup");
    spare.fail_as("do-backup:1=stall@60m");
    let running = home.running(&["rehearse", "1", "--on", "SPARE1"]);
    eventually("the spare is looked at", || spare.received("do-backup") == 1);
    let file = std::fs::OpenOptions::new().write(true).open(&stored);
    std::io::Write::write_all(&mut file.expect("the stored file"), &vec![0; bytes.len()])
        .expect("overwritten");
    spare.clear_faults();
    let ran = running.end().exits(0);
    assert!(ran.stdout.starts_with("WOULD WORK"), "{}", ran.stdout);
    let sent = spare.requests();
    let sent = sent.iter().find(|request| request.body.contains("do-restore"));
    let input = sent.expect("a dry run").body.clone();
    let input = input.split("input-file>").nth(1).expect("an archive");
    let base64: String = input
        .split('<')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let engine = base64::engine::general_purpose::STANDARD;
    assert_eq!(base64::Engine::decode(&engine, base64).expect("base64"), bytes);
}

#[test]
fn a_rehearsal_that_was_killed_is_something_to_look_at() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    spare.fail_as("do-restore=stall");
    let running = home.running(&["rehearse", "1", "--on", "SPARE1"]);
    eventually("the dry run is sent", || spare.received("do-restore") == 1);
    running.kill();
    spare.clear_faults();
    let ran = home.dpbackup(&["recover"]).exits(1);
    let told =
        "a rehearsal of task 1 on SPARE1 was cut short: whether SPARE1 is as it was before is not known";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(!ran.stdout.contains("nothing to recover"), "{}", ran.stdout);
    // That is told once, and stands with its backup; the dry run may come yet.
    let ran = home.dpbackup(&["recover"]).exits(1);
    assert!(!ran.stderr.contains(told), "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("nobody has seen its end, and it may come yet"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_signal_while_it_is_asked_who_the_spare_is_is_an_interruption() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    spare.fail_as("FirmwareVersion3=stall");
    let running = home.running(&["rehearse", "1", "--on", "SPARE1"]);
    eventually("the spare is asked", || spare.received("FirmwareVersion3") == 1);
    running.signal(Signal::TERM);
    let _ = running.end().exits(143);
    assert_eq!(spare.received("do-restore"), 0);
}

/// A virtual gateway has the same serial number as any other.
pub(crate) fn virtual_gateway(domains: impl IntoIterator<Item = Domain>) -> Gateway {
    let setup = gateways::small(domains);
    let firmware = Firmware {
        serial: "0000001".to_owned(),
        ..setup.firmware.clone()
    };
    Gateway::start(Setup { firmware, ..setup })
}

#[test]
fn a_serial_number_that_every_virtual_gateway_has_makes_no_spare_an_ordinary_device() {
    let domains = || [Domain::new("DOM1"), Domain::new("DOM2")];
    let (gateway, spare) = (virtual_gateway(domains()), virtual_gateway(domains()));
    let home = backed_up(&gateway, &spare);
    // They show different certificates.
    let ran = rehearse(&home, "1").exits(0);
    assert!(ran.stdout.contains("WOULD WORK"), "{}", ran.stdout);
    // Two names of one device show the same.
    let home = Home::quick()
        .device("QA1", &gateway)
        .device_on("SPARE1", "localhost", gateway.port(), "{ verify = false }")
        .being_spare()
        .plan("Night", &export("QA1", "DOM*", ""));
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let refused = rehearse(&home, "1").exits(4);
    let told = "both have the serial number 0000001, as every virtual gateway has: whether they are one device is not known";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert_eq!(gateway.received("do-restore"), 0);
}

#[test]
fn a_backup_that_was_removed_is_left_out_and_is_no_backup_that_would_fail() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare).setting("retention = { keep_last = 1 }");
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    let _ = home.dpbackup(&["prune"]).exits(0);
    let ran = rehearse(&home, "1").exits(4);
    assert!(
        ran.stdout
            .contains("it is not in the store any more; that of task 3 holds the same\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(spare.received("do-restore"), 0);
}

#[test]
fn the_newest_backup_that_would_fail_is_not_made_good_by_an_older_one_that_would_work() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let _ = home.dpbackup(&["run", "Night"]).exits(0);
    spare.fail_as("do-restore:1=import-fails");
    let _ = rehearse(&home, "3").exits(1);
    let _ = rehearse(&home, "1").exits(0);
    let judged = home
        .dpbackup(&["history", "status", "--max-rehearsal", "90d"])
        .exits(1);
    let told = "the last rehearsal of its newest good backup was not good";
    assert!(judged.stdout.contains(told), "{}", judged.stdout);
}

#[test]
fn a_backup_that_this_machine_cannot_read_is_not_known_to_be_bad() {
    let (gateway, spare) = gateways();
    let home = backed_up(&gateway, &spare);
    let mut command = home.command(&["rehearse", "1", "--on", "SPARE1"]);
    let output = command.env("TMPDIR", home.path("nowhere")).output();
    let ran = Ran::of(output.expect("it runs"));
    assert!(
        ran.stdout.starts_with("NOT KNOWN"),
        "{} {}",
        ran.stdout,
        ran.stderr
    );
    assert!(ran.stdout.contains("says nothing about it"), "{}", ran.stdout);
    assert_eq!(spare.received("do-restore"), 0);
    let status = home.dpbackup(&["history", "status"]);
    assert!(!status.stdout.contains("would fail"), "{}", status.stdout);
}
