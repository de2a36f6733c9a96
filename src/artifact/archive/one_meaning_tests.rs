//! One archive, one meaning: what two programs could read differently is refused, and what is
//! accepted they read alike.

use super::damage::{found, verify_any};
use super::forge::{Descriptor, ForgedEntry, Forging, field, forged_backup, forged_export, zip, zip_with};
use super::other_readers::by_directory;
use super::*;
use crate::artifact::fixture::{FixtureGateway, sha1_base64};

/// Whether a problem is the one that is looked for.
type IsIt = fn(&ProblemKind) -> bool;
/// Changes the entry of a file.
fn file<'e>(entries: &'e mut [ForgedEntry], name: &str) -> &'e mut ForgedEntry {
    let mut found = entries.iter_mut().filter(|entry| entry.name == name.as_bytes());
    found.next().expect("the entry")
}

/// Adds a file to an export, and its row.
fn add(entries: &mut Vec<ForgedEntry>, name: &str, bytes: &[u8]) {
    let export = file(entries, "export.xml");
    let xml = String::from_utf8(export.bytes.clone()).expect("text");
    let hash = sha1_base64(bytes);
    let row = format!("<file name=\"local:///{name}\" src=\"{name}\" location=\"local\" hash=\"{hash}\"/>");
    export.bytes = xml.replace("</files>", &format!("{row}</files>")).into_bytes();
    entries.push(ForgedEntry::new(name, bytes));
}

#[test]
fn sound_archives_are_accepted_in_whatever_form_they_are_written() {
    let each = |change: fn(&mut ForgedEntry)| {
        move |entries: &mut Vec<ForgedEntry>| entries.iter_mut().for_each(change)
    };
    let forms: [(&str, Box<Forging>); 13] = [
        ("as the firmware", Box::new(|_: &mut Vec<ForgedEntry>| {})),
        ("no version", Box::new(each(|entry| entry.version = 0))),
        (
            "a version of Unix",
            Box::new(each(|entry| entry.version |= 3 << 8)),
        ),
        (
            "for DOS",
            Box::new(each(|entry| (entry.made_by, entry.attributes) = (20, 0))),
        ),
        (
            "7-Zip",
            Box::new(each(|entry| {
                entry.made_by = 3 << 8 | 63;
                entry.attributes |= 0x8020;
                entry.local_extra.clear();
                entry.central_extra = field(0x000a, &[0; 32]);
            })),
        ),
        (
            "Python",
            Box::new(each(|entry| {
                entry.attributes &= 0x0fff_ffff;
                entry.local_extra.clear();
                entry.central_extra.clear();
            })),
        ),
        ("more effort", Box::new(each(|entry| entry.flags = 2))),
        ("marked as UTF-8", Box::new(each(|entry| entry.flags = 1 << 11))),
        (
            "comments",
            Box::new(each(|entry| entry.comment = b"a comment".to_vec())),
        ),
        (
            "ZIP64 fields",
            Box::new(each(|entry| (entry.version, entry.is_wide) = (45, true))),
        ),
        (
            "another order",
            Box::new(|entries: &mut Vec<ForgedEntry>| entries.reverse()),
        ),
        (
            "Java",
            Box::new(each(|entry| {
                if entry.method == 8 {
                    (entry.flags, entry.descriptor) = (8, Descriptor::Marked);
                }
            })),
        ),
        (
            "a name beyond ASCII",
            Box::new(|entries: &mut Vec<ForgedEntry>| {
                add(entries, "local/prüfung.xsl", b"x");
            }),
        ),
    ];
    for (form, change) in forms {
        let mut entries = forged_export();
        change(&mut entries);
        let bytes = zip(&entries);
        let verified = verify_any(&bytes).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(verified.warnings, Vec::<String>::new(), "{form}");
        let seen = by_directory(&bytes).expect(form);
        assert_eq!(seen.len() as u64, verified.entries, "{form}");
        verify_any(&forged_backup(&*change)).unwrap_or_else(|error| panic!("{form}, inside: {error}"));
    }
    // The rest of them no reader of streams understands, though all others do.
    let mut entries = forged_export();
    for entry in entries.iter_mut().filter(|entry| entry.method == 8) {
        (entry.flags, entry.descriptor) = (8, Descriptor::Plain);
    }
    assert!(verify_any(&zip(&entries)).is_ok());
}

