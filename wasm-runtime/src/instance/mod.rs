//! Running components: the top object of a domain.
//!
//! An [`Instance`] owns the store with everything that a component is made of, runs its exports
//! and is dead after the first trap. `build` follows the component's recipe; `trampoline` are the
//! core functions that guests call, `call` and `entry` call guests, `pass` hands on what is
//! exported as it was imported, `state` is the store's data, `limiter` bounds what grows and
//! `local` are the message areas within the domain, `contents` is what another version can take over.

mod build;
mod call;
mod contents;
pub(crate) mod entry;
mod limiter;
mod local;
mod pass;
mod runtime;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod trampoline;

use alloc::{string::String, sync::Arc, vec::Vec};

use wasmi::{AsContextMut, Store};

use self::{
    build::Builder,
    contents::Parts,
    pass::Exported,
    state::{Area, State},
};
use crate::{
    component::{Interface, Interfaces, Side},
    descriptor,
    error::{DispatchError, Trap},
    host::{Host, Origin},
    limits::RuntimeLimits,
    link::{Linked, name},
    trace::Trace,
    translated::Translated,
    types::{ResourceId, Types},
};

/// A component that runs.
pub struct Instance<H: Host> {
    store: Store<State<H>>,
    interfaces: Arc<Interfaces>,
    /// By exported interface and number.
    functions: Vec<Vec<Exported>>,
    /// The calls in progress, if note is kept of them.
    trace: Option<Trace>,
    /// The layout that it declares, and what can be handed to another version for that.
    layout: Option<(Arc<[u8]>, Parts)>,
    /// Why it is dead.
    dead: Option<Trap>,
}

impl<H: Host> Instance<H> {
    /// Translates the core modules and makes an instance of the component. Start functions of core
    /// modules run and may call imports.
    ///
    /// # Errors
    /// A core module is malformed or over the limits, or a start function trapped.
    pub fn instantiate(linked: Linked<'_>, host: H, limits: &RuntimeLimits) -> Result<Self, Trap> {
        let translated = linked.component.translate(limits, false)?;
        Self::from_translated(&linked, &translated, host, limits)
    }

    /// The same with core modules that were translated before, under the same limits: for a
    /// component that is instantiated more than once.
    ///
    /// # Errors
    /// A start function trapped, or `translated` is of another component.
    pub fn from_translated(
        linked: &Linked<'_>,
        translated: &Translated,
        host: H,
        limits: &RuntimeLimits,
    ) -> Result<Self, Trap> {
        let Linked { component, links } = linked;
        let recipe = translated.recipe_for(component)?;
        let resources = build::resources(recipe, links);
        let state = State::new(host, limits, resources, &recipe.parents);
        let mut store = Store::new(&translated.engine, state);
        if let Some(fuel) = translated.fuel {
            store.set_fuel(fuel)?;
        }
        let trace = translated.backtrace.then(|| Trace::new(&mut store, limits)).transpose()?;
        store.limiter(|state| state);
        let builder = Builder::new(recipe, &translated.modules, links, &mut store, trace);
        let mut builder = builder.collecting(component.layout.is_some());
        let built = builder.build();
        let layout = component.layout.clone().zip(builder.collected());
        let functions = built.map_err(|trap| trap.traced(&mut store, trace.as_ref()))?;
        let interfaces = component.interfaces.clone();
        Ok(Self { store, interfaces, functions, trace, layout, dead: None })
    }

    /// Sets what Wasm code may still spend. Nothing happens unless the code is metered.
    pub fn refuel(&mut self, fuel: u64) {
        // Fails on an engine that does not count.
        let _ = self.store.set_fuel(fuel);
    }

