//! Where in the store the backups of one device stand.

use std::collections::BTreeSet;

use crate::artifact::layout;
use crate::gateway::domains::DomainStatus;
use crate::plan::model::{Device, Settings};
use crate::run::event::ALL_DOMAINS;
use crate::run::examine::item::CheckItems;
use crate::run::examine::needs::Needs;
use crate::run::store;

/// Tries the folders that a device has in the store already, as the store itself is tried: each may be
/// a link, somebody else's, or one that cannot be written. Says nothing of those that serve, nor where
/// the store itself does not: that is told of this machine.
pub(super) fn examine(
    settings: &Settings,
    device: &Device,
    needs: &Needs<'_>,
    domains: &[DomainStatus],
    found: &mut CheckItems,
) {
    let is_there = matches!(store::could_be_written(settings), Ok(there) if there == settings.store.folder());
    if !is_there || store::is_mounted(settings).is_err() {
        return;
    }
    let (store, device) = (settings.store.folder(), &device.name);
    let mut folders = Vec::new();
    if needs.secure_backup() {
        folders.push(layout::secure_backups_dir(store, device));
    }
    if needs.everything {
        folders.push(layout::exports_dir(store, device, ALL_DOMAINS));
    }
    if !needs.exports.is_empty() {
        // Also where nobody could ask which domains there are.
        folders.push(layout::domains_dir(store, device));
    }
    let wanted = |domain: &&DomainStatus| needs.exports.iter().any(|pattern| pattern.matches(&domain.name));
    let exports = domains.iter().filter(wanted);
    folders.extend(exports.map(|domain| layout::exports_dir(store, device, &domain.name)));
    // What is wrong with one on the way is wrong for all behind it.
    let failures = folders
        .iter()
        .filter_map(|folder| store::probe_below(settings, folder).err());
    for message in failures.map(|failure| failure.message).collect::<BTreeSet<_>>() {
        let hint = "mend that folder, or move it away: a run makes a new one";
        found.fail("store", message, hint);
    }
}
