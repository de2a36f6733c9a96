use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::*;
use crate::values::hex::hex;

/// The hashes of `abc`.
fn digests() -> [(HashKind, Vec<u8>, &'static str); 5] {
    [
        (HashKind::Md5, Md5::digest(b"abc").to_vec(), "md5"),
        (HashKind::Sha1, Sha1::digest(b"abc").to_vec(), "sha1"),
        (HashKind::Sha256, Sha256::digest(b"abc").to_vec(), "sha256"),
        (HashKind::Sha384, Sha384::digest(b"abc").to_vec(), "sha384"),
        (HashKind::Sha512, Sha512::digest(b"abc").to_vec(), "sha512"),
    ]
}

fn separated(bytes: &[u8], separator: &str) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| hex(&[*byte])).collect();
    pairs.join(separator)
}

#[test]
fn a_hash_is_read_in_every_kind_and_form() {
    assert_eq!(hex(&digests()[0].1), "900150983cd24fb0d6963f7d28e17f72");
    for (kind, bytes, name) in digests() {
        let upper = name.to_uppercase();
        let dashed = upper.replace("SHA", "SHA-");
        let (plain, base64) = (hex(&bytes), BASE64.encode(&bytes));
        let forms = [
            plain.clone(),
            plain.to_uppercase(),
            separated(&bytes, ":"),
            separated(&bytes, ":").to_uppercase(),
            separated(&bytes, "-"),
            separated(&bytes, " "),
            base64.clone(),
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            format!("{name}:{plain}"),
            format!("{upper}: {plain}"),
            format!("{dashed}:{base64}"),
            format!("{name}:{}", separated(&bytes, ":")),
            format!("{dashed}={plain}"),
            format!("{name}={base64}"),
            format!("{name}-{base64}"),
            format!("{{{upper}}}{base64}"),
            format!("{{{dashed}}}{plain}"),
            format!(" {plain}\n"),
            format!("0x{plain}"),
            format!("0X{}", plain.to_uppercase()),
            format!("{name}:0x{plain}"),
            format!("hex:{plain}"),
            format!("base64:{base64}"),
            format!("{plain}  cert.tgz"),
            format!("{plain} *cert.tgz"),
            format!("{upper}(cert.tgz)= {plain}"),
            format!("{upper} (cert.tgz) = {plain}"),
            format!("{dashed}(a(1)=b.tgz)= {plain}"),
            format!("{dashed} {plain}"),
            format!("{upper} {base64}"),
            format!("{name}/{plain}"),
            format!("urn:{name}:{plain}"),
            format!("\"{plain}\""),
            format!("'{base64}'"),
            format!("{{{plain}}}"),
            format!("{name}: \"{plain}\""),
            format!("{plain};"),
            format!("{plain},"),
        ];
        for form in forms {
            let known = Some(Checksum::Known(kind, bytes.clone()));
            assert_eq!(Checksum::read(&form, None), known, "{form}");
            for named in [
                name,
                &upper,
                &dashed,
                &format!("http://www.w3.org/2000/09/xmldsig#{name}"),
            ] {
                assert_eq!(Checksum::read(&form, Some(named)), known, "{form} {named}");
            }
        }
    }
    // What a manifest says of the notation says nothing of the kind.
    for (kind, bytes, _) in digests() {
        let known = Some(Checksum::Known(kind, bytes.clone()));
        for notation in ["hex", "hexadecimal", "xs:string", "xsd:hexBinary", "HEX", "hash"] {
            assert_eq!(Checksum::read(&hex(&bytes), [notation]), known, "{notation}");
        }
    }
    let (_, sha256, _) = &digests()[2];
    let known = Some(Checksum::Known(HashKind::Sha256, sha256.clone()));
    assert_eq!(
        Checksum::read(&format!("SHA2-256(a.tgz)= {}", hex(sha256)), None),
        known
    );
    assert_eq!(Checksum::read(&hex(sha256), ["hex", "SHA-256"]), known);
    let sha1 = &digests()[1].1;
    let known = Some(Checksum::Known(HashKind::Sha1, sha1.clone()));
    assert_eq!(
        Checksum::read(&format!("{{SHA}}{}", BASE64.encode(sha1)), None),
        known
    );
}

