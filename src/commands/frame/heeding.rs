//! Signals to a command that puts nothing back: it is answered at once, finishes what it has in hand, and ends
//! with the number of the signal. One that has nothing in hand ends at once.

use anyhow::Context as _;

use crate::commands::frame::error::CommandError;
use crate::commands::frame::opening::listening;
use crate::exit::Exit;
use crate::signal::listening::{EndingBy, end_by};
use crate::signal::{Answering, Stop};
use crate::ui::{MovingLine, SecondSignal, Ui, answer_that, wait_for_no_reader};

/// While the guard lives a signal ends the process where it stands, with one line that says so: nothing is half done,
/// and `so_far` says what that means. It stands in place of the line that moves.
pub(in crate::commands) fn ends_at_a_signal(
    line: &MovingLine,
    so_far: &'static str,
) -> Result<EndingBy, CommandError> {
    // A terminal that takes nothing does not keep the process.
    wait_for_no_reader();
    let answer = answer_that(line.clone(), so_far, SecondSignal::Waits);
    end_by(move |signal| {
        answer(signal, 1);
        std::process::exit(i32::from(Exit::Interrupted(signal).code()));
    })
    .context("cannot listen to signals")
    .map_err(|error| CommandError::new(Exit::Failed, error))
}

/// The wish to stop, and the answer to it as long as this lives.
pub(in crate::commands) struct Heeding {
    stop: Stop,
    _answering: Answering,
}

impl Heeding {
    /// Listens to signals from now on. `goes_on` says what is still done after the first.
    pub(in crate::commands) fn signals(
        ui: Ui,
        goes_on: &'static str,
        second: SecondSignal,
    ) -> Result<Self, CommandError> {
        let stop = listening()?;
        let _answering = stop.answered_by(&answer_that(MovingLine::new(ui), goes_on, second));
        Ok(Self { stop, _answering })
    }

    /// What it listens with.
    pub(in crate::commands) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether anybody asked to stop.
    pub(in crate::commands) fn is_requested(&self) -> bool {
        self.stop.is_requested()
    }

    /// How the command ends.
    pub(in crate::commands) fn exit(&self, exit: Exit) -> Exit {
        unless_asked_to_stop(&self.stop, exit)
    }
}

/// How a command ends: as it would, unless it was asked to stop. What may still be quiesced goes before.
pub(in crate::commands) fn unless_asked_to_stop(stop: &Stop, exit: Exit) -> Exit {
    match (exit, stop.signal()) {
        (Exit::StillQuiesced, _) | (_, None) => exit,
        (_, Some(signal)) => Exit::Interrupted(signal),
    }
}
