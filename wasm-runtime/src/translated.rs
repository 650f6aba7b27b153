//! A component's core modules as the interpreter runs them.
//!
//! [`Translated`] is what is left to do between a component that was read and its instances: the
//! bodies of core functions are validated and translated, each module once, and the [`Recipe`] of
//! an instance is compiled, however often a module or the whole component is instantiated
//! ([`crate::instance`]).

use alloc::{string::ToString, sync::Arc, vec::Vec};

use wasmi::{Engine, Module, errors::ErrorKind};

use crate::{
    component::{Component, Interfaces, ir::CoreModule},
    contents::{self, Exposed},
    engine,
    error::{LoadError, Trap},
    limits::RuntimeLimits,
    progress::Progress,
    recipe::{self, Recipe},
    trace,
};

/// What code is translated for, besides running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// It counts what it spends.
    pub metered: bool,
    /// It keeps note of its calls, so that a trap has a backtrace ([`crate::trace`]).
    pub backtrace: bool,
}

/// The translated core modules of a component, the engine that keeps their code, and how instances
/// are made of them.
#[derive(Debug)]
pub struct Translated {
    pub(crate) engine: Engine,
    /// By their number in the binary.
    pub(crate) modules: Vec<TranslatedModule>,
    /// How instances are made, or why none can be. Whoever instantiates is told: a component that
    /// can be read and translated is no malformed one.
    pub(crate) recipe: Result<Recipe, Trap>,
    /// Those of the component, by which it is known.
    pub(crate) interfaces: Arc<Interfaces>,
    /// Whether there is a trace to keep.
    pub(crate) backtrace: bool,
    /// What each instance may spend until it is refuelled.
    pub(crate) fuel: Option<u64>,
}

/// A translated core module.
#[derive(Clone, Debug)]
pub(crate) struct TranslatedModule {
    pub module: Module,
    /// Of one that keeps note of its calls: how many memories it imports instead of defining
    /// them. They and the trace are its last imports.
    pub traced: Option<u32>,
    /// Of one whose component declares a layout: what it exports for that.
    pub exposed: Option<Exposed>,
}

impl Translated {
    /// Says what each instance made of it may spend until [`crate::Instance::refuel`], in units of
    /// about an instruction; its code has to be metered. For places where nothing preempts a guest:
    /// in a domain the kernel does, and counting costs several percent.
    #[must_use]
    pub fn with_fuel(self, fuel: u64) -> Self {
        Self { fuel: Some(fuel), ..self }
    }

    /// How to make an instance of the component.
    ///
    /// # Errors
    /// It cannot be instantiated, or is not the one that was translated.
    pub(crate) fn recipe_for(&self, component: &Component<'_>) -> Result<&Recipe, Trap> {
        if !Arc::ptr_eq(&self.interfaces, &component.interfaces) {
            return Err(Trap::new("what was translated is another component"));
        }
        self.recipe.as_ref().map_err(Trap::clone)
    }
}

impl Component<'_> {
    /// Validates and translates the core modules, for backtraces, and compiles the plans of all
    /// functions that are lifted and lowered. Code that is `metered` counts what it spends.
    ///
    /// # Errors
    /// The body of a function is malformed, or the interpreter has no code for it.
    pub fn translate(
        &self,
        limits: &RuntimeLimits,
        metered: bool,
    ) -> Result<Translated, LoadError> {
        self.translate_for(limits, Translation { metered, backtrace: true })
    }

    /// The same for what is wanted.
    ///
    /// # Errors
    /// As [`Self::translate`].
    pub fn translate_for(
        &self,
        limits: &RuntimeLimits,
        translation: Translation,
    ) -> Result<Translated, LoadError> {
        self.translate_telling(limits, translation, &mut Progress::default())
    }

    /// The same, and tells how far it is.
    ///
    /// # Errors
    /// As [`Self::translate`].
    pub fn translate_telling(
        &self,
        limits: &RuntimeLimits,
        Translation { metered, backtrace }: Translation,
        progress: &mut Progress<'_>,
    ) -> Result<Translated, LoadError> {
        let engine = engine::engine(limits, metered);
        let mut modules = Vec::with_capacity(self.modules.len());
        for module in &self.modules {
            let exposes = self.layout.is_some();
            let traced = if backtrace { traced(&engine, module, exposes) } else { None };
            modules.push(traced.map_or_else(|| plain(&engine, module, exposes), Ok)?);
            progress.translate(module.bytes.len());
        }
        let recipe = recipe::compile(self, &engine, &modules, limits);
        let interfaces = self.interfaces.clone();
        Ok(Translated { engine, modules, recipe, interfaces, backtrace, fuel: None })
    }
}

/// Translates a module as it is, or with exports of what it keeps to itself. One that has no valid
/// form with these is as it was, and cannot be handed on.
fn plain(
    engine: &Engine,
    module: &CoreModule<'_>,
    exposes: bool,
) -> Result<TranslatedModule, LoadError> {
    if let Some((module, exposed)) = exposes.then(|| exposed(engine, module.bytes)).flatten() {
        return Ok(TranslatedModule { module, traced: None, exposed: Some(exposed) });
    }
    let translated = Module::new(engine, module.bytes).map_err(|error| explain(module, &error))?;
    Ok(TranslatedModule { module: translated, traced: None, exposed: None })
}

/// Translates a module with exports of what it keeps to itself.
fn exposed(engine: &Engine, module: &[u8]) -> Option<(Module, Exposed)> {
    let (bytes, exposed) = contents::expose(module)?;
    Some((Module::new(engine, &bytes).ok()?, exposed))
}

/// Translates a module that records its calls. One that cannot be rewritten, or is refused then,
/// has no part in backtraces, and whether it is valid is told from what its author wrote.
fn traced(engine: &Engine, module: &CoreModule<'_>, exposes: bool) -> Option<TranslatedModule> {
    let trace::Rewritten { bytes, memories } = trace::rewrite(module.bytes, module.offset)?;
    let traced = Some(memories);
    if let Some((module, exposed)) = exposes.then(|| exposed(engine, &bytes)).flatten() {
        return Some(TranslatedModule { module, traced, exposed: Some(exposed) });
    }
    let module = Module::new(engine, &bytes).ok()?;
    Some(TranslatedModule { module, traced, exposed: None })
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
