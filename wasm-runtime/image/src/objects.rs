//! The objects behind the resources of provided interfaces.
//!
//! An object has a number, which is what the runtime keeps as the guest's representation, and a
//! count of users: the guest's handle, pollables that were made of it, and the grant behind a
//! standard stream. With the last user it goes, and its kernel handle with it.

use crate::gate::Window;
use crate::generated::{self as numbers, Interface};
use crate::slab::Slab;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::start::{GrantKind, SIGNER_KEY};

/// A resource type of a provided interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Where it is declared.
    pub interface: Interface,
    /// Its number there.
    pub resource: u32,
}

macro_rules! kinds {
    ($($name:ident = $interface:ident, $module:ident :: $constant:ident;)*) => {
        impl Kind { $(
            #[doc = concat!("Number of ", stringify!($module), "'s resource.")]
            pub const $name: Self =
                Self { interface: Interface::$interface, resource: numbers::$module::$constant };
        )* }
    };
}
kinds! {
    POLLABLE = WasiIoPoll, wasi_io_poll::POLLABLE;
    INPUT = WasiIoStreams, wasi_io_streams::INPUT_STREAM;
    OUTPUT = WasiIoStreams, wasi_io_streams::OUTPUT_STREAM;
    ERROR = WasiIoError, wasi_io_error::ERROR;
    EVENT = AtollIoEvents, atoll_io_events::EVENT;
    INTERRUPT = AtollDeviceIrq, atoll_device_irq::INTERRUPT;
    PORTS = AtollDevicePortIo, atoll_device_port_io::PORTS;
    WINDOW = AtollDeviceMmio, atoll_device_mmio::WINDOW;
    MODULE = AtollSupervisionModules, atoll_supervision_modules::MODULE;
    ENDPOINT = AtollSupervisionDomains, atoll_supervision_domains::ENDPOINT;
    DOMAIN = AtollSupervisionDomains, atoll_supervision_domains::DOMAIN;
    CAPSULE = AtollSupervisionDomains, atoll_supervision_domains::CAPSULE;
}

/// What a pollable waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nothing: it is ready.
    Always,
    /// A time.
    At(u64),
    /// A kernel handle that belongs to the pollable itself.
    Handle(u32),
    /// A kernel handle of a grant.
    Granted(u32),
    /// The kernel handle of another object, of which it is a user.
    Object(u32),
}

/// Where an output stream goes.
#[derive(Debug)]
pub enum Sink {
    /// The writing end of a pipe.
    Pipe {
        /// The kernel handle.
        handle: u32,
        /// Bytes that a `write` was permitted and the pipe had no room for.
        rest: Vec<u8>,
        /// Bytes that the next `write` may have.
        permit: usize,
    },
    /// The log, line by line.
    Log {
        /// The kernel handle of the log; without one the text goes nowhere.
        handle: Option<u32>,
        /// An [`atoll_gate::record::Level`] as a number.
        level: u8,
        /// The line so far.
        line: Vec<u8>,
    },
}

/// A grant that a domain gets when it starts.
#[derive(Debug)]
pub struct Pending {
    /// How it is meant.
    pub kind: GrantKind,
    /// For which interface.
    pub interface: String,
    /// Under which label.
    pub label: String,
    /// The kernel handle that moves with it.
    pub handle: Option<u32>,
}

/// A domain under control.
#[derive(Debug)]
pub struct Domain {
    /// The control handle.
    pub control: u32,
    /// Grants so far; taken by `start`.
    pub grants: Vec<Pending>,
    /// Names and keys of those that can have signed its component.
    pub signers: Vec<(String, [u8; SIGNER_KEY])>,
    /// Whether `start` was called.
    pub started: bool,
    /// Whether it is to take over from another one.
    pub standby: bool,
}

