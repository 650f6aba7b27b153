//! Compiles types into the nodes of a plan.
//!
//! All bounds are checked here, once: nesting, number of nodes, bytes in memory. Running a plan
//! recurses no deeper than the nesting that was allowed.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::{
    flat::{CoreType, MAX_FLAT_PARAMETERS},
    layout::{Layout, Sequence, align_to, bounded, discriminant_size},
    moves::Moves,
    plan::{Action, Node, NodeId, Nodes, Planned, Scalar, Step},
};
use crate::{
    limits::{MAX_TYPE_DEPTH, MAX_TYPE_PARTS},
    types::{Definition, TypeId, Types, ValueType},
};

/// Bounds on the types of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// Most levels of types within types.
    pub depth: u32,
    /// Most different types.
    pub nodes: u32,
}

impl Default for PlanLimits {
    fn default() -> Self {
        // The type at the inside and the record of spilled values are levels too.
        Self { depth: MAX_TYPE_DEPTH + 2, nodes: MAX_TYPE_PARTS }
    }
}

/// Why a function cannot be marshalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// A type refers to one that is not there.
    UnknownType(TypeId),
    /// A record, tuple, variant, enum or flags type without parts.
    EmptyType(TypeId),
    /// Types within types beyond the limit.
    TooDeep,
    /// More different types than the limit.
    TooManyTypes,
    /// A value of 2^28 bytes or more.
    TooLarge,
    /// A result that contains a borrow.
    BorrowInResult,
}

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType(id) => write!(out, "type {} does not exist", id.0),
            Self::EmptyType(id) => write!(out, "type {} has no parts", id.0),
            Self::TooDeep => out.write_str("types are nested too deeply"),
            Self::TooManyTypes => out.write_str("the function uses too many types"),
            Self::TooLarge => out.write_str("a value of the type takes 256 MiB or more"),
            Self::BorrowInResult => out.write_str("a result cannot contain a borrow"),
        }
    }
}

impl core::error::Error for PlanError {}

/// Nodes that most functions do with.
const FEW: usize = 8;

