//! `cargo xtask projects`: systems with projects that are made from the templates and built as a
//! user would.
//!
//! A scenario names such a system by the folder of its template, `sdk/templates/LANGUAGE` or
//! `sdk/templates/programs/LANGUAGE`, or by the tutorial, `PAGE/LANGUAGE/EDITS`: with so many of the
//! edits that the page has. It is skipped if the language's toolchain is not there; the command
//! installs it first.

use crate::check;
use crate::measure::{self, Row, Subject};
use anyhow::{Context, Result, ensure};
use atoll::files::read_text;
use atoll::home::Home;
use atoll::project::new::{self, Kind};
use atoll::project::{Missing, Project, build, system};
use atoll::{DEFAULT_SYSTEM, test};
use atoll_scenarios::guide::{Step, TUTORIAL, steps};
use atoll_scenarios::{Images, Scenario, Skip, scenarios};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The name of all servers.
const NAME: &str = "blink";
/// The name of all programs.
const PROGRAM: &str = "count";

/// Held while a project is built: all of them share cargo's folder, where their modules have one
/// name.
static BUILDING: Mutex<()> = Mutex::new(());

/// A project as the name of a system says it.
pub(crate) struct Named<'a> {
    kind: Kind,
    language: &'a str,
    /// How many edits of the tutorial it has; none if it is the template's.
    edits: Option<usize>,
}

/// What a system's name says, if it names one with a project.
pub(crate) fn named(system: &Path) -> Option<Named<'_>> {
    // Programs first: their folder is in that of the others.
    for kind in [Kind::Program, Kind::Server] {
        if let Ok(language) = system.strip_prefix(kind.templates()) {
            return Some(Named { kind, language: language.to_str()?, edits: None });
        }
    }
    let (language, edits) = system.strip_prefix(TUTORIAL).ok()?.to_str()?.split_once('/')?;
    Some(Named { kind: Kind::Server, language, edits: Some(edits.parse().ok()?) })
}

/// Which languages.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// All that there are templates for if none is named
    languages: Vec<String>,
}

/// Builds the projects, boots each in a system of its own, measures it, and prints a table.
pub(crate) fn projects(home: &Home, options: &Options) -> Result<()> {
    let languages = match options.languages.as_slice() {
        [] => new::languages(home, Kind::Server)?,
        some => some.to_vec(),
    };
    let mut failed = 0;
    let mut wanted = Vec::new();
    for language in &languages {
        let named = Named { kind: Kind::Server, language, edits: None };
        match make(home, &named).and_then(|project| build(home, &project)) {
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
        system: Path::new(Kind::Server.templates()).join(language),
        server: NAME,
        client: "lamp -b",
        readings: ["blink-16", "brightness"],
        transcript: folder(home, language).join("measured.log"),
    };
    measure::measure(images, subject)
}

/// Makes and builds a project, runs its tests, and gives the description of the default system with
/// it.
///
/// # Errors
/// [`Skip`] if its toolchain is not there, and whatever fails.
pub(crate) fn description(home: &Home, named: &Named<'_>) -> Result<PathBuf> {
    let _building = BUILDING.lock().ok().context("the build of a project failed")?;
    let project = make(home, named)?;
    match build::missing(home, &project) {
        None => {}
        Some(Missing::Distribution(why)) => return Err(Skip(why).into()),
        Some(Missing::Download(what)) => {
            let by = format!("`cargo xtask projects {}` installs it", named.language);
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

/// Makes a project anew.
fn make(home: &Home, named: &Named<'_>) -> Result<Project> {
    let parent = match (named.edits, named.kind) {
        (None, Kind::Server) => folder(home, named.language),
        (None, Kind::Program) => folder(home, "programs").join(named.language),
        (Some(_), _) => folder(home, "tutorial").join(named.language),
    };
    if parent.exists() {
        fs::remove_dir_all(&parent)?;
    }
    let name = match named.kind {
        Kind::Server => NAME,
        Kind::Program => PROGRAM,
    };
    let project = new::new(home, &parent, name, named.kind, named.language)?;
    let Some(edits) = named.edits else { return Ok(project) };
    edit(&project.folder, &read_text(&home.root.join(TUTORIAL))?, edits)?;
    // The edits may have changed how it is built.
    Project::find(&project.folder)
}

/// Makes the first edits of a page; those of files that the project does not have are for projects
/// in other languages.
fn edit(folder: &Path, page: &str, count: usize) -> Result<()> {
    let edits = steps(page).into_iter().filter_map(|step| match step {
        Step::Edit { file, change } => Some((folder.join(file), change)),
        Step::Session(_) => None,
    });
    for (path, change) in edits.take(count).filter(|(path, _)| path.is_file()) {
        let text = change.apply(&read_text(&path)?).with_context(|| path.display().to_string())?;
        fs::write(&path, text)?;
    }
    Ok(())
}

fn build(home: &Home, project: &Project) -> Result<()> {
    build::build(home, project, &home.target.join("projects/cargo")).map(drop)
}

/// Where the project of a language is made.
fn folder(home: &Home, language: &str) -> PathBuf {
    home.target.join("projects").join(language)
}
