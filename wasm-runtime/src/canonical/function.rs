//! Plans of functions and the four ways to run them.
//!
//! An imported function: [`FunctionPlan::lift_parameters`], then the call, then
//! [`FunctionPlan::lower_result`] or, when the server was gone,
//! [`FunctionPlan::lower_peer_restarted`]. An exported one: [`FunctionPlan::lower_parameters`],
//! then the core function, then [`FunctionPlan::lift_result`], then post-return.

use alloc::{boxed::Box, format, vec::Vec};

use wasmi::AsContextMut;

use super::{
    AbiError, CoreSignature, CoreType, MAX_FLAT_PARAMETERS, MAX_FLAT_RESULTS, Options, PlanError,
    PlanLimits, Transfer,
    check::Check,
    error::Outcome,
    lift::{self, Lift},
    lower::Lower,
    place::{self, put_cell},
    plan::{self, Compiler, Node, NodeId, Nodes, Scalar},
};
use crate::{
    resources::{LendMark, ScopeId},
    types::{Definition, FunctionType, Types, ValueType},
};

/// Everything that is known about a function before it is called.
#[derive(Debug)]
pub struct FunctionPlan {
    name: Box<str>,
    nodes: Nodes,
    parameters: Side,
    names: Box<[Box<str>]>,
    result: Side,
    lowered: CoreSignature,
    lifted: CoreSignature,
    /// Number of the case `peer-restarted` in the error type of the result.
    peer_restarted: Option<u32>,
}

/// The parameters or the result.
#[derive(Debug)]
struct Side {
    values: Box<[NodeId]>,
    /// The record that they form in memory, when they do not fit into flat values.
    spilled: Option<NodeId>,
    /// All are scalars: their kinds, and bytes of the message.
    quick: Option<(Box<[Scalar]>, usize)>,
    /// Without strings and lists.
    fixed: bool,
    borrows: bool,
}

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

/// Options without which a function cannot be lifted or lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// It needs the option `memory`.
    pub memory: bool,
    /// It needs the option `realloc`.
    pub realloc: bool,
}

