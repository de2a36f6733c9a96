//! What a valid request of a logged-in user does.

use std::io;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::archive::{Choice, Source};
use super::call::{Call, Operation};
use super::content::Content;
use super::fault::FaultKind;
use super::filestore;
use super::objects::{self, ROW_SPACE};
use super::secure_backup;
use super::soap::{Payload, escape};
use super::state::{Outcome, State};
use super::status;

/// Below this many seconds a quiesce is refused, though the schema allows it.
const LEAST_QUIESCE_SECONDS: u64 = 60;

/// Locks the state and lets happen what has come due.
pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    state.settle();
    state
}

/// Carries a request out. The state is held only as long as needed: an archive is written without it.
pub(super) fn perform(shared: &Mutex<State>, user: &str, call: &Call, faults: &[FaultKind]) -> Payload {
    let mut state = lock(shared);
    let domain = call.domain.as_str();
    if state.domain(domain).is_none() {
        // What a device says here was never captured; a login into no domain is the likeliest.
        return Payload::Text("Authentication failure".to_owned());
    }
    match &call.operation {
        Operation::GetStatus { class: Some(class) } => {
            Payload::Xml(status::rows(&state, domain, class, faults))
        }
        Operation::GetStatus { class: None } => Payload::Xml(all_status(&state, domain)),
        Operation::GetConfig {
            class,
            name,
            persisted,
        } => get_config(
            &state,
            domain,
            class.as_deref(),
            name.as_deref(),
            *persisted,
            faults,
        ),
        Operation::ViewCertificate(name) => view_certificate(&state, domain, name),
        Operation::GetFilestore {
            location,
            layout_only,
            no_subdirectories,
        } => filestore::list(
            &state,
            domain,
            location.as_deref(),
            *layout_only,
            *no_subdirectories,
        ),
        Operation::GetFile { name } => filestore::get(&mut state, domain, name, faults),
        Operation::SetFile { name, base64 } => filestore::set(&mut state, domain, name, base64),
        Operation::CreateDirectory(name) => filestore::create_directory(&mut state, domain, name),
        Operation::RemoveDirectory(name) => filestore::remove_directory(&mut state, domain, name),
        Operation::DeleteFile(name) => filestore::delete(&mut state, domain, name),
        Operation::SaveConfig => {
            let now = state.now();
            if let Some(domain) = state.domain_mut(domain) {
                domain.save(now);
            }
            Payload::Ok
        }
        Operation::SecureBackup {
            certificate,
            destination,
        } => secure_backup::start(&mut state, domain, certificate, destination, faults),
        Operation::Quiesce {
            domain: target,
            timeout,
            delay,
        } => quiesce(&mut state, domain, target.as_deref(), *timeout, *delay, faults),
        Operation::Unquiesce { domain: target } => unquiesce(&mut state, domain, target.as_deref(), faults),
        Operation::DoExport {
            format,
            persisted,
            all_files,
            comment,
        } => {
            if format != "ZIP" {
                return Payload::Log("this simulator exports in format ZIP only".to_owned());
            }
            let domains = [domain.to_owned()];
            let (persisted, all_files) = (*persisted, *all_files);
            let choice = Choice {
                user,
                comment,
                domains: &domains,
                persisted,
                all_files,
            };
            archive(shared, state, &choice, faults, Source::export)
        }
        Operation::DoBackup {
            format,
            persisted,
            domains,
            comment,
        } => {
            let domains = match backed_up(&state, domain, format, domains) {
                Ok(domains) => domains,
                Err(refusal) => return refusal,
            };
            let persisted = *persisted;
            let choice = Choice {
                user,
                comment,
                domains: &domains,
                persisted,
                all_files: true,
            };
            let payload = archive(shared, state, &choice, faults, Source::backup);
            // A side effect of real devices: the archive also stays in export: of the default domain.
            if let Payload::File { content, .. } = &payload {
                lock(shared).put_file("default", "export:///export.zip", content.clone());
            }
            payload
        }
    }
}

/// Every class, as a request without one is answered.
fn all_status(state: &State, domain: &str) -> String {
    let classes = [
        "FilesystemStatus",
        "FirmwareVersion",
        "DateTimeStatus",
        "DomainStatus",
        "ObjectStatus",
    ];
    let rows = classes.map(|class| {
        let rows = status::rows(state, domain, class, &[]);
        rows.trim_start_matches("<dp:status>")
            .trim_end_matches("</dp:status>")
            .to_owned()
    });
    format!("<dp:status>{}</dp:status>", rows.concat())
}

/// What stands in a certificate, as far as a backup asks for it.
fn view_certificate(state: &State, domain: &str, name: &str) -> Payload {
    let mut known = state.setup.certificates.iter();
    let Some(certificate) = known.find(|known| domain == "default" && known.name == name) else {
        return Payload::Log(format!("Cannot find certificate object '{name}'"));
    };
    let not_after = certificate
        .not_after
        .map_or_else(String::new, |time| format!("<NotAfter>{time}</NotAfter>"));
    Payload::Xml(format!(
        "<dp:view-certificate-details><CryptoCertificate{ROW_SPACE}><CertificateObject>{name}</CertificateObject>\
         <Domain>{domain}</Domain><CertificateDetails><Version>3</Version><Subject>CN={name}</Subject>{not_after}\
         </CertificateDetails></CryptoCertificate></dp:view-certificate-details>",
        name = escape(name),
    ))
}

