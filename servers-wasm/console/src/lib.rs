//! The console server. All that it does is in `atoll-console-driver`.

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

    use atoll_console_driver::{Component, export};

    export!(Component with_types_in atoll_console_driver::bindings);
}
