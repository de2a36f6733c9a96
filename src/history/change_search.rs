//! Which changes somebody asks for, in a history that has a million of them.
//!
//! A fleet has tens of thousands of devices and domains, and most questions are answered by the
//! newest rows. So these are looked at first; only where they do not answer it, the places that are
//! meant are listed, by steps of the index, and those are read whose newest change is new enough.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Row, Statement, ToSql, Transaction};

use crate::history::change::change_row;
use crate::history::error::{HistoryError, HistoryFault};
use crate::history::query::{each_once_sql, rows};
use crate::history::value::{Text as _, text};
use crate::history::{ChangeFilter, ChangeRow, History};
use crate::notify::past::ChangeFigures;

/// So many of the newest changes are looked at before anything is listed: some milliseconds.
const LOOKED_AT: usize = 5_000;

/// The statement is made of what is asked for, so that SQLite finds the index for it. Ids are
/// in the order in which things were recorded, whatever the clock said.
pub(super) fn changes_sql(filter: &ChangeFilter, scope: ChangeScope) -> String {
    let mut sql = String::from("SELECT c.* FROM config_change AS c WHERE c.id > :newer_than");
    // The unary plus keeps SQLite from an index that is not as narrow. What else is asked for of the
    // newest is looked at row by row: SQLite would pass over any number of them.
    let (name, class, since) = match scope {
        ChangeScope::Place => {
            sql.push_str(" AND c.device_name = :device AND c.domain_name = :domain");
            (
                " AND +c.name = :name",
                " AND +c.class = :class",
                " AND +c.time >= :since",
            )
        }
        ChangeScope::Newest if filter.name.is_some() => (" AND c.name = :name", "", ""),
        ChangeScope::Newest => ("", " AND c.class = :class", ""),
    };
    for (is_asked_for, condition) in [
        (filter.name.is_some(), name),
        (filter.class.is_some(), class),
        (filter.since.is_some(), since),
    ] {
        if is_asked_for {
            sql.push_str(condition);
        }
    }
    sql + " ORDER BY c.id DESC"
}

/// Which rows a statement goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangeScope {
    /// From the newest back.
    Newest,
    /// Those of one device and domain.
    Place,
}

/// How many changes were recorded since a time, as far as they are counted, and the first of them.
pub(super) const SINCE: &str = "SELECT count(*), min(id)
     FROM (SELECT id FROM config_change WHERE time >= ?1 ORDER BY time LIMIT ?2)";

pub(super) fn changed_devices_sql() -> String {
    each_once_sql("config_change", "device_name", "true")
}

pub(super) fn changed_domains_sql() -> String {
    each_once_sql("config_change", "domain_name", "device_name = ?1")
}

pub(super) fn changed_classes_sql() -> String {
    each_once_sql("config_change", "class", "class IS NOT NULL")
}

pub(super) const NEWEST_OF_PLACE: &str = "SELECT id FROM config_change
     WHERE device_name = ?1 AND domain_name = ?2 ORDER BY id DESC LIMIT 1";

const LAST_CHANGED: &str = "SELECT time FROM config_change
     WHERE device_name = ?1 AND domain_name = ?2 AND kind = 'persisted' ORDER BY id DESC LIMIT 1";

