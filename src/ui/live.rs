//! The one line that moves: what is waited for, since when, and how long at most.
//!
//! A terminal has it at its bottom, below all that is said, and a log under `-v` a copy of it now
//! and then. It is shared with whoever answers a signal, on a thread of its own.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use crate::threads;
use crate::ui::repeat::Repeat;
use crate::ui::{Ui, Verbosity};
use crate::values::duration::HumanDuration;
use crate::values::size::Bytes;
use crate::values::text::printable;

/// How often the line moves by itself.
const TICK: Duration = Duration::from_millis(250);

/// How often in a second it is drawn at most: nobody reads faster.
const DRAWN: u8 = 20;

/// The columns of a terminal that does not tell how many it has.
const COLUMNS: u16 = 80;

/// The columns of a bar that fills.
const BAR: u64 = 20;

/// The columns below which what is done says nothing.
const LEAST: usize = 12;

/// What stands for what was left out.
const CUT: &str = "...";

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// In front of it all: which task of how many.
    pub(super) head: String,
    /// What is done or waited for.
    pub(super) what: String,
    pub(super) since: Instant,
    /// After which time it is given up, where that is known.
    pub(super) limit: Option<Duration>,
    /// What has arrived, where something does.
    pub(super) arrived: Option<ArrivedBytes>,
}

/// So many bytes, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ArrivedBytes {
    pub(super) bytes: u64,
    pub(super) total: Option<u64>,
}

/// Whether a bar is drawn of what fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TailBar {
    Drawn,
    LeftOut,
}

impl Line {
    /// The line at a moment, within so many columns: what is too long loses its middle.
    pub(super) fn text(&self, now: Instant, columns: Option<usize>) -> String {
        let Some(columns) = columns else {
            return format!("{}{}{}", self.head, self.what, self.tail(now, TailBar::Drawn));
        };
        // Where a bar leaves nothing of what is done, it goes first.
        let [with_bar, without] = [TailBar::Drawn, TailBar::LeftOut].map(|bar| self.tail(now, bar));
        let left = |tail: &str| columns.saturating_sub(self.head.chars().count() + tail.chars().count());
        let tail = if left(&with_bar) < LEAST {
            without
        } else {
            with_bar
        };
        let what = shortened(&self.what, left(&tail));
        cut(&format!("{}{what}{tail}", self.head), columns)
    }

    /// What stands behind what is done: what has arrived, since when, and how long at most.
    fn tail(&self, now: Instant, bar: TailBar) -> String {
        let passed = now.saturating_duration_since(self.since);
        let mut tail = String::new();
        if let Some(arrived) = self.arrived {
            tail.push_str(&format!(": {arrived}"));
            tail.extend(arrived.bar().filter(|_| bar == TailBar::Drawn));
        }
        // Whole seconds: more would only flicker.
        let passed = HumanDuration(Duration::from_secs(passed.as_secs()));
        tail.push_str(&format!(", {passed}"));
        if let Some(limit) = self.limit {
            tail.push_str(&format!(", at most {}", HumanDuration(limit)));
        }
        tail
    }
}

impl ArrivedBytes {
    /// How full it is, if that can be told.
    fn bar(self) -> Option<String> {
        let total = self.total.filter(|total| *total > 0)?;
        let filled = self.bytes.saturating_mul(BAR) / total;
        let filled = usize::try_from(filled.min(BAR)).unwrap_or_default();
        Some(format!(" [{:-<20}]", "#".repeat(filled)))
    }
}

impl fmt::Display for ArrivedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} so far", Bytes(self.bytes))?;
        match self.total.filter(|total| *total > 0) {
            Some(total) => write!(f, " of {}", Bytes(total)),
            None => Ok(()),
        }
    }
}

/// A text within so many columns: its two ends are kept, for a device stands at one and a time or
/// a kind at the other.
fn shortened(text: &str, columns: usize) -> String {
    let length = text.chars().count();
    let columns = columns.max(LEAST);
    if length <= columns {
        return text.to_owned();
    }
    let kept = columns - CUT.len();
    let (start, end) = (kept - kept / 2, kept / 2);
    let front: String = text.chars().take(start).collect();
    let back: String = text.chars().skip(length - end).collect();
    format!("{front}{CUT}{back}")
}

/// A line that is not longer than its terminal is wide: what goes on below cannot be erased.
fn cut(line: &str, columns: usize) -> String {
    match line.chars().count() > columns {
        true => line
            .chars()
            .take(columns.saturating_sub(CUT.len()))
            .chain(CUT.chars())
            .take(columns)
            .collect(),
        false => line.to_owned(),
    }
}

/// What a terminal has written of a signal where the cursor stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalMark {
    /// The key by which it was sent, such as `^C`: the words begin below it.
    Key,
    Nothing,
}

/// What the line says below the answer to a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BelowAnswer<'a> {
    /// What it said: that is waited for still.
    TheSame,
    /// This: what was waited for is not waited for any more.
    Instead(&'a str),
    /// Nothing.
    Nothing,
}

