//! Glue between the logic and the world `atoll:servers/shell`: the loop of the shell.
//!
//! [`session::Session`] is the console session; any failure there means that the console is gone,
//! and the loop opens a new one. [`services`] turns what other servers say into the shell's own
//! data, [`jobs`] runs programs.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "atoll:servers/shell",
    generate_all,
});

mod jobs;
mod services;
mod session;
mod swaps;

use crate::command::{self, COMMANDS, Command, Place};
use crate::input::Entry;
use crate::{PROMPT, views, words};
use atoll::clocks::monotonic;
use atoll::log::log::{Level as LogLevel, write as log};
use atoll::supervision::machine::Action;
use atoll::supervision::{servers, swapping};
use atoll_allocator as _;
use exports::wasi::cli::run::Guest;
use jobs::Jobs;
use session::{Gone, Session};
use wasi::io::poll;

/// How long the shell waits before it asks for a session again.
const REOPEN_PAUSE_NS: u64 = 100_000_000;
/// How often it asks before it gives up and ends. The supervisor starts it again once the console
/// is there.
const OPEN_TRIES: u32 = 20;
/// How often `top` looks.
const TOP_PERIOD_NS: u64 = 1_000_000_000;

struct Shell;

export!(Shell);

impl Guest for Shell {
    fn run() -> Result<(), ()> {
        let mut greeting = views::banner();
        let mut jobs = Jobs::default();
        let mut tries = 0;
        while tries < OPEN_TRIES {
            tries += 1;
            match Session::open() {
                Ok(mut session) => {
                    tries = 0;
                    // Ends only when the console is gone.
                    let Err(Gone) = converse(&mut session, &mut jobs, &greeting);
                    greeting.clear();
                    log(LogLevel::Warn, "the console is gone; opening a new session");
                }
                Err(reason) if tries == 1 => log(LogLevel::Warn, reason),
                Err(_) => {}
            }
            monotonic::subscribe_duration(REOPEN_PAUSE_NS).block();
        }
        log(LogLevel::Error, "there is no console");
        Err(())
    }
}

/// Answers command after command.
fn converse(
    session: &mut Session,
    jobs: &mut Jobs,
    greeting: &str,
) -> Result<std::convert::Infallible, Gone> {
    let mut programs = services::programs().unwrap_or_default();
    let names = COMMANDS.iter().map(|(name, ..)| (*name).to_owned());
    session.set_completions(names.chain(programs.iter().cloned()).collect())?;
    session.print(greeting)?;
    loop {
        session.print(PROMPT)?;
        match jobs.next_entry(session)? {
            Entry::Interrupt => {}
            Entry::End => session.print(&views::stays())?,
            Entry::Line(line) => {
                let parsed =
                    words::split(&line).map_err(|unfinished| unfinished.message().to_owned());
                match parsed.and_then(command::parse) {
                    Ok(command) => execute(session, jobs, command, &mut programs)?,
                    Err(mistake) => session.print_line(&mistake)?,
                }
            }
        }
    }
}

fn execute(
    session: &mut Session,
    jobs: &mut Jobs,
    command: Command,
    programs: &mut Vec<String>,
) -> Result<(), Gone> {
    match command {
        Command::Nothing => Ok(()),
        Command::Run { program, arguments, place } => {
            jobs.run(session, &program, &arguments, place)
        }
        Command::Other { name, arguments, place } => {
            if let Ok(known) = services::programs() {
                *programs = known;
            }
            if programs.contains(&name) {
                jobs.run(session, &name, &arguments, place)
            } else {
                session.print_line(&command::unknown(&name, programs))
            }
        }
        Command::Top => top(session),
        Command::Swap { replacements, dry_run, place } => {
            follow(session, jobs, swaps::begin(replacements, dry_run), place)
        }
        Command::Rollback(name) => follow(session, jobs, swaps::back(&name), Place::Foreground),
        other => match answer(other) {
            Ok(text) => session.print(&text),
            Err(reason) => session.print_line(&reason),
        },
    }
}

/// Shows how a swap gets on, or why there is none.
fn follow(
    session: &mut Session,
    jobs: &mut Jobs,
    begun: Result<swapping::Transaction, String>,
    place: Place,
) -> Result<(), Gone> {
    match begun {
        Ok(transaction) if place == Place::Background => match jobs.add_swap(transaction) {
            Ok(()) => Ok(()),
            Err(reason) => session.print_line(&reason),
        },
        Ok(transaction) => swaps::follow(session, jobs, &transaction),
        Err(reason) => session.print_line(&reason),
    }
}

/// The text that answers a command which needs no session; the error says why there is none.
fn answer(command: Command) -> Result<String, String> {
    Ok(match command {
        Command::Help(None) => views::help(),
        Command::Help(Some(name)) => {
            views::help_on(&name).ok_or_else(|| command::unknown(&name, &[]))?
        }
        Command::Ps => views::servers(&services::servers()?, &services::domains()),
        Command::Caps(name) => {
            let (grants, handles) = services::capabilities(&name)?;
            views::capabilities(&name, &grants, handles.as_deref())
        }
        Command::Log { level, limit, server } => views::log(&services::log(level, limit, server)?),
        Command::Kill(name) => {
            swapping::kill(&name).map_err(services::failure)?;
            format!("{name} was ended\n")
        }
        Command::Restart(name) => {
            swapping::restart(&name).map_err(services::failure)?;
            format!("{name} is restarting\n")
        }
        Command::History(name) => views::history(&name, &swaps::history(&name)?),
        Command::Policy(name) => views::policy(&servers::policy(&name).map_err(services::failure)?),
        Command::Revoke(name) => {
            let revoked = swapping::revoke(&name).map_err(services::failure)?;
            format!("{revoked} objects of {name} are revoked\n")
        }
        Command::Start(name) => {
            swapping::start(&name).map_err(services::failure)?;
            format!("{name} is starting\n")
        }
        Command::Stop(name) => {
            swapping::stop(&name).map_err(services::failure)?;
            format!("{name} is stopped\n")
        }
        Command::Mem => views::memory(&services::machine(), &services::domains()),
        Command::Uptime => views::uptime(&services::machine()),
        Command::Echo(words) => words.join(" ") + "\n",
        Command::Clear => String::from("\x1b[H\x1b[2J"),
        Command::Reboot => power(Action::Reboot)?,
        Command::PowerOff => power(Action::PowerOff)?,
        Command::Nothing
        | Command::Top
        | Command::Run { .. }
        | Command::Swap { .. }
        | Command::Rollback(_)
        | Command::Other { .. } => String::new(),
    })
}

/// Returns only if the machine cannot.
fn power(action: Action) -> Result<String, String> {
    servers::power(action).map_err(services::failure)?;
    Err(String::from("the machine cannot do that"))
}

/// Shows what is going on, again and again, until a key is pressed.
fn top(session: &mut Session) -> Result<(), Gone> {
    session.set_raw(true)?;
    let lines = session.rows();
    session.print("\x1b[2J")?;
    let (mut machine, mut domains) = (services::machine(), services::domains());
    loop {
        let timer = monotonic::subscribe_duration(TOP_PERIOD_NS);
        let ready = poll::poll(&[session.input_pollable(), &timer]);
        if ready.contains(&0) {
            break;
        }
        let (machine_now, domains_now) = (services::machine(), services::domains());
        let view = views::top(&machine_now, &machine, &domains_now, &domains, lines);
        session.print(&format!("\x1b[H{}\x1b[J", view.replace('\n', "\x1b[K\n")))?;
        (machine, domains) = (machine_now, domains_now);
    }
    session.discard_input()?;
    session.set_raw(false)
}
