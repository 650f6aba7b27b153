//! Files: what redirections and the commands on files ask `wasi:filesystem` for.
//!
//! The first directory that the shell is given is where every path begins, whether it has a `/` in
//! front or not. Nothing is kept between two commands.

use super::bindings::wasi::filesystem::preopens;
use super::bindings::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use super::bindings::wasi::io::streams::{InputStream, OutputStream};
use crate::line::Output;
use crate::model::File;

/// What a file holds, from its begin on.
pub(super) fn read(path: &str) -> Result<InputStream, String> {
    let file = open(path, OpenFlags::empty(), DescriptorFlags::READ)?;
    file.read_via_stream(0).map_err(|error| failure(path, error))
}

/// What is to be written to a file; it is made if there is none.
pub(super) fn write(Output { path, appends }: &Output) -> Result<OutputStream, String> {
    let truncates = if *appends { OpenFlags::empty() } else { OpenFlags::TRUNCATE };
    let file = open(path, OpenFlags::CREATE | truncates, DescriptorFlags::WRITE)?;
    let stream = if *appends { file.append_via_stream() } else { file.write_via_stream(0) };
    stream.map_err(|error| failure(path, error))
}

/// What is in a directory, by name.
pub(super) fn list(path: &str) -> Result<Vec<File>, String> {
    let directory = open(path, OpenFlags::DIRECTORY, DescriptorFlags::READ)?;
    let entries = directory.read_directory().map_err(|error| failure(path, error))?;
    let mut files = Vec::new();
    while let Some(entry) = entries.read_directory_entry().map_err(|error| failure(path, error))? {
        // One that was removed since is left out.
        if let Ok(status) = directory.stat_at(PathFlags::empty(), &entry.name) {
            let is_directory = status.type_ == DescriptorType::Directory;
            files.push(File { name: entry.name, is_directory, size: status.size });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Makes a directory.
pub(super) fn make_directory(path: &str) -> Result<(), String> {
    root()?.create_directory_at(relative(path)).map_err(|error| failure(path, error))
}

/// Removes a file or an empty directory.
pub(super) fn remove(path: &str) -> Result<(), String> {
    let root = root()?;
    let removed = match root.unlink_file_at(relative(path)) {
        Err(ErrorCode::IsDirectory) => root.remove_directory_at(relative(path)),
        removed => removed,
    };
    removed.map_err(|error| failure(path, error))
}

fn open(path: &str, how: OpenFlags, access: DescriptorFlags) -> Result<Descriptor, String> {
    let opened = root()?.open_at(PathFlags::SYMLINK_FOLLOW, relative(path), how, access);
    opened.map_err(|error| failure(path, error))
}

fn root() -> Result<Descriptor, String> {
    let first = preopens::get_directories().into_iter().next();
    first.map(|(directory, _)| directory).ok_or_else(|| String::from("this system has no files"))
}

/// The path from the first directory on.
fn relative(path: &str) -> &str {
    match path.trim_start_matches('/') {
        "" => ".",
        relative => relative,
    }
}

fn failure(path: &str, error: ErrorCode) -> String {
    let why = match error {
        ErrorCode::NoEntry => "there is no such file or directory",
        ErrorCode::IsDirectory => "it is a directory",
        ErrorCode::NotDirectory => "a part of the path is no directory",
        ErrorCode::NotEmpty => "the directory is not empty",
        ErrorCode::Exist => "there is one already",
        ErrorCode::InsufficientSpace | ErrorCode::InsufficientMemory | ErrorCode::Quota => {
            "there is no room left"
        }
        ErrorCode::NotPermitted => "the path leaves the directory that it begins at",
        ErrorCode::NameTooLong => "the name is too long",
        other => return format!("{path}: {}", other.message()),
    };
    format!("{path}: {why}")
}
