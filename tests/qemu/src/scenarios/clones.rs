//! Servers that are restarted as clones.

use super::limits::System;
use super::shell::answers;
use crate::{Lab, OFF, Scenario, Session};
use anyhow::{Context, Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "clones-lives",
        about: "a server that is killed is back as a clone, with fresh memory and other numbers",
        run: lives,
    },
    Scenario {
        name: "clones-traps",
        about: "servers that trap are back as clones, and their clients go on",
        run: traps,
    },
    Scenario {
        name: "clones-full",
        about: "a server that needs its whole quota works as if nothing had been kept of it",
        run: full,
    },
    Scenario { name: "clones-many", about: "two hundred lives in a row take no memory", run: many },
];

/// A server that says, when it starts, how often its global and its memory have seen a start, and
/// a random number.
const PHOENIX: &str = r#"(component
    (import "atoll:log/log@0.1.0" (instance $log
        (type $enum (enum "error" "warn" "info" "debug" "trace"))
        (export "level" (type $level (eq $enum)))
        (export "write" (func (param "level" $level) (param "text" string)))))
    (import "wasi:random/random@0.2.12" (instance $random
        (export "get-random-u64" (func (result u64)))))
    (core module $memory
        (memory (export "memory") 1)
        (data (i32.const 0) "starts seen: .. "))
    (core instance $memory (instantiate $memory))
    (core func $write (canon lower (func $log "write") (memory (core memory $memory "memory"))))
    (core func $number (canon lower (func $random "get-random-u64")))
    (core module $main
        (import "" "memory" (memory 1))
        (import "" "write" (func $write (param i32 i32 i32)))
        (import "" "number" (func $number (result i64)))
        (global $starts (mut i32) (i32.const 48))
        (func (export "start") (result i32) (local $number i64) (local $at i32)
            (global.set $starts (i32.add (global.get $starts) (i32.const 1)))
            (i32.store8 (i32.const 13) (global.get $starts))
            (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
            (i32.store8 (i32.const 14) (i32.add (i32.load (i32.const 64)) (i32.const 48)))
            (local.set $number (call $number))
            (local.set $at (i32.const 16))
            (loop $digits
                (i32.store8 (local.get $at)
                    (i32.add (i32.const 97)
                        (i32.wrap_i64 (i64.and (local.get $number) (i64.const 15)))))
                (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $digits (i32.lt_u (local.get $at) (i32.const 32))))
            (call $write (i32.const 2) (i32.const 0) (i32.const 32))
            (i32.const 128)))
    (core instance $main (instantiate $main (with "" (instance
        (export "memory" (memory $memory "memory"))
        (export "write" (func $write))
        (export "number" (func $number))))))
    (func $start (result (result (error string)))
        (canon lift (core func $main "start") (memory (core memory $memory "memory"))))
    (instance $lifecycle (export "start" (func $start)))
    (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle)))"#;

/// Its entry; `settings` are more lines of it.
fn phoenix(name: &str, settings: &str) -> String {
    format!(
        "\n[servers.{name}]\ncomponent = \"{name}.wasm\"\n{settings}\n\
         restart = {{ policy = \"always\", limit = 1000, backoff = \"1 ms\", \
         backoff-max = \"1 ms\" }}\n\
         [servers.{name}.imports]\n\"atoll:log/log\" = {{ log = \"write\" }}\n\
         \"wasi:random/random\" = \"kernel\"\n"
    )
}

/// Kills a server and asks until it has been restarted that often.
fn kill(session: &mut Session, name: &str, restarts: u32) -> Result<()> {
    session.command(&format!("kill {name}"))?;
    runs(session, name, restarts)
}

/// Asks until a server runs, restarted that often.
pub(super) fn runs(session: &mut Session, name: &str, restarts: u32) -> Result<()> {
    for _ in 0..500 {
        let table = session.command("ps")?;
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut lines = table.lines().map(words);
        let line = lines.find(|words| words.get(1).is_some_and(|word| word == name));
        let line = line.with_context(|| format!("`ps` does not show {name}:\n{table}"))?;
        let is_up = ["running", "waiting"].contains(&line.get(2).map_or("", String::as_str));
        if is_up && line.last() == Some(&restarts.to_string()) {
            return Ok(());
        }
    }
    anyhow::bail!("{name} does not run, restarted {restarts} times")
}

