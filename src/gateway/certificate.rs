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
use crate::soma::{reply, request};
use crate::values::certificate_facts::CertificateFacts;
use crate::values::xml::children;

/// So many characters of a subject, or of a serial number, are kept.
const MOST_TOLD: usize = 500;

impl Gateway<'_> {
    /// What the device tells of the `CryptoCertificate` of this name in the default domain. Older
    /// firmware does not know the question, and an account may lack the right to ask it: then no more
    /// than the name is known.
    pub fn certificate_facts(&self, name: &str) -> Result<CertificateFacts> {
        let request = request::view_certificate(name);
        let answer = self.read(&request, "view-certificate-details", |answer| {
            Ok(facts(name, answer))
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
            answer => answer.map(|facts| self.without_secrets_in_certificate(facts)),
        }
    }

    fn without_secrets_in_certificate(&self, facts: CertificateFacts) -> CertificateFacts {
        let hidden = |told: Option<String>| told.map(|told| self.client.without_secrets_in(&told));
        CertificateFacts {
            subject: hidden(facts.subject),
            serial: hidden(facts.serial),
            key: hidden(facts.key),
            ..facts
        }
    }
}

/// What the answer tells of this object. It may have rows of others, and a row the details of more than one
/// certificate; of several that could be meant none is, and no two are mixed.
fn facts(name: &str, answer: Node<'_, '_>) -> CertificateFacts {
    let about_it = children(answer, "CryptoCertificate")
        .filter(|row| child_text(*row, "CertificateObject").as_deref() == Some(name))
        .flat_map(|row| children(row, "CertificateDetails"));
    match about_it.collect::<Vec<_>>().as_slice() {
        [details] => told(name, *details),
        _ => CertificateFacts::of(name),
    }
}

/// `CertificateDetails`. `NotBefore` and `NotAfter` are `xsd:dateTime`s, and `Base64` the certificate itself, where it is told.
fn told(name: &str, details: Node<'_, '_>) -> CertificateFacts {
    let told = |name: &str| child_text(details, name);
    // It goes into history, and into a page for people: no more of it than anybody reads.
    let bounded = |text: String| reply::cut(&text, MOST_TOLD);
    let bare = |text: String| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let time = |name: &str| told(name).and_then(|text| moment(&text)).map(|at| at.to_string());
    let der = told("Base64").and_then(|text| STANDARD.decode(bare(text)).ok());
    CertificateFacts {
        object: name.to_owned(),
        subject: told("Subject").map(bounded),
        serial: told("SerialNumber").map(bounded),
        sha256: der.map(|der| Certificate::of_der(&der).pin()),
        valid_from: time("NotBefore"),
        expiry: time("NotAfter"),
        key: told("SubjectPublicKeyAlgorithm").map(bounded),
    }
}

/// The text of the only child of this name; an empty one tells nothing, and neither do two.
fn child_text(parent: Node<'_, '_>, name: &str) -> Option<String> {
    let mut named = children(parent, name);
    let (only, None) = (named.next()?, named.next()) else {
        return None;
    };
    let text = only.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
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

    /// What an answer with these rows tells of `backup-cert`.
    fn read(rows: &str) -> CertificateFacts {
        let answer = format!("<view-certificate-details>{rows}</view-certificate-details>");
        let document = roxmltree::Document::parse(&answer).expect("XML");
        facts("backup-cert", document.root_element())
    }

    fn row(object: &str, details: &str) -> String {
        format!(
            "<CryptoCertificate><CertificateObject>{object}</CertificateObject>\
             <CertificateDetails>{details}</CertificateDetails></CryptoCertificate>"
        )
    }

    #[test]
    fn only_the_row_of_the_object_that_was_asked_for_is_believed() {
        let other = row(
            "other",
            "<SerialNumber>2</SerialNumber><Subject>CN=other</Subject>",
        );
        let own = row("backup-cert", "<SerialNumber>1</SerialNumber>");
        for rows in [format!("{own}{other}"), format!("{other}{own}")] {
            let told = read(&rows);
            assert_eq!(
                (told.serial.as_deref(), told.subject),
                (Some("1"), None),
                "{rows}"
            );
        }
        let nameless = "<CryptoCertificate><CertificateDetails><SerialNumber>1</SerialNumber>\
             </CertificateDetails></CryptoCertificate>";
        let two_in_one = "<CryptoCertificate><CertificateObject>backup-cert</CertificateObject>\
             <CertificateDetails><SerialNumber>1</SerialNumber></CertificateDetails>\
             <CertificateDetails><Subject>CN=x</Subject></CertificateDetails></CryptoCertificate>";
        for rows in [&other, nameless, two_in_one, &format!("{own}{own}"), ""] {
            assert_eq!(read(rows), CertificateFacts::of("backup-cert"), "{rows}");
        }
    }

    #[test]
    fn what_stands_twice_or_below_something_else_is_not_known() {
        let told = read(&row(
            "backup-cert",
            "<SerialNumber>1</SerialNumber><SerialNumber>2</SerialNumber>\
             <Issuer><Subject>CN=issuer</Subject></Issuer><Subject>CN=x</Subject>",
        ));
        assert_eq!((told.serial, told.subject.as_deref()), (None, Some("CN=x")));
    }

    #[test]
    fn a_serial_number_without_end_is_not_kept_whole() {
        let told = read(&row(
            "backup-cert",
            &format!("<SerialNumber>{}</SerialNumber>", "9".repeat(100_000)),
        ));
        let serial = told.serial.expect("a serial number");
        assert_eq!(serial.chars().count(), MOST_TOLD + 1);
    }
}
