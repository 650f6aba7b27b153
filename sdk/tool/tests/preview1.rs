//! Atoll's adapter of WASI's first preview: what it makes of calls, with a log, a clock and random
//! numbers of the test, and what a component by it imports.

use atoll::encode;
use atoll::home::Home;
use atoll::preview1::{self, Preview1};
use wasmi::{
    Caller, Engine, Extern, Instance, Linker, Memory, MemoryType, Module, Store, TypedFunc,
};
use wasmi::{WasmParams, WasmResults};

/// What the adapter called.
#[derive(Default)]
struct World {
    log: Vec<(i32, String)>,
    now: i64,
    waited_until: Vec<i64>,
    dropped: u32,
}

struct Adapter {
    store: Store<World>,
    memory: Memory,
    instance: Instance,
}

const CLOCKS: &str = "atoll:clocks/monotonic@0.1.0";
const POLL: &str = "wasi:io/poll@0.2.12";
/// A random number none of whose bytes is 0.
const RANDOM: i64 = 0x0102_0304_0506_0708;

impl Adapter {
    fn new() -> Self {
        let engine = Engine::default();
        let bytes = preview1::adapter(&Home::find().unwrap()).unwrap();
        let module = Module::new(&engine, &bytes[..]).unwrap();
        let mut store = Store::new(&engine, World::default());
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        let mut linker = Linker::new(&engine);
        let write = move |mut caller: Caller<'_, World>, level: i32, at: i32, length: i32| {
            let mut text = vec![0; length as usize];
            memory.read(&caller, at as usize, &mut text).unwrap();
            caller.data_mut().log.push((level, String::from_utf8(text).unwrap()));
        };
        let subscribe = |mut caller: Caller<'_, World>, when: i64| {
            caller.data_mut().waited_until.push(when);
            7
        };
        let block = |pollable: i32| assert_eq!(pollable, 7);
        let forget = |mut caller: Caller<'_, World>, _: i32| caller.data_mut().dropped += 1;
        linker.define("env", "memory", memory).unwrap();
        linker.func_wrap("atoll:log/log@0.1.0", "write", write).unwrap();
        linker.func_wrap(CLOCKS, "now", |caller: Caller<'_, World>| caller.data().now).unwrap();
        linker.func_wrap(CLOCKS, "subscribe-instant", subscribe).unwrap();
        linker.func_wrap(POLL, "[method]pollable.block", block).unwrap();
        linker.func_wrap(POLL, "[resource-drop]pollable", forget).unwrap();
        linker.func_wrap("wasi:random/random@0.2.12", "get-random-u64", || RANDOM).unwrap();
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        Self { store, memory, instance }
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, parameters: P) -> R {
        let function = self.instance.get_export(&self.store, name).and_then(Extern::into_func);
        let function: TypedFunc<P, R> = function.unwrap().typed(&self.store).unwrap();
        function.call(&mut self.store, parameters).unwrap()
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.memory.write(&mut self.store, at, bytes).unwrap();
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read(&self.store, at, &mut bytes).unwrap();
        bytes
    }

    /// Writes texts to a file at once, and gives the error.
    fn write(&mut self, file: i32, texts: &[&str]) -> i32 {
        let mut at = 1000_usize;
        for (index, text) in texts.iter().enumerate() {
            let part = [(at as u32).to_le_bytes(), (text.len() as u32).to_le_bytes()].concat();
            self.put(100 + 8 * index, &part);
            self.put(at, text.as_bytes());
            at += text.len();
        }
        self.call("fd_write", (file, 100, texts.len() as i32, 96))
    }
}

#[test]
fn what_is_written_goes_to_the_log() {
    let mut adapter = Adapter::new();
    assert_eq!(adapter.write(1, &["a line\n", "", "\n", "zw\u{f6}lf\nand more"]), 0);
    assert_eq!(adapter.get(96), 23_u32.to_le_bytes());
    assert_eq!(adapter.write(2, &["bad\n"]), 0);
    assert_eq!(adapter.write(3, &["lost"]), 8);
    let log = adapter.store.data().log.clone();
    let expected = [(2, "a line"), (2, "zw\u{f6}lf\nand more"), (1, "bad")];
    assert!(log.iter().map(|(level, text)| (*level, text.as_str())).eq(expected), "{log:?}");
}

