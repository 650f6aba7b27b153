//! What is wrong with a description, and where.

use std::fmt;

/// Why a description was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptionError {
    /// The file as its reader named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for DescriptionError {}

/// A refusal as the stages make it: the place is a byte offset, turned into line and column once.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// The refusal as the caller sees it.
    pub(crate) fn locate(self, text: &str, file: &str) -> DescriptionError {
        let mut end = self.at.min(text.len());
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let before = text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let line = before.bytes().filter(|byte| *byte == b'\n').count();
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        DescriptionError {
            file: file.to_string(),
            line: u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1),
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
            message: self.message,
        }
    }
}
