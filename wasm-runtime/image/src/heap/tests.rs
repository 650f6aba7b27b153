//! The heap against a model: no overlap, alignment, pages in balance, determinism.

use super::large::{SLOT_SIZE, SLOTS};
use super::small::{class_of, class_size};
use super::{Heap, LARGE, Memory, Resized, SLOTS_BASE};
use atoll_gate::layout::{HEAP_BASE, HEAP_END, PAGE_SIZE};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Words by address, which pages are committed, and which parts reserved.
#[derive(Debug, Default)]
struct Fake {
    words: HashMap<u64, u64>,
    pages: BTreeSet<u64>,
    parts: BTreeMap<u64, u64>,
    left: Option<u64>,
}

impl Fake {
    fn is_reserved(&self, address: u64) -> bool {
        let part = self.parts.range(..=address).next_back();
        part.is_some_and(|(base, pages)| address < base + pages * PAGE_SIZE)
    }

    /// Touches a byte: its page is there, or reserved and then made. Whether it could be.
    fn touch(&mut self, address: u64) -> bool {
        let page = address / PAGE_SIZE;
        self.pages.contains(&page)
            || (self.is_reserved(address) && self.commit(page * PAGE_SIZE, 1))
    }
}

impl Memory for Fake {
    fn commit(&mut self, address: u64, pages: u64) -> bool {
        assert!(address.is_multiple_of(PAGE_SIZE) && pages > 0);
        assert!(address >= HEAP_BASE && address + pages * PAGE_SIZE <= HEAP_END);
        match &mut self.left {
            Some(left) if *left < pages => return false,
            Some(left) => *left -= pages,
            None => {}
        }
        for page in 0..pages {
            assert!(self.pages.insert(address / PAGE_SIZE + page), "committed twice");
        }
        true
    }
    fn reserve(&mut self, address: u64, pages: u64) -> bool {
        match pages {
            0 => assert!(self.parts.remove(&address).is_some(), "forgotten twice"),
            _ => drop(self.parts.insert(address, pages)),
        }
        true
    }
    fn release(&mut self, address: u64, pages: u64) {
        for page in 0..pages {
            let page = address / PAGE_SIZE + page;
            let was_there = self.pages.remove(&page);
            assert!(was_there || self.is_reserved(page * PAGE_SIZE), "released twice");
            if let (Some(left), true) = (&mut self.left, was_there) {
                *left += 1;
            }
        }
    }
    fn load(&self, address: u64) -> u64 {
        self.words.get(&address).copied().unwrap_or(0)
    }
    fn store(&mut self, address: u64, value: u64) {
        assert!(self.pages.contains(&(address / PAGE_SIZE)), "a free block on a missing page");
        self.words.insert(address, value);
    }
}

#[test]
fn classes_hold_their_sizes_and_waste_little() {
    for size in 1..=200_000u64 {
        let class = class_of(size, 1).expect("has a class");
        let block = class_size(class);
        assert!(block >= size, "{size} in {block}");
        assert!(block - size <= (size / 4).max(15), "{size} in {block}");
        if class > 0 {
            assert!(class_size(class - 1) < size, "{size} would fit the class below {block}");
        }
    }
    assert_eq!(class_size(class_of(64, 64).expect("class")) % 64, 0);
    assert_eq!(class_of(u64::MAX, 8), None);
    assert_eq!(class_of(8, 1 << 63), None);
}

#[test]
fn large_blocks_grow_in_place_and_give_back() {
    let mut heap = Heap::new(Fake::default());
    let pages = |heap: &mut Heap<Fake>| heap.memory().pages.len() as u64;
    let first = heap.allocate(LARGE, 8).expect("room");
    let second = heap.allocate(1 << 20, 8).expect("room");
    assert_eq!((first, second), (SLOTS_BASE, SLOTS_BASE + SLOT_SIZE));
    let committed = pages(&mut heap);
    assert_eq!(committed, LARGE / PAGE_SIZE + (1 << 20) / PAGE_SIZE);
    assert_eq!(heap.resize(first, LARGE, 40 << 20, 8), Resized::InPlace);
    assert_eq!(pages(&mut heap), committed, "growth takes nothing");
    assert!(heap.memory().touch(first + (40 << 20) - 1));
    assert!(!heap.memory().touch(first + (40 << 20)), "beyond the block");
    assert_eq!(pages(&mut heap), committed + 1);
    assert_eq!(heap.resize(first, 40 << 20, LARGE + 1, 8), Resized::InPlace);
    assert_eq!(pages(&mut heap), committed);
    assert!(heap.memory().touch(first + LARGE) && !heap.memory().touch(first + LARGE + PAGE_SIZE));
    heap.free(first, LARGE + 1, 8);
    assert!(heap.memory().parts.is_empty());
    assert_eq!(heap.allocate(LARGE, 8), Some(first), "the lowest slot is used again");
    assert_eq!(heap.resize(first, LARGE, 64, 8), Resized::Move);
    assert_eq!(heap.allocate(SLOT_SIZE + 1, 8), None);
}

