//! Addresses on the web, of which only scheme and host may be shown.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use thiserror::Error;

use crate::values::host_name;

/// An `https` address; `http` only on this machine. Path and query often hold a token, so
/// its `Display` form leaves them out.
#[derive(Clone, PartialEq, Eq)]
pub struct WebUrl {
    text: String,
    host: String,
    /// Where the path begins.
    path: usize,
    is_https: bool,
}

/// Why a text is no address to send to. None of them repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WebUrlError {
    /// Another scheme, or none.
    #[error("expected https://… (or http:// to this machine)")]
    NoScheme,
    /// Readable on the way.
    #[error("http:// is allowed to this machine only (localhost, 127.…, [::1]): others could read the token")]
    NotSecure,
    /// `https://user:password@host`
    #[error("a user name or password in front of the host is not supported")]
    UserInfo,
    /// No host, or something that cannot be one.
    #[error("the host is missing or is not one")]
    BadHost,
    /// Not a number up to 65535.
    #[error("the port is not one")]
    BadPort,
    /// Blanks, `#` and the like.
    #[error("holds a character that must be written as %XX")]
    BadCharacter,
}

/// Names in a query that say what follows.
const SECRET_NAMES: [&str; 8] = [
    "token", "key", "apikey", "api_key", "secret", "sig", "auth", "password",
];

impl WebUrl {
    /// Whether a part of its path or query looks as if nobody should know it: long, and of
    /// letters and digits as nobody types them; or named as a secret.
    pub fn looks_secret(&self) -> bool {
        let path_and_query = self.path_and_query();
        let named = path_and_query
            .split(['?', '&'])
            .skip(1)
            .filter_map(|pair| pair.split_once('='))
            .any(|(name, _)| SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str()));
        let is_random = |part: &str| {
            let kinds = [
                part.contains(|c: char| c.is_ascii_lowercase()),
                part.contains(|c: char| c.is_ascii_uppercase()),
                part.contains(|c: char| c.is_ascii_digit()),
            ];
            part.len() >= 16 && kinds.into_iter().filter(|kind| *kind).count() >= 2
        };
        named || path_and_query.split(['/', '?', '&', '=']).any(is_random)
    }

    /// Reads an address. A host in another script becomes the one that DNS knows.
    pub fn parse(written: &str) -> Result<Self, WebUrlError> {
        let text = with_ascii_host(written)?;
        let text = text.as_ref();
        let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(WebUrlError::NoScheme),
        };
        if !text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"\"#<>\\^`{|}".contains(c))
        {
            return Err(WebUrlError::BadCharacter);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(WebUrlError::UserInfo);
        }
        let host = match authority
            .strip_prefix('[')
            .and_then(|inner| inner.split_once(']'))
        {
            Some((host, port)) => check_port(port).map(|()| host)?,
            None => {
                let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
                check_port(port).map(|()| host)?
            }
        };
        let is_address = host.parse::<IpAddr>().is_ok();
        if host.is_empty() || !(is_address || host.chars().all(is_of_name)) {
            return Err(WebUrlError::BadHost);
        }
        if !is_https && !is_this_machine(host) {
            return Err(WebUrlError::NotSecure);
        }
        Ok(Self {
            host: host.to_owned(),
            path: text.len() - rest.len() + authority.len(),
            text: text.to_owned(),
            is_https,
        })
    }

    /// All of it: for the request, never for a message.
    pub fn exposed(&self) -> &str {
        &self.text
    }

    /// Path and query: what may be a secret.
    pub fn path_and_query(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }

    /// Host name or address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is `https`.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The address with `suffix` behind its path (`/fail`), or added to its query
    /// (`?state=fail`).
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        let (path, query) = match self.text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.text.as_str(), None),
        };
        let text = match (suffix.strip_prefix('?'), query) {
            (Some(more), Some(query)) => format!("{path}?{query}&{more}"),
            (Some(more), None) => format!("{path}?{more}"),
            (None, Some(query)) => format!("{}{suffix}?{query}", path.trim_end_matches('/')),
            (None, None) => format!("{}{suffix}", path.trim_end_matches('/')),
        };
        Self { text, ..self.clone() }
    }
}

/// Scheme, host and port; `/…` for what may be a secret.
impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.get(..self.path).unwrap_or_default())?;
        if self.path_and_query().len() > 1 {
            f.write_str("/…")
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebUrl({self})")
    }
}