impl History {
    /// The changes that pass the filter, newest first.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn changes(&self, filter: &ChangeFilter) -> Result<Vec<ChangeRow>, HistoryError> {
        self.changes_looking_at(filter, LOOKED_AT)
    }

    fn changes_looking_at(
        &self,
        filter: &ChangeFilter,
        looked_at: usize,
    ) -> Result<Vec<ChangeRow>, HistoryError> {
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        self.read(|transaction| {
            let older = older_than_all(transaction, filter)?;
            let is_of_places = filter.devices.is_some() || filter.domains.is_some();
            let most = match is_of_places {
                true => looked_at.saturating_add(limit),
                false => usize::MAX,
            };
            let mut search = ChangeSearch::new(transaction, filter, ChangeScope::Newest)?;
            let newest = search.newest(older, limit, most)?;
            match newest.is_all {
                true => Ok(newest.rows),
                false => by_place(transaction, filter, older, limit),
            }
        })
    }

    /// The devices of which changes were recorded.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn changed_devices(&self) -> Result<Vec<String>, HistoryError> {
        self.read(changed_devices)
    }

    /// The domains of which changes were recorded, of whichever device.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn changed_domains(&self) -> Result<BTreeSet<String>, HistoryError> {
        self.read(|transaction| {
            let mut domains = BTreeSet::new();
            let mut statement = transaction.prepare(&changed_domains_sql())?;
            for device in changed_devices(transaction)? {
                let found = statement.query_map([device], |row| row.get(0))?;
                domains.extend(found.collect::<Result<Vec<String>, _>>()?);
            }
            Ok(domains)
        })
    }

    /// When the saved configuration of each domain last changed, of those that are known to have: by device
    /// and domain, whichever export found it.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn newest_saved_changes(&self) -> Result<Vec<ChangeFigures>, HistoryError> {
        self.read(|transaction| {
            let mut domains_of = transaction.prepare(&changed_domains_sql())?;
            let mut newest_of = transaction.prepare(LAST_CHANGED)?;
            let mut newest = Vec::new();
            for device in changed_devices(transaction)? {
                let domains = domains_of.query_map([&device], |row| row.get(0))?;
                for domain in domains.collect::<Result<Vec<String>, _>>()? {
                    let time = newest_of.query_row([&device, &domain], |row| text(row, 0));
                    newest.extend(time.optional()?.map(|time| ChangeFigures {
                        device: device.clone(),
                        domain,
                        time,
                    }));
                }
            }
            Ok(newest)
        })
    }

    /// The classes of which changes were recorded.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn changed_classes(&self) -> Result<Vec<String>, HistoryError> {
        self.read(|transaction| rows(transaction, &changed_classes_sql(), [], |row| row.get(0)))
    }
}

fn changed_devices(transaction: &Transaction<'_>) -> Result<Vec<String>, HistoryFault> {
    rows(transaction, &changed_devices_sql(), [], |row| row.get(0))
}

/// An id that is older than all that is asked for: the one before the first since a time, where
/// so few came since then that it is found at once.
fn older_than_all(transaction: &Transaction<'_>, filter: &ChangeFilter) -> Result<i64, HistoryFault> {
    let Some(since) = filter.since else {
        return Ok(0);
    };
    let most = i64::try_from(LOOKED_AT).unwrap_or(i64::MAX).saturating_mul(4);
    let (count, first): (i64, Option<i64>) =
        transaction.query_row(SINCE, (since.to_text(), most), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(match first {
        Some(first) if count < most => first - 1,
        Some(_) => 0,
        // There is none.
        None => i64::MAX,
    })
}

/// The rows that a search found, and whether there are no others that the filter asks for.
struct FoundChanges {
    rows: Vec<ChangeRow>,
    is_all: bool,
}

/// A statement with what is asked for bound to it.
struct ChangeSearch<'s> {
    statement: Statement<'s>,
    filter: &'s ChangeFilter,
    since: Option<String>,
}

impl<'s> ChangeSearch<'s> {
    fn new(
        transaction: &'s Transaction<'_>,
        filter: &'s ChangeFilter,
        scope: ChangeScope,
    ) -> Result<Self, HistoryFault> {
        let since = filter.since.map(|since| since.to_text());
        let mut search = Self {
            statement: transaction.prepare(&changes_sql(filter, scope))?,
            filter,
            since,
        };
        search.bind(":class", &filter.class)?;
        search.bind(":name", &filter.name)?;
        search.bind(":since", search.since.clone())?;
        Ok(search)
    }

    /// Binds a parameter, if the statement has it.
    fn bind(&mut self, name: &str, value: impl ToSql) -> Result<(), HistoryFault> {
        if let Some(index) = self.statement.parameter_index(name)? {
            self.statement.raw_bind_parameter(index, value)?;
        }
        Ok(())
    }

