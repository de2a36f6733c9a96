//! Whether the files of a task that history shows are there at all.

use std::io::ErrorKind;
use std::path::Path;

use jiff::Timestamp;

use crate::history::TaskDetails;

/// Says of each file that should be in the store, and is not when it is looked for now, what a reader of it would have found.
pub(super) fn look_for_files(details: &mut TaskDetails) {
    for file in &mut details.files {
        let is_meant_to_be_there = file.kept && file.pruned_time.is_none() && file.damage.is_none();
        if is_meant_to_be_there && is_missing(&file.path) {
            file.damage = Some("it is not there".to_owned());
            file.damage_time = Some(Timestamp::now());
        }
    }
}

fn is_missing(path: &Path) -> bool {
    let error = path.symlink_metadata().err().map(|error| error.kind());
    matches!(error, Some(ErrorKind::NotFound | ErrorKind::NotADirectory))
}
