use std::ffi::OsString;

use proptest::prelude::*;

use super::{included_path_slip, path_pattern_slip, path_slip, variable_alone};

fn env(name: &str) -> Option<OsString> {
    match name {
        "HOME" => Some("/home/op".into()),
        "BACKUPS" => Some("/srv/backups".into()),
        _ => None,
    }
}

#[test]
fn what_only_a_shell_or_another_system_understands_is_answered_with_what_would_be_right() {
    for (written, title, help) in [
        ("~", "`~` is not", "\"/home/op\""),
        ("~/backup", "`~` is not", "\"/home/op/backup\""),
        ("~other/backup", "`~` is not", "the whole path"),
        ("$HOME/backup", "`$HOME` is not replaced", "\"/home/op/backup\""),
        ("${BACKUPS}/dp", "`${BACKUPS}` is not", "\"/srv/backups/dp\""),
        ("/backup/$SITE", "`$SITE` is not", "the whole path"),
        ("%APPDATA%/dp", "`%APPDATA%` is not", "the whole path"),
        ("%h/backup", "`%h` is not", "the whole path"),
        ("/backup/%Y-%m-%d", "`%Y` is not", "with the time in their names"),
        ("nfs:/export", "`nfs:` does not", "require_mount"),
        ("nas1:/export", "`nas1:` does not", "mount it"),
        ("smb://nas/share", "`smb:` does not", "mount it"),
        ("file:///backup", "`file:` does not", "write \"/backup\""),
        ("s3://bucket/dp", "`s3:` does not", "post_script"),
        ("https://nas/dp", "`https:` does not", "a path of this machine"),
        ("rclone:remote:dp", "`rclone:` does not", "mount it"),
        ("gdrive:dp", "`gdrive:` does not", "mount it"),
        ("sqlite:///var/h.db", "`sqlite:` does not", "write \"/var/h.db\""),
        ("file:h.db", "`file:` does not", "write \"h.db\""),
        ("postgres://db/dp", "`postgres:` does not", "no server keeps it"),
        (":memory:", "`:memory:` is no file", "/var/lib/dpbackup"),
        ("//nas/share", "a share of", "mount the share"),
        (r"\\nas\share", "a share of", "\"/nas/share\" is one of this"),
        (r"C:\backup", "`C:` is a drive", "/backup/datapower"),
        ("d:/backup", "`d:` is a drive", "/backup/datapower"),
        (r"backup\dp", "a backslash", "\"backup/dp\""),
        (" /backup", "a blank stands", "\"/backup\""),
        ("/backup ", "a blank stands", "\"/backup\""),
        ("/backup\u{a0}", "a blank stands", "\"/backup\""),
        ("\u{feff}/backup", "a blank stands", "\"/backup\""),
        ("/backup\u{200b}", "a blank stands", "\"/backup\""),
        ("\"/backup\"", "quotes stand", "\"/backup\""),
        ("'/backup'", "quotes stand", "\"/backup\""),
        (
            "/backup/{device}",
            "in place of `{device}`",
            "the device, the domain",
        ),
        ("<folder>", "in place of `<folder>`", "the whole path"),
        ("/backup/*", "in place of `*`", "the whole path"),
        ("/backup/**", "in place of `**`", "the whole path"),
    ] {
        let slip = path_slip(written, &env).unwrap_or_else(|| panic!("{written} is no slip"));
        assert!(slip.title.contains(title), "{written}: {}", slip.title);
        assert!(slip.help.contains(help), "{written}: {}", slip.help);
    }
}

#[test]
fn a_star_is_a_slip_in_a_path_and_none_where_it_stands_for_other_characters() {
    assert!(path_slip("devices.d/*.toml", &env).is_some());
    assert_eq!(path_pattern_slip("devices.d/*.toml", &env), None);
    for written in [
        "~/devices.d/*.toml",
        "$SITE/*.toml",
        "devices.{a,b}/*.toml",
        "[a-z]*.toml",
        "devices.d/**/*.toml",
        "devices.d/**.toml",
    ] {
        assert!(path_pattern_slip(written, &env).is_some(), "{written}");
    }
}