/// Makes the nodes of one function.
pub(super) struct Compiler<'a> {
    types: &'a Types,
    limits: PlanLimits,
    nodes: Vec<Planned>,
    /// Nodes of definitions already compiled, by [`TypeId`].
    known: Vec<Option<NodeId>>,
    depth: u32,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(types: &'a Types, limits: PlanLimits) -> Self {
        Self { types, limits, nodes: Vec::with_capacity(FEW), known: Vec::new(), depth: 0 }
    }

    pub(super) fn finish(self) -> Nodes {
        Nodes(self.nodes.into_boxed_slice())
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Planned> {
        self.nodes.get(id.0 as usize)
    }

    /// Compiles a type.
    pub(super) fn value(&mut self, ty: ValueType) -> Result<NodeId, PlanError> {
        use CoreType::{F32, F64, I32, I64};
        let planned = match ty {
            ValueType::Bool => scalar(Scalar::Bool, I32),
            ValueType::U8 => scalar(Scalar::U8, I32),
            ValueType::S8 => scalar(Scalar::S8, I32),
            ValueType::U16 => scalar(Scalar::U16, I32),
            ValueType::S16 => scalar(Scalar::S16, I32),
            ValueType::U32 | ValueType::S32 => scalar(Scalar::Bits32, I32),
            ValueType::U64 | ValueType::S64 => scalar(Scalar::Bits64, I64),
            ValueType::F32 => scalar(Scalar::Bits32, F32),
            ValueType::F64 => scalar(Scalar::Bits64, F64),
            ValueType::Char => scalar(Scalar::Char, I32),
            ValueType::String => {
                let leaf = Planned::leaf(Node::String, Layout::RANGE, &[I32, I32]);
                Planned { fixed: false, ..leaf }
            }
            ValueType::Own(resource) => Planned::handle(Node::Own(resource), false),
            ValueType::Borrow(resource) => Planned::handle(Node::Borrow(resource), true),
            ValueType::Defined(id) => return self.defined(id),
        };
        self.push(planned)
    }

    /// Compiles the parameters as the record that they are when they are spilled.
    pub(super) fn spilled(&mut self, fields: &[NodeId]) -> Result<NodeId, PlanError> {
        let planned = self.record(fields.into())?;
        self.push(planned)
    }

    fn defined(&mut self, id: TypeId) -> Result<NodeId, PlanError> {
        let position = id.0 as usize;
        if let Some(Some(node)) = self.known.get(position) {
            return Ok(*node);
        }
        // Definitions precede their users, so this ends; the bound keeps the native stack short.
        if self.depth >= self.limits.depth {
            return Err(PlanError::TooDeep);
        }
        let types = self.types;
        let definition = types.get(id).ok_or(PlanError::UnknownType(id))?;
        self.depth = self.depth.saturating_add(1);
        let planned = self.definition(id, definition)?;
        self.depth = self.depth.saturating_sub(1);
        let node = self.push(planned)?;
        if self.known.len() <= position {
            self.known.resize(types.len(), None);
        }
        if let Some(known) = self.known.get_mut(position) {
            *known = Some(node);
        }
        Ok(node)
    }

    fn definition(&mut self, id: TypeId, definition: &Definition) -> Result<Planned, PlanError> {
        let empty = Err(PlanError::EmptyType(id));
        match definition {
            Definition::List(element) => {
                let element = self.value(*element)?;
                self.list(element)
            }
            Definition::FixedList(_, 0) => empty,
            Definition::FixedList(element, count) => self.fixed_list(*element, *count),
            Definition::Map(key, value) => {
                let pair = Box::new([self.value(*key)?, self.value(*value)?]);
                let pair = self.record(pair)?;
                let pair = self.push(pair)?;
                self.list(pair)
            }
            Definition::Record(fields) if fields.is_empty() => empty,
            Definition::Record(fields) => {
                let fields = fields.iter().map(|(_, ty)| self.value(*ty)).collect::<Result<_, _>>();
                self.record(fields?)
            }
            Definition::Tuple(elements) if elements.is_empty() => empty,
            Definition::Tuple(elements) => {
                let fields = elements.iter().map(|ty| self.value(*ty)).collect::<Result<_, _>>();
                self.record(fields?)
            }
            Definition::Variant(cases) if cases.is_empty() => empty,
            Definition::Variant(cases) => self.variant(cases.iter().map(|(_, ty)| *ty)),
            Definition::Enum(labels) if labels.is_empty() => empty,
            Definition::Enum(labels) => {
                let cases = count(labels.len())?;
                let size = discriminant_size(cases);
                let node = Node::Enum { cases, size };
                Ok(Planned::leaf(node, Layout::natural(size), &[CoreType::I32]))
            }
            Definition::Flags(labels) if labels.is_empty() => empty,
            Definition::Flags(labels) => flags(count(labels.len())?),
            Definition::Option(ty) => self.variant([None, Some(*ty)].into_iter()),
            Definition::Result { ok, err } => self.variant([*ok, *err].into_iter()),
        }
    }

    fn list(&mut self, element: NodeId) -> Result<Planned, PlanError> {
        let leaf =
            Planned::leaf(Node::List(element), Layout::RANGE, &[CoreType::I32, CoreType::I32]);
        let part = self.part(element)?;
        Ok(Planned {
            fixed: false,
            handles: part.handles,
            borrows: part.borrows,
            depth: part.depth.saturating_add(1),
            ..leaf
        })
    }

    fn fixed_list(&mut self, element: ValueType, count: u32) -> Result<Planned, PlanError> {
        let element = self.value(element)?;
        let part = self.part(element)?;
        // Both are below 2^28 when the product is, because no value takes 0 bytes.
        let size = bounded(part.layout.size.saturating_mul(count))?;
        let mut planned = Planned {
            layout: Layout { size, ..part.layout },
            flat: repeated(part.flat.as_deref(), count),
            wire_min: part.wire_min.saturating_mul(count),
            plain: part.plain,
            ..Planned::whole()
        };
        if !part.plain && count <= Moves::MOST {
            let parts = (0..count).map(|index| Some((index * part.layout.size, Moves::of(part)?)));
            planned.moves =
                parts.collect::<Option<Vec<_>>>().and_then(|parts| Moves::gather(size, parts));
        }
        planned.include(part);
        planned.node = Node::FixedList { element, count };
        Ok(planned)
    }

    fn record(&mut self, fields: Box<[NodeId]>) -> Result<Planned, PlanError> {
        let mut sequence = Sequence::new();
        let mut steps = Vec::new();
        let mut flat = Some(Vec::new());
        let mut planned = Planned { wire_min: 0, ..Planned::whole() };
        let mut plain = true;
        let mut moves = Some(Vec::new());
        for &field in &fields {
            let part = self.part(field)?;
            let offset = sequence.place(part.layout)?;
            add_step(&mut steps, offset, field, part);
            flat = extended(flat, part.flat.as_deref());
            plain &= part.plain;
            moves = moves.zip(Moves::of(part)).map(|(mut moves, part)| {
                moves.push((offset, part));
                moves
            });
            planned.wire_min = planned.wire_min.saturating_add(part.wire_min);
            planned.include(part);
        }
        planned.layout = sequence.finish()?;
        // One copy that covers the record is a record without padding.
        planned.plain = plain
            && matches!(steps.as_slice(), [Step { offset: 0, action: Action::Copy(len) }]
                if *len == planned.layout.size);
        planned.moves = moves
            .filter(|_| !planned.plain)
            .and_then(|moves| Moves::gather(planned.layout.size, moves));
        planned.flat = flat.map(Vec::into_boxed_slice);
        planned.node = Node::Record { fields, steps: steps.into_boxed_slice() };
        Ok(planned)
    }

    fn variant(
        &mut self,
        payloads: impl ExactSizeIterator<Item = Option<ValueType>>,
    ) -> Result<Planned, PlanError> {
        let size = discriminant_size(count(payloads.len())?);
        let mut cases = Vec::with_capacity(payloads.len());
        let mut payload = Layout { size: 0, align: 1 };
        let mut joined = Some(Vec::new());
        let mut planned = Planned::whole();
        for ty in payloads {
            let case = ty.map(|ty| self.value(ty)).transpose()?;
            if let Some(case) = case {
                let part = self.part(case)?;
                payload.size = payload.size.max(part.layout.size);
                payload.align = payload.align.max(part.layout.align);
                joined = join(joined, part.flat.as_deref());
                planned.include(part);
            }
            cases.push(case);
        }
        let payload_offset = align_to(size, payload.align);
        let align = payload.align.max(size);
        let end = bounded(payload_offset.saturating_add(payload.size))?;
        planned.layout = Layout { size: bounded(align_to(end, align))?, align };
        planned.flat = extended(Some(Vec::from([CoreType::I32])), joined.as_deref())
            .map(Vec::into_boxed_slice);
        planned.node = Node::Variant { size, payload_offset, cases: cases.into_boxed_slice() };
        Ok(planned)
    }

    /// A node that was made before.
    fn part(&self, id: NodeId) -> Result<&Planned, PlanError> {
        self.node(id).ok_or(PlanError::TooManyTypes)
    }

    fn push(&mut self, planned: Planned) -> Result<NodeId, PlanError> {
        if planned.depth > self.limits.depth {
            return Err(PlanError::TooDeep);
        }
        let id = count(self.nodes.len())?;
        if id >= self.limits.nodes {
            return Err(PlanError::TooManyTypes);
        }
        self.nodes.push(planned);
        Ok(NodeId(id))
    }
}

