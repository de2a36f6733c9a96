//! What became of pieces of a configuration, as plain data: known by many rooms, and knowing none.

/// What is said of an object whose properties have the same values, and which is another one all the same.
pub const OTHERWISE: &str =
    "(the same values in all properties; their order, how they are grouped, or text beside them is another)";

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It is in the later one only.
    Added,
    /// It is in the earlier one only.
    Removed,
    /// It is in both, and differs.
    Changed,
}

impl Change {
    /// Every one.
    pub const ALL: [Change; 3] = [Change::Added, Change::Removed, Change::Changed];

    /// The word in history and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "Added",
            Change::Removed => "Removed",
            Change::Changed => "Changed",
        }
    }
}

/// A piece of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigPiece {
    /// The whole domain.
    Domain,
    Object {
        /// `XMLManager`
        class: String,
        name: String,
    },
    /// A file, by its path on the device.
    File(String),
}

impl std::fmt::Display for ConfigPiece {
    /// `XMLManager default`, or the path of the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConfigPiece::Domain => f.write_str("(the whole domain)"),
            ConfigPiece::Object { class, name } => write!(f, "{class} {name}"),
            ConfigPiece::File(path) => f.write_str(path),
        }
    }
}

/// What became of one piece of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    pub domain: String,
    pub piece: ConfigPiece,
    /// What became of it.
    pub change: Change,
    /// How its properties differ, `mAdminState: enabled → disabled`. Without what is secret.
    pub description: String,
}

impl std::fmt::Display for ConfigChange {
    /// `Changed XMLManager default (mAdminState: enabled → disabled)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.change.word(), self.piece)?;
        match self.description.as_str() {
            "" => Ok(()),
            description => write!(f, " ({description})"),
        }
    }
}

/// Some changes: the first of them, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeList {
    /// The first ones.
    pub first: Vec<ConfigChange>,
    /// How many there are, those included.
    pub count: u64,
}

/// A change for programs, as JSON has it wherever it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ConfigChangeObject<'c> {
    domain: &'c str,
    class: Option<&'c str>,
    name: Option<&'c str>,
    file: Option<&'c str>,
    change: &'static str,
    description: &'c str,
}

impl<'c> ConfigChangeObject<'c> {
    /// The change as an object with the keys that the documentation names.
    pub fn of(change: &'c ConfigChange) -> Self {
        let (class, name, file) = match &change.piece {
            ConfigPiece::Object { class, name } => (Some(class.as_str()), Some(name.as_str()), None),
            ConfigPiece::File(path) => (None, None, Some(path.as_str())),
            ConfigPiece::Domain => (None, None, None),
        };
        ConfigChangeObject {
            domain: &change.domain,
            class,
            name,
            file,
            change: change.change.word(),
            description: &change.description,
        }
    }
}
