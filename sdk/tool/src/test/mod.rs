//! `atoll test`: calls a component on the host, without QEMU.
//!
//! The runtime is the one of a domain; its [`host`] is plain data here. Imports are met by what
//! tests [`provided`] themselves, and a [`script`] says what is called and what has to come out, with
//! [`value`]s in WAVE. Each script has an instance of its own ([`session`]).

mod host;
mod provided;
mod script;
mod session;
mod value;

use crate::files::{read, read_text};
use crate::home::Home;
use crate::interfaces::declared;
use crate::project::Project;
use anyhow::{Context, Result};
use script::parse;
use session::Session;
use std::fs;
use std::path::{Path, PathBuf};

/// How the names of scripts end.
const ENDING: &str = "test";

/// How one script went.
#[derive(Debug)]
pub struct Verdict {
    /// The script, as seen from the project.
    pub script: PathBuf,
    /// How many lines were carried out as they should.
    pub passed: usize,
    /// What went wrong: the line and why. A script ends there.
    pub failure: Option<String>,
}

/// Runs all scripts in a project's folder `tests` on its built component.
///
/// # Errors
/// If a file cannot be read.
pub fn test(home: &Home, project: &Project) -> Result<Vec<Verdict>> {
    let component = read(&project.component())?;
    let interfaces = declared(&[&home.root.join("wit"), &project.interfaces(home)])?;
    let mut verdicts = Vec::new();
    for path in scripts(&project.folder.join("tests"))? {
        let text = read_text(&path)?;
        let (passed, failure) = run(&component, &interfaces, &text);
        let script = path.strip_prefix(&project.folder).unwrap_or(&path).to_path_buf();
        verdicts.push(Verdict { script, passed, failure });
    }
    Ok(verdicts)
}

/// The scripts of a folder, sorted; none if there is no folder.
fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut scripts = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            scripts.push(path);
        }
    }
    scripts.sort();
    Ok(scripts)
}

fn run(component: &[u8], interfaces: &[(String, Vec<u8>)], text: &str) -> (usize, Option<String>) {
    let mut passed = 0;
    let mut session = match Session::start(component, interfaces) {
        Ok(session) => session,
        Err(error) => return (0, Some(format!("the component does not start: {error:#}"))),
    };
    for line in parse(text) {
        let outcome = line.and_then(|line| {
            let shown = || {
                let said = text.lines().nth(line.number - 1).unwrap_or_default();
                format!("line {}: `{}`", line.number, said.trim())
            };
            session.perform(&line.statement).with_context(shown)
        });
        match outcome {
            Ok(()) => passed += 1,
            Err(error) => return (passed, Some(format!("{error:#}"))),
        }
    }
    (passed, None)
}
