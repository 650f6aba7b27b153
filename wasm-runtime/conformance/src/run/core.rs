//! Core modules on the engine of a domain, as they are or rewritten to record their calls.
//!
//! The core modules of components are rewritten before they are translated, so that traps have
//! backtraces ([`atoll_runtime::trace`]); whoever wrote them must not notice.

use alloc::{format, string::ToString, vec, vec::Vec};

use atoll_runtime::{
    RuntimeLimits, engine,
    trace::{AddedImports, Trace, rewrite},
};
use wasmi::{
    Engine, Error, Extern, ExternRef, F32, F64, Func, Global, Instance, Linker, Memory, MemoryType,
    Module, Mutability, Nullable, Ref, RefType, Store, StoreLimits, StoreLimitsBuilder, Table,
    TableType, Val,
};

use super::{
    Code, float,
    session::{Done, Ended},
};
use crate::script::{Argument, Expected};

/// All that core modules of a file share.
pub(super) struct Core {
    engine: Engine,
    store: Store<StoreLimits>,
    linker: Linker<StoreLimits>,
    /// Where calls are recorded, if they are.
    trace: Option<Trace>,
}

/// A translated module.
#[derive(Clone)]
pub(super) struct Translated {
    module: Module,
    /// Of one that records its calls: how many memories it defined before it was rewritten.
    memories: Option<u32>,
}

impl Core {
    /// Sets up a store with the module of the suites' host.
    ///
    /// # Errors
    /// When that does not fit the limits.
    pub(super) fn new(limits: &RuntimeLimits, code: Code) -> Result<Self, Error> {
        let engine = engine::engine(limits, false);
        let most = usize::try_from(limits.linear_memory).unwrap_or(usize::MAX);
        let bounds = StoreLimitsBuilder::new()
            .memory_size(most)
            .table_elements(limits.table_elements as usize)
            .build();
        let mut store = Store::new(&engine, bounds);
        store.limiter(|bounds| bounds);
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest(&mut store, &mut linker)?;
        let trace = match code {
            Code::Plain => None,
            Code::Recording => Some(Trace::new(&mut store, limits)?),
        };
        Ok(Self { engine, store, linker, trace })
    }

    pub(super) fn compile(&self, bytes: &[u8]) -> Done<Translated> {
        let rewritten = self.trace.and_then(|_| rewrite(bytes, 0));
        // What cannot be rewritten is translated, or refused, as it is.
        if let Some(rewritten) = rewritten
            && let Ok(module) = Module::new(&self.engine, &rewritten.bytes)
        {
            return Ok(Translated { module, memories: Some(rewritten.memories) });
        }
        let module = Module::new(&self.engine, bytes).map_err(|error| error.to_string())?;
        Ok(Translated { module, memories: None })
    }

    pub(super) fn instantiate(&mut self, translated: &Translated) -> Result<Instance, Error> {
        let Translated { module, memories } = translated;
        let mut added = memories.map(|memories| AddedImports::new(module, memories));
        let mut imports = Vec::new();
        for import in module.imports() {
            let added = added.as_mut().and_then(|added| added.next(import.ty()));
            imports.push(match added.zip(self.trace) {
                Some((added, trace)) => trace.meet(&mut self.store, added)?,
                None => {
                    let found = self.linker.get(&self.store, import.module(), import.name());
                    let name = || format!("`{}` of `{}`", import.name(), import.module());
                    found.ok_or_else(|| Error::new(format!("nobody defines {}", name())))?
                }
            });
        }
        let instance = Instance::new(&mut self.store, module, &imports);
        instance.inspect_err(|_| self.forget())
    }

    /// Empties the record of calls after a trap, as whoever reads it does.
    fn forget(&mut self) {
        if let Some(trace) = self.trace {
            drop(trace.take(&mut self.store, false));
        }
    }

    pub(super) fn register(&mut self, name: &str, instance: Instance) -> Done {
        let defined = self.linker.instance(&mut self.store, name, instance);
        defined.map(drop).map_err(|error| error.to_string())
    }

    fn export(&self, instance: Instance, name: &str) -> Done<Extern> {
        let export = instance.get_export(&self.store, name);
        export.ok_or_else(|| format!("there is no export `{name}`"))
    }

