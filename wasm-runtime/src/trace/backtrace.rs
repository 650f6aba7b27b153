//! The frames of a trap, as a structure and as text.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use super::names;

/// Most frames that are kept of those next to the trap.
const INNERMOST: usize = 24;
/// Most frames that are kept of those next to the entry.
const OUTERMOST: usize = 8;

/// Where a trap happened: the functions that were in progress, the innermost first.
///
/// Offsets are known at once; functions and names after [`Backtrace::describe`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtrace {
    frames: Vec<Frame>,
    /// Frames that are left out between the first [`INNERMOST`] and the others.
    omitted: u32,
    /// Whether the trap is not at the innermost frame's instruction but behind it.
    near: bool,
    /// What that instruction calls.
    callee: Option<Box<Function>>,
}

/// One function in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The instruction, as a byte offset in the component's binary.
    pub offset: u32,
    /// The function; `None` before it was looked up, or when the binary is another.
    pub function: Option<Box<Function>>,
}

/// A function of a core module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Number of the core module in the component, in the order of the binary, nested components
    /// included.
    pub module: u32,
    /// Where the module begins in the component's binary.
    pub module_offset: u32,
    /// Index of the function in the module, imported ones counted.
    pub index: u32,
    /// Its name: from the name section, else from an export, else `function N`. At most 96
    /// characters, all of them printable.
    pub name: String,
}

impl Backtrace {
    /// Makes the frames of a trap of the site in its cell, if any, and of the sites in its slots.
    pub(super) fn new(cell: u32, slots: &[u8], fault: bool) -> Self {
        let (slots, _) = slots.as_chunks();
        let sites = slots.iter().rev().map(|slot| u32::from_le_bytes(*slot));
        let cell = Some(cell).filter(|site| *site != 0 && !fault);
        let count = slots.len() + usize::from(cell.is_some());
        let omitted = count.saturating_sub(INNERMOST + OUTERMOST);
        let frames = cell.into_iter().chain(sites).enumerate().filter_map(|(number, site)| {
            let kept = number < INNERMOST || number >= INNERMOST + omitted;
            kept.then_some(Frame { offset: site, function: None })
        });
        Self { frames: frames.collect(), omitted: omitted as u32, near: fault, callee: None }
    }

    /// The frames that are kept, the innermost first.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// How many frames are left out.
    #[must_use]
    pub const fn omitted(&self) -> u32 {
        self.omitted
    }

    /// Whether the trap happened at the first frame's instruction. If not, because it was an
    /// access to memory, an arithmetic instruction or the end of the stack, it happened in that
    /// function after the instruction, or in what the instruction calls ([`Self::callee`]) and
    /// has made no call worth a record.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        !self.near
    }

    /// What the first frame's instruction calls, of a trap that is not exact and was described;
    /// `None` also if it calls through a table or an imported function.
    #[must_use]
    pub fn callee(&self) -> Option<&Function> {
        self.callee.as_deref()
    }

    /// Looks up functions and names in the component's binary.
    pub fn describe(&mut self, component: &[u8]) {
        let site = self.frames.first().map(|frame| frame.offset).filter(|_| self.near);
        self.callee = names::describe(component, &mut self.frames, site).map(Box::new);
    }
}

/// A line for each frame, each behind a line feed: number, offset in the component, name.
impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        for (index, Frame { offset, function }) in self.frames.iter().enumerate() {
            if index == INNERMOST && self.omitted > 0 {
                write!(f, "\n  ... {} more", self.omitted)?;
                number += self.omitted;
            }
            let near = index == 0 && self.near;
            write!(f, "\n{number:3}: {}{offset:#08x}", if near { "after " } else { "" })?;
            if let Some(function) = function {
                write!(f, " {}", function.name)?;
            }
            if let Some(callee) = self.callee.as_ref().filter(|_| near) {
                write!(f, " or in {}", callee.name)?;
            }
            number += 1;
        }
        Ok(())
    }
}
