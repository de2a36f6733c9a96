//! Judges what a device says to an import, dry or real.
//!
//! One reply was ever captured, to a real import of firmware 7.5; what a dry run leaves out is
//! not known. So a judgement never rests on what is absent: a dry run would work only where the
//! comparison of objects is there and nothing speaks against it.

use std::collections::BTreeSet;

use crate::gateway::import_results::{ImportResults, is_failure, word};
use crate::soma::reply::quote;
use crate::values::backup_names::BackupNames;
use crate::values::first_few::first_few;

/// So much of what an answer leaves out is named.
const NAMED: usize = 5;

/// So many reasons are told one by one.
const MOST: usize = 100;

/// What a domain is in the archive around it.
const DOMAIN_CLASS: &str = "Domain";

/// What an answer to a dry run means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRunAnswer {
    /// Understood, and nothing in it speaks against the import.
    WouldWork {
        /// Keys that the archive lists and does not hold.
        missing_keys: Vec<String>,
    },
    /// Something in it does.
    WouldFail {
        /// What, one by one.
        refused: Vec<String>,
        /// Keys that the archive lists and does not hold.
        missing_keys: Vec<String>,
    },
    /// Nobody can tell.
    NotKnown(String),
    /// Nobody can tell, nor whether it is over: the device says something of which an import may still come.
    Pending(String),
}

impl DryRunAnswer {
    /// The same, where all that the device says in it is put into these words.
    pub(super) fn in_words(self, words: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::WouldWork { missing_keys } => Self::WouldWork {
                missing_keys: all_in_words(&missing_keys, words),
            },
            Self::WouldFail {
                refused,
                missing_keys,
            } => Self::WouldFail {
                refused: all_in_words(&refused, words),
                missing_keys: all_in_words(&missing_keys, words),
            },
            Self::NotKnown(why) => Self::NotKnown(words(&why)),
            Self::Pending(why) => Self::Pending(words(&why)),
        }
    }
}

fn all_in_words(said: &[String], words: &dyn Fn(&str) -> String) -> Vec<String> {
    said.iter().map(|said| words(said)).collect()
}

/// What an answer to a real import means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportAnswer {
    /// Every object of the backup was made, as the device says, and of no file it says the contrary.
    Done {
        objects: usize,
        /// Keys that the archive lists and does not hold.
        missing_keys: Vec<String>,
    },
    /// It is over, and the device does not say of all of it that it was carried out. What was, stays:
    /// nothing is taken back.
    Failed {
        /// What was not, as the device says, one by one.
        refused: Vec<String>,
        /// Of what it does not say so, one by one.
        not_told: Vec<String>,
    },
    /// Nobody can tell, nor whether it is over.
    NotKnown(String),
}

impl ImportAnswer {
    /// The same, where all that the device says in it is put into these words.
    pub(super) fn in_words(self, words: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::Done {
                objects,
                missing_keys,
            } => Self::Done {
                objects,
                missing_keys: all_in_words(&missing_keys, words),
            },
            Self::Failed { refused, not_told } => Self::Failed {
                refused: all_in_words(&refused, words),
                not_told: all_in_words(&not_told, words),
            },
            Self::NotKnown(why) => Self::NotKnown(words(&why)),
        }
    }
}

/// Judges the answer to a dry run for this domain.
pub fn judge_dry_run(all: &[ImportResults], domain: &str, names: &BackupNames) -> DryRunAnswer {
    let (results, others) = match of_domain(all, domain) {
        Ok(found) => found,
        Err(why) => return DryRunAnswer::NotKnown(why),
    };
    let Said {
        refused,
        not_understood,
        missing_keys,
    } = said(results, names).and(others, names);
    if !refused.is_empty() {
        return DryRunAnswer::WouldFail {
            refused: shortened(refused),
            missing_keys,
        };
    }
    if let Some(word) = not_understood.first() {
        return DryRunAnswer::NotKnown(format!("a word of the device's is not understood: {word}"));
    }
    if results.objects.is_empty() {
        return DryRunAnswer::NotKnown("the device's answer names no object".to_owned());
    }
    let unlike = unlike(results, names, Coverage::ObjectsAndFiles);
    if !unlike.is_empty() {
        return DryRunAnswer::NotKnown(format!(
            "the device's answer is not about what the backup has: {}",
            first_few(&unlike, NAMED)
        ));
    }
    DryRunAnswer::WouldWork { missing_keys }
}

