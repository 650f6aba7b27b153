//! Values in WAVE, the component model's notation for values, and in the wire form.

use super::host::{Moving, Object};
use anyhow::{Context, Result, bail, ensure};
use atoll_runtime::host::Passing;
use atoll_runtime::types::{Definition, Types, ValueType};
use std::collections::HashMap;
use std::fmt::Write as _;
use wasm_wave::ast::Node;

/// The resources that a script has names for.
pub(super) type Variables = HashMap<String, Object>;

/// Parameters on their way: bytes in the wire form, and the handles that go with them.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    pub(super) handles: Vec<Moving>,
    /// Names whose resources go away with the message.
    pub(super) given: Vec<String>,
}

/// Writes values of known types.
pub(super) struct Writer<'a> {
    pub(super) types: &'a Types,
    pub(super) source: &'a str,
    pub(super) variables: &'a Variables,
    pub(super) message: Message,
}

impl Writer<'_> {
    /// Appends a value that has to be of that type.
    pub(super) fn put(&mut self, ty: ValueType, node: &Node) -> Result<()> {
        let source = self.source;
        match ty {
            ValueType::Bool => self.message.bytes.push(u8::from(node.as_bool()?)),
            ValueType::U8 => self.message.bytes.push(node.as_number(source)?),
            ValueType::S8 => self.raw(node.as_number::<i8>(source)?.to_le_bytes()),
            ValueType::U16 => self.raw(node.as_number::<u16>(source)?.to_le_bytes()),
            ValueType::S16 => self.raw(node.as_number::<i16>(source)?.to_le_bytes()),
            ValueType::U32 => self.raw(node.as_number::<u32>(source)?.to_le_bytes()),
            ValueType::S32 => self.raw(node.as_number::<i32>(source)?.to_le_bytes()),
            ValueType::U64 => self.raw(node.as_number::<u64>(source)?.to_le_bytes()),
            ValueType::S64 => self.raw(node.as_number::<i64>(source)?.to_le_bytes()),
            ValueType::F32 => self.raw(node.as_number::<f32>(source)?.to_le_bytes()),
            ValueType::F64 => self.raw(node.as_number::<f64>(source)?.to_le_bytes()),
            ValueType::Char => self.raw(u32::from(node.as_char(source)?).to_le_bytes()),
            ValueType::String => {
                let text = node.as_str(source)?;
                self.count(text.len())?;
                self.message.bytes.extend_from_slice(text.as_bytes());
            }
            ValueType::Own(_) => self.handle(node, Passing::Own)?,
            ValueType::Borrow(_) => self.handle(node, Passing::Borrow)?,
            ValueType::Defined(id) => {
                let types = self.types;
                self.defined(types.get(id).context("there is no such type")?, node)?;
            }
        }
        Ok(())
    }

    fn defined(&mut self, definition: &Definition, node: &Node) -> Result<()> {
        let source = self.source;
        match definition {
            Definition::List(ty) => {
                self.count(node.as_list()?.len())?;
                node.as_list()?.try_for_each(|item| self.put(*ty, item))
            }
            Definition::FixedList(ty, count) => {
                ensure!(node.as_list()?.len() == *count as usize, "{count} elements are expected");
                node.as_list()?.try_for_each(|item| self.put(*ty, item))
            }
            Definition::Map(key, value) => {
                self.count(node.as_map()?.len())?;
                node.as_map()?.try_for_each(|(one, other)| {
                    self.put(*key, one)?;
                    self.put(*value, other)
                })
            }
            Definition::Record(fields) => self.record(fields, node),
            Definition::Tuple(types) => {
                ensure!(
                    node.as_tuple()?.len() == types.len(),
                    "{} parts are expected",
                    types.len()
                );
                types.iter().zip(node.as_tuple()?).try_for_each(|(ty, item)| self.put(*ty, item))
            }
            Definition::Variant(cases) => {
                let (name, payload) = node.as_variant(source)?;
                let at = position(cases.iter().map(|(case, _)| case), name)?;
                self.case(at, cases.get(at).and_then(|(_, ty)| *ty), payload)
            }
            Definition::Enum(labels) => {
                let at = position(labels.iter(), node.as_enum(source)?)?;
                self.case(at, None, None)
            }
            Definition::Flags(labels) => {
                let set: Vec<_> = node.as_flags(source)?.collect();
                set.iter().try_for_each(|name| position(labels.iter(), name).map(drop))?;
                for word in labels.chunks(32) {
                    let bits = word.iter().enumerate();
                    let bits = bits.filter(|(_, label)| set.contains(&label.as_str()));
                    self.raw(bits.fold(0_u32, |word, (bit, _)| word | 1 << bit).to_le_bytes());
                }
                Ok(())
            }
            Definition::Option(ty) => match node.as_option()? {
                Some(payload) => self.case(1, Some(*ty), Some(payload)),
                None => self.case(0, None, None),
            },
            Definition::Result { ok, err } => match node.as_result()? {
                Ok(payload) => self.case(0, *ok, payload),
                Err(payload) => self.case(1, *err, payload),
            },
        }
    }

    fn record(&mut self, fields: &[(String, ValueType)], node: &Node) -> Result<()> {
        let given: HashMap<_, _> = node.as_record(self.source)?.collect();
        for name in given.keys() {
            position(fields.iter().map(|(field, _)| field), name)?;
        }
        for (name, ty) in fields {
            let value = given.get(name.as_str());
            self.put(*ty, value.with_context(|| format!("the field `{name}` is missing"))?)?;
        }
        Ok(())
    }

    fn case(&mut self, at: usize, ty: Option<ValueType>, payload: Option<&Node>) -> Result<()> {
        self.count(at)?;
        match (ty, payload) {
            (Some(ty), Some(payload)) => self.put(ty, payload),
            (None, None) => Ok(()),
            (Some(_), None) => bail!("the case takes a value"),
            (None, Some(_)) => bail!("the case takes no value"),
        }
    }

    fn handle(&mut self, node: &Node, passing: Passing) -> Result<()> {
        let name = node.as_enum(self.source).ok().context("a resource is given by its name")?;
        let object = self.variables.get(name);
        let object = *object.with_context(|| format!("there is no resource `{name}`"))?;
        self.lend(object, passing)?;
        if passing == Passing::Own {
            self.message.given.push(name.to_owned());
        }
        Ok(())
    }

    /// Appends a handle.
    pub(super) fn lend(&mut self, object: Object, passing: Passing) -> Result<()> {
        self.count(self.message.handles.len())?;
        self.message.handles.push(Moving { object, passing });
        Ok(())
    }

    fn raw<const N: usize>(&mut self, bytes: [u8; N]) {
        self.message.bytes.extend_from_slice(&bytes);
    }

    fn count(&mut self, count: usize) -> Result<()> {
        self.raw(u32::try_from(count)?.to_le_bytes());
        Ok(())
    }
}

