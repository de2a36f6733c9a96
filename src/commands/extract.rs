//! `dpbackup extract`: an export as a folder of text.

use std::path::Path;

use anyhow::anyhow;

use crate::artifact::archive::{self, Expected, Limits};
use crate::change::extract::{self as change, ExtractTrouble, Extracted};
use crate::cli::{ExtractArgs, Global};
use crate::commands::frame::error::{CommandError, Outcome, print};
use crate::commands::frame::heeding::Heeding;
use crate::commands::named::exports::{ExportSource, trouble};
use crate::commands::named::named_export::NamedExport;
use crate::commands::named::new_place;
use crate::commands::named::no_export::{are_exports, below_store};
use crate::exit::Exit;
use crate::run::event::FileKind;
use crate::ui::{SecondSignal, Ui, Verbosity};
use crate::values::environment::Lookup;

/// Writes an export as text.
pub(super) fn extract(global: &Global, args: &ExtractArgs, ui: Ui, env: Lookup<'_>) -> Outcome {
    let folder = args.folder.to_string_lossy();
    is_folder(&args.folder, env)?;
    let export = below_store(&args.export, global, env);
    are_exports(&["extract"], &[&export], &[&folder], global, env)?;
    let named = NamedExport::parse(&export);
    // An archive says what it is itself.
    let source = ExportSource::open(global, named.need(), ui, env)?;
    let scratch = source.scratch.as_path();
    let export = source.desk().open(named, FileKind::Persisted)?;
    if let NamedExport::File(_) = named {
        // Nobody knows it: nothing is written of an archive that is not good.
        archive::verify(&export.file, scratch, &Expected::Any, &Limits::default()).map_err(|error| {
            trouble(anyhow::Error::new(error).context(format!("{} is not good", export.label())))
        })?;
    }
    let heeding = Heeding::signals(
        ui,
        "the file that is being written is finished; the folder is not whole, and the same again makes it so",
        SecondSignal::Ends,
    )?;
    let only = export.only.as_deref();
    let is_over = || heeding.is_requested();
    let extracted = match change::extract(&export.file, scratch, &export.outer, only, &args.folder, &is_over)
    {
        Ok(extracted) => extracted,
        Err(ExtractTrouble::Stopped) => return Ok(heeding.exit(Exit::Failed)),
        Err(error) => {
            let parent = args
                .folder
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            return Err(trouble(error.into()).unless_denied(parent.unwrap_or(Path::new("."))));
        }
    };
    let folder = args.folder.display();
    if ui.verbosity > Verbosity::Quiet {
        let Extracted {
            objects,
            of_domains,
            files,
        } = extracted;
        let of_domains = match of_domains {
            0 => String::new(),
            1 => ", that of the domain itself".to_owned(),
            more => format!(", {more} of domains themselves"),
        };
        print(
            ui,
            &format!("{objects} objects{of_domains} and {files} files in {folder}\n"),
        )?;
    }
    Ok(source.exit(Exit::Success))
}

/// Refuses what names no folder.
fn is_folder(path: &Path, env: Lookup<'_>) -> Result<(), CommandError> {
    if path == Path::new("-") {
        let error = anyhow!("many files are written, and a folder is needed for them");
        return Err(
            CommandError::new(Exit::Usage, error).with_hint("name a folder; one that is called so is ./-")
        );
    }
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if !path.exists()
        && ["zip", "tar", "tgz", "gz", "xml", "txt"]
            .iter()
            .any(|other| ending == *other)
    {
        let error = anyhow!(
            "a folder is written, and {} is the name of a file",
            path.display()
        );
        let hint = format!(
            "give the folder another name: {}",
            path.with_extension("").display()
        );
        return Err(CommandError::new(Exit::Usage, error).with_hint(hint));
    }
    new_place::is_meant_so(path, env)
}
