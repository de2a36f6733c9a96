//! Which words name a secret.

use crate::values::nearest::nearest;

/// Whether a key of this name may hold a secret.
pub(super) fn is_secret(word: &str) -> bool {
    let word = word.to_lowercase();
    // The addresses of web hooks and pings hold their tokens.
    [
        "pass",
        "pwd",
        "secret",
        "token",
        "authorization",
        "url",
        "api_key",
        "apikey",
    ]
    .into_iter()
    .any(|part| word.contains(part))
        || nearest(&word, ["password"]).is_some()
}

/// Whether this is a key under `password` that says where it is, and not what.
pub(super) fn is_form(word: &str) -> bool {
    ["env", "file", "command", "credential"].contains(&word)
}

/// Whether a variable of the environment may have this name. What stands under `env` and is none
/// may be the password itself.
pub(super) fn is_variable(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_$%{}".contains(c))
}
