//! Why a state is not handed over.

use std::error::Error;
use std::fmt;

/// Why a state is not handed over. Its text is what the operator of the swap is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This version reads none of the layouts in which the state is there, newest first.
    Unknown(Vec<u32>),
    /// Those are not bytes that [`to_bytes`](super::to_bytes) writes.
    Foreign,
    /// Bytes that are no value in this layout.
    Malformed(u32),
    /// A value that cannot be written in this layout, such as a cell that is borrowed.
    Unwritable(u32),
    /// Two parts in one layout.
    Twice(u32),
    /// So many bytes, which are more than a state may have.
    TooLong(usize),
    /// The server has its state borrowed.
    InUse,
    /// The state has streams in it, and this version takes none.
    Streams,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(layouts) => {
                f.write_str("this version does not know the state's layout")?;
                layouts.iter().try_for_each(|layout| write!(f, " {layout}"))
            }
            Self::Foreign => f.write_str("the state is not one of parts, as the SDK writes it"),
            Self::Malformed(layout) => write!(f, "the state is damaged in layout {layout}"),
            Self::Unwritable(layout) => write!(f, "the state cannot be written in layout {layout}"),
            Self::Twice(layout) => write!(f, "the state has layout {layout} twice"),
            Self::TooLong(bytes) => {
                write!(f, "the state has {bytes} bytes, more than {}", super::LIMIT)
            }
            Self::InUse => f.write_str("the state is in use"),
            Self::Streams => f.write_str("the state has streams, which this version does not take"),
        }
    }
}

impl Error for Refusal {}