#[test]
fn refusal_of_pages_is_a_failure_that_changes_nothing() {
    let mut heap = Heap::new(Fake { left: Some(20), ..Fake::default() });
    let block = heap.allocate(LARGE, 8).expect("16 of 20 pages");
    assert_eq!(heap.allocate(LARGE, 8), None);
    assert_eq!(heap.resize(block, LARGE, SLOT_SIZE + 1, 8), Resized::Failed);
    assert_eq!(heap.resize(block, LARGE, LARGE + PAGE_SIZE, 8), Resized::InPlace);
    assert!(heap.memory().touch(block + LARGE));
    assert_eq!(heap.allocate(16, 8), None, "a step of the frontier is 16 pages");
    heap.free(block, LARGE + PAGE_SIZE, 8);
    assert_eq!(heap.memory().left, Some(20));
}

/// A linear memory as wasmi keeps it: a vector that doubles its capacity. It must be able to take
/// nearly all of the quota, in place.
#[test]
fn a_vector_that_doubles_can_use_the_whole_quota() {
    let quota = 10_000;
    let mut heap = Heap::new(Fake { left: Some(quota), ..Fake::default() });
    let (mut len, mut capacity) = (LARGE, LARGE);
    let block = heap.allocate(LARGE, 1).expect("room");
    while len + LARGE <= quota * PAGE_SIZE {
        if len + LARGE > capacity {
            assert_eq!(heap.resize(block, capacity, capacity * 2, 1), Resized::InPlace);
            capacity *= 2;
        }
        for page in 0..LARGE / PAGE_SIZE {
            assert!(heap.memory().touch(block + len + page * PAGE_SIZE));
        }
        len += LARGE;
    }
    assert_eq!(heap.memory().left, Some(0));
}

#[test]
fn without_slots_the_classes_serve() {
    let mut heap = Heap::new(Fake::default());
    for _ in 0..SLOTS {
        assert!(heap.allocate(LARGE, 8).expect("a slot") >= SLOTS_BASE);
    }
    let block = heap.allocate(LARGE + 5, 8).expect("room below");
    assert!(block < SLOTS_BASE);
    heap.free(block, LARGE + 5, 8);
    assert_eq!(heap.allocate(LARGE + 5, 8), Some(block));
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(u64, u32),
    Free(usize),
    Resize(usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![4 => 1u64..600, 2 => 600u64..70_000, 1 => 70_000u64..3_000_000];
    prop_oneof![
        4 => (size.clone(), 0u32..14).prop_map(|(size, align)| Step::Allocate(size, align)),
        2 => any::<usize>().prop_map(Step::Free),
        2 => (any::<usize>(), size).prop_map(|(pick, size)| Step::Resize(pick, size)),
    ]
}

proptest! {
    #[test]
    fn blocks_never_overlap(steps in proptest::collection::vec(step(), 1..200)) {
        let mut heap = Heap::new(Fake::default());
        let mut twin = Heap::new(Fake::default());
        let mut live: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Allocate(size, align) => {
                    let align = 1 << align;
                    let block = heap.allocate(size, align).expect("memory is not limited");
                    prop_assert_eq!(twin.allocate(size, align), Some(block));
                    prop_assert!(block.is_multiple_of(align));
                    let before = live.range(..block + size).next_back();
                    prop_assert!(before.is_none_or(|(at, (len, _))| at + len <= block));
                    for page in block / PAGE_SIZE..=(block + size - 1) / PAGE_SIZE {
                        prop_assert!(heap.memory().touch(page * PAGE_SIZE));
                        prop_assert!(twin.memory().touch(page * PAGE_SIZE));
                    }
                    live.insert(block, (size, align));
                }
                Step::Free(pick) if !live.is_empty() => {
                    let (&block, &(size, align)) = live.iter().nth(pick % live.len()).expect("in range");
                    live.remove(&block);
                    heap.free(block, size, align);
                    twin.free(block, size, align);
                }
                Step::Resize(pick, new) if !live.is_empty() => {
                    let (&block, &(size, align)) = live.iter().nth(pick % live.len()).expect("in range");
                    let outcome = heap.resize(block, size, new, align);
                    prop_assert_eq!(twin.resize(block, size, new, align), outcome);
                    if outcome == Resized::InPlace {
                        live.insert(block, (new, align));
                        let after = live.range(block + 1..).next();
                        prop_assert!(after.is_none_or(|(at, _)| block + new <= *at));
                        for byte in [0, new / 2, new - 1] {
                            prop_assert!(heap.memory().touch(block + byte));
                            prop_assert!(twin.memory().touch(block + byte));
                        }
                    }
                }
                _ => {}
            }
        }
        for (block, (size, align)) in live {
            heap.free(block, size, align);
        }
        prop_assert!(heap.memory().pages.iter().all(|page| page * PAGE_SIZE < SLOTS_BASE));
        prop_assert!(heap.memory().parts.is_empty());
    }
}
