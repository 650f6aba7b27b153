use alloc::{string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::types::{Definition, FunctionType, ValueType};

/// A descriptor with a resource of its own, one of another interface, and shared types.
fn sample() -> Descriptor {
    let mut types = Types::new();
    let own = ResourceId(0);
    let foreign = ResourceId(1);
    let list = types.add(Definition::List(ValueType::U8));
    let fixed = types.add(Definition::FixedList(ValueType::U16, 300));
    let map = types.add(Definition::Map(ValueType::String, ValueType::Defined(list)));
    let record = types.add(Definition::Record(vec![
        ("data".to_string(), ValueType::Defined(list)),
        ("more".to_string(), ValueType::Defined(list)),
        ("when".to_string(), ValueType::Own(foreign)),
        ("key".to_string(), ValueType::Defined(fixed)),
        ("names".to_string(), ValueType::Defined(map)),
    ]));
    let error = types.add(Definition::Enum(vec!["closed".to_string(), "other".to_string()]));
    let result = types.add(Definition::Result { ok: None, err: Some(ValueType::Defined(error)) });
    let functions = vec![
        (
            "[method]thing.put".to_string(),
            FunctionType {
                parameters: vec![
                    ("self".to_string(), ValueType::Borrow(own)),
                    ("what".to_string(), ValueType::Defined(record)),
                ],
                result: Some(ValueType::Defined(result)),
            },
        ),
        ("nothing".to_string(), FunctionType { parameters: Vec::new(), result: None }),
    ];
    Descriptor {
        types,
        interface: InterfaceType { functions, resources: vec![("thing".to_string(), own)] },
        origins: vec![
            ResourceOrigin { interface: None, name: "thing".to_string() },
            ResourceOrigin {
                interface: Some("test:other/api@1.0.0".to_string()),
                name: "clock".to_string(),
            },
        ],
    }
}

fn encoded(descriptor: &Descriptor) -> Vec<u8> {
    let origin = |id: ResourceId| descriptor.origins.get(id.0 as usize).cloned();
    encode::encode(&descriptor.types, &descriptor.interface, &origin).expect("fits")
}

#[test]
fn what_is_encoded_is_decoded() {
    let sample = sample();
    let bytes = encoded(&sample);
    let decoded = decode(&bytes).expect("a descriptor");
    assert_eq!(decoded.origins, sample.origins);
    assert_eq!(decoded.interface.resources, sample.interface.resources);
    // Definitions may be numbered anew, but encode to the same bytes.
    assert_eq!(encoded(&decoded), bytes);
    assert_eq!(decoded.types.len(), sample.types.len(), "shared types stay shared");
}

#[test]
fn every_truncation_and_addition_is_refused() {
    let bytes = encoded(&sample());
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len]).is_err(), "{len}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(decode(&longer).unwrap_err(), DescriptorError::Length);
}

#[test]
fn another_version_is_refused() {
    let mut bytes = encoded(&sample());
    bytes[0] = 2;
    assert_eq!(decode(&bytes).unwrap_err(), DescriptorError::Version);
}

#[test]
fn a_count_beyond_the_bytes_is_refused_before_it_is_believed() {
    assert_eq!(decode(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f]).unwrap_err(), DescriptorError::Length);
    assert_eq!(decode(&[1, 0xff, 0xff, 0xff, 0xff, 0x7f]).unwrap_err(), DescriptorError::Number);
}

#[test]
fn a_type_of_exponential_size_is_refused() {
    // Forty tuples, each of twice the one before.
    let mut bytes = vec![1, 0, 40, tag::TUPLE, 2, 0, 0];
    for level in 0..39 {
        bytes.extend_from_slice(&[tag::TUPLE, 2, tag::DEFINED, level, tag::DEFINED, level]);
    }
    bytes.push(0);
    assert_eq!(decode(&bytes).unwrap_err(), DescriptorError::TooLarge);
}

#[test]
fn a_function_is_there_once() {
    let function = [1, b'f', 0, tag::NONE];
    let bytes = [&[1, 0, 0, 2][..], &function, &function].concat();
    assert_eq!(decode(&bytes).unwrap_err(), DescriptorError::Name);
}

proptest! {
    // Nothing is written into the tree when one fails; Miri has no tree.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn no_change_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut bytes = encoded(&sample());
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(decoded) = decode(&bytes) {
            let again = encoded(&decoded);
            prop_assert!(decode(&again).is_ok());
        }
    }
}
