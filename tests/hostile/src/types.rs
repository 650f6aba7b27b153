//! Random types of functions and random messages of them.

use atoll_runtime::types::{Definition, FunctionType, ResourceId, Types, ValueType};

use crate::choices::Choices;

/// Scalars and text.
const LEAVES: [ValueType; 13] = [
    ValueType::U32,
    ValueType::Bool,
    ValueType::U8,
    ValueType::S8,
    ValueType::U16,
    ValueType::S16,
    ValueType::S32,
    ValueType::U64,
    ValueType::S64,
    ValueType::F32,
    ValueType::F64,
    ValueType::Char,
    ValueType::String,
];

/// How many resource types there are to refer to.
pub const RESOURCES: u32 = 3;

/// Most bytes of a message that [`message`] makes, roughly.
const MESSAGE: usize = 4096;

/// What may occur in a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handles {
    /// No resources.
    None,
    /// `own` only, as in results.
    Own,
    /// `own` and `borrow`.
    All,
}

/// A random type of a function.
pub fn function(types: &mut Types, choices: &mut Choices<'_>, handles: Handles) -> FunctionType {
    let count = match choices.byte() {
        wide @ 240.. => u32::from(wide) - 224,
        few => u32::from(few) % 5,
    };
    let parameters = (0..count)
        .map(|number| (format!("p{number}"), value_type(types, choices, handles, 3)))
        .collect();
    let handles = if handles == Handles::All { Handles::Own } else { handles };
    let result = choices.chance(192).then(|| value_type(types, choices, handles, 3));
    FunctionType { parameters, result }
}

/// A random type of a value.
pub fn value_type(
    types: &mut Types,
    choices: &mut Choices<'_>,
    handles: Handles,
    depth: u32,
) -> ValueType {
    let kind = choices.byte();
    if depth == 0 || kind < 96 {
        return choices.pick(&LEAVES);
    }
    let part = |types: &mut Types, choices: &mut Choices<'_>| {
        value_type(types, choices, handles, depth - 1)
    };
    let definition = match kind {
        96..=111 if handles != Handles::None => {
            let resource = ResourceId(choices.below(RESOURCES));
            return match handles {
                Handles::All if choices.chance(128) => ValueType::Borrow(resource),
                _ => ValueType::Own(resource),
            };
        }
        ..=131 => Definition::List(part(types, choices)),
        132..=137 => Definition::FixedList(part(types, choices), 1 + choices.below(9)),
        138..=143 => {
            // Keys are scalars or text.
            let key = choices.pick(&LEAVES);
            Definition::Map(key, part(types, choices))
        }
        144..=167 => Definition::Record(
            (0..1 + choices.below(5)).map(|n| (label(n), part(types, choices))).collect(),
        ),
        168..=183 => {
            Definition::Tuple((0..1 + choices.below(4)).map(|_| part(types, choices)).collect())
        }
        184..=207 => Definition::Variant(
            (0..1 + choices.below(5))
                .map(|n| (label(n), choices.chance(160).then(|| part(types, choices))))
                .collect(),
        ),
        208..=215 => {
            let cases = choices.pick(&[1, 2, 3, 255, 256, 257]);
            Definition::Enum((0..cases).map(label).collect())
        }
        216..=223 => {
            let labels = choices.pick(&[1, 7, 8, 9, 16, 17, 31, 32]);
            Definition::Flags((0..labels).map(label).collect())
        }
        224..=239 => Definition::Option(part(types, choices)),
        _ => Definition::Result {
            ok: choices.chance(160).then(|| part(types, choices)),
            err: choices.chance(160).then(|| part(types, choices)),
        },
    };
    types.try_add(definition).map_or(ValueType::U8, ValueType::Defined)
}

fn label(number: u32) -> String {
    format!("l{number}")
}

/// A message of values of these types. It is right unless a choice says otherwise; handles are
/// numbered from 0 on.
pub fn message(
    types: &Types,
    values: impl IntoIterator<Item = ValueType>,
    choices: &mut Choices<'_>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut slot = 0;
    for ty in values {
        value(types, ty, choices, &mut slot, &mut out);
    }
    out
}

