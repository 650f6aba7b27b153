//! The allocator of a C program, exported for the adapter.
//!
//! The adapter keeps its state in the module's memory. It asks the export `cabi_realloc` for the
//! place and, where that is missing, takes new pages. C libraries before 2023 (Debian's of 2022
//! among them) take all the memory that is there at the first `malloc` for the heap, with the
//! adapter's pages in it, and overwrite them. So a module with such a heap gets the export, on its
//! own allocator, which its name section tells.

use anyhow::{Context, Result};
use wasmparser::{Encoding, KnownCustom, Name, Parser, Payload, TypeRef, ValType};

/// What the adapter asks for.
const EXPORT: &str = "cabi_realloc";
/// Its type, as bytes: four numbers to one.
const EXPORT_TYPE: [u8; 8] = [0x60, 4, I32, I32, I32, I32, 1, I32];

/// Sections that get one more entry.
const TYPES: u8 = 1;
const FUNCTIONS: u8 = 3;
const EXPORTS: u8 = 7;
const CODE: u8 = 10;

const I32: u8 = 0x7f;

/// What there is in a module, as far as it matters here.
#[derive(Debug, Default)]
struct Contents {
    /// Parameters and results that are all `i32`, by type; none for other types.
    types: Vec<Option<(usize, usize)>>,
    /// Types of the functions, imported ones first.
    functions: Vec<u32>,
    is_exported: bool,
    realloc: Option<u32>,
    malloc: Option<u32>,
}

/// The module with the export if it needs it and can have it, else as it is.
pub(super) fn exported(module: &[u8]) -> Result<Vec<u8>> {
    let contents = Contents::read(module)?;
    match contents.body() {
        Some(body) if !contents.is_exported => contents.append(module, &body),
        _ => Ok(module.to_vec()),
    }
}

impl Contents {
    fn read(module: &[u8]) -> Result<Self> {
        let mut contents = Self::default();
        for part in Parser::new(0).parse_all(module) {
            match part? {
                Payload::TypeSection(types) => {
                    for group in types {
                        contents.types.extend(group?.into_types().map(|ty| {
                            let function = match &ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(function) => function,
                                _ => return None,
                            };
                            let all = function.params().iter().chain(function.results());
                            let counts = (function.params().len(), function.results().len());
                            all.into_iter().all(|ty| *ty == ValType::I32).then_some(counts)
                        }));
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if let TypeRef::Func(ty) = import?.ty {
                            contents.functions.push(ty);
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        contents.functions.push(ty?);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        contents.is_exported |= export?.name == EXPORT;
                    }
                }
                Payload::CustomSection(custom) => {
                    if let KnownCustom::Name(names) = custom.as_known() {
                        contents.read_names(names)?;
                    }
                }
                Payload::Version { encoding, .. } => {
                    anyhow::ensure!(encoding == Encoding::Module, "it is a component");
                }
                _ => {}
            }
        }
        Ok(contents)
    }

