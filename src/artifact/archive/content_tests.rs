//! The hash over what an archive says: blind to how and when it was written, and to nothing else.

use std::collections::BTreeSet;

use super::damage::verify_any;
use crate::artifact::fixture::{FixtureForm, FixtureGateway};

fn content(change: impl FnOnce(&mut FixtureGateway)) -> String {
    let mut gateway = FixtureGateway::new();
    change(&mut gateway);
    verify_any(&gateway.backup()).expect("a good archive").content
}

fn rewrite(from: &'static str, to: &'static str) -> impl FnOnce(&mut FixtureGateway) {
    move |gateway| {
        let objects = &mut gateway.domains[1].objects;
        assert!(objects.contains(from), "nothing to rewrite");
        *objects = objects.replace(from, to);
    }
}

#[test]
fn the_content_hash_is_blind_to_how_and_when_it_was_written() {
    let plain = content(|_| {});
    let volatile = |gateway: &mut FixtureGateway| {
        gateway.circumstances.date = "2027-12-31".to_owned();
        gateway.circumstances.address = "192.0.2.99".to_owned();
        gateway.circumstances.firmware = "IDG.10.0.1.6".to_owned();
        gateway.circumstances.aux = b"<another-model/>".to_vec();
    };
    assert_eq!(content(volatile), plain, "another time, firmware, address");
    assert_eq!(
        content(|gateway| gateway.domains.reverse()),
        plain,
        "another order of domains"
    );
    assert_eq!(
        content(|gateway| gateway.domains[1].files.reverse()),
        plain,
        "another order of files"
    );
    let inner_method = zip::CompressionMethod::Deflated;
    assert_eq!(
        content(|gateway| gateway.inner_method = inner_method),
        plain,
        "another method"
    );
    assert_eq!(
        content(rewrite("<http>", "\n\t  <http>")),
        plain,
        "white space between elements"
    );
    let turned = rewrite(
        "name=\"default\" intrinsic=\"true\"",
        "intrinsic='true'  name=\"default\"",
    );
    assert_eq!(content(turned), plain, "attributes in another order and quotes");
    assert_eq!(
        content(rewrite("256", "2<!-- -->5<![CDATA[6]]>")),
        plain,
        "another way to write a text"
    );
    assert_eq!(
        content(rewrite("256", "&#x32;56")),
        plain,
        "a character reference"
    );
    let turned = |gateway: &mut FixtureGateway| {
        let objects = &mut gateway.domains[1].objects;
        let second = objects.find("<XMLManager").expect("a second object");
        *objects = format!("{}{}", &objects[second..], &objects[..second]);
    };
    assert_eq!(content(turned), plain, "objects in another order");
}

#[test]
fn the_content_hash_sees_every_change() {
    let mut seen = BTreeSet::from([content(|_| {})]);
    let mut differs = |what: &str, hash: String| assert!(seen.insert(hash), "{what}");
    differs("a value", content(rewrite("256", "257")));
    differs("a blank in a value", content(rewrite("256", "256 ")));
    differs(
        "an attribute",
        content(rewrite("intrinsic=\"true\"", "intrinsic=\"false\"")),
    );
    differs("a reference", content(rewrite("\"HTTPUserAgent\"", "\"Other\"")));
    differs(
        "a name",
        content(rewrite(
            "<XMLManager name=\"default\"",
            "<XMLManager name=\"other\"",
        )),
    );
    differs("a class", content(rewrite("XMLManager", "XMLManagers")));
    differs(
        "two values turned",
        content(rewrite(
            "<http>on</http>\n<https>off</https>",
            "<https>off</https>\n<http>on</http>",
        )),
    );
    differs("an element less", content(rewrite("<http>on</http>", "")));
    differs(
        "an element moved out",
        content(rewrite(
            "<https>off</https></URLMap>",
            "</URLMap><https>off</https>",
        )),
    );
    differs(
        "an object twice",
        content(|gateway| {
            let objects = &mut gateway.domains[1].objects;
            let second = objects[objects.find("<XMLManager").expect("one")..].to_owned();
            objects.push_str(&second);
        }),
    );
    differs(
        "a byte of a file",
        content(|gateway| gateway.domains[1].files[1].bytes.push(b'!')),
    );
    differs(
        "a file less",
        content(|gateway| drop(gateway.domains[1].files.remove(1))),
    );
    differs(
        "a key less",
        content(|gateway| drop(gateway.domains[1].files.remove(2))),
    );
    differs(
        "a file that the gateway does not have any more",
        content(|gateway| gateway.domains[1].files[1].form = FixtureForm::Missing),
    );
    differs(
        "a key of that name",
        content(|gateway| gateway.domains[1].files[1].form = FixtureForm::Key),
    );
    differs(
        "a file with another name",
        content(|gateway| gateway.domains[1].files[1].src.push('x')),
    );
    differs(
        "a domain less",
        content(|gateway| drop(gateway.domains.remove(1))),
    );
    differs(
        "the same change in another domain",
        content(|gateway| {
            let objects = &mut gateway.domains[0].objects;
            *objects = objects.replace("256", "257");
        }),
    );
}
