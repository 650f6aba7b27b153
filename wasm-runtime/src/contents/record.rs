//! What does not stand in memories, as bytes: sizes, globals, signatures of tables, handles.
//!
//! The encoding is this crate's own and ends with a swap. Whoever reads it trusts nothing in it:
//! every number is compared with what the reader has, or bounded by it.

use alloc::{string::String, vec::Vec};

use atoll_gate::start::Reader;

/// The record is cut off, or has what it cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A value that a global has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    I32(u32),
    I64(u64),
    F32(u32),
    F64(u64),
    /// A reference to no function.
    NullFunction,
    /// A reference to nothing of the host's.
    NullHost,
}

/// Elements of a table, and a number that stands for their signatures in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signatures {
    pub elements: u64,
    pub sum: u64,
}

/// A handle to a resource of the domain that a component instance owns: the handle's index, the
/// number of the resource, and the representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub index: u32,
    pub resource: u32,
    pub rep: u32,
}

/// What has to be the same in both versions, besides what is compared one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub tables: Vec<Signatures>,
    /// The resource types: who implements each and what it is called.
    pub resources: Vec<String>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Bytes of each memory.
    pub memories: Vec<u64>,
    pub globals: Vec<Value>,
    pub shape: Shape,
    /// By component instance.
    pub handles: Vec<Vec<Held>>,
}

impl Contents {
    /// As bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        list(&mut out, &self.memories, |out, bytes| long(out, *bytes));
        list(&mut out, &self.globals, |out, value| value.encode(out));
        list(&mut out, &self.shape.tables, |out, table| {
            long(out, table.elements);
            long(out, table.sum);
        });
        list(&mut out, &self.shape.resources, |out, name| {
            word(out, name.len() as u32);
            out.extend_from_slice(name.as_bytes());
        });
        list(&mut out, &self.handles, |out, held| {
            list(out, held, |out, Held { index, resource, rep }| {
                [*index, *resource, *rep].into_iter().for_each(|number| word(out, number));
            });
        });
        out
    }

    /// Reads what [`Self::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let contents = Self::read(&mut reader).ok_or(Malformed)?;
        if reader.u8().is_some() { Err(Malformed) } else { Ok(contents) }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            memories: items(reader, |reader| reader.u64())?,
            globals: items(reader, Value::read)?,
            shape: Shape {
                tables: items(reader, |reader| {
                    Some(Signatures { elements: reader.u64()?, sum: reader.u64()? })
                })?,
                resources: items(reader, |reader| Some(reader.string()?.into()))?,
            },
            handles: items(reader, |reader| {
                items(reader, |reader| {
                    Some(Held { index: reader.u32()?, resource: reader.u32()?, rep: reader.u32()? })
                })
            })?,
        })
    }
}

impl Value {
    fn encode(self, out: &mut Vec<u8>) {
        let (kind, bits) = match self {
            Self::I32(bits) => (0, u64::from(bits)),
            Self::I64(bits) => (1, bits),
            Self::F32(bits) => (2, u64::from(bits)),
            Self::F64(bits) => (3, bits),
            Self::NullFunction => (4, 0),
            Self::NullHost => (5, 0),
        };
        out.push(kind);
        long(out, bits);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (kind, bits) = (reader.u8()?, reader.u64()?);
        Some(match kind {
            0 => Self::I32(u32::try_from(bits).ok()?),
            1 => Self::I64(bits),
            2 => Self::F32(u32::try_from(bits).ok()?),
            3 => Self::F64(bits),
            4 => Self::NullFunction,
            5 => Self::NullHost,
            _ => return None,
        })
    }
}

fn word(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn long(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    word(out, items.len() as u32);
    for item in items {
        write(out, item);
    }
}

/// Reads a list; its claimed length reserves nothing.
fn items<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let count = reader.u32()?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(read(reader)?);
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::{Contents, Held, Malformed, Shape, Signatures, Value};
    use alloc::{string::String, vec::Vec};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<u32>().prop_map(Value::I32),
            any::<u64>().prop_map(Value::I64),
            any::<u32>().prop_map(Value::F32),
            any::<u64>().prop_map(Value::F64),
            Just(Value::NullFunction),
            Just(Value::NullHost),
        ]
    }

    fn held() -> impl Strategy<Value = Held> {
        any::<[u32; 3]>().prop_map(|[index, resource, rep]| Held { index, resource, rep })
    }

    fn few<T: core::fmt::Debug>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
        proptest::collection::vec(item, 0..4)
    }

    prop_compose! {
        fn contents()(
            memories: Vec<u64>,
            globals in few(value()),
            tables in few(any::<[u64; 2]>()),
            resources: Vec<String>,
            handles in few(few(held())),
        ) -> Contents {
            let tables = tables.into_iter().map(|[elements, sum]| Signatures { elements, sum });
            let shape = Shape { tables: tables.collect(), resources };
            Contents { memories, globals, shape, handles }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_was_written_is_read(contents in contents()) {
            let bytes = contents.encode();
            prop_assert_eq!(Contents::decode(&bytes), Ok(contents));
            prop_assert_eq!(Contents::decode(&bytes[..bytes.len() - 1]), Err(Malformed));
            prop_assert_eq!(Contents::decode(&[&bytes[..], &[0]].concat()), Err(Malformed));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Contents::decode(&bytes);
        }
    }
}