    pub(super) fn invoke(
        &mut self,
        instance: Instance,
        name: &str,
        arguments: &[Argument<'_>],
    ) -> Done<Ended> {
        let Extern::Func(function) = self.export(instance, name)? else {
            return Err(format!("`{name}` is no function"));
        };
        let arguments: Vec<Val> =
            arguments.iter().map(|argument| self.argument(argument)).collect::<Done<_>>()?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        Ok(match function.call(&mut self.store, &arguments, &mut results) {
            Ok(()) => Ended::Core(results),
            Err(error) => {
                self.forget();
                Ended::Trapped(error.to_string())
            }
        })
    }

    pub(super) fn get(&self, instance: Instance, name: &str) -> Done<Ended> {
        match self.export(instance, name)? {
            Extern::Global(global) => Ok(Ended::Core(vec![global.get(&self.store)])),
            _ => Err(format!("`{name}` is no global")),
        }
    }

    fn argument(&mut self, argument: &Argument<'_>) -> Done<Val> {
        Ok(match argument {
            Argument::I32(value) => Val::I32(value.cast_signed()),
            Argument::I64(value) => Val::I64(value.cast_signed()),
            Argument::F32(bits) => Val::F32(F32::from_bits(*bits)),
            Argument::F64(bits) => Val::F64(F64::from_bits(*bits)),
            Argument::NullFunction => Val::FuncRef(Nullable::Null),
            Argument::NullExtern => Val::ExternRef(Nullable::Null),
            Argument::Extern(number) => Val::from(ExternRef::new(&mut self.store, *number)),
            Argument::Component(_) => return Err("a component's value for a core function".into()),
        })
    }

    /// Compares results with what they have to be.
    pub(super) fn compare(&self, results: &[Val], expected: &[Expected<'_>]) -> Done {
        let equal = results.len() == expected.len()
            && results.iter().zip(expected).all(|(result, expected)| self.is(result, expected));
        if equal { Ok(()) } else { Err(format!("expected {expected:x?}, found {results:?}")) }
    }

    fn is(&self, result: &Val, expected: &Expected<'_>) -> bool {
        match (expected, result) {
            (Expected::Either(cases), result) => cases.iter().any(|case| self.is(result, case)),
            (Expected::Exactly(value), result) => self.equals(result, value),
            (Expected::Null, Val::FuncRef(reference)) => reference.is_null(),
            (Expected::Null, Val::ExternRef(reference)) => reference.is_null(),
            (Expected::Function, Val::FuncRef(reference)) => !reference.is_null(),
            (Expected::Extern, Val::ExternRef(reference)) => !reference.is_null(),
            (pattern, Val::F32(value)) => float::is_nan32(value.to_bits(), pattern),
            (pattern, Val::F64(value)) => float::is_nan64(value.to_bits(), pattern),
            _ => false,
        }
    }

    fn equals(&self, result: &Val, value: &Argument<'_>) -> bool {
        match (value, result) {
            (Argument::I32(value), Val::I32(result)) => *value == result.cast_unsigned(),
            (Argument::I64(value), Val::I64(result)) => *value == result.cast_unsigned(),
            (Argument::F32(bits), Val::F32(result)) => *bits == result.to_bits(),
            (Argument::F64(bits), Val::F64(result)) => *bits == result.to_bits(),
            (Argument::NullFunction, Val::FuncRef(result)) => result.is_null(),
            (Argument::NullExtern, Val::ExternRef(result)) => result.is_null(),
            (Argument::Extern(number), Val::ExternRef(Nullable::Val(result))) => {
                result.data(&self.store).downcast_ref::<u32>() == Some(number)
            }
            _ => false,
        }
    }
}

/// The module that the suites' host provides, by the README of the specification's tests.
fn spectest(store: &mut Store<StoreLimits>, linker: &mut Linker<StoreLimits>) -> Result<(), Error> {
    const NAME: &str = "spectest";
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    let table_type = TableType::new(RefType::Func, 10, Some(20));
    let table = Table::new(&mut *store, table_type, Ref::null(RefType::Func))?;
    linker.define(NAME, "memory", memory)?;
    linker.define(NAME, "table", table)?;
    let globals = [
        ("global_i32", Val::I32(666)),
        ("global_i64", Val::I64(666)),
        ("global_f32", Val::F32(F32::from(666.6))),
        ("global_f64", Val::F64(F64::from(666.6))),
    ];
    for (name, value) in globals {
        let global = Global::new(&mut *store, value, Mutability::Const);
        linker.define(NAME, name, global)?;
    }
    let functions = [
        ("print", Func::wrap(&mut *store, || {})),
        ("print_i32", Func::wrap(&mut *store, |_: i32| {})),
        ("print_i64", Func::wrap(&mut *store, |_: i64| {})),
        ("print_f32", Func::wrap(&mut *store, |_: F32| {})),
        ("print_f64", Func::wrap(&mut *store, |_: F64| {})),
        ("print_i32_f32", Func::wrap(&mut *store, |_: i32, _: F32| {})),
        ("print_f64_f64", Func::wrap(&mut *store, |_: F64, _: F64| {})),
    ];
    for (name, function) in functions {
        linker.define(NAME, name, function)?;
    }
    Ok(())
}
