//! Gate calls.

use super::areas::Areas;
use super::windows::Windows;
use atoll_gate::call::{Call, Status};
use atoll_gate::message::{Header, MAX_PAYLOAD, Slot};
use atoll_image::gate::{Calls, Gate, Width, Window};
use core::arch::asm;

/// Enters the kernel with a call and its arguments; status and value.
pub(super) fn enter(number: u64, arguments: [u64; 5]) -> (u64, u64) {
    let [first, second, third, fourth, fifth] = arguments;
    let (status, value);
    // SAFETY: Vector 0x80 is the gate. The kernel preserves every register but rax, rdx and the
    // vector registers, and touches of this domain's memory only the message areas and heap pages
    // that a call names, which is why the assembly may access memory.
    unsafe {
        asm!(
            "int {vector}",
            vector = const atoll_gate::VECTOR,
            inout("rax") number => status,
            in("rdi") first,
            in("rsi") second,
            inout("rdx") third => value,
            in("r10") fourth,
            in("r8") fifth,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
        );
    }
    (status, value)
}

/// The gate of this domain.
#[derive(Debug)]
pub(super) struct Trap {
    areas: Areas,
    windows: Windows,
    has_random: bool,
}

impl Trap {
    /// The gate, with the message areas.
    ///
    /// # Safety
    /// Nobody else uses the areas from now on.
    pub(super) unsafe fn new() -> Self {
        // SAFETY: The caller's promise is that of the areas.
        let areas = unsafe { Areas::new() };
        Self { areas, windows: Windows::default(), has_random: has_rdrand() }
    }
}

impl Gate for Trap {
    fn enter(&mut self, call: Call, arguments: [u64; 5]) -> Result<u64, Status> {
        let (status, value) = enter(call as u64, arguments);
        match Status::from_raw(status) {
            Some(Status::Ok) => Ok(value),
            Some(status) => Err(status),
            None => Err(Status::UnknownCall),
        }
    }

    fn sent_payload(&self) -> &[u8] {
        self.areas.sent()
    }

    fn send_payload(&mut self) -> &mut [u8] {
        self.areas.send()
    }

    fn forward(&mut self, count: usize) {
        self.areas.forward(count);
    }

    fn put_slot(&mut self, index: usize, slot: Slot) {
        self.areas.put_slot(index, slot);
    }

    fn header(&self) -> Header {
        self.areas.header()
    }

    fn receive_payload(&self) -> &[u8] {
        self.areas.received()
    }

    fn slot(&self, index: usize) -> Slot {
        self.areas.slot(index)
    }

    fn offer_memory(&mut self, memory: &[u8]) -> Result<u32, Status> {
        let (address, len) = (memory.as_ptr() as u64, memory.len() as u64);
        self.enter(Call::OfferMemory, [address, len, 0, 0, 0]).map(|offer| offer as u32)
    }

    fn take_memory(&mut self, offer: u32, offset: u64, to: &mut [u8]) -> Result<(), Status> {
        // The kernel writes these bytes only, which nobody else reads or writes meanwhile.
        let mut offset = offset;
        for piece in to.chunks_mut(MAX_PAYLOAD) {
            let (address, len) = (piece.as_mut_ptr() as u64, piece.len() as u64);
            self.enter(Call::TakeMemory, [u64::from(offer), offset, address, len, 0])?;
            offset = offset.saturating_add(len);
        }
        Ok(())
    }

    fn map_window(&mut self, handle: u32) -> Result<Window, Status> {
        if let Some(known) = self.windows.find(handle) {
            return Ok(known);
        }
        let pages = self.inspect(handle)?.extent;
        let address = self.enter(Call::MapWindow, [u64::from(handle), 0, 0, 0, 0])?;
        Ok(self.windows.add(handle, address, pages))
    }

    fn window_length(&self, window: Window) -> u64 {
        self.windows.length(window)
    }

    fn load(&mut self, window: Window, offset: u64, width: Width) -> Option<u64> {
        self.windows.load(window, offset, width)
    }

    fn store(&mut self, window: Window, offset: u64, width: Width, value: u64) -> Option<()> {
        self.windows.store(window, offset, width, value)
    }

    fn load_block(&mut self, window: Window, offset: u64, out: &mut [u8]) -> Option<()> {
        self.windows.load_block(window, offset, out)
    }

    fn store_block(
        &mut self,
        window: Window,
        offset: u64,
        from: usize,
        count: usize,
    ) -> Option<()> {
        let bytes = self.areas.sent().get(from..from.checked_add(count)?)?;
        self.windows.store_block(window, offset, bytes)
    }

    fn move_block(&mut self, window: Window, source: u64, target: u64, count: u64) -> Option<()> {
        self.windows.move_block(window, source, target, count)
    }

    fn random(&mut self) -> Option<u64> {
        if self.has_random { rdrand() } else { None }
    }

    #[cfg(feature = "testing")]
    fn peek(&mut self, address: u64) -> u8 {
        // SAFETY: None: this reads any address, on behalf of tests that want to see the domain
        // fault. It exists in images built for tests only.
        unsafe { (address as *const u8).read_volatile() }
    }

    #[cfg(feature = "testing")]
    fn heap_sum(&mut self) -> u64 {
        super::heap::sum()
    }

    #[cfg(feature = "testing")]
    fn enter_raw(&mut self, number: u64, arguments: [u64; 5]) -> (u64, u64) {
        enter(number, arguments)
    }
}

/// Whether the processor has the instruction RDRAND (leaf 1, ecx bit 30).
fn has_rdrand() -> bool {
    core::arch::x86_64::__cpuid(1).ecx & 1 << 30 != 0
}

/// A number from RDRAND, which may need several tries.
fn rdrand() -> Option<u64> {
    (0..10).find_map(|_| {
        let (number, done): (u64, u8);
        // SAFETY: The caller saw that the processor has the instruction; it changes the register
        // and the flags only.
        unsafe { asm!("rdrand {number}", "setc {done}", number = out(reg) number, done = out(reg_byte) done, options(nomem, nostack)) };
        (done != 0).then_some(number)
    })
}
