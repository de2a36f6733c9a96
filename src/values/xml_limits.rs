//! What an XML document may ask of whoever reads it.
//!
//! A parser that builds a tree compares each attribute with the others of its element, and
//! each prefix with the declarations in force: a small document that has many of either costs
//! hours. So the bytes are looked at first, once, from front to back: nothing here is
//! compared with anything before it, and a document that goes beyond a limit is refused where
//! it does so. A document within the limits costs a parser work in proportion to its size.
//!
//! This is no parser: what is not well-formed is left to the one behind it, which ends at the
//! first fault. What that parser would take for an attribute, a declaration or an element
//! before that fault is counted here as such.

use std::io::{self, BufRead, Read};

use memchr::memchr;

/// How much of each thing a document may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// Attributes of one element, declarations of namespaces included.
    pub attributes: u64,
    /// Declarations of namespaces that hold at one place: those of the element and of all
    /// around it.
    pub declarations: u64,
    /// Elements inside each other.
    pub depth: u64,
    /// Bytes of the name of an element, an attribute or a processing instruction.
    pub name_bytes: u64,
    /// Bytes of the value of an attribute.
    pub value_bytes: u64,
    /// Tags, comments, processing instructions and sections of character data.
    pub markup: u64,
    /// Comparisons that a parser may make for each byte, beyond [`SPARE_WORK`].
    pub work_per_byte: u64,
}

/// Comparisons that even the smallest document may cost.
pub const SPARE_WORK: u64 = 1_000_000;

impl Default for XmlLimits {
    /// Far beyond everything that gateways were seen to send: five attributes, three
    /// declarations, ten elements deep.
    fn default() -> Self {
        Self {
            attributes: 100,
            declarations: 100,
            depth: 200,
            name_bytes: 1_000,
            value_bytes: 64 << 10,
            markup: 1_000_000,
            work_per_byte: 10,
        }
    }
}

/// Why a document is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPlausible {
    /// It has more of something than any gateway sends.
    #[error("more than {limit} {what}")]
    TooMuch {
        /// How much would have been read.
        limit: u64,
        /// Of what, in words.
        what: &'static str,
    },
    /// A document type, which can define entities, and those others.
    #[error("a document type, which is not read, for it may ask anything of who reads it")]
    DocumentType,
}

/// Looks at a document as it comes, in pieces of any size.
#[derive(Debug)]
pub struct XmlScan {
    limits: XmlLimits,
    state: ScanState,
    /// The declarations of each open element.
    open: Vec<u64>,
    /// Those of all open elements together.
    in_force: u64,
    tag: Tag,
    markup: u64,
    bytes: u64,
    work: u64,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanState {
    Text,
    /// Behind `<`.
    Markup,
    /// Behind `<!` and some of what makes it a comment, or a section of character data.
    Opening {
        missing: &'static [u8],
        end: &'static [u8],
    },
    /// In something that goes on until `end`, of which so many bytes have come.
    Until {
        end: &'static [u8],
        come: usize,
    },
    /// In the name of a processing instruction, of so many bytes.
    InstructionName(u64),
    /// In an end tag, of so many bytes.
    EndTag(u64),
    /// In the name of a start tag, of so many bytes.
    TagName(u64),
    /// In a start tag, between its parts; whether the last byte was a slash.
    InTag {
        slash: bool,
    },
    /// In the name of an attribute, of so many bytes.
    AttributeName(u64),
    /// In the value of an attribute, of so many bytes, up to this quote.
    Value {
        quote: u8,
        bytes: u64,
    },
}

/// The start tag that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    attributes: u64,
    declarations: u64,
    /// How many bytes at the start of the newest name are those of `xmlns`.
    like_xmlns: usize,
}

const XMLNS: &[u8] = b"xmlns";

impl XmlScan {
    /// Nothing has come yet.
    pub fn new(limits: XmlLimits) -> Self {
        Self {
            limits,
            state: ScanState::Text,
            open: Vec::new(),
            in_force: 0,
            tag: Tag::default(),
            markup: 0,
            bytes: 0,
            work: 0,
        }
    }

