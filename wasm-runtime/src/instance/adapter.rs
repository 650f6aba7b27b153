//! Adapters: tiny core modules between a signature that is rare and one that every call can have.
//!
//! wasmi calls functions quickly, and without allocating, when their type is known to the Rust
//! compiler. There is no end of signatures, so a rare one gets a module of a few dozen bytes, made
//! when the function is linked: it turns each argument into an `i64` with the same bits, and the
//! result back. What the runtime calls or gives to guests then takes 4, 8 or 16 `i64`, the rest of
//! them 0, and returns one. A call costs some ten instructions for each argument.
//!
//! A lowered import may have a 17th argument, its return pointer. It passes through a global of the
//! adapter, because wasmi's types end at 16.
//!
//! An adapter counts among the core instances of its domain.

use alloc::{collections::BTreeMap, vec::Vec};

use wasmi::{Error, Extern, Func, Global, Instance, Module, Mutability, Store, Val};

use crate::canonical::{CoreSignature, CoreType};

/// Most parameters of a function whose type is known to the compiler.
pub(super) const WIDEST: usize = 16;

/// The adapters' modules that were translated, by their bytes.
#[derive(Debug, Default)]
pub(super) struct Adapters {
    modules: BTreeMap<Vec<u8>, Module>,
}

/// How many `i64` stand for so many arguments.
pub(super) const fn width(parameters: usize) -> usize {
    match parameters {
        0..=4 => 4,
        5..=8 => 8,
        _ => WIDEST,
    }
}

/// The global that the 17th argument passes through.
pub(super) fn overflow<T>(store: &mut Store<T>) -> Global {
    Global::new(store, Val::I64(0), Mutability::Var)
}

impl Adapters {
    /// A function of this signature, for guests, that calls `host`, which takes and gives `i64`.
    ///
    /// # Errors
    /// There are too many core instances.
    pub(super) fn for_guest<T>(
        &mut self,
        store: &mut Store<T>,
        signature: &CoreSignature,
        host: Func,
        overflow: Option<Global>,
    ) -> Result<Func, Error> {
        let mut body = Body::default();
        if overflow.is_some() {
            body.get(WIDEST).widen(signature.parameters.get(WIDEST).copied());
            body.op(GLOBAL_SET).number(0);
        }
        for position in 0..width(signature.parameters.len()) {
            match signature.parameters.get(position) {
                Some(ty) => body.get(position).widen(Some(*ty)),
                None => body.op(I64_CONST).number(0),
            };
        }
        body.op(CALL).number(0);
        match signature.results.first() {
            Some(ty) => body.narrow(*ty),
            None => body.op(DROP),
        };
        let even = even(signature.parameters.len());
        let bytes = module(&even, signature, overflow.is_some(), body);
        let imports = [Some(Extern::Func(host)), overflow.map(Extern::Global)];
        self.instantiate(store, bytes, &imports.into_iter().flatten().collect::<Vec<_>>())
    }

    /// A function that takes and gives `i64` and calls `guest`, which has this signature.
    ///
    /// # Errors
    /// There are too many core instances.
    pub(super) fn for_runtime<T>(
        &mut self,
        store: &mut Store<T>,
        signature: &CoreSignature,
        guest: Func,
    ) -> Result<Func, Error> {
        let mut body = Body::default();
        for (position, ty) in signature.parameters.iter().enumerate() {
            body.get(position).narrow(*ty);
        }
        body.op(CALL).number(0);
        match signature.results.first() {
            Some(ty) => body.widen(Some(*ty)),
            None => body.op(I64_CONST).number(0),
        };
        let bytes = module(signature, &even(signature.parameters.len()), false, body);
        self.instantiate(store, bytes, &[Extern::Func(guest)])
    }

    fn instantiate<T>(
        &mut self,
        store: &mut Store<T>,
        bytes: Vec<u8>,
        imports: &[Extern],
    ) -> Result<Func, Error> {
        let module = match self.modules.get(&bytes) {
            Some(module) => module.clone(),
            None => {
                let module = Module::new(store.engine(), &bytes)?;
                self.modules.insert(bytes, module.clone());
                module
            }
        };
        let instance = Instance::new(&mut *store, &module, imports)?;
        instance.get_func(&*store, "").ok_or_else(|| Error::new("an adapter exports nothing"))
    }
}

