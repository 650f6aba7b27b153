//! Servers whose heirs take their places: as often as their policy allows, and with all that a
//! server of its own accord or on request does besides.

use super::clones::{runs, told};
use super::limits::System;
use super::shell::answers;
use crate::{Lab, OFF, Scenario, Session};
use anyhow::{Result, bail, ensure};

pub(super) const ALL: &[Scenario] = &[Scenario {
    name: "recovery-heirs",
    about: "a clone that stands by serves as soon as a server fails, and only then",
    run: heirs,
}];

/// What the supervisor says of a server in whose place its heir serves.
const SERVES: &str = "is ready: its heir serves";

/// The test system; `echo` and the console have heirs, and a restart at once each second.
fn system() -> Result<System> {
    let echo = "limit = 3, window = \"10 s\", backoff = \"50 ms\", backoff-max = \"200 ms\" }";
    let heir = "heir = true, limit = 5, window = \"1 s\", backoff = \"50 ms\" }";
    let always =
        "restart = { policy = \"always\", limit = 5, window = \"10 s\", backoff = \"100 ms\",";
    System::new()?.instead(echo, heir)?.instead(always, &always.replace("{ ", "{ heir = true, "))
}

/// Asks until a clone stands by to take the place of a server.
fn stands_by(session: &mut Session, name: &str) -> Result<()> {
    for _ in 0..500 {
        if session.command(&format!("policy {name}"))?.contains("heir: a clone stands by") {
            return Ok(());
        }
    }
    bail!("no clone stands by for {name}")
}

fn heirs(lab: &Lab<'_>) -> Result<()> {
    let mut session = system()?.boot(lab, "256M")?;
    stands_by(&mut session, "console")?;
    // Each life of `echo` ends in a call; the next call is its heir's.
    for life in 1..=3 {
        stands_by(&mut session, "echo")?;
        session.command("tester crash")?;
        runs(&mut session, "echo", life)?;
        ensure!(told(&mut session, "echo", SERVES)? == life as usize, "life {life} is no heir");
        answers(&mut session, "tester calls", &["checks passed"])?;
    }
    // There was no time for another heir, and the next restart is not at once.
    session.command("tester crash")?;
    runs(&mut session, "echo", 4)?;
    ensure!(told(&mut session, "echo", SERVES)? == 3, "an heir served before its time");
    on_request(&mut session)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Ends on request and swaps are none of an heir's business.
fn on_request(session: &mut Session) -> Result<()> {
    stands_by(session, "echo")?;
    session.command("kill echo")?;
    runs(session, "echo", 5)?;
    session.command("stop echo")?;
    session.command("start echo")?;
    stands_by(session, "echo")?;
    answers(session, "swap echo echo.wasm", &["echo to echo.wasm: swapped"])?;
    ensure!(told(session, "echo", SERVES)? == 3, "an heir served without need");
    stands_by(session, "echo")?;
    session.command("tester crash")?;
    runs(session, "echo", 6)?;
    ensure!(told(session, "echo", SERVES)? == 4, "no heir served after the swap");
    answers(session, "tester calls", &["checks passed"]).map(drop)
}
