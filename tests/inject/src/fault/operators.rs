//! What takes an operator's place, for each fault that changes one.
//!
//! Operators are exchanged within groups that take and give the same types, and what is taken away
//! leaves the stack as it would have been, so that most of what comes out is valid.
//! Encodings: the core specification, "Binary Format", section "Instructions".

use wasmparser::{MemArg, Operator, ValType};

use crate::{
    layout::{signed, unsigned},
    program::Program,
    random::Random,
};

/// Groups of operators that take and give the same types.
const GROUPS: [&[std::ops::RangeInclusive<u8>]; 12] = [
    &[0x46..=0x4f],
    &[0x51..=0x5a],
    &[0x5b..=0x60],
    &[0x61..=0x66],
    &[0x67..=0x69, 0xc0..=0xc1],
    &[0x6a..=0x78],
    &[0x79..=0x7b, 0xc2..=0xc4],
    &[0x7c..=0x8a],
    &[0x8b..=0x91],
    &[0x92..=0x98],
    &[0x99..=0x9f],
    &[0xa0..=0xa6],
];

/// Loads and stores of the same type of value.
const ACCESSES: [&[u8]; 4] = [
    &[0x28, 0x2c, 0x2d, 0x2e, 0x2f],
    &[0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35],
    &[0x36, 0x3a, 0x3b],
    &[0x37, 0x3c, 0x3d, 0x3e],
];

const NOP: u8 = 0x01;
const BRANCH_IF: u8 = 0x0d;
const BRANCH_TABLE: u8 = 0x0e;
const CALL: u8 = 0x10;
const DROP: u8 = 0x1a;
const I32_CONST: u8 = 0x41;
const I64_CONST: u8 = 0x42;
const I32_EQZ: u8 = 0x45;
const I32_ADD: u8 = 0x6a;

pub(super) fn constant(operator: &Operator<'_>, random: &mut Random) -> Option<Vec<u8>> {
    let change = |value: i64, bits: usize, random: &mut Random| match random.below(8) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => 0,
        3 => -1,
        4 => value.wrapping_neg(),
        5 => value.wrapping_mul(2),
        _ => value ^ 1_i64.wrapping_shl(random.below(bits) as u32),
    };
    match operator {
        Operator::I32Const { value } => {
            let other = change(i64::from(*value), 32, random) as i32;
            (other != *value).then(|| [vec![I32_CONST], signed(other.into())].concat())
        }
        Operator::I64Const { value } => {
            let other = change(*value, 64, random);
            (other != *value).then(|| [vec![I64_CONST], signed(other)].concat())
        }
        Operator::F32Const { value } => {
            let other = value.bits() ^ 1_u32.wrapping_shl(random.below(32) as u32);
            Some([&[0x43][..], &other.to_le_bytes()].concat())
        }
        Operator::F64Const { value } => {
            let other = value.bits() ^ 1_u64.wrapping_shl(random.below(64) as u32);
            Some([&[0x44][..], &other.to_le_bytes()].concat())
        }
        _ => None,
    }
}

pub(super) fn other_operator(
    opcode: u8,
    operator: &Operator<'_>,
    bytes: &[u8],
    random: &mut Random,
) -> Option<Vec<u8>> {
    if let Some(group) = GROUPS.iter().find(|group| group.iter().any(|of| of.contains(&opcode))) {
        let others: Vec<u8> =
            group.iter().cloned().flatten().filter(|other| *other != opcode).collect();
        return (bytes.len() == 1)
            .then(|| random.pick(&others).copied())
            .flatten()
            .map(|o| vec![o]);
    }
    let group = ACCESSES.iter().find(|group| group.contains(&opcode))?;
    let others: Vec<u8> = group.iter().copied().filter(|other| *other != opcode).collect();
    let argument = memory_argument(opcode, operator)?;
    let other = *random.pick(&others)?;
    Some(access(other, 0, argument.offset))
}

/// A load or store, encoded.
fn access(opcode: u8, align: u8, offset: u64) -> Vec<u8> {
    [vec![opcode, align], unsigned(offset)].concat()
}

fn memory_argument(opcode: u8, operator: &Operator<'_>) -> Option<MemArg> {
    use Operator as O;
    if !(0x28..=0x3e).contains(&opcode) {
        return None;
    }
    match *operator {
        O::I32Load { memarg }
        | O::I64Load { memarg }
        | O::F32Load { memarg }
        | O::F64Load { memarg }
        | O::I32Load8S { memarg }
        | O::I32Load8U { memarg }
        | O::I32Load16S { memarg }
        | O::I32Load16U { memarg }
        | O::I64Load8S { memarg }
        | O::I64Load8U { memarg }
        | O::I64Load16S { memarg }
        | O::I64Load16U { memarg }
        | O::I64Load32S { memarg }
        | O::I64Load32U { memarg }
        | O::I32Store { memarg }
        | O::I64Store { memarg }
        | O::F32Store { memarg }
        | O::F64Store { memarg }
        | O::I32Store8 { memarg }
        | O::I32Store16 { memarg }
        | O::I64Store8 { memarg }
        | O::I64Store16 { memarg }
        | O::I64Store32 { memarg } => Some(memarg),
        _ => None,
    }
}

