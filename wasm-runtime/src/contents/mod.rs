//! What the guests of a domain have besides their code, and handing it to another version.
//!
//! Two components that declare the same *layout*, in custom sections named [`SECTION`], say that
//! the contents of one are as good for the other: bytes of memories, globals, tables of functions
//! in the same order, handles. Core modules keep most of that to themselves, so modules of a
//! component with a layout are given more exports before they are translated (`expose`), which
//! nothing of the component can name. [`record`] writes down what does not stand in memories.
//! [`crate::Instance::contents`] and its siblings collect it and put it in place.

mod expose;
mod record;

use alloc::{format, string::String};

pub(crate) use self::{
    expose::{Exposed, expose},
    record::{Contents, Held, Shape, Signatures, Value},
};

/// Name of the custom sections that declare a layout.
pub const SECTION: &str = "atoll:layout";
/// Most bytes of a layout: it goes in the note of a standby domain.
pub const MAX_LAYOUT: usize = atoll_gate::message::MAX_NOTE;

/// What a module is made to export.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Memory,
    Global,
    Table,
}

/// The name under which a module exports its part of that number. Component-level names were
/// resolved before these came into being.
pub(crate) fn name(part: Part, number: u32) -> String {
    format!("atoll:layout {part:?} {number}")
}
