//! Interface types after resolution: what the canonical ABI marshals and what linking compares.
//!
//! A [`Types`] owns the definitions; [`ValueType`] and [`TypeId`] are small and refer into it.
//! `component` fills one per component instance, resource types already substituted, so that
//! neither `canonical` nor `descriptor` knows aliases, imports or nested components.
//! Specification: component model, "Explainer", section "Type definitions".

use alloc::{string::String, vec::Vec};

/// A definition in a [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// A resource type: index into the runtime's table of resource types of one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// `bool`
    Bool,
    /// `s8`
    S8,
    /// `u8`
    U8,
    /// `s16`
    S16,
    /// `u16`
    U16,
    /// `s32`
    S32,
    /// `u32`
    U32,
    /// `s64`
    S64,
    /// `u64`
    U64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`
    Char,
    /// `string`
    String,
    /// `own<R>`
    Own(ResourceId),
    /// `borrow<R>`
    Borrow(ResourceId),
    /// Anything with structure.
    Defined(TypeId),
}

/// A structured type. Labels are kept, because linking compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// `list<T>`
    List(ValueType),
    /// `record { name: T, … }`, at least one field.
    Record(Vec<(String, ValueType)>),
    /// `tuple<T, …>`, at least one element.
    Tuple(Vec<ValueType>),
    /// `variant { name(T), … }`, at least one case.
    Variant(Vec<(String, Option<ValueType>)>),
    /// `enum { name, … }`, at least one case.
    Enum(Vec<String>),
    /// `flags { name, … }`, at least one label.
    Flags(Vec<String>),
    /// `option<T>`
    Option(ValueType),
    /// `result<T, E>`
    Result {
        /// Payload of `ok`.
        ok: Option<ValueType>,
        /// Payload of `err`.
        err: Option<ValueType>,
    },
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionType {
    /// Names and types of the parameters, in order.
    pub parameters: Vec<(String, ValueType)>,
    /// Type of the result, if there is one.
    pub result: Option<ValueType>,
}

/// The type of an interface: an instance that is imported or exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceType {
    /// Names and types of the functions, in the order of the binary. Methods, constructors and
    /// static functions have their mangled names, `[method]counter.add`.
    pub functions: Vec<(String, FunctionType)>,
    /// Names of the resource types that the interface declares itself.
    pub resources: Vec<(String, ResourceId)>,
}

/// Owner of structured types.
#[derive(Clone, Debug, Default)]
pub struct Types {
    definitions: Vec<Definition>,
}

impl Types {
    /// Starts empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a definition, whose parts must be in this owner already.
    pub fn add(&mut self, definition: Definition) -> TypeId {
        let id = TypeId(self.definitions.len() as u32);
        self.definitions.push(definition);
        id
    }

    /// The definition behind an id; `None` for an id of another owner.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<&Definition> {
        self.definitions.get(id.0 as usize)
    }

    /// How many definitions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }
}
