//! Core functions that the runtime gives to guests: lowered imports and the resource built-ins.
//!
//! Each captures what it needs, worked out when it was linked. A lowered import whose values are
//! flat allocates nothing: its arguments become cells on the native stack. wasmi decodes arguments
//! without allocating for closures of a fixed type only, so the common signatures have one each;
//! all others get an [adapter] to one that takes and gives `i64`.

use alloc::{format, sync::Arc};

use wasmi::{AsContextMut, Caller, Error, Func, Store, WasmRet};

use super::{
    call::{self, Lifted, trap},
    state::{Area, State},
};
use crate::{
    canonical::{AbiError, CoreSignature, CoreType, FunctionPlan, InstanceId, Options, Transfer},
    error::{DispatchError, Trap},
    host::{CallError, Host, Target},
    recipe::adapter::{self, Adapter},
    resources::Dropped,
    types::ResourceId,
};

/// A function of the component as a guest calls it.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub plan: Arc<FunctionPlan>,
    pub options: Options,
    pub callee: Callee,
}

/// Who answers.
#[derive(Clone, Debug)]
pub(crate) enum Callee {
    /// Another domain, or the host itself: target and number of the function there.
    Remote(Target, u32),
    /// Another component instance of this domain.
    Local(Arc<Lifted>),
}

/// Carries out a call of a lowered function.
fn invoke<H: Host>(
    mut caller: Caller<'_, State<H>>,
    lowered: &Lowered,
    cells: &[u64],
) -> Result<Option<u64>, Error> {
    let outcome = match &lowered.callee {
        Callee::Remote(target, method) => remote(&mut caller, lowered, *target, *method, cells),
        Callee::Local(lifted) => local(&mut caller, lowered, lifted, cells),
    };
    outcome.map_err(Error::host)
}

/// A call that leaves the domain.
fn remote<H: Host>(
    caller: &mut Caller<'_, State<H>>,
    lowered: &Lowered,
    target: Target,
    method: u32,
    cells: &[u64],
) -> Result<Option<u64>, Trap> {
    let Lowered { plan, options, .. } = lowered;
    let state = caller.data_mut();
    state.instance(options.instance).check_may_leave().map_err(|error| in_call(plan, error))?;
    let before = core::mem::replace(&mut state.area, Area::Host);
    let sent = match plan.lift_parameters(caller, options, cells) {
        Ok(sent) => sent,
        Err(error) => {
            caller.data_mut().discard();
            return Err(in_call(plan, error));
        }
    };
    let result = match caller.data_mut().host.call(target, method, sent.payload) {
        Ok(()) => plan.lower_result(caller, options, sent, cells),
        Err(CallError::PeerRestarted) => plan.lower_peer_restarted(caller, options, sent, cells),
        Err(CallError::Failed(why)) => {
            return Err(Trap::new(format!("call of `{}`: {why}", plan.name())));
        }
    };
    let result = result.map_err(|error| {
        caller.data_mut().discard();
        in_call(plan, error)
    })?;
    let state = caller.data_mut();
    state.received();
    state.area = before;
    Ok(result)
}

/// A call of another component instance of the domain.
fn local<H: Host>(
    caller: &mut Caller<'_, State<H>>,
    lowered: &Lowered,
    lifted: &Lifted,
    cells: &[u64],
) -> Result<Option<u64>, Trap> {
    let Lowered { plan, options, .. } = lowered;
    let state = caller.data_mut();
    state.instance(options.instance).check_may_leave().map_err(|error| in_call(plan, error))?;
    let before = state.enter_local();
    let sent =
        plan.lift_parameters(caller, options, cells).map_err(|error| in_call(plan, error))?;
    turn(caller.data_mut(), sent.payload);
    let from = Some(options.instance);
    let payload =
        call::call(caller.as_context_mut(), lifted, from).map_err(|error| match error {
            DispatchError::Refused(why) => Trap::new(format!("call of `{}`: {why}", plan.name())),
            DispatchError::Trap(trap) => trap,
        })?;
    turn(caller.data_mut(), payload);
    let result =
        plan.lower_result(caller, options, sent, cells).map_err(|error| in_call(plan, error))?;
    caller.data_mut().leave_local(before);
    Ok(result)
}