fn count(len: usize) -> Result<u32, PlanError> {
    u32::try_from(len).map_err(|_| PlanError::TooManyTypes)
}

fn scalar(scalar: Scalar, flat: CoreType) -> Planned {
    let size = scalar.size();
    let leaf = Planned::leaf(Node::Scalar(scalar), Layout::natural(size), &[flat]);
    Planned { wire_min: size, plain: scalar.is_plain(), ..leaf }
}

fn flags(labels: u32) -> Result<Planned, PlanError> {
    let words = labels.div_ceil(32);
    let last_mask = match labels % 32 {
        0 => u32::MAX,
        used => (1_u32 << used) - 1,
    };
    let layout = Layout::flags(words, labels);
    bounded(layout.size)?;
    let flat = (words as usize <= MAX_FLAT_PARAMETERS)
        .then(|| core::iter::repeat_n(CoreType::I32, words as usize).collect());
    let leaf = Planned::leaf(Node::Flags { words, last_mask }, layout, &[]);
    Ok(Planned { flat, wire_min: words.saturating_mul(4), ..leaf })
}

/// Adds a field to the steps of its record, to the last copy if it continues it.
fn add_step(steps: &mut Vec<Step>, offset: u32, field: NodeId, part: &Planned) {
    if !part.plain {
        steps.push(Step { offset, action: Action::Value(field) });
        return;
    }
    if let Some(Step { offset: start, action: Action::Copy(len) }) = steps.last_mut()
        && start.saturating_add(*len) == offset
    {
        *len = len.saturating_add(part.layout.size);
        return;
    }
    steps.push(Step { offset, action: Action::Copy(part.layout.size) });
}

pub(super) type Flat = Option<Vec<CoreType>>;

/// Appends flat types as long as they are few enough to be passed flat.
pub(super) fn extended(flat: Flat, more: Option<&[CoreType]>) -> Flat {
    let mut flat = flat?;
    flat.extend_from_slice(more?);
    (flat.len() <= MAX_FLAT_PARAMETERS).then_some(flat)
}

/// So many times the same flat types, as long as they are few enough to be passed flat.
fn repeated(flat: Option<&[CoreType]>, count: u32) -> Option<Box<[CoreType]>> {
    let (flat, count) = (flat?, count as usize);
    (flat.len().saturating_mul(count) <= MAX_FLAT_PARAMETERS)
        .then(|| flat.repeat(count).into_boxed_slice())
}

/// Joins the flat types of one more case into those of the cases before.
fn join(joined: Flat, case: Option<&[CoreType]>) -> Flat {
    let (mut joined, case) = (joined?, case?);
    for (position, &ty) in case.iter().enumerate() {
        match joined.get_mut(position) {
            Some(present) => *present = present.join(ty),
            None => joined.push(ty),
        }
    }
    Some(joined)
}
