//! The certificate that a secure backup is encrypted for, as far as the device tells.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a device tells of a `CryptoCertificate`. What it does not tell is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The name of the object in the default domain.
    pub object: String,
    /// Whose it is.
    pub subject: Option<String>,
    /// Its serial number, as the device writes it.
    pub serial: Option<String>,
    /// SHA-256 of its DER form, in lower-case hex.
    pub sha256: Option<String>,
    /// From when on it is good, as RFC 3339 has it.
    #[serde(default)]
    pub valid_from: Option<String>,
    /// Until when it is good, as RFC 3339 has it.
    pub expiry: Option<String>,
    /// The kind of its key, as the device writes it.
    pub key: Option<String>,
}

impl CertificateFacts {
    /// What is known of one of which a device tells nothing.
    pub fn of(object: &str) -> Self {
        Self {
            object: object.to_owned(),
            ..Self::default()
        }
    }

    /// Whether its key is one on an elliptic curve, for which no secure backup is made.
    pub fn is_elliptic(&self) -> bool {
        let key = self.key.as_deref().unwrap_or_default().to_ascii_lowercase();
        key.contains("ecpublickey") || key.contains("ecdsa") || key.starts_with("ec")
    }

    /// From when on it is good, where that is still to come.
    pub fn not_valid_before(&self, now: Timestamp) -> Option<Timestamp> {
        let from: Timestamp = self.valid_from.as_ref()?.parse().ok()?;
        (from > now).then_some(from)
    }

    /// All of it in one line.
    pub fn words(&self) -> String {
        format!("{}: {}", self.object, self.details())
    }

    /// The same without the name of the object.
    pub fn details(&self) -> String {
        let known = |what: &Option<String>| what.clone().unwrap_or_else(|| "not known".to_owned());
        format!(
            "subject {}, serial number {}, SHA-256 {}, good until {}",
            known(&self.subject),
            known(&self.serial),
            known(&self.sha256),
            known(&self.expiry)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::CertificateFacts;

    #[test]
    fn what_a_device_does_not_tell_is_not_known() {
        let told = CertificateFacts {
            object: "backup-cert".to_owned(),
            serial: Some("4096".to_owned()),
            ..CertificateFacts::default()
        };
        assert_eq!(
            told.words(),
            "backup-cert: subject not known, serial number 4096, SHA-256 not known, good until not known"
        );
        assert!(!told.is_elliptic());
    }

    #[test]
    fn a_key_on_an_elliptic_curve_is_known_by_any_of_its_names() {
        for (key, is_elliptic) in [
            ("id-ecPublicKey", true),
            ("ECDSA", true),
            ("EC P-256", true),
            ("rsaEncryption", false),
            ("", false),
        ] {
            let facts = CertificateFacts {
                key: Some(key.to_owned()),
                ..CertificateFacts::default()
            };
            assert_eq!(facts.is_elliptic(), is_elliptic, "{key}");
        }
    }
}
