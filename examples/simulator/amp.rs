//! AMP, the Appliance Management Protocol: the part of it that backs up, beside SOMA and on the same state.
//!
//! Elements and their order are those of IBM's published schema (Apache licence); the envelope around an
//! answer is the captured one. Versions 1.0 and 2.0 are answered as 3.0 is, which is a guess.

use std::sync::Mutex;

use roxmltree::Node;

use super::body::Body;
use super::call::{Call, Operation};
use super::content::Content;
use super::fault::FaultKind;
use super::operations::{self, lock};
use super::schema;
use super::secure_backup;
use super::setup::BackupMode;
use super::soap::{self, Payload, escape};
use super::state::{DomainState, State};

/// The namespace without its version.
const NAMESPACE: &str = "http://www.datapower.com/schemas/appliance/management/";

/// A valid request.
#[derive(Clone, Debug)]
pub(super) struct AmpCall {
    version: String,
    wish: Wish,
}

/// What is asked for.
#[derive(Clone, Debug)]
enum Wish {
    DeviceInfo,
    DomainList,
    DomainStatus(String),
    Quiesce {
        domain: Option<String>,
        timeout: u64,
    },
    Unquiesce {
        domain: Option<String>,
    },
    SecureBackup {
        certificate: String,
        /// Without one the files come with the answer.
        destination: Option<String>,
    },
}

/// Whether a text is an AMP request, valid or not.
pub(super) fn is_amp(text: &str) -> bool {
    text.contains(NAMESPACE)
}

impl AmpCall {
    /// Reads a request; nothing when the schema does not allow it.
    pub(super) fn read(text: &str) -> Option<AmpCall> {
        let document = schema::parse(text)?;
        let node = schema::content_of_body(&document)?;
        let version = node.tag_name().namespace()?.strip_prefix(NAMESPACE)?;
        let known = ["1.0", "2.0", "3.0"].contains(&version);
        known.then_some(AmpCall {
            version: version.to_owned(),
            wish: wish(node)?,
        })
    }

    /// The name of the operation, as faults and the request log call it.
    pub(super) fn name(&self) -> String {
        format!("amp/{}", self.tag())
    }

    /// The domains that it concerns.
    pub(super) fn domains(&self) -> Vec<String> {
        match &self.wish {
            Wish::DomainStatus(domain)
            | Wish::Quiesce {
                domain: Some(domain), ..
            }
            | Wish::Unquiesce { domain: Some(domain) } => vec![domain.clone()],
            _ => vec!["default".to_owned()],
        }
    }

    fn tag(&self) -> &'static str {
        match self.wish {
            Wish::DeviceInfo => "GetDeviceInfo",
            Wish::DomainList => "GetDomainList",
            Wish::DomainStatus(_) => "GetDomainStatus",
            Wish::Quiesce { .. } => "Quiesce",
            Wish::Unquiesce { .. } => "Unquiesce",
            Wish::SecureBackup { .. } => "SecureBackup",
        }
    }

    /// The answer to a request that was carried out.
    fn response(&self, inner: Body) -> Body {
        let tag = self.tag();
        let mut body = Body::text(format!(
            "{}<amp:{tag}Response xmlns:amp=\"{NAMESPACE}{}\">",
            soap::HEAD,
            self.version
        ));
        body.append(inner);
        body.push_text(format!("</amp:{tag}Response>{}", soap::TAIL));
        body
    }
}

/// The answer to bad credentials, and to who may not do this.
pub(super) fn refusal(bulk: &str) -> Body {
    Body::text(format!(
        "{}<amp:Fault xmlns:amp=\"{NAMESPACE}3.0\">{bulk}Authentication failure</amp:Fault>{}",
        soap::HEAD,
        soap::TAIL
    ))
}

/// Carries a request out.
pub(super) fn perform(
    shared: &Mutex<State>,
    user: &str,
    call: &AmpCall,
    faults: &[FaultKind],
    bulk: String,
) -> Body {
    let mut inner = Body::text(bulk);
    inner.append(match &call.wish {
        Wish::DeviceInfo => Body::text(device_info(&lock(shared))),
        Wish::DomainList => {
            let names = lock(shared).domains();
            let row = |name: &String| format!("<amp:Domain>{}</amp:Domain>", escape(name));
            Body::text(names.iter().map(row).collect())
        }
        Wish::DomainStatus(name) => {
            let mut state = lock(shared);
            state.looks += 1;
            Body::text(match state.domain(name) {
                Some(domain) => domain_status(&state, user, domain),
                None => status(false),
            })
        }
        Wish::Quiesce { domain, timeout } => {
            let quiesce = Operation::Quiesce {
                domain: domain.clone(),
                timeout: *timeout,
                delay: 0,
            };
            Body::text(status(is_done(shared, user, quiesce, faults)))
        }
        Wish::Unquiesce { domain } => {
            let unquiesce = Operation::Unquiesce {
                domain: domain.clone(),
            };
            Body::text(status(is_done(shared, user, unquiesce, faults)))
        }
        Wish::SecureBackup {
            certificate,
            destination: Some(destination),
        } => {
            let backup = Operation::SecureBackup {
                certificate: certificate.clone(),
                destination: destination.clone(),
            };
            Body::text(status(is_done(shared, user, backup, faults)))
        }
        Wish::SecureBackup {
            certificate,
            destination: None,
        } => match secure_backup::with_the_answer(&lock(shared), certificate, faults) {
            Some(files) => inline(files),
            None => Body::text(status(false)),
        },
    });
    call.response(inner)
}

