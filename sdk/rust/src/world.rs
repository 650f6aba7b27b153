//! Bindings of a server's world.

/// Generates the module `bindings` of a world: `bindings!("my:package/world" in "wit")` with the
/// folder of its interfaces, seen from that of the package.
///
/// It is short for `wit_bindgen::generate!` with what every server says to it. The bindings are
/// unsafe inside, and so is what `bindings::export!` expands to: the module that has both is the one
/// of a server that allows it. The package has `wit-bindgen` among its dependencies.
#[macro_export]
macro_rules! bindings {
    ($world:literal in $folder:literal) => {
        #[allow(missing_docs, unreachable_pub, reason = "generated")]
        #[allow(clippy::all, reason = "generated")]
        mod bindings {
            ::wit_bindgen::generate!({ path: $folder, world: $world, generate_all });
        }
    };
}
