//! A process that may open nothing more, in the middle of a run: the device is put back all the same.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::simulator::{Fault, FaultKind, Gateway, Setup};
use crate::support::{Home, Ran, eventually, export, secure_backup};

/// Runs a plan, and forbids it to open anything more once this has been asked of the gateway.
fn without_descriptors_from(gateway: &Gateway, home: &Home, asked: &str) -> Ran {
    let moment = Duration::from_secs(1);
    gateway.fail(Fault::nth(asked, 1, FaultKind::StallBeforeHead(Some(moment))));
    let child = home.start(&["-v", "run", "P"]);
    eventually("it is asked for", || {
        gateway.operations().iter().any(|one| one.ends_with(asked))
    });
    let none = Rlimit {
        current: Some(3),
        maximum: Some(3),
    };
    prlimit(Some(Pid::from_child(&child)), Resource::Nofile, none).expect("it is there");
    Ran::ended(child)
}

#[test]
fn a_run_that_may_open_nothing_more_puts_back_what_it_has_quiesced() {
    for (plan, asked) in [
        (export("*", "DOM1", "quiesce = true"), "do-backup"),
        (secure_backup("*", "quiesce = true"), "SecureBackup"),
    ] {
        let gateway = Gateway::start(Setup::default());
        // By a name, which is looked up with a descriptor, too.
        let tls = format!("{{ pin_sha256 = \"{}\" }}", gateway.pin());
        let home = Home::new()
            .device_on("QA1", "localhost", gateway.port(), &tls)
            .plan("P", &plan);
        let ran = without_descriptors_from(&gateway, &home, asked);
        assert!(gateway.state().is_unquiesced(), "{asked}: {}", ran.stderr);
        assert!(!ran.stderr.contains("spoilt"), "{asked}: {}", ran.stderr);
        assert_ne!(ran.code, Some(10), "{asked}: {}", ran.stderr);
    }
}
