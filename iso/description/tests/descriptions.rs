//! The descriptions of the repository are accepted, the bad ones in the root's
//! `tests/descriptions` refused with the message beside each.
//!
//! `BLESS=1` writes the messages as they are now.

use std::{collections::BTreeSet, fs, path::PathBuf};

use atoll_system_description::{Description, Provider, Server};

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(name: &str) -> Description {
    let text = fs::read_to_string(here(&format!("../systems/{name}"))).expect("description");
    Description::parse(&text, name).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn bad_descriptions_are_refused_with_file_line_and_reason() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut tried = 0;
    for entry in fs::read_dir(here("../../tests/descriptions")).expect("folder") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("description");
        let error = match Description::parse(&text, &name) {
            Ok(_) => panic!("{name} was accepted"),
            Err(error) => error.to_string() + "\n",
        };
        let expected = path.with_extension("expected");
        if bless {
            fs::write(&expected, &error).expect("write");
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(error, expected, "{name}");
        tried += 1;
    }
    assert!(tried > 40, "only {tried} bad descriptions found");
}

#[test]
fn the_default_system_is_accepted() {
    let system = read("default.toml");
    assert_eq!(system.name, "atoll");
    assert_eq!(
        system.components(),
        ["supervisor.wasm", "log.wasm", "console.wasm", "shell.wasm", "hello.wasm", "hello-c.wasm"]
    );
    let order: Vec<&str> = system
        .start_order()
        .into_iter()
        .filter_map(|index| system.servers.get(index))
        .map(|server| server.name.as_str())
        .collect();
    assert_eq!(order, ["log", "console", "shell"]);
    let console = system.server("console").expect("console");
    let ports = console
        .domain
        .imports
        .iter()
        .find_map(|import| match &import.provider {
            Provider::Ports(ports) => Some(ports),
            _ => None,
        })
        .expect("ports");
    assert_eq!((ports[0].label.as_str(), ports[0].base, ports[0].count), ("uart", 0x3f8, 8));
}

fn grants(server: &Server) -> Vec<(&str, &Provider)> {
    let imports = server.domain.imports.iter();
    imports.map(|import| (import.interface.as_str(), &import.provider)).collect()
}

#[test]
fn the_test_system_contains_the_default_system() {
    let default = read("default.toml");
    let test = read("test.toml");
    let components = |system: &Description| -> BTreeSet<String> {
        system.components().into_iter().map(str::to_string).collect()
    };
    assert!(components(&test).is_superset(&components(&default)));
    for server in &default.servers {
        let same = test.server(&server.name).expect("server");
        assert_eq!(same.exports, server.exports, "{}", server.name);
        assert_eq!(grants(same), grants(server), "{}", server.name);
    }
}

#[test]
fn a_server_comes_after_those_it_imports_from() {
    let text = r#"
        [system]
        name = "order"
        [servers.c]
        component = "c.wasm"
        imports = { "x:y/a" = { server = "a" }, "x:y/b" = { server = "b" } }
        [servers.b]
        component = "b.wasm"
        exports = ["x:y/b"]
        imports."x:y/a" = { server = "a" }
        [servers.a]
        component = "a.wasm"
        exports = ["x:y/a@0.1.0"]
    "#;
    let system = Description::parse(text, "order.toml").expect("good");
    assert_eq!(system.start_order(), [2, 1, 0]);
    assert_eq!(system.dependencies(0), [2, 1]);
}
