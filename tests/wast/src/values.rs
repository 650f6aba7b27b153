//! Arguments and expected results.

use atoll_conformance::script::{Argument, Expected, Value};
use wast::{
    WastArg, WastRet,
    component::WastVal,
    core::{AbstractHeapType, HeapType, NanPattern, WastArgCore, WastRetCore},
};

/// What a call is given; an error names what has no form in scripts.
pub(crate) fn argument(argument: &WastArg<'static>) -> Result<Argument<'static>, &'static str> {
    match argument {
        WastArg::Core(value) => Ok(match value {
            WastArgCore::I32(value) => Argument::I32(value.cast_unsigned()),
            WastArgCore::I64(value) => Argument::I64(value.cast_unsigned()),
            WastArgCore::F32(value) => Argument::F32(value.bits),
            WastArgCore::F64(value) => Argument::F64(value.bits),
            WastArgCore::RefNull(ty) => null(ty)?,
            WastArgCore::RefExtern(number) => Argument::Extern(*number),
            WastArgCore::V128(_) => return Err("vectors"),
            WastArgCore::RefHost(_) => return Err("host references"),
        }),
        WastArg::Component(value) => Ok(Argument::Component(component(value))),
        _ => Err("such an argument"),
    }
}

fn null(ty: &HeapType<'_>) -> Result<Argument<'static>, &'static str> {
    match ty {
        HeapType::Abstract { ty: AbstractHeapType::Func, .. } => Ok(Argument::NullFunction),
        HeapType::Abstract { ty: AbstractHeapType::Extern, .. } => Ok(Argument::NullExtern),
        _ => Err("references but to functions and external ones"),
    }
}

/// What a result has to be.
pub(crate) fn expected(result: &WastRet<'static>) -> Result<Expected<'static>, &'static str> {
    match result {
        WastRet::Core(value) => core(value),
        WastRet::Component(value) => Ok(Expected::Component(component(value))),
        _ => Err("such a result"),
    }
}

fn core(value: &WastRetCore<'static>) -> Result<Expected<'static>, &'static str> {
    Ok(match value {
        WastRetCore::I32(value) => Expected::Exactly(Argument::I32(value.cast_unsigned())),
        WastRetCore::I64(value) => Expected::Exactly(Argument::I64(value.cast_unsigned())),
        WastRetCore::F32(NanPattern::CanonicalNan) => Expected::Canonical32,
        WastRetCore::F32(NanPattern::ArithmeticNan) => Expected::Quiet32,
        WastRetCore::F32(NanPattern::Value(value)) => Expected::Exactly(Argument::F32(value.bits)),
        WastRetCore::F64(NanPattern::CanonicalNan) => Expected::Canonical64,
        WastRetCore::F64(NanPattern::ArithmeticNan) => Expected::Quiet64,
        WastRetCore::F64(NanPattern::Value(value)) => Expected::Exactly(Argument::F64(value.bits)),
        WastRetCore::RefNull(None) => Expected::Null,
        WastRetCore::RefNull(Some(ty)) => Expected::Exactly(null(ty)?),
        WastRetCore::RefExtern(None) => Expected::Extern,
        WastRetCore::RefExtern(Some(number)) => Expected::Exactly(Argument::Extern(*number)),
        WastRetCore::RefFunc(None) => Expected::Function,
        WastRetCore::Either(cases) => {
            Expected::Either(cases.iter().map(core).collect::<Result<_, _>>()?)
        }
        WastRetCore::V128(_) => return Err("vectors"),
        _ => return Err("references but to functions and external ones"),
    })
}

fn component(value: &WastVal<'static>) -> Value<'static> {
    let list = |values: &[WastVal<'static>]| values.iter().map(component).collect();
    let payload = |value: &Option<Box<WastVal<'static>>>| {
        value.as_ref().map(|value| Box::new(component(value)))
    };
    match value {
        WastVal::Bool(value) => Value::Bool(*value),
        WastVal::U8(value) => Value::U8(*value),
        WastVal::S8(value) => Value::S8(*value),
        WastVal::U16(value) => Value::U16(*value),
        WastVal::S16(value) => Value::S16(*value),
        WastVal::U32(value) => Value::U32(*value),
        WastVal::S32(value) => Value::S32(*value),
        WastVal::U64(value) => Value::U64(*value),
        WastVal::S64(value) => Value::S64(*value),
        WastVal::F32(value) => Value::F32(value.bits),
        WastVal::F64(value) => Value::F64(value.bits),
        WastVal::Char(value) => Value::Char(*value),
        WastVal::String(text) => Value::String(text),
        WastVal::List(values) => Value::List(list(values)),
        WastVal::Map(entries) => Value::Map(
            entries.iter().map(|(key, value)| (component(key), component(value))).collect(),
        ),
        WastVal::Record(fields) => {
            Value::Record(fields.iter().map(|(name, value)| (*name, component(value))).collect())
        }
        WastVal::Tuple(values) => Value::Tuple(list(values)),
        WastVal::Variant(name, value) => Value::Variant(name, payload(value)),
        WastVal::Enum(name) => Value::Enum(name),
        WastVal::Option(value) => Value::Option(payload(value)),
        WastVal::Result(Ok(value)) => Value::Ok(payload(value)),
        WastVal::Result(Err(value)) => Value::Err(payload(value)),
        WastVal::Flags(labels) => Value::Flags(labels.clone()),
    }
}
