//! The smaller provided interfaces: log, devices, supervision, introspection, command line.

use super::{Argument, call, kernel, log, own, pipe, place};
use crate::Place;
use crate::fake::{Fake, State, Thing};
use crate::generated::Interface::{
    AtollDeviceFramebuffer, AtollDeviceMmio, AtollDevicePortIo, AtollIntrospectionSystem,
    AtollLogLog, AtollLogSource, AtollSupervisionDomains, AtollSupervisionModules,
    WasiCliEnvironment, WasiCliExit, WasiClocksWallClock, WasiFilesystemPreopens,
    WasiFilesystemTypes, WasiRandomInsecure,
};
use crate::generated::{
    INTERFACES, Interface, atoll_device_mmio, atoll_device_port_io, atoll_supervision_domains,
};
use crate::objects::Kind;
use crate::start::Grant;
use crate::wire::Input;
use atoll_gate::call::{Status, rights};
use atoll_gate::limits::Limit;
use atoll_gate::message::SendSlot;
use atoll_gate::start::{GrantKind, Options, StartReader};
use atoll_runtime::descriptor;
use atoll_runtime::host::{CallError, Host, Target};

pub(super) fn system(state: &mut State) -> Vec<Grant> {
    let system = state.add(Thing::System, rights::ALL);
    let names = ["domains", "modules", "machine"].map(|name| format!("atoll:supervision/{name}"));
    let mut grants: Vec<_> = names.iter().map(|name| kernel(name, "", Some(system))).collect();
    grants.push(kernel("atoll:introspection/system", "", Some(system)));
    grants.push(kernel("wasi:clocks/wall-clock", "", Some(system)));
    grants.push(log(state));
    grants
}

#[test]
fn descriptors_and_numbers_come_from_the_same_source() {
    for (number, (name, bytes)) in (0..).zip(INTERFACES) {
        let interface = Interface::from_raw(number).expect("numbered");
        let descriptor =
            descriptor::decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!descriptor.interface.functions.is_empty() || name.contains("terminal"), "{name}");
        assert_eq!(interface as u32, number);
    }
    let functions = descriptor::decode(INTERFACES[AtollDeviceMmio as usize].1).expect("decoded");
    let named =
        &functions.interface.functions[atoll_device_mmio::Function::WindowRead32 as usize].0;
    assert_eq!(named, "[method]window.read32");
}

#[test]
fn log_lines_become_entries_and_are_read_back() {
    let (mut place, state) = place(|state| {
        let mut grants = vec![log(state)];
        let source = state.add(Thing::Log, rights::ALL);
        grants.push(kernel("atoll:log/source", "", Some(source)));
        grants
    });
    let long = format!("first\n\nsecond line\n{}é", "x".repeat(1023));
    let arguments = [Argument::U32(1), Argument::Bytes(long.as_bytes())];
    assert!(call(&mut place, AtollLogLog, 0, &arguments).expect("ok").is_empty());
    let texts: Vec<_> =
        state.borrow().log.iter().map(|(level, text)| (*level, text.len())).collect();
    assert_eq!(texts, [(2, 5), (2, 11), (2, 1023)], "cut at a character");
    let read =
        call(&mut place, AtollLogSource, 0, &[Argument::U64(1), Argument::U32(1)]).expect("ok");
    let mut read = Input::new(&read);
    assert_eq!((read.u32(), read.u64(), read.u64(), read.u32()), (Ok(1), Ok(1), Ok(5), Ok(3)));
    assert_eq!(
        (read.string(), read.u32(), read.string()),
        (Ok("tester"), Ok(1), Ok("second line"))
    );
    assert_eq!(read.end(), Ok(()));
    let none =
        call(&mut place, AtollLogSource, 0, &[Argument::U64(9), Argument::U32(5)]).expect("ok");
    assert_eq!(none, [0; 4]);
    let bad = [Argument::U32(5), Argument::Bytes(b"")];
    assert!(call(&mut place, AtollLogLog, 0, &bad).is_err(), "there is no sixth level");
}

#[test]
fn nobody_has_a_directory() {
    let (mut place, _) = place(|_| Vec::new());
    assert_eq!(call(&mut place, WasiFilesystemPreopens, 0, &[]).expect("ok"), [0; 4]);
    for function in 0..40 {
        assert!(call(&mut place, WasiFilesystemTypes, function, &[]).is_err(), "{function}");
    }
}

