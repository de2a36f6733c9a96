//! The `[settings]` table.

use std::ffi::OsString;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ownership;
use crate::plan::check::context::{Context, StoreNeed};
use crate::plan::check::shared::{retention, window};
use crate::plan::check::tidy_path::{is_within, tidy};
use crate::plan::diagnostic::Findings;
use crate::plan::model::{MountRule, OnUnchanged, Settings, StorePlace, Timeouts};
use crate::plan::section::PlanSection;
use crate::plan::value::At;
use crate::values::environment::{Lookup, non_empty};
use crate::values::size::Threshold;
use crate::values::window::Window;
use crate::values::written_path::path_slip;

/// What was read. The rest of the file needs some of it even if the whole is not valid.
pub(super) struct SettingsRead {
    pub(super) checked: Option<Settings>,
    pub(super) scripts_dir: Option<PathBuf>,
    pub(super) default_window: Option<At<Window>>,
    pub(super) quiesce_timeout: Option<At<Duration>>,
}

/// Reads the table.
pub(super) fn read(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> SettingsRead {
    let scripts_dir = path(section, "scripts_dir", context, out);
    let quiesce_timeout = section
        .duration("quiesce_timeout", out)
        .filter(|t| can_be_sent(t, out));
    let default_window = section.section("default_window", out).and_then(|table| {
        let value = window(&table, out)?;
        let span = section.key_span("default_window").unwrap_or(table.span);
        Some(At { value, span })
    });
    let checked = settings(
        section,
        context,
        scripts_dir.clone(),
        quiesce_timeout.as_ref(),
        out,
    );
    SettingsRead {
        checked,
        scripts_dir,
        default_window,
        quiesce_timeout,
    }
}

fn settings(
    section: &PlanSection<'_>,
    context: &Context<'_>,
    scripts_dir: Option<PathBuf>,
    quiesce_timeout: Option<&At<Duration>>,
    out: &mut Findings<'_>,
) -> Option<Settings> {
    let store = store(section, context, out);
    let history = history(section, context, out);
    let beside = store.as_ref().and_then(StorePlace::known);
    let history = history.filter(|history| is_a_file_of_its_own(history, beside, section, out));
    let backups_enabled = section.boolean("backups_enabled", out);
    let mount_rules = [
        ("no", MountRule::No),
        ("mounted", MountRule::Mounted),
        ("remote", MountRule::Remote),
    ];
    let require_mount = section.choice("require_mount", &mount_rules, out);
    let min_free_store = section.threshold("min_free_store", out);
    if let (Some(Threshold::Share(percent)), Some(span)) =
        (min_free_store, section.value_span("min_free_store"))
        && percent >= 100.0
    {
        out.doubt(
            span,
            "no file system has so much free",
            "nothing would ever be backed up",
            "write the share that is to stay free, such as \"10%\"",
        );
    }
    let max_file = section.size("max_file", out);
    let min_free_device = section.threshold("min_free_device", out);
    let unquiesce_timeout = section.duration("unquiesce_timeout", out);
    let quiesce_grace = section.duration("quiesce_grace", out);
    let script_timeout = section.duration("script_timeout", out);
    let task_expiry = section.duration("task_expiry", out);
    let timeouts = timeouts(section, out);
    let retries = section.integer("retries", out);
    let forms = [("store", OnUnchanged::Store), ("skip", OnUnchanged::Skip)];
    let on_unchanged = section.choice("on_unchanged", &forms, out);
    let retention = retention(section, out);
    Some(Settings {
        store: store?,
        history: history?,
        backups_enabled: backups_enabled?,
        require_mount: require_mount?,
        min_free_store: min_free_store?,
        max_file: max_file?,
        min_free_device: min_free_device?,
        quiesce_timeout: quiesce_timeout?.value,
        unquiesce_timeout: unquiesce_timeout?.value,
        quiesce_grace: quiesce_grace?.value,
        scripts_dir: scripts_dir?,
        script_timeout: script_timeout?.value,
        task_expiry: task_expiry?.value,
        timeouts: timeouts?,
        retries: retries?,
        on_unchanged: on_unchanged?,
        retention,
    })
}

/// Where the store is.
fn store(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<StorePlace> {
    if context.store == StoreNeed::LeftOut && section.key_span("store").is_none() {
        return Some(StorePlace::NotKnown);
    }
    path(section, "store", context, out)
        .map(tidy)
        .filter(|store| is_a_folder_of_its_own(store, section, out))
        .map(StorePlace::Known)
}

/// Whether the store is a folder of its own: everything below it is taken for backups.
fn is_a_folder_of_its_own(store: &Path, section: &PlanSection<'_>, out: &mut Findings<'_>) -> bool {
    let Some(span) = section.value_span("store") else {
        return true;
    };
    // It is not looked at: on a server that is gone a look never ends, and `recover` needs no store.
    if ["/dev", "/proc", "/sys"]
        .iter()
        .any(|kernel| store.starts_with(kernel))
        && !store.starts_with("/dev/shm")
    {
        out.doubt(
            span,
            "the store is in a file system of the kernel's own",
            "nothing that is written there stays",
            "write a folder of a disk; one that is named by /dev is mounted first: \"/backup/datapower\"",
        );
        return true;
    }
    if store != Path::new("/") {
        doubt_folder_of_the_system(store, span, out);
        return true;
    }
    out.error(
        span,
        "the store is the root of the machine",
        "each device would have a folder there",
    )
    .help("write a folder of its own, such as \"/backup/datapower\"");
    false
}

/// Doubts a store in which the system has what is its own.
fn doubt_folder_of_the_system(store: &Path, span: Range<usize>, out: &mut Findings<'_>) {
    const WITH_ALL_BELOW: [&str; 7] = ["/bin", "/boot", "/etc", "/lib", "/lib64", "/sbin", "/usr"];
    const ALONE: [&str; 8] = [
        "/home", "/opt", "/root", "/run", "/tmp", "/var", "/var/lib", "/var/tmp",
    ];
    let is_below = WITH_ALL_BELOW.iter().any(|folder| store.starts_with(folder));
    if (is_below && !store.starts_with("/usr/local")) || ALONE.iter().any(|folder| store == Path::new(folder))
    {
        out.doubt(
            span,
            "the store is a folder of the system",
            "each device has a folder there",
            "write a folder of its own: `store = \"/backup/datapower\"`",
        );
    }
}

/// Whether the history is a file that is nothing else.
fn is_a_file_of_its_own(
    history: &Path,
    store: Option<&Path>,
    section: &PlanSection<'_>,
    out: &mut Findings<'_>,
) -> bool {
    let Some(span) = section.value_span("history") else {
        return true;
    };
    let title = match store {
        Some(store) if history == store => "the history is the store",
        _ if history.exists() && !history.is_file() && !history.is_dir() => "the history is no file",
        _ if history.as_os_str().as_encoded_bytes().ends_with(b"/") || history.is_dir() => {
            "the history is a folder"
        }
        _ => {
            if history.is_file() && is_something_else(history) {
                // A history that is damaged looks so, too: who opens it says which.
                out.doubt(
                    span.clone(),
                    "the history is another file",
                    "it is there, and holds something else",
                    "name a file that is not there yet: the first run makes it",
                );
            }
            if store.is_some_and(|store| is_within(history, store)) {
                out.doubt(
                    span,
                    "the history is in the store",
                    "what is below the store is taken for backups",
                    "write a file beside the store, such as \"/var/lib/dpbackup/history.db\"",
                );
            }
            return true;
        }
    };
    let file = history.join("history.db");
    let help = match title {
        "the history is a folder" => format!("write a file in it: {:?}", file.display().to_string()),
        _ => "write a file beside the store, such as \"/var/lib/dpbackup/history.db\"".to_owned(),
    };
    out.error(span, title, "a file is expected").help(help);
    false
}

/// Whether a file that is there begins as no history does. One that cannot be read is told by who opens it.
fn is_something_else(file: &Path) -> bool {
    let mut start = Vec::new();
    let Ok(file) = ownership::open_regular(file) else {
        return false;
    };
    let read = file.take(SQLITE.len() as u64).read_to_end(&mut start);
    read.is_ok() && !start.is_empty() && start != SQLITE
}

/// How every file of SQLite begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The table of limits; its defaults where it is absent.
fn timeouts(section: &PlanSection<'_>, out: &mut Findings<'_>) -> Option<Timeouts> {
    let table = section.section_or_empty("timeouts", out)?;
    let mut limit = |name| table.duration(name, out).map(|at| at.value);
    let (connect, request, export) = (limit("connect"), limit("request"), limit("export"));
    let (secure_backup, idle) = (limit("secure_backup"), limit("idle"));
    Some(Timeouts {
        connect: connect?,
        request: request?,
        export: export?,
        secure_backup: secure_backup?,
        idle: idle?,
    })
}

/// The timeout goes to the device as a 16-bit number of seconds.
fn can_be_sent(timeout: &At<Duration>, out: &mut Findings<'_>) -> bool {
    let label = if timeout.value.subsec_nanos() > 0 {
        "expected whole seconds"
    } else if timeout.value > Duration::from_secs(u64::from(u16::MAX)) {
        "expected at most 65535s"
    } else {
        return true;
    };
    out.error(
        timeout.span.clone(),
        "`quiesce_timeout` cannot be sent to a device",
        label,
    )
    .help("write `quiesce_timeout = \"60s\"`, say");
    false
}

/// The history file; by default where the user's state is kept.
fn history(section: &PlanSection<'_>, context: &Context<'_>, out: &mut Findings<'_>) -> Option<PathBuf> {
    if section.key_span("history").is_some() {
        return path(section, "history", context, out).map(tidy);
    }
    let default = usual_history(context.env);
    if default.is_none() && !out.is_incomplete() {
        out.error(
            section.span.clone(),
            "`history` is missing",
            "no default: $HOME is not set",
        )
        .help("write where the history file is, such as `history = \"/var/lib/dpbackup/history.db\"`");
    }
    default
}

/// Where the history is, if the plan file does not say it and the environment has a home.
pub fn usual_history(env: Lookup<'_>) -> Option<PathBuf> {
    state_home(env).map(|state| state.join("dpbackup/history.db"))
}

/// `$XDG_STATE_HOME`, else `~/.local/state`. A relative path does not count, as that
/// standard says.
fn state_home(env: Lookup<'_>) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    non_empty(env, "XDG_STATE_HOME").and_then(absolute).or_else(|| {
        non_empty(env, "HOME")
            .and_then(absolute)
            .map(|home| home.join(".local/state"))
    })
}

/// A path, or its default; a relative one starts in the folder of the file.
pub(super) fn path(
    section: &PlanSection<'_>,
    name: &str,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<PathBuf> {
    let written = section.text_or_default(name, out)?;
    path_text(written, context, out).map(|text| context.path_of(&text))
}

/// The text of a path, if it means what a reader thinks.
pub(super) fn path_text(
    written: At<String>,
    context: &Context<'_>,
    out: &mut Findings<'_>,
) -> Option<String> {
    let Some(slip) = path_slip(&written.value, context.env) else {
        return Some(written.value);
    };
    out.error(written.span, slip.title, slip.label).help(slip.help);
    None
}
