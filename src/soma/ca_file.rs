//! The certificates of a `ca_file`, and what to say of one that holds none: never what stands in it,
//! for that may be a key.

use std::io::ErrorKind;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};

use crate::ownership::{self, TouchError};
use crate::soma::certificate_form::{BYTE_ORDER_MARK, other_form};
use crate::soma::error::{Result, SomaError, SomaErrorKind};
use crate::values::causes::said;
use crate::values::invocation::quoted;

/// The largest CA file that is read, in bytes: the bundles of whole systems have half a MiB.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// Every certificate of a PEM file, each of which must be readable: as roots, and as they are.
pub(super) fn roots_of(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>)> {
    let problem =
        |what: String| SomaError::new(SomaErrorKind::Tls, format!("CA file {}: {what}", path.display()));
    const HINT: &str = "check `ca_file` in the plan file";
    let text = ownership::read_believed(path, LARGEST_CA_FILE)
        .map_err(|error| match error {
            TouchError::Io(error) if error.kind() == ErrorKind::PermissionDenied => {
                let path = path.to_string_lossy();
                problem(said(&error)).with_hint(format!("`ls -ld {}` shows who may read it", quoted(&path)))
            }
            TouchError::Io(error) => problem(said(&error)).with_hint(HINT),
            TouchError::Untrusted(why) => problem(why.to_string()),
        })?
        .ok_or_else(|| problem("it is larger than 16 MiB".to_owned()).with_hint(HINT))?;
    certificates(&text, path).map_err(|Unusable { what, hint }| problem(what).with_hint(hint))
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
    hint: String,
}

fn certificates(
    text: &[u8],
    path: &Path,
) -> std::result::Result<(RootCertStore, Vec<CertificateDer<'static>>), Unusable> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let unusable = |what: &str, hint: &str| Unusable {
        what: what.to_owned(),
        hint: hint.to_owned(),
    };
    let other_form = || other_form(text, path, "the certificate of the authority");
    let (mut roots, mut certificates) = (RootCertStore::empty(), Vec::new());
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|error| match other_form() {
            Some(hint) => unusable(pem_words(&error), &hint),
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
            &other_form().unwrap_or_else(|| "it must be PEM, -----BEGIN CERTIFICATE-----".to_owned()),
        )),
        false => Ok((roots, certificates)),
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
        let Unusable { what, hint } = certificates(text, Path::new("ca.crt")).expect_err("no roots");
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
            assert!(
                certificates(text.as_bytes(), Path::new("ca.crt")).is_ok(),
                "{text}"
            );
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
