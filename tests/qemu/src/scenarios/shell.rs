//! What an operator types, and what comes back.

use crate::{Lab, Machine, OFF, PROMPT, Scenario, Session, Terminal};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "shell-commands", about: "each command of the shell answers", run: commands },
    Scenario { name: "shell-errors", about: "wrong commands say what is wrong", run: errors },
    Scenario {
        name: "shell-programs",
        about: "programs in Rust and C run and exit",
        run: programs,
    },
    Scenario { name: "shell-pipes", about: "programs read what others write", run: pipes },
    Scenario { name: "shell-files", about: "programs read and write files", run: files },
    Scenario { name: "shell-editing", about: "lines are edited, recalled and cut", run: editing },
    Scenario {
        name: "shell-screen",
        about: "the screen and the PS/2 keyboard work too",
        run: screen,
    },
    Scenario { name: "shell-reboot", about: "`reboot` resets the machine", run: reboot },
];

/// Boots a machine to its first prompt.
pub(super) fn prompt(lab: &Lab<'_>, machine: &Machine) -> Result<Session> {
    let mut session = lab.boot(machine)?;
    session.expect(PROMPT)?;
    Ok(session)
}

/// Types a command and checks that its answer has each of these texts.
pub(super) fn answers(console: &mut Terminal, command: &str, texts: &[&str]) -> Result<String> {
    let answer = console.command(command)?;
    for text in texts {
        ensure!(answer.contains(text), "`{command}` did not say {text:?} but:\n{answer}");
    }
    Ok(answer)
}

