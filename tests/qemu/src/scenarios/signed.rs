//! Components that have to be signed: at boot, as programs, in swaps, and as the guide shows it.

use super::limits::System;
use super::shell::{answers, prompt};
use super::swap::{PHASES, fails, nothing_was_lost, off};
use crate::guide::{added, blocks, commands, squeeze};
use crate::{Lab, Machine, Scenario, Session};
use anyhow::{Context, Result, ensure};
use atoll_signature::{SecretKey, sign};
use std::fs;
use std::path::Path;
use std::process::Command;

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "signed-boot",
        about: "servers and programs start only if they are signed as the description says",
        run: boot,
    },
    Scenario {
        name: "signed-swap",
        about: "a new version that is not signed as it has to be is refused, the old one serves on",
        run: swap,
    },
    Scenario { name: "signed-guide", about: "the guide to signing, word by word", run: guide },
];

/// What a component can be besides signed by the right key, and what is said of it.
pub(super) const FLAWS: [(&str, &str); 3] = [
    ("unsigned", "it is not signed"),
    ("foreign", "it is signed by an unknown key"),
    ("damaged", "it is not what was signed"),
];

fn key(seed: u8) -> Result<SecretKey> {
    SecretKey::from_seed([seed; 32]).map_err(|error| anyhow::anyhow!("{error}"))
}

pub(super) fn signed(component: &[u8], seed: u8) -> Result<Vec<u8>> {
    sign(component, &key(seed)?).map_err(|refusal| anyhow::anyhow!("{refusal}"))
}

/// The component with that flaw.
pub(super) fn flawed(component: &[u8], flaw: &str) -> Result<Vec<u8>> {
    let mut bytes = match flaw {
        "unsigned" => return Ok(component.to_vec()),
        "foreign" => return signed(component, 2),
        _ => signed(component, 1)?,
    };
    *bytes.last_mut().context("the component is empty")? ^= 1;
    Ok(bytes)
}

