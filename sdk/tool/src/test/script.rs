//! Scripts of tests: one statement a line.
//!
//! ```text
//! # A comment.
//! use atoll:samples/lamp
//! blink([1, 2, 3]) == ok(6)
//! let porch = bulb("porch")
//! porch.set(130) == err(too-bright(30))
//! blink(porch) traps
//! drop porch
//! log has "a lamp"
//! ```

use anyhow::{Context, Result, bail};

/// A line that says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Its number, from 1.
    pub(super) number: usize,
    pub(super) statement: Statement<'a>,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement<'a> {
    /// Which interface the calls that follow are for.
    Use(&'a str),
    /// A call, and what comes of it.
    Call(Call<'a>, Outcome<'a>),
    /// A call whose result is a resource, which gets that name.
    Let(&'a str, Call<'a>),
    /// The script gives a resource up.
    Drop(&'a str),
    /// Something that was written to the log has that text in it.
    Log(&'a str),
}

/// A call of a function, or of a method of a named resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) receiver: Option<&'a str>,
    /// Name and parameters in parentheses.
    pub(super) text: &'a str,
}

/// What comes of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// Anything but a trap.
    Any,
    /// This value.
    Equals(&'a str),
    /// A trap.
    Trap,
}

/// Reads a script.
pub(super) fn parse(text: &str) -> impl Iterator<Item = Result<Line<'_>>> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| {
        let statement = statement(line).with_context(|| format!("line {number}: `{line}`"))?;
        Ok(Line { number, statement })
    })
}

fn statement(line: &str) -> Result<Statement<'_>> {
    if let Some(interface) = line.strip_prefix("use ") {
        return Ok(Statement::Use(interface.trim()));
    }
    if let Some(name) = line.strip_prefix("drop ") {
        return Ok(Statement::Drop(name.trim()));
    }
    if let Some(text) = line.strip_prefix("log has ") {
        return Ok(Statement::Log(text.trim()));
    }
    if let Some(rest) = line.strip_prefix("let ") {
        let (name, rest) = rest.split_once('=').context("write `let NAME = FUNCTION(...)`")?;
        return Ok(Statement::Let(name.trim(), call(rest.trim())?));
    }
    let end = call_end(line).context("a call is `FUNCTION(...)`, with all parentheses closed")?;
    let (text, rest) = line.split_at(end);
    let outcome = match rest.trim() {
        "" => Outcome::Any,
        "traps" => Outcome::Trap,
        rest => match rest.strip_prefix("==") {
            Some(value) => Outcome::Equals(value.trim()),
            None => bail!("after a call there can be `== VALUE`, `traps` or nothing"),
        },
    };
    Ok(Statement::Call(call(text)?, outcome))
}

fn call(text: &str) -> Result<Call<'_>> {
    let open = text.find('(').context("a call is `FUNCTION(...)`")?;
    let name = text.split_at(open).0;
    Ok(match name.split_once('.') {
        Some((receiver, _)) => {
            Call { receiver: Some(receiver), text: text.split_at(receiver.len() + 1).1 }
        }
        None => Call { receiver: None, text },
    })
}

/// Where a call's last parenthesis is closed.
fn call_end(line: &str) -> Option<usize> {
    let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            _ if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => return Some(at + 1),
            (None, ')') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(line: &str) -> Result<Statement<'_>> {
        statement(line)
    }

    #[test]
    fn lines_say_one_thing_each() {
        let text = "# nothing\n\nuse a:b/c\n  drop porch\n";
        let lines: Vec<_> = parse(text).collect::<Result<_>>().unwrap();
        assert_eq!(lines[0], Line { number: 3, statement: Statement::Use("a:b/c") });
        assert_eq!(lines[1], Line { number: 4, statement: Statement::Drop("porch") });
        assert_eq!(only("log has \"x\"").unwrap(), Statement::Log("\"x\""));
    }

    #[test]
    fn a_call_ends_with_its_parenthesis() {
        let call = |text| Call { receiver: None, text };
        let equals = Outcome::Equals("ok(\") ==\")");
        assert_eq!(
            only("f(\"a) == b\", (1, 2)) == ok(\") ==\")").unwrap(),
            Statement::Call(call("f(\"a) == b\", (1, 2))"), equals)
        );
        assert_eq!(
            only("f('\\'') traps").unwrap(),
            Statement::Call(call("f('\\'')"), Outcome::Trap)
        );
        let method = Call { receiver: Some("porch"), text: "set(1)" };
        assert_eq!(only("porch.set(1)").unwrap(), Statement::Call(method, Outcome::Any));
        assert_eq!(
            only("let a = bulb(\"x.y\")").unwrap(),
            Statement::Let("a", call("bulb(\"x.y\")"))
        );
    }

    #[test]
    fn what_is_no_statement_says_how_one_is_written() {
        let said = |line| format!("{:#}", only(line).unwrap_err());
        assert!(said("f(1").contains("all parentheses closed"));
        assert!(said("f(1) = 2").contains("`== VALUE`"));
        assert!(said("let a").contains("let NAME"));
        let error = parse("f()\nf(").nth(1).unwrap().unwrap_err();
        assert!(format!("{error:#}").starts_with("line 2: `f(`"));
    }
}
