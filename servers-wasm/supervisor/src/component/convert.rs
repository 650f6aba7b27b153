//! Between the types of the generated bindings and those of the logic.

use atoll_system_description::{Limits, OnCrash, SystemRights};

use super::bindings::{
    atoll::supervision::{
        domains::{self, AddressRange, CrashPolicy, PortRange, RuntimeLimits},
        types::{self, DomainState, DomainStatus, SwapPhase},
    },
    exports::atoll::supervision::servers::{self, ServerState},
};
use crate::{
    kernel::{self, Authority, Cause, End, Phase},
    server::State,
    task::ExitStatus,
};

impl From<Authority> for domains::Authority {
    fn from(authority: Authority) -> Self {
        match authority {
            Authority::None => Self::None,
            Authority::Interrupt(line) => Self::Interrupt(line),
            Authority::Ports(base, count) => Self::Ports(PortRange { base, count }),
            Authority::Window(base, length) => Self::Window(AddressRange { base, length }),
            Authority::Framebuffer => Self::Framebuffer,
            Authority::LogWriter => Self::LogWriter,
            Authority::LogReader => Self::LogReader,
            Authority::System(rights) => Self::System(rights.into()),
        }
    }
}

impl From<OnCrash> for CrashPolicy {
    fn from(on_crash: OnCrash) -> Self {
        match on_crash {
            OnCrash::Error => Self::Error,
            OnCrash::Retry => Self::Retry,
            OnCrash::Trap => Self::Trap,
        }
    }
}

impl From<Limits> for RuntimeLimits {
    fn from(limits: Limits) -> Self {
        Self {
            linear_memory: limits.linear_memory,
            table_elements: limits.table_elements,
            component_size: limits.component_size,
            handles: limits.handles,
            call_depth: limits.call_depth,
            stack_size: limits.stack_size,
            core_modules: limits.core_modules,
            core_functions: limits.core_functions,
            core_definitions: limits.core_definitions,
            core_instances: limits.core_instances,
            instances: limits.instances,
            memories: limits.memories,
            tables: limits.tables,
            interface_items: limits.interface_items,
            type_parts: limits.type_parts,
            type_depth: limits.type_depth,
            instantiation_steps: limits.instantiation_steps,
        }
    }
}

impl From<SystemRights> for domains::SystemRights {
    fn from(rights: SystemRights) -> Self {
        let all = [
            (rights.introspect, Self::INTROSPECT),
            (rights.domains, Self::DOMAINS),
            (rights.devices, Self::DEVICES),
            (rights.power, Self::POWER),
        ];
        let granted = all.into_iter().filter(|(has, _)| *has);
        granted.fold(Self::empty(), |rights, (_, right)| rights | right)
    }
}

impl From<types::Cause> for Cause {
    fn from(cause: types::Cause) -> Self {
        match cause {
            types::Cause::None | types::Cause::Exited => Self::Exited,
            types::Cause::Trapped => Self::Trapped,
            types::Cause::Refused => Self::Refused,
            types::Cause::Panicked => Self::Panicked,
            types::Cause::OutOfMemory => Self::OutOfMemory,
            types::Cause::Faulted => Self::Faulted,
            types::Cause::Killed => Self::Killed,
        }
    }
}

impl From<DomainStatus> for Phase {
    fn from(status: DomainStatus) -> Self {
        match (status.state, status.phase) {
            (DomainState::Ended, _) => Self::Ended(End {
                cause: status.cause.into(),
                code: status.code,
                address: status.address,
                fault_address: status.fault_address,
                message: status.message,
            }),
            (DomainState::Created | DomainState::Starting, _)
            | (_, SwapPhase::Standby | SwapPhase::TakingOver) => Self::Starting,
            (_, SwapPhase::Prepared) => {
                Self::Prepared(Some(status.message).filter(|missing| !missing.is_empty()))
            }
            (_, SwapPhase::Inheriting) => Self::Inheriting,
            (_, SwapPhase::TookOver) => Self::TookOver,
            (_, SwapPhase::Frozen | SwapPhase::Replaced) => Self::Frozen(status.saved),
            (_, SwapPhase::Unsaved) => Self::Unsaved(status.message),
            (
                DomainState::Running
                | DomainState::Waiting
                | DomainState::Calling
                | DomainState::Frozen,
                SwapPhase::Settled
                | SwapPhase::Probation
                | SwapPhase::Reverted
                | SwapPhase::Quiescing
                | SwapPhase::Saving
                | SwapPhase::Thawed,
            ) => Self::Ready,
        }
    }
}

impl From<types::Error> for kernel::Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::NotFound(what) => Self::NotFound(what),
            types::Error::AlreadyRunning(what) => Self::AlreadyRunning(what),
            types::Error::NotRunning(what) => Self::NotRunning(what),
            types::Error::Invalid(why) => Self::Invalid(why),
            types::Error::OutOfResources(what) => Self::OutOfResources(what),
            types::Error::PeerRestarted => Self::PeerRestarted,
            types::Error::Other(why) => Self::Other(why),
            types::Error::Denied(why) => Self::Denied(why),
        }
    }
}

impl From<kernel::Error> for types::Error {
    fn from(error: kernel::Error) -> Self {
        match error {
            kernel::Error::NotFound(what) => Self::NotFound(what),
            kernel::Error::AlreadyRunning(what) => Self::AlreadyRunning(what),
            kernel::Error::NotRunning(what) => Self::NotRunning(what),
            kernel::Error::Invalid(why) => Self::Invalid(why),
            kernel::Error::OutOfResources(what) => Self::OutOfResources(what),
            kernel::Error::PeerRestarted => Self::PeerRestarted,
            kernel::Error::Other(why) => Self::Other(why),
            kernel::Error::Denied(why) => Self::Denied(why),
        }
    }
}

impl From<State> for ServerState {
    fn from(state: State) -> Self {
        match state {
            State::Stopped => Self::Stopped,
            State::Starting => Self::Starting,
            State::Running => Self::Running,
            State::BackingOff => Self::BackingOff,
            State::Failed => Self::Failed,
        }
    }
}

impl From<ExitStatus> for servers::ExitStatus {
    fn from(exit: ExitStatus) -> Self {
        Self { completed: exit.completed, code: exit.code, message: exit.message }
    }
}
