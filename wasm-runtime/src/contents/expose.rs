//! Gives a core module exports for what it keeps to itself: memories, globals that change, tables.

use alloc::vec::Vec;

use wasmparser::{GlobalSectionReader, ImportSectionReader, Parser, Payload, TypeRef};

use super::{Part, name};
use crate::trace::{Strange, changes_tables, leading_number, number, section};

const EXPORT_SECTION: u8 = 7;
/// The sections that come after the exports.
const LATER: [u8; 5] = [8, 9, 10, 11, 12];
/// Bytes of `\0asm` and the version.
const PREAMBLE: usize = 8;

/// How many of each a module exports under the names of [`super::name`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exposed {
    pub memories: u32,
    pub globals: u32,
    pub tables: u32,
    /// Whether its code has instructions that change tables.
    pub changes_tables: bool,
}

/// What a module's sections say, as far as it matters here.
#[derive(Default)]
struct Summary<'a> {
    /// Number and content of each section but the custom ones, in order.
    sections: Vec<(u8, &'a [u8])>,
    /// Memories, globals and tables that it imports.
    imported: [u32; 3],
    memories: u32,
    tables: u32,
    /// Indexes of the globals that it defines and that change.
    globals: Vec<u32>,
}

/// Adds the exports; `None` if the module is stranger than can be dealt with.
pub(crate) fn expose(module: &[u8]) -> Option<(Vec<u8>, Exposed)> {
    let summary = Summary::read(module).ok()?;
    let exposed = Exposed {
        memories: summary.memories,
        globals: u32::try_from(summary.globals.len()).ok()?,
        tables: summary.tables,
        changes_tables: changes_tables(module)?,
    };
    Some((summary.write(module).ok()?, exposed))
}