#[test]
fn what_is_of_no_known_kind_is_not_known() {
    let (sha1, sha256) = (hex(&digests()[1].1), hex(&digests()[2].1));
    let sha224 = &sha256[..56];
    let salted = format!("{{SSHA}}{}", BASE64.encode(&digests()[1].1));
    let unknown = |text: &str| Some(Checksum::Unknown(text.to_owned()));
    for text in [
        "abc",
        "352441c2",
        "crc32:352441c2",
        &salted,
        &format!("sha3-256:{sha256}"),
        &format!("blake2s:{sha256}"),
        // As long as base64 of a hash that is known.
        &format!("sha224:{sha224}"),
        &format!("SHA224={sha224}"),
        &format!("sha-224:{sha224}"),
        "xxh3-64:7a3b1f258a4e1ae1",
        "lookup3:7a3b1f258a4e1ae1",
        "RIPEMD160(cert.tgz)= 8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
        "352441c2  cert.tgz",
        "md4:qZk+NkcGgWq6PiVxeFDCbA==",
        &"z".repeat(40),
        &"0".repeat(48),
        // SHA-1 in base32: as long as MD5 in hex.
        "VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5",
    ] {
        assert_eq!(Checksum::read(text, None), unknown(text), "{text}");
    }
    for other in ["RIPEMD-160", "HMAC-SHA1", "CRC", "proprietary"] {
        assert_eq!(Checksum::read(&sha1, Some(other)), unknown(&sha1), "{other}");
        assert_eq!(Checksum::read(&sha1, ["hex", other]), unknown(&sha1), "{other}");
    }
}

#[test]
fn a_known_hash_that_was_damaged_is_none() {
    let (sha1, sha256) = (hex(&digests()[1].1), hex(&digests()[2].1));
    let texts = [
        format!("sha1:{sha256}"),
        format!("sha256:{sha1}"),
        format!("sha1:{}", &sha1[1..]),
        format!("0x{}", &sha1[1..]),
        format!("{}z  cert.tgz", &sha1[1..]),
        format!("SHA1(cert.tgz)= {}", &sha1[1..]),
        format!("SHA256(cert.tgz)= {sha1}"),
        "{MD5}".to_owned(),
        "a9:993e:364706816aba3e25717850c26c9cd0d89d".to_owned(),
    ];
    for text in texts {
        assert_eq!(Checksum::read(&text, None), None, "{text}");
    }
    assert_eq!(Checksum::read(&sha1, Some("SHA-256")), None);
    for (_, bytes, name) in digests() {
        for form in [hex(&bytes), separated(&bytes, ":"), BASE64.encode(&bytes)] {
            let good = Checksum::read(&form, None);
            for index in 0..form.len() {
                for bit in 0..7 {
                    let mut damaged = form.clone().into_bytes();
                    damaged[index] ^= 1 << bit;
                    let damaged = String::from_utf8(damaged).expect("ASCII");
                    // Upper case is no damage; of a separator, or the padding, little is left.
                    let is_same = Checksum::read(&damaged, None) == good;
                    let is_kept = !form.as_bytes()[index].is_ascii_alphanumeric() || bit == 5;
                    assert!(!is_same || is_kept, "{name}: {form} and {damaged}");
                    if !form.ends_with('=') || index + 2 < form.len() {
                        let read = Checksum::read(&damaged, None);
                        let is_unknown = matches!(read, Some(Checksum::Unknown(_)));
                        assert!(!is_unknown, "{name}: {form} and {damaged}");
                    }
                }
            }
        }
    }
}
