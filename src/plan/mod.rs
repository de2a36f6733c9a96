//! The plan file: text in, checked model or findings out.
//!
//! The way of a file: [`find`] says which one it is, [`load`] reads it; TOML gives a tree
//! in which every value knows its place; `check` walks the tree with the tables of [`keys`]
//! and builds the [`model`]; whatever does not fit becomes a finding of [`diagnostic`].

mod check;
pub mod diagnostic;
pub mod effective;
pub mod find;
pub mod keys;
mod mask;
mod mistyped;
pub mod model;
mod partial;
mod read;
pub mod schema;
mod syntax;
mod text;

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use thiserror::Error;
use toml::de::DeTable;

pub use check::{Readers, usual_history};
pub use text::NotText;

use crate::ownership::{self, TouchError, Untrusted};
use crate::plan::diagnostic::{Findings, PlanReport};
use crate::plan::model::PlanFile;
use crate::values::environment::Lookup;

/// The largest plan file that is read, in bytes.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// A plan file that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub plan_file: PlanFile,
    /// What should be changed in it; often empty.
    pub warnings: PlanReport,
}

/// Why a plan file cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system does not give it.
    #[error("cannot read the plan file {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others could have written it, or it is no file.
    #[error("the plan file {path} is not taken")]
    Untrusted {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, or with a folder on the way to it.
        source: Untrusted,
    },
    /// It is not text.
    #[error("the plan file {path} is not UTF-8 text: {why}")]
    NotText {
        /// Which file.
        path: PathBuf,
        /// What it is.
        why: NotText,
    },
    /// It is no plan file that anybody wrote.
    #[error("the plan file {path} is larger than 16 MiB")]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// There are errors in it.
    #[error("the plan file {} has {}", .0.path.display(), .0.summary())]
    Invalid(PlanReport),
}

/// A plan file of which not everything can be used.
#[derive(Clone, Debug)]
pub struct LoadedPart {
    /// What the tables without errors say.
    pub plan_file: PlanFile,
    /// Each table that was left out, with its line.
    pub left_out: Vec<String>,
}

/// Reads and checks a plan file. Nothing is contacted, and nothing is written.
pub fn load(path: &Path, env: Lookup<'_>) -> Result<Loaded, LoadError> {
    let (text, readers) = read(path)?;
    let mut loaded = check_text(&text, path, readers, env).map_err(LoadError::Invalid)?;
    anchor(&mut loaded.plan_file, path)?;
    Ok(loaded)
}

/// What can be used of a plan file that has errors; `None` where nothing can, or where it has none.
pub fn load_part(path: &Path, env: Lookup<'_>) -> Option<LoadedPart> {
    let (text, readers) = read(path).ok()?;
    let check = |text: &str| check_text(text, path, readers, env);
    let report = check(&text).err()?;
    let part = partial::sound_part(&text, &report, check)?;
    let mut plan_file = part.sound.plan_file;
    anchor(&mut plan_file, path).ok()?;
    plan_file.is_whole = false;
    Some(LoadedPart {
        plan_file,
        left_out: part.left_out,
    })
}

/// History names files for years: by paths that do not depend on where a run was started.
fn anchor(file: &mut PlanFile, path: &Path) -> Result<(), LoadError> {
    for place in [&mut file.settings.store, &mut file.settings.history] {
        *place = std::path::absolute(&*place).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// The text of a plan file, and who else may read it.
fn read(path: &Path) -> Result<(String, Readers), LoadError> {
    let unreadable = |source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = match ownership::open_believed(path) {
        Ok(file) => file,
        Err(TouchError::Untrusted(source)) => {
            return Err(LoadError::Untrusted {
                path: path.to_owned(),
                source,
            });
        }
        Err(TouchError::Io(source)) => return Err(unreadable(source)),
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    let readers = if mode & 0o077 == 0 {
        Readers::OwnerOnly
    } else {
        Readers::Others
    };
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(LoadError::TooLarge {
            path: path.to_owned(),
        });
    }
    let text = text::decode(bytes).map_err(|why| LoadError::NotText {
        path: path.to_owned(),
        why,
    })?;
    Ok((text, readers))
}

/// Checks the text of a plan file that is, or would be, at `path`.
pub fn check_text(text: &str, path: &Path, readers: Readers, env: Lookup<'_>) -> Result<Loaded, PlanReport> {
    let mut findings = Findings::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let shown = mask::mask_passwords(text);
    let found: Vec<syntax::Found> = errors
        .iter()
        .map(|error| (error.span().unwrap_or_default(), error.message().to_owned()))
        .collect();
    if !found.is_empty()
        && let Some(error) = syntax::another_format(&shown)
    {
        findings.syntax(error);
        return Err(findings.into_report(path, shown));
    }
    for error in syntax::errors(&shown, &found) {
        findings.syntax(error);
    }
    for found in found.iter().filter(|found| syntax::loses(text, found)) {
        findings.broken(found.0.start);
    }
    let context = check::Context {
        path,
        readers,
        env,
        now: Timestamp::now(),
    };
    let plan_file = check::check(&root, &context, &mut findings);
    let report = findings.into_report(path, shown);
    match plan_file {
        Some(plan_file) if report.errors() == 0 => Ok(Loaded {
            plan_file,
            warnings: report,
        }),
        _ => Err(report),
    }
}

#[cfg(test)]
mod tests;
