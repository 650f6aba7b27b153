//! The gate: what each call means, one plain function a call.
//!
//! [`Kernel`] implements [`Events`]; a gate call arrives as numbers in the current domain's
//! context, `function` finds its function, the function checks every number and asks `domain`
//! to act, and one place writes the result back. A call that blocks writes nothing: whoever ends
//! the wait does.
#![forbid(unsafe_code)]

mod capsules;
mod control;
mod devices;
mod guardian;
mod handles;
#[cfg(any(test, feature = "inject"))]
mod inject;
mod memory;
mod messages;
mod objects;
mod swaps;

#[cfg(test)]
mod tests;

pub use crate::domain::{BootError, Kernel};
pub(crate) use control::CONTROL_HANDLE;

use crate::capability::{DomainId, Handle};
use crate::domain::{CPU, Ending};
use crate::interrupts::{Events, Fault, Next};
use crate::memory::PAGE_SIZE;
use crate::time;
use atoll_gate::message::Lengths;
use atoll_gate::record::Cause;
use atoll_gate::{Call, Status};

/// Why a function has no value for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The call failed.
    Failed(Status),
    /// The caller is blocked or has ended: there is nothing to answer now.
    Silent,
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

/// What a function gives.
type Outcome = Result<u64, Stop>;

/// The numbers of one call, unchecked.
#[derive(Clone, Copy, Debug)]
struct Arguments([u64; 5]);

impl Arguments {
    #[inline]
    const fn raw<const N: usize>(&self) -> u64 {
        const { assert!(N < 5) };
        self.0[N]
    }

    /// An argument that is a handle.
    #[inline]
    fn handle<const N: usize>(&self) -> Handle {
        Handle::from_raw(self.raw::<N>())
    }

    /// An argument that is a number of 32 bits.
    #[inline]
    fn number<const N: usize>(&self) -> Result<u32, Status> {
        u32::try_from(self.raw::<N>()).map_err(|_| Status::Invalid)
    }

    /// An argument that describes the send area.
    #[inline]
    fn lengths<const N: usize>(&self) -> Result<Lengths, Status> {
        Lengths::unpack(self.raw::<N>()).ok_or(Status::Invalid)
    }
}

/// A call's function: what it does for the domain that called.
type Function = fn(&mut Kernel, DomainId, Arguments) -> Outcome;

/// The one table from call to function.
const fn function(call: Call) -> Function {
    match call {
        Call::Call => messages::call,
        Call::Send => messages::send,
        Call::Reply => messages::reply,
        Call::ReplyWait => messages::reply_wait,
        Call::Wait => messages::wait,
        Call::Close => handles::close,
        Call::Copy => handles::copy,
        Call::Revoke => handles::revoke,
        Call::Inspect => handles::inspect,
        Call::CreateEndpoint => objects::create_endpoint,
        Call::Publish => objects::publish,
        Call::Describe => objects::describe,
        Call::CreatePipe => objects::create_pipe,
        Call::CreateEvent => objects::create_event,
        Call::Read => objects::read,
        Call::Write => objects::write,
        Call::Watch => objects::watch,
        Call::Unwatch => objects::unwatch,
        Call::Signal => objects::signal,
        Call::Commit => memory::commit,
        Call::Release => memory::release,
        Call::Reserve => memory::reserve,
        Call::Room => memory::room,
        Call::CreateDevice => devices::create,
        Call::MapWindow => devices::map_window,
        Call::PortAccess => devices::port_access,
        Call::Clock => control::clock,
        Call::CreateDomain => control::create_domain,
        Call::Snapshot => control::snapshot,
        Call::CloneDomain => control::clone_domain,
        Call::StartDomain => control::start_domain,
        Call::KillDomain => control::kill_domain,
        Call::Ready => control::ready,
        Call::Loaded => control::loaded,
        Call::Exit => control::exit,
        Call::OpenBlob => control::open_blob,
        Call::Power => control::power,
        Call::Quiesce => swaps::quiesce,
        Call::SaveState => swaps::save_state,
        Call::Freeze => swaps::freeze,
        Call::Thaw => swaps::thaw,
        Call::TakeOver => swaps::take_over,
        Call::ReadState => swaps::read_state,
        Call::CommitSwap => swaps::commit,
        Call::RevertSwap => swaps::revert,
        Call::OfferMemory => swaps::offer_memory,
        Call::TakeMemory => swaps::take_memory,
        Call::Probe => control::probe,
        Call::AnswerProbe => control::answer_probe,
        Call::CreateCapsule => capsules::create,
        Call::ReadCapsule => capsules::read,
        Call::WriteCapsule => capsules::write,
        Call::CreateBlob => objects::create_blob,
        Call::Adopt => guardian::adopt,
        Call::Settle => guardian::settle,
        Call::Succeed => guardian::succeed,
        Call::CreateSuccessor => guardian::create_successor,
        Call::SetHeir => swaps::set_heir,
    }
}

