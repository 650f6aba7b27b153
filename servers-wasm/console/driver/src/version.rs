//! What makes a version of the server: the rest of it is the same in all.

/// A version.
pub trait Version: 'static {
    /// Its number, for the log.
    const NUMBER: &'static str;
    /// Colour of the cursor on the screen, an index of the palette; by default the cell under it
    /// changes its two colours.
    const CURSOR: Option<u8> = None;

    /// Sees what came in on the serial line before anything is done with it.
    fn received(_bytes: &[u8]) {}
}
