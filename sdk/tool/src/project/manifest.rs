//! `atoll.toml`: what a project is called, how it is built, and its lines of a system description.

use crate::files::read_text;
use crate::home::Home;
use crate::mistake::{Mistake, mistake};
use crate::preview1::Preview1;
use anyhow::Result;
use atoll_system_description::{NAME_MAX, is_name};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file that makes a folder a project.
pub const FILE: &str = "atoll.toml";

/// A project and where it is.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its folder, an absolute path.
    pub folder: PathBuf,
    /// Its name, which is that of its server or program.
    pub name: String,
    /// The language of its template, in words for people.
    pub language: String,
    /// How it is built.
    pub build: Build,
    /// Its servers, as a system description has them.
    pub servers: toml::Table,
    /// Its programs, likewise.
    pub programs: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    project: Identity,
    build: Build,
    #[serde(default)]
    servers: toml::Table,
    #[serde(default)]
    programs: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    name: String,
    language: String,
}

/// How a component is built.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The world, of the package in `wit`; none if what the commands make says itself what it imports
    /// and exports, as programs of WASI do.
    pub world: Option<String>,
    /// The bindings that are generated into `build/bindings` first.
    #[serde(default)]
    pub bindings: Bindings,
    /// Variables of the commands' environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Programs and their arguments, run one after the other in the project's folder.
    #[serde(default)]
    pub commands: Vec<Vec<String>>,
    /// New names of the core module's exports, by those that the language could spell.
    #[serde(default)]
    pub exports: BTreeMap<String, String>,
    /// What becomes of imports of WASI's first preview.
    #[serde(default)]
    pub preview1: Preview1,
    /// The core module that the commands make or that is there, binary or text.
    module: Option<String>,
    /// The component that the commands make.
    component: Option<String>,
}

/// Which bindings the tool generates.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Bindings {
    /// None: the language's own toolchain makes them, or it needs none.
    #[default]
    None,
    /// C's.
    C,
    /// C++'s.
    Cpp,
    /// Go's.
    Go,
}

/// What the commands leave behind.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// A core module.
    Module(&'a str),
    /// A component.
    Component(&'a str),
}

impl Build {
    /// What the commands leave behind; a path that may have variables.
    ///
    /// # Errors
    /// If the manifest names none, or two.
    pub fn output(&self) -> Result<Output<'_>> {
        match (&self.module, &self.component) {
            (Some(module), None) => Ok(Output::Module(module)),
            (None, Some(component)) => Ok(Output::Component(component)),
            _ => mistake!("{FILE}: [build] has to name either `module` or `component`"),
        }
    }
}

impl Project {
    /// Finds the project that a folder is in.
    ///
    /// # Errors
    /// If it is in none, or the manifest is malformed.
    pub fn find(from: &Path) -> Result<Self> {
        match Self::around(from)? {
            Some(project) => Ok(project),
            None => mistake!(
                "there is no {FILE} in {} or above it; go into a project, or make one with \
                 `atoll new NAME --lang LANGUAGE`",
                from.display()
            ),
        }
    }

    /// The project that a folder is in, if it is in one.
    ///
    /// # Errors
    /// If its manifest is malformed.
    pub fn around(from: &Path) -> Result<Option<Self>> {
        let mut folders = from.ancestors();
        let folder = folders.find(|folder| folder.join(FILE).is_file());
        folder.map(|folder| Self::parse(folder, &read_text(&folder.join(FILE))?)).transpose()
    }

    /// Reads the manifest of a project in that folder.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub fn parse(folder: &Path, text: &str) -> Result<Self> {
        let manifest: Manifest = toml::from_str(text)
            .map_err(|error| Mistake(format!("{}: {error}", folder.join(FILE).display())))?;
        let Manifest { project: Identity { name, language }, build, servers, programs } = manifest;
        check_name(&name)?;
        build.output()?;
        Ok(Self { folder: folder.to_path_buf(), name, language, build, servers, programs })
    }

    /// Where everything goes that is made from the sources.
    #[must_use]
    pub fn build_folder(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// The folder of the world and what it imports.
    #[must_use]
    pub fn wit(&self) -> PathBuf {
        self.folder.join("wit")
    }

    /// The folder of the interfaces that the component is read by: its own, or Atoll's where it has no
    /// world.
    #[must_use]
    pub fn interfaces(&self, home: &Home) -> PathBuf {
        if self.build.world.is_some() { self.wit() } else { home.root.join("wit") }
    }

    /// Where the component goes.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.build_folder().join(format!("{}.wasm", self.name))
    }
}

/// Refuses what cannot be a server's name.
///
/// # Errors
/// See there.
pub fn check_name(name: &str) -> Result<()> {
    if !is_name(name) {
        mistake!(
            "`{name}` cannot be the name of a server: a name has at most {NAME_MAX} lower-case \
             letters, digits and hyphens, begins with a letter and does not end with a hyphen"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[project]\nname = \"blink\"\nlanguage = \"wat\"\n\
        [build]\nworld = \"server\"\nmodule = \"a.wat\"\n[servers.blink]\ncomponent = \"blink.wasm\"\n";

    fn parse(text: &str) -> Result<Project> {
        Project::parse(Path::new("/somewhere"), text)
    }

    #[test]
    fn a_manifest_says_how_to_build() {
        let project = parse(GOOD).unwrap();
        assert_eq!(project.name, "blink");
        assert_eq!(project.component(), Path::new("/somewhere/build/blink.wasm"));
        assert!(matches!(project.build.output(), Ok(Output::Module("a.wat"))));
        assert!(project.servers.contains_key("blink"));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let said = |from: &str, to: &str| {
            let error = parse(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.is::<Mistake>());
            error.to_string()
        };
        assert!(said("world", "wolrd").contains("line 5"));
        assert!(said("\"blink\"\nlang", "\"Blink\"\nlang").contains("`Blink`"));
        assert!(said("module", "#").contains("either `module` or `component`"));
        assert!(said("[build]\n", "[build]\nbindings = \"ada\"\n").contains("`ada`"));
        assert!(said("module", "component = \"b\"\nmodule").contains("either"));
    }

    #[test]
    fn names_are_those_of_servers() {
        for name in ["a", "blink-2", "abcdefghijklmnopqrstuvwx"] {
            check_name(name).unwrap();
        }
        for name in ["", "2blink", "blink-", "Blink", "a_b", "../x", "abcdefghijklmnopqrstuvwxy"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
