//! What to do about a plan file that cannot be read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::artifact::mount::{self, Unwritable};
use crate::plan::{LoadError, NotText};
use crate::values::environment::{Lookup, non_empty};
use crate::values::invocation::{Invocation, quoted};
use crate::values::nearest::nearest;
use crate::values::written_path::path_slip;

/// What to do about a plan file that cannot be read at all.
pub(super) fn hint_on(error: &LoadError, path: &Path, env: Lookup<'_>) -> Option<String> {
    let shown = path.to_string_lossy();
    if path.is_dir() {
        let inside = path.join("plans.toml");
        return Some(format!(
            "it is a folder: name the file in it, such as `--config {}`",
            quoted(&inside.to_string_lossy())
        ));
    }
    let is_odd = !is_a_pipe(&shown) && path.metadata().is_ok_and(|found| !found.is_file());
    match error {
        _ if is_odd => Some(format!(
            "a plan file is a file of text: name one with --config FILE; `{}` writes one to start from",
            Invocation::default().command(["init", "plans.toml"])
        )),
        _ if is_a_pipe(&shown) => Some(
            "a pipe is read once, and each command reads the plan file: write it into a file, and name that"
                .to_owned(),
        ),
        LoadError::Unreadable { source, .. } => match source.kind() {
            ErrorKind::NotFound => {
                // Whoever set it is not who looks at it now.
                let named = match non_empty(env, "DPBACKUP_CONFIG") {
                    Some(named) if Path::new(&named) == path => "$DPBACKUP_CONFIG names it; ",
                    _ => "",
                };
                Some(format!("{named}{}", instead_of_nothing(path, env)))
            }
            ErrorKind::PermissionDenied if shut_above(path).is_some() => shut_above(path),
            ErrorKind::PermissionDenied => Some(format!(
                "`ls -l {}` shows whose it is; run as that user, or let this one read it",
                quoted(&shown)
            )),
            _ => None,
        },
        LoadError::NotText {
            why: NotText::Utf16(form),
            ..
        } => {
            let new = path.with_extension("utf8.toml");
            Some(format!(
                "save it as UTF-8, or turn it: `iconv -f {} -t UTF-8 {} > {}`",
                form.code(),
                quoted(&shown),
                quoted(&new.to_string_lossy())
            ))
        }
        _ => None,
    }
}

/// What to do where nothing is at the path of a plan file.
fn instead_of_nothing(path: &Path, env: Lookup<'_>) -> String {
    let shown = path.to_string_lossy();
    if let Ok(target) = path.read_link() {
        return format!(
            "it is a link to {}, which is not there: mend the link, or name the file itself",
            target.display()
        );
    }
    if let Some(slip) = path_slip(&shown, env) {
        return format!("{}: {}", slip.title, slip.help);
    }
    if let Some(near) = plan_file_near(path) {
        return format!("did you mean {}?", quoted(&near.to_string_lossy()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.filter(|folder| !folder.exists());
    let init = Invocation::default().command(["init", &shown]);
    match folder.map(|folder| quoted(&folder.to_string_lossy()).into_owned()) {
        Some(folder) => format!(
            "not even its folder is there: correct the path, or begin there with `mkdir -p {folder} && {init}`"
        ),
        None => format!("`{init}` writes one to start from"),
    }
}

/// The plan file of the same folder whose name is nearest to one that is not there.
fn plan_file_near(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let there = folder.unwrap_or(Path::new(".")).read_dir().ok()?;
    let names: Vec<String> = there
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    let near = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near))
}

/// The folder on the way to a file that lets this user not through, if one does.
fn shut_above(path: &Path) -> Option<String> {
    match mount::could_be_written(path.parent()?) {
        Err(why @ Unwritable::Shut(_)) => Some(format!("{why}: run dpbackup as the user whose file it is")),
        _ => None,
    }
}

/// Whether a name is that of what another program hands over.
fn is_a_pipe(path: &str) -> bool {
    path == "-" || path == "/dev/stdin" || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/")
}
