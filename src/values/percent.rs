//! Text in which every character that does not stay is written as its bytes, each with a `%` and two digits.

use std::fmt::Write as _;

/// `text`, in which a character stays where `stays` says so.
pub fn percent_encoded(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        match stays(character) {
            true => encoded.push(character),
            false => percent_encode(character, &mut encoded),
        }
    }
    encoded
}

/// Appends the bytes of a character.
pub fn percent_encode(character: char, into: &mut String) {
    let mut bytes = [0; 4];
    for byte in character.encode_utf8(&mut bytes).bytes() {
        // Writing into a String cannot fail.
        let _ = write!(into, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_stay_is_written_as_its_bytes() {
        let encoded = percent_encoded("a/b ä%", |character| character.is_ascii_alphanumeric());
        assert_eq!(encoded, "a%2Fb%20%C3%A4%25");
    }
}
