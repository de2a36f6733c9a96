//! The answer to a signal: one line, at once, whatever the run waits for.
//!
//! Nobody who presses `^C` and sees nothing happen waits: he presses it again, or kills. So the
//! line says what is being put back, how long that may take, and not to kill.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use signal_hook::consts::{SIGINT, SIGQUIT};
use signal_hook::low_level::emulate_default_handler;

use crate::run::event::{Event, JournalId, Progress, Sink, Undo, UndoStage};
use crate::run::status::Status;
use crate::ui::live::{BelowAnswer, Live, MovingLine, SignalMark};
use crate::ui::screen::Screen;
use crate::ui::undoing::{place, undo_words};
use crate::values::duration::HumanDuration;
use crate::values::signal_name::signal_name;

/// How long what follows a signal may take.
#[derive(Clone, Copy, Debug)]
pub struct StopLimits {
    /// A device to be at work again.
    pub unquiesce: Duration,
    /// One request to a device.
    pub request: Duration,
    /// An import that was sent.
    pub import: Duration,
    /// A script that is still due, if there may be one.
    pub script: Option<Duration>,
    /// A message to those who are told of the end, if there are any.
    pub telling: Option<Duration>,
}

/// Knows what would have to be put back, and answers signals.
pub struct SignalAnswer {
    shared: Arc<PutBack>,
    look: Box<dyn Fn()>,
}

struct PutBack {
    live: Live,
    limits: StopLimits,
    due: Mutex<StillDue>,
}

/// What is still to be done when a signal comes.
#[derive(Default)]
struct StillDue {
    undos: BTreeMap<JournalId, UndoAhead>,
    /// The tasks of a plan have begun: the scripts behind what ran are run.
    has_tasks: bool,
}

/// Something to be put back on a device.
struct UndoAhead {
    device: String,
    undo: Undo,
    stage: UndoStage,
}

impl SignalAnswer {
    /// Answers above the line of this screen. `look` looks for signals where no thread listens to
    /// them.
    pub fn new(screen: &Screen, limits: StopLimits, look: Box<dyn Fn()>) -> Self {
        let shared = PutBack {
            live: screen.live(),
            limits,
            due: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
            look,
        }
    }

    /// Whether the process may stand still, with an answer where it may not: what is out of service stays so meanwhile.
    pub fn to_standing_still(&self) -> Arc<dyn Fn(i32) -> bool + Send + Sync> {
        let shared = Arc::clone(&self.shared);
        Arc::new(move |signal| {
            let words = held_back(signal, &shared.due().undos);
            if let Some(words) = &words {
                // It goes on, and so does what is shown of it.
                shared.live.answer(words, SignalMark::Key, BelowAnswer::TheSame);
            }
            words.is_none()
        })
    }

    /// Answers the signal of this number, which is the first, the second, ….
    pub fn to_signals(&self) -> Arc<dyn Fn(i32, u32) + Send + Sync> {
        let shared = Arc::clone(&self.shared);
        Arc::new(move |signal, count| {
            let limits = match shared.due().has_tasks {
                true => shared.limits,
                false => StopLimits {
                    script: None,
                    ..shared.limits
                },
            };
            let (words, instead) = {
                let undos = &shared.due().undos;
                (words(signal, count, undos, limits), what_follows(undos))
            };
            let below = instead
                .as_deref()
                .map_or(BelowAnswer::TheSame, BelowAnswer::Instead);
            shared.live.answer(&words, mark_of(signal), below);
        })
    }
}

impl PutBack {
    fn due(&self) -> MutexGuard<'_, StillDue> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StillDue {
    fn follow(&mut self, event: &Event) {
        match event {
            // What a task could not undo stays in the journal: nothing more is done about it.
            Event::TaskEnded { .. } => self.undos.clear(),
            Event::PlanStatus { status, .. } => self.has_tasks |= *status == Status::Running,
            Event::PlanEnded { .. } => self.has_tasks = false,
            _ => {}
        }
    }
}

impl Sink for SignalAnswer {
    fn event(&mut self, _at: Timestamp, event: &Event) {
        self.shared.due().follow(event);
    }

    fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::UndoDue {
                journal,
                device,
                undo,
                stage,
            } => {
                let ahead = UndoAhead {
                    device: device.clone(),
                    undo: undo.clone(),
                    stage: *stage,
                };
                self.shared.due().undos.insert(*journal, ahead);
            }
            Progress::UndoOver { journal } => {
                self.shared.due().undos.remove(journal);
            }
            _ => {}
        }
        (self.look)();
    }
}

