//! The file system: nodes, and the names by which paths lead to them.
//!
//! A node has a number that no other node ever gets. It exists as long as it has a name or somebody
//! holds it ([`Tree::hold`]). Files are read and written here; names are the matter of [`names`].

mod names;

use std::collections::BTreeMap;

use crate::content::Content;
use crate::pages::Pool;
use crate::{Error, Time};

pub use names::Opening;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(u64);

/// The directory that all others are in.
pub const ROOT: NodeId = NodeId(0);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// It has entries.
    Directory,
    /// It has contents.
    File,
}

/// What there is to know about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: NodeKind,
    /// How many names it has.
    pub links: u64,
    /// Bytes of a file; 0 of a directory.
    pub size: u64,
    /// When it was last read.
    pub accessed: Time,
    /// When its contents or entries were last changed.
    pub modified: Time,
    /// When anything about it was last changed.
    pub changed: Time,
}

#[derive(Debug)]
struct Node {
    body: Body,
    links: u64,
    holders: u32,
    accessed: Time,
    modified: Time,
    changed: Time,
    /// What became of bytes that were taken in when nobody waited for an answer.
    failure: Option<Error>,
}

#[derive(Debug)]
enum Body {
    Directory { entries: BTreeMap<Box<str>, NodeId>, parent: NodeId },
    File(Content),
}

impl Node {
    const fn new(body: Body, now: Time) -> Self {
        let (accessed, modified, changed) = (now, now, now);
        Self { body, links: 1, holders: 0, accessed, modified, changed, failure: None }
    }

    const fn kind(&self) -> NodeKind {
        match self.body {
            Body::Directory { .. } => NodeKind::Directory,
            Body::File(_) => NodeKind::File,
        }
    }

    fn modify(&mut self, now: Time) {
        (self.modified, self.changed) = (now, now);
    }
}

/// All nodes.
#[derive(Debug)]
pub struct Tree {
    nodes: BTreeMap<NodeId, Node>,
    next: u64,
    /// The memory of all files.
    pub pool: Pool,
}

impl Tree {
    /// A file system with nothing in it.
    #[must_use]
    pub fn new(pool: Pool, now: Time) -> Self {
        let root = Node::new(Body::Directory { entries: BTreeMap::new(), parent: ROOT }, now);
        Self { nodes: BTreeMap::from([(ROOT, root)]), next: 1, pool }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Keeps a node from going as long as it is not released.
    pub fn hold(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.holders = node.holders.saturating_add(1);
        }
    }

    /// Takes a hold back.
    pub fn release(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.holders = node.holders.saturating_sub(1);
        }
        self.collect(id);
    }

    /// What a node is; `None` if it is not there.
    #[must_use]
    pub fn kind(&self, id: NodeId) -> Option<NodeKind> {
        self.nodes.get(&id).map(Node::kind)
    }

    /// What there is to know about a node.
    ///
    /// # Errors
    /// `NoEntry` if it is not there.
    pub fn stat(&self, id: NodeId) -> Result<Stat, Error> {
        let node = self.node(id)?;
        let size = match &node.body {
            Body::File(content) => content.size(),
            Body::Directory { .. } => 0,
        };
        Ok(Stat {
            kind: node.kind(),
            links: node.links,
            size,
            accessed: node.accessed,
            modified: node.modified,
            changed: node.changed,
        })
    }

    /// Sets the times that are given.
    ///
    /// # Errors
    /// `NoEntry` if the node is not there.
    pub fn set_times(
        &mut self,
        id: NodeId,
        accessed: Option<Time>,
        modified: Option<Time>,
        now: Time,
    ) -> Result<(), Error> {
        let node = self.node_mut(id)?;
        node.accessed = accessed.unwrap_or(node.accessed);
        node.modified = modified.unwrap_or(node.modified);
        node.changed = now;
        Ok(())
    }

    /// At most so many bytes of a file from there on; fewer only at its end.
    ///
    /// # Errors
    /// `IsDirectory`
    pub fn read(
        &mut self,
        id: NodeId,
        offset: u64,
        most: usize,
        now: Time,
    ) -> Result<Vec<u8>, Error> {
        let (node, pool) = self.file(id)?;
        node.accessed = now;
        let Body::File(content) = &node.body else { return Err(Error::IsDirectory) };
        Ok(content.read(pool, offset, most))
    }

    /// Puts bytes into a file, at its end if no offset is given; how many, which are fewer when
    /// the file system is full.
    ///
    /// # Errors
    /// `IsDirectory`, `FileTooLarge`, and `InsufficientSpace` if there was room for none.
    pub fn write(
        &mut self,
        id: NodeId,
        offset: Option<u64>,
        bytes: &[u8],
        now: Time,
    ) -> Result<usize, Error> {
        let (node, pool) = self.file(id)?;
        let Body::File(content) = &mut node.body else { return Err(Error::IsDirectory) };
        let offset = offset.unwrap_or(content.size());
        let done = content.write(pool, offset, bytes)?;
        node.modify(now);
        Ok(done)
    }

    /// Cuts a file there, or moves its end there.
    ///
    /// # Errors
    /// `IsDirectory`, `FileTooLarge`
    pub fn set_size(&mut self, id: NodeId, size: u64, now: Time) -> Result<(), Error> {
        let (node, pool) = self.file(id)?;
        let Body::File(content) = &mut node.body else { return Err(Error::IsDirectory) };
        content.set_size(pool, size)?;
        node.modify(now);
        Ok(())
    }

    /// Notes that bytes for a file were lost, for whoever asks next whether all is well.
    pub fn note_failure(&mut self, id: NodeId, failure: Error) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.failure = Some(failure);
        }
    }

    /// Whether all that was written to a node is in it.
    ///
    /// # Errors
    /// What was noted since this was last asked.
    pub fn sync(&mut self, id: NodeId) -> Result<(), Error> {
        self.node_mut(id)?.failure.take().map_or(Ok(()), Err)
    }

    /// A number that is another one for another node, and after a change.
    ///
    /// # Errors
    /// `NoEntry` if the node is not there.
    pub fn hash(&self, id: NodeId) -> Result<u128, Error> {
        let stat = self.stat(id)?;
        let words = [stat.modified.seconds, u64::from(stat.modified.nanoseconds), stat.size];
        let mut halves = [mix(id.0), mix(!id.0)];
        for half in &mut halves {
            *half = words.iter().fold(*half, |hash, word| mix(hash ^ word));
        }
        let [lower, upper] = halves;
        Ok(u128::from(upper) << 64 | u128::from(lower))
    }

    fn node(&self, id: NodeId) -> Result<&Node, Error> {
        self.nodes.get(&id).ok_or(Error::NoEntry)
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, Error> {
        self.nodes.get_mut(&id).ok_or(Error::NoEntry)
    }

    fn file(&mut self, id: NodeId) -> Result<(&mut Node, &mut Pool), Error> {
        let node = self.nodes.get_mut(&id).ok_or(Error::NoEntry)?;
        Ok((node, &mut self.pool))
    }

    /// Removes a node that has no name and no holder.
    fn collect(&mut self, id: NodeId) {
        let is_gone = |node: &Node| node.links == 0 && node.holders == 0;
        if !self.nodes.get(&id).is_some_and(is_gone) {
            return;
        }
        if let Some(Node { body: Body::File(mut content), .. }) = self.nodes.remove(&id) {
            content.clear(&mut self.pool);
        }
    }
}

/// One step of a hash (the finalizer of splitmix64).
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
