//! Each kind of fault at each moment of a server's life and of a swap.
//!
//! The server `victim` is made here, in a version for each fault. What goes wrong is the same
//! everywhere; *when* is told to the version that serves by a program for each moment, and is part
//! of the state that it hands over, so that the next version knows. Its client `caller` is probed
//! all the time, and each probe is twenty numbered calls whose answers are checked: a wrong one is
//! a trap, and a restart of `caller`. `store` and `clerk`, who have nothing to do with all this,
//! work on next to it.

use super::clones::runs;
use super::hostile::restarts;
use super::limits::System;
use super::sets::until;
use super::shell::answers;
use super::swap::{PHASES, fails, nothing_was_lost, off};
use crate::{Lab, Scenario, Session};
use anyhow::{Context, Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "crash-traps",
        about: "guests that trap in five ways, at each moment of life and swap",
        run: |lab| at_each_moment(lab, &FAULTS[..5], PATIENT),
    },
    Scenario {
        name: "crash-ends",
        about: "servers that exit or fault, at each moment of life and swap",
        run: |lab| at_each_moment(lab, &FAULTS[5..7], PATIENT),
    },
    Scenario {
        name: "crash-hangs",
        about: "a server that loops for ever, at each moment of life and swap",
        run: |lab| at_each_moment(lab, &FAULTS[7..], SHORT),
    },
    Scenario {
        name: "crash-starts",
        about: "servers with each fault in their start are given up, those that need them too",
        run: starts,
    },
];

/// A kind of fault.
struct Fault {
    name: &'static str,
    /// Instructions that do it and do not come back, stack empty before and after.
    code: &'static str,
    /// What is said of a server that ended so.
    told: &'static str,
}

const FAULTS: [Fault; 8] = [
    Fault { name: "trap", code: "unreachable", told: "trapped" },
    Fault { name: "divide", code: "(drop (i32.div_u (i32.const 1) (i32.const 0)))", told: "zero" },
    Fault { name: "stack", code: "(drop (call $recurse (i32.const 0)))", told: "stack" },
    Fault { name: "memory", code: "(call $hoard) unreachable", told: "trapped" },
    // A handle that it does not have: the kernel is not even asked.
    Fault { name: "handle", code: "(call $drop (i32.const 77))", told: "handle" },
    Fault { name: "exit", code: "(call $exit (i32.const 1))", told: "exited with code 1" },
    Fault {
        name: "fault",
        code: "(drop (call $peek (i64.const 0xffffffff80000000)))",
        told: "faulted",
    },
    Fault { name: "hang", code: "(loop $ever (br $ever))", told: "" },
];

/// How long the victim may take: for the answer to a probe, to finish its calls and save, and to take
/// over; and how long the old version is kept. Only what hangs is found by time.
struct Times {
    probe: &'static str,
    step: &'static str,
    probation: &'static str,
}

/// Fewer numbered calls would not be a test.
const LEAST: u32 = 500;

const PATIENT: Times = Times { probe: "30 s", step: "30 s", probation: "1 s" };
const SHORT: Times = Times { probe: "1 s", step: "1500 ms", probation: "3 s" };

/// Moments that the programs `at-N` tell the victim of. `CALL` comes in the middle of the call that
/// tells it.
const NEVER: u32 = 0;
const CHECK: u32 = 1;
const SAVE: u32 = 2;
const RESTORE: u32 = 3;
const CALL: u32 = 4;
const FIRST_CALL: u32 = 5;

