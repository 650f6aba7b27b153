//! Execution: every directive of every file, what came of it, and whether that was expected.
//!
//! [`run`] goes through an archive. `session` carries out directives, with `core` and `component`
//! for the two kinds, `value` for values of components and `float` for kinds of NaN; `judge`
//! compares with the not-yet list.
//!
//! The report has three kinds of lines, each shorter than [`MAX_LINE`] bytes:
//!
//! ```text
//! conformance file NAME 12p3s1f     what came of the directives, in their order; may go on in
//!                                   further lines of the same name
//! conformance failed NAME:LINE WHY
//! conformance 12 passed, 1 failed, 3 skipped
//! ```
//!
//! where `p` is passed, `s` skipped and `f` failed. Everything runs twice, by the two kinds of
//! [`Code`]; the lines of the second kind begin with `recording` instead.

mod component;
mod core;
mod float;
mod judge;
mod session;
mod value;

use ::core::fmt::{self, Write};
use alloc::{format, string::String};

use atoll_runtime::RuntimeLimits;

use crate::script::{Archive, Damaged, File};
use judge::Judge;
use session::Session;

/// How core modules are translated, those of components too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// As they are.
    Plain,
    /// Rewritten so that they record their calls, as servers have it if nothing else is said.
    Recording,
}

impl Code {
    /// What every line of its report begins with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "conformance",
            Self::Recording => "recording",
        }
    }
}

/// Most bytes of a line: the kernel log keeps no more.
pub const MAX_LINE: usize = 200;

/// Bounds of the runtime: a suite's largest memory has 803 pages.
const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 64 << 20,
    table_elements: 100_000,
    component_bytes: 4 << 20,
    handles: 1_000,
    call_depth: 1_000,
    ..RuntimeLimits::DEFAULT
};

/// Where the report goes.
pub trait Report {
    /// Takes a line.
    fn line(&mut self, text: &str);
}

/// How many directives ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Did what they should.
    pub passed: u32,
    /// Did not.
    pub failed: u32,
    /// Were not run, or are on the not-yet list and did not pass.
    pub skipped: u32,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// What came of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped,
}

impl Outcome {
    const fn letter(&self) -> char {
        match self {
            Self::Passed => 'p',
            Self::Failed(_) => 'f',
            Self::Skipped => 's',
        }
    }
}

/// Executes an archive of scripts; gives back what came of it, without and with recording.
///
/// # Errors
/// When the archive is damaged; what came before the damage was reported.
pub fn run(archive: &[u8], report: &mut dyn Report) -> Result<[Tally; 2], Damaged> {
    let mut tallies = [Tally::default(); 2];
    for (code, tally) in [Code::Plain, Code::Recording].into_iter().zip(&mut tallies) {
        let mut run = Run { code, tally, report };
        for file in Archive::open(archive)? {
            run.file(&file?);
        }
        let tally = *run.tally;
        run.say(format_args!("{tally}"));
    }
    Ok(tallies)
}

/// A run over an archive.
struct Run<'r> {
    code: Code,
    tally: &'r mut Tally,
    report: &'r mut dyn Report,
}

impl Run<'_> {
    /// Reports a line, cut to the most bytes.
    fn say(&mut self, what: fmt::Arguments<'_>) {
        let mut text = format!("{} {what}", self.code.prefix()).replace('\n', " ");
        let end = (0..=MAX_LINE.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        self.report.line(&text);
    }

    /// Executes a file.
    fn file(&mut self, file: &File<'_>) {
        let mut runs = Runs::default();
        let mut judge = Judge::new(&file.excuses);
        let mut session = Session::new(LIMITS, self.code);
        for directive in &file.directives {
            let outcome = match &mut session {
                Ok(session) => session.directive(&directive.action),
                Err(why) => Outcome::Failed(why.clone()),
            };
            let outcome = judge.directive(directive.line, outcome);
            self.count(file.name, directive.line, &outcome, &mut runs);
        }
        for (line, outcome) in judge.stale() {
            self.count(file.name, line, &outcome, &mut runs);
        }
        self.say(format_args!("file {} {}", file.name, runs.finish()));
    }

    fn count(&mut self, file: &str, line: u32, outcome: &Outcome, runs: &mut Runs) {
        match outcome {
            Outcome::Passed => self.tally.passed += 1,
            Outcome::Skipped => self.tally.skipped += 1,
            Outcome::Failed(why) => {
                self.tally.failed += 1;
                self.say(format_args!("failed {file}:{line} {why}"));
            }
        }
        if let Some(full) = runs.add(outcome.letter()) {
            self.say(format_args!("file {file} {full}"));
        }
    }
}

/// Outcomes in a row, as letters behind their count.
#[derive(Debug, Default)]
struct Runs {
    text: String,
    current: Option<(char, u32)>,
}

impl Runs {
    /// Adds an outcome; gives back the text so far when it is about to get too long for a line.
    fn add(&mut self, letter: char) -> Option<String> {
        match &mut self.current {
            Some((current, count)) if *current == letter => *count += 1,
            _ => {
                self.close();
                self.current = Some((letter, 1));
            }
        }
        (self.text.len() > MAX_LINE / 2).then(|| ::core::mem::take(&mut self.text))
    }

    fn close(&mut self) {
        if let Some((letter, count)) = self.current.take() {
            // A string takes all that is written to it.
            let _ = write!(self.text, "{count}{letter}");
        }
    }

    fn finish(mut self) -> String {
        self.close();
        self.text
    }
}

#[cfg(test)]
mod tests;
