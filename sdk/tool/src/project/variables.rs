//! What `{{NAME}}` stands for in the commands of `atoll.toml`.
//!
//! A variable is worked out when it is used, so that a project in C does not ask for cargo. An
//! argument that is nothing but a variable becomes as many words as that has; inside a longer
//! argument it has to be one.

use crate::components;
use crate::downloads;
use crate::home::Home;
use crate::mistake::mistake;
use crate::toolchains;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Where a build finds what its variables stand for.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    pub(super) home: &'a Home,
    /// The project's folder of built files.
    pub(super) build: &'a Path,
    /// Cargo's target folder.
    pub(super) cargo_target: &'a Path,
    /// The bindings that were generated and have to be compiled or linked.
    pub(super) bindings: &'a [PathBuf],
}

impl Variables<'_> {
    /// The words of an argument.
    pub(super) fn words(&self, argument: &str) -> Result<Vec<String>> {
        match whole(argument) {
            Some(name) => self.value(name),
            None => Ok(vec![self.text(argument)?]),
        }
    }

    /// A text with its variables replaced, each of which is one word.
    pub(super) fn text(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                mistake!("`{text}`: a variable is not closed by }}}}");
            };
            out.push_str(before);
            match self.value(name)?.as_slice() {
                [word] => out.push_str(word),
                _ => mistake!("`{text}`: {{{{{name}}}}} is a list and has to be an argument alone"),
            }
            rest = after;
        }
        Ok(out + rest)
    }

    fn value(&self, name: &str) -> Result<Vec<String>> {
        Ok(match name {
            "build" => vec![path(self.build)?],
            "project" => vec![path(self.build.parent().context("a project without a folder")?)?],
            "bindings" => self.bindings.iter().map(|file| path(file)).collect::<Result<_>>()?,
            "cargo" => vec![path(&self.home.sysroot()?.join("bin/cargo"))?],
            "cargo-target" => vec![path(self.cargo_target)?],
            "rust-std" if self.home.has_target(components::TARGET)? => Vec::new(),
            "rust-std" => vec![components::BUILD_STD.to_owned()],
            _ if let Some(words) = toolchain(self.home, name) => words?,
            _ if let Some(download) = downloads::of(name) => {
                download.command(self.home)?.iter().map(|word| path(word)).collect::<Result<_>>()?
            }
            _ => mistake!(
                "there is no variable {{{{{name}}}}}; sdk/tool/README.md in Atoll's checkout lists them"
            ),
        })
    }
}

/// The names of the variables in an argument.
pub(super) fn names(argument: &str) -> impl Iterator<Item = &str> {
    argument.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0))
}

/// A toolchain that has to be installed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The next build downloads it; which packages, and how much.
    Download(String),
    /// Its user installs it; what is missing, and the command.
    Distribution(String),
}

/// What has to be installed for a variable; `None` if it is there or is no toolchain.
pub(super) fn missing(home: &Home, name: &str) -> Option<Missing> {
    if let Some(download) = downloads::of(name) {
        let missing = || Missing::Download(download.description());
        return (!download.is_installed(home)).then(missing);
    }
    toolchain(home, name)?.err().map(|error| Missing::Distribution(error.to_string()))
}

/// The words for a toolchain that is installed, or not; `None` if that is not what the name stands
/// for.
fn toolchain(home: &Home, name: &str) -> Option<Result<Vec<String>>> {
    let one = |word: Result<String>| word.map(|word| vec![word]);
    Some(match name {
        "clang" => one(toolchains::clang().map(|(compiler, _)| compiler.to_owned())),
        "clang++" => {
            one(toolchains::clang().map(|(compiler, _)| compiler.replacen("clang", "clang++", 1)))
        }
        "wasm-ld" => one(toolchains::clang().map(|(_, linker)| linker)),
        "wasi-sysroot" => one(toolchains::wasi_sysroot().map(str::to_owned)),
        "libc++" => toolchains::libcxx(),
        "nim" => one(toolchains::program(name)),
        "rust-wasip2" => one(toolchains::rust(home, "wasm32-wasip2").map(str::to_owned)),
        _ => return None,
    })
}

/// The variable that an argument consists of.
fn whole(argument: &str) -> Option<&str> {
    let name = argument.strip_prefix("{{")?.strip_suffix("}}")?;
    (!name.contains("}}")).then_some(name)
}

fn path(path: &Path) -> Result<String> {
    let text = path.to_str();
    Ok(text.with_context(|| format!("{} is no text in UTF-8", path.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(argument: &str) -> Result<Vec<String>> {
        let home = Home { root: "/atoll".into(), target: "/atoll/target".into() };
        let bindings = ["/p/a.c".into(), "/p/a.o".into()];
        let (build, target) = (Path::new("/p/build"), Path::new("/p/t"));
        Variables { home: &home, build, cargo_target: target, bindings: &bindings }.words(argument)
    }

    #[test]
    fn a_variable_alone_may_be_many_words() {
        assert_eq!(words("{{bindings}}").unwrap(), ["/p/a.c", "/p/a.o"]);
        assert_eq!(words("{{build}}").unwrap(), ["/p/build"]);
    }

    #[test]
    fn variables_are_replaced_inside_an_argument() {
        assert_eq!(words("-I{{build}}/x:{{cargo-target}}").unwrap(), ["-I/p/build/x:/p/t"]);
        assert_eq!(words("plain").unwrap(), ["plain"]);
    }

    #[test]
    fn what_cannot_be_replaced_is_a_mistake() {
        for (argument, reason) in [
            ("{{nothing}}", "no variable {{nothing}}"),
            ("-I{{build", "not closed"),
            ("-x{{bindings}}", "is a list"),
        ] {
            let error = words(argument).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_said_before_it_is_installed() {
        assert!(names("{{zig}}").eq(["zig"]));
        assert!(names("-I{{build}}/x:{{project}}{{cut").eq(["build", "project"]));
        let folder = tempfile::tempdir().unwrap();
        let home = Home { root: folder.path().into(), target: folder.path().join("target") };
        let Some(Missing::Download(said)) = missing(&home, "zig") else { panic!("it is there") };
        assert!(said.contains("ziglang") && said.contains("MB"), "{said}");
        assert_eq!(missing(&home, "build"), None);
        assert!(!home.target.exists());
    }
}
