//! The part of the request schema that a backup meets, as tables, and the check against it.
//!
//! Operations and what is right below them are in the management namespace; actions and their
//! parameters are in none. Sequences have an order, attributes and classes are enumerations.

use roxmltree::{Document, Node, ParsingOptions};

use super::firmware::Firmware;

/// The management namespace.
pub(super) const MANAGEMENT: &str = "http://www.datapower.com/schemas/management";
const SOAP: [&str; 2] = [
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
];

/// Status classes of the schema. Those that the simulator has no rows for are answered with none.
const STATUS_CLASSES: &[&str] = &[
    "CPUUsage",
    "DateTimeStatus",
    "DateTimeStatus2",
    "DomainCheckpointStatus",
    "DomainStatus",
    "DomainSummary",
    "DomainsMemoryStatus2",
    "FilesystemStatus",
    "FirmwareStatus",
    "FirmwareStatus2",
    "FirmwareVersion",
    "FirmwareVersion2",
    "FirmwareVersion3",
    "LicenseStatus",
    "MemoryStatus",
    "ObjectStatus",
    "VirtualPlatform3",
];

/// Configuration classes of the schema.
const CONFIG_CLASSES: &[&str] = &[
    "APIConnectGatewayService",
    "AccessControlList",
    "CryptoCertificate",
    "CryptoIdentCred",
    "CryptoKey",
    "Domain",
    "DomainSettings",
    "HTTPUserAgent",
    "LogLabel",
    "LogTarget",
    "MgmtInterface",
    "MultiProtocolGateway",
    "SecureBackupMode",
    "SystemSettings",
    "User",
    "UserGroup",
    "XMLFirewallService",
    "XMLManager",
];

const LOCATIONS: &[&str] = &[
    "local:",
    "store:",
    "export:",
    "cert:",
    "sharedcert:",
    "pubcert:",
    "image:",
    "config:",
    "chkpoints:",
    "logtemp:",
    "logstore:",
    "temporary:",
    "tasktemplates:",
    "policyframework:",
];

/// What text may stand in an attribute or element.
#[derive(Clone, Copy)]
enum Value {
    Text,
    /// `xsd:boolean`.
    Boolean,
    OnOff,
    /// A number up to this one.
    Number(u64),
    OneOf(&'static [&'static str]),
    StatusClass,
    ConfigClass,
    /// A configuration class, or `all-classes`.
    ExportClass,
    /// Where a secure backup goes.
    Destination,
}

