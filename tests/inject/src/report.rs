//! The report of a campaign, as Markdown.

use std::fmt::Write as _;

use crate::totals::{Class, Totals};

/// A number with its thousands apart.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in percent, with as many places as it takes to tell it from all.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".into();
    }
    let share = part as f64 * 100.0 / whole as f64;
    if part == whole { "100 %".into() } else { format!("{share:.3} %") }
}

fn is_crash(class: &Class) -> bool {
    class.outcome.starts_with("crashed")
}

fn is(word: &str) -> impl Fn(&Class) -> bool + use<'_> {
    move |class| class.outcome == word
}

/// The summary and the tables by fault, by server and by kind of crash.
pub(crate) fn markdown(totals: &Totals) -> String {
    let mut out = String::new();
    let _ = summary(&mut out, totals);
    for (title, field) in [
        ("fault", (|class: &Class| class.fault.clone()) as fn(&Class) -> String),
        ("server", |class| class.server.clone()),
    ] {
        let _ = by(&mut out, totals, title, field);
    }
    let _ = crashes(&mut out, totals);
    for (injection, what) in &totals.failures {
        let _ = writeln!(out, "- `--only {injection}`: {what}");
    }
    out
}

fn summary(out: &mut String, totals: &Totals) -> std::fmt::Result {
    let all = totals.sum(|_| true);
    let crashed = totals.sum(is_crash);
    let recovered = totals.sum(|class| is_crash(class) && class.recovered == "yes");
    let unknown = totals.sum(|class| class.activated == "unknown" && class.outcome != REFUSED);
    writeln!(out, "| what | injections |\n|---|---:|")?;
    let mut line = |what: &str, count: u64| writeln!(out, "| {what} | {} |", number(count));
    line("injected", all)?;
    line("refused when they were loaded", totals.sum(is(REFUSED)))?;
    line("activated: the changed operator ran, the gate call failed", {
        totals.sum(|class| class.activated == "yes" && class.outcome != REFUSED)
    })?;
    line("not activated", {
        totals.sum(|class| class.activated == "no" && class.outcome != REFUSED)
    })?;
    line("whether activated is not known", unknown)?;
    line("no effect: every answer right", totals.sum(is("no effect")))?;
    line("wrong answers only", totals.sum(is("wrong answers only")))?;
    line("crashed", crashed)?;
    line("recovered by themselves", recovered)?;
    line("not recovered", crashed - recovered)?;
    line("panics and other failures of Atoll", totals.failures.len() as u64)?;
    if totals.answered > 0 {
        line("right answers beside", totals.answered)?;
    }
    writeln!(out, "\nRecovered: {} of the crashes.", percent(recovered, crashed))
}

const REFUSED: &str = "refused at load";

fn by(
    out: &mut String,
    totals: &Totals,
    title: &str,
    field: impl Fn(&Class) -> String,
) -> std::fmt::Result {
    writeln!(
        out,
        "\n| {title} | injected | refused | activated | no effect | wrong | crashed | recovered |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    for value in totals.values(&field) {
        let sum = |is: &dyn Fn(&Class) -> bool| {
            number(totals.sum(|class| field(class) == value && is(class)))
        };
        let activated = |class: &Class| class.activated == "yes" && class.outcome != REFUSED;
        let recovered = |class: &Class| is_crash(class) && class.recovered == "yes";
        writeln!(
            out,
            "| {value} | {} | {} | {} | {} | {} | {} | {} |",
            sum(&|_| true),
            sum(&is(REFUSED)),
            sum(&activated),
            sum(&is("no effect")),
            sum(&is("wrong answers only")),
            sum(&is_crash),
            sum(&recovered),
        )?;
    }
    Ok(())
}

fn crashes(out: &mut String, totals: &Totals) -> std::fmt::Result {
    writeln!(out, "\n| how it crashed | crashed | recovered |\n|---|---:|---:|")?;
    for outcome in totals.values(|class| class.outcome.clone()) {
        let Some(kind) = outcome.strip_prefix("crashed: ") else { continue };
        let crashed = totals.sum(is(&outcome));
        let recovered = totals.sum(|class| class.outcome == outcome && class.recovered == "yes");
        writeln!(out, "| {kind} | {} | {} |", number(crashed), number(recovered))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{number, percent};

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(percent(1, 1), "100 %");
        assert_eq!(percent(9_999, 10_000), "99.990 %");
        assert_eq!(percent(0, 0), "-");
    }
}
