//! Functions and their names, looked up in a component's binary after a trap.
//!
//! The binary was accepted when it was loaded, but its custom sections were not looked at: names
//! may be missing, malformed or hostile. What cannot be read is treated as missing, and what is
//! read is cut and made printable.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::{
    fmt::{self, Write},
    ops::Range,
};

use wasmparser::{BinaryReader, ExportSectionReader, ExternalKind, ImportSectionReader, TypeRef};

use super::{Frame, Function, body::leading_number};

/// Most characters of a name that are kept.
const MAX_NAME: usize = 96;
/// Of a longer one, so many of its beginning.
const MAX_HEAD: usize = 28;
/// What stands for the others.
const GAP: &str = "...";
/// Characters of a name that are looked at.
const MAX_READ: usize = 512;
const CALL: u8 = 0x10;
/// Bytes of `\0asm` and the version, which begin a module and a component.
const PREAMBLE: usize = 8;
/// Sections of a component.
const MODULE_SECTION: u8 = 1;
const COMPONENT_SECTION: u8 = 4;
/// Sections of a module.
const CUSTOM_SECTION: u8 = 0;
const IMPORT_SECTION: u8 = 2;
const EXPORT_SECTION: u8 = 7;
const CODE_SECTION: u8 = 10;
/// The custom section with names, and its part with those of functions.
const NAME_SECTION: &[u8] = b"name";
const FUNCTION_NAMES: u8 = 1;

/// Finds the functions that the frames' offsets are in and gives them names. Gives back the
/// function that the instruction at offset `callee` calls, unless it does so through a table or the
/// function is imported.
pub(super) fn describe(
    component: &[u8],
    frames: &mut [Frame],
    callee: Option<u32>,
) -> Option<Function> {
    let mut found = None;
    each_module(component, |number, content| {
        let here = |frame: &Frame| content.range().contains(&(frame.offset as usize));
        if !frames.iter().any(here) {
            return;
        }
        let module = Module::read(number, content);
        module.find(frames, callee, &mut found);
        let functions = frames.iter_mut().filter_map(|frame| frame.function.as_deref_mut());
        let own = |function: &&mut Function| function.module == number;
        module.name(&mut functions.chain(&mut found).filter(own).collect::<Vec<_>>());
    });
    found
}

/// A part of the component's binary and where it begins.
#[derive(Clone, Copy, Default)]
struct Part<'a> {
    start: usize,
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    const fn range(&self) -> Range<usize> {
        self.start..self.start.saturating_add(self.bytes.len())
    }

    /// Takes the first bytes.
    fn take(&mut self, count: usize) -> Option<Self> {
        let (bytes, rest) = self.bytes.split_at_checked(count)?;
        let taken = Self { start: self.start, bytes };
        *self = Self { start: self.range().start.saturating_add(count), bytes: rest };
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.bytes.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        let (number, rest) = leading_number(self.bytes)?;
        self.take(self.bytes.len().saturating_sub(rest.len()))?;
        Some(number)
    }

    /// Takes a length and so many bytes.
    fn counted(&mut self) -> Option<Self> {
        let length = self.number()?;
        self.take(length as usize)
    }

    /// Takes the number of a section and its content.
    fn section(&mut self) -> Option<(u8, Self)> {
        Some((self.byte()?, self.counted()?))
    }

    fn reader(self) -> BinaryReader<'a> {
        BinaryReader::new(self.bytes, self.start as u64)
    }
}

/// Shows the core modules with their numbers; ends early where the binary cannot be read. Only the
/// heads of sections are looked at: a domain that ends does this while its clients wait.
fn each_module<'a>(component: &'a [u8], mut visit: impl FnMut(u32, Part<'a>)) {
    let mut numbers = 0..;
    let mut around = Vec::new();
    let mut rest = Part { start: 0, bytes: component };
    let _ = rest.take(PREAMBLE);
    loop {
        match rest.section() {
            Some((MODULE_SECTION, module)) => visit(numbers.next().unwrap_or_default(), module),
            Some((COMPONENT_SECTION, mut inner)) => {
                let _ = inner.take(PREAMBLE);
                around.push(core::mem::replace(&mut rest, inner));
            }
            Some(_) => {}
            None => match around.pop() {
                Some(outer) if rest.bytes.is_empty() => rest = outer,
                _ => return,
            },
        }
    }
}

/// A core module, as far as names are concerned.
struct Module<'a> {
    number: u32,
    offset: u32,
    imported: u32,
    exports: Part<'a>,
    code: Part<'a>,
    /// Its last section with names.
    names: Part<'a>,
}

