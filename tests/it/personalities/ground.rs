//! A gateway that is as it is, a home that backs it up, and the clock of both; and the ways in which a run
//! can go there: to its end, to its death, or to a signal.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dpbackup::clock::Clock;
use dpbackup::exit::Exit;
use dpbackup::run::error::RunError;
use dpbackup::run::event::Event;
use dpbackup::run::execution::PlanEnd;
use dpbackup::run::ledger::JournalEntry;
use dpbackup::run::left::Left;
use dpbackup::run::sequence::Options;
use dpbackup::signal::Stop;
use dpbackup::values::boot_time::BootTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::personalities::truth::Heard;
use crate::simulator::{Domain, Fault, FaultKind, Gateway, Personality, Setup};
use crate::support::{Home, TestClock, gateways};

/// A place for one trial.
pub(super) struct Ground<'g> {
    pub(super) clock: TestClock,
    pub(super) gateway: Gateway,
    pub(super) home: Home,
    ways: &'g [Personality],
    /// How many quiesces the gateway had been asked for when the last run began.
    asked_before: Cell<usize>,
}

impl<'g> Ground<'g> {
    pub(super) fn new(plan: &str, ways: &'g [Personality]) -> Self {
        let clock = TestClock::night().hurrying(8);
        let small = gateways::small([Domain::new("DOM1").unsaved(), Domain::new("DOM2")]);
        let setup = Setup {
            secure_backup_time: Duration::from_secs(1),
            ..gateways::on_clock(&clock, Duration::from_secs(3), small)
        };
        let gateway = Gateway::start(ways.iter().fold(setup, Setup::with));
        let home = Home::quick()
            .setting("quiesce_timeout = \"60s\"\nunquiesce_timeout = \"30s\"\nquiesce_grace = \"30s\"")
            .setting("retries = 1")
            .timeouts("connect = 2s, request = 400ms, export = 600ms, secure_backup = 600ms, idle = 200ms")
            .device("QA1", &gateway)
            .plan("P", plan);
        Self {
            clock,
            gateway,
            home,
            ways,
            asked_before: Cell::new(0),
        }
    }

    /// Runs the plan to its end.
    pub(super) fn run(&self) -> Heard {
        self.run_until(&Stop::new(), &self.clock, &|| {})
    }

    /// Runs the plan until the gateway has carried out its n-th request and not answered it: then the
    /// process is gone, writes nothing any more and reaches nobody. `None` where it ended before.
    pub(super) fn killed_at(&self, request: u32) -> Option<()> {
        self.gateway.fail(Fault::nth("*", request, FaultKind::ReplyLost));
        let fate = Fate {
            gateway: &self.gateway,
            last: usize::try_from(request).expect("few requests"),
            is_met: AtomicBool::new(false),
        };
        let clock = MortalClock {
            fate: &fate,
            alive: self.clock.clone(),
            dead: Mutex::default(),
        };
        let touched = || {
            if fate.is_met() {
                // Nobody writes after its death; and nobody is told of this panic.
                std::panic::resume_unwind(Box::new("the process is gone"));
            }
        };
        let _unheard = self.run_until(&Stop::new(), &clock, &touched);
        let met = fate.is_met.load(Ordering::SeqCst);
        self.gateway.clear_faults();
        // No other process begins at the same moment: it would have the same name.
        self.clock.pass(Duration::from_secs(1));
        met.then_some(())
    }

    /// Runs the plan to its end, and lets a signal come while the n-th request waits for its answer. `None`
    /// where it ended before.
    pub(super) fn signalled_at(&self, request: u32) -> Option<Heard> {
        let silence = FaultKind::StallBeforeHead(None);
        self.gateway.fail(Fault::nth("*", request, silence));
        let stop = Stop::new();
        let over = Stop::new();
        let last = usize::try_from(request).expect("few requests");
        let gateway = &self.gateway;
        let heard = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.is_requested() {
                    if gateway.requests().len() >= last {
                        stop.request(2);
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let heard = self.run_until(&stop, &self.clock, &|| {});
            over.request(2);
            heard
        });
        self.gateway.clear_faults();
        stop.is_requested().then_some(heard)
    }

    fn run_until(&self, stop: &Stop, clock: &dyn Clock, touched: &dyn Fn()) -> Heard {
        self.asked_before.set(self.gateway.received("quiesce"));
        let mut heard = Heard::default();
        let mut hear = |event: &Event| heard.hear(event, self);
        let options = Options::default();
        let run = self
            .home
            .run_watched("P", clock, options, stop, &mut hear, touched);
        heard.ends(run.end.as_ref().map(|end: &PlanEnd| end.exit), self);
        heard.tasks = run.tasks();
        heard
    }

