//! What differs between what runs in a domain and a backup.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use crate::artifact::compare::{self, ArchiveProof, Side};
use crate::artifact::difference::{Difference, DomainDifference};
use crate::run::running_domain::RunningDomain;
use crate::values::causes::with_causes;
use crate::values::change::Change;
use crate::values::first_few::first_few;
use crate::values::restorable_domain::RestorableDomain;

/// So many parts stand in a message.
pub(super) const NAMED: usize = 5;

/// What differs between what runs and an archive, or the other way round. Both were verified.
pub(super) fn difference(
    old: &File,
    new: &File,
    domain: &RestorableDomain,
    scratch: &Path,
) -> Result<Difference, String> {
    let side = |file| Side {
        file,
        proof: ArchiveProof::Given,
        only: Some(domain.name()),
    };
    compare::compare(side(old), side(new), usize::MAX, scratch)
        .map_err(|error| format!("what differs cannot be told: {}", with_causes(&error)))
}

/// From what runs to what is in the backup.
pub(super) fn merge_difference(
    running: &RunningDomain,
    archive: &File,
    domain: &RestorableDomain,
    scratch: &Path,
) -> Result<Difference, String> {
    difference(&running.file, archive, domain, scratch)
}

/// Whether nothing differs that an import is about: what is saved follows when that is saved.
pub(super) fn is_same(difference: &Difference, domain: &RestorableDomain) -> bool {
    let saved = saved_file(domain);
    difference.domains.iter().all(|domain| {
        domain.whole.is_none()
            && domain.objects.is_empty()
            && domain.files.iter().all(|file| file.name == saved)
    })
}

/// What differs of what runs: the file with what is saved follows when that is saved.
pub(super) fn but_for_saved(mut difference: Difference, domain: &RestorableDomain) -> Difference {
    let saved = saved_file(domain);
    for domain in &mut difference.domains {
        domain.files.retain(|file| file.name != saved);
    }
    difference.domains.retain(differs);
    difference
}

fn differs(domain: &DomainDifference) -> bool {
    domain.whole.is_some() || !domain.objects.is_empty() || !domain.files.is_empty()
}

/// The file with what is saved of a domain.
fn saved_file(domain: &RestorableDomain) -> String {
    format!("config:///{domain}.cfg")
}

/// What came out otherwise than it was to.
pub(super) struct Deviation {
    /// From the backup to what runs now, without what stays because the backup does not have it; and what
    /// was to stay as it was, and did not.
    pub(super) difference: Difference,
    /// How each of it stands, in words.
    stands: Vec<String>,
}

impl Deviation {
    /// The first few of it in words; nothing where nothing deviates.
    pub(super) fn words(&self) -> Option<String> {
        (!self.stands.is_empty()).then(|| first_few(&self.stands, NAMED))
    }
}

/// Compares what came out with what was to come out.
pub(super) fn deviation(
    merge: &Difference,
    archive: &File,
    before: &RunningDomain,
    after: &RunningDomain,
    domain: &RestorableDomain,
    scratch: &Path,
) -> Result<Deviation, String> {
    let mut found = difference(archive, &after.file, domain, scratch)?;
    let mut moved = difference(&before.file, &after.file, domain, scratch)?;
    let staying = merge.domains.iter().flat_map(|domain| &domain.objects);
    let staying = staying.filter(|object| object.change == Change::Removed);
    let objects: BTreeSet<_> = staying.map(|object| (&object.class, &object.name)).collect();
    let staying = merge.domains.iter().flat_map(|domain| &domain.files);
    let staying = staying.filter(|file| file.change == Change::Removed);
    let files: BTreeSet<_> = staying.map(|file| &file.name).collect();
    // What is saved is not what runs: it follows when that is saved.
    let saved = saved_file(domain);
    for domain in &mut found.domains {
        domain.objects.retain(|object| {
            object.change != Change::Added || !objects.contains(&(&object.class, &object.name))
        });
        domain.files.retain(|file| {
            file.name != saved && (file.change != Change::Added || !files.contains(&file.name))
        });
    }
    // What was to stay as it was, and did not.
    for domain in &mut moved.domains {
        domain
            .objects
            .retain(|object| objects.contains(&(&object.class, &object.name)));
        domain
            .files
            .retain(|file| file.name != saved && files.contains(&file.name));
    }
    let mut stands = Vec::new();
    name(&found, &mut stands, |change| match change {
        Change::Added => "is there, and is neither in the backup nor was it there before",
        Change::Removed => "is not there",
        Change::Changed => "is not as the backup has it",
    });
    name(&moved, &mut stands, |change| match change {
        Change::Removed => "was to stay, and is gone",
        Change::Added | Change::Changed => "was to stay as it was, and did not",
    });
    found.domains.append(&mut moved.domains);
    found.domains.retain(differs);
    Ok(Deviation {
        difference: found,
        stands,
    })
}

/// Says of all that differs how it stands.
fn name(difference: &Difference, stands: &mut Vec<String>, word: fn(Change) -> &'static str) {
    for domain in &difference.domains {
        let whole = domain.whole.iter();
        stands.extend(whole.map(|change| format!("domain {} {}", domain.domain, word(*change))));
        let objects = domain.objects.iter();
        stands.extend(objects.map(|one| format!("{} {} {}", one.class, one.name, word(one.change))));
        let files = domain.files.iter();
        stands.extend(files.map(|one| format!("{} {}", one.name, word(one.change))));
    }
}
