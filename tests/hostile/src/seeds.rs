//! Components to begin with: `fuzz/seeds/component`, which `examples/seeds.rs` makes from the texts
//! in `seeds/` and from random WIT.

use std::{fs, path::PathBuf, sync::OnceLock};

use atoll_runtime::{Component, component::Interface};

use crate::load::LIMITS;

/// Where the seeds of a target are.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target)
}

/// The seeds of a target, in the order of their names.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let entries = match fs::read_dir(folder(target)) {
        Ok(entries) => entries,
        Err(error) => panic!("{}: {error}", folder(target).display()),
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("a seed")).collect()
}

/// All valid components among the seeds.
pub fn components() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = of("component");
        all.retain(|bytes| Component::parse(bytes, &LIMITS).is_ok());
        assert!(!all.is_empty(), "no seeds");
        all
    })
}

fn with_functions(side: fn(&Component<'static>) -> usize) -> Vec<&'static [u8]> {
    let all = components().iter().map(Vec::as_slice);
    all.filter(|bytes| Component::parse(bytes, &LIMITS).is_ok_and(|found| side(&found) > 0))
        .collect()
}

fn functions(interfaces: &[Interface]) -> usize {
    interfaces.iter().map(|interface| interface.ty.functions.len()).sum()
}

/// Seeds that export functions.
pub fn servers() -> &'static [&'static [u8]] {
    static ALL: OnceLock<Vec<&'static [u8]>> = OnceLock::new();
    ALL.get_or_init(|| with_functions(|component| functions(component.exports())))
}

/// Seeds that import functions.
pub fn clients() -> &'static [&'static [u8]] {
    static ALL: OnceLock<Vec<&'static [u8]>> = OnceLock::new();
    ALL.get_or_init(|| with_functions(|component| functions(component.imports())))
}
