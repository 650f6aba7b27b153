//! Components on the runtime, alone in the world: nothing is granted to them.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt;

use atoll_runtime::{
    Component, Host, LoadError, Provider, Resolver, RuntimeLimits, Translated, Translation,
    component::ROOT,
    host::{CallError, Origin, Passing, ResourceSlot, Target},
    types::ValueType,
};

use super::{
    Code, float,
    session::{Done, Ended},
    value,
};
use crate::script::{Argument, Expected, Value};

/// At which step a component was refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Reading and validating it.
    Invalid(String),
    /// Meeting its imports.
    Unlinkable(String),
    /// Instantiating it.
    Trapped(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Invalid(why) | Self::Unlinkable(why) | Self::Trapped(why)) = self;
        f.write_str(why)
    }
}

/// Reads a component, the bodies of its core functions included.
pub(super) fn check<'a>(
    bytes: &'a [u8],
    limits: &RuntimeLimits,
    code: Code,
) -> Result<(Component<'a>, Translated), Refusal> {
    let invalid = |error: LoadError| Refusal::Invalid(error.to_string());
    let component = Component::parse(bytes, limits).map_err(invalid)?;
    let what = Translation { metered: false, backtrace: code == Code::Recording };
    let translated = component.translate_for(limits, what).map_err(invalid)?;
    Ok((component, translated))
}

/// Takes a component through all steps of its start.
pub(super) fn start(bytes: &[u8], limits: &RuntimeLimits, code: Code) -> Result<Instance, Refusal> {
    let (component, translated) = check(bytes, limits, code)?;
    let linked =
        component.link(&mut Alone).map_err(|error| Refusal::Unlinkable(error.to_string()))?;
    let instance = atoll_runtime::Instance::from_translated(&linked, &translated, Alone, limits);
    Ok(Instance(instance.map_err(|trap| Refusal::Trapped(trap.to_string()))?))
}

/// A component that runs.
pub(super) struct Instance(atoll_runtime::Instance<Alone>);

impl Instance {
    /// Calls a function that the component exports itself, outside of interfaces.
    pub(super) fn invoke(&mut self, name: &str, arguments: &[Argument<'_>]) -> Done<Ended> {
        let missing = || format!("there is no function `{name}`");
        let root = self.0.export_index(ROOT).ok_or_else(missing)?;
        let method = self.0.function_index(root, name).ok_or_else(missing)?;
        let parameters = self.parameters(root, method, arguments)?;
        Ok(match self.0.call(root, method, &parameters) {
            Ok(result) => Ended::Component(result, method),
            Err(trap) => Ended::Dead(trap.to_string()),
        })
    }

    fn function(&self, root: u32, method: u32) -> Done<&atoll_runtime::types::FunctionType> {
        let interface = self.0.exports().get(root as usize);
        let function = interface.and_then(|interface| interface.ty.functions.get(method as usize));
        function.map(|(_, ty)| ty).ok_or_else(|| "there is no such function".into())
    }

    fn parameters(&self, root: u32, method: u32, arguments: &[Argument<'_>]) -> Done<Vec<u8>> {
        let ty = self.function(root, method)?;
        if ty.parameters.len() != arguments.len() {
            return Err(format!("the function takes {} parameters", ty.parameters.len()));
        }
        let mut out = vec![];
        for ((_, ty), argument) in ty.parameters.iter().zip(arguments) {
            value::put(self.0.types(), *ty, &value_of(argument)?, &mut out)?;
        }
        Ok(out)
    }

    /// Compares what a function gave with what it has to be.
    pub(super) fn compare(&self, method: u32, found: &[u8], expected: &[Expected<'_>]) -> Done {
        let root = self.0.export_index(ROOT).ok_or("there is no function")?;
        let equal = match (self.function(root, method)?.result, expected) {
            (Some(ty), [expected]) => self.is(ty, found, expected)?,
            (None, []) => found.is_empty(),
            (ty, _) => return Err(format!("expected {expected:?} of a function of type {ty:?}")),
        };
        if equal { Ok(()) } else { Err(format!("expected {expected:x?}, found {found:x?}")) }
    }

    /// Whether the wire form of a value of a type is what it has to be.
    fn is(&self, ty: ValueType, found: &[u8], expected: &Expected<'_>) -> Done<bool> {
        let wanted = match expected {
            Expected::Component(value) => value.clone(),
            Expected::Exactly(argument) => value_of(argument)?,
            Expected::Either(cases) => {
                let cases = cases.iter().map(|case| self.is(ty, found, case));
                return Ok(cases.collect::<Done<Vec<_>>>()?.contains(&true));
            }
            pattern => return Ok(nan(ty, found, pattern)),
        };
        let mut wire = vec![];
        value::put(self.0.types(), ty, &wanted, &mut wire)?;
        Ok(found == wire)
    }
}

/// Floats are written alike for core functions and for those of components.
fn value_of<'a>(argument: &Argument<'a>) -> Done<Value<'a>> {
    match argument {
        Argument::Component(value) => Ok(value.clone()),
        Argument::F32(bits) => Ok(Value::F32(*bits)),
        Argument::F64(bits) => Ok(Value::F64(*bits)),
        _ => Err("a core value for a component's function".into()),
    }
}

/// Whether the wire form of a float is a NaN of that kind.
fn nan(ty: ValueType, found: &[u8], pattern: &Expected<'_>) -> bool {
    match (ty, <[u8; 4]>::try_from(found), <[u8; 8]>::try_from(found)) {
        (ValueType::F32, Ok(bits), _) => float::is_nan32(u32::from_le_bytes(bits), pattern),
        (ValueType::F64, _, Ok(bits)) => float::is_nan64(u64::from_le_bytes(bits), pattern),
        _ => false,
    }
}

/// The place of a component to which nothing is granted.
#[derive(Debug)]
struct Alone;

const NOTHING: &str = "nothing is granted";

impl Resolver for Alone {
    fn resolve(&mut self, _: &str) -> Result<Provider, String> {
        Err(NOTHING.into())
    }
}

impl Host for Alone {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut []
    }

    fn incoming(&self) -> &[u8] {
        &[]
    }

    fn put_slot(&mut self, _: ResourceSlot) -> Result<u32, String> {
        Err(NOTHING.into())
    }

    fn check_slot(&self, _: u32, _: Passing, _: Origin) -> Result<(), String> {
        Err(NOTHING.into())
    }

    fn take_slot(&mut self, _: u32, _: Passing, _: Origin) -> Result<u32, String> {
        Err(NOTHING.into())
    }

    fn discard_outgoing(&mut self) {}

    fn discard_incoming(&mut self) {}

    fn call(&mut self, _: Target, _: u32, _: usize) -> Result<(), CallError> {
        Err(CallError::Failed(NOTHING.into()))
    }

    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {}
}
