//! `wasi:io/streams` on pipes and on the log.

use super::{Argument, call, log, own, pipe, place};
use crate::Place;
use crate::fake::Fake;
use crate::generated::Interface::{
    AtollIoPipes, WasiCliStdin, WasiCliStdout, WasiIoError, WasiIoStreams,
};
use crate::generated::wasi_io_streams::Function;
use crate::objects::Kind;
use atoll_runtime::host::{CallError, Host, Target};

fn read(place: &mut Place<Fake>, function: Function, input: u32, len: u64) -> Vec<u8> {
    let arguments = [Argument::Borrow(Kind::INPUT, input), Argument::U64(len)];
    call(place, WasiIoStreams, function as u32, &arguments).expect("no trap")
}

fn write(
    place: &mut Place<Fake>,
    function: Function,
    output: u32,
    bytes: &[u8],
) -> Result<Vec<u8>, CallError> {
    let arguments = [Argument::Borrow(Kind::OUTPUT, output), Argument::Bytes(bytes)];
    call(place, WasiIoStreams, function as u32, &arguments)
}

fn permit(place: &mut Place<Fake>, output: u32) -> u64 {
    let arguments = [Argument::Borrow(Kind::OUTPUT, output)];
    let result = call(place, WasiIoStreams, Function::OutputStreamCheckWrite as u32, &arguments)
        .expect("no trap");
    assert_eq!(result[..4], [0; 4], "ok");
    u64::from_le_bytes(result[4..].try_into().expect("a u64"))
}

fn ok_bytes(bytes: &[u8]) -> Vec<u8> {
    [&[0; 4], &(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

const OK: [u8; 4] = [0; 4];
const CLOSED: [u8; 8] = [1, 0, 0, 0, 1, 0, 0, 0];

fn drop_resource(place: &mut Place<Fake>, kind: Kind, number: u32) {
    place.drop_resource(Target::Provided(kind.interface as u32), kind.resource, number);
}

#[test]
fn what_is_written_is_read_and_the_end_is_closed() {
    let (mut place, _) = place(|_| vec![]);
    let (input, output) = pipe(&mut place, 100);
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 10), ok_bytes(b""));
    assert!(permit(&mut place, output) >= 5);
    assert_eq!(write(&mut place, Function::OutputStreamWrite, output, b"hello").expect("ok"), OK);
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 2), ok_bytes(b"he"));
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 0), ok_bytes(b""));
    let skipped = read(&mut place, Function::InputStreamSkip, input, 1);
    assert_eq!(skipped, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    place.gate().state.borrow_mut().pipes[0].capacity = usize::MAX;
    drop_resource(&mut place, Kind::OUTPUT, output);
    assert_eq!(read(&mut place, Function::InputStreamBlockingRead, input, 9), ok_bytes(b"lo"));
    assert_eq!(read(&mut place, Function::InputStreamBlockingRead, input, 9), CLOSED);
    drop_resource(&mut place, Kind::INPUT, input);
    assert!(place.gate().state.borrow().things.is_empty(), "no kernel handle is left");
}

#[test]
fn a_full_pipe_permits_nothing_and_loses_nothing() {
    let (mut place, _) = place(|_| vec![]);
    let (input, output) = pipe(&mut place, 4);
    assert!(permit(&mut place, output) > 4, "the pipe's room is not known");
    assert_eq!(
        write(&mut place, Function::OutputStreamWrite, output, b"abcdefghi").expect("ok"),
        OK
    );
    assert_eq!(permit(&mut place, output), 0);
    let error = write(&mut place, Function::OutputStreamWrite, output, b"x");
    assert!(matches!(error, Err(CallError::Failed(text)) if text.contains("permitted 0")));
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 9), ok_bytes(b"abcd"));
    assert_eq!(permit(&mut place, output), 0, "the rest filled it again");
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 9), ok_bytes(b"efgh"));
    assert!(permit(&mut place, output) > 0);
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 9), ok_bytes(b"i"));
}

