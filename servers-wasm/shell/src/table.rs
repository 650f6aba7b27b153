//! Tables of aligned columns.

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Blanks between two columns.
const GAP: usize = 2;

/// Lays rows out under their heads; each row has as many cells as there are columns. Every line
/// ends in a line feed and has no blanks before it.
#[must_use]
pub fn layout(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let mut widths: Vec<usize> = heads.iter().map(|head| width(head)).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        for ((cell, &(_, align)), &wide) in row.iter().zip(columns).zip(&widths) {
            if !line.is_empty() {
                push_blanks(&mut line, GAP);
            }
            let missing = wide.saturating_sub(width(cell));
            if align == Align::Right {
                push_blanks(&mut line, missing);
            }
            line.push_str(cell);
            if align == Align::Left {
                push_blanks(&mut line, missing);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Breaks a text between words so that no line is longer than `columns`; lines after the first are
/// indented. A longer word keeps its line for itself. Ends in a line feed.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> String {
    let mut wrapped = String::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            wrapped.push_str(&line);
            wrapped.push('\n');
            line.clear();
            push_blanks(&mut line, GAP);
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    wrapped + &line + "\n"
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn push_blanks(line: &mut String, count: usize) {
    line.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_broken_between_words() {
        assert_eq!(wrap("one two three", 8), "one two\n  three\n");
        assert_eq!(wrap("a-very-long-word x", 8), "a-very-long-word\n  x\n");
        assert_eq!(wrap("", 8), "\n");
    }

    #[test]
    fn columns_are_as_wide_as_needed() {
        let columns = [("NAME", Align::Left), ("N", Align::Right), ("NOTE", Align::Left)];
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let text = layout(&columns, &[row(["a", "1000", ""]), row(["longer", "1", "yes"])]);
        assert_eq!(text, "NAME       N  NOTE\na       1000\nlonger     1  yes\n");
    }
}
