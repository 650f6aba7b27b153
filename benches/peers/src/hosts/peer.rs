//! wasmtime: with Pulley, its interpreter, and with Cranelift, its compiler.
//!
//! Calls go through its typed functions, whose marshalling is compiled with the host: the fastest
//! way that it has. Engine and store have their default settings.

use super::{Call, Counter, Driven, Host, Item, Loop, Run, Ten, Values, expected};
use crate::guests::{API, DRIVE, LOOPS};
use anyhow::{Context, Result, ensure};
use std::hint::black_box;
use wasmtime::component::{
    Component, ComponentNamedList, Instance, Lift, Linker, LinkerInstance, Lower, Resource,
    ResourceAny, ResourceTable, ResourceType, TypedFunc,
};
use wasmtime::{AsContextMut, Config, Engine, Store, StoreContextMut};

/// wasmtime with one way of executing code.
pub(crate) struct Peer {
    name: &'static str,
    engine: Engine,
}

/// What the host's functions have.
type State = ResourceTable;

impl Peer {
    pub(crate) fn pulley() -> Result<Self> {
        let mut config = Config::new();
        config.target("pulley64")?;
        Ok(Self { name: "wasmtime, Pulley", engine: Engine::new(&config)? })
    }

    pub(crate) fn cranelift() -> Result<Self> {
        Ok(Self { name: "wasmtime, Cranelift", engine: Engine::new(&Config::new())? })
    }

    fn instance(&self, bytes: &[u8]) -> Result<(Store<State>, Instance)> {
        let component = Component::new(&self.engine, bytes)?;
        let mut linker = Linker::new(&self.engine);
        provide(&mut linker.instance(API)?)?;
        let mut store = Store::new(&self.engine, State::new());
        let instance = linker.instantiate(&mut store, &component)?;
        Ok((store, instance))
    }

    /// An instance and one of its exported functions.
    fn function<P, R>(
        &self,
        bytes: &[u8],
        interface: &str,
        name: &str,
    ) -> Result<(Store<State>, TypedFunc<P, R>)>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let (mut store, instance) = self.instance(bytes)?;
        let function = export(&mut store, &instance, interface, name)?;
        Ok((store, function))
    }

    /// Calls of an exported function that gives back what it is given.
    fn echo<P, R>(
        &self,
        bytes: &[u8],
        name: &str,
        value: P,
        right: fn(&P, &R) -> bool,
    ) -> Result<Run>
    where
        P: Lower + Copy + Send + Sync + 'static,
        R: Lift + Send + Sync + 'static,
        (P,): ComponentNamedList + Lower,
        (R,): ComponentNamedList + Lift,
    {
        let (mut store, function) = self.function::<(P,), (R,)>(bytes, API, name)?;
        Ok(Box::new(move |rounds| {
            for _ in 0..rounds {
                let (result,) = function.call(&mut store, (black_box(value),))?;
                ensure!(right(&value, black_box(&result)), "another result");
            }
            Ok(())
        }))
    }

    /// Calls of a method of one resource.
    fn method(&self, bytes: &[u8]) -> Result<Run> {
        let (mut store, instance) = self.instance(bytes)?;
        let new: TypedFunc<(u32,), (ResourceAny,)> =
            export(&mut store, &instance, API, "[constructor]counter")?;
        let add: TypedFunc<(ResourceAny, u32), (u32,)> =
            export(&mut store, &instance, API, "[method]counter.add")?;
        let (counter,) = new.call(&mut store, (0,))?;
        let mut sum = 0_u32;
        Ok(Box::new(move |rounds| {
            for _ in 0..rounds {
                sum = sum.wrapping_add(1);
                let (result,) = add.call(&mut store, (counter, black_box(1)))?;
                ensure!(result == sum, "another sum");
            }
            Ok(())
        }))
    }
}

fn export<P, R>(
    store: &mut Store<State>,
    instance: &Instance,
    interface: &str,
    name: &str,
) -> Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let missing = || format!("`{name}` of `{interface}` is not exported");
    let interface = instance.get_export_index(store.as_context_mut(), None, interface);
    let interface = interface.with_context(missing)?;
    let index = instance.get_export_index(store.as_context_mut(), Some(&interface), name);
    let index = index.with_context(missing)?;
    Ok(instance.get_typed_func(store.as_context_mut(), index)?)
}

