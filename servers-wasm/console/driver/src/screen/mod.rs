//! The screen as a text terminal: a [`grid`] of cells that understands terminal output, and the
//! [`paint`]ing of the cells that changed.

pub mod grid;
pub mod paint;
