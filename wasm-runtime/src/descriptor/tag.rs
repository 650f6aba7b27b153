//! Bytes that stand for types in a descriptor.

use crate::types::ValueType;

pub(super) const OWN: u8 = 0x20;
pub(super) const BORROW: u8 = 0x21;
pub(super) const DEFINED: u8 = 0x22;
/// In place of a type that is left out.
pub(super) const NONE: u8 = 0x23;

pub(super) const LIST: u8 = 1;
pub(super) const RECORD: u8 = 2;
pub(super) const TUPLE: u8 = 3;
pub(super) const VARIANT: u8 = 4;
pub(super) const ENUM: u8 = 5;
pub(super) const FLAGS: u8 = 6;
pub(super) const OPTION: u8 = 7;
pub(super) const RESULT: u8 = 8;
pub(super) const FIXED_LIST: u8 = 9;
pub(super) const MAP: u8 = 10;

/// The types without parts; the tag is the position.
pub(super) const PLAIN: [ValueType; 13] = [
    ValueType::Bool,
    ValueType::S8,
    ValueType::U8,
    ValueType::S16,
    ValueType::U16,
    ValueType::S32,
    ValueType::U32,
    ValueType::S64,
    ValueType::U64,
    ValueType::F32,
    ValueType::F64,
    ValueType::Char,
    ValueType::String,
];
