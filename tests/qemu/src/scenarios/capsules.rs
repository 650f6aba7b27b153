//! Servers whose state outlives them, in a capsule.

use super::clones::runs;
use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, Scenario, Session};
use anyhow::{Result, bail};

pub(super) const ALL: &[Scenario] = &[Scenario {
    name: "capsule-counter",
    about: "a server counts through crashes, a stop and a swap, and no request counts twice",
    run: counter,
}];

/// What the client says in the end.
const ALL_COUNTED: &str = "counted to 425";

/// Asks until the client in the background has made calls; all that was said meanwhile.
fn has_called(session: &mut Session) -> Result<String> {
    let mut told = String::new();
    for _ in 0..500 {
        let table = session.command("ps")?;
        let calls = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(1).filter(|name| name.starts_with("clerk."))?;
            words.iter().rev().nth(1)?.parse::<u32>().ok()
        };
        told.push_str(&table);
        if told.contains(ALL_COUNTED) || table.lines().filter_map(calls).any(|calls| calls > 0) {
            return Ok(told);
        }
    }
    bail!("the client does not call")
}

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
    let mut told = has_called(&mut session)?;
    for _ in 0..5 {
        told.push_str(&session.command("kill counter")?);
    }
    if !told.contains(ALL_COUNTED) {
        session.expect(ALL_COUNTED)?;
    }
    // There may be a prompt more than there were commands.
    session.send("caps counter\r")?;
    session.expect("atoll:lifecycle/capsule")?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
