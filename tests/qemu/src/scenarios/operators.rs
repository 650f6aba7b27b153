//! Programs that may change some servers and not others.

use super::shell::{answers, prompt};
use super::swap::{PHASES, off};
use crate::{Lab, Machine, Scenario, Session};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[Scenario {
    name: "operators",
    about: "a program changes the server that it may change, and no other",
    run: operators,
}];

fn operators(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    says(&mut session, "caps shell", "change all servers, grant anything")?;
    session.command("clerk put colour green")?;
    says(&mut session, "keeper swap store store-v2.wasm", "swapped")?;
    says(&mut session, "clerk version", "version 2")?;
    says(&mut session, "keeper rollback store", "swapped")?;
    says(&mut session, "keeper restart store", "done")?;
    says(&mut session, "keeper history store", "2 swaps")?;

    for command in ["swap echo echo.wasm", "kill shell", "stop log", "restart console"] {
        let name = command.split_whitespace().nth(1).unwrap_or_default();
        let denied = format!("denied: `{name}` may be changed by `shell`, not by this client");
        says(&mut session, &format!("keeper {command}"), &denied)?;
    }
    says(&mut session, "keeper kill supervisor", "denied: `supervisor`")?;
    says(&mut session, "ps", "echo")?;

    // What it may give, it gives, and nothing else; a new version gets no more by itself.
    says(&mut session, "keeper swap store store-bad.wasm", "rolled back: prepare of `store`")?;
    let grant = "keeper swap store store-bad.wasm atoll:device/port-io=kernel";
    let denied = "denied: `atoll:device/port-io` may be granted so by `shell`";
    says(&mut session, grant, denied)?;
    says(&mut session, "clerk version", "version 1")?;
    let grant = "keeper swap store store-bad.wasm atoll:clocks/monotonic=kernel";
    says(&mut session, grant, "swapped")?;
    says(&mut session, "clerk version", "version bad")?;

    // A swap of several can be taken back only by who may change all of them.
    answers(&mut session, "swap store store.wasm echo echo.wasm", &PHASES)?;
    says(&mut session, "keeper rollback store", "denied: `echo` may be changed by `shell`")?;
    says(&mut session, "clerk version", "version 1")?;
    off(session)
}

/// What a command says, however it is broken into lines.
fn says(session: &mut Session, command: &str, text: &str) -> Result<()> {
    let told = session.command(command)?;
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(words.contains(text), "`{command}` did not say {text:?} but:\n{told}");
    Ok(())
}