#[test]
fn ports_are_reached_under_their_label_only() {
    use atoll_device_port_io::Function;
    let (mut place, state) = place(|state| {
        let ports = state.add(Thing::Ports(8), 0);
        vec![kernel("atoll:device/port-io", "uart", Some(ports))]
    });
    let mut open = |label: &[u8]| {
        call(&mut place, AtollDevicePortIo, Function::PortsOpen as u32, &[Argument::Bytes(label)])
            .expect("ok")
    };
    assert_eq!(open(b"disk"), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(open(b"uart")[..4], [0; 4]);
    let ports = own(&mut place, 0, Kind::PORTS);
    let lent = || Argument::Borrow(Kind::PORTS, ports);
    let count =
        call(&mut place, AtollDevicePortIo, Function::PortsCount as u32, &[lent()]).expect("ok");
    assert_eq!(count, [8, 0, 0, 0]);
    let read = [lent(), Argument::U16(5)];
    assert_eq!(
        call(&mut place, AtollDevicePortIo, Function::PortsRead8 as u32, &read).expect("ok"),
        [0xab]
    );
    let write = [lent(), Argument::U16(3), Argument::U8(0x7f)];
    call(&mut place, AtollDevicePortIo, Function::PortsWrite8 as u32, &write).expect("ok");
    assert_eq!(state.borrow().ports, [(5 | 1 << 16, 0), (3 | 1 << 16 | 1 << 24, 0x7f)]);
    place.drop_resource(Target::Provided(AtollDevicePortIo as u32), 0, ports);
    assert!(state.borrow().holds(&Thing::Ports(8)), "the grant stays");
}

#[test]
fn windows_are_read_and_written_inside_only() {
    use atoll_device_mmio::Function;
    let (mut place, state) = place(|state| {
        state.window = (0..32).collect();
        let window = state.add(Thing::Window(1), 0);
        vec![kernel("atoll:device/mmio", "bar", Some(window))]
    });
    call(&mut place, AtollDeviceMmio, Function::WindowOpen as u32, &[Argument::Bytes(b"bar")])
        .expect("ok");
    let window = own(&mut place, 0, Kind::WINDOW);
    let lent = || Argument::Borrow(Kind::WINDOW, window);
    let mut run = |function: Function, rest: Vec<Argument<'_>>| {
        let arguments: Vec<_> = std::iter::once(lent()).chain(rest).collect();
        call(&mut place, AtollDeviceMmio, function as u32, &arguments)
    };
    assert_eq!(run(Function::WindowRead32, vec![Argument::U64(4)]).expect("ok"), [4, 5, 6, 7]);
    run(Function::WindowWrite16, vec![Argument::U64(2), Argument::U16(0xbeef)]).expect("ok");
    run(Function::WindowWriteBlock, vec![Argument::U64(8), Argument::Bytes(b"block")]).expect("ok");
    run(Function::WindowMoveBlock, vec![Argument::U64(8), Argument::U64(9), Argument::U64(5)])
        .expect("ok");
    let block =
        run(Function::WindowReadBlock, vec![Argument::U64(8), Argument::U32(6)]).expect("ok");
    assert_eq!(block, *b"\x06\0\0\0bblock");
    let error = run(Function::WindowRead64, vec![Argument::U64(28)]).expect_err("outside");
    assert!(
        matches!(error, CallError::Failed(text) if text.contains("[method]window.read64: 8 bytes at offset 0x1c"))
    );
    assert!(run(Function::WindowReadBlock, vec![Argument::U64(0), Argument::U32(64_001)]).is_err());
    assert_eq!(state.borrow().window[2..4], [0xef, 0xbe]);
}

#[test]
fn the_screen_is_its_label_and_its_window() {
    let (mut with, _) = place(|state| {
        let window = state.add(Thing::Window(300), 0);
        vec![kernel("atoll:device/framebuffer", "640x480/2560", Some(window))]
    });
    let opened = call(&mut with, AtollDeviceFramebuffer, 0, &[]).expect("ok");
    let numbers: Vec<_> =
        opened.chunks(4).map(|word| u32::from_le_bytes(word.try_into().expect("a word"))).collect();
    assert_eq!(numbers, [0, 640, 480, 2560, 0]);
    own(&mut with, 0, Kind::WINDOW);
    let (mut without, _) = place(|_| vec![kernel("atoll:device/framebuffer", "", None)]);
    assert_eq!(
        call(&mut without, AtollDeviceFramebuffer, 0, &[]).expect("ok"),
        [1, 0, 0, 0, 1, 0, 0, 0]
    );
}

/// `domain.create` of a domain for a module.
pub(super) fn create(place: &mut Place<Fake>, name: &str, standby: bool) -> Vec<u8> {
    call(place, AtollSupervisionModules, 0, &[Argument::Bytes(b"there")]).expect("ok");
    let module = own(place, 0, Kind::MODULE);
    let arguments = [
        Argument::Bytes(name.as_bytes()),
        Argument::U64(1 << 20),
        Argument::U32(64),
        Argument::U32(16),
        Argument::U8(3),
        Argument::U32(0),
        Argument::U64(0),
        Argument::U64(0),
        Argument::U8(u8::from(standby)),
        Argument::Borrow(Kind::MODULE, module),
    ];
    let create = atoll_supervision_domains::Function::DomainCreate as u32;
    call(place, AtollSupervisionDomains, create, &arguments).expect("no trap")
}