/// The line that moves, for whoever waits beside a run, or shows none. Cloning shares it.
#[derive(Clone)]
pub struct MovingLine(pub(super) Live);

impl MovingLine {
    /// It shows nothing yet.
    pub fn new(ui: Ui) -> Self {
        Self(Live::new(ui))
    }

    /// Says what is waited for, and how long at most, until what it gives is dropped.
    #[must_use]
    pub fn shows(&self, what: &str, limit: Duration) -> ShownWait {
        let before = locked(&self.0.line).clone();
        let own = Line {
            head: before.as_ref().map_or_else(String::new, |line| line.head.clone()),
            what: printable(what).into_owned(),
            since: Instant::now(),
            limit: Some(limit),
            arrived: None,
        };
        self.0.set(own.clone());
        ShownWait {
            live: self.0.clone(),
            own,
            before,
        }
    }
}

/// A wait that is shown as long as this lives; then what stood there before is shown again.
pub struct ShownWait {
    live: Live,
    own: Line,
    before: Option<Line>,
}

impl Drop for ShownWait {
    fn drop(&mut self) {
        self.live.give_back(&self.own, self.before.take());
    }
}

/// The line, and whatever shows it. Cloning shares it.
#[derive(Clone)]
pub(super) struct Live {
    ui: Ui,
    line: Arc<Mutex<Option<Line>>>,
    shown: Arc<Mutex<LiveShown>>,
}

#[derive(Default)]
struct LiveShown {
    bar: Option<Bar>,
    heartbeat: Option<Repeat>,
    /// What was begun before that is not shown any more.
    cut: Option<Instant>,
}

struct Bar {
    bar: ProgressBar,
    /// Lets it move by itself. (That of the library panics where no thread can be had.)
    tick: Repeat,
}

impl Live {
    /// Nothing is going on yet.
    pub(super) fn new(ui: Ui) -> Self {
        Self {
            ui,
            line: Arc::default(),
            shown: Arc::default(),
        }
    }

    /// Shows what is going on now.
    pub(super) fn set(&self, line: Line) {
        let mut shown = locked(&self.shown);
        if shown.cut.is_some_and(|cut| line.since <= cut) {
            return;
        }
        *locked(&self.line) = Some(line);
        if self.ui.bars {
            let bar = shown.bar.get_or_insert_with(|| self.bar());
            bar.bar.tick();
        } else if self.ui.verbosity >= Verbosity::Verbose && shown.heartbeat.is_none() {
            shown.heartbeat = Some(self.heartbeat());
        }
    }

    /// Nothing is going on: the line goes away.
    pub(super) fn clear(&self) {
        self.clear_shown(&mut locked(&self.shown));
    }

    /// What is shown goes away and does not come back: only what begins from now on is shown.
    pub(super) fn cut(&self) {
        let mut shown = locked(&self.shown);
        shown.cut = Some(Instant::now());
        self.clear_shown(&mut shown);
    }

    /// Says something above the line.
    pub(super) fn say(&self, text: &str) {
        match &locked(&self.shown).bar {
            Some(bar) => bar.bar.suspend(|| self.ui.say(text)),
            None => self.ui.say(text),
        }
    }

    /// Answers a signal.
    pub(super) fn answer(&self, text: &str, mark: SignalMark, below: BelowAnswer<'_>) {
        let is_below_a_line = locked(&self.shown).bar.is_some();
        if below != BelowAnswer::TheSame {
            self.cut();
        }
        match mark == SignalMark::Key && self.ui.lines && !is_below_a_line {
            true => self.ui.say(&format!("\n{text}")),
            false => self.say(text),
        }
        if let BelowAnswer::Instead(what) = below {
            self.set(Line {
                head: String::new(),
                what: what.to_owned(),
                since: Instant::now(),
                limit: None,
                arrived: None,
            });
        }
    }

    /// What is shown now goes away with `line`, if nothing else has taken its place since, and what stood there
    /// `before` comes back.
    fn give_back(&self, line: &Line, before: Option<Line>) {
        if locked(&self.line).as_ref() != Some(line) {
            return;
        }
        self.clear();
        if let Some(before) = before {
            self.set(before);
        }
    }

    fn clear_shown(&self, shown: &mut LiveShown) {
        *locked(&self.line) = None;
        if let Some(Bar { bar, tick }) = shown.bar.take() {
            // It has drawn its last when it is gone.
            drop(tick);
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> Bar {
        let (ui, due) = (self.ui, Mutex::default());
        let foot = Box::new(Foot { ui, due });
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like_with_hz(foot, DRAWN));
        let line = Arc::clone(&self.line);
        let text = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // The spinner has two columns, and the last one stays free.
            let columns = usize::from(columns()).saturating_sub(3);
            if let Some(line) = locked(&line).as_ref() {
                let text = line.text(Instant::now(), Some(columns));
                // Writing into the text of a bar cannot fail.
                let _ = out.write_str(&text);
            }
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {line}") {
            // Letters that every terminal has, whatever its character set.
            bar.set_style(style.tick_chars("|/-\\ ").with_key("line", text));
        }
        let ticking = bar.clone();
        let tick = Repeat::start(threads::start, "progress", TICK, move || ticking.tick());
        Bar { bar, tick }
    }

