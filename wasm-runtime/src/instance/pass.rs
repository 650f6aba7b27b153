//! Exports as the runtime runs them: lifted functions, and imports that are exported unchanged.
//!
//! A call of the latter goes on to who provides the import and its result back, without a guest
//! of this domain. That a component does so is decided when it is composed, so such exports come
//! out of nested components, aliases and bundles like any other.

use alloc::{format, sync::Arc};

use wasmi::{AsContextMut, StoreContextMut};

use super::{
    call::{self, Lifted},
    state::{Area, State},
    trampoline::in_call,
};
use crate::{
    canonical::{AbiError, FunctionPlan},
    error::{DispatchError, Trap},
    host::{CallError, Host, Target},
};

/// A function of an exported interface.
#[derive(Clone, Debug)]
pub(super) enum Exported {
    /// A component instance of this domain implements it.
    Lifted(Arc<Lifted>),
    /// An import answers it.
    Passed(Arc<Passed>),
}

/// An import that is exported.
#[derive(Debug)]
pub(super) struct Passed {
    /// Of the import's type: its resource types are what the handles in messages are.
    pub plan: Arc<FunctionPlan>,
    pub target: Target,
    /// Number of the function there.
    pub method: u32,
}

impl Exported {
    /// Runs the function on the message in the current area and gives back the length of the
    /// result, which then stands there.
    #[inline(always)]
    pub(super) fn call<H: Host>(
        &self,
        mut ctx: StoreContextMut<'_, State<H>>,
    ) -> Result<usize, DispatchError> {
        match self {
            Self::Lifted(lifted) => call::call(ctx.as_context_mut(), lifted, None),
            Self::Passed(passed) => pass(ctx.data_mut(), passed),
        }
    }
}

/// Hands a call on.
#[inline(never)]
fn pass<H: Host>(state: &mut State<H>, passed: &Passed) -> Result<usize, DispatchError> {
    let Passed { plan, target, method } = passed;
    let message = match plan.pass_parameters(state) {
        Ok(message) => message,
        Err(AbiError::Message(text)) => return Err(DispatchError::Refused(text)),
        Err(error) => return Err(in_call(plan, error).into()),
    };
    state.received();
    let before = core::mem::replace(&mut state.area, Area::Host);
    let sent = message.put(state).map_err(|error| failed(state, plan, error))?;
    let reply = match state.host.call(*target, *method, sent) {
        Ok(()) => plan.pass_result(state),
        Err(CallError::PeerRestarted) => plan.passed_peer_restarted(),
        Err(CallError::Failed(why)) => {
            return Err(Trap::new(format!("call of `{}`: {why}", plan.name())).into());
        }
    };
    let reply = reply.map_err(|error| failed(state, plan, error))?;
    state.received();
    state.area = before;
    reply.put(state).map_err(|error| failed(state, plan, error).into())
}

/// The trap of a message that cannot be handed on; what stands in the current area is forgotten.
#[cold]
fn failed<H: Host>(state: &mut State<H>, plan: &FunctionPlan, error: AbiError) -> Trap {
    state.discard();
    in_call(plan, error)
}
