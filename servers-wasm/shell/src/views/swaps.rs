//! What is said of swaps.

use super::COLUMNS;
use crate::model::{Swap, SwapResult};
use crate::table::{Align, layout, wrap};
use crate::units::{micros, size, timestamp};

/// A phase that is over.
#[must_use]
pub fn step((phase, took_ns): (&str, u64)) -> String {
    format!("{phase:9} {:>12}\n", micros(took_ns))
}

/// What a swap came to.
#[must_use]
pub fn swap_end(swap: &Swap) -> String {
    let changes: Vec<String> =
        swap.changes.iter().map(|change| format!("{} to {}", change.server, change.new)).collect();
    let changes = changes.join(" and ");
    let text = match &swap.result {
        SwapResult::Running => format!("{changes}: not over yet"),
        SwapResult::Checked => format!("{changes}: can be swapped; nothing was changed"),
        SwapResult::Swapped => format!(
            "{changes}: swapped; {} of state, {}, down for {}",
            bytes(swap.state_bytes),
            held(swap.calls_held),
            micros(swap.downtime_ns)
        ),
        SwapResult::RolledBack(why) => {
            format!("{changes}: rolled back, the old version serves; {why}")
        }
    };
    wrap(&text, COLUMNS)
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn held(count: u64) -> String {
    if count == 1 { "1 call held".to_owned() } else { format!("{count} calls held") }
}

/// The swaps of one server, and why some of them were rolled back.
#[must_use]
pub fn history(server: &str, swaps: &[Swap]) -> String {
    if swaps.is_empty() {
        return format!("{server} was not swapped\n");
    }
    let columns = [
        ("TIME", Align::Right),
        ("OLD", Align::Left),
        ("NEW", Align::Left),
        ("STATE", Align::Right),
        ("HELD", Align::Right),
        ("DOWN", Align::Right),
        ("RESULT", Align::Left),
    ];
    let rows: Vec<Vec<String>> = swaps.iter().filter_map(|swap| row(server, swap)).collect();
    let mut text = layout(&columns, &rows);
    for swap in swaps {
        if let SwapResult::RolledBack(why) = &swap.result {
            text.push_str(&wrap(&format!("{}: {why}", timestamp(swap.began_ns)), COLUMNS));
        }
    }
    text
}

fn row(server: &str, swap: &Swap) -> Option<Vec<String>> {
    let change = swap.changes.iter().find(|change| change.server == server)?;
    Some(vec![
        timestamp(swap.began_ns),
        cut(&change.old),
        cut(&change.new),
        size(swap.state_bytes),
        swap.calls_held.to_string(),
        micros(swap.downtime_ns),
        match swap.result {
            SwapResult::Running => "running",
            SwapResult::Swapped => "swapped",
            SwapResult::Checked => "checked",
            SwapResult::RolledBack(_) => "rolled back",
        }
        .to_owned(),
    ])
}

/// A file name without its ending, cut to what the table shows.
fn cut(file: &str) -> String {
    file.strip_suffix(".wasm").unwrap_or(file).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Change;

    fn swap(result: SwapResult) -> Swap {
        let change = |server: &str, old: &str, new: &str| Change {
            server: server.into(),
            old: old.into(),
            new: new.into(),
        };
        Swap {
            began_ns: 12_345_678_000,
            changes: vec![
                change("relay", "relay.wasm", "relay.wasm"),
                change("store", "store.wasm", "store-v2.wasm"),
            ],
            steps: vec![("prepare", 123_456_789), ("quiesce", 999)],
            state_bytes: 1,
            calls_held: 2,
            downtime_ns: 1_234_567,
            result,
        }
    }

    #[test]
    fn phases_are_aligned() {
        let lines: Vec<String> = swap(SwapResult::Running).steps.into_iter().map(step).collect();
        assert_eq!(lines, ["prepare      123456 us\n", "quiesce           0 us\n"]);
    }

    #[test]
    fn ends_are_told() {
        assert_eq!(
            swap_end(&swap(SwapResult::Swapped)),
            "relay to relay.wasm and store to store-v2.wasm: swapped; 1 byte of state, 2\n  \
             calls held, down for 1234 us\n"
        );
        let failed = swap_end(&swap(SwapResult::RolledBack("transfer: it trapped".into())));
        assert!(failed.contains("rolled back, the old version"), "{failed}");
        assert!(failed.ends_with("transfer: it trapped\n"), "{failed}");
    }

    #[test]
    fn history_fits_and_tells_why() {
        let swaps = [
            swap(SwapResult::Swapped),
            swap(SwapResult::RolledBack("transfer of `store`: the new version trapped".into())),
        ];
        let text = history("store", &swaps);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!(
            text,
            "     TIME  OLD    NEW       STATE  HELD     DOWN  RESULT
12.345678  store  store-v2    1 B     2  1234 us  swapped
12.345678  store  store-v2    1 B     2  1234 us  rolled back
12.345678: transfer of `store`: the new version trapped
"
        );
        assert_eq!(history("echo", &[]), "echo was not swapped\n");
    }
}
