//! The extra fields of a header: what they may be, and the numbers that ZIP64 moves into them.
//!
//! Some extra fields change what an entry is: a second name, another size, an encryption, the
//! target of a link. Programs that know them follow them, and all others do not. So only those
//! pass that no program takes for more than times and owners.

use crate::artifact::archive::zip_end::{le16, le32, le64};

const ZIP64: u16 = 0x0001;
/// Times as Unix has them.
const TIMES: u16 = 0x5455;

/// A Windows security descriptor.
const SECURITY: u16 = 0x4453;

/// Other times, and owners: of NTFS, three of Info-ZIP for Unix, and the mark by which Java knows
/// its own archives.
const HARMLESS: [u16; 5] = [0x000a, 0x5855, 0x7855, 0x7875, 0xcafe];

/// The numbers of a header that may stand in its extra fields instead, as they stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeaderNumbers {
    pub(super) unpacked: u64,
    pub(super) packed: u64,
    /// A header in front of the bytes has none.
    pub(super) local_start: Option<u64>,
    /// Nor this one.
    pub(super) disk: Option<u64>,
}

/// Puts the numbers of a ZIP64 field where the header refers to it, and tells whether there is
/// such a field. The error says, in words, what only some programs understand.
pub(super) fn read(extra: &[u8], numbers: &mut HeaderNumbers) -> Result<bool, String> {
    let mut has_zip64 = false;
    let mut rest = extra;
    while !rest.is_empty() {
        let Some((head, after)) = rest.split_at_checked(4) else {
            return Err("its extra fields end in the middle of one".to_owned());
        };
        let Some((field, after)) = after.split_at_checked(usize::from(le16(head, 2))) else {
            return Err("its extra fields end in the middle of one".to_owned());
        };
        match le16(head, 0) {
            ZIP64 if has_zip64 => return Err("it has two ZIP64 fields".to_owned()),
            ZIP64 => {
                numbers.take(field)?;
                has_zip64 = true;
            }
            // Some programs refuse an entry whose times are not as many as they say.
            TIMES if !times_fit(field, numbers.local_start.is_none()) => {
                return Err("its times are not as many as they say".to_owned());
            }
            TIMES => {}
            // Some programs refuse an entry whose rights are not in the form that they say.
            SECURITY if !is_security(field, numbers.local_start.is_none()) => {
                return Err("its security descriptor is not in the form that it says".to_owned());
            }
            SECURITY => {}
            id if HARMLESS.contains(&id) => {}
            id => {
                return Err(format!(
                    "an extra field that only some programs understand, {id:#06x}"
                ));
            }
        }
        rest = after;
    }
    Ok(has_zip64)
}

/// One byte says which of three times follow. In front of the bytes all of these do, or only the
/// first; in the directory some tools leave out all but the first, and some do not.
fn times_fit(field: &[u8], is_local: bool) -> bool {
    let Some((says, times)) = field.split_first() else {
        return false;
    };
    let told = 4 * says.count_ones() as usize;
    match is_local {
        true => times.len() == 4 || times.len() == told,
        false => times.len() % 4 == 0,
    }
}

/// Four bytes say how long the descriptor is. In front of the bytes it follows, packed: a version of
/// zero, a method as entries have it, and a CRC go before it.
fn is_security(field: &[u8], is_local: bool) -> bool {
    let is_some = field.len() >= 4 && le32(field, 0) > 0;
    let is_packed = || field.len() > 11 && field[4] == 0 && matches!(le16(field, 5), 0 | 8);
    match is_local {
        true => is_some && is_packed(),
        false => is_some && field.len() == 4,
    }
}

