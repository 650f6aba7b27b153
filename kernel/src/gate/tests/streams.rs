//! Pipes, events, watches, the log and blobs.

use super::{Bench, PLAIN, lengths, slot};
use atoll_gate::call::rights;
use atoll_gate::message::{EventKind, MAX_PAYLOAD, SendSlot};
use atoll_gate::record::{Level, LogEntry, Record};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

const fn halves(value: u64) -> (u64, u64) {
    (value & 0xffff_ffff, value >> 32)
}

#[test]
fn bytes_go_through_a_pipe_in_order() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    let (reader, writer) = halves(bench.expect(domain, Call::CreatePipe, [1]));
    assert_eq!(bench.fails(domain, Call::Read, [reader, 0, 10]), Status::WouldBlock);
    bench.put(domain, &[7; 5000], &[]);
    assert_eq!(bench.expect(domain, Call::Write, [writer, lengths(5000, 0)]), 4096);
    assert_eq!(bench.fails(domain, Call::Write, [writer, lengths(1, 0)]), Status::WouldBlock);
    assert_eq!(bench.expect(domain, Call::Read, [reader, 0, 96]), 96);
    assert_eq!(bench.expect(domain, Call::Read, [reader, 0, u64::MAX]), 4000);
    assert_eq!(bench.payload(domain, 4000), [7; 4000]);
    assert_eq!(bench.fails(domain, Call::Read, [writer, 0, 1]), Status::WrongKind);
    assert_eq!(bench.fails(domain, Call::Write, [reader, 1]), Status::WrongKind);
}

#[test]
fn the_end_of_a_pipe_is_read_after_its_bytes() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    let free = crate::memory::frames::statistics().free;
    let (reader, writer) = halves(bench.expect(domain, Call::CreatePipe, [4096]));
    bench.put(domain, b"last", &[]);
    bench.expect(domain, Call::Write, [writer, lengths(4, 0)]);
    bench.expect(domain, Call::Watch, [reader, 1]);
    assert_eq!(bench.take(domain).id, 1);
    bench.expect(domain, Call::Read, [reader, 0, 100]);
    bench.expect(domain, Call::Watch, [reader, 2]);
    bench.nothing(domain);
    bench.expect(domain, Call::Close, [writer]);
    assert_eq!(bench.take(domain).id, 2);
    assert_eq!(bench.fails(domain, Call::Read, [reader, 0, 100]), Status::Closed);
    bench.expect(domain, Call::Close, [reader]);
    assert_eq!(crate::memory::frames::statistics().free, free);
    assert_eq!(bench.kernel.live(domain).expect("alive").0.charged, 0);
}

#[test]
fn who_only_watches_an_end_keeps_nobody_waiting() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    let free = crate::memory::frames::statistics().free;
    let (reader, writer) = halves(bench.expect(domain, Call::CreatePipe, [4096]));
    let watcher = bench.expect(domain, Call::Copy, [writer, u64::from(rights::WATCH)]);
    bench.expect(domain, Call::Watch, [reader, 1]);
    bench.expect(domain, Call::Close, [writer]);
    assert_eq!(bench.take(domain).id, 1);
    assert_eq!(bench.fails(domain, Call::Read, [reader, 0, 100]), Status::Closed);
    bench.expect(domain, Call::Close, [reader]);
    bench.expect(domain, Call::Close, [watcher]);
    assert_eq!(crate::memory::frames::statistics().free, free);
}

#[test]
fn a_pipe_without_a_reader_takes_nothing() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    let (reader, writer) = halves(bench.expect(domain, Call::CreatePipe, [4096]));
    bench.put(domain, &[0; 4096], &[]);
    bench.expect(domain, Call::Write, [writer, lengths(4096, 0)]);
    bench.expect(domain, Call::Watch, [writer, 3]);
    bench.nothing(domain);
    bench.expect(domain, Call::Close, [reader]);
    assert_eq!(bench.take(domain).id, 3);
    assert_eq!(bench.fails(domain, Call::Write, [writer, 1]), Status::Closed);
}

#[test]
fn a_pipe_counts_against_its_creator() {
    let mut bench = Bench::new();
    let (domain, control, _) =
        bench.spawn_with(DomainConfig { memory_limit: 1 << 20, ..PLAIN }, &[]);
    let before = bench.status(control).0.memory;
    bench.expect(domain, Call::CreatePipe, [4097]);
    assert_eq!(bench.status(control).0.memory, before + 8192);
    assert_eq!(bench.fails(domain, Call::CreatePipe, [1 << 20]), Status::QuotaExceeded);
    assert_eq!(bench.fails(domain, Call::CreatePipe, [0]), Status::Invalid);
    assert_eq!(bench.fails(domain, Call::CreatePipe, [u64::MAX]), Status::Invalid);
}

