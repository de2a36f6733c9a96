use rustls::CertificateError;
use rustls::pki_types::ServerName;

use super::tls::explain;

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
