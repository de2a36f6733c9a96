//! A value as somebody wrote it who writes other formats: brackets of any kind, signs of any
//! kind, quotes or none. Nothing is refused here; what it means is for `mend` to say.

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// In quotes of some kind, without them.
    Text(String),
    /// Without quotes.
    Word(String),
    /// What stands in brackets.
    Group {
        /// The bracket that begins it.
        opened: char,
        /// What stands between commas.
        entries: Vec<WrittenEntry>,
    },
}

/// What stands between two commas: values, perhaps with a key before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WrittenEntry {
    pub(super) key: Option<String>,
    pub(super) values: Vec<Written>,
}

/// What stands behind an equals sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WrittenValue {
    pub(super) entries: Vec<WrittenEntry>,
    /// A comment behind it that begins with the sign of another language.
    pub(super) comment: Option<String>,
    /// Whether a bracket is closed that was not opened.
    pub(super) is_closed_twice: bool,
}

impl WrittenValue {
    /// The word that it is, where it is one without quotes and brackets.
    pub(super) fn bare_word(&self) -> Option<&str> {
        match self.entries.as_slice() {
            [WrittenEntry { key: None, values }] => match values.as_slice() {
                [Written::Word(word)] => Some(word),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Reads what stands behind an equals sign.
pub(super) fn read(text: &str) -> WrittenValue {
    let mut reader = Reader {
        text,
        at: 0,
        comment: None,
        is_closed_twice: false,
    };
    let entries = reader.entries(0);
    WrittenValue {
        entries,
        comment: reader.comment,
        is_closed_twice: reader.is_closed_twice,
    }
}

/// Deeper brackets are not read: nothing in a plan file stands in so many.
const DEEPEST: usize = 8;

struct Reader<'t> {
    text: &'t str,
    at: usize,
    comment: Option<String>,
    is_closed_twice: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What stands between commas, to the end of the brackets.
    fn entries(&mut self, depth: usize) -> Vec<WrittenEntry> {
        let mut done: Vec<WrittenEntry> = Vec::new();
        let mut open = WrittenEntry::default();
        loop {
            let blanks = self.rest().len() - self.rest().trim_start().len();
            self.at += blanks;
            let Some(next) = self.rest().chars().next() else {
                break;
            };
            let is_apart = blanks > 0 || self.at == 0;
            if let Some((sign, comment)) = comment(self.rest(), is_apart) {
                self.comment = (sign != "#").then(|| comment.trim().to_owned());
                self.at = self.text.len();
                break;
            }
            match next {
                ']' | '}' | ')' => {
                    self.at += 1;
                    if depth > 0 {
                        break;
                    }
                    self.is_closed_twice = true;
                }
                ',' | ';' => {
                    self.at += 1;
                    done.extend(
                        Some(std::mem::take(&mut open)).filter(|entry| *entry != WrittenEntry::default()),
                    );
                }
                '=' | ':' => {
                    self.at += self.rest().len() - self.rest().trim_start_matches(['=', ':', '>']).len();
                    become_key(&mut open, &mut done);
                }
                '[' | '{' | '(' if depth < DEEPEST => {
                    self.at += 1;
                    let entries = self.entries(depth + 1);
                    open.values.push(Written::Group {
                        opened: next,
                        entries,
                    });
                }
                '"' | '\'' | '`' => {
                    let text = self.quoted(next);
                    open.values.push(Written::Text(text));
                }
                _ => {
                    let has_key = open.key.is_some();
                    let word = self.word(depth > 0 && !has_key);
                    // `f"text"` is a text in other languages.
                    let is_prefix = matches!(word.as_str(), "f" | "r" | "b" | "u" | "L" | "@" | "$");
                    match self.rest().starts_with('"') && is_prefix {
                        true => {
                            let text = self.quoted('"');
                            open.values.push(Written::Text(text));
                        }
                        false => open.values.push(Written::Word(word)),
                    }
                }
            }
        }
        done.extend(Some(open).filter(|entry| *entry != WrittenEntry::default()));
        done
    }

    /// What stands in quotes; to the end of the line where they are not closed.
    fn quoted(&mut self, quote: char) -> String {
        let rest = self.rest();
        let mark: String = std::iter::repeat_n(quote, 3).collect();
        let mark = if rest.starts_with(&mark) {
            mark
        } else {
            quote.to_string()
        };
        let inner = &rest[mark.len()..];
        let (text, length) = match inner.find(&mark) {
            Some(end) => (&inner[..end], end + mark.len()),
            None => (inner, inner.len()),
        };
        let (text, length) = (text.to_owned(), mark.len() + length);
        self.at += length;
        text
    }

    /// What stands without quotes. `before_colon` is whether a colon may end it, as in YAML.
    fn word(&mut self, before_colon: bool) -> String {
        let rest = self.rest();
        let mut nested = 0_u32;
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            let is_end = match c {
                '(' | '[' | '{' => {
                    nested += 1;
                    false
                }
                ')' | ']' | '}' if nested > 0 => {
                    nested -= 1;
                    false
                }
                ')' | ']' | '}' | ',' | ';' | '"' | '=' => nested == 0,
                ':' => {
                    let behind = rest[at + 1..].chars().next();
                    let is_key = at > 0
                        && rest[..at].chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                        && rest.starts_with(|c: char| c.is_ascii_alphabetic());
                    let is_sign = behind.is_none_or(|c| c.is_whitespace() || "\"'=".contains(c));
                    nested == 0
                        && is_key
                        && (is_sign || (before_colon && behind != Some('/') && behind != Some('\\')))
                }
                c => c.is_whitespace() && nested == 0,
            };
            if is_end && at > 0 {
                end = at;
                break;
            }
        }
        let word = rest[..end].to_owned();
        self.at += end;
        word
    }
}

/// The last value before an equals sign is the key of what follows.
fn become_key(open: &mut WrittenEntry, done: &mut Vec<WrittenEntry>) {
    let Some(Written::Word(key) | Written::Text(key)) = open.values.pop() else {
        return;
    };
    let is_of_the_same = open.values.is_empty() && open.key.is_none();
    let before = std::mem::take(open);
    if !is_of_the_same {
        done.push(before);
    }
    open.key = Some(key);
}

/// A comment, in the sign of any language, behind that sign.
fn comment(rest: &str, is_apart: bool) -> Option<(&'static str, &str)> {
    let mut signs = ["#", "//", "/*", "-- ", "<!--"].into_iter();
    let sign = signs.find(|sign| rest.starts_with(sign) && is_apart)?;
    Some((
        sign,
        rest[sign.len()..].trim_end_matches("*/").trim_end_matches("-->"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entries: &[WrittenEntry]) -> String {
        let values = |values: &[Written]| -> String {
            let shown: Vec<String> = values
                .iter()
                .map(|value| match value {
                    Written::Text(text) => format!("<{text}>"),
                    Written::Word(word) => word.clone(),
                    Written::Group { opened, entries } => format!("{opened}{}", self::shown(entries)),
                })
                .collect();
            shown.join(" ")
        };
        let shown: Vec<String> = entries
            .iter()
            .map(|entry| match &entry.key {
                Some(key) => format!("{key}={}", values(&entry.values)),
                None => values(&entry.values),
            })
            .collect();
        shown.join("|")
    }

    #[test]
    fn the_signs_of_other_languages_are_read_as_what_they_mean() {
        for (text, meant) in [
            ("[\"QA1\"; \"QA2\"]", "[<QA1>|<QA2>"),
            ("(\"QA1\",\"QA2\")", "(<QA1>|<QA2>"),
            ("verify = false", "verify=false"),
            ("{ verify false }", "{verify false"),
            ("{ verify: false; a: \"b\" }", "{verify=false|a=<b>"),
            ("{ start: 21:30 }", "{start=21:30"),
            ("{a:1}", "{a=1"),
            ("{a=1 b=2}", "{a=1|b=2"),
            ("{ \"url\": \"https://x/y\" }", "{url=<https://x/y>"),
            ("https://x/y", "https://x/y"),
            ("[https://x/y, b]", "[https://x/y|b"),
            ("\"N\", enabled=true", "<N>|enabled=true"),
            ("\"N\" enabled = true", "<N>|enabled=true"),
            ("`/a`", "</a>"),
            ("f\"/a\"", "</a>"),
            ("$(x) y", "$(x) y"),
            ("env(\"QA1\")", "env(\"QA1\")"),
            ("5550/tcp", "5550/tcp"),
            ("\"x\" // the plan", "<x>"),
            ("\"x\" -- the plan", "<x>"),
            ("", ""),
        ] {
            assert_eq!(shown(&read(text).entries), meant, "{text}");
        }
    }

    #[test]
    fn a_comment_and_a_bracket_too_many_are_told_apart_from_the_value() {
        assert_eq!(read("\"x\" ; // why").comment.as_deref(), Some("why"));
        assert_eq!(read("https://x -- why").comment.as_deref(), Some("why"));
        assert_eq!(read("/backup # why").comment, None, "it is one here too");
        assert!(read("{ a = 1 }}").is_closed_twice);
        assert!(!read("{ a = 1 }").is_closed_twice);
        assert_eq!(shown(&read(&"[".repeat(100)).entries).len(), 9 + 92 - 1);
    }
}
