use std::fs;

use super::*;

const ABC_SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

fn manifest(rows: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<x:signed xmlns:x=\"urn:x\"><x:head/><backupmanifest version=\"1\">\
         <firmware>IDG</firmware><files>{rows}</files></backupmanifest></x:signed>"
    )
}

fn row(name: &str, inside: &str) -> String {
    format!("<file><filename>{name}</filename>{inside}</file>")
}

fn abc(name: &str) -> String {
    row(name, &format!("<size>3</size><checksum>{ABC_SHA1}</checksum>"))
}

fn folder(rows: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(MANIFEST), manifest(rows)).expect("written");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn problems(folder: &tempfile::TempDir) -> Vec<FolderProblem> {
    match verify(folder.path()) {
        Err(FolderError::Invalid(problems)) => problems,
        other => panic!("not found invalid: {other:?}"),
    }
}

#[test]
fn a_folder_that_is_as_its_manifest_lists_is_good() {
    let rows = abc("config.tgz") + &row("root.tgz", "");
    let verified = verify(folder(&rows, &[("config.tgz", "abc"), ("root.tgz", "x")]).path()).expect("good");
    let warnings = vec!["\"root.tgz\" is listed without a size and without a checksum".to_owned()];
    assert_eq!(
        verified,
        VerifiedFolder {
            files: 2,
            bytes: 4,
            strangers: Vec::new(),
            size_only: Vec::new(),
            name_only: vec!["root.tgz".to_owned()],
            warnings,
            notes: Vec::new(),
        }
    );
}

#[test]
fn parts_that_some_systems_take_for_one_are_warned_of_and_one_that_stands_encoded_is_told() {
    let rows = abc("A.TGZ") + &abc("a.tgz") + &abc(".hidden.tgz") + &abc("b.tgz");
    let files = ["A.TGZ", "a.tgz", "%2Ehidden.tgz", "b.tgz"].map(|name| (name, "abc"));
    let verified = verify(folder(&rows, &files).path()).expect("good");
    assert_eq!(
        verified.warnings,
        ["\"A.TGZ\" and \"a.tgz\" are one file on systems that do not tell upper from lower case"]
    );
    assert_eq!(
        verified.notes,
        ["\".hidden.tgz\" stands here as \"%2Ehidden.tgz\": a restore wants it under its own name"]
    );
}

#[test]
fn a_checksum_of_no_known_kind_proves_no_damage_and_nothing_else() {
    let rows = row("a", "<filesize>3</filesize><checksum>crc32:352441c2</checksum>")
        + &row("b", "<checksum>352441c2</checksum>")
        + &row(
            "c",
            &format!("<checksum>352441c2</checksum><checksum>{ABC_SHA1}</checksum>"),
        );
    let of = |a: &str| folder(&rows, &[("a", a), ("b", "abc"), ("c", "abc")]);
    let verified = verify(of("xyz").path()).expect("good");
    assert_eq!(
        (&verified.size_only[..], &verified.name_only[..]),
        (&["a".to_owned()][..], &["b".to_owned()][..])
    );
    let notes = "\"a\" has a checksum of no known kind: nothing but its size was compared";
    assert_eq!(verified.notes, [notes]);
    let warnings = "\"b\" is listed without a size, and with a checksum of no known kind";
    assert_eq!(verified.warnings, [warnings]);
    let size = FolderProblem::WrongSize {
        name: "a".to_owned(),
        found: 2,
        listed: 3,
    };
    assert_eq!(problems(&of("xy")), [size]);
}

#[test]
fn files_of_which_the_manifest_has_no_checksum_are_told_in_one_note_and_in_no_warning() {
    let names = ["a", "b", "c", "d"];
    let rows: String = names
        .iter()
        .map(|name| row(name, "<filesize>3</filesize><checksum/>"))
        .collect();
    let files = names.map(|name| (name, "abc"));
    let verified = verify(
        folder(
            &(rows.clone() + &abc("e")),
            &[&files[..], &[("e", "abc")]].concat(),
        )
        .path(),
    );
    let verified = verified.expect("good");
    let notes =
        "the manifest lists no checksum of \"a\", \"b\", \"c\" and 1 more: nothing but the size was compared";
    assert_eq!(
        (verified.notes, verified.warnings),
        (vec![notes.to_owned()], Vec::new())
    );
    assert_eq!(verified.size_only, names);
    let short = [("a", "ab"), ("b", "abc"), ("c", "abc"), ("d", "abc")];
    assert!(matches!(
        problems(&folder(&rows, &short))[..],
        [FolderProblem::WrongSize { .. }]
    ));
}

