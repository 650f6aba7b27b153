//! The program `{{name}}`: counts the lines, words and bytes of files, or of what it is given to
//! read.

use std::io::{self, Read};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty() {
        return show("", standard_input());
    }
    let shown = files.iter().map(|file| show(file, fs::read(file)));
    // All are shown, whatever became of those before.
    shown.fold(ExitCode::SUCCESS, |worst, code| if code == ExitCode::SUCCESS { worst } else { code })
}

fn standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Prints the counts of something that was read, or why it was not.
fn show(name: &str, bytes: io::Result<Vec<u8>>) -> ExitCode {
    match bytes {
        Ok(bytes) => {
            let [lines, words, size] = counts(&bytes);
            println!("{}", format!("{lines} lines, {words} words, {size} bytes {name}").trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Lines, words and bytes.
fn counts(bytes: &[u8]) -> [usize; 3] {
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    [lines, words, bytes.len()]
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn words_are_between_spaces() {
        assert_eq!(counts(b"one  two\nthree\n"), [2, 3, 15]);
        assert_eq!(counts(b""), [0, 0, 0]);
    }
}
