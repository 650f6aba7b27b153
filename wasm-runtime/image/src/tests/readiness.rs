//! `wasi:io/poll`, clocks and watches.

use super::{Argument, call, own, pipe, place};
use crate::Place;
use crate::fake::Fake;
use crate::generated::Interface::{
    AtollClocksMonotonic, AtollIoEvents, AtollIoWatch, WasiIoPoll, WasiIoStreams,
};
use crate::generated::{atoll_io_events, wasi_io_poll, wasi_io_streams};
use crate::objects::Kind;
use atoll_runtime::host::{Host, Target};

fn pollable_of(place: &mut Place<Fake>, input: u32) -> u32 {
    let subscribe = wasi_io_streams::Function::InputStreamSubscribe as u32;
    call(place, WasiIoStreams, subscribe, &[Argument::Borrow(Kind::INPUT, input)]).expect("ok");
    own(place, 0, Kind::POLLABLE)
}

fn timer(place: &mut Place<Fake>, when: u64) -> u32 {
    call(place, AtollClocksMonotonic, 1, &[Argument::U64(when)]).expect("ok");
    own(place, 0, Kind::POLLABLE)
}

fn poll(place: &mut Place<Fake>, pollables: &[u32]) -> Vec<u32> {
    let mut arguments = vec![Argument::U32(pollables.len() as u32)];
    arguments.extend(pollables.iter().map(|number| Argument::Borrow(Kind::POLLABLE, *number)));
    let result =
        call(place, WasiIoPoll, wasi_io_poll::Function::Poll as u32, &arguments).expect("ok");
    result[4..].chunks(4).map(|word| u32::from_le_bytes(word.try_into().expect("a word"))).collect()
}

fn ready(place: &mut Place<Fake>, pollable: u32) -> bool {
    let function = wasi_io_poll::Function::PollableReady as u32;
    call(place, WasiIoPoll, function, &[Argument::Borrow(Kind::POLLABLE, pollable)]).expect("ok")
        == [1]
}

fn watch(place: &mut Place<Fake>, pollable: u32, token: u64) {
    let arguments = [Argument::Borrow(Kind::POLLABLE, pollable), Argument::U64(token)];
    call(place, AtollIoWatch, 0, &arguments).expect("ok");
}

fn drop_pollable(place: &mut Place<Fake>, pollable: u32) {
    place.drop_resource(Target::Provided(WasiIoPoll as u32), 0, pollable);
}

#[test]
fn poll_waits_for_the_first_and_tells_all_that_are_ready() {
    let (mut place, state) = place(|_| vec![]);
    let (first, _) = pipe(&mut place, 8);
    let (second, _) = pipe(&mut place, 8);
    let pollables =
        [pollable_of(&mut place, first), pollable_of(&mut place, second), timer(&mut place, 1_000)];
    assert_eq!(poll(&mut place, &pollables), [2], "time passes when nothing else happens");
    assert_eq!(state.borrow().now, 1_000);
    state.borrow_mut().pipes[1].bytes.push_back(1);
    assert_eq!(poll(&mut place, &pollables), [1, 2]);
    assert_eq!(poll(&mut place, &pollables[..2]), [1]);
    state.borrow_mut().pipes[1].bytes.clear();
    state.borrow_mut().script.push_back(Box::new(|state| state.pipes[0].bytes.push_back(1)));
    assert_eq!(poll(&mut place, &pollables[..2]), [0]);
    assert!(state.borrow().watches.is_empty(), "a poll takes its watches back");
    assert!(
        call(&mut place, WasiIoPoll, wasi_io_poll::Function::Poll as u32, &[Argument::U32(0)])
            .is_err()
    );
}

