//! Physical frames, page tables and the bytes in them.
//!
//! [`Frame`] is ownership of one physical page, [`PageRun`] a number of pages presented as bytes,
//! [`AddressSpace`] the page tables and the context page of one domain, [`DomainImage`] the program
//! every domain runs, [`Snapshot`] the memory that several address spaces start from. All of physical memory is reached through the direct map; this room turns
//! frames into bytes and lets nobody else do it. Neighbours: `arch` loads page tables, `boot` says
//! which memory there is, `domain` and `ipc` use what is here without unsafe code.
//!
//! Invariants: a frame has one owner (a [`Frame`], an owning [`PageRun`], an entry of one
//! address space marked as owned, or a [`Snapshot`]); nothing is mapped writable and executable; the tables of a
//! domain change only in the kernel's own address space, so they are never in use while they
//! change and no TLB entry has to be invalidated.

pub mod address;
mod copy;
pub mod elf;
pub mod frames;
#[cfg(target_os = "none")]
pub mod heap;
pub mod image;
#[cfg(any(test, feature = "inject"))]
pub mod inject;
#[cfg(target_os = "none")]
pub mod kernel_space;
pub mod pages;
pub(crate) mod physical;
pub mod snapshot;
pub mod space;
mod table;
pub(crate) mod trampoline;

pub use address::{PAGE_SIZE, PhysAddr, VirtAddr};
pub use frames::{Frame, Statistics};
pub use image::{DomainImage, ImageError};
pub use pages::{OutOfRange, PageRun};
pub use snapshot::Snapshot;
pub use space::{AddressSpace, Isolation, MapError};
pub use table::{Access, Cache};
