//! Paths as people write them: what means something to a shell, to systemd or to another
//! system, and would here become a folder of that name.

use crate::values::environment::{Lookup, non_empty};

/// Why a text is not the path that whoever wrote it has in mind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSlip {
    pub title: String,
    pub label: &'static str,
    /// What would be right.
    pub help: String,
}

/// Schemes that are known without the slashes behind them.
const SCHEMES: [&str; 22] = [
    "nfs", "nfs4", "smb", "cifs", "file", "s3", "gs", "sftp", "ftp", "http", "https", "ssh", "scp", "rsync",
    "dav", "davs", "rclone", "webdav", "azure", "b2", "swift", "sqlite",
];

/// What nobody sees, and a page or a mail may hand over with what is pasted from it: blanks of no width,
/// and marks of direction and byte order.
const INVISIBLE: [char; 8] = [
    '\u{200B}', '\u{200C}', '\u{200D}', '\u{200E}', '\u{200F}', '\u{2060}', '\u{FEFF}', '\u{00AD}',
];

/// What is wrong with a path, if anything is. `env` is for advice alone: nothing is replaced.
pub fn path_slip(text: &str, env: Lookup<'_>) -> Option<PathSlip> {
    path_pattern_slip(text, env).or_else(|| text.contains('*').then(|| not_replaced("*")))
}

/// The same of a path in which `*` stands for other characters.
pub fn path_pattern_slip(text: &str, env: Lookup<'_>) -> Option<PathSlip> {
    as_it_is_written(text, env).or_else(|| placeholder(text).map(not_replaced))
}

/// What is wrong with how a path is written, whatever may stand for something else in it.
fn as_it_is_written(text: &str, env: Lookup<'_>) -> Option<PathSlip> {
    of_edges(text)
        .or_else(|| of_a_shell(text, env))
        .or_else(|| of_elsewhere(text))
}

fn slip(title: String, label: &'static str, help: String) -> Option<PathSlip> {
    Some(PathSlip { title, label, help })
}

/// What stands around the path, and would be part of it.
fn of_edges(text: &str) -> Option<PathSlip> {
    let bare = text.trim_matches(|c: char| c.is_whitespace() || INVISIBLE.contains(&c));
    if bare != text {
        return slip(
            format!("a blank stands at the edge of {text:?}"),
            "it would be part of the name",
            format!("write {bare:?}"),
        );
    }
    let inner = within_quotes(text)?;
    slip(
        "quotes stand within the quotes".to_owned(),
        "they would be part of the name",
        format!("write {inner:?}"),
    )
}

/// What a shell or systemd would replace, and nobody does here.
fn of_a_shell(text: &str, env: Lookup<'_>) -> Option<PathSlip> {
    if text.starts_with('~') {
        let home = || non_empty(env, "HOME")?.into_string().ok();
        let rest = text
            .strip_prefix('~')
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let help = match rest.zip(home()) {
            Some((rest, home)) => format!("write the whole path: {:?}", home + rest),
            None => "write the whole path".to_owned(),
        };
        return slip(
            "`~` is not the home folder here".to_owned(),
            "no shell replaces it",
            help,
        );
    }
    if let Some(begin) = ["`", "$("].iter().find_map(|mark| text.find(mark)) {
        return slip(
            format!("{:?} is not run here", text.get(begin..).unwrap_or(text)),
            "no shell reads this",
            "write the whole path; the folders below the store are made by dpbackup, with the time in their names".to_owned(),
        );
    }
    if let Some((place, name)) = variable(text) {
        let value = non_empty(env, name).and_then(|value| value.into_string().ok());
        let help = match value {
            Some(value) => {
                let written = text.replacen(place, &value, 1);
                format!("write the whole path; as ${name} is now, that is {written:?}")
            }
            None => "write the whole path".to_owned(),
        };
        return slip(
            format!("`{place}` is not replaced here"),
            "no shell reads this",
            help,
        );
    }
    let specifier = specifier(text)?;
    slip(
        format!("`{specifier}` is not replaced here"),
        "it would be a name like any other",
        "write the whole path; the folders below the store are made by dpbackup, with the time in their names".to_owned(),
    )
}

/// What is no file of this machine, or is written as on another.
fn of_elsewhere(text: &str) -> Option<PathSlip> {
    if let Some((scheme, rest)) = scheme(text) {
        return slip(
            format!("`{scheme}` does not lead to another machine here"),
            "a path of this machine is expected",
            of_scheme(scheme, rest),
        );
    }
    if text == ":memory:" {
        return slip(
            "`:memory:` is no file".to_owned(),
            "what is in memory alone is gone with the process",
            "write a file, such as \"/var/lib/dpbackup/history.db\"".to_owned(),
        );
    }
    if let [drive, b':', ..] = text.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        return slip(
            format!("`{}:` is a drive of Windows", char::from(*drive)),
            "a path of this machine is expected",
            "write a path such as \"/backup/datapower\"".to_owned(),
        );
    }
    if let Some(share) = text.strip_prefix("//").or_else(|| text.strip_prefix(r"\\")) {
        return slip(
            "a share of another machine is no folder of this one".to_owned(),
            "a path of this machine is expected",
            format!(
                "mount the share and write its folder; {:?} is one of this machine",
                format!("/{}", share.replace('\\', "/"))
            ),
        );
    }
    if text.contains('\\') {
        return slip(
            "a backslash is no separator here".to_owned(),
            "it would be part of the name",
            format!("write {:?}", text.replace('\\', "/")),
        );
    }
    None
}

