//! Archives whose entries are not what they should be. Everywhere the damage has to be found,
//! and told at its place.

use std::io::Read;

use super::damage::{
    DamagePlace, entry, expect, export_xml, found, listed, no_damage, verify_any, whole_zip,
};
use super::*;
use crate::artifact::fixture::{Entries, FixtureGateway, file_of};

#[test]
fn an_emptied_entry_is_found() {
    let change = |place: DamagePlace, entries: &mut Entries| entry(entries, place.listed()).clear();
    expect("emptied", &change, &no_damage, &listed, &|kind| {
        *kind == ProblemKind::WrongHash
    });
}

#[test]
fn a_changed_entry_is_found() {
    let change = |place: DamagePlace, entries: &mut Entries| entry(entries, place.listed())[0] ^= 1;
    expect("changed", &change, &no_damage, &listed, &|kind| {
        *kind == ProblemKind::WrongHash
    });
}

#[test]
fn a_cut_entry_is_found() {
    let change = |place: DamagePlace, entries: &mut Entries| entry(entries, place.listed()).truncate(5);
    expect("cut", &change, &no_damage, &listed, &|kind| {
        *kind == ProblemKind::WrongHash
    });
}

#[test]
fn a_deleted_entry_is_found() {
    let change =
        |place: DamagePlace, entries: &mut Entries| entries.retain(|(name, _)| name != place.listed());
    expect("deleted", &change, &no_damage, &listed, &|kind| {
        *kind == ProblemKind::Missing
    });
}

#[test]
fn an_extra_entry_is_found() {
    let change = |_: DamagePlace, entries: &mut Entries| entries.push(("local/new".to_owned(), Vec::new()));
    let entry = |_: DamagePlace| Some("local/new");
    expect("extra", &change, &no_damage, &entry, &|kind| {
        *kind == ProblemKind::Unlisted
    });
}

#[test]
fn an_extra_zip_is_found() {
    let change = |_: DamagePlace, entries: &mut Entries| {
        entries.push(("OTHER.zip".to_owned(), FixtureGateway::new().export()));
    };
    let entry = |_: DamagePlace| Some("OTHER.zip");
    expect("an extra ZIP", &change, &no_damage, &entry, &|kind| {
        *kind == ProblemKind::Unlisted
    });
}

#[test]
fn a_missing_export_xml_is_found() {
    let change = |_: DamagePlace, entries: &mut Entries| entries.retain(|(name, _)| name != "export.xml");
    expect("no export.xml", &change, &no_damage, &whole_zip, &|kind| {
        *kind == ProblemKind::NoExportXml
    });
}

#[test]
fn an_emptied_cut_or_foreign_export_xml_is_found() {
    let is_it = |kind: &ProblemKind| matches!(kind, ProblemKind::BadExportXml(_));
    let damages: [fn(&mut Vec<u8>); 3] = [
        Vec::clear,
        |bytes| bytes.truncate(bytes.len() - 3),
        |bytes| *bytes = b"<html/>".to_vec(),
    ];
    for damage in damages {
        let change = |_: DamagePlace, entries: &mut Entries| damage(entry(entries, "export.xml"));
        expect("export.xml", &change, &no_damage, &export_xml, &is_it);
    }
}

#[test]
fn an_export_xml_of_another_domain_is_found() {
    let change = |_: DamagePlace, entries: &mut Entries| {
        let bytes = entry(entries, "export.xml");
        let text = String::from_utf8(bytes.clone()).expect("text");
        *bytes = text.replacen("<domain>", "<domain>X", 1).into_bytes();
    };
    let is_it = |kind: &ProblemKind| matches!(kind, ProblemKind::WrongDomain { .. });
    expect("another domain", &change, &no_damage, &export_xml, &is_it);
}

