//! Calls into Wasm code by the runtime: lifted functions and destructors.
//!
//! What a lifted function takes stands in the current area of the store's [`State`], and what it
//! returns is put there. A component instance is not entered again while a call into it is in
//! progress; under synchronous rules such a call could only meet it half-way through something. Who
//! is within an instance may call it all the same, because it is not entered then but stayed in.

use alloc::{format, string::String, sync::Arc};

use wasmi::{AsContextMut, StoreContextMut};

use super::{entry::Entry, state::State};
use crate::{
    canonical::{AbiError, FunctionPlan, InstanceId, MAX_CELLS, Options, Transfer},
    error::{DispatchError, Trap},
    host::Host,
    types::ResourceId,
};

/// A function that a component instance implements.
#[derive(Debug)]
pub(crate) struct Lifted {
    pub plan: Arc<FunctionPlan>,
    pub core: Entry,
    pub post_return: Option<Entry>,
    pub options: Options,
}

/// Cells of a call that has few: clearing them all costs more than most calls' marshalling.
const NARROW: usize = 4;

/// Runs a lifted function on the message in the current area and gives back the length of the
/// result, which then stands there. `caller` is the instance that calls, `None` when it is not one
/// of this domain.
#[inline(always)]
pub(crate) fn call<H: Host>(
    mut ctx: StoreContextMut<'_, State<H>>,
    lifted: &Lifted,
    caller: Option<InstanceId>,
) -> Result<usize, DispatchError> {
    if lifted.core.is_narrow() {
        run::<H, NARROW>(&mut ctx, lifted, caller)
    } else {
        run_wide(ctx, lifted, caller)
    }
}

/// A call of many cells, kept out of the way of the others.
#[inline(never)]
fn run_wide<H: Host>(
    mut ctx: StoreContextMut<'_, State<H>>,
    lifted: &Lifted,
    caller: Option<InstanceId>,
) -> Result<usize, DispatchError> {
    run::<H, MAX_CELLS>(&mut ctx, lifted, caller)
}

/// Lowers the parameters into so many cells, calls the core function and lifts the result.
#[inline(always)]
fn run<H: Host, const CELLS: usize>(
    ctx: &mut StoreContextMut<'_, State<H>>,
    lifted: &Lifted,
    caller: Option<InstanceId>,
) -> Result<usize, DispatchError> {
    let instance = lifted.options.instance;
    enter(ctx.data_mut(), instance, caller, |_| lifted.plan.name().into())?;
    let mut cells = [0; CELLS];
    let entered = match lifted.plan.lower_parameters(ctx, &lifted.options, &mut cells) {
        Ok(entered) => entered,
        Err(AbiError::Message(text)) => {
            // Nothing of the guest was touched.
            leave(ctx.data_mut(), instance, caller);
            return Err(DispatchError::Refused(text));
        }
        Err(error) => return Err(trap(error).into()),
    };
    ctx.data_mut().received();
    let result = match lifted.core.call(ctx.as_context_mut(), &cells) {
        Ok(result) => result,
        Err(error) => return Err(Trap::from(error).within(lifted.plan.name()).into()),
    };
    let payload =
        lifted.plan.lift_result(ctx, &lifted.options, entered, &[result]).map_err(trap)?;
    if let Some(post_return) = &lifted.post_return {
        after_return(ctx.as_context_mut(), lifted, post_return, result)?;
    }
    leave(ctx.data_mut(), instance, caller);
    Ok(payload)
}

/// Lets the guest free what its result stood in. It may not call out while it does.
#[inline(never)]
fn after_return<H: Host>(
    mut ctx: StoreContextMut<'_, State<H>>,
    lifted: &Lifted,
    post_return: &Entry,
    result: u64,
) -> Result<(), Trap> {
    let instance = lifted.options.instance;
    ctx.data_mut().instance(instance).may_leave = false;
    post_return.call(ctx.as_context_mut(), &[result]).map_err(|error| {
        Trap::from(error).within(&format!("{} (post-return)", lifted.plan.name()))
    })?;
    ctx.data_mut().instance(instance).may_leave = true;
    Ok(())
}

/// Ends a resource whose last handle is gone. `from` is the instance that dropped it, `None` when
/// another domain did.
pub(crate) fn destroy<H: Host>(
    mut ctx: StoreContextMut<'_, State<H>>,
    resource: ResourceId,
    rep: u32,
    from: Option<InstanceId>,
) -> Result<(), Trap> {
    let state = ctx.data_mut();
    let Some(ty) = state.resource(resource) else { return Ok(()) };
    let Some(implementer) = ty.implementer else {
        if let Some((target, number)) = state.imported(resource) {
            state.host.drop_resource(target, number, rep);
        }
        return Ok(());
    };
    let destructor = ty.destructor;
    // The instance is entered also when there is nothing to run.
    enter(state, implementer, from, |state| destructor_of(state, resource))?;
    if let Some(destructor) = destructor
        && let Err(error) = destructor.call(ctx.as_context_mut(), rep)
    {
        return Err(Trap::from(error).within(&destructor_of(ctx.data(), resource)));
    }
    leave(ctx.data_mut(), implementer, from);
    Ok(())
}

/// What texts call the destructor of a resource type.
#[cold]
fn destructor_of<H: Host>(state: &State<H>, resource: ResourceId) -> String {
    match state.resource(resource).map(|ty| &*ty.name) {
        None | Some("") => "destructor of a resource".into(),
        Some(name) => format!("destructor of `{name}`"),
    }
}

/// Begins a call into an instance.
#[inline(always)]
fn enter<H: Host>(
    state: &mut State<H>,
    instance: InstanceId,
    caller: Option<InstanceId>,
    what: impl FnOnce(&State<H>) -> String,
) -> Result<(), Trap> {
    if !state.enter(instance, caller) {
        return Err(not_entered(&what(state)));
    }
    state.nest()
}

/// The trap of a call into an instance that is in a call already.
#[cold]
fn not_entered(what: &str) -> Trap {
    Trap::new(format!("{what}: cannot enter the component instance: it is in a call"))
}

/// Ends a call into an instance. After a trap this does not happen, and the instance stays closed.
#[inline(always)]
fn leave<H: Host>(state: &mut State<H>, instance: InstanceId, caller: Option<InstanceId>) {
    state.leave(instance, caller);
    state.unnest();
}

/// A broken rule of the canonical ABI as a trap.
#[cold]
pub(crate) fn trap(error: AbiError) -> Trap {
    match error {
        AbiError::Wasm(error) => Trap::from(error).within("realloc"),
        other => Trap::new(format!("{other}")),
    }
}
