//! Messages in frames, and pieces in chunks.

use super::*;
use crate::difference::MOST_NEW;
use proptest::prelude::*;

#[test]
fn messages_are_read_as_they_were_written() {
    let requests = [
        Request::Hello { version: VERSION },
        Request::Begin { file: "blink.wasm".into(), size: 9, base: "b.wasm".into() },
        Request::chunk(7, &[Piece::New(vec![1; 100]), Piece::Same { at: 1, length: 2 }]).0,
        Request::Finish { crc: 4 },
        Request::Swap { server: "blink".into(), component: "blink~1.wasm".into() },
    ];
    for request in requests {
        let frame = request.frame(9);
        assert!(frame.payload.len() <= MAX_PAYLOAD);
        assert_eq!(Request::read(&frame), Some(request));
        assert_eq!(Answer::read(&frame), None);
    }
    let phases = Phase::ALL.map(|phase| Answer::Passed { phase, took_ns: 1 << 40 });
    let answers = [
        Answer::Hello { version: VERSION },
        Answer::Taken { bytes: 8 },
        Answer::Stored { component: "blink~1.wasm".into() },
        Answer::Swapping,
        Answer::Swapped { state_bytes: 1, calls_held: 2, downtime_ns: 3 },
        Answer::RolledBack("prepare of `blink`: no".into()),
        Answer::Refused("denied".into()),
    ];
    for answer in answers.into_iter().chain(phases) {
        let frame = answer.frame(9);
        assert_eq!(Answer::read(&frame), Some(answer));
        assert_eq!(Request::read(&frame), None);
    }
}

#[test]
fn long_texts_are_cut_between_characters() {
    let frame = Answer::Refused("é".repeat(1500)).frame(0);
    assert_eq!(Answer::read(&frame), Some(Answer::Refused("é".repeat(1000))));
}

/// Numbers that no packing makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as u8
    };
    (0..length).map(step).collect()
}

#[test]
fn chunks_are_what_they_were_and_fit_a_frame() {
    let zeros: Vec<Piece> = (0..20).map(|_| Piece::New(vec![7; MOST_NEW])).collect();
    let noise: Vec<Piece> =
        noise(40_000).chunks(MOST_NEW).map(|part| Piece::New(part.into())).collect();
    let same: Vec<Piece> = (0..5000).map(|at| Piece::Same { at, length: 300 }).collect();
    for (pieces, first) in [(zeros, 5), (noise, 1), (same, 2730), (vec![Piece::New(vec![1])], 1)] {
        let (mut offset, mut unpacked) = (0, Vec::new());
        while unpacked.len() < pieces.len() {
            let (chunk, count) = Request::chunk(offset, &pieces[unpacked.len()..]);
            assert!(offset > 0 || count == first, "{count}");
            let frame = chunk.frame(0);
            assert!(frame.payload.len() <= MAX_PAYLOAD);
            let Some(Request::Chunk { packed, .. }) = Request::read(&frame) else {
                panic!("no chunk")
            };
            unpacked.extend(unpack(&packed).expect("packed"));
            offset += 1;
        }
        assert!(unpacked == pieces);
    }
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; UNPACKED + 1], EFFORT);
    assert_eq!(unpack(&bomb), None);
}

proptest! {
    #[test]
    fn any_bytes_are_unpacked_without_a_panic(packed in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = unpack(&packed);
        let _ = pieces::read(&packed);
    }

    #[test]
    fn any_frame_is_read_without_a_panic(
        kind in any::<u8>(),
        payload in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let frame = Frame { kind, sequence: 0, payload };
        prop_assert!(Request::read(&frame).is_none() || Answer::read(&frame).is_none());
    }
}
