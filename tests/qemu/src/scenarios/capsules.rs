//! Servers whose state outlives them, in a capsule.

use super::clones::runs;
use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, PROMPT, Scenario};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[Scenario {
    name: "capsule-counter",
    about: "a server counts through crashes, a stop and a swap, and no request counts twice",
    run: counter,
}];

fn counter(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    answers(&mut session, "clerk count 5", &["counted to 5"])?;
    for (life, count) in [(1, "counted to 10"), (2, "counted to 15")] {
        session.command("kill counter")?;
        answers(&mut session, "clerk count 5", &[count])?;
        runs(&mut session, "counter", life)?;
    }
    session.command("stop counter")?;
    session.command("start counter")?;
    answers(&mut session, "clerk count 5", &["counted to 20"])?;
    answers(&mut session, "swap counter counter.wasm", &["swapped"])?;
    answers(&mut session, "clerk count 5", &["counted to 25"])?;
    // It is killed at whatever it does, again and again; its client numbers its requests.
    session.command("clerk count 400 &")?;
    for _ in 0..5 {
        session.command("kill counter")?;
    }
    session.expect("counted to 425")?;
    session.expect(PROMPT)?;
    let grants = session.command("caps counter")?;
    ensure!(grants.contains("capsule"), "`caps` does not show the capsule:\n{grants}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