    /// Looks at the next bytes. After a refusal there is nothing more to look at.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), NotPlausible> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = rest.get(self.pass(rest)?..).unwrap_or_default();
            if let Some((byte, behind)) = rest.split_first() {
                self.bytes += 1;
                self.state = self.step(*byte)?;
                rest = behind;
            }
        }
        Ok(())
    }

    /// Where few bytes alone count, all others before them are passed over at once: so many.
    fn pass(&mut self, rest: &[u8]) -> Result<usize, NotPlausible> {
        let passed = match self.state {
            ScanState::Text => memchr(b'<', rest),
            ScanState::Until { end, come: 0 } => memchr(end[0], rest),
            ScanState::Value { quote, .. } => memchr(quote, rest),
            ScanState::EndTag(_) => memchr(b'>', rest),
            ScanState::TagName(_) => rest.iter().position(|byte| ends_name(*byte)),
            _ => return Ok(0),
        };
        let passed = passed.unwrap_or(rest.len());
        match &mut self.state {
            ScanState::Value { bytes, .. } => {
                *bytes += passed as u64;
                at_most(*bytes, self.limits.value_bytes, "bytes in one attribute")?;
            }
            ScanState::EndTag(bytes) | ScanState::TagName(bytes) => {
                *bytes += passed as u64;
                at_most(*bytes, self.limits.name_bytes, "bytes in one name")?;
            }
            _ => {}
        }
        self.bytes += passed as u64;
        Ok(passed)
    }

    /// The steps that reading what has come costs at most: one for each byte, and one for each
    /// comparison of a parser that builds a tree.
    #[cfg(test)]
    fn work(&self) -> u64 {
        self.bytes + self.work
    }

    fn step(&mut self, byte: u8) -> Result<ScanState, NotPlausible> {
        Ok(match self.state {
            ScanState::Text => {
                self.markup += 1;
                at_most(self.markup, self.limits.markup, "tags, comments and the like")?;
                ScanState::Markup
            }
            ScanState::Markup => match byte {
                b'!' => ScanState::Opening {
                    missing: &[],
                    end: &[],
                },
                b'?' => ScanState::InstructionName(0),
                b'/' => ScanState::EndTag(0),
                byte => {
                    self.tag = Tag::default();
                    self.in_tag(ScanState::TagName(0), byte)?
                }
            },
            ScanState::Opening { missing, end } => opening(missing, end, byte)?,
            ScanState::Until { end, come } => until(end, come, byte),
            ScanState::InstructionName(bytes) => match byte {
                b'?' => ScanState::Until { end: b"?>", come: 1 },
                b' ' | b'\t' | b'\r' | b'\n' => ScanState::Until { end: b"?>", come: 0 },
                _ => ScanState::InstructionName(self.longer_name(bytes)?),
            },
            ScanState::EndTag(_) if byte == b'>' => {
                self.in_force -= self.open.pop().unwrap_or_default();
                ScanState::Text
            }
            ScanState::EndTag(bytes) => ScanState::EndTag(self.longer_name(bytes)?),
            state @ (ScanState::TagName(_) | ScanState::InTag { .. } | ScanState::AttributeName(_)) => {
                self.in_tag(state, byte)?
            }
            ScanState::Value { .. } => ScanState::InTag { slash: false },
        })
    }

    /// A byte of a start tag that stands in no value.
    fn in_tag(&mut self, state: ScanState, byte: u8) -> Result<ScanState, NotPlausible> {
        Ok(match (state, byte) {
            (_, b'>') => {
                self.end_of_tag(state == ScanState::InTag { slash: true })?;
                ScanState::Text
            }
            (_, b'"' | b'\'') => {
                self.attribute()?;
                ScanState::Value {
                    quote: byte,
                    bytes: 0,
                }
            }
            (_, b'/') => ScanState::InTag { slash: true },
            (_, b' ' | b'\t' | b'\r' | b'\n' | b'=') => ScanState::InTag { slash: false },
            (ScanState::TagName(bytes), _) => ScanState::TagName(self.longer_name(bytes)?),
            (ScanState::AttributeName(bytes), _) => {
                if bytes == self.tag.like_xmlns as u64 && XMLNS.get(self.tag.like_xmlns) == Some(&byte) {
                    self.tag.like_xmlns += 1;
                }
                ScanState::AttributeName(self.longer_name(bytes)?)
            }
            _ => {
                self.tag.like_xmlns = usize::from(byte == b'x');
                ScanState::AttributeName(1)
            }
        })
    }

    fn longer_name(&self, bytes: u64) -> Result<u64, NotPlausible> {
        at_most(bytes + 1, self.limits.name_bytes, "bytes in one name")?;
        Ok(bytes + 1)
    }

    /// A value begins, and so there is one more attribute. It is compared with those before it,
    /// and its prefix with the declarations in force.
    fn attribute(&mut self) -> Result<(), NotPlausible> {
        let mut comparisons = self.tag.attributes + self.in_force + self.tag.declarations;
        self.tag.attributes += 1;
        at_most(
            self.tag.attributes,
            self.limits.attributes,
            "attributes on one element",
        )?;
        if self.tag.like_xmlns == XMLNS.len() {
            comparisons += self.tag.declarations;
            self.tag.declarations += 1;
            at_most(
                self.in_force + self.tag.declarations,
                self.limits.declarations,
                "namespace declarations in force at one place",
            )?;
        }
        self.tag.like_xmlns = 0;
        self.compared(comparisons)
    }

    /// A start tag ends. The prefix of its element is compared with the declarations in force;
    /// where it has declarations of its own, each of those around it is compared with all.
    fn end_of_tag(&mut self, is_empty: bool) -> Result<(), NotPlausible> {
        let own = self.tag.declarations;
        let in_force = self.in_force + own;
        let inherited = if own == 0 { 0 } else { self.in_force * in_force };
        if !is_empty {
            self.open.push(own);
            self.in_force = in_force;
            at_most(
                self.open.len() as u64,
                self.limits.depth,
                "elements inside each other",
            )?;
        }
        self.compared(in_force + inherited)
    }

    fn compared(&mut self, comparisons: u64) -> Result<(), NotPlausible> {
        self.work += comparisons;
        let most = self
            .bytes
            .saturating_mul(self.limits.work_per_byte)
            .saturating_add(SPARE_WORK);
        if self.work <= most {
            return Ok(());
        }
        Err(NotPlausible::TooMuch {
            limit: self.limits.work_per_byte,
            what: "steps of reading for each byte, most of them for namespaces",
        })
    }
}

