//! Scripts of plans and tasks: how one is run, and what history keeps of it.

mod facts;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::ownership::{OwnFolder, TouchError, WrittenKind};
use crate::run::Engine;
use crate::run::event::{Event, Owner, ScriptMoment, ScriptRun};
use crate::run::ledger::LedgerError;
use crate::run::record::Record;
use crate::script::{Ran, Script};
use crate::values::causes::with_causes;
use crate::values::text::printable_json;

pub use facts::{ConfigFacts, Facts, TaskEnd, TaskFacts};

/// A script that is due.
#[derive(Clone, Debug)]
pub struct Due<'s> {
    pub path: &'s Path,
    /// Before or after.
    pub moment: ScriptMoment,
    pub facts: Facts<'s>,
}

/// Runs a script that is due and records how it ended. `cancelled` ends it early.
pub fn run(
    engine: Engine<'_>,
    record: &mut Record<'_>,
    owner: Owner,
    due: &Due<'_>,
    cancelled: &dyn Fn() -> bool,
) -> Result<ScriptRun, LedgerError> {
    let arguments = due.facts.arguments(due.moment);
    let started = engine.clock.now();
    let context = ContextFile::write(engine, owner, &due.facts);
    let ran = match &context {
        Ok(context) => {
            let mut variables = due.facts.variables(due.moment);
            variables.push(("DPBACKUP_CONTEXT".to_owned(), context.path().into()));
            let script = Script {
                path: due.path.to_owned(),
                arguments: arguments.clone(),
                variables,
                withheld: secret_variables(engine),
                timeout: engine.file.settings.script_timeout,
            };
            script.run(cancelled)
        }
        Err(error) => Ran::not_started(format!(
            "its context file cannot be written: {}",
            with_causes(error)
        )),
    };
    let script = ScriptRun {
        moment: due.moment,
        path: due.path.to_owned(),
        arguments,
        started,
        duration: ran.duration,
        end: ran.end,
        output: ran.output,
        output_bytes: ran.output_bytes,
    };
    record.tell(&Event::ScriptEnded {
        owner,
        script: script.clone(),
    })?;
    Ok(script)
}

/// Variables of our environment that hold secrets: no script inherits them.
fn secret_variables(engine: Engine<'_>) -> Vec<String> {
    let mut names = engine.file.secret_variables();
    // Whoever is started by systemd may have credentials that the plan file does not name.
    names.push("CREDENTIALS_DIRECTORY".to_owned());
    names
}

/// The facts as a JSON file, there as long as the script runs.
struct ContextFile {
    folder: OwnFolder,
    name: OsString,
}

impl ContextFile {
    fn write(engine: Engine<'_>, owner: Owner, facts: &Facts<'_>) -> Result<Self, TouchError> {
        let owner = match owner {
            Owner::Plan(id) => format!("plan-{}", id.0),
            Owner::Task(id) => format!("task-{}", id.0),
        };
        let name = OsString::from(format!("{}-{owner}.json", engine.process));
        let folder = OwnFolder::open(engine.locks.folder(), WrittenKind::State)?;
        let mut file = match folder.create(&name) {
            // One of a script before this one, which could not be removed.
            Err(TouchError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder.remove(&name)?;
                folder.create(&name)?
            }
            other => other?,
        };
        let context = Self { folder, name };
        let text = serde_json::to_string_pretty(facts).map_err(io::Error::from)?;
        // Somebody may print it.
        file.write_all(printable_json(&text).as_bytes())?;
        Ok(context)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }
}

impl Drop for ContextFile {
    fn drop(&mut self) {
        // A leftover holds no secret, and the next file of this name replaces it.
        let _ = self.folder.remove(&self.name);
    }
}