    /// Looks through the rows from the newest back, at most so many, for those that are meant.
    fn newest(
        &mut self,
        newer_than: i64,
        limit: usize,
        looked_at: usize,
    ) -> Result<FoundChanges, HistoryFault> {
        self.bind(":newer_than", newer_than)?;
        let (filter, since) = (self.filter, self.since.as_deref());
        let mut rows = self.statement.raw_query();
        let mut found = Vec::new();
        for _ in 0..looked_at {
            let row = match found.len() < limit {
                true => rows.next()?,
                false => None,
            };
            let Some(row) = row else {
                return Ok(FoundChanges {
                    rows: found,
                    is_all: true,
                });
            };
            let is_meant = is_meant(filter, column(row, "device_name")?, column(row, "domain_name")?)
                && match since {
                    None => true,
                    Some(since) => column(row, "time")? >= since,
                }
                && match &filter.class {
                    None => true,
                    Some(class) => row.get_ref("class")?.as_str().ok() == Some(class),
                };
            if is_meant {
                found.push(change_row(row)?);
            }
        }
        Ok(FoundChanges {
            rows: found,
            is_all: false,
        })
    }

    /// The newest rows of a place that are newer than an id; at most so many.
    fn of_place(
        &mut self,
        place: &ChangedPlace,
        newer_than: i64,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, HistoryFault> {
        self.bind(":device", &place.device)?;
        self.bind(":domain", &place.domain)?;
        self.bind(":newer_than", newer_than)?;
        let mut rows = self.statement.raw_query();
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            found.push(change_row(row)?);
        }
        Ok(found)
    }
}

fn column<'r>(row: &'r Row<'_>, name: &str) -> Result<&'r str, HistoryFault> {
    let value = row.get_ref(name)?.as_str();
    value.map_err(|error| HistoryFault::Value(error.to_string()))
}

/// A device and a domain, and the id of its newest change.
struct ChangedPlace {
    device: String,
    domain: String,
    newest: i64,
}

/// The newest changes of the places that are meant: those places first whose newest change is the
/// newest, until all that are left are older than what was found.
fn by_place(
    transaction: &Transaction<'_>,
    filter: &ChangeFilter,
    older: i64,
    limit: usize,
) -> Result<Vec<ChangeRow>, HistoryFault> {
    let mut places = changed_places(transaction, filter)?;
    places.sort_unstable_by_key(|place| std::cmp::Reverse(place.newest));
    let mut search = ChangeSearch::new(transaction, filter, ChangeScope::Place)?;
    let mut found: Vec<ChangeRow> = Vec::new();
    for place in &places {
        let oldest = match found.last() {
            Some(last) if found.len() >= limit => last.id,
            _ => older,
        };
        if place.newest <= oldest {
            break;
        }
        found.extend(search.of_place(place, oldest, limit)?);
        found.sort_by_key(|row| std::cmp::Reverse(row.id));
        found.truncate(limit);
    }
    Ok(found)
}

/// The places that are meant and of which changes were recorded.
fn changed_places(
    transaction: &Transaction<'_>,
    filter: &ChangeFilter,
) -> Result<Vec<ChangedPlace>, HistoryFault> {
    let devices = match &filter.devices {
        Some(devices) => devices.iter().cloned().collect(),
        None => changed_devices(transaction)?,
    };
    let mut domains_of = transaction.prepare(&changed_domains_sql())?;
    let mut newest_of = transaction.prepare(NEWEST_OF_PLACE)?;
    // Of domains that are named in full nothing has to be listed.
    let named: Option<Vec<String>> = filter.domains.as_ref().and_then(|patterns| {
        let literals: BTreeSet<&str> = patterns.literals().collect();
        let is_named = literals.len() == patterns.included().collect::<BTreeSet<_>>().len();
        is_named.then(|| literals.into_iter().map(str::to_owned).collect())
    });
    let mut places = Vec::new();
    for device in devices {
        let domains = match &named {
            Some(named) => named.clone(),
            None => {
                let found = domains_of.query_map([&device], |row| row.get(0))?;
                found.collect::<Result<Vec<String>, _>>()?
            }
        };
        for domain in domains {
            if !is_meant(filter, &device, &domain) {
                continue;
            }
            let newest = newest_of.query_row([&device, &domain], |row| row.get(0));
            if let Some(newest) = newest.optional()? {
                places.push(ChangedPlace {
                    device: device.clone(),
                    domain,
                    newest,
                });
            }
        }
    }
    Ok(places)
}

fn is_meant(filter: &ChangeFilter, device: &str, domain: &str) -> bool {
    filter
        .devices
        .as_ref()
        .is_none_or(|devices| devices.contains(device))
        && filter
            .domains
            .as_ref()
            .is_none_or(|patterns| patterns.matches(domain))
}

#[cfg(test)]
#[path = "change_search_tests.rs"]
mod tests;
