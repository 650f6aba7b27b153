//! The campaign on the host: many lives of domains in one process, one after another.
//!
//! A process of its own does the work, so that not even an abort or an overflow of the native stack
//! ends the campaign: it notes which injection is next, and its parent counts the one at which it
//! died and goes on behind it.

use std::{
    env, fs,
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    bystander::Bystander,
    domain::{self, Ending},
    injection::{Injection, Outcome},
    prepared::Prepared,
    random::Random,
    report,
    totals::{Class, Totals},
    work::SUBJECTS,
};

/// Injections between two times that the totals are saved.
const SAVED_EVERY: u64 = 2_000;
/// Bytes of native stack for domains.
const STACK: usize = 64 << 20;
/// The argument by which the process is known that does the work.
pub(crate) const WORKER: &str = "hosted-worker";

/// A campaign.
#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) seed: u64,
    pub(crate) count: u64,
    /// Folder of the servers' components.
    pub(crate) components: PathBuf,
    /// Folder for what is kept of the campaign.
    pub(crate) state: PathBuf,
}

impl Campaign {
    fn totals(&self) -> PathBuf {
        self.state.join(format!("hosted-{}.totals", self.seed))
    }

    fn progress(&self) -> PathBuf {
        self.state.join(format!("hosted-{}.progress", self.seed))
    }

    /// Runs the campaign, from where it was if it was begun before.
    pub(crate) fn run(&self, anew: bool) -> Result<Totals> {
        fs::create_dir_all(&self.state)?;
        if anew || !self.totals().exists() {
            Totals::default().save(&self.totals())?;
        }
        loop {
            let totals = Totals::load(&self.totals())?;
            if totals.next >= self.count {
                return Ok(totals);
            }
            let status = Command::new(env::current_exe()?)
                .args([WORKER, "--seed", &self.seed.to_string()])
                .args(["--count", &self.count.to_string()])
                .arg("--components")
                .arg(&self.components)
                .arg("--state")
                .arg(&self.state)
                .status()?;
            if status.success() {
                continue;
            }
            let mut totals = Totals::load(&self.totals())?;
            let died = self.died_at()?;
            ensure!(status.code() != Some(1), "the campaign cannot be run ({status})");
            ensure!(died < self.count, "the process ended ({status}) behind its last injection");
            totals.failures.push((died, format!("the process died: {status}")));
            totals.save(&self.totals())?;
        }
    }

    fn died_at(&self) -> Result<u64> {
        let bytes = fs::read(self.progress()).context("the process did not begin")?;
        let bytes = bytes.try_into().ok().context("the progress is cut off")?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// What the process does that does the work.
    pub(crate) fn work(&self) -> Result<()> {
        on_a_large_stack(|| self.work_here())
    }

    fn work_here(&self) -> Result<()> {
        domain::remember_panics();
        let mut totals = Totals::load(&self.totals())?;
        let died: Vec<u64> = totals.failures.iter().map(|(injection, _)| *injection).collect();
        let progress = File::create(self.progress())?;
        let servers = prepare(&self.components)?;
        let mut bystander = Bystander::start(&self.components)?;
        let begin = Instant::now();
        let first = totals.next;
        while totals.next < self.count {
            let number = totals.next;
            progress.write_all_at(&number.to_le_bytes(), 0)?;
            if !died.contains(&number) {
                inject(self.seed, number, &servers, &mut totals)?;
            }
            if !bystander.step() {
                bail!("injection {number} changed what a bystander was answered");
            }
            totals.next += 1;
            if totals.next.is_multiple_of(SAVED_EVERY) {
                totals.save(&self.totals())?;
                let each = begin.elapsed() / (totals.next - first) as u32;
                eprintln!("{} injections, {each:?} each", report::number(totals.next));
            }
        }
        totals.save(&self.totals())
    }

    /// Injects one fault and says what was done and what came of it.
    pub(crate) fn only(&self, number: u64) -> Result<()> {
        on_a_large_stack(|| {
            domain::remember_panics();
            let mut random = Random::of(self.seed, number);
            let subject = SUBJECTS.get(server(&mut random)).context("there is no server")?;
            let prepared = Prepared::new(subject, &self.components)?;
            let injection = Injection::choose(&prepared, None, &mut random);
            println!("{}", injection.describe(&prepared));
            let life = injection.live(&prepared);
            println!("activated: {}", word(injection.was_activated(&prepared, Some(&life))));
            if let Ending::Ended(cause, message) = &life.ending {
                println!("it ended: {cause:?}: {message}");
            }
            let differ = life.notes.iter().zip(&prepared.notes).find(|(is, was)| is != was);
            if let Some((is, was)) = differ {
                println!("the first difference: {is:?} instead of {was:?}");
            }
            let outcome = Outcome::of(injection.fault, &life, &prepared);
            println!("{outcome}");
            if matches!(outcome, Outcome::Crashed(_)) {
                println!("recovered: {}", word(Some(recovers(&prepared))));
            }
            Ok(())
        })
    }
}

/// All servers, and how much of their code the work runs.
fn prepare(components: &Path) -> Result<Vec<Prepared>> {
    let mut servers = Vec::new();
    for subject in &SUBJECTS {
        let prepared = Prepared::new(subject, components)?;
        let (run, all) = prepared.coverage();
        eprintln!("{}: {run} of {all} operators run", subject.name);
        servers.push(prepared);
    }
    Ok(servers)
}

/// Chooses one of [`SUBJECTS`]. The first is the largest, and takes as long as two others.
fn server(random: &mut Random) -> usize {
    random.below(2 * SUBJECTS.len() - 1).div_ceil(2)
}

/// Injects one fault and counts what came of it.
fn inject(seed: u64, number: u64, servers: &[Prepared], totals: &mut Totals) -> Result<()> {
    let mut random = Random::of(seed, number);
    let prepared = servers.get(server(&mut random)).context("there is no server")?;
    let injection = Injection::choose(prepared, None, &mut random);
    let life = injection.live(prepared);
    let outcome = Outcome::of(injection.fault, &life, prepared);
    let recovered = match &outcome {
        Outcome::Crashed(_) => Some(recovers(prepared)),
        Outcome::Panicked(what) => {
            totals.failures.push((number, format!("the runtime panicked: {what}")));
            None
        }
        _ => None,
    };
    if recovered == Some(false) {
        totals.failures.push((number, "not recovered".into()));
    }
    let activated = injection.was_activated(prepared, Some(&life));
    if activated == Some(false) && outcome != Outcome::NoEffect && outcome != Outcome::Refused {
        totals.failures.push((number, format!("not activated, and yet: {outcome}")));
    }
    totals.count(Class {
        fault: injection.fault.name().into(),
        server: prepared.subject.name.into(),
        activated: word(activated).into(),
        outcome: outcome.to_string(),
        recovered: recovered.map_or("-", |yes| word(Some(yes))).into(),
    });
    Ok(())
}

/// Whether the server does all its work when it is started anew.
fn recovers(prepared: &Prepared) -> bool {
    prepared.live(&prepared.program.bytes, None, false).is(&prepared.notes)
}

pub(crate) const fn word(truth: Option<bool>) -> &'static str {
    match truth {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

pub(crate) fn on_a_large_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        thread.join().map_err(|_| anyhow::anyhow!("the campaign itself panicked"))?
    })
}
