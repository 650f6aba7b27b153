//! A component's core modules as the interpreter runs them.
//!
//! [`Translated`] is what is left to do between a component that was read and its instances: the
//! bodies of core functions are validated and translated, each module once, however often it or
//! the whole component is instantiated ([`crate::instance`]).

use alloc::{string::ToString, vec::Vec};

use wasmi::{Engine, Module, errors::ErrorKind};

use crate::{
    component::{Component, ir::CoreModule},
    engine,
    error::LoadError,
    limits::RuntimeLimits,
};

/// The translated core modules of a component, and the engine that keeps their code.
#[derive(Debug)]
pub struct Translated {
    pub(crate) engine: Engine,
    /// By their number in the binary.
    pub(crate) modules: Vec<Module>,
    /// What each instance may spend until it is refuelled.
    pub(crate) fuel: Option<u64>,
}

impl Translated {
    /// Says what each instance made of it may spend until [`crate::Instance::refuel`], in units of
    /// about an instruction; its code has to be metered. For places where nothing preempts a guest:
    /// in a domain the kernel does, and counting costs several percent.
    #[must_use]
    pub fn with_fuel(self, fuel: u64) -> Self {
        Self { fuel: Some(fuel), ..self }
    }
}

impl Component<'_> {
    /// Validates and translates the core modules. Code that is `metered` counts what it spends.
    ///
    /// # Errors
    /// The body of a function is malformed, or the interpreter has no code for it.
    pub fn translate(
        &self,
        limits: &RuntimeLimits,
        metered: bool,
    ) -> Result<Translated, LoadError> {
        let engine = engine::engine(limits, metered);
        let modules = self.modules.iter().map(|module| {
            Module::new(&engine, module.bytes).map_err(|error| explain(module, &error))
        });
        let modules = modules.collect::<Result<_, _>>()?;
        Ok(Translated { engine, modules, fuel: None })
    }
}

/// Says what is wrong and, where the interpreter knows it, where in the component's binary.
fn explain(module: &CoreModule<'_>, error: &wasmi::Error) -> LoadError {
    match error.kind() {
        ErrorKind::Wasm(error) => LoadError::Invalid {
            message: error.message().to_string(),
            offset: module.offset.saturating_add(error.offset() as u64),
        },
        _ => LoadError::Invalid { message: error.to_string(), offset: module.offset },
    }
}
