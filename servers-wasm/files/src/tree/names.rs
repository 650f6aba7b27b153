//! Names: paths are walked, entries made, moved and taken away.
//!
//! A path is walked from a directory that a client holds and never gets above it: `..` is followed
//! only as far as steps went down before.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Body, Node, NodeId, NodeKind, Tree};
use crate::content::Content;
use crate::pages::Pool;
use crate::path::{Path, Step};
use crate::{Error, Time};

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// It is made if it is not there.
    pub create: bool,
    /// It must be a directory.
    pub directory: bool,
    /// With `create`: it must not be there.
    pub exclusive: bool,
    /// It is cut to nothing.
    pub truncate: bool,
    /// It is to be written.
    pub write: bool,
}

/// Where a path leads.
enum Found<'p> {
    /// To a name in a directory, and what has that name.
    Entry(Entry<'p>),
    /// To a directory, by a path that ends in dots.
    Itself(NodeId),
}

struct Entry<'p> {
    directory: NodeId,
    name: &'p str,
    node: Option<NodeId>,
    /// Whether the path ends in a slash.
    is_directory: bool,
}

impl Tree {
    /// What a path leads to.
    ///
    /// # Errors
    /// `NoEntry`, `NotDirectory`, `NotPermitted`, and those of [`Path::new`].
    pub fn find(&self, base: NodeId, path: &str) -> Result<NodeId, Error> {
        let entry = match self.walk(base, path)? {
            Found::Itself(id) => return Ok(id),
            Found::Entry(entry) => entry,
        };
        let id = entry.node.ok_or(Error::NoEntry)?;
        if entry.is_directory { self.directory(id).map(|()| id) } else { Ok(id) }
    }

