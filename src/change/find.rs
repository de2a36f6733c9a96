//! Looks for a text in an export: in the names of objects, in their properties, in text files.
//! What is secret is not looked at, so that nobody can guess it letter by letter.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use regex_lite::{Regex, RegexBuilder};

use crate::artifact::archive::{self, Detail, ExportItem, Limits, ListedFile, Object, VerifyError};
use crate::artifact::secret_lines::SecretLines;
use crate::artifact::secret_values::hidden_paths;

/// The longest text of a hit, in characters, and how much of it stands before what was found.
const SHOWN: usize = 160;
const BEFORE: usize = 60;
/// Lines of files are looked at in pieces of so many bytes.
const LINE: u64 = 64 * 1024;
/// What stands in place of something that is, or may be, secret.
pub const MASKED: &str = "(secret)";

/// What is looked for.
#[derive(Clone, Debug)]
pub struct FindQuery {
    /// The text; nothing lists all there is.
    pub needle: Option<Needle>,
    /// Only objects of this class.
    pub class: Option<String>,
    /// Only this property: its whole path, or the last word of it.
    pub property: Option<String>,
}

/// A text, as it is looked for.
#[derive(Clone, Debug)]
pub struct Needle(Regex);

/// What there is to be named in a query, whether anything was found there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched<'a> {
    /// A class of objects.
    Class(&'a str),
    /// A property of an object that was meant: its whole path.
    Property(&'a str),
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindHit {
    pub domain: String,
    /// `XMLManager default`, with a property behind it; or a file with the number of a line.
    pub place: String,
    pub text: String,
}

impl Needle {
    /// A plain text, in which upper and lower case do not count.
    pub fn plain(text: &str) -> Result<Needle, String> {
        let pattern = regex_lite::escape(text);
        let built = RegexBuilder::new(&pattern).case_insensitive(true).build();
        built.map(Needle).map_err(|error| error.to_string())
    }

    /// A regular expression.
    pub fn expression(text: &str) -> Result<Needle, String> {
        Regex::new(text).map(Needle).map_err(|error| error.to_string())
    }
}

impl FindQuery {
    /// Where in a text the needle first is; the beginning where everything is meant.
    fn at(&self, text: &str) -> Option<usize> {
        match &self.needle {
            None => Some(0),
            Some(Needle(regex)) => regex.find(text).map(|found| found.start()),
        }
    }

    fn is_of_class(&self, class: &str) -> bool {
        self.class.as_ref().is_none_or(|wanted| wanted == class)
    }

    fn is_property(&self, path: &str) -> bool {
        let is_last = |wanted: &str| last_word(path).eq_ignore_ascii_case(wanted);
        self.property
            .as_ref()
            .is_none_or(|wanted| path.eq_ignore_ascii_case(wanted) || is_last(wanted))
    }

    /// A class or a property is one of objects.
    fn is_of_files(&self) -> bool {
        self.class.is_none() && self.property.is_none() && self.needle.is_some()
    }
}

/// The last word of the path of a property, by which it may be named.
pub fn last_word(path: &str) -> &str {
    path.rsplit(['/', '@']).next().unwrap_or(path)
}

/// Looks through an export whose bytes are known to be good. `is_meant` chooses its domains,
/// `outer` stands for what it says beyond them, `searched` is shown each class that there is, and each property where
/// one is asked for. `tell` takes each hit as it is found, and says whether more are wanted.
pub fn find(
    file: &File,
    scratch: &Path,
    query: &FindQuery,
    outer: &str,
    is_meant: &dyn Fn(&str) -> bool,
    searched: &mut dyn FnMut(Searched<'_>),
    tell: &mut dyn FnMut(FindHit) -> bool,
) -> Result<(), VerifyError> {
    let search = std::cell::RefCell::new(Search { tell, goes_on: true });
    let named = |domain: &str| {
        if domain.is_empty() {
            outer.to_owned()
        } else {
            domain.to_owned()
        }
    };
    let mut visit = |domain: &str, item: &ExportItem| {
        if let ExportItem::Object(object) | ExportItem::Unknown(object) = item {
            searched(Searched::Class(&object.class));
            let domain = named(domain);
            if is_meant(&domain) && query.is_of_class(&object.class) {
                if query.property.is_some() {
                    let paths = object.properties.iter().map(|property| property.path.as_str());
                    paths.for_each(|path| searched(Searched::Property(path)));
                }
                search.borrow_mut().object(&domain, object, query);
            }
        }
    };
    let mut open = |domain: &str, row: &ListedFile, bytes: &mut dyn Read| {
        let domain = named(domain);
        match is_meant(&domain) && search.borrow().goes_on {
            true => search.borrow_mut().lines(&domain, row, bytes, query),
            false => Ok(()),
        }
    };
    let limits = Limits::default();
    let open: Option<&mut archive::OpenFile<'_>> = match query.is_of_files() {
        true => Some(&mut open),
        false => None,
    };
    archive::reread(file, scratch, &limits, Detail::Properties, &mut visit, open)
}

struct Search<'t> {
    tell: &'t mut dyn FnMut(FindHit) -> bool,
    goes_on: bool,
}

impl Search<'_> {
    fn hit(&mut self, domain: &str, place: String, text: String) {
        if self.goes_on {
            let domain = domain.to_owned();
            self.goes_on = (self.tell)(FindHit { domain, place, text });
        }
    }

    fn object(&mut self, domain: &str, object: &Object, query: &FindQuery) {
        let place = format!("{} {}", object.class, object.name);
        if query.property.is_none() && query.at(&object.name).is_some() {
            self.hit(domain, place.clone(), object.name.clone());
        }
        // A class alone is a list of its objects.
        if query.needle.is_none() && query.property.is_none() {
            return;
        }
        let hidden: OnceCell<BTreeSet<&str>> = OnceCell::new();
        for property in &object.properties {
            let is_met = query.needle.is_none() || query.at(&property.value).is_some();
            if !query.is_property(&property.path) || !is_met {
                continue;
            }
            let hidden = hidden.get_or_init(|| hidden_paths(&object.class, object.properties.iter()));
            let place = || format!("{place} {}", property.path);
            if hidden.contains(property.path.as_str()) {
                if query.needle.is_none() {
                    self.hit(domain, place(), MASKED.to_owned());
                }
            } else if let Some(at) = query.at(&property.value) {
                self.hit(domain, place(), excerpt(&property.value, at));
            }
        }
    }

    fn lines(
        &mut self,
        domain: &str,
        row: &ListedFile,
        bytes: &mut dyn Read,
        query: &FindQuery,
    ) -> io::Result<()> {
        let mut bytes = BufReader::new(bytes);
        let mut line = Vec::new();
        let mut number = 1u64;
        let mut secrets = SecretLines::default();
        while self.goes_on {
            line.clear();
            if bytes.by_ref().take(LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            // What holds a null is no text.
            if line.contains(&0) {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            secrets.next(&text);
            if let Some(at) = query.at(&text) {
                let text = match secrets.may_hold_secret() {
                    true => MASKED.to_owned(),
                    false => excerpt(&text, at),
                };
                self.hit(domain, format!("{}:{number}", row.name), text);
            }
            if line.ends_with(b"\n") {
                number += 1;
            }
        }
        Ok(())
    }
}

/// A text, or where it is long what stands around a place in it.
fn excerpt(text: &str, at: usize) -> String {
    let trimmed = text.trim();
    if trimmed.chars().count() <= SHOWN {
        return trimmed.to_owned();
    }
    let before: Vec<char> = text[..at].chars().collect();
    let skipped = before.len().saturating_sub(BEFORE);
    let shown: String = text.chars().skip(skipped).take(SHOWN).collect();
    let is_cut = skipped + SHOWN < text.chars().count();
    let (start, end) = (if skipped > 0 { "…" } else { "" }, if is_cut { "…" } else { "" });
    format!("{start}{}{end}", shown.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_around_what_was_found() {
        let text = format!("{}needle{}", "a ".repeat(500), " b".repeat(500));
        let shown = excerpt(&text, 1000);
        assert!(
            shown.starts_with('…') && shown.ends_with('…') && shown.contains("needle"),
            "{shown}"
        );
        assert!(shown.chars().count() <= SHOWN + 2);
        assert_eq!(excerpt("  short \n", 2), "short");
        let wide = "ä".repeat(400);
        assert!(excerpt(&wide, 200).contains('ä'));
    }

    #[test]
    fn a_property_is_named_by_its_path_or_by_the_last_word_of_it() {
        let query = |property: &str| FindQuery {
            needle: None,
            class: None,
            property: Some(property.to_owned()),
        };
        assert!(query("mAdminState").is_property("mAdminState"));
        assert!(query("madminstate").is_property("mAdminState"));
        assert!(query("TLSv1d0").is_property("Protocols/TLSv1d0"));
        assert!(query("Protocols/TLSv1d0").is_property("Protocols/TLSv1d0"));
        assert!(query("class").is_property("ACL@class"));
        assert!(!query("Admin").is_property("mAdminState"));
        assert!(!query("Protocols").is_property("Protocols/TLSv1d0"));
    }
}
