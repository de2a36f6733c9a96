use proptest::prelude::*;
use toml::de::DeTable;

use super::{Found, SyntaxError, another_format, errors, lines_offered};

fn found(text: &str) -> Vec<SyntaxError> {
    let (_, problems) = DeTable::parse_recoverable(text);
    let problems: Vec<Found> = problems
        .iter()
        .map(|problem| (problem.span().unwrap_or_default(), problem.message().to_owned()))
        .collect();
    match another_format(text, text) {
        Some(error) => vec![error],
        None => errors(text, &problems),
    }
}

#[test]
fn each_line_has_one_error_that_says_how_it_is_written() {
    let mut wrong = Vec::new();
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
        ("name =", "a key needs a value", "`name = \"…\"`"),
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
        (",ß=“ = \"*,", "word processor", "a line is a heading"),
        (":\u{a0}= ''\\“", "word processor", "a line is a heading"),
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
            "`store = \"/Users/op\"`",
        ),
        (
            "include \"devices.toml\"",
            "included by a key",
            "`include = [\"devices.toml\"]`",
        ),
        ("name = ********", "a text stands in quotes", "`name = \"…\"`"),
    ] {
        for text in [line.to_owned(), format!("a = 1\n{line}\nb = 2\n")] {
            let errors = found(&text);
            let [error] = errors.as_slice() else {
                panic!("{text:?}: {errors:#?}");
            };
            if !error.title.contains(title) || !error.help.contains(help) {
                wrong.push((line, error.clone()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_value_is_written_right_for_the_key_of_the_table_in_which_it_stands() {
    for (heading, line, help) in [
        (
            "[[plan.activity]]",
            "devices = [\"QA1\"; \"QA2\"]",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "[[plan.activity]]",
            "devices = (\"QA1\",\"QA2\")",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "[[plan.activity]]",
            "devices = {\"QA1\",\"QA2\"}",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        ("[[plan.activity]]", "devices = `QA1`", "`devices = \"QA1\"`"),
        ("[[plan.activity]]", "devices = *", "`devices = \"*\"`"),
        (
            "[[plan.activity]]",
            "devices =\n  - QA1\n  - \"QA2\"",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "[[plan.activity]]",
            "devices:\n  - QA1\n  - QA2",
            "`devices = [\"QA1\", \"QA2\"]`",
        ),
        (
            "[[plan.activity]]",
            "devices = [\n  \"QA1\"\n  \"QA2\"\n]",
            "`\"QA1\",`",
        ),
        (
            "[[device]]",
            "tls = [ verify = false ]",
            "`tls = { verify = false }`",
        ),
        ("[[device]]", "tls = verify = false", "`tls = { verify = false }`"),
        (
            "[[device]]",
            "tls = { verify = False }",
            "`tls = { verify = false }`",
        ),
        (
            "[[device]]",
            "tls = { verify false }",
            "`tls = { verify = false }`",
        ),
        (
            "[[device]]",
            "tls = { verify = false; }",
            "`tls = { verify = false }`",
        ),
        (
            "[[device]]",
            "tls = { verify = false }}",
            "`tls = { verify = false }`",
        ),
        (
            "[[device]]",
            "tls = { ca_file = /etc/ca.pem }",
            "`tls = { ca_file = \"/etc/ca.pem\" }`",
        ),
        (
            "[[device]]",
            "tls = (“ca.pem”)",
            "`tls = { ca_file = \"ca.pem\" }`",
        ),
        ("[[device]]", "port = 5550/tcp", "`port = 5550`"),
        (
            "[[device]]",
            "port = five",
            "from 1 to 65535, without quotes: `port = 5550`",
        ),
        (
            "[[device]]",
            "password = ********",
            "`password = { env = \"QA1_PASSWORD\" }`",
        ),
        (
            "[[plan]]",
            "retention = { keep_last = 7d }",
            "`retention = { keep_last = 7 }`",
        ),
        (
            "[[plan]]",
            "maintenance_window = { start = 2130, end = 0630 }",
            "`maintenance_window = { start = \"21:30\", end = \"06:30\" }`",
        ),
        ("[[plan]]", "name = yes", "`name = \"yes\"`"),
        ("[[plan]]", "enabled = tru", "`enabled = true`"),
        ("[[plan]]", "error_policy = halt;", "`error_policy = \"halt\"`"),
        ("[[plan]]", "error policy = \"halt\"", "`error_policy = \"halt\"`"),
        ("[[plan]]", "имя = \"N\"", "the keys of [[plan]] are: name, "),
        (
            "[[plan]]",
            "name = \"N\", enabled = true",
            "`name = \"N\"` and `enabled = true`",
        ),
        (
            "[[plan]]",
            "name = \"N\" enabled = yes",
            "`name = \"N\"` and `enabled = true`",
        ),
        ("[[plan]]", "name -> \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "\"name\": \"N\",", "`name = \"N\"`"),
        ("[[plan]]", "export name=\"N\"", "`name = \"N\"`"),
        ("[[plan]]", "$name = \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "> name = \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "22 | name = \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "name =\n  \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "name = f\"N\"", "`name = \"N\"`"),
        ("[[plan]]", "name = ", "`name = \"…\"`"),
        ("[[plan]]", "name. = \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "= \"N\"", "`name = \"N\"`"),
        ("[[plan]]", "\"N\"", "`name = \"N\"`"),
        (
            "[[plan]]",
            "description = \"say \"hi\" now\"",
            "`description = 'say \"hi\" now'`",
        ),
        (
            "[[plan]]",
            "description = \"two\nlines\"",
            "`description = \"two lines\"`",
        ),
        ("[[plan]]", "description = \"\"\"two", "`description = \"two\"`"),
        (
            "[[plan]]",
            "name = \"N\"\nname.x = \"y\"",
            "`name` has a value already",
        ),
        ("[[plan]]", "* N", "`# N`"),
        ("[[plan]]", "<!-- N -->", "`# N`"),
        ("[[plan]]", "```toml", "leave this line out"),
        ("[[plan]]", "---", "leave this line out"),
        ("[[plan]]", ")", "leave this line out"),
        ("[[plan]]", "<plan.activity>", "`[[plan.activity]]`"),
        (
            "[[plan]]",
            "[[plan.activity]] action = \"x\"",
            "and on the next line `action = \"x\"`",
        ),
        (
            "[[plan]]",
            "[[plan \"N\"]]",
            "`[[plan]]`, and on the next line `name = \"N\"`",
        ),
        (
            "[[plan]]",
            "plan \"N\" {",
            "`[[plan]]`, and below it `name = \"N\"`",
        ),
        ("[[plan]]", "[[plan..activity]]", "`[[plan.activity]]`"),
        ("[settings]", "store = \"/a\"  \"b\"", "`store = \"/a\"`"),
        (
            "[settings]",
            "timeouts.request = 60s",
            "`timeouts.request = \"60s\"`",
        ),
        (
            "[settings]",
            "include \"devices.toml\"",
            "`include = [\"devices.toml\"]`",
        ),
        ("[settings]", "store = [", "it takes a path: `store = \"…\"`"),
    ] {
        let errors = found(&format!("{heading}\n{line}\n"));
        let [error] = errors.as_slice() else {
            panic!("{line:?}: {errors:#?}");
        };
        assert!(error.help.contains(help), "{line}: {error:?}");
        assert!(
            !error.title.is_empty() && error.title != "this cannot be read",
            "{line}: {error:?}"
        );
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
fn a_line_of_blanks_between_items_is_no_item_without_a_comma() {
    for text in ["=[\n\u{a0}\n'", "a = [\n  'x'\n\u{a0}\n'y']\n", "a = [\n\n'x'"] {
        for error in found(text) {
            assert!(
                error.span.start <= error.span.end && error.span.end <= text.len(),
                "{error:?}"
            );
            assert!(!error.help.contains("write `,`"), "{error:?}");
        }
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
    let errors = found("[[plan.activity]]\naction = \"export-domain\"\n[[plan]]\nname = \"P\"\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(
        errors[0].help.contains("`[[plan.…]]`) stands above it"),
        "{errors:#?}"
    );
}

#[test]
fn a_comma_that_is_missing_behind_the_line_that_begins_the_array_is_asked_for_without_a_line_that_is_none() {
    let errors = found("devices = [\"QA1\"\n  \"QA2\"]\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0].help, "write a comma at its end");
}

#[test]
fn no_line_is_offered_that_cannot_be_read() {
    for text in ["=[ = :\n“=", ": = [:\u{a0}\n\""] {
        for error in found(text) {
            let read = |line: &str| DeTable::parse(line).is_ok();
            assert!(lines_offered(&error.help).into_iter().all(read), "{error:?}");
            assert!(!error.help.is_empty(), "{error:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_has_errors_inside_it_and_what_it_is_told_to_write_can_be_read(text in "[a-z\\[\\]{}=\"',;:#/\\\\ \n*ß“\u{a0}-]{0,40}") {
        for error in found(&text) {
            prop_assert!(error.span.end <= text.len() && error.span.start <= error.span.end);
            prop_assert!(text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end), "{error:?}");
            prop_assert!(!error.help.is_empty());
            // A quote of that kind in the text divides the help elsewhere.
            for line in lines_offered(&error.help).into_iter().filter(|_| !text.contains('`')) {
                prop_assert!(DeTable::parse(line).is_ok(), "{line:?} of {error:?}");
            }
        }
    }
}
