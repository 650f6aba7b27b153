//! Snapshots and the spaces that use them, against a model: a map from pages to bytes for each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec::Vec;

use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::{Access, AddressSpace, Isolation, MapError, PageRun, Snapshot, VirtAddr, table};
use crate::memory::frames::{limit_host_memory, statistics};
use crate::memory::physical;

/// Pages around places where tables end, as in the tests of address spaces.
const PLACES: [u64; 3] = [510, 0x3_fffe, 0x7ff_fffe];
/// Where the run that stays apart is mapped: in a table of the first place.
const APART: u64 = 300;

type Contents = BTreeMap<u64, u8>;

#[derive(Clone, Debug)]
enum Step {
    Write(usize, u64, u8),
    Commit(usize, u64),
    Release(usize, u64),
    Clear(usize, u64),
    Clone,
    Drop(usize),
    Absorb(usize),
}

fn page() -> impl Strategy<Value = u64> {
    (0..PLACES.len(), 0_u64..6).prop_map(|(place, offset)| PLACES[place] + offset)
}

fn step() -> impl Strategy<Value = Step> {
    let space = any::<usize>;
    prop_oneof![
        6 => (space(), page(), any::<u8>()).prop_map(|(at, page, byte)| Step::Write(at, page, byte)),
        2 => (space(), page()).prop_map(|(at, page)| Step::Commit(at, page)),
        2 => (space(), page()).prop_map(|(at, page)| Step::Release(at, page)),
        1 => (space(), page()).prop_map(|(at, page)| Step::Clear(at, page)),
        2 => any::<()>().prop_map(|()| Step::Clone),
        1 => space().prop_map(Step::Drop),
        1 => space().prop_map(Step::Absorb),
    ]
}

fn address(page: u64) -> VirtAddr {
    VirtAddr::new(page << 12).unwrap()
}

/// The first byte of the page's frame, as the processor would find it.
fn byte_of(space: &AddressSpace, page: u64) -> *mut u8 {
    let entry = space.entry(address(page)).unwrap();
    physical::pointer(table::target(entry).unwrap())
}

fn load(space: &AddressSpace, page: u64) -> Option<u8> {
    // SAFETY: the page is mapped to a frame of this thread's fake memory.
    space.is_mapped(address(page)).then(|| unsafe { byte_of(space, page).read() })
}

/// Writes as a domain does: a page of the snapshot's is copied at the fault.
fn store(space: &mut AddressSpace, page: u64, byte: u8) {
    if space.is_copied_on_write(address(page)) {
        space.copy_page(address(page)).unwrap();
    }
    let entry = space.entry(address(page)).unwrap();
    assert!(entry & table::WRITABLE != 0 && entry & table::OWNED != 0);
    // SAFETY: as in `load`.
    unsafe { byte_of(space, page).write(byte) };
}

/// A space with some pages, the run apart mapped.
fn parent(pages: &Contents, apart: &Arc<PageRun>) -> AddressSpace {
    let mut space = AddressSpace::new(Isolation::User).unwrap();
    space.map_run(address(APART), apart, Access::ReadWrite).unwrap();
    for (page, byte) in pages {
        space.commit(address(*page), 1, Access::ReadWrite).unwrap();
        store(&mut space, *page, *byte);
    }
    space
}

struct World {
    snapshot: Option<Arc<Snapshot>>,
    origin: Contents,
    spaces: Vec<(AddressSpace, Contents)>,
}

impl World {
    fn clone_space(&mut self) {
        if let Some(snapshot) = self.snapshot.as_ref().filter(|_| self.spaces.len() < 5) {
            let space = AddressSpace::from_snapshot(snapshot).unwrap();
            assert!(!space.is_mapped(address(APART)));
            self.spaces.push((space, self.origin.clone()));
        }
    }

    fn absorb(&mut self, at: usize) {
        // Now only spaces use it; what only one uses is its own again.
        self.snapshot = None;
        let space = &mut self.spaces[at].0;
        let last = space.is_last_user(0);
        assert_eq!(space.absorb_snapshot(), last);
    }

