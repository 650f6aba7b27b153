//! Several domains that call each other, without a kernel.

mod common;

use common::{System, wire, wire_bytes, wit};

const ADDER: &str = "
    package test:adder@1.2.0;
    interface calc {
        enum error { empty, peer-restarted }
        add: func(a: u32, b: u32) -> u32;
        widen: func(values: list<u32>, by: u64) -> list<u64>;
        greet: func(name: string) -> result<string, error>;
        die: func() -> u32;
    }
    world server { export calc; }
    world client {
        import calc;
        export run-add: func(a: u32, b: u32) -> u32;
        export run-greet: func(name: string) -> result<string, calc-error>;
        export run-die: func() -> u32;
        use calc.{error as calc-error};
    }
";

fn adder() -> Vec<u8> {
    let core = format!(
        r#"(module {allocator}
        (data (i32.const 16) "hello ")
        (func (export "test:adder/calc@1.2.0#add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1)))
        (func (export "test:adder/calc@1.2.0#die") (result i32) unreachable)
        (func (export "test:adder/calc@1.2.0#widen")
              (param $from i32) (param $count i32) (param $by i64) (result i32)
            (local $to i32) (local $i i32)
            (local.set $to (call $realloc (i32.const 0) (i32.const 0) (i32.const 8)
                                          (i32.mul (local.get $count) (i32.const 8))))
            (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
                (i64.store (i32.add (local.get $to) (i32.mul (local.get $i) (i32.const 8)))
                    (i64.mul (local.get $by) (i64.load32_u
                        (i32.add (local.get $from) (i32.mul (local.get $i) (i32.const 4))))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $next)))
            (i32.store (i32.const 100) (local.get $to))
            (i32.store (i32.const 104) (local.get $count))
            (i32.const 100))
        (func (export "test:adder/calc@1.2.0#greet") (param $at i32) (param $len i32) (result i32)
            (if (i32.eqz (local.get $len)) (then
                (i32.store8 (i32.const 200) (i32.const 1))
                (i32.store8 (i32.const 204) (i32.const 0))
                (return (i32.const 200))))
            (memory.copy (i32.const 22) (local.get $at) (local.get $len))
            (i32.store8 (i32.const 200) (i32.const 0))
            (i32.store (i32.const 204) (i32.const 16))
            (i32.store (i32.const 208) (i32.add (local.get $len) (i32.const 6)))
            (i32.const 200))
        (func (export "cabi_post_test:adder/calc@1.2.0#greet") (param i32)
            (i32.store8 (local.get 0) (i32.const 0))))"#,
        allocator = wit::ALLOCATOR
    );
    wit::component(ADDER, "server", &core)
}

fn adder_client() -> Vec<u8> {
    let core = format!(
        r#"(module
        (import "test:adder/calc@1.2.0" "add" (func $add (param i32 i32) (result i32)))
        (import "test:adder/calc@1.2.0" "greet" (func $greet (param i32 i32 i32)))
        (import "test:adder/calc@1.2.0" "die" (func $die (result i32)))
        {allocator}
        (func (export "run-add") (param i32 i32) (result i32)
            (call $add (local.get 0) (local.get 1)))
        (func (export "run-die") (result i32) (call $die))
        (func (export "run-greet") (param i32 i32) (result i32)
            (call $greet (local.get 0) (local.get 1) (i32.const 300))
            (i32.const 300)))"#,
        allocator = wit::ALLOCATOR
    );
    wit::component(ADDER, "client", &core)
}

#[test]
fn flat_values_cross_domains() {
    let system = System::new();
    system.start(&adder());
    let client = system.start(&adder_client());
    assert_eq!(client.call("$root", "run-add", &wire(&[40, 2])), wire(&[42]));
    assert_eq!(client.call("$root", "run-add", &wire(&[u32::MAX, 2])), wire(&[1]));
}

