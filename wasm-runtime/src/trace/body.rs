//! What is added to one function body.
//!
//! The cursor points to the slot that the next call may use, and a function leaves it as it found
//! it. There are two ways to write the site of a call into the slot and have the cursor behind it
//! meanwhile. A function with few calls, none of them in a loop, does both at each call, so that
//! paths without calls cost nothing ([`Shape::Few`]). One with many moves the cursor when it is
//! entered and back where it leaves, and a call only writes its site; until the first, the slot
//! has the site of the function's beginning ([`Shape::Many`]). A call that never returns
//! (`unreachable` follows it) does not move the cursor back. `unreachable` writes its own site:
//! into the function's slot if it has one, else into the cell of the trap.
//!
//! Whatever is added leaves the operands as they are, so it fits everywhere, in code that is never
//! reached too.

use super::{
    SLOT, TRAP_CELL,
    scan::{Bounds, Kind, Scanner, Strange},
};
use alloc::vec::Vec;

const UNREACHABLE: u8 = 0x00;
const LOCAL_GET: u8 = 0x20;
const LOCAL_TEE: u8 = 0x22;
const GLOBAL_GET: u8 = 0x23;
const GLOBAL_SET: u8 = 0x24;
const I32_STORE: u8 = 0x36;
const I32_CONST: u8 = 0x41;
const I32_ADD: u8 = 0x6a;
const I32: u8 = 0x7f;

/// Calls that return, outside of loops, that make not yet many.
const FEW_CALLS: u32 = 2;

/// How a function records its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It calls nothing and has no `unreachable`. Calls of it are not recorded either: that a
    /// fault was in it is told from what its caller recorded.
    Silent,
    /// None of its calls returns.
    Ending,
    /// Its calls that return are few, or it leaves by branches to its end.
    Few,
    /// It calls in a loop or from many places.
    Many,
}

/// What the added instructions refer to, and what shifts because of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// Index of the trace's memory.
    pub memory: u32,
    /// Index of the cursor; the module's own globals from there on move up by one.
    pub cursor: u32,
}

/// An instruction that something is added to, or that changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    start: u32,
    end: u32,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A call, of a function that is known by its index or through a table; whether it returns.
    Call(Option<u32>, bool),
    Leave,
    Unreachable,
    Global(u32),
}

/// A function body as it stands in the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    /// From the declarations of locals to the last `end`.
    pub bytes: &'a [u8],
    /// Where its first instruction stands.
    pub code: usize,
    pub bounds: Bounds,
}

impl Body<'_> {
    /// Whether it has an instruction that changes a table.
    pub(super) fn changes_tables(&self) -> Result<bool, Strange> {
        let mut scanner = Scanner::new(self.bytes, self.code, self.bounds);
        let mut changes = false;
        while let Some(instruction) = scanner.next()? {
            changes |= instruction.kind == Kind::ChangesTable;
        }
        Ok(changes)
    }

    /// Reads the whole body, whose events are appended to `events`.
    pub(super) fn read(
        &self,
        places: Places,
        loops: &mut Vec<bool>,
        events: &mut Vec<Event>,
    ) -> Result<Shape, Strange> {
        let mut scanner = Scanner::new(self.bytes, self.code, self.bounds);
        let (mut returning, mut repeated, mut branches, mut silent) = (0_u32, false, false, true);
        let mut open = 0_u32;
        loops.clear();
        while let Some(instruction) = scanner.next()? {
            let what = match instruction.kind {
                kind @ (Kind::Call(_) | Kind::CallIndirect) => {
                    silent = false;
                    let returns = self.bytes.get(instruction.end) != Some(&UNREACHABLE);
                    if returns {
                        returning = returning.saturating_add(1);
                        repeated |= open > 0;
                    }
                    let callee = if let Kind::Call(index) = kind { Some(index) } else { None };
                    What::Call(callee, returns)
                }
                Kind::Leave => What::Leave,
                Kind::Unreachable => {
                    silent = false;
                    What::Unreachable
                }
                Kind::Global(index) if index >= places.cursor => What::Global(index),
                kind => {
                    match kind {
                        Kind::Branch => branches = true,
                        Kind::Block => loops.push(false),
                        Kind::Loop => {
                            loops.push(true);
                            open += 1;
                        }
                        Kind::End if loops.pop() == Some(true) => open = open.saturating_sub(1),
                        _ => {}
                    }
                    continue;
                }
            };
            let start = u32::try_from(instruction.start).map_err(|_| Strange)?;
            let end = u32::try_from(instruction.end).map_err(|_| Strange)?;
            events.push(Event { start, end, what });
        }
        Ok(match returning {
            0 if silent => Shape::Silent,
            0 => Shape::Ending,
            1..=FEW_CALLS if !repeated => Shape::Few,
            _ if branches => Shape::Few,
            _ => Shape::Many,
        })
    }
}

/// Writes bodies.
pub(super) struct Editor<'a> {
    pub places: Places,
    /// Functions that the module imports, of which nothing is known.
    pub imported: u32,
    /// Of the functions that it defines.
    pub shapes: &'a [Shape],
}

