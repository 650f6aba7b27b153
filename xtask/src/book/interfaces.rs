//! The reference of the interfaces: a page for each package in `wit/`.
//!
//! All of it comes from the WIT files and the table in `wit/README.md`, so nothing is written twice
//! and no page is checked in. Interfaces are in the order of their names, items in that of the file.

use anyhow::Result;
use atoll::home::Home;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use wit_component::WitPrinter;
use wit_parser::{
    Docs, Function, FunctionKind, Interface, InterfaceId, Package, Resolve, Stability, Type,
    TypeDef, TypeDefKind, TypeId, TypeOwner, World, WorldItem,
};

/// A generated page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Where it stands, as seen from the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// One page for each of Atoll's packages.
pub(super) fn pages(home: &Home) -> Result<Vec<Page>> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_dir(home.root.join("wit"))?;
    let readme = fs::read_to_string(home.root.join("wit/README.md"))?;
    let ours = resolve.packages.iter().filter(|(_, package)| package.name.namespace == "atoll");
    ours.map(|(_, package)| page(&resolve, package, &readme)).collect()
}

fn page(resolve: &Resolve, package: &Package, readme: &str) -> Result<Page> {
    let name = format!("{}:{}", package.name.namespace, package.name.name);
    let mut text = format!("# {name}\n\n");
    if let Some(version) = &package.name.version {
        writeln!(text, "Version {version}, from [`wit/`](README.md).")?;
    }
    if let Some(provider) = provider(readme, &name) {
        writeln!(text, "Provided by: {provider}.")?;
    }
    text += &prose(&package.docs);
    let mut interfaces: Vec<_> = package.interfaces.iter().collect();
    interfaces.sort();
    for (name, id) in interfaces {
        text += &interface(resolve, name, *id)?;
    }
    let mut worlds: Vec<_> = package.worlds.iter().collect();
    worlds.sort();
    for (name, id) in worlds {
        text += &world(resolve, name, &resolve.worlds[*id]);
    }
    Ok(Page { path: format!("wit/{}.md", package.name.name).into(), text })
}

/// What the README's table says of who provides a package.
fn provider(readme: &str, package: &str) -> Option<String> {
    let cell = format!("| `{package}` |");
    let row = readme.lines().find(|line| line.starts_with(&cell))?;
    row.trim_end_matches('|').rsplit('|').next().map(|cell| cell.trim().to_owned())
}

fn interface(resolve: &Resolve, name: &str, id: InterfaceId) -> Result<String> {
    let interface = &resolve.interfaces[id];
    let mut text = format!("\n## {name}\n{}", prose(&interface.docs));
    text += &feature(&interface.stability);
    text += &users(resolve, id);
    text += &borrowed(resolve, interface);
    for (name, id) in &interface.types {
        let definition = &resolve.types[*id];
        if origin(definition).is_none() {
            text += &declared(resolve, name, *id, definition, interface)?;
        }
    }
    for function in interface.functions.values().filter(|function| is_free(function)) {
        text += &format!("\n### {}\n{}", function.name, signature(resolve, function)?);
        text += &prose(&function.docs);
    }
    Ok(text)
}

fn is_free(function: &Function) -> bool {
    function.kind.resource().is_none()
}

/// The type of another interface that a `use` names.
fn origin(definition: &TypeDef) -> Option<TypeId> {
    match definition.kind {
        TypeDefKind::Type(Type::Id(other)) => Some(other),
        _ => None,
    }
}

/// Which worlds import the interface, and which export it.
fn users(resolve: &Resolve, id: InterfaceId) -> String {
    let names = |items: fn(&World) -> &wit_parser::IndexMap<wit_parser::WorldKey, WorldItem>| {
        let is_it = |item: &WorldItem| matches!(item, WorldItem::Interface { id: other, .. } if *other == id);
        let worlds = resolve.worlds.iter().map(|(_, world)| world);
        let users = worlds.filter(|world| items(world).values().any(is_it));
        let mut names: Vec<String> = users.map(|world| format!("`{}`", world.name)).collect();
        names.sort();
        names.join(", ")
    };
    let mut text = String::new();
    for (verb, names) in [("Imported", names(|w| &w.imports)), ("Exported", names(|w| &w.exports))]
    {
        if !names.is_empty() {
            text += &format!("\n{verb} by {names}.\n");
        }
    }
    text
}

