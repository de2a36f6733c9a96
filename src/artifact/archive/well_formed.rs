//! What XML asks of a document, and the streaming library lets pass: names, blanks between attributes,
//! prefixes, declarations, comments, references. One reader would refuse the document, and another
//! would make something of it; so it is refused here.
//!
//! Stricter than XML where readers differ: names are ASCII, as gateways write them (the editions of
//! XML disagree about others), the version is 1.0, and encodings are those that are the same for all
//! who read ASCII.

/// Declarations of namespaces that hold at one place. Firmware writes two; each name with a prefix
/// is held against them.
const MOST_DECLARATIONS: usize = 100;

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The namespaces of XML itself, which no document may give to a prefix or to names without one.
const RESERVED: [&str; 2] = [
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
];

/// Why a document is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IllFormed {
    /// No reader that goes by the book takes it.
    Bad(String),
    /// It has more of something than is read.
    OverLimit(&'static str),
}

impl IllFormed {
    fn bad(what: impl Into<String>) -> IllFormed {
        IllFormed::Bad(what.into())
    }
}

/// The name of an element or an attribute, and the raw text behind `name=`.
type RawAttribute<'t> = (&'t str, &'t str);

/// Which namespaces hold where.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    /// Prefixes with what they stand for, the newest last; an empty one is that of names without.
    declared: Vec<(String, String)>,
    /// How many hold outside of each open element.
    outside: Vec<usize>,
}

impl Namespaces {
    /// Looks at what stands between `<` and `>` of a start tag, and opens its element.
    pub(super) fn open(&mut self, tag: &str, most_attributes: usize) -> Result<(), IllFormed> {
        let (name, attributes) = start_tag(tag, most_attributes)?;
        self.outside.push(self.declared.len());
        for (key, value) in &attributes {
            self.declare(key, value)?;
        }
        if self.declared.len() > MOST_DECLARATIONS {
            return Err(IllFormed::OverLimit("declarations of namespaces in export.xml"));
        }
        self.namespace(name)?;
        let mut prefixed = Vec::new();
        let is_prefixed = |key: &str| key.contains(':') && !key.starts_with("xmlns:");
        for (key, _) in attributes.iter().filter(|(key, _)| is_prefixed(key)) {
            let local = key.rsplit(':').next().unwrap_or_default();
            prefixed.push((self.namespace(key)?, local));
        }
        prefixed.sort_unstable();
        match prefixed.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(IllFormed::bad(format!(
                "a second attribute {} of one namespace",
                pair[0].1
            ))),
        }
    }

    /// Closes the newest element.
    pub(super) fn close(&mut self) {
        self.declared.truncate(self.outside.pop().unwrap_or_default());
    }

    /// The namespace of elements without a prefix; empty where they have none.
    pub(super) fn of_unprefixed(&self) -> &str {
        self.newest("").unwrap_or_default()
    }

    /// Notes an attribute that declares a prefix, or the namespace of names without one.
    fn declare(&mut self, key: &str, value: &str) -> Result<(), IllFormed> {
        let prefix = match (key, key.strip_prefix("xmlns:")) {
            ("xmlns", _) => "",
            (_, None) => return Ok(()),
            (_, Some("xml" | "xmlns")) => {
                return Err(IllFormed::bad(format!("{key} is not for a document to declare")));
            }
            (_, Some(_)) if value.is_empty() => {
                return Err(IllFormed::bad(format!("{key} declares nothing")));
            }
            (_, Some(prefix)) => prefix,
        };
        // It would have to be resolved to tell one namespace from another; nobody writes one so.
        if value.contains('&') {
            return Err(IllFormed::bad(format!("a reference in the namespace of {key}")));
        }
        let namespace = value.replace(BLANKS, " ");
        if RESERVED.contains(&namespace.as_str()) {
            return Err(IllFormed::bad(format!(
                "{key} declares a namespace of XML itself"
            )));
        }
        self.declared.push((prefix.to_owned(), namespace));
        Ok(())
    }

    fn newest(&self, prefix: &str) -> Option<&str> {
        let mut newest_first = self.declared.iter().rev();
        let found = newest_first.find(|(declared, _)| declared == prefix)?;
        Some(&found.1)
    }

    /// What the prefix of a name stands for.
    fn namespace<'n>(&'n self, name: &'n str) -> Result<&'n str, IllFormed> {
        let Some((prefix, _)) = name.split_once(':') else {
            return Ok("");
        };
        if ["xml", "xmlns"].contains(&prefix) {
            return Ok(prefix);
        }
        self.newest(prefix)
            .ok_or_else(|| IllFormed::bad(format!("the prefix of {name}, which is not declared")))
    }
}

/// Whether a name is that of an encoding whose first half is ASCII, as XML readers know them.
pub(super) fn is_same_in_ascii(encoding: &str) -> bool {
    let number = |prefix: &str| encoding.strip_prefix(prefix)?.parse::<u8>().ok();
    let is_one_of = |prefix: &str, numbers: &[u8]| {
        number(prefix)
            .is_some_and(|number| numbers.contains(&number) && encoding == format!("{prefix}{number}"))
    };
    // There is no twelfth part.
    encoding == "us-ascii"
        || is_one_of("iso-8859-", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16])
        || is_one_of("windows-125", &[0, 1, 2, 3, 4, 5, 6, 7, 8])
}

