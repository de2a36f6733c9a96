//! Who decides about a device in a TLS handshake: about the certificate that it shows, and
//! about the signature by which it proves that the certificate is its own.
//!
//! `rustls` asks for both in its own words; [`Verifier`] hands the questions to a [`Judge`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::ring as provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::soma::certificate::{Certificate, CertificateContent, PublicKey};
use crate::soma::distrust::{Distrust, RSA_BITS, RootsPlace, Unproven};

/// What a judge says: nothing, or why not.
pub(super) type HandshakeVerdict = Result<(), rustls::Error>;

/// Decides about a device in a handshake.
pub(super) trait Judge: fmt::Debug + Send + Sync {
    /// Whether the certificates are those of the device.
    fn certificate(&self, chain: &Chain<'_>) -> HandshakeVerdict;
    /// Whether who shows the certificate has the key that belongs to it.
    fn proof(&self, leaf: &CertificateDer<'_>, proof: &Proof<'_>) -> HandshakeVerdict;
    /// The schemes of signature that are offered to the device, the preferred ones first.
    fn schemes(&self) -> Vec<SignatureScheme>;
}

/// The certificates that a device shows, for which name, and when.
#[derive(Debug)]
pub(super) struct Chain<'c> {
    pub(super) leaf: &'c CertificateDer<'c>,
    pub(super) others: &'c [CertificateDer<'c>],
    pub(super) name: &'c ServerName<'c>,
    pub(super) now: UnixTime,
}

/// The signature of a handshake, and what was signed.
#[derive(Debug)]
pub(super) struct Proof<'p> {
    pub(super) version: Version,
    pub(super) message: &'p [u8],
    pub(super) signed: &'p DigitallySignedStruct,
}

impl Proof<'_> {
    /// Asks a verifier of `rustls`.
    fn verify_by(&self, verifier: &dyn ServerCertVerifier, leaf: &CertificateDer<'_>) -> HandshakeVerdict {
        match self.version {
            Version::Tls12 => verifier.verify_tls12_signature(self.message, leaf, self.signed),
            Version::Tls13 => verifier.verify_tls13_signature(self.message, leaf, self.signed),
        }
        .map(|_| ())
    }
}

/// The version of TLS; each has rules of its own for signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

/// A judge in the form that `rustls` asks.
#[derive(Debug)]
pub(super) struct Verifier<J>(pub(super) J);