#[test]
fn lists_of_other_widths_come_back() {
    let system = System::new();
    let server = system.start(&adder());
    let mut parameters = wire(&[3, 1, 2, u32::MAX]);
    parameters.extend_from_slice(&10u64.to_le_bytes());
    let mut expected = wire(&[3]);
    for number in [10, 20, u64::from(u32::MAX) * 10] {
        expected.extend_from_slice(&number.to_le_bytes());
    }
    assert_eq!(server.call("test:adder/calc@1.2.0", "widen", &parameters), expected);
}

#[test]
fn strings_and_errors_cross_domains() {
    let system = System::new();
    system.start(&adder());
    let client = system.start(&adder_client());
    let mut expected = wire(&[0]);
    expected.extend_from_slice(&wire_bytes("hello Ω".as_bytes()));
    assert_eq!(client.call("$root", "run-greet", &wire_bytes("Ω".as_bytes())), expected);
    assert_eq!(client.call("$root", "run-greet", &wire_bytes(b"")), wire(&[1, 0]));
}

#[test]
fn a_dead_peer_is_an_error_where_the_type_has_one_and_a_trap_elsewhere() {
    let system = System::new();
    system.start(&adder());
    let client = system.start(&adder_client());
    let trap = client.try_call("$root", "run-die", &[]).unwrap_err();
    assert!(trap.contains("die") && trap.contains("restarted"), "{trap}");
    // The server is dead from now on.
    let client = system.start(&adder_client());
    assert_eq!(client.call("$root", "run-greet", &wire_bytes(b"x")), wire(&[1, 1]));
}

const COUNTERS: &str = "
    package test:counters@0.1.0;
    interface api {
        resource counter {
            constructor(start: u32);
            add: func(amount: u32) -> u32;
        }
        peek: func(c: borrow<counter>) -> u32;
        living: func() -> u32;
    }
    interface keeper {
        use api.{counter};
        keep: func(c: counter);
        bump: func(amount: u32) -> u32;
        give: func() -> counter;
        lend: func(c: borrow<counter>) -> u32;
        hoard: func(c: borrow<counter>);
    }
    world server { export api; }
    world middle { import api; export keeper; }
    world client {
        import api;
        import keeper;
        export make: func(start: u32) -> u32;
        export keep: func(handle: u32);
        export give: func() -> u32;
        export bump: func(amount: u32) -> u32;
        export lend: func(handle: u32) -> u32;
        export hoard: func(handle: u32);
        export add: func(handle: u32, amount: u32) -> u32;
        export drop: func(handle: u32);
        export living: func() -> u32;
    }
";

fn counter_server() -> Vec<u8> {
    let core = format!(
        r#"(module
        (import "[export]test:counters/api@0.1.0" "[resource-new]counter"
            (func $new (param i32) (result i32)))
        (import "[export]test:counters/api@0.1.0" "[resource-rep]counter"
            (func $rep (param i32) (result i32)))
        {allocator}
        (global $living (mut i32) (i32.const 0))
        (func (export "test:counters/api@0.1.0#[constructor]counter") (param $start i32) (result i32)
            (local $rep i32)
            (local.set $rep (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4)))
            (i32.store (local.get $rep) (local.get $start))
            (global.set $living (i32.add (global.get $living) (i32.const 1)))
            (call $new (local.get $rep)))
        (func (export "test:counters/api@0.1.0#[method]counter.add")
              (param $rep i32) (param $amount i32) (result i32)
            (i32.store (local.get $rep)
                (i32.add (i32.load (local.get $rep)) (local.get $amount)))
            (i32.load (local.get $rep)))
        (func (export "test:counters/api@0.1.0#peek") (param $rep i32) (result i32)
            (i32.load (local.get $rep)))
        (func (export "test:counters/api@0.1.0#living") (result i32) (global.get $living))
        (func (export "test:counters/api@0.1.0#[dtor]counter") (param $rep i32)
            (i32.store (local.get $rep) (i32.const 0xdead))
            (global.set $living (i32.sub (global.get $living) (i32.const 1)))))"#,
        allocator = wit::ALLOCATOR
    );
    wit::component(COUNTERS, "server", &core)
}

