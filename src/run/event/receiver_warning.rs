//! Somebody who was not told as they should have been: what later runs make up for.

use crate::run::event::PlanId;
use crate::values::event_name::EventName;

/// What went wrong with somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverWarning {
    /// What it is called: `webhook chat`.
    pub receiver: String,
    /// The message that it did not get; `None` where it got each, or is told by no messages.
    pub missed: Option<MissedNotice>,
    /// A sentence that says all of it, with the reason.
    pub message: String,
}

/// A message that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedNotice {
    /// Of which event it was.
    pub event: EventName,
    /// The execution that it was about; `None` where history has none.
    pub execution: Option<PlanId>,
}
