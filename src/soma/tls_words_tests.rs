use rustls::CertificateError;
use rustls::pki_types::ServerName;

use super::{explain, of_server};
use crate::soma::distrust::Unproven;

/// What is said of a certificate with these names, as the verifier writes them.
fn said(presented: &[&str]) -> String {
    let error = CertificateError::NotValidForNameContext {
        expected: ServerName::try_from("gw.example.com").expect("a name"),
        presented: presented.iter().map(|name| (*name).to_owned()).collect(),
    };
    explain(&rustls::Error::InvalidCertificate(error)).message
}

#[test]
fn the_names_of_a_certificate_are_told_plainly() {
    assert_eq!(
        said(&["DnsName(\"localhost\")", "IpAddress(127.0.0.1)", "IpAddress(::1)"]),
        "the certificate of the device is for localhost, 127.0.0.1, ::1, not for gw.example.com"
    );
}

#[test]
fn an_address_that_stands_in_a_certificate_as_a_host_name_is_told_apart() {
    let error = CertificateError::NotValidForNameContext {
        expected: ServerName::try_from("127.0.0.1").expect("an address"),
        presented: vec!["DnsName(\"127.0.0.1\")".to_owned()],
    };
    assert_eq!(
        explain(&rustls::Error::InvalidCertificate(error)).message,
        "the certificate of the device has 127.0.0.1 as a host name (DNS), and an address counts only as an address (IP)"
    );
}

#[test]
fn what_the_verifier_has_no_words_for_has_ours() {
    for (raw, told) in [
        (
            "UnsupportedCriticalExtension",
            "an extension that must be understood",
        ),
        ("NameConstraintViolation", "may not sign (name constraints)"),
    ] {
        let other = rustls::OtherError(std::sync::Arc::from(
            Box::<dyn std::error::Error + Send + Sync>::from(raw),
        ));
        let error = explain(&rustls::Error::InvalidCertificate(CertificateError::Other(other)));
        assert!(error.message.contains(told), "{}", error.message);
        assert!(error.hint.is_some_and(|hint| hint.contains("pin")), "{raw}");
    }
}

#[test]
fn five_names_of_a_certificate_are_told_and_the_rest_is_counted() {
    let names: Vec<String> = (1..=7).map(|number| format!("DnsName(\"gw{number}\")")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = |count| said(names.get(..count).expect("so many names"));
    assert!(
        told(5).contains(" is for gw1, gw2, gw3, gw4, gw5, not for "),
        "{}",
        told(5)
    );
    assert!(
        told(7).contains(" is for gw1, gw2, gw3, gw4, gw5 and 2 more, not for "),
        "{}",
        told(7)
    );
}

#[test]
fn a_name_that_can_be_no_host_is_not_told_as_one() {
    let uri = "UniformResourceIdentifier(\"https://gw\")";
    assert!(said(&["DirectoryName", uri, "DnsName(\"a\")"]).contains(" is for a, not for "));
    assert!(said(&["DirectoryName", uri]).contains("carries no names"));
    assert!(said(&["DnsName(\"a\u{1b}[1m\")"]).contains(" is for a\\u{1b}[1m, not for "));
}

#[test]
fn a_signature_that_cannot_be_verified_is_told_by_its_name() {
    // The content of the DER forms: an identifier, and for some parameters.
    let sha1 = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00,
    ];
    let sha512 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
    for (id, name) in [
        (&sha1[..], "SHA-1 with RSA"),
        (&sha512[..], "EC P-521"),
        (b"\x06\x03\x2b\x65\x71", "Ed448"),
        (b"\x06\x03\x2b\x65\x01", "algorithm 1.3.101.1"),
        (b"\x06\x09\x2b", "without a name"),
        (b"", "without a name"),
    ] {
        let error = CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: id.to_vec(),
            supported_algorithms: Vec::new(),
        };
        let told = explain(&rustls::Error::InvalidCertificate(error)).message;
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn a_server_that_is_no_device_is_called_a_server() {
    let error = rustls::Error::from(Unproven::AnotherKind);
    assert!(!of_server(&error).contains("device"), "{}", of_server(&error));
}