/// One of the repository's components.
pub(super) fn component(lab: &Lab<'_>, name: &str) -> Result<Vec<u8>> {
    let path = lab.images().components()?.join(name);
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The test system with the key 1, and with the store signed by it.
pub(super) fn system(lab: &Lab<'_>) -> Result<System> {
    let keys = format!("name = \"atoll-test\"\nkeys = {{ release = \"{}\" }}", key(1)?.public());
    let store = "component = \"store.wasm\"\n";
    System::new()?
        .with("store", signed(&component(lab, "store.wasm")?, 1)?, "")?
        .instead("name = \"atoll-test\"", &keys)?
        .instead(store, &format!("{store}signed-by = [\"release\"]\n"))
}

fn boot(lab: &Lab<'_>) -> Result<()> {
    let hello = component(lab, "hello.wasm")?;
    let mut system = system(lab)?;
    for (flaw, _) in FLAWS {
        let entry = |kind: &str, name: &str, rest: &str| {
            format!(
                "\n[{kind}.{name}]\ncomponent = \"{name}.wasm\"\nsigned-by = [\"release\"]\n{rest}"
            )
        };
        let server = flawed(&wat::parse_str("(component (core module))")?, flaw)?;
        system = system.with(flaw, server, &entry("servers", flaw, ""))?;
        let program = format!("hello-{flaw}");
        system = system.with(&program, flawed(&hello, flaw)?, &entry("programs", &program, ""))?;
    }
    let mut session = system.boot(lab, "256M")?;
    answers(&mut session, "clerk version", &["version 1"])?;
    // A clone of what was signed is restarted without another look.
    session.command("kill store")?;
    answers(&mut session, "clerk version", &["version 1"])?;
    answers(&mut session, "policy store", &["signed by", "release"])?;
    let log = squeezed(&session.command("log -l error -n 50 supervisor")?);
    let servers = session.command("ps")?;
    for (flaw, reason) in FLAWS {
        let refused = format!("the component must be signed by `release`: {reason}");
        ensure!(log.contains(&squeezed(&format!("`{flaw}`"))), "{flaw} is not told of:\n{log}");
        ensure!(log.contains(&squeezed(&refused)), "it is not told that {refused}:\n{log}");
        let line = servers.lines().find(|line| line.contains(flaw)).unwrap_or_default();
        ensure!(line.contains("failed"), "{flaw} runs:\n{servers}");
        let told = squeezed(&session.command(&format!("hello-{flaw}"))?);
        ensure!(told.contains(&squeezed(&refused)), "hello-{flaw} was run:\n{told}");
    }
    off(session)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn swap(lab: &Lab<'_>) -> Result<()> {
    let next = component(lab, "store-v2.wasm")?;
    let mut system = system(lab)?.with("store-v2", signed(&next, 1)?, "")?;
    for (flaw, _) in FLAWS {
        system = system.with_version(flaw, flawed(&next, flaw)?)?;
    }
    let mut session = system.boot(lab, "256M")?;
    session.command("clerk put colour green")?;
    session.command("clerk work &")?;
    for (flaw, reason) in FLAWS {
        let reason = format!("the component must be signed by `release`: {reason}");
        fails(&mut session, &format!("swap store {flaw}.wasm"), &reason)?;
        answers(&mut session, "clerk version", &["version 1"])?;
    }
    answers(&mut session, "swap store store-v2.wasm", &PHASES)?;
    answers(&mut session, "clerk version", &["version 2"])?;
    answers(&mut session, "rollback store", &PHASES)?;
    answers(&mut session, "clerk get colour", &["green"])?;
    nothing_was_lost(&mut session, "clerk")?;
    off(session)
}

/// What stands before a command for the host.
const HOST: &str = "$ ";

/// Types the guide into a folder that looks like the repository, as far as it is used.
fn guide(lab: &Lab<'_>) -> Result<()> {
    let text = fs::read_to_string("docs/signing.md")?;
    let folder = tempfile::tempdir()?;
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("target"))?;
    std::os::unix::fs::symlink(
        fs::canonicalize(lab.images().components()?)?,
        at("target/components"),
    )?;
    let host = blocks(&text, "console").into_iter().filter(|block| block.starts_with(HOST));
    let mut keys = String::new();
    for block in host {
        keys += &type_on_host(block, folder.path())?;
    }
    let keys = keys.lines().find(|line| line.starts_with("keys = "));
    let keys = keys.context("the guide makes no key")?;
    let mut description = fs::read_to_string("iso/systems/test.toml")?;
    for block in blocks(&text, "toml") {
        description = added(&description, block);
    }
    let shown = description.lines().find(|line| line.starts_with("keys = "));
    let shown = shown.context("the guide's description has no key")?.to_owned();
    fs::write(at("my-system/system.toml"), description.replacen(&shown, keys, 1))?;
    let machine = Machine::new(at("my-system/system.toml")).with_test_interfaces();
    let mut session = prompt(lab, &machine)?;
    for (command, expected) in blocks(&text, "console").into_iter().flat_map(commands) {
        shows(&mut session, command, expected)?;
    }
    off(session)
}

fn shows(session: &mut Session, command: &str, expected: &str) -> Result<()> {
    let told = session.command(command)?;
    ensure!(
        squeeze(&told) == squeeze(expected),
        "`{command}` should say\n{expected}but says\n{told}"
    );
    Ok(())
}

/// Runs the commands of a block, which are those of this program, and gives all that they said.
fn type_on_host(block: &str, folder: &Path) -> Result<String> {
    let mut all = String::new();
    for part in format!("\n{block}").split("\n$ ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
        let words: Vec<&str> = command.split_whitespace().collect();
        let ["cargo", "xtask", arguments @ ..] = words.as_slice() else { continue };
        if arguments.first() == Some(&"run") {
            continue;
        }
        let output =
            Command::new(std::env::current_exe()?).args(arguments).current_dir(folder).output()?;
        let told = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "`{command}` failed");
        // Every key is another one.
        let without_key = |text: &str| text.split("ed25519:").next().map(squeeze);
        ensure!(
            without_key(&told) == without_key(expected),
            "`{command}` should say\n{expected}but says\n{told}"
        );
        all += &told;
    }
    Ok(all)
}
