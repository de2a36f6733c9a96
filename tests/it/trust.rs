//! `dpbackup trust`: what a device shows, before anything is said to it.

use crate::shown::shown;
use crate::simulator::{Fault, FaultKind, Gateway, Identity};
use crate::support::{Home, gateways};

const EXPORT: &str = "[[plan.activity]]\naction = \"export-domain\"\ndevices = \"QA1\"\ndomains = \"DOM1\"";

#[test]
fn a_device_that_is_pinned_shows_its_chain_and_its_pin() {
    let gateway = gateways::showing(Identity::SignedByAuthority);
    let home = Home::of(&gateway);
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
    let gateway = gateways::showing(Identity::SignedByAuthority);
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
    let gateway = gateways::showing(Identity::SelfSignedCommonName);
    let home = Home::new().device_at("QA1", gateway.port(), "{ verify = false }");
    assert_shown!(shown(&home.dpbackup(&["trust", "QA1"]).exits(3), &home));
}

#[test]
fn a_self_made_authority_and_an_expired_certificate_are_told_apart() {
    let gateway = gateways::showing(Identity::SelfSignedAuthority);
    let home = Home::new().device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }");
    let another = gateways::showing(Identity::SelfSignedAuthority);
    std::fs::write(home.path("ca.pem"), another.ca_pem()).expect("a CA file");
    let ran = home.dpbackup(&["trust", "QA1"]).exits(3);
    assert!(
        ran.stdout.contains("is       a certificate authority"),
        "{}",
        ran.stdout
    );
    assert_shown!(ran.stderr);

    let gateway = gateways::showing(Identity::Expired);
    let home = Home::new().device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }");
    std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    let ran = home.dpbackup(&["trust", "QA1"]).exits(3);
    assert!(ran.stdout.contains("EXPIRED"), "{}", ran.stdout);
    assert_shown!(ran.stderr);
}

/// A home that names the certificate which the gateway shows, an authority, as its `ca_file`.
fn naming_itself(identity: Identity) -> (Gateway, Home) {
    let gateway = gateways::showing(identity);
    let home = Home::new()
        .device_at("QA1", gateway.port(), "{ ca_file = \"ca.pem\" }")
        .plan("P", EXPORT);
    std::fs::write(home.path("ca.pem"), gateway.ca_pem()).expect("a CA file");
    (gateway, home)
}

#[test]
fn a_certificate_that_is_its_own_authority_is_trusted_when_it_is_named_itself() {
    let (_gateway, home) = naming_itself(Identity::SelfSignedAuthority);
    let ran = home.dpbackup(&["trust", "QA1"]).exits(0);
    assert!(ran.stdout.contains("ca.pem): yes"), "{}", ran.stdout);
    let _ran = home.dpbackup(&["run", "P"]).exits(0);
}

#[test]
fn a_certificate_that_is_named_itself_is_refused_under_another_name_and_when_it_has_expired() {
    let (gateway, home) = naming_itself(Identity::SelfSignedAuthority);
    let text = std::fs::read_to_string(home.plan_file()).expect("text");
    let elsewhere = text.replace("127.0.0.1", "0.0.0.0");
    std::fs::write(home.path("elsewhere.toml"), elsewhere).expect("a plan file");
    let ran = home.dpbackup(&["-c", "elsewhere.toml", "run", "P"]).exits(1);
    assert!(ran.stderr.contains(", not for 0.0.0.0"), "{}", ran.stderr);
    assert!(gateway.requests().is_empty(), "no request, so no password");

    let (gateway, home) = naming_itself(Identity::SelfSignedAuthorityExpired);
    let ran = home.dpbackup(&["run", "P"]).exits(1);
    assert!(ran.stderr.contains("expired on 2016-01-01"), "{}", ran.stderr);
    assert!(gateway.requests().is_empty(), "no request, so no password");
}

#[test]
fn a_wrong_pin_is_a_warning_and_the_new_one_is_printed() {
    let gateway = gateways::showing(Identity::SelfSigned);
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

    let gateway = gateways::showing(Identity::SelfSigned);
    gateway.fail(Fault::every("connect", FaultKind::Garbage));
    let home = Home::of(&gateway);
    assert_shown!(home.dpbackup(&["trust", "QA1"]).exits(1).stderr);
}

#[test]
fn who_says_nothing_is_not_waited_for_longer_than_the_limit() {
    let gateway = gateways::showing(Identity::SelfSigned);
    gateway.fail(Fault::every("connect", FaultKind::StallBeforeHead(None)));
    let home = Home::new().timeouts("connect = 1s").device("QA1", &gateway);
    assert_shown!(home.dpbackup(&["trust", "QA1"]).exits(1).stderr);
}

