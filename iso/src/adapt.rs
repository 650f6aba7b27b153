//! Core modules among a system's components: made components when they are packed.
//!
//! A core module that imports WASI's first preview becomes a component by the adapter that is
//! published for it: the one for commands if it exports `_start`, else the one for reactors. A core
//! module with the types of a component in it becomes that component. [`allocator`] keeps the
//! adapter's memory apart from the heap of older C libraries.

mod allocator;

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW_1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// What a command begins with.
const START: &str = "_start";

/// As what a core module was made a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapted {
    /// A program.
    Command,
    /// Something with functions to call.
    Reactor,
}

/// The file to pack for a component: itself or, if it is a core module, the component that was made
/// of it, in `folder` under the same name.
///
/// # Errors
/// If the file cannot be read or written, or cannot be made a component.
pub fn packed(file: &Path, folder: &Path) -> Result<(PathBuf, Option<Adapted>)> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !Parser::is_core_wasm(&bytes) {
        return Ok((file.to_path_buf(), None));
    }
    let (component, adapted) = component(&bytes).with_context(|| {
        format!("{} is a core module and cannot be made a component", file.display())
    })?;
    let made = folder.join(file.file_name().context("a file without a name")?);
    fs::create_dir_all(folder)?;
    if !fs::read(&made).is_ok_and(|old| old == component) {
        fs::write(&made, &component).with_context(|| format!("cannot write {}", made.display()))?;
    }
    Ok((made, Some(adapted)))
}

/// Makes a core module a component.
///
/// # Errors
/// If it is malformed, or imports or exports what neither the adapter nor types in it explain.
pub fn component(module: &[u8]) -> Result<(Vec<u8>, Adapted)> {
    let adapted = if exports_start(module)? { Adapted::Command } else { Adapted::Reactor };
    let adapter = match adapted {
        Adapted::Command => WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        Adapted::Reactor => WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
    };
    let module = allocator::exported(module)?;
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.validate(true).module(&module)?.adapter(PREVIEW_1, adapter)?.encode()?;
    Ok((encoded, adapted))
}

fn exports_start(module: &[u8]) -> Result<bool> {
    for part in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = part? {
            for export in exports {
                if export?.name == START {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of two functions of the first preview, as a compiler would leave it.
    fn module(export: &str) -> Vec<u8> {
        wat::parse_str(format!(
            r#"(module
                (import "{PREVIEW_1}" "fd_write"
                    (func (param i32 i32 i32 i32) (result i32)))
                (import "{PREVIEW_1}" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "{export}") (call $exit (i32.const 3))))"#
        ))
        .unwrap()
    }

    #[test]
    fn what_starts_becomes_a_program_and_everything_else_a_reactor() {
        let exports = |component: &[u8]| {
            let mut names = Vec::new();
            for part in Parser::new(0).parse_all(component) {
                if let Payload::ComponentExportSection(section) = part.unwrap() {
                    names.extend(
                        section.into_iter().map(|export| export.unwrap().name.name.to_owned()),
                    );
                }
            }
            names
        };
        let (command, adapted) = component(&module(START)).unwrap();
        assert_eq!(adapted, Adapted::Command);
        assert!(exports(&command).iter().any(|name| name.starts_with("wasi:cli/run@0.2.")));
        let (reactor, adapted) = component(&module("_initialize")).unwrap();
        assert_eq!(adapted, Adapted::Reactor);
        assert!(!exports(&reactor).iter().any(|name| name.starts_with("wasi:cli/run")));
    }

    #[test]
    fn components_are_packed_as_they_are_and_modules_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let component = write("c.wasm", &wat::parse_str("(component)").unwrap());
        assert_eq!(packed(&component, &made).unwrap(), (component, None));
        let command = write("m.wasm", &module(START));
        let (path, adapted) = packed(&command, &made).unwrap();
        assert_eq!(
            (path.as_path(), adapted),
            (made.join("m.wasm").as_path(), Some(Adapted::Command))
        );
        assert!(Parser::is_component(&fs::read(&path).unwrap()));
        let foreign = wat::parse_str(r#"(module (import "env" "wish" (func)))"#).unwrap();
        let error = packed(&write("f.wasm", &foreign), &made).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("f.wasm is a core module") && error.contains("env"), "{error}");
    }
}
