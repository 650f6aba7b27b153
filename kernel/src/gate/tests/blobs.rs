//! Blobs that are made at run time: who pays for them, when they are what they are, how long they
//! live.

use super::{Bench, PLAIN, lengths};
use crate::capability::{DomainId, Handle, Object};
use atoll_gate::blob::{MAX_NAME, MAX_SIZE};
use atoll_gate::call::rights;
use atoll_gate::record::Cause;
use atoll_gate::{Call, Status};

const NAME: &[u8] = b"blink.wasm#1";
/// Two pages, the second in part.
const SIZE: u64 = 5000;
const FOOTPRINT: u64 = 8192;

impl Bench {
    fn begin_blob(&mut self, name: &[u8], size: u64) -> Result<u32, Status> {
        self.put(self.init, name, &[]);
        let arguments = [self.system.into(), size, lengths(name.len(), 0)];
        match self.call(self.init, Call::CreateBlob, arguments).expect("an answer") {
            (Status::Ok, handle) => Ok(handle as u32),
            (status, _) => Err(status),
        }
    }

    fn fill(&mut self, blob: u32, bytes: &[u8]) -> Status {
        self.put(self.init, bytes, &[]);
        self.call(self.init, Call::Write, [blob.into(), lengths(bytes.len(), 0)])
            .expect("an answer")
            .0
    }

    /// A sealed blob of [`SIZE`] bytes.
    fn make_blob(&mut self, name: &[u8]) -> u32 {
        let blob = self.begin_blob(name, SIZE).expect("a blob");
        assert_eq!(self.fill(blob, &[7; SIZE as usize]), Status::Ok);
        blob
    }

    fn open(&mut self, name: &[u8]) -> Result<u32, Status> {
        self.put(self.init, name, &[]);
        let arguments = [self.system.into(), lengths(name.len(), 0)];
        match self.call(self.init, Call::OpenBlob, arguments).expect("an answer") {
            (Status::Ok, handle) => Ok(handle as u32),
            (status, _) => Err(status),
        }
    }

    /// A domain that runs a blob, and its control handle.
    fn run(&mut self, blob: u32) -> (DomainId, u32) {
        let before = core::mem::replace(&mut self.blob, blob);
        let (domain, control, _) = self.spawn_with(PLAIN, &[]);
        self.blob = before;
        (domain, control)
    }

    fn charged(&self) -> u64 {
        self.kernel.live(self.init).expect("alive").0.charged
    }

    fn end_of(&mut self, control: u32) {
        self.kill(control);
        self.expect(self.init, Call::Close, [control.into()]);
    }
}

#[test]
fn a_blob_is_opened_read_and_run_once_it_has_all_its_bytes_and_never_changes_then() {
    let mut bench = Bench::new();
    let init = bench.init;
    let blob = bench.begin_blob(NAME, SIZE).expect("a blob");
    assert_eq!(bench.fill(blob, &[1; 4000]), Status::Ok);
    // More than it lacks is refused whole.
    assert_eq!(bench.fill(blob, &[9; 1001]), Status::Invalid);
    assert_eq!(bench.fails(init, Call::Read, [blob.into(), 0, 10]), Status::NotReady);
    assert_eq!(bench.open(NAME), Err(Status::NotReady));
    let config = [bench.system.into(), blob.into()];
    assert_eq!(bench.fails(init, Call::CreateSuccessor, config), Status::NotReady);
    assert_eq!(bench.fill(blob, &[2; 1000]), Status::Ok);
    assert_eq!(bench.fill(blob, &[3; 1]), Status::Invalid);
    let opened = bench.open(NAME).expect("sealed");
    assert_eq!(bench.expect(init, Call::Inspect, [opened.into()]) >> 32, SIZE);
    assert_eq!(bench.expect(init, Call::Read, [opened.into(), 3999, 60_000]), 1001);
    let bytes = bench.payload(init, 1001);
    assert_eq!((bytes[0], bytes[1], bytes[1000]), (1, 2, 2));
    // Who opens it may not write.
    assert_eq!(bench.fill(opened, &[3; 1]), Status::Denied);
    let (domain, _) = bench.run(opened);
    assert!(bench.kernel.live(domain).is_ok());
}

#[test]
fn a_blob_counts_against_its_maker_and_lives_while_somebody_holds_or_runs_it() {
    let mut bench = Bench::new();
    let init = bench.init;
    let before = (bench.footprint(), bench.charged());
    let blob = bench.make_blob(NAME);
    assert_eq!(bench.charged(), before.1 + FOOTPRINT);
    let (_, control) = bench.run(blob);
    bench.expect(init, Call::Close, [blob.into()]);
    let blob = bench.open(NAME).expect("it runs");
    bench.expect(init, Call::Close, [blob.into()]);
    // Its status is still there, and could be cloned.
    bench.kill(control);
    assert_eq!(bench.charged(), before.1 + FOOTPRINT);
    bench.expect(init, Call::Close, [control.into()]);
    assert_eq!(bench.open(NAME), Err(Status::NotFound));
    assert_eq!((bench.footprint(), bench.charged()), before);
}

