//! The checksums of a manifest, in whatever form a device writes them.
//!
//! One client is known that compares them, with SHA-1 in lower-case hex (soma-wire 3.4). Which
//! others there are is not: so every hash is taken that is in use, in hex or base64, with the
//! name of its kind or without. What is none of these proves nothing, good or bad.

use std::fs::File;
use std::io::{self, Read};

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::values::hex::unhex;

/// A checksum of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Of a kind that can be computed.
    Known(HashKind, Vec<u8>),
    /// Of another kind, or none: as it stands in the manifest.
    Unknown(String),
}

/// The kinds of hashes that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashKind {
    /// 16 bytes.
    Md5,
    /// 20 bytes, which is what has been seen.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

/// What may stand between the digits of a hash.
const SEPARATORS: [char; 2] = [':', '-'];

const KINDS: [HashKind; 5] = [
    HashKind::Md5,
    HashKind::Sha1,
    HashKind::Sha256,
    HashKind::Sha384,
    HashKind::Sha512,
];

impl Checksum {
    /// Reads a checksum. `said` is what the manifest says about it elsewhere; without the name of a
    /// hash the length tells which it is. `None` where it is a known hash that was damaged: it says
    /// that it is one, or is but for a character or two.
    pub(super) fn read<'s>(text: &str, said: impl IntoIterator<Item = &'s str>) -> Option<Checksum> {
        let (prefix, digest) = split(without_file_name(without_frame(text)));
        let digest = without_frame(digest);
        let bare: String = digest.chars().filter(|c| !c.is_whitespace()).collect();
        let bare = without_mark_of_hex(&bare);
        let bytes = bytes(bare);
        let length = bytes.as_ref().map_or(0, Vec::len);
        let (prefix, said): (Option<&str>, Vec<&str>) = (
            prefix.filter(|name| !is_notation(name)),
            said.into_iter().filter(|name| !is_notation(name)).collect(),
        );
        let named: Vec<_> = prefix
            .into_iter()
            .chain(said.iter().copied())
            .map(|name| HashKind::named(name, length))
            .collect();
        if named.contains(&None) {
            // What stands in the middle of base64 makes no name of what is in front of it.
            let is_other = prefix.is_some_and(is_of_other_kind) || is_hex(bare);
            let is_damaged = said.is_empty() && !is_other && is_nearly_base64(text.trim());
            return (!is_damaged).then(|| Checksum::Unknown(text.to_owned()));
        }
        let by_length = KINDS.into_iter().find(|kind| kind.bytes() == length);
        let fits = named.iter().all(|kind| *kind == by_length);
        match (by_length, bytes) {
            (Some(kind), Some(bytes)) if fits => Some(Checksum::Known(kind, bytes)),
            _ if !named.is_empty() || is_nearly_hex(bare) || is_nearly_base64(bare) => None,
            _ => Some(Checksum::Unknown(text.to_owned())),
        }
    }

    /// Whether it is that of a file, read from where it stands. `None` where that cannot be told.
    pub(super) fn fits(&self, file: &mut File) -> io::Result<Option<bool>> {
        let Checksum::Known(kind, expected) = self else {
            return Ok(None);
        };
        let found = match kind {
            HashKind::Md5 => hash_of::<Md5>(file)?,
            HashKind::Sha1 => hash_of::<Sha1>(file)?,
            HashKind::Sha256 => hash_of::<Sha256>(file)?,
            HashKind::Sha384 => hash_of::<Sha384>(file)?,
            HashKind::Sha512 => hash_of::<Sha512>(file)?,
        };
        Ok(Some(found == *expected))
    }
}

impl HashKind {
    fn bytes(self) -> usize {
        match self {
            HashKind::Md5 => 16,
            HashKind::Sha1 => 20,
            HashKind::Sha256 => 32,
            HashKind::Sha384 => 48,
            HashKind::Sha512 => 64,
        }
    }

    /// The kind of this name, `SHA-256`, for a hash of so many bytes. The end of an address of
    /// an algorithm is a name as well.
    fn named(name: &str, bytes: usize) -> Option<HashKind> {
        let name = name.rsplit(['#', '/']).next().unwrap_or(name);
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        let letters = letters.collect::<String>().to_ascii_lowercase();
        Some(match letters.as_str() {
            "md5" => HashKind::Md5,
            "sha1" | "sha" => HashKind::Sha1,
            "sha256" | "sha2256" => HashKind::Sha256,
            "sha384" | "sha2384" => HashKind::Sha384,
            "sha512" | "sha2512" => HashKind::Sha512,
            // A family, of which the length tells the member.
            "sha2" => KINDS.into_iter().skip(2).find(|kind| kind.bytes() == bytes)?,
            _ => return None,
        })
    }
}

/// A checksum without the name of its file, which programs write behind it (`DIGEST  FILE`,
/// `DIGEST *FILE`), or between the name of its kind and itself (`SHA1(FILE)= DIGEST`).
fn without_file_name(text: &str) -> &str {
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        // Only half of a digest, or a piece of one, has another behind it.
        (Some(digest), Some(file), None) if file.starts_with('*') || file.contains('.') => digest,
        _ => text,
    }
}

/// A text without what encloses it: quotes, braces that hold no name, and what ends it in a list.
fn without_frame(text: &str) -> &str {
    let text = text.trim().trim_end_matches([';', ',']).trim_end();
    [('"', '"'), ('\'', '\''), ('{', '}'), ('[', ']')]
        .into_iter()
        .find_map(|(begin, end)| Some(text.strip_prefix(begin)?.strip_suffix(end)?.trim()))
        .filter(|inner| HashKind::named(inner, 32).is_none())
        .unwrap_or(text)
}

