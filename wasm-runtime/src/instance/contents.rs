//! Handing what the guests have to another version of the component, and taking it over.
//!
//! Both declare the same layout, which is their author's word for that one version's contents are
//! good for the other. What can be checked is: as many memories, globals of the same types, tables
//! as long with the same signatures, the same resource types. What belongs to this domain alone
//! refuses: handles to what was imported, references in globals, tables that code can change, and
//! calls in progress.

use alloc::{format, string::String, sync::Arc, vec::Vec};

use wasmi::{
    AsContext, F32, F64, Func, FuncType, Global, Instance as CoreInstance, Memory, Nullable, Ref,
    Store, Table, Val, ValType,
};

use super::{Instance, state::State};
use crate::{
    contents::{Contents, Exposed, Held, Part, Shape, Signatures, Value, name},
    host::{Host, Origin},
    resources::{Entry, Holding},
    types::ResourceId,
};

/// Bytes of a page of a memory.
const PAGE: u64 = 1 << 16;
/// Start and factor of the sum over signatures (FNV-1a).
const SUM: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0100_0000_01b3);

/// What the core instances of a domain have, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Parts {
    memories: Vec<Memory>,
    globals: Vec<Global>,
    tables: Vec<Table>,
    /// Why it cannot be handed on, if that is known from the code.
    obstacle: Option<&'static str>,
}

impl Parts {
    /// Adds a memory that a module would have defined.
    pub(super) fn add_memory(&mut self, memory: Memory) {
        self.memories.push(memory);
    }

    /// Adds what a core instance exports for this.
    pub(super) fn collect(
        &mut self,
        store: impl AsContext,
        made: CoreInstance,
        exposed: Option<Exposed>,
    ) {
        let Some(exposed) = exposed else {
            self.obstacle = Some("a core module cannot be looked into");
            return;
        };
        if exposed.changes_tables {
            self.obstacle = Some("a core module has code that changes tables of functions");
        }
        let export = |part, number| made.get_export(&store, &name(part, number));
        let memories = (0..exposed.memories).filter_map(|at| export(Part::Memory, at));
        self.memories.extend(memories.filter_map(wasmi::Extern::into_memory));
        let globals = (0..exposed.globals).filter_map(|at| export(Part::Global, at));
        self.globals.extend(globals.filter_map(wasmi::Extern::into_global));
        let tables = (0..exposed.tables).filter_map(|at| export(Part::Table, at));
        self.tables.extend(tables.filter_map(wasmi::Extern::into_table));
    }
}

impl<H: Host> Instance<H> {
    /// The layout that the component declares.
    #[must_use]
    pub fn layout(&self) -> Option<&[u8]> {
        self.layout.as_ref().map(|(layout, _)| &**layout)
    }

    /// What the guests have besides their code and the bytes of their memories, for
    /// [`Self::take_contents`] of a version with the same layout.
    ///
    /// # Errors
    /// A text that says what cannot be handed on.
    pub fn contents(&self) -> Result<Vec<u8>, String> {
        let parts = self.parts()?;
        if !self.store.data().instances().all(|instance| instance.is_at_rest()) {
            return Err("a call is in progress".into());
        }
        let values = parts.globals.iter().map(|global| value(&global.get(&self.store)));
        let contents = Contents {
            memories: parts.memories.iter().map(|it| it.data_size(&self.store) as u64).collect(),
            globals: values.collect::<Result<_, _>>()?,
            shape: self.shape(parts)?,
            handles: self.held()?,
        };
        Ok(contents.encode())
    }