/// The signature with `i64` alone that stands for one with so many parameters.
fn even(parameters: usize) -> CoreSignature {
    let parameters = alloc::vec![CoreType::I64; width(parameters)];
    CoreSignature { parameters, results: alloc::vec![CoreType::I64] }
}

const CALL: u8 = 0x10;
const DROP: u8 = 0x1a;
const LOCAL_GET: u8 = 0x20;
const GLOBAL_SET: u8 = 0x24;
const I64_CONST: u8 = 0x42;
const I32_WRAP_I64: u8 = 0xa7;
const I64_EXTEND_I32_U: u8 = 0xad;
const I32_REINTERPRET_F32: u8 = 0xbc;
const I64_REINTERPRET_F64: u8 = 0xbd;
const F32_REINTERPRET_I32: u8 = 0xbe;
const F64_REINTERPRET_I64: u8 = 0xbf;
const I32: u8 = 0x7f;
const I64: u8 = 0x7e;
const F32: u8 = 0x7d;
const F64: u8 = 0x7c;

/// Instructions of the adapter's function.
#[derive(Debug, Default)]
struct Body(Vec<u8>);

impl Body {
    fn op(&mut self, op: u8) -> &mut Self {
        self.0.push(op);
        self
    }

    fn number(&mut self, number: usize) -> &mut Self {
        leb(&mut self.0, number);
        self
    }

    fn get(&mut self, local: usize) -> &mut Self {
        self.op(LOCAL_GET).number(local)
    }

    /// Turns the value on top into an `i64`.
    fn widen(&mut self, ty: Option<CoreType>) -> &mut Self {
        match ty {
            Some(CoreType::I32) => self.op(I64_EXTEND_I32_U),
            Some(CoreType::F32) => self.op(I32_REINTERPRET_F32).op(I64_EXTEND_I32_U),
            Some(CoreType::F64) => self.op(I64_REINTERPRET_F64),
            Some(CoreType::I64) | None => self,
        }
    }

    /// Turns the `i64` on top into a value of a type.
    fn narrow(&mut self, ty: CoreType) -> &mut Self {
        match ty {
            CoreType::I32 => self.op(I32_WRAP_I64),
            CoreType::F32 => self.op(I32_WRAP_I64).op(F32_REINTERPRET_I32),
            CoreType::F64 => self.op(F64_REINTERPRET_I64),
            CoreType::I64 => self,
        }
    }
}

/// A module that imports a function, and perhaps a global, and exports one.
fn module(
    imported: &CoreSignature,
    exported: &CoreSignature,
    with_global: bool,
    body: Body,
) -> Vec<u8> {
    let mut out = Vec::from(*b"\0asm\x01\0\0\0");
    let mut types = Vec::from([2]);
    function_type(&mut types, imported);
    function_type(&mut types, exported);
    section(&mut out, 1, &types);
    // Imports: module and name are empty; a function of type 0, a mutable global of i64.
    let mut imports = Vec::from([1 + u8::from(with_global), 0, 0, 0, 0]);
    if with_global {
        imports.extend([0, 0, 3, I64, 1]);
    }
    section(&mut out, 2, &imports);
    // One function, of type 1; the export without a name is function 1.
    section(&mut out, 3, &[1, 1]);
    section(&mut out, 7, &[1, 0, 0, 1]);
    let Body(instructions) = body;
    let mut code = Vec::from([1]);
    // No locals before the instructions, `end` after them.
    leb(&mut code, instructions.len() + 2);
    code.push(0);
    code.extend(instructions);
    code.push(0x0b);
    section(&mut out, 10, &code);
    out
}

fn function_type(out: &mut Vec<u8>, signature: &CoreSignature) {
    out.push(0x60);
    for types in [&signature.parameters, &signature.results] {
        leb(out, types.len());
        out.extend(types.iter().map(|ty| match ty {
            CoreType::I32 => I32,
            CoreType::I64 => I64,
            CoreType::F32 => F32,
            CoreType::F64 => F64,
        }));
    }
}

fn section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    leb(out, content.len());
    out.extend(content);
}

/// Appends a number of as few bytes as it needs, seven bits in each.
fn leb(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}
