//! Text of other files in pages, by a directive alone in its line.
//!
//! | directive | what is put in its place |
//! |---|---|
//! | `{{#include PATH}}` | the file |
//! | `{{#include PATH:NAME}}` | what stands between lines with `ANCHOR: NAME` and `ANCHOR_END: NAME` |
//! | `{{#include PATH@TEXT}}` | the one paragraph that begins in a line with this text: for files that are somebody's own, like templates, and can have no marks |
//!
//! The first two are mdbook's forms. Indentation is taken off, and no mark is shown. Numbers of lines
//! name nothing: they go stale without anybody noticing.

use super::markdown;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Reads a page and puts the included text into it; what is not there is a fault.
pub(super) fn page(root: &Path, path: &Path, faults: &mut Vec<String>) -> Result<String> {
    let text = fs::read_to_string(root.join(path))
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut page = String::new();
    for (index, line) in text.lines().enumerate() {
        match directive(line) {
            None => page += &format!("{line}\n"),
            Some(target) => match included(root, path, target) {
                Ok(text) => page += &text,
                Err(fault) => {
                    faults.push(format!("{}:{}: {fault:#}", path.display(), index + 1));
                }
            },
        }
    }
    Ok(page)
}

/// What a line includes, if it does.
fn directive(line: &str) -> Option<&str> {
    line.trim().strip_prefix("{{#include ")?.strip_suffix("}}").map(str::trim)
}

fn included(root: &Path, page: &Path, target: &str) -> Result<String> {
    let end = target.find([':', '@']).unwrap_or(target.len());
    let (file, which) = target.split_at(end);
    let path = markdown::join(page, file).context("it includes what is not in the repository")?;
    let text = fs::read_to_string(root.join(&path))
        .with_context(|| format!("it includes {}, which cannot be read", path.display()))?;
    let part = match (which.strip_prefix(':'), which.strip_prefix('@')) {
        (Some(name), _) => part(&text, name),
        (_, Some(words)) => paragraph(&text, words),
        (None, None) => Some(text.lines().collect()),
    };
    let part = part.with_context(|| format!("{} has no part `{which}`", path.display()))?;
    Ok(shown(&part))
}

/// The lines from the only one with these words up to an empty one, or one that stands further out.
fn paragraph<'a>(text: &'a str, words: &str) -> Option<Vec<&'a str>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut starts = lines.iter().enumerate().filter(|(_, line)| line.contains(words));
    let ((start, _), None) = (starts.next()?, starts.next()) else { return None };
    let rest = lines.get(start..)?.iter().copied();
    let depth = indentation(lines.get(start)?);
    let is_inside = |line: &&str| !line.trim().is_empty() && indentation(line) >= depth;
    Some(rest.take_while(is_inside).collect())
}

/// The lines between the two marks of a name; none if a mark is missing or nothing is between them.
fn part<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut lines = text.lines().skip_while(|line| mark(line) != Some(("ANCHOR", name)));
    lines.next()?;
    let mut part = Vec::new();
    loop {
        let line = lines.next()?;
        if mark(line) == Some(("ANCHOR_END", name)) {
            return (!part.is_empty()).then_some(part);
        }
        part.push(line);
    }
}

/// Kind and name of a mark: the last words of its line.
fn mark(line: &str) -> Option<(&str, &str)> {
    ["ANCHOR_END", "ANCHOR"].into_iter().find_map(|kind| {
        let rest = line.split_once(kind)?.1.strip_prefix(':')?;
        rest.split_whitespace().next().map(|name| (kind, name))
    })
}

/// Lines without marks and without the indentation that all of them have.
fn shown(lines: &[&str]) -> String {
    let lines = lines.iter().filter(|line| mark(line).is_none());
    let texts = lines.clone().filter(|line| !line.trim().is_empty());
    let common = texts.map(|line| indentation(line)).min().unwrap_or(0);
    lines.map(|line| format!("{}\n", line.get(common..).unwrap_or_default())).collect()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "use x;\n// ANCHOR: all\nfn f() {\n    // ANCHOR: body\n    let a = 1;\n\n    \
        g(a);\n    // ANCHOR_END: body\n}\n// ANCHOR_END: all\n// ANCHOR: open\n";

    fn expanded(page_text: &str) -> (String, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("docs")).unwrap();
        fs::write(root.path().join("s.rs"), SOURCE).unwrap();
        fs::write(root.path().join("docs/p.md"), page_text).unwrap();
        let mut faults = Vec::new();
        let text = page(root.path(), Path::new("docs/p.md"), &mut faults).unwrap();
        (text, faults)
    }

    #[test]
    fn parts_are_put_in_without_marks_and_indentation() {
        let (text, faults) = expanded("a\n{{#include ../s.rs:body}}\nb `{{#include c}}`\n");
        assert_eq!(
            (text.as_str(), faults.len()),
            ("a\nlet a = 1;\n\ng(a);\nb `{{#include c}}`\n", 0)
        );
        let (text, _) = expanded("{{#include ../s.rs:all}}");
        assert_eq!(text, "fn f() {\n    let a = 1;\n\n    g(a);\n}\n");
        let (text, _) = expanded("{{#include ../s.rs@let a}}");
        assert_eq!(text, "let a = 1;\n");
        let (text, _) = expanded("{{#include ../s.rs@g(a)}}");
        assert_eq!(text, "g(a);\n");
        let (text, _) = expanded("{{#include ../s.rs}}");
        assert!(text.starts_with("use x;\nfn f()") && !text.contains("ANCHOR"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (target, expected) in [
            ("../s.rs:none", "docs/p.md:1: s.rs has no part `:none`"),
            ("../s.rs:open", "docs/p.md:1: s.rs has no part `:open`"),
            ("../s.rs:2", "docs/p.md:1: s.rs has no part `:2`"),
            ("../s.rs@h(", "docs/p.md:1: s.rs has no part `@h(`"),
            ("../s.rs@(", "docs/p.md:1: s.rs has no part `@(`"),
            ("../t.rs", "docs/p.md:1: it includes t.rs, which cannot be read"),
            ("../../t.rs", "docs/p.md:1: it includes what is not in the repository"),
        ] {
            let (_, faults) = expanded(&format!("{{{{#include {target}}}}}\n"));
            assert!(faults[0].starts_with(expected), "{faults:?}");
        }
    }
}
