//! Which words name a secret.

use crate::values::nearest::nearest;

/// Whether a key of this name may hold a secret.
pub(super) fn is_secret(word: &str) -> bool {
    let word = word.to_lowercase();
    // The addresses of webhooks and pings hold their tokens.
    [
        "pass",
        "pwd",
        "secret",
        "token",
        "authorization",
        "api_key",
        "apikey",
    ]
    .into_iter()
    .any(|part| word.contains(part))
        // `hourly` holds it as well, and no token.
        || word.ends_with("url")
        || word.ends_with("urls")
        || word.split(['_', '-', '.']).any(|part| part == "url")
        || nearest(&word, ["password"]).is_some()
}

/// Whether this is a key under `password` that says where it is, and not what.
pub(super) fn is_form(word: &str) -> bool {
    ["env", "file", "command", "credential"].contains(&word)
}

/// Whether what stands under such a key can be what the key asks for. What cannot may be the
/// secret itself.
pub(super) fn says_where(form: &str, text: &str) -> bool {
    match form {
        "env" => text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_$%{}".contains(c)),
        "credential" => !text.contains('/'),
        _ => true,
    }
}