#[test]
fn blocking_calls_wait_for_the_other_end() {
    let (mut place, state) = place(|_| vec![]);
    let (input, output) = pipe(&mut place, 4);
    state.borrow_mut().script.push_back(Box::new(|state| {
        assert_eq!(state.pipes[0].bytes.drain(..).collect::<Vec<_>>(), b"0123");
    }));
    let done = write(&mut place, Function::OutputStreamBlockingWriteAndFlush, output, b"01234567");
    assert_eq!(done.expect("ok"), OK);
    assert_eq!(read(&mut place, Function::InputStreamRead, input, 9), ok_bytes(b"4567"));
    state.borrow_mut().script.push_back(Box::new(|_| {}));
    state.borrow_mut().script.push_back(Box::new(|state| state.pipes[0].bytes.extend(b"late")));
    assert_eq!(read(&mut place, Function::InputStreamBlockingRead, input, 9), ok_bytes(b"late"));
    assert!(state.borrow().script.is_empty());
    let long = write(&mut place, Function::OutputStreamBlockingWriteAndFlush, output, &[0; 4097]);
    assert!(long.is_err(), "the standard allows 4096 bytes");
}

#[test]
fn zeroes_and_splices_move_bytes() {
    let (mut place, _) = place(|_| vec![]);
    let (input, output) = pipe(&mut place, 64);
    let (far, near) = pipe(&mut place, 64);
    permit(&mut place, output);
    let zeroes = [Argument::Borrow(Kind::OUTPUT, output), Argument::U64(3)];
    assert_eq!(
        call(&mut place, WasiIoStreams, Function::OutputStreamWriteZeroes as u32, &zeroes)
            .expect("ok"),
        OK
    );
    permit(&mut place, output);
    write(&mut place, Function::OutputStreamWrite, output, b"ab").expect("ok");
    for (function, count) in [
        (Function::OutputStreamSplice, 4),
        (Function::OutputStreamBlockingSplice, 1),
        (Function::OutputStreamSplice, 0),
    ] {
        let arguments = [
            Argument::Borrow(Kind::OUTPUT, near),
            Argument::Borrow(Kind::INPUT, input),
            Argument::U64(4),
        ];
        let moved = call(&mut place, WasiIoStreams, function as u32, &arguments).expect("ok");
        assert_eq!(moved, [0, 0, 0, 0, count, 0, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(read(&mut place, Function::InputStreamRead, far, 9), ok_bytes(b"\0\0\0ab"));
}

#[test]
fn other_failures_are_errors_with_a_text() {
    let (mut place, state) = place(|_| vec![]);
    let (input, _) = pipe(&mut place, 64);
    for (_, rights) in state.borrow_mut().things.values_mut() {
        *rights = 0;
    }
    assert_eq!(
        read(&mut place, Function::InputStreamRead, input, 9),
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    let error = own(&mut place, 0, Kind::ERROR);
    let text =
        call(&mut place, WasiIoError, 0, &[Argument::Borrow(Kind::ERROR, error)]).expect("ok");
    assert_eq!(text[4..], *b"the handle lacks the right");
}

#[test]
fn pipes_of_no_or_too_great_capacity_are_refused() {
    let (mut place, _) = place(|_| vec![]);
    for capacity in [0, (1 << 20) + 1] {
        let refused = call(&mut place, AtollIoPipes, 0, &[Argument::U32(capacity)]);
        assert_eq!(refused.expect("no trap"), [1, 0, 0, 0, 0, 0, 0, 0]);
    }
}

#[test]
fn standard_streams_without_pipes_are_the_log_and_the_end() {
    let (mut place, state) = place(|state| vec![log(state)]);
    call(&mut place, WasiCliStdout, 0, &[]).expect("ok");
    let first = own(&mut place, 0, Kind::OUTPUT);
    call(&mut place, WasiCliStdout, 0, &[]).expect("ok");
    let again = own(&mut place, 0, Kind::OUTPUT);
    let print = Function::OutputStreamBlockingWriteAndFlush;
    write(&mut place, print, first, b"one\n\ntw").expect("ok");
    drop_resource(&mut place, Kind::OUTPUT, first);
    write(&mut place, print, again, b"o\nthree").expect("ok");
    assert_eq!(state.borrow().log, [(3, "one".into()), (3, "two".into())]);
    place.finish_lines();
    assert_eq!(state.borrow().log[2], (3, "three".into()));
    call(&mut place, WasiCliStdin, 0, &[]).expect("ok");
    let input = own(&mut place, 0, Kind::INPUT);
    assert_eq!(read(&mut place, Function::InputStreamBlockingRead, input, 1), CLOSED);
}
