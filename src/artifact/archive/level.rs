//! What was read of one ZIP and of its `export.xml`.

use std::collections::BTreeSet;

use crate::artifact::archive::content::Content;
use crate::artifact::archive::export_item::{
    DOMAIN_CLASS, ExportItem, Head, ListedFile, OF_DEVICE, Object, RowForm,
};
use crate::artifact::archive::lacks::LackFinder;
use crate::artifact::archive::listed_files::Contents;
use crate::artifact::archive::repeats::Repeats;
use crate::values::lacks::NameList;

/// One ZIP that has been read.
pub(super) struct Level {
    pub(super) contents: Contents,
    pub(super) export: Export,
}

/// What its `export.xml` holds.
#[derive(Default)]
pub(super) struct Export {
    pub(super) head: Head,
    pub(super) rows: Vec<ListedFile>,
    pub(super) domains: Vec<String>,
    pub(super) content: Content,
    pub(super) lacks: LackFinder,
    pub(super) objects: u64,
    pub(super) repeats: Repeats,
    /// The names of the objects of class `Domain`.
    pub(super) domain_objects: BTreeSet<String>,
    /// The objects that are about the whole gateway.
    pub(super) of_device: NameList,
    /// Looked for in the outer file alone.
    pub(super) beside_domains: Option<BesideDomains>,
}

/// The objects of another class than `Domain`: in the outer `export.xml` of a `do-backup` no gateway
/// is known to write any.
#[derive(Default)]
pub(super) struct BesideDomains {
    pub(super) count: u64,
    pub(super) first: String,
    pub(super) repeats: Repeats,
}

/// Whether the ZIP of one domain lists files of the firmware and has none of them.
pub(super) fn is_inner(level: &Level) -> bool {
    let is_there = |row: &ListedFile| {
        let src = row.src.as_deref().unwrap_or_default();
        level.contents.entries.contains_key(src)
    };
    let needs_entry = |row: &&ListedFile| matches!(row.form(), RowForm::Hashed(_) | RowForm::Unproved);
    let internal = level.export.rows.iter().filter(|row| row.internal);
    let mut internal = internal.filter(needs_entry).peekable();
    internal.peek().is_some() && !internal.any(is_there)
}

impl BesideDomains {
    fn add(&mut self, object: &Object) {
        if self.count == 0 {
            self.first = format!("{} {}", object.class, object.name);
        }
        self.count += 1;
        self.repeats.add(object);
    }
}

impl Export {
    pub(super) fn add(&mut self, item: ExportItem) {
        match item {
            ExportItem::Object(object) => {
                self.objects += 1;
                self.content.add_object(&object);
                self.lacks.add_object(&object);
                self.repeats.add(&object);
                if OF_DEVICE.contains(&object.class.as_str()) {
                    let name = format!("{} {}", object.class, object.name);
                    self.of_device.add(&name);
                }
                if object.class == DOMAIN_CLASS {
                    self.domain_objects.insert(object.name);
                } else if let Some(beside) = &mut self.beside_domains {
                    beside.add(&object);
                }
            }
            ExportItem::Unknown(section) => self.content.add_object(&section),
            ExportItem::File(row) => self.rows.push(row),
            ExportItem::Domain(name) => self.domains.push(name),
            ExportItem::Configuration(_) => {}
        }
    }
}
