//! Components made around canonical options that fit or do not.
//!
//! Each has a module with memories, allocators right and wrong, and a function that the component
//! imports, lowers, calls from another module, and lifts again to export it.

use atoll_runtime::{
    canonical::{CoreSignature, CoreType, FunctionPlan, PlanLimits},
    types::{Definition, FunctionType, Types, ValueType},
};
use wasm_encoder::{
    CanonicalOption, CodeSection, ComponentBuilder, ComponentExportKind, ComponentTypeRef,
    ComponentValType, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemorySection,
    MemoryType, Module, ModuleArg, PrimitiveValType, TypeBounds, TypeSection, ValType,
};

use crate::{
    choices::Choices,
    load,
    types::{self, Handles, RESOURCES},
};

/// The input decides on the component and on what its host does.
pub(crate) fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    if let Some(component) = component(&mut choices) {
        load::all(&component, &mut choices);
    }
}

/// Core functions that options may name.
const ALLOCATORS: [&str; 6] = ["sound", "sound", "sound", "outside", "narrow", "traps"];

fn component(choices: &mut Choices<'_>) -> Option<Vec<u8>> {
    let mut types = Types::new();
    let function = types::function(&mut types, choices, Handles::All);
    let plan = FunctionPlan::compile("f", &types, &function, &PlanLimits::default()).ok()?;

    let mut component = ComponentBuilder::default();
    let resources: Vec<u32> = (0..RESOURCES)
        .map(|number| {
            let ty = ComponentTypeRef::Type(TypeBounds::SubResource);
            component.import(format!("r{number}").as_str(), ty)
        })
        .collect();
    let ty = Encoder { component: &mut component, types: &types, resources, named: 0 }
        .function(&function);
    let imported = component.import("f", ComponentTypeRef::Func(ty));

    let library = component.core_module_raw(None, &library(choices));
    let library = component.core_instantiate(None, library, NOTHING);
    let memories: Vec<u32> = ["one", "two"]
        .map(|name| component.core_alias_export(None, library, name, ExportKind::Memory))
        .into();
    let allocator = choices.pick(&ALLOCATORS);
    let allocator = component.core_alias_export(None, library, allocator, ExportKind::Func);

    let mut list = options(choices, &memories, allocator);
    if choices.chance(8) {
        list.push(CanonicalOption::PostReturn(allocator));
    }
    let lowered = component.lower_func(None, imported, list);
    let outside = component.core_instantiate_exports(None, [("f", ExportKind::Func, lowered)]);
    let main = component.core_module_raw(None, &main(&plan, choices));
    let main = component.core_instantiate(None, main, [("m", ModuleArg::Instance(outside))]);
    let core = component.core_alias_export(None, main, "f", ExportKind::Func);
    let after = component.core_alias_export(None, main, "after", ExportKind::Func);

    let mut list = options(choices, &memories, allocator);
    if choices.chance(128) {
        list.push(CanonicalOption::PostReturn(if choices.chance(16) { core } else { after }));
    }
    let lifted = component.lift_func(None, core, ty, list);
    component.export("g", ComponentExportKind::Func, lifted, None);
    Some(component.finish())
}

const NOTHING: [(&str, ModuleArg); 0] = [];

/// Mostly what a function needs, now and then too much, too little or twice.
fn options(choices: &mut Choices<'_>, memories: &[u32], allocator: u32) -> Vec<CanonicalOption> {
    let mut list = vec![choices.pick(&[
        CanonicalOption::UTF8,
        CanonicalOption::UTF16,
        CanonicalOption::CompactUTF16,
    ])];
    if !choices.chance(12) {
        list.push(CanonicalOption::Memory(choices.pick(memories)));
    }
    if !choices.chance(12) {
        list.push(CanonicalOption::Realloc(allocator));
    }
    if choices.chance(8) {
        list.push(list[choices.below(list.len() as u32) as usize]);
    }
    if choices.chance(4) {
        list.push(choices.pick(&[CanonicalOption::Async, CanonicalOption::Gc]));
    }
    list
}

