//! Bounds on what a component may ask of its runtime.
//!
//! [`RuntimeLimits`] come with the start record and differ from server to server; the constants
//! here hold for all. Each is checked before anything of a guest's choosing is allocated or
//! repeated, so that a hostile component costs its domain a bounded amount of time and memory.

pub use atoll_gate::start::RuntimeLimits;

/// Most parts of one type when it is written out in full, shared parts counted each time.
pub const MAX_TYPE_PARTS: u32 = 10_000;
/// Deepest nesting of one type.
pub const MAX_TYPE_DEPTH: u32 = 64;
/// Most component instances in a domain, nested ones included.
pub const MAX_COMPONENT_INSTANCES: u32 = 500;
/// Most core instances in a domain.
pub const MAX_CORE_INSTANCES: u32 = 1_000;
/// Most linear memories in a domain.
pub const MAX_MEMORIES: u32 = 100;
/// Most tables in a domain.
pub const MAX_TABLES: u32 = 1_000;
/// Most steps of instantiation: definitions, arguments and names of all nested components.
pub const MAX_STEPS: u32 = 200_000;
/// Most functions that the core modules of a component define together: the interpreter keeps a
/// record for each, however short its body is.
pub const MAX_CORE_FUNCTIONS: u32 = 100_000;
/// Most globals, tables, memories, element and data segments of the core modules together.
pub const MAX_CORE_ITEMS: u32 = 20_000;
/// Most parameters and most results of a core function.
pub const MAX_CORE_ARITY: usize = 64;
/// Most bytes of a descriptor: it is published in one message.
pub const MAX_DESCRIPTOR: usize = atoll_gate::message::MAX_PAYLOAD;
/// Most bytes of one name in a descriptor.
pub const MAX_NAME: usize = 512;
/// Bytes of the message areas of a call that stays within a domain.
pub const LOCAL_AREA: usize = 1 << 20;
/// Most handles in the message of a call that stays within a domain.
pub const LOCAL_SLOTS: usize = atoll_gate::message::MAX_SLOTS;
/// Most Wasm calls that are nested through the runtime within a domain: export calls import calls
/// export of a nested component, destructors included. Each level costs native stack.
pub const MAX_NESTED_CALLS: u32 = 24;
