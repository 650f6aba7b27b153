//! The interfaces that the image itself provides, one module each.
//!
//! A function takes its parameters from the send area ([`Place::input`]) and writes its result to
//! the [`crate::answer::Answer`]; both have the wire form, as if the interface were served on an
//! endpoint. A trap is a text for the operator. Which functions there are comes from `wit/` by way
//! of [`crate::generated`], so a function without an arm here does not compile.

mod capsule;
mod cli;
mod clocks;
mod devices;
mod domains;
mod events;
mod filesystem;
mod framebuffer;
mod grants;
mod guardian;
pub(crate) mod log;
mod mmio;
mod modules;
mod output;
mod poll;
mod random;
#[cfg(feature = "testing")]
mod raw_gate;
mod records;
mod streams;
mod system;

use crate::Place;
use crate::gate::{Calls, Gate, words};
use crate::generated::{self as numbers, INTERFACES, Interface};
use crate::objects::{Hold, Kind, Object};
use crate::wire::{Input, Malformed};
use alloc::format;
use alloc::string::String;
use atoll_gate::call::{ObjectKind, Status, rights};
use atoll_gate::start::GrantKind;
use atoll_runtime::descriptor;

/// Why the guest traps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trap(pub(crate) String);

impl From<Malformed> for Trap {
    fn from(_: Malformed) -> Self {
        Self("the parameters are malformed".into())
    }
}

