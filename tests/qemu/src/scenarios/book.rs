//! The book's pages that show sessions, typed word by word.

use super::shell::prompt;
use super::swap::off;
use crate::guide::{Step, TUTORIAL, steps, type_block, type_page};
use crate::{Lab, Machine, Scenario, Session};
use anyhow::{Result, bail};
use std::time::Duration;
use std::{fs, thread};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "book-tutorial-rust",
        about: "the tutorial, done in Rust",
        run: |lab| tutorial(lab, "rust", "Rust"),
    },
    Scenario {
        name: "book-tutorial-c",
        about: "the tutorial, done in C",
        run: |lab| tutorial(lab, "c", "C"),
    },
    Scenario {
        name: "book-grants",
        about: "the page about granting authority",
        run: |lab| typed(lab, "grants"),
    },
    Scenario {
        name: "book-debugging",
        about: "the page about finding out what went wrong",
        run: |lab| typed(lab, "debugging"),
    },
    Scenario {
        name: "book-driver",
        about: "the page about drivers, and its clock: it tells the time and interrupts",
        run: driver,
    },
];

/// Does what the tutorial says: boots the project as it is after each row of edits and types the
/// sessions. The page shows those of a lamp that is made in Rust.
fn tutorial(lab: &Lab<'_>, language: &str, maker: &str) -> Result<()> {
    let page = fs::read_to_string(TUTORIAL)?;
    let mut edits = 0;
    let mut running: Option<Session> = None;
    for step in steps(&page) {
        match (step, running.take()) {
            (Step::Edit { .. }, session) => {
                edits += 1;
                session.map_or(Ok(()), off)?;
            }
            (Step::Session(block), session) => {
                let project = format!("{TUTORIAL}/{language}/{edits}");
                let mut session = match session {
                    Some(session) => session,
                    None => prompt(lab, &Machine::new(project))?,
                };
                type_block(&mut session, &block.replace("in Rust", &format!("in {maker}")))?;
                running = Some(session);
            }
        }
    }
    running.map_or(Ok(()), off)
}

fn typed(lab: &Lab<'_>, page: &str) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    type_page(&mut session, &path(page))?;
    off(session)
}

fn path(page: &str) -> String {
    format!("docs/book/how-to/{page}.md")
}

/// When the machine's clock begins, far from the end of its day.
const CLOCK: [&str; 2] = ["-rtc", "base=2030-05-06T07:00:00"];

fn driver(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing().arguments(CLOCK))?;
    type_page(&mut session, &path("driver"))?;
    counts(&mut session)?;
    // A driver that comes back takes the clock over as it finds it.
    session.command("kill rtc")?;
    counts(&mut session)?;
    off(session)
}

/// Waits until an interrupt of the clock has come; how long that takes is the host's affair.
fn counts(session: &mut Session) -> Result<()> {
    for _ in 0..600 {
        match session.command("date --seconds")?.trim() {
            "0 seconds" => thread::sleep(Duration::from_millis(100)),
            told if told.ends_with(" seconds") => return Ok(()),
            told => bail!("`date --seconds` says {told}"),
        }
    }
    bail!("the clock does not interrupt")
}
