//! The console driver is replaced while somebody types at it.
//!
//! A program in the foreground answers each line that is typed with a line of its own. Lines are
//! numbered, so that every byte that is lost, doubled or out of order shows, on either way.

use super::shell::{answers, prompt, shot};
use super::swap::{PHASES, off};
use crate::{Lab, Machine, PROMPT, Scenario, Session};
use anyhow::{Context, Result, bail, ensure};
use std::thread;
use std::time::{Duration, Instant};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "console-swap",
        about: "somebody types at the console while it is swapped up and down",
        run: swapped,
    },
    Scenario {
        name: "console-screen",
        about: "what is on the screen outlives a swap of the console",
        run: screen,
    },
    Scenario {
        name: "console-rollback",
        about: "somebody types at the console while swaps of it are rolled back",
        run: rolled_back,
    },
];

/// Most lines that are typed ahead of their answers: more than a UART keeps, and few enough that no
/// pipe is full, however slow the machine is. What is echoed while one is full stands in the middle
/// of an answer.
const MOST_AHEAD: usize = 40;
/// The rhythm of typing.
const RHYTHM: Duration = Duration::from_millis(1);
/// How long a swap may take before nobody types on.
const PATIENCE_FOR_A_SWAP: Duration = Duration::from_secs(120);

/// Somebody who types numbered lines at `hello --stdin`.
struct Typist {
    session: Session,
    /// Lines so far.
    lines: usize,
}

impl Typist {
    fn new(lab: &Lab<'_>) -> Result<Self> {
        Ok(Self { session: prompt(lab, &Machine::testing())?, lines: 0 })
    }

    /// Types a command that goes on in the background, then one line after another, whatever is
    /// answered, until `end` is told of it. Each line must have been answered when Ctrl-C ends the
    /// program.
    fn type_during(&mut self, command: &str, end: &str) -> Result<()> {
        self.begin(command)?;
        let first = self.lines + 1;
        let given_up = Instant::now() + PATIENCE_FOR_A_SWAP;
        while self.session.times_said(end)? == 0 && Instant::now() < given_up {
            let answered = self.session.times_said("Hello, n")?;
            if self.lines + 1 - first >= answered + MOST_AHEAD {
                thread::sleep(RHYTHM);
                continue;
            }
            self.lines += 1;
            for key in format!("n{:04}\r", self.lines).chars() {
                self.session.send(key.encode_utf8(&mut [0; 4]))?;
                thread::sleep(RHYTHM);
            }
        }
        let mut told = self.session.expect(end)?;
        let last = format!("Hello, n{:04}!", self.lines);
        if !told.contains(&last) {
            told += &self.session.expect(&last)?;
        }
        let answers = told.split("Hello, ").skip(1).map(|rest| rest.split('!').next());
        for (line, answer) in (first..=self.lines).zip(answers) {
            ensure!(
                answer == Some(&format!("n{line:04}")),
                "the answer to line {line} is {answer:?}"
            );
        }
        self.session.send("\x03")?;
        let rest = self.session.expect(PROMPT)?;
        ensure!(!rest.contains("Hello"), "a line was answered twice:\n{rest}");
        Ok(())
    }

    fn begin(&mut self, command: &str) -> Result<()> {
        // The echo of a line that is longer than the row says little.
        self.session.send(&format!("{command}\r"))?;
        self.session.expect(PROMPT)?;
        self.session.send("hello --stdin\r")?;
        self.session.expect("Hello, world!")?;
        Ok(())
    }
}

