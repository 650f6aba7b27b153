//! The program `atoll` as a user has it: what it writes, says and exits with.

mod user;

use std::fs;
use std::process::Command;
use user::{atoll, expect};

#[test]
fn a_project_is_made_and_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = expect(&atoll(folder.path(), &["new", "blink", "--lang", "wat"]), 0);
    assert!(made.contains("cd blink"), "{made}");
    let project = folder.path().join("blink");
    let manifest = fs::read_to_string(project.join("atoll.toml")).expect("a manifest");
    assert!(manifest.contains("name = \"blink\"") && !manifest.contains("{{name}}"), "{manifest}");
    assert!(project.join("wit/deps/atoll-samples/lamp.wit").is_file());
    assert!(!project.join("wit/deps/atoll-testing").exists());

    let below = project.join("src");
    let built = expect(&atoll(&below, &["build"]), 0);
    assert!(built.contains("build/blink.wasm"), "{built}");
    let component = fs::read(project.join("build/blink.wasm")).expect("a component");
    assert!(wasmparser::Parser::is_component(&component));

    // A build that changes nothing writes nothing, and an interface that was changed comes back.
    let date = |path: &str| fs::metadata(project.join(path)).unwrap().modified().unwrap();
    let before = date("build/blink.wasm");
    let lamp = project.join("wit/deps/atoll-samples/lamp.wit");
    fs::write(&lamp, "package atoll:samples@0.1.0;\n").expect("written");
    expect(&atoll(&project, &["build"]), 0);
    assert_eq!(date("build/blink.wasm"), before);
    assert!(fs::read_to_string(&lamp).expect("read").contains("resource bulb"));
}

#[test]
fn a_program_is_made_without_a_world() {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = expect(&atoll(folder.path(), &["new", "count", "--program"]), 0);
    assert!(listed.contains("rust") && !listed.contains("wat"), "{listed}");
    expect(&atoll(folder.path(), &["new", "count", "--lang", "wat", "--program"]), 2);
    expect(&atoll(folder.path(), &["new", "count", "--lang", "rust", "--program"]), 0);
    let project = folder.path().join("count");
    assert!(!project.join("wit").exists());

    // One that is there already, a core module of WASI's first preview.
    let exits = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 0))))"#;
    fs::write(project.join("exits.wat"), exits).expect("written");
    let manifest = project.join("atoll.toml");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let (_, lines) = text.split_once("# From here on").expect("lines");
    let build = "[project]\nname = \"count\"\nlanguage = \"any\"\n\n[build]\n";
    let module = format!("{build}module = \"exits.wat\"\n# {lines}");
    fs::write(&manifest, &module).expect("written");
    expect(&atoll(&project, &["build"]), 0);
    let said = expect(&atoll(&project, &["check", "build/count.wasm"]), 0);
    assert!(said.contains("wasi:cli/run"), "{said}");

    fs::write(&manifest, module.replace("module =", "bindings = \"c\"\nmodule ="))
        .expect("written");
    assert!(expect(&atoll(&project, &["build"]), 2).contains("no world"));
}

#[test]
fn mistakes_are_usage_errors_that_say_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |arguments: &[&str]| expect(&atoll(folder.path(), arguments), 2);
    assert!(said(&["new", "Blink", "--lang", "wat"]).contains("lower-case letters"));
    assert!(said(&["new", "../up", "--lang", "wat"]).contains("`../up`"));
    assert!(said(&["new", "blink", "--lang", "cobol"]).contains("rust"));
    assert!(said(&["new", "shell", "--lang", "wat"]).contains("already"));
    assert!(said(&["new", "supervisor", "--lang", "wat"]).contains("supervisor"));
    assert!(said(&["build"]).contains("atoll new"));
    assert!(said(&["bulid"]).contains("build"));
    assert!(fs::read_dir(folder.path()).expect("a folder").next().is_none());

    fs::create_dir(folder.path().join("blink")).expect("made");
    assert!(said(&["new", "blink", "--lang", "wat"]).contains("is there already"));
    expect(&atoll(folder.path(), &["new", "blink"]), 0);
}

#[test]
fn what_cannot_be_built_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    expect(&atoll(folder.path(), &["new", "blink", "--lang", "wat"]), 0);
    let project = folder.path().join("blink");
    let source = project.join("src/server.wat");
    let text = fs::read_to_string(&source).expect("a source");

    fs::write(&source, text.replace("lamp@0.1.0#maker", "lamp@0.1.0#mkaer")).expect("written");
    let said = expect(&atoll(&project, &["build"]), 1);
    assert!(said.contains("server.wat") && said.contains("`maker`"), "{said}");

    fs::write(&source, &text[..text.len() / 2]).expect("written");
    assert!(expect(&atoll(&project, &["build"]), 1).contains("server.wat"));

    let manifest = project.join("atoll.toml");
    let lines = fs::read_to_string(&manifest).expect("a manifest");
    let build = "[build]\ncommands = [[\"no-such-compiler\"]]";
    fs::write(&manifest, lines.replace("[build]", build)).expect("written");
    let said = expect(&atoll(&project, &["build"]), 1);
    assert!(said.contains("no-such-compiler"), "{said}");

    fs::write(&manifest, lines.replace("world = ", "wold = ")).expect("written");
    let said = expect(&atoll(&project, &["build"]), 2);
    assert!(said.contains("wold") && said.contains("atoll.toml"), "{said}");
}

