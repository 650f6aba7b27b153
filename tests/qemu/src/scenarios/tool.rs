//! The host tool as its user has it: the program `atoll`, in a project that it makes, with a system
//! on its terminal or in an ISO.
//!
//! The project is in the text format, which takes no toolchain. What its templates make is the
//! matter of `projects`, what a swap takes over that of `swap`.

use super::shell::{answers, prompt};
use super::swap::{PHASES, off};
use crate::{Firmware, Lab, Machine, Medium, PROMPT, Scenario, Terminal};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "watch",
        about: "`atoll run --watch` swaps in what its user writes, and says why if it does not",
        run: watch,
    },
    Scenario {
        name: "image",
        about: "`atoll image` makes an ISO that boots with the project's server",
        run: image,
    },
];

/// The name of the project and of its server.
const NAME: &str = "blink";
/// The file that is changed.
const SOURCE: &str = "src/server.wat";
/// What is told when the server goes on as it was.
const ROLLED_BACK: &str = "blink: rolled back, the old version serves: ";

fn watch(lab: &Lab<'_>) -> Result<()> {
    let project = Project::new(lab)?;
    let mut atoll = project.start(&["run", "--watch"])?;
    atoll.expect(PROMPT)?;
    made_in(&mut atoll, "WAT")?;
    let source = changed(&project.source()?, "made in WAT", "made in OAK")?;
    project.write(&source)?;
    atoll.expect("blink: swapped;")?;
    made_in(&mut atoll, "OAK")?;

    project.write(&changed(&source, "(module", "(modul")?)?;
    atoll.expect("server.wat cannot be made a component: ")?;
    made_in(&mut atoll, "OAK")?;

    project.write(&changed(&source, ";; 2 is `info`.", "unreachable")?)?;
    atoll.expect(&format!("{ROLLED_BACK}transfer of `blink`: the new version trapped: "))?;
    made_in(&mut atoll, "OAK")?;

    // Whoever calls it all the time does not notice.
    let told = atoll.command(&format!("lamp -b {} &", u32::MAX))?;
    let kill = told.split('`').nth(1).with_context(|| format!("no command ends it:\n{told}"))?;
    project.write(&changed(&source, "(block $done", "unreachable (block $done")?)?;
    atoll.expect(&format!("{ROLLED_BACK}probation of `blink`: the new version trapped: "))?;
    atoll.send(&format!("{kill}\r"))?;
    for text in ["was ended", "was killed", PROMPT] {
        atoll.expect(text)?;
    }
    made_in(&mut atoll, "OAK")?;

    project.write(&changed(&source, "made in OAK", "made in ELM")?)?;
    atoll.expect("blink: swapped;")?;
    made_in(&mut atoll, "ELM")?;
    answers(&mut atoll, "history blink", &["swapped", "rolled back"])?;
    answers(&mut atoll, "rollback blink", &PHASES)?;
    made_in(&mut atoll, "OAK")?;
    atoll.send("poweroff\r")?;
    succeeds(atoll)
}

fn image(lab: &Lab<'_>) -> Result<()> {
    let project = Project::new(lab)?;
    succeeds(project.start(&["image", "--append", "exit=isa-debug"])?)?;
    let iso = project.folder().join("build/atoll.iso");
    let mut session = prompt(lab, &Machine::default().by(Medium::Cd, Firmware::Bios).iso(iso))?;
    made_in(&mut session, "WAT")?;
    off(session)
}

/// Has the program `lamp` use the server, and checks which version of it answers.
fn made_in(console: &mut Terminal, maker: &str) -> Result<()> {
    let maker = format!("A lamp made in {maker}.");
    answers(console, "lamp porch", &[&maker, "porch is at 80 %"]).map(drop)
}

/// A text with something else in one place.
fn changed(text: &str, old: &str, new: &str) -> Result<String> {
    ensure!(text.matches(old).count() == 1, "{old:?} is not there once");
    Ok(text.replace(old, new))
}

/// Waits until the tool ends, as it does when all is well.
fn succeeds(atoll: Terminal) -> Result<()> {
    let status = atoll.expect_end()?;
    ensure!(status.success(), "`atoll` ended with {status}");
    Ok(())
}

/// A project of a user, in a folder of its own.
struct Project<'a> {
    lab: &'a Lab<'a>,
    parent: TempDir,
}

impl<'a> Project<'a> {
    /// Has the tool make one.
    fn new(lab: &'a Lab<'a>) -> Result<Self> {
        let parent = tempfile::Builder::new().prefix("atoll-").tempdir()?;
        let mut new = lab.images().tool()?;
        new.args(["new", NAME, "--lang", "wat"]).current_dir(parent.path());
        succeeds(lab.start(&new)?)?;
        Ok(Self { lab, parent })
    }

    fn folder(&self) -> PathBuf {
        self.parent.path().join(NAME)
    }

    /// Gives the tool a command in the project.
    fn start(&self, command: &[&str]) -> Result<Terminal> {
        let mut atoll = self.lab.images().tool()?;
        self.lab.start(atoll.args(command).current_dir(self.folder()))
    }

    fn source(&self) -> Result<String> {
        let file = self.folder().join(SOURCE);
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    /// Saves the source at once, so that no part of it is built.
    fn write(&self, source: &str) -> Result<()> {
        let whole = self.parent.path().join("whole");
        fs::write(&whole, source)?;
        Ok(fs::rename(&whole, self.folder().join(SOURCE))?)
    }
}