/// Digits of a hash without what says that they are hex.
fn without_mark_of_hex(bare: &str) -> &str {
    let digits = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X"));
    digits.unwrap_or(bare)
}

/// Whether a word says how a checksum is written, or that it is one, and nothing about its kind.
fn is_notation(word: &str) -> bool {
    const WORDS: [&str; 13] = [
        "b64",
        "base16",
        "base64",
        "base64binary",
        "checksum",
        "digest",
        "hash",
        "hex",
        "hexadecimal",
        "hexbinary",
        "string",
        "text",
        "token",
    ];
    let word = word.rsplit([':', '#', '/']).next().unwrap_or(word);
    WORDS.contains(&word.trim().to_ascii_lowercase().as_str())
}

/// Takes the name of a kind off the front: `{SHA}…`, `sha1:…`, `SHA-256=…`, `sha256-…`.
fn split(text: &str) -> (Option<&str>, &str) {
    let text = text.trim();
    let text = match text.get(..4) {
        Some(urn) if urn.eq_ignore_ascii_case("urn:") => &text[4..],
        _ => text,
    };
    if let Some((name, digest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        return (Some(name), digest.trim());
    }
    // No name of a hash looks like a piece of one, even if that is damaged.
    let is_name = |name: &str, rest: &str| {
        let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains(':');
        let is_piece = name.chars().all(|c| c.is_ascii_hexdigit()) || rest.contains(':');
        HashKind::named(name, 32).is_some() || is_word && !is_piece
    };
    let end_of = |separator: char| {
        let at = text.find(separator)?;
        is_name(&text[..at], &text[at + 1..]).then_some(at)
    };
    if let Some((name, rest)) = text.split_once('(')
        && let Some((_, digest)) = rest.rsplit_once(')')
        && let Some(digest) = digest.trim_start().strip_prefix('=')
    {
        return (Some(name.trim()), digest.trim());
    }
    // `SHA-256 …`, `sha256/…`: where a known name stands in front, and not a piece of base64.
    let is_whole = bytes(text).is_some_and(|bytes| KINDS.iter().any(|kind| kind.bytes() == bytes.len()));
    if let Some(at) = text.find([' ', '\t', '/'])
        && !is_whole
        && HashKind::named(&text[..at], 32).is_some()
    {
        return (Some(&text[..at]), text[at + 1..].trim());
    }
    let padding = |at: &usize| text[*at..].trim_matches('=').is_empty();
    let at = end_of(':')
        .or_else(|| end_of('=').filter(|at| !padding(at)))
        .or_else(|| {
            // `sha-256` has a dash in its name, and `sha256-…` one behind it.
            let mut dashes = text.match_indices('-').map(|(at, _)| at);
            dashes.rfind(|at| HashKind::named(&text[..*at], 32).is_some())
        });
    match at {
        Some(at) => (Some(text[..at].trim()), text[at + 1..].trim()),
        None => (None, text),
    }
}

/// Whether a word is the name of a hash, as far as names go: a family that is in use, and which of it.
fn is_of_other_kind(name: &str) -> bool {
    const FAMILIES: [&str; 15] = [
        "adler", "blake", "cksum", "crc", "fnv", "gost", "keccak", "md", "murmur", "ripemd", "rmd", "sha",
        "sm", "tiger", "xxh",
    ];
    let name = name.to_ascii_lowercase();
    let mut members = FAMILIES.iter().filter_map(|family| name.strip_prefix(family));
    let is_member = |member: &str| member.len() <= 8 && !member.contains(['+', '=']);
    members.any(is_member)
}

/// Whether a text is hex and too long to be that by chance.
fn is_hex(bare: &str) -> bool {
    bare.len() >= 8 && bare.len().is_multiple_of(2) && bare.chars().all(|c| c.is_ascii_hexdigit())
}

/// The bytes of a digest in hex, with something between the digits or without, or in base64.
fn bytes(bare: &str) -> Option<Vec<u8>> {
    let digits = bare.replace(SEPARATORS, "");
    if let Some(bytes) = unhex(&digits)
        && is_divided_evenly(bare)
    {
        return Some(bytes);
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(bare).ok())
}

/// Whether a text is as long as a known hash in hex, give or take a digit, and is one but for a
/// few characters.
fn is_nearly_hex(bare: &str) -> bool {
    let digits = bare.replace(SEPARATORS, "");
    KINDS
        .iter()
        .any(|kind| is_nearly(&digits, kind.bytes() * 2, |c| c.is_ascii_hexdigit()))
}

/// The same of base64. Where it has a padding, that has to be there: without it the length alone
/// says little.
fn is_nearly_base64(bare: &str) -> bool {
    let is_of = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    KINDS.iter().map(|kind| kind.bytes()).any(|bytes| {
        let is_padded = bytes % 3 == 0 || bare.ends_with('=');
        is_padded && is_nearly(bare, bytes.div_ceil(3) * 4, is_of)
    })
}

fn is_nearly(text: &str, length: usize, is_of: impl Fn(char) -> bool) -> bool {
    let count = text.chars().count();
    let odd = text.chars().filter(|c| !is_of(*c)).count();
    count.abs_diff(length) <= 1 && odd * 8 <= count
}

/// Whether what stands between hex digits divides them into pieces of one length.
fn is_divided_evenly(bare: &str) -> bool {
    let mut pieces = bare.split(SEPARATORS).map(str::len);
    let first = pieces.next().unwrap_or_default();
    first % 2 == 0 && pieces.all(|length| length == first)
}

fn hash_of<H: Digest>(file: &mut File) -> io::Result<Vec<u8>> {
    let mut hash = H::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
#[path = "manifest_checksum_tests.rs"]
mod tests;
