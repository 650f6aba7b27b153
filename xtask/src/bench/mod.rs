//! `cargo xtask bench`: what Atoll takes, in instructions.
//!
//! QEMU counts one instruction as one nanosecond ([`machines`]), so the clock inside the machine
//! counts instructions, and figures are the same in every run and on every host. The probe
//! (`tests/probe`) measures the kernel alone, the program `tester` typed calls and integer work,
//! the log starts and restarts; [`split`] watches each instruction of a call and tells whose
//! it is ([`log`]).
//! [`native`] does the same integer work without a machine, [`peers`] compares with other component
//! hosts. [`readings`] understands what they print, [`figures`] makes the table. Only the seconds of a
//! boot are of the host, and its alone.

mod figures;
mod log;
pub(crate) mod machines;
mod native;
mod peers;
pub(crate) mod readings;
mod split;
mod swaps;

use crate::check;
use anyhow::{Result, ensure};
use atoll::built::Built;
use atoll::files::write_if_changed;
use atoll::home::Home;
use atoll::process::step;
use atoll_scenarios::Images;
use figures::{Figure, Unit};
use machines::{Boot, Restart, Servers, Way};
use readings::{Reading, Readings};
use serde_json::{Value, json};
use split::Split;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rounds of integer work; the difference counts.
const WORK_ROUNDS: [u64; 2] = [20, 40];

/// What a time by the clock may differ by.
const CLOCK_ROUNDING: u64 = 1;
/// What a time by the log, which shows microseconds, may differ by.
const LOG_ROUNDING: f64 = 1000.0;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measures twice and fails if any count of instructions differs
    #[arg(long)]
    verify: bool,
    /// Compares the runtime with other component hosts instead, on this machine
    #[arg(long, conflicts_with = "verify")]
    peers: bool,
    /// Only splits calls by whose instructions they are
    #[arg(long)]
    split: bool,
    /// Only measures restarts
    #[arg(long)]
    restarts: bool,
    /// Only measures swaps
    #[arg(long)]
    swaps: bool,
    /// Boots whose host seconds are taken; the best counts
    #[arg(long, default_value_t = 5)]
    boots: u32,
    /// Where the JSON goes; target/bench.json or target/peers.json if nothing else is said
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// Everything that is the same in every run.
#[derive(Clone, Debug, PartialEq)]
struct Counted {
    probe: Readings,
    /// The probe's own instructions in a call and in an answer.
    user: [f64; 2],
    boot: Boot,
    servers: Servers,
    /// Restarts by an heir, as a clone and from bytes.
    restarts: [Restart; 3],
    /// Calls of a few kinds, by whose instructions they are.
    split: Vec<(String, Split)>,
}

impl Counted {
    /// Whether another run counted the same. When a command is typed is not counted in
    /// instructions, so times between two readings of the clock may be rounded the other way: the
    /// clock's by a nanosecond, those of the log by a microsecond.
    fn agrees_with(&self, other: &Self) -> bool {
        let (mine, theirs) = (&self.servers, &other.servers);
        let restarts = self.restarts.iter().zip(&other.restarts);
        let log = restarts.flat_map(|(a, b)| [(a.ready, b.ready), (a.served, b.served)]);
        let mut log = log.chain([(mine.start, theirs.start)]);
        let work = mine.work.iter().zip(&theirs.work);
        (&self.probe, self.user, self.boot) == (&other.probe, other.user, other.boot)
            && mine.calls.agrees_with(&theirs.calls, CLOCK_ROUNDING)
            && log.all(|(a, b)| (a - b).abs() <= LOG_ROUNDING)
            && work.into_iter().all(|(a, b)| a.agrees_with(b, CLOCK_ROUNDING))
    }
}

/// Measures, prints the table and writes the JSON.
pub(crate) fn bench(home: &Home, options: &Options) -> Result<()> {
    if options.peers {
        return peers::peers(home, options.output.as_deref());
    }
    let built = check::built(home)?;
    let transcript = home.target.join("bench.log");
    fs::create_dir_all(&home.target)?;
    fs::write(&transcript, "")?;
    if options.split {
        print!("{}", figures::split_table(&split(&built, &transcript)?));
        return Ok(());
    }
    if options.restarts {
        print!("{}", figures::table(&of_restarts(&restarts(&built, &transcript)?)));
        return Ok(());
    }
    if options.swaps {
        print!("{}", figures::table(&swaps(&built, &transcript)?));
        return Ok(());
    }
    let counted = count(home, &built, &transcript)?;
    if options.verify {
        step("measuring again");
        let again = count(home, &built, &transcript)?;
        ensure!(counted.agrees_with(&again), "two runs differ:\n{counted:#?}\n{again:#?}");
        step("both runs gave the same counts");
    }
    step("doing the integer work on this machine");
    let tester = home.target.join("components/tester.wasm");
    let native = native::work(home, &tester, WORK_ROUNDS)?;
    step("booting by the host's clock");
    let seconds = machines::boot_seconds(&built, &transcript, options.boots)?;
    let mut figures = all_figures(&counted, seconds)?;
    figures.extend(swaps(&built, &transcript)?);
    match native {
        Some(native) => figures.push(interpreter(native::ratio(counted.servers.work, native)?)),
        None => eprintln!(
            "There is no valgrind here to count the native run's instructions (package valgrind): \
             the figure `interpreter` is left out."
        ),
    }
    print!("{}\n{}", figures::table(&figures), figures::split_table(&counted.split));
    let output = options.output.clone().unwrap_or_else(|| home.target.join("bench.json"));
    let report = report(&figures, &counted);
    write_if_changed(&output, format!("{report:#}\n").as_bytes())?;
    eprintln!("{}", output.display());
    Ok(())
}

