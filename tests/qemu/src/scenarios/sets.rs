//! Sets of servers of which one calls the other while it starts.

use super::hostile::restarts;
use super::limits::System;
use super::shell::answers;
use super::swap::{PHASES, fails, nothing_was_lost, off};
use crate::{Lab, Scenario, Session};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "swap-set-start",
        about: "a new version calls the new version of another server before either serves",
        run: start,
    },
    Scenario {
        name: "swap-set-interface",
        about: "an interface changes together with all who import it, and back",
        run: interface,
    },
];

/// A server that stores its name when it starts, in a table that it keeps, and that it is alive
/// when it is probed.
const TENANT: &str = r#"(component
    (import "atoll:samples/store@0.1.0" (instance $store
        (export "table" (type $table (sub resource)))
        (export "[constructor]table" (func (param "name" string) (result (own $table))))
        (export "[method]table.put" (func (param "self" (borrow $table))
            (param "key" string) (param "value" string) (result (option string))))))
    (core module $memory
        (memory (export "memory") 1)
        (data (i32.const 0) "controltenantNAMEalive")
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $memory (instantiate $memory))
    (core func $open (canon lower (func $store "[constructor]table")
        (memory (core memory $memory "memory"))))
    (core func $put (canon lower (func $store "[method]table.put")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $main
        (import "" "open" (func $open (param i32 i32) (result i32)))
        (import "" "put" (func $put (param i32 i32 i32 i32 i32 i32)))
        (global $table (mut i32) (i32.const 0))
        (func (export "start") (result i32)
            (global.set $table (call $open (i32.const 0) (i32.const 7)))
            (call $put (global.get $table)
                (i32.const 7) (i32.const 6) (i32.const 13) (i32.const 4) (i32.const 64))
            (i32.const 128))
        (func (export "check") (result i32)
            (call $put (global.get $table)
                (i32.const 17) (i32.const 5) (i32.const 13) (i32.const 4) (i32.const 64))
            (i32.const 128)))
    (core instance $main (instantiate $main (with "" (instance
        (export "open" (func $open)) (export "put" (func $put))))))
    (func $start (result (result (error string)))
        (canon lift (core func $main "start") (memory (core memory $memory "memory"))))
    (func $check (result (result (error string)))
        (canon lift (core func $main "check") (memory (core memory $memory "memory"))))
    (instance $lifecycle (export "start" (func $start)))
    (instance $health (export "check" (func $check)))
    (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle))
    (export "atoll:lifecycle/health@0.1.0" (instance $health)))"#;

/// Servers are probed this often.
const HEALTH: &str = "health = { every = \"50 ms\", deadline = \"20 s\" }\n";

fn start(lab: &Lab<'_>) -> Result<()> {
    let entry = format!(
        "\n[servers.tenant]\ncomponent = \"tenant.wasm\"\n{HEALTH}\
         imports.\"atoll:samples/store\" = {{ server = \"store\" }}\n"
    );
    let system = System::new()?
        .with("tenant", TENANT.replace("NAME", "one."), &entry)?
        .with_version("tenant-v2", TENANT.replace("NAME", "two."))?;
    let mut session = system.boot(lab, "256M")?;
    session.command("clerk work &")?;
    let [one, two] =
        ["tenant tenant.wasm store store.wasm", "tenant tenant-v2.wasm store store-v2.wasm"];
    let swaps =
        [(two, "two.", "version 2"), (one, "one.", "version 1"), (two, "two.", "version 2")];
    for (set, name, version) in swaps {
        answers(&mut session, &format!("swap {set}"), &PHASES)?;
        // What it stored in its start is what the new store has.
        answers(&mut session, "clerk get tenant", &[name])?;
        answers(&mut session, "clerk version", &[version])?;
        // The table that it opened then is one of the store that serves.
        until(&mut session, "clerk get alive", name)?;
    }
    answers(&mut session, "rollback store", &PHASES)?;
    answers(&mut session, "clerk get tenant", &["one."])?;
    nothing_was_lost(&mut session, "clerk")?;
    went_on(&mut session, &["tenant", "store"])?;
    off(session)
}

/// Asks until the answer is there.
pub(super) fn until(session: &mut Session, command: &str, answer: &str) -> Result<()> {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    for _ in 0..500 {
        if squeezed(&session.command(command)?).contains(&squeezed(answer)) {
            return Ok(());
        }
    }
    anyhow::bail!("`{command}` does not say {answer}")
}

