//! What stands in a certificate. This is the only file that knows the crate that reads it.

use std::io::Read as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::{Any, AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Reader, SliceReader, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

use crate::ownership;
use crate::soma::ca_file::pem_words;
use crate::soma::certificate_form::{BYTE_ORDER_MARK, free_name, other_form};
use crate::values::certificate_facts::CertificateFacts;
use crate::values::hex::hex;
use crate::values::invocation::quoted;

/// The largest file that is read for one certificate, in bytes.
const LARGEST_PEM_FILE: u64 = 16 << 20;

/// A certificate that a device has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER form, which a pin compares.
    pub sha256: [u8; 32],
    /// What stands in it, or why that cannot be read. The pin is good in either case.
    pub content: Result<CertificateContent, String>,
}

/// Why a file gives no certificate.
#[derive(Debug, PartialEq, Eq)]
pub struct NoCertificate {
    /// What is wrong with it.
    pub what: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl NoCertificate {
    fn new(what: String, hint: Option<String>) -> Self {
        Self { what, hint }
    }
}

/// What stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateContent {
    /// Whose it is, `CN=gateway,O=Example`.
    pub subject: String,
    pub issuer: String,
    /// The names and addresses that it is good for.
    pub names: Vec<String>,
    /// Its serial number, `0x1000`.
    pub serial: String,
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
            content: CertificateContent::of_der(der).map_err(|error| error.to_string()),
        }
    }

    /// Reads the certificate of a PEM file, which has no other one.
    ///
    /// # Errors
    ///
    /// Why it is none, and the command that makes it one where that is known.
    pub fn of_pem_file(path: &Path) -> Result<Self, NoCertificate> {
        let mut file = Vec::new();
        ownership::open_regular(path)
            .and_then(|opened| Ok(opened.take(LARGEST_PEM_FILE + 1).read_to_end(&mut file)?))
            .map_err(|error| NoCertificate::new(error.to_string(), None))?;
        if file.len() as u64 > LARGEST_PEM_FILE {
            return Err(NoCertificate::new("it is larger than 16 MiB".to_owned(), None));
        }
        let text = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&file);
        let hint = || other_form(text, path, "the certificate");
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            found
                .push(certificate.map_err(|error| NoCertificate::new(pem_words(&error).to_owned(), hint()))?);
        }
        let name = path.to_string_lossy();
        match found.as_slice() {
            [] => Err(NoCertificate::new(
                "it holds no certificate in the form PEM".to_owned(),
                hint(),
            )),
            [der] => {
                let read = Self::of_der(der);
                match &read.content {
                    Ok(_) => Ok(read),
                    Err(_) => Err(NoCertificate::new(
                        "the certificate in it is damaged, or is none".to_owned(),
                        Some(format!(
                            "`openssl x509 -noout -text -in {}` says where",
                            quoted(&name)
                        )),
                    )),
                }
            }
            several => Err(NoCertificate::new(
                format!("it holds {} certificates, and one is compared", several.len()),
                Some(format!(
                    "`openssl x509 -in {} -out {one}` writes the first of them alone: name {one} then",
                    quoted(&name),
                    one = quoted(&free_name(path))
                )),
            )),
        }
    }

    /// What a device could tell of it, if it stood there as an object of this name.
    pub fn facts(&self, object: &str) -> CertificateFacts {
        let content = self.content.as_ref().ok();
        CertificateFacts {
            object: object.to_owned(),
            subject: content.map(|content| content.subject.clone()),
            serial: content.map(|content| content.serial.clone()),
            sha256: Some(self.pin()),
            valid_from: content.map(|content| content.not_before.to_string()),
            expiry: content.map(|content| content.not_after.to_string()),
            key: content.map(|content| content.key.clone()),
        }
    }

    /// The pin in lower-case hexadecimal digits.
    pub fn pin(&self) -> String {
        hex(&self.sha256)
    }
}

/// The public key of a certificate, of which nothing else is read: it may be of any version,
/// and have a serial number, names or extensions that break the rules.
pub(super) struct PublicKey {
    /// What kind of key it is: the content of the DER form of its algorithm.
    pub(super) algorithm: Vec<u8>,
    /// The key itself.
    pub(super) bits: Vec<u8>,
    /// The length of its modulus, if it is an RSA key.
    pub(super) rsa_bits: Option<usize>,
}

