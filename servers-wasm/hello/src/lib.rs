//! The program `hello`: a sample of what a program is.
//!
//! `hello [--exit CODE] [--stdin] [NAME ...]` greets the names, or the world. With `--stdin` it
//! greets each line of its input as well. It ends with the exit code asked for.
//!
//! [`Request::parse`] understands the arguments and [`greeting`] makes the text; both are pure.
//! `component` joins them to the world `atoll:servers/program`.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;

/// What the arguments ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Who is greeted; nobody in particular when empty.
    pub names: Vec<String>,
    /// The exit code.
    pub exit_code: u8,
    /// Whether the lines of the input are greeted too.
    pub reads_input: bool,
}

/// Why the arguments make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// `--exit` has no number from 0 to 255 after it.
    ExitCode,
    /// An option that does not exist.
    UnknownOption,
}

impl Mistake {
    /// One line that says what is wrong and what would be right.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::ExitCode => "hello: --exit needs a number from 0 to 255",
            Self::UnknownOption => {
                "hello: unknown option; usage: hello [--exit CODE] [--stdin] [NAME ...]"
            }
        }
    }
}

impl Request {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn parse(arguments: &[String]) -> Result<Self, Mistake> {
        let mut request = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--exit" => {
                    let code = rest.next().ok_or(Mistake::ExitCode)?;
                    request.exit_code = code.parse().map_err(|_| Mistake::ExitCode)?;
                }
                "--stdin" => request.reads_input = true,
                option if option.starts_with('-') => return Err(Mistake::UnknownOption),
                name => request.names.push(name.to_owned()),
            }
        }
        Ok(request)
    }
}

/// The line that greets `names`.
#[must_use]
pub fn greeting(names: &[String]) -> String {
    let mut line = String::from("Hello, ");
    match names {
        [] => line.push_str("world"),
        [only] => line.push_str(only),
        [first @ .., last] => {
            line.push_str(&first.join(", "));
            line.push_str(" and ");
            line.push_str(last);
        }
    }
    line.push_str("!\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, Mistake> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Request::parse(&words)
    }

    #[test]
    fn names_and_options_mix() {
        let request = parse("--exit 3 Ada --stdin Grace").unwrap();
        assert_eq!(request.names, ["Ada", "Grace"]);
        assert_eq!(request.exit_code, 3);
        assert!(request.reads_input);
    }

    #[test]
    fn mistakes_are_told_apart() {
        assert_eq!(parse("--exit"), Err(Mistake::ExitCode));
        assert_eq!(parse("--exit 256"), Err(Mistake::ExitCode));
        assert_eq!(parse("--loud"), Err(Mistake::UnknownOption));
    }

    #[test]
    fn greets_none_one_and_many() {
        let names = |line: &str| parse(line).unwrap().names;
        assert_eq!(greeting(&names("")), "Hello, world!\n");
        assert_eq!(greeting(&names("Ada")), "Hello, Ada!\n");
        assert_eq!(greeting(&names("Ada Grace Linus")), "Hello, Ada, Grace and Linus!\n");
    }
}