fn turn<H: Host>(state: &mut State<H>, payload: usize) {
    if let Some(local) = state.local() {
        local.turn(payload);
    }
}

/// A broken rule of the canonical ABI in a call that the guest made.
#[cold]
pub(super) fn in_call(plan: &FunctionPlan, error: AbiError) -> Trap {
    match error {
        AbiError::Message(text) => {
            Trap::new(format!("call of `{}`: malformed reply: {text}", plan.name()))
        }
        other => trap(other),
    }
}

/// Makes the core function of a lowered function, by an adapter if its signature is not
/// [common](is_common).
///
/// # Errors
/// There are too many core instances.
pub(super) fn lowered<H: Host>(
    store: &mut Store<State<H>>,
    adapter: Option<&Adapter>,
    lowered: Lowered,
) -> Result<Func, Error> {
    let lowered = Arc::new(lowered);
    if let Some(adapter) = adapter {
        return adapted(store, adapter, lowered);
    }
    let common = match lowered.plan.lowered().results.as_slice() {
        [] => by_parameters(store, &lowered, Nothing),
        [CoreType::I32] => by_parameters(store, &lowered, Narrow),
        [CoreType::I64] => by_parameters(store, &lowered, Wide),
        _ => None,
    };
    common.ok_or_else(|| Error::new("an adapter is missing"))
}

/// What a closure of a fixed type returns, made from the cell of the result.
trait Outcome: Copy + Send + Sync + 'static {
    type Value: 'static;
    fn value(self, cell: Option<u64>) -> Self::Value;
}

/// No result.
#[derive(Clone, Copy)]
struct Nothing;
/// One `i32`.
#[derive(Clone, Copy)]
struct Narrow;
/// One `i64`.
#[derive(Clone, Copy)]
struct Wide;

impl Outcome for Nothing {
    type Value = ();
    fn value(self, _: Option<u64>) {}
}

impl Outcome for Narrow {
    type Value = u32;
    fn value(self, cell: Option<u64>) -> u32 {
        cell.unwrap_or_default() as u32
    }
}

impl Outcome for Wide {
    type Value = u64;
    fn value(self, cell: Option<u64>) -> u64 {
        cell.unwrap_or_default()
    }
}

/// Wraps a closure that takes these parameters, each of which becomes a cell.
macro_rules! wrap {
    ($store:expr, $lowered:expr, $result:expr $(, $parameter:ident: $ty:ty)*) => {{
        let lowered = $lowered.clone();
        let result = $result;
        Func::wrap($store, move |caller: Caller<'_, State<H>> $(, $parameter: $ty)*| {
            let cells = [$(u64::from($parameter)),*];
            invoke(caller, &lowered, &cells).map(|cell| result.value(cell))
        })
    }};
}

/// The parameters that functions of common interfaces have.
const COMMON: [&[CoreType]; 13] = {
    use CoreType::{I32, I64};
    [
        &[],
        &[I32],
        &[I64],
        &[I32, I32],
        &[I32, I64],
        &[I64, I32],
        &[I32, I32, I32],
        &[I32, I64, I32],
        &[I32, I32, I64],
        &[I32, I64, I64],
        &[I32; 4],
        &[I32; 5],
        &[I32; 6],
    ]
};

/// Whether functions of that signature are given to guests without an adapter.
pub(crate) fn is_common(signature: &CoreSignature) -> bool {
    matches!(signature.results.as_slice(), [] | [CoreType::I32 | CoreType::I64])
        && COMMON.contains(&signature.parameters.as_slice())
}

