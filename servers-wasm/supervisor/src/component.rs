//! The component: its world's imports behind the trait [`Kernel`], its exports on a [`Supervisor`].

mod adopted;
mod convert;
mod handover;
mod service;
mod swapping;
mod uploads;

use std::cell::RefCell;

use atoll_system_description::{Domain, Isolation, OnCrash, Signer};

use crate::{
    kernel::{self, Adopted, Authority, Beginning, Kernel, Level, Phase, Pulse, Streams},
    supervisor::Supervisor,
};

atoll_sdk::bindings!("atoll:servers/supervisor" in "../../wit");

use bindings::{
    atoll::{
        clocks::monotonic,
        io::{events::Event, watch},
        lifecycle::capsule,
        log::log,
        supervision::{
            domains::{self, Capsule, Config, Couple, Endpoint, RuntimeOptions},
            guardian, machine,
            modules::Module,
            types::{DomainState, DomainStatus, HandleInfo},
        },
    },
    exports::atoll::{io::handler, lifecycle::start},
    wasi::io::{
        poll::Pollable,
        streams::{InputStream, OutputStream},
    },
};

/// Most bytes that `module.read` gives at once.
const CHUNK: u32 = 60_000;

/// The kernel interfaces of the world.
struct World;

impl Kernel for World {
    type Endpoint = Endpoint;
    type Capsule = Capsule;
    type Module = Module;
    type Domain = domains::Domain;
    type Pollable = Pollable;
    type Event = Event;
    type Input = InputStream;
    type Output = OutputStream;
    type Status = DomainStatus;
    type Handle = HandleInfo;

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Error => log::Level::Error,
            Level::Warn => log::Level::Warn,
            Level::Info => log::Level::Info,
            Level::Debug => log::Level::Debug,
        };
        log::write(level, text);
    }

    fn now(&self) -> u64 {
        monotonic::now()
    }

    fn read_module(&self, name: &str) -> Result<Vec<u8>, kernel::Error> {
        let module = Module::open(name)?;
        let size = module.size();
        let mut bytes = Vec::new();
        loop {
            let offset = bytes.len() as u64;
            let chunk = if offset < size { module.read(offset, CHUNK) } else { Vec::new() };
            if chunk.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&chunk);
        }
    }

    fn read_part(&self, name: &str, offset: u64, count: u32) -> Result<Vec<u8>, kernel::Error> {
        Ok(Module::open(name)?.read(offset, count))
    }

    fn make_module(&self, name: &str, size: u64) -> Result<Module, kernel::Error> {
        Ok(Module::create(name, size)?)
    }

    fn fill_module(&self, module: &Module, bytes: &[u8]) -> Result<(), kernel::Error> {
        Ok(module.append(bytes)?)
    }

    fn open_module(&self, name: &str) -> Result<Module, kernel::Error> {
        Ok(Module::open(name)?)
    }

    fn make_endpoint(&self) -> Endpoint {
        Endpoint::new()
    }

    fn hold_calls(&self, endpoint: &Endpoint, hold: bool) {
        endpoint.hold_calls(hold);
    }

    fn revoke_objects(&self, endpoint: &Endpoint) -> u64 {
        endpoint.revoke_objects()
    }

    fn twin(
        &self,
        endpoint: &Endpoint,
        server: &domains::Domain,
    ) -> Result<Endpoint, kernel::Error> {
        Ok(endpoint.twin(server)?)
    }

    fn publish(
        &self,
        endpoint: &Endpoint,
        interface: &str,
        number: u64,
    ) -> Result<(), kernel::Error> {
        Ok(endpoint.publish(interface, number)?)
    }

    fn make_capsule(&self, limit: u64) -> Result<Capsule, kernel::Error> {
        Ok(Capsule::create(limit)?)
    }

    fn create(
        &self,
        name: &str,
        plan: &Domain,
        standby: bool,
    ) -> Result<domains::Domain, kernel::Error> {
        let config = Config {
            name: name.to_string(),
            memory_limit: plan.memory,
            handle_limit: plan.limits.kernel_handles,
            call_limit: plan.limits.calls,
            priority: plan.priority,
            isolation: match plan.isolation {
                Isolation::Kernel => domains::Isolation::Kernel,
                Isolation::User => domains::Isolation::User,
            },
            budget_ns: plan.budget.map_or(0, |budget| budget.use_ns),
            period_ns: plan.budget.map_or(0, |budget| budget.period_ns),
            standby,
        };
        let component = Module::open(&plan.component)?;
        Ok(domains::Domain::create(&config, &component)?)
    }

    fn clone_domain(
        &self,
        original: &domains::Domain,
        standby: bool,
    ) -> Result<domains::Domain, kernel::Error> {
        Ok(original.clone(standby)?)
    }

    fn set_heir(
        &self,
        domain: &domains::Domain,
        heir: &domains::Domain,
    ) -> Result<(), kernel::Error> {
        Ok(domain.set_heir(heir)?)
    }

    fn grant_endpoint(
        &self,
        domain: &domains::Domain,
        interface: &str,
        to: &Endpoint,
        on_crash: OnCrash,
    ) -> Result<(), kernel::Error> {
        Ok(domain.grant_endpoint(interface, to, on_crash.into())?)
    }

    fn grant_export(
        &self,
        domain: &domains::Domain,
        interface: &str,
        on: &Endpoint,
    ) -> Result<(), kernel::Error> {
        Ok(domain.grant_export(interface, on)?)
    }

    fn grant_kernel(
        &self,
        domain: &domains::Domain,
        interface: &str,
        label: &str,
        authority: Authority,
    ) -> Result<(), kernel::Error> {
        Ok(domain.grant_kernel(interface, label, authority.into())?)
    }

    fn grant_capsule(
        &self,
        domain: &domains::Domain,
        capsule: &Capsule,
    ) -> Result<(), kernel::Error> {
        Ok(domain.grant_capsule(capsule)?)
    }

    fn grant_streams(
        &self,
        domain: &domains::Domain,
        streams: Streams<InputStream, OutputStream>,
    ) -> Result<(), kernel::Error> {
        domain.grant_stdin(streams.input)?;
        domain.grant_stdout(streams.output)?;
        Ok(domain.grant_stderr(streams.error)?)
    }

    fn add_signer(&self, domain: &domains::Domain, signer: &Signer) -> Result<(), kernel::Error> {
        Ok(domain.add_signer(&signer.name, &signer.key)?)
    }

    fn start(
        &self,
        domain: &domains::Domain,
        plan: &Domain,
        snapshot: bool,
        arguments: &[String],
    ) -> Result<(), kernel::Error> {
        let all =
            [(plan.backtrace, RuntimeOptions::BACKTRACE), (snapshot, RuntimeOptions::SNAPSHOT)];
        let wanted = all.into_iter().filter(|(wanted, _)| *wanted);
        let options = wanted.fold(RuntimeOptions::empty(), |options, (_, option)| options | option);
        Ok(domain.start(plan.limits.into(), options, arguments, &plan.environment)?)
    }

    fn kill(&self, domain: &domains::Domain) {
        domain.kill();
    }

    fn phase(&self, domain: &domains::Domain) -> Phase {
        domain.status().into()
    }

    fn status(&self, domain: &domains::Domain) -> DomainStatus {
        domain.status()
    }

    fn calls_open(&self, domain: &domains::Domain) -> u64 {
        domain.status().calls_open.into()
    }

    fn stands_still(&self, domain: &domains::Domain) -> bool {
        let status = domain.status();
        let waits = status.state == DomainState::Calling;
        status.calls_open > 0 && status.calls_served == 0 && !waits
    }

    fn quiesce(
        &self,
        domain: &domains::Domain,
        next: &domains::Domain,
    ) -> Result<(), kernel::Error> {
        Ok(domain.quiesce(next)?)
    }

    fn thaw(&self, domain: &domains::Domain) -> Result<(), kernel::Error> {
        Ok(domain.thaw()?)
    }

    fn take_over(&self, old: &domains::Domain, new: &domains::Domain) -> Result<(), kernel::Error> {
        Ok(new.take_over(old)?)
    }

    fn commit(&self, pairs: &[(&domains::Domain, &domains::Domain)]) -> Result<(), kernel::Error> {
        Ok(domains::commit(&couples(pairs))?)
    }

    fn revert(&self, pairs: &[(&domains::Domain, &domains::Domain)]) -> Result<(), kernel::Error> {
        Ok(domains::revert(&couples(pairs))?)
    }

    fn probe(&self, domain: &domains::Domain, number: u64) -> Result<(), kernel::Error> {
        Ok(domain.probe(number)?)
    }

    fn pulse(&self, domain: &domains::Domain) -> Pulse {
        let domains::Pulse { answered, verdict, is_calling } = domain.pulse();
        Pulse { answered, verdict, is_calling }
    }

    fn handles(&self, domain: &domains::Domain) -> Vec<HandleInfo> {
        domain.handles()
    }

    fn changes(&self, domain: &domains::Domain) -> Pollable {
        domain.subscribe()
    }

    fn timer(&self, after_ns: u64) -> Pollable {
        monotonic::subscribe_duration(after_ns)
    }

    fn watch(&self, source: &Pollable, token: u64) {
        watch::watch(source, token);
    }

    fn read_record(&self, record: u32) -> Option<Vec<u8>> {
        capsule::read(record)
    }

    fn write_record(&self, record: u32, bytes: &[u8]) -> Result<(), kernel::Error> {
        capsule::write(record, bytes)
            .map_err(|_| kernel::Error::OutOfResources("the capsule is full".to_string()))
    }

    fn began(&self) -> Beginning {
        let guardian::Beginning { component, before } = guardian::began();
        Beginning { component, before }
    }

    fn endpoint_id(&self, endpoint: &Endpoint) -> u32 {
        endpoint.id()
    }

    fn capsule_id(&self, capsule: &Capsule) -> u32 {
        capsule.id()
    }

    fn domain_id(&self, domain: &domains::Domain) -> u32 {
        domain.id()
    }

    fn adopt_endpoints(&self) -> Vec<(u32, Endpoint)> {
        let all = guardian::adopt_endpoints().into_iter();
        all.map(|endpoint| (endpoint.id(), endpoint)).collect()
    }

    fn adopt_capsules(&self) -> Vec<(u32, Capsule)> {
        let all = guardian::adopt_capsules().into_iter();
        all.map(|capsule| (capsule.id(), capsule)).collect()
    }

    fn adopt_domains(&self) -> Vec<Adopted<domains::Domain>> {
        guardian::adopt_domains().into_iter().map(adopted::look_at).collect()
    }

    fn settle(&self) {
        guardian::settle();
    }

    fn make_successor(&self, component: &str) -> Result<domains::Domain, kernel::Error> {
        let component = Module::open(component)?;
        Ok(guardian::make_successor(&component)?)
    }

    fn succeed(
        &self,
        successor: &domains::Domain,
        deadline_ns: u64,
        probation_ns: u64,
    ) -> Result<(), kernel::Error> {
        Ok(guardian::succeed(successor, deadline_ns, probation_ns)?)
    }

    fn make_event(&self) -> Event {
        Event::new()
    }

    fn set_event(&self, event: &Event) {
        event.set();
    }

    fn subscribe(&self, event: &Event) -> Pollable {
        event.subscribe()
    }

    fn crash(&self) {
        crate::version::fail();
    }

    fn power(&self, action: kernel::Action) {
        machine::power(match action {
            kernel::Action::PowerOff => machine::Action::PowerOff,
            kernel::Action::Reboot => machine::Action::Reboot,
        });
    }
}

fn couples<'a>(pairs: &[(&'a domains::Domain, &'a domains::Domain)]) -> Vec<Couple<'a>> {
    pairs.iter().map(|&(old, new)| Couple { old, new }).collect()
}

thread_local! {
    /// The one supervisor. Calls into a component do not overlap, so it is never borrowed twice.
    static SUPERVISOR: RefCell<Supervisor<World>> = RefCell::new(Supervisor::new(World));
}

/// One call of the supervisor: what it changed is written down before anybody hears of it.
fn with<T>(act: impl FnOnce(&mut Supervisor<World>) -> T) -> T {
    SUPERVISOR.with_borrow_mut(|supervisor| {
        let result = act(supervisor);
        supervisor.keep();
        result
    })
}

struct Component;

impl start::Guest for Component {
    fn start() -> Result<(), String> {
        with(Supervisor::boot)
    }
}

impl handler::Guest for Component {
    fn ready(token: u64) {
        with(|supervisor| supervisor.ready(token));
    }
}

bindings::export!(Component);