impl FunctionPlan {
    /// Compiles the type of a function. `name` stands in texts only.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn compile(
        name: &str,
        types: &Types,
        function: &FunctionType,
        limits: &PlanLimits,
    ) -> Result<Self, PlanError> {
        let mut compiler = Compiler::new(types, *limits);
        let values = function.parameters.iter().map(|(_, ty)| *ty);
        let (parameters, parameter_types) =
            Side::compile(&mut compiler, values, MAX_FLAT_PARAMETERS)?;
        let (result, result_types) =
            Side::compile(&mut compiler, function.result.into_iter(), MAX_FLAT_RESULTS)?;
        if result.borrows {
            return Err(PlanError::BorrowInResult);
        }
        let mut lowered = parameter_types.clone();
        let lifted = CoreSignature { parameters: parameter_types, results: result_types.clone() };
        let results = if result.spilled.is_some() {
            lowered.push(CoreType::I32);
            Vec::new()
        } else {
            result_types
        };
        Ok(Self {
            name: name.into(),
            nodes: compiler.finish(),
            parameters,
            names: function.parameters.iter().map(|(name, _)| name.as_str().into()).collect(),
            result,
            lowered: CoreSignature { parameters: lowered, results },
            lifted,
            peer_restarted: peer_restarted(types, function.result),
        })
    }

    /// The name that it was compiled with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a guest calls that imports the function.
    #[must_use]
    pub const fn lowered(&self) -> &CoreSignature {
        &self.lowered
    }

    /// What a guest defines that exports the function.
    #[must_use]
    pub const fn lifted(&self) -> &CoreSignature {
        &self.lifted
    }

    /// What `canon lower` needs.
    #[must_use]
    pub const fn lower_requirements(&self) -> Requirements {
        Requirements { memory: self.needs_memory(), realloc: !self.result.fixed }
    }

    /// What `canon lift` needs.
    #[must_use]
    pub const fn lift_requirements(&self) -> Requirements {
        let realloc = !self.parameters.fixed || self.parameters.spilled.is_some();
        Requirements { memory: self.needs_memory(), realloc }
    }

    const fn needs_memory(&self) -> bool {
        self.parameters.needs_memory() || self.result.needs_memory()
    }

    /// Whether the result can say that the peer was restarted.
    #[must_use]
    pub const fn has_peer_restarted(&self) -> bool {
        self.peer_restarted.is_some()
    }

    /// Writes the parameters of a call that the guest makes into the outgoing area. `cells` are
    /// the arguments of the core function.
    ///
    /// # Errors
    /// [`AbiError::Guest`]
    pub fn lift_parameters<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        cells: &[u64],
    ) -> Result<Sent, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let side = &self.parameters;
        if let Some((kinds, size)) = &side.quick {
            lift::scalars(kinds, *size, cells, ctx.data_mut())
                .map_err(|error| self.in_function(*error))?;
            return Ok(Sent { payload: *size, lends: None });
        }
        let lends = side.borrows.then(|| ctx.data_mut().instance(options.instance).mark_lends());
        let mut lift = Lift::new(&self.nodes, &mut ctx, options);
        let mut rest = cells;
        if let Some(record) = side.spilled {
            lift.indirect(record, cells.first().copied().unwrap_or_default() as u32)
                .map_err(|error| self.in_function(*error))?;
        } else {
            for (position, value) in side.values.iter().enumerate() {
                lift.flat(*value, &mut rest)
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
    pub fn lower_result<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        sent: Sent,
        cells: &[u64],
    ) -> Result<Option<u64>, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let mut results = [0; MAX_FLAT_RESULTS];
        if let Some((kinds, size)) = &self.result.quick {
            place::scalars(kinds, *size, ctx.data().incoming(), &mut results)
        } else {
            let mut lower = Lower::new(&self.nodes, ctx.as_context_mut(), options, None, false);
            self.lower_result_slowly(&mut lower, cells, &mut results)
        }
        .map_err(|error| self.in_result(*error))?;
        end_lends(ctx.data_mut(), options, sent);
        Ok(self.lowered.results.first().map(|_| results[0]))
    }

    fn lower_result_slowly<D: Transfer>(
        &self,
        lower: &mut Lower<'_, '_, D>,
        cells: &[u64],
        mut results: &mut [u64],
    ) -> Outcome<()> {
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
        match (self.peer_restarted, self.result.spilled) {
            (Some(case), Some(record)) => {
                Lower::new(&self.nodes, ctx.as_context_mut(), options, None, false)
                    .error_case(record, address, case)
                    .map_err(|error| self.in_result(*error))?;
            }
            _ => {
                let text = "the server was restarted, and the function's type has no error case \
                            `peer-restarted`";
                return Err(self.in_function(AbiError::Guest(text.into())));
            }
        }
        end_lends(ctx.data_mut(), options, sent);
        Ok(None)
    }

    /// Writes the parameters of a call that came into the guest's memory and into `cells`, the
    /// arguments for the core function; as many as its signature has.
    ///
    /// # Errors
    /// [`AbiError::Message`]: the guest was not touched and the call can be refused.
    /// [`AbiError::Guest`], [`AbiError::Wasm`]: the guest's `realloc` went wrong.
    pub fn lower_parameters<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        cells: &mut [u64],
    ) -> Result<Entered, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let side = &self.parameters;
        if let Some((kinds, size)) = &side.quick {
            place::scalars(kinds, *size, ctx.data().incoming(), cells)
                .map_err(|error| self.in_function(*error))?;
            return Ok(Entered { scope: None });
        }
        self.check_parameters(ctx.data_mut(), options)?;
        let scope = side.borrows.then(|| ctx.data_mut().instance(options.instance).open_scope());
        let mut lower = Lower::new(&self.nodes, ctx, options, scope, true);
        self.lower_checked(&mut lower, cells).map_err(|error| self.in_function(*error))?;
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

    fn lower_checked<D: Transfer>(
        &self,
        lower: &mut Lower<'_, '_, D>,
        mut cells: &mut [u64],
    ) -> Outcome<()> {
        if let Some(record) = self.parameters.spilled {
            let address = lower.spilled(record)?;
            put_cell(&mut cells, u64::from(address))?;
        } else {
            for value in &self.parameters.values {
                lower.flat(*value, &mut cells)?;
            }
        }
        lower.finish()
    }

    /// Writes the result of a call that came into the outgoing area and returns its bytes. `cells`
    /// is what the core function returned.
    ///
    /// # Errors
    /// [`AbiError::Guest`], also when the guest kept a handle that was lent to it.
    pub fn lift_result<D: Transfer>(
        &self,
        ctx: &mut impl AsContextMut<Data = D>,
        options: &Options,
        entered: Entered,
        cells: &[u64],
    ) -> Result<usize, AbiError> {
        let mut ctx = ctx.as_context_mut();
        let payload = if let Some((kinds, size)) = &self.result.quick {
            lift::scalars(kinds, *size, cells, ctx.data_mut()).map(|()| *size)
        } else {
            let mut lift = Lift::new(&self.nodes, &mut ctx, options);
            self.lift_result_slowly(&mut lift, cells).map(|()| lift.at)
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

    fn lift_result_slowly<D: Transfer>(
        &self,
        lift: &mut Lift<'_, D>,
        mut cells: &[u64],
    ) -> Outcome<()> {
        if let Some(record) = self.result.spilled {
            return lift.indirect(record, cells.first().copied().unwrap_or_default() as u32);
        }
        self.result.values.iter().try_for_each(|value| lift.flat(*value, &mut cells))
    }

    #[cold]
    fn in_function(&self, error: AbiError) -> AbiError {
        error.within(|| format!("function `{}`", self.name))
    }

    #[cold]
    fn in_parameter(&self, position: usize, error: AbiError) -> AbiError {
        let parameter = self.names.get(position).map_or("", |name| name);
        error.within(|| format!("function `{}`, parameter `{parameter}`", self.name))
    }

    #[cold]
    fn in_result(&self, error: AbiError) -> AbiError {
        error.within(|| format!("function `{}`, result", self.name))
    }
}

fn end_lends<D: Transfer>(data: &mut D, options: &Options, sent: Sent) {
    if let Some(mark) = sent.lends {
        data.instance(options.instance).end_lends(mark);
    }
}

impl Side {
    /// Compiles the values of one side and says how they are passed.
    fn compile(
        compiler: &mut Compiler<'_>,
        types: impl Iterator<Item = ValueType>,
        max_flat: usize,
    ) -> Result<(Self, Vec<CoreType>), PlanError> {
        let values: Box<[NodeId]> = types.map(|ty| compiler.value(ty)).collect::<Result<_, _>>()?;
        let mut side = Self { values, spilled: None, quick: None, fixed: true, borrows: false };
        let mut flat = Some(Vec::new());
        let mut kinds = Some(Vec::new());
        let mut size = 0;
        for value in &side.values {
            let Some(planned) = compiler.node(*value) else { return Err(PlanError::TooManyTypes) };
            side.fixed &= planned.fixed;
            side.borrows |= planned.borrows;
            flat = plan::extended(flat, planned.flat.as_deref());
            match (&planned.node, &mut kinds) {
                (Node::Scalar(kind), Some(kinds)) => {
                    kinds.push(*kind);
                    size += kind.size() as usize;
                }
                _ => kinds = None,
            }
        }
        match flat {
            Some(flat) if flat.len() <= max_flat => {
                side.quick = kinds.map(|kinds| (kinds.into_boxed_slice(), size));
                Ok((side, flat))
            }
            _ => {
                side.spilled = Some(compiler.spilled(&side.values)?);
                Ok((side, Vec::from([CoreType::I32])))
            }
        }
    }

    const fn needs_memory(&self) -> bool {
        !self.fixed || self.spilled.is_some()
    }
}

/// Finds the case in the error type of a result.
fn peer_restarted(types: &Types, result: Option<ValueType>) -> Option<u32> {
    const NAME: &str = "peer-restarted";
    let Some(ValueType::Defined(id)) = result else { return None };
    let Some(Definition::Result { err: Some(ValueType::Defined(error)), .. }) = types.get(id)
    else {
        return None;
    };
    let position = match types.get(*error)? {
        Definition::Enum(labels) => labels.iter().position(|label| label == NAME),
        Definition::Variant(cases) => {
            cases.iter().position(|(label, payload)| label == NAME && payload.is_none())
        }
        _ => None,
    };
    u32::try_from(position?).ok()
}
