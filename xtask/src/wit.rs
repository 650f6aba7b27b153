//! The rules that the interfaces in `wit/` keep.

use anyhow::{Context, Result, bail};
use atoll::bindings::resolve;
use atoll::home::Home;
use atoll::wit::fill_deps;
use std::fs;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{Docs, Interface, Resolve, Stability, Type, TypeDefKind};

/// Checks that all packages parse and keep the rules, and that every world has bindings.
pub(crate) fn check(home: &Home) -> Result<()> {
    fill_deps(home)?;
    let (resolve, servers) = resolve(&home.root.join("wit"))?;
    let mut faults = faults(&resolve);
    faults.extend(unlisted(&resolve, &fs::read_to_string(home.root.join("wit/README.md"))?));
    if !faults.is_empty() {
        bail!("wit: {} items break the rules:\n  {}", faults.len(), faults.join("\n  "));
    }
    for (name, world) in &resolve.packages[servers].worlds {
        // Generating works on the resolve it is given, so each world gets its own.
        let mut files = Files::default();
        wit_bindgen_c::Opts::default()
            .build()
            .generate(&mut resolve.clone(), *world, &mut files)
            .with_context(|| format!("world `{name}` has no bindings"))?;
    }
    println!(
        "wit: {} interfaces, {} worlds",
        ours(&resolve).count(),
        resolve.packages[servers].worlds.len()
    );
    Ok(())
}

/// Atoll's interfaces and their names.
fn ours(resolve: &Resolve) -> impl Iterator<Item = (String, &Interface)> {
    resolve.interfaces.iter().filter_map(|(_, interface)| {
        let package = &resolve.packages[interface.package?].name;
        let name = interface.name.as_ref()?;
        (package.namespace == "atoll")
            .then(|| (format!("{}:{}/{name}", package.namespace, package.name), interface))
    })
}

/// What lacks a gate or a comment: every interface, world, type and function has both.
fn faults(resolve: &Resolve) -> Vec<String> {
    let mut faults = Vec::new();
    let mut item = |name: &str, stability: &Stability, docs: &Docs| {
        if matches!(stability, Stability::Unknown) {
            faults.push(format!("{name}: neither @since nor @unstable"));
        }
        if docs.contents.as_ref().is_none_or(|text| text.trim().is_empty()) {
            faults.push(format!("{name}: no comment"));
        }
    };
    for (name, interface) in ours(resolve) {
        item(&name, &interface.stability, &interface.docs);
        for (ty, id) in &interface.types {
            let definition = &resolve.types[*id];
            // A `use` repeats another interface's type and has nothing of its own to say.
            let used = matches!(definition.kind, TypeDefKind::Type(Type::Id(_)));
            if !used {
                item(&format!("{name}.{ty}"), &definition.stability, &definition.docs);
            }
        }
        for (function, definition) in &interface.functions {
            item(&format!("{name}.{function}"), &definition.stability, &definition.docs);
        }
    }
    for (_, world) in &resolve.worlds {
        let package = world.package.map(|package| &resolve.packages[package].name);
        if let Some(package) = package.filter(|package| package.namespace == "atoll") {
            item(
                &format!("{}:{}/{}", package.namespace, package.name, world.name),
                &world.stability,
                &world.docs,
            );
        }
    }
    faults
}

/// The packages of Atoll that the README does not list.
fn unlisted(resolve: &Resolve, readme: &str) -> Vec<String> {
    let names = resolve.packages.iter().map(|(_, package)| &package.name);
    names
        .filter(|name| name.namespace == "atoll")
        .map(|name| format!("{}:{}", name.namespace, name.name))
        .filter(|name| {
            !readme.contains(&format!("`{name}")) && !readme.contains(&format!("\"{name}/"))
        })
        .map(|name| format!("{name}: wit/README.md does not list it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str) -> Vec<String> {
        let mut resolve = Resolve { all_features: true, ..Resolve::default() };
        resolve.push_str("test.wit", text).unwrap();
        faults(&resolve)
    }

    #[test]
    fn items_with_gate_and_comment_pass() {
        let text = "package atoll:a@0.1.0;\n/// I.\n@since(version = 0.1.0)\ninterface i {\n\
            /// T.\n@unstable(feature = x)\ntype t = u32;\n/// F.\n@since(version = 0.1.0)\nf: func(); }\n\
            /// W.\n@since(version = 0.1.0)\nworld w { import i; }";
        assert_eq!(faults_of(text), Vec::<String>::new());
    }

    #[test]
    fn each_missing_gate_and_comment_is_named() {
        let text = "package atoll:a@0.1.0;\ninterface i {\n@since(version = 0.1.0)\nrecord r { x: u8 }\n\
            /// F.\nf: func(); }\nworld w {}";
        let expected = [
            "atoll:a/i: neither @since nor @unstable",
            "atoll:a/i: no comment",
            "atoll:a/i.r: no comment",
            "atoll:a/i.f: neither @since nor @unstable",
            "atoll:a/w: neither @since nor @unstable",
            "atoll:a/w: no comment",
        ];
        assert_eq!(faults_of(text), expected);
    }

    #[test]
    fn other_people_s_packages_are_theirs() {
        assert!(faults_of("package wasi:a@0.1.0;\ninterface i { f: func(); }").is_empty());
    }
}
