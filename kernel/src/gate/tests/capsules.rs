//! Capsules: what is kept, for whom, and how much of it.

use super::{Bench, PLAIN, copy, lengths};
use crate::capability::DomainId;
use atoll_gate::call::rights;
use atoll_gate::capsule::{MAX_LIMIT, MAX_RECORD, NUMBERS, RECORD_COST, ROOM};
use atoll_gate::{Call, Status};

const LIMIT: u64 = 1024;
const LENT: u32 = rights::READ | rights::WRITE;

/// Init's handle to a new capsule.
fn make(bench: &mut Bench) -> u32 {
    bench.expect(bench.init, Call::CreateCapsule, [bench.system.into(), LIMIT]) as u32
}

fn write(bench: &mut Bench, domain: DomainId, capsule: u32, number: u64, bytes: &[u8]) -> Status {
    bench.put(domain, bytes, &[]);
    let arguments = [capsule.into(), number, lengths(bytes.len(), 0)];
    bench.call(domain, Call::WriteCapsule, arguments).expect("an answer").0
}

fn read(bench: &mut Bench, domain: DomainId, capsule: u32, number: u64) -> Result<Vec<u8>, Status> {
    match bench.call(domain, Call::ReadCapsule, [capsule.into(), number]).expect("an answer") {
        (Status::Ok, len) => Ok(bench.payload(domain, len as usize)),
        (status, _) => Err(status),
    }
}

#[test]
fn what_a_domain_wrote_is_there_for_its_successor() {
    let mut bench = Bench::new();
    let capsule = make(&mut bench);
    let (first, control, handles) = bench.spawn_with(PLAIN, &[copy(capsule, LENT)]);
    assert_eq!(write(&mut bench, first, handles[0], 7, b"seven"), Status::Ok);
    assert_eq!(write(&mut bench, first, handles[0], 3, b"three"), Status::Ok);
    assert_eq!(write(&mut bench, first, handles[0], 7, b"and seven"), Status::Ok);
    bench.kill(control);
    let (second, _, handles) = bench.spawn_with(PLAIN, &[copy(capsule, LENT)]);
    assert_eq!(read(&mut bench, second, handles[0], 7), Ok(b"and seven".to_vec()));
    assert_eq!(read(&mut bench, second, handles[0], 4), Err(Status::NotFound));
    assert_eq!(read(&mut bench, second, handles[0], NUMBERS), Ok(vec![3, 0, 0, 0, 7, 0, 0, 0]));
    assert_eq!(read(&mut bench, second, handles[0], NUMBERS + 1), Ok(vec![7, 0, 0, 0]));
    assert_eq!(read(&mut bench, second, handles[0], NUMBERS + 9), Ok(vec![]));
    let used = 5 + 9 + 2 * RECORD_COST;
    let room = [used.to_le_bytes(), LIMIT.to_le_bytes()].concat();
    assert_eq!(read(&mut bench, second, handles[0], ROOM), Ok(room));
    assert_eq!(write(&mut bench, second, handles[0], 7, b""), Status::Ok);
    assert_eq!(read(&mut bench, second, handles[0], NUMBERS), Ok(vec![3, 0, 0, 0]));
}

#[test]
fn a_capsule_has_no_more_than_its_limit() {
    let mut bench = Bench::new();
    let capsule = make(&mut bench);
    let init = bench.init;
    let most = (LIMIT - RECORD_COST) as usize;
    assert_eq!(write(&mut bench, init, capsule, 1, &vec![1; most + 1]), Status::QuotaExceeded);
    assert_eq!(write(&mut bench, init, capsule, 1, &vec![1; MAX_RECORD + 1]), Status::Invalid);
    assert_eq!(read(&mut bench, init, capsule, 1), Err(Status::NotFound));
    assert_eq!(write(&mut bench, init, capsule, 1, &vec![1; most]), Status::Ok);
    // Not a byte more, not another record; the old contents stand.
    assert_eq!(write(&mut bench, init, capsule, 2, b"x"), Status::QuotaExceeded);
    assert_eq!(write(&mut bench, init, capsule, 1, &vec![2; most + 1]), Status::QuotaExceeded);
    assert_eq!(read(&mut bench, init, capsule, 1), Ok(vec![1; most]));
    assert_eq!(write(&mut bench, init, capsule, 1, b"little"), Status::Ok);
    // Many records are bounded by what each costs.
    let many =
        (2..).take_while(|number| write(&mut bench, init, capsule, *number, b"y") == Status::Ok);
    assert_eq!(many.count() as u64, (LIMIT - 6 - RECORD_COST) / (1 + RECORD_COST));
}

#[test]
fn a_capsule_counts_whole_against_its_maker_and_goes_with_its_last_holder() {
    let mut bench = Bench::new();
    let init = bench.init;
    let before = (bench.footprint(), bench.kernel.live(init).expect("alive").0.charged);
    let capsule = make(&mut bench);
    assert_eq!(bench.kernel.live(init).expect("alive").0.charged, before.1 + LIMIT);
    let (domain, control, handles) = bench.spawn_with(PLAIN, &[copy(capsule, LENT)]);
    bench.expect(init, Call::Close, [capsule.into()]);
    assert_eq!(write(&mut bench, domain, handles[0], 1, b"still here"), Status::Ok);
    assert_eq!(bench.kernel.live(domain).expect("alive").0.charged, 0);
    bench.kill(control);
    bench.expect(init, Call::Close, [control.into()]);
    assert_eq!((bench.footprint(), bench.kernel.live(init).expect("alive").0.charged), before);
}

#[test]
fn only_who_holds_a_capsule_and_has_the_right_reaches_it() {
    let mut bench = Bench::new();
    let (init, capsule) = (bench.init, make(&mut bench));
    assert_eq!(write(&mut bench, init, capsule, 1, b"mine"), Status::Ok);
    let (reader, _, handles) = bench.spawn_with(PLAIN, &[copy(capsule, rights::READ)]);
    assert_eq!(read(&mut bench, reader, handles[0], 1), Ok(b"mine".to_vec()));
    assert_eq!(write(&mut bench, reader, handles[0], 1, b"theirs"), Status::Denied);
    let stranger = bench.spawn();
    for handle in 0..64 {
        assert_eq!(read(&mut bench, stranger, handle | 1 << 16, 1), Err(Status::BadHandle));
    }
    let log = bench.log;
    assert_eq!(read(&mut bench, init, log, 1), Err(Status::WrongKind));
    assert_eq!(read(&mut bench, init, capsule, ROOM + 1), Err(Status::Invalid));
    assert_eq!(write(&mut bench, init, capsule, 1 << 32, b"no number"), Status::Invalid);
    let system = u64::from(bench.system);
    for limit in [0, MAX_LIMIT + 1, u64::MAX] {
        assert_eq!(bench.fails(init, Call::CreateCapsule, [system, limit]), Status::Invalid);
    }
    assert_eq!(bench.fails(stranger, Call::CreateCapsule, [system, 1]), Status::BadHandle);
}
