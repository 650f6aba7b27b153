//! Links the kernel proper with `kernel.ld` at its fixed address. Hosts link nothing special.

fn main() {
    println!("cargo:rerun-if-changed=kernel.ld");
    println!("cargo:rerun-if-changed=build.rs");
    let metal = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none");
    if metal {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo:rustc-link-arg-bins=-T{folder}/kernel.ld");
        // The target's default is position-independent; the kernel stays where it is linked.
        println!("cargo:rustc-link-arg-bins=--no-pie");
        println!("cargo:rustc-link-arg-bins=-zmax-page-size=4096");
    }
}
