//! Scripts: what the directives of a `.wast` file say, without its text.
//!
//! An archive holds [`File`]s, a file [`Directive`]s. Everything borrows: on the host from the text
//! that was read, in a domain from the archive. `encode` and `decode` are the binary form: numbers
//! little-endian, sequences and texts behind their length as a `u32`, and one byte that says which
//! case of an enum follows. An absent name is the empty text.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};

pub use decode::{Archive, Damaged};
pub use encode::archive;

/// The directives of a file, and which of them are known not to pass.
#[derive(Clone, Debug, PartialEq)]
pub struct File<'a> {
    /// Where it is in its suite.
    pub name: &'a str,
    /// Lines of the not-yet list.
    pub excuses: Vec<Excuse<'a>>,
    /// In the order of the file.
    pub directives: Vec<Directive<'a>>,
}

/// A line of the not-yet list.
#[derive(Clone, Debug, PartialEq)]
pub struct Excuse<'a> {
    /// First and last line of the directives that do not pass; `None` for the whole file, some of
    /// whose directives do not pass and make the others meaningless.
    pub lines: Option<(u32, u32)>,
    /// Why.
    pub reason: &'a str,
}

/// A directive.
#[derive(Clone, Debug, PartialEq)]
pub struct Directive<'a> {
    /// Where it begins, from 1.
    pub line: u32,
    /// What it wants.
    pub action: Action<'a>,
}

/// What a directive wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Action<'a> {
    /// `(module …)`: it can be instantiated, and is what later directives act on.
    Start(Unit<'a>),
    /// `(module definition …)`: it is valid, and may be instantiated later.
    Define(Unit<'a>),
    /// `(module instance …)`: instantiates a definition.
    Instance {
        /// Name of the instance.
        instance: &'a str,
        /// Name of the definition.
        definition: &'a str,
    },
    /// `(register …)`: core modules that come later may import from the instance.
    Register {
        /// Name that they import it by.
        name: &'a str,
        /// Name of the instance.
        instance: &'a str,
    },
    /// `(invoke …)`: does not trap.
    Invoke(Invoke<'a>),
    /// `(assert_return …)`: gives these results.
    Returns(Execute<'a>, Vec<Expected<'a>>),
    /// `(assert_trap …)`: traps; a core module with a message that contains this one.
    Traps(Execute<'a>, &'a str),
    /// `(assert_exhaustion …)`: as `assert_trap`.
    Exhausts(Invoke<'a>, &'a str),
    /// `(assert_invalid …)` and `(assert_malformed …)`: refused for what it is.
    Refused(Unit<'a>),
    /// `(assert_unlinkable …)`: valid, and refused for its imports.
    Unlinkable(Unit<'a>),
    /// A module that the parser of the text refused, as it should. There is nothing to run.
    Text,
    /// Something that has no form here.
    Unknown(&'a str),
}

/// The binary of a module or component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit<'a> {
    /// Which of both.
    pub kind: Kind,
    /// Its name in the script.
    pub name: &'a str,
    /// The binary.
    pub bytes: &'a [u8],
}

/// Whether something is of the core specification or of the component model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A module.
    Core,
    /// A component.
    Component,
}

/// A call of an exported function.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoke<'a> {
    /// Name of the instance.
    pub instance: &'a str,
    /// Name of the function.
    pub function: &'a str,
    /// What it is given.
    pub arguments: Vec<Argument<'a>>,
}

/// What an assertion is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Execute<'a> {
    /// A call.
    Invoke(Invoke<'a>),
    /// Reading an exported global.
    Get {
        /// Name of the instance.
        instance: &'a str,
        /// Name of the global.
        global: &'a str,
    },
    /// Instantiation.
    Unit(Unit<'a>),
}

/// What a function is given. Floats are their bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument<'a> {
    /// `i32.const`
    I32(u32),
    /// `i64.const`
    I64(u64),
    /// `f32.const`
    F32(u32),
    /// `f64.const`
    F64(u64),
    /// `ref.null func`
    NullFunction,
    /// `ref.null extern`
    NullExtern,
    /// `ref.extern`, by a number of the script's.
    Extern(u32),
    /// A value of the component model.
    Component(Value<'a>),
}

/// What a result has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected<'a> {
    /// Equal, bit for bit. Not a component's value.
    Exactly(Argument<'a>),
    /// A canonical NaN of 32 bits: all of the payload but the highest bit is clear.
    Canonical32,
    /// A quiet NaN of 32 bits.
    Quiet32,
    /// A canonical NaN of 64 bits.
    Canonical64,
    /// A quiet NaN of 64 bits.
    Quiet64,
    /// Any null reference.
    Null,
    /// Any function reference that is not null.
    Function,
    /// Any external reference that is not null.
    Extern,
    /// One of these.
    Either(Vec<Expected<'a>>),
    /// Equal to this value of the component model.
    Component(Value<'a>),
}

/// A value of the component model. Floats are their bits.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "they are called as in the component model")]
pub enum Value<'a> {
    Bool(bool),
    U8(u8),
    S8(i8),
    U16(u16),
    S16(i16),
    U32(u32),
    S32(i32),
    U64(u64),
    S64(i64),
    F32(u32),
    F64(u64),
    Char(char),
    String(&'a str),
    List(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    Record(Vec<(&'a str, Value<'a>)>),
    Tuple(Vec<Value<'a>>),
    Variant(&'a str, Option<Box<Value<'a>>>),
    Enum(&'a str),
    Option(Option<Box<Value<'a>>>),
    Ok(Option<Box<Value<'a>>>),
    Err(Option<Box<Value<'a>>>),
    Flags(Vec<&'a str>),
}