    fn apply(&mut self, step: &Step) {
        let count = self.spaces.len();
        match *step {
            Step::Clone => self.clone_space(),
            Step::Drop(at) if count > 1 => drop(self.spaces.swap_remove(at % count)),
            Step::Drop(_) => {}
            Step::Absorb(at) => self.absorb(at % count),
            Step::Write(at, page, byte) => {
                let (space, model) = &mut self.spaces[at % count];
                if let Some(known) = model.get_mut(&page) {
                    *known = byte;
                    store(space, page, byte);
                }
            }
            Step::Commit(at, page) => {
                let (space, model) = &mut self.spaces[at % count];
                let done = space.commit(address(page), 1, Access::ReadWrite);
                let known = model.contains_key(&page);
                assert_eq!(done, if known { Err(MapError::Exists) } else { Ok(()) });
                model.entry(page).or_insert(0);
            }
            Step::Release(at, page) => {
                let (space, model) = &mut self.spaces[at % count];
                let done = space.release(address(page), 1);
                let known = model.remove(&page).is_some();
                assert_eq!(done, if known { Ok(()) } else { Err(MapError::Missing) });
            }
            Step::Clear(at, page) => {
                let (space, model) = &mut self.spaces[at % count];
                assert_eq!(space.clear(address(page), 3), Ok(()));
                model.retain(|known, _| !(page..page + 3).contains(known));
            }
        }
    }

