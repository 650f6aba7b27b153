//! The supervisor ends, hangs and is swapped, and nobody else notices.

use super::hostile::restarts;
use super::limits::System;
use super::shell::{answers, prompt};
use super::swap::{fails, nothing_was_lost};
use crate::{Lab, Machine, OFF, PROMPT, Scenario, Session};
use anyhow::{Result, bail, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "guardian-crash",
        about: "the supervisor crashes five times, and no other server is restarted",
        run: crash,
    },
    Scenario {
        name: "guardian-midway",
        about: "the supervisor crashes while it swaps a server under load: all or nothing",
        run: midway,
    },
    Scenario {
        name: "guardian-anew",
        about: "a supervisor that crashes too often takes all along, and the system comes back",
        run: anew,
    },
    Scenario {
        name: "guardian-swap",
        about: "the supervisor is swapped, hangs, and is swapped back, while a client works",
        run: swap,
    },
    Scenario {
        name: "guardian-bad-versions",
        about: "versions of the supervisor that trap, hang or are refused: the old one goes on",
        run: bad_versions,
    },
];

const RESTARTED: &str = "the supervisor restarted";

/// Every server but the supervisor is as it was at boot.
fn nobody_was_restarted(session: &mut Session) -> Result<()> {
    let table = session.command("ps")?;
    for name in ["log", "console", "shell", "echo", "relay", "faulty", "store", "counter"] {
        ensure!(restarts(&table, name)? == 0, "{name} was restarted:\n{table}");
    }
    ensure!(!table.contains("failed"), "a server has failed:\n{table}");
    Ok(())
}

fn off(mut session: Session) -> Result<()> {
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn crash(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.command("clerk work &")?;
    answers(&mut session, "swap store store-v2.wasm", &["swapped"])?;
    for _ in 0..4 {
        answers(&mut session, "kill supervisor", &[RESTARTED])?;
    }
    nobody_was_restarted(&mut session)?;
    // It supervises: programs start, a server is restarted, swapped and stopped; it remembers.
    answers(&mut session, "tester all", &["checks passed"])?;
    session.command("kill counter")?;
    answers(&mut session, "clerk count 5", &["counted to 5"])?;
    ensure!(restarts(&session.command("ps")?, "counter")? == 1, "the counter was not restarted");
    answers(&mut session, "history store", &["store-v2", "swapped"])?;
    answers(&mut session, "rollback store", &["swapped"])?;
    session.command("stop echo")?;
    answers(&mut session, "kill supervisor", &[RESTARTED])?;
    answers(&mut session, "ps", &["stopped"])?;
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

/// How many swaps of the store came off.
fn swapped(session: &mut Session) -> Result<usize> {
    let history = session.command("history store")?;
    ensure!(!history.contains("running"), "a swap is not over:\n{history}");
    let came_off = |line: &&str| line.contains("store-v2") && line.ends_with("swapped");
    Ok(history.lines().filter(came_off).count())
}

fn midway(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.command("clerk work &")?;
    for _ in 0..4 {
        let before = swapped(&mut session)?;
        session.command("swap store store-v2.wasm &")?;
        let told = session.command("kill supervisor")?;
        ensure!(told.contains(RESTARTED), "the supervisor did not restart:\n{told}");
        // The shell tells of the swap when it gets to it.
        let ends = ["tells what the swap came to", "store to store-v2.wasm: swapped"];
        if !ends.iter().any(|end| told.contains(end)) {
            session.expect_any(&ends)?;
            session.expect(PROMPT)?;
        }
        // Wherever the swap was.
        if swapped(&mut session)? == before {
            answers(&mut session, "clerk version", &["version 1"])?;
        } else {
            answers(&mut session, "clerk version", &["version 2"])?;
            answers(&mut session, "rollback store", &["store to store.wasm: swapped"])?;
        }
    }
    nobody_was_restarted(&mut session)?;
    answers(&mut session, "swap store store-v2.wasm", &["store to store-v2.wasm: swapped"])?;
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

fn anew(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    // Six times within ten seconds; how long one takes depends on the machine.
    for _ in 0..60 {
        session.send("kill supervisor\r")?;
        if session.expect_any(&[RESTARTED, "Type `help`"])?.0 == 1 {
            session.expect(PROMPT)?;
            answers(&mut session, "ps", &["supervisor", "console", "shell"])?;
            return off(session);
        }
        session.expect(PROMPT)?;
    }
    bail!("sixty ends of the supervisor were not too many")
}

fn swap(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.command("clerk work &")?;
    answers(&mut session, "swap supervisor supervisor-v2.wasm", &["supervisor-v2.wasm: swapped"])?;
    nobody_was_restarted(&mut session)?;
    answers(&mut session, "log -l warn supervisor", &["version 0.2.0, supervisor-v2.wasm"])?;
    answers(&mut session, "history supervisor", &["supervisor-v", "swapped"])?;
    answers(&mut session, "tester all", &["checks passed"])?;
    // The second version hangs where the first one traps.
    answers(&mut session, "kill supervisor", &[RESTARTED])?;
    nobody_was_restarted(&mut session)?;
    answers(&mut session, "log -l error", &["the supervisor hangs and is ended"])?;
    answers(&mut session, "rollback supervisor", &["supervisor.wasm", "swapped"])?;
    answers(&mut session, "kill supervisor", &[RESTARTED])?;
    answers(&mut session, "log -l warn supervisor", &["version 0.1.0, supervisor.wasm"])?;
    nobody_was_restarted(&mut session)?;
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

/// A component whose `start` does this.
fn starts(instructions: &str) -> String {
    format!(
        r#"(component
        (core module $main
            (memory (export "memory") 1)
            (func (export "start") (result i32) {instructions} (i32.const 0)))
        (core instance $main (instantiate $main))
        (func $start (result (result (error string)))
            (canon lift (core func $main "start") (memory (core memory $main "memory"))))
        (instance $start (export "start" (func $start)))
        (export "atoll:lifecycle/start@0.1.0" (instance $start)))"#
    )
}

/// A component that imports what no supervisor is granted.
const GREEDY: &str = r#"(component
    (import "atoll:samples/store@0.1.0" (instance (export "version" (func (result string))))))"#;

fn bad_versions(lab: &Lab<'_>) -> Result<()> {
    let system = System::new()?
        .with_version("traps", starts("unreachable"))?
        .with_version("hangs", starts("(loop $for-ever (br $for-ever))"))?
        .with_version("idle", starts(""))?
        .with_version("greedy", GREEDY)?;
    let mut session = system.boot(lab, "256M")?;
    session.command("clerk work &")?;
    for (version, reason) in [
        ("greedy", "atoll:samples/store"),
        ("traps", "unreachable"),
        ("hangs", "the deadline passed"),
        // It would lose what clients hold.
        ("idle", "restore-"),
    ] {
        fails(&mut session, &format!("swap supervisor {version}.wasm"), reason)?;
        nobody_was_restarted(&mut session)?;
    }
    answers(&mut session, "swap supervisor missing.wasm", &["there is no `missing.wasm`"])?;
    answers(&mut session, "swap supervisor supervisor-v2.wasm --dry-run", &["can be swapped"])?;
    answers(&mut session, "tester all", &["checks passed"])?;
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}
