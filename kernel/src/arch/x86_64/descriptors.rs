//! The tables that the processor reads on entry: GDT, TSS and IDT, in the trampoline.
//!
//! Pages of the trampoline, counted from `context::TRAMPOLINE`:
//!
//! | page | what | rights |
//! |---|---|---|
//! | 0, 1 | entry and exit stubs | RX |
//! | 2 | IDT | R |
//! | 8 + 8 n | GDT and TSS of processor n | R |
//! | 10, 12, 14 + 8 n | its stacks for double fault, NMI and machine check | RW |
//! | 511 | the context page of whoever the address space belongs to | RW |
//!
//! Pages in between are never mapped. All are supervisor pages. Manual: APM volume 2, chapters 4
//! and 8.

use core::arch::asm;

use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::{lgdt, lidt, load_tss};
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::SegmentSelector;
use x86_64::{PrivilegeLevel, VirtAddr as Address};

use super::super::context::{ADDRESS, TRAMPOLINE};
use super::cpu::{self, Cpu};
use super::entry;
use crate::memory::frames::{self, Frame};
use crate::memory::{Access, PAGE_SIZE, PhysAddr, kernel_space, physical, trampoline};

const STUB_PAGES: u64 = 2;
const IDT_PAGE: u64 = 2;
const PROCESSOR_PAGES: u64 = 8;

const KERNEL_CODE: u16 = 1;
const KERNEL_DATA: u16 = 2;
const TSS: u16 = 5;
/// Null, kernel code, kernel data, user data, user code, all with their accessed bit set so that
/// the processor never writes to the table.
const SEGMENTS: [u64; 5] =
    [0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff, 0x00cf_f300_0000_ffff, 0x00af_fb00_0000_ffff];
/// Where the TSS stands in its page, and how long it is without an I/O permission map.
const TSS_OFFSET: u64 = 256;
const TSS_SIZE: u64 = 104;

/// Interrupt stacks by their number in the TSS.
const CONTEXT_STACK: u8 = 1;
const DOUBLE_FAULT_STACK: u8 = 2;
const NMI_STACK: u8 = 3;
const MACHINE_CHECK_STACK: u8 = 4;

/// Vectors with stacks of their own: they can come in the middle of an entry.
const EMERGENCIES: [(u8, u8); 3] =
    [(8, DOUBLE_FAULT_STACK), (2, NMI_STACK), (18, MACHINE_CHECK_STACK)];

/// No frame was left for the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

fn page_address(page: u64) -> u64 {
    TRAMPOLINE + page * PAGE_SIZE
}

/// Puts a frame into the trampoline, of the kernel and of all domains made later.
fn place(page: u64, frame: PhysAddr, access: Access) -> Result<(), OutOfFrames> {
    trampoline::set(page as usize, frame, access);
    kernel_space::map(page_address(page), frame, access, crate::memory::Cache::WriteBack)
        .map_err(|_| OutOfFrames)
}

fn new_frame() -> Result<PhysAddr, OutOfFrames> {
    frames::allocate().map(Frame::into_raw).ok_or(OutOfFrames)
}

fn write(frame: PhysAddr, offset: u64, value: u64) {
    let pointer = physical::pointer(frame).wrapping_add(offset as usize).cast::<u64>();
    // SAFETY: the frame was allocated for a table and is not in use by the processor yet; offsets
    // are below a page.
    unsafe { pointer.write_unaligned(value) };
}

/// Builds the trampoline in the kernel's tables, before they are loaded. `image` says where the
/// kernel's first byte, which is the first of the stubs, is in physical memory. Gives the kernel's
/// own context page.
pub(crate) fn build(image: PhysAddr) -> Result<PhysAddr, OutOfFrames> {
    for page in 0..STUB_PAGES {
        let frame = PhysAddr::truncate(image.raw() + page * PAGE_SIZE);
        place(page, frame, Access::ReadExecute)?;
    }
    let table = new_frame()?;
    for vector in 0..=255_u8 {
        let [low, high] = gate(vector);
        write(table, u64::from(vector) * 16, low);
        write(table, u64::from(vector) * 16 + 8, high);
    }
    place(IDT_PAGE, table, Access::Read)?;
    let context = new_frame()?;
    let page = ADDRESS.raw();
    kernel_space::map(page, context, Access::ReadWrite, crate::memory::Cache::WriteBack)
        .map_err(|_| OutOfFrames)?;
    Ok(context)
}

