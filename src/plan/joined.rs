//! The texts of several files as one, so that a place in any of them is one number.

use std::path::{Path, PathBuf};

/// The texts of a plan file and of all that it includes, one behind the other.
#[derive(Clone, Debug, Default)]
pub struct JoinedText {
    text: String,
    files: Vec<JoinedFile>,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// One of the files.
#[derive(Clone, Debug)]
struct JoinedFile {
    path: PathBuf,
    /// Where its text begins.
    start: usize,
}

/// A place as a person looks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePosition {
    pub(super) path: PathBuf,
    /// The number of the file among all.
    pub(super) file: usize,
    /// Counted from 1 in its file.
    pub(super) line: usize,
    /// In characters, counted from 1.
    pub(super) column: usize,
}

impl JoinedText {
    /// The texts, each with the file from which it is.
    pub(super) fn new<'f>(files: impl IntoIterator<Item = (&'f Path, &'f str)>) -> Self {
        let mut joined = Self::default();
        for (path, text) in files {
            if !joined.files.is_empty() {
                joined.text.push('\n');
            }
            joined.files.push(JoinedFile {
                path: path.to_owned(),
                start: joined.text.len(),
            });
            joined.text.push_str(text);
        }
        let ends = joined.text.match_indices('\n').map(|(at, _)| at + 1);
        joined.lines = std::iter::once(0).chain(ends).collect();
        joined
    }

    /// The same with each text changed by `change`, which keeps its length.
    pub(super) fn changed(&self, change: impl Fn(&str) -> String) -> Self {
        let files = self.files.iter().enumerate().map(|(number, file)| {
            let end = self
                .files
                .get(number + 1)
                .map_or(self.text.len(), |next| next.start - 1);
            (file.path.as_path(), change(&self.text[file.start..end]))
        });
        let files: Vec<(&Path, String)> = files.collect();
        Self::new(files.iter().map(|(path, text)| (*path, text.as_str())))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The line of a byte among those of all files, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    /// Where a byte stands.
    pub(super) fn position(&self, offset: usize) -> FilePosition {
        let number = self.files.partition_point(|file| file.start <= offset).max(1) - 1;
        let (path, first) = match self.files.get(number) {
            Some(file) => (file.path.clone(), self.line(file.start)),
            None => (PathBuf::new(), 1),
        };
        let line = self.line(offset);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset);
        FilePosition {
            path,
            file: number,
            line: line + 1 - first,
            column: before.map_or(0, |before| before.chars().count()) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::JoinedText;

    #[test]
    fn a_place_is_found_in_its_file_by_line_and_column() {
        let joined = JoinedText::new([
            (Path::new("a"), "one\ntwo"),
            (Path::new("b"), ""),
            (Path::new("c"), "größe = 1\nx"),
        ]);
        let at = |offset| {
            let place = joined.position(offset);
            (place.path.display().to_string(), place.line, place.column)
        };
        assert_eq!(joined.text(), "one\ntwo\n\ngröße = 1\nx");
        for (offset, path, line, column) in [
            (0, "a", 1, 1),
            (5, "a", 2, 2),
            (7, "a", 2, 4),
            (8, "b", 1, 1),
            (9, "c", 1, 1),
            (16, "c", 1, 6),
            (21, "c", 2, 1),
            (22, "c", 2, 2),
        ] {
            assert_eq!(at(offset), (path.to_owned(), line, column), "{offset}");
        }
        assert_eq!((joined.line(0), joined.line(9), joined.line(21)), (1, 4, 5));
        let changed = joined.changed(|text| text.replace('o', "*"));
        assert_eq!(changed.text(), "*ne\ntw*\n\ngröße = 1\nx");
        assert_eq!(changed.position(21), joined.position(21));
    }
}
