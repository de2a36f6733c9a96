//! The plan file: text in, checked model or findings out.
//!
//! The way of a file: [`find`] says which one it is, [`load`] reads it, with what it includes; TOML gives a tree
//! in which every value knows its place; `check` walks the tree with the tables of [`keys`]
//! and builds the [`model`]; whatever does not fit becomes a finding of [`diagnostic`].

mod check;
pub mod diagnostic;
pub mod effective;
mod error;
mod file;
pub mod find;
mod include;
mod joined;
pub mod keys;
mod mask;
mod mistyped;
pub mod model;
mod partial;
pub mod schema;
mod section;
mod shift;
mod syntax;
mod text;
mod unknown_key;
mod value;
pub mod written_file;
mod written_history;

use std::path::Path;

use toml::de::DeTable;

pub use check::{Readers, usual_history};
pub use error::LoadError;
pub use partial::LeftOutOf;
pub use text::NotText;
pub use written_history::written_histories;

#[cfg(test)]
use crate::plan::check::StoreNeed;
use crate::plan::diagnostic::{Findings, PlanFindings};
use crate::plan::include::{Gathered, PlanSource};
use crate::plan::joined::JoinedText;
use crate::plan::model::{PlanFile, StorePlace};
use crate::plan::syntax::SyntaxError;
use crate::values::environment::Lookup;
use crate::values::time_of_day;

/// A plan file that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub plan_file: PlanFile,
    /// What should be changed in it; often empty.
    pub warnings: PlanFindings,
}

/// A plan file of which not everything can be used.
#[derive(Clone, Debug)]
pub struct LoadedPart {
    /// What the tables without errors say.
    pub plan_file: PlanFile,
    /// Each table that was left out, with its line.
    pub left_out: Vec<String>,
}

/// Reads and checks a plan file with all that it includes. Nothing is contacted, and nothing is
/// written.
pub fn load(path: &Path, env: Lookup<'_>) -> Result<Loaded, LoadError> {
    let gathered = include::gather(path, file::read(path)?, env);
    let mut loaded = check_gathered(&gathered, path, env).map_err(LoadError::Invalid)?;
    anchor(&mut loaded.plan_file, path)?;
    Ok(loaded)
}

/// What can be used of a plan file that has errors; `None` where nothing can, or where it has none.
/// Of what it includes too: a file that cannot be had is left out as a table is.
pub fn load_part(path: &Path, env: Lookup<'_>, of: LeftOutOf) -> Option<LoadedPart> {
    let gathered = include::gather(path, file::read(path).ok()?, env);
    let found = check_gathered(&gathered, path, env).err()?;
    let part = partial::sound_part(gathered, &found, of, |gathered| {
        check_gathered(gathered, path, env)
    })?;
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
    let store = match &mut file.settings.store {
        StorePlace::Known(store) => Some(store),
        StorePlace::NotKnown => None,
    };
    for place in store.into_iter().chain([&mut file.settings.history]) {
        *place = std::path::absolute(&*place).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Checks the text of a plan file that is, or would be, at `path`. What it includes is not looked
/// at.
#[cfg(test)]
pub(crate) fn check_text(
    text: &str,
    path: &Path,
    readers: Readers,
    env: Lookup<'_>,
) -> Result<Loaded, PlanFindings> {
    let source = PlanSource {
        path: path.to_owned(),
        text: text.to_owned(),
        readers,
        base: 0,
    };
    let gathered = Gathered {
        sources: vec![source],
        findings: Vec::new(),
        store: StoreNeed::Needed,
    };
    check_gathered(&gathered, path, env)
}

/// Checks files together, of which the first is the plan file itself.
fn check_gathered(gathered: &Gathered, path: &Path, env: Lookup<'_>) -> Result<Loaded, PlanFindings> {
    let sources = &gathered.sources;
    let texts = sources
        .iter()
        .map(|source| (source.path.as_path(), source.text.as_str()));
    let joined = JoinedText::new(texts);
    let mut findings = Findings::new(&joined);
    let now = time_of_day::now();
    let mut files = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        match (note_syntax_errors(source, &errors, &mut findings), number) {
            (TextForm::Toml, _) => files.push(check::CheckedFile {
                root: shift::shifted(root, source.base),
                context: check::Context {
                    path: &source.path,
                    is_included: number > 0,
                    readers: source.readers,
                    env,
                    store: gathered.store,
                    now,
                },
            }),
            (TextForm::Another, 0) => return Err(findings.into_plan_findings(path, mask::mask_passwords)),
            (TextForm::Another, _) => findings.lost_file(),
        }
    }
    for finding in &gathered.findings {
        include::tell(finding, &mut findings);
    }
    let plan_file = files
        .split_first()
        .and_then(|(main, included)| check::check(main, included, &mut findings));
    let found = findings.into_plan_findings(path, mask::mask_passwords);
    match plan_file {
        Some(plan_file) if found.errors() == 0 => Ok(Loaded {
            plan_file,
            warnings: found,
        }),
        _ => Err(found),
    }
}

/// What a text turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextForm {
    /// TOML, perhaps with errors.
    Toml,
    /// Something else, of which nothing can be read.
    Another,
}

/// Notes what the parser found in a file, in words of ours.
fn note_syntax_errors(
    source: &PlanSource,
    errors: &[toml::de::Error],
    findings: &mut Findings<'_>,
) -> TextForm {
    let found: Vec<syntax::Found> = errors
        .iter()
        .map(|error| (error.span().unwrap_or_default(), error.message().to_owned()))
        .collect();
    if found.is_empty() {
        return TextForm::Toml;
    }
    let shown = mask::mask_passwords(&source.text);
    let mut note = |mut error: SyntaxError| {
        error.span = error.span.start + source.base..error.span.end + source.base;
        findings.syntax(error);
    };
    if let Some(error) = syntax::another_format(&shown, &source.text) {
        note(error);
        return TextForm::Another;
    }
    for error in syntax::errors(&shown, &found) {
        note(error);
    }
    for found in found.iter().filter(|found| syntax::loses(&source.text, found)) {
        findings.broken(source.base + found.0.start);
    }
    TextForm::Toml
}

#[cfg(test)]
mod tests;
