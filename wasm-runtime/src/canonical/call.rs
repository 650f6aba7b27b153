//! The four ways to run the plan of a function.
//!
//! An imported function: [`FunctionPlan::lift_parameters`], then the call, then
//! [`FunctionPlan::lower_result`] or, when the server was gone,
//! [`FunctionPlan::lower_peer_restarted`]. An exported one: [`FunctionPlan::lower_parameters`],
//! then the core function, then [`FunctionPlan::lift_result`], then post-return.
//!
//! Functions of numbers and the like take a short way of their own in each (`quick`).

use alloc::format;

use wasmi::{AsContextMut, StoreContextMut};

use super::{
    AbiError, MAX_FLAT_RESULTS, Options, Transfer,
    check::Check,
    error::Outcome,
    function::FunctionPlan,
    layout::{Layout, is_aligned},
    lift::Lift,
    lower::Lower,
    place::put_cell,
    wire::u32_at,
};
use crate::resources::{LendMark, ScopeId};

/// What a caller is told whose server is gone and who has no case for that.
pub(super) const NO_PEER_RESTARTED: &str =
    "the server was restarted, and the function's type has no error case `peer-restarted`";

/// An outgoing call whose parameters were lifted.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Sent {
    /// Bytes of the message.
    pub payload: usize,
    lends: Option<LendMark>,
}

/// An incoming call whose parameters were lowered.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Entered {
    scope: Option<ScopeId>,
}

