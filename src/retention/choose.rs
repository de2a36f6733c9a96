//! Which backups are kept, and which may go: values in, decisions with their reasons out.
//!
//! What is chosen from are the backups of one device, domain and kind. A backup that was
//! not kept because nothing had changed is one of them: it counts, and as long as it is
//! not let go itself, the file with its content stays.
//!
//! Clocks are wrong now and then, and the newest backup is the one of the last task whatever
//! its clock said. An end that lies in the future counts as now, and its backup stays.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::retention::rules::Rules;
use crate::values::retention::Retention;

/// One backup: what a task left of one device, domain and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The task. A greater one is a newer one, whatever the clock said.
    pub task: i64,
    /// When its task ended, by the clock of then.
    pub end: Option<Timestamp>,
    /// Whether its task succeeded.
    pub succeeded: bool,
    /// The rules that it is under; backups with equal ones count together. None: it is
    /// never let go.
    pub rules: Option<Rules>,
    /// A hash over what it says, where there is one.
    pub content: Option<String>,
    /// Whether there is something of it.
    pub standing: CopyStanding,
    /// Whether it was asked for: one that was not stays now, whatever the rules say.
    pub is_asked_for: bool,
}

/// Whether there is something of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStanding {
    /// Its files are in the store.
    Stored,
    /// It was not kept: it said the same as the one before.
    NotKept,
    /// Its files are not there, or not what was stored.
    Lost,
    /// Its files could not be read: nobody knows what they are, and nothing is let go for them.
    Unread,
}

/// What becomes of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It stays, for each of these reasons.
    Keep(Vec<Reason>),
    /// No rule keeps it.
    Delete,
}

/// Why a backup stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rules are set for its plan.
    NoRules,
    /// Its task has not ended.
    NotEnded,
    /// Its files are not there, or not what was stored: there is nothing to decide.
    Lost,
    /// Its files could not be read: there is nothing to decide by.
    Unread,
    /// It has no file of its own, and no other holds its content.
    ContentNowhere,
    /// It has no file of its own, and the one with its content could not be read.
    ContentUnread,
    /// `keep_last`: it is the newest, the second, …
    Last(usize),
    /// `keep_daily`: it is the newest of this day.
    Daily(String),
    /// `keep_weekly`: it is the newest of this week.
    Weekly(String),
    /// `keep_monthly`: it is the newest of this month.
    Monthly(String),
    /// `keep_within`.
    Within,
    /// It is the newest good one there is.
    NewestGood,
    /// It is the newest good one with a file of its own: the newest good one found nothing changed.
    NewestGoodFile,
    /// It is the newest one with a file of its own, whatever became of its task.
    NewestFile,
    /// It is the newest one there is, whatever became of its task.
    Newest,
    /// Its end lies in the future: the clock was wrong then, or is now.
    FromTheFuture(Timestamp),
    /// No rule keeps it, and it was not asked for.
    NotAskedFor,
    /// It holds the content of this task's backup, which was not kept.
    ContentOf(i64),
}

