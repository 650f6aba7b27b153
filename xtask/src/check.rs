//! Tests: format, lints, host tests and scenarios.

use crate::{book, conformance, foreign, fuzz, inject, programs, projects, rooms, variants, wit};
use anyhow::{Context, Result, anyhow, bail};
use atoll::built::Built;
use atoll::home::Home;
use atoll::process::run;
use atoll::{artifacts, components};
use atoll_scenarios::{Scenario, Summary, scenarios as all};
use std::process::Command;
use std::thread;

/// Images for scenarios, those with foreign servers, programs and projects among them.
pub(crate) fn built(home: &Home) -> Result<Built<'_>> {
    Built::new(home, |home, system| match projects::named(system) {
        Some(project) => projects::description(home, &project),
        None if programs::are_in(system) => programs::description(home),
        None => foreign::description(home, system),
    })
}

/// Prints name and purpose of every scenario.
pub(crate) fn list_scenarios() {
    for scenario in all::all() {
        println!("{:24} {}", scenario.name, scenario.about);
    }
}

/// Runs the scenarios whose names begin with one of `names`, or all.
pub(crate) fn scenarios(home: &Home, names: &[String]) -> Result<()> {
    for name in names {
        if !all::all().iter().any(|scenario| scenario.name.starts_with(name.as_str())) {
            bail!("there is no scenario `{name}`; `cargo xtask scenario --list` lists them");
        }
    }
    let wanted = |scenario: &&Scenario| {
        names.is_empty() || names.iter().any(|name| scenario.name.starts_with(name.as_str()))
    };
    report(run_scenarios(home, &all::all().into_iter().filter(wanted).collect::<Vec<_>>())?)
}

fn run_scenarios(home: &Home, scenarios: &[&Scenario]) -> Result<Summary> {
    let built = built(home)?;
    atoll_scenarios::run(scenarios, &built, &home.target.join("scenarios"))
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
pub(crate) fn test(home: &Home) -> Result<()> {
    atoll::wit::fill_deps(home)?;
    let mut summary = thread::scope(|scope| {
        // Linking and testing often keep one processor busy, and leave the other to this.
        let built = scope.spawn(|| prepare(home));
        let mut summary = read(home);
        summary.add(host(home)?);
        let built = built.join().unwrap_or_else(|_| Err(anyhow!("building panicked")));
        summary.add(count("building", built));
        anyhow::Ok(summary)
    })?;
    println!("== fuzzing");
    match fuzz::bounded(home) {
        Ok(targets) => summary.add(targets),
        Err(error) => summary.add(count("fuzzing", Err(error))),
    }
    println!("== faults");
    summary.add(inject::test(home));
    println!("== conformance");
    match conformance::test(home) {
        Ok(conformance) => summary.add(conformance),
        Err(error) => summary.add(count("conformance", Err(error))),
    }
    println!("== scenarios");
    match run_scenarios(home, &all::all()) {
        Ok(scenarios) => summary.add(scenarios),
        Err(error) => summary.add(count("scenarios", Err(error))),
    }
    report(summary)
}

/// The checks that read and run nothing.
fn read(home: &Home) -> Summary {
    let mut summary = Summary::default();
    let steps: [(&str, &dyn Fn() -> Result<()>); 4] = [
        ("format", &|| fmt(home, true)),
        ("interfaces", &|| wit::check(home)),
        ("book", &|| book::check(home)),
        ("lints", &|| clippy(home)),
    ];
    for (name, step) in steps {
        println!("== {name}");
        summary.add(count(name, step()));
    }
    summary
}

/// The tests on the host.
fn host(home: &Home) -> Result<Summary> {
    println!("== rooms");
    rooms::print(home)?;
    // The runtime's tests run servers of this repository and foreign ones, if they are there.
    components::build(home)?;
    foreign::prepare(home)?;
    println!("== host tests");
    host_tests(home)
}

/// Builds what the later tests boot and run, which most of all takes time.
fn prepare(home: &Home) -> Result<()> {
    artifacts::build(home, true)?;
    artifacts::build(home, false)?;
    variants::build_conformance(home)?;
    fuzz::prepare(home)?;
    inject::prepare(home)
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
fn host_tests(home: &Home) -> Result<Summary> {
    // The domain image is a program for bare machines; its library is tested on the host.
    let groups: [&[&str]; 2] =
        [&["--workspace", "--exclude", "atoll-image"], &["--package", "atoll-image", "--lib"]];
    let mut summary = Summary::default();
    for group in groups {
        summary.add(host_test(home, group)?);
    }
    println!("host tests: {} passed, {} failed", summary.passed, summary.failed);
    Ok(summary)
}

fn host_test(home: &Home, packages: &[&str]) -> Result<Summary> {
    let mut cargo = home.plain_cargo("test");
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
pub(crate) fn fmt(home: &Home, check: bool) -> Result<()> {
    let mut cargo = home.plain_cargo("fmt");
    cargo.arg("--all");
    if check {
        cargo.args(["--", "--check", "-l"]);
    }
    run(&mut cargo)
}

/// Runs the lints on everything, each package for the machine that it is for.
pub(crate) fn clippy(home: &Home) -> Result<()> {
    atoll::wit::fill_deps(home)?;
    let host = ["--workspace", "--exclude", "atoll-image", "--all-targets"].map(str::to_owned);
    let all = [
        host.to_vec(),
        artifacts::bare_arguments(home)?,
        variants::probe_arguments(home)?,
        artifacts::runtime_arguments(true),
        variants::conformance_arguments(),
        components::lint_arguments(home)?,
    ];
    for arguments in all.into_iter().chain(components::sdk_arguments(home)?) {
        let mut cargo: Command = home.plain_cargo("clippy");
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
