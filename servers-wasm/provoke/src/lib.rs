//! The program `provoke`: asks the server `faulty` for its tricks and prints what came of them.
//!
//! `provoke TRICK` plays one, `provoke --all` plays all that come to an end by themselves, that is
//! all but `spin`, and `provoke --list` names them. [`Request`] understands the arguments;
//! `component` asks.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;

/// The tricks by name, in the order of the interface.
pub const TRICKS: [&str; 13] = [
    "trap",
    "spin",
    "hoard",
    "recurse",
    "overrun",
    "divide",
    "use-dropped",
    "use-stolen",
    "grow",
    "forge",
    "babble",
    "wild",
    "heap",
];

/// The trick that never ends by itself.
pub const ENDLESS: &str = "spin";

/// What the arguments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The trick with that place in [`TRICKS`].
    One(usize),
    /// All that come to an end.
    All,
    /// Their names.
    List,
}

impl Request {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// What is wrong and what would be right, in one line.
    pub fn parse(arguments: &[String]) -> Result<Self, &'static str> {
        match arguments {
            [option] if option == "--all" => Ok(Self::All),
            [option] if option == "--list" => Ok(Self::List),
            [name] => TRICKS
                .iter()
                .position(|trick| trick == name)
                .map(Self::One)
                .ok_or("provoke: there is no such trick; `provoke --list` names them\n"),
            _ => Err("usage: provoke TRICK | --all | --list\n"),
        }
    }
}

/// The line that reports a trick.
#[must_use]
pub fn report(trick: &str, outcome: &str) -> String {
    let mut line = String::from(trick);
    while line.len() < 12 {
        line.push(' ');
    }
    line.push_str(outcome);
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let parse = |words: &[&str]| {
            Request::parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&["--all"]), Ok(Request::All));
        assert_eq!(parse(&["wild"]), Ok(Request::One(11)));
        assert!(parse(&["dance"]).unwrap_err().contains("no such trick"));
        assert!(parse(&[]).unwrap_err().contains("usage"));
    }

    #[test]
    fn reports_are_aligned() {
        assert_eq!(report("trap", "x"), "trap        x\n");
        assert_eq!(report("use-dropped", "x"), "use-dropped x\n");
    }
}
