//! A debugger of the host at the kernel.

use super::shell::answers;
use crate::{Lab, Machine, OFF, PROMPT, Scenario, Skip};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

pub(super) const ALL: &[Scenario] = &[Scenario {
    name: "debugger",
    about: "gdb stops the kernel at a function and names it",
    run: stops,
}];

/// Where the kernel waits for interrupts, as gdb's pattern.
const FUNCTION: &str = "arch::x86_64::entry::idle";

fn stops(lab: &Lab<'_>) -> Result<()> {
    let kernel = lab.images().kernel()?;
    let Ok(listed) = gdb(&kernel, &[&format!("info functions {FUNCTION}$")]) else {
        return Err(Skip("gdb is not installed (package gdb)".into()).into());
    };
    let line = listed.lines().find(|line| line.starts_with("0x"));
    let name = line.and_then(|line| line.split_whitespace().nth(1));
    let name = name.with_context(|| format!("the kernel has no symbol {FUNCTION}:\n{listed}"))?;
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("gdb");
    let place = format!("unix:{},server=on,wait=off", socket.display());
    let mut session = lab.boot(&Machine::default().debugged(&place))?;
    let told = gdb(
        &kernel,
        &[
            &format!("target remote {}", socket.display()),
            &format!("hbreak '{name}'"),
            "continue",
            "info symbol $rip",
            "delete",
            "detach",
        ],
    )?;
    ensure!(
        told.contains("Breakpoint 1, ") && told.contains(&format!("{name} in section")),
        "{told}"
    );
    session.expect(PROMPT)?;
    answers(&mut session, "echo still here", &["still here"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Has gdb carry out commands and gives what it said.
fn gdb(kernel: &Path, commands: &[&str]) -> Result<String> {
    let mut gdb = Command::new("timeout");
    // The machine may never come to the place.
    gdb.args(["--signal=KILL", "300", "gdb", "-nx", "-batch"]).arg(kernel);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    let output = gdb.output().context("cannot run gdb")?;
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{said}");
    Ok(said)
}