/// What a server said at its starts, with the random numbers.
fn said(session: &mut Session, name: &str) -> Result<Vec<(String, String)>> {
    let log = session.command(&format!("log -n 100 {name}"))?;
    let starts = log.lines().filter_map(|line| {
        let mut words = line.split("starts seen: ").nth(1)?.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    Ok(starts.collect())
}

/// How often the supervisor's log says this of a server.
pub(super) fn told(session: &mut Session, name: &str, what: &str) -> Result<usize> {
    let log = session.command("log -n 200 supervisor")?;
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    // The terminal may have broken a line anywhere.
    Ok(squeeze(&log).matches(&squeeze(&format!("`{name}` {what}"))).count())
}

fn lives(lab: &Lab<'_>) -> Result<()> {
    let system = System::new()?.with("phoenix", PHOENIX, &phoenix("phoenix", ""))?.with(
        "loaded",
        PHOENIX,
        &phoenix("loaded", "snapshot = false"),
    )?;
    let mut session = system.boot(lab, "256M")?;
    for (name, clones) in [("phoenix", 5), ("loaded", 0)] {
        for life in 1..=5 {
            kill(&mut session, name, life)?;
        }
        let mut starts = said(&mut session, name)?;
        ensure!(starts.len() == 6, "{name} did not say at each start: {starts:?}");
        let fresh = starts.iter().all(|(seen, _)| seen == "11");
        ensure!(fresh, "{name} remembers an earlier life: {starts:?}");
        starts.sort();
        starts.dedup();
        ensure!(starts.len() == 6, "{name} had a random number twice: {starts:?}");
        let table = session.command("ps")?;
        let line = table.lines().find(|line| line.contains(&format!(" {name} ")));
        let shown = line.is_some_and(|line| line.contains("cloned"));
        ensure!(shown == (clones > 0), "`ps` does not tell how {name} was restarted:\n{table}");
        let cloned = told(&mut session, name, "is ready, as a clone")?;
        ensure!(cloned == clones, "{name} was cloned {cloned} times");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn traps(lab: &Lab<'_>) -> Result<()> {
    let mut session = System::new()?.boot(lab, "256M")?;
    for life in 1..=3 {
        answers(&mut session, "provoke trap", &["the server ended"])?;
        // A clone whose provider is just then being restarted would be loaded.
        runs(&mut session, "faulty", life)?;
        answers(&mut session, "tester recover", &["checks passed"])?;
        answers(&mut session, "tester all", &["checks passed"])?;
    }
    for name in ["echo", "relay", "faulty"] {
        let cloned = told(&mut session, name, "is ready, as a clone")?;
        ensure!(cloned == 3, "{name} was cloned {cloned} times");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// A server that fills six of its eight megabytes when it starts.
const FULL: &str = r#"(component
    (core module $main
        (memory (export "memory") 96)
        (func (export "start") (result i32) (local $page i32)
            (loop $more
                (i32.store (i32.shl (local.get $page) (i32.const 12)) (local.get $page))
                (local.set $page (i32.add (local.get $page) (i32.const 1)))
                (br_if $more (i32.lt_u (local.get $page) (i32.const 1536))))
            (i32.const 8)))
    (core instance $main (instantiate $main))
    (func $start (result (result (error string)))
        (canon lift (core func $main "start") (memory (core memory $main "memory"))))
    (instance $lifecycle (export "start" (func $start)))
    (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle)))"#;

fn full(lab: &Lab<'_>) -> Result<()> {
    let entry = "\n[servers.full]\ncomponent = \"full.wasm\"\nmemory = \"8 MiB\"\n\
                 restart = { policy = \"always\", limit = 10, backoff = \"1 ms\" }\n";
    let mut session = System::new()?.with("full", FULL, entry)?.boot(lab, "256M")?;
    for life in 1..=3 {
        kill(&mut session, "full", life)?;
    }
    let (ready, cloned) =
        (told(&mut session, "full", "is ready")?, told(&mut session, "full", "is ready, as")?);
    ensure!(ready == 4 && cloned == 0, "full was ready {ready} times, {cloned} of them as a clone");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Free memory of the machine as `mem` shows it, in tenths of a megabyte.
fn free(session: &mut Session) -> Result<u64> {
    let table = session.command("mem")?;
    let line = table.lines().find(|line| line.starts_with("free"));
    let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    let (Some(size), Some(&"MiB")) = (words.get(1), words.get(2)) else {
        anyhow::bail!("`mem` does not say how much is free:\n{table}")
    };
    size.replace('.', "").parse().with_context(|| format!("{size} is no size"))
}

/// A leak of one frame a life would be 0.8 MiB; the shell's history and the like may take a little.
const LIVES: u32 = 200;
const TOLERANCE: u64 = 3;

fn many(lab: &Lab<'_>) -> Result<()> {
    let system = System::new()?.with("phoenix", PHOENIX, &phoenix("phoenix", ""))?;
    let mut session = system.boot(lab, "128M")?;
    // The last server to start takes its memory.
    runs(&mut session, "faulty", 0)?;
    for life in 1..=10 {
        kill(&mut session, "phoenix", life)?;
    }
    let before = free(&mut session)?;
    for life in 11..=LIVES + 10 {
        kill(&mut session, "phoenix", life)?;
    }
    let after = free(&mut session)?;
    ensure!(after + TOLERANCE >= before, "{LIVES} lives took {} of 0.1 MiB", before - after);
    ensure!(told(&mut session, "phoenix", "is ready, as a clone")? > 10, "it was not cloned");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
