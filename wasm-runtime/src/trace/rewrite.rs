//! Rewrites a core module so that it records its calls in the domain's trace.
//!
//! The trace's memory and cursor become the module's last imports. Function indexes stay, and so
//! do those of memories: memories that the module defined become imports too, in their order and
//! before the trace's, so that the guest's first memory stays the first, which the interpreter
//! reaches fastest. Globals that the module defines move up by one. Custom sections are left out.

use alloc::vec::Vec;

use wasmparser::{
    Export, ExternalKind, FunctionBody, MemoryType, Parser, Payload, SectionLimited, TypeRef,
};

use super::body::{Body, Editor, Event, Places, Shape, leading_number, number};
use super::scan::{Bounds, Strange};

const IMPORT_SECTION: u8 = 2;
const MEMORY_SECTION: u8 = 5;
const EXPORT_SECTION: u8 = 7;
const CODE_SECTION: u8 = 10;
/// Bytes of `\0asm` and the version.
const PREAMBLE: usize = 8;
/// Most times that a module may grow.
const MAX_GROWTH: usize = 4;
/// Bytes by which a module may grow besides: small ones consist of calls.
const GROWTH: usize = 16 * 1024;

/// A module that records its calls.
#[derive(Debug)]
pub struct Rewritten {
    /// Its binary.
    pub bytes: Vec<u8>,
    /// Memories that it defined and imports now, before the trace's memory and cursor.
    pub memories: u32,
}

/// What a module's sections say, as far as it matters here.
#[derive(Default)]
struct Summary<'a> {
    /// Number and content of each section but the custom ones, in order.
    sections: Vec<(u8, &'a [u8])>,
    /// Parameters of each type.
    parameters: Vec<u32>,
    /// Types of the functions that it defines.
    types: Vec<u32>,
    /// Functions, memories and globals that it imports.
    imported: u32,
    memories: u32,
    globals: u32,
    memory_types: Vec<&'a [u8]>,
    exports: Option<SectionLimited<'a, Export<'a>>>,
    bodies: Vec<FunctionBody<'a>>,
}

/// What was found in the bodies.
#[derive(Default)]
struct Functions {
    shapes: Vec<Shape>,
    events: Vec<Event>,
    /// For each function the end of its events.
    ends: Vec<usize>,
}

/// Rewrites a module; `None` if nothing in it would be recorded or it is stranger than can be
/// dealt with, in which case the interpreter judges it as it is. `offset` is where it begins in
/// the component. An invalid module stays invalid.
#[must_use]
pub fn rewrite(module: &[u8], offset: u64) -> Option<Rewritten> {
    let start = u32::try_from(offset).ok()?;
    let end = start.checked_add(u32::try_from(module.len()).ok()?)?;
    // Sites are written as numbers with a sign.
    i32::try_from(end).ok()?;
    let summary = Summary::read(module).ok()?;
    let places = Places { memory: summary.all_memories(), cursor: summary.globals };
    let functions = summary.functions(places).ok()?;
    if functions.shapes.iter().all(|shape| *shape == Shape::Silent) {
        return None;
    }
    let editor = Editor { places, imported: summary.imported, shapes: &functions.shapes };
    let bytes = summary.write(module, &functions, &editor, start).ok()?;
    Some(Rewritten { bytes, memories: summary.memory_types.len() as u32 })
}

/// Whether a module's code has instructions that change tables; `None` for what [`rewrite`] leaves
/// alone.
pub(crate) fn changes_tables(module: &[u8]) -> Option<bool> {
    let summary = Summary::read(module).ok()?;
    let bodies = 0..summary.bodies.len();
    let mut changes = bodies.map(|index| summary.body(index).ok()?.changes_tables().ok());
    changes.try_fold(false, |any, changes| Some(any | changes?))
}

impl From<wasmparser::Error> for Strange {
    fn from(_: wasmparser::Error) -> Self {
        Self
    }
}

