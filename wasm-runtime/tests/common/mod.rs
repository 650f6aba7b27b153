//! Several domains without a kernel, for tests of the component runtime.
//!
//! A [`System`] holds the domains and the endpoints between them; [`TestHost`] is the [`Host`] of
//! one domain. A call runs the server's [`Instance`] right away, on the caller's stack; handles
//! are checked and translated as the kernel does it. `wit` makes components from WIT and WAT.

#![allow(dead_code, reason = "each test uses another part")]

pub(crate) mod host;
pub(crate) mod wit;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use atoll_runtime::{Component, Instance, LinkError, RuntimeLimits};

pub(crate) use host::{Object, TestHost};

/// Bounds that no well-behaved test component meets.
pub(crate) const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 16 << 20,
    table_elements: 10_000,
    component_bytes: 4 << 20,
    handles: 100,
    call_depth: 500,
    ..RuntimeLimits::DEFAULT
};

/// What the host itself provides: the function's number and its parameters to the result.
pub(crate) type Provided = Rc<dyn Fn(u32, &[u8]) -> Vec<u8>>;

/// A published interface.
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) descriptor: Vec<u8>,
    pub(crate) server: usize,
    pub(crate) export: u32,
    /// Counts the lives of the server; objects of an earlier one are stale.
    pub(crate) incarnation: u32,
}

/// All domains and endpoints.
#[derive(Default)]
pub(crate) struct System {
    pub(crate) domains: RefCell<Vec<Rc<RefCell<Instance<TestHost>>>>>,
    pub(crate) endpoints: RefCell<Vec<Endpoint>>,
    pub(crate) provided: RefCell<Vec<(String, Vec<u8>, Provided)>>,
    /// Objects whose last handle is gone: endpoint, resource, representation.
    pub(crate) dropped: RefCell<Vec<Object>>,
    /// How many handles there are to each object.
    pub(crate) holders: RefCell<HashMap<Object, u32>>,
    /// Overrides what calls of an endpoint come to.
    pub(crate) broken: RefCell<Vec<usize>>,
    /// Bytes that a memory or table may still grow by at once; 0 for any number.
    pub(crate) room: Cell<u64>,
}

/// A domain of a system.
#[derive(Clone)]
pub(crate) struct Domain {
    pub(crate) system: Rc<System>,
    pub(crate) instance: Rc<RefCell<Instance<TestHost>>>,
    pub(crate) number: usize,
}

impl System {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self::default())
    }

    /// Provides an interface without a domain.
    pub(crate) fn provide(
        self: &Rc<Self>,
        name: &str,
        descriptor: Vec<u8>,
        function: impl Fn(u32, &[u8]) -> Vec<u8> + 'static,
    ) {
        self.provided.borrow_mut().push((name.into(), descriptor, Rc::new(function)));
    }

    /// Links a component against everything in the system.
    pub(crate) fn link(self: &Rc<Self>, component: &[u8]) -> Result<(), LinkError> {
        let component = Component::parse(component, &LIMITS).expect("component");
        let mut host = TestHost::new(self.clone(), usize::MAX);
        component.link(&mut host).map(|_| ())
    }

    /// Starts a component and publishes its exports.
    pub(crate) fn start(self: &Rc<Self>, component: &[u8]) -> Domain {
        self.start_with(component, &LIMITS).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a component with its own limits; every error as text.
    pub(crate) fn start_with(
        self: &Rc<Self>,
        component: &[u8],
        limits: &RuntimeLimits,
    ) -> Result<Domain, String> {
        let number = self.domains.borrow().len();
        let mut host = TestHost::new(self.clone(), number);
        let component = Component::parse(component, limits).map_err(|e| e.to_string())?;
        let linked = component.link(&mut host).map_err(|e| e.to_string())?;
        let instance = Instance::instantiate(linked, host, limits).map_err(|e| e.to_string())?;
        let exports: Vec<_> = instance.exports().iter().map(|e| e.name.clone()).collect();
        for (export, name) in (0u32..).zip(exports) {
            let descriptor = instance.descriptor(export).expect("descriptor");
            let incarnation = 0;
            let endpoint = Endpoint { name, descriptor, server: number, export, incarnation };
            self.endpoints.borrow_mut().push(endpoint);
        }
        let instance = Rc::new(RefCell::new(instance));
        self.domains.borrow_mut().push(instance.clone());
        Ok(Domain { system: self.clone(), instance, number })
    }

    /// Delivers the drops that are due, as the kernel does between calls. Gives back how many.
    pub(crate) fn deliver_drops(&self) -> usize {
        let dropped: Vec<Object> = self.dropped.borrow_mut().drain(..).collect();
        for object in &dropped {
            let (server, export) = {
                let endpoints = self.endpoints.borrow();
                let endpoint = &endpoints[object.endpoint];
                if endpoint.incarnation != object.incarnation {
                    continue;
                }
                (endpoint.server, endpoint.export)
            };
            let server = self.domains.borrow()[server].clone();
            let dropped = server.borrow_mut().drop_object(export, object.resource, object.rep);
            dropped.expect("destructor");
        }
        dropped.len()
    }
}

impl Domain {
    /// Calls an exported function with parameters in the wire form, without handles.
    pub(crate) fn call(&self, interface: &str, function: &str, parameters: &[u8]) -> Vec<u8> {
        self.try_call(interface, function, parameters).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Calls an exported function; a trap as text.
    pub(crate) fn try_call(
        &self,
        interface: &str,
        function: &str,
        parameters: &[u8],
    ) -> Result<Vec<u8>, String> {
        let mut instance = self.instance.borrow_mut();
        let export = instance.export_index(interface).expect("export");
        let method = instance.function_index(export, function).expect("function");
        instance.call(export, method, parameters).map_err(|trap| trap.to_string())
    }
}

/// The wire form of numbers.
pub(crate) fn wire(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The wire form of a string or a list of bytes.
pub(crate) fn wire_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut wire = (bytes.len() as u32).to_le_bytes().to_vec();
    wire.extend_from_slice(bytes);
    wire
}

/// Debug builds need more stack than the image, which is a release build with 256 KiB.
const STACK: usize = if cfg!(debug_assertions) { 1024 * 1024 } else { 128 * 1024 };

/// Runs a test on a thread with a stack as small as a domain's half.
pub(crate) fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(test).expect("thread");
    thread.join().expect("no overflow");
}
