//! Values of components in the wire form.

use alloc::{format, string::String, vec::Vec};

use atoll_runtime::types::{Definition, Types, ValueType};

use super::session::Done;
use crate::script::Value;

/// Appends the wire form of a value of a type.
pub(super) fn put(types: &Types, ty: ValueType, value: &Value<'_>, out: &mut Vec<u8>) -> Done {
    match (ty, value) {
        (ValueType::Bool, Value::Bool(value)) => out.push(u8::from(*value)),
        (ValueType::U8, Value::U8(value)) => out.push(*value),
        (ValueType::S8, Value::S8(value)) => out.push(value.cast_unsigned()),
        (ValueType::U16, Value::U16(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (ValueType::S16, Value::S16(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (ValueType::U32, Value::U32(value)) | (ValueType::F32, Value::F32(value)) => {
            out.extend_from_slice(&value.to_le_bytes());
        }
        (ValueType::S32, Value::S32(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (ValueType::U64, Value::U64(value)) | (ValueType::F64, Value::F64(value)) => {
            out.extend_from_slice(&value.to_le_bytes());
        }
        (ValueType::S64, Value::S64(value)) => out.extend_from_slice(&value.to_le_bytes()),
        (ValueType::Char, Value::Char(value)) => {
            out.extend_from_slice(&u32::from(*value).to_le_bytes());
        }
        (ValueType::String, Value::String(text)) => {
            number(text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        (ValueType::Defined(id), value) => {
            let definition = types.get(id).ok_or("there is no such type")?;
            structured(types, definition, value, out)?;
        }
        (ty, value) => return Err(format!("{value:?} is no {ty:?}")),
    }
    Ok(())
}

fn number(number: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(number as u32).to_le_bytes());
}

fn structured(
    types: &Types,
    definition: &Definition,
    value: &Value<'_>,
    out: &mut Vec<u8>,
) -> Done {
    match (definition, value) {
        (Definition::List(ty), Value::List(values)) => {
            number(values.len(), out);
            all(types, values.iter().map(|value| (*ty, value)), out)
        }
        (Definition::FixedList(ty, count), Value::List(values))
            if values.len() == *count as usize =>
        {
            all(types, values.iter().map(|value| (*ty, value)), out)
        }
        (Definition::Map(key, value), Value::Map(entries)) => {
            number(entries.len(), out);
            let parts = entries.iter().flat_map(|entry| [(*key, &entry.0), (*value, &entry.1)]);
            all(types, parts, out)
        }
        (Definition::Record(fields), Value::Record(values)) if fields.len() == values.len() => {
            let pairs = fields.iter().zip(values);
            all(types, pairs.map(|((_, ty), (_, value))| (*ty, value)), out)
        }
        (Definition::Tuple(tys), Value::Tuple(values)) if tys.len() == values.len() => {
            all(types, tys.iter().copied().zip(values), out)
        }
        (Definition::Flags(labels), Value::Flags(set)) => flags(labels, set, out),
        (Definition::Enum(labels), Value::Enum(name)) => {
            number(position(labels.iter(), name)?, out);
            Ok(())
        }
        (Definition::Variant(cases), Value::Variant(name, value)) => {
            let at = position(cases.iter().map(|(name, _)| name), name)?;
            let payload = cases.get(at).and_then(|(_, payload)| *payload);
            case(types, at, payload, value.as_deref(), out)
        }
        (Definition::Option(ty), Value::Option(value)) => {
            let payload = value.as_ref().map(|_| *ty);
            case(types, usize::from(value.is_some()), payload, value.as_deref(), out)
        }
        (Definition::Result { ok, .. }, Value::Ok(value)) => {
            case(types, 0, *ok, value.as_deref(), out)
        }
        (Definition::Result { err, .. }, Value::Err(value)) => {
            case(types, 1, *err, value.as_deref(), out)
        }
        (definition, value) => Err(format!("{value:?} is no {definition:?}")),
    }
}

fn all<'v, 't: 'v>(
    types: &Types,
    mut values: impl Iterator<Item = (ValueType, &'v Value<'t>)>,
    out: &mut Vec<u8>,
) -> Done {
    values.try_for_each(|(ty, value)| put(types, ty, value, out))
}

fn position<'l>(mut labels: impl Iterator<Item = &'l String>, name: &str) -> Done<usize> {
    labels.position(|label| label == name).ok_or_else(|| format!("there is no case `{name}`"))
}

fn case(
    types: &Types,
    at: usize,
    ty: Option<ValueType>,
    value: Option<&Value<'_>>,
    out: &mut Vec<u8>,
) -> Done {
    number(at, out);
    match (ty, value) {
        (Some(ty), Some(value)) => put(types, ty, value, out),
        (None, None) => Ok(()),
        _ => Err("a payload too many or too few".into()),
    }
}

fn flags(labels: &[String], set: &[&str], out: &mut Vec<u8>) -> Done {
    if let Some(unknown) = set.iter().find(|name| !labels.iter().any(|label| label == *name)) {
        return Err(format!("there is no flag `{unknown}`"));
    }
    for word in labels.chunks(32) {
        let bits = word.iter().enumerate().filter(|(_, label)| set.contains(&label.as_str()));
        number(bits.fold(0, |word, (bit, _)| word | 1 << bit), out);
    }
    Ok(())
}
