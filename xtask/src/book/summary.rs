//! The chapters: `docs/book/SUMMARY.md`, in mdbook's form, with paths as seen from that file.
//!
//! A link to a folder stands for its README and, beneath it, for every other page of the folder, so
//! that a new decision or package needs no line.

use super::interfaces::Page;
use super::markdown;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A line of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What stands before the link: blanks and a hyphen, or nothing.
    lead: String,
    /// The title, or the whole line where there is no page.
    title: String,
    /// The page, as seen from the repository.
    pub(super) page: Option<PathBuf>,
}

/// Reads the summary and looks into the folders that it names.
pub(super) fn read(root: &Path, summary: &Path, generated: &[Page]) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(root.join(summary))
        .with_context(|| format!("cannot read {}", summary.display()))?;
    let mut entries = Vec::new();
    for line in text.lines() {
        let entry = entry(line, summary)?;
        match &entry.page {
            Some(page) if line.ends_with("/)") => {
                let children = folder(root, page, generated)?;
                let lead = format!("  {}", entry.lead);
                entries.push(Entry { page: Some(page.join("README.md")), ..entry });
                entries.extend(children.into_iter().map(|(title, page)| Entry {
                    lead: lead.clone(),
                    title,
                    page: Some(page),
                }));
            }
            _ => entries.push(entry),
        }
    }
    Ok(entries)
}

/// What a line says: `- [Title](path)`, or something without a page.
fn entry(line: &str, summary: &Path) -> Result<Entry> {
    let Some((before, rest)) = line.split_once('[') else {
        return Ok(Entry { lead: String::new(), title: line.to_owned(), page: None });
    };
    let parts = rest.strip_suffix(')').and_then(|rest| rest.split_once("]("));
    let Some((title, path)) = parts else { bail!("{}: no chapter: {line}", summary.display()) };
    let page = markdown::join(summary, path)
        .with_context(|| format!("{}: {path} is outside", summary.display()))?;
    Ok(Entry { lead: before.to_owned(), title: title.to_owned(), page: Some(page) })
}

/// Titles and paths of the pages beside a folder's README, by path.
fn folder(root: &Path, folder: &Path, generated: &[Page]) -> Result<Vec<(String, PathBuf)>> {
    let made = generated.iter().filter(|page| page.path.parent() == Some(folder));
    let mut pages: Vec<_> =
        made.map(|page| (markdown::title(&page.text), page.path.clone())).collect();
    for entry in fs::read_dir(root.join(folder))? {
        let path = folder.join(entry?.file_name());
        if path.extension().is_some_and(|kind| kind == "md") && !path.ends_with("README.md") {
            pages.push((markdown::title(&fs::read_to_string(root.join(&path))?), path));
        }
    }
    pages.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(pages)
}

/// The pages in `docs/` that no chapter is.
pub(super) fn unlisted(root: &Path, entries: &[Entry]) -> Result<Vec<String>> {
    let listed: Vec<_> = entries.iter().filter_map(|entry| entry.page.as_ref()).collect();
    let mut faults = Vec::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(root.join(&folder))? {
            let file = file?;
            let path = folder.join(file.file_name());
            let is_page = path.extension().is_some_and(|kind| kind == "md");
            if file.file_type()?.is_dir() {
                folders.push(path);
            } else if is_page && path != Path::new(super::SUMMARY) && !listed.contains(&&path) {
                faults.push(format!("{}: {} does not list it", path.display(), super::SUMMARY));
            }
        }
    }
    faults.sort();
    Ok(faults)
}

/// The summary for a tree that mirrors the repository and has the summary at its top.
pub(super) fn text(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        match &entry.page {
            Some(page) => {
                text += &format!("{}[{}]({})\n", entry.lead, entry.title, page.display());
            }
            None => text += &format!("{}\n", entry.title),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(path: &str, text: &str) -> (PathBuf, String) {
        (path.into(), text.into())
    }

    fn tree(files: &[(PathBuf, String)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), text).unwrap();
        }
        root
    }

    #[test]
    fn folders_bring_their_pages() {
        let root = tree(&[
            made("docs/book/SUMMARY.md", "# S\n\n[Top](../../README.md)\n\n- [All](../adr/)\n"),
            made("docs/adr/README.md", "# All\n"),
            made("docs/adr/0002-b.md", "# 2. B\n"),
            made("docs/adr/0001-a.md", "# 1. A\n"),
        ]);
        let page = Page { path: "docs/adr/zz.md".into(), text: "# Z\n".into() };
        let entries = read(root.path(), Path::new(super::super::SUMMARY), &[page]).unwrap();
        assert_eq!(
            text(&entries),
            "# S\n\n[Top](README.md)\n\n- [All](docs/adr/README.md)\n  \
             - [1. A](docs/adr/0001-a.md)\n  - [2. B](docs/adr/0002-b.md)\n  - [Z](docs/adr/zz.md)\n"
        );
        assert_eq!(unlisted(root.path(), &entries).unwrap(), [""; 0]);
    }

    #[test]
    fn pages_that_nobody_lists_are_named() {
        let root = tree(&[made("docs/book/SUMMARY.md", ""), made("docs/a.md", "# A\n")]);
        let faults = unlisted(root.path(), &[]).unwrap();
        assert_eq!(faults, ["docs/a.md: docs/book/SUMMARY.md does not list it"]);
        assert!(entry("- [A(a.md)", Path::new("S.md")).is_err());
    }
}
