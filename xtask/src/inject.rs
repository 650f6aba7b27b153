//! `cargo xtask inject`: injects faults into servers, on the host or in whole systems.
//!
//! `tests/inject` chooses the faults, injects those on the host and judges. This builds it, and for
//! whole systems the kernel that injects faults on order, and boots what is to be booted.

mod parts;

use self::parts::Parts;
use anyhow::{Context, Result, bail, ensure};
use atoll::home::Home;
use atoll::image;
use atoll::process::{run, step};
use atoll_iso::Module;
use atoll_scenarios::{Images, Lab, Machine, OFF, PROMPT, Session, Summary};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The system description of all boots.
const SYSTEM: &str = "tests/inject/system.toml";
/// The boot module that says what to do.
const ORDERS: &str = "orders.bin";
/// What a boot has to do, a line for each order; the number comes first.
const MANIFEST: &str = "manifest.tsv";
/// What a boot said.
const TRANSCRIPT: &str = "transcript.log";
/// Memory of the machines: an archive with some hundred versions of a server is in it.
const MEMORY: &str = "512M";
/// Time goes by instructions, so that no deadline depends on how busy this machine is, and waiting
/// takes none.
const CLOCK: [&str; 2] = ["-icount", "shift=1,sleep=off"];
/// How long the system may take for one fault before it is taken for one that hangs.
const LIMIT: Duration = Duration::from_secs(180);
/// Said by the program last.
const LAST: &str = "saboteur: no order is left";
/// Faults of a test run, on the host and in a system.
const TESTED: [u64; 2] = [1_000, 20];
/// Seed of a test run: it leaves alone what is kept of campaigns of other seeds.
const TEST_SEED: u64 = 0;

/// What to inject.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// What all choices depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many faults
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// In systems under QEMU instead of on the host
    #[arg(long)]
    qemu: bool,
    /// Only the fault with that number, and says all about it
    #[arg(long)]
    only: Option<u64>,
    /// Goes on where an earlier run of the same seed stopped
    #[arg(long)]
    resume: bool,
    /// Writes the report there, too
    #[arg(long)]
    report: Option<PathBuf>,
}

/// Runs a campaign.
pub(crate) fn inject(home: &Home, options: &Options) -> Result<()> {
    let campaign = Campaign::new(home, options.clone())?;
    if options.qemu { campaign.systems() } else { campaign.hosted() }
}

/// Builds what takes longest of what [`test`] takes.
pub(crate) fn prepare(home: &Home) -> Result<()> {
    parts::build_program(home)
}

/// Two small campaigns.
pub(crate) fn test(home: &Home) -> Summary {
    let mut summary = Summary::default();
    for (qemu, count) in [(false, TESTED[0]), (true, TESTED[1])] {
        let options =
            Options { seed: TEST_SEED, count, qemu, only: None, resume: false, report: None };
        match inject(home, &options) {
            Ok(()) => summary.passed += 1,
            Err(error) => {
                println!("faults: FAILED: {error:#}");
                summary.failed += 1;
            }
        }
    }
    summary
}

struct Campaign<'a> {
    home: &'a Home,
    options: Options,
    parts: Parts,
    components: PathBuf,
    /// Where everything of this campaign is kept.
    folder: PathBuf,
}

impl<'a> Campaign<'a> {
    fn new(home: &'a Home, options: Options) -> Result<Self> {
        let kind = if options.qemu { "systems" } else { "hosted" };
        // One fault alone leaves alone what is kept of all.
        let only = options.only.map_or(String::new(), |number| format!("-only-{number}"));
        let name = format!("{kind}-{}{only}", options.seed);
        let folder = home.target.join("faults").join(name);
        fs::create_dir_all(&folder)?;
        let parts = Parts::of(home, folder.join("parts"), options.qemu, options.resume)?;
        let components = parts.components();
        Ok(Self { home, options, parts, components, folder })
    }

    fn command(&self, task: &str) -> Command {
        let mut command = Command::new(self.parts.program());
        command.arg(task);
        command
    }

    /// Has the program read a campaign's options.
    fn with_choices(&self, task: &str) -> Command {
        let Options { seed, count, only, .. } = &self.options;
        let mut command = self.command(task);
        command.args(["--seed", &seed.to_string(), "--count", &count.to_string()]);
        command.arg("--components").arg(&self.components);
        if let Some(number) = only {
            command.args(["--only", &number.to_string()]);
        }
        command
    }

    fn hosted(&self) -> Result<()> {
        let mut command = self.with_choices("hosted");
        command.arg("--state").arg(&self.folder);
        if self.options.resume {
            command.arg("--resume");
        }
        self.reporting(command)
    }

    /// Runs the program that makes the report.
    fn reporting(&self, mut command: Command) -> Result<()> {
        if let Some(report) = &self.options.report {
            command.arg("--report").arg(std::env::current_dir()?.join(report));
        }
        run(&mut command)
    }

