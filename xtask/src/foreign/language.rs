//! The languages: what each is called, where its sources are and what its component is made from.

use anyhow::Result;
use atoll::home::Home;
use atoll_scenarios::Skip;
use std::fs;
use std::path::{Path, PathBuf};

/// The file with a server's lines of the system description.
const DESCRIPTION: &str = "system.toml";

/// A language that a server of `tally` is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// The stock compiler and standard library, for wasm32-wasip2
    Rust,
    /// clang and wasi-libc
    C,
    /// The Go compiler for wasip1, and the adapter
    Go,
    /// jco, by QuickJS
    Javascript,
    /// componentize-py
    Python,
}

impl Language {
    /// All of them, the smallest component first.
    pub(super) const ALL: [Self; 5] =
        [Self::C, Self::Rust, Self::Javascript, Self::Go, Self::Python];

    /// Its name in paths and commands.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Go => "go",
            Self::Javascript => "javascript",
            Self::Python => "python",
        }
    }

    /// Its name as its server says it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Go => "Go",
            Self::Javascript => "JavaScript",
            Self::Python => "Python",
        }
    }

    /// Whether the set-up of Atoll itself brings its toolchain along, so that its component is
    /// built whenever it is needed. The others are downloaded by `cargo xtask foreign` alone.
    pub(super) fn is_at_hand(self) -> bool {
        matches!(self, Self::Rust | Self::C)
    }

    /// Why a scenario has to do without its component.
    pub(super) fn missing(self) -> Skip {
        let missing = match self {
            Self::Rust => "the server in Rust is not built: `cargo xtask foreign rust` builds it",
            Self::C => "there is no C library for WebAssembly: `make setup` installs it",
            Self::Go => {
                "no component of the present sources: `cargo xtask foreign go` builds it (downloads 75 MB)"
            }
            Self::Javascript => {
                "no component of the present sources: `cargo xtask foreign javascript` builds it (downloads 110 MB)"
            }
            Self::Python => {
                "no component of the present sources: `cargo xtask foreign python` builds it (downloads 17 MB)"
            }
        };
        Skip(missing.to_owned())
    }

    /// Its sources.
    pub(super) fn folder(self, home: &Home) -> PathBuf {
        home.root.join("tests/foreign").join(self.name())
    }

    /// Its server's lines of the system description, from the repository's root.
    pub(super) fn system(self) -> PathBuf {
        Path::new("tests/foreign").join(self.name()).join(DESCRIPTION)
    }

    /// The language whose server's lines these are.
    pub(super) fn of_system(system: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.system() == system)
    }

    /// Where its component is.
    pub(super) fn component(self, home: &Home) -> PathBuf {
        home.target.join("components").join(format!("foreign-{}.wasm", self.name()))
    }

    /// Where its build leaves what it needs again.
    pub(super) fn scratch(self, home: &Home) -> PathBuf {
        home.target.join("foreign").join(self.name())
    }

    /// Everything that its component is made from, and by which version of what, as one text.
    pub(super) fn inputs(self, home: &Home) -> Result<Vec<u8>> {
        let wit = home.root.join("wit");
        let mut files = sources(&self.folder(home))?;
        files.extend(sources(&wit.join("log"))?);
        files.push(wit.join("testing/tally.wit"));
        files.sort();
        let mut inputs = atoll::downloads::pinned().into_bytes();
        for file in files {
            let name = file.strip_prefix(&home.root).unwrap_or(&file);
            inputs.extend(format!("\n== {}\n", name.display()).into_bytes());
            inputs.extend(fs::read(&file)?);
        }
        Ok(inputs)
    }
}

/// The files of a folder and of those below, but for what no component is made from.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() && !path.ends_with(DESCRIPTION) {
            files.push(path);
        } else if path.is_dir() && !path.ends_with("target") && !path.ends_with("__pycache__") {
            files.extend(sources(&path)?);
        }
    }
    Ok(files)
}