/// Looks at what stands between `<?` and `?>` of a declaration. Gives the encoding that it names.
pub(super) fn declaration(text: &str) -> Result<Option<&str>, IllFormed> {
    let bad = || IllFormed::bad("an XML declaration that is not as it should be");
    let (name, attributes) = start_tag(text, 3)?;
    let mut attributes = attributes.into_iter().peekable();
    let mut next = |key: &str| {
        attributes
            .next_if(|(found, _)| *found == key)
            .map(|(_, value)| value)
    };
    let (version, encoding, standalone) = (next("version"), next("encoding"), next("standalone"));
    if name != "xml" || attributes.next().is_some() || version.is_none() {
        return Err(bad());
    }
    if let Some(other) = version.filter(|version| *version != "1.0") {
        return Err(IllFormed::bad(format!("XML of version {other}")));
    }
    match standalone {
        None | Some("yes" | "no") => Ok(encoding),
        Some(_) => Err(bad()),
    }
}

/// Looks at what stands between `<!--` and `-->`.
pub(super) fn comment(text: &str) -> Result<(), IllFormed> {
    match text.contains("--") || text.ends_with('-') {
        true => Err(IllFormed::bad("two dashes in a comment")),
        false => Ok(()),
    }
}

/// Looks at what stands between `<?` and `?>` of anything but a declaration.
pub(super) fn instruction(text: &str) -> Result<(), IllFormed> {
    let target = text.split(BLANKS).next().unwrap_or_default();
    match is_simple_name(target) && !target.eq_ignore_ascii_case("xml") {
        true => Ok(()),
        false => Err(IllFormed::bad(format!("a processing instruction '{target}'"))),
    }
}

/// Looks at a text between tags, as it is written.
pub(super) fn text(text: &str) -> Result<(), IllFormed> {
    match text.contains("]]>") {
        true => Err(IllFormed::bad("the end of a CDATA section that did not begin")),
        false => Ok(()),
    }
}

/// Looks at what stands between `&` and `;`.
pub(super) fn reference(name: &str) -> Result<(), IllFormed> {
    let is_number = |digits: &str, is_digit: fn(&char) -> bool| {
        !digits.is_empty() && digits.chars().all(|digit| is_digit(&digit))
    };
    let is_sound = match (name.strip_prefix("#x"), name.strip_prefix('#')) {
        (Some(digits), _) => is_number(digits, char::is_ascii_hexdigit),
        (None, Some(digits)) => is_number(digits, char::is_ascii_digit),
        (None, None) => ["lt", "gt", "amp", "apos", "quot"].contains(&name),
    };
    match is_sound {
        true => Ok(()),
        false => Err(IllFormed::bad(format!(
            "an entity that is not declared, `{name}`"
        ))),
    }
}

/// Takes a start tag apart: its name, and its attributes with their values as they are written.
fn start_tag(tag: &str, most_attributes: usize) -> Result<(&str, Vec<RawAttribute<'_>>), IllFormed> {
    let end = tag.find(BLANKS).unwrap_or(tag.len());
    let (name, mut rest) = tag.split_at(end);
    check_name(name)?;
    let mut attributes = Vec::new();
    loop {
        let next = rest.trim_start_matches(BLANKS);
        if next.is_empty() {
            return Ok((name, attributes));
        }
        if next.len() == rest.len() {
            return Err(IllFormed::bad(format!(
                "no blank between the attributes of {name}"
            )));
        }
        if attributes.len() >= most_attributes {
            return Err(IllFormed::OverLimit("attributes of one element in export.xml"));
        }
        let (attribute, behind) = attribute(next)?;
        attributes.push(attribute);
        rest = behind;
    }
}

/// One attribute at the start of a text, and what stands behind it.
fn attribute(text: &str) -> Result<(RawAttribute<'_>, &str), IllFormed> {
    let no_attribute = || IllFormed::bad("an attribute that is not as it should be");
    let (key, behind) = text.split_once('=').ok_or_else(no_attribute)?;
    let key = key.trim_end_matches(BLANKS);
    check_name(key)?;
    let behind = behind.trim_start_matches(BLANKS);
    let quote = behind.chars().next().filter(|first| ['"', '\''].contains(first));
    let quoted = quote.and_then(|quote| behind[1..].split_once(quote));
    let (value, rest) = quoted.ok_or_else(no_attribute)?;
    if value.contains('<') {
        return Err(IllFormed::bad(format!("a '<' in the attribute {key}")));
    }
    for begun in value.split('&').skip(1) {
        let (name, _) = begun
            .split_once(';')
            .ok_or_else(|| IllFormed::bad(format!("a '&' in the attribute {key}")))?;
        reference(name)?;
    }
    Ok(((key, value), rest))
}

/// A name, perhaps with a prefix.
fn check_name(name: &str) -> Result<(), IllFormed> {
    let is_name = match name.split_once(':') {
        None => is_simple_name(name),
        Some((prefix, local)) => is_simple_name(prefix) && is_simple_name(local),
    };
    match is_name {
        true => Ok(()),
        false => Err(IllFormed::bad(format!("the name '{name}'"))),
    }
}

fn is_simple_name(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_start)
        && name
            .chars()
            .all(|c| is_start(c) || c.is_ascii_digit() || ['-', '.'].contains(&c))
}

#[cfg(test)]
#[path = "well_formed_tests.rs"]
mod tests;
