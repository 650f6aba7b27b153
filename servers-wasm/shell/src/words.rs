//! Cuts a command line into words and operators.
//!
//! Words are separated by blanks and operators. `'...'` keeps everything as it is, `"..."` and bare
//! text keep it but for `\`, which takes the next character as it is. Pieces without a blank
//! between them are one word, so `a'b c'` is `ab c`; `''` is an empty word.

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word, without its quotation marks and escapes.
    Word(String),
    /// An operator that stands outside quotation marks.
    Operator(Operator),
}

/// What joins the words of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `|`
    Pipe,
    /// `<`
    Input,
    /// `>`
    Output,
    /// `>>`
    Append,
    /// `&`
    Background,
}

impl Operator {
    fn of(character: char) -> Option<Self> {
        match character {
            '|' => Some(Self::Pipe),
            '<' => Some(Self::Input),
            '>' => Some(Self::Output),
            '&' => Some(Self::Background),
            _ => None,
        }
    }
}

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

/// Cuts a line into words and operators.
///
/// # Errors
/// When a quotation or an escape is not finished.
pub fn split(line: &str) -> Result<Vec<Token>, Unfinished> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        if let Some(mut operator) = Operator::of(character) {
            tokens.extend(word.take().map(Token::Word));
            if operator == Operator::Output && rest.as_str().starts_with('>') {
                rest.next();
                operator = Operator::Append;
            }
            tokens.push(Token::Operator(operator));
            continue;
        }
        match character {
            ' ' | '\t' => tokens.extend(word.take().map(Token::Word)),
            '\\' => {
                let literal = rest.next().ok_or(Unfinished::Backslash)?;
                word.get_or_insert_default().push(literal);
            }
            '\'' | '"' => quoted(&mut rest, character, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    tokens.extend(word.map(Token::Word));
    Ok(tokens)
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

    fn words(line: &str) -> Vec<String> {
        let word = |token| match token {
            Token::Word(word) => word,
            Token::Operator(operator) => format!("{operator:?}"),
        };
        split(line).unwrap().into_iter().map(word).collect()
    }

    #[test]
    fn blanks_separate() {
        assert_eq!(words("  run \t hello  a "), ["run", "hello", "a"]);
        assert_eq!(words("   "), [""; 0]);
    }

    #[test]
    fn quotes_and_escapes_keep() {
        assert_eq!(
            words(r#"echo 'a  "b\' "c \"d\" 'e'" f\ g"#),
            ["echo", r#"a  "b\"#, r#"c "d" 'e'"#, "f g"]
        );
        assert_eq!(words("a'b c'd ''"), ["ab cd", ""]);
    }

    #[test]
    fn operators_need_no_blanks_and_can_be_quoted() {
        assert_eq!(words("a|b c&"), ["a", "Pipe", "b", "c", "Background"]);
        assert_eq!(
            words("a<b>c>>d> >"),
            ["a", "Input", "b", "Output", "c", "Append", "d", "Output", "Output"]
        );
        assert_eq!(words(r#"a '|' "&" \|b '>>'"#), ["a", "|", "&", "|b", ">>"]);
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
            let tokens = words.into_iter().map(Token::Word).collect();
            prop_assert_eq!(split(&line.join(" ")), Ok(tokens));
        }

        #[test]
        fn any_line_is_survived(line in any::<String>()) {
            if let Ok(line) = split(&line).map(crate::line::parse) {
                for stage in line.into_iter().flat_map(|line| line.stages) {
                    let _ = crate::command::parse(stage);
                }
            }
        }
    }
}