/// The line. What a device is out of service for comes first.
fn words(signal: i32, count: u32, due: &BTreeMap<JournalId, UndoAhead>, limits: StopLimits) -> String {
    let name = named(signal, count);
    let mut doing: Vec<String> = Vec::new();
    for ahead in due.values() {
        let words = ahead.words(limits);
        match ahead.undo {
            Undo::RemoveFolder(_) => doing.push(words),
            _ => doing.insert(0, words),
        }
    }
    if doing.is_empty() {
        doing.push("nothing is to be put back".to_owned());
    }
    match (limits.script, count) {
        (None, _) => {}
        (Some(limit), 0 | 1) => doing.push(format!(
            "then scripts, at most {} each, which a second signal ends",
            HumanDuration(limit)
        )),
        (Some(_), _) => doing.push("no more scripts".to_owned()),
    }
    if let Some(limit) = limits.telling {
        doing.push(format!(
            "then receivers that are told of it, at most {} a message",
            HumanDuration(limit)
        ));
    }
    format!(
        "{name}: {}; do not kill dpbackup, it ends by itself",
        doing.join("; ")
    )
}

impl UndoAhead {
    /// What is done about it, and how long that may take.
    fn words(&self, limits: StopLimits) -> String {
        let Self { device, undo, stage } = self;
        let what = undo_words(device, undo);
        let unless = match stage {
            UndoStage::MayBeSent => ", if it got the request",
            UndoStage::Sent | UndoStage::Looking | UndoStage::UnderWay => "",
        };
        match undo {
            Undo::UnquiesceDevice | Undo::UnquiesceDomain(_) if *stage == UndoStage::Looking => format!(
                "looking at {}, and unquiescing it if it is what was quiesced, at most {}",
                place(device, undo),
                HumanDuration(limits.unquiesce)
            ),
            Undo::UnquiesceDevice | Undo::UnquiesceDomain(_) => {
                format!("{what}{unless}, at most {}", HumanDuration(limits.unquiesce))
            }
            Undo::NotKnown { .. } => what,
            Undo::RemoveFolder(_) => {
                format!(
                    "{what}{unless}, at most {} a request",
                    HumanDuration(limits.request)
                )
            }
            Undo::Import { .. } => {
                let place = place(device, undo);
                let limit = HumanDuration(limits.import);
                match stage {
                    UndoStage::MayBeSent => format!(
                        "no import into {place} is sent; if it is on its way, it is waited for, at most {limit}"
                    ),
                    UndoStage::Sent | UndoStage::Looking | UndoStage::UnderWay => {
                        format!("an import into {place} that was sent is waited for, at most {limit}")
                    }
                }
            }
            Undo::DryRun { .. } => {
                let place = place(device, undo);
                match stage {
                    UndoStage::MayBeSent => format!(
                        "no import into {place} is sent; if its dry run is on its way, that is given up, and the domain \
                         is looked at"
                    ),
                    UndoStage::Sent => format!(
                        "a dry run for {place} is given up, no import is sent, and the domain is looked at"
                    ),
                    UndoStage::Looking | UndoStage::UnderWay => {
                        format!(
                            "no import into {place} is sent, and the domain is looked at after its dry run"
                        )
                    }
                }
            }
        }
    }
}

/// What is shown to be at work after a signal; `None` where that is what was before it, for no signal ends it.
fn what_follows(due: &BTreeMap<JournalId, UndoAhead>) -> Option<String> {
    let is_done_anyway = |stage| matches!(stage, UndoStage::Looking | UndoStage::UnderWay);
    if due.values().any(|ahead| is_done_anyway(ahead.stage)) {
        return None;
    }
    // What was not sent is not done.
    let is_due = |ahead: &&UndoAhead| {
        ahead.stage != UndoStage::MayBeSent
            || !matches!(ahead.undo, Undo::Import { .. } | Undo::DryRun { .. })
    };
    let first = due
        .values()
        .filter(is_due)
        .min_by_key(|ahead| matches!(ahead.undo, Undo::RemoveFolder(_)));
    Some(first.map_or_else(
        || "ending".to_owned(),
        |ahead| undo_words(&ahead.device, &ahead.undo),
    ))
}

/// Why a process that has this to put back does not stand still; `None` where it may.
fn held_back(signal: i32, due: &BTreeMap<JournalId, UndoAhead>) -> Option<String> {
    due.values().find_map(|UndoAhead { device, undo, stage }| {
        let place = place(device, undo);
        let why = match (undo, stage) {
            (Undo::UnquiesceDevice | Undo::UnquiesceDomain(_), UndoStage::Looking) => {
                format!("{place} may be out of service until it has looked, and put it back")
            }
            (Undo::UnquiesceDevice | Undo::UnquiesceDomain(_), UndoStage::UnderWay) => {
                format!("{place} is out of service until it has put it back")
            }
            (Undo::UnquiesceDevice | Undo::UnquiesceDomain(_), UndoStage::MayBeSent | UndoStage::Sent) => {
                format!("{place} is out of service until it has put it back; `^C` does that at once")
            }
            (Undo::Import { .. }, _) => format!("an import into {place} may be under way"),
            (Undo::DryRun { .. }, _) => format!("a dry run of an import into {place} may be under way"),
            (Undo::RemoveFolder(_) | Undo::NotKnown { .. }, _) => return None,
        };
        Some(format!("{}: it goes on, for {why}", named(signal, 1)))
    })
}

