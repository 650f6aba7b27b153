//! Which moves values have. That moving by them gives the right values is a property of
//! `tests/canonical`.

use Kind::{Bool, Case, Char, Copy, Flags};
use alloc::{string::String, vec, vec::Vec};

use super::{Kind, Move, Moves};
use crate::{
    canonical::{PlanLimits, compile::Compiler},
    types::{Definition, Types, ValueType},
};

/// The moves of a value of a type that `define` adds.
fn moves(define: impl FnOnce(&mut Types) -> Definition) -> Option<Moves> {
    let mut types = Types::new();
    let definition = define(&mut types);
    let id = types.add(definition);
    let mut compiler = Compiler::new(&types, PlanLimits::default());
    let node = compiler.value(ValueType::Defined(id)).expect("compiles");
    Moves::of(compiler.node(node).expect("just made"))
}

fn tuple(elements: Vec<ValueType>) -> Option<Moves> {
    moves(|_| Definition::Tuple(elements))
}

/// Where in memory, where in the message, and what.
fn list(moves: &Moves) -> Vec<(u32, u32, Kind)> {
    moves.list.iter().map(|Move { memory, wire, kind }| (*memory, *wire, *kind)).collect()
}

#[test]
fn neighbours_are_copied_together_in_pieces_of_one_instruction() {
    use ValueType::{U8, U16, U32, U64};
    // Padding in front of the last field, so that it is not one copy of a plain record.
    let pieces = |mut bytes: Vec<ValueType>| {
        bytes.insert(0, ValueType::Bool);
        let moves = tuple(bytes).expect("few");
        list(&moves).into_iter().skip(1).map(|(_, _, kind)| kind).collect::<Vec<_>>()
    };
    assert_eq!(pieces(vec![U8; 1]), [Copy(1)]);
    assert_eq!(pieces(vec![U8; 3]), [Copy(2), Copy(1)]);
    assert_eq!(pieces(vec![U8; 7]), [Copy(4), Copy(2), Copy(1)]);
    assert_eq!(pieces(vec![U8; 15]), [Copy(8), Copy(4), Copy(2), Copy(1)]);
    assert_eq!(pieces(vec![U8; 16]), [Copy(16)]);
    assert_eq!(pieces(vec![U8; 21]), [Copy(21)]);

    // Memory: 0, 2, 4, 8, 16. Message: 0, 1, 3, 7, 11.
    let gaps = tuple(vec![U8, U16, U32, U32, U64]).expect("few");
    assert_eq!(
        list(&gaps),
        [(0, 0, Copy(1)), (2, 1, Copy(8)), (10, 9, Copy(2)), (16, 11, Copy(8))]
    );
    assert_eq!((gaps.width, gaps.size, gaps.checks), (19, 24, false));
}

#[test]
fn what_differs_in_the_message_has_a_move_of_its_own() {
    let mixed = moves(|types| {
        let case = types.add(Definition::Enum(vec![String::from("a"), String::from("b")]));
        let flags = types.add(Definition::Flags(vec![String::from("a"); 1]));
        Definition::Tuple(vec![
            ValueType::U8,
            ValueType::Char,
            ValueType::Defined(case),
            ValueType::Bool,
            ValueType::Defined(flags),
        ])
    });
    let mixed = mixed.expect("few");
    let expected = [
        (0, 0, Copy(1)),
        (4, 1, Char),
        (8, 5, Case { cases: 2, size: 1 }),
        (9, 9, Bool),
        (10, 10, Flags { mask: 1, size: 1 }),
    ];
    assert_eq!(list(&mixed), expected);
    assert_eq!((mixed.width, mixed.size, mixed.checks), (14, 12, true));
}

#[test]
fn bytes_that_are_neighbours_in_one_form_only_stay_apart() {
    // Neighbours in the message: padding is between them in memory.
    let gap = tuple(vec![ValueType::U8, ValueType::U16]).expect("few");
    assert_eq!(list(&gap), [(0, 0, Copy(1)), (2, 1, Copy(2))]);
    // Neighbours in memory: the enum before takes a word of the message.
    let parts = [(0, Moves { width: 1, size: 1, list: vec![one(0, 0)].into(), checks: false })];
    let twice = Moves::gather(2, parts.clone().into_iter().chain([(1, parts[0].1.clone())]));
    assert_eq!(list(&twice.expect("few")), [(0, 0, Copy(2))]);
    let wide = Moves { width: 2, ..parts[0].1.clone() };
    let twice = Moves::gather(2, [(0, wide), (1, parts[0].1.clone())]).expect("few");
    assert_eq!(list(&twice), [(0, 0, Copy(1)), (1, 2, Copy(1))]);
}

fn one(memory: u32, wire: u32) -> Move {
    Move { memory, wire, kind: Copy(1) }
}