impl<'a> Summary<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Strange> {
        let mut summary = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ImportSection(section) => summary.imports(section)?,
                Payload::TableSection(section) => summary.tables = section.count(),
                Payload::MemorySection(section) => summary.memories = section.count(),
                Payload::GlobalSection(section) => summary.globals(section)?,
                _ => {}
            }
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

    fn imports(&mut self, section: &ImportSectionReader<'_>) -> Result<(), Strange> {
        let [memories, globals, tables] = &mut self.imported;
        for import in section.clone().into_imports() {
            match import?.ty {
                TypeRef::Memory(_) => *memories += 1,
                TypeRef::Global(_) => *globals += 1,
                TypeRef::Table(_) => *tables += 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn globals(&mut self, section: &GlobalSectionReader<'_>) -> Result<(), Strange> {
        let [_, imported, _] = self.imported;
        for (index, global) in (imported..).zip(section.clone()) {
            if global?.ty.mutable {
                self.globals.push(index);
            }
        }
        Ok(())
    }

    fn write(&self, module: &[u8]) -> Result<Vec<u8>, Strange> {
        let mut out = Vec::with_capacity(module.len().saturating_add(256));
        out.extend_from_slice(module.get(..PREAMBLE).ok_or(Strange)?);
        let mut exported = false;
        for (id, content) in &self.sections {
            if !exported && (*id == EXPORT_SECTION || LATER.contains(id)) {
                exported = true;
                let before = if *id == EXPORT_SECTION { *content } else { &[0] };
                section(&mut out, EXPORT_SECTION, |out| self.exports(before, out))?;
            }
            if *id != EXPORT_SECTION {
                section(&mut out, *id, |out| {
                    out.extend_from_slice(content);
                    Ok(())
                })?;
            }
        }
        if !exported {
            section(&mut out, EXPORT_SECTION, |out| self.exports(&[0], out))?;
        }
        Ok(out)
    }

    /// The exports that there were, and those that are added.
    fn exports(&self, before: &[u8], out: &mut Vec<u8>) -> Result<(), Strange> {
        let [first_memory, _, first_table] = self.imported;
        let (count, before) = leading_number(before).ok_or(Strange)?;
        let memories = (first_memory..).take(self.memories as usize).map(|at| (Part::Memory, at));
        let globals = self.globals.iter().map(|at| (Part::Global, *at));
        let tables = (first_table..).take(self.tables as usize).map(|at| (Part::Table, at));
        let added = self.memories.checked_add(self.tables);
        let added = added.and_then(|added| added.checked_add(self.globals.len() as u32));
        number(out, added.and_then(|added| added.checked_add(count)).ok_or(Strange)?);
        out.extend_from_slice(before);
        let mut next = [0_u32; 3];
        let [memory, global, table] = &mut next;
        for (part, index) in memories.chain(globals).chain(tables) {
            let (kind, next) = match part {
                Part::Table => (1, &mut *table),
                Part::Memory => (2, &mut *memory),
                Part::Global => (3, &mut *global),
            };
            let name = name(part, *next);
            *next += 1;
            number(out, name.len() as u32);
            out.extend_from_slice(name.as_bytes());
            out.push(kind);
            number(out, index);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Exposed, expose};
    use alloc::{string::String, vec::Vec};

    fn exports(text: &str) -> (Vec<String>, Exposed) {
        let module = wat::parse_str(text).expect("well formed");
        let (bytes, exposed) = expose(&module).expect("not strange");
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, &bytes).expect("valid");
        (module.exports().map(|export| export.name().into()).collect(), exposed)
    }

    #[test]
    fn what_a_module_defines_is_exported_and_what_it_imports_is_not() {
        let (mut names, exposed) = exports(
            r#"(module
            (import "a" "m" (memory 1)) (import "a" "g" (global (mut i32)))
            (import "a" "t" (table 1 funcref))
            (memory 1) (global i32 (i32.const 1)) (global (mut i64) (i64.const 1)) (table 2 funcref)
            (global (mut f32) (f32.const 1))
            (func (export "f") (table.set 1 (i32.const 0) (ref.null func))))"#,
        );
        names.sort();
        let expected = ["Global 0", "Global 1", "Memory 0", "Table 0"];
        let expected = expected.map(|name| alloc::format!("atoll:layout {name}"));
        assert_eq!(names, [&expected[..], &["f".into()]].concat());
        let counts = Exposed { memories: 1, globals: 2, tables: 1, changes_tables: true };
        assert_eq!(exposed, counts);
    }

    #[test]
    fn modules_without_exports_get_some_at_the_right_place() {
        for rest in ["", "(func $f) (start $f)", "(data (i32.const 0) \"x\")"] {
            let text = alloc::format!("(module (memory 1) {rest})");
            let (names, exposed) = exports(&text);
            assert_eq!(names, ["atoll:layout Memory 0"]);
            assert_eq!(exposed, Exposed { memories: 1, ..Exposed::default() });
        }
        assert_eq!(exports("(module)").1, Exposed::default());
    }

    #[test]
    fn every_instruction_that_changes_a_table_counts_and_no_other() {
        for (code, changes) in [
            ("(table.set (i32.const 0) (ref.null func))", true),
            ("(drop (table.grow (ref.null func) (i32.const 0)))", true),
            ("(table.fill (i32.const 0) (ref.null func) (i32.const 0))", true),
            ("(table.copy (i32.const 0) (i32.const 0) (i32.const 0))", true),
            ("(table.init $e (i32.const 0) (i32.const 0) (i32.const 0))", true),
            ("(drop (table.get (i32.const 0))) (drop (table.size)) (elem.drop $e)", false),
            (
                "(call_indirect (i32.const 0)) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))",
                false,
            ),
        ] {
            let text = alloc::format!(
                "(module (memory 1) (table 1 funcref) (elem $e func $f) (func $f {code}))"
            );
            assert_eq!(exports(&text).1.changes_tables, changes, "{code}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let module = wat::parse_str(
            "(module (memory 1) (table 1 funcref) (global (mut i32) (i32.const 1)) (func))",
        );
        let module = module.expect("well formed");
        for at in 0..module.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = module.clone();
                damaged[at] = byte;
                let _ = expose(&damaged);
            }
            let _ = expose(&module[..at]);
        }
    }
}
