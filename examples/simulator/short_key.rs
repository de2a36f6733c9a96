//! An RSA key of 1024 bits. `ring` does not sign with one.

use std::error::Error;

use num_bigint::BigUint;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode, Reader, SliceReader};

/// What stands before a SHA-256 in a signature of PKCS #1: DER that says what it is.
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The bytes of a signature.
const LENGTH: usize = 128;

/// The key: modulus and private exponent.
#[derive(Clone, Debug)]
pub(super) struct ShortKey {
    modulus: BigUint,
    exponent: BigUint,
}

impl ShortKey {
    /// Reads an `RSA PRIVATE KEY`.
    pub(super) fn of_pem(pem: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let PrivateKeyDer::Pkcs1(der) = PrivateKeyDer::from_pem_slice(pem.as_bytes())? else {
            return Err("the key is not in the form of PKCS #1".into());
        };
        let numbers = SliceReader::new(der.secret_pkcs1_der())?.sequence(|reader| {
            let mut numbers = Vec::new();
            while !reader.is_finished() {
                numbers.push(BigUint::from_bytes_be(UintRef::decode(reader)?.as_bytes()));
            }
            Ok::<_, x509_cert::der::Error>(numbers)
        })?;
        match &numbers[..] {
            [_version, modulus, _public, private, ..] => Ok(Self {
                modulus: modulus.clone(),
                exponent: private.clone(),
            }),
            _ => Err("the key lacks numbers".into()),
        }
    }

    /// A signature by the rules of PKCS #1, version 1.5.
    fn pkcs1(&self, message: &[u8]) -> Vec<u8> {
        let mut padded = vec![0, 1];
        padded.resize(LENGTH - SHA256_PREFIX.len() - 33, 0xff);
        padded.push(0);
        padded.extend(SHA256_PREFIX);
        padded.extend(Sha256::digest(message));
        let signature = BigUint::from_bytes_be(&padded).modpow(&self.exponent, &self.modulus);
        let signature = signature.to_bytes_be();
        let mut whole = vec![0; LENGTH - signature.len()];
        whole.extend(signature);
        whole
    }
}

impl SigningKey for ShortKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        // In TLS 1.3 `rustls` takes the schemes of PKCS #1 away from what is offered.
        let wanted = [SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::RSA_PSS_SHA256];
        let scheme = wanted.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(ShortSigner(self.clone(), scheme)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct ShortSigner(ShortKey, SignatureScheme);

impl Signer for ShortSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(match self.1 {
            SignatureScheme::RSA_PKCS1_SHA256 => self.0.pkcs1(message),
            _ => vec![0; LENGTH],
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}
