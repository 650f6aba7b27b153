//! A version of the console server with a bug: an exclamation mark on the serial line is its end.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

    use atoll_console_driver::{Component, Version, export};

    struct Bad;

    impl Version for Bad {
        const NUMBER: &'static str = "bad";

        fn received(bytes: &[u8]) {
            if bytes.contains(&b'!') {
                core::arch::wasm32::unreachable();
            }
        }
    }

    type Console = Component<Bad>;

    export!(Console with_types_in atoll_console_driver::bindings);
}
