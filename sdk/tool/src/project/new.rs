//! `atoll new`: a project from a template.
//!
//! A template is a folder with the files of a project, in which `{{name}}` stands for the project's
//! name and `{{atoll}}` for the folder of Atoll's checkout. Its folder's name is that of the language;
//! those of servers are in `sdk/templates`, those of programs in `sdk/templates/programs`.

use super::manifest::{self, Project};
use super::system;
use crate::files::{read_text, write_if_changed};
use crate::home::Home;
use crate::mistake::mistake;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// What the project's name is put in for.
const NAME: &str = "{{name}}";
/// What the folder of Atoll's checkout is put in for.
const ATOLL: &str = "{{atoll}}";
/// What a build in the template's own folder would leave there.
const BUILT: &str = "build";

/// What a project makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A server of `atoll:samples/lamp`.
    Server,
    /// A program of WASI's command line.
    Program,
}

impl Kind {
    /// Where the templates are, from Atoll's folder.
    #[must_use]
    pub const fn templates(self) -> &'static str {
        match self {
            Self::Server => "sdk/templates",
            Self::Program => "sdk/templates/programs",
        }
    }
}

/// Makes a project of that name in a folder of that name, which must not be there yet.
///
/// # Errors
/// If the name cannot be one beside those of the default system, there is no template for the
/// language, or something is in the way.
pub fn new(home: &Home, parent: &Path, name: &str, kind: Kind, language: &str) -> Result<Project> {
    manifest::check_name(name)?;
    let languages = languages(home, kind)?;
    if !languages.iter().any(|known| known == language) {
        mistake!("there is no template for `{language}`; there are {}", languages.join(", "));
    }
    let template = home.root.join(kind.templates()).join(language);
    let folder = parent.join(name);
    if fs::symlink_metadata(&folder).is_ok() {
        mistake!("{} is there already; choose another name or remove it", folder.display());
    }
    let mut files = Vec::new();
    list(&template, Path::new(""), &mut files)?;
    let atoll = home.root.to_str().context("Atoll's folder has a name that is no text")?;
    let render = |file: &Path| -> Result<String> {
        Ok(read_text(&template.join(file))?.replace(NAME, name).replace(ATOLL, atoll))
    };
    let text = render(Path::new(manifest::FILE))?;
    let project = Project::parse(&folder, &text)?;
    system::check(home, &project)?;
    for file in files {
        write_if_changed(&folder.join(&file), render(&file)?.as_bytes())?;
    }
    if project.build.world.is_some() {
        super::interfaces::copy(home, &project.wit())?;
    }
    Ok(project)
}

/// The languages that there are templates for, sorted.
///
/// # Errors
/// If the folder of templates cannot be read.
pub fn languages(home: &Home, kind: Kind) -> Result<Vec<String>> {
    let folder = home.root.join(kind.templates());
    let mut languages = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        if entry.path().join(manifest::FILE).is_file() {
            languages.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    languages.sort();
    Ok(languages)
}

/// Lists the files below a folder, as seen from the template.
fn list(template: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let folder = template.join(below);
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if path != Path::new(BUILT) {
            list(template, &path, files)?;
        }
    }
    Ok(())
}
