//! Servers that are replaced while they run and clients use them.
//!
//! The client is `clerk work`: numbered calls on open tables of the server `store`, whose answers
//! show every lost or doubled call. A call that fails ends it.

use super::limits::System;
use super::shell::{answers, prompt};
use crate::guide::type_page;
use crate::{Lab, Machine, OFF, PROMPT, Scenario, Session};
use anyhow::{Context, Result, bail, ensure};
use std::env;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "swap-stateless",
        about: "a server without state is swapped by itself, and its clients go on",
        run: stateless,
    },
    Scenario {
        name: "swap-stateful",
        about: "a store is swapped to its next version and back while a client holds its tables",
        run: stateful,
    },
    Scenario {
        name: "swap-memory",
        about: "a server without code for it is swapped with its memory and its clients' objects",
        run: memory,
    },
    Scenario {
        name: "swap-guide",
        about: "the guide to swapping, word by word",
        run: |lab| guide(lab, "docs/swapping.md"),
    },
    Scenario {
        name: "swap-guide-drivers",
        about: "the guide to swapping drivers, word by word",
        run: |lab| guide(lab, "docs/drivers.md"),
    },
    Scenario {
        name: "swap-rollback",
        about: "new versions that trap, fail, hang, do not fit or ask for more are rolled back",
        run: rolled_back,
    },
    Scenario {
        name: "swap-set",
        about: "two servers of which one calls the other are swapped at once, or neither",
        run: set,
    },
    Scenario { name: "swap-many", about: "swaps in a row leave nothing behind", run: many },
];

/// What a swap tells when it goes well.
pub(super) const PHASES: [&str; 6] =
    ["prepare", "quiesce", "transfer", "commit", "probation", "swapped;"];

/// Calls of a client while a server without state is swapped: most machines take longer for them than
/// for the swaps.
const CALLS: u32 = 200_000;

fn stateless(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    answers(&mut session, "tester all", &["checks passed"])?;
    answers(&mut session, "swap echo echo.wasm --dry-run", &["nothing was changed"])?;
    session.command(&format!("tester plain {CALLS} &"))?;
    let mut heard = String::new();
    for _ in 0..3 {
        heard.push_str(&answers(&mut session, "swap echo echo.wasm", &PHASES)?);
    }
    let all = format!("ok      {CALLS} plain calls answered");
    if !heard.contains(": done") {
        heard.push_str(&session.expect(": done")?);
        session.expect(PROMPT)?;
    }
    ensure!(heard.contains(&all), "calls were lost:\n{heard}");
    answers(&mut session, "tester all", &["checks passed"])?;
    // The one that took over is as good as one that was started: it can be swapped and restarted.
    answers(&mut session, "rollback echo", &PHASES)?;
    answers(&mut session, "restart echo", &["is restarting"])?;
    answers(&mut session, "tester all", &["checks passed"])?;
    off(session)
}

