//! Configuration objects, as `get-config` shows them and exports hold them.

use std::borrow::Cow;

use roxmltree::Node;

use super::setup::{Domain, Setup};
use super::soap::escape;

/// The attributes that real exports put on every object: two namespaces that nothing uses.
const EXPORT_SPACES: &str = r#" xmlns:dp="http://www.datapower.com/schemas/management" xmlns:env="http://www.w3.org/2003/05/soap-envelope""#;
/// The attribute that real status and configuration rows carry.
pub(super) const ROW_SPACE: &str = r#" xmlns:env="http://www.w3.org/2003/05/soap-envelope""#;

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) class: Cow<'static, str>,
    pub(super) name: String,
    /// Attributes after the name, each with a blank in front.
    attributes: Cow<'static, str>,
    /// Properties, as lines of XML.
    properties: Vec<String>,
}

impl Object {
    fn new(class: &'static str, name: &str, attributes: &'static str, properties: &[(&str, &str)]) -> Object {
        let line = |(tag, value): &(&str, &str)| match *value {
            "" => format!("<{tag}/>"),
            value => format!("<{tag}>{}</{tag}>", escape(value)),
        };
        Object {
            class: Cow::Borrowed(class),
            name: name.to_owned(),
            attributes: Cow::Borrowed(attributes),
            properties: properties.iter().map(line).collect(),
        }
    }

    /// An object as an export has it, whose whole text is `text`.
    pub(super) fn read(node: Node, text: &str) -> Object {
        let attributes = node.attributes().filter(|attribute| attribute.name() != "name");
        let attributes =
            attributes.map(|attribute| format!(" {}=\"{}\"", attribute.name(), escape(attribute.value())));
        let properties = node.children().filter(Node::is_element);
        Object {
            class: Cow::Owned(node.tag_name().name().to_owned()),
            name: node.attribute("name").unwrap_or_default().to_owned(),
            attributes: Cow::Owned(attributes.collect()),
            properties: properties
                .map(|property| text[property.range()].to_owned())
                .collect(),
        }
    }

    /// Gives it another value of a property, or one more property.
    pub(super) fn set(&mut self, tag: &str, value: &str) {
        let line = format!("<{tag}>{}</{tag}>", escape(value));
        let begins = format!("<{tag}>");
        match self.properties.iter_mut().find(|line| line.starts_with(&begins)) {
            Some(known) => *known = line,
            None => self.properties.push(line),
        }
    }

    /// Whether it has this value of a property.
    pub(super) fn has(&self, tag: &str, value: &str) -> bool {
        self.properties
            .contains(&format!("<{tag}>{}</{tag}>", escape(value)))
    }

    /// Whether the other one stands for the same thing.
    pub(super) fn is_same(&self, other: &Object) -> bool {
        (&self.class, &self.name) == (&other.class, &other.name)
    }

    /// Whether every domain has it, and none can be without.
    pub(super) fn is_intrinsic(&self) -> bool {
        self.attributes.contains("intrinsic=\"true\"")
    }

    /// As an export has it: a property a line.
    pub(super) fn in_export(&self) -> String {
        self.to_xml(EXPORT_SPACES, "\n")
    }

    /// As `get-config` shows it: all on one line.
    pub(super) fn in_reply(&self) -> String {
        self.to_xml(ROW_SPACE, "")
    }

    fn to_xml(&self, spaces: &str, separator: &str) -> String {
        let (class, name) = (&self.class, escape(&self.name));
        let mut xml = format!("<{class} name=\"{name}\"{}{spaces}>", self.attributes);
        for property in &self.properties {
            xml.push_str(separator);
            xml.push_str(property);
        }
        xml.push_str(&format!("</{class}>"));
        xml
    }
}

