//! Where a value of a table may stand: in the table itself, or where the file says what all such tables have.

use toml::{Table as Written, Value};

/// Where a value stands that the settings have for all windows.
pub(super) const OF_WINDOW: &str = "default of the file: `default_window` of [settings]";

/// Where a value stands that the plan has for its activities.
pub(super) const OF_PLAN: &str = "default of the file: its plan";

const OF_DEVICES: &str = "default of the file: [device_defaults]";

/// Where a value may stand: in a table itself, or in one that says what all such tables have.
#[derive(Clone, Copy)]
pub(super) struct Layers<'w> {
    pub(super) own: &'w Written,
    /// What is said of the table itself.
    pub(super) origin: &'w str,
    /// What all devices have, unless they say otherwise.
    pub(super) of_all: Option<&'w Written>,
    /// The table of the settings that holds where there is no such table here.
    pub(super) table: Option<OfSettings<'w>>,
    /// The key whose value stands elsewhere where it is not written, that value, and where it is.
    pub(super) inherited: Option<(&'static str, &'w Value, &'static str)>,
}

/// A table of the settings that holds for what has none of its own.
#[derive(Clone, Copy)]
pub(super) enum OfSettings<'w> {
    /// The limits of a device, key by key.
    Timeouts(&'w Written),
    /// What is kept of a plan, as a whole.
    Retention(&'w Written),
}

impl<'w> OfSettings<'w> {
    /// The table, if it is the one of this name.
    fn named(self, name: &str) -> Option<&'w Written> {
        match (self, name) {
            (Self::Timeouts(table), "timeouts") | (Self::Retention(table), "retention") => Some(table),
            _ => None,
        }
    }

    fn origin(self) -> &'static str {
        match self {
            Self::Timeouts(_) => "default of the file: [settings.timeouts]",
            Self::Retention(_) => "default of the file: `retention` of [settings]",
        }
    }
}

impl<'w> Layers<'w> {
    pub(super) fn of(own: &'w Written, origin: &'w str) -> Self {
        Self {
            own,
            origin,
            of_all: None,
            table: None,
            inherited: None,
        }
    }

    /// The value of a key, and where it comes from; nothing where the tool says what holds.
    pub(super) fn value(&self, name: &str) -> Option<(&'w Value, &'w str)> {
        let own = self.own.get(name).map(|value| (value, self.origin));
        let of_all = || Some((self.of_all?.get(name)?, OF_DEVICES));
        let inherited = || {
            let (key, value, origin) = self.inherited?;
            (key == name).then_some((value, origin))
        };
        own.or_else(of_all).or_else(inherited)
    }

    pub(super) fn table(&self, name: &str) -> Option<&'w Written> {
        self.own.get(name).and_then(Value::as_table)
    }

    fn table_of_all(&self, name: &str) -> Option<&'w Written> {
        self.of_all?.get(name)?.as_table()
    }

    /// The value of a key of a table below this one.
    pub(super) fn value_below(&self, table: &str, name: &str) -> Option<(&'w Value, &'w str)> {
        let own = || Some((self.table(table)?.get(name)?, self.origin));
        let of_all = || Some((self.table_of_all(table)?.get(name)?, OF_DEVICES));
        let of_settings = || {
            let of_settings = self.table?;
            Some((of_settings.named(table)?.get(name)?, of_settings.origin()))
        };
        own().or_else(of_all).or_else(of_settings)
    }

    /// Whether a table below this one is written anywhere.
    pub(super) fn has_below(&self, name: &str) -> bool {
        let of_settings = self.table.and_then(|of_settings| of_settings.named(name));
        self.table(name)
            .or_else(|| self.table_of_all(name))
            .or(of_settings)
            .is_some()
    }
}
