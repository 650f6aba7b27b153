//! Random traffic of handles between component instances of one domain, against a model.
//!
//! A server implements a resource, two clients hold and pass handles to it: they make objects, read
//! them, give them back, give them or lend them to each other and drop them. An object may keep
//! another one, whose handle its destructor drops. The model knows every table; in the end every
//! object must have been ended exactly once.

use std::collections::BTreeMap;

use atoll_runtime::Instance;
use proptest::{collection::vec, prelude::*};

use crate::{
    instances::{self, Nowhere},
    values::config,
};

/// Most objects in one run.
const OBJECTS: u32 = 64;

/// Keeps for each object how often it was ended, and the handle of the object that it keeps.
const SERVER: &str = r#"
  (component $server
    (core module $state (memory (export "memory") 1))
    (core instance $state (instantiate $state))
    (core module $shim
      (table (export "t") 1 funcref)
      (type $end (func (param i32)))
      (func (export "end") (param i32)
        (call_indirect (type $end) (local.get 0) (i32.const 0))))
    (core instance $shim (instantiate $shim))
    (type $r' (resource (rep i32) (dtor (core func $shim "end"))))
    (export $r "r" (type $r'))
    (core func $new (canon resource.new $r'))
    (core func $rep (canon resource.rep $r'))
    (core func $drop (canon resource.drop $r'))
    (core module $main
      (import "s" "memory" (memory 1))
      (import "shim" "t" (table 1 funcref))
      (import "r" "new" (func $new (param i32) (result i32)))
      (import "r" "rep" (func $rep (param i32) (result i32)))
      (import "r" "drop" (func $drop (param i32)))
      (type $end (func (param i32)))
      (func $end (type $end) (local $at i32) (local $kept i32)
        (local.set $at (i32.shl (local.get 0) (i32.const 3)))
        (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1)))
        (local.set $kept (i32.load offset=4 (local.get $at)))
        (if (local.get $kept) (then
          (i32.store offset=4 (local.get $at) (i32.const 0))
          (call $drop (local.get $kept)))))
      (elem (table 0) (i32.const 0) func $end)
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "wrap") (param i32 i32) (result i32)
        (i32.store offset=4 (i32.shl (local.get 0) (i32.const 3)) (local.get 1))
        (call $new (local.get 0)))
      (func (export "read") (param i32) (result i32) (local.get 0))
      (func (export "eat") (param i32) (result i32)
        (call $rep (local.get 0)) (call $drop (local.get 0)))
      (func (export "ended") (param i32) (result i32)
        (i32.load (i32.shl (local.get 0) (i32.const 3)))))
    (core instance $main (instantiate $main
      (with "s" (instance $state)) (with "shim" (instance $shim))
      (with "r" (instance (export "new" (func $new)) (export "rep" (func $rep))
        (export "drop" (func $drop))))))
    (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $main "make")))
    (func (export "wrap") (param "n" u32) (param "r" (own $r)) (result (own $r))
      (canon lift (core func $main "wrap")))
    (func (export "read") (param "r" (borrow $r)) (result u32)
      (canon lift (core func $main "read")))
    (func (export "eat") (param "r" (own $r)) (result u32) (canon lift (core func $main "eat")))
    (func (export "ended") (param "n" u32) (result u32) (canon lift (core func $main "ended"))))
"#;

/// Holds handles by index, as the test says.
const CLIENT: &str = r#"
  (component $client
    (import "r" (type $r (sub resource)))
    (import "make" (func $make (param "n" u32) (result (own $r))))
    (import "wrap" (func $wrap (param "n" u32) (param "r" (own $r)) (result (own $r))))
    (import "read" (func $read (param "r" (borrow $r)) (result u32)))
    (import "eat" (func $eat (param "r" (own $r)) (result u32)))
    (import "peer-take" (func $give (param "r" (own $r)) (result u32)))
    (import "peer-look" (func $lend (param "r" (borrow $r)) (result u32)))
    (core func $make (canon lower (func $make)))
    (core func $wrap (canon lower (func $wrap)))
    (core func $read (canon lower (func $read)))
    (core func $eat (canon lower (func $eat)))
    (core func $give (canon lower (func $give)))
    (core func $lend (canon lower (func $lend)))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "i" "make" (func $make (param i32) (result i32)))
      (import "i" "wrap" (func $wrap (param i32 i32) (result i32)))
      (import "i" "read" (func $read (param i32) (result i32)))
      (import "i" "eat" (func $eat (param i32) (result i32)))
      (import "i" "give" (func $give (param i32) (result i32)))
      (import "i" "lend" (func $lend (param i32) (result i32)))
      (import "i" "drop" (func $drop (param i32)))
      (export "make" (func $make)) (export "wrap" (func $wrap)) (export "read" (func $read))
      (export "eat" (func $eat)) (export "give" (func $give)) (export "lend" (func $lend))
      (func (export "let-go") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 0))
      (func (export "take") (param i32) (result i32) (local.get 0))
      (func (export "look") (param i32) (result i32)
        (call $read (local.get 0)) (call $drop (local.get 0))))
    (core instance $m (instantiate $m (with "i" (instance
      (export "make" (func $make)) (export "wrap" (func $wrap)) (export "read" (func $read))
      (export "eat" (func $eat)) (export "give" (func $give)) (export "lend" (func $lend))
      (export "drop" (func $drop))))))
    (func (export "make") (param "n" u32) (result u32) (canon lift (core func $m "make")))
    (func (export "wrap") (param "n" u32) (param "i" u32) (result u32)
      (canon lift (core func $m "wrap")))
    (func (export "read") (param "i" u32) (result u32) (canon lift (core func $m "read")))
    (func (export "eat") (param "i" u32) (result u32) (canon lift (core func $m "eat")))
    (func (export "give") (param "i" u32) (result u32) (canon lift (core func $m "give")))
    (func (export "lend") (param "i" u32) (result u32) (canon lift (core func $m "lend")))
    (func (export "let-go") (param "i" u32) (result u32) (canon lift (core func $m "let-go")))
    (func (export "take") (param "r" (own $r)) (result u32) (canon lift (core func $m "take")))
    (func (export "look") (param "r" (borrow $r)) (result u32)
      (canon lift (core func $m "look"))))