#[test]
fn what_two_programs_could_read_differently_is_refused() {
    const FILE: &str = "config/SALES.cfg";
    let ambiguous: IsIt = |kind| matches!(kind, ProblemKind::Ambiguous(_));
    let not_plain: IsIt = |kind| matches!(kind, ProblemKind::NotPlain(_));
    let encrypted: IsIt = |kind| *kind == ProblemKind::Encrypted;
    let unsafe_name: IsIt = |kind| *kind == ProblemKind::UnsafeName;
    let disagree: IsIt = |kind| matches!(kind, ProblemKind::HeadersDisagree(_));
    let broken: IsIt = |kind| matches!(kind, ProblemKind::BrokenEntry(_) | ProblemKind::BrokenZip(_));
    let cases: [(&str, &Forging, IsIt); 34] = [
        (
            "the place of another file",
            &|entries| add(entries, "./export.xml", b"x"),
            ambiguous,
        ),
        (
            "an empty step",
            &|entries| add(entries, "config//SALES.cfg", b"x"),
            ambiguous,
        ),
        (
            "a step that is none",
            &|entries| add(entries, "config/./SALES.cfg", b"x"),
            ambiguous,
        ),
        (
            "a folder of its name",
            &|entries| entries.push(ForgedEntry::new("config/SALES.cfg/", b"")),
            ambiguous,
        ),
        (
            "below a file",
            &|entries| add(entries, "config/SALES.cfg/b", b"x"),
            ambiguous,
        ),
        ("above a file", &|entries| add(entries, "config", b"x"), ambiguous),
        ("twins", &|entries| add(entries, "export.xml", b"x"), |kind| {
            *kind == ProblemKind::DuplicateEntry
        }),
        (
            "a character device",
            &|entries| file(entries, FILE).attributes = 0x21b6_0000,
            not_plain,
        ),
        (
            "a block device",
            &|entries| file(entries, FILE).attributes = 0x6180_0000,
            not_plain,
        ),
        (
            "a pipe",
            &|entries| file(entries, FILE).attributes = 0x1180_0000,
            not_plain,
        ),
        (
            "a socket",
            &|entries| file(entries, FILE).attributes = 0xc180_0000,
            not_plain,
        ),
        (
            "a link",
            &|entries| file(entries, FILE).attributes = 0xa1ff_0000,
            not_plain,
        ),
        (
            "a link, not for Unix",
            &|entries| {
                (file(entries, FILE).attributes, file(entries, FILE).made_by) = (0xa1ff_0000, 20);
            },
            not_plain,
        ),
        (
            "a volume",
            &|entries| file(entries, FILE).attributes = 0x08,
            not_plain,
        ),
        (
            "a file marked as folder",
            &|entries| file(entries, FILE).attributes = 0x10,
            ambiguous,
        ),
        (
            "a folder marked as file",
            &|entries| file(entries, "config/").attributes = 0x81ed_0000,
            ambiguous,
        ),
        (
            "a comment that is no text",
            &|entries| file(entries, FILE).comment = b"\xff".to_vec(),
            ambiguous,
        ),
        (
            "a second name",
            &|entries| {
                let name = [&[1, 0, 0, 0, 0][..], b"config/other.cfg"].concat();
                file(entries, FILE).central_extra = field(0x7075, &name);
            },
            ambiguous,
        ),
        (
            "a second name in front",
            &|entries| {
                let name = [&[1, 0, 0, 0, 0][..], b"config/other.cfg"].concat();
                file(entries, FILE).local_extra = field(0x7075, &name);
            },
            ambiguous,
        ),
        (
            "a ZIP64 field that nobody asks for",
            &|entries| {
                file(entries, FILE).local_extra = field(1, &[0; 16]);
            },
            ambiguous,
        ),
        (
            "an extra field of AES",
            &|entries| file(entries, FILE).central_extra = field(0x9901, &[0; 7]),
            ambiguous,
        ),
        (
            "half an extra field",
            &|entries| file(entries, FILE).local_extra = vec![0x55, 0x54, 9],
            ambiguous,
        ),
        ("encrypted", &|entries| file(entries, FILE).flags = 1, encrypted),
        (
            "strongly encrypted",
            &|entries| file(entries, FILE).flags = 1 << 6,
            encrypted,
        ),
        (
            "masked headers",
            &|entries| file(entries, FILE).flags = 1 << 13,
            encrypted,
        ),
        (
            "a patch",
            &|entries| file(entries, FILE).flags = 1 << 5,
            ambiguous,
        ),
        (
            "a version that few programs have",
            &|entries| file(entries, FILE).version = 63,
            ambiguous,
        ),
        (
            "streamed without a descriptor",
            &|entries| file(entries, FILE).flags = 8,
            disagree,
        ),
        (
            "streamed and stored",
            &|entries| {
                let file = file(entries, FILE);
                (file.flags, file.descriptor, file.method) = (8, Descriptor::Marked, 0);
            },
            ambiguous,
        ),
        (
            "bytes behind those that are unpacked",
            &|entries| {
                file(entries, FILE).hidden = b"hidden".to_vec();
            },
            broken,
        ),
        (
            "bytes behind those that are stored",
            &|entries| {
                (file(entries, FILE).hidden, file(entries, FILE).method) = (b"hidden".to_vec(), 0);
            },
            ambiguous,
        ),
        (
            "bytes between entries",
            &|entries| file(entries, FILE).gap = b"hidden".to_vec(),
            broken,
        ),
        (
            "names in no known writing",
            &|entries| {
                add(entries, "local/x", b"");
                entries.last_mut().expect("one").name = b"local/\x82".to_vec();
            },
            unsafe_name,
        ),
        (
            "names in two writings",
            &|entries| {
                add(entries, "local/ä", b"");
                add(entries, "local/ö", b"");
                entries.last_mut().expect("one").flags = 1 << 11;
            },
            ambiguous,
        ),
    ];
    for (what, change, is_it) in cases {
        let mut entries = forged_export();
        change(&mut entries);
        for bytes in [zip(&entries), forged_backup(change)] {
            let problems = found(&bytes);
            assert!(
                problems.iter().any(|problem| is_it(&problem.kind)),
                "{what}: {problems:?}"
            );
        }
    }
    for gap in [&b"hidden"[..], b"PK\x03\x04", &zip(&forged_export())] {
        let problems = found(&zip_with(&forged_export(), gap));
        assert!(
            broken(&problems[0].kind),
            "in front of the directory: {problems:?}"
        );
    }
}

