//! What the SDK for Rust says of itself, done by a user: the server of its README.

mod user;

use std::fs;
use std::path::{Path, PathBuf};
use user::{atoll, expect};

const README: &str = include_str!("../../rust/README.md");

/// The block of the README in that language that belongs to the server.
fn block(language: &str) -> String {
    let (_, rest) = README.split_once(&format!("```{language} greeter\n")).expect("a block");
    rest.split_once("```").expect("closed").0.to_owned()
}

/// A project with the README's files in it.
fn project(folder: &Path) -> PathBuf {
    expect(&atoll(folder, &["new", "greeter", "--lang", "rust"]), 0);
    let project = folder.join("greeter");
    let manifest = project.join("atoll.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let (server, _client) = text.split_once("# The client").expect("a client");
    let server = server.replace("\"atoll:samples/lamp\"", "\"project:server/greeter\"");
    fs::write(manifest, server).expect("written");
    fs::write(project.join("wit/world.wit"), block("wit")).expect("written");
    fs::write(project.join("src/lib.rs"), block("rust")).expect("written");
    fs::write(project.join("tests/lamp.test"), block("test")).expect("written");
    project
}

#[test]
fn the_server_in_ten_lines_works_and_one_that_panics_says_why() {
    let code = block("rust");
    let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 10, "{lines} lines");

    let folder = tempfile::tempdir().expect("a folder");
    let project = project(folder.path());
    expect(&atoll(&project, &["build"]), 0);
    let said = expect(&atoll(&project, &["test"]), 0);
    assert!(said.contains("all right"), "{said}");

    // The same with a log and a panic.
    let world =
        block("wit").replace("export greeter;", "import atoll:log/log@0.1.0;\nexport greeter;");
    fs::write(project.join("wit/world.wit"), world).expect("written");
    let greeting = "format!(\"Hello, {name}!\")";
    let panic = "atoll_sdk::init_log!(bindings, Info);\npanic!(\"nobody greets {name}\")";
    assert!(code.contains(greeting));
    fs::write(project.join("src/lib.rs"), code.replace(greeting, panic)).expect("written");
    let script = "use project:server/greeter\ngreet(\"Ada\") traps\n\
        log has \"panicked at src/lib.rs:10:1: nobody greets Ada\"\n";
    fs::write(project.join("tests/lamp.test"), script).expect("written");
    expect(&atoll(&project, &["test"]), 0);
}
