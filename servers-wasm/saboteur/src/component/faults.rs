//! Injecting a fault, and finding out what came of it.

use super::bindings::atoll::clocks::monotonic;
use super::bindings::atoll::log::journal::{self, Filter, Level};
use super::bindings::atoll::supervision::servers::{self, ServerState};
use super::bindings::atoll::supervision::swapping::{
    self, Replacement, SwapResult, Transaction, TransactionPhase,
};
use super::bindings::atoll::supervision::types::Error;
use super::bindings::atoll::testing::raw_gate;
use super::bindings::wasi::io::poll::poll;
use super::calls::{Answer, Work};
use crate::difference;
use crate::orders::{Fault, Order, Server};

/// Gate calls of kernels that are built to inject faults (`kernel/src/gate/inject.rs`).
const FLIP: u64 = 60;
const FAIL: u64 = 61;
const FAILED: u64 = 62;
/// Stands for the next domain that is made.
const NEXT: u64 = 0;
/// Status of an order for a domain that is no more.
const NOT_FOUND: u64 = 17;
/// Pause between two looks at something that is about to change.
const PAUSE_NS: u64 = 2_000_000;
/// How long the supervisor may take to do what it does by itself: it finds a server that hangs after
/// two times of its `health`.
const PATIENCE_NS: u64 = 500_000_000;
/// Runs of a server's work in one life of it: what it keeps grows with each.
const MOST_RUNS: u32 = 30;

/// A server, and what it answers when there is no fault.
struct Known {
    server: Server,
    endpoint: u32,
    answers: Vec<Answer>,
    /// Runs since it was started.
    runs: u32,
}

/// See the module.
pub(super) struct Saboteur {
    servers: Vec<Known>,
    run: u32,
}

/// A life of a server.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Life {
    domain: u32,
    restarts: u32,
}

impl Saboteur {
    /// Has each server do its work twice, which must give the same answers.
    pub(super) fn new(servers: Vec<Server>) -> Result<Self, String> {
        let mut saboteur = Self { servers: Vec::new(), run: 0 };
        for server in servers {
            let endpoint = raw_gate::handle_of(&server.interface, "");
            let endpoint =
                endpoint.ok_or_else(|| format!("{} is not granted", server.interface))?;
            let known = Known { server, endpoint, answers: Vec::new(), runs: 0 };
            saboteur.servers.push(known);
            let place = saboteur.servers.len() - 1;
            let first = saboteur.work(place);
            saboteur.servers[place].answers = first;
            if !saboteur.works(place) {
                let name = &saboteur.servers[place].server.name;
                return Err(format!("{name} does not answer alike twice"));
            }
        }
        Ok(saboteur)
    }

    /// Has a server do its work.
    fn work(&mut self, place: usize) -> Vec<Answer> {
        self.begin(place).finish()
    }

