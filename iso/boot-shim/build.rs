//! Hands the linker script to the linker when the loader itself is built.

fn main() {
    println!("cargo::rerun-if-changed=shim.ld");
    println!("cargo::rustc-link-arg-bins=-T{}/shim.ld", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rustc-link-arg-bins=--no-dynamic-linker");
}