    fn check(&self) {
        for (space, model) in &self.spaces {
            for page in PLACES.iter().flat_map(|place| *place..*place + 9) {
                assert_eq!(load(space, page), model.get(&page).copied());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn spaces_of_one_snapshot_see_their_own_writes_only(
        origin in proptest::collection::btree_map(page(), any::<u8>(), 0..12),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let apart = PageRun::allocate(2).unwrap();
        let before = statistics().free;
        let mut space = parent(&origin, &apart);
        let snapshot = space.take_snapshot(&[(address(APART), &apart)]).unwrap();
        assert!(space.is_mapped(address(APART)), "it stays mapped in the space itself");
        let spaces = std::vec![(space, origin.clone())];
        let mut world = World { snapshot: Some(snapshot), origin, spaces };
        for step in &steps {
            world.apply(step);
            world.check();
            if let [(only, _)] = world.spaces.as_slice() && only.snapshot.is_none() {
                assert_eq!(before - statistics().free, only.frame_count() as u64);
            }
        }
        drop(world);
        assert_eq!(statistics().free, before);
        assert_eq!(Arc::strong_count(&apart), 1);
    }
}

fn some_pages() -> Contents {
    (0..3).chain(0x3_fffe..0x4_0002).map(|page| (page, page as u8)).collect()
}

#[test]
fn what_a_space_uses_of_a_snapshot_counts_whole_and_copies_count_in_addition() {
    let apart = PageRun::allocate(2).unwrap();
    let mut space = parent(&some_pages(), &apart);
    let before = space.frame_count();
    let snapshot = space.take_snapshot(&[(address(APART), &apart)]).unwrap();
    // Its root, and once more its tables: two roots of 512 GiB and 1 GiB, and last-level ones.
    let tables = 1 + 2 + 3;
    assert_eq!(space.frame_count(), before + 1 + tables);
    assert_eq!(snapshot.frame_count(), 1 + 2 * tables + 7);
    let mut clone = AddressSpace::from_snapshot(&snapshot).unwrap();
    // Less than the space by nothing: what it will copy is paid for.
    assert_eq!(clone.frame_count(), space.frame_count());
    let free = statistics().free;
    store(&mut clone, 1, 7);
    assert_eq!(clone.frame_count(), space.frame_count() + 1);
    // The page and three tables on the way to it.
    assert_eq!(free - statistics().free, 1 + 3);
    clone.release(address(1), 1).unwrap();
    clone.release(address(2), 1).unwrap();
    assert_eq!(clone.frame_count(), space.frame_count());
    assert_eq!(load(&space, 1), Some(1));
}

#[test]
fn only_pages_that_could_be_written_are_copied() {
    let mut space = AddressSpace::new(Isolation::Kernel).unwrap();
    let shared = PageRun::allocate(1).unwrap();
    space.map_run(address(1), &shared, Access::ReadExecute).unwrap();
    space.commit(address(2), 1, Access::Read).unwrap();
    space.commit(address(3), 1, Access::ReadWrite).unwrap();
    let snapshot = space.take_snapshot(&[]).unwrap();
    assert_eq!(space.take_snapshot(&[]).unwrap_err(), MapError::Exists);
    for space in [&mut space, &mut AddressSpace::from_snapshot(&snapshot).unwrap()] {
        for (page, copied) in [(1, false), (2, false), (3, true), (4, false)] {
            assert_eq!(space.is_copied_on_write(address(page)), copied);
            let result = space.copy_page(address(page));
            assert_eq!(result.is_ok(), copied);
            assert!(!space.is_copied_on_write(address(page)));
        }
        let bits = |page| space.entry(address(page)).unwrap();
        assert_eq!(bits(1) & (table::WRITABLE | table::NO_EXECUTE), 0);
        assert_eq!(bits(2) & table::WRITABLE, 0);
        assert_eq!(bits(3) & table::WRITABLE, table::WRITABLE);
        assert_eq!(bits(3) & table::NO_EXECUTE, table::NO_EXECUTE);
        // The run is the snapshot's to keep alive now.
        assert_eq!(space.release(address(1), 1), Err(MapError::Missing));
    }
    drop(space);
    assert_eq!(Arc::strong_count(&shared), 2);
    drop(snapshot);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn running_out_of_frames_leaves_everything_as_it_was() {
    let pages = some_pages();
    let (mut refused, mut taken, mut cloned, mut copied) = (0, 0, 0, 0);
    for frames in 20..60 {
        limit_host_memory(frames * 4096);
        let all = statistics().free;
        let apart = PageRun::allocate(2).unwrap();
        let mut space = AddressSpace::new(Isolation::User).unwrap();
        space.map_run(address(APART), &apart, Access::ReadWrite).unwrap();
        for (page, byte) in &pages {
            if space.commit(address(*page), 1, Access::ReadWrite).is_ok() {
                store(&mut space, *page, *byte);
            }
        }
        let (free, count) = (statistics().free, space.frame_count());
        match space.take_snapshot(&[(address(APART), &apart)]) {
            Err(error) => {
                assert_eq!(error, MapError::OutOfFrames);
                assert_eq!((statistics().free, space.frame_count()), (free, count));
                store(&mut space, 0, 9);
                refused += 1;
            }
            Ok(snapshot) => {
                taken += 1;
                let free = statistics().free;
                if let Some(mut clone) = AddressSpace::from_snapshot(&snapshot) {
                    cloned += 1;
                    if let Err(error) = clone.copy_page(address(0)) {
                        assert_eq!(error, MapError::OutOfFrames);
                        assert_eq!(load(&clone, 0), Some(0));
                        assert!(clone.is_copied_on_write(address(0)));
                    } else {
                        copied += 1;
                    }
                }
                assert_eq!(statistics().free, free);
            }
        }
        assert!(space.is_mapped(address(APART)));
        drop((space, apart));
        assert_eq!(statistics().free, all);
    }
    assert!(refused > 0 && taken > cloned && cloned > copied && copied > 0);
}

#[test]
fn the_last_user_takes_a_snapshot_back() {
    let apart = PageRun::allocate(2).unwrap();
    let mut space = parent(&some_pages(), &apart);
    let before = (space.frame_count(), statistics().free);
    let snapshot = space.take_snapshot(&[(address(APART), &apart)]).unwrap();
    store(&mut space, 0, 0);
    assert!(space.is_last_user(1) && !space.is_last_user(0));
    assert!(!space.absorb_snapshot(), "somebody may want to clone it");
    drop(snapshot);
    assert!(space.absorb_snapshot());
    assert_eq!((space.frame_count(), statistics().free), before);
    for (page, byte) in some_pages() {
        assert_eq!(load(&space, page), Some(byte));
        store(&mut space, page, byte);
    }
    assert_eq!((space.frame_count(), statistics().free), before);
    assert!(!space.absorb_snapshot(), "there is none");
}
