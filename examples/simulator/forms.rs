//! The part of the request schema that a backup meets, as tables.
//!
//! Operations and what is right below them are in the management namespace; actions and their
//! parameters are in none. Sequences have an order, attributes and classes are enumerations.

use super::vocabulary::LOCATIONS;

/// The management namespace.
pub(super) const MANAGEMENT: &str = "http://www.datapower.com/schemas/management";

/// What text may stand in an attribute or element.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Text,
    /// `xsd:boolean`.
    Boolean,
    /// `xsd:base64Binary`: white space does not count.
    Base64,
    /// `on`, `off` or nothing: parameters of actions may be empty.
    OnOff,
    /// A number up to this one, or nothing.
    Number(u64),
    OneOf(&'static [&'static str]),
    StatusClass,
    ConfigClass,
    /// A configuration class, or `all-classes`.
    ExportClass,
}

/// An attribute: name, value, whether it must be there.
pub(super) type Attribute = (&'static str, Value, bool);

/// An element.
pub(super) struct Element {
    pub(super) name: &'static str,
    /// In the management namespace, or in none.
    pub(super) qualified: bool,
    pub(super) attributes: &'static [Attribute],
    pub(super) content: Content,
}

pub(super) enum Content {
    Empty,
    Value(Value),
    /// Children in this order, each between a least and a greatest number of times.
    Sequence(&'static [(Element, usize, usize)]),
    /// One of these, or several one after the other.
    Choice(&'static [Element]),
    /// Anything: of what the simulator does not serve only the name is checked.
    Any,
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

/// An action that the simulator does not carry out.
const fn unserved_action(name: &'static str) -> Element {
    Element {
        name,
        qualified: false,
        attributes: &[],
        content: Content::Any,
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
const DELAY: Element = parameter("delay", Value::Number(65_535));

const ACTIONS: &[Element] = &[
    action(
        "SecureBackup",
        &[
            (parameter("cert", Value::Text), 1, 1),
            (parameter("destination", Value::Text), 1, 1),
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
    action(
        "ServiceQuiesce",
        &[
            (parameter("type", Value::ConfigClass), 1, 1),
            (parameter("name", Value::Text), 1, 1),
            (TIMEOUT, 1, 1),
            (DELAY, 0, 1),
        ],
    ),
    action(
        "ServiceUnquiesce",
        &[
            (parameter("type", Value::ConfigClass), 1, 1),
            (parameter("name", Value::Text), 1, 1),
        ],
    ),
    action(
        "SecureRestore",
        &[
            (parameter("cred", Value::Text), 1, 1),
            (parameter("source", Value::Text), 1, 1),
            (parameter("validate", Value::OnOff), 0, 1),
            (parameter("BackupMachineType", Value::Text), 0, 1),
        ],
    ),
    action("SaveCheckpoint", &[(parameter("ChkName", Value::Text), 1, 1)]),
    action("RollbackCheckpoint", &[(parameter("ChkName", Value::Text), 1, 1)]),
    action("RemoveCheckpoint", &[(parameter("ChkName", Value::Text), 1, 1)]),
    action("Quiesce", &[(parameter("Interface", Value::Text), 1, 1)]),
    action("Unquiesce", &[(parameter("Interface", Value::Text), 1, 1)]),
    unserved_action("BackupConfig"),
    unserved_action("ErrorReport"),
    unserved_action("ExecConfig"),
    unserved_action("FetchFile"),
    unserved_action("FlushDocumentCache"),
    unserved_action("FlushStylesheetCache"),
    unserved_action("MoveFile"),
    unserved_action("Ping"),
    unserved_action("ResetThisDomain"),
    unserved_action("RestartThisDomain"),
    unserved_action("SaveInternalState"),
    unserved_action("SelectConfig"),
    unserved_action("SendErrorReport"),
    unserved_action("SendFile"),
    unserved_action("SetLogLevel"),
    unserved_action("SetTimeAndDate"),
    unserved_action("Shutdown"),
    unserved_action("TCPConnectionTest"),
];

/// The attributes of an import and of a restore.
const IMPORT: &[Attribute] = &[
    ("source-type", Value::OneOf(&["ZIP", "XML"]), false),
    ("dry-run", Value::Boolean, false),
    ("overwrite-files", Value::Boolean, false),
    ("overwrite-objects", Value::Boolean, false),
    ("rewrite-local-ip", Value::Boolean, false),
    ("deployment-policy", Value::Text, false),
    ("deployment-policy-variables", Value::Text, false),
];

pub(super) const OPERATIONS: &[Element] = &[
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
    element(
        "get-diff",
        &[],
        Content::Sequence(&[(
            element(
                "object",
                &[
                    ("class", Value::ExportClass, true),
                    ("name", Value::Text, true),
                    ("recursive", Value::Boolean, false),
                    ("from-persisted", Value::Boolean, false),
                    ("to-persisted", Value::Boolean, false),
                ],
                Content::Empty,
            ),
            1,
            1,
        )]),
    ),
    element(
        "get-samlart",
        &[("user", Value::Text, true), ("password", Value::Text, true)],
        Content::Empty,
    ),
    element(
        "get-async-result",
        &[("logid", Value::Text, true)],
        Content::Empty,
    ),
    element(
        "do-import",
        IMPORT,
        Content::Sequence(&[
            (element("input-file", &[], Content::Value(Value::Base64)), 1, 1),
            (
                element(
                    "object",
                    &[
                        ("class", Value::ExportClass, true),
                        ("name", Value::Text, true),
                        ("overwrite", Value::Boolean, false),
                        ("import-debug", Value::Boolean, false),
                    ],
                    Content::Empty,
                ),
                0,
                MANY,
            ),
            (
                element(
                    "file",
                    &[("name", Value::Text, true), ("overwrite", Value::Boolean, false)],
                    Content::Empty,
                ),
                0,
                MANY,
            ),
            (element("deployment-policy", &[], Content::Any), 0, 1),
            (element("deployment-policy-variables", &[], Content::Any), 0, 1),
        ]),
    ),
    element(
        "do-restore",
        IMPORT,
        Content::Sequence(&[
            (element("input-file", &[], Content::Value(Value::Base64)), 1, 1),
            (
                element(
                    "domain",
                    &[
                        ("name", Value::Text, true),
                        ("import-domain", Value::Boolean, false),
                        ("reset-domain", Value::Boolean, false),
                    ],
                    Content::Empty,
                ),
                1,
                MANY,
            ),
            (element("deployment-policy", &[], Content::Any), 0, 1),
            (element("deployment-policy-variables", &[], Content::Any), 0, 1),
        ]),
    ),
    element("set-config", &[], Content::Any),
    element("modify-config", &[], Content::Any),
    element("del-config", &[], Content::Any),
];
