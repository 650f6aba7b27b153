//! What a type comes to: its alignment and size in memory, and the core types of its flat values.

use crate::values::{Ty, case_count, fields, payloads, width};

/// A core type, as the specification spells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Core {
    I32,
    I64,
    F32,
    F64,
}

pub(super) fn align_to(offset: u64, alignment: u64) -> u64 {
    offset.div_ceil(alignment) * alignment
}

pub(super) fn alignment(ty: &Ty) -> u64 {
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

pub(super) fn max_case_alignment(ty: &Ty) -> u64 {
    payloads(ty).into_iter().map(alignment).max().unwrap_or(1)
}

pub(super) fn discriminant_size(cases: u32) -> u64 {
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
