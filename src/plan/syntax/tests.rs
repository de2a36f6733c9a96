use proptest::prelude::*;
use toml::de::DeTable;

use super::{Found, SyntaxError, another_format, errors};

fn found(text: &str) -> Vec<SyntaxError> {
    let (_, problems) = DeTable::parse_recoverable(text);
    let problems: Vec<Found> = problems
        .iter()
        .map(|problem| (problem.span().unwrap_or_default(), problem.message().to_owned()))
        .collect();
    match another_format(text) {
        Some(error) => vec![error],
        None => errors(text, &problems),
    }
}

#[test]
fn each_line_has_one_error_that_says_how_it_is_written() {
    for (line, title, help) in [
        (
            "name = Nightly",
            "a text stands in quotes",
            "`name = \"Nightly\"`",
        ),
        (
            "host = 127.0.0.1",
            "a text stands in quotes",
            "`host = \"127.0.0.1\"`",
        ),
        ("devices = QA*", "a text stands in quotes", "`devices = \"QA*\"`"),
        (
            "store = /backup/dp # here",
            "a text stands in quotes",
            "`store = \"/backup/dp\"`",
        ),
        ("timeout = 60s", "a text stands in quotes", "`timeout = \"60s\"`"),
        (
            "min_free_store = 10%",
            "a text stands in quotes",
            "`min_free_store = \"10%\"`",
        ),
        ("end = 6:30", "a text stands in quotes", "`end = \"6:30\"`"),
        ("enabled = yes", "yes is written", "`enabled = true`"),
        ("enabled = False", "no is written", "`enabled = false`"),
        ("enabled = on;", "yes is written", "`enabled = true`"),
        (
            "pre_script = null",
            "no empty value",
            "leave the line of `pre_script` out",
        ),
        (
            "name: \"Nightly\"",
            "an equals sign behind it, and no colon",
            "`name = \"Nightly\"`",
        ),
        ("port: 5550", "no colon", "`port = 5550`"),
        (
            "name \"Nightly\"",
            "an equals sign is missing",
            "`name = \"Nightly\"`",
        ),
        ("name", "a key needs a value", "`name = …`"),
        ("name =", "a key needs a value", "`name = …`"),
        ("name == \"Nightly\"", "one equals sign", "`name = \"Nightly\"`"),
        ("name => \"Nightly\"", "one equals sign", "`name = \"Nightly\"`"),
        ("name := \"Nightly\"", "one equals sign", "`name = \"Nightly\"`"),
        (
            "name = \"Nightly",
            "a quote is not closed",
            "`name = \"Nightly\"`",
        ),
        ("name = 'Nightly", "a quote is not closed", "`name = \"Nightly\"`"),
        (
            "name = \"Nightly'",
            "a quote is not closed",
            "`name = \"Nightly\"`",
        ),
        (
            "name = Nightly\"",
            "a text stands in quotes",
            "`name = \"Nightly\"`",
        ),
        ("name = “Nightly”", "word processor", "`name = \"Nightly\"`"),
        ("name = ‘Nightly’", "word processor", "`name = \"Nightly\"`"),
        (
            "name\u{a0}=\u{a0}\"Nightly\"",
            "cannot be seen",
            "`name = \"Nightly\"`",
        ),
        (
            "\u{200b}name = \"Nightly\"",
            "cannot be seen",
            "`name = \"Nightly\"`",
        ),
        ("name = \"Nightly\";", "behind the value", "`name = \"Nightly\"`"),
        ("name = \"Nightly\",", "behind the value", "`name = \"Nightly\"`"),
        ("name = \"Nightly\" // it", "behind the value", "`# it`"),
        ("name = \"Nightly\" the plan", "behind the value", "`# the plan`"),
        (
            "devices = \"QA1\", \"QA2\"",
            "behind the value",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "devices = \"QA1\" \"QA2\"",
            "behind the value",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "devices = [QA1, QA2]",
            "texts of an array",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "devices = [\"QA1\" \"QA2\"]",
            "texts of an array",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        ("// the plan", "a comment begins with #", "`# the plan`"),
        ("; the plan", "a comment begins with #", "`# the plan`"),
        ("-- the plan", "a comment begins with #", "`# the plan`"),
        (
            "- name = \"Nightly\"",
            "a list item of YAML",
            "`name = \"Nightly\"` under a heading",
        ),
        ("[[device]", "missing at the end", "`[[device]]`"),
        ("[device]]", "missing at the beginning", "`[[device]]`"),
        ("[settings", "missing at the end", "`[settings]`"),
        ("[[plan.activity", "missing at the end", "`[[plan.activity]]`"),
        ("[ [device] ]", "brackets stand together", "`[[device]]`"),
        (
            "[settings] store = \"x\"",
            "stands alone on its line",
            "`[settings]`",
        ),
        ("settings {", "braces do not enclose", "`[settings]`"),
        (
            "password = { env: \"PW\" }",
            "this table cannot be read",
            "`password = { env = \"PW\" }`",
        ),
        (
            "tls = ( verify = false )",
            "a table has braces",
            "`tls = { verify = false }`",
        ),
        (
            "host = {{ qa1_host }}",
            "a template was not filled in",
            "`host = \"…\"`",
        ),
        ("port = 015550", "no zero first", "`port = 15550`"),
        ("port = 15,550", "a number has digits alone", "`port = 15550`"),
        (
            r#"store = "C:\Users\op""#,
            "a backslash begins an escape",
            r"'C:\Users\op'",
        ),
        (
            "include \"devices.toml\"",
            "there is no such line",
            "a key and its value",
        ),
        ("name = ********", "a text stands in quotes", "`name = \"…\"`"),
    ] {
        for text in [line.to_owned(), format!("a = 1\n{line}\nb = 2\n")] {
            let errors = found(&text);
            let [error] = errors.as_slice() else {
                panic!("{text:?}: {errors:#?}");
            };
            assert!(error.title.contains(title), "{line}: {error:?}");
            assert!(error.help.contains(help), "{line}: {error:?}");
        }
    }
}

#[test]
fn what_is_not_closed_is_shown_where_it_was_opened() {
    for (text, title, help) in [
        (
            "devices = [\"QA1\", \"QA2\"\ndomains = \"DOM*\"\n",
            "this array is not closed",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "password = { env = \"PW\"\ntls = 1\n",
            "this table is not closed",
            "`password = { env = \"PW\"}`",
        ),
    ] {
        let errors = found(text);
        assert_eq!(errors[0].title, title, "{errors:#?}");
        assert!(errors[0].help.contains(help), "{errors:#?}");
        assert!(
            errors[0].span.start < text.find('\n').expect("a line"),
            "{errors:#?}"
        );
    }
}

#[test]
fn a_file_of_another_format_has_one_error() {
    for (text, title) in [
        (
            "settings:\n  store: /backup\ndevice:\n  - name: QA1\n",
            "this file is YAML",
        ),
        ("---\nsettings:\n  store: /backup\n", "this file is YAML"),
        (
            "{\n  \"settings\": { \"store\": \"/b\" }\n}\n",
            "this file is JSON",
        ),
        ("<?xml version=\"1.0\"?>\n<settings/>\n", "this file is XML"),
        ("```toml\n[settings]\n```\n", "a line of Markdown"),
        (
            "[settings]\n<<<<<<< HEAD\nstore = \"a\"\n=======\nstore = \"b\"\n>>>>>>> x\n",
            "a merge has left",
        ),
    ] {
        let errors = found(text);
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].title.starts_with(title), "{errors:#?}");
    }
}

#[test]
fn what_stands_twice_is_said_once_with_what_it_needs() {
    let errors = found("[device]\nname = \"A\"\nhost = \"a\"\n[device]\nname = \"B\"\nhost = \"b\"\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].help.ends_with("[[device]]"), "{errors:#?}");
    let errors = found("[settings]\nretries = 1\nretries = 2\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0].title, "`retries` stands twice");
    let errors = found("[settings]\nretries = 1\n[settings]\nstore = \"x\"\n");
    assert_eq!(errors[0].help, "put its keys under the first of the two");
}

proptest! {
    #[test]
    fn any_text_has_errors_inside_it(text in "[a-z\\[\\]{}=\"',;:#/\\\\ \n*ß“\u{a0}-]{0,40}") {
        for error in found(&text) {
            prop_assert!(error.span.end <= text.len() && error.span.start <= error.span.end);
            prop_assert!(text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end), "{error:?}");
            prop_assert!(!error.help.is_empty());
        }
    }
}
