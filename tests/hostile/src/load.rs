//! Takes a component as far as it goes: parse, link, instantiate, call everything.

use atoll_runtime::{
    Component, DispatchError, Instance, RuntimeLimits, Translation, Trap, descriptor,
    types::ValueType,
};

use crate::{
    choices::Choices,
    counts,
    host::{HostileHost, Permissive},
    types,
};

/// Small limits, so that they are met.
pub const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 256 << 10,
    table_elements: 1000,
    component_bytes: 256 << 10,
    handles: 64,
    call_depth: 100,
    ..RuntimeLimits::DEFAULT
};

/// What the start functions and each call may spend.
const FUEL: u64 = 20_000;

/// Parses a component and everything after. `choices` decide what the host and callers do.
///
/// # Panics
/// When the runtime breaks a promise.
pub fn all(bytes: &[u8], choices: &mut Choices<'_>) {
    if let Some(mut instance) = start(bytes, choices, TRACED, |_, _| {}) {
        call_everything(&mut instance, choices);
    }
}

/// As a domain does it, but for the fuel.
pub const TRACED: Translation = Translation { metered: true, backtrace: true };

/// Parses, links and instantiates. `prepare` may change what the resolver hands out.
///
/// # Panics
/// When the runtime breaks a promise.
pub fn start(
    bytes: &[u8],
    choices: &mut Choices<'_>,
    translation: Translation,
    prepare: impl FnOnce(&mut Permissive, &mut Choices<'_>),
) -> Option<Instance<HostileHost>> {
    counts::made("components parsed", "components parsed, distinct", bytes);
    let component = match Component::parse(bytes, &LIMITS) {
        Ok(component) => component,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    counts::add("components valid", 1);
    for export in 0..component.exports().len() as u32 {
        if let Some(descriptor) = component.descriptor(export) {
            descriptor::decode(&descriptor).expect("the runtime reads what it writes");
        }
    }
    let translated = match component.translate_for(&LIMITS, translation) {
        Ok(translated) => translated.with_fuel(FUEL),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    counts::add("components translated", 1);
    let mut resolver = Permissive::new(&component);
    prepare(&mut resolver, choices);
    let host = HostileHost::new(bytes, &component, choices.rest());
    let linked = match component.link(&mut resolver) {
        Ok(linked) => linked,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    counts::add("components linked", 1);
    let instance = Instance::from_translated(&linked, &translated, host, &LIMITS);
    match instance {
        Ok(instance) => {
            counts::add("components instantiated", 1);
            Some(instance)
        }
        Err(trap) => {
            explain(trap, bytes);
            None
        }
    }
}

/// Looks up where a trap happened.
fn explain(mut trap: Trap, component: &[u8]) {
    assert!(!trap.message().is_empty());
    trap.describe(component);
    let Some(backtrace) = trap.backtrace() else { return };
    counts::add("backtraces", 1);
    for frame in backtrace.frames() {
        assert!((frame.offset as usize) < component.len(), "{frame:?}");
        assert!(frame.function.is_some(), "{frame:?}");
    }
}

/// Calls exports with messages that are mostly right, and drops objects.
///
/// # Panics
/// When the runtime breaks a promise.
pub fn call_everything(instance: &mut Instance<HostileHost>, choices: &mut Choices<'_>) {
    let mut calls = 0;
    for export in 0..instance.exports().len() as u32 {
        for method in 0..instance.exports()[export as usize].ty.functions.len() as u32 {
            let message = right(instance, export, method, choices);
            if !dispatch(instance, export, method, message) || calls >= 12 {
                return;
            }
            calls += 1;
        }
    }
    instance.refuel(FUEL);
    let _ = instance.drop_object(choices.below(3), choices.below(3), choices.number());
}

/// A message that is a call of a function.
#[must_use]
pub fn right(
    instance: &Instance<HostileHost>,
    export: u32,
    method: u32,
    choices: &mut Choices<'_>,
) -> Vec<u8> {
    let interface = instance.exports().get(export as usize);
    let function = interface.and_then(|interface| interface.ty.functions.get(method as usize));
    let parameters: Vec<ValueType> = function
        .map(|(_, function)| function.parameters.iter().map(|(_, ty)| *ty).collect())
        .unwrap_or_default();
    types::message(instance.types(), parameters, choices)
}

/// Delivers a message; says whether the instance lives on.
///
/// # Panics
/// When the runtime breaks a promise.
pub fn dispatch(
    instance: &mut Instance<HostileHost>,
    export: u32,
    method: u32,
    message: Vec<u8>,
) -> bool {
    instance.refuel(FUEL);
    let host = instance.host_mut();
    host.incoming = message;
    host.came = vec![true; 16];
    counts::add("messages delivered", 1);
    let outcome = instance.dispatch(export, method);
    let host = instance.host_mut();
    match &outcome {
        Ok(payload) => host.note(&host.sent(*payload)),
        Err(DispatchError::Refused(why)) => host.note(why),
        Err(DispatchError::Trap(trap)) => host.note(trap.message()),
    }
    match outcome {
        Ok(payload) => {
            counts::add("messages answered", 1);
            assert!(payload <= 64 * 1024, "an answer of {payload} bytes");
            true
        }
        Err(DispatchError::Refused(why)) => {
            counts::add("messages refused", 1);
            assert!(!why.is_empty());
            assert!(instance.trap().is_none(), "refused, not dead");
            true
        }
        Err(DispatchError::Trap(trap)) => {
            counts::add("messages that ended in a trap", 1);
            assert_eq!(instance.trap(), Some(&trap));
            explain(trap, &instance.host().component);
            false
        }
    }
}
