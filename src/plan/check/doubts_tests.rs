use super::*;

/// What is said of a pattern of domains: its help, where anything is.
fn said_of(pattern: &str) -> Option<String> {
    let odd = pattern.chars().find(|c| !can_be_in_a_domain(*c));
    match (meant_otherwise(pattern, odd), odd) {
        (Some((.., help)), _) => Some(help),
        (None, Some(odd)) => Some(instead_of_odd(pattern, odd)),
        (None, None) => None,
    }
}

#[test]
fn a_pattern_of_domains_that_is_meant_otherwise_is_answered_with_what_is_meant() {
    for fine in ["default", "all-domains", "DOM*", "a.b_c-d", "allowed", "*"] {
        assert_eq!(said_of(fine), None, "{fine}");
    }
    for (pattern, part) in [
        ("Default", "write \"default\""),
        ("All", "write \"*\" for one export of each domain"),
        ("every", "write \"*\" for one export of each domain"),
        ("all_domains", "write \"*\" for one export of each domain"),
        ("all domains", "write \"*\" for one export of each domain"),
        ("-DOM1", "`domains = \"*, !DOM1\"`"),
        ("DOM.*", "`*` alone stands for any characters: \"DOM*\""),
        ("QA1/DOM1", "which `devices` has: `domains = \"DOM1\"`"),
        ("'DOM1'", "without the inner quotes: `domains = \"DOM1\"`"),
        (
            "DOM1 DOM2",
            "a comma separates patterns: `domains = \"DOM1, DOM2\"`",
        ),
        (
            "DOM1;DOM2",
            "a comma separates patterns: `domains = \"DOM1, DOM2\"`",
        ),
        (
            "DOM1 # the first",
            "a comma separates patterns: `domains = \"DOM1\"`",
        ),
        ("DÖM", "names of domains have letters from a to z"),
    ] {
        let said = said_of(pattern).unwrap_or_default();
        assert!(said.contains(part), "{pattern}: {said}");
    }
}

#[test]
fn an_expression_becomes_the_patterns_that_it_stands_for_where_it_stands_for_any() {
    for (written, patterns) in [
        ("/DOM/", Some("DOM")),
        ("^DOM$", Some("DOM")),
        ("^DOM", Some("DOM")),
        ("DOM$", Some("DOM")),
        ("DOM%", Some("DOM*")),
        ("(A|B)", Some("A, B")),
        ("^(A.*|B.+)$", Some("A*, B*")),
        // Neither an expression by its signs, nor one whose parts are patterns.
        ("DOM", None),
        ("/", None),
        ("//", None),
        ("/DOM", None),
        ("DOM/", None),
        ("A|B", None),
        ("(A|)", None),
        ("^A[12]$", None),
    ] {
        assert_eq!(from_expression(written).as_deref(), patterns, "{written}");
    }
}

#[test]
fn words_between_blanks_become_patterns_and_what_is_left_out_has_its_mark() {
    for (written, patterns) in [
        ("A B", "A, B"),
        ("A and B", "A, B"),
        ("A not B C", "A, !B, !C"),
        ("* except B", "*, !B"),
        ("not A", "*, !A"),
        ("!A -B", "*, !A, !B"),
        ("A - B", "A, !B"),
        ("A # but not B", "A"),
    ] {
        assert_eq!(in_patterns(written), patterns, "{written}");
    }
}
