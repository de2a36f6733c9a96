//! By e-mail: the form of a message. Everything about `lettre` is in this file.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Attachment, Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::{Address, Message};
use secrecy::SecretString;

use crate::notify::notice::{Notice, NoticePage};
use crate::notify::send::smtp::{self, Letter, MailHost};
use crate::notify::send::{MailTo, SendError, SendTrouble, Sent, encoded_words};
use crate::notify::words;
use crate::plan::model::notify::Email;
use crate::values::event_name::EventName;
use crate::values::host_name;

/// Sends a notice to these addresses: without the page that goes with it where the server does not take so much.
pub fn send(
    email: &Email,
    to: MailTo<'_>,
    password: Option<&SecretString>,
    notice: &Notice,
    limit: Duration,
) -> Sent {
    with_page_or_without(notice, &|notice| send_one(email, to, password, notice, limit))
}

/// Sends a notice, and where it is too large with its page once more without it.
fn with_page_or_without(notice: &Notice, send: &dyn Fn(&Notice) -> Sent) -> Sent {
    match (send(notice), &notice.page) {
        (Err(error), Some(NoticePage::Attached(_))) if error.trouble == SendTrouble::TooLarge => {
            let without = Notice {
                page: Some(NoticePage::LeftOut(error.message)),
                ..notice.clone()
            };
            send(&without)
        }
        (sent, _) => sent,
    }
}

fn send_one(
    email: &Email,
    to: MailTo<'_>,
    password: Option<&SecretString>,
    notice: &Notice,
    limit: Duration,
) -> Sent {
    let (message, mut addresses) = message(email, to.all, notice)?;
    if let Some(only) = to.only {
        addresses.retain(|address| only.contains(address));
    }
    let from = message
        .envelope()
        .from()
        .map(ToString::to_string)
        .unwrap_or_default();
    let login = email.login.as_ref().map(|(username, _)| username.as_str());
    let host = host_name::ascii(&email.host)
        .ok_or_else(|| SendError::lasting(format!("{} is no name of a host", email.host)))?;
    let server = MailHost {
        host: &host,
        port: email.port,
        security: email.security,
        login: login.zip(password),
        ca_file: email.ca_file.as_ref(),
        own_name: notice.host.as_deref().unwrap_or_default(),
    };
    let letter = Letter {
        from: &from,
        to: &addresses,
        text: &message.formatted(),
    };
    smtp::send(&server, &letter, limit)
}

/// The message, and the addresses that it goes to.
fn message(email: &Email, to: &str, notice: &Notice) -> Result<(Message, Vec<String>), SendError> {
    let from = in_ascii(email.from.parse().map_err(SendError::lasting)?)?;
    let to: Mailboxes = to.parse().map_err(SendError::lasting)?;
    let to: Vec<Mailbox> = to.into_iter().map(in_ascii).collect::<Result<_, _>>()?;
    let addresses = to.iter().map(|mailbox| mailbox.email.to_string()).collect();
    let domain = from.email.domain().to_owned();
    let mut builder = Message::builder()
        .from(from)
        .raw_header(subject(&words::subject(notice)))
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
    let text = words::mail_body(notice);
    let message = match &notice.page {
        Some(NoticePage::Attached(page)) => {
            let html = ContentType::TEXT_HTML;
            let page = Attachment::new("dpbackup-report.html".to_owned()).body(page.to_string(), html);
            builder.multipart(
                MultiPart::mixed()
                    .singlepart(SinglePart::plain(text))
                    .singlepart(page),
            )
        }
        // A message of several parts says this by itself.
        _ => builder
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(text),
    }
    .map_err(SendError::lasting)?;
    Ok((message, addresses))
}

/// What is not plain is encoded as a whole: whoever reads a mail decodes what is written as an encoded word, even where
/// a device calls a domain so. The mark in front stays plain, for filters that look for it.
fn subject(text: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    let whole = format!("{MARK} {text}");
    match encoded_words(text) {
        Some(words) => {
            let encoded = format!("{MARK}\r\n {}", words.join("\r\n "));
            HeaderValue::dangerous_new_pre_encoded(name, whole, encoded)
        }
        None => HeaderValue::new(name, whole),
    }
}

