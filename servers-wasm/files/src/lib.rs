//! The server `files`: a file system in memory, served to programs as `wasi:filesystem`.
//!
//! [`tree`] is the file system: directories and files as nodes, found by paths ([`path`]) that
//! cannot leave the directory they begin at. What stands in a file is kept in [`content`], on pages
//! of one [`pages::Pool`], which takes memory from the quota and says when there is none left.
//! [`shares`] bounds what each client holds open. All of this is plain Rust, tested on the host.
//! `component` joins it to the world `atoll:servers/files`: it mints descriptors and moves bytes
//! between files and the pipes that clients know as streams.
//!
//! A file is gone when its last name is and nobody has it open, as in POSIX. All of it is gone when
//! the server ends; a version with the same layout takes it over in a swap while no stream is open
//! (docs/adr/0101).

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

pub mod content;
pub mod pages;
pub mod path;
pub mod shares;
pub mod tree;

/// Why an operation failed: what a file system says of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is something of that name already.
    Exist,
    /// A file would be larger than [`content::MOST_SIZE`].
    FileTooLarge,
    /// The file system is full.
    InsufficientSpace,
    /// The operation makes no sense for these arguments.
    Invalid,
    /// It is a directory.
    IsDirectory,
    /// A path or a name in it is too long.
    NameTooLong,
    /// There is nothing of that name.
    NoEntry,
    /// It is not a directory.
    NotDirectory,
    /// The directory is not empty.
    NotEmpty,
    /// The path would leave the directory that it begins at.
    NotPermitted,
}

/// A time since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds.
    pub seconds: u64,
    /// The rest, below a thousand million.
    pub nanoseconds: u32,
}