fn value(
    types: &Types,
    ty: ValueType,
    choices: &mut Choices<'_>,
    slot: &mut u32,
    out: &mut Vec<u8>,
) {
    match ty {
        ValueType::Bool => out.push(choices.byte() & 1),
        ValueType::U8 | ValueType::S8 => out.push(choices.byte()),
        ValueType::U16 | ValueType::S16 => out.extend([choices.byte(), choices.byte()]),
        ValueType::U32 | ValueType::S32 | ValueType::F32 => {
            out.extend(choices.number().to_le_bytes());
        }
        ValueType::U64 | ValueType::S64 | ValueType::F64 => {
            out.extend(choices.double().to_le_bytes());
        }
        ValueType::Char => {
            let letter = char::from_u32(choices.number()).unwrap_or('x');
            out.extend(u32::from(letter).to_le_bytes());
        }
        ValueType::String => text(choices, out),
        ValueType::Own(_) | ValueType::Borrow(_) => {
            out.extend(slot.to_le_bytes());
            *slot += 1;
        }
        ValueType::Defined(id) => {
            if let Some(definition) = types.get(id) {
                structure(types, definition, choices, slot, out);
            }
        }
    }
}

fn structure(
    types: &Types,
    definition: &Definition,
    choices: &mut Choices<'_>,
    slot: &mut u32,
    out: &mut Vec<u8>,
) {
    match definition {
        Definition::List(element) => {
            let count = if out.len() > MESSAGE { 0 } else { choices.below(6) };
            out.extend(count.to_le_bytes());
            (0..count).for_each(|_| value(types, *element, choices, slot, out));
        }
        Definition::FixedList(element, count) => {
            (0..*count).for_each(|_| value(types, *element, choices, slot, out));
        }
        Definition::Map(key, payload) => {
            let count = if out.len() > MESSAGE { 0 } else { choices.below(4) };
            out.extend(count.to_le_bytes());
            for _ in 0..count {
                value(types, *key, choices, slot, out);
                value(types, *payload, choices, slot, out);
            }
        }
        Definition::Record(fields) => {
            fields.iter().for_each(|(_, ty)| value(types, *ty, choices, slot, out));
        }
        Definition::Tuple(fields) => {
            fields.iter().for_each(|ty| value(types, *ty, choices, slot, out));
        }
        Definition::Variant(cases) => {
            let number = choices.below(cases.len() as u32);
            out.extend(number.to_le_bytes());
            if let Some((_, Some(payload))) = cases.get(number as usize) {
                value(types, *payload, choices, slot, out);
            }
        }
        Definition::Enum(labels) => {
            out.extend(choices.below(labels.len() as u32).to_le_bytes());
        }
        Definition::Flags(labels) => {
            let mut left = labels.len() as u32;
            while left > 0 {
                let bits = left.min(32);
                out.extend((choices.word() & u32::MAX >> (32 - bits)).to_le_bytes());
                left -= bits;
            }
        }
        Definition::Option(payload) => {
            let some = choices.below(2);
            out.extend(some.to_le_bytes());
            if some == 1 {
                value(types, *payload, choices, slot, out);
            }
        }
        Definition::Result { ok, err } => {
            let case = choices.below(2);
            out.extend(case.to_le_bytes());
            if let Some(payload) = if case == 0 { ok } else { err } {
                value(types, *payload, choices, slot, out);
            }
        }
    }
}

fn text(choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    let letters = choices.below(12);
    let text: String = (0..letters)
        .map(|_| match choices.byte() {
            ascii @ ..128 => char::from(ascii),
            latin @ 128..224 => char::from(latin),
            _ => char::from_u32(choices.number()).unwrap_or('€'),
        })
        .collect();
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Damages a message in a few places.
pub fn damage(message: &mut Vec<u8>, choices: &mut Choices<'_>) {
    for _ in 0..1 + choices.below(3) {
        match choices.byte() {
            0..160 if !message.is_empty() => {
                let at = choices.below(message.len() as u32) as usize;
                message[at] = choices.byte();
            }
            160..192 if message.len() >= 4 => {
                let at = choices.below(message.len() as u32 - 3) as usize;
                message[at..at + 4].copy_from_slice(&choices.number().to_le_bytes());
            }
            192..224 => {
                let len = choices.below(message.len() as u32 + 1) as usize;
                message.truncate(len);
            }
            _ => message.extend_from_slice(choices.take(40)),
        }
    }
}
