//! The password that this tool logs in with, where a device sends it back: there are gateways, and things in front
//! of them, that repeat a request's headers in their answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::values::percent::percent_encoded;

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
        let stays = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~');
        let xml = password
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&apos;");
        // Words of devices are put on one line.
        let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut forms = vec![
            STANDARD.encode(format!("{username}:{password}")),
            STANDARD.encode(password),
            on_one_line(&xml),
            on_one_line(password),
            xml,
            percent_encoded(password, stays),
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
        let secrets: Vec<&str> = self.0.iter().map(ExposeSecret::expose_secret).collect();
        without(&text, &secrets)
    }
}

/// `text` without any of these secrets, and without a long beginning of one. Where several begin alike, the
/// one that goes on longest is meant.
fn without(text: &str, secrets: &[&str]) -> String {
    let begin = |secret: &'_ str| {
        secret
            .chars()
            .take(SHORTEST_PART)
            .map(char::len_utf8)
            .sum::<usize>()
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let found_in = |rest: &str| {
        let places = secrets.iter().filter_map(|secret| {
            let at = rest.find(secret.get(..begin(secret))?)?;
            let from = rest.get(at..)?.chars().zip(secret.chars());
            let same: usize = from.take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
            Some((at, same, secret.len() < SHORTEST))
        });
        places.min_by_key(|(at, same, _)| (*at, std::cmp::Reverse(*same)))
    };
    while let Some((at, length, is_short)) = found_in(rest) {
        let (before, from) = rest.split_at(at);
        let (found, behind) = from.split_at(length);
        let is_in_word = before.ends_with(char::is_alphanumeric) || behind.starts_with(char::is_alphanumeric);
        shown.push_str(before);
        shown.push_str(match is_short && is_in_word {
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
    fn a_password_with_blanks_is_hidden_in_words_that_were_put_on_one_line() {
        let secrets = OwnSecrets::new("backup", &SecretString::from("correct  horse\t battery"));
        for text in [
            "correct  horse\t battery",
            "correct horse battery",
            "correct horse b",
        ] {
            assert_eq!(secrets.hidden_in(&format!("said {text}.")), "said ***.");
        }
    }

    #[test]
    fn a_short_password_does_not_blacken_the_words_around_it() {
        let secrets = OwnSecrets::new("u", &SecretString::from("not"));
        assert_eq!(secrets.hidden_in("nothing is not seen"), "nothing is *** seen");
    }
}
