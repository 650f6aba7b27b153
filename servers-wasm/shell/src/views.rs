//! What the commands print: text of at most 80 columns from plain data.
//!
//! Every function returns whole lines. Names and messages of other servers are cut where they
//! would break the table.

mod swaps;

pub use swaps::{history, step, swap_end};

use crate::command::COMMANDS;
use crate::model::{Domain, Exit, File, Handle, Kind, LogEntry, Machine, Server};
use crate::table::{Align, layout, wrap};
use crate::units::{percent, seconds, size, span, timestamp};
use crate::{PROMPT, VERSION};

/// The state of a server that needs no explanation.
pub const RUNNING: &str = "running";
/// Columns of the terminals that texts are made for.
const COLUMNS: usize = 80;
/// Longest name that a table shows.
const NAME_WIDTH: usize = 16;

/// What is said when the shell starts.
#[must_use]
pub fn banner() -> String {
    format!(
        "Atoll {VERSION}, every server a sandboxed component.\nType `help` for the commands.\n\n"
    )
}

/// The answer to Ctrl-D.
#[must_use]
pub fn stays() -> String {
    format!("\n`poweroff` switches the machine off, `reboot` starts it again.\n{PROMPT}")
}

/// All commands.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Commands:\n");
    for (name, arguments, purpose) in COMMANDS {
        let call = format!("{name} {arguments}");
        // Only `log` and `swap` have more arguments than the column has room for.
        if call.len() > 27 {
            text.push_str(&format!("  {call}\n  {:27}  {purpose}\n", ""));
        } else {
            text.push_str(&format!("  {call:27}  {purpose}\n"));
        }
    }
    text.push_str(
        "Any other word runs the program of that name. Ctrl-C ends it, Tab completes.\n\
         `A | B` lets B read what A writes. `&` at the end lets the shell go on.\n\
         `A < FILE` reads a file, `A > FILE` writes one, `A >> FILE` goes on writing it.\n",
    );
    text
}

/// What one command does; `None` if there is no such command.
#[must_use]
pub fn help_on(command: &str) -> Option<String> {
    let (name, arguments, purpose) = COMMANDS.iter().find(|(name, ..)| *name == command)?;
    let call = format!("{name} {arguments}");
    Some(format!("{}: {purpose}\n", call.trim_end()))
}

/// Takes what stands in the last row off the display.
pub const ERASE_ROW: &str = "\r\x1b[K";

/// The servers: those of the supervisor's list, after the domains that are in nobody's list (the
/// supervisor itself), and the last words of those that do not run.
#[must_use]
pub fn servers(servers: &[Server], domains: &[Domain]) -> String {
    let columns = [
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("RING", Align::Right),
        ("MEMORY", Align::Right),
        ("CPU TIME", Align::Right),
        ("CALLS IN", Align::Right),
        ("OUT", Align::Right),
        ("RESTARTS", Align::Right),
    ];
    let rows: Vec<Vec<String>> = with_unlisted(servers, domains).iter().map(server_row).collect();
    let mut text = layout(&columns, &rows);
    for server in servers {
        let last_words = server.domain.as_ref().map_or("", |domain| &domain.message);
        if server.state != RUNNING && !last_words.is_empty() {
            let note = format!("{} {}: {last_words}", server.name, server.state);
            text.push_str(&wrap(&note, COLUMNS));
        }
    }
    text
}

fn server_row(server: &Server) -> Vec<String> {
    let number = |choose: fn(&Domain) -> String| {
        server.domain.as_ref().map_or_else(|| String::from("-"), choose)
    };
    vec![
        number(|domain| domain.id.to_string()),
        cut(&server.name),
        state(server),
        number(|domain| domain.ring.to_string()),
        number(|domain| size(domain.memory)),
        number(|domain| seconds(domain.cpu_ns)),
        number(|domain| domain.calls_served.to_string()),
        number(|domain| domain.calls_sent.to_string()),
        restarts(server),
    ]
}

/// Where it is in its life; of a large component that is being loaded, how far.
fn state(server: &Server) -> String {
    match server.loaded() {
        Some(percent) => format!("loading {percent}%"),
        None => server.state.to_owned(),
    }
}

/// How often a server was restarted, and whether the last time as a clone.
fn restarts(server: &Server) -> String {
    let is_clone = server.domain.as_ref().is_some_and(|domain| domain.is_clone);
    format!("{}{}", if is_clone { "cloned " } else { "" }, server.restarts)
}

/// The supervisor does not list itself; the kernel knows it.
fn with_unlisted(servers: &[Server], domains: &[Domain]) -> Vec<Server> {
    let listed: Vec<u32> =
        servers.iter().filter_map(|server| server.domain.as_ref()).map(|d| d.id).collect();
    let unlisted = domains.iter().filter(|domain| !listed.contains(&domain.id));
    let mut all: Vec<Server> = unlisted
        .map(|domain| Server {
            name: domain.name.clone(),
            state: domain.state,
            restarts: 0,
            domain: Some(domain.clone()),
        })
        .collect();
    all.extend_from_slice(servers);
    all
}

