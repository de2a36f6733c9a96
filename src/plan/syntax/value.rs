//! A value that could not be read: what is wrong with it, and how it is written right.

use crate::plan::keys::device::PASSWORD;
use crate::plan::keys::{Absent, Key, KeyKind};
use crate::plan::mistyped;
use crate::plan::syntax::mend;
use crate::plan::syntax::written::{Written, WrittenEntry, WrittenValue, read};

/// What is wrong with a value, and how it is written right. `name` is its key as it stands there.
pub(super) fn of_value(
    name: &str,
    key: Option<&'static Key>,
    value: &str,
    message: &str,
) -> Option<(String, String)> {
    let first = value.chars().next()?;
    let written = read(value);
    if matches!(first, ']' | '}' | ')') {
        return Some(("the value is missing".to_owned(), takes(name, key)));
    }
    let title = match first {
        '"' | '\'' => return of_quoted(name, key, value, &written, message),
        _ if value.starts_with("{{") || value.starts_with("<%") || value.starts_with("${") => {
            let help = format!("what stands for {value} belongs here, in quotes: `{name} = \"…\"`");
            return Some(("a template was not filled in".to_owned(), help));
        }
        '{' | '[' | '(' if written.is_closed_twice => "a bracket is closed that was not opened",
        '{' => "this table cannot be read",
        '[' if written.entries.iter().any(has_keys) => "a table has braces",
        '[' => "texts of an array stand in quotes, with commas between them",
        '(' if written.entries.iter().any(has_keys) => "a table has braces",
        '(' => "round brackets enclose nothing here",
        _ => of_bare(key, value, &written),
    };
    if let (Some(key), Some(word)) = (key, written.bare_word())
        && !matches!(word.to_lowercase().as_str(), "null" | "nil" | "~" | "undefined")
        && let Some(help) = of_word(key, word)
    {
        return Some((QUOTES.to_owned(), help));
    }
    if title == EMPTY {
        return Some((EMPTY.to_owned(), format!("leave the line of `{name}` out")));
    }
    Some((title.to_owned(), right(name, key, &written)))
}

/// How a word without quotes is written right where a key has words of its own: one of them, or the one that is meant.
fn of_word(key: &'static Key, word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    match &key.kind {
        KeyKind::Choice(words) | KeyKind::ChoiceOrTable(words, _) if words.contains(&lower.as_str()) => {
            Some(format!("write `{} = {lower:?}`", key.name))
        }
        KeyKind::Choice(_) | KeyKind::ChoiceOrTable(..) => {
            mistyped::of_choice(key, &lower).or_else(|| Some(takes(key.name, Some(key))))
        }
        KeyKind::Threshold => mistyped::of_words(key, &lower),
        _ => None,
    }
}

/// How a value is written right; where that cannot be told, what its key takes.
fn right(name: &str, key: Option<&'static Key>, written: &WrittenValue) -> String {
    let mended = mend::mended(written, key).and_then(|value| mend::line(name, &value));
    let line = match mended {
        Some(line) => line,
        None => return takes(name, key),
    };
    if key
        .is_some_and(|key| matches!(key.kind, KeyKind::TextOrTable(table) if std::ptr::eq(table, &PASSWORD)))
        && !line.contains('{')
    {
        return format!(
            "write `{line}`, or better where it comes from: `{name} = {{ env = \"QA1_PASSWORD\" }}`"
        );
    }
    match &written.comment {
        Some(comment) if !comment.is_empty() => {
            format!("write `{line}`, and a comment behind it as `# {comment}`")
        }
        _ => format!("write `{line}`"),
    }
}

/// What a key takes.
pub(super) fn takes(name: &str, key: Option<&'static Key>) -> String {
    let Some(key) = key else {
        return format!("write `{name} = \"…\"`");
    };
    let expected = key.kind.expected();
    match (key.example(), &key.kind) {
        (Some(example), _) => format!("it takes {expected}: `{name} = {example}`"),
        (None, KeyKind::Choice(words) | KeyKind::ChoiceOrTable(words, _)) => {
            format!(
                "it takes {expected}: `{name} = {:?}`",
                words.first().unwrap_or(&"…")
            )
        }
        (None, KeyKind::Integer { least, most }) => {
            let number = match key.absent {
                Absent::Default(number) => number.to_owned(),
                _ if *most == 65_535 => "5550".to_owned(),
                _ => least.to_string(),
            };
            format!("it takes {expected}, without quotes: `{name} = {number}`")
        }
        (None, KeyKind::Table(table) | KeyKind::Tables(table)) => {
            format!("its keys stand below the heading `{}`", table.heading)
        }
        (None, _) => format!("it takes {expected}: `{name} = \"…\"`"),
    }
}

const EMPTY: &str = "there is no empty value here";
const QUOTES: &str = "a text stands in quotes";

fn has_keys(entry: &WrittenEntry) -> bool {
    let is_keyed = |value: &Written| match value {
        Written::Group { entries, .. } => entries.iter().any(|entry| entry.key.is_some()),
        _ => false,
    };
    entry.key.is_some() || entry.values.iter().any(is_keyed)
}

