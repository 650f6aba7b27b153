//! The interfaces in `wit/`: their dependencies, and the rules that they keep.

use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{
    Docs, Interface, PackageId, Resolve, Stability, Type, TypeDefKind,
};

/// The package that carries WASI's WIT files.
const WASI_PACKAGE: &str = "wasip2";
/// Says which version of it `wit/deps` was filled from.
const STAMP: &str = ".version";

/// Fills `wit/deps` with WASI's interfaces and with links to the packages of `wit/`, unless that
/// was done.
pub(crate) fn fill_deps(project: &Project) -> Result<()> {
    let wit = project.root.join("wit");
    let deps = wit.join("deps");
    let version = locked_version(&fs::read_to_string(project.root.join("Cargo.lock"))?)?;
    let stamp = deps.join(STAMP);
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&version) {
        let source = wasi_folder(project)?;
        fs::create_dir_all(&deps)?;
        for file in
            fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?
        {
            let file = file?;
            fs::copy(file.path(), deps.join(file.file_name()))?;
        }
        fs::write(&stamp, &version)?;
    }
    for entry in fs::read_dir(&wit)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name() != "deps" {
            let name = entry.file_name().to_string_lossy().into_owned();
            link(&Path::new("..").join(&name), &deps.join(format!("atoll-{name}")))?;
        }
    }
    Ok(())
}

fn link(to: &Path, at: &Path) -> Result<()> {
    if fs::read_link(at).is_ok_and(|old| old == to) {
        return Ok(());
    }
    std::os::unix::fs::symlink(to, at).with_context(|| format!("cannot make {}", at.display()))
}

/// Whether a package, by its fields, is the pinned one with WASI's interfaces.
fn is_pinned<'a>(field: impl Fn(&str) -> Option<&'a str>) -> bool {
    field("name") == Some(WASI_PACKAGE)
        && field("version").is_some_and(|version| version.starts_with("1.0.4+"))
}

/// The version of WASI's package in the lock file.
fn locked_version(lock: &str) -> Result<String> {
    let lock: toml::Table = lock.parse()?;
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    let ours =
        |package: &&toml::Value| is_pinned(|key| package.get(key).and_then(toml::Value::as_str));
    let package = packages.and_then(|packages| packages.iter().find(ours));
    let version = package.and_then(|package| package.get("version")?.as_str());
    Ok(version.context("Cargo.lock does not hold wasip2 1.0.4")?.to_owned())
}

/// The folder of WASI's WIT files, which cargo has downloaded or downloads now.
fn wasi_folder(project: &Project) -> Result<PathBuf> {
    let mut cargo = project.plain_cargo("metadata");
    let output =
        cargo.args(["--format-version=1", "--locked"]).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata.get("packages").and_then(|packages| packages.as_array());
    let ours = |package: &&serde_json::Value| {
        is_pinned(|key| package.get(key).and_then(serde_json::Value::as_str))
    };
    let package = packages.and_then(|packages| packages.iter().find(ours));
    let manifest = package.and_then(|package| package.get("manifest_path")?.as_str());
    let manifest = Path::new(manifest.context("cargo does not know the package wasip2")?);
    Ok(manifest.with_file_name("wit").join("deps"))
}

/// Parses all packages; the one that is returned holds the worlds of the servers.
pub(crate) fn resolve(project: &Project) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(project.root.join("wit"))?;
    Ok((resolve, package))
}

/// Checks that all packages parse and keep the rules, and that every world has bindings.
pub(crate) fn check(project: &Project) -> Result<()> {
    fill_deps(project)?;
    let (resolve, servers) = resolve(project)?;
    let mut faults = faults(&resolve);
    faults.extend(unlisted(&resolve, &fs::read_to_string(project.root.join("wit/README.md"))?));
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

    #[test]
    fn the_lock_file_pins_wasi() {
        let lock = "[[package]]\nname = \"wasip2\"\nversion = \"2.0.1+x\"\n\n\
            [[package]]\nname = \"wasip2\"\nversion = \"1.0.4+wasi-0.2.12\"\n";
        assert_eq!(locked_version(lock).unwrap(), "1.0.4+wasi-0.2.12");
        assert!(locked_version("version = 4\n").is_err());
    }
}
