//! How old the last good backup of everything is, judged as monitoring plug-ins do.
//!
//! Pure: what is expected, what history knows, and the present come in as values.

pub mod expected;
mod rehearsals;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::freshness::expected::{ExpectedTarget, covers, missing};
use crate::history::{GoodBackup, TargetRow};
use crate::run::event::{FileKind, TaskId};
use crate::run::status::{Class, Status};
use crate::values::duration::HumanDuration;

/// What became of the last attempt, if that was not its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It has ended, one way or another.
    Ended,
    /// Its process is at work.
    Running,
    /// Its process is gone.
    Abandoned,
    /// Whether its process is at work cannot be told.
    NotKnown,
}

/// How a thing stands, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetState {
    /// History knows it, and no plan asks for it any more: it is not judged.
    NotPlanned,
    /// A good backup is young enough, and the last attempt was good.
    Ok,
    /// A good backup is young enough, but the last attempt was not good.
    Warning,
    /// No good backup is young enough.
    Critical,
}

/// A target and how it stands.
#[derive(Clone, Debug)]
pub struct JudgedTarget {
    pub device: String,
    /// The domain, `all-domains`, or a pattern that no known domain matches; `-` where no plan
    /// concerns the device and history knows nothing of it.
    pub domain: String,
    /// What is backed up of it; `None` where no plan concerns the device and history knows nothing
    /// of it.
    pub kind: Option<FileKind>,
    /// The judgement.
    pub state: TargetState,
    /// The newest good backup; `None` where there never was one, or none is left.
    pub good: Option<GoodBackup>,
    /// How old that is, at least; `None` where it ended in the future, and nothing tells how long ago that was.
    pub age: Option<Duration>,
    /// The newest task; `None` where none ever tried.
    pub last: Option<LastAttempt>,
    /// When the last good rehearsal of it ended; `None` where there was none.
    pub rehearsed: Option<Timestamp>,
    /// The reason, empty where all is well.
    pub why: String,
}

/// The newest task of a target, good or not.
#[derive(Clone, Copy, Debug)]
pub struct LastAttempt {
    /// Which one.
    pub task: TaskId,
    /// As far as it has come.
    pub status: Status,
    /// When it came to that.
    pub time: Timestamp,
    /// Whether it still goes on.
    pub attempt: Attempt,
}

/// Everything, worst first.
#[derive(Clone, Debug)]
pub struct Freshness {
    /// The targets, worst first.
    pub targets: Vec<JudgedTarget>,
    /// The age above which a good backup is too old.
    pub max_age: Duration,
    /// What may still be quiesced, in words; `None` where nothing is.
    pub left: Option<String>,
    /// The imports whose end nobody has seen, a sentence each.
    pub half_done: Vec<String>,
    /// The dry runs of imports after which nobody has seen the domain as it was, a sentence each.
    pub dry_runs: Vec<String>,
    /// The secure backups that dead runs may have left on devices, in words; `None` where there are none.
    pub left_folders: Option<String>,
    /// Whether all of the plan file could be read. Of the rest nothing is known.
    pub is_whole: bool,
    /// Why the store was not looked into, so that nobody knows whether the backups are in it; `None`
    /// where it was.
    pub unseen: Option<String>,
}

impl JudgedTarget {
    /// Whether a plan asks for it, and nobody knows a good backup of it that is young enough.
    pub fn is_without(&self, max_age: Duration) -> bool {
        self.state > TargetState::NotPlanned && self.age.is_none_or(|age| age > max_age)
    }
}

impl JudgedTarget {
    /// Says this of it, too.
    fn add(&mut self, why: String) {
        let before = std::mem::take(&mut self.why);
        self.why = match before.is_empty() {
            true => why,
            false => format!("{before}; {why}"),
        };
    }
}

impl Freshness {
    /// Judges what is expected, and what `known` has of the same devices. `attempt` tells
    /// what a task without an end is at, `gone` which task stored a newer good backup that is
    /// not in the store any more, `left` what may still be quiesced.
    pub fn judge(
        expected: &[ExpectedTarget],
        known: &[TargetRow],
        attempt: &dyn Fn(TaskId) -> Attempt,
        gone: &dyn Fn(&TargetRow) -> Option<TaskId>,
        now: Timestamp,
        max_age: Duration,
        left: Option<String>,
    ) -> Self {
        let judge = FreshnessJudge {
            attempt,
            gone,
            now,
            max_age,
        };
        let expected_of = by_device(expected, |expected| &expected.device);
        // The running configuration is exported only where it differs from the saved one:
        // that such an export is old means nothing.
        let known = known.iter().filter(|row| row.kind != FileKind::NonPersisted);
        let known_of = by_device(known, |row| &row.device_name);
        let mut targets = Vec::new();
        for (device, expected) in expected_of {
            let known = known_of.get(device).map(Vec::as_slice).unwrap_or_default();
            let no_plan = expected.iter().all(|expected| expected.what.is_none());
            let mut there: HashSet<(String, Option<FileKind>)> = HashSet::new();
            for row in known {
                let wanted = expected.iter().any(|expected| covers(expected, row));
                there.insert((row.domain_name.clone(), Some(row.kind)));
                targets.push(judge.known(row, wanted || no_plan));
            }
            for expected in expected {
                let kind = expected.what.as_ref().map(|what| what.kind);
                for domain in missing(expected, known) {
                    if there.insert((domain.clone(), kind)) {
                        targets.push(never(expected, domain));
                    }
                }
            }
        }
        let mut freshness = Self {
            targets,
            max_age,
            left,
            half_done: Vec::new(),
            dry_runs: Vec::new(),
            left_folders: None,
            is_whole: true,
            unseen: None,
        };
        freshness.sort();
        freshness
    }