fn went_on(session: &mut Session, servers: &[&str]) -> Result<()> {
    let table = session.command("ps")?;
    for server in servers {
        ensure!(restarts(&table, server)? == 0, "{server} was restarted:\n{table}");
    }
    Ok(())
}

/// A server that adds one to numbers of a type; the second version has another type, and another
/// function before this one.
fn scale(ty: &str, core: &str, before: &str) -> String {
    format!(
        r#"(component
        (core module $main
            (func (export "weigh") (param {core}) (result {core})
                ({core}.add (local.get 0) ({core}.const 1))))
        (core instance $main (instantiate $main))
        (func $weigh (param "value" {ty}) (result {ty}) (canon lift (core func $main "weigh")))
        (instance $scale {before} (export "weigh" (func $weigh)))
        (export "test:pair/scale@1.0.0" (instance $scale)))"#
    )
}

/// A server that has a number weighed when it starts and, if `is_well`, when it is probed.
fn cook(ty: &str, core: &str, is_well: bool) -> String {
    let check = if is_well { "(call $weighs)" } else { "unreachable" };
    format!(
        r#"(component
        (import "test:pair/scale@1.0.0" (instance $scale
            (export "weigh" (func (param "value" {ty}) (result {ty})))))
        (core func $weigh (canon lower (func $scale "weigh")))
        (core module $main
            (import "" "weigh" (func $weigh (param {core}) (result {core})))
            (memory (export "memory") 1)
            (func $weighs (export "start") (result i32)
                (if ({core}.ne (call $weigh ({core}.const 41)) ({core}.const 42))
                    (then unreachable))
                (i32.const 8))
            (func (export "check") (result i32) {check}))
        (core instance $main (instantiate $main (with "" (instance
            (export "weigh" (func $weigh))))))
        (func $start (result (result (error string)))
            (canon lift (core func $main "start") (memory (core memory $main "memory"))))
        (func $check (result (result (error string)))
            (canon lift (core func $main "check") (memory (core memory $main "memory"))))
        (instance $lifecycle (export "start" (func $start)))
        (instance $health (export "check" (func $check)))
        (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle))
        (export "atoll:lifecycle/health@0.1.0" (instance $health)))"#
    )
}

fn interface(lab: &Lab<'_>) -> Result<()> {
    let entries = format!(
        "\n[servers.scale]\ncomponent = \"scale.wasm\"\nexports = [\"test:pair/scale\"]\n\
         [servers.cook]\ncomponent = \"cook.wasm\"\n{HEALTH}\
         imports.\"test:pair/scale\" = {{ server = \"scale\" }}\n"
    );
    let before = "(export \"gauge\" (func $weigh))";
    let system = System::new()?
        .with("scale", scale("u32", "i32", ""), "")?
        .with("cook", cook("u32", "i32", true), &entries)?
        .with_version("scale-v2", scale("u64", "i64", before))?
        .with_version("cook-v2", cook("u64", "i64", true))?
        .with_version("cook-bad", cook("u64", "i64", false))?;
    let mut session = system.boot(lab, "256M")?;
    // Alone, neither fits the other.
    fails(&mut session, "swap scale scale-v2.wasm", "does not fit `cook`")?;
    fails(&mut session, "swap cook cook-v2.wasm", "weigh")?;
    // What goes wrong on probation brings both back, and calls go on in the old types.
    let bad = "swap cook cook-bad.wasm scale scale-v2.wasm";
    fails(&mut session, bad, "probation of `cook`: the new version trapped")?;
    went_on(&mut session, &["cook", "scale"])?;
    answers(&mut session, "swap scale scale-v2.wasm cook cook-v2.wasm", &PHASES)?;
    fails(&mut session, "swap scale scale.wasm", "does not fit `cook`")?;
    answers(&mut session, "rollback cook", &PHASES)?;
    fails(&mut session, "swap cook cook-v2.wasm", "weigh")?;
    went_on(&mut session, &["cook", "scale"])?;
    // A restart links against the interface that is there.
    session.command("kill cook")?;
    until(&mut session, "log -n 20 supervisor", "`cook` is ready")?;
    off(session)
}
