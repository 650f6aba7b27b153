//! The commands: their grammar, their help, and what to say about those that make no sense.

mod swap;

pub use swap::Replacement;

use crate::line::Stage;

/// How much an entry of the log matters, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something broke.
    Error,
    /// Something is odd.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    const NAMES: [(&'static str, Self); 5] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, level)| level)
    }
}

/// A command that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// All commands, or what one does.
    Help(Option<String>),
    /// The servers.
    Ps,
    /// The servers again and again.
    Top,
    /// What a server may use.
    Caps(String),
    /// The log.
    Log {
        /// This level and what matters more.
        level: Level,
        /// At most so many entries.
        limit: u32,
        /// Only this server's.
        server: Option<String>,
    },
    /// Ends a server as a crash would.
    Kill(String),
    /// Ends a server and starts it again.
    Restart(String),
    /// Replaces servers by other versions.
    Swap {
        /// Which, by what.
        replacements: Vec<Replacement>,
        /// Whether it is only tried how far it would get.
        dry_run: bool,
    },
    /// Goes back to the version before the last swap.
    Rollback(String),
    /// The swaps of a server.
    History(String),
    /// How a server is supervised.
    Policy(String),
    /// Revokes what a server has handed out.
    Revoke(String),
    /// Starts a server.
    Start(String),
    /// Stops a server.
    Stop(String),
    /// Runs a program.
    Run {
        /// Its name.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// A first word that is no command: a program, or a mistake.
    Other {
        /// The word.
        name: String,
        /// What follows it.
        arguments: Vec<String>,
    },
    /// Memory.
    Mem,
    /// Time since boot.
    Uptime,
    /// Prints its arguments.
    Echo(Vec<String>),
    /// Shows a file.
    Cat(String),
    /// What is in a directory; the first one without a path.
    Ls(Option<String>),
    /// Makes a directory.
    MakeDirectory(String),
    /// Removes a file or an empty directory.
    Remove(String),
    /// Clears the screen.
    Clear,
    /// Starts the machine again.
    Reboot,
    /// Switches the machine off.
    PowerOff,
}

impl Command {
    /// Whether it moves bytes until they end: a program, as far as the words tell, or a file.
    #[must_use]
    pub fn is_job(&self) -> bool {
        matches!(self, Self::Run { .. } | Self::Other { .. } | Self::Cat(_))
    }
}

/// Name, arguments and purpose of every command, by name.
pub const COMMANDS: [(&str, &str, &str); 25] = [
    ("caps", "NAME", "show grants and handles of a server or program"),
    ("cat", "FILE", "show a file"),
    ("clear", "", "clear the screen"),
    ("echo", "[TEXT ...]", "print the arguments"),
    ("help", "[COMMAND]", "show the commands, or what one does"),
    ("history", "NAME", "show the swaps of a server"),
    ("kill", "NAME", "end a server or program as a crash would"),
    ("log", "[-l LEVEL] [-n COUNT] [NAME]", "show the newest log entries"),
    ("ls", "[DIRECTORY]", "list files with their sizes"),
    ("mem", "", "show how much memory there is and who has it"),
    ("mkdir", "DIRECTORY", "make a directory"),
    ("policy", "NAME", "show how a server is supervised"),
    ("poweroff", "", "switch the machine off"),
    ("ps", "", "list servers and programs"),
    ("reboot", "", "start the machine again"),
    ("restart", "NAME", "end a server and start it again"),
    ("revoke", "NAME", "revoke every object that a server has handed out"),
    ("rm", "FILE", "remove a file or an empty directory"),
    ("rollback", "NAME", "go back to the version before the last swap"),
    ("run", "PROGRAM [ARGUMENT ...]", "run a program, even one named like a command"),
    ("start", "NAME", "start a stopped or failed server"),
    ("stop", "NAME", "stop a server; it is not restarted"),
    (
        "swap",
        "NAME FILE [--grant INTERFACE=GRANT] ... [--dry-run] [&]",
        "replace servers by other versions while they run",
    ),
    ("top", "", "watch servers and programs until a key is pressed"),
    ("uptime", "", "show the time since boot and what the kernel did"),
];

/// Most log entries that can be asked for.
const LOG_LIMIT: u32 = 200;
/// Log entries shown unless told otherwise.
const LOG_DEFAULT: u32 = 40;

