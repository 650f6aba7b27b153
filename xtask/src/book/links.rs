//! Looks up every link between pages, and makes those good that mean something else in the book.
//!
//! A link to `wit/PACKAGE/INTERFACE.wit` is one to the package's page, a link to a folder one to its
//! README. Other files of the repository that a page refers to go into the book as they are.

use super::markdown;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a link turned out to be.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// A place in a page.
    Page(PathBuf, Option<String>),
    /// A file that is no page.
    File(PathBuf),
}

/// Checks the links of all pages and rewrites them; returns the files that go into the book.
pub(super) fn resolve(
    root: &Path,
    pages: &mut BTreeMap<PathBuf, String>,
    faults: &mut Vec<String>,
) -> BTreeSet<PathBuf> {
    let anchors: BTreeMap<PathBuf, Vec<String>> =
        pages.iter().map(|(path, text)| (path.clone(), markdown::anchors(text))).collect();
    let mut files = BTreeSet::new();
    for (path, text) in pages {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (number, prose) in markdown::prose(text) {
            for link in markdown::targets(&prose).into_iter().filter(|link| !is_elsewhere(link)) {
                match target(root, &anchors, path, link) {
                    Ok(target) => {
                        let shown = written(path, &target);
                        if let (true, Some(line)) = (shown != link, lines.get_mut(number - 1)) {
                            *line = line.replace(&format!("]({link})"), &format!("]({shown})"));
                        }
                        files.extend(match target {
                            Target::File(file) => Some(file),
                            Target::Page(..) => None,
                        });
                    }
                    Err(fault) => {
                        faults.push(format!("{}:{number}: `{link}` {fault}", path.display()));
                    }
                }
            }
        }
        *text = lines.join("\n") + "\n";
    }
    files
}

/// Whether a link leads out of the repository, so that nothing here can be said of it.
fn is_elsewhere(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://") || link.starts_with("mailto:")
}

fn target(
    root: &Path,
    anchors: &BTreeMap<PathBuf, Vec<String>>,
    page: &Path,
    link: &str,
) -> Result<Target, String> {
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor.to_owned())),
        None => (link, None),
    };
    let path = match file {
        "" => page.to_path_buf(),
        _ => markdown::join(page, file).ok_or("leads out of the repository")?,
    };
    let on_disk = root.join(&path);
    let (path, anchor) = if on_disk.is_dir() {
        (path.join("README.md"), anchor)
    } else {
        interface(anchors, &path).unwrap_or((path, anchor))
    };
    match (anchors.get(&path), anchor) {
        (Some(known), Some(anchor)) if !known.contains(&anchor) => {
            Err(format!("names a heading that {} does not have", path.display()))
        }
        (Some(_), anchor) => Ok(Target::Page(path, anchor)),
        (None, _) if path.extension().is_some_and(|kind| kind == "md") => {
            Err("is no page of the book".to_owned())
        }
        (None, Some(_)) => Err("names a heading of what is no page".to_owned()),
        (None, None) if on_disk.is_file() => Ok(Target::File(path)),
        (None, None) => Err("is not there".to_owned()),
    }
}

/// The page and heading of an interface, for the path of its file in `wit/`.
fn interface(
    anchors: &BTreeMap<PathBuf, Vec<String>>,
    path: &Path,
) -> Option<(PathBuf, Option<String>)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".wit")?;
    let page = path.parent()?.with_extension("md");
    anchors.contains_key(&page).then(|| (page, Some(name.to_owned())))
}

fn written(page: &Path, target: &Target) -> String {
    match target {
        Target::Page(path, Some(anchor)) if path == page => format!("#{anchor}"),
        Target::Page(path, Some(anchor)) => format!("{}#{anchor}", markdown::relative(page, path)),
        Target::Page(path, None) | Target::File(path) => markdown::relative(page, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The rewritten page `docs/p.md`, the files that it takes along, and its faults.
    fn resolved(text: &str) -> (String, Vec<PathBuf>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/adr")).unwrap();
        fs::create_dir_all(root.path().join("wit/device")).unwrap();
        fs::write(root.path().join("wit/device/irq.wit"), "").unwrap();
        fs::write(root.path().join("docs/i.png"), "").unwrap();
        fs::write(root.path().join("docs/loose.md"), "").unwrap();
        let page = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
        let mut pages = BTreeMap::from([
            page("docs/p.md", text),
            page("docs/adr/README.md", "# D\n"),
            page("wit/device.md", "# d\n## irq\n"),
        ]);
        let mut faults = Vec::new();
        let files = resolve(root.path(), &mut pages, &mut faults);
        (pages.remove(Path::new("docs/p.md")).unwrap(), files.into_iter().collect(), faults)
    }

    #[test]
    fn links_that_mean_something_else_are_rewritten() {
        let (text, files, faults) = resolved(
            "# P q\n[a](adr/) [b](../wit/device/irq.wit) ![c](i.png) [d](#p-q) [e](https://x/y)\n",
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(
            text,
            "# P q\n[a](adr/README.md) [b](../wit/device.md#irq) ![c](i.png) [d](#p-q) [e](https://x/y)\n"
        );
        assert_eq!(files, [Path::new("docs/i.png")]);
    }

    #[test]
    fn dead_links_are_named() {
        for (link, fault) in [
            ("gone.md", "docs/p.md:1: `gone.md` is no page of the book"),
            ("loose.md", "docs/p.md:1: `loose.md` is no page of the book"),
            ("gone.rs", "docs/p.md:1: `gone.rs` is not there"),
            ("#gone", "docs/p.md:1: `#gone` names a heading that docs/p.md does not have"),
            ("../wit/device/mmio.wit", "docs/p.md:1: `../wit/device/mmio.wit` names a heading"),
            ("i.png#x", "docs/p.md:1: `i.png#x` names a heading of what is no page"),
            ("../../x", "docs/p.md:1: `../../x` leads out of the repository"),
            ("../wit", "docs/p.md:1: `../wit` is no page of the book"),
        ] {
            let (_, _, faults) = resolved(&format!("[a]({link})\n"));
            assert!(faults.len() == 1 && faults[0].starts_with(fault), "{faults:?}");
        }
    }
}
