//! `cargo xtask fuzz rewrite`; what it does is in `atoll_hostile`.

#![no_main]

use atoll_hostile::{Target, counts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: counts::print_at_end(),
    |input: &[u8]| Target::named("rewrite").expect("a target").run(input)
);