/// The signatures that are [common](is_common); the others are [`adapted`].
fn by_parameters<H: Host, R: Outcome>(
    store: &mut Store<State<H>>,
    lowered: &Arc<Lowered>,
    result: R,
) -> Option<Func>
where
    Result<R::Value, Error>: WasmRet,
{
    use CoreType::{I32, I64};
    Some(match lowered.plan.lowered().parameters.as_slice() {
        [] => wrap!(store, lowered, result),
        [I32] => wrap!(store, lowered, result, a: u32),
        [I64] => wrap!(store, lowered, result, a: u64),
        [I32, I32] => wrap!(store, lowered, result, a: u32, b: u32),
        [I32, I64] => wrap!(store, lowered, result, a: u32, b: u64),
        [I64, I32] => wrap!(store, lowered, result, a: u64, b: u32),
        [I32, I32, I32] => wrap!(store, lowered, result, a: u32, b: u32, c: u32),
        [I32, I64, I32] => wrap!(store, lowered, result, a: u32, b: u64, c: u32),
        [I32, I32, I64] => wrap!(store, lowered, result, a: u32, b: u32, c: u64),
        [I32, I64, I64] => wrap!(store, lowered, result, a: u32, b: u64, c: u64),
        [I32, I32, I32, I32] => wrap!(store, lowered, result, a: u32, b: u32, c: u32, d: u32),
        [I32, I32, I32, I32, I32] => {
            wrap!(store, lowered, result, a: u32, b: u32, c: u32, d: u32, e: u32)
        }
        [I32, I32, I32, I32, I32, I32] => {
            wrap!(store, lowered, result, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32)
        }
        _ => return None,
    })
}

/// Wraps a closure that takes so many `i64`, each a cell, and gives one.
macro_rules! even {
    ($store:expr, $lowered:expr; $($parameter:ident)*; $($overflow:ident)?) => {{
        let lowered = $lowered;
        Func::wrap($store, move |caller: Caller<'_, State<H>> $(, $parameter: u64)*| {
            $(let $overflow = $overflow.get(&caller).i64().unwrap_or_default().cast_unsigned();)?
            let cells = [$($parameter,)* $($overflow)?];
            invoke(caller, &lowered, &cells).map(Option::unwrap_or_default)
        })
    }};
}

/// A function of any other signature, through an adapter.
fn adapted<H: Host>(
    store: &mut Store<State<H>>,
    adapter: &Adapter,
    lowered: Arc<Lowered>,
) -> Result<Func, Error> {
    let parameters = lowered.plan.lowered().parameters.len();
    let overflow = (parameters > adapter::WIDEST).then(|| adapter::overflow(store));
    let host = match (adapter::width(parameters), overflow) {
        (_, Some(last)) => even!(&mut *store, lowered; a b c d e f g h i j k l m n o p; last),
        (4, None) => even!(&mut *store, lowered; a b c d;),
        (8, None) => even!(&mut *store, lowered; a b c d e f g h;),
        (_, None) => even!(&mut *store, lowered; a b c d e f g h i j k l m n o p;),
    };
    adapter.for_guest(store, host, overflow)
}

/// Makes the core function `resource.new`.
pub(crate) fn resource_new<H: Host>(
    store: &mut Store<State<H>>,
    resource: ResourceId,
    instance: InstanceId,
) -> Func {
    Func::wrap(store, move |mut caller: Caller<'_, State<H>>, rep: u32| {
        let instance = caller.data_mut().instance(instance);
        instance.resource_new(resource, rep).map_err(|error| Error::host(trap(error)))
    })
}

/// Makes the core function `resource.rep`.
pub(crate) fn resource_rep<H: Host>(
    store: &mut Store<State<H>>,
    resource: ResourceId,
    instance: InstanceId,
) -> Func {
    Func::wrap(store, move |mut caller: Caller<'_, State<H>>, index: u32| {
        let instance = caller.data_mut().instance(instance);
        instance.resource_rep(resource, index).map_err(|error| Error::host(trap(error)))
    })
}

/// Makes the core function `resource.drop`.
pub(crate) fn resource_drop<H: Host>(
    store: &mut Store<State<H>>,
    resource: ResourceId,
    instance: InstanceId,
) -> Func {
    Func::wrap(store, move |mut caller: Caller<'_, State<H>>, index: u32| {
        let dropped = caller
            .data_mut()
            .instance(instance)
            .resource_drop(resource, index)
            .map_err(|error| Error::host(trap(error)))?;
        match dropped {
            Dropped::Borrow => Ok(()),
            Dropped::Own(rep) => {
                call::destroy(caller.as_context_mut(), resource, rep, Some(instance))
                    .map_err(Error::host)
            }
        }
    })
}