    /// The place that it runs in.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.store.data().host
    }

    /// The place that it runs in.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.store.data_mut().host
    }

    /// The interfaces that it exports, in the order of the binary.
    #[must_use]
    pub fn exports(&self) -> &[Interface] {
        &self.interfaces.exports
    }

    /// What the types of the exports refer to.
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

    /// The number of a function of an exported interface.
    #[must_use]
    pub fn function_index(&self, export: u32, name: &str) -> Option<u32> {
        let functions = &self.exports().get(export as usize)?.ty.functions;
        let index = functions.iter().position(|(function, _)| function == name)?;
        u32::try_from(index).ok()
    }

    /// The descriptor of an exported interface, to be published. `None` when there is no such
    /// export or its type is too large for a message.
    #[must_use]
    pub fn descriptor(&self, export: u32) -> Option<Vec<u8>> {
        descriptor::of(&self.interfaces, Side::Export, export)
    }

    /// Why it is dead, if it is.
    #[must_use]
    pub fn trap(&self) -> Option<&Trap> {
        self.dead.as_ref()
    }

    /// Runs an exported function on the message in the host's incoming area. Afterwards the result
    /// is in the outgoing area; gives back its length.
    ///
    /// # Errors
    /// The message is no call of the function, or the guest trapped.
    #[inline]
    pub fn dispatch(&mut self, export: u32, method: u32) -> Result<usize, DispatchError> {
        let function = self.functions.get(export as usize);
        let function = function.and_then(|functions| functions.get(method as usize));
        let Some(function) = function.filter(|_| self.dead.is_none()) else {
            return Err(self.no_function(export, method));
        };
        self.store.data_mut().area = Area::Host;
        let outcome = function.call(self.store.as_context_mut());
        outcome.map_err(|error| self.not_answered(error))
    }

    /// Cleans up after a call without a result.
    #[cold]
    fn not_answered(&mut self, error: DispatchError) -> DispatchError {
        match error {
            DispatchError::Refused(why) => {
                self.store.data_mut().discard();
                DispatchError::Refused(why)
            }
            DispatchError::Trap(trap) => self.die(trap).into(),
        }
    }

    /// Runs an exported function for the runtime itself: `parameters` and the result are in the
    /// wire form and carry no handles.
    ///
    /// # Errors
    /// The parameters do not fit the function, or the guest trapped; it is dead in both cases.
    pub fn call(&mut self, export: u32, method: u32, parameters: &[u8]) -> Result<Vec<u8>, Trap> {
        let function = self.functions.get(export as usize);
        let function = function.and_then(|functions| functions.get(method as usize)).cloned();
        let Some(function) = function.filter(|_| self.dead.is_none()) else {
            return match self.no_function(export, method) {
                DispatchError::Refused(why) => Err(Trap::new(why)),
                DispatchError::Trap(trap) => Err(trap),
            };
        };
        let state = self.store.data_mut();
        state.area = Area::Host;
        let before = state.enter_local();
        if let Some(local) = state.local() {
            local.set_incoming(parameters);
        }
        match function.call(self.store.as_context_mut()) {
            Ok(payload) => {
                let state = self.store.data_mut();
                let sent = state.local().map(|local| local.sent(payload)).unwrap_or_default();
                state.leave_local(before);
                Ok(sent)
            }
            Err(DispatchError::Refused(why)) => Err(self.die(Trap::new(why))),
            Err(DispatchError::Trap(trap)) => Err(self.die(trap)),
        }
    }

    /// Ends an object that this component minted: its last handle is gone. Runs the destructor of
    /// the resource, which is known by the numbers of its export and within it.
    ///
    /// # Errors
    /// The destructor trapped.
    pub fn drop_object(&mut self, export: u32, resource: u32, rep: u32) -> Result<(), Trap> {
        if let Some(trap) = &self.dead {
            return Err(trap.clone());
        }
        let origin = Origin::Export { interface: export, resource };
        let state = self.store.data_mut();
        state.area = Area::Host;
        let found = state.resources.iter().position(|known| known.origin == Some(origin));
        let Some(id) = found.and_then(|index| u32::try_from(index).ok()) else {
            return Ok(());
        };
        call::destroy(self.store.as_context_mut(), ResourceId(id), rep, None)
            .map_err(|trap| self.die(trap))
    }

    /// Remembers that the guest is dead, and where.
    #[cold]
    fn die(&mut self, trap: Trap) -> Trap {
        let trap = trap.traced(&mut self.store, self.trace.as_ref());
        self.dead = Some(trap.clone());
        trap
    }

    /// Why there is no function to call.
    #[cold]
    fn no_function(&self, export: u32, method: u32) -> DispatchError {
        if let Some(trap) = &self.dead {
            return trap.clone().into();
        }
        let interface = self.exports().get(export as usize);
        DispatchError::Refused(alloc::format!(
            "there is no function {method} in interface {}",
            interface.map_or("?", |interface| &interface.name)
        ))
    }
}

impl<H: Host> core::fmt::Debug for Instance<H> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names: Vec<&String> = self.exports().iter().map(|interface| &interface.name).collect();
        f.debug_struct("Instance")
            .field("exports", &names)
            .field("dead", &self.dead)
            .finish_non_exhaustive()
    }
}
