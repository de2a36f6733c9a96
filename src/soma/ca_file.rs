//! The certificates of a `ca_file`, and what to say of one that holds none: never what stands in it,
//! for that may be a key.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};

use crate::ownership::{self, TouchError};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::values::causes::said;

/// The largest CA file that is read, in bytes: the bundles of whole systems have half a MiB.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// What Windows puts before text, which PEM does not know.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Every certificate of a PEM file, each of which must be readable: as roots, and as they are.
pub(super) fn roots_of(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>)> {
    let problem =
        |what: String| SomaError::new(SomaErrorKind::Tls, format!("CA file {}: {what}", path.display()));
    const HINT: &str = "check `ca_file` in the plan file";
    let text = ownership::read_believed(path, LARGEST_CA_FILE)
        .map_err(|error| match error {
            TouchError::Io(error) => problem(said(&error)).with_hint(HINT),
            TouchError::Untrusted(why) => problem(why.to_string()),
        })?
        .ok_or_else(|| problem("it is larger than 16 MiB".to_owned()).with_hint(HINT))?;
    certificates(&text).map_err(|Unusable { what, hint }| problem(what).with_hint(hint))
}

/// What stands wrong in a text of PEM, without a word of the text.
pub(super) fn pem_words(error: &PemError) -> &'static str {
    match error {
        PemError::MissingSectionEnd { .. } => "not readable as PEM: a section has no line that ends it",
        PemError::IllegalSectionStart { .. } => {
            "not readable as PEM: a line that begins a section does not end as it should"
        }
        PemError::Base64Decode(_) => "not readable as PEM: what stands in a section is no base64",
        PemError::SectionTooLarge => "not readable as PEM: a section is larger than any certificate",
        PemError::Io(_) | PemError::NoItemsFound => "not readable as PEM",
        _ => "not readable as PEM",
    }
}

/// Why a text gives no roots.
#[derive(Debug)]
struct Unusable {
    what: String,
    hint: &'static str,
}

fn certificates(text: &[u8]) -> std::result::Result<(RootCertStore, Vec<CertificateDer<'static>>), Unusable> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let unusable = |what: &str, hint| Unusable {
        what: what.to_owned(),
        hint,
    };
    let (mut roots, mut certificates) = (RootCertStore::empty(), Vec::new());
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|error| match other_form(text) {
            Some(hint) => unusable(pem_words(&error), hint),
            None => unusable(
                pem_words(&error),
                "it must be PEM as it was made, each line on its own",
            ),
        })?;
        roots.add(certificate.clone()).map_err(|_| {
            unusable(
                "a certificate in it is damaged, or is none",
                "`openssl x509 -noout -text -in FILE` shows the first one",
            )
        })?;
        certificates.push(certificate);
    }
    match roots.is_empty() {
        true => Err(unusable(
            "it holds no certificate",
            other_form(text).unwrap_or("it must be PEM, -----BEGIN CERTIFICATE-----"),
        )),
        false => Ok((roots, certificates)),
    }
}

/// What a text is instead of certificates in PEM, and what to do about it.
fn other_form(text: &[u8]) -> Option<&'static str> {
    const BEGIN: &str = "-----BEGIN ";
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Some("it is text in UTF-16, as some Windows programs write it: save it as UTF-8");
    }
    // A sequence, with a length of two bytes.
    if text.starts_with(b"\x30\x82") {
        return Some("it is in DER: `openssl x509 -inform der -in FILE` writes it as PEM");
    }
    let text = String::from_utf8_lossy(text);
    let begun = text.lines().find(|line| line.contains(BEGIN))?;
    let (before, kind) = begun.split_once(BEGIN)?;
    if kind
        .split("-----")
        .nth(1)
        .is_some_and(|rest| !rest.trim().is_empty())
    {
        return Some(
            "it stands on one line: its line ends are missing, or are written as \\n, as they come out of JSON or of a \
             variable",
        );
    }
    if !before.is_empty() && before.trim().is_empty() {
        return Some("its lines are indented: each -----BEGIN has to begin its line");
    }
    let kind = kind.split("-----").next().unwrap_or_default();
    match kind {
        "CERTIFICATE" => None,
        "TRUSTED CERTIFICATE" => {
            Some("it is in the form of OpenSSL's own trust: `openssl x509 -in FILE` writes it without that")
        }
        "PKCS7" => Some("it is PKCS #7: `openssl pkcs7 -print_certs -in FILE` writes its certificates"),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            Some("it is a request for a certificate: name the certificate of the authority")
        }
        kind if kind.ends_with("PRIVATE KEY") => {
            Some("it is a private key: name the certificate of the authority, and keep the key to yourself")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem() -> String {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["ca".to_owned()]).expect("parameters");
        parameters.self_signed(&key).expect("a certificate").pem()
    }

    fn words(text: &[u8]) -> String {
        let Unusable { what, hint } = certificates(text).expect_err("no roots");
        format!("{what}; {hint}")
    }

    #[test]
    fn certificates_are_read_as_they_are_written_anywhere() {
        let pem = pem();
        for text in [
            pem.clone(),
            format!("\u{feff}{pem}"),
            pem.replace('\n', "\r\n"),
            format!("subject: ca\n{pem}\n{pem}"),
        ] {
            assert!(certificates(text.as_bytes()).is_ok(), "{text}");
        }
    }

    /// A file that is no list of certificates may hold a key, and messages go to many people.
    #[test]
    fn nothing_of_what_stands_in_the_file_is_told() {
        let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        let secret = key.lines().nth(1).expect("a line").to_owned();
        let numbers: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
        let numbers = numbers[..8].join(", ");
        for (text, told) in [
            (key.clone(), "it is a private key"),
            (key.replace('\n', "\\n"), "it stands on one line"),
            (key.replace('\n', " "), "it stands on one line"),
            (key.replace('\n', ""), "it stands on one line"),
            (
                pem().replace('\n', "\\n") + &key.replace('\n', "\\n"),
                "it stands on one line",
            ),
            (key.replace("-----END", "-----AND"), "not readable as PEM"),
            (
                pem().replace("-----END", "-----AND") + &key,
                "not readable as PEM",
            ),
            (pem().replace("MII", "(II") + &key, "no base64"),
        ] {
            let words = words(text.as_bytes());
            assert!(words.contains(told), "{told}: {words}");
            assert!(
                !words.contains(&secret[..12]) && !words.contains(&numbers),
                "{words}"
            );
        }
    }

    #[test]
    fn a_file_of_another_form_is_told_which_it_is() {
        let pem = pem();
        let utf16: Vec<u8> = "\u{feff}x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let as_kind = |kind: &str| pem.replace("CERTIFICATE", kind);
        let indented: String = pem.lines().map(|line| format!("  {line}\n")).collect();
        for (text, told) in [
            (utf16, "UTF-16"),
            (vec![0x30, 0x82, 1, 2], "DER"),
            (as_kind("TRUSTED CERTIFICATE").into_bytes(), "OpenSSL's own trust"),
            (as_kind("PKCS7").into_bytes(), "PKCS #7"),
            (
                as_kind("CERTIFICATE REQUEST").into_bytes(),
                "a request for a certificate",
            ),
            (indented.into_bytes(), "indented"),
            (b"text".to_vec(), "-----BEGIN CERTIFICATE-----"),
            (
                b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
                "a certificate in it is damaged",
            ),
        ] {
            let words = words(&text);
            assert!(words.contains(told), "{told}: {words}");
        }
    }
}
