//! Tests of pages presented as bytes.

use super::{OutOfRange, PAGE, PageRun};
use crate::memory::frames::statistics;
use proptest::prelude::{ProptestConfig, any, proptest};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn copies_like_slices(
        bytes in proptest::collection::vec(any::<u8>(), 0..3 * PAGE),
        from in 0..3 * PAGE,
        to in 0..3 * PAGE,
        len in 0..3 * PAGE,
    ) {
        let (source, target) = (PageRun::allocate(3).unwrap(), PageRun::allocate(2).unwrap());
        let mut model = std::vec![0_u8; 3 * PAGE];
        model[..bytes.len()].copy_from_slice(&bytes);
        source.write(0, &bytes).unwrap();
        let mut model_target = std::vec![0_u8; 2 * PAGE];
        let fits = from + len <= 3 * PAGE && to + len <= 2 * PAGE;
        assert_eq!(source.copy_to(from, &target, to, len).is_ok(), fits);
        if fits {
            model_target[to..to + len].copy_from_slice(&model[from..from + len]);
        }
        let mut seen = std::vec![1_u8; 2 * PAGE];
        target.read(0, &mut seen).unwrap();
        assert_eq!(seen, model_target);
    }
}

#[test]
fn numbers_need_alignment_and_room() {
    let run = PageRun::allocate(1).unwrap();
    run.set_u64(8, 0x1122_3344_5566_7788).unwrap();
    assert_eq!(run.u32_at(12), Ok(0x1122_3344));
    assert_eq!(run.u64_at(4), Err(OutOfRange));
    assert_eq!(run.set_u32(PAGE, 1), Err(OutOfRange));
    assert_eq!(run.u64_at(usize::MAX - 7), Err(OutOfRange));
}

#[test]
fn words_stay_within_a_page() {
    let run = PageRun::allocate(2).unwrap();
    run.set_words(16, [1, 2, 3]).unwrap();
    assert_eq!(run.words_at(16), Ok([1, 2, 3]));
    assert_eq!(run.u64_at(24), Ok(2));
    assert_eq!(run.words_at::<2>(PAGE - 8), Err(OutOfRange));
    assert_eq!(run.set_words(12, [1]), Err(OutOfRange));
    assert_eq!(run.set_words(2 * PAGE - 8, [1, 2]), Err(OutOfRange));
}

#[test]
fn scattered_frames_are_one_range() {
    let mut holes: Vec<_> = (0..80).map(|_| PageRun::allocate(1).unwrap()).collect();
    let rest = std::iter::from_fn(|| PageRun::allocate(32)).collect::<Vec<_>>();
    let mut index = 0;
    holes.retain(|_| {
        index += 1;
        index % 2 == 0
    });
    let run = PageRun::allocate(40).unwrap();
    assert!(run.straight < 40 * PAGE);
    let bytes: Vec<u8> = (0..40 * PAGE).map(|at| (at / 7) as u8).collect();
    run.write(0, &bytes).unwrap();
    let other = PageRun::allocate(3);
    drop(rest);
    let straight = PageRun::allocate(32).unwrap();
    run.copy_to(5, &straight, 9, 30 * PAGE).unwrap();
    let mut seen = std::vec![0; 30 * PAGE];
    straight.read(9, &mut seen).unwrap();
    assert_eq!(seen, bytes[5..][..30 * PAGE]);
    drop(other);
}

#[test]
fn a_boot_module_is_read_only_and_ends_in_zeros() {
    let start = crate::memory::PhysAddr::truncate(0x2000);
    let module = PageRun::machine(start, PAGE - 3).unwrap();
    let mut bytes = std::vec![1; PAGE - 3];
    module.read(0, &mut bytes).unwrap();
    assert_eq!(module.write(0, b"x"), Err(OutOfRange));
    assert_eq!(module.set_u32(0, 1), Err(OutOfRange));
    assert_eq!(module.read(PAGE - 3, &mut [0]), Err(OutOfRange));
    assert_eq!((module.pages(), module.owned_frames()), (1, 0));
}

#[test]
fn the_last_holder_frees_the_frames() {
    let before = statistics().free;
    let run = PageRun::allocate(5).unwrap();
    let other = run.clone();
    drop(run);
    assert_eq!(statistics().free, before - 5);
    drop(other);
    assert_eq!(statistics().free, before);
}
