//! Exports under other names: those of the component model have characters that many languages
//! cannot spell in a name.

use crate::mistake::mistake;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{Export, ExternalKind, Parser, Payload};

/// Renames exports of a core module, by their present names.
///
/// # Errors
/// If the module is malformed, or has no export of a name.
pub fn rename(module: &[u8], names: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut out = Module::new();
    let mut found = 0;
    for part in Parser::new(0).parse_all(module) {
        let part = part?;
        if let Payload::ExportSection(exports) = &part {
            let mut section = ExportSection::new();
            for export in exports.clone() {
                let Export { name, kind, index } = export?;
                let renamed = names.get(name);
                found += usize::from(renamed.is_some());
                section.export(renamed.map_or(name, String::as_str), encoded(kind)?, index);
            }
            out.section(&section);
        } else if let Some((id, range)) = part.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = module.get(range).context("a section outside the module")?;
            out.section(&RawSection { id, data });
        }
    }
    if found != names.len() {
        let known = exported(module)?;
        let missing: Vec<_> = names.keys().filter(|name| !known.contains(name)).collect();
        mistake!("atoll.toml: [build.exports] names what the module does not export: {missing:?}");
    }
    Ok(out.finish())
}

fn encoded(kind: ExternalKind) -> Result<ExportKind> {
    Ok(match kind {
        ExternalKind::Func => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        other => mistake!("an export of the kind {other:?} cannot be renamed"),
    })
}

/// The names of a module's exports.
fn exported(module: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for part in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = part? {
            for export in exports {
                names.push(export?.name.to_owned());
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(from: &str, to: &str) -> Result<Vec<String>> {
        let text = r#"(module
            (memory (export "memory") 1)
            (func (export "blink") (result i32) (i32.const 7)))"#;
        let names = BTreeMap::from([(from.to_owned(), to.to_owned())]);
        let module = rename(&wat::parse_str(text)?, &names)?;
        wasmparser::validate(&module)?;
        exported(&module)
    }

    #[test]
    fn only_the_name_changes() {
        assert_eq!(renamed("blink", "a:b/c#d").unwrap(), ["memory", "a:b/c#d"]);
    }

    #[test]
    fn what_is_not_exported_is_named() {
        let error = renamed("wink", "a:b/c#d").unwrap_err().to_string();
        assert!(error.contains("wink"), "{error}");
    }
}
