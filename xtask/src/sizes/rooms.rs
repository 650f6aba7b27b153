//! Which room a function belongs to, by its demangled name.
//!
//! A name is a path, or `<Type as Trait>::method`, with hashes behind crate names that tell two
//! versions of a crate apart. Generic code of the standard library and of collections belongs to
//! whoever made the compiler generate it: the first other crate that is named in it.

/// Crates whose generic code is its users'.
const LIBRARIES: [&str; 8] =
    ["core", "alloc", "hashbrown", "indexmap", "foldhash", "spin", "semver", "wasmi_collections"];

/// The hash of the copy of `wasmparser` that reads components; the interpreter's own copy does not.
pub(super) fn component_parser(name: &str) -> Option<&str> {
    let (_, rest) = name.split_once("wasmparser[")?;
    let (hash, inside) = rest.split_once("]::")?;
    inside.starts_with("validator::component").then_some(hash)
}

/// The room of a function; `parser` is the hash that [`component_parser`] found.
pub(super) fn room_of(name: &str, parser: Option<&str>) -> String {
    let paths = paths(name);
    let user = paths.iter().find(|(name, _)| !LIBRARIES.contains(name));
    let Some((name, path)) = user.or(paths.first()) else { return "other".into() };
    match *name {
        "wasmi" | "wasmi_ir" | "wasmi_core" => format!("wasmi: {}", wasmi(name, path)),
        "wasmparser" => wasmparser(path, parser).into(),
        "atoll_runtime" => format!("runtime: {}", room(path)),
        "atoll_signature" | "ed25519_compact" | "hmac_sha256" => "signatures".into(),
        "atoll_image" | "runtime" | "atoll_gate" => "image".into(),
        name if LIBRARIES.contains(&name) => "library".into(),
        _ => "other".into(),
    }
}

/// The crate names in a name, each with the text from there on.
fn paths(name: &str) -> Vec<(&str, &str)> {
    let mut paths = Vec::new();
    let mut rest = name;
    while let Some(at) = rest.find("]::") {
        let head = rest.get(..at).unwrap_or_default();
        // The hash, and before it the name of the crate.
        if let Some(bracket) = head.rfind('[') {
            let head = head.get(..bracket).unwrap_or_default();
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let start = head.rfind(|c| !word(c)).map_or(0, |at| at + 1);
            let name = head.get(start..).unwrap_or_default();
            if !name.is_empty() {
                paths.push((name, rest.get(start..).unwrap_or_default()));
            }
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    paths
}

/// The path without its crate.
fn inside(path: &str) -> &str {
    path.split_once("]::").map_or("", |(_, inside)| inside)
}

/// The first module of a path.
fn room(path: &str) -> &str {
    inside(path).split("::").next().filter(|room| !room.is_empty()).unwrap_or("other")
}

fn wasmi(name: &str, path: &str) -> &'static str {
    let inside = inside(path);
    match name {
        "wasmi_ir" => "translator",
        "wasmi_core" => "executor",
        _ if inside.starts_with("engine::translator") => "translator",
        _ if inside.starts_with("engine::executor") => "executor",
        _ if inside.starts_with("module") => "modules",
        _ => "rest",
    }
}

/// wasmi's own copy reads and validates core modules only.
fn wasmparser(path: &str, parser: Option<&str>) -> &'static str {
    let (head, inside) = path.split_once("]::").unwrap_or_default();
    if parser.is_none_or(|hash| !head.ends_with(hash)) {
        "wasmparser of wasmi"
    } else if inside.contains("component") || inside.contains("Component") {
        "wasmparser: components"
    } else {
        "wasmparser: core modules and common"
    }
}

#[cfg(test)]
mod tests {
    use super::{component_parser, room_of};

    #[test]
    fn rooms() {
        let ours = "<wasmparser[aa]::validator::component::ComponentState>::add_type";
        let parser = component_parser(ours);
        assert_eq!(parser, Some("aa"));
        assert_eq!(component_parser("<wasmparser[bb]::validator::Validator>::payload"), None);
        let room = |name| room_of(name, parser);
        assert_eq!(room(ours), "wasmparser: components");
        let common = "<wasmparser[aa]::validator::Validator>::payload";
        assert_eq!(room(common), "wasmparser: core modules and common");
        let theirs = "<wasmparser[bb]::validator::Validator>::payload";
        assert_eq!(room(theirs), "wasmparser of wasmi");
        let generic = "core[1]::ptr::drop_in_place::<alloc[2]::vec::Vec<wasmi[3]::module::Module>>";
        assert_eq!(room(generic), "wasmi: modules");
        assert_eq!(room("<wasmi[3]::engine::executor::Stack>::push"), "wasmi: executor");
        assert_eq!(room("atoll_runtime[4]::canonical::lift::list"), "runtime: canonical");
        assert_eq!(room("core[1]::fmt::write"), "library");
        assert_eq!(room("memcpy"), "other");
    }
}
