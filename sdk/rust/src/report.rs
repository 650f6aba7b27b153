//! What programs that check or measure print.
//!
//! [`Checks`] prints a line for each check and keeps the score, [`Meter`] times calls. Scenarios and
//! `cargo xtask` read the lines.

use crate::program::{EXIT_FAILED, Failure};
use std::io::{self, Write};

/// Checks, and how many of them failed.
pub struct Checks<'a> {
    output: &'a mut dyn Write,
    made: u32,
    failed: u32,
}

impl<'a> Checks<'a> {
    /// None so far; their lines go there.
    pub fn new(output: &'a mut dyn Write) -> Self {
        Self { output, made: 0, failed: 0 }
    }

    /// Counts a check and prints its line. A reader who is gone is noticed at the end.
    pub fn check(&mut self, name: &str, passed: bool) {
        self.made += 1;
        self.failed += u32::from(!passed);
        self.line(&[if passed { "ok      " } else { "FAILED  " }, name].concat());
    }

    /// Prints a line between the checks.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.output, "{text}");
    }

    /// Prints the last line, which is the score.
    ///
    /// # Errors
    /// If a check failed, or the output is gone.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { output, made, failed } = self;
        if failed == 0 {
            return Ok(writeln!(output, "{made} checks passed")?);
        }
        writeln!(output, "{failed} of {made} checks failed")?;
        Err(Failure::code(EXIT_FAILED))
    }
}

/// Times rounds, by a clock in nanoseconds.
pub struct Meter<'a> {
    output: &'a mut dyn Write,
    now: fn() -> u64,
}

impl<'a> Meter<'a> {
    /// Prints there what it measures with this clock.
    pub fn new(output: &'a mut dyn Write, now: fn() -> u64) -> Self {
        Self { output, now }
    }

    /// Times `count` rounds after one that does not count, and prints `bench NAME COUNT TOTAL_NS`.
    ///
    /// # Errors
    /// If the output is gone.
    pub fn measure(&mut self, name: &str, count: u32, mut round: impl FnMut()) -> io::Result<()> {
        round();
        let total = self.timed(|| {
            for _ in 0..count {
                round();
            }
        });
        self.line(&format!("bench {name} {count} {total}"))
    }

    /// How long something takes.
    pub fn timed(&self, work: impl FnOnce()) -> u64 {
        let start = (self.now)();
        work();
        (self.now)().saturating_sub(start)
    }

    /// Prints a line between the measurements.
    ///
    /// # Errors
    /// If the output is gone.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.output, "{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Checks, Meter};
    use crate::program::{EXIT_FAILED, Failure};
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    #[test]
    fn the_score_is_kept() {
        let mut output = Vec::new();
        let mut checks = Checks::new(&mut output);
        checks.check("a", true);
        assert_eq!(checks.finish(), Ok(()));
        let mut checks = Checks::new(&mut output);
        checks.check("b", true);
        checks.check("c", false);
        assert_eq!(checks.finish(), Err(Failure::code(EXIT_FAILED)));
        let lines = "ok      a\n1 checks passed\nok      b\nFAILED  c\n1 of 2 checks failed\n";
        assert_eq!(String::from_utf8_lossy(&output), lines);
    }

    #[test]
    fn the_first_round_does_not_count() {
        let mut output = Vec::new();
        let mut meter = Meter::new(&mut output, || NOW.get());
        let mut cost = 1000;
        let round = || {
            NOW.set(NOW.get() + cost);
            cost = 7;
        };
        meter.measure("round", 10, round).expect("a vector takes all");
        assert_eq!(output, b"bench round 10 70\n");
    }
}
