//! Device objects.

use super::{Bench, PLAIN, copy};
use crate::arch::Width;
use crate::arch::host::{self, Action};
use crate::interrupts::Events;
use crate::memory::VirtAddr;
use atoll_gate::call::{DeviceKind, SHARE, rights};
use atoll_gate::layout::REGION_BASE;
use atoll_gate::{Call, Status};

const PORTS: u64 = DeviceKind::Ports as u64;
const INTERRUPT: u64 = DeviceKind::Interrupt as u64;
const WINDOW: u64 = DeviceKind::Window as u64;

#[test]
fn ports_are_reached_within_their_range_only() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    let ports = bench.expect(init, Call::CreateDevice, [system, PORTS, 0x60, 5]);
    assert_eq!(bench.expect(init, Call::Inspect, [ports]) >> 32, 5);
    assert_eq!(bench.expect(init, Call::Inspect, [bench.blob.into()]) >> 32, 4096);
    let _ = host::take_actions();
    host::set_port(0xabcd);
    assert_eq!(bench.expect(init, Call::PortAccess, [ports, 1 << 16, 0]), 0xcd);
    assert_eq!(bench.expect(init, Call::PortAccess, [ports, 4 | 1 << 16 | 1 << 24, 0x55]), 0);
    assert_eq!(
        host::take_actions(),
        [Action::PortRead(0x60, Width::Byte), Action::PortWrite(0x64, Width::Byte, 0x55)]
    );
    for access in
        [5 | 1 << 16, 4 | 2 << 16, 2 | 4 << 16, 3 << 16, 0, 1 << 16 | 1 << 25, 0xffff | 1 << 16]
    {
        assert_eq!(bench.fails(init, Call::PortAccess, [ports, access, 0]), Status::Invalid);
    }
    assert!(host::take_actions().is_empty());
}

#[test]
fn a_device_belongs_to_one_object() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    let first = bench.expect(init, Call::CreateDevice, [system, PORTS, 0x3f8, 8]);
    assert_eq!(bench.fails(init, Call::CreateDevice, [system, PORTS, 0x3ff, 1]), Status::Exists);
    assert_eq!(bench.fails(init, Call::CreateDevice, [system, PORTS, 0x3f0, 9]), Status::Exists);
    bench.expect(init, Call::Close, [first]);
    bench.expect(init, Call::CreateDevice, [system, PORTS, 0x3f0, 9]);
    for (base, count) in [(0, 0), (0xffff, 2), (0x1_0000, 1), (u64::MAX, 1), (0, u64::MAX)] {
        assert_eq!(
            bench.fails(init, Call::CreateDevice, [system, PORTS, base, count]),
            Status::Invalid
        );
    }
    let line = bench.expect(init, Call::CreateDevice, [system, INTERRUPT, 4, 0]);
    assert_eq!(bench.fails(init, Call::CreateDevice, [system, INTERRUPT, 4, 0]), Status::Exists);
    bench.expect(init, Call::Close, [line]);
    bench.expect(init, Call::CreateDevice, [system, INTERRUPT, 4, 0]);
    let window = bench.expect(init, Call::CreateDevice, [system, WINDOW, 0xfebf_0000, 0x2000]);
    assert_eq!(
        bench.fails(init, Call::CreateDevice, [system, WINDOW, 0xfebf_1000, 0x1000]),
        Status::Exists
    );
    assert_eq!(
        bench.fails(init, Call::CreateDevice, [system, WINDOW, 0xfebf_2000, 0x800]),
        Status::Invalid
    );
    bench.expect(init, Call::Close, [window]);
    assert_eq!(bench.fails(init, Call::CreateDevice, [system, 4, 0, 0]), Status::Invalid);
    let weak = bench.expect(init, Call::Copy, [system, u64::from(rights::READ)]);
    assert_eq!(bench.fails(init, Call::CreateDevice, [weak, PORTS, 0x60, 1]), Status::Denied);
}

