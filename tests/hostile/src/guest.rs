//! A guest whose `realloc` does what an input says.
//!
//! The allocator is a Wasm function that asks the host, so that it can return anything, grow the
//! memory before, or trap. Where it said that values may be written is remembered.

use std::{cell::RefCell, ops::Range, sync::OnceLock};

use atoll_runtime::{
    canonical::{InstanceId, Options, StringEncoding, Transfer},
    host::Passing,
    resources::InstanceState,
    types::ResourceId,
};
use wasmi::{Caller, Engine, Error, Linker, Memory, Module, Store};

use crate::types::RESOURCES;

/// Bytes of a page.
pub(crate) const PAGE: u32 = 65_536;
/// Bytes of a message. Less than in the gate, so that the bound is met.
pub(crate) const AREA: usize = 16 * 1024;
/// The resource type that the guest implements itself; the others are imported.
const HOME: ResourceId = ResourceId(RESOURCES - 1);
const SELF: InstanceId = InstanceId(0);

const MODULE: &str = r#"(module
    (import "host" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1 4)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3))))"#;

/// Store data: message areas, one handle table, and what the allocator does.
pub(crate) struct World {
    pub(crate) outgoing: Vec<u8>,
    pub(crate) incoming: Vec<u8>,
    /// Handles that came and were not taken.
    came: u64,
    put: u32,
    pub(crate) instance: InstanceState,
    /// What the allocator does next, read from behind; when it is empty, what it should.
    pub(crate) tricks: Vec<u8>,
    /// Where a sound allocator goes on.
    free: u32,
    /// Where values may be written.
    pub(crate) given: Vec<Range<usize>>,
    memory: Option<Memory>,
}

impl World {
    /// Forgets everything; the handle table gets two handles of each type.
    pub(crate) fn reset(&mut self) {
        self.incoming.clear();
        self.came = u64::MAX;
        self.put = 0;
        self.instance = InstanceState::new(24);
        for number in 0..2 * RESOURCES {
            // There is room.
            let _ = self.instance.add_own(ResourceId(number % RESOURCES), 100 + number);
        }
        self.tricks.clear();
        self.free = 64;
        self.given.clear();
    }

    /// What came is there again, and nothing was put.
    pub(crate) fn next_message(&mut self) {
        self.came = u64::MAX;
        self.put = 0;
    }

    fn sound(&mut self, align: u32, size: u32) -> u32 {
        let mask = align.wrapping_sub(1);
        let at = self.free.wrapping_add(mask) & !mask;
        self.free = at.wrapping_add(size);
        at
    }
}

impl Transfer for World {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }
    fn incoming(&self) -> &[u8] {
        &self.incoming
    }
    fn put_slot(&mut self, _: ResourceId, _: Passing, _: u32) -> Result<u32, String> {
        if self.put == 8 {
            return Err("a message carries 8 handles".into());
        }
        self.put += 1;
        Ok(self.put - 1)
    }
    fn check_slot(&self, index: u32, _: ResourceId, _: Passing) -> Result<(), String> {
        match 1u64.checked_shl(index) {
            Some(bit) if self.came & bit != 0 => Ok(()),
            _ => Err("no such handle".into()),
        }
    }
    fn take_slot(&mut self, index: u32, ty: ResourceId, how: Passing) -> Result<u32, String> {
        self.check_slot(index, ty, how)?;
        self.came &= !(1 << index);
        Ok(index)
    }
    fn instance(&mut self, _: InstanceId) -> &mut InstanceState {
        &mut self.instance
    }
    fn resource_implementer(&self, resource: ResourceId) -> Option<InstanceId> {
        (resource == HOME).then_some(SELF)
    }
}

/// The host's half of `realloc`.
fn realloc(
    mut caller: Caller<'_, World>,
    (_, _, align, size): (u32, u32, u32, u32),
) -> Result<u32, Error> {
    let world = caller.data_mut();
    let trick = world.tricks.pop().unwrap_or_default();
    let sound = world.sound(align, size);
    let (memory, free) = (world.memory, world.free);
    let pages = free.div_ceil(PAGE);
    let Some(memory) = memory else { return Err(Error::new("no memory")) };
    let held = memory.size(&caller) as u32;
    if pages > held {
        // Fails beyond the memory's maximum; the answer is out of bounds then.
        let _ = memory.grow(&mut caller, u64::from(pages - held));
    }
    let end = (memory.size(&caller) as u32).wrapping_mul(PAGE);
    let answer = match trick {
        0..=127 => sound,
        128..=159 => {
            let _ = memory.grow(&mut caller, 1);
            sound
        }
        160..=175 => end.wrapping_sub(size),
        176..=183 => end.wrapping_sub(size).wrapping_add(align),
        184..=191 => sound.wrapping_add(1),
        // Over what it gave before.
        192..=207 => 64,
        208..=223 => u32::from(trick) * 8,
        224..=231 => 0u32.wrapping_sub(align),
        232..=239 => end,
        240..=247 => 0x8000_0000,
        _ => return Err(Error::new("no memory is left")),
    };
    let start = answer as usize;
    caller.data_mut().given.push(start..start.saturating_add(size as usize));
    Ok(answer)
}

/// A guest in its store.
pub(crate) struct Guest {
    pub(crate) store: Store<World>,
    pub(crate) memory: Memory,
    pub(crate) options: Options,
}

impl Guest {
    fn new() -> Self {
        static COMPILED: OnceLock<(Engine, Module)> = OnceLock::new();
        let (engine, module) = COMPILED.get_or_init(|| {
            let engine = Engine::default();
            let bytes = wat::parse_str(MODULE).expect("the module is text");
            let module = Module::new(&engine, &bytes).expect("the module is valid");
            (engine, module)
        });
        let world = World {
            outgoing: vec![0; AREA],
            incoming: Vec::new(),
            came: 0,
            put: 0,
            instance: InstanceState::new(0),
            tricks: Vec::new(),
            free: 0,
            given: Vec::new(),
            memory: None,
        };
        let mut store = Store::new(engine, world);
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "realloc", |caller: Caller<'_, World>, old, len, align, size| {
                realloc(caller, (old, len, align, size))
            })
            .expect("the only one");
        let core = linker.instantiate_and_start(&mut store, module).expect("starts");
        let memory = core.get_memory(&store, "memory").expect("exported");
        let realloc = core.get_typed_func(&store, "realloc").expect("exported");
        store.data_mut().memory = Some(memory);
        let options = Options {
            memory: Some(memory),
            realloc: Some(realloc),
            encoding: StringEncoding::Utf8,
            instance: SELF,
        };
        Self { store, memory, options }
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.store.data_mut()
    }
}

/// Runs something with a guest that is as good as new.
pub(crate) fn with_fresh(run: impl FnOnce(&mut Guest)) {
    thread_local! {
        static GUEST: RefCell<Option<Guest>> = const { RefCell::new(None) };
    }
    GUEST.with_borrow_mut(|kept| {
        // A memory does not shrink: a guest that grew is not used again.
        let kept_guest = kept.take().filter(|guest| guest.memory.size(&guest.store) == 1);
        let mut guest = kept_guest.unwrap_or_else(Guest::new);
        guest.memory.data_mut(&mut guest.store).fill(0);
        guest.world().reset();
        run(&mut guest);
        *kept = Some(guest);
    });
}
