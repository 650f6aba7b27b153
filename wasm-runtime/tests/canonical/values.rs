//! Random types and values of them.

use atoll_runtime::types::{Definition, FunctionType, ResourceId, Types, ValueType};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// A type as a tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    Bool,
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
    F32,
    F64,
    Char,
    String,
    Own(u32),
    Borrow(u32),
    List(Box<Ty>),
    /// As many elements as the list is long, all of one type.
    FixedList(Vec<Ty>),
    /// The tuple of key and value.
    Map(Box<Ty>),
    Record(Vec<Ty>),
    Tuple(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(u32),
    Flags(u32),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
}

/// A value as a tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    /// Integers and floats: the bits, zeros above.
    Bits(u64),
    Char(char),
    String(String),
    List(Vec<Value>),
    Record(Vec<Value>),
    Case(u32, Option<Box<Value>>),
    Flags(Vec<bool>),
    /// Representation of a resource.
    Handle(u32),
}

/// Bytes of a number type.
pub(crate) fn width(ty: &Ty) -> Option<u32> {
    Some(match ty {
        Ty::U8 | Ty::S8 => 1,
        Ty::U16 | Ty::S16 => 2,
        Ty::U32 | Ty::S32 | Ty::F32 => 4,
        Ty::U64 | Ty::S64 | Ty::F64 => 8,
        _ => return None,
    })
}

/// How many cases anything has that is a variant after despecialisation.
pub(crate) fn case_count(ty: &Ty) -> Option<u32> {
    match ty {
        Ty::Variant(cases) => Some(cases.len() as u32),
        Ty::Enum(labels) => Some(*labels),
        Ty::Option(_) | Ty::Result(..) => Some(2),
        _ => None,
    }
}

/// The payload of one of its cases.
pub(crate) fn payload(ty: &Ty, number: u32) -> Option<&Ty> {
    match (ty, number) {
        (Ty::Variant(cases), number) => cases[number as usize].as_ref(),
        (Ty::Option(ty), 1) => Some(ty),
        (Ty::Result(ok, _), 0) => ok.as_deref(),
        (Ty::Result(_, err), 1) => err.as_deref(),
        _ => None,
    }
}

/// All payloads that there are.
pub(crate) fn payloads(ty: &Ty) -> Vec<&Ty> {
    match ty {
        Ty::Enum(_) => Vec::new(),
        ty => (0..case_count(ty).unwrap_or(0)).filter_map(|case| payload(ty, case)).collect(),
    }
}

pub(crate) fn fields(ty: &Ty) -> Option<&[Ty]> {
    match ty {
        Ty::Record(fields) | Ty::Tuple(fields) | Ty::FixedList(fields) => Some(fields),
        _ => None,
    }
}

fn labels(count: u32) -> Vec<String> {
    (0..count).map(|number| format!("label{number}")).collect()
}