    /// Shows the memories, in the order of [`Self::contents`].
    ///
    /// # Errors
    /// The first of `show`.
    pub fn show_memories<E>(
        &mut self,
        mut show: impl FnMut(&mut H, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let memories = self.layout.iter().flat_map(|(_, parts)| &parts.memories);
        for memory in memories {
            let (bytes, state) = memory.data_and_store_mut(&mut self.store);
            show(&mut state.host, bytes)?;
        }
        Ok(())
    }

    /// Takes the contents of another version over, in place of its own. `fill` is asked for the
    /// bytes of each memory, by its number.
    ///
    /// # Errors
    /// A text that says what does not fit; the guests are of no use then.
    pub fn take_contents(
        &mut self,
        contents: &[u8],
        mut fill: impl FnMut(&mut H, u32, &mut [u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let contents = Contents::decode(contents).map_err(|_| "its record is damaged")?;
        self.check(&contents)?;
        let Some((_, parts)) = &self.layout else { return Ok(()) };
        for ((number, memory), bytes) in (0..).zip(&parts.memories).zip(&contents.memories) {
            grow(&mut self.store, *memory, number, *bytes)?;
            let (bytes, state) = memory.data_and_store_mut(&mut self.store);
            fill(&mut state.host, number, bytes)?;
        }
        for (global, value) in parts.globals.iter().zip(&contents.globals) {
            let set = global.set(&mut self.store, val(*value));
            set.map_err(|_| "its globals are of other types")?;
        }
        for (instance, held) in self.store.data_mut().instances_mut().zip(contents.handles) {
            let entry = |Held { index, resource, rep }| {
                let (resource, holding) = (ResourceId(resource), Holding::Own);
                (index, Entry { resource, rep, holding, lends: 0 })
            };
            let filled = instance.fill(held.into_iter().map(entry));
            filled.map_err(|error| format!("its handles do not fit: {error}"))?;
        }
        Ok(())
    }

    fn parts(&self) -> Result<&Parts, String> {
        let (_, parts) = self.layout.as_ref().ok_or("it declares no layout")?;
        parts.obstacle.map_or(Ok(parts), |obstacle| Err(obstacle.into()))
    }

    /// Fails unless the contents of another version are as its own, as far as can be seen.
    fn check(&self, contents: &Contents) -> Result<(), String> {
        let parts = self.parts()?;
        let differs = |what: &str| Err(format!("its {what} are others"));
        if contents.memories.len() != parts.memories.len() {
            return differs("memories");
        }
        let own = parts.globals.iter().map(|global| value(&global.get(&self.store)));
        let own: Vec<_> = own.collect::<Result<_, _>>()?;
        let kinds =
            |values: &[Value]| -> Vec<_> { values.iter().map(core::mem::discriminant).collect() };
        if kinds(&own) != kinds(&contents.globals) {
            return differs("globals");
        }
        let shape = self.shape(parts)?;
        if shape.tables != contents.shape.tables {
            return differs("tables of functions");
        }
        if shape.resources != contents.shape.resources {
            return differs("resource types");
        }
        let count = self.store.data().instances().count();
        let held = contents.handles.iter().flatten();
        let is_own = |held: &Held| self.is_own(ResourceId(held.resource));
        if contents.handles.len() != count || !held.into_iter().all(is_own) {
            return differs("handles");
        }
        Ok(())
    }

    /// What both versions must have alike.
    fn shape(&self, parts: &Parts) -> Result<Shape, String> {
        let tables = parts.tables.iter().map(|table| signatures(&self.store, *table));
        let resources = self.store.data().resources.iter().map(|resource| {
            let interface = match resource.origin {
                Some(Origin::Export { interface, .. }) => {
                    self.exports().get(interface as usize).map(|export| export.interface())
                }
                _ => None,
            };
            let (implementer, interface) = (resource.implementer, interface.unwrap_or_default());
            format!("{implementer:?} {interface} {}", resource.name)
        });
        Ok(Shape { tables: tables.collect::<Result<_, _>>()?, resources: resources.collect() })
    }

    fn is_own(&self, resource: ResourceId) -> bool {
        self.store.data().resource(resource).is_some_and(|known| known.implementer.is_some())
    }

    /// The handles of each component instance.
    fn held(&self) -> Result<Vec<Vec<Held>>, String> {
        let instances = self.store.data().instances();
        instances
            .map(|instance| instance.handles().iter().map(|it| self.hold(it)).collect())
            .collect()
    }

    fn hold(&self, (index, entry): (u32, &Entry)) -> Result<Held, String> {
        let Entry { resource, rep, holding, lends } = *entry;
        let known = self.store.data().resource(resource);
        if !self.is_own(resource) {
            let name: Arc<str> = known.map(|known| known.name.clone()).unwrap_or_default();
            return Err(format!("it holds a `{name}` of another server or of the runtime"));
        }
        if holding != Holding::Own || lends != 0 {
            return Err("a handle is lent".into());
        }
        Ok(Held { index, resource: resource.0, rep })
    }
}

/// Makes a memory as long as another one is.
fn grow<H: Host>(
    store: &mut Store<State<H>>,
    memory: Memory,
    number: u32,
    bytes: u64,
) -> Result<(), String> {
    let own = memory.data_size(&*store) as u64;
    let more = bytes.checked_sub(own).filter(|more| more.is_multiple_of(PAGE));
    let more = more.ok_or_else(|| format!("memory {number} has {bytes} bytes and not {own}"))?;
    match memory.grow(store, more / PAGE) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("there is no room for the {bytes} bytes of memory {number}")),
    }
}

fn value(val: &Val) -> Result<Value, String> {
    match val {
        Val::I32(value) => Ok(Value::I32(value.cast_unsigned())),
        Val::I64(value) => Ok(Value::I64(value.cast_unsigned())),
        Val::F32(value) => Ok(Value::F32(value.to_bits())),
        Val::F64(value) => Ok(Value::F64(value.to_bits())),
        Val::FuncRef(Nullable::Null) => Ok(Value::NullFunction),
        Val::ExternRef(Nullable::Null) => Ok(Value::NullHost),
        _ => Err("a global has a reference to a function".into()),
    }
}

fn val(value: Value) -> Val {
    match value {
        Value::I32(bits) => Val::I32(bits.cast_signed()),
        Value::I64(bits) => Val::I64(bits.cast_signed()),
        Value::F32(bits) => Val::F32(F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(bits)),
        Value::NullFunction => Val::FuncRef(Nullable::Null),
        Value::NullHost => Val::ExternRef(Nullable::Null),
    }
}

/// Length of a table and the signatures in it.
fn signatures<T>(store: &Store<T>, table: Table) -> Result<Signatures, String> {
    let elements = table.size(store);
    let mut sum = SUM.0;
    for index in 0..elements {
        match table.get(store, index) {
            Some(Ref::Func(Nullable::Val(function))) => add(&mut sum, &signature(store, function)),
            Some(element) if element.is_null() => add(&mut sum, &[]),
            _ => return Err("a table holds references to what is not a function".into()),
        }
    }
    Ok(Signatures { elements, sum })
}

fn signature<T>(store: &Store<T>, function: Func) -> Vec<u8> {
    let ty: FuncType = function.ty(store);
    let kinds = |types: &[ValType]| -> Vec<u8> { types.iter().map(|ty| *ty as u8).collect() };
    [&[1, ty.params().len() as u8][..], &kinds(ty.params()), &kinds(ty.results())].concat()
}

fn add(sum: &mut u64, bytes: &[u8]) {
    // The length first: elements do not run into each other.
    for byte in core::iter::once(&(bytes.len() as u8)).chain(bytes) {
        *sum = (*sum ^ u64::from(*byte)).wrapping_mul(SUM.1);
    }
}