/// Decides about all backups of one device, domain and kind. The decisions stand in the
/// order of the backups.
pub fn choose(backups: &[Backup], now: Timestamp, zone: &TimeZone) -> Vec<Decision> {
    let mut reasons: Vec<Vec<Reason>> = vec![Vec::new(); backups.len()];
    let mut live: Vec<usize> = Vec::new();
    for (index, backup) in backups.iter().enumerate() {
        if let Some(why) = why_not_there(backup, backups) {
            reasons[index].push(why);
        } else if backup.end.is_none() {
            reasons[index].push(Reason::NotEnded);
        } else {
            live.push(index);
        }
    }
    // Newest first.
    live.sort_by_key(|index| std::cmp::Reverse(backups[*index].task));
    let mut pools: Vec<(&Rules, Vec<usize>)> = Vec::new();
    for index in &live {
        match &backups[*index].rules {
            None => reasons[*index].push(Reason::NoRules),
            Some(rules) => match pools.iter_mut().find(|(known, _)| *known == rules) {
                Some((_, pool)) => pool.push(*index),
                None => pools.push((rules, vec![*index])),
            },
        }
    }
    for (rules, pool) in pools {
        apply(rules.retention, &pool, backups, now, zone, &mut reasons);
    }
    // Whatever the rules say. The newest may be one that was not kept: then its content stays
    // too. It may be of a task that failed later on: then the one before it, which `history
    // status` names, stays as well.
    for (reason, counts) in NEWEST {
        if let Some(newest) = live.iter().find(|index| counts(&backups[**index]))
            && !reasons[*newest].iter().any(Reason::is_newest)
        {
            reasons[*newest].push(reason);
        }
    }
    for index in &live {
        if let Some(end) = backups[*index].end.filter(|end| *end > now) {
            reasons[*index].push(Reason::FromTheFuture(end));
        }
    }
    // What stays for want of being asked for needs its content as any other does.
    for index in &live {
        if reasons[*index].is_empty() && !backups[*index].is_asked_for {
            reasons[*index].push(Reason::NotAskedFor);
        }
    }
    keep_contents(backups, &live, &mut reasons);
    let decide = |reasons: Vec<Reason>| match reasons.is_empty() {
        true => Decision::Delete,
        false => Decision::Keep(reasons),
    };
    reasons.into_iter().map(decide).collect()
}

/// What is said of a backup, and which ones it is the newest of.
type NewestOf = (Reason, fn(&Backup) -> bool);

/// What stays whatever the rules say, and which backups it is the newest of: what says most of one comes
/// first, and one target has one newest good backup.
const NEWEST: [NewestOf; 4] = [
    (Reason::NewestGood, |backup| backup.succeeded),
    (Reason::NewestGoodFile, |backup| {
        is_stored(backup) && backup.succeeded
    }),
    (Reason::NewestFile, is_stored),
    (Reason::Newest, |_| true),
];

impl Reason {
    /// Whether it stays whatever the rules say, for being the newest of some.
    pub fn is_newest(&self) -> bool {
        NEWEST.iter().any(|(reason, _)| reason == self)
    }
}

