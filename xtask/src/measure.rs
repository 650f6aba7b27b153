//! What a server takes, whatever language it is written in: bytes, instructions until it is ready,
//! memory, and a call. Servers of [`crate::foreign`] and of [`crate::projects`] are measured so.
//!
//! The machine counts an instruction as a nanosecond, so times by its clock are the same in every
//! run and on every host (`docs/bench.md`).

use crate::bench::machines::{self, LOG};
use crate::bench::readings::{self, Readings};
use anyhow::{Context, Result};
use atoll_scenarios::{Images, Lab, OFF, PROMPT};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Memory of the machine; the largest server has 256 MiB.
const MEMORY: &str = "512M";

/// A server to measure.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The language, for people.
    pub(crate) title: String,
    /// Its component.
    pub(crate) component: PathBuf,
    /// The system that it is in, by the name under which images know it.
    pub(crate) system: PathBuf,
    /// Its name there.
    pub(crate) server: &'static str,
    /// The command of its client that prints `bench NAME CALLS TOTAL_NS`, and takes a number of
    /// calls.
    pub(crate) client: &'static str,
    /// The names of the two readings: a call with 16 bytes, and a method without parameters.
    pub(crate) readings: [&'static str; 2],
    /// Where what the machine says is kept.
    pub(crate) transcript: PathBuf,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    title: String,
    bytes: u64,
    /// Instructions from the start of its domain until it is ready.
    start: f64,
    /// What `ps` shows after that.
    memory: String,
    /// Instructions of the two calls.
    calls: [f64; 2],
}

/// Boots a server's system and measures it.
pub(crate) fn measure(images: &dyn Images, subject: Subject) -> Result<Row> {
    let Subject { title, component, system, server, client, readings: names, transcript } = subject;
    fs::write(&transcript, "")?;
    let machine = machines::counting(&system.to_string_lossy()).memory(MEMORY);
    let mut session = Lab::new(images, &transcript).boot(&machine)?;
    session.limit(machines::LIMIT).expect(PROMPT)?;
    // Started once more by itself, it shares the processor with nobody. A program waits until the
    // servers that it imports from are ready.
    session.command(&format!("stop {server}"))?;
    session.command(&format!("start {server}"))?;
    session.command(&format!("{client} 1"))?;
    let memory = memory(&session.command("ps")?, server)?;
    let calls = Readings::parse("bench", &session.command(client)?);
    let log = session.command(LOG)?;
    let [started, ready] = ["started", "ready"].map(|state| format!("`{server}` is {state}"));
    let start = readings::span(&readings::entries(&log), &started, &ready)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    let bytes = fs::metadata(component)?.len();
    let calls = [calls.round(names[0])?, calls.round(names[1])?];
    Ok(Row { title, bytes, start, memory, calls })
}

/// The memory of the server in the table of `ps`.
fn memory(table: &str, server: &str) -> Result<String> {
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(server));
    let words = line.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let memory = words.as_ref().and_then(|words| words.get(4..6));
    Ok(memory.with_context(|| format!("`ps` does not show the memory of {server}"))?.join(" "))
}

/// The table, in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| language | component, bytes | start, million instructions | memory | call with 16 bytes, instructions | method |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for Row { title, bytes, start, memory, calls: [call, method] } in rows {
        let start = start / 1e6;
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
        assert_eq!(memory(table, "tally").expect("found"), "20.5 MiB");
        assert!(memory("", "tally").is_err());
    }
}