/// Judges the answer to a real import for this domain. Here nothing counts as carried out that
/// is not said to be: a word that is not understood tells nothing, not even that it is over, and an
/// object of which nothing is said is not there, for a right that is missing skips objects in silence.
pub fn judge_import(all: &[ImportResults], domain: &str, names: &BackupNames) -> ImportAnswer {
    let (results, others) = match of_domain(all, domain) {
        Ok(found) => found,
        Err(why) => return ImportAnswer::NotKnown(why),
    };
    if results.executed.is_empty() {
        let why = "the device's answer says of no object what became of it";
        return ImportAnswer::NotKnown(why.to_owned());
    }
    let Said {
        refused,
        not_understood,
        missing_keys,
    } = said(results, names).and(others, names);
    if !not_understood.is_empty() {
        let words = shortened(not_understood).join(", ");
        return ImportAnswer::NotKnown(match refused.is_empty() {
            true => format!("words of the device's are not understood: {words}"),
            false => format!(
                "words of the device's are not understood: {words}; and it refuses {}",
                shortened(refused).join(", ")
            ),
        });
    }
    let own = own_object(results, names);
    let mut not_told = untold(results, own.as_deref());
    not_told.extend(unlike(results, names, Coverage::Objects));
    if refused.is_empty() && not_told.is_empty() {
        return ImportAnswer::Done {
            objects: results
                .objects
                .iter()
                .filter(|object| Some(object.as_str()) != own.as_deref())
                .count(),
            missing_keys,
        };
    }
    ImportAnswer::Failed {
        refused: shortened(refused),
        not_told: shortened(not_told),
    }
}

/// What an answer has to name of a backup.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Objects,
    ObjectsAndFiles,
}

/// What of a backup the answer leaves out, would not overwrite, or has besides: a right that is missing
/// skips in silence.
fn unlike(results: &ImportResults, names: &BackupNames, coverage: Coverage) -> Vec<String> {
    let found: BTreeSet<&str> = results.objects.iter().map(String::as_str).collect();
    let files: BTreeSet<&str> = results.files.iter().map(|(name, _)| name.as_str()).collect();
    let objects = names.objects.iter();
    let objects: BTreeSet<String> = objects
        .map(|(class, name)| format!("{} {}", word(class), word(name)))
        .collect();
    let words = |names: &BTreeSet<String>| names.iter().map(|name| word(name)).collect::<BTreeSet<_>>();
    let mut unlike = Vec::new();
    let left_out = objects.iter().filter(|object| !found.contains(object.as_str()));
    unlike.extend(left_out.map(|object| format!("{object}: not named")));
    if coverage == Coverage::ObjectsAndFiles {
        let held = words(&names.files);
        let left_out = held.iter().filter(|file| !files.contains(file.as_str()));
        unlike.extend(left_out.map(|file| format!("{file}: not named")));
    }
    unlike.extend(
        results
            .spared
            .iter()
            .map(|what| format!("{what}: not to be overwritten")),
    );
    // A backup of several is an export of the default domain.
    let exported = results
        .exported
        .iter()
        .filter(|exported| **exported != results.domain);
    let others = exported.filter(|exported| *exported != "default");
    unlike.extend(others.map(|domain| format!("it is about an export of the domain {}", quote(domain))));
    let own = own_object(results, names);
    let foreign = found
        .iter()
        .filter(|object| !objects.contains(**object) && Some(**object) != own.as_deref());
    unlike.extend(foreign.map(|object| format!("{object}: not in the backup")));
    let listed = words(&names.listed);
    let foreign = files.iter().filter(|file| !listed.contains(**file));
    unlike.extend(foreign.map(|file| format!("{file}: not in the backup")));
    unlike
}

/// What the domain itself is in the archive around its backup: an object, which a device that makes the domain may name
/// with those that stand in it, or not.
fn own_object(results: &ImportResults, names: &BackupNames) -> Option<String> {
    let domain = &results.domain;
    let is_in_backup = |(class, name): &(String, String)| class == DOMAIN_CLASS && name == domain;
    let is_around = !names.objects.iter().any(is_in_backup);
    is_around.then(|| format!("{DOMAIN_CLASS} {}", word(domain)))
}

