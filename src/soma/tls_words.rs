//! What a failed handshake means, in words: each cause by its own name, with what to do.

use std::borrow::Cow;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, OtherError, PeerIncompatible};

use crate::soma::certificate::algorithm_name;
use crate::soma::distrust::{Distrust, RootsPlace, Unproven};
use crate::soma::error::{SomaError, SomaErrorKind};
use crate::soma::handshake::PlainSpeaker;
use crate::values::first_few::first_few;

/// Shows what a device shows.
const LOOK: &str = "`dpbackup trust DEVICE` shows the certificate and the pin_sha256 line to paste";
/// Trusts a certificate that nobody else vouches for.
const PIN: &str = "a pin trusts it: `dpbackup trust DEVICE` prints the pin_sha256 line to paste";
/// What an interface needs that both can speak to.
const PROFILE: &str = "give its XML Management Interface a TLS server profile with TLS 1.2 and ECDHE";
const NO_CLIENT_CERTIFICATE: &str = "dpbackup logs in with user and password and has no certificate: let the TLS server profile of its XML Management Interface not request one";
const ANOTHER_KEY: &str = "give it a certificate with a key of RSA with 2048 to 8192 bits, EC P-256, EC P-384 or Ed25519; `verify = false` connects, and trusts anybody";

/// What a handshake with a device failed of, with advice.
pub(crate) fn explain(error: &rustls::Error) -> SomaError {
    let (what, hint) = told(error, "the device");
    let error = SomaError::new(SomaErrorKind::Tls, what);
    match hint {
        Cow::Borrowed(hint) => error.with_hint(hint),
        Cow::Owned(_) => SomaError {
            hint: Some(hint),
            ..error
        },
    }
}

/// What a handshake with a server failed of that is no device.
pub(crate) fn of_server(error: &rustls::Error) -> String {
    let (what, _) = told(error, "the server");
    let what = what.replace("the device", "the server");
    match what.contains("does not answer with TLS") {
        true => format!("{what}; correct the port of its address"),
        false => what,
    }
}

/// Whether it means that nothing was found that both sides can do: which of version, cipher, curve
/// and signature that is, nobody has said.
pub(crate) fn nothing_in_common(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity
        )
    )
}

type HandshakeWords = (String, Cow<'static, str>);

fn told(error: &rustls::Error, who: &str) -> HandshakeWords {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error, who),
        rustls::Error::Other(OtherError(why)) if why.downcast_ref::<PlainSpeaker>().is_some() => (
            format!("{who} does not answer with TLS: {why} on this port"),
            "is this the port of the XML Management Interface (5550)? Something without TLS listens on it, or a proxy answers for it".into(),
        ),
        rustls::Error::InvalidMessage(_) => (
            format!("{who} does not answer with TLS"),
            "is this the port of the XML Management Interface (5550), and not one of plain HTTP?".into(),
        ),
        rustls::Error::AlertReceived(alert) => of_alert(*alert, who),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => too_old(who),
        rustls::Error::PeerIncompatible(why) => (
            format!("{who} and this tool have no TLS version or cipher in common ({why:?})"),
            PROFILE.into(),
        ),
        other => (format!("TLS failed: {other}"), LOOK.into()),
    }
}

fn too_old(who: &str) -> HandshakeWords {
    (
        format!("{who} speaks no TLS 1.2 or 1.3, only something older"),
        PROFILE.into(),
    )
}