fn swapped(lab: &Lab<'_>) -> Result<()> {
    let mut typist = Typist::new(lab)?;
    for file in ["console-v2.wasm", "console.wasm", "console.wasm", "console-v2.wasm"] {
        typist.type_during(&format!("swap console {file} &"), "swapped;")?;
    }
    let mut session = typist.session;
    answers(&mut session, "log -n 100 console", &["version 2"])?;
    answers(&mut session, "rollback console", &PHASES)?;
    // History, completion and the keys of an unfinished line outlive versions.
    answers(&mut session, "echo before", &["before"])?;
    answers(&mut session, "swap console console-v2.wasm", &PHASES)?;
    session.send("\x1b[A\x1b[A\r")?;
    session.expect(&format!("\nbefore\n{PROMPT}"))?;
    let (table, history) = (session.command("ps")?, session.command("history console")?);
    let console = table.lines().find(|line| line.contains(" console "));
    let console = console.with_context(|| format!("`ps` does not show it:\n{table}"))?;
    ensure!(console.split_whitespace().any(|word| word == "0"), "it was restarted: {console}");
    let swaps = history.lines().filter(|line| line.ends_with("swapped")).count();
    ensure!(swaps == 6, "six swaps are not told:\n{history}");
    off(session)
}

/// Bytes of the first two rows of text in a picture: 1024 pixels, 20 rows of them each.
const TOP: usize = 1024 * 20 * 2 * 3;
/// How often the screen is looked at.
const PATIENCE: usize = 100;
/// How long preparing may take, unless the system description says otherwise.
const DEADLINE_US: u64 = 30_000_000;
/// The cursor of the second version.
const YELLOW: [u8; 3] = [0xe0, 0xb4, 0x5c];

fn screen(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::testing())?;
    session.command("clear")?;
    session.command("echo top")?;
    session.command("echo shown")?;
    let (before, yellow) = top_and_yellow(&mut session)?;
    ensure!(yellow == 0, "{yellow} pixels are yellow");
    ensure!(before.chunks(3).any(|pixel| Some(pixel) != before.get(..3)), "nothing is shown");
    let told = answers(&mut session, "swap console console-v2.wasm", &PHASES)?;
    // It serves with a higher priority than the supervisor, and is prepared before that looks.
    let prepare = told.split_whitespace().skip_while(|word| *word != "prepare").nth(1);
    let prepare: u64 = prepare.and_then(|time| time.parse().ok()).context("no time is told")?;
    ensure!(prepare < DEADLINE_US, "that it was prepared was seen at the deadline only: {told}");
    // What is on the serial line is on the screen a little later.
    for _ in 0..PATIENCE {
        let (after, yellow) = top_and_yellow(&mut session)?;
        ensure!(before == after, "the top of the screen changed");
        if yellow > 100 {
            return off(session);
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("the cursor is not yellow")
}

/// The top of the screen, and how many pixels of all are yellow.
fn top_and_yellow(session: &mut Session) -> Result<(Vec<u8>, usize)> {
    let picture = shot(session, "screen.ppm")?;
    let pixels = picture.get("P6\n1024 768\n255\n".len()..).unwrap_or_default();
    let yellow = pixels.chunks(3).filter(|pixel| **pixel == YELLOW).count();
    Ok((pixels.iter().copied().take(TOP).collect(), yellow))
}

fn rolled_back(lab: &Lab<'_>) -> Result<()> {
    let mut typist = Typist::new(lab)?;
    // Given up when the new console has taken over and waits to serve: nothing is lost.
    typist.session.command("clerk put mischief hang-in-restore")?;
    let set = "swap console console-v2.wasm store store-bad.wasm \
               --grant atoll:clocks/monotonic=kernel &";
    typist.type_during(set, "rolled back")?;
    // Given up because the new console crashes when it reads an exclamation mark: what it had read
    // and not passed on is lost, and typing goes on.
    typist.begin("swap console console-bad.wasm &")?;
    let mut session = typist.session;
    loop {
        session.send("one!\r")?;
        if session.expect_any(&["Hello, one!!", "rolled back"])?.0 == 1 {
            break;
        }
    }
    session.send("\rtwo!\r")?;
    session.expect("Hello, two!!")?;
    session.send("\x03")?;
    session.expect(PROMPT)?;
    answers(&mut session, "echo after", &["after"])?;
    answers(&mut session, "swap console console-v2.wasm", &PHASES)?;
    off(session)
}
