//! `atoll run` with a checkout that is built already and a QEMU that only says what it was given.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home whose built files are only names, and a folder with the QEMU.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    fn new() -> Self {
        let fake = Self { folder: tempfile::tempdir().expect("a folder") };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a checkout");
        fs::create_dir(fake.path("home")).expect("made");
        for part in [
            "Cargo.lock",
            "Cargo.toml",
            "iso",
            "limine.cfg",
            "sdk",
            "servers-wasm",
            "wasm-runtime",
            "wit",
        ] {
            symlink(root.join(part), fake.path("home").join(part)).expect("linked");
        }
        for native in ["atoll-kernel", "atoll-boot-shim"] {
            fake.write(&format!("target/x86_64-unknown-none/release/{native}"));
        }
        fake.write("target/runtime.elf");
        for guest in fs::read_dir(root.join("servers-wasm")).expect("guests") {
            let name = guest.expect("a guest").file_name();
            fake.write(&format!("target/components/{}.wasm", name.to_string_lossy()));
        }
        let qemu = fake.path("bin/qemu-system-x86_64");
        fake.write("bin/qemu-system-x86_64");
        fs::write(&qemu, "#!/bin/sh\nfor word; do echo \"<$word>\"; done\n").expect("written");
        fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755)).expect("permitted");
        fake
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, path).expect("written");
    }

    fn atoll(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.command(folder, arguments).output().expect("atoll runs")
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut search = vec![self.path("bin")];
        search.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a search path")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_atoll"));
        command.current_dir(folder).args(arguments).env("ATOLL_HOME", self.path("home"));
        command.env("CARGO_TARGET_DIR", self.path("target"));
        command.env("PATH", std::env::join_paths(search).expect("a search path"));
        command
    }
}

#[test]
fn qemu_gets_the_system_with_the_project() {
    let fake = Fake::new();
    let made = fake.atoll(fake.folder.path(), &["new", "blink", "--lang", "wat"]);
    assert!(made.status.success(), "{made:?}");
    let project = fake.path("blink");
    let arguments =
        ["run", "--memory", "64M", "--append", "log=debug", "--gdb=4321", "--", "-smp", "2"];
    let ran = fake.atoll(&project, &arguments);
    assert!(ran.status.success(), "{ran:?}");
    let given = String::from_utf8_lossy(&ran.stdout).into_owned();
    for words in [
        "<-m>\n<64M>\n",
        "<-append>\n<log=debug>\n",
        "<-smp>\n<2>\n",
        "<-S>\n<-gdb>\n<tcp:127.0.0.1:4321>\n",
        "<-serial>\n<mon:stdio>\n<-display>\n<none>\n",
    ] {
        assert!(given.contains(words), "{words} is missing in {given}");
    }
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("atoll-kernel' -ex 'target remote localhost:4321'"), "{said}");
    // All components of the default system are in the archive, and the project's among them.
    let archive = fs::read(project.join("build/system.tar")).expect("an archive");
    let archive = String::from_utf8_lossy(&archive).into_owned();
    for part in ["boot/blink.wasm", "boot/lamp.wasm", "boot/shell.wasm", "[servers.blink]"] {
        assert!(archive.contains(part), "{part}");
    }
    let shown = fake.atoll(&project, &["run", "--display"]);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("<-display>"), "{shown:?}");
}

/// Where a program is installed.
fn installed(program: &str) -> PathBuf {
    let search = std::env::var_os("PATH").expect("a search path");
    let places = std::env::split_paths(&search).map(|folder| folder.join(program));
    places.into_iter().find(|place| place.is_file()).expect("installed")
}

#[test]
fn a_machine_does_not_outlive_the_tool() {
    let fake = Fake::new();
    assert!(fake.atoll(fake.folder.path(), &["new", "blink", "--lang", "wat"]).status.success());
    let qemu = fake.path("bin/qemu-system-x86_64");
    fs::write(&qemu, "#!/bin/sh\necho it runs\nread word\necho it outlived\n").expect("written");
    let mut command = fake.command(&fake.path("blink"), &["run"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut atoll = command.spawn().expect("atoll runs");
    let input = atoll.stdin.take().expect("its input");
    let mut said = BufReader::new(atoll.stdout.take().expect("its output"));
    let mut line = String::new();
    while line != "it runs\n" {
        line.clear();
        assert!(said.read_line(&mut line).expect("read") > 0, "the machine was not started");
    }
    atoll.kill().expect("killed");
    atoll.wait().expect("ended");
    // Whoever is left reads the end of the input now, and says so.
    drop(input);
    line.clear();
    assert_eq!(said.read_line(&mut line).expect("read"), 0, "{line}");
}

#[test]
fn a_qemu_that_fails_or_is_missing_is_told() {
    let fake = Fake::new();
    assert!(fake.atoll(fake.folder.path(), &["new", "blink", "--lang", "wat"]).status.success());
    let project = fake.path("blink");
    let qemu = fake.path("bin/qemu-system-x86_64");
    fs::write(&qemu, "#!/bin/sh\nexit 3\n").expect("written");
    let ran = fake.atoll(&project, &["run"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("exit status: 3"), "{ran:?}");
    fs::remove_file(&qemu).expect("removed");
    symlink(installed("setpriv"), fake.path("bin/setpriv")).expect("linked");
    let ran = fake.command(&project, &["run"]).env("PATH", fake.path("bin")).output();
    let ran = ran.expect("atoll runs");
    assert_eq!(ran.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("cannot run qemu-system-x86_64"), "{said}");
    // A name that a server of another system has.
    let other = fake.path("other.toml");
    fs::write(&other, "[system]\nname = \"a\"\n[servers.blink]\ncomponent = \"log.wasm\"\n")
        .expect("written");
    let ran = fake.atoll(&project, &["run", "--system", other.to_str().expect("text")]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("`blink` already"), "{ran:?}");
}
