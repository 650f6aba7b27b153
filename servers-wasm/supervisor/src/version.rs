//! What tells this version of the supervisor from others. The next one, to swap it for, is the
//! package `atoll-supervisor-v2`, which has the same sources.

/// Its number, for the log.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Ends the supervisor as a bug in it would: one version traps, the other one hangs.
#[cfg(target_arch = "wasm32")]
pub(crate) fn fail() {
    if cfg!(feature = "hangs") {
        loop {
            core::hint::spin_loop();
        }
    }
    core::arch::wasm32::unreachable();
}
