//! Core modules on the engine of a domain.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use atoll_runtime::{RuntimeLimits, engine};
use wasmi::{
    Engine, Error, Extern, ExternRef, F32, F64, Global, Instance, Linker, Memory, MemoryType,
    Module, Mutability, Nullable, Ref, RefType, Store, StoreLimits, StoreLimitsBuilder, Table,
    TableType, Val,
};

use super::{
    float,
    session::{Done, Ended},
};
use crate::script::{Argument, Expected};

/// All that core modules of a file share.
pub(super) struct Core {
    engine: Engine,
    store: Store<StoreLimits>,
    linker: Linker<StoreLimits>,
    /// Why the module of the suites' host is missing, if it is.
    broken: Option<String>,
}

impl Core {
    pub(super) fn new(limits: &RuntimeLimits) -> Self {
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
        let broken = spectest(&mut store, &mut linker).err().map(|error| error.to_string());
        Self { engine, store, linker, broken }
    }

    pub(super) fn compile(&self, bytes: &[u8]) -> Done<Module> {
        Module::new(&self.engine, bytes).map_err(|error| error.to_string())
    }

    pub(super) fn instantiate(&mut self, module: &Module) -> Result<Instance, Error> {
        if let Some(why) = &self.broken {
            return Err(Error::new(why.clone()));
        }
        self.linker.instantiate_and_start(&mut self.store, module)
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
            Err(error) => Ended::Trapped(error.to_string()),
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
    linker.func_wrap(NAME, "print", || {})?;
    linker.func_wrap(NAME, "print_i32", |_: i32| {})?;
    linker.func_wrap(NAME, "print_i64", |_: i64| {})?;
    linker.func_wrap(NAME, "print_f32", |_: F32| {})?;
    linker.func_wrap(NAME, "print_f64", |_: F64| {})?;
    linker.func_wrap(NAME, "print_i32_f32", |_: i32, _: F32| {})?;
    linker.func_wrap(NAME, "print_f64_f64", |_: F64, _: F64| {})?;
    Ok(())
}