impl<J: Judge> Verifier<J> {
    fn proved(
        &self,
        leaf: &CertificateDer<'_>,
        version: Version,
        message: &[u8],
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let proof = Proof {
            version,
            message,
            signed,
        };
        self.0.proof(leaf, &proof)?;
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl<J: Judge> ServerCertVerifier for Verifier<J> {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = Chain {
            leaf,
            others,
            name,
            now,
        };
        self.0
            .certificate(&chain)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proved(leaf, Version::Tls12, message, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proved(leaf, Version::Tls13, message, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.schemes()
    }
}

/// Trusts what the roots of the machine or the certificates of a CA file vouch for, as `rustls`
/// does, and each certificate of a CA file itself where a device shows it as its own: for its names and in its time.
/// `rustls` would not take one that is marked as an authority, as `openssl req -x509` marks
/// them, for that of a device; whoever names it as `ca_file` means just this.
#[derive(Debug)]
pub(super) struct Authorities {
    pub(super) by_roots: Arc<WebPkiServerVerifier>,
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) place: RootsPlace,
}

impl Judge for Authorities {
    fn certificate(&self, chain: &Chain<'_>) -> HandshakeVerdict {
        // One that cannot be read here is left to `rustls` as well.
        match Certificate::of_der(chain.leaf).content {
            Ok(content) if self.certificates.contains(chain.leaf) => {
                is_in_its_time(&content, chain.now)?;
                verify_server_name(&ParsedCertificate::try_from(chain.leaf)?, chain.name)
            }
            content => {
                let verdict =
                    self.by_roots
                        .verify_server_cert(chain.leaf, chain.others, chain.name, &[], chain.now);
                verdict.map(|_| ()).map_err(|error| match content {
                    Ok(content) => Distrust::of(error, &content, chain.others, self.place),
                    Err(_) => error,
                })
            }
        }
    }

    fn proof(&self, leaf: &CertificateDer<'_>, proof: &Proof<'_>) -> HandshakeVerdict {
        proof
            .verify_by(&*self.by_roots, leaf)
            .map_err(|error| match error {
                // A signature by which a certificate was signed is another matter, and was judged before.
                rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
                    Unproven::by_key_of(leaf).into()
                }
                error => error,
            })
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.by_roots.supported_verify_schemes()
    }
}

/// Whether a certificate is good at this time.
fn is_in_its_time(content: &CertificateContent, now: UnixTime) -> HandshakeVerdict {
    let (not_before, not_after) = (unix(content.not_before), unix(content.not_after));
    if now < not_before {
        let time = now;
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    if now > not_after {
        let time = now;
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    Ok(())
}

fn unix(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(
        u64::try_from(time.as_second()).unwrap_or_default(),
    ))
}

/// Trusts the one certificate with this SHA-256. Name and dates do not count. The device must
/// prove that it has the key: the signature of the handshake is verified against the public
/// key in the certificate, of which nothing else is read. So a certificate of X.509 version 1
/// is as good as another.
#[derive(Debug)]
pub(super) struct Pinned(pub(super) [u8; 32]);

/// What is offered under a pin. PKCS #1 stands before PSS: a device with an RSA key of less
/// than 2048 bits can be verified with the former only.
const PIN_SCHEMES: [SignatureScheme; 9] = [
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
];

impl Judge for Pinned {
    fn certificate(&self, chain: &Chain<'_>) -> HandshakeVerdict {
        match <[u8; 32]>::from(Sha256::digest(chain.leaf)) == self.0 {
            true => Ok(()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn proof(&self, leaf: &CertificateDer<'_>, proof: &Proof<'_>) -> HandshakeVerdict {
        let key = PublicKey::of_der(leaf).map_err(|_| Unproven::Unreadable)?;
        let scheme = proof.signed.scheme;
        match key.rsa_bits {
            Some(bits) if bits < *RSA_BITS.start() => short_rsa(&key, bits, proof),
            Some(bits) if bits > *RSA_BITS.end() => Err(Unproven::KeyTooLong(bits).into()),
            _ if is_pkcs1(scheme) && proof.version == Version::Tls13 => Err(Unproven::AnotherKind.into()),
            _ => by_provider(&key, proof),
        }
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        PIN_SCHEMES.to_vec()
    }
}

fn is_pkcs1(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
    )
}

/// Verifies with what `rustls` verifies with. TLS 1.2 leaves the curve of a key open, TLS 1.3
/// does not: there the first algorithm of a scheme is the only one.
fn by_provider(key: &PublicKey, proof: &Proof<'_>) -> HandshakeVerdict {
    let known = provider::default_provider().signature_verification_algorithms;
    let of_scheme = known
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == proof.signed.scheme)
        .map_or(&[][..], |(_, algorithms)| *algorithms);
    let allowed = match proof.version {
        Version::Tls12 => of_scheme,
        Version::Tls13 => of_scheme.get(..1).unwrap_or_default(),
    };
    let fitting = allowed
        .iter()
        .find(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm);
    let Some(algorithm) = fitting else {
        return Err(Unproven::AnotherKind.into());
    };
    algorithm
        .verify_signature(&key.bits, proof.message, proof.signed.signature())
        .map_err(|_| Unproven::AnotherKey.into())
}

/// Verifies with an RSA key that has less than 2048 bits, as gateways of old have. That can be
/// had with PKCS #1 and some hashes only, and TLS 1.3 does not know PKCS #1.
fn short_rsa(key: &PublicKey, bits: usize, proof: &Proof<'_>) -> HandshakeVerdict {
    use ring::signature::{
        RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        UnparsedPublicKey,
    };
    if bits < 1024 {
        return Err(Unproven::KeyTooShort(bits).into());
    }
    let algorithm = match (proof.version, proof.signed.scheme) {
        (Version::Tls12, SignatureScheme::RSA_PKCS1_SHA256) => {
            &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        }
        (Version::Tls12, SignatureScheme::RSA_PKCS1_SHA512) => {
            &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        }
        (Version::Tls12, _) => return Err(Unproven::ShortKeySignsOtherwise(bits).into()),
        (Version::Tls13, _) => return Err(Unproven::KeyTooShort(bits).into()),
    };
    UnparsedPublicKey::new(algorithm, &key.bits)
        .verify(proof.message, proof.signed.signature())
        .map_err(|_| Unproven::AnotherKey.into())
}

/// Trusts whoever answers. The signature of the handshake is not verified either: it would
/// prove the possession of a key that nobody vouches for, and could only refuse certificates
/// and keys of old.
#[derive(Debug)]
pub(super) struct Anybody;

/// Every scheme that is in use, those first that a pin offers.
fn every_scheme() -> Vec<SignatureScheme> {
    let mut schemes = PIN_SCHEMES.to_vec();
    schemes.extend([
        SignatureScheme::ECDSA_NISTP521_SHA512,
        SignatureScheme::ED448,
        SignatureScheme::RSA_PKCS1_SHA1,
        SignatureScheme::ECDSA_SHA1_Legacy,
        // Of keys that are for RSA-PSS alone, with SHA-256, SHA-384 and SHA-512.
        SignatureScheme::Unknown(0x0809),
        SignatureScheme::Unknown(0x080a),
        SignatureScheme::Unknown(0x080b),
    ]);
    schemes
}

impl Judge for Anybody {
    fn certificate(&self, _chain: &Chain<'_>) -> HandshakeVerdict {
        Ok(())
    }

    fn proof(&self, _leaf: &CertificateDer<'_>, _proof: &Proof<'_>) -> HandshakeVerdict {
        Ok(())
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        every_scheme()
    }
}

/// Accepts everything, as [`Anybody`] does, and keeps it to be looked at. Only for looking:
/// nothing may be sent after such a handshake.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<ShownCertificate>);

/// What a device has shown in a handshake.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownCertificate {
    /// Its certificates, its own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    proof: Option<(Version, Vec<u8>, DigitallySignedStruct)>,
}

impl ShownCertificate {
    /// Asks another verifier whether the signature was good.
    pub(super) fn prove_to(&self, verifier: &dyn ServerCertVerifier) -> HandshakeVerdict {
        let (Some(leaf), Some((version, message, signed))) = (self.chain.first(), &self.proof) else {
            return Ok(());
        };
        // More is offered here than a verifier would offer.
        if !verifier.supported_verify_schemes().contains(&signed.scheme) {
            return Err(Unproven::of_kind(leaf).into());
        }
        let proof = Proof {
            version: *version,
            message,
            signed,
        };
        proof.verify_by(verifier, leaf)
    }
}

impl Recorder {
    /// What was shown.
    pub(super) fn shown(&self) -> ShownCertificate {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Judge for Arc<Recorder> {
    fn certificate(&self, chain: &Chain<'_>) -> HandshakeVerdict {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.chain = std::iter::once(chain.leaf)
            .chain(chain.others)
            .map(|der| der.clone().into_owned())
            .collect();
        Ok(())
    }

    fn proof(&self, _leaf: &CertificateDer<'_>, proof: &Proof<'_>) -> HandshakeVerdict {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.proof = Some((proof.version, proof.message.to_vec(), proof.signed.clone()));
        Ok(())
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        every_scheme()
    }
}
