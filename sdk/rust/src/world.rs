//! Bindings of a server's world.

/// Generates the module `bindings` of a world: `bindings!("my:package/world" in "wit")` with the
/// folder of its interfaces, seen from that of the package.
///
/// It is short for `wit_bindgen::generate!` with what every server says to it. Further options of
/// that may follow after a comma, and `pub` stands before the world where another crate exports what
/// the module has. `bindings::export!(Server)` then exports the type that implements the traits.
///
/// The bindings are unsafe inside, and so is what `bindings::export!` expands to: the module that has
/// both is the one of a server that allows it.
#[macro_export]
macro_rules! bindings {
    (pub $world:literal in $folder:literal $(, $($option:tt)+)?) => {
        $crate::bindings!(@module pub, $world, $folder, $($($option)+)?);
    };
    ($world:literal in $folder:literal $(, $($option:tt)+)?) => {
        $crate::bindings!(@module pub(self), $world, $folder, $($($option)+)?);
    };
    (@module $visibility:vis, $world:literal, $folder:literal, $($option:tt)*) => {
        #[allow(missing_docs, unreachable_pub, reason = "generated")]
        #[allow(clippy::all, reason = "generated")]
        $visibility mod bindings {
            $crate::wit_bindgen::generate!({
                path: $folder,
                world: $world,
                generate_all,
                runtime_path: "::atoll_sdk::wit_bindgen::rt",
                default_bindings_module: "bindings",
                $($option)*
            });
        }
    };
}