impl Kernel {
    /// Runs the call that the current domain made and writes its result.
    #[inline(never)]
    fn serve(&mut self) {
        let Some(caller) = self.scheduler.current(CPU) else { return };
        let Ok((_, body)) = self.live(caller) else { return };
        let context = body.space.context();
        let (number, arguments) = (context.call_number(), Arguments(context.arguments()));
        let outcome = match Call::from_raw(number) {
            Some(call) => function(call)(self, caller, arguments),
            #[cfg(any(test, feature = "inject"))]
            None => inject::obey(self, number, arguments)
                .unwrap_or_else(|| Err(Status::UnknownCall.into())),
            #[cfg(not(any(test, feature = "inject")))]
            None => Err(Status::UnknownCall.into()),
        };
        let (status, value) = match outcome {
            Ok(value) => (Status::Ok, value),
            Err(Stop::Failed(status)) => (status, 0),
            Err(Stop::Silent) => return,
        };
        if let Ok((_, body)) = self.live(caller) {
            body.space.context().set_result(status, value);
        }
    }
}

impl Kernel {
    /// Does what the entry left to be done and lets the scheduler choose.
    #[cold]
    #[inline(never)]
    fn decide(&mut self) {
        self.settle();
        if let Some(when) = self.scheduler.settle(CPU, self.now).timer {
            time::set_deadline(when);
        }
    }
}

impl Events for Kernel {
    #[inline]
    fn gate_call(&mut self) {
        self.now = time::now_ns();
        self.gate_calls = self.gate_calls.wrapping_add(1);
        #[cfg(any(test, feature = "inject"))]
        if self.fails_on_order() {
            return;
        }
        if self.meet_plainly().is_none() {
            self.serve();
        }
    }

    fn interrupt(&mut self, line: u32) {
        self.now = time::now_ns();
        self.end_rest();
        self.raise(line);
    }

    fn timer(&mut self) {
        self.now = time::now_ns();
        self.end_rest();
        self.scheduler.tick(CPU, self.now);
        while let Some(domain) = self.scheduler.expired(self.now) {
            self.time_out(domain);
        }
        self.note_inheritances();
        self.watch_over();
    }

    fn fault(&mut self, fault: Fault) {
        self.now = time::now_ns();
        let Some(domain) = self.scheduler.current(CPU) else { return };
        let backed = self.touched(domain, &fault).or_else(|| self.written(domain, &fault));
        let ending = match backed {
            Some(Ok(())) => return,
            Some(Err(_)) => Ending::new(Cause::OutOfMemory, PAGE_SIZE),
            None => {
                let code = u64::from(fault.vector) << 32 | fault.error & 0xffff_ffff;
                Ending::new(Cause::Faulted, code)
            }
        };
        let (address, fault_address) = (fault.instruction, fault.address);
        self.end(domain, Ending { address, fault_address, ..ending });
    }

    #[inline]
    fn next(&mut self) -> Next<'_> {
        if !self.is_settled() || !self.scheduler.is_settled(CPU, self.now) {
            self.decide();
        }
        match self.scheduler.current(CPU).and_then(|domain| self.live(domain).ok()) {
            Some((_, body)) => Next::Run(&body.space),
            None => Next::Idle,
        }
    }
}