    fn systems(&self) -> Result<()> {
        let boots = self.folder.join("boots");
        if !self.options.resume && boots.exists() {
            fs::remove_dir_all(&boots)?;
        }
        let system = self.home.root.join(SYSTEM);
        run(self.with_choices("orders").arg("--description").arg(system).arg("--out").arg(&boots))?;
        let mut folders: Vec<PathBuf> =
            fs::read_dir(&boots)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        folders.sort();
        for folder in &folders {
            if is_complete(folder) {
                continue;
            }
            let _ = fs::remove_file(folder.join(TRANSCRIPT));
            step(&format!("booting {}", folder.display()));
            self.boot_all(&Boot { campaign: self, folder })?;
        }
        let mut command = self.command("judge");
        command.arg("--out").arg(&boots);
        self.reporting(command)
    }

    /// Boots a folder's system until no order is left; after an order with which the system ended,
    /// again from the next one on.
    fn boot_all(&self, boot: &Boot<'_>) -> Result<()> {
        let transcript = boot.folder.join(TRANSCRIPT);
        let mut first = 0;
        while let Err(error) = boot.carry_out(&transcript, first) {
            let text = fs::read_to_string(&transcript).unwrap_or_default();
            let begun = text.lines().filter_map(|line| line.strip_prefix("begin ")?.parse().ok());
            let last = begun.max().filter(|last: &u64| *last >= first);
            let Some(last) = last.filter(|_| !is_complete(boot.folder)) else {
                return Err(error);
            };
            println!("order {last}: {error:#}");
            first = last + 1;
        }
        Ok(())
    }
}

/// Whether a boot has carried out all its orders. A longer campaign gives the last boot more.
fn is_complete(folder: &Path) -> bool {
    let read = |name| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let (transcript, manifest) = (read(TRANSCRIPT), read(MANIFEST));
    let last = manifest.lines().last().and_then(|line| line.split('\t').next());
    let end = format!("end {} ", last.unwrap_or_default());
    transcript.contains(LAST) && transcript.lines().any(|line| line.starts_with(&end))
}

/// A system with its orders.
struct Boot<'a> {
    campaign: &'a Campaign<'a>,
    folder: &'a Path,
}

impl Boot<'_> {
    /// Has the orders from one on carried out, beside a pair that must not notice.
    fn carry_out(&self, transcript: &Path, first: u64) -> Result<()> {
        let machine = Machine::new(self.folder.join("system.toml")).memory(MEMORY);
        let machine = machine.arguments(CLOCK);
        let mut session = Lab::new(self, transcript).boot(&machine.with_test_interfaces())?;
        session.limit(LIMIT).expect(PROMPT)?;
        session.command("aside work &")?;
        session.send(&format!("saboteur {first}\r"))?;
        loop {
            let (which, heard) = session.expect_any(&["\nend ", LAST, PROMPT])?;
            match which {
                0 => {}
                1 => break,
                _ => bail!("the program gave up: {heard}"),
            }
        }
        session.expect(PROMPT)?;
        nothing_was_noticed(&mut session)?;
        session.send("poweroff\r")?;
        session.expect_exit(OFF)
    }
}

/// Ends the pair, all of whose answers must have been right.
fn nothing_was_noticed(session: &mut Session) -> Result<()> {
    session.send("aside stop\r")?;
    let told = session.expect(" late,")?;
    let words: Vec<&str> = told.split_whitespace().rev().take(8).collect();
    let [_, _, "wrong,", wrong, "right,", "answers", right, ..] = words.as_slice() else {
        bail!("the pair beside does not say how it got on:\n{told}")
    };
    ensure!(*wrong == "0" && *right != "0", "{right} answers beside were right, {wrong} wrong");
    session.expect(PROMPT)?;
    Ok(())
}

impl Images for Boot<'_> {
    fn components(&self) -> Result<&Path> {
        Ok(&self.campaign.components)
    }

    fn archive(&self, system: &Path, _: Option<&Path>, _: bool) -> Result<(PathBuf, PathBuf)> {
        let Campaign { home, parts, components, .. } = self.campaign;
        let mut image = image::assemble(home, &parts.artifacts(), components, system)?;
        let orders = Module { name: ORDERS.into(), path: self.folder.join(ORDERS) };
        image.modules.push(orders);
        let path = self.campaign.folder.join("archive.tar");
        fs::write(&path, image.archive()?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok((image.shim, path))
    }

    fn iso(&self, _: &Path, _: &str, _: &Path) -> Result<()> {
        bail!("the campaign boots directly")
    }

    fn limine_iso(&self, _: &Path, _: &str, _: &Path, _: &Path) -> Result<()> {
        bail!("the campaign boots directly")
    }
}
