//! Activities become tasks: devices in the order of the file, domains by name, each once
//! however many patterns match it. Preview and run share this; it changes nothing.

use std::collections::BTreeSet;

use crate::gateway::domains::ApiConnect;
use crate::plan::model::{Action, Activity, Device, Domains, Plan, PlanFile};
use crate::run::at_work::OurQuiesces;
use crate::run::contact::{Devices, WantedDevice};
use crate::run::event::{ALL_DOMAINS, ActionKind, Progress};
use crate::run::failure::{Failure, words};
use crate::run::session::{Contact, KnownOfDomain, Session};
use crate::run::status::Status;
use crate::signal::Stop;
use crate::values::first_few::first_few;
use crate::values::pattern::{PatternList, could_be_pattern};
use crate::values::trust::Trust;

/// So many names are listed.
const LISTED: usize = 10;

/// An activity and its tasks.
#[derive(Debug)]
pub struct ExpandedActivity<'a> {
    pub activity: &'a Activity,
    /// Its tasks, in the order in which they will run.
    pub tasks: Vec<ExpandedTask<'a>>,
    /// What should be known of it.
    pub notes: Vec<String>,
    /// What has no task though it is asked for.
    pub warnings: Vec<String>,
}

/// A task that may run, or the reason why it does not.
#[derive(Debug)]
pub struct ExpandedTask<'a> {
    /// The device's name, or the raw device pattern.
    pub device_name: String,
    /// The domain, `all-domains`, or the raw domain pattern.
    pub domain: String,
    /// What becomes of it.
    pub verdict: Verdict<'a>,
    /// What its row in history should say beside that.
    pub note: Option<String>,
}

/// What becomes of a task.
#[derive(Clone, Debug)]
pub enum Verdict<'a> {
    /// It runs, on this device.
    Ready(&'a Device),
    /// It is skipped or has failed already, for this reason.
    Settled(Failure),
}

impl Activity {
    /// Whether a domain of this name is part of what it backs up.
    fn backs_up(&self, domain: &str) -> bool {
        match &self.action {
            Action::ExportDomain {
                domains: Domains::Matching(pattern),
            } => pattern.matches(domain),
            Action::ExportDomain {
                domains: Domains::All,
            }
            | Action::SecureBackup { .. } => true,
        }
    }

    /// What it does, without its details.
    pub fn kind(&self) -> ActionKind {
        match self.action {
            Action::SecureBackup { .. } => ActionKind::SecureBackup,
            Action::ExportDomain { .. } => ActionKind::ExportDomain,
        }
    }

    /// The domain pattern as written; `all-domains` where there is none.
    pub fn domain_pattern(&self) -> String {
        match &self.action {
            Action::ExportDomain {
                domains: Domains::Matching(pattern),
            } => pattern.to_string(),
            Action::SecureBackup { .. }
            | Action::ExportDomain {
                domains: Domains::All,
            } => ALL_DOMAINS.to_owned(),
        }
    }
}

