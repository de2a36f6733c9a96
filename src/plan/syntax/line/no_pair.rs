//! A line that is neither a heading nor has an equals sign.

use crate::plan::syntax::line::BrokenLine;
use crate::plan::syntax::line::heading::heading;
use crate::plan::syntax::line::shape::{LINES, is_key, quoted};
use crate::plan::syntax::mend;
use crate::plan::syntax::value::takes;
use crate::plan::syntax::written::read;

impl BrokenLine<'_> {
    /// A line that is neither a heading nor has an equals sign.
    pub(super) fn without_equals(&self, line: &str) -> (&'static str, String) {
        let bare = line.trim_end_matches([';', ',']);
        if let Some((key, value)) = bare.split_once(':') {
            let (name, value) = (key.trim().trim_matches(['"', '\'']), value.trim());
            if is_key(name) {
                return self.with_colon(name, value);
            }
        }
        if let Some(name) = bare.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            let help = match heading(name.trim_end_matches(['/', ' '])) {
                Some(heading) => format!("write `{heading}`"),
                None if name.starts_with('/') => "leave this line out".to_owned(),
                None => LINES.to_owned(),
            };
            return ("this is a line of XML", help);
        }
        if bare.starts_with(['"', '\'', '`'])
            && read(bare).entries.iter().all(|entry| entry.values.len() == 1)
        {
            let text = bare.trim_matches(['"', '\'', '`', ',']);
            return (
                "a text stands alone",
                format!(
                    "write its key before it, `name = {}`, or a comment: `# {text}`",
                    mend::text(text)
                ),
            );
        }
        let (key, value) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
        let value = value.trim();
        if matches!(
            key,
            "include" | "import" | "source" | "require" | "!include" | "#include" | "." | "@import"
        ) {
            let path = value.trim_matches(['"', '\'', '<', '>', ';']);
            return (
                "other files are included by a key",
                format!(
                    "write `include = [{}]`, above the first [table] of the file",
                    mend::text(path)
                ),
            );
        }
        let value = value.trim_start_matches(['-', '<', '~', '|', '>', ' ']).trim();
        let key = key.trim_matches(['"', '\'']);
        match (is_key(key), value) {
            (true, "") => (
                "a key needs a value",
                match (heading(key), self.key(key)) {
                    (Some(heading), _) => format!("a heading stands in brackets: `{heading}`"),
                    (None, Some(known)) => takes(key, Some(known)),
                    (None, None) => format!("write `{key} = …`, or a comment: `# {key}`"),
                },
            ),
            (true, value) if self.key(key).is_some() => (
                "an equals sign is missing",
                match mend::mended(&read(value), self.key(key)).and_then(|value| mend::line(key, &value)) {
                    Some(line) => format!("write `{line}`"),
                    None => takes(key, self.key(key)),
                },
            ),
            (true, value) => (
                "an equals sign is missing",
                match heading(key) {
                    Some(heading) => format!(
                        "write `{heading}`, and below it its name: `name = {}`",
                        quoted(value)
                    ),
                    None => format!("write `{key} = {}`, or a comment: `# {line}`", quoted(value)),
                },
            ),
            (false, _) => (
                "this cannot be read",
                format!("write a comment, `# {line}`; {LINES}"),
            ),
        }
    }

    /// `key: value`
    fn with_colon(&self, key: &str, value: &str) -> (&'static str, String) {
        match value {
            "" => (
                "a key has an equals sign and a value",
                match (heading(key), self.key(key)) {
                    (Some(heading), _) => format!("write `{heading}`"),
                    (None, Some(known)) => takes(key, Some(known)),
                    (None, None) => format!("write `{key} = …`, or a heading such as `[settings]`"),
                },
            ),
            value => (
                "a key has an equals sign behind it, and no colon",
                match mend::mended(&read(value), self.key(key)).and_then(|value| mend::line(key, &value)) {
                    Some(line) => format!("write `{line}`"),
                    None => takes(key, self.key(key)),
                },
            ),
        }
    }
}
