//! Archives whose bytes are not those of a sound ZIP. Everywhere the damage has to be found,
//! and told at its place.

use super::damage::{
    DamagePlace, entry, expect, found, headers, listed, no_change, no_damage, position, verify_any, whole_zip,
};
use super::*;
use crate::artifact::fixture::{Entries, FixtureGateway, file_of};

#[test]
fn a_zip_that_is_cut_lengthened_or_prefixed_is_found() {
    let is_it = |kind: &ProblemKind| matches!(kind, ProblemKind::BrokenZip(_));
    let damages: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.push(0),
        |bytes| bytes.insert(0, 0),
        |bytes| bytes.insert(40, 0),
    ];
    for damage in damages {
        let damage = |_: DamagePlace, bytes: &mut Vec<u8>| damage(bytes);
        expect("length", &no_change, &damage, &whole_zip, &is_it);
    }
}

#[test]
fn a_flipped_bit_in_an_entry_is_found() {
    let is_it = |kind: &ProblemKind| matches!(kind, ProblemKind::BrokenEntry(_));
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let [header, _] = headers(bytes, place.listed());
        bytes[header + 30 + place.listed().len() + 2] ^= 0x10;
    };
    expect("a flipped bit", &no_change, &damage, &listed, &is_it);
}

#[test]
fn two_entries_of_one_name_are_found() {
    let change = |place: DamagePlace, entries: &mut Entries| {
        let twin = place.listed().replace('r', "R").replace("cfg", "cfG");
        let bytes = entry(entries, place.listed()).clone();
        entries.push((twin, bytes));
    };
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let twin = place.listed().replace('r', "R").replace("cfg", "cfG");
        for header in headers(bytes, &twin) {
            let name = position(&bytes[header..], twin.as_bytes(), 0) + header;
            bytes[name..][..twin.len()].copy_from_slice(place.listed().as_bytes());
        }
    };
    expect("a twin", &change, &damage, &listed, &|kind| {
        *kind == ProblemKind::DuplicateEntry
    });
}

#[test]
fn an_entry_shorter_than_its_header_says_is_found() {
    let is_it = |kind: &ProblemKind| matches!(kind, ProblemKind::BrokenEntry(_));
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let [local, central] = headers(bytes, place.listed());
        bytes[local + 22] += 1;
        bytes[central + 24] += 1;
    };
    expect("a size", &no_change, &damage, &listed, &is_it);
}

#[test]
fn a_folder_with_bytes_in_it_is_found() {
    let is_it = |kind: &ProblemKind| matches!(kind, ProblemKind::BrokenEntry(_));
    let change =
        |_: DamagePlace, entries: &mut Entries| entries.push(("local/x".to_owned(), b"hidden".to_vec()));
    let damage = |_: DamagePlace, bytes: &mut Vec<u8>| {
        let [_, central] = headers(bytes, "local/x");
        bytes[central + 38..][..4].copy_from_slice(&(0o040_755_u32 << 16).to_le_bytes());
        for header in headers(bytes, "local/x") {
            let name = position(&bytes[header..], b"local/x", 0) + header;
            bytes[name + 6] = b'/';
        }
    };
    expect("a folder", &change, &damage, &|_| Some("local//"), &is_it);
}

#[test]
fn an_encrypted_entry_is_found() {
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let [local, central] = headers(bytes, place.listed());
        bytes[local + 6] |= 1;
        bytes[central + 8] |= 1;
    };
    expect("encrypted", &no_change, &damage, &listed, &|kind| {
        *kind == ProblemKind::Encrypted
    });
}

#[test]
fn an_entry_of_an_unknown_method_is_found() {
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let [local, central] = headers(bytes, place.listed());
        bytes[local + 8] = 99;
        bytes[central + 10] = 99;
    };
    expect("method", &no_change, &damage, &listed, &|kind| {
        *kind == ProblemKind::UnknownMethod
    });
}

#[test]
fn a_symbolic_link_is_found() {
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let [_, central] = headers(bytes, place.listed());
        bytes[central + 38..][..4].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
    };
    expect("a link", &no_change, &damage, &listed, &|kind| {
        *kind == ProblemKind::NotPlain("a symbolic link")
    });
}

