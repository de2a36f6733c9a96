//! Damages an archive at each place of its two levels, in a given way.

use crate::artifact::archive::{
    Ahead, Expected, Limits, Problem, ProblemKind, VerifiedArchive, VerifyError, verify, verify_knowing,
};
use crate::artifact::fixture::{Entries, FixtureGateway, file_of};

pub(super) fn verify_any(bytes: &[u8]) -> Result<VerifiedArchive, VerifyError> {
    verify_both_ways(bytes, &Expected::Any, &Limits::default())
}

/// Verifies an archive of which nothing is known, and one that was looked at while it came: the
/// same must come of both, to the last word, whatever is wrong with it.
pub(super) fn verify_both_ways(
    bytes: &[u8],
    expected: &Expected,
    limits: &Limits,
) -> Result<VerifiedArchive, VerifyError> {
    let (file, scratch) = (file_of(bytes), std::env::temp_dir());
    let verified = verify(&file, &scratch, expected, limits);
    let mut reader = bytes;
    let ahead = Ahead::look(&mut reader, limits);
    let knowing = verify_knowing(&ahead, &file, &scratch, expected, limits);
    assert_eq!(format!("{knowing:?}"), format!("{verified:?}"));
    verified
}

pub(super) fn found(bytes: &[u8]) -> Vec<Problem> {
    match verify_any(bytes) {
        Err(VerifyError::Invalid(invalid)) => invalid.problems,
        other => panic!("not found invalid: {other:?}"),
    }
}

/// Where the damage is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DamagePlace {
    /// Among the entries of the outer ZIP of a `do-backup`.
    Outer,
    /// Among those of its inner ZIP `SALES.zip`.
    Inner,
    /// Among those of a `do-export` of `SALES`.
    Export,
}

impl DamagePlace {
    pub(super) const ALL: [DamagePlace; 3] = [DamagePlace::Outer, DamagePlace::Inner, DamagePlace::Export];

    pub(super) fn inner(self) -> Option<&'static str> {
        (self == DamagePlace::Inner).then_some("SALES.zip")
    }

    /// An entry that a row lists.
    pub(super) fn listed(self) -> &'static str {
        match self {
            DamagePlace::Outer => "dp-aux/drMgmt.xml",
            DamagePlace::Inner | DamagePlace::Export => "config/SALES.cfg",
        }
    }

    /// An archive whose ZIP at this place is changed, by entries and then by bytes.
    pub(super) fn archive(
        self,
        gateway: &FixtureGateway,
        change: &dyn Fn(&mut Entries),
        damage: &dyn Fn(&mut Vec<u8>),
    ) -> Vec<u8> {
        let [first, second] = [&gateway.domains[0], &gateway.domains[1]];
        let changed = |mut entries: Entries| {
            change(&mut entries);
            let mut bytes = gateway.zip(&entries);
            damage(&mut bytes);
            bytes
        };
        match self {
            DamagePlace::Outer => changed(gateway.backup_entries()),
            DamagePlace::Export => changed(gateway.export_entries(second)),
            DamagePlace::Inner => {
                let inners = [
                    ("default", gateway.zip(&gateway.inner(first))),
                    ("SALES", changed(gateway.inner(second))),
                ];
                gateway.zip(&gateway.outer(&inners))
            }
        }
    }
}

/// Damages each place in both forms of inner ZIPs, and asks for one problem to be among
/// those found, at the place.
pub(super) fn expect(
    what: &str,
    change: &dyn Fn(DamagePlace, &mut Entries),
    damage: &dyn Fn(DamagePlace, &mut Vec<u8>),
    entry: &dyn Fn(DamagePlace) -> Option<&'static str>,
    is_it: &dyn Fn(&ProblemKind) -> bool,
) {
    for gateway in [FixtureGateway::new(), FixtureGateway::deflating()] {
        for place in DamagePlace::ALL {
            let bytes = place.archive(&gateway, &|entries| change(place, entries), &|bytes| {
                damage(place, bytes);
            });
            let problems = found(&bytes);
            let is_found = problems.iter().any(|problem| {
                problem.inner.as_deref() == place.inner()
                    && problem.entry.as_deref() == entry(place)
                    && is_it(&problem.kind)
            });
            assert!(is_found, "{what} in {place:?}: {problems:?}");
        }
    }
}

pub(super) fn no_change(_: DamagePlace, _: &mut Entries) {}

pub(super) fn no_damage(_: DamagePlace, _: &mut Vec<u8>) {}

pub(super) fn listed(place: DamagePlace) -> Option<&'static str> {
    Some(place.listed())
}

pub(super) fn export_xml(_: DamagePlace) -> Option<&'static str> {
    Some("export.xml")
}

pub(super) fn whole_zip(_: DamagePlace) -> Option<&'static str> {
    None
}

pub(super) fn entry<'e>(entries: &'e mut Entries, name: &str) -> &'e mut Vec<u8> {
    let found = entries.iter_mut().find(|(held, _)| held == name);
    &mut found.expect("the entry").1
}

/// Where `needle` stands in `bytes`, the `nth` time.
pub(super) fn position(bytes: &[u8], needle: &[u8], nth: usize) -> usize {
    let mut places = bytes
        .windows(needle.len())
        .enumerate()
        .filter(|(_, seen)| *seen == needle);
    places.nth(nth).expect("the bytes").0
}

/// Where the headers of an entry begin: in front of its data, and in the directory.
pub(super) fn headers(bytes: &[u8], name: &str) -> [usize; 2] {
    let directory = bytes.len() - 6;
    let directory = u32::from_le_bytes(bytes[directory..][..4].try_into().expect("four bytes")) as usize;
    [
        position(&bytes[..directory], name.as_bytes(), 0) - 30,
        directory + position(&bytes[directory..], name.as_bytes(), 0) - 46,
    ]
}