/// Expands every activity of `plan`, after all its devices were asked, and shows whom one waits
/// for. `None` when somebody asked to stop meanwhile.
pub fn expand<'a>(
    file: &'a PlanFile,
    plan: &'a Plan,
    devices: &mut Devices<'a>,
    ours: &OurQuiesces<'_>,
    stop: &Stop,
    show: &mut dyn FnMut(&Progress),
) -> Option<Vec<ExpandedActivity<'a>>> {
    devices.ask(wanted(file, plan), show);
    if stop.is_requested() {
        return None;
    }
    let mut expanded = Vec::new();
    let mut unverified = unverified(file, plan, devices);
    for activity in &plan.activities {
        let (mut tasks, mut warnings) = (Vec::new(), Vec::new());
        let mut notes = Vec::from_iter(unverified.take());
        let concerned = || file.devices.iter().filter(|device| activity.concerns(device));
        for device in concerned() {
            tasks.extend(tasks_of(activity, device, devices.contact(device)));
        }
        for device in concerned() {
            warnings.extend(left_out_unseen(activity, device, devices.contact(device)));
            warnings.extend(in_failsafe_mode(activity, device, devices.contact(device)));
            warnings.extend(out_of_service(activity, device, devices.contact(device), ours));
            notes.extend(may_be_unseen(activity, device, devices.contact(device)));
            let absent = absent_domains(activity, devices.contact(device));
            let (nowhere, elsewhere): (Vec<&str>, Vec<&str>) = absent
                .into_iter()
                .partition(|name| concerned().all(|other| lacks(devices.contact(other), name)));
            warnings.extend(without_domains(activity, device, &nowhere));
            notes.extend(without_domains(activity, device, &elsewhere));
        }
        if tasks.is_empty() {
            let pattern = activity.devices.to_string();
            let names = file.devices.iter().map(|device| device.name.as_str());
            let why = format!("no configured device matches '{pattern}'; {}", there_are(names));
            tasks.push(ExpandedTask {
                device_name: pattern,
                domain: activity.domain_pattern(),
                verdict: Verdict::Settled(Failure::new(Status::SkippedNoDevicesMatchingPattern, why)),
                note: None,
            });
        }
        expanded.push(ExpandedActivity {
            activity,
            tasks,
            notes,
            warnings,
        });
    }
    Some(expanded)
}

/// Which devices were not proved to be those that are meant: nothing that is told of them may read as if they were.
fn unverified<'a>(file: &'a PlanFile, plan: &'a Plan, devices: &mut Devices<'a>) -> Option<String> {
    let planned = wanted(file, plan).into_iter().map(|wanted| wanted.device);
    let answers: Vec<&Device> = planned
        .filter(|device| device.tls == Trust::Off && matches!(devices.contact(device), Contact::Up(_)))
        .collect();
    let first = answers.first()?;
    let names = answers.iter().map(|device| device.name.as_str());
    Some(format!(
        "NOT VERIFIED: {} (`tls = {{ verify = false }}`): whatever answers at such an address is taken for the device, and \
         gets its password; `{}` prints the line that pins a certificate",
        first_few(names, LISTED),
        file.invocation.command(["trust", &first.name])
    ))
}

/// What a plan has to ask, each device once, in the order of the file.
fn wanted<'a>(file: &'a PlanFile, plan: &'a Plan) -> Vec<WantedDevice<'a>> {
    let mut wanted = Vec::new();
    for device in &file.devices {
        let concerning = |activity: &&Activity| activity.concerns(device);
        let mut activities = plan.activities.iter().filter(concerning).peekable();
        if activities.peek().is_none() {
            continue;
        }
        let domains = activities.filter_map(|activity| match &activity.action {
            Action::ExportDomain {
                domains: Domains::Matching(pattern),
            } => Some(pattern),
            Action::SecureBackup { .. }
            | Action::ExportDomain {
                domains: Domains::All,
            } => None,
        });
        let domains = domains.collect();
        wanted.push(WantedDevice { device, domains });
    }
    wanted
}

fn tasks_of<'a>(activity: &Activity, device: &'a Device, contact: &Contact<'a>) -> Vec<ExpandedTask<'a>> {
    let task = |domain: String, verdict: Verdict<'a>| ExpandedTask {
        device_name: device.name.clone(),
        domain,
        verdict,
        note: None,
    };
    let session = match contact {
        Contact::Up(session) => session,
        Contact::Down(why) => {
            let skipped = Failure::new(Status::SkippedDeviceNotAvailable, why.clone());
            return vec![task(activity.domain_pattern(), Verdict::Settled(skipped))];
        }
        Contact::Bad(failure) => {
            let failed = Verdict::Settled(failure.clone());
            return vec![task(activity.domain_pattern(), failed)];
        }
    };
    let Action::ExportDomain {
        domains: Domains::Matching(pattern),
    } = &activity.action
    else {
        return vec![task(ALL_DOMAINS.to_owned(), Verdict::Ready(device))];
    };
    let names: BTreeSet<String> = session
        .domains
        .iter()
        .map(|domain| domain.name.clone())
        .filter(|name| pattern.matches(name))
        .collect();
    if names.is_empty() {
        let there = session.domains.iter().map(|domain| domain.name.as_str());
        let why = format!(
            "no domain of {} matches '{pattern}'; {}",
            device.name,
            there_are(there)
        );
        let skipped = Failure::new(Status::SkippedNoDomainsMatchingPattern, why);
        return vec![task(pattern.to_string(), Verdict::Settled(skipped))];
    }
    names
        .into_iter()
        .map(|name| {
            // A name that a device tells never becomes the word by which a plan file asks for all of it.
            if name == ALL_DOMAINS {
                return task(pattern.to_string(), Verdict::Settled(named_as_the_word(device)));
            }
            let (verdict, note) = api_connect_verdict(session, &name);
            ExpandedTask {
                note,
                ..task(name, verdict)
            }
        })
        .collect()
}