#[test]
fn names_that_differ_in_case_alone_are_a_warning() {
    let mut entries = forged_export();
    add(&mut entries, "config/sales.CFG", b"x");
    let verified = verify_any(&zip(&entries)).expect("good");
    let [warning] = verified.warnings.as_slice() else {
        panic!("not one warning: {:?}", verified.warnings);
    };
    assert!(
        warning.contains("config/SALES.cfg") && warning.contains("config/sales.CFG"),
        "{warning}"
    );
    let verified =
        verify_any(&forged_backup(&|entries| add(entries, "config/sales.CFG", b"x"))).expect("good");
    assert!(
        verified.warnings[0].starts_with("SALES.zip: "),
        "{:?}",
        verified.warnings
    );
}

#[test]
fn what_programs_may_read_otherwise_and_damages_nothing_is_a_warning() {
    let warned = |from: &str, to: &str| {
        let mut entries = forged_export();
        add(&mut entries, "x.xsl", b"x");
        let export = file(&mut entries, "export.xml");
        let xml = String::from_utf8(export.bytes.clone()).expect("text");
        assert!(xml.contains(from), "{xml}");
        export.bytes = xml.replacen(from, to, 1).into_bytes();
        verify_any(&zip(&entries)).expect("good").warnings
    };
    let row = "src=\"x.xsl\" location=\"";
    assert_eq!(
        warned(&format!("{row}local\""), &format!("{row}store\"")),
        ["export.xml: the row local:///x.xsl names the location store, which programs may read otherwise"]
    );
    assert_eq!(
        warned("<domain>SALES</domain>", "<domain><b>SALES</b></domain>"),
        ["export.xml: domain of export-details has an element in it, which programs may read otherwise"]
    );
}

