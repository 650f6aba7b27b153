//! What came of a directive against what the not-yet list says.
//!
//! A directive on the list has to fail: the list never covers more than it has to, so one that
//! passes is a failure, like one that fails and is not on it. Where a whole file is on the list,
//! nothing of it counts, but something of it has to fail.

use alloc::vec::Vec;

use super::Outcome;
use crate::script::Excuse;

/// Said of a listed directive that passes.
const PASSES: &str = "passes, but is on the not-yet list";
/// Said of a line of the list that no directive is on.
const STALE: &str = "nothing here fails, but it is on the not-yet list";

#[derive(Debug)]
pub(super) struct Judge<'a> {
    excuses: &'a [Excuse<'a>],
    /// Which of the excuses were needed.
    used: Vec<bool>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(excuses: &'a [Excuse<'a>]) -> Self {
        Self { excuses, used: excuses.iter().map(|_| false).collect() }
    }

    /// Judges a directive by its line and what came of it.
    pub(super) fn directive(&mut self, line: u32, outcome: Outcome) -> Outcome {
        let mut numbered = self.excuses.iter().zip(&mut self.used);
        let found = numbered.find(|(excuse, _)| {
            excuse.lines.is_none_or(|(first, last)| (first..=last).contains(&line))
        });
        match (found, outcome) {
            (None, outcome) | (Some(_), outcome @ Outcome::Skipped) => outcome,
            (Some((_, used)), Outcome::Failed(_)) => {
                *used = true;
                Outcome::Skipped
            }
            (Some((excuse, _)), Outcome::Passed) if excuse.lines.is_none() => Outcome::Skipped,
            (Some((_, used)), Outcome::Passed) => {
                *used = true;
                Outcome::Failed(PASSES.into())
            }
        }
    }

    /// Judges the excuses that were not needed, each by its first line.
    pub(super) fn stale(&self) -> impl Iterator<Item = (u32, Outcome)> {
        let pairs = self.excuses.iter().zip(&self.used);
        pairs.filter(|(_, used)| !**used).map(|(excuse, _)| {
            let line = excuse.lines.map_or(1, |(first, _)| first);
            (line, Outcome::Failed(STALE.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Outcome {
        Outcome::Failed("why".into())
    }

    #[test]
    fn listed_lines_have_to_fail() {
        let excuses = [Excuse { lines: Some((3, 5)), reason: "?" }];
        let mut judge = Judge::new(&excuses);
        assert_eq!(judge.directive(2, failed()), failed());
        assert_eq!(judge.directive(2, Outcome::Passed), Outcome::Passed);
        assert_eq!(judge.stale().count(), 1);
        assert_eq!(judge.directive(3, failed()), Outcome::Skipped);
        assert_eq!(judge.directive(5, Outcome::Passed), Outcome::Failed(PASSES.into()));
        assert_eq!(judge.stale().count(), 0);
    }

    #[test]
    fn a_listed_file_has_to_fail_somewhere() {
        let excuses = [Excuse { lines: None, reason: "?" }];
        let mut judge = Judge::new(&excuses);
        assert_eq!(judge.directive(1, Outcome::Passed), Outcome::Skipped);
        assert_eq!(judge.directive(2, Outcome::Skipped), Outcome::Skipped);
        assert_eq!(judge.stale().next(), Some((1, Outcome::Failed(STALE.into()))));
        assert_eq!(judge.directive(3, failed()), Outcome::Skipped);
        assert_eq!(judge.stale().next(), None);
    }
}
