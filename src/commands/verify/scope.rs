//! What somebody wants to have verified, word by word.

use std::path::PathBuf;

use anyhow::anyhow;

use crate::cli::{ExecutionId, VerifyArgs};
use crate::commands::error::CommandError;
use crate::commands::history::execution;
use crate::commands::names::did_you_mean;
use crate::exit::Exit;
use crate::history::History;
use crate::plan::model::PlanFile;
use crate::run::event::TaskId;
use crate::values::invocation::Invocation;

/// Reading all of a store takes its time: nobody gets it for a word that was left out.
pub(super) fn which(invocation: &Invocation) -> CommandError {
    CommandError::new(Exit::Usage, anyhow!("verify needs to know what")).with_hint(format!(
        "`{}` looks at everything; else name a file, a folder, a device, or the ID of a task (`last` is the newest)",
        invocation.command(["verify", "--all"])
    ))
}

/// What is asked for, where each word has its meaning.
pub(super) struct VerifyScope {
    pub(super) all: bool,
    pub(super) tasks: Vec<TaskId>,
    pub(super) devices: Vec<String>,
    pub(super) files: Vec<PathBuf>,
}

impl VerifyScope {
    pub(super) fn of(
        args: &VerifyArgs,
        file: Option<&PlanFile>,
        history: Option<&History>,
    ) -> Result<Self, CommandError> {
        let mut asked = Self {
            all: args.all,
            tasks: Vec::new(),
            devices: Vec::new(),
            files: Vec::new(),
        };
        let task = |id| match history {
            Some(history) => execution(id, TaskId, || history.newest_task()),
            None => {
                let error = anyhow!("there is no such task execution: nothing was recorded yet");
                let hint = "IDs are there after the first run; a file or a folder is verified by its path";
                Err(CommandError::new(Exit::Usage, error).with_hint(hint))
            }
        };
        for id in &args.tasks {
            asked.tasks.push(task(*id)?);
        }
        let known = devices(file, history)?;
        for name in &args.devices {
            // A misspelt name would otherwise be verified with success for ever.
            if !known.contains(name) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let error = anyhow!("there is no device '{name}', neither in the plan file nor in the store");
                return Err(CommandError::new(Exit::Usage, error).with_hint(did_you_mean(name, &known)));
            }
        }
        asked.devices.extend(args.devices.iter().cloned());
        for file in &args.files {
            // A file is meant before anything else that has its name.
            let word = file.to_str().filter(|_| file.symlink_metadata().is_err());
            match word {
                Some(name) if known.iter().any(|known| known == name) => asked.devices.push(name.to_owned()),
                Some(word) if ExecutionId::of(word).is_some() => {
                    asked.tasks.extend(ExecutionId::of(word).map(task).transpose()?);
                }
                // Files have a folder or an ending: this was meant as a device.
                Some(word) if !word.contains(['/', '.']) => {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let error = anyhow!("'{word}' is no file, no ID and no device");
                    return Err(CommandError::new(Exit::Usage, error).with_hint(did_you_mean(word, &known)));
                }
                _ => asked.files.push(file.clone()),
            }
        }
        Ok(asked)
    }
}

/// The devices of the plan file, and those of which something is in history.
fn devices(file: Option<&PlanFile>, history: Option<&History>) -> Result<Vec<String>, CommandError> {
    let mut names: Vec<String> = file
        .iter()
        .flat_map(|file| file.devices.iter().map(|device| device.name.clone()))
        .collect();
    if let Some(history) = history {
        names.extend(history.device_names()?);
    }
    Ok(names)
}