/// What a provided resource is.
#[derive(Debug)]
pub enum Object {
    /// `wasi:io/poll.pollable`
    Pollable(Source),
    /// `wasi:io/streams.input-stream`: the reading end of a pipe, or a stream that is at its end.
    Input(Option<u32>),
    /// `wasi:io/streams.output-stream`
    Output(Sink),
    /// `wasi:io/error.error`
    Error(&'static str),
    /// `atoll:io/events.event`
    Event(u32),
    /// `atoll:device/irq.interrupt`, of a grant
    Interrupt(u32),
    /// `atoll:device/port-io.ports`, of a grant
    Ports(u32),
    /// `atoll:device/mmio.window`
    Window(Window),
    /// `atoll:supervision/modules.module`
    Module(u32),
    /// `atoll:supervision/domains.endpoint`
    Endpoint(u32),
    /// `atoll:supervision/domains.domain`
    Domain(Box<Domain>),
    /// `atoll:supervision/domains.capsule`
    Capsule(u32),
    /// It was passed on; pollables of it are left.
    Gone,
}

impl Object {
    /// Its resource type; `None` for what the guest can have no handle to.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Pollable(_) => Kind::POLLABLE,
            Self::Input(_) => Kind::INPUT,
            Self::Output(_) => Kind::OUTPUT,
            Self::Error(_) => Kind::ERROR,
            Self::Event(_) => Kind::EVENT,
            Self::Interrupt(_) => Kind::INTERRUPT,
            Self::Ports(_) => Kind::PORTS,
            Self::Window(_) => Kind::WINDOW,
            Self::Module(_) => Kind::MODULE,
            Self::Endpoint(_) => Kind::ENDPOINT,
            Self::Domain(_) => Kind::DOMAIN,
            Self::Capsule(_) => Kind::CAPSULE,
            Self::Gone => return None,
        })
    }

    /// The one kernel handle behind it, if that is all there is to it.
    #[must_use]
    pub const fn handle(&self) -> Option<u32> {
        match self {
            Self::Input(handle) => *handle,
            Self::Output(Sink::Pipe { handle, .. })
            | Self::Event(handle)
            | Self::Interrupt(handle)
            | Self::Ports(handle)
            | Self::Module(handle)
            | Self::Endpoint(handle)
            | Self::Capsule(handle)
            | Self::Pollable(Source::Handle(handle) | Source::Granted(handle)) => Some(*handle),
            Self::Domain(domain) => Some(domain.control),
            _ => None,
        }
    }
}

/// On which terms an object's kernel handle is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It is closed with the object.
    Owned,
    /// It belongs to a grant and stays.
    Granted,
    /// It was lent for a call and goes back by itself.
    Borrowed,
}

/// An object and who uses it.
#[derive(Debug)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// How its kernel handle is held.
    pub hold: Hold,
    /// Users, at least one.
    pub users: u32,
}

/// All objects of the domain.
#[derive(Debug, Default)]
pub struct Objects {
    entries: Slab<Entry>,
}

impl Objects {
    /// Adds an object with one user.
    pub fn add(&mut self, object: Object, hold: Hold) -> u32 {
        self.entries.insert(Entry { object, hold, users: 1 })
    }

    /// The entry of an object.
    #[must_use]
    pub fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number)
    }

    /// The entry of an object, to change.
    pub fn entry_mut(&mut self, number: u32) -> Option<&mut Entry> {
        self.entries.get_mut(number)
    }

    /// The object with that number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Object> {
        self.entries.get(number).map(|entry| &entry.object)
    }

    /// The object with that number, to change.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Object> {
        self.entries.get_mut(number).map(|entry| &mut entry.object)
    }

    /// Adds a user.
    pub fn share(&mut self, number: u32) {
        if let Some(entry) = self.entries.get_mut(number) {
            entry.users += 1;
        }
    }

    /// Takes a user away; the entry, if that was the last one.
    pub fn leave(&mut self, number: u32) -> Option<Entry> {
        let entry = self.entries.get_mut(number)?;
        entry.users = entry.users.saturating_sub(1);
        if entry.users == 0 { self.entries.remove(number) } else { None }
    }

    /// The kernel handle that a pollable waits on; `None` if it waits on none.
    #[must_use]
    pub fn waits_on(&self, pollable: u32) -> Option<u32> {
        match self.get(pollable)? {
            Object::Pollable(Source::Handle(handle) | Source::Granted(handle)) => Some(*handle),
            Object::Pollable(Source::Object(number)) => self.get(*number)?.handle(),
            _ => None,
        }
    }

    /// All objects with their numbers.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Object)> {
        self.entries.iter_mut().map(|(number, entry)| (number, &mut entry.object))
    }
}