#[test]
fn an_element_of_later_firmware_that_nobody_reads_is_no_warning_whatever_stands_in_it() {
    let mut entries = forged_export();
    let export = file(&mut entries, "export.xml");
    let xml = String::from_utf8(export.bytes.clone()).expect("text");
    let new = "<new-thing a=\"1\"><b>x</b><b/></new-thing></export-details>";
    assert!(xml.contains("</export-details>"), "{xml}");
    export.bytes = xml.replacen("</export-details>", new, 1).into_bytes();
    assert_eq!(verify_any(&zip(&entries)).expect("good").warnings, [""; 0]);
}

#[test]
fn headers_that_differ_in_any_field_are_refused() {
    let bytes = zip(&forged_export());
    let [local, central] = super::damage::headers(&bytes, "config/SALES.cfg");
    // From the version to the lengths: the same 22 bytes in both, but at another distance.
    for offset in 0..22 {
        for place in [local + 4, central + 6] {
            let mut damaged = bytes.clone();
            damaged[place + offset] ^= 0x40;
            let problems = found(&damaged);
            assert!(
                problems
                    .iter()
                    .any(|problem| matches!(problem.kind, ProblemKind::HeadersDisagree(_))),
                "{offset}: {problems:?}"
            );
        }
    }
}

#[test]
fn two_ends_with_two_directories_are_refused() {
    // Each reading alone is a sound archive.
    let gateway = FixtureGateway::new();
    let [one, other] = [0, 1].map(|index| gateway.zip(&gateway.export_entries(&gateway.domains[index])));
    let (body, end) = one.split_at(one.len() - 22);
    let wide = FixtureGateway::to_zip64(&other);
    let mut both = [body, &wide[..wide.len() - 22]].concat();
    both.extend(end);
    assert!(verify_any(&one).is_ok() && verify_any(&wide).is_ok());
    let problems = found(&both);
    assert!(
        matches!(problems[0].kind, ProblemKind::BrokenZip(_)),
        "{problems:?}"
    );
}

#[test]
fn an_object_that_stands_twice_with_different_content_is_damage() {
    let object = |value: u8| format!("<XMLManager name=\"x\"><b>{value}</b></XMLManager>");
    let verified = |objects: &str| {
        let mut entries = forged_export();
        let export = file(&mut entries, "export.xml");
        let xml = String::from_utf8(export.bytes.clone()).expect("text");
        let inside = format!("{objects}</configuration>");
        export.bytes = xml.replacen("</configuration>", &inside, 1).into_bytes();
        verify_any(&zip(&entries))
    };
    assert_eq!(verified(&object(1)).expect("good").warnings, [""; 0]);
    for (first, second) in [(1, 2), (2, 1)] {
        let error = verified(&(object(first) + &object(second))).expect_err("two meanings");
        let words = error.to_string();
        assert!(
            words.contains("XMLManager x stands twice, with different content"),
            "{words}"
        );
    }
    let twice = verified(&(object(1) + &object(1))).expect("one meaning");
    let warning = "export.xml: XMLManager x stands twice, with the same content";
    assert_eq!(twice.warnings, [warning]);
}
