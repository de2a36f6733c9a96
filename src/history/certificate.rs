//! What secure backups of before are encrypted for.

use rusqlite::{OptionalExtension, Transaction, named_params};

use crate::history::error::HistoryFault;
use crate::history::value::{AsText, text};
use crate::run::event::{ALL_DOMAINS, ActionKind, TaskId};
use crate::run::status::Status;
use crate::values::certificate_facts::CertificateFacts;

/// The certificate that the newest good secure backup of a device is encrypted for, of those made for this
/// object of which the device told something.
pub(super) fn last(
    transaction: &Transaction<'_>,
    device: &str,
    object: &str,
) -> Result<Option<(TaskId, CertificateFacts)>, HistoryFault> {
    let row = transaction
        .query_row(
            "SELECT id, certificate FROM task_execution
             WHERE device_name = :device AND domain_name = :domain AND action = :action AND status = :status
                 AND json_extract(certificate, '$.object') = :object
                 AND coalesce(json_extract(certificate, '$.sha256'), json_extract(certificate, '$.serial'),
                     json_extract(certificate, '$.subject')) IS NOT NULL
             ORDER BY id DESC LIMIT 1",
            named_params! {
                ":device": device,
                ":domain": ALL_DOMAINS,
                ":action": AsText(ActionKind::SecureBackup),
                ":status": AsText(Status::Success),
                ":object": object,
            },
            |row| Ok((TaskId(row.get(0)?), text(row, 1)?)),
        )
        .optional()?;
    Ok(row)
}
