//! Until when a certificate object is good.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use roxmltree::Node;

use crate::gateway::Gateway;
use crate::soma::error::{Result, SomaErrorKind};
use crate::soma::request;

impl Gateway<'_> {
    /// Until when the `CryptoCertificate` of this name in the default domain is good; `None`
    /// where the device does not tell. Older firmware does not know the question, and an
    /// account may lack the right to ask it.
    pub fn certificate_expiry(&self, name: &str) -> Result<Option<Timestamp>> {
        let request = request::view_certificate(name);
        let answer = self.read(&request, "view-certificate-details", |details| {
            Ok(not_after(details))
        });
        match answer {
            Err(error)
                if matches!(
                    error.kind,
                    SomaErrorKind::Fault
                        | SomaErrorKind::Refused
                        | SomaErrorKind::NotAllowed
                        | SomaErrorKind::Malformed
                ) =>
            {
                Ok(None)
            }
            answer => answer,
        }
    }
}

/// `CryptoCertificate/CertificateDetails/NotAfter`, which is an `xsd:dateTime`.
fn not_after(details: Node<'_, '_>) -> Option<Timestamp> {
    let told = details
        .descendants()
        .find(|node| node.tag_name().name() == "NotAfter")?;
    moment(told.text()?.trim())
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