fn counter_middle() -> Vec<u8> {
    let core = r#"(module
        (import "test:counters/api@0.1.0" "[method]counter.add"
            (func $add (param i32 i32) (result i32)))
        (import "test:counters/api@0.1.0" "peek" (func $peek (param i32) (result i32)))
        (import "test:counters/api@0.1.0" "[resource-drop]counter" (func $drop (param i32)))
        (global $kept (mut i32) (i32.const 0))
        (func (export "test:counters/keeper@0.1.0#keep") (param i32)
            (global.set $kept (local.get 0)))
        (func (export "test:counters/keeper@0.1.0#bump") (param i32) (result i32)
            (call $add (global.get $kept) (local.get 0)))
        (func (export "test:counters/keeper@0.1.0#give") (result i32) (global.get $kept))
        (func (export "test:counters/keeper@0.1.0#lend") (param i32) (result i32)
            (local $seen i32)
            (local.set $seen (call $peek (local.get 0)))
            (call $drop (local.get 0))
            (local.get $seen))
        (func (export "test:counters/keeper@0.1.0#hoard") (param i32)))"#;
    wit::component(COUNTERS, "middle", core)
}

fn counter_client() -> Vec<u8> {
    let core = r#"(module
        (import "test:counters/api@0.1.0" "[constructor]counter" (func $new (param i32) (result i32)))
        (import "test:counters/api@0.1.0" "[method]counter.add"
            (func $add (param i32 i32) (result i32)))
        (import "test:counters/api@0.1.0" "[resource-drop]counter" (func $drop (param i32)))
        (import "test:counters/api@0.1.0" "living" (func $living (result i32)))
        (import "test:counters/keeper@0.1.0" "keep" (func $keep (param i32)))
        (import "test:counters/keeper@0.1.0" "give" (func $give (result i32)))
        (import "test:counters/keeper@0.1.0" "bump" (func $bump (param i32) (result i32)))
        (import "test:counters/keeper@0.1.0" "lend" (func $lend (param i32) (result i32)))
        (import "test:counters/keeper@0.1.0" "hoard" (func $hoard (param i32)))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
        (func (export "keep") (param i32) (call $keep (local.get 0)))
        (func (export "give") (result i32) (call $give))
        (func (export "bump") (param i32) (result i32) (call $bump (local.get 0)))
        (func (export "lend") (param i32) (result i32) (call $lend (local.get 0)))
        (func (export "hoard") (param i32) (call $hoard (local.get 0)))
        (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
        (func (export "drop") (param i32) (call $drop (local.get 0)))
        (func (export "living") (result i32) (call $living)))"#;
    wit::component(COUNTERS, "client", core)
}

/// The first number of a result.
fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("one number"))
}

struct Counters {
    system: std::rc::Rc<System>,
    server: common::Domain,
    middle: common::Domain,
    client: common::Domain,
}

impl Counters {
    fn start() -> Self {
        let system = System::new();
        let server = system.start(&counter_server());
        let middle = system.start(&counter_middle());
        let client = system.start(&counter_client());
        Self { system, server, middle, client }
    }

    fn client(&self, function: &str, parameters: &[u32]) -> u32 {
        number(&self.client.call("$root", function, &wire(parameters)))
    }

    fn living(&self) -> u32 {
        self.system.deliver_drops();
        self.client("living", &[])
    }
}

#[test]
fn an_object_lives_until_its_handle_is_dropped() {
    let all = Counters::start();
    let counter = all.client("make", &[5]);
    assert_eq!(all.client("add", &[counter, 2]), 7);
    assert_eq!(all.client("add", &[counter, 2]), 9);
    assert_eq!(all.living(), 1);
    all.client.call("$root", "drop", &wire(&[counter]));
    assert_eq!(all.living(), 0);
    let trap = all.client.try_call("$root", "add", &wire(&[counter, 1])).unwrap_err();
    assert!(trap.contains("counter.add"), "{trap}");
}