/// The IDT entry of a vector: an interrupt gate, open to ring 3 only for gate calls.
fn gate(vector: u8) -> [u64; 2] {
    const PRESENT_INTERRUPT_GATE: u64 = 0x8e00;
    let stub = TRAMPOLINE + u64::from(vector) * entry::STUB_SIZE;
    let emergency = EMERGENCIES.iter().find(|(emergency, _)| *emergency == vector);
    let stack = emergency.map_or(CONTEXT_STACK, |(_, stack)| *stack);
    let ring = if vector == atoll_gate::VECTOR { 3 } else { 0 };
    let attributes = PRESENT_INTERRUPT_GATE | ring << 13 | u64::from(stack);
    let selector = u64::from(KERNEL_CODE) * 8;
    let low = stub & 0xffff | selector << 16 | attributes << 32 | (stub >> 16 & 0xffff) << 48;
    [low, stub >> 32]
}

/// Makes the tables of a processor and loads them. The kernel's page tables are loaded.
pub(crate) fn load(number: u64) -> Result<(), OutOfFrames> {
    let first = 8 + number * PROCESSOR_PAGES;
    let tables = new_frame()?;
    for (index, segment) in SEGMENTS.into_iter().enumerate() {
        write(tables, index as u64 * 8, segment);
    }
    let state = page_address(first) + TSS_OFFSET;
    let [low, high] = state_descriptor(state);
    write(tables, u64::from(TSS) * 8, low);
    write(tables, u64::from(TSS) * 8 + 8, high);
    let stack_field = |stack: u8| TSS_OFFSET + 36 + (u64::from(stack) - 1) * 8;
    write(tables, stack_field(CONTEXT_STACK), ADDRESS.raw() + PAGE_SIZE);
    write(tables, TSS_OFFSET + 96, TSS_SIZE << 48);
    for ((_, stack), page) in EMERGENCIES.into_iter().zip((first + 2..).step_by(2)) {
        let frame = new_frame()?;
        // Above the stack proper: what the stub of an emergency needs to reach the kernel.
        write(frame, PAGE_SIZE - 24, Cpu::current().stack_top());
        write(frame, PAGE_SIZE - 16, kernel_space::root().raw());
        write(frame, PAGE_SIZE - 8, cpu::report_stack_top());
        place(page, frame, Access::ReadWrite)?;
        write(tables, stack_field(stack), page_address(page) + PAGE_SIZE - 32);
    }
    place(first, tables, Access::Read)?;
    activate(tables, page_address(first));
    Ok(())
}

/// A 64-bit TSS descriptor, available.
fn state_descriptor(base: u64) -> [u64; 2] {
    let limit = TSS_SIZE - 1;
    let low = limit & 0xffff | (base & 0x00ff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
    [low, base >> 32]
}

/// Loads the tables: first through the direct map, where loading the task register may mark the
/// TSS as busy, then at their read-only place in the trampoline.
fn activate(tables: PhysAddr, place: u64) {
    let limit = (u64::from(TSS) * 8 + 15) as u16;
    let selector = |index| SegmentSelector::new(index, PrivilegeLevel::Ring0);
    let writable = physical::pointer(tables) as u64;
    let pointer = |base| DescriptorTablePointer { limit, base: Address::new_truncate(base) };
    // SAFETY: the table is complete and stays where it is.
    unsafe { lgdt(&pointer(writable)) };
    // SAFETY: index 1 is a 64-bit code segment of ring 0.
    unsafe { CS::set_reg(selector(KERNEL_CODE)) };
    // SAFETY: index 2 is a data segment of ring 0.
    unsafe { SS::set_reg(selector(KERNEL_DATA)) };
    let none = SegmentSelector::NULL;
    // SAFETY: data segments are not used in 64-bit mode.
    unsafe { DS::set_reg(none) };
    // SAFETY: as above.
    unsafe { ES::set_reg(none) };
    // SAFETY: as above; the kernel has no data relative to fs or gs.
    unsafe { FS::set_reg(none) };
    // SAFETY: as above.
    unsafe { GS::set_reg(none) };
    // SAFETY: index 5 describes a TSS at its place in the trampoline.
    unsafe { load_tss(selector(TSS)) };
    // SAFETY: the same table, mapped read-only in every address space.
    unsafe { lgdt(&pointer(place)) };
    let vectors =
        DescriptorTablePointer { limit: 4095, base: Address::new_truncate(page_address(IDT_PAGE)) };
    // SAFETY: `build` made a complete table there.
    unsafe { lidt(&vectors) };
    // SAFETY: no domain has a local descriptor table.
    unsafe { asm!("lldt {0:x}", in(reg) 0_u16, options(nomem, nostack, preserves_flags)) };
}

/// Restarts the processor: with an empty interrupt table, any exception shuts it down.
pub(super) fn break_interrupts() -> ! {
    let empty = DescriptorTablePointer { limit: 0, base: Address::new_truncate(0) };
    // SAFETY: no vector is usable any more; the next instruction ends this processor's work.
    unsafe { lidt(&empty) };
    // SAFETY: it cannot be delivered, which is the purpose.
    unsafe { asm!("ud2", options(noreturn)) }
}
