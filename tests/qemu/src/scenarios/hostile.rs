//! A server that breaks itself in every way it can, while others go on working.
//!
//! The bystanders are the program `tester loop` and the server `echo`: numbered calls whose answers
//! are checked, with state that shows every lost or doubled one. Their transcript is always the
//! same, so it can be written down here.

use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, PROMPT, Scenario, Session};
use anyhow::{Context, Result, ensure};

/// A trick that ends the offender, and what the log must say about it.
macro_rules! deadly {
    ($trick:literal, $about:literal, $($log:literal),+) => {
        Scenario {
            name: concat!("hostile-", $trick),
            about: $about,
            run: |lab| deadly(lab, $trick, &[$($log),+]),
        }
    };
}

pub(super) const ALL: &[Scenario] = &[
    deadly!(
        "trap",
        "a server that executes `unreachable`",
        "trapped",
        "unreachable",
        "0: 0x",
        "::play"
    ),
    deadly!("hoard", "a server that allocates until nothing is left", "trapped"),
    deadly!(
        "recurse",
        "a server that calls itself without end",
        "trapped",
        "stack",
        "component::recurse",
        "more"
    ),
    deadly!("overrun", "a server that reads beyond its memory", "trapped", "out of bounds"),
    deadly!("divide", "a server that divides by zero", "trapped", "zero"),
    deadly!("use-dropped", "a server that uses a handle it dropped", "trapped", "handle"),
    deadly!("use-stolen", "a server that uses a handle it never had", "trapped", "handle"),
    deadly!("wild", "native code that reads the kernel's addresses", "0xffffffff80000000"),
    Scenario { name: "hostile-spin", about: "a server that loops for ever", run: spin },
    Scenario { name: "hostile-grow", about: "10,000 times `memory.grow`", run: grow },
    Scenario { name: "hostile-forge", about: "messages that no runtime would send", run: forge },
    Scenario { name: "hostile-babble", about: "gate calls that mean nothing", run: babble },
];

/// Numbered calls that the bystanders make.
const CALLS: u32 = 3000;
/// Calls from one line of their transcript to the next.
const STRIDE: u32 = 100;

fn deadly(lab: &Lab<'_>, trick: &str, log: &[&str]) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    start_bystanders(&mut session)?;
    session.send(&format!("provoke {trick}\r"))?;
    finish_bystanders(&mut session)?;
    let told = answers(&mut session, "log -l warn -n 150", &["`faulty`"])?;
    for text in log {
        ensure!(told.contains(text), "the log does not say {text:?}:\n{told}");
    }
    nobody_else_restarted(&mut session, 1)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// The loop costs its own budget only: everything else answers, and it can be ended.
fn spin(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.send("provoke spin &\r")?;
    session.expect(PROMPT)?;
    start_bystanders(&mut session)?;
    finish_bystanders(&mut session)?;
    answers(&mut session, "tester all", &["checks passed"])?;
    nobody_else_restarted(&mut session, 0)?;
    session.command("kill faulty")?;
    nobody_else_restarted(&mut session, 1)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn grow(lab: &Lab<'_>) -> Result<()> {
    survived(lab, "grow", "refused")
}

fn forge(lab: &Lab<'_>) -> Result<()> {
    survived(lab, "forge", "messages sent 480")
}

fn babble(lab: &Lab<'_>) -> Result<()> {
    survived(lab, "babble", "gate calls 512")
}

/// A trick that the offender itself must survive too.
fn survived(lab: &Lab<'_>, trick: &str, outcome: &str) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    start_bystanders(&mut session)?;
    session.send(&format!("provoke {trick}\r"))?;
    let heard = finish_bystanders(&mut session)?;
    ensure!(heard.contains(outcome), "`provoke {trick}` did not say {outcome:?}:\n{heard}");
    nobody_else_restarted(&mut session, 0)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

pub(super) fn start_bystanders(session: &mut Session) -> Result<()> {
    session.send(&format!("tester loop {CALLS} &\r"))?;
    session.expect("in the background")?;
    session.expect(PROMPT)?;
    Ok(())
}

/// Waits for the bystanders' end and compares their transcript. Gives all that was said.
pub(super) fn finish_bystanders(session: &mut Session) -> Result<String> {
    let mut heard = session.expect("checks passed")?;
    // The shell reports their end as soon as it notices, and prompts again: at once, or when the
    // program in the foreground has ended too.
    heard.push_str(&session.expect(": done")?);
    heard.push_str(&session.expect(PROMPT)?);
    let lines: Vec<&str> = heard.lines().filter(|line| line.contains("calls answered")).collect();
    let expected: Vec<String> = (1..=CALLS / STRIDE)
        .map(|line| format!("{} calls answered as expected", line * STRIDE))
        .collect();
    let differs = lines.iter().zip(&expected).find(|(line, wanted)| !line.ends_with(*wanted));
    ensure!(differs.is_none(), "the bystanders noticed: {differs:?}");
    ensure!(lines.len() == expected.len(), "the bystanders made {} lines", lines.len());
    Ok(heard)
}

/// Checks that `faulty` was restarted so often, and the others never.
pub(super) fn nobody_else_restarted(session: &mut Session, of_faulty: u32) -> Result<()> {
    let table = session.command("ps")?;
    for name in ["echo", "relay", "console", "files", "shell", "log", "faulty"] {
        let expected = if name == "faulty" { of_faulty } else { 0 };
        ensure!(restarts(&table, name)? == expected, "{name}: not {expected} restarts:\n{table}");
    }
    Ok(())
}

/// The last column of a server's line in the table of `ps`.
pub(super) fn restarts(table: &str, name: &str) -> Result<u32> {
    let line = table
        .lines()
        .find(|line| line.split_whitespace().nth(1) == Some(name))
        .with_context(|| format!("`ps` does not show {name}:\n{table}"))?;
    let last = line.split_whitespace().last().unwrap_or_default();
    last.parse().with_context(|| format!("no number of restarts in {line:?}"))
}