/// Whether a byte in a start tag ends a name.
fn ends_name(byte: u8) -> bool {
    matches!(
        byte,
        b'>' | b'"' | b'\'' | b'/' | b' ' | b'\t' | b'\r' | b'\n' | b'='
    )
}

fn at_most(count: u64, limit: u64, what: &'static str) -> Result<(), NotPlausible> {
    if count <= limit {
        return Ok(());
    }
    Err(NotPlausible::TooMuch { limit, what })
}

/// A byte behind `<!`. What is neither a comment nor a section of character data nor a document
/// type is not XML, and a parser ends there.
fn opening(missing: &'static [u8], end: &'static [u8], byte: u8) -> Result<ScanState, NotPlausible> {
    let (missing, end) = match (missing, byte) {
        ([], b'-') => (b"-".as_slice(), b"-->".as_slice()),
        ([], b'[') => (b"CDATA[".as_slice(), b"]]>".as_slice()),
        ([], b'D' | b'd') => return Err(NotPlausible::DocumentType),
        ([first, others @ ..], byte) if *first == byte => (others, end),
        _ => return Ok(ScanState::Text),
    };
    Ok(match missing {
        [] => ScanState::Until { end, come: 0 },
        missing => ScanState::Opening { missing, end },
    })
}

/// A byte of something that goes on until `end`, which is one or two equal bytes and a `>`.
fn until(end: &'static [u8], come: usize, byte: u8) -> ScanState {
    let come = match end.get(come) {
        Some(wanted) if *wanted == byte => come + 1,
        // `--->` ends a comment as well as `-->` does.
        _ if end.first() == Some(&byte) => come,
        _ => 0,
    };
    match come == end.len() {
        true => ScanState::Text,
        false => ScanState::Until { end, come },
    }
}

/// A source of XML that gives no more bytes once they are not plausible: reading it fails then
/// with a [`NotPlausible`] within the error.
#[derive(Debug)]
pub struct ScannedXml<R> {
    inner: R,
    scan: XmlScan,
    /// How much of what `inner` offers now was looked at.
    seen: usize,
}

impl<R: BufRead> ScannedXml<R> {
    /// Looks at everything that comes out of `inner`.
    pub fn new(inner: R, limits: XmlLimits) -> Self {
        Self {
            inner,
            scan: XmlScan::new(limits),
            seen: 0,
        }
    }
}

/// The refusal in an error of [`ScannedXml`], whatever it was wrapped in.
pub fn not_plausible(error: &io::Error) -> Option<NotPlausible> {
    error.get_ref()?.downcast_ref().copied()
}

impl<R: BufRead> BufRead for ScannedXml<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let offered = self.inner.fill_buf()?;
        let news = offered.get(self.seen..).unwrap_or_default();
        self.scan.feed(news).map_err(io::Error::other)?;
        self.seen = offered.len();
        Ok(offered)
    }

    fn consume(&mut self, amount: usize) {
        self.seen = self.seen.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for ScannedXml<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut offered = self.fill_buf()?;
        let amount = offered.read(buffer)?;
        self.consume(amount);
        Ok(amount)
    }
}

#[cfg(test)]
#[path = "xml_limits_tests.rs"]
mod tests;