/// What is wrong with a path of what is included, in which `*` stands for other characters, and nothing else does.
pub fn included_path_slip(text: &str, env: Lookup<'_>) -> Option<PathSlip> {
    as_it_is_written(text, env).or_else(|| {
        let placeholder = placeholder(text)?;
        let patterns = patterns_instead(text);
        let (label, help) = match patterns.as_slice() {
            patterns if text.contains(ANY_FOLDERS) => (
                "a `*` stands for names in one folder",
                format!(
                    "write a pattern for each level that has files: {}",
                    patterns.join(", ")
                ),
            ),
            [one] => (
                NOT_REPLACED,
                format!("only `*` stands for other characters: {one}"),
            ),
            each => (
                NOT_REPLACED,
                format!(
                    "only `*` stands for other characters; name each: {}",
                    each.join(", ")
                ),
            ),
        };
        slip(title_of_placeholder(placeholder), label, help)
    })
}

/// What shells and other programs take for any number of folders.
const ANY_FOLDERS: &str = "**";

/// The patterns, in quotes, that mean what is meant by one with something else than `*` in it.
fn patterns_instead(text: &str) -> Vec<String> {
    let levels = match text.contains(ANY_FOLDERS) {
        true => each_level(text).to_vec(),
        false => vec![text.to_owned()],
    };
    let each = levels.iter().flat_map(|level| without_placeholder(level));
    each.map(|pattern| format!("{:?}", single_stars(&pattern)))
        .collect()
}

/// The patterns of two levels of folders in place of one that goes through all of them.
fn each_level(text: &str) -> [String; 2] {
    let mut names: Vec<&str> = text.trim_end_matches('/').split('/').collect();
    let is_every_name = |name: &str| !name.is_empty() && name.chars().all(|c| c == '*');
    let last = match names.pop() {
        Some(last) if !is_every_name(last) => last,
        // Folders are not included.
        _ => "*.toml",
    };
    let any_folders = |name: &&str| name.contains(ANY_FOLDERS) && is_every_name(name);
    let path = |folders: &[&str]| [folders, &[last]].concat().join("/");
    let bare: Vec<&str> = names.iter().filter(|name| !any_folders(name)).copied().collect();
    let deeper = match names.iter().any(any_folders) {
        true => names,
        false => [bare.as_slice(), &["*"]].concat(),
    };
    // In its own folder a plan file would include itself.
    match bare.iter().all(|name| *name == ".") {
        true => [path(&deeper), path(&[deeper.as_slice(), &["*"]].concat())],
        false => [path(&bare), path(&deeper)],
    }
}

/// What is meant by a text in which others put something in place of what stands in brackets.
fn without_placeholder(text: &str) -> Vec<String> {
    let Some(placeholder) = bracketed(text) else {
        return vec![text.to_owned()];
    };
    let inner = placeholder.trim_matches(['{', '}', '[', ']', '<', '>']);
    match placeholder.starts_with('{') && inner.contains(',') {
        true => inner
            .split(',')
            .map(|part| text.replacen(placeholder, part, 1))
            .collect(),
        false => vec![text.replacen(placeholder, "*", 1)],
    }
}

/// The same pattern with one `*` where several stand beside each other: they mean no more than one.
pub fn single_stars(pattern: &str) -> String {
    let mut single = pattern.to_owned();
    while single.contains(ANY_FOLDERS) {
        single = single.replace(ANY_FOLDERS, "*");
    }
    single
}

/// The label of a path in which something stands for what others put there.
const NOT_REPLACED: &str = "it would be part of the name";

fn title_of_placeholder(placeholder: &str) -> String {
    format!("nothing is put in place of `{placeholder}`")
}

fn not_replaced(placeholder: &str) -> PathSlip {
    PathSlip {
        title: title_of_placeholder(placeholder),
        label: NOT_REPLACED,
        help: "write the whole path; what is below the store is made by dpbackup: the device, the domain, the time"
            .to_owned(),
    }
}

