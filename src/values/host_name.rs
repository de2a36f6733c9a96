//! Names of hosts as DNS has them.

/// `name` in ASCII: what is written in another script becomes what DNS knows it by (`xn--…`).
/// An address stays as it is. `None` for what is no name.
pub fn ascii(name: &str) -> Option<String> {
    if name.is_ascii() {
        return Some(name.to_owned());
    }
    idna::domain_to_ascii(name).ok().filter(|name| !name.is_empty())
}

/// Whether a name says where in the world it is: labels of letters, digits and hyphens, with a
/// dot between them. `localhost` and `vm` do not.
pub fn is_full(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_number = |label: &str| label.chars().all(|c| c.is_ascii_digit());
    name.contains('.')
        && name.len() <= 253
        && name.split('.').all(is_label)
        && !name.rsplit('.').next().is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::{ascii, is_full};

    #[test]
    fn a_name_in_another_script_becomes_the_one_of_dns() {
        for (name, expected) in [
            ("mail.example.com", Some("mail.example.com")),
            ("Bücher.example", Some("xn--bcher-kva.example")),
            ("例え.テスト", Some("xn--r8jz45g.xn--zckzah")),
            ("::1", Some("::1")),
            ("\u{202e}.example", None),
        ] {
            assert_eq!(ascii(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_full_name_has_a_domain() {
        for name in ["backup1.example.com", "a.b", "vm-1.local"] {
            assert!(is_full(name), "{name}");
        }
        for name in [
            "vm",
            "localhost",
            "",
            "a..b",
            "-a.b",
            "a_b.c",
            "192.0.2.1",
            "a.b.",
        ] {
            assert!(!is_full(name), "{name}");
        }
    }
}