impl PublicKey {
    /// The key of a certificate as it came over the wire.
    pub(super) fn of_der(der: &[u8]) -> x509_cert::der::Result<Self> {
        let info = SliceReader::new(der)?.sequence(|certificate| {
            let info = certificate.sequence(public_key_info)?;
            skip(certificate)?;
            Ok::<_, x509_cert::der::Error>(info)
        })?;
        let bits = info.subject_public_key.raw_bytes();
        let is_rsa = info.algorithm.oid.to_string() == RSA;
        Ok(Self {
            algorithm: Any::from_der(&info.algorithm.to_der()?)?.value().to_vec(),
            bits: bits.to_vec(),
            rsa_bits: if is_rsa { rsa_bits(bits) } else { None },
        })
    }
}

/// Steps over what stands in a certificate before the key: the version, where it is not the
/// first, then serial number, algorithm, issuer, validity and subject.
fn public_key_info<'r>(inner: &mut impl Reader<'r>) -> x509_cert::der::Result<SubjectPublicKeyInfoOwned> {
    let first = AnyRef::decode(inner)?;
    let before_the_key = if first.tag().is_context_specific() { 5 } else { 4 };
    for _ in 0..before_the_key {
        AnyRef::decode(inner)?;
    }
    let info = SubjectPublicKeyInfoOwned::decode(inner)?;
    skip(inner)?;
    Ok(info)
}

/// Steps over the rest.
fn skip<'r>(reader: &mut impl Reader<'r>) -> x509_cert::der::Result<()> {
    reader.read_slice(reader.remaining_len()).map(|_| ())
}

impl CertificateContent {
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
            serial: format!("0x{}", hex(inner.serial_number().as_bytes())),
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
        days_until(self.not_after, now)
    }
}

/// Whole days from `now` until then; negative ones since.
pub fn days_until(then: Timestamp, now: Timestamp) -> i64 {
    then.duration_since(now).as_secs().div_euclid(86_400)
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

/// What an RSA key calls itself.
const RSA: &str = "1.2.840.113549.1.1.1";

/// The kind of a public key and its size.
fn key(info: &SubjectPublicKeyInfoOwned) -> String {
    let kind = info.algorithm.oid.to_string();
    match kind.as_str() {
        RSA => match rsa_bits(info.subject_public_key.raw_bytes()) {
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
        "1.3.101.113" => "Ed448".to_owned(),
        "1.2.840.113549.1.1.10" => "RSA-PSS".to_owned(),
        other => format!("of the kind {other}"),
    }
}

/// What an algorithm is called whose identifier is the content of a DER form.
pub(super) fn algorithm_name(id: &[u8]) -> String {
    // Some have parameters behind the identifier, and only that is read.
    let length = id.get(1).map_or(0, |length| usize::from(*length) + 2);
    let read = |oid: &[u8]| -> Option<ObjectIdentifier> { Decode::from_der(oid).ok() };
    let oid = id.get(..length).and_then(read);
    let Some(oid) = oid.map(|oid| oid.to_string()) else {
        return "an algorithm without a name".to_owned();
    };
    match oid.as_str() {
        "1.2.840.113549.1.1.4" => "MD5 with RSA".to_owned(),
        "1.2.840.113549.1.1.5" => "SHA-1 with RSA".to_owned(),
        "1.2.840.113549.1.1.10" => "RSA-PSS".to_owned(),
        "1.2.840.10045.4.1" => "SHA-1 with ECDSA".to_owned(),
        "1.2.840.10045.4.3.4" => "SHA-512 with ECDSA, as of a key EC P-521".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        other => format!("algorithm {other}"),
    }
}

/// The length of the modulus: the first number in the sequence that a key is.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    use x509_cert::der::asn1::UintRef;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_certificate_that_breaks_the_rules_elsewhere_is_found() {
        let pem = include_str!("../../examples/simulator/certificates/version-1.test-only.pem");
        let mut der = CertificateDer::from_pem_slice(pem.as_bytes())
            .expect("PEM")
            .to_vec();
        let good = PublicKey::of_der(&der).expect("a key");
        assert_eq!(good.rsa_bits, Some(2048));
        // The first UTCTime becomes something that is no time.
        let time = der.windows(2).position(|bytes| bytes == [0x17, 0x0d]);
        der[time.expect("a time")] = 0x04;
        assert!(Certificate::of_der(&der).content.is_err());
        assert_eq!(PublicKey::of_der(&der).expect("a key").bits, good.bits);
        assert!(PublicKey::of_der(b"nonsense").is_err());
    }
}
