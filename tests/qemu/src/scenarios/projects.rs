//! Projects of the host tool, servers and programs: made from each template, built and booted.

use super::hostile::restarts;
use super::shell::{answers, prompt};
use crate::guide::type_page;
use crate::{Lab, Machine, OFF, Scenario};
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "project-rust",
        about: "the template in Rust makes a server that works",
        run: |lab| works(lab, "rust", "Rust"),
    },
    Scenario {
        name: "project-c",
        about: "the template in C makes a server that works",
        run: |lab| works(lab, "c", "C"),
    },
    Scenario {
        name: "project-wat",
        about: "the template in the text format makes a server that works",
        run: |lab| works(lab, "wat", "WAT"),
    },
    Scenario {
        name: "project-cpp",
        about: "the template in C++ makes a server that works",
        run: |lab| works(lab, "cpp", "C++"),
    },
    Scenario {
        name: "project-zig",
        about: "the template in Zig makes a server that works",
        run: |lab| works(lab, "zig", "Zig"),
    },
    Scenario {
        name: "project-assemblyscript",
        about: "the template in AssemblyScript makes a server that works",
        run: |lab| works(lab, "assemblyscript", "AssemblyScript"),
    },
    Scenario {
        name: "project-nim",
        about: "the template in Nim makes a server that works",
        run: |lab| works(lab, "nim", "Nim"),
    },
    Scenario {
        name: "project-go",
        about: "the template in Go makes a server that works",
        run: |lab| works(lab, "go", "Go"),
    },
    Scenario {
        name: "project-javascript",
        about: "the template in JavaScript makes a server that works",
        run: |lab| works(lab, "javascript", "JavaScript"),
    },
    Scenario {
        name: "project-python",
        about: "the template in Python makes a server that works",
        run: |lab| works(lab, "python", "Python"),
    },
    Scenario {
        name: "program-rust",
        about: "the template of programs in Rust makes one that reads pipes and files",
        run: |lab| counts(lab, "rust"),
    },
    Scenario {
        name: "program-c",
        about: "the template of programs in C makes one that reads pipes and files",
        run: |lab| counts(lab, "c"),
    },
];

/// How long a wait may take while an interpreter is interpreted on an emulated machine.
const LIMIT: Duration = Duration::from_secs(400);

/// Boots the default system with a project of that language and has the program `lamp` use it.
fn works(lab: &Lab<'_>, language: &str, maker: &str) -> Result<()> {
    let system = format!("sdk/templates/{language}");
    let mut session = prompt(lab, &Machine::new(system))?;
    session.limit(LIMIT);
    let shown = session.command("lamp attic")?;
    let expected = [
        &format!("A lamp made in {maker}."),
        "attic is at 0 %",
        "attic at 80 %: before, at 0 %",
        "attic at 130 %: refused, 30 % too bright",
        "attic is at 80 %",
        "three flashes: 6 tenths of a second",
        "no flash: refused, that is dark",
    ];
    let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
    ensure!(lines == expected, "{shown}");
    // What is longer than a name may be is cut.
    let long = "x".repeat(66);
    answers(&mut session, &format!("lamp {long}"), &[&format!("{} is at 80 %", "x".repeat(64))])?;
    answers(&mut session, "log", &[&format!("a lamp made in {maker}"), "`blink` is ready"])?;
    let table = session.command("ps")?;
    ensure!(restarts(&table, "blink")? == 0, "blink was restarted:\n{table}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Boots the default system with a program of that language and types the book's page about it,
/// which calls it `count`.
fn counts(lab: &Lab<'_>, language: &str) -> Result<()> {
    let system = format!("sdk/templates/programs/{language}");
    let mut session = prompt(lab, &Machine::new(system))?;
    type_page(&mut session, "docs/book/how-to/programs.md")?;
    answers(&mut session, "count nowhere notes", &["nowhere: No such file", "count: exit code 1"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
