//! What can be read of a plan file that has errors: the tables that have none.
//!
//! A table goes with all that belongs to it, and what remains is checked as a whole file is, by the same
//! rules: nothing is taken that a sound file could not say. Of `[settings]` itself the places of store and
//! history are enough; everything else of it is then as if it had not been written. Where the store has the
//! error, the place of the history is, and that of the store is not known.

use std::ops::Range;

use crate::plan::check::StoreNeed;
use crate::plan::diagnostic::{PlanFindings, Severity};
use crate::plan::include::{Gathered, PlanSource};

/// The table without which nothing can be read.
const SETTINGS: &str = "settings";

/// So often a table is left out because others were: a plan may name a device that is gone.
const MOST_ROUNDS: usize = 10;

/// A table at the top of a file, with those inside it.
struct Block<'t> {
    /// The first key of its header; empty for what stands above all headers.
    name: &'t str,
    range: Range<usize>,
    line: usize,
}

/// What is left out of a table that has an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutOf {
    /// All of it.
    Table,
    /// Where nothing but how a device is trusted is wrong, that alone: for who asks which certificate it has, and sends it
    /// nothing.
    Trust,
}

/// What could be read, and what was left out for it.
pub(super) struct SoundPart<T> {
    pub(super) sound: T,
    /// Each table that was left out, with its line.
    pub(super) left_out: Vec<String>,
}

/// Leaves tables with errors out of the files until they have none, or nothing is left of them.
pub(super) fn sound_part<T>(
    mut gathered: Gathered,
    found: &PlanFindings,
    of: LeftOutOf,
    check: impl Fn(&Gathered) -> Result<T, PlanFindings>,
) -> Option<SoundPart<T>> {
    let mut left_out: Vec<LeftOut> = Vec::new();
    // What is not there cannot be blanked: without it the rest is as if it had not been asked for.
    for finding in std::mem::take(&mut gathered.findings) {
        if finding.severity == Severity::Error {
            let words = format!("what is included there ({})", finding.title);
            left_out.push((finding.span.start, words));
        }
    }
    let mut has_changed = !left_out.is_empty();
    let mut found = found.clone();
    for _ in 0..MOST_ROUNDS {
        if has_changed {
            match check(&gathered) {
                Ok(sound) => {
                    left_out.sort();
                    left_out.dedup();
                    let left_out = left_out.into_iter().map(|(_, words)| words).collect();
                    return Some(SoundPart { sound, left_out });
                }
                Err(again) => found = again,
            }
        }
        has_changed = false;
        for (number, source) in gathered.sources.iter_mut().enumerate() {
            let file = (number > 0).then(|| source.path.display().to_string());
            let places = &["store", "history"];
            if let Some(reduced) =
                without_errors(source, file.as_deref(), (places, of), &found, &mut left_out)
            {
                source.text = reduced;
                has_changed = true;
            }
        }
        if has_changed {
            continue;
        }
        if gathered.store == StoreNeed::LeftOut {
            return None;
        }
        gathered.store = StoreNeed::LeftOut;
        let source = gathered.sources.first_mut()?;
        // Where it is not written at all nothing is to be left out for it.
        if let Some(reduced) = without_errors(source, None, (&["history"], of), &found, &mut left_out) {
            source.text = reduced;
        }
        has_changed = true;
    }
    None
}

/// Where something stood that was left out, counted through all files, and what it was.
type LeftOut = (usize, String);

