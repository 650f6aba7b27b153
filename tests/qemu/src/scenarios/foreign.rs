//! Servers built by the toolchains of other languages, each in a system of its own.

use super::hostile::restarts;
use super::shell::{answers, prompt};
use crate::{Lab, Machine, OFF, Scenario};
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "foreign-rust",
        about: "a server in Rust, by the stock compiler, answers",
        run: |lab| serves(lab, "rust", "Rust"),
    },
    Scenario {
        name: "foreign-c",
        about: "a server in C, by clang and wasi-libc, answers",
        run: |lab| serves(lab, "c", "C"),
    },
    Scenario {
        name: "foreign-go",
        about: "a server in Go, by the adapter of WASI, answers",
        run: |lab| serves(lab, "go", "Go"),
    },
    Scenario {
        name: "foreign-javascript",
        about: "a server in JavaScript, by QuickJS, answers",
        run: |lab| serves(lab, "javascript", "JavaScript"),
    },
    Scenario {
        name: "foreign-python",
        about: "a server in Python, by CPython, answers",
        run: |lab| serves(lab, "python", "Python"),
    },
];

/// How long a wait may take while an interpreter is interpreted on an emulated machine.
const LIMIT: Duration = Duration::from_secs(400);

/// Boots a system with the server of a language and has the program `auditor` check its answers.
fn serves(lab: &Lab<'_>, folder: &str, language: &str) -> Result<()> {
    let system = format!("tests/foreign/{folder}/system.toml");
    let mut session = prompt(lab, &Machine::new(system).memory("512M"))?;
    session.limit(LIMIT);
    let report = session.command(&format!("auditor {language}"))?;
    // If it ended, the reason is in the log.
    let log = session.command("log")?;
    let is_right = report.contains("checks passed") && !report.contains("FAILED");
    ensure!(is_right, "{report}\n{log}");
    answers(&mut session, "log", &[&format!("{language} speaking"), "`tally` is ready"])?;
    let table = session.command("ps")?;
    ensure!(restarts(&table, "tally")? == 0, "tally was restarted:\n{table}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