#[test]
fn a_watch_fires_once_and_the_second_replaces_the_first() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    let event = bench.expect(domain, Call::CreateEvent, []);
    bench.expect(domain, Call::Watch, [event, 1]);
    bench.expect(domain, Call::Watch, [event, 2]);
    assert_eq!(bench.expect(domain, Call::Signal, [event, 1]), 0);
    assert_eq!(bench.expect(domain, Call::Signal, [event, 1]), 1);
    let notification = bench.take(domain);
    assert_eq!((notification.event, notification.id), (Some(EventKind::Notification), 2));
    bench.nothing(domain);
    // It is still set, so a new watch is ready at once.
    bench.expect(domain, Call::Watch, [event, 3]);
    bench.expect(domain, Call::Watch, [event, 4]);
    assert_eq!(bench.take(domain).id, 4);
    bench.expect(domain, Call::Watch, [event, 5]);
    bench.expect(domain, Call::Unwatch, [event]);
    bench.nothing(domain);
    bench.expect(domain, Call::Watch, [event, 6]);
    bench.expect(domain, Call::Close, [event]);
    bench.nothing(domain);
    assert!(bench.kernel.ipc.watches.is_empty());
    assert!(bench.kernel.ipc.events.is_empty());
}

#[test]
fn a_notification_wakes_a_waiting_domain() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []);
    bench.invoke(pair.client, pair.target, b"", &[super::copy(event as u32, u32::MAX)]);
    let call = bench.take(pair.server);
    let shared = u64::from(call.slots[0].handle);
    bench.expect(pair.server, Call::Watch, [shared, 11]);
    bench.reply(pair.server, call.id, b"", &[]);
    bench.wait(pair.server);
    bench.expect(pair.client, Call::Signal, [event, 1]);
    assert_eq!(bench.result(pair.server), Some((Status::Ok, 0)));
    assert_eq!(bench.message(pair.server).id, 11);
}

#[test]
fn watch_and_signal_refuse_what_they_do_not_fit() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    assert_eq!(bench.fails(pair.client, Call::Watch, [pair.target.into(), 0]), Status::WrongKind);
    assert_eq!(bench.fails(pair.client, Call::Signal, [pair.target.into(), 0]), Status::Denied);
    let event = bench.expect(pair.client, Call::CreateEvent, []);
    assert_eq!(bench.fails(pair.client, Call::Signal, [event, 2]), Status::Invalid);
    let deaf = bench.expect(pair.client, Call::Copy, [event, 0]);
    assert_eq!(bench.fails(pair.client, Call::Watch, [deaf, 0]), Status::Denied);
    assert_eq!(bench.fails(pair.client, Call::Signal, [deaf, 0]), Status::Denied);
}

#[test]
fn moving_a_handle_ends_its_watch() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []);
    bench.expect(pair.client, Call::Watch, [event, 1]);
    bench.send(pair.client, pair.target, b"", &[slot(SendSlot::Move, event as u32)]);
    let call = bench.take(pair.server);
    bench.expect(pair.server, Call::Signal, [call.slots[0].handle.into(), 1]);
    bench.nothing(pair.client);
    assert!(bench.kernel.ipc.watches.is_empty());
}

#[test]
fn blobs_are_read_from_an_offset() {
    let mut bench = Bench::new();
    let (init, blob) = (bench.init, u64::from(bench.blob));
    // Modules of the fake machine are whole pages.
    assert_eq!(bench.expect(init, Call::Read, [blob, 4, 3]), 3);
    assert_eq!(bench.payload(init, 3), b"one");
    assert_eq!(bench.expect(init, Call::Read, [blob, 4095, 100]), 1);
    assert_eq!(bench.expect(init, Call::Read, [blob, u64::MAX, 100]), 0);
    bench.put(init, b"nothing", &[]);
    assert_eq!(
        bench.fails(init, Call::OpenBlob, [bench.system.into(), lengths(7, 0)]),
        Status::NotFound
    );
}

#[test]
fn log_entries_are_written_read_and_watched() {
    let mut bench = Bench::new();
    let (init, log) = (bench.init, u64::from(bench.log));
    let mut text = vec![Level::Error as u8];
    text.extend_from_slice(b"something broke in a test of the log");
    bench.put(init, &text, &[]);
    assert_eq!(bench.expect(init, Call::Write, [log, lengths(text.len(), 0)]), text.len() as u64);
    let len = bench.expect(init, Call::Read, [log, 0, MAX_PAYLOAD as u64]) as usize;
    let bytes = bench.payload(init, len);
    let (mut rest, mut found) = (bytes.as_slice(), false);
    while !rest.is_empty() {
        let entry = LogEntry::read(rest).expect("whole entries");
        let (line, after) = rest[LogEntry::LEN..].split_at(entry.len as usize);
        found |= line == &text[1..] && entry.domain == 1;
        rest = after;
    }
    assert!(found);
    bench.expect(init, Call::Watch, [log, 5]);
    bench.put(init, &text, &[]);
    bench.expect(init, Call::Write, [log, lengths(text.len(), 0)]);
    assert_eq!(bench.take(init).id, 5);
    for bad in [&b""[..], &[0, b'x'], &[9, b'x'], &[1, 0xff]] {
        bench.put(init, bad, &[]);
        assert_eq!(bench.fails(init, Call::Write, [log, lengths(bad.len(), 0)]), Status::Invalid);
    }
}
