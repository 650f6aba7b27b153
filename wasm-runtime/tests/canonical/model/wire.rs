//! The wire form of values, as `docs/architecture.md` describes it.

use super::layout::elem_size;
use crate::values::{Ty, Value, case_count, fields, payload, width};

/// Appends a value's wire form; `slot` numbers handles.
pub(crate) fn encode(value: &Value, ty: &Ty, out: &mut Vec<u8>, slot: &mut u32) {
    match (value, ty) {
        (Value::Bool(value), _) => out.push(u8::from(*value)),
        (Value::Bits(bits), _) => {
            let width = width(ty).expect("a number") as usize;
            out.extend_from_slice(&bits.to_le_bytes()[..width]);
        }
        (Value::Char(letter), _) => out.extend_from_slice(&u32::from(*letter).to_le_bytes()),
        (Value::String(text), _) => {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        (Value::List(values), Ty::List(element) | Ty::Map(element)) => {
            out.extend_from_slice(&(values.len() as u32).to_le_bytes());
            values.iter().for_each(|value| encode(value, element, out, slot));
        }
        (Value::Record(values), _) => {
            let fields = fields(ty).expect("a record");
            values.iter().zip(fields).for_each(|(value, field)| encode(value, field, out, slot));
        }
        (Value::Case(number, value), _) => {
            out.extend_from_slice(&number.to_le_bytes());
            if let (Some(value), Some(ty)) = (value, payload(ty, *number)) {
                encode(value, ty, out, slot);
            }
        }
        (Value::Flags(flags), _) => {
            for word in flags.chunks(32) {
                let word: u32 = (0..).zip(word).map(|(bit, flag)| u32::from(*flag) << bit).sum();
                out.extend_from_slice(&word.to_le_bytes());
            }
        }
        (Value::Handle(_), _) => {
            out.extend_from_slice(&slot.to_le_bytes());
            *slot += 1;
        }
        (value, ty) => panic!("{value:?} is not a {ty:?}"),
    }
}

/// Reads a wire form back; `None` if it is no value of the type. `slot` gives the representation
/// behind a slot, once.
pub(crate) fn decode(
    bytes: &mut &[u8],
    ty: &Ty,
    slot: &mut dyn FnMut(&Ty, u32) -> Option<u32>,
) -> Option<Value> {
    fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
        let (head, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        Some(head)
    }
    fn word(bytes: &mut &[u8]) -> Option<u32> {
        Some(u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?))
    }
    if let Some(width) = width(ty) {
        let mut wide = [0; 8];
        wide[..width as usize].copy_from_slice(take(bytes, width as usize)?);
        return Some(Value::Bits(u64::from_le_bytes(wide)));
    }
    if let Some(fields) = fields(ty) {
        let values = fields.iter().map(|field| decode(bytes, field, slot));
        return Some(Value::Record(values.collect::<Option<_>>()?));
    }
    if let Some(count) = case_count(ty) {
        let number = word(bytes).filter(|number| *number < count)?;
        let payload = match payload(ty, number) {
            Some(ty) => Some(Box::new(decode(bytes, ty, slot)?)),
            None => None,
        };
        return Some(Value::Case(number, payload));
    }
    match ty {
        Ty::Bool => match take(bytes, 1)? {
            [0] => Some(Value::Bool(false)),
            [1] => Some(Value::Bool(true)),
            _ => None,
        },
        Ty::Char => Some(Value::Char(char::from_u32(word(bytes)?)?)),
        Ty::String => {
            let len = word(bytes)? as usize;
            Some(Value::String(String::from_utf8(take(bytes, len)?.to_vec()).ok()?))
        }
        Ty::List(element) | Ty::Map(element) => {
            let count = word(bytes)?;
            if u64::from(count) * elem_size(element) >= 1 << 28 {
                return None;
            }
            let values = (0..count).map(|_| decode(bytes, element, slot));
            Some(Value::List(values.collect::<Option<_>>()?))
        }
        Ty::Flags(count) => {
            let words = (0..count.div_ceil(32)).map(|_| word(bytes)).collect::<Option<Vec<_>>>()?;
            let bit = |bit: u32| words[(bit / 32) as usize] >> (bit % 32) & 1 != 0;
            let used = count.div_ceil(32) * 32;
            if (*count..used).any(bit) {
                return None;
            }
            Some(Value::Flags((0..*count).map(bit).collect()))
        }
        _ => {
            let index = word(bytes)?;
            Some(Value::Handle(slot(ty, index)?))
        }
    }
}
