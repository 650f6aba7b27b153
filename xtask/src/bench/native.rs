//! The same integer work under the same interpreter, but as a program of the host.

use super::machines::{Work, work_of};
use anyhow::{Context, Result, ensure};
use atoll::home::Home;
use atoll::process::{run, step};
use std::path::Path;
use std::process::Command;

/// Counts instructions one by one. The processor's own counter would do, but virtual machines
/// seldom have one.
const COUNTER: &str = "valgrind";

/// Runs the work natively and counts all instructions of the process; `None` if there is no
/// counter.
pub(super) fn work(home: &Home, tester: &Path, rounds: [u64; 2]) -> Result<Option<[Work; 2]>> {
    if Command::new(COUNTER).arg("--version").output().is_err() {
        return Ok(None);
    }
    step("building the runtime for this machine");
    run(home.plain_cargo("build").args(["--quiet", "--release", "-p", "atoll-native"]))?;
    let program = home.target.join("release/atoll-native");
    let [first, second] = rounds.map(|rounds| count(&program, tester, rounds));
    Ok(Some([first?, second?]))
}

fn count(program: &Path, tester: &Path, rounds: u64) -> Result<Work> {
    let mut command = Command::new(COUNTER);
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.arg(program).arg(tester).arg("work").arg(rounds.to_string());
    let output = command.output().with_context(|| format!("cannot run {COUNTER}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the native run failed: {said}");
    let total = counted(&said).with_context(|| format!("{COUNTER} counted nothing: {said}"))?;
    Ok(Work { total, ..work_of(&String::from_utf8_lossy(&output.stdout))? })
}

/// Reads `==123== I   refs:      13,522,999`.
fn counted(text: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.split("refs:").nth(1))?;
    number.trim().replace(',', "").parse().ok()
}

/// Instructions in the domain for one on the host. Taking the difference of two runs leaves out
/// what start and end take.
pub(super) fn ratio(domain: [Work; 2], native: [Work; 2]) -> Result<f64> {
    for (domain, native) in domain.iter().zip(&native) {
        ensure!(
            (domain.rounds, domain.result) == (native.rounds, native.result),
            "domain and host computed different results: {domain:?}, {native:?}"
        );
    }
    let more = |[less, more]: [Work; 2]| more.total.saturating_sub(less.total) as f64;
    ensure!(more(native) > 0.0, "more rounds took no more instructions");
    Ok(more(domain) / more(native))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_understood() {
        assert_eq!(
            counted("==1== Command: x\n==1== I   refs:      13,522,999\n"),
            Some(13_522_999)
        );
        assert_eq!(counted("==1== nothing\n"), None);
    }

    #[test]
    fn what_both_runs_have_cancels() {
        let work = |rounds, total| Work { rounds, result: rounds * 7, total };
        let domain = [work(1, 1_000), work(2, 3_020)];
        let native = [work(1, 500_000), work(2, 502_000)];
        assert!((ratio(domain, native).unwrap() - 1.01).abs() < 1e-9);
        let wrong = [Work { result: 1, ..work(1, 1) }, work(2, 9)];
        assert!(ratio(domain, wrong).is_err());
        assert!(ratio(domain, [work(1, 5), work(2, 5)]).is_err());
    }
}
