//! By e-mail. Everything about `lettre` is in this file.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};
use secrecy::{ExposeSecret, SecretString};

use crate::notify::notice::Notice;
use crate::notify::send::{SendError, Sent};
use crate::notify::words;
use crate::plan::model::notify::{Email, MailSecurity};
use crate::values::causes::with_causes;
use crate::values::event_name::EventName;
use crate::values::text::printable;

/// Sends a notice to everybody of the plan file.
pub fn send(email: &Email, password: Option<&SecretString>, notice: &Notice, limit: Duration) -> Sent {
    let message = message(email, notice)?;
    let transport = transport(email, password, &notice.host, limit)?;
    let response = transport.send(&message).map_err(|error| explain(&error))?;
    let text: Vec<&str> = response.message().collect();
    Ok(printable(&format!("{} {}", response.code(), text.join(" "))).into_owned())
}

fn message(email: &Email, notice: &Notice) -> Result<Message, SendError> {
    let from: Mailbox = email.from.parse().map_err(SendError::lasting)?;
    let to: Mailboxes = email.to.parse().map_err(SendError::lasting)?;
    let domain = from.email.domain().to_owned();
    let mut builder = Message::builder()
        .from(from)
        .subject(format!("[dpbackup] {}", words::subject(notice)))
        // The same at a second try, so that a message that arrives twice is known as one.
        .message_id(Some(format!("<dpbackup.{}@{domain}>", notice.id())))
        .date(std::time::SystemTime::from(notice.time))
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Dpbackup-Event", notice.event.word()));
    if matches!(notice.event, EventName::StillQuiesced) || !notice.still_quiesced.is_empty() {
        builder = builder.raw_header(raw("Importance", "high"));
    }
    for receiver in to {
        builder = builder.to(receiver);
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(words::body(notice))
        .map_err(SendError::lasting)
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn transport(
    email: &Email,
    password: Option<&SecretString>,
    host: &str,
    limit: Duration,
) -> Result<SmtpTransport, SendError> {
    let tls = match email.security {
        MailSecurity::None => Tls::None,
        MailSecurity::StartTls => Tls::Required(tls(email)?),
        MailSecurity::Tls => Tls::Wrapper(tls(email)?),
    };
    let mut builder = SmtpTransport::builder_dangerous(email.host.as_str())
        .port(email.port)
        .tls(tls)
        .timeout(Some(limit))
        .hello_name(ClientId::Domain(host.to_owned()));
    if let (Some((username, _)), Some(password)) = (&email.login, password) {
        builder = builder.credentials(Credentials::new(
            username.clone(),
            password.expose_secret().to_owned(),
        ));
    }
    Ok(builder.build())
}

fn tls(email: &Email) -> Result<TlsParameters, SendError> {
    let mut builder = TlsParameters::builder(email.host.clone());
    if let Some(path) = &email.ca_file {
        let at = |why: String| SendError::lasting(format!("CA file {}: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| at(error.to_string()))?;
        let roots = Certificate::from_pem(&pem).map_err(|error| at(error.to_string()))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(roots);
    }
    builder
        .build_rustls()
        .map_err(|error| SendError::lasting(with_causes(&error)))
}

/// A refusal with a code of 5xx is final, everything else can pass.
fn explain(error: &lettre::transport::smtp::Error) -> SendError {
    SendError {
        message: printable(&with_causes(error)).into_owned(),
        is_passing: !error.is_permanent() && !error.is_tls(),
    }
}