#[test]
fn a_wrong_or_senseless_hash_in_export_xml_is_found() {
    // Of the files of the firmware, `dp-aux/`, the outer ZIP itself has no rows.
    for place in [DamagePlace::Inner, DamagePlace::Export] {
        for (hash, kind) in [
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", ProblemKind::WrongHash),
            (
                "AAAA",
                ProblemKind::BadRow("its hash is no SHA-1 in base64".to_owned()),
            ),
            (
                "",
                ProblemKind::BadRow("its hash is no SHA-1 in base64".to_owned()),
            ),
        ] {
            let change = |entries: &mut Entries| {
                let bytes = entry(entries, "export.xml");
                let text = String::from_utf8(bytes.clone()).expect("text");
                let start = text.find(" hash=\"").expect("a hash") + 7;
                *bytes = format!("{}{hash}{}", &text[..start], &text[start + 28..]).into_bytes();
            };
            let bytes = place.archive(&FixtureGateway::new(), &change, &|_| {});
            let problems = found(&bytes);
            assert_eq!((problems.len(), &problems[0].kind), (1, &kind), "{place:?}");
            assert_eq!(problems[0].entry.as_deref(), Some("config/SALES.cfg"));
        }
    }
}

#[test]
fn swapped_domains_are_found() {
    for mut gateway in [FixtureGateway::new(), FixtureGateway::deflating()] {
        let zips =
            [&gateway.domains[0], &gateway.domains[1]].map(|domain| gateway.zip(&gateway.inner(domain)));
        let [first, second] = zips;
        let bytes = gateway.zip(&gateway.outer(&[("default", second), ("SALES", first)]));
        let problems = found(&bytes);
        let is_it = |problem: &&Problem| matches!(problem.kind, ProblemKind::WrongDomain { .. });
        // Each of the two says it twice.
        assert_eq!(problems.iter().filter(is_it).count(), 4, "{problems:?}");
        gateway.domains.pop();
        assert!(verify_any(&gateway.backup()).is_ok());
    }
}

#[test]
fn swapped_files_are_found() {
    for place in [DamagePlace::Inner, DamagePlace::Export] {
        let change = |entries: &mut Entries| {
            let held = std::mem::take(entry(entries, "config/SALES.cfg"));
            let other = std::mem::replace(entry(entries, "local/transform.xsl"), held);
            *entry(entries, "config/SALES.cfg") = other;
        };
        let problems = found(&place.archive(&FixtureGateway::new(), &change, &|_| {}));
        let kinds: Vec<_> = problems.iter().map(|problem| &problem.kind).collect();
        assert_eq!(kinds, [&ProblemKind::WrongHash; 2], "{place:?}");
    }
}

#[test]
fn a_missing_inner_zip_and_one_that_is_none_are_found() {
    for mut gateway in [FixtureGateway::new(), FixtureGateway::deflating()] {
        // The only one that lists the files of the firmware: they are not blamed as well.
        gateway.domains.remove(0);
        let mut entries = gateway.backup_entries();
        entry(&mut entries, "SALES.zip").clear();
        let problems = found(&gateway.zip(&entries));
        assert!(
            matches!(problems[0].kind, ProblemKind::BrokenZip(_)),
            "{problems:?}"
        );
        assert_eq!(problems[0].inner.as_deref(), Some("SALES.zip"));
        entries.retain(|(name, _)| name != "SALES.zip");
        let problems = found(&gateway.zip(&entries));
        assert_eq!((problems.len(), &problems[0].kind), (1, &ProblemKind::Missing));
        assert_eq!(problems[0].entry.as_deref(), Some("SALES.zip"));
    }
}

