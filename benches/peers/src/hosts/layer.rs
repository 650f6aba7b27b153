//! `wasm_component_layer` on the newest wasmi that it can be built with, which is much older than
//! Atoll's. Its values are dynamic; it has typed functions for numbers, lists and strings and is
//! asked for these.

use super::{Call, Driven, Host, Loop, Run, Values, expected};
use crate::guests::{API, DRIVE, LOOPS};
use anyhow::{Context, Result, bail, ensure};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use wasm_component_layer::{
    AsContext, Component, ComponentList, ComponentTypesInstance, Engine, Func, FuncType, Instance,
    Linker, ResourceOwn, ResourceType, Store, TypedFunc, Value, ValueType,
};

type Backend = wasmi_runtime_layer::Engine;

/// `wasm_component_layer` on wasmi.
#[derive(Debug)]
pub(crate) struct Layer;

fn engine() -> Engine<Backend> {
    Engine::new(Backend::default())
}

/// An instance whose imported `api`, if it has one, is the host's.
fn instance(bytes: &[u8]) -> Result<(Store<(), Backend>, Instance)> {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let component = Component::new(&engine, bytes)?;
    let mut linker = Linker::default();
    if let Some(types) = component.imports().instance(&API.try_into()?) {
        provide(&mut linker, &mut store, types)?;
    }
    let instance = linker.instantiate(&mut store, &component)?;
    Ok((store, instance))
}

/// The host's own `api`, with the types that the component has for it.
fn provide(
    linker: &mut Linker,
    store: &mut Store<(), Backend>,
    types: &ComponentTypesInstance,
) -> Result<()> {
    let api = linker.define_instance(API.try_into()?)?;
    for name in ["bytes", "fields", "items", "text"] {
        let ty = types.func(name).with_context(|| format!("`api` has no `{name}`"))?;
        let echo = Func::new(&mut *store, ty, |_, parameters, results| {
            results[0] = black_box(parameters[0].clone());
            Ok(())
        });
        api.define_func(name, echo)?;
    }
    let ty = FuncType::new([ValueType::U32], [ValueType::U32]);
    let number = Func::new(&mut *store, ty, |_, parameters, results| {
        let Value::U32(value) = parameters[0] else { bail!("no number") };
        results[0] = Value::U32(value.wrapping_add(1));
        Ok(())
    });
    api.define_func("number", number)?;
    let counter = ResourceType::new::<AtomicU32>(None);
    api.define_resource("counter", counter.clone())?;
    let ty = FuncType::new([ValueType::U32], [ValueType::Own(counter.clone())]);
    let made = counter.clone();
    let new = Func::new(&mut *store, ty, move |context, parameters, results| {
        let Value::U32(start) = parameters[0] else { bail!("no number") };
        let owned = ResourceOwn::new(context, AtomicU32::new(start), made.clone())?;
        results[0] = Value::Own(owned);
        Ok(())
    });
    api.define_func("[constructor]counter", new)?;
    let ty = FuncType::new([ValueType::Borrow(counter), ValueType::U32], [ValueType::U32]);
    let add = Func::new(&mut *store, ty, |context, parameters, results| {
        let [Value::Borrow(counter), Value::U32(amount)] = parameters else { bail!("no counter") };
        let context = context.as_context();
        let counter: &AtomicU32 = counter.rep(&context)?;
        let before = counter.fetch_add(*amount, Ordering::Relaxed);
        results[0] = Value::U32(before.wrapping_add(*amount));
        Ok(())
    });
    api.define_func("[method]counter.add", add)
}

fn export<P: ComponentList, R: ComponentList>(
    instance: &Instance,
    interface: &str,
    name: &str,
) -> Result<TypedFunc<P, R>> {
    let missing = || format!("`{name}` of `{interface}` is not exported");
    let interface = instance.exports().instance(&interface.try_into()?).with_context(missing)?;
    interface.func(name).with_context(missing)?.typed()
}