#[test]
fn a_device_that_the_plan_file_does_not_have_is_a_mistake_of_the_fingers() {
    let gateway = gateways::showing(Identity::SelfSigned);
    let home = Home::of(&gateway);
    let ran = home.dpbackup(&["trust", "QA2"]).exits(2);
    assert!(ran.stderr.contains("did you mean 'QA1'?"), "{}", ran.stderr);
}

/// Made by `openssl req -x509`, as administrators make them. Its key was thrown away.
const RSA: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIDkzCCAnugAwIBAgIUAydqcRd5MMFLgNv5OFGk54moSygwDQYJKoZIhvcNAQEL\n\
BQAwPjELMAkGA1UEBhMCSVQxFTATBgNVBAoMDEV4YW1wbGUgR21iSDEYMBYGA1UE\n\
AwwPZ3cxLmV4YW1wbGUuY29tMB4XDTI2MTEyMjA5NTkxNFoXDTM2MTExOTA5NTkx\n\
NFowPjELMAkGA1UEBhMCSVQxFTATBgNVBAoMDEV4YW1wbGUgR21iSDEYMBYGA1UE\n\
AwwPZ3cxLmV4YW1wbGUuY29tMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC\n\
AQEA2o+Utjg3eanhq9i6xdkT4sxoAGs02DTOlzjOSFrppztwxzHb/qESemwZF/mI\n\
oeMom94q4M+l7C3ks3AicaKFKvMpo5jyON4o2r+n5DQ1GZ2hnBPCJROt0NyG5oD0\n\
+hpNNCZDKwG8OnyYA7+34zK4wQm+bmyE7GPMYkLswfRoQEz2/JLinaQJHfVxf4Zc\n\
NqkcynnhEiLsapO6rqQBy0YkAWjVBvBr7KjZENwzS2X0U+RBDNs7TGEexrvyUqjb\n\
Erzh5tkPOPOi6x+j8GxnpepHhrAzf+LigS4RHuvsFV6jmYIMCDZQzb2+c+DNs5tD\n\
2LiL9WrGG7gGAQynh22ldrn+6QIDAQABo4GIMIGFMB0GA1UdDgQWBBSNaLtqgqqM\n\
62nGZvrvYOiMEMHMDzAfBgNVHSMEGDAWgBSNaLtqgqqM62nGZvrvYOiMEMHMDzAP\n\
BgNVHRMBAf8EBTADAQH/MDIGA1UdEQQrMCmCD2d3MS5leGFtcGxlLmNvbYcEwAAC\n\
B4cQIAENuAAAAAAAAAAAAAAABzANBgkqhkiG9w0BAQsFAAOCAQEAkbzyyQXiiU4C\n\
bqCfOgQa4cAfxeiCxrg1d27C9d7Sr+ZB6U0CG5lkT0mnK5/dsEGzBS8UxhIJnjbc\n\
YEimLGdbTdo42ZyOzSu9dUwlHTnGnSQ3SnZQ8Pumk/lciARCprJoDD5ZFJ91vUfd\n\
Pdpli9zLsVdjl8DbjAVXbp8jfTZtglPE9KgGzSr+zmYGp70CXeKL5D/WSAdRaIG6\n\
7rRaeHQtB5J0dYMT2c3PEdbutaybm4y6BYpe/kvuuFgkJUvXD+q2GREheJ8M09bz\n\
FsADEg40Sm9EZ+0QnRQ2x8siIW2fFUkIKbylJSybf852WHU8JDS8hKPxltp5dZYQ\n\
rBimlTks9w==\n\
-----END CERTIFICATE-----\n\
";

#[test]
fn a_certificate_as_openssl_makes_it_is_read() {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let der = CertificateDer::from_pem_slice(RSA.as_bytes()).expect("PEM");
    let certificate = dpbackup::soma::certificate::Certificate::of_der(&der);
    assert_eq!(
        certificate.pin(),
        "c1be4101d588924ac90c87dd552ac0cca97ac239439a36501aa1244d476c3fd2"
    );
    let content = certificate.content.expect("readable");
    assert_eq!(content.subject, "CN=gw1.example.com,O=Example GmbH,C=IT");
    assert_eq!(content.key, "RSA 2048");
    assert_eq!(
        content.names,
        ["DNS gw1.example.com", "IP 192.0.2.7", "IP 2001:db8::7"]
    );
    assert!(content.is_self_signed() && content.is_authority);
    let day_before = content.not_after - jiff::SignedDuration::from_hours(25);
    assert_eq!(content.days_left(day_before), 1);
    assert_eq!(
        content.days_left(content.not_after + jiff::SignedDuration::from_secs(1)),
        -1
    );

    let nonsense = dpbackup::soma::certificate::Certificate::of_der(b"nonsense");
    assert!(nonsense.content.is_err(), "and its pin is good all the same");
}
