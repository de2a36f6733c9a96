//! Which values of a configuration are secret, or may be: they are compared, and never shown.
//!
//! A gateway masks or hashes most of its passwords in exports, and leaves some as they are.
//! What is secret is told by names, so this rather hides too much.

use std::collections::BTreeSet;

use crate::artifact::archive::Property;

/// Parts of names that tell of a secret, in small letters.
const WORDS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "hashed",
    "community",
    "privatekey",
];

/// The paths of an object whose values must not be shown, as far as its properties tell.
pub fn hidden_paths<'p>(properties: impl Iterator<Item = &'p Property> + Clone) -> BTreeSet<&'p str> {
    // A parameter has its name in one element and its value in the one beside it.
    let parents: BTreeSet<&str> = properties
        .clone()
        .filter(|property| is_name(&property.path) && is_secret_word(&property.value))
        .map(|property| parent(&property.path))
        .filter(|parent| !parent.is_empty())
        .collect();
    properties
        .filter(|property| {
            is_secret_path(&property.path)
                || is_secret_value(&property.value)
                || (parents.contains(parent(&property.path)) && !is_name(&property.path))
        })
        .map(|property| property.path.as_str())
        .collect()
}

/// Whether a line of a text file may hold a secret: it names one, or looks like one.
pub fn may_hold_secret(line: &str) -> bool {
    is_secret_word(line) || line.split_whitespace().any(is_secret_value) || line.contains("-----BEGIN")
}

/// Whether an element or attribute of this path holds a secret.
fn is_secret_path(path: &str) -> bool {
    let mut names = path.split(['/', '@']);
    let last = path.rsplit(['/', '@']).next().unwrap_or(path);
    names.any(is_secret_word) || last.to_ascii_lowercase().ends_with("key")
}

fn is_secret_word(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Keys in PEM, hashes of passwords, addresses with a password in them.
fn is_secret_value(value: &str) -> bool {
    let has_login = || {
        value.split_once("://").is_some_and(|(_, rest)| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            authority.contains('@')
        })
    };
    let is_hash = || {
        ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "{SSHA"]
            .iter()
            .any(|mark| value.starts_with(mark))
    };
    value.contains("-----BEGIN") || is_hash() || has_login()
}

fn is_name(path: &str) -> bool {
    path.ends_with("Name") || path.ends_with("name")
}

fn parent(path: &str) -> &str {
    path.rfind(['/', '@']).map_or("", |end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(pairs: &[(&str, &str)]) -> Vec<String> {
        let properties: Vec<Property> = pairs
            .iter()
            .map(|(path, value)| Property {
                path: (*path).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        hidden_paths(properties.iter())
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for path in [
            "Password",
            "HashedPassword",
            "SnmpV3/AuthSecret",
            "SharedSecretKey",
            "KeyValue/EncryptKey",
            "Policies/Community",
            "BindPasswordAlias",
            "Auth@Token",
        ] {
            assert_eq!(hidden(&[(path, "x")]), [path]);
        }
        for path in [
            "UserSummary",
            "LocalPort",
            "URLMap/URLMapRules/Match",
            "KeyExchange",
            "Name",
        ] {
            assert!(hidden(&[(path, "x")]).is_empty(), "{path}");
        }
    }

    #[test]
    fn secrets_are_known_by_what_they_look_like() {
        for value in [
            "-----BEGIN PRIVATE KEY-----",
            "$1$abcdefgh$0123456789",
            "https://user:pass@host/path",
            "ftp://user@host",
        ] {
            assert_eq!(hidden(&[("UserSummary", value)]), ["UserSummary"]);
        }
        assert!(hidden(&[("URL", "https://host/a@b")]).is_empty());
    }

    #[test]
    fn the_value_of_a_parameter_with_a_secret_name_is_one() {
        let found = hidden(&[
            ("Parameters/ParameterName", "{http://x}db-password"),
            ("Parameters/ParameterValue", "tiger"),
            ("Other/Value", "shown"),
        ]);
        assert_eq!(found, ["Parameters/ParameterValue"]);
        assert!(hidden(&[("UserName", "token-user"), ("LocalPort", "80")]).is_empty());
    }
}
