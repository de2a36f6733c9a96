//! The password that this tool logs in with, where a device sends it back: there are gateways, and things in front
//! of them, that repeat a request's headers in their answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// What stands in its place.
const HIDDEN: &str = "***";

/// A part of a secret as long as this is hidden too: texts of devices are cut before they are shown.
const SHORTEST_PART: usize = 6;

/// A secret that is shorter is hidden as a whole word alone: it may be a part of others.
const SHORTEST: usize = 4;

/// The password of an account in every form in which it may come back.
#[derive(Clone)]
pub(super) struct OwnSecrets(Vec<SecretString>);

impl OwnSecrets {
    /// Of this account.
    pub(super) fn new(username: &str, password: &SecretString) -> Self {
        let password = password.expose_secret();
        let percent = |text: &str| {
            let bytes = text.bytes().map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            });
            bytes.collect::<String>()
        };
        let xml = password
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&apos;");
        let mut forms = vec![
            STANDARD.encode(format!("{username}:{password}")),
            STANDARD.encode(password),
            xml,
            percent(password),
            password.to_owned(),
        ];
        // The longest first: a shorter one may be a part of it.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        forms.retain(|form| !form.is_empty());
        Self(forms.into_iter().map(SecretString::from).collect())
    }

    /// `text` without any of them.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        let whole = |text: String, secret: &SecretString| match secret.expose_secret() {
            short if short.len() < SHORTEST => text,
            secret => text.replace(secret, HIDDEN),
        };
        let text = self.0.iter().fold(text.to_owned(), whole);
        let parts = |text: String, secret: &SecretString| without(&text, secret.expose_secret());
        self.0.iter().fold(text, parts)
    }
}

/// `text` without `secret`, and without a long beginning of it.
fn without(text: &str, secret: &str) -> String {
    let shortest: usize = secret.chars().take(SHORTEST_PART).map(char::len_utf8).sum();
    let Some(begin) = secret.get(..shortest) else {
        return text.to_owned();
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(begin) {
        let (before, from) = rest.split_at(at);
        let same = from.chars().zip(secret.chars()).take_while(|(a, b)| a == b);
        let length: usize = same.map(|(c, _)| c.len_utf8()).sum();
        let (found, behind) = from.split_at(length);
        let is_in_word = before.ends_with(char::is_alphanumeric) || behind.starts_with(char::is_alphanumeric);
        shown.push_str(before);
        shown.push_str(match secret.len() < SHORTEST && is_in_word {
            true => found,
            false => HIDDEN,
        });
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_in_every_form_in_which_it_comes_back() {
        let secrets = OwnSecrets::new("backup", &SecretString::from("Tr0ub4dor&3xyz"));
        for (text, shown) in [
            (
                "user backup password Tr0ub4dor&3xyz rejected",
                "user backup password *** rejected",
            ),
            (
                "Authorization: Basic YmFja3VwOlRyMHViNGRvciYzeHl6\"",
                "Authorization: Basic ***\"",
            ),
            ("<p>Tr0ub4dor&amp;3xyz</p>", "<p>***</p>"),
            ("https://backup:Tr0ub4dor%263xyz@h/", "https://backup:***@h/"),
            // Cut before its end.
            ("Basic YmFja3VwOlRyMHViN", "Basic ***"),
            ("Tr0ub4do and Tr0ub4dor&3xyz", "*** and ***"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(secrets.hidden_in(text), shown);
        }
    }

    #[test]
    fn a_short_password_does_not_blacken_the_words_around_it() {
        let secrets = OwnSecrets::new("u", &SecretString::from("not"));
        assert_eq!(secrets.hidden_in("nothing is not seen"), "nothing is *** seen");
    }
}
