//! From readings to figures: names, what they mean, aims.

use super::readings::Readings;
use super::split::Split;
use anyhow::Result;
use serde_json::{Value, json};

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Instructions of the machine.
    Instructions,
    /// One number of instructions over another.
    Ratio,
    /// Seconds of the host.
    Seconds,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// Its name in the JSON file.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) what: &'static str,
    /// The number.
    pub(super) value: f64,
    /// What it counts.
    pub(super) unit: Unit,
    /// What it should be at most.
    pub(super) aim: Option<f64>,
}

impl Figure {
    /// A number of instructions.
    pub(super) const fn instructions(name: &'static str, what: &'static str, value: f64) -> Self {
        Self { name, what, value, unit: Unit::Instructions, aim: None }
    }

    /// Sets the aim.
    pub(super) const fn at_most(mut self, aim: f64) -> Self {
        self.aim = Some(aim);
        self
    }

    /// Whether the aim is reached; `None` without one.
    fn is_reached(&self) -> Option<bool> {
        self.aim.map(|aim| self.value <= aim)
    }

    fn number(&self, value: f64) -> String {
        match self.unit {
            Unit::Instructions => grouped(value.round() as u64),
            Unit::Ratio => format!("{value:.4}"),
            Unit::Seconds => format!("{value:.2} s"),
        }
    }

    fn row(&self) -> String {
        let aim = match (self.aim, self.is_reached()) {
            (Some(aim), Some(true)) => format!("≤ {}, reached", self.number(aim)),
            (Some(aim), _) => format!("≤ {}, missed", self.number(aim)),
            (None, _) => String::new(),
        };
        format!("| {} | {} | {} | {aim} |\n", self.name, self.what, self.number(self.value))
    }

