//! A place to run in that cannot be relied upon, and a resolver that grants everything.

use std::borrow::Cow;

use atoll_runtime::{
    Component, Host, Provider, Resolver,
    component::Interface,
    host::{CallError, Origin, Passing, ResourceSlot, Target},
    types::{Types, ValueType},
};

use crate::{choices::Choices, counts, types};

/// Bytes of a message, as in the gate.
const AREA: usize = 64 * 1024;
/// Handles in a message, as in the gate.
const SLOTS: usize = 64;

/// The host of one instance. What it answers is read from a script, again and again.
#[derive(Debug)]
pub struct HostileHost {
    /// The component.
    pub component: Vec<u8>,
    /// What was sent and what calls came to, one after another.
    pub notes: Vec<String>,
    script: Vec<u8>,
    at: usize,
    types: Types,
    imports: Vec<Interface>,
    outgoing: Vec<u8>,
    /// The message that came.
    pub incoming: Vec<u8>,
    /// The handles that came: not yet taken.
    pub came: Vec<bool>,
    put: usize,
}

impl HostileHost {
    /// A host for a component.
    #[must_use]
    pub fn new(bytes: &[u8], component: &Component<'_>, script: &[u8]) -> Self {
        Self {
            component: bytes.to_vec(),
            notes: Vec::new(),
            script: script.to_vec(),
            at: 0,
            types: component.types().clone(),
            imports: component.imports().to_vec(),
            outgoing: vec![0; AREA],
            incoming: Vec::new(),
            came: Vec::new(),
            put: 0,
        }
    }

    /// Remembers what happened.
    pub fn note(&mut self, what: &str) {
        self.notes.push(what.into());
    }

    /// A message that goes out, as text.
    #[must_use]
    pub fn sent(&self, payload: usize) -> String {
        format!("{:x?}", self.outgoing.get(..payload))
    }

    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.script.get(self.at % self.script.len().max(1)).copied().unwrap_or_default()
    }

    /// What calls of an imported function come to: mostly a value of its type.
    fn answer(&mut self, import: u32, method: u32) -> Vec<u8> {
        let interface = self.imports.get(import as usize);
        let function = interface.and_then(|interface| interface.ty.functions.get(method as usize));
        let result: Option<ValueType> = function.and_then(|(_, function)| function.result);
        let kind = self.byte();
        let (_, rest) = self.script.split_at(self.at % self.script.len().max(1));
        let mut choices = Choices::new(rest);
        let mut message = types::message(&self.types, result, &mut choices);
        if kind > 200 {
            types::damage(&mut message, &mut choices);
        }
        message
    }
}

impl Host for HostileHost {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }

    fn incoming(&self) -> &[u8] {
        &self.incoming
    }

    fn put_slot(&mut self, _: ResourceSlot) -> Result<u32, String> {
        if self.put >= SLOTS || self.byte() > 240 {
            return Err("no".into());
        }
        self.put += 1;
        Ok(self.put as u32 - 1)
    }

    fn check_slot(&self, index: u32, _: Passing, _: Origin) -> Result<(), String> {
        match self.came.get(index as usize) {
            Some(true) => Ok(()),
            _ => Err("no such handle".into()),
        }
    }

    fn take_slot(&mut self, index: u32, passing: Passing, origin: Origin) -> Result<u32, String> {
        self.check_slot(index, passing, origin)?;
        if let Some(came) = self.came.get_mut(index as usize) {
            *came = false;
        }
        Ok(u32::from(self.byte()))
    }

    fn discard_outgoing(&mut self) {
        self.put = 0;
    }

    fn discard_incoming(&mut self) {
        self.came.clear();
    }

    fn call(&mut self, target: Target, method: u32, payload: usize) -> Result<(), CallError> {
        assert!(payload <= self.outgoing.len(), "a message of {payload} bytes");
        counts::add("calls to the host", 1);
        self.note(&format!("{target:?} {method}: {}", self.sent(payload)));
        self.put = 0;
        let import = match target {
            Target::Endpoint(number) | Target::Provided(number) => number,
        };
        match self.byte() {
            0..230 => {
                self.incoming = self.answer(import, method);
                self.came = vec![true; 16];
                Ok(())
            }
            230..245 => Err(CallError::PeerRestarted),
            _ => Err(CallError::Failed("no".into())),
        }
    }

    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {
        counts::add("imported resources dropped", 1);
    }
}

/// Grants every import a provider of just the type that the component was built for.
#[derive(Debug)]
pub struct Permissive {
    expected: Vec<(String, Vec<u8>)>,
}

impl Permissive {
    /// A resolver for a component.
    #[must_use]
    pub fn new(component: &Component<'_>) -> Self {
        let numbered = (0..).zip(component.imports());
        let expected = numbered.filter_map(|(number, import)| {
            Some((import.name.clone(), component.expected(number)?))
        });
        Self { expected: expected.collect() }
    }

    /// The descriptors that it hands out.
    pub fn descriptors(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.expected.iter_mut().map(|(_, descriptor)| descriptor)
    }
}

impl Resolver for Permissive {
    fn resolve(&mut self, interface: &str) -> Result<Provider, String> {
        let found = self.expected.iter().position(|(name, _)| name == interface);
        let number = found.ok_or("its type is too large for a message")?;
        let target = match number % 2 {
            0 => Target::Provided(number as u32),
            _ => Target::Endpoint(number as u32),
        };
        let descriptor = self.expected[number].1.clone();
        Ok(Provider { target, descriptor: Cow::Owned(descriptor) })
    }
}