impl<'a> Module<'a> {
    fn read(number: u32, mut content: Part<'a>) -> Self {
        let offset = u32::try_from(content.start).unwrap_or_default();
        let none = Part::default();
        let mut module =
            Self { number, offset, imported: 0, exports: none, code: none, names: none };
        let _ = content.take(PREAMBLE);
        while let Some((section, mut content)) = content.section() {
            match section {
                IMPORT_SECTION => module.imported = imported_functions(content),
                EXPORT_SECTION => module.exports = content,
                CODE_SECTION => module.code = content,
                CUSTOM_SECTION => {
                    let name = content.counted();
                    if name.is_some_and(|name| name.bytes == NAME_SECTION) {
                        module.names = content;
                    }
                }
                _ => {}
            }
        }
        module
    }

    /// Finds the functions of frames, and what the instruction at `callee` calls.
    fn find(&self, frames: &mut [Frame], callee: Option<u32>, found: &mut Option<Function>) {
        let mut bodies = self.code;
        let count = bodies.number().unwrap_or_default();
        let own = frames.iter().map(|frame| frame.offset as usize);
        let last = own.filter(|site| self.code.range().contains(site)).max();
        for index in (self.imported..).take(count as usize) {
            let Some(body) = bodies.counted().filter(|body| Some(body.start) <= last) else {
                return;
            };
            let here = |site: &u32| body.range().contains(&(*site as usize));
            for frame in frames.iter_mut().filter(|frame| here(&frame.offset)) {
                frame.function = Some(Box::new(self.numbered(index)));
            }
            if let Some(site) = callee.filter(here) {
                *found = self.callee(body.bytes, (site as usize).saturating_sub(body.start));
            }
        }
    }

    const fn numbered(&self, index: u32) -> Function {
        Function { module: self.number, module_offset: self.offset, index, name: String::new() }
    }

    /// The function that the instruction at this place of a body calls by its index.
    fn callee(&self, body: &[u8], at: usize) -> Option<Function> {
        let (opcode, rest) = body.get(at..)?.split_first()?;
        let (index, _) = leading_number(rest).filter(|_| *opcode == CALL)?;
        (index >= self.imported).then(|| self.numbered(index))
    }

    /// Gives functions of the module their names: that of the name section, else that of an
    /// export, else a number.
    fn name(&self, functions: &mut [&mut Function]) {
        self.each_name(|index, name| {
            let mut named = false;
            for function in functions.iter_mut().filter(|function| function.index == index) {
                if let Ok(name) = core::str::from_utf8(name) {
                    function.name = printable(name);
                    named = true;
                }
            }
            !named || functions.iter().any(|function| function.name.is_empty())
        });
        for function in functions.iter_mut().filter(|function| function.name.is_empty()) {
            let exports = ExportSectionReader::new(self.exports.reader()).into_iter().flatten();
            let export = exports
                .map_while(Result::ok)
                .find(|export| (export.kind, export.index) == (ExternalKind::Func, function.index));
            function.name = match export {
                Some(export) => printable(export.name),
                None => format!("function {}", function.index),
            };
        }
    }

    /// Shows the name section's names of functions, with their indices, as far as it can be read
    /// and more are wanted.
    fn each_name(&self, mut more: impl FnMut(u32, &[u8]) -> bool) {
        let mut section = self.names;
        while let Some((part, mut names)) = section.section() {
            if part != FUNCTION_NAMES {
                continue;
            }
            for _ in 0..names.number().unwrap_or_default() {
                let Some(index) = names.number() else { break };
                let Some(name) = names.counted() else { break };
                if !more(index, name.bytes) {
                    return;
                }
            }
        }
    }
}

fn imported_functions(section: Part<'_>) -> u32 {
    let Ok(section) = ImportSectionReader::new(section.reader()) else { return 0 };
    let imports = section.into_imports().map_while(Result::ok);
    let functions = imports.filter(|import| matches!(import.ty, TypeRef::Func(_)));
    u32::try_from(functions.count()).unwrap_or(u32::MAX)
}

/// What is kept of a name: the path in Rust's terms, if it is one, made printable and without its
/// middle if it is long, for a path tells most by its end.
fn printable(name: &str) -> String {
    let mut text = Printable(String::new());
    // Without the hash at the end. Fails when it is cut, which ends a name however long.
    let _ = match rustc_demangle::try_demangle(name) {
        Ok(path) => write!(text, "{path:#}"),
        Err(_) => text.write_str(name),
    };
    let text = text.0;
    let tail = text.len().saturating_sub(MAX_NAME - MAX_HEAD - GAP.len());
    match (text.get(..MAX_HEAD), text.get(tail..)) {
        (Some(head), Some(tail)) if text.len() > MAX_NAME => format!("{head}{GAP}{tail}"),
        _ => text,
    }
}

/// Takes what fits.
struct Printable(String);

impl Write for Printable {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let plain = character == ' ' || character.is_ascii_graphic();
            if self.0.len() >= MAX_READ {
                return Err(fmt::Error);
            }
            if plain { self.0.push(character) } else { self.0.extend(character.escape_unicode()) }
        }
        Ok(())
    }
}
