//! The machines that are measured: the probe's, and systems with a shell.

use super::readings::{self, Readings};
use crate::variants;
use anyhow::{Context, Result, ensure};
use atoll::artifacts::Artifacts;
use atoll::files::write_if_changed;
use atoll::home::Home;
use atoll_iso::{Image, Module, boot_config};
use atoll_scenarios::{Images, Lab, Machine, OFF, PROMPT, Session};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Makes a machine that counts one instruction as one nanosecond: what the clock says is then the
/// number of instructions, and the same in every run.
const COUNTING: [&str; 6] =
    ["-smp", "1", "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"];
const TEST_SYSTEM: &str = "iso/systems/test.toml";
/// Ends a run that hangs; far above what any takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);
/// Name that the kernel knows the probe by: it has the place of the domain image.
const PROBE_MODULE: &str = "runtime.elf";
/// Most entries that the shell's `log` shows.
pub(crate) const LOG: &str = "log -n 200";

/// A machine that counts instructions.
pub(crate) fn counting(system: &str) -> Machine {
    Machine::new(system).arguments(COUNTING)
}

/// Boots the probe and reads what it measured, and its own instructions in a round.
pub(super) fn probe(
    home: &Home,
    native: &Artifacts,
    transcript: &Path,
) -> Result<(Readings, [f64; 2])> {
    let probe = variants::build_probe(home)?;
    let config = home.root.join(boot_config::FILE);
    let image = Image {
        config: fs::read_to_string(&config)
            .with_context(|| format!("cannot read {}", config.display()))?,
        append: format!("init={PROBE_MODULE}"),
        kernel: native.kernel.clone(),
        shim: native.shim.clone(),
        modules: vec![Module { name: PROBE_MODULE.to_owned(), path: probe }],
    };
    let archive = home.target.join("archives/probe.tar");
    write_if_changed(&archive, &image.archive()?)?;
    let only = Only { shim: native.shim.clone(), archive };
    let mut session = Lab::new(&only, transcript).boot(&counting(""))?;
    session.limit(LIMIT);
    let (outcome, heard) = session.expect_any(&["probe end", "probe failed"])?;
    ensure!(outcome == 0, "the probe failed: {}", session.expect("\n")?);
    session.expect_exit(OFF)?;
    let user = readings::numbers("probe-user", &heard);
    let user = user.and_then(|numbers| <[u64; 2]>::try_from(numbers).ok());
    let user = user.context("the probe did not say what it takes itself")?;
    Ok((Readings::parse("probe", &heard), user.map(|number| number as f64)))
}

/// One archive that is there already.
struct Only {
    shim: PathBuf,
    archive: PathBuf,
}

impl Images for Only {
    fn archive(&self, _: &Path, _: Option<&Path>, _: bool) -> Result<(PathBuf, PathBuf)> {
        Ok((self.shim.clone(), self.archive.clone()))
    }

    fn components(&self) -> Result<&Path> {
        anyhow::bail!("the probe has no components")
    }

    fn iso(&self, _: &Path, _: &str, _: &Path) -> Result<()> {
        anyhow::bail!("the probe has no ISO")
    }

    fn limine_iso(&self, _: &Path, _: &str, _: &Path, _: &Path) -> Result<()> {
        anyhow::bail!("the probe has no ISO")
    }
}

/// What a booted system tells of its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Boot {
    /// Instructions from power-on to the prompt, firmware included.
    pub(super) to_prompt: f64,
    /// From the kernel's first instruction until it starts the supervisor.
    pub(super) kernel: f64,
    /// Until the supervisor has read the system description.
    pub(super) supervisor: f64,
    /// Until the shell, the last of the servers, is ready.
    pub(super) servers: f64,
}

/// Boots the default system to its prompt, counting: once for the count, and once more for what
/// the log says, because a machine that records and is idle hears no typing.
pub(super) fn boot(images: &dyn Images, transcript: &Path) -> Result<Boot> {
    let to_prompt = instructions_to_prompt(images, transcript)?;
    let mut session = Lab::new(images, transcript).boot(&counting(crate::DEFAULT_SYSTEM))?;
    session.limit(LIMIT).expect(PROMPT)?;
    let log = session.command(LOG)?;
    let entries = readings::entries(&log);
    let started = "MiB of memory";
    let described = "supervisor system ";
    let first = entries.iter().find(|entry| entry.line.contains(started));
    let kernel = first.context("the log does not begin at the beginning")?.time_ns;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    Ok(Boot {
        to_prompt,
        kernel: kernel as f64,
        supervisor: readings::span(&entries, started, described)?,
        servers: readings::span(&entries, described, "`shell` is ready")?,
    })
}

fn instructions_to_prompt(images: &dyn Images, transcript: &Path) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    // Recording is the mode in which QEMU tells its count.
    let record =
        format!("shift=0,sleep=off,rr=record,rrfile={}", folder.path().join("record").display());
    let machine = counting(crate::DEFAULT_SYSTEM).arguments(["-icount", &record]);
    let mut session = Lab::new(images, transcript).boot(&machine)?;
    session.limit(LIMIT).expect(PROMPT)?;
    settled(&mut session)
}

