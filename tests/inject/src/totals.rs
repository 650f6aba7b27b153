//! What a campaign counts, as a table that can be kept in a file and added to.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class {
    /// The fault, in words.
    pub(crate) fault: String,
    /// The server.
    pub(crate) server: String,
    /// Whether it was activated: `yes`, `no` or `unknown`.
    pub(crate) activated: String,
    /// What came of it.
    pub(crate) outcome: String,
    /// Whether the server worked again afterwards, by itself: `yes`, `no`, or `-` where it had not
    /// ended.
    pub(crate) recovered: String,
}

/// Counts of a campaign, and what it must not have met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The injection that is next.
    pub(crate) next: u64,
    /// Right answers to the pair beside, in whole systems.
    pub(crate) answered: u64,
    counts: BTreeMap<Class, u64>,
    /// Injections that show a fault of Atoll, with words.
    pub(crate) failures: Vec<(u64, String)>,
}

/// What separates fields in a file.
const SEPARATOR: char = '\t';

impl Totals {
    /// Counts an injection.
    pub(crate) fn count(&mut self, class: Class) {
        *self.counts.entry(class).or_default() += 1;
    }

    /// The number of injections of which something is so.
    pub(crate) fn sum(&self, is: impl Fn(&Class) -> bool) -> u64 {
        self.counts.iter().filter(|(class, _)| is(class)).map(|(_, count)| count).sum()
    }

    /// Different values of a field, in order.
    pub(crate) fn values(&self, field: impl Fn(&Class) -> String) -> Vec<String> {
        let mut values: Vec<String> = self.counts.keys().map(field).collect();
        values.sort();
        values.dedup();
        values
    }

    /// Writes the table; whoever reads meanwhile sees the old one or this.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let mut text = format!("next{SEPARATOR}{}\n", self.next);
        for (class, count) in &self.counts {
            let Class { fault, server, activated, outcome, recovered } = class;
            let fields = [fault, server, activated, outcome, recovered].map(String::as_str);
            writeln!(text, "count{SEPARATOR}{count}{SEPARATOR}{}", fields.join("\t"))?;
        }
        for (injection, what) in &self.failures {
            let what = what.replace(['\n', SEPARATOR], " ");
            writeln!(text, "failure{SEPARATOR}{injection}{SEPARATOR}{what}")?;
        }
        let draft = path.with_extension("draft");
        fs::write(&draft, text).with_context(|| format!("cannot write {}", draft.display()))?;
        fs::rename(&draft, path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads what was saved.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut totals = Self::default();
        for line in text.lines() {
            totals.read_line(line).with_context(|| format!("not understood: {line}"))?;
        }
        Ok(totals)
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split(SEPARATOR).collect();
        match fields.as_slice() {
            ["next", next] => self.next = next.parse().ok()?,
            ["count", count, fault, server, activated, outcome, recovered] => {
                let [fault, server, activated, outcome, recovered] =
                    [fault, server, activated, outcome, recovered].map(|text| (*text).to_owned());
                let class = Class { fault, server, activated, outcome, recovered };
                *self.counts.entry(class).or_default() += count.parse::<u64>().ok()?;
            }
            ["failure", injection, what] => {
                self.failures.push((injection.parse().ok()?, (*what).to_owned()));
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Totals};

    #[test]
    fn what_is_saved_is_read_again() {
        let class = |outcome: &str| Class {
            fault: "constant".into(),
            server: "store".into(),
            activated: "yes".into(),
            outcome: outcome.into(),
            recovered: "-".into(),
        };
        let mut totals = Totals { next: 7, ..Totals::default() };
        totals.count(class("no effect"));
        totals.count(class("no effect"));
        totals.count(class("crashed: hung"));
        totals.failures.push((3, "it\tpanicked\nthere".into()));
        let path = std::env::temp_dir().join(format!("totals-{}", std::process::id()));
        totals.save(&path).expect("saved");
        let read = Totals::load(&path).expect("read");
        std::fs::remove_file(&path).expect("there");
        assert_eq!(read.next, 7);
        assert_eq!(read.sum(|class| class.outcome == "no effect"), 2);
        assert_eq!(read.values(|class| class.outcome.clone()).len(), 2);
        assert_eq!(read.failures, [(3, "it panicked there".into())]);
    }
}
