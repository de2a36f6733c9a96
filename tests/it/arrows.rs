//! The layout of the house: which room may know which, and that no file of one needs itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Module, Source};

/// What a room may use. `plan::model`, `run::event` and `run::status` are plain data; the
/// rooms that know only those say so.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["commands", "values"]),
    ("cli", &["exit", "run::status", "values"]),
    ("misunderstood", &["cli", "values"]),
    (
        "commands",
        &[
            "artifact",
            "change",
            "cli",
            "clock",
            "exit",
            "freshness",
            "history",
            "lock",
            "misunderstood",
            "notify",
            "ownership",
            "plan",
            "report",
            "retention",
            "run",
            "secret",
            "signal",
            "soma",
            "ui",
            "values",
            "whole_file",
        ],
    ),
    ("ui", &["cli", "run::event", "run::status", "threads", "values"]),
    (
        "report",
        &[
            "artifact",
            "change",
            "exit",
            "freshness",
            "history",
            "plan::model",
            "retention::prove",
            "run::error",
            "run::event",
            "run::examine",
            "run::execution",
            "run::restore",
            "run::status",
            "soma::certificate",
            "values",
        ],
    ),
    (
        "notify",
        &[
            "plan::model",
            "run::event",
            "run::status",
            "secret",
            "soma::resolve",
            "soma::tcp",
            "soma::tls",
            "soma::tls_words",
            "threads",
            "values",
            "whole_file",
        ],
    ),
    (
        "freshness",
        &["history", "plan::model", "run::event", "run::status", "values"],
    ),
    (
        "retention",
        &[
            "artifact",
            "history",
            "plan::model",
            "run::event",
            "run::status",
            "values",
        ],
    ),
    (
        "history",
        &[
            "lock",
            "notify::past",
            "ownership",
            "run::event",
            "run::ledger",
            "run::status",
            "values",
        ],
    ),
    (
        "run",
        &[
            "artifact",
            "change",
            "clock",
            "exit",
            "gateway",
            "script",
            "lock",
            "ownership",
            "plan::model",
            "secret",
            "signal",
            "soma",
            "threads",
            "values",
        ],
    ),
    ("plan", &["ownership", "secret", "values"]),
    ("gateway", &["clock", "signal", "soma", "values"]),
    ("soma", &["ownership", "threads", "values"]),
    ("artifact", &["ownership", "threads", "values"]),
    ("change", &["artifact", "values"]),
    ("process", &[]),
    ("script", &["ownership", "process", "values"]),
    ("lock", &["clock", "ownership", "signal", "threads", "values"]),
    ("clock", &["signal", "values"]),
    ("signal", &["threads"]),
    ("threads", &[]),
    ("exit", &[]),
    ("secret", &["ownership", "process", "script", "values"]),
    ("ownership", &["values"]),
    ("values", &[]),
    ("whole_file", &["ownership", "values"]),
];

#[test]
fn the_arrows_between_rooms_point_inwards() {
    let source = Source::read();
    let rules: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut needed = BTreeSet::new();
    for module in source.modules() {
        let Some(from) = module.path.first() else {
            continue;
        };
        let allowed = rules
            .get(from.as_str())
            .unwrap_or_else(|| panic!("a room without a rule: {from}"));
        for (used, name) in source.used_by(module) {
            let used = used.join("::");
            let granting = |rule: &&&str| used == ***rule || used.starts_with(&format!("{rule}::"));
            match allowed.iter().find(granting) {
                _ if used == *from || used.starts_with(&format!("{from}::")) => {}
                Some(rule) => {
                    needed.insert((from.clone(), *rule));
                }
                None => wrong.push(format!("{} uses {name}", module.file.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let granted = ARROWS
        .iter()
        .flat_map(|(from, allowed)| allowed.iter().map(|rule| ((*from).to_owned(), *rule)));
    let unused: Vec<_> = granted.filter(|arrow| !needed.contains(arrow)).collect();
    assert!(unused.is_empty(), "arrows that nobody needs: {unused:?}");
}

#[test]
fn no_file_needs_itself_through_others() {
    let source = Source::read();
    let mut uses: BTreeMap<String, BTreeMap<String, String>> = source
        .modules()
        .map(|module| (named(module), used(source, module)))
        .collect();
    // Whoever needs nobody and whom nobody needs is taken away, again and again: what is left
    // stands in circles, or between two.
    loop {
        let needed: BTreeSet<String> = uses.values().flat_map(BTreeMap::keys).cloned().collect();
        let before = uses.len();
        uses.retain(|module, used| !used.is_empty() && needed.contains(module));
        let left: BTreeSet<String> = uses.keys().cloned().collect();
        for used in uses.values_mut() {
            used.retain(|module, _| left.contains(module));
        }
        if uses.len() == before {
            break;
        }
    }
    assert!(uses.is_empty(), "{uses:#?}");
}

fn named(module: &Module) -> String {
    module.path.join("::")
}

/// The modules that one needs, each with a name that it uses of it.
fn used(source: &Source, module: &Module) -> BTreeMap<String, String> {
    let used = source.used_by(module).into_iter();
    used.map(|(path, name)| (path.join("::"), name)).collect()
}
