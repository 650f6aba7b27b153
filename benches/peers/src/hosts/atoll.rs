//! Atoll's runtime, in a place that keeps its messages in plain buffers.
//!
//! A domain's runtime sees values in the wire form. Here the same Rust values that the other hosts
//! take are encoded before a call and decoded after it, and that counts as Atoll's.

use super::wire::{Reader, Writer};
use super::{Call, Counter, Driven, Host, Loop, Run, Values, expected};
use crate::guests::{API, DRIVE, LOOPS};
use anyhow::{Context, Result, anyhow, ensure};
use atoll_runtime::host::{CallError, Origin, Passing, ResourceSlot, Target};
use atoll_runtime::{
    Component, Instance, Linked, Provider, Resolver, RuntimeLimits, Translated, Translation,
};
use std::borrow::Cow;
use std::hint::black_box;

/// Bytes of a message in a domain.
const AREA: usize = 64 * 1024;

/// Atoll's runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Atoll {
    name: &'static str,
    translation: Translation,
}

impl Atoll {
    /// Without backtraces, as the other hosts are built here.
    pub(crate) fn plain() -> Self {
        Self { name: "Atoll", translation: Translation { metered: false, backtrace: false } }
    }

    /// As in a domain whose system description does not switch them off.
    pub(crate) fn with_backtraces() -> Self {
        let translation = Translation { metered: false, backtrace: true };
        Self { name: "Atoll, backtraces", translation }
    }

    /// Reads, translates and links a component.
    fn linked(
        self,
        bytes: &'static [u8],
        place: &mut Place,
    ) -> Result<(Linked<'static>, Translated)> {
        let component = Component::parse(bytes, &limits())?;
        let translated = component.translate_for(&limits(), self.translation)?;
        Ok((component.link(place)?, translated))
    }

    fn instance(self, bytes: &'static [u8], mut place: Place) -> Result<Instance<Place>> {
        let (linked, translated) = self.linked(bytes, &mut place)?;
        Ok(Instance::from_translated(&linked, &translated, place, &limits())?)
    }
}

fn limits() -> RuntimeLimits {
    RuntimeLimits { component_bytes: 32 << 20, ..RuntimeLimits::DEFAULT }
}

/// Functions of `api`, by their numbers in its descriptor.
#[derive(Clone, Copy, Debug)]
enum Function {
    Number,
    Bytes,
    Fields,
    Items,
    Text,
    New,
    Add,
}

impl Function {
    fn of(name: &str) -> Result<Self> {
        Ok(match name {
            "number" => Self::Number,
            "bytes" => Self::Bytes,
            "fields" => Self::Fields,
            "items" => Self::Items,
            "text" => Self::Text,
            "[constructor]counter" => Self::New,
            "[method]counter.add" => Self::Add,
            _ => return Err(anyhow!("`api` has no `{name}`")),
        })
    }
}

/// What stands for the kernel and the domain image.
#[derive(Debug)]
struct Place {
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Numbers of the handles that go out, and of those that came in.
    sent: Vec<u32>,
    received: Vec<Option<u32>>,
    /// The host's own `api`.
    functions: Vec<Function>,
    descriptor: Vec<u8>,
    counters: Vec<Counter>,
}

impl Place {
    fn new() -> Self {
        Self { outgoing: vec![0; AREA], incoming: Vec::with_capacity(AREA), ..Self::bare() }
    }

    /// One without message areas: those of a domain are the kernel's.
    fn bare() -> Self {
        Self {
            outgoing: Vec::new(),
            incoming: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            functions: Vec::new(),
            descriptor: Vec::new(),
            counters: Vec::new(),
        }
    }

    /// One that provides the `api` which a component exports.
    fn providing(component: &Component<'_>) -> Result<Self> {
        let export = component.export_index(API).context("no `api` is exported")?;
        let interface = component.exports().get(export as usize).context("no such export")?;
        let names = interface.ty.functions.iter().map(|(name, _)| Function::of(name));
        let descriptor = component.descriptor(export).context("the interface is too large")?;
        Ok(Self { functions: names.collect::<Result<_>>()?, descriptor, ..Self::new() })
    }

