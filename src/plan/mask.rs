//! Passwords that stand in a plan file are not shown with its lines.

use std::ops::Range;

use crate::values::nearest::nearest;

/// `text`, with what looks like a password replaced by `*`, byte for byte.
///
/// It works on text, not on the tree: a line that cannot be parsed is shown too. What
/// counts is the name of the key, also when it is misspelt; hidden is rather too much than
/// too little.
pub(super) fn mask_passwords(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut from = 0;
    while let Some(mark) = text[from..].find(['=', ':', '"', '\'']).map(|at| from + at) {
        from = mark + 1;
        let before = end_of(&text[..mark]);
        let value = if text[mark..].starts_with(['=', ':']) {
            mark + 1
        } else {
            mark
        };
        if (value > mark && is_secret_key(before)) || is_secret_without_equals(before) {
            let secrets = secrets_of(text, value);
            from = secrets.last().map_or(from, |last| last.end.max(from));
            for secret in secrets {
                bytes[secret]
                    .iter_mut()
                    .filter(|byte| !matches!(byte, b'\n' | b'\r'))
                    .for_each(|byte| *byte = b'*');
            }
        }
    }
    // Whole characters were replaced, so this is text again; if not, nothing is shown.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The last 256 bytes or so: keys are shorter, and the time must not grow with the line.
fn end_of(text: &str) -> &str {
    let start = text.len().saturating_sub(256);
    (start..=text.len())
        .find_map(|start| text.get(start..))
        .unwrap_or_default()
}

/// Whether the key that ends `before` is one of a password: `password`, `"pasword"`,
/// `device.password.text`.
fn is_secret_key(before: &str) -> bool {
    let key_char = |c: char| c.is_alphanumeric() || "_-.\"' \t".contains(c);
    let dotted = before.rsplit(|c| !key_char(c)).next().unwrap_or_default();
    let mut parts = dotted
        .split('.')
        .map(|part| part.trim_matches(['"', '\'', ' ', '\t']));
    let last = parts.clone().next_back().unwrap_or_default();
    parts.any(is_secret_word) && !is_form(last)
}

/// Whether a line begins with the key of a password, and goes on without `=`.
fn is_secret_without_equals(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = line.trim_matches([' ', '\t']);
    key.len() < line.len()
        && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c))
        && is_secret_word(key)
}

fn is_secret_word(word: &str) -> bool {
    let word = word.to_lowercase();
    // The addresses of web hooks and pings hold their tokens.
    ["pass", "pwd", "secret", "token", "authorization", "url"]
        .into_iter()
        .any(|part| word.contains(part))
        || nearest(&word, ["password"]).is_some()
}

/// The keys under `password` that say where it is, and not what.
fn is_form(word: &str) -> bool {
    ["env", "file", "command", "credential"].contains(&word)
}

/// Where the secrets are in the value that begins at `from`.
fn secrets_of(text: &str, from: usize) -> Vec<Range<usize>> {
    let start = value_start(text, from);
    match text[start..].chars().next() {
        Some('{') => secrets_of_table(text, start + 1),
        Some('[') => strings_of_array(text, start + 1),
        _ => vec![text_or_bare(text, start)],
    }
}

/// Where a value begins that follows at `from`. A string on the next line is not where it
/// belongs, but no less secret.
fn value_start(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let on_any_line = rest.trim_start();
    let value = if on_any_line.starts_with(['"', '\'']) {
        on_any_line
    } else {
        rest.trim_start_matches([' ', '\t'])
    };
    text.len() - value.len()
}

/// In `{ text = "…" }` everything but the known forms.
fn secrets_of_table(text: &str, from: usize) -> Vec<Range<usize>> {
    let end = text[from..].find(['}', '\n']).map_or(text.len(), |at| from + at);
    let mut secrets = Vec::new();
    let mut at = from;
    while let Some(equals) = text[at..end].find('=').map(|found| at + found) {
        let key = text[at..equals].rsplit([',', '{']).next().unwrap_or_default();
        at = equals + 1;
        if !is_form(key.trim_matches(['"', '\'', ' ', '\t'])) {
            let secret = text_or_bare(text, value_start(text, at));
            at = secret.end.clamp(at, end);
            secrets.push(secret);
        }
    }
    secrets
}

