//! `docs/plan-reference.md`, written from the tables of keys.

use std::fmt::Write;

use crate::plan::keys::tables::FILE;
use crate::plan::keys::{Absent, Key, KeyKind, Table, words_in_quotes};

/// The text of the page.
pub fn page() -> String {
    let mut page = String::from(
        "# Plan file reference\n\n\
         Written from the tables in `src/plan/keys/tables.rs`; a test compares. `plans.example.toml` shows it all in use.\n\n\
         Durations are written with units (`ms`, `s`, `m`, `h`, `d`, `w`, also together: `1h 30m`). Sizes are bytes, or\n\
         have a unit (`kB`, `MB`, `GB`, `TB` of 1000, `KiB`, `MiB`, `GiB`, `TiB` of 1024). Relative paths start in the\n\
         folder of the plan file.\n",
    );
    for table in tables() {
        write_table(table, &mut page);
    }
    page
}

/// Every table once, in the order of the page.
pub fn tables() -> Vec<&'static Table> {
    let mut found = vec![&FILE];
    let mut next = 0;
    while let Some(table) = found.get(next).copied() {
        next += 1;
        for inner in table.keys.iter().filter_map(|key| key.kind.table()) {
            if !found.iter().any(|known| std::ptr::eq(*known, inner)) {
                found.push(inner);
            }
        }
    }
    found
}

fn write_table(table: &Table, page: &mut String) {
    let mut heading = table.heading.to_owned();
    if heading.starts_with('[') {
        heading = format!("`{heading}`");
    } else if let Some(first) = heading.get(..1) {
        heading = first.to_uppercase() + &heading[1..];
    }
    // Writing into a String cannot fail.
    let _ = write!(page, "\n## {heading}\n\n{}\n\n", table.meaning);
    page.push_str("| key | value | where it is absent | meaning |\n|---|---|---|---|\n");
    for key in table.keys {
        let row = [value(key), absent(key), key.meaning.to_owned()].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(page, "| `{}` | {} |", key.name, row.join(" | "));
    }
}

fn value(key: &Key) -> String {
    match key.kind {
        KeyKind::Table(table) | KeyKind::Tables(table) if table.heading.starts_with('[') => {
            format!("`{}`", table.heading)
        }
        KeyKind::Table(table) => table.heading.to_owned(),
        KeyKind::ChoiceOrTable(words, table) => {
            format!("{} or {}", words_in_quotes(words), table.heading)
        }
        KeyKind::TextOrTable(table) => format!("{} or text", table.heading),
        _ => key.kind.expected(),
    }
}

fn absent(key: &Key) -> String {
    match (&key.absent, &key.kind) {
        (Absent::Error, _) => "**required**".to_owned(),
        (Absent::Default(text), KeyKind::Boolean | KeyKind::Integer { .. }) => format!("`{text}`"),
        (Absent::Default(text), _) => format!("`\"{text}\"`"),
        (Absent::Means(words), _) => (*words).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::page;
    use std::path::Path;

    /// To write the page anew: `UPDATE_DOCS=1 cargo test plan_reference`.
    #[test]
    fn the_plan_reference_on_disk_is_the_one_of_the_tables() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan-reference.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).expect("write the page");
        }
        let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            on_disk == page(),
            "out of date: run `UPDATE_DOCS=1 cargo test plan_reference`"
        );
    }
}
