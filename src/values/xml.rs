//! Elements by their local name: which namespace or prefix an answer of a gateway has is not known, and means nothing.

use roxmltree::Node;

/// The elements of this name right below `parent`.
pub fn children<'a, 'input: 'a>(
    parent: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent.children().filter(move |node| is_named(*node, name))
}

/// Whether this is an element of this name.
pub fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// All text below an element, each run of white space a blank, and one between the texts of two elements.
pub fn all_text(node: Node<'_, '_>) -> String {
    let mut all = String::new();
    let mut last = None;
    for text in node.descendants().filter(Node::is_text) {
        if last.is_some() && last != text.parent() {
            all.push(' ');
        }
        last = text.parent();
        all.push_str(text.text().unwrap_or_default());
    }
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_local_name_alone() {
        let document = roxmltree::Document::parse(
            "<r xmlns:dp='urn:a' xmlns='urn:b'>a<a>1</a><dp:a>2</dp:a><b><a>3</a></b><!--a--></r>",
        )
        .expect("a document");
        let texts: Vec<String> = children(document.root_element(), "a").map(all_text).collect();
        assert_eq!(texts, ["1", "2"]);
    }

    #[test]
    fn text_is_that_of_every_depth_on_one_line() {
        let document =
            roxmltree::Document::parse("<r> one\n<a>two</a>\t<!-- no --> <b><c> three </c></b></r>")
                .expect("a document");
        assert_eq!(all_text(document.root_element()), "one two three");
        let document = roxmltree::Document::parse("<r>o<!-- -->ne<a>two</a><b>three</b>four</r>");
        assert_eq!(
            all_text(document.expect("a document").root_element()),
            "one two three four"
        );
    }
}