impl Editor<'_> {
    fn is_silent(&self, function: Option<u32>) -> bool {
        let defined = function.and_then(|function| function.checked_sub(self.imported));
        let shape = defined.and_then(|index| self.shapes.get(index as usize));
        shape == Some(&Shape::Silent)
    }

    /// Appends a body to `out` that records its calls. Its first byte has the number `position`,
    /// from which sites are counted.
    pub(super) fn write(
        &self,
        body: &Body<'_>,
        events: &[Event],
        shape: Shape,
        position: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), Strange> {
        let site = |at: u32| position.checked_add(at).ok_or(Strange);
        let begin = u32::try_from(body.code).map_err(|_| Strange)?;
        let last = u32::try_from(body.bytes.len()).ok().and_then(|len| len.checked_sub(1));
        let last = last.ok_or(Strange)?;
        let between =
            |start: u32, end: u32| body.bytes.get(start as usize..end as usize).ok_or(Strange);
        let mut code = Code { places: self.places, base: body.bounds.locals, shape, out };
        code.begin(between(0, begin)?, site(begin)?)?;
        let (mut copied, mut told) = (begin, None);
        for Event { start, end, what } in events {
            let text = between(*start, *end)?;
            match what {
                What::Call(callee, _) if self.is_silent(*callee) => continue,
                What::Leave if shape != Shape::Many => continue,
                // The call before it has said where, and should not have come back.
                What::Unreachable if told == Some(*start) => continue,
                _ => code.out.extend_from_slice(between(copied, *start)?),
            }
            match what {
                What::Call(_, returns) => {
                    code.call(text, site(*start)?, *returns);
                    told = (!returns).then_some(*end);
                }
                What::Leave => {
                    code.move_back();
                    code.out.extend_from_slice(text);
                }
                What::Unreachable => {
                    code.trap(site(*start)?);
                    code.out.extend_from_slice(text);
                }
                What::Global(index) => {
                    code.out.extend(text.first());
                    number(code.out, index.checked_add(1).ok_or(Strange)?);
                }
            }
            copied = *end;
        }
        code.out.extend_from_slice(between(copied, last)?);
        if shape == Shape::Many {
            code.move_back();
        }
        code.out.extend_from_slice(between(last, last + 1)?);
        Ok(())
    }
}

/// A body that is being written.
struct Code<'o> {
    places: Places,
    /// The local with the cursor as the function found it.
    base: u32,
    shape: Shape,
    out: &'o mut Vec<u8>,
}

impl Code<'_> {
    /// The declarations of locals, with one more where it is needed, and what is done at once.
    fn begin(&mut self, declared: &[u8], site: u32) -> Result<(), Strange> {
        if matches!(self.shape, Shape::Silent | Shape::Ending) {
            self.out.extend_from_slice(declared);
            return Ok(());
        }
        let (groups, rest) = leading_number(declared).ok_or(Strange)?;
        number(self.out, groups.checked_add(1).ok_or(Strange)?);
        self.out.extend_from_slice(rest);
        self.out.extend([1, I32]);
        if self.shape == Shape::Many {
            self.one(GLOBAL_GET, self.places.cursor);
            self.one(LOCAL_TEE, self.base);
            self.store(site);
            self.one(LOCAL_GET, self.base);
            self.move_on();
        }
        Ok(())
    }

    fn one(&mut self, instruction: u8, index: u32) {
        self.out.push(instruction);
        number(self.out, index);
    }

    fn call(&mut self, text: &[u8], site: u32, returns: bool) {
        if self.shape == Shape::Many {
            self.one(LOCAL_GET, self.base);
            self.store(site);
            self.out.extend_from_slice(text);
            return;
        }
        self.one(GLOBAL_GET, self.places.cursor);
        if returns {
            self.one(LOCAL_TEE, self.base);
        }
        self.store(site);
        if returns {
            self.one(LOCAL_GET, self.base);
        } else {
            self.one(GLOBAL_GET, self.places.cursor);
        }
        self.move_on();
        self.out.extend_from_slice(text);
        if returns {
            self.move_back();
        }
    }

    /// Says where the trap is.
    fn trap(&mut self, site: u32) {
        if self.shape == Shape::Many {
            self.one(LOCAL_GET, self.base);
        } else {
            self.out.push(I32_CONST);
            number(self.out, TRAP_CELL);
        }
        self.store(site);
    }

    /// Moves the cursor behind the slot whose address is on the stack.
    fn move_on(&mut self) {
        self.out.push(I32_CONST);
        number(self.out, SLOT);
        self.out.push(I32_ADD);
        self.one(GLOBAL_SET, self.places.cursor);
    }

    /// Moves the cursor back to where the function found it.
    fn move_back(&mut self) {
        self.one(LOCAL_GET, self.base);
        self.one(GLOBAL_SET, self.places.cursor);
    }

    /// Writes a site to the address on the stack.
    fn store(&mut self, site: u32) {
        const ALIGNED: u8 = 2;
        const NAMES_MEMORY: u8 = 1 << 6;
        self.out.push(I32_CONST);
        signed(self.out, site.cast_signed());
        match self.places.memory {
            0 => self.out.extend([I32_STORE, ALIGNED]),
            memory => {
                self.out.extend([I32_STORE, ALIGNED | NAMES_MEMORY]);
                number(self.out, memory);
            }
        }
        self.out.push(0);
    }
}

/// Small numbers are the same, signed or not.
const _: () = assert!(SLOT < 64 && TRAP_CELL < 64);

/// Appends an unsigned number.
pub(crate) fn number(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number.
fn signed(out: &mut Vec<u8>, mut value: i32) {
    while !(-0x40..0x40).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

/// The number at the beginning, and what follows it.
pub(crate) fn leading_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u32;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
