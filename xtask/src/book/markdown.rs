//! As much of Markdown as the checks need: code apart from text, links, headings.

use std::path::{Component, Path, PathBuf};

/// A line's number from 1 on, and its text with the code in it blanked out; lines of code blocks
/// are left out.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let mark = line.trim_start().get(..3).filter(|mark| matches!(*mark, "```" | "~~~"));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return Some((index + 1, without_code(line))),
            _ => {}
        }
        None
    })
}

/// A line with its code spans, backticks included, replaced by as many blanks.
fn without_code(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let (before, code) = rest.split_at(start);
        let ticks = code.len() - code.trim_start_matches('`').len();
        let (open, inner) = code.split_at(ticks);
        let Some(length) = inner.find(open) else { break };
        text += before;
        let end = length + 2 * ticks;
        text.extend(std::iter::repeat_n(' ', end));
        rest = code.get(end..).unwrap_or_default();
    }
    text + rest
}

/// Targets of the links and images in a line of prose.
pub(super) fn targets(line: &str) -> Vec<&str> {
    let parts = line.split("](").skip(1);
    parts.filter_map(|part| part.split_once(')').map(|(target, _)| target)).collect()
}

/// The text of the first heading.
pub(super) fn title(text: &str) -> String {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    heading.unwrap_or_default().trim().to_owned()
}

/// The anchors of a page's headings, as mdbook makes them: letters, digits, `-` and `_` in lower
/// case, blanks as `-`, and a number where one comes again.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in prose(text) {
        if line.starts_with('#') {
            // With the code: it is a part of the heading's text.
            let heading = lines.get(number - 1).copied().unwrap_or_default();
            let anchor = anchor(heading.trim_start_matches('#').trim());
            let before = seen.iter().filter(|other| **other == anchor).count();
            seen.push(anchor.clone());
            anchors.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        '-' | '_' => Some(letter),
        _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
        _ if letter.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}

/// A path that a file names relative to itself, as seen from the repository; nothing if it leads out
/// of it.
pub(super) fn join(file: &Path, target: &str) -> Option<PathBuf> {
    let mut path = file.parent()?.to_path_buf();
    for part in Path::new(target).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::Normal(name) => path.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// How one file of the repository names another.
pub(super) fn relative(file: &Path, target: &Path) -> String {
    let from: Vec<_> = file.parent().unwrap_or(Path::new("")).components().collect();
    let to: Vec<_> = target.components().collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let down = to.iter().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "a [b](c.md) `[d](e)` ![f](g.png)\n```\n[h](i)\n```\n[j](k#l) ``[m](`)``";
        let found: Vec<_> = prose(text)
            .map(|(line, text)| (line, targets(&text).iter().map(|t| (*t).to_owned()).collect()))
            .collect();
        let expected: [(usize, Vec<String>); 2] =
            [(1, vec!["c.md".into(), "g.png".into()]), (5, vec!["k#l".into()])];
        assert_eq!(found, expected);
    }

    #[test]
    fn anchors_are_those_of_mdbook() {
        let text = "# One `two`: three!\n## a_b-c\n```\n# no\n```\n## a_b-c\n";
        assert_eq!(anchors(text), ["one-two-three", "a_b-c", "a_b-c-1"]);
        assert_eq!(title(text), "One `two`: three!");
    }

    #[test]
    fn paths_are_joined_and_taken_apart() {
        let page = Path::new("docs/book/how-to/a.md");
        let source = join(page, "../../../servers-wasm/x.rs").unwrap();
        assert_eq!(source, Path::new("servers-wasm/x.rs"));
        assert_eq!(relative(page, &source), "../../../servers-wasm/x.rs");
        assert_eq!(relative(page, Path::new("docs/book/b.md")), "../b.md");
        assert_eq!(join(page, "../../../../x"), None);
    }
}
