//! Servers that end and come back, and descriptions that are refused.

use super::hostile::restarts;
use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, PROMPT, Scenario, Session};
use anyhow::{Result, ensure};
use std::fs;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "supervision-kill-each",
        about: "killing any server leaves a system that works",
        run: kill_each,
    },
    Scenario {
        name: "supervision-limit",
        about: "a server that ends too often is given up, and can be started by hand",
        run: limit,
    },
    Scenario {
        name: "supervision-refused",
        about: "a server with an import that is not granted does not start, and says why",
        run: refused,
    },
    Scenario {
        name: "supervision-description",
        about: "a bad system description is refused with file, line and reason",
        run: description,
    },
];

fn kill_each(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    for name in ["log", "echo", "relay", "faulty", "console", "shell"] {
        session.send(&format!("kill {name}\r"))?;
        works_again(&mut session, name)?;
    }
    let table = session.command("ps")?;
    for name in ["log", "echo", "relay", "faulty", "console", "shell"] {
        ensure!(restarts(&table, name)? == 1, "{name} was not restarted once:\n{table}");
    }
    answers(&mut session, "tester all", &["checks passed"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// The console or the shell may be the one that ended, so ask until somebody answers.
fn works_again(session: &mut Session, name: &str) -> Result<()> {
    session.expect(PROMPT)?;
    answers(session, &format!("echo {name} is gone"), &["is gone"])?;
    Ok(())
}

fn limit(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    // `echo` may be restarted three times in ten seconds. While it is backing off there is nobody
    // to kill, so how often it takes depends on the machine.
    for _ in 0..100 {
        session.command("kill echo")?;
        if session.command("ps")?.lines().any(|line| is(line, "echo", "failed")) {
            break;
        }
    }
    let table = session.command("ps")?;
    ensure!(table.lines().any(|line| is(line, "echo", "failed")), "echo still runs:\n{table}");
    answers(&mut session, "log -l error -n 5 supervisor", &["`echo`", "failed"])?;
    session.command("start echo")?;
    answers(&mut session, "tester values", &["checks passed"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn is(line: &str, name: &str, state: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.get(1) == Some(&name) && words.get(2) == Some(&state)
}

/// The test system without one of the relay's grants.
fn refused(lab: &Lab<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let system = folder.path().join("ungranted.toml");
    let text = fs::read_to_string("iso/systems/user.toml")?;
    let (before, relay) = text.split_once("[servers.relay.imports]").unwrap_or_default();
    let grant = "\"atoll:testing/echo\" = { server = \"echo\" }\n";
    ensure!(relay.contains(grant), "the relay does not have the grant to leave out");
    fs::write(&system, format!("{before}[servers.relay.imports]{}", relay.replacen(grant, "", 1)))?;
    let mut session = prompt(lab, &Machine::new(&system))?;
    // A program that imports from it is refused once the relay has failed.
    answers(&mut session, "tester values", &["relay"])?;
    let log = answers(&mut session, "log -l error", &["`relay`", "atoll:testing/echo"])?;
    ensure!(log.contains("grant"), "the log does not say that a grant is missing:\n{log}");
    answers(&mut session, "ps", &["failed"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn description(lab: &Lab<'_>) -> Result<()> {
    let bad = "tests/descriptions/unknown-server";
    let expected = fs::read_to_string(format!("{bad}.expected"))?;
    // The module is always called system.toml, whatever the file's name was.
    let (_, expected) = expected.trim().split_once(".toml").unwrap_or_default();
    let mut session = lab.boot(&Machine::default().description(format!("{bad}.toml")))?;
    session.expect(&format!("system.toml{expected}"))?;
    Ok(())
}
