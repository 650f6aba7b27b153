//! Changes valid components in their structure, so that many of them stay valid.
//!
//! A component is read and written again; wherever something could be changed is a *site*. Sites
//! of *values* (constants, offsets, data, sizes, encodings) mostly leave it valid, sites of
//! *structure* (indices, types, sections, options) mostly do not. Which sites are changed and to
//! what is read from the input.

use wasm_encoder::{
    CanonicalFunctionSection, CanonicalOption, Component, Instruction, MemArg, MemoryType,
    PrimitiveValType,
    reencode::{Error, Reencode, ReencodeComponent, component_utils, utils},
};
use wasmparser::{CanonicalFunction, Operator, Parser, Payload};

use crate::choices::Choices;

type Outcome<T> = Result<T, Error<std::convert::Infallible>>;

/// Kinds of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Value,
    Structure,
}

/// How many sites a component has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sites {
    values: u32,
    structures: u32,
}

/// Counts the sites of a component.
#[must_use]
pub fn sites(component: &[u8]) -> Sites {
    let mut mutator = Mutator::new(Choices::new(&[]), Vec::new());
    let _ = mutator.written(component);
    mutator.met
}

/// Changes a component in one to four places. `None` when it could not be written.
#[must_use]
pub fn component(component: &[u8], sites: Sites, choices: &mut Choices<'_>) -> Option<Vec<u8>> {
    let mut at = Vec::new();
    let raw = choices.chance(16);
    for _ in 0..1 + choices.below(4) {
        at.push(match choices.byte() {
            0..160 => (Kind::Value, choices.below(sites.values.max(1))),
            _ => (Kind::Structure, choices.below(sites.structures.max(1))),
        });
    }
    let mut mutator = Mutator::new(*choices, at);
    let written = mutator.written(component);
    *choices = mutator.choices;
    let mut bytes = written.ok()?;
    if raw {
        let at = choices.below(bytes.len() as u32) as usize;
        bytes[at] ^= 1 << choices.below(8);
    }
    Some(bytes)
}

struct Mutator<'a> {
    choices: Choices<'a>,
    /// The sites to be changed.
    at: Vec<(Kind, u32)>,
    met: Sites,
}

impl<'a> Mutator<'a> {
    fn new(choices: Choices<'a>, at: Vec<(Kind, u32)>) -> Self {
        Self { choices, at, met: Sites::default() }
    }

    fn written(&mut self, bytes: &[u8]) -> Outcome<Vec<u8>> {
        let mut component = Component::new();
        self.parse_component(&mut component, Parser::new(0), bytes)?;
        Ok(component.finish())
    }

    /// Whether to change what is met now.
    fn hit(&mut self, kind: Kind) -> bool {
        let met = match kind {
            Kind::Value => &mut self.met.values,
            Kind::Structure => &mut self.met.structures,
        };
        let number = *met;
        *met += 1;
        self.at.contains(&(kind, number))
    }

    /// An index: a neighbour, or any small number.
    fn index(&mut self, index: u32) -> u32 {
        if !self.hit(Kind::Structure) {
            return index;
        }
        match self.choices.byte() {
            0..96 => index.wrapping_add(1),
            96..192 => index.saturating_sub(1),
            192..250 => self.choices.below(16),
            _ => self.choices.number(),
        }
    }

    /// A size.
    fn size(&mut self, size: u64) -> u64 {
        if !self.hit(Kind::Value) {
            return size;
        }
        match self.choices.byte() {
            0..128 => u64::from(self.choices.below(8)),
            _ => u64::from(self.choices.number()),
        }
    }
}

