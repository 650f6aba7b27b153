//! What the user got wrong, told apart from what failed.

use std::fmt;

/// Something about the command or the project that only its author can put right: what, why, and
/// what to do. It makes the exit code that of a usage error.
#[derive(Debug)]
pub struct Mistake(pub String);

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

/// Returns a [`Mistake`] with a formatted text.
macro_rules! mistake {
    ($($text:tt)*) => { return Err($crate::mistake::Mistake(format!($($text)*)).into()) };
}
pub(crate) use mistake;
