//! `cargo xtask foreign`: servers built by the toolchains of other languages, in booted systems.
//!
//! The same small server, `atoll:testing/tally`, is written in each [`language`], built as its
//! toolchain's documentation says ([`build`], with [`atoll::downloads`] from package registries), and run by
//! the scenario `foreign-LANGUAGE`. [`measure`] boots it once more, counting.

mod build;
mod language;

use crate::check;
use crate::measure::{self, Subject};
use anyhow::Result;
use atoll::DEFAULT_SYSTEM;
use atoll::files::write_if_changed;
use atoll::home::Home;
use atoll::toolchains;
use atoll_scenarios::{Scenario, Skip, Summary, scenarios};
use language::Language;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The program that checks the servers, as a part of a system description.
const AUDITOR: &str = "tests/foreign/auditor.toml";

/// Which languages.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// All if none is named
    languages: Vec<Language>,
    /// Only builds the components
    #[arg(long)]
    build: bool,
}

/// Builds the components, boots each in a system of its own, measures it, and prints a table.
pub(crate) fn foreign(home: &Home, options: &Options) -> Result<()> {
    let languages = match options.languages.as_slice() {
        [] => &Language::ALL[..],
        some => some,
    };
    let mut failed = 0;
    let mut wanted = Vec::new();
    for &language in languages {
        match build::build(home, language) {
            Ok(()) => wanted.push(language),
            Err(error) => {
                eprintln!("the server in {} was not built: {error:#}", language.title());
                failed += 1;
            }
        }
    }
    if options.build || wanted.is_empty() {
        return check::report(Summary { passed: wanted.len(), failed, skipped: 0 });
    }
    let built = check::built(home)?;
    let folder = home.target.join("scenarios");
    let mut summary = atoll_scenarios::run(&scenarios_of(&wanted), &built, &folder)?;
    let rows = wanted.iter().filter_map(|&language| {
        let row = measure::measure(&built, subject(home, language));
        row.inspect_err(|error| eprintln!("{} was not measured: {error:#}", language.title())).ok()
    });
    print!("{}", measure::table(&rows.collect::<Vec<_>>()));
    summary.failed += failed;
    check::report(summary)
}

fn subject(home: &Home, language: Language) -> Subject {
    Subject {
        title: language.title().to_owned(),
        component: language.component(home),
        system: language.system(),
        server: "tally",
        client: "auditor bench",
        readings: ["sum-16", "method"],
        transcript: home.target.join("foreign").join(format!("{}.log", language.name())),
    }
}

fn scenarios_of(languages: &[Language]) -> Vec<&'static Scenario> {
    let is_wanted = |scenario: &&Scenario| {
        let language = scenario.name.strip_prefix("foreign-");
        language.is_some_and(|name| languages.iter().any(|language| language.name() == name))
    };
    scenarios::all().into_iter().filter(is_wanted).collect()
}

/// The description of a system that is named to [`Built`]: the file itself or, for a foreign
/// server's lines, one that adds them and the program that checks it to the default system. Its
/// component is there afterwards.
///
/// # Errors
/// [`atoll_scenarios::Skip`] if the component takes a toolchain that has to be downloaded first.
pub(crate) fn description(home: &Home, system: &Path) -> Result<PathBuf> {
    let Some(language) = Language::of_system(system) else { return Ok(home.root.join(system)) };
    provide(home, language)?;
    let mut text = String::new();
    for part in [DEFAULT_SYSTEM.as_ref(), AUDITOR.as_ref(), system] {
        text.push_str(&fs::read_to_string(home.root.join(part))?);
    }
    let path = home.target.join("foreign").join(format!("{}.toml", language.name()));
    write_if_changed(&path, text.as_bytes())?;
    Ok(path)
}

/// Builds what is built for every test run, and removes components that are not of the present
/// sources, so that nobody tests them.
pub(crate) fn prepare(home: &Home) -> Result<()> {
    for language in Language::ALL {
        match provide(home, language) {
            Err(error) if error.is::<Skip>() => match fs::remove_file(language.component(home)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            },
            other => other?,
        }
    }
    Ok(())
}

fn provide(home: &Home, language: Language) -> Result<()> {
    let has_toolchain = match language {
        Language::C => toolchains::wasi_sysroot().is_ok(),
        _ => language.is_at_hand(),
    };
    let is_current = build::is_current(home, language, &language.inputs(home)?);
    match (is_current, has_toolchain) {
        (true, _) => Ok(()),
        (false, true) => build::build(home, language),
        (false, false) => Err(language.missing().into()),
    }
}
