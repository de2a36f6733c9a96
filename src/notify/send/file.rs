//! Into a file that others read while it is written.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::notify::send::{SendError, Sent};

/// Replaces the file as a whole: written beside it under a name that no collector reads,
/// then renamed. Everybody may read it, node_exporter is another user.
pub fn replace(path: &Path, text: &str) -> Sent {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(SendError::lasting("it has no folder"));
    };
    let beside = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    if let Err(error) = written {
        // Not there, or nothing more to be done about it.
        let _ = std::fs::remove_file(&beside);
        return Err(SendError::lasting(error));
    }
    Ok(format!("{} lines written", text.lines().count()))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file: File = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    // A power cut must not leave an empty file under the name that counts.
    file.sync_all()
}