/// A rule of periods: how many, how a period is written, and what it says of what it keeps.
type Calendar = (Option<u32>, &'static str, fn(String) -> Reason);

/// Why there is nothing of a backup, as far as anybody knows; none where there is: its own file, or another one that says
/// the same.
fn why_not_there(backup: &Backup, backups: &[Backup]) -> Option<Reason> {
    let has_content = |standing| {
        let mut others = backups.iter().filter(|other| other.standing == standing);
        backup.content.is_some() && others.any(|other| other.content == backup.content)
    };
    match backup.standing {
        CopyStanding::Stored => None,
        CopyStanding::Lost => Some(Reason::Lost),
        CopyStanding::Unread => Some(Reason::Unread),
        CopyStanding::NotKept if has_content(CopyStanding::Stored) => None,
        CopyStanding::NotKept if has_content(CopyStanding::Unread) => Some(Reason::ContentUnread),
        CopyStanding::NotKept => Some(Reason::ContentNowhere),
    }
}

fn is_stored(backup: &Backup) -> bool {
    backup.standing == CopyStanding::Stored
}

/// The rules, over backups that count together, newest first.
fn apply(
    retention: Retention,
    pool: &[usize],
    backups: &[Backup],
    now: Timestamp,
    zone: &TimeZone,
    reasons: &mut [Vec<Reason>],
) {
    let ends = |index: &usize| backups[*index].end.map(|end| end.min(now));
    for (rank, index) in pool.iter().enumerate().take(count(retention.keep_last)) {
        reasons[*index].push(Reason::Last(rank + 1));
    }
    let calendars: [Calendar; 3] = [
        (retention.keep_daily, "%Y-%m-%d", Reason::Daily),
        (retention.keep_weekly, "%G-W%V", Reason::Weekly),
        (retention.keep_monthly, "%Y-%m", Reason::Monthly),
    ];
    for (limit, format, reason) in calendars {
        let mut periods = BTreeSet::new();
        for index in pool {
            let Some(end) = ends(index) else { continue };
            let period = end.to_zoned(zone.clone()).strftime(format).to_string();
            if periods.len() < count(limit) && periods.insert(period.clone()) {
                reasons[*index].push(reason(period));
            }
        }
    }
    // Counted back from the newest one: when backups stop, they do not melt away. One of the future would be of
    // today on each day, and move on with the calendar.
    let past = |index: &usize| backups[*index].end.filter(|end| *end <= now);
    let newest = pool.iter().find_map(past).or_else(|| pool.first().and_then(ends));
    if let (Some(within), Some(newest)) = (retention.keep_within, newest) {
        let since = newest.checked_sub(within).unwrap_or(Timestamp::MIN);
        for index in pool {
            if ends(index).is_some_and(|end| end >= since) {
                reasons[*index].push(Reason::Within);
            }
        }
    }
}

/// Keeps a file for each backup that stays and was not kept.
fn keep_contents(backups: &[Backup], live: &[usize], reasons: &mut [Vec<Reason>]) {
    let mut needed: HashMap<&str, i64> = HashMap::new();
    for (backup, reasons) in backups.iter().zip(reasons.iter()) {
        let stays = !reasons.is_empty();
        if let (true, CopyStanding::NotKept, Some(content)) = (stays, backup.standing, &backup.content) {
            needed.entry(content).or_insert(backup.task);
        }
    }
    let holds = |index: &usize, content: &str| {
        is_stored(&backups[*index]) && backups[*index].content.as_deref() == Some(content)
    };
    let mut needed: Vec<(&str, i64)> = needed.into_iter().collect();
    needed.sort_unstable();
    for (content, task) in needed {
        let is_kept = |index: usize| !reasons[index].is_empty() && holds(&index, content);
        if (0..backups.len()).any(is_kept) {
            continue;
        }
        if let Some(newest) = live.iter().find(|index| holds(index, content)) {
            reasons[*newest].push(Reason::ContentOf(task));
        }
    }
}

fn count(limit: Option<u32>) -> usize {
    limit.map_or(0, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::NoRules => f.write_str("no retention is set for its plan"),
            Reason::NotEnded => f.write_str("its task has not ended"),
            Reason::Lost => f.write_str("it is not there as it was stored"),
            Reason::Unread => f.write_str("it could not be read"),
            Reason::ContentNowhere => f.write_str("no file holds what it found unchanged"),
            Reason::ContentUnread => {
                f.write_str("the file that holds what it found unchanged could not be read")
            }
            Reason::Last(rank) => write!(f, "keep_last, number {rank}"),
            Reason::Daily(day) => write!(f, "keep_daily, {day}"),
            Reason::Weekly(week) => write!(f, "keep_weekly, {week}"),
            Reason::Monthly(month) => write!(f, "keep_monthly, {month}"),
            Reason::Within => f.write_str("keep_within"),
            Reason::NewestGood => f.write_str("the newest good backup"),
            Reason::NewestGoodFile => f.write_str("the newest good backup with a file of its own"),
            Reason::NewestFile => {
                f.write_str("the newest with a file of its own, of a task that did not succeed")
            }
            Reason::Newest => f.write_str("the newest, of a task that did not succeed"),
            Reason::FromTheFuture(end) => write!(
                f,
                "it ended in the future ({}): the clock was wrong then, or is now",
                end.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
            Reason::NotAskedFor => f.write_str("it is of a plan that was not asked for"),
            Reason::ContentOf(task) => {
                write!(f, "task {task} found nothing changed and left no file of its own")
            }
        }
    }
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