fn of_alert(alert: AlertDescription, who: &str) -> HandshakeWords {
    match alert {
        AlertDescription::CertificateRequired => (
            format!("{who} wants a client certificate"),
            NO_CLIENT_CERTIFICATE.into(),
        ),
        AlertDescription::ProtocolVersion => too_old(who),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => (
            format!("{who} ended the TLS handshake ({alert:?}): it found no cipher in common with this tool, or no curve or kind of key"),
            "it may offer RSA key exchange or CBC ciphers only, or a curve or key that is none of X25519, P-256 and P-384: give its XML Management Interface a TLS server profile with TLS 1.2 and ECDHE, and a certificate of RSA or EC P-256 or P-384".into(),
        ),
        AlertDescription::UnrecognisedName => (
            format!("{who} ended the TLS handshake: it does not know the name that `host` has"),
            "write the name or address that it knows itself by, or take the SNI profile off its XML Management Interface".into(),
        ),
        alert => (
            format!("{who} ended the TLS handshake ({alert:?})"),
            "its log says why; `dpbackup trust DEVICE` tries again and shows its certificate, if it shows one".into(),
        ),
    }
}

fn of_certificate(error: &CertificateError, who: &str) -> HandshakeWords {
    let certificate = format!("the certificate of {who}");
    match error {
        CertificateError::ApplicationVerificationFailure => (
            format!("{who} shows another certificate than the pinned one"),
            "if the certificate was renewed, `dpbackup trust DEVICE` prints the new pin; if not, somebody stands in between".into(),
        ),
        CertificateError::UnknownIssuer => (
            format!("{certificate} is not signed by a trusted authority"),
            LOOK.into(),
        ),
        CertificateError::NotValidForNameContext { presented, .. } if host_names(presented).is_empty() => (
            format!("{certificate} carries no names (SAN); a common name alone does not count"),
            PIN.into(),
        ),
        CertificateError::NotValidForNameContext { expected, presented }
            if host_names(presented).iter().any(|name| *name == expected.to_str()) =>
        {
            (
                format!(
                    "{certificate} has {} as a host name (DNS), and an address counts only as an address (IP)",
                    expected.to_str()
                ),
                "let its SAN have the address as an entry of type IP, or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line".into(),
            )
        }
        CertificateError::NotValidForNameContext { expected, presented } => (
            format!(
                "{certificate} is for {}, not for {}",
                first_few(host_names(presented), 5),
                expected.to_str()
            ),
            "write one of these names as `host`, or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line".into(),
        ),
        CertificateError::NotValidForName => (
            format!("{certificate} is not for this host name"),
            LOOK.into(),
        ),
        CertificateError::ExpiredContext { time, not_after } => (
            format!("{certificate} expired on {} ({})", day(*not_after), clock(*time)),
            "renew it on the device, or pin it with pin_sha256, unless the clock of this machine is wrong".into(),
        ),
        CertificateError::Expired => (
            format!("{certificate} has expired"),
            "renew it on the device, or pin it with pin_sha256".into(),
        ),
        CertificateError::NotValidYetContext { time, not_before } => (
            format!("{certificate} is not valid before {} ({})", day(*not_before), clock(*time)),
            "is the clock of this machine right, and was that of whoever made the certificate? Let both take their time from NTP; a pin does not look at dates".into(),
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { signature_algorithm_id, .. } => (
            format!(
                "{certificate}, or of one that has signed it, is signed in a way that cannot be verified ({})",
                algorithm_name(signature_algorithm_id)
            ),
            "let an authority sign it with RSA of 2048 bits or more and SHA-256 or better, or with EC P-256 or P-384; or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line".into(),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            format!("{certificate} is not made for servers (extended key usage)"),
            PIN.into(),
        ),
        CertificateError::Other(OtherError(why)) => of_own(why.as_ref(), &certificate),
        error => (format!("{certificate} cannot be trusted ({error})"), LOOK.into()),
    }
}

/// Errors that are ours, and those of `webpki` for which `rustls` has no words.
fn of_own(why: &(dyn std::error::Error + Send + Sync + 'static), certificate: &str) -> HandshakeWords {
    if let Some(why) = why.downcast_ref::<Unproven>() {
        return (why.to_string(), unproven(why).into());
    }
    if let Some(why) = why.downcast_ref::<Distrust>() {
        return (format!("{certificate} {why}"), untrusted(why).into());
    }
    // Home-made certificates of `openssl req -x509` are such.
    match format!("{why:?}") {
        words if words.contains("CaUsedAsEndEntity") => (
            format!("{certificate} is marked as an authority (CA:TRUE): such a one is trusted by a `ca_file` with this very certificate in it alone"),
            "a pin trusts it: `dpbackup trust DEVICE` prints the pin_sha256 line to paste; so does a `ca_file` with this very certificate in it".into(),
        ),
        words if words.contains("UnsupportedCriticalExtension") => (
            format!("{certificate}, or of one that has signed it, has an extension that must be understood, and is not known here"),
            PIN.into(),
        ),
        words if words.contains("NameConstraintViolation") => (
            format!("{certificate} has a name for which an authority above it may not sign (name constraints)"),
            "let an authority sign it that may, or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line".into(),
        ),
        words if words.contains("UnsupportedCertVersion") => (
            format!("{certificate} is of an old form, X.509 version 1 or 2"),
            PIN.into(),
        ),
        _ => (format!("{certificate} cannot be trusted ({why})"), LOOK.into()),
    }
}

fn untrusted(why: &Distrust) -> &'static str {
    match why {
        Distrust::SelfSigned(_) => {
            "`dpbackup trust DEVICE` prints the pin_sha256 line to paste; compare it with the console of the device first"
        }
        Distrust::Issuer {
            place: RootsPlace::Machine,
            ..
        } => {
            "name the certificate of that authority as `ca_file` of the device, or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line"
        }
        Distrust::Issuer {
            place: RootsPlace::CaFile,
            ..
        } => {
            "add the certificate of that authority to the `ca_file` (also one in between that the device does not send along), or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line"
        }
        Distrust::RenewedItself(_) => {
            "if it was renewed, put the new certificate into the `ca_file`, or pin it: `dpbackup trust DEVICE` prints the pin_sha256 line; if not, somebody stands in between"
        }
        Distrust::RenewedIssuer { .. } => {
            "if the authority was renewed, add its new certificate to the `ca_file` beside the old one; if not, somebody stands in between"
        }
    }
}

fn unproven(why: &Unproven) -> &'static str {
    match why {
        Unproven::KeyTooShort(_) => {
            "renew its certificate with a key of 2048 bits or more, or pin it and offer only TLS 1.2 (where the signature of a pinned key of 1024 bits can be verified) in the TLS server profile of its XML Management Interface; `verify = false` connects, and trusts anybody"
        }
        Unproven::ShortKeySignsOtherwise(_) => {
            "renew its certificate with a key of 2048 bits or more; `verify = false` connects, and trusts anybody"
        }
        Unproven::AnotherKind | Unproven::KeyOfAnotherKind(_) | Unproven::KeyTooLong(_) => ANOTHER_KEY,
        Unproven::Unreadable => "renew it on the device; `verify = false` connects, and trusts anybody",
        Unproven::AnotherKey => {
            "somebody who has no more than a copy of the certificate may stand in between"
        }
    }
}

/// The names of a certificate that can be a `host`, out of the words of `webpki`:
/// `DnsName("a")` is a, `IpAddress(10.0.0.1)` is 10.0.0.1.
fn host_names(presented: &[String]) -> Vec<String> {
    let within = |text: &str, start, end| {
        let name = text.strip_prefix(start)?.strip_suffix(end)?;
        Some(name.escape_debug().to_string())
    };
    let name = |text: &String| within(text, "DnsName(\"", "\")").or_else(|| within(text, "IpAddress(", ")"));
    presented.iter().filter_map(name).collect()
}

fn day(time: UnixTime) -> String {
    let at = i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "a day".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// What this machine takes for the present: where that is wrong, the certificate may be right.
fn clock(time: UnixTime) -> String {
    format!("this machine says that it is {}", day(time))
}

#[cfg(test)]
#[path = "tls_words_tests.rs"]
mod tests;
