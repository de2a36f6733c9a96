//! The domains of a device: those that are meant, and how they stand.

use std::collections::BTreeSet;

use crate::gateway::Gateway;
use crate::gateway::domains::{ApiConnect, DEFAULT_DOMAIN, DomainStatus, QuiesceState};
use crate::plan::model::{Action, Activity, Domains};
use crate::run::Engine;
use crate::run::examine::item::CheckItems;
use crate::run::examine::needs::Needs;
use crate::run::failure::words;
use crate::values::first_few::first_few;
use crate::values::nearest::nearest;

/// So many names are listed, the rest counted.
const LISTED: usize = 8;

/// What every pattern of domains matches.
pub(super) fn exports(
    gateway: &Gateway<'_>,
    domains: &[DomainStatus],
    needs: &Needs<'_>,
    found: &mut CheckItems,
) {
    let names: BTreeSet<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
    if needs.everything {
        found.ok(
            "domains",
            format!("all-domains: one export of {}", first_few(&names, LISTED)),
        );
    }
    let mut wanted = BTreeSet::new();
    for pattern in &needs.exports {
        let matching: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| pattern.matches(name))
            .collect();
        let absent: Vec<&str> = pattern.literals().filter(|name| !names.contains(name)).collect();
        wanted.extend(matching.iter().copied());
        if matching.is_empty() {
            let near = near_of(&absent, &names);
            let hint = match near {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!(
                    "the device has {}; upper and lower case differ",
                    first_few(&names, LISTED)
                ),
            };
            found.warn("domains", format!("no domain matches '{pattern}'"), hint);
        } else if absent.is_empty() {
            found.ok(
                "domains",
                format!("'{pattern}' matches {}", first_few(&matching, LISTED)),
            );
        } else {
            let text = format!(
                "'{pattern}' matches {}, and there is no '{}'",
                first_few(&matching, LISTED),
                absent.join("', '")
            );
            let near = near_of(&absent, &names);
            let hint = near.map_or_else(
                || "take it out of the pattern".to_owned(),
                |near| format!("did you mean '{near}'?"),
            );
            found.warn("domains", text, hint);
        }
    }
    api_connect(gateway, &wanted, found);
}

/// The domain that one of the absent ones is most likely: rather one whose letters are the same.
fn near_of<'n>(absent: &[&str], names: &BTreeSet<&'n str>) -> Option<&'n str> {
    let same = |name: &&str| {
        let mut names = names.iter().copied();
        names.find(|known| known.eq_ignore_ascii_case(name))
    };
    let nearest = |name: &&str| nearest(name, names.iter().copied());
    let mut absent = absent.iter();
    absent.clone().find_map(same).or_else(|| absent.find_map(nearest))
}

/// Domains of API Connect are skipped by a run.
fn api_connect(gateway: &Gateway<'_>, wanted: &BTreeSet<&str>, found: &mut CheckItems) {
    let (mut skipped, mut not_told) = (Vec::new(), Vec::new());
    for name in wanted {
        match gateway.is_api_connect(name) {
            Ok(ApiConnect::Yes) => skipped.push(*name),
            Ok(ApiConnect::UnknownClass) => break,
            Ok(ApiConnect::No) => {}
            Ok(ApiConnect::NotAllowed) => not_told.push(format!("{name} (the account may not see it)")),
            Ok(ApiConnect::NotTold(why)) => not_told.push(format!("{name} ({why})")),
            Err(error) => return found.failed("api connect", &error),
        }
    }
    if !skipped.is_empty() {
        let text = format!(
            "{} will be skipped: API Connect restores them itself",
            first_few(&skipped, LISTED)
        );
        let hint = format!("take them out of the pattern: `!{}`", skipped.join(", !"));
        found.warn("api connect", text, hint);
    }
    if !not_told.is_empty() {
        let text = format!(
            "whether it belongs to API Connect, which restores it itself, is not known of {}",
            first_few(&not_told, LISTED)
        );
        found.warn("api connect", text, "a run backs it up, and notes the same");
    }
}

/// A domain that the device has and does not list is left out by every pattern with `*`, and a run does not quiesce the
/// whole device. These come back; `None` where nobody knows which there are.
pub(super) fn unlisted(
    gateway: &Gateway<'_>,
    listed: &[DomainStatus],
    needs: &Needs<'_>,
    found: &mut CheckItems,
) -> Option<Vec<String>> {
    if needs.exports.is_empty() && !needs.everything && needs.quiesces.is_empty() {
        return None;
    }
    let unlisted = match gateway.unlisted(listed) {
        Ok(unlisted) => unlisted,
        Err(error) => {
            let why = format!(
                "whether the device has domains that it does not list to this account is not known: {}",
                words(&error)
            );
            found.skip(&["not listed"], &why);
            return None;
        }
    };
    if !unlisted.is_empty() {
        let text = format!(
            "the device has {}, and does not list it to this account: no pattern matches it",
            first_few(&unlisted, LISTED)
        );
        let hint =
            "give the account the right to see each domain; without it, the whole device is not quiesced";
        found.warn("not listed", text, hint);
    }
    Some(Vec::from_iter(unlisted))
}

