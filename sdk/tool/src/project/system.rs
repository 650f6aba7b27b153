//! The system that a project runs in: another one with the project's lines.

use super::manifest::Project;
use crate::DEFAULT_SYSTEM;
use crate::files::{read_text, write_if_changed};
use crate::home::Home;
use crate::mistake::{Mistake, mistake};
use anyhow::{Context, Result};
use atoll_system_description::Description;
use std::path::{Path, PathBuf};

/// Writes the system of a project into its folder of built files, beside its component, and says
/// where it is.
///
/// # Errors
/// If the lines do not fit the base, or something that they name.
pub fn write(project: &Project, base: &Path) -> Result<PathBuf> {
    let path = project.build_folder().join("system.toml");
    let text = merged(project, base)?;
    Description::parse(&text, &path.display().to_string()).map_err(|error| {
        let base = base.display();
        Mistake(format!("the lines of atoll.toml make no system together with {base}: {error}"))
    })?;
    write_if_changed(&path, text.as_bytes())?;
    Ok(path)
}

/// Refuses a project whose lines do not fit the default system.
pub(super) fn check(home: &Home, project: &Project) -> Result<()> {
    let text = merged(project, &home.root.join(DEFAULT_SYSTEM))?;
    Description::parse(&text, DEFAULT_SYSTEM)
        .map(drop)
        .map_err(|error| Mistake(format!("`{}` cannot be used: {error}", project.name)).into())
}

/// The text of the base with the project's lines behind it.
fn merged(project: &Project, base: &Path) -> Result<String> {
    let text = read_text(base)?;
    let described: toml::Table =
        text.parse().with_context(|| format!("{} is malformed", base.display()))?;
    let mut lines = toml::Table::new();
    for (section, entries) in [("servers", &project.servers), ("programs", &project.programs)] {
        for name in entries.keys() {
            if has(&described, name) {
                mistake!(
                    "{} has a server or program `{name}` already; choose another name",
                    base.display()
                );
            }
        }
        if !entries.is_empty() {
            lines.insert(section.to_owned(), toml::Value::Table(entries.clone()));
        }
    }
    let lines = toml::to_string(&lines).context("the lines cannot be written")?;
    Ok(format!("{text}\n# The project's lines, from its atoll.toml.\n\n{lines}"))
}

fn has(described: &toml::Table, name: &str) -> bool {
    ["servers", "programs"].into_iter().any(|section| {
        let entries = described.get(section).and_then(toml::Value::as_table);
        entries.is_some_and(|entries| entries.contains_key(name))
    })
}
