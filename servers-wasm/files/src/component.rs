//! Glue between the logic and the world `atoll:servers/files`.
//!
//! [`descriptor`] has what clients hold, [`flows`] the pipes that they know as streams. Before
//! anything is done to a file, what stands in the pipes of its writers is taken in, so that whoever
//! wrote sees it.

atoll_sdk::bindings!("atoll:servers/files" in "../../wit");

mod descriptor;
mod flows;

use std::cell::RefCell;

use crate::pages::Pool;
use crate::shares::Shares;
use crate::tree::{NodeId, ROOT, Tree};
use crate::{Error, Time};
use bindings::exports::atoll::io::handler;
use bindings::exports::wasi::filesystem::preopens;
use bindings::exports::wasi::filesystem::types::{self, ErrorCode};
use bindings::wasi::clocks::wall_clock;
use bindings::wasi::io::error;
use descriptor::{Listing, Open};
use flows::Flows;

/// Declares the layout: a version with the same bytes here can go on with this one's memory.
#[used]
#[unsafe(link_section = "atoll:layout")]
static LAYOUT: [u8; 7] = *b"files 1";

/// The name of the one directory that clients are given.
const NAME: &str = "/";

thread_local! {
    static FILES: RefCell<Option<Files>> = const { RefCell::new(None) };
}

/// All of it.
struct Files {
    tree: Tree,
    shares: Shares,
    flows: Flows,
}

impl Files {
    fn new() -> Self {
        let tree = Tree::new(Pool::default(), now());
        Self { tree, shares: Shares::default(), flows: Flows::default() }
    }

    /// Takes in what was written to a file.
    fn take_in(&mut self, node: NodeId) {
        self.flows.take_in(&mut self.tree, node);
    }

    /// What a path leads to, with what was written to it.
    fn find(&mut self, base: NodeId, path: &str) -> Result<NodeId, Error> {
        let node = self.tree.find(base, path)?;
        self.take_in(node);
        Ok(node)
    }
}

/// Runs `action` on the file system, which is made when it is first asked for.
fn with<R>(action: impl FnOnce(&mut Files) -> R) -> R {
    FILES.with_borrow_mut(|files| action(files.get_or_insert_with(Files::new)))
}

/// The time.
fn now() -> Time {
    let wall_clock::Datetime { seconds, nanoseconds } = wall_clock::now();
    Time { seconds, nanoseconds }
}

impl From<Error> for ErrorCode {
    fn from(error: Error) -> Self {
        match error {
            Error::Exist => Self::Exist,
            Error::FileTooLarge => Self::FileTooLarge,
            Error::InsufficientSpace => Self::InsufficientSpace,
            Error::Invalid => Self::Invalid,
            Error::IsDirectory => Self::IsDirectory,
            Error::NameTooLong => Self::NameTooLong,
            Error::NoEntry => Self::NoEntry,
            Error::NotDirectory => Self::NotDirectory,
            Error::NotEmpty => Self::NotEmpty,
            Error::NotPermitted => Self::NotPermitted,
        }
    }
}

struct Component;

impl handler::Guest for Component {
    fn ready(token: u64) {
        with(|files| files.flows.ready(&mut files.tree, token));
    }
}

impl preopens::Guest for Component {
    fn get_directories() -> Vec<(types::Descriptor, String)> {
        let held = with(|files| files.shares.open()).and_then(|share| share.descriptor());
        let root = held.map(|held| Open::directory(ROOT, held));
        root.map(|root| (types::Descriptor::new(root), NAME.to_owned())).into_iter().collect()
    }
}

impl types::Guest for Component {
    type Descriptor = Open;
    type DirectoryEntryStream = Listing;

    /// Streams are pipes, and no error of a pipe is one of a file.
    fn filesystem_error_code(_: &error::Error) -> Option<ErrorCode> {
        None
    }
}

bindings::export!(Component);