#[test]
fn a_domain_starts_with_what_it_was_granted() {
    use atoll_supervision_domains::Function;
    let (mut place, state) = place(system);
    assert_eq!(create(&mut place, "child", false)[..4], [0; 4]);
    let domain = own(&mut place, 0, Kind::DOMAIN);
    let lent = || Argument::Borrow(Kind::DOMAIN, domain);
    call(&mut place, AtollSupervisionDomains, Function::EndpointNew as u32, &[]).expect("ok");
    let endpoint = own(&mut place, 0, Kind::ENDPOINT);
    let (input, _) = pipe(&mut place, 8);
    let label = || Argument::Bytes(b"uart");
    let import = |name: &'static [u8], policy| {
        let endpoint = Argument::Borrow(Kind::ENDPOINT, endpoint);
        let rest = vec![Argument::Bytes(name), endpoint, Argument::U32(policy)];
        (Function::DomainGrantEndpoint, rest)
    };
    let grants: [(Function, Vec<Argument<'_>>); 9] = [
        import(b"a:b/c", 0),
        import(b"a:b/retry", 1),
        import(b"a:b/trap", 2),
        (
            Function::DomainGrantExport,
            vec![Argument::Bytes(b"d:e/f"), Argument::Borrow(Kind::ENDPOINT, endpoint)],
        ),
        (
            Function::DomainGrantKernel,
            vec![Argument::Bytes(b"wasi:cli/exit"), Argument::Bytes(b""), Argument::U32(0)],
        ),
        (
            Function::DomainGrantKernel,
            vec![Argument::Bytes(b"atoll:device/irq"), label(), Argument::U32(1), Argument::U32(4)],
        ),
        (
            Function::DomainGrantKernel,
            vec![Argument::Bytes(b"atoll:log/log"), Argument::Bytes(b""), Argument::U32(5)],
        ),
        (
            Function::DomainGrantKernel,
            vec![
                Argument::Bytes(b"atoll:device/framebuffer"),
                Argument::Bytes(b""),
                Argument::U32(4),
            ],
        ),
        (Function::DomainGrantStdin, vec![Argument::Own(Kind::INPUT, input)]),
    ];
    for (function, rest) in grants {
        let arguments: Vec<_> = std::iter::once(lent()).chain(rest).collect();
        let granted = call(&mut place, AtollSupervisionDomains, function as u32, &arguments)
            .expect("no trap");
        assert_eq!(granted, [0; 4], "{function:?}");
    }
    let limits = (1..Limit::ALL.len() as u32).map(Argument::U32);
    let mut start = vec![lent(), Argument::U64(1 << 20)];
    start.extend(limits);
    start.extend([
        Argument::U32(1),
        Argument::U32(2),
        Argument::Bytes(b"child"),
        Argument::Bytes(b"-v"),
        Argument::U32(0),
    ]);
    let started = call(&mut place, AtollSupervisionDomains, Function::DomainStart as u32, &start)
        .expect("no trap");
    assert_eq!(started, [0; 4]);
    let (record, slots) = state.borrow().started[0].clone();
    let record = StartReader::read(&record).expect("well formed");
    assert_eq!(
        (record.name, record.arguments().collect::<Vec<_>>()),
        ("child", vec!["child", "-v"])
    );
    let limits: Vec<u64> = Limit::ALL.iter().map(|limit| record.limits.get(*limit)).collect();
    let sent = 1..Limit::ALL.len() as u64;
    assert_eq!(limits, std::iter::once(1 << 20).chain(sent).collect::<Vec<_>>());
    assert_eq!(record.options, Options { backtrace: true, snapshot: false });
    let lines: Vec<_> = record
        .grants()
        .map(|grant| (grant.kind, grant.interface, grant.label, grant.slot))
        .collect();
    assert_eq!(
        lines,
        [
            (GrantKind::Endpoint, "a:b/c", "", 0),
            (GrantKind::Endpoint, "a:b/retry", "", 1),
            (GrantKind::EndpointOrTrap, "a:b/trap", "", 2),
            (GrantKind::Export, "d:e/f", "", 3),
            (GrantKind::Kernel, "wasi:cli/exit", "", u32::MAX),
            (GrantKind::Kernel, "atoll:device/irq", "uart", 4),
            (GrantKind::Kernel, "atoll:log/log", "", 5),
            (GrantKind::Kernel, "atoll:device/framebuffer", "640x480/2560", 6),
            (GrantKind::Stream, "", "stdin", 7),
        ]
    );
    let granted = state.borrow().granted[..4].to_vec();
    let retry = rights::CALL | rights::RETRY;
    assert_eq!(granted, [rights::CALL, retry, rights::CALL, rights::SERVE]);
    assert!(slots.iter().all(|slot| slot.kind == SendSlot::Move as u32));
    let again = call(&mut place, AtollSupervisionDomains, Function::DomainStart as u32, &start)
        .expect("no trap");
    assert_eq!(again[..8], [1, 0, 0, 0, 1, 0, 0, 0], "already running");
    let status =
        call(&mut place, AtollSupervisionDomains, Function::DomainStatus as u32, &[lent()])
            .expect("ok");
    let mut status = Input::new(&status);
    assert_eq!((status.u32(), status.string()), (Ok(4), Ok("child")));
    assert_eq!(
        (status.u32(), status.u32(), status.u64()),
        (Ok(5), Ok(2), Ok(7)),
        "ended, trapped, 7"
    );
}

