//! What an answer to an import says where nothing is to be said: beside its results, between their rows, and of a row in
//! more than its attributes. Nobody knows what firmware does with these places; that it uses them for good news
//! alone is not to be expected.

use roxmltree::Node;

use crate::soma::reply::quote;
use crate::values::xml::{all_text, children, is_named};

/// What stands there.
#[derive(Debug, Default)]
pub(super) struct StrayWords {
    /// What tells of a failure.
    pub(super) failed: Vec<String>,
    /// What is not understood.
    pub(super) strange: Vec<String>,
}

/// The sections whose rows are read.
const SECTIONS: [&str; 4] = [
    "imported-files",
    "imported-objects",
    "file-copy-log",
    "exec-script-results",
];

/// What is said about an import outside of its results: in the import itself, in what stands beside it, and around that.
pub(super) fn around(import: Node<'_, '_>) -> StrayWords {
    let mut stray = StrayWords::default();
    stray.say("in the import", &own_text(import));
    let response = import.parent_element();
    let body = response.and_then(|response| response.parent_element());
    for (around, own) in [(response, Some(import)), (body, response)] {
        let others = around.into_iter().flat_map(|around| around.children());
        let others = others.filter(|node| node.is_element() && Some(*node) != own);
        for other in others.filter(|node| !is_named(*node, "timestamp")) {
            match all_text(other) {
                text if text == "OK" => {}
                _ if is_named(other, "Fault") => stray.fail("beside the import", &all_text(other)),
                text if text.is_empty() => stray.fail("beside the import", other.tag_name().name()),
                text => stray.fail("beside the import", &text),
            }
        }
    }
    let envelope = body.and_then(|body| body.parent_element());
    let headers = envelope
        .into_iter()
        .flat_map(|envelope| children(envelope, "Header"));
    for header in headers.map(all_text).filter(|text| tells_of_failure(text)) {
        stray.fail("in its header", &header);
    }
    for errors in children(import, "detected-errors").filter(|errors| !are_none(*errors)) {
        stray.fail("that it detected errors", &told(errors));
    }
    stray
}

/// What is said in results beside what is read of them.
pub(super) fn within(results: Node<'_, '_>) -> StrayWords {
    let mut stray = StrayWords::default();
    stray.say("in its results", &own_text(results));
    for attribute in results
        .attributes()
        .filter(|attribute| attribute.name() != "domain")
    {
        if ["status", "result"].contains(&attribute.name()) || tells_of_failure(attribute.name()) {
            stray.say(
                "of its results",
                &format!("{}={}", attribute.name(), attribute.value()),
            );
        }
    }
    let sections = SECTIONS.iter().flat_map(|section| children(results, section));
    for section in sections {
        stray.say(&format!("in {}", section.tag_name().name()), &own_text(section));
        // The words of these two are read with their rows.
        let is_read = is_named(section, "file-copy-log") || is_named(section, "exec-script-results");
        for row in section.children().filter(Node::is_element) {
            stray.of_row(row, is_read);
        }
    }
    for debug in children(results, "imported-debug")
        .map(all_text)
        .filter(|text| tells_of_failure(text))
    {
        stray.doubt("in imported-debug", &debug);
    }
    stray
}

/// Whether `detected-errors` says that there are none, and nothing else.
pub(super) fn are_none(errors: Node<'_, '_>) -> bool {
    let has_more = errors.attributes().next().is_some() || errors.children().any(|node| node.is_element());
    all_text(errors) == "false" && !has_more
}

/// What an element says, in its text, its attributes and what is in it.
pub(super) fn told(node: Node<'_, '_>) -> String {
    let inner = node.descendants().filter(Node::is_element);
    let attributes = inner.flat_map(|node| {
        node.attributes()
            .map(|own| format!("{}={}", own.name(), own.value()))
    });
    let words: Vec<String> = std::iter::once(all_text(node)).chain(attributes).collect();
    words.join(" ").trim().to_owned()
}

/// Whether words tell that something failed or was left out.
pub(super) fn tells_of_failure(words: &str) -> bool {
    let words = words.to_lowercase();
    [
        "error",
        "fail",
        "unable",
        "unreadable",
        " full",
        "cannot",
        "could not",
        "denied",
        "invalid",
        "not found",
        "no domain access",
        "must be",
        "skip",
        "reject",
        "permission",
        "missing",
    ]
    .iter()
    .any(|word| words.contains(word))
}

impl StrayWords {
    fn say(&mut self, place: &str, words: &str) {
        if words.is_empty() {
            return;
        }
        match tells_of_failure(words) {
            true => self.fail(place, words),
            false => self.doubt(place, words),
        }
    }

    fn fail(&mut self, place: &str, words: &str) {
        self.failed.push(format!("{place} it says {}", quote(words)));
    }

    fn doubt(&mut self, place: &str, words: &str) {
        self.strange.push(format!("{place} it says {}", quote(words)));
    }

    /// More than a row of results has: words, elements, an attribute for errors, or, of a row that is said to be
    /// good, a word for a failure.
    fn of_row(&mut self, row: Node<'_, '_>, is_read: bool) {
        let name = ["class", "name"].map(|name| row.attribute(name).unwrap_or_default());
        let place = format!("of {}", quote(name.join(" ").trim()));
        let words = all_text(row);
        let has_error = row
            .children()
            .any(|inner| inner.is_element() && tells_of_failure(inner.tag_name().name()));
        let outcome = row.attribute("status").or_else(|| row.attribute("result"));
        match (is_read, outcome) {
            // Its words are told with its outcome.
            (true, outcome) if !matches!(outcome, Some("SUCCESS" | "OK" | "ignored")) => {}
            _ if has_error => self.fail(&place, &told(row)),
            (true, _) if !tells_of_failure(&words) => {}
            _ => self.say(&place, &words),
        }
        let known = ["status", "result", "name", "class", "src"];
        for attribute in row.attributes().filter(|own| !known.contains(&own.name())) {
            if tells_of_failure(attribute.name()) {
                self.doubt(&place, &format!("{}={}", attribute.name(), attribute.value()));
            }
        }
    }
}

/// The text right in an element, each run of white space a blank.
fn own_text(node: Node<'_, '_>) -> String {
    let texts = node
        .children()
        .filter(Node::is_text)
        .filter_map(|node| node.text());
    texts
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}