impl FunctionPlan {
    /// Writes the parameters of a call that the guest makes into the outgoing area. `cells` are
    /// the arguments of the core function.
    ///
    /// # Errors
    /// [`AbiError::Guest`]
    #[inline(always)]
    pub fn lift_parameters<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        cells: &[u64],
    ) -> Result<Sent, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let Some(quick) = &self.parameters.quick else {
            return self.lift_any_parameters(&mut ctx, options, cells);
        };
        match quick.lift(cells, ctx.data_mut()) {
            Ok(()) => Ok(Sent { payload: quick.size, lends: None }),
            Err(error) => Err(self.in_function(*error)),
        }
    }

    #[inline(never)]
    fn lift_any_parameters<D: Transfer>(
        &self,
        ctx: &mut StoreContextMut<'_, D>,
        options: &Options,
        mut cells: &[u64],
    ) -> Result<Sent, AbiError> {
        let side = &self.parameters;
        if let Some(bulk) = side.bulk.as_ref().filter(|bulk| bulk.suits(options))
            && let Some(memory) = options.memory
        {
            let (memory, data) = memory.data_and_store_mut(&mut *ctx);
            if let Some(payload) = bulk.lift(cells, memory, data) {
                return Ok(Sent { payload, lends: None });
            }
        }
        let lends = side.borrows.then(|| ctx.data_mut().instance(options.instance).mark_lends());
        let mut lift = Lift::new(&self.nodes, ctx, options, side.needs_memory());
        if let Some(record) = side.spilled {
            lift.indirect(record, cells.first().copied().unwrap_or_default() as u32)
                .map_err(|error| self.in_function(*error))?;
        } else {
            for (position, value) in side.values.iter().enumerate() {
                lift.flat(*value, &mut cells)
                    .map_err(|error| self.in_parameter(position, *error))?;
            }
        }
        Ok(Sent { payload: lift.at, lends })
    }

    /// Writes the result that came for a call of the guest into its memory, or returns it as a
    /// cell. `cells` are the arguments of the core function, as before.
    ///
    /// # Errors
    /// [`AbiError::Message`], [`AbiError::Guest`], [`AbiError::Wasm`]; in each case the guest
    /// cannot go on.
    #[inline(always)]
    pub fn lower_result<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        sent: Sent,
        cells: &[u64],
    ) -> Result<Option<u64>, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let mut results = [0; MAX_FLAT_RESULTS];
        match &self.result.quick {
            Some(quick) => quick.lower(ctx.data().incoming(), &mut results),
            None => self.lower_any_result(ctx.as_context_mut(), options, cells, &mut results),
        }
        .map_err(|error| self.in_result(*error))?;
        end_lends(ctx.data_mut(), options, sent);
        Ok(self.lowered.results.first().map(|_| results[0]))
    }

    #[inline(never)]
    fn lower_any_result<D: Transfer>(
        &self,
        ctx: StoreContextMut<'_, D>,
        options: &Options,
        cells: &[u64],
        mut results: &mut [u64],
    ) -> Outcome<()> {
        let bulk = self.result.bulk.as_ref().filter(|bulk| bulk.suits(options));
        let bulk = bulk.filter(|bulk| bulk.check(ctx.data().incoming()).is_some());
        let mut lower = Lower::new(&self.nodes, ctx, options, self.result.needs_memory());
        if let Some(bulk) = bulk
            && let Some(to) = lower.checked_range(
                self.return_pointer(cells),
                Layout::RANGE.size,
                Layout::RANGE.align,
            )
        {
            let mut pair = [0; 2];
            bulk.lower(&mut lower, &mut pair).map_err(|(_, error)| error)?;
            return lower.put_pair(to.start, pair[0] as u32, pair[1] as u32);
        }
        if let Some(record) = self.result.spilled {
            lower.indirect(record, self.return_pointer(cells))?;
        } else {
            for value in &self.result.values {
                lower.flat(*value, &mut results)?;
            }
        }
        lower.finish()
    }

    /// The last argument of an imported function whose result is spilled.
    fn return_pointer(&self, cells: &[u64]) -> u32 {
        let last = self.lowered.parameters.len().checked_sub(1);
        last.and_then(|last| cells.get(last)).copied().unwrap_or_default() as u32
    }

    /// Gives the guest the error case `peer-restarted` as the result of its call.
    ///
    /// # Errors
    /// [`AbiError::Guest`] when the type of the result has no such case.
    pub fn lower_peer_restarted<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        sent: Sent,
        cells: &[u64],
    ) -> Result<Option<u64>, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let address = self.return_pointer(cells);
        let (Some(case), Some(record)) = (self.peer_restarted, self.result.spilled) else {
            return Err(self.in_function(AbiError::Guest(NO_PEER_RESTARTED.into())));
        };
        Lower::new(&self.nodes, ctx.as_context_mut(), options, true)
            .error_case(record, address, case)
            .map_err(|error| self.in_result(*error))?;
        end_lends(ctx.data_mut(), options, sent);
        Ok(None)
    }

    /// Writes the parameters of a call that came into the guest's memory and into `cells`, the
    /// arguments for the core function; as many as its signature has.
    ///
    /// # Errors
    /// [`AbiError::Message`]: the guest was not touched and the call can be refused.
    /// [`AbiError::Guest`], [`AbiError::Wasm`]: the guest's `realloc` went wrong.
    #[inline(always)]
    pub fn lower_parameters<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        cells: &mut [u64],
    ) -> Result<Entered, AbiError> {
        let ctx = ctx.as_context_mut();
        let Some(quick) = &self.parameters.quick else {
            return self.lower_any_parameters(ctx, options, cells);
        };
        match quick.lower(ctx.data().incoming(), cells) {
            Ok(()) => Ok(Entered { scope: None }),
            Err(error) => Err(self.in_function(*error)),
        }
    }

    #[inline(never)]
    fn lower_any_parameters<D: Transfer>(
        &self,
        mut ctx: StoreContextMut<'_, D>,
        options: &Options,
        mut cells: &mut [u64],
    ) -> Result<Entered, AbiError> {
        let side = &self.parameters;
        if let Some(bulk) = side.bulk.as_ref().filter(|bulk| bulk.suits(options))
            && bulk.check(ctx.data().incoming()).is_some()
        {
            return bulk
                .lower(&mut Lower::new(&self.nodes, ctx, options, true), cells)
                .map(|()| Entered { scope: None })
                .map_err(|(value, error)| self.in_parameter(value, *error));
        }
        if side.touches_guest() {
            self.check_parameters(ctx.data_mut(), options)?;
        }
        let scope = side.borrows.then(|| ctx.data_mut().instance(options.instance).open_scope());
        let mut lower = Lower::new(&self.nodes, ctx, options, side.needs_memory());
        lower.expect_checked(scope);
        if let Some(record) = side.spilled {
            lower
                .spilled(record)
                .and_then(|address| put_cell(&mut cells, u64::from(address)))
                .map_err(|error| self.in_function(*error))?;
        } else {
            for (position, value) in side.values.iter().enumerate() {
                lower
                    .flat(*value, &mut cells)
                    .map_err(|error| self.in_parameter(position, *error))?;
            }
        }
        lower.finish().map_err(|error| self.in_function(*error))?;
        Ok(Entered { scope })
    }

    /// Checks the whole message and that there is room for its handles.
    fn check_parameters<D: Transfer>(
        &self,
        data: &mut D,
        options: &Options,
    ) -> Result<(), AbiError> {
        let mut check = Check::new(&self.nodes, data);
        for (position, value) in self.parameters.values.iter().enumerate() {
            check.value(*value).map_err(|error| self.in_parameter(position, *error))?;
        }
        let handles = check.finish().map_err(|error| self.in_function(*error))?;
        if handles > data.instance(options.instance).handles().room() {
            let text = "brings more handles than the receiver has room for";
            return Err(self.in_function(AbiError::Message(text.into())));
        }
        Ok(())
    }

    /// Writes the result of a call that came into the outgoing area and returns its bytes. `cells`
    /// is what the core function returned; there may be more than that.
    ///
    /// # Errors
    /// [`AbiError::Guest`], also when the guest kept a handle that was lent to it.
    #[inline(always)]
    pub fn lift_result<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        entered: Entered,
        cells: &[u64],
    ) -> Result<usize, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let payload = match &self.result.quick {
            Some(quick) => quick.lift(cells, ctx.data_mut()).map(|()| quick.size),
            None => self.lift_any_result(&mut ctx, options, cells),
        }
        .map_err(|error| self.in_result(*error))?;
        if let Some(scope) = entered.scope {
            let kept = ctx.data_mut().instance(options.instance).close_scope(scope);
            if kept != 0 {
                let text = format!("returned without dropping {kept} borrowed handles");
                return Err(self.in_function(AbiError::Guest(text)));
            }
        }
        Ok(payload)
    }

    #[inline(never)]
    fn lift_any_result<D: Transfer>(
        &self,
        ctx: &mut StoreContextMut<'_, D>,
        options: &Options,
        mut cells: &[u64],
    ) -> Outcome<usize> {
        if let Some(bulk) = self.result.bulk.as_ref().filter(|bulk| bulk.suits(options))
            && let ([pointer], Some(memory)) = (cells, options.memory)
        {
            let (memory, data) = memory.data_and_store_mut(&mut *ctx);
            let at = *pointer as u32;
            if is_aligned(at, Layout::RANGE.align)
                && let Some([address, count]) = words_at(memory, at as usize)
                && let Some(payload) = bulk.lift(&[address, count], memory, data)
            {
                return Ok(payload);
            }
        }
        let mut lift = Lift::new(&self.nodes, ctx, options, self.result.needs_memory());
        if let Some(record) = self.result.spilled {
            lift.indirect(record, cells.first().copied().unwrap_or_default() as u32)?;
        } else {
            for value in &self.result.values {
                lift.flat(*value, &mut cells)?;
            }
        }
        Ok(lift.at)
    }

    #[cold]
    pub(super) fn in_function(&self, error: AbiError) -> AbiError {
        error.within(|| format!("function `{}`", self.name))
    }

    #[cold]
    fn in_parameter(&self, position: usize, error: AbiError) -> AbiError {
        let parameter = self.names.get(position).map_or("", |name| name);
        error.within(|| format!("function `{}`, parameter `{parameter}`", self.name))
    }

    #[cold]
    pub(super) fn in_result(&self, error: AbiError) -> AbiError {
        error.within(|| format!("function `{}`, result", self.name))
    }
}

/// Two words of memory.
#[inline]
fn words_at(memory: &[u8], at: usize) -> Option<[u64; 2]> {
    let second = at.checked_add(4)?;
    Some([u32_at(memory, at)?.into(), u32_at(memory, second)?.into()])
}

#[inline]
fn end_lends<D: Transfer>(data: &mut D, options: &Options, sent: Sent) {
    if let Some(mark) = sent.lends {
        data.instance(options.instance).end_lends(mark);
    }
}
