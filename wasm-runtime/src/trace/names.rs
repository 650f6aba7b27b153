//! Functions and their names, looked up in a component's binary after a trap.
//!
//! The binary was accepted when it was loaded, but its custom sections were not looked at: names
//! may be missing, malformed or hostile. What cannot be read is treated as missing, and what is
//! read is cut and made printable.

use alloc::{boxed::Box, format, string::String};
use core::fmt::{self, Write};

use wasmparser::{
    Encoding, ExportSectionReader, ExternalKind, FunctionBody, KnownCustom, Name, Parser, Payload,
    TypeRef,
};

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

/// Finds the functions that the frames' offsets are in and gives them names. Gives back the
/// function that the instruction at offset `callee` calls, unless it does so through a table or the
/// function is imported.
pub(super) fn describe(
    component: &[u8],
    frames: &mut [Frame],
    callee: Option<u32>,
) -> Option<Function> {
    let mut found = None;
    each_payload(component, |module, payload| {
        if let Payload::CodeSectionEntry(body) = payload {
            let here = |site: &u32| body.range().contains(&u64::from(*site));
            for frame in frames.iter_mut().filter(|frame| here(&frame.offset)) {
                frame.function = Some(Box::new(module.function()));
            }
            if let Some(site) = callee.filter(here) {
                found = module.callee(body, site);
            }
        }
    });
    each_payload(component, |module, payload| {
        let functions = frames.iter_mut().filter_map(|frame| frame.function.as_deref_mut());
        for function in
            functions.chain(&mut found).filter(|function| function.module == module.number)
        {
            module.name(payload, function);
        }
    });
    found
}

/// The core module that is being read.
struct Module<'a> {
    number: u32,
    offset: u32,
    imported: u32,
    /// Bodies so far.
    bodies: u32,
    exports: Option<ExportSectionReader<'a>>,
}

/// Shows what core modules consist of; ends early where the binary cannot be read.
fn each_payload<'a>(component: &'a [u8], mut visit: impl FnMut(&Module<'a>, &Payload<'a>)) {
    let mut numbers = 0..;
    let mut module = None;
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { return };
        if let Payload::Version { encoding: Encoding::Module, range, .. } = &payload {
            let offset = u32::try_from(range.start).unwrap_or_default();
            let number = numbers.next().unwrap_or_default();
            module = Some(Module { number, offset, imported: 0, bodies: 0, exports: None });
        }
        let Some(current) = &mut module else { continue };
        current.read(&payload);
        visit(current, &payload);
        if let Payload::End(_) = payload {
            module = None;
        }
    }
}

impl<'a> Module<'a> {
    fn read(&mut self, payload: &Payload<'a>) {
        match payload {
            Payload::ImportSection(section) => {
                let imports = section.clone().into_imports().map_while(Result::ok);
                let functions = imports.filter(|import| matches!(import.ty, TypeRef::Func(_)));
                self.imported = u32::try_from(functions.count()).unwrap_or(u32::MAX);
            }
            Payload::ExportSection(section) => self.exports = Some(section.clone()),
            Payload::CodeSectionEntry(_) => self.bodies = self.bodies.saturating_add(1),
            _ => {}
        }
    }

    /// The function whose body was read last.
    fn function(&self) -> Function {
        self.numbered(self.imported.saturating_add(self.bodies.saturating_sub(1)))
    }

    fn numbered(&self, index: u32) -> Function {
        Function { module: self.number, module_offset: self.offset, index, name: String::new() }
    }

    /// The function that the instruction at an offset of the component calls by its index.
    fn callee(&self, body: &FunctionBody<'_>, site: u32) -> Option<Function> {
        let at = u64::from(site).checked_sub(body.range().start)?;
        let (opcode, rest) = body.as_bytes().get(usize::try_from(at).ok()?..)?.split_first()?;
        let (index, _) = leading_number(rest).filter(|_| *opcode == CALL)?;
        (index >= self.imported).then(|| self.numbered(index))
    }

    /// Gives a function of the module a name, if this payload has one; at the end of the module at
    /// last that of an export, or a number.
    fn name(&self, payload: &Payload<'_>, function: &mut Function) {
        match payload {
            Payload::CustomSection(section) => {
                let KnownCustom::Name(section) = section.as_known() else { return };
                for part in section.into_iter().map_while(Result::ok) {
                    let Name::Function(names) = part else { continue };
                    let mut names = names.into_iter().map_while(Result::ok);
                    if let Some(naming) = names.find(|naming| naming.index == function.index) {
                        function.name = printable(naming.name);
                    }
                }
            }
            Payload::End(_) if function.name.is_empty() => {
                let exports = self.exports.iter().flat_map(|section| section.clone());
                let mut exports = exports.map_while(Result::ok);
                let export = exports.find(|export| {
                    (export.kind, export.index) == (ExternalKind::Func, function.index)
                });
                function.name = match export {
                    Some(export) => printable(export.name),
                    None => format!("function {}", function.index),
                };
            }
            _ => {}
        }
    }
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
