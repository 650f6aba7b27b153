//! Guests and messages that lie.

use std::collections::BTreeMap;

use atoll_runtime::{
    canonical::{AbiError, FunctionPlan, MAX_CELLS, PlanLimits, StringEncoding},
    host::Passing,
    types::ResourceId,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    guest::{AREA, Guest, HOME},
    model::{self, Trap},
    values::{self, Ty, Value, config},
};

fn plan(parameters: &[Ty]) -> FunctionPlan {
    let (types, function) = values::function(parameters, None);
    FunctionPlan::compile("test", &types, &function, &PlanLimits::default()).expect("compiles")
}

/// A word that a hostile guest finds interesting.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0..8_u32,
        3 => 0..600_u32,
        1 => select(vec![0x4_0000, 0x3_FFF8, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0004, 0xFFFF_FFFF,
            0xD800, 0x10_FFFF, 0x11_0000, 0x1000_0000, 0x0FFF_FFFF]),
        1 => any::<u32>(),
    ]
}

/// Handles that a hostile guest owns: resource type by index, from 1.
const OWNED: [u32; 6] = [0, 1, 2, 0, 1, 2];

proptest! {
    #![proptest_config(config(384))]

    /// Whatever stands in memory and cells, lifting agrees with the model.
    #[test]
    fn memory(
        types in vec(values::ty(true), 0..4),
        words in vec(word(), 1..64),
        cells in vec((word(), word()), MAX_CELLS),
        encoding in select(vec![
            StringEncoding::Utf8,
            StringEncoding::Utf16,
            StringEncoding::Latin1OrUtf16,
        ]),
    ) {
        let plan = plan(&types);
        let mut guest = Guest::new(encoding);
        for resource in OWNED {
            guest.world().instance.add_own(ResourceId(resource), 100 + resource).expect("room");
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let bytes: Vec<u8> = bytes.iter().copied().cycle().take(4 * 65_536).collect();
        guest.write(0, &bytes);
        let cells: Vec<u64> = plan.lowered().parameters.iter().zip(cells)
            .map(|(ty, (low, high))| match format!("{ty:?}").ends_with("64") {
                true => u64::from(low) | u64::from(high) << 32,
                false => u64::from(low),
            })
            .collect();

        let mut table: BTreeMap<u32, (u32, u32)> =
            (1..).zip(OWNED).map(|(index, resource)| (index, (resource, 0))).collect();
        let mut count = 0;
        let mut handle = |ty: &Ty, index: u32| {
            let (wanted, own) = match ty {
                Ty::Own(resource) => (*resource, true),
                Ty::Borrow(resource) => (*resource, false),
                other => panic!("{other:?} is not a handle"),
            };
            let (resource, lends) = table.get_mut(&index).ok_or(Trap("unknown"))?;
            if *resource != wanted || own && *lends > 0 || count == 64 {
                return Err(Trap("handle"));
            }
            *lends += 1;
            count += 1;
            if own {
                table.remove(&index);
            }
            Ok(100 + wanted)
        };
        let mut model =
            model::Guest { memory: bytes, encoding, free: 0, budget: AREA as u64, handle: &mut handle };
        let expected = model.lift_values(16, &cells, &types);
        let found = plan.lift_parameters(&mut guest.store, &guest.options, &cells);
        match (expected, found) {
            (Ok(values), Ok(sent)) => {
                let (mut wire, mut slot) = (Vec::new(), 0);
                values.iter().zip(&types).for_each(|(v, ty)| model::encode(v, ty, &mut wire, &mut slot));
                prop_assert_eq!(&guest.world().outgoing[..sent.payload], &wire[..]);
            }
            (Err(_), Err(AbiError::Guest(text))) => prop_assert!(text.starts_with("function `test`")),
            (expected, found) => prop_assert!(false, "{expected:?} but {found:?}"),
        }
    }

    /// Whatever stands in a message, lowering agrees with the model, and a message that is no
    /// value leaves the guest as it was.
    #[test]
    fn message(
        (types, given) in values::parameters(),
        changes in vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), 0..3_u8]), 0..4),
        cut in prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)],
        more in prop_oneof![4 => Just(Vec::new()), 1 => vec(any::<u8>(), 0..40)],
        came in vec((0..3_u32, any::<bool>()), 0..12),
    ) {
        let plan = plan(&types);
        let (mut wire, mut slot) = (Vec::new(), 0);
        given.iter().zip(&types).for_each(|(v, ty)| model::encode(v, ty, &mut wire, &mut slot));
        for (index, byte) in changes {
            if !wire.is_empty() {
                let at = index.index(wire.len());
                wire[at] = byte;
            }
        }
        if let Some(cut) = cut && !wire.is_empty() {
            wire.truncate(cut.index(wire.len()));
        }
        wire.extend(more);

        let mut guest = Guest::new(StringEncoding::Utf8);
        let came: Vec<_> = (0..).zip(came).map(|(number, (resource, own))| {
            let passing = if own { Passing::Own } else { Passing::Borrow };
            Some((ResourceId(resource), passing, 1000 + number))
        }).collect();
        guest.world().incoming.clone_from(&wire);
        guest.world().came.clone_from(&came);

        let mut left = came;
        let mut take = |ty: &Ty, index: u32| {
            let slot = left.get_mut(index as usize)?;
            let (resource, passing, number) = (*slot)?;
            let fits = match ty {
                Ty::Own(wanted) => passing == Passing::Own && resource.0 == *wanted,
                Ty::Borrow(wanted) => passing == Passing::Borrow && resource.0 == *wanted,
                other => panic!("{other:?} is not a handle"),
            };
            *slot = None;
            fits.then_some(number)
        };
        let mut rest = &wire[..];
        let expected: Option<Vec<Value>> =
            types.iter().map(|ty| model::decode(&mut rest, ty, &mut take)).collect();
        let expected = expected.filter(|_| rest.is_empty());

        let mut cells = [0; MAX_CELLS];
        let before = (guest.free(), guest.bytes());
        let found = plan.lower_parameters(&mut guest.store, &guest.options, &mut cells);
        match (expected, found) {
            (Some(values), Ok(_)) => {
                let memory = guest.bytes();
                let mut handle = |ty: &Ty, index: u32| match ty {
                    Ty::Borrow(resource) if *resource == HOME.0 => Ok(index),
                    Ty::Own(resource) | Ty::Borrow(resource) => {
                        let entry = guest.world().instance.handles().get(index, ResourceId(*resource));
                        Ok(entry.expect("in the table").rep)
                    }
                    other => panic!("{other:?} is not a handle"),
                };
                let mut model = model::Guest {
                    memory,
                    encoding: StringEncoding::Utf8,
                    free: 0,
                    budget: AREA as u64,
                    handle: &mut handle,
                };
                prop_assert_eq!(model.lift_values(16, &cells, &types), Ok(values));
            }
            (None, Err(AbiError::Message(text))) => {
                prop_assert!(text.starts_with("function `test`"));
                prop_assert_eq!(before, (guest.free(), guest.bytes()));
                prop_assert!(guest.world().instance.handles().is_empty());
            }
            (expected, found) => prop_assert!(false, "{expected:?} but {found:?}"),
        }
    }

    /// The same for a result, which is lowered without a check before.
    #[test]
    fn result((ty, given) in values::result(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let (types, function) = values::function(&[], Some(&ty));
        let plan = FunctionPlan::compile("test", &types, &function, &PlanLimits::default());
        let plan = plan.expect("compiles");
        let (mut wire, mut slot) = (Vec::new(), 0);
        model::encode(&given, &ty, &mut wire, &mut slot);
        for (index, byte) in changes {
            let at = index.index(wire.len());
            wire[at] = byte;
        }
        let mut guest = Guest::new(StringEncoding::Utf16);
        guest.set("free", 4096);
        let sent = plan.lift_parameters(&mut guest.store, &guest.options, &[1024]);
        let sent = sent.expect("no parameters");
        guest.world().incoming.clone_from(&wire);
        let mut number = 0;
        let mut take = |ty: &Ty, index: u32| match ty {
            Ty::Own(_) if index == number => { number += 1; Some(7) },
            _ => None,
        };
        let mut rest = &wire[..];
        let expected = model::decode(&mut rest, &ty, &mut take).filter(|_| rest.is_empty());
        // Slots in the order of the undamaged message, so that it can be right or wrong.
        let mut owned = Vec::new();
        handles(&given, &ty, &mut owned);
        guest.world().came = owned.into_iter().map(|id| Some((ResourceId(id), Passing::Own, 7))).collect();
        let found = plan.lower_result(&mut guest.store, &guest.options, sent, &[1024]);
        match (expected, found) {
            (Some(_), Ok(_)) | (None, Err(AbiError::Message(_))) => {}
            // A changed case or count meets other slots than the model assumes.
            (Some(_), Err(AbiError::Message(text))) => prop_assert!(text.contains("slot")),
            (None, Ok(_)) if slot > 0 => {}
            (expected, found) => prop_assert!(false, "{expected:?} but {found:?}"),
        }
    }
}

/// The resource types of the handles in a value, in order.
fn handles(value: &Value, ty: &Ty, out: &mut Vec<u32>) {
    match (value, ty) {
        (Value::Handle(_), Ty::Own(resource)) => out.push(*resource),
        (Value::List(values), Ty::List(element) | Ty::Map(element)) => {
            values.iter().for_each(|value| handles(value, element, out));
        }
        (Value::Record(values), _) => {
            let fields = values::fields(ty).expect("a record");
            values.iter().zip(fields).for_each(|(value, field)| handles(value, field, out));
        }
        (Value::Case(number, Some(value)), _) => {
            handles(value, values::payload(ty, *number).expect("a payload"), out);
        }
        _ => {}
    }
}
