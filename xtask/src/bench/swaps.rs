//! How long calls wait while a server is swapped, phase by phase.
//!
//! The shell tells microseconds, each of which is a thousand instructions.

use super::figures::Figure;
use super::machines::{LIMIT, counting};
use anyhow::{Context, Result};
use atoll_scenarios::{Images, Lab, OFF, PROMPT, Session};
use std::path::Path;

const TEST_SYSTEM: &str = "iso/systems/test.toml";
/// What a microsecond is in instructions.
const MICROSECOND: f64 = 1000.0;
/// Bytes of a value, and how many are stored, for a state of their product.
const VALUE: usize = 500;
const VALUES: usize = 100;

/// Instructions of one swap in which calls wait.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Swap {
    pub(super) quiesce: f64,
    pub(super) transfer: f64,
    pub(super) commit: f64,
    pub(super) down: f64,
}

/// The swaps that are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Swaps {
    /// A server without state and calls.
    pub(super) idle: Swap,
    /// A server without state that a client calls again and again.
    pub(super) stateless: Swap,
    /// A server without calls beside a program of its priority that computes.
    pub(super) crowded: Swap,
    /// A server with a client that calls it again and again and holds two of its objects.
    pub(super) loaded: Swap,
    /// The same with 50 KB of state.
    pub(super) large: Swap,
    /// A server whose memory goes along, with that much in it.
    pub(super) whole: Swap,
}

/// Boots the test system and swaps.
pub(super) fn measure(images: &dyn Images, transcript: &Path) -> Result<Swaps> {
    let mut session = Lab::new(images, transcript).boot(&counting(TEST_SYSTEM))?;
    session.limit(LIMIT).expect(PROMPT)?;
    let idle = swap(&mut session, "swap echo echo.wasm")?;
    session.command("tester plain 100000000 &")?;
    // A program that loads would share the processor with the swap: let it come to its calls.
    session.command("tester plain 1")?;
    let stateless = swap(&mut session, "swap echo echo.wasm")?;
    kill(&mut session, "tester.1")?;
    session.command("tester work 1000000 &")?;
    let crowded = swap(&mut session, "swap echo echo.wasm")?;
    kill(&mut session, "tester.3")?;
    session.command("clerk work &")?;
    session.command("clerk get number")?;
    let loaded = swap(&mut session, "swap store store-v2.wasm")?;
    session.command(&format!("clerk fill {VALUES} {VALUE}"))?;
    let large = swap(&mut session, "swap store store.wasm")?;
    session.command("start till")?;
    session.command(&format!("teller fill {VALUES} {VALUE}"))?;
    let whole = swap(&mut session, "swap till till-v2.wasm")?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    Ok(Swaps { idle, stateless, crowded, loaded, large, whole })
}

/// Ends a program that runs in the background.
fn kill(session: &mut Session, task: &str) -> Result<()> {
    session.command(&format!("kill {task}"))?;
    session.expect(&format!("{task} was killed"))?;
    session.expect(PROMPT)?;
    Ok(())
}

fn swap(session: &mut Session, command: &str) -> Result<Swap> {
    read(&session.command(command)?).with_context(|| format!("`{command}` does not tell times"))
}

/// Reads what the shell tells of a swap.
fn read(told: &str) -> Option<Swap> {
    let number = |text: &str| text.split_whitespace().next()?.parse::<f64>().ok();
    let after = |what: &str| Some(number(told.split(what).nth(1)?)? * MICROSECOND);
    let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let down = number(flat.split("down for ").nth(1)?)? * MICROSECOND;
    let (quiesce, transfer) = (after("quiesce ")?, after("transfer ")?);
    Some(Swap { quiesce, transfer, commit: after("commit ")?, down })
}

/// The figures, and the goal.
pub(super) fn figures(swaps: &Swaps) -> Vec<Figure> {
    let figure = Figure::instructions;
    vec![
        figure("swap-idle", "calls wait while `echo` is swapped", swaps.idle.down),
        figure("swap", "the same of `echo` under load", swaps.stateless.down).at_most(200_000.0),
        figure("swap-quiesce", "of that, until it has stopped", swaps.stateless.quiesce),
        figure("swap-transfer", "until the new version has started", swaps.stateless.transfer),
        figure("swap-commit", "until that gets the calls", swaps.stateless.commit),
        figure(
            "swap-peer",
            "`echo` beside a program of its priority that computes",
            swaps.crowded.down,
        ),
        figure("swap-objects", "`store` under load, with two open tables", swaps.loaded.down),
        figure("swap-state", "the same with 50 KB of state", swaps.large.down),
        figure(
            "swap-memory",
            "`till`, whose memory goes along, with 50 KB in it",
            swaps.whole.down,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Swap, read};

    #[test]
    fn times_are_read() {
        let told = "prepare       26231 us\nquiesce         188 us\ntransfer        511 us\n\
                    commit           18 us\nprobation   1000982 us\n\
                    echo to echo.wasm: swapped; 12 bytes of state, 0 calls held, down\n  for 717 us\n";
        let (quiesce, transfer) = (188_000.0, 511_000.0);
        let swap = Swap { quiesce, transfer, commit: 18_000.0, down: 717_000.0 };
        assert_eq!(read(told), Some(swap));
        assert_eq!(read("swap: needs a server and a file"), None);
    }
}
