//! What a device tells of its certificate objects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use roxmltree::Node;

use crate::gateway::Gateway;
use crate::soma::certificate::Certificate;
use crate::soma::error::{Result, SomaErrorKind};
use crate::soma::request;
use crate::values::certificate_facts::CertificateFacts;

impl Gateway<'_> {
    /// What the device tells of the `CryptoCertificate` of this name in the default domain. Older
    /// firmware does not know the question, and an account may lack the right to ask it: then no more
    /// than the name is known.
    pub fn certificate_facts(&self, name: &str) -> Result<CertificateFacts> {
        let request = request::view_certificate(name);
        let answer = self.read(&request, "view-certificate-details", |details| {
            Ok(CertificateFacts {
                object: name.to_owned(),
                ..facts(details)
            })
        });
        match answer {
            Err(error)
                if matches!(
                    error.kind,
                    SomaErrorKind::Fault
                        | SomaErrorKind::OtherFault
                        | SomaErrorKind::Refused
                        | SomaErrorKind::NotAllowed
                        | SomaErrorKind::Malformed
                ) =>
            {
                Ok(CertificateFacts::of(name))
            }
            answer => answer,
        }
    }
}

/// `CryptoCertificate/CertificateDetails`. `NotAfter` is an `xsd:dateTime`, and `Base64` the certificate
/// itself, where it is told.
fn facts(details: Node<'_, '_>) -> CertificateFacts {
    let told = |name: &str| {
        let node = details
            .descendants()
            .find(|node| node.tag_name().name() == name)?;
        let text = node.text()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let bare = |text: String| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let der = told("Base64").and_then(|text| STANDARD.decode(bare(text)).ok());
    CertificateFacts {
        object: String::new(),
        subject: told("Subject"),
        serial: told("SerialNumber"),
        sha256: der.map(|der| Certificate::of_der(&der).pin()),
        expiry: told("NotAfter")
            .and_then(|text| moment(&text))
            .map(|at| at.to_string()),
        key: told("SubjectPublicKeyAlgorithm"),
    }
}

/// A time without an offset is that of the certificate itself, which is UTC.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_with_and_without_an_offset() {
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
        for text in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T07:00:00-05:00",
            "2026-03-01T12:00:00",
        ] {
            assert_eq!(moment(text), Some(noon), "{text}");
        }
        assert_eq!(moment("soon"), None);
    }
}
