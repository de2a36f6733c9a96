//! What `trust` shows of a device: its certificates, what would be trusted, and what to write into the plan file.

use std::fmt::Write;

use jiff::Timestamp;

use crate::soma::certificate::{Certificate, CertificateContent};
use crate::values::text::{hanging, printable};
use crate::values::trust::Trust;

/// Whether a certificate would be trusted: if not, why.
pub type TrustAnswer = Result<(), String>;

/// What a device has shown of itself, and what each way of trust says to it.
#[derive(Clone, Debug)]
pub struct ShownDevice<'a> {
    pub name: &'a str,
    pub address: String,
    /// The version of TLS that was agreed on.
    pub version: &'a str,
    pub own: &'a Certificate,
    /// What it sent with its own.
    pub sent_along: &'a [Certificate],
    /// The way that the plan file has.
    pub planned: (&'a Trust, TrustAnswer),
    /// The trust roots of this machine, where they are another way.
    pub roots: Option<TrustAnswer>,
    /// What a pin of its own certificate would say.
    pub pin: TrustAnswer,
    pub now: Timestamp,
}

/// All of it, as a page.
pub fn shown(device: &ShownDevice<'_>, width: Option<u16>) -> String {
    let mut page = format!("{} ({}), {}\n", device.name, device.address, device.version);
    let count = 1 + device.sent_along.len();
    // Writing into a String cannot fail.
    let _ = writeln!(page, "\ncertificate 1 of {count}, the device's own");
    describe(device.own, device.now, width, &mut page);
    for (index, certificate) in device.sent_along.iter().enumerate() {
        let _ = writeln!(page, "\ncertificate {} of {count}, sent along", index + 2);
        describe(certificate, device.now, width, &mut page);
    }
    page.push_str("\nwould be trusted\n");
    let (trust, answer) = &device.planned;
    let planned = format!("as the plan file has it ({})", short(trust));
    let mut way = |how: &str, answer: &TrustAnswer| {
        let answer = match answer {
            Ok(()) => "yes".to_owned(),
            Err(why) => format!("no: {}", printable(why)),
        };
        let line = hanging(&format!("{how}: {answer}"), 4, width);
        let _ = writeln!(page, "  {line}");
    };
    way(&planned, answer);
    if let Some(answer) = &device.roots {
        way("by the trust roots of this machine", answer);
    }
    page.push_str(&what_to_write(device, width));
    page
}

/// How its own certificate is pinned, or that it is, or cannot be.
fn what_to_write(device: &ShownDevice<'_>, width: Option<u16>) -> String {
    if let Err(why) = &device.pin {
        let why = format!("A pin would not do: {}", printable(why));
        return format!("\n{}\n", hanging(&why, 0, width));
    }
    let pinned = *device.planned.0 == Trust::Pin(device.own.sha256);
    let how = match (pinned, width) {
        (true, _) => "The plan file pins this certificate, and no other is trusted, under [[device]]",
        (false, Some(_)) => {
            "To trust this certificate and no other: compare its SHA-256 with what the administrator \
             of the device says, then write under [[device]]"
        }
        (false, None) => {
            "To trust this certificate and no other: compare its SHA-256 with what the administrator\n\
             of the device says, then write under [[device]]"
        }
    };
    let how = hanging(&format!("{how} \"{}\":", device.name), 0, width);
    format!("\n{how}\n\ntls = {{ pin_sha256 = \"{}\" }}\n", device.own.pin())
}

/// What somebody should know before it is trusted, and why a run would not.
pub fn warnings(device: &ShownDevice<'_>) -> Vec<String> {
    let name = device.name;
    let mut warnings = Vec::new();
    match &device.planned {
        (Trust::Pin(pin), Err(_)) if *pin != device.own.sha256 => warnings.push(format!(
            "the pin of {name} in the plan file is of another certificate: it was renewed, or another \
             device answers, or somebody stands in between"
        )),
        (_, Err(why)) => warnings.push(format!("a run would not trust {name}: {why}")),
        (Trust::Off, Ok(())) => warnings.push(format!(
            "{name} has `verify = false`: whoever answers there gets its password; pin the certificate instead"
        )),
        (_, Ok(())) => {}
    }
    if let Ok(content) = &device.own.content
        && content.not_after <= device.now
    {
        warnings.push(format!(
            "the certificate of {name} has expired; a pin trusts it all the same"
        ));
    }
    if let Ok(content) = &device.own.content
        && content.not_before > device.now
    {
        warnings.push(format!(
            "the certificate of {name} is not valid yet; a pin trusts it all the same"
        ));
    }
    warnings
}

