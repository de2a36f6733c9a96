//! The page that is searched for the words on the screen has them: each message of the source
//! about a device, and each status that is no success.

use std::fs;
use std::path::{Path, PathBuf};

use dpbackup::run::status::{Class, Status};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::shipped;

/// Where messages about devices are made.
const ROOMS: [&str; 10] = [
    "src/soma",
    "src/gateway",
    "src/run/contact.rs",
    "src/run/expand.rs",
    "src/run/task.rs",
    "src/run/task",
    "src/run/undo.rs",
    "src/run/store.rs",
    "src/artifact/recheck.rs",
    "src/secret.rs",
];

/// What is printed when somebody has no time to guess. None of it stands where the others are found.
const GRAVEST: [&str; 12] = [
    "STILL QUIESCED",
    "MAY BE QUIESCED",
    "left by a run that is over",
    "was left quiesced",
    "this does not look like the XML Management Interface",
    "the account lacks a right for this",
    "what was read as the password begins or ends with a blank",
    "an empty first line",
    "its bytes cannot be unpacked",
    "keys that the backup lists and does not hold",
    "the certificate has expired",
    "already, and not by this task",
];

#[test]
fn every_message_about_a_device_is_found_on_the_page_by_its_words() {
    let page = page();
    let mut looked_up = 0;
    let mut missing = Vec::new();
    for file in ROOMS.iter().flat_map(|room| files(room)) {
        let text = fs::read_to_string(&file).expect("a source file");
        let tokens: TokenStream = shipped(&text).parse().expect("Rust");
        let mut messages = Vec::new();
        collect(tokens, &mut messages);
        for words in messages.iter().filter_map(|message| fixed_words(message)) {
            looked_up += 1;
            if !page.contains(&words) {
                missing.push(format!("{}: {words:?}", file.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/troubleshooting.md has no\n{}",
        missing.join("\n")
    );
    assert!(looked_up > 60, "messages are found at all: {looked_up}");
}

#[test]
fn what_is_printed_at_the_gravest_moments_is_found_on_the_page_by_its_words() {
    let page = page();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let source = all_of(&source);
    for words in GRAVEST {
        assert!(page.contains(words), "docs/troubleshooting.md has no {words:?}");
        assert!(source.contains(words), "nothing says {words:?} any more");
    }
}

/// The text of all files below a folder.
fn all_of(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let texts = paths.map(|path| match path.is_dir() {
        true => all_of(&path),
        false => fs::read_to_string(&path).expect("text"),
    });
    texts.collect()
}

#[test]
fn every_status_that_is_no_success_is_on_the_page() {
    let page = page();
    for (_, code, class) in Status::ALL {
        if !matches!(class, Class::Interim | Class::Success) {
            assert!(page.contains(&format!("`{code}`")), "{code}");
        }
    }
}

#[test]
fn words_are_looked_up_without_what_differs_from_time_to_time() {
    for (message, words) in [
        (
            "{device}: {scope} was not quiesced within {limit}: {last}",
            "was not quiesced within",
        ),
        ("CA file {}: {what}", "CA file"),
        ("the device answered: {}", "the device answered"),
    ] {
        assert_eq!(fixed_words(message).as_deref(), Some(words));
    }
    assert_eq!(fixed_words("{}: {}"), None);
}

fn page() -> String {
    let page = include_str!("../../docs/troubleshooting.md");
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn files(room: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(room);
    if path.is_file() {
        return vec![path];
    }
    let entries = fs::read_dir(&path).expect(room);
    let files = entries.map(|entry| entry.expect("an entry").path());
    files
        .filter(|file| {
            let name = file.to_string_lossy();
            name.ends_with(".rs") && !name.ends_with("_tests.rs")
        })
        .collect()
}

/// The texts in `SomaError::new(…)`, `Failure::new(…)`, `#[error(…)]`, and in what is assigned to
/// `why`, `message` or `refused`.
fn collect(tokens: TokenStream, messages: &mut Vec<String>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is_word = |at: usize, words: &[&str]| matches!(trees.get(at), Some(TokenTree::Ident(word)) if words.iter().any(|known| word == known));
    for (at, tree) in trees.iter().enumerate() {
        if let TokenTree::Group(group) = tree {
            // `SomaError`, two colons, `new`, and this.
            let is_error = at >= 4 && is_word(at - 1, &["new"]) && is_word(at - 4, &["SomaError", "Failure"]);
            let is_attribute = at >= 1 && is_word(at - 1, &["error"]);
            if group.delimiter() == Delimiter::Parenthesis && (is_error || is_attribute) {
                texts(group.stream(), messages);
            } else {
                collect(group.stream(), messages);
            }
        }
        if is_word(at, &["why", "message", "refused"])
            && matches!(trees.get(at + 1), Some(TokenTree::Punct(sign)) if sign.as_char() == '=')
        {
            let until_end = trees.iter().skip(at + 2);
            let assigned =
                until_end.take_while(|tree| !matches!(tree, TokenTree::Punct(sign) if sign.as_char() == ';'));
            texts(assigned.cloned().collect(), messages);
        }
    }
}

fn texts(tokens: TokenStream, found: &mut Vec<String>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => texts(group.stream(), found),
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    found.push(text.value());
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// The first words of a message that are always the same and are more than one.
fn fixed_words(message: &str) -> Option<String> {
    let mut without_values = String::new();
    let mut depth = 0_usize;
    for c in message.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                without_values.push('|');
            }
            c if depth == 0 => without_values.push(c),
            _ => {}
        }
    }
    let separators = ['|', ':', ';', ',', '(', ')', '<', '"'];
    let pieces = without_values.split(separators).map(str::trim);
    pieces
        .filter(|piece| {
            let piece = piece.trim_matches('\'');
            piece.contains(' ') && piece.len() > 6
        })
        .map(|piece| piece.trim_matches('\'').trim().to_owned())
        .next()
}
