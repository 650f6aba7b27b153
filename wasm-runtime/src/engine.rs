//! The interpreter, set up for untrusted modules: which proposals, which limits.
//!
//! A domain has one [`wasmi::Engine`], because code is freed with its engine only. Translation is
//! eager: the lazy mode spins on a lock and fails oddly when memory is short.

use wasmi::{CompilationMode, Config, Engine};
use wasmparser::WasmFeatures;

use crate::limits::{Limit, RuntimeLimits};

/// What components and their core modules may use. Everything else is refused by name when the
/// component is parsed: threads, exceptions, garbage collection, SIMD, 64-bit memories, and of the
/// component model asynchronous functions, streams, futures, error contexts and values.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MVP
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::CM_MAP)
    .union(WasmFeatures::CM_IMPLEMENTS)
    .union(WasmFeatures::CM_FIXED_LENGTH_LISTS);

/// Makes the engine of a domain. A `metered` one counts what its code spends.
///
/// wasmi's own `EnforcedLimits` are left alone: they can only be all or nothing, and their bound
/// on the average size of functions refuses the shim modules of ordinary components. The reader of
/// components counts what matters instead (`component::read`).
#[must_use]
pub fn engine(limits: &RuntimeLimits, metered: bool) -> Engine {
    let mut config = Config::default();
    // wasmi panics if the largest stack is smaller than the first one, which is 1,000 bytes.
    let stack = u64::from(limits.stack_bytes).max(Limit::StackBytes.range().0);
    config
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .wasm_custom_page_sizes(false)
        .consume_fuel(metered)
        .set_max_stack_height(usize::try_from(stack).unwrap_or(usize::MAX))
        .set_max_recursion_depth(limits.call_depth as usize);
    Engine::new(&config)
}