impl<'a> Summary<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Strange> {
        let mut summary = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            summary.payload(&payload, bytes)?;
            if let Some((id, range)) = payload.as_section()
                && id != 0
            {
                let start = usize::try_from(range.start).map_err(|_| Strange)?;
                let end = usize::try_from(range.end).map_err(|_| Strange)?;
                summary.sections.push((id, bytes.get(start..end).ok_or(Strange)?));
            }
        }
        Ok(summary)
    }

    fn payload(&mut self, payload: &Payload<'a>, bytes: &'a [u8]) -> Result<(), Strange> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.clone().into_iter_err_on_gc_types() {
                    self.parameters.push(u32::try_from(ty?.params().len()).map_err(|_| Strange)?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) => self.imported += 1,
                        TypeRef::Memory(_) => self.memories += 1,
                        TypeRef::Global(_) => self.globals += 1,
                        TypeRef::Table(_) => {}
                        TypeRef::Tag(_) | TypeRef::FuncExact(_) => return Err(Strange),
                    }
                }
            }
            Payload::FunctionSection(section) => {
                self.types = section.clone().into_iter().collect::<Result<_, _>>()?;
            }
            Payload::MemorySection(section) => self.memory_types = entries(section, bytes)?,
            Payload::ExportSection(section) => self.exports = Some(section.clone()),
            Payload::CodeSectionEntry(body) => self.bodies.push(body.clone()),
            _ => {}
        }
        Ok(())
    }

    /// The function with that index among those that the module defines.
    fn body(&self, index: usize) -> Result<Body<'a>, Strange> {
        let body = self.bodies.get(index).ok_or(Strange)?;
        let ty = self.types.get(index).ok_or(Strange)?;
        let mut locals = *self.parameters.get(*ty as usize).ok_or(Strange)?;
        let mut reader = body.get_locals_reader()?;
        for _ in 0..reader.get_count() {
            locals = locals.checked_add(reader.read()?.0).ok_or(Strange)?;
        }
        // The locals that are added have indexes too.
        locals.checked_add(2).ok_or(Strange)?;
        let code = reader.original_position().checked_sub(body.range().start).ok_or(Strange)?;
        Ok(Body {
            bytes: body.as_bytes(),
            code: usize::try_from(code).map_err(|_| Strange)?,
            bounds: Bounds { locals, memories: self.memories + self.memory_types.len() as u32 },
        })
    }

    fn functions(&self, places: Places) -> Result<Functions, Strange> {
        if self.bodies.len() != self.types.len() {
            return Err(Strange);
        }
        let mut functions = Functions::default();
        let mut loops = Vec::new();
        for index in 0..self.bodies.len() {
            let shape = self.body(index)?.read(places, &mut loops, &mut functions.events)?;
            functions.shapes.push(shape);
            functions.ends.push(functions.events.len());
        }
        Ok(functions)
    }

    fn all_memories(&self) -> u32 {
        self.memories.saturating_add(self.memory_types.len() as u32)
    }

    fn write(
        &self,
        module: &[u8],
        functions: &Functions,
        editor: &Editor<'_>,
        start: u32,
    ) -> Result<Vec<u8>, Strange> {
        let most = module.len().saturating_mul(MAX_GROWTH).saturating_add(GROWTH);
        let mut out = Vec::with_capacity(module.len().saturating_add(module.len() / 2));
        out.extend_from_slice(module.get(..PREAMBLE).ok_or(Strange)?);
        let mut imported = false;
        for (id, content) in &self.sections {
            if *id >= IMPORT_SECTION && !imported {
                imported = true;
                let content = if *id == IMPORT_SECTION { content } else { &[0][..] };
                section(&mut out, IMPORT_SECTION, |out| self.imports(content, out))?;
            }
            match *id {
                IMPORT_SECTION | MEMORY_SECTION => {}
                EXPORT_SECTION => {
                    section(&mut out, *id, |out| self.exports(editor.places.cursor, out))?;
                }
                CODE_SECTION => {
                    section(&mut out, *id, |out| self.code(functions, editor, start, most, out))?;
                }
                id => section(&mut out, id, |out| {
                    out.extend_from_slice(content);
                    Ok(())
                })?,
            }
        }
        Ok(out)
    }

    /// The imports that there were, the memories that were defined, the trace's memory and cursor.
    fn imports(&self, before: &[u8], out: &mut Vec<u8>) -> Result<(), Strange> {
        const NAMELESS_MEMORY: [u8; 3] = [0, 0, 2];
        const NAMELESS_GLOBAL: [u8; 3] = [0, 0, 3];
        const ANY_SIZE: [u8; 2] = [0, 0];
        const MUTABLE_I32: [u8; 2] = [0x7f, 1];
        let (count, before) = leading_number(before).ok_or(Strange)?;
        let added = self.memory_types.len() as u32 + 2;
        number(out, count.checked_add(added).ok_or(Strange)?);
        out.extend_from_slice(before);
        for ty in &self.memory_types {
            out.extend(NAMELESS_MEMORY);
            out.extend_from_slice(ty);
        }
        out.extend(NAMELESS_MEMORY);
        out.extend(ANY_SIZE);
        out.extend(NAMELESS_GLOBAL);
        out.extend(MUTABLE_I32);
        Ok(())
    }

    fn exports(&self, cursor: u32, out: &mut Vec<u8>) -> Result<(), Strange> {
        let exports = self.exports.as_ref().ok_or(Strange)?;
        number(out, exports.count());
        for export in exports.clone() {
            let Export { name, kind, index } = export?;
            number(out, u32::try_from(name.len()).map_err(|_| Strange)?);
            out.extend_from_slice(name.as_bytes());
            let (kind, index) = match kind {
                ExternalKind::Func => (0, index),
                ExternalKind::Table => (1, index),
                ExternalKind::Memory => (2, index),
                ExternalKind::Global if index < cursor => (3, index),
                ExternalKind::Global => (3, index.checked_add(1).ok_or(Strange)?),
                ExternalKind::Tag | ExternalKind::FuncExact => return Err(Strange),
            };
            out.push(kind);
            number(out, index);
        }
        Ok(())
    }

    fn code(
        &self,
        functions: &Functions,
        editor: &Editor<'_>,
        start: u32,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Strange> {
        number(out, u32::try_from(self.bodies.len()).map_err(|_| Strange)?);
        let mut written = Vec::new();
        let mut first = 0;
        for (index, (shape, end)) in functions.shapes.iter().zip(&functions.ends).enumerate() {
            let events = functions.events.get(first..*end).ok_or(Strange)?;
            first = *end;
            let range = self.bodies.get(index).ok_or(Strange)?.range();
            let position = u32::try_from(range.start).ok().and_then(|at| at.checked_add(start));
            let body = self.body(index)?;
            written.clear();
            editor.write(&body, events, *shape, position.ok_or(Strange)?, &mut written)?;
            number(out, u32::try_from(written.len()).map_err(|_| Strange)?);
            out.extend_from_slice(&written);
            if out.len() > most {
                return Err(Strange);
            }
        }
        Ok(())
    }
}