/// All strings up to the end of an array; a `=` shows that its end is missing.
fn strings_of_array(text: &str, from: usize) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut at = from;
    while let Some(found) = text[at..].find(['"', '\'', ']', '=']).map(|found| at + found) {
        if text[found..].starts_with([']', '=']) {
            break;
        }
        let string = string_at(text, found);
        // Past the closing quote.
        at = string.end + usize::from(text[string.end..].starts_with(['"', '\'']));
        secrets.push(string);
    }
    secrets
}

/// A string without its quotes, or what stands there without any.
fn text_or_bare(text: &str, start: usize) -> Range<usize> {
    if text[start..].starts_with(['"', '\'']) {
        return string_at(text, start);
    }
    start
        ..text[start..]
            .find(['\n', ',', '}', '#'])
            .map_or(text.len(), |at| start + at)
}

/// What stands between the quotes that open at `start`: to the closing ones, else to the
/// end of the line, or of the text for those of several lines.
fn string_at(text: &str, start: usize) -> Range<usize> {
    let rest = &text[start..];
    for triple in ["\"\"\"", "'''"] {
        if let Some(inside) = rest.strip_prefix(triple) {
            let begin = start + 3;
            return begin..begin + inside.find(triple).unwrap_or(inside.len());
        }
    }
    let quote = if rest.starts_with('"') { '"' } else { '\'' };
    let mut is_escaped = false;
    let begin = start + 1;
    for (at, c) in text[begin..].char_indices() {
        if c == '\n' || (c == quote && !is_escaped) {
            return begin..begin + at;
        }
        is_escaped = quote == '"' && c == '\\' && !is_escaped;
    }
    begin..text.len()
}

#[cfg(test)]
mod tests {
    use super::mask_passwords;
    use proptest::prelude::*;

    #[test]
    fn a_password_is_hidden_however_it_is_written() {
        for (text, shown) in [
            (
                "password = \"hunter2\"\nport = 1",
                "password = \"*******\"\nport = 1",
            ),
            ("password='hunter2' # why", "password='*******' # why"),
            ("\"password\" = \"hunter2\"", "\"password\" = \"*******\""),
            ("pasword = \"hunter2\"", "pasword = \"*******\""),
            ("Passwd = \"hunter2\"", "Passwd = \"*******\""),
            ("password = hunter2\nx", "password = *******\nx"),
            ("password = \"hunter2\nport", "password = \"*******\nport"),
            (r#"password = "hun\"ter2" # x"#, r#"password = "*********" # x"#),
            (
                "password = \"\"\"hun\nter2\"\"\"\nx",
                "password = \"\"\"***\n****\"\"\"\nx",
            ),
            (
                "d = { name = \"a\", password = \"hunter2\" }",
                "d = { name = \"a\", password = \"*******\" }",
            ),
            (
                "password = { text = \"hunter2\" }",
                "password = { text = \"*******\" }",
            ),
            ("password.text = \"hunter2\"", "password.text = \"*******\""),
            ("password = [\"hun\", 'ter2']", "password = [\"***\", '****']"),
            ("password = \"größe\"", "password = \"*******\""),
            ("password: \"hunter2\"", "password: \"*******\""),
            ("password: hunter2", "password: *******"),
            ("\n  password \"hunter2\"", "\n  password \"*******\""),
            ("password =\n  \"hunter2\"\n", "password =\n  \"*******\"\n"),
        ] {
            assert_eq!(mask_passwords(text), shown);
        }
    }

    #[test]
    fn what_says_only_where_a_password_is_stays() {
        for text in [
            "password = { env = \"QA1_PASSWORD\" }",
            "password = { command = [\"pass\", \"qa1\"] }",
            "password.file = \"secrets/qa1\"",
            "username = \"backup\"\nhost = \"a\"",
            "name = \"password\"\ndescription = \"the password of it\"",
            "",
        ] {
            assert_eq!(mask_passwords(text), text);
        }
    }

    #[test]
    fn one_endless_line_takes_no_time() {
        for piece in [
            "'",
            "\"",
            "=",
            "password=",
            "a:",
            "{=",
            "[\"",
            "password={",
            "password={}",
            "password=[",
            "password=\"\"\"",
        ] {
            let text = piece.repeat(200_000);
            assert_eq!(mask_passwords(&text).len(), text.len());
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_lines(text in "(password|text|[a={}\\[\\]'\"\\\\,. \nßx]){0,40}") {
            let shown = mask_passwords(&text);
            prop_assert_eq!(shown.len(), text.len());
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}