/// Rewrites the `export.xml` that lists the files of `SALES`.
fn rewrite(place: DamagePlace, from: &str, to: &str) -> Vec<u8> {
    let change = |entries: &mut Entries| {
        let bytes = entry(entries, "export.xml");
        let text = String::from_utf8(bytes.clone()).expect("text");
        assert!(text.contains(from), "{from}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    };
    place.archive(&FixtureGateway::new(), &change, &|_| {})
}

#[test]
fn a_row_of_a_file_that_the_gateway_did_not_have_may_not_say_more() {
    let path = "src=\"local/transform.xsl\" ";
    for place in [DamagePlace::Inner, DamagePlace::Export] {
        // The entry is there.
        let problems = found(&rewrite(place, path, &format!("{path}missing=\"true\" ")));
        let is_it = |problem: &Problem| matches!(&problem.kind, ProblemKind::BadRow(why) if why.contains("in the archive all the same"));
        assert!(problems.iter().any(is_it), "{place:?}: {problems:?}");
        // Only a hash is.
        let problems = found(&rewrite(place, path, "src=\"local/none\" missing=\"true\" "));
        let is_it = |problem: &Problem| matches!(&problem.kind, ProblemKind::BadRow(why) if why.contains("tells its hash"));
        assert!(problems.iter().any(is_it), "{place:?}: {problems:?}");
    }
}

#[test]
fn two_rows_of_one_file_that_say_different_things_are_found() {
    let key = "<file name=\"cert:///key.pem\" src=\"cert/key.pem\" key=\"true\"/>";
    for place in [DamagePlace::Inner, DamagePlace::Export] {
        let other = key.replace("cert:///key.pem", "local:///transform.xsl");
        let problems = found(&rewrite(place, key, &other));
        assert!(
            problems.iter().any(|problem| {
                problem.entry.as_deref() == Some("local:///transform.xsl")
                    && matches!(problem.kind, ProblemKind::BadRow(_))
            }),
            "{place:?}: {problems:?}"
        );
        assert!(verify_any(&rewrite(place, key, &format!("{key}{key}"))).is_ok());
    }
}

#[test]
fn a_row_that_gives_out_the_list_for_a_file_is_found_and_opened_by_nobody() {
    let hash = "hash=\"AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
    let is_it = |problem: &Problem| {
        let is_row = problem.entry.as_deref() == Some("local:///b.xsl");
        is_row && matches!(&problem.kind, ProblemKind::BadRow(why) if why.contains("export.xml"))
    };
    for place in [DamagePlace::Outer, DamagePlace::Inner, DamagePlace::Export] {
        for says in [
            hash,
            "internal=\"true\" HASH",
            "key=\"true\"",
            "missing=\"true\"",
            "",
        ] {
            let says = says.replace("HASH", hash);
            let row = format!("<file name=\"local:///b.xsl\" src=\"export.xml\" location=\"local\" {says}/>");
            let bytes = match place {
                DamagePlace::Outer => rewrite(place, "<domains>", &format!("<files>{row}</files><domains>")),
                DamagePlace::Inner | DamagePlace::Export => {
                    rewrite(place, "</files>", &format!("{row}</files>"))
                }
            };
            let problems = found(&bytes);
            assert!(problems.iter().any(is_it), "{place:?} {says}: {problems:?}");
            let (read, opened) = opened(&bytes);
            assert!(!opened.contains(&"local:///b.xsl".to_owned()), "{place:?} {says}");
            if says == hash {
                let Err(VerifyError::Invalid(invalid)) = read else {
                    panic!("{place:?} {says}: {read:?}");
                };
                assert!(invalid.problems.iter().any(is_it), "{invalid:?}");
            }
        }
    }
}

/// Reads an archive again that nobody verified; the files that were opened.
fn opened(bytes: &[u8]) -> (Result<(), VerifyError>, Vec<String>) {
    let mut opened = Vec::new();
    let mut open = |_: &str, row: &ListedFile, bytes: &mut dyn Read| {
        opened.push(row.name.clone());
        std::io::copy(bytes, &mut std::io::sink()).map(drop)
    };
    let read = reread(
        &file_of(bytes),
        &std::env::temp_dir(),
        &Limits::default(),
        Detail::Hashes,
        &mut |_, _| {},
        Some(&mut open),
    );
    (read, opened)
}