    /// Begins a message that comes in.
    fn message(&mut self) -> Writer<'_> {
        self.incoming.clear();
        self.received.clear();
        Writer(&mut self.incoming)
    }

    /// Answers a call of `api` as another host's functions do: takes the values, gives values.
    fn answer(&mut self, function: Function, payload: usize) -> Result<()> {
        let sent = std::mem::take(&mut self.outgoing);
        let mut reader = Reader(sent.get(..payload).context("no such message")?);
        match function {
            Function::Number => {
                let value = reader.u32()?;
                self.message().u32(value.wrapping_add(1));
            }
            Function::Bytes => {
                let value = black_box(reader.bytes()?.to_vec());
                self.message().bytes(&value);
            }
            Function::Fields => {
                let value = black_box(reader.ten()?);
                self.message().ten(&value);
            }
            Function::Items => {
                let value = black_box(reader.items()?);
                self.message().items(&value);
            }
            Function::Text => {
                let value = black_box(reader.text()?.to_owned());
                self.message().bytes(value.as_bytes());
            }
            Function::New => {
                let number = self.counters.len() as u32;
                self.counters.push(Counter(reader.u32()?));
                self.message().u32(0);
                self.received.push(Some(number));
            }
            Function::Add => {
                let number = *self.sent.get(reader.u32()? as usize).context("no such handle")?;
                let amount = reader.u32()?;
                let counter = self.counters.get_mut(number as usize).context("no such counter")?;
                counter.0 = counter.0.wrapping_add(amount);
                let sum = counter.0;
                self.message().u32(sum);
            }
        }
        self.outgoing = sent;
        self.sent.clear();
        Ok(())
    }
}

impl atoll_runtime::Host for Place {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }

    fn incoming(&self) -> &[u8] {
        &self.incoming
    }

    fn put_slot(&mut self, slot: ResourceSlot) -> Result<u32, String> {
        self.sent.push(slot.number);
        Ok(self.sent.len() as u32 - 1)
    }

    fn check_slot(&self, index: u32, _: Passing, _: Origin) -> Result<(), String> {
        self.received
            .get(index as usize)
            .and_then(|slot| slot.map(drop))
            .ok_or_else(|| "no such handle".into())
    }

    fn take_slot(&mut self, index: u32, _: Passing, _: Origin) -> Result<u32, String> {
        let slot = self.received.get_mut(index as usize).and_then(Option::take);
        slot.ok_or_else(|| "no such handle".into())
    }

    fn discard_outgoing(&mut self) {
        self.sent.clear();
    }

    fn discard_incoming(&mut self) {
        self.received.clear();
    }

    fn call(&mut self, _: Target, method: u32, payload: usize) -> Result<(), CallError> {
        let function = self.functions.get(method as usize).copied();
        let function = function.ok_or_else(|| CallError::Failed("no such function".into()))?;
        self.answer(function, payload).map_err(|error| CallError::Failed(error.to_string()))
    }

    fn drop_resource(&mut self, _: Target, _: u32, number: u32) {
        if number as usize + 1 == self.counters.len() {
            self.counters.pop();
        }
    }
}

impl Resolver for Place {
    fn resolve(&mut self, _: &str) -> Result<Provider, String> {
        let descriptor = Cow::Owned(self.descriptor.clone());
        Ok(Provider { target: Target::Provided(0), descriptor })
    }
}

/// An exported function.
#[derive(Clone, Copy, Debug)]
struct Export {
    interface: u32,
    function: u32,
}

fn export(instance: &Instance<Place>, interface: &str, function: &str) -> Result<Export> {
    let missing = || format!("`{function}` of `{interface}` is not exported");
    let interface = instance.export_index(interface).with_context(missing)?;
    let function = instance.function_index(interface, function).with_context(missing)?;
    Ok(Export { interface, function })
}

/// Runs an export on the message that was put in; a reader of the result.
fn dispatch(instance: &mut Instance<Place>, export: Export) -> Result<Reader<'_>> {
    let payload = instance.dispatch(export.interface, export.function)?;
    Ok(Reader(instance.host().outgoing.get(..payload).context("no such message")?))
}

