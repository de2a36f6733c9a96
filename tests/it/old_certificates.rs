//! Certificates of old: X.509 version 1, and RSA keys of 1024 bits.

use crate::simulator::{Gateway, Identity, Setup};
use crate::support::{Home, Ran, gateways};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"";

const OFF: &str = "{ verify = false }";

fn gateway(identity: Identity, tls_12_only: bool) -> Gateway {
    Gateway::start(Setup {
        identity,
        tls_12_only,
        ..Setup::default()
    })
}

fn home(gateway: &Gateway, tls: &str) -> Home {
    Home::new()
        .device_at("QA1", gateway.port(), tls)
        .plan("P", EXPORT)
}

fn pin(gateway: &Gateway) -> String {
    format!("{{ pin_sha256 = \"{}\" }}", gateway.pin())
}

fn trust(home: &Home) -> Ran {
    home.dpbackup(&["trust", "QA1"])
}

/// A run, a check and `trust` go well.
fn works(gateway: &Gateway, tls: &str) {
    let home = home(gateway, tls);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
    let checked = home.dpbackup(&["check", "P"]);
    assert!(!checked.stdout.contains("  FAIL  "), "{}", checked.stdout);
    let shown = trust(&home);
    assert!(shown.stdout.contains(&gateway.pin()), "{}", shown.stdout);
    let verdict = shown
        .stdout
        .lines()
        .find(|line| line.contains("as the plan file has it"));
    assert!(
        verdict.is_some_and(|line| line.ends_with(": yes")),
        "{}",
        shown.stdout
    );
}

/// A run and `trust` say this, and nothing was sent.
fn is_refused(gateway: &Gateway, tls: &str, why: &str) {
    let home = home(gateway, tls);
    let ran = home.dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
    let shown = trust(&home).exits(3);
    assert!(shown.stdout.contains(&format!("no: {why}")), "{}", shown.stdout);
    let warning = format!("a run would not trust QA1: {why}");
    assert!(shown.stderr.contains(&warning), "{}", shown.stderr);
    let requests = gateway.requests();
    assert!(requests.is_empty(), "no request, so no password: {requests:?}");
}

#[test]
fn a_certificate_of_version_1_can_be_pinned_in_tls_1_2_and_1_3() {
    for tls_12_only in [true, false] {
        let gateway = gateway(Identity::VersionOne, tls_12_only);
        works(&gateway, &pin(&gateway));
    }
}

#[test]
fn a_certificate_of_version_1_does_not_matter_where_nothing_is_verified() {
    for tls_12_only in [true, false] {
        works(&gateway(Identity::VersionOne, tls_12_only), OFF);
    }
}

#[test]
fn who_shows_the_pinned_certificate_without_its_key_is_refused_before_anything_is_sent() {
    let thieves = [
        (Identity::StolenVersionOne, true),
        (Identity::StolenVersionOne, false),
        (Identity::StolenShortKey, true),
    ];
    for (identity, tls_12_only) in thieves {
        let gateway = gateway(identity, tls_12_only);
        is_refused(
            &gateway,
            &pin(&gateway),
            "whoever answers shows the trusted certificate, but does not have the key that belongs to it",
        );
    }
}

#[test]
fn who_signs_in_another_way_than_the_key_of_the_pinned_certificate_is_refused() {
    for tls_12_only in [true, false] {
        let gateway = gateway(Identity::StolenByAnotherKind, tls_12_only);
        is_refused(
            &gateway,
            &pin(&gateway),
            "the device signs in a way that cannot be verified with the public key in its certificate",
        );
    }
}

#[test]
fn an_rsa_key_of_1024_bits_can_be_pinned_in_tls_1_2() {
    let gateway = gateway(Identity::ShortKey, true);
    works(&gateway, &pin(&gateway));
}

#[test]
fn an_rsa_key_of_1024_bits_cannot_be_pinned_in_tls_1_3_and_it_is_said_what_to_do() {
    let gateway = gateways::showing(Identity::ShortKey);
    let pin = pin(&gateway);
    is_refused(
        &gateway,
        &pin,
        "the RSA key of the device has only 1024 bits, too few for its signature to be verified",
    );
    let ran = home(&gateway, &pin).dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains("offer only TLS 1.2"), "{}", ran.stderr);
    // Nor is the pin offered.
    let shown = home(&gateway, &pin).dpbackup(&["trust", "QA1"]).exits(3).stdout;
    assert!(
        shown.contains("A pin would not do: ") && !shown.contains("tls = {"),
        "{shown}"
    );
}

/// It has its key, and nobody verified that it has: that somebody stands in between would be said of nothing.
#[test]
fn an_rsa_key_of_1024_bits_that_a_ca_file_vouches_for_is_refused_for_its_length_and_accuses_nobody() {
    for tls_12_only in [true, false] {
        let gateway = gateway(Identity::ShortKey, tls_12_only);
        let home = home(&gateway, "{ ca_file = \"ca.pem\" }");
        std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a file");
        let why = "the RSA key of the device has only 1024 bits, too few for its signature to be verified";
        for arguments in [["run", "P"].as_slice(), &["check", "P"], &["trust", "QA1"]] {
            let ran = home.dpbackup(arguments);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(why), "{arguments:?}: {said}");
            assert!(
                !said.contains("does not have the key") && !said.contains("in between"),
                "{said}"
            );
        }
        let ran = home.dpbackup(&["run", "P"]).exits(1);
        assert!(
            ran.stderr.contains("pin it and offer only TLS 1.2"),
            "{}",
            ran.stderr
        );
        let requests = gateway.requests();
        assert!(requests.is_empty(), "no request, so no password: {requests:?}");
    }
}

#[test]
fn an_rsa_key_of_1024_bits_does_not_matter_where_nothing_is_verified() {
    for tls_12_only in [true, false] {
        works(&gateway(Identity::ShortKey, tls_12_only), OFF);
    }
}
