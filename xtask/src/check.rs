//! Tests: format, lints, host tests and scenarios.

use crate::project::{Project, run};
use crate::{artifacts, components, conformance, foreign, fuzz, image, inject, rooms, wit};
use anyhow::{Context, Result, bail};
use atoll_scenarios::{Images, Scenario, Summary, scenarios as all};
use atoll_system_description::DESCRIPTION_MODULE;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Images for scenarios, from artifacts that are built once.
pub(crate) struct Built<'a> {
    project: &'a Project,
    components: PathBuf,
    /// Native artifacts, without and with test interfaces, as they are asked for.
    artifacts: Mutex<HashMap<bool, artifacts::Artifacts>>,
}

impl<'a> Built<'a> {
    /// Builds the components.
    pub(crate) fn new(project: &'a Project) -> Result<Self> {
        let components = components::build(project)?;
        Ok(Self { project, components, artifacts: Mutex::default() })
    }

    /// The native parts.
    pub(crate) fn native(&self, testing: bool) -> Result<artifacts::Artifacts> {
        let mut built = self.artifacts.lock().ok().context("a build failed")?;
        if let Some(artifacts) = built.get(&testing) {
            return Ok(artifacts.clone());
        }
        let artifacts = artifacts::build(self.project, testing)?;
        built.insert(testing, artifacts.clone());
        Ok(artifacts)
    }

    fn image(&self, system: &Path, testing: bool) -> Result<atoll_iso::Image> {
        let system = foreign::description(self.project, system)?;
        let artifacts = self.native(testing)?;
        image::assemble(self.project, &artifacts, &self.components, &system)
    }
}

impl Images for Built<'_> {
    fn archive(
        &self,
        system: &Path,
        description: Option<&Path>,
        testing: bool,
    ) -> Result<(PathBuf, PathBuf)> {
        let mut image = self.image(system, testing)?;
        let given = description.map(|path| self.project.root.join(path));
        let modules = image.modules.iter_mut();
        for module in modules.filter(|module| module.name == DESCRIPTION_MODULE) {
            module.path = given.clone().unwrap_or_else(|| module.path.clone());
        }
        let name = description.unwrap_or(system);
        Ok((image.shim.clone(), image::write_archive(self.project, &image, name, testing)?))
    }

    fn iso(&self, system: &Path, append: &str, output: &Path) -> Result<()> {
        let mut image = self.image(system, false)?;
        append.clone_into(&mut image.append);
        image::write_iso(&image, None, output)
    }

    fn components(&self) -> Result<&Path> {
        Ok(&self.components)
    }

    fn limine_iso(&self, system: &Path, append: &str, limine: &Path, output: &Path) -> Result<()> {
        let mut image = self.image(system, false)?;
        append.clone_into(&mut image.append);
        image::write_iso(&image, Some(limine), output)
    }
}

/// Prints name and purpose of every scenario.
pub(crate) fn list_scenarios() {
    for scenario in all::all() {
        println!("{:24} {}", scenario.name, scenario.about);
    }
}

/// Runs the scenarios whose names begin with one of `names`, or all.
pub(crate) fn scenarios(project: &Project, names: &[String]) -> Result<()> {
    for name in names {
        if !all::all().iter().any(|scenario| scenario.name.starts_with(name.as_str())) {
            bail!("there is no scenario `{name}`; `cargo xtask scenario --list` lists them");
        }
    }
    let wanted = |scenario: &&Scenario| {
        names.is_empty() || names.iter().any(|name| scenario.name.starts_with(name.as_str()))
    };
    report(run_scenarios(project, &all::all().into_iter().filter(wanted).collect::<Vec<_>>())?)
}

fn run_scenarios(project: &Project, scenarios: &[&Scenario]) -> Result<Summary> {
    let built = Built::new(project)?;
    atoll_scenarios::run(scenarios, &built, &project.target.join("scenarios"))
}

/// Prints the one line that sums up, last and alone.
pub(crate) fn report(summary: Summary) -> Result<()> {
    println!("{} passed, {} failed, {} skipped", summary.passed, summary.failed, summary.skipped);
    match summary.failed {
        0 => Ok(()),
        _ => std::process::exit(1),
    }
}

