//! Which values of a configuration are secret, or may be: they are compared, and never shown.
//!
//! A gateway masks or hashes most of its passwords in exports, and leaves some as they are.
//! What is secret is told by names and by looks, so this rather hides too much.

use std::collections::BTreeSet;

use crate::artifact::archive::Property;
use crate::artifact::secret_looks::{looks_secret, names_secret};
use crate::artifact::secret_names::{ends_secretly, is_secret_word};

/// How elements and attributes end that name what stands in another one.
const NAMES: [&str; 11] = [
    "name",
    "key",
    "property",
    "tag",
    "variable",
    "attribute",
    "header",
    "parameter",
    "param",
    "field",
    "match",
];

/// How elements end that have a value which another one names.
const VALUES: [&str; 5] = ["value", "val", "content", "text", "data"];

/// The paths of an object whose values must not be shown, as far as its class and its properties tell.
pub fn hidden_paths<'p>(
    class: &str,
    properties: impl Iterator<Item = &'p Property> + Clone,
) -> BTreeSet<&'p str> {
    let references: BTreeSet<&str> = properties
        .clone()
        .filter_map(|property| property.path.strip_suffix("@class"))
        .collect();
    // A parameter has its name in one element and its value in one beside it, or below.
    let mut parents: BTreeSet<&str> = properties
        .clone()
        .filter(|property| ends_with_any(&property.path, &NAMES) && names_secret(&property.value))
        .map(|property| parent(&property.path))
        .collect();
    if is_secret_word(class) {
        parents.insert("");
    }
    properties
        .filter(|property| {
            is_secret_path(&property.path, references.contains(property.path.as_str()))
                || looks_secret(&property.value)
                || is_named_secret(&property.path, &parents)
        })
        .map(|property| property.path.as_str())
        .collect()
}

/// Whether an element or attribute of this path holds a secret, and not the name of an object.
fn is_secret_path(path: &str, is_reference: bool) -> bool {
    let last = path.rsplit(['/', '@']).next().unwrap_or(path);
    path.split(['/', '@']).any(is_secret_word) || (!is_reference && ends_secretly(last))
}

/// Whether it stands in, or below, one of the elements in which a secret is named.
fn is_named_secret(path: &str, parents: &BTreeSet<&str>) -> bool {
    // Beside all other properties of an object a name tells only of what is called a value.
    if parents.contains("") && ends_with_any(path, &VALUES) {
        return true;
    }
    let is_name = ends_with_any(path, &NAMES);
    let within = path.match_indices(['/', '@']).map(|(end, _)| &path[..end]);
    within
        .chain([path])
        .any(|above| parents.contains(above) && (!is_name || above.contains('@')))
}

fn ends_with_any(path: &str, ends: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    ends.iter().any(|end| path.ends_with(end))
}

fn parent(path: &str) -> &str {
    path.rfind(['/', '@']).map_or("", |end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden_in(class: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let properties: Vec<Property> = pairs
            .iter()
            .map(|(path, value)| Property {
                path: (*path).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        hidden_paths(class, properties.iter())
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    fn hidden(pairs: &[(&str, &str)]) -> Vec<String> {
        hidden_in("Service", pairs)
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for path in [
            "Password",
            "SnmpV3/AuthSecret",
            "KeyValue/EncryptKey",
            "Policies/Community",
            "BindPasswordAlias",
            "Auth@Token",
            "Login/BindPass",
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
    fn the_name_of_another_object_is_no_secret() {
        assert_eq!(hidden(&[("IdCredential", "x")]), ["IdCredential"]);
        assert!(
            hidden(&[
                ("IdCredential@class", "CryptoIdentCred"),
                ("IdCredential", "front")
            ])
            .is_empty()
        );
    }

    #[test]
    fn secrets_are_known_by_what_they_look_like() {
        assert_eq!(
            hidden(&[("UserSummary", "https://user:pass@host/path")]),
            ["UserSummary"]
        );
        assert!(hidden(&[("URL", "https://host/a@b")]).is_empty());
    }

    #[test]
    fn the_value_of_what_has_a_secret_name_is_one() {
        for (name, value) in [
            ("Parameters/ParameterName", "Parameters/ParameterValue"),
            ("HeaderInjection/HeaderTag", "HeaderInjection/HeaderTagValue"),
            ("ModifiedConfig/Property", "ModifiedConfig/Value"),
            ("MatchRules/HttpTag", "MatchRules/HttpValue"),
            ("P/name", "P/value"),
            ("P/Name", "P/W/Value"),
            ("P@name", "P"),
            ("P@name", "P/V"),
            ("Name", "Value"),
            ("Variable", "Value"),
        ] {
            for word in [
                "{http://x}db-password",
                "Authorization",
                "X-API-Key",
                "dbpass-word",
            ] {
                let pairs = [(name, word), (value, "tiger"), ("Other/Value", "shown")];
                let found = hidden(&pairs);
                let all = match name.contains(['/', '@']) {
                    true => vec![value.to_owned()],
                    false => vec!["Other/Value".to_owned(), value.to_owned()],
                };
                assert_eq!(found, all, "{pairs:?}");
                let backwards = [pairs[1], pairs[0]];
                assert!(hidden(&backwards).contains(&value.to_owned()), "{backwards:?}");
            }
        }
        assert!(hidden(&[("UserName", "token-user"), ("LocalPort", "80")]).is_empty());
    }

    #[test]
    fn a_class_of_secrets_has_secret_values() {
        assert_eq!(hidden_in("PasswordAlias", &[("Value", "x")]), ["Value"]);
        assert_eq!(
            hidden_in("PasswordMap", &[("Map/Value", "x"), ("UserSummary", "y")]),
            ["Map/Value"]
        );
    }
}