fn position<'l>(mut labels: impl Iterator<Item = &'l String>, name: &str) -> Result<usize> {
    labels.position(|label| label == name).with_context(|| format!("there is no `{name}`"))
}

/// Reads values of known types and writes them in WAVE; a handle as `<resource>`.
pub(super) struct Printer<'a> {
    pub(super) types: &'a Types,
    pub(super) bytes: &'a [u8],
}

impl Printer<'_> {
    /// The next value.
    pub(super) fn value(&mut self, ty: ValueType) -> Result<String> {
        Ok(match ty {
            ValueType::Bool => (self.take::<1>()? != [0]).to_string(),
            ValueType::U8 => u8::from_le_bytes(self.take()?).to_string(),
            ValueType::S8 => i8::from_le_bytes(self.take()?).to_string(),
            ValueType::U16 => u16::from_le_bytes(self.take()?).to_string(),
            ValueType::S16 => i16::from_le_bytes(self.take()?).to_string(),
            ValueType::U32 => self.number()?.to_string(),
            ValueType::S32 => i32::from_le_bytes(self.take()?).to_string(),
            ValueType::U64 => u64::from_le_bytes(self.take()?).to_string(),
            ValueType::S64 => i64::from_le_bytes(self.take()?).to_string(),
            ValueType::F32 => f32::from_le_bytes(self.take()?).to_string(),
            ValueType::F64 => f64::from_le_bytes(self.take()?).to_string(),
            ValueType::Char => {
                let letter = char::from_u32(self.number()?).context("no character")?;
                format!("'{}'", letter.escape_debug())
            }
            ValueType::String => {
                let length = self.number()? as usize;
                let (text, rest) = self.bytes.split_at_checked(length).context("a cut text")?;
                self.bytes = rest;
                format!("{:?}", String::from_utf8_lossy(text))
            }
            ValueType::Own(_) | ValueType::Borrow(_) => {
                self.number()?;
                "<resource>".to_owned()
            }
            ValueType::Defined(id) => {
                let types = self.types;
                self.defined(types.get(id).context("there is no such type")?)?
            }
        })
    }

    fn defined(&mut self, definition: &Definition) -> Result<String> {
        Ok(match definition {
            Definition::List(ty) => {
                let count = self.number()?;
                self.items('[', ']', (0..count).map(|_| *ty))?
            }
            Definition::FixedList(ty, count) => self.items('[', ']', (0..*count).map(|_| *ty))?,
            Definition::Map(key, value) => {
                let mut entries = Vec::new();
                for _ in 0..self.number()? {
                    entries.push(format!("{}: {}", self.value(*key)?, self.value(*value)?));
                }
                format!("{{{}}}", entries.join(", "))
            }
            Definition::Record(fields) => {
                let mut text = Vec::new();
                for (name, ty) in fields {
                    text.push(format!("{}: {}", label(name), self.value(*ty)?));
                }
                format!("{{{}}}", text.join(", "))
            }
            Definition::Tuple(types) => self.items('(', ')', types.iter().copied())?,
            Definition::Variant(cases) => {
                let at = self.number()? as usize;
                let (name, ty) = cases.get(at).context("there is no such case")?;
                self.case(&label(name), *ty)?
            }
            Definition::Enum(labels) => {
                let at = self.number()? as usize;
                label(labels.get(at).context("there is no such case")?)
            }
            Definition::Flags(labels) => {
                let mut set = Vec::new();
                for word in labels.chunks(32) {
                    let bits = self.number()?;
                    let is_set = |bit: usize| bits & (1 << bit) != 0;
                    let named = word.iter().enumerate().filter(|(bit, _)| is_set(*bit));
                    set.extend(named.map(|(_, name)| label(name)));
                }
                format!("{{{}}}", set.join(", "))
            }
            Definition::Option(ty) => match self.number()? {
                0 => "none".to_owned(),
                _ => self.case("some", Some(*ty))?,
            },
            Definition::Result { ok, err } => match self.number()? {
                0 => self.case("ok", *ok)?,
                _ => self.case("err", *err)?,
            },
        })
    }

    fn case(&mut self, name: &str, ty: Option<ValueType>) -> Result<String> {
        Ok(match ty {
            Some(ty) => format!("{name}({})", self.value(ty)?),
            None => name.to_owned(),
        })
    }

    fn items(
        &mut self,
        open: char,
        close: char,
        types: impl Iterator<Item = ValueType>,
    ) -> Result<String> {
        let mut text = String::from(open);
        for (number, ty) in types.enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(text, "{comma}{}", self.value(ty)?)?;
        }
        text.push(close);
        Ok(text)
    }

    fn number(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().context("the value is cut")?;
        self.bytes = rest;
        Ok(*taken)
    }
}

/// A name as WAVE writes it, which has words of its own.
fn label(name: &str) -> String {
    let is_word = ["true", "false", "inf", "nan", "some", "none", "ok", "err"].contains(&name);
    format!("{}{name}", if is_word { "%" } else { "" })
}

#[cfg(test)]
mod tests;
