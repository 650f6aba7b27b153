//! What a plan is made of: a node for each type, with everything about it worked out.
//!
//! The nodes of one function stand in an arena and share: a type that is used twice has one node.
//! `compile` makes them.

use alloc::boxed::Box;

use super::{flat::CoreType, layout::Layout, moves::Moves};
use crate::types::ResourceId;

/// A value of fixed width that is one cell and has the same bytes in memory and in the wire form,
/// if it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    U8,
    S8,
    U16,
    S16,
    /// `u32`, `s32`, `f32`
    Bits32,
    /// `u64`, `s64`, `f64`
    Bits64,
    Char,
}

impl Scalar {
    pub(super) const fn size(self) -> u32 {
        match self {
            Self::Bool | Self::U8 | Self::S8 => 1,
            Self::U16 | Self::S16 => 2,
            Self::Bits32 | Self::Char => 4,
            Self::Bits64 => 8,
        }
    }

    /// Whether every pattern of bits is a value.
    pub(super) const fn is_plain(self) -> bool {
        !matches!(self, Self::Bool | Self::Char)
    }
}

/// Index of a node in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u32);

/// A part of a record in memory, in the order of the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// From the start of the record.
    pub(super) offset: u32,
    pub(super) action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// So many bytes are the same in both forms: neighbouring plain fields without padding.
    Copy(u32),
    Value(NodeId),
}

#[derive(Debug)]
pub(super) enum Node {
    Scalar(Scalar),
    /// Words of the wire form; valid bits of the last one. In memory `Layout::size` bytes.
    Flags {
        words: u32,
        last_mask: u32,
    },
    /// A variant without payloads; bytes of its discriminant in memory.
    Enum {
        cases: u32,
        size: u32,
    },
    String,
    List(NodeId),
    /// A list of fixed length: so many elements in place, at least 1.
    FixedList {
        element: NodeId,
        count: u32,
    },
    Record {
        fields: Box<[NodeId]>,
        steps: Box<[Step]>,
    },
    Variant {
        /// Bytes of the discriminant in memory.
        size: u32,
        payload_offset: u32,
        cases: Box<[Option<NodeId>]>,
    },
    Own(ResourceId),
    Borrow(ResourceId),
}

/// A node and what was worked out about it.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) node: Node,
    pub(super) layout: Layout,
    /// Flat types, `None` when they are more than any function passes flat.
    pub(super) flat: Option<Box<[CoreType]>>,
    /// Fewest bytes in the wire form, at least 1.
    pub(super) wire_min: u32,
    /// Every pattern of bits is a value, and memory and wire form are the same without padding.
    pub(super) plain: bool,
    /// The moves of a record or list of fixed width that is not plain.
    pub(super) moves: Option<Moves>,
    /// Has a fixed place in memory: no strings and lists, whatever the value.
    pub(super) fixed: bool,
    pub(super) handles: bool,
    pub(super) borrows: bool,
    pub(super) depth: u32,
}

impl Planned {
    /// A value without parts.
    pub(super) fn leaf(node: Node, layout: Layout, flat: &[CoreType]) -> Self {
        Self {
            node,
            layout,
            flat: Some(flat.into()),
            wire_min: 4,
            plain: false,
            moves: None,
            fixed: true,
            handles: false,
            borrows: false,
            depth: 1,
        }
    }

    /// A value whose parts are still to be included.
    pub(super) fn whole() -> Self {
        let node = Node::Record { fields: Box::default(), steps: Box::default() };
        Self::leaf(node, Layout::natural(1), &[])
    }

    pub(super) fn handle(node: Node, borrows: bool) -> Self {
        let leaf = Self::leaf(node, Layout::natural(4), &[CoreType::I32]);
        Self { handles: true, borrows, ..leaf }
    }
}

/// The nodes of one function.
#[derive(Debug)]
pub(super) struct Nodes(pub(super) Box<[Planned]>);

impl Nodes {
    #[inline]
    pub(super) fn get(&self, id: NodeId) -> Option<&Planned> {
        self.0.get(id.0 as usize)
    }
}

impl Planned {
    /// Takes over what a part makes of its whole.
    pub(super) fn include(&mut self, part: &Self) {
        self.fixed &= part.fixed;
        self.handles |= part.handles;
        self.borrows |= part.borrows;
        self.depth = self.depth.max(part.depth.saturating_add(1));
    }
}
