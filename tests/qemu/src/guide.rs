//! Reading the guides in `docs/`: what they show is typed and compared, what they quote is looked
//! up.

mod steps;

pub use steps::{Change, Step, steps};

use crate::Session;
use anyhow::{Context, Result, ensure};
use std::fs;

/// The page that makes a first server.
pub const TUTORIAL: &str = "docs/book/tutorial/first-server.md";

/// Types the commands of a page and compares what is said with what the page shows.
pub(crate) fn type_page(session: &mut Session, page: &str) -> Result<()> {
    let text = fs::read_to_string(page).with_context(|| format!("cannot read {page}"))?;
    blocks(&text, "console").into_iter().try_for_each(|block| type_block(session, block))
}

/// Types the commands of a session and compares what is said with what it shows.
pub(crate) fn type_block(session: &mut Session, block: &str) -> Result<()> {
    for (command, expected) in commands(block) {
        let told = session.command(command)?;
        ensure!(
            squeeze(&told) == squeeze(expected),
            "`{command}` should say\n{expected}but says\n{told}"
        );
    }
    Ok(())
}

/// The texts between fences of that language.
pub(crate) fn blocks<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    guide.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Commands and what is shown after each.
pub(crate) fn commands(console: &str) -> Vec<(&str, &str)> {
    let parts = console.split(crate::PROMPT).skip(1);
    parts.map(|part| part.split_once('\n').unwrap_or((part, ""))).collect()
}

/// What two runs have in common: words, with numbers and times of day that may differ left out.
pub(crate) fn squeeze(text: &str) -> String {
    let is_number = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.split(':').all(|part| part.parse::<f64>().is_ok())
    };
    let word = |word: &str| if is_number(word) { "#".to_owned() } else { word.to_owned() };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// A description with what a block of a guide adds to it: each of the block's lines that is not
/// there comes behind the one before it.
pub(crate) fn added(description: &str, block: &str) -> String {
    let mut lines: Vec<&str> = description.lines().collect();
    let mut at = 0;
    for line in block.lines().filter(|line| !line.is_empty()) {
        match lines.iter().skip(at).position(|other| *other == line) {
            Some(behind) => at += behind + 1,
            None => {
                lines.insert(at, line);
                at += 1;
            }
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{added, blocks, commands, squeeze};
    use std::fs;

    #[test]
    fn guides_are_read() {
        let guide = "a\n```console\natoll> ps x\n 1 b\natoll> q\n```\nc\n```rust\nfn\n```\n";
        assert_eq!(blocks(guide, "rust"), ["fn\n"]);
        let console = blocks(guide, "console");
        assert_eq!(commands(console[0]), [("ps x", " 1 b\n"), ("q", "")]);
        assert_eq!(squeeze("took  12 us,\n1.5 of v2"), "took # us, # of v2");
        assert_eq!(squeeze("2030-05-06 07:08:09 8:x"), "2030-05-06 # 8:x");
    }

    #[test]
    fn a_guide_adds_lines_to_a_description() {
        let description = "[a]\nx = 1\n\n[b]\nx = 1\nz = 3\n";
        let block = "[b]\nx = 1\ny = 2\n";
        assert_eq!(added(description, block), "[a]\nx = 1\n\n[b]\nx = 1\ny = 2\nz = 3\n");
        assert_eq!(added("", "[c]\n"), "[c]\n");
    }

    /// The code in the guides is that of the samples.
    #[test]
    fn what_the_guides_quote_is_there() {
        let store = [
            ("rust", "servers-wasm/store/src/component.rs"),
            ("rust", "servers-wasm/shelf/src/lib.rs"),
            ("rust", "servers-wasm/shelf/src/component.rs"),
            ("rust", "servers-wasm/shelf-v2/src/lib.rs"),
            ("rust", "servers-wasm/till/src/component.rs"),
            ("rust", "servers-wasm/counter/src/component.rs"),
            ("wit", "wit/world.wit"),
            ("toml", "iso/systems/test.toml"),
            ("toml", "iso/systems/develop.toml"),
        ];
        let console = [
            ("rust", "servers-wasm/console/driver/src/component/console.rs"),
            ("rust", "servers-wasm/console/driver/src/component/handover.rs"),
        ];
        // The README's server in ten lines is in no source: the tests of `atoll` build it.
        let sdk = [
            ("rust", "servers-wasm/date/src/component.rs"),
            ("rust", "servers-wasm/shelf/src/lib.rs"),
            ("rust", "servers-wasm/shelf/src/component.rs"),
            ("rust", "servers-wasm/console/uart/src/lib.rs"),
            ("rust", "servers-wasm/shell/src/component/session.rs"),
        ];
        assert_eq!(quotations("sdk/rust/README.md", &sdk), 8);
        assert_eq!(quotations("docs/swapping.md", &store), 12);
        assert_eq!(quotations("docs/drivers.md", &console), 4);
    }

    /// Looks the code of a guide up in these sources; how many pieces there are.
    fn quotations(guide: &str, sources: &[(&str, &str)]) -> usize {
        let read = |path: &str| fs::read_to_string(format!("../../{path}")).expect(path);
        let guide = read(guide);
        let mut quoted = 0;
        for language in ["rust", "wit", "toml"] {
            let texts = sources.iter().filter(|(kind, _)| *kind == language);
            let texts: Vec<_> = texts.map(|(_, path)| read(path)).collect();
            for block in blocks(&guide, language) {
                // A quotation may leave something out between its paragraphs.
                let is_there = texts.iter().any(|text| {
                    block.split("\n\n").all(|paragraph| text.contains(paragraph.trim_end()))
                });
                assert!(is_there, "not in the sources:\n{block}");
                quoted += 1;
            }
        }
        quoted
    }
}
