//! The table and the JSON file.

use crate::measure::{Times, quantile};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What one case took on each host.
#[derive(Debug)]
pub(crate) struct Figure {
    case: String,
    times: Vec<Option<Times>>,
}

/// How many times as long as Atoll a host takes: median and quartiles over the rounds.
#[derive(Clone, Copy, Debug)]
struct Ratio {
    low: f64,
    median: f64,
    high: f64,
}

impl Figure {
    /// Times of Atoll, then of the others.
    pub(crate) fn new(case: String, times: Vec<Option<Times>>) -> Self {
        Self { case, times }
    }

    /// One for each host but Atoll.
    fn ratios(&self) -> Vec<Option<Ratio>> {
        let Some((Some(own), others)) = self.times.split_first() else { return Vec::new() };
        let ratio = |times: &Option<Times>| {
            let ratios: Vec<f64> =
                times.as_ref()?.iter().zip(own).map(|(theirs, own)| theirs / own).collect();
            let [low, median, high] = [0.25, 0.5, 0.75].map(|part| quantile(&ratios, part));
            Some(Ratio { low, median, high })
        };
        others.iter().map(ratio).collect()
    }
}

/// The ratios, in Markdown.
pub(crate) fn table(hosts: &[&str], figures: &[Figure]) -> String {
    let mut text = String::from("| case |");
    let others = hosts.get(1..).unwrap_or_default();
    for host in others {
        let _ = write!(text, " {host} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(others.len()));
    text.push('\n');
    for figure in figures {
        let _ = write!(text, "| {} |", figure.case);
        for ratio in figure.ratios() {
            let _ = match ratio {
                Some(Ratio { low, median, high }) => {
                    write!(text, " {} ({}–{}) |", short(median), short(low), short(high))
                }
                None => write!(text, " – |"),
            };
        }
        text.push('\n');
    }
    text
}

/// Three digits.
fn short(value: f64) -> String {
    match value {
        value if value >= 99.5 => format!("{value:.0}"),
        value if value >= 9.95 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Ratios, and the median nanoseconds that they come from.
pub(crate) fn json(hosts: &[&str], figures: &[Figure]) -> Value {
    let figure = |figure: &Figure| {
        let ratio =
            |Ratio { low, median, high }| json!({ "low": low, "median": median, "high": high });
        let times = figure.times.iter().map(|times| Some(quantile(times.as_ref()?, 0.5)));
        json!({
            "case": figure.case,
            "ratios": figure.ratios().into_iter().map(|known| known.map(ratio)).collect::<Vec<_>>(),
            "median_ns": times.collect::<Vec<_>>(),
        })
    };
    json!({ "hosts": hosts, "figures": figures.iter().map(figure).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::{Figure, table};

    #[test]
    fn ratios_are_those_of_one_round() {
        let times = vec![Some(vec![1.0, 2.0, 4.0]), Some(vec![3.0, 6.0, 12.0]), None];
        let figure = Figure::new("u32".into(), times);
        let table = table(&["Atoll", "a", "b"], &[figure]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines,
            ["| case | a | b |", "|---|---:|---:|", "| u32 | 3.00 (3.00–3.00) | – |"]
        );
    }
}