"#;

const FUNCTIONS: [&str; 7] = ["make", "wrap", "read", "eat", "give", "lend", "let-go"];

/// Server and two clients. The second client's peer is the server itself.
fn component() -> String {
    let with = |client: &str, take: &str, look: &str| {
        format!(
            r#"(instance ${client} (instantiate $client (with "r" (type $r))
            (with "make" (func $s "make")) (with "wrap" (func $s "wrap"))
            (with "read" (func $s "read")) (with "eat" (func $s "eat"))
            (with "peer-take" {take}) (with "peer-look" {look})))"#
        )
    };
    let exports: String = ["one", "two"]
        .into_iter()
        .flat_map(|client| FUNCTIONS.map(|function| (client, function)))
        .map(|(client, function)| {
            format!(r#"(export "{client}-{function}" (func ${client} "{function}"))"#)
        })
        .collect();
    format!(
        r#"(component {SERVER} {CLIENT}
        (instance $s (instantiate $server))
        (alias export $s "r" (type $r))
        {two} {one} {exports} (export "ended" (func $s "ended")))"#,
        two = with("two", r#"(func $s "eat")"#, r#"(func $s "read")"#),
        one = with("one", r#"(func $two "take")"#, r#"(func $two "look")"#),
    )
}

#[derive(Clone, Copy, Debug)]
struct Step {
    function: usize,
    second: bool,
    index: u32,
}

fn step() -> impl Strategy<Value = Step> {
    // Making twice as often as the others, so that tables fill.
    let function = prop_oneof![2 => Just(0_usize), 5 => 1..FUNCTIONS.len()];
    (function, any::<bool>(), any::<prop::sample::Index>(), 0..40_u8).prop_map(
        |(function, second, index, wild)| {
            // Now and then an index that nobody has.
            let index = if wild == 0 { 77 } else { index.index(1000) as u32 };
            Step { function, second, index }
        },
    )
}

/// A handle table: objects by index, and the indices that are free, the last freed last.
#[derive(Default)]
struct Table {
    held: BTreeMap<u32, u32>,
    free: Vec<u32>,
}

impl Table {
    fn add(&mut self, object: u32) -> u32 {
        let fresh = self.held.len() as u32 + 1;
        let index = self.free.pop().unwrap_or(fresh);
        assert!(self.held.insert(index, object).is_none());
        index
    }

    fn take(&mut self, index: u32) -> Option<u32> {
        let object = self.held.remove(&index)?;
        self.free.push(index);
        Some(object)
    }
}

/// What the specification says of tables and lives.
#[derive(Default)]
struct Model {
    /// The two clients' and the server's.
    tables: [Table; 3],
    /// What an object keeps: an index of the server's table.
    kept: BTreeMap<u32, u32>,
    ended: BTreeMap<u32, u32>,
    made: u32,
}

const SERVERS: usize = 2;

impl Model {
    fn end(&mut self, object: u32) {
        *self.ended.entry(object).or_default() += 1;
        if let Some(index) = self.kept.remove(&object) {
            let inner = self.tables[SERVERS].take(index).expect("kept");
            self.end(inner);
        }
    }

    fn make(&mut self) -> u32 {
        self.made += 1;
        self.made - 1
    }

    /// What a call gives back; `None` when it traps.
    fn call(&mut self, client: usize, function: &str, index: u32) -> Option<u32> {
        if function == "make" {
            let object = self.make();
            return Some(self.tables[client].add(object));
        }
        let object = *self.tables[client].held.get(&index)?;
        match function {
            "read" => {}
            // What is lent to the other client has an index there until it is dropped.
            "lend" if client == 0 => {
                let index = self.tables[1].add(object);
                self.tables[1].take(index);
            }
            "lend" => {}
            "give" if client == 0 => {
                self.tables[0].take(index);
                return Some(self.tables[1].add(object));
            }
            "eat" | "give" => {
                self.tables[client].take(index);
                let index = self.tables[SERVERS].add(object);
                self.tables[SERVERS].take(index);
                self.end(object);
            }
            "wrap" => {
                self.tables[client].take(index);
                let kept = self.tables[SERVERS].add(object);
                let outer = self.make();
                self.kept.insert(outer, kept);
                // The server's own handle to what it made, which it returns.
                let passing = self.tables[SERVERS].add(outer);
                self.tables[SERVERS].take(passing);
                return Some(self.tables[client].add(outer));
            }
            "let-go" => {
                self.tables[client].take(index);
                self.end(object);
                return Some(0);
            }
            other => panic!("{other}"),
        }
        Some(object)
    }
}

fn invoke(
    instance: &mut Instance<Nowhere>,
    client: usize,
    function: &str,
    arguments: &[u32],
) -> Result<u32, String> {
    let name = format!("{}-{function}", ["one", "two"][client]);
    number(instance, &name, arguments)
}

fn number(instance: &mut Instance<Nowhere>, name: &str, arguments: &[u32]) -> Result<u32, String> {
    let message: Vec<u8> = arguments.iter().flat_map(|number| number.to_le_bytes()).collect();
    let result = instances::call(instance, name, &message)?;
    Ok(u32::from_le_bytes(result.try_into().expect("a number")))
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn objects_end_once(steps in vec(step(), 0..60)) {
        let mut instance = instances::start(&component());
        let mut model = Model { made: 1, ..Model::default() };
        for Step { function, second, index } in steps {
            let (client, function) = (usize::from(second), FUNCTIONS[function]);
            let held: Vec<u32> = model.tables[client].held.keys().copied().collect();
            let index = match (index, held.len()) {
                (77, _) | (_, 0) => 77,
                (index, len) => held[index as usize % len],
            };
            let fresh = model.made;
            prop_assume!(fresh < OBJECTS);
            let arguments = match function {
                "make" => vec![fresh],
                "wrap" => vec![fresh, index],
                _ => vec![index],
            };
            let expected = model.call(client, function, index);
            let found = invoke(&mut instance, client, function, &arguments);
            match expected {
                Some(expected) => prop_assert_eq!(found, Ok(expected), "{} {}", function, index),
                None => {
                    let trap = found.expect_err("no such handle");
                    prop_assert!(trap.contains("unknown handle index"), "{trap}");
                    return Ok(());
                }
            }
        }
        for client in [0, 1] {
            let held: Vec<u32> = model.tables[client].held.keys().copied().collect();
            for index in held {
                model.call(client, "let-go", index);
                prop_assert_eq!(invoke(&mut instance, client, "let-go", &[index]), Ok(0));
            }
        }
        for object in 1..model.made {
            prop_assert_eq!(model.ended.get(&object), Some(&1), "the model's object {}", object);
            prop_assert_eq!(number(&mut instance, "ended", &[object]), Ok(1), "object {}", object);
        }
    }
}