/// Adds a type to a `Types`.
pub(crate) fn resolve(types: &mut Types, ty: &Ty) -> ValueType {
    let definition = match ty {
        Ty::Bool => return ValueType::Bool,
        Ty::U8 => return ValueType::U8,
        Ty::S8 => return ValueType::S8,
        Ty::U16 => return ValueType::U16,
        Ty::S16 => return ValueType::S16,
        Ty::U32 => return ValueType::U32,
        Ty::S32 => return ValueType::S32,
        Ty::U64 => return ValueType::U64,
        Ty::S64 => return ValueType::S64,
        Ty::F32 => return ValueType::F32,
        Ty::F64 => return ValueType::F64,
        Ty::Char => return ValueType::Char,
        Ty::String => return ValueType::String,
        Ty::Own(resource) => return ValueType::Own(ResourceId(*resource)),
        Ty::Borrow(resource) => return ValueType::Borrow(ResourceId(*resource)),
        Ty::List(element) => Definition::List(resolve(types, element)),
        Ty::FixedList(elements) => {
            Definition::FixedList(resolve(types, &elements[0]), elements.len() as u32)
        }
        Ty::Map(pair) => {
            let pair = fields(pair).expect("a tuple");
            Definition::Map(resolve(types, &pair[0]), resolve(types, &pair[1]))
        }
        Ty::Record(fields) => {
            let names = labels(fields.len() as u32).into_iter();
            Definition::Record(names.zip(fields).map(|(n, f)| (n, resolve(types, f))).collect())
        }
        Ty::Tuple(fields) => Definition::Tuple(fields.iter().map(|f| resolve(types, f)).collect()),
        Ty::Variant(cases) => {
            let names = labels(cases.len() as u32).into_iter();
            let mut payload = |ty: &Option<Ty>| ty.as_ref().map(|ty| resolve(types, ty));
            Definition::Variant(names.zip(cases).map(|(n, c)| (n, payload(c))).collect())
        }
        Ty::Enum(count) => Definition::Enum(labels(*count)),
        Ty::Flags(count) => Definition::Flags(labels(*count)),
        Ty::Option(ty) => Definition::Option(resolve(types, ty)),
        Ty::Result(ok, err) => Definition::Result {
            ok: ok.as_ref().map(|ty| resolve(types, ty)),
            err: err.as_ref().map(|ty| resolve(types, ty)),
        },
    };
    ValueType::Defined(types.add(definition))
}

/// The type of a function in terms of a fresh `Types`.
pub(crate) fn function(parameters: &[Ty], result: Option<&Ty>) -> (Types, FunctionType) {
    let mut types = Types::new();
    let names = labels(parameters.len() as u32).into_iter();
    let parameters = names.zip(parameters).map(|(n, ty)| (n, resolve(&mut types, ty))).collect();
    let result = result.map(|ty| resolve(&mut types, ty));
    (types, FunctionType { parameters, result })
}

fn number() -> impl Strategy<Value = Ty> + Clone {
    select(vec![
        Ty::Bool,
        Ty::U8,
        Ty::S8,
        Ty::U16,
        Ty::S16,
        Ty::U32,
        Ty::S32,
        Ty::U64,
        Ty::S64,
        Ty::F32,
        Ty::F64,
        Ty::Char,
    ])
}

fn leaf(borrows: bool) -> BoxedStrategy<Ty> {
    let handles = if borrows {
        (0..3_u32, any::<bool>())
            .prop_map(|(id, own)| if own { Ty::Own(id) } else { Ty::Borrow(id) })
            .boxed()
    } else {
        (0..3_u32).prop_map(Ty::Own).boxed()
    };
    prop_oneof![
        7 => number(),
        1 => Just(Ty::String),
        1 => handles,
        1 => select(vec![1, 2, 3, 255, 256, 257]).prop_map(Ty::Enum),
        1 => select(vec![1, 7, 8, 9, 16, 17, 31, 32, 33, 64, 70]).prop_map(Ty::Flags),
    ]
    .boxed()
}

/// A type whose values go one of the short ways: numbers, records of them, lists of both, text.
fn simple() -> impl Strategy<Value = Ty> {
    let cell = prop_oneof![
        8 => number(),
        1 => select(vec![1, 3, 256, 257]).prop_map(Ty::Enum),
        1 => select(vec![1, 8, 9, 17, 32]).prop_map(Ty::Flags),
    ];
    let record = prop_oneof![
        vec(cell.clone(), 1..5).prop_map(Ty::Record),
        (cell.clone(), 1..5_usize).prop_map(|(ty, len)| Ty::FixedList(vec![ty; len])),
    ];
    let one =
        prop_oneof![2 => cell, 1 => record.clone(), 1 => vec(record, 1..3).prop_map(Ty::Tuple)];
    let list = one.clone().prop_map(|ty| Ty::List(Box::new(ty)));
    prop_oneof![3 => one, 2 => list, 1 => Just(Ty::String)]
}