/// The machine's count of instructions, once it has nothing more to do.
fn settled(session: &mut Session) -> Result<f64> {
    let mut last = None;
    loop {
        let answer = session.monitor("info replay")?;
        let count = answer
            .split("instruction count =")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        let count = count.context("QEMU does not tell how many instructions it carried out")?;
        if last == Some(count) {
            return Ok(count as f64);
        }
        last = Some(count);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Seconds from power-on to the prompt, without counting: the best of some runs.
pub(super) fn boot_seconds(images: &dyn Images, transcript: &Path, runs: u32) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        let mut session = Lab::new(images, transcript).boot(&Machine::default())?;
        session.limit(LIMIT).expect(PROMPT)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// What the test system tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Servers {
    /// Typed calls.
    pub(super) calls: Readings,
    /// From the request to start `echo` until it is ready.
    pub(super) start: f64,
    /// Instructions of integer work: of one number of rounds, of two, and the results.
    pub(super) work: [Work; 2],
}

/// One run of `tester work`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// How many rounds.
    pub(super) rounds: u64,
    /// What came out.
    pub(super) result: u64,
    /// Instructions, in whatever was counted.
    pub(super) total: u64,
}

impl Work {
    /// Whether another run did the same in a total that differs by no more than this.
    pub(super) fn agrees_with(&self, other: &Self, by: u64) -> bool {
        (self.rounds, self.result) == (other.rounds, other.result)
            && self.total.abs_diff(other.total) <= by
    }
}

/// Boots the test system and measures by its programs.
pub(super) fn servers(images: &dyn Images, transcript: &Path, rounds: [u64; 2]) -> Result<Servers> {
    let machine = counting(TEST_SYSTEM);
    let mut session = Lab::new(images, transcript).boot(&machine)?;
    session.limit(LIMIT).expect(PROMPT)?;
    let calls = Readings::parse("bench", &session.command("tester bench")?);
    ensure!(!calls.is_empty(), "`tester bench` printed no results");
    let mut work = Vec::new();
    for rounds in rounds {
        let heard = session.command(&format!("tester work {rounds}"))?;
        work.push(work_of(&heard)?);
    }
    let work = <[Work; 2]>::try_from(work).ok().context("two runs give two results")?;
    // A call of the started server comes back when it is ready, not before.
    session.command("stop echo")?;
    session.command("start echo")?;
    session.command("tester calls")?;
    let log = session.command(LOG)?;
    let entries = readings::entries(&log);
    let start = readings::span(&entries, "`echo` is started on request", "`echo` is ready")?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    Ok(Servers { calls, start, work })
}

/// What it takes until `echo` is back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Restart {
    /// From its trap until it is ready again.
    pub(super) ready: f64,
    /// From the call that makes it trap until the next call returns.
    pub(super) served: f64,
}

/// How a server comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Its heir takes its place.
    Heir,
    /// As a clone.
    Clone,
    /// From its bytes.
    Bytes,
}

impl Way {
    /// The system description in which `echo` comes back like this.
    fn describe(self, text: &str) -> Result<String> {
        let (before, echo) = text.split_once("[servers.echo]\n").context("there is no `echo`")?;
        let echo = match self {
            Self::Heir => echo.replacen("restart = {", "restart = { heir = true,", 1),
            Self::Clone => echo.to_owned(),
            Self::Bytes => format!("snapshot = false\n{echo}"),
        };
        Ok(format!("{before}[servers.echo]\n{echo}"))
    }
}

/// Boots the test system, where `echo` comes back in this way, and ends it.
pub(super) fn restart(images: &dyn Images, transcript: &Path, way: Way) -> Result<Restart> {
    let folder = tempfile::tempdir()?;
    let description = folder.path().join("restart.toml");
    fs::write(&description, way.describe(&fs::read_to_string(TEST_SYSTEM)?)?)?;
    let machine = counting(TEST_SYSTEM).description(&description);
    let mut session = Lab::new(images, transcript).boot(&machine)?;
    session.limit(LIMIT).expect(PROMPT)?;
    while way == Way::Heir && !session.command("policy echo")?.contains("a clone stands by") {}
    let crash = Readings::parse("bench", &session.command("tester crash")?);
    let log = session.command(LOG)?;
    let entries = readings::entries(&log);
    let ready = readings::span(&entries, "`echo` trapped", "`echo` is ready")?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)?;
    Ok(Restart { ready, served: crash.round("crash")? })
}

/// Reads `work ROUNDS RESULT TOTAL`.
pub(super) fn work_of(text: &str) -> Result<Work> {
    let numbers = readings::numbers("work", text).unwrap_or_default();
    match numbers.as_slice() {
        &[rounds, result, total] => Ok(Work { rounds, result, total }),
        _ => anyhow::bail!("`tester work` printed no result: {text:?}"),
    }
}