/// The host's own `api`.
fn provide(api: &mut LinkerInstance<'_, State>) -> Result<()> {
    type Context<'a> = StoreContextMut<'a, State>;
    api.func_wrap("number", |_: Context<'_>, (value,): (u32,)| Ok((value.wrapping_add(1),)))?;
    api.func_wrap("bytes", |_: Context<'_>, (value,): (Vec<u8>,)| Ok((black_box(value),)))?;
    api.func_wrap("fields", |_: Context<'_>, (value,): (Ten,)| Ok((black_box(value),)))?;
    api.func_wrap("items", |_: Context<'_>, (value,): (Vec<Item>,)| Ok((black_box(value),)))?;
    api.func_wrap("text", |_: Context<'_>, (value,): (String,)| Ok((black_box(value),)))?;
    let counter = ResourceType::host::<Counter>();
    api.resource("counter", counter, |mut context, rep| {
        context.data_mut().delete(Resource::<Counter>::new_own(rep))?;
        Ok(())
    })?;
    api.func_wrap("[constructor]counter", |mut context: Context<'_>, (start,): (u32,)| {
        Ok((context.data_mut().push(Counter(start))?,))
    })?;
    api.func_wrap(
        "[method]counter.add",
        |mut context: Context<'_>, (counter, amount): (Resource<Counter>, u32)| {
            let counter = context.data_mut().get_mut(&counter)?;
            counter.0 = counter.0.wrapping_add(amount);
            Ok((counter.0,))
        },
    )?;
    Ok(())
}

impl Host for Peer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, component: &'static [u8]) -> Option<Run> {
        let engine = self.engine.clone();
        Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                black_box(Component::new(&engine, component)?);
            }
            Ok(())
        }))
    }

    fn instantiate(&self, component: &'static [u8]) -> Result<Option<Run>> {
        let component = Component::new(&self.engine, component)?;
        let ready = Linker::new(&self.engine).instantiate_pre(&component)?;
        let engine = self.engine.clone();
        Ok(Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                let mut store = Store::new(&engine, State::new());
                black_box(ready.instantiate(&mut store)?);
            }
            Ok(())
        })))
    }

    fn call(&self, provider: &'static [u8], call: Call) -> Result<Option<Run>> {
        let values = Values::of(call);
        let run = match call {
            Call::Number => self.echo(provider, "number", 7_u32, |a, b: &u32| *b == a + 1)?,
            Call::Bytes(_) => {
                self.echo(provider, "bytes", values.bytes, |a, b: &Vec<u8>| b == a)?
            }
            Call::Fields => self.echo(provider, "fields", values.ten, |a, b: &Ten| b == a)?,
            Call::Items => self.echo(provider, "items", values.items, |a, b: &Vec<Item>| b == a)?,
            Call::Text => self.echo(provider, "text", values.text, |a, b: &String| b == a)?,
            Call::Method => self.method(provider)?,
        };
        Ok(Some(run))
    }

    fn work(&self, provider: &'static [u8], work: Loop, argument: u32) -> Result<Option<Run>> {
        let name = match work {
            Loop::Integers => "integers",
            Loop::Memory => "memory",
            Loop::Calls => "calls",
        };
        let (mut store, function) = self.function::<(u32,), (u32,)>(provider, LOOPS, name)?;
        Ok(Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                black_box(function.call(&mut store, (argument,))?);
            }
            Ok(())
        })))
    }

    fn drive(&self, guest: &Driven, call: Call) -> Result<Option<Run>> {
        let (Driven::Alone(guest, _) | Driven::Composed(guest)) = *guest;
        let name = match call {
            Call::Number => "number",
            Call::Bytes(size) => return self.drive_bytes(guest, call, size).map(Some),
            Call::Fields => "fields",
            Call::Items => "items",
            Call::Text => "text",
            Call::Method => "method",
        };
        let (mut store, function) = self.function::<(u32,), (u32,)>(guest, DRIVE, name)?;
        Ok(Some(Box::new(move |rounds| {
            let (result,) = function.call(&mut store, (rounds,))?;
            ensure!(result == expected(call, rounds), "{call:?} gave {result}");
            Ok(())
        })))
    }
}

impl Peer {
    fn drive_bytes(&self, guest: &[u8], call: Call, size: u32) -> Result<Run> {
        let (mut store, function) = self.function::<(u32, u32), (u32,)>(guest, DRIVE, "bytes")?;
        Ok(Box::new(move |rounds| {
            let (result,) = function.call(&mut store, (rounds, size))?;
            ensure!(result == expected(call, rounds), "{call:?} gave {result}");
            Ok(())
        }))
    }
}
