//! The interfaces that packages of WIT declare, as the runtime describes them.

use anyhow::Result;
use atoll_runtime::describe_package;
use std::path::{Path, PathBuf};
use wit_parser::Resolve;

/// The interfaces that packages in folders declare, with their descriptors; those of earlier folders
/// first.
///
/// # Errors
/// If a package is malformed or missing.
pub fn declared(folders: &[&Path]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    folders.dedup();
    let mut interfaces = Vec::new();
    for folder in folders {
        let mut resolve = Resolve { all_features: true, ..Resolve::default() };
        resolve.push_dir(&folder)?;
        for (package, contents) in &resolve.packages {
            if !contents.interfaces.is_empty() {
                let encoded = wit_component::encode(&resolve, package, false)?;
                interfaces.extend(describe_package(&encoded)?);
            }
        }
    }
    Ok(interfaces)
}