    /// A line now and then: whoever reads a log sees that it goes on. Where no thread can be had
    /// there is none.
    fn heartbeat(&self) -> Repeat {
        let (ui, line) = (self.ui, Arc::clone(&self.line));
        Repeat::start(threads::start, "heartbeat", ui.heartbeat, move || {
            let text = locked(&line).as_ref().map(|line| line.text(Instant::now(), None));
            if let Some(text) = text {
                ui.say(&text);
            }
        })
    }
}

/// The foot of a terminal, where the line is drawn. The cursor stays at its beginning: whatever comes next, the
/// `^C` of the terminal too, writes over it, and it is erased whole.
#[derive(Debug)]
struct Foot {
    ui: Ui,
    /// What is written at once, so that nothing flickers.
    due: Mutex<String>,
}

impl Foot {
    fn write(&self, text: &str) -> io::Result<()> {
        locked(&self.due).push_str(text);
        Ok(())
    }
}

impl TermLike for Foot {
    fn width(&self) -> u16 {
        columns()
    }

    // It is one line: there is none above or below it that would be drawn.
    fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // Blanks alone fill the rest of the line, so that the cursor would stand at its end.
        match text.trim().is_empty() {
            true => Ok(()),
            false => self.write(&format!("\r{text}\u{1b}[K\r")),
        }
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        self.ui.redraw(&std::mem::take(&mut *locked(&self.due)));
        Ok(())
    }
}

/// How wide the terminal is now.
fn columns() -> u16 {
    terminal_size::terminal_size_of(io::stderr()).map_or(COLUMNS, |(width, _)| width.0)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(what: &str, limit: Option<u64>, arrived: Option<(u64, Option<u64>)>) -> Line {
        Line {
            head: "3 of 6: ".to_owned(),
            what: what.to_owned(),
            since: Instant::now(),
            limit: limit.map(Duration::from_secs),
            arrived: arrived.map(|(bytes, total)| ArrivedBytes { bytes, total }),
        }
    }

    fn after(line: &Line, seconds: u64, columns: Option<usize>) -> String {
        line.text(line.since + Duration::from_millis(seconds * 1000 + 900), columns)
    }

    #[test]
    fn it_says_which_task_what_since_when_and_how_long_at_most() {
        let wait = line("waiting for QA1: the export of DOM1", Some(1800), None);
        assert_eq!(
            after(&wait, 4, None),
            "3 of 6: waiting for QA1: the export of DOM1, 4s, at most 30m"
        );
        assert_eq!(
            after(&line("asking", None, None), 75, None),
            "3 of 6: asking, 1m 15s"
        );
    }

    #[test]
    fn it_says_how_much_has_arrived_and_of_how_much() {
        let some = line("downloading QA1 a.zip", Some(60), Some((512, None)));
        assert_eq!(
            after(&some, 0, None),
            "3 of 6: downloading QA1 a.zip: 512 B so far, 0s, at most 1m"
        );
        for (bytes, bar) in [
            (0, "--------------------"),
            (512, "##########----------"),
            (4096, "####################"),
        ] {
            let text = after(&line("x", None, Some((bytes, Some(1024)))), 0, None);
            assert!(
                text.ends_with(&format!(" of 1.0 KiB [{bar}], 0s")),
                "{bytes}: {text}"
            );
        }
        assert!(!after(&line("x", None, Some((0, Some(0)))), 0, None).contains('['));
    }

    #[test]
    fn it_is_never_longer_than_its_terminal_is_wide_and_its_bar_goes_first() {
        let name = "downloading QA1 DOM1-export-2026-11-22-08-30-12-345-persisted.zip";
        let download = line(name, Some(1800), Some((512, Some(1024))));
        for columns in 1..120 {
            let text = after(&download, 7, Some(columns));
            assert!(text.chars().count() <= columns, "{columns}: {text}");
        }
        assert_eq!(
            after(&download, 7, Some(77)),
            "3 of 6: downloading ...ersisted.zip: 512 B so far of 1.0 KiB, 7s, at most 30m"
        );
        assert!(after(&download, 7, Some(100)).contains("[##########----------], 7s, at most 30m"));
    }

    #[test]
    fn what_is_too_long_for_a_terminal_loses_its_middle_and_nothing_else() {
        let name = "downloading QA1 DOM1-export-2026-11-22-08-30-12-345-persisted.zip";
        let text = after(&line(name, Some(1800), Some((5000, None))), 7, Some(77));
        assert_eq!(text.chars().count(), 77);
        assert!(text.starts_with("3 of 6: downloading"), "{text}");
        assert!(text.contains("..."), "{text}");
        assert!(text.contains("persisted.zip: "), "{text}");
        assert!(text.ends_with(", 7s, at most 30m"), "{text}");
        // A terminal that is narrower than anything that could be said.
        assert!(after(&line(name, None, None), 7, Some(5)).contains("..."));
    }
}
