//! The program `date`: tells the date and time of a server of `atoll:samples/calendar`.
//!
//! `date` prints the date and time, `date --seconds` how many seconds the server has counted.
//! [`Request`] understands the arguments, [`line()`] makes the text; `component` asks the server.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: date [--seconds]";

/// What the arguments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The date and time.
    Now,
    /// What the server has counted.
    Seconds,
}

impl Request {
    /// Reads the arguments that follow the program's name; `None` if they make no sense.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [] => Some(Self::Now),
            [option] if option == "--seconds" => Some(Self::Seconds),
            _ => None,
        }
    }
}

/// A date, year first, and a time of day.
#[must_use]
pub fn line([year, month, day]: [u16; 3], [hour, minute, second]: [u8; 3]) -> String {
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_digits() {
        assert_eq!(line([2030, 5, 6], [7, 8, 9]), "2030-05-06 07:08:09");
    }

    #[test]
    fn arguments_are_understood() {
        let parse = |words: &[&str]| {
            Request::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]), Some(Request::Now));
        assert_eq!(parse(&["--seconds"]), Some(Request::Seconds));
        assert_eq!(parse(&["--utc"]), None);
    }
}