/// What `top` shows of the time between two looks at the machine, the busiest first, in at most
/// `lines` lines.
#[must_use]
pub fn top(
    now: &Machine,
    before: &Machine,
    after: &[Domain],
    earlier: &[Domain],
    lines: usize,
) -> String {
    let passed = now.uptime_ns.saturating_sub(before.uptime_ns);
    let idle = now.idle_ns.saturating_sub(before.idle_ns);
    let busy = by_use(after, earlier);
    let columns = [
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("STATE", Align::Left),
        ("CPU", Align::Right),
        ("CPU TIME", Align::Right),
        ("MEMORY", Align::Right),
        ("CALLS IN", Align::Right),
        ("OUT", Align::Right),
    ];
    let head = format!(
        "up {}, idle {}, memory {} of {} used\n{} gate calls, {} switches, {} interrupts\n\n",
        span(now.uptime_ns),
        percent(idle, passed),
        size(now.memory_total.saturating_sub(now.memory_free)),
        size(now.memory_total),
        now.gate_calls.saturating_sub(before.gate_calls),
        now.switches.saturating_sub(before.switches),
        now.interrupts.saturating_sub(before.interrupts),
    );
    let room = lines.saturating_sub(6).max(1);
    let rows: Vec<Vec<String>> =
        busy.iter().take(room).map(|&(used, domain)| top_row(domain, used, passed)).collect();
    head + &layout(&columns, &rows) + "\nAny key ends this.\n"
}

/// The domains with the processor time that each used since `earlier`, the busiest first. Sorted
/// by insertion: they are few, and the standard sort is larger than all of this module.
fn by_use<'a>(after: &'a [Domain], earlier: &[Domain]) -> Vec<(u64, &'a Domain)> {
    let mut busy: Vec<(u64, &Domain)> = Vec::new();
    for domain in after {
        let old = earlier.iter().find(|old| old.id == domain.id).map_or(0, |old| old.cpu_ns);
        let used = domain.cpu_ns.saturating_sub(old);
        let place = busy.iter().take_while(|(more, _)| *more >= used).count();
        busy.insert(place, (used, domain));
    }
    busy
}

fn top_row(domain: &Domain, used: u64, passed: u64) -> Vec<String> {
    vec![
        domain.id.to_string(),
        cut(&domain.name),
        domain.state.to_owned(),
        percent(used, passed),
        seconds(domain.cpu_ns),
        size(domain.memory),
        domain.calls_served.to_string(),
        domain.calls_sent.to_string(),
    ]
}

/// How a server is supervised.
#[must_use]
pub fn policy(lines: &[String]) -> String {
    lines.iter().map(|line| wrap(line, COLUMNS)).collect()
}

/// Grants and handles of a server or program.
#[must_use]
pub fn capabilities(name: &str, grants: &[String], handles: Option<&[Handle]>) -> String {
    let mut text = format!("Grants of {name}:\n");
    for grant in grants {
        text.push_str("  ");
        text.push_str(grant);
        text.push('\n');
    }
    if grants.is_empty() {
        text.push_str("  none\n");
    }
    let Some(handles) = handles else { return text + &format!("{name} is not running\n") };
    text.push_str(&format!("Handles of {name}:\n"));
    let columns = [
        ("HANDLE", Align::Right),
        ("KIND", Align::Left),
        ("WHAT", Align::Left),
        ("RIGHTS", Align::Left),
    ];
    let rows: Vec<Vec<String>> = handles
        .iter()
        .map(|handle| {
            let (kind, what) = described(handle);
            vec![format!("{:#x}", handle.number), kind.to_owned(), what, handle.rights.clone()]
        })
        .collect();
    text + &layout(&columns, &rows)
}

fn described(handle: &Handle) -> (&'static str, String) {
    let (detail, extent) = (handle.detail, handle.extent);
    match handle.kind {
        Kind::Endpoint => ("endpoint", format!("number {detail}")),
        Kind::Object => ("object", format!("number {detail}")),
        Kind::PipeReader => ("pipe", String::from("reading end")),
        Kind::PipeWriter => ("pipe", String::from("writing end")),
        Kind::Event => ("event", String::new()),
        Kind::Interrupt => ("interrupt", format!("line {detail}")),
        Kind::Ports => {
            let last = detail.saturating_add(extent).saturating_sub(1);
            ("ports", format!("{detail:#x} to {last:#x}"))
        }
        Kind::Window => ("window", format!("{detail:#x}, {}", size(extent))),
        Kind::Blob => ("module", size(extent)),
        Kind::Domain => ("domain", format!("number {detail}")),
        Kind::Log => ("log", String::new()),
        Kind::System => ("system", String::new()),
        Kind::Capsule => ("capsule", size(extent)),
    }
}