/// A domain in failsafe mode runs a configuration of last resort.
pub(super) fn failsafe(listed: &[DomainStatus], needs: &Needs<'_>, found: &mut CheckItems) {
    let is_meant = |name: &str| needs.everything || needs.exports.iter().any(|pattern| pattern.matches(name));
    let failed = listed.iter().filter(|domain| is_meant(&domain.name));
    let failed: Vec<String> = failed
        .filter_map(|domain| Some(format!("{} ({})", domain.name, domain.failsafe.as_ref()?)))
        .collect();
    if !failed.is_empty() {
        let text = format!("{} runs in failsafe mode", first_few(&failed, LISTED));
        let hint = "that is a configuration of last resort: look at the log of the domain, and keep the backup from before";
        found.warn("failsafe", text, hint);
    }
}

/// A domain that is disabled is backed up as it is, and a quiesce of it does not show.
pub(super) fn disabled(
    gateway: &Gateway<'_>,
    domains: &[DomainStatus],
    needs: &Needs<'_>,
    found: &mut CheckItems,
) {
    let is_exported =
        |name: &str| needs.everything || needs.exports.iter().any(|pattern| pattern.matches(name));
    let planned: Vec<&str> = domains
        .iter()
        .map(|domain| domain.name.as_str())
        .filter(|name| is_exported(name) || is_quiesced_by_a_plan(name, needs))
        .collect();
    let disabled = gateway.disabled(&planned);
    let (quiesced, exported): (Vec<&str>, Vec<&str>) = disabled
        .into_iter()
        .partition(|name| is_quiesced_by_a_plan(name, needs));
    if !exported.is_empty() {
        let text = format!(
            "disabled, and backed up all the same: {}",
            first_few(&exported, LISTED)
        );
        found.ok("disabled", text);
    }
    if !quiesced.is_empty() {
        let text = format!(
            "disabled: {}; a run backs up what is disabled all the same, and cannot quiesce it",
            first_few(&quiesced, LISTED)
        );
        found.warn(
            "disabled",
            text,
            "enable it on the device, or take it out of the plan",
        );
    }
}

/// The domains that are quiesced, in words.
#[derive(Default)]
struct QuiescedDomains {
    /// By a run that is at work, and puts them back.
    by_ours: Vec<String>,
    by_others: Vec<String>,
    /// Whether such a run does not go on by itself.
    stands_still: bool,
}

impl QuiescedDomains {
    fn of((device, serial): (&str, Option<&str>), domains: &[&DomainStatus], needs: &Needs<'_>) -> Self {
        let mut quiesced = Self::default();
        for domain in domains {
            if domain.quiesce == QuiesceState::Normal {
                continue;
            }
            let shown = format!("{} is {}", domain.name, domain.quiesce);
            match needs
                .at_work
                .and_then(|look| look.quiescer(device, serial, domain))
            {
                Some(run) => {
                    quiesced.stands_still |= run.stands_still;
                    let by_ours = format!("{shown} by {run}, {}", run.puts_back());
                    quiesced.by_ours.push(by_ours);
                }
                None => quiesced.by_others.push(shown),
            }
        }
        quiesced
    }
}

/// Whether all of the device is quiesced for it.
fn is_of_a_device(activity: &Activity) -> bool {
    match activity.action {
        Action::SecureBackup { .. }
        | Action::ExportDomain {
            domains: Domains::All,
        } => true,
        Action::ExportDomain {
            domains: Domains::Matching(_),
        } => false,
    }
}

fn is_quiesced_by_a_plan(domain: &str, needs: &Needs<'_>) -> bool {
    domain != DEFAULT_DOMAIN
        && needs.quiesces.iter().any(|activity| match &activity.action {
            Action::ExportDomain {
                domains: Domains::Matching(pattern),
            } => pattern.matches(domain),
            _ => is_of_a_device(activity),
        })
}