/// What every domain has, and its services.
pub(super) fn of_domain(setup: &Setup, domain: &Domain) -> Vec<Object> {
    let mut objects = Vec::new();
    if domain.name == "default" {
        objects.extend(of_device(setup));
    }
    objects.push(Object::new(
        "DomainSettings",
        "default",
        " intrinsic=\"true\"",
        &[
            ("mAdminState", "enabled"),
            ("PasswordTreatment", "masked"),
            ("ConfigDir", "config:///"),
        ],
    ));
    objects.push(Object::new(
        "HTTPUserAgent",
        "default",
        " intrinsic=\"true\"",
        &[
            ("mAdminState", "enabled"),
            ("UserSummary", "Default User Agent"),
            ("Timeout", "300"),
        ],
    ));
    if setup.firmware.knows("APIConnectGatewayService") {
        let state = if domain.api_connect { "enabled" } else { "disabled" };
        objects.push(Object::new(
            "APIConnectGatewayService",
            "default",
            " intrinsic=\"true\"",
            &[
                ("mAdminState", state),
                ("LocalAddress", "0.0.0.0"),
                ("LocalPort", "3000"),
            ],
        ));
    }
    for service in &domain.services {
        objects.push(Object::new(
            "MultiProtocolGateway",
            service,
            "",
            &[
                ("mAdminState", "enabled"),
                ("UserSummary", ""),
                ("Type", "static-backend"),
            ],
        ));
    }
    objects
}

/// What only the default domain has.
pub(super) fn of_device(setup: &Setup) -> Vec<Object> {
    let firmware = &setup.firmware;
    let mut objects = vec![Object::new(
        "SystemSettings",
        "System-Settings",
        " intrinsic=\"true\"",
        &[
            ("mAdminState", "enabled"),
            ("Description", "IBM DataPower Gateway"),
            ("SerialNumber", &firmware.serial),
            ("ProductID", &format!("{} [Rev 001]", firmware.machine_type)),
            ("SystemName", &setup.name),
            ("BackupMode", setup.backup_mode.as_str()),
            ("ProductMode", "normal"),
        ],
    )];
    if firmware.knows("SecureBackupMode") {
        objects.push(Object::new(
            "SecureBackupMode",
            "SecureBackupModeInstance",
            " intrinsic=\"true\" locked=\"true\"",
            &[("mAdminState", "enabled"), ("mode", setup.backup_mode.as_str())],
        ));
    }
    for certificate in &setup.certificates {
        objects.push(Object::new(
            "CryptoCertificate",
            &certificate.name,
            "",
            &[
                ("mAdminState", "enabled"),
                ("Filename", &format!("cert:///{}.pem", certificate.name)),
                ("PasswordAlias", "off"),
                ("IgnoreExpiration", "off"),
            ],
        ));
    }
    objects
}

/// An object of which nothing is said but that it is enabled.
pub(super) fn bare(class: &'static str, name: &str) -> Object {
    Object::new(class, name, "", &[("mAdminState", "enabled")])
}

/// What a running configuration has and a saved one has not.
pub(super) fn unsaved_change() -> Object {
    Object::new(
        "LogLabel",
        "not-saved-yet",
        "",
        &[("mAdminState", "enabled"), ("Type", "user")],
    )
}

/// The object that stands for a domain, in the default domain.
pub(super) fn domain_object(name: &str, disabled: bool) -> Object {
    let file = if name == "default" {
        "autoconfig.cfg".to_owned()
    } else {
        format!("{name}.cfg")
    };
    let attributes = if name == "default" {
        " intrinsic=\"true\" read-only=\"true\""
    } else {
        ""
    };
    let state = if disabled { "disabled" } else { "enabled" };
    let mut object = Object::new("Domain", name, attributes, &[("mAdminState", state)]);
    object
        .properties
        .push(format!("<ConfigFile>{}</ConfigFile>", escape(&file)));
    if name != "default" {
        object
            .properties
            .push("<NeighborDomain class=\"Domain\">default</NeighborDomain>".to_owned());
    }
    object.properties.push(
        "<FileMap><CopyFrom>on</CopyFrom><CopyTo>on</CopyTo><Delete>on</Delete><Display>on</Display>\
         <Exec>on</Exec><Subdir>on</Subdir></FileMap>"
            .to_owned(),
    );
    for (tag, value) in [
        ("ConfigMode", "local"),
        ("ImportFormat", "ZIP"),
        ("LocalIPRewrite", "on"),
        ("MaxChkpoints", "3"),
    ] {
        object.properties.push(format!("<{tag}>{value}</{tag}>"));
    }
    object
}
