//! What a run says, held against the gateway as it is at that moment.

use dpbackup::exit::Exit;
use dpbackup::run::event::{Certainty, Event, ReceiverWarning, StillQuiesced};

use crate::personalities::ground::Ground;

/// What was said, and what of it was not so.
#[derive(Default)]
pub(super) struct Heard {
    /// Every sentence, in order.
    pub(super) said: Vec<String>,
    /// What does not hold.
    pub(super) false_words: Vec<String>,
    /// Each task with its status.
    pub(super) tasks: Vec<String>,
}

/// The words of one who has not seen a quiesce and says so.
const UNSEEN: [&str; 3] = [
    "never seen on the device",
    "whether it is quiesced does not show",
    "nothing shows it",
];

impl Heard {
    /// Holds an event against the gateway.
    pub(super) fn hear(&mut self, event: &Event, ground: &Ground<'_>) {
        match event {
            Event::TaskEnded {
                error: Some(said), ..
            }
            | Event::Note { message: said, .. }
            | Event::Warning { message: said, .. }
            | Event::ReceiverWarned {
                warning: ReceiverWarning { message: said, .. },
                ..
            }
            | Event::Recovered { how: said, .. } => self.words(said, ground),
            Event::StillQuiesced(StillQuiesced { certainty, error, .. }) => {
                self.words(&format!("{}: {error}", certainty.words()), ground);
            }
            _ => {}
        }
    }

    /// Holds a sentence against the gateway.
    pub(super) fn words(&mut self, said: &str, ground: &Ground<'_>) {
        let quiesced = ground.quiesced_in_sight();
        // The word of the device, which may be late.
        if said.contains("unquiesced and confirmed") && !quiesced.is_empty() && !ground.shows_late() {
            self.false_words
                .push(format!("{quiesced:?} is quiesced, and it said: {said}"));
        }
        if said.contains("device untouched") && ground.has_asked() {
            self.false_words
                .push(format!("it was asked to quiesce, and it said: {said}"));
        }
        let seen = Certainty::Seen.words();
        // What a device shows late it shows as it was; and one that answers in place of another says
        // nothing of that.
        let is_other = said.contains("leads to the device with serial number");
        if said.contains(seen) && ground.quiesced().is_empty() && !ground.may_hide() && !is_other {
            self.false_words
                .push(format!("nothing is quiesced, and it said: {said}"));
        }
        let is_open = [seen, Certainty::NotKnown.words(), "; not known: "];
        if is_open.iter().any(|words| said.contains(words)) && ground.open_quiesces().is_empty() {
            self.false_words
                .push(format!("no row is open, and it said: {said}"));
        }
        self.said.push(said.to_owned());
    }

    /// Holds the end against the journal: 10 exactly where a quiesce is open in it.
    pub(super) fn ends<E: std::fmt::Display>(&mut self, exit: Result<Exit, E>, ground: &Ground<'_>) {
        let open = ground.open_quiesces();
        match exit {
            Err(error) => self.false_words.push(format!("it has no end: {error}")),
            Ok(exit) if (exit == Exit::StillQuiesced) == open.is_empty() => {
                self.false_words.push(format!("exit {exit:?} with {open:?}"));
            }
            Ok(_) => {}
        }
    }

    /// Whether it was said that a quiesce was not seen.
    pub(super) fn tells_of_the_unseen(&self) -> bool {
        self.said
            .iter()
            .any(|said| UNSEEN.iter().any(|words| said.contains(words)))
    }

    /// Whether it was said that the device has not answered an unquiesce; or that it has refused one, while
    /// nothing of it could show that it is quiesced.
    pub(super) fn tells_of_no_answer(&self) -> bool {
        let words = [
            "no unquiesce was answered",
            "so that nothing shows whether it is quiesced; UnquiesceDP: the device answered",
        ];
        self.said
            .iter()
            .any(|said| words.iter().any(|words| said.contains(words)))
    }

    /// Whether it was said that another device answers where the one was that was quiesced.
    pub(super) fn tells_of_another_device(&self) -> bool {
        self.said
            .iter()
            .any(|said| said.contains("leads to the device with serial number"))
    }
}