#[test]
fn the_size_stands_in_either_element() {
    for element in ["size", "filesize"] {
        let row = row("a", &format!("<{element}> 3 </{element}><checksum>x</checksum>"));
        verify(folder(&row, &[("a", "abc")]).path()).expect(element);
        let problems = problems(&folder(&row, &[("a", "abcd")]));
        assert!(
            matches!(problems[..], [FolderProblem::WrongSize { .. }]),
            "{problems:?}"
        );
    }
}

#[test]
fn a_manifest_that_lists_itself_is_not_held_against_itself() {
    for inside in [
        "",
        "<filesize>1</filesize>",
        &format!("<filesize>1</filesize><checksum>{ABC_SHA1}</checksum>"),
    ] {
        let rows = abc("a") + &row(MANIFEST, inside);
        let verified = verify(folder(&rows, &[("a", "abc")]).path()).expect(inside);
        assert_eq!((verified.files, verified.bytes), (1, 3), "{inside}");
        assert_eq!(verified.warnings, Vec::<String>::new(), "{inside}");
        assert_eq!(verified.size_only, Vec::<String>::new(), "{inside}");
    }
}

#[test]
fn a_checksum_is_read_in_every_form() {
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for checksum in [
        ABC_SHA1,
        &ABC_SHA1.to_uppercase(),
        "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
        "{SHA}qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
        "90:01:50:98:3C:D2:4F:B0:D6:96:3F:7D:28:E1:7F:72",
        sha256,
        &format!("sha-256:{sha256}"),
    ] {
        let row = row("a", &format!("<checksum> {checksum}\n</checksum>"));
        verify(folder(&row, &[("a", "abc")]).path()).expect(checksum);
        let problems = problems(&folder(&row, &[("a", "abd")]));
        assert_eq!(problems, [FolderProblem::WrongChecksum("a".to_owned())]);
    }
}

#[test]
fn each_way_to_damage_a_folder_is_found() {
    let rows = abc("a") + &abc("b");
    let name = || "a".to_owned();
    let size = FolderProblem::WrongSize {
        name: name(),
        found: 2,
        listed: 3,
    };
    let cases: [(&[(&str, &str)], FolderProblem); 5] = [
        (&[("b", "abc")], FolderProblem::Missing(name())),
        (&[("a", "ab"), ("b", "abc")], size),
        (
            &[("a", "abd"), ("b", "abc")],
            FolderProblem::WrongChecksum(name()),
        ),
        (
            &[("a", ""), ("b", "abc")],
            FolderProblem::WrongSize {
                name: name(),
                found: 0,
                listed: 3,
            },
        ),
        (
            &[("a", "abc"), ("b", "abc"), ("c", "")],
            FolderProblem::Unlisted("c".to_owned()),
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(problems(&folder(&rows, files)), [expected]);
    }
}

#[test]
fn strangers_beside_a_stored_backup_are_named_and_make_it_no_worse() {
    let folder = folder(&abc("a"), &[("a", "abc"), ("Thumbs.db", "x")]);
    fs::create_dir(folder.path().join("@eaDir")).expect("made");
    let verified = verify_among_strangers(folder.path()).expect("good");
    assert_eq!(verified.strangers, ["@eaDir", "Thumbs.db"]);
    assert_eq!(
        problems(&folder).len(),
        2,
        "of a folder that is ours alone they are damage"
    );
    fs::write(folder.path().join("a"), "abd").expect("written");
    let result = verify_among_strangers(folder.path());
    assert!(
        matches!(&result, Err(FolderError::Invalid(found)) if *found == [FolderProblem::WrongChecksum("a".to_owned())]),
        "{result:?}"
    );
}

#[test]
fn a_missing_manifest_is_found() {
    let folder = folder(&abc("a"), &[("a", "abc")]);
    fs::remove_file(folder.path().join(MANIFEST)).expect("removed");
    assert_eq!(problems(&folder), [FolderProblem::NoManifest]);
}

#[test]
fn what_is_no_plain_file_is_found() {
    let folder = folder(&abc("a"), &[]);
    fs::create_dir(folder.path().join("a")).expect("made");
    assert_eq!(problems(&folder), [FolderProblem::NotAFile("a".to_owned())]);
    fs::remove_dir(folder.path().join("a")).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a")).expect("linked");
    assert_eq!(problems(&folder), [FolderProblem::NotAFile("a".to_owned())]);
}

#[test]
fn a_folder_that_is_not_there_has_no_manifest() {
    let result = verify(Path::new("/not/there"));
    assert!(matches!(result, Err(FolderError::Invalid(_))), "{result:?}");
}