/// Understands a command of a line.
///
/// # Errors
/// One line that says what is wrong and what would be right.
pub fn parse(Stage { name, arguments }: Stage) -> Result<Command, String> {
    Ok(match name.as_str() {
        "caps" => Command::Caps(one_name(&name, arguments)?),
        "history" => Command::History(one_name(&name, arguments)?),
        "policy" => Command::Policy(one_name(&name, arguments)?),
        "restart" => Command::Restart(one_name(&name, arguments)?),
        "rollback" => Command::Rollback(one_name(&name, arguments)?),
        "swap" => swap::parse(arguments)?,
        "kill" => Command::Kill(one_name(&name, arguments)?),
        "revoke" => Command::Revoke(one_name(&name, arguments)?),
        "start" => Command::Start(one_name(&name, arguments)?),
        "stop" => Command::Stop(one_name(&name, arguments)?),
        "clear" => no_arguments(Command::Clear, &name, &arguments)?,
        "mem" => no_arguments(Command::Mem, &name, &arguments)?,
        "poweroff" => no_arguments(Command::PowerOff, &name, &arguments)?,
        "ps" => no_arguments(Command::Ps, &name, &arguments)?,
        "reboot" => no_arguments(Command::Reboot, &name, &arguments)?,
        "top" => no_arguments(Command::Top, &name, &arguments)?,
        "uptime" => no_arguments(Command::Uptime, &name, &arguments)?,
        "echo" => Command::Echo(arguments),
        "cat" => Command::Cat(one_path(&name, arguments)?),
        "ls" if arguments.is_empty() => Command::Ls(None),
        "ls" => Command::Ls(Some(one_path(&name, arguments)?)),
        "mkdir" => Command::MakeDirectory(one_path(&name, arguments)?),
        "rm" => Command::Remove(one_path(&name, arguments)?),
        "help" => help(arguments)?,
        "log" => log(arguments)?,
        "run" => run(arguments)?,
        _ => Command::Other { name, arguments },
    })
}

fn help(arguments: Vec<String>) -> Result<Command, String> {
    if arguments.len() > 1 {
        return Err(usage("help", "takes at most one command"));
    }
    Ok(Command::Help(arguments.into_iter().next()))
}

fn run(arguments: Vec<String>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().ok_or_else(|| usage("run", "needs a program"))?;
    Ok(Command::Run { program, arguments: arguments.collect() })
}

fn log(arguments: Vec<String>) -> Result<Command, String> {
    let (mut level, mut limit, mut server) = (Level::Info, LOG_DEFAULT, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-l" => {
                let wanted = arguments.next().unwrap_or_default();
                level = Level::parse(&wanted).ok_or_else(|| {
                    let mistake = "needs error, warn, info, debug or trace after -l, not";
                    usage("log", &format!("{mistake} `{wanted}`"))
                })?;
            }
            "-n" => {
                let wanted = arguments.next().unwrap_or_default();
                limit = wanted
                    .parse()
                    .ok()
                    .filter(|count| (1..=LOG_LIMIT).contains(count))
                    .ok_or_else(|| usage("log", "needs a number from 1 to 200 after -n"))?;
            }
            option if option.starts_with('-') => {
                return Err(usage("log", &format!("has no option `{option}`")));
            }
            _ if server.is_some() => return Err(usage("log", "takes at most one server")),
            _ => server = Some(argument),
        }
    }
    Ok(Command::Log { level, limit, server })
}

fn one_name(command: &str, arguments: Vec<String>) -> Result<String, String> {
    one(command, arguments, "needs a name; `ps` lists them", "takes one name")
}

fn one_path(command: &str, arguments: Vec<String>) -> Result<String, String> {
    one(command, arguments, "needs a path; `ls` lists files", "takes one path")
}

fn one(command: &str, arguments: Vec<String>, none: &str, more: &str) -> Result<String, String> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next()) {
        (Some(argument), None) => Ok(argument),
        (None, _) => Err(usage(command, none)),
        (Some(_), Some(_)) => Err(usage(command, more)),
    }
}

fn no_arguments(command: Command, name: &str, arguments: &[String]) -> Result<Command, String> {
    if arguments.is_empty() { Ok(command) } else { Err(usage(name, "takes no arguments")) }
}

