//! What is odd about a text that was read as a password: it may not be the one that is meant.

use crate::values::written_path::variable_alone;

/// What is odd about it, in words that say nothing of the password itself.
pub fn oddity(password: &str) -> Option<&'static str> {
    let bare = password.trim();
    if is_encrypted(bare) {
        return Some("what was read as the password is encrypted, or a key: the password itself is expected");
    }
    if looks_like_a_reference(bare) {
        return Some(
            "what was read as the password looks like a name or a command for it, and is sent as it is",
        );
    }
    if is_assignment(bare) {
        return Some(
            "what was read as the password has a name and a sign before it (`password=`), which are sent with it",
        );
    }
    if is_quoted(bare) {
        return Some("what was read as the password stands in quotes, which are sent with it");
    }
    if bare.contains(char::is_control) {
        return Some(
            "what was read as the password has a control character in it, such as the line end of an old Mac, which is \
             sent with it",
        );
    }
    if bare.contains(" #") {
        return Some("what was read as the password has a blank and a # in it: a comment is sent with it");
    }
    (bare != password)
        .then_some("what was read as the password begins or ends with a blank, which is sent with it")
}

/// Whether a text written as a password is most likely where it is to be had.
pub fn looks_like_a_reference(text: &str) -> bool {
    const SCHEMES: [&str; 12] = [
        "file:",
        "vault:",
        "env:",
        "secret:",
        "aws:",
        "ssm:",
        "op://",
        "pass:",
        "keyring:",
        "credential:",
        "arn:",
        "ref+",
    ];
    let lower = text.to_ascii_lowercase();
    let is_enclosed =
        |open: &str, close: &str| text.len() > 2 && text.starts_with(open) && text.ends_with(close);
    let is_path = |path: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        path.len() > 2
            && (path.starts_with(['/', '~', '.']) || is_of_small_letters(path))
            && path.matches('/').count() > 0
            && path.chars().skip(1).all(is_plain)
    };
    variable_alone(text).is_some()
        || is_enclosed("${", "}")
        || is_encrypted(text)
        || is_enclosed("$(", ")")
        || is_enclosed("`", "`")
        || is_enclosed("<", ">")
        || SCHEMES.iter().any(|scheme| lower.starts_with(scheme))
        || lower.starts_with("!vault")
        || (text.len() > 2 && text.chars().all(|c| c == '*'))
        || is_path(text.strip_prefix('@').unwrap_or(text))
}

/// Whether it is a relative path as people name files. A password that was drawn has large letters or signs.
fn is_of_small_letters(path: &str) -> bool {
    let is_name = |name: &str| name.len() > 1 && name.starts_with(|first: char| first.is_ascii_lowercase());
    path.split('/').all(is_name) && !path.chars().any(|c| c.is_ascii_uppercase())
}

fn is_encrypted(text: &str) -> bool {
    ["$ANSIBLE_VAULT", "ENC[", "-----BEGIN ", "age-encryption.org"]
        .iter()
        .any(|begin| text.starts_with(begin))
}

fn is_assignment(text: &str) -> bool {
    let Some((name, value)) = text.split_once(['=', ':']) else {
        return false;
    };
    let name = name.trim().trim_start_matches("export ").to_ascii_lowercase();
    let names = ["password", "passwd", "pass", "pw", "pwd", "secret"];
    let is_name = names.iter().any(|known| {
        name == *known || name.ends_with(&format!("_{known}")) || name.ends_with(&format!("-{known}"))
    });
    is_name && !value.is_empty()
}

fn is_quoted(text: &str) -> bool {
    let quotes = ['"', '\''];
    text.len() > 2
        && quotes
            .iter()
            .any(|quote| text.starts_with(*quote) && text.ends_with(*quote))
}

#[cfg(test)]
mod tests {
    use super::{looks_like_a_reference, oddity};

    #[test]
    fn what_may_not_be_the_password_that_is_meant_is_told_without_it() {
        for (text, words) in [
            ("s3cr3t ", "begins or ends with a blank"),
            ("\ts3cr3t", "begins or ends with a blank"),
            ("\"s3cr3t\"", "stands in quotes"),
            ("'s3cr3t'", "stands in quotes"),
            ("password=s3cr3t", "a name and a sign"),
            ("QA1_PASSWORD=s3cr3t", "a name and a sign"),
            ("password: s3cr3t", "a name and a sign"),
            ("s3cr3t # of QA1", "a comment"),
            ("s3cr3t\rnote", "a control character"),
            ("s3c\tr3t", "a control character"),
            ("$ANSIBLE_VAULT;1.1;AES256", "is encrypted"),
            ("ENC[AES256,s3cr3t]", "is encrypted"),
            ("$QA1_PASSWORD", "a name or a command"),
            ("/etc/dpbackup/qa1.s3cr3t", "a name or a command"),
        ] {
            let odd = oddity(text).unwrap_or_else(|| panic!("{text}"));
            assert!(odd.contains(words), "{text}: {odd}");
            assert!(!odd.contains("s3cr3t"), "{odd}");
        }
    }

    #[test]
    fn a_password_that_only_looks_wild_is_not_odd() {
        for text in [
            "s3cr3t", "a=b", "pa ss", "x#y", "$ecret!", "50%", "\"", "''", "p:w:", "Zoë/7", "<3", "*",
            "@home",
        ] {
            assert_eq!(oddity(text), None, "{text}");
        }
    }

    #[test]
    fn what_says_where_a_password_is_looks_like_a_reference() {
        for text in [
            "$(cat pw/qa1)",
            "`cat pw/qa1`",
            "file:pw/qa1",
            "@/etc/pw/qa1",
            "/etc/dpbackup/qa1.password",
            "./pw/qa1",
            "~/pw",
            "vault:secret/dp#pw",
            "!vault |",
            "<password>",
            "********",
            "${QA1}",
        ] {
            assert!(looks_like_a_reference(text), "{text}");
        }
        for text in ["a/b", "/", "x<y>", "file", "$1,000", "(cat)"] {
            assert!(!looks_like_a_reference(text), "{text}");
        }
    }
}
