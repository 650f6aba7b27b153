//! Programs of stock toolchains, unmodified: what WASI gives them.

use super::hostile::{finish_bystanders, nobody_else_restarted, start_bystanders};
use super::shell::prompt;
use crate::{Lab, Machine, OFF, PROMPT, Scenario, Session};
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "wasi-programs",
        about: "programs of stock toolchains use everything that WASI gives them",
        run: programs,
    },
    Scenario {
        name: "wasi-streams",
        about: "files are the standard streams of another program; the end of their server is an error",
        run: streams,
    },
    Scenario {
        name: "hostile-files",
        about: "a client of the file system tries to get out, floods it, and dies in a write",
        run: hostile,
    },
];

/// The programs, each of which says the same as the other.
const TOURS: [&str; 2] = ["tour-rust", "tour-c"];
/// What they say of files.
const FILES: &str = "size after a write: right
read by another: right
overwritten and appended: right
cut, and a hole: right
the time that was set: right
many bytes: right
bytes from the middle: right
renamed with all in it: right
entries: also contents large moved/
the other name: right
what is missing: right
what is there already: right
a directory that is not empty: right
the way out: right
nothing is left: right";

fn programs(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::new("tests/wasi/system.toml"))?;
    session.limit(Duration::from_secs(120));
    for tour in TOURS {
        says(
            &mut session,
            &format!("{tour} args one 'two words'"),
            "arguments: one,two words\nCOLOUR=green\nHOME=/",
        )?;
        says(&mut session, &format!("{tour} files"), FILES)?;
        let times = "a pause: right\nthe year is not long ago: right";
        says(&mut session, &format!("{tour} times"), times)?;
        says(&mut session, &format!("{tour} random"), "random numbers: right")?;
        // Stock libraries call `exit`, which knows success and failure only.
        says(&mut session, &format!("{tour} exit 0"), "")?;
        says(&mut session, &format!("{tour} exit 7"), &format!("{tour}: exit code 1"))?;
        upper(&mut session, tour)?;
    }
    // What one keeps the other finds, as long as the server lives.
    says(&mut session, "tour-c keep /note 'of C'", "")?;
    says(&mut session, "tour-rust show /note", "of C")?;
    says(&mut session, "tour-rust keep note 'of Rust'", "")?;
    says(&mut session, "tour-c show note", "of Rust")?;
    // Each reads what the other writes, and a file takes what the terminal would.
    let joined = session.command("tour-rust args x | tour-c upper")?;
    ensure!(joined.contains("ARGUMENTS: X\nCOLOUR=GREEN"), "{joined}");
    session.command("tour-c args y | tour-rust upper > loud")?;
    let kept = session.command("tour-c show loud")?;
    ensure!(kept.contains("ARGUMENTS: Y\nCOLOUR=GREEN"), "{kept}");
    // They stay when the server is swapped.
    let swapped = session.command("swap files files.wasm")?;
    ensure!(swapped.contains("swapped"), "{swapped}");
    says(&mut session, "tour-c show note", "of Rust")?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Types a command and compares all that it says.
fn says(session: &mut Session, command: &str, text: &str) -> Result<()> {
    let answer = session.command(command)?;
    ensure!(answer == text, "`{command}` said:\n{answer}\nnot:\n{text}");
    Ok(())
}

/// Gives a program lines to read and the end of its input.
fn upper(session: &mut Session, tour: &str) -> Result<()> {
    session.send(&format!("{tour} upper\r"))?;
    session.send("first\r")?;
    session.send("second\r")?;
    session.send("\x04")?;
    session.expect("FIRST")?;
    session.expect("SECOND")?;
    session.expect("2 lines")?;
    session.expect(PROMPT)?;
    Ok(())
}

fn streams(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    says(&mut session, "lodger hand", "Hello, world!\nHello, Ada!\nHello, Grace!")?;
    session.send("lodger outlive &\r")?;
    session.expect("ready to outlive")?;
    // It may be told before the command's prompt.
    let told = session.command("kill files")?;
    if !told.contains("outlived its files") {
        session.expect("outlived its files")?;
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// What a client can hold open at most, besides its directory.
const FLOOD: &str = "descriptors, then insufficient-memory; 32 streams";

/// Those who use files, and those who do not, go on; what the offender held is free again.
fn hostile(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.limit(Duration::from_secs(120));
    says(&mut session, "lodger escape", "100 times refused")?;
    // One share is the worker's. Twice the same: nothing of the first flood is left. Clients keep
    // what they hold when the server is swapped.
    for _ in 0..2 {
        session.send("lodger work 30 &\r")?;
        session.expect("ready to work")?;
        session.send("swap files files.wasm\r")?;
        session.expect("swapped")?;
        session.expect(PROMPT)?;
        start_bystanders(&mut session)?;
        session.send("lodger flood\r")?;
        let mut heard = finish_bystanders(&mut session)?;
        for text in [&format!("31 shares, 255 {FLOOD}"), "30 rounds as expected", "unreachable"] {
            if !heard.contains(text) {
                heard.push_str(&session.expect(text)?);
            }
        }
    }
    says(&mut session, "lodger fill", "full twice alike")?;
    session.command("lodger die")?;
    says(&mut session, "lodger look", "as it was left")?;
    nobody_else_restarted(&mut session, 0)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
