//! Random values of random types from one guest through a message to another.

use atoll_runtime::{
    canonical::{FunctionPlan, MAX_CELLS, PlanLimits, StringEncoding},
    host::Passing,
    types::ResourceId,
};
use proptest::{prelude::*, sample::select};

use crate::{
    guest::{AREA, Guest, HOME},
    model::{self, Trap},
    values::{self, Ty, Value, config},
};

/// Where the guest's return area stands.
const RETURN_AREA: u64 = 1024;

fn encoding() -> impl Strategy<Value = StringEncoding> {
    select(vec![StringEncoding::Utf8, StringEncoding::Utf16, StringEncoding::Latin1OrUtf16])
}

fn plan(parameters: &[Ty], result: Option<&Ty>) -> FunctionPlan {
    let (types, function) = values::function(parameters, result);
    FunctionPlan::compile("test", &types, &function, &PlanLimits::default()).expect("compiles")
}

/// Resource type and passing of a handle type.
fn handle_type(ty: &Ty) -> (ResourceId, Passing) {
    match ty {
        Ty::Own(resource) => (ResourceId(*resource), Passing::Own),
        Ty::Borrow(resource) => (ResourceId(*resource), Passing::Borrow),
        other => panic!("{other:?} is not a handle"),
    }
}

/// Puts values into a guest as the model lowers them; returns the cells and the indices of handles.
fn place(
    guest: &mut Guest,
    max: usize,
    values: &[Value],
    types: &[Ty],
) -> (Vec<u64>, Vec<(Ty, u32)>) {
    let (memory, encoding) = (guest.bytes(), guest.options.encoding);
    let mut indices = Vec::new();
    let mut handle = |ty: &Ty, rep| {
        let index = guest.world().instance.add_own(handle_type(ty).0, rep).expect("room");
        indices.push((ty.clone(), index));
        Ok(index)
    };
    let mut model = model::Guest { memory, encoding, free: 2048, budget: 0, handle: &mut handle };
    let cells = model.lower_values(max, values, types);
    let memory = model.memory;
    guest.write(0, &memory);
    (cells, indices)
}

/// Reads values out of a guest as the model lifts them.
fn read(guest: &mut Guest, max: usize, cells: &[u64], types: &[Ty]) -> Result<Vec<Value>, Trap> {
    let (memory, encoding) = (guest.bytes(), guest.options.encoding);
    let mut handle = |ty: &Ty, index| match handle_type(ty) {
        (HOME, Passing::Borrow) => Ok(index),
        (resource, _) => {
            let entry = guest.world().instance.handles().get(index, resource);
            entry.map(|entry| entry.rep).map_err(|_| Trap("handle"))
        }
    };
    let mut model =
        model::Guest { memory, encoding, free: 0, budget: AREA as u64, handle: &mut handle };
    model.lift_values(max, cells, types)
}

fn signature_matches(plan: &FunctionPlan, types: &[Ty]) -> bool {
    let flat: Vec<_> = types.iter().flat_map(model::flatten).collect();
    let expected = if flat.len() > 16 { vec![model::Core::I32] } else { flat };
    let found = plan.lifted().parameters.iter().map(|ty| format!("{ty:?}"));
    found.eq(expected.iter().map(|ty| format!("{ty:?}")))
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn parameters(
        (types, given) in values::parameters(),
        from in encoding(),
        to in encoding(),
        free in select(vec![16, 4096, 262_000, 262_143]),
    ) {
        let plan = plan(&types, None);
        prop_assert!(signature_matches(&plan, &types));
        let (mut sender, mut receiver) = (Guest::new(from), Guest::new(to));
        receiver.set("free", free);

        let (cells, indices) = place(&mut sender, 16, &given, &types);
        prop_assume!(indices.len() <= 64);
        let sent = plan.lift_parameters(&mut sender.store, &sender.options, &cells);
        let sent = sent.expect("the guest is right");
        let (mut wire, mut slot) = (Vec::new(), 0);
        given.iter().zip(&types).for_each(|(value, ty)| model::encode(value, ty, &mut wire, &mut slot));
        prop_assert_eq!(&sender.world().outgoing[..sent.payload], &wire[..]);
        for (ty, index) in &indices {
            let (resource, passing) = handle_type(ty);
            let entry = sender.world().instance.handles().get(*index, resource);
            match passing {
                Passing::Own => prop_assert!(entry.is_err()),
                Passing::Borrow => prop_assert_eq!(entry.expect("only lent").lends, 1),
            }
        }

        receiver.receive(&mut sender, sent.payload);
        let mut cells = [0xBAD; MAX_CELLS];
        let entered = plan.lower_parameters(&mut receiver.store, &receiver.options, &mut cells);
        let entered = entered.expect("the message is right");
        let got = read(&mut receiver, 16, &cells, &types).expect("lowered right");
        prop_assert_eq!(got, given);

        // The call is over when the guest has dropped what was lent to it.
        let borrows = indices.iter().filter(|(ty, _)| matches!(ty, Ty::Borrow(id) if *id != HOME.0));
        let kept = borrows.count();
        let result = plan.lift_result(&mut receiver.store, &receiver.options, entered, &[]);
        prop_assert_eq!(result.is_err(), kept > 0);
        sender.world().incoming.clear();
        let result = plan.lower_result(&mut sender.store, &sender.options, sent, &[]);
        prop_assert_eq!(result.expect("no result"), None);
        for (ty, index) in indices.iter().filter(|(ty, _)| matches!(ty, Ty::Borrow(_))) {
            let resource = handle_type(ty).0;
            let lends = sender.world().instance.handles().get(*index, resource).expect("here").lends;
            prop_assert_eq!(lends, 0);
        }
    }

    #[test]
    fn result(
        (ty, given) in values::result(),
        from in encoding(),
        to in encoding(),
        free in select(vec![4096, 262_143]),
    ) {
        let types = std::slice::from_ref(&ty);
        let plan = plan(&[], Some(&ty));
        let (mut server, mut client) = (Guest::new(from), Guest::new(to));
        client.set("free", free);

        let mut none = [0; MAX_CELLS];
        let entered = plan.lower_parameters(&mut server.store, &server.options, &mut none);
        let (cells, indices) = place(&mut server, 1, std::slice::from_ref(&given), types);
        prop_assume!(indices.len() <= 64);
        let payload =
            plan.lift_result(&mut server.store, &server.options, entered.expect("empty"), &cells);
        let payload = payload.expect("the guest is right");

        let spilled = model::flatten(&ty).len() > 1;
        let arguments = if spilled { vec![RETURN_AREA] } else { Vec::new() };
        prop_assert_eq!(plan.lowered().parameters.len(), arguments.len());
        prop_assert_eq!(plan.lowered().results.len(), usize::from(!spilled));
        let sent = plan.lift_parameters(&mut client.store, &client.options, &arguments);
        let sent = sent.expect("no parameters");
        client.receive(&mut server, payload);
        let cell = plan.lower_result(&mut client.store, &client.options, sent, &arguments);
        let cells = match cell.expect("the message is right") {
            Some(cell) => vec![cell],
            None => arguments,
        };
        prop_assert_eq!(read(&mut client, 1, &cells, types).expect("lowered right"), vec![given]);
    }
}