#[test]
fn a_header_that_contradicts_the_directory_is_found() {
    let damage = |place: DamagePlace, bytes: &mut Vec<u8>| {
        let [local, _] = headers(bytes, place.listed());
        bytes[local + 30] ^= 1;
    };
    expect("two names", &no_change, &damage, &listed, &|kind| {
        *kind == ProblemKind::HeadersDisagree("the name")
    });
}

#[test]
fn unsafe_names_are_found() {
    for name in ["/etc/passwd", "../x", "local/../../x", "local\\x", "local/\nx"] {
        let change = |_: DamagePlace, entries: &mut Entries| entries.push((name.to_owned(), Vec::new()));
        let entry = |_: DamagePlace| Some(name);
        expect(name, &change, &no_damage, &entry, &|kind| {
            *kind == ProblemKind::UnsafeName
        });
    }
}

#[test]
fn a_bomb_is_found_before_it_is_unpacked() {
    // About 1000 to 1: 20 MB of zeros in 20 kB, where 1 MB may be had for nothing.
    let limits = Limits {
        ratio: 100,
        ratio_free_bytes: 1_000_000,
        ..Limits::default()
    };
    let change = |entries: &mut Entries| entries.push(("local/bomb".to_owned(), vec![0; 20_000_000]));
    for gateway in [FixtureGateway::new(), FixtureGateway::deflating()] {
        for place in DamagePlace::ALL {
            let file = file_of(&place.archive(&gateway, &change, &|_| {}));
            let result = verify(&file, &std::env::temp_dir(), &Expected::Any, &limits);
            let Err(VerifyError::Invalid(invalid)) = result else {
                panic!("not found invalid: {result:?}");
            };
            let kind = ProblemKind::OverLimit("unpacked bytes");
            assert!(
                invalid.problems.iter().any(|problem| problem.kind == kind),
                "{invalid:?}"
            );
        }
    }
}

#[test]
fn a_directory_that_claims_millions_of_entries_costs_nothing() {
    let mut bytes = FixtureGateway::new().backup();
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].fill(0xff);
    let problems = found(&bytes);
    assert!(
        matches!(problems[0].kind, ProblemKind::BrokenZip(_)),
        "{problems:?}"
    );
}

#[test]
fn a_cut_anywhere_is_found() {
    let backup = FixtureGateway::deflating().backup();
    for length in 0..backup.len() {
        assert!(verify_any(&backup[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_no_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = File::open(folder.path()).expect("opened");
    let result = verify(&folder, Path::new("/tmp"), &Expected::Any, &Limits::default());
    assert!(matches!(result, Err(VerifyError::Read(_))), "{result:?}");
}

#[test]
fn a_scratch_folder_that_cannot_be_written_is_no_damage() {
    let file = file_of(&FixtureGateway::deflating().backup());
    let result = verify(&file, Path::new("/not/there"), &Expected::Any, &Limits::default());
    assert!(matches!(result, Err(VerifyError::Scratch(_))), "{result:?}");
}

#[test]
fn an_entry_that_is_said_to_go_on_behind_the_end_is_no_trouble_of_the_disk() {
    let gateway = FixtureGateway::new();
    let mut bytes = gateway.export();
    let entries = gateway.export_entries(&gateway.domains[0]);
    let [local, central] = headers(&bytes, &entries[0].0);
    let [_, next] = headers(&bytes, &entries[1].0);
    // Its lengths are told after its bytes, and the next entry is said to begin further on still.
    bytes[local + 6] |= 8;
    bytes[central + 8] |= 8;
    bytes[local + 14..local + 26].fill(0);
    bytes[central + 20..central + 24].copy_from_slice(&10_000_000_u32.to_le_bytes());
    bytes[next + 42..next + 46].copy_from_slice(&20_000_000_u32.to_le_bytes());
    let problems = found(&bytes);
    let kind = ProblemKind::HeadersDisagree("what is told after its bytes");
    assert!(
        problems.iter().any(|problem| problem.kind == kind),
        "{problems:?}"
    );
}