#[test]
fn ready_asks_without_waiting() {
    let (mut place, state) = place(|_| vec![]);
    let (input, _) = pipe(&mut place, 8);
    let (pollable, soon) = (pollable_of(&mut place, input), timer(&mut place, 10));
    assert!(!ready(&mut place, pollable) && !ready(&mut place, soon));
    state.borrow_mut().pipes[0].bytes.push_back(1);
    state.borrow_mut().now = 10;
    assert!(ready(&mut place, pollable) && ready(&mut place, soon));
    state.borrow_mut().pipes[0].bytes.clear();
    assert!(!ready(&mut place, pollable), "an old notification is not taken for news");
}

#[test]
fn events_are_ready_while_they_are_set_and_outlive_their_resource() {
    use atoll_io_events::Function;
    let (mut place, _) = place(|_| vec![]);
    call(&mut place, AtollIoEvents, Function::EventNew as u32, &[]).expect("ok");
    let event = own(&mut place, 0, Kind::EVENT);
    let lent = || Argument::Borrow(Kind::EVENT, event);
    call(&mut place, AtollIoEvents, Function::EventSubscribe as u32, &[lent()]).expect("ok");
    let pollable = own(&mut place, 0, Kind::POLLABLE);
    assert!(!ready(&mut place, pollable));
    call(&mut place, AtollIoEvents, Function::EventSet as u32, &[lent()]).expect("ok");
    assert!(ready(&mut place, pollable) && ready(&mut place, pollable));
    call(&mut place, AtollIoEvents, Function::EventClear as u32, &[lent()]).expect("ok");
    place.drop_resource(Target::Provided(AtollIoEvents as u32), 0, event);
    assert!(!ready(&mut place, pollable));
    drop_pollable(&mut place, pollable);
    assert!(place.gate().state.borrow().things.is_empty());
}

#[test]
fn a_poll_keeps_what_is_watched_for_the_handler() {
    let (mut place, state) = place(|_| vec![]);
    place.handler = Some(0);
    let (first, _) = pipe(&mut place, 8);
    let (second, _) = pipe(&mut place, 8);
    let (first, second) = (pollable_of(&mut place, first), pollable_of(&mut place, second));
    watch(&mut place, first, 100);
    state.borrow_mut().script.push_back(Box::new(|state| state.pipes[0].bytes.push_back(1)));
    state.borrow_mut().script.push_back(Box::new(|state| state.pipes[1].bytes.push_back(1)));
    assert_eq!(poll(&mut place, &[second]), [0]);
    assert_eq!(place.watches.pop(), Some(100), "told while it polled for something else");
    // Polling what is watched as well serves both.
    watch(&mut place, first, 101);
    assert_eq!(poll(&mut place, &[first]), [0]);
    assert_eq!(place.watches.pop(), Some(101));
    assert_eq!(place.watches.pop(), None);
}

#[test]
fn a_watch_ends_with_unwatch_and_with_its_pollable() {
    let (mut place, state) = place(|_| vec![]);
    place.handler = Some(0);
    let (input, _) = pipe(&mut place, 8);
    let pollables =
        [pollable_of(&mut place, input), pollable_of(&mut place, input), timer(&mut place, 5)];
    for (pollable, token) in pollables.iter().zip(1..) {
        watch(&mut place, *pollable, token);
    }
    drop_pollable(&mut place, pollables[0]);
    assert_eq!(state.borrow().watches.len(), 1, "the second pollable still watches the pipe");
    call(&mut place, AtollIoWatch, 1, &[Argument::Borrow(Kind::POLLABLE, pollables[1])])
        .expect("ok");
    assert!(state.borrow().watches.is_empty());
    drop_pollable(&mut place, pollables[2]);
    assert_eq!(place.watches.deadline(), None);
}

#[test]
fn watching_without_a_handler_traps() {
    let (mut place, _) = place(|_| vec![]);
    let pollable = timer(&mut place, 5);
    let arguments = [Argument::Borrow(Kind::POLLABLE, pollable), Argument::U64(1)];
    assert!(call(&mut place, AtollIoWatch, 0, &arguments).is_err());
}