/// The victim: `next` adds one, `at` hears when to go wrong. A version that is not `bad` only
/// remembers that, for the next one.
fn victim(fault: &Fault, bad: bool, in_start: bool) -> String {
    let when = |moment: u32, acts: bool| match acts {
        true => {
            format!("(if (i32.eq (global.get $when) (i32.const {moment})) (then {}))", fault.code)
        }
        false => String::new(),
    };
    format!(
        r#"(component
        (import "wasi:cli/exit@0.2.12" (instance $cli
            (export "exit-with-code" (func (param "status-code" u8)))))
        (import "wasi:io/poll@0.2.12" (instance $poll
            (export "pollable" (type (sub resource)))))
        (import "atoll:testing/raw-gate@0.1.0" (instance $gate
            (export "peek" (func (param "address" u64) (result u8)))))
        (import "wasi:io/streams@0.2.12" (instance $streams
            (export "input-stream" (type (sub resource)))
            (export "output-stream" (type (sub resource)))))
        (alias export $poll "pollable" (type $pollable))
        (alias export $streams "input-stream" (type $input))
        (alias export $streams "output-stream" (type $output))
        (core module $memory
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $memory (instantiate $memory))
        (core func $exit (canon lower (func $cli "exit-with-code")))
        (core func $peek (canon lower (func $gate "peek")))
        (core func $drop (canon resource.drop $pollable))
        (core module $main
            (import "" "memory" (memory 1))
            (import "" "exit" (func $exit (param i32)))
            (import "" "peek" (func $peek (param i64) (result i32)))
            (import "" "drop" (func $drop (param i32)))
            (global $when (mut i32) (i32.const {NEVER}))
            (func $recurse (param i32) (result i32)
                (i32.add (i32.const 1) (call $recurse (local.get 0))))
            (func $hoard
                (loop $more
                    (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
            (func (export "start") (result i32) {start} (i32.const 64))
            (func (export "check") (result i32) {check} (i32.const 64))
            (func (export "next") (param i32) (result i32)
                {first} (i32.add (local.get 0) (i32.const 1)))
            (func (export "at") (param i32)
                (global.set $when (local.get 0)) {call})
            (func (export "save") (result i32)
                {save}
                (i32.store (i32.const 132) (i32.const 1))
                (i32.store (i32.const 136) (i32.const 200))
                (i32.store (i32.const 140) (i32.const 4))
                (i32.store (i32.const 200) (global.get $when))
                (i32.const 128))
            (func (export "restore") (param i32 i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $when (i32.load (local.get 1))) {restore} (i32.const 64)))
        (core instance $main (instantiate $main (with "" (instance
            (export "memory" (memory $memory "memory"))
            (export "exit" (func $exit)) (export "peek" (func $peek)) (export "drop" (func $drop))))))
        (type $told (result (error string)))
        (func $start (result $told)
            (canon lift (core func $main "start") (memory (core memory $memory "memory"))))
        (func $check (result $told)
            (canon lift (core func $main "check") (memory (core memory $memory "memory"))))
        (func $next (param "number" u32) (result u32) (canon lift (core func $main "next")))
        (func $at (param "moment" u32) (canon lift (core func $main "at")))
        (type $saved (record (field "version" u32) (field "data" (list u8))
            (field "inputs" (list (own $input))) (field "outputs" (list (own $output)))))
        {state}
        (instance $lifecycle (export "start" (func $start)))
        (instance $health (export "check" (func $check)))
        (instance $victim (export "next" (func $next)) (export "at" (func $at)))
        (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle))
        (export "atoll:lifecycle/health@0.1.0" (instance $health))
        (export "test:crash/victim@1.0.0" (instance $victim)))"#,
        start = if in_start { fault.code } else { "" },
        check = when(CHECK, bad),
        first = when(FIRST_CALL, bad),
        call = when(CALL, bad),
        save = when(SAVE, bad),
        restore = when(RESTORE, bad),
        state = STATE,
    )
}

/// The export of the state; its record has to be named by the interface, so a component inside
/// exports it.
const STATE: &str = r#"
        (func $save (result (result $saved (error string)))
            (canon lift (core func $main "save") (memory (core memory $memory "memory"))))
        (func $restore (param "saved" $saved) (result $told)
            (canon lift (core func $main "restore") (memory (core memory $memory "memory"))
                (realloc (core func $memory "realloc"))))
        (component $named
            (import "input" (type $input (sub resource)))
            (import "output" (type $output (sub resource)))
            (type $record (record (field "version" u32) (field "data" (list u8))
                (field "inputs" (list (own $input))) (field "outputs" (list (own $output)))))
            (import "record" (type $in (eq $record)))
            (import "save" (func $save (result (result $in (error string)))))
            (import "restore" (func $restore (param "saved" $in) (result (result (error string)))))
            (export $out "saved" (type $record))
            (export "save" (func $save) (func (result (result $out (error string)))))
            (export "restore" (func $restore)
                (func (param "saved" $out) (result (result (error string))))))
        (instance $state (instantiate $named
            (with "input" (type $input)) (with "output" (type $output)) (with "record" (type $saved))
            (with "save" (func $save)) (with "restore" (func $restore))))
        (export "atoll:lifecycle/state@0.1.0" (instance $state))"#;

/// Numbers its calls.
const CALLER: &str = r#"(component
    (import "test:crash/victim@1.0.0" (instance $victim
        (export "next" (func (param "number" u32) (result u32)))))
    (core func $next (canon lower (func $victim "next")))
    (core module $main
        (import "" "next" (func $next (param i32) (result i32)))
        (memory (export "memory") 1)
        (global $number (mut i32) (i32.const 0))
        (func (export "check") (result i32) (local $left i32)
            (local.set $left (i32.const 20))
            (loop $more
                (if (i32.ne (call $next (global.get $number))
                        (i32.add (global.get $number) (i32.const 1)))
                    (then unreachable))
                (global.set $number (i32.add (global.get $number) (i32.const 1)))
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br_if $more (local.get $left)))
            (i32.const 64)))
    (core instance $main (instantiate $main (with "" (instance (export "next" (func $next))))))
    (func $check (result (result (error string)))
        (canon lift (core func $main "check") (memory (core memory $main "memory"))))
    (instance $health (export "check" (func $check)))
    (export "atoll:lifecycle/health@0.1.0" (instance $health)))"#;