impl Reencode for Mutator<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.index(index))
    }

    fn type_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.index(index))
    }

    fn memory_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.index(index))
    }

    fn table_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.index(index))
    }

    fn global_index(&mut self, index: u32) -> Outcome<u32> {
        Ok(self.index(index))
    }

    fn memory_type(&mut self, ty: wasmparser::MemoryType) -> Outcome<MemoryType> {
        let mut ty = utils::memory_type(self, ty);
        ty.minimum = self.size(ty.minimum);
        Ok(ty)
    }

    fn mem_arg(&mut self, argument: wasmparser::MemArg) -> Outcome<MemArg> {
        let mut argument = utils::mem_arg(self, argument)?;
        argument.offset = self.size(argument.offset);
        Ok(argument)
    }

    fn val_type(&mut self, ty: wasmparser::ValType) -> Outcome<wasm_encoder::ValType> {
        use wasm_encoder::ValType;
        if self.hit(Kind::Structure) {
            return Ok(self.choices.pick(&[
                ValType::I32,
                ValType::I64,
                ValType::F32,
                ValType::F64,
                ValType::FUNCREF,
            ]));
        }
        utils::val_type(self, ty)
    }

    fn const_expr(
        &mut self,
        constant: wasmparser::ConstExpr<'_>,
    ) -> Outcome<wasm_encoder::ConstExpr> {
        if self.hit(Kind::Value) {
            return Ok(wasm_encoder::ConstExpr::i32_const(self.choices.number().cast_signed()));
        }
        utils::const_expr(self, constant)
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Outcome<Instruction<'a>> {
        match operator {
            Operator::I32Const { value } => {
                Ok(Instruction::I32Const(match self.hit(Kind::Value) {
                    true => self.choices.number().cast_signed(),
                    false => value,
                }))
            }
            Operator::LocalGet { .. } if self.hit(Kind::Value) => {
                Ok(Instruction::LocalGet(self.choices.below(4)))
            }
            Operator::Call { .. } | Operator::Drop if self.hit(Kind::Structure) => {
                Ok(self.choices.pick(&[
                    Instruction::Drop,
                    Instruction::Unreachable,
                    Instruction::Return,
                    Instruction::Call(0),
                    Instruction::MemoryGrow(0),
                    Instruction::Nop,
                ]))
            }
            other => utils::instruction(self, other),
        }
    }

    fn parse_data(
        &mut self,
        section: &mut wasm_encoder::DataSection,
        data: wasmparser::Data<'_>,
    ) -> Outcome<()> {
        if self.hit(Kind::Value) && !data.data.is_empty() {
            let mut bytes = data.data.to_vec();
            for _ in 0..1 + self.choices.below(4) {
                let at = self.choices.below(bytes.len() as u32) as usize;
                let word = self.choices.number().to_le_bytes();
                bytes.iter_mut().skip(at & !3).zip(word).for_each(|(to, from)| *to = from);
            }
            return utils::parse_data(self, section, wasmparser::Data { data: &bytes, ..data });
        }
        utils::parse_data(self, section, data)
    }
}