/// What each subject begins with.
const MARK: &str = "[dpbackup]";

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The same box at the name that DNS knows its domain by.
fn in_ascii(mailbox: Mailbox) -> Result<Mailbox, SendError> {
    let address = &mailbox.email;
    let domain = host_name::ascii(address.domain())
        .ok_or_else(|| SendError::lasting(format!("{} is no name of a domain", address.domain())))?;
    let email = Address::new(address.user(), domain).map_err(SendError::lasting)?;
    Ok(Mailbox::new(mailbox.name, email))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::notify::message_tests::failed;
    use crate::plan::model::notify::MailSecurity;
    use crate::values::event_name::EventNames;

    fn email() -> Email {
        Email {
            host: "localhost".to_owned(),
            port: 25,
            security: MailSecurity::None,
            login: None,
            from: "Sicherung <dp@bücher.example>".to_owned(),
            to: String::new(),
            report: false,
            ca_file: None,
            events: EventNames::of_backups(),
            repeat: Duration::ZERO,
        }
    }

    #[test]
    fn a_mail_of_one_part_and_one_of_several_say_once_that_they_are_mime() {
        let mut notice = failed();
        for page in [None, Some(NoticePage::Attached("<p>".into()))] {
            notice.page = page;
            let (message, _) = message(&email(), "two@example.com", &notice).expect("a message");
            let text = String::from_utf8(message.formatted()).expect("ASCII");
            let (head, _) = text.split_once("\r\n\r\n").expect("a head");
            let is_it = |line: &&str| line.starts_with("MIME-Version:");
            assert_eq!(
                head.lines().filter(is_it).collect::<Vec<_>>(),
                ["MIME-Version: 1.0"],
                "{head}"
            );
        }
    }

    #[test]
    fn a_name_that_is_an_encoded_word_is_shown_as_it_is_written() {
        let mut notice = failed();
        let name = "=?utf-8?q?=E2=80=AEok=0D=0ABcc=3A_x?=";
        notice.plan = name.to_owned();
        let (message, _) = message(&email(), "two@example.com", &notice).expect("a message");
        let text = String::from_utf8(message.formatted()).expect("ASCII");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let (_, rest) = head.split_once("Subject: ").expect("a subject");
        let mut lines = vec![];
        for line in rest.split("\r\n") {
            match lines.is_empty() || line.starts_with(' ') {
                true => lines.push(line.trim()),
                false => break,
            }
        }
        assert_eq!(lines.remove(0), "[dpbackup]");
        let decoded = lines.iter().map(|line| {
            assert!(line.len() <= 75, "{line}");
            let word = line
                .strip_prefix("=?UTF-8?B?")
                .and_then(|rest| rest.strip_suffix("?="));
            let bytes = STANDARD.decode(word.expect("one encoded word")).expect("base64");
            String::from_utf8(bytes).expect("text")
        });
        let subject: String = decoded.collect();
        assert_eq!(subject, words::subject(&notice));
        assert!(subject.contains(name), "{subject}");
    }

    #[test]
    fn a_mail_that_is_too_large_with_its_page_goes_without_it_and_says_so() {
        let mut notice = failed();
        notice.page = Some(NoticePage::Attached("<p>".into()));
        let sent = with_page_or_without(&notice, &|notice| match &notice.page {
            Some(NoticePage::Attached(_)) => Err(SendError {
                message: "the message was refused (552)".to_owned(),
                trouble: SendTrouble::TooLarge,
            }),
            _ => Ok(words::mail_body(notice).into()),
        });
        let body = sent.expect("sent").answer;
        assert!(
            body.contains("report: left out (the message was refused (552)); "),
            "{body}"
        );
        let lasting = with_page_or_without(&notice, &|_| Err(SendError::lasting("no")));
        assert_eq!(lasting, Err(SendError::lasting("no")));
    }

    #[test]
    fn domains_in_other_scripts_become_those_of_dns_and_names_stay() {
        let to = "Jürgen <j@例え.テスト>, two@example.com";
        let (message, letter_to) = message(&email(), to, &failed()).expect("a message");
        assert_eq!(letter_to, ["j@xn--r8jz45g.xn--zckzah", "two@example.com"]);
        let text = String::from_utf8(message.formatted()).expect("ASCII");
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("<dp@xn--bcher-kva.example>"), "{text}");
        assert!(text.contains("<j@xn--r8jz45g.xn--zckzah>"), "{text}");
    }
}
