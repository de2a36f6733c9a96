//! `get-filestore`, `get-file`, `set-file`, and the actions on files and directories.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::Content;
use super::fault::FaultKind;
use super::files::{self, FileStore, LOCATIONS, Stored};
use super::objects::ROW_SPACE;
use super::soap::{Payload, escape};
use super::state::State;
use super::status::local_time;

/// `dp:filestore` of one location or of all.
pub(super) fn list(
    state: &State,
    domain: &str,
    location: Option<&str>,
    layout_only: bool,
    no_subdirectories: bool,
    faults: &[FaultKind],
) -> Payload {
    let mut xml = String::from("<dp:filestore>");
    for (name, rights, shared) in LOCATIONS {
        if location.is_some_and(|asked| asked != name) {
            continue;
        }
        let Some(holder) = state.domain(if shared { "default" } else { domain }) else {
            continue;
        };
        let rights = attributes(rights);
        let mut inner = String::new();
        if layout_only {
            let directories = holder.files.directories_in(name).count();
            let files = holder.files.files_in(name).count();
            inner = format!("<directories>{directories}</directories><files>{files}</files>");
        } else {
            list_directory(&holder.files, name, &rights, no_subdirectories, &mut inner);
        }
        if faults.contains(&FaultKind::HidesRow(name.to_owned())) {
            inner.clear();
        }
        let head = format!("<location name=\"{name}\"{rights}{ROW_SPACE}");
        xml.push_str(&close(&head, &inner, "location"));
    }
    xml.push_str("</dp:filestore>");
    Payload::Xml(xml)
}

/// Directories and files, as far down as wanted.
fn list_directory(files: &FileStore, path: &str, rights: &str, flat: bool, xml: &mut String) {
    for directory in files.directories_in(path) {
        let mut inner = String::new();
        if !flat {
            list_directory(files, directory, rights, flat, &mut inner);
        }
        let head = format!("<directory name=\"{}\"{rights}", escape(directory));
        xml.push_str(&close(&head, &inner, "directory"));
    }
    for (name, Stored { content, modified }) in files.files_in(path) {
        xml.push_str(&format!(
            "<file name=\"{}\"><size>{}</size><modified>{}</modified></file>",
            escape(name),
            content.size(),
            local_time(*modified)
        ));
    }
}

fn close(head: &str, inner: &str, tag: &str) -> String {
    if inner.is_empty() {
        format!("{head}/>")
    } else {
        format!("{head}>{inner}</{tag}>")
    }
}

fn attributes(rights: &str) -> String {
    rights
        .split(' ')
        .map(|right| format!(" {right}=\"true\""))
        .collect()
}

pub(super) fn get(state: &mut State, domain: &str, name: &str, faults: &[FaultKind]) -> Payload {
    let unreadable = || Payload::Text("Cannot read the specified file".to_owned());
    let Some(path) = files::normal(name) else {
        return unreadable();
    };
    let readable = files::allows(&path, "read");
    let found = state
        .holder_of(domain, &path)
        .and_then(|holder| holder.files.get(&path))
        .filter(|_| readable);
    let Some(stored) = found else { return unreadable() };
    let mut content = stored.content.clone();
    if faults.contains(&FaultKind::BadCrc)
        && let Ok(mut bytes) = content.to_vec()
    {
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 0x55;
        }
        content = Content::from(bytes);
    }
    let other = faults.iter().find_map(|fault| match fault {
        FaultKind::HostileName(name) => name.as_deref(),
        _ => None,
    });
    Payload::File {
        name: Some(other.unwrap_or(name).to_owned()),
        content,
        log: None,
    }
}

pub(super) fn set(state: &mut State, domain: &str, name: &str, base64: &str) -> Payload {
    let now = state.now();
    let (Some(path), Ok(bytes)) = (files::normal(name), STANDARD.decode(base64)) else {
        return Payload::Text("Cannot write the specified file".to_owned());
    };
    let writable = files::allows(&path, "write");
    match state.holder_of(domain, &path) {
        Some(holder) if writable && !holder.files.is_directory(&path) => {
            holder.files.put(&path, Content::from(bytes), now);
            Payload::Ok
        }
        // The words of a real device for a file that cannot be written.
        _ => Payload::Text("Authentication failure".to_owned()),
    }
}

pub(super) fn create_directory(state: &mut State, domain: &str, name: &str) -> Payload {
    match place(state, domain, name, "dir") {
        None => Payload::Log(format!("Cannot create directory '{name}' - not allowed here")),
        Some((files, path)) => {
            let done = !files.is_directory(&path) && files.make_directory(&path);
            done_or(done, format!("Directory '{name}' already exists"))
        }
    }
}

pub(super) fn remove_directory(state: &mut State, domain: &str, name: &str) -> Payload {
    let place = place(state, domain, name, "dir").filter(|(_, path)| !path.ends_with(':'));
    let done = place.is_some_and(|(files, path)| files.remove_directory(&path));
    done_or(done, format!("Directory '{name}' not found"))
}

pub(super) fn delete(state: &mut State, domain: &str, name: &str) -> Payload {
    let done = place(state, domain, name, "del").is_some_and(|(files, path)| files.remove(&path));
    done_or(done, format!("No such file or directory named {name} exists"))
}

/// Where a name is kept, and its normal form, if its location gives the right.
fn place<'a>(
    state: &'a mut State,
    domain: &str,
    name: &str,
    right: &str,
) -> Option<(&'a mut FileStore, String)> {
    let path = files::normal(name).filter(|path| files::allows(path, right))?;
    state
        .holder_of(domain, &path)
        .map(|holder| (&mut holder.files, path))
}

fn done_or(done: bool, error: String) -> Payload {
    if done { Payload::Ok } else { Payload::Log(error) }
}