/// The signal by its name, and that it is not the first.
fn named(signal: i32, count: u32) -> String {
    let again = if count > 1 { " again" } else { "" };
    format!("{}{again}", signal_name(signal))
}

fn mark_of(signal: i32) -> SignalMark {
    match signal {
        SIGINT | SIGQUIT => SignalMark::Key,
        _ => SignalMark::Nothing,
    }
}

/// Answers signals of a command that puts nothing back, in place of the line that moves: `goes_on` says what is still
/// done before it ends. A second one ends it where it stands, if that leaves nothing half done.
pub fn answer_that(
    line: MovingLine,
    goes_on: &'static str,
    second: SecondSignal,
) -> Arc<dyn Fn(i32, u32) + Send + Sync> {
    Arc::new(move |signal, count| {
        let ends = count > 1 && second == SecondSignal::Ends;
        let words = match (count, second) {
            (0 | 1, SecondSignal::Ends) => format!("{goes_on}; a second one ends it at once"),
            (0 | 1, SecondSignal::Waits) => goes_on.to_owned(),
            (_, SecondSignal::Ends) => "it ends at once".to_owned(),
            (_, SecondSignal::Waits) => format!("{goes_on}; it ends by itself"),
        };
        let words = format!("{}: {words}", named(signal, count));
        line.0.answer(&words, mark_of(signal), BelowAnswer::Nothing);
        if ends {
            // It returns only for a signal that ends nothing.
            let _ = emulate_default_handler(signal);
        }
    })
}

