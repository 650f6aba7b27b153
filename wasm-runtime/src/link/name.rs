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

/// The part of a version that compatible versions share; `None` for one that is compatible with
/// nothing but itself.
fn track(version: &str) -> Option<&str> {
    let version = version.split('+').next().unwrap_or(version);
    if version.contains('-') {
        return None;
    }
    let mut dots = version.match_indices('.').map(|(at, _)| at);
    let (first, second) = (dots.next()?, dots.next()?);
    let (major, minor) = (version.get(..first)?, version.get(first + 1..second)?);
    match (major, minor) {
        ("0", "0") => None,
        ("0", _) => version.get(..second),
        _ => Some(major),
    }
}

/// Whether an interface of the name `offered` can stand for one of the name `wanted`. A name
/// without a version goes with every version.
#[must_use]
pub fn compatible(wanted: &str, offered: &str) -> bool {
    let ((interface, wanted), (other, offered)) = (split(wanted), split(offered));
    interface == other
        && match (wanted, offered) {
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
    use super::*;

    #[test]
    fn compatible_versions_share_a_track() {
        for (wanted, offered, expected) in [
            ("a:b/c@1.2.3", "a:b/c@1.9.0", true),
            ("a:b/c@1.2.3", "a:b/c@2.2.3", false),
            ("a:b/c@0.2.3", "a:b/c@0.2.12", true),
            ("a:b/c@0.2.3", "a:b/c@0.3.3", false),
            ("a:b/c@0.0.3", "a:b/c@0.0.3", true),
            ("a:b/c@0.0.3", "a:b/c@0.0.4", false),
            ("a:b/c@1.0.0-rc", "a:b/c@1.0.0", false),
            ("a:b/c@1.0.0-rc", "a:b/c@1.0.0-rc", true),
            ("a:b/c@1.0.0+build", "a:b/c@1.1.0", true),
            ("a:b/c", "a:b/c@1.1.0", true),
            ("a:b/c@1.1.0", "a:b/c", true),
            ("a:b/c@1.1.0", "a:b/d@1.1.0", false),
            ("a:b/c@10.0.0", "a:b/c@1.0.0", false),
            ("a:b/c@x", "a:b/c@y", false),
        ] {
            assert_eq!(compatible(wanted, offered), expected, "{wanted} from {offered}");
        }
    }

    #[test]
    fn the_very_same_version_wins() {
        let names = ["a:b/c@0.2.0", "a:b/c@0.2.3", "a:b/d@0.2.3"];
        assert_eq!(find("a:b/c@0.2.3", names.into_iter()), Some(1));
        assert_eq!(find("a:b/c@0.2.9", names.into_iter()), Some(0));
        assert_eq!(find("a:b/c@0.3.0", names.into_iter()), None);
    }
}