fn commands(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    let help = session.command("help")?;
    for command in [
        "caps", "clear", "echo", "help", "kill", "log", "mem", "poweroff", "ps", "reboot", "run",
        "start", "stop", "top", "uptime",
    ] {
        ensure!(help.contains(command), "`help` does not know `{command}`");
    }
    let table = answers(&mut session, "ps", &["ID", "NAME", "STATE", "RING", "RESTARTS"])?;
    for server in ["supervisor", "log", "console", "shell"] {
        ensure!(table.contains(server), "`ps` does not show {server}");
    }
    ensure!(table.lines().all(|line| line.chars().count() <= 80), "`ps` is wider than 80 columns");
    answers(
        &mut session,
        "caps console",
        &["uart 0x3f8-0x3ff", "interrupt", "line 4", "endpoint"],
    )?;
    answers(&mut session, "caps shell", &["atoll:console/console", "console"])?;
    answers(&mut session, "caps hello", &["Grants of hello", "hello is not running"])?;
    answers(&mut session, "log", &["supervisor", "`console` is ready"])?;
    let kernel_only = answers(&mut session, "log kernel", &["kernel"])?;
    ensure!(!kernel_only.contains("supervisor"), "`log kernel` shows others");
    answers(&mut session, "log -l error", &["no such entries"])?;
    answers(&mut session, "mem", &["total", "free", "supervisor"])?;
    answers(&mut session, "uptime", &["up ", "gate calls"])?;
    answers(&mut session, "echo 'two  words' and \"a third\"", &["two  words and a third"])?;
    answers(&mut session, "stop log", &[])?;
    answers(&mut session, "ps", &["stopped"])?;
    answers(&mut session, "start log", &[])?;
    session.command("kill log")?;
    session.send("top\r")?;
    session.expect("Any key ends this")?;
    session.send("q")?;
    session.expect(PROMPT)?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn errors(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    answers(&mut session, "bogus", &["unknown command `bogus`"])?;
    answers(&mut session, "kill nobody", &["nobody"])?;
    answers(&mut session, "start nobody", &["nobody"])?;
    answers(&mut session, "start console", &["console", "running"])?;
    answers(&mut session, "caps nobody", &["nobody"])?;
    answers(&mut session, "run nothing", &["nothing"])?;
    answers(&mut session, "log -l loud", &["`loud`"])?;
    answers(&mut session, "kill", &["kill NAME"])?;
    answers(&mut session, "echo 'open", &["'"])?;
    answers(&mut session, "echo still here", &["still here"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn programs(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    answers(&mut session, "run hello Ada", &["Hello, Ada!"])?;
    answers(&mut session, "hello Grace", &["Hello, Grace!"])?;
    answers(&mut session, "hello --exit 3 Ada", &["Hello, Ada!", "hello: exit code 3"])?;
    answers(&mut session, "hello-c Ada", &["Hello, Ada!"])?;
    answers(&mut session, "hello-c --exit 7 Ada", &["hello-c: exit code 7"])?;
    // A program that reads gets what is typed, and ends at the end of input or by Ctrl-C.
    session.send("hello --stdin\r")?;
    session.send("Barbara\r")?;
    session.expect("Barbara")?;
    session.send("\x04")?;
    session.expect(PROMPT)?;
    session.send("hello --stdin\r")?;
    session.send("\x03")?;
    session.expect(PROMPT)?;
    answers(&mut session, "echo after", &["after"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn pipes(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    answers(&mut session, "hello Ada | hello --stdin", &["Hello, world!\nHello, Hello, Ada!!"])?;
    answers(&mut session, "hello-c Ada|hello --stdin Eve", &["Hello, Eve!\nHello, Hello, Ada!!"])?;
    answers(&mut session, "echo 'Ada | Eve' | hello --stdin", &["Hello, Ada | Eve!"])?;
    let table = ["Hello, Hello, world!!\n", "Hello, Hello, ID  NAME"];
    answers(&mut session, "ps | hello --stdin | hello --stdin", &table)?;
    // The end of the last program is that of the job; what went wrong before it is told.
    answers(&mut session, "hello | hello --exit 3 Ada", &["Hello, Ada!", "hello: exit code 3"])?;
    let silent = session.command("hello --exit 3 | hello Ada")?;
    ensure!(!silent.contains("exit code"), "the first program's code was told:\n{silent}");
    answers(&mut session, "hello --stdin | bogus", &["unknown command `bogus`"])?;
    answers(&mut session, "hello | run nobody", &["there is no program `nobody`"])?;
    answers(&mut session, "hello | ps", &["only programs can stand after `|`"])?;
    answers(&mut session, "top | hello", &["can be joined"])?;
    answers(&mut session, "hello |", &["a command is missing after `|`"])?;
    answers(&mut session, "ps &", &["only programs and swaps run in the background"])?;
    // Ctrl-C ends all of them, the one that waits for the other included.
    session.send("hello --stdin | hello --stdin\r")?;
    session.expect("Hello, world!")?;
    session.send("\x03")?;
    session.expect(PROMPT)?;
    answers(&mut session, "echo Ada | hello --stdin &", &["runs in the background"])?;
    session.expect("Hello, Ada!")?;
    let left = session.command("ps")?;
    ensure!(!left.contains("hello"), "a program is left:\n{left}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn files(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    answers(&mut session, "ls", &["no files"])?;
    answers(&mut session, "hello Ada > greeting", &[])?;
    answers(&mut session, "hello Eve >> greeting", &[])?;
    answers(&mut session, "cat greeting", &["Hello, Ada!\nHello, Eve!"])?;
    answers(&mut session, "hello --stdin < greeting | hello-c --stdin >/twice &", &["run in the"])?;
    session.expect("done")?;
    answers(&mut session, "cat /twice", &["world!!\nHello, Hello, Hello, Ada!!!"])?;
    answers(&mut session, "cat greeting | hello --stdin", &["Hello, Hello, Eve!!"])?;
    answers(&mut session, "mkdir papers", &[])?;
    answers(&mut session, "ps > papers/ps", &[])?;
    answers(&mut session, "cat papers/ps > papers/copy", &[])?;
    answers(&mut session, "cat papers/copy", &["ID  NAME", "files"])?;
    answers(&mut session, "echo '>' > papers/ps", &[])?;
    answers(&mut session, "ls papers", &["SIZE  NAME", "2 B  ps", "copy"])?;
    answers(&mut session, "ls /", &["24 B  greeting", "-  papers/"])?;
    answers(&mut session, "rm papers", &["papers: the directory is not empty"])?;
    for path in ["papers/ps", "papers/copy", "papers"] {
        answers(&mut session, &format!("rm {path}"), &[])?;
    }
    answers(&mut session, "cat papers", &["papers: there is no such file or directory"])?;
    answers(&mut session, "hello > ../escaped", &["leaves the directory that it begins at"])?;
    answers(&mut session, "ps < greeting", &["only programs"])?;
    // A mistake in the line leaves the file as it is.
    answers(&mut session, "bogus > greeting", &["unknown command `bogus`"])?;
    answers(&mut session, "cat greeting", &["Hello, Ada!"])?;
    // Without the server there are no files, and the next one has none.
    answers(&mut session, "kill files", &["files was ended"])?;
    answers(&mut session, "ls", &["no files"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

fn editing(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    // Keys and the line of output that they must lead to: backspace; left twice and an insertion;
    // a line cut by Ctrl-U; a line recalled.
    for (keys, line) in [
        ("echo tesx\x7ft", "test"),
        ("echo aed\x1b[D\x1b[Dbc", "abced"),
        ("rubbish\x15echo clean", "clean"),
        ("\x1b[A", "clean"),
    ] {
        session.send(keys)?.send("\r")?;
        session.expect(&format!("\n{line}\n{PROMPT}"))?;
    }
    session.send("half a line\x03")?;
    session.expect(PROMPT)?;
    answers(&mut session, "echo fresh", &["fresh"])?;
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// What is typed at the keyboard is shown on the screen, and like all output on the serial line.
fn screen(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    let before = shot(&mut session, "before.ppm")?;
    for key in ["e", "c", "h", "o", "spc", "shift-a", "1", "ret"] {
        session.monitor(&format!("sendkey {key}"))?;
    }
    session.expect(&format!("echo A1\nA1\n{PROMPT}"))?;
    // The prompt is on the serial line at once, on the screen when the interpreter has painted it.
    answers(&mut session, "log -n 1", &["is ready"])?;
    let after = shot(&mut session, "after.ppm")?;
    ensure!(after.len() == before.len(), "the screen changed its size");
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    ensure!(changed > 1000, "only {changed} bytes of the screen changed");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// The bytes of a picture of the screen.
pub(super) fn shot(session: &mut Session, name: &str) -> Result<Vec<u8>> {
    let file = session.folder().join(name);
    session.monitor(&format!("screendump {}", file.display()))?;
    let picture = std::fs::read(&file)?;
    ensure!(picture.starts_with(b"P6\n1024 768\n"), "no picture of 1024 by 768 pixels");
    Ok(picture)
}

/// QEMU runs with `-no-reboot`, so a reset ends it with its own exit code.
fn reboot(lab: &Lab<'_>) -> Result<()> {
    let mut session = prompt(lab, &Machine::default())?;
    session.send("reboot\r")?;
    session.expect_reset()
}