/// What a second signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondSignal {
    /// It ends the process where it stands.
    Ends,
    /// It changes nothing.
    Waits,
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::{SIGTSTP, SIGTTIN};

    use super::*;
    use crate::run::event::PlanId;

    #[test]
    fn what_has_a_domain_out_of_service_does_not_stand_still() {
        let due = |undo| BTreeMap::from([(JournalId(1), ahead(undo))]);
        assert_eq!(held_back(SIGTSTP, &BTreeMap::new()), None);
        assert_eq!(
            held_back(SIGTSTP, &due(Undo::RemoveFolder("temporary:///x".to_owned()))),
            None
        );
        let domain = || Undo::UnquiesceDomain("DOM1".to_owned());
        let words = held_back(SIGTTIN, &due(domain())).expect("a reason");
        assert!(words.starts_with("SIGTTIN: it goes on"), "{words}");
        assert!(words.contains("DOM1 of QA1 is out of service"), "{words}");
        let mut looked_at = due(domain());
        looked_at
            .values_mut()
            .for_each(|ahead| ahead.stage = UndoStage::Looking);
        let words = held_back(SIGTTIN, &looked_at).expect("a reason");
        assert!(words.contains("DOM1 of QA1 may be out of service"), "{words}");
    }

    fn ahead(undo: Undo) -> UndoAhead {
        UndoAhead {
            device: "QA1".to_owned(),
            undo,
            stage: UndoStage::Sent,
        }
    }

    fn said(signal: i32, count: u32, undos: &[Undo], script: Option<Duration>) -> String {
        let due = undos.iter().zip(1..);
        let due = due.map(|(undo, id)| (JournalId(id), ahead(undo.clone())));
        said_of(signal, count, &due.collect(), script)
    }

    fn said_of(
        signal: i32,
        count: u32,
        due: &BTreeMap<JournalId, UndoAhead>,
        script: Option<Duration>,
    ) -> String {
        let limits = StopLimits {
            unquiesce: Duration::from_secs(240),
            request: Duration::from_secs(70),
            import: Duration::from_secs(1800),
            script,
            telling: None,
        };
        words(signal, count, due, limits)
    }

    #[test]
    fn it_says_what_is_being_put_back_how_long_at_most_and_not_to_kill() {
        let domain = Undo::UnquiesceDomain("DOM1".to_owned());
        assert_eq!(
            said(2, 1, &[domain], None),
            "SIGINT: unquiescing DOM1 of QA1, at most 4m; do not kill dpbackup, it ends by itself"
        );
        let folder = Undo::RemoveFolder("temporary:///dpbackup-1".to_owned());
        assert_eq!(
            said(15, 1, &[folder, Undo::UnquiesceDevice], None),
            "SIGTERM: unquiescing all of QA1, at most 4m; removing our folder from QA1, at most 1m 10s a request; \
             do not kill dpbackup, it ends by itself"
        );
    }

    #[test]
    fn what_may_be_on_another_device_is_not_said_to_be_unquiesced() {
        let domain = Undo::UnquiesceDomain("DOM1".to_owned());
        let limits = StopLimits {
            unquiesce: Duration::from_secs(240),
            request: Duration::ZERO,
            import: Duration::ZERO,
            script: None,
            telling: Some(Duration::from_secs(40)),
        };
        let looked_at = UndoAhead {
            stage: UndoStage::Looking,
            ..ahead(domain)
        };
        let due = BTreeMap::from([(JournalId(1), looked_at)]);
        assert_eq!(
            words(2, 1, &due, limits),
            "SIGINT: looking at DOM1 of QA1, and unquiescing it if it is what was quiesced, at most 4m; then \
             receivers that are told of it, at most 40s a message; do not kill dpbackup, it ends by itself"
        );
        assert_eq!(what_follows(&due), None);
    }

    #[test]
    fn a_dry_run_is_not_told_as_an_import() {
        let (domain, before) = ("DOM1".to_owned(), None);
        let dry_run = Undo::DryRun {
            domain: domain.clone(),
            before,
            content: None,
        };
        assert_eq!(
            said(2, 1, &[dry_run], None),
            "SIGINT: a dry run for DOM1 of QA1 is given up, no import is sent, and the domain is looked at; do not kill \
             dpbackup, it ends by itself"
        );
        let told = said(2, 1, &[Undo::Import { domain, before }], None);
        assert!(
            told.contains("an import into DOM1 of QA1 that was sent is waited for"),
            "{told}"
        );
    }

    #[test]
    fn what_was_not_sent_is_not_told_as_sent() {
        let (domain, before) = ("DOM1".to_owned(), None);
        let dry_run = Undo::DryRun {
            domain: domain.clone(),
            before,
            content: None,
        };
        let at = |undo: &Undo, stage| {
            let due = BTreeMap::from([(
                JournalId(1),
                UndoAhead {
                    stage,
                    ..ahead(undo.clone())
                },
            )]);
            let said = said_of(15, 1, &due, None);
            let said = said.trim_end_matches("; do not kill dpbackup, it ends by itself");
            (said.to_owned(), what_follows(&due))
        };
        let (told, shown) = at(&dry_run, UndoStage::MayBeSent);
        assert_eq!(
            told,
            "SIGTERM: no import into DOM1 of QA1 is sent; if its dry run is on its way, that is given up, and the domain \
             is looked at"
        );
        assert_eq!(shown.as_deref(), Some("ending"));
        // It was answered, and is not given up.
        assert_eq!(
            at(&dry_run, UndoStage::UnderWay),
            (
                "SIGTERM: no import into DOM1 of QA1 is sent, and the domain is looked at after its dry run"
                    .to_owned(),
                None
            )
        );
        let (told, shown) = at(&Undo::Import { domain, before }, UndoStage::MayBeSent);
        assert_eq!(
            told,
            "SIGTERM: no import into DOM1 of QA1 is sent; if it is on its way, it is waited for, at most 30m"
        );
        assert_eq!(shown.as_deref(), Some("ending"));
    }

    #[test]
    fn scripts_are_due_as_long_as_the_tasks_of_a_plan_run() {
        let plan = PlanId(1);
        let mut due = StillDue::default();
        for (status, has_tasks) in [(Status::RunningPreScript, false), (Status::Running, true)] {
            due.follow(&Event::PlanStatus { plan, status });
            assert_eq!(due.has_tasks, has_tasks, "{status}");
        }
    }

    #[test]
    fn where_nothing_is_to_be_put_back_it_says_so() {
        assert_eq!(
            said(1, 1, &[], None),
            "SIGHUP: nothing is to be put back; do not kill dpbackup, it ends by itself"
        );
    }

    #[test]
    fn scripts_that_are_due_are_told_and_that_a_second_signal_skips_them() {
        let limit = Some(Duration::from_secs(600));
        let first = said(2, 1, &[], limit);
        assert!(
            first.contains("; then scripts, at most 10m each, which a second signal ends; do not"),
            "{first}"
        );
        let second = said(2, 2, &[], limit);
        assert!(second.starts_with("SIGINT again: "), "{second}");
        assert!(second.contains("; no more scripts; do not"), "{second}");
    }

    #[test]
    fn what_a_device_chose_does_not_reach_the_terminal() {
        let hostile = Undo::UnquiesceDomain("A\u{1b}[2J\nB".to_owned());
        let words = said(2, 1, &[hostile], None);
        assert!(!words.contains(['\u{1b}', '\n']), "{words:?}");
    }
}
