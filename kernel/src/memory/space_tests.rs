//! The address space against a toy model: a map from page numbers to what was mapped there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec::Vec;

use proptest::prelude::{ProptestConfig, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::{Access, AddressSpace, Cache, Isolation, MapError, PageRun, PhysAddr, VirtAddr};
use crate::memory::frames::{limit_host_memory, statistics};

/// Pages are taken around places where tables end: of 2 MiB, of 1 GiB, of 512 GiB, of the half.
const PLACES: [u64; 4] = [510, 0x3_fffe, 0x7ff_fffe, 0x7_ffff_fff8];

#[derive(Clone, Debug)]
enum Step {
    Commit(u64, u64),
    Release(u64, u64),
    Run(u64, u64),
    Window(u64, u64),
    Unmap(u64),
}

fn page() -> impl Strategy<Value = u64> {
    (0..PLACES.len(), 0_u64..12).prop_map(|(place, offset)| PLACES[place] + offset)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (page(), 0_u64..5).prop_map(|(page, count)| Step::Commit(page, count)),
        2 => (page(), 0_u64..5).prop_map(|(page, count)| Step::Release(page, count)),
        1 => (page(), 1_u64..4).prop_map(|(page, count)| Step::Run(page, count)),
        1 => (page(), 1_u64..4).prop_map(|(page, count)| Step::Window(page, count)),
        2 => page().prop_map(Step::Unmap),
    ]
}

/// First page beyond the lower half.
const END: u64 = 1 << 35;

fn address(page: u64) -> VirtAddr {
    // Beyond the half an address must be made canonical to exist at all.
    VirtAddr::new(page << 12).unwrap_or(VirtAddr::new(u64::MAX << 47).unwrap())
}

fn expected(model: &BTreeMap<u64, bool>, page: u64, count: u64) -> Result<(), MapError> {
    // The last page of the half is left out, so that no mapping ends at the hole.
    if page >= END || page + count >= END {
        return Err(MapError::BadAddress);
    }
    if model.range(page..page + count).next().is_some() { Err(MapError::Exists) } else { Ok(()) }
}

fn apply(space: &mut AddressSpace, model: &mut BTreeMap<u64, bool>, step: &Step) {
    match *step {
        Step::Commit(page, count) => {
            let result = space.commit(address(page), count, Access::ReadWrite);
            assert_eq!(result, expected(model, page, count));
            if result.is_ok() {
                model.extend((page..page + count).map(|page| (page, true)));
            }
        }
        Step::Run(page, count) => {
            let run = PageRun::allocate(count as usize).unwrap();
            let result = space.map_run(address(page), &run, Access::Read);
            assert_eq!(result, expected(model, page, count));
            assert_eq!(Arc::strong_count(&run), 1 + usize::from(result.is_ok()));
            if result.is_ok() {
                model.extend((page..page + count).map(|page| (page, false)));
            }
        }
        Step::Window(page, count) => {
            let device = PhysAddr::truncate(0xfe00_0000);
            let result = space.map_window(address(page), device, count, Cache::Uncached);
            assert_eq!(result, expected(model, page, count));
            if result.is_ok() {
                model.extend((page..page + count).map(|page| (page, false)));
            }
        }
        Step::Release(page, count) => {
            let owned = (page..page + count).all(|page| model.get(&page) == Some(&true));
            let result = space.release(address(page), count);
            let inside = page < END && page + count < END;
            assert_eq!(result.is_ok(), owned && inside);
            if result.is_ok() {
                model.retain(|mapped, _| !(page..page + count).contains(mapped));
            }
        }
        Step::Unmap(page) => {
            assert_eq!(space.unmap(address(page)), Ok(()));
            model.remove(&page);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn behaves_like_a_map_of_pages(
        user in proptest::bool::ANY,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let before = statistics().free;
        let ring = if user { Isolation::User } else { Isolation::Kernel };
        let mut space = AddressSpace::new(ring).unwrap();
        let mut model = BTreeMap::new();
        for step in &steps {
            apply(&mut space, &mut model, step);
            for page in PLACES.iter().flat_map(|place| *place..*place + 16) {
                let mapped = space.is_mapped(address(page));
                assert_eq!(mapped, page < END && model.contains_key(&page));
            }
        }
        let shared: usize = space.runs.iter().map(|run| run.owned_frames()).sum();
        assert_eq!(before - statistics().free, (space.frame_count() + shared) as u64);
        drop(space);
        assert_eq!(statistics().free, before);
    }
}

#[test]
fn running_out_of_frames_leaves_nothing_behind() {
    for frames in 0..24 {
        limit_host_memory(frames * 4096);
        let before = statistics().free;
        if let Some(mut space) = AddressSpace::new(Isolation::Kernel) {
            let result = space.commit(address(0x400), 12, Access::ReadWrite);
            assert_eq!(result.is_ok(), frames >= 5 + 3 + 12);
            let mapped: Vec<_> =
                (0x400..0x40c).filter(|page| space.is_mapped(address(*page))).collect();
            assert_eq!(mapped.len(), if result.is_ok() { 12 } else { 0 });
        }
        assert_eq!(statistics().free, before);
    }
}

#[test]
fn no_page_is_writable_and_executable_and_rings_are_kept_apart() {
    for (ring, user) in [(Isolation::Kernel, 0), (Isolation::User, 4)] {
        let mut space = AddressSpace::new(ring).unwrap();
        for (page, access) in [(1, Access::Read), (2, Access::ReadWrite), (3, Access::ReadExecute)]
        {
            space.commit(address(page), 1, access).unwrap();
            let bits = space.entry(address(page)).unwrap();
            let (writable, executable) = (bits & 2 != 0, bits >> 63 == 0);
            assert_eq!(writable, access == Access::ReadWrite);
            assert_eq!(executable, access == Access::ReadExecute);
            assert_eq!(bits & 4, user);
        }
    }
}
