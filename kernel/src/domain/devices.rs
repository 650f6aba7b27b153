//! Device objects: interrupt lines, port ranges, windows of physical addresses.
//!
//! Each exists once for its line or range, so authority over a device is in one place; only for a
//! swap are there two holders, of which one is frozen or does not run its driver yet. They die
//! with their last handle: lines are masked, the serial port goes back to the kernel log.

use super::quota::mapping_cost;
use super::{Body, Kernel};
use crate::arch::{Width, port};
use crate::capability::{DomainId, Handle, List, Object, Slab, WindowId, tag};
use crate::interrupts;
use crate::memory::{Cache, PAGE_SIZE, PhysAddr, VirtAddr};
use crate::trace;
use atoll_gate::Status;
use atoll_gate::call::DeviceKind;
use atoll_gate::layout::REGION_END;

/// Most device objects of a kind.
const LIMIT: u32 = 4096;
/// Number of I/O ports.
const PORT_COUNT: u64 = 1 << 16;
/// The first serial port's first register, whose holder replaces the kernel log there.
const SERIAL_PORT: u64 = 0x3f8;

/// An interrupt line that a domain holds.
#[derive(Debug)]
pub struct Interrupt {
    /// Global system interrupt.
    pub line: u32,
    /// Handles to it.
    pub holders: u32,
    /// Raised and not acknowledged.
    pub raised: bool,
    /// Armed watches on it.
    pub watchers: List,
}

/// A range of I/O ports.
#[derive(Debug)]
pub struct Ports {
    /// First port.
    pub base: u16,
    /// How many.
    pub count: u32,
    /// Handles to it.
    pub holders: u32,
}

impl Ports {
    fn covers(&self, port: u64) -> bool {
        overlap(u64::from(self.base), u64::from(self.count), port, 1)
    }
}

/// A window of physical addresses.
#[derive(Debug)]
pub struct Window {
    /// First byte.
    pub base: PhysAddr,
    /// Whole pages.
    pub pages: u64,
    /// How it is mapped.
    pub cache: Cache,
    /// Handles to it.
    pub holders: u32,
}

/// All device objects.
#[derive(Debug)]
pub struct Devices {
    /// Interrupt lines.
    pub interrupts: Slab<Interrupt, tag::Interrupt>,
    /// Port ranges.
    pub ports: Slab<Ports, tag::Ports>,
    /// Windows.
    pub windows: Slab<Window, tag::Window>,
}

/// Whether two ranges have a number in common.
const fn overlap(a: u64, a_len: u64, b: u64, b_len: u64) -> bool {
    a < b.saturating_add(b_len) && b < a.saturating_add(a_len)
}

impl Devices {
    pub(super) const fn new() -> Self {
        Self { interrupts: Slab::new(LIMIT), ports: Slab::new(LIMIT), windows: Slab::new(LIMIT) }
    }

    /// The object for exactly this line or range, if somebody holds it.
    pub(crate) fn find(&self, kind: DeviceKind, base: u64, len: u64) -> Option<Object> {
        match kind {
            DeviceKind::Interrupt => self
                .interrupts
                .iter()
                .find(|(_, held)| u64::from(held.line) == base)
                .map(|(id, _)| Object::Interrupt(id)),
            DeviceKind::Ports => self
                .ports
                .iter()
                .find(|(_, held)| u64::from(held.base) == base && u64::from(held.count) == len)
                .map(|(id, _)| Object::Ports(id)),
            DeviceKind::Window => self
                .windows
                .iter()
                .find(|(_, held)| held.base.raw() == base && held.pages * PAGE_SIZE == len)
                .map(|(id, _)| Object::Window(id)),
        }
    }

    /// Takes an interrupt line; nobody holds its object yet.
    pub(crate) fn take_interrupt(&mut self, line: u64) -> Result<Object, Status> {
        let line = u32::try_from(line).map_err(|_| Status::Invalid)?;
        if self.interrupts.iter().any(|(_, held)| held.line == line) {
            return Err(Status::Exists);
        }
        self.interrupts.reserve(1).map_err(|_| Status::OutOfMemory)?;
        interrupts::enable(line).map_err(|_| Status::NotFound)?;
        let interrupt = Interrupt { line, holders: 0, raised: false, watchers: List::new() };
        self.interrupts.insert(interrupt).map(Object::Interrupt).map_err(|_| Status::OutOfMemory)
    }

    /// Takes a range of ports; nobody holds its object yet.
    pub(crate) fn take_ports(&mut self, base: u64, count: u64) -> Result<Object, Status> {
        let fits = base.checked_add(count).is_some_and(|end| end <= PORT_COUNT);
        let (Ok(first), Ok(number)) = (u16::try_from(base), u32::try_from(count)) else {
            return Err(Status::Invalid);
        };
        if !fits || count == 0 {
            return Err(Status::Invalid);
        }
        if self
            .ports
            .iter()
            .any(|(_, held)| overlap(held.base.into(), held.count.into(), base, count))
        {
            return Err(Status::Exists);
        }
        let ports = Ports { base: first, count: number, holders: 0 };
        let serial = ports.covers(SERIAL_PORT);
        let id = self.ports.insert(ports).map_err(|_| Status::OutOfMemory)?;
        if serial {
            trace::stop_serial();
        }
        Ok(Object::Ports(id))
    }

