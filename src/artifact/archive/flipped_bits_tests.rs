//! A bit that flips is found, or changes nothing for any program.

use super::damage::verify_any;
use super::forge::{ForgedEntry, forged_backup, forged_export, zip};
use super::other_readers::seen_alike;
use crate::artifact::fixture::FixtureGateway;

#[test]
fn a_flipped_bit_that_passes_changes_nothing_for_anybody() {
    let deflating = FixtureGateway::deflating();
    let wide: Vec<ForgedEntry> = forged_export()
        .into_iter()
        .map(|entry| ForgedEntry {
            is_wide: true,
            version: 45,
            ..entry
        })
        .collect();
    for (what, bytes, bits) in [
        ("a do-export", zip(&forged_export()), 8),
        ("a do-backup", forged_backup(&|_| {}), 1),
        ("a do-backup with deflated ZIPs", deflating.backup(), 1),
        ("ZIP64", FixtureGateway::to_zip64(&zip(&wide)), 1),
    ] {
        let before = verify_any(&bytes).expect(what);
        let seen = seen_alike(&bytes).expect(what);
        let mut passed = 0;
        for index in 0..bytes.len() {
            for bit in (0..bits).map(|bit| (index + bit) % 8) {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                let Ok(after) = verify_any(&flipped) else {
                    continue;
                };
                assert_eq!(after, before, "{what}, bit {bit} of byte {index}");
                let found = seen_alike(&flipped);
                assert_eq!(found.as_ref(), Ok(&seen), "{what}, bit {bit} of byte {index}");
                passed += 1;
            }
        }
        // Times of day, owners, rights: little else.
        let flipped = bytes.len() * bits;
        assert!(
            0 < passed && passed * 4 < flipped,
            "{what}: {passed} of {flipped} passed"
        );
    }
}