/// A program that tells the victim when to go wrong.
fn at(moment: u32) -> String {
    format!(
        r#"(component
        (import "test:crash/victim@1.0.0" (instance $victim
            (export "at" (func (param "moment" u32)))))
        (core func $at (canon lower (func $victim "at")))
        (core module $main
            (import "" "at" (func $at (param i32)))
            (func (export "run") (result i32) (call $at (i32.const {moment})) (i32.const 0)))
        (core instance $main (instantiate $main (with "" (instance (export "at" (func $at))))))
        (func $run (result (result)) (canon lift (core func $main "run")))
        (instance $run (export "run" (func $run)))
        (export "wasi:cli/run@0.2.12" (instance $run)))"#
    )
}

const VICTIM: &str = "\
    exports = [\"test:crash/victim\"]\nmemory = \"4 MiB\"\n\
    [servers.NAME.imports]\n\"wasi:cli/exit\" = \"kernel\"\n\"wasi:io/poll\" = \"kernel\"\n\
    \"wasi:io/streams\" = \"kernel\"\n\"atoll:testing/raw-gate\" = \"kernel\"\n";

/// The system with the versions of the victim for these faults.
fn system(faults: &[Fault], times: Times) -> Result<System> {
    let Times { probe, step, probation } = times;
    let entries = format!(
        "\n[servers.victim]\ncomponent = \"victim.wasm\"\n\
         health = {{ every = \"20 ms\", deadline = \"{probe}\" }}\n\
         swap = {{ quiesce = \"{step}\", transfer = \"{step}\", probation = \"{probation}\" }}\n\
         restart = {{ limit = 1000, backoff = \"1 ms\", backoff-max = \"1 ms\" }}\n{}\
         \n[servers.caller]\ncomponent = \"caller.wasm\"\n\
         health = {{ every = \"1 ms\", deadline = \"30 s\" }}\n[servers.caller.imports]\n\
         \"test:crash/victim\" = {{ server = \"victim\", on-crash = \"retry\" }}\n",
        VICTIM.replace("NAME", "victim")
    );
    let mut system = System::new()?
        .with("victim", victim(&FAULTS[0], false, false), &entries)?
        .with("caller", CALLER, "")?;
    for moment in [NEVER, CHECK, SAVE, RESTORE, CALL, FIRST_CALL] {
        let entry = format!(
            "\n[programs.at-{moment}]\ncomponent = \"at-{moment}.wasm\"\n\
             imports.\"test:crash/victim\" = {{ server = \"victim\" }}\n"
        );
        system = system.with(&format!("at-{moment}"), at(moment), &entry)?;
    }
    for fault in faults {
        system = system
            .with_version(&format!("bad-{}", fault.name), victim(fault, true, false))?
            .with_version(&format!("start-{}", fault.name), victim(fault, true, true))?;
    }
    Ok(system)
}