/// Whether an operation that SOMA has too is carried out.
fn is_done(shared: &Mutex<State>, user: &str, operation: Operation, faults: &[FaultKind]) -> bool {
    let call = Call {
        domain: "default".to_owned(),
        operation,
    };
    let payload = operations::perform(shared, user, &call, faults);
    let refused = faults
        .iter()
        .any(|fault| matches!(fault, FaultKind::ErrorLog(_) | FaultKind::ResultError));
    !refused && matches!(payload, Payload::Ok)
}

fn status(is_ok: bool) -> String {
    format!("<amp:Status>{}</amp:Status>", if is_ok { "ok" } else { "error" })
}

fn inline(files: Vec<(String, Content)>) -> Body {
    let mut body = Body::text("<amp:SecureBackup>".to_owned());
    for (name, content) in files {
        body.push_text(format!("<amp:SecureBackupFile name=\"{}\">", escape(&name)));
        body.push_base64(content);
        body.push_text("</amp:SecureBackupFile>".to_owned());
    }
    body.push_text("</amp:SecureBackup>".to_owned());
    body
}

fn device_info(state: &State) -> String {
    let firmware = &state.setup.firmware;
    let secure = match state.setup.backup_mode {
        BackupMode::Secure => "enabled",
        BackupMode::Normal => "disabled",
    };
    let product = firmware.version.split('.').next().unwrap_or_default();
    let id = format!("{}-{}", firmware.machine_type, firmware.model_type);
    [
        ("DeviceName", state.setup.name.as_str()),
        ("DeviceSerialNo", &firmware.serial),
        ("DeviceID", &id),
        ("DeviceType", product),
        ("FirmwareVersion", &firmware.version),
        ("FailureDetected", "false"),
        ("CurrentAMPVersion", "3.0"),
        ("SecureBackup", secure),
    ]
    .map(|(tag, value)| format!("<amp:{tag}>{}</amp:{tag}>", escape(value)))
    .concat()
}

fn domain_status(state: &State, user: &str, domain: &DomainState) -> String {
    let (admin, op) = if domain.is_disabled() {
        ("disabled", "down")
    } else {
        ("enabled", "up")
    };
    let fields = [
        ("AdminState", admin),
        ("OpState", op),
        (
            "ConfigState",
            if state.is_unsaved(&domain.name) {
                "modified"
            } else {
                "saved"
            },
        ),
        ("DebugState", "false"),
        ("CurrentCommand", state.current_command(&domain.name)),
        ("QuiesceState", state.shown_quiesce(domain, user, true)),
    ]
    .map(|(tag, value)| match value {
        "" => format!("<amp:{tag}/>"),
        value => format!("<amp:{tag}>{value}</amp:{tag}>"),
    });
    let name = escape(&domain.name);
    format!("<amp:Domain name=\"{name}\">{}</amp:Domain>", fields.concat())
}

/// Reads the element of a request.
fn wish(node: Node) -> Option<Wish> {
    let children = schema::elements(node);
    let space = node.tag_name().namespace();
    if children.iter().any(|child| child.tag_name().namespace() != space) {
        return None;
    }
    let names: Vec<&str> = children.iter().map(|child| child.tag_name().name()).collect();
    let text = |node: Node| node.text().unwrap_or_default().to_owned();
    Some(match (node.tag_name().name(), &names[..]) {
        ("GetDeviceInfoRequest", []) => Wish::DeviceInfo,
        ("GetDomainListRequest", []) => Wish::DomainList,
        ("GetDomainStatusRequest", ["Domain"]) => Wish::DomainStatus(text(*children.first()?)),
        ("QuiesceRequest", ["Device" | "Domain"]) => {
            let target = *children.first()?;
            let part = |name: &str| {
                let parts = schema::elements(target).into_iter();
                parts
                    .filter(|part| part.tag_name().name() == name)
                    .map(text)
                    .next()
            };
            let domain = part("Name");
            if domain.is_some() != (names == ["Domain"]) {
                return None;
            }
            let timeout = part("Timeout")?.trim().parse::<u16>().ok()?.into();
            Wish::Quiesce { domain, timeout }
        }
        ("UnquiesceRequest", ["Device"]) => Wish::Unquiesce { domain: None },
        ("UnquiesceRequest", ["Domain"]) => {
            let name = *schema::elements(*children.first()?).first()?;
            Wish::Unquiesce {
                domain: Some(text(name)),
            }
        }
        ("SecureBackupRequest", names) => {
            let rest = names.strip_prefix(&["DoNotIncludeiSCSI"]).unwrap_or(names);
            let rest = rest.strip_prefix(&["DoNotIncludeRAID"]).unwrap_or(rest);
            let certificate = names.len() - rest.len();
            let destination = match rest {
                ["CryptoCertificateName" | "CryptoCertificate"] => None,
                [
                    "CryptoCertificateName" | "CryptoCertificate",
                    "SecureBackupDestination",
                ] => Some(text(*children.last()?)),
                _ => return None,
            };
            Wish::SecureBackup {
                certificate: text(*children.get(certificate)?),
                destination,
            }
        }
        _ => return None,
    })
}
