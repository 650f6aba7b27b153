//! A report in words.

use super::Report;
use super::needs::Need;
use atoll_runtime::limits::Limit;
use console::style;
use std::fmt::{self, Write as _};

impl Report {
    /// Whether the component runs as it is: nothing is missing, and the runtime has what it uses.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let is_met = |need: &Need| matches!(need, Need::Nothing(_) | Need::Granted);
        let is_enough = self.read.problems.is_empty() && self.read.limits.is_empty();
        is_enough && self.needs.iter().all(|(_, need)| is_met(need))
    }

    /// The lines that would grant what is missing.
    fn missing(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().filter_map(|(_, need)| match need {
            Need::Missing(line) => Some(line.as_str()),
            _ => None,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = &self.read;
        writeln!(
            f,
            "{}: {} bytes, {} core modules, {} KiB of linear memory when it starts",
            self.file,
            read.bytes,
            read.modules,
            read.memory >> 10
        )?;
        for problem in &read.problems {
            writeln!(f, "{}: {problem}", style("does not run").red())?;
        }
        list(f, "exports", read.exports.iter().map(|export| (export.as_str(), String::new())))?;
        list(f, "imports", self.needs.iter().map(|(name, need)| (name.as_str(), words(need))))?;
        f.write_str(&self.advice())
    }
}

impl Report {
    /// What to do about what is missing.
    fn advice(&self) -> String {
        let entry = self.entry.as_ref();
        let place = entry.map_or("its entry".to_owned(), |entry| format!("the entry of `{entry}`"));
        let mut text = String::new();
        let mut missing = self.missing().peekable();
        if missing.peek().is_some() {
            let _ = writeln!(text, "missing in {place}, under `imports`:");
            for line in missing {
                let _ = writeln!(text, "  {line}");
            }
        }
        if !self.read.limits.is_empty() {
            let _ = writeln!(text, "too low in {place}, under `limits`:");
            for (limit, enough) in &self.read.limits {
                let _ = writeln!(text, "  {limit} = {}", value(*limit, *enough));
            }
        }
        text
    }
}

/// The value of a limit as a description writes it.
fn value(limit: Limit, value: u64) -> String {
    match limit {
        Limit::LinearMemory | Limit::ComponentBytes | Limit::StackBytes => {
            format!("\"{} KiB\"", value.div_ceil(1 << 10))
        }
        _ => value.to_string(),
    }
}

fn list<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    lines: impl Iterator<Item = (&'a str, String)> + Clone,
) -> fmt::Result {
    let width = lines.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    if width > 0 {
        writeln!(f, "{title}")?;
    }
    for (name, words) in lines {
        writeln!(f, "{}", format!("  {name:width$}  {words}").trim_end())?;
    }
    Ok(())
}

fn words(need: &Need) -> String {
    match need {
        Need::Nothing(why) => (*why).to_owned(),
        Need::Granted => style("granted").green().to_string(),
        Need::Missing(_) => style("MISSING").red().to_string(),
        Need::Nobody(why) => format!("{}: {why}", style("NOT PROVIDED").red()),
    }
}
