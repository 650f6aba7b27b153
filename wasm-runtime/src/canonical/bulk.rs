//! Lists and strings that are the same bytes in memory and in the message, beside values of one
//! cell each: the second short way, after `quick`.
//!
//! It takes what is as it should be and nothing else. Whatever it finds wrong, or has no room for,
//! goes the long way from the start, which finds it again and has the words for it. Only once the
//! guest has allocated there is no way back.

use alloc::{boxed::Box, vec::Vec};

use super::{
    AbiError, MAX_FLAT_PARAMETERS, Options, StringEncoding, Transfer,
    compile::Compiler,
    layout::{MAX_BYTES, is_aligned},
    lower::Lower,
    plan::{Node, NodeId},
    quick::{self, Cell},
    wire::{check_utf8, u32_at},
};

/// One side of a function on this way.
#[derive(Debug)]
pub(super) struct Bulk {
    items: Box<[Item]>,
    /// Some of them are strings.
    text: bool,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Cell(Cell),
    Bytes(Bytes),
}

/// A list or a string.
#[derive(Clone, Copy, Debug)]
struct Bytes {
    /// Bytes of an element.
    element: u32,
    align: u32,
    text: bool,
    /// Number of the parameter.
    value: usize,
}

impl Bulk {
    /// This way for values, if it is one for them.
    pub(super) fn compile(compiler: &Compiler<'_>, values: &[NodeId]) -> Option<Self> {
        let mut items = Vec::new();
        let mut text = false;
        for (number, value) in values.iter().enumerate() {
            let bytes = match compiler.node(*value)?.node {
                Node::String => Some((1, 1, true)),
                Node::List(element) => {
                    let element = compiler.node(element).filter(|element| element.plain)?;
                    Some((element.layout.size, element.layout.align, false))
                }
                _ => None,
            };
            if let Some((element, align, is_text)) = bytes {
                text |= is_text;
                items.push(Item::Bytes(Bytes { element, align, text: is_text, value: number }));
            } else {
                let mut cells = Vec::new();
                quick::add(compiler, *value, &mut cells)?;
                items.extend(cells.into_iter().map(Item::Cell));
            }
            (items.len() <= MAX_FLAT_PARAMETERS).then_some(())?;
        }
        Some(Self { items: items.into_boxed_slice(), text })
    }

    /// Whether a guest with these options can go this way.
    #[inline]
    pub(super) fn suits(&self, options: &Options) -> bool {
        !self.text || options.encoding == StringEncoding::Utf8
    }

    /// Lifts cells into the outgoing message; its bytes.
    pub(super) fn lift<D: Transfer>(
        &self,
        cells: &[u64],
        memory: &[u8],
        data: &mut D,
    ) -> Option<usize> {
        let out = data.outgoing();
        let room = out.len();
        let (mut out, mut cells) = (out, cells.iter());
        for item in &self.items {
            let cell = *cells.next()?;
            out = match item {
                Item::Cell(kind) => kind.lift(cell, out).ok()?,
                Item::Bytes(bytes) => {
                    let (address, count) = (cell as u32, *cells.next()? as u32);
                    let source = memory.get(address as usize..)?.get(..bytes.len(count)?)?;
                    if !is_aligned(address, bytes.align)
                        || bytes.text && check_utf8(source).is_err()
                    {
                        return None;
                    }
                    let (target, rest) = out.split_first_chunk_mut()?;
                    *target = count.to_le_bytes();
                    let (target, rest) = rest.split_at_mut_checked(source.len())?;
                    target.copy_from_slice(source);
                    rest
                }
            };
        }
        Some(room - out.len())
    }

    /// Makes sure that a message is as it should be, to its end.
    #[inline]
    pub(super) fn check(&self, incoming: &[u8]) -> Option<()> {
        if let [Item::Bytes(bytes)] = &*self.items {
            let (count, source) = incoming.split_first_chunk()?;
            let is_right = bytes.len(u32::from_le_bytes(*count))? == source.len()
                && (!bytes.text || check_utf8(source).is_ok());
            return is_right.then_some(());
        }
        self.check_items(incoming)
    }

    fn check_items(&self, incoming: &[u8]) -> Option<()> {
        let mut at = 0;
        for item in &self.items {
            match item {
                Item::Cell(kind) => {
                    kind.lower(incoming, at).ok()?;
                    at += kind.size() as usize;
                }
                Item::Bytes(bytes) => {
                    let len = bytes.len(u32_at(incoming, at)?)?;
                    at += 4;
                    let source = incoming.get(at..)?.get(..len)?;
                    if bytes.text && check_utf8(source).is_err() {
                        return None;
                    }
                    at += len;
                }
            }
        }
        (at == incoming.len()).then_some(())
    }

    /// Lowers a message that was checked.
    ///
    /// # Errors
    /// With the number of the parameter, when the guest did not allocate as it should.
    #[inline]
    pub(super) fn lower<D: Transfer>(
        &self,
        lower: &mut Lower<'_, '_, D>,
        cells: &mut [u64],
    ) -> Result<(), (usize, Box<AbiError>)> {
        if let ([Item::Bytes(bytes)], [address, count, ..]) = (&*self.items, &mut *cells) {
            let incoming = lower.data().incoming();
            *count = u32_at(incoming, 0).unwrap_or_default().into();
            let len = incoming.len().saturating_sub(4) as u32;
            let placed = lower.place(4, len, bytes.align);
            *address = placed.map_err(|error| (bytes.value, error))?.into();
            return Ok(());
        }
        self.lower_items(lower, cells)
    }

    fn lower_items<D: Transfer>(
        &self,
        lower: &mut Lower<'_, '_, D>,
        cells: &mut [u64],
    ) -> Result<(), (usize, Box<AbiError>)> {
        let (mut at, mut cells) = (0, cells.iter_mut());
        let mut put = |cell| {
            if let Some(target) = cells.next() {
                *target = cell;
            }
        };
        for item in &self.items {
            match item {
                Item::Cell(kind) => {
                    let cell = kind.lower(lower.data().incoming(), at);
                    put(cell.map_err(|error| (0, error))?);
                    at += kind.size() as usize;
                }
                Item::Bytes(bytes) => {
                    let count = u32_at(lower.data().incoming(), at).unwrap_or_default();
                    let len = bytes.len(count).unwrap_or_default();
                    at += 4;
                    let address = lower.place(at, len as u32, bytes.align);
                    put(u64::from(address.map_err(|error| (bytes.value, error))?));
                    put(u64::from(count));
                    at += len;
                }
            }
        }
        Ok(())
    }
}

impl Bytes {
    /// Bytes of so many elements, if they are not too many.
    #[inline]
    fn len(self, count: u32) -> Option<usize> {
        count.checked_mul(self.element).filter(|len| *len <= MAX_BYTES).map(|len| len as usize)
    }
}