#[test]
fn a_domain_can_be_cloned_if_it_was_kept() {
    use atoll_supervision_domains::Function;
    let (mut place, state) = place(system);
    create(&mut place, "child", false);
    let domain = own(&mut place, 0, Kind::DOMAIN);
    let lent = [Argument::Borrow(Kind::DOMAIN, domain), Argument::U8(1)];
    let clone = Function::DomainClone as u32;
    let made = call(&mut place, AtollSupervisionDomains, clone, &lent).expect("ok");
    assert_eq!(made[..4], [0; 4]);
    let copy = own(&mut place, 0, Kind::DOMAIN);
    assert_ne!(copy, domain);
    for (status, case) in [(Status::NotReady, 0), (Status::QuotaExceeded, 4)] {
        state.borrow_mut().refusal = Some(status);
        let refused = call(&mut place, AtollSupervisionDomains, clone, &lent).expect("ok");
        assert_eq!(refused[..8], [1, 0, 0, 0, case, 0, 0, 0], "{status:?}");
    }
}

#[test]
fn grants_of_a_domain_that_never_starts_are_closed() {
    use atoll_supervision_domains::Function;
    let (mut place, state) = place(system);
    create(&mut place, "child", false);
    let domain = own(&mut place, 0, Kind::DOMAIN);
    let arguments = [
        Argument::Borrow(Kind::DOMAIN, domain),
        Argument::Bytes(b"atoll:device/port-io"),
        Argument::Bytes(b""),
        Argument::U32(2),
        Argument::U16(0x60),
        Argument::U32(5),
    ];
    call(&mut place, AtollSupervisionDomains, Function::DomainGrantKernel as u32, &arguments)
        .expect("ok");
    assert!(state.borrow().holds(&Thing::Ports(5)));
    place.drop_resource(
        Target::Provided(AtollSupervisionDomains as u32),
        Kind::DOMAIN.resource,
        domain,
    );
    assert!(!state.borrow().holds(&Thing::Ports(5)) && !state.borrow().holds(&Thing::Domain));
    assert_eq!(
        create(&mut place, &"n".repeat(33), false)[..8],
        [1, 0, 0, 0, 3, 0, 0, 0],
        "invalid name"
    );
}

#[test]
fn the_command_line_is_that_of_the_start_record() {
    let (mut place, state) = place(system);
    let arguments = call(&mut place, WasiCliEnvironment, 1, &[]).expect("ok");
    assert_eq!(arguments, *b"\x02\0\0\0\x06\0\0\0tester\x03\0\0\0one");
    let environment = call(&mut place, WasiCliEnvironment, 0, &[]).expect("ok");
    assert_eq!(environment, *b"\x01\0\0\0\x04\0\0\0HOME\x01\0\0\0/");
    assert!(
        call(&mut place, WasiCliExit, 1, &[Argument::U8(42)]).is_err(),
        "nothing comes after it"
    );
    assert_eq!(state.borrow().exits, [(1, 42, String::new())]);
    state.borrow_mut().now = 2_500_000_000;
    let now = call(&mut place, WasiClocksWallClock, 0, &[]).expect("ok");
    let mut now = Input::new(&now);
    assert_eq!((now.u64(), now.u32()), (Ok(1_002), Ok(500_000_000)));
    let machine = call(&mut place, AtollIntrospectionSystem, 0, &[]).expect("ok");
    assert_eq!((machine.len(), Input::new(&machine).u64()), (56, Ok(100)));
    let first = call(&mut place, WasiRandomInsecure, 1, &[]).expect("ok");
    assert_ne!(first, call(&mut place, WasiRandomInsecure, 1, &[]).expect("ok"));
}
