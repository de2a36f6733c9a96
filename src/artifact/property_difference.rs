//! What differs between the properties of two objects.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::archive::Property;
use crate::artifact::secret_values::hidden_paths;

/// What differs in one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyDifference {
    /// Names of elements, and at the end perhaps of an attribute.
    pub path: String,
    /// How its values differ.
    pub values: Values,
}

/// How the values of a property differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Those that only one of the two has. Lists have any number of them.
    Differ {
        /// Only in the first.
        old: Vec<String>,
        /// Only in the second.
        new: Vec<String>,
    },
    /// The same values in another order.
    Order,
    /// They are, or may be, secret.
    Secret,
    /// There are so many that they were not looked at.
    TooLarge,
}

/// What differs between the properties of two objects, in the order in which they stand.
pub(super) fn property_differences(
    class: &str,
    old: &[Property],
    new: &[Property],
) -> Vec<PropertyDifference> {
    let hidden = hidden_paths(class, old.iter().chain(new));
    let mut paths: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for property in old.iter().chain(new) {
        if seen.insert(property.path.as_str()) {
            paths.push(&property.path);
        }
    }
    let of = |properties: &[Property]| {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for property in properties {
            let list = values.entry(property.path.clone()).or_default();
            list.push(property.value.clone());
        }
        values
    };
    let (old, new) = (of(old), of(new));
    let mut found = Vec::new();
    for path in paths {
        let (old, new) = (old.get(path), new.get(path));
        if old == new {
            continue;
        }
        let (old, new) = (
            old.map_or(&[][..], Vec::as_slice),
            new.map_or(&[][..], Vec::as_slice),
        );
        let values = if hidden.contains(path) {
            Values::Secret
        } else {
            let (only_old, only_new) = (without(old, new), without(new, old));
            match (only_old.is_empty(), only_new.is_empty()) {
                (true, true) => Values::Order,
                _ => Values::Differ {
                    old: only_old,
                    new: only_new,
                },
            }
        };
        found.push(PropertyDifference {
            path: path.to_owned(),
            values,
        });
    }
    // The hashes differ, and no property does: they stand in another order.
    if found.is_empty() {
        found.push(PropertyDifference {
            path: String::new(),
            values: Values::Order,
        });
    }
    found
}

/// The values of one list that the other does not have, each as often as it is lacking.
fn without(list: &[String], other: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in other {
        *counts.entry(value).or_default() += 1;
    }
    let mut lacking = Vec::new();
    for value in list {
        match counts.get_mut(value.as_str()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => lacking.push(value.clone()),
        }
    }
    lacking
}
