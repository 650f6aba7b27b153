//! WASI's first preview, which the toolchains of some languages import, if only by habit.
//!
//! A component has no imports of it: an adapter makes others of them. WASI's own makes a command
//! line, files and clocks of the second preview, each of which has to be granted. Ours does with the
//! log, the clock and random numbers of Atoll.

use crate::encode;
use crate::home::Home;
use crate::wit;
use anyhow::Result;
use serde::Deserialize;
use wit_component::ComponentEncoder;

/// The name of what is adapted.
const PREVIEW_1: &str = "wasi_snapshot_preview1";
/// Our adapter; its types are those of the world below.
const ADAPTER: &str = include_str!("preview1.wat");
const WORLD: &str = "atoll:servers/preview1";

/// What becomes of imports of WASI's first preview.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Preview1 {
    /// WASI's second, all of it.
    #[default]
    Wasi,
    /// Atoll's interfaces: output goes to the log, and there are no files and no arguments.
    Atoll,
}

impl Preview1 {
    /// Makes a core module with embedded types a component, and checks it.
    ///
    /// # Errors
    /// If imports or exports do not fit the types, or the adapter lacks what the module imports.
    pub fn component(self, home: &Home, module: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Wasi => encode::component(module),
            Self::Atoll => ComponentEncoder::default()
                .validate(true)
                .module(module)?
                .adapter(PREVIEW_1, &adapter(home)?)?
                .encode(),
        }
    }
}

/// Our adapter, a core module.
///
/// # Errors
/// If it does not fit the interfaces of the home.
pub fn adapter(home: &Home) -> Result<Vec<u8>> {
    wit::fill_deps(home)?;
    let mut module = wat::parse_str(ADAPTER)?;
    encode::embed(&mut module, &home.root.join("wit"), WORLD)?;
    Ok(module)
}