/// What is wrong with a value that has neither quotes nor brackets.
fn of_bare(key: Option<&Key>, value: &str, written: &WrittenValue) -> &'static str {
    if let [WrittenEntry { key: Some(_), .. }, ..] = written.entries.as_slice() {
        return "a table has braces";
    }
    let bare = written.bare_word().unwrap_or_default().to_lowercase();
    let takes_text = key.is_some_and(|key| !matches!(key.kind, KeyKind::Boolean | KeyKind::Integer { .. }));
    let is_number = |text: &str| {
        let digits: String = text.chars().filter(|c| !",_; ".contains(*c)).collect();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match bare.as_str() {
        "null" | "nil" | "none" | "~" | "undefined" => EMPTY,
        _ if key.is_some_and(|key| matches!(key.kind, KeyKind::Table(_))) => "a table has braces",
        _ if takes_text => QUOTES,
        "yes" | "on" | "true" | "y" => "yes is written `true` here",
        "no" | "off" | "false" | "n" => "no is written `false` here",
        _ => match key.map(|key| &key.kind) {
            Some(KeyKind::Boolean) => "this is neither true nor false",
            Some(KeyKind::Integer { .. }) => "a number has digits alone, and no zero first",
            _ if is_number(value) => "a number has digits alone, and no zero first",
            _ => QUOTES,
        },
    }
}

/// A value with quotes: one is missing, or something stands behind it.
fn of_quoted(
    name: &str,
    key: Option<&'static Key>,
    value: &str,
    written: &WrittenValue,
    message: &str,
) -> Option<(String, String)> {
    let quote = value.chars().next()?;
    let said = |title: &str, help: String| Some((title.to_owned(), help));
    if message.contains("escape") || message.contains("unicode") {
        let inner = value.trim_matches(quote);
        let single = mend::line(name, &format!("'{inner}'")).map_or_else(
            || "write \\\\ for one".to_owned(),
            |line| format!("write `{line}`, in single quotes"),
        );
        let is_of_windows = inner.as_bytes().get(1) == Some(&b':');
        let help = match is_of_windows
            || matches!(key.map(|key| &key.kind), Some(KeyKind::Path | KeyKind::Script))
        {
            true => {
                let path = inner.replace("\\\\", "/").replace('\\', "/");
                let path = match is_of_windows {
                    true => path[2..].to_owned(),
                    false => path,
                };
                match mend::line(name, &mend::text(&path)) {
                    Some(line) => format!("paths of this machine have /: `{line}`"),
                    None => single,
                }
            }
            false => single,
        };
        return said("a backslash begins an escape in double quotes", help);
    }
    if value[1..].find(quote).is_none() {
        let text = value[1..].trim_end_matches(['"', '\'', ';', ',']).trim_end();
        let line = mend::line(name, &mend::text(text)).unwrap_or_default();
        return said("a quote is not closed", format!("write `{line}`"));
    }
    if let Some(text) = with_quotes_in_it(value, quote) {
        let once = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(text) = once.filter(|text| !text.contains(quote)) {
            let line = mend::line(name, &mend::text(text)).unwrap_or_default();
            return said("quotes stand twice", format!("write `{line}`"));
        }
        let line = mend::line(name, &mend::text(text)).unwrap_or_default();
        return said(
            "quotes stand within the quotes",
            format!("write `{line}`: in quotes of the other kind"),
        );
    }
    let help = match written.entries.as_slice() {
        // Another key on the same line.
        [first, rest @ ..] if rest.iter().any(|entry| entry.key.is_some()) => {
            let of = |entry: &WrittenEntry, name: &str| {
                let alone = WrittenValue {
                    entries: vec![WrittenEntry {
                        key: None,
                        values: entry.values.clone(),
                    }],
                    ..WrittenValue::default()
                };
                mend::mended(&alone, None).and_then(|value| mend::line(name, &value))
            };
            let mut lines = vec![of(first, name)];
            lines.extend(rest.iter().map(|entry| of(entry, entry.key.as_deref()?)));
            let lines: Option<Vec<String>> = lines.into_iter().collect();
            match lines {
                Some(lines) => format!("each key has a line of its own: `{}`", lines.join("` and `")),
                None => "each key has a line of its own".to_owned(),
            }
        }
        // Words behind a text are a comment.
        [WrittenEntry { key: None, values }, ..]
            if matches!(values.as_slice(), [Written::Text(_), Written::Word(_), ..]) =>
        {
            let Some(Written::Text(text)) = values.first() else {
                return None;
            };
            let line = mend::line(name, &mend::text(text))?;
            let behind = value[1..].split_once(quote).map_or("", |(_, behind)| behind);
            format!(
                "write `{line}`, or a comment behind it: `# {}`",
                behind.trim_matches([' ', ';', ','])
            )
        }
        _ => {
            let several = key.is_some_and(|key| matches!(key.kind, KeyKind::Patterns));
            match several {
                true => format!("{}, or one text with commas", right(name, key, written)),
                false => right(name, key, written),
            }
        }
    };
    said("something stands behind the value", help)
}

/// The text of `"say "hi" now"`: between its first and its last quote, where something stands
/// right at a quote in the middle.
fn with_quotes_in_it(value: &str, quote: char) -> Option<&str> {
    let value = value.trim_end();
    let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut outside = inner.split(quote).skip(1).step_by(2);
    let is_text = |part: &str| part.starts_with(char::is_alphanumeric) && !part.contains(['=', '#']);
    (inner.contains(quote) && outside.all(is_text)).then_some(inner)
}
