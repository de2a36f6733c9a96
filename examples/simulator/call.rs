//! A valid request as a value.

use roxmltree::Node;

use super::firmware::Firmware;
use super::import::{ImportCall, RestoredDomain};
use super::quiesce_actions::sentence;
use super::schema;

/// A valid request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The domain it is sent in.
    pub(super) domain: String,
    pub(super) operation: Operation,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    GetStatus {
        class: Option<String>,
    },
    GetConfig {
        class: Option<String>,
        name: Option<String>,
        persisted: bool,
    },
    DoExport {
        format: String,
        persisted: bool,
        all_files: bool,
        comment: String,
    },
    DoBackup {
        format: String,
        persisted: bool,
        domains: Vec<String>,
        comment: String,
    },
    GetFilestore {
        location: Option<String>,
        layout_only: bool,
        no_subdirectories: bool,
    },
    GetFile {
        name: String,
    },
    SetFile {
        name: String,
        base64: String,
    },
    ViewCertificate(String),
    SecureBackup {
        certificate: String,
        destination: String,
    },
    Quiesce {
        domain: Option<String>,
        timeout: u64,
        delay: u64,
    },
    Unquiesce {
        domain: Option<String>,
    },
    Import(ImportCall),
    SaveConfig,
    CreateDirectory(String),
    RemoveDirectory(String),
    DeleteFile(String),
    /// Valid, and not served by the simulator: its name in the log.
    Unserved(String),
}

impl Call {
    /// Reads a request; nothing when the schema of the firmware does not allow it.
    pub(super) fn read(text: &str, firmware: &Firmware) -> Option<Call> {
        let document = schema::parse(text)?;
        let (request, node) = schema::operation(&document, firmware)?;
        let domain = request.attribute("domain").unwrap_or("default").to_owned();
        Some(Call {
            domain,
            operation: operation(node)?,
        })
    }

    /// The name of the operation, as faults and the request log call it.
    pub(super) fn name(&self) -> String {
        let class = |class: &Option<String>| class.clone().unwrap_or_else(|| "all".to_owned());
        match &self.operation {
            Operation::GetStatus { class: asked } => format!("get-status/{}", class(asked)),
            Operation::GetConfig { class: asked, .. } => format!("get-config/{}", class(asked)),
            Operation::DoExport { .. } => "do-export".to_owned(),
            Operation::DoBackup { .. } => "do-backup".to_owned(),
            Operation::GetFilestore { .. } => "get-filestore".to_owned(),
            Operation::GetFile { name } => format!("get-file/{}", base_name(name)),
            Operation::SetFile { name, .. } => format!("set-file/{}", base_name(name)),
            Operation::ViewCertificate(_) => "do-view-certificate-details".to_owned(),
            Operation::SecureBackup { .. } => "do-action/SecureBackup".to_owned(),
            Operation::Quiesce { domain: None, .. } => "do-action/QuiesceDP".to_owned(),
            Operation::Quiesce { .. } => "do-action/DomainQuiesce".to_owned(),
            Operation::Unquiesce { domain: None } => "do-action/UnquiesceDP".to_owned(),
            Operation::Unquiesce { .. } => "do-action/DomainUnquiesce".to_owned(),
            Operation::Import(import) if import.is_restore => "do-restore".to_owned(),
            Operation::Import(_) => "do-import".to_owned(),
            Operation::SaveConfig => "do-action/SaveConfig".to_owned(),
            Operation::CreateDirectory(_) => "do-action/CreateDir".to_owned(),
            Operation::RemoveDirectory(_) => "do-action/RemoveDir".to_owned(),
            Operation::DeleteFile(_) => "do-action/DeleteFile".to_owned(),
            Operation::Unserved(name) => name.clone(),
        }
    }

    /// The domains that it concerns: those it names, or else the one it is sent in.
    pub(super) fn domains(&self) -> Vec<String> {
        match &self.operation {
            Operation::DoBackup { domains, .. } => domains.clone(),
            Operation::Import(import) if import.is_restore => {
                import.domains.iter().map(|domain| domain.name.clone()).collect()
            }
            Operation::Quiesce {
                domain: Some(domain), ..
            }
            | Operation::Unquiesce { domain: Some(domain) } => {
                vec![domain.clone()]
            }
            _ => vec![self.domain.clone()],
        }
    }

    /// What is said of a quiesce or an unquiesce where more than `OK` is said.
    pub(super) fn sentence(&self) -> Option<String> {
        match &self.operation {
            Operation::Quiesce { domain, .. } => Some(sentence("Quiesce", domain.as_deref())),
            Operation::Unquiesce { domain } => Some(sentence("Unquiesce", domain.as_deref())),
            _ => None,
        }
    }

