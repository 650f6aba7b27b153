//! Plans of functions: everything that is known before one is called. `call` runs them.

use alloc::{boxed::Box, vec::Vec};

use super::{
    CoreSignature, CoreType, MAX_FLAT_PARAMETERS, MAX_FLAT_RESULTS, PlanError, PlanLimits,
    bulk::Bulk,
    compile::{self, Compiler},
    plan::{Node, NodeId, Nodes},
    quick::Quick,
};
use crate::types::{Definition, FunctionType, Types, ValueType};

/// Everything that is known about a function before it is called.
#[derive(Debug)]
pub struct FunctionPlan {
    pub(super) name: Box<str>,
    pub(super) nodes: Nodes,
    pub(super) parameters: Side,
    /// Names of the parameters.
    pub(super) names: Box<[Box<str>]>,
    pub(super) result: Side,
    pub(super) lowered: CoreSignature,
    lifted: CoreSignature,
    /// Number of the case that says so in the error type of the result.
    pub(super) peer_restarted: Option<u32>,
}

/// The parameters or the result.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) values: Box<[NodeId]>,
    /// The record that they form in memory, when they do not fit into flat values.
    pub(super) spilled: Option<NodeId>,
    /// The short way, for numbers and the like.
    pub(super) quick: Option<Quick>,
    /// The short way for lists and strings: parameters that are passed flat, or a result that is a
    /// list or string and nothing else.
    pub(super) bulk: Option<Bulk>,
    /// Without strings and lists.
    fixed: bool,
    handles: bool,
    pub(super) borrows: bool,
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
}

impl Side {
    /// Compiles the values of one side and says how they are passed.
    fn compile(
        compiler: &mut Compiler<'_>,
        types: impl ExactSizeIterator<Item = ValueType>,
        max_flat: usize,
    ) -> Result<(Self, Vec<CoreType>), PlanError> {
        let mut values = Vec::with_capacity(types.len());
        for ty in types {
            values.push(compiler.value(ty)?);
        }
        let mut side = Self {
            values: values.into_boxed_slice(),
            spilled: None,
            quick: None,
            bulk: None,
            fixed: true,
            handles: false,
            borrows: false,
        };
        let mut flat = Some(Vec::with_capacity(max_flat));
        for value in &side.values {
            let Some(planned) = compiler.node(*value) else { return Err(PlanError::TooManyTypes) };
            side.fixed &= planned.fixed;
            side.handles |= planned.handles;
            side.borrows |= planned.borrows;
            flat = compile::extended(flat, planned.flat.as_deref());
        }
        match flat {
            Some(flat) if flat.len() <= max_flat => {
                side.quick = Quick::compile(compiler, &side.values);
                side.bulk = Bulk::compile(compiler, &side.values);
                Ok((side, flat))
            }
            _ => {
                if let [only] = *side.values
                    && let Some(Node::String | Node::List(_)) =
                        compiler.node(only).map(|it| &it.node)
                {
                    side.bulk = Bulk::compile(compiler, &side.values);
                }
                side.spilled = Some(compiler.spilled(&side.values)?);
                Ok((side, Vec::from([CoreType::I32])))
            }
        }
    }

    pub(super) const fn needs_memory(&self) -> bool {
        !self.fixed || self.spilled.is_some()
    }

    /// Whether lowering does more to a guest than fill cells.
    pub(super) const fn touches_guest(&self) -> bool {
        self.needs_memory() || self.handles
    }
}

/// Finds the case in the error type of a result.
///
/// WASI's error types know no peers. Their `io`, an error of the device, is the nearest that they
/// have: a program sees that its file is gone, as on any other system, and goes on.
fn peer_restarted(types: &Types, result: Option<ValueType>) -> Option<u32> {
    const NAMES: [&str; 2] = ["peer-restarted", "io"];
    let Some(ValueType::Defined(id)) = result else { return None };
    let Some(Definition::Result { err: Some(ValueType::Defined(error)), .. }) = types.get(id)
    else {
        return None;
    };
    let error = types.get(*error)?;
    let position = |name: &str| match error {
        Definition::Enum(labels) => labels.iter().position(|label| label == name),
        Definition::Variant(cases) => {
            cases.iter().position(|(label, payload)| label == name && payload.is_none())
        }
        _ => None,
    };
    u32::try_from(NAMES.into_iter().find_map(position)?).ok()
}
