use super::*;

#[test]
fn a_name_of_a_device_has_128_characters_at_most_and_means_no_folder_and_no_option() {
    assert_eq!(fault_of_name(&"a".repeat(128)), None);
    assert_eq!(fault_of_name("qa-1.x_y"), None);
    for (name, fault) in [
        ("a".repeat(129).as_str(), "is longer than 128 characters"),
        ("a".repeat(200).as_str(), "is longer than 128 characters"),
        ("-qa", "begins with `-`"),
        (".", "means a folder"),
        ("..", "means a folder"),
        ("q a", "holds ' '"),
    ] {
        let said = fault_of_name(name).unwrap_or_default();
        assert!(said.contains(fault), "{name}: {said}");
    }
}

#[test]
fn what_is_written_beside_a_host_is_put_where_it_belongs() {
    for (text, help) in [
        (
            "https://qa1.example.com",
            Some("write `host = \"qa1.example.com\"`; it is always https"),
        ),
        ("op@qa1", Some("write `host = \"qa1\"`, `username = \"op\"`")),
        (
            "op:secret@qa1",
            Some("write `host = \"qa1\"`, `username = \"op\"`"),
        ),
        ("qa1:5551", Some("write `host = \"qa1\"`, `port = 5551`")),
        ("qa1/service?x#y", Some("write `host = \"qa1\"`")),
        // More than one colon is no host with a port, and what is empty is no host.
        ("2001:db8::1:x", None),
        ("a:b:5550", None),
        ("https://", None),
        ("qa 1", None),
    ] {
        assert_eq!(of_address(text).as_deref(), help, "{text}");
    }
}

#[test]
fn a_network_is_an_address_with_the_number_of_its_bits() {
    assert!(of_network("192.0.2.0/24").is_some() && of_network(" 2001:db8::/32 ").is_some());
    for text in ["192.0.2.0/x", "qa1/24", "192.0.2.0", "qa1/x"] {
        assert_eq!(of_network(text), None, "{text}");
    }
}

#[test]
fn what_is_no_host_for_another_reason_is_answered_by_that_reason() {
    for (text, part) in [
        ("[::1]:5550", "write `host = \"::1\"`, `port = 5550`"),
        ("[::1]", "write `host = \"::1\"`"),
        ("fe80::1%eth0", "on one interface alone"),
        ("$QA1", "nothing is put in its place"),
        ("qa*", "one device has one host"),
        ("qa1,qa2", "one host for each [[device]]"),
        ("qa1;qa2", "one host for each [[device]]"),
        ("qa1 qa2", "one host for each [[device]]"),
        ("münchen.example", "write it as DNS has it: `host = \"xn--"),
    ] {
        let said = of_other(text).unwrap_or_default();
        assert!(said.contains(part), "{text}: {said}");
    }
    for text in ["[qa1]:5550", "qa1%eth0", "qa1!"] {
        assert_eq!(of_other(text), None, "{text}");
    }
}
