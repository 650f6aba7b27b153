//! Glue between the logic and the world `atoll:servers/shell`: the loop of the shell.
//!
//! [`session::Session`] is the console session; any failure there means that the console is gone,
//! and the loop opens a new one. [`services`] turns what other servers say into the shell's own
//! data, [`jobs`] runs programs.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

atoll_sdk::bindings!("atoll:servers/shell" in "../../wit");

mod files;
mod jobs;
mod services;
mod session;
mod swaps;

use crate::command::{self, COMMANDS, Command};
use crate::input::Entry;
use crate::line::{self, Line, Output, Place};
use crate::{PROMPT, views, words};
use bindings::atoll::clocks::monotonic;
use bindings::atoll::log::log::{Level as LogLevel, write as log};
use bindings::atoll::supervision::machine::Action;
use bindings::atoll::supervision::{servers, swapping};
use bindings::exports::wasi::cli::run::Guest;
use bindings::wasi::io::poll;
use jobs::{Input, Jobs, Plan, Program};
use session::{Gone, Session};

/// How long the shell waits before it asks for a session again.
const REOPEN_PAUSE_NS: u64 = 100_000_000;
/// How often it asks before it gives up and ends. The supervisor starts it again once the console
/// is there.
const OPEN_TRIES: u32 = 20;
/// How often `top` looks.
const TOP_PERIOD_NS: u64 = 1_000_000_000;

struct Shell;

bindings::export!(Shell);

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
                let tokens = words::split(&line).map_err(|what| what.message().to_owned());
                match tokens.and_then(line::parse) {
                    Ok(line) => carry_out(session, jobs, line, &mut programs)?,
                    Err(mistake) => session.print_line(&mistake)?,
                }
            }
        }
    }
}

/// Carries a line out, or says why not.
fn carry_out(
    session: &mut Session,
    jobs: &mut Jobs,
    line: Line,
    programs: &mut Vec<String>,
) -> Result<(), Gone> {
    let Line { stages, input, output, place } = line;
    let mut commands = Vec::new();
    for stage in stages {
        match command::parse(stage) {
            Ok(command) => commands.push(command),
            Err(mistake) => return session.print_line(&mistake),
        }
    }
    let is_plain = input.is_none() && output.is_none() && commands.len() < 2;
    // A command alone may use the terminal in ways of its own.
    if is_plain && !commands.iter().any(Command::is_job) {
        return commands.drain(..).try_for_each(|only| execute(session, jobs, only, place));
    }
    match plan(commands, input.as_deref(), output.as_ref(), programs) {
        Ok(plan) => jobs.run(session, plan, place),
        Err(reason) => session.print_line(&reason),
    }
}

/// Finds the programs of a line, what the first of them reads and what the last writes to.
fn plan(
    commands: Vec<Command>,
    input: Option<&str>,
    output: Option<&Output>,
    programs: &mut Vec<String>,
) -> Result<Plan, String> {
    let mut plan = Plan::default();
    for (number, command) in commands.into_iter().enumerate() {
        match command {
            Command::Run { program, arguments } => {
                plan.programs.push(Program { program, arguments });
            }
            Command::Other { name, arguments } => {
                if let Ok(known) = services::programs() {
                    *programs = known;
                }
                if !programs.contains(&name) {
                    return Err(command::unknown(&name, programs));
                }
                plan.programs.push(Program { program: name, arguments });
            }
            _ if number > 0 || input.is_some() => return Err(views::reads_nothing()),
            Command::Cat(path) => plan.input = Input::File(files::read(&path)?),
            shown => plan.input = Input::Text(answer(shown)?),
        }
    }
    if let Some(path) = input {
        plan.input = Input::File(files::read(path)?);
    }
    // Last, so that a mistake in the line leaves the file as it is.
    plan.output = output.map(files::write).transpose()?;
    Ok(plan)
}

/// Carries a command out that is none of a program.
fn execute(
    session: &mut Session,
    jobs: &mut Jobs,
    command: Command,
    place: Place,
) -> Result<(), Gone> {
    match command {
        Command::Swap { replacements, dry_run } => {
            follow(session, jobs, swaps::begin(replacements, dry_run), place)
        }
        _ if place == Place::Background => session.print_line(&views::stays_in_foreground()),
        Command::Top => top(session),
        Command::Rollback(name) => follow(session, jobs, swaps::back(&name), place),
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
        Command::Ls(path) => views::files(&files::list(path.as_deref().unwrap_or("/"))?),
        Command::MakeDirectory(path) => files::make_directory(&path).map(|()| String::new())?,
        Command::Remove(path) => files::remove(&path).map(|()| String::new())?,
        Command::Clear => String::from("\x1b[H\x1b[2J"),
        Command::Reboot => power(Action::Reboot)?,
        Command::PowerOff => power(Action::PowerOff)?,
        Command::Top
        | Command::Cat(_)
        | Command::Run { .. }
        | Command::Swap { .. }
        | Command::Rollback(_)
        | Command::Other { .. } => return Err(views::writes_nothing()),
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