/// Why a domain is not backed up whose name is the word for all domains.
fn named_as_the_word(device: &Device) -> Failure {
    let why = format!(
        "{}: the device has a domain that is called '{ALL_DOMAINS}', which is the word for all of its domains: it is \
         not backed up alone; leave it out with '!{ALL_DOMAINS}', or let `domains = \"{ALL_DOMAINS}\"` export it \
         with all others",
        device.name
    );
    Failure::new(Status::DeviceError, why)
}

/// A device that answers, and the pattern by which its domains are exported.
fn up_and_pattern<'s, 'd, 'a>(
    activity: &'a Activity,
    contact: &'s Contact<'d>,
) -> Option<(&'s Session<'d>, &'a PatternList)> {
    match (contact, &activity.action) {
        (
            Contact::Up(session),
            Action::ExportDomain {
                domains: Domains::Matching(pattern),
            },
        ) => Some((session, pattern)),
        _ => None,
    }
}

/// The domains that are asked for by name and that the device does not have, beside others
/// that it has: a name that is misspelt would never be backed up, and nobody would know.
fn absent_domains<'a>(activity: &'a Activity, contact: &Contact<'_>) -> Vec<&'a str> {
    let Some((session, pattern)) = up_and_pattern(activity, contact) else {
        return Vec::new();
    };
    if !session.domains.iter().any(|domain| pattern.matches(&domain.name)) {
        return Vec::new();
    }
    let is_absent = |name: &&str| pattern.matches(name) && lacks(contact, name);
    pattern.literals().filter(is_absent).collect()
}

/// The domains that a pattern would match, that the device has, and that it does not list to the account: nobody would
/// know that they are not backed up.
fn left_out_unseen(activity: &Activity, device: &Device, contact: &Contact<'_>) -> Option<String> {
    let (session, pattern) = up_and_pattern(activity, contact)?;
    let unseen = session.unlisted.iter().flatten().flatten();
    let unseen: Vec<&str> = unseen
        .map(String::as_str)
        .filter(|name| pattern.matches(name))
        .collect();
    (!unseen.is_empty()).then(|| {
        format!(
            "{} has {}, and does not list it to this account: '{pattern}' leaves it out; give the account the right to see \
             each domain",
            device.name,
            first_few(unseen, LISTED)
        )
    })
}

/// The domains that are to be backed up and run in failsafe mode: what runs there is none of what somebody has made, and
/// the backup before it is the one that counts.
fn in_failsafe_mode(activity: &Activity, device: &Device, contact: &Contact<'_>) -> Option<String> {
    let Contact::Up(session) = contact else {
        return None;
    };
    let failed = session
        .domains
        .iter()
        .filter(|domain| activity.backs_up(&domain.name));
    let failed: Vec<String> = failed
        .filter_map(|domain| Some(format!("{} ({})", domain.name, domain.failsafe.as_ref()?)))
        .collect();
    (!failed.is_empty()).then(|| {
        format!(
            "{} runs in failsafe mode: {}: that is a configuration of last resort; look at its log, and keep the backup from \
             before",
            device.name,
            first_few(&failed, LISTED)
        )
    })
}