/// The text of a file without the tables that have errors, but for these places in its settings; `None` where
/// that changes nothing. The plan file itself has no name here.
fn without_errors(
    source: &PlanSource,
    file: Option<&str>,
    (places, of): (&[&str], LeftOutOf),
    found: &PlanFindings,
    left_out: &mut Vec<LeftOut>,
) -> Option<String> {
    let (text, base) = (source.text.as_str(), source.base);
    let blocks = blocks(text);
    let is_settings = |block: &Block<'_>| block.name == SETTINGS && file.is_none();
    let errors_of = |block: &Block<'_>| -> Vec<usize> {
        let errors = found
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        // Of two tables with one name neither is taken. Other places only explain.
        let counted = match is_settings(block) {
            true => 1,
            false => usize::MAX,
        };
        let labels = errors.flat_map(|finding| finding.labels.iter().take(counted));
        let starts = labels.filter_map(|label| label.span.start.checked_sub(base));
        starts.filter(|start| block.range.contains(start)).collect()
    };
    let has_error = |block: &Block<'_>| !errors_of(block).is_empty();
    let is_trust_alone = |block: &Block<'_>| {
        let is_of_trust = |start: &usize| is_place(line_at(text, *start), &["tls"]);
        of == LeftOutOf::Trust
            && matches!(block.name, "device" | "device_defaults")
            && errors_of(block).iter().all(is_of_trust)
    };
    let mut reduced = text.to_owned();
    for block in blocks.iter().filter(|block| has_error(block)) {
        let before = text.get(block.range.clone())?;
        let after: String = before
            .split_inclusive('\n')
            .map(|line| {
                let is_kept = match is_trust_alone(block) {
                    true => !is_place(line, &["tls"]),
                    false => is_settings(block) && is_place(line, places),
                };
                match is_kept {
                    true => line.to_owned(),
                    false => blank(line),
                }
            })
            .collect();
        let after = match is_settings(block) {
            true => after.replacen(&blank("[settings]"), "[settings]", 1),
            false => after,
        };
        let mut words = match block.name {
            "" => format!("line {}", block.line),
            SETTINGS if file.is_none() => {
                let kept: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
                format!(
                    "all but {} of [settings] (line {})",
                    kept.join(" and "),
                    block.line
                )
            }
            name if is_trust_alone(block) => format!("`tls` of [[{name}]] of line {}", block.line),
            name => format!("[[{name}]] of line {}", block.line),
        };
        if let Some(file) = file {
            words.push_str(&format!(" of {file}"));
        }
        let start = base + block.range.start;
        // Of the settings less is left each time.
        left_out.retain(|(other, _)| !is_settings(block) || *other != start);
        left_out.push((start, words));
        // Each character is one again, of one byte: from the end to the beginning nothing moves.
        reduced.replace_range(block.range.clone(), &padded(&after, before.len()));
    }
    (reduced != text).then_some(reduced)
}

/// The line in which this place is.
fn line_at(text: &str, at: usize) -> &str {
    let begin = text
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |end| end + 1);
    text.get(begin..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default()
}

/// A text of so many bytes, for what is blank has fewer where characters had several.
fn padded(text: &str, length: usize) -> String {
    let missing = length.saturating_sub(text.len());
    match text.strip_suffix('\n') {
        Some(line) => format!("{line}{}\n", " ".repeat(missing)),
        None => format!("{text}{}", " ".repeat(missing)),
    }
}

fn blank(line: &str) -> String {
    line.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

/// Whether a line has one of these keys.
fn is_place(line: &str, places: &[&str]) -> bool {
    line.split_once('=')
        .is_some_and(|(key, _)| places.contains(&key.trim()))
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block {
        name: "",
        range: 0..0,
        line: 1,
    }];
    let mut offset = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let end = offset + line.len();
        if let (Some(keys), Some(last)) = (header(line), blocks.last()) {
            let mut keys = keys.split('.').map(str::trim);
            let name = keys.next().unwrap_or_default();
            if keys.next().is_none() || name != last.name {
                blocks.push(Block {
                    name,
                    range: offset..offset,
                    line: number,
                });
            }
        }
        if let Some(last) = blocks.last_mut() {
            last.range.end = end;
        }
        offset = end;
    }
    blocks
}

/// The keys of a line that is a header.
fn header(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line.split_once('#').map_or(line, |(before, _)| before.trim_end());
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let inner = inner
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(inner);
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    inner.chars().all(is_bare).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reaches_to_the_next_one_that_is_not_inside_it() {
        let text = "a = 1\n[settings]\nstore = \"s\"\n[settings.timeouts] # limits\nidle = \"1m\"\n\
                    [[plan]]\n[[plan.activity]]\nx = [\n  \"[y]\",\n]\n[[plan]]\n[notify.email]\n";
        let blocks = blocks(text);
        let found: Vec<(&str, usize)> = blocks.iter().map(|block| (block.name, block.line)).collect();
        assert_eq!(
            found,
            [
                ("", 1),
                ("settings", 2),
                ("plan", 6),
                ("plan", 11),
                ("notify", 12)
            ]
        );
        assert_eq!(&text[blocks[2].range.clone()][..8], "[[plan]]");
        assert_eq!(blocks.last().expect("one").range.end, text.len());
    }

    #[test]
    fn what_is_left_out_keeps_its_length() {
        assert_eq!(padded(&blank("ä = \"é\"\n"), 10), "         \n");
        let is_place = |line| is_place(line, &["history"]);
        assert!(is_place("  history = \"h\"\n") && !is_place("historyx = 1\n") && !is_place("store = \"s\""));
    }
}
