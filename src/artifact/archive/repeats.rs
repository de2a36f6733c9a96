//! Objects that stand more than once in one `export.xml`. A gateway has one object of a class and a
//! name; of two, some programs take the first, others the last.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sha2::{Digest, Sha256};

use crate::artifact::archive::canonical::mark;
use crate::artifact::archive::export_item::Object;

/// So many are told.
const TOLD: usize = 50;

/// Half of a SHA-256: enough to tell one thing from another.
type Mark = [u8; 16];

/// The objects seen so far.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    seen: HashMap<Mark, Mark>,
    pub(super) found: Vec<RepeatedObject>,
}

/// One that stands again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RepeatedObject {
    /// With the same content: in words.
    Same(String),
    /// With another: in words.
    Differs(String),
}

impl Repeats {
    pub(super) fn add(&mut self, object: &Object) {
        let mut which = Sha256::new();
        mark(&mut which, b'c', &object.class);
        mark(&mut which, b'n', &object.name);
        let (which, content) = (half(which.finalize().as_slice()), half(&object.hash));
        match self.seen.entry(which) {
            Entry::Vacant(place) => {
                place.insert(content);
            }
            Entry::Occupied(_) if self.found.len() >= TOLD => {}
            Entry::Occupied(first) => {
                let what = format!("{} {}", object.class, object.name);
                self.found.push(match *first.get() == content {
                    true => RepeatedObject::Same(format!("{what} stands twice, with the same content")),
                    false => RepeatedObject::Differs(format!("{what} stands twice, with different content")),
                });
            }
        }
    }
}

fn half(hash: &[u8]) -> Mark {
    let mut half = Mark::default();
    half.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(class: &str, name: &str, content: u8) -> Object {
        Object {
            class: class.to_owned(),
            name: name.to_owned(),
            hash: [content; 32],
            properties: Vec::new(),
            key_files: Vec::new(),
        }
    }

    #[test]
    fn an_object_that_stands_again_is_told_with_whether_it_says_the_same() {
        let mut repeats = Repeats::default();
        for (class, name, content) in [
            ("A", "x", 1),
            ("B", "x", 1),
            ("A", "y", 1),
            ("A", "x", 2),
            ("B", "x", 1),
        ] {
            repeats.add(&object(class, name, content));
        }
        assert_eq!(
            repeats.found,
            [
                RepeatedObject::Differs("A x stands twice, with different content".to_owned()),
                RepeatedObject::Same("B x stands twice, with the same content".to_owned()),
            ]
        );
        (0..200).for_each(|content| repeats.add(&object("A", "x", content)));
        assert_eq!(repeats.found.len(), TOLD);
    }
}
