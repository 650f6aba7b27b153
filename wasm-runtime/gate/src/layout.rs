//! The virtual layout of every domain. It is the same in all of them, so that a pristine domain
//! can be cloned and nothing in its memory has to be relocated.
//!
//! All addresses are in the lower half, which belongs to the domain. The kernel maps nothing there
//! that the domain does not own or share read-only with all others. The upper half of a domain's
//! address space holds only the gate's trampoline and the domain's context page.

/// Bytes in a page.
pub const PAGE_SIZE: u64 = 4096;

/// Where the domain image is linked: text and rodata first, shared by all domains.
pub const IMAGE_BASE: u64 = 0x0040_0000;
/// End of the space for the domain image, its data included.
pub const IMAGE_END: u64 = 0x0400_0000;

/// Lowest address of the native stack; the page below it is never mapped.
pub const STACK_BASE: u64 = 0x0800_0000;
/// Bytes of native stack.
pub const STACK_SIZE: u64 = 256 * 1024;

/// The area that the domain fills before it calls, replies or writes.
pub const SEND_AREA: u64 = 0x0900_0000;
/// The area that the kernel fills before a call, reply, notification or read is delivered.
pub const RECEIVE_AREA: u64 = 0x0940_0000;

/// The component that the domain runs, mapped read-only, its length in the first argument
/// register at entry.
pub const COMPONENT_BASE: u64 = 0x0000_0008_0000_0000;

/// The range in which the domain may commit memory: small allocations at the bottom, each large
/// block in a reserved slot of its own above, so that it can grow in place.
pub const HEAP_BASE: u64 = 0x0000_0010_0000_0000;
/// End of the heap range.
pub const HEAP_END: u64 = 0x0000_0400_0000_0000;

/// The range into which granted windows (MMIO, framebuffer, DMA) are mapped.
pub const REGION_BASE: u64 = 0x0000_0600_0000_0000;
/// End of the range for granted windows.
pub const REGION_END: u64 = 0x0000_0700_0000_0000;
