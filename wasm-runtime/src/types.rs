//! Interface types after resolution: what the canonical ABI marshals and what linking compares.
//!
//! A [`Types`] owns the definitions; [`ValueType`] and [`TypeId`] are small and refer into it.
//! `component` fills one per component instance, resource types already substituted, so that
//! neither `canonical` nor `descriptor` knows aliases, imports or nested components.
//! Specification: component model, "Explainer", section "Type definitions".

use alloc::{string::String, vec::Vec};

use crate::limits::{Exceeded, Limit, MAX_TYPE_DEPTH, MAX_TYPE_PARTS, RuntimeLimits};

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
    /// `list<T, N>`, at least one element.
    FixedList(ValueType, u32),
    /// `map<K, V>`: marshalled as `list<tuple<K, V>>`, keys that occur twice included.
    Map(ValueType, ValueType),
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
///
/// A definition can only refer to earlier ones, so types have no cycles. Their parts can be
/// shared, so a short list of definitions can stand for a type of exponential size: the owner
/// weighs each and refuses those above the bounds of [`crate::limits`]. Whoever walks a type may
/// therefore recurse and need not remember where it has been.
#[derive(Clone, Debug)]
pub struct Types {
    definitions: Vec<Definition>,
    weights: Vec<Weight>,
    /// Of the largest type that may be added.
    most: Weight,
}

impl Default for Types {
    fn default() -> Self {
        let most = Weight { parts: MAX_TYPE_PARTS, depth: MAX_TYPE_DEPTH };
        Self { definitions: Vec::new(), weights: Vec::new(), most }
    }
}

/// How large a type is when it is written out in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    parts: u32,
    depth: u32,
}

/// The type would be too large, or refers to a definition that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeTooLarge(pub Exceeded);

impl Types {
    /// Starts empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts empty, for types within the limits of a server.
    #[must_use]
    pub fn bounded(limits: &RuntimeLimits) -> Self {
        let parts = limits.type_parts.min(MAX_TYPE_PARTS);
        let depth = limits.type_depth.min(MAX_TYPE_DEPTH);
        Self { most: Weight { parts, depth }, ..Self::default() }
    }

    /// Adds a definition, whose parts must be in this owner already.
    ///
    /// # Errors
    /// When the type is too large or a part of it is not in this owner.
    pub fn try_add(&mut self, definition: Definition) -> Result<TypeId, TypeTooLarge> {
        let mut weight = Weight { parts: definition.labels(), depth: 0 };
        definition.for_each_part(|part| match self.weight(part) {
            Some(part) => {
                weight.parts = weight.parts.saturating_add(part.parts);
                weight.depth = weight.depth.max(part.depth);
            }
            // What is not there is larger than anything.
            None => weight.parts = u32::MAX,
        });
        // A map is a list of tuples.
        let own = if matches!(definition, Definition::Map(..)) { 2 } else { 1 };
        weight.parts = weight.parts.saturating_add(own);
        weight.depth = weight.depth.saturating_add(own);
        let too_large = |limit, found: u32, most: u32| {
            let (found, most) = (u64::from(found), u64::from(most));
            if found > most { Err(TypeTooLarge(Exceeded { limit, found, most })) } else { Ok(()) }
        };
        too_large(Limit::TypeParts, weight.parts, self.most.parts)?;
        too_large(Limit::TypeDepth, weight.depth, self.most.depth)?;
        let id = u32::try_from(self.definitions.len()).unwrap_or(u32::MAX);
        self.definitions.push(definition);
        self.weights.push(weight);
        Ok(TypeId(id))
    }

    /// Adds a definition that is known to be sound, such as one written in a test.
    ///
    /// # Panics
    /// When [`Types::try_add`] refuses it.
    pub fn add(&mut self, definition: Definition) -> TypeId {
        match self.try_add(definition) {
            Ok(id) => id,
            Err(TypeTooLarge(error)) => panic!("a type refers to no definition, or has {error}"),
        }
    }

    fn weight(&self, ty: ValueType) -> Option<Weight> {
        match ty {
            ValueType::Defined(id) => self.weights.get(id.0 as usize).copied(),
            _ => Some(Weight { parts: 1, depth: 0 }),
        }
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

impl Definition {
    /// Calls `visit` with the types that this one is made of.
    pub fn for_each_part(&self, mut visit: impl FnMut(ValueType)) {
        match self {
            Self::List(ty) | Self::FixedList(ty, _) | Self::Option(ty) => visit(*ty),
            Self::Map(key, value) => {
                visit(*key);
                visit(*value);
            }
            Self::Record(fields) => fields.iter().for_each(|(_, ty)| visit(*ty)),
            Self::Tuple(types) => types.iter().for_each(|ty| visit(*ty)),
            Self::Variant(cases) => cases.iter().filter_map(|(_, ty)| *ty).for_each(visit),
            Self::Enum(_) | Self::Flags(_) => {}
            Self::Result { ok, err } => ok.iter().chain(err).for_each(|ty| visit(*ty)),
        }
    }

    /// How many labels it has that carry no type of their own.
    fn labels(&self) -> u32 {
        let labels = match self {
            Self::Enum(labels) | Self::Flags(labels) => labels.len(),
            Self::Variant(cases) => cases.len(),
            _ => 0,
        };
        u32::try_from(labels).unwrap_or(u32::MAX)
    }
}
