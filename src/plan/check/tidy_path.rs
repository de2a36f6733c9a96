//! A path without the `..` that a reader can take out of it.

use std::path::{Component, Path, PathBuf};

/// The same place, without each `..` behind a folder that is no link, or that is not there: behind a link it leads
/// elsewhere, and stays. What has none is given back as it is, and not looked at: a look at a server that is gone never ends.
pub(super) fn tidy(path: PathBuf) -> PathBuf {
    if !has_steps_up(&path) {
        return path;
    }
    let Ok(whole) = std::path::absolute(&path) else {
        return path;
    };
    let mut tidy = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::ParentDir if tidy.parent().is_none() => {}
            Component::ParentDir if is_left_by_a_step_up(&tidy) => {
                tidy.pop();
            }
            component => tidy.push(component),
        }
    }
    // What ends so is meant to be a folder.
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        tidy.push("");
    }
    tidy
}

/// Whether a path leads into a folder, or to the folder itself, by whatever names.
pub(super) fn is_within(path: &Path, folder: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (path, folder) = (whole(path), whole(folder));
    match has_steps_up(&path) || has_steps_up(&folder) {
        true => resolved(&path).starts_with(resolved(&folder)),
        false => path.starts_with(folder),
    }
}

fn has_steps_up(path: &Path) -> bool {
    path.components().any(|step| step == Component::ParentDir)
}

/// Whether the folder above this one is the one that is named before it.
fn is_left_by_a_step_up(folder: &Path) -> bool {
    let is_named = folder.file_name().is_some();
    is_named
        && match folder.symlink_metadata() {
            Ok(found) => found.is_dir(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
}

/// Where a path leads, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let there = path
        .ancestors()
        .find_map(|above| Some((above.canonicalize().ok()?, path.strip_prefix(above).ok()?)));
    there.map_or_else(|| path.to_owned(), |(real, rest)| real.join(rest))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_step_up_behind_a_link_stays_and_any_other_is_taken_out() {
        let home = tempfile::tempdir().expect("a folder");
        let home = home.path().canonicalize().expect("its path");
        std::fs::create_dir_all(home.join("far/below")).expect("folders");
        symlink(home.join("far/below"), home.join("link")).expect("a link");
        for (written, meant) in [
            ("a", "a"),
            ("far/../a", "a"),
            ("far/below/../../a", "a"),
            ("absent/../a", "a"),
            ("far/..//a/", "a/"),
            ("link/../a", "link/../a"),
            ("far/../link/../../a", "link/../../a"),
        ] {
            let tidied = tidy(home.join(written));
            assert_eq!(
                tidied.as_os_str(),
                home.join(meant).as_os_str().to_owned(),
                "{written}"
            );
        }
        assert_eq!(tidy(home.join("absent/..")), home);
        assert_eq!(tidy("/../..".into()), Path::new("/"));

        let within = |path: &str, folder: &str| is_within(&home.join(path), &home.join(folder));
        assert!(within("link/../h.db", "far"));
        assert!(within("far/h.db", "link/.."));
        assert!(within("far/x/h.db", "far"));
        assert!(!within("link/../h.db", "far/below"));
        assert!(!within("h.db", "link/.."));
    }
}
