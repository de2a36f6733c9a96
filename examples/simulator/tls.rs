//! The gateway's certificate, made when it starts.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use super::setup::Identity;

/// A certificate, what vouches for it, and the TLS settings that show it.
pub(super) struct Shown {
    pub(super) config: Arc<ServerConfig>,
    /// The authority, or the certificate itself where it is signed by itself.
    pub(super) ca_pem: String,
    /// SHA-256 of the certificate's DER form, in lower-case hex.
    pub(super) pin: String,
}

/// Makes a certificate of this kind, with new keys.
pub(super) fn make(
    name: &str,
    identity: Identity,
) -> Result<Shown, Box<dyn std::error::Error + Send + Sync>> {
    let local = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(match identity {
        Identity::SelfSignedCommonName => Vec::new(),
        _ => local(),
    })?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    if identity == Identity::Expired {
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
        Identity::SelfSigned | Identity::SelfSignedCommonName | Identity::SelfSignedAuthority => {
            if identity == Identity::SelfSignedAuthority {
                leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            let certificate = leaf.self_signed(&key)?;
            let pem = certificate.pem();
            (certificate, pem)
        }
    };
    let der: CertificateDer<'static> = certificate.der().clone();
    let pin = Sha256::digest(&der)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![der], key)?;
    Ok(Shown {
        config: Arc::new(config),
        ca_pem,
        pin,
    })
}