impl ReencodeComponent for Mutator<'_> {
    fn component_type_index(&mut self, index: u32) -> u32 {
        self.index(index)
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        self.index(index)
    }

    fn component_func_index(&mut self, index: u32) -> u32 {
        self.index(index)
    }

    fn component_index(&mut self, index: u32) -> u32 {
        self.index(index)
    }

    fn module_index(&mut self, index: u32) -> u32 {
        self.index(index)
    }

    fn instance_index(&mut self, index: u32) -> u32 {
        self.index(index)
    }

    fn component_primitive_val_type(
        &mut self,
        ty: wasmparser::PrimitiveValType,
    ) -> PrimitiveValType {
        use PrimitiveValType as P;
        // Of the same core type, so that the rest still fits; any other is a matter of structure.
        let ty = component_utils::component_primitive_val_type(self, ty);
        if self.hit(Kind::Value) {
            let narrow = [P::Bool, P::U8, P::S8, P::U16, P::S16, P::U32, P::S32, P::Char];
            return match ty {
                P::U64 | P::S64 => self.choices.pick(&[P::U64, P::S64]),
                P::F32 | P::F64 | P::String | P::ErrorContext => ty,
                _ => self.choices.pick(&narrow),
            };
        }
        if self.hit(Kind::Structure) {
            return self.choices.pick(&[
                P::U32,
                P::U64,
                P::F32,
                P::F64,
                P::String,
                P::ErrorContext,
            ]);
        }
        ty
    }

    fn canonical_option(
        &mut self,
        option: wasmparser::CanonicalOption,
    ) -> Outcome<CanonicalOption> {
        let option = component_utils::canonical_option(self, option)?;
        let encodings =
            [CanonicalOption::UTF8, CanonicalOption::UTF16, CanonicalOption::CompactUTF16];
        if encodings.contains(&option) && self.hit(Kind::Value) {
            return Ok(self.choices.pick(&encodings));
        }
        Ok(option)
    }

    fn parse_component_canonical(
        &mut self,
        section: &mut CanonicalFunctionSection,
        function: CanonicalFunction,
    ) -> Outcome<()> {
        let function = self.with_other_options(function);
        component_utils::parse_component_canonical(self, section, function)
    }

    fn parse_component_payload(
        &mut self,
        component: &mut Component,
        payload: Payload<'_>,
        whole: &[u8],
    ) -> Outcome<()> {
        if !self.hit(Kind::Structure) {
            return component_utils::parse_component_payload(self, component, payload, whole);
        }
        match (self.choices.below(3), payload) {
            (0, _) => Ok(()),
            // What comes twice is valid where names are not taken twice.
            (_, Payload::ComponentTypeSection(section)) => {
                let twice = Payload::ComponentTypeSection(section.clone());
                component_utils::parse_component_payload(self, component, twice, whole)?;
                let again = Payload::ComponentTypeSection(section);
                component_utils::parse_component_payload(self, component, again, whole)
            }
            (_, Payload::InstanceSection(section)) => {
                let twice = Payload::InstanceSection(section.clone());
                component_utils::parse_component_payload(self, component, twice, whole)?;
                let again = Payload::InstanceSection(section);
                component_utils::parse_component_payload(self, component, again, whole)
            }
            (_, Payload::ComponentInstanceSection(section)) => {
                let twice = Payload::ComponentInstanceSection(section.clone());
                component_utils::parse_component_payload(self, component, twice, whole)?;
                let again = Payload::ComponentInstanceSection(section);
                component_utils::parse_component_payload(self, component, again, whole)
            }
            (_, payload) => {
                component_utils::parse_component_payload(self, component, payload, whole)
            }
        }
    }
}

impl Mutator<'_> {
    /// The same canonical definition with an option more, less, or twice.
    fn with_other_options(&mut self, function: CanonicalFunction) -> CanonicalFunction {
        use wasmparser::CanonicalOption as O;
        let mut change = |options: Box<[O]>| -> Box<[O]> {
            if !self.hit(Kind::Structure) {
                return options;
            }
            let mut options = options.into_vec();
            match self.choices.below(4) {
                0 if !options.is_empty() => {
                    options.remove(self.choices.below(options.len() as u32) as usize);
                }
                1 if !options.is_empty() => {
                    options.push(options[self.choices.below(options.len() as u32) as usize]);
                }
                _ => {
                    let index = self.choices.below(4);
                    options.push(self.choices.pick(&[
                        O::UTF16,
                        O::CompactUTF16,
                        O::Memory(index),
                        O::Realloc(index),
                        O::PostReturn(index),
                        O::Async,
                        O::Callback(index),
                        O::Gc,
                    ]));
                }
            }
            options.into()
        };
        match function {
            CanonicalFunction::Lift { core_func_index, type_index, options } => {
                CanonicalFunction::Lift { core_func_index, type_index, options: change(options) }
            }
            CanonicalFunction::Lower { func_index, options } => {
                CanonicalFunction::Lower { func_index, options: change(options) }
            }
            other => other,
        }
    }
}