fn at_each_moment(lab: &Lab<'_>, faults: &[Fault], times: Times) -> Result<()> {
    let mut session = system(faults, times)?.boot(lab, "256M")?;
    session.command("clerk work &")?;
    let mut lives = 0;
    for fault in faults {
        in_the_new_version(&mut session, fault)
            .and_then(|()| in_the_one_that_serves(&mut session, fault, &mut lives))
            .with_context(|| fault.name)?;
    }
    nothing_was_lost(&mut session, "clerk")?;
    let table = session.command("ps")?;
    for bystander in ["caller", "store", "echo", "relay", "log", "console", "shell"] {
        ensure!(restarts(&table, bystander)? == 0, "{bystander} was restarted:\n{table}");
    }
    let line = table.lines().find(|line| line.contains(" caller "));
    let sent = line.and_then(|line| line.split_whitespace().rev().nth(1));
    let sent: u32 = sent.context("`ps` does not show the caller")?.parse()?;
    ensure!(sent >= LEAST, "the caller made only {sent} calls:\n{table}");
    off(session)
}

/// In start, restore, the first call and a probe of a version that takes over: the old one goes on.
fn in_the_new_version(session: &mut Session, fault: &Fault) -> Result<()> {
    let bad = format!("swap victim bad-{}.wasm", fault.name);
    for (moment, in_time) in [(RESTORE, "deadline"), (FIRST_CALL, "new version"), (CHECK, "probe")]
    {
        session.command(&format!("at-{moment}"))?;
        let told = if fault.told.is_empty() { in_time } else { fault.told };
        fails(session, &bad, told)?;
    }
    let told = if fault.told.is_empty() { "deadline" } else { fault.told };
    fails(session, &format!("swap victim start-{}.wasm", fault.name), told)
}

/// Between two calls, in a call and in save of the one that serves: it is restarted.
fn in_the_one_that_serves(session: &mut Session, fault: &Fault, lives: &mut u32) -> Result<()> {
    session.command(&format!("at-{NEVER}"))?;
    answers(session, &format!("swap victim bad-{}.wasm", fault.name), &PHASES)?;
    for moment in [CHECK, CALL] {
        session.command(&format!("at-{moment}"))?;
        *lives += 1;
        runs(session, "victim", *lives)?;
    }
    // The old version that cannot save is restarted, and the swap is not made.
    session.command(&format!("at-{SAVE}"))?;
    fails(session, "swap victim victim.wasm", "quiesce")?;
    *lives += 1;
    runs(session, "victim", *lives)?;
    answers(session, "swap victim victim.wasm", &PHASES)?;
    Ok(())
}

/// What the supervisor has said.
const LOG: &str = "log -l warn -n 200 supervisor";
/// Most restarts of those that go wrong in their start.
const LIMIT: u32 = 2;

fn starts(lab: &Lab<'_>) -> Result<()> {
    let mut system = System::new()?;
    for fault in &FAULTS {
        let name = fault.name;
        let entry = format!(
            "\n[servers.{name}]\ncomponent = \"{name}.wasm\"\nstart-deadline = \"300 ms\"\n\
             restart = {{ limit = {LIMIT}, backoff = \"1 ms\" }}\n{}\
             \n[servers.needs-{name}]\ncomponent = \"caller.wasm\"\n\
             imports.\"test:crash/victim\" = {{ server = \"{name}\" }}\n",
            VICTIM.replace("NAME", name)
        );
        system = system.with(name, victim(fault, false, true), &entry)?;
    }
    let system = system.with("caller", CALLER, "")?;
    let mut session = system.boot(lab, "256M")?;
    session.command("clerk work &")?;
    for fault in &FAULTS {
        let down = format!("`needs-{0}` waits for `{0}`, which is down", fault.name);
        until(&mut session, LOG, &down)?;
    }
    let log: String = session.command(LOG)?.split_whitespace().collect();
    let given_up = log.matches(&format!("ithasfailed,after{LIMIT}restarts")).count();
    ensure!(given_up == FAULTS.len(), "{given_up} servers were given up:\n{log}");
    let table = session.command("ps")?;
    for name in ["store", "echo", "relay", "log", "console", "shell"] {
        ensure!(restarts(&table, name)? == 0, "{name} was restarted:\n{table}");
    }
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}