pub(super) fn inverted(opcode: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    // Of two that negate each other, one is at an even distance from the first of its group.
    let negated = |base: u8, pairs: &[(u8, u8)]| {
        let at = opcode.checked_sub(base)?;
        let found = pairs.iter().find_map(|(one, other)| match at {
            at if at == *one => Some(*other),
            at if at == *other => Some(*one),
            _ => None,
        });
        found.and_then(|at| base.checked_add(at)).map(|opcode| vec![opcode])
    };
    // eq, ne, lt_s, lt_u, gt_s, gt_u, le_s, le_u, ge_s, ge_u
    const INTEGERS: [(u8, u8); 5] = [(0, 1), (2, 8), (3, 9), (4, 6), (5, 7)];
    // eq, ne, lt, gt, le, ge
    const FLOATS: [(u8, u8); 3] = [(0, 1), (2, 5), (3, 4)];
    match opcode {
        I32_EQZ => Some(vec![NOP]),
        0x50 => Some(vec![I64_CONST, 0, 0x52]),
        0x46..=0x4f => negated(0x46, &INTEGERS),
        0x51..=0x5a => negated(0x51, &INTEGERS),
        0x5b..=0x60 => negated(0x5b, &FLOATS),
        0x61..=0x66 => negated(0x61, &FLOATS),
        // if, br_if, select
        0x04 | BRANCH_IF | 0x1b => Some([&[I32_EQZ][..], bytes].concat()),
        _ => None,
    }
}

pub(super) fn local(
    locals: &[ValType],
    operator: &Operator<'_>,
    opcode: u8,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let (Operator::LocalGet { local_index }
    | Operator::LocalSet { local_index }
    | Operator::LocalTee { local_index }) = operator
    else {
        return None;
    };
    let ty = locals.get(*local_index as usize)?;
    let others: Vec<u64> = (0..)
        .zip(locals)
        .filter(|(index, of)| *of == ty && *index != u64::from(*local_index))
        .map(|(index, _)| index)
        .collect();
    random.pick(&others).map(|index| [vec![opcode], unsigned(*index)].concat())
}

pub(super) fn offset(opcode: u8, operator: &Operator<'_>, random: &mut Random) -> Option<Vec<u8>> {
    let MemArg { offset, .. } = memory_argument(opcode, operator)?;
    let other = match random.below(8) {
        0 => offset.wrapping_add(1),
        1 => offset.wrapping_sub(1),
        2 => offset.wrapping_add(4),
        3 => offset.wrapping_sub(4),
        4 => offset.wrapping_add(8),
        5 => offset ^ 1 << random.below(32),
        _ => offset ^ 1 << random.below(8),
    } & 0xffff_ffff;
    (other != offset).then(|| access(opcode, 0, other))
}

pub(super) fn branch(
    labels: u32,
    operator: &Operator<'_>,
    opcode: u8,
    bytes: &[u8],
    random: &mut Random,
) -> Option<Vec<u8>> {
    match operator {
        Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
            let others: Vec<u32> = (0..labels).filter(|depth| depth != relative_depth).collect();
            random.pick(&others).map(|depth| [vec![opcode], unsigned((*depth).into())].concat())
        }
        Operator::BrTable { .. } if opcode == BRANCH_TABLE => {
            Some([&[I32_CONST, 1, I32_ADD][..], bytes].concat())
        }
        _ => None,
    }
}

pub(super) fn call(
    program: &Program,
    operator: &Operator<'_>,
    bytes: &[u8],
    random: &mut Random,
) -> Option<Vec<u8>> {
    match operator {
        Operator::Call { function_index } => {
            let ty = program.functions.get(*function_index as usize)?;
            let same = program.by_type.get(ty)?;
            let others: Vec<u32> =
                same.iter().copied().filter(|other| other != function_index).collect();
            random.pick(&others).map(|other| [vec![CALL], unsigned((*other).into())].concat())
        }
        Operator::CallIndirect { .. } => Some([&[I32_CONST, 1, I32_ADD][..], bytes].concat()),
        _ => None,
    }
}

/// What leaves the operands on the stack, or takes them off and puts zeros there.
pub(super) fn removed(program: &Program, opcode: u8, operator: &Operator<'_>) -> Option<Vec<u8>> {
    use Operator as O;
    Some(match operator {
        O::LocalSet { .. } | O::GlobalSet { .. } | O::BrIf { .. } => vec![DROP],
        O::LocalTee { .. } => vec![NOP],
        O::Select => vec![DROP, DROP],
        O::MemoryCopy { .. } | O::MemoryFill { .. } => vec![DROP; 3],
        O::Call { function_index } => {
            let ty = program.functions.get(*function_index as usize)?;
            without_call(program, *ty, 0)?
        }
        O::CallIndirect { type_index, .. } => without_call(program, *type_index, 1)?,
        _ => match opcode {
            // i32 loads: the address is the value; others need a zero.
            0x28 | 0x2c..=0x2f => vec![NOP],
            0x29 | 0x30..=0x35 => vec![DROP, I64_CONST, 0],
            0x36..=0x3e => vec![DROP, DROP],
            I32_EQZ | 0x67..=0x69 | 0x79..=0x7b | 0xc0..=0xc4 => vec![NOP],
            0x46..=0x4f | 0x6a..=0x78 | 0x7c..=0x8a | 0x92..=0x98 | 0xa0..=0xa6 => vec![DROP],
            _ => return None,
        },
    })
}

/// Takes the parameters, and so many operands before, off the stack and puts zeros for results.
fn without_call(program: &Program, ty: u32, more: usize) -> Option<Vec<u8>> {
    let signature = program.signature(ty)?;
    let mut out = vec![DROP; signature.parameters.len() + more];
    for result in &signature.results {
        match result {
            ValType::I32 => out.extend([I32_CONST, 0]),
            ValType::I64 => out.extend([I64_CONST, 0]),
            ValType::F32 => out.extend([0x43, 0, 0, 0, 0]),
            ValType::F64 => out.extend([0x44, 0, 0, 0, 0, 0, 0, 0, 0]),
            _ => return None,
        }
    }
    if out.is_empty() {
        out.push(NOP);
    }
    Some(out)
}