/// Runs everything and counts it; a step that fails does not keep the others from running.
pub(crate) fn test(project: &Project) -> Result<()> {
    let mut summary = Summary::default();
    let steps: [(&str, &dyn Fn() -> Result<()>); 3] = [
        ("format", &|| fmt(project, true)),
        ("interfaces", &|| wit::check(project)),
        ("lints", &|| clippy(project)),
    ];
    for (name, step) in steps {
        println!("== {name}");
        summary.add(count(name, step()));
    }
    println!("== rooms");
    rooms::print(project)?;
    // The runtime's tests run servers of this repository and foreign ones, if they are there.
    components::build(project)?;
    foreign::prepare(project)?;
    println!("== host tests");
    summary.add(host_tests(project)?);
    println!("== fuzzing");
    match fuzz::bounded(project) {
        Ok(targets) => summary.add(targets),
        Err(error) => summary.add(count("fuzzing", Err(error))),
    }
    println!("== faults");
    summary.add(inject::test(project));
    println!("== conformance");
    match conformance::test(project) {
        Ok(conformance) => summary.add(conformance),
        Err(error) => summary.add(count("conformance", Err(error))),
    }
    println!("== scenarios");
    match run_scenarios(project, &all::all()) {
        Ok(scenarios) => summary.add(scenarios),
        Err(error) => summary.add(count("scenarios", Err(error))),
    }
    report(summary)
}

fn count(name: &str, result: Result<()>) -> Summary {
    match result {
        Ok(()) => Summary { passed: 1, ..Summary::default() },
        Err(error) => {
            println!("{name}: FAILED: {error:#}");
            Summary { failed: 1, ..Summary::default() }
        }
    }
}

/// Runs the tests of all packages that have any on the host, and adds up what they report.
fn host_tests(project: &Project) -> Result<Summary> {
    // The domain image is a program for bare machines; its library is tested on the host.
    let groups: [&[&str]; 2] =
        [&["--workspace", "--exclude", "atoll-image"], &["--package", "atoll-image", "--lib"]];
    let mut summary = Summary::default();
    for group in groups {
        summary.add(host_test(project, group)?);
    }
    println!("host tests: {} passed, {} failed", summary.passed, summary.failed);
    Ok(summary)
}

fn host_test(project: &Project, packages: &[&str]) -> Result<Summary> {
    let mut cargo = project.plain_cargo("test");
    cargo.args(["--quiet", "--no-fail-fast"]).args(packages);
    let output =
        cargo.stderr(std::process::Stdio::inherit()).output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut summary = counted(&text);
    if !output.status.success() {
        print!("{text}");
        // Without a failed test it did not even build.
        summary.failed = summary.failed.max(1);
    }
    Ok(summary)
}

/// Adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
fn counted(text: &str) -> Summary {
    let mut summary = Summary::default();
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        let number = |what: &str| {
            let part = line.split(['.', ';']).find(|part| part.trim_end().ends_with(what));
            part.and_then(|part| part.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0)
        };
        summary.add(Summary {
            passed: number("passed"),
            failed: number("failed"),
            skipped: number("ignored"),
        });
    }
    summary
}

/// Formats all packages, or says what is not formatted.
pub(crate) fn fmt(project: &Project, check: bool) -> Result<()> {
    let mut cargo = project.plain_cargo("fmt");
    cargo.arg("--all");
    if check {
        cargo.args(["--", "--check", "-l"]);
    }
    run(&mut cargo)
}

/// Runs the lints on everything, each package for the machine that it is for.
pub(crate) fn clippy(project: &Project) -> Result<()> {
    wit::fill_deps(project)?;
    let host = ["--workspace", "--exclude", "atoll-image", "--all-targets"].map(str::to_owned);
    let all = [
        host.to_vec(),
        artifacts::bare_arguments()?,
        artifacts::probe_arguments()?,
        artifacts::runtime_arguments(true),
        artifacts::conformance_arguments(),
        components::lint_arguments(project)?,
    ];
    for arguments in all {
        let mut cargo: Command = project.plain_cargo("clippy");
        run(cargo.arg("--quiet").args(arguments).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_packages_are_added_up() {
        let text = "running 3 tests\n...\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(counted(text), Summary { passed: 13, failed: 2, skipped: 1 });
        assert_eq!(counted(""), Summary::default());
    }
}