/// Two memories with something in them, and the allocators.
fn library(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut section = TypeSection::new();
    section.ty().function([ValType::I32; 4], [ValType::I32]);
    section.ty().function([ValType::I32; 3], [ValType::I32]);
    let mut functions = FunctionSection::new();
    [0, 0, 1, 0].into_iter().for_each(|ty| {
        functions.function(ty);
    });
    let mut memories = MemorySection::new();
    for minimum in [1, 2] {
        memories.memory(MemoryType {
            minimum,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }
    let mut globals = GlobalSection::new();
    let mutable = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    globals.global(mutable, &ConstExpr::i32_const(4096));
    let mut exports = ExportSection::new();
    exports.export("one", ExportKind::Memory, 0).export("two", ExportKind::Memory, 1);
    for (index, name) in (0..).zip(["sound", "outside", "narrow", "traps"]) {
        exports.export(name, ExportKind::Func, index);
    }
    let mut code = CodeSection::new();
    let grow = choices.chance(64);
    for body in [sound(grow), vec![Instruction::I32Const(-8)], vec![Instruction::I32Const(64)]] {
        code.function(&body_of(&body));
    }
    code.function(&body_of(&[Instruction::Unreachable]));
    let mut data = DataSection::new();
    for memory in [0, 1] {
        let bytes: Vec<u8> = (0..24).flat_map(|_| choices.number().to_le_bytes()).collect();
        data.active(memory, &ConstExpr::i32_const(0), bytes);
    }
    let mut module = Module::new();
    module.section(&section).section(&functions).section(&memories).section(&globals);
    module.section(&exports).section(&code).section(&data);
    module.finish()
}

/// An allocator that goes on by what was asked for, rounded up to 16, and may grow a memory.
fn sound(grow: bool) -> Vec<Instruction<'static>> {
    let mut body = Vec::new();
    if grow {
        body.extend([Instruction::I32Const(1), Instruction::MemoryGrow(0), Instruction::Drop]);
    }
    body.extend([
        Instruction::GlobalGet(0),
        Instruction::GlobalGet(0),
        Instruction::LocalGet(3),
        Instruction::I32Const(15),
        Instruction::I32Add,
        Instruction::I32Const(-16),
        Instruction::I32And,
        Instruction::I32Add,
        Instruction::GlobalSet(0),
    ]);
    body
}

fn body_of(instructions: &[Instruction<'_>]) -> Function {
    let mut body = Function::new([]);
    instructions.iter().for_each(|instruction| {
        body.instruction(instruction);
    });
    body.instruction(&Instruction::End);
    body
}

/// A function that calls the imported one, maybe, and returns something; and its post-return.
fn main(plan: &FunctionPlan, choices: &mut Choices<'_>) -> Vec<u8> {
    let (lowered, lifted) = (plan.lowered(), plan.lifted());
    let mut section = TypeSection::new();
    signature(&mut section, lowered);
    let mut exported = lifted.clone();
    if choices.chance(12) {
        exported.parameters.push(CoreType::I64);
    }
    signature(&mut section, &exported);
    let mut after = CoreSignature { parameters: lifted.results.clone(), results: Vec::new() };
    if choices.chance(12) {
        after.parameters.push(CoreType::F32);
    }
    signature(&mut section, &after);
    let mut imports = ImportSection::new();
    imports.import("m", "f", EntityType::Function(0));
    let mut functions = FunctionSection::new();
    functions.function(1).function(2);
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, 1).export("after", ExportKind::Func, 2);

    let mut body = Vec::new();
    if choices.chance(160) {
        body.extend(lowered.parameters.iter().map(|ty| constant(*ty, choices)));
        body.push(Instruction::Call(0));
        body.extend(lowered.results.iter().map(|_| Instruction::Drop));
    }
    body.extend(exported.results.iter().map(|ty| constant(*ty, choices)));
    let mut ending = Vec::new();
    if choices.chance(12) {
        // It may not leave: traps.
        ending.extend(lowered.parameters.iter().map(|ty| constant(*ty, choices)));
        ending.push(Instruction::Call(0));
        ending.extend(lowered.results.iter().map(|_| Instruction::Drop));
    }
    let mut code = CodeSection::new();
    code.function(&body_of(&body)).function(&body_of(&ending));
    let mut module = Module::new();
    module.section(&section).section(&imports).section(&functions).section(&exports);
    module.section(&code);
    module.finish()
}

fn signature(section: &mut TypeSection, signature: &CoreSignature) {
    let core = |ty: &CoreType| match ty {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
    };
    let parameters: Vec<_> = signature.parameters.iter().map(core).collect();
    let results: Vec<_> = signature.results.iter().map(core).collect();
    section.ty().function(parameters, results);
}

fn constant(ty: CoreType, choices: &mut Choices<'_>) -> Instruction<'static> {
    match ty {
        CoreType::I32 => Instruction::I32Const(choices.number().cast_signed()),
        CoreType::I64 => Instruction::I64Const(choices.double().cast_signed()),
        CoreType::F32 => Instruction::F32Const(f32::from_bits(choices.word()).into()),
        CoreType::F64 => Instruction::F64Const(f64::from_bits(choices.double()).into()),
    }
}

/// Writes types into a component.
struct Encoder<'a> {
    component: &'a mut ComponentBuilder,
    types: &'a Types,
    resources: Vec<u32>,
    named: u32,
}

impl Encoder<'_> {
    fn function(&mut self, function: &FunctionType) -> u32 {
        let parameters: Vec<(&str, ComponentValType)> =
            function.parameters.iter().map(|(name, ty)| (name.as_str(), self.value(*ty))).collect();
        let result = function.result.map(|ty| self.value(ty));
        let (index, mut encoder) = self.component.type_function(None);
        encoder.params(parameters).result(result);
        index
    }

    fn value(&mut self, ty: ValueType) -> ComponentValType {
        ComponentValType::Primitive(match ty {
            ValueType::Bool => PrimitiveValType::Bool,
            ValueType::U8 => PrimitiveValType::U8,
            ValueType::S8 => PrimitiveValType::S8,
            ValueType::U16 => PrimitiveValType::U16,
            ValueType::S16 => PrimitiveValType::S16,
            ValueType::U32 => PrimitiveValType::U32,
            ValueType::S32 => PrimitiveValType::S32,
            ValueType::U64 => PrimitiveValType::U64,
            ValueType::S64 => PrimitiveValType::S64,
            ValueType::F32 => PrimitiveValType::F32,
            ValueType::F64 => PrimitiveValType::F64,
            ValueType::Char => PrimitiveValType::Char,
            ValueType::String => PrimitiveValType::String,
            ValueType::Own(resource) => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.own(self.resources[resource.0 as usize]);
                return ComponentValType::Type(index);
            }
            ValueType::Borrow(resource) => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.borrow(self.resources[resource.0 as usize]);
                return ComponentValType::Type(index);
            }
            ValueType::Defined(id) => {
                let definition = self.types.get(id).expect("in this owner").clone();
                return ComponentValType::Type(self.defined(&definition));
            }
        })
    }

    fn values(&mut self, types: &[(String, ValueType)]) -> Vec<ComponentValType> {
        types.iter().map(|(_, ty)| self.value(*ty)).collect()
    }

    fn defined(&mut self, definition: &Definition) -> u32 {
        let index = match definition {
            Definition::List(element) => {
                let element = self.value(*element);
                let (index, encoder) = self.component.type_defined(None);
                encoder.list(element);
                return index;
            }
            Definition::FixedList(element, count) => {
                let element = self.value(*element);
                let (index, encoder) = self.component.type_defined(None);
                encoder.fixed_length_list(element, *count);
                return index;
            }
            Definition::Map(key, value) => {
                let (key, value) = (self.value(*key), self.value(*value));
                let (index, encoder) = self.component.type_defined(None);
                encoder.map(key, value);
                return index;
            }
            Definition::Tuple(fields) => {
                let fields: Vec<_> = fields.iter().map(|ty| self.value(*ty)).collect();
                let (index, encoder) = self.component.type_defined(None);
                encoder.tuple(fields);
                return index;
            }
            Definition::Option(payload) => {
                let payload = self.value(*payload);
                let (index, encoder) = self.component.type_defined(None);
                encoder.option(payload);
                return index;
            }
            Definition::Result { ok, err } => {
                let (ok, err) = (ok.map(|ty| self.value(ty)), err.map(|ty| self.value(ty)));
                let (index, encoder) = self.component.type_defined(None);
                encoder.result(ok, err);
                return index;
            }
            Definition::Record(fields) => {
                let values = self.values(fields);
                let (index, encoder) = self.component.type_defined(None);
                let names = fields.iter().map(|(name, _)| name.as_str());
                encoder.record(names.zip(values).collect::<Vec<_>>());
                index
            }
            Definition::Variant(cases) => {
                let payloads: Vec<_> =
                    cases.iter().map(|(_, ty)| ty.map(|ty| self.value(ty))).collect();
                let (index, encoder) = self.component.type_defined(None);
                let names = cases.iter().map(|(name, _)| name.as_str());
                encoder.variant(names.zip(payloads).collect::<Vec<_>>());
                index
            }
            Definition::Enum(labels) => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.enum_type(labels.iter().map(String::as_str));
                index
            }
            Definition::Flags(labels) => {
                let (index, encoder) = self.component.type_defined(None);
                encoder.flags(labels.iter().map(String::as_str));
                index
            }
        };
        // These are known by a name when a function with them is imported or exported.
        self.named += 1;
        let name = format!("t{}", self.named);
        self.component.import(name.as_str(), ComponentTypeRef::Type(TypeBounds::Eq(index)))
    }
}
