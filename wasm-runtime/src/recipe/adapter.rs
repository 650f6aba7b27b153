//! Adapters: tiny core modules between a signature that is rare and one that every call can have.
//!
//! wasmi calls functions quickly, and without allocating, when their type is known to the Rust
//! compiler. There is no end of signatures, so a rare one gets a module of a few dozen bytes, made
//! when the component is translated: it turns each argument into an `i64` with the same bits, and the
//! result back. What the runtime calls or gives to guests then takes 4, 8 or 16 `i64`, the rest of
//! them 0, and returns one. A call costs some ten instructions for each argument.
//!
//! A lowered import may have a 17th argument, its return pointer. It passes through a global of the
//! adapter, because wasmi's types end at 16.
//!
//! An adapter counts among the core instances of its domain.

use alloc::{collections::BTreeMap, vec::Vec};

use wasmi::{Engine, Error, Extern, Func, Global, Instance, Module, Mutability, Store, Val};

use crate::canonical::{CoreSignature, CoreType};

/// Most parameters of a function whose type is known to the compiler.
pub(crate) const WIDEST: usize = 16;

/// How many `i64` stand for so many arguments.
pub(crate) const fn width(parameters: usize) -> usize {
    match parameters {
        0..=4 => 4,
        5..=8 => 8,
        _ => WIDEST,
    }
}

/// The global that the 17th argument passes through.
pub(crate) fn overflow<T>(store: &mut Store<T>) -> Global {
    Global::new(store, Val::I64(0), Mutability::Var)
}

/// A translated adapter.
#[derive(Clone, Debug)]
pub(crate) struct Adapter(Module);

impl Adapter {
    /// The function of one [for guests](Adapters::for_guest) that calls `host`, which takes and
    /// gives `i64`.
    ///
    /// # Errors
    /// There are too many core instances.
    pub(crate) fn for_guest<T>(
        &self,
        store: &mut Store<T>,
        host: Func,
        overflow: Option<Global>,
    ) -> Result<Func, Error> {
        match overflow {
            Some(overflow) => {
                self.instantiate(store, &[Extern::Func(host), Extern::Global(overflow)])
            }
            None => self.instantiate(store, &[Extern::Func(host)]),
        }
    }

    /// The function of one [for the runtime](Adapters::for_runtime) that calls `guest`.
    ///
    /// # Errors
    /// There are too many core instances.
    pub(crate) fn for_runtime<T>(&self, store: &mut Store<T>, guest: Func) -> Result<Func, Error> {
        self.instantiate(store, &[Extern::Func(guest)])
    }

    fn instantiate<T>(&self, store: &mut Store<T>, imports: &[Extern]) -> Result<Func, Error> {
        let Self(module) = self;
        let instance = Instance::new(&mut *store, module, imports)?;
        instance.get_func(&*store, "").ok_or_else(|| Error::new("an adapter exports nothing"))
    }
}

/// Translates the adapters of a component.
#[derive(Debug)]
pub(super) struct Adapters<'e> {
    engine: &'e Engine,
    /// By the bytes of their modules.
    translated: BTreeMap<Vec<u8>, Adapter>,
}

impl<'e> Adapters<'e> {
    /// Starts without any.
    pub(super) fn new(engine: &'e Engine) -> Self {
        Self { engine, translated: BTreeMap::new() }
    }

    /// An adapter whose function has this signature.
    ///
    /// # Errors
    /// The interpreter refuses it.
    pub(super) fn for_guest(&mut self, signature: &CoreSignature) -> Result<Adapter, Error> {
        let overflows = signature.parameters.len() > WIDEST;
        let mut body = Body::default();
        if overflows {
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
        self.translate(module(&even, signature, overflows, body))
    }

    /// An adapter whose function takes and gives `i64` and calls one of these parameters and
    /// results.
    ///
    /// # Errors
    /// The interpreter refuses it.
    pub(super) fn for_runtime(
        &mut self,
        parameters: &[CoreType],
        results: &[CoreType],
    ) -> Result<Adapter, Error> {
        let mut body = Body::default();
        for (position, ty) in parameters.iter().enumerate() {
            body.get(position).narrow(*ty);
        }
        body.op(CALL).number(0);
        match results.first() {
            Some(ty) => body.widen(Some(*ty)),
            None => body.op(I64_CONST).number(0),
        };
        let signature = CoreSignature { parameters: parameters.into(), results: results.into() };
        self.translate(module(&signature, &even(parameters.len()), false, body))
    }

    fn translate(&mut self, bytes: Vec<u8>) -> Result<Adapter, Error> {
        if let Some(adapter) = self.translated.get(&bytes) {
            return Ok(adapter.clone());
        }
        let adapter = Adapter(Module::new(self.engine, &bytes)?);
        self.translated.insert(bytes, adapter.clone());
        Ok(adapter)
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