#[test]
fn the_clock_is_atolls_unless_it_is_stopped() {
    let mut adapter = Adapter::new();
    let time = |adapter: &mut Adapter, now: i64| {
        adapter.store.data_mut().now = now;
        assert_eq!(adapter.call::<_, i32>("clock_time_get", (1, 0_i64, 16)), 0);
        i64::from_le_bytes(adapter.get(16))
    };
    assert_eq!(time(&mut adapter, 5), 5);
    adapter.call::<_, ()>("adapter_monotonic_clock_set_paused", 1);
    assert_eq!(time(&mut adapter, 6), 5);
    adapter.call::<_, ()>("adapter_monotonic_clock_set_paused", 0);
    assert_eq!(time(&mut adapter, 7), 7);
}

#[test]
fn all_random_bytes_are_asked_for_and_no_others() {
    for length in [0, 1, 7, 8, 9, 16, 23] {
        let mut adapter = Adapter::new();
        assert_eq!(adapter.call::<_, i32>("random_get", (64, length)), 0);
        let bytes: [u8; 32] = adapter.get(64);
        let length = length as usize;
        assert!(bytes.iter().take(length).all(|&byte| byte != 0), "{bytes:?}");
        assert!(bytes.iter().skip(length).all(|&byte| byte == 0), "{bytes:?}");
    }
}

/// A subscription: mark, kind, time and whether that is absolute.
fn subscription(mark: u64, kind: u8, time: u64, absolute: u16) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[..8].copy_from_slice(&mark.to_le_bytes());
    bytes[8] = kind;
    bytes[24..32].copy_from_slice(&time.to_le_bytes());
    bytes[40..42].copy_from_slice(&absolute.to_le_bytes());
    bytes
}

#[test]
fn a_wait_ends_at_the_earliest_time() {
    let poll = |subscriptions: &[Vec<u8>]| {
        let mut adapter = Adapter::new();
        adapter.store.data_mut().now = 100;
        adapter.put(1000, &subscriptions.concat());
        let count = subscriptions.len() as i32;
        let error: i32 = adapter.call("poll_oneoff", (1000, 500, count, 90));
        let mark = u64::from_le_bytes(adapter.get(500));
        (error, mark, adapter)
    };
    let (error, mark, adapter) = poll(&[
        subscription(1, 0, 60, 0),
        subscription(2, 0, 150, 1),
        subscription(3, 1, 0, 0),
        subscription(4, 0, u64::MAX, 0),
    ]);
    assert_eq!((error, mark), (0, 2));
    assert_eq!(adapter.get(90), 1_u32.to_le_bytes());
    assert_eq!(
        (&adapter.store.data().waited_until[..], adapter.store.data().dropped),
        (&[150][..], 1)
    );
    // Only a stream, which is never ready.
    let (error, _, adapter) = poll(&[subscription(3, 1, 0, 0)]);
    assert_eq!(error, 58);
    assert!(adapter.store.data().waited_until.is_empty());
}

#[test]
fn there_are_no_arguments_and_no_files() {
    let mut adapter = Adapter::new();
    for name in ["args_sizes_get", "environ_sizes_get"] {
        adapter.put(32, &[0xff; 8]);
        assert_eq!(adapter.call::<_, i32>(name, (32, 36)), 0);
        assert_eq!(adapter.get(32), [0; 8]);
    }
    assert_eq!(adapter.call::<_, i32>("fd_prestat_get", (3, 32)), 8);
    assert_eq!(adapter.call::<_, i32>("fd_fdstat_get", (3, 32)), 8);
    assert_eq!(adapter.call::<_, i32>("fd_fdstat_get", (1, 32)), 0);
    // A terminal: a character device in which nobody can seek.
    assert_eq!(adapter.get(32), [2]);
    assert_eq!(adapter.call::<_, i32>("fd_seek", (1, 0_i64, 0, 32)), 70);
}

/// The names of a component's imports.
fn imports(component: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for part in wasmparser::Parser::new(0).parse_all(component) {
        match part.unwrap() {
            wasmparser::Payload::ComponentImportSection(imports) => {
                names
                    .extend(imports.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            wasmparser::Payload::ModuleSection { .. } => break,
            _ => {}
        }
    }
    names
}

#[test]
fn a_component_imports_only_what_it_uses() {
    let home = Home::find().unwrap();
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "atoll:lifecycle/start@0.1.0#start") (result i32) unreachable))"#;
    let world = "package a:b; world server { export atoll:lifecycle/start@0.1.0; }";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("world.wit"), world).unwrap();
    atoll::wit::fill_deps(&home).unwrap();
    std::os::unix::fs::symlink(home.root.join("wit/deps"), folder.path().join("deps")).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    encode::embed(&mut module, folder.path(), "server").unwrap();
    let component = Preview1::Atoll.component(&home, &module).unwrap();
    let imports = imports(&component);
    let is_log = |name: &String| name.starts_with("atoll:log/");
    assert!(!imports.is_empty() && imports.iter().all(is_log), "{imports:?}");
}
