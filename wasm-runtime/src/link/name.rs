//! Names of interfaces and their versions.
//!
//! `package:name/interface@1.2.3` is compatible with another version of itself when both are on
//! one track of semantic versioning: the same major version, before 1.0 the same minor one, before
//! 0.1 the very same; a pre-release is compatible with itself only. Which of the two is newer does
//! not matter, because linking compares the functions themselves.
//! Specification: component model, "Explainer", section "Import and Export Definitions".

/// Splits a name into the interface and its version.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (name, None),
    }
}

/// A version without its build metadata, which says nothing about what is compatible.
fn release(version: &str) -> &str {
    version.split('+').next().unwrap_or(version)
}

/// The part of a version that compatible versions share; `None` for one that is compatible with
/// nothing but itself.
fn track(release: &str) -> Option<&str> {
    let mut parts = release.splitn(3, '.');
    let (major, minor, patch) = (parts.next()?, parts.next()?, parts.next()?);
    if ![major, minor, patch].into_iter().all(is_number) {
        return None;
    }
    match (major, minor) {
        ("0", "0") => None,
        ("0", _) => release.get(..major.len() + 1 + minor.len()),
        _ => Some(major),
    }
}

/// Whether a text is a number as versions have them: a pre-release is not one.
fn is_number(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

/// Whether an interface of the name `offered` can stand for one of the name `wanted`. A name
/// without a version goes with every version.
#[must_use]
pub fn compatible(wanted: &str, offered: &str) -> bool {
    let ((interface, wanted), (other, offered)) = (split(wanted), split(offered));
    interface == other
        && match (wanted.map(release), offered.map(release)) {
            (Some(wanted), Some(offered)) => {
                wanted == offered
                    || matches!((track(wanted), track(offered)), (Some(a), Some(b)) if a == b)
            }
            _ => true,
        }
}

/// The position of the name that can stand for `wanted`: the very same if it is there, else the
/// first compatible one.
pub(crate) fn find<'a>(wanted: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<u32> {
    let same = names.clone().position(|name| name == wanted);
    let found = same.or_else(|| names.clone().position(|name| compatible(wanted, name)))?;
    u32::try_from(found).ok()
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    /// Versions of one track each; those of different rows are strangers.
    const TRACKS: &[&[&str]] = &[
        &["1.0.0", "1.0.1", "1.9.0", "1.10.3", "1.0.0+build", "1.2.3+build.5-x"],
        &["2.0.0", "2.0.1", "2.99.0"],
        &["10.0.0", "10.1.0"],
        &["0.1.0", "0.1.7", "0.1.0+a"],
        &["0.2.0", "0.2.6", "0.2.12", "0.2.0+a", "0.2.0+b"],
        &["0.3.0", "0.3.1"],
        &["0.10.0", "0.10.2"],
        &["0.0.0"],
        &["0.0.1", "0.0.1+a"],
        &["0.0.2"],
        &["0.0.10"],
        &["1.0.0-rc", "1.0.0-rc+a"],
        &["1.0.0-rc.1"],
        &["1.0.0-rc.2"],
        &["1.1.0-rc"],
        &["0.2.0-rc-2023-11-10"],
        &["0.2.0-rc-2023-12-05"],
        &["0.2.1-rc.1"],
        &["0.3.0-draft"],
        // Not versions: nothing but themselves.
        &["1"],
        &["1.0"],
        &["1.0.0.0"],
        &["01.0.0"],
        &["1.00.0"],
        &["1..0"],
        &["x"],
        &["1.0.x"],
        &[""],
    ];

    #[test]
    fn compatible_versions_share_a_track_in_both_directions() {
        for (row, wanted) in
            TRACKS.iter().enumerate().flat_map(|(n, row)| row.iter().map(move |v| (n, v)))
        {
            for (other, offered) in
                TRACKS.iter().enumerate().flat_map(|(n, row)| row.iter().map(move |v| (n, v)))
            {
                let (a, b) = (format!("a:b/c@{wanted}"), format!("a:b/c@{offered}"));
                assert_eq!(compatible(&a, &b), row == other, "{a} from {b}");
                assert!(!compatible(&a, &b.replace("/c", "/d")), "another interface");
                assert!(!compatible(&a, &b.replace("a:", "z:")), "another package");
            }
            assert!(compatible("a:b/c", &format!("a:b/c@{wanted}")));
            assert!(compatible(&format!("a:b/c@{wanted}"), "a:b/c"));
        }
        assert!(compatible("plain", "plain") && !compatible("plain", "plainer"));
    }

    #[test]
    fn the_very_same_version_wins() {
        let names = ["a:b/c@0.2.0", "a:b/c@0.2.3", "a:b/d@0.2.3"];
        assert_eq!(find("a:b/c@0.2.3", names.into_iter()), Some(1));
        assert_eq!(find("a:b/c@0.2.9", names.into_iter()), Some(0));
        assert_eq!(find("a:b/c@0.3.0", names.into_iter()), None);
    }
}