fn describe(certificate: &Certificate, now: Timestamp, width: Option<u16>, page: &mut String) {
    let mut line = |label: &str, text: &str| {
        let text = hanging(&printable(text), 11, width);
        let _ = writeln!(page, "  {label:<8} {text}");
    };
    match &certificate.content {
        Ok(content) => {
            line("subject", &content.subject);
            let names = content.names.join(", ");
            line(
                "names",
                if names.is_empty() {
                    "none: only a pin can trust it"
                } else {
                    &names
                },
            );
            let by_itself = if content.is_self_signed() { " (itself)" } else { "" };
            line("issuer", &format!("{}{by_itself}", content.issuer));
            line("valid", &validity(content, now));
            line("key", &content.key);
            if content.is_authority {
                line("is", "a certificate authority");
            }
        }
        Err(why) => line("content", &format!("cannot be read: {why}")),
    }
    line("SHA-256", &certificate.pin());
}

fn validity(content: &CertificateContent, now: Timestamp) -> String {
    let date = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let left = match content.days_left(now) {
        _ if content.not_before > now => "NOT VALID YET".to_owned(),
        days if days < 0 => "EXPIRED".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    };
    format!(
        "{} to {}, {left}",
        date(content.not_before),
        date(content.not_after)
    )
}

fn short(trust: &Trust) -> String {
    match trust {
        Trust::Pin(_) => "pin_sha256".to_owned(),
        Trust::Off => "verify = false".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{ShownDevice, shown, warnings};
    use crate::soma::certificate::{Certificate, CertificateContent};
    use crate::values::trust::Trust;

    const HOUR: i64 = 3_600;

    /// A certificate that is good from one hour of the epoch to another.
    fn certificate(from_hour: i64, to_hour: i64) -> Certificate {
        let at = |hour: i64| Timestamp::from_second(hour * HOUR).expect("a time");
        Certificate {
            sha256: [7; 32],
            content: Ok(CertificateContent {
                subject: "CN=dp-a".to_owned(),
                issuer: "CN=dp-a".to_owned(),
                names: Vec::new(),
                serial: "01".to_owned(),
                not_before: at(from_hour),
                not_after: at(to_hour),
                key: "RSA, 2048 bits".to_owned(),
                is_authority: false,
            }),
        }
    }

    fn device<'a>(own: &'a Certificate, planned: &'a Trust) -> ShownDevice<'a> {
        ShownDevice {
            name: "dp-a",
            address: "dp-a.example:5550".to_owned(),
            version: "TLS 1.3",
            own,
            sent_along: &[],
            planned: (planned, Ok(())),
            roots: Some(Err("nobody there has signed it".to_owned())),
            pin: Ok(()),
            now: Timestamp::from_second(HOUR * 100).expect("a time"),
        }
    }

    #[test]
    fn a_certificate_that_is_not_good_now_is_told_though_a_pin_trusts_it() {
        let pin = Trust::Pin([7; 32]);
        for (from, to, validity, warning) in [
            (0, 148, "2 days left", None),
            (0, 124, "1 day left", None),
            (0, 99, "EXPIRED", Some("has expired")),
            (101, 200, "NOT VALID YET", Some("is not valid yet")),
        ] {
            let own = certificate(from, to);
            let device = device(&own, &pin);
            assert!(shown(&device, None).contains(&format!(", {validity}\n")));
            let expected =
                warning.map(|what| format!("the certificate of dp-a {what}; a pin trusts it all the same"));
            assert_eq!(warnings(&device), Vec::from_iter(expected), "{validity}");
        }
    }

    #[test]
    fn what_to_write_is_proposed_where_a_pin_would_do_and_is_not_there_yet() {
        let own = certificate(0, 200);
        let pin = Trust::Pin([7; 32]);
        let pinned = shown(&device(&own, &pin), None);
        assert!(pinned.contains("The plan file pins this certificate"));
        let by_roots = device(&own, &Trust::SystemRoots);
        assert!(shown(&by_roots, None).contains("then write under [[device]] \"dp-a\":\n\ntls = { pin_"));
        let never = ShownDevice {
            pin: Err("its key is too short".to_owned()),
            ..by_roots
        };
        let never = shown(&never, Some(80));
        assert!(never.ends_with("\nA pin would not do: its key is too short\n"));
        assert!(!never.contains("pin_sha256"));
    }
}