#[test]
fn what_is_included_is_named_by_a_star_or_one_by_one() {
    for (written, help) in [
        ("dev.d/{a,b}.toml", "\"dev.d/a.toml\", \"dev.d/b.toml\""),
        ("dev.d/[ab].toml", "\"dev.d/*.toml\""),
        ("dev.d/*[ab].toml", "\"dev.d/*.toml\""),
        ("{site}/*.toml", "\"*/*.toml\""),
    ] {
        let slip = included_path_slip(written, &env).unwrap_or_else(|| panic!("{written} is no slip"));
        assert!(slip.help.contains(help), "{written}: {}", slip.help);
    }
    let home = included_path_slip("~/x.toml", &env).expect("a slip");
    assert!(home.help.contains("\"/home/op/x.toml\""), "{}", home.help);
    assert_eq!(included_path_slip("devices.d/*.toml", &env), None);
}

#[test]
fn what_goes_through_all_folders_is_answered_with_a_pattern_for_each_level() {
    for (written, patterns) in [
        ("deep/**/*.toml", "\"deep/*.toml\", \"deep/*/*.toml\""),
        ("deep/**", "\"deep/*.toml\", \"deep/*/*.toml\""),
        ("deep/**/", "\"deep/*.toml\", \"deep/*/*.toml\""),
        ("deep/**/*", "\"deep/*.toml\", \"deep/*/*.toml\""),
        ("deep/**.toml", "\"deep/*.toml\", \"deep/*/*.toml\""),
        ("/etc/dp/***", "\"/etc/dp/*.toml\", \"/etc/dp/*/*.toml\""),
        ("deep/**/all.toml", "\"deep/all.toml\", \"deep/*/all.toml\""),
        (
            "sites/**/devices/*.toml",
            "\"sites/devices/*.toml\", \"sites/*/devices/*.toml\"",
        ),
        ("dev**/x.toml", "\"dev*/x.toml\", \"dev*/*/x.toml\""),
        // The plan file is no file that it includes.
        ("**/*.toml", "\"*/*.toml\", \"*/*/*.toml\""),
        ("./**", "\"./*/*.toml\", \"./*/*/*.toml\""),
        (
            "deep/**/{a,b}.toml",
            "\"deep/a.toml\", \"deep/b.toml\", \"deep/*/a.toml\", \"deep/*/b.toml\"",
        ),
    ] {
        let slip = included_path_slip(written, &env).unwrap_or_else(|| panic!("{written} is no slip"));
        assert!(
            slip.title.starts_with("nothing is put in place of"),
            "{written}: {}",
            slip.title
        );
        let help = format!("write a pattern for each level that has files: {patterns}");
        assert_eq!(slip.help, help, "{written}");
        for pattern in patterns.split(", ") {
            assert_eq!(
                included_path_slip(pattern.trim_matches('"'), &env),
                None,
                "{pattern}"
            );
        }
    }
}

#[test]
fn a_path_that_means_itself_is_taken() {
    for written in [
        "/backup/datapower",
        "backup",
        "./backup",
        "../backup",
        "/mnt/nas 1/dp",
        "/backup/100%",
        "/backup/5%off",
        "/backup/a:b",
        "/backup/~old",
        "/backup/price$",
        "/srv/it's",
        "/srv/Größe",
    ] {
        assert_eq!(path_slip(written, &env), None, "{written}");
    }
}

#[test]
fn a_text_that_is_nothing_but_a_variable_is_known() {
    for (text, name) in [
        ("$QA1_PASSWORD", Some("QA1_PASSWORD")),
        ("${QA1_PASSWORD}", Some("QA1_PASSWORD")),
        ("%QA1%", Some("QA1")),
        ("{{ qa1_password }}", Some("qa1_password")),
        ("env:QA1", Some("QA1")),
        ("$ecret!", None),
        ("pa$$word", None),
        ("$", None),
        ("50%", None),
    ] {
        assert_eq!(variable_alone(text), name, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = path_slip(&text, &env);
        let _ = variable_alone(&text);
    }

    #[test]
    fn no_text_of_what_is_looked_for_panics(text in "[$%{}a-zß:/~\\\\* ]{0,12}") {
        let _ = path_slip(&text, &env);
    }
}
