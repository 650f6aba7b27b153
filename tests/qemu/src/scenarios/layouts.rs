//! Layouts of saved states: what each version of `shelf`, which the SDK hands over, makes of the
//! state of another one.

use super::shell::{answers, prompt};
use super::swap::{PHASES, fails, nothing_was_lost, off};
use crate::{Lab, Machine, Scenario, Session};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "layouts-both-ways",
        about: "versions of the SDK's sample read each other while a client holds its objects",
        run: both_ways,
    },
    Scenario {
        name: "layouts-refused",
        about: "states of no known layout, of another format and of too many bytes are refused",
        run: refused,
    },
];

fn both_ways(lab: &Lab<'_>) -> Result<()> {
    let mut session = shelf(lab)?;
    session.command("librarian work &")?;
    swapped(&mut session, "shelf-v2", "version 2")?;
    reads(&mut session, "green", "")?;
    session.command("librarian put colour blue")?;
    // To its own layout, in which nothing is lost.
    swapped(&mut session, "shelf-v2", "version 2")?;
    reads(&mut session, "blue", "green")?;
    // Back, to a version that does not know that layout, and on again without what it lacks.
    swapped(&mut session, "shelf", "version 1")?;
    reads(&mut session, "blue", "")?;
    swapped(&mut session, "shelf-v2", "version 2")?;
    reads(&mut session, "blue", "")?;
    nothing_was_lost(&mut session, "librarian")?;
    off(session)
}

fn refused(lab: &Lab<'_>) -> Result<()> {
    let mut session = shelf(lab)?;
    // What is written by hand is in another format, in either direction.
    fails(&mut session, "swap shelf store.wasm", "the state is cut off in layout 1")?;
    let other = "swap store shelf.wasm --grant 'atoll:log/log={ log = \"write\" }'";
    fails(&mut session, other, "not one of parts")?;
    swapped(&mut session, "shelf-v2", "version 2")?;
    // Both layouts are too long together, so the older one is not there.
    session.command("librarian fill 60 500")?;
    fails(&mut session, "swap shelf shelf.wasm", "does not know the state's layout 2")?;
    swapped(&mut session, "shelf-v2", "version 2")?;
    session.command("librarian fill 130 500")?;
    fails(&mut session, "swap shelf shelf-v2.wasm", "more than 60000")?;
    reads(&mut session, "green", "")?;
    off(session)
}

/// A machine with a shelf that has something on it.
fn shelf(lab: &Lab<'_>) -> Result<Session> {
    let mut session = prompt(lab, &Machine::testing())?;
    answers(&mut session, "start shelf", &["is starting"])?;
    session.command("librarian put colour green")?;
    answers(&mut session, "log shelf", &["info", "version 1 is there"])?;
    Ok(session)
}

fn swapped(session: &mut Session, component: &str, version: &str) -> Result<()> {
    answers(session, &format!("swap shelf {component}.wasm"), &PHASES)?;
    answers(session, "librarian version", &[version]).map(drop)
}

/// What stands under the key, and what it replaced, as far as the version knows.
fn reads(session: &mut Session, value: &str, replaced: &str) -> Result<()> {
    for (key, expected) in [("colour", value), ("colour~", replaced)] {
        let told = session.command(&format!("librarian get {key}"))?;
        ensure!(told.trim() == expected, "`{key}` should be {expected:?} but is {told:?}");
    }
    Ok(())
}