/// The types that the interface has from others.
fn borrowed(resolve: &Resolve, interface: &Interface) -> String {
    let types = interface.types.values().filter_map(|id| origin(&resolve.types[*id]));
    let names: Vec<String> = types.map(|id| type_link(resolve, id)).collect();
    if names.is_empty() { String::new() } else { format!("\nUses {}.\n", names.join(", ")) }
}

/// A type's name with its interface, as a link if that is one of ours.
fn type_link(resolve: &Resolve, id: TypeId) -> String {
    let definition = &resolve.types[id];
    let name = definition.name.as_deref().unwrap_or_default();
    let TypeOwner::Interface(owner) = definition.owner else { return format!("`{name}`") };
    let interface = resolve.id_of(owner).unwrap_or_default();
    match ours(resolve, owner) {
        Some((package, file)) => format!("[`{interface}.{name}`]({package}.md#{file})"),
        None => format!("`{interface}.{name}`"),
    }
}

/// Package and name of an interface of Atoll.
fn ours(resolve: &Resolve, id: InterfaceId) -> Option<(&str, &str)> {
    let interface = &resolve.interfaces[id];
    let package = &resolve.packages[interface.package?].name;
    (package.namespace == "atoll").then_some((package.name.as_str(), interface.name.as_deref()?))
}

/// A type that is declared here; a resource with its functions.
fn declared(
    resolve: &Resolve,
    name: &str,
    id: TypeId,
    definition: &TypeDef,
    interface: &Interface,
) -> Result<String> {
    let mut text = format!("\n### {name}\n");
    if !matches!(definition.kind, TypeDefKind::Resource) {
        text += &format!("\n```wit\n{}```\n", declaration(resolve, name, id)?);
        return Ok(text + &prose(&definition.docs));
    }
    text += "\nA resource.\n";
    text += &prose(&definition.docs);
    let own = interface.functions.values().filter(|function| function.kind.resource() == Some(id));
    for function in own {
        text += &format!("\n#### {name}.{}\n", function.item_name());
        text += &signature(resolve, function)?;
        text += &prose(&function.docs);
    }
    Ok(text)
}

/// A type's declaration with the comments of its parts, without its own and without versions.
fn declaration(resolve: &Resolve, name: &str, id: TypeId) -> Result<String> {
    let mut printer = WitPrinter::default();
    let owner = resolve.types[id].owner;
    printer.print_types(resolve, owner, std::iter::once((name, id)), &Default::default())?;
    let text = printer.output.to_string();
    let lines = text.lines().skip_while(|line| line.starts_with("///"));
    let kept = lines.filter(|line| !line.trim_start().starts_with('@'));
    Ok(kept.map(|line| format!("{line}\n")).collect())
}

/// A function in WIT.
fn signature(resolve: &Resolve, function: &Function) -> Result<String> {
    let written = |ty: &Type| -> Result<String> {
        let mut printer = WitPrinter::default();
        printer.print_type_name(resolve, ty)?;
        Ok(printer.output.to_string())
    };
    let is_method = matches!(function.kind, FunctionKind::Method(_));
    let mut parameters = Vec::new();
    for parameter in function.params.iter().skip(usize::from(is_method)) {
        parameters.push(format!("{}: {}", parameter.name, written(&parameter.ty)?));
    }
    let parameters = parameters.join(", ");
    let head = match function.kind {
        FunctionKind::Constructor(_) => return Ok(block(&format!("constructor({parameters})"))),
        FunctionKind::Static(_) => "static func",
        _ => "func",
    };
    let result = match &function.result {
        Some(ty) => format!(" -> {}", written(ty)?),
        None => String::new(),
    };
    Ok(block(&format!("{}: {head}({parameters}){result}", function.item_name())))
}

fn block(wit: &str) -> String {
    format!("\n```wit\n{wit}\n```\n")
}

