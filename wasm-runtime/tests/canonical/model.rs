//! The canonical ABI by the book: values as trees, one function for each of the specification's.
//!
//! Names follow `definitions.py` of the specification. Flat values are cells, as in the crate, but
//! joined and coerced explicitly.

use atoll_runtime::canonical::StringEncoding;

use crate::values::{Ty, Value, case_count, fields, payload, payloads, width};

/// A core type, as the specification spells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Core {
    I32,
    I64,
    F32,
    F64,
}

/// Why the specification traps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trap(pub(crate) &'static str);

/// More bytes of wire form than any message has.
pub(crate) const TOO_LARGE: Trap = Trap("message too large");

fn trap_if(condition: bool, reason: &'static str) -> Result<(), Trap> {
    if condition { Err(Trap(reason)) } else { Ok(()) }
}

fn align_to(offset: u64, alignment: u64) -> u64 {
    offset.div_ceil(alignment) * alignment
}

pub(crate) fn alignment(ty: &Ty) -> u64 {
    if let Some(width) = width(ty) {
        return u64::from(width);
    }
    if let Some(fields) = fields(ty) {
        return fields.iter().map(alignment).max().unwrap_or(1);
    }
    if let Some(count) = case_count(ty) {
        return discriminant_size(count).max(max_case_alignment(ty));
    }
    match ty {
        Ty::Bool => 1,
        Ty::Flags(1..=8) => 1,
        Ty::Flags(9..=16) => 2,
        _ => 4,
    }
}

fn max_case_alignment(ty: &Ty) -> u64 {
    payloads(ty).into_iter().map(alignment).max().unwrap_or(1)
}

fn discriminant_size(cases: u32) -> u64 {
    match f64::from(cases).log2().ceil() as u64 {
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    }
}

pub(crate) fn elem_size(ty: &Ty) -> u64 {
    if let Some(width) = width(ty) {
        return u64::from(width);
    }
    if let Some(fields) = fields(ty) {
        let end =
            fields.iter().fold(0, |end, field| align_to(end, alignment(field)) + elem_size(field));
        return align_to(end, alignment(ty));
    }
    if let Some(count) = case_count(ty) {
        let payload = align_to(discriminant_size(count), max_case_alignment(ty));
        let size = payloads(ty).into_iter().map(elem_size).max().unwrap_or(0);
        return align_to(payload + size, alignment(ty));
    }
    match ty {
        Ty::Bool => 1,
        Ty::Flags(1..=8) => 1,
        Ty::Flags(9..=16) => 2,
        Ty::Flags(count) => u64::from(count.div_ceil(32)) * 4,
        Ty::String | Ty::List(_) | Ty::Map(_) => 8,
        _ => 4,
    }
}

pub(crate) fn flatten(ty: &Ty) -> Vec<Core> {
    if let Some(fields) = fields(ty) {
        return fields.iter().flat_map(flatten).collect();
    }
    if case_count(ty).is_some() {
        let mut flat = Vec::new();
        for case in payloads(ty) {
            for (position, core) in flatten(case).into_iter().enumerate() {
                match flat.get_mut(position) {
                    Some(present) => *present = join(*present, core),
                    None => flat.push(core),
                }
            }
        }
        flat.insert(0, Core::I32);
        return flat;
    }
    match ty {
        Ty::U64 | Ty::S64 => vec![Core::I64],
        Ty::F32 => vec![Core::F32],
        Ty::F64 => vec![Core::F64],
        Ty::String | Ty::List(_) | Ty::Map(_) => vec![Core::I32, Core::I32],
        Ty::Flags(count) => vec![Core::I32; count.div_ceil(32) as usize],
        _ => vec![Core::I32],
    }
}

fn join(a: Core, b: Core) -> Core {
    match (a, b) {
        _ if a == b => a,
        (Core::I32, Core::F32) | (Core::F32, Core::I32) => Core::I32,
        _ => Core::I64,
    }
}

/// A guest as the model sees it: bytes, strings and what handles mean.
pub(crate) struct Guest<'a> {
    pub(crate) memory: Vec<u8>,
    pub(crate) encoding: StringEncoding,
    /// Where the next allocation goes.
    pub(crate) free: u64,
    /// Wire bytes that may still be lifted.
    pub(crate) budget: u64,
    /// Lifting: index to representation. Lowering: representation to index.
    pub(crate) handle: &'a mut dyn FnMut(&Ty, u32) -> Result<u32, Trap>,
}