    /// Counts one holder of a device object less; the last one ends it.
    pub(super) fn release(&mut self, object: Object) {
        match object {
            Object::Interrupt(id) => {
                let Some(interrupt) = self.interrupts.get_mut(id) else { return };
                interrupt.holders = interrupt.holders.saturating_sub(1);
                if interrupt.holders == 0 {
                    // A line that was enabled can be disabled.
                    let _ = interrupts::disable(interrupt.line);
                    self.interrupts.remove(id);
                }
            }
            Object::Ports(id) => {
                let Some(ports) = self.ports.get_mut(id) else { return };
                ports.holders = ports.holders.saturating_sub(1);
                if ports.holders == 0 {
                    if ports.covers(SERIAL_PORT) {
                        trace::resume_serial();
                    }
                    self.ports.remove(id);
                }
            }
            Object::Window(id) => {
                let Some(window) = self.windows.get_mut(id) else { return };
                window.holders = window.holders.saturating_sub(1);
                if window.holders == 0 {
                    self.windows.remove(id);
                }
            }
            _ => {}
        }
    }

    /// One access of `width` at `offset` within a range of ports: a write if there is a value.
    pub(crate) fn access(
        &self,
        ports: crate::capability::PortsId,
        offset: u16,
        width: Width,
        write: Option<u32>,
    ) -> Result<u64, Status> {
        let ports = self.ports.get(ports).ok_or(Status::Closed)?;
        if u32::from(offset) + u32::from(width.bytes()) > ports.count {
            return Err(Status::Invalid);
        }
        let number = ports.base.checked_add(offset).ok_or(Status::Invalid)?;
        match write {
            Some(value) => {
                port::write(number, width, value);
                Ok(0)
            }
            None => Ok(u64::from(port::read(number, width))),
        }
    }
}

impl Kernel {
    /// Takes a window of physical addresses outside RAM; nobody holds its object yet.
    pub(crate) fn take_window(&mut self, base: u64, len: u64) -> Result<Object, Status> {
        let start = PhysAddr::new(base).ok_or(Status::Invalid)?;
        if !self.boot.memory_map.is_device(start, len) {
            return Err(Status::Invalid);
        }
        let taken =
            |window: &Window| overlap(window.base.raw(), window.pages * PAGE_SIZE, base, len);
        if self.devices.windows.iter().any(|(_, window)| taken(window)) {
            return Err(Status::Exists);
        }
        let screen = self.boot.framebuffer.as_ref();
        let on_screen =
            screen.is_some_and(|screen| overlap(screen.address.raw(), screen.size(), base, len));
        let cache = if on_screen { Cache::WriteCombining } else { Cache::Uncached };
        let window = Window { base: start, pages: len / PAGE_SIZE, cache, holders: 0 };
        self.devices.windows.insert(window).map(Object::Window).map_err(|_| Status::OutOfMemory)
    }

    /// Maps a window into its holder's region range and gives the address; a window that is
    /// mapped already stays where it is.
    pub(crate) fn map_window(&mut self, owner: DomainId, handle: Handle) -> Result<u64, Status> {
        let domain = self.domains.get_mut(owner).ok_or(Status::Closed)?;
        let window = domain.handles.window(handle, 0)?;
        let window = self.devices.windows.get(window).ok_or(Status::Closed)?;
        let mapped = domain.handles.get(handle)?.note;
        if mapped != 0 {
            return Ok(mapped);
        }
        domain.require_memory(mapping_cost(window.pages).ok_or(Status::QuotaExceeded)?)?;
        let body = domain.body.as_mut().ok_or(Status::Closed)?;
        let at = body.map_region(window)?;
        domain.handles.get_mut(handle)?.note = at;
        Ok(at)
    }

    /// Takes a window out of the address space of `owner`.
    pub(super) fn unmap_window(&mut self, owner: DomainId, id: WindowId, at: u64) {
        let body = self.domains.get_mut(owner).and_then(|domain| domain.body.as_mut());
        if let (Some(body), Some(window), Some(at)) =
            (body, self.devices.windows.get(id), VirtAddr::new(at))
        {
            // Windows are mapped after a snapshot only, so this changes no table of one's.
            let unmapped = body.space.unmap_range(at, window.pages);
            debug_assert!(unmapped.is_ok(), "{at:?}");
        }
    }

    /// A device raised a line: whoever watches it is told.
    pub(crate) fn raise(&mut self, line: u32) {
        self.interrupts = self.interrupts.wrapping_add(1);
        let holder =
            self.devices.interrupts.iter().find(|(_, held)| held.line == line).map(|(id, _)| id);
        if let Some(id) = holder
            && let Some(interrupt) = self.devices.interrupts.get_mut(id)
        {
            interrupt.raised = true;
            self.fire_watches(Object::Interrupt(id));
        }
    }
}

impl Body {
    /// Maps a window behind those mapped before, a free page between.
    fn map_region(&mut self, window: &Window) -> Result<u64, Status> {
        let len = window.pages.checked_mul(PAGE_SIZE).ok_or(Status::Invalid)?;
        let end = self
            .next_region
            .checked_add(len)
            .filter(|end| *end <= REGION_END)
            .ok_or(Status::OutOfMemory)?;
        let at = VirtAddr::new(self.next_region).ok_or(Status::OutOfMemory)?;
        let mapped = self.space.map_window(at, window.base, window.pages, window.cache);
        mapped.map_err(|_| Status::OutOfMemory)?;
        self.next_region = end.saturating_add(PAGE_SIZE);
        Ok(at.raw())
    }
}