/// A gateway that is the primary of a peer group when it is quiesced hands that on: it should not be one then. Which one is
/// no object tells.
pub(super) fn peering(
    gateway: &Gateway<'_>,
    listed: &[DomainStatus],
    needs: &Needs<'_>,
    found: &mut CheckItems,
) {
    if needs.quiesces.is_empty() {
        return;
    }
    let quiesced = listed.iter().map(|domain| domain.name.as_str());
    let quiesced = quiesced.filter(|name| is_quiesced_by_a_plan(name, needs));
    let mut peerings = Vec::new();
    for domain in std::iter::once(DEFAULT_DOMAIN).chain(quiesced) {
        match gateway.gateway_peerings(domain) {
            Ok(names) => peerings.extend(names.into_iter().map(|name| format!("{name} of {domain}"))),
            Err(error) => return found.failed("peering", &error),
        }
    }
    if !peerings.is_empty() {
        let text = format!(
            "the gateway has gateway-peering objects ({}): a quiesce should not meet the primary of a peer group; `show \
             gateway-peering-status` on the gateway says which it is",
            first_few(&peerings, LISTED)
        );
        found.ok("peering", text);
    }
}

/// A domain that is backed up without a quiesce, and is quiesced: it is out of service, and nobody puts it back.
pub(super) fn out_of_service(
    device: (&str, Option<&str>),
    domains: &[DomainStatus],
    needs: &Needs<'_>,
    found: &mut CheckItems,
) {
    let is_exported =
        |name: &str| needs.everything || needs.exports.iter().any(|pattern| pattern.matches(name));
    let concerned: Vec<&DomainStatus> = domains
        .iter()
        .filter(|domain| is_exported(&domain.name) && !is_quiesced_by_a_plan(&domain.name, needs))
        .filter(|domain| domain.quiesce.is_of_a_quiesce())
        .collect();
    let quiesced = QuiescedDomains::of(device, &concerned, needs);
    if !quiesced.by_others.is_empty() {
        let hint = "what a run that died has left so the next run puts back; else unquiesce it on the device";
        found.warn("out of service", quiesced.by_others.join(", "), hint);
    }
}

/// What is quiesced already is not ours to quiesce: a run refuses. What another run of ours has quiesced it puts back
/// itself, and nobody else may.
pub(super) fn quiesced(
    engine: Engine<'_>,
    device: (&str, Option<&str>),
    domains: &[DomainStatus],
    unlisted: Option<&[String]>,
    needs: &Needs<'_>,
    found: &mut CheckItems,
) {
    if needs.quiesces.is_empty() {
        return;
    }
    let unseen = unlisted.unwrap_or_default().iter().map(String::as_str);
    let unseen: Vec<&str> = unseen.filter(|name| is_quiesced_by_a_plan(name, needs)).collect();
    if !unseen.is_empty() {
        let text = format!(
            "not known of {}: the device does not list it",
            first_few(&unseen, LISTED)
        );
        found.warn("quiesced", text, "give the account the right to see each domain");
    }
    let concerned: Vec<&DomainStatus> = domains
        .iter()
        .filter(|domain| match domain.name.as_str() {
            // How the device stands itself, where it shows that there.
            DEFAULT_DOMAIN => {
                domain.quiesce.is_of_a_quiesce() && needs.quiesces.iter().any(|plan| is_of_a_device(plan))
            }
            name => is_quiesced_by_a_plan(name, needs),
        })
        .collect();
    let quiesced = QuiescedDomains::of(device, &concerned, needs);
    let busy = &quiesced.by_others;
    let invocation = &engine.file.invocation;
    if !quiesced.by_ours.is_empty() {
        found.warn(
            "quiesced",
            quiesced.by_ours.join("; "),
            match quiesced.stands_still {
                true => "let it go on: it ends, or is ended by a signal, only then".to_owned(),
                false => format!(
                    "wait for its end, which `{}` shows",
                    invocation.command(["history"])
                ),
            },
        );
        if busy.is_empty() {
            return;
        }
    }
    if busy.is_empty() && concerned.is_empty() {
        found.warn(
            "quiesced",
            "not known: the device lists none of the domains that plans quiesce, and nothing else shows it",
            "look at the device, and whether the account may see its domains",
        );
    } else if busy.is_empty() {
        let text = match unlisted {
            Some([]) => "none of the domains that plans quiesce is",
            // The others are told of above.
            Some(_) | None => "none of the domains that plans quiesce and the device lists is",
        };
        found.ok("quiesced", text);
    } else {
        let recover = invocation.command(["recover"]);
        let hint = format!(
            "`{recover}` puts back what a run of dpbackup that died has left so; else unquiesce it on the device"
        );
        found.fail("quiesced", busy.join(", "), hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_absent_domains_the_one_of_the_same_letters_is_meant() {
        let names = BTreeSet::from(["DOM1", "DOM2"]);
        assert_eq!(near_of(&["DOM9", "dom2"], &names), Some("DOM2"));
        assert_eq!(near_of(&["DOM9"], &names), Some("DOM1"));
    }
}
