//! The program on the world `atoll:servers/lodger`.

atoll_sdk::bindings!("atoll:servers/lodger" in "../../wit");
atoll_sdk::program!(bindings, main);

use core::arch::wasm32;

use crate::{Request, USAGE, WAYS_OUT};
use atoll_sdk::program::{EXIT_FAILED, Failure};
use bindings::{
    atoll::supervision::servers,
    wasi::{
        clocks::monotonic_clock,
        filesystem::{
            preopens,
            types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags},
        },
    },
};
use std::io::Write;

/// How long to wait before looking again.
const PAUSE_NS: u64 = 10_000_000;
/// Directories by which flood and work tell each other how far they are.
const STANDS: &str = "stands";
const WORKED: &str = "worked";
/// Bytes that are written in a round; more than a pipe holds.
const ROUND: usize = 20_000;

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    let done = match Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))? {
        Request::Work(rounds) => work(output, rounds),
        Request::Hand => hand(),
        Request::Escape => escape(),
        Request::Flood => flood(output),
        Request::Fill => fill(),
        Request::Die => die(),
        Request::Look => look(),
        Request::Outlive => outlive(output),
    };
    match done {
        Ok(done) => Ok(writeln!(output, "{done}")?),
        Err(why) => {
            writeln!(output, "{why}")?;
            Err(Failure::code(EXIT_FAILED))
        }
    }
}

fn directory() -> Result<Descriptor, String> {
    let mut directories = preopens::get_directories();
    let (directory, name) = directories.pop().ok_or("there is no directory")?;
    if name == "/" && directories.is_empty() { Ok(directory) } else { Err("other names".into()) }
}

fn open(directory: &Descriptor, path: &str, how: OpenFlags) -> Result<Descriptor, ErrorCode> {
    let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
    directory.open_at(PathFlags::empty(), path, how, access)
}

fn reason(error: impl core::fmt::Debug) -> String {
    format!("{error:?}")
}

/// Rounds of writing by a stream and reading by call and by stream, and a descriptor that stays
/// open all the while.
fn work(output: &mut dyn Write, rounds: u32) -> Result<String, String> {
    let directory = directory()?;
    writeln!(output, "ready to work").map_err(reason)?;
    await_sign(&directory, STANDS)?;
    let kept = open(&directory, "kept", OpenFlags::CREATE).map_err(reason)?;
    let record = kept.append_via_stream().map_err(reason)?;
    for round in 0..rounds {
        let bytes = vec![round as u8; ROUND];
        let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let file = open(&directory, "round", how).map_err(reason)?;
        let stream = file.write_via_stream(0).map_err(reason)?;
        for piece in bytes.chunks(4096) {
            stream.blocking_write_and_flush(piece).map_err(reason)?;
        }
        if file.read(ROUND as u64 + 1, 0).map_err(reason)? != (bytes, true) {
            return Err(format!("round {round}: other bytes"));
        }
        record.blocking_write_and_flush(&[round as u8]).map_err(reason)?;
        if kept.stat().map_err(reason)?.size != u64::from(round) + 1 {
            return Err(format!("round {round}: the record has another size"));
        }
    }
    drop(record);
    directory.unlink_file_at("kept").map_err(reason)?;
    directory.unlink_file_at("round").map_err(reason)?;
    directory.create_directory_at(WORKED).map_err(reason)?;
    Ok(format!("{rounds} rounds as expected"))
}

/// Files as the standard streams of another program. Their descriptors are dropped before it runs.
fn hand() -> Result<String, String> {
    let directory = directory()?;
    let made = |name: &str| open(&directory, name, OpenFlags::CREATE).map_err(reason);
    let (input, output, errors) = (made("input")?, made("output")?, made("errors")?);
    input.write(b"Ada\nGrace\n", 0).map_err(reason)?;
    let stdin = input.read_via_stream(0).map_err(reason)?;
    let stdout = output.write_via_stream(0).map_err(reason)?;
    let stderr = errors.append_via_stream().map_err(reason)?;
    drop((input, output, errors));
    let arguments = ["--stdin".to_owned()];
    let task = servers::run("hello", &arguments, stdin, stdout, stderr).map_err(reason)?;
    task.finished().map_err(reason)?.block();
    let exit = task.exit().map_err(reason)?.ok_or("it has not ended")?;
    let contents = |name: &str| {
        let file = open(&directory, name, OpenFlags::empty()).map_err(reason)?;
        let (bytes, _) = file.read(ROUND as u64, 0).map_err(reason)?;
        directory.unlink_file_at(name).map_err(reason)?;
        String::from_utf8(bytes).map_err(reason)
    };
    let read = [contents("input")?, contents("output")?, contents("errors")?];
    if !exit.completed || exit.code != 0 || !read[2].is_empty() {
        return Err(format!("{exit:?}: {read:?}"));
    }
    Ok(read[1].trim_end().to_owned())
}

/// Every operation with every way out.
fn escape() -> Result<String, String> {
    let directory = directory()?;
    directory.create_directory_at("in").map_err(reason)?;
    let mut refused = 0;
    for path in WAYS_OUT {
        let stays = PathFlags::empty;
        let results = [
            open(&directory, path, OpenFlags::CREATE).map(drop),
            directory.stat_at(stays(), path).map(drop),
            directory.create_directory_at(path),
            directory.remove_directory_at(path),
            directory.unlink_file_at(path),
            directory.readlink_at(path).map(drop),
            directory.metadata_hash_at(stays(), path).map(drop),
            directory.rename_at(path, &directory, "got"),
            directory.rename_at("in", &directory, path),
            directory.link_at(stays(), path, &directory, "got"),
        ];
        for result in results {
            if result != Err(ErrorCode::NotPermitted) {
                return Err(format!("{path}: {result:?}"));
            }
            refused += 1;
        }
    }
    directory.remove_directory_at("in").map_err(reason)?;
    Ok(format!("{refused} times refused"))
}

