//! A guest for tests: a memory, a bump allocator that grows it, and store data that keeps messages
//! in vectors.

use std::{cell::Cell, sync::OnceLock};

use atoll_runtime::{
    canonical::{InstanceId, Options, StringEncoding, Transfer},
    host::Passing,
    resources::InstanceState,
    types::ResourceId,
};
use wasmi::{Engine, Instance, Linker, Memory, Module, Store};

/// Bytes of a message, as in the gate.
pub(crate) const AREA: usize = 64 * 1024;
/// The instance of every guest here.
pub(crate) const SELF: InstanceId = InstanceId(0);
/// A resource type that every guest implements itself; the others are imported.
pub(crate) const HOME: ResourceId = ResourceId(2);

/// A bump allocator that starts at the global `free`, copies like `realloc` and grows the memory
/// page by page. While `answer` is not -1 it returns that instead; while `die` is not 0 it traps.
const MODULE: &str = r#"
(module
  (memory (export "memory") 4)
  (global $free (export "free") (mut i32) (i32.const 16))
  (global $answer (export "answer") (mut i32) (i32.const -1))
  (global $die (export "die") (mut i32) (i32.const 0))
  (func (export "realloc") (param $old i32) (param $old_len i32) (param $align i32) (param $len i32)
    (result i32) (local $at i32) (local $end i32)
    (if (global.get $die) (then unreachable))
    (if (i32.ne (global.get $answer) (i32.const -1)) (then (return (global.get $answer))))
    (local.set $at
      (i32.and (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $done
      (loop $grow
        (br_if $done (i32.le_u (local.get $end) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
        (br $grow)))
    (memory.copy (local.get $at) (local.get $old)
      (select (local.get $len) (local.get $old_len) (i32.lt_u (local.get $len) (local.get $old_len))))
    (global.set $free (local.get $end))
    (local.get $at)))
"#;

/// A handle in a message.
pub(crate) type Slot = Option<(ResourceId, Passing, u32)>;

/// Store data with two message areas.
pub(crate) struct World {
    pub(crate) outgoing: Vec<u8>,
    pub(crate) incoming: Vec<u8>,
    pub(crate) put: Vec<Slot>,
    pub(crate) came: Vec<Slot>,
    pub(crate) instance: InstanceState,
    /// How large the outgoing area may become.
    pub(crate) most: usize,
    /// How often a message area was asked for.
    pub(crate) asked: Cell<u32>,
}

impl World {
    fn count(&self) {
        self.asked.set(self.asked.get() + 1);
    }
}

impl Transfer for World {
    fn outgoing(&mut self) -> &mut [u8] {
        self.count();
        &mut self.outgoing
    }
    fn grow_outgoing(&mut self, bytes: usize) -> bool {
        let grows = self.outgoing.len() < self.most;
        self.outgoing.resize(self.outgoing.len().max(bytes.min(self.most)), 0xAA);
        grows
    }
    fn incoming(&self) -> &[u8] {
        self.count();
        &self.incoming
    }
    fn put_slot(
        &mut self,
        resource: ResourceId,
        passing: Passing,
        number: u32,
    ) -> Result<u32, String> {
        if self.put.len() >= 64 {
            return Err("a message carries 64 handles".into());
        }
        self.put.push(Some((resource, passing, number)));
        Ok(self.put.len() as u32 - 1)
    }
    fn check_slot(&self, index: u32, resource: ResourceId, passing: Passing) -> Result<(), String> {
        match self.came.get(index as usize) {
            Some(Some((is, how, _))) if *is == resource && *how == passing => Ok(()),
            _ => Err(format!("no such handle in slot {index}")),
        }
    }
    fn take_slot(
        &mut self,
        index: u32,
        resource: ResourceId,
        passing: Passing,
    ) -> Result<u32, String> {
        self.check_slot(index, resource, passing)?;
        let taken = self.came[index as usize].take();
        Ok(taken.expect("checked").2)
    }
    fn instance(&mut self, _: InstanceId) -> &mut InstanceState {
        &mut self.instance
    }
    fn resource_implementer(&self, resource: ResourceId) -> Option<InstanceId> {
        (resource == HOME).then_some(SELF)
    }
}

/// A guest in its store.
pub(crate) struct Guest {
    pub(crate) store: Store<World>,
    pub(crate) memory: Memory,
    pub(crate) options: Options,
    core: Instance,
}

impl Guest {
    pub(crate) fn new(encoding: StringEncoding) -> Self {
        static COMPILED: OnceLock<(Engine, Module)> = OnceLock::new();
        let (engine, module) = COMPILED.get_or_init(|| {
            let engine = Engine::default();
            let bytes = wat::parse_str(MODULE).expect("the module is text");
            let module = Module::new(&engine, &bytes).expect("the module is valid");
            (engine, module)
        });
        let world = World {
            outgoing: vec![0xAA; AREA],
            incoming: Vec::new(),
            put: Vec::new(),
            came: Vec::new(),
            instance: InstanceState::new(1000),
            most: 0,
            asked: Cell::new(0),
        };
        let mut store = Store::new(engine, world);
        let core = Linker::new(engine).instantiate_and_start(&mut store, module).expect("starts");
        let memory = core.get_memory(&store, "memory").expect("exported");
        let realloc = core.get_typed_func(&store, "realloc").expect("exported");
        let options =
            Options { memory: Some(memory), realloc: Some(realloc), encoding, instance: SELF };
        Self { store, memory, options, core }
    }

    /// Sets one of the module's globals.
    pub(crate) fn set(&mut self, global: &str, value: i32) {
        let global = self.core.get_global(&self.store, global).expect("exported");
        global.set(&mut self.store, value.into()).expect("mutable");
    }

    /// Where the allocator goes on.
    pub(crate) fn free(&self) -> i32 {
        let global = self.core.get_global(&self.store, "free").expect("exported");
        global.get(&self.store).i32().expect("an i32")
    }

    /// The whole memory.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.memory.data(&self.store).to_vec()
    }

    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        self.memory.write(&mut self.store, at, bytes).expect("in bounds");
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.store.data_mut()
    }

    /// Takes over the message that another guest sent.
    pub(crate) fn receive(&mut self, from: &mut Self, payload: usize) {
        let sender = from.world();
        let message = sender.outgoing[..payload].to_vec();
        let slots = std::mem::take(&mut sender.put);
        let world = self.world();
        world.incoming = message;
        world.came = slots;
    }
}
