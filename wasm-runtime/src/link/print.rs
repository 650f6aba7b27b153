//! Types as an operator reads them, close to WIT.

use alloc::string::String;
use core::fmt::{self, Write};

use crate::types::{Definition, FunctionType, ResourceId, Types, ValueType};

/// Longest text for one type; what is beyond is cut off and marked.
const LONGEST: usize = 400;

/// Writes the type of a function, `func(name: type) -> type`. `resource` names resource types.
pub(crate) fn function(
    types: &Types,
    function: &FunctionType,
    resource: &dyn Fn(ResourceId) -> String,
) -> String {
    let mut out = Bounded { text: String::new() };
    let printer = Printer { types, resource };
    if printer.function(function, &mut out).is_err() {
        out.text.push('…');
    }
    out.text
}

/// Text that refuses to grow beyond [`LONGEST`].
struct Bounded {
    text: String,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len().saturating_add(text.len()) > LONGEST {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

struct Printer<'a> {
    types: &'a Types,
    resource: &'a dyn Fn(ResourceId) -> String,
}

impl Printer<'_> {
    fn function(&self, function: &FunctionType, out: &mut Bounded) -> fmt::Result {
        out.write_str("func(")?;
        for (index, (name, ty)) in function.parameters.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(out, "{comma}{name}: ")?;
            self.value(*ty, out)?;
        }
        out.write_str(")")?;
        if let Some(ty) = function.result {
            out.write_str(" -> ")?;
            self.value(ty, out)?;
        }
        Ok(())
    }

    fn value(&self, ty: ValueType, out: &mut Bounded) -> fmt::Result {
        match ty {
            ValueType::Bool => out.write_str("bool"),
            ValueType::S8 => out.write_str("s8"),
            ValueType::U8 => out.write_str("u8"),
            ValueType::S16 => out.write_str("s16"),
            ValueType::U16 => out.write_str("u16"),
            ValueType::S32 => out.write_str("s32"),
            ValueType::U32 => out.write_str("u32"),
            ValueType::S64 => out.write_str("s64"),
            ValueType::U64 => out.write_str("u64"),
            ValueType::F32 => out.write_str("f32"),
            ValueType::F64 => out.write_str("f64"),
            ValueType::Char => out.write_str("char"),
            ValueType::String => out.write_str("string"),
            ValueType::Own(id) => out.write_str(&(self.resource)(id)),
            ValueType::Borrow(id) => write!(out, "borrow<{}>", (self.resource)(id)),
            ValueType::Defined(id) => match self.types.get(id) {
                Some(definition) => self.definition(definition, out),
                None => out.write_str("?"),
            },
        }
    }

    fn definition(&self, definition: &Definition, out: &mut Bounded) -> fmt::Result {
        match definition {
            Definition::List(ty) => self.generic("list", &[Some(*ty)], out),
            Definition::FixedList(ty, len) => {
                out.write_str("list<")?;
                self.value(*ty, out)?;
                write!(out, ", {len}>")
            }
            Definition::Map(key, value) => self.generic("map", &[Some(*key), Some(*value)], out),
            Definition::Option(ty) => self.generic("option", &[Some(*ty)], out),
            Definition::Result { ok: None, err: None } => out.write_str("result"),
            Definition::Result { ok, err: None } => self.generic("result", &[*ok], out),
            Definition::Result { ok, err } => self.generic("result", &[*ok, *err], out),
            Definition::Tuple(types) => {
                out.write_str("tuple<")?;
                for (index, ty) in types.iter().enumerate() {
                    out.write_str(if index == 0 { "" } else { ", " })?;
                    self.value(*ty, out)?;
                }
                out.write_str(">")
            }
            Definition::Record(fields) => {
                let fields = fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty)));
                self.labels("record", fields, false, out)
            }
            Definition::Variant(cases) => {
                let cases = cases.iter().map(|(name, ty)| (name.as_str(), *ty));
                self.labels("variant", cases, true, out)
            }
            Definition::Enum(labels) => {
                self.labels("enum", labels.iter().map(|name| (name.as_str(), None)), true, out)
            }
            Definition::Flags(labels) => {
                self.labels("flags", labels.iter().map(|name| (name.as_str(), None)), true, out)
            }
        }
    }

    fn generic(&self, name: &str, types: &[Option<ValueType>], out: &mut Bounded) -> fmt::Result {
        write!(out, "{name}<")?;
        for (index, ty) in types.iter().enumerate() {
            out.write_str(if index == 0 { "" } else { ", " })?;
            match ty {
                Some(ty) => self.value(*ty, out)?,
                None => out.write_str("_")?,
            }
        }
        out.write_str(">")
    }

    fn labels<'a>(
        &self,
        keyword: &str,
        labels: impl Iterator<Item = (&'a str, Option<ValueType>)>,
        payload_in_parentheses: bool,
        out: &mut Bounded,
    ) -> fmt::Result {
        write!(out, "{keyword} {{ ")?;
        for (index, (name, ty)) in labels.enumerate() {
            out.write_str(if index == 0 { "" } else { ", " })?;
            out.write_str(name)?;
            let Some(ty) = ty else { continue };
            if payload_in_parentheses {
                out.write_str("(")?;
                self.value(ty, out)?;
                out.write_str(")")?;
            } else {
                out.write_str(": ")?;
                self.value(ty, out)?;
            }
        }
        out.write_str(" }")
    }
}