fn world(resolve: &Resolve, name: &str, world: &World) -> String {
    let mut text = format!("\n## {name}\n{}", prose(&world.docs));
    for (verb, items) in [("imports", &world.imports), ("exports", &world.exports)] {
        let names = items.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(interface_link(resolve, *id)),
            _ => None,
        });
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            text += &format!("\nIt {verb}\n\n");
            text.extend(names.iter().map(|name| format!("- {name}\n")));
        }
    }
    text
}

fn interface_link(resolve: &Resolve, id: InterfaceId) -> String {
    let name = resolve.id_of(id).unwrap_or_default();
    match ours(resolve, id) {
        Some((package, interface)) => format!("[`{name}`]({package}.md#{interface})"),
        None => format!("`{name}`"),
    }
}

/// A comment as a paragraph.
fn prose(docs: &Docs) -> String {
    match docs.contents.as_deref().map(str::trim) {
        None | Some("") => String::new(),
        Some(text) => format!("\n{text}\n"),
    }
}

fn feature(stability: &Stability) -> String {
    match stability {
        Stability::Unstable { feature, .. } => format!("\nOnly with the feature `{feature}`.\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(wit: &str, readme: &str) -> String {
        let mut resolve = Resolve { all_features: true, ..Resolve::default() };
        let id = resolve.push_str("test.wit", wit).unwrap();
        page(&resolve, &resolve.packages[id], readme).unwrap().text
    }

    #[test]
    fn interfaces_are_described() {
        let text = page_of(
            "package atoll:a@0.1.0;\n\
            /// I.\n@since(version = 0.1.0)\ninterface i {\n\
            @since(version = 0.1.0)\nuse j.{e};\n\
            /// R.\n@since(version = 0.1.0)\nresource r {\n\
            /// C.\n@since(version = 0.1.0)\nconstructor(n: u8);\n\
            /// M.\n@since(version = 0.1.0)\nm: func(b: borrow<r>) -> result<r, e>;\n\
            /// S.\n@since(version = 0.1.0)\ns: static func(); }\n\
            /// F.\n@unstable(feature = x)\nf: func(t: list<string>); }\n\
            /// J.\n@since(version = 0.1.0)\ninterface j {\n\
            /// E.\n@since(version = 0.1.0)\nenum e {\n/// A.\na, } }\n\
            /// W.\nworld w { import i; export j; }",
            "| `atoll:a` | `i`, `j` | runtime; `j` by others |\n",
        );
        let expected = "# atoll:a\n\nVersion 0.1.0, from [`wit/`](README.md).\n\
            Provided by: runtime; `j` by others.\n\
            \n## i\n\nI.\n\nImported by `w`.\n\nUses [`atoll:a/j@0.1.0.e`](a.md#j).\n\
            \n### r\n\nA resource.\n\nR.\n\
            \n#### r.constructor\n\n```wit\nconstructor(n: u8)\n```\n\nC.\n\
            \n#### r.m\n\n```wit\nm: func(b: borrow<r>) -> result<r, e>\n```\n\nM.\n\
            \n#### r.s\n\n```wit\ns: static func()\n```\n\nS.\n\
            \n### f\n\n```wit\nf: func(t: list<string>)\n```\n\nF.\n\
            \n## j\n\nJ.\n\nImported by `w`.\n\nExported by `w`.\n\
            \n### e\n\n```wit\nenum e {\n  /// A.\n  a,\n}\n```\n\nE.\n\
            \n## w\n\nW.\n\nIt imports\n\n- [`atoll:a/j@0.1.0`](a.md#j)\n- [`atoll:a/i@0.1.0`](a.md#i)\n\
            \nIt exports\n\n- [`atoll:a/j@0.1.0`](a.md#j)\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_table_says_who_provides_a_package() {
        let table = "| package | by |\n|---|---|\n| `atoll:ab` | x |\n| `atoll:a` | `b`; c |\n";
        assert_eq!(provider(table, "atoll:a").as_deref(), Some("`b`; c"));
        assert_eq!(provider(table, "atoll:c"), None);
    }
}