fn get_config(
    state: &State,
    domain: &str,
    class: Option<&str>,
    name: Option<&str>,
    persisted: bool,
    faults: &[FaultKind],
) -> Payload {
    let mut found = Vec::new();
    if let Some(holder) = state.domain(domain) {
        found.extend(if persisted {
            holder.saved.clone()
        } else {
            holder.running.clone()
        });
    }
    if domain == "default" {
        let hostile = status::hostile_names(faults);
        let names = state.domains().into_iter().chain(hostile);
        found.extend(names.map(|name| objects::domain_object(&name)));
    }
    found.retain(|object| class.is_none_or(|class| object.class == class));
    found.retain(|object| name.is_none_or(|name| object.name == name));
    let xml: String = found.iter().map(objects::Object::in_reply).collect();
    Payload::Xml(if xml.is_empty() {
        "<dp:config/>".to_owned()
    } else {
        format!("<dp:config>{xml}</dp:config>")
    })
}

fn quiesce(
    state: &mut State,
    domain: &str,
    target: Option<&str>,
    timeout: u64,
    delay: u64,
    faults: &[FaultKind],
) -> Payload {
    let targets = match quiesce_targets(state, domain, target) {
        Ok(targets) => targets,
        Err(refusal) => return refusal,
    };
    if timeout < LEAST_QUIESCE_SECONDS {
        return Payload::Log(format!(
            "timeout must be at least {LEAST_QUIESCE_SECONDS} seconds"
        ));
    }
    let outcome = if faults.contains(&FaultKind::NeverQuiesces) {
        Outcome::NeverEnds
    } else if faults.contains(&FaultKind::QuiesceError) {
        Outcome::Fails
    } else {
        Outcome::Ends
    };
    // Connections that do not end in time are cut.
    let takes = state.setup.quiesce_time.min(Duration::from_secs(timeout)) + Duration::from_secs(delay);
    state.quiesce(&targets, takes, outcome);
    Payload::Ok
}

fn unquiesce(state: &mut State, domain: &str, target: Option<&str>, faults: &[FaultKind]) -> Payload {
    let targets = match quiesce_targets(state, domain, target) {
        Ok(targets) => targets,
        Err(refusal) => return refusal,
    };
    let never = faults.contains(&FaultKind::NeverUnquiesces);
    state.unquiesce(&targets, if never { Outcome::NeverEnds } else { Outcome::Ends });
    Payload::Ok
}

/// The domains that a quiesce or unquiesce concerns. The default domain never goes down.
fn quiesce_targets(state: &State, domain: &str, target: Option<&str>) -> Result<Vec<String>, Payload> {
    if domain != "default" {
        return Err(Payload::Log(
            "quiesce is available in default domain only".to_owned(),
        ));
    }
    let mut names = state.domains();
    names.retain(|name| name != "default");
    match target {
        None => Ok(names),
        Some("default") => Err(Payload::Log("domain [default] cannot be quiesced".to_owned())),
        Some(target) if names.iter().any(|name| name == target) => Ok(vec![target.to_owned()]),
        Some(target) => Err(Payload::Log(format!("invalid or non-existent domain [{target}]"))),
    }
}

/// The domains of a backup, `all-domains` resolved.
fn backed_up(state: &State, domain: &str, format: &str, asked: &[String]) -> Result<Vec<String>, Payload> {
    if format != "ZIP" {
        let text = "Cannot backup domains in 'JSON' or 'XML' format. Use 'ZIP' format.";
        return Err(Payload::Log(text.to_owned()));
    }
    if domain != "default" {
        return Err(Payload::Log("Target domain must be 'default'".to_owned()));
    }
    if asked.iter().any(|name| name == "all-domains") {
        return Ok(state.domains());
    }
    match asked.iter().find(|name| state.domain(name).is_none()) {
        Some(unknown) => Err(Payload::Log(format!(
            "Backup failed - invalid or non-existent domain [{unknown}]."
        ))),
        None => Ok(asked.to_vec()),
    }
}

/// Writes an archive while the domains show that they are being backed up.
fn archive(
    shared: &Mutex<State>,
    mut state: MutexGuard<'_, State>,
    choice: &Choice,
    faults: &[FaultKind],
    write: impl Fn(&Source) -> io::Result<Content>,
) -> Payload {
    if faults.contains(&FaultKind::NoSpace) || state.free_temporary() == 0 {
        // An empty file is what a device without room in temporary: gives.
        return Payload::File {
            name: None,
            content: Content::from(""),
        };
    }
    let source = Source::of(&state, choice, faults);
    count_backups(&mut state, choice.domains, 1);
    drop(state);
    let written = write(&source);
    count_backups(&mut lock(shared), choice.domains, -1);
    match written {
        Ok(content) => Payload::File { name: None, content },
        Err(error) => Payload::Log(format!("Backup failed - {error}.")),
    }
}

fn count_backups(state: &mut State, domains: &[String], change: i32) {
    for domain in state
        .domains
        .iter_mut()
        .filter(|domain| domains.contains(&domain.name))
    {
        domain.backups = domain.backups.saturating_add_signed(change);
    }
}
