//! One page that says whether everything is backed up: HTML for people, from the same rows as
//! the tables. It holds no script, asks nothing of the network, and opens from disk.
//!
//! Pure: all that it says comes in as values. What stands in it is escaped by the templates and
//! made visible before; nothing here makes markup of text.

mod calendar;
mod content;
mod heading;
mod levels;
mod parts;

use maud::{DOCTYPE, PreEscaped, html};

use crate::values::text::printable;

pub use calendar::DayCalendar;
pub use content::{ExecutionDetails, ReportPage};

/// By this a page of ours is known again.
pub const MARK: &str = "<meta name=\"generator\" content=\"dpbackup report\">";

const STYLE: &str = include_str!("page/style.css");

/// The page as text.
pub fn render(page: &ReportPage<'_>) -> String {
    let sections: Vec<parts::Section> = [
        parts::attention(page),
        Some(parts::days(page)),
        parts::changed(page),
        parts::rehearsed(page),
        Some(levels::executions(page)),
        parts::removed(page),
    ]
    .into_iter()
    .flatten()
    .collect();
    let day = page.now.to_zoned(page.zone.clone()).date();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="referrer" content="no-referrer";
                (PreEscaped(MARK))
                title { "DataPower backups, " (day) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.over { "DataPower backups" }
                    h1 { (heading::answer(page)) }
                    p.when { (heading::when(page)) }
                    @if let Some(left) = page.freshness.left.as_deref() {
                        p.alert role="note" { (printable(left)) }
                    }
                    @for import in page.freshness.half_done.iter().chain(&page.freshness.dry_runs) {
                        p.alert role="note" { (printable(import)) }
                    }
                    @if let Some(folders) = page.freshness.left_folders.as_deref() {
                        p.alert role="note" { (printable(folders)) }
                    }
                    @for why in page.not_looked_at {
                        p.unseen role="note" { "Not looked at: " (printable(why)) }
                    }
                    nav aria-label="On this page" {
                        ul { @for section in &sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                    }
                }
                main {
                    (heading::figures(page))
                    @for section in &sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer {
                    p {
                        "dpbackup " (env!("CARGO_PKG_VERSION")) ", from " code { (printable(page.history)) }
                        ". What is said of gateways is what was seen when they were last asked. This page holds no password and asks nothing of the network."
                    }
                }
            }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
