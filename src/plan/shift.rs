//! A tree whose places begin somewhere else.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The tree of a file whose text begins at `by`.
pub(super) fn shifted<'i>(root: Spanned<DeTable<'i>>, by: usize) -> Spanned<DeTable<'i>> {
    if by == 0 {
        return root;
    }
    Spanned::new(moved(root.span(), by), table(root.into_inner(), by))
}

fn table(entries: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = entries.into_iter().map(|(key, entry)| {
        let span = moved(key.span(), by);
        (Spanned::new(span, key.into_inner()), value(entry, by))
    });
    entries.collect()
}

fn value(value_at: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved(value_at.span(), by);
    let inner = match value_at.into_inner() {
        DeValue::Table(entries) => DeValue::Table(table(entries, by)),
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(|item| value(item, by)).collect()),
        other => other,
    };
    Spanned::new(span, inner)
}

fn moved(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::shifted;

    #[test]
    fn every_place_of_a_tree_is_moved_and_nothing_else() {
        let text = "a = 1\n[[b]]\nc = [{ d = \"x\" }, 2]\n";
        let padded = format!("#{}\n{text}", "-".repeat(20));
        let (here, _) = DeTable::parse_recoverable(text);
        let (there, _) = DeTable::parse_recoverable(&padded);
        let by = padded.len() - text.len();
        let shown = |root: &toml::Spanned<DeTable<'_>>| format!("{:?}", root.get_ref());
        assert_eq!(shown(&shifted(here.clone(), by)), shown(&there));
        assert_eq!(shown(&shifted(here.clone(), 0)), shown(&here));
    }
}
