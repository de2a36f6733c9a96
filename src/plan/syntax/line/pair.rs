//! A line with an equals sign: its key, and what stands behind it.

use std::ops::Range;

use crate::plan::syntax::line::shape::{LINES, is_dotted, quoted};
use crate::plan::syntax::line::{BrokenLine, Intent};
use crate::plan::syntax::mend;
use crate::plan::syntax::position::table_of;
use crate::plan::syntax::value::{of_value, takes};
use crate::plan::syntax::written::read;
use crate::values::nearest::nearest;

/// Words with which a variable is set elsewhere.
const SETTERS: [&str; 8] = [
    "export ", "set ", "let ", "var ", "const ", "local ", "declare ", "setenv ",
];

impl BrokenLine<'_> {
    /// A key and what stands behind its equals sign.
    pub(super) fn of_pair(&self, key: &str, value: &str, message: &str) -> Option<Intent> {
        let line = self.line;
        let start = line.len() - line.trim_start().len();
        let whole = start..start + line.trim().len();
        let of = |title: &str, part: Range<usize>, help: String| {
            Some(Intent {
                title: title.to_owned(),
                part,
                help,
            })
        };
        let of_key = start..start + key.len();
        let whole_line = |key: &str, value: &str| {
            let value = value.trim_start_matches(['=', '>', ' ']);
            match mend::mended(&read(value), self.key(key)).and_then(|value| mend::line(key, &value)) {
                Some(line) => format!("write `{line}`"),
                None => takes(key, self.key(key)),
            }
        };
        if let Some(bare) = SETTERS.iter().find_map(|word| key.strip_prefix(word)) {
            return of(
                "no word stands before a key",
                of_key,
                whole_line(bare.trim(), value),
            );
        }
        if let Some(bare) = key.strip_prefix(['$', '@', '%', ':', '.', '-', '&']) {
            return of(
                "no sign stands before a key",
                of_key,
                whole_line(bare.trim(), value),
            );
        }
        if let Some(bare) = key.strip_suffix([':', '+', '?', '.', '-', '~', '!', '<', '|']) {
            return of(
                "one equals sign is enough",
                whole,
                whole_line(bare.trim_end(), value),
            );
        }
        if value.starts_with(['=', '>']) {
            return of("one equals sign is enough", whole, whole_line(key, value));
        }
        if key.is_empty() {
            let help = match value {
                "" => "leave this line out, or write a key and its value: `name = \"QA1\"`".to_owned(),
                value => format!("write it before the equals sign: `name = {}`", quoted(value)),
            };
            return of("the key is missing", whole, help);
        }
        if message.contains("dotted key") {
            let table = key.split('.').next().unwrap_or_default();
            let help =
                format!("`{table}` has a value already, and no keys below it: leave one of the two out");
            return of("a key stands below a value", of_key, help);
        }
        if !is_dotted(key) {
            return of(
                "a key has letters from a to z, digits, `_` and `-`",
                of_key,
                self.instead_of(key, value),
            );
        }
        if value.is_empty() || value.starts_with('#') {
            let after = line.find('=').map_or(whole.end, |at| at + 1);
            return of(
                "a key needs a value",
                whole.start..after,
                format!("{}; or leave the line out", takes(key, self.key(key))),
            );
        }
        let part = line.rfind(value).map_or(whole, |at| at..at + value.len());
        let (title, help) = of_value(key, self.key(key), value, message)?;
        Some(Intent { title, part, help })
    }

    /// The line with the key that is meant by one that is none.
    fn instead_of(&self, key: &str, value: &str) -> String {
        let joined: String = key
            .trim_matches(['"', '\''])
            .chars()
            .map(|c| if c.is_whitespace() || c == '/' { '_' } else { c })
            .collect();
        let Some(table) = table_of(self.text, self.begin) else {
            return LINES.to_owned();
        };
        match nearest(&joined, table.names()) {
            Some(near) => format!("did you mean `{near} = {}`?", quoted(value)),
            None => {
                let known: Vec<&str> = table.names().collect();
                format!("the keys of {} are: {}", table.heading, known.join(", "))
            }
        }
    }
}
