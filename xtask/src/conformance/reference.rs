//! The core specification's suite by wasmi's own runner, against ours.
//!
//! The runner is a program in a workspace of its own (`tests/core-reference`), because it turns on
//! features of wasmi that Atoll does without. It says for each file whether all of it passes, with
//! the proposals that Atoll's engine carries out and with all of wasmi's. A file must pass here if
//! and only if it passes there under the former; a file that passes there under the latter alone
//! is one of those that Atoll has chosen to do without.

use super::report::Report;
use super::{list, output};
use anyhow::{Context, Result, ensure};
use atoll::home::Home;
use atoll::process::{run, step};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What wasmi's runner says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    ours: bool,
    all: bool,
    why: String,
}

/// Prints and counts the files on which the two runners do not agree, but for those whose reason
/// is known.
pub(super) fn differences(home: &Home, host: &Report) -> Result<usize> {
    let target = home.target.join("reference");
    let folder = home.root.join("tests/core-reference");
    step("building wasmi's own runner");
    let mut build = home.plain_cargo("build");
    run(build.args(["--quiet", "--locked"]).current_dir(&folder).env("CARGO_TARGET_DIR", &target))?;
    let verdicts = verdicts(&output(&mut Command::new(target.join("debug/core-reference")))?)?;
    let excused = listed(&read(&list(home, "core.txt"))?);
    let known = listed(&read(&list(home, "core-differences.txt"))?);
    let mut wrong = Vec::new();
    for (name, verdict) in &verdicts {
        // What is on the not-yet list was seen to fail.
        let passes = host.passes(name) == Some(true) && !excused.contains(name);
        if (passes != verdict.ours) != known.contains(name) {
            let word = |passes| if passes { "passes" } else { "fails" };
            wrong.push(format!(
                "{name} {} here and {} there: {}",
                word(passes),
                word(verdict.ours),
                verdict.why
            ));
        }
    }
    let missing = host.files.keys().filter(|name| !verdicts.contains_key(*name));
    wrong.extend(missing.map(|name| format!("{name} is not there")));
    wrong.iter().for_each(|line| println!("  {line}"));
    println!("{}", summary(&verdicts, wrong.len()));
    Ok(wrong.len())
}

fn summary(verdicts: &BTreeMap<String, Verdict>, wrong: usize) -> String {
    let count = |wanted: fn(&Verdict) -> bool| verdicts.values().filter(|v| wanted(v)).count();
    format!(
        "core by wasmi's own runner: {} of {} files pass, {} unexplained differences; with all of \
         wasmi's proposals, {} more would",
        count(|verdict| verdict.ours),
        verdicts.len(),
        wrong,
        count(|verdict| verdict.all && !verdict.ours),
    )
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The files that a list names.
fn listed(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Reads `reference NAME OURS ALL [WHY]`.
fn verdicts(text: &str) -> Result<BTreeMap<String, Verdict>> {
    let mut verdicts = BTreeMap::new();
    for line in text.lines() {
        let Some(said) = line.strip_prefix("reference ") else { continue };
        let mut words = said.splitn(4, ' ');
        let mut word = || words.next().with_context(|| format!("not understood: {line}"));
        let (name, ours, all) = (word()?, word()? == "passes", word()? == "passes");
        let why = words.next().unwrap_or_default().trim().to_owned();
        verdicts.insert(name.to_owned(), Verdict { ours, all, why });
    }
    ensure!(!verdicts.is_empty(), "wasmi's runner said nothing");
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read() {
        let text = "print: 1\nreference a.wast passes passes \nreference b.wast fails passes no SIMD here\n";
        let verdicts = verdicts(text).expect("verdicts");
        assert_eq!(verdicts["a.wast"], Verdict { ours: true, all: true, why: String::new() });
        let why = "no SIMD here".to_owned();
        assert_eq!(verdicts["b.wast"], Verdict { ours: false, all: true, why });
        assert!(super::verdicts("reference a.wast passes\n").is_err());
        assert!(super::verdicts("").is_err());
    }
}