    fn json(&self) -> Value {
        let value = match self.unit {
            Unit::Instructions => json!(self.value.round() as u64),
            Unit::Ratio | Unit::Seconds => json!(self.value),
        };
        let unit = match self.unit {
            Unit::Instructions => "instructions",
            Unit::Ratio => "ratio",
            Unit::Seconds => "seconds",
        };
        json!({
            "name": self.name, "what": self.what, "value": value, "unit": unit,
            "aim": self.aim, "reached": self.is_reached(),
        })
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The table, in Markdown.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut out = String::from("| figure | what | measured | aim |\n|---|---|---:|---|\n");
    out.extend(figures.iter().map(Figure::row));
    out
}

/// All figures for other programs.
pub(super) fn json(figures: &[Figure]) -> Value {
    figures.iter().map(Figure::json).collect()
}

/// The table of calls by whose instructions they are, in Markdown.
pub(super) fn split_table(splits: &[(String, Split)]) -> String {
    let mut out = String::from(
        "| call | all | guests | runtime, caller | runtime, callee | copies | kernel |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (name, split) in splits {
        let Split { total, guest, caller, callee, copies, kernel } = *split;
        let numbers = [total, guest, caller, callee, copies, kernel];
        let numbers = numbers.map(|number| grouped(number.round() as u64));
        out.push_str(&format!("| {name} | {} |\n", numbers.join(" | ")));
    }
    out
}

/// The same for other programs.
pub(super) fn split_json(splits: &[(String, Split)]) -> Value {
    let entry = |(name, split): &(String, Split)| {
        let Split { total, guest, caller, callee, copies, kernel } = *split;
        json!({
            "name": name, "total": total, "guest": guest, "runtime-caller": caller,
            "runtime-callee": callee, "copies": copies, "kernel": kernel,
        })
    };
    splits.iter().map(entry).collect()
}

/// The kernel's figures from the probe's readings. `user` has the probe's own instructions in a
/// round of a repeated call and of an answer; the kernel's path is what remains.
pub(super) fn of_kernel(probe: &Readings, user: [f64; 2]) -> Result<Vec<Figure>> {
    let [repeat, answer] = user;
    let call = |name| -> Result<f64> { Ok(probe.round(name)? - repeat - answer) };
    let pair = probe.round("notify-pair")?;
    let empty = probe.round("call-reply-0")?;
    let figure = Figure::instructions;
    Ok(vec![
        figure(
            "gate-nothing",
            "gate call with an unknown number: entry, table, exit",
            probe.round("no-call")? - repeat,
        ),
        figure("gate-round-trip", "gate call that reads the clock", probe.round("clock")? - repeat),
        figure("call-reply", "call and reply, kernel path, no payload", call("call-reply-0")?)
            .at_most(700.0),
        figure("call-reply-4", "call and reply, kernel path, 4 B each way", call("call-reply-4")?),
        figure("call-reply-64", "the same with 64 B", call("call-reply-64")?),
        figure("call-reply-4096", "the same with 4 KiB", call("call-reply-4096")?),
        figure("call-reply-65536", "the same with 64 KiB", call("call-reply-65536")?),
        figure("call-reply-user", "no payload, server in ring 3", call("call-reply-0-user")?),
        figure(
            "deferred-reply",
            "sent without waiting, answered out of order",
            probe.round("send-reply-pair")? / 2.0,
        ),
        figure(
            "notification",
            "event watched, signalled and received by another domain",
            pair / 2.0,
        ),
        figure(
            "context-switch",
            "what of that is the change of domains",
            pair / 2.0 - probe.round("notify-self")?,
        ),
        figure(
            "handle-move",
            "handle moved to another domain and back",
            probe.round("handle-move")? - empty,
        ),
        figure("handle-lend", "handle lent for a call", probe.round("handle-lend")? - empty),
        figure("pipe-4096", "4 KiB into a pipe and out of it", probe.round("pipe-4096")?),
        figure("heap-page", "a page committed and released", probe.round("commit-release")?),
        figure(
            "domain-life",
            "domain made, started, ready, killed (no interpreter)",
            probe.round("domain-life")?,
        ),
    ])
}

/// The figures of typed calls between components.
pub(super) fn of_calls(bench: &Readings) -> Result<Vec<Figure>> {
    let figure = |name, what, reading| -> Result<Figure> {
        Ok(Figure::instructions(name, what, bench.round(reading)?))
    };
    Ok(vec![
        figure(
            "typed-provided",
            "call of an interface that the runtime provides (clock)",
            "clock",
        )?,
        figure("typed-u32", "`u32 -> u32` to another server and back", "increment")?
            .at_most(3000.0),
        figure("typed-64", "`list<u8> -> list<u8>` of 64 B", "bytes-64")?,
        figure("typed-4096", "the same with 4 KiB", "bytes-4096")?,
        figure("typed-60000", "the same with 60,000 B", "bytes-60000")?,
        figure("typed-64-in", "`list<u8> -> u32` of 64 B", "measure-64")?,
        figure("typed-4096-in", "the same with 4 KiB", "measure-4096")?,
        figure("typed-60000-in", "the same with 60,000 B", "measure-60000")?,
        figure("typed-16-in", "the same with 16 B", "measure-16")?,
        figure("typed-fields", "record of ten fields there and back", "fields")?,
        figure("typed-items", "list of 100 records there and back", "items")?,
        figure("typed-method", "method of a resource", "method")?,
        figure("typed-borrow", "resource lent to its server", "borrow")?,
        figure("typed-make-drop", "resource made and dropped", "make-and-drop")?,
        figure(
            "typed-move",
            "resource moved to a second server and back, two calls",
            "keep-and-give-back",
        )?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_own_instructions_are_taken_off() {
        let names = [
            "no-call",
            "clock",
            "call-reply-0",
            "call-reply-4",
            "call-reply-64",
            "call-reply-4096",
            "call-reply-65536",
            "call-reply-0-user",
            "send-reply-pair",
            "notify-pair",
            "notify-self",
            "handle-move",
            "handle-lend",
            "pipe-4096",
            "commit-release",
            "domain-life",
        ];
        let text: String = names
            .iter()
            .enumerate()
            .map(|(index, name)| format!("probe {name} 10 {}\n", 10_000 * (index + 1)))
            .collect();
        let figures = of_kernel(&Readings::parse("probe", &text), [5.0, 7.0]).unwrap();
        let value = |name| figures.iter().find(|figure| figure.name == name).unwrap().value;
        assert!((value("gate-round-trip") - 1995.0).abs() < 1e-9);
        assert!((value("call-reply") - 2988.0).abs() < 1e-9);
        assert!((value("context-switch") - (5000.0 - 11_000.0)).abs() < 1e-9);
        assert!((value("handle-move") - 9000.0).abs() < 1e-9);
        assert!(of_kernel(&Readings::default(), [0.0; 2]).is_err());
    }

    #[test]
    fn rows_say_whether_an_aim_is_reached() {
        let figure = Figure::instructions("a", "b", 1_234_567.4);
        assert_eq!(figure.row(), "| a | b | 1,234,567 |  |\n");
        assert_eq!(figure.clone().at_most(700.0).row(), "| a | b | 1,234,567 | ≤ 700, missed |\n");
        let ratio = Figure { unit: Unit::Ratio, ..Figure::instructions("r", "s", 1.005) };
        assert_eq!(ratio.at_most(1.02).row(), "| r | s | 1.0050 | ≤ 1.0200, reached |\n");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(json(&[figure])[0]["value"], 1_234_567);
    }
}