/// The objects that the device has found in the backup and says nothing of, and those of which it says
/// more than it has found; but for the domain's own, which may be absent in either place.
fn untold(results: &ImportResults, own: Option<&str>) -> Vec<String> {
    let mut not_told = Vec::new();
    let executed = results.executed.iter();
    let mut told: Vec<&str> = executed.map(|(object, ..)| object.as_str()).collect();
    for object in &results.objects {
        match told.iter().position(|told| told == object) {
            Some(at) => drop(told.swap_remove(at)),
            None if Some(object.as_str()) == own => {}
            None => not_told.push(format!("{object}: the device does not say what became of it")),
        }
    }
    not_told.extend(told.iter().filter(|object| Some(**object) != own).map(|object| {
        match results.objects.iter().any(|found| found == object) {
            true => format!("{object}: carried out more often than the device has found it in the backup"),
            false => format!(
                "{object}: carried out, and not among the objects that the device has found in the backup"
            ),
        }
    }));
    not_told
}

/// The results for this domain, and what else there is: of the archive around it, which holds the
/// domain as an object and nothing more.
fn of_domain<'r>(
    all: &'r [ImportResults],
    domain: &str,
) -> Result<(&'r ImportResults, Vec<&'r ImportResults>), String> {
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|results| results.domain == domain);
    let touches = others.iter().find(|other| !is_of_the_archive(other));
    match (own.as_slice(), touches) {
        ([one], None) => Ok((one, others)),
        ([], _) => Err(match others.first() {
            None => "the device's answer holds no results".to_owned(),
            Some(other) => format!("the device's answer is about the domain {}", quote(&other.domain)),
        }),
        ([_], Some(other)) => Err(format!(
            "the device's answer is about the domain {} too",
            quote(&other.domain)
        )),
        ([_, _, ..], _) => Err("the device's answer is about the domain twice".to_owned()),
    }
}

/// Whether results are of the archive around the domain alone: the domain as an object, and files that go nowhere.
fn is_of_the_archive(results: &ImportResults) -> bool {
    let is_of_a_domain = |object: &String| object.starts_with("Domain ");
    results.domain == "default"
        && results.objects.iter().all(is_of_a_domain)
        && results.executed.iter().all(|(object, ..)| is_of_a_domain(object))
        && results.copied.is_empty()
        && results.files.iter().all(|(_, status)| status == "internal")
}

/// What results say of failures.
struct Said {
    /// Failures, one by one.
    refused: Vec<String>,
    /// Words that are neither for a failure nor for a success.
    not_understood: Vec<String>,
    missing_keys: Vec<String>,
}

impl Said {
    /// With what is said beside it.
    fn and(self, others: Vec<&ImportResults>, names: &BackupNames) -> Said {
        let others = others.into_iter().map(|other| said(other, names));
        others.fold(self, |mut all, other| {
            all.refused.extend(other.refused);
            all.not_understood.extend(other.not_understood);
            all
        })
    }
}

fn said(results: &ImportResults, names: &BackupNames) -> Said {
    let mut refused = Vec::new();
    let mut not_understood = Vec::new();
    for (object, status, told) in &results.executed {
        match status.as_str() {
            "SUCCESS" => {}
            word if is_failure(word) => refused.push(with_words(object, status, told)),
            _ => not_understood.push(with_words(object, status, told)),
        }
    }
    for (file, result, reason) in &results.copied {
        match result.as_str() {
            "OK" | "ignored" => {}
            word if is_failure(word) => refused.push(with_words(file, result, reason)),
            _ => not_understood.push(with_words(file, result, reason)),
        }
    }
    let with_status = |wanted: &'static str| {
        let of_status = results.files.iter().filter(move |(_, status)| status == wanted);
        of_status.map(|(name, _)| name.clone())
    };
    refused.extend(results.failed.iter().cloned());
    not_understood.extend(results.strange.iter().cloned());
    // What the gateway did not have when it was backed up is in no archive of it.
    let is_expected = |name: &String| names.missing.iter().any(|missing| word(missing) == *name);
    let unexpected = with_status("missing-file").filter(|name| !is_expected(name));
    refused.extend(unexpected.map(|name| format!("{name}: the device does not find it in the archive")));
    if let Some(errors) = &results.detected_errors {
        refused.push(format!(
            "the device says that it detected errors: {}",
            quote(errors)
        ));
    }
    Said {
        refused,
        not_understood,
        missing_keys: with_status("missing-key").take(MOST).collect(),
    }
}

/// So many of them as are told one by one.
fn shortened(mut reasons: Vec<String>) -> Vec<String> {
    let more = reasons.len().saturating_sub(MOST);
    reasons.truncate(MOST);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    reasons
}

fn with_words(what: &str, status: &str, told: &str) -> String {
    match told {
        "" => format!("{what}: {status}"),
        told => format!("{what}: {status}, {}", quote(told)),
    }
}

#[cfg(test)]
#[path = "import_answer_tests.rs"]
mod tests;