/// The name of a variable that `text` is, as shells, systemd or templates write them:
/// `$NAME`, `${NAME}`, `%NAME%`, `{{ NAME }}`, `env:NAME`.
pub fn variable_alone(text: &str) -> Option<&str> {
    let text = text.trim();
    let inner = text
        .strip_prefix("env:")
        .or_else(|| text.strip_prefix("ENV:"))
        .or_else(|| within(text, "{{", "}}"))
        .or_else(|| within(text, "${", "}"))
        .or_else(|| within(text, "%", "%"))
        .or_else(|| text.strip_prefix('$'))?
        .trim();
    (name_at_start(inner) == Some(inner)).then_some(inner)
}

fn within<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    text.strip_prefix(start)?.strip_suffix(end)
}

fn within_quotes(text: &str) -> Option<&str> {
    ["\"", "'", "`"].iter().find_map(|quote| {
        let inner = within(text, quote, quote)?;
        (!inner.is_empty()).then_some(inner)
    })
}

/// The name that `text` begins with: letters, digits and `_`, and no digit first.
fn name_at_start(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    let name = &text[..end];
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some(name)
}

/// The first variable in a text: how it is written, and its name.
fn variable(text: &str) -> Option<(&str, &str)> {
    for (at, _) in text.match_indices(['$', '%']) {
        let rest = &text[at..];
        if let Some(bare) = rest.strip_prefix("${") {
            if let Some(name) = name_at_start(bare).filter(|name| bare[name.len()..].starts_with('}')) {
                return Some((&rest[..name.len() + 3], name));
            }
        } else if let Some(bare) = rest.strip_prefix('$') {
            if let Some(name) = name_at_start(bare) {
                return Some((&rest[..=name.len()], name));
            }
        } else if let Some(bare) = rest.strip_prefix('%')
            && let Some(name) = name_at_start(bare).filter(|name| bare[name.len()..].starts_with('%'))
        {
            return Some((&rest[..name.len() + 2], name));
        }
    }
    None
}

/// `%h`, which systemd replaces, and `%Y`, which date(1) does.
fn specifier(text: &str) -> Option<&str> {
    text.match_indices('%').find_map(|(at, _)| {
        let mut behind = text[at + 1..].chars();
        let is_letter = behind.next().is_some_and(|c| c.is_ascii_alphabetic());
        let ends = behind.next().is_none_or(|c| !c.is_ascii_alphanumeric());
        (is_letter && ends).then(|| &text[at..at + 2])
    })
}

/// `nfs:` of `nfs:/export`, `host:` of `host:/export`, and what is behind it.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (before, rest) = text.split_once(':')?;
    let is_name = before.len() > 1
        && before
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+.-_@".contains(c));
    // A folder of such a name can be written as `./gdrive:dp`.
    let is_remote = rest.starts_with(|c: char| c.is_alphanumeric() || c == '/');
    let is_scheme = SCHEMES.contains(&before.to_ascii_lowercase().as_str());
    (is_name && (is_scheme || is_remote)).then(|| (&text[..=before.len()], rest))
}

fn of_scheme(scheme: &str, rest: &str) -> String {
    match scheme.trim_end_matches(':').to_ascii_lowercase().as_str() {
        "file" | "sqlite" => {
            let path = match rest.starts_with('/') {
                true => format!("/{}", rest.trim_start_matches("//localhost").trim_start_matches('/')),
                // `file:h.db` is relative.
                false => rest.to_owned(),
            };
            format!("write {path:?}")
        }
        "postgres" | "postgresql" | "mysql" | "mariadb" | "mongodb" | "redis" | "oracle" | "mssql" | "jdbc" => {
            "no server keeps it: write a path of this machine, such as \"/var/lib/dpbackup/history.db\"".to_owned()
        }
        "env" | "var" | "secret" | "vault" => "nothing is put in its place: write the whole path".to_owned(),
        "udp" | "tcp" | "tls" => format!("write \"{scheme}//{}\"", rest.trim_start_matches('/')),
        "http" | "https" | "dav" | "davs" | "webdav" => {
            "write a path of this machine, where such a place is mounted or what it has was copied to".to_owned()
        }
        "s3" | "gs" | "azure" | "b2" | "swift" => {
            "write a folder of this machine, or where such a place is mounted; `post_script` can copy what was stored"
                .to_owned()
        }
        _ => "mount it, write the folder where it is mounted, and `require_mount = \"remote\"`, so that nothing is \
              stored while it is away"
            .to_owned(),
    }
}

/// `{device}`, `<path>` or `**`, for which others put something else.
fn placeholder(text: &str) -> Option<&str> {
    let folders = || text.contains(ANY_FOLDERS).then_some(ANY_FOLDERS);
    bracketed(text).or_else(folders)
}

/// What stands in brackets, with them.
fn bracketed(text: &str) -> Option<&str> {
    for (open, close) in [('{', '}'), ('<', '>'), ('[', ']')] {
        if let Some(start) = text.find(open)
            && let Some(end) = text[start..].find(close)
        {
            return Some(&text[start..=start + end]);
        }
    }
    None
}

#[cfg(test)]
#[path = "written_path_tests.rs"]
mod tests;