/// The bytes of each entry of a section.
fn entries<'a>(
    section: &SectionLimited<'a, MemoryType>,
    bytes: &'a [u8],
) -> Result<Vec<&'a [u8]>, Strange> {
    let mut starts = Vec::new();
    for entry in section.clone().into_iter_with_offsets() {
        starts.push(entry?.0);
    }
    let ends = starts.iter().skip(1).copied().chain([section.range().end]);
    let entry = |(start, end): (&u64, u64)| {
        let range = usize::try_from(*start).ok()?..usize::try_from(end).ok()?;
        bytes.get(range).ok_or(Strange).ok()
    };
    starts.iter().zip(ends).map(|range| entry(range).ok_or(Strange)).collect()
}

/// Appends a section whose content `write` appends.
pub(crate) fn section(
    out: &mut Vec<u8>,
    id: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Strange>,
) -> Result<(), Strange> {
    out.push(id);
    let at = out.len();
    // The longest form of a number, so that the content need not be moved when its size is known.
    out.extend([0; 5]);
    write(out)?;
    let mut size = u32::try_from(out.len() - at - 5).map_err(|_| Strange)?;
    for byte in out.get_mut(at..at + 4).unwrap_or_default() {
        *byte = size as u8 | 0x80;
        size >>= 7;
    }
    if let Some(byte) = out.get_mut(at + 4) {
        *byte = size as u8;
    }
    Ok(())
}
