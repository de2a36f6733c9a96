//! What bash is asked and told: it breaks words at `=` and `@`, hands them over with their quotes, and takes what it is
//! offered as it is. So the line is read here as bash reads it, and what is offered fits behind what stands there.

/// The name by which the script asks: that of clap's own script would hand over words.
pub(super) const NAME: &str = "bash-line";

/// The script that makes bash ask. `nosort` is one of newer ones.
pub(super) const SCRIPT: &str = r#"_dpbackup() {
    compopt +o nospace 2> /dev/null
    mapfile -t COMPREPLY < <(DPBACKUP_COMPLETE=bash-line dpbackup -- "${COMP_LINE:0:COMP_POINT}" "$2" 2> /dev/null)
    [[ ${COMPREPLY-} =~ [=/:]$ ]] && compopt -o nospace 2> /dev/null
    return 0
}
complete -o bashdefault -o nosort -F _dpbackup dpbackup 2> /dev/null || complete -o bashdefault -F _dpbackup dpbackup
"#;

/// A line as far as it is typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TypedLine {
    /// Its words without quotes; the last is being typed, and may be empty.
    pub(super) words: Vec<String>,
    /// The quote that the last one stands in.
    quote: Option<char>,
}

impl TypedLine {
    pub(super) fn of(line: &str) -> Self {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (c, quote) {
                ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
                ('"' | '\'', None) => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (c, Some(open)) if c == open => quote = None,
                (c, None) if c.is_whitespace() => words.extend(word.take()),
                (c, _) => word.get_or_insert_default().push(c),
            }
        }
        words.push(word.unwrap_or_default());
        Self { words, quote }
    }

    /// What takes the place of `part`, the end of the last word that bash completes, where `offered` is the whole word.
    pub(super) fn reply(&self, part: &str, offered: &str) -> Option<String> {
        let typed = self.words.last()?;
        let part = match self.quote {
            Some(_) => part.to_owned(),
            None => Self::of(part).words.pop()?,
        };
        let kept = typed.strip_suffix(part.as_str())?;
        Some(escaped(offered.strip_prefix(kept)?, self.quote))
    }
}

/// A name as bash takes it behind this quote.
pub(super) fn escaped(name: &str, quote: Option<char>) -> String {
    let is_plain = |c: char| match quote {
        Some('"') => !"\"\\$`".contains(c),
        Some(_) => true,
        None => c.is_alphanumeric() || "._-/@:=+,%".contains(c),
    };
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if !is_plain(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_break_is_escaped() {
        assert_eq!(escaped("QA1/SALES", None), "QA1/SALES");
        assert_eq!(escaped("Night & day", None), "Night\\ \\&\\ day");
        assert_eq!(escaped("Night & $day", Some('"')), "Night & \\$day");
        assert_eq!(escaped("Night & $day", Some('\'')), "Night & $day");
    }

    #[test]
    fn what_is_offered_fits_behind_what_stands_there() {
        for (line, part, offered, reply) in [
            ("dpbackup run Sec", "Sec", "Secure weekly", "Secure\\ weekly"),
            (
                "dpbackup run Secure\\ w",
                "Secure\\ w",
                "Secure weekly",
                "Secure\\ weekly",
            ),
            (
                "dpbackup run \"Secure w",
                "Secure w",
                "Secure weekly",
                "Secure weekly",
            ),
            ("dpbackup run 'S", "S", "Secure weekly", "Secure weekly"),
            ("dpbackup --config=pl", "pl", "--config=plans.toml", "plans.toml"),
            ("dpbackup log --device=@p", "@p", "--device=@prod", "@prod"),
            ("dpbackup report ", "", "a b.html", "a\\ b.html"),
        ] {
            let found = TypedLine::of(line).reply(part, offered);
            assert_eq!(found.as_deref(), Some(reply), "{line}");
        }
        let words = TypedLine::of("dpbackup run 'Secure weekly' \"\" x\\ y ").words;
        assert_eq!(words, ["dpbackup", "run", "Secure weekly", "", "x y", ""]);
    }
}
