//! `atoll inspect`: the world of a component as WIT.

use crate::files::read;
use anyhow::{Context, Result};
use std::path::Path;
use wit_component::{DecodedWasm, WitPrinter};

/// The world of a component, or the packages of a binary of WIT, as text.
///
/// # Errors
/// If the file cannot be read, or is neither.
pub fn inspect(file: &Path) -> Result<String> {
    let bytes = read(file)?;
    let decoded = wit_component::decode(&bytes)
        .with_context(|| format!("{} is no component", file.display()))?;
    let (resolve, main) = (decoded.resolve(), decoded.package());
    let others = match &decoded {
        // Its interfaces come from packages of their own, which say what its world means.
        DecodedWasm::Component(..) => {
            resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != main).collect()
        }
        DecodedWasm::WitPackage(..) => Vec::new(),
    };
    let mut printer = WitPrinter::default();
    printer.print(resolve, main, &others)?;
    Ok(printer.output.to_string())
}