#[test]
fn another_home_has_to_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_atoll"));
    command.current_dir(folder.path()).env("ATOLL_HOME", folder.path()).args(["new", "blink"]);
    let said = expect(&command.output().expect("atoll runs"), 1);
    assert!(said.contains("ATOLL_HOME"), "{said}");
}

/// Writes a component from text and checks it.
fn check(text: &str, code: i32) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = wat::parse_str(text).expect("a component");
    fs::write(folder.path().join("part.wasm"), bytes).expect("written");
    expect(&atoll(folder.path(), &["check", "part.wasm"]), code)
}

#[test]
fn a_check_shows_the_line_that_grants_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    expect(&atoll(folder.path(), &["new", "blink", "--lang", "wat"]), 0);
    let project = folder.path().join("blink");
    expect(&atoll(&project, &["build"]), 0);
    let said = expect(&atoll(&project, &["check", "build/blink.wasm"]), 0);
    assert!(said.contains("atoll:log/log@0.1.0    granted"), "{said}");
    assert!(said.contains("  atoll:samples/lamp@0.1.0\n"), "{said}");

    let manifest = project.join("atoll.toml");
    let lines = fs::read_to_string(&manifest).expect("a manifest");
    let grant = "\"atoll:log/log\" = { log = \"write\" }";
    fs::write(&manifest, lines.replace(grant, "")).expect("written");
    let said = expect(&atoll(&project, &["check", "build/blink.wasm"]), 1);
    assert!(said.contains(&format!("entry of `blink`, under `imports`:\n  {grant}\n")), "{said}");
    // The line that is shown is the one that was taken out.
    let shown = said.lines().find(|line| line.contains("{ log")).expect("a line").trim();
    let again = lines
        .replace(grant, "")
        .replace("[servers.blink.imports]", &format!("[servers.blink.imports]\n{shown}"));
    fs::write(&manifest, again).expect("written");
    expect(&atoll(&project, &["check", "build/blink.wasm"]), 0);
}

#[test]
fn a_check_names_what_nobody_provides() {
    let text = "(component (import \"wasi:sockets/tcp@0.2.12\" (instance (export \"f\" (func)))))";
    let said = check(text, 1);
    assert!(said.contains("NOT PROVIDED: the runtime does not have"), "{said}");
    let text = "(component (import \"acme:a/b@1.0.0\" (instance (export \"f\" (func)))))";
    assert!(check(text, 1).contains("NOT PROVIDED: no server of this system exports it"));
    let text =
        "(component (import \"atoll:console/console@0.1.0\" (instance (export \"f\" (func)))))";
    assert!(check(text, 1).contains("\"atoll:console/console\" = { server = \"console\" }"));
}

#[test]
fn a_check_names_what_the_runtime_lacks() {
    let text = "(component (core module (func (result v128) (v128.const i32x4 0 0 0 0))))";
    let said = check(text, 1);
    assert!(said.contains("does not run: ") && said.contains("SIMD"), "{said}");
    let text = "(component (import \"atoll:clocks/monotonic@0.1.0\" \
        (instance (export \"now\" (func (result string))))))";
    let said = check(text, 1);
    assert!(said.contains("expected `func() -> string`, found `func() -> u64`"), "{said}");
    let long = "a".repeat(2 << 20);
    let said =
        check(&format!("(component (core module (memory 40) (data (i32.const 0) \"{long}\")))"), 1);
    assert!(said.contains("under `limits`:\n  component-size = \"4096 KiB\"\n"), "{said}");
}

#[test]
fn a_world_is_shown_as_wit() {
    let folder = tempfile::tempdir().expect("a folder");
    expect(&atoll(folder.path(), &["new", "blink", "--lang", "wat"]), 0);
    let project = folder.path().join("blink");
    expect(&atoll(&project, &["build"]), 0);
    let said = expect(&atoll(&project, &["inspect", "build/blink.wasm"]), 0);
    for part in ["import atoll:log/log@0.1.0;", "resource bulb {", "too-bright(u32)"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(expect(&atoll(&project, &["inspect", "atoll.toml"]), 1).contains("atoll.toml is no"));
    assert!(expect(&atoll(&project, &["check", "atoll.toml"]), 1).contains("atoll.toml is no"));
}

#[test]
fn a_component_is_signed_in_place_or_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = expect(&atoll(folder.path(), &["keygen", "release.key"]), 0);
    assert!(said.starts_with("keys = { release = \"ed25519:"), "{said}");
    expect(&atoll(folder.path(), &["keygen", "release.key"]), 1);
    let component = folder.path().join("a.wasm");
    fs::write(&component, wat::parse_str("(component)").expect("a component")).expect("written");
    let before = fs::read(&component).expect("read");
    expect(&atoll(folder.path(), &["sign", "release.key", "a.wasm", "--into", "signed"]), 0);
    assert_eq!(fs::read(&component).expect("read"), before);
    assert!(fs::read(folder.path().join("signed/a.wasm")).expect("read").len() > before.len());
    expect(&atoll(folder.path(), &["sign", "release.key", "a.wasm"]), 0);
    assert_eq!(
        fs::read(&component).expect("read"),
        fs::read(folder.path().join("signed/a.wasm")).expect("read")
    );
}