/// The domains that are backed up without a quiesce, and are quiesced: who left them so is not known, and they are out of
/// service. A task that quiesces refuses them.
fn out_of_service(
    activity: &Activity,
    device: &Device,
    contact: &Contact<'_>,
    ours: &OurQuiesces<'_>,
) -> Option<String> {
    let Contact::Up(session) = contact else {
        return None;
    };
    if activity.quiesce {
        return None;
    }
    let shown = session.domains.iter().filter(|domain| {
        activity.backs_up(&domain.name) && domain.quiesce.is_of_a_quiesce() && !ours.has(&device.name, domain)
    });
    let shown: Vec<String> = shown
        .map(|domain| format!("{} is {}", domain.name, domain.quiesce))
        .collect();
    (!shown.is_empty()).then(|| {
        format!(
            "{}: {}, by no run that this history knows: it is backed up all the same; where nobody else puts it back, \
             unquiesce it on the device",
            device.name,
            first_few(&shown, LISTED)
        )
    })
}

/// Whether a device tells that it lists all of its domains, where a pattern could match one that it does not list.
fn may_be_unseen(activity: &Activity, device: &Device, contact: &Contact<'_>) -> Option<String> {
    let (session, pattern) = up_and_pattern(activity, contact)?;
    if !pattern.included().any(|pattern| could_be_pattern(&pattern)) {
        return None;
    }
    let why = session.unlisted.as_ref()?.as_ref().err()?;
    Some(format!(
        "whether {} has domains that it does not list to this account, and that '{pattern}' leaves out, is not known: {why}",
        device.name
    ))
}

/// Whether a device has shown that it has no such domain.
fn lacks(contact: &Contact<'_>, domain: &str) -> bool {
    match contact {
        Contact::Up(session) => session.domains.iter().all(|there| there.name != domain),
        Contact::Down(_) | Contact::Bad(_) => false,
    }
}

fn without_domains(activity: &Activity, device: &Device, absent: &[&str]) -> Option<String> {
    (!absent.is_empty()).then(|| {
        format!(
            "{} has no domain {}, which '{}' asks for",
            device.name,
            absent.join(", "),
            activity.domain_pattern()
        )
    })
}

/// What a pattern could have matched, for whoever has misspelt it.
fn there_are<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    match names.len() {
        0 => "there is none at all".to_owned(),
        _ => format!(
            "there are (upper and lower case differ): {}",
            first_few(names, LISTED)
        ),
    }
}

/// Whether a domain is backed up, and what to say about a device that does not tell.
fn api_connect_verdict<'a>(session: &Session<'a>, domain: &str) -> (Verdict<'a>, Option<String>) {
    let ready = Verdict::Ready(session.device);
    let device = &session.device.name;
    match session.api_connect(domain) {
        KnownOfDomain::Said(ApiConnect::Yes) => {
            let why = format!(
                "{domain} of {device} belongs to API Connect, which restores it itself; '!{domain}' in `domains` leaves it out"
            );
            let skipped = Failure::new(Status::SkippedApicDomain, why);
            (Verdict::Settled(skipped), None)
        }
        KnownOfDomain::Said(ApiConnect::No | ApiConnect::UnknownClass) => (ready, None),
        KnownOfDomain::Said(ApiConnect::NotAllowed) => {
            let note =
                format!("whether {domain} belongs to API Connect is not known: the account may not see it");
            (ready, Some(note))
        }
        KnownOfDomain::NotKnown(why) => {
            let note = format!("whether {domain} belongs to API Connect is not known: {why}");
            (ready, Some(note))
        }
        KnownOfDomain::Said(ApiConnect::NotTold(why)) => {
            let note = format!("whether {domain} belongs to API Connect is not known: {why}");
            (ready, Some(note))
        }
        KnownOfDomain::NoAnswer(error) => {
            let failure = Failure::of_exchange(Status::DeviceError, device, error);
            let message = format!(
                "{device}: whether {domain} belongs to API Connect: {}",
                words(error)
            );
            (Verdict::Settled(Failure { message, ..failure }), None)
        }
        KnownOfDomain::NotAsked(why) => {
            let message = format!("{device}: whether {domain} belongs to API Connect: not asked, for {why}");
            (Verdict::Settled(Failure::new(Status::DeviceError, message)), None)
        }
    }
}
