//! Scripts to bytes. What is written here is read in `decode`, in the same order.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Action, Argument, Directive, Excuse, Execute, Expected, File, Invoke, Kind, Unit, Value,
};

/// What an archive begins with; the last byte is the version.
pub(super) const MAGIC: &[u8] = b"atoll-script\x01";

/// The archive of these files.
#[must_use]
pub fn archive(files: &[File<'_>]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    files.put(&mut out);
    out
}

/// What has a binary form.
trait Put {
    fn put(&self, out: &mut Vec<u8>);
}

impl Put for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Put for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Put for [u8] {
    fn put(&self, out: &mut Vec<u8>) {
        length(self.len(), out);
        out.extend_from_slice(self);
    }
}

impl Put for &str {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_bytes().put(out);
    }
}

macro_rules! sequences {
    ($($part:ty),*) => {$(
        impl Put for [$part] {
            fn put(&self, out: &mut Vec<u8>) {
                length(self.len(), out);
                self.iter().for_each(|part| part.put(out));
            }
        }
    )*};
}
sequences!(
    File<'_>,
    Excuse<'_>,
    Directive<'_>,
    Argument<'_>,
    Expected<'_>,
    Value<'_>,
    (Value<'_>, Value<'_>),
    (&str, Value<'_>),
    &str
);

impl<A: Put, B: Put> Put for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
}

impl Put for Option<Box<Value<'_>>> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        self.iter().for_each(|value| value.put(out));
    }
}

/// A sequence of more than 4 GiB does not fit the format; it comes out cut and reads as damaged.
fn length(length: usize, out: &mut Vec<u8>) {
    u32::try_from(length).unwrap_or(u32::MAX).put(out);
}

/// A case: its number, then what it has.
fn case(out: &mut Vec<u8>, number: u8, parts: &[&dyn Put]) {
    out.push(number);
    parts.iter().for_each(|part| part.put(out));
}

impl Put for File<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        self.name.put(out);
        self.excuses.put(out);
        self.directives.put(out);
    }
}

impl Put for Excuse<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match &self.lines {
            None => case(out, 0, &[]),
            Some(lines) => case(out, 1, &[lines]),
        }
        self.reason.put(out);
    }
}

impl Put for Directive<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        self.line.put(out);
        self.action.put(out);
    }
}

impl Put for Action<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Start(unit) => case(out, 0, &[unit]),
            Self::Define(unit) => case(out, 1, &[unit]),
            Self::Instance { instance, definition } => case(out, 2, &[instance, definition]),
            Self::Register { name, instance } => case(out, 3, &[name, instance]),
            Self::Invoke(invoke) => case(out, 4, &[invoke]),
            Self::Returns(execute, expected) => {
                case(out, 5, &[execute]);
                expected.put(out);
            }
            Self::Traps(execute, message) => case(out, 6, &[execute, message]),
            Self::Exhausts(invoke, message) => case(out, 7, &[invoke, message]),
            Self::Refused(unit) => case(out, 8, &[unit]),
            Self::Unlinkable(unit) => case(out, 9, &[unit]),
            Self::Text => case(out, 10, &[]),
            Self::Unknown(what) => case(out, 11, &[what]),
        }
    }
}

impl Put for Unit<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self.kind {
            Kind::Core => 0,
            Kind::Component => 1,
        });
        self.name.put(out);
        self.bytes.put(out);
    }
}

impl Put for Invoke<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        self.instance.put(out);
        self.function.put(out);
        self.arguments.put(out);
    }
}

impl Put for Execute<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Invoke(invoke) => case(out, 0, &[invoke]),
            Self::Get { instance, global } => case(out, 1, &[instance, global]),
            Self::Unit(unit) => case(out, 2, &[unit]),
        }
    }
}

impl Put for Argument<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::I32(value) => case(out, 0, &[value]),
            Self::I64(value) => case(out, 1, &[value]),
            Self::F32(bits) => case(out, 2, &[bits]),
            Self::F64(bits) => case(out, 3, &[bits]),
            Self::NullFunction => case(out, 4, &[]),
            Self::NullExtern => case(out, 5, &[]),
            Self::Extern(number) => case(out, 6, &[number]),
            Self::Component(value) => case(out, 7, &[value]),
        }
    }
}

impl Put for Expected<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exactly(argument) => case(out, 0, &[argument]),
            Self::Canonical32 => case(out, 1, &[]),
            Self::Quiet32 => case(out, 2, &[]),
            Self::Canonical64 => case(out, 3, &[]),
            Self::Quiet64 => case(out, 4, &[]),
            Self::Null => case(out, 5, &[]),
            Self::Function => case(out, 6, &[]),
            Self::Extern => case(out, 7, &[]),
            Self::Either(cases) => {
                out.push(8);
                cases.put(out);
            }
            Self::Component(value) => case(out, 9, &[value]),
        }
    }
}

impl Put for Value<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => case(out, 0, &[&u32::from(*value)]),
            Self::U8(value) => case(out, 1, &[&u32::from(*value)]),
            Self::S8(value) => case(out, 2, &[&i32::from(*value).cast_unsigned()]),
            Self::U16(value) => case(out, 3, &[&u32::from(*value)]),
            Self::S16(value) => case(out, 4, &[&i32::from(*value).cast_unsigned()]),
            Self::U32(value) => case(out, 5, &[value]),
            Self::S32(value) => case(out, 6, &[&value.cast_unsigned()]),
            Self::U64(value) => case(out, 7, &[value]),
            Self::S64(value) => case(out, 8, &[&value.cast_unsigned()]),
            Self::F32(bits) => case(out, 9, &[bits]),
            Self::F64(bits) => case(out, 10, &[bits]),
            Self::Char(value) => case(out, 11, &[&u32::from(*value)]),
            Self::String(text) => case(out, 12, &[text]),
            Self::Variant(name, payload) => case(out, 17, &[name, payload]),
            Self::Enum(name) => case(out, 18, &[name]),
            Self::Option(payload) => case(out, 19, &[payload]),
            Self::Ok(payload) => case(out, 20, &[payload]),
            Self::Err(payload) => case(out, 21, &[payload]),
            Self::List(_) | Self::Map(_) | Self::Record(_) | Self::Tuple(_) | Self::Flags(_) => {
                put_sequence(self, out);
            }
        }
    }
}

fn put_sequence(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::List(values) => {
            out.push(13);
            values.put(out);
        }
        Value::Map(entries) => {
            out.push(14);
            entries.put(out);
        }
        Value::Record(fields) => {
            out.push(15);
            fields.put(out);
        }
        Value::Tuple(values) => {
            out.push(16);
            values.put(out);
        }
        Value::Flags(labels) => {
            out.push(22);
            labels.put(out);
        }
        _ => {}
    }
}
