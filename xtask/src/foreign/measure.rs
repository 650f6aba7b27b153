//! What a foreign server takes: bytes, instructions until it is ready, memory, and a call.
//!
//! The machine counts an instruction as a nanosecond, so times by its clock are the same in every
//! run and on every host (`docs/bench.md`).

use super::language::Language;
use crate::bench::machines::{self, LOG};
use crate::bench::readings::{self, Readings};
use anyhow::{Context, Result};
use atoll::built::Built;
use atoll::home::Home;
use atoll_scenarios::{Lab, OFF, PROMPT};
use std::fmt::Write as _;
use std::fs;

/// Memory of the machine; the largest server has 160 MiB.
const MEMORY: &str = "512M";

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    language: Language,
    bytes: u64,
    /// Instructions from the start of its domain until it is ready.
    start: f64,
    /// What `ps` shows after that.
    memory: String,
    /// Instructions of a call with 16 bytes, and of a method without parameters.
    calls: [f64; 2],
}

/// Boots a server's system and measures it.
pub(super) fn measure(home: &Home, built: &Built<'_>, language: Language) -> Result<Row> {
    let transcript = home.target.join("foreign").join(format!("{}.log", language.name()));
    fs::write(&transcript, "")?;
    let system = language.system();
    let machine = machines::counting(&system.to_string_lossy()).memory(MEMORY);
    let mut session = Lab::new(built, &transcript).boot(&machine)?;
    session.limit(machines::LIMIT).expect(PROMPT)?;
    // Started once more by itself, it shares the processor with nobody. A program waits until the
    // servers that it imports from are ready.
    session.command("stop tally")?;
    session.command("start tally")?;
    session.command("auditor bench 1")?;
    let memory = memory(&session.command("ps")?)?;
    let calls = Readings::parse("bench", &session.command("auditor bench")?);
    let log = session.command(LOG)?;
    let start = readings::span(&readings::entries(&log), "`tally` is started", "`tally` is ready")?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    let bytes = fs::metadata(language.component(home))?.len();
    let calls = [calls.round("sum-16")?, calls.round("method")?];
    Ok(Row { language, bytes, start, memory, calls })
}

/// The memory of the server in the table of `ps`.
fn memory(table: &str) -> Result<String> {
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some("tally"));
    let words: Vec<&str> = line.context("`ps` does not show tally")?.split_whitespace().collect();
    Ok(words.get(4..6).context("`ps` does not show the memory of tally")?.join(" "))
}

/// The table, in Markdown.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| language | component, bytes | start, million instructions | memory | call with 16 bytes, instructions | method |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for Row { language, bytes, start, memory, calls: [call, method] } in rows {
        let start = start / 1e6;
        let title = language.title();
        let _ = writeln!(
            text,
            "| {title} | {bytes} | {start:.0} | {memory} | {call:.0} | {method:.0} |"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_found() {
        let table = " ID NAME   STATE   RING   MEMORY  CPU TIME CALLS IN OUT RESTARTS\n  \
             5 tally  running    0  20.5 MiB  1.234 s        7   1        0\n";
        assert_eq!(memory(table).expect("found"), "20.5 MiB");
        assert!(memory("").is_err());
    }
}