    /// Notes why the store was not looked into: no backup is known to be in it then.
    pub fn note_unseen(&mut self, why: String) {
        let good = self
            .targets
            .iter_mut()
            .filter(|target| target.state == TargetState::Ok);
        for target in good {
            target.state = TargetState::Warning;
            target.why = "whether its backup is in the store was not looked at".to_owned();
        }
        self.unseen = Some(why);
        self.sort();
    }

    /// Notes how old backups are at least that ended in the future by a clock that was wrong: a task that came later
    /// ended at a time that is past.
    ///
    /// # Errors
    ///
    /// That of `later`.
    pub fn note_future<E>(
        &mut self,
        now: Timestamp,
        later: impl Fn(TaskId) -> Result<Option<Timestamp>, E>,
    ) -> Result<(), E> {
        for target in &mut self.targets {
            let Some(good) = target.good.filter(|good| good.time > now) else {
                continue;
            };
            let Some(later) = later(good.task)? else { continue };
            let age = age(later, now);
            target.age = Some(age);
            if age > self.max_age && target.state > TargetState::NotPlanned {
                target.state = TargetState::Critical;
                target.why = format!(
                    "{}; a later task ended at {later}: older than {}",
                    target.why,
                    HumanDuration(self.max_age)
                );
            }
        }
        self.sort();
        Ok(())
    }

    /// Notes what is still young, and was not found any more on its device by the newest run of its plan: nobody backs it
    /// up again as long as it is so.
    pub fn note_unlisted(&mut self, is_unlisted: impl Fn(&JudgedTarget) -> bool) {
        for target in &mut self.targets {
            if target.state > TargetState::NotPlanned && is_unlisted(target) {
                target.state = target.state.max(TargetState::Warning);
                target.add("the newest run of its plan did not see it on the device: it is gone, or not listed to the account".to_owned());
            }
        }
        self.sort();
    }

    /// Notes what the newest task says of domains without a young backup that names them and backs nothing up. An
    /// API Connect domain is exported by none, so that waiting does not help: somebody who asks for it is warned, as
    /// a run warns.
    ///
    /// # Errors
    ///
    /// That of `newest`.
    pub fn note_left_out<E>(
        &mut self,
        newest: impl Fn(&str, &str) -> Result<Option<LastAttempt>, E>,
    ) -> Result<(), E> {
        for target in &mut self.targets {
            if target.state != TargetState::Critical || target.kind != Some(FileKind::Persisted) {
                continue;
            }
            let Some(last) = newest(&target.device, &target.domain)? else {
                continue;
            };
            let (state, why) = match last.status {
                Status::SkippedApicDomain => (
                    TargetState::Warning,
                    "it is an API Connect domain, which no task exports: leave it out of the plan",
                ),
                Status::SkippedNoDomainsMatchingPattern => {
                    (TargetState::Critical, "the device has no such domain")
                }
                _ => continue,
            };
            target.state = state;
            target.last = Some(last);
            target.why = format!("{}; {why}", target.why);
        }
        self.sort();
        Ok(())
    }

    /// The worst first.
    fn sort(&mut self) {
        self.targets.sort_by(|a, b| {
            let by_name = || a.device.cmp(&b.device).then_with(|| a.domain.cmp(&b.domain));
            let by_kind = || a.kind.map(FileKind::code).cmp(&b.kind.map(FileKind::code));
            b.state.cmp(&a.state).then_with(by_name).then_with(by_kind)
        });
    }

    /// The worst of all. A gateway that may be quiesced is worse than a backup that is missing, and
    /// one with half an import or an old secure backup on it is not well, however young its backups are.
    pub fn state(&self) -> TargetState {
        let is_clean = self.half_done.is_empty() && self.dry_runs.is_empty() && self.left_folders.is_none();
        let least = match (&self.left, is_clean) {
            (Some(_), _) => TargetState::Critical,
            (None, false) => TargetState::Warning,
            (None, true) => TargetState::Ok,
        };
        self.targets
            .iter()
            .map(|target| target.state)
            .fold(least, TargetState::max)
    }

    /// The same, where all that was to be judged could be: of a plan file that was read in part, and of a
    /// store that was not looked into, only the worst is known to hold for all of it.
    pub fn known_state(&self) -> Option<TargetState> {
        let state = self.state();
        let is_judged = self.is_whole && self.unseen.is_none();
        (is_judged || state == TargetState::Critical).then_some(state)
    }

