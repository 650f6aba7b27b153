//! Paths: what their text may be, and the steps they consist of.
//!
//! Whether a path stays below the directory that it begins at is for [`crate::tree`] to see, step
//! by step.

use crate::Error;

/// Most bytes of a path.
const MOST_PATH: usize = 4096;
/// Most bytes of a name in a path.
const MOST_NAME: usize = 255;

/// A path whose text is in order.
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    text: &'p str,
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'p> {
    /// `.`
    Stay,
    /// `..`
    Up,
    /// Anything else.
    Name(&'p str),
}

impl<'p> Path<'p> {
    /// Takes a path as a client wrote it.
    ///
    /// # Errors
    /// `NotPermitted` if it is absolute, `NoEntry` if it is empty, `NameTooLong`, and `Invalid` if
    /// there is a zero in it.
    pub fn new(text: &'p str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::NoEntry);
        }
        if text.starts_with('/') {
            return Err(Error::NotPermitted);
        }
        if text.contains('\0') {
            return Err(Error::Invalid);
        }
        if text.len() > MOST_PATH || text.split('/').any(|name| name.len() > MOST_NAME) {
            return Err(Error::NameTooLong);
        }
        Ok(Self { text })
    }

    /// Its steps; two slashes are one.
    pub fn steps(self) -> impl Iterator<Item = Step<'p>> {
        self.text.split('/').filter(|name| !name.is_empty()).map(|name| match name {
            "." => Step::Stay,
            ".." => Step::Up,
            name => Step::Name(name),
        })
    }

    /// Whether it ends in a slash, so that only a directory is meant.
    #[must_use]
    pub fn ends_in_slash(self) -> bool {
        self.text.ends_with('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_paths_are_told_apart() {
        let refused = |text: &str| Path::new(text).map(|_| ()).unwrap_err();
        assert_eq!(refused(""), Error::NoEntry);
        assert_eq!(refused("/"), Error::NotPermitted);
        assert_eq!(refused("/etc/passwd"), Error::NotPermitted);
        assert_eq!(refused("a\0b"), Error::Invalid);
        assert_eq!(refused(&"x".repeat(256)), Error::NameTooLong);
        assert_eq!(refused(&"x/".repeat(2049)), Error::NameTooLong);
        assert!(Path::new(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn slashes_only_part_steps() {
        let path = Path::new("a//./../b/").unwrap();
        let steps: Vec<_> = path.steps().collect();
        assert_eq!(steps, [Step::Name("a"), Step::Stay, Step::Up, Step::Name("b")]);
        assert!(path.ends_in_slash());
    }
}
