//! What clients hold: descriptors of files and directories, and lists of entries that are read.

use std::cell::RefCell;

use super::bindings::exports::wasi::filesystem::types::{
    self, Advice, DescriptorBorrow, DescriptorFlags, DescriptorStat, DescriptorType,
    DirectoryEntry, ErrorCode, Filesize, GuestDescriptor, GuestDirectoryEntryStream,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use super::bindings::wasi::clocks::wall_clock::Datetime;
use super::bindings::wasi::io::streams::{InputStream, OutputStream};
use super::{Files, now, with};
use crate::shares::Held;
use crate::tree::{NodeId, NodeKind, Opening, Stat};
use crate::{Error, Time};

/// Most bytes that `read` gives at once: what fits into a message.
const MOST_READ: u64 = 60 << 10;
const SECOND_NS: u32 = 1_000_000_000;

/// A descriptor.
pub(super) struct Open {
    node: NodeId,
    kind: NodeKind,
    /// What may be done with a file's bytes; with a directory everything may.
    access: Access,
    held: Held,
}

/// For what a file is open.
#[derive(Clone, Copy)]
struct Access {
    reads: bool,
    writes: bool,
}

impl Open {
    /// A descriptor of a directory.
    pub(super) fn directory(node: NodeId, held: Held) -> Self {
        Self::new(node, NodeKind::Directory, Access { reads: true, writes: false }, held)
    }

    fn new(node: NodeId, kind: NodeKind, access: Access, held: Held) -> Self {
        with(|files| files.tree.hold(node));
        Self { node, kind, access, held }
    }

    /// The file, if it is one that can be read.
    fn readable(&self) -> Result<NodeId, ErrorCode> {
        self.file(self.access.reads)
    }

    /// The file, if it is one that can be written.
    fn writable(&self) -> Result<NodeId, ErrorCode> {
        self.file(self.access.writes)
    }

    /// The file, if it is one and open for what is wanted.
    fn file(&self, is_open: bool) -> Result<NodeId, ErrorCode> {
        let is_file = self.kind == NodeKind::File;
        (is_file && is_open).then_some(self.node).ok_or(ErrorCode::BadDescriptor)
    }

    /// Does something with the node, after what was written to it.
    fn on<R>(&self, action: impl FnOnce(&mut Files, NodeId) -> R) -> R {
        with(|files| {
            files.take_in(self.node);
            action(files, self.node)
        })
    }

    fn write_stream(&self, offset: Option<u64>) -> Result<OutputStream, ErrorCode> {
        let node = self.writable()?;
        let held = self.held.share().stream().ok_or(ErrorCode::InsufficientMemory)?;
        self.on(|files, _| files.flows.write(&mut files.tree, node, offset, held))
    }

    fn stat_of(files: &Files, node: NodeId) -> Result<DescriptorStat, ErrorCode> {
        let Stat { kind, links, size, accessed, modified, changed } = files.tree.stat(node)?;
        Ok(DescriptorStat {
            type_: type_of(kind),
            link_count: links,
            size,
            data_access_timestamp: Some(datetime(accessed)),
            data_modification_timestamp: Some(datetime(modified)),
            status_change_timestamp: Some(datetime(changed)),
        })
    }

    fn hash_of(files: &Files, node: NodeId) -> Result<MetadataHashValue, ErrorCode> {
        let hash = files.tree.hash(node)?;
        Ok(MetadataHashValue { lower: hash as u64, upper: (hash >> 64) as u64 })
    }

    fn set_times_of(
        files: &mut Files,
        node: NodeId,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<(), ErrorCode> {
        let now = now();
        let (accessed, modified) = (time(accessed, now)?, time(modified, now)?);
        Ok(files.tree.set_times(node, accessed, modified, now)?)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        with(|files| files.tree.release(self.node));
    }
}

impl GuestDescriptor for Open {
    fn read_via_stream(&self, offset: Filesize) -> Result<InputStream, ErrorCode> {
        let node = self.readable()?;
        let held = self.held.share().stream().ok_or(ErrorCode::InsufficientMemory)?;
        self.on(|files, _| files.flows.read(&mut files.tree, node, offset, held))
    }

    fn write_via_stream(&self, offset: Filesize) -> Result<OutputStream, ErrorCode> {
        self.write_stream(Some(offset))
    }

    fn append_via_stream(&self) -> Result<OutputStream, ErrorCode> {
        self.write_stream(None)
    }

    fn advise(&self, _: Filesize, _: Filesize, _: Advice) -> Result<(), ErrorCode> {
        self.file(true).map(drop)
    }

    fn sync_data(&self) -> Result<(), ErrorCode> {
        self.sync()
    }

    fn get_flags(&self) -> Result<DescriptorFlags, ErrorCode> {
        let none = DescriptorFlags::empty;
        let read = if self.access.reads { DescriptorFlags::READ } else { none() };
        let write = if self.access.writes { DescriptorFlags::WRITE } else { none() };
        Ok(match self.kind {
            NodeKind::Directory => read | DescriptorFlags::MUTATE_DIRECTORY,
            NodeKind::File => read | write,
        })
    }

    fn get_type(&self) -> Result<DescriptorType, ErrorCode> {
        Ok(type_of(self.kind))
    }

    fn set_size(&self, size: Filesize) -> Result<(), ErrorCode> {
        let node = self.writable()?;
        self.on(|files, _| Ok(files.tree.set_size(node, size, now())?))
    }

    fn set_times(&self, accessed: NewTimestamp, modified: NewTimestamp) -> Result<(), ErrorCode> {
        self.on(|files, node| Self::set_times_of(files, node, accessed, modified))
    }

    fn read(&self, length: Filesize, offset: Filesize) -> Result<(Vec<u8>, bool), ErrorCode> {
        let node = self.readable()?;
        self.on(|files, _| {
            let bytes = files.tree.read(node, offset, length.min(MOST_READ) as usize, now())?;
            let end = offset.saturating_add(bytes.len() as u64);
            Ok((bytes, end >= files.tree.stat(node)?.size))
        })
    }

    fn write(&self, bytes: Vec<u8>, offset: Filesize) -> Result<Filesize, ErrorCode> {
        let node = self.writable()?;
        self.on(|files, _| Ok(files.tree.write(node, Some(offset), &bytes, now())? as u64))
    }

    fn read_directory(&self) -> Result<types::DirectoryEntryStream, ErrorCode> {
        if self.kind != NodeKind::Directory {
            return Err(ErrorCode::NotDirectory);
        }
        let held = self.held.share().descriptor().ok_or(ErrorCode::InsufficientMemory)?;
        Ok(types::DirectoryEntryStream::new(Listing::new(self.node, held)))
    }

    fn sync(&self) -> Result<(), ErrorCode> {
        self.on(|files, node| Ok(files.tree.sync(node)?))
    }

    fn create_directory_at(&self, path: String) -> Result<(), ErrorCode> {
        with(|files| Ok(files.tree.create_directory(self.node, &path, now())?))
    }

    fn stat(&self) -> Result<DescriptorStat, ErrorCode> {
        self.on(|files, node| Self::stat_of(files, node))
    }

    fn stat_at(&self, _: PathFlags, path: String) -> Result<DescriptorStat, ErrorCode> {
        with(|files| {
            let node = files.find(self.node, &path)?;
            Self::stat_of(files, node)
        })
    }

    fn set_times_at(
        &self,
        _: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Result<(), ErrorCode> {
        with(|files| {
            let node = files.find(self.node, &path)?;
            Self::set_times_of(files, node, accessed, modified)
        })
    }

    fn link_at(
        &self,
        flags: PathFlags,
        old: String,
        directory: DescriptorBorrow<'_>,
        new: String,
    ) -> Result<(), ErrorCode> {
        if flags == PathFlags::SYMLINK_FOLLOW {
            return Err(ErrorCode::Invalid);
        }
        let to = directory.get::<Self>().node;
        with(|files| Ok(files.tree.link((self.node, &old), (to, &new), now())?))
    }

    fn open_at(
        &self,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<types::Descriptor, ErrorCode> {
        let held = self.held.share().descriptor().ok_or(ErrorCode::InsufficientMemory)?;
        let has = |flag: OpenFlags| open.bits() & flag.bits() != 0;
        let wants = |flag: DescriptorFlags| flags.bits() & flag.bits() != 0;
        let how = Opening {
            create: has(OpenFlags::CREATE),
            directory: has(OpenFlags::DIRECTORY),
            exclusive: has(OpenFlags::EXCLUSIVE),
            truncate: has(OpenFlags::TRUNCATE),
            write: wants(DescriptorFlags::WRITE),
        };
        // What is not open to be written is open to be read, as other runtimes have it.
        let access = Access {
            reads: wants(DescriptorFlags::READ) || !how.write,
            writes: how.write || how.create,
        };
        let (node, kind) = with(|files| {
            // What was written before it is cut does not come after.
            let _ = files.find(self.node, &path);
            let node = files.tree.open(self.node, &path, how, now())?;
            Ok::<_, Error>((node, files.tree.kind(node).ok_or(Error::NoEntry)?))
        })?;
        let opened = match kind {
            NodeKind::Directory => Self::directory(node, held),
            NodeKind::File => Self::new(node, kind, access, held),
        };
        Ok(types::Descriptor::new(opened))
    }

    fn readlink_at(&self, path: String) -> Result<String, ErrorCode> {
        // There are no symbolic links, so whatever is there is something else.
        with(|files| files.find(self.node, &path))?;
        Err(ErrorCode::Invalid)
    }

    fn remove_directory_at(&self, path: String) -> Result<(), ErrorCode> {
        with(|files| Ok(files.tree.remove_directory(self.node, &path, now())?))
    }

    fn rename_at(
        &self,
        old: String,
        directory: DescriptorBorrow<'_>,
        new: String,
    ) -> Result<(), ErrorCode> {
        let to = directory.get::<Self>().node;
        with(|files| Ok(files.tree.rename((self.node, &old), (to, &new), now())?))
    }

    fn symlink_at(&self, target: String, _: String) -> Result<(), ErrorCode> {
        let is_absolute = target.starts_with('/');
        Err(if is_absolute { ErrorCode::NotPermitted } else { ErrorCode::Unsupported })
    }

    fn unlink_file_at(&self, path: String) -> Result<(), ErrorCode> {
        with(|files| Ok(files.tree.unlink_file(self.node, &path, now())?))
    }

    fn is_same_object(&self, other: DescriptorBorrow<'_>) -> bool {
        self.node == other.get::<Self>().node
    }

    fn metadata_hash(&self) -> Result<MetadataHashValue, ErrorCode> {
        self.on(|files, node| Self::hash_of(files, node))
    }

    fn metadata_hash_at(&self, _: PathFlags, path: String) -> Result<MetadataHashValue, ErrorCode> {
        with(|files| {
            let node = files.find(self.node, &path)?;
            Self::hash_of(files, node)
        })
    }
}

/// Entries of a directory that are being read, in the order of their names. It holds its place by
/// the name that was given last, so it costs the same whatever happens to the directory.
pub(super) struct Listing {
    directory: NodeId,
    last: RefCell<Option<String>>,
    _held: Held,
}

impl Listing {
    fn new(directory: NodeId, held: Held) -> Self {
        with(|files| files.tree.hold(directory));
        Self { directory, last: RefCell::default(), _held: held }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        with(|files| files.tree.release(self.directory));
    }
}

impl GuestDirectoryEntryStream for Listing {
    fn read_directory_entry(&self) -> Result<Option<DirectoryEntry>, ErrorCode> {
        let mut last = self.last.borrow_mut();
        let next = with(|files| {
            let next = files.tree.entry_after(self.directory, last.as_deref())?;
            Ok::<_, Error>(next.map(|(name, kind)| (name.to_owned(), kind)))
        })?;
        Ok(next.map(|(name, kind)| {
            *last = Some(name.clone());
            DirectoryEntry { type_: type_of(kind), name }
        }))
    }
}

const fn type_of(kind: NodeKind) -> DescriptorType {
    match kind {
        NodeKind::Directory => DescriptorType::Directory,
        NodeKind::File => DescriptorType::RegularFile,
    }
}

const fn datetime(time: Time) -> Datetime {
    Datetime { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

/// The time that is to be set; none if it is to stay.
fn time(new: NewTimestamp, now: Time) -> Result<Option<Time>, ErrorCode> {
    match new {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(now)),
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) if nanoseconds < SECOND_NS => {
            Ok(Some(Time { seconds, nanoseconds }))
        }
        NewTimestamp::Timestamp(_) => Err(ErrorCode::Invalid),
    }
}
