//! What a line asks for: commands, what joins them, and where they run.
//!
//! `COMMAND | COMMAND ... [&]`. Each command reads what the one before it writes.

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

/// A line that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The words of each command, none empty.
    pub stages: Vec<Vec<String>>,
    /// Where they run.
    pub place: Place,
}

/// Understands the pieces of a line. A line without any has no stages.
///
/// # Errors
/// One line that says what is wrong.
pub fn parse(tokens: Vec<Token>) -> Result<Line, String> {
    let mut line = Line { stages: Vec::new(), place: Place::Foreground };
    let mut words = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => words.push(word),
            Token::Operator(Operator::Pipe) => line.add(&mut words, "before `|`")?,
            Token::Operator(Operator::Background) => {
                if tokens.next().is_some() {
                    return Err(String::from("`&` has to be the last of the line"));
                }
                line.place = Place::Background;
            }
        }
    }
    if !words.is_empty() || line != NOTHING {
        let place = if line.stages.is_empty() { "before `&`" } else { "after `|`" };
        line.add(&mut words, place)?;
    }
    Ok(line)
}

/// A line without any command.
const NOTHING: Line = Line { stages: Vec::new(), place: Place::Foreground };

impl Line {
    fn add(&mut self, words: &mut Vec<String>, place: &str) -> Result<(), String> {
        if words.is_empty() {
            return Err(format!("a command is missing {place}"));
        }
        if self.stages.len() == STAGES {
            return Err(format!("a line has at most {STAGES} commands"));
        }
        self.stages.push(std::mem::take(words));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::split;

    fn parsed(line: &str) -> Result<Line, String> {
        parse(split(line).unwrap())
    }

    fn stages(stages: &[&str]) -> Vec<Vec<String>> {
        stages.iter().map(|words| words.split(' ').map(String::from).collect()).collect()
    }

    #[test]
    fn commands_are_joined() {
        assert_eq!(parsed("  "), Ok(NOTHING));
        let place = Place::Foreground;
        assert_eq!(parsed("ps"), Ok(Line { stages: stages(&["ps"]), place }));
        let place = Place::Background;
        assert_eq!(parsed("a b|c &"), Ok(Line { stages: stages(&["a b", "c"]), place }));
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = |line| parsed(line).unwrap_err();
        assert_eq!(mistake("| a"), "a command is missing before `|`");
        assert_eq!(mistake("a | | b"), "a command is missing before `|`");
        assert_eq!(mistake("a |"), "a command is missing after `|`");
        assert_eq!(mistake("a | &"), "a command is missing after `|`");
        assert_eq!(mistake("&"), "a command is missing before `&`");
        assert_eq!(mistake("a & b"), "`&` has to be the last of the line");
        assert_eq!(mistake(&["a"; 9].join("|")), "a line has at most 8 commands");
    }
}
