//! What a tutorial has its reader do, in order.

use anyhow::{Result, bail};

/// A step of a tutorial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A change of a file: the one that was named last before it.
    Edit {
        /// Its path in the project.
        file: &'a str,
        /// What becomes of it.
        change: Change<'a>,
    },
    /// A session in a system with the project as it is by then.
    Session(&'a str),
}

/// Lines of a file, some of which are added (`+`) or taken away (`-`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a>(&'a str);

/// The steps of a page: its blocks of `diff` and `console`.
#[must_use]
pub fn steps(page: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut file = "";
    // Prose and blocks take turns.
    for (index, part) in page.split("```").enumerate() {
        if index % 2 == 0 {
            file = named(part).unwrap_or(file);
        } else if let Some(lines) = part.strip_prefix("diff\n") {
            steps.push(Step::Edit { file, change: Change(lines) });
        } else if let Some(block) = part.strip_prefix("console\n") {
            steps.push(Step::Session(block));
        }
    }
    steps
}

/// The file that prose names last.
fn named(prose: &str) -> Option<&str> {
    let code = prose.split('`').skip(1).step_by(2);
    code.filter(|word| word.contains('.') && !word.contains(' ')).last()
}

impl Change<'_> {
    /// The text with the change.
    ///
    /// # Errors
    /// If its lines are not there, or are more than once.
    pub fn apply(self, text: &str) -> Result<String> {
        let lines = |left_out: char| -> String {
            let kept = self.0.lines().filter(|line| !line.starts_with(left_out));
            kept.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
        };
        let (before, after) = (lines('+'), lines('-'));
        match text.matches(&before).count() {
            1 => Ok(text.replacen(&before, &after, 1)),
            count => bail!("these lines are there {count} times, not once:\n{before}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "A `x.toml` and `not a file.`\n\n```diff\n a\n+b\n```\n\n```toml\nc\n```\n\
        Then `d`:\n```diff\n a\n-b\n```\n```console\natoll> e\n```\nIn `src/f.rs`:\n```diff\n+g\n```\n";

    #[test]
    fn a_tutorial_is_a_row_of_steps() {
        let edit = |file, change| Step::Edit { file, change: Change(change) };
        let expected = [
            edit("x.toml", " a\n+b\n"),
            edit("x.toml", " a\n-b\n"),
            Step::Session("atoll> e\n"),
            edit("src/f.rs", "+g\n"),
        ];
        assert_eq!(steps(PAGE), expected);
    }

    #[test]
    fn changes_are_made_where_they_belong() {
        let change = Change(" a\n+b\n-c\n \n d\n");
        assert_eq!(change.apply("0\na\nc\n\nd\n1\n").unwrap(), "0\na\nb\n\nd\n1\n");
        assert!(change.apply("a\nd\n").unwrap_err().to_string().contains("0 times"));
        assert!(Change("-a\n").apply("a\na\n").is_err());
    }
}