/// Carries out everything that is counted.
fn count(home: &Home, built: &Built<'_>, transcript: &Path) -> Result<Counted> {
    let images: &dyn Images = built;
    let native = built.native(false)?;
    step("measuring the kernel by the probe");
    let (probe, user) = machines::probe(home, &native, transcript)?;
    step("measuring the boot");
    let boot = machines::boot(images, transcript)?;
    step("measuring servers and calls");
    let servers = machines::servers(images, transcript, WORK_ROUNDS)?;
    let restarts = restarts(images, transcript)?;
    let split = split(built, transcript)?;
    Ok(Counted { probe, user, boot, servers, restarts, split })
}

/// Ends a server that comes back as a clone and one that is loaded.
fn restarts(images: &dyn Images, transcript: &Path) -> Result<[Restart; 3]> {
    step("measuring restarts");
    let restart = |way| machines::restart(images, transcript, way);
    Ok([restart(Way::Heir)?, restart(Way::Clone)?, restart(Way::Bytes)?])
}

fn of_restarts([heir, clone, loaded]: &[Restart; 3]) -> [Figure; 5] {
    let figure = Figure::instructions;
    [
        figure(
            "restart-call-heir",
            "from the call that ends `echo` to its heir's answer",
            heir.served,
        )
        .at_most(100_000.0),
        figure("server-restart", "`echo` from its trap until its clone is ready", clone.ready),
        figure("restart-call", "the same to a clone's answer, without an heir", clone.served),
        figure("server-restart-bytes", "`echo` from its trap until it is loaded", loaded.ready),
        figure(
            "restart-call-bytes",
            "from the call that ends it to the next answer",
            loaded.served,
        )
        .at_most(6_000_000.0),
    ]
}

/// Swaps servers. Under load the figures depend on where the client is when the command comes, so
/// they are not compared.
fn swaps(images: &dyn Images, transcript: &Path) -> Result<Vec<Figure>> {
    step("measuring swaps");
    Ok(swaps::figures(&swaps::measure(images, transcript)?))
}

/// Tells whose instructions calls are.
fn split(built: &Built<'_>, transcript: &Path) -> Result<Vec<(String, Split)>> {
    let runtime = built.native(false)?.runtime;
    step("splitting calls by whose instructions they are");
    split::measure(built, &runtime, transcript)
}

fn all_figures(counted: &Counted, seconds: f64) -> Result<Vec<Figure>> {
    let Counted { probe, user, boot, servers, .. } = counted;
    let figure = Figure::instructions;
    let mut figures = figures::of_kernel(probe, *user)?;
    figures.extend(figures::of_calls(&servers.calls)?);
    figures.extend([figure(
        "server-start",
        "`echo` started from its bytes until it is ready",
        servers.start,
    )]);
    figures.extend(of_restarts(&counted.restarts));
    figures.extend([
        figure("boot", "power-on to prompt, firmware included", boot.to_prompt),
        figure("boot-kernel", "of that, the kernel until it starts the supervisor", boot.kernel),
        figure("boot-supervisor", "then until the system description is read", boot.supervisor),
        figure("boot-servers", "then until the last server is ready", boot.servers),
        Figure {
            unit: Unit::Seconds,
            ..figure("boot-seconds", "power-on to prompt on this host", seconds)
        }
        .at_most(1.5),
    ]);
    Ok(figures)
}

fn interpreter(ratio: f64) -> Figure {
    let what = "integer work in a domain over the same natively";
    Figure { unit: Unit::Ratio, ..Figure::instructions("interpreter", what, ratio) }.at_most(1.02)
}

fn report(figures: &[Figure], counted: &Counted) -> Value {
    let readings = |readings: &Readings| -> Value {
        let entry = |(name, reading): (&str, Reading)| {
            (name.to_owned(), json!({ "rounds": reading.rounds, "total": reading.total }))
        };
        Value::Object(readings.iter().map(entry).collect())
    };
    json!({
        "qemu": version("qemu-system-x86_64"),
        "rustc": version("rustc"),
        "figures": figures::json(figures),
        "split": figures::split_json(&counted.split),
        "readings": { "probe": readings(&counted.probe), "tester": readings(&counted.servers.calls) },
    })
}

/// The first line that a tool says of itself.
fn version(tool: &str) -> Option<String> {
    let output = Command::new(tool).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}