/// A type that keys of maps may have.
fn key() -> impl Strategy<Value = Ty> {
    select(vec![Ty::Bool, Ty::U8, Ty::S16, Ty::U32, Ty::U64, Ty::Char, Ty::String])
}

/// A type that may contain borrows or not.
pub(crate) fn ty(borrows: bool) -> impl Strategy<Value = Ty> {
    leaf(borrows).prop_recursive(4, 24, 6, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            3 => boxed.clone().prop_map(Ty::List),
            1 => (inner.clone(), 1..4_usize).prop_map(|(ty, len)| Ty::FixedList(vec![ty; len])),
            1 => (leaf(borrows), select(vec![15, 16, 17, 40]))
                .prop_map(|(ty, len)| Ty::FixedList(vec![ty; len])),
            1 => (key(), inner.clone())
                .prop_map(|(key, ty)| Ty::Map(Box::new(Ty::Tuple(vec![key, ty])))),
            2 => vec(inner.clone(), 1..6).prop_map(Ty::Record),
            1 => vec(inner.clone(), 1..4).prop_map(Ty::Tuple),
            2 => vec(option::of(inner), 1..5).prop_map(Ty::Variant),
            1 => boxed.clone().prop_map(Ty::Option),
            1 => (option::of(boxed.clone()), option::of(boxed))
                .prop_map(|(ok, err)| Ty::Result(ok, err)),
        ]
    })
}

/// Text with letters of every length in every encoding.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,20}",
        "[a-zà-ÿ]{0,12}",
        vec(any::<char>(), 0..10).prop_map(|letters| letters.into_iter().collect::<String>()),
    ]
}

/// A value of a type.
pub(crate) fn value(ty: &Ty) -> BoxedStrategy<Value> {
    if let Some(width) = width(ty) {
        let mask = u64::MAX >> (64 - 8 * width);
        return any::<u64>().prop_map(move |bits| Value::Bits(bits & mask)).boxed();
    }
    if let Some(fields) = fields(ty) {
        let fields: Vec<_> = fields.iter().map(value).collect();
        return fields.prop_map(Value::Record).boxed();
    }
    if let Some(count) = case_count(ty) {
        let ty = ty.clone();
        return (0..count)
            .prop_flat_map(move |number| match payload(&ty, number) {
                Some(payload) => value(payload)
                    .prop_map(move |value| Value::Case(number, Some(Box::new(value))))
                    .boxed(),
                None => Just(Value::Case(number, None)).boxed(),
            })
            .boxed();
    }
    match ty {
        Ty::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Ty::Char => any::<char>().prop_map(Value::Char).boxed(),
        Ty::String => text().prop_map(Value::String).boxed(),
        Ty::List(element) | Ty::Map(element) => {
            vec(value(element), 0..4).prop_map(Value::List).boxed()
        }
        Ty::Flags(count) => {
            let count = *count as usize;
            vec(any::<bool>(), count..=count).prop_map(Value::Flags).boxed()
        }
        _ => any::<u32>().prop_map(Value::Handle).boxed(),
    }
}

/// Types of parameters with a value for each.
pub(crate) fn parameters() -> impl Strategy<Value = (Vec<Ty>, Vec<Value>)> {
    prop_oneof![2 => vec(ty(true), 0..6), 1 => vec(simple(), 1..5)].prop_flat_map(|types| {
        let values: Vec<_> = types.iter().map(value).collect();
        (Just(types), values)
    })
}

/// A type with a value, without borrows.
pub(crate) fn result() -> impl Strategy<Value = (Ty, Value)> {
    prop_oneof![2 => ty(false), 1 => simple()].prop_flat_map(|ty| {
        let value = value(&ty);
        (Just(ty), value)
    })
}

/// Settings of the property tests: nothing is written into the tree when one fails. The variable
/// `PROPTEST_CASES` makes them fewer, for Miri and for a first look at mutants.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let most = std::env::var("PROPTEST_CASES").ok().and_then(|most| most.parse().ok());
    let cases = cases.min(most.unwrap_or(u32::MAX));
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}
