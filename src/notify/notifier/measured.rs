//! The figures for Prometheus, as history has them.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::notify::deliver::Delivery;
use crate::notify::notifier::news::not_written;
use crate::notify::send::{SendError, within};
use crate::notify::{Notifier, metrics};
use crate::values::causes::said;
use crate::whole_file::{self, FileMode};

/// Why they were not written. The file is made anew each time, its folder is not.
fn unwritten(path: &Path, error: &io::Error) -> SendError {
    let folder = path.parent().unwrap_or(path).display();
    SendError::lasting(match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the folder {folder} is not there: make it, or correct `path` under [notify.metrics]")
        }
        _ => format!("in the folder {folder}: {}", said(error)),
    })
}

impl Notifier<'_> {
    /// Writes the metrics anew. Needed only where no plan has ended: `recover`.
    pub fn write_metrics(&mut self, at: Timestamp) {
        if let Some(Delivery {
            receiver,
            place,
            answer: Err(error),
        }) = self.metrics(at)
        {
            self.warnings
                .push(not_written(&receiver, place.as_deref(), &error));
        }
    }

    /// The metrics as they are now, into their file; nothing if the plan file has none.
    pub fn metrics(&self, at: Timestamp) -> Option<Delivery> {
        let path = self.file.notify.metrics.clone()?;
        let place = path.display().to_string();
        let plans: Vec<&str> = self.file.plans.iter().map(|plan| plan.name.as_str()).collect();
        let figures = match self.past {
            Some(past) => past.figures(&plans, self.planned),
            None => Err("the history cannot be read".to_owned()),
        };
        let answer = figures.and_then(|figures| {
            let text = metrics::text(&figures, at);
            let replaced = move || {
                whole_file::replace(&path, &text, FileMode::FOR_ALL)
                    .map_err(|error| unwritten(&path, &error))?;
                Ok(format!("{} lines written", text.lines().count()).into())
            };
            within(self.file.notify.timeout, replaced).map_err(|error| error.message)
        });
        Some(Delivery {
            receiver: "metrics".to_owned(),
            place: Some(place),
            answer,
        })
    }
}