    /// Finds or makes what is to be opened.
    ///
    /// # Errors
    /// Those of [`Self::find`]; `Exist`, `IsDirectory`, `InsufficientSpace`, and `Invalid` if the
    /// flags contradict each other.
    pub fn open(
        &mut self,
        base: NodeId,
        path: &str,
        how: Opening,
        now: Time,
    ) -> Result<NodeId, Error> {
        if how.directory && (how.create || how.exclusive || how.truncate) {
            return Err(Error::Invalid);
        }
        let id = match self.walk(base, path)? {
            Found::Itself(id) => id,
            Found::Entry(Entry { node: Some(id), is_directory, .. }) => {
                if is_directory || how.directory {
                    self.directory(id)?;
                }
                id
            }
            Found::Entry(_) if !how.create => return Err(Error::NoEntry),
            Found::Entry(Entry { is_directory: true, .. }) => return Err(Error::IsDirectory),
            Found::Entry(Entry { directory, name, .. }) => {
                return self.make(directory, name, Body::File(Content::default()), now);
            }
        };
        if how.create && how.exclusive {
            return Err(Error::Exist);
        }
        let changes = how.create || how.truncate || how.write;
        if changes && self.kind(id) == Some(NodeKind::Directory) {
            return Err(Error::IsDirectory);
        }
        if how.truncate {
            self.set_size(id, 0, now)?;
        }
        Ok(id)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// `Exist`, `InsufficientSpace`, and those of [`Self::find`].
    pub fn create_directory(&mut self, base: NodeId, path: &str, now: Time) -> Result<(), Error> {
        match self.walk(base, path)? {
            Found::Entry(Entry { directory, name, node: None, .. }) => {
                let body = Body::Directory { entries: BTreeMap::new(), parent: directory };
                self.make(directory, name, body, now).map(drop)
            }
            _ => Err(Error::Exist),
        }
    }

    /// Takes a file's name away.
    ///
    /// # Errors
    /// `IsDirectory`, and those of [`Self::find`].
    pub fn unlink_file(&mut self, base: NodeId, path: &str, now: Time) -> Result<(), Error> {
        let Found::Entry(entry) = self.walk(base, path)? else { return Err(Error::IsDirectory) };
        let id = entry.node.ok_or(Error::NoEntry)?;
        match self.kind(id) {
            Some(NodeKind::Directory) => Err(Error::IsDirectory),
            _ if entry.is_directory => Err(Error::NotDirectory),
            _ => self.unlink(entry.directory, entry.name, now),
        }
    }

    /// Takes an empty directory's name away.
    ///
    /// # Errors
    /// `NotEmpty`; `Invalid` for a path that ends in dots; and those of [`Self::find`].
    pub fn remove_directory(&mut self, base: NodeId, path: &str, now: Time) -> Result<(), Error> {
        let Found::Entry(entry) = self.walk(base, path)? else { return Err(Error::Invalid) };
        let id = entry.node.ok_or(Error::NoEntry)?;
        self.directory(id)?;
        self.empty(id)?;
        self.unlink(entry.directory, entry.name, now)
    }

    /// Gives something another name, in place of what had it.
    ///
    /// # Errors
    /// `NotDirectory`, `IsDirectory` or `NotEmpty` if that cannot be replaced by this; `Invalid`
    /// for a directory that would come to be in itself, and for paths that end in dots; and those
    /// of [`Self::find`].
    pub fn rename(
        &mut self,
        from: (NodeId, &str),
        to: (NodeId, &str),
        now: Time,
    ) -> Result<(), Error> {
        let (Found::Entry(old), Found::Entry(new)) =
            (self.walk(from.0, from.1)?, self.walk(to.0, to.1)?)
        else {
            return Err(Error::Invalid);
        };
        let id = old.node.ok_or(Error::NoEntry)?;
        let is_directory = self.kind(id) == Some(NodeKind::Directory);
        if (old.is_directory || new.is_directory) && !is_directory {
            return Err(Error::NotDirectory);
        }
        if is_directory && self.is_within(new.directory, id) {
            return Err(Error::Invalid);
        }
        if new.node == Some(id) {
            return Ok(());
        }
        has_headroom()?;
        if let Some(replaced) = new.node {
            match (is_directory, self.kind(replaced)) {
                (true, Some(NodeKind::Directory)) => self.empty(replaced)?,
                (true, _) => return Err(Error::NotDirectory),
                (false, Some(NodeKind::Directory)) => return Err(Error::IsDirectory),
                (false, _) => {}
            }
            self.unlink(new.directory, new.name, now)?;
        }
        self.link_node(new.directory, new.name, id, now)?;
        self.unlink(old.directory, old.name, now)?;
        if let Body::Directory { parent, .. } = &mut self.node_mut(id)?.body {
            *parent = new.directory;
        }
        Ok(())
    }

    /// Gives a file one more name.
    ///
    /// # Errors
    /// `NotPermitted` for a directory, `Exist`, `InsufficientSpace`, and those of [`Self::find`].
    pub fn link(
        &mut self,
        from: (NodeId, &str),
        to: (NodeId, &str),
        now: Time,
    ) -> Result<(), Error> {
        let id = self.find(from.0, from.1)?;
        if self.kind(id) == Some(NodeKind::Directory) {
            return Err(Error::NotPermitted);
        }
        match self.walk(to.0, to.1)? {
            Found::Entry(Entry { node: None, is_directory: true, .. }) => Err(Error::NoEntry),
            Found::Entry(Entry { directory, name, node: None, .. }) => {
                self.link_node(directory, name, id, now)
            }
            _ => Err(Error::Exist),
        }
    }

    /// The entry of a directory that comes after a name; the first one after none.
    ///
    /// # Errors
    /// `NotDirectory`
    pub fn entry_after(
        &self,
        directory: NodeId,
        name: Option<&str>,
    ) -> Result<Option<(&str, NodeKind)>, Error> {
        let Body::Directory { entries, .. } = &self.node(directory)?.body else {
            return Err(Error::NotDirectory);
        };
        let after = name.map_or(Bound::Unbounded, Bound::Excluded);
        let next = entries.range::<str, _>((after, Bound::Unbounded)).next();
        Ok(next.and_then(|(name, id)| Some((&**name, self.kind(*id)?))))
    }

    fn walk<'p>(&self, base: NodeId, path: &'p str) -> Result<Found<'p>, Error> {
        let path = Path::new(path)?;
        let mut depth = 0_usize;
        let mut at = base;
        let mut steps = path.steps().peekable();
        while let Some(step) = steps.next() {
            let Body::Directory { entries, parent } = &self.node(at)?.body else {
                return Err(Error::NotDirectory);
            };
            match step {
                Step::Stay => {}
                Step::Up => {
                    depth = depth.checked_sub(1).ok_or(Error::NotPermitted)?;
                    at = *parent;
                }
                Step::Name(name) => {
                    let node = entries.get(name).copied();
                    if steps.peek().is_none() {
                        let is_directory = path.ends_in_slash();
                        return Ok(Found::Entry(Entry { directory: at, name, node, is_directory }));
                    }
                    at = node.ok_or(Error::NoEntry)?;
                    depth += 1;
                }
            }
        }
        self.directory(at).map(|()| Found::Itself(at))
    }

    fn directory(&self, id: NodeId) -> Result<(), Error> {
        match self.node(id)?.kind() {
            NodeKind::Directory => Ok(()),
            NodeKind::File => Err(Error::NotDirectory),
        }
    }

    fn empty(&self, id: NodeId) -> Result<(), Error> {
        match self.entry_after(id, None)? {
            None => Ok(()),
            Some(_) => Err(Error::NotEmpty),
        }
    }

    /// Whether a directory is another one or in it.
    fn is_within(&self, mut directory: NodeId, other: NodeId) -> bool {
        loop {
            if directory == other {
                return true;
            }
            match self.node(directory) {
                Ok(Node { body: Body::Directory { parent, .. }, .. }) if *parent != directory => {
                    directory = *parent;
                }
                _ => return false,
            }
        }
    }

    /// Makes a node with a name.
    fn make(
        &mut self,
        directory: NodeId,
        name: &str,
        body: Body,
        now: Time,
    ) -> Result<NodeId, Error> {
        let id = NodeId(self.next);
        let node = Node { links: 0, ..Node::new(body, now) };
        self.nodes.insert(id, node);
        if let Err(error) = self.link_node(directory, name, id, now) {
            self.nodes.remove(&id);
            return Err(error);
        }
        self.next += 1;
        Ok(id)
    }

    /// Gives a node a name that nothing has.
    fn link_node(
        &mut self,
        directory: NodeId,
        name: &str,
        id: NodeId,
        now: Time,
    ) -> Result<(), Error> {
        has_headroom()?;
        let node = self.node_mut(directory)?;
        let Body::Directory { entries, .. } = &mut node.body else {
            return Err(Error::NotDirectory);
        };
        if node.links == 0 {
            // It was removed while somebody had it open.
            return Err(Error::NoEntry);
        }
        entries.insert(name.into(), id);
        node.modify(now);
        let node = self.node_mut(id)?;
        node.links += 1;
        node.changed = now;
        Ok(())
    }

    /// Takes a name away, and what had it if that was its last.
    fn unlink(&mut self, directory: NodeId, name: &str, now: Time) -> Result<(), Error> {
        let node = self.node_mut(directory)?;
        let Body::Directory { entries, .. } = &mut node.body else {
            return Err(Error::NotDirectory);
        };
        let id = entries.remove(name).ok_or(Error::NoEntry)?;
        node.modify(now);
        let node = self.node_mut(id)?;
        node.links = node.links.saturating_sub(1);
        node.changed = now;
        self.collect(id);
        Ok(())
    }
}

/// Whether there is memory for one more name.
fn has_headroom() -> Result<(), Error> {
    if Pool::has_headroom() { Ok(()) } else { Err(Error::InsufficientSpace) }
}
