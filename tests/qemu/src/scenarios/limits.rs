//! Components that ask for too much of their own domain, and a domain that uses all that it may.
//!
//! They are made here, next to a description of their own: no toolchain would emit them.

use super::hostile::{finish_bystanders, nobody_else_restarted, start_bystanders};
use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, Scenario, Session};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "limits-loading",
        about: "components that take too much to translate, or never get ready",
        run: loading,
    },
    Scenario {
        name: "limits-refused",
        about: "a component over a limit is refused, and told which and how to raise it",
        run: refused,
    },
    Scenario {
        name: "limits-memory",
        about: "10,000 growths use more than nine tenths of a quota, in place",
        run: memory,
    },
    Scenario {
        name: "limits-heap",
        about: "the heap of a domain that has been instantiated is the same in each of its lives",
        run: heap,
    },
];

/// The test system with more servers and programs, and with components of its own.
pub(super) struct System {
    folder: TempDir,
    text: String,
}

impl System {
    pub(super) fn new() -> Result<Self> {
        let text = fs::read_to_string("iso/systems/test.toml")?;
        Ok(Self { folder: tempfile::tempdir()?, text })
    }

    /// Adds a component, as text or binary, and its entry.
    pub(super) fn with(
        mut self,
        name: &str,
        component: impl AsRef<[u8]>,
        entry: &str,
    ) -> Result<Self> {
        let bytes = wat::parse_bytes(component.as_ref())?;
        fs::write(self.folder.path().join(format!("{name}.wasm")), bytes)?;
        self.text += entry;
        Ok(self)
    }

    /// Adds a component that no entry names.
    pub(super) fn with_version(self, name: &str, component: impl AsRef<[u8]>) -> Result<Self> {
        let mut system = self.with(name, component, "")?;
        let versions = format!("versions = [\"{name}.wasm\", ");
        system.text = system.text.replacen("versions = [", &versions, 1);
        Ok(system)
    }

    /// Adds an entry whose component is one of the repository's.
    pub(super) fn and(mut self, entry: &str) -> Self {
        self.text += entry;
        self
    }

    /// Writes something that is there otherwise.
    pub(super) fn instead(mut self, old: &str, new: &str) -> Result<Self> {
        ensure!(self.text.contains(old), "the test system does not say {old:?}");
        self.text = self.text.replacen(old, new, 1);
        Ok(self)
    }

    fn description(&self) -> Result<PathBuf> {
        let path = self.folder.path().join("limits.toml");
        fs::write(&path, &self.text)?;
        Ok(path)
    }

    pub(super) fn boot(&self, lab: &Lab<'_>, memory: &str) -> Result<Session> {
        prompt(lab, &self.machine()?.memory(memory))
    }

    /// A machine that boots it.
    pub(super) fn machine(&self) -> Result<Machine> {
        Ok(Machine::new(self.description()?).with_test_interfaces())
    }
}

/// A server that is started by hand, and only once.
fn server(name: &str, settings: &str) -> String {
    format!(
        "\n[servers.{name}]\ncomponent = \"{name}.wasm\"\nstart = \"manual\"\n\
         restart = {{ policy = \"never\" }}\n{settings}\n"
    )
}

/// A component with a core module that is instantiated.
fn around(module: &str) -> String {
    format!("(component (core module $m {module}) (core instance (instantiate $m)))")
}

/// A hundred thousand nested blocks: translation takes seventy times their bytes.
fn bomb() -> Vec<u8> {
    let blocks = 100_000;
    let body = [vec![0], [2, 0x40].repeat(blocks), vec![0x0b; blocks + 1]].concat();
    let code = [vec![1], leb(body.len()), body].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(10, &code),
    ];
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module.concat()), section(2, &[1, 0, 0, 0])]
        .concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], leb(content.len()), content.to_vec()].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Megabytes of plain code: more than any emulated machine translates in a tenth of a second.
fn slow() -> String {
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 5)))".repeat(20_000);
    around(&format!("(func (local i32) {body})").repeat(20))
}

