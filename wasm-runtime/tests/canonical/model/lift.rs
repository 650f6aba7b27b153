//! Lifting: values from a guest's memory and from its cells.

use atoll_runtime::canonical::StringEncoding;

use super::{
    Guest, Trap,
    layout::{
        Core, align_to, alignment, discriminant_size, elem_size, flatten, max_case_alignment,
    },
};
use crate::values::{Ty, Value, case_count, fields, payload, width};

/// More bytes of wire form than any message has.
const TOO_LARGE: Trap = Trap("message too large");

impl Guest<'_> {
    /// Parameters or a result, flat or behind a pointer.
    pub(crate) fn lift_values(
        &mut self,
        max: usize,
        mut cells: &[u64],
        types: &[Ty],
    ) -> Result<Vec<Value>, Trap> {
        if types.iter().flat_map(flatten).count() <= max {
            return types.iter().map(|ty| self.lift_flat(&mut cells, ty)).collect();
        }
        match self.load_checked(next(&mut cells), &Ty::Tuple(types.to_vec()))? {
            Value::Record(values) => Ok(values),
            other => panic!("{other:?} is not a tuple"),
        }
    }

    /// Loads a value from a pointer of the guest.
    fn load_checked(&mut self, at: u64, ty: &Ty) -> Result<Value, Trap> {
        trap_if(at != align_to(at, alignment(ty)), "misaligned")?;
        trap_if(at + elem_size(ty) > self.memory.len() as u64, "out of bounds")?;
        self.load(at, ty)
    }

    fn load(&mut self, at: u64, ty: &Ty) -> Result<Value, Trap> {
        if let Some(width) = width(ty) {
            self.spend(u64::from(width))?;
            return Ok(Value::Bits(self.load_int(at, u64::from(width))));
        }
        if let Some(fields) = fields(ty) {
            let mut at = at;
            let mut values = Vec::new();
            for field in fields {
                at = align_to(at, alignment(field));
                values.push(self.load(at, field)?);
                at += elem_size(field);
            }
            return Ok(Value::Record(values));
        }
        if let Some(count) = case_count(ty) {
            self.spend(4)?;
            let size = discriminant_size(count);
            let number = self.load_int(at, size) as u32;
            trap_if(number >= count, "discriminant")?;
            let at = align_to(at + size, max_case_alignment(ty));
            let payload = payload(ty, number).map(|ty| self.load(at, ty)).transpose()?;
            return Ok(Value::Case(number, payload.map(Box::new)));
        }
        match ty {
            Ty::Bool => {
                self.spend(1)?;
                Ok(Value::Bool(self.load_int(at, 1) != 0))
            }
            Ty::Char => self.lift_char(self.load_int(at, 4)),
            Ty::String => self.lift_string(self.load_int(at, 4), self.load_int(at + 4, 4)),
            Ty::List(element) | Ty::Map(element) => {
                self.lift_list(self.load_int(at, 4), self.load_int(at + 4, 4), element)
            }
            Ty::Flags(count) => {
                self.spend(4 * u64::from(count.div_ceil(32)))?;
                let bit =
                    |bit: u32| self.load_int(at + u64::from(bit / 8), 1) >> (bit % 8) & 1 != 0;
                Ok(Value::Flags((0..*count).map(bit).collect()))
            }
            _ => self.lift_handle(ty, self.load_int(at, 4)),
        }
    }

    fn lift_handle(&mut self, ty: &Ty, index: u64) -> Result<Value, Trap> {
        self.spend(4)?;
        Ok(Value::Handle((self.handle)(ty, index as u32)?))
    }

    fn lift_char(&mut self, code: u64) -> Result<Value, Trap> {
        self.spend(4)?;
        trap_if(code >= 0x11_0000 || (0xD800..=0xDFFF).contains(&code), "char")?;
        Ok(Value::Char(char::from_u32(code as u32).expect("checked")))
    }

    fn lift_string(&mut self, at: u64, tagged: u64) -> Result<Value, Trap> {
        let tag = 1 << 31;
        let (alignment, bytes, utf16) = match self.encoding {
            StringEncoding::Utf8 => (1, tagged, false),
            StringEncoding::Utf16 => (2, 2 * tagged, true),
            StringEncoding::Latin1OrUtf16 if tagged & tag != 0 => (2, 2 * (tagged ^ tag), true),
            StringEncoding::Latin1OrUtf16 => (2, tagged, false),
        };
        trap_if(bytes > (1 << 28) - 1, "string too long")?;
        trap_if(at != align_to(at, alignment), "misaligned")?;
        trap_if(at + bytes > self.memory.len() as u64, "out of bounds")?;
        let bytes = self.memory[at as usize..(at + bytes) as usize].to_vec();
        let text = if utf16 {
            let pairs = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            String::from_utf16(&pairs.collect::<Vec<_>>()).map_err(|_| Trap("utf16"))?
        } else if self.encoding == StringEncoding::Utf8 {
            String::from_utf8(bytes).map_err(|_| Trap("utf8"))?
        } else {
            bytes.iter().map(|byte| *byte as char).collect()
        };
        self.spend(4 + text.len() as u64)?;
        Ok(Value::String(text))
    }

    fn lift_list(&mut self, at: u64, count: u64, element: &Ty) -> Result<Value, Trap> {
        let bytes = count * elem_size(element);
        trap_if(bytes > (1 << 28) - 1, "list too long")?;
        trap_if(at != align_to(at, alignment(element)), "misaligned")?;
        trap_if(at + bytes > self.memory.len() as u64, "out of bounds")?;
        self.spend(4)?;
        let load = |index| self.load(at + index * elem_size(element), element);
        Ok(Value::List((0..count).map(load).collect::<Result<_, _>>()?))
    }

    /// Lifts a value from cells, each with the type that the signature gives it.
    fn lift_flat(&mut self, cells: &mut &[u64], ty: &Ty) -> Result<Value, Trap> {
        if let Some(fields) = fields(ty) {
            let lift = |field| self.lift_flat(cells, field);
            return Ok(Value::Record(fields.iter().map(lift).collect::<Result<_, _>>()?));
        }
        if let Some(count) = case_count(ty) {
            self.spend(4)?;
            let joined = flatten(ty);
            let own: Vec<u64> = joined.iter().map(|_| next(cells)).collect();
            let number = own[0] as u32;
            trap_if(number >= count, "discriminant")?;
            let Some(payload) = payload(ty, number) else {
                return Ok(Value::Case(number, None));
            };
            let want = flatten(payload);
            let coerced: Vec<u64> = own[1..]
                .iter()
                .zip(&joined[1..])
                .zip(want)
                .map(|((c, h), w)| coerce(*c, *h, w))
                .collect();
            let value = self.lift_flat(&mut &coerced[..], payload)?;
            return Ok(Value::Case(number, Some(Box::new(value))));
        }
        match ty {
            Ty::String => {
                let (at, count) = (next(cells), next(cells));
                self.lift_string(at, count)
            }
            Ty::List(element) | Ty::Map(element) => {
                let (at, count) = (next(cells), next(cells));
                self.lift_list(at, count, element)
            }
            Ty::Flags(count) => {
                let words: Vec<u64> = (0..count.div_ceil(32)).map(|_| next(cells)).collect();
                self.spend(4 * words.len() as u64)?;
                let bit = |bit: u32| words[(bit / 32) as usize] >> (bit % 32) & 1 != 0;
                Ok(Value::Flags((0..*count).map(bit).collect()))
            }
            Ty::Bool => {
                self.spend(1)?;
                Ok(Value::Bool(next(cells) != 0))
            }
            Ty::Char => self.lift_char(next(cells)),
            Ty::Own(_) | Ty::Borrow(_) => self.lift_handle(ty, next(cells)),
            _ => {
                let width = width(ty).expect("all else is a number");
                self.spend(u64::from(width))?;
                Ok(Value::Bits(next(cells) & u64::MAX >> (64 - 8 * width)))
            }
        }
    }

    fn load_int(&self, at: u64, bytes: u64) -> u64 {
        let at = at as usize;
        (0..bytes as usize)
            .fold(0, |int, byte| int | u64::from(self.memory[at + byte]) << (8 * byte))
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Trap> {
        self.budget = self.budget.checked_sub(bytes).ok_or(TOO_LARGE)?;
        Ok(())
    }
}

fn trap_if(condition: bool, reason: &'static str) -> Result<(), Trap> {
    if condition { Err(Trap(reason)) } else { Ok(()) }
}

fn next(cells: &mut &[u64]) -> u64 {
    let (first, rest) = cells.split_first().expect("enough cells");
    *cells = rest;
    *first
}

fn coerce(cell: u64, have: Core, want: Core) -> u64 {
    match (have, want) {
        (Core::I64, Core::I32 | Core::F32) => cell & 0xFFFF_FFFF,
        _ => cell,
    }
}
