use super::*;
use crate::artifact::fixture::{FixtureGateway, file_of};

fn compared(old: &[u8], new: &[u8], is_proved: bool, limits: &Limits) -> Result<Difference, CompareError> {
    let (old, new) = (file_of(old), file_of(new));
    let proof = match is_proved {
        true => ArchiveProof::Given,
        false => ArchiveProof::Missing(&Expected::Any),
    };
    let side = |file| Side {
        file,
        proof,
        only: None,
    };
    let machine = Machine {
        scratch: &std::env::temp_dir(),
        limits,
    };
    compare_on(side(&old), side(&new), usize::MAX, machine)
}

/// The same gateway, with an object that has changed, one that is new, and a file that has changed.
fn later(gateway: &FixtureGateway) -> FixtureGateway {
    let mut gateway = gateway.clone();
    let domain = &mut gateway.domains[1];
    domain.objects.push_str("<Later name=\"l\"><A>1</A></Later>");
    domain.objects = domain.objects.replacen("enabled", "disabled", 1);
    domain.files[0].bytes.extend_from_slice(b"more");
    gateway.circumstances.date = "2026-12-31".to_owned();
    gateway.circumstances.firmware = "IDG.10.9.9.9".to_owned();
    gateway
}

#[test]
fn an_archive_that_was_proved_before_is_compared_as_one_that_is_verified() {
    let limits = Limits::default();
    for gateway in [FixtureGateway::new(), FixtureGateway::deflating()] {
        let (old, new) = (gateway.backup(), later(&gateway).backup());
        let verified = compared(&old, &new, false, &limits).expect("a difference");
        let proved = compared(&old, &new, true, &limits).expect("a difference");
        assert_eq!(proved, verified);
        let [sales] = &proved.domains[..] else {
            panic!("not one domain: {proved:?}");
        };
        assert_eq!((sales.domain.as_str(), sales.files.len()), ("SALES", 1));
        assert!(sales.objects.iter().any(|object| object.change == Change::Added));
        assert!(
            sales.objects.iter().any(|object| object.change == Change::Changed
                && object
                    .properties
                    .iter()
                    .any(|one| matches!(one.values, Values::Differ { .. }))),
            "{sales:?}"
        );
        assert_eq!(
            compared(&old, &old, true, &limits).expect("a difference").domains,
            []
        );
    }
}

#[test]
fn of_a_damaged_archive_nothing_is_said() {
    let limits = Limits::default();
    let old = FixtureGateway::new().backup();
    let new = later(&FixtureGateway::new()).backup();
    for cut in [0, 10, new.len() / 2, new.len() - 1] {
        let error = compared(&old, &new[..cut], true, &limits).expect_err("it is cut");
        assert!(matches!(error, CompareError::Second(_)), "{error:?}");
    }
}

#[test]
fn more_names_than_may_be_held_are_given_up() {
    let limits = Limits {
        xml_listing_bytes: 1000,
        ..Limits::default()
    };
    let mut gateway = FixtureGateway::new();
    for number in 0..100 {
        let object = format!("<XMLManager name=\"manager-{number}\"/>");
        gateway.domains[1].objects.push_str(&object);
    }
    let archive = gateway.backup();
    let error = compared(&archive, &archive, true, &limits).expect_err("too many names");
    let CompareError::First(VerifyError::Invalid(invalid)) = error else {
        panic!("{error:?}");
    };
    assert!(invalid.to_string().contains("names of objects"), "{invalid}");
}

#[test]
fn more_properties_than_may_be_held_are_told_as_too_large() {
    let limits = Limits {
        xml_listing_bytes: 3000,
        ..Limits::default()
    };
    let with = |text: &str| {
        let mut gateway = FixtureGateway::new();
        for name in ["a", "b"] {
            let object = format!("<Large name=\"{name}\"><P>{text}</P></Large>");
            gateway.domains[1].objects.push_str(&object);
        }
        gateway.backup()
    };
    let (old, new) = (with(&"x".repeat(2000)), with(&"y".repeat(2000)));
    let difference = compared(&old, &new, true, &limits).expect("a difference");
    let objects = &difference.domains[0].objects;
    let values: Vec<_> = objects
        .iter()
        .map(|object| &object.properties[0].values)
        .collect();
    assert!(matches!(values[0], Values::Differ { .. }), "{values:?}");
    assert_eq!(*values[1], Values::TooLarge);
}

#[test]
fn the_order_of_two_objects_of_one_name_is_a_difference() {
    let of = |objects: &str| {
        let mut gateway = FixtureGateway::new();
        gateway.domains[1].objects.push_str(objects);
        gateway.backup()
    };
    let old = of("<Odd name=\"o\"><A>1</A></Odd><Odd name=\"o\"><A>2</A></Odd>");
    let new = of("<Odd name=\"o\"><A>2</A></Odd><Odd name=\"o\"><A>1</A></Odd>");
    let found = compared(&old, &new, true, &Limits::default()).expect("a difference");
    assert_eq!(found.domains.len(), 1, "{found:?}");
    let refused = compared(&old, &new, false, &Limits::default()).expect_err("two meanings");
    assert!(matches!(refused, CompareError::First(_)), "{refused:?}");
}
