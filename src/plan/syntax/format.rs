//! Files that are no TOML at all.

use crate::plan::syntax::error::SyntaxError;
use crate::plan::syntax::position::line_at;

/// The error of a file in another format, if it is in one. In a difference no line looks like one of a plan file, so
/// that all of it may be hidden: it is known by what is `written`.
pub(super) fn another(text: &str, written: &str) -> Option<SyntaxError> {
    let start = text.len() - text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
    let first = line_at(text, start);
    let whole = |title: &str, help: &str| {
        Some(SyntaxError {
            span: start..start + first.trim_end().len(),
            title: title.to_owned(),
            label: "a plan file is TOML".to_owned(),
            help: help.to_owned(),
        })
    };
    const LIKE: &str = "tables have brackets, `[settings]` and `[[device]]`, and keys an equals sign, `name = \"QA1\"`; \
                        `dpbackup init -` prints an example";
    if ["{%", "{{", "{#", "<%"]
        .iter()
        .any(|mark| first.starts_with(mark))
    {
        return whole(
            "a template stands in the file that was not filled in",
            "make the file out of it with what knows its language (Ansible, Helm, …), or write the values themselves",
        );
    }
    let has_heads = written.contains("\n+++ ") && written.contains("\n@@ ");
    if let Some((title, help)) = of_another_kind(line_at(written, start), written) {
        return whole(title, help);
    }
    if has_heads || (share_of_lines(written, is_of_a_difference) && written.contains("\n+")) {
        return whole(
            "this is a difference between two files, and not one of them",
            "leave out the first character of each line, and the lines that begin with -, --- or @@",
        );
    }
    if share_of_lines(text, |line| {
        let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < line.trim_start().len() && rest.starts_with([' ', '\t', ':', '|'])
    }) {
        return whole(
            "the lines have their numbers in front",
            "copy the file without them, or take them out: `sed -i 's/^ *[0-9]*[ \\t:|]*//' FILE`",
        );
    }
    if first.starts_with('{') {
        return whole("this file is JSON", LIKE);
    }
    if first.starts_with("```") {
        return whole(
            "a line of Markdown stands in the file",
            "leave out the lines that begin with ```",
        );
    }
    if let Some(at) = marker_of_a_merge(text) {
        return Some(SyntaxError {
            span: at..at + line_at(text, at).len(),
            title: "a merge has left both versions in the file".to_owned(),
            label: "its mark".to_owned(),
            help: "choose one of the two, and leave out the lines of <<<<<<<, ======= and >>>>>>>".to_owned(),
        });
    }
    if first.starts_with('<') {
        return whole("this file is XML", LIKE);
    }
    if first.starts_with("%YAML") || looks_like_yaml(text) {
        return whole("this file is YAML", LIKE);
    }
    if share_of_lines(written, is_of_a_shell) {
        return whole("this file has variables of a shell", LIKE);
    }
    // Of a file of something else each line would be a mistake.
    if share_of_lines(written, |line| {
        !line.contains('=') && !line.trim_start().starts_with('[')
    }) {
        return whole("none of the lines is one of a plan file", LIKE);
    }
    None
}

/// What a file is whose lines tell it, and what to do about it.
fn of_another_kind(first: &str, written: &str) -> Option<(&'static str, &'static str)> {
    const EXAMPLE: &str = "`dpbackup init -` prints an example of a plan file";
    let first = first.trim_end();
    if first.starts_with("-----BEGIN") {
        return Some((
            "this file is a certificate or a key",
            "its path stands in a plan file: `tls = { ca_file = \"ca.pem\" }`; `dpbackup init -` prints an example",
        ));
    }
    if first.starts_with("#!") && !written.contains("[settings]") {
        return Some(("this file is a script", EXAMPLE));
    }
    if written.matches("&quot;").count() > 2 {
        return Some((
            "this text is the source of a page of the web",
            "`sed -i 's/&quot;/\"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\\&/g' FILE` puts the signs back",
        ));
    }
    if all_lines(written, 2, |line| line.starts_with('>')) {
        return Some((
            "each line begins with `>`, as mail quotes what it answers",
            "`sed -i 's/^>* *//' FILE` takes that out",
        ));
    }
    if all_lines(written, 1, is_of_a_crontab) {
        return Some(("this file is a table of cron", EXAMPLE));
    }
    let is_statement = |line: &str| line.trim_start().starts_with('$') && line.contains('=');
    if written.lines().any(is_statement) && !written.lines().any(|line| line.starts_with('[')) {
        return Some(("this file is a program", EXAMPLE));
    }
    let commas = first.matches([',', ';', '\t']).count();
    let is_row = |line: &str| !line.contains('=') && line.matches([',', ';', '\t']).count() == commas;
    if commas > 0 && !first.starts_with(['[', '{', '"']) && all_lines(written, 2, is_row) {
        return Some((
            "this file is a table of columns",
            "examples/inventory/from_csv.py makes [[device]] tables of it, for a plan file to include",
        ));
    }
    None
}

/// Whether a line is a comment, or says when something starts.
fn is_of_a_crontab(line: &str) -> bool {
    let is_time =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || "*/,-".contains(c));
    let mut words = line.split_whitespace();
    line.starts_with('#')
        || line.starts_with("@daily ")
        || (words.by_ref().take(5).filter(|word| is_time(word)).count() == 5 && words.next().is_some())
}

/// Whether a line is one of a difference, as `diff -u` and git show it.
fn is_of_a_difference(line: &str) -> bool {
    line.starts_with(['+', '-', ' ', '@'])
}

/// Whether a line is a comment, or sets a variable.
fn is_of_a_shell(line: &str) -> bool {
    let line = line.trim_start();
    let is_name = |name: &str| {
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        !name.is_empty() && name.bytes().all(is_letter)
    };
    let pair = line.strip_prefix("export ").unwrap_or(line).split_once('=');
    line.starts_with('#') || pair.is_some_and(|(name, _)| is_name(name))
}

/// Whether all lines but for empty ones are such, and there are some.
fn share_of_lines(text: &str, is_such: impl Fn(&str) -> bool) -> bool {
    all_lines(text, 4, is_such)
}

/// The same of a kind that fewer lines tell.
fn all_lines(text: &str, least: usize, is_such: impl Fn(&str) -> bool) -> bool {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    lines().count() >= least && lines().all(is_such)
}

fn marker_of_a_merge(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Two lines of a key with a colon behind it, or more, and fewer with an equals sign.
fn looks_like_yaml(text: &str) -> bool {
    let is_key = |key: &str| {
        let key = key.trim().trim_start_matches("- ").trim();
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let (mut colons, mut equals) = (0, 0);
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let by_colon = line.split_once(':').is_some_and(|(key, rest)| {
            is_key(key) && (rest.is_empty() || rest.starts_with(char::is_whitespace))
        });
        if by_colon {
            colons += 1;
        } else if line.contains('=') {
            equals += 1;
        }
    }
    colons >= 2 && colons > equals
}
