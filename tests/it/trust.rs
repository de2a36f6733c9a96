//! `dpbackup trust`: what a device shows, before anything is said to it.

use crate::shown::shown;
use crate::simulator::{Fault, FaultKind, Gateway, Identity, Setup};
use crate::support::Home;

fn gateway(identity: Identity) -> Gateway {
    Gateway::start(Setup {
        identity,
        ..Setup::default()
    })
}

#[test]
fn a_device_that_is_pinned_shows_its_chain_and_its_pin() {
    let gateway = gateway(Identity::SignedByAuthority);
    let home = Home::new().device("QA1", &gateway);
    let ran = home.dpbackup(&["trust", "QA1"]).exits(0);
    assert!(
        ran.stdout
            .contains(&format!("tls = {{ pin_sha256 = \"{}\" }}\n", gateway.pin()))
    );
    assert_shown!(shown(&ran, &home));
    let requests = gateway.requests();
    assert!(requests.is_empty(), "no request, so no password: {requests:?}");
}

#[test]
fn a_certificate_of_the_ca_file_is_trusted_by_it() {
    let gateway = gateway(Identity::SignedByAuthority);
    let home = Home::new().device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }");
    std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    let ran = home.dpbackup(&["trust", "QA1"]).exits(0);
    assert!(
        ran.stdout.contains("CA file") && ran.stdout.contains("ca.pem): yes"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_certificate_without_names_says_that_only_a_pin_will_do() {
    let gateway = gateway(Identity::SelfSignedCommonName);
    let home = Home::new().device_at("QA1", gateway.port(), "{ verify = false }");
    assert_shown!(shown(&home.dpbackup(&["trust", "QA1"]).exits(3), &home));
}

#[test]
fn a_self_made_authority_and_an_expired_certificate_are_told_apart() {
    let gateway = self::gateway(Identity::SelfSignedAuthority);
    let home = Home::new().device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }");
    std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    let ran = home.dpbackup(&["trust", "QA1"]).exits(3);
    assert!(
        ran.stdout.contains("is       a certificate authority"),
        "{}",
        ran.stdout
    );
    assert_shown!(ran.stderr);

    let gateway = self::gateway(Identity::Expired);
    let home = Home::new().device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }");
    std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    let ran = home.dpbackup(&["trust", "QA1"]).exits(3);
    assert!(ran.stdout.contains("EXPIRED"), "{}", ran.stdout);
    assert_shown!(ran.stderr);
}

#[test]
fn a_wrong_pin_is_a_warning_and_the_new_one_is_printed() {
    let gateway = gateway(Identity::SelfSigned);
    let home = Home::new().device_at(
        "QA1",
        gateway.port(),
        &format!("{{ pin_sha256 = \"{}\" }}", "0".repeat(64)),
    );
    let ran = home.dpbackup(&["trust", "QA1"]).exits(3);
    assert!(ran.stdout.contains(&gateway.pin()), "{}", ran.stdout);
    assert_shown!(ran.stderr);
}

#[test]
fn who_is_not_there_or_speaks_no_tls_shows_nothing() {
    let home = Home::new().absent_device("QA1");
    assert_shown!(home.dpbackup(&["trust", "QA1"]).exits(1).stderr);

    let gateway = gateway(Identity::SelfSigned);
    gateway.fail(Fault::every("connect", FaultKind::Garbage));
    let home = Home::new().device("QA1", &gateway);
    assert_shown!(home.dpbackup(&["trust", "QA1"]).exits(1).stderr);
}

#[test]
fn who_says_nothing_is_not_waited_for_longer_than_the_limit() {
    let gateway = gateway(Identity::SelfSigned);
    gateway.fail(Fault::every("connect", FaultKind::StallBeforeHead(None)));
    let home = Home::new()
        .setting("timeouts = { connect = \"1s\" }")
        .device("QA1", &gateway);
    let started = std::time::Instant::now();
    assert_shown!(home.dpbackup(&["trust", "QA1"]).exits(1).stderr);
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn a_device_that_the_plan_file_does_not_have_is_a_mistake_of_the_fingers() {
    let gateway = gateway(Identity::SelfSigned);
    let home = Home::new().device("QA1", &gateway);
    let ran = home.dpbackup(&["trust", "QA2"]).exits(2);
    assert!(ran.stderr.contains("did you mean 'QA1'?"), "{}", ran.stderr);
}
