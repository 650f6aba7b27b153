//! From power-on to the prompt and to power-off.

use crate::{Lab, Machine, OFF, PANIC, PROMPT, Scenario};
use anyhow::{Result, ensure};
use std::fs;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "boot", about: "boots to the prompt, answers, switches off", run: boot },
    Scenario { name: "boot-128m", about: "the same with 128 MiB of memory", run: little_memory },
    Scenario { name: "boot-8g", about: "the same with 8 GiB of memory", run: much_memory },
    Scenario {
        name: "boot-kernel-bug",
        about: "the kernel's own end is reported, then it halts or restarts as it was told",
        run: kernel_bug,
    },
    Scenario {
        name: "boot-bad-archive",
        about: "the shim says what is wrong with a boot archive",
        run: bad_archive,
    },
];

fn boot(lab: &Lab<'_>) -> Result<()> {
    works(lab, &Machine::default())
}

fn little_memory(lab: &Lab<'_>) -> Result<()> {
    works(lab, &Machine::default().memory("128M"))
}

fn much_memory(lab: &Lab<'_>) -> Result<()> {
    works(lab, &Machine::default().memory("8G"))
}

/// The least that any way to boot must lead to: a prompt, an answer, and an orderly end.
pub(super) fn works(lab: &Lab<'_>, machine: &Machine) -> Result<()> {
    let mut session = lab.boot(machine)?;
    session.expect(PROMPT)?;
    let answer = session.command("echo it works")?;
    ensure!(answer == "it works", "`echo it works` answered {answer:?}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// A non-maskable interrupt that nobody expects stands for a bug of the kernel.
fn kernel_bug(lab: &Lab<'_>) -> Result<()> {
    let mut session = lab.boot(&Machine::default())?;
    session.expect(PROMPT)?;
    session.monitor("nmi")?;
    session.expect("*** Atoll kernel bug: non-maskable interrupt")?;
    for part in ["rsp", "rip", "calls:", "domain", "*** halted"] {
        session.expect(part)?;
    }
    session.expect_exit(PANIC)?;
    let mut session = lab.boot(&Machine::default().append("exit=none panic=reboot"))?;
    session.expect(PROMPT)?;
    session.monitor("nmi")?;
    session.expect("*** restarting")?;
    session.expect_reset()
}

fn bad_archive(lab: &Lab<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_, whole) = lab.images().archive("iso/systems/default.toml".as_ref(), None, false)?;
    let whole = fs::read(whole)?;
    let cases: [(&[u8], &str); 3] = [
        (&[b'x'; 4096], "the boot archive is damaged: limine.cfg"),
        // The configuration is whole, the kernel is not.
        (&whole[..whole.len().min(64 * 1024)], "the boot archive is cut off: boot/atoll-kernel"),
        (&[0; 1024], "not in the boot archive: limine.cfg"),
    ];
    for (archive, message) in cases {
        let path = folder.path().join("archive");
        fs::write(&path, archive)?;
        // QEMU takes the last of several.
        let machine = Machine::default().arguments(["-initrd".into(), path.into_os_string()]);
        lab.boot(&machine)?.expect(&format!("boot shim: cannot boot: {message}"))?;
    }
    Ok(())
}
