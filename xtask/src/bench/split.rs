//! Whose instructions a call takes: the guests', the runtimes', the kernel's.
//!
//! QEMU carries out one instruction at a time (`-singlestep`) and logs the address of each, and
//! the registers at each interrupt, while `tester split` makes calls. An instruction belongs to
//! the kernel or, by the symbol that it is in, to one of two parts of the domain image: the
//! interpreter's handlers, which are the guest's code as it runs, and everything else, the
//! runtime. What `memcpy` and `memmove` take is counted apart unless the interpreter called them.
//! Gate calls are interrupts, and CR3 then says whose the instructions before were.
//!
//! `tester` reads the clock, a gate call, before and after the rounds of each kind: these are the
//! marks in the log. One kind does nothing; it is taken off the others.

use super::log::{Span, Symbols, spans};
use super::machines::{LIMIT, counting};
use super::readings::Readings;
use anyhow::{Context, Result, ensure};
use atoll_scenarios::{Images, Lab, PROMPT};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Rounds of each kind.
const ROUNDS: u64 = 10;
/// The kind that does nothing.
const NOTHING: &str = "nothing";
/// Most by which the log and the clock inside may differ, of a thousand.
const TOLERANCE: f64 = 10.0;

/// Instructions of a round, by whose they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Split {
    pub(super) total: f64,
    /// Both guests.
    pub(super) guest: f64,
    /// The runtime of the domain that calls, without copies.
    pub(super) caller: f64,
    /// That of the domain that is called.
    pub(super) callee: f64,
    /// Bytes copied by the runtimes.
    pub(super) copies: f64,
    pub(super) kernel: f64,
}

/// Runs the calls in the machine and splits them, by kind.
pub(super) fn measure(
    images: &dyn Images,
    runtime: &Path,
    transcript: &Path,
) -> Result<Vec<(String, Split)>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let machine = counting("iso/systems/test.toml").arguments(one_at_a_time()?);
    let mut session = Lab::new(images, transcript).boot(&machine)?;
    session.limit(LIMIT).expect(PROMPT)?;
    session.send(&format!("tester split {ROUNDS}\r"))?;
    session.expect("split begins")?;
    session.monitor(&format!("logfile {}", log.display()))?;
    session.monitor("log exec,nochain,int")?;
    let heard = session.expect("split ends")?;
    session.monitor("log none")?;
    drop(session);
    let readings = Readings::parse("bench", &heard);
    let names = kinds(&heard);
    let symbols = Symbols::read(runtime)?;
    let spans = spans(BufReader::new(File::open(&log)?), &symbols, names.len())?;
    evaluate(&names, &spans, &readings)
}

/// QEMU's word for carrying out one instruction at a time, which changed with version 8.1.
fn one_at_a_time() -> Result<Vec<&'static str>> {
    let version = super::version("qemu-system-x86_64").context("there is no QEMU")?;
    let number = version.split("version ").nth(1).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse::<u32>().ok());
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let old = version < (8, 1);
    Ok(if old { vec!["-singlestep"] } else { vec!["-accel", "tcg,one-insn-per-tb=on"] })
}

/// The names in the order in which the program printed them.
fn kinds(heard: &str) -> Vec<String> {
    let name = |line: &str| Some(line.split_once("bench ")?.1.split(' ').next()?.to_owned());
    heard.lines().filter_map(name).collect()
}

/// Checks the spans against the clock, and takes off what a round of nothing is.
fn evaluate(names: &[String], spans: &[Span], readings: &Readings) -> Result<Vec<(String, Split)>> {
    ensure!(names.len() == spans.len(), "{} kinds, {} spans", names.len(), spans.len());
    let nothing = names.iter().position(|name| name == NOTHING);
    let nothing = spans[nothing.context("the program measured no empty round")?];
    let mut splits = Vec::new();
    for (name, span) in names.iter().zip(spans) {
        let (total, clock) = (span.total() as f64, readings.round(name)? * ROUNDS as f64);
        ensure!(
            (total - clock).abs() * 1000.0 <= clock * TOLERANCE,
            "{name}: the log has {total} instructions, the clock {clock}"
        );
        if name == NOTHING {
            continue;
        }
        let round =
            |part: fn(&Span) -> u64| (part(span) as f64 - part(&nothing) as f64) / ROUNDS as f64;
        splits.push((
            name.clone(),
            Split {
                total: round(Span::total),
                guest: round(|span| span.caller.guest + span.callee.guest),
                caller: round(|span| span.caller.runtime),
                callee: round(|span| span.callee.runtime),
                copies: round(|span| span.caller.copies + span.callee.copies),
                kernel: round(|span| span.kernel),
            },
        ));
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::log::User;

    #[test]
    fn the_clock_must_agree() {
        let span =
            |runtime| Span { caller: User { runtime, ..User::default() }, ..Span::default() };
        let heard = "bench nothing 10 100\nbench a 10 1100\n";
        let names = kinds(heard);
        let readings = Readings::parse("bench", heard);
        let splits = evaluate(&names, &[span(100), span(1100)], &readings).unwrap();
        let whole = Split { total: 100.0, caller: 100.0, ..Split::default() };
        assert_eq!(splits, [("a".to_owned(), whole)]);
        assert!(evaluate(&names, &[span(100), span(1200)], &readings).is_err());
    }
}
