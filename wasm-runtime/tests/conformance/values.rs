//! Values of scripts in the wire form.

use atoll_runtime::types::{Definition, Types, ValueType};
use wast::component::WastVal;

/// The wire form of a value of a type.
pub(crate) fn encode(types: &Types, ty: ValueType, value: &WastVal<'_>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    put(types, ty, value, &mut out)?;
    Ok(out)
}

fn put(types: &Types, ty: ValueType, value: &WastVal<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let number = |out: &mut Vec<u8>, number: usize| {
        out.extend_from_slice(&(number as u32).to_le_bytes());
    };
    match value {
        WastVal::Bool(value) => out.push(u8::from(*value)),
        WastVal::U8(value) => out.push(*value),
        WastVal::S8(value) => out.push(value.cast_unsigned()),
        WastVal::U16(value) => out.extend_from_slice(&value.to_le_bytes()),
        WastVal::S16(value) => out.extend_from_slice(&value.to_le_bytes()),
        WastVal::U32(value) => out.extend_from_slice(&value.to_le_bytes()),
        WastVal::S32(value) => out.extend_from_slice(&value.to_le_bytes()),
        WastVal::U64(value) => out.extend_from_slice(&value.to_le_bytes()),
        WastVal::S64(value) => out.extend_from_slice(&value.to_le_bytes()),
        WastVal::F32(value) => out.extend_from_slice(&value.bits.to_le_bytes()),
        WastVal::F64(value) => out.extend_from_slice(&value.bits.to_le_bytes()),
        WastVal::Char(value) => out.extend_from_slice(&u32::from(*value).to_le_bytes()),
        WastVal::String(value) => {
            number(out, value.len());
            out.extend_from_slice(value.as_bytes());
        }
        _ => {
            let ValueType::Defined(id) = ty else { return Err(format!("{value:?} for {ty:?}")) };
            let definition = types.get(id).ok_or("no such type")?;
            return structured(types, definition, value, out);
        }
    }
    Ok(())
}

fn structured(
    types: &Types,
    definition: &Definition,
    value: &WastVal<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let case = |out: &mut Vec<u8>, number: usize| {
        out.extend_from_slice(&(number as u32).to_le_bytes());
    };
    let payload =
        |ty: Option<ValueType>, value: Option<&WastVal<'_>>, out: &mut Vec<u8>| match (ty, value) {
            (Some(ty), Some(value)) => put(types, ty, value, out),
            (None, None) => Ok(()),
            _ => Err("a payload too many or too few".to_string()),
        };
    match (definition, value) {
        (Definition::List(ty), WastVal::List(values)) => {
            case(out, values.len());
            values.iter().try_for_each(|value| put(types, *ty, value, out))
        }
        (Definition::FixedList(ty, len), WastVal::List(values))
            if values.len() == *len as usize =>
        {
            values.iter().try_for_each(|value| put(types, *ty, value, out))
        }
        (Definition::Map(key_type, ty), WastVal::Map(entries)) => {
            case(out, entries.len());
            entries.iter().try_for_each(|(key, value)| {
                put(types, *key_type, key, out)?;
                put(types, *ty, value, out)
            })
        }
        (Definition::Record(fields), WastVal::Record(values)) => {
            let mut pairs = fields.iter().zip(values);
            pairs.try_for_each(|((_, ty), (_, value))| put(types, *ty, value, out))
        }
        (Definition::Tuple(types_of), WastVal::Tuple(values)) => {
            let mut pairs = types_of.iter().zip(values);
            pairs.try_for_each(|(ty, value)| put(types, *ty, value, out))
        }
        (Definition::Variant(cases), WastVal::Variant(name, value)) => {
            let number = cases.iter().position(|(case, _)| case == name).ok_or("no such case")?;
            case(out, number);
            payload(cases[number].1, value.as_deref(), out)
        }
        (Definition::Enum(labels), WastVal::Enum(name)) => {
            case(out, labels.iter().position(|label| label == name).ok_or("no such label")?);
            Ok(())
        }
        (Definition::Option(ty), WastVal::Option(value)) => {
            case(out, usize::from(value.is_some()));
            payload(value.as_ref().map(|_| *ty), value.as_deref(), out)
        }
        (Definition::Result { ok, err }, WastVal::Result(value)) => {
            case(out, usize::from(value.is_err()));
            match value {
                Ok(value) => payload(*ok, value.as_deref(), out),
                Err(value) => payload(*err, value.as_deref(), out),
            }
        }
        (Definition::Flags(labels), WastVal::Flags(set)) => {
            for word in labels.chunks(32) {
                let bits = word.iter().enumerate();
                let bits = bits.filter(|(_, label)| set.contains(&label.as_str()));
                case(out, bits.fold(0, |word, (bit, _)| word | 1 << bit));
            }
            Ok(())
        }
        _ => Err(format!("{value:?} for {definition:?}")),
    }
}
