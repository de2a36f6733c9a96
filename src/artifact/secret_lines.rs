//! Which lines of a text file may hold a secret: nobody knows what is written there, so a name hides also what
//! stands behind it on the next lines.

use std::collections::VecDeque;

use crate::artifact::secret_looks::looks_secret;
use crate::artifact::secret_names::is_secret_word;

/// So many lines behind one that names a secret may hold it; empty ones are not counted.
const LINES_BEHIND: usize = 3;

/// First words of lines in which gateways write their own configuration, and that may end with a secret.
const COMMANDS: [&str; 7] = [
    "authenticate",
    "header-injection",
    "inject",
    "key",
    "server",
    "trap-target",
    "user",
];

/// Looks at the lines of a file, one after another.
#[derive(Debug, Default)]
pub struct SecretLines {
    in_key: bool,
    is_end_of_key: bool,
    /// The newest lines that are not empty, the newest one last.
    newest: VecDeque<String>,
}

impl SecretLines {
    /// Goes on to the next line of the file.
    pub fn next(&mut self, line: &str) {
        self.in_key = (self.in_key && !self.is_end_of_key) || line.contains("-----BEGIN");
        self.is_end_of_key = line.contains("-----END");
        if line.trim().is_empty() {
            return;
        }
        let mut kept = match self.newest.len() > LINES_BEHIND {
            true => self.newest.pop_front().unwrap_or_default(),
            false => String::new(),
        };
        kept.clear();
        kept.push_str(line);
        self.newest.push_back(kept);
    }

    /// Whether the line that it has come to may hold a secret.
    pub fn may_hold_secret(&self) -> bool {
        self.in_key
            || self.newest.iter().any(|line| names_secret(line))
            || self.newest.back().is_some_and(|line| looks_secret(line))
    }
}

/// Whether a line names something secret, in any of its words.
fn names_secret(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let is_tag = |tag: &str| line.to_ascii_lowercase().contains(tag);
    is_secret_word(line)
        || COMMANDS.contains(&first)
        || is_tag("authorization")
        || is_tag("credential")
        || is_tag("cookie")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<&str> {
        let mut lines = SecretLines::default();
        text.split_inclusive('\n')
            .filter(|line| {
                lines.next(line);
                !line.trim().is_empty() && !lines.may_hold_secret()
            })
            .map(str::trim)
            .collect()
    }

    #[test]
    fn a_secret_is_hidden_on_the_lines_behind_its_name_too() {
        assert_eq!(
            shown("a = 1\nvar password =\n\n\n  'x';\nb = 2\nc = 3\nd = 4\n"),
            ["a = 1", "d = 4"]
        );
        assert_eq!(
            shown("one\n\"token_list\": [\n \"x\",\n \"y\"\n]\ntwo\n"),
            ["one", "two"]
        );
    }

    #[test]
    fn a_key_is_hidden_from_its_first_line_to_its_last() {
        let key = "a\n-----BEGIN RSA PRIVATE KEY-----\nxx\nyy\nzz\nuu\nvv\n-----END RSA PRIVATE KEY-----\nb\nc\nd\ne\n";
        assert_eq!(shown(key), ["a", "e"]);
        assert_eq!(
            shown("key: |\n  MIIEowIBAAKCAQEAzT3vQ1kJ8cPp2yq0b9LrN4dWmXs7\n"),
            ["key: |"; 0]
        );
    }

    #[test]
    fn lines_of_a_gateways_own_configuration_are_hidden_by_their_command() {
        for line in [
            "  authenticate \"ldap\" \"\" \"h\" \"cn=a\" \"x\"",
            "key x \"pkcs12:cert:///a.p12\" \"x\"",
            " server 1 h 1812 x",
            "  trap-target 1.2.3.4 162 x",
            "inject \"front\" \"Authorization\" \"Basic x\"",
            "<h name=\"Authorization\" value=\"x\"/>",
        ] {
            assert!(shown(line).is_empty(), "{line}");
        }
        assert_eq!(shown("  local-port 8080\n"), ["local-port 8080"]);
    }
}