#[test]
fn a_thousand_blobs_leave_nothing_behind() {
    let mut bench = Bench::new();
    let init = bench.init;
    // The tables have grown by then.
    let warm = bench.make_blob(NAME);
    let (_, control) = bench.run(warm);
    bench.end_of(control);
    bench.expect(init, Call::Close, [warm.into()]);
    let before = (bench.footprint(), bench.charged());
    for round in 0..1000 {
        let blob = match round % 3 {
            // One that was cut in the middle.
            0 => bench.begin_blob(NAME, SIZE).expect("a blob"),
            _ => bench.make_blob(NAME),
        };
        if round % 3 == 2 {
            let (_, control) = bench.run(blob);
            bench.end_of(control);
        }
        bench.expect(init, Call::Close, [blob.into()]);
        assert_eq!((bench.footprint(), bench.charged()), before, "round {round}");
    }
}

#[test]
fn the_component_of_a_server_outlives_the_first_domain_which_pays_for_it_then() {
    let mut bench = Bench::new();
    let used = bench.make_blob(NAME);
    let (domain, _) = bench.run(used);
    let unused = bench.make_blob(b"other#1");
    let half = bench.begin_blob(b"half#1", SIZE).expect("a blob");
    assert_ne!(unused, half);
    bench.crash();
    assert!(bench.charged() >= 3 * FOOTPRINT);
    // What it opens by its name stays when it has settled, and so does what runs.
    let kept = bench.open(b"other#1").expect("in the estate");
    let control = bench.adopt_domain(domain);
    bench.expect(bench.init, Call::Settle, []);
    assert!(bench.kernel.live(domain).is_ok());
    assert_eq!(bench.open(b"half#1"), Err(Status::NotFound));
    let blob = bench.open(NAME).expect("it runs");
    let before = bench.charged();
    bench.expect(bench.init, Call::Close, [blob.into()]);
    bench.end_of(control);
    assert_eq!(bench.open(NAME), Err(Status::NotFound));
    bench.expect(bench.init, Call::Close, [kept.into()]);
    assert_eq!(bench.charged(), before - 2 * FOOTPRINT);
}

#[test]
fn a_first_domain_made_from_a_blob_keeps_it_when_all_begins_anew() {
    let mut bench = Bench::new();
    let blob = bench.make_blob(NAME);
    let init = bench.init;
    let table = &bench.kernel.live(init).expect("alive").0.handles;
    let id = table.blob(Handle(blob), 0).expect("a blob");
    bench.kernel.hold(Object::Blob(id), 0);
    bench.kernel.domain_mut(init).expect("alive").module = id;
    for _ in 0..6 {
        bench.meet_first();
        let trap = [Cause::Trapped as u64, 1, 0];
        assert_eq!(bench.call(bench.init, Call::Exit, trap), None);
    }
    bench.meet_first();
    let first = bench.kernel.live(bench.init).expect("alive").0;
    assert_eq!(bench.kernel.ipc.blobs.get(first.module).expect("held").name.as_bytes(), NAME);
}

#[test]
fn what_makes_no_sense_or_is_not_allowed_is_refused() {
    let mut bench = Bench::new();
    let init = bench.init;
    for size in [0, MAX_SIZE + 1, u64::MAX] {
        assert_eq!(bench.begin_blob(NAME, size), Err(Status::Invalid));
    }
    for name in [b"".as_slice(), &[b'a'; MAX_NAME + 1], &[0xff, 0xfe]] {
        assert_eq!(bench.begin_blob(name, SIZE), Err(Status::Invalid));
    }
    // Boot modules cannot be taken the place of, nor can what is being made.
    assert_eq!(bench.begin_blob(b"init.wasm", SIZE), Err(Status::Exists));
    let blob = bench.begin_blob(NAME, SIZE).expect("a blob");
    assert_eq!(bench.begin_blob(NAME, SIZE), Err(Status::Exists));
    assert_eq!(bench.fill(bench.blob, b"x"), Status::Denied);
    let reader = bench.expect(init, Call::Copy, [blob.into(), rights::READ.into()]) as u32;
    assert_eq!(bench.fill(reader, b"x"), Status::Denied);
    let quota = bench.kernel.live(init).expect("alive").0.memory_limit;
    assert!(quota <= MAX_SIZE, "the quota is what refuses it");
    let before = (bench.footprint(), bench.charged());
    assert_eq!(bench.begin_blob(b"big", quota), Err(Status::QuotaExceeded));
    assert_eq!((bench.footprint(), bench.charged()), before);
    let stranger = bench.spawn();
    let arguments = [bench.system.into(), SIZE, lengths(4, 0)];
    bench.put(stranger, b"mine", &[]);
    assert_eq!(bench.fails(stranger, Call::CreateBlob, arguments), Status::BadHandle);
}
