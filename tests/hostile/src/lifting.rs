//! Guest memory, cells and `realloc` under attack while values are lifted and lowered.
//!
//! An input makes a function type and a right message of it. The message is lowered into the guest
//! by whatever `realloc` the input wants; what then stands in memory and cells is damaged and
//! lifted, several times. Two promises are checked beside the absence of panics: lowering writes
//! only where `realloc` pointed, and what could be lifted is a message that a receiver accepts.

use atoll_runtime::{
    canonical::{AbiError, FunctionPlan, MAX_CELLS, PlanLimits, Sent, StringEncoding},
    types::{FunctionType, Types, ValueType},
};

use crate::{
    choices::Choices,
    counts,
    guest::{AREA, Guest, PAGE, with_fresh},
    types::{self, Handles},
};

/// How often one function is attacked in an input.
const ROUNDS: u32 = 8;
/// How often a value that was lowered is damaged and lifted.
const LIFTS: u32 = 12;

pub(crate) fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut types = Types::new();
    let function = types::function(&mut types, &mut choices, Handles::All);
    let compile = |function: &FunctionType| {
        FunctionPlan::compile("f", &types, function, &PlanLimits::default())
    };
    let answering = FunctionType { parameters: Vec::new(), ..function.clone() };
    let (Ok(plan), Ok(answering)) = (compile(&function), compile(&answering)) else {
        return counts::add("functions refused", 1);
    };
    counts::add("functions compiled", 1);
    let attack = Attack { types, function, plan, answering };
    with_fresh(|guest| {
        for round in 0..ROUNDS {
            if round > 0 && choices.is_empty() {
                return;
            }
            guest.options.encoding = choices.pick(&[
                StringEncoding::Utf8,
                StringEncoding::Utf16,
                StringEncoding::Latin1OrUtf16,
            ]);
            match choices.byte() {
                0..=127 => attack.parameters(guest, &mut choices),
                _ => attack.result(guest, &mut choices),
            }
        }
    });
}

struct Attack {
    types: Types,
    function: FunctionType,
    plan: FunctionPlan,
    /// Without the parameters.
    answering: FunctionPlan,
}

impl Attack {
    /// A message of values of these types, damaged now and then.
    fn message(&self, values: &[ValueType], choices: &mut Choices<'_>) -> Vec<u8> {
        let mut message = types::message(&self.types, values.iter().copied(), choices);
        if choices.chance(64) {
            types::damage(&mut message, choices);
        }
        message
    }

    fn parameters(&self, guest: &mut Guest, choices: &mut Choices<'_>) {
        let values: Vec<_> = self.function.parameters.iter().map(|(_, ty)| *ty).collect();
        let message = self.message(&values, choices);
        let mut cells = [0; MAX_CELLS];
        let Some(()) = lower(guest, message, choices, |guest| {
            let entered =
                self.plan.lower_parameters(&mut guest.store, &guest.options, &mut cells)?;
            // Nothing is lent to it for longer than this.
            let _ = self.plan.lift_result(&mut guest.store, &guest.options, entered, &[0]);
            Ok(())
        }) else {
            return;
        };
        let mut damaged = false;
        for number in 0..LIFTS {
            if number > 0 && choices.is_empty() {
                return;
            }
            damaged |= damage(guest, &mut cells, choices);
            guest.world().next_message();
            count(damaged);
            let sent = self.plan.lift_parameters(&mut guest.store, &guest.options, &cells);
            let Some(sent) = sound(sent) else { continue };
            counts::add("lifts that gave a message", 1);
            let payload = sent.payload;
            self.end(guest, sent);
            self.accepted(guest, payload);
        }
    }

    /// Ends an outgoing call whose result is of no interest.
    fn end(&self, guest: &mut Guest, sent: Sent) {
        guest.world().incoming.clear();
        let _ = self.plan.lower_result(&mut guest.store, &guest.options, sent, &[0; MAX_CELLS]);
    }

    /// What was lifted can be lowered.
    fn accepted(&self, guest: &mut Guest, payload: usize) {
        let world = guest.world();
        assert!(payload <= AREA, "a message of {payload} bytes");
        let message = world.outgoing[..payload].to_vec();
        let mut cells = [0; MAX_CELLS];
        world.tricks.clear();
        world.next_message();
        world.incoming = message;
        counts::add("lowers", 1);
        match self.plan.lower_parameters(&mut guest.store, &guest.options, &mut cells) {
            Ok(entered) => {
                let _ = self.plan.lift_result(&mut guest.store, &guest.options, entered, &[0]);
            }
            Err(AbiError::Message(text)) => assert!(
                text.contains("room for") || text.contains("too long for memory"),
                "what was lifted is refused: {text}"
            ),
            Err(_) => {}
        }
    }

