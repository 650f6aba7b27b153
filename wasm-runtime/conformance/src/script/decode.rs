//! Bytes to scripts. Reading never panics and never allocates more than the bytes could stand for:
//! an archive that is cut or damaged ends the run with [`Damaged`].

use alloc::{boxed::Box, vec::Vec};

use super::{
    Action, Argument, Directive, Excuse, Execute, Expected, File, Invoke, Kind, Unit, Value,
    encode::MAGIC,
};

/// Deepest nesting of a value; types are shallower.
const MAX_DEPTH: u32 = 100;

/// The bytes are no archive of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

impl core::fmt::Display for Damaged {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the archive of scripts is damaged")
    }
}

impl core::error::Error for Damaged {}

/// The files of an archive, one at a time.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    input: Input<'a>,
    left: u32,
}

impl<'a> Archive<'a> {
    /// Whether these bytes begin like an archive.
    #[must_use]
    pub fn is(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Opens an archive.
    ///
    /// # Errors
    /// When it does not begin like one.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let mut input = Input { bytes: bytes.strip_prefix(MAGIC).ok_or(Damaged)?, depth: 0 };
        let left = input.u32()?;
        Ok(Self { input, left })
    }
}

impl<'a> Iterator for Archive<'a> {
    type Item = Result<File<'a>, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let file = File::take(&mut self.input);
        if file.is_err() {
            self.left = 0;
        }
        Some(file)
    }
}

#[derive(Clone, Debug)]
struct Input<'a> {
    bytes: &'a [u8],
    depth: u32,
}

type Taken<T> = Result<T, Damaged>;

impl<'a> Input<'a> {
    fn bytes(&mut self, count: usize) -> Taken<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Damaged)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Taken<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Damaged)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn case(&mut self) -> Taken<u8> {
        self.array().map(|[case]| case)
    }

    fn u32(&mut self) -> Taken<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Taken<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn blob(&mut self) -> Taken<&'a [u8]> {
        let length = self.u32()?;
        self.bytes(length as usize)
    }

    /// A number of `N` bits or less in the 32 of the format.
    fn small<T: TryFrom<u32>>(&mut self) -> Taken<T> {
        T::try_from(self.u32()?).map_err(|_| Damaged)
    }

    fn signed<T: TryFrom<i32>>(&mut self) -> Taken<T> {
        T::try_from(self.u32()?.cast_signed()).map_err(|_| Damaged)
    }

    /// Every element takes a byte at least, so the loop ends with the input.
    fn sequence<T: Take<'a>>(&mut self) -> Taken<Vec<T>> {
        let count = self.u32()?;
        (0..count).map(|_| T::take(self)).collect()
    }

    fn deeper<T>(&mut self, take: impl FnOnce(&mut Self) -> Taken<T>) -> Taken<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Damaged);
        }
        self.depth += 1;
        let taken = take(self);
        self.depth -= 1;
        taken
    }
}

trait Take<'a>: Sized {
    fn take(input: &mut Input<'a>) -> Taken<Self>;
}

impl<'a> Take<'a> for &'a str {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        str::from_utf8(input.blob()?).map_err(|_| Damaged)
    }
}

impl<'a, A: Take<'a>, B: Take<'a>> Take<'a> for (A, B) {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok((A::take(input)?, B::take(input)?))
    }
}

impl<'a> Take<'a> for Option<Box<Value<'a>>> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(match input.case()? {
            0 => None,
            1 => Some(Box::new(Value::take(input)?)),
            _ => return Err(Damaged),
        })
    }
}

impl<'a> Take<'a> for File<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(Self {
            name: Take::take(input)?,
            excuses: input.sequence()?,
            directives: input.sequence()?,
        })
    }
}

impl<'a> Take<'a> for Excuse<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        let lines = match input.case()? {
            0 => None,
            1 => Some((input.u32()?, input.u32()?)),
            _ => return Err(Damaged),
        };
        Ok(Self { lines, reason: Take::take(input)? })
    }
}

impl<'a> Take<'a> for Directive<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(Self { line: input.u32()?, action: Take::take(input)? })
    }
}

