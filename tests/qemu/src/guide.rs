//! Reading the guides in `docs/`: what they show is typed and compared, what they quote is looked
//! up.

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

/// What two runs have in common: words, with numbers that may differ left out.
pub(crate) fn squeeze(text: &str) -> String {
    let word = |word: &str| match word.parse::<u64>() {
        Ok(_) => String::from("#"),
        Err(_) => word.to_owned(),
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{blocks, commands, squeeze};
    use std::fs;

    #[test]
    fn guides_are_read() {
        let guide = "a\n```console\natoll> ps x\n 1 b\natoll> q\n```\nc\n```rust\nfn\n```\n";
        assert_eq!(blocks(guide, "rust"), ["fn\n"]);
        let console = blocks(guide, "console");
        assert_eq!(commands(console[0]), [("ps x", " 1 b\n"), ("q", "")]);
        assert_eq!(squeeze("took  12 us,\n12 of v2"), "took # us, # of v2");
    }

    /// The code in the guide is that of the samples.
    #[test]
    fn what_the_guide_quotes_is_there() {
        let read = |path: &str| fs::read_to_string(format!("../../{path}")).expect(path);
        let guide = read("docs/swapping.md");
        let sources = [
            ("rust", "servers-wasm/store/src/component.rs"),
            ("rust", "servers-wasm/store/tables/src/lib.rs"),
            ("wit", "wit/world.wit"),
            ("toml", "iso/systems/test.toml"),
        ]
        .map(|(language, path)| (language, read(path)));
        let mut quoted = 0;
        for language in ["rust", "wit", "toml"] {
            for block in blocks(&guide, language) {
                let mut texts = sources.iter().filter(|(kind, _)| *kind == language);
                // A quotation may leave something out between its paragraphs.
                let is_there = texts.any(|(_, text)| {
                    block.split("\n\n").all(|paragraph| text.contains(paragraph.trim_end()))
                });
                assert!(is_there, "not in the sources:\n{block}");
                quoted += 1;
            }
        }
        assert_eq!(quoted, 5);
    }
}
