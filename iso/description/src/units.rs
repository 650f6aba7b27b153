//! Sizes, durations, ranges and names as descriptions write them.
//!
//! Every function takes the text and gives the value, or the reason why it has none.

/// Longest name of a server, program or label: with `.` and a running number it still fits the
/// kernel's 32 bytes.
pub const NAME_MAX: usize = 24;

const SIZES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const DURATIONS: &[(&str, u64)] =
    &[("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("min", 60_000_000_000)];

/// Bytes from `8 MiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    quantity(text, SIZES).ok_or_else(|| format!("`{text}` is not a size; write it like \"8 MiB\""))
}

/// Nanoseconds from `100 ms`.
pub(crate) fn duration(text: &str) -> Result<u64, String> {
    quantity(text, DURATIONS)
        .ok_or_else(|| format!("`{text}` is not a duration; write it like \"100 ms\""))
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// First and last number from `0x3f8-0x3ff`, or twice the same from `0x60`.
pub(crate) fn range(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (hexadecimal(first), hexadecimal(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        (Some(_), Some(_)) => Err(format!("the range `{text}` ends before it starts")),
        _ => Err(format!("`{text}` is not a range; write it like \"0x3f8-0x3ff\" or \"0x60\"")),
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// Whether the text may name a server, a program or a grant's label: lower-case letters, digits and
/// hyphens, a letter first and no hyphen last, at most [`NAME_MAX`].
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(is_name_byte)
}

/// Whether the text is the file name of a component.
#[must_use]
pub fn is_component(text: &str) -> bool {
    text.strip_suffix(".wasm").is_some_and(|stem| {
        !stem.is_empty()
            && stem.len() <= 56
            && !stem.starts_with(['.', '-'])
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    })
}

/// Whether the text is an interface, `namespace:package/interface` with or without `@version`.
pub(crate) fn is_interface(text: &str) -> bool {
    let (name, version) = text.split_once('@').unwrap_or((text, "0.0.0"));
    let parts = name.split_once(':').and_then(|(namespace, rest)| {
        rest.split_once('/').map(|(package, interface)| [namespace, package, interface])
    });
    text.len() <= 128
        && parts.is_some_and(|parts| parts.iter().all(|part| is_word(part)))
        && is_version(version)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_version(text: &str) -> bool {
    let numbers = text.split_once(['-', '+']).map_or(text, |(numbers, _)| numbers);
    let mut count = 0_u32;
    for part in numbers.split('.') {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        count = count.saturating_add(1);
    }
    count == 3
}

#[cfg(test)]
mod tests {
    use super::{duration, is_component, is_interface, is_name, range, size};

    #[test]
    fn sizes() {
        assert_eq!(size("8 MiB"), Ok(8 << 20));
        assert_eq!(size("0 B"), Ok(0));
        for bad in ["8MiB", "8 MB", "", " ", "-1 B", "+1 B", "1.5 GiB", "99999999999 GiB", "8  MiB"]
        {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("100 ms"), Ok(100_000_000));
        assert_eq!(duration("2 min"), Ok(120_000_000_000));
        assert!(duration("100").is_err());
        assert!(duration("1 h").is_err());
    }

    #[test]
    fn ranges() {
        assert_eq!(range("0x3f8-0x3ff"), Ok((0x3f8, 0x3ff)));
        assert_eq!(range("0x60"), Ok((0x60, 0x60)));
        for bad in ["0x3ff-0x3f8", "3f8", "0x", "", "0x1-0x2-0x3", "0x+1", "0x10000000000000000"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names() {
        for good in ["log", "hello-c", "a1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Log", "1a", "-a", "a-", "a.b", "a_b", "a-name-of-twenty-five-byt"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_component("hello_c-2.wasm"));
        for bad in ["hello", ".wasm", "../x.wasm", "a/b.wasm", ".x.wasm", "x.WASM"] {
            assert!(!is_component(bad), "{bad}");
        }
    }

    #[test]
    fn interface_names() {
        for good in ["atoll:console/console", "wasi:io/streams@0.2.12", "a:b/c@1.0.0-rc.1"] {
            assert!(is_interface(good), "{good}");
        }
        for bad in ["", "a", "a:b", "a/b", "a:b/", "a:b/c@", "a:b/c@1", "a:b/c@1.2.3.4", "A:b/c"] {
            assert!(!is_interface(bad), "{bad}");
        }
    }
}
