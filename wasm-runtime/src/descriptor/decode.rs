//! Reads descriptors, which another domain wrote: nothing in them is taken on trust.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::{Descriptor, DescriptorError, ResourceOrigin, VERSION, tag};
use crate::{
    limits::{MAX_DESCRIPTOR, MAX_NAME},
    types::{Definition, FunctionType, ResourceId, TypeId, ValueType},
};

/// Reads a descriptor.
///
/// # Errors
/// When the bytes are not exactly one.
pub fn decode(bytes: &[u8]) -> Result<Descriptor, DescriptorError> {
    if bytes.len() > MAX_DESCRIPTOR {
        return Err(DescriptorError::Length);
    }
    let mut decoder = Decoder { rest: bytes, descriptor: Descriptor::default() };
    if decoder.byte()? != VERSION {
        return Err(DescriptorError::Version);
    }
    decoder.resources()?;
    for _ in 0..decoder.count()? {
        let definition = decoder.definition()?;
        let added = decoder.descriptor.types.try_add(definition);
        added.map_err(|_| DescriptorError::TooLarge)?;
    }
    decoder.functions()?;
    if !decoder.rest.is_empty() {
        return Err(DescriptorError::Length);
    }
    Ok(decoder.descriptor)
}

struct Decoder<'a> {
    rest: &'a [u8],
    descriptor: Descriptor,
}

impl Decoder<'_> {
    fn byte(&mut self) -> Result<u8, DescriptorError> {
        let (first, rest) = self.rest.split_first().ok_or(DescriptorError::Length)?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u32, DescriptorError> {
        let mut number = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                return Err(DescriptorError::Number);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DescriptorError::Number)
    }

    /// How many items follow; each has a byte at least, so the bytes that are left bound it.
    fn count(&mut self) -> Result<usize, DescriptorError> {
        let count = self.number()? as usize;
        if count > self.rest.len() { Err(DescriptorError::Length) } else { Ok(count) }
    }

    fn text(&mut self) -> Result<String, DescriptorError> {
        let len = self.number()? as usize;
        if len > MAX_NAME {
            return Err(DescriptorError::Name);
        }
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(DescriptorError::Length)?;
        self.rest = rest;
        core::str::from_utf8(bytes).map(String::from).map_err(|_| DescriptorError::Name)
    }

    fn resources(&mut self) -> Result<(), DescriptorError> {
        let mut names = BTreeSet::new();
        for number in 0..self.count()? {
            let interface = match self.byte()? {
                0 => None,
                1 => Some(self.text()?),
                _ => return Err(DescriptorError::Number),
            };
            let name = self.text()?;
            if !names.insert((interface.clone(), name.clone())) {
                return Err(DescriptorError::Name);
            }
            let Descriptor { interface: described, origins, .. } = &mut self.descriptor;
            if interface.is_none() {
                // Its number among the declared resources is its number among all.
                if described.resources.len() != number {
                    return Err(DescriptorError::Number);
                }
                let id = ResourceId(u32::try_from(number).map_err(|_| DescriptorError::Number)?);
                described.resources.push((name.clone(), id));
            }
            origins.push(ResourceOrigin { interface, name });
        }
        Ok(())
    }

    fn functions(&mut self) -> Result<(), DescriptorError> {
        let count = self.count()?;
        let mut names = BTreeSet::new();
        for _ in 0..count {
            let name = self.text()?;
            if !names.insert(name.clone()) {
                return Err(DescriptorError::Name);
            }
            let mut parameters = Vec::new();
            for _ in 0..self.count()? {
                parameters.push((self.text()?, self.value()?));
            }
            let result = self.optional()?;
            let ty = FunctionType { parameters, result };
            self.descriptor.interface.functions.push((name, ty));
        }
        Ok(())
    }

    fn value(&mut self) -> Result<ValueType, DescriptorError> {
        self.optional()?.ok_or(DescriptorError::Number)
    }

    fn optional(&mut self) -> Result<Option<ValueType>, DescriptorError> {
        Ok(Some(match self.byte()? {
            tag::NONE => return Ok(None),
            tag::OWN => ValueType::Own(self.resource()?),
            tag::BORROW => ValueType::Borrow(self.resource()?),
            tag::DEFINED => {
                let id = TypeId(self.number()?);
                match self.descriptor.types.get(id) {
                    Some(_) => ValueType::Defined(id),
                    None => return Err(DescriptorError::Number),
                }
            }
            plain => *tag::PLAIN.get(usize::from(plain)).ok_or(DescriptorError::Number)?,
        }))
    }

    fn resource(&mut self) -> Result<ResourceId, DescriptorError> {
        let id = self.number()?;
        match self.descriptor.origins.get(id as usize) {
            Some(_) => Ok(ResourceId(id)),
            None => Err(DescriptorError::Number),
        }
    }

    fn definition(&mut self) -> Result<Definition, DescriptorError> {
        Ok(match self.byte()? {
            tag::LIST => Definition::List(self.value()?),
            tag::FIXED_LIST => {
                let element = self.value()?;
                match self.number()? {
                    0 => return Err(DescriptorError::Number),
                    len => Definition::FixedList(element, len),
                }
            }
            tag::MAP => Definition::Map(self.value()?, self.value()?),
            tag::OPTION => Definition::Option(self.value()?),
            tag::RESULT => Definition::Result { ok: self.optional()?, err: self.optional()? },
            tag::RECORD => Definition::Record(self.labelled(Self::value)?),
            tag::VARIANT => Definition::Variant(self.labelled(Self::optional)?),
            tag::TUPLE => Definition::Tuple(self.several(Self::value)?),
            tag::ENUM => Definition::Enum(self.several(Self::text)?),
            tag::FLAGS => Definition::Flags(self.several(Self::text)?),
            _ => return Err(DescriptorError::Number),
        })
    }

    /// A list that is not empty.
    fn several<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, DescriptorError>,
    ) -> Result<Vec<T>, DescriptorError> {
        let count = self.count()?;
        if count == 0 {
            return Err(DescriptorError::Number);
        }
        (0..count).map(|_| item(self)).collect()
    }

    fn labelled<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, DescriptorError>,
    ) -> Result<Vec<(String, T)>, DescriptorError> {
        self.several(|decoder| Ok((decoder.text()?, item(decoder)?)))
    }
}
