//! Turns the validator's types into the runtime's own, resource types replaced by numbers.

use alloc::{collections::BTreeMap, string::ToString, vec::Vec};

use wasmparser::{
    PrimitiveValType,
    component_types::{
        ComponentDefinedType, ComponentDefinedTypeId, ComponentFuncTypeId, ComponentValType,
        ResourceId as Declared,
    },
    types::TypesRef,
};

use crate::limits::Exceeded;
use crate::types::{Definition, FunctionType, ResourceId, TypeTooLarge, Types, ValueType};

/// Why a type has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConvertError {
    /// It is over the bounds.
    TooLarge(Exceeded),
    /// It contains what the runtime does not carry out.
    Unsupported(&'static str),
    /// It names a resource type that nothing declares.
    UnknownResource,
}

impl From<TypeTooLarge> for ConvertError {
    fn from(TypeTooLarge(exceeded): TypeTooLarge) -> Self {
        Self::TooLarge(exceeded)
    }
}

/// The types of one component instance that were converted, so that each is converted once.
#[derive(Debug, Default)]
pub(crate) struct Converted(BTreeMap<ComponentDefinedTypeId, ValueType>);

/// Converts types of one component instance.
pub(crate) struct Converter<'a, R> {
    /// The validator's types.
    pub source: TypesRef<'a>,
    /// Numbers the resource types.
    pub resources: R,
    pub done: &'a mut Converted,
}

impl<R: Fn(Declared) -> Option<ResourceId>> Converter<'_, R> {
    /// Converts the type of a function.
    pub(crate) fn function(
        &mut self,
        id: ComponentFuncTypeId,
        out: &mut Types,
    ) -> Result<FunctionType, ConvertError> {
        let source = self.source;
        let function = &source[id];
        if function.async_ {
            return Err(ConvertError::Unsupported("an async function"));
        }
        let mut parameters = Vec::with_capacity(function.params.len());
        for (name, ty) in &function.params {
            parameters.push((name.to_string(), self.value(*ty, out)?));
        }
        let result = self.optional(function.result, out)?;
        Ok(FunctionType { parameters, result })
    }

    fn optional(
        &mut self,
        ty: Option<ComponentValType>,
        out: &mut Types,
    ) -> Result<Option<ValueType>, ConvertError> {
        ty.map(|ty| self.value(ty, out)).transpose()
    }

    fn value(&mut self, ty: ComponentValType, out: &mut Types) -> Result<ValueType, ConvertError> {
        let id = match ty {
            ComponentValType::Primitive(primitive) => return value_of(primitive),
            ComponentValType::Type(id) => id,
        };
        if let Some(done) = self.done.0.get(&id) {
            return Ok(*done);
        }
        let converted = self.definition(id, out)?;
        self.done.0.insert(id, converted);
        Ok(converted)
    }

    /// Recursion is bounded by the validator, which allows types of depth 100.
    fn definition(
        &mut self,
        id: ComponentDefinedTypeId,
        out: &mut Types,
    ) -> Result<ValueType, ConvertError> {
        let source = self.source;
        let definition = match &source[id] {
            ComponentDefinedType::Primitive(primitive) => return value_of(*primitive),
            ComponentDefinedType::Own(id) => {
                return self.resource(id.resource()).map(ValueType::Own);
            }
            ComponentDefinedType::Borrow(id) => {
                return self.resource(id.resource()).map(ValueType::Borrow);
            }
            ComponentDefinedType::List { element, .. } => {
                Definition::List(self.value(*element, out)?)
            }
            ComponentDefinedType::Record(record) => {
                let mut fields = Vec::with_capacity(record.fields.len());
                for (name, ty) in &record.fields {
                    fields.push((name.to_string(), self.value(*ty, out)?));
                }
                Definition::Record(fields)
            }
            ComponentDefinedType::Tuple(tuple) => {
                let mut types = Vec::with_capacity(tuple.types.len());
                for ty in &tuple.types {
                    types.push(self.value(*ty, out)?);
                }
                Definition::Tuple(types)
            }
            ComponentDefinedType::Variant(variant) => {
                let mut cases = Vec::with_capacity(variant.cases.len());
                for (name, case) in &variant.cases {
                    cases.push((name.to_string(), self.optional(case.ty, out)?));
                }
                Definition::Variant(cases)
            }
            ComponentDefinedType::Enum(labels) => {
                Definition::Enum(labels.iter().map(ToString::to_string).collect())
            }
            ComponentDefinedType::Flags(labels) => {
                Definition::Flags(labels.iter().map(ToString::to_string).collect())
            }
            ComponentDefinedType::Option { ty, .. } => Definition::Option(self.value(*ty, out)?),
            ComponentDefinedType::Result { ok, err, .. } => {
                Definition::Result { ok: self.optional(*ok, out)?, err: self.optional(*err, out)? }
            }
            ComponentDefinedType::Map { key, value, .. } => {
                Definition::Map(self.value(*key, out)?, self.value(*value, out)?)
            }
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                Definition::FixedList(self.value(*element, out)?, *length)
            }
            ComponentDefinedType::Future { .. } => {
                return Err(ConvertError::Unsupported("a future"));
            }
            ComponentDefinedType::Stream { .. } => {
                return Err(ConvertError::Unsupported("a stream"));
            }
        };
        Ok(ValueType::Defined(out.try_add(definition)?))
    }

    fn resource(&self, declared: Declared) -> Result<ResourceId, ConvertError> {
        (self.resources)(declared).ok_or(ConvertError::UnknownResource)
    }
}

fn value_of(primitive: PrimitiveValType) -> Result<ValueType, ConvertError> {
    Ok(match primitive {
        PrimitiveValType::Bool => ValueType::Bool,
        PrimitiveValType::S8 => ValueType::S8,
        PrimitiveValType::U8 => ValueType::U8,
        PrimitiveValType::S16 => ValueType::S16,
        PrimitiveValType::U16 => ValueType::U16,
        PrimitiveValType::S32 => ValueType::S32,
        PrimitiveValType::U32 => ValueType::U32,
        PrimitiveValType::S64 => ValueType::S64,
        PrimitiveValType::U64 => ValueType::U64,
        PrimitiveValType::F32 => ValueType::F32,
        PrimitiveValType::F64 => ValueType::F64,
        PrimitiveValType::Char => ValueType::Char,
        PrimitiveValType::String => ValueType::String,
        PrimitiveValType::ErrorContext => {
            return Err(ConvertError::Unsupported("an error-context"));
        }
    })
}
