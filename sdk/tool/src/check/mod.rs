//! `atoll check`: whether a component runs on Atoll, and what it has to be granted.
//!
//! The runtime itself reads the component, as it would in a domain ([`runtime`]). Each import is
//! then looked up in what the domain image provides and in a system description ([`needs`]), and
//! [`report`] says it in words.

mod needs;
mod report;
mod runtime;

use crate::files::{read, read_text};
use crate::home::Home;
use crate::mistake::Mistake;
use anyhow::{Result, ensure};
use atoll_runtime::RuntimeLimits;
use atoll_system_description::Description;
use needs::Need;
use runtime::Read;
use std::path::Path;
use wasmparser::Parser;

/// What was found out about a component.
#[derive(Debug)]
pub struct Report {
    /// As it was named.
    file: String,
    /// The server or program whose component it is.
    entry: Option<String>,
    /// What the runtime says of it.
    read: Read,
    /// Its imports, each with what meets it.
    needs: Vec<(String, Need)>,
}

/// Examines a component for a system, whose interfaces are those of the folder `wit`.
///
/// # Errors
/// If a file cannot be read, or the description is malformed.
pub fn check(home: &Home, wit: &Path, file: &Path, system: &Path) -> Result<Report> {
    let bytes = read(file)?;
    ensure!(
        Parser::is_component(&bytes),
        "{} is no component{}",
        file.display(),
        if Parser::is_core_wasm(&bytes) {
            " but a core module, of which `atoll build` makes one"
        } else {
            ""
        }
    );
    let text = read_text(system)?;
    let description = Description::parse(&text, &system.display().to_string())
        .map_err(|error| Mistake(error.to_string()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let entry = name.and_then(|name| needs::Entry::of(&description, &name));
    let limits = entry.as_ref().map_or(RuntimeLimits::DEFAULT, needs::Entry::limits);
    let read = runtime::read(&bytes, limits, &[&home.root.join("wit"), wit])?;
    let provided = needs::provided(home)?;
    let is_program = read.exports.iter().any(|export| export.starts_with("wasi:cli/run"));
    let needs = read.imports.iter().map(|import| {
        let need = needs::need(import, is_program, entry.as_ref(), &description, &provided);
        (import.name.clone(), need)
    });
    let needs = needs.collect();
    let file = file.display().to_string();
    Ok(Report { file, entry: entry.map(|entry| entry.name), read, needs })
}
