//! `cargo xtask projects`: systems with projects that are made from the templates and built as a
//! user would.
//!
//! A scenario names such a system by the folder of its template, `sdk/templates/LANGUAGE`, and is
//! skipped if the language's toolchain is not there; the command installs it first.

use crate::check;
use crate::measure::{self, Row, Subject};
use anyhow::{Result, ensure};
use atoll::home::Home;
use atoll::project::{Missing, Project, build, new, system};
use atoll::{DEFAULT_SYSTEM, test};
use atoll_scenarios::{Images, Scenario, Skip, scenarios};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the templates are, from the repository's root.
const TEMPLATES: &str = "sdk/templates";
/// The name of all projects.
const NAME: &str = "blink";

/// Which languages.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// All that there are templates for if none is named
    languages: Vec<String>,
}

/// Builds the projects, boots each in a system of its own, measures it, and prints a table.
pub(crate) fn projects(home: &Home, options: &Options) -> Result<()> {
    let languages = match options.languages.as_slice() {
        [] => new::languages(home)?,
        some => some.to_vec(),
    };
    let mut failed = 0;
    let mut wanted = Vec::new();
    for language in &languages {
        match make(home, language).and_then(|project| build(home, &project)) {
            Ok(()) => wanted.push(language.as_str()),
            Err(error) => {
                eprintln!("the project in {language} was not built: {error:#}");
                failed += 1;
            }
        }
    }
    let built = check::built(home)?;
    let folder = home.target.join("scenarios");
    let mut summary = atoll_scenarios::run(&scenarios_of(&wanted), &built, &folder)?;
    summary.failed += failed;
    let rows = wanted.iter().filter_map(|language| {
        let row = measured(home, &built, language);
        row.inspect_err(|error| eprintln!("{language} was not measured: {error:#}")).ok()
    });
    print!("{}", measure::table(&rows.collect::<Vec<_>>()));
    check::report(summary)
}

fn scenarios_of(languages: &[&str]) -> Vec<&'static Scenario> {
    let is_wanted = |scenario: &&Scenario| {
        let language = scenario.name.strip_prefix("project-");
        language.is_some_and(|name| languages.contains(&name))
    };
    scenarios::all().into_iter().filter(is_wanted).collect()
}

fn measured(home: &Home, images: &dyn Images, language: &str) -> Result<Row> {
    let subject = Subject {
        title: language.to_owned(),
        component: folder(home, language).join(NAME).join("build").join(format!("{NAME}.wasm")),
        system: Path::new(TEMPLATES).join(language),
        server: NAME,
        client: "lamp -b",
        readings: ["blink-16", "brightness"],
        transcript: folder(home, language).join("measured.log"),
    };
    measure::measure(images, subject)
}

/// The language whose template a system is named after.
pub(crate) fn language_of(system: &Path) -> Option<&str> {
    system.strip_prefix(TEMPLATES).ok()?.to_str()
}

/// Makes and builds the project of a language, runs its tests, and gives the description of the
/// default system with it.
///
/// # Errors
/// [`Skip`] if its toolchain is not there, and whatever fails.
pub(crate) fn description(home: &Home, language: &str) -> Result<PathBuf> {
    let project = make(home, language)?;
    match build::missing(home, &project) {
        None => {}
        Some(Missing::Distribution(why)) => return Err(Skip(why).into()),
        Some(Missing::Download(what)) => {
            let by = format!("`cargo xtask projects {language}` installs it");
            return Err(Skip(format!("a toolchain is missing ({what}): {by}")).into());
        }
    }
    build(home, &project)?;
    for verdict in test::test(home, &project)? {
        let script = verdict.script.display();
        ensure!(verdict.failure.is_none(), "{script}: {}", verdict.failure.unwrap_or_default());
    }
    system::write(&project, &home.root.join(DEFAULT_SYSTEM))
}

/// Makes the project of a language anew.
fn make(home: &Home, language: &str) -> Result<Project> {
    let parent = folder(home, language);
    if parent.exists() {
        fs::remove_dir_all(&parent)?;
    }
    new::new(home, &parent, NAME, language)
}

fn build(home: &Home, project: &Project) -> Result<()> {
    build::build(home, project, &home.target.join("projects/cargo")).map(drop)
}

/// Where the project of a language is made.
fn folder(home: &Home, language: &str) -> PathBuf {
    home.target.join("projects").join(language)
}
