//! Lowering: values into a guest's memory and into cells.

use atoll_runtime::canonical::StringEncoding;

use super::{
    Guest,
    layout::{align_to, alignment, discriminant_size, elem_size, flatten, max_case_alignment},
};
use crate::values::{Ty, Value, case_count, fields, payload};

impl Guest<'_> {
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

    fn store(&mut self, value: &Value, ty: &Ty, at: u64) {
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

    fn lower_flat(&mut self, value: &Value, ty: &Ty) -> Vec<u64> {
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

    fn allocate(&mut self, alignment: u64, bytes: u64) -> u64 {
        let start = align_to(self.free, alignment);
        self.free = start + bytes;
        assert!(self.free <= self.memory.len() as u64, "the test's memory is too small");
        start
    }

    fn store_int(&mut self, at: u64, bytes: u64, int: u64) {
        let at = at as usize;
        for byte in 0..bytes as usize {
            self.memory[at + byte] = (int >> (8 * byte)) as u8;
        }
    }
}
