//! Cuts a command line into words.
//!
//! Words are separated by blanks. `'...'` keeps everything as it is, `"..."` and bare text keep it
//! but for `\`, which takes the next character as it is. Pieces without a blank between them are
//! one word, so `a'b c'` is `ab c`; `''` is an empty word.

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// A quotation mark of this kind is not closed.
    Quote(char),
    /// The line ends in `\`.
    Backslash,
}

impl Unfinished {
    /// One line that says what is wrong.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Quote('\'') => "a single quotation mark (') is not closed",
            Self::Quote(_) => "a double quotation mark (\") is not closed",
            Self::Backslash => "nothing follows the last backslash (\\)",
        }
    }
}

/// Cuts a line into words.
///
/// # Errors
/// When a quotation or an escape is not finished.
pub fn split(line: &str) -> Result<Vec<String>, Unfinished> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\\' => {
                let literal = rest.next().ok_or(Unfinished::Backslash)?;
                word.get_or_insert_default().push(literal);
            }
            '\'' | '"' => quoted(&mut rest, character, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(
    rest: &mut impl Iterator<Item = char>,
    mark: char,
    word: &mut String,
) -> Result<(), Unfinished> {
    loop {
        match rest.next().ok_or(Unfinished::Quote(mark))? {
            end if end == mark => return Ok(()),
            '\\' if mark == '"' => word.push(rest.next().ok_or(Unfinished::Quote(mark))?),
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blanks_separate() {
        assert_eq!(split("  run \t hello  a ").unwrap(), ["run", "hello", "a"]);
        assert_eq!(split("   ").unwrap(), [""; 0]);
    }

    #[test]
    fn quotes_and_escapes_keep() {
        assert_eq!(
            split(r#"echo 'a  "b\' "c \"d\" 'e'" f\ g"#).unwrap(),
            ["echo", r#"a  "b\"#, r#"c "d" 'e'"#, "f g"]
        );
        assert_eq!(split("a'b c'd ''").unwrap(), ["ab cd", ""]);
    }

    #[test]
    fn unfinished_lines_are_refused() {
        assert_eq!(split("echo 'a"), Err(Unfinished::Quote('\'')));
        assert_eq!(split("echo \"a\\"), Err(Unfinished::Quote('"')));
        assert_eq!(split("echo \\"), Err(Unfinished::Backslash));
    }

    proptest! {
        /// A word in quotation marks comes back as it is, whatever it holds.
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec(any::<String>(), 0..5)) {
            let quote = |word: &String| {
                let escaped: String =
                    word.chars().flat_map(|character| ['\\', character]).collect();
                format!("\"{escaped}\"")
            };
            let line: Vec<String> = words.iter().map(quote).collect();
            prop_assert_eq!(split(&line.join(" ")), Ok(words));
        }

        #[test]
        fn any_line_is_survived(line in any::<String>()) {
            if let Ok(words) = split(&line) {
                let _ = crate::command::parse(words);
            }
        }
    }
}
