//! The jobs: which of them have the terminal, which run in the background, and the swaps there.
//!
//! A job ([`job`]) is one program, or several that are joined. One in the foreground gets what is
//! entered, to its end; Ctrl-C kills it. What those in the background write is shown as it comes.
//! So is the end of a swap in the background.

mod job;
mod member;

use super::bindings::atoll::clocks::monotonic;
use super::bindings::atoll::supervision::swapping::Transaction;
use super::bindings::wasi::io::poll::{self, Pollable};
use super::services;
use super::session::{Gone, Session};
use super::swaps::Background;
use crate::input::Entry;
use crate::line::Place;
use crate::{PROMPT, views};
use job::Job;
pub(super) use job::{Input, Plan, Program};

/// How often a program that has written nothing is asked how far its loading is.
const LOADING_PERIOD_NS: u64 = 500_000_000;

/// The programs and the swaps in the background.
#[derive(Default)]
pub(super) struct Jobs {
    background: Vec<Job>,
    swaps: Vec<Background>,
}

impl Jobs {
    /// Waits for the next thing that the operator enters and shows what comes from the background.
    pub(super) fn next_entry(&mut self, session: &mut Session) -> Result<Entry, Gone> {
        loop {
            if let Some(entry) = session.take_entry() {
                return Ok(entry);
            }
            if self.wait(session, None) {
                session.read_input()?;
            }
            let mut text = self.collect();
            if !text.is_empty() {
                text.splice(..0, views::ERASE_ROW.bytes());
                text.extend_from_slice(PROMPT.as_bytes());
                session.write(&text)?;
            }
        }
    }

    /// Waits until that pollable is ready and shows what comes from the background meanwhile. Ends
    /// early with true when Ctrl-C is pressed; lines that are entered wait.
    pub(super) fn wait_beside(
        &mut self,
        session: &mut Session,
        source: &Pollable,
    ) -> Result<bool, Gone> {
        while !source.ready() {
            let mut sources = self.pollables(session, None);
            sources.push(source);
            if poll::poll(&sources).contains(&0) {
                session.read_input()?;
            }
            session.write(&self.collect())?;
            if session.take_interrupt() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs programs: to their end in the foreground, and reports how they ended if they did not
    /// succeed.
    pub(super) fn run(
        &mut self,
        session: &mut Session,
        plan: Plan,
        place: Place,
    ) -> Result<(), Gone> {
        let mut job = match Job::start(plan, place) {
            Ok(job) => job,
            Err(reason) => return session.print_line(&reason),
        };
        if place == Place::Background {
            session.print(&views::in_background(&job.names()))?;
            self.background.push(job);
            return Ok(());
        }
        self.show_loading(session, &job)?;
        loop {
            if self.wait(session, Some(&job)) {
                session.read_input()?;
                while let Some(entry) = session.take_entry() {
                    job.take(entry);
                }
            }
            session.write(&self.collect())?;
            let mut text = Vec::new();
            let has_ended = job.carry(&mut text);
            session.write(&text)?;
            if has_ended {
                return job.exits().try_for_each(|(member, exit)| {
                    session.print(&views::exit(member.program(), exit))
                });
            }
        }
    }

    /// Shows how far the programs' loading is until something happens, if there is anything to show.
    fn show_loading(&self, session: &Session, job: &Job) -> Result<(), Gone> {
        let mut has_shown = false;
        loop {
            let timer = monotonic::subscribe_duration(LOADING_PERIOD_NS);
            let mut sources = self.pollables(session, Some(job));
            sources.push(&timer);
            let last = sources.len().saturating_sub(1);
            let is_quiet = poll::poll(&sources).iter().all(|&ready| ready as usize == last);
            let names = job.names();
            let loading = names.iter().find_map(|name| Some((name, services::loaded(name)?)));
            match loading.filter(|_| is_quiet) {
                Some((name, percent)) => session.print(&views::loading(name, percent))?,
                None if has_shown => return session.print(views::ERASE_ROW),
                None => return Ok(()),
            }
            has_shown = true;
        }
    }

    /// What the background has to show; programs that ended are let go.
    fn collect(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        self.background.retain_mut(|job| {
            let has_ended = job.carry(&mut text);
            if has_ended {
                for (member, exit) in job.exits() {
                    text.extend_from_slice(views::background_exit(member.name(), exit).as_bytes());
                }
            }
            !has_ended
        });
        self.swaps.retain_mut(|swap| {
            let end = swap.end();
            text.extend(end.iter().flat_map(|end| end.bytes()));
            end.is_none()
        });
        text
    }

    /// Adds a swap, of which the end will be shown.
    pub(super) fn add_swap(&mut self, transaction: Transaction) -> Result<(), String> {
        self.swaps.push(Background::new(transaction)?);
        Ok(())
    }

    /// Waits until the session, a program or a swap has something to do; says whether the session
    /// has input.
    fn wait(&self, session: &Session, foreground: Option<&Job>) -> bool {
        session.has_entries() || poll::poll(&self.pollables(session, foreground)).contains(&0)
    }

    /// What the session, which is the first, the programs and the swaps wait for.
    fn pollables<'a>(
        &'a self,
        session: &'a Session,
        foreground: Option<&'a Job>,
    ) -> Vec<&'a Pollable> {
        let mut pollables = vec![session.input_pollable()];
        for job in self.background.iter().chain(foreground) {
            pollables.extend(job.pollables());
        }
        pollables.extend(self.swaps.iter().map(|swap| &swap.changed));
        pollables
    }
}