    fn result(&self, guest: &mut Guest, choices: &mut Choices<'_>) {
        let (Some(ty), plan) = (self.function.result, &self.answering) else { return };
        let message = self.message(&[ty], choices);
        let pointer = choices.pick(&[32, 32, 32, PAGE - 8, PAGE - 1, PAGE, 0xFFFF_FFF8, 33]);
        let mut cells = [u64::from(pointer); MAX_CELLS];
        let lowered = lower(guest, message, choices, |guest| {
            let start = pointer as usize;
            let end = guest.memory.data(&guest.store).len();
            guest.world().given.push(start..end.max(start));
            let sent = plan.lift_parameters(&mut guest.store, &guest.options, &cells)?;
            plan.lower_result(&mut guest.store, &guest.options, sent, &cells)
        });
        let Some(cell) = lowered else { return };
        cells[0] = cell.unwrap_or(u64::from(pointer));
        let mut damaged = false;
        for number in 0..LIFTS {
            if number > 0 && choices.is_empty() {
                return;
            }
            damaged |= damage(guest, &mut cells, choices);
            let world = guest.world();
            world.next_message();
            world.incoming.clear();
            let mut none = [0; MAX_CELLS];
            let entered = plan.lower_parameters(&mut guest.store, &guest.options, &mut none);
            let entered = entered.expect("an empty message has no parameters");
            count(damaged);
            let lifted = plan.lift_result(&mut guest.store, &guest.options, entered, &cells[..1]);
            if let Some(payload) = sound(lifted) {
                counts::add("lifts that gave a message", 1);
                assert!(payload <= AREA, "a message of {payload} bytes");
            }
        }
    }
}

/// Lowers a message with a `realloc` of the input's choice, and checks that nothing was written
/// but where it pointed. `None` when lowering failed.
fn lower<T>(
    guest: &mut Guest,
    message: Vec<u8>,
    choices: &mut Choices<'_>,
    run: impl FnOnce(&mut Guest) -> Result<T, AbiError>,
) -> Option<T> {
    let before = guest.memory.data(&guest.store).to_vec();
    let world = guest.world();
    world.given.clear();
    world.next_message();
    world.incoming = message;
    world.tricks = if choices.chance(96) { choices.take(8).to_vec() } else { Vec::new() };
    counts::add("lowers", 1);
    let lowered = sound(run(guest));
    only_where_given(before, guest);
    if lowered.is_some() {
        counts::add("lowers that gave a value", 1);
    }
    lowered
}

/// Checks that memory is as before where nothing was given, and zero where it grew.
fn only_where_given(mut before: Vec<u8>, guest: &Guest) {
    let after = guest.memory.data(&guest.store);
    before.resize(after.len(), 0);
    for range in &guest.store.data().given {
        let range = range.start..range.end.min(after.len());
        if let (Some(to), Some(from)) = (before.get_mut(range.clone()), after.get(range)) {
            to.copy_from_slice(from);
        }
    }
    // Comparing slices is fast where finding the place is not.
    if before != after {
        let at = before.iter().zip(after).position(|(old, new)| old != new);
        panic!("lowering wrote to {at:x?}, given were {:x?}", guest.store.data().given);
    }
}

/// What marshalling came to; an error has a text.
fn sound<T>(outcome: Result<T, AbiError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(AbiError::Wasm(_)) => None,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("function `f`"), "{text}");
            None
        }
    }
}

fn count(damaged: bool) {
    counts::add("lifts", 1);
    counts::add("lifts of damaged values", u64::from(damaged));
}

/// Damages cells and what was written to memory, if the input wants it.
fn damage(guest: &mut Guest, cells: &mut [u64; MAX_CELLS], choices: &mut Choices<'_>) -> bool {
    let (in_cells, in_memory) = (choices.below(4), choices.below(12));
    for _ in 0..in_cells {
        let cell = choices.below(6) as usize;
        let high = if choices.chance(32) { u64::from(choices.word()) << 32 } else { 0 };
        cells[cell] = u64::from(choices.number()) | high;
    }
    let given = guest.store.data().given.clone();
    let memory = guest.memory.data_mut(&mut guest.store);
    for _ in 0..in_memory {
        let range = match given.len() {
            0 => 32..256,
            len => given[choices.below(len as u32) as usize].clone(),
        };
        let len = range.end.saturating_sub(range.start).clamp(1, 4096);
        let at = range.start.saturating_add(choices.below(len as u32) as usize) & !3;
        if let Some(word) = memory.get_mut(at..at.saturating_add(4)) {
            word.copy_from_slice(&choices.number().to_le_bytes());
        }
    }
    in_cells + in_memory > 0
}
