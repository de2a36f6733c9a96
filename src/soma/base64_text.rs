//! Base64 that comes in pieces of any length, decoded piece by piece.

use base64::Engine as _;
// Many characters at once where the processor can, which is found out when it runs.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::GeneralPurpose as Decoder;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Decoder;
use base64::engine::general_purpose::PAD;

/// The text of one file on its way to its bytes.
pub(super) struct Base64Text {
    engine: Decoder,
    /// The characters of a group of four that has begun, and is not whole yet.
    begun: [u8; 4],
    /// How many they are.
    count: usize,
    /// Room for the bytes of one piece.
    decoded: Vec<u8>,
    padded: bool,
}

impl Base64Text {
    pub(super) fn new() -> Self {
        Self {
            engine: standard(),
            begun: [0; 4],
            count: 0,
            decoded: Vec::new(),
            padded: false,
        }
    }

    /// The bytes of all groups that these characters make whole. The error says, in words, why
    /// they are no base64; then it is as if they had not come.
    pub(super) fn decode(&mut self, characters: &[u8]) -> Result<&[u8], String> {
        let missing = (4 - self.count) % 4;
        let (first, rest) = characters.split_at(missing.min(characters.len()));
        let (whole, behind) = rest.split_at(rest.len() - rest.len() % 4);
        // Of a group that is not whole yet nothing is decoded.
        if let Some(wrong) = first.iter().chain(behind).find(|byte| !is_base64(**byte)) {
            return Err(format!("there is a byte {wrong} in it"));
        }
        let (mut group, mut padded) = (self.begun, self.padded);
        put(&mut group, self.count, first);
        let mut count = self.count + first.len();
        let room = (count + whole.len()) / 4 * 3;
        if self.decoded.len() < room {
            self.decoded.resize(room, 0);
        }
        let mut length = 0;
        if count == 4 {
            length += self.groups(&group, length, &mut padded)?;
            count = 0;
        }
        length += self.groups(whole, length, &mut padded)?;
        put(&mut group, count, behind);
        (self.begun, self.count, self.padded) = (group, count + behind.len(), padded);
        Ok(self.decoded.get(..length).unwrap_or_default())
    }

    /// Decodes whole groups to this place, and says how many bytes they are.
    fn groups(&mut self, groups: &[u8], place: usize, padded: &mut bool) -> Result<usize, String> {
        if groups.is_empty() {
            return Ok(0);
        }
        if *padded {
            return Err("text goes on after its padding".to_owned());
        }
        let room = self.decoded.get_mut(place..).unwrap_or_default();
        let count = self
            .engine
            .decode_slice(groups, room)
            .map_err(|error| error.to_string())?;
        *padded = count < groups.len() / 4 * 3;
        Ok(count)
    }

    /// Whether all groups are whole.
    pub(super) fn is_whole(&self) -> bool {
        self.count == 0
    }
}

/// Whether a character may stand in base64, its padding included.
fn is_base64(character: u8) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, b'+' | b'/' | b'=')
}

/// Puts characters into a group, behind those that are there.
fn put(group: &mut [u8; 4], count: usize, characters: &[u8]) {
    for (place, character) in group.iter_mut().skip(count).zip(characters) {
        *place = *character;
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn standard() -> Decoder {
    Decoder::standard(PAD)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn standard() -> Decoder {
    Decoder::new(&base64::alphabet::STANDARD, PAD)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn decoded(text: &[u8], pieces: &[usize]) -> Result<(Vec<u8>, bool), String> {
        let (mut decoder, mut bytes, mut rest) = (Base64Text::new(), Vec::new(), text);
        let mut lengths = pieces.iter().cycle();
        while !rest.is_empty() {
            let length = lengths
                .next()
                .map_or(rest.len(), |length| *length)
                .min(rest.len());
            let (piece, behind) = rest.split_at(length);
            bytes.extend_from_slice(decoder.decode(piece)?);
            rest = behind;
        }
        Ok((bytes, decoder.is_whole()))
    }

    proptest! {
        // Long ones too: many bytes at once are decoded in another way than a few.
        #[test]
        fn the_bytes_are_the_same_whatever_the_pieces(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            pieces in proptest::collection::vec(1_usize..600, 0..8),
        ) {
            let text = STANDARD.encode(&bytes);
            prop_assert_eq!(decoded(text.as_bytes(), &pieces), Ok((bytes, true)));
        }

        #[test]
        fn a_wrong_character_is_an_error_wherever_it_stands(
            length in 1_usize..1500,
            place in any::<proptest::sample::Index>(),
            wrong in any::<u8>(),
            pieces in proptest::collection::vec(1_usize..600, 0..8),
        ) {
            let mut text = STANDARD.encode(vec![7; length * 3]).into_bytes();
            let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
            let place = place.index(text.len());
            // At the very end an equals sign is sound.
            let wrong = if sound(wrong) || wrong == b'=' { b'*' } else { wrong };
            text[place] = wrong;
            prop_assert!(decoded(&text, &pieces).is_err());
        }
    }

    #[test]
    fn nothing_goes_on_after_padding_whatever_the_pieces() {
        for text in ["QQ==QUJD", "QUI=QUJD", "QQ==QQ==", "QUJDQQ==QUJDQUJD"] {
            for piece in 1..9 {
                assert!(decoded(text.as_bytes(), &[piece]).is_err(), "{text} by {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_base64_changes_nothing_of_what_came_before() {
        let mut decoder = Base64Text::new();
        let mut bytes = decoder.decode(b"QUJDQU").expect("base64").to_vec();
        for wrong in [&b"<"[..], b"J<", b"JD\nQUJD", b"I=QUJD", b"JD QUJD"] {
            assert!(decoder.decode(wrong).is_err(), "{wrong:?}");
        }
        bytes.extend_from_slice(decoder.decode(b"JD").expect("base64"));
        assert_eq!((bytes.as_slice(), decoder.is_whole()), (&b"ABCABC"[..], true));
    }

    #[test]
    fn a_group_that_is_not_whole_is_no_byte_and_is_told() {
        assert_eq!(decoded(b"QUJDQU", &[]), Ok((b"ABC".to_vec(), false)));
        assert_eq!(decoded(b"QUJDQU", &[1]), Ok((b"ABC".to_vec(), false)));
        assert_eq!(decoded(b"", &[]), Ok((Vec::new(), true)));
    }
}
