//! Making domains, quotas, introspection, the first domain's restarts, power.

use super::{Bench, PLAIN, copy, lengths};
use crate::arch::host::{self, Action};
use atoll_gate::call::{ObjectKind, Power, rights};
use atoll_gate::layout::{HEAP_BASE, HEAP_END};
use atoll_gate::message::MAX_PAYLOAD;
use atoll_gate::record::{
    DOMAIN_HANDLES, DomainStatus, HandleInfo, MachineStatus, Record, SYSTEM_DOMAINS, State,
    name_str,
};
use atoll_gate::start::{DomainConfig, GrantKind, StartReader};
use atoll_gate::{Call, Status};

#[test]
fn the_first_domain_has_all_authority() {
    let mut bench = Bench::new();
    let start = bench.message(bench.init);
    let record = StartReader::read(&start.payload).expect("a start record");
    assert_eq!(record.name, "supervisor");
    assert!(record.grants().all(|grant| grant.kind == GrantKind::Kernel));
    assert!(
        record
            .grants()
            .any(|grant| grant.interface == "atoll:supervision/domains" && grant.slot == 0)
    );
    assert_eq!(bench.kind(bench.init, bench.system), Some(ObjectKind::System));
    assert_eq!(bench.kind(bench.init, bench.log), Some(ObjectKind::Log));
}

#[test]
fn a_domain_becomes_ready_once() {
    let mut bench = Bench::new();
    let (domain, control) = bench.create(PLAIN);
    let init = bench.init;
    assert_eq!(bench.status(control).0.state, State::Created as u32);
    bench.expect(init, Call::Watch, [control.into(), 1]);
    bench.expect(init, Call::StartDomain, [control.into(), 0]);
    assert_eq!(bench.fails(init, Call::StartDomain, [control.into(), 0]), Status::Invalid);
    bench.nothing(init);
    assert_eq!(bench.status(control).0.state, State::Starting as u32);
    bench.expect(domain, Call::Ready, []);
    bench.expect(domain, Call::Ready, []);
    assert_eq!(bench.take(init).id, 1);
    // Not read yet: a new watch is ready at once; read: it is not.
    bench.expect(init, Call::Watch, [control.into(), 2]);
    assert_eq!(bench.take(init).id, 2);
    assert_eq!(bench.status(control).0.state, State::Running as u32);
    bench.expect(init, Call::Watch, [control.into(), 3]);
    bench.nothing(init);
}

#[test]
fn asking_for_an_id_leaves_a_change_to_be_heard_of() {
    let mut bench = Bench::new();
    let (domain, control) = bench.create(PLAIN);
    bench.expect(bench.init, Call::StartDomain, [control.into(), 0]);
    bench.expect(domain, Call::Ready, []);
    let extent = bench.expect(bench.init, Call::Inspect, [control.into()]) >> 32;
    bench.expect(bench.init, Call::Watch, [control.into(), 7]);
    assert_eq!(bench.take(bench.init).id, 7);
    assert_eq!(extent, u64::from(bench.status(control).0.id));
}

#[test]
fn a_domain_tells_how_much_of_its_component_is_loaded() {
    let mut bench = Bench::new();
    let (domain, control) = bench.create(PLAIN);
    assert_eq!(bench.status(control).0.loaded, 0);
    bench.expect(bench.init, Call::StartDomain, [control.into(), 0]);
    bench.expect(domain, Call::Loaded, [42]);
    assert_eq!(bench.status(control).0.loaded, 42);
    for percent in [101, u64::MAX] {
        assert_eq!(bench.fails(domain, Call::Loaded, [percent]), Status::Invalid);
    }
    assert_eq!(bench.status(control).0.loaded, 42);
}

#[test]
fn a_domain_starts_with_its_component_and_stack() {
    let mut bench = Bench::new();
    let (domain, _) = bench.create(PLAIN);
    let context = bench.kernel.live(domain).expect("alive").1.space.context();
    let register = |name| {
        context.saved().named().into_iter().find(|(known, _)| *known == name).expect("a register").1
    };
    assert_eq!(register("rdi"), 4096);
    assert_eq!(register("rsi"), 0);
    assert_eq!(register("rip"), atoll_gate::layout::IMAGE_BASE);
    assert_eq!(register("rsp"), atoll_gate::layout::STACK_BASE + atoll_gate::layout::STACK_SIZE);
}

