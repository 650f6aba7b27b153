//! Interleaved measurements by processor time.
//!
//! In every round each host does the same thing once, for some milliseconds, one after the other:
//! what disturbs the machine disturbs all of them. Time is the processor time of this thread, so
//! what other programs take is not in it. Everything runs in one thread.

use crate::hosts::Run;
use anyhow::{Result, ensure};
use rustix::time::{ClockId, clock_gettime};

/// How often and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// What one measurement takes at least.
    pub(crate) batch_ns: u64,
}

/// Nanoseconds of one execution, by round.
pub(crate) type Times = Vec<f64>;

/// More executions than this do not make a measurement better.
const MOST_EXECUTIONS: u32 = 1 << 20;

/// Measures what can be run.
pub(crate) fn interleaved(plan: &Plan, runs: &mut [Option<Run>]) -> Result<Vec<Option<Times>>> {
    let mut executions = Vec::new();
    for run in runs.iter_mut() {
        executions.push(match run {
            Some(run) => calibrated(plan, run)?,
            None => 0,
        });
    }
    let mut times: Vec<_> = runs.iter().map(|run| run.as_ref().map(|_| Times::new())).collect();
    for _ in 0..plan.rounds {
        for ((run, times), executions) in runs.iter_mut().zip(&mut times).zip(&executions) {
            if let (Some(run), Some(times)) = (run, times) {
                let taken = once(run, *executions)?;
                times.push(taken as f64 / f64::from(*executions));
            }
        }
    }
    Ok(times)
}

/// How many executions take as long as the plan wants; warms up by the way.
fn calibrated(plan: &Plan, run: &mut Run) -> Result<u32> {
    let mut executions = 1;
    loop {
        let taken = once(run, executions)?;
        if taken >= plan.batch_ns || executions >= MOST_EXECUTIONS {
            return Ok(executions);
        }
        let missing = plan.batch_ns as f64 / (taken.max(1) as f64);
        let factor = (missing * 1.1).clamp(1.5, 20.0);
        executions = ((f64::from(executions) * factor).ceil() as u32).min(MOST_EXECUTIONS);
    }
}

fn once(run: &mut Run, executions: u32) -> Result<u64> {
    let before = now();
    run(executions)?;
    let taken = now().saturating_sub(before);
    ensure!(executions > 0, "nothing was executed");
    Ok(taken)
}

/// Processor time of this thread.
fn now() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    (now.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(now.tv_nsec as u64)
}

/// The value below which that part of the values lies.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1)) as f64 * part;
    sorted.get(at.round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Plan, interleaved, quantile};
    use crate::hosts::Run;

    #[test]
    fn quantiles() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| quantile(&values, part)),
            [1.0, 2.0, 3.0, 4.0, 5.0]
        );
    }

    #[test]
    fn every_host_gets_every_round() {
        let busy = |work: u64| -> Option<Run> {
            Some(Box::new(move |rounds| {
                for i in 0..work * u64::from(rounds) {
                    std::hint::black_box(i);
                }
                Ok(())
            }))
        };
        let plan = Plan { rounds: 3, batch_ns: 100_000 };
        let times = interleaved(&plan, &mut [busy(10), None, busy(10_000)]).unwrap();
        let lengths: Vec<_> = times.iter().map(|times| times.as_ref().map(Vec::len)).collect();
        assert_eq!(lengths, [Some(3), None, Some(3)]);
    }
}
