//! Two and three servers that call each other, with every kind of value and with handles.

use super::hostile::restarts;
use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, Scenario};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "calls-values",
        about: "every kind of value goes to another server and comes back",
        run: values,
    },
    Scenario {
        name: "calls-handles",
        about: "handles are made, lent, passed A to B to C, merged, dropped and refused",
        run: handles,
    },
    Scenario { name: "calls-many", about: "thousands of calls in a row, none lost", run: many },
    Scenario {
        name: "calls-recover",
        about: "a server that dies in a call, and what its clients see",
        run: recover,
    },
    Scenario {
        name: "calls-revoked",
        about: "a handle passed A to B to C is revoked, and used after",
        run: revoked,
    },
    Scenario {
        name: "calls-user-ring",
        about: "the same with servers and programs in ring 3",
        run: user_ring,
    },
];

/// Runs a group of the tester's checks, all of which must pass.
fn checks(lab: &Lab<'_>, machine: &Machine, group: &str) -> Result<()> {
    let mut session = prompt(lab, machine)?;
    let report = answers(&mut session, &format!("tester {group}"), &["checks passed"])?;
    ensure!(!report.contains("FAILED"), "{report}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn values(lab: &Lab<'_>) -> Result<()> {
    checks(lab, &Machine::testing(), "values")
}

fn handles(lab: &Lab<'_>) -> Result<()> {
    checks(lab, &Machine::testing(), "handles")
}

fn many(lab: &Lab<'_>) -> Result<()> {
    checks(lab, &Machine::testing(), "calls")
}

fn recover(lab: &Lab<'_>) -> Result<()> {
    checks(lab, &Machine::testing(), "recover")
}

fn revoked(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    // `echo` made it, `tester` passed it on, `relay` keeps it.
    answers(&mut session, "tester keep", &["2 checks passed"])?;
    answers(&mut session, "tester kept", &["the kept counter says 102"])?;
    answers(&mut session, "revoke echo", &["1 objects of echo are revoked"])?;
    answers(&mut session, "tester kept", &["its keeper ended when it used it"])?;
    // Whoever used the revoked handle has ended, and nothing else has; new handles work.
    let table = session.command("ps")?;
    ensure!(restarts(&table, "echo")? == 0, "echo was restarted:\n{table}");
    answers(&mut session, "tester all", &["checks passed"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn user_ring(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::new("iso/systems/user.toml"))?;
    // A program waits for the servers that it imports from, so they run after it.
    answers(&mut session, "tester all", &["checks passed"])?;
    let table = session.command("ps")?;
    let ring_of = |name: &str| {
        let line = table.lines().find(|line| line.contains(name))?;
        line.split_whitespace().nth(3).map(str::to_owned)
    };
    ensure!(ring_of("echo").as_deref() == Some("3"), "echo is not in ring 3:\n{table}");
    ensure!(ring_of("relay").as_deref() == Some("0"), "relay is not in ring 0:\n{table}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
