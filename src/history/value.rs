//! How a value looks in a column, and back.

use std::net::SocketAddr;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, RowIndex};

use crate::history::error::HistoryFault;
use crate::history::view::execution::NoteLevel;
use crate::run::event::{ActionKind, FileKind, FileProof, ScriptMoment};
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;
use crate::values::event_name::EventName;
use crate::values::json_text::json_text;
use crate::values::lacks::Lacks;

/// A value that is kept as text.
pub(super) trait Text: Sized {
    fn to_text(&self) -> String;
    fn from_text(text: &str) -> Option<Self>;
}

/// Lends [`Text`] to SQLite.
pub(super) struct AsText<T>(pub(super) T);

impl<T: Text> ToSql for AsText<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_text().into())
    }
}

impl<T: Text> FromSql for AsText<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        T::from_text(text)
            .map(AsText)
            .ok_or_else(|| FromSqlError::Other(format!("'{text}' stands where it cannot").into()))
    }
}

/// A column that holds a [`Text`].
pub(super) fn text<T: Text>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T> {
    Ok(row.get::<_, AsText<T>>(column)?.0)
}

/// The same, where the column may be empty.
pub(super) fn optional<T: Text>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<T>> {
    Ok(row
        .get::<_, Option<AsText<T>>>(column)?
        .map(|AsText(value)| value))
}

/// A column that counts something.
pub(super) fn count(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<u64> {
    Ok(optional_count(row, column)?.unwrap_or(0))
}

/// The same, where the column may be empty.
pub(super) fn optional_count(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    value
        .map(|value| u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, value)))
        .transpose()
}

/// SQLite counts with a sign: nothing real is that large, but it is not cut in silence.
pub(super) fn integer(value: u64) -> Result<i64, HistoryFault> {
    i64::try_from(value)
        .map_err(|_| HistoryFault::Value(format!("the number {value} is too large to be recorded")))
}

impl Text for Timestamp {
    /// Always as long, so that text order is time order. Milliseconds, as in file names.
    fn to_text(&self) -> String {
        self.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Text for SocketAddr {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Text for Status {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Text for ActionKind {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        ActionKind::ALL.into_iter().find(|action| action.code() == text)
    }
}

impl Text for FileKind {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        FileKind::ALL.into_iter().find(|kind| kind.code() == text)
    }
}

impl Text for FileProof {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        FileProof::ALL.into_iter().find(|proof| proof.code() == text)
    }
}

/// As a JSON object.
impl Text for CertificateFacts {
    fn to_text(&self) -> String {
        json_text(self)
    }

    fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// As a JSON object.
impl Text for Lacks {
    fn to_text(&self) -> String {
        json_text(self)
    }

    fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Text for ScriptMoment {
    fn to_text(&self) -> String {
        match self {
            ScriptMoment::Pre => "PRE".to_owned(),
            ScriptMoment::Post => "POST".to_owned(),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "PRE" => Some(ScriptMoment::Pre),
            "POST" => Some(ScriptMoment::Post),
            _ => None,
        }
    }
}

impl Text for NoteLevel {
    fn to_text(&self) -> String {
        self.code().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        [NoteLevel::Note, NoteLevel::Warning, NoteLevel::StillQuiesced]
            .into_iter()
            .find(|level| level.code() == text)
    }
}

impl Text for EventName {
    fn to_text(&self) -> String {
        self.word().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        EventName::ALL.into_iter().find(|event| event.word() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_in_utc_with_milliseconds_and_sort_as_text() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a timestamp").to_text();
        assert_eq!(
            at("2026-11-22T08:30:12.3456789+01:00"),
            "2026-11-22T07:30:12.345Z"
        );
        assert_eq!(at("2026-11-22T07:30:12Z"), "2026-11-22T07:30:12.000Z");
        assert!(at("2026-11-22T07:30:12Z") < at("2026-11-22T07:30:12.001Z"));
    }

    #[test]
    fn every_word_reads_back_as_what_it_was() {
        for (status, _, _) in Status::ALL {
            assert_eq!(Status::from_text(&status.to_text()), Some(status));
        }
        for kind in FileKind::ALL {
            assert_eq!(FileKind::from_text(&kind.to_text()), Some(kind));
        }
        for proof in FileProof::ALL {
            assert_eq!(FileProof::from_text(&proof.to_text()), Some(proof));
        }
        let mut lacks = Lacks::default();
        lacks.key_files.add("cert:///\u{1b}\"k.pem");
        assert_eq!(Lacks::from_text(&lacks.to_text()), Some(lacks));
        for action in ActionKind::ALL {
            assert_eq!(ActionKind::from_text(&action.to_text()), Some(action));
        }
        for moment in [ScriptMoment::Pre, ScriptMoment::Post] {
            assert_eq!(ScriptMoment::from_text(&moment.to_text()), Some(moment));
        }
        assert_eq!(Status::from_text("success"), None);
    }

    #[test]
    fn a_number_that_sqlite_cannot_hold_is_refused() {
        assert_eq!(integer(5).ok(), Some(5));
        assert!(integer(u64::MAX).is_err());
    }
}