    /// Recovers, and hears what is said of it.
    pub(super) fn recover(&self) -> Heard {
        let mut heard = Heard::default();
        match self.home.recover(&self.clock) {
            Ok(recovered) => {
                for row in &recovered.done.rows {
                    heard.words(&row.to_string(), self);
                }
                let exit = match recovered.left {
                    Left::Nothing => Exit::Success,
                    Left::MayBeQuiesced(_) | Left::Unknown { .. } | Left::NotInJournal { .. } => {
                        Exit::StillQuiesced
                    }
                };
                heard.ends(Ok::<_, &RunError>(exit), self);
            }
            Err(error) => heard.ends(Err::<Exit, _>(&error), self),
        }
        heard
    }

    /// The quiesces that the journal has open.
    pub(super) fn open_quiesces(&self) -> Vec<JournalEntry> {
        let mut open = self.home.open_entries();
        open.retain(JournalEntry::is_quiesce);
        open
    }

    /// What is quiesced in truth, but for what quiesces without being asked.
    pub(super) fn quiesced(&self) -> Vec<String> {
        let alone = self.ways.iter().filter_map(|way| match way {
            Personality::Turns {
                domain,
                quiesced: true,
                ..
            } => Some(domain),
            _ => None,
        });
        let alone: Vec<&String> = alone.collect();
        let mut quiesced = self.gateway.state().quiesced();
        quiesced.retain(|domain| !alone.contains(&domain));
        quiesced
    }

    /// The same without the domains of which its account is shown nothing at all.
    pub(super) fn quiesced_in_sight(&self) -> Vec<String> {
        let mut quiesced = self.quiesced();
        for way in self.ways {
            if let Personality::RowsForOthers(domains) = way {
                quiesced.retain(|domain| !domains.contains(domain));
            }
        }
        quiesced
    }

    /// Whether it shows its state as it was a while ago.
    pub(super) fn shows_late(&self) -> bool {
        let late = |way: &Personality| way.to_string().starts_with("state-shown-late");
        self.ways.iter().any(late)
    }

    /// Whether the last run has asked for a quiesce.
    pub(super) fn has_asked(&self) -> bool {
        self.gateway.received("quiesce") > self.asked_before.get()
    }

    /// Whether its account may be unable to see a quiesce, or one may come after everybody has given up
    /// to expect it.
    pub(super) fn may_hide(&self) -> bool {
        let hides = ["state-", "rows-for-others", "default-alone"];
        self.ways.iter().map(ToString::to_string).any(|way| {
            hides.iter().any(|hiding| way.starts_with(hiding))
                || ["quiesce=late", "quiesce=queued"]
                    .iter()
                    .any(|later| way.starts_with(later))
        })
    }
}

/// The request with which a process ends.
struct Fate<'g> {
    gateway: &'g Gateway,
    last: usize,
    is_met: AtomicBool,
}

impl Fate<'_> {
    /// Whether the process is dead. From then on it reaches nobody.
    fn is_met(&self) -> bool {
        if self.gateway.requests().len() >= self.last && !self.is_met.swap(true, Ordering::SeqCst) {
            self.gateway
                .fail(Fault::every("connect", FaultKind::Refuse(None)));
        }
        self.is_met.load(Ordering::SeqCst)
    }
}

/// A clock that goes on for a dead process alone.
struct MortalClock<'f> {
    fate: &'f Fate<'f>,
    alive: TestClock,
    dead: Mutex<Duration>,
}

impl MortalClock<'_> {
    /// How long it has been dead, by its own sleeps.
    fn dead(&self) -> Duration {
        *self.dead.lock().expect("no panic with the lock")
    }
}

impl Clock for MortalClock<'_> {
    fn now(&self) -> Timestamp {
        self.fate.is_met();
        self.alive.now() + self.dead()
    }

    fn elapsed(&self) -> Duration {
        self.fate.is_met();
        self.alive.elapsed() + self.dead()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.fate.is_met();
        let alive = self.alive.boot_time()?;
        let up = alive.up + self.dead();
        Some(BootTime { up, ..alive })
    }

    fn sleep(&self, duration: Duration, stop: &Stop) {
        match self.fate.is_met() {
            true => *self.dead.lock().expect("no panic with the lock") += duration * 8,
            false => self.alive.sleep(duration, stop),
        }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}
