//! From power-on to the prompt and to power-off.

use crate::{Lab, Machine, OFF, PROMPT, Scenario};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "boot", about: "boots to the prompt, answers, switches off", run: boot },
    Scenario { name: "boot-128m", about: "the same with 128 MiB of memory", run: little_memory },
    Scenario { name: "boot-8g", about: "the same with 8 GiB of memory", run: much_memory },
];

fn boot(lab: &Lab<'_>) -> Result<()> {
    works(lab, &Machine::default())
}

fn little_memory(lab: &Lab<'_>) -> Result<()> {
    works(lab, &Machine::default().memory("128M"))
}

fn much_memory(lab: &Lab<'_>) -> Result<()> {
    works(lab, &Machine::default().memory("8G"))
}

/// The least that any way to boot must lead to: a prompt, an answer, and an orderly end.
pub(super) fn works(lab: &Lab<'_>, machine: &Machine) -> Result<()> {
    let mut session = lab.boot(machine)?;
    session.expect(PROMPT)?;
    let answer = session.command("echo it works")?;
    ensure!(answer == "it works", "`echo it works` answered {answer:?}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