/// An attribute: name, value, whether it must be there.
type Attribute = (&'static str, Value, bool);

/// An element.
struct Element {
    name: &'static str,
    /// In the management namespace, or in none.
    qualified: bool,
    attributes: &'static [Attribute],
    content: Content,
}

enum Content {
    Empty,
    Value(Value),
    /// Children in this order, each between a least and a greatest number of times.
    Sequence(&'static [(Element, usize, usize)]),
    /// Exactly one of these.
    Choice(&'static [Element]),
}

const MANY: usize = usize::MAX;

/// A parameter of an action.
const fn parameter(name: &'static str, value: Value) -> Element {
    Element {
        name,
        qualified: false,
        attributes: &[],
        content: Content::Value(value),
    }
}

/// An action with its parameters in order.
const fn action(name: &'static str, parameters: &'static [(Element, usize, usize)]) -> Element {
    Element {
        name,
        qualified: false,
        attributes: &[],
        content: Content::Sequence(parameters),
    }
}

/// An element of the management namespace.
const fn element(name: &'static str, attributes: &'static [Attribute], content: Content) -> Element {
    Element {
        name,
        qualified: true,
        attributes,
        content,
    }
}

const TIMEOUT: Element = parameter("timeout", Value::Number(65_535));
const DELAY: Element = parameter("delay", Value::Number(60));

const ACTIONS: &[Element] = &[
    action(
        "SecureBackup",
        &[
            (parameter("cert", Value::Text), 1, 1),
            (parameter("destination", Value::Destination), 1, 1),
            (parameter("include-iscsi", Value::OnOff), 0, 1),
            (parameter("include-raid", Value::OnOff), 0, 1),
        ],
    ),
    action("QuiesceDP", &[(TIMEOUT, 1, 1), (DELAY, 0, 1)]),
    action("UnquiesceDP", &[]),
    action(
        "DomainQuiesce",
        &[
            (parameter("name", Value::Text), 1, 1),
            (TIMEOUT, 1, 1),
            (DELAY, 0, 1),
        ],
    ),
    action("DomainUnquiesce", &[(parameter("name", Value::Text), 1, 1)]),
    action("SaveConfig", &[]),
    action("CreateDir", &[(parameter("Dir", Value::Text), 1, 1)]),
    action("RemoveDir", &[(parameter("Dir", Value::Text), 1, 1)]),
    action("DeleteFile", &[(parameter("File", Value::Text), 1, 1)]),
];

const OPERATIONS: &[Element] = &[
    element(
        "get-status",
        &[
            ("class", Value::StatusClass, false),
            ("object-class", Value::ConfigClass, false),
            ("object-name", Value::Text, false),
        ],
        Content::Empty,
    ),
    element(
        "get-config",
        &[
            ("class", Value::ConfigClass, false),
            ("name", Value::Text, false),
            ("recursive", Value::Boolean, false),
            ("persisted", Value::Boolean, false),
        ],
        Content::Empty,
    ),
    element(
        "do-export",
        &[
            ("format", Value::OneOf(&["ZIP", "XML"]), false),
            ("all-files", Value::Boolean, false),
            ("persisted", Value::Boolean, false),
            ("deployment-policy", Value::Text, false),
        ],
        Content::Sequence(&[
            (element("user-comment", &[], Content::Value(Value::Text)), 0, 1),
            (
                element(
                    "object",
                    &[
                        ("class", Value::ExportClass, true),
                        ("name", Value::Text, true),
                        ("ref-objects", Value::Boolean, false),
                        ("ref-files", Value::Boolean, false),
                        ("include-debug", Value::Boolean, false),
                    ],
                    Content::Empty,
                ),
                1,
                MANY,
            ),
        ]),
    ),
    element(
        "do-backup",
        &[
            ("format", Value::OneOf(&["ZIP", "XML"]), false),
            ("persisted", Value::Boolean, false),
            ("deployment-policy", Value::Text, false),
        ],
        Content::Sequence(&[
            (element("user-comment", &[], Content::Value(Value::Text)), 0, 1),
            (
                element("domain", &[("name", Value::Text, true)], Content::Empty),
                1,
                MANY,
            ),
        ]),
    ),
    element("do-action", &[], Content::Choice(ACTIONS)),
    element(
        "do-view-certificate-details",
        &[],
        Content::Sequence(&[(
            element("certificate-object", &[], Content::Value(Value::Text)),
            1,
            1,
        )]),
    ),
    element(
        "get-filestore",
        &[
            ("location", Value::OneOf(LOCATIONS), false),
            ("annotated", Value::Boolean, false),
            ("layout-only", Value::Boolean, false),
            ("no-subdirectories", Value::Boolean, false),
        ],
        Content::Empty,
    ),
    element("get-file", &[("name", Value::Text, true)], Content::Empty),
    element(
        "set-file",
        &[("name", Value::Text, true)],
        Content::Value(Value::Text),
    ),
];

/// Parses a request without trusting it: no document type.
pub(super) fn parse(text: &str) -> Option<Document<'_>> {
    Document::parse_with_options(
        text,
        ParsingOptions {
            allow_dtd: false,
            ..ParsingOptions::default()
        },
    )
    .ok()
}

/// The one operation of a valid request: its `dp:request`, and the operation element in it.
pub(super) fn operation<'a, 'i>(
    document: &'a Document<'i>,
    firmware: &Firmware,
) -> Option<(Node<'a, 'i>, Node<'a, 'i>)> {
    let envelope = document.root_element();
    let space = envelope
        .tag_name()
        .namespace()
        .filter(|space| SOAP.contains(space))?;
    let children = elements(envelope);
    let (body, before) = children.split_last()?;
    let is = |node: &Node, name| node.tag_name().name() == name && node.tag_name().namespace() == Some(space);
    if !is(&envelope, "Envelope") || !is(body, "Body") || before.len() > 1 {
        return None;
    }
    if !before.iter().all(|node| is(node, "Header")) {
        return None;
    }
    let [request] = elements(*body)[..] else {
        return None;
    };
    if request.tag_name().name() != "request"
        || request.tag_name().namespace() != Some(MANAGEMENT)
        || request.attributes().any(|attribute| attribute.name() != "domain")
    {
        return None;
    }
    let [operation] = elements(request)[..] else {
        return None;
    };
    let mut known = OPERATIONS.iter().filter(|element| firmware.knows(element.name));
    let element = known.find(|element| is_named(operation, element))?;
    is_valid(operation, element, firmware).then_some((request, operation))
}

/// The child elements of a node.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    node.children().filter(Node::is_element).collect()
}

fn is_named(node: Node, element: &Element) -> bool {
    let space = element.qualified.then_some(MANAGEMENT);
    node.tag_name().name() == element.name && node.tag_name().namespace() == space
}

fn is_valid(node: Node, element: &Element, firmware: &Firmware) -> bool {
    let known = node.attributes().all(|attribute| {
        element.attributes.iter().any(|(name, value, _)| {
            attribute.namespace().is_none()
                && attribute.name() == *name
                && value.allows(attribute.value(), firmware)
        })
    });
    let complete = element
        .attributes
        .iter()
        .all(|(name, _, required)| !required || node.has_attribute(*name));
    known && complete && is_content_valid(node, &element.content, firmware)
}

fn is_content_valid(node: Node, content: &Content, firmware: &Firmware) -> bool {
    let children = elements(node);
    let has_text = node
        .children()
        .any(|child| child.text().is_some_and(|text| !text.trim().is_empty()) && child.is_text());
    match content {
        Content::Empty => children.is_empty() && !has_text,
        Content::Value(value) => {
            children.is_empty() && value.allows(node.text().unwrap_or_default(), firmware)
        }
        Content::Choice(choices) => match children[..] {
            [child] => {
                let choice = choices.iter().find(|choice| is_named(child, choice));
                !has_text && choice.is_some_and(|choice| is_valid(child, choice, firmware))
            }
            _ => false,
        },
        Content::Sequence(sequence) => {
            let mut rest = &children[..];
            for (element, least, greatest) in *sequence {
                // Up to 5.0 a quiesce had no delay.
                let greatest = if element.name == "delay" && !firmware.after_v5 {
                    0
                } else {
                    *greatest
                };
                let count = rest.iter().take_while(|child| is_named(**child, element)).count();
                let (these, others) = rest.split_at(count);
                if count < *least || count > greatest {
                    return false;
                }
                if !these.iter().all(|child| is_valid(*child, element, firmware)) {
                    return false;
                }
                rest = others;
            }
            rest.is_empty() && !has_text
        }
    }
}

impl Value {
    fn allows(self, text: &str, firmware: &Firmware) -> bool {
        match self {
            Value::Text => true,
            Value::Boolean => ["true", "false", "1", "0"].contains(&text.trim()),
            Value::OnOff => ["on", "off"].contains(&text),
            Value::Number(greatest) => text.trim().parse::<u64>().is_ok_and(|number| number <= greatest),
            Value::OneOf(choices) => choices.contains(&text),
            Value::StatusClass => STATUS_CLASSES.contains(&text) && firmware.knows(text),
            Value::ConfigClass => CONFIG_CLASSES.contains(&text) && firmware.knows(text),
            Value::ExportClass => text == "all-classes" || Value::ConfigClass.allows(text, firmware),
            Value::Destination => {
                text.starts_with("ftp://")
                    || ["temporary:", "local:"].iter().any(|location| {
                        text.strip_prefix(location)
                            .is_some_and(|rest| rest.starts_with("//"))
                    })
            }
        }
    }
}
