//! A tour of what WASI gives to a program: nothing but Rust's standard library, nothing of Atoll.
//!
//! `tour args WORD...`, `tour upper`, `tour files`, `tour times`, `tour random`, `tour exit CODE`,
//! `tour keep FILE TEXT`, `tour show FILE`. The program of the same name in C says the same.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// WASI's number of the error, for which the standard library has no name here.
const NOT_EMPTY: i32 = 55;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["args", ..] => arguments(),
        ["upper"] => upper(),
        ["files"] => files(),
        ["times"] => times(),
        ["random"] => random(),
        ["exit", code] => match code.parse() {
            Ok(code) => std::process::exit(code),
            Err(error) => Err(io::Error::other(error)),
        },
        ["keep", file, text] => keep(Path::new(file), text),
        ["show", file] => show(Path::new(file)),
        _ => Err(io::Error::other("no such part of the tour")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tour: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What it was called with, and its environment in the order of the names.
fn arguments() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(2).collect();
    println!("arguments: {}", words.join(","));
    let mut variables: Vec<_> = env::vars().collect();
    variables.sort();
    for (name, value) in variables {
        println!("{name}={value}");
    }
    Ok(())
}

/// Each line of the input in capitals, and on the other stream how many there were.
fn upper() -> io::Result<()> {
    let mut count = 0;
    for line in io::stdin().lock().lines() {
        println!("{}", line?.to_uppercase());
        count += 1;
    }
    eprintln!("{count} lines");
    Ok(())
}

fn check(what: &str, is_right: bool) -> io::Result<()> {
    if is_right {
        println!("{what}: right");
        Ok(())
    } else {
        Err(io::Error::other(format!("{what}: wrong")))
    }
}

/// Everything that there is to do with files, in a directory of its own that is gone afterwards.
fn files() -> io::Result<()> {
    let folder = Path::new("/tour");
    fs::create_dir(folder)?;
    contents(&folder.join("contents"))?;
    large(&folder.join("large"))?;
    names(folder)?;
    mistakes(folder)?;
    fs::remove_dir_all(folder)?;
    check("nothing is left", !folder.exists())
}

fn contents(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(b"one two three")?;
    check("size after a write", file.metadata()?.len() == 13)?;
    check("read by another", fs::read(path)? == b"one two three")?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    drop(file);
    OpenOptions::new().append(true).open(path)?.write_all(b" four")?;
    check("overwritten and appended", fs::read_to_string(path)? == "one TWO three four")?;
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.set_len(7)?;
    file.seek(SeekFrom::End(3))?;
    file.write_all(b"x")?;
    file.sync_all()?;
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    check("cut, and a hole", bytes == b"one TWO\0\0\0x")?;
    let then = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    file.set_modified(then)?;
    check("the time that was set", file.metadata()?.modified()? == then)
}

/// More than any pipe holds, in pieces of odd sizes.
fn large(path: &Path) -> io::Result<()> {
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n * n >> 5) as u8).collect();
    let mut file = File::create(path)?;
    for piece in bytes.chunks(7001) {
        file.write_all(piece)?;
    }
    check("many bytes", fs::read(path)? == bytes)?;
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(50_001))?;
    let mut some = [0; 999];
    file.read_exact(&mut some)?;
    check("bytes from the middle", some[..] == bytes[50_001..51_000])
}

fn names(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("deep/er"))?;
    fs::write(folder.join("deep/er/note"), "kept")?;
    fs::hard_link(folder.join("deep/er/note"), folder.join("also"))?;
    fs::rename(folder.join("deep"), folder.join("moved"))?;
    check("renamed with all in it", fs::read(folder.join("moved/er/note"))? == b"kept")?;
    let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
    let mut found = Vec::new();
    for entry in entries? {
        let mark = if entry.file_type()?.is_dir() { "/" } else { "" };
        found.push(format!("{}{mark}", entry.file_name().display()));
    }
    found.sort();
    println!("entries: {}", found.join(" "));
    fs::remove_file(folder.join("moved/er/note"))?;
    check("the other name", fs::read(folder.join("also"))? == b"kept")
}

fn mistakes(folder: &Path) -> io::Result<()> {
    let kind = |result: io::Result<()>| result.err().map(|error| error.kind());
    let missing = File::open(folder.join("missing")).map(drop);
    check("what is missing", kind(missing) == Some(ErrorKind::NotFound))?;
    let again = kind(fs::create_dir(folder));
    check("what is there already", again == Some(ErrorKind::AlreadyExists))?;
    let full = fs::remove_dir(folder).err().and_then(|error| error.raw_os_error());
    check("a directory that is not empty", full == Some(NOT_EMPTY))?;
    let outside = File::open("/../etc/passwd").map(drop);
    check("the way out", kind(outside) == Some(ErrorKind::PermissionDenied))
}

fn times() -> io::Result<()> {
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    check("a pause", before.elapsed() >= Duration::from_millis(20))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    check("the year is not long ago", now.as_secs() > 1_700_000_000)
}

/// The standard library shows random numbers only as the keys of its hash maps.
fn random() -> io::Result<()> {
    check("random numbers", RandomState::new().hash_one(1) != RandomState::new().hash_one(2))
}

fn keep(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, format!("{text}\n"))
}

fn show(path: &Path) -> io::Result<()> {
    io::copy(&mut File::open(path)?, &mut io::stdout())?;
    Ok(())
}
