//! What a backup tool must never send, whatever it is asked for: a gateway that is dropped complains of it,
//! so that every test that meets a gateway is also a test of this.

use roxmltree::{Document, Node};

use super::http::Incoming;

/// What begins the name of the tool in its requests.
const TOOL: &str = "dpbackup/";

/// What an import must always say.
const ATTRIBUTES: [&str; 4] = [
    "dry-run",
    "overwrite-files",
    "overwrite-objects",
    "rewrite-local-ip",
];

/// Whether a request asks for a secure restore, in any form that anybody may have thought of.
pub(super) fn restores_securely(text: &str) -> bool {
    text.contains("SecureRestore")
}

/// What is forbidden in a request of the tool. `tried` is the last dry run that it has sent.
pub(super) fn forbidden_to_the_tool(incoming: &Incoming, text: &str, tried: &mut String) -> Vec<String> {
    match incoming.header("user-agent") {
        Some(agent) if agent.starts_with(TOOL) => {
            forbidden(text).into_iter().chain(untried(text, tried)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether this is a real import that was not the last one to be tried, word for word: once for each try.
pub fn untried(text: &str, tried: &mut String) -> Option<String> {
    const DRY: &str = " dry-run=\"true\"";
    if !text.contains(":do-restore ") && !text.contains(":do-import ") {
        return None;
    }
    if text.contains(DRY) {
        text.clone_into(tried);
        return None;
    }
    let same = std::mem::take(tried) == text.replace(" dry-run=\"false\"", DRY);
    (!same).then(|| "a real import that was not tried right before".to_owned())
}

/// What is forbidden in the text of a request, a sentence each.
pub fn forbidden(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if restores_securely(text) {
        found.push("a SecureRestore".to_owned());
    }
    let Ok(document) = Document::parse(text) else {
        return found;
    };
    let is_import = |node: &Node| matches!(node.tag_name().name(), "do-import" | "do-restore");
    for import in document.descendants().filter(is_import) {
        let name = import.tag_name().name();
        for attribute in ATTRIBUTES {
            if !matches!(import.attribute(attribute), Some("true" | "false")) {
                found.push(format!("a {name} without a plain {attribute}"));
            }
        }
        if import.has_attribute("deployment-policy") {
            found.push(format!("a {name} with a deployment policy"));
        }
        let sent_in = import.parent().and_then(|request| request.attribute("domain"));
        if name == "do-import" && matches!(sent_in, None | Some("default" | "")) {
            found.push("an import into default".to_owned());
        }
        for domain in import
            .children()
            .filter(|node| node.tag_name().name() == "domain")
        {
            if let None | Some("" | "default" | "all-domains") = domain.attribute("name") {
                found.push("a restore of default".to_owned());
            }
            if domain.attribute("reset-domain") != Some("false") {
                found.push("a restore that may reset a domain".to_owned());
            }
            if domain.attribute("import-domain") != Some("true") {
                found.push("a restore that does not say whether it makes the domain".to_owned());
            }
        }
    }
    found
}