#[test]
fn a_handle_passes_from_one_domain_to_the_next_and_back() {
    let all = Counters::start();
    let counter = all.client("make", &[10]);
    all.client.call("$root", "keep", &wire(&[counter]));
    assert_eq!(all.client.instance.borrow().host().held(), 0, "it moved");
    assert_eq!(all.middle.instance.borrow().host().held(), 1);
    assert_eq!(all.client("bump", &[1]), 11);
    let counter = all.client("give", &[]);
    assert_eq!(all.client("add", &[counter, 1]), 12);
    assert_eq!(all.middle.instance.borrow().host().held(), 0);
    assert_eq!(all.living(), 1);
    all.client.call("$root", "drop", &wire(&[counter]));
    assert_eq!(all.living(), 0);
}

#[test]
fn a_moved_handle_cannot_be_used() {
    let all = Counters::start();
    let counter = all.client("make", &[10]);
    all.client.call("$root", "keep", &wire(&[counter]));
    assert!(all.client.try_call("$root", "add", &wire(&[counter, 1])).is_err());
    // The object and its holder are unharmed.
    assert_eq!(number(&all.middle.call("test:counters/keeper@0.1.0", "bump", &wire(&[5]))), 15);
}

#[test]
fn a_lent_handle_ends_with_the_call() {
    let all = Counters::start();
    let counter = all.client("make", &[33]);
    assert_eq!(all.client("lend", &[counter]), 33);
    assert_eq!(all.middle.instance.borrow().host().held(), 0);
    assert_eq!(all.client("add", &[counter, 1]), 34, "the owner still has it");
}

#[test]
fn whoever_keeps_a_lent_handle_traps() {
    let all = Counters::start();
    let counter = all.client("make", &[33]);
    let trap = all.client.try_call("$root", "hoard", &wire(&[counter])).unwrap_err();
    assert!(trap.contains("restarted"), "{trap}");
    let middle = all.middle.instance.borrow();
    let why = middle.trap().expect("the keeper is dead").to_string();
    assert!(why.contains("hoard") && why.contains("borrow"), "{why}");
}

#[test]
fn handles_are_of_their_type_only() {
    let all = Counters::start();
    for handle in [0, 1, 99, u32::MAX] {
        let client = all.system.start(&counter_client());
        let trap = client.try_call("$root", "add", &wire(&[handle, 1])).unwrap_err();
        assert!(trap.contains("add"), "{trap}");
    }
    assert_eq!(all.server.instance.borrow().trap(), None);
}

#[test]
fn a_dead_server_s_objects_are_stale() {
    let all = Counters::start();
    let counter = all.client("make", &[1]);
    all.system.endpoints.borrow_mut()[0].incarnation += 1;
    let trap = all.client.try_call("$root", "add", &wire(&[counter, 1])).unwrap_err();
    assert!(trap.contains("restarted"), "{trap}");
}

#[test]
fn a_malformed_message_is_refused_and_the_server_lives_on() {
    let system = System::new();
    let server = system.start(&adder());
    let mut instance = server.instance.borrow_mut();
    let export = instance.export_index("test:adder/calc").unwrap();
    let greet = instance.function_index(export, "greet").unwrap();
    let mut too_long = wire(&[0xffff_fff0]);
    too_long.extend_from_slice(b"abc");
    for message in [vec![], vec![1, 2], too_long, wire_bytes(&[0xff, 0xfe]), vec![0; 5]] {
        instance.host_mut().incoming = message.clone();
        let refused = instance.dispatch(export, greet).unwrap_err();
        assert!(
            matches!(refused, atoll_runtime::DispatchError::Refused(_)),
            "{message:?}: {refused}"
        );
    }
    let refused = instance.dispatch(export, 999).unwrap_err();
    assert!(matches!(refused, atoll_runtime::DispatchError::Refused(_)));
    instance.host_mut().incoming = wire(&[1, 2]);
    let add = instance.function_index(export, "add").unwrap();
    assert_eq!(instance.dispatch(export, add), Ok(4));
}
