//! The descriptions of the repository are accepted, the bad ones in the root's
//! `tests/descriptions` refused with the message beside each.
//!
//! `BLESS=1` writes the messages as they are now.

use std::{collections::BTreeSet, fs, path::PathBuf};

use atoll_gate::{
    capsule,
    limits::{Limit, RuntimeLimits},
};
use atoll_signature::SecretKey;
use atoll_system_description::{Description, Provider, Server, Signer};

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
        [
            "supervisor.wasm",
            "log.wasm",
            "console.wasm",
            "shell.wasm",
            "files.wasm",
            "hello.wasm",
            "hello-c.wasm"
        ]
    );
    let order: Vec<&str> = system
        .start_order()
        .into_iter()
        .filter_map(|index| system.servers.get(index))
        .map(|server| server.name.as_str())
        .collect();
    assert_eq!(order, ["log", "console", "files", "shell"]);
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
fn the_system_for_developers_is_the_default_system_and_deploy() {
    let (default, mut develop) = (read("default.toml"), read("develop.toml"));
    assert_eq!((default.uploads, develop.uploads), (None, Some(40 << 20)));
    let deploy = develop.servers.pop().expect("deploy");
    assert_eq!(deploy.name, "deploy");
    let same = |a: &Server, b: &Server| {
        a.name == b.name && a.restart == b.restart && grants(a) == grants(b)
    };
    assert_eq!(default.servers.len(), develop.servers.len());
    for (a, b) in default.servers.iter().zip(&develop.servers) {
        assert!(same(a, b), "{} and {}", a.name, b.name);
    }
    let programs = |system: &Description| -> Vec<String> {
        system.programs.iter().map(|program| program.name.clone()).collect()
    };
    assert_eq!(programs(&default), programs(&develop));
    let uart = grants(&deploy).into_iter().find_map(|(_, provider)| match provider {
        Provider::Ports(ports) => Some((ports[0].base, ports[0].count)),
        _ => None,
    });
    assert_eq!(uart, Some((0x2f8, 8)));
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

#[test]
fn other_versions_are_packed_once() {
    let text = r#"
        [system]
        name = "versions"
        versions = ["b.wasm", "a-v2.wasm", "a.wasm"]
        [servers.a]
        component = "a.wasm"
        [programs.b]
        component = "b.wasm"
    "#;
    let system = Description::parse(text, "versions.toml").expect("good");
    assert_eq!(system.components(), ["supervisor.wasm", "a.wasm", "b.wasm", "a-v2.wasm"]);
}

/// The description and the start record have the same bounds, each in its own crate.
#[test]
fn limits_are_those_of_the_runtime() {
    let system = |limits: &str| {
        let text = format!(
            "[system]\nname = \"limits\"\n[servers.a]\ncomponent = \"a.wasm\"\n\
             memory = \"8 GiB\"\nlimits = {{ {limits} }}\n"
        );
        Description::parse(&text, "limits.toml").map(|system| system.servers[0].domain.limits)
    };
    let defaults = system("").expect("good");
    for limit in Limit::ALL {
        let is_size = matches!(limit.key(), "linear-memory" | "component-size" | "stack-size");
        let line = |value: u64| match is_size {
            true => format!("{} = \"{value} B\"", limit.key()),
            false => format!("{} = {value}", limit.key()),
        };
        let (least, most) = limit.range();
        for good in [least, most] {
            let read = system(&line(good)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(read.get(limit.key()), Some(good), "{limit}");
        }
        for bad in [least - 1, most + 1] {
            let error = system(&line(bad)).expect_err("out of range").to_string();
            assert!(error.contains(limit.key()), "{error}");
        }
        let default = RuntimeLimits::DEFAULT.get(*limit);
        assert_eq!(defaults.get(limit.key()), Some(default), "{limit}");
    }
}

#[test]
fn components_are_signed_by_keys_of_the_system() {
    let keys = [1, 2].map(|seed| SecretKey::from_seed([seed; 32]).expect("a key").public());
    let text = |rest: &str| {
        let [release, review] = keys;
        let text = format!(
            "[system]\nname = \"signed\"\n\
             keys = {{ release = \"{release}\", review = \"{review}\" }}\n{rest}\n\
             [servers.a]\ncomponent = \"a.wasm\"\nsigned-by = [\"review\"]\n\
             [programs.p]\ncomponent = \"p.wasm\"\n"
        );
        Description::parse(&text, "signed.toml").unwrap_or_else(|error| panic!("{error}"))
    };
    let all: Vec<Signer> = ["release", "review"]
        .into_iter()
        .zip(keys)
        .map(|(name, key)| Signer { name: name.to_string(), key: key.0 })
        .collect();
    for (rest, program) in [("", &[][..]), ("require-signature = true", &all)] {
        let system = text(rest);
        assert_eq!(system.servers[0].domain.signers, all[1..]);
        assert_eq!(system.programs[0].domain.signers, program);
        // Another version has to be signed by the same.
        assert_eq!(system.servers[0].domain.version("a2.wasm", &[]).signers, all[1..]);
    }
}

#[test]
fn a_capsule_may_be_as_large_as_the_kernel_makes_one() {
    let parse = |capsule: &str| {
        let server = "[system]\nname = \"x\"\n[servers.a]\ncomponent = \"a.wasm\"\n";
        Description::parse(&format!("{server}{capsule}"), "capsule.toml")
    };
    let size = |system: Description| system.server("a").expect("server").capsule;
    assert_eq!(size(parse("").expect("good")), None);
    let most = format!("capsule = \"{} B\"", capsule::MAX_LIMIT);
    assert_eq!(size(parse(&most).expect("good")), Some(capsule::MAX_LIMIT));
    assert!(parse(&format!("capsule = \"{} B\"", capsule::MAX_LIMIT + 1)).is_err());
}

#[test]
fn variables_keep_their_order() {
    let text = "[system]\nname = \"x\"\n[programs.p]\ncomponent = \"p.wasm\"\n\
                environment = { TERM = \"dumb\", \"a b\" = \"\" }\n";
    let system = Description::parse(text, "environment.toml").expect("good");
    let environment = &system.program("p").expect("program").domain.environment;
    let pairs: Vec<_> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("TERM", "dumb"), ("a b", "")]);
}
