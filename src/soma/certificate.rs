//! What stands in a certificate. This is the only file that knows the crate that reads it.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::time::Time;

/// A certificate that a device has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER form, which a pin compares.
    pub sha256: [u8; 32],
    /// What stands in it, or why that cannot be read. The pin is good in either case.
    pub content: Result<Content, String>,
}

/// What stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Whose it is, `CN=gateway,O=Example`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it is good for.
    pub names: Vec<String>,
    /// The moment from which it is good.
    pub not_before: Timestamp,
    /// The moment until which it is good.
    pub not_after: Timestamp,
    /// `RSA 2048`, `EC P-256`.
    pub key: String,
    /// Whether it says of itself that it may sign others.
    pub is_authority: bool,
}

impl Certificate {
    /// Reads a certificate as it came over the wire.
    pub fn of_der(der: &[u8]) -> Self {
        Self {
            sha256: Sha256::digest(der).into(),
            content: Content::of_der(der).map_err(|error| error.to_string()),
        }
    }

    /// The pin in lower-case hexadecimal digits.
    pub fn pin(&self) -> String {
        hex(&self.sha256)
    }
}

impl Content {
    fn of_der(der: &[u8]) -> x509_cert::der::Result<Self> {
        let certificate = x509_cert::Certificate::from_der(der)?;
        let inner = certificate.tbs_certificate();
        let alternatives = inner.get_extension::<SubjectAltName>()?.map(|(_, names)| names.0);
        let constraints = inner
            .get_extension::<BasicConstraints>()?
            .map(|(_, constraints)| constraints);
        Ok(Self {
            subject: inner.subject().to_string(),
            issuer: inner.issuer().to_string(),
            names: alternatives.unwrap_or_default().iter().map(name).collect(),
            not_before: moment(&inner.validity().not_before),
            not_after: moment(&inner.validity().not_after),
            key: key(inner.subject_public_key_info()),
            is_authority: constraints.is_some_and(|constraints| constraints.ca),
        })
    }

    /// Whether it is signed by itself.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whole days until it expires; negative ones since it has.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        self.not_after.duration_since(now).as_secs().div_euclid(86_400)
    }
}

fn moment(time: &Time) -> Timestamp {
    let since_1970 = time.to_unix_duration();
    Timestamp::UNIX_EPOCH
        .checked_add(since_1970)
        .unwrap_or(Timestamp::MAX)
}

fn name(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(name) => format!("DNS {name}"),
        GeneralName::IpAddress(address) => format!("IP {}", address_text(address.as_bytes())),
        GeneralName::Rfc822Name(name) => format!("e-mail {name}"),
        GeneralName::UniformResourceIdentifier(name) => format!("URI {name}"),
        GeneralName::DirectoryName(name) => format!("directory {name}"),
        _ => "a name of another kind".to_owned(),
    }
}

fn address_text(bytes: &[u8]) -> String {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(bytes).to_string()
    } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(bytes).to_string()
    } else {
        hex(bytes)
    }
}

/// The kind of a public key and its size.
fn key(info: &x509_cert::spki::SubjectPublicKeyInfoOwned) -> String {
    let kind = info.algorithm.oid.to_string();
    match kind.as_str() {
        "1.2.840.113549.1.1.1" => match rsa_bits(info.subject_public_key.raw_bytes()) {
            Some(bits) => format!("RSA {bits}"),
            None => "RSA".to_owned(),
        },
        "1.2.840.10045.2.1" => {
            let parameters = info.algorithm.parameters.as_ref();
            let curve: Option<ObjectIdentifier> = parameters.and_then(|any| any.decode_as().ok());
            match curve.map(|curve| curve.to_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => "EC P-256".to_owned(),
                Some("1.3.132.0.34") => "EC P-384".to_owned(),
                Some("1.3.132.0.35") => "EC P-521".to_owned(),
                Some(other) => format!("EC, curve {other}"),
                None => "EC".to_owned(),
            }
        }
        "1.3.101.112" => "Ed25519".to_owned(),
        other => format!("of the kind {other}"),
    }
}

/// The length of the modulus: the first number in the sequence that a key is.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    use x509_cert::der::{Reader, SliceReader, asn1::UintRef};
    let mut reader = SliceReader::new(key).ok()?;
    reader
        .sequence(|inner| {
            let modulus = UintRef::decode(inner)?;
            let bytes = modulus.as_bytes();
            let unused = bytes.first().map_or(0, |byte| byte.leading_zeros() as usize);
            let _exponent = UintRef::decode(inner)?;
            Ok::<_, x509_cert::der::Error>(bytes.len() * 8 - unused)
        })
        .ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
