//! Components that come over the second serial line while the system runs.
//!
//! The archive of these systems has no other version of the store: what it is swapped to came from
//! the host, by `atoll-channel`, as a developer's tool sends it.

use super::limits::System;
use super::shell::{answers, prompt};
use super::signed::{self, FLAWS, component, flawed};
use super::swap::{PHASES, off};
use crate::{Lab, Scenario, Session};
use anyhow::{Result, bail, ensure};
use atoll_channel::frame::MAGIC;
use atoll_channel::message::{Request, VERSION};
use atoll_channel::{Base, Client, Error};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "upload-swap",
        about: "a version that the archive lacks comes from the host, and clients notice nothing",
        run: upload,
    },
    Scenario {
        name: "upload-bad",
        about: "what is cut, garbled, too big, refused or not allowed changes nothing",
        run: bad,
    },
    Scenario {
        name: "upload-signed",
        about: "what comes from the host has to be signed like what was there at boot",
        run: signed,
    },
    Scenario {
        name: "upload-ends",
        about: "ends of deploy and of the supervisor lose no component that is needed",
        run: ends,
    },
    Scenario { name: "upload-big", about: "a component of 2.5 MB comes whole", run: big },
];

/// How long an answer may take: it ends tests that hang.
const LIMIT: Duration = Duration::from_secs(90);
const SOCKET: &str = "deploy.sock";

/// The server, as develop.toml has it, but for what it may change.
const DEPLOY: &str = r#"
[servers.deploy]
component = "deploy.wasm"
priority = 5
memory = "16 MiB"
restart = { policy = "always", limit = 10, window = "10 s", backoff = "100 ms", backoff-max = "2 s" }

[servers.deploy.imports]
"atoll:log/log" = { log = "write" }
"atoll:clocks/monotonic" = "kernel"
"atoll:io/events" = "kernel"
"atoll:io/watch" = "kernel"
"atoll:device/port-io" = { ports = { uart = "0x2f8-0x2ff" } }
"atoll:device/irq" = { interrupts = { uart = 3 } }
"atoll:supervision/swapping" = { server = "supervisor", servers = ["store"] }
"atoll:supervision/uploads" = { server = "supervisor" }
"#;

/// The test system, whose archive has no version of the store but one, and which takes so much.
fn system(uploads: &str) -> Result<System> {
    taking(System::new()?, uploads)
}

fn taking(system: System, uploads: &str) -> Result<System> {
    let name = "name = \"atoll-test\"\n";
    system
        .instead("\"store-v2.wasm\", \"store-bad.wasm\", ", "")?
        .instead(name, &format!("{name}uploads = \"{uploads}\"\n"))
        .map(|system| system.and(DEPLOY))
}

/// Boots it with a second serial line.
fn boot(lab: &Lab<'_>, system: &System) -> Result<Session> {
    let line = format!("socket,id=deploy,path={SOCKET},server=on,wait=off");
    let machine = system.machine()?;
    prompt(
        lab,
        &machine.arguments(["-chardev", &line, "-device", "isa-serial,chardev=deploy,index=1"]),
    )
}

fn connect(session: &Session) -> Result<Client<UnixStream>> {
    Ok(Client::connect(&session.folder().join(SOCKET), LIMIT)?)
}

/// The text of a refusal, of which there has to be one.
fn refusal<T>(result: Result<T, Error>) -> Result<String> {
    match result {
        Err(Error::Refused(why) | Error::RolledBack(why)) => Ok(why),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("it was not refused"),
    }
}

fn says(what: &str, text: &str) -> Result<()> {
    ensure!(what.contains(text), "expected {text:?}, but it says {what:?}");
    Ok(())
}