    /// How many targets stand like this.
    pub fn count(&self, state: TargetState) -> usize {
        self.targets.iter().filter(|target| target.state == state).count()
    }

    /// The age of the oldest good backup that is asked for; `None` where none is known.
    pub fn oldest(&self) -> Option<Duration> {
        let planned = self
            .targets
            .iter()
            .filter(|target| target.state > TargetState::NotPlanned);
        planned.filter_map(|target| target.age).max()
    }
}

/// One look at everything, so that a fleet is not looked through once for each of its devices.
fn by_device<'t, T>(
    things: impl IntoIterator<Item = &'t T>,
    device: impl Fn(&'t T) -> &'t str,
) -> BTreeMap<&'t str, Vec<&'t T>> {
    let mut by_device: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for thing in things {
        by_device.entry(device(thing)).or_default().push(thing);
    }
    by_device
}

fn never(expected: &ExpectedTarget, domain: String) -> JudgedTarget {
    let why = match expected.what {
        Some(_) => "never backed up",
        None => "never backed up: no plan concerns this device",
    };
    JudgedTarget {
        device: expected.device.clone(),
        domain,
        kind: expected.what.as_ref().map(|what| what.kind),
        state: TargetState::Critical,
        good: None,
        age: None,
        last: None,
        rehearsed: None,
        why: why.to_owned(),
    }
}

struct FreshnessJudge<'a> {
    attempt: &'a dyn Fn(TaskId) -> Attempt,
    gone: &'a dyn Fn(&TargetRow) -> Option<TaskId>,
    now: Timestamp,
    max_age: Duration,
}

impl FreshnessJudge<'_> {
    fn known(&self, row: &TargetRow, is_planned: bool) -> JudgedTarget {
        let age = row.good.map(|good| age(good.time, self.now));
        let attempt = match row.last_status.class() {
            Class::Interim => (self.attempt)(row.last_task),
            _ => Attempt::Ended,
        };
        let attempt_is_good = match (attempt, row.last_status.class()) {
            (Attempt::Running, _) | (Attempt::Ended, Class::Success | Class::Warning) => true,
            (Attempt::Abandoned | Attempt::NotKnown | Attempt::Ended, _) => false,
        };
        let (state, why) = match age {
            _ if !is_planned => (TargetState::NotPlanned, "no plan asks for it any more".to_owned()),
            age => self.judgement(row, age, attempt_is_good),
        };
        JudgedTarget {
            device: row.device_name.clone(),
            domain: row.domain_name.clone(),
            kind: Some(row.kind),
            state,
            good: row.good,
            age: age.filter(|_| row.good.is_some_and(|good| good.time <= self.now)),
            last: Some(LastAttempt {
                task: row.last_task,
                status: row.last_status,
                time: row.last_time,
                attempt,
            }),
            rehearsed: None,
            why,
        }
    }

    /// The state of what is planned, and everything that speaks against it.
    fn judgement(
        &self,
        row: &TargetRow,
        age: Option<Duration>,
        attempt_is_good: bool,
    ) -> (TargetState, String) {
        let gone = (self.gone)(row);
        let mut against = Vec::new();
        match age {
            None if gone.is_none() => {
                against.push((TargetState::Critical, "never backed up with success".to_owned()));
            }
            Some(age) if age > self.max_age => {
                let why = format!("older than {}", HumanDuration(self.max_age));
                against.push((TargetState::Critical, why));
            }
            _ => {}
        }
        if let Some(task) = gone {
            let state = match age {
                None => TargetState::Critical,
                Some(_) => TargetState::Warning,
            };
            let why = format!(
                "the good backup of task {} is not in the store as it was stored",
                task.0
            );
            against.push((state, why));
        }
        if row.good.is_some_and(|good| good.time > self.now) {
            let why =
                "it ended in the future: the clock was wrong then, or is now, and how old it is is not known";
            against.push((TargetState::Warning, why.to_owned()));
        }
        let worst = against
            .iter()
            .map(|(state, _)| *state)
            .max()
            .unwrap_or(TargetState::Ok);
        if !attempt_is_good && worst < TargetState::Critical {
            against.push((TargetState::Warning, "the last attempt was not good".to_owned()));
        }
        let state = against
            .iter()
            .map(|(state, _)| *state)
            .max()
            .unwrap_or(TargetState::Ok);
        let why: Vec<String> = against.into_iter().map(|(_, why)| why).collect();
        (state, why.join("; "))
    }
}

/// What is in the future counts as now: nothing is said to be too old because of a clock.
fn age(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(time)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_a_dead_run_may_have_left_is_a_warning_by_itself() {
        let attempt = |_: TaskId| Attempt::Ended;
        let (now, max_age) = (Timestamp::UNIX_EPOCH, Duration::ZERO);
        let mut freshness = Freshness::judge(&[], &[], &attempt, &|_| None, now, max_age, None);
        assert_eq!(freshness.known_state(), Some(TargetState::Ok));
        freshness.left_folders = Some("a secure backup may have been left on a device".to_owned());
        assert_eq!(freshness.known_state(), Some(TargetState::Warning));
    }
}
