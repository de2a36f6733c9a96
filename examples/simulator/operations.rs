//! What a valid request of a logged-in user does.

use std::io;
use std::sync::{Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::archive::{Choice, Source};
use super::call::{Call, Operation};
use super::content::Content;
use super::fault::FaultKind;
use super::filestore;
use super::import;
use super::objects::{self, ROW_SPACE};
use super::quiesce_actions::{quiesce, unquiesce};
use super::secure_backup;
use super::soap::{Payload, escape};
use super::state::{DomainState, State};
use super::status;

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
        Operation::GetStatus { class } => {
            let classes = ["DomainStatus", "DomainSummary"];
            if class.as_deref().is_none_or(|class| classes.contains(&class)) {
                state.looks += 1;
            }
            Payload::Xml(match class {
                Some(class) => status::rows(&state, user, domain, class, faults),
                None => all_status(&state, user, domain),
            })
        }
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
            faults,
        ),
        Operation::GetFile { name } => filestore::get(&mut state, domain, name, faults),
        Operation::SetFile { name, base64 } => filestore::set(&mut state, domain, name, base64),
        Operation::CreateDirectory(name) => filestore::create_directory(&mut state, domain, name),
        Operation::RemoveDirectory(name) => filestore::remove_directory(&mut state, domain, name),
        Operation::DeleteFile(name) => filestore::delete(&mut state, domain, name),
        Operation::Import(call) => import::import(&mut state, domain, call, faults),
        Operation::SaveConfig => {
            if faults.contains(&FaultKind::SavesNothing) {
                if let Some(domain) = state.domain_mut(domain) {
                    domain.taken_for_saved = Some(domain.running.clone());
                }
            } else if !faults.contains(&FaultKind::NotDone) {
                state.save(domain);
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
        Operation::Unserved(name) => Payload::Log(format!("this simulator does not serve {name}")),
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
fn all_status(state: &State, user: &str, domain: &str) -> String {
    let classes = [
        "FilesystemStatus",
        "FirmwareVersion",
        "DateTimeStatus",
        "DomainStatus",
        "ObjectStatus",
    ];
    let rows = classes.map(|class| {
        let rows = status::rows(state, user, domain, class, &[]);
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
    let not_before = certificate
        .not_before
        .map_or_else(String::new, |time| format!("<NotBefore>{time}</NotBefore>"));
    let key = match certificate.ecdsa {
        true => "id-ecPublicKey",
        false => "rsaEncryption",
    };
    let base64 = certificate.der.as_ref().map_or_else(String::new, |der| {
        format!("<Base64>{}</Base64>", STANDARD.encode(der))
    });
    Payload::Xml(format!(
        "<dp:view-certificate-details><CryptoCertificate{ROW_SPACE}><CertificateObject>{name}</CertificateObject>\
         <Domain>{domain}</Domain><CertificateDetails><Version>3</Version><SerialNumber>{serial}</SerialNumber>\
         <Subject>{subject}</Subject>{not_before}{not_after}<SubjectPublicKeyAlgorithm>{key}</SubjectPublicKeyAlgorithm>{base64}\
         </CertificateDetails></CryptoCertificate></dp:view-certificate-details>",
        name = escape(name),
        serial = escape(&certificate.serial),
        subject = escape(&certificate.subject),
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
        let hides = |domain: &&DomainState| {
            let is_it =
                |fault: &FaultKind| matches!(fault, FaultKind::HidesRow(name) if *name == domain.name);
            faults.iter().any(is_it)
        };
        let real = state.domains.iter().filter(|domain| !hides(domain));
        found.extend(real.map(|domain| domain.own.clone()));
        found.extend(hostile.iter().map(|name| objects::domain_object(name, false)));
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
            log: None,
        };
    }
    let source = Source::of(&state, choice, faults);
    count_backups(&mut state, choice.domains, 1);
    drop(state);
    let written = write(&source);
    count_backups(&mut lock(shared), choice.domains, -1);
    match written {
        Ok(content) => Payload::File {
            name: None,
            content,
            log: None,
        },
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