impl Host for Layer {
    fn name(&self) -> &'static str {
        "wasm_component_layer"
    }

    fn load(&self, component: &'static [u8]) -> Option<Run> {
        // Whether it reads a component at all is seen at the first.
        Component::new(&engine(), component).ok()?;
        Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                black_box(Component::new(&engine(), component)?);
            }
            Ok(())
        }))
    }

    fn instantiate(&self, component: &'static [u8]) -> Result<Option<Run>> {
        let engine = engine();
        let component = Component::new(&engine, component)?;
        Ok(Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                let mut store = Store::new(&engine, ());
                black_box(Linker::default().instantiate(&mut store, &component)?);
            }
            Ok(())
        })))
    }

    fn call(&self, provider: &'static [u8], call: Call) -> Result<Option<Run>> {
        let values = Values::of(call);
        let (mut store, instance) = instance(provider)?;
        Ok(match call {
            Call::Number => {
                let function: TypedFunc<u32, u32> = export(&instance, API, "number")?;
                Some(Box::new(move |rounds| {
                    for round in 0..rounds {
                        let result = function.call(&mut store, black_box(round))?;
                        ensure!(result == round + 1, "another result");
                    }
                    Ok(())
                }))
            }
            Call::Bytes(_) => {
                let function: TypedFunc<Vec<u8>, Vec<u8>> = export(&instance, API, "bytes")?;
                Some(Box::new(move |rounds| {
                    for _ in 0..rounds {
                        let result = function.call(&mut store, black_box(values.bytes.to_vec()))?;
                        ensure!(result == values.bytes, "another result");
                    }
                    Ok(())
                }))
            }
            Call::Text => {
                let function: TypedFunc<String, String> = export(&instance, API, "text")?;
                Some(Box::new(move |rounds| {
                    for _ in 0..rounds {
                        let result =
                            function.call(&mut store, black_box(values.text.to_owned()))?;
                        ensure!(result == values.text, "another result");
                    }
                    Ok(())
                }))
            }
            Call::Fields | Call::Items | Call::Method => None,
        })
    }

    fn work(&self, provider: &'static [u8], work: Loop, argument: u32) -> Result<Option<Run>> {
        let name = match work {
            Loop::Integers => "integers",
            Loop::Memory => "memory",
            Loop::Calls => "calls",
        };
        let (mut store, instance) = instance(provider)?;
        let function: TypedFunc<u32, u32> = export(&instance, LOOPS, name)?;
        Ok(Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                black_box(function.call(&mut store, argument)?);
            }
            Ok(())
        })))
    }

    fn drive(&self, guest: &Driven, call: Call) -> Result<Option<Run>> {
        // Composed components are left out: it has no adapters between component instances.
        let Driven::Alone(guest, _) = *guest else { return Ok(None) };
        let name = match call {
            Call::Number => "number",
            Call::Bytes(size) => return drive_bytes(guest, call, size).map(Some),
            Call::Fields => "fields",
            Call::Items => "items",
            Call::Text => "text",
            Call::Method => "method",
        };
        let (mut store, instance) = instance(guest)?;
        let function: TypedFunc<u32, u32> = export(&instance, DRIVE, name)?;
        Ok(Some(Box::new(move |rounds| {
            let result = function.call(&mut store, rounds)?;
            ensure!(result == expected(call, rounds), "{call:?} gave {result}");
            Ok(())
        })))
    }
}

fn drive_bytes(guest: &[u8], call: Call, size: u32) -> Result<Run> {
    let (mut store, instance) = instance(guest)?;
    let function: TypedFunc<(u32, u32), u32> = export(&instance, DRIVE, "bytes")?;
    Ok(Box::new(move |rounds| {
        let result = function.call(&mut store, (rounds, size))?;
        ensure!(result == expected(call, rounds), "{call:?} gave {result}");
        Ok(())
    }))
}
