//! Why a certificate is not trusted, or not proved, in more detail than `rustls` has words for.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rustls::{CertificateError, OtherError};

use crate::soma::certificate::{Certificate, CertificateContent, PublicKey};

/// The RSA keys whose signatures are verified, by their bits.
pub(super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// Where the authorities stand that are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootsPlace {
    /// Among those of the machine.
    Machine,
    CaFile,
}

impl fmt::Display for RootsPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RootsPlace::Machine => "among the roots of this machine",
            RootsPlace::CaFile => "in the ca_file",
        })
    }
}

/// Why an authority does not vouch for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Distrust {
    /// Nobody vouches for it but itself.
    #[error("is signed by itself, and is not {0}: nobody else vouches for it")]
    SelfSigned(RootsPlace),
    /// Its chain ends at somebody who is not trusted.
    #[error("is not signed by a trusted authority: {issuer} has signed it, and is not {place}")]
    Issuer {
        /// Who has signed the last one that was shown.
        issuer: String,
        /// Where that was looked for.
        place: RootsPlace,
    },
    /// It bears the name of one that is trusted, and has another key.
    #[error(
        "is signed by itself and bears the name of one {0}, but has another key: it was renewed, or somebody else uses its name"
    )]
    RenewedItself(RootsPlace),
    /// Whoever signed it bears the name of a trusted authority, and has another key.
    #[error(
        "is signed by an authority of the name {issuer}, but not with the key of the one {place}: the authority was renewed, or somebody else uses its name"
    )]
    RenewedIssuer {
        /// The name.
        issuer: String,
        /// Where its namesake stands.
        place: RootsPlace,
    },
}

impl Distrust {
    /// What `rustls` says of a certificate and those shown with it, in more detail.
    pub(super) fn of(
        error: rustls::Error,
        content: &CertificateContent,
        others: &[impl AsRef<[u8]>],
        place: RootsPlace,
    ) -> rustls::Error {
        let issuer = || last_issuer(content, others);
        let why = match (&error, content.is_self_signed()) {
            (rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), true) => {
                Distrust::SelfSigned(place)
            }
            (rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), false) => Distrust::Issuer {
                issuer: issuer(),
                place,
            },
            (rustls::Error::InvalidCertificate(CertificateError::BadSignature), true) => {
                Distrust::RenewedItself(place)
            }
            (rustls::Error::InvalidCertificate(CertificateError::BadSignature), false) => {
                Distrust::RenewedIssuer {
                    issuer: issuer(),
                    place,
                }
            }
            _ => return error,
        };
        CertificateError::Other(OtherError(Arc::new(why))).into()
    }
}

/// Who has signed the last certificate of those that were shown, as far as their names lead.
fn last_issuer(own: &CertificateContent, others: &[impl AsRef<[u8]>]) -> String {
    let others: Vec<CertificateContent> = others
        .iter()
        .filter_map(|der| Certificate::of_der(der.as_ref()).content.ok())
        .collect();
    let mut issuer = own.issuer.clone();
    // Each step leads to another certificate, so that a circle of names ends too.
    for _ in &others {
        match others
            .iter()
            .find(|other| other.subject == issuer && !other.is_self_signed())
        {
            Some(next) => issuer = next.issuer.clone(),
            None => break,
        }
    }
    issuer
}

/// Why a device has not proved that a certificate is its own.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Unproven {
    /// Its key is one whose signatures cannot be verified.
    #[error("the RSA key of the device has only {0} bits, too few for its signature to be verified")]
    KeyTooShort(usize),
    /// The same, in TLS 1.2, where another signature by it could be.
    #[error(
        "the RSA key of the device has only {0} bits, and it signs in a way (RSA-PSS) that cannot be verified with a key so short"
    )]
    ShortKeySignsOtherwise(usize),
    /// Too many bits.
    #[error("the RSA key of the device has {0} bits, too many for its signature to be verified")]
    KeyTooLong(usize),
    /// The key in the certificate cannot be read.
    #[error("the public key in the certificate of the device cannot be read")]
    Unreadable,
    /// The signature is of a kind that is not known, or does not go with the key.
    #[error("the device signs in a way that cannot be verified with the public key in its certificate")]
    AnotherKind,
    /// The key is of a kind that is not known.
    #[error(
        "the key in the certificate of the device ({0}) is of a kind whose signatures cannot be verified"
    )]
    KeyOfAnotherKind(String),
    /// The signature was made with another key.
    #[error("whoever answers shows the trusted certificate, but does not have the key that belongs to it")]
    AnotherKey,
}

impl Unproven {
    /// A signature that does not fit the key in the certificate: where the key is one whose signatures nobody
    /// verified, it proves nothing against who made it.
    pub(super) fn by_key_of(leaf: &[u8]) -> Unproven {
        match PublicKey::of_der(leaf) {
            Ok(key) => match key.rsa_bits {
                Some(bits) if bits < *RSA_BITS.start() => Unproven::KeyTooShort(bits),
                Some(bits) if bits > *RSA_BITS.end() => Unproven::KeyTooLong(bits),
                _ => Unproven::AnotherKey,
            },
            Err(_) => Unproven::Unreadable,
        }
    }

    /// A signature that cannot be verified: by which key, where that is the reason.
    pub(super) fn of_kind(leaf: &[u8]) -> Unproven {
        const VERIFIABLE: [&str; 4] = ["RSA ", "EC P-256", "EC P-384", "Ed25519"];
        match Certificate::of_der(leaf).content {
            Ok(content) if !VERIFIABLE.iter().any(|kind| content.key.starts_with(kind)) => {
                Unproven::KeyOfAnotherKind(content.key)
            }
            _ => Unproven::AnotherKind,
        }
    }
}

impl From<Unproven> for rustls::Error {
    fn from(why: Unproven) -> Self {
        CertificateError::Other(OtherError(Arc::new(why))).into()
    }
}
