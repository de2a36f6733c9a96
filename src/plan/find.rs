//! Which file is the plan file.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::ownership::{self, TouchError, Untrusted};
use crate::values::causes::said;
use crate::values::environment::{Lookup, non_empty};

/// The plan file is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// Where it was looked for, and why each place did not do.
    pub looked_at: Vec<(PathBuf, String)>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no plan file found; looked at")?;
        for (number, (path, why)) in self.looked_at.iter().enumerate() {
            write!(
                f,
                "{} {} ({why})",
                if number == 0 { "" } else { "," },
                path.display()
            )?;
        }
        Ok(())
    }
}

/// There is no plan file that can be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FindError {
    /// It is nowhere.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// There is one where this was started, and others could have put it there.
    #[error("{path} is not taken, for others could have put it there")]
    Untrusted {
        path: PathBuf,
        /// What is wrong with its folder.
        source: Untrusted,
    },
}

impl std::error::Error for NotFound {}

/// Finds the plan file: `config` if given, else `$DPBACKUP_CONFIG`, else the first of the
/// usual places that exists.
///
/// A file that is named is given as it is, there or not: reading it tells why not.
/// `working_dir` is where `./plans.toml` is looked for; empty is the one of the process. A file
/// there that nobody has named is taken only where nobody but root and the caller can put files.
/// Else it is refused and not passed over: another file would mean other gateways.
pub fn find(config: Option<&Path>, working_dir: &Path, env: Lookup<'_>) -> Result<PathBuf, FindError> {
    if let Some(path) = config {
        return Ok(path.to_owned());
    }
    if let Some(path) = non_empty(env, "DPBACKUP_CONFIG") {
        return Ok(PathBuf::from(path));
    }
    let mut looked_at = Vec::new();
    for (number, path) in usual_places(working_dir, env).into_iter().enumerate() {
        match path.try_exists() {
            Ok(true) if number == 0 => return of_working_dir(path, working_dir),
            Ok(true) => return Ok(path),
            Ok(false) => looked_at.push((path, "not there".to_owned())),
            Err(error) => looked_at.push((path, said(&error))),
        }
    }
    Err(NotFound { looked_at }.into())
}

fn of_working_dir(path: PathBuf, working_dir: &Path) -> Result<PathBuf, FindError> {
    let folder = match working_dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => working_dir,
    };
    match ownership::look_at_own_folder(folder) {
        Err(TouchError::Untrusted(source)) => Err(FindError::Untrusted { path, source }),
        // A folder that cannot be looked at gives no file either.
        Ok(()) | Err(TouchError::Io(_)) => Ok(path),
    }
}

/// Where a plan file is looked for when none is named, in this order.
pub fn usual_places(working_dir: &Path, env: Lookup<'_>) -> Vec<PathBuf> {
    let absolute = |name| {
        non_empty(env, name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let config_home =
        absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let mut places = vec![working_dir.join("plans.toml")];
    places.extend(config_home.map(|folder| folder.join("dpbackup/plans.toml")));
    places.push(PathBuf::from("/etc/dpbackup/plans.toml"));
    places
}

#[cfg(test)]
mod tests {
    use super::{FindError, find, usual_places};
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    fn environment(pairs: &[(&'static str, &str)]) -> impl Fn(&str) -> Option<OsString> + use<> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (*name, OsString::from(value)))
            .collect();
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        }
    }

    #[test]
    fn a_named_file_is_taken_there_or_not() {
        let env = environment(&[("DPBACKUP_CONFIG", "/by/env.toml")]);
        let named = find(Some(Path::new("by/option.toml")), Path::new(""), &env);
        assert_eq!(named, Ok(PathBuf::from("by/option.toml")));
        assert_eq!(find(None, Path::new(""), &env), Ok(PathBuf::from("/by/env.toml")));
    }

    #[test]
    fn the_usual_places_follow_in_their_order() {
        let places = |pairs: &[(&'static str, &str)]| -> Vec<String> {
            let places = usual_places(Path::new(""), &environment(pairs));
            places.iter().map(|place| place.display().to_string()).collect()
        };
        let etc = "/etc/dpbackup/plans.toml";
        assert_eq!(places(&[]), ["plans.toml", etc]);
        assert_eq!(
            places(&[("HOME", "/h")]),
            ["plans.toml", "/h/.config/dpbackup/plans.toml", etc]
        );
        let both = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")];
        assert_eq!(places(&both), ["plans.toml", "/x/dpbackup/plans.toml", etc]);
        let relative = [("HOME", "/h"), ("XDG_CONFIG_HOME", "x")];
        assert_eq!(
            places(&relative),
            ["plans.toml", "/h/.config/dpbackup/plans.toml", etc]
        );
    }

    #[test]
    fn the_first_place_that_exists_wins_and_else_all_are_named() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let home = dir.path().join("home");
        let env = environment(&[
            ("DPBACKUP_CONFIG", ""),
            ("XDG_CONFIG_HOME", &home.to_string_lossy()),
        ]);
        let nowhere = find(None, dir.path(), &env).expect_err("no file").to_string();
        let expected = format!(
            "no plan file found; looked at {0}/plans.toml (not there), {0}/home/dpbackup/plans.toml (not there), \
             /etc/dpbackup/plans.toml (not there)",
            dir.path().display()
        );
        assert_eq!(nowhere, expected);

        let in_home = home.join("dpbackup/plans.toml");
        std::fs::create_dir_all(home.join("dpbackup")).expect("mkdir");
        std::fs::write(&in_home, "").expect("write");
        assert_eq!(find(None, dir.path(), &env), Ok(in_home));
        let here = dir.path().join("plans.toml");
        std::fs::write(&here, "").expect("write");
        assert_eq!(find(None, dir.path(), &env), Ok(here.clone()));

        // Others may put a file there: it is not taken, and no other in its stead.
        for mode in [0o777, 0o1777, 0o770] {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).expect("a mode");
            let refused = find(None, dir.path(), &env);
            assert!(
                matches!(&refused, Err(FindError::Untrusted { path, .. }) if *path == here),
                "{mode:o}: {refused:?}"
            );
            // Named, it is asked of the file and its folders whether they can be believed.
            assert_eq!(find(Some(&here), dir.path(), &env), Ok(here.clone()));
        }
    }
}
