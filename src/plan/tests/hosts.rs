//! Which texts can be the host of a device.

use super::*;

/// The label of what is found wrong with this host, if anything is.
fn label(host: &str) -> Option<String> {
    let device = QA1.replace("host = \"qa1\"", &format!("host = \"{host}\""));
    let found = check(&format!("{LEAST}{device}")).err()?;
    Some(found.findings[0].labels[0].text.clone())
}

#[test]
fn a_host_is_a_name_that_dns_may_have_or_the_address_of_one_device() {
    let part = |letters: usize| "a".repeat(letters);
    let of_length = |last: usize| format!("{}{}", format!("{}.", part(62)).repeat(4), part(last));
    for fine in [
        "qa1",
        "qa1.",
        "0x.example",
        "10.example",
        "0xg",
        &part(63),
        &of_length(1),
    ] {
        assert_eq!(label(fine), None, "{fine}");
    }
    assert_eq!((of_length(1).len(), of_length(2).len()), (253, 254));
    let hyphen = "a part of a name neither begins nor ends with a hyphen";
    let length = "a name has at most 253 characters, and 63 in each part";
    let number = "it is a number, which resolvers take for an address";
    let dots = "nothing stands before, behind or between its dots";
    for (host, expected) in [
        ("-qa1", hyphen),
        ("qa1-.example.com", hyphen),
        ("qa1..example.com", dots),
        (&part(64), length),
        (&format!("{}.example", part(70)), length),
        (&of_length(2), length),
        (&of_length(60), length),
        ("2130706433", number),
        ("0x7f", number),
        ("0X7F", number),
        ("qa1.10", number),
        ("255.255.255.255", "it is an address of many"),
        ("224.0.0.1", "it is an address of many"),
    ] {
        assert_eq!(label(host).as_deref(), Some(expected), "{host}");
    }
}