#[test]
fn shells_complete_the_commands() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let said = expect(&atoll(folder.path(), &["completions", shell]), 0);
        assert!(said.contains("keygen"), "{said}");
    }
    expect(&atoll(folder.path(), &["completions", "dos"]), 2);
}

#[test]
fn scripts_call_a_component() {
    let folder = tempfile::tempdir().expect("a folder");
    expect(&atoll(folder.path(), &["new", "blink", "--lang", "wat"]), 0);
    let project = folder.path().join("blink");
    let said = expect(&atoll(&project, &["test"]), 0);
    assert!(said.contains("tests/lamp.test: ") && said.contains("all right"), "{said}");

    let script = project.join("tests/lamp.test");
    let judge = |text: &str| {
        fs::write(&script, format!("use atoll:samples/lamp\n{text}\n")).expect("written");
        expect(&atoll(&project, &["test"]), 1)
    };
    for (text, said) in [
        ("blink([]) == ok(3)", "line 2: `blink([]) == ok(3)`: it gives err(dark)"),
        ("let a = bulb(\"a\")\na.set(101) == ok(0)", "it gives err(too-bright(1))"),
        ("let a = bulb(\"a\")\ndrop a\na.set(1)", "no resource `a`"),
        ("blink([300])", "parameter `pattern`"),
        ("blink([1]) traps", "it gives ok(1)"),
        ("blnik([1])", "no function `blnik`"),
        ("blink([1], 2)", "takes 1 parameters"),
        ("log has \"nothing like it\"", "a lamp made in WAT"),
        ("use atoll:samples/store", "exports no atoll:samples/store but"),
        ("maker() = 3", "`== VALUE`"),
    ] {
        let found = judge(text);
        assert!(found.contains(said), "{text}: {found}");
    }
    // More bulbs than there are: the template in the text format traps then.
    let many: String = (0..64).map(|number| format!("let b{number} = bulb(\"b\")\n")).collect();
    assert!(judge(&format!("{many}blink([]) == err(dark)\nbulb(\"x\")")).contains("it traps: "));
    fs::write(&script, format!("use atoll:samples/lamp\n{many}bulb(\"x\") traps\n"))
        .expect("written");
    expect(&atoll(&project, &["test"]), 0);
    // A resource that nobody holds makes room.
    let dropped = "bulb(\"x\")\n".repeat(70);
    fs::write(&script, format!("use atoll:samples/lamp\n{dropped}")).expect("written");
    expect(&atoll(&project, &["test"]), 0);
}

#[test]
fn only_removable_disks_are_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes = vec![0; 0x9000];
    bytes[0x8001..0x8006].copy_from_slice(b"CD001");
    fs::write(folder.path().join("a.iso"), bytes).expect("written");
    fs::write(folder.path().join("file"), "").expect("written");
    let said = expect(&atoll(folder.path(), &["usb", "a.iso", "file"]), 2);
    assert!(said.contains("no block device"), "{said}");
    assert!(expect(&atoll(folder.path(), &["usb", "file", "file"]), 2).contains("no ISO"));
    expect(&atoll(folder.path(), &["usb", "a.iso", "/dev/no-such-disk"]), 1);
    assert_eq!(fs::read(folder.path().join("file")).expect("read"), b"");
}

#[test]
fn a_language_without_a_template_is_a_matter_of_a_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    expect(&atoll(folder.path(), &["new", "blink", "--lang", "wat"]), 0);
    let project = folder.path().join("blink");
    let manifest = project.join("atoll.toml");
    let lines = fs::read_to_string(&manifest).expect("a manifest");
    // A compiler, of which only its command is known, that leaves a core module.
    let module = "environment = { FROM = \"src/server.wat\", TO = \"{{build}}/made.wat\" }\n\
        commands = [[\"sh\", \"-c\", 'cp \"$FROM\" \"$TO\"'], [\"test\", \"-f\", \"{{build}}/made.wat\"]]\n\
        module = \"{{build}}/made.wat\"";
    let lines = lines.replace("module = \"src/server.wat\"", module);
    fs::write(&manifest, &lines).expect("written");
    expect(&atoll(&project, &["test"]), 0);
    // One that leaves a component.
    fs::copy(project.join("build/blink.wasm"), project.join("ready.wasm")).expect("copied");
    fs::write(&manifest, lines.replace(module, "component = \"ready.wasm\"")).expect("written");
    expect(&atoll(&project, &["test"]), 0);
    fs::copy(project.join("src/server.wat"), project.join("ready.wasm")).expect("copied");
    assert!(expect(&atoll(&project, &["build"]), 1).contains("ready.wasm is no component"));
}