/// Entries of the log, oldest first.
#[must_use]
pub fn log(entries: &[LogEntry]) -> String {
    if entries.is_empty() {
        return String::from("no such entries\n");
    }
    let mut text = String::new();
    for entry in entries {
        let server = if entry.server.is_empty() { "kernel" } else { &entry.server };
        text.push_str(&format!(
            "{:>12} {:5} {:10} {}\n",
            timestamp(entry.time_ns),
            entry.level,
            cut(server),
            entry.text
        ));
    }
    text
}

/// Memory of the machine and of its domains.
#[must_use]
pub fn memory(machine: &Machine, domains: &[Domain]) -> String {
    let used = machine.memory_total.saturating_sub(machine.memory_free);
    let in_domains: u64 = domains.iter().map(|domain| domain.memory).sum();
    let line = |what: &str, bytes: u64| {
        vec![what.to_owned(), size(bytes), percent(bytes, machine.memory_total)]
    };
    let columns = [("MEMORY", Align::Left), ("SIZE", Align::Right), ("SHARE", Align::Right)];
    let mut rows = vec![
        line("total", machine.memory_total),
        line("free", machine.memory_free),
        line("used", used),
        line("kernel and shared", used.saturating_sub(in_domains)),
    ];
    rows.extend(domains.iter().map(|domain| line(&cut(&domain.name), domain.memory)));
    layout(&columns, &rows)
}

/// Time since boot and what the kernel counted.
#[must_use]
pub fn uptime(machine: &Machine) -> String {
    format!(
        "up {} ({}), idle {}\n{} gate calls, {} domain switches, {} device interrupts\n",
        span(machine.uptime_ns),
        seconds(machine.uptime_ns),
        percent(machine.idle_ns, machine.uptime_ns),
        machine.gate_calls,
        machine.switches,
        machine.interrupts
    )
}

/// What there is to say about how a program ended; nothing if it succeeded.
#[must_use]
pub fn exit(program: &str, exit: &Exit) -> String {
    match exit {
        Exit { completed: true, code: 0, .. } => String::new(),
        Exit { completed: true, code, .. } => format!("{program}: exit code {code}\n"),
        Exit { message, .. } if message.is_empty() => format!("{program} ended early\n"),
        // The message is a sentence about the program: `was killed`, `trapped: ...`.
        Exit { message, .. } => wrap(&format!("{program} {message}"), COLUMNS),
    }
}

/// What stands in the row of the prompt while a program is loaded.
#[must_use]
pub fn loading(name: &str, percent: u32) -> String {
    format!("{ERASE_ROW}{name}: loading {percent}%")
}

/// What is said when a program does not exist.
#[must_use]
pub fn no_program(name: &str, programs: &[String]) -> String {
    format!("there is no program `{name}`; there are: {}", programs.join(", "))
}

/// What is said when programs that are joined start in the background.
#[must_use]
pub fn in_background(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [name] => format!("{name} runs in the background; `kill {name}` ends it\n"),
        [first, ..] => {
            format!("{} run in the background; `kill {first}` ends one\n", names.join(" | "))
        }
    }
}

/// The files of a directory.
#[must_use]
pub fn files(files: &[File]) -> String {
    let columns = [("SIZE", Align::Right), ("NAME", Align::Left)];
    let row = |file: &File| {
        let size = if file.is_directory { String::from("-") } else { size(file.size) };
        let mark = if file.is_directory { "/" } else { "" };
        vec![size, format!("{}{mark}", file.name)]
    };
    if files.is_empty() {
        return String::from("no files\n");
    }
    layout(&columns, &files.iter().map(row).collect::<Vec<_>>())
}

/// What is said when a command of the shell stands where only a program can.
#[must_use]
pub fn reads_nothing() -> String {
    String::from("only programs can stand after `|` or read a file")
}

/// What is said when a file does not take what is written to it.
#[must_use]
pub fn not_written() -> String {
    String::from("the file could not be written: there is no room left, or `files` restarted\n")
}

/// What is said when a command needs the terminal.
#[must_use]
pub fn writes_nothing() -> String {
    String::from("only programs, and commands that answer with a text, can be joined")
}

/// What is said when a command cannot run in the background.
#[must_use]
pub fn stays_in_foreground() -> String {
    String::from("only programs and swaps run in the background")
}

/// What is said when a program in the background has ended.
#[must_use]
pub fn background_exit(name: &str, ended: &Exit) -> String {
    let text = exit(name, ended);
    if text.is_empty() { format!("{name}: done\n") } else { text }
}

/// A name, cut to what a table shows.
fn cut(name: &str) -> String {
    name.chars().take(NAME_WIDTH).collect()
}

#[cfg(test)]
#[path = "views_tests.rs"]
mod tests;
