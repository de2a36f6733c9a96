//! Which tasks their devices would refuse by what they have just shown.

use crate::history::History;
use crate::lock::{Life, Locks};
use crate::plan::model::{Activity, PlanFile};
use crate::run::at_work::{AtWork, AtWorkLook, without_left};
use crate::run::contact::Devices;
use crate::run::examine::why_it_cannot_start;
use crate::run::expand::{ExpandedActivity, Verdict};
use crate::run::failure::Failure;
use crate::run::ledger::JournalEntry;
use crate::run::left::life_of;
use crate::run::session::{Contact, Session};
use crate::run::status::Status;
use crate::run::task::before::{refusal, refusal_of_unlisted, told_by_rows};
use crate::values::environment::Lookup;

/// What has to be known of this machine, beside what a device shows.
pub(super) struct Settling<'l> {
    pub(super) runs: &'l AtWorkLook<'l>,
    pub(super) left: &'l LeftRows,
    pub(super) env: Lookup<'l>,
    /// The command that puts right what dead runs left.
    pub(super) recover: &'l str,
}

impl Settling<'_> {
    /// The same, where a task that its device would refuse by what it has just shown is settled with that. What a run that
    /// is at work has done to it is over when that run lets go of the device, for which a task waits: a note says so.
    pub(super) fn settled<'a>(
        &self,
        expanded: Vec<ExpandedActivity<'a>>,
        devices: &mut Devices<'a>,
        notes: &mut Vec<String>,
    ) -> Vec<ExpandedActivity<'a>> {
        let mut judged = expanded;
        for ExpandedActivity { activity, tasks, .. } in &mut judged {
            let unable = why_it_cannot_start(activity.pre_script.as_deref(), self.env);
            for task in tasks {
                let Verdict::Ready(device) = task.verdict else {
                    continue;
                };
                let failure = match &unable {
                    Some(why) => Some(Failure::new(Status::TaskFailedPreScript, why.clone())),
                    None => match devices.contact(device) {
                        Contact::Up(session) => self.refusal(activity, &task.domain, session, notes),
                        Contact::Down(_) | Contact::Bad(_) => None,
                    },
                };
                if let Some(failure) = failure {
                    task.verdict = Verdict::Settled(failure);
                }
            }
        }
        judged
    }

    /// What the device of this session would refuse the task with.
    fn refusal(
        &self,
        activity: &Activity,
        domain: &str,
        session: &mut Session<'_>,
        notes: &mut Vec<String>,
    ) -> Option<Failure> {
        let device = session.device.name.as_str();
        let listed = (&session.gateway, session.domains.as_slice());
        if let Ok(Some(failure)) = refusal_of_unlisted(activity, device, domain, listed) {
            return Some(failure);
        }
        let failure = refusal(activity, device, domain, &session.domains)?;
        let (domains, is_left) = without_left(&self.left.of_the_dead, device, &session.domains);
        let serial = session.own_serial();
        let (domains, run) = self.runs.without_work(device, serial.as_deref(), &domains);
        let note = match (refusal(activity, device, domain, &domains), run) {
            (None, None) if is_left => self.left.note(device),
            (None, Some(run)) => note_of_run(&run, device),
            (still, _) => {
                let refused = (activity, device, domain);
                let (rows, recover) = (&self.left.unclear, self.recover);
                return Some(told_by_rows(
                    still.unwrap_or(failure),
                    refused,
                    &domains,
                    rows,
                    recover,
                ));
            }
        };
        if !notes.contains(&note) {
            notes.push(note);
        }
        None
    }
}

fn note_of_run(run: &AtWork, device: &str) -> String {
    let does = match run.stands_still {
        true => ", has it in hand",
        false => " is at work on it",
    };
    format!("{device}: {run}{does}; a task waits for its end")
}

/// The rows of the journal that no run at work has opened, as far as they can be read.
pub(super) struct LeftRows {
    /// Those of runs that died.
    pub(super) of_the_dead: Vec<JournalEntry>,
    /// Those of which it cannot be told whether their run is at work.
    unclear: Vec<JournalEntry>,
    /// Whether a run would begin, which undoes those of the dead before anything else.
    run_begins: bool,
}

impl LeftRows {
    pub(super) fn of(file: &PlanFile, run_begins: bool) -> Self {
        let locks = Locks::beside(&file.settings.history);
        let mut left = Self {
            of_the_dead: Vec::new(),
            unclear: Vec::new(),
            run_begins,
        };
        for row in History::open_rows(&file.settings.history).unwrap_or_default() {
            match life_of(&locks, &row) {
                Life::Alive => {}
                Life::Dead => left.of_the_dead.push(row),
                Life::NotKnown(_) => left.unclear.push(row),
            }
        }
        left
    }

    /// What is said of a device on which something is quiesced that such a row of the dead is about.
    fn note(&self, device: &str) -> String {
        let when = match self.run_begins {
            true => "is put back before the tasks begin",
            false => "is put back as soon as a run can begin",
        };
        format!("{device}: what a run that died has left quiesced {when}")
    }
}
