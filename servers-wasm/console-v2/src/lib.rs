//! The console server, version 2: as version 1, with a yellow cursor.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

    use atoll_console_driver::{Component, Version, export};

    struct Second;

    impl Version for Second {
        const NUMBER: &'static str = "2";
        const CURSOR: Option<u8> = Some(3);
    }

    type Console = Component<Second>;

    export!(Console with_types_in atoll_console_driver::bindings);
}
