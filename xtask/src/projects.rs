//! Systems with projects that are made from the templates and built as a user would.
//!
//! A scenario names such a system by the folder of its template, `sdk/templates/LANGUAGE`.

use anyhow::{Result, ensure};
use atoll::home::Home;
use atoll::project::{build, new, system};
use atoll::{DEFAULT_SYSTEM, test, toolchains};
use atoll_scenarios::Skip;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the templates are, from the repository's root.
const TEMPLATES: &str = "sdk/templates";
/// The name of all projects.
const NAME: &str = "blink";

/// The language whose template a system is named after.
pub(crate) fn language_of(system: &Path) -> Option<&str> {
    system.strip_prefix(TEMPLATES).ok()?.to_str()
}

/// Makes and builds the project of a language, runs its tests, and gives the description of the default system with
/// it.
///
/// # Errors
/// [`Skip`] if its toolchain is not there, and whatever fails.
pub(crate) fn description(home: &Home, language: &str) -> Result<PathBuf> {
    if let Some(missing) = missing(language) {
        return Err(missing.into());
    }
    let projects = home.target.join("projects");
    let parent = projects.join(language);
    if parent.exists() {
        fs::remove_dir_all(&parent)?;
    }
    let project = new::new(home, &parent, NAME, language)?;
    build::build(home, &project, &projects.join("cargo"))?;
    for verdict in test::test(home, &project)? {
        let script = verdict.script.display();
        ensure!(verdict.failure.is_none(), "{script}: {}", verdict.failure.unwrap_or_default());
    }
    system::write(&project, &home.root.join(DEFAULT_SYSTEM))
}

/// Why a scenario has to do without the project of a language.
fn missing(language: &str) -> Option<Skip> {
    match language {
        "c" if toolchains::wasi_sysroot().is_err() => {
            Some(Skip("there is no C library for WebAssembly: `make setup` installs it".into()))
        }
        _ => None,
    }
}
