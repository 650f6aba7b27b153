//! Writes descriptors.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{ResourceOrigin, VERSION, tag};
use crate::{
    limits::MAX_DESCRIPTOR,
    types::{Definition, InterfaceType, ResourceId, TypeId, Types, ValueType},
};

/// Looks a resource's origin up.
type Origin<'a> = &'a dyn Fn(ResourceId) -> Option<ResourceOrigin>;

/// Writes the descriptor of an interface whose types are in `types`; `None` when it would not fit
/// a message.
pub(super) fn encode(
    types: &Types,
    interface: &InterfaceType,
    origin: Origin<'_>,
) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(types, origin);
    for (_, id) in &interface.resources {
        encoder.resource(*id)?;
    }
    let mut functions = Vec::new();
    for (name, function) in &interface.functions {
        text(name, &mut functions)?;
        number(function.parameters.len(), &mut functions)?;
        for (name, ty) in &function.parameters {
            text(name, &mut functions)?;
            encoder.value(*ty, &mut functions)?;
        }
        encoder.optional(function.result, &mut functions)?;
    }
    let mut out = Vec::from([VERSION]);
    number(encoder.resource_numbers.len(), &mut out)?;
    out.append(&mut encoder.resources);
    number(encoder.definition_numbers.len(), &mut out)?;
    out.append(&mut encoder.definitions);
    number(interface.functions.len(), &mut out)?;
    out.append(&mut functions);
    (out.len() <= MAX_DESCRIPTOR).then_some(out)
}

struct Encoder<'a> {
    types: &'a Types,
    origin: Origin<'a>,
    resources: Vec<u8>,
    resource_numbers: BTreeMap<ResourceId, usize>,
    definitions: Vec<u8>,
    definition_numbers: BTreeMap<TypeId, usize>,
}

impl<'a> Encoder<'a> {
    fn new(types: &'a Types, origin: Origin<'a>) -> Self {
        Self {
            types,
            origin,
            resources: Vec::new(),
            resource_numbers: BTreeMap::new(),
            definitions: Vec::new(),
            definition_numbers: BTreeMap::new(),
        }
    }

    /// The number of a resource in the descriptor, which lists it the first time.
    fn resource(&mut self, id: ResourceId) -> Option<usize> {
        if let Some(number) = self.resource_numbers.get(&id) {
            return Some(*number);
        }
        let origin = (self.origin)(id)?;
        match &origin.interface {
            Some(interface) => {
                self.resources.push(1);
                text(interface, &mut self.resources)?;
            }
            None => self.resources.push(0),
        }
        text(&origin.name, &mut self.resources)?;
        let number = self.resource_numbers.len();
        self.resource_numbers.insert(id, number);
        Some(number)
    }

    fn value(&mut self, ty: ValueType, out: &mut Vec<u8>) -> Option<()> {
        match ty {
            ValueType::Own(id) => {
                let resource = self.resource(id)?;
                out.push(tag::OWN);
                number(resource, out)
            }
            ValueType::Borrow(id) => {
                let resource = self.resource(id)?;
                out.push(tag::BORROW);
                number(resource, out)
            }
            ValueType::Defined(id) => {
                let definition = self.definition(id)?;
                out.push(tag::DEFINED);
                number(definition, out)
            }
            plain => {
                let tag = tag::PLAIN.iter().position(|known| *known == plain)?;
                out.push(u8::try_from(tag).ok()?);
                Some(())
            }
        }
    }

    fn optional(&mut self, ty: Option<ValueType>, out: &mut Vec<u8>) -> Option<()> {
        match ty {
            Some(ty) => self.value(ty, out),
            None => {
                out.push(tag::NONE);
                Some(())
            }
        }
    }

    /// The number of a definition, which is written, after its parts, the first time.
    fn definition(&mut self, id: TypeId) -> Option<usize> {
        if let Some(number) = self.definition_numbers.get(&id) {
            return Some(*number);
        }
        let types = self.types;
        let mut out = Vec::new();
        match types.get(id)? {
            Definition::List(ty) => {
                out.push(tag::LIST);
                self.value(*ty, &mut out)?;
            }
            Definition::FixedList(ty, len) => {
                out.push(tag::FIXED_LIST);
                self.value(*ty, &mut out)?;
                number(*len as usize, &mut out)?;
            }
            Definition::Map(key, value) => {
                out.push(tag::MAP);
                self.value(*key, &mut out)?;
                self.value(*value, &mut out)?;
            }
            Definition::Option(ty) => {
                out.push(tag::OPTION);
                self.value(*ty, &mut out)?;
            }
            Definition::Result { ok, err } => {
                out.push(tag::RESULT);
                self.optional(*ok, &mut out)?;
                self.optional(*err, &mut out)?;
            }
            Definition::Record(fields) => {
                out.push(tag::RECORD);
                number(fields.len(), &mut out)?;
                for (name, ty) in fields {
                    text(name, &mut out)?;
                    self.value(*ty, &mut out)?;
                }
            }
            Definition::Tuple(types) => {
                out.push(tag::TUPLE);
                number(types.len(), &mut out)?;
                for ty in types {
                    self.value(*ty, &mut out)?;
                }
            }
            Definition::Variant(cases) => {
                out.push(tag::VARIANT);
                number(cases.len(), &mut out)?;
                for (name, ty) in cases {
                    text(name, &mut out)?;
                    self.optional(*ty, &mut out)?;
                }
            }
            Definition::Enum(names) => labels(tag::ENUM, names, &mut out)?,
            Definition::Flags(names) => labels(tag::FLAGS, names, &mut out)?,
        }
        self.definitions.append(&mut out);
        let number = self.definition_numbers.len();
        self.definition_numbers.insert(id, number);
        Some(number)
    }
}

fn labels(tag: u8, names: &[String], out: &mut Vec<u8>) -> Option<()> {
    out.push(tag);
    number(names.len(), out)?;
    names.iter().try_for_each(|name| text(name, out))
}

fn text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    number(text.len(), out)?;
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn number(number: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = u32::try_from(number).ok()?;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    Some(())
}