fn stateful(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.command("clerk put colour green")?;
    session.command("clerk work &")?;
    let commands = [
        ("swap store store-v2.wasm", "version 2"),
        ("swap store store.wasm", "version 1"),
        ("rollback store", "version 2"),
    ];
    for (command, version) in commands {
        answers(&mut session, command, &PHASES)?;
        answers(&mut session, "clerk version", &[version])?;
        answers(&mut session, "clerk get colour", &["green"])?;
    }
    let history = session.command("history store")?;
    let swaps = history.lines().filter(|line| line.ends_with("swapped")).count();
    ensure!(swaps == 3, "three swaps are not told:\n{history}");
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

fn memory(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    answers(&mut session, "start till", &["is starting"])?;
    session.command("teller put colour green")?;
    session.command("teller work &")?;
    for (file, version) in [("till-v2.wasm", "version 2"), ("till.wasm", "version 1")] {
        answers(&mut session, &format!("swap till {file}"), &PHASES)?;
        answers(&mut session, "teller version", &[version])?;
        answers(&mut session, "teller get colour", &["green"])?;
    }
    // A state that is larger than what could be saved otherwise, in memory that grew.
    answers(&mut session, "teller fill 400 500", &[])?;
    answers(&mut session, "rollback till", &PHASES)?;
    answers(&mut session, "teller get colour", &["green"])?;
    // Versions of another layout: neither loses its state.
    fails(&mut session, "swap till store.wasm", "another layout or none")?;
    fails(&mut session, "swap store till.wasm", "this one exports no")?;
    answers(&mut session, "teller version", &["version 2"])?;
    nothing_was_lost(&mut session, "teller")?;
    // What took over is restarted as what it was made as.
    answers(&mut session, "restart till", &["is restarting"])?;
    answers(&mut session, "teller version", &["version 2"])?;
    off(session)
}

/// Ends a client, all of whose answers must have been right.
pub(super) fn nothing_was_lost(session: &mut Session, client: &str) -> Result<()> {
    session.send(&format!("{client} stop\r"))?;
    let told = session.expect(" late,")?;
    let words: Vec<&str> = told.split_whitespace().rev().take(8).collect();
    let [_, _, "wrong,", wrong, "right,", "answers", right, ..] = words.as_slice() else {
        bail!("the client does not say how it got on:\n{told}")
    };
    ensure!(*wrong == "0" && *right != "0", "{right} answers were right, {wrong} wrong");
    session.expect(": done")?;
    session.expect(PROMPT)?;
    Ok(())
}

/// Switches the machine off.
pub(super) fn off(mut session: Session) -> Result<()> {
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn guide(lab: &Lab<'_>, page: &str) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    type_page(&mut session, page)?;
    off(session)
}

/// A component that exports the store's interface with another type.
const OTHER_TYPES: &str = r#"(component
    (core module $main (func (export "version") (result i32) (i32.const 1)))
    (core instance $main (instantiate $main))
    (func $version (result u32) (canon lift (core func $main "version")))
    (instance $store (export "version" (func $version)))
    (export "atoll:samples/store@0.1.0" (instance $store)))"#;

/// What leads to each roll-back, and what is told of it.
const TRICKS: [(&str, &str); 5] = [
    ("trap-in-restore", "trapped"),
    ("fail-in-restore", "it was told to fail"),
    ("hang-in-restore", "deadline"),
    ("trap-on-call", "trapped"),
    ("hang-on-call", "answered none"),
];

fn rolled_back(lab: &Lab<'_>) -> Result<()> {
    let system = System::new()?.with_version("other-types", OTHER_TYPES)?;
    let mut session = system.boot(lab, "256M")?;
    session.command("clerk put colour green")?;
    session.command("clerk work &")?;
    fails(&mut session, "swap store other-types.wasm", "table")?;
    fails(&mut session, "swap store missing.wasm", "missing.wasm")?;
    fails(&mut session, "swap store store-bad.wasm", "atoll:clocks/monotonic")?;
    let bad = "swap store store-bad.wasm --grant atoll:clocks/monotonic=kernel";
    for (trick, reason) in TRICKS {
        session.command(&format!("clerk put mischief {trick}"))?;
        fails(&mut session, bad, reason)?;
        answers(&mut session, "clerk version", &["version 1"])?;
        answers(&mut session, "clerk get colour", &["green"])?;
    }
    nothing_was_lost(&mut session, "clerk")?;
    answers(&mut session, "swap log log.wasm", &PHASES)?;
    // Without a trick it is a version like any other, once it is granted what it needs.
    session.command("clerk put mischief none")?;
    answers(&mut session, bad, &PHASES)?;
    answers(&mut session, "clerk version", &["version bad"])?;
    off(session)
}

/// A swap that does not come off, for that reason.
pub(super) fn fails(session: &mut Session, command: &str, reason: &str) -> Result<()> {
    let told = session.command(command)?;
    let squeezed: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(squeezed.contains("rolled back, the old version serves"), "it came off:\n{told}");
    ensure!(squeezed.contains(reason), "it does not say {reason:?}:\n{told}");
    Ok(())
}

fn set(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    answers(&mut session, "swap relay relay.wasm echo echo.wasm", &PHASES)?;
    answers(&mut session, "tester all", &["checks passed"])?;
    fails(&mut session, "swap relay relay.wasm echo store.wasm", "atoll:testing/echo")?;
    answers(&mut session, "tester all", &["checks passed"])?;
    answers(&mut session, "rollback relay", &["echo to echo.wasm and relay to relay.wasm"])?;
    answers(&mut session, "tester all", &["checks passed"])?;
    off(session)
}

/// Swaps before and between the looks at what is taken; a long run may ask for more of them.
const WARM: usize = 4;
const SWAPS: usize = 100;
const MORE: &str = "ATOLL_SWAPS";
/// A leak of a frame a swap would be more; what the supervisor remembers is less.
const TOLERANCE: u64 = 3;

fn many(lab: &Lab<'_>) -> Result<()> {
    let swaps = env::var(MORE).ok().map(|count| count.parse()).transpose()?.unwrap_or(SWAPS);
    let system = System::new()?
        .instead("probation = \"500 ms\"", "probation = \"20 ms\"")?
        // What has answered none of its calls by then gets so much more time for that.
        .instead("quiesce = \"500 ms\"", "quiesce = \"5 s\"")?;
    let mut session = system.boot(lab, "256M")?;
    session.command("clerk work &")?;
    let mut versions = ["store-v2.wasm", "store.wasm"].into_iter().cycle();
    let mut swap = |session: &mut Session, count: usize| {
        versions
            .by_ref()
            .take(count)
            .try_for_each(|file| answers(session, &format!("swap store {file}"), &PHASES).map(drop))
    };
    swap(&mut session, WARM)?;
    let before = (taken(&mut session)?, handles(&mut session)?);
    swap(&mut session, swaps)?;
    let after = (taken(&mut session)?, handles(&mut session)?);
    ensure!(after.0 <= before.0 + TOLERANCE, "{swaps} swaps took memory: {before:?}, {after:?}");
    ensure!(after.1 == before.1, "{swaps} swaps took handles: {before:?}, {after:?}");
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

/// Memory of the store, of the supervisor and of nobody, in tenths of a megabyte. A leak is in one
/// of these; the log grows by what it is told, and a server that is still starting by itself.
fn taken(session: &mut Session) -> Result<u64> {
    let table = session.command("mem")?;
    let owners = ["store", "supervisor", "kernel and shared"];
    owners.iter().map(|owner| size(&table, owner)).sum()
}

/// The size in a line of the table of `mem`.
fn size(table: &str, owner: &str) -> Result<u64> {
    let rest = table.lines().find_map(|line| line.strip_prefix(owner));
    let words: Vec<&str> = rest.unwrap_or_default().split_whitespace().take(2).collect();
    let [number, "MiB"] = words.as_slice() else {
        bail!("`mem` does not say how many MiB {owner} has:\n{table}")
    };
    number.replace('.', "").parse().with_context(|| format!("{number} is no size"))
}

/// How many handles the store has.
fn handles(session: &mut Session) -> Result<usize> {
    let table = session.command("caps store")?;
    Ok(table.lines().filter(|line| line.trim_start().starts_with("0x")).count())
}