impl<'a> Take<'a> for Action<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(match input.case()? {
            0 => Self::Start(Take::take(input)?),
            1 => Self::Define(Take::take(input)?),
            2 => Self::Instance { instance: Take::take(input)?, definition: Take::take(input)? },
            3 => Self::Register { name: Take::take(input)?, instance: Take::take(input)? },
            4 => Self::Invoke(Take::take(input)?),
            5 => Self::Returns(Take::take(input)?, input.sequence()?),
            6 => Self::Traps(Take::take(input)?, Take::take(input)?),
            7 => Self::Exhausts(Take::take(input)?, Take::take(input)?),
            8 => Self::Refused(Take::take(input)?),
            9 => Self::Unlinkable(Take::take(input)?),
            10 => Self::Text,
            11 => Self::Unknown(Take::take(input)?),
            _ => return Err(Damaged),
        })
    }
}

impl<'a> Take<'a> for Unit<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        let kind = match input.case()? {
            0 => Kind::Core,
            1 => Kind::Component,
            _ => return Err(Damaged),
        };
        Ok(Self { kind, name: Take::take(input)?, bytes: input.blob()? })
    }
}

impl<'a> Take<'a> for Invoke<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(Self {
            instance: Take::take(input)?,
            function: Take::take(input)?,
            arguments: input.sequence()?,
        })
    }
}

impl<'a> Take<'a> for Execute<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(match input.case()? {
            0 => Self::Invoke(Take::take(input)?),
            1 => Self::Get { instance: Take::take(input)?, global: Take::take(input)? },
            2 => Self::Unit(Take::take(input)?),
            _ => return Err(Damaged),
        })
    }
}

impl<'a> Take<'a> for Argument<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(match input.case()? {
            0 => Self::I32(input.u32()?),
            1 => Self::I64(input.u64()?),
            2 => Self::F32(input.u32()?),
            3 => Self::F64(input.u64()?),
            4 => Self::NullFunction,
            5 => Self::NullExtern,
            6 => Self::Extern(input.u32()?),
            7 => Self::Component(Take::take(input)?),
            _ => return Err(Damaged),
        })
    }
}

impl<'a> Take<'a> for Expected<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        Ok(match input.case()? {
            0 => Self::Exactly(Take::take(input)?),
            1 => Self::Canonical32,
            2 => Self::Quiet32,
            3 => Self::Canonical64,
            4 => Self::Quiet64,
            5 => Self::Null,
            6 => Self::Function,
            7 => Self::Extern,
            8 => Self::Either(input.deeper(Input::sequence)?),
            9 => Self::Component(Take::take(input)?),
            _ => return Err(Damaged),
        })
    }
}

impl<'a> Take<'a> for Value<'a> {
    fn take(input: &mut Input<'a>) -> Taken<Self> {
        let case = input.case()?;
        input.deeper(|input| value(input, case))
    }
}

fn value<'a>(input: &mut Input<'a>, case: u8) -> Taken<Value<'a>> {
    Ok(match case {
        0 => Value::Bool(input.u32()? != 0),
        1 => Value::U8(input.small()?),
        2 => Value::S8(input.signed()?),
        3 => Value::U16(input.small()?),
        4 => Value::S16(input.signed()?),
        5 => Value::U32(input.u32()?),
        6 => Value::S32(input.u32()?.cast_signed()),
        7 => Value::U64(input.u64()?),
        8 => Value::S64(input.u64()?.cast_signed()),
        9 => Value::F32(input.u32()?),
        10 => Value::F64(input.u64()?),
        11 => Value::Char(input.small()?),
        12 => Value::String(Take::take(input)?),
        13 => Value::List(input.sequence()?),
        14 => Value::Map(input.sequence()?),
        15 => Value::Record(input.sequence()?),
        16 => Value::Tuple(input.sequence()?),
        17 => Value::Variant(Take::take(input)?, Take::take(input)?),
        18 => Value::Enum(Take::take(input)?),
        19 => Value::Option(Take::take(input)?),
        20 => Value::Ok(Take::take(input)?),
        21 => Value::Err(Take::take(input)?),
        22 => Value::Flags(input.sequence()?),
        _ => return Err(Damaged),
    })
}