/// Waits for a directory and takes it away. It opens nothing.
fn await_sign(directory: &Descriptor, name: &str) -> Result<(), String> {
    while directory.stat_at(PathFlags::empty(), name).is_err() {
        monotonic_clock::subscribe_duration(PAUSE_NS).block();
    }
    directory.remove_directory_at(name).map_err(reason)
}

/// Takes all shares, and of one of them everything; then traps with all of it.
fn flood(output: &mut dyn Write) -> Result<String, String> {
    let mut shares = Vec::new();
    while let Ok(directory) = directory() {
        shares.push(directory);
    }
    let first = shares.first().ok_or("there is no directory")?;
    let mut descriptors = Vec::new();
    let last = loop {
        match open(first, "flood", OpenFlags::CREATE) {
            Ok(file) => descriptors.push(file),
            Err(error) => break error,
        }
    };
    let file = descriptors.first().ok_or("nothing opens")?;
    let mut streams = Vec::new();
    while let Ok(stream) = file.append_via_stream() {
        streams.push(stream);
    }
    let (shares, descriptors, streams) = (shares.len(), descriptors.len(), streams.len());
    let last = last.name();
    writeln!(output, "{shares} shares, {descriptors} descriptors, then {last}; {streams} streams")
        .map_err(reason)?;
    first.create_directory_at(STANDS).map_err(reason)?;
    await_sign(first, WORKED)?;
    wasm32::unreachable()
}

/// Fills the file system, and once more when it was emptied.
fn fill() -> Result<String, String> {
    let directory = directory()?;
    let sizes = [fill_once(&directory)?, fill_once(&directory)?];
    let [first, second] = sizes.map(|bytes| bytes >> 20);
    if first == second { Ok("full twice alike".into()) } else { Err(format!("{sizes:?}")) }
}

/// Writes to a stream until it is closed; how much the file has then. All that was flushed is in
/// it, or the loss is told, and it can still be read.
fn fill_once(directory: &Descriptor) -> Result<u64, String> {
    let piece = [WRITTEN; 4096];
    let file = open(directory, "full", OpenFlags::CREATE).map_err(reason)?;
    let stream = file.write_via_stream(0).map_err(reason)?;
    let mut flushed = 0;
    while stream.blocking_write_and_flush(&piece).is_ok() {
        flushed += piece.len() as u64;
    }
    let size = file.stat().map_err(reason)?.size;
    let lost = file.sync();
    let is_told = lost == Err(ErrorCode::InsufficientSpace);
    if flushed > size && !is_told || size > flushed + piece.len() as u64 {
        return Err(format!("{flushed} bytes were flushed, {size} are there: {lost:?}"));
    }
    let mut end = Ok(size);
    while let Ok(offset) = end {
        end = file.write(&piece, offset).map(|count| offset + count);
    }
    if end != Err(ErrorCode::InsufficientSpace) {
        return Err(format!("full, and then {end:?}"));
    }
    let last = file.read_via_stream(size - 1).map_err(reason)?.blocking_read(1);
    if last.map_err(reason)? != [WRITTEN] {
        return Err("the last byte is another one".into());
    }
    directory.unlink_file_at("full").map_err(reason)?;
    Ok(size)
}

/// Bytes that are written and flushed, and one of those that are only written.
const FLUSHED: &[u8] = b"what was flushed\n";
const WRITTEN: u8 = b'x';

/// Leaves bytes in a pipe and ends.
fn die() -> Result<String, String> {
    let file = open(&directory()?, "half", OpenFlags::CREATE).map_err(reason)?;
    let stream = file.write_via_stream(0).map_err(reason)?;
    stream.blocking_write_and_flush(FLUSHED).map_err(reason)?;
    stream.check_write().map_err(reason)?;
    stream.write(&[WRITTEN; 10_000]).map_err(reason)?;
    wasm32::unreachable()
}

/// All that was flushed is there, and some or all of the rest.
fn look() -> Result<String, String> {
    let directory = directory()?;
    let file = open(&directory, "half", OpenFlags::empty()).map_err(reason)?;
    let (bytes, _) = file.read(ROUND as u64, 0).map_err(reason)?;
    let rest = bytes.strip_prefix(FLUSHED).ok_or("what was flushed is not there")?;
    if rest.iter().any(|byte| *byte != WRITTEN) {
        return Err("there are bytes that nobody wrote".into());
    }
    directory.unlink_file_at("half").map_err(reason)?;
    Ok("as it was left".into())
}

/// What is held of a server that ended is an error and no trap, and the next one is used as the
/// first was.
fn outlive(output: &mut dyn Write) -> Result<String, String> {
    let held = open(&directory()?, "held", OpenFlags::CREATE).map_err(reason)?;
    writeln!(output, "ready to outlive").map_err(reason)?;
    let error = loop {
        match held.stat() {
            Ok(_) => monotonic_clock::subscribe_duration(PAUSE_NS).block(),
            Err(error) => break error,
        }
    };
    if error != ErrorCode::Io {
        return Err(reason(error));
    }
    let again = open(&directory()?, "again", OpenFlags::CREATE).map_err(reason)?;
    again.write(b"here", 0).map_err(reason)?;
    directory()?.unlink_file_at("again").map_err(reason)?;
    Ok("outlived its files".into())
}
