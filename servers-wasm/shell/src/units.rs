//! Quantities as people read them. Integers only: the formatting of floats would be the largest
//! part of the shell.

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_US: u64 = 1_000;
const MS_PER_SECOND: u64 = 1_000;

/// Bytes, with one decimal from KiB on: `512 B`, `1.5 KiB`, `128.0 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut unit_bytes: u64 = 1;
    let mut names = ["B", "KiB", "MiB", "GiB", "TiB"].iter().peekable();
    while let Some(name) = names.next() {
        let next = unit_bytes.saturating_mul(1024);
        if bytes < next || names.peek().is_none() {
            if unit_bytes == 1 {
                return format!("{bytes} {name}");
            }
            let tenths = u128::from(bytes) * 10 / u128::from(unit_bytes);
            let tenths = u64::try_from(tenths).unwrap_or(u64::MAX);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        unit_bytes = next;
    }
    String::new()
}

/// Processor time in seconds with milliseconds: `0.012 s`.
#[must_use]
pub fn seconds(ns: u64) -> String {
    let ms = ns / NS_PER_MS;
    format!("{}.{:03} s", ms / MS_PER_SECOND, ms % MS_PER_SECOND)
}

/// A short time: `1234 us`.
#[must_use]
pub fn micros(ns: u64) -> String {
    format!("{} us", ns / NS_PER_US)
}

/// A point in time with microseconds, for the log: `12.000345`.
#[must_use]
pub fn timestamp(ns: u64) -> String {
    let us = ns / NS_PER_US;
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// A length of time in its two largest units: `2 h 5 min`, `3 min 12 s`, `7 s`.
#[must_use]
pub fn span(ns: u64) -> String {
    let seconds = ns / NS_PER_MS / MS_PER_SECOND;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if hours > 0 {
        format!("{hours} h {minutes} min")
    } else if minutes > 0 {
        format!("{minutes} min {rest} s")
    } else {
        format!("{rest} s")
    }
}

/// The share of `part` in `whole` with one decimal: `12.5 %`. Nothing of nothing is nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    let tenths = u64::try_from(tenths.min(1000)).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let shown = [0, 1023, 1024, 1536, 134_217_728, u64::MAX].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "128.0 MiB", "16777215.9 TiB"]);
    }

    #[test]
    fn times() {
        assert_eq!(seconds(12_345_678_901), "12.345 s");
        assert_eq!(micros(12_345_999), "12345 us");
        assert_eq!(timestamp(1_000_345_000), "1.000345");
        let shown = [7, 192, 7500, 100_000].map(|seconds| span(seconds * 1_000_000_000));
        assert_eq!(shown, ["7 s", "3 min 12 s", "2 h 5 min", "1 d 3 h"]);
    }

    #[test]
    fn shares() {
        assert_eq!(percent(1, 8), "12.5 %");
        assert_eq!(percent(0, 0), "0.0 %");
        assert_eq!(percent(9, 3), "100.0 %");
    }
}