impl Host for Atoll {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, component: &'static [u8]) -> Option<Run> {
        let translation = self.translation;
        Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                let component = Component::parse(component, &limits())?;
                black_box(component.translate_for(&limits(), translation)?);
                black_box(component);
            }
            Ok(())
        }))
    }

    fn instantiate(&self, component: &'static [u8]) -> Result<Option<Run>> {
        let (linked, translated) = self.linked(component, &mut Place::new())?;
        Ok(Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                let instance =
                    Instance::from_translated(&linked, &translated, Place::bare(), &limits())?;
                black_box(instance);
            }
            Ok(())
        })))
    }

    fn call(&self, provider: &'static [u8], call: Call) -> Result<Option<Run>> {
        let mut instance = self.instance(provider, Place::new())?;
        let values = Values::of(call);
        let name = match call {
            Call::Number => "number",
            Call::Bytes(_) => "bytes",
            Call::Fields => "fields",
            Call::Items => "items",
            Call::Text => "text",
            Call::Method => return method(instance).map(Some),
        };
        let export = export(&instance, API, name)?;
        Ok(Some(Box::new(move |rounds| {
            for round in 0..rounds {
                let mut writer = instance.host_mut().message();
                match call {
                    Call::Number | Call::Method => writer.u32(black_box(round)),
                    Call::Bytes(_) => writer.bytes(black_box(values.bytes)),
                    Call::Fields => writer.ten(black_box(&values.ten)),
                    Call::Items => writer.items(black_box(values.items)),
                    Call::Text => writer.bytes(black_box(values.text).as_bytes()),
                }
                let mut reader = dispatch(&mut instance, export)?;
                let right = match call {
                    Call::Number | Call::Method => reader.u32()? == round + 1,
                    Call::Bytes(_) => black_box(reader.bytes()?.to_vec()) == values.bytes,
                    Call::Fields => black_box(reader.ten()?) == values.ten,
                    Call::Items => black_box(reader.items()?) == values.items,
                    Call::Text => black_box(reader.text()?.to_owned()) == values.text,
                };
                ensure!(right, "another result");
            }
            Ok(())
        })))
    }

    fn work(&self, provider: &'static [u8], work: Loop, argument: u32) -> Result<Option<Run>> {
        let mut instance = self.instance(provider, Place::new())?;
        let name = match work {
            Loop::Integers => "integers",
            Loop::Memory => "memory",
            Loop::Calls => "calls",
        };
        let export = export(&instance, LOOPS, name)?;
        Ok(Some(Box::new(move |rounds| {
            for _ in 0..rounds {
                instance.host_mut().message().u32(argument);
                black_box(dispatch(&mut instance, export)?.u32()?);
            }
            Ok(())
        })))
    }

    fn drive(&self, guest: &Driven, call: Call) -> Result<Option<Run>> {
        let (guest, place) = match *guest {
            Driven::Alone(guest, provider) => {
                (guest, Place::providing(&Component::parse(provider, &limits())?)?)
            }
            Driven::Composed(guest) => (guest, Place::new()),
        };
        let mut instance = self.instance(guest, place)?;
        let name = match call {
            Call::Number => "number",
            Call::Bytes(_) => "bytes",
            Call::Fields => "fields",
            Call::Items => "items",
            Call::Text => "text",
            Call::Method => "method",
        };
        let export = export(&instance, DRIVE, name)?;
        Ok(Some(Box::new(move |rounds| {
            let mut writer = instance.host_mut().message();
            writer.u32(rounds);
            if let Call::Bytes(size) = call {
                writer.u32(size);
            }
            let result = dispatch(&mut instance, export)?.u32()?;
            ensure!(result == expected(call, rounds), "{call:?} gave {result}");
            Ok(())
        })))
    }
}

/// Calls of a method of one resource.
fn method(mut instance: Instance<Place>) -> Result<Run> {
    let new = export(&instance, API, "[constructor]counter")?;
    let add = export(&instance, API, "[method]counter.add")?;
    instance.host_mut().message().u32(0);
    dispatch(&mut instance, new)?;
    let rep = instance.host_mut().sent.pop().context("no counter was made")?;
    let mut sum = 0_u32;
    Ok(Box::new(move |rounds| {
        for _ in 0..rounds {
            let place = instance.host_mut();
            let mut writer = place.message();
            writer.u32(0);
            writer.u32(black_box(1));
            place.received.push(Some(rep));
            sum = sum.wrapping_add(1);
            ensure!(dispatch(&mut instance, add)?.u32()? == sum, "another sum");
        }
        Ok(())
    }))
}
