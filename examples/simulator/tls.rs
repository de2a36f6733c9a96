//! The gateway's certificate, made when it starts or of old.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{ServerConfig, version};
use sha2::{Digest, Sha256};

use super::setup::{Identity, Setup};
use super::short_key::ShortKey;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Made once by `openssl x509 -req -signkey`, which makes version 1, with their keys.
const VERSION_ONE: &str = include_str!("certificates/version-1.test-only.pem");
const RSA_1024: &str = include_str!("certificates/rsa-1024.test-only.pem");

/// Keys of somebody who has only copies of these certificates.
const THIEF_2048: &str = include_str!("certificates/thief-rsa-2048.test-only.pem");
const THIEF_1024: &str = include_str!("certificates/thief-rsa-1024.test-only.pem");

/// A certificate, what vouches for it, and the TLS settings that show it.
pub(super) struct Shown {
    pub(super) config: Arc<ServerConfig>,
    /// The authority, or the certificate itself where it is signed by itself.
    pub(super) ca_pem: String,
    /// SHA-256 of the certificate's DER form, in lower-case hex.
    pub(super) pin: String,
}

/// A certificate and the key with which handshakes are signed, which need not be its own.
#[derive(Debug)]
struct Identified {
    certified: Arc<CertifiedKey>,
    ca_pem: String,
}

impl Identified {
    fn new(certificate: CertificateDer<'static>, key: Arc<dyn SigningKey>, ca_pem: String) -> Self {
        Self {
            certified: Arc::new(CertifiedKey::new(vec![certificate], key)),
            ca_pem,
        }
    }
}

/// Shows one certificate to everybody, without a look at whether the key is its own.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Makes a certificate as this gateway shows it, or takes one of old.
pub(super) fn make(setup: &Setup) -> Result<Shown> {
    let identified = match setup.identity {
        Identity::VersionOne => of_old(VERSION_ONE, key(VERSION_ONE)?)?,
        Identity::StolenVersionOne => of_old(VERSION_ONE, key(THIEF_2048)?)?,
        Identity::StolenByAnotherKind => {
            let another = new(&setup.name, Identity::SelfSigned)?.certified;
            of_old(VERSION_ONE, Arc::clone(&another.key))?
        }
        Identity::StolenShortKey => of_old(RSA_1024, Arc::new(ShortKey::of_pem(THIEF_1024)?))?,
        Identity::ShortKey => of_old(RSA_1024, Arc::new(ShortKey::of_pem(RSA_1024)?))?,
        identity => new(&setup.name, identity)?,
    };
    let pin = Sha256::digest(identified.certified.end_entity_cert()?)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let versions: &[_] = match setup.tls_12_only {
        true => &[&version::TLS12],
        false => &[&version::TLS13, &version::TLS12],
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(identified.certified)));
    Ok(Shown {
        config: Arc::new(config),
        ca_pem: identified.ca_pem,
        pin,
    })
}

fn of_old(pem: &str, key: Arc<dyn SigningKey>) -> Result<Identified> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())?;
    let end = "-----END CERTIFICATE-----\n";
    let length = pem.find(end).map_or(pem.len(), |start| start + end.len());
    Ok(Identified::new(certificate, key, pem[..length].to_owned()))
}

fn key(pem: &str) -> Result<Arc<dyn SigningKey>> {
    Ok(ring::sign::any_supported_type(&PrivateKeyDer::from_pem_slice(
        pem.as_bytes(),
    )?)?)
}

/// Makes a certificate of this kind, with new keys.
fn new(name: &str, identity: Identity) -> Result<Identified> {
    let local = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(match identity {
        Identity::SelfSignedCommonName => Vec::new(),
        _ => local(),
    })?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    if matches!(identity, Identity::Expired | Identity::SelfSignedAuthorityExpired) {
        leaf.not_before = rcgen::date_time_ymd(2015, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2016, 1, 1);
    }
    let (certificate, ca_pem) = match identity {
        Identity::SignedByAuthority | Identity::Expired => {
            let authority_key = KeyPair::generate()?;
            let mut authority = CertificateParams::new(Vec::new())?;
            authority
                .distinguished_name
                .push(DnType::CommonName, format!("authority of {name}"));
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let pem = authority.self_signed(&authority_key)?.pem();
            (leaf.signed_by(&key, &Issuer::new(authority, authority_key))?, pem)
        }
        _ => {
            if matches!(
                identity,
                Identity::SelfSignedAuthority | Identity::SelfSignedAuthorityExpired
            ) {
                leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            let certificate = leaf.self_signed(&key)?;
            let pem = certificate.pem();
            (certificate, pem)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::sign::any_supported_type(&key)?;
    Ok(Identified::new(certificate.der().clone(), key, ca_pem))
}
