//! The pages that are written from the code, and are as the code is.
//!
//! To write them anew: `UPDATE_DOCS=1 cargo test references`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use dpbackup::cli::Cli;
use dpbackup::exit::Exit;
use dpbackup::plan::keys::file::tables;
use dpbackup::plan::keys::{Absent, Key, KeyKind, Table, words_in_quotes};

use crate::source::{Module, Source};

/// The columns of help on the page, whatever the terminal of whoever writes it.
const WIDTH: usize = 96;

#[test]
fn the_command_line_reference_on_disk_is_the_one_of_the_code() {
    compare("docs/cli.md", &command_line_page());
}

#[test]
fn the_plan_reference_on_disk_is_the_one_of_the_tables() {
    compare("docs/plan-reference.md", &plan_page());
}

#[test]
fn the_page_of_rooms_on_disk_has_the_first_sentence_of_every_file() {
    compare("docs/rooms.md", &page_of_rooms());
}

fn compare(file: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).expect("write the page");
    }
    let on_disk = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        on_disk == page,
        "{file} is out of date: run `UPDATE_DOCS=1 cargo test references`"
    );
}

/// The commands and the exit codes.
fn command_line_page() -> String {
    let mut page = String::from(
        "# Command line reference\n\n\
         Written from `src/cli.rs` and `src/exit.rs`; a test compares. `dpbackup COMMAND --help` prints the same.\n\
         The options of the first block but `--version` go with every command.\n\n\
         Words that other programs have are understood too: `dpbackup status` is `history status`, `dpbackup last` is\n\
         `history last`, `dpbackup list` (or `plans`, `devices`) shows the plans and devices of the plan file,\n\
         `dpbackup version` is `--version`, and `run --dry-run` is `preview`. Others are answered with what to type.\n",
    );
    page.push_str(
        "\nThe script of `dpbackup completions SHELL` asks the program itself at each TAB: plans, devices, spares, tags behind an `@`,\n\
         domains, classes, statuses, `DEVICE/DOMAIN` and the newest IDs are completed by what the plan file (that of `--config`, where the line has one) and the\n\
         history hold. It asks through `DPBACKUP_COMPLETE`, in which the shell is named; nobody is contacted, and nothing is said of\n\
         what is wrong with a file.\n",
    );
    let mut root = Cli::command().after_long_help("").term_width(WIDTH);
    root.build();
    write_command(&mut root, "dpbackup", &mut page);
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::ALL {
        // Writing into a String cannot fail.
        let _ = writeln!(page, "| {} | {meaning} |", exit.code());
    }
    page.push_str(
        "\n`history status` ends as monitoring plug-ins do: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (what is mistyped, too); but 10 where the plan file\n\
         cannot be read and something may still be quiesced.\n\
         Before the first run a list is empty, and ends 0 (`history`, `log`, `prune`, `report`); `find` finds nothing, and ends 1; what asks for\n\
         one execution or one export that is not there ends 2 (`history last`, `diff`, `extract`, `log --blame`).\n\
         `diff` ends 1 where the two differ, `verify` 3 where there is no worse than a warning, or nothing to look at.\n",
    );
    page
}

/// A block for the command, then one for each below it.
fn write_command(command: &mut Command, name: &str, page: &mut String) {
    let help = command.render_long_help().to_string();
    let _ = write!(page, "\n## `{name}`\n\n```text\n");
    for line in help.trim_end().lines() {
        page.push_str(line.trim_end());
        page.push('\n');
    }
    page.push_str("```\n");
    let names: Vec<String> = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set() && below.get_name() != "help")
        .map(|below| below.get_name().to_owned())
        .collect();
    for below in names {
        if let Some(command) = command.find_subcommand_mut(&below) {
            // What goes with every command is shown once.
            *command = std::mem::take(command).term_width(WIDTH).mut_args(|argument| {
                if argument.is_global_set() {
                    argument.hide(true)
                } else {
                    argument
                }
            });
            write_command(command, &format!("{name} {below}"), page);
        }
    }
}

/// The keys of the plan file.
fn plan_page() -> String {
    let mut page = String::from(
        "# Plan file reference\n\n\
         Written from the tables in `src/plan/keys`; a test compares. `plans.example.toml` shows it all in use.\n\n\
         Durations are written with units (`ms`, `s`, `m`, `h`, `d`, `w`, also together: `1h 30m`). Sizes have a\n\
         unit (`B`, `kB`, `MB`, `GB`, `TB` of 1000, `KiB`, `MiB`, `GiB`, `TiB` of 1024); without one they are bytes, and fewer than a\n\
         million are refused, for something else was meant. Relative paths start in the folder of the plan file.\n",
    );
    for table in tables() {
        write_table(table, &mut page);
    }
    page
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
        KeyKind::TextOrTable(table) | KeyKind::OpenTextOrTable(table) => {
            format!("{} or text", table.heading)
        }
        _ => key.kind.expected(),
    }
}

fn absent(key: &Key) -> String {
    match (&key.absent, &key.kind) {
        (Absent::Error, _) => "**required**".to_owned(),
        (Absent::Default(text), KeyKind::Boolean | KeyKind::Integer { .. }) => format!("`{text}`"),
        (Absent::Default(text), _) => format!("`\"{text}\"`"),
        (Absent::Means(words) | Absent::MeansOfAll(words) | Absent::OfOneAction(words), _) => {
            (*words).to_owned()
        }
    }
}

/// Every file of the rooms, and what it says of itself.
fn page_of_rooms() -> String {
    let mut page = String::from(
        "# Rooms\n\n\
         Every file of `src`, with the first sentence of its documentation: which question is answered there. Written from them; a\n\
         test compares. Which room may know which is on the [map](architecture.md).\n",
    );
    let source = Source::read();
    let mut rooms: BTreeMap<&str, Vec<&Module>> = BTreeMap::new();
    for module in source.modules() {
        let room = module.path.first().map_or("lib", String::as_str);
        rooms.entry(room).or_default().push(module);
    }
    let (small, large): (Vec<_>, Vec<_>) = rooms.into_iter().partition(|(_, files)| files.len() == 1);
    let small = small.into_iter().flat_map(|(_, files)| files).collect();
    write_room("Of one file", small, &mut page);
    for (room, files) in large {
        write_room(&format!("`{room}`"), files, &mut page);
    }
    page
}

fn write_room(heading: &str, files: Vec<&Module>, page: &mut String) {
    let _ = write!(page, "\n## {heading}\n\n| file | what it answers |\n|---|---|\n");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for module in files {
        let name = module.file.strip_prefix(&root).expect("below it").display();
        let sentence = first_sentence(&module.file);
        assert!(
            sentence.ends_with('.'),
            "{name} begins with no sentence: {sentence}"
        );
        let _ = writeln!(page, "| `{name}` | {} |", sentence.replace('|', "\\|"));
    }
}

/// What a file says of itself first, without the links that only `cargo doc` can follow.
fn first_sentence(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let documentation = text.lines().map_while(|line| line.strip_prefix("//!"));
    let paragraph: Vec<&str> = documentation
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |stop| stop + 1);
    paragraph[..end].replace("[`", "`").replace("`]", "`")
}