fn usage(command: &str, mistake: &str) -> String {
    let arguments = COMMANDS
        .iter()
        .find(|(name, ..)| *name == command)
        .map_or("", |(_, arguments, _)| arguments);
    let usage = format!("{command}: {mistake}; usage: {command} {arguments}");
    usage.trim_end().to_owned()
}

/// What to say about a first word that is neither a command nor a program.
#[must_use]
pub fn unknown(name: &str, programs: &[String]) -> String {
    let commands = COMMANDS.iter().map(|(known, ..)| *known);
    let nearest = commands
        .chain(programs.iter().map(String::as_str))
        .map(|known| (distance(name, known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, known)| *distance <= 2 && *distance < known.len().max(2));
    match nearest {
        Some((_, known)) => format!("unknown command `{name}`; did you mean `{known}`?"),
        None => format!("unknown command `{name}`; `help` lists the commands"),
    }
}

/// How many characters have to be changed, added, left out or swapped with their neighbour to get
/// from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{line, words::split};

    fn parsed(command: &str) -> Result<Command, String> {
        let line = line::parse(split(command).unwrap())?;
        parse(line.stages.into_iter().next().unwrap())
    }

    #[test]
    fn commands_are_in_order_and_understood() {
        assert!(COMMANDS.is_sorted());
        for (name, ..) in COMMANDS {
            let understood = parsed(name);
            let is_other = matches!(understood, Ok(Command::Other { .. }));
            assert!(!is_other, "{name}");
        }
    }

    /// The book's page of the shell has a line for each command.
    #[test]
    fn the_book_lists_the_commands() {
        let page = std::fs::read_to_string("../../docs/book/reference/shell.md").unwrap();
        let (_, table) = page.split_once("|---|---|---|\n").unwrap();
        let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let expected = COMMANDS.map(|(name, arguments, purpose)| {
            let call = if arguments.is_empty() { " ".into() } else { format!(" `{arguments}` ") };
            format!("| `{name}` |{call}| {purpose} |")
        });
        assert_eq!(rows, expected);
    }

    #[test]
    fn arguments_are_taken() {
        assert_eq!(parsed("kill log"), Ok(Command::Kill("log".into())));
        assert_eq!(
            parsed("log -l debug console -n 5"),
            Ok(Command::Log { level: Level::Debug, limit: 5, server: Some("console".into()) })
        );
        assert_eq!(
            parsed("run hello 'a b' --exit 3"),
            Ok(Command::Run {
                program: "hello".into(),
                arguments: ["a b", "--exit", "3"].map(String::from).to_vec(),
            })
        );
        assert_eq!(
            parsed("hello Ada"),
            Ok(Command::Other { name: "hello".into(), arguments: vec!["Ada".into()] })
        );
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = |line| parsed(line).unwrap_err();
        assert_eq!(mistake("kill"), "kill: needs a name; `ps` lists them; usage: kill NAME");
        assert_eq!(mistake("kill a b"), "kill: takes one name; usage: kill NAME");
        assert_eq!(mistake("ps x"), "ps: takes no arguments; usage: ps");
        assert_eq!(
            mistake("log -l loud"),
            "log: needs error, warn, info, debug or trace after -l, not `loud`; \
             usage: log [-l LEVEL] [-n COUNT] [NAME]"
        );
        assert!(mistake("log -n 0").contains("from 1 to 200"));
        assert!(mistake("log -x").contains("no option `-x`"));
        assert!(mistake("run").contains("needs a program"));
        assert_eq!(mistake("cat a b"), "cat: takes one path; usage: cat FILE");
    }

    #[test]
    fn near_misses_get_a_suggestion() {
        let programs = [String::from("hello")];
        let said = |name| unknown(name, &programs);
        assert_eq!(said("hlep"), "unknown command `hlep`; did you mean `help`?");
        assert_eq!(said("helo"), "unknown command `helo`; did you mean `help`?");
        assert_eq!(said("hallo"), "unknown command `hallo`; did you mean `hello`?");
        assert_eq!(said("frobnicate"), "unknown command `frobnicate`; `help` lists the commands");
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("pst", "spt"), 1);
    }
}
