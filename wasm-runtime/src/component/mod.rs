//! Components as toolchains emit them: from bytes to steps of instantiation and named interfaces.
//!
//! [`Component::parse`] validates the whole binary except for the bodies of core functions and
//! refuses by name what the runtime does not carry out. The parts: `read` and `steps` (sections to
//! steps), `ir` (the steps), `counts` (bounds on core modules), `interfaces` and `convert` (types).
//! Nothing of a guest runs here. Neighbours: [`crate::link`] meets the imports,
//! [`crate::recipe`] carries out the steps.

mod convert;
mod counts;
mod interfaces;
pub(crate) mod ir;
mod package;
mod read;
mod steps;

use alloc::{sync::Arc, vec::Vec};

use wasmparser::types::Types as SourceTypes;

pub(crate) use convert::{ConvertError, Converted, Converter};
use interfaces::Item;
pub use interfaces::{Interface, ROOT};
pub(crate) use interfaces::{Interfaces, Side};
pub use package::describe_package;

use crate::{
    descriptor,
    error::LoadError,
    limits::{Exceeded, Limit, RuntimeLimits},
    link::name,
    progress::Progress,
    types::Types,
};

/// A component that was read and validated. Keeps the bytes of its core modules borrowed.
pub struct Component<'a> {
    pub(crate) bodies: Vec<ir::Body>,
    pub(crate) modules: Vec<ir::CoreModule<'a>>,
    pub(crate) source: SourceTypes,
    pub(crate) interfaces: Arc<Interfaces>,
    pub(crate) layout: Option<Arc<[u8]>>,
}

impl<'a> Component<'a> {
    /// Reads and validates a component binary.
    ///
    /// # Errors
    /// When it is too large, malformed, or uses what the runtime does not carry out.
    pub fn parse(bytes: &'a [u8], limits: &RuntimeLimits) -> Result<Self, LoadError> {
        Self::parse_telling(bytes, limits, &mut Progress::default())
    }

    /// The same, and tells how far it is.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_telling(
        bytes: &'a [u8],
        limits: &RuntimeLimits,
        progress: &mut Progress<'_>,
    ) -> Result<Self, LoadError> {
        Exceeded::check(limits, Limit::ComponentBytes, bytes.len() as u64)?;
        let read::Binary { bodies, modules, types, layout } = read::read(bytes, limits, progress)?;
        let interfaces = match bodies.first() {
            Some(root) => {
                Interfaces::collect(types.as_ref(), imports(root), exports(root), limits)?
            }
            None => Interfaces::default(),
        };
        let layout = (!layout.is_empty()).then(|| layout.into());
        Ok(Self { bodies, modules, source: types, interfaces: Arc::new(interfaces), layout })
    }

    /// The interfaces that it needs, in the order of the binary.
    #[must_use]
    pub fn imports(&self) -> &[Interface] {
        &self.interfaces.imports
    }

    /// The interfaces that it offers, in the order of the binary.
    #[must_use]
    pub fn exports(&self) -> &[Interface] {
        &self.interfaces.exports
    }

    /// What the types of [`Self::imports`] and [`Self::exports`] refer to.
    #[must_use]
    pub fn types(&self) -> &Types {
        &self.interfaces.types
    }

    /// The number of the exported interface of that name, with a compatible version or, where
    /// `name` has none, any.
    #[must_use]
    pub fn export_index(&self, name: &str) -> Option<u32> {
        name::find(name, self.exports().iter().map(|interface| interface.name.as_str()))
    }

    /// The descriptor of an interface that it needs, as the component was built for it: what a
    /// provider's descriptor must fit.
    #[must_use]
    pub fn expected(&self, import: u32) -> Option<Vec<u8>> {
        descriptor::of(&self.interfaces, Side::Import, import)
    }

    /// The descriptor of an exported interface.
    #[must_use]
    pub fn descriptor(&self, export: u32) -> Option<Vec<u8>> {
        descriptor::of(&self.interfaces, Side::Export, export)
    }
}

impl core::fmt::Debug for Component<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Component")
            .field("imports", &self.imports())
            .field("exports", &self.exports())
            .field("core modules", &self.modules.len())
            .finish_non_exhaustive()
    }
}

fn imports(root: &ir::Body) -> impl Iterator<Item = Item<'_>> {
    root.steps.iter().filter_map(|step| match step {
        ir::Step::Import { name, ty, offset } => Some(Item::new(name, *ty, *offset)),
        _ => None,
    })
}

fn exports(root: &ir::Body) -> impl Iterator<Item = Item<'_>> {
    root.steps.iter().filter_map(|step| match step {
        ir::Step::Export { name, ty, offset, .. } => Some(Item::new(name, *ty, *offset)),
        _ => None,
    })
}