fn upload(lab: &Lab<'_>) -> Result<()> {
    let mut session = boot(lab, &system("4 MiB")?)?;
    let told = session.command("swap store store-v2.wasm")?;
    says(&told.split_whitespace().collect::<Vec<_>>().join(" "), "store-v2.wasm not found")?;
    session.command("clerk work &")?;
    let mut host = connect(&session)?;
    let version = component(lab, "store-v2.wasm")?;
    let began = Instant::now();
    let name = host.put("store-v2.wasm", &version, |_| {})?;
    println!("upload-swap: {} bytes in {:.1} s", version.len(), began.elapsed().as_secs_f32());
    ensure!(name == "store-v2~1.wasm", "it is called {name}");
    let mut passed = Vec::new();
    let report = host.swap("store", &name, |phase, _| passed.push(phase.to_string()))?;
    ensure!(passed == PHASES[..5], "the phases were {passed:?}");
    ensure!(report.state_bytes > 0, "no state went over");
    answers(&mut session, "clerk version", &["version 2"])?;
    // From the shell it is a file like any other, and so is the next one of that name.
    answers(&mut session, "swap store store.wasm", &PHASES)?;
    answers(&mut session, "swap store store-v2.wasm", &PHASES)?;
    answers(&mut session, "clerk version", &["version 2"])?;
    answers(&mut session, "rollback store", &PHASES)?;
    answers(&mut session, "clerk version", &["version 1"])?;
    answers(&mut session, "history store", &["store-v2~1"])?;
    // Beside one that the host handed over, and the one of the archive.
    for (base, name) in [("store-v2~1.wasm", "store-v2~2.wasm"), ("store.wasm", "store-v2~3.wasm")]
    {
        let bytes = if base == "store.wasm" { component(lab, base)? } else { version.clone() };
        let beside = Base { name: base, bytes: &bytes };
        let began = Instant::now();
        let put = host.put_beside(beside, "store-v2.wasm", &version, |_| {})?;
        println!("upload-swap: beside {base} in {:.1} s", began.elapsed().as_secs_f32());
        ensure!(put == name, "it is called {put}");
    }
    host.swap("store", "store-v2.wasm", |_, _| {})?;
    answers(&mut session, "history store", &["store-v2~3"])?;
    super::swap::nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

fn bad(lab: &Lab<'_>) -> Result<()> {
    let mut session = boot(lab, &system("128 KiB")?)?;
    session.command("clerk put colour green")?;
    let version = component(lab, "store-v2.wasm")?;
    let whole = |session: &Session| {
        connect(session)?.put("store-v2.wasm", &version, |_| {}).map_err(anyhow::Error::from)
    };

    // A host that goes in the middle of a chunk, and one that babbles.
    cut(&session, version.len())?;
    let first = whole(&session)?;
    babble(&session)?;
    let second = whole(&session)?;
    ensure!(first != second, "two components are called {first}");

    let mut host = connect(&session)?;
    says(&refusal(host.put("big.wasm", &vec![0; 200_000], |_| {}))?, "big.wasm has 200000 bytes")?;
    says(
        &refusal(host.put("../store.wasm", &version, |_| {}))?,
        "not the file name of a component",
    )?;
    // No component at all, and one that wants more than it is granted.
    let name = host.put("nonsense.wasm", &[7; 5000], |_| {})?;
    says(&refusal(host.swap("store", &name, |_, _| {}))?, "prepare of `store`")?;
    let name = host.put("store-bad.wasm", &component(lab, "store-bad.wasm")?, |_| {})?;
    says(&refusal(host.swap("store", &name, |_, _| {}))?, "atoll:clocks/monotonic")?;
    says(&refusal(host.swap("store", "gone.wasm", |_, _| {}))?, "gone.wasm not found")?;
    let denied = "denied: `echo` may be changed by `shell`, not by this client";
    says(&refusal(host.swap("echo", &second, |_, _| {}))?, denied)?;
    answers(&mut session, "clerk version", &["version 1"])?;
    answers(&mut session, "clerk get colour", &["green"])?;

    // It was none of the server's business, which still does what it should.
    host.swap("store", &second, |_, _| {})?;
    answers(&mut session, "clerk version", &["version 2"])?;
    answers(&mut session, "clerk get colour", &["green"])?;
    off(session)
}

/// Begins as a host does and goes in the middle of a frame.
fn cut(session: &Session, size: usize) -> Result<()> {
    let mut line = UnixStream::connect(session.folder().join(SOCKET))?;
    let (file, base) = ("store-v2.wasm".to_owned(), String::new());
    let begin = Request::Begin { file, size: u32::try_from(size)?, base };
    let chunk = Request::Chunk { offset: 0, packed: vec![1; 5000] }.frame(3).encode();
    line.write_all(&Request::Hello { version: VERSION }.frame(1).encode())?;
    line.write_all(&begin.frame(2).encode())?;
    line.write_all(&chunk[..3000])?;
    // QEMU forgets what was not read when its other end goes.
    thread::sleep(Duration::from_millis(500));
    Ok(())
}

/// Says what is not a frame, and what begins like one.
fn babble(session: &Session) -> Result<()> {
    let mut line = UnixStream::connect(session.folder().join(SOCKET))?;
    let mut noise: Vec<u8> = (0..4000_u32).map(|index| ((index * index) >> 3) as u8).collect();
    for at in (0..noise.len() - 1).step_by(97) {
        noise[at..at + 2].copy_from_slice(&MAGIC);
    }
    line.write_all(&noise)?;
    thread::sleep(Duration::from_millis(500));
    Ok(())
}

fn ends(lab: &Lab<'_>) -> Result<()> {
    let mut session = boot(lab, &system("4 MiB")?)?;
    session.command("clerk put colour green")?;
    let version = component(lab, "store-v2.wasm")?;
    let mut host = connect(&session)?;
    let name = host.put("store-v2.wasm", &version, |_| {})?;
    host.swap("store", &name, |_, _| {})?;
    // There is one host at a time.
    drop(host);

    // In the middle of an upload.
    cut(&session, version.len())?;
    answers(&mut session, "kill deploy", &[])?;
    let unused = connect(&session)?.put("store-v2.wasm", &version, |_| {})?;
    ensure!(unused == "store-v2~3.wasm", "it is called {unused}");
    answers(&mut session, "kill supervisor", &[])?;
    // The server goes on, is restarted from what it was, and the rest is there, too.
    answers(&mut session, "clerk version", &["version 2"])?;
    answers(&mut session, "clerk get colour", &["green"])?;
    answers(&mut session, "restart store", &[])?;
    answers(&mut session, "clerk version", &["version 2"])?;
    connect(&session)?.swap("store", &unused, |_, _| {})?;
    answers(&mut session, "rollback store", &PHASES)?;
    answers(&mut session, "history store", &["store-v2~1", "store-v2~3"])?;
    off(session)
}

fn signed(lab: &Lab<'_>) -> Result<()> {
    let mut session = boot(lab, &taking(signed::system(lab)?, "1 MiB")?)?;
    let version = component(lab, "store-v2.wasm")?;
    let mut host = connect(&session)?;
    for (flaw, reason) in FLAWS {
        let name = host.put("store-v2.wasm", &flawed(&version, flaw)?, |_| {})?;
        let reason = format!("the component must be signed by `release`: {reason}");
        says(&refusal(host.swap("store", &name, |_, _| {}))?, &reason)?;
        answers(&mut session, "clerk version", &["version 1"])?;
    }
    let name = host.put("store-v2.wasm", &signed::signed(&version, 1)?, |_| {})?;
    host.swap("store", &name, |_, _| {})?;
    answers(&mut session, "clerk version", &["version 2"])?;
    off(session)
}

fn big(lab: &Lab<'_>) -> Result<()> {
    const BIG: usize = 2_500_000;
    let mut session = boot(lab, &system("4 MiB")?)?;
    let mut host = connect(&session)?;
    let began = Instant::now();
    let name = host.put("big.wasm", &vec![7; BIG], |_| {})?;
    println!("upload-big: {BIG} bytes in {:.1} s", began.elapsed().as_secs_f32());
    // It is no component, but it was loaded as one, up to the server's own limit.
    let why = refusal(host.swap("store", &name, |_, _| {}))?;
    says(&why, "component-size")?;
    answers(&mut session, "clerk version", &["version 1"])?;
    off(session)
}