#[test]
fn an_interrupt_notifies_its_watcher_until_it_is_acknowledged() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    let line = bench.expect(init, Call::CreateDevice, [system, INTERRUPT, 4, 0]) as u32;
    let (driver, control, handles) =
        bench.spawn_with(PLAIN, &[copy(line, rights::SIGNAL | rights::WATCH)]);
    bench.expect(init, Call::Close, [line.into()]);
    let line = u64::from(handles[0]);
    bench.expect(driver, Call::Watch, [line, 40]);
    bench.wait(driver);
    bench.kernel.interrupt(5);
    bench.kernel.next();
    assert_eq!(bench.result(driver), None);
    bench.kernel.interrupt(4);
    bench.kernel.next();
    assert_eq!(bench.result(driver), Some((Status::Ok, 0)));
    assert_eq!(bench.message(driver).id, 40);
    // Not acknowledged yet, so a new watch is ready at once.
    bench.expect(driver, Call::Watch, [line, 41]);
    assert_eq!(bench.take(driver).id, 41);
    let _ = host::take_actions();
    assert_eq!(bench.expect(driver, Call::Signal, [line, 0]), 1);
    assert_eq!(host::take_actions(), [Action::InterruptAcknowledged(4)]);
    assert_eq!(bench.expect(driver, Call::Signal, [line, 0]), 0);
    bench.expect(driver, Call::Watch, [line, 42]);
    bench.nothing(driver);
    let _ = host::take_actions();
    bench.kill(control);
    assert!(host::take_actions().contains(&Action::InterruptDisabled(4)));
    assert!(bench.kernel.devices.interrupts.is_empty());
}

#[test]
fn a_window_is_mapped_where_it_is_held() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    let window =
        bench.expect(init, Call::CreateDevice, [system, WINDOW, 0xfebf_0000, 0x2000]) as u32;
    let (driver, _, handles) = bench.spawn_with(PLAIN, &[copy(window, 0)]);
    let at = bench.expect(driver, Call::MapWindow, [handles[0].into()]);
    assert_eq!(at, REGION_BASE);
    assert_eq!(bench.expect(driver, Call::MapWindow, [handles[0].into()]), at);
    let mapped = |bench: &Bench, page: u64| {
        let address = VirtAddr::new(at + page * 4096).expect("canonical");
        bench.kernel.live(driver).expect("alive").1.space.is_mapped(address)
    };
    assert!(mapped(&bench, 0) && mapped(&bench, 1) && !mapped(&bench, 2));
    bench.expect(driver, Call::Close, [handles[0].into()]);
    assert!(!mapped(&bench, 0) && !mapped(&bench, 1));
}

#[test]
fn a_device_can_be_shared_for_a_swap() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    for (kind, base, len) in [
        (DeviceKind::Ports, 0x3f8, 8),
        (DeviceKind::Interrupt, 4, 0),
        (DeviceKind::Window, 0xfebf_0000, 0x2000),
    ] {
        let kind = kind as u64;
        let make = |bench: &mut Bench, kind, base, len| {
            bench.call(init, Call::CreateDevice, [system, kind, base, len]).expect("no block")
        };
        let (_, first) = make(&mut bench, kind | SHARE, base, len);
        assert_eq!(make(&mut bench, kind, base, len).0, Status::Exists);
        let (status, second) = make(&mut bench, kind | SHARE, base, len);
        assert_eq!(status, Status::Ok);
        assert_ne!(first, second);
        if len > 0 {
            // Only the identical range.
            assert_eq!(make(&mut bench, kind | SHARE, base, len / 2).0, Status::Exists);
        }
        bench.expect(init, Call::Close, [first]);
        assert_eq!(make(&mut bench, kind, base, len).0, Status::Exists);
        bench.expect(init, Call::Close, [second]);
        assert_eq!(make(&mut bench, kind, base, len).0, Status::Ok);
    }
}