/// Whether what is sent to this host never leaves the machine.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What may stand in the name of a host.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// The address with the name of its host in ASCII. What becomes another part of the address on
/// the way, as a wide slash becomes a slash, is no name.
fn with_ascii_host(text: &str) -> Result<Cow<'_, str>, WebUrlError> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(text.into());
    };
    let host = rest.split(['/', '?', ':', '#', '@']).next().unwrap_or_default();
    if host.is_ascii() {
        return Ok(text.into());
    }
    let ascii = host_name::ascii(host).filter(|name| name.chars().all(is_of_name));
    let ascii = ascii.ok_or(WebUrlError::BadHost)?;
    let behind = rest.strip_prefix(host).unwrap_or_default();
    Ok(format!("{scheme}://{ascii}{behind}").into())
}

/// Nothing, or a colon and a number that a port can have.
fn check_port(text: &str) -> Result<(), WebUrlError> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(()),
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        _ => Err(WebUrlError::BadPort),
    }
}

#[cfg(test)]
mod tests {
    use super::{WebUrl, WebUrlError};

    #[test]
    fn what_looks_like_a_token_is_told_from_what_people_name_things() {
        for (address, is_secret) in [
            (
                "https://hooks.slack.com/services/T0/B0/aBcDeFgHiJkLmNoPqRsTuVwX",
                true,
            ),
            ("https://hc-ping.com/4f1c9a3e-0b1d-4c55-9a59-3f2f3a1f7c11", true),
            ("https://a.example.com/hook?token=x", true),
            ("https://a.example.com/hooks/datapower", false),
            ("https://a.example.com/datapower-nightly-backups", false),
            ("https://a.example.com/", false),
        ] {
            let url = WebUrl::parse(address).expect(address);
            assert_eq!(url.looks_secret(), is_secret, "{address}");
        }
    }

    #[test]
    fn only_scheme_and_host_are_shown() {
        for (text, shown) in [
            (
                "https://hooks.example.com/services/T0/B0/s3cret",
                "https://hooks.example.com/…",
            ),
            (
                "https://[2001:db8::1]:8443?token=s3cret",
                "https://[2001:db8::1]:8443/…",
            ),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
        ] {
            let url = WebUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("WebUrl({shown})"));
        }
    }

    #[test]
    fn a_host_in_another_script_is_the_one_of_dns() {
        for (written, whole) in [
            (
                "https://bücher.example/hook?k=1",
                "https://xn--bcher-kva.example/hook?k=1",
            ),
            ("https://例え.テスト:8443", "https://xn--r8jz45g.xn--zckzah:8443"),
            ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
            ("https://bücher。example/x", "https://xn--bcher-kva.example/x"),
        ] {
            let url = WebUrl::parse(written).expect(written);
            assert_eq!(url.exposed(), whole);
            assert!(whole.contains(url.host()), "{}", url.host());
        }
        for written in [
            // A wide slash, a wide at sign and a wide colon would make another host of it.
            "https://good.example\u{ff0f}evil.example/x",
            "https://good.example\u{ff20}evil.example/x",
            "https://good.example\u{ff1a}80/x",
            "https://\u{202e}.example/x",
            "https://a\u{200b}b.example/x",
        ] {
            let url = WebUrl::parse(written);
            assert!(
                url.is_err() || url.as_ref().is_ok_and(|url| url.host() == "ab.example"),
                "{written}: {url:?}"
            );
        }
        // Elsewhere than in the host nothing is guessed.
        assert_eq!(WebUrl::parse("https://a/ü"), Err(WebUrlError::BadCharacter));
    }

    #[test]
    fn what_cannot_be_sent_to_is_refused_with_its_reason() {
        for (text, error) in [
            ("hooks.example.com", WebUrlError::NoScheme),
            ("ftp://example.com", WebUrlError::NoScheme),
            ("http://example.com/x", WebUrlError::NotSecure),
            ("https://me:pw@example.com/x", WebUrlError::UserInfo),
            ("https:///x", WebUrlError::BadHost),
            ("https://a*b/x", WebUrlError::BadHost),
            ("https://a:0/x", WebUrlError::BadPort),
            ("https://a:99999", WebUrlError::BadPort),
            ("https://a/x y", WebUrlError::BadCharacter),
            ("https://a/x\r\nHost: b", WebUrlError::BadCharacter),
        ] {
            assert_eq!(WebUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_suffix_goes_behind_the_path_or_into_the_query() {
        for (url, suffix, whole) in [
            ("https://a/b", "/fail", "https://a/b/fail"),
            ("https://a/b/", "/fail", "https://a/b/fail"),
            ("https://a/b?k=1", "/fail", "https://a/b/fail?k=1"),
            ("https://a/b", "?state=run", "https://a/b?state=run"),
            ("https://a/b?k=1", "?state=run", "https://a/b?k=1&state=run"),
        ] {
            let url = WebUrl::parse(url).expect(url);
            assert_eq!(url.with_suffix(suffix).exposed(), whole);
        }
    }
}