    fn begin(&mut self, place: usize) -> Work<'_> {
        self.run += 1;
        let known = &mut self.servers[place];
        known.runs += 1;
        Work::begin(&known.server, known.endpoint, self.run)
    }

    /// Whether a server does its work and answers as it should.
    fn works(&mut self, place: usize) -> bool {
        let answers = self.work(place);
        difference(&answers, &self.servers[place].answers).is_none()
    }

    fn name(&self, place: usize) -> &str {
        &self.servers[place].server.name
    }

    /// Injects a fault; in words: what came of it, whether the server works again by itself, whether
    /// the fault was met, and more about it.
    pub(super) fn inject(&mut self, order: &Order) -> Result<String, String> {
        let place = order.server as usize;
        if self.servers.get(place).is_none() {
            return Err("an order for a server that is not there".into());
        }
        if self.servers[place].runs > MOST_RUNS {
            self.restart(place)?;
        }
        match &order.fault {
            Fault::Swap(component) => self.swap(place, component),
            Fault::Flip { step, page, bit } => {
                let domain = self.life(place)?.domain;
                let arguments = (domain.into(), *page, (*bit).into(), 0, 0);
                self.disturb(place, *step, FLIP, arguments)
            }
            Fault::Fail { step, calls, status } => {
                let domain = self.life(place)?.domain;
                let arguments = (domain.into(), *calls, (*status).into(), 0, 0);
                self.disturb(place, *step, FAIL, arguments)
            }
            Fault::FailNext { calls, status } => self.disturb_next(place, *calls, *status),
        }
    }

    /// Swaps a version in, has it work while it is on probation, and cancels.
    fn swap(&mut self, place: usize, component: &str) -> Result<String, String> {
        let replacement = Replacement {
            server: self.name(place).into(),
            component: component.into(),
            grants: Vec::new(),
        };
        let swap = swapping::swap(&[replacement], false);
        let swap = swap.map_err(|error| format!("the swap is not begun: {error:?}"))?;
        let early = wait_for_probation(&swap)?;
        let answers = match early {
            None => Some(self.work(place)),
            Some(_) => None,
        };
        let right =
            answers.as_ref().map(|answers| difference(answers, &self.servers[place].answers));
        // A server that hangs is found by its probes.
        let hangs = answers.iter().flatten().any(|answer| answer.is_late());
        let by_itself = if hangs { wait_for_end(&swap)? } else { None };
        if early.is_none() && by_itself.is_none() {
            swap.cancel().map_err(lost)?;
        }
        let end = match early.or(by_itself) {
            Some(end) => Some(end),
            None => wait_for_end(&swap)?,
        };
        let why = end.ok_or("a swap does not end")?;
        let is_cancelled = why.contains("cancel");
        let outcome = match right {
            _ if why.contains("was refused") => "refused",
            None | Some(_) if !is_cancelled => "crashed",
            Some(None) => "none",
            _ => "wrong",
        };
        let works = self.works(place);
        if !works {
            self.restart(place)?;
        }
        Ok(line(outcome, works, "?", &why))
    }

    /// Has a server work, with a fault somewhere in between.
    fn disturb(
        &mut self,
        place: usize,
        step: u32,
        call: u64,
        arguments: (u64, u64, u64, u64, u64),
    ) -> Result<String, String> {
        let before = self.life(place)?;
        let since = last_entry();
        let mut work = self.begin(place);
        work.go_on_to(step as usize);
        let (status, address) = raw_gate::enter(call, arguments, &[], &[]);
        let answers = work.finish();
        let (_, failed) = raw_gate::enter(FAILED, (0, 0, 0, 0, 0), &[], &[]);
        if status == NOT_FOUND {
            // It was restarted since it was looked up, by its probes for instance.
            let works = self.works(place);
            return Ok(line("none", works, "no", "it was another domain by then"));
        }
        if status != 0 {
            return Err(format!("the kernel injects no faults: status {status}"));
        }
        let right = difference(&answers, &self.servers[place].answers);
        // It may have ended after its last answer, or hang and be found only now.
        let hangs = answers.iter().any(|answer| answer.is_late());
        let after = self.settled(place, hangs.then_some(before))?;
        let has_ended = after != before;
        let outcome = match right {
            _ if has_ended => "crashed",
            None => "none",
            Some(_) => "wrong",
        };
        if has_ended {
            self.servers[place].runs = 0;
        }
        let works = !has_ended || self.works(place);
        let why = if has_ended { end_of(self.name(place), since) } else { String::new() };
        // What was flipped and did no harm yet must not do it to the next order.
        if !has_ended || !works {
            self.restart(place)?;
        }
        let (met, about) = match call {
            FAIL => failure(failed),
            _ => ("?", format!("at {address:#x} ")),
        };
        Ok(line(outcome, works, met, &(about + &why)))
    }

    /// Kills a server, and lets a gate call of its next life fail, from the first on.
    fn disturb_next(&mut self, place: usize, calls: u64, status: u32) -> Result<String, String> {
        let before = self.life(place)?;
        let order = (NEXT, calls, status.into(), 0, 0);
        let (ordered, _) = raw_gate::enter(FAIL, order, &[], &[]);
        if ordered != 0 {
            return Err(format!("the kernel injects no faults: status {ordered}"));
        }
        let since = last_entry();
        let killed = swapping::kill(self.name(place));
        killed.map_err(|error| format!("it is not killed: {error:?}"))?;
        self.settled(place, Some(before))?;
        self.servers[place].runs = 0;
        let answers = self.work(place);
        let (_, failed) = raw_gate::enter(FAILED, (0, 0, 0, 0, 0), &[], &[]);
        let after = self.settled(place, None)?;
        // The first restart is after the kill.
        let has_ended = after.restarts > before.restarts + 1;
        let outcome = match difference(&answers, &self.servers[place].answers) {
            _ if has_ended => "crashed",
            None => "none",
            Some(_) => "wrong",
        };
        let works = !has_ended || self.works(place);
        let why = if has_ended { last_end_of(self.name(place), since) } else { String::new() };
        if !has_ended || !works {
            self.restart(place)?;
        }
        let (met, about) = failure(failed);
        Ok(line(outcome, works, met, &(about + &why)))
    }

    fn life(&self, place: usize) -> Result<Life, String> {
        let name = self.name(place);
        let all = servers::list().map_err(|error| format!("no servers are listed: {error:?}"))?;
        let found = all.into_iter().find(|server| server.name == name);
        let server = found.ok_or_else(|| format!("there is no {name}"))?;
        let domain = server.domain.as_ref().filter(|_| server.state == ServerState::Running);
        let domain = domain.map_or(0, |domain| domain.id);
        Ok(Life { domain, restarts: server.restarts })
    }

    /// The life of a server, once it runs; and once it is another one than this, if that is to end.
    fn settled(&self, place: usize, ending: Option<Life>) -> Result<Life, String> {
        let end = monotonic::now().saturating_add(PATIENCE_NS);
        loop {
            let life = self.life(place)?;
            let is_over = monotonic::now() > end;
            if is_over || life.domain != 0 && ending != Some(life) {
                return Ok(life);
            }
            monotonic::subscribe_duration(PAUSE_NS).block();
        }
    }

    /// Has the operator's restart done, and sees to it that the server works.
    fn restart(&mut self, place: usize) -> Result<(), String> {
        let name = self.name(place).to_owned();
        let before = self.life(place)?;
        // One that has failed for good is started.
        if swapping::restart(&name).is_err() {
            let _ = swapping::start(&name);
        }
        self.settled(place, Some(before))?;
        self.servers[place].runs = 0;
        if self.works(place) {
            return Ok(());
        }
        Err(format!("{name} does not work, even after a restart"))
    }
}

