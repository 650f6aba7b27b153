//! The console server, version 1. All that it does is in `atoll-console-driver`; a version says
//! what it is like.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

    use atoll_console_driver::{Component, Version, export};

    struct First;

    impl Version for First {
        const NUMBER: &'static str = "1";
    }

    type Console = Component<First>;

    export!(Console with_types_in atoll_console_driver::bindings);
}
