//! The not-yet list: which directives do not pass, and why.
//!
//! A line is `FILE LINES REASON`; `LINES` are those in which the directives begin, `12,40-60`, or
//! `all` for a file that means nothing without the directives that do not pass. What begins with
//! `#` is a comment.

use anyhow::{Context, Result, ensure};
use atoll_conformance::script::{Excuse, File};
use std::collections::{BTreeMap, BTreeSet};

/// The lines of the list by file.
#[derive(Debug, Default)]
pub(crate) struct NotYet(BTreeMap<&'static str, Vec<Excuse<'static>>>);

impl NotYet {
    /// Reads a list.
    pub(crate) fn read(text: &'static str) -> Result<Self> {
        let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (file, excuses) = entry(line).with_context(|| format!("line {number}"))?;
            files.entry(file).or_default().extend(excuses);
        }
        Ok(Self(files))
    }

    /// What the list says of a file.
    pub(crate) fn take(&mut self, file: &str) -> Vec<Excuse<'static>> {
        self.0.remove(file).unwrap_or_default()
    }

    /// The files that nobody has asked for.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

fn entry(line: &'static str) -> Result<(&'static str, Vec<Excuse<'static>>)> {
    let mut words = line.splitn(3, ' ');
    let word = |word: Option<&'static str>| {
        word.filter(|word| !word.trim().is_empty()).context("expected FILE LINES REASON")
    };
    let (file, lines, reason) =
        (word(words.next())?, word(words.next())?, word(words.next())?.trim());
    if lines == "all" {
        return Ok((file, vec![Excuse { lines: None, reason }]));
    }
    let excuse = |range: &'static str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let lines = (first.parse()?, last.parse()?);
        ensure!(lines.0 <= lines.1, "`{range}` is no range of lines");
        Ok(Excuse { lines: Some(lines), reason })
    };
    Ok((file, lines.split(',').map(excuse).collect::<Result<_>>()?))
}

/// What the list would have to say so that a report had no failure, reasons left to whoever knows
/// them. Ranges cover no directive that passes.
pub(crate) fn draft(files: &[File<'_>], report: &[String]) -> Vec<String> {
    let mut failures: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for line in report {
        let Some(failed) = line.strip_prefix("conformance failed ") else { continue };
        let Some((place, why)) = failed.split_once(' ') else { continue };
        let Some((file, line)) = place.rsplit_once(':') else { continue };
        failures.entry(file).or_default().extend(line.parse::<u32>().ok());
        first.entry(file).or_insert(why);
    }
    let drafted = files.iter().filter_map(|file| {
        let failed = failures.get(file.name)?;
        let ranges = ranges(file, failed);
        let all = file.directives.len();
        let why = first.get(file.name).copied().unwrap_or_default();
        Some(format!("{} {ranges} ({} of {all}: {why})", file.name, failed.len()))
    });
    drafted.collect()
}

fn ranges(file: &File<'_>, failed: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut open = false;
    for line in file.directives.iter().map(|directive| directive.line) {
        let fails = failed.contains(&line);
        match ranges.last_mut() {
            Some((_, last)) if fails && open => *last = line,
            _ if fails => ranges.push((line, line)),
            _ => {}
        }
        open = fails;
    }
    let text = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    text.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use atoll_conformance::script::{Action, Directive};

    #[test]
    fn lines_are_read() {
        let mut list =
            NotYet::read("# why\n\na.wast 1,3-5 no reason\na.wast 9 another\nb.wast all x\n")
                .expect("a list");
        let lines = list.take("a.wast").iter().map(|excuse| excuse.lines).collect::<Vec<_>>();
        assert_eq!(lines, [Some((1, 1)), Some((3, 5)), Some((9, 9))]);
        assert_eq!(list.rest().collect::<Vec<_>>(), ["b.wast"]);
        assert_eq!(list.take("b.wast"), [Excuse { lines: None, reason: "x" }]);
        for bad in ["a.wast", "a.wast 1", "a.wast 1 ", "a.wast x why", "a.wast 5-3 why"] {
            assert!(NotYet::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_draft_covers_failures_only() {
        let directives =
            [1, 2, 3, 5, 9].map(|line| Directive { line, action: Action::Text }).to_vec();
        let file = File { name: "a.wast", excuses: vec![], directives };
        let report = [2, 3, 9].map(|line| format!("conformance failed a.wast:{line} no"));
        assert_eq!(draft(&[file], &report), ["a.wast 2-3,9 (3 of 5: no)"]);
    }
}