    fn read_names(&mut self, names: wasmparser::NameSectionReader<'_>) -> Result<()> {
        for name in names {
            let Name::Function(functions) = name? else { continue };
            for naming in functions {
                let naming = naming?;
                match naming.name {
                    "realloc" => self.realloc = Some(naming.index),
                    "malloc" => self.malloc = Some(naming.index),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whether a function takes so many numbers and gives one.
    fn takes(&self, function: u32, parameters: usize) -> bool {
        let ty = self.functions.get(function as usize);
        let ty = ty.and_then(|ty| self.types.get(*ty as usize)).copied().flatten();
        ty == Some((parameters, 1))
    }

    /// The code of the export, with its length; none if there is no allocator.
    fn body(&self) -> Option<Vec<u8>> {
        let realloc = self.realloc.filter(|function| self.takes(*function, 2));
        let malloc = self.malloc.filter(|function| self.takes(*function, 1));
        // No locals; then `realloc(old, new-size)`, or, for nothing old, `malloc(new-size)`.
        let mut code = vec![0];
        let function = match (realloc, malloc) {
            (Some(realloc), _) => {
                code.extend([0x20, 0]);
                realloc
            }
            (None, Some(malloc)) => {
                code.extend([0x20, 0, 0x04, 0x40, 0x00, 0x0b]);
                malloc
            }
            (None, None) => return None,
        };
        code.extend([0x20, 3, 0x10]);
        put(&mut code, function);
        code.push(0x0b);
        let mut body = Vec::new();
        put(&mut body, u32::try_from(code.len()).ok()?);
        body.extend(code);
        Some(body)
    }

    /// Adds the type, the function, its export and its code.
    fn append(&self, module: &[u8], body: &[u8]) -> Result<Vec<u8>> {
        let (mut ty, mut export) = (Vec::new(), Vec::new());
        put(&mut ty, u32::try_from(self.types.len())?);
        put(&mut export, u32::try_from(EXPORT.len())?);
        export.extend(EXPORT.bytes());
        export.push(0);
        put(&mut export, u32::try_from(self.functions.len())?);
        let mut out = module.get(..8).context("it has no header")?.to_vec();
        for part in Parser::new(0).parse_all(module) {
            // The bodies come once more, one by one, after their section.
            let Some((id, range)) = part?.as_section() else { continue };
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let bytes = module.get(range).context("a section is cut off")?;
            let entry: &[u8] = match id {
                TYPES => &EXPORT_TYPE,
                FUNCTIONS => &ty,
                EXPORTS => &export,
                CODE => body,
                _ => &[],
            };
            let section = if entry.is_empty() { bytes.to_vec() } else { longer(bytes, entry)? };
            out.push(id);
            put(&mut out, u32::try_from(section.len())?);
            out.extend(section);
        }
        Ok(out)
    }
}

/// A section with one entry more.
fn longer(section: &[u8], entry: &[u8]) -> Result<Vec<u8>> {
    let mut reader = wasmparser::BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let entries = section.get(reader.current_position()..).context("a section is cut off")?;
    let mut out = Vec::new();
    put(&mut out, count.checked_add(1).context("a section is full")?);
    out.extend(entries);
    out.extend(entry);
    Ok(out)
}

/// Writes a number as LEB128.
fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exported_text(text: &str) -> (Vec<u8>, Vec<u8>) {
        let module = wat::parse_str(text).unwrap();
        let made = exported(&module).unwrap();
        wasmparser::Validator::new().validate_all(&made).unwrap();
        (module, made)
    }

    /// The allocator that is exported: with other functions, imports and types around it.
    const REALLOC: &str = r#"(module
        (import "a" "b" (func (param i64)))
        (func $malloc (param i32) (result i32) (i32.const 4))
        (func $realloc (param i32 i32) (result i32) (local.get 1))
        (export "x" (func $malloc))
        (memory 1))"#;

    #[test]
    fn an_allocator_that_has_a_name_is_exported() {
        let (_, made) = exported_text(REALLOC);
        let contents = Contents::read(&made).unwrap();
        assert!(contents.is_exported);
        assert!(contents.takes(contents.functions.len() as u32 - 1, 4));
        let (_, made) = exported_text(&REALLOC.replace("$realloc", "$other"));
        assert!(Contents::read(&made).unwrap().is_exported, "malloc alone will do");
    }

    #[test]
    fn other_modules_stay_as_they_are() {
        let nameless = REALLOC.replace("$realloc", "$other").replace("$malloc", "$more");
        let wrong =
            REALLOC.replace("$malloc", "$more").replace("(param i32 i32)", "(param i32 f32)");
        let wrong = wrong.replace("(local.get 1)", "(local.get 0)");
        let already = REALLOC.replace("\"x\"", "\"cabi_realloc\"");
        for text in [nameless, wrong, already] {
            let (module, made) = exported_text(&text);
            assert_eq!(module, made, "{text}");
        }
    }
}