impl From<&str> for Trap {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Status> for Trap {
    fn from(status: Status) -> Self {
        Self(words(status).into())
    }
}

/// What a provided function comes to.
pub(crate) type Outcome = Result<(), Trap>;

/// Calls function `method` of interface `number`.
pub(crate) fn call<G: Gate>(place: &mut Place<G>, number: u32, method: u32) -> Outcome {
    let interface = Interface::from_raw(number).ok_or("there is no such interface")?;
    macro_rules! route {
        ($($interface:ident => $module:ident, $handler:path;)*) => {
            match interface {
                $(Interface::$interface => {
                    let function = numbers::$module::Function::from_raw(method);
                    $handler(place, function.ok_or("there is no such function")?)
                })*
                Interface::WasiCliTerminalInput | Interface::WasiCliTerminalOutput => {
                    Err("there is no such function".into())
                }
                #[cfg(feature = "testing")]
                Interface::AtollTestingRawGate => {
                    let function = numbers::atoll_testing_raw_gate::Function::from_raw(method);
                    raw_gate::call(place, function.ok_or("there is no such function")?)
                }
            }
        };
    }
    route! {
        AtollClocksMonotonic => atoll_clocks_monotonic, clocks::monotonic;
        AtollDeviceFramebuffer => atoll_device_framebuffer, framebuffer::call;
        AtollDeviceIrq => atoll_device_irq, devices::irq;
        AtollDeviceMmio => atoll_device_mmio, mmio::call;
        AtollDevicePortIo => atoll_device_port_io, devices::port_io;
        AtollIntrospectionSystem => atoll_introspection_system, system::call;
        AtollIoEvents => atoll_io_events, events::events;
        AtollIoPipes => atoll_io_pipes, events::pipes;
        AtollIoWatch => atoll_io_watch, poll::watch;
        AtollLifecycleCapsule => atoll_lifecycle_capsule, capsule::call;
        AtollLogLog => atoll_log_log, log::log;
        AtollLogSource => atoll_log_source, log::source;
        AtollSupervisionDomains => atoll_supervision_domains, domains::call;
        AtollSupervisionGuardian => atoll_supervision_guardian, guardian::call;
        AtollSupervisionMachine => atoll_supervision_machine, system::machine;
        AtollSupervisionModules => atoll_supervision_modules, modules::call;
        WasiCliEnvironment => wasi_cli_environment, cli::environment;
        WasiCliExit => wasi_cli_exit, cli::exit;
        WasiCliStderr => wasi_cli_stderr, cli::stderr;
        WasiCliStdin => wasi_cli_stdin, cli::stdin;
        WasiCliStdout => wasi_cli_stdout, cli::stdout;
        WasiCliTerminalStderr => wasi_cli_terminal_stderr, cli::terminal_stderr;
        WasiCliTerminalStdin => wasi_cli_terminal_stdin, cli::terminal_stdin;
        WasiCliTerminalStdout => wasi_cli_terminal_stdout, cli::terminal_stdout;
        WasiClocksMonotonicClock => wasi_clocks_monotonic_clock, clocks::wasi_monotonic;
        WasiClocksWallClock => wasi_clocks_wall_clock, clocks::wall;
        WasiFilesystemPreopens => wasi_filesystem_preopens, filesystem::preopens;
        WasiFilesystemTypes => wasi_filesystem_types, filesystem::types;
        WasiIoError => wasi_io_error, streams::error;
        WasiIoPoll => wasi_io_poll, poll::poll;
        WasiIoStreams => wasi_io_streams, streams::call;
        WasiRandomInsecure => wasi_random_insecure, random::insecure;
        WasiRandomInsecureSeed => wasi_random_insecure_seed, random::seed;
        WasiRandomRandom => wasi_random_random, random::random;
    }
}

/// The kernel object that an interface needs behind its grant: kind, rights, and in words.
const fn needed(interface: Interface) -> Option<(ObjectKind, u32, &'static str)> {
    match interface {
        Interface::AtollLogLog => Some((ObjectKind::Log, rights::WRITE, "the log, to write")),
        Interface::AtollLogSource => {
            Some((ObjectKind::Log, rights::READ | rights::WATCH, "the log, to read"))
        }
        Interface::AtollDevicePortIo => Some((ObjectKind::Ports, 0, "ports")),
        Interface::AtollDeviceIrq => {
            Some((ObjectKind::Interrupt, rights::SIGNAL | rights::WATCH, "an interrupt"))
        }
        Interface::AtollLifecycleCapsule => {
            Some((ObjectKind::Capsule, rights::READ | rights::WRITE, "a capsule"))
        }
        Interface::AtollDeviceFramebuffer => Some((ObjectKind::Window, 0, "a window")),
        Interface::AtollSupervisionDomains
        | Interface::AtollSupervisionGuardian
        | Interface::AtollSupervisionModules => {
            Some((ObjectKind::System, rights::CONTROL, "the system, to make domains"))
        }
        Interface::AtollSupervisionMachine => {
            Some((ObjectKind::System, rights::POWER, "the system, to switch it off"))
        }
        Interface::AtollIntrospectionSystem | Interface::WasiClocksWallClock => {
            Some((ObjectKind::System, rights::READ, "the system, to introspect"))
        }
        _ => None,
    }
}

/// Says why an interface cannot be provided on what was granted.
pub(crate) fn check_grant<G: Gate>(
    place: &mut Place<G>,
    interface: Interface,
) -> Result<(), String> {
    if interface == Interface::WasiRandomRandom && place.gate.random().is_none() {
        return Err("expected a source of random numbers, found a processor without one".into());
    }
    let Some((kind, rights, what)) = needed(interface) else { return Ok(()) };
    let name = INTERFACES.get(interface as usize).map_or("", |(name, _)| name);
    let Some(handle) = place.start.grant(GrantKind::Kernel, name).and_then(|grant| grant.handle)
    else {
        if interface == Interface::AtollDeviceFramebuffer {
            // A machine without a screen: `open` says so.
            return Ok(());
        }
        return Err(format!("expected a grant of {what}, found one without authority"));
    };
    match place.gate.inspect(handle) {
        Ok(found) if found.kind == kind && found.rights & rights == rights => Ok(()),
        Ok(found) => Err(format!(
            "expected a grant of {what}, found {:?} with rights {:#x}",
            found.kind, found.rights
        )),
        Err(status) => Err(format!("expected a grant of {what}, found that {}", words(status))),
    }
}

/// Name of a function, for messages.
pub(crate) fn function_name(interface: u32, method: u32) -> String {
    let Some((name, bytes)) = INTERFACES.get(interface as usize) else { return "?".into() };
    let decoded = descriptor::decode(bytes).ok();
    let function =
        decoded.as_ref().and_then(|decoded| decoded.interface.functions.get(method as usize));
    format!("{name}: {}", function.map_or("?", |(name, _)| name.as_str()))
}

/// What all provided interfaces use.
impl<G: Gate> Place<G> {
    /// Reads the first parameter, the object that the method is called on, and the rest with
    /// `take`.
    pub(crate) fn method<T>(
        &self,
        take: impl FnOnce(&mut Input<'_>) -> Result<T, Malformed>,
    ) -> Result<(u32, T), Trap> {
        let mut input = self.input();
        let slot = input.u32()?;
        let rest = take(&mut input)?;
        input.end()?;
        Ok((self.lent(slot).ok_or(Malformed)?, rest))
    }

    /// The kernel handle of the object that a method without further parameters is called on.
    pub(crate) fn method_handle(&self) -> Result<u32, Trap> {
        let (number, ()) = self.method(|_| Ok(()))?;
        self.handle_of(number)
    }

    /// The kernel handle of an object.
    pub(crate) fn handle_of(&self, number: u32) -> Result<u32, Trap> {
        Ok(self.objects.get(number).and_then(Object::handle).ok_or("the resource is gone")?)
    }

    /// Makes an object that owns its kernel handle, and gives it to the guest.
    pub(crate) fn give(&mut self, object: Object) {
        self.give_held(object, Hold::Owned);
    }

    /// Makes an object and gives it to the guest.
    pub(crate) fn give_held(&mut self, object: Object, hold: Hold) {
        if let Some(kind) = object.kind() {
            let number = self.objects.add(object, hold);
            self.answer.own(kind, number);
        }
    }

    /// Gives the guest a pollable of an object, as a further user of that object.
    pub(crate) fn give_pollable_of(&mut self, number: u32) {
        self.objects.share(number);
        self.give(Object::Pollable(crate::objects::Source::Object(number)));
    }

    /// Gives the guest one more handle to an object.
    pub(crate) fn give_again(&mut self, kind: Kind, number: u32) {
        self.objects.share(number);
        self.answer.own(kind, number);
    }

    /// The handle of the kernel grant for an interface.
    pub(crate) fn granted(&self, interface: &str) -> Result<u32, Trap> {
        let grant = self.start.grant(GrantKind::Kernel, interface);
        Ok(grant.and_then(|grant| grant.handle).ok_or("the grant came without authority")?)
    }
}
