//! Words of a command that somebody pastes into a shell.

use std::path::Path;

/// `path` as one word of a shell. A word that needs no quotes gets none.
pub fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-+=:@%,".contains(c);
    // A name that begins with a dash would be taken for an option.
    let text = match text.strip_prefix('-') {
        Some(_) => format!("./{text}"),
        None => text.into_owned(),
    };
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::word;
    use std::path::Path;

    #[test]
    fn only_what_a_shell_would_read_otherwise_is_quoted() {
        for (path, expected) in [
            ("/etc/dpbackup/plans.toml", "/etc/dpbackup/plans.toml"),
            ("/srv/two words", "'/srv/two words'"),
            ("/srv/$HOME;x", "'/srv/$HOME;x'"),
            ("/srv/it's", r"'/srv/it'\''s'"),
            ("-rf", "./-rf"),
            ("", "''"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
