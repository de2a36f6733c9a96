//! Secrets in a text as a person reads it, whether it can be parsed or not: where their keys are.

use std::ops::Range;

use crate::plan::mask::value::{ValuePlace, secrets_of_value};
use crate::plan::mask::word::{is_form, is_secret};

/// Where secrets stand. In a text that has no line of a plan file everything is one.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    if !text.lines().any(is_of_a_plan_file) {
        return with_places(text)
            .filter(|(_, line)| !line.trim_start().starts_with(['<', '`', '-', '#', '{', '}']))
            .map(|(begin, line)| begin..begin + line.len())
            .collect();
    }
    let headings = Headings::of(text);
    let mut found = without_sign(text, &headings);
    found.extend(logins(text));
    found.extend(web_paths(text));
    let mut from = 0;
    while let Some(mark) = text[from..].find(['=', ':', '"', '\'']).map(|at| from + at) {
        from = mark + 1;
        let before = end_of(&text[..mark]);
        let has_sign = text[mark..].starts_with(['=', ':']);
        let is_below_secret = headings.is_secret_at(mark);
        let is_of_secret = match has_sign {
            true => is_secret_key(before, is_below_secret),
            false => is_secret_without_sign(before, is_below_secret),
        };
        if is_of_secret {
            let value = if has_sign { mark + 1 } else { mark };
            from = secrets_of_value(text, value, ValuePlace::behind(before), &mut found).max(from);
        }
    }
    found
}

/// The lines of a text, each with the place at which it begins.
fn with_places(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut begin = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = begin;
        begin += line.len();
        (at, line.trim_end_matches(['\n', '\r']))
    })
}

/// Whether a line could stand in a plan file, or in the same facts written as YAML or JSON: a
/// heading, or a key with a value.
fn is_of_a_plan_file(line: &str) -> bool {
    let line = line.trim();
    let is_key = |key: &str| {
        let key = key.trim_matches(|c: char| " \t\"'-{[".contains(c));
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || is_of_key(c))
    };
    line.starts_with('[')
        || line
            .split_once(['=', ':'])
            .is_some_and(|(key, value)| is_key(key) && !value.trim_matches(['=', ' ']).is_empty())
        || line.strip_suffix(':').is_some_and(is_key)
}

/// What may stand in a key, also in one with dots, beside letters and digits.
fn is_of_key(c: char) -> bool {
    "_-.\"' \t".contains(c)
}

/// The last 256 bytes or so: keys are shorter, and the time must not grow with the line.
fn end_of(text: &str) -> &str {
    let start = text.len().saturating_sub(256);
    (start..=text.len())
        .find_map(|start| text.get(start..))
        .unwrap_or_default()
}

/// The first 256 bytes, for the same reason.
fn start_of(text: &str) -> &str {
    let end = text.len().min(256);
    (0..=end)
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
}

/// Where the headings begin, and whether what stands below each is a secret: `[device.password]`.
struct Headings(Vec<(usize, bool)>);

impl Headings {
    fn of(text: &str) -> Self {
        let headings = with_places(text).filter(|(_, line)| is_heading(line));
        let is_of_secret = |line: &str| {
            let name = start_of(line)
                .split([']', '=', '#'])
                .find(|part| !part.trim().is_empty());
            let mut parts = name.unwrap_or_default().split('.');
            parts.any(|part| is_secret(part.trim_matches(['[', ' ', '\t', '"', '\''])))
        };
        Self(
            headings
                .map(|(begin, line)| (begin, is_of_secret(line)))
                .collect(),
        )
    }

    fn is_secret_at(&self, place: usize) -> bool {
        let above = self.0.partition_point(|(begin, _)| *begin <= place);
        above
            .checked_sub(1)
            .is_some_and(|above| self.0.get(above).is_some_and(|(_, is_secret)| *is_secret))
    }
}

fn is_heading(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Whether the key that ends `before` is one of a password: `password`, `"pasword"`,
/// `device.password.text`.
fn is_secret_key(before: &str, is_below_secret: bool) -> bool {
    let is_of_key = |c: char| c.is_alphanumeric() || is_of_key(c);
    let dotted = before.rsplit(|c| !is_of_key(c)).next().unwrap_or_default();
    let mut parts = dotted
        .split('.')
        .map(|part| part.trim_matches(['"', '\'', ' ', '\t']));
    let last = parts.clone().next_back().unwrap_or_default();
    (is_below_secret || parts.any(is_secret)) && !is_form(last)
}

/// Whether a line begins with the key of a password, and goes on without `=`; or stands where
/// nothing but a password can.
fn is_secret_without_sign(before: &str, is_below_secret: bool) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = line.trim_matches([' ', '\t']);
    (is_below_secret && key.is_empty())
        || (key.len() < line.len()
            && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c))
            && is_secret(key))
}

/// Passwords in addresses, whatever their key is: `smb://user:hunter2@nas/share`.
fn logins(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let before = end_of(&text[..at]);
        let login = before
            .rsplit(['"', '\'', ' ', '\t', '\n'])
            .next()
            .unwrap_or_default();
        let user = login.split_once("://").map_or(login, |(_, user)| user);
        let (_, password) = user.split_once(':')?;
        Some(at - password.len()..at)
    })
}

/// What stands behind the host of a web address, whatever its key is: the token of a webhook does.
fn web_paths(text: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("://")) {
        let host = at + found + "://".len();
        let is_web = ["http", "https"]
            .iter()
            .any(|scheme| text[..host - 3].ends_with(scheme));
        let end = text[host..].find(['"', '\'', '`', ' ', '\t', '\r', '\n']);
        let end = end.map_or(text.len(), |end| host + end);
        if let Some(path) = text[host..end].find(['/', '?', '#']).filter(|_| is_web)
            && host + path + 1 < end
        {
            hidden.push(host + path + 1..end);
        }
        at = end;
    }
    hidden
}

/// What has no sign before it: what stands behind the name of a secret, `set password hunter2`, and
/// what stands alone below the heading of one.
fn without_sign(text: &str, headings: &Headings) -> Vec<Range<usize>> {
    let hidden = |(begin, line): (usize, &str)| {
        let start = match behind_words(line) {
            Some(start) => start,
            None if headings.is_secret_at(begin) && !is_heading(line) && !line.contains(['=', ':', '#']) => 0,
            None => return None,
        };
        Some(begin + start..begin + line.len())
    };
    with_places(text).filter_map(hidden).collect()
}

/// Where something begins that follows the name of a secret with nothing but words before it.
fn behind_words(line: &str) -> Option<usize> {
    let mut at = line.len() - line.trim_start_matches([' ', '\t', '#', '-']).len();
    loop {
        let rest = line.get(at..)?;
        let word = start_of(rest).split([' ', '\t']).next().unwrap_or_default();
        let bare = word.trim_matches(['"', '\'']);
        if bare.is_empty() || !bare.chars().all(|c| c.is_alphanumeric() || "_-".contains(c)) {
            return None;
        }
        let behind = rest.get(word.len()..)?.trim_start_matches([' ', '\t']);
        let next = line.len() - behind.len();
        if next == at + word.len() || next > 256 {
            return None;
        }
        if is_secret(bare) {
            return (!behind.is_empty() && !behind.starts_with(['=', ':'])).then_some(next);
        }
        at = next;
    }
}