    /// The command line that old firmware echoes into an error log.
    pub(super) fn command_line(&self) -> String {
        match &self.operation {
            Operation::SecureBackup {
                certificate,
                destination,
            } => {
                format!("secure-backup \"{certificate}\" \"{destination}\"")
            }
            Operation::Quiesce {
                domain: Some(domain),
                timeout,
                ..
            } => {
                format!("domain-quiesce \"{domain}\" {timeout}")
            }
            Operation::Unquiesce { domain: Some(domain) } => format!("domain-unquiesce \"{domain}\""),
            Operation::CreateDirectory(path) => format!("mkdir \"{path}\""),
            Operation::RemoveDirectory(path) => format!("rmdir \"{path}\""),
            Operation::DeleteFile(path) => format!("delete \"{path}\""),
            _ => self.name().rsplit('/').next().unwrap_or_default().to_lowercase(),
        }
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Reads a node that the schema has accepted.
fn operation(node: Node) -> Option<Operation> {
    let attribute = |name: &str| node.attribute(name).map(str::to_owned);
    let is_true = |name: &str| matches!(node.attribute(name).map(str::trim), Some("true" | "1"));
    let children = schema::elements(node);
    let comment = || child_text(node, "user-comment");
    let format = || attribute("format").unwrap_or_else(|| "ZIP".to_owned());
    Some(match node.tag_name().name() {
        "get-status" => Operation::GetStatus {
            class: attribute("class"),
        },
        "get-config" => Operation::GetConfig {
            class: attribute("class"),
            name: attribute("name"),
            persisted: is_true("persisted"),
        },
        "do-export" => Operation::DoExport {
            format: format(),
            persisted: is_true("persisted"),
            all_files: is_true("all-files"),
            comment: comment(),
        },
        "do-backup" => Operation::DoBackup {
            format: format(),
            persisted: is_true("persisted"),
            domains: children
                .iter()
                .filter_map(|child| child.attribute("name"))
                .map(str::to_owned)
                .collect(),
            comment: comment(),
        },
        "get-filestore" => Operation::GetFilestore {
            location: attribute("location"),
            layout_only: is_true("layout-only"),
            no_subdirectories: is_true("no-subdirectories"),
        },
        "get-file" => Operation::GetFile {
            name: attribute("name")?,
        },
        "set-file" => Operation::SetFile {
            name: attribute("name")?,
            base64: node.text().unwrap_or_default().split_whitespace().collect(),
        },
        name @ ("do-import" | "do-restore") => {
            let is_of = |node: &Node, name: &str| node.tag_name().name() == name;
            let truth = |node: Node, name: &str, absent: bool| match node.attribute(name).map(str::trim) {
                Some(text) => matches!(text, "true" | "1"),
                // What an absent attribute means is not documented for these; this is what the import of a
                // package has.
                None => absent,
            };
            let domains = children
                .iter()
                .filter(|child| name == "do-restore" && is_of(child, "domain"));
            let domains = domains.map(|domain| RestoredDomain {
                name: domain.attribute("name").unwrap_or_default().to_owned(),
                is_imported: truth(*domain, "import-domain", true),
                is_reset: truth(*domain, "reset-domain", false),
            });
            Operation::Import(ImportCall {
                is_restore: name == "do-restore",
                source_type: attribute("source-type").unwrap_or_else(|| "ZIP".to_owned()),
                // Absent is a real import.
                dry_run: truth(node, "dry-run", false),
                overwrite_files: truth(node, "overwrite-files", true),
                overwrite_objects: truth(node, "overwrite-objects", true),
                input: child_text(node, "input-file").split_whitespace().collect(),
                domains: domains.collect(),
                has_more: children
                    .iter()
                    .any(|child| !is_of(child, "input-file") && !is_of(child, "domain")),
            })
        }
        "do-view-certificate-details" => Operation::ViewCertificate(child_text(node, "certificate-object")),
        "do-action" => match children[..] {
            [one] => action(one),
            _ => Operation::Unserved("do-action/several".to_owned()),
        },
        name => Operation::Unserved(name.to_owned()),
    })
}

fn action(node: Node) -> Operation {
    let number = |name| child_text(node, name).trim().parse().unwrap_or(0);
    match node.tag_name().name() {
        "SecureBackup" => Operation::SecureBackup {
            certificate: child_text(node, "cert"),
            destination: child_text(node, "destination"),
        },
        "QuiesceDP" => Operation::Quiesce {
            domain: None,
            timeout: number("timeout"),
            delay: number("delay"),
        },
        "DomainQuiesce" => Operation::Quiesce {
            domain: Some(child_text(node, "name")),
            timeout: number("timeout"),
            delay: number("delay"),
        },
        "UnquiesceDP" => Operation::Unquiesce { domain: None },
        "DomainUnquiesce" => Operation::Unquiesce {
            domain: Some(child_text(node, "name")),
        },
        "SaveConfig" => Operation::SaveConfig,
        "CreateDir" => Operation::CreateDirectory(child_text(node, "Dir")),
        "RemoveDir" => Operation::RemoveDirectory(child_text(node, "Dir")),
        "DeleteFile" => Operation::DeleteFile(child_text(node, "File")),
        name => Operation::Unserved(format!("do-action/{name}")),
    }
}

fn child_text(node: Node, name: &str) -> String {
    let child = node.children().find(|child| child.tag_name().name() == name);
    child
        .and_then(|child| child.text())
        .unwrap_or_default()
        .to_owned()
}
