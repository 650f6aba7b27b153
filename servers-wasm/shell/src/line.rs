//! What a line asks for: commands, what joins them, and where they run.
//!
//! `COMMAND [< FILE] | COMMAND ... [> FILE | >> FILE] [&]`. Each command reads what the one before it
//! writes; the first may read a file, the last may write one.

use crate::words::{Operator, Token};

/// Most commands of a line.
pub const STAGES: usize = 8;

/// Where commands run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// They have the terminal, and the shell waits for their end.
    Foreground,
    /// The shell goes on; they get no input.
    Background,
}

/// A file that is written in the place of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its path.
    pub path: String,
    /// Whether what it holds stays.
    pub appends: bool,
}

/// A command of a line, before anything is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its first word.
    pub name: String,
    /// The words behind it.
    pub arguments: Vec<String>,
}

/// A line that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its commands.
    pub stages: Vec<Stage>,
    /// The file that the first command reads.
    pub input: Option<String>,
    /// The file that the last command writes.
    pub output: Option<Output>,
    /// Where they run.
    pub place: Place,
}

/// Understands the pieces of a line. A line without any has no stages.
///
/// # Errors
/// One line that says what is wrong.
pub fn parse(tokens: Vec<Token>) -> Result<Line, String> {
    let mut line = NOTHING;
    let mut words = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => words.push(word),
            Token::Operator(Operator::Pipe) if line.output.is_some() => {
                return Err(String::from("only the last command can write to a file"));
            }
            Token::Operator(Operator::Pipe) => line.add(&mut words, "before `|`")?,
            Token::Operator(Operator::Background) => {
                if tokens.next().is_some() {
                    return Err(String::from("`&` has to be the last of the line"));
                }
                line.place = Place::Background;
            }
            Token::Operator(redirection) => line.redirect(redirection, tokens.next())?,
        }
    }
    if !words.is_empty() || line != NOTHING {
        let place = if line.stages.is_empty() { "in the line" } else { "after `|`" };
        line.add(&mut words, place)?;
    }
    Ok(line)
}

/// A line without any command.
const NOTHING: Line =
    Line { stages: Vec::new(), input: None, output: None, place: Place::Foreground };

impl Line {
    fn add(&mut self, words: &mut Vec<String>, place: &str) -> Result<(), String> {
        let mut words = std::mem::take(words).into_iter();
        let Some(name) = words.next() else {
            return Err(format!("a command is missing {place}"));
        };
        if self.stages.len() == STAGES {
            return Err(format!("a line has at most {STAGES} commands"));
        }
        self.stages.push(Stage { name, arguments: words.collect() });
        Ok(())
    }

    fn redirect(&mut self, operator: Operator, file: Option<Token>) -> Result<(), String> {
        let Some(Token::Word(path)) = file else {
            return Err(String::from("a file is missing after `<` or `>`"));
        };
        let is_first = self.stages.is_empty();
        let is_taken = match operator {
            Operator::Input if !is_first => {
                return Err(String::from("only the first command can read a file"));
            }
            Operator::Input => self.input.replace(path).is_some(),
            _ => {
                let appends = operator == Operator::Append;
                self.output.replace(Output { path, appends }).is_some()
            }
        };
        if is_taken {
            Err(String::from("a line reads and writes at most one file"))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::split;

    fn parsed(line: &str) -> Result<Line, String> {
        parse(split(line).unwrap())
    }

    fn stages(stages: &[&str]) -> Vec<Stage> {
        let stage = |words: &&str| {
            let mut words = words.split(' ').map(String::from);
            Stage { name: words.next().unwrap(), arguments: words.collect() }
        };
        stages.iter().map(stage).collect()
    }

    fn file(path: &str, appends: bool) -> Option<Output> {
        Some(Output { path: path.into(), appends })
    }

    #[test]
    fn commands_are_joined() {
        assert_eq!(parsed("  "), Ok(NOTHING));
        assert_eq!(parsed("ps"), Ok(Line { stages: stages(&["ps"]), ..NOTHING }));
        let place = Place::Background;
        assert_eq!(parsed("a b|c &"), Ok(Line { stages: stages(&["a b", "c"]), place, ..NOTHING }));
    }

    #[test]
    fn files_take_the_place_of_the_terminal() {
        let read = Line { stages: stages(&["a b"]), input: Some("f".into()), ..NOTHING };
        assert_eq!(parsed("a <f b"), Ok(read));
        let written = Line { stages: stages(&["a"]), output: file("f", false), ..NOTHING };
        assert_eq!(parsed("> f a"), Ok(written));
        let both = Line {
            stages: stages(&["a", "b c"]),
            input: Some("f".into()),
            output: file("g h", true),
            ..NOTHING
        };
        assert_eq!(parsed("a < f | b >> 'g h' c"), Ok(both));
    }

    #[test]
    fn mistakes_are_named() {
        fn mistake(line: &str) -> String {
            parsed(line).unwrap_err()
        }
        assert_eq!(mistake("| a"), "a command is missing before `|`");
        assert_eq!(mistake("a | | b"), "a command is missing before `|`");
        assert_eq!(mistake("a |"), "a command is missing after `|`");
        assert_eq!(mistake("a | &"), "a command is missing after `|`");
        assert_eq!(mistake("&"), "a command is missing in the line");
        assert_eq!(mistake("> f"), "a command is missing in the line");
        assert_eq!(mistake("a & b"), "`&` has to be the last of the line");
        assert_eq!(mistake(&["a"; 9].join("|")), "a line has at most 8 commands");
        assert_eq!(mistake("a <"), "a file is missing after `<` or `>`");
        assert_eq!(mistake("a > | b"), "a file is missing after `<` or `>`");
        assert_eq!(mistake("a > f | b"), "only the last command can write to a file");
        assert_eq!(mistake("a | b < f"), "only the first command can read a file");
        assert_eq!(mistake("a > f >> g"), "a line reads and writes at most one file");
    }
}