/// Waits until the new version serves; how it ended if it does not come to that.
fn wait_for_probation(swap: &Transaction) -> Result<Option<String>, String> {
    loop {
        let report = swap.report().map_err(lost)?;
        match report.result {
            SwapResult::Running => {}
            SwapResult::RolledBack(why) => return Ok(Some(why)),
            SwapResult::Swapped | SwapResult::Checked => return Ok(None),
        }
        if report.steps.iter().any(|step| step.phase == TransactionPhase::Commit) {
            return Ok(None);
        }
        swap.changed().map_err(lost)?.block();
    }
}

/// Waits for the end of a swap; `None` if it takes too long.
fn wait_for_end(swap: &Transaction) -> Result<Option<String>, String> {
    let end = monotonic::now().saturating_add(PATIENCE_NS);
    loop {
        match swap.report().map_err(lost)?.result {
            SwapResult::Running => {}
            SwapResult::RolledBack(why) => return Ok(Some(why)),
            SwapResult::Swapped | SwapResult::Checked => return Ok(Some("it was swapped".into())),
        }
        let left = end.saturating_sub(monotonic::now());
        if left == 0 {
            return Ok(None);
        }
        poll(&[&swap.changed().map_err(lost)?, &monotonic::subscribe_duration(left)]);
    }
}

fn lost(error: Error) -> String {
    format!("the swap cannot be followed: {error:?}")
}

fn newest(since: u64) -> Vec<journal::Entry> {
    let filter = Filter { server: Some("supervisor".into()), level: Level::Warn, since, limit: 50 };
    journal::query(&filter).unwrap_or_default()
}

/// Sequence behind the last entry of the log.
fn last_entry() -> u64 {
    newest(0).last().map_or(0, |entry| entry.sequence + 1)
}

/// How a server ended, as the supervisor said it first.
fn end_of(name: &str, since: u64) -> String {
    ends_of(name, since).into_iter().next().unwrap_or_default()
}

/// How a server ended the last time.
fn last_end_of(name: &str, since: u64) -> String {
    ends_of(name, since).pop().unwrap_or_default()
}

fn ends_of(name: &str, since: u64) -> Vec<String> {
    let named = format!("`{name}`");
    let texts = newest(since).into_iter().map(|entry| entry.text);
    texts.filter(|text| text.contains(&named)).collect()
}

/// Whether a gate call failed that was to, and which, in words.
fn failure(number: u64) -> (&'static str, String) {
    match number {
        0 => ("no", String::new()),
        number => ("yes", format!("call {number} ")),
    }
}

/// What is said about an order: one line, its last part cut.
fn line(outcome: &str, works: bool, met: &str, about: &str) -> String {
    const MOST: usize = 150;
    let about: String = about.chars().filter(|letter| !letter.is_control()).take(MOST).collect();
    let works = if works { "works" } else { "dead" };
    format!("{outcome} {works} {met} | {about}")
}