#[test]
fn configurations_are_checked() {
    let mut bench = Bench::new();
    let before = bench.footprint();
    let mut attempt = |config: DomainConfig<'_>| {
        let mut bytes = [0; 200];
        let mut writer = atoll_gate::start::Writer::new(&mut bytes);
        config.write(&mut writer);
        let len = writer.finish().expect("fits");
        bench.put(bench.init, &bytes[..len], &[]);
        let arguments = [bench.system.into(), bench.blob.into(), lengths(len, 0)];
        bench.fails(bench.init, Call::CreateDomain, arguments)
    };
    assert_eq!(attempt(DomainConfig { priority: 8, ..PLAIN }), Status::Invalid);
    assert_eq!(attempt(DomainConfig { handle_limit: 65_536, ..PLAIN }), Status::Invalid);
    assert_eq!(attempt(DomainConfig { budget_ns: 2, period_ns: 1, ..PLAIN }), Status::Invalid);
    assert_eq!(attempt(DomainConfig { memory_limit: 4096, ..PLAIN }), Status::QuotaExceeded);
    let (init, system, blob) = (bench.init, u64::from(bench.system), u64::from(bench.blob));
    assert_eq!(
        bench.fails(init, Call::CreateDomain, [system, blob, lengths(5, 0)]),
        Status::Invalid
    );
    assert_eq!(
        bench.fails(init, Call::CreateDomain, [system, blob, lengths(300, 0)]),
        Status::Invalid
    );
    assert_eq!(bench.fails(init, Call::CreateDomain, [blob, blob, 0]), Status::WrongKind);
    assert_eq!(bench.fails(init, Call::CreateDomain, [system, system, 0]), Status::WrongKind);
    assert_eq!(bench.footprint(), before);
}

#[test]
fn the_heap_is_bounded_by_range_and_quota() {
    let mut bench = Bench::new();
    let (domain, control, _) =
        bench.spawn_with(DomainConfig { memory_limit: 1 << 20, ..PLAIN }, &[]);
    bench.expect(domain, Call::Commit, [HEAP_BASE, 2]);
    assert_eq!(bench.fails(domain, Call::Commit, [HEAP_BASE + 4096, 1]), Status::Exists);
    assert_eq!(bench.fails(domain, Call::Commit, [HEAP_BASE + 8192, 256]), Status::QuotaExceeded);
    assert_eq!(bench.fails(domain, Call::Commit, [HEAP_BASE, u64::MAX]), Status::Invalid);
    assert_eq!(bench.fails(domain, Call::Commit, [HEAP_BASE, 1 << 52]), Status::Invalid);
    for base in [0, HEAP_BASE - 4096, HEAP_BASE + 1, HEAP_END, u64::MAX - 4095] {
        assert_eq!(bench.fails(domain, Call::Commit, [base, 1]), Status::Invalid);
        assert_eq!(bench.fails(domain, Call::Release, [base, 1]), Status::Invalid);
    }
    let memory = bench.status(control).0.memory;
    bench.expect(domain, Call::Release, [HEAP_BASE, 2]);
    assert_eq!(bench.status(control).0.memory, memory - 8192);
    assert_eq!(bench.fails(domain, Call::Release, [HEAP_BASE, 1]), Status::Invalid);
}

#[test]
fn domains_and_handles_are_listed() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    let (_, control, _) = bench
        .spawn_with(DomainConfig { name: "listed", ..PLAIN }, &[copy(bench.log, rights::READ)]);
    let len = bench.expect(init, Call::Read, [system, SYSTEM_DOMAINS, MAX_PAYLOAD as u64]) as usize;
    let bytes = bench.payload(init, len);
    let domains: Vec<_> = bytes.chunks(DomainStatus::LEN).filter_map(DomainStatus::read).collect();
    assert_eq!(
        domains.iter().map(|d| name_str(&d.name)).collect::<Vec<_>>(),
        ["supervisor", "listed"]
    );
    assert_eq!(
        bench.expect(init, Call::Read, [system, SYSTEM_DOMAINS + 1, u64::MAX]),
        DomainStatus::LEN as u64
    );
    assert_eq!(bench.expect(init, Call::Read, [system, SYSTEM_DOMAINS + 9, u64::MAX]), 0);
    assert_eq!(
        bench.expect(init, Call::Read, [system, SYSTEM_DOMAINS, DomainStatus::LEN as u64 - 1]),
        0
    );
    assert_eq!(bench.fails(init, Call::Read, [system, 7, u64::MAX]), Status::Invalid);
    let len = bench.expect(init, Call::Read, [system, 0, u64::MAX]) as usize;
    let machine = MachineStatus::read(&bench.payload(init, len)).expect("a record");
    assert!(machine.memory_free < machine.memory_total);
    let len = bench.expect(init, Call::Read, [control.into(), DOMAIN_HANDLES, u64::MAX]) as usize;
    let handle = HandleInfo::read(&bench.payload(init, len)).expect("a record");
    assert_eq!((handle.kind, handle.rights), (ObjectKind::Log as u32, rights::READ));
    assert_eq!(len, HandleInfo::LEN);
}

#[test]
fn power_needs_its_right() {
    let mut bench = Bench::new();
    let (init, system) = (bench.init, u64::from(bench.system));
    let weak = bench.expect(init, Call::Copy, [system, u64::from(rights::ALL & !rights::POWER)]);
    let _ = host::take_actions();
    assert_eq!(bench.fails(init, Call::Power, [weak, Power::Off as u64]), Status::Denied);
    assert_eq!(bench.fails(init, Call::Power, [system, 3]), Status::Invalid);
    assert!(host::take_actions().is_empty());
    bench.fails(init, Call::Power, [system, Power::Off as u64]);
    assert!(host::take_actions().contains(&Action::PowerOff));
}