fn loading(lab: &Lab<'_>) -> Result<()> {
    let system = System::new()?
        .with("bomb", bomb(), &server("bomb", "memory = \"16 MiB\""))?
        .with(
            "slow",
            slow(),
            &server(
                "slow",
                "memory = \"64 MiB\"\nstart-deadline = \"100 ms\"\n\
                 limits = { component-size = \"16 MiB\" }",
            ),
        )?
        .with(
            "endless",
            around("(func $start (loop $again (br $again))) (start $start)"),
            &server("endless", "start-deadline = \"300 ms\""),
        )?;
    let mut session = system.boot(lab, "512M")?;
    start_bystanders(&mut session)?;
    for name in ["bomb", "slow", "endless"] {
        session.send(&format!("start {name}\r"))?;
    }
    finish_bystanders(&mut session)?;
    // The last of them may still be on its way to its deadline.
    for (name, end) in [
        ("bomb", "ran out of memory"),
        ("slow", "was not ready 100 ms after its start, its `start-deadline`, and was killed"),
        ("endless", "was not ready 300 ms after its start, its `start-deadline`, and was killed"),
    ] {
        failed(&mut session, name)?;
        let log = session.command("log -l error -n 50 supervisor")?;
        let log = log.replace(['\r', '\n'], "");
        ensure!(log.contains(&format!("`{name}`")), "the log does not name {name}:\n{log}");
        // The terminal may have broken the line anywhere.
        let squeezed: String = log.split_whitespace().collect();
        let wanted: String = end.split_whitespace().collect();
        ensure!(squeezed.contains(&wanted), "the log does not say {end:?} of {name}:\n{log}");
    }
    nobody_else_restarted(&mut session, 0)?;
    answers(&mut session, "tester all", &["checks passed"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Asks until the server has failed.
fn failed(session: &mut Session, name: &str) -> Result<()> {
    for _ in 0..200 {
        let table = session.command("ps")?;
        let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        let line = line.with_context(|| format!("`ps` does not show {name}:\n{table}"))?;
        if line.contains("failed") {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("{name} did not fail")
}

fn refused(lab: &Lab<'_>) -> Result<()> {
    let system = System::new()?
        .with(
            "many",
            "(component (core module) (core module) (core module))",
            &server("many", "limits = { core-modules = 2 }"),
        )?
        .with(
            "large",
            around("(memory 33)"),
            &server("large", "limits = { linear-memory = \"2 MiB\" }"),
        )?;
    let mut session = system.boot(lab, "256M")?;
    for (name, told) in [
        (
            "many",
            "3coremodules,morethanthelimitof2:thesystemdescriptioncanraise`limits.core-modules`to1000",
        ),
        ("large", "2162688bytesinalinearmemory,morethanthelimitof2097152"),
    ] {
        session.command(&format!("start {name}"))?;
        failed(&mut session, name)?;
        let log = session.command("log -l error -n 50 supervisor")?;
        let squeezed: String = log.split_whitespace().collect();
        ensure!(squeezed.contains(told), "the log does not say why {name} failed:\n{log}");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Pages of Wasm memory that the program gets, at least; nine tenths of its quota are 10,080.
const PAGES: u32 = 10_100;

/// A program that grows its memory page by page until it may not, writes into each page, then
/// finds everything where it was; it fails if it got fewer pages than it should.
fn grower() -> String {
    format!(
        r#"(component
            (core module $m
                (memory 1)
                (func (export "run") (result i32) (local $page i32)
                    (loop $more
                        (i32.store (i32.shl (local.get $page) (i32.const 16)) (local.get $page))
                        (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
                            (then
                                (local.set $page (i32.add (local.get $page) (i32.const 1)))
                                (br $more))))
                    (if (i32.ne (memory.size) (i32.add (local.get $page) (i32.const 1)))
                        (then (return (i32.const 1))))
                    (if (i32.lt_u (memory.size) (i32.const {PAGES})) (then (return (i32.const 1))))
                    (loop $less
                        (if (i32.ne
                                (i32.load (i32.shl (local.get $page) (i32.const 16)))
                                (local.get $page))
                            (then (return (i32.const 1))))
                        (if (local.get $page)
                            (then
                                (local.set $page (i32.sub (local.get $page) (i32.const 1)))
                                (br $less))))
                    (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $run (export "run" (func $run)))
            (export "wasi:cli/run@0.2.12" (instance $run)))"#
    )
}

fn memory(lab: &Lab<'_>) -> Result<()> {
    let entry = "\n[programs.grower]\ncomponent = \"grower.wasm\"\nmemory = \"700 MiB\"\n\
                 limits = { linear-memory = \"700 MiB\" }\n";
    let system = System::new()?.with("grower", grower(), entry)?;
    let mut session = system.boot(lab, "1G")?;
    // Its own refusal at the end does not end it, and when it has ended all is free again.
    for _ in 0..2 {
        let told = session.command("grower")?;
        ensure!(told.is_empty(), "the program failed:\n{told}");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn heap(lab: &Lab<'_>) -> Result<()> {
    let mut system = System::new()?;
    // A clone has the very heap that this is about; only loaded lives can differ.
    let faulty = "[servers.faulty]\n";
    system.text = system.text.replace(faulty, &format!("{faulty}snapshot = false\n"));
    let sums = heaps(system.boot(lab, "256M")?, 3)?;
    let same = sums.windows(2).all(|pair| pair[0] == pair[1]);
    ensure!(sums.len() == 3 && same, "the heaps differ: {sums:?}");
    Ok(())
}

/// What the heap of `faulty` sums up to in each of so many lives.
fn heaps(mut session: Session, lives: usize) -> Result<Vec<String>> {
    let mut sums = Vec::new();
    for life in 0..lives {
        let told = answers(&mut session, "provoke heap", &["the heap sums up to"])?;
        let sum = told.split("the heap sums up to ").nth(1).unwrap_or_default();
        sums.push(sum.split_whitespace().next().unwrap_or_default().to_owned());
        // Whatever others do in between, and however much time passes.
        session.command(if life == 0 { "tester calls" } else { "uptime" })?;
        session.command("kill faulty")?;
    }
    ensure!(sums.iter().all(|sum| sum.len() == 16), "these are no sums: {sums:?}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    Ok(sums)
}
