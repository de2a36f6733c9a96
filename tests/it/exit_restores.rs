//! 10 goes before all other exit codes of `restore` and `rehearse`, whatever else has failed, as long as a dead run has
//! left a domain quiesced and nobody could look.

use std::fs;

use crate::restore::keyless;
use crate::simulator::Gateway;
use crate::support::{Home, eventually, export, gateways};

/// A home whose device `QA1` was left quiesced by a run that died, and is away; `QA2` and `SPARE1` are there.
fn left_quiesced() -> (Home, [Gateway; 3]) {
    let small = || gateways::small([keyless("DOM1")]);
    let gateway = Gateway::start(small());
    let [other, spare] = ["78B0002", "78B0003"].map(|serial| {
        let mut setup = small();
        serial.clone_into(&mut setup.firmware.serial);
        Gateway::start(setup)
    });
    let home = Home::quick()
        .device("QA1", &gateway)
        .device("QA2", &other)
        .spare("SPARE1", &spare)
        .plan("P", &export("QA*", "DOM1", ""))
        .plan("Q", &export("QA1", "DOM1", "quiesce = true"));
    let _ = home.dpbackup(&["run", "P"]).exits(0);
    gateway.fail_as("do-backup=stall");
    let running = home.running(&["run", "Q"]);
    eventually("DOM1 is quiesced", || {
        gateway.state().quiesce_state("DOM1") == "quiesced"
    });
    running.kill();
    gateway.fail_as("*=refuse");
    // Whoever comes next finds nobody.
    let _ = home.dpbackup(&["check", "QA1"]);
    (home, [gateway, other, spare])
}

#[test]
fn something_that_may_be_quiesced_goes_before_whatever_else_fails_in_a_restore_or_a_rehearsal() {
    let (home, _gateways) = left_quiesced();
    let word = "0123456789";
    let all: [&[&str]; 9] = [
        &["restore", "1", "--to", "QA1"],
        &["restore", "1", "--to", "QA2"],
        &["restore", "1", "--to", "QA2", "--confirm", word],
        &["restore", "99", "--to", "QA2"],
        &["restore", "1", "--to", "QA3"],
        &["rehearse", "1", "--on", "SPARE1"],
        &["rehearse", "99", "--on", "SPARE1"],
        &["rehearse", "1", "--on", "QA2"],
        &["rehearse", "--all", "--on", "SPARE1"],
    ];
    let each = |what: &str| {
        for arguments in all {
            let ran = home.dpbackup(arguments);
            assert_eq!(
                ran.code,
                Some(10),
                "{what}: {arguments:?}: {}{}",
                ran.stdout,
                ran.stderr
            );
            assert!(
                ran.stderr.contains("QUIESCED: domain DOM1 of QA1"),
                "{what}: {arguments:?}: {}",
                ran.stderr
            );
        }
    };
    each("all is there");
    // The backup is damaged, and then gone, and then the whole store.
    let stored = home.stored();
    let backup = stored
        .iter()
        .find(|path| path.starts_with("QA1/"))
        .expect("a backup");
    fs::write(home.store().join(backup), "no archive").expect("written");
    each("a damaged backup");
    fs::rename(home.store(), home.path("elsewhere")).expect("moved");
    each("no store");
}