impl Guest<'_> {
    fn allocate(&mut self, alignment: u64, bytes: u64) -> u64 {
        let start = align_to(self.free, alignment);
        self.free = start + bytes;
        assert!(self.free <= self.memory.len() as u64, "the test's memory is too small");
        start
    }

    fn load_int(&self, at: u64, bytes: u64) -> u64 {
        let at = at as usize;
        (0..bytes as usize)
            .fold(0, |int, byte| int | u64::from(self.memory[at + byte]) << (8 * byte))
    }

    fn store_int(&mut self, at: u64, bytes: u64, int: u64) {
        let at = at as usize;
        for byte in 0..bytes as usize {
            self.memory[at + byte] = (int >> (8 * byte)) as u8;
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Trap> {
        self.budget = self.budget.checked_sub(bytes).ok_or(TOO_LARGE)?;
        Ok(())
    }

    /// Loads a value from a pointer of the guest.
    pub(crate) fn load_checked(&mut self, at: u64, ty: &Ty) -> Result<Value, Trap> {
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
    pub(crate) fn lift_flat(&mut self, cells: &mut &[u64], ty: &Ty) -> Result<Value, Trap> {
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

    pub(crate) fn store(&mut self, value: &Value, ty: &Ty, at: u64) {
        if let (Some(fields), Value::Record(values)) = (fields(ty), value) {
            let mut at = at;
            for (field, value) in fields.iter().zip(values) {
                at = align_to(at, alignment(field));
                self.store(value, field, at);
                at += elem_size(field);
            }
            return;
        }
        if let (Some(count), Value::Case(number, value)) = (case_count(ty), value) {
            let size = discriminant_size(count);
            self.store_int(at, size, u64::from(*number));
            let at = align_to(at + size, max_case_alignment(ty));
            if let (Some(ty), Some(value)) = (payload(ty, *number), value) {
                self.store(value, ty, at);
            }
            return;
        }
        match (ty, value) {
            (Ty::Flags(_), Value::Flags(flags)) => {
                for (bit, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
                    self.memory[at as usize + bit / 8] |= 1 << (bit % 8);
                }
            }
            (Ty::String | Ty::List(_) | Ty::Map(_), _) => {
                let (start, count) = self.lower_range(value, ty);
                self.store_int(at, 4, start);
                self.store_int(at + 4, 4, count);
            }
            _ => {
                let cell = self.lower_scalar(value, ty);
                self.store_int(at, elem_size(ty), cell);
            }
        }
    }

    fn lower_scalar(&mut self, value: &Value, ty: &Ty) -> u64 {
        match value {
            // Any byte but 0 is true; 1 is what guests write.
            Value::Bool(value) => u64::from(*value),
            Value::Bits(bits) => match ty {
                Ty::S8 => u64::from(*bits as u8 as i8 as i32 as u32),
                Ty::S16 => u64::from(*bits as u16 as i16 as i32 as u32),
                _ => *bits,
            },
            Value::Char(letter) => u64::from(u32::from(*letter)),
            Value::Handle(rep) => u64::from((self.handle)(ty, *rep).expect("a free index")),
            _ => panic!("{value:?} is not a scalar"),
        }
    }

    fn lower_range(&mut self, value: &Value, ty: &Ty) -> (u64, u64) {
        match (value, ty) {
            (Value::String(text), _) => self.lower_string(text),
            (Value::List(values), Ty::List(element) | Ty::Map(element)) => {
                let size = elem_size(element);
                let start = self.allocate(alignment(element), size * values.len() as u64);
                for (index, value) in values.iter().enumerate() {
                    self.store(value, element, start + index as u64 * size);
                }
                (start, values.len() as u64)
            }
            _ => panic!("{value:?} is not a {ty:?}"),
        }
    }

    fn lower_string(&mut self, text: &str) -> (u64, u64) {
        let utf16 = || text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        // A guest may also pass Latin-1 text as UTF-16: here when its length is odd.
        let narrow =
            text.chars().all(|letter| u32::from(letter) < 256) && text.len().is_multiple_of(2);
        let (alignment, bytes, count) = match self.encoding {
            StringEncoding::Utf8 => (1, text.as_bytes().to_vec(), text.len() as u64),
            StringEncoding::Utf16 => (2, utf16(), text.encode_utf16().count() as u64),
            StringEncoding::Latin1OrUtf16 if narrow => {
                let bytes: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
                (2, bytes.clone(), bytes.len() as u64)
            }
            StringEncoding::Latin1OrUtf16 => {
                (2, utf16(), text.encode_utf16().count() as u64 | 1 << 31)
            }
        };
        let start = self.allocate(alignment, bytes.len() as u64);
        self.memory[start as usize..start as usize + bytes.len()].copy_from_slice(&bytes);
        (start, count)
    }

    pub(crate) fn lower_flat(&mut self, value: &Value, ty: &Ty) -> Vec<u64> {
        if let (Some(fields), Value::Record(values)) = (fields(ty), value) {
            let fields = fields.iter().zip(values);
            return fields.flat_map(|(field, value)| self.lower_flat(value, field)).collect();
        }
        if let Value::Case(number, value) = value {
            let mut cells = vec![u64::from(*number)];
            if let (Some(ty), Some(value)) = (payload(ty, *number), value) {
                // Widening keeps the bits, whatever the types.
                cells.extend(self.lower_flat(value, ty));
            }
            cells.resize(flatten(ty).len(), 0);
            return cells;
        }
        match (ty, value) {
            (Ty::Flags(_), Value::Flags(flags)) => flags
                .chunks(32)
                .map(|word| (0..).zip(word).map(|(bit, flag)| u64::from(*flag) << bit).sum())
                .collect(),
            (Ty::String | Ty::List(_) | Ty::Map(_), _) => {
                let (start, count) = self.lower_range(value, ty);
                vec![start, count]
            }
            _ => vec![self.lower_scalar(value, ty)],
        }
    }

    /// Parameters or a result, flat or behind a pointer.
    pub(crate) fn lower_values(&mut self, max: usize, values: &[Value], types: &[Ty]) -> Vec<u64> {
        if types.iter().flat_map(flatten).count() <= max {
            let values = values.iter().zip(types);
            return values.flat_map(|(value, ty)| self.lower_flat(value, ty)).collect();
        }
        let tuple = Ty::Tuple(types.to_vec());
        let at = self.allocate(alignment(&tuple), elem_size(&tuple));
        self.store(&Value::Record(values.to_vec()), &tuple, at);
        vec![at]
    }

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

/// Appends a value's wire form, as `docs/architecture.md` describes it; `slot` numbers handles.
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