impl HeaderNumbers {
    /// The field holds exactly the numbers that the header refers to it for, in this order.
    fn take(&mut self, field: &[u8]) -> Result<(), String> {
        let mut rest = field;
        let long = u64::from(u32::MAX);
        // In front of the bytes there is no field with one of the two lengths: some programs take it for both.
        let has_one = (self.unpacked == long) != (self.packed == long);
        if self.local_start.is_none() && has_one {
            return Err("its ZIP64 field has one of two lengths".to_owned());
        }
        let numbers = [
            Some(&mut self.unpacked),
            Some(&mut self.packed),
            self.local_start.as_mut(),
        ];
        let unfit = || "its ZIP64 field does not hold what its header looks for in it".to_owned();
        for number in numbers.into_iter().flatten().filter(|number| **number == long) {
            let (bytes, after) = rest.split_at_checked(8).ok_or_else(unfit)?;
            *number = le64(bytes, 0);
            rest = after;
        }
        if let Some(disk) = self.disk.as_mut().filter(|disk| **disk == u64::from(u16::MAX)) {
            let (bytes, after) = rest.split_at_checked(4).ok_or_else(unfit)?;
            *disk = u64::from(le32(bytes, 0));
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(unfit()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: u64 = u32::MAX as u64;

    fn field(id: u16, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).expect("a short field");
        [&id.to_le_bytes()[..], &length.to_le_bytes(), bytes].concat()
    }

    fn numbers(unpacked: u64, packed: u64, local_start: u64, disk: u64) -> HeaderNumbers {
        HeaderNumbers {
            unpacked,
            packed,
            local_start: Some(local_start),
            disk: Some(disk),
        }
    }

    #[test]
    fn times_and_owners_pass_in_any_number() {
        let mut extra: Vec<u8> = HARMLESS.iter().flat_map(|id| field(*id, b"abc")).collect();
        extra.extend(field(TIMES, b"\x03abcd"));
        extra.extend(field(SECURITY, &[9, 0, 0, 0]));
        let mut found = numbers(1, 2, 3, 0);
        assert_eq!(read(&extra, &mut found), Ok(false));
        assert_eq!(read(&[], &mut found), Ok(false));
        assert_eq!(found, numbers(1, 2, 3, 0));
    }

    #[test]
    fn a_security_descriptor_has_the_form_that_some_programs_look_for() {
        let local = |bytes: &[u8]| {
            let mut numbers = HeaderNumbers {
                local_start: None,
                disk: None,
                ..numbers(1, 2, 3, 0)
            };
            read(&field(SECURITY, bytes), &mut numbers)
        };
        let packed = [&[80, 0, 0, 0, 0, 8, 0, 1, 2, 3, 4][..], b"packed"].concat();
        assert_eq!(local(&packed), Ok(false));
        for bytes in [&b""[..], &[80, 0, 0, 0], &packed[..11], &[0; 60_000], &[0xff; 60]] {
            assert!(local(bytes).is_err(), "{bytes:?}");
        }
        for bytes in [&b""[..], &[0; 4], &[1], &packed] {
            let read = read(&field(SECURITY, bytes), &mut numbers(1, 2, 3, 0));
            assert!(read.is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn in_front_of_the_bytes_zip64_has_both_lengths_or_none() {
        let wide = [[1_u8, 0, 0, 0, 0, 0, 0, 0]; 2].concat();
        let local = |unpacked: u64, packed: u64, bytes: &[u8]| {
            let mut numbers = HeaderNumbers {
                local_start: None,
                disk: None,
                ..numbers(unpacked, packed, 3, 0)
            };
            read(&field(ZIP64, bytes), &mut numbers)
        };
        assert_eq!(local(LONG, LONG, &wide), Ok(true));
        assert!(local(LONG, 2, &wide[..8]).is_err());
        assert!(local(1, LONG, &wide[..8]).is_err());
        // The directory has those that it refers to, and no others.
        assert_eq!(
            read(&field(ZIP64, &wide[..8]), &mut numbers(LONG, 2, 3, 0)),
            Ok(true)
        );
    }

    #[test]
    fn fields_that_change_an_entry_for_some_programs_are_refused() {
        // A second name, a second comment, encryption, Unix with the target of a link.
        for id in [0x7075, 0x6375, 0x9901, 0x0017, 0x000d, 0x756e, 0x0000, 0x1234] {
            let why = read(&field(id, b""), &mut numbers(1, 2, 3, 0)).expect_err("refused");
            assert!(why.contains(&format!("{id:#06x}")), "{why}");
        }
    }

    #[test]
    fn times_are_as_many_as_they_say() {
        let fits = |field: &[u8], is_local| times_fit(field, is_local);
        for (says, length) in [(1, 4), (3, 8), (3, 4), (7, 12), (7, 4), (2, 4), (0, 0)] {
            let field = [vec![says], vec![0; length]].concat();
            assert!(fits(&field, true), "{says} {length}");
        }
        for (says, length) in [(3, 12), (3, 0), (1, 8), (7, 8), (1, 3), (0, 8)] {
            let field = [vec![says], vec![0; length]].concat();
            assert!(!fits(&field, true), "{says} {length}");
        }
        for (says, length, is_fit) in [(3, 4, true), (3, 0, true), (3, 8, true), (1, 2, false)] {
            let field = [vec![says], vec![0; length]].concat();
            assert_eq!(fits(&field, false), is_fit, "{says} {length}");
        }
        assert!(!fits(&[], true) && !fits(&[], false));
    }

    #[test]
    fn fields_that_do_not_fill_their_place_are_refused() {
        let whole = field(0x5455, b"abcde");
        for length in 1..whole.len() {
            assert!(
                read(&whole[..length], &mut numbers(1, 2, 3, 0)).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn zip64_holds_the_numbers_that_the_header_refers_to_it_for_and_no_others() {
        let of = |values: &[u64]| -> Vec<u8> {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            field(ZIP64, &bytes)
        };
        let mut all = numbers(LONG, LONG, LONG, 0xffff);
        let with_disk = [of(&[7, 8, 9])[4..].to_vec(), 0_u32.to_le_bytes().to_vec()].concat();
        assert_eq!(read(&field(ZIP64, &with_disk), &mut all), Ok(true));
        assert_eq!(all, numbers(7, 8, 9, 0));
        let mut one = numbers(5, LONG, 3, 0);
        assert_eq!(read(&of(&[8]), &mut one), Ok(true));
        assert_eq!(one, numbers(5, 8, 3, 0));
        for (values, referring) in [
            (&[7, 8][..], numbers(5, LONG, 3, 0)),
            (&[7], numbers(5, 6, 3, 0)),
            (&[7], numbers(LONG, LONG, 3, 0)),
            (&[], numbers(LONG, 6, 3, 0)),
        ] {
            let mut found = referring;
            assert!(read(&of(values), &mut found).is_err(), "{values:?} {referring:?}");
        }
        let twice = [of(&[8]), of(&[8])].concat();
        assert!(read(&twice, &mut numbers(5, LONG, 3, 0)).is_err());
    }

    #[test]
    fn a_header_in_front_of_the_bytes_has_two_numbers() {
        let mut found = HeaderNumbers {
            unpacked: LONG,
            packed: LONG,
            local_start: None,
            disk: None,
        };
        let bytes = [7_u64.to_le_bytes(), 8_u64.to_le_bytes()].concat();
        assert_eq!(read(&field(ZIP64, &bytes), &mut found), Ok(true));
        assert_eq!((found.unpacked, found.packed), (7, 8));
    }
}
