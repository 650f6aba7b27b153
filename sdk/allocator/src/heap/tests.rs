//! The heap against what the program wrote into its blocks.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Bytes that a growth is rounded up to.
const PART: usize = 65_536;

/// A memory with a limit. Parts that follow each other in time do so in place as well.
struct Arena {
    memory: Vec<u128>,
    used: usize,
    growths: usize,
}

impl Arena {
    fn new(limit: usize) -> Self {
        Self { memory: std::vec![0; limit / 16], used: 0, growths: 0 }
    }
}

// SAFETY: each part of the vector's memory is returned once, and nobody uses the vector.
unsafe impl Growth for Arena {
    fn grow(&mut self, least: usize) -> Option<(NonNull<u8>, usize)> {
        let size = least.next_multiple_of(PART);
        if self.used + size > self.memory.len() * 16 {
            return None;
        }
        let start = self.memory.as_mut_ptr().cast::<u8>().wrapping_add(self.used);
        self.used += size;
        self.growths += 1;
        Some((NonNull::new(start)?, size))
    }
}

/// A block and the byte that it is full of.
struct Block {
    at: NonNull<u8>,
    layout: Layout,
    byte: u8,
}

impl Block {
    fn fill(&self) {
        // SAFETY: the heap gave the block out for that layout.
        unsafe { self.at.write_bytes(self.byte, self.layout.size()) };
    }

    fn check(&self, size: usize) {
        // SAFETY: the heap gave the block out for that layout, and it was filled.
        let bytes = unsafe { core::slice::from_raw_parts(self.at.as_ptr(), size) };
        assert!(bytes.iter().all(|byte| *byte == self.byte), "somebody wrote into a block");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Allocate { size: usize, align: u32 },
    Release { which: usize },
    Resize { which: usize, size: usize },
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..200usize, 3 => 1..6000usize, 1 => 1..200_000usize]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (size(), 0..8u32).prop_map(|(size, align)| Step::Allocate { size, align }),
        3 => any::<usize>().prop_map(|which| Step::Release { which }),
        2 => (any::<usize>(), size()).prop_map(|(which, size)| Step::Resize { which, size }),
    ]
}

fn carry_out(heap: &mut Heap<Arena>, blocks: &mut Vec<Block>, step: &Step, byte: u8) {
    match *step {
        Step::Allocate { size, align } => {
            let layout = Layout::from_size_align(size, 1 << align).unwrap();
            let Some(at) = heap.allocate(layout) else { return };
            assert_eq!(at.as_ptr().addr() % layout.align(), 0);
            let block = Block { at, layout, byte };
            block.fill();
            blocks.push(block);
        }
        Step::Release { which } if !blocks.is_empty() => {
            let block = blocks.swap_remove(which % blocks.len());
            block.check(block.layout.size());
            // SAFETY: the heap gave it out for that layout, and it is no longer in `blocks`.
            unsafe { heap.release(block.at, block.layout) };
        }
        Step::Resize { which, size } if !blocks.is_empty() => {
            let which = which % blocks.len();
            let block = &mut blocks[which];
            // SAFETY: the heap gave it out for that layout; `at` is replaced if there is another.
            let Some(at) = (unsafe { heap.resize(block.at, block.layout, size) }) else { return };
            block.at = at;
            let kept = size.min(block.layout.size());
            block.layout = Layout::from_size_align(size, block.layout.align()).unwrap();
            block.check(kept);
            block.fill();
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn blocks_keep_what_is_written(steps in prop::collection::vec(step(), 1..300)) {
        let mut heap = Heap::new(Arena::new(4 << 20));
        let mut blocks = Vec::new();
        for (byte, step) in (0..=u8::MAX).cycle().zip(&steps) {
            carry_out(&mut heap, &mut blocks, step, byte);
        }
        for block in &blocks {
            block.check(block.layout.size());
        }
    }
}

fn layout_of(size: usize) -> Layout {
    Layout::from_size_align(size, 1).unwrap()
}

#[test]
fn a_block_that_was_given_back_is_the_next_of_its_size() {
    let mut heap = Heap::new(Arena::new(1 << 20));
    let first = heap.allocate(layout_of(100)).unwrap();
    let _other = heap.allocate(layout_of(100)).unwrap();
    // SAFETY: the heap gave it out for that layout.
    unsafe { heap.release(first, layout_of(100)) };
    assert_eq!(heap.allocate(layout_of(number(100) * STEP - TAIL)), Some(first));
}

#[test]
fn listed_blocks_are_joined_before_the_memory_grows() {
    let mut heap = Heap::new(Arena::new(1 << 20));
    let blocks: Vec<_> = (0..50).map(|_| heap.allocate(layout_of(1000)).unwrap()).collect();
    assert_eq!(heap.growth.growths, 1);
    for block in blocks {
        // SAFETY: the heap gave it out for that layout.
        unsafe { heap.release(block, layout_of(1000)) };
    }
    assert!(heap.allocate(layout_of(50_000)).is_some());
    assert_eq!(heap.growth.growths, 1);
}

#[test]
fn what_does_not_fit_is_refused_and_the_rest_stays() {
    let mut heap = Heap::new(Arena::new(2 * PART));
    let small = heap.allocate(layout_of(10)).unwrap();
    assert_eq!(heap.allocate(layout_of(3 * PART)), None);
    assert_eq!(heap.allocate(layout_of(isize::MAX.unsigned_abs())), None);
    // SAFETY: the heap gave it out for that layout.
    assert_eq!(unsafe { heap.resize(small, layout_of(10), 3 * PART) }, None);
    assert!(heap.allocate(layout_of(PART / 2)).is_some());
}

#[test]
fn a_heap_does_not_grow_when_a_program_repeats_itself() {
    let mut heap = Heap::new(Arena::new(1 << 20));
    for round in 0..10_000usize {
        let sizes = [8, 30 + round % 700, 5000];
        let blocks = sizes.map(|size| (heap.allocate(layout_of(size)).unwrap(), size));
        for (block, size) in blocks {
            // SAFETY: the heap gave it out for that layout.
            unsafe { heap.release(block, layout_of(size)) };
        }
    }
    assert_eq!(heap.growth.growths, 1);
}
